"""What a trial found, how it is to be taken, and with which exit status it ends. One failure hides no other."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from mailbot.errors import Problem
from storage.database import StoreFailure

GRAVEST_FIRST = (78, 1, 75)


class Mark(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    NOTE = "note"
    """It works, and a person should know."""
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried: of which part, and what came of it."""

    mark: Mark
    part: str
    text: str
    exit_status: int = 0


def gravest(findings: Iterable[Finding]) -> int:
    """Return the exit status for all of them: 0 only if `mailbot run` would work."""
    statuses = {finding.exit_status for finding in findings}
    return next((status for status in GRAVEST_FIRST if status in statuses), 0)


def told(part: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Pass findings on; what ends them early is the last of them."""
    try:
        yield from findings
    except (Problem, StoreFailure) as problem:
        yield from wrong(part, problem)


def wrong(part: str, problem: Problem | StoreFailure) -> Iterator[Finding]:
    status = problem.exit_status if isinstance(problem, Problem) else 75 if problem.transient else 78
    for sentence in str(problem).splitlines():
        yield Finding(Mark.WRONG, part, sentence, status)


def ok(part: str, text: str) -> Finding:
    return Finding(Mark.OK, part, text)


def note(part: str, text: str) -> Finding:
    return Finding(Mark.NOTE, part, text)
