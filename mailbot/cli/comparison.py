"""How ``mailbot policy show`` sets a policy's promises beside the statute, for people and for programs."""

from collections.abc import Sequence

from mailbot.cli.terms import visible
from rules.policy import Limit, Policy
from rules.promises import Comparison, in_words, spoken
from rules.vocabulary import Language

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
    from rich.markup import escape
    from rich.table import Table

    table = Table(*HEADINGS, title=f"{operator_of(policy)} ({policy.name}, version {policy.version}) beside: {policy.law.title}")
    for row in rows:
        table.add_row(*map(escape, map(visible, cells(row))))
    Console().print(table)


def operator_of(policy: Policy) -> str:
    """Return the operator's name, in English where there is one."""
    return policy.operator.get(Language.EN) or next(iter(policy.operator.values()))
