"""The ears on odd servers: what cannot be heard keeps nobody from the inbox, what is heard costs little,
and the digest asks about it (H18, H23, H78, H112)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from mailbot.arrival import TAKEN_FOR_SPAM
from mailbot.config import Inbox, load_config
from mailbot.daemon import Works
from mailbot.digest_words import Section
from mailbot.ears import Ears
from mailbot.errors import ConfigurationMistake
from mailbot.imap import Mailbox, MailServerAway
from mailbot.rounds import MOST_TRIES, Count
from rules.vocabulary import Language, State
from storage import ledger
from tests.conftest import write_config
from tests.mailbot.digest_room import a_digest, a_page, an_item
from tests.mailbot.scripted_imap import Script, Scripted, head

MARKED = '* LIST (\\Sent) "/" "Sent"\r\n* LIST (\\Junk) "/" "Junk"\r\nTAG OK\r\n'
REFUSED = "TAG NO [SERVERBUG] corrupt\r\n"
SENT_MAIL = head(1, "To: dana@example.com\r\n\r\n")


def folder(exists: int = 3, uidvalidity: int = 7) -> str:
    return f"* {exists} EXISTS\r\n* OK [UIDVALIDITY {uidvalidity}]\r\n* OK [UIDNEXT {exists + 1}]\r\nTAG OK\r\n"


@contextmanager
def listening(tmp_path: Path, server: Scripted, **keys: str) -> Iterator[Ears]:
    """Open ears on a connection to a scripted server."""
    works = Works(load_config(write_config(tmp_path, imap_port=server.port, smtp_port=1, start="now", inbox=dict(keys))))
    inbox: Inbox
    ((inbox, address),) = works.addresses
    mailbox = Mailbox(address)
    try:
        yield Ears(works.desk, inbox, mailbox)
    finally:
        mailbox.abandon()
        works.desk.database.close()


@contextmanager
def served(script: Script) -> Iterator[Scripted]:
    """Run a server that marks a Sent and a spam folder, and answers as the script says."""
    server = Scripted({'LIST ""': MARKED, **script})
    try:
        yield server
    finally:
        server.close()


def listen(ears: Ears) -> Count:
    return ears.listen(Event(), lambda _: None)


def times_logged(capsys: pytest.CaptureFixture[str], event: str) -> int:
    """Return how often something was logged, wherever logs go by now: a command that ran in this process has set them up for good."""
    return "".join(capsys.readouterr()).count(event)


def last_heard(ears: Ears) -> int:
    """Return the UID up to which the Sent folder was heard."""
    with ears._desk.database.read() as tx:
        cursor = ledger.cursor_of(tx, "info@alit.kz", "Sent")
    assert cursor is not None
    return cursor.last_uid


def test_h8_ten_thousand_sent_messages_cost_nothing(tmp_path: Path) -> None:
    with served({'EXAMINE "Sent"': folder(10_000)}) as server, listening(tmp_path, server) as ears:
        for _ in range(3):
            listen(ears)
        assert 10_000 == last_heard(ears)
        assert [] == [line for line in server.heard if "SEARCH" in line or "FETCH" in line]
        assert 2 == sum(line.startswith("LIST") for line in server.heard), "once a connection for each folder"


@pytest.mark.parametrize("answer", ["TAG NO never\r\n", "TAG BAD what?\r\n", "TAG NO [UNAVAILABLE] later\r\n", "TAG OK\r\n"])
def test_h18_a_server_that_names_no_folders_is_no_failure(tmp_path: Path, answer: str) -> None:
    with served({'LIST ""': answer}) as server, listening(tmp_path, server) as ears:
        assert Count() == listen(ears)
        assert {'EXAMINE "INBOX"'} == {line for line in server.heard if line.startswith("EXAMINE")}


@pytest.mark.parametrize("answer", [REFUSED, "TAG NO [UNAVAILABLE] later\r\n", "TAG NO no such folder\r\n", "TAG BAD what?\r\n"])
@pytest.mark.parametrize("name", ["Sent", "Junk"])
def test_h18_a_marked_folder_that_cannot_be_opened_is_told_of_once_and_the_other_is_heard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, answer: str
) -> None:
    with served({f'EXAMINE "{name}"': answer}) as server, listening(tmp_path, server) as ears:
        for _ in range(3):
            listen(ears)
        key = {"Sent": "sent_folder", "Junk": "spam_folder"}[name]
        assert 1 == times_logged(capsys, "folder_not_heard")
        assert {key} == ears.deaf.keys()
        other = {"Sent": "Junk", "Junk": "Sent"}[name]
        assert 3 == server.heard.count(f'EXAMINE "{other}"')
        assert 'EXAMINE "INBOX"' == [line for line in server.heard if line.startswith("EXAMINE")][-1]


def test_h18_a_named_folder_that_was_read_before_is_no_mistake_of_the_configuration_when_it_is_gone(tmp_path: Path) -> None:
    with served({}) as server, listening(tmp_path, server, sent_folder="Sent") as ears:
        listen(ears)
    with served({'EXAMINE "Sent"': "TAG NO gone\r\n"}) as server, listening(tmp_path, server, sent_folder="Sent") as ears:
        listen(ears)
        assert {"sent_folder"} == ears.deaf.keys()


@pytest.mark.parametrize("key", ["sent_folder", "spam_folder"])
def test_h18_a_named_folder_that_was_never_there_is_a_mistake_of_the_configuration(tmp_path: Path, key: str) -> None:
    script: Script = {'EXAMINE "Nowhere"': "TAG NO no such folder\r\n"}
    with (
        served(script) as server,
        listening(tmp_path, server, **{key: "Nowhere"}) as ears,
        pytest.raises(ConfigurationMistake, match=f"^inbox.{key}: there is no folder Nowhere"),
    ):
        listen(ears)


def test_a_folder_that_can_be_read_again_is_deaf_no_more(tmp_path: Path) -> None:
    script: Script = {'EXAMINE "Sent"': REFUSED}
    with served(script) as server, listening(tmp_path, server) as ears:
        listen(ears)
        server._script['EXAMINE "Sent"'] = folder()
        listen(ears)
        assert ({}, 3) == (ears.deaf, last_heard(ears))


def test_h10_a_connection_that_ends_is_not_taken_for_a_deaf_ear(tmp_path: Path) -> None:
    script: Script = {'EXAMINE "Sent"': "* BYE\r\nCLOSE"}
    with served(script) as server, listening(tmp_path, server) as ears, pytest.raises(MailServerAway):
        listen(ears)


def test_h23_sent_mail_at_which_the_server_hangs_up_each_time_is_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Else the connection would be opened and lost again for ever."""
    with served({'EXAMINE "Sent"': folder(0)}) as server, listening(tmp_path, server) as ears:
        listen(ears)
    script: Script = {'EXAMINE "Sent"': folder(2), "UID SEARCH": "* SEARCH 1 2\r\nTAG OK\r\n", "UID FETCH": "CLOSE"}
    with served(script) as server:
        for _ in range(MOST_TRIES):
            with listening(tmp_path, server) as ears, pytest.raises(MailServerAway):
                listen(ears)
        with listening(tmp_path, server) as ears:
            listen(ears)
            assert 2 == last_heard(ears)
    assert 1 == times_logged(capsys, "sent_mail_passed_over")


def test_h7_sent_mail_that_the_server_refuses_is_passed_over_and_the_rest_is_read(tmp_path: Path) -> None:
    with served({'EXAMINE "Sent"': folder(0)}) as server, listening(tmp_path, server) as ears:
        listen(ears)
    script: Script = {
        'EXAMINE "Sent"': folder(2),
        "UID SEARCH": "* SEARCH 1 2\r\nTAG OK\r\n",
        "UID FETCH": REFUSED,
        "UID FETCH 1 ": SENT_MAIL + "TAG OK\r\n",
    }
    with served(script) as server, listening(tmp_path, server) as ears:
        listen(ears)
        assert (2, {}) == (last_heard(ears), ears.deaf)


@pytest.mark.parametrize(
    ("language", "asked"),
    [
        (Language.EN, "Answered by hand on 23.11.2026: done?\n"),
        (Language.RU, "Отвечено вручную 23.11.2026 — выполнено?\n"),
        (Language.KK, "23.11.2026 күні қолмен жауап берілген – орындалды ма?\n"),
    ],
)
def test_h112_the_digest_asks_whether_what_was_answered_by_hand_is_done(language: Language, asked: str) -> None:
    """It is the operator's day: at eight in the evening in UTC the next one has begun in Almaty."""
    answered_at = datetime(2026, 11, 22, 20, tzinfo=UTC)
    page = a_page(a_digest({Section.DECIDE: [an_item(answered_at=answered_at)]}), language)
    assert (True, True) == (asked in page.text, asked.strip() in page.html)


def test_the_digest_asks_nothing_of_what_is_closed_or_was_not_answered() -> None:
    closed = an_item(state=State.CARRIED_OUT, answered_at=datetime(2026, 11, 22, 20, tzinfo=UTC))
    page = a_page(a_digest({Section.NEW: [closed], Section.DECIDE: [an_item(2)]}))
    assert "by hand" not in page.text


@pytest.mark.parametrize(("language", "word"), [(Language.EN, "spam"), (Language.RU, "спамом"), (Language.KK, "спам")])
def test_h78_the_digest_says_why_nothing_was_answered(language: Language, word: str) -> None:
    page = a_page(a_digest({Section.DECIDE: [an_item(flags=(TAKEN_FOR_SPAM,))]}), language)
    assert word in page.text
