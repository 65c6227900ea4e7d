"""The drills of docs/recovery.md, with the very commands that stand there: nothing is lost by them, and nothing doubled that need not be.

``systemctl`` is played: what it starts goes one round. Paths of the page are those of the test; everything else is typed as it stands.
"""

import re
import resource
import shlex
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailbot.report import Report
from tests.conftest import ConfigFile, secret_file
from tests.mailbot.register_room import is_on_file, open_desk, put_on_file
from tests.mailbot.typing_room import Ran, Type, typist
from tests.scenarios.managed import Service
from tests.scenarios.outside import outcomes_in, request, requests_in, run_once, seen_by
from tests.servers import CapturingSmtp, Dovecot, Drop

PAGE = (Path(__file__).parents[2] / "docs" / "recovery.md").read_text(encoding="utf-8")
DRILLS = {title: text for title, _, text in (part.partition("\n") for part in PAGE.split("\n## ")[1:])}
"""By its title, what the page says of a drill."""

WITHOUT_A_SYSTEM_TO_TYPE_THEM_IN = ("df ", "journalctl ")
"""What only looks, or makes room: the test makes room in its own way."""


def commands_of(drill: str) -> list[str]:
    """Return the commands of a drill, in the order of the page."""
    return re.findall(r"^    (\S.*)$", DRILLS[drill], re.MULTILINE)


@dataclass
class Machine:
    """A machine on which mailbot is installed, and an administrator who types."""

    config: Path
    type_: Type
    password: str

    def __post_init__(self) -> None:
        self.folder = self.config.parent
        self.rounds: list[Report] = []
        (self.folder / "backups").mkdir()

    def path(self, written: str) -> str:
        """Return what a path of the page is on this machine."""
        for ours, theirs in (
            ("/etc/mailbot/credentials/kazger/imap", "imap.password"),
            ("/var/backups/mailbot/", "backups/"),
            ("/var/lib/mailbot/kazger", "mailbot"),
            ("/var/lib/mailbot/", ""),
        ):
            written = written.replace(ours, f"{self.folder}/{theirs}")
        return written

    def carry_out(self, drill: str) -> list[Ran]:
        """Type the commands of a drill; return how those of mailbot ended."""
        return [ran for command in commands_of(drill) if (ran := self._carry_out(command))]

    def _carry_out(self, command: str) -> Ran | None:
        line = self.path(command)
        match line.split()[0]:
            case "systemctl":
                if line.split()[1] in ("start", "restart"):
                    self.rounds.append(run_once(self.config))
            case "mailbot":
                return self.type_(*shlex.split(line)[1:], "--config", self.config)
            case _ if not line.startswith(WITHOUT_A_SYSTEM_TO_TYPE_THEM_IN):
                line = line.replace("-o mailbot -g mailbot ", "")  # there is no such user here
                subprocess.run(["sh", "-c", line], input=self.password.encode(), stderr=subprocess.DEVNULL, check=False)
        return None


@pytest.fixture
def machine(config_file: ConfigFile, dovecot: Dovecot, capsys: pytest.CaptureFixture[str]) -> Machine:
    return Machine(config_file(staff={"digest_to": []}), typist(capsys), dovecot.password)


def test_every_drill_of_the_page_is_tried() -> None:
    tried = set(re.findall(r'carry_out\("([^"]+)"\)', Path(__file__).read_text(encoding="utf-8")))
    assert set(DRILLS) == tried
    assert [] == [drill for drill in DRILLS if not commands_of(drill)]


def test_a_restored_backup_takes_in_what_came_since_and_destroys_again(
    machine: Machine, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str
) -> None:
    with open_desk(machine.config) as desk:
        put_on_file(desk)
    dovecot.append(mailbox, request("aigerim"))
    run_once(machine.config)
    assert 0 == machine.type_("store", "backup", machine.folder / "backups/kazger.db", "--config", machine.config).status
    assert 0 == machine.type_("store", "destroy", "aigul@example.com", "--why", "asked", "--yes", "--config", machine.config).status
    dovecot.append(mailbox, request("bolat"))
    run_once(machine.config)
    (machine.folder / "mailbot.db").write_bytes(b"spoilt " * 1000)
    reapplied, verified = machine.carry_out("The store is spoilt or gone, and there is a backup")
    assert (0, 0) == (reapplied.status, verified.status)
    assert [[]] == [each.problems for each in machine.rounds]
    with open_desk(machine.config) as desk:
        assert not is_on_file(desk)
    assert {"request": 2} == outcomes_in(machine.config)
    assert {"aigerim@example.com": 1, "bolat@example.com": 2} == seen_by(smtp), "who wrote since the backup is told twice"


def test_without_a_backup_the_mailbox_tells_what_was_asked_and_nobody_is_written_to(
    machine: Machine, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str
) -> None:
    dovecot.append(mailbox, request("aigerim"))
    run_once(machine.config)
    assert 0 == machine.type_("store", "backup", machine.folder / "backups/kazger.db", "--config", machine.config).status
    machine.config.write_text(machine.config.read_text().replace('start = "2020-01-01"', 'start = "now"'))
    for part in machine.folder.glob("mailbot.db*"):
        if part.suffix != ".destroyed":
            part.unlink()
    (scanned,) = machine.carry_out("The store is gone, and there is no backup")
    assert 0 == scanned.status, scanned.err
    assert [[]] == [each.problems for each in machine.rounds]
    assert ["aigerim@example.com"] == [each.sender for each in requests_in(machine.config)]
    assert {"aigerim@example.com": 1} == seen_by(smtp)


def test_h3_a_moved_mail_server_brings_nothing_twice(machine: Machine, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str) -> None:
    dovecot.append(mailbox, request("aigerim"))
    run_once(machine.config)
    dovecot.reset_uidvalidity(mailbox)
    after = datetime.now(UTC) + timedelta(seconds=2)  # INTERNALDATE knows whole seconds
    dovecot.append(mailbox, request("bolat"), internal_date=after)
    (checked,) = machine.carry_out("The mail server was moved")
    assert (0, [[]]) == (checked.status, [each.problems for each in machine.rounds])
    assert 2 == len(requests_in(machine.config))
    assert {"aigerim@example.com": 1, "bolat@example.com": 1} == seen_by(smtp)


def test_h14_a_changed_password_is_written_and_all_is_taken_in(
    machine: Machine, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str
) -> None:
    dovecot.append(mailbox, request("aigerim"))
    secret_file(machine.folder / "imap.password", "the old one")
    (refused,) = run_once(machine.config).problems
    assert "refuses the login" in str(refused)
    (checked,) = machine.carry_out("The password was changed")
    assert (0, [[]]) == (checked.status, [each.problems for each in machine.rounds])
    assert {"aigerim@example.com": 1} == seen_by(smtp)


@contextmanager
def no_room() -> Iterator[None]:
    """Let no file of this process grow: to the store it is a disk without room."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_h35_on_a_full_disk_nothing_is_done_and_afterwards_all_of_it(
    machine: Machine, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str
) -> None:
    run_once(machine.config)
    dovecot.append(mailbox, request("aigerim"))
    before = dovecot.snapshot(mailbox)
    with no_room():
        full = machine.type_("run", "--once", "--config", machine.config)
    assert (75, {}, before) == (full.status, seen_by(smtp), dovecot.snapshot(mailbox))
    assert [] == machine.carry_out("The disk is full")
    assert [] == run_once(machine.config).problems
    assert {"aigerim@example.com": 1} == seen_by(smtp)


def test_h31_a_letter_in_doubt_is_looked_at_and_settled_by_a_person(
    machine: Machine, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str
) -> None:
    dovecot.append(mailbox, request("aigerim"))
    smtp.drop = Drop.BEFORE_REPLY
    run_once(machine.config)
    listed, shown = machine.carry_out("A letter may or may not have arrived")
    assert (0, True, 0, True) == (listed.status, "doubtful" in listed.out, shown.status, "aigerim@example.com" in shown.out)
    assert 0 == machine.type_("letters", "drop", 1, "--reason", "it arrived", "--config", machine.config).status
    smtp.drop = Drop.NEVER
    assert [] == run_once(machine.config).problems
    assert {"aigerim@example.com": 1} == seen_by(smtp)


def test_h105_a_password_file_that_is_open_to_all_is_refused_until_it_is_closed(
    machine: Machine, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str
) -> None:
    dovecot.append(mailbox, request("aigerim"))
    (machine.folder / "imap.password").chmod(0o644)
    refused = machine.type_("run", "--once", "--config", machine.config)
    assert (78, True) == (refused.status, "is open to every user of this machine" in refused.err)
    (checked,) = machine.carry_out("A password file is missing, or open to all")
    assert (0, [[]]) == (checked.status, [each.problems for each in machine.rounds])
    assert {"aigerim@example.com": 1} == seen_by(smtp)


def test_h21_a_second_start_touches_nothing_and_takes_over_when_the_first_ends(
    machine: Machine, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str
) -> None:
    with Service(machine.config, str(machine.folder / "first")) as first:
        first.hear_pings(1, "waits for mail")
        with Service(machine.config, str(machine.folder / "second")) as second:
            second.hear(lambda told: told.get("STATUS") == "waits: another mailbot works in this store")
            dovecot.append(mailbox, request("aigerim"))
            first.hear(lambda _: seen_by(smtp)["aigerim@example.com"])
            (listed,) = machine.carry_out("mailbot was started twice")
            assert (0, True) == (listed.status, "opt_out" in listed.out)
            assert 0 == first.end()
            second.hear_pings(1, "waits for mail")
            assert 0 == second.end()
    assert ({"request": 1}, {"aigerim@example.com": 1}) == (outcomes_in(machine.config), seen_by(smtp))


def test_a_new_machine_goes_on_where_the_old_one_stopped(machine: Machine, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str) -> None:
    dovecot.append(mailbox, request("aigerim"))
    run_once(machine.config)
    dovecot.append(mailbox, request("bolat"))
    with open_desk(machine.config) as desk:
        put_on_file(desk)
    assert 0 == machine.type_("store", "destroy", "aigul@example.com", "--why", "asked", "--yes", "--config", machine.config).status
    journal = machine.folder / "mailbot.db.destroyed"
    journal.chmod(0o640)  # as it may come out of an archive
    backed_up, checked = machine.carry_out("The machine is replaced")
    assert (0, 0, [[]]) == (backed_up.status, checked.status, [each.problems for each in machine.rounds])
    assert (0o600, True) == (stat.S_IMODE(journal.stat().st_mode), f"{journal} is this store's list" in checked.out)
    assert {"aigerim@example.com": 1, "bolat@example.com": 1} == seen_by(smtp)
    assert 2 == len(requests_in(machine.config))
