"""What the likeness of a letter to labelled ones adds: it shows what no word of ours gives away, and doubts what reads like no request."""

from dataclasses import replace

from rules.details_change import Change
from rules.evidence.reading import (
    ANY_TYPE,
    ASKED_FOR,
    Reading,
    absorbed,
    changes_in,
    doubted,
    has_link,
    held,
    is_plain_update,
    request_for,
    update_of,
)
from rules.lexicon.grid import GRID
from rules.lexicon.letter import Letter
from rules.lexicon.marks import Marks
from rules.lexicon.senses import Sense
from rules.lexicon.sentence import demands, has
from rules.likeness import is_strange, kind_of, known_words, likeness, words_alike
from rules.vocabulary import Certainty, RequestType

UNLIKE = 0.35
"""The likeness below which a request is doubted."""

HALF_ALIKE = 0.2
"""The likeness from which on a letter that brings a new value of the writer's own is shown to a person."""

AS_LIKELY = 0.5
"""The likeness from which on a letter is as likely a request as ordinary business."""

ALIKE = 0.75
"""The likeness from which on a letter is shown to a person."""

VERY_ALIKE = 0.97
"""The likeness from which on a letter may be taken for a request, and not only shown."""

FEWEST_WORDS = 4
"""Words that other letters have too: of fewer nothing can be told ("What is that?", or garbage)."""

LEADS_A_LITTLE, LEADS = 1.0, 2.0
"""How far one type leads the next: to be named as what is meant, and to doubt another type that the words name."""


def hear_what_is_alike(letter: Letter, marks: Marks) -> Reading | None:
    """Nothing of ours stands in it, and yet its words are those of people who ask."""
    if letter.body is None or likeness(letter) < HALF_ALIKE or has_link(letter.body_text) or is_strange(letter):
        return None
    kind, lead = kind_of(letter)
    is_led = lead >= LEADS_A_LITTLE
    if (kind is RequestType.UPDATE or not is_led) and (changes := _changes_of_writer(letter)):
        return _update_like(letter, changes, marks)
    if (
        likeness(letter) < ALIKE
        or known_words(letter) < FEWEST_WORDS
        or any(has(text, Sense.SUBSCRIBE) for text in (letter.subject, *letter.telling))
    ):
        return None
    is_own = kind is not RequestType.UPDATE or any(has(text, Sense.MY) for text in (letter.subject, *(letter.body or ())))
    if is_led and is_own and likeness(letter) >= VERY_ALIKE and _names_what_it_is_done_to(letter, kind):
        return _request_like(letter, kind, marks)
    reading = held("No words of it are known to ask, but it is written like letters that do.", ANY_TYPE)
    return replace(reading, type=kind if is_led else None, matched=words_alike(letter), is_plausible=False)


def settle(letter: Letter, types: list[RequestType], marks: Marks) -> Reading | None:
    """Return the request that ``letter`` is like, where words of ours say no more than that it may be one of ``types``."""
    kind, lead = kind_of(letter)
    is_clear = kind in types and lead >= LEADS_A_LITTLE and likeness(letter) >= AS_LIKELY
    return _request_like(letter, kind, marks) if is_clear else None


def hear_ordinary_mail(letter: Letter, reading: Reading) -> Reading | None:
    """Words of ours stand in it, and yet it is written like ordinary letters, the sentences that demand something as well."""
    if reading.by_mark or letter.body is None or all(word.senses for sentence in letter.body for word in sentence):
        return None
    if likeness(letter) >= UNLIKE or likeness(_asking(letter)) >= ALIKE or is_plain_update(letter, reading):
        return None
    return doubted(reading, "It has words that ask, but it is written like ordinary letters.")


def hear_another_type(letter: Letter, reading: Reading) -> Reading | None:
    """Words of ours make a guess at what is asked, and yet it is written like letters that ask something else."""
    if reading.by_mark or letter.body is None or reading.certainty is not Certainty.GUESS or reading.type is None:
        return None
    kind, lead = kind_of(letter)
    if lead < LEADS or absorbed([reading.type, kind]) == [reading.type] or is_plain_update(letter, reading):
        return None
    reason = "It has words that ask one thing, but it is written like letters that ask another."
    return replace(doubted(reading, reason), may_be=(reading.type, kind))


def _changes_of_writer(letter: Letter) -> tuple[Change, ...]:
    """Return what is to be changed in the writer's own details; a firm tells its new telephone as well."""
    if any(has(text, Sense.OUR) for text in letter.telling):
        return ()
    is_own = likeness(letter) >= ALIKE or any(has(text, Sense.MY, Sense.ME) for text in (letter.subject, *letter.telling))
    return changes_in(letter, sought=True) if is_own else ()


def _update_like(letter: Letter, changes: tuple[Change, ...], marks: Marks) -> Reading:
    """Return the update that ``changes`` make, or hold a letter that is otherwise like business."""
    if likeness(letter) >= AS_LIKELY:
        return update_of(changes, marks)
    reading = held("It brings a new number, address or name, but it is written like ordinary letters.", (RequestType.UPDATE,))
    return replace(reading, is_plausible=False)


def _asking(letter: Letter) -> Letter:
    """Return ``letter`` with no more than its subject and the sentences that demand something: people tell a story around a demand."""
    return replace(letter, body=tuple(sentence for sentence in letter.acting if demands(sentence)))


def _request_like(letter: Letter, kind: RequestType, marks: Marks) -> Reading:
    reason = f"It is written like letters that ask {ASKED_FOR[kind]}."
    return request_for(marks, kind, words_alike(letter), Certainty.GUESS, reason)


def _names_what_it_is_done_to(letter: Letter, kind: RequestType) -> bool:
    """Tell whether a word of ours names what requests of this type are about: the mailing, the data, the consent."""
    return any(has(text, *_DONE_TO.get(kind, ())) for text in (letter.subject, *letter.telling))


# Everybody writes of himself, and many a list is one of goods.
_DONE_TO = {
    kind: tuple({sense for objects in GRID.values() for sense, each in objects.items() if each is kind} - {Sense.ME, Sense.LIST})
    for kind in ASKED_FOR
}
