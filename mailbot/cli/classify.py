"""``mailbot classify``: what single messages would be taken for, without a store and without a server."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailbot.cli.terms import ConfigOption, JsonOption, print_json, print_lines
from mailbot.errors import Problem

if TYPE_CHECKING:
    from rules.policy import Policy


def classify(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Messages as files (.eml).")],
    policy: Annotated[
        str | None,
        typer.Option("--policy", metavar="NAME|FILE", help="Built in or a file; else the configured one, else the law alone."),
    ] = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Say what messages in files ask for, and why."""
    from mailbot.judging import Judge

    judge, unreadable = Judge(_policy(policy, config)), []
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


def _policy(name: str | None, config: Path | None) -> "Policy":
    """Load the policy to judge by: the one named, else the configured one, else none but the law."""
    from mailbot.config import configured, load_config
    from mailbot.policies import law_alone, load_policy

    if name is not None:
        return load_policy(name)
    return load_policy(load_config(config).operator.policy) if configured(config) else law_alone()
