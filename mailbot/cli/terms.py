"""What all commands have in common for the person typing them: options, output, and how a failing store is told.

Nothing heavy is imported above the functions: ``mailbot --help`` waits for every import.
"""

import getpass
import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailbot.errors import ConfigurationMistake, TemporaryFailure

if TYPE_CHECKING:
    from mailbot.config import Config
    from mailbot.desk import Desk
    from storage.database import Database

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", readable=False, help="The configuration; else $MAILBOT_CONFIG, /etc/mailbot/config.toml, ./config.toml."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object a line, for programs.")]

_NOT_PLAIN = re.compile(r"[^ -~]")


def print_json(value: Mapping[str, object]) -> None:
    """Print ``value`` as one line of JSON on standard output; days and moments in ISO 8601."""
    line = json.dumps(value, ensure_ascii=False, default=str)
    sys.stdout.write(_NOT_PLAIN.sub(lambda found: found[0] if is_visible(found[0]) else json.dumps(found[0])[1:-1], line) + "\n")


def print_lines(lines: Iterable[str]) -> None:
    """Print lines of text, none of which can do anything to a terminal."""
    sys.stdout.writelines(f"{visible(line)}\n" for line in lines)


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]], when_empty: str) -> None:
    """Print a table: ruled for a person at a terminal, tab-separated lines for a pipe."""
    if not rows:
        print_lines([when_empty])
    elif sys.stdout.isatty():
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        table = Table()
        for number, title in enumerate(titles):  # what a row is called by is never cut: people copy it
            table.add_column(title, no_wrap=number == 0, overflow="fold")
        for row in rows:
            table.add_row(*(escape(visible(cell)) for cell in row))
        Console().print(table)
    else:
        print_cells([titles, *rows])


def print_cells(rows: Iterable[Sequence[str]]) -> None:
    """Print rows for a pipe: a line each, tabs between the cells."""
    sys.stdout.writelines("\t".join(map(visible, row)) + "\n" for row in rows)


def visible(text: str) -> str:
    """Return ``text`` with a mark for every character that a terminal might obey: what is shown may come from mail."""
    return _NOT_PLAIN.sub(lambda found: found[0] if is_visible(found[0]) else "\N{REPLACEMENT CHARACTER}", text)


def is_visible(character: str) -> bool:
    """Tell whether a character is text: no control, no change of direction, no half of a character, no end of a line."""
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def read_day(text: str, option: str) -> date:
    """Read a day; anything else is a usage mistake."""
    from mailbot.days import day_in

    try:
        return day_in(text)
    except ValueError as mistake:
        raise typer.BadParameter(f"{visible(text)} {mistake}", param_hint=option) from None


def settings_in(config: Path | None) -> "Config":
    """Return the configuration."""
    from mailbot.config import load_config

    return load_config(config)


@contextmanager
def store_of(settings: "Config") -> "Iterator[Database]":
    """Open the store for a command."""
    from storage.database import open_database

    with store_failures_told():
        database = open_database(settings.store.url)
        try:
            yield database
        finally:
            database.close()


@contextmanager
def store_failures_told() -> Iterator[None]:
    """Turn what the store says into a sentence with the right exit status."""
    from storage.database import StoreFailure

    try:
        yield
    except StoreFailure as failure:
        raise (TemporaryFailure(str(failure)) if failure.transient else ConfigurationMistake(str(failure))) from failure


@contextmanager
def desk_of(settings: "Config") -> Iterator["Desk"]:
    """Open the desk, and the store with it; what is logged meanwhile goes to standard error."""
    from mailbot.desk import set_up_desk
    from mailbot.logs import set_up_logs

    set_up_logs()
    with store_failures_told():
        desk = set_up_desk(settings, lambda: datetime.now(UTC))
        try:
            yield desk
        finally:
            desk.database.close()


def only_here(settings: "Config") -> Iterator[str]:
    """Yield which other systems keep what they have: they are told of requests alone, and a view shows the store itself."""
    if others := [system.name for system in settings.system if system.mode != "view"]:
        yield f"Only mailbot's own store was changed; do the same yourself in: {', '.join(others)}."


def typed_by() -> str:
    """Name the person at the keyboard, as far as the system knows."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        name = str(os.getuid())
    return f"staff:{name}"[:60]
