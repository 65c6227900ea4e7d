"""``mailbot requests``: the register, and what staff do with it."""

import getpass
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailbot.cli.terms import (
    ConfigOption,
    JsonOption,
    print_json,
    print_lines,
    print_table,
    read_day,
    settings_in,
    store_failures_told,
    store_of,
)
from mailbot.errors import NoSuchRequest

if TYPE_CHECKING:
    from mailbot.desk import Desk
    from storage.register import Happening, Registered

requests_app = typer.Typer(name="requests", help="The register of requests, and what staff do with it.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(metavar="REFERENCE", help="The request's reference, as 2026-00042-K.")]


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
    """List requests and held messages, the most urgent first."""
    with store_of(settings_in(config)) as database, database.read() as tx:
        from storage import register

        found = register.list_requests(tx, only_open=open_only)
    if as_json:
        for request in found:
            print_json(_row(request))
        return
    rows = [
        [
            each.reference,
            each.type or f"held: {', '.join(each.may_be[:2]) or 'a person must look'}",
            each.state,
            str(each.received_on),
            str(each.due or ""),
        ]
        for each in found
    ]
    print_table(("request", "type", "state", "received", "due"), rows, "The register is empty.")


@requests_app.command("show")
def show(reference: Reference, config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Show one request: what is owed by when, what happened."""
    with store_of(settings_in(config)) as database, database.read() as tx:
        from storage import register

        request = register.find_request(tx, reference)
        history = register.history_of(tx, reference)
    if request is None:
        raise NoSuchRequest(reference)
    if as_json:
        print_json(_row(request))
    else:
        print_lines(_told(request, history))


@requests_app.command("approve")
def approve(reference: Reference, config: ConfigOption = None) -> None:
    """Carry out in mailbot's own store what is asked."""
    from mailbot import staff

    _act(config, lambda desk, who: staff.approve(desk, reference, who))


@requests_app.command("refuse")
def refuse(
    reference: Reference,
    ground: Annotated[
        str, typer.Option("--ground", help="The ground with its article, in the person's language: it stands in the letter.")
    ],
    config: ConfigOption = None,
) -> None:
    """Refuse on a written ground, and tell the person.

    The letter names the ground and the right of appeal.
    """
    from mailbot import staff

    _act(config, lambda desk, who: staff.refuse(desk, reference, who, ground))


@requests_app.command("done")
def done(
    reference: Reference,
    what: Annotated[str | None, typer.Argument(metavar="[WHAT]", help="One obligation, as amend or destroy; else all open ones.")] = None,
    system: Annotated[str | None, typer.Option("--system", help="Only in this system.")] = None,
    config: ConfigOption = None,
) -> None:
    """Tick off what was done; the last tick closes.

    When nothing is owed any more, the request is carried out and the person is told.
    """
    from mailbot import staff

    _act(config, lambda desk, who: staff.tick_off(desk, reference, who, what=what, system=system))


@requests_app.command("postpone")
def postpone(reference: Reference, day: Annotated[str, typer.Argument(metavar="DAY")], config: ConfigOption = None) -> None:
    """Be reminded again on DAY; the due date stays what it is."""
    from mailbot import staff

    until = read_day(day, "DAY")
    _act(config, lambda desk, who: staff.postpone(desk, reference, who, until))


@requests_app.command("reopen")
def reopen(reference: Reference, config: ConfigOption = None) -> None:
    """Give a closed request back to staff."""
    from mailbot import staff

    _act(config, lambda desk, who: staff.reopen(desk, reference, who))


def _act(config: Path | None, act: "Callable[[Desk, str], Registered]") -> None:
    """Do one act in the operator's name and tell where the request stands now."""
    from mailbot.desk import set_up_desk

    with store_failures_told():
        desk = set_up_desk(settings_in(config), lambda: datetime.now(UTC))
        try:
            request = act(desk, _who())
        finally:
            desk.database.close()
    print_lines([f"{request.reference}: {request.state}"])


def _who() -> str:
    """Name the person at the keyboard, as far as the system knows."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        name = str(os.getuid())
    return f"staff:{name}"[:60]


def _told(request: "Registered", history: "tuple[Happening, ...]") -> Iterator[str]:
    """Yield a request as people read it."""
    yield f"{request.reference}  {request.type or 'held'}  {request.state}  received {request.received_on}  due {request.due or '-'}"
    yield f"why: {request.reason}"
    words = {"words": request.matched, "clause": request.clause, "certainty": request.certainty, "sender": request.standing}
    yield "   ".join(f"{name}: {value or '-'}" for name, value in words.items())
    if request.postponed_to:
        yield f"postponed to {request.postponed_to}"
    for flag in request.flags:
        yield f"notice: {flag.replace('_', ' ')}"
    for owed in request.obligations:
        met = f"met {owed.met_at:%Y-%m-%d} by {owed.met_by}" if owed.met_at else f"due {owed.due or 'not yet known'}"
        yield from (f"- {owed.what} ({owed.system}): {met}", f"    {owed.source}", f"    {owed.arithmetic}")
        yield from (f"    not governing: {lost['source']}, due {lost['due'] or 'without a number'}" for lost in owed.losing)
    for event in history:
        detail = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in event.detail.items())
        yield f"{event.at:%Y-%m-%d %H:%M} UTC  {event.what}  {event.who}" + (f"  ({detail})" if detail else "")


def _row(request: "Registered") -> dict[str, object]:
    return {
        "reference": request.reference,
        "type": request.type,
        "state": request.state,
        "received": request.received_on,
        "due": request.due,
        "language": request.language,
        "outcome": request.outcome,
        "standing": request.standing,
        "inbox": request.place.inbox,
        "folder": request.place.folder,
        "uidvalidity": request.place.uidvalidity,
        "uid": request.place.uid,
        "clause": request.clause,
        "matched": request.matched,
        "certainty": request.certainty,
        "reason": request.reason,
        "may_be": list(request.may_be),
        "flags": list(request.flags),
        "obligations": [
            {"what": each.what, "system": each.system, "source": each.source, "starts": each.starts, "due": each.due, "met": each.met_at,
             "arithmetic": each.arithmetic}
            for each in request.obligations
        ],
    }  # fmt: skip
