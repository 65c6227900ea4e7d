"""``mailbot check``: what works and what does not, before the service starts."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from mailbot.cli.terms import ConfigOption, JsonOption, print_json, print_lines, visible

if TYPE_CHECKING:
    from mailbot.findings import Finding

COLOURS = {"ok": "green", "note": "yellow", "WRONG": "bold red"}


def check(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Try everything that `mailbot run` needs, and change nothing.

    Exit status: 0 run would work, 1 something is wrong that a person must see, 75 a server is away, 78 the configuration is wrong.
    """
    from mailbot.checkup import check_everything
    from mailbot.findings import gravest

    findings = []
    for finding in check_everything(config, datetime.now(UTC)):
        findings.append(finding)
        if as_json:
            print_json({"mark": finding.mark.lower(), "part": finding.part, "text": finding.text})
        elif sys.stdout.isatty():
            show(finding)
        else:
            print_lines([f"{finding.mark:<5} {finding.part}: {finding.text}"])
        sys.stdout.flush()
    wrong = sum(finding.mark == "WRONG" for finding in findings)
    if not as_json:
        print_lines([f"Wrong: {wrong}." if wrong else "Nothing is wrong: `mailbot run` would work."])
    raise typer.Exit(gravest(findings))


def show(finding: "Finding") -> None:
    """Print a finding for a person at a terminal: coloured, its text in a column of its own."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    line = Table.grid(padding=(0, 1))
    line.add_column(width=5)
    line.add_column(width=13)
    line.add_column()
    line.add_row(Text(finding.mark, COLOURS[finding.mark]), finding.part, Text(visible(finding.text)))
    Console(highlight=False).print(line)
