"""The register as a table for people: what stands in it, that no cell of it is computed, and that its size costs no memory."""

import csv
import io
import re
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from xml.etree import ElementTree
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, insert, select, update

from mailbot import staff
from mailbot.desk import Desk
from mailbot.errors import Problem
from mailbot.exporting import write_spreadsheet
from mailbot.register_export import OWED_TITLES, TITLES, Extract, Sheet, sheets, write_workbook
from rules.vocabulary import RequestType
from storage.register_lines import PAGE
from storage.tables import obligations, requests
from tests.mailbot.register_room import NOW, PERSON, TODAY, act, arrive, office, open_desk, put_on_file
from tests.mailbot.staff_room import GROUND, ME, done
from tests.mailbot.typing_room import Type, typist

ALMATY = ZoneInfo("Asia/Almaty")
EVERYTHING = Extract(None, None, names_senders=False, today=TODAY, zone=ALMATY)
IN_A_SHEET = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
DAY_ZERO = date(1899, 12, 30)
"""Day 0 of a spreadsheet's calendar."""


@pytest.fixture
def mailbot(capsys: pytest.CaptureFixture[str]) -> Type:
    return typist(capsys)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return office(tmp_path, systems=("crm",))


@pytest.fixture
def desk(config: Path) -> Iterator[Desk]:
    with open_desk(config) as desk:
        yield desk


def as_rows(printed: str) -> list[dict[str, str]]:
    assert printed.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(printed.removeprefix("\ufeff"))))


def tables(desk: Desk, extract: Extract = EVERYTHING) -> list[list[dict[str, object]]]:
    with desk.database.read() as tx:
        return [[dict(row) for row in sheet.rows] for sheet in sheets(tx, extract)]


def cells(file: Path, sheet: int) -> list[list[tuple[str | None, str]]]:
    """Return the type and the text of every cell of a sheet, as any reader of the format finds them."""
    with ZipFile(file) as book:
        page = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml"))
    assert [] == page.findall(".//m:f", IN_A_SHEET)  # no formula
    rows = page.iterfind(".//m:row", IN_A_SHEET)
    return [[(cell.get("t"), "".join(cell.itertext())) for cell in row.findall("m:c", IN_A_SHEET)] for row in rows]


def fill(desk: Desk, number: int) -> list[str]:
    """Put as many like requests into the register, each a second after the other; two pages of them are from today."""
    arrive(desk, RequestType.ACCESS)
    with desk.database.write() as tx:
        request, owed = (dict(tx.execute(select(table)).mappings().first() or {}) for table in (requests, obligations))
        tx.execute(delete(obligations))
        tx.execute(delete(requests))
        references = [f"2026-{each:05}-X" for each in range(number)]
        tx.execute(
            insert(requests),
            [
                {**request, "reference": reference, "received_at": NOW + each * SECOND, "received_on": TODAY + (each >= 2 * PAGE) * DAY}
                for each, reference in enumerate(references)
            ],
        )
        tx.execute(insert(obligations), [{**owed, "id": each, "reference": reference} for each, reference in enumerate(references)])
    return references


def write_as_csv(file: IO[bytes], tables: Sequence[Sheet]) -> None:
    with io.TextIOWrapper(file, encoding="utf-8") as text:
        for table in tables:
            write_spreadsheet(text, table.titles, table.rows)


def peak(desk: Desk, extract: Extract, write: Callable[[IO[bytes], Sequence[Sheet]], None]) -> int:
    """Return the most bytes that were in use at once while the register was written."""
    with desk.database.read() as tx, TemporaryFile() as file:
        tracemalloc.start()
        write(file, sheets(tx, extract))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return most


def test_a_line_says_what_was_asked_what_became_of_it_and_what_was_owed(mailbot: Type, config: Path) -> None:
    with open_desk(config) as desk:
        put_on_file(desk)
        reference = arrive(desk, RequestType.BLOCK)
        act(desk, staff.approve, reference, ME)
        done(desk, reference, "block", "crm")
        done(desk, reference, "stop_messages", "crm")
    ran = mailbot("requests", "export", "--config", config)
    assert (0, "") == (ran.status, ran.err)
    (row,) = as_rows(ran.out)
    assert list(TITLES) == list(row)
    assert {
        "reference": reference,
        "type": "block",
        "event": "",
        "state": "carried_out",
        "outcome": "request",
        "standing": "aligned",
        "channel": "mail",
        "language": "en",
        "received": "2026-11-20",
        "due": "2026-11-21",
        "closed": "2026-11-20",
        "days_late": "0",
        "owed": "block (mailbot): due 2026-11-23, met 2026-11-20; block (crm): due 2026-11-23, met 2026-11-20; "
        "stop_messages (crm): due 2026-11-21, met 2026-11-20",
        "clause": "",
        "reason": "the test says so",
    } == row


def test_the_obligations_stand_in_a_file_beside_it_that_only_its_owner_reads(mailbot: Type, config: Path, tmp_path: Path) -> None:
    with open_desk(config) as desk:
        reference = arrive(desk, RequestType.BLOCK)
        done(desk, reference, "stop_messages", "crm")
    file, beside = tmp_path / "register.csv", tmp_path / "register-obligations.csv"
    beside.touch(mode=0o644)
    ran = mailbot("requests", "export", "--csv", file, "--config", config)
    assert (0, f"{file} is written\n{beside} is written\n") == (ran.status, ran.out)
    assert [0o600, 0o600] == [each.stat().st_mode & 0o777 for each in (file, beside)]
    owed = as_rows(beside.read_text(encoding="utf-8"))
    assert list(OWED_TITLES) == list(owed[0])
    assert [("block", "mailbot", ""), ("block", "crm", ""), ("stop_messages", "crm", "2026-11-20")] == [
        (row["what"], row["system"], row["met"]) for row in owed
    ]
    assert {reference} == {row["reference"] for row in owed}
    assert ("4.1", "text", ME) == (owed[0]["clause"], owed[0]["mark"], owed[2]["met_by"])


def test_no_sender_is_named_unless_somebody_asks_for_it(mailbot: Type, config: Path) -> None:
    with open_desk(config) as desk:
        arrive(desk, RequestType.ACCESS)
    assert PERSON not in mailbot("requests", "export", "--config", config).out
    (row,) = as_rows(mailbot("requests", "export", "--senders", "--config", config).out)
    assert PERSON == row["sender"]


HOSTILE = ["=1+1", " =1+1", "\t=1+1", "\r\n@SUM(A1)", "\x00-2", "\u202e+3", "\u2028=4"]


@pytest.mark.parametrize("words", HOSTILE)
def test_h103_no_cell_begins_a_formula_however_it_is_led_in(desk: Desk, words: str, tmp_path: Path) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    with desk.database.write() as tx:
        tx.execute(update(requests).values(reason=words, clause=words, sender=words))
        tx.execute(update(obligations).values(source=words, met_by=words))
    extract = replace(EVERYTHING, names_senders=True)
    (row,), owed = tables(desk, extract)
    hostile = [row["reason"], row["clause"], row["sender"], *(each[name] for each in owed for name in ("source", "met_by"))]
    assert [] == [cell for cell in hostile if not re.match(r"'[=+@-]", str(cell))]
    file = tmp_path / "register.xlsx"
    with desk.database.read() as tx, file.open("wb") as opened:
        write_workbook(opened, sheets(tx, extract))
    assert ("inlineStr", reference) == cells(file, 1)[1][0]
    assert {"inlineStr", "n", None} >= {kind for number in (1, 2) for line in cells(file, number) for kind, _ in line}


def test_a_spreadsheet_has_real_days_and_a_sheet_of_obligations(mailbot: Type, config: Path, tmp_path: Path) -> None:
    with open_desk(config) as desk:
        reference = arrive(desk, RequestType.ACCESS)
    file = tmp_path / "register.xlsx"
    ran = mailbot("requests", "export", "--xlsx", file, "--config", config)
    assert (0, f"{file} is written\n", "", 0o600) == (ran.status, ran.out, ran.err, file.stat().st_mode & 0o777)
    titles, line = cells(file, 1)
    assert list(TITLES) == [text for _, text in titles]
    assert (reference, "access") == (line[0][1], line[1][1])
    assert (TODAY - DAY_ZERO).days in [int(text) for kind, text in line if kind in (None, "n")]
    assert {reference} == {line[0][1] for line in cells(file, 2)[1:]}


def test_from_and_to_count_the_day_of_receipt_on_the_operators_clock(mailbot: Type, config: Path) -> None:
    received = [datetime(2026, 11, 19, 18, 59, tzinfo=UTC), datetime(2026, 11, 19, 19, tzinfo=UTC), datetime(2026, 11, 20, 19, tzinfo=UTC)]
    references = []
    for moment in received:  # the 19th, 20th and 21st in Almaty
        with open_desk(config, moment) as desk:
            references.append(arrive(desk, RequestType.ACCESS, f"{moment:%d%H}@example.com"))
    within = as_rows(mailbot("requests", "export", "--from", "20.11.2026", "--to", "2026-11-20", "--config", config).out)
    assert references[1:2] == [row["reference"] for row in within]


@pytest.mark.parametrize(("met", "closed", "late"), [(None, None, 9), (25, None, 0), (27, None, 2), (None, 26, 1), (27, 30, 2)])
def test_days_late_are_counted_to_the_tick_else_to_the_end_of_the_request_else_to_today(
    desk: Desk, met: int | None, closed: int | None, late: int
) -> None:
    arrive(desk, RequestType.ACCESS)
    with desk.database.write() as tx:
        tx.execute(update(obligations).values(due=date(2026, 11, 25), met_at=met and datetime(2026, 11, met, 6, tzinfo=UTC)))
        tx.execute(update(requests).values(closed_at=closed and datetime(2026, 11, closed, 6, tzinfo=UTC)))
    (row,), owed = tables(desk, replace(EVERYTHING, today=date(2026, 12, 4)))
    assert (late, {late}) == (row["days_late"], {each["days_late"] for each in owed})


def test_what_has_no_due_day_is_never_late(desk: Desk) -> None:
    arrive(desk, RequestType.UNBLOCK)
    (row,), owed = tables(desk, replace(EVERYTHING, today=date(2030, 1, 1)))
    assert (0, {None}) == (row["days_late"], {each["days_late"] for each in owed})


def test_a_refusal_is_not_late_after_its_day(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    act(desk, staff.refuse, reference, ME, staff.Ground(GROUND))
    (row,), _ = tables(desk, replace(EVERYTHING, today=date(2030, 1, 1)))
    assert ("refused", TODAY, 0) == (row["state"], row["closed"], row["days_late"])


def test_a_register_of_many_pages_is_told_in_order_and_once(desk: Desk) -> None:
    references = fill(desk, 2 * PAGE + 1)
    lines, owed = tables(desk)
    assert references == [row["reference"] for row in lines]
    assert references == [row["reference"] for row in owed]


@pytest.mark.parametrize("write", [write_as_csv, write_workbook])
def test_a_register_three_times_as_large_needs_no_more_memory(desk: Desk, write: Callable[[IO[bytes], Sequence[Sheet]], None]) -> None:
    fill(desk, 6 * PAGE)
    a_third, the_whole = (peak(desk, replace(EVERYTHING, last=last), write) for last in (TODAY, None))
    assert 0 < the_whole < 1.5 * a_third


def test_what_a_sheet_does_not_hold_is_told_and_not_lost() -> None:
    rows = [{"reference": str(number)} for number in range(3)]
    with pytest.raises(Problem, match="more requests than a sheet holds"):
        write_workbook(io.BytesIO(), [Sheet("requests", ("reference",), rows)], most_rows=3)


def test_either_kind_of_file_is_asked_for(mailbot: Type, config: Path, tmp_path: Path) -> None:
    ran = mailbot("requests", "export", "--csv", tmp_path / "a", "--xlsx", tmp_path / "b", "--config", config)
    assert (2, True) == (ran.status, "give --csv or --xlsx" in ran.err)


def test_a_file_that_cannot_be_written_is_1_and_a_sentence(mailbot: Type, config: Path, tmp_path: Path) -> None:
    file = tmp_path / "absent" / "register.csv"
    ran = mailbot("requests", "export", "--csv", file, "--config", config)
    assert (1, f"mailbot: {file} cannot be written: no such file or directory\n") == (ran.status, ran.err)
