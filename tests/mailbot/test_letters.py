"""What the letters carry over the wire, and what they refuse to carry."""

from dataclasses import fields, replace
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from typing import Any

import pytest

from mailbot.letters import LetterMistake, Occasion, UndeliverableAddress, deliverable, without_code
from rules.vocabulary import Duty, Language, LetterKind, RequestType
from tests.mailbot.letter_room import CODE, EVERY_LETTER, LANGUAGES, NAMES, NOW, REFERENCE, an_occasion, an_office, read, text_of

OFFICE = an_office()

FIELDS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-Mailbot-Loop",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Language",
]
THREAD: dict[str, Any] = {"in_reply_to": "<third@example.com>", "references": ("<first@example.com>", "<second@example.com>")}


@pytest.mark.parametrize(("kind", "request_type", "language"), EVERY_LETTER)
def test_h89_every_letter_carries_exactly_the_intended_fields(
    kind: LetterKind, request_type: RequestType | None, language: Language | None
) -> None:
    letter = OFFICE.compose(an_occasion(kind, request_type, language, **THREAD), NOW)

    assert read(letter).keys() == FIELDS


@pytest.mark.parametrize(("kind", "request_type", "language"), EVERY_LETTER)
def test_h90_every_letter_is_crlf_only_ascii_and_short_of_line(
    kind: LetterKind, request_type: RequestType | None, language: Language | None
) -> None:
    content = OFFICE.compose(an_occasion(kind, request_type, language, **THREAD), NOW).content
    without_line_ends = content.replace(b"\r\n", b"")

    assert content.isascii()
    assert content.endswith(b"\r\n")
    assert b"\r" not in without_line_ends
    assert b"\n" not in without_line_ends
    assert max(map(len, content.split(b"\r\n"))) <= 78


def test_h84_an_acknowledgement_says_that_a_machine_wrote_it() -> None:
    letter = OFFICE.compose(an_occasion(**THREAD), NOW)
    message = read(letter)

    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["X-Mailbot-Loop"] == REFERENCE
    assert message["In-Reply-To"] == "<third@example.com>"
    assert message["References"] == "<first@example.com> <second@example.com> <third@example.com>"
    assert message["Message-ID"] == letter.message_id
    assert letter.envelope_sender == "bounces@sample.example"


@pytest.mark.parametrize("kind", [LetterKind.REFUSAL, LetterKind.COMPLETION])
def test_h84_a_letter_that_answers_no_message_at_once_is_auto_generated(kind: LetterKind) -> None:
    assert read(OFFICE.compose(an_occasion(kind), NOW))["Auto-Submitted"] == "auto-generated"


def test_a_message_id_is_new_for_each_letter_and_of_the_senders_domain() -> None:
    office = an_office()

    assert [office.compose(an_occasion(), NOW).message_id for _ in range(2)] == [
        "<mailbot.1@sample.example>",
        "<mailbot.2@sample.example>",
    ]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (Language.KK, "Хатыңызды алдық: 2026-00042-K"),
        (Language.RU, "Мы получили Ваше письмо: 2026-00042-K"),
        (Language.EN, "We have received your letter: 2026-00042-K"),
        (None, "Хатыңызды алдық / Мы получили Ваше письмо: 2026-00042-K"),
    ],
)
def test_a_subject_is_fixed_text_and_the_reference(language: Language | None, expected: str) -> None:
    letter = OFFICE.compose(an_occasion(language=language), NOW)

    assert expected == letter.subject
    assert expected == read(letter)["Subject"]


@pytest.mark.parametrize("language", Language)
def test_the_operator_is_named_in_the_persons_language(language: Language) -> None:
    (sender,) = read(OFFICE.compose(an_occasion(language=language), NOW))["From"].addresses

    assert (NAMES[language], "info@sample.example") == (sender.display_name, sender.addr_spec)


def test_an_operator_without_a_kazakh_name_signs_with_the_name_there_is() -> None:
    office = an_office({Language.EN: "Sample LLP"})
    (sender,) = read(office.compose(an_occasion(language=Language.KK), NOW))["From"].addresses

    assert sender.display_name == "Sample LLP"


@pytest.mark.parametrize("name", ['Sample "Best", LLP', "Жауапкершілігі шектеулі серіктестігі " * 4, "Sample\r\nBcc: x@evil.example"])
def test_h89_an_operators_odd_name_stays_a_display_name(name: str) -> None:
    content = an_office({Language.EN: name}).compose(an_occasion(), NOW).content
    header = BytesHeaderParser().parsebytes(content)
    shown = str(make_header(decode_header(header["From"])))

    assert header.get_all("Bcc") is None
    assert " ".join(name.split()) in " ".join(shown.replace("\\", "").split())


def test_h46_the_person_is_addressed_without_a_display_name() -> None:
    assert read(OFFICE.compose(an_occasion(recipient="aigul@example.com"), NOW))["To"] == "aigul@example.com"


@pytest.mark.parametrize(
    "hostile",
    [
        "<a@b.example>\r\nBcc: x@evil.example",
        "<a@b.example>\n",
        "<a\r\n @b.example>",
        "<a b@b.example>",
        "<a@b.example> <c@d.example>",
        "<a<b@c.example>",
        "<ё@b.example>",
        "<a\x00@b.example>",
        "<=?utf-8?q?hi=0ABcc:_x@y?=>",
        "<a=?utf-8?q?hi=0ABcc:_x@y?=@b>",
        "a@b.example",
        "<>",
        "",
        f"<{'a' * 251}>",
    ],
)
def test_h89_a_message_id_that_is_not_one_is_left_out(hostile: str) -> None:
    message = read(OFFICE.compose(an_occasion(in_reply_to=hostile, references=(hostile, "<good@example.com>")), NOW))

    assert "In-Reply-To" not in message
    assert message["References"] == "<good@example.com>"
    assert "Bcc" not in message


def test_a_long_thread_is_cut_to_its_end_and_each_id_stands_once() -> None:
    ids = tuple(f"<{number}@example.com>" for number in range(1000))
    message = read(OFFICE.compose(an_occasion(in_reply_to=ids[-1], references=ids + ids), NOW))

    assert " ".join(ids[-20:]) == message["References"]


def test_h85_no_letter_asks_for_a_receipt_or_belongs_to_a_list() -> None:
    names = {name.lower() for name in read(OFFICE.compose(an_occasion(**THREAD), NOW))}

    assert not {"disposition-notification-to", "return-receipt-to", "precedence"} & names
    assert not [name for name in names if name.startswith("list-")]


@pytest.mark.parametrize(
    "reference",
    [
        "1\r\nBcc: x@evil.example",
        "1\nBcc: x",
        "1\rBcc: x",
        "1\r\n\r\nHello",
        "1\r\n \r\n",
        "1\r\n \r\n 2",
        "1\n 2",
        "1\r 2",
        "1\x00",
        "1\x85Bcc: x",
        "№1",
        "1" * 999,
    ],
)
def test_h89_a_header_that_reads_back_as_another_one_is_never_sent(reference: str) -> None:
    occasion = Occasion(LetterKind.ACKNOWLEDGEMENT, None, Language.EN, reference, "aigul@example.com")

    with pytest.raises(LetterMistake):
        OFFICE.compose(occasion, NOW)


@pytest.mark.parametrize(
    "address",
    [
        "aigul@example.com\r\nBcc: x@evil.example",
        "aigul@example.com\n",
        "aigul@exa mple.com",
        "ai gul@example.com",
        "<aigul@example.com>",
        "aigul@example.com,x@evil.example",
        "aigul@evil.example, aigul@example.com",
        '"aigul"@example.com',
        "aigul;x@example.com",
        "aigul\x00@example.com",
        "aigul\t@example.com",
        "=?utf-8?q?a=0ABcc=3A_x=40y?=@example.com",
        "aigul..b@example.com",
        "aigul@",
        "@example.com",
        "aigul",
        "",
        f"{'a' * 250}@example.com",
    ],
)
def test_h91_no_letter_goes_to_an_address_that_is_not_a_plain_one(address: str) -> None:
    with pytest.raises(UndeliverableAddress):
        OFFICE.compose(an_occasion(recipient=address), NOW)


@pytest.mark.parametrize("address", ["айгүл@example.com", "aigül@почта.example", "\udce9@example.com", "\u212aate@example.com"])
def test_h92_a_non_ascii_local_part_goes_to_staff(address: str) -> None:
    with pytest.raises(UndeliverableAddress):
        OFFICE.compose(an_occasion(recipient=address), NOW)


@pytest.mark.parametrize(
    "domain", ["почта\r\n.example", "поч та.example", "почта..example", "\udce9.example", "почта\x00.example", "☠.example"]
)
def test_h92_a_domain_that_is_no_idn_goes_to_staff(domain: str) -> None:
    with pytest.raises(UndeliverableAddress):
        deliverable(f"aigul@{domain}")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("Aigul.S+news@Example.com", "Aigul.S+news@Example.com"),
        ("aigul@почта.example", "aigul@xn--80a1acny.example"),
        ("aigul@straße.example", "aigul@xn--strae-oqa.example"),
        ("aigul@localhost", "aigul@localhost"),
    ],
)
def test_h92_an_idn_domain_is_written_as_a_label(address: str, expected: str) -> None:
    letter = OFFICE.compose(an_occasion(recipient=address), NOW)

    assert expected == letter.recipient
    assert expected == read(letter)["To"]


def test_i6_an_undeliverable_address_is_not_in_the_error() -> None:
    with pytest.raises(UndeliverableAddress) as caught:
        deliverable("ai gul@example.com")

    assert "gul" not in str(caught.value)


def test_h69_two_people_get_the_same_letter_but_for_address_and_ids() -> None:
    subscriber = read(an_office().compose(an_occasion(recipient="aigul@example.com", in_reply_to="<a@example.com>"), NOW))
    stranger = read(an_office().compose(an_occasion(recipient="nobody@example.com", in_reply_to="<b@example.com>"), NOW))
    own = {"To", "Message-ID", "In-Reply-To", "References"}

    assert subscriber.get_content() == stranger.get_content()
    assert [item for item in subscriber.items() if item[0] not in own] == [item for item in stranger.items() if item[0] not in own]


def test_h69_h83_an_occasion_knows_neither_the_person_nor_what_they_wrote() -> None:
    """A letter cannot tell what its occasion does not hold: no name, no subject, no body, no record."""
    assert {field.name for field in fields(Occasion)} == {
        *("kind", "type", "language", "reference", "recipient", "clause", "clause_is_policys", "done", "elsewhere", "due"),
        *("in_reply_to", "references", "ground", "kept", "kept_until", "done_on", "answer", "changes"),
        *("code", "confirm_by", "asked", "for_another", "stopped", "goes_on"),
        "shown",  # an address that was confirmed, masked, for the one that it replaces
    }


@pytest.mark.parametrize("kind", [LetterKind.ACKNOWLEDGEMENT, LetterKind.CONFIRMATION])
@pytest.mark.parametrize("language", LANGUAGES)
def test_h66_a_letter_that_asks_back_is_kept_without_its_code(kind: LetterKind, language: Language | None) -> None:
    letter = OFFICE.compose(an_occasion(kind, RequestType.UPDATE, language, code=CODE), NOW)
    kept = replace(letter, content=without_code(letter.content) or b"")
    languages = 1 if language else 2
    assert (1, languages) == (read(letter)["Subject"].count(CODE), text_of(letter).count(f"\n{CODE}\n"))
    assert (0, 0) == (read(kept)["Subject"].count(CODE), text_of(kept).count(CODE))
    assert letter.message_id == read(kept)["Message-ID"]
    assert len(letter.content) == len(kept.content)
    assert without_code(kept.content) is None


@pytest.mark.parametrize(("language", "words"), [(Language.KK, ("ИӘ", "ЖОҚ")), (Language.RU, ("ДА", "НЕТ")), (Language.EN, ("YES", "NO"))])
@pytest.mark.parametrize("kind", [LetterKind.ACKNOWLEDGEMENT, LetterKind.CONFIRMATION])
def test_h110_who_is_asked_back_reads_which_words_answer(kind: LetterKind, language: Language, words: tuple[str, str]) -> None:
    text = text_of(OFFICE.compose(an_occasion(kind, RequestType.UPDATE, language, code=CODE), NOW))
    assert all(f" {word} " in text or f" {word}." in text for word in words)


@pytest.mark.parametrize("ground", ["", " \n\t"])
@pytest.mark.parametrize("kind", [LetterKind.REFUSAL, LetterKind.LAPSE])
def test_i8_there_is_no_refusal_and_no_lapse_without_a_written_ground(kind: LetterKind, ground: str) -> None:
    with pytest.raises(LetterMistake, match="ground"):
        OFFICE.compose(an_occasion(kind, ground=ground), NOW)


def test_i12_there_is_no_completion_of_nothing() -> None:
    with pytest.raises(LetterMistake, match="nothing is recorded"):
        OFFICE.compose(an_occasion(LetterKind.COMPLETION, done=frozenset()), NOW)


def test_h113_there_is_no_completion_while_other_systems_have_to_follow() -> None:
    with pytest.raises(LetterMistake, match="other systems"):
        OFFICE.compose(an_occasion(LetterKind.COMPLETION, done=frozenset({Duty.STOP_MESSAGES}), elsewhere=True), NOW)


@pytest.mark.parametrize(("language", "expected"), [(Language.KK, "kk"), (Language.RU, "ru"), (Language.EN, "en"), (None, "kk, ru")])
def test_the_language_of_the_text_is_named(language: Language | None, expected: str) -> None:
    assert expected == read(OFFICE.compose(an_occasion(language=language), NOW))["Content-Language"]
