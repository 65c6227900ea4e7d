"""When staff are reminded of what is due, and when somebody else is told of what nobody has touched.

All days are the operator's, counted by his calendar; the steps are working days before the day that is due.
"""

from collections.abc import Collection
from datetime import date, timedelta
from enum import StrEnum

from rules.working_days import Calendar

ONE_DAY = timedelta(days=1)


class Told(StrEnum):
    """Whom a step tells that is no reminder in the daily digest.

    At once: the staff, of what is due before the next one; inquiry: the staff, of an inquiry that no mail server vouches for.
    """

    AT_ONCE = "at_once"
    DEPUTY = "deputy"
    ESCALATED = "escalated"
    INQUIRY = "inquiry"


def working_days_left(due: date, today: date, calendar: Calendar) -> int:
    """Return how many working days follow ``today`` until ``due``, that day included."""
    return sum(calendar.is_working_day(today + n * ONE_DAY) for n in range(1, (due - today).days + 1))


def steps_reached(due: date, today: date, steps: Collection[int], calendar: Calendar) -> list[int]:
    """Return the steps that were reached by ``today``, the nearest to the due date last; none of what is late, for that is said as such."""
    if today > due:
        return []
    left = working_days_left(due, today, calendar)
    return sorted((step for step in set(steps) if left <= step), reverse=True)


def last_working_day(due: date, calendar: Calendar) -> date:
    """Return the last day on which staff are at work before what is due has to be done."""
    return next(day for day in (due - n * ONE_DAY for n in range(366)) if calendar.is_working_day(day))


def is_last_chance(due: date, today: date, calendar: Calendar) -> bool:
    """Tell whether one working day is left, or none."""
    last = last_working_day(due, calendar)
    return today >= last or working_days_left(last, today, calendar) <= 1
