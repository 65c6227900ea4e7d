"""A system with a command, seen from outside: what a death, a hang or a failure of it does to mailbot and to what people are told."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from mailbot import staff, systems
from mailbot.config import load_config
from mailbot.daemon import Works, utc_now
from mailbot.desk import Desk, set_up_desk
from mailbot.report import Report
from rules.vocabulary import State
from storage import tasks
from tests.conftest import ConfigFile
from tests.mailbot.register_room import act
from tests.mailbot.test_systems import all_end
from tests.scenarios.managed import GIVE_UP_SECONDS, Service
from tests.scenarios.outside import letters_in, ordinary, request, requests_in, run_once, run_program, seen_by, start_program, store_of
from tests.scenarios.test_crashes import die
from tests.servers import CapturingSmtp, Dovecot

A_PERSON, TEMPORARY = 1, 75
REVOKES = "Revocation of consent to the processing of personal data"
CLAIM, DONE = "UPDATE tasks SET .*claimed", "UPDATE tasks SET .*done"
DEATHS = {
    "before the task is claimed": ("before_commit", CLAIM, 1),
    "after it was claimed": ("after_commit", CLAIM, 1),
    "after the command succeeded, before that is recorded": ("before_commit", DONE, 2),
    "after that was recorded": ("after_commit", DONE, 1),
}
TELLS = 'cat >> "$here/told"'
HANGS = 'echo $$ >> "$here/pids"; sleep 3600'


@pytest.fixture
def crm(config_file: ConfigFile, tmp_path: Path) -> Callable[[str], Path]:
    """Return what writes the CRM's command, and the configuration that names it."""

    def write(lines: str, timeout_seconds: float = 3600) -> Path:
        program = tmp_path / "crm.sh"
        program.write_text(f"#!/bin/sh\nhere={tmp_path}\n{lines}\n", encoding="utf-8")
        program.chmod(0o755)
        keys = {"name": "crm", "mode": "command", "command": [str(program)], "timeout_seconds": timeout_seconds}
        return config_file(system=keys, staff={"digest_to": []})

    return write


@pytest.fixture
def revocation(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    """Take in a revocation while the CRM is still kept by hand."""
    dovecot.append(mailbox, request("aigul", REVOKES))
    run_once(config_file(system={"name": "crm"}, staff={"digest_to": []}))


@contextmanager
def desk_of(config: Path) -> Iterator[Desk]:
    desk = set_up_desk(load_config(config), utc_now)
    try:
        yield desk
    finally:
        desk.database.close()


def revoked(config: Path) -> str:
    """Do all that a revocation asks but what the CRM has still to do, and tell that to its command; return the reference."""
    with desk_of(config) as desk:
        (entry,) = requests_in(config)
        reference = entry.reference
        act(desk, staff.approve, reference, "staff:dana")
        for owed in requests_in(config)[0].obligations:
            if owed.met_at is None and owed.system == "mailbot":
                act(desk, staff.approve, reference, "staff:dana", what=owed.what)
            elif owed.met_at is None and (owed.system, owed.what) != ("crm", "stop_processing"):
                act(desk, staff.tick_off, reference, "staff:dana", what=owed.what, system=owed.system)
        with desk.database.write() as tx:
            systems.queue_for(tx, desk, reference)
    return reference


def run_later(config: Path, hours: int = 2) -> Report:
    """Go a round some hours from now; after two every claim has lapsed."""
    return asyncio.run(Works(load_config(config), lambda: utc_now() + timedelta(hours=hours)).once())


def told(folder: Path) -> list[str]:
    """Return what the command was told, a line each time."""
    file = folder / "told"
    return [json.loads(line)["what"] for line in file.read_text().splitlines()] if file.exists() else []


def states(config: Path) -> list[str]:
    with store_of(config) as tx:
        return [task.state for task in tasks.waiting_in(tx, "crm")]


def wait_for(condition: Callable[[], object]) -> None:
    give_up = time.monotonic() + GIVE_UP_SECONDS
    while not condition():
        assert time.monotonic() < give_up, "in vain"
        time.sleep(0.02)


def begun(folder: Path, times: int = 1) -> list[int]:
    """Wait until the command was begun so often, and return its process numbers."""
    file = folder / "pids"
    wait_for(lambda: file.exists() and file.read_text().count("\n") >= times)
    return [int(line) for line in file.read_text().splitlines()]


def test_h113_the_person_is_told_that_it_is_done_in_the_run_in_which_the_command_succeeds(
    revocation: None, crm: Callable[[str], Path], tmp_path: Path
) -> None:
    config = crm("echo zeisig; exit 75")
    reference = revoked(config)
    ended = run_program(config)
    assert (TEMPORARY, True) == (ended.status, "1 tasks in crm were put off and are tried again by a later run" in ended.said)
    assert "zeisig" not in ended.said
    assert "completion" not in [letter.kind for letter in letters_in(config)]
    config = crm(TELLS)
    assert [] == run_later(config).problems
    assert ["stop_processing"] == told(tmp_path)
    assert [(reference, State.CARRIED_OUT)] == [(each.reference, each.state) for each in requests_in(config)]
    assert ["accepted"] == [letter.state for letter in letters_in(config) if letter.kind == "completion"]


@pytest.mark.parametrize(("point", "pattern", "times"), DEATHS.values(), ids=list(DEATHS))
def test_i1_a_death_around_a_command_loses_nothing_and_writes_one_letter(
    revocation: None, crm: Callable[[str], Path], tmp_path: Path, point: str, pattern: str, times: int
) -> None:
    """The command may be run once more than needed: docs/systems.md says that it must be able to."""
    config = crm(TELLS)
    revoked(config)
    assert -signal.SIGKILL == die(config, point, pattern)
    assert [] == run_later(config).problems
    assert ["stop_processing"] * times == told(tmp_path)
    assert [State.CARRIED_OUT] == [each.state for each in requests_in(config)]
    assert 1 == [letter.kind for letter in letters_in(config)].count("completion")


def test_i1_h21_a_death_while_the_command_runs_leaves_the_task_to_a_run_after_the_claim_has_lapsed(
    revocation: None, crm: Callable[[str], Path], tmp_path: Path
) -> None:
    config = crm(f'[ -e "$here/pids" ] && exec {TELLS}\n{HANGS}')
    revoked(config)
    daemon = start_program(config, "--once")
    (running,) = begun(tmp_path)
    daemon.kill()
    daemon.communicate()
    assert ([], []) == (run_once(config).problems, told(tmp_path)), "it may still be running, and is not run beside itself"
    assert ["claimed"] == states(config)
    os.killpg(running, signal.SIGKILL)
    assert [] == run_later(config).problems
    assert ["stop_processing"] == told(tmp_path)
    assert 1 == [letter.kind for letter in letters_in(config)].count("completion")


def test_a_command_that_hangs_delays_nothing_else_and_ends_with_the_service(
    revocation: None, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, crm: Callable[[str], Path], tmp_path: Path
) -> None:
    config = crm(HANGS)
    revoked(config)
    with Service(config, str(tmp_path / "notify")) as service:
        (running,) = begun(tmp_path)
        dovecot.append(mailbox, ordinary("firm"))
        dovecot.append(mailbox, request("bolat"))
        wait_for(lambda: seen_by(smtp)["bolat@example.com"])
        service.hear_pings(1, "system crm: carries out")
        assert 0 == service.end()
    assert all_end([str(running)])
    assert "claimed" == states(config)[0]


def test_i10_what_fails_again_and_again_is_told_by_the_exit_status(revocation: None, crm: Callable[[str], Path], tmp_path: Path) -> None:
    config = crm("exit 4")
    revoked(config)
    reports = [run_later(config, 7 * number) for number in range(1, 11)]  # longer than the longest pause
    assert [TEMPORARY] * 9 + [A_PERSON] == [report.exit_status for report in reports]
    assert ["1 tasks in crm fail again and again: see `mailbot systems list`"] == [str(problem) for problem in reports[-1].problems]
    assert ["failed"] == states(config)
