"""One connection to a mailbox: what the server may do to us, played by a server that says exactly what each test writes."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event

import pytest
from imapclient.exceptions import ProtocolError

from mailbot.answers import is_busy, read_answer, read_heads, read_structures, stated_wait
from mailbot.errors import ConfigurationMistake
from mailbot.imap import Address, LoginRefused, Mailbox, MailServerAway, UntrustedServer
from tests.mailbot.scripted_imap import HEADER, USUAL, Script, Scripted, head
from tests.servers import LOOPBACK, PASSWORD


@contextmanager
def connected(script: Script, greeting: str = "* OK ready\r\n") -> Iterator[tuple[Mailbox, Scripted]]:
    """Connect to a server with this script."""
    server = Scripted(script, greeting)
    try:
        mailbox = Mailbox(address(server.port))
        try:
            yield mailbox, server
        finally:
            mailbox.log_out()
    finally:
        server.close()


def address(port: int, tls: str = "none", password: str = PASSWORD, timeout_seconds: float = 5) -> Address:
    return Address(LOOPBACK, port, tls, None, "info", password, "INBOX", timeout_seconds)


# --- reading ---------------------------------------------------------------------------------------------------------


def test_h1_nothing_is_fetched_without_peek_and_the_folder_is_only_examined() -> None:
    script: Script = {"UID FETCH": head(1, HEADER) + "TAG OK\r\n"}
    with connected(script) as (mailbox, server):
        mailbox.envelopes([1]), mailbox.wholes([1]), mailbox.texts([1], "1.1", 100)
    fetched = [command for command in server.heard if "FETCH" in command]
    assert 3 == len(fetched)
    assert all("BODY.PEEK[" in command and "BODY[" not in command for command in fetched)
    assert not [command for command in server.heard if command.startswith("SELECT")]


def test_h6_lines_for_flags_and_for_other_messages_do_no_harm() -> None:
    answer = "* 1 FETCH (FLAGS (\\Seen))\r\n" + head(2, HEADER) + "* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n" + head(9, HEADER) + "TAG OK\r\n"
    with connected({"UID FETCH": answer}) as (mailbox, _):
        assert [2] == list(mailbox.envelopes([1, 2]))


def test_h6_two_lines_for_one_message_are_merged() -> None:
    first = '* 1 FETCH (UID 1 INTERNALDATE "05-Jan-2026 10:00:00 +0500" RFC822.SIZE 99)\r\n'
    second = f"* 1 FETCH (UID 1 BODY[HEADER]<0> {{{len(HEADER)}}}\r\n{HEADER})\r\n"
    with connected({"UID FETCH": first + second + "TAG OK\r\n"}) as (mailbox, _):
        assert (99, HEADER.encode()) == (mailbox.envelopes([1])[1].size, mailbox.envelopes([1])[1].header)


def test_h7_a_message_without_its_literal_is_not_fetched() -> None:
    empty = '* 1 FETCH (UID 1 INTERNALDATE "05-Jan-2026 10:00:00 +0500" RFC822.SIZE 99 BODY[HEADER]<0> NIL)\r\n'
    with connected({"UID FETCH": empty + head(2, HEADER) + "TAG OK\r\n"}) as (mailbox, _):
        assert [2] == list(mailbox.envelopes([1, 2]))


def test_h7_a_refusal_for_one_message_spoils_no_other() -> None:
    def answer(command: str) -> str:
        uids = command.split()[2].split(",")
        return "TAG NO [SERVERBUG] Internal error\r\n" if "2" in uids else "".join(head(int(uid), HEADER) for uid in uids) + "TAG OK\r\n"

    with connected({"UID FETCH": answer}) as (mailbox, _):
        assert [1, 3] == list(mailbox.envelopes([1, 2, 3]))


def test_h54_a_structure_that_cannot_be_read_spoils_no_other() -> None:
    bomb = "(" * 5000 + ")" * 5000
    sound = '("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 5 1)'

    def answer(command: str) -> str:
        return (
            "".join(f"* {uid} FETCH (UID {uid} BODYSTRUCTURE {bomb if uid == '1' else sound})\r\n" for uid in command.split()[2].split(","))
            + "TAG OK\r\n"
        )

    with connected({"UID FETCH": answer}) as (mailbox, _):
        assert [2] == list(mailbox.structures([1, 2]))


@pytest.mark.parametrize("received", ["05-Jan-2026 10:00:00 +0500", " 5-Jan-2026 10:00:00 +0500"])
def test_h98_the_time_of_receipt_keeps_its_zone(received: str) -> None:
    with connected({"UID FETCH": head(1, HEADER, received=received) + "TAG OK\r\n"}) as (mailbox, _):
        assert datetime(2026, 1, 5, 5, tzinfo=UTC) == mailbox.envelopes([1])[1].internal_date


def test_h98_a_time_of_receipt_at_the_end_of_time_breaks_nothing() -> None:
    with connected({"UID FETCH": head(1, HEADER, received="31-Dec-9999 23:59:59 -1200") + "TAG OK\r\n"}) as (mailbox, _):
        assert mailbox.envelopes([1])[1].internal_date.year == 9999


def test_heads_are_read_alike_by_us_and_by_the_library() -> None:
    usual = b'4 (UID 9 INTERNALDATE " 5-Jan-2026 10:00:00 +0500" RFC822.SIZE 99 BODY[HEADER]<0> {4}'
    pieces = [(usual, b"a\r\n\r"), b")", (usual.replace(b"UID 9", b"UID 10"), b"b\r\n\r"), b")"]
    library = {uid: {name: value for name, value in parts.items() if name != b"SEQ"} for uid, parts in read_answer(pieces).items()}
    assert library == read_heads(pieces)


PLAIN = b'("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 5 1 NIL NIL NIL NIL)'
IMAGE = b'("image" "png" ("name" "a (1).png") "<id@a.example>" NIL "base64" 50636 NIL ("attachment" ("filename" "NIL")) NIL NIL)'


@pytest.mark.parametrize(
    "structure",
    [
        PLAIN,
        b"(" + PLAIN + IMAGE + b' "mixed" ("boundary" "=_b; c") NIL NIL NIL)',
        b"((" + PLAIN + PLAIN + b' "alternative")' + IMAGE + b' "mixed")',
        b"(" + PLAIN + b'("text" "plain" ("name" "a\\"b) (.txt") NIL NIL 8BIT 0 0) "mixed")',
        b'("text" "plain" () NIL "" "7bit" 5 1)',
    ],
    ids=["one part", "an attachment", "nested parts", "an escape", "empty lists and strings"],
)
def test_structures_are_read_alike_by_us_and_by_the_library(structure: bytes) -> None:
    pieces = [b"%d (UID %d BODYSTRUCTURE %s)" % (uid, uid + 5, structure) for uid in (1, 2)]
    library = {uid: parts[b"BODYSTRUCTURE"] for uid, parts in read_answer(pieces).items()}
    assert library == {uid: parts[b"BODYSTRUCTURE"] for uid, parts in read_structures(pieces).items()}


@pytest.mark.parametrize("structure", [b"(" + PLAIN, PLAIN + b")", PLAIN.replace(b'"7bit"', b'"7bit'), b"()"])
def test_a_structure_that_is_none_is_left_to_the_library(structure: bytes) -> None:
    with pytest.raises((ProtocolError, IndexError)):
        read_structures([b"1 (UID 5 BODYSTRUCTURE " + structure + b")"])


# --- asked ahead -----------------------------------------------------------------------------------------------------


def heads_of(command: str) -> str:
    """Answer a UID FETCH of heads: the header names the UID."""
    return "".join(head(int(uid), f"Subject: {uid}\r\n\r\n") for uid in command.split()[2].split(",")) + "TAG OK\r\n"


def fetched(server: Scripted) -> list[str]:
    return [command.split()[2] for command in server.heard if command.startswith("UID FETCH")]


def test_what_was_asked_ahead_is_not_asked_again() -> None:
    with connected({"UID FETCH": heads_of}) as (mailbox, server):
        mailbox.ask_ahead([2, 3])
        found = mailbox.envelopes([2, 3])
        assert {2: b"Subject: 2\r\n\r\n", 3: b"Subject: 3\r\n\r\n"} == {uid: envelope.header for uid, envelope in found.items()}
        assert ["2,3"] == fetched(server)
        mailbox.envelopes([2, 3])
        assert ["2,3", "2,3"] == fetched(server), "the answer serves once"


def test_h6_what_is_asked_between_gets_its_own_answer() -> None:
    with connected({"UID FETCH": heads_of}) as (mailbox, server):
        mailbox.ask_ahead([2, 3])
        assert [1] == list(mailbox.envelopes([1]))
        assert [2, 3] == list(mailbox.envelopes([2, 3]))
        assert ["2,3", "1"] == fetched(server)


def test_what_was_asked_ahead_of_one_folder_is_not_taken_for_anothers() -> None:
    with connected({"UID FETCH": heads_of}) as (mailbox, server):
        mailbox.ask_ahead([2])
        with mailbox.elsewhere("Sent"):
            mailbox.envelopes([2])
        assert ["2", "2"] == fetched(server)


def test_h7_what_was_asked_ahead_and_refused_is_asked_for_again() -> None:
    refusals = iter(["TAG NO [SERVERBUG] Internal error\r\n"])
    with connected({"UID FETCH": lambda command: next(refusals, None) or heads_of(command)}) as (mailbox, server):
        mailbox.ask_ahead([2])
        assert [2] == list(mailbox.envelopes([2]))
        assert ["2", "2"] == fetched(server)


def test_h11_an_end_of_the_connection_is_told_by_the_command_after_what_was_asked_ahead() -> None:
    with connected({"UID FETCH": "CLOSE"}) as (mailbox, _):
        mailbox.ask_ahead([2])
        with pytest.raises(MailServerAway):
            mailbox.envelopes([1])


def test_h8_new_mail_is_listed_once_and_ascending() -> None:
    with connected({"UID SEARCH": "* SEARCH 9 3 3\r\nTAG OK\r\n"}) as (mailbox, server):
        assert [3] == [uid for uid in mailbox.uids_above(2) if uid < 9]
        assert [] == mailbox.uids_above(3), "UIDNEXT says that there is nothing"
    assert ["UID SEARCH UID 3:*"] == [command for command in server.heard if "SEARCH" in command]


def test_h8_a_large_folder_is_listed_in_pieces_that_a_line_can_hold() -> None:
    script: Script = {"EXAMINE": "* 120000 EXISTS\r\n* OK [UIDVALIDITY 7]\r\nTAG OK\r\n", "UID SEARCH": "* SEARCH 5\r\nTAG OK\r\n"}
    with connected(script) as (mailbox, server):
        assert [5] == mailbox.uids_above(0)
    listed = [command for command in server.heard if "SEARCH" in command]
    assert ["UID SEARCH 70001:120000", "UID SEARCH 20001:70000", "UID SEARCH 1:20000"] == listed


@pytest.mark.parametrize("told", ["", "* OK [UIDVALIDITY 0]\r\n"])
def test_h3_without_uidvalidity_each_connection_is_another_numbering(told: str) -> None:
    script: Script = {"EXAMINE": f"* 3 EXISTS\r\n{told}TAG OK\r\n"}
    with connected(script) as (first, _), connected(script) as (second, _):
        assert first.uidvalidity != second.uidvalidity
        before = first.uidvalidity
        first.examine()
        assert before == first.uidvalidity


# --- staying connected -----------------------------------------------------------------------------------------------


def test_h11_an_end_of_the_connection_while_waiting_is_seen() -> None:
    with connected({"IDLE": "+ idling\r\nCLOSE"}) as (mailbox, _), pytest.raises(MailServerAway):
        mailbox.idle(5, Event())


def test_h11_a_goodbye_while_waiting_is_seen() -> None:
    with connected({"IDLE": "+ idling\r\n* BYE shutting down\r\n"}) as (mailbox, _), pytest.raises(MailServerAway):
        mailbox.idle(5, Event())


def test_h12_mail_that_was_announced_while_we_were_busy_is_not_forgotten() -> None:
    counts = iter((3, 3, 4))
    script: Script = {
        "EXAMINE": lambda _: f"* {(there := next(counts))} EXISTS\r\n* OK [UIDVALIDITY 7]\r\n* OK [UIDNEXT {there + 1}]\r\nTAG OK\r\n"
    }
    with connected(script | {"UID SEARCH": "* SEARCH 1 2 3\r\nTAG OK\r\n"}) as (mailbox, _):
        mailbox.uids_above(0)
        assert [False, True] == [mailbox.has_more(), mailbox.has_more()]


def test_waiting_ends_at_once_when_the_server_tells_of_mail() -> None:
    with connected({"IDLE": "+ idling\r\n* 4 EXISTS\r\n", "DONE": "TAG OK\r\n"}) as (mailbox, server):
        mailbox.idle(3600, Event())
    assert ["IDLE", "DONE"] == [command for command in server.heard if command in {"IDLE", "DONE"}]


def test_waiting_ends_when_we_are_to_stop() -> None:
    stop = Event()
    stop.set()
    with connected({"IDLE": "+ idling\r\n", "DONE": "TAG OK\r\n"}) as (mailbox, _):
        mailbox.idle(3600, stop)


def test_h10_a_server_that_says_nothing_is_away() -> None:
    server = Scripted({"LOGIN": ""})
    with pytest.raises(MailServerAway):
        Mailbox(address(server.port, timeout_seconds=0.2))
    server.close()


# --- refusals --------------------------------------------------------------------------------------------------------


def test_h14_a_refused_login_is_a_mistake_of_the_configuration() -> None:
    with (
        pytest.raises(LoginRefused, match=r"refuses the login: check inbox.user"),
        connected({"LOGIN": "TAG NO [AUTHENTICATIONFAILED] no\r\n"}),
    ):
        pass


@pytest.mark.parametrize(
    "said",
    [
        "NO [UNAVAILABLE] Temporary failure",
        "NO [LIMIT] Too many logins",
        "NO [SERVERBUG] Internal error",
        "NO Request is throttled. Suggested Backoff Time: 298978 milliseconds",
        "BAD User is authenticated but not connected.",
        "NO Too many simultaneous connections. (Failure)",
    ],
)
def test_h13_throttling_is_never_called_a_wrong_password(said: str) -> None:
    with pytest.raises(MailServerAway), connected({"LOGIN": f"TAG {said}\r\n"}):
        pass


def test_h13_an_end_of_the_connection_is_never_called_a_wrong_password() -> None:
    with pytest.raises(MailServerAway), connected({"LOGIN": "CLOSE"}):
        pass


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Request is throttled. Suggested Backoff Time: 298978 milliseconds", 298.978),
        ("[LIMIT] retry after 60", 60),
        ("please try again in 30 seconds", 30),
        ("[UNAVAILABLE] busy", None),
    ],
)
def test_h13_a_stated_time_is_obeyed(said: str, seconds: float | None) -> None:
    assert seconds == stated_wait(said)


def test_h13_a_letter_with_the_word_limit_is_no_throttling() -> None:
    assert not is_busy("[NONEXISTENT] no such mailbox: Limits")


def test_h18_a_missing_folder_is_a_mistake_of_the_configuration() -> None:
    with (
        pytest.raises(ConfigurationMistake, match="has no folder INBOX"),
        connected({"EXAMINE": "TAG NO [NONEXISTENT] no such mailbox\r\n"}),
    ):
        pass


def test_a_folder_that_cannot_be_opened_just_now_is_not_called_missing() -> None:
    with pytest.raises(MailServerAway), connected({"EXAMINE": "TAG NO [SERVERBUG] Internal error\r\n"}):
        pass


@pytest.mark.parametrize(
    ("greeting", "script"),
    [
        ("* OK ready\r\n", {"LOGIN": "TAG OK [ALERT] The disk is nearly full\r\n"}),
        ("* OK ready\r\n", {"LOGIN": "* OK [ALERT] The disk is nearly full\r\nTAG OK\r\n"}),
        ("* OK ready\r\n", {"EXAMINE": "* 3 EXISTS\r\n* NO [ALERT] The disk is nearly full\r\nTAG OK\r\n"}),
        ("* OK [ALERT] The disk is nearly full\r\n", {}),
    ],
)
def test_h16_an_alert_is_kept_unchanged_and_once(greeting: str, script: Script) -> None:
    with connected(script, greeting) as (mailbox, _):
        mailbox.examine()
        assert ["The disk is nearly full"] == mailbox.alerts


def test_h95_a_server_without_starttls_is_told_nothing() -> None:
    server = Scripted({})
    with pytest.raises(UntrustedServer, match="offers no STARTTLS"):
        Mailbox(address(server.port, tls="starttls"))
    server.close()
    assert not [command for command in server.heard if command.startswith("LOGIN")]


def test_a_password_that_is_not_ascii_is_sent_as_utf_8() -> None:
    secret = b64encode("\0info\0құпия".encode()).decode()
    server = Scripted({"AUTHENTICATE PLAIN": "+ \r\n", secret: "TAG OK\r\n"})
    Mailbox(address(server.port, password="құпия")).log_out()
    server.close()
    assert ["AUTHENTICATE PLAIN", secret] == server.heard[1:3]


# --- filing ----------------------------------------------------------------------------------------------------------


def test_a_keyword_that_the_server_does_not_keep_is_a_mistake_of_the_configuration() -> None:
    with connected({}) as (mailbox, _), pytest.raises(ConfigurationMistake, match="keeps no keyword Mailbot"):
        mailbox.check_filing("keyword", "Mailbot")


def test_a_folder_that_nobody_can_change_is_told_before_anything_is_taken_in() -> None:
    script: Script = {"SELECT": "* 3 EXISTS\r\n* OK [UIDVALIDITY 7]\r\nTAG OK [READ-ONLY]\r\n"}
    with connected(script) as (mailbox, _), pytest.raises(ConfigurationMistake, match="lets nobody change"):
        mailbox.check_filing("keyword", "Mailbot")


def test_a_folder_that_nobody_can_change_is_left_as_it_is() -> None:
    script: Script = {"SELECT": "* 3 EXISTS\r\n* OK [UIDVALIDITY 7]\r\nTAG OK [READ-ONLY]\r\n"}
    with connected(script) as (mailbox, server):
        mailbox.mark([1], "\\Answered")
    assert not [command for command in server.heard if "STORE" in command]


def test_filing_into_the_folder_that_is_read_is_refused() -> None:
    with connected({}) as (mailbox, _), pytest.raises(ConfigurationMistake, match="would come back for ever"):
        mailbox.check_filing("folder", "INBOX")


def test_h3_nothing_is_marked_in_a_folder_that_was_renumbered_meanwhile() -> None:
    renumbered = str(USUAL["SELECT"]).replace("UIDVALIDITY 7", "UIDVALIDITY 8")
    with connected({"SELECT": renumbered}) as (mailbox, server), pytest.raises(MailServerAway, match="renumbered"):
        mailbox.mark([1], "\\Answered")
    assert not [command for command in server.heard if "STORE" in command]


def test_h19_without_move_only_our_own_messages_are_expunged() -> None:
    capable = "* CAPABILITY IMAP4rev1 UIDPLUS\r\nTAG OK\r\n"
    script: Script = {
        "CAPABILITY": capable,
        "UID SEARCH": "* SEARCH 2\r\nTAG OK\r\n",
        "UID COPY": "TAG OK\r\n",
        "UID STORE": "TAG OK\r\n",
        "UID EXPUNGE": "TAG OK\r\n",
    }
    with connected(script) as (mailbox, server):
        mailbox.move([2, 3], "Done")
    changing = [command for command in server.heard if command.startswith(("UID COPY", "UID STORE", "UID EXPUNGE", "EXPUNGE", "CLOSE"))]
    assert ['UID COPY 2 "Done"', "UID STORE 2 +FLAGS.SILENT (\\Deleted)", "UID EXPUNGE 2"] == changing
