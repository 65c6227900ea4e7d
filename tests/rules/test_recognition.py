"""What a message asks for, judged from its subject and its sender's own words."""

import csv
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.policies import load_policy
from rules.lexicon.marks import is_slip
from rules.normal_form import BODY_LIMIT, SUBJECT_LIMIT
from rules.recognition import Glance, Reading, Recogniser
from rules.vocabulary import Certainty, Language, Outcome, RequestType

TESTS = Path(__file__).parents[1]
OPERATORS = ("kazger", "medico-intech", "technowomen", "wadjet")


class Case(NamedTuple):
    """A letter and what it must be taken for; the clause and the certainty where they are the point."""

    operator: str
    subject: str
    body: str | None
    expected: str
    clause: str | None = None
    certainty: str | None = None


@cache
def recogniser(operator: str) -> Recogniser:
    return Recogniser(load_policy(operator))


def verdict(reading: Reading) -> str:
    return str(reading.type) if reading.outcome is Outcome.REQUEST else str(reading.outcome)


def lawyers_cases() -> list[Case]:
    with (TESTS / "law" / "phrases.toml").open("rb") as file:
        return [Case(**{"body": None, **case}) for case in tomllib.load(file)["case"]]


def samples(*difficulties: str) -> list[Case]:
    labels = {"none": "ordinary", "review": "held"}
    with (TESTS / "samples" / "subjects.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        Case(
            row["operator"].removesuffix("-en").removesuffix("-kk"),
            row["subject"],
            row["body"].replace("\\n", "\n"),
            labels.get(row["expected"], row["expected"]),
            certainty="exact" if row["difficulty"] == "exact" else None,
        )
        for row in rows
        if row["difficulty"] in difficulties
    ]


@pytest.mark.parametrize("case", lawyers_cases(), ids=lambda case: case.subject or case.body)
def test_a_wording_is_taken_for_what_a_lawyer_says(case: Case) -> None:
    reading = recogniser(case.operator).recognise(case.subject, case.body)
    assert case.expected == verdict(reading)
    assert case.clause in (None, reading.clause)
    assert case.certainty in (None, reading.certainty)


@pytest.mark.parametrize("case", samples("exact", "near"), ids=lambda case: case.subject)
def test_an_exact_or_near_sample_is_read_right(case: Case) -> None:
    reading = recogniser(case.operator).recognise(case.subject, case.body)
    assert case.expected == verdict(reading)
    assert case.certainty in (None, reading.certainty)


def test_most_hard_samples_are_read_right() -> None:
    """Hard cases stand for a kind each; the bound only keeps what was reached."""
    cases = samples("hard")
    wrong = [case.subject for case in cases if case.expected != verdict(recogniser(case.operator).recognise(case.subject, case.body))]
    assert len(wrong) <= len(cases) // 10, wrong


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_mark_is_exact_but_for_case_quotes_stop_and_spaces(operator: str) -> None:
    for mark in load_policy(operator).marks:
        for written in (mark.phrase, mark.phrase.upper(), f"«{mark.phrase}.»", f" “{mark.phrase}”. ", mark.phrase.replace(" ", "  ")):
            reading = recogniser(operator).recognise(written, "")
            assert (mark.type, mark.clause, Certainty.EXACT) == (reading.type, reading.clause, reading.certainty)
            assert mark.from_template == reading.from_template


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_mark_with_a_prefix_is_near(operator: str) -> None:
    for mark in load_policy(operator).marks:
        for written in (f"Re: {mark.phrase}", f"[EXTERNAL] Fwd: «{mark.phrase}»", f"Тема: {mark.phrase}"):
            reading = recogniser(operator).recognise(written, None)
            assert (mark.type, mark.clause, Certainty.NEAR) == (reading.type, reading.clause, reading.certainty)


@pytest.mark.parametrize("case", lawyers_cases() + samples("exact", "near", "hard"), ids=lambda case: case.subject)
def test_what_the_subject_alone_makes_a_request_is_never_glanced_over(case: Case) -> None:
    if recogniser(case.operator).glance(case.subject) is Glance.NOTHING:
        assert Outcome.ORDINARY == recogniser(case.operator).recognise(case.subject, None).outcome
        assert "ordinary" == case.expected


@pytest.mark.parametrize(
    "subject", ["", "Re:", "...", "Hello", "Добрый день", "письмо", "Сәлеметсіз бе", "Заявление", "Өтініш", "(no subject)"]
)
def test_a_subject_that_says_nothing_is_empty_handed(subject: str) -> None:
    assert Glance.EMPTY_HANDED is recogniser("kazger").glance(subject)


@pytest.mark.parametrize("subject", ["Invoice 2209", "Счёт на оплату № 5", "Шарт № 7 бойынша", "Update of freight rates", "Отзыв о враче"])
def test_an_ordinary_subject_needs_no_body(subject: str) -> None:
    assert Glance.NOTHING is recogniser("kazger").glance(subject)


def test_the_language_is_that_of_the_persons_own_words() -> None:
    reading = recogniser("medico-intech").recognise("Updating personal data", "Прошу исправить мой номер телефона.")
    assert Language.RU is reading.language


def test_a_short_body_leaves_the_language_to_the_subject() -> None:
    reading = recogniser("medico-intech").recognise("Деректерімді жою", "OK")
    assert Language.KK is reading.language


def test_russian_with_a_kazakh_name_is_russian() -> None:
    reading = recogniser("kazger").recognise("Обновление персональных данных", "Имя записано с ошибкой: нужно «Әсел».")
    assert Language.RU is reading.language


def test_kazakh_with_words_that_russian_shares_is_kazakh() -> None:
    words = "Бұрынғы телефон: +7 700 000 11 22\nЖаңа телефон: +7 700 000 33 44"
    assert Language.KK is recogniser("medico-intech").recognise("Дербес деректерді жаңарту", words).language


def test_two_demands_are_held_with_what_they_may_be() -> None:
    reading = recogniser("kazger").recognise("Отзыв согласия и изменение телефона", None)
    assert (Outcome.HELD, {RequestType.REVOKE_CONSENT, RequestType.UPDATE}) == (reading.outcome, set(reading.may_be))


def test_h51_words_of_a_disclaimer_make_no_request() -> None:
    body = "If this letter reached you by mistake, delete it and destroy all copies."
    assert Outcome.ORDINARY is recogniser("kazger").recognise("Hello", body).outcome


def test_a_disclaimer_does_not_contradict_a_request() -> None:
    body = "If this letter reached you by mistake, delete it."
    assert Outcome.REQUEST is recogniser("kazger").recognise("Personal Data Update", body).outcome


def test_h77_an_out_of_office_subject_is_ordinary() -> None:
    assert Outcome.ORDINARY is recogniser("kazger").recognise("Automatic reply: Personal Data Update", "I am away.").outcome


def test_h88_the_unsubscribe_button_is_a_request() -> None:
    assert RequestType.OPT_OUT is recogniser("wadjet").recognise("unsubscribe", "").type


def test_an_attachments_name_that_asks_is_for_a_person() -> None:
    reading = recogniser("kazger").recognise("Заявление", "Во вложении.", ["Отзыв_согласия.pdf"])
    assert (Outcome.HELD, (RequestType.REVOKE_CONSENT,)) == (reading.outcome, reading.may_be)
    assert Outcome.ORDINARY is recogniser("kazger").recognise("Заявление", "Во вложении.", ["Прайс.pdf"]).outcome


@pytest.mark.parametrize("name", ["application.pdf", "Заявление.docx", "өтініш.jpg"])
def test_an_application_that_is_only_attached_is_for_a_person(name: str) -> None:
    reading = recogniser("technowomen").recognise("Hello", "See the attached letter.", [name])
    assert (Outcome.HELD, True) == (reading.outcome, RequestType.REVOKE_CONSENT in reading.may_be)
    assert Outcome.ORDINARY is recogniser("technowomen").recognise("Заявление на отпуск", "Счёт приложен.", [name]).outcome


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("", "request.txt"),
        ("", "Запрос_15.pdf"),
        ("Fwd:", "Заявление Иванова А.docx"),
        ("Заявление", "scan.pdf"),
        ("Application", "IMG_0001.jpg"),
        ("Өтініш", ""),
    ],
)
@pytest.mark.parametrize("body", [None, "", "Добрый день!"])
def test_h43_a_request_that_holds_nothing_but_an_attachment_is_for_a_person(subject: str, name: str, body: str | None) -> None:
    reading = recogniser("kazger").recognise(subject, body, [name])
    assert (Outcome.HELD, True) == (reading.outcome, RequestType.REVOKE_CONSENT in reading.may_be)


@pytest.mark.parametrize(
    ("subject", "body", "name"),
    [
        ("", "", "scan.pdf"),
        ("", "", "Запрос КП.pdf"),
        ("Hello", "See the attached letter.", "request.txt"),
        ("Заявление", "Высылаем копию страницы журнала.", "scan.pdf"),
        ("Заявка", "", "scan.pdf"),
        ("Application", "", "Invoice.pdf"),
    ],
)
def test_an_attachment_that_nothing_calls_a_request_or_that_is_business_is_ordinary(subject: str, body: str, name: str) -> None:
    assert Outcome.ORDINARY is recogniser("kazger").recognise(subject, body, [name]).outcome


def test_the_reason_is_a_sentence() -> None:
    for case in lawyers_cases():
        reason = recogniser(case.operator).recognise(case.subject, case.body).reason
        assert reason[0].isupper()
        assert reason.endswith(".")


@pytest.mark.parametrize("slip", ["concent", "consnt", "conssent", "cosnent", "consen"])
def test_one_slip_is_seen_through(slip: str) -> None:
    assert is_slip(slip, "consent")


@pytest.mark.parametrize("other", ["personnel", "contract", "date"])
def test_two_slips_are_another_word(other: str) -> None:
    assert not is_slip(other, "personal")


def test_h54_only_the_beginning_of_a_long_letter_is_read() -> None:
    tail = " unsubscribe"
    assert Glance.NOTHING is recogniser("kazger").glance("Invoice " + "x" * SUBJECT_LIMIT + tail)
    assert Outcome.ORDINARY is recogniser("kazger").recognise("", "x" * BODY_LIMIT + tail).outcome


@given(st.text(max_size=300), st.none() | st.text(max_size=300))
def test_no_text_breaks_recognition(subject: str, body: str | None) -> None:
    reading = recogniser("kazger").recognise(subject, body)
    assert reading.outcome in {Outcome.REQUEST, Outcome.HELD, Outcome.ORDINARY}
    if reading.outcome is Outcome.REQUEST:
        assert None not in (reading.type, reading.matched, reading.clause, reading.certainty)


def test_h51_a_forwarded_request_is_not_its_forwarders() -> None:
    """Else the one who passes it on is opted out and answered, and the one who asked is lost."""
    reader = Recogniser(load_policy("kazger"))
    alone = reader.recognise("Fwd: Opt-out of Notifications", "FYI, please process", forwards=True)
    assert (Outcome.HELD, (RequestType.OPT_OUT,)) == (alone.outcome, alone.may_be)
    assert Outcome.REQUEST is reader.recognise("Fwd: Opt-out of Notifications", "Unsubscribe me, please", forwards=True).outcome
    assert Outcome.REQUEST is reader.recognise("Fwd: Opt-out of Notifications", "My second letter", forwards=False).outcome


def test_the_wider_demand_of_the_body_takes_in_the_subjects() -> None:
    reading = Recogniser(load_policy("wadjet")).recognise("Удалите мои данные", "Отзываю согласие на обработку персональных данных.")
    assert (RequestType.REVOKE_CONSENT, "8.4") == (reading.type, reading.clause)


@pytest.mark.parametrize("name", ["Personal Data Update - Asel Nurlanova", "OPT-OUT OF NOTIFICATIONS - ASEL NURLANOVA"])
def test_a_mark_with_the_senders_name_behind_a_dash_is_the_mark(name: str) -> None:
    assert Certainty.NEAR is Recogniser(load_policy("kazger")).recognise(name, "").certainty


def test_the_unsubscribe_link_of_advertising_is_no_opt_out_of_ours() -> None:
    reading = Recogniser(load_policy("kazger")).recognise("News", "Предлагаем скидки!\n\nОтписаться от рассылки: http://shop.example/u")
    assert Outcome.ORDINARY is reading.outcome


@pytest.mark.parametrize(
    "body",
    [
        "Please handle my request as soon as possible. Thank you very much for your help.",
        "Прошу рассмотреть моё обращение как можно скорее. Большое спасибо за помощь.",
        "Өтінішімді мүмкіндігінше тез қарауыңызды сұраймын. Көмегіңіз үшін рақмет.",
    ],
)
@pytest.mark.parametrize("mark", ["Opt-out of Notifications", "Отказ от уведомлений", "Хабарламалардан бас тарту"])
def test_thanks_in_advance_under_a_mark_that_answers_something_leave_it_a_request(mark: str, body: str) -> None:
    assert "opt_out" == verdict(recogniser("kazger").recognise(f"Re: {mark}", body))


@pytest.mark.parametrize("body", ["Вижу, перестали приходить. Благодарю!", "Thank you, it stopped.", "Рақмет, енді келмейді."])
def test_thanks_for_what_was_done_are_no_second_request(body: str) -> None:
    assert "ordinary" == verdict(recogniser("kazger").recognise("Re: Opt-out of Notifications", body))
