"""What all commands have in common for the person typing them: options, output, and how a failing store is told."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from mailbot.errors import ConfigurationMistake, TemporaryFailure

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The configuration; else $MAILBOT_CONFIG, /etc/mailbot/config.toml, ./config.toml."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object a line, for programs.")]


def print_json(value: Mapping[str, object]) -> None:
    """Print ``value`` as one line of JSON on standard output; days and moments in ISO 8601."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]], when_empty: str) -> None:
    """Print a table: ruled for a person at a terminal, tab-separated lines for a pipe."""
    if not rows:
        sys.stdout.write(f"{when_empty}\n")
    elif sys.stdout.isatty():
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        table = Table(*titles)
        for row in rows:
            table.add_row(*map(escape, row))
        Console().print(table)
    else:
        sys.stdout.writelines("\t".join(row) + "\n" for row in (titles, *rows))


def read_day(text: str, option: str) -> date:
    """Read a day as 2026-11-25 or 25.11.2026; anything else is a usage mistake."""
    parts = text.split(".")
    try:
        return date(int(parts[2]), int(parts[1]), int(parts[0])) if len(parts) == 3 else date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is not a day; write 2026-11-25 or 25.11.2026", param_hint=option) from None


@contextmanager
def store_failures_told() -> Iterator[None]:
    """Turn what the store says into a sentence with the right exit status."""
    from storage.database import StoreFailure

    try:
        yield
    except StoreFailure as failure:
        raise (TemporaryFailure(str(failure)) if failure.transient else ConfigurationMistake(str(failure))) from failure
