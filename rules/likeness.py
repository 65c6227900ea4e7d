"""How like a letter is to letters that ask for something about personal data: a second reading beside ``rules.evidence``.

People find words that no lexicon has, and still most of their words stand in letters like theirs. For every piece of a word that two
labelled letters hold, ``likeness.tsv`` tells how much it speaks for a request (logistic regression), and in how many letters of each
type it stands (naive Bayes). ``make learn`` writes it from ``tests/cases``.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise

from rules.lexicon.letter import Letter
from rules.vocabulary import RequestType

WORDS_WEIGHED = 120
"""Words of a body that are weighed: who asks does so early, and a long text costs no more than a short one (H55)."""

EVERY = ""
"""The piece that every letter has."""

_WORDS_TOLD = 4
_SHORT, _LONG, _ENDING = 4, 6, 3
_FEW = 10
_UNSEEN = 0.3
"""What a piece counts for among letters of a type in which it was never seen."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like a letter is to those that ask, from 0 to 1, and the words that make it so."""

    degree: float
    words: str


@lru_cache(8)
def likeness(letter: Letter) -> Likeness:
    """Weigh the words of ``letter``; several pieces of evidence ask about the same one."""
    weights = _weights()
    by_word = dict[str, float]()
    seen = set[str]()
    for word, pieces in weighed(letter):
        fresh = {piece for piece in pieces if piece in weights} - seen
        seen |= fresh
        by_word[word] = by_word.get(word, 0.0) + sum(weights[piece] for piece in fresh)
    degree = 1 / (1 + math.exp(-weights[EVERY] - sum(by_word.values()) / length_of(len(seen))))
    heaviest = sorted(filter(str.isalpha, by_word), key=by_word.__getitem__, reverse=True)[:_WORDS_TOLD]
    return Likeness(degree, " ".join(word for word in by_word if word in heaviest))


def length_of(pieces: int) -> float:
    """Return what the weights of so many pieces are divided by: a long letter weighs no more for being long, a few words weigh little."""
    return math.sqrt(max(pieces, _FEW))


def kind_of(letter: Letter) -> tuple[RequestType, float]:
    """Return the type of request that ``letter`` is most like, and how far that type leads the next (0: not at all)."""
    counts, totals = _counts()
    known = sorted(piece for piece in all_pieces(letter) if piece in counts)
    likely = {kind: math.log(counts[EVERY][kind]) for kind in totals}
    for kind, total in totals.items():
        every = math.log(total + _UNSEEN * len(counts))
        likely[kind] += sum(math.log(counts[piece][kind] + _UNSEEN) - every for piece in known)
    best, second = sorted(likely, key=likely.__getitem__, reverse=True)[:2]
    return best, (likely[best] - likely[second]) / math.sqrt(len(known) + 1)


def weighed(letter: Letter) -> Iterator[tuple[str, list[str]]]:
    """Yield the words of ``letter``, each with its pieces: beginnings, ending, place, and how it goes together with the next word."""
    said = (part for sentence in letter.body or () for word in sentence for part in word.text.split())
    yield from _in_place("s", letter.texts)
    yield from _in_place("b", [word for word, _ in zip(said, range(WORDS_WEIGHED), strict=False)])


def _in_place(place: str, words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    for word, following in pairwise([*words, ""]):
        pieces = [word[:_SHORT], f"{place}:{word[:_SHORT]}"]
        if len(word) > _SHORT:
            pieces += (word[:_LONG], f"-{word[-_ENDING:]}")
        if following:
            pieces.append(f"{word[:_ENDING]} {following[:_ENDING]}")
        yield word, pieces


def all_pieces(letter: Letter) -> frozenset[str]:
    """Return the pieces that ``letter`` holds."""
    return frozenset(piece for _, pieces in weighed(letter) for piece in pieces)


# --- What was learnt ------------------------------------------------------------------------------------------------------------------


def line_of(piece: str, weight: float, counts: Counter[str]) -> str:
    """Return what was learnt of a piece as a line of ``likeness.tsv``."""
    return f"{piece}\t{weight:.1f}\t{' '.join(f'{kind}={counts[kind]}' for kind in sorted(counts))}"


@cache
def _lines() -> tuple[list[str], ...]:
    text = files("rules").joinpath("likeness.tsv").read_text(encoding="utf-8")
    return tuple(line.split("\t") for line in text.splitlines() if not line.startswith("#\t"))


@cache
def _weights() -> dict[str, float]:
    return {piece: float(weight) for piece, weight, _ in _lines()}


@cache
def _counts() -> tuple[dict[str, Counter[RequestType]], Counter[RequestType]]:
    """Return in how many letters of each type each piece stands, and how many pieces the letters of each type have together."""
    counts = {piece: _counted(told.split()) for piece, _, told in _lines() if told}
    return counts, sum((its for piece, its in counts.items() if piece != EVERY), Counter[RequestType]())


def _counted(told: Iterable[str]) -> Counter[RequestType]:
    pairs = (each.split("=") for each in told)
    return Counter({RequestType(kind): int(letters) for kind, letters in pairs})
