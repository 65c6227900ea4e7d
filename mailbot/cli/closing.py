"""``mailbot requests refuse | lapse | withdraw | extend``: how staff end a request that is not carried out, and why none is extended."""

from typing import Annotated

import typer

from mailbot.cli.requests import Reference, act_on
from mailbot.cli.terms import ConfigOption, read_day

GroundText = Annotated[str, typer.Option("--ground", help="The ground with its article, in the person's language; the letter has it.")]
Told = Annotated[
    str, typer.Option("--told", metavar="TEXT", help="How you told the person, where no letter may go by mail; it stays in the history.")
]


def refuse(
    reference: Reference,
    ground: GroundText,
    kept: Annotated[str, typer.Option("--kept", help="What is kept, where the rest is done: it stands in the letter.")] = "",
    until: Annotated[str | None, typer.Option("--until", metavar="DAY", help="The day until which it is kept.")] = None,
    told: Told = "",
    config: ConfigOption = None,
) -> None:
    """Refuse on a written ground, and tell the person.

    The letter names the ground and the right of appeal, and what is kept of a request that is refused in part. Messages stop all the same:
    tick that off in the other systems first.
    """
    from mailbot import staff

    order = staff.Ground(ground, kept, read_day(until, "--until") if until else None, told)
    act_on(config, reference, lambda acting, reference: staff.refuse(acting, reference, order))


def lapse(reference: Reference, ground: GroundText, told: Told = "", config: ConfigOption = None) -> None:
    """Close what the sender left unanswered, and tell them.

    The letter names the ground and the right of appeal. What a plain e-mail is enough for never lapses: a revocation, a stop, an
    opt-out, a block, a prohibition on transfer.
    """
    from mailbot import staff

    act_on(config, reference, lambda acting, reference: staff.lapse(acting, reference, staff.Ground(ground, told=told)))


def withdraw(
    reference: Reference,
    note: Annotated[str, typer.Option("--note", help="How you know of it, as 'by phone'; it stays in the history.")] = "",
    config: ConfigOption = None,
) -> None:
    """Close what the person has taken back, and tell them.

    What was done stays as it is: messages that were stopped go again by `mailbot subscribers resume` alone.
    """
    from mailbot import staff

    act_on(config, reference, lambda acting, reference: staff.withdraw(acting, reference, note))


def extend(
    reference: Reference, day: Annotated[str, typer.Argument(metavar="DAY", help="2026-12-20 or 20.12.2026.")], config: ConfigOption = None
) -> None:
    """Say why the due date stays: the law knows no extension.

    To be reminded later, but in time, type `mailbot requests postpone`.
    """
    from mailbot import staff

    until = read_day(day, "DAY")
    act_on(config, reference, lambda acting, reference: staff.extend(acting, reference, until))
