"""Policies read by machine: labelled ones as a whole, and the traps of real ones a sentence at a time.

A labelled policy is a text or a page with an ``.expected.json`` beside it. ``STILL_MISSED`` names what is not read as it is labelled;
whoever teaches the reader one of them takes it out.
"""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.policy_text import Findings, SubjectPhrase, TimeLimit, read_policy_text

TESTS = Path(__file__).parent.parent
LABELLED = sorted(
    label for folder in ("samples/policies", "cases/policies", "rules/policies") for label in (TESTS / folder).glob("*.expected.json")
)
SENTENCES = tomllib.loads((TESTS / "rules/policies/sentences.toml").read_text("utf-8"))["sentence"]
STILL_MISSED: dict[str, set[tuple[object, ...]]] = {
    "d13-kk-theatre-no-marks.expected.json": {("limit", "ticket_return", 3, "days", "6")},  # warned of: it says not what for
}
"""By policy: an entry that is labelled and not read, or read and not labelled."""


def written(label: Path) -> str:
    name = label.name.removesuffix(".expected.json")
    return next(label.parent / f"{name}{end}" for end in (".txt", ".html") if (label.parent / f"{name}{end}").exists()).read_text("utf-8")


def kind(what: str) -> str:
    """Return what a limit is for; how the kept things are named is for the reader of the pack."""
    return "retention" if what.startswith("retention") else what


def labelled_entries(expected: dict[str, Any]) -> set[tuple[object, ...]]:
    return {
        *(("mark", each["type"], each["phrase"], each["clause"]) for each in expected["subject_phrases"]),
        *(("limit", kind(each["what"]), each["amount"], each["unit"], each["clause"]) for each in expected["time_limits"]),
        *(("law", each["id"]) for each in expected["law_references"]),
        *(("inbox", each) for each in expected["inbox_addresses"]),
    }


def read_entries(found: Findings) -> set[tuple[object, ...]]:
    return {
        *(("mark", each.type, each.phrase, each.clause) for each in found.subject_phrases),
        *(("limit", kind(each.what), each.amount, each.unit, each.clause) for each in found.time_limits),
        *(("law", each) for each in found.law_references),
        *(("inbox", each) for each in found.inbox_addresses),
    }


@pytest.mark.parametrize("label", LABELLED, ids=lambda label: label.name)
def test_a_policy_is_read_as_a_lawyer_read_it(label: Path) -> None:
    expected = json.loads(label.read_text("utf-8"))
    found = read_policy_text(written(label))
    assert STILL_MISSED.get(label.name, set()) == labelled_entries(expected) ^ read_entries(found)
    names = {expected["operator_name"], *expected.get("operator_name_also", ())}
    assert found.operator_name in names or not expected["operator_name"]


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence["text"].strip()[:40])
def test_a_sentence_is_read_as_a_lawyer_means_it(sentence: dict[str, Any]) -> None:
    found = read_policy_text(sentence["text"])
    assert sorted(sentence.get("marks", [])) == sorted(f"{mark.type}: {mark.phrase}" for mark in found.subject_phrases)
    assert sorted(sentence.get("limits", [])) == sorted(in_words(limit) for limit in found.time_limits)
    clauses = {mark.clause for mark in found.subject_phrases} | {limit.clause for limit in found.time_limits}
    assert clauses <= {sentence.get("clause")}


def in_words(limit: TimeLimit) -> str:
    return f"{limit.what}: {limit.unit}" if limit.amount is None else f"{limit.what}: {limit.amount} {limit.unit}"


def marks(text: str) -> list[tuple[str, str, str | None]]:
    return [(mark.type, mark.phrase, mark.clause) for mark in read_policy_text(text).subject_phrases]


def limits(text: str) -> list[tuple[str, int | None, str]]:
    return [(limit.what, limit.amount, limit.unit) for limit in read_policy_text(text).time_limits]


def codes(text: str) -> set[str]:
    return {warning.code for warning in read_policy_text(text).warnings}


def test_two_marks_in_one_sentence_are_two_marks() -> None:
    text = "7.4. Направьте письмо с пометкой «Актуализация персональных данных» или «Отзыв согласия»."
    assert [("update", "Актуализация персональных данных", "7.4"), ("revoke_consent", "Отзыв согласия", "7.4")] == marks(text)


def test_the_full_stop_inside_the_quotes_is_not_part_of_the_mark() -> None:
    assert [("update", "Personal Data Update", "8.3")] == marks('8.3 Send an e-mail with the subject "Personal Data Update."')


def test_a_mark_split_over_lines_is_one_phrase() -> None:
    assert [("destroy", "Удаление моих данных", "2")] == marks(
        "2. Письмо на адрес a@b.example с темой «Удаление\nмоих   данных» присылайте нам."
    )


@pytest.mark.parametrize(
    "text",
    [
        "5.1. Хат «Деректерді жаңарту» белгісімен жіберіледі.",
        "5.1. Хаттың тақырыбына «Деректерді жаңарту» деп жазыңыз.",
        "5.1. Хат тақырыбында «Деректерді жаңарту» болсын.",
        "5.1. «Деректерді жаңарту» тақырыбымен жазыңыз.",
    ],
)
def test_kazakh_introduces_a_mark_after_it_or_before_it(text: str) -> None:
    assert [("update", "Деректерді жаңарту", "5.1")] == marks(text)


@pytest.mark.parametrize(
    "text",
    [
        '3) Write to a@b.example and put "Erase me" in the subject line.',
        '3. Write to a@b.example with the subject line "Erase me".',
        "3. Write to a@b.example. Subject: Erase me.",
        "3. Letters titled ‘Erase me’ are dealt with first; send an e-mail.",
        '<p>3. <a href="mailto:a@b.example?subject=Erase%20me">Write to us</a> to have your data deleted.</p>',
        "<p>3. Send an e-mail with the subject &ldquo;Erase&nbsp;<b>me</b>&rdquo;.</p>",
        '3. Subject line of the e-mail must be "Erase me".',
    ],
)
def test_english_introduces_a_mark_in_many_ways(text: str) -> None:
    assert [("destroy", "Erase me", "3")] == marks(text)


@pytest.mark.parametrize(
    "text",
    [
        "4. «Отзыв согласия» может быть направлен в любое время.",
        "4. Конверт с пометкой «Отзыв согласия» направьте почтой.",
        "4. На конверте сделайте пометку «Отзыв согласия».",
        "4. Нажмите кнопку «Отозвать согласие» в письме.",
        "4. В разделе под заголовком «Удаление данных» сказано больше о письмах.",
        "4. Вы получите письмо с темой «Отзыв согласия принят».",
        "4. Письма с пометкой «Отзыв согласия» не рассматриваются.",
        "4. Тема семинара — «Отзыв согласия», запись по почте.",
        '4. The subject has sent a "withdrawal" by e-mail.',
        '4. The letter may also contain the words "Delete my data" in the text of the message.',
        '4. We will send you an e-mail with the subject "Your data are deleted".',
        '<p>4. Write.</p><!-- with the subject "Erase me" --><script>\'with the subject "Erase me"\'</script>',
    ],
)
def test_what_only_looks_like_a_mark_is_none(text: str) -> None:
    assert [] == marks(text)
    assert "no_marks" in codes(text)


def test_one_mark_for_all_requests_is_of_any_type() -> None:
    assert [("any", "Персональные данные", "6")] == marks(
        "6. Любой запрос присылайте по почте, указав в теме письма «Персональные данные»."
    )


def test_a_mark_for_a_part_of_the_consent_is_told_apart() -> None:
    text = "5. Чтобы отозвать согласие частично, пишите нам с пометкой «Частичный отзыв согласия»."
    assert [("revoke_consent_partial", "Частичный отзыв согласия", "5")] == marks(text)


def test_a_misspelt_mark_stays_as_written_and_is_warned_of() -> None:
    text = "4.2. Пришлите письмо с пометкой «Отказ от уведомлениях о новых продуктах»."
    assert [("opt_out", "Отказ от уведомлениях о новых продуктах", "4.2")] == marks(text)
    assert "mark_misspelt" in codes(text)


@pytest.mark.parametrize(
    ("amount", "unit", "words"),
    [
        (10, "working_days", "в течение десяти рабочих дней"),
        (10, "working_days", "в течение 10 (десяти) рабочих дней"),
        (3, "working_days", "в течение 3-х рабочих дней"),
        (15, "days", "в пятнадцатидневный срок"),
        (30, "days", "в 30-дневный срок"),
        (1, "months", "в месячный срок"),
        (1, "months", "в течение месяца"),
        (6, "months", "в течение полугода"),
        (48, "hours", "в течение сорока восьми часов"),
        (5, "days", "от 3 до 5 дней"),
        (1, "working_days", "не позднее следующего рабочего дня"),
        (None, "same_day", "в день обращения"),
        (None, "immediately", "немедленно"),
    ],
)
def test_russian_amounts_in_digits_and_words(amount: int | None, unit: str, words: str) -> None:
    assert [("destroy", amount, unit)] == limits(f"3.1. Данные удаляем {words}.")


@pytest.mark.parametrize(
    ("amount", "unit", "words"),
    [
        (30, "days", "within thirty (30) days"),
        (21, "calendar_days", "within twenty-one calendar days"),
        (5, "working_days", "no later than 5 business days"),
        (1, "months", "within a month"),
        (1, "months", "within one month"),
        (14, "days", "within a 14-day period"),
        (2, "weeks", "in two weeks"),
        (72, "hours", "within seventy-two hours"),
        (None, "same_day", "on the same day"),
        (None, "immediately", "at once"),
    ],
)
def test_english_amounts_in_digits_and_words(amount: int | None, unit: str, words: str) -> None:
    assert [("destroy", amount, unit)] == limits(f"3.1. Your data are erased {words}.")


@pytest.mark.parametrize(
    ("amount", "unit", "words"),
    [
        (1, "working_days", "бір жұмыс күні ішінде"),
        (15, "working_days", "он бес жұмыс күні ішінде"),
        (10, "calendar_days", "он күнтізбелік күн ішінде"),
        (6, "months", "алты ай ішінде"),
        (24, "hours", "24 сағат ішінде"),
        (None, "same_day", "сол күні"),
        (None, "immediately", "дереу"),
    ],
)
def test_kazakh_amounts_in_digits_and_words(amount: int | None, unit: str, words: str) -> None:
    assert [("destroy", amount, unit)] == limits(f"3.1. Деректер {words} жойылады.")


@pytest.mark.parametrize(
    "text",
    [
        "1. Закон РК от 21 мая 2013 года № 94-V.",
        "1. 2013 жылғы 21 мамырдағы Заң.",
        "1. Услуги не оказываются лицам младше 14 лет и удаляются.",
        "1. Users must be over 16 years old; younger accounts are deleted.",
        "1. Мы работаем 24 часа в сутки и отвечаем на вопросы.",
        "1. За последние 3 года удалений не было.",
        "1. We answer without undue delay.",
        "1. Ответ даётся без указания срока.",
    ],
)
def test_dates_ages_and_opening_hours_are_no_limits(text: str) -> None:
    assert [] == limits(text)


def test_a_time_that_says_not_what_for_is_a_warning_and_no_limit() -> None:
    text = "9. Семинар длится 3 дня."
    assert [] == limits(text)
    assert "limit_unclear" in codes(text)


def test_several_limits_of_a_sentence_are_told_apart() -> None:
    text = (
        "6. Данные блокируются в течение одного рабочего дня, уничтожаются в течение 15 дней, ответ направляется в течение 3 рабочих дней."
    )
    assert [("block", 1, "working_days"), ("destroy", 15, "days"), ("answer_subject", 3, "working_days")] == limits(text)


def test_the_clause_is_the_nearest_number_before_the_sentence() -> None:
    text = "5.1. Один.\n— письмо с темой «Обновление данных»;\n5.2. Два. 5.3. Письмо с темой «Отзыв согласия»."
    assert [("update", "Обновление данных", "5.1"), ("revoke_consent", "Отзыв согласия", "5.3")] == marks(text)


@pytest.mark.parametrize("number", ["§ 7.", "Article 7.", "Статья 7.", "7-бап.", "7.", "7)", "Раздел 7."])
def test_a_clause_is_named_in_many_ways(number: str) -> None:
    assert [("destroy", "Erase me", "7")] == marks(f'{number} Write an e-mail with the subject "Erase me".')


def test_an_amount_at_the_beginning_of_a_line_is_no_clause() -> None:
    text = (
        "5.1. Письмо с темой «Удаление данных», после которого данные будут удалены не позднее чем через\n10 рабочих дней после получения."
    )
    assert [("destroy", 10, "working_days", "5.1")] == [
        (limit.what, limit.amount, limit.unit, limit.clause) for limit in read_policy_text(text).time_limits
    ]


def test_numbers_that_a_browser_makes_for_lists_name_no_clause() -> None:
    page = "<html>{}<ol><li>Write an e-mail with the subject “Erase me”.</li></ol></html>"
    assert [("destroy", "Erase me", None)] == marks(page.format(""))
    assert [("destroy", "Erase me", "4")] == marks(page.format("<h2>4. Requests</h2>"))


def test_a_link_to_another_firm_is_warned_of_and_its_address_is_no_inbox() -> None:
    found = read_policy_text('<p>1. Requests: <a href="mailto:info@flowers.example">pd@shop.example</a>.</p>')
    assert ("pd@shop.example",) == found.inbox_addresses
    assert "another_address" in {warning.code for warning in found.warnings}


@pytest.mark.parametrize(
    "hidden", ["privacy@shop·example", "privacy(at)shop.example", "privacy [at] shop [dot] example", "privacy·at·shop·example"]
)
def test_an_address_hidden_from_robots_is_read_and_warned_of(hidden: str) -> None:
    found = read_policy_text(f"1. Send your request to {hidden}.")
    assert ("privacy@shop.example",) == found.inbox_addresses
    assert "hidden_address" in {warning.code for warning in found.warnings}


def test_a_place_for_an_address_that_was_not_filled_in_is_no_address() -> None:
    found = read_policy_text("1. Write to {{ contact_email }}.")
    assert () == found.inbox_addresses
    assert {"template_address", "no_address"} <= {warning.code for warning in found.warnings}


@pytest.mark.parametrize(
    ("law", "text"),
    [
        ("KZ-94-V", "Law No. 94-V"),
        ("KZ-94-V", "Законом «О персональных данных и их защите»"),
        ("KZ-94-V", "«Дербес деректер және оларды қорғау туралы» Заң"),
        ("EU-2016/679", "the GDPR"),
        ("RU-152-FZ", "закон № 152-ФЗ"),
        ("BY-99-Z", "Закон № 99-З"),
    ],
)
def test_a_law_is_known_by_its_number_or_its_name(law: str, text: str) -> None:
    assert (law,) == read_policy_text(f"1. Мы соблюдаем {text}.").law_references


def test_federal_law_left_in_a_text_is_warned_of_and_no_reference() -> None:
    text = "5.7. Если срок не установлен федеральным законом."
    assert () == read_policy_text(text).law_references
    assert "federal_law" in codes(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ТОО «Козы Фит»", "1. Политика ТОО «Козы Фит» (далее — Оператор)."),
        ("Индивидуальный предприниматель Серік Ахметов", "1. Меры, предпринимаемые Индивидуальным предпринимателем Серік Ахметов."),
        ("«Ақ Той» ЖШС", "1. Оператор — «Ақ Той» ЖШС-нің кеңсесі."),
        ("Yurt Inn LLP", 'The hotel is run by Yurt Inn LLP ("the Hotel"); Booking Hub LLC is its processor.'),
    ],
)
def test_the_operator_is_named_in_three_languages(name: str, text: str) -> None:
    assert name == read_policy_text(text).operator_name


def test_a_page_says_what_its_reader_sees() -> None:
    page = '<div hidden>1. Letters with the subject "Delete my data".</div><p>Nothing else.</p>'
    assert [] == marks(page)


HOSTILE = {
    "amounts": "10 дней " * 2_000,
    "lists": "<html>" + "<ol><li>" * 4_000,
    "links": "<html>" + "<a href=mailto:a?subject=x " * 2_000,
    "addresses": "a@b.example " * 4_000,
    "quotes": '"a" ' * 5_000,
    "one word": "A" * 40_000,
    "rows": "a │ subject │ 3 days\n" * 1_500,
    "items": "- «a» 3 days\n" * 1_500,
    "what stands out": "<html>" + "<b>a</b> " * 3_000,
    "open brackets": "⟪⟦(" * 10_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_h55_a_hostile_text_is_read_to_the_end(name: str) -> None:
    """Work that grows faster than the text would need minutes for these, so that the end alone is proof; nothing is timed."""
    assert () == read_policy_text(HOSTILE[name]).subject_phrases


@given(st.text(alphabet="аә1 .,;:«»\"'⟦⟧⟪⟫│|*#@<>/ol iaпометкой№-\n", max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    for read in (text, f"<p>{text}"):
        assert all(isinstance(mark, SubjectPhrase) for mark in read_policy_text(read).subject_phrases)
