"""When staff are reminded, and which day is their last chance: counted by the calendar of Kazakhstan."""

from datetime import date, timedelta

import pytest

from rules.reminders import is_last_chance, last_working_day, steps_reached, working_days_left
from rules.working_days import Calendar

KZ = Calendar("KZ")
DUE = date(2026, 11, 25)  # a Wednesday


@pytest.mark.parametrize(
    ("today", "left"),
    [("2026-11-20", 3), ("2026-11-21", 3), ("2026-11-23", 2), ("2026-11-24", 1), ("2026-11-25", 0), ("2026-11-26", 0)],
)
def test_working_days_are_left_after_today_and_with_the_last(today: str, left: int) -> None:
    assert left == working_days_left(DUE, date.fromisoformat(today), KZ)


@pytest.mark.parametrize(
    ("today", "steps"),
    [("2026-11-18", []), ("2026-11-20", [3]), ("2026-11-23", [3]), ("2026-11-24", [3, 1]), ("2026-11-25", [3, 1]), ("2026-11-26", [])],
)
def test_h100_a_step_that_was_missed_is_still_reached_until_it_is_late(today: str, steps: list[int]) -> None:
    assert steps == steps_reached(DUE, date.fromisoformat(today), (1, 3), KZ)


@pytest.mark.parametrize(
    ("due", "last"),
    [("2026-11-25", "2026-11-25"), ("2026-11-29", "2026-11-27"), ("2026-12-16", "2026-12-15"), ("2027-01-03", "2026-12-31")],
)
def test_the_last_working_day_lies_before_days_off(due: str, last: str) -> None:
    assert date.fromisoformat(last) == last_working_day(date.fromisoformat(due), KZ)


@pytest.mark.parametrize(
    ("due", "first"),
    [("2026-11-25", "2026-11-24"), ("2026-11-23", "2026-11-20"), ("2026-11-29", "2026-11-26"), ("2027-01-05", "2026-12-31")],
)
def test_the_last_chance_begins_one_working_day_before(due: str, first: str) -> None:
    begins, ends = date.fromisoformat(first), date.fromisoformat(due)
    assert not is_last_chance(ends, begins - timedelta(days=1), KZ)
    assert all(is_last_chance(ends, begins + timedelta(days=n), KZ) for n in range((ends - begins).days + 3))
