"""What an update asks to change: which detail, from what, to what.

Values are found where they stand (``details_contact``, ``details_names``); the words around each tell whether it is the old or the
new one, and whose (``details_roles``). In doubt nothing is proposed: a person is asked back rather than recorded wrongly.
"""

import re
from collections.abc import Iterator, Sequence

from rules.details_change import Change, Field
from rules.details_contact import contacts_in
from rules.details_names import name_mentions
from rules.details_roles import Ownership, read_roles
from rules.details_spelling import writer_of
from rules.details_text import NAME_PARTS, Mention, Role, blotted, cleaned, sentences
from rules.lexicon import details_words as words
from rules.lexicon.details_words import same_letters
from rules.normal_form import unwrapped

MOST_OF_A_SUBJECT = 200
MOST_VALUES = 40
"""Values in one letter; a list of more is no person's change of details."""


def proposed(subject: str, own_words: str, *, sender: str | None) -> tuple[Change, ...]:
    """Return the changes that a person's own words ask for, in the order in which they stand."""
    title, text, address = cleaned(subject[:MOST_OF_A_SUBJECT]), cleaned(own_words), sender.lower() if sender else None
    changes = _changes(text, title, address)
    if changes or unwrapped(title).is_reply:
        return changes
    return _changes(f"{title}\n{text}", title, address)  # the value may stand in the subject


def _changes(text: str, title: str, sender: str | None) -> tuple[Change, ...]:
    found = _mentions(text, same_letters(title))
    return tuple(_decided(found, sender)) if len(found) <= MOST_VALUES else ()


def _mentions(text: str, title: str) -> list[Mention]:
    """Return the values of the text, each with its role."""
    contacts = [Mention(each.field, each.value, each.start, each.end) for each in contacts_in(text)]
    if len(contacts) > MOST_VALUES:
        return contacts
    text = blotted(text, contacts)
    letters = same_letters(text)
    found: list[Mention] = []
    whose = Ownership(title)
    topic = _topic(title, None)
    writer = writer_of(text)
    for number, sentence in enumerate(sentences(letters)):
        end = sentence.start + len(sentence.letters)
        here = [each for each in contacts if sentence.start <= each.start < end]
        written = text[sentence.start : end]
        named = name_mentions(written, sentence, topic, writer) if sentence.label_end or _SECOND_CAPITAL.search(written) else []
        topic = _topic(sentence.letters, topic)
        here = sorted(here + named, key=lambda mention: mention.start)
        read_roles(sentence, here, title)
        whose.strike_out(blotted(sentence.letters, named, sentence.start), here, found, sentence.start)
        for mention in here:
            mention.sentence = number
        found += here
        if len(found) > MOST_VALUES:
            break
    return found


_SECOND_CAPITAL = re.compile(r"^\W*\w.*?[A-ZА-ЯЁӘІҢҒҮҰҚӨҺ]|[\"]", re.DOTALL)
"""A capital that is not owed to the beginning of the sentence, or a quotation mark: without them no name stands in it."""


def _topic(letters: str, before: str | None) -> str | None:
    """Return the part of the name that was named last."""
    named = [found.lastgroup for found in words.NAME_FIELD.finditer(letters)]
    return named[-1] if named else before


def _decided(found: list[Mention], sender: str | None) -> Iterator[Change]:
    """Yield a change for each field that has one new value and no other that may be it."""
    told = any(mention.role in (Role.NEW, Role.CURRENT) for mention in found)
    found = _without_explained(found)
    for field in dict.fromkeys(mention.field for mention in found):
        mentions = [each for each in found if each.field is field]
        new, old, likely = _values(mentions, Role.NEW), _values(mentions, Role.OLD), _likely(mentions)
        current, confirmed = _values(mentions, Role.CURRENT), _values(mentions, Role.CONFIRMED)
        if not new and confirmed and (old or not told):
            new = confirmed
        if new or likely:
            old = old + current
        else:
            new = current
        if not new and (old or not told):
            new = likely
        if field is Field.EMAIL and sender in new and (len(new) > 1 or sender not in _values(mentions, Role.NEW)):
            new = [each for each in new if each != sender]
            old = old or [sender] if sender else old
        if len(new) == 1 and new[0] not in old:
            yield Change(field, old[0] if len(old) == 1 else None, new[0])


def _values(mentions: Sequence[Mention], role: Role) -> list[str]:
    return list(dict.fromkeys(each.value for each in mentions if each.role is role))


def _likely(mentions: Sequence[Mention]) -> list[str]:
    """Return the values that no word calls new, and that are: their field is named, or they stand beside an old one."""
    olds = {each.sentence for each in mentions if each.role is Role.OLD}
    beside_old = [each for each in mentions if each.is_named or not olds.isdisjoint({each.sentence, each.sentence - 1, each.sentence + 1})]
    return _values(beside_old, Role.NEUTRAL)


def _without_explained(found: list[Mention]) -> list[Mention]:
    """Return the values without what of a full name did not change, and without names that are told by nothing but their ending."""
    olds = {each.field for each in found if each.role is Role.OLD}
    names_change = olds & NAME_PARTS
    return [
        each
        for each in found
        if not (each.is_whole and each.role is Role.NEW and names_change and each.field not in olds)
        and (not each.is_unnamed or each.field in olds or (each.is_whole and each.is_beside))
    ]
