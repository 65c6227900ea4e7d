"""``mailbot classify``: what single messages would be taken for, without a store and without a server."""

from pathlib import Path
from typing import Annotated

import typer

from mailbot.cli.terms import JsonOption, print_json, print_lines
from mailbot.errors import Problem


def classify(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Messages as files (.eml).")],
    policy: Annotated[str, typer.Option("--policy", metavar="NAME|FILE", help="A built-in policy or a pack's file.")] = "kazger",
    *,
    as_json: JsonOption = False,
) -> None:
    """Say what messages in files ask for, and why."""
    from mailbot.judging import Judge
    from mailbot.policies import load_policy

    judge, unreadable = Judge(load_policy(policy)), []
    for file in files:
        try:
            raw = file.read_bytes()
        except OSError as error:
            unreadable.append(f"{file} cannot be read: {(error.strerror or 'unknown error').lower()}")
            continue
        verdict = judge.judge(raw)
        if as_json:
            print_json({"file": str(file), **verdict.as_row()})
        else:
            kind = f" {verdict.type}" if verdict.type else ""
            print_lines([f"{file}: {verdict.outcome}{kind}: {verdict.reason}"])
    if unreadable:
        raise Problem("\n".join(unreadable))
