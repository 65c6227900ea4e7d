"""What an update asks to change: which detail, from what, to what.

Values are found where they stand (``details_contact``, ``details_names``); the words around each tell whether it is the old or the
new one, and whose (``details_roles``). In doubt nothing is proposed: a person is asked back rather than recorded wrongly.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice

from rules.details_alike import Told, weighed
from rules.details_change import Change, Field
from rules.details_contact import contacts_in
from rules.details_names import name_mentions
from rules.details_roles import Ownership, read_roles
from rules.details_spelling import is_another_name
from rules.details_text import MAX_TEXT, NAME_PARTS, Mention, Role, Sentence, blotted, cleaned, leads_over, sentences
from rules.details_typed import as_meant
from rules.lexicon import details_words as words
from rules.lexicon.details_words import same_letters
from rules.normal_form import unwrapped

MOST_OF_A_SUBJECT = 200
MOST_SENTENCES = 150
MOST_VALUES = 20
"""Values in one letter; a list of more is no person's change of details."""


def proposed(subject: str, own_words: str, *, sender: str | None) -> tuple[Change, ...]:
    """Return the changes that a person's own words ask for, in the order in which they stand.

    Recognition asks for those of a letter before it is known to be an update. A sender who is not named makes no difference.
    """
    named = sender.lower() if sender and sender.lower() in own_words.lower() else None
    return _proposed(subject[:MOST_OF_A_SUBJECT], own_words[:MAX_TEXT], named)


@lru_cache(4)
def _proposed(subject: str, own_words: str, sender: str | None) -> tuple[Change, ...]:
    return weighed(told_by_words(subject, own_words, sender=sender))


def told_by_words(subject: str, own_words: str, *, sender: str | None) -> Told:
    """Return what the words alone tell of the values of a letter."""
    title, text, address = cleaned(subject[:MOST_OF_A_SUBJECT]), cleaned(own_words), sender.lower() if sender else None
    spoken_of = as_meant(title)[1]
    told = _told(text, spoken_of, address)
    if told.changes or unwrapped(title).is_reply or not (any(contacts_in(title)) or _SECOND_CAPITAL.search(title)):
        return told
    return _told(f"{title}\n{text}", spoken_of, address)  # the value may stand in the subject


def _told(text: str, title: str, sender: str | None) -> Told:
    found = _mentions(text, title)
    if len(found) > MOST_VALUES:
        return Told(text, title, sender, (), ())
    return Told(text, title, sender, found, tuple(_decided(found, sender)))


def _mentions(text: str, title: str) -> list[Mention]:
    """Return the values of the text, each with its role."""
    contacts = [Mention(each.field, each.value, each.start, each.end) for each in contacts_in(text)]
    if len(contacts) > MOST_VALUES:
        return contacts
    text, letters = as_meant(blotted(text, contacts)) if contacts or len(text) <= _SHORT else (text, same_letters(text))
    found: list[Mention] = []
    last = max((each.start for each in contacts), default=0)
    whose = Ownership(title)
    topic = _topic(title, "surname" if words.MARRIED.search(letters) else None)
    for number, sentence in enumerate(islice(sentences(words.KAZAKH_OR.sub("or", letters)), MOST_SENTENCES)):
        if found and contacts and sentence.start > last and number - found[-1].sentence > _READ_AFTER:
            break
        end = sentence.start + len(sentence.letters)
        here = [each for each in contacts if sentence.start <= each.start < end]
        written = text[sentence.start : end]
        named = name_mentions(written, sentence, topic, text) if _may_name(written, sentence, topic) else []
        topic = _topic(sentence.letters, topic)
        here = sorted(here + named, key=lambda mention: mention.start)
        if contacts and found and not here and sentence.start > last and number - found[-1].sentence > _HEARD_AFTER:
            continue
        if len(found) + len(here) > MOST_VALUES:
            return found + here
        read_roles(sentence, here, title)
        is_item = sentence.label_end and (
            _ITEM.fullmatch(sentence.before) or _ITEM.match(sentence.letters) or ";" in text[max(0, sentence.start - 2) : sentence.start]
        )
        for mention in here if is_item and any(each.role is Role.NEW for each in found) else ():
            mention.role = Role.NEW if mention.role is Role.NEUTRAL and mention.field not in NAME_PARTS else mention.role
        said = blotted(sentence.letters, named, sentence.start)
        whose.strike_out(said, here, found, sentence.start)
        for mention in here:
            mention.sentence, mention.is_aside = number, _is_aside(said, sentence.before)
        found += here
    whose.strike_in_the_end(found)
    return found


def _may_name(written: str, sentence: Sentence, topic: str | None) -> bool:
    """Tell whether a name may stand in a sentence: behind a label or with a capital, or as all there is of it."""
    is_continued = topic is not None and sentence.is_on_same_line
    return bool(sentence.label_end or is_continued or _SECOND_CAPITAL.search(written))


def _is_aside(said: str, before: str) -> bool:
    """Tell whether a sentence holds nothing but values and nothing leads over to it, or only tells of letters and calls."""
    return not (_WORD.search(said) or leads_over(before)) or bool(words.REPORTED.search(said))


_READ_AFTER = 8
"""Sentences behind the last value and the last contact in which a name may still be told."""
_HEARD_AFTER = 4
"""Sentences behind the last value in which it may be explained or taken back."""
_SHORT = 200
"""Characters of a text without a contact from which on nobody has typed a name on the wrong layout."""
_ITEM = re.compile(r"\W*\d{1,2}[.)]")  # in a list where one item is called new, the contacts of the others are
_WORD = re.compile(r"\w")
_SECOND_CAPITAL = re.compile(r"^\W*\w.*?[A-ZА-ЯЁӘІҢҒҮҰҚӨҺ]|[\"]", re.DOTALL)
"""A capital that is not owed to the beginning of the sentence, or a quotation mark: without them no name stands in it."""


def _topic(letters: str, before: str | None) -> str | None:
    """Return the part of the name that was named last."""
    named = [found.lastgroup for found in words.NAME_FIELD.finditer(letters)]
    return named[-1] if named else before


def _decided(found: list[Mention], sender: str | None) -> Iterator[Change]:
    """Yield a change for each field that has one new value and no other that may be it."""
    found = _without_explained(found)
    is_told = any(each.role in (Role.NEW, Role.CURRENT) for each in found)
    old_names = {each.field for each in found if each.role is Role.OLD and each.field in NAME_PARTS}
    for field in dict.fromkeys(each.field for each in found):
        mentions = [each for each in found if each.field is field]
        new, old = _new_and_old(mentions, others_told=is_told or (field in NAME_PARTS and bool(old_names - {field})))
        if field is Field.EMAIL and sender in new and (len(new) > 1 or sender not in _values(mentions, Role.NEW)):
            new, old = [each for each in new if each != sender], old or [sender]
        if len(new) == 1 and new[0] not in old and (_is_named(mentions, new[0]) or is_another_name(old, new[0])):
            yield Change(field, old[0] if len(old) == 1 else None, new[0])


def _new_and_old(mentions: Sequence[Mention], *, others_told: bool) -> tuple[list[str], list[str]]:
    """Return the values of a field that may be the new one, and the old ones.

    Where any value of the letter is called new, one that nothing is said of only tells who writes, unless it stands against an old one.
    """
    new, current, confirmed = (_values(mentions, role) for role in (Role.NEW, Role.CURRENT, Role.CONFIRMED))
    old = [each for each in _values(mentions, Role.OLD) if each not in confirmed]
    likely = _likely(mentions)
    if new or (confirmed and (old or not others_told)):
        return new or confirmed, old + current
    if likely and (old or current or not others_told):
        return likely, old + current
    return ([], old) if likely else (current, old)


def _values(mentions: Sequence[Mention], role: Role) -> list[str]:
    return list(dict.fromkeys(each.value for each in mentions if each.role is role))


def _likely(mentions: Sequence[Mention]) -> list[str]:
    """Return the values that no word calls new, and that are: named, beside an old one, or the only contact."""
    is_only = len(mentions) == 1 and mentions[0].field not in NAME_PARTS and not mentions[0].is_aside
    olds = {each.sentence for each in mentions if each.role is Role.OLD}
    beside_old = [
        each for each in mentions if is_only or each.is_named or not olds.isdisjoint({each.sentence, each.sentence - 1, each.sentence + 1})
    ]
    return _values(beside_old, Role.NEUTRAL)


def _is_named(mentions: Sequence[Mention], value: str) -> bool:
    return any(each.is_whole or not each.is_unnamed for each in mentions if each.value == value)


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
