"""What law and policies make owed, place by place (``tests/law/obligations.toml``), and what becomes of it when several facts meet."""

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mailbot.policies import load_policy
from rules.deadlines import STAFF, TERM, Deadlines, Obligation, by_term, together
from rules.policy import Limit, Policy
from rules.vocabulary import Duty, Event, RequestType, SourceMark, Starts, Unit
from rules.working_days import Calendar

CASES = tomllib.loads((Path(__file__).parents[1] / "law" / "obligations.toml").read_text("utf-8"))["case"]
ALMATY = ZoneInfo("Asia/Almaty")
KAZAKHSTAN = Calendar("KZ")
FRIDAY = datetime(2026, 11, 20, 12, tzinfo=ALMATY)
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)
PARTIES = ("Bank JSC", "Printer LLP")


@cache
def policy(name: str) -> Policy:
    return load_policy(name)


def deadlines(policy: Policy, systems: tuple[str, ...] = ("mailbot",), told: tuple[str, ...] = PARTIES) -> Deadlines:
    return Deadlines(policy, KAZAKHSTAN, ALMATY, systems, told)


def trigger_named(name: str) -> RequestType | Event:
    return RequestType(name) if name in set(RequestType) else Event(name)


def spelled(owed: Obligation, row: dict[str, Any]) -> dict[str, Any]:
    """Write an obligation as its row of the table has it: what the row leaves out is not asked."""
    lost = sorted(f"{each.limit.cite}: {each.due.day if each.due else 'no number'}" for each in owed.losing)
    told = {"duty": owed.duty.value, "place": owed.system, "day": owed.due, "by": owed.source, "lost": lost, "mark": owed.mark}
    return {name: value for name, value in told.items() if name in row or (name == "lost" and value)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_law_and_policy_make_owed_what_the_table_says(case: dict[str, Any]) -> None:
    noon = datetime(case["on"].year, case["on"].month, case["on"].day, 12, tzinfo=ALMATY)
    found = deadlines(policy(case["operator"])).obligations(trigger_named(case["happened"]), noon)
    rows = [row | ({"lost": sorted(row["lost"])} if "lost" in row else {}) for row in case["owes"]]
    by_place = sorted(found, key=lambda owed: (owed.duty, owed.system))
    assert len(rows) == len(by_place)
    in_order = sorted(rows, key=lambda row: (row["duty"], row.get("place", "")))
    assert in_order == [spelled(owed, row) for owed, row in zip(by_place, in_order, strict=True)]


def test_every_obligation_says_what_it_follows_from_and_how_surely() -> None:
    for name in ("kazger", "technowomen"):
        for trigger in (*RequestType, *Event):
            for owed in deadlines(policy(name)).obligations(trigger, FRIDAY):
                assert (trigger, True) == (owed.trigger, owed.mark in set(SourceMark))


def test_third_parties_of_policy_and_configuration_are_told_once_each() -> None:
    own = replace(policy("technowomen"), third_parties=("Post", "Bank JSC"))
    owed = deadlines(own).obligations(RequestType.UPDATE, FRIDAY)
    assert ["Post", "Bank JSC", "Printer LLP"] == [each.system for each in owed if each.duty is Duty.NOTIFY_THIRD_PARTY]
    nobody = deadlines(policy("technowomen"), told=()).obligations(RequestType.UPDATE, FRIDAY)
    assert [STAFF] == [each.system for each in nobody if each.duty is Duty.NOTIFY_THIRD_PARTY]


# --- a clock that starts from the sender's word --------------------------------------------------------------------------


def confirmed_within(amount: int) -> Deadlines:
    """Count for an operator who answers within so many working days of the confirmation, whatever the law says."""
    promise = Limit(
        id="1", pack="example", clause="1", cite="clause 1", requests=frozenset({RequestType.ACCESS}), events=frozenset(),
        duties=(Duty.ANSWER,), amount=amount, unit=Unit.WORKING_DAYS, starts=Starts.CONFIRMATION, mark=SourceMark.TEXT, is_law=False,
    )  # fmt: skip
    law = replace(policy("kazger").law, limits=())
    return deadlines(replace(policy("kazger"), law=law, limits=(promise,)))


def test_until_the_sender_confirms_the_asking_has_the_day_and_the_duty_has_none() -> None:
    answer, ask = confirmed_within(1).obligations(RequestType.ACCESS, FRIDAY)
    assert ((Duty.ANSWER, None), (Duty.ASK_SENDER, MONDAY)) == ((answer.duty, answer.due), (ask.duty, ask.due))
    assert (Starts.RECEIPT, STAFF, "clause 1") == (ask.starts, ask.system, ask.source)


def test_once_the_sender_confirmed_the_duty_is_counted_from_then_and_nobody_is_to_be_asked() -> None:
    on_monday_in_almaty = datetime(2026, 11, 22, 20, tzinfo=UTC)
    [answer] = confirmed_within(1).obligations(RequestType.ACCESS, FRIDAY, on_monday_in_almaty)
    assert (TUESDAY, "confirmed Mon 23 Nov 2026; 1 working day -> Tue 24 Nov 2026, 23:59") == (answer.due, answer.arithmetic)


def test_what_one_sender_confirmed_is_not_counted_for_the_next() -> None:
    counting = confirmed_within(1)
    first = [counting.obligations(RequestType.ACCESS, FRIDAY, moment)[0].due for moment in (None, FRIDAY, None)]
    assert [None, MONDAY, None] == first


def test_a_limit_from_receipt_needs_no_word_of_the_sender() -> None:
    counting = deadlines(policy("kazger"))
    assert counting.obligations(RequestType.ACCESS, FRIDAY) == counting.obligations(RequestType.ACCESS, FRIDAY, FRIDAY)


# --- several facts ------------------------------------------------------------------------------------------------------


def facts(*triggers: tuple[RequestType | Event, datetime]) -> Iterator[Obligation]:
    counting = deadlines(policy("technowomen"))
    return (owed for trigger, at in triggers for owed in counting.obligations(trigger, at))


def of(duty: Duty, *owed: Obligation) -> Obligation:
    [found] = [each for each in together(owed) if each.duty is duty]
    return found


REVOKED, UNLAWFUL = (RequestType.REVOKE_CONSENT, FRIDAY), (Event.UNLAWFUL, FRIDAY)
ENDED, IMPOSSIBLE = (Event.PURPOSE_ENDED, FRIDAY), (Event.DESTRUCTION_IMPOSSIBLE, FRIDAY)


@pytest.mark.parametrize("order", list(permutations((REVOKED, UNLAWFUL, ENDED))))
def test_of_several_facts_the_earliest_day_governs_whichever_came_first(order: tuple[tuple[RequestType | Event, datetime], ...]) -> None:
    destroy = of(Duty.DESTROY, *facts(*order))
    assert (MONDAY, Event.UNLAWFUL) == (destroy.due, destroy.trigger)
    assert {date(2026, 12, 11), date(2026, 12, 5)} == {other.due for other in destroy.beside}


def test_what_waits_for_its_fact_does_not_govern_over_what_is_known() -> None:
    unblock = of(Duty.UNBLOCK, *facts((RequestType.UNBLOCK, FRIDAY), (Event.NO_BREACH_FOUND, FRIDAY)))
    assert (MONDAY, [None]) == (unblock.due, [other.due for other in unblock.beside])


@pytest.mark.parametrize("order", list(permutations((ENDED, IMPOSSIBLE))))
def test_who_cannot_destroy_has_six_months_and_the_first_day_stays_visible(order: tuple[tuple[Event, datetime], ...]) -> None:
    destroy = of(Duty.DESTROY, *facts(*order))
    assert (date(2027, 5, 20), [date(2026, 12, 5)]) == (destroy.due, [other.due for other in destroy.beside])


@pytest.mark.parametrize("order", list(permutations((ENDED, IMPOSSIBLE, REVOKED))))
def test_six_months_never_pass_over_a_day_of_the_law(order: tuple[tuple[RequestType | Event, datetime], ...]) -> None:
    assert date(2026, 12, 11) == of(Duty.DESTROY, *facts(*order)).due


@pytest.mark.parametrize(("days_ago", "day"), [(15, date(2026, 11, 20)), (20, date(2026, 11, 15)), (12, MONDAY), (1, MONDAY)])
def test_the_block_in_its_place_is_never_later_than_the_destruction_was(days_ago: int, day: date) -> None:
    block = of(Duty.BLOCK, *facts((Event.PURPOSE_ENDED, FRIDAY - timedelta(days=days_ago)), IMPOSSIBLE))
    assert day == block.due
    assert (day < MONDAY) == block.arithmetic.startswith("in place of the destruction, by its day -> ")


def test_the_block_keeps_its_own_day_where_the_destruction_has_none_yet() -> None:
    [block] = (each for each in facts(IMPOSSIBLE) if each.duty is Duty.BLOCK)
    waiting = replace(block, duty=Duty.DESTROY, due=None, trigger=RequestType.DESTROY)
    assert block == of(Duty.BLOCK, block, waiting)


def test_what_was_put_together_stays_as_it_is() -> None:
    once = together(facts(REVOKED, UNLAWFUL, ENDED))
    assert once == together(once)


def test_a_term_of_the_authority_governs_where_it_is_earlier() -> None:
    inquiry = deadlines(policy("kazger")).obligations(RequestType.AUTHORITY_INQUIRY, FRIDAY)
    days = [of(Duty.ANSWER, *inquiry, by_term(day)).due for day in (date(2026, 11, 25), date(2026, 12, 25))]
    assert [date(2026, 11, 25), date(2026, 11, 30)] == days
    words = "the term that stands in the authority's letter -> Mon 23 Nov 2026, 23:59"
    term = Obligation(Duty.ANSWER, STAFF, "Term of the authority", "", "", Starts.RECEIPT, MONDAY, words, trigger=TERM)
    assert term == by_term(MONDAY)
