"""What the world does to mailbot: each failure is one clear sentence and a status, and nothing is lost by it (I1, I10, I11)."""

import asyncio
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailbot.config import load_config
from mailbot.daemon import Works
from mailbot.imap import LoginRefused, MailServerAway
from mailbot.patience import Patience, Pauses
from tests.conftest import ConfigFile, secret_file
from tests.scenarios.outside import flags_of, letters_in, outcomes_in, request, requests_in, run_once, run_program, seen_by, start_program
from tests.servers import CapturingSmtp, Dovecot

TEMPORARY, CONFIGURATION, A_PERSON = 75, 78, 1
SOON_SECONDS = 15


def refusals(said: str) -> list[str]:
    """Return the sentences for a person; log lines are left out, and a traceback would show."""
    assert "Traceback" not in said
    return [line.removeprefix("mailbot: ") for line in said.splitlines() if not line.startswith("{")]


# --- the SMTP server -------------------------------------------------------------------------------------------------


def test_while_the_smtp_server_is_away_the_request_stands_and_its_letter_waits(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim"))
    smtp.stop()
    ended = run_program(config)
    assert TEMPORARY == ended.status
    (sentence,) = refusals(ended.said)
    assert "SMTP server" in sentence
    assert "letters wait" in sentence
    assert ["queued"] == [letter.state for letter in letters_in(config)]
    assert {1: frozenset()} == flags_of(dovecot, mailbox)
    smtp.start()
    assert 0 == run_program(config).status
    assert {"aigerim@example.com": 1} == seen_by(smtp)
    assert {1: frozenset({"\\Answered"})} == flags_of(dovecot, mailbox)
    assert 1 == len(requests_in(config))


# --- the IMAP server -------------------------------------------------------------------------------------------------


def test_h14_a_wrong_password_is_named_and_never_shown(dovecot: Dovecot, mailbox: str, config_file: ConfigFile, tmp_path: Path) -> None:
    wrong = secret_file(tmp_path / "wrong.password", "not the pass word")
    ended = run_program(config_file(inbox={"password_file": str(wrong)}))
    assert CONFIGURATION == ended.status
    (sentence,) = refusals(ended.said)
    assert "refuses the login: check inbox.user and the password file" in sentence
    assert "not the pass word" not in ended.said


def test_h18_a_missing_folder_is_one_sentence(mailbox: str, config_file: ConfigFile) -> None:
    ended = run_program(config_file(inbox={"folder": "Өтініштер"}))
    assert CONFIGURATION == ended.status
    (sentence,) = refusals(ended.said)
    assert "has no folder Өтініштер" in sentence


def test_an_imap_server_that_is_not_there_is_temporary_and_the_next_run_recovers(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    dovecot.append(mailbox, request("aigerim"))
    ended = run_program(config_file(inbox={"port": 1}))
    assert TEMPORARY == ended.status
    (sentence,) = refusals(ended.said)
    assert "the IMAP server 127.0.0.1:1 cannot be reached" in sentence
    assert 0 == run_program(config_file()).status
    assert {"aigerim@example.com": 1} == seen_by(smtp)


def test_one_inbox_that_is_away_does_not_hold_up_the_other(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    table = config.read_text().partition("[[inbox]]")[2].partition("\n[")[0]
    lost = table.replace("info@alit.kz", "dpo@alit.kz").replace(f"port = {dovecot.imap_port}", "port = 1")
    config.write_text(config.read_text() + f"\n[[inbox]]{lost}\n")
    dovecot.append(mailbox, request("aigerim"))
    assert TEMPORARY == run_once(config).exit_status
    assert {"aigerim@example.com": 1} == seen_by(smtp)


# --- the configuration -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"[operator\n", b"\xff\xfe", b"[operator]\npolicy = 7\n"])
def test_a_configuration_that_cannot_be_read_is_told_without_a_traceback(tmp_path: Path, content: bytes) -> None:
    config = tmp_path / "config.toml"
    config.write_bytes(content)
    ended = run_program(config)
    assert CONFIGURATION == ended.status
    assert refusals(ended.said)


def test_a_configuration_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    ended = run_program(tmp_path / "none.toml")
    assert CONFIGURATION == ended.status
    assert 1 == len(refusals(ended.said))


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_h95_an_unknown_certificate_ends_the_run_before_anything_is_said(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile, tls: str
) -> None:
    dovecot.append(mailbox, request("aigerim"))
    ended = run_program(config_file(inbox={"tls": tls, "port": tls_port(dovecot, tls), "host": "localhost"}))
    assert A_PERSON == ended.status
    (sentence,) = refusals(ended.said)
    assert "certificate that is not valid" in sentence
    assert "nothing was said to it" in sentence


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_with_the_right_authority_tls_works(dovecot: Dovecot, mailbox: str, config_file: ConfigFile, tls: str) -> None:
    dovecot.append(mailbox, request("aigerim"))
    inbox = {"tls": tls, "port": tls_port(dovecot, tls), "host": "localhost", "tls_ca_file": str(dovecot.ca_file)}
    config = config_file(inbox=inbox)
    assert [] == run_once(config).problems
    assert {"request": 1} == outcomes_in(config)


def test_h95_a_certificate_for_another_name_is_refused(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    inbox = {"tls": "implicit", "port": dovecot.imaps_port, "host": "127.1", "tls_ca_file": str(dovecot.ca_file)}
    assert A_PERSON == run_once(config_file(inbox=inbox)).exit_status


def tls_port(dovecot: Dovecot, tls: str) -> int:
    """Return where the server speaks TLS from the first byte, or can turn to it."""
    return dovecot.imaps_port if tls == "implicit" else dovecot.imap_port


# --- the daemon ------------------------------------------------------------------------------------------------------


NO_DIGEST: dict[str, list[str]] = {"digest_to": []}
"""Letters are counted here; the digest has tests of its own."""


@contextmanager
def daemon(config: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run the daemon, and end it if the test did not."""
    running = start_program(config)
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def soon(is_so: Callable[[], object]) -> bool:
    """Wait until something is so."""
    give_up = time.monotonic() + SOON_SECONDS
    while time.monotonic() < give_up:
        if is_so():
            return True
        time.sleep(0.05)
    return False


def end(running: "subprocess.Popen[str]") -> tuple[int, float]:
    """Ask the daemon to end; return its status and how long it took."""
    asked = time.monotonic()
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=SOON_SECONDS)
    return running.returncode, time.monotonic() - asked


def test_the_daemon_is_told_of_new_mail_and_ends_when_it_is_asked_to(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    """The clock would look again only after an hour: it is IDLE that brings the second message."""
    config = config_file(staff=NO_DIGEST, inbox={"poll_seconds": 3600})
    dovecot.append(mailbox, request("aigerim"))
    with daemon(config) as running:
        assert soon(lambda: {"aigerim@example.com": 1} == seen_by(smtp))
        for name in ("bolat", "clara"):
            noticed = time.monotonic()
            dovecot.deliver(mailbox, request(name))
            assert soon(lambda: seen_by(smtp)[f"{name}@example.com"])  # noqa: B023 - called before name changes
            assert time.monotonic() - noticed < 5
        status, seconds = end(running)
    assert 0 == status
    assert seconds < 10
    assert 3 == seen_by(smtp).total()


def test_the_daemon_outlives_an_outage_of_either_server(smtp: CapturingSmtp, config_file: ConfigFile) -> None:
    with Dovecot() as server:
        config = config_file(staff=NO_DIGEST, inbox={"port": server.imap_port, "user": "info"})
        server.append("info", request("aigerim"))
        with daemon(config) as running:
            assert soon(lambda: seen_by(smtp)["aigerim@example.com"])
            server.restart()
            server.append("info", request("bolat"))
            assert soon(lambda: seen_by(smtp)["bolat@example.com"])
            smtp.stop()
            server.append("info", request("clara"))
            assert soon(lambda: 3 == len(letters_in(config)))
            smtp.start()
            assert soon(lambda: seen_by(smtp)["clara@example.com"])
            assert 0 == end(running)[0]
    assert {f"{name}@example.com": 1 for name in ("aigerim", "bolat", "clara")} == seen_by(smtp)


def test_h36_the_daemon_ends_in_time_while_the_relay_keeps_it_waiting(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file(staff=NO_DIGEST)
    dovecot.append(mailbox, request("aigerim"))
    smtp.delay_seconds = 60
    with daemon(config) as running:
        assert soon(lambda: smtp.envelopes)
        status, seconds = end(running)
    assert 0 == status
    assert seconds < 10
    smtp.delay_seconds = 0
    run_once(config)
    assert ["doubtful"] == [letter.state for letter in letters_in(config)]
    assert {"aigerim@example.com": 1} == seen_by(smtp)


def test_h21_a_second_daemon_waits_and_takes_over_when_the_first_ends(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file(staff=NO_DIGEST)
    with daemon(config) as first:
        dovecot.append(mailbox, request("aigerim"))
        assert soon(lambda: seen_by(smtp)["aigerim@example.com"])
        with daemon(config) as second:
            assert 0 == end(first)[0]
            dovecot.append(mailbox, request("bolat"))
            assert soon(lambda: seen_by(smtp)["bolat@example.com"])
            assert 0 == end(second)[0]


def test_h36_a_daemon_that_waits_for_another_ends_when_it_is_asked_to(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file(staff=NO_DIGEST)
    with daemon(config) as first:
        dovecot.append(mailbox, request("aigerim"))
        assert soon(lambda: seen_by(smtp)["aigerim@example.com"])
        with daemon(config) as second:
            assert second.stderr is not None
            assert "waiting_for_another_instance" in second.stderr.readline()
            status, seconds = end(second)
        assert first.poll() is None
    assert 0 == status
    assert seconds < 10


def test_h13_pauses_grow_to_a_quarter_of_an_hour_and_begin_again_when_something_went_well() -> None:
    patience, away = Patience(Pauses()), MailServerAway("away")
    pauses = [patience.after(away) for _ in range(20)]
    assert all(pause <= 1.25 * 2**number for number, pause in enumerate(pauses))
    assert 0.75 * 900 <= pauses[-1] <= 1.25 * 900
    patience.went_well()
    assert patience.after(away) <= 1.25


def test_h13_a_pause_that_the_server_states_is_obeyed() -> None:
    assert 298.978 == Patience(Pauses()).after(MailServerAway("throttled", 298.978))


def test_h14_after_a_refused_login_the_account_is_left_alone_for_minutes() -> None:
    assert Patience(Pauses()).after(LoginRefused("no")) >= 200


def test_a_daemon_whose_configuration_cannot_work_ends_at_once(mailbox: str, config_file: ConfigFile) -> None:
    with daemon(config_file(staff=NO_DIGEST, inbox={"folder": "Өтініштер"})) as running:
        _, said = running.communicate(timeout=SOON_SECONDS)
    assert CONFIGURATION == running.returncode
    assert ["has no folder" in sentence for sentence in refusals(said)] == [True]


def test_h14_a_password_that_was_mended_in_its_file_is_used_without_a_restart(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file(staff=NO_DIGEST)
    dovecot.append(mailbox, request("aigerim"))
    run_once(config)
    secret = load_config(config).inbox[0].password_file
    assert secret is not None
    right = secret.read_text()
    secret.write_text("wrong")
    works = Works(load_config(config), pauses=Pauses(first=0.05, longest=0.1, after_refused_login=0.1))

    async def mend_and_wait() -> None:
        ending = asyncio.Event()
        running = asyncio.create_task(works.for_ever(ending))
        await asyncio.sleep(0.5)
        secret.write_text(right)
        dovecot.append(mailbox, request("bolat"))
        assert await asyncio.to_thread(soon, lambda: seen_by(smtp)["bolat@example.com"])
        ending.set()
        await running

    asyncio.run(mend_and_wait())


def test_i11_tls_spoken_to_a_plain_port_is_told_as_what_it_is(dovecot: Dovecot, smtp: CapturingSmtp, config_file: ConfigFile) -> None:
    said = run_program(config_file(inbox={"tls": "implicit"}, smtp={"tls": "implicit"})).said
    assert "cannot be reached: no TLS is spoken there; check inbox.host, port and tls" in said
