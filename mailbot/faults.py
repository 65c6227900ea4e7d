"""What is wrong with the machine at this moment: read from the store, from the disk, and from what only the running parts know (I10).

What becomes of it, and who hears of it, is ``mailbot.alarms``.
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, make_url

from mailbot.config import Config
from mailbot.desk import Desk
from mailbot.digest import DAILY, DigestOrder, cause_of
from mailbot.digest_words import Folder
from rules.digest_days import day_due, moment_of
from storage import alarms, ledger, overview
from storage.alarms import Fault, Trouble
from storage.outbox import LetterState

SETTLED_WELL = {LetterState.ACCEPTED, LetterState.DROPPED}
NEWLY = timedelta(days=1)
"""What was set aside longer ago stood in a digest by now."""

LONGEST_GRACE = timedelta(minutes=2)
BYTES_A_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Signs:
    """What only the running parts know: why an inbox is away, why the relay takes no letters ("": it does), what hangs, what is undone."""

    away: Mapping[Folder, str] = field(default_factory=dict)
    relay: str = ""
    hanging: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bounds:
    """What still counts as well: how long nothing may be heard, how often each folder is read, how much room the store needs."""

    alert_after: timedelta
    polls: Mapping[Folder, timedelta]
    place: Path | None
    low_disk_bytes: int

    @property
    def grace(self) -> timedelta:
        """Return how long something may last and be no fault: a machine that wakes up finds everything late for a while."""
        return min(LONGEST_GRACE, self.alert_after / 4)


def bounds_of(config: Config) -> Bounds:
    """Return what the configuration says of that; where PostgreSQL has its disk is not ours to know."""
    address = make_url(config.store.url)
    place = Path(address.database or "").absolute().parent if address.get_backend_name() == "sqlite" else None
    polls = {(inbox.address, inbox.folder): timedelta(seconds=inbox.poll_seconds) for inbox in config.inbox}
    megabytes = config.alarm.low_disk_megabytes
    return Bounds(timedelta(minutes=config.alarm.alert_after), polls, place, megabytes * BYTES_A_MEGABYTE)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at everything, in one transaction."""

    tx: Connection
    desk: Desk
    order: DigestOrder
    bounds: Bounds
    signs: Signs
    now: datetime

    def faults(self) -> list[Fault]:
        """Return what is wrong and lasts."""
        found = [*self._inboxes(), *self._relay(), *self._digest(), *self._disk(), *self._hanging(), *self._undone()]
        return [fault for each in found if (fault := self._lasting(each))]

    def set_aside(self) -> list[Fault]:
        """Return the messages that were set aside lately (H22)."""
        aside = alarms.set_aside_since_last_look(self.tx)
        return [Fault(Trouble.SHUNTED, f"m{row}", detail=inbox) for row, inbox, at in aside if timedelta() <= self.now - at < NEWLY]

    def _lasting(self, fault: Fault) -> Fault | None:
        """Leave out what began a moment ago, and count no time in which the machine slept."""
        if fault.since is None:
            return fault
        grace = self.bounds.grace
        if self.now - fault.since < grace:
            return None
        return Fault(fault.what, fault.about, max(fault.since, self.now - 2 * grace), fault.detail)

    def _inboxes(self) -> Iterator[Fault]:
        for folder, poll in self.bounds.polls.items():
            cursor = ledger.cursor_of(self.tx, *folder)
            read_at = cursor.last_pass_at if cursor else None
            if read_at is None or read_at > self.now + self.bounds.grace:  # by a clock that was ahead
                read_at = overview.began_at(self.tx, self.now)
            away = self.signs.away.get(folder, "")
            since = read_at if away else read_at + poll
            if since < self.now:
                yield Fault(Trouble.INBOX, _named(folder), since, away)

    def _relay(self) -> Iterator[Fault]:
        if since := alarms.nothing_sent_since(self.tx, self.now):
            yield Fault(Trouble.RELAY, since=since, detail=self.signs.relay)

    def _digest(self) -> Iterator[Fault]:
        order, zone = self.order, self.desk.zone
        day = day_due(self.now, zone, order.at, self.desk.deadlines.calendar, working_only=order.working_only)
        if day is None or not order.to or day < overview.began_at(self.tx, self.now).astimezone(zone).date():
            return
        states = digest_states(self.tx, self.desk, order, day)
        if not states or not set(states) <= SETTLED_WELL:
            yield Fault(Trouble.DIGEST, since=moment_of(day, zone, order.at))

    def _disk(self) -> Iterator[Fault]:
        place, least = self.bounds.place, self.bounds.low_disk_bytes
        if place and least and (free := shutil.disk_usage(place).free) < least:
            yield Fault(Trouble.DISK, str(place), detail=f"{free // BYTES_A_MEGABYTE} MB")

    def _hanging(self) -> Iterator[Fault]:
        if self.signs.hanging:
            yield Fault(Trouble.HANG, detail=", ".join(self.signs.hanging))

    def _undone(self) -> Iterator[Fault]:
        if self.signs.undone:
            yield Fault(Trouble.JOB, detail="; ".join(self.signs.undone))


def digest_states(tx: Connection, desk: Desk, order: DigestOrder, day: date) -> list[LetterState]:
    """Return how the letters of a day's digest stand; none, where it is not queued."""
    return alarms.states_of(tx, [cause_of(desk, DAILY, day.isoformat(), to) for to in order.readers_on(day)])


def _named(folder: Folder) -> str:
    """Name a folder as people do: most inboxes have only one that is watched."""
    address, name = folder
    return address if name == "INBOX" else f"{address} ({name})"
