"""``mailbot cases export``: what staff corrected, as labelled cases without what names a person."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mailbot import staff
from mailbot.cli.cases import Nameless
from mailbot.corrections import dismiss, give_type
from rules.vocabulary import RequestType
from tests.mailbot.register_room import act, arrive, office, open_desk
from tests.mailbot.typing_room import Type, typist

ME = "staff:dana"
MANY = (RequestType.ACCESS, RequestType.DESTROY)
FROM = "Айгуль Серикова <aigul.serikova85@example.com>"


@pytest.fixture
def mailbot(capsys: pytest.CaptureFixture[str]) -> Type:
    return typist(capsys)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return office(tmp_path)


def exported(mailbot: Type, config: Path, *options: str) -> tuple[list[dict[str, Any]], str]:
    ran = mailbot("cases", "export", "--config", config, *options)
    assert 0 == ran.status
    return tomllib.loads(ran.out).get("case", []), ran.err


def test_what_staff_say_is_exported_as_cases_to_be_read_first(mailbot: Type, config: Path) -> None:
    with open_desk(config) as desk:
        held = arrive(desk, None, FROM, may_be=MANY, fields={"Subject": 'Айгуль: "вопрос" \\ о данных'})
        wrong = arrive(desk, RequestType.REVOKE_CONSENT)
        act(desk, give_type, held, ME, RequestType.ACCESS)
        act(desk, dismiss, wrong, ME)
    cases, told = exported(mailbot, config)
    assert [("access", 'Имя: "вопрос" \\ о данных'), ("none", "A request")] == [(case["expected"], case["subject"]) for case in cases]
    assert [{"operator", "language", "subject", "body", "expected", "why"}] * 2 == [set(case) for case in cases]
    assert ("kazger", "en", True) == (cases[0]["operator"], cases[0]["language"], cases[0]["body"].startswith("Text "))
    assert "Staff say so. mailbot made of it: request (revoke_consent): the test says so" == cases[1]["why"]
    assert told.startswith("read every case before you send it on")


def test_the_last_word_counts_and_what_mailbot_had_made_of_it_at_first(mailbot: Type, config: Path) -> None:
    with open_desk(config) as desk:
        reference = arrive(desk, None, may_be=MANY)
        act(desk, dismiss, reference, ME)
        act(desk, staff.reopen, reference, ME)
        act(desk, give_type, reference, ME, RequestType.BLOCK)
    ((case,), _) = exported(mailbot, config)
    assert ("block", True) == (case["expected"], "made of it: held:" in case["why"])


def test_what_is_reopened_and_not_typed_yet_is_left_out_and_named(mailbot: Type, config: Path) -> None:
    with open_desk(config) as desk:
        reference = arrive(desk, None, may_be=MANY)
        act(desk, dismiss, reference, ME)
        act(desk, staff.reopen, reference, ME)
    cases, told = exported(mailbot, config)
    assert ([], True) == (cases, f"nobody has said what they are: {reference}" in told)


def test_without_corrections_it_says_so(mailbot: Type, config: Path) -> None:
    assert "nobody has corrected anything yet" in mailbot("cases", "export", "--config", config).out
    with open_desk(config, datetime(2026, 11, 19, 20, tzinfo=UTC)) as desk:  # in Almaty the 20th has begun
        act(desk, dismiss, arrive(desk, RequestType.ACCESS), ME)
    assert 1 == len(exported(mailbot, config, "--since", "20.11.2026")[0])
    assert "nobody has corrected anything since 2026-11-21" in mailbot("cases", "export", "--since", "2026-11-21", "--config", config).out


NUMBER = "+7 700 000 00 00"


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("Пишите на aigul@mail.ru, тел. 8 (701) 123-45-67.", f"Пишите на name@example.com, тел. {NUMBER}."),
        ("+77011234567 87011234567 27-35-10", f"{NUMBER} {NUMBER} {NUMBER}"),
        ("aigul (собака) mail.ru, aigul[at]mail[dot]ru, @aigul_k", "name@example.com, name@example.com, name@example.com"),
        ("ИИН 850312450123, карта 4400 4301 1234 5678, договор 123456", "ИИН 000000000000, карта 0000 0000 0000 0000, договор 000000"),
        ("https://x.kz/?u=1 t.me/aigul www.x.kz", "https://example.com https://example.com https://example.com"),
        ("Я, Серикова Айгуль Болатовна, прошу", "Я, Имя, прошу"),
        ("Мен, Серікова Айгүл Болатқызы, сұраймын", "Мен, Имя, сұраймын"),
        ("данные Айгуль и Сериковой, Aigul's data, aigul", "данные Имя и Имя, Имя data, Имя"),
        ("п. 8.3 от 25.11.2026, ст. 24 Закона 94-V", "п. 8.3 от 25.11.2026, ст. 24 Закона 94-V"),
        ("Отзыв согласия на обработку персональных данных", "Отзыв согласия на обработку персональных данных"),
    ],
)
def test_what_names_a_person_is_taken_out_and_nothing_else(written: str, left: str) -> None:
    assert left == Nameless("Aigul Serikova aigul.serikova85").text(written)


def test_a_name_like_a_word_of_the_placeholders_leaves_them_whole() -> None:
    assert "пишите Имя на name@example.com" == Nameless("Exampla").text("пишите Exampla на x@mail.kz")


def test_a_name_that_begins_like_our_theme_leaves_the_theme() -> None:
    assert "мои данные и данных, Имя, Имя" == Nameless("Дана dana").text("мои данные и данных, Дана, Даной")


def test_lines_after_a_signature_and_quotations_are_not_exported(mailbot: Type, config: Path) -> None:
    from rules.own_words import own_words

    assert "Прошу удалить." == own_words("Прошу удалить.\n--\nТОО Ромашка, Алматы\n> старое")


@pytest.mark.parametrize("piece", ["a", "a-", "a.", "А-", "1 ", "А ", "@", "(at)", "+7"])
def test_h55_long_hostile_text_is_no_trap(piece: str) -> None:
    """It would take hours if the time grew with the square of the length."""
    assert isinstance(Nameless("Aigul").text(piece * (200_000 // len(piece))), str)


@pytest.mark.parametrize(
    "text",
    [
        "+7\u00a0700\u00a0000\u00a033\u00a044",
        "+7 700 000\u201133\u201144",
        "ИИН 900.101.300.000",
        "меня зовут Дана Примерова",
        "С уважением, Дана Примерова",
    ],
)
def test_what_names_a_person_in_the_text_alone_is_taken_out(text: str) -> None:
    told = Nameless("info").text(text)
    assert not any(part in told for part in ("33", "44", "101", "Дана", "Примерова"))
