"""Promises beside the statute, and the warnings that follow."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import holidays
import pytest

from rules.pack_text import read_law, read_policy
from rules.policy import Law, Limit, Policy
from rules.promises import Comparison, Governs, Relation, Trigger, compare, in_words, longest, shortest, warnings_of
from rules.vocabulary import Duty, Event, RequestType, SourceMark, Starts, Unit

PACKS = Path(__file__).parents[2] / "rules" / "packs"
OPERATORS = ("kazger", "medico-intech", "technowomen", "wadjet")
TODAY = date(2026, 11, 20)


def law(name: str = "kz-94v") -> Law:
    return read_law((PACKS / f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml")


def policy(name: str) -> Policy:
    return read_policy((PACKS / f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml", law)


def limit(amount: int | None, unit: str | None, starts: Starts = Starts.RECEIPT) -> Limit:
    return Limit(
        id="x",
        pack="example",
        clause="1.1",
        cite="Policy clause 1.1",
        requests=frozenset({RequestType.ACCESS}),
        events=frozenset(),
        duties=(Duty.ANSWER,),
        amount=amount,
        unit=Unit(unit) if unit else None,
        starts=starts,
        mark=SourceMark.TEXT,
        is_law=False,
    )


def statute(amount: int | None, unit: str | None, starts: Starts = Starts.RECEIPT) -> Limit:
    return replace(limit(amount, unit, starts), pack="law", is_law=True)


@pytest.mark.parametrize(
    ("promise", "beside", "relation", "governs"),
    [
        (limit(1, "working_days"), statute(1, "working_days"), Relation.EQUAL, Governs.BOTH),
        (limit(2, "working_days"), statute(3, "working_days"), Relation.STRICTER, Governs.POLICY),
        (limit(5, "working_days"), statute(3, "working_days"), Relation.LOOSER, Governs.STATUTE),
        (limit(15, "calendar_days"), statute(3, "working_days"), Relation.LOOSER, Governs.STATUTE),
        (limit(15, "calendar_days"), statute(15, "working_days"), Relation.STRICTER, Governs.POLICY),
        (limit(5, "calendar_days"), statute(3, "working_days"), Relation.LOOSER, Governs.BOTH),
        (limit(16, "calendar_days"), statute(15, "calendar_days"), Relation.LOOSER, Governs.BOTH),
        (limit(30, "calendar_days"), statute(15, "calendar_days"), Relation.LOOSER, Governs.STATUTE),
        (limit(1, "months"), statute(15, "calendar_days"), Relation.LOOSER, Governs.STATUTE),
        (limit(0, "at_once"), statute(48, "hours"), Relation.STRICTER, Governs.POLICY),
        (limit(0, "at_once"), statute(1, "hours"), Relation.STRICTER, Governs.POLICY),
        (limit(72, "hours"), statute(48, "hours"), Relation.LOOSER, Governs.STATUTE),
        (limit(2, "calendar_days"), statute(48, "hours"), Relation.LOOSER, Governs.STATUTE),
        (limit(24, "hours"), statute(1, "working_days"), Relation.STRICTER, Governs.POLICY),
        (limit(1, "working_days", Starts.CONFIRMATION), statute(1, "working_days"), Relation.LOOSER, Governs.STATUTE),
        (limit(10, "calendar_days"), statute(None, None), Relation.STRICTER, Governs.POLICY),
        (limit(None, None), statute(3, "working_days"), Relation.SILENT, Governs.STATUTE),
        (limit(10, "calendar_days"), None, Relation.STRICTER, Governs.POLICY),
        (None, statute(3, "working_days"), Relation.SILENT, Governs.STATUTE),
    ],
)
def test_the_earliest_limit_governs(promise: Limit | None, beside: Limit | None, relation: Relation, governs: Governs) -> None:
    row = Comparison(RequestType.ACCESS, Duty.ANSWER, promise, beside)
    assert (relation, governs) == (row.relation, row.governs)


def test_working_days_never_last_longer_than_is_assumed() -> None:
    """Otherwise a promise could be called stricter than a statute that ends before it in some year."""
    calendar = holidays.country_holidays("KZ", years=range(2023, 2034))
    for amount in (1, 2, 3, 5, 10, 15, 30):
        counted = limit(amount, "working_days")
        for start in (date(2023, 12, 1) + timedelta(days=number) for number in range(0, 3300)):
            day, worked = start, 0
            while worked < amount:
                day += timedelta(days=1)
                worked += calendar.is_working_day(day)
            assert shortest(counted) <= (day - start).days <= longest(counted)


@pytest.mark.parametrize(
    ("amount", "unit", "words"),
    [
        (1, "working_days", "1 working day"),
        (15, "calendar_days", "15 calendar days"),
        (6, "months", "6 months"),
        (48, "hours", "48 hours"),
        (0, "at_once", "at once"),
        (None, None, "no number"),
    ],
)
def test_a_limit_is_said_in_words(amount: int | None, unit: str | None, words: str) -> None:
    assert words == in_words(limit(amount, unit))


def row(name: str, trigger: Trigger, duty: Duty, clause: str | None) -> Comparison:
    rows = [entry for entry in compare(policy(name), TODAY) if (entry.trigger, entry.duty) == (trigger, duty)]
    return next(entry for entry in rows if (entry.promise.clause if entry.promise else None) == clause)


@pytest.mark.parametrize(
    ("name", "trigger", "duty", "clause", "beside", "relation", "governs"),
    [
        ("kazger", RequestType.UPDATE, Duty.AMEND, "8.3", "L4", "silent", "statute"),
        ("kazger", RequestType.OPT_OUT, Duty.STOP_MESSAGES, "4.1", "L15", "stricter", "policy"),
        ("kazger", RequestType.AUTHORITY_INQUIRY, Duty.ANSWER, "3.2", "L13", "stricter", "policy"),
        ("wadjet", RequestType.OPT_OUT, Duty.STOP_MESSAGES, None, "L15", "silent", "statute"),
        ("medico-intech", RequestType.REVOKE_CONSENT, Duty.STOP_PROCESSING, "8.4", "L1", "silent", "statute"),
        ("medico-intech", RequestType.RESTRICT_TRANSFER, Duty.STOP_TRANSFER, "8.2", "L1-transfer", "silent", "statute"),
        ("technowomen", RequestType.UPDATE, Duty.AMEND, "9.3", "L4", "equal", "both"),
        ("technowomen", RequestType.UPDATE, Duty.NOTIFY_PERSON, "9.4", None, "stricter", "policy"),
        ("technowomen", RequestType.ACCESS, Duty.ANSWER, "9.1", "L3", "looser", "statute"),
        ("technowomen", RequestType.DESTROY, Duty.DESTROY, "9.4", "L8", "stricter", "policy"),
        ("technowomen", RequestType.REVOKE_CONSENT, Duty.DESTROY, "6.1", "L1", "silent", "statute"),
        ("technowomen", Event.UNLAWFUL, Duty.STOP_PROCESSING, "9.6", "L7", "looser", "statute"),
        ("technowomen", Event.DESTRUCTION_IMPOSSIBLE, Duty.BLOCK, "9.8", "L5", "silent", "policy"),
        ("technowomen", Event.DESTRUCTION_IMPOSSIBLE, Duty.DESTROY, "9.8", "L7", "looser", "policy"),
        ("kazger", Event.PURPOSE_ENDED, Duty.DESTROY, "5.7", "L8-ended", "silent", "statute"),
    ],
)
def test_a_promise_stands_beside_its_statute(
    name: str, trigger: Trigger, duty: Duty, clause: str | None, beside: str | None, relation: str, governs: str
) -> None:
    found = row(name, trigger, duty, clause)
    assert (beside, relation, governs) == (found.statute.id if found.statute else None, found.relation, found.governs)


def test_a_limit_of_law_for_another_fact_is_a_measure_and_does_not_govern() -> None:
    """No text of the law is about the end of a purpose; clause 9.7 is measured against destruction of unlawful data."""
    found = row("technowomen", Event.PURPOSE_ENDED, Duty.DESTROY, "9.7")
    assert ("L7", Relation.LOOSER, Governs.POLICY) == (found.statute.id if found.statute else None, found.relation, found.governs)


@pytest.mark.parametrize("name", OPERATORS)
def test_every_limit_of_the_law_and_every_promise_is_shown(name: str) -> None:
    rows, read = compare(policy(name), TODAY), policy(name)
    assert {entry.id for entry in read.limits} == {entry.promise.id for entry in rows if entry.promise}
    assert set() == {entry.id for entry in read.law.limits} - {entry.statute.id for entry in rows if entry.statute}


def test_a_limit_of_the_law_stands_alone_only_where_the_policy_promises_nothing() -> None:
    alone = {entry.statute.id for entry in compare(policy("kazger"), TODAY) if entry.statute and not entry.promise}
    assert {"L6", "L7", "L9", "L10", "L11", "L12", "L14"} == alone


# Warnings


def clauses_warned(name: str, code: str) -> list[str | None]:
    return [warning.clause for warning in warnings_of(policy(name), TODAY) if warning.code == code]


def test_each_looser_promise_of_technowomen_is_warned_of() -> None:
    assert ["9.1", "9.6", "9.7", "9.8"] == clauses_warned("technowomen", "looser")


@pytest.mark.parametrize("name", ["kazger", "medico-intech", "wadjet"])
def test_the_template_promises_nothing_looser_than_the_statute(name: str) -> None:
    assert [] == clauses_warned(name, "looser")


def test_a_promise_without_a_number_is_warned_of_with_the_article_that_applies() -> None:
    texts = [warning.text for warning in warnings_of(policy("kazger"), TODAY) if warning.code == "silent"]
    statute_says = "the statute's limit is 15 working days: Law 94-V art. 8(7) (text)"
    assert f"clauses 8.2, 8.6: no number to stop transfer (restrict transfer); {statute_says}" in texts
    assert ["8.3", "8.4", "3.1", "3.2", "4.1", "4.1", "8.2", "12.1", "5.7"] == clauses_warned("kazger", "silent")


def test_a_clause_without_a_number_beside_one_with_a_number_is_not_silent() -> None:
    """Clause 9.2 only adds "free of charge" to the 15 days of 9.1."""
    assert "9.2" not in clauses_warned("technowomen", "silent")


def test_the_overlapping_clauses_of_technowomen_are_warned_of() -> None:
    texts = [warning.text.removesuffix(" can bind for the same fact") for warning in warnings_of(policy("technowomen"), TODAY)]
    pairs = [text for text in texts if text.startswith("clauses 9")]
    assert [
        "clauses 9.4 (1 working day) and 9.6 (3 working days)",
        "clauses 9.4 (1 working day) and 9.7 (15 calendar days)",
        "clauses 9.4 (1 working day) and 9.8 (6 months)",
    ] == pairs


@pytest.mark.parametrize("name", ["kazger", "medico-intech", "wadjet"])
def test_different_numbers_for_different_facts_do_not_overlap(name: str) -> None:
    assert [] == clauses_warned(name, "overlapping_limits")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("kazger", {"no_breach_clause": None, "cross_border_notice": "10.1", "version_unknown": None}),
        (
            "medico-intech",
            {
                "no_opt_out": None,
                "no_breach_clause": None,
                "cross_border_notice": "10.1",
                "federal_law": "5.7",
                "versions_differ": None,
                "version_unknown": None,
            },
        ),
        (
            "technowomen",
            {
                "no_opt_out": "3.2.4",
                "no_breach_clause": None,
                "narrower_form": "4.5",
                "replaced_law": "3.1",
                "inbox_abroad": None,
                "version_unknown": None,
            },
        ),
        (
            "wadjet",
            {"no_opt_out": None, "no_breach_clause": None, "cross_border_notice": "10.1", "federal_law": "5.7", "version_unknown": None},
        ),
    ],
)
def test_a_policy_is_warned_of_what_its_text_says_or_leaves_out(name: str, expected: dict[str, str | None]) -> None:
    found = {warning.code: warning.clause for warning in warnings_of(policy(name), TODAY)}
    assert expected == {code: clause for code, clause in found.items() if code not in {"looser", "silent", "overlapping_limits"}}


def test_an_inbox_abroad_matters_only_where_the_law_keeps_data_at_home() -> None:
    elsewhere = replace(policy("technowomen"), law=replace(law(), country="KG"))
    assert "inbox_abroad" not in {warning.code for warning in warnings_of(elsewhere, TODAY)}


def test_a_mended_policy_has_fewer_warnings() -> None:
    before = policy("technowomen")
    opt_out = replace(limit(1, "working_days"), requests=frozenset({RequestType.OPT_OUT}), duties=(Duty.STOP_MESSAGES,))
    breach = replace(limit(1, "working_days"), requests=frozenset(), events=frozenset({Event.BREACH}), duties=(Duty.NOTIFY_AUTHORITY,))
    mended = replace(
        before,
        inboxes=("info@example.com",),
        limits=(*before.limits, opt_out, breach),
        clauses={**before.clauses, RequestType.OPT_OUT: ("1.1",)},
        in_force_from=TODAY,
        source_url="https://example.com/policy",
        sha256="0" * 64,
    )
    codes = [Counter(warning.code for warning in warnings_of(each, TODAY)) for each in (before, mended)]
    assert {"no_opt_out", "no_breach_clause", "inbox_abroad", "version_unknown"} == set(codes[0] - codes[1])
