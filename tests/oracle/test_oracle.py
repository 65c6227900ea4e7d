"""Two readers of the same law: the program's due dates against those of an oracle that shares nothing with it.

Where they disagree, the text decides which of the two is wrong; neither is bent to the other.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from mailbot.policies import built_in_names, load_policy
from rules.deadlines import Deadlines
from rules.vocabulary import Event, RequestType
from rules.working_days import Calendar
from tests.oracle.law import WEEKDAYS_OFF, Operator, Trigger, due, working_days

OPERATORS: tuple[Operator, ...] = get_args(Operator)
TRIGGERS: tuple[Trigger, ...] = get_args(Trigger)
ALMATY = ZoneInfo("Asia/Almaty")
TIMES_OF_DAY = (time(0), time(12), time(23, 59))  # in UTC the evening before, and the same day
YEARS = (date(2026, 1, 1), date(2027, 12, 31))

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
def test_the_oracle_counts_working_days_as_the_wall_calendar_does(vector: str) -> None:
    received, *expected = map(date.fromisoformat, vector.split())
    last_minute = datetime.combine(received, time(23, 59), ALMATY)
    assert expected == [working_days(count)(last_minute) for count in (1, 3, 10, 15)]


def test_every_day_off_the_oracle_writes_out_is_a_day_of_the_working_week() -> None:
    written = [date.fromisoformat(f"{year}-{day}") for year, days in WEEKDAYS_OFF.items() for day in days.split()]
    assert [] == [day for day in written if day.weekday() > 4]


def test_oracle_and_program_know_the_same_operators_and_triggers() -> None:
    assert set(OPERATORS) == set(built_in_names())
    assert set(TRIGGERS) == {*RequestType, *Event}


@pytest.mark.parametrize("operator", OPERATORS)
def test_oracle_and_program_agree_on_every_duty_of_every_day_of_two_years(operator: Operator) -> None:
    program = Deadlines(load_policy(operator), Calendar("KZ"), ALMATY)
    disagreements: dict[Trigger, str] = {}
    for trigger in known(TRIGGERS):
        for moment in moments():
            expected = {str(duty): verdict.day for duty, verdict in due(operator, trigger, moment, ALMATY).items()}
            actual = {str(owed.duty): owed.due for owed in program.obligations(kind_of(trigger), moment) if owed.due}
            if expected != actual:
                disagreements.setdefault(trigger, f"{moment}: the law says {spelled(expected)}, the program {spelled(actual)}")
    assert {} == disagreements
