"""The words of the lines with which staff answer the digest; they stand in ``lexicon/orders.toml``.

Each is looked up without case, alphabet and doubled letters, with one slip of the pen, or typed on another keyboard. What was written is
kept beside it, for it may go into a letter.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from rules.lexicon.slips import Slips
from rules.normal_form import LAYOUTS, folded, plain, skeleton

_PIECE = re.compile(
    r"[^\s@]{1,64}@[^\s@]{1,255}"
    r"|\d{4}-\d{1,2}-\d{1,2}(?!\d)|\d{1,2}\.\d{1,2}(?:\.\d{2,4})?(?!\.?\d)"
    r"|\d{1,2}:\d\d|(?:\+7|8)[ (-]{0,2}\d{3}[ )-]{0,2}\d{3}[ -]?\d\d[ -]?\d\d(?!\d)|\d+"
    r"|[^\W\d_](?:[\w'’-]{0,60}\w)?"
    r"|\S"
)
_UNSEEN = re.compile("[\u034f\ufe00-\ufe0f\u20e3]")
"""Marks upon a character that print, and change nothing that is read."""

_SHORTEST_TYPED = 4


class Piece(NamedTuple):
    """A word, number, address, day or mark of a line: as the vocabulary spells it, as it was written, and where."""

    word: str
    written: str
    start: int
    end: int


class Found(NamedTuple):
    """What a phrase stands for, and where the pieces behind it begin."""

    key: str
    end: int


def visible(line: str) -> str:
    """Return a line without what nobody sees: zero-width and control characters, marks of direction."""
    line = _UNSEEN.sub("", unicodedata.normalize("NFC", line))
    if not line.isprintable():
        line = "".join(" " if each.isspace() else each for each in line if each.isspace() or each.isprintable())
    return line.strip()


def pieces_of(line: str) -> list[Piece]:
    """Return the pieces of a visible line."""
    return [Piece(_meant(found[0]), found[0], found.start(), found.end()) for found in _PIECE.finditer(line)]


def phrase(table: str, pieces: Sequence[Piece], at: int) -> Found | None:
    """Return the longest phrase of a table that begins at a piece."""
    if at < len(pieces):
        for words, key in _PHRASES[table].get(pieces[at].word, ()):
            if words == tuple(piece.word for piece in pieces[at : at + len(words)]):
                return Found(key, at + len(words))
    return None


def past_one(pieces: Sequence[Piece], at: int, marks: frozenset[str], *tables: str) -> int:
    """Return where the pieces behind a mark, or behind a phrase of one of the tables, begin; ``at`` where there is none."""
    for table in tables:
        if found := phrase(table, pieces, at):
            return found.end
    return at + 1 if at < len(pieces) and pieces[at].word in marks else at


def past(pieces: Sequence[Piece], at: int, marks: frozenset[str], *tables: str) -> int:
    """Return where the pieces behind any number of such marks and phrases begin."""
    while (further := past_one(pieces, at, marks, *tables)) > at:
        at = further
    return at


def denies(pieces: Sequence[Piece], at: int) -> bool:
    """Tell whether a word stands at a piece that takes back what is said beside it."""
    return phrase("not", pieces, at) is not None or phrase("no", pieces, at) is not None


_NO_NAMES = frozenset({"nothing", "unclear"})
"""Keys that nobody writes."""

_DENYING = ("not", "no", "near")

_Table = dict[str, list[str]]
_Filed = dict[str, list[tuple[tuple[str, ...], str]]]


def _read_tables() -> dict[str, _Table]:
    tables: dict[str, _Table] = tomllib.loads((files("rules.lexicon") / "orders.toml").read_text(encoding="utf-8"))
    for table in (tables["verb"], tables["type"], tables["duty"]):
        for key in table.keys() - _NO_NAMES:
            table[key] += [key, key.replace("_", " ")]
    return tables | {key: {key: phrases} for key, phrases in tables.pop("word").items()}


def _form(written: str) -> str:
    return folded(plain(written)).strip()


def _spelt(form: str) -> str:
    return form if form[:1].isdecimal() or "@" in form else skeleton(form)


def _forms(phrase_written: str) -> list[str]:
    return [_form(found[0]) for found in _PIECE.finditer(phrase_written)]


def _filed(table: _Table) -> _Filed:
    """File the phrases of a table under their first words, the longest first."""
    filed: _Filed = {}
    for key, phrases in table.items():
        for words in {tuple(map(_spelt, _forms(each))) for each in phrases}:
            filed.setdefault(words[0], []).append((words, key))
    for entries in filed.values():
        entries.sort(key=lambda entry: (-len(entry[0]), entry))
    return filed


def _all_forms(names: Iterable[str]) -> list[str]:
    """Return the words of tables, the longer ones first."""
    found = {form for name in names for phrases in _TABLES[name].values() for each in phrases for form in _forms(each)}
    return sorted(found, key=lambda form: (-len(form), form))


_TABLES = _read_tables()
_PHRASES = {name: _filed(table) for name, table in _TABLES.items()}
_KNOWN = frozenset(map(_spelt, _all_forms(_TABLES)))
_SLIPS = Slips([*_all_forms(_DENYING), *_all_forms(_TABLES)], ())
"""What denies comes first, and the longer word: a misspelt «орындалмады» is not taken for «орындалды», nor «жібермеу» for «жіберу»."""


@lru_cache(maxsize=8192)
def _meant(written: str) -> str:
    """Return a word as the vocabulary spells it, or as it is."""
    form = _form(written)
    word = _spelt(form)
    if word in _KNOWN or not word[:1].isalpha():
        return word
    if len(word) >= _SHORTEST_TYPED:
        for keys in LAYOUTS:
            if (typed := skeleton(form.translate(keys))) in _KNOWN:
                return typed
    return skeleton(_SLIPS.meant(form) or form)
