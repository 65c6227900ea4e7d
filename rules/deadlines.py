"""Counting days: by when each promise that a request or an event starts must be kept, with the arithmetic in words.

A period starts the day after the event, ends at 24:00 of its last day, and moves to the next working day where that day
is not one (Civil Code of Kazakhstan, art. 172-176). A policy's own calendar days do not move, so that no due date is later
than the strictest reading. Which days are worked is ``rules.working_days``; what is promised is ``rules.policy``.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import assert_never

from rules.policy import Limit, Policy
from rules.vocabulary import Duty, Event, RequestType, Starts, Unit
from rules.working_days import WEEKEND, Calendar

STAFF = "staff"
"""Where a duty is done that touches no store of subscribers."""

DUTIES_IN_EVERY_SYSTEM = frozenset(
    {
        Duty.STOP_MESSAGES,
        Duty.STOP_PROCESSING,
        Duty.STOP_TRANSFER,
        Duty.AMEND,
        Duty.BLOCK,
        Duty.UNBLOCK,
        Duty.DESTROY,
        Duty.REMOVE_FROM_SOURCE,
    }
)

ONE_DAY = timedelta(days=1)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")  # written out, because strftime speaks the locale's language
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
HAPPENED = {
    Starts.RECEIPT: "received",
    Starts.CONFIRMATION: "confirmed",
    Starts.FINDING: "found",
    Starts.TRANSFER: "transferred",
    Starts.PURPOSE_END: "purpose ended",
}
FACTS = {
    Starts.RECEIPT: "receipt",
    Starts.CONFIRMATION: "confirmation",
    Starts.FINDING: "finding",
    Starts.TRANSFER: "transfer",
    Starts.PURPOSE_END: "end of the purpose",
}


@dataclass(frozen=True, slots=True)
class Due:
    """The last day on which a limit is kept, and how it was counted, for a lawyer to check."""

    day: date
    arithmetic: str


@dataclass(frozen=True, slots=True)
class Weighed:
    """A limit counted as if its fact had happened now; it ``waits`` where that fact is not yet known."""

    limit: Limit
    counted: Due | None
    waits: bool = False

    @property
    def due(self) -> Due | None:
        """The date that binds: None while the limit waits, or where it names no amount."""
        return None if self.waits else self.counted

    @property
    def strictness(self) -> tuple[bool, date, bool]:
        """The order of limits, the governing one first: known before waiting, early before late, policy before statute."""
        return self.due is None, self.counted.day if self.counted else date.max, self.limit.is_law


@dataclass(frozen=True, slots=True)
class Obligation:
    """One duty in one place: whose promise it is, by when, and which limits lost to the one that governs.

    ``limit_id`` is the limit that was counted; ``source`` and ``clause`` name the promise, the policy's clause first.
    """

    duty: Duty
    system: str
    source: str
    clause: str
    limit_id: str
    starts: Starts
    due: date | None
    arithmetic: str
    losing: tuple[Weighed, ...] = ()


class Deadlines:
    """Counts what one policy and its law promise, by one calendar in one zone, and remembers what it counted."""

    def __init__(self, policy: Policy, calendar: Calendar, zone: tzinfo, systems: Sequence[str] = ("mailbot",)) -> None:
        """``systems`` names every place that stores subscribers: a duty that touches what is stored is owed in each."""
        if not systems:
            raise ValueError("name at least one system: a duty without a place would be nobody's")
        self._policy = policy
        self.calendar = calendar
        self._zone = zone
        self._systems = tuple(systems)
        self._counted: dict[tuple[RequestType | Event, date], tuple[Obligation, ...]] = {}

    def obligations(self, trigger: RequestType | Event, received: datetime) -> tuple[Obligation, ...]:
        """Return what is owed for ``trigger``; of an event, ``received`` is the moment it happened or was found."""
        day_zero = day_of(received, self._zone)
        if (known := self._counted.get((trigger, day_zero))) is not None:
            return known
        limits = self._policy.limits_for(trigger, day_zero)
        owed = tuple(self._owed(limits, trigger, received))
        if all(limit.unit is not Unit.HOURS for limit in limits):  # hours differ within a day
            self._counted[trigger, day_zero] = owed
        return owed

    def for_doubt(self, may_be: Sequence[RequestType], received: datetime) -> Obligation:
        """Return the answer owed for a message that a person must look at: due with the first of anything it may be.

        With nothing named it may be anything.
        """
        possible = [(owed, type_) for type_ in may_be or RequestType for owed in self.obligations(type_, received) if owed.due]
        if not possible:
            return Obligation(Duty.ANSWER, STAFF, "", "", "", Starts.RECEIPT, None, "no limit is known for anything it may be")
        first, type_ = min(possible, key=lambda pair: pair[0].due or date.max)
        return replace(first, duty=Duty.ANSWER, system=STAFF, arithmetic=f"may be {type_}: {first.arithmetic}")

    def _owed(self, limits: Sequence[Limit], trigger: RequestType | Event, received: datetime) -> Iterator[Obligation]:
        weighed = [self._weigh(limit, trigger, received) for limit in limits]
        for duty in dict.fromkeys(duty for limit in limits for duty in limit.duties):
            obligation = _oblige(duty, weighed)
            for system in self._systems if duty in DUTIES_IN_EVERY_SYSTEM else (STAFF,):
                yield replace(obligation, system=system)

    def _weigh(self, limit: Limit, trigger: RequestType | Event, received: datetime) -> Weighed:
        counted = due(limit, received, self.calendar, self._zone)
        return Weighed(limit, counted, waits=isinstance(trigger, RequestType) and limit.starts is not Starts.RECEIPT)


def earliest_due(obligations: Iterable[Obligation]) -> date | None:
    """Return the first day on which one of ``obligations`` falls due."""
    return min((owed.due for owed in obligations if owed.due), default=None)


def _oblige(duty: Duty, weighed: Sequence[Weighed]) -> Obligation:
    """Weigh the promises of one duty against each other: the earliest governs, every other one is kept as losing."""
    own = [each for each in weighed if duty in each.limit.duties]
    unnumbered = [each for each in own if each.counted is None]
    borrowed = _borrowed(own, weighed) if unnumbered else []
    governing = min(own + borrowed, key=lambda each: each.strictness)
    kept = unnumbered if governing.counted and governing.limit.is_law else []  # promised without a number: the statute's number keeps it
    named = [each.limit for each in (*kept, governing)]
    return Obligation(
        duty,
        STAFF,
        source="; ".join(limit.cite for limit in named),
        clause=named[0].clause,
        limit_id=governing.limit.id,
        starts=governing.limit.starts,
        due=governing.due.day if governing.due else None,
        arithmetic=("no number of its own, so the first limit of the statute: " if governing in borrowed else "") + _in_words(governing),
        losing=tuple(each for each in own if each.limit not in named),
    )


def _borrowed(own: Sequence[Weighed], weighed: Sequence[Weighed]) -> list[Weighed]:
    """Return the statute's first limit for the same trigger, for a duty that the statute itself does not number."""
    if any(each.limit.is_law and each.counted for each in own):
        return []
    return sorted((each for each in weighed if each.limit.is_law and each.due), key=lambda each: each.strictness)[:1]


def _in_words(governing: Weighed) -> str:
    if governing.counted is None:
        return f"{governing.limit.cite} names no number"
    if governing.waits:
        return f"counted from the {FACTS[governing.limit.starts]}, not yet known"
    return governing.counted.arithmetic


def day_of(received: datetime, zone: tzinfo) -> date:
    """Return the day of receipt in the operator's zone: day 0, even at 23:59 or on a Sunday."""
    return _local(received, zone).date()


def due(limit: Limit, received: datetime, calendar: Calendar, zone: tzinfo) -> Due | None:
    """Return the last day of ``limit``, counted from ``received``; None where the limit names no amount."""
    start = _local(received, zone)
    opening = f"{HAPPENED[limit.starts]} {_spelled(start.date())}"
    if limit.unit is Unit.AT_ONCE:
        return Due(start.date(), f"{opening}; at once -> the same day, 23:59")
    if limit.amount is None:
        return None
    match limit.unit:
        case Unit.WORKING_DAYS:
            return _working_days(limit.amount, start.date(), calendar, opening)
        case Unit.CALENDAR_DAYS:
            last = start.date() + timedelta(days=limit.amount)
            return _ending(limit, last, calendar, f"{opening}; {_plural(limit.amount, 'calendar day')}")
        case Unit.MONTHS:
            last = _months_after(start.date(), limit.amount)
            return _ending(limit, last, calendar, f"{opening}; {_plural(limit.amount, 'month')}")
        case Unit.HOURS:
            return _hours(limit.amount, start, opening)
        case None:
            raise ValueError(f"limit {limit.id} of {limit.pack} has an amount without a unit")
        case _:
            assert_never(limit.unit)


def _working_days(amount: int, day_zero: date, calendar: Calendar, opening: str) -> Due:
    """Count to the ``amount``-th working day after day 0."""
    days = [day_zero]
    worked = 0
    while worked < amount:
        days.append(days[-1] + ONE_DAY)
        worked += calendar.is_working_day(days[-1])
    return Due(days[-1], f"{opening}; {_plural(amount, 'working day')}{_remarks(days[1:], calendar)} -> {_spelled(days[-1])}, 23:59")


def _ending(limit: Limit, last: date, calendar: Calendar, words: str) -> Due:
    """End on ``last``; a statute's period moves on to a working day, a policy's own promise does not."""
    if not limit.is_law:
        return Due(last, f"{words}, the policy's own and not moved -> {_spelled(last)}, 23:59")
    days = [last]
    while not calendar.is_working_day(days[-1]):
        days.append(days[-1] + ONE_DAY)
    moved = f" to {_spelled(last)}, moved on" if len(days) > 1 else ""
    return Due(days[-1], f"{words}{moved}{_remarks(days, calendar)} -> {_spelled(days[-1])}, 23:59")


def _months_after(day: date, months: int) -> date:
    """Return the same number of a later month, or that month's last day."""
    years, month = divmod(day.month - 1 + months, 12)
    _, length = monthrange(day.year + years, month + 1)
    return date(day.year + years, month + 1, min(day.day, length))


def _hours(amount: int, start: datetime, opening: str) -> Due:
    """End with the last whole day inside the hours; where there is none, on day 0 at the hour itself."""
    end = (start.astimezone(UTC) + timedelta(hours=amount)).astimezone(start.tzinfo)
    words = f"{opening} at {start:%H:%M}; {_plural(amount, 'hour')}, to {_spelled(end.date())} {end:%H:%M}"
    if end.date() <= start.date():
        return Due(start.date(), f"{words} -> that hour")
    last = end.date() - ONE_DAY
    return Due(last, f"{words}; the last whole day -> {_spelled(last)}, 23:59")


def _remarks(days: Sequence[date], calendar: Calendar) -> str:
    """Name every holiday and every moved day among ``days``, and how many weekend days there are."""
    reasons = {day: reason for day in days if (reason := calendar.why_off(day))}
    weekend_days = sum(reason == WEEKEND for reason in reasons.values())
    skipped = [_plural(weekend_days, "weekend day")] if weekend_days else []
    skipped += [f"{_spelled(day)} ({reason})" for day, reason in reasons.items() if reason != WEEKEND]
    worked = [f"{_spelled(day)} ({reason})" for day in days if (reason := calendar.why_worked(day))]
    lists = (f", {verb} {', '.join(named)}" for verb, named in (("not counting", skipped), ("counting", worked)) if named)
    return "".join(lists)


def _local(moment: datetime, zone: tzinfo) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError("a moment without a zone belongs to no day")
    return moment.astimezone(zone)


def _spelled(day: date) -> str:
    return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]} {day.year}"


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
