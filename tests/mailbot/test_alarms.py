"""What staff hear when something is wrong with the machine: once when it has lasted, once when it is over, by the second route (I10)."""

import asyncio
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, update
from structlog.testing import capture_logs

from mailbot.alarms import words_of
from mailbot.digest import digest_order, queue_digest
from mailbot.faults import Signs
from rules.vocabulary import Language, Outcome
from storage import ledger
from storage.alarms import MOMENTS, Trouble
from storage.database import Database, StoreFailure
from storage.outbox import LetterState
from storage.tables import letters
from tests.mailbot.alarm_room import INBOX, MINUTE, Machine, accept_all, queue, running, settings
from tests.mailbot.register_room import NOW
from tests.storage.stock import an_entry

OFFICER = "officer@example.com"
AWAY = "the IMAP server imap.alit.kz:993 cannot be reached"
NOT_READ = "a mailbox is not read"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with running(tmp_path) as machine:
        yield machine


# --- when ------------------------------------------------------------------------------------------------------------
def test_nothing_is_said_while_all_is_well(machine: Machine) -> None:
    machine.pass_by(24 * 60, looks=50)
    assert ([], []) == (machine.subjects(), machine.queued())


def test_i10_an_inbox_that_is_not_read_is_told_after_half_an_hour_once_and_once_when_it_is_read_again(machine: Machine) -> None:
    machine.is_read, machine.signs = False, Signs({INBOX: AWAY})
    machine.pass_by(29, looks=29)
    assert [] == machine.subjects()
    machine.pass_by(1)
    assert [NOT_READ] == machine.subjects()
    machine.pass_by(24 * 60, looks=50)
    assert [NOT_READ] == machine.subjects()
    machine.is_read, machine.signs = True, Signs()
    machine.pass_by(1)
    machine.pass_by(60, looks=3)
    assert [NOT_READ, f"over: {NOT_READ}"] == machine.subjects()


def test_an_inbox_that_is_read_again_in_time_is_not_worth_a_word(machine: Machine) -> None:
    for _ in range(3):
        machine.is_read = False
        machine.pass_by(25, looks=25)
        machine.is_read = True
        machine.pass_by(1)
    assert [] == machine.subjects()


def test_i10_an_inbox_whose_round_never_ends_is_told_though_nothing_failed(machine: Machine) -> None:
    machine.is_read = False
    machine.pass_by(32, looks=32)
    assert [NOT_READ] == machine.subjects()
    assert "What mailbot saw" not in machine.text()


def test_what_began_a_moment_ago_is_not_even_put_on_record(machine: Machine) -> None:
    """A letter waits for seconds, and an inbox is read a little late, all day long."""
    queue(machine)
    machine.is_read = False
    machine.pass_by(1.9, looks=2)
    assert [] == machine.going_on()
    machine.pass_by(2)
    assert {Trouble.INBOX, Trouble.RELAY} == set(machine.going_on())


def test_h99_a_machine_that_wakes_up_finds_everything_late_and_nothing_wrong(machine: Machine) -> None:
    """The last pass lies eight hours back, and a letter waits since then: both are mended before anybody has to hear."""
    queue(machine)
    machine.is_read = False
    machine.pass_by(8 * 60)
    machine.is_read = True
    accept_all(machine)
    machine.pass_by(60, looks=60)
    assert [] == machine.subjects()


def test_i10_the_time_goes_on_over_a_restart(machine: Machine) -> None:
    machine.is_read = False
    machine.pass_by(20, looks=20)
    machine.start()
    machine.pass_by(11, looks=11)
    assert [NOT_READ] == machine.subjects()
    machine.start()
    machine.is_read = True
    machine.pass_by(1)
    assert [NOT_READ, f"over: {NOT_READ}"] == machine.subjects()


def test_h99_an_inbox_that_was_read_by_a_clock_ahead_is_missed_all_the_same(machine: Machine) -> None:
    machine.now += timedelta(days=7)
    machine.pass_by(0)
    machine.now, machine.is_read = NOW + timedelta(hours=1), False
    machine.pass_by(31, looks=31)
    assert [NOT_READ] == machine.subjects()


# --- what ------------------------------------------------------------------------------------------------------------
def test_h94_h14_a_relay_that_takes_no_letter_is_told_with_what_it_said(machine: Machine) -> None:
    queue(machine)
    machine.signs = Signs(relay="smtp.alit.kz:465 refuses the login (535): check smtp.user and the password file")
    machine.pass_by(31, looks=31)
    assert ["letters do not go out"] == machine.subjects()
    assert "refuses the login (535)" in machine.text()
    accept_all(machine)
    machine.pass_by(1)
    assert "over: letters do not go out" == machine.subjects()[-1]


def test_a_letter_that_goes_out_among_others_that_wait_shows_a_relay_that_works(machine: Machine) -> None:
    queue(machine, 1)
    for number in range(2, 8):
        queue(machine, number)
        machine.pass_by(10, looks=10)
        with machine.desk.database.write() as tx:
            gone = {"state": LetterState.ACCEPTED, "claimed_at": machine.now, "settled_at": machine.now}
            tx.execute(update(letters).where(letters.c.id == number).values(gone))
    assert [] == machine.subjects()


def test_h22_a_message_that_was_set_aside_is_told_at_once_and_once(machine: Machine) -> None:
    with machine.desk.database.write() as tx:
        entry = an_entry(7, outcome=Outcome.SHUNTED, reason="could_not_be_read")
        ledger.record(tx, ledger.cursor_of(tx, *INBOX) or pytest.fail("no cursor"), [entry], 7, machine.now)
    machine.pass_by(1, looks=5)
    assert ["a message could not be read"] == machine.subjects()
    assert "the message m1 in the mailbox info@alit.kz" in machine.text()


def test_i10_a_disk_that_is_nearly_full_is_told(tmp_path: Path) -> None:
    more_than_any_disk_has = 10**12
    with running(tmp_path, settings(tmp_path, low_disk_megabytes=more_than_any_disk_has)) as machine:
        machine.pass_by(31, looks=31)
        assert ["the disk is nearly full"] == machine.subjects()
        assert f"in {tmp_path}." in machine.text()


def test_h108_a_part_that_hangs_is_told_by_its_name(machine: Machine) -> None:
    machine.signs = Signs(hanging=("delivery", "system crm"))
    machine.pass_by(31, looks=31)
    assert ["mailbot hangs"] == machine.subjects()
    assert "delivery, system crm" in machine.text()


def test_i10_a_job_that_is_not_done_is_told_with_its_reason_and_so_is_its_end(machine: Machine) -> None:
    machine.signs = Signs(undone=("no retention, the list of what was destroyed cannot be read",))
    machine.pass_by(31, looks=31)
    assert ["a job is not done"] == machine.subjects()
    assert "What mailbot saw: no retention, the list of what was destroyed cannot be read" in machine.text()
    machine.signs = Signs()
    machine.pass_by(1)
    assert ["a job is not done", "over: a job is not done"] == machine.subjects()


@pytest.mark.parametrize("is_queued", [False, True])
def test_h101_a_digest_that_nobody_took_is_told_half_an_hour_after_its_moment(tmp_path: Path, is_queued: bool) -> None:
    """It is half past eight in Almaty when the machine is started, and the digest is due at nine."""
    config = settings(tmp_path, staff={"digest_to": [OFFICER]})
    with running(tmp_path, config, NOW.replace(hour=3, minute=30)) as machine:
        machine.pass_by(30, looks=30)
        if is_queued:
            assert queue_digest(machine.desk, digest_order(config), machine.now)
            accept_all(machine, LetterState.FAILED)
        machine.pass_by(29, looks=29)
        assert [] == machine.subjects()
        machine.pass_by(1)
        assert ["the digest was not sent"] == machine.subjects()


def test_h101_a_digest_that_went_out_is_not(tmp_path: Path) -> None:
    config = settings(tmp_path, staff={"digest_to": [OFFICER, "second@example.com"]})
    with running(tmp_path, config, NOW.replace(hour=4)) as machine:
        queue_digest(machine.desk, digest_order(config), machine.now)
        accept_all(machine)
        machine.pass_by(60, looks=60)
        assert [] == machine.subjects()


def test_a_digest_from_before_the_store_was_made_is_not_missed(tmp_path: Path) -> None:
    config = settings(tmp_path, staff={"digest_to": [OFFICER], "digest_at": "23:00"})
    with running(tmp_path, config) as machine:
        machine.pass_by(60, looks=60)
        assert [] == machine.subjects()


# --- a store that takes nothing --------------------------------------------------------------------------------------
def let_nothing_be_written(machine: Machine, setting: str = "ON") -> None:
    with machine.desk.database.read() as tx:
        tx.exec_driver_sql(f"PRAGMA query_only = {setting}")


def test_i10_h35_a_store_that_cannot_be_written_is_told_from_memory_once_and_its_end_too(machine: Machine) -> None:
    let_nothing_be_written(machine)
    machine.pass_by(30, looks=30)
    assert [] == machine.subjects()
    machine.pass_by(60, looks=60)
    assert ["the register cannot be written"] == machine.subjects()
    assert "attempt to write a readonly database" in machine.text()
    let_nothing_be_written(machine, "OFF")
    machine.pass_by(5, looks=5)
    assert ["the register cannot be written", "over: the register cannot be written"] == machine.subjects()


@contextmanager
def no_room(most_bytes: int = 4096) -> Iterator[None]:
    """Let no file of this process grow further: everything can be read, and every write of the store fails in the end."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_i10_h35_a_full_disk_is_noticed_though_there_is_nothing_to_write(machine: Machine) -> None:
    machine.pass_by(1)
    with capture_logs(), no_room():  # the lines of the log go to a file here
        machine.pass_by(40, looks=8)
    assert ["the register cannot be written"] == machine.subjects()
    machine.pass_by(2)
    assert "over: the register cannot be written" == machine.subjects()[-1]


def test_a_store_that_was_away_for_a_moment_is_not_worth_a_word(machine: Machine) -> None:
    for setting in ("ON", "OFF", "ON", "OFF"):
        let_nothing_be_written(machine, setting)
        machine.pass_by(20, looks=20)
    assert [] == machine.subjects()


def test_h108_whoever_holds_the_store_and_never_lets_go_is_told_and_that_he_did_at_last(machine: Machine) -> None:
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with machine.desk.database.write():
            held.set()
            let_go.wait()

    async def main() -> None:
        machine.alarms.answers_within_seconds = 0.01
        for _ in range(40):
            machine.now += MINUTE
            await machine.alarms.look()
        let_go.set()
        machine.alarms.answers_within_seconds = 20.0
        machine.now += MINUTE
        await machine.alarms.look()

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(20)
    asyncio.run(main())
    holder.join()
    assert ["the register cannot be written", "over: the register cannot be written"] == machine.subjects()
    assert "does not answer" in machine.text()


class FullOnceTold(Database):
    """A store whose disk is full from the moment in which the command was told, for some writes."""

    def __init__(self, database: Database, told: Path, writes: int) -> None:
        super().__init__(database._engine)
        self._told = told
        self._left = writes

    @contextmanager
    def write(self) -> Iterator[Connection]:
        if self._told.exists() and self._left:
            self._left -= 1
            raise StoreFailure("the disk is full")
        with super().write() as tx:
            yield tx


def test_what_was_told_and_could_not_be_noted_is_not_told_again(machine: Machine) -> None:
    machine.is_read = False
    machine.desk = replace(machine.desk, database=FullOnceTold(machine.desk.database, machine.folder / "subjects", writes=3))
    machine.start()
    machine.pass_by(60, looks=60)
    machine.start()
    machine.pass_by(60, looks=60)
    assert [NOT_READ] == machine.subjects()


# --- in which words --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", Language)
def test_each_trouble_has_its_words_in_each_language(language: Language) -> None:
    words, facts = words_of(language), {"about": "", "detail": ""}
    for trouble in Trouble:
        if trouble is Trouble.ALERT:
            continue
        own = words[trouble]
        assert all(own[key].format(**facts) for key in ("title", "says", "cure"))
        assert ("over" in own) is (trouble not in MOMENTS)


def test_an_alarm_says_since_when_what_and_what_to_do_on_lines_that_a_telephone_shows(machine: Machine) -> None:
    machine.is_read, machine.signs = False, Signs({INBOX: AWAY})
    machine.pass_by(31, looks=31)
    assert (
        "Since 20.11.2026, 11:30: the mailbox info@alit.kz is not read to its end.\n"
        f"What mailbot saw: {AWAY}\n"
        "What to do: type `mailbot check` on the server, which tells the reason and its cure. "
        "Meanwhile requests lie in the mailbox; their days run from receipt.\n"
    ) == machine.text()


def test_i6_no_line_of_the_log_names_anybody(machine: Machine) -> None:
    machine.is_read = False
    machine.command_ends(1)
    with capture_logs() as lines:
        machine.pass_by(60, looks=20)
    assert lines
    assert "@" not in str(lines)
