"""The register as a table for people: a line a request, and a line an obligation, as CSV and as a spreadsheet (H103).

Both are written as they are read, a page at a time, so that a register of any size needs no more memory than a small one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import IO, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import Connection
from xlsxwriter import Workbook

from mailbot.errors import Problem
from mailbot.exporting import guarded
from mailbot.letters import plain_text
from storage.register_lines import Line, OwedLine, lines

Row: TypeAlias = Mapping[str, str | int | date | None]

OF_A_REQUEST = ("reference", "type", "event", "state", "outcome", "standing", "channel", "language")
TITLES = (*OF_A_REQUEST, "received", "due", "closed", "days_late", "owed", "clause", "reason")
OWED_TITLES = ("reference", "what", "system", "trigger", "due", "met", "met_by", "days_late", "source", "clause", "mark")

MOST_ROWS = 1_048_576
"""A sheet has no more; the library drops what lies below, without a word."""


@dataclass(frozen=True, slots=True)
class Extract:
    """Which requests, by the day of receipt; whether senders are named; and the operator's day and zone."""

    first: date | None
    last: date | None
    names_senders: bool
    today: date
    zone: ZoneInfo

    @property
    def titles(self) -> tuple[str, ...]:
        """Return the titles of the requests."""
        return (*TITLES, "sender") if self.names_senders else TITLES


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with its name."""

    name: str
    titles: Sequence[str]
    rows: Iterable[Row]


def sheets(tx: Connection, extract: Extract) -> tuple[Sheet, Sheet]:
    """Return the requests, and what is owed for them; the rows are read when they are written."""
    return (
        Sheet("requests", extract.titles, (_request(line, extract) for line in lines(tx, extract.first, extract.last))),
        Sheet("obligations", OWED_TITLES, chain.from_iterable(_owed(line, extract) for line in lines(tx, extract.first, extract.last))),
    )


def write_workbook(file: IO[bytes], tables: Iterable[Sheet], most_rows: int = MOST_ROWS) -> None:
    """Write a spreadsheet with real days."""
    with Workbook(file, {"constant_memory": True}) as book:  # row by row; text is written as text and nothing else
        of_a_day, bold = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"bold": True})
        for table in tables:
            sheet = book.add_worksheet(table.name)
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, len(table.titles) - 1, 14)
            sheet.write_row(0, 0, table.titles, bold)
            for number, row in enumerate(table.rows, start=1):
                if number >= most_rows:
                    raise Problem(f"the register has more {table.name} than a sheet holds: export fewer days (--from, --to), or --csv")
                for column, value in enumerate(map(row.get, table.titles)):
                    match value:
                        case str():
                            sheet.write_string(number, column, value)
                        case date():
                            sheet.write_datetime(number, column, value, of_a_day)
                        case int():
                            sheet.write_number(number, column, value)


def _request(line: Line, extract: Extract) -> Row:
    closed = _day(line.closed_at, extract)
    return {
        "reference": line.reference,
        "type": line.type,
        "event": line.event,
        "state": line.state,
        "outcome": line.outcome,
        "standing": line.standing,
        "channel": line.channel or "mail",
        "language": line.language,
        "received": line.received_on,
        "due": line.due,
        "closed": closed,
        "days_late": max((_days_late(owed, line, extract) or 0 for owed in line.owed), default=0),
        "owed": _cell("; ".join(_in_words(owed, extract) for owed in line.owed)),
        "clause": _cell(line.clause),
        "reason": _cell(line.reason),
        "sender": _cell(line.sender),
    }


def _owed(line: Line, extract: Extract) -> Iterator[Row]:
    for owed in line.owed:
        yield {
            "reference": line.reference,
            "what": owed.what,
            "system": _cell(owed.system),
            "trigger": owed.trigger,
            "due": owed.due,
            "met": _day(owed.met_at, extract),
            "met_by": _cell(owed.met_by),
            "days_late": _days_late(owed, line, extract),
            "source": _cell(owed.source),
            "clause": _cell(owed.clause),
            "mark": owed.mark,
        }


def _in_words(owed: OwedLine, extract: Extract) -> str:
    met = _day(owed.met_at, extract)
    return f"{owed.what} ({owed.system}): due {owed.due or 'without a day'}, {f'met {met}' if met else 'not met'}"


def _days_late(owed: OwedLine, line: Line, extract: Extract) -> int | None:
    """Count from the due day to the day it was met, else to the one that ended the request, else to today; None: it has no due day."""
    until = _day(owed.met_at, extract) or _day(line.closed_at, extract) or extract.today
    return max((until - owed.due).days, 0) if owed.due else None


def _day(moment: datetime | None, extract: Extract) -> date | None:
    return moment.astimezone(extract.zone).date() if moment else None


def _cell(text: str | None) -> str | None:
    """Return what others wrote as one line that no spreadsheet computes, wherever it begins."""
    return guarded(" ".join(plain_text(text).split())) if text else None
