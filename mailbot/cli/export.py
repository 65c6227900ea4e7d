"""``mailbot requests export``: the register for spreadsheets."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO
from zoneinfo import ZoneInfo

import typer

from mailbot.cli.terms import ConfigOption, print_lines, read_day, settings_in, store_of
from mailbot.errors import Problem

if TYPE_CHECKING:
    from mailbot.register_export import Sheet

ToFile = Path | None


def export(
    since: Annotated[str | None, typer.Option("--from", metavar="DAY", help="What was received from this day on.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="DAY", help="What was received up to this day.")] = None,
    csv: Annotated[ToFile, typer.Option("--csv", metavar="FILE", help="Write FILE, and the obligations beside it.")] = None,
    xlsx: Annotated[ToFile, typer.Option("--xlsx", metavar="FILE", help="Write a spreadsheet with a sheet of obligations.")] = None,
    config: ConfigOption = None,
    *,
    senders: Annotated[bool, typer.Option("--senders", help="Name the senders.")] = False,
) -> None:
    """Write the register, a line a request, for a spreadsheet.

    Without --csv and --xlsx the requests are printed as CSV. The days late are those of the obligation that was met last, or is open.
    """
    from mailbot.register_export import Extract, sheets

    if csv and xlsx:
        raise typer.BadParameter("give --csv or --xlsx")
    settings = settings_in(config)
    zone = ZoneInfo(settings.operator.timezone)
    first, last = read_day(since, "--from") if since else None, read_day(until, "--to") if until else None
    extract = Extract(first, last, senders, datetime.now(UTC).astimezone(zone).date(), zone)
    with store_of(settings) as database, database.read() as tx:
        _write(sheets(tx, extract), csv, xlsx)


def _write(tables: "tuple[Sheet, Sheet]", csv: Path | None, xlsx: Path | None) -> None:
    from mailbot.exporting import write_spreadsheet
    from mailbot.register_export import write_workbook

    if xlsx is not None:
        with _private(xlsx) as file:
            write_workbook(file, tables)
        print_lines([f"{xlsx} is written"])
    elif csv is not None:
        for file_name, table in zip((csv, csv.with_stem(f"{csv.stem}-{tables[1].name}")), tables, strict=True):
            with _private(file_name) as file, TextIOWrapper(file, encoding="utf-8", newline="") as text:
                write_spreadsheet(text, table.titles, table.rows)
            print_lines([f"{file_name} is written"])
    else:
        write_spreadsheet(sys.stdout, tables[0].titles, tables[0].rows)


@contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    """Open a file for its owner only, whoever could read what stood there before."""
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            yield file
    except OSError as error:
        raise Problem(f"{path} cannot be written: {(error.strerror or 'unknown error').lower()}") from error
