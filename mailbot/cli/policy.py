"""``mailbot policy``: which policies there are, what they promise beside the statute, and what they must be warned about."""

import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from mailbot.cli.terms import JsonOption, print_json
from mailbot.policies import built_in_names, load_policy
from rules.policy import Limit, Policy
from rules.promises import Comparison, compare, in_words, spoken, warnings_of
from rules.vocabulary import Language

policy_app = typer.Typer(name="policy", no_args_is_help=True, help="What a policy promises, and how that stands beside the law.")

PolicyArgument = Annotated[str, typer.Argument(metavar="NAME|FILE", help="A built-in policy, or a pack in a file.")]
DayOption = Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="The day whose law counts; else today.")]


@policy_app.command("list")
def list_policies(as_json: JsonOption = False) -> None:
    """List the policies that come with the program."""
    for name in built_in_names():
        policy = load_policy(name)
        row = {"name": name, "operator": operator_of(policy), "inboxes": policy.inboxes, "law": policy.law.name, "version": policy.version}
        if as_json:
            print_json(row)
        else:
            print_plain([name, row["operator"], ", ".join(policy.inboxes), policy.law.name, policy.version])


@policy_app.command("show")
def show(name: PolicyArgument, on: DayOption = None, as_json: JsonOption = False) -> None:
    """Show each promise beside the statute, and which of them governs."""
    policy = load_policy(name)
    rows = compare(policy, day_of(on))
    if as_json:
        for row in rows:
            print_json(as_object(row))
    elif sys.stdout.isatty():
        print_table(policy, rows)
    else:
        print_plain(HEADINGS)
        for row in rows:
            print_plain(cells(row))


@policy_app.command("check")
def check(name: PolicyArgument, on: DayOption = None, as_json: JsonOption = False) -> None:
    """Check that a policy can be used, and print what its operator should mend or know. Warnings are no errors."""
    policy = load_policy(name)
    warnings = warnings_of(policy, day_of(on))
    for warning in warnings:
        if as_json:
            print_json({"code": warning.code, "text": warning.text, "clause": warning.clause})
        else:
            print_plain([warning.code, warning.clause or "-", warning.text])
    if not as_json:
        sys.stdout.write(f"{policy.name} can be used; warnings: {len(warnings)}\n")


HEADINGS = ("request or event", "duty", "the policy", "the statute", "governs", "the promise is")


def cells(row: Comparison) -> tuple[str, ...]:
    """Return a comparison as people read it, under ``HEADINGS``."""
    promise = f"{row.promise.clause}: {in_words(row.promise)}" if row.promise else "-"
    statute = f"{in_words(row.statute)}: {row.statute.id}, {row.statute.cite} ({row.statute.mark})" if row.statute else "-"
    return spoken(row.trigger), spoken(row.duty), promise, statute, row.governs, row.relation


def as_object(row: Comparison) -> dict[str, object]:
    """Return a comparison as programs read it."""
    return {
        "request": row.trigger,
        "duty": row.duty,
        "promise": {"clause": row.promise.clause, **length(row.promise)} if row.promise else None,
        "statute": {"id": row.statute.id, "cite": row.statute.cite, **length(row.statute), "mark": row.statute.mark}
        if row.statute
        else None,
        "governs": row.governs,
        "relation": row.relation,
    }


def length(limit: Limit) -> dict[str, object]:
    """Return how long a limit is."""
    return {"amount": limit.amount, "unit": limit.unit}


def print_table(policy: Policy, rows: Sequence[Comparison]) -> None:
    """Print the comparisons for a person at a terminal."""
    from rich.console import Console  # slow to import, and seldom needed
    from rich.table import Table

    table = Table(*HEADINGS, title=f"{operator_of(policy)} ({policy.name}, version {policy.version}) beside: {policy.law.title}")
    for row in rows:
        table.add_row(*cells(row))
    Console().print(table)


def print_plain(row: Sequence[object]) -> None:
    """Print one line with tabs between the cells."""
    sys.stdout.write("\t".join(map(str, row)) + "\n")


def operator_of(policy: Policy) -> str:
    """Return the operator's name, in English where there is one."""
    return policy.operator.get(Language.EN) or next(iter(policy.operator.values()))


def day_of(on: datetime | None) -> date:
    """Return the day whose law counts."""
    return (on or datetime.now(UTC)).date()
