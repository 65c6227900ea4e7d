"""Clocks that jump, machines that sleep, zones that change their hour: one digest a local day, and nothing is destroyed by it (H99)."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from mailbot.clock import ClockWatch, seconds_since_boot
from mailbot.config import Config, load_config
from mailbot.desk import Desk, set_up_desk
from mailbot.digest import digest_order
from mailbot.retention import retention_order
from mailbot.wakeful import Wakeful
from rules.addresses import mailbox_key
from rules.vocabulary import RequestType
from storage import alarms, subscribers
from storage.alarms import Trouble
from storage.subscribers import Consent, NewSubscriber
from storage.tables import letters
from tests.conftest import write_config
from tests.mailbot.register_room import PERSON, arrive, details, is_on_file

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
ALMATY = "Asia/Almaty"


@dataclass
class Machine:
    """A machine with a wall clock that can be set and one that only ticks; mailbot's schedule runs on it."""

    config: Config
    now: datetime
    ticks: float = 1000.0

    def __post_init__(self) -> None:
        self.desk: Desk = set_up_desk(self.config, lambda: self.now)
        self.start()

    def start(self) -> None:
        """Start mailbot anew, as after a crash."""
        order, retention = digest_order(self.config), retention_order(self.config)
        clock = ClockWatch(self.desk.database, self.desk.zone, 30 * MINUTE, lambda: self.ticks)
        self.wakeful = Wakeful(
            self.desk,
            order,
            retention,
            clock,
            all_read=lambda: True,
            beat=lambda seconds, doing: None,
            letters_wait=lambda: None,
            kept=self.config.retention,
            began=self.now,
        )

    def look(self) -> None:
        self.wakeful.look(20)

    def pass_by(self, span: timedelta, *, looks: int = 1) -> None:
        """Let time pass, with looks at equal distances."""
        for _ in range(looks):
            self.sleep(span / looks)
            self.look()

    def sleep(self, span: timedelta) -> None:
        """Let time pass without a look."""
        self.now += span
        self.ticks += span.total_seconds()

    def set_clock(self, by: timedelta) -> None:
        """Set the wall clock, forward or back."""
        self.now += by
        self.look()

    def today(self) -> date:
        return self.now.astimezone(self.desk.zone).date()

    def digests(self) -> Counter[date]:
        """Return how many digests each local day has."""
        with self.desk.database.read() as tx:
            causes = tx.execute(select(letters.c.cause).where(letters.c.cause.like("digest %"))).scalars().all()
        return Counter(date.fromisoformat(cause.split()[1]) for cause in causes)

    def letters(self) -> int:
        """Return how many digests there are, whatever day they count as."""
        with self.desk.database.read() as tx:
            return len(tx.execute(select(letters.c.id).where(letters.c.kind == "digest")).all())

    def jumps(self) -> int:
        """Return how often staff are told that the clock jumped."""
        with self.desk.database.read() as tx:
            return [alarm.what for alarm in alarms.to_tell(tx, self.now - DAY)].count(Trouble.CLOCK)


@contextmanager
def machine_in(folder: Path, zone: str, local: str, **tables: dict[str, Any]) -> Iterator[Machine]:
    """Return a machine in a time zone, at a local moment."""
    keys: dict[str, Any] = {"operator": {"timezone": zone}, **tables}
    began = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    machine = Machine(load_config(write_config(folder, imap_port=1, smtp_port=1, **keys)), began)
    machine.look()
    try:
        yield machine
    finally:
        machine.desk.database.close()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Return a machine in Almaty at eight in the morning; the digest is due at nine."""
    with machine_in(tmp_path, ALMATY, "2026-11-16 08:00") as machine:
        yield machine


def reminded(machine: Machine, reference: str) -> list[object]:
    """Return of how many working days that were left staff were reminded, in the order of the reminders."""
    return [detail["working_days_left"] for detail in details(machine.desk, reference, "reminded")]


def once_each(first: str, days: int) -> Counter[date]:
    """Return what is wanted: one digest on each of some days."""
    return Counter({date.fromisoformat(first) + n * DAY: 1 for n in range(days)})


# --- one digest a local day ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("zone", "at", "began"),
    [
        ("Europe/Berlin", "02:30", "2026-10-23 12:00"),
        ("Europe/Berlin", "02:30", "2026-03-27 12:00"),
        ("America/New_York", "01:30", "2026-10-30 12:00"),
        ("America/New_York", "02:00", "2026-03-06 12:00"),
        (ALMATY, "09:00", "2026-03-27 12:00"),
        ("Europe/Berlin", "00:00", "2026-10-23 12:00"),
    ],
)
def test_h99_where_the_hour_changes_each_local_day_has_one_digest(tmp_path: Path, zone: str, at: str, began: str) -> None:
    with machine_in(tmp_path, zone, began, staff={"digest_at": at}) as machine:
        machine.pass_by(4 * DAY, looks=4 * 24)
        assert once_each(began[:10], 5) == machine.digests()
        assert 0 == machine.jumps()


def test_h99_a_restart_at_the_very_moment_of_the_digest_neither_doubles_nor_drops_it(machine: Machine) -> None:
    for _ in range(3):
        machine.sleep(HOUR)
        for _ in range(3):
            machine.start()
            machine.look()
        machine.sleep(23 * HOUR)
        machine.start()
        machine.look()
    assert once_each("2026-11-16", 3) == machine.digests()


def test_h99_after_days_of_sleep_the_newest_missed_digest_is_sent_late(machine: Machine) -> None:
    machine.pass_by(2 * HOUR)
    machine.sleep(4 * DAY)
    machine.pass_by(DAY, looks=24)
    assert once_each("2026-11-16", 1) + once_each("2026-11-20", 2) == machine.digests()
    assert 0 == machine.jumps(), "a machine that sleeps goes on ticking"


@pytest.mark.parametrize("back", [HOUR, 2 * HOUR, 6 * MINUTE])
def test_h99_a_clock_that_is_set_back_behind_the_digest_does_not_send_it_again(machine: Machine, back: timedelta) -> None:
    machine.pass_by(65 * MINUTE, looks=5)
    machine.set_clock(-back)
    machine.pass_by(30 * HOUR, looks=15)
    assert once_each("2026-11-16", 2) == machine.digests()
    assert 1 == machine.jumps()


def test_h99_a_clock_that_is_set_back_past_midnight_does_not_send_the_new_day_s_digest_again(tmp_path: Path) -> None:
    with machine_in(tmp_path, ALMATY, "2026-11-16 23:00", staff={"digest_at": "00:15"}) as machine:
        machine.pass_by(90 * MINUTE, looks=9)
        machine.set_clock(-HOUR)
        assert date(2026, 11, 16) == machine.today()
        machine.pass_by(DAY, looks=24)
        assert (once_each("2026-11-16", 2), 2) == (machine.digests(), machine.letters())


@pytest.mark.parametrize("ahead", [DAY, 7 * DAY, 30 * DAY], ids=str)
@pytest.mark.parametrize("restarts", [False, True])
def test_h99_after_a_clock_stood_ahead_each_day_still_gets_its_own_digest(machine: Machine, ahead: timedelta, restarts: bool) -> None:
    machine.pass_by(2 * HOUR, looks=4)
    machine.set_clock(ahead)
    machine.pass_by(10 * MINUTE, looks=5)
    if restarts:
        machine.start()
    machine.set_clock(-ahead)
    machine.pass_by(10 * DAY, looks=10 * 3)
    assert once_each("2026-11-16", 11) == machine.digests()
    assert 2 == machine.jumps()


def test_h99_h100_what_was_reminded_of_while_the_clock_stood_ahead_is_reminded_of_on_its_day(machine: Machine) -> None:
    reference = arrive(machine.desk, RequestType.ACCESS)
    machine.pass_by(2 * HOUR, looks=4)
    machine.set_clock(2 * DAY)
    machine.pass_by(10 * MINUTE, looks=5)
    assert [3, 1] == reminded(machine, reference)
    machine.set_clock(-2 * DAY)
    machine.pass_by(4 * DAY, looks=4 * 3)
    assert [3, 1, 1] == reminded(machine, reference)


# --- what is noticed -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("by", [6 * MINUTE, -6 * MINUTE, 400 * DAY, -400 * DAY], ids=str)
def test_h99_a_jump_of_the_clock_is_told_once(machine: Machine, by: timedelta) -> None:
    machine.set_clock(by)
    machine.pass_by(HOUR, looks=3)
    assert 1 == machine.jumps()


def test_what_a_time_server_corrects_is_none(machine: Machine) -> None:
    for _ in range(10):
        machine.set_clock(4 * MINUTE)
    assert 0 == machine.jumps()


def test_h99_a_clock_that_was_set_back_while_mailbot_was_down_is_told(machine: Machine) -> None:
    machine.now -= HOUR
    machine.start()
    machine.look()
    assert 1 == machine.jumps()


def test_the_clock_that_only_ticks_ticks() -> None:
    assert seconds_since_boot() <= seconds_since_boot()


# --- what cannot be undone -------------------------------------------------------------------------------------------
@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[Machine]:
    """Return a machine that destroys by itself whose last consent has ended; that of one person ends in three days."""
    with machine_in(tmp_path, ALMATY, "2026-11-16 12:00", retention={"ended_purpose": "destroy"}) as machine:
        consents = (Consent("informing", date(2026, 1, 1), expires_on=date(2026, 11, 18)),)
        with machine.desk.database.write() as tx:
            new = NewSubscriber({}, (("email", PERSON, mailbox_key(PERSON)),), consents)
            subscribers.add_subscribers(tx, [new], "test", machine.now)
        yield machine


def test_without_a_jump_the_person_is_destroyed_on_the_day(forgetful: Machine) -> None:
    forgetful.pass_by(2 * DAY, looks=8)
    assert is_on_file(forgetful.desk)
    forgetful.pass_by(DAY, looks=4)
    assert not is_on_file(forgetful.desk)


@pytest.mark.parametrize("restarts", [False, True])
def test_h99_a_clock_that_stood_a_week_ahead_for_a_while_destroyed_nobody(forgetful: Machine, restarts: bool) -> None:
    forgetful.set_clock(7 * DAY)
    if restarts:
        forgetful.start()
    forgetful.pass_by(29 * MINUTE, looks=3)
    forgetful.set_clock(-7 * DAY)
    forgetful.pass_by(2 * DAY, looks=8)
    assert is_on_file(forgetful.desk)
    forgetful.pass_by(DAY, looks=4)
    assert not is_on_file(forgetful.desk)


def test_h99_a_clock_that_was_right_to_jump_is_believed_when_it_has_gone_evenly(forgetful: Machine) -> None:
    forgetful.set_clock(7 * DAY)
    forgetful.pass_by(31 * MINUTE, looks=3)
    assert not is_on_file(forgetful.desk)


def test_h99_after_a_long_absence_the_clock_is_not_believed_at_once_and_nobody_is_told(forgetful: Machine) -> None:
    """Whether the machine was off for a week, or its clock stands a week ahead since it was started, nobody knows."""
    forgetful.now += 7 * DAY
    forgetful.ticks = 0
    forgetful.start()
    forgetful.look()
    assert (True, 0) == (is_on_file(forgetful.desk), forgetful.jumps())
    forgetful.pass_by(31 * MINUTE, looks=3)
    assert not is_on_file(forgetful.desk)
