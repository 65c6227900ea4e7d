"""kill -9 at each step of the way, then another run: nothing is lost, nothing is doubled (I1, I2, I3, I4; H23, H24, H30, H31)."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from storage.tables import receipts
from tests.conftest import ConfigFile
from tests.scenarios.outside import (
    ROOT,
    RUN_SECONDS,
    letters_in,
    lines_in,
    ordinary,
    outcomes_in,
    request,
    requests_in,
    run_once,
    seen_by,
    store_of,
)
from tests.servers import CapturingSmtp, Dovecot

PEOPLE = ("aigerim", "bolat", "clara")
SUBJECTS = ("Opt-out of Notifications", "Отказ от уведомлений", "Personal Data Update")

CLAIM, MARK, SETTLE = "UPDATE letters SET state=.*attempts=", "UPDATE letters SET .*marked_at=", "UPDATE letters SET .*settled_at="

BEFORE_ANY_LETTER = {
    "before the folder is opened": ("imap", "EXAMINE"),
    "after the first cursor was placed": ("after_commit", "INSERT INTO cursors"),
    "before the new mail is listed": ("imap", "SEARCH"),
    "before the attempt is counted": ("before_commit", "UPDATE cursors SET trying_from"),
    "after the attempt was counted": ("after_commit", "UPDATE cursors SET trying_from"),
    "before the heads are fetched": ("imap", r"FETCH .*BODY\.PEEK\[HEADER\]"),
    "before the bodies are fetched": ("imap", r"FETCH .*\(BODY\.PEEK\[\]\)"),
    "before the requests are written": ("before_statement", "INSERT INTO requests"),
    "after the requests were written": ("after_statement", "INSERT INTO requests"),
    "after the receipts were written": ("after_statement", "INSERT INTO receipts"),
    "after the letters were written": ("after_statement", "INSERT INTO letters"),
    "after the ledger was written": ("after_statement", "INSERT INTO ledger"),
    "before the record is committed": ("before_commit", "INSERT INTO ledger"),
    "after the record was committed": ("after_commit", "INSERT INTO ledger"),
    "before the pass is noted": ("before_commit", "UPDATE cursors SET last_pass_at"),
    "before the letters are claimed": ("before_commit", CLAIM),
    "after the letters were claimed": ("after_commit", CLAIM),
    "before a letter is marked": ("before_commit", MARK),
}
WHILE_SENDING = {
    "after a letter was marked": ("after_commit", MARK),
    "after a letter was accepted, before that is settled": ("before_commit", SETTLE),
}
AFTER_SENDING = {
    "before a message is marked answered": ("imap", "STORE"),
    "after it was marked answered, before that is noted": ("before_statement", "UPDATE ledger SET filing=.*ledger.id ="),
    "after that was noted": ("after_commit", "UPDATE ledger SET filing=.*ledger.id ="),
}

NO_LETTER_ON_ITS_WAY = BEFORE_ANY_LETTER | AFTER_SENDING


def die(config: Path, point: str, pattern: str) -> int:
    """Run mailbot until it reaches the point, and return its exit status."""
    return start_dying(config, point, pattern).wait(RUN_SECONDS)


def start_dying(config: Path, point: str, pattern: str) -> "subprocess.Popen[bytes]":
    """Start a run that kills itself when it gets to the point."""
    command = [sys.executable, "-m", "tests.scenarios.dying", point, pattern, "run", "--once", "--config", str(config)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)


def fill(dovecot: Dovecot, user: str) -> list[int]:
    """Put ordinary mail between three requests; return the UIDs of what is ordinary."""
    usual = []
    for name, subject in zip(PEOPLE, SUBJECTS, strict=True):
        dovecot.append(user, request(name, subject))
        usual.append(dovecot.append(user, ordinary(f"firm-{name}")))
    return usual


def check_nothing_lost_or_doubled(config: Path) -> None:
    """See that every message has one line, every request one entry and every entry one letter."""
    assert {"request": 3, "ordinary": 3} == outcomes_in(config)
    assert sorted(f"{name}@example.com" for name in PEOPLE) == sorted(each.sender or "" for each in requests_in(config))
    assert sorted(each.reference for each in requests_in(config)) == sorted(letter.reference or "" for letter in letters_in(config))


@pytest.mark.parametrize(("point", "pattern"), NO_LETTER_ON_ITS_WAY.values(), ids=list(NO_LETTER_ON_ITS_WAY))
def test_h24_a_death_where_no_letter_is_on_its_way_leaves_no_trace(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, point: str, pattern: str
) -> None:
    config, usual = config_file(), fill(dovecot, mailbox)
    before = dovecot.snapshot(mailbox)
    assert -signal.SIGKILL == die(config, point, pattern)
    assert [] == run_once(config).problems
    check_nothing_lost_or_doubled(config)
    assert ["accepted"] * 3 == [letter.state for letter in letters_in(config)]
    assert {f"{name}@example.com": 1 for name in PEOPLE} == seen_by(smtp)
    after = dovecot.snapshot(mailbox)
    assert [before[uid] for uid in usual] == [after[uid] for uid in usual]
    assert {frozenset({"\\Answered"})} == {after[uid].flags for uid in after.keys() - set(usual)}


@pytest.mark.parametrize(("point", "pattern"), WHILE_SENDING.values(), ids=list(WHILE_SENDING))
def test_h31_a_death_between_mark_and_settle_leaves_the_letter_to_a_person(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, point: str, pattern: str
) -> None:
    config, usual = config_file(), fill(dovecot, mailbox)
    before = dovecot.snapshot(mailbox)
    assert -signal.SIGKILL == die(config, point, pattern)
    run_once(config)
    run_once(config)
    check_nothing_lost_or_doubled(config)
    states = [str(letter.state) for letter in letters_in(config)]
    assert {"accepted", "doubtful"} >= set(states)
    assert "doubtful" in states
    assert 1 == max(seen_by(smtp).values(), default=1)
    assert states.count("accepted") <= seen_by(smtp).total()
    after = dovecot.snapshot(mailbox)
    assert [before[uid] for uid in usual] == [after[uid] for uid in usual]


def test_h31_a_death_after_the_final_dot_leaves_the_letter_to_a_person(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim"))
    smtp.delay_seconds = RUN_SECONDS
    running = start_dying(config, "imap", "never")
    give_up = time.monotonic() + RUN_SECONDS
    while not smtp.envelopes and time.monotonic() < give_up:
        time.sleep(0.01)
    running.kill()
    running.wait()
    smtp.delay_seconds = 0
    run_once(config)
    assert ["doubtful"] == [letter.state for letter in letters_in(config)]
    assert {"aigerim@example.com": 1} == seen_by(smtp)
    assert {"request": 1} == outcomes_in(config)


def test_h31_a_death_after_the_settlement_sends_nothing_again(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim"))
    assert -signal.SIGKILL == die(config, "after_commit", SETTLE)
    assert [] == run_once(config).problems
    assert ["accepted"] == [letter.state for letter in letters_in(config)]
    assert {"aigerim@example.com": 1} == seen_by(smtp)
    assert [frozenset({"\\Answered"})] == [stored.flags for stored in dovecot.snapshot(mailbox).values()]


def test_a_death_at_every_step_in_turn_still_ends_well(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    """One store lives through one death after another, as on a machine that keeps losing its power."""
    config = config_file()
    fill(dovecot, mailbox)
    for name in (
        "before the heads are fetched",
        "after the requests were written",
        "after the record was committed",
        "after the letters were claimed",
    ):
        assert -signal.SIGKILL == die(config, *BEFORE_ANY_LETTER[name])
    assert [] == run_once(config).problems
    check_nothing_lost_or_doubled(config)
    assert {f"{name}@example.com": 1 for name in PEOPLE} == seen_by(smtp)


DEADLY = {
    "while it is taken in": ("before_statement", "INSERT INTO requests.*bolat@example", 4),
    "while it is fetched, whenever it is": ("imap", r"FETCH (\S+,)?3(,\S+)? \(BODY\.PEEK\[\]\)", 5),
}


@pytest.mark.parametrize(("point", "pattern", "deaths"), DEADLY.values(), ids=list(DEADLY))
def test_h23_a_message_that_kills_the_process_is_set_aside_after_three_tries_alone(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, point: str, pattern: str, deaths: int
) -> None:
    """The first death is the batch's; three are its own; a fourth if even its bytes cannot be kept."""
    config = config_file()
    fill(dovecot, mailbox)
    statuses = [die(config, point, pattern)]
    while statuses[-1] == -signal.SIGKILL and len(statuses) < 10:
        statuses.append(die(config, point, pattern))
    assert [-signal.SIGKILL] * deaths + [1] == statuses
    assert {"request": 2, "ordinary": 3, "shunted": 1} == outcomes_in(config)
    assert [("shunted", "could_not_be_read")] == [(line.outcome, line.reason) for line in lines_in(config) if line.uid == 3]
    assert {"aigerim@example.com": 1, "clara@example.com": 1} == seen_by(smtp)
    with store_of(config) as tx:
        kept = tx.execute(receipts.select().where(receipts.c.uid == 3)).one().raw
    assert (point == "before_statement") == (b"bolat@example.com" in kept)
