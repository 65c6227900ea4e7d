"""One digest a local day, whatever the clocks do (H99)."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.digest_days import day_due, moment_of
from rules.working_days import Calendar, Override

KAZAKHSTAN = Calendar("KZ")
ALMATY = ZoneInfo("Asia/Almaty")
NINE = time(9)
ONE_DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)

# Clocks set forward and back by an hour, by half an hour, at midnight, by a day; and never.
ZONES = [
    ZoneInfo(name)
    for name in (
        "Asia/Almaty",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Havana",
        "America/St_Johns",
        "Pacific/Apia",
        "UTC",
    )
]
zones = st.sampled_from(ZONES)
moments = st.datetimes(datetime(2005, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))
hours = st.times().map(lambda each: each.replace(second=0, microsecond=0))


def due(now: datetime, zone: tzinfo = ALMATY, at: time = NINE) -> date:
    found = day_due(now, zone, at, KAZAKHSTAN, working_only=False)
    assert found is not None
    return found


def working_day_due(now: datetime, calendar: Calendar = KAZAKHSTAN) -> date | None:
    return day_due(now, ALMATY, NINE, calendar, working_only=True)


@pytest.mark.parametrize(
    ("clock", "day"),
    [
        ("2026-11-23 08:59:59", date(2026, 11, 22)),
        ("2026-11-23 09:00:00", date(2026, 11, 23)),
        ("2026-11-23 23:59:59", date(2026, 11, 23)),
        ("2026-11-24 00:00:00", date(2026, 11, 23)),
    ],
)
def test_h99_a_day_is_due_from_its_hour_until_that_of_the_next_day(clock: str, day: date) -> None:
    assert day == due(datetime.fromisoformat(clock).replace(tzinfo=ALMATY))


def test_h99_after_days_of_sleep_only_the_newest_missed_day_is_due() -> None:
    assert date(2026, 11, 22) == due(datetime(2026, 11, 23, 8, tzinfo=ALMATY))
    assert date(2026, 12, 1) == due(datetime(2026, 12, 2, 8, tzinfo=ALMATY))


@given(moments, zones, hours)
def test_h99_the_day_that_is_due_has_had_its_moment_and_no_later_day_has(now: datetime, zone: tzinfo, at: time) -> None:
    day = due(now, zone, at)
    assert moment_of(day, zone, at) <= now
    assert all(moment_of(day + n * ONE_DAY, zone, at) > now for n in range(1, 5))


@given(moments, st.integers(0, 3 * 24 * 60), zones, hours)
def test_h99_no_later_moment_makes_an_earlier_day_due(now: datetime, minutes: int, zone: tzinfo, at: time) -> None:
    assert due(now, zone, at) <= due(now + minutes * MINUTE, zone, at)


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("at", [time(0), time(2, 30), time(9)], ids=str)
def test_h99_whoever_asks_every_half_hour_finds_each_day_once_and_in_order(zone: tzinfo, at: time) -> None:
    """In the autumn of 2011 Samoa left a day out."""
    half_hours = (datetime(2011, 9, 1, tzinfo=UTC) + n * 30 * MINUTE for n in range(125 * 48))
    asked = [day_due(each, zone, at, KAZAKHSTAN, working_only=False) for each in half_hours]
    days = [day for day, following in pairwise(asked) if day != following and day is not None]
    assert days == sorted(set(days))
    left_out = {date(2011, 12, 30)} if str(zone) == "Pacific/Apia" else set()
    assert left_out == {days[0] + n * ONE_DAY for n in range((days[-1] - days[0]).days)} - set(days)


def test_h99_the_hour_that_is_skipped_is_told_right_after_the_gap() -> None:
    berlin, at = ZoneInfo("Europe/Berlin"), time(2, 30)  # on 29 March 2026 two o'clock is three o'clock
    assert date(2026, 3, 28) == due(datetime(2026, 3, 29, 1, 29, tzinfo=UTC), berlin, at)
    assert date(2026, 3, 29) == due(datetime(2026, 3, 29, 1, 30, tzinfo=UTC), berlin, at)


def test_h99_of_the_hour_that_comes_twice_the_first_counts() -> None:
    berlin, at = ZoneInfo("Europe/Berlin"), time(2, 30)  # on 25 October 2026 three o'clock is two o'clock again
    assert date(2026, 10, 24) == due(datetime(2026, 10, 25, 0, 29, tzinfo=UTC), berlin, at)
    assert date(2026, 10, 25) == due(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), berlin, at)
    assert date(2026, 10, 25) == due(datetime(2026, 10, 25, 1, 29, tzinfo=UTC), berlin, at)


def test_h99_a_day_that_has_begun_stays_due_when_the_clocks_go_back_past_midnight() -> None:
    st_johns, midnight = ZoneInfo("America/St_Johns"), time(0)  # at 00:01 on 7 November 2010 it was 23:01 on the 6th again
    assert date(2010, 11, 7) == due(datetime(2010, 11, 7, 2, 30, tzinfo=UTC), st_johns, midnight)
    assert date(2010, 11, 7) == due(datetime(2010, 11, 7, 2, 31, tzinfo=UTC), st_johns, midnight)


def test_h99_a_clock_set_back_asks_for_a_day_that_was_told_already() -> None:
    told = due(datetime(2026, 11, 23, 9, 1, tzinfo=ALMATY))
    assert told == due(datetime(2026, 11, 23, 9, 0, tzinfo=ALMATY))
    assert told - ONE_DAY == due(datetime(2026, 11, 23, 8, 0, tzinfo=ALMATY))


@pytest.mark.parametrize(
    ("clock", "day"),
    [
        ("2026-11-20 10:00", date(2026, 11, 20)),  # a Friday
        ("2026-11-22 10:00", date(2026, 11, 20)),
        ("2026-11-23 08:00", date(2026, 11, 20)),
        ("2026-11-23 10:00", date(2026, 11, 23)),
        ("2026-12-16 10:00", date(2026, 12, 15)),  # Independence Day
    ],
)
def test_on_working_days_a_day_off_has_no_digest(clock: str, day: date) -> None:
    assert day == working_day_due(datetime.fromisoformat(clock).replace(tzinfo=ALMATY))


def test_a_day_that_was_moved_to_be_worked_has_its_digest() -> None:
    moved = Calendar("KZ", {date(2026, 11, 21): Override(is_working=True, order="No. 1")})
    assert date(2026, 11, 21) == working_day_due(datetime(2026, 11, 22, 10, tzinfo=ALMATY), moved)


@given(moments)
def test_on_working_days_the_newest_worked_day_is_due(now: datetime) -> None:
    day, any_day = working_day_due(now), due(now)
    assert day is not None
    assert KAZAKHSTAN.is_working_day(day)
    between = [day + n * ONE_DAY for n in range(1, (any_day - day).days + 1)]
    assert [] == [each for each in between if KAZAKHSTAN.is_working_day(each)]


def test_where_nothing_was_worked_for_ten_days_no_day_is_due() -> None:
    off = {date(2026, 11, 1) + n * ONE_DAY: Override(is_working=False, order="No. 1") for n in range(30)}
    assert date(2026, 10, 30) == working_day_due(datetime(2026, 11, 9, 10, tzinfo=ALMATY), Calendar("KZ", off))
    assert working_day_due(datetime(2026, 11, 12, 10, tzinfo=ALMATY), Calendar("KZ", off)) is None
