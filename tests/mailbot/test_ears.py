"""The ears on odd servers: what cannot be heard keeps nobody from the inbox, what is heard costs little,
and the digest asks about it (H18, H23, H78, H112)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import select

from mailbot.arrival import TAKEN_FOR_SPAM
from mailbot.config import Inbox, load_config
from mailbot.daemon import Works
from mailbot.digest_words import Section
from mailbot.ears import Ears
from mailbot.errors import ConfigurationMistake
from mailbot.imap import Mailbox, MailServerAway
from mailbot.rounds import MOST_HANGUPS, MOST_TRIES, Count
from rules.vocabulary import Language, State
from storage import ledger
from storage.tables import ledger as ledger_rows
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
    works = Works(
        load_config(write_config(tmp_path, imap_port=server.port, smtp_port=1, start="now", inbox={"take_in_folder": "none", **keys}))
    )
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


def making(script: Script) -> Script:
    """Say that the folder for requests is not there, and make it."""
    return {'LIST ""': "TAG OK\r\n", "CREATE": "TAG OK\r\n", "SUBSCRIBE": "TAG OK\r\n", "EXAMINE": folder(0)} | script


NAMESPACE = "* CAPABILITY IMAP4rev1 NAMESPACE\r\nTAG OK\r\n"


@pytest.mark.parametrize(
    ("script", "name"),
    [
        ({"CAPABILITY": NAMESPACE, "NAMESPACE": '* NAMESPACE (("INBOX." ".")) NIL NIL\r\nTAG OK\r\n'}, "INBOX.mailbot.Take in"),
        ({"CAPABILITY": NAMESPACE, "NAMESPACE": '* NAMESPACE (("" "/")) NIL NIL\r\nTAG OK\r\n'}, "mailbot/Take in"),
        ({"CAPABILITY": NAMESPACE, "NAMESPACE": "* NAMESPACE NIL NIL NIL\r\nTAG OK\r\n"}, "mailbot/Take in"),
        ({'LIST "" ""': '* LIST (\\Noselect) "." ""\r\nTAG OK\r\n'}, "mailbot.Take in"),
        ({'LIST "" ""': '* LIST (\\Noselect) NIL ""\r\nTAG OK\r\n'}, "mailbot/Take in"),
    ],
)
def test_the_folder_for_requests_is_made_once_with_the_servers_own_separator(tmp_path: Path, script: Script, name: str) -> None:
    with served(making(script)) as server, listening(tmp_path, server, take_in_folder="mailbot/Take in") as ears:
        for _ in range(3):
            listen(ears)
        assert [f'CREATE "{name}"'] == [line for line in server.heard if line.startswith("CREATE")]
        assert [f'SUBSCRIBE "{name}"'] == [line for line in server.heard if line.startswith("SUBSCRIBE")]
        assert 3 == server.heard.count(f'EXAMINE "{name}"')


@pytest.mark.parametrize("command", ['LIST ""', "CREATE", "SUBSCRIBE"])
@pytest.mark.parametrize("answer", ["TAG NO [NOPERM] no\r\n", "TAG BAD what?\r\n", REFUSED])
def test_a_server_that_makes_no_folder_is_told_of_once_and_keeps_nobody_from_the_inbox(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, answer: str
) -> None:
    script = making({command: answer})
    with served(script) as server, listening(tmp_path, server, take_in_folder="mailbot/Take in", sent_folder="Sent") as ears:
        for _ in range(3):
            assert Count() == listen(ears)
        assert (1, {}) == (times_logged(capsys, "take_in_folder_not_made"), ears.deaf)
        assert (3, 'EXAMINE "INBOX"') == (server.heard.count('EXAMINE "Sent"'), server.heard[-1])


def test_h10_a_connection_that_ends_while_the_folder_is_made_is_not_taken_for_a_refusal(tmp_path: Path) -> None:
    with served(making({"CREATE": "CLOSE"})) as server, pytest.raises(MailServerAway):  # noqa: SIM117 - the connection ends first
        with listening(tmp_path, server, take_in_folder="mailbot/Take in") as ears:
            listen(ears)


def put_there(fetch: str) -> Script:
    """Have one message lie in the folder for requests, and say something when it is fetched."""
    there = {"EXAMINE": folder(1), "UID SEARCH": "* SEARCH 1\r\nTAG OK\r\n", "UID FETCH": fetch}
    return {'LIST "" "Requests"': '* LIST () "/" "Requests"\r\nTAG OK\r\n', 'LIST "" ""': "TAG OK\r\n", **there}


def outcomes(ears: Ears) -> list[tuple[str, str]]:
    with ears._desk.database.read() as tx:
        return [(row.outcome, row.reason) for row in tx.execute(select(ledger_rows))]


def test_h7_what_the_server_does_not_deliver_is_tried_again_and_then_set_aside(tmp_path: Path) -> None:
    with served(put_there("TAG OK\r\n")) as server, listening(tmp_path, server, take_in_folder="Requests", sent_folder="none") as ears:
        for _ in range(MOST_TRIES):
            assert Count() == listen(ears)
        assert [] == outcomes(ears)
        assert Count(messages=1, shunted=1) == listen(ears)
        assert Count() == listen(ears)
        assert [("shunted", "could_not_be_read")] == outcomes(ears)


def test_h5_what_was_taken_away_again_is_passed_over(tmp_path: Path) -> None:
    script = put_there("TAG OK\r\n") | {"UID SEARCH UID 1": "* SEARCH\r\nTAG OK\r\n", "UID SEARCH UID 1:*": "* SEARCH 1\r\nTAG OK\r\n"}
    with served(script) as server, listening(tmp_path, server, take_in_folder="Requests", sent_folder="none") as ears:
        for _ in range(2):
            assert Count() == listen(ears)
        assert ([], 1) == (outcomes(ears), sum(line.startswith("UID FETCH") for line in server.heard))


def test_h22_a_message_at_which_the_server_hangs_up_each_time_is_set_aside_in_the_end(tmp_path: Path) -> None:
    with served(put_there("CLOSE")) as server:
        for _ in range(MOST_HANGUPS + 1):
            with listening(tmp_path, server, take_in_folder="Requests", sent_folder="none") as ears, pytest.raises(MailServerAway):
                listen(ears)
        with listening(tmp_path, server, take_in_folder="Requests", sent_folder="none") as ears:
            assert Count(messages=1, shunted=1) == listen(ears)
