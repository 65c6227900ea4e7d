"""What was set aside in a real round is listed, shown and taken in again: also when the mailbox has lost it, or nothing was kept (H22)."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from mailbot.config import load_config
from storage.database import open_database
from tests.conftest import ConfigFile
from tests.mailbot.typing_room import PROGRAM, Ran, run_apart
from tests.scenarios.outside import (
    ROOT,
    append_all,
    flags_of,
    ordinary,
    outcomes_in,
    request,
    requests_in,
    run_once,
    seen_by,
)
from tests.servers import CapturingSmtp, Dovecot

RECEIVED = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
ANSWERED = frozenset({"\\Answered"})


def mailbot(*arguments: object) -> Ran:
    """Type a command as staff do; log lines are left out."""
    ran = run_apart(PROGRAM, *arguments)
    sentences = [line for line in ran.err.splitlines(keepends=True) if not line.startswith("{")]
    return Ran(ran.status, ran.out, "".join(sentences))


@pytest.fixture
def config(config_file: ConfigFile, dovecot: Dovecot, mailbox: str) -> Path:
    """Return the configuration of a mailbox in which Bolat's request tripped us between two other messages."""
    config = config_file()
    dovecot.append(mailbox, request("aigerim"))
    run_once(config)
    dovecot.append(mailbox, request("bolat"), internal_date=RECEIVED)
    dovecot.append(mailbox, ordinary("firm"))
    with bug(config):
        report = run_once(config)
    assert ["1 messages could not be read and were set aside for a person: see `mailbot held list`"] == list(map(str, report.problems))
    assert {"request": 1, "shunted": 1, "ordinary": 1} == outcomes_in(config)
    return config


@contextmanager
def bug(config: Path) -> Iterator[None]:
    """Let every request but the first trip mailbot."""
    run_statement(config, "CREATE UNIQUE INDEX only_one ON requests (policy)")
    yield
    run_statement(config, "DROP INDEX only_one")


def run_statement(config: Path, statement: str) -> None:
    database = open_database(load_config(config).store.url)
    with database.write() as tx:
        tx.execute(text(statement))
    database.close()


def is_taken_in(config: Path) -> bool:
    (taken,) = [kept for kept in requests_in(config) if kept.sender == "bolat@example.com"]
    return (RECEIVED, RECEIVED.astimezone(ZoneInfo("Asia/Almaty")).date()) == (taken.received_at, taken.received_on)


def test_h22_what_trips_is_listed_shown_retried_and_answered(config: Path, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str) -> None:
    listed = mailbot("held", "list", "--config", config).out.splitlines()
    day = str(RECEIVED.astimezone(ZoneInfo("Asia/Almaty")).date())
    assert ["id\treceived\twhy\tdue\tfolder/UID", f"m2\t{day}\tmailbot could not read it\t\tINBOX/2"] == listed
    shown = mailbot("held", "show", "m2", "--config", config).out
    assert all(
        part in shown for part in (f"received {day}", "From: bolat@example.com", "Subject: Opt-out of Notifications", "> Please act")
    )
    with bug(config):
        ran = mailbot("held", "retry", "m2", "--config", config)
        assert (1, "", True) == (ran.status, ran.out, ran.err.startswith("mailbot: m2 trips mailbot again (IntegrityError, "))
    assert {"request": 1, "shunted": 1, "ordinary": 1} == outcomes_in(config)
    ran = mailbot("held", "retry", "m2", "--config", config)
    (reference,) = [kept.reference for kept in requests_in(config) if kept.sender == "bolat@example.com"]
    assert Ran(0, f"m2: request {reference}\n", "") == ran
    assert is_taken_in(config)
    assert [] == run_once(config).problems
    assert {"aigerim@example.com": 1, "bolat@example.com": 1} == seen_by(smtp)
    assert {1: ANSWERED, 2: ANSWERED, 3: frozenset()} == flags_of(dovecot, mailbox)
    assert "Nothing waits for a person to look at it.\n" == mailbot("held", "list", "--config", config).out


def test_h22_what_the_mailbox_has_lost_is_taken_in_from_what_was_kept(
    config: Path, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str
) -> None:
    with dovecot.session(mailbox) as imap:
        imap.select_folder("INBOX")
        imap.delete_messages([2])
        imap.expunge()
    assert 0 == mailbot("held", "retry", "m2", "--config", config).status
    assert is_taken_in(config)
    assert [] == run_once(config).problems
    assert 1 == seen_by(smtp)["bolat@example.com"]


def test_h3_what_came_again_under_another_number_is_not_answered_twice(
    config: Path, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str
) -> None:
    dovecot.reset_uidvalidity(mailbox)
    run_once(config)
    assert 2 == len(requests_in(config))
    assert Ran(0, "m2: duplicate\n", "") == mailbot("held", "retry", "m2", "--config", config)
    run_once(config)
    assert 2 == len(requests_in(config))
    assert {"aigerim@example.com": 1} == seen_by(smtp)


def test_what_was_not_kept_is_fetched_again(config: Path, dovecot: Dovecot, mailbox: str) -> None:
    run_statement(config, "UPDATE receipts SET raw = x'', header = x'' WHERE uid = 2")
    assert 0 == mailbot("held", "retry", "m2", "--config", config).status
    assert is_taken_in(config)


LOST = {
    "deleted": "it no longer lies in the mailbox; `mailbot held drop m2` takes it off the list",
    "renumbered": "the folder has been renumbered: what still lies there comes again under its new number",
}


@pytest.mark.parametrize("how", LOST)
def test_what_was_neither_kept_nor_left_in_the_mailbox_stays_on_the_list(config: Path, dovecot: Dovecot, mailbox: str, how: str) -> None:
    run_statement(config, "UPDATE receipts SET raw = x'', header = x'' WHERE uid = 2")
    if how == "renumbered":
        dovecot.reset_uidvalidity(mailbox)
    else:
        with dovecot.session(mailbox) as imap:
            imap.select_folder("INBOX")
            imap.delete_messages([2])
            imap.expunge()
    assert Ran(1, "", f"mailbot: m2: nothing of it was kept, and {LOST[how]}\n") == mailbot("held", "retry", "m2", "--config", config)
    assert {"request": 1, "shunted": 1, "ordinary": 1} == outcomes_in(config)


def test_a_server_that_is_away_is_temporary_and_does_not_keep_the_others_waiting(config: Path, dovecot: Dovecot, mailbox: str) -> None:
    append_all(dovecot, mailbox, [request("clara")])
    with bug(config):
        run_once(config)
    run_statement(config, "UPDATE receipts SET raw = x'', header = x'' WHERE uid = 2")
    config.write_text(config.read_text().replace(f"port = {dovecot.imap_port}", "port = 1"), encoding="utf-8")
    ran = mailbot("held", "retry", "--all", "--config", config)
    assert (75, True, True) == (ran.status, ran.out.startswith("m4: request "), "cannot be reached" in ran.err)


@pytest.mark.parametrize("point", ["after_statement", "before_commit"])
def test_i1_a_death_while_it_is_taken_in_again_loses_nothing(config: Path, point: str) -> None:
    command = [sys.executable, "-m", "tests.scenarios.dying", point, "INSERT INTO requests", "held", "retry", "m2", "--config", str(config)]
    died = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60)
    assert -signal.SIGKILL == died.returncode
    assert {"request": 1, "shunted": 1, "ordinary": 1} == outcomes_in(config)
    assert 0 == mailbot("held", "retry", "--all", "--config", config).status
    assert is_taken_in(config)
