"""``mailbot subscribers``: who is on file."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from mailbot.cli.terms import (
    ConfigOption,
    JsonOption,
    desk_of,
    print_json,
    print_lines,
    settings_in,
    store_of,
    typed_by,
    visible,
)
from mailbot.errors import Problem

if TYPE_CHECKING:
    from mailbot.importing import Refusal
    from storage.subscribers import Subscriber

subscribers_app = typer.Typer(name="subscribers", help="Who is on file, and to whom nothing is sent.", no_args_is_help=True)


@subscribers_app.callback()
def subscribers() -> None:
    """Who is on file, and to whom nothing is sent."""


@subscribers_app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV; its first line names the columns.")],
    config: ConfigOption = None,
) -> None:
    """Put the people of a CSV file on file.

    Columns: email (needed), phone, surname, given_name, patronymic, consents, consent_since, consent_evidence. Several consents are
    joined by +, as informing+transfer. Refused lines are told on standard error and the others go in. Exit status: 0 all went in,
    1 some lines did not.
    """
    from mailbot.importing import count_lines, import_subscribers

    settings = settings_in(config)
    now = datetime.now(UTC)
    today = now.astimezone(ZoneInfo(settings.operator.timezone)).date()
    try:
        lines = count_lines(file)
        with store_of(settings) as database, _progress(lines) as advance:
            done = import_subscribers(database, file, now, today, _tell, advance)
    except OSError as error:
        raise Problem(f"{file} cannot be read: {(error.strerror or 'unknown error').lower()}") from error
    print_lines([f"{done.added} put on file, {done.refused} lines refused."])
    if done.refused:
        sys.exit(1)


@subscribers_app.command("show")
def show(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="An e-mail address.")],
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show who has this address, and whether messages stop."""
    from rules.addresses import canonical, mailbox_key

    plain = canonical(address)
    if plain is None:
        raise typer.BadParameter(f"{visible(address)} is not an e-mail address", param_hint="ADDRESS")
    with store_of(settings_in(config)) as database, database.write() as tx:
        from storage.evidence import keys_of
        from storage.subscribers import find_subscriber, suppressed_since

        person = find_subscriber(tx, mailbox_key(plain))
        since = suppressed_since(tx, keys_of(tx).of_address(mailbox_key(plain)))
    if person is None and since is None:
        raise Problem(f"{address} is not on file, and messages to it are not stopped")
    if as_json:
        print_json(_row(plain, person, since))
    else:
        print_lines(_told(_row(plain, person, since)))


@subscribers_app.command("resume")
def resume(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="An e-mail address.")],
    config: ConfigOption = None,
) -> None:
    """Send messages to an address again.

    Only when the person wants them again: whatever request had stopped them, the stop is lifted, and its history says so.
    """
    from mailbot import staff
    from rules.addresses import canonical, mailbox_key

    plain = canonical(address)
    if plain is None:
        raise typer.BadParameter(f"{visible(address)} is not an e-mail address", param_hint="ADDRESS")
    with desk_of(settings_in(config)) as desk:
        lifted = staff.resume_messages(desk, mailbox_key(plain), typed_by())
    if not lifted:
        raise Problem(f"{address}: messages to it are not stopped")
    print_lines([f"Messages to it are no longer stopped ({', '.join(lifted)})."])


def _row(address: str, person: "Subscriber | None", suppressed_since: datetime | None) -> dict[str, object]:
    known: dict[str, object] = {**person.names, **person.more} if person else {}
    return known | {
        "address": address,
        "on_file": person is not None,
        "emails": [value for kind, value in person.contacts if kind == "email"] if person else [],
        "phones": [value for kind, value in person.contacts if kind == "phone"] if person else [],
        "consents": [{"scope": each.scope, "since": each.since, "until": each.until} for each in person.consents] if person else [],
        "suppressed": suppressed_since is not None,
        "suppressed_since": suppressed_since,
        "blocked": person is not None and person.blocked_at is not None,
    }


def _told(row: dict[str, object]) -> Iterator[str]:
    """Yield what is on file as people read it."""
    for name, value in row.items():
        shown = ", ".join(map(_in_words, value)) if isinstance(value, list) else _in_words(value)
        yield f"{name.replace('_', ' ')}: {shown or '-'}"


def _in_words(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case {"scope": scope, "since": since, "until": until}:
            return f"{scope} since {since}" + (f" until {until}" if until else "")
        case _:
            return str(value)


def _tell(refusal: "Refusal") -> None:
    sys.stderr.write(f"line {refusal.line}, {refusal.field}: {visible(refusal.why)}\n")


@contextmanager
def _progress(lines: int) -> Iterator[Callable[[int], None]]:
    """Show a bar to a person at a terminal; it gives way to what is written while it stands."""
    if not sys.stderr.isatty():
        yield lambda _lines: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("importing", total=lines)
        yield lambda done: progress.update(task, completed=done)
