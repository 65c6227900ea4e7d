"""Two readers of the same law: the program's due dates against those of an oracle that shares nothing with it.

Where they disagree, the text decides which of the two is wrong; neither is bent to the other.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple, get_args
from zoneinfo import ZoneInfo

import pytest

from mailbot.policies import built_in_names, load_policy
from rules.deadlines import Deadlines
from rules.vocabulary import Event, RequestType
from rules.working_days import Calendar, Override
from tests.oracle.law import WEEKDAYS_OFF, Operator, Trigger, due, is_working_day, working_days

OPERATORS: tuple[Operator, ...] = get_args(Operator)
TRIGGERS: tuple[Trigger, ...] = get_args(Trigger)
ALMATY = ZoneInfo("Asia/Almaty")
ODD_TIMES = (time(0), time(12), time(23, 59))

# To the library of holidays Kurban Ait of 2026 is an estimate still. It was held on that day, and the file of moved days says so.
KURBAN_AIT = {date(2026, 5, 27): Override(is_working=False, order="Kurban Ait")}

VECTORS = """
    received       1 wd        3 wd        10 wd       15 wd
    2024-05-03     2024-05-04  2024-05-10  2024-05-21  2024-05-28
    2026-03-19     2026-03-20  2026-03-27  2026-04-07  2026-04-14
    2026-11-20     2026-11-23  2026-11-25  2026-12-04  2026-12-11
    2026-12-14     2026-12-15  2026-12-18  2026-12-29  2027-01-08
    2026-12-31     2027-01-05  2027-01-08  2027-01-19  2027-01-26
    2027-03-12     2027-03-16  2027-03-18  2027-04-01  2027-04-08
    2027-04-30     2027-05-04  2027-05-06  2027-05-19  2027-05-26
"""


@pytest.mark.parametrize("vector", VECTORS.strip().splitlines()[1:])
def test_the_oracle_ends_each_term_on_the_day_a_wall_calendar_shows(vector: str) -> None:
    received, *expected = map(date.fromisoformat, vector.split())
    last_minute = datetime.combine(received, time(23, 59), ALMATY)
    assert expected == [working_days(count)(last_minute) for count in (1, 3, 10, 15)]


def test_oracle_and_program_work_on_the_same_days() -> None:
    calendar = Calendar("KZ", KURBAN_AIT)
    assert [] == [day for day in days(min(WEEKDAYS_OFF), max(WEEKDAYS_OFF)) if is_working_day(day) != calendar.is_working_day(day)]


def test_no_day_is_off_to_the_program_alone_even_without_the_file_of_moved_days() -> None:
    """So without it too no due date is later than the oracle's."""
    calendar = Calendar("KZ")
    assert [] == [day for day in days(min(WEEKDAYS_OFF), max(WEEKDAYS_OFF)) if is_working_day(day) and not calendar.is_working_day(day)]


def test_oracle_and_program_know_the_same_operators_and_triggers() -> None:
    assert set(OPERATORS) == set(built_in_names())
    assert set(TRIGGERS) == {*RequestType, *Event}


@pytest.mark.parametrize("operator", OPERATORS)
def test_oracle_and_program_owe_the_same_duties_by_the_same_days_for_two_years(operator: Operator) -> None:
    program = Deadlines(load_policy(operator), Calendar("KZ", KURBAN_AIT), ALMATY)
    disagreements: dict[str, str] = {}
    for kind in (*RequestType, *Event):
        for moment in moments(2026, 2027):
            expected, actual = by_law(operator, kind.value, moment), by_program(program, kind, moment)
            for duty in expected.keys() | actual.keys():
                if expected.get(duty) != actual.get(duty):
                    reading = f"{kind} of {moment}, to {duty}: by law {expected.get(duty)}, by the program {actual.get(duty)}"
                    disagreements.setdefault(f"{kind}, to {duty}", reading)
    assert {} == disagreements, "\n".join(disagreements.values())


class Owed(NamedTuple):
    """By when a duty is owed, and the later days that other limits would have left."""

    day: date | None
    lost: frozenset[date]


def by_law(operator: Operator, trigger: Trigger, moment: datetime) -> dict[str, Owed]:
    return {duty: owed(each.day, (limit.day for limit in each.losing)) for duty, each in due(operator, trigger, moment, ALMATY).items()}


def by_program(program: Deadlines, kind: RequestType | Event, moment: datetime) -> dict[str, Owed]:
    return {
        each.duty.value: owed(each.due, (weighed.due.day for weighed in each.losing if weighed.due))
        for each in program.obligations(kind, moment)
    }


def owed(day: date | None, losing: Iterable[date | None]) -> Owed:
    """Leave out which of two limits for the same day comes first: that is a matter of display."""
    return Owed(day, frozenset(lost for lost in losing if lost and lost != day))


def moments(first_year: int, last_year: int) -> Iterator[datetime]:
    """Every day at odd times: midnight in Almaty is the evening before to the server."""
    for day in days(first_year, last_year):
        for time_of_day in ODD_TIMES:
            yield datetime.combine(day, time_of_day, ALMATY).astimezone(UTC)


def days(first_year: int, last_year: int) -> Iterator[date]:
    first = date(first_year, 1, 1)
    return (first + timedelta(days=number) for number in range((date(last_year + 1, 1, 1) - first).days))
