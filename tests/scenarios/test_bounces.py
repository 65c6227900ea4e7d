"""A letter of ours comes back: its own report is believed and nobody else's, nothing is answered, and staff are told (H72, H86, H87)."""

from pathlib import Path

import pytest
from sqlalchemy import select

from storage.overview import undelivered
from storage.tables import ledger
from tests.conftest import ConfigFile
from tests.mailbot.scripted_imap import Script, Scripted, head
from tests.scenarios.asking import JANUARY, Room, room
from tests.scenarios.outside import append_all, letters_in, outcomes_in, run_once, store_of
from tests.servers import CapturingSmtp, Dovecot, Drop

DANA = "dana@example.com"


@pytest.fixture
def here(config_file: ConfigFile, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str) -> Room:
    """Return a room in which Dana, who is on file, has opted out and got her letter."""
    here = room(config_file, dovecot, smtp, mailbox)
    here.on_file(DANA)
    here.write(DANA, "Opt-out of Notifications", "No more, please.")
    return here


REPORT = """\
Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example>
To: info@alit.kz
Subject: Undelivered Mail Returned to Sender
Message-ID: <report@mx.example>
Content-Type: multipart/report; report-type=delivery-status; boundary="frontier"

--frontier
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--frontier
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; dana@example.com
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 this is only what it says

--frontier
Content-Type: {returned}

{original}
--frontier--
"""


def report(original: bytes, action: str = "failed", status: str = "5.1.1", returned: str = "message/rfc822") -> bytes:
    """Write what a relay reports of a message (RFC 3464), with the message or only its header in it."""
    kept = original if returned == "message/rfc822" else original.partition(b"\r\n\r\n")[0]
    text = REPORT.format(action=action, status=status, returned=returned, original=kept.decode().replace("\r\n", "\n"))
    return text.replace("\n", "\r\n").encode()


def receive(here: Room, raw: bytes) -> None:
    append_all(here.dovecot, here.mailbox, [raw])
    run_once(here.config)


def stuck(config: Path) -> list[tuple[str, str | None]]:
    """Return the letters that the digest lists as undelivered, and why."""
    with store_of(config) as tx:
        return [(letter.state, letter.reply) for letter in undelivered(tx, JANUARY)]


@pytest.mark.parametrize(
    ("status", "returned"), [("5.1.1", "message/rfc822"), ("4.4.7", "message/rfc822"), ("5.1.1", "text/rfc822-headers")]
)
def test_h72_h86_h87_a_letter_that_comes_back_is_undelivered_and_neither_a_request_nor_answered(
    here: Room, status: str, returned: str
) -> None:
    """4.4.7: the relay gave up, and the address may be right; staff see which it was."""
    receive(here, report(here.smtp.envelopes[0].content, "failed", status, returned))
    assert {"request": 1, "automatic": 1} == outcomes_in(here.config)
    assert [("failed", f"{status} told by a delivery report")] == stuck(here.config)
    assert {here.request().reference} == references(here.config)
    assert 1 == len(here.smtp.envelopes)


@pytest.mark.parametrize(("action", "status"), [("delayed", "4.4.1"), ("delivered", "2.0.0"), ("relayed", "2.0.0"), ("", "5.1.1")])
def test_h87_what_is_not_said_to_have_failed_has_not(here: Room, action: str, status: str) -> None:
    receive(here, report(here.smtp.envelopes[0].content, action, status))
    assert ["accepted"] == [letter.state for letter in letters_in(here.config)]
    assert {here.request().reference} == references(here.config)


@pytest.mark.parametrize("message_id", ["<mailbot.AAAAAAAAAAAAAAAAAAAAAA@alit.kz>", "<0@example.com>"], ids=["a guess", "her own"])
def test_h87_a_report_about_what_mailbot_did_not_send_changes_nothing(here: Room, message_id: str) -> None:
    """Dana's own Message-ID is known to whoever she wrote to, and names no letter of ours."""
    before = here.person(DANA)
    forged = f"From: info@alit.kz\r\nTo: {DANA}\r\nSubject: Opt-out\r\nMessage-ID: {message_id}\r\n\r\n".encode()
    receive(here, report(forged))
    assert {"request": 1, "automatic": 1} == outcomes_in(here.config)
    assert ["accepted"] == [letter.state for letter in letters_in(here.config)]
    assert (before, 1) == (here.person(DANA), len(here.smtp.envelopes))


def test_h31_h86_a_letter_in_doubt_that_comes_back_is_in_doubt_no_more(here: Room, smtp: CapturingSmtp) -> None:
    smtp.drop = Drop.BEFORE_REPLY
    here.write("vera@example.com", "Opt-out of Notifications", "Nothing more.")
    assert "doubtful" in [letter.state for letter in letters_in(here.config)]
    smtp.drop = Drop.NEVER
    receive(here, report(smtp.envelopes[-1].content))
    assert ["accepted", "failed"] == [letter.state for letter in letters_in(here.config)]


def test_h87_a_report_that_the_server_does_not_deliver_is_asked_for_again(config_file: ConfigFile) -> None:
    header = "".join(REPORT.partition("--frontier")[0].splitlines(keepends=True)).replace("\n", "\r\n")
    script: Script = {
        "UID FETCH": lambda command: (head(1, header) if "HEADER" in command else "") + "TAG OK\r\n",
        "UID SEARCH": "* SEARCH 1\r\nTAG OK\r\n",
    }
    server = Scripted(script)
    assert 1 == run_once(config_file(inbox={"port": server.port})).counts[0].pending
    server.close()


def references(config: Path) -> set[str | None]:
    """Return the requests that messages belong to."""
    with store_of(config) as tx:
        return set(tx.execute(select(ledger.c.reference)).scalars())
