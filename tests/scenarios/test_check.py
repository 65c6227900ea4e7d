"""`mailbot check` as an administrator types it: before the first start, at a terminal, in a pipe, and from a program."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailbot.checkup import check_everything
from mailbot.cli.terms import store_failures_told
from mailbot.errors import Problem
from mailbot.findings import gravest
from tests.conftest import ConfigFile, write_config
from tests.mailbot.typing_room import PROGRAM, Ran, run_apart, run_at_terminal
from tests.scenarios.outside import request, run_once, run_program, seen_by
from tests.servers import CapturingSmtp, Dovecot

CONFIGURATION, TEMPORARY = 78, 75
MARKS = ("ok   ", "note ", "WRONG")


def status_of_run(config: Path) -> int:
    try:
        with store_failures_told():
            return run_once(config).exit_status
    except Problem as problem:
        return problem.exit_status


def check(config: Path, *options: str) -> Ran:
    return run_apart(PROGRAM, "check", *options, "--config", config)


def test_h109_what_check_finds_good_runs_and_what_runs_is_found_good(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    dovecot.append(mailbox, request("aigerim"))
    config = config_file()
    before = check(config)
    assert (0, "", []) == (before.status, before.err, smtp.envelopes)
    assert 0 == run_program(config).status
    assert {"aigerim@example.com": 1} == seen_by(smtp)
    after = check(config)
    assert (0, 1) == (after.status, len(smtp.envelopes))
    assert "can be written" in after.out


@pytest.mark.parametrize(
    ("mistake", "status"),
    [
        ({"inbox": {"folder": "Өтініштер"}}, CONFIGURATION),
        ({"inbox": {"filing": "folder", "filing_name": "Done"}}, CONFIGURATION),
        ({"inbox": {"port": 1}}, TEMPORARY),
        ({"policy": "kazgar"}, CONFIGURATION),
        ({"store": {"url": "sqlite:////nowhere/mailbot.db"}}, CONFIGURATION),
        ({"operator": {"calendar_overrides": "none.toml"}}, CONFIGURATION),
        ({"inbox": {"provider": "microsoft365"}}, CONFIGURATION),
    ],
    ids=str,
)
def test_h109_what_a_run_fails_of_is_found_with_the_same_status(
    mailbox: str, config_file: ConfigFile, mistake: dict[str, dict[str, object]], status: int
) -> None:
    config = config_file(**mistake)
    assert (status, status) == (gravest(check_everything(config, datetime.now(UTC))), status_of_run(config))


def test_in_a_pipe_each_finding_is_a_plain_line_with_its_mark(mailbox: str, config_file: ConfigFile) -> None:
    *lines, last = check(config_file()).out.splitlines()
    assert {"ok   ", "note "} == {line[:5] for line in lines}
    assert "Nothing is wrong: `mailbot run` would work." == last


def test_what_is_wrong_stands_on_standard_output_with_the_rest(tmp_path: Path) -> None:
    ran = check(write_config(tmp_path, imap_port=1, smtp_port=1))
    *lines, last = ran.out.splitlines()
    assert (TEMPORARY, "", "Wrong: 2.") == (ran.status, ran.err, last)
    assert set(MARKS) == {line[:5] for line in lines}


def test_for_a_program_each_finding_is_an_object(tmp_path: Path) -> None:
    ran = check(write_config(tmp_path, imap_port=1, smtp_port=1), "--json")
    findings = [json.loads(line) for line in ran.out.splitlines()]
    assert [{"mark", "part", "text"}] * len(findings) == [set(finding) for finding in findings]
    assert ["inbox[1]", "smtp"] == [finding["part"] for finding in findings if finding["mark"] == "wrong"]
    assert TEMPORARY == ran.status


def test_at_a_terminal_the_marks_are_coloured_and_nothing_can_be_played_on_it(tmp_path: Path) -> None:
    config = write_config(tmp_path, imap_port=1, smtp_port=1, policy="\x1b]0;title\x07")
    ran = run_at_terminal(PROGRAM, "check", "--config", config)
    assert CONFIGURATION == ran.status
    assert "\x1b[1;31mWRONG\x1b[0m" in ran.out
    assert "\x1b]0" not in ran.out
