"""The calendar of Kazakhstan, and the administrator's list of days that orders moved."""

import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from rules.working_days import WEEKEND, Calendar, CalendarMistakes, Override, read_overrides

LAW = tomllib.loads((Path(__file__).parents[1] / "law" / "days.toml").read_text("utf-8"))
KAZAKHSTAN = Calendar("KZ")


@pytest.mark.parametrize("row", LAW["day"], ids=lambda row: f"{row['date']} is {row['is']}")
def test_a_day_is_worked_or_off_as_the_law_says(row: dict[str, Any]) -> None:
    assert row["is"] == ("worked" if KAZAKHSTAN.is_working_day(row["date"]) else "off")


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (date(2026, 11, 21), WEEKEND),
        (date(2026, 3, 22), WEEKEND),
        (date(2026, 3, 25), "Nowruz Holiday (observed)"),
        (date(2024, 5, 8), "Day off (moved from 2024-05-04)"),
        (date(2026, 11, 20), None),
        (date(2024, 5, 4), None),
    ],
)
def test_a_day_off_has_a_reason(day: date, reason: str | None) -> None:
    assert reason == KAZAKHSTAN.why_off(day)


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (date(2024, 5, 4), "a moved working day"),
        (date(2026, 5, 27), "Eid al-Adha (estimated)"),
        (date(2027, 5, 16), None),  # an estimated holiday on a Sunday changes nothing
        (date(2026, 11, 20), None),
    ],
)
def test_a_day_worked_against_expectation_has_a_reason(day: date, reason: str | None) -> None:
    assert reason == KAZAKHSTAN.why_worked(day)


def test_an_order_takes_a_working_day_away() -> None:
    monday = date(2026, 5, 4)
    calendar = Calendar("KZ", {monday: Override(is_working=False, order="No. 123")})
    assert (True, False) == (KAZAKHSTAN.is_working_day(monday), calendar.is_working_day(monday))
    assert "off by order No. 123" == calendar.why_off(monday)


def test_an_order_makes_a_saturday_worked() -> None:
    saturday = date(2026, 5, 16)
    calendar = Calendar("KZ", {saturday: Override(is_working=True, order="No. 123")})
    assert (False, True) == (KAZAKHSTAN.is_working_day(saturday), calendar.is_working_day(saturday))
    assert "worked by order No. 123" == calendar.why_worked(saturday)


def test_an_order_has_the_last_word_over_a_moved_day_and_an_estimate() -> None:
    off = {day: Override(is_working=False, order="No. 1") for day in (date(2024, 5, 4), date(2026, 5, 27))}
    calendar = Calendar("KZ", off)
    assert ["off by order No. 1"] * 2 == [calendar.why_off(day) for day in off]
    assert [None, None] == [calendar.why_worked(day) for day in off]


def test_an_order_of_one_day_touches_no_other() -> None:
    calendar = Calendar("KZ", {date(2026, 5, 4): Override(is_working=False, order="No. 1")})
    others = [date(2026, 5, day) for day in range(1, 32) if day != 4] + [date(2027, 5, 4)]
    assert [KAZAKHSTAN.why_off(day) for day in others] == [calendar.why_off(day) for day in others]


def test_the_last_year_of_known_transfers_is_told() -> None:
    assert KAZAKHSTAN.last_known_year is not None
    assert KAZAKHSTAN.last_known_year >= 2025


def test_a_country_without_a_calendar_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match='"XX"'):
        Calendar("XX")


def test_the_library_of_holidays_is_not_loaded_before_a_day_is_asked_for() -> None:
    question = "import sys, rules.working_days; print('holidays' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", question], cwd=Path(__file__).parents[2], check=True, capture_output=True, text=True)
    assert "False" == answer.stdout.strip()


def test_a_calendar_loads_one_country_and_not_the_250_that_the_library_has() -> None:
    question = "import sys; from rules.working_days import Calendar; Calendar('KZ'); print('holidays.countries' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", question], cwd=Path(__file__).parents[2], check=True, capture_output=True, text=True)
    assert "False" == answer.stdout.strip()


def test_the_list_of_moved_days_is_read() -> None:
    text = """
        # the Ministry's order
        2026-05-04 = { day = "off", order = "No. 123 of 15 April 2026" }
        "2026-05-16" = { day = "working", order = " No. 123 of 15 April 2026 " }
    """
    order = "No. 123 of 15 April 2026"
    assert {date(2026, 5, 4): Override(False, order), date(2026, 5, 16): Override(True, order)} == read_overrides(text, "days.toml")


def test_an_empty_list_moves_nothing() -> None:
    assert {} == read_overrides("", "days.toml")


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert [date(2026, 5, 4)] == list(read_overrides('\ufeff2026-05-04 = { day = "off", order = "No. 1" }', "days.toml"))


@pytest.mark.parametrize(
    ("line", "cure"),
    [
        ('2026-02-30 = { day = "off", order = "No. 1" }', "write year-month-day"),
        ('20260504 = { day = "off", order = "No. 1" }', "write year-month-day"),
        ('"2026-W19-1" = { day = "off", order = "No. 1" }', "write year-month-day"),
        ('"4.05.2026" = { day = "off", order = "No. 1" }', "write year-month-day"),
        ('2026-05-04 = "off"', 'write 2026-05-04 = { day = "off"'),
        ('2026-05-04 = { day = "of", order = "No. 1" }', 'write day = "off" or day = "working"'),
        ('2026-05-04 = { day = ["off"], order = "No. 1" }', 'write day = "off" or day = "working"'),
        ('2026-05-04 = { day = false, order = "No. 1" }', 'write day = "off" or day = "working"'),
        ('2026-05-04 = { order = "No. 1" }', 'write day = "off" or day = "working"'),
        ('2026-05-04 = { day = "off" }', "write order ="),
        ('2026-05-04 = { day = "off", order = " " }', "write order ="),
        ('2026-05-04 = { day = "off", order = 123 }', "write order ="),
        ('2026-05-04 = { day = "off", order = "No. 1", until = 2026-05-05 }', 'only "day" and "order" are known'),
    ],
)
def test_a_mistake_is_named_with_its_file_its_key_and_its_cure(line: str, cure: str) -> None:
    with pytest.raises(CalendarMistakes) as caught:
        read_overrides(line, "days.toml")
    [mistake] = caught.value.mistakes
    key = line.partition(" =")[0].strip('"')
    assert mistake.startswith(f'days.toml: "{key}" ')
    assert cure in mistake


def test_every_mistake_is_told_at_once() -> None:
    text = '2026-02-30 = { day = "of" }\n2026-05-04 = { day = "off" }\n2026-05-05 = { day = "off", order = "No. 1" }'
    with pytest.raises(CalendarMistakes) as caught:
        read_overrides(text, "days.toml")
    assert ["2026-02-30", "2026-02-30", "2026-02-30", "2026-05-04"] == [mistake.split('"')[1] for mistake in caught.value.mistakes]


@pytest.mark.parametrize("text", ["2026-05-04", "2026-05-04 = {}\n2026-05-04 = {}"])
def test_a_list_that_is_not_toml_is_told_with_its_line(text: str) -> None:
    with pytest.raises(CalendarMistakes, match=r"days\.toml: not TOML: .*write a line a day"):
        read_overrides(text, "days.toml")
