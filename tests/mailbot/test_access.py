"""What a person is told of their data, how it stands on the page, and to whom staff can release it."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from mailbot.access import Account, account_of, as_json, as_page
from mailbot.config import Retention
from mailbot.desk import Desk
from mailbot.letters import Enclosure, LetterMistake, enclosing
from mailbot.wording import TEMPLATES
from rules.secret_numbers import masked_numbers
from rules.vocabulary import Language, LetterKind, RequestType, State
from storage.access import Held, HeldAmendment, HeldConsent, HeldContact, HeldRequest, HeldSuppression
from storage.tables import requests
from tests.mailbot.digest_room import Tags
from tests.mailbot.letter_room import an_occasion, an_office
from tests.mailbot.register_room import NOW, PERSON, arrive, office, open_desk, put_on_file, request
from tests.mailbot.typing_room import typist

RETENTION = Retention()
WORDS: dict[Language, dict[str, Any]] = {
    language: tomllib.loads((TEMPLATES / "access" / f"{language}.toml").read_text("utf-8")) for language in Language
}
DOCUMENTED = (Path(__file__).parents[2] / "docs" / "access.md").read_text("utf-8")
HELD = (Held, HeldContact, HeldConsent, HeldAmendment, HeldRequest, HeldSuppression)
SINCE = datetime(2025, 3, 1, 20, tzinfo=UTC)  # the second of March in Almaty


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(office(tmp_path, systems=("newsletter",))) as desk:
        yield desk


def asked(desk: Desk, *, confirmed: bool = True, **columns: Any) -> str:
    """Let a person ask for access, and confirm it; ``columns`` change the request's row."""
    reference = arrive(desk, RequestType.ACCESS)
    values = {"state": State.AWAITING_STAFF, "confirmed_at": NOW if confirmed else None, "language": Language.EN, **columns}
    with desk.database.write() as tx:
        tx.execute(update(requests).where(requests.c.reference == reference).values(values))
    return reference


def read(content: bytes) -> EmailMessage:
    """Read a letter as a stranger's mail client would."""
    message = message_from_bytes(content, _class=EmailMessage, policy=default)
    assert [] == [part.defects for part in message.walk() if part.defects]
    return message


def a_held(**fields_: Any) -> Held:
    """Return what is held of a person, something in every place."""
    told: dict[str, Any] = {
        "since": SINCE,
        "details": {"surname": "Әбенова", "given_name": "Айгүл", "iin": "900101300123"},
        "contacts": (HeldContact("email", PERSON, "form", SINCE),),
        "consents": (
            HeldConsent("transfer", date(2025, 3, 1), None, date(2030, 1, 1), "v1", "site", "art. 8(1)", "Mail LLP", "form 12", None),
            HeldConsent("cross_border", date(2025, 4, 1), None, None, None, None, None, None, None, None),
        ),
        "amendments": (HeldAmendment(SINCE, "phone", "+77000000001", "+77000000002", "asked", "2026-00001-J", None),),
        "requests": (HeldRequest("2026-00001-J", "update", "carried_out", date(2026, 1, 12), date(2026, 1, 13), NOW, NOW),),
        "suppressions": (HeldSuppression(PERSON, "messages", SINCE, None),),
        "blocked_at": SINCE,
        "legal_hold": "a claim in court",
    }
    return Held(**{**told, **fields_})


def an_account(desk: Desk, retention: Retention = RETENTION, **held: Any) -> Account:
    return account_of(desk, request(desk, asked(desk)), a_held(**held), retention)


# --- numbers that are never shown ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ИИН 900101300123.", "ИИН …0123."),
        ("ИИН900101300123", "ИИН…0123"),
        ("9001 0130 0123", "…0123"),
        ("900101-300123", "…0123"),
        ("900101\u00a0300123", "…0123"),
        ("4111111111111111", "…1111"),
        ("card 4111 1111 1111 1111, paid", "card …1111, paid"),
        ("3782-822463-10005", "…0005"),
        ("12 4111 1111 1111 1111 7", "12 …1111 7"),
        ("900101300123 4111111111111111", "…0123 …1111"),
        ("٩٠٠١٠١٣٠٠١٢٣", "…٠١٢٣"),
    ],
)
def test_identity_and_card_numbers_keep_their_last_digits_alone(text: str, expected: str) -> None:
    """Law 94-V art. 7."""
    assert expected == masked_numbers(text)


@pytest.mark.parametrize(
    "text",
    [
        "+7 700 000 00 01",
        "+77000000001",
        "8 700 000 00 01",
        "+8613800138000",  # a telephone, though its digits check as a card's do
        "8 700 000 00 01 06",  # so do these, but no card is written in such groups
        "2026-00042-K",
        "20.11.2026 12:30",
        "2026-11-20",
        "991301300123",  # no thirteenth month
        "900132300123",  # no thirty-second day
        "900101700123",  # no such century
        "110240012345",  # a company's number (BIN)
        "4111111111111112",  # checks as no card does
        "12345678901234567890",
        "",
    ],
)
def test_other_numbers_stay_as_they_are(text: str) -> None:
    assert text == masked_numbers(text)


# --- what is told -------------------------------------------------------------------------------------------------------
def test_an_account_says_what_is_held_what_for_how_long_and_who_gets_it(desk: Desk) -> None:
    account = an_account(desk)

    assert "mailbot-access-1" == account["format"]
    assert (date(2026, 11, 20), date(2026, 11, 20)) == (account["received_on"], account["made_on"])
    assert ["informing by e-mail"] == account["purposes"]
    assert ["5.7", "8.4", "8.9"] == [each["clause"] for each in account["storage"]["clauses"]]
    assert (3, 1) == (account["storage"]["closed_requests_years"], account["storage"]["raw_mail_years"])
    assert {"consent_since": date(2025, 4, 1), "notice_clauses": ["10.1"]} == account["cross_border"]
    assert "Mail LLP" == account["held"]["consents"][0]["recipients"]


@pytest.mark.parametrize(("until", "expires_on"), [(date(2026, 11, 20), None), (None, date(2026, 11, 19))])
def test_a_consent_that_ended_allows_no_transfer_abroad(desk: Desk, until: date | None, expires_on: date | None) -> None:
    ended = HeldConsent("cross_border", date(2025, 4, 1), until, expires_on, None, None, None, None, None, None)

    assert an_account(desk, consents=(ended,))["cross_border"]["consent_since"] is None


def test_moments_are_told_on_the_operators_clock(desk: Desk) -> None:
    assert "2025-03-02T01:00:00+05:00" == json.loads(as_json(an_account(desk)))["held"]["since"]


def test_numbers_are_masked_wherever_they_stand(desk: Desk) -> None:
    free = "IIN 900101300123, card 4111 1111 1111 1111"
    held: dict[str, Any] = {
        "details": {"surname": free, "note": free},
        "consents": (HeldConsent("transfer", date(2025, 3, 1), None, None, free, free, free, free, free, None),),
        "amendments": (HeldAmendment(SINCE, "surname", free, free, free, None, None),),
        "contacts": (HeldContact("email", PERSON, free, SINCE),),
        "legal_hold": free,
    }
    account = an_account(desk, **held)
    written = as_json(account) + "".join(as_page(account, language) for language in Language)

    assert not re.search(r"900101300123|4111", written)
    assert 12 == as_json(account).count("IIN …0123, card …1111")


def test_an_invisible_character_stands_in_the_json_by_its_number(desk: Desk) -> None:
    written = as_json(an_account(desk, details={"surname": "a\u202eb\x00\u200b"}))

    assert r"a\u202eb\u0000\u200b" in written
    assert "a\u202eb\x00\u200b" == json.loads(written)["held"]["details"]["surname"]


def test_every_key_of_the_json_is_documented(desk: Desk) -> None:
    missing = {path for path in paths(json.loads(as_json(an_account(desk)))) if f"`{path}`" not in DOCUMENTED}

    assert not missing


def paths(value: object, path: str = "") -> Iterator[str]:
    """Yield the way to every value; what an operator lists of a person has names of its own."""
    if isinstance(value, dict) and path not in ("held.details", "operator"):
        for name, each in value.items():
            yield from paths(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield from paths(value[0], f"{path}[]")
    else:
        yield path


# --- the page -----------------------------------------------------------------------------------------------------------
def leaves(table: dict[str, Any], path: str = "") -> set[str]:
    """Return the way to every word of a table."""
    return {
        leaf for name, value in table.items() for leaf in (leaves(value, f"{path}{name}.") if isinstance(value, dict) else {path + name})
    }


@pytest.mark.parametrize("language", Language)
def test_the_three_tables_have_the_same_words(language: Language) -> None:
    assert leaves(WORDS[Language.EN]) == leaves(WORDS[language])


@pytest.mark.parametrize("language", Language)
def test_everything_that_may_be_told_has_a_word(language: Language) -> None:
    words = WORDS[language]
    parts = {"details", "contacts", "consents", "amendments", "requests", "suppressions"}
    columns = {each.name for kind in HELD for each in fields(kind)} - parts

    assert columns <= set(words["label"])
    assert set(State) == set(words["word"]["state"])
    assert set(RequestType) == set(words["word"]["type"])
    assert {"import", "request", "staff"} == set(words["word"]["source"])


@pytest.mark.parametrize("language", Language)
def test_the_page_is_in_the_persons_language_alone(desk: Desk, language: Language) -> None:
    account = an_account(desk)
    page, words = as_page(account, language), WORDS[language]
    texts = Tags(page).texts

    assert f'<html lang="{language}">' in page
    assert {words["title"], *words["heading"].values(), *(words[each] for each in ("masked", "rights"))} <= set(texts)
    assert {words["word"]["purpose"]["informing by e-mail"], words["word"]["scope"]["transfer"], "Әбенова", PERSON} <= set(texts)
    assert not {other["title"] for each, other in WORDS.items() if each is not language} & set(texts)
    assert "None" not in page


def test_a_person_whose_language_is_not_known_gets_the_page_in_kazakh_and_russian(desk: Desk) -> None:
    tags = Tags(as_page(an_account(desk), None))

    assert ["kk", "ru"] == [attributes["lang"] for tag, attributes in tags.tags if tag == "main"]
    assert {WORDS[Language.KK]["title"], WORDS[Language.RU]["title"]} <= set(tags.texts)


def test_h102_what_is_on_file_is_text_on_the_page_and_nothing_else(desk: Desk) -> None:
    hostile = "<script>x</script>\"'><img src=http://evil.example/>\u202eabc\x00 {{ 7 * 7 }}"
    page = as_page(an_account(desk, details={"surname": hostile, hostile: hostile}, legal_hold=hostile), Language.EN)
    tags = Tags(page)

    assert {"script", "img", "a", "link", "iframe", "form"}.isdisjoint(tag for tag, _ in tags.tags)
    assert not {"\u202e", "\x00"} & set(page)
    assert 4 == sum("‹202E›abc‹0000› {{ 7 * 7 }}" in text for text in tags.texts)
    assert page.count("<dd>") == page.count("<dd><bdi>")


def test_the_page_fetches_nothing(desk: Desk) -> None:
    page = as_page(an_account(desk), Language.EN)

    assert "default-src 'none'" in page
    assert not re.search(r"\b(?:src|href|action)=|url\(|@import", page)


def test_the_page_says_so_where_nothing_ever_was_or_has_no_term(desk: Desk) -> None:
    empty: dict[str, Any] = dict.fromkeys(("contacts", "consents", "amendments", "requests", "suppressions"), ())
    account = an_account(desk, Retention(closed_requests_years=0), **empty)
    texts = Tags(as_page(account, Language.EN)).texts

    assert 2 == texts.count(WORDS[Language.EN]["note"]["none"])
    assert 1 == texts.count(WORDS[Language.EN]["note"]["no_term"])
    assert WORDS[Language.EN]["note"]["not_abroad"] in texts
    assert WORDS[Language.EN]["heading"]["amendments"] not in texts


# --- the letter ---------------------------------------------------------------------------------------------------------
def test_a_letter_with_files_reads_back_as_its_text_and_the_files() -> None:
    letter = an_office().compose(an_occasion(LetterKind.ANSWER, kept="a.html\na.json"), NOW)
    files = (
        Enclosure("a.html", "text", "html", "<p>Әбенова\n" * 100),
        Enclosure("a.json", "application", "json", '{"surname": "Әбенова"}\n'),
    )
    content = enclosing(letter.content, files)
    plain, enclosed = read(letter.content), read(content)
    own = {"Content-Type", "Content-Transfer-Encoding"}
    text, page, values = enclosed.iter_parts()

    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 78
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert [item for item in plain.items() if item[0] not in own] == [item for item in enclosed.items() if item[0] not in own]
    assert ["multipart/mixed"] == [value.partition(";")[0] for value in enclosed.get_all("Content-Type", [])]
    assert ("text/plain", "utf-8", plain.get_content()) == (text.get_content_type(), text.get_content_charset(), text.get_content())
    assert ("text/html", "utf-8", "a.html") == (page.get_content_type(), page.get_content_charset(), page.get_filename())
    assert ("application/json", "a.json") == (values.get_content_type(), values.get_filename())
    assert {"attachment"} == {part.get_content_disposition() for part in (page, values)}
    assert files[0].content == page.get_content()
    assert files[1].content.encode() == values.get_content()


@pytest.mark.parametrize(
    "name",
    ["a\r\nBcc: x@evil.example.html", "a\n.html", 'a".html', "../a.html", "a b.html", "ә.html", "a", ".html", "a.html\n", "a;b.html"],
)
def test_h89_the_name_of_a_file_adds_nothing_to_a_header(name: str) -> None:
    letter = an_office().compose(an_occasion(LetterKind.ANSWER), NOW)

    with pytest.raises(LetterMistake):
        enclosing(letter.content, [Enclosure(name, "text", "html", "")])


# --- as staff type it ---------------------------------------------------------------------------------------------------
def test_a_person_who_is_not_on_file_has_nothing_to_be_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = office(tmp_path)
    with open_desk(config) as desk:
        reference = asked(desk)
    ran = typist(capsys)("access", "show", reference, "--config", config)

    assert (1, "") == (ran.status, ran.out)
    assert "not on file here; look in the other systems" in ran.err


def test_what_is_held_is_told_as_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = office(tmp_path)
    with open_desk(config) as desk:
        put_on_file(desk)
        reference = asked(desk)
    ran = typist(capsys)("access", "show", reference, "--config", config)

    assert {f"held.contacts.1.value: {PERSON}", "held.consents.2.scope: transfer", "purposes.1: informing by e-mail"} <= set(
        ran.out.splitlines()
    )
    assert f"Nothing was sent. `mailbot access release {reference}` sends the page to the address on file." == ran.out.splitlines()[-1]


@pytest.mark.parametrize("name", ["no/folder/answer.html", "."])
def test_a_page_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    config = office(tmp_path)
    with open_desk(config) as desk:
        put_on_file(desk)
        reference = asked(desk)
    ran = typist(capsys)("access", "show", reference, "--config", config, "--html", tmp_path / name)

    assert 1 == ran.status
    assert "cannot be written" in ran.err


def test_a_page_that_others_could_read_is_closed_to_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, page = office(tmp_path), tmp_path / "answer.html"
    page.write_text("old")
    page.chmod(0o644)
    with open_desk(config) as desk:
        put_on_file(desk)
        reference = asked(desk)
    typist(capsys)("access", "show", reference, "--config", config, "--html", page)

    assert 0o600 == page.stat().st_mode & 0o777
    assert "old" != page.read_text("utf-8")
