"""``mailbot requests``: the register, and what staff do with it."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from mailbot.cli.believing import asked_back
from mailbot.cli.requests_show import kind, quoted, remembered, row, told, written
from mailbot.cli.terms import (
    ConfigOption,
    JsonOption,
    desk_of,
    print_json,
    print_lines,
    print_table,
    read_day,
    settings_in,
    store_of,
    typed_by,
)
from mailbot.errors import NoSuchRequest, NoWave

if TYPE_CHECKING:
    from mailbot.desk import Acting
    from storage.register import Registered

requests_app = typer.Typer(name="requests", help="The register of requests, and what staff do with it.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(metavar="REFERENCE", help="The request's reference, as 2026-00042-K.")]
OnlySystem = Annotated[str | None, typer.Option("--system", help="Only in this system.")]


@requests_app.callback()
def requests() -> None:
    """The register of requests, and what staff do with it."""


@requests_app.command("list")
def list_requests(
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
    open_only: Annotated[bool, typer.Option("--open", help="Leave out what is closed.")] = False,
) -> None:
    """List requests, the most urgent first, the closed last."""
    with store_of(settings_in(config)) as database, database.read() as tx:
        from storage import register

        found = register.list_requests(tx, only_open=open_only)
    if as_json:
        for request in found:
            print_json(row(request))
        return
    rows = [
        [
            each.reference,
            kind(each),
            each.state,
            str(each.received_on),
            str(each.due or ""),
            each.sender or "?",
        ]
        for each in found
    ]
    print_table(("request", "type", "state", "received", "due", "from"), rows, "The register is empty.")


@requests_app.command("show")
def show(reference: Reference, config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Show one request: what is owed, and all that happened."""
    settings = settings_in(config)
    with store_of(settings) as database, database.read() as tx:
        from storage import confirmations, evidence, outbox, register

        request = register.find_request(tx, reference.upper())
        history = register.history_of(tx, reference.upper())
        messages = evidence.messages_of(tx, reference.upper())
        letters = outbox.list_letters(tx, reference.upper())
        changes = register.changes_of(tx, reference.upper())
        asked = confirmations.of_request(tx, reference.upper())
    if request is None:
        raise NoSuchRequest(reference)
    if as_json:
        print_json({**row(request), "changes": [asdict(change) for change in changes]})
        return
    zone = ZoneInfo(settings.operator.timezone)
    print_lines(told(request, zone))
    print_lines(f"asked: {each.field} → {each.new}" + (f" (was {each.old})" if each.old else "") for each in changes)
    print_lines(asked_back(request, asked, changes, zone, datetime.now(UTC)))
    print_lines(line for message in messages for line in quoted(message, zone))
    print_lines(written(request, messages, letters))
    print_lines(remembered(history, zone))


@requests_app.command("approve")
def approve(
    reference: Reference,
    what: Annotated[str | None, typer.Argument(metavar="WHAT", help="One duty, as destroy; else what the person asked for.")] = None,
    proof: Annotated[
        str | None, typer.Option("--proof", help="What you saw of a person whose old mailbox is lost; it stays in the history.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Carry out in mailbot's own store what is asked.

    Only this changes that store. What cannot be undone is carried out where the person asked for just that, or where you name it.
    An address is replaced by another one where both have said yes, or on other proof: --proof "saw the identity card".
    """
    from mailbot import staff

    act_on(config, reference, lambda acting, reference: staff.approve(acting, reference, what=what, proof=proof))


@requests_app.command("done")
def done(
    reference: Reference,
    what: Annotated[
        str | None, typer.Argument(metavar="WHAT", help="One duty, as amend or destroy. Needed where more than one is owed.")
    ] = None,
    system: OnlySystem = None,
    answer: Annotated[
        str | None, typer.Option("--answer", help="Your answer to a question or an objection, in the person's language: the letter has it.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Tick off what was done; the last tick closes.

    It says that you did it, and does nothing itself: mailbot's own store is changed by `approve`, and that part stays open until then.

    When nothing is owed any more, the request is closed and the person is told what was done. A question and an objection you answer
    with --answer, or yourself: then no letter goes. Nor does one of an access, an inquiry of the authority and a held message, which you
    answer in another way. Nor does one of an opt_out, which has had its letter.
    """
    from mailbot import staff

    act_on(config, reference, lambda acting, reference: staff.tick_off(acting, reference, what=what, system=system, answer=answer))


@requests_app.command("postpone")
def postpone(
    reference: Reference, day: Annotated[str, typer.Argument(metavar="DAY", help="2026-11-25 or 25.11.2026.")], config: ConfigOption = None
) -> None:
    """Note that it is taken up again on DAY.

    The due date stays what it is: the law knows no extension.
    """
    from mailbot import staff

    until = read_day(day, "DAY")
    act_on(config, reference, lambda acting, reference: staff.postpone(acting, reference, until))


@requests_app.command("reopen")
def reopen(
    reference: Reference,
    what: Annotated[str | None, typer.Argument(metavar="WHAT", help="Take this tick back; of an open request too.")] = None,
    system: OnlySystem = None,
    config: ConfigOption = None,
) -> None:
    """Give a request back to staff, or take a tick back.

    What is taken back is owed again, with its old due date; what mailbot destroyed stays destroyed. The subscriber is not changed:
    who wants messages again gets them by `mailbot subscribers resume`.
    """
    from mailbot import staff

    act_on(config, reference, lambda acting, reference: staff.reopen(acting, reference, what=what, system=system))


@requests_app.command("legal-hold")
def legal_hold(
    reference: Reference,
    why: Annotated[str | None, typer.Option("--why", help="Which proceedings or duty; the digest names it.")] = None,
    config: ConfigOption = None,
    *,
    lift: Annotated[bool, typer.Option("--lift", help="End the hold.")] = False,
) -> None:
    """Let nothing of a request be destroyed.

    Whatever its age and whoever asks, until the hold is lifted; the digest names it.
    """
    from mailbot import retention

    if lift == (why is not None):
        raise typer.BadParameter("give --why TEXT, or --lift")
    with desk_of(settings_in(config)) as desk:
        retention.hold_request(desk, reference.upper(), typed_by(), why)
    print_lines([f"{reference.upper()}: {'the hold is lifted' if lift else 'on legal hold'}"])


@requests_app.command("resume")
def resume(config: ConfigOption = None) -> None:
    """End a wave: mailbot carries out by itself again what it may.

    A wave is a time in which more unproven requests come than limits.surge_an_hour allows. What has waited because of it stays with
    you: look at each, and carry out what is genuine with `mailbot requests approve`.
    """
    from storage import waves

    settings, now = settings_in(config), datetime.now(UTC)
    with store_of(settings) as database, database.write() as tx:
        extent = waves.extent(tx, now)
        waves.end(tx, typed_by(), now)
    if extent is None:
        raise NoWave
    began = extent.wave.began_at.astimezone(ZoneInfo(settings.operator.timezone))
    print_lines([f"The wave is over that went on since {began:%Y-%m-%d %H:%M %z}. Unproven requests that came: {extent.came}."])
    print_lines(f"waits for you because of it: {reference}" for reference in extent.stopped)
    print_lines([] if extent.stopped else ["Nothing waits for you because of it."])


def act_on(config: Path | None, reference: str, act: "Callable[[Acting, str], Registered]") -> None:
    """Do one act in the operator's name and tell what it changed."""
    from mailbot.closing import is_untold
    from mailbot.desk import Acting
    from mailbot.retention import follow_up, retention_order
    from storage import register

    settings = settings_in(config)
    with desk_of(settings) as desk:
        with desk.database.write() as tx:
            before = register.find_request(tx, reference.upper())
            after = act(Acting(tx, desk, typed_by()), reference.upper())
            untold = is_untold(tx, after)
        follow_up(desk, retention_order(settings))
    print_lines(_changed(before or after, after))
    print_lines(["no letter may go to the person: tell them in another way"] if untold else [])


def _changed(before: "Registered", after: "Registered") -> Iterator[str]:
    """Yield where a request stands: what was ticked just now, and what is open."""
    from rules.life import OPEN

    yield f"{after.reference}: {after.state}"
    was_open = {owed.id for owed in before.obligations if not owed.met_at}
    yield from (f"done: {owed.what} ({owed.system})" for owed in after.obligations if owed.met_at and owed.id in was_open)
    if after.state not in OPEN:
        return
    still_open = [owed for owed in after.obligations if not owed.met_at]
    for owed in still_open:
        yield f"{'still open' if owed.id in was_open else 'owed again'}: {owed.what} ({owed.system}), due {owed.due or 'not yet known'}"
    if not still_open:
        yield f"nothing is owed: `mailbot requests done {after.reference}` closes it"
