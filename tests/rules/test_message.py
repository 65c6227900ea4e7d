"""Reading messages: real oddities as files, hostile ones generated, and nothing that raises."""

from base64 import encodebytes
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.body import SEALED, STUB, UNREADABLE
from rules.message import Attachment, Message, read, read_header, text_of_part, with_text
from rules.mime import decoded

MAIL = Path(__file__).parents[1] / "mail"
CONTROLS = {chr(code) for code in (*range(32), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xD800, 0xE000))}


def message_of(name: str) -> Message:
    return read((MAIL / f"{name}.eml").read_bytes())


@pytest.mark.parametrize("path", sorted(MAIL.glob("*.eml")), ids=lambda path: path.stem)
def test_the_header_alone_reads_as_in_the_whole_message(path: Path) -> None:
    whole = read(path.read_bytes())
    alone = read_header(path.read_bytes())
    assert whole == with_text(alone, whole.text, whole.attachments, whole.defects)
    assert alone.text is None


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("letter-split-over-two-words", "Отзыв согласия"),
        ("mixed-b-and-q-words", "Re: Отказ от уведомлений 2026"),
        ("raw-koi8-r-subject", "Отзыв согласия на обработку персональных данных"),
        ("raw-cp1251-subject", "Отзыв согласия на обработку персональных данных"),
        ("raw-utf-8-subject", "Отзыв согласия на обработку персональных данных"),
        ("newline-encoded-in-subject", "hi Bcc: x@y.example"),
        ("nul-bytes", "Opt-out of Notifications"),
        ("cr-only", "Opt-out of Notifications"),
        ("no-blank-line", "Hello"),
    ],
)
def test_h37_h38_a_subject_is_read_as_people_see_it(name: str, subject: str) -> None:
    assert subject == message_of(name).subject
    assert "undecodable_subject" not in message_of(name).defects


def test_h37_a_subject_that_cannot_be_decoded_with_confidence_says_so() -> None:
    assert {"undecodable_subject", "unknown_charset"} == message_of("unknown-subject-charset").defects


def test_h37_the_raw_form_of_a_subject_is_kept() -> None:
    raw = message_of("raw-koi8-r-subject").fields["subject"][0]
    assert "Отзыв согласия на обработку персональных данных".encode("koi8-r") == raw.encode("latin-1")


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("two-from-fields", "doubled_from"),
        ("several-senders", "several_senders"),
        ("display-name-is-an-address", "ambiguous_from"),
    ],
)
def test_h44_h45_a_sender_that_two_programs_may_read_differently_is_none(name: str, defect: str) -> None:
    message = message_of(name)
    assert message.sender is None
    assert {defect} == message.defects
    assert len(message.from_addresses) == 2


def test_h44_of_two_subjects_both_are_read() -> None:
    message = message_of("two-subjects")
    assert ("Hello. Opt-out of Notifications", frozenset({"doubled_subject"})) == (message.subject, message.defects)


def test_h44_a_subject_written_twice_is_one() -> None:
    assert "Hello" == read_header(b"Subject: Hello\r\nSubject: Hello\r\n").subject


def test_h44_a_space_before_the_colon_makes_no_other_field() -> None:
    message = message_of("space-before-colon")
    assert "Weekly report. Opt-out of Notifications" == message.subject
    assert {"doubled_subject"} == message.defects


def test_h40_one_broken_field_does_not_break_the_next() -> None:
    message = message_of("unlisted-recipients")
    assert frozenset({"info@alit.example"}) == message.recipients
    assert "anna@client.example" == message.sender


def test_h41_an_impossible_date_is_no_date() -> None:
    assert message_of("date-in-year-99999").date is None
    assert datetime(2026, 6, 1, 5, tzinfo=UTC) == message_of("cr-only").date


def test_h26_an_empty_message_id_is_none() -> None:
    assert message_of("date-in-year-99999").message_id is None
    assert "<one@client.example>" == message_of("cr-only").message_id


@pytest.mark.parametrize("value", ["", "<>", "one@client.example", "<a b@client.example>", "<\x01@client.example>", "<a><b>"])
def test_h26_a_malformed_message_id_is_none(value: str) -> None:
    assert read_header(f"Message-ID: {value}\r\n\r\n".encode()).message_id is None


def test_h71_an_empty_return_path_differs_from_none() -> None:
    assert message_of("empty-return-path").return_path == ""
    assert message_of("cr-only").return_path is None


def test_h98_the_topmost_received_field_holds_the_stamp() -> None:
    head = b"Received: by mx.example; Mon, 1 Jun 2026 10:00:02 +0500\r\nReceived: by relay.example; Mon, 1 Jun 2026 04:00:00 +0000\r\n\r\n"
    assert datetime(2026, 6, 1, 5, 0, 2, tzinfo=UTC) == read_header(head).received_stamp


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("no-final-boundary", "Прошу удалить мои данные."),
        ("no-boundary-parameter", "Прошу удалить мои данные."),
        ("multipart-without-parts", "Please delete my data."),
        ("html-only", "Прошу удалить\nмои данные\n\n> Акция!"),
        ("signed", "My phone: +7 700 000 10 01"),
        ("forwarded-as-attachment", "Look at this."),
        ("cr-only", "Please stop."),
        ("nul-bytes", "Please stop."),
        ("no-blank-line", "Please delete my data, thank you\nFrom: not a field\n\nSecond paragraph."),
        ("body-charset-contradicts", "Прошу прекратить обработку моих данных."),
        ("unsubscribe-button", ""),
        ("boundary-never-occurs", "Прошу удалить мои персональные данные."),
        ("boundary-only-at-the-end", "Please delete my personal data.\n--frontier--"),
        ("blank-text-beside-html", "Прошу удалить мои персональные данные."),
        ("picture-before-text", "Прошу удалить мои персональные данные."),
        ("hidden-html", "Good morning."),
        ("one-part-with-a-name", "Прошу удалить мои персональные данные."),
        ("type-without-subtype", "Please delete my personal data."),
        ("utf-8-called-windows-1251", "Прошу удалить мои персональные данные."),
        ("encoding-with-a-comment", "Прошу удалить мои персональные данные."),
        ("base64-with-spaces", "Прошу удалить мои персональные данные."),
        ("spaces-behind-soft-line-breaks", "Please delete my personal data."),
        ("blank-line-of-spaces", "Please delete my personal data.\n"),
        ("cr-only-without-subject", "Please delete my personal data."),
        ("stub-beside-html", "This message is in HTML. Please use another mail program.\nПрошу удалить мои персональные данные."),
        ("inline-text-with-a-name", "Прошу удалить мои персональные данные."),
    ],
)
def test_h39_h42_h43_h56_whatever_text_is_there_is_found(name: str, text: str) -> None:
    assert text == message_of(name).text


@pytest.mark.parametrize("name", ["winmail-dat", "encrypted"])
def test_h43_sealed_content_leaves_the_subject(name: str) -> None:
    assert "Personal Data Update" == message_of(name).subject


@pytest.mark.parametrize(
    "name",
    ["winmail-dat", "encrypted", "pgp-mime", "smime-enveloped", "smime-known-by-its-name", "tnef-beside-blank-text"],
)
def test_h43_what_only_its_addressee_can_open_is_no_text(name: str) -> None:
    assert (None, frozenset({UNREADABLE, SEALED})) == (message_of(name).text, message_of(name).defects)


@pytest.mark.parametrize("name", ["pgp-inline", "pgp-inline-invoice"])
def test_h43_an_encrypted_text_cannot_be_read(name: str) -> None:
    assert {UNREADABLE, SEALED} == message_of(name).defects


@pytest.mark.parametrize(
    ("name", "defects"), [("pgp-inline-quoted", set()), ("only-a-pdf", {UNREADABLE}), ("signed", set()), ("unsubscribe-button", set())]
)
def test_h43_a_quotation_an_attachment_or_a_signature_seals_nothing(name: str, defects: set[str]) -> None:
    assert defects == message_of(name).defects


def test_h51_a_message_in_a_digest_is_enclosed() -> None:
    message = message_of("digest")
    assert (None, ["message/rfc822"]) == (message.text, [one.type for one in message.attachments])


def test_h51_h52_enclosed_partial_and_external_messages_are_attachments() -> None:
    message = message_of("forwarded-as-attachment")
    assert ["message/rfc822", "message/partial", "message/external-body"] == [one.type for one in message.attachments]


def test_h56_a_bare_cr_begins_no_field() -> None:
    message = message_of("bare-cr-in-header")
    assert "anna@client.example" == message.sender
    assert {"bare_cr"} == message.defects


def test_an_attachment_is_kept_as_name_type_size_and_hash_of_its_content() -> None:
    content = b"%PDF-1"
    expected = Attachment("заявление.pdf", "application/pdf", len(content), sha256(content).hexdigest())
    assert (expected,) == message_of("file-name-in-pieces").attachments


def test_plain_text_is_preferred_and_all_of_it_is_joined() -> None:
    parts = [("text/plain", "one"), ("text/html", "<p>one two</p>"), ("text/plain", "two"), ("text/calendar", "BEGIN:VCALENDAR")]
    body = "".join(f"--b\r\nContent-Type: {kind}\r\n\r\n{text}\r\n" for kind, text in parts)
    message = read(f"Content-Type: multipart/mixed; boundary=b\r\n\r\n{body}--b--\r\n".encode())
    assert "one\ntwo" == message.text
    assert ["text/calendar"] == [one.type for one in message.attachments]


ALTERNATIVES = {
    "it says the same in other signs": ("*Stop* <https://a.example>", "<p><b>Stop</b></p>", "*Stop* <https://a.example>"),
    "it says more": ("2 done", "<p>2 done</p><blockquote>Digest of today: 2 is due</blockquote>", "2 done\n\n> Digest of today: 2 is due"),
    "it says something else": ("Use another program.", "<p>Delete my data.</p>", "Use another program.\nDelete my data."),
    "it shows nothing": ("Stop", "<img src=x>", "Stop"),
    "the text is long": ("x" * (STUB + 1), "<p>Delete my data.</p>", "x" * (STUB + 1)),
}


@pytest.mark.parametrize("name", ALTERNATIVES)
def test_h42_html_is_read_beside_a_short_text_where_it_says_much_that_the_text_does_not(name: str) -> None:
    plain, rich, expected = ALTERNATIVES[name]
    body = f"--b\r\nContent-Type: text/plain\r\n\r\n{plain}\r\n--b\r\nContent-Type: text/html\r\n\r\n{rich}\r\n--b--\r\n"
    assert expected == read(f"Content-Type: multipart/alternative; boundary=b\r\n\r\n{body}".encode()).text


@pytest.mark.parametrize("shown", ["attachment", "attachment; filename=law.txt"])
def test_a_text_that_is_attached_is_no_text_of_the_message(shown: str) -> None:
    part = f"--b\r\nContent-Type: text/plain\r\nContent-Disposition: {shown}\r\n\r\nRevocation of consent\r\n--b--\r\n"
    message = read(f"Content-Type: multipart/mixed; boundary=b\r\n\r\n{part}".encode())
    assert message.text is None
    assert ["text/plain"] == [one.type for one in message.attachments]


def test_a_recipient_list_does_not_hold_the_addressee_of_delivered_to() -> None:
    head = b"Delivered-To: info@alit.example\nTo: A <a@x.example>\nCc: b@x.example\nResent-To: c@x.example\nResent-Cc: d@x.example\n\n"
    assert frozenset({"a@x.example", "b@x.example", "c@x.example", "d@x.example"}) == read_header(head).recipients


@pytest.mark.parametrize("size", range(1, 40))
def test_a_part_that_was_cut_off_anywhere_keeps_what_is_whole(size: int) -> None:
    whole = "Прошу удалить"
    coded = encodebytes(whole.encode())[:size]
    text, defects = text_of_part(coded, "plain", "utf-8", "base64")
    assert whole.startswith(text)
    assert frozenset() == defects


def test_h54_a_long_quoted_printable_part_loses_nothing_where_its_decoding_is_cut() -> None:
    line = "Прошу=20удалить= \t\r\n мои данные=\r\n.\r\n=C4=E0 \r\n".encode("cp1251")
    text = "Прошу удалить мои данные.\r\nДа \r\n".encode("cp1251")
    assert text * 9000 == decoded(line * 9000, "quoted-printable")


def test_a_quoted_printable_part_is_decoded_by_its_charset() -> None:
    assert ("Да", frozenset()) == text_of_part(b"=C4=E0=\r\n", "plain", "windows-1251", "Quoted-Printable")


@pytest.mark.parametrize("charset", ["none", "X-UNKNOWN", "", "unicode_escape", "idna", "rot13", "undefined", "a" * 5000])
def test_h39_a_charset_that_is_none_never_raises(charset: str) -> None:
    text, defects = text_of_part("Прошу удалить".encode(), "plain", charset, "8bit")
    assert "Прошу удалить" == text
    assert {"unknown_charset"} == defects


@pytest.mark.parametrize("charset", ["windows-1251", "iso-8859-1", "koi8-r", "ISO-8859-5", "utf-16"])
def test_h39_bytes_that_are_utf_8_are_read_as_utf_8_whatever_is_said_of_them(charset: str) -> None:
    assert ("Прошу удалить", frozenset()) == text_of_part("Прошу удалить".encode(), "plain", charset, "8bit")


@pytest.mark.parametrize(("text", "charset"), [("Größe", "iso-8859-1"), ("Прошу удалить", "windows-1251"), ("удалить", "utf-16-le")])
def test_h39_bytes_that_are_what_is_said_of_them_are_left_so(text: str, charset: str) -> None:
    assert (text, frozenset()) == text_of_part(text.encode(charset), "plain", charset, "8bit")


@pytest.mark.parametrize("charset", ["utf8", "'UTF-8'", "utf-8mb4", "utf-8\0"])
def test_h39_a_misspelt_charset_is_understood(charset: str) -> None:
    assert ("Прошу удалить", frozenset()) == text_of_part("Прошу удалить".encode(), "plain", charset, "8bit")


def test_a_long_text_is_cut_and_says_so() -> None:
    text, defects = text_of_part(b"x" * 300_000, "plain", "utf-8", "7bit")
    assert 256 * 1024 == len(text)
    assert {"text_cut"} == defects


def assert_clean(message: Message) -> None:
    assert not CONTROLS & set(message.subject)
    assert not (CONTROLS - {"\n", "\t"}) & set(message.text or "")
    assert not any(CONTROLS & set(one.name) for one in message.attachments)
    assert not any(CONTROLS & set(address) for address in (*message.from_addresses, *message.recipients, *message.reply_to))
    assert message.sender is None or (message.sender,) == message.from_addresses


@given(st.binary(max_size=400))
def test_no_bytes_at_all_make_reading_raise(raw: bytes) -> None:
    assert_clean(read(raw))
    assert read_header(raw).subject == read(raw).subject


FRAGMENTS = [
    *(b"From: ", b"Subject: ", b"To:", b"Date: ", b"Received: x;", b"Message-ID: <", b"References: <a> ", b"Return-Path: <>", b"Sender: "),
    *(b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: text/html; charset=", b"Content-Transfer-Encoding: base64"),
    *(
        b"Content-Disposition: attachment; filename*0*=",
        b"filename*=utf-8''%D0",
        b'name="',
        b"--b",
        b"--b--",
        b"\r\n",
        b"\n",
        b"\r",
        b"\r\n\r\n",
    ),
    *(
        b"=?utf-8?b?0J/QvtC7?=",
        b"=?koi8-r?q?=CF=D4?=",
        b"=?utf-7?q?+2AA-?=",
        b"=?x?b?====?=",
        b"?=",
        b"=?",
        b"\xd0",
        b"\xa0",
        b"\0",
        b" ",
        b"\t",
    ),
    *(
        b"anna@client.example",
        b"<",
        b">",
        b",",
        b":",
        b";",
        b'"',
        b"(",
        b"@",
        b"utf-16",
        b"utf-7",
        b"<b>",
        b"<!--",
        b"&#55296;",
        b"&#0;",
        b"99999",
    ),
    *(
        "K\u212a@\u0435\u0301.example".encode(),
        "\u202e\u2028".encode(),
        b"\xef\xbb\xbf",
        b"1 Jan 0001 00:00:00 +2359",
        b"31 Dec 9999 23:59:60 -2359",
    ),
]


@given(st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.binary(max_size=4)), max_size=40))
def test_no_mixture_of_mail_like_pieces_makes_reading_raise(pieces: list[bytes]) -> None:
    assert_clean(read(b"".join(pieces)))


@given(st.data())
def test_no_damage_to_a_real_message_makes_reading_raise(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(sorted(MAIL.glob("*.eml")))).read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 30))] = data.draw(st.one_of(st.binary(max_size=5), st.sampled_from(FRAGMENTS)))
        raw = raw or bytearray(b"x")
    assert_clean(read(bytes(raw)))


@given(
    st.binary(max_size=200),
    st.sampled_from(["plain", "html", ""]),
    st.text(max_size=20),
    st.sampled_from(["base64", "quoted-printable", "x-uuencode", ""]),
)
def test_no_part_makes_reading_its_text_raise(content: bytes, subtype: str, charset: str, encoding: str) -> None:
    text, _ = text_of_part(content, subtype, charset, encoding)
    assert not (CONTROLS - {"\n", "\t"}) & set(text)
