"""The unit and its companions, as systemd itself reads them: nothing in them is unknown to it, and the service is shut in."""

import re
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest

from mailbot.config import Config
from tests.conftest import skip_without
from tests.servers import missing_systemd
from tests.servers.programs import IS_ROOT

ROOT = Path(__file__).parents[1]
UNIT = ROOT / "systemd/mailbot@.service"
MOST_EXPOSURE = 2.0
STARTS = "/opt/mailbot/bin/mailbot"


@pytest.fixture(autouse=True)
def _needs_systemd() -> None:
    skip_without(missing_systemd())


def said_of(unit: Path) -> list[str]:
    """Return what systemd has to say of a unit."""
    ran = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    return [line for line in f"{ran.stdout}{ran.stderr}".splitlines() if unit.stem.rstrip("@") in line]


def exposure_of(unit: Path) -> float:
    """Return how exposed systemd finds a service, from 0 to 10."""
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", told)
    assert found, told
    return float(found[1])


def values_of(key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)


def with_line(tmp_path: Path, line: str) -> Path:
    """Return the unit with one more line in its section [Service]."""
    changed = tmp_path / UNIT.name
    changed.write_text(UNIT.read_text(encoding="utf-8").replace("[Service]\n", f"[Service]\n{line}\n"), encoding="utf-8")
    return changed


def test_systemd_misses_nothing_but_the_program() -> None:
    (only,) = said_of(UNIT)
    assert f"Command {STARTS} is not executable: No such file or directory" in only


@pytest.mark.parametrize("line", ["ProtectSytem=strict", "WatchdogSec=soon", "RestrictAddressFamilies=AF_MAIL"])
def test_a_slip_in_the_unit_would_be_told(tmp_path: Path, line: str) -> None:
    assert len(said_of(with_line(tmp_path, line))) > 1


def test_the_service_is_shut_in() -> None:
    assert exposure_of(UNIT) <= MOST_EXPOSURE


def test_the_manager_never_gives_up_but_over_a_mistake_in_the_configuration() -> None:
    """A database that is away for an hour must not end the service for ever."""
    assert ["0"] == values_of("StartLimitIntervalSec")
    assert (["on-failure"], ["78"]) == (values_of("Restart"), values_of("RestartPreventExitStatus"))


def test_the_unit_reads_the_configuration_of_its_instance() -> None:
    assert [f"{STARTS} run --config /etc/mailbot/%i.toml"] == values_of("ExecStart")


def test_the_credentials_are_those_that_the_example_of_the_configuration_names() -> None:
    example = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    named = re.findall(r'^#password_credential = "(\w+)"', example, re.MULTILINE)
    assert [f"{name}:/etc/mailbot/credentials/%i/{name}" for name in named] == values_of("LoadCredential")
    assert ["imap", "smtp"] == named


def test_the_example_can_be_used_with_the_credentials() -> None:
    example = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    wanted = re.sub(r"^#(password_credential = )", r"\1", re.sub(r"(?m)^password_file = .*$", "", example), flags=re.MULTILINE)
    config = Config.model_validate(tomllib.loads(wanted))
    assert ("imap", "smtp") == (config.inbox[0].password_credential, config.smtp.password_credential)


@pytest.mark.skipif(not IS_ROOT, reason="only root makes users and gives folders away")
def test_h105_the_user_and_the_folders_are_made_and_the_passwords_are_roots(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for command in (["systemd-sysusers", "systemd/mailbot.sysusers"], ["systemd-tmpfiles", "--create", "systemd/mailbot.tmpfiles"]):
        subprocess.run([command[0], f"--root={tmp_path}", *command[1:-1], ROOT / command[-1]], check=True, capture_output=True)
    user, _, number = (tmp_path / "etc/passwd").read_text(encoding="utf-8").split(":")[:3]
    assert ("mailbot", "mailbot", "mailbot") == (user, *values_of("User"), *values_of("Group"))
    places = {"etc/mailbot": (0, 0o750), "etc/mailbot/credentials": (0, 0o700), "var/lib/mailbot": (int(number), 0o700)}
    made = {place: (tmp_path / place).stat() for place in places}
    assert places == {place: (is_.st_uid, stat.S_IMODE(is_.st_mode)) for place, is_ in made.items()}
