"""Servers that list what they do not deliver, hang up, or count anew: nothing is lost, and nothing behind it waits (H3, H5, H7, H98)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from mailbot.rounds import MOST_HANGUPS
from storage.tables import pending
from tests.conftest import ConfigFile
from tests.mailbot.scripted_imap import Script, Scripted, head
from tests.scenarios.outside import (
    append_all,
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


def test_h7_a_message_that_makes_the_server_hang_up_is_taken_in_when_it_can_be_read(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    run_once(config)
    append_all(dovecot, mailbox, [request("aigerim"), request("bolat"), ordinary("firm")])
    with unreadable(dovecot, mailbox, 2):
        assert [75, 75] == [run_once(config).exit_status for _ in range(2)]
    assert 0 == run_once(config).exit_status
    assert {"request": 2, "ordinary": 1} == outcomes_in(config)
    assert {"aigerim@example.com": 1, "bolat@example.com": 1} == seen_by(smtp)


def test_h7_a_message_that_makes_the_server_hang_up_each_time_is_set_aside_and_holds_nothing_up(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    run_once(config)
    append_all(dovecot, mailbox, [request("aigerim"), request("bolat"), ordinary("firm")])
    with unreadable(dovecot, mailbox, 2):
        statuses = [run_once(config).exit_status for _ in range(20)]
    patient = statuses.index(1)
    assert ([75] * patient, [0] * (19 - patient)) == (statuses[:patient], statuses[patient + 1 :])
    assert patient > MOST_HANGUPS, "a server that is away for minutes is no fault of a message"
    assert {"request": 1, "shunted": 1, "ordinary": 1} == outcomes_in(config)
    assert {"aigerim@example.com": 1} == seen_by(smtp)


class Shelf:
    """What a scripted server holds, and which UIDs of it can be fetched; all are ordinary mail."""

    def __init__(self, *uids: int) -> None:
        self.listed = set(uids)
        self.refused: set[int] = set()
        self.gone: set[int] = set()
        self.uidvalidity = 7

    def script(self) -> Script:
        """Return what the server says; asked whether single messages are there, it names all that are."""
        return {"EXAMINE": self._examine, "UID SEARCH": self._search, "UID FETCH": self._fetch}

    def _examine(self, _: str) -> str:
        return f"* 3 EXISTS\r\n* OK [UIDVALIDITY {self.uidvalidity}]\r\n* OK [UIDNEXT 4]\r\nTAG OK\r\n"

    def _search(self, command: str) -> str:
        there = self.listed - self.gone if command == "UID SEARCH UID 2" else self.listed  # else: before it vanished
        return f"* SEARCH {' '.join(map(str, sorted(there)))}\r\nTAG OK\r\n"

    def _fetch(self, command: str) -> str:
        uids = [int(uid) for uid in command.split()[2].split(",")]
        if self.refused & set(uids):
            return "TAG NO [SERVERBUG] Internal error\r\n"
        heads = (head(uid, f"From: firm{uid}@example.com\r\nSubject: Weekly report\r\n\r\n") for uid in uids if uid not in self.gone)
        return "".join(heads) + "TAG OK\r\n"


@pytest.fixture
def shelf() -> Iterator[tuple[Shelf, Scripted]]:
    """Return a scripted server that lists three messages."""
    shelf = Shelf(1, 2, 3)
    server = Scripted(shelf.script())
    yield shelf, server
    server.close()


def test_h5_a_message_that_vanished_after_it_was_listed_is_passed_over(config_file: ConfigFile, shelf: tuple[Shelf, Scripted]) -> None:
    mail, server = shelf
    config = config_file(inbox={"port": server.port})
    mail.gone = {2}
    assert 0 == run_once(config).exit_status
    assert [1, 3] == [line.uid for line in lines_in(config)]
    assert 0 == run_once(config).counts[0].pending


def test_h17_a_server_that_can_search_by_number_and_day_alone_is_enough(config_file: ConfigFile) -> None:
    """Some mishandle CHARSET, FROM or SUBJECT: this one refuses whatever asks for more, also when it counts anew."""
    mail = Shelf(1, 2, 3)
    by_number = re.compile(r"UID SEARCH (UID [\d:,*]+|\d+:\d+( SINCE [\w-]+)?)")
    script = {**mail.script(), "UID SEARCH": lambda asked: mail._search(asked) if by_number.fullmatch(asked) else "TAG BAD what?\r\n"}
    server = Scripted(script)
    config = config_file(inbox={"port": server.port}, start="2026-01-01")
    mail.refused = {2}
    assert [0, 0] == [run_once(config).exit_status for _ in range(2)]
    mail.refused, mail.uidvalidity = set(), 8
    assert 0 == run_once(config).exit_status
    server.close()
    assert [True] == list({bool(by_number.fullmatch(asked)) for asked in server.heard if "SEARCH" in asked})
    assert {"ordinary": 3} == outcomes_in(config)


def test_h7_a_message_that_is_refused_waits_and_is_taken_in_later(config_file: ConfigFile, shelf: tuple[Shelf, Scripted]) -> None:
    mail, server = shelf
    config = config_file(inbox={"port": server.port})
    mail.refused = {2}
    assert 1 == run_once(config).counts[0].pending
    assert [1, 3] == [line.uid for line in lines_in(config)]
    mail.refused = set()
    run_once(config)
    assert {"ordinary": 3} == outcomes_in(config)


def test_h7_a_message_that_is_refused_each_time_is_put_before_a_person(config_file: ConfigFile, shelf: tuple[Shelf, Scripted]) -> None:
    mail, server = shelf
    config = config_file(inbox={"port": server.port})
    mail.refused = {2}
    assert [0, 0, 0, 1, 0] == [run_once(config).exit_status for _ in range(5)]
    assert [("shunted", "never_delivered")] == [(line.outcome, line.reason) for line in lines_in(config) if line.uid == 2]


def test_h7_a_text_that_is_not_delivered_is_not_taken_for_an_empty_one(config_file: ConfigFile) -> None:
    """The subject says nothing, so the text decides; without it nothing is decided."""
    plain = '("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 5 1)'
    said = {
        "HEADER": head(1, "From: aigerim@example.com\r\nSubject: Hello\r\n\r\n"),
        "BODYSTRUCTURE": f"* 1 FETCH (UID 1 BODYSTRUCTURE {plain})\r\n",
        "BODY.PEEK[1]": "* 1 FETCH (UID 1 BODY[1]<0> NIL)\r\n",
    }
    script: Script = {
        "UID FETCH": lambda command: next(answer for item, answer in said.items() if item in command) + "TAG OK\r\n",
        "UID SEARCH": "* SEARCH 1\r\nTAG OK\r\n",
    }
    server = Scripted(script)
    config = config_file(inbox={"port": server.port})
    assert 1 == run_once(config).counts[0].pending
    server.close()
    assert [] == lines_in(config)


def test_h3_what_is_pending_is_forgotten_under_its_old_number(config_file: ConfigFile, shelf: tuple[Shelf, Scripted]) -> None:
    mail, server = shelf
    config = config_file(inbox={"port": server.port})
    mail.refused = {2}
    run_once(config)
    mail.refused, mail.uidvalidity = set(), 8
    run_once(config)
    assert {"ordinary": 3} == outcomes_in(config)
    with store_of(config) as tx:
        assert [] == list(tx.execute(pending.select()))


def test_h98_a_time_of_receipt_in_the_future_does_not_count(config_file: ConfigFile) -> None:
    """Dovecot would not store one; a scripted server says it."""
    subject = "From: aigerim@example.com\r\nSubject: Opt-out of Notifications\r\n\r\n"
    ahead = head(1, subject, received="05-Jan-2990 10:00:00 +0500")
    whole = f"* 1 FETCH (UID 1 BODY[] {{{len(subject)}}}\r\n{subject})\r\n"
    script: Script = {
        "UID FETCH": lambda command: (ahead if "HEADER" in command else whole) + "TAG OK\r\n",
        "UID SEARCH": "* SEARCH 1\r\nTAG OK\r\n",
    }
    server = Scripted(script)
    config, now = config_file(inbox={"port": server.port}), datetime.now(UTC)
    run_once(config)
    server.close()
    (kept,) = requests_in(config)
    assert (True, True) == (abs(kept.received_at - now) < timedelta(minutes=1), "internal_date_doubtful" in kept.flags)


@contextmanager
def unreadable(dovecot: Dovecot, user: str, uid: int) -> Iterator[None]:
    """Have the server list a message whose file it cannot read; Dovecot then breaks the connection."""
    (file,) = dovecot._home.glob(f"mail/{user}/mail/mailboxes/INBOX/dbox-Mails/u.{uid}")
    kept = file.rename(file.with_name("kept"))
    file.mkdir()
    yield
    file.rmdir()
    kept.rename(file)
