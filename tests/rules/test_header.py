"""Header values: dates, addresses, encoded words and raw bytes."""

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.addresses import addresses_in, canonical, mailbox_key, read_sender, same_mailbox
from rules.automatic import OwnMail, screen
from rules.charsets import guess
from rules.encoded_words import decode_header_text
from rules.header import read_date, read_fields, read_message_ids
from rules.message import read, read_header

PHRASES = [
    "Отзыв согласия на обработку персональных данных",
    "Отказ от уведомлений",
    "Актуализация персональных данных",
    "ОТЗЫВ СОГЛАСИЯ",
    "Прошу удалить мои данные",
    "Re: Счёт на оплату № 12",
    "отписка",
    "Изменился телефон, срочно!",
]


def test_the_fields_of_a_name_stand_topmost_first_and_unfolded() -> None:
    fields = read_fields(b"Received: one\r\n\tmore\r\nSubject: x\r\nRECEIVED : two\r\n  and\r\n\r\n")
    assert {"received": ("one\tmore", "two  and"), "subject": ("x",)} == fields.values


def test_a_value_keeps_its_last_byte_even_where_it_looks_like_a_space() -> None:
    assert "СССР" == decode_header_text(read_fields("Subject: СССР\r\n".encode()).first("subject")).text


def test_the_first_line_of_an_mbox_entry_is_no_field() -> None:
    fields = read_fields(b"From anna@client.example Mon Jun  1 10:00:00 2026\nSubject: x\n")
    assert ({"subject": ("x",)}, frozenset()) == (fields.values, fields.defects)


NO_FIELD = {
    "a line of Subject that is not indented": b"Subject: Weekly\r\nreport of the team",
    "a name with spaces": b"X Spam Flag: NO",
    "a byte order mark": b"\xef\xbb\xbfX-Mailer: one",
    "a name of letters that are none": "Тема: да".encode(),
    "a name without end": b"x" * 2000 + b": y",
    "no name": b": y",
}
ROBOTS = [
    (b"Auto-Submitted: auto-replied", "auto_submitted"),
    (b"Precedence: bulk", "precedence"),
    (b"List-Id: <club.other.example>", "list_field"),
    (b"Return-Path: <>", "null_return_path"),
    (b"X-Auto-Response-Suppress: All", "auto_response_suppress"),
    (b"X-Mailbot-Loop: one", "loop_mark"),
    (b"X-Failed-Recipients: bob@b.example", "x_failed_recipients"),
    (b"Content-Type: multipart/report; report-type=delivery-status", "multipart_report"),
]


@pytest.mark.parametrize(("mark", "reason"), ROBOTS, ids=[reason for _, reason in ROBOTS])
@pytest.mark.parametrize("line", NO_FIELD.values(), ids=NO_FIELD)
@pytest.mark.parametrize(
    "first", [b"", b"From: anna@client.example\r\nTo: info@alit.example\r\nAuto-Submitted: no\r\n"], ids=["top", "below"]
)
def test_h70_h71_h73_a_line_that_is_no_field_hides_no_robot(first: bytes, line: bytes, mark: bytes, reason: str) -> None:
    head = b"%s%s\r\n%s\r\n\r\n" % (first, line, mark)
    screening = screen(read_header(head), OwnMail(frozenset({"info@alit.example"})))
    assert reason == (screening and screening.reason)


def test_a_long_name_is_the_name_of_a_field() -> None:
    name = "x-" + "a" * 300
    fields = read_fields(f"{name}: y\nSubject: x\n".encode())
    assert ({name: ("y",), "subject": ("x",)}, frozenset()) == (fields.values, fields.defects)


def test_h56_what_follows_a_line_that_is_no_field_neither_doubles_nor_replaces_a_field_above_it() -> None:
    head = b"From: anna@client.example\nSubject: Hello\n"
    message = read_header(head + b"Please stop\nFrom: bob@b.example\nSubject: Other\nSender: c@d.example\n\n")
    assert ("anna@client.example", "Hello", None) == (message.sender, message.subject, message.sender_field)
    assert {"no_blank_line"} == message.defects


def test_h56_a_header_that_goes_on_behind_a_line_that_is_no_field_says_who_wrote_what() -> None:
    message = read_header(b"Received: one\nX Spam Flag: NO\nFrom: anna@client.example\nSubject: Hello\n\nPlease stop")
    assert ("anna@client.example", "Hello") == (message.sender, message.subject)
    assert {"no_blank_line"} == message.defects


def test_h56_the_line_that_is_no_field_is_kept_beside_the_text_that_is_decoded_as_the_fields_behind_it_say() -> None:
    head = b"From: anna@client.example\nSubject: Hello\nPlease stop.\nContent-Transfer-Encoding: quoted-printable\n\n"
    assert "Please stop.\nThank=you" == read(head + b"Thank=3Dyou").text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Mon, 1 Jun 2026 10:00:00 +0500", datetime(2026, 6, 1, 5, tzinfo=UTC)),
        ("1 Jun 2026 10:00 -0330 (comment)", datetime(2026, 6, 1, 13, 30, tzinfo=UTC)),
        ("Mon, 01 Jun 26 10:00:00 GMT", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        ("Mon, 01 Jun 99 10:00:00 EST", datetime(1999, 6, 1, 15, tzinfo=UTC)),
        ("Mon, 1 Jun 2026 10:00:00", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        ("Wed, 31 Dec 2025 23:59:60 +0000", datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("Thu, 1 Jan 1970 00:00:00 +0000", datetime(1970, 1, 1, tzinfo=UTC)),
        ("Fri, 31 Dec 99999 23:59:59 +0000", None),
        ("Mon, 1 Jun 2026 10:00:00 +9999", None),
        ("1 Jan 0001 00:00:00 +0500", None),
        ("31 Dec 9999 23:59:59 -0500", None),
        ("Mon, 31 Jun 2026 10:00:00 +0500", None),
        ("Mon, 1 Foo 2026 10:00:00 +0500", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_h41_a_date_is_utc_or_none(value: str, expected: datetime | None) -> None:
    assert expected == read_date(value)


@pytest.mark.parametrize(
    "value",
    [
        "bob@b.example",
        "<bob@b.example>",
        "Bob Brown <bob@B.EXAMPLE>",
        '"Brown, Bob" <bob@b.example>',
        '"bob@b.example" <bob@b.example>',
        "bob@b.example (Bob Brown)",
        "Bob (Sales) <bob@b.example>",
        "=?utf-8?b?0JHQvtCx?= <bob@b.example>",
        '"say \\"hi\\"" <bob@b.example>',
        "Боб <bob@b.example>".encode().decode("latin-1"),
        "Bob <bob@b.example.>",
    ],
)
def test_a_field_with_one_mailbox_names_the_sender(value: str) -> None:
    sender = read_sender((value,))
    assert ("bob@b.example", frozenset()) == (sender.address, sender.defects)


@pytest.mark.parametrize(
    ("values", "defect"),
    [
        ((), "missing_from"),
        (("",), "missing_from"),
        (("undisclosed:;",), "unreadable_from"),
        (("Bob",), "unreadable_from"),
        (("<>",), "unreadable_from"),
        (("(" * 500 + "bob@b.example",), "ambiguous_from"),
        (("alice@a.example <bob@b.example>",), "ambiguous_from"),
        (('"alice@a.example" <bob@b.example>',), "ambiguous_from"),
        (("=?utf-8?q?alice=40a.example?= <bob@b.example>",), "ambiguous_from"),
        (("alice@a.example(<bob@b.example>)",), "ambiguous_from"),
        (("Brown, Bob <bob@b.example>",), "ambiguous_from"),
        (("Bob <bob@b.example> and more",), "ambiguous_from"),
        (("Bob <bob@b.example",), "ambiguous_from"),
        (("<bob@b.example><alice@a.example>",), "ambiguous_from"),
        (("bob@b.example@a.example",), "unreadable_from"),
        (("team: bob@b.example;",), "ambiguous_from"),
        (("bob@b.example, alice@a.example",), "several_senders"),
        (("team: bob@b.example, alice@a.example;",), "several_senders"),
        (("bob@b.example", "bob@b.example"), "doubled_from"),
        (("bob@b\u202e.example".encode().decode("latin-1"),), "unreadable_from"),
    ],
)
def test_h45_anything_but_one_plain_mailbox_names_no_sender(values: tuple[str, ...], defect: str) -> None:
    sender = read_sender(values)
    assert (None, frozenset({defect})) == (sender.address, sender.defects)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anna@client.example", "anna@CLIENT.Example"),
        ("anna@client.example", "ANNA@client.example"),
        ("anna@bücher.example", "anna@xn--bcher-kva.example"),
        ("anna@почта.example", "anna@ПОЧТА.example"),
        ("anna@bu\u0308cher.example", "anna@b\u00fccher.example"),
        ("zoe\u0308@client.example", "zo\u00eb@client.example"),
    ],
)
def test_h47_two_spellings_are_one_mailbox(one: str, other: str) -> None:
    assert same_mailbox(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("k@client.example", "\u212a@client.example"),
        ("i@client.example", "ı@client.example"),
        ("strasse@client.example", "straße@client.example"),
        ("anna@strasse.example", "anna@straße.example"),
        ("anna+news@client.example", "anna@client.example"),
        ("an.na@client.example", "anna@client.example"),
        ("Ж@client.example", "ж@client.example"),
        ("anna@client.example", "аnna@client.example"),
    ],
)
def test_h47_look_alikes_are_different_people(one: str, other: str) -> None:
    assert not same_mailbox(one, other)


@given(st.text(max_size=30), st.text(max_size=30))
def test_an_address_is_canonical_once_and_for_all(local: str, domain: str) -> None:
    address = canonical(f"{local}@{domain}")
    if address is not None:
        assert address == canonical(address)
        assert mailbox_key(address) == mailbox_key(f"{local}@{domain}")
        assert address.rpartition("@")[2].isascii()


@given(st.text(max_size=60))
def test_no_text_makes_an_address_raise(text: str) -> None:
    assert all("@" in address for address in addresses_in(text))
    assert mailbox_key(text) == mailbox_key(unicodedata.normalize("NFC", text)) or not text.isascii()


def test_quoted_names_are_no_recipients() -> None:
    assert ("bob@b.example", "c@d.example") == addresses_in('"info@alit.example" <bob@b.example>, group: c@d.example;, <broken')


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain  text ", "plain text"),
        ("=?utf-8?q?=D0=94?=\t=?utf-8?q?=D0=B0?=", "Да"),
        ("=?utf-8?q?=D0?= =?utf-8?q?=94=D0=B0?=", "Да"),
        ("=?UTF-8?B?0JTQ?==?utf-8?b?sA==?=", "Да"),
        ("=?utf-8?B?0JTQs?= =?utf-8?B?A==?=", "Да"),
        ("=?koi8-r?Q?=E4?= =?utf-8?Q?=D0=B0?= !", "Да !"),
        ("=?utf-8*ru?q?=D0=94=D0=B0?=", "Да"),
        ("Re:=?utf-8?q?_a?=b", "Re: ab"),
        ("=?windows-1251?q?=C4=E0?=", "Да"),
        ("=?utf-8?q?zero=00=08_=E2=80=AEwidth?=", "zero width"),
        ("=?utf-8?q?a=0D=0AB:_c?=", "a B: c"),
        ("a ?= b =? c", "a ?= b =? c"),
    ],
)
def test_h37_encoded_words_are_read_as_they_were_meant(value: str, expected: str) -> None:
    assert (expected, frozenset()) == decode_header_text(value)


@pytest.mark.parametrize("value", ["=?utf-8?b?0JTQ", "=?utf-8?q?=FF=FE?=", "Gr\xf6\xdfe", "\x83\x8f\xb0\xb1"])
def test_h37_what_is_not_surely_read_says_so(value: str) -> None:
    text, defects = decode_header_text(value)
    assert "undecodable" in defects
    assert not any(0xD800 <= ord(letter) < 0xE000 for letter in text)


@pytest.mark.parametrize("codec", ["utf-8", "cp1251", "koi8-r"])
@pytest.mark.parametrize("phrase", PHRASES)
def test_h37_raw_bytes_tell_their_charset(phrase: str, codec: str) -> None:
    content = phrase.encode(codec, "replace")
    assert (content.decode(codec), True) == (guess(content).text, guess(content).sure)


@pytest.mark.parametrize(
    "content", ["прошу".encode("cp1251"), "Größe ändern".encode("latin-1"), "келісімді қайтарып алу".encode("ptcp154")]
)
def test_h37_raw_bytes_that_tell_too_little_are_not_relied_on(content: bytes) -> None:
    """«прошу» in windows-1251 is a fair «ОПНЬС» in KOI8-R: few letters prove nothing."""
    assert not guess(content).sure


def test_message_ids_are_taken_from_any_surroundings() -> None:
    assert ("<a@b>", "<c@d>") == read_message_ids(("<a@b>,junk <c@d> <e", "<\x01@x> <>"))


@pytest.mark.parametrize(
    "value",
    [
        "(" * 100_000,
        "<" * 100_000,
        "a" * 100_000,
        "a@" * 50_000,
        '"' * 100_000,
        "a" + " " * 9_990,
        '"\\' * 4_900,
        "=?" * 50_000,
        "=?a?q?x" * 14_000,
    ],
    ids=lambda value: value[:8],
)
def test_h55_hostile_values_are_read_to_the_end(value: str) -> None:
    """A pattern that goes back over the text would need hours for these, so that the end alone is proof; nothing is timed."""
    assert read_sender((value,)).address is None
    assert () == tuple(address for address in addresses_in(value) if address.count("@") != 1)
    assert len(decode_header_text(value).text) <= len(value)
