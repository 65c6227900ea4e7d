"""By when each promise must be kept: the cases of ``tests/law/days.toml``, what always holds, and which promise governs."""

import tomllib
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.deadlines import STAFF, Deadlines, Due, Obligation, day_of, due, earliest_due
from rules.policy import Law, Limit, Policy
from rules.vocabulary import Duty, Event, Language, RequestType, SourceMark, Starts, Unit
from rules.working_days import Calendar, Override

VECTORS = tomllib.loads((Path(__file__).parents[1] / "law" / "days.toml").read_text("utf-8"))
ALMATY = ZoneInfo("Asia/Almaty")
KAZAKHSTAN = Calendar("KZ")
FRIDAY = datetime(2026, 11, 20, 12, tzinfo=ALMATY)


def limit(
    amount: int | None,
    unit: Unit | None = Unit.WORKING_DAYS,
    *duties: Duty,
    name: str = "",
    trigger: RequestType | Event = RequestType.DESTROY,
    starts: Starts = Starts.RECEIPT,
    in_force_from: date | None = None,
) -> Limit:
    """Make a limit of the statute, or of the policy where ``name`` is a clause ("9.4") and no article."""
    is_law = not name or name.startswith("art")
    return Limit(
        id=name or "L1",
        pack="kz-94v" if is_law else "example",
        clause=name,
        cite=f"Law 94-V {name}" if is_law else f"clause {name}",
        requests=frozenset({trigger} if isinstance(trigger, RequestType) else ()),
        events=frozenset({trigger} if isinstance(trigger, Event) else ()),
        duties=duties or (Duty.ANSWER,),
        amount=amount,
        unit=unit,
        starts=starts,
        mark=SourceMark.TEXT,
        is_law=is_law,
        in_force_from=in_force_from,
    )


def deadlines(*limits: Limit, systems: tuple[str, ...] = ("mailbot",)) -> Deadlines:
    """Count for an operator whose policy and law hold just ``limits``."""
    law = Law(name="kz-94v", title="Law 94-V", country="KZ", limits=tuple(each for each in limits if each.is_law), articles={})
    policy = Policy(
        name="example",
        law=law,
        operator={Language.EN: "Example"},
        inboxes=("info@example.com",),
        languages=(Language.EN,),
        marks=(),
        limits=tuple(each for each in limits if not each.is_law),
        clauses={},
        data_held=(),
        purposes=(),
        third_parties=(),
        in_force_from=None,
        source_url="https://example.com/privacy",
        sha256="",
        version="1",
    )
    return Deadlines(policy, KAZAKHSTAN, ALMATY, systems)


def counted(each: Limit, received: datetime, calendar: Calendar = KAZAKHSTAN) -> Due:
    """Count a limit that has an amount."""
    result = due(each, received, calendar, ALMATY)
    assert result is not None
    return result


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=ALMATY)


def only(obligations: Iterable[Obligation]) -> Obligation:
    [obligation] = obligations
    return obligation


WORKING_DAYS = [(row["received"], amount, row[str(amount)]) for row in VECTORS["working_days"] for amount in (1, 3, 10, 15)]


@pytest.mark.parametrize(("received", "amount", "last"), WORKING_DAYS)
def test_h100_working_days_are_counted_as_the_law_counts_them(received: date, amount: int, last: date) -> None:
    assert last == counted(limit(amount), noon(received)).day


ENDS = [(Unit(unit), row) for unit in ("calendar_days", "months") for row in VECTORS[unit]]


@pytest.mark.parametrize(("unit", "row"), ENDS, ids=lambda part: str(part["received"]) if isinstance(part, dict) else None)
def test_a_statute_moves_off_a_day_off_and_a_policys_promise_does_not(unit: Unit, row: dict[str, Any]) -> None:
    law, own = (limit(row["amount"], unit, name=name) for name in ("art. 41", "9.1"))
    assert (row["statute"], row["policy"]) == (counted(law, noon(row["received"])).day, counted(own, noon(row["received"])).day)


@pytest.mark.parametrize("row", VECTORS["hours"], ids=lambda row: str(row["received"]))
def test_hours_end_with_the_last_whole_day_inside_them(row: dict[str, Any]) -> None:
    assert row["last"] == counted(limit(row["amount"], Unit.HOURS), row["received"]).day


def test_hours_are_real_hours_when_the_clocks_go_back() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    saturday = datetime(2026, 10, 24, tzinfo=berlin)  # 48 hours end on Sunday at 23:00
    result = due(limit(48, Unit.HOURS), saturday, KAZAKHSTAN, berlin)
    assert result is not None
    assert date(2026, 10, 24) == result.day


@pytest.mark.parametrize("row", VECTORS["receipt"], ids=lambda row: str(row["moment"]))
def test_h100_the_day_of_receipt_is_the_operators(row: dict[str, Any]) -> None:
    assert row["day"] == day_of(row["moment"], ALMATY)


def test_a_minute_around_midnight_in_almaty_moves_the_due_date() -> None:
    before = datetime(2026, 11, 20, 18, 59, 59, tzinfo=UTC)
    assert date(2026, 11, 23) == counted(limit(1), before).day
    assert date(2026, 11, 24) == counted(limit(1), before + timedelta(days=2, seconds=1)).day


def test_a_moment_without_a_zone_belongs_to_no_day() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        day_of(datetime(2026, 11, 20, 12), ALMATY)


def test_at_once_is_the_day_of_receipt_even_on_a_sunday() -> None:
    assert date(2026, 11, 22) == counted(limit(None, Unit.AT_ONCE), noon(date(2026, 11, 22))).day


def test_a_promise_without_an_amount_has_no_due_date_of_its_own() -> None:
    assert due(limit(None, None), FRIDAY, KAZAKHSTAN, ALMATY) is None


def test_an_amount_without_a_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="without a unit"):
        due(limit(1, None), FRIDAY, KAZAKHSTAN, ALMATY)


@pytest.mark.parametrize("row", VECTORS["in_words"], ids=lambda row: str(row["received"]))
def test_the_arithmetic_can_be_checked_by_hand(row: dict[str, Any]) -> None:
    name = {"statute": "art. 25", "policy": "9.1"}[row["of"]]
    each = limit(row.get("amount"), Unit(row["unit"]), name=name, starts=Starts(row["starts"]))
    assert row["words"] == counted(each, row["received"]).arithmetic


def test_the_arithmetic_names_every_order_that_moved_a_day() -> None:
    orders = {date(2026, 11, 23): Override(False, "No. 7"), date(2026, 11, 28): Override(True, "No. 8")}
    counting = counted(limit(5), FRIDAY, Calendar("KZ", orders))
    assert date(2026, 11, 28) == counting.day
    assert (
        "received Fri 20 Nov 2026; 5 working days, not counting 2 weekend days, Mon 23 Nov 2026 (off by order No. 7),"
        " counting Sat 28 Nov 2026 (worked by order No. 8) -> Sat 28 Nov 2026, 23:59"
    ) == counting.arithmetic


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))
AMOUNTS = st.integers(0, 60)
NUMBERED = st.sampled_from([unit for unit in Unit if unit is not Unit.AT_ONCE])
CLAUSES = st.sampled_from(["", "9.1"])


@given(MOMENTS, AMOUNTS, st.sampled_from(Unit), CLAUSES)
def test_nothing_is_due_before_it_is_received(received: datetime, amount: int, unit: Unit, name: str) -> None:
    assert counted(limit(amount, unit, name=name), received).day >= day_of(received, ALMATY)


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=40)), AMOUNTS, st.sampled_from(Unit), CLAUSES)
def test_what_is_received_later_is_not_due_earlier(received: datetime, later: timedelta, amount: int, unit: Unit, name: str) -> None:
    each = limit(amount, unit, name=name)
    assert counted(each, received).day <= counted(each, received + later).day


@given(MOMENTS, AMOUNTS, AMOUNTS, NUMBERED, CLAUSES)
def test_a_longer_limit_is_not_due_earlier(received: datetime, amount: int, more: int, unit: Unit, name: str) -> None:
    assert counted(limit(amount, unit, name=name), received).day <= counted(limit(amount + more, unit, name=name), received).day


PLAIN = holidays.country_holidays("KZ", years=range(2019, 2037))


@given(MOMENTS, st.integers(1, 40))
def test_working_days_never_end_later_than_by_the_plain_calendar(received: datetime, amount: int) -> None:
    ahead = (day_of(received, ALMATY) + timedelta(days=n) for n in range(1, 200))
    worked = [day for day in ahead if PLAIN.is_working_day(day)]  # here an estimated holiday is a holiday
    assert counted(limit(amount), received).day <= worked[amount - 1]


@given(MOMENTS, AMOUNTS)
def test_calendar_days_never_end_later_than_by_the_plain_calendar(received: datetime, amount: int) -> None:
    ahead = (day_of(received, ALMATY) + timedelta(days=n) for n in range(amount, amount + 30))
    assert counted(limit(amount, Unit.CALENDAR_DAYS), received).day <= next(day for day in ahead if PLAIN.is_working_day(day))


@given(MOMENTS, st.integers(1, 20_000))
def test_the_last_whole_day_ends_within_the_hours(received: datetime, amount: int) -> None:
    last = counted(limit(amount, Unit.HOURS), received).day
    midnight = datetime(last.year, last.month, last.day, tzinfo=ALMATY) + timedelta(days=1)
    assert last == day_of(received, ALMATY) or midnight.astimezone(UTC) <= received + timedelta(hours=amount)


@given(MOMENTS, st.integers(1, 40), st.integers(1, 60))
def test_an_order_postpones_by_a_day_off_and_hastens_by_a_day_worked(received: datetime, amount: int, ahead: int) -> None:
    moved = day_of(received, ALMATY) + timedelta(days=ahead)
    off, worked = (Calendar("KZ", {moved: Override(is_working, "No. 1")}) for is_working in (False, True))
    first, second = (counted(limit(amount), received, calendar).day for calendar in (worked, off))
    assert first <= counted(limit(amount), received).day <= second
    assert (first < second) == (moved <= counted(limit(amount), received).day)


def test_the_earliest_limit_governs_and_a_looser_promise_stays_visible() -> None:
    law, promise = limit(3, name="art. 25", trigger=RequestType.ACCESS), limit(15, name="9.1", trigger=RequestType.ACCESS)
    answer = only(deadlines(law, promise).obligations(RequestType.ACCESS, FRIDAY))
    assert ("Law 94-V art. 25", "art. 25", date(2026, 11, 25)) == (answer.source, answer.clause, answer.due)
    assert [(promise, date(2026, 12, 11))] == [(lost.limit, lost.due.day) for lost in answer.losing if lost.due]


def test_a_stricter_promise_of_the_policy_governs() -> None:
    answer = only(deadlines(limit(15, name="art. 8(7)"), limit(1, name="9.4")).obligations(RequestType.DESTROY, FRIDAY))
    assert ("clause 9.4", date(2026, 11, 23)) == (answer.source, answer.due)
    assert ["art. 8(7)"] == [lost.limit.id for lost in answer.losing]


def test_of_equal_limits_the_policys_own_clause_is_named() -> None:
    answer = only(deadlines(limit(1, name="art. 24"), limit(1, name="9.3")).obligations(RequestType.DESTROY, FRIDAY))
    assert ("clause 9.3", "9.3", "9.3") == (answer.source, answer.clause, answer.limit_id)
    assert ["art. 24"] == [lost.limit.id for lost in answer.losing]


def test_a_promise_without_a_number_takes_the_statutes() -> None:
    answer = only(deadlines(limit(15, name="art. 8(7)"), limit(None, None, name="8.4")).obligations(RequestType.DESTROY, FRIDAY))
    assert ("clause 8.4; Law 94-V art. 8(7)", "8.4", "art. 8(7)") == (answer.source, answer.clause, answer.limit_id)
    assert (date(2026, 12, 11), ()) == (answer.due, answer.losing)


def test_a_duty_that_only_the_policy_knows_is_due_with_the_statutes_first_limit() -> None:
    counter = deadlines(
        limit(15, Unit.WORKING_DAYS, Duty.STOP_PROCESSING, name="art. 8(7)"),
        limit(3, Unit.WORKING_DAYS, Duty.ANSWER, name="art. 25"),
        limit(None, None, Duty.DESTROY, name="4.5"),
    )
    destroy = next(owed for owed in counter.obligations(RequestType.DESTROY, FRIDAY) if owed.duty is Duty.DESTROY)
    assert ("clause 4.5; Law 94-V art. 25", "4.5", date(2026, 11, 25)) == (destroy.source, destroy.clause, destroy.due)
    assert destroy.arithmetic.startswith("no number of its own, so the first limit of the statute: received Fri 20 Nov 2026;")


def test_a_duty_that_the_statute_knows_without_a_number_takes_the_statutes_first_limit() -> None:
    counter = deadlines(limit(15, Unit.WORKING_DAYS, Duty.DESTROY, name="art. 8(7)"), limit(None, None, Duty.NOTIFY_PERSON, name="art. 25"))
    notice = next(owed for owed in counter.obligations(RequestType.DESTROY, FRIDAY) if owed.duty is Duty.NOTIFY_PERSON)
    assert ("Law 94-V art. 25; Law 94-V art. 8(7)", date(2026, 12, 11)) == (notice.source, notice.due)


def test_a_duty_that_the_policy_numbers_borrows_nothing() -> None:
    counter = deadlines(
        limit(1, Unit.WORKING_DAYS, Duty.DESTROY, name="art. 18"),
        limit(15, Unit.WORKING_DAYS, Duty.NOTIFY_PERSON, name="9.4"),
    )
    notice = next(owed for owed in counter.obligations(RequestType.DESTROY, FRIDAY) if owed.duty is Duty.NOTIFY_PERSON)
    assert ("clause 9.4", date(2026, 12, 11)) == (notice.source, notice.due)


def test_a_promise_without_a_number_borrows_from_the_statute_and_not_from_the_policy() -> None:
    counter = deadlines(
        limit(15, Unit.WORKING_DAYS, Duty.STOP_PROCESSING, name="art. 8(7)"),
        limit(3, Unit.WORKING_DAYS, Duty.ANSWER, name="9.1"),
        limit(None, None, Duty.DESTROY, name="4.5"),
    )
    destroy = next(owed for owed in counter.obligations(RequestType.DESTROY, FRIDAY) if owed.duty is Duty.DESTROY)
    assert date(2026, 12, 11) == destroy.due


def test_months_that_end_in_a_leap_year_end_on_its_29_february() -> None:
    assert date(2028, 2, 29) == counted(limit(6, Unit.MONTHS, name="9.1"), noon(date(2027, 8, 31))).day


def test_where_nobody_names_a_number_there_is_no_due_date_and_that_is_said() -> None:
    answer = only(deadlines(limit(None, None, name="art. 25(2)(3-1)")).obligations(RequestType.DESTROY, FRIDAY))
    assert (None, "Law 94-V art. 25(2)(3-1) names no number") == (answer.due, answer.arithmetic)


def test_of_an_event_that_the_statute_does_not_know_it_lends_its_number_for_the_same_duty_counted_from_there() -> None:
    promise = limit(None, None, Duty.DESTROY, name="4.5", trigger=Event.PURPOSE_ENDED, starts=Starts.PURPOSE_END)
    statute = limit(15, Unit.WORKING_DAYS, Duty.DESTROY, name="art. 18", in_force_from=date(2026, 11, 21))
    saturday = datetime(2026, 11, 20, 20, tzinfo=UTC)
    destroy = only(deadlines(promise, statute).obligations(Event.PURPOSE_ENDED, saturday))
    assert (date(2026, 12, 11), "Law 94-V art. 18") == (destroy.due, destroy.statute)
    assert destroy.arithmetic.startswith("no number of its own, so the first limit of the statute: purpose ended Sat 21 Nov 2026;")


def test_of_a_request_that_the_statute_does_not_know_it_lends_nothing() -> None:
    promise = limit(None, None, Duty.DESTROY, name="4.5", trigger=RequestType.OPT_OUT)
    destroy = only(deadlines(promise, limit(15, Unit.WORKING_DAYS, Duty.DESTROY)).obligations(RequestType.OPT_OUT, FRIDAY))
    assert (None, "") == (destroy.due, destroy.statute)


def test_a_policys_number_governs_where_the_statute_has_none() -> None:
    own = limit(10, Unit.CALENDAR_DAYS, name="3.2")
    answer = only(deadlines(limit(None, None, name="art. 25"), own).obligations(RequestType.DESTROY, FRIDAY))
    assert ("clause 3.2", date(2026, 11, 30), "") == (answer.source, answer.due, answer.statute)
    assert [("art. 25", None)] == [(lost.limit.id, lost.due) for lost in answer.losing]


def test_a_request_does_not_start_a_limit_that_counts_from_a_finding() -> None:
    counter = deadlines(limit(1, Unit.WORKING_DAYS, Duty.UNBLOCK, name="art. 25", starts=Starts.FINDING))
    unblock = only(counter.obligations(RequestType.DESTROY, FRIDAY))
    assert (None, "counted from the finding, not yet known") == (unblock.due, unblock.arithmetic)
    assert Starts.FINDING is unblock.starts


def test_a_limit_that_is_known_governs_one_that_waits() -> None:
    waiting = limit(1, name="art. 18", starts=Starts.FINDING)
    answer = only(deadlines(waiting, limit(15, Unit.CALENDAR_DAYS, name="art. 41")).obligations(RequestType.DESTROY, FRIDAY))
    assert date(2026, 12, 7) == answer.due
    assert [(waiting, None)] == [(lost.limit, lost.due) for lost in answer.losing]


def test_of_two_limits_that_wait_the_stricter_governs() -> None:
    own, law = limit(3, name="9.6", starts=Starts.FINDING), limit(1, name="art. 25", starts=Starts.FINDING)
    answer = only(deadlines(own, law).obligations(RequestType.DESTROY, FRIDAY))
    assert (None, "art. 25", [own]) == (answer.due, answer.limit_id, [lost.limit for lost in answer.losing])


def test_an_event_is_the_fact_that_its_limit_counts_from() -> None:
    breach = limit(1, Unit.WORKING_DAYS, Duty.NOTIFY_AUTHORITY, trigger=Event.BREACH, starts=Starts.FINDING)
    notice = only(deadlines(breach).obligations(Event.BREACH, FRIDAY))
    assert (date(2026, 11, 23), "staff") == (notice.due, notice.system)
    assert notice.arithmetic.startswith("found Fri 20 Nov 2026;")


def test_what_touches_stored_data_is_owed_in_every_system_and_the_rest_by_staff() -> None:
    counter = deadlines(limit(15, Unit.WORKING_DAYS, Duty.DESTROY, Duty.ANSWER), systems=("mailbot", "crm"))
    owed = [(each.duty, each.system) for each in counter.obligations(RequestType.DESTROY, FRIDAY)]
    assert [(Duty.DESTROY, "mailbot"), (Duty.DESTROY, "crm"), (Duty.ANSWER, "staff")] == owed


def test_each_duty_that_touches_what_is_stored_is_owed_wherever_that_is_stored() -> None:
    stored = {"stop_messages", "stop_processing", "stop_transfer", "amend", "block", "unblock", "destroy", "remove_from_source"}
    owed = deadlines(limit(15, Unit.WORKING_DAYS, *Duty), systems=("crm",)).obligations(RequestType.DESTROY, FRIDAY)
    assert stored == {each.duty for each in owed if each.system == "crm"}


@pytest.mark.parametrize("duty", Duty)
def test_who_must_have_destroyed_by_a_day_must_have_stopped_and_blocked_by_then(duty: Duty) -> None:
    counter = deadlines(limit(15, Unit.WORKING_DAYS, Duty.DESTROY), limit(20, Unit.WORKING_DAYS, duty, name="9.4"))
    owed = next(each for each in counter.obligations(RequestType.DESTROY, FRIDAY) if each.duty is duty)
    ends = duty in {Duty.DESTROY, Duty.STOP_PROCESSING, Duty.BLOCK}
    assert (date(2026, 12, 11) if ends else date(2026, 12, 21)) == owed.due


@pytest.mark.parametrize(
    ("starts", "happened", "waits_for"),
    [
        (Starts.CONFIRMATION, "confirmed", "confirmation"),
        (Starts.FINDING, "found", "finding"),
        (Starts.TRANSFER, "transferred", "transfer"),
        (Starts.PURPOSE_END, "purpose ended", "end of the purpose"),
    ],
)
def test_what_a_limit_counts_from_is_said_in_words(starts: Starts, happened: str, waits_for: str) -> None:
    begun = only(deadlines(limit(1, trigger=Event.BREACH, starts=starts)).obligations(Event.BREACH, FRIDAY))
    assert begun.arithmetic.startswith(f"{happened} Fri 20 Nov 2026;")
    waiting = limit(1, trigger=RequestType.DESTROY, starts=starts)
    answer = next(each for each in deadlines(waiting).obligations(RequestType.DESTROY, FRIDAY) if each.duty is Duty.ANSWER)
    assert f"counted from the {waits_for}, not yet known" == answer.arithmetic


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (1, "1 calendar day to Sat 21 Nov 2026, moved on, not counting 2 weekend days -> Mon 23 Nov 2026, 23:59"),
        (2, "2 calendar days to Sun 22 Nov 2026, moved on, not counting 1 weekend day -> Mon 23 Nov 2026, 23:59"),
        (3, "3 calendar days -> Mon 23 Nov 2026, 23:59"),
    ],
)
def test_it_is_said_whether_the_end_of_a_period_moved(amount: int, words: str) -> None:
    assert f"received Fri 20 Nov 2026; {words}" == counted(limit(amount, Unit.CALENDAR_DAYS), FRIDAY).arithmetic


def test_days_are_spelled_alike_in_every_locale() -> None:
    first = [due(limit(None, Unit.AT_ONCE), noon(date(2026, month, month)), KAZAKHSTAN, ALMATY) for month in range(1, 13)]
    assert [
        *("Thu 1 Jan", "Mon 2 Feb", "Tue 3 Mar", "Sat 4 Apr", "Tue 5 May", "Sat 6 Jun"),
        *("Tue 7 Jul", "Sat 8 Aug", "Wed 9 Sep", "Sat 10 Oct", "Wed 11 Nov", "Sat 12 Dec"),
    ] == [each.arithmetic.removeprefix("received ").partition(" 2026;")[0] for each in first if each]
    week = [counted(limit(0, Unit.CALENDAR_DAYS, name="9.1"), noon(date(2026, 11, day))).arithmetic for day in range(16, 23)]
    assert ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] == [each.removeprefix("received ")[:3] for each in week]


def test_an_operator_without_any_system_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one system"):
        deadlines(systems=())


def test_a_limit_binds_from_its_first_day_in_the_operators_zone() -> None:
    counter = deadlines(limit(15, in_force_from=date(2026, 1, 18)))
    midnight = datetime(2026, 1, 17, 19, tzinfo=UTC)
    assert () == counter.obligations(RequestType.DESTROY, midnight - timedelta(seconds=1))
    assert date(2026, 2, 6) == only(counter.obligations(RequestType.DESTROY, midnight)).due


def test_hours_are_counted_from_the_moment_and_not_from_another_of_the_same_day() -> None:
    counter = deadlines(limit(36, Unit.HOURS))
    noon_due, morning_due = (only(counter.obligations(RequestType.DESTROY, FRIDAY.replace(hour=hour))).due for hour in (12, 11))
    assert (date(2026, 11, 21), date(2026, 11, 20)) == (noon_due, morning_due)


def test_what_was_counted_for_a_day_is_not_counted_again() -> None:
    counter = deadlines(limit(1))
    first = counter.obligations(RequestType.DESTROY, FRIDAY)
    assert first is counter.obligations(RequestType.DESTROY, FRIDAY + timedelta(minutes=1))
    assert first is counter.obligations(RequestType.DESTROY, FRIDAY, FRIDAY)


def test_days_are_counted_anew_for_another_day() -> None:
    counter = deadlines(limit(1))
    owed = [only(counter.obligations(RequestType.DESTROY, FRIDAY + timedelta(days=n))).due for n in (0, 0, 3)]
    assert [date(2026, 11, 23), date(2026, 11, 23), date(2026, 11, 24)] == owed


def test_the_earliest_due_date_passes_over_what_has_none() -> None:
    counter = deadlines(
        limit(15, Unit.WORKING_DAYS, Duty.DESTROY),
        limit(3, Unit.WORKING_DAYS, Duty.ANSWER),
        limit(1, Unit.WORKING_DAYS, Duty.UNBLOCK, starts=Starts.FINDING),
    )
    assert date(2026, 11, 25) == earliest_due(counter.obligations(RequestType.DESTROY, FRIDAY))
    assert earliest_due([]) is None


ACCESS = limit(3, name="art. 25", trigger=RequestType.ACCESS)
REVOCATION = limit(15, Unit.WORKING_DAYS, Duty.DESTROY, name="art. 8(7)", trigger=RequestType.REVOKE_CONSENT)


@pytest.mark.parametrize(
    ("may_be", "type_", "last"),
    [
        ((RequestType.REVOKE_CONSENT, RequestType.ACCESS), RequestType.ACCESS, date(2026, 11, 25)),
        ((RequestType.REVOKE_CONSENT,), RequestType.REVOKE_CONSENT, date(2026, 12, 11)),
        ((), RequestType.ACCESS, date(2026, 11, 25)),
    ],
)
def test_a_message_in_doubt_is_answered_by_the_first_limit_of_anything_it_may_be(
    may_be: tuple[RequestType, ...], type_: RequestType, last: date
) -> None:
    answer = deadlines(ACCESS, REVOCATION).for_doubt(may_be, FRIDAY)
    assert (Duty.ANSWER, "staff", last) == (answer.duty, answer.system, answer.due)
    assert answer.arithmetic.startswith(f"may be {type_}: received Fri 20 Nov 2026;")
    assert answer.trigger is None


def test_a_doubt_without_any_limit_is_still_an_answer_owed() -> None:
    said = "no limit is known for anything it may be"
    answer = deadlines(ACCESS).for_doubt((RequestType.QUESTION,), FRIDAY)
    assert Obligation(Duty.ANSWER, STAFF, "", "", "", Starts.RECEIPT, None, said) == answer
