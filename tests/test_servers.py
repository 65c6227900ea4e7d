"""The test servers do what the other tests rely on."""

import asyncio
import smtplib
import socket
import ssl
import stat
import threading
import time
import tomllib
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import aiosmtplib
import psycopg
import pytest
from imapclient import IMAPClient

from tests.conftest import ConfigFile, write_config
from tests.servers import LOOPBACK, PASSWORD, CapturingSmtp, Dovecot, Drop, Envelope, Layout, Postgresql, SmtpSink

LETTER = b"From: anna@example.com\r\nTo: info@alit.kz\r\nSubject: Opt-out\r\n\r\nPlease.\r\n"
SENDER, RECIPIENT, OTHER = "info@alit.kz", "anna@example.com", "bolat@example.com"


def test_a_snapshot_tells_what_was_appended(dovecot: Dovecot, mailbox: str) -> None:
    arrived = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    uid = dovecot.append(mailbox, LETTER, flags=["\\Flagged"], internal_date=arrived)
    stored = dovecot.snapshot(mailbox)[uid]
    assert (frozenset({"\\Flagged"}), arrived) == (stored.flags, stored.internal_date)


def test_a_snapshot_changes_nothing(dovecot: Dovecot, mailbox: str) -> None:
    dovecot.append(mailbox, LETTER)
    dovecot.snapshot(mailbox)
    with dovecot.session(mailbox) as imap:
        assert {b"UNSEEN": 1, b"RECENT": 1} == imap.folder_status("INBOX", ["UNSEEN", "RECENT"])


def test_a_snapshot_sees_that_a_message_was_read(dovecot: Dovecot, mailbox: str) -> None:
    uid = dovecot.append(mailbox, LETTER)
    before = dovecot.snapshot(mailbox)
    with dovecot.session(mailbox) as imap:
        imap.select_folder("INBOX")
        imap.fetch([uid], ["BODY[]"])
    assert before != dovecot.snapshot(mailbox)


def test_uids_grow_and_an_empty_folder_has_none(dovecot: Dovecot, mailbox: str) -> None:
    assert dovecot.snapshot(mailbox) == {}
    uids = [dovecot.append(mailbox, LETTER) for _ in range(3)]
    assert uids == list(dovecot.snapshot(mailbox))
    assert all(earlier < later for earlier, later in pairwise(uids))


def test_each_mailbox_is_its_own(dovecot: Dovecot, mailbox: str) -> None:
    dovecot.append(mailbox, LETTER)
    assert dovecot.snapshot(f"{mailbox}-other") == {}


def test_a_created_folder_takes_mail_under_a_kazakh_name(dovecot: Dovecot, mailbox: str) -> None:
    dovecot.create_folder(mailbox, "Өтініштер")
    uid = dovecot.append(mailbox, LETTER, "Өтініштер")
    assert [uid] == list(dovecot.snapshot(mailbox, "Өтініштер"))


@pytest.mark.parametrize(("sender", "return_path"), [("anna@example.com", b"<anna@example.com>"), ("", b"<>")])
def test_lmtp_delivers_with_the_envelope_sender(dovecot: Dovecot, mailbox: str, sender: str, return_path: bytes) -> None:
    dovecot.deliver(mailbox, LETTER, sender)
    with dovecot.session(mailbox) as imap:
        imap.select_folder("INBOX", readonly=True)
        raw = imap.fetch(imap.search("ALL"), ["BODY.PEEK[]"])[1][b"BODY[]"]
    assert raw.startswith(b"Return-Path: " + return_path + b"\r\n")
    assert raw.endswith(LETTER)


def test_imaps_is_verified_by_the_generated_authority_alone(dovecot: Dovecot, mailbox: str) -> None:
    trusting = ssl.create_default_context(cafile=str(dovecot.ca_file))
    with IMAPClient("localhost", port=dovecot.imaps_port, ssl_context=trusting) as imap:
        imap.login(mailbox, PASSWORD)
    with socket.create_connection((LOOPBACK, dovecot.imaps_port)) as plain, pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")


def test_h3_a_reset_uidvalidity_leaves_the_mail(dovecot: Dovecot, mailbox: str) -> None:
    dovecot.append(mailbox, LETTER)
    messages, first = dovecot.snapshot(mailbox), dovecot.uidvalidity(mailbox)
    dovecot.reset_uidvalidity(mailbox)
    assert first != dovecot.uidvalidity(mailbox)
    assert messages == dovecot.snapshot(mailbox)


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.usefixtures("dovecot")
def test_a_restart_ends_connections_and_keeps_port_and_mail(layout: Layout) -> None:
    with Dovecot(layout) as server:
        server.append("anna", LETTER)
        before = server.snapshot("anna")
        client = server.session("anna")
        server.restart()
        with pytest.raises((OSError, client.AbortError)):
            client.noop()
        client.shutdown()
        assert before == server.snapshot("anna")


def test_a_letter_is_kept_with_its_envelope(smtp: CapturingSmtp) -> None:
    with smtplib.SMTP(LOOPBACK, smtp.port) as client:
        client.sendmail("", [RECIPIENT, OTHER], LETTER)
    assert [Envelope("", (RECIPIENT, OTHER), LETTER)] == smtp.envelopes


@pytest.mark.parametrize(("code", "text"), [(451, b"4.2.1 later"), (550, b"5.1.1 unknown")])
def test_a_chosen_recipient_is_refused_and_the_other_is_not(smtp: CapturingSmtp, code: int, text: bytes) -> None:
    smtp.answers[RECIPIENT] = f"{code} {text.decode()}"
    with smtplib.SMTP(LOOPBACK, smtp.port) as client:
        assert {RECIPIENT: (code, text)} == client.sendmail(SENDER, [RECIPIENT, OTHER], LETTER)
    assert [envelope.recipients for envelope in smtp.envelopes] == [(OTHER,)]


@pytest.mark.parametrize(("drop", "arrived"), [(Drop.BEFORE_DATA, 0), (Drop.BEFORE_REPLY, 1)])
def test_h31_the_connection_breaks_before_or_after_the_letter_arrived(smtp: CapturingSmtp, drop: Drop, arrived: int) -> None:
    smtp.drop = drop
    with pytest.raises(smtplib.SMTPServerDisconnected), smtplib.SMTP(LOOPBACK, smtp.port) as client:
        client.sendmail(SENDER, [RECIPIENT], LETTER)
    assert arrived == len(smtp.envelopes)


def test_h32_the_connection_breaks_at_quit_after_the_letter_was_accepted(smtp: CapturingSmtp) -> None:
    smtp.drop = Drop.AFTER_REPLY
    client = smtplib.SMTP(LOOPBACK, smtp.port)
    assert client.sendmail(SENDER, [RECIPIENT], LETTER) == {}
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.quit()
    client.close()


def test_h32_the_final_reply_may_be_late(smtp: CapturingSmtp) -> None:
    smtp.delay_seconds = 0.2
    began = time.monotonic()
    with smtplib.SMTP(LOOPBACK, smtp.port) as client:
        client.sendmail(SENDER, [RECIPIENT], LETTER)
    assert time.monotonic() - began >= 0.2


def test_a_stopped_server_breaks_connections_and_comes_back_on_its_port(smtp: CapturingSmtp) -> None:
    client = smtplib.SMTP(LOOPBACK, smtp.port)
    smtp.stop()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()
    client.close()
    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP(LOOPBACK, smtp.port)
    smtp.start()
    with smtplib.SMTP(LOOPBACK, smtp.port) as client:
        client.sendmail(SENDER, [RECIPIENT], LETTER)
    assert len(smtp.envelopes) == 1


def test_a_server_stops_while_a_letter_waits_for_its_reply(smtp: CapturingSmtp) -> None:
    smtp.delay_seconds = 60
    failures: list[Exception] = []

    def send() -> None:
        try:
            with smtplib.SMTP(LOOPBACK, smtp.port) as client:
                client.sendmail(SENDER, [RECIPIENT], LETTER)
        except smtplib.SMTPServerDisconnected as error:
            failures.append(error)

    sending = threading.Thread(target=send)
    sending.start()
    give_up = time.monotonic() + 10
    while not smtp.envelopes and time.monotonic() < give_up:
        time.sleep(0.01)
    smtp.stop()
    sending.join(10)
    assert len(failures) == 1


def test_eight_connections_at_once_lose_nothing(smtp: CapturingSmtp) -> None:
    async def send(number: int) -> None:
        async with aiosmtplib.SMTP(hostname=LOOPBACK, port=smtp.port, start_tls=False) as client:
            for _ in range(5):
                await client.sendmail(SENDER, [f"user{number}@example.com"], LETTER)

    async def send_all() -> None:
        await asyncio.gather(*map(send, range(8)))

    asyncio.run(send_all())
    assert len(smtp.envelopes) == 8 * 5


def test_the_sink_accepts_everything(smtp_sink: SmtpSink) -> None:
    with smtplib.SMTP(LOOPBACK, smtp_sink.port) as client:
        assert client.sendmail(SENDER, [RECIPIENT], LETTER) == {}


def test_each_database_is_empty_and_takes_kazakh_text(postgresql: Postgresql) -> None:
    for _ in range(2):
        url = postgresql.fresh_database().replace("+psycopg", "")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE request (subject text)")
            connection.execute("INSERT INTO request VALUES ('Хабарламалардан бас тарту')")
            assert connection.execute("SELECT subject FROM request").fetchone() == ("Хабарламалардан бас тарту",)


def test_the_least_configuration_names_the_running_servers(
    config_file: ConfigFile, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str
) -> None:
    config = tomllib.loads(config_file(inbox={"folder": "Өтініштер"}).read_text(encoding="utf-8"))
    inbox = config["inbox"][0]
    assert (dovecot.imap_port, smtp.port) == (inbox["port"], config["smtp"]["port"])
    assert (mailbox, "Өтініштер", "none") == (inbox["user"], inbox["folder"], inbox["tls"])


def test_h105_the_password_file_is_closed_to_others(tmp_path: Path) -> None:
    config = tomllib.loads(write_config(tmp_path, imap_port=1143, smtp_port=1025).read_text(encoding="utf-8"))
    password_file = Path(config["inbox"][0]["password_file"])
    assert (stat.S_IMODE(password_file.stat().st_mode), password_file.read_text(encoding="utf-8")) == (0o600, PASSWORD)
