"""Odd messages (``tests/mail``): what ``classify`` takes each for, and that the daemon, which reads as little as it can, says the same."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import select

from mailbot.config import load_config
from mailbot.fetching import BEGINNING, TEXT_CAP, Fetcher
from mailbot.imap import HEADER_CAP, Address, Mailbox
from mailbot.judging import Judge
from mailbot.policies import load_policy
from rules.body import STUB
from rules.decide import PERSONAL
from rules.place import Cursor
from rules.policy import Policy
from rules.vocabulary import RequestType
from storage.register import Registered
from storage.tables import receipts
from tests.conftest import ConfigFile
from tests.mail.foreign import INBOX, Foreign, foreign
from tests.mailbot.register_room import open_desk
from tests.mailbot.scripted_imap import Script, Scripted, head
from tests.scenarios.outside import (
    append_all,
    flags_of,
    lines_in,
    message,
    ordinary,
    outcomes_in,
    request,
    requests_in,
    run_once,
    seen_by,
    store_of,
)
from tests.servers import PASSWORD, CapturingSmtp, Dovecot

MAIL = Path(__file__).parents[1] / "mail"
TAKEN_FOR = {
    "request": {
        *("base64-with-spaces", "blank-line-of-spaces", "blank-text-beside-html", "body-charset-contradicts", "boundary-never-occurs"),
        *("boundary-only-at-the-end", "cr-only", "cr-only-without-subject", "encoding-with-a-comment", "encrypted", "header-goes-on"),
        *(
            "html-only",
            "letter-split-over-two-words",
            "mixed-b-and-q-words",
            "multipart-without-parts",
            "no-blank-line",
            "no-boundary-parameter",
        ),
        *("no-final-boundary", "nul-bytes", "one-part-with-a-name", "picture-before-text", "raw-cp1251-subject", "raw-koi8-r-subject"),
        *("raw-utf-8-subject", "signed", "spaces-behind-soft-line-breaks", "type-without-subtype", "unlisted-recipients"),
        *("demand-beside-other-html", "inline-text-with-a-name", "stub-beside-html"),
        *("text-around-a-picture", "unsubscribe-button", "utf-8-called-windows-1251", "winmail-dat", "wrapped-lines"),
    },
    "held": {
        *(
            "display-name-is-an-address",
            "file-name-in-pieces",
            "pgp-inline",
            "pgp-mime",
            "several-senders",
            "smime-enveloped",
            "smime-known-by-its-name",
        ),
        *("application-as-a-scan", "only-a-text-file"),
        *("space-before-colon", "tnef-beside-blank-text", "two-from-fields", "two-subjects", "unknown-subject-charset"),
    },
    "automatic": {
        *("bounce", "empty-return-path", "list-post", "our-letter-come-back", "robot-behind-a-byte-order-mark"),
        *("robot-behind-a-long-field-name", "robot-behind-a-name-with-spaces", "robot-behind-a-subject-not-indented"),
    },
    "ordinary": {
        *("commit-message", "program-notes"),
        *("bare-cr-in-header", "date-in-year-99999", "digest", "external-body", "forwarded-as-attachment"),
        *("hidden-html", "newline-encoded-in-subject", "only-a-pdf", "partial", "pgp-inline-invoice", "pgp-inline-quoted"),
    },
}
EXPECTED = {name: outcome for outcome, names in TAKEN_FOR.items() for name in sorted(names)}


def odd(name: str) -> bytes:
    """Return an odd message under its own Message-ID and from its own sender, so that none counts as a copy of another."""
    raw = (MAIL / f"{name}.eml").read_bytes()
    return raw.replace(b"<one@", f"<{name}@".encode()).replace(b"anna@client", f"{name}@client".encode())


@pytest.fixture(scope="module")
def policy() -> Policy:
    """Return KazGer's policy with the inbox that the odd messages are addressed to."""
    return replace(load_policy("kazger"), inboxes=(INBOX,))


def test_every_odd_message_is_taken_for_something() -> None:
    assert {path.stem for path in MAIL.glob("*.eml")} == EXPECTED.keys()


def test_classify_says_what_each_odd_message_is(policy: Policy) -> None:
    judge = Judge(policy)
    assert EXPECTED == {name: str(judge.judge(odd(name)).outcome) for name in EXPECTED}


def test_the_daemon_says_the_same_of_each(dovecot: Dovecot, mailbox: str, config_file: ConfigFile, policy: Policy) -> None:
    config, judge = config_file(inbox={"address": INBOX}), Judge(policy)
    append_all(dovecot, mailbox, map(odd, EXPECTED))
    run_once(config)
    outcomes = {line.uid: line.outcome for line in lines_in(config)}
    assert EXPECTED == {name: outcomes[uid] for uid, name in enumerate(EXPECTED, start=1)}
    types = {kept.place.uid: kept.type for kept in requests_in(config)}
    judged = {uid: judge.judge(odd(name)).type for uid, name in enumerate(EXPECTED, start=1) if uid in types}
    assert judged == types


def test_i5_h56_a_request_behind_a_line_that_is_no_field_is_registered_and_not_answered(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    """Another program may see a robot there, or somebody else."""
    config = config_file()
    append_all(dovecot, mailbox, [b"X Spam Flag: NO\r\n" + request("broken"), request("aigerim")])
    run_once(config)
    assert {"broken@example.com", "aigerim@example.com"} == {kept.sender for kept in requests_in(config)}
    assert {"aigerim@example.com": 1} == seen_by(smtp)


# --- H37-H56, H70-H77: some hundreds that are made (tests/mail/foreign.py) ---------------------------------------------


@pytest.fixture(scope="module")
def made() -> list[Foreign]:
    return list(foreign())


def test_h37_h39_h40_h41_h42_h45_h56_h70_h71_h72_h73_h74_h77_foreign_mail_is_taken_for_what_it_is(
    made: list[Foreign], policy: Policy
) -> None:
    judge = Judge(policy)
    assert len(made) == len({each.name for each in made}) > 600
    assert {each.name: each.outcome for each in made} == {each.name: str(judge.judge(each.raw).outcome) for each in made}


def test_i2_i4_i5_foreign_mail_in_one_round_has_one_outcome_each_and_letters_go_to_those_who_ask(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, made: list[Foreign]
) -> None:
    config = config_file(inbox={"address": INBOX})
    append_all(dovecot, mailbox, (each.raw for each in made))
    run_once(config)
    lines = lines_in(config)
    assert [*range(1, len(made) + 1)] == [line.uid for line in lines]
    assert {each.name: each.outcome for each in made} == {each.name: line.outcome for each, line in zip(made, lines, strict=True)}
    asking = {kept.sender for kept in requests_in(config) if kept.outcome == "request"}
    assert len(asking) > 200
    assert asking >= seen_by(smtp).keys()
    answered = {uid for uid, flags in flags_of(dovecot, mailbox).items() if flags}
    assert {uid for uid, each in enumerate(made, start=1) if each.outcome == "request"} >= answered


# --- H43: bodies that cannot be read -----------------------------------------------------------------------------------


SEALED_TYPE = "application/pkcs7-mime"


def with_attachments(subject: str, *attached: tuple[str, str, int], sender: str = "aigerim") -> bytes:
    """Write a message of a blank text and of attachments: their types, names and sizes."""
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = f"{sender}@example.com", "info@alit.kz", subject
    letter["Message-ID"] = f"<{sender}.2@example.com>"
    letter.set_content("\n")
    for kind, name, size in attached:
        letter.add_attachment(b"x" * size, *kind.split("/"), filename=name)
    return letter.as_bytes()


def only_entry(config: Path) -> Registered:
    (entry,) = requests_in(config)
    return entry


def test_h43_a_body_that_cannot_be_read_is_held_to_the_earliest_limit_of_anything_it_may_ask(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile
) -> None:
    """It may be an opt-out, and that is due on the day it came."""
    config, received = config_file(), datetime(2026, 2, 25, 5, 0, tzinfo=UTC)
    dovecot.append(mailbox, with_attachments("", (SEALED_TYPE, "smime.p7m", 99)), internal_date=received)
    run_once(config)
    held = only_entry(config)
    assert ("held", "The body cannot be read, and the subject says nothing.") == (held.outcome, held.reason)
    assert "unreadable_body" in held.flags
    assert (None, PERSONAL, date(2026, 2, 25)) == (held.type, held.may_be, held.due)


@pytest.mark.parametrize(("kind", "name"), [(SEALED_TYPE, "smime.p7m"), ("application/pdf", "scan.pdf")])
def test_h43_the_subject_decides_and_staff_are_told_that_the_body_was_not_read(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile, kind: str, name: str
) -> None:
    config = config_file()
    dovecot.append(mailbox, with_attachments("Opt-out of Notifications", (kind, name, 99)))
    run_once(config)
    assert ("request", RequestType.OPT_OUT, ("unreadable_body",)) == (
        only_entry(config).outcome,
        only_entry(config).type,
        only_entry(config).flags,
    )


def test_a_request_without_any_text_made_again_follows_the_open_one(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file()
    asked = message("aigerim", "Delete my personal data", "%PDF").replace(b"text/plain; charset=utf-8", b"application/pdf")
    for raw in (asked, asked.replace(b"aigerim.1@", b"aigerim.2@")):
        dovecot.append(mailbox, raw)
        run_once(config)
    assert {"request": 1, "follow_up": 1} == outcomes_in(config)


def test_names_of_attachments_are_heard_behind_what_is_read_of_a_message_without_text(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    attached = (("application/pdf", "scan.pdf", 900_000), ("application/pdf", "Delete my personal data.pdf", 9))
    dovecot.append(mailbox, with_attachments("", *attached))
    run_once(config)
    assert ("held", (RequestType.DESTROY,)) == (only_entry(config).outcome, only_entry(config).may_be)


def test_a_message_without_text_that_is_too_large_is_read_as_far_as_its_beginning(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file(inbox={"max_message_size": 10_000})
    parts = (b"text/plain\r\n\r\n", b"text/html\r\n\r\n<p>Please delete my personal data.</p>", b"image/png\r\n\r\n" + b"x\r\n" * 5000)
    whole = message("aigerim", "", "").replace(b"text/plain; charset=utf-8\r\n\r\n", b"multipart/mixed; boundary=b\r\n")
    whole += b"".join(b"\r\n--b\r\nContent-Type: " + part for part in parts)
    dovecot.append(mailbox, whole)
    run_once(config)
    assert ("request", RequestType.DESTROY) == (only_entry(config).outcome, only_entry(config).type)
    assert "too_large" in only_entry(config).flags


def test_h53_of_a_message_above_the_size_limit_only_head_and_beginning_of_its_text_are_asked_for(config_file: ConfigFile) -> None:
    structure = (
        '(("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 5 1)("VIDEO" "MP4" ("NAME" "x.mp4") NIL NIL "BASE64" 99999999) "MIXED")'
    )
    said = {
        "HEADER": head(1, "From: aigerim@example.com\r\nSubject: Opt-out of Notifications\r\n\r\n", size=100_000_000),
        "BODYSTRUCTURE": f"* 1 FETCH (UID 1 BODYSTRUCTURE {structure})\r\n",
        "BODY.PEEK[1]": "* 1 FETCH (UID 1 BODY[1]<0> {5}\r\nStop.)\r\n",
    }
    script: Script = {
        "UID FETCH": lambda command: next((answer for item, answer in said.items() if item in command), "") + "TAG OK\r\n",
        "UID SEARCH": "* SEARCH 1\r\nTAG OK\r\n",
    }
    server = Scripted(script)
    config = config_file(inbox={"port": server.port})
    run_once(config)
    server.close()
    asked = [command.partition("FETCH 1 ")[2] for command in server.heard if "FETCH" in command]
    heads = f"(INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER]<0.{HEADER_CAP}>)"
    assert [heads, "(BODYSTRUCTURE)", f"(BODY.PEEK[1]<0.{TEXT_CAP}>)"] == asked
    assert ("request", True) == (only_entry(config).outcome, "too_large" in only_entry(config).flags)


def test_i4_of_a_message_without_text_no_more_than_its_beginning_is_fetched(config_file: ConfigFile) -> None:
    blank = '("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 0 0)'
    scan = '("APPLICATION" "PDF" ("NAME" "scan.pdf") NIL NIL "BASE64" 9000000)'
    said = {
        "HEADER": head(1, "From: aigerim@example.com\r\nSubject: Hello\r\n\r\n"),
        "BODYSTRUCTURE": f'* 1 FETCH (UID 1 BODYSTRUCTURE ({blank}{scan} "MIXED"))\r\n',
        "BODY.PEEK[1]": "* 1 FETCH (UID 1 BODY[1]<0> {0}\r\n)\r\n",
        f"BODY.PEEK[]<0.{BEGINNING}>": "* 1 FETCH (UID 1 BODY[]<0> {14}\r\nSubject: Hello)\r\n",
    }
    script: Script = {
        "UID FETCH": lambda command: next((answer for item, answer in said.items() if item in command), "") + "TAG OK\r\n",
        "UID SEARCH": "* SEARCH 1\r\nTAG OK\r\n",
    }
    server = Scripted(script)
    config = config_file(inbox={"port": server.port})
    run_once(config)
    server.close()
    assert {"ordinary": 1} == outcomes_in(config)
    assert f"UID FETCH 1 (BODY.PEEK[]<0.{BEGINNING}>)" == [command for command in server.heard if "FETCH" in command][-1]


ALTERNATIVES = {
    "a short text": (STUB, f"(BODY.PEEK[]<0.{BEGINNING}>)"),
    "a text of some length": (STUB + 1, f"(BODY.PEEK[1]<0.{TEXT_CAP}>)"),
}


@pytest.mark.parametrize("name", ALTERNATIVES)
def test_h42_i4_the_html_beside_a_text_is_read_only_where_the_text_is_short_enough_to_be_a_stub(config_file: ConfigFile, name: str) -> None:
    size, expected = ALTERNATIVES[name]
    plain = f'("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" {size} 1)'
    rich = '("TEXT" "HTML" ("CHARSET" "utf-8") NIL NIL "7BIT" 9000 90)'
    said = {
        "HEADER": head(1, "From: aigerim@example.com\r\nSubject: Hello\r\n\r\n"),
        "BODYSTRUCTURE": f'* 1 FETCH (UID 1 BODYSTRUCTURE ({plain}{rich} "ALTERNATIVE"))\r\n',
        "BODY.PEEK[1]": "* 1 FETCH (UID 1 BODY[1]<0> {13}\r\nGood morning.)\r\n",
        "BODY.PEEK[]": "* 1 FETCH (UID 1 BODY[]<0> {31}\r\nSubject: Hello\r\n\r\nGood morning.)\r\n",
    }
    script: Script = {
        "UID FETCH": lambda command: next((answer for item, answer in said.items() if item in command), "") + "TAG OK\r\n",
        "UID SEARCH": "* SEARCH 1\r\nTAG OK\r\n",
    }
    server = Scripted(script)
    config = config_file(inbox={"port": server.port})
    run_once(config)
    server.close()
    asked = [command.partition("FETCH 1 ")[2] for command in server.heard if "FETCH" in command]
    assert ["(BODYSTRUCTURE)", expected] == asked[1:]
    assert {"ordinary": 1} == outcomes_in(config)


# --- H54: headers made to hide what they say ---------------------------------------------------------------------------


PADDING = {
    "received": b"Received: from a.example by b.example; Mon, 5 Jan 2026 10:00:00 +0500\r\n" * 1100,
    "fields": b"X-Padding: y\r\n" * 20_000,
    "field": b"X-Padding: " + b"y" * 140_000 + b"\r\n",
}


def test_h54_padding_hides_no_request(dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, policy: Policy) -> None:
    config = config_file()
    bombs = [padding + request(name) for name, padding in PADDING.items()]
    bombs.append(PADDING["field"] + message("blank", "", "Please delete my personal data."))
    append_all(dovecot, mailbox, bombs)
    run_once(config)
    assert ["request"] * 4 == [line.outcome for line in lines_in(config)] == [str(Judge(policy).judge(bomb).outcome) for bomb in bombs]
    assert {f"{name}@example.com": 1 for name in (*PADDING, "blank")} == seen_by(smtp)


def test_h54_of_large_headers_no_more_stays_in_memory_than_is_kept_until_they_are_recorded(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile
) -> None:
    """A batch is held together, and what is read of a header may be twenty times its size."""
    config = config_file()
    fields = b"".join(b"x-%d: %d\r\n" % (number % 900, number) for number in range(9000))
    append_all(dovecot, mailbox, [fields + ordinary("firm"), fields + request("aigerim")])
    (inbox,) = load_config(config).inbox
    folder = Mailbox(Address(inbox.host, inbox.port, inbox.tls, None, mailbox, PASSWORD, inbox.folder, 5))
    cursor = Cursor(inbox.address, inbox.folder, folder.uidvalidity, 0, datetime(2020, 1, 1, tzinfo=UTC))
    with open_desk(config) as desk, ExitStack() as leaving:
        leaving.callback(folder.log_out)
        arrivals = Fetcher(desk, inbox, folder).fetch(cursor, [1, 2]).arrivals
    assert [None, "Please act on this. aigerim"] == [arrival.message.text for arrival in arrivals]
    assert [{"date", "from", "subject"}] * 2 == [arrival.message.fields.keys() for arrival in arrivals]


def test_h54_a_text_behind_more_parts_than_are_read_is_held(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile, policy: Policy
) -> None:
    config = config_file()
    bomb = message("aigerim", "", "").replace(b"text/plain; charset=utf-8\r\n", b"multipart/mixed; boundary=b\r\n")
    bomb += b"\r\n--b\r\n\r\n" * 600 + b"Please delete my personal data.\r\n--b--\r\n"
    dovecot.append(mailbox, bomb)
    run_once(config)
    assert ("held", {"held": 1}) == (str(Judge(policy).judge(bomb).outcome), outcomes_in(config))


def test_h54_a_header_too_large_to_read_is_set_aside_and_holds_nothing_up(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, policy: Policy
) -> None:
    config = config_file()
    bombs = [b"X-Padding: y\r\n" * 100_000 + request("hidden"), request("open").replace(b"\r\n\r\n", b"\r\n" + b"X: y\r\n" * 200_000, 1)]
    append_all(dovecot, mailbox, [*bombs, request("aigerim"), ordinary("firm")])
    assert 1 == run_once(config).exit_status, "that something was set aside must be heard"
    said = [(line.outcome, line.reason) for line in lines_in(config)]
    assert [("shunted", "header_too_large")] * 2 == said[:2]
    assert ["request", "ordinary"] == [outcome for outcome, _ in said[2:]]
    assert {"aigerim@example.com": 1} == seen_by(smtp)
    assert ["held", "held"] == [str(Judge(policy).judge(bomb).outcome) for bomb in bombs]
    with store_of(config) as tx:
        kept = tx.execute(select(receipts.c.header).order_by(receipts.c.uid)).scalars().all()
    assert [bomb[:HEADER_CAP] for bomb in bombs] == kept[:2]
