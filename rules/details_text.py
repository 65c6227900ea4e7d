"""A letter's text as details are read from it: one spelling of each character, in sentences, with values and their roles marked."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as traces_from
from enum import Enum, auto

from rules.details_change import Field
from rules.lexicon import details_words as words
from rules.lexicon.details_beside import BESIDE_WORDS
from rules.lexicon.details_words import FILLER, VALUE

MAX_TEXT = 2000
"""Characters that are read: whoever changes a detail says so near the beginning."""

NAME_PARTS = frozenset({Field.SURNAME, Field.GIVEN_NAME, Field.PATRONYMIC})


class Role(Enum):
    """What the words around a value make of it."""

    NEW = auto()
    OLD = auto()
    CURRENT = auto()
    CONFIRMED = auto()
    NEUTRAL = auto()
    NOT_IT = auto()


@dataclass(slots=True)
class Mention:
    """A value in the text, in the ``sentence`` of that number.

    ``is_beside``: what tells its role stands right beside it, or is its label; ``is_named``: which field it is, is said; ``is_whole``: it
    is a part of a full name; ``is_unnamed``: no part of the name is spoken of, and its ending alone tells which it is; ``is_aside``:
    nothing but values stands in its sentence, as in a signature, or it only tells of letters and calls; ``traces``: which words gave it
    its role, and which took it away, for ``details_alike``.
    """

    field: Field
    value: str
    start: int
    end: int
    is_beside: bool = False
    is_named: bool = False
    is_whole: bool = False
    is_unnamed: bool = False
    is_aside: bool = False
    role: Role = Role.NEUTRAL
    sentence: int = 0
    traces: list[str] = traces_from(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as its cues are read (``letters``: same places, contacts blotted out), what stood before it, and its label's end."""

    start: int
    letters: str
    before: str
    is_on_same_line: bool
    label_end: int


_UNSEEN = dict.fromkeys([0x00AD, 0x2060, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0xE000, 0xE001])
_PLAIN = (
    _UNSEEN
    | dict.fromkeys([0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2212], "-")
    | dict.fromkeys(map(ord, "«»“”„‟‹›\u201a`*"), '"')
    | dict.fromkeys(map(ord, "‘’ʼʹ′"), "'")
    | {0x00A0: " ", 0x202F: " ", 0x2009: " ", 0x0259: "ә", 0x018F: "Ә", 0x0130: "I", 0x09: " "}
)


_TO_CHANGE = re.compile(f"[{re.escape(''.join(map(chr, _PLAIN)))}]")
_LINE_OF_MARKS = re.compile(r"([^\w\n])\1{3,}")
_GAP = re.compile(r"\s{4,}")


def cleaned(text: str) -> str:
    """Return the text in one spelling of each character."""
    text = text[:MAX_TEXT]
    text = _LINE_OF_MARKS.sub(r"\1\1\1", text.translate(_PLAIN) if _TO_CHANGE.search(text) else text)
    text = _GAP.sub(lambda gap: "\n" * min(gap[0].count("\n"), 2) or "   ", text)  # no pattern is to try a long one
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)[:MAX_TEXT]


# What ends a sentence stands first in the pattern, whatever must stand before it: so it is looked for quickly.
_STOP = re.compile(r"[!?;\n.](?:(?<!\.)[!?;\n]*|(?<=\.)(?:(?<![\s.]\w\.)(?<![\s.]\w\w\.)(?<![\s.]\w\w\w\.)(?=\s|\Z)|(?=\s+[^\W\d_]|\Z)))")
_LABEL = re.compile(r"[\W_]*+(?:(?:\d{1,2}|\w)\s?[.)]\s*)?(?P<label>[^:=\ue000]{2,40}?)\s?(?:[:=]|\s-(?=\s))[\s\"]*")
BESIDE = re.compile(rf"{BESIDE_WORDS.pattern}|[\W_]")


def sentences(letters: str) -> Iterator[Sentence]:
    """Yield the sentences; ``before`` is the one before, "" after an empty line that it does not lead over with a colon."""
    before, start = "", 0
    for stop in [*_STOP.finditer(letters), None]:
        end = stop.end() if stop else len(letters)
        sentence = letters[start:end]
        if sentence.strip():
            label = _LABEL.match(sentence) if ":" in sentence or "=" in sentence or "-" in sentence else None
            yield Sentence(
                start,
                sentence,
                before,
                bool(before) and "\n" not in letters[start - 1 : start],
                label.end() if label and _is_label(label["label"]) else 0,
            )
            before = sentence.strip() if re.search(r"\w", sentence) or not leads_over(before) else before
        if stop and stop[0].count("\n") > 1 and not leads_over(before):
            before = ""
        start = end


_BELOW = re.compile(r"(?<!\w)(?:below|following|ниже|следующ|томенде|келеси)")


def leads_over(sentence: str) -> bool:
    """Tell whether a sentence announces the next one."""
    return sentence.endswith(":") or _BELOW.search(sentence) is not None


def _is_label(label: str) -> bool:
    """Tell whether the words before a colon only name a field, and say perhaps that it is the old or the new one."""
    rest = words.ROLE.sub(" ", words.NAME_FIELD.sub(" ", label))
    for contact in words.CONTACT_FIELD.values():
        rest = contact.sub(" ", rest)
    return rest != label and not BESIDE.sub("", rest)


def blotted(letters: str, mentions: Sequence[Mention], offset: int = 0) -> str:
    """Return the text with a mark in the place of each value, of the value's length."""
    pieces: list[str] = []
    at = 0
    for each in mentions:
        start, end = each.start - offset, each.end - offset
        if start >= at:
            pieces += letters[at:start], VALUE, FILLER * (end - start - 1)
            at = end
    return "".join([*pieces, letters[at:]])
