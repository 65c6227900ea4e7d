"""Mail made to hurt its reader (H54): read in linear time, and named; what cannot be read to its end is set aside."""

import pytest

from rules.automatic import Kind, Screening
from rules.decide import Case, Decision, decide
from rules.header import MAX_NAMES
from rules.message import MAX_SUBJECT, lightened, read, read_header
from rules.recognition import Reading
from rules.vocabulary import Outcome, RequestType, Standing

BOMBS = {
    "nested parts": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(3000)),
    "many parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100_000,
    "many fields": b"X: y\r\n" * 20_000 + b"\r\n",
    "open brackets": b"From: " + b"(" * 500 + b"a@b.example\r\n\r\n",
    "parameters": b"Content-Type: text/plain" + b"; a*0*=x" * 8000 + b"\r\n\r\n",
    "long subject": b"Subject: " + b"=?utf-8?q?x?=" * 8000 + b"\r\n\r\n",
    "no address": b"To: " + b"a" * 100_000 + b"\r\n\r\n",
    "false delimiters": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + b"\n--bx" * 1_000_000,
    "unclosed scripts": b"Content-Type: text/html\r\n\r\n" + b"<script></script" * 60_000,
    "character references": b"Content-Type: text/html\r\n\r\n" + b"&#9" * 300_000,
    "huge number": b"Content-Type: text/html\r\n\r\n&#" + b"9" * 100_000,
}

HUGE_HEADERS = {
    "fields": b"X: y\n" * 200_000,
    "fields of no value": b"a:\n" * 300_000,
    "fields of many names": b"".join(b"%x:\n" % number for number in range(100_000)),
    "fields behind a line that is none": b"no field\n" + b"".join(b"%x:\nno field\n" % number for number in range(50_000)),
    "folds": b"X: y" + b"\n y" * 300_000,
    "recipients": (b"To: " + "é@é,".encode() * 2000 + b"\n") * 100,
    "senders": (b"From: " + "é@é,".encode() * 2000 + b"\n") * 100,
    "references": b"References: " + b"<a@b>" * 200_000,
    "headers of parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + (b"--b\n" + b"a:\n" * 16_000 + b"\n") * 400,
}


@pytest.mark.parametrize("name", BOMBS | HUGE_HEADERS)
def test_h54_a_mail_bomb_is_read_to_the_end(name: str) -> None:
    """Work that grows faster than the message would need minutes for these, so that the end alone is proof; nothing is timed."""
    message = read((BOMBS | HUGE_HEADERS)[name])
    assert message.sender is None
    assert len(message.subject) <= MAX_SUBJECT


WHO_AND_WHAT = b"From: anna@client.example\r\nSubject: Opt-out of Notifications\r\nMessage-ID: <one@client.example>\r\n\r\n"
PADDING = {
    "received": b"Received: from a.example by b.example; Mon, 1 Jun 2026 10:00:00 +0500\r\n" * 1100,
    "fields": b"X-Padding: y\r\n" * 20_000,
    "one field": b"X-Padding: " + b"y" * 140_000 + b"\r\n",
    "folded": b"X-Padding: y" + b"\r\n y" * 40_000 + b"\r\n",
}


@pytest.mark.parametrize("name", PADDING)
def test_h54_padding_hides_neither_who_wrote_nor_what_is_asked(name: str) -> None:
    message = read_header(PADDING[name] + WHO_AND_WHAT)
    assert ("anna@client.example", "Opt-out of Notifications", frozenset()) == (message.sender, message.subject, message.defects)


def test_h54_a_field_is_kept_a_hundred_times_at_most() -> None:
    assert 100 == len(read_header(PADDING["received"]).fields["received"])


def test_h54_a_header_that_is_larger_than_is_read_is_set_aside_whatever_stands_in_it() -> None:
    message = read_header(WHO_AND_WHAT.removesuffix(b"\r\n") + b"X-Padding: y\r\n" * 100_000)
    demand, machine = Reading(Outcome.REQUEST, RequestType.OPT_OUT), Screening(Kind.AUTO_REPLY, "auto_submitted")
    case = Case(message, demand, machine, Standing.UNPROVEN, tie=None, seen_before=True, same_open=None, flags=frozenset())
    assert Decision(Outcome.SHUNTED, "header_too_large", "set_bomb_aside") == decide(case)


@pytest.mark.parametrize("first", [b"", b"X Spam Flag: NO\r\n"], ids=["fields", "behind a line that is none"])
def test_h54_more_names_of_fields_than_any_message_has_are_too_large_a_header(first: bytes) -> None:
    names = [b"X-%d: y\r\n" % number for number in range(MAX_NAMES + 1)]
    assert "header_too_large" not in read_header(first + b"".join(names[1:])).defects
    too_many = read_header(first + b"".join(names))
    assert "header_too_large" in too_many.defects
    assert MAX_NAMES == len(too_many.fields)


def test_h54_of_a_message_that_was_screened_little_is_kept_whatever_its_header_holds() -> None:
    held = b"".join(b"%x:%x\n" % (number % 900 + 256, number) for number in range(40_000))
    named = b"".join(b"%s: %s\n" % (name, b"a@b.example, " * 3000) for name in (b"To", b"From", b"Reply-To", b"Subject", b"Date"))
    message = lightened(read_header(held + named))
    assert {"date": 10_000, "from": 10_000, "subject": 10_000} == {name: len(value) for name, (value,) in message.fields.items()}
    assert (frozenset(), (), ()) == (message.recipients, message.from_addresses, message.reply_to)
    assert {} == lightened(read_header(held)).fields


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("nested parts", "too_many_parts"),
        ("many parts", "too_many_parts"),
        ("long subject", "long_subject"),
    ],
)
def test_h54_a_mail_bomb_is_named(name: str, defect: str) -> None:
    assert defect in read(BOMBS[name]).defects
