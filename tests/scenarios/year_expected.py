"""What must happen in the simulated year, worked out without the program: due dates by the oracle, looks and steps by the wall calendar."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from rules.vocabulary import Event, RequestType
from tests.oracle import law
from tests.oracle.law import Operator, Trigger

ZONE = ZoneInfo("Asia/Almaty")
NINE = time(9)
ONE_DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MOST_BESIDES = 3
TIME_FOR_EACH = timedelta(hours=4)
STEPS = (3, 1)

Step = tuple[str, date, str]
"""Reference, due date, and who is told: "3", "1" (the staff, so many days before), "at_once" (they too), "deputy" or "escalated"."""


@contextmanager
def calendar_of(moved: Mapping[date, bool]) -> Iterator[None]:
    """Let the oracle know which days an order moved: True is worked, False is off."""
    before = {year: law.WEEKDAYS_OFF[year] for year in law.WEEKDAYS_OFF}
    worked = {day for day, is_worked in moved.items() if is_worked}
    try:
        law.WORKING_BY_ORDER.update(worked)
        for day in moved.keys() - worked:
            law.WEEKDAYS_OFF[day.year] += f" {day:%m-%d}"
        law.is_working_day.cache_clear()
        yield
    finally:
        law.WORKING_BY_ORDER.difference_update(worked)
        law.WEEKDAYS_OFF.update(before)
        law.is_working_day.cache_clear()


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened of which an entry of the register speaks."""

    received: datetime
    entered: datetime
    """When mailbot could know of it."""
    kind: RequestType | None = None
    may_be: tuple[RequestType, ...] | None = None
    stops: bool = False
    """Messages stop because of it, in every system."""
    events: tuple[tuple[Event, datetime], ...] = ()
    term: date | None = None


def days_owed(operator: Operator, truth: Truth) -> dict[str, date | None]:
    """Return by which day each duty is owed: where several facts demand one duty, by the earliest."""
    found: defaultdict[str, list[date | None]] = defaultdict(list)
    if truth.may_be is not None:
        possible = [day for kind in truth.may_be or RequestType for day in _days(operator, kind, truth.received).values()]
        found["answer"].append(_first(possible))
    elif truth.kind is not None:
        for duty, day in _days(operator, truth.kind, truth.received).items():
            found[duty].append(day)
    if truth.stops and "stop_messages" not in found:
        found["stop_messages"] = [
            *_days("wadjet", RequestType.OPT_OUT, truth.received).values()
        ]  # the law's, for WADJET promises no day of its own
    for event, at in truth.events:
        for duty, day in _days(operator, event, at).items():
            found[duty].append(day)
    if truth.term:
        found["answer"].append(truth.term)
    owed = {duty: _first(days) for duty, days in found.items()}
    for event, at in truth.events:
        if event is Event.DESTRUCTION_IMPOSSIBLE:  # clause 9.8: blocked by the day of the destruction, and destroyed in six months
            before = days_owed(operator, replace(truth, events=tuple(each for each in truth.events if each[0] is not event)))
            in_place = _days(operator, event, at)
            owed |= {"block": _first([before["destroy"], in_place["block"]]), "destroy": in_place["destroy"]}
    return owed


def _days(operator: Operator, trigger: RequestType | Event, moment: datetime) -> dict[str, date | None]:
    named = next(each for each in get_args(Trigger) if each == trigger)
    return {duty: verdict.day for duty, verdict in law.due(operator, named, moment, ZONE).items()}


def _first(days: Iterable[date | None]) -> date | None:
    return min((day for day in days if day), default=None)


@dataclass(frozen=True, slots=True)
class OpenOne:
    """An open request as the register shows it at a look."""

    reference: str
    received: datetime
    due: date
    postponed_to: date | None
    is_untouched: bool
    hurries_nobody: bool = False
    """It waits for its sender, or the proof of its sender failed."""


@dataclass
class Expected:
    """The digests and the steps that were to come so far."""

    working_only: bool
    began: date
    away: tuple[date, date]
    digests: dict[date, datetime] = field(default_factory=dict)
    """When the digest of each day was to be queued."""
    steps: dict[Step, datetime] = field(default_factory=dict)
    _told_at_once: list[datetime] = field(default_factory=list)

    def digest_comes(self, now: datetime) -> bool:
        """Tell whether a look at ``now`` brings a digest, and expect it."""
        day = local(now)
        while nine(day) > now or not self._is_digest_day(day):
            day -= ONE_DAY
        if day in self.digests or day < self.began:
            return False
        self.digests[day] = now
        return True

    def deputy_reads(self, day: date) -> bool:
        """Tell whether the deputy gets the digest of a day."""
        return self.away[0] <= day <= self.away[1]

    def look(self, now: datetime, has_digest: bool, open_ones: Iterable[OpenOne]) -> None:
        """Expect the steps that a look brings."""
        may_tell = not self._digests_besides(now, HOUR) and self._digests_besides(now, ONE_DAY) < MOST_BESIDES
        for each in open_ones:
            if has_digest:
                self._remind(now, each)
            if each.is_untouched:
                self._escalate(now, each)
                if may_tell and not each.hurries_nobody and self.cannot_wait(each.due, each.received):
                    self._tell_at_once(now, (each.reference, each.due, "at_once"))

    def _tell_at_once(self, now: datetime, step: Step) -> None:
        if step not in self.steps:
            self.steps[step] = now
            self._told_at_once = [*(each for each in self._told_at_once if each < now), now]

    def _digests_besides(self, now: datetime, span: timedelta) -> int:
        """Count the digests besides the daily one of the time just before."""
        return sum(each <= now < each + span for each in self._told_at_once)

    def cannot_wait(self, due: date, received: datetime) -> bool:
        """Tell whether a day is over before the staff's next digest comes."""
        return due < local(self.first_digest(local(received), received))

    def _remind(self, now: datetime, each: OpenOne) -> None:
        today = local(now)
        if today > each.due:
            return
        left = sum(law.is_working_day(today + n * ONE_DAY) for n in range(1, (each.due - today).days + 1))
        wanted = STEPS[-1:] if each.postponed_to and each.postponed_to > today else STEPS
        reached = [str(step) for step in wanted if left <= step]
        if reached and (each.reference, each.due, reached[-1]) not in self.steps:
            for step in reached:
                self.steps.setdefault((each.reference, each.due, step), now)

    def _escalate(self, now: datetime, each: OpenOne) -> None:
        """Let the deputy hear on the working day before the last one, whoever stands above on the last: never before the staff did."""
        deputy, above = (each.reference, each.due, "deputy"), (each.reference, each.due, "escalated")
        last = working_day_until(each.due)
        read = self.first_digest(local(each.received), each.received)
        if deputy not in self.steps:
            if now >= max(self.first_digest(working_day_until(last - ONE_DAY), each.received), read + TIME_FOR_EACH):
                self.steps[deputy] = now
        elif above not in self.steps and now >= max(self.first_digest(last, each.received), self.steps[deputy] + TIME_FOR_EACH):
            self.steps[above] = now

    def first_digest(self, day: date, received: datetime) -> datetime:
        """Return the first moment from a day on at which the staff have a digest with what was received then."""
        day = max(day, local(received))
        while nine(day) < received or not self._is_digest_day(day):
            day += ONE_DAY
        return nine(day)

    def _is_digest_day(self, day: date) -> bool:
        return not self.working_only or law.is_working_day(day)


def working_day_until(day: date) -> date:
    """Return the day itself or the last working day before it."""
    while not law.is_working_day(day):
        day -= ONE_DAY
    return day


def next_working_day(day: date) -> date:
    """Return the first working day after a day."""
    return law.working_day_from(day + ONE_DAY)


def local(moment: datetime) -> date:
    """Return the operator's day."""
    return moment.astimezone(ZONE).date()


def nine(day: date) -> datetime:
    """Return the digest's moment of a day."""
    return datetime.combine(day, NINE, ZONE)
