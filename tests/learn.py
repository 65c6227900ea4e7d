"""Learns ``rules/likeness.tsv`` from the labelled letters of ``tests/cases``, ``tests/samples`` and ``tests/law``: ``make learn``.

Whether a letter asks: logistic regression, fitted by AdaGrad; the rarer of the two classes weighs as much as the other. What it asks:
counts for naive Bayes. The letters come in the order of their digests, so that the same letters always give the same file.
What was set aside teaches nothing. ``rules/values.tsv`` is learnt beside it (``tests/learn_values.py``).
"""

import hashlib
import math
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import rules
from mailbot.judging import own_words_of
from rules.lexicon.letter import opened
from rules.likeness import EVERY, all_pieces, length_of, line_of
from rules.message import read
from tests import score_updates
from tests.score import CASES, PEOPLE, TESTS, Case, own, raw, samples

FILE = Path(rules.__file__).parent / "likeness.tsv"
ROUNDS = 10
STEP = 0.5
LEAST_LETTERS = 2
LATER_ROUNDS = ("eleventh", "twelfth", "thirteenth")
"""Of updates: no pattern of ``rules.details`` had been tuned on them when they first taught."""


class Taught(NamedTuple):
    """A letter as ``mailbot`` reads it, and its label."""

    pieces: frozenset[str]
    label: str

    @property
    def asks(self) -> bool:
        """Whether it asks for something, of mailbot or of a person."""
        return self.label != "none"


def letters() -> list[Case]:
    """Return the letters that teach, each once.

    The updates of the later rounds teach only ``rules/values.tsv``. There are so many that, judged by what others taught, ten ordinary
    letters of 3,459 and ten other requests of 5,642 more were mistaken, for one update in seventy more that was recognised.
    """
    files = (file for file in CASES.glob("updates_*.toml") if not any(word in file.name for word in LATER_ROUNDS))
    own_updates = (letter for file in sorted(files) for letter in score_updates.in_file(file))
    updates = (letter.case for letter in (*score_updates.samples(), *own_updates))
    once = {digest(case): case for case in (*samples(), *own(), *updates, *lawyers())}
    return [once[key] for key in sorted(once)]


def lawyers() -> list[Case]:
    """Return the wordings of ``tests/law/phrases.toml``."""
    labels = {"ordinary": "none", "held": "review"}
    listed = tomllib.loads((TESTS / "law" / "phrases.toml").read_text(encoding="utf-8"))["case"]
    labelled = ((case, labels.get(case["expected"], case["expected"])) for case in listed)
    return [Case(case["operator"], "", case["subject"], case.get("body", ""), label) for case, label in labelled]


def digest(case: Case) -> str:
    """Return the SHA-256 of what ``case`` says."""
    return hashlib.sha256(f"{case.subject}\0{case.body}".encode()).hexdigest()


def taught(case: Case) -> Taught:
    """Return what a letter teaches."""
    message = read(raw(case, "writer@mail.example"))
    return Taught(frozenset(all_pieces(opened(message.subject, own_words_of(message)))), case.expected)


def learnt(lessons: Sequence[Taught]) -> dict[str, float]:
    """Return the weight of each piece."""
    weights = dict.fromkeys(repeated(lessons), 0.0) | {EVERY: 0.0}
    slopes = dict.fromkeys(weights, 1e-8)
    asking = sum(lesson.asks for lesson in lessons) / len(lessons)
    known = [(sorted(lesson.pieces & weights.keys()), lesson.asks) for lesson in lessons]
    for _ in range(ROUNDS):
        for pieces, asks in known:
            part = 1 / length_of(len(pieces))
            degree = 1 / (1 + math.exp(-weights[EVERY] - part * sum(weights[piece] for piece in pieces)))
            error = (degree - asks) * 0.5 / (asking if asks else 1 - asking)
            for piece, slope in ((EVERY, error), *((piece, error * part) for piece in pieces)):
                slopes[piece] += slope * slope
                weights[piece] -= STEP * slope / math.sqrt(slopes[piece])
    return weights


def repeated(lessons: Iterable[Taught]) -> list[str]:
    """Return the pieces that at least ``LEAST_LETTERS`` letters hold."""
    held = Counter(piece for lesson in lessons for piece in lesson.pieces)
    return sorted(piece for piece in held if held[piece] >= LEAST_LETTERS)


def counted(lessons: Iterable[Taught]) -> dict[str, Counter[str]]:
    """Return in how many letters of each type of request each piece stands."""
    requests = [lesson for lesson in lessons if lesson.label in PEOPLE]
    counts = {piece: Counter[str]() for piece in repeated(requests)} | {EVERY: Counter[str]()}
    for lesson in requests:
        for piece in (EVERY, *(lesson.pieces & counts.keys())):
            counts[piece][lesson.label] += 1
    return counts


def told(cases: Sequence[Case]) -> str:
    """Return the file that ``cases`` teach."""
    lessons = [taught(case) for case in cases]
    weights, counts = learnt(lessons), counted(lessons)
    heading = (
        f"#\tPiece, how much it speaks for a request, in how many letters of each type. Learnt by `make learn` from {len(cases)} letters."
    )
    return "\n".join([heading, *(line_of(piece, weights[piece], counts.get(piece, Counter())) for piece in sorted(weights)), ""])


def main() -> None:
    """Write the files anew."""
    from tests import learn_values  # which takes the order of the letters from here

    FILE.write_text(told(letters()), encoding="utf-8")
    learn_values.FILE.write_text(learn_values.told(learn_values.lessons()), encoding="utf-8")


if __name__ == "__main__":
    main()
