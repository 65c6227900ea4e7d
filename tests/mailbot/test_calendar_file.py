"""The due dates as a calendar file, read here as strictly as RFC 5545 allows."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailbot.calendar_file import LONGEST_LINE, MOST_EVENTS, folded
from mailbot.desk import Desk
from mailbot.digest import queue_digest
from mailbot.digest_words import Section
from rules.vocabulary import Language, RequestType, State
from tests.mailbot.digest_room import HELD, NOW, a_digest, a_page, an_item, an_order, only_digest, read
from tests.mailbot.register_room import arrive, office, open_desk

PROPERTY = re.compile(r"([A-Z-]+)((?:;[A-Z-]+=[^;:,\"\x00-\x1f]+)*):([^\x00-\x08\x0a-\x1f\x7f]*)")
ONCE = {"UID", "DTSTAMP", "SEQUENCE", "DTSTART;VALUE=DATE", "SUMMARY", "TRANSP"}


def unfolded(calendar: str) -> list[str]:
    """Return the lines of a calendar file; no part of one may be longer than 75 octets."""
    assert calendar.endswith("\n")
    parts = calendar.removesuffix("\n").split("\n")
    assert LONGEST_LINE >= max(len(part.encode()) for part in parts)
    assert not parts[0].startswith(" ")
    return re.sub("\n ", "", "\n".join(parts)).split("\n")


def unescaped(value: str) -> str:
    """Return a text as it was meant; what must be escaped and is not is a mistake."""
    assert not re.search(r"(?<!\\)(?:\\\\)*(?:[;,]|\\(?![\\;,nN]))", value)
    return re.sub(r"\\([\\;,])", r"\1", value)


def events(calendar: str) -> list[dict[str, str]]:
    """Read a calendar file: what does not follow the grammar, stands twice or is missing is a mistake."""
    lines = unfolded(calendar)
    assert ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//mailbot//digest//EN", "METHOD:PUBLISH"] == lines[:4]
    assert "END:VCALENDAR" == lines[-1]
    found: list[dict[str, str]] = []
    for event in "\n".join(lines[4:-1]).removeprefix("BEGIN:VEVENT\n").removesuffix("\nEND:VEVENT").split("\nEND:VEVENT\nBEGIN:VEVENT\n"):
        properties = [match for line in event.split("\n") if (match := PROPERTY.fullmatch(line))]
        assert len(event.split("\n")) == len(properties) == len(ONCE)
        found.append({match[1] + match[2]: match[3] for match in properties})
        assert set(found[-1]) == ONCE
    return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Return a desk at which it is nine on Monday, 23 November."""
    with open_desk(office(tmp_path), NOW) as desk:
        yield desk


@pytest.mark.parametrize(
    ("language", "summary"),
    [
        (Language.EN, "Access to own data: 2026-00001-K"),
        (Language.RU, "Доступ к своим данным: 2026-00001-K"),
        (Language.KK, "Өз деректерін сұрау: 2026-00001-K"),
    ],
)
def test_a_due_date_is_a_whole_day_that_names_the_request_and_nobody(language: Language, summary: str) -> None:
    page = a_page(a_digest({Section.DECIDE: [an_item()]}), language, show_senders=True)
    assert [
        {
            "UID": "2026-00001-K@alit.kz",
            "DTSTAMP": "20261123T040000Z",
            "SEQUENCE": str(date(2026, 11, 23).toordinal()),
            "DTSTART;VALUE=DATE": "20261214",
            "SUMMARY": summary,
            "TRANSP": "TRANSPARENT",
        }
    ] == events(page.calendar)


def test_a_day_that_moved_keeps_its_name_and_grows_in_number_so_that_calendars_replace_it() -> None:
    earlier, later = (
        events(a_page(a_digest({Section.DECIDE: [an_item(due=due)]}, now=now)).calendar)[0]
        for due, now in ((date(2026, 12, 14), NOW), (date(2026, 12, 15), NOW + timedelta(days=1)))
    )
    assert earlier["UID"] == later["UID"]
    assert int(earlier["SEQUENCE"]) < int(later["SEQUENCE"])
    assert ["20261214", "20261215"] == [each["DTSTART;VALUE=DATE"] for each in (earlier, later)]


def test_every_open_request_with_a_due_date_is_in_it_the_first_due_first() -> None:
    items = {
        Section.NEW: [an_item(1, state=State.CARRIED_OUT)],
        Section.WAITING: [an_item(2, due=None), an_item(3, state=State.AWAITING_SENDER)],
        Section.OVERDUE: [an_item(4, due=date(2026, 11, 20))],
        Section.DECIDE: [an_item(5, **HELD, due=date(2026, 11, 30))],
    }
    named = [each["UID"].partition("@")[0] for each in events(a_page(a_digest(items)).calendar)]
    assert ["2026-00004-K", "2026-00005-K", "2026-00003-K"] == named


def test_of_very_many_the_first_due_are_in_it() -> None:
    items = [an_item(n, due=date(2026, 12, 1) + timedelta(days=n)) for n in range(100)]
    dated = events(a_page(a_digest({Section.DECIDE: items[::-1]})).calendar)
    assert [f"2026-{n:05d}-K@alit.kz" for n in range(MOST_EVENTS)] == [each["UID"] for each in dated]


def test_where_nothing_is_due_there_is_no_calendar() -> None:
    assert "" == a_page(a_digest({Section.NEW: [an_item(state=State.CARRIED_OUT)]})).calendar


def test_h102_what_would_break_the_file_is_escaped() -> None:
    event = an_item(event="a;b,c\\d\r\nBEGIN:VALARM\u202e", sender=None)
    (found,) = events(a_page(a_digest({Section.DECIDE: [event]})).calendar)
    assert "a;b,c\\d‹000D›‹000A›BEGIN:VALARM‹202E›: 2026-00001-K" == unescaped(found["SUMMARY"])


@example("a" * 76)
@example("a" + "ә" * 80)
@example("ab" + "€" * 80)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=300))
def test_a_folded_line_is_short_everywhere_and_the_same_when_unfolded(line: str) -> None:
    parts = folded(line).split("\n")
    assert LONGEST_LINE >= max(len(part.encode()) for part in parts)
    assert line == "".join([parts[0], *(part.removeprefix(" ") for part in parts[1:])])
    assert all(part.startswith(" ") for part in parts[1:])


def test_the_digest_brings_its_calendar_along_beside_both_forms(desk: Desk) -> None:
    arrive(desk, RequestType.ACCESS)
    queue_digest(desk, an_order(), NOW)
    both, calendar = read(only_digest(desk).content).iter_parts()
    assert "multipart/alternative" == both.get_content_type()
    assert ("text/calendar", "PUBLISH", "utf-8", "mailbot.ics") == (
        calendar.get_content_type(),
        calendar.get_param("method"),
        calendar.get_content_charset(),
        calendar.get_filename(),
    )
    octets = calendar.get_payload(decode=True)
    assert isinstance(octets, bytes)
    assert octets.count(b"\n") == octets.count(b"\r\n") == len(octets.decode().split("\r\n")) - 1
    (event,) = events(octets.decode().replace("\r\n", "\n"))
    assert "20261126" == event["DTSTART;VALUE=DATE"]


def test_a_digest_without_due_dates_brings_no_calendar(desk: Desk) -> None:
    queue_digest(desk, an_order(), NOW)
    message = read(only_digest(desk).content)
    assert ["multipart/alternative", "text/plain", "text/html"] == [part.get_content_type() for part in message.walk()]
