"""Learns ``rules/values.tsv``: which of the values of an update is to be recorded, from the labelled updates (``make learn``).

Conditional logit, fitted by AdaGrad: the values of a field compete, and with there being nothing to record. What the patterns make of a
value teaches only where the patterns were not tuned on the letter; elsewhere they are always right, and would be believed too much.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import rules
from mailbot.judging import own_words_of
from rules.details import told_by_words
from rules.details_alike import EVERY, Value, line_of, pieces_of, score, shares
from rules.message import read
from tests.learn import LATER_ROUNDS, digest
from tests.score import CASES, TESTS, raw
from tests.score_updates import Update, in_file, samples

FILE = Path(rules.__file__).parent / "values.tsv"
ROUNDS = 8
STEP = 0.5
LEAST_VALUES = 2


class Rival(NamedTuple):
    """One of the values of a field in a letter, and whether it is to be recorded."""

    value: Value
    pieces: frozenset[str]
    is_right: bool


Lesson = Sequence[Rival]


def lessons(files: Iterable[Path] | None = None) -> list[Lesson]:
    """Return what the values of each field teach, letter by letter."""
    found = {digest(letter.case): rivals(letter, with_roles=False) for letter in samples()}
    for file in (TESTS / "rules" / "updates.toml", *(sorted(CASES.glob("updates_*.toml")) if files is None else files)):
        with_roles = any(word in file.name for word in LATER_ROUNDS)
        found |= {digest(letter.case): rivals(letter, with_roles=with_roles) for letter in in_file(file)}
    return [lesson for key in sorted(found) for lesson in found[key]]


def rivals(letter: Update, *, with_roles: bool) -> list[Lesson]:
    """Return the values of a letter by field."""
    message = read(raw(letter.case, letter.sender))
    told = told_by_words(message.subject, own_words_of(message) or "", sender=message.sender)
    meant = letter.meant(frozenset((str(change.field), change.new) for change in told.changes))
    every = pieces_of(told, with_roles=with_roles)
    found = [Rival(value, frozenset(every[value]), (str(value[0]), value[1]) in meant) for value in sorted(every)]
    return [tuple(rivals) for _, rivals in groupby(found, lambda rival: rival.value[0])]


def learnt(lessons: Sequence[Lesson]) -> dict[str, float]:
    """Return the weight of each piece."""
    held = Counter(piece for lesson in lessons for rival in lesson for piece in rival.pieces)
    weights = dict.fromkeys((EVERY, *sorted(piece for piece in held if held[piece] >= LEAST_VALUES)), 0.0)
    slopes = dict.fromkeys(weights, 1e-8)
    known = [[(rival, sorted(rival.pieces & weights.keys())) for rival in lesson] for lesson in lessons]
    for _ in range(ROUNDS):
        for lesson in known:
            for piece, slope in _slopes(lesson, weights):
                slopes[piece] += slope * slope
                weights[piece] -= STEP * slope / math.sqrt(slopes[piece])
    return weights


def _slopes(lesson: Sequence[tuple[Rival, Sequence[str]]], weights: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """Yield how much less each piece should have weighed; the chances are those before any is changed."""
    chances = shares({rival.value: score(pieces, weights) for rival, pieces in lesson})
    for rival, pieces in lesson:
        error = chances[rival.value] - rival.is_right
        yield EVERY, error
        yield from ((piece, error / math.sqrt(max(1, len(pieces)))) for piece in pieces)


def told(lessons: Sequence[Lesson]) -> str:
    """Return the file that the lessons make."""
    weights = learnt(lessons)
    heading = f"#\tPiece, and how much it speaks for a value. Learnt by `make learn` from the values of {len(lessons)} fields."
    return "\n".join([heading, *(line_of(piece, weights[piece]) for piece in sorted(weights)), ""])
