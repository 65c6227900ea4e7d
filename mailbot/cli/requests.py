"""``mailbot requests``: the register, and what staff do with it."""

import getpass
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from mailbot.cli.terms import ConfigOption, JsonOption, print_json, print_table, read_day, store_failures_told
from mailbot.config import load_config

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
    from storage import register
    from storage.database import open_database

    with store_failures_told(), open_database(load_config(config).store.url).read() as tx:
        found = register.list_requests(tx, only_open=open_only)
    if as_json:
        for request in found:
            print_json(_row(request))
        return
    rows = [
        [each.reference, each.type or f"held: {', '.join(each.may_be[:2]) or 'a person must look'}", each.state, str(each.received_on), str(each.due or "")]
        for each in found
    ]
    print_table(("request", "type", "state", "received", "due"), rows, "The register is empty.")


@requests_app.command("show")
def show(reference: Reference, config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Show one request: what is owed and why by then, and all that happened."""
    from mailbot.staff import NoSuchRequest
    from storage import register
    from storage.database import open_database

    with store_failures_told(), open_database(load_config(config).store.url).read() as tx:
        request = register.find_request(tx, reference)
        history = register.history_of(tx, reference)
    if request is None:
        raise NoSuchRequest(f"there is no request {reference}; `mailbot requests list` shows them")
    if as_json:
        print_json(_row(request))
        return
    lines = [
        f"{request.reference}  {request.type or 'held'}  {request.state}  received {request.received_on}  due {request.due or '-'}",
        f"why: {request.reason}",
        f"words: {request.matched or '-'}   clause: {request.clause or '-'}   certainty: {request.certainty or '-'}   sender: {request.standing}",
    ]
    lines += [f"notice: {flag.replace('_', ' ')}" for flag in request.flags]
    for owed in request.obligations:
        met = f"met {owed.met_at:%Y-%m-%d} by {owed.met_by}" if owed.met_at else f"due {owed.due or 'not yet known'}"
        lines += [f"- {owed.what} ({owed.system}): {met}", f"    {owed.source}", f"    {owed.arithmetic}"]
        lines += [f"    not governing: {lost['source']}, due {lost['due'] or 'without a number'}" for lost in owed.losing]
    lines += [f"{event.at:%Y-%m-%d %H:%M} UTC  {event.what}  {event.who}" for event in history]
    sys.stdout.write("\n".join(lines) + "\n")


@requests_app.command("approve")
def approve(reference: Reference, config: ConfigOption = None) -> None:
    """Carry out what the request asks in mailbot's own store."""
    from mailbot import staff

    _act(config, lambda desk, who: staff.approve(desk, reference, who))


@requests_app.command("refuse")
def refuse(
    reference: Reference,
    ground: Annotated[str, typer.Option("--ground", help="The ground with its article, in the person's language: it stands in the letter.")],
    config: ConfigOption = None,
) -> None:
    """Refuse with a written ground; the person is told, with the right of appeal."""
    from mailbot import staff

    _act(config, lambda desk, who: staff.refuse(desk, reference, who, ground))


@requests_app.command("done")
def done(
    reference: Reference,
    what: Annotated[str | None, typer.Argument(metavar="[WHAT]", help="One obligation, as amend or destroy; else all open ones.")] = None,
    system: Annotated[str | None, typer.Option("--system", help="Only in this system.")] = None,
    config: ConfigOption = None,
) -> None:
    """Tick off what was done; when nothing is owed any more, the request is closed."""
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


def _act(config: Path | None, act: "Callable[..., object]") -> None:
    """Do one act in the operator's name and tell where the request stands now."""
    from mailbot.desk import set_up_desk
    from storage.register import Registered

    with store_failures_told():
        desk = set_up_desk(load_config(config), lambda: datetime.now(UTC))
        request = act(desk, f"staff:{getpass.getuser()}")
        desk.database.close()
    if isinstance(request, Registered):
        sys.stdout.write(f"{request.reference}: {request.state}\n")


def _row(request: object) -> dict[str, object]:
    from storage.register import Registered

    if not isinstance(request, Registered):
        raise TypeError(request)
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
