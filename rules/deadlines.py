"""Counting days: by when each promise that a request or an event starts must be kept, with the arithmetic in words.

A period starts the day after the event, ends at 24:00 of its last day, and moves to the next working day where that day
is not one (Civil Code of Kazakhstan, art. 172-176). A policy's own calendar days do not move, so that no due date is later
than the strictest reading. Which days are worked is ``rules.working_days``; what is promised is ``rules.policy``.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import assert_never

from rules.policy import Limit, Policy
from rules.vocabulary import Duty, Event, RequestType, SourceMark, Starts, Unit
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

ENDED_BY_DESTROYING = frozenset({Duty.STOP_PROCESSING, Duty.BLOCK})
"""Storing is processing (Law 94-V art. 8(7)): who must have destroyed by a day must have done these by then too."""

TERM = "term"
"""What a day follows from that stands in the authority's own letter."""

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
    ``trigger`` is the request or the event that it follows from, or ``TERM``; of what is in doubt it is None.
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
    mark: SourceMark | None = None
    trigger: str | None = None
    started_at: datetime | None = None
    statute: str = ""
    """The law whose words, read or quoted, give it a day; empty where only a policy or an interpretation does."""
    beside: tuple["Obligation", ...] = ()
    """What other facts make of the same duty in the same place."""


class Deadlines:
    """Counts what one policy and its law promise, by one calendar in one zone, and remembers what it counted."""

    def __init__(
        self, policy: Policy, calendar: Calendar, zone: tzinfo, systems: Sequence[str] = ("mailbot",), told: Iterable[str] = ()
    ) -> None:
        """``systems`` names every place that stores subscribers: a duty that touches what is stored is owed in each.

        ``told`` names who gets data from the operator besides those whom the policy names: each is told for itself.
        """
        if not systems:
            raise ValueError("name at least one system: a duty without a place would be nobody's")
        self._policy = policy
        self.calendar = calendar
        self._zone = zone
        self.places = (tuple(systems), tuple(dict.fromkeys((*policy.third_parties, *told))))
        """The systems, and those who are told."""
        waiting = [limit for limit in (*policy.limits, *policy.law.limits) if limit.starts is Starts.CONFIRMATION]
        self._confirmed = frozenset(request for limit in waiting for request in limit.requests)
        self._counted: dict[tuple[RequestType | Event, date], tuple[Obligation, ...]] = {}

    def obligations(self, trigger: RequestType | Event, received: datetime, confirmed: datetime | None = None) -> tuple[Obligation, ...]:
        """Return what is owed for ``trigger``; of an event, ``received`` is the moment it happened or was found.

        ``confirmed`` is the moment since which it is known that a request is its sender's.
        """
        if confirmed is not None and trigger in self._confirmed:
            return tuple(self._owed(trigger, received, confirmed))
        day_zero = day_of(received, self._zone)
        if (known := self._counted.get((trigger, day_zero))) is not None:
            return known
        owed = tuple(self._owed(trigger, received, None))
        if all(limit.unit is not Unit.HOURS for limit in self._policy.limits_for(trigger, day_zero)):  # hours differ within a day
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
        return replace(first, duty=Duty.ANSWER, system=STAFF, arithmetic=f"may be {type_}: {first.arithmetic}", trigger=None)

    def _owed(self, trigger: RequestType | Event, received: datetime, confirmed: datetime | None) -> Iterator[Obligation]:
        limits = self._policy.limits_for(trigger, day_of(received, self._zone))
        if isinstance(trigger, RequestType) and confirmed is None:  # the sender is asked within the same limit, counted from receipt
            limits += tuple(
                replace(limit, starts=Starts.RECEIPT, duties=(Duty.ASK_SENDER,))
                for limit in limits
                if limit.starts is Starts.CONFIRMATION and limit.unit is not None
            )
        weighed = [self._weigh(limit, trigger, received, confirmed) for limit in limits]
        for duty in dict.fromkeys(duty for limit in limits for duty in limit.duties):
            is_unknown_to_law = isinstance(trigger, Event) and not any(limit.is_law for limit in limits)
            nearest = self._of_same_duty(duty, limits[0].starts, received) if is_unknown_to_law else []
            obligation = replace(_oblige(duty, weighed, nearest), trigger=trigger)
            for system in self._places(duty):
                yield replace(obligation, system=system)

    def _weigh(self, limit: Limit, trigger: RequestType | Event, received: datetime, confirmed: datetime | None) -> Weighed:
        if isinstance(trigger, RequestType) and limit.starts is Starts.CONFIRMATION and confirmed is not None:
            return Weighed(limit, due(limit, confirmed, self.calendar, self._zone))
        counted = due(limit, received, self.calendar, self._zone)
        return Weighed(limit, counted, waits=isinstance(trigger, RequestType) and limit.starts is not Starts.RECEIPT)

    def _of_same_duty(self, duty: Duty, starts: Starts, received: datetime) -> list[Weighed]:
        """Weigh what the statute says of a duty on other occasions, counted from this one: of this one it does not speak."""
        law, day_zero = self._policy.law, day_of(received, self._zone)
        same = [replace(limit, starts=starts) for limit in law.limits if duty in limit.duties and limit.in_force_on(day_zero)]
        return [Weighed(limit, due(limit, received, self.calendar, self._zone)) for limit in same]

    def _places(self, duty: Duty) -> Sequence[str]:
        systems, told = self.places
        if duty is Duty.NOTIFY_THIRD_PARTY and told:
            return told
        return systems if duty in DUTIES_IN_EVERY_SYSTEM else (STAFF,)


def earliest_due(obligations: Iterable[Obligation]) -> date | None:
    """Return the first day on which one of ``obligations`` falls due."""
    return min((owed.due for owed in obligations if owed.due), default=None)


def together(owed: Iterable[Obligation]) -> tuple[Obligation, ...]:
    """Make one of what several facts demand of one duty in one place: the earliest day governs, the others stay visible."""
    places = defaultdict[tuple[Duty, str], list[Obligation]](list)
    for each in owed:
        places[each.duty, each.system].append(each)
    return tuple(_first_of([_blocked_in_time(each, places[Duty.DESTROY, each.system]) for each in same]) for same in list(places.values()))


def _first_of(same: Sequence[Obligation]) -> Obligation:
    """Return what governs. Who cannot destroy and says so has the policy's longer term for it, unless the law has a day of its own."""
    later = [each for each in same if each.duty is Duty.DESTROY and each.trigger == Event.DESTRUCTION_IMPOSSIBLE]
    chosen = [each for each in same if each.statute] + later if later else same
    first = min(chosen, key=lambda each: each.due or date.max)
    return replace(first, beside=tuple(each for each in same if each is not first)) if len(same) > 1 else first


def _blocked_in_time(owed: Obligation, destroy: Sequence[Obligation]) -> Obligation:
    """Let what is blocked in place of a destruction be blocked by the day of that destruction."""
    if (owed.duty, owed.trigger) != (Duty.BLOCK, Event.DESTRUCTION_IMPOSSIBLE):
        return owed
    days = [each.due for each in destroy if each.due and each.trigger != Event.DESTRUCTION_IMPOSSIBLE]
    if not days or (owed.due and owed.due <= min(days)):
        return owed
    return replace(owed, due=min(days), arithmetic=f"in place of the destruction, by its day -> {_spelled(min(days))}, 23:59")


def by_term(day: date) -> Obligation:
    """Return the answer that is owed by the day that the authority's letter names."""
    words = f"the term that stands in the authority's letter -> {_spelled(day)}, 23:59"
    return Obligation(Duty.ANSWER, STAFF, "Term of the authority", "", "", Starts.RECEIPT, day, words, trigger=TERM)


def _oblige(duty: Duty, weighed: Sequence[Weighed], nearest: Sequence[Weighed]) -> Obligation:
    """Weigh the promises of one duty against each other: the earliest governs, every other one is kept as losing.

    ``nearest`` is what the statute says of the duty where it does not speak of the occasion.
    """
    own = [each for each in weighed if duty in each.limit.duties or _ends_too(each.limit, duty)]
    unnumbered = [each for each in own if each.counted is None]
    borrowed = _borrowed(own, weighed, nearest) if unnumbered else []
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
        mark=governing.limit.mark,
        statute=next((each.limit.cite for each in (*own, *borrowed) if _is_statutory(each)), ""),
    )


def _ends_too(limit: Limit, duty: Duty) -> bool:
    """Tell whether a limit of the statute binds a duty because destroying ends what the duty ends."""
    return limit.is_law and Duty.DESTROY in limit.duties and duty in ENDED_BY_DESTROYING


def _is_statutory(each: Weighed) -> bool:
    return each.limit.is_law and each.due is not None and each.limit.mark is not SourceMark.READING


def _borrowed(own: Sequence[Weighed], weighed: Sequence[Weighed], nearest: Sequence[Weighed]) -> list[Weighed]:
    """Return the statute's limits for the same trigger, the first one first, for a duty that the statute itself does not number."""
    if any(each.limit.is_law and each.counted for each in own):
        return []
    of_law = [each for each in (*weighed, *nearest) if each.limit.is_law and each.due]
    return sorted(of_law, key=lambda each: each.strictness)


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
