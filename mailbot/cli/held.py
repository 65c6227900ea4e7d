"""``mailbot held``: everything that a person must look at: messages that were set aside, and entries of the register that are held."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from mailbot.cli.quoting import quoted
from mailbot.cli.terms import (
    ConfigOption,
    JsonOption,
    print_json,
    print_lines,
    print_table,
    settings_in,
    store_failures_told,
    store_of,
    typed_by,
    visible,
)
from mailbot.errors import Problem, TemporaryFailure

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mailbot.daemon import Works
    from rules.message import Message
    from rules.place import Place
    from storage.evidence import KeptMessage
    from storage.ledger import Note, SetAside
    from storage.register import Registered

READ_TO_BE_SHOWN = 65_536
"""Bytes of a message that are read to show how it begins: what was set aside may be a bomb."""

WHY = {
    "could_not_be_read": "mailbot could not read it",
    "header_too_large": "its header is larger than mailbot reads",
    "never_delivered": "the mail server lists it and does not deliver it",
    "settled_by_staff": "staff settled it",
}

held_app = typer.Typer(name="held", help="What a person must look at.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="ID", help="As `mailbot held list` shows it: m123, or a request's reference.")]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that a person must look at."""

    name: str
    outcome: str
    received: date
    why: str
    due: date | None
    place: "Place"


@held_app.callback()
def held() -> None:
    """What a person must look at."""


@held_app.command("list")
def list_held(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """List everything that nobody has settled yet.

    First what was set aside, for nobody knows by when it is due; then what is held, by due date.
    """
    settings = settings_in(config)
    with store_of(settings) as database, database.read() as tx:
        waiting = _waiting(tx, ZoneInfo(settings.operator.timezone))
    if as_json:
        for each in waiting:
            print_json(_row(each))
        return
    rows = [[each.name, str(each.received), each.why, str(each.due or ""), f"{each.place.folder}/{each.place.uid}"] for each in waiting]
    print_table(("id", "received", "why", "due", "folder/UID"), rows, "Nothing waits for a person to look at it.")


@held_app.command("show")
def show(
    name: Name,
    config: ConfigOption = None,
    *,
    raw_file: Annotated[Path | None, typer.Option("--raw", metavar="FILE", help="Write the bytes that were kept into a new file.")] = None,
) -> None:
    """Show why a message waits, and what is kept of it."""
    settings = settings_in(config)
    with store_of(settings) as database, database.read() as tx:
        from storage import evidence

        waiting, notes = _found(tx, name, ZoneInfo(settings.operator.timezone))
        kept, raw = evidence.message_at(tx, waiting.place), evidence.raw_at(tx, waiting.place)
    if raw_file is not None:
        _write_raw(waiting.name, raw, raw_file)
        return
    print_lines(_told(waiting, kept, raw))
    print_lines(_remembered(notes))
    sys.stdout.flush()  # should the message trip us again, this much was told
    if kept is not None:
        print_lines(quoted(lambda: _read(kept, raw)))
        print_lines(f"    attached: {attached}" for attached in kept.attachments)
    print_lines(_next(waiting))


@held_app.command("retry")
def retry(
    name: Annotated[str | None, typer.Argument(metavar="ID", help="A message that was set aside, as m123.")] = None,
    config: ConfigOption = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Everything that was set aside.")] = False,
) -> None:
    """Take in again what was set aside.

    It goes the way of every other message, with the day on which it was received: from the bytes that were kept, or from the
    mailbox where none were. What trips again stays set aside, and the exit status is 1.
    """
    if (name is None) != everything:
        raise typer.BadParameter("name one message, or type --all", param_hint="ID")
    only = None if name is None else _row_named(name)
    settings = settings_in(config)
    from mailbot.daemon import Works
    from mailbot.logs import set_up_logs

    set_up_logs()
    with store_failures_told():
        works = Works(settings)
        try:
            tripped = [problem for row in _rows(works, only) if (problem := _retry(works, row)) is not None]
        finally:
            works.desk.database.close()
    if tripped:
        is_temporary = all(problem.transient for problem in tripped)
        raise (TemporaryFailure if is_temporary else Problem)("\n".join(map(str, tripped)))


@held_app.command("drop")
def drop(
    name: Annotated[str, typer.Argument(metavar="ID", help="A message that was set aside, as m123.")],
    reason: Annotated[str, typer.Option("--reason", help="Why there is nothing to do; it is kept with your name.")],
    config: ConfigOption = None,
) -> None:
    """Take a message off the list: there is nothing to do.

    Its line in the ledger and what is kept of it stay. A request that is held is closed by `mailbot requests done`.
    """
    if not reason.strip():
        raise typer.BadParameter("say why there is nothing to do", param_hint="--reason")
    row = _row_named(name)
    with store_of(settings_in(config)) as database, database.write() as tx:
        from storage import ledger

        if not ledger.settle_set_aside(tx, row, typed_by(), reason, datetime.now(UTC)):
            raise _nothing_called(name)
    print_lines([f"m{row}: off the list"])


def _rows(works: "Works", only: int | None) -> list[int]:
    """Return the one that was named, or all."""
    from storage import ledger

    if only is not None:
        return [only]
    with works.desk.database.read() as tx:
        return [aside.row for aside in ledger.set_aside(tx)]


def _retry(works: "Works", row: int) -> Problem | None:
    """Take one message in again and tell what became of it; return what kept it from that."""
    from mailbot import held

    try:
        entry = held.retry(works.desk, works.addresses, row, typed_by())
    except Problem as problem:
        return problem
    print_lines([" ".join(filter(None, (f"m{row}: {entry.outcome.replace('_', ' ')}", entry.reference)))])
    return None


def _waiting(tx: "Connection", zone: ZoneInfo) -> list[Waiting]:
    from rules.vocabulary import Outcome
    from storage import ledger, register

    held_ones = [request for request in register.list_requests(tx, only_open=True) if request.outcome is Outcome.HELD]
    return [*(_aside(each, zone) for each in ledger.set_aside(tx)), *map(_entry, held_ones)]


def _found(tx: "Connection", name: str, zone: ZoneInfo) -> "tuple[Waiting, Iterable[Note]]":
    """Return what is called so, and what staff did with it where the register does not tell."""
    from rules.vocabulary import Outcome
    from storage import ledger, register

    if (row := _number(name)) is not None:
        if (aside := ledger.find_set_aside(tx, row)) is not None:
            return _aside(aside, zone), ledger.notes_on(tx, row)
    elif (request := register.find_request(tx, name.upper())) is not None and request.outcome is Outcome.HELD:
        return _entry(request), ()
    raise _nothing_called(name)


def _nothing_called(name: str) -> Problem:
    return Problem(f"nothing that is called {name} waits for a person; `mailbot held list` shows what does")


def _aside(aside: "SetAside", zone: ZoneInfo) -> Waiting:
    received = aside.received_at.astimezone(zone).date()
    return Waiting(aside.name, "shunted", received, WHY.get(aside.reason, aside.reason.replace("_", " ")), None, aside.place)


def _entry(request: "Registered") -> Waiting:
    return Waiting(request.reference, "held", request.received_on, request.reason.replace("_", " "), request.due, request.place)


def _number(name: str) -> int | None:
    """Return the number of a message that was set aside; None of what is called otherwise."""
    found = re.fullmatch(r"m([0-9]{1,18})", name.lower())
    return int(found[1]) if found else None


def _row_named(name: str) -> int:
    row = _number(name)
    if row is None:
        raise Problem(
            f"{name} is no message that was set aside, as m123 is; of an entry of the register see `mailbot requests show {name}`"
        )
    return row


def _told(waiting: Waiting, kept: "KeptMessage | None", raw: bytes | None) -> Iterator[str]:
    """Yield what is known without reading the message."""
    place = waiting.place
    yield f"{waiting.name}  {waiting.outcome}  received {waiting.received}  due {waiting.due or 'not known'}"
    yield f"why: {waiting.why}"
    yield f"place: UID {place.uid} of folder {place.folder} ({place.inbox}, UIDVALIDITY {place.uidvalidity})"
    if raw is not None:
        yield f"kept: {len(raw)} bytes, as they came"
    elif kept is not None and kept.header:
        yield f"kept: {len(kept.header)} bytes of header" + (f", {len(kept.text.encode())} bytes of text" if kept.text else "")
    else:
        yield "kept: nothing"


def _next(waiting: Waiting) -> Iterator[str]:
    """Yield what staff can do about it."""
    if waiting.outcome == "held":
        yield f"next: say what it is, as `mailbot requests mark {waiting.name} access`, or `... ordinary`"
    elif waiting.why != WHY["settled_by_staff"]:
        yield f"next: `mailbot held retry {waiting.name}`, or `mailbot held drop {waiting.name} --reason TEXT`"


def _remembered(notes: "Iterable[Note]") -> Iterator[str]:
    for note in notes:
        detail = ", ".join(f"{name}: {value}" for name, value in note.detail.items())
        yield f"{note.at:%Y-%m-%d %H:%M} UTC  {note.what}  {note.who}  ({detail})"


def _read(kept: "KeptMessage", raw: bytes | None) -> "Message":
    from rules.message import read, read_header

    return read(raw[:READ_TO_BE_SHOWN]) if raw is not None else replace(read_header(kept.header), text=kept.text)


def _write_raw(name: str, raw: bytes | None, path: Path) -> None:
    """Write a message as it came into a file that only its owner can read, and that was not there."""
    if raw is None:
        raise Problem(f"{name} was not kept byte for byte; `mailbot held show {name}` shows what is kept")
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(raw)
    except OSError as error:
        raise Problem(f"{path} cannot be written: {(error.strerror or 'unknown error').lower()}") from error
    print_lines([f"{name}: {len(raw)} bytes written to {visible(str(path))}"])


def _row(waiting: Waiting) -> dict[str, object]:
    place = waiting.place
    return {
        "id": waiting.name,
        "outcome": waiting.outcome,
        "received": waiting.received,
        "due": waiting.due,
        "why": waiting.why,
        "inbox": place.inbox,
        "folder": place.folder,
        "uidvalidity": place.uidvalidity,
        "uid": place.uid,
    }
