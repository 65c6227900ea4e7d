"""What all commands have in common for the person typing them: the options and the two ways to print."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The configuration; else $MAILBOT_CONFIG, /etc/mailbot/config.toml, ./config.toml."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object a line, for programs.")]


def print_json(value: Mapping[str, object]) -> None:
    """Print ``value`` as one line of JSON on standard output; days and moments in ISO 8601."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
