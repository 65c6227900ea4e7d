"""`mailbot check` tries the second route and the heartbeat before they are needed, and nobody hears of it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailbot.checkup import check_everything
from mailbot.findings import Finding, Mark
from tests.conftest import secret_file, write_config
from tests.mailbot.test_heartbeat import Monitors, serving
from tests.mailbot.test_smtp import ScriptedSmtp
from tests.servers import LOOPBACK, CapturingSmtp

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
PARTS = ("alarm", "alarm.smtp", "heartbeat")


def found(folder: Path, table: str) -> list[Finding]:
    """Return what is found of alarms; ``table`` is the table [alarm]."""
    config = write_config(folder, imap_port=1, smtp_port=1)
    config.write_text(f"{config.read_text(encoding='utf-8')}[alarm]\n{table}\n", encoding="utf-8")
    return [finding for finding in check_everything(config, NOW) if finding.part in PARTS]


def marks(findings: list[Finding]) -> list[tuple[str, Mark]]:
    return [(finding.part, finding.mark) for finding in findings]


def relay(port: int, more: str = "") -> str:
    return f'smtp = {{ host = "{LOOPBACK}", port = {port}, tls = "none", sender = "mailbot@elsewhere.example"{more} }}'


def program(folder: Path, mode: int = 0o755) -> Path:
    path = folder / "alarm.sh"
    path.write_text("#!/bin/sh\necho run >> $0.log\n")
    path.chmod(mode)
    return path


def test_i10_without_a_second_route_an_administrator_is_told_what_that_means(tmp_path: Path) -> None:
    (only,) = found(tmp_path, "")
    assert (Mark.NOTE, "alarm") == (only.mark, only.part)
    assert "no second way to staff" in only.text


def test_another_relay_is_reached_and_nothing_is_sent(tmp_path: Path, smtp: CapturingSmtp) -> None:
    findings = found(tmp_path, relay(smtp.port))
    assert [("alarm.smtp", Mark.OK), ("alarm", Mark.OK)] == marks(findings)
    assert [] == smtp.envelopes


def test_another_relay_that_refuses_the_login_is_wrong(tmp_path: Path) -> None:
    secret = secret_file(tmp_path / "alarm.password", "a secret")
    with ScriptedSmtp({"AUTH": "535 5.7.8 no"}) as server:
        findings = found(tmp_path, relay(server.port, f', user = "mailbot", password_file = "{secret}"'))
    assert ("alarm.smtp", Mark.WRONG) in marks(findings)
    assert "a secret" not in str(findings)


def test_another_relay_whose_password_cannot_be_read_is_wrong(tmp_path: Path, smtp: CapturingSmtp) -> None:
    findings = found(tmp_path, relay(smtp.port, ', user = "mailbot", password_file = "none"'))
    assert ("alarm.smtp", Mark.WRONG) in marks(findings)


def test_another_relay_that_is_away_is_temporary(tmp_path: Path) -> None:
    (away, same, _) = found(tmp_path, relay(1))
    assert (Mark.WRONG, 75) == (away.mark, away.exit_status)
    assert "it is the server of [smtp]" in same.text


@pytest.mark.parametrize("key", ["command", "heartbeat_command"])
@pytest.mark.parametrize(("mode", "mark"), [(0o755, Mark.OK), (0o644, Mark.WRONG)])
def test_a_program_is_looked_for_and_not_run(tmp_path: Path, key: str, mode: int, mark: Mark) -> None:
    path = program(tmp_path, mode)
    part = {"command": "alarm", "heartbeat_command": "heartbeat"}[key]
    assert (part, mark) in marks(found(tmp_path, f'{key} = ["{path}"]'))
    assert not Path(f"{path}.log").exists()


def test_a_monitor_is_reached_and_hears_no_sign_of_life(tmp_path: Path) -> None:
    with serving(Monitors()) as monitor:
        assert ("heartbeat", Mark.OK) in marks(found(tmp_path, f'heartbeat_url = "{monitor.url}"'))
        assert [] == monitor.asked


def test_a_monitor_that_is_away_is_temporary(tmp_path: Path) -> None:
    last = found(tmp_path, f'heartbeat_url = "http://{LOOPBACK}:1/ping"')[-1]
    assert ("heartbeat", Mark.WRONG, 75) == (last.part, last.mark, last.exit_status)
    assert "alarm.heartbeat_url cannot be reached: Connection refused" == last.text
