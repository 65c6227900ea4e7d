"""``mailbot policy``: which policies there are, what they promise beside the statute, and what they must be warned about."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailbot.cli.terms import JsonOption, print_cells, print_json, print_lines

if TYPE_CHECKING:
    from rules.policy_text import Findings

policy_app = typer.Typer(name="policy", no_args_is_help=True, help="What a policy promises, and how that stands beside the law.")

PolicyArgument = Annotated[str, typer.Argument(metavar="NAME|FILE", help="A built-in policy, or a pack in a file.")]
DayOption = Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="The day whose law counts; else today.")]


@policy_app.command("list")
def list_policies(as_json: JsonOption = False) -> None:
    """List the policies that come with the program."""
    from mailbot.cli.comparison import operator_of
    from mailbot.policies import built_in_names, load_policy

    for name in built_in_names():
        policy = load_policy(name)
        row = {"name": name, "operator": operator_of(policy), "inboxes": policy.inboxes, "law": policy.law.name, "version": policy.version}
        if as_json:
            print_json(row)
        else:
            print_cells([[name, operator_of(policy), ", ".join(policy.inboxes), policy.law.name, policy.version]])


@policy_app.command("show")
def show(name: PolicyArgument, on: DayOption = None, as_json: JsonOption = False) -> None:
    """Show each promise beside the statute."""
    from mailbot.cli.comparison import HEADINGS, as_object, cells, print_table
    from mailbot.policies import load_policy
    from rules.promises import compare

    policy = load_policy(name)
    rows = compare(policy, day_of(on))
    if as_json:
        for row in rows:
            print_json(as_object(row))
    elif sys.stdout.isatty():
        print_table(policy, rows)
    else:
        print_cells([HEADINGS, *map(cells, rows)])


@policy_app.command("check")
def check(name: PolicyArgument, on: DayOption = None, as_json: JsonOption = False) -> None:
    """Check that a policy can be used, and warn.

    It prints what the operator should mend or know. Warnings are no errors.
    """
    from mailbot.policies import load_policy, pack_called
    from rules.promises import warnings_of

    policy = load_policy(name)
    warnings = warnings_of(policy, day_of(on))
    for warning in warnings:
        if as_json:
            print_json({"code": warning.code, "text": warning.text, "clause": warning.clause})
        else:
            print_cells([[warning.code, warning.clause or "-", warning.text]])
    if not as_json:
        print_lines([f"{policy.name} can be used; warnings: {len(warnings)}"])
        if unanswered := pack_called(name)[0].count("QUESTION:"):
            print_lines(
                [f"questions of the draft that are not answered: {unanswered}; search it for QUESTION, answer each and take it out"]
            )


@policy_app.command("read")
def read(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The policy as text or HTML.")],
    as_json: JsonOption = False,
) -> None:
    """Read the text of a policy, and print it as a pack to review.

    Each entry stands under the clause that it was read from; gaps are questions to you.
    """
    from mailbot.drafting import beside_law, pack_name, pack_of
    from mailbot.policy_file import read_policy_file
    from rules.policy_text import read_policy_text

    policy = read_policy_file(file)
    found = beside_law(read_policy_text(policy.text), day_of(None))
    if as_json:
        print_json(findings_as_object(found))
    else:
        print_lines(pack_of(found, pack_name(file), policy.sha256).splitlines())


def findings_as_object(found: "Findings") -> dict[str, object]:
    """Return what was read as programs read it."""
    return {
        "operator_name": found.operator_name,
        "inbox_addresses": found.inbox_addresses,
        "subject_phrases": [{"type": each.type, "phrase": each.phrase, "clause": each.clause} for each in found.subject_phrases],
        "time_limits": [{"what": each.what, "amount": each.amount, "unit": each.unit, "clause": each.clause} for each in found.time_limits],
        "law_references": [{"id": each} for each in found.law_references],
        "request_channels": [
            {"type": each.type, "channel": each.channel, "detail": each.detail, "clause": each.clause} for each in found.request_channels
        ],
        "data_categories": found.data_categories,
        "purposes": found.purposes,
        "warnings": [{"code": each.code, "text": each.text, "clause": each.clause} for each in found.warnings],
    }


def day_of(on: datetime | None) -> date:
    """Return the day whose law counts."""
    return (on or datetime.now(UTC)).date()
