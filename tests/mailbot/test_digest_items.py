"""What the digest says of one request: what is owed, by when, what was written since, and for whom it waits."""

import re
from datetime import date
from typing import Any

import pytest

from mailbot.digest_words import Item, Section
from rules.vocabulary import Duty, Language, RequestType, State
from tests.mailbot.digest_room import HELD, NOW, TODAY, Tags, a_digest, a_matter, a_page, a_promise, an_item


def test_an_item_says_what_is_owed_where_by_when_and_how_that_was_counted() -> None:
    destroyed = [a_promise(what=Duty.DESTROY, system=system) for system in ("mailbot", "crm")]
    promises = (*destroyed, a_promise(what=Duty.NOTIFY_PERSON))
    text = a_page(a_digest({Section.DECIDE: [an_item(type=RequestType.DESTROY, promises=promises, is_new=True)]})).text
    assert (
        " 1. Deletion of data (new)\n"
        "    2026-00001-K, a…@e…e.com\n"
        "    To do: delete the data (mailbot, crm); tell the sender.\n"
        "    Due Mon 14.12.2026, 15 working days left.\n"
        "    Counted: received Mon 23.11.2026, 15 working days.\n"
    ) in text


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            Language.EN,
            [
                "To do: stop messages (newsletter).",
                "Then: delete the data (mailbot, newsletter) by 14.12.2026.",
                "Then: tell the sender by 15.12.2026.",
                "Then: tell those who were given the data.",
            ],
        ),
        (
            Language.RU,
            [
                "Сделать: прекратить рассылку (newsletter).",
                "Затем: удалить данные (mailbot, newsletter) до 14.12.2026.",
                "Затем: сообщить отправителю до 15.12.2026.",
                "Затем: сообщить тем, кому передавали данные.",
            ],
        ),
        (
            Language.KK,
            [
                "Орындау керек: хабарлама жіберуді тоқтату (newsletter).",
                "Содан кейін, 14.12.2026 күніне дейін: деректерді жою (mailbot, newsletter).",
                "Содан кейін, 15.12.2026 күніне дейін: жіберушіге хабарлау.",
                "Содан кейін: деректерді алған тұлғаларға хабарлау.",
            ],
        ),
    ],
)
def test_what_is_due_later_stands_behind_what_is_due_first(language: Language, told: list[str]) -> None:
    first = a_promise(what=Duty.STOP_MESSAGES, system="newsletter", due=date(2026, 11, 25))
    destroyed = [a_promise(what=Duty.DESTROY, system=system) for system in ("mailbot", "newsletter")]
    done, last = a_promise(what=Duty.ANSWER, met_at=NOW), a_promise(what=Duty.NOTIFY_PERSON, due=date(2026, 12, 15))
    matter = a_matter(promises=(a_promise(what=Duty.NOTIFY_THIRD_PARTY, due=None), last, first, done, *destroyed))
    page = a_page(a_digest({Section.SOON: [Item(matter, (first,), first.due, 2)]}), language)
    assert f"    {told[0]}\n" in page.text
    assert " ".join(told[1:]) in " ".join(page.text.split())
    assert told == [f"{text}." for text in Tags(page.html).texts if f"{text}." in told]


@pytest.mark.parametrize(
    ("language", "reopened", "answered", "wrote"),
    [
        (
            Language.EN,
            "Reopened: the person answered after it was closed.",
            "Answered by hand on 22.11.2026: done?",
            "The person wrote again on 23.11.2026: read it.",
        ),
        (
            Language.RU,
            "Открыто снова: человек ответил, когда обращение было уже закрыто.",
            "Отвечено вручную 22.11.2026 — выполнено?",
            "Человек написал ещё раз 23.11.2026 — прочитайте.",
        ),
        (
            Language.KK,
            "Қайта ашылды: өтініш жабылғаннан кейін жіберуші жауап жазды.",
            "22.11.2026 күні қолмен жауап берілген – орындалды ма?",
            "23.11.2026 күні жіберуші тағы хат жазды – оқыңыз.",
        ),
    ],
)
def test_what_was_written_since_is_told_in_its_order(language: Language, reopened: str, answered: str, wrote: str) -> None:
    yesterday = NOW.replace(day=22)
    items = [
        an_item(1, reopened_by_sender=True, answered_at=yesterday, wrote_at=NOW),
        an_item(2, answered_at=NOW, wrote_at=yesterday),
        an_item(3, state=State.CARRIED_OUT, reopened_by_sender=True, answered_at=yesterday, wrote_at=NOW),
    ]
    page = a_page(a_digest({Section.DECIDE: items}), language)
    first, second, closed = re.split(r"\n *\d\. ", page.text)[1:]
    assert "".join(f"    {line}\n" for line in (reopened, answered, wrote)) in first
    assert second.index("22.11.2026") < second.index("23.11.2026")
    assert [wrote] == [line for line in (reopened, answered, wrote) if line in closed]
    assert wrote.rstrip(".") in Tags(page.html).texts


@pytest.mark.parametrize(
    ("due", "days", "told"),
    [
        (date(2026, 11, 20), 3, "Was due Fri 20.11.2026, 3 days late."),
        (TODAY, 0, "Due today, Mon 23.11.2026."),
        (date(2026, 11, 24), 1, "Due Tue 24.11.2026, 1 working day left."),
        (None, 0, "No due date."),
    ],
)
def test_how_far_a_due_date_is_stands_in_words(due: date | None, days: int, told: str) -> None:
    page = a_page(a_digest({Section.DECIDE: [an_item(due=due, days=days)]}))
    assert f"    {told}\n" in page.text
    assert told.rstrip(".") in Tags(page.html).texts


def test_the_day_of_what_is_decided_first_is_in_the_colour_of_its_urgency() -> None:
    items = [an_item(1, **HELD, due=TODAY, days=0), an_item(2, **HELD, due=date(2026, 11, 24), days=1), an_item(3, **HELD)]
    html = a_page(a_digest({Section.DECIDE: items})).html
    assert ["late", "soon", "calm"] == re.findall(r'<summary class="(\w+)">Due ', html)


RECOUNTED = {"what": Duty.ANSWER, "system": "staff", "was": "2026-12-11", "now": "2026-12-14", "why": "calendar, pack kazger"}


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            Language.EN,
            "Counted anew (the calendar of working days changed, the policy or the law changed): was due 11.12.2026, now 14.12.2026.",
        ),
        (
            Language.RU,
            "Срок пересчитан (изменился календарь рабочих дней, изменились политика или закон): был 11.12.2026, теперь 14.12.2026.",
        ),
        (
            Language.KK,
            "Мерзім қайта есептелді (жұмыс күндерінің күнтізбесі өзгерді, саясат немесе заң өзгерді): 11.12.2026 болған, енді 14.12.2026.",
        ),
    ],
)
def test_a_due_date_that_was_moved_says_from_where_and_why(language: Language, told: str) -> None:
    page = a_page(a_digest({Section.DECIDE: [an_item(recounted=(RECOUNTED,))]}), language)
    assert told in " ".join(page.text.split())
    assert told.removesuffix(".") in Tags(page.html).texts


@pytest.mark.parametrize(
    "silent",
    [
        {**RECOUNTED, "what": Duty.BLOCK},  # not what is due first
        {**RECOUNTED, "system": "crm"},
        {**RECOUNTED, "why": "typed"},  # staff did it themselves
        {},  # its words were destroyed with the person
    ],
)
def test_a_due_date_that_moved_for_no_news_is_not_told(silent: dict[str, object]) -> None:
    page = a_page(a_digest({Section.DECIDE: [an_item(recounted=(silent,))]}))
    assert "anew" not in page.text


def test_what_is_owed_since_a_count_says_that_it_had_no_day() -> None:
    page = a_page(a_digest({Section.DECIDE: [an_item(recounted=({**RECOUNTED, "was": None, "why": "confirmed"},))]}))
    assert "Counted anew (the sender confirmed): was due –, now 14.12.2026." in " ".join(page.text.split())


@pytest.mark.parametrize(
    ("language", "title", "channel"),
    [
        (Language.EN, "Personal data breach", "entered by staff"),
        (Language.RU, "Нарушение безопасности персональных данных", "внесено сотрудником"),
        (Language.KK, "Дербес деректер қауіпсіздігінің бұзылуы", "қызметкер енгізді"),
    ],
)
def test_an_event_that_staff_entered_has_no_sender(language: Language, title: str, channel: str) -> None:
    item = an_item(type=None, event="breach", channel="staff", sender=None)
    assert f" 1. {title}\n    2026-00001-K, {channel}\n" in a_page(a_digest({Section.DECIDE: [item]}), language).text


def test_a_request_that_came_by_post_says_so_and_whose_it_is() -> None:
    items = [an_item(1, channel="post"), an_item(2, channel="phone", sender=None)]
    text = a_page(a_digest({Section.DECIDE: items})).text
    assert "    2026-00001-K, a…@e…e.com, by post\n" in text
    assert "    2026-00002-K, sender unknown, by phone\n" in text


def test_what_is_reminded_of_is_marked_beside_its_title_while_it_is_open() -> None:
    items = [an_item(1), an_item(2, is_new=True), an_item(3, state=State.CARRIED_OUT)]
    page = a_page(a_digest({Section.SOON: items}, reminders=dict.fromkeys((item.matter.reference for item in items), 1)))
    titles = ["1. Access to own data (reminder)", "2. Access to own data (new, reminder)", "3. Access to own data"]
    assert titles == [line.strip() for line in page.text.splitlines() if re.match(r" \d\. ", line)]
    assert ["reminder", "new", "reminder"] == re.findall(r'<span class="mark">(\w+)</span>', page.html)


def test_how_a_day_was_counted_opens_under_it() -> None:
    html = a_page(a_digest({Section.DECIDE: [an_item()]})).html
    inside = html.partition("<details")[2].partition("</details>")[0]
    assert [
        "Due Mon 14.12.2026, 15 working days left",
        "Counted: received Mon 23.11.2026, 15 working days",
        "received Mon 23 Nov 2026; 15 working days, not counting 6 weekend days -> Mon 14 Dec 2026, 23:59",
    ] == [text for text in Tags(f"<details{inside}").texts if text]


def test_only_what_stands_elsewhere_is_marked_as_new() -> None:
    new = an_item(is_new=True)
    assert ["DECIDE"] == [
        section.name for section in (Section.DECIDE, Section.NEW) if "data (new)" in a_page(a_digest({section: [new]})).text
    ]


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (
            {"reason": "It is asked for another person."},
            [
                "It is asked for another person; what shows the right to do so is missing "
                "(a power of attorney, a child's birth certificate).",
                "May be: anything.",
            ],
        ),
        ({"may_be": (RequestType.BLOCK,)}, ["The program is not sure what is asked.", "May be: blocking of data."]),
        ({"reason": "", "rule": "hold_doubtful_sender"}, ["It is not clear who the sender is.", "May be: anything."]),
        ({"reason": "of a later version", "rule": "too"}, ["The program is not sure what is asked.", "May be: anything."]),
        ({"may_be": tuple(RequestType)[:4]}, ["The program is not sure what is asked.", "May be: anything."]),
        ({"flags": ("no_letter_possible", "unheard_of")}, ["The sender cannot be written to and got no acknowledgement."]),
    ],
)
def test_a_held_message_comes_with_its_reason(facts: dict[str, Any], told: list[str]) -> None:
    text = " ".join(a_page(a_digest({Section.DECIDE: [an_item(**{**HELD, **facts})]})).text.split())
    assert [] == [sentence for sentence in told if f" {sentence} " not in text]


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"state": State.AWAITING_SENDER}, "Waiting for the sender's answer."),
        ({"promises": (a_promise(system="crm"),)}, "Waiting for the staff of other systems: crm."),
        (
            {"promises": (a_promise(system="crm"), a_promise(system="newsletter", due=date(2026, 12, 15)))},
            "Waiting for the staff of other systems: crm, newsletter.",
        ),
        ({"postponed_to": date(2026, 11, 30)}, "Postponed to Mon 30.11.2026."),
    ],
)
def test_what_waits_says_for_whom(facts: dict[str, Any], told: str) -> None:
    assert f"    {told}\n" in a_page(a_digest({Section.WAITING: [an_item(**facts)]})).text
