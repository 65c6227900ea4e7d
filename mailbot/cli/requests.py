"""``mailbot requests``: the register, and what staff do with it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
from mailbot.errors import NoSuchRequest

if TYPE_CHECKING:
    from mailbot.desk import Desk
    from storage.evidence import KeptMessage
    from storage.register import Happening, Registered

LINES_QUOTED, LONGEST_QUOTE = 12, 200

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
    """List requests, the most urgent first, the closed last."""
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
            _kind(each),
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
    """Show one request: who asks what, what is owed."""
    with store_of(settings_in(config)) as database, database.read() as tx:
        from storage import evidence, register

        request = register.find_request(tx, reference.upper())
        history = register.history_of(tx, reference.upper())
        messages = evidence.messages_of(tx, reference.upper())
    if request is None:
        raise NoSuchRequest(reference)
    if as_json:
        print_json(_row(request))
    else:
        print_lines(_told(request))
        print_lines(line for message in messages for line in _quoted(message))
        print_lines(_remembered(history))


@requests_app.command("approve")
def approve(reference: Reference, config: ConfigOption = None) -> None:
    """Carry out in mailbot's own store what is asked."""
    from mailbot import staff

    _act(config, lambda desk, who: staff.approve(desk, reference.upper(), who))


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

    _act(config, lambda desk, who: staff.refuse(desk, reference.upper(), who, ground))


@requests_app.command("done")
def done(
    reference: Reference,
    what: Annotated[str | None, typer.Argument(metavar="[WHAT]", help="One obligation, as amend or destroy; else all open ones.")] = None,
    system: Annotated[str | None, typer.Option("--system", help="Only in this system.")] = None,
    config: ConfigOption = None,
) -> None:
    """Tick off what was done; the last tick closes.

    When nothing is owed any more, the request is closed and the person is told what was done. An access, a question, an
    objection, an inquiry of the authority and a held message you answer yourself: no letter goes.
    """
    from mailbot import staff

    _act(config, lambda desk, who: staff.tick_off(desk, reference.upper(), who, what=what, system=system))


@requests_app.command("postpone")
def postpone(
    reference: Reference, day: Annotated[str, typer.Argument(metavar="DAY", help="2026-11-25 or 25.11.2026.")], config: ConfigOption = None
) -> None:
    """Note that it is taken up again on DAY.

    The due date stays what it is: the law knows no extension.
    """
    from mailbot import staff

    until = read_day(day, "DAY")
    _act(config, lambda desk, who: staff.postpone(desk, reference.upper(), who, until))


@requests_app.command("reopen")
def reopen(reference: Reference, config: ConfigOption = None) -> None:
    """Give a closed request back to staff.

    Of an opt_out the stop of messages is lifted, and owed again.
    """
    from mailbot import staff

    _act(config, lambda desk, who: staff.reopen(desk, reference.upper(), who))


def _act(config: Path | None, act: "Callable[[Desk, str], Registered]") -> None:
    """Do one act in the operator's name and tell where the request stands now."""
    with desk_of(settings_in(config)) as desk:
        request = act(desk, typed_by())
    print_lines(
        [
            f"{request.reference}: {request.state}",
            *(f"still open: {each.what} ({each.system})" for each in request.obligations if not each.met_at),
        ]
    )


def _kind(request: "Registered") -> str:
    """Say what a request is; of a held one, what it may be."""
    if request.outcome != "held":
        return request.type or "?"
    may_be = request.may_be or ((request.type,) if request.type else ())
    return "held: " + (", ".join(may_be[:3]) + ("..." if len(may_be) > 3 else "") if may_be else "a person must look")


def _told(request: "Registered") -> Iterator[str]:
    """Yield a request as people read it."""
    yield f"{request.reference}  {_kind(request)}  {request.state}  received {request.received_on}  due {request.due or '-'}"
    yield f"from: {request.sender or 'nobody that can be named'}   language: {request.language or 'not clear'}"
    yield f"why: {request.reason}"
    words = {"words": request.matched, "clause": request.clause, "certainty": request.certainty, "proof of sender": request.standing}
    yield "   ".join(f"{name}: {value or '-'}" for name, value in words.items())
    if request.postponed_to:
        yield f"postponed to {request.postponed_to}"
    for flag in request.flags:
        yield f"notice: {flag.replace('_', ' ')}"
    for owed in request.obligations:
        met = f"met {owed.met_at:%Y-%m-%d} by {owed.met_by}" if owed.met_at else f"due {owed.due or 'not yet known'}"
        yield from (f"- {owed.what} ({owed.system}): {met}", f"    {owed.source}", f"    {owed.arithmetic}")
        yield from (f"    not governing: {lost['source']}, due {lost['due'] or 'without a number'}" for lost in owed.losing)


def _quoted(message: "KeptMessage") -> Iterator[str]:
    """Yield what the person wrote: subject, the first lines, the names of what was attached."""
    from rules.message import read_header

    yield f"message of {message.received_at:%Y-%m-%d %H:%M} UTC: {read_header(message.header).subject or '(no subject)'}"
    lines = [line.strip() for line in (message.text or "").splitlines() if line.strip()]
    yield from (f"    > {line[:LONGEST_QUOTE]}" for line in lines[:LINES_QUOTED])
    if len(lines) > LINES_QUOTED:
        yield f"    > ... {len(lines) - LINES_QUOTED} more lines"
    yield from (f"    attached: {name}" for name in message.attachments)


def _remembered(history: "tuple[Happening, ...]") -> Iterator[str]:
    """Yield what happened to a request, in order."""
    for event in history:
        detail = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in event.detail.items())
        yield f"{event.at:%Y-%m-%d %H:%M} UTC  {event.what.replace('_', ' ')}  {event.who}" + (f"  ({detail})" if detail else "")


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
