"""kill -9 at each step of the way, then another run: nothing is lost, nothing is doubled (I1, I2, I3, I4; H23, H24, H30, H31)."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbot.letters import CODE_IN_SUBJECT
from storage.tables import letters, receipts
from tests.conftest import ConfigFile
from tests.scenarios.crash_stories import STORIES, Story
from tests.scenarios.crash_world import Forge, Servers
from tests.scenarios.crashes import Lives, live_through
from tests.scenarios.outside import (
    ROOT,
    RUN_SECONDS,
    letters_in,
    lines_in,
    message,
    ordinary,
    outcomes_in,
    request,
    requests_in,
    run_once,
    seen_by,
    store_of,
)
from tests.servers import CapturingSmtp, Dovecot, Drop

MOST = {STORIES[0].name: 6}
"""At how many points each story dies here, where it is not two."""

PEOPLE = ("aigerim", "bolat", "clara")
SUBJECTS = ("Opt-out of Notifications", "Отказ от уведомлений", "Personal Data Update")

CLAIM, MARK, SETTLE = "UPDATE letters SET state=.*attempts=", "UPDATE letters SET .*marked_at=", "UPDATE letters SET .*settled_at="

IN_TURN = (
    ("imap", r"FETCH .*BODY\.PEEK\[HEADER\]"),
    ("after_statement", "INSERT INTO requests"),
    ("after_commit", "INSERT INTO ledger"),
    ("after_commit", CLAIM),
)
WHILE_SENDING = {
    "after a letter was marked": ("after_commit", MARK),
    "after a letter was accepted, before that is settled": ("before_commit", SETTLE),
}


@pytest.fixture(scope="session")
def forge() -> Iterator[Forge]:
    """Return what makes processes of mailbot that die where they are told to."""
    with Forge() as forge:
        yield forge


@pytest.fixture
def servers(request: pytest.FixtureRequest, dovecot: Dovecot, smtp: CapturingSmtp, forge: Forge, engine: str) -> Servers:
    """Return what the lives on an engine have in common."""
    return Servers(dovecot, smtp, request.getfixturevalue("postgresql") if engine == "postgresql" else None, forge)


ENGINE = {"sqlite": (), "postgresql": (pytest.mark.postgresql,)}
OF_ALL_LIVES = [
    pytest.param(story, engine, id=f"{story.name}, {engine}", marks=ENGINE[engine]) for story in STORIES for engine in story.engines
]


@pytest.mark.parametrize(("story", "engine"), OF_ALL_LIVES)
def test_h24_h25_h30_h33_a_death_anywhere_loses_nothing_and_doubles_nothing(story: Story, servers: Servers, tmp_path: Path) -> None:
    """``make crashes`` dies at every point; this is a choice of them, spread over the story."""
    totals = live_through(Lives(story, servers, tmp_path), most=MOST.get(story.name, 2))
    assert ([], [], []) == (totals.lost, totals.doubled, totals.faults)
    assert totals.died


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


@pytest.mark.parametrize(
    ("copies_of", "becomes"),
    [("aigerim", {"aigerim": "accepted", "bolat": "doubtful"}), ("nobody", {"aigerim": "doubtful", "bolat": "doubtful"})],
)
def test_h31_a_doubtful_letter_that_lies_in_the_sent_folder_is_in_doubt_no_more(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, copies_of: str, becomes: dict[str, str]
) -> None:
    """Some relays keep a copy of what they take; nothing else than that very letter settles the doubt."""
    config = config_file()
    for name in ("aigerim", "bolat"):
        dovecot.append(mailbox, message(name, "Personal Data Update", "My new phone number is +7 700 000 00 77."))
    smtp.drop = Drop.BEFORE_REPLY
    run_once(config)
    smtp.drop = Drop.NEVER
    for letter in smtp.envelopes:
        own = (
            letter.content if letter.recipients == (f"{copies_of}@example.com",) else letter.content.replace(b"<mailbot.", b"<mailbot.x", 1)
        )
        dovecot.append(mailbox, own, "Sent")
    run_once(config)
    references = {each.reference: (each.sender or "").partition("@")[0] for each in requests_in(config)}
    assert becomes == {references[each.reference or ""]: each.state for each in letters_in(config)}
    assert 2 == len(smtp.envelopes)
    answered = [uid for uid, stored in dovecot.snapshot(mailbox).items() if "\\Answered" in stored.flags]
    assert list(becomes.values()).count("accepted") == len(answered)
    with store_of(config) as tx:
        kept = {each.state: CODE_IN_SUBJECT.search(each.content) for each in tx.execute(letters.select())}
    assert {"doubtful"} == {state for state, code in kept.items() if code}


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
    for point, pattern in IN_TURN:
        assert -signal.SIGKILL == die(config, point, pattern)
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
