"""A year of each operator: whatever comes, nothing is late by mailbot's own fault, and an independent reading of the law agrees.

``MAILBOT_YEAR=756`` lets so many requests and events come to each operator, 3,000 in all, in some minutes. The usual run lets a few come
in the same year, and leaves out WADJET, whose promises are Medico-Intech's.
"""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, get_args

import pytest
from sqlalchemy import Row, Table, select

from mailbot.escalating import AT_ONCE_TURNS
from rules.life import OPEN
from rules.reminders import Told
from rules.vocabulary import Duty, RequestType, State
from storage import confirmations
from storage.tables import events, letters, obligations, reminders, requests
from storage.verification import verify
from tests.oracle.law import Operator
from tests.scenarios.year import ENDS, Year
from tests.scenarios.year_expected import ZONE, local
from tests.scenarios.year_machine import DEPUTY, OFFICER, RELAY_AWAY

OPERATORS: tuple[Operator, ...] = get_args(Operator)
ENTRIES = int(os.environ.get("MAILBOT_YEAR", "36"))
IN_SHORT: tuple[Operator, ...] = ("technowomen", "kazger", "medico-intech")
WITH_DIGESTS_ON_WORKING_DAYS = ("kazger", "technowomen")


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """Return a folder that need not wait for a disk at each of some ten thousand commits, where the machine has one."""
    shared = Path("/dev/shm")
    with TemporaryDirectory(dir=shared if shared.is_dir() else tmp_path) as folder:
        yield Path(folder)


@pytest.mark.parametrize("operator", OPERATORS if "MAILBOT_YEAR" in os.environ else IN_SHORT)
def test_nothing_is_late_in_a_year(operator: Operator, memory: Path) -> None:
    year = Year(operator, memory, Random(operator), ENTRIES, operator in WITH_DIGESTS_ON_WORKING_DAYS)
    try:
        year.live()
        assert {} == {what: found for what, found in faults(year).items() if found}
    finally:
        year.machine.close()


def faults(year: Year) -> dict[str, object]:
    """Return all that is not as it should be, by what it is."""
    return {
        "a digest too many": digests_sent(year) - digests_expected(year),
        "a digest too few": digests_expected(year) - digests_sent(year),
        "another day than the oracle's": [
            row for row in rows(year, obligations) if row.due != year.machine.due[row.reference, row.what, row.system]
        ],
        "late by nobody's fault": [row for row, why in late(year) if not why],
        "open at the end": [row.reference for row in rows(year, requests) if row.state in OPEN and row.due and row.due <= ENDS],
        "without a day that the law gives": [row.reference for row in rows(year, requests) if not row.due and has_day(year, row.reference)],
        "not done at once": not_at_once(year),
        "a step too many": [*(steps_told(year).items() - year.expected.steps.items())],
        "a step too few": [*(year.expected.steps.items() - steps_told(year).items())],
        "told twice": [line for line, times in lines_of_steps(year).items() if times > 1],
        "a chain that does not hold": chain_faults(year),
        "a letter too many": letters_too_many(year),
        "a letter that waited": letters_that_waited(year),
        "refused to staff": [*year.refused],
    }


def rows(year: Year, table: Table) -> list[Row[Any]]:
    with year.machine.desk.database.read() as tx:
        return list(tx.execute(select(table)))


# --- digests and steps -------------------------------------------------------------------------------------------------
def digests_sent(year: Year) -> Counter[tuple[date, str]]:
    """Count the daily digests by day and reader; what a deputy gets besides is no daily one."""
    daily = [row for row in rows(year, letters) if row.kind == "digest" and row.cause.startswith("digest ")]
    return Counter(_day_and_reader(year, row) for row in daily)


def _day_and_reader(year: Year, letter: Row[Any]) -> tuple[date, str]:
    readers = {year.machine.desk.keys.of_address(each).hex()[:16]: each for each in (OFFICER, DEPUTY)}
    _, day, reader = letter.cause.split()
    return date.fromisoformat(day), readers[reader]


def digests_expected(year: Year) -> Counter[tuple[date, str]]:
    days = year.expected.digests
    return Counter([(day, OFFICER) for day in days] + [(day, DEPUTY) for day in days if year.expected.deputy_reads(day)])


def steps_told(year: Year) -> dict[tuple[str, date, str], datetime]:
    """Return who was told of which day and when; what only counts the letters at once is left out."""
    of_letters = {Told.INQUIRY, *AT_ONCE_TURNS}
    return {(row.reference, row.due, row.step): row.at for row in rows(year, reminders) if row.step not in of_letters}


def lines_of_steps(year: Year) -> Counter[tuple[str, str, str]]:
    """Count what the history says of reminders, deputy and escalation."""
    lines = [row for row in rows(year, events) if row.what in ("reminded", "deputy", "escalated") and row.salt]  # the others are emptied
    return Counter((row.reference, row.what, str(sorted(row.detail.items()))) for row in lines)


# --- late, and why -----------------------------------------------------------------------------------------------------
def late(year: Year) -> Iterator[tuple[Row[Any], str]]:
    """Yield what was met after its day, or is not met though its day is over; and whose fault that is: "" for nobody's but mailbot's."""
    closed = {row.reference: row.closed_at for row in rows(year, requests)}
    for row in rows(year, obligations):
        end = row.met_at or closed[row.reference]
        day = local(end) if end else ENDS
        if row.due and day > row.due:
            yield row, whose_fault(year, row)


def whose_fault(year: Year, row: Row[Any]) -> str:
    counted, received = year.machine.counted[row.reference, row.what, row.system], year.machine.truths[row.reference].received
    if any(received <= up and local(down) <= row.due <= local(up) for down, up in year.downs):
        return "mailbot was switched off on its last day"
    if row.due < local(counted):
        return "it was entered too late"
    if any(told[0] == row.reference and told[1] <= row.due and told[2] == "escalated" for told in year.expected.steps):
        return "staff forgot it, and whoever stands above was told"
    first = local(year.expected.first_digest(local(received), received))
    if (row.reference, row.due, "at_once") in year.expected.steps:
        return "staff had a digest about it at once, and did not see to it on that day"
    by_staff = [line.at for line in rows(year, events) if line.reference == row.reference and line.who.startswith("staff")]
    if any(local(moment) <= max(row.due, first) for moment in by_staff):
        return "staff had it in hand in time, or with their first digest, and did not finish it"
    return ""


def has_day(year: Year, reference: str) -> bool:
    return any(day for (known, _, _), day in year.machine.due.items() if known == reference)


def not_at_once(year: Year) -> list[object]:
    """Return what mailbot does by itself and did later than it could: when the mail came in, or when its sender said yes."""
    found: list[object] = []
    with year.machine.desk.database.read() as tx:
        for row in rows(year, obligations):
            if row.met_by == "mailbot" and row.what not in (Duty.NOTIFY_PERSON, Duty.DESTROY):
                said_yes = {each.answered_at for each in confirmations.of_request(tx, row.reference)}
                if row.met_at not in {year.machine.came_in[row.reference], *said_yes}:
                    found.append(row)
    return found


# --- letters and the chain ---------------------------------------------------------------------------------------------
def letters_too_many(year: Year) -> list[object]:
    """Return the requests that caused more letters than they may: an opt_out by mail one, all others two, and one more when reopened."""
    again = Counter(row.reference for row in rows(year, events) if row.what == "reopened")
    kinds = {row.reference: row for row in rows(year, requests)}
    counted = Counter(row.reference for row in rows(year, letters) if row.reference and row.kind not in ("confirmation", "notice"))
    once = {each for each, row in kinds.items() if row.type == RequestType.OPT_OUT and row.state != State.WITHDRAWN}
    most = {reference: 1 if reference in once else 2 for reference in kinds}
    return [(kinds[reference].type, reference, times) for reference, times in counted.items() if times > most[reference] + again[reference]]


def letters_that_waited(year: Year) -> list[object]:
    """Return the letters that went later than the minute in which they were written, though the relay took letters."""
    away = [datetime.combine(day, time(), ZONE) for day in RELAY_AWAY]
    waited = [row for row in rows(year, letters) if row.settled_at is None or row.settled_at - row.queued_at > timedelta(minutes=1)]
    return [(row.kind, row.state, row.queued_at, row.settled_at) for row in waited if not away[0] <= row.queued_at < away[1]]


def chain_faults(year: Year) -> list[object]:
    with year.machine.desk.database.read() as tx:
        return list(verify(tx).faults)
