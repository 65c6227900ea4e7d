"""The digest as people read it: three languages, two forms, and nothing in it that a message could have put there."""

import re
from collections import Counter
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.digest_page import allotted
from mailbot.digest_words import Result, Section, masked, shown
from rules.vocabulary import Language, Outcome, RequestType, State
from storage.outbox import LetterState
from storage.overview import Traffic
from tests.mailbot.digest_room import (
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
    an_item,
    set_aside,
)

SIZES = st.fixed_dictionaries({section: st.integers(0, 200) for section in Section})
HARMLESS = {"html", "head", "meta", "title", "style", "body", "table", "tr", "td", "div", "h1", "h2", "p", "span", "strong", "br"}
HOSTILE = "\u202e<b>x</b><img/src=//evil.example>\u2028\x00@evil.example"


def numbered_titles(html: str) -> list[str]:
    """Return "1. Title" for every item of the HTML."""
    found = re.findall(r'<td class="faint line"[^>]*>(\d+)</td>\s*<td class="line"[^>]*>\s*<div[^>]*>([^<]*?) ?<', html)
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
        "There is nothing to decide today: nothing is late, nothing is due soon, and no\n"
        "letter is stuck.\n"
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
        "Requests: mailbot requests show|approve|done|refuse NUMBER. Unread messages:\n"
        "mailbot held show NUMBER. Sending: mailbot letters list.\n"
    ) == a_page(a_digest()).text


def test_a_full_day_is_told_in_the_order_of_the_page() -> None:
    text = a_page(a_full_digest()).text
    headings = [line for line in text.splitlines() if line.isupper()]
    assert [
        "NEEDS YOUR DECISION (2)",
        "MESSAGES THAT COULD NOT BE READ (1)",
        "OVERDUE (1)",
        "DUE TODAY (1)",
        "DUE WITHIN THREE WORKING DAYS (1)",
        "NEW SINCE THE LAST DIGEST (1)",
        "WAITING FOR OTHERS (3)",
        "LETTERS THAT DID NOT ARRIVE (3)",
        "LETTERS THAT GO OUT LATER (1)",
        "MAIL AND ACCOUNTS",
        "REQUESTS OF THE MONTH: NOVEMBER 2026",
    ] == headings
    assert "1 overdue, 1 due today, 1 due soon, 6 to decide, 3 undelivered." in text


@pytest.mark.parametrize(
    ("letter", "told"),
    [
        (a_letter(), "Not delivered. The server said: 550 5.1.1."),
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
    assert "There is nothing to decide" not in text
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
def test_h102_a_hostile_sender_is_only_text(show_senders: bool) -> None:
    digest = a_digest({Section.DECIDE: [an_item(sender=HOSTILE)]}, undelivered=(a_letter(recipient=HOSTILE),))
    page, harmless = a_page(digest, show_senders=show_senders), a_page(a_digest({Section.DECIDE: [an_item()]}, undelivered=(a_letter(),)))
    assert [tag for tag, _ in Tags(harmless.html).tags] == [tag for tag, _ in Tags(page.html).tags]
    assert set() == set("\u202e\u2028\x00") & set(page.text + page.html)


@pytest.mark.parametrize("language", Language)
def test_h102_the_page_asks_nothing_of_the_network_and_links_nowhere(language: Language) -> None:
    html = a_page(a_full_digest(), language, show_senders=True).html
    tags = Tags(html).tags
    assert set() == {tag for tag, _ in tags} - HARMLESS
    assert set() == {
        name for _, attributes in tags for name in attributes if name in {"href", "src", "background"} or name.startswith("on")
    }
    assert [] == re.findall(r"https?:|//|url\(|@import|flex|grid|javascript", html)


def test_the_page_has_a_dark_face_and_a_narrow_one() -> None:
    html = a_page(a_full_digest()).html
    assert "@media (prefers-color-scheme: dark)" in html
    assert "@media (max-width: 480px)" in html
    coloured = {
        name
        for _, attributes in Tags(html).tags
        if "background-color" in (attributes.get("style") or "")
        for name in (attributes.get("class") or "-").split()
    }
    dark = html.partition("prefers-color-scheme: dark")[2].partition("</style>")[0]
    assert set() == {name for name in coloured if f".{name} {{" not in dark and f".{name}," not in dark}
