"""The digest as people read it: three languages, two forms, and nothing in it that a message could have put there."""

import re
from base64 import encodebytes
from collections import Counter
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.digest_page import Page, allotted
from mailbot.digest_words import Result, Section, masked, shown
from rules.orders import Order, Verb, read_orders
from rules.vocabulary import Duty, Language, Outcome, RequestType, State
from storage.outbox import BY_REPORT, LetterState
from storage.overview import Traffic
from tests.mailbot.digest_room import (
    CODE,
    HELD,
    INBOX,
    NOW,
    TODAY,
    Tags,
    a_capped_letter,
    a_digest,
    a_full_digest,
    a_letter,
    a_page,
    a_promise,
    an_answerable_page,
    an_item,
    set_aside,
)

SIZES = st.fixed_dictionaries({section: st.integers(0, 200) for section in Section})
HARMLESS = {"html", "head", "meta", "title", "style", "body", "table", "tr", "td", "div", "h1", "h2", "p", "span", "strong", "br"}
HARMLESS |= {"details", "summary"}
HOSTILE = "\u202e<b>x</b><img/src=//evil.example>\u2028\x00@evil.example"


def numbered_titles(html: str) -> list[str]:
    """Return "1. Title" for every item of the HTML."""
    found = re.findall(r'<td class="number[^>]*>(\d+)</td>\s*<td class="item[^>]*>\s*<strong>([^<]*)<', html)
    return [f"{number}. {title}" for number, title in found]


# --- subjects ------------------------------------------------------------------------------------------------------------------------

URGENT = {Section.OVERDUE: [an_item(1), an_item(2)], Section.DECIDE: [an_item(3)], Section.WAITING: [an_item(4)]}


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        (Language.EN, "mailbot · alit.kz: 2 overdue, 4 to decide, 23.11.2026"),
        (Language.RU, "mailbot · alit.kz: просрочено – 2, решить – 4, 23.11.2026"),
        (Language.KK, "mailbot · alit.kz: мерзімі өткен – 2, шешу керек – 4, 23.11.2026"),
    ],
)
def test_the_subject_counts_what_is_urgent_and_names_the_day(language: Language, subject: str) -> None:
    assert subject == a_page(a_digest(URGENT, set_aside=(set_aside(),)), language).subject


def test_i10_the_subject_says_that_a_mailbox_is_not_read() -> None:
    assert "mailbot · alit.kz: a mailbox is not read, 23.11.2026" == a_page(a_digest(not_read=(INBOX,))).subject


def test_a_late_digest_carries_the_day_that_it_is_for_and_the_moment_when_it_was_written() -> None:
    page = a_page(a_digest(now=NOW.replace(day=24, hour=8)))
    assert "mailbot · alit.kz: nothing urgent, 23.11.2026" == page.subject
    assert "24 November 2026, 08:00" in page.text


def test_a_tile_counts_what_is_so_wherever_it_stands() -> None:
    in_crm, held_today = (a_promise(system="crm"),), an_item(**HELD, due=TODAY, days=0)
    items = {
        Section.DECIDE: [an_item(), held_today],
        Section.OVERDUE: [an_item(), an_item(promises=in_crm), an_item(state=State.AWAITING_SENDER)],
        Section.TODAY: [an_item(due=TODAY, days=0)],
        Section.NEW: [an_item(state=State.CARRIED_OUT)],
        Section.WAITING: [an_item(postponed_to=date(2026, 11, 30)), an_item(promises=in_crm)],
    }
    page = a_page(a_digest(items, set_aside=(set_aside(),)))
    assert "mailbot · alit.kz: 3 overdue, 2 due today, 5 to decide, 23.11.2026" == page.subject


# --- what it says --------------------------------------------------------------------------------------------------------------------


def test_h101_an_empty_day_says_so_with_its_accounts() -> None:
    assert (
        "mailbot · KazGer LLP (alit.kz)\n"
        "Personal data digest\n"
        "23 November 2026, 09:00\n"
        "\n"
        "All is well: nothing to decide today, nothing is late, nothing is due soon,\n"
        "and no letter is stuck.\n"
        "\n"
        "MAIL AND ACCOUNTS\n"
        "\n"
        "info@alit.kz\n"
        "    Since 22.11.2026, 09:00: arrived 3 = accounted for 3.\n"
        "    Ordinary: 3.\n"
        "    Mailbox read to its end: 23.11.2026, 09:00.\n"
        "\n"
        "REQUESTS OF THE MONTH: NOVEMBER 2026\n"
        "\n"
        "    There were no requests.\n"
        "\n"
        "--\n"
        "For the administrator: mailbot requests list, mailbot held list, mailbot\n"
        "letters list.\n"
    ) == a_page(a_digest()).text


@pytest.mark.parametrize(
    ("language", "how", "ends"),
    [
        (
            Language.EN,
            "Answer with a line for each number: “4 done”, “7 approve”. “? 4” explains, “help” lists the words.",
            f"Code of this digest: {CODE}. Orders that bring it back are carried out until the next digest, and for a week at least. "
            "Do not forward this mail. For the administrator: mailbot requests list, mailbot held list, mailbot letters list. "
            "Head of the history: ab12 cd34 ab12 cd34 (mailbot evidence verify --head)",
        ),
        (
            Language.RU,
            "Отвечайте по строке на номер: «4 готово», «7 одобряю». «? 4» объяснит, «помощь» покажет все слова.",
            f"Код этой сводки: {CODE}. По нему Ваши указания выполняются до следующей сводки, но не меньше недели. "
            "Не пересылайте это письмо. Администратору: mailbot requests list, mailbot held list, mailbot letters list. "
            "Конец цепочки событий: ab12 cd34 ab12 cd34 (mailbot evidence verify --head)",
        ),
        (
            Language.KK,
            "Әр нөмірге бір жолдан жауап жазыңыз: «4 орындалды», «7 мақұлдаймын». «? 4» түсіндіреді, «көмек» барлық сөзді көрсетеді.",
            f"Осы жиынтықтың коды: {CODE}. Нұсқауларыңыз осы код бойынша келесі жиынтыққа дейін, бірақ кемінде бір апта орындалады. "
            "Бұл хатты ешкімге қайта жібермеңіз. Әкімшіге: mailbot requests list, mailbot held list, mailbot letters list. "
            "Оқиғалар тізбегінің соңы: ab12 cd34 ab12 cd34 (mailbot evidence verify --head)",
        ),
    ],
)
def test_a_digest_begins_with_how_it_is_answered_and_ends_with_its_code_and_the_head_of_the_history(
    language: Language, how: str, ends: str
) -> None:
    page = an_answerable_page(a_digest(), language)
    assert how == " ".join(page.text.split("\n\n")[1].split())
    assert ends == " ".join(page.text.partition("\n--\n")[2].split())
    texts = [" ".join(text.split()) for text in Tags(page.html).texts if text]
    assert (how in texts, ends) == (True, " ".join(texts[-3:]))


@pytest.mark.parametrize("language", Language)
def test_each_example_of_how_to_answer_is_read_as_an_order(language: Language) -> None:
    examples = re.findall("[“«]([^”»]+)[”»]", an_answerable_page(a_digest(), language).text.split("\n\n")[1])
    orders = [order for example in examples for order in read_orders(example, TODAY)]
    verbs = [(order.verb, order.item) for order in orders if isinstance(order, Order)]
    assert [(Verb.DONE, 4), (Verb.APPROVE, 7), (Verb.EXPLAIN, 4), (Verb.HELP, None)] == verbs


def test_whoever_stands_in_reads_until_when() -> None:
    page = a_page(a_digest(away_until=date(2026, 12, 4)))
    told = "The staff are away until Fri 04.12.2026: their deputy gets this digest too."
    assert (f"\n\n{told}\n\n" in page.text, told in Tags(page.html).texts) == (True, True)


def test_a_full_day_is_told_in_the_order_of_the_page() -> None:
    text = a_page(a_full_digest()).text
    headings = [line for line in text.splitlines() if line.isupper()]
    assert [
        "OVERDUE (1)",
        "DUE TODAY (1)",
        "NEEDS YOUR DECISION (2)",
        "DUE WITHIN THREE WORKING DAYS (1)",
        "MESSAGES THAT COULD NOT BE READ (1)",
        "LETTERS THAT DID NOT ARRIVE (3)",
        "NEW SINCE THE LAST DIGEST (1)",
        "WAITING FOR OTHERS (3)",
        "LETTERS THAT GO OUT LATER (1)",
        "MAIL AND ACCOUNTS",
        "REQUESTS OF THE MONTH: NOVEMBER 2026",
    ] == headings
    assert "1 overdue, 1 due today, 1 due soon, 6 to decide, 3 undelivered." in text


@pytest.mark.parametrize(
    ("letter", "told"),
    [
        (a_letter(), "Not delivered. The server said: 550 5.1.1."),
        (a_letter(reply=f"5.1.1{BY_REPORT}"), "Not delivered. The server said: 5.1.1."),
        (a_letter(reply="554 no <aigul@example.com> here"), "Not delivered. The server said: 554."),
        (a_letter(reply="the process ended while sending"), "Not delivered. The server said: –."),
        (a_letter(state=LetterState.DOUBTFUL), "Nobody knows whether it arrived."),
        (a_letter(state=LetterState.DEFERRED, reply="451"), "Waits to be sent since 23.11.2026, 09:00."),
    ],
)
def test_i10_an_undelivered_letter_says_what_became_of_it(letter: Any, told: str) -> None:
    text = a_page(a_digest(undelivered=(letter,))).text
    assert f" 1. Acknowledgement\n    2026-00001-K, a…@e…e.com\n    {told}\n" in text


def test_h81_a_letter_that_waits_for_a_cap_did_not_fail_and_says_when_it_goes_out() -> None:
    text = a_page(a_digest(capped=(a_capped_letter(),))).text
    told = "Waits: over the hourly or daily limit, goes out after 23.11.2026, 10:00."
    assert f"LETTERS THAT GO OUT LATER (1)\n\n 1. Acknowledgement\n    2026-00001-K, a…@e…e.com\n    {told}\n" in text
    assert "no letter is stuck" not in " ".join(text.split())


def test_what_the_server_still_owes_stands_in_the_sum() -> None:
    digest = a_digest(traffic={("info@alit.kz", "Requests"): Traffic(NOW, {Outcome.ORDINARY: 118, Outcome.REQUEST: 2}, pending=1)})
    text = " ".join(a_page(digest).text.split())
    assert "info@alit.kz / Requests Since 22.11.2026, 09:00: arrived 121 = accounted for 120 + not yet handed over by the server 1." in text
    assert "Requests: 2, ordinary: 118." in text


@pytest.mark.parametrize(
    ("traffic", "told"),
    [
        (Traffic(NOW.replace(hour=7)), "is not being read. It was last read to its end: 23.11.2026, 07:00."),
        (Traffic(), "has never been read."),
    ],
)
def test_i10_a_mailbox_that_nobody_reads_stands_at_the_top(traffic: Traffic, told: str) -> None:
    text = " ".join(a_page(a_digest(traffic={INBOX: traffic}, not_read=(INBOX,))).text.split())
    heading = "mailbot · KazGer LLP (alit.kz) Personal data digest 23 November 2026, 09:00"
    assert text.startswith(f"{heading} ATTENTION: the mailbox info@alit.kz {told} The reason")
    assert "All is well" not in text
    assert text.partition("mailbot check ")[2].startswith("MAIL AND ACCOUNTS")


def test_the_months_numbers_are_told_and_drawn_by_type() -> None:
    numbers = {
        RequestType.BLOCK: Counter({Result.LATE: 1}),
        RequestType.ACCESS: Counter({Result.IN_TIME: 1, Result.OPEN: 5}),
    }
    page = a_page(a_digest(numbers=numbers))
    assert "    Access to own data: 1 in time, 5 open\n    Blocking of data: 1 late\n" in page.text
    chart = page.html.partition("Requests of the month")[2]
    bars = re.findall(r'<td class="bar-(\w+)" width="(\d+)%"', chart)
    assert [("in_time", "16"), ("open", "84"), ("late", "16"), ("rest", "84")] == bars


# --- both forms ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", Language)
def test_both_forms_number_the_same_items_alike(language: Language) -> None:
    page = a_page(a_full_digest(), language)
    titles = [re.sub(r" \([^)]*\)$", "", line.strip()) for line in page.text.splitlines() if re.match(r" ?\d+\. ", line)]
    assert [f"{number}. " for number in range(1, 15)] == [re.match(r"\d+\. ", title)[0] for title in titles]  # type: ignore[index]
    assert titles == numbered_titles(page.html)


@pytest.mark.parametrize("language", Language)
def test_no_line_of_the_text_is_longer_than_78_columns(language: Language) -> None:
    items = {Section.DECIDE: [an_item(sender=f"{'very.' * 40}long@example.com")]}
    for digest in (a_full_digest(), a_digest(items)):
        assert 78 >= max(map(len, a_page(digest, language, show_senders=True).text.splitlines()))


def test_what_is_too_much_is_counted() -> None:
    page = a_page(a_digest({Section.OVERDUE: [an_item(n) for n in range(100)], Section.WAITING: [an_item(n) for n in range(100, 107)]}))
    assert 60 == len(numbered_titles(page.html))
    assert "OVERDUE (100)" in page.text
    assert "Not shown here: 45 more." in page.text
    assert "Not shown here: 2 more." in page.text
    assert "Not shown here: 45 more." in Tags(page.html).texts


@given(SIZES)
def test_at_most_sixty_items_are_listed_and_some_of_every_section(sizes: dict[Section, int]) -> None:
    room = allotted(sizes)
    assert min(60, sum(sizes.values())) == sum(room.values())
    assert all(min(5, size) <= room[section] <= size for section, size in sizes.items())


# --- H102: nothing from a message ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("aigul@example.com", "a…@e…e.com"),
        ("a@mail.example.com", "a…@m…e.com"),
        ("айгуль@пример.қаз", "а…@п…р.қаз"),
        ("root@localhost", "r…@….localhost"),
    ],
)
def test_an_address_is_masked_to_what_tells_two_apart(address: str, told: str) -> None:
    assert told == masked(address)


def test_senders_are_masked_unless_the_operator_shows_them() -> None:
    digest = a_digest({Section.DECIDE: [an_item()]}, undelivered=(a_letter(),))
    hidden, named = a_page(digest), a_page(digest, show_senders=True)
    assert [] == [form for form in (hidden.text, hidden.html) if "aigul" in form]
    assert [2, 2] == [form.count("aigul@example.com") for form in (named.text, named.html)]
    assert "sender unknown" in a_page(a_digest({Section.DECIDE: [an_item(sender=None)]})).text


@pytest.mark.parametrize(
    ("character", "told"),
    [("\u202e", "‹202E›"), ("\u200b", "‹200B›"), ("\x00", "‹0000›"), ("\u2028", "‹2028›"), ("\u00a0", "‹00A0›"), ("\n", "‹000A›")],
)
def test_h102_characters_that_deceive_are_made_visible(character: str, told: str) -> None:
    assert f"a{told}b" == shown(f"a{character}b")


@pytest.mark.parametrize("show_senders", [False, True])
def test_h102_whatever_is_hostile_is_only_text(show_senders: bool) -> None:
    def page_of(text: str) -> Page:
        items = [an_item(1, sender=text), an_item(2, event=text, channel=text), an_item(3, **{**HELD, "reason": text}, flags=(text,))]
        return a_page(a_digest({Section.DECIDE: items}, undelivered=(a_letter(recipient=text, reply=text),)), show_senders=show_senders)

    page, harmless = page_of(HOSTILE), page_of("aigul@example.com")
    assert [tag for tag, _ in Tags(harmless.html).tags] == [tag for tag, _ in Tags(page.html).tags]
    assert set() == set("\u202e\u2028\x00") & set(page.text + page.html)


@pytest.mark.parametrize("language", Language)
def test_h102_the_page_asks_nothing_of_the_network_and_links_nowhere_but_to_its_answers(language: Language) -> None:
    for page in (a_page(a_full_digest(), language, show_senders=True), an_answerable_page(a_full_digest(), language)):
        tags = Tags(page.html).tags
        assert set() == {tag for tag, _ in tags} - HARMLESS - {"a"}
        named = [(name, value or "") for _, attributes in tags for name, value in attributes.items()]
        assert [] == [name for name, _ in named if name in {"src", "background"} or name.startswith("on")]
        assert [] == [value for name, value in named if name == "href" and not value.startswith("mailto:info@alit.kz?subject=mailbot%20")]
        assert [] == re.findall(r"https?:|//|url\(|@import|flex|grid|javascript", page.html)


def test_a_page_that_is_only_looked_at_has_no_links_and_says_nothing_of_answers() -> None:
    page = a_page(a_full_digest())
    assert [] == [tag for tag, _ in Tags(page.html).tags if tag == "a"]
    assert [] == [words for words in ("Answer with", "Code of this digest") if words in page.text + page.html]


def test_the_page_has_a_dark_face_and_a_narrow_one() -> None:
    html = an_answerable_page(a_full_digest(reminders={"2026-00004-K": 0})).html
    assert "@media (max-width: 480px)" in html
    style = html.partition("<style>")[2].partition("</style>")[0]
    light, _, dark = style.partition("@media (prefers-color-scheme: dark)")
    coloured = {name for names, rule in re.findall(r"([^{}]+)\{([^{}]*)\}", light) if "#" in rule for name in re.findall(r"\.(\w+)", names)}
    coloured |= {
        name
        for _, attributes in Tags(html).tags
        if "#" in (attributes.get("style") or "")
        for name in (attributes.get("class") or "-").split()
    }
    assert set() == coloured - set(re.findall(r"\.([\w-]+)", dark))


@pytest.mark.parametrize("tag", ["style", "details", "summary"])
def test_a_page_that_a_mail_client_has_stripped_still_says_everything(tag: str) -> None:
    html = an_answerable_page(a_full_digest()).html
    stripped = re.sub(r"(?s)<style>.*?</style>", "", html) if tag == "style" else re.sub(rf"</?{tag}[^>]*>", "", html)
    assert stripped != html
    seen, left = ([text for text in Tags(each).texts if text and "{" not in text] for each in (html, stripped))
    assert seen == left


# --- how much ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("size", [20, 21, 60, 300])
def test_a_digest_stays_under_100_kb_however_much_there_is(language: Language, size: int) -> None:
    """Mail clients cut off what is longer. The links of Kazakh words are the longest."""
    own = (a_promise(what=Duty.STOP_PROCESSING, system="mailbot"), a_promise(what=Duty.NOTIFY_THIRD_PARTY, system="newsletter"))
    held = {**HELD, "reason": "It is asked for another person.", "may_be": (RequestType.OBJECT_AUTOMATED,) * 3}
    kinds: dict[Section, dict[str, Any]] = {
        Section.OVERDUE: {"promises": own, "type": RequestType.OBJECT_AUTOMATED, "is_new": True},
        Section.DECIDE: held,
        Section.SOON: {"type": RequestType.OBJECT_AUTOMATED},
    }
    items = {section: [an_item(n, **fields) for n in range(place, size, 3)] for place, (section, fields) in enumerate(kinds.items())}
    page = an_answerable_page(a_digest(items), language)
    assert min(size, 60) == len(page.items)
    encoded = [encodebytes(form.replace("\n", "\r\n").encode()) for form in (page.text, page.html, page.calendar)]
    assert 99_000 > sum(len(form) + form.count(b"\n") for form in encoded)


def test_of_few_items_all_are_told_in_full_and_of_many_only_the_first() -> None:
    few, many = (an_answerable_page(a_digest({Section.SOON: [an_item(n) for n in range(size)]})) for size in (20, 21))
    assert [20, 7] == [page.text.count("To do: answer.") for page in (few, many)]
    assert [20, 7] == [page.html.count("?subject=mailbot%20%C2%B7%20%3F%20") for page in (few, many)]
    assert " 8. Access to own data\n    2026-00007-K, a…@e…e.com, Due Mon 14.12.2026, 15 working days left\n" in many.text
    assert 21 == len(many.items)
