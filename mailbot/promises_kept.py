"""How each clause of the policy and each article of the law was kept over a time: how often, how late, and the worst case.

An obligation keeps several promises at once: the one that governs, by its day, and every one that lost to it, by its own later day.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from mailbot.desk import Desk
from rules.life import CLOSED
from rules.policy import Limit
from storage import dossier
from storage.dossier import Promised


@dataclass(frozen=True, slots=True)
class Worst:
    """The request that came nearest to its day, or went farthest past it."""

    reference: str
    days: int
    """Days in hand; below zero, days late."""


@dataclass(slots=True)
class Kept:
    """How one promise was kept; what is open and past its day is late."""

    source: str
    is_law: bool
    called: int = 0
    kept: int = 0
    late: int = 0
    open: int = 0
    ended: int = 0
    """Refused, withdrawn or lapsed before it was met, and in time."""
    worst: Worst | None = field(default=None)

    def count(self, owed: Promised, due: date | None, end: date | None, today: date) -> None:
        """Count one call upon the promise, which was met or closed on the day ``end``, or is open."""
        self.called += 1
        days = (due - (end or today)).days if due else None
        if days is not None and days < 0:
            self.late += 1
        elif owed.met_at is not None:
            self.kept += 1
        elif end is None:
            self.open += 1
        else:
            self.ended += 1
        if days is not None and (self.worst is None or days < self.worst.days):
            self.worst = Worst(owed.reference, days)


def promises_kept(desk: Desk, first: date, last: date, now: datetime) -> list[Kept]:
    """Return every promise in the order of the policy, then of the law; what no text of today promises comes last."""
    limits: tuple[Limit, ...] = (*desk.policy.limits, *desk.policy.law.limits)
    rows = {limit.cite: Kept(limit.cite, limit.is_law) for limit in limits}
    with desk.database.read() as tx:
        for owed in dossier.promised(tx, first, last):
            ended = owed.met_at or (owed.closed_at if owed.state in CLOSED else None)
            end = ended.astimezone(desk.zone).date() if ended else None
            for source, due in _called_upon(owed, rows):
                rows.setdefault(source, Kept(source, is_law=False)).count(owed, due, end, now.astimezone(desk.zone).date())
    return list(rows.values())


def _called_upon(owed: Promised, known: Iterable[str]) -> Iterator[tuple[str, date | None]]:
    """Yield every promise that an obligation keeps, each once, with its own day; a text without a number has the day that governs."""
    days: dict[str, date | None] = dict.fromkeys(_named(owed.source, known), owed.due)
    for each in owed.losing:
        for source in _named(each["source"], known):
            days.setdefault(source, date.fromisoformat(each["due"]) if each["due"] else owed.due)
    yield from days.items()


def _named(source: str, known: Iterable[str]) -> list[str]:
    """Take apart what names several promises ("Policy clause 8.4; Law 94-V art. 8(7)"). Some have the same sign within."""
    return [cite for cite in known if f"; {cite}; " in f"; {source}; "] or ([source] if source else [])
