"""``mailbot subscribers``: who is on file."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from mailbot.cli.terms import ConfigOption, JsonOption, print_json, store_failures_told
from mailbot.config import load_config
from mailbot.errors import Problem

subscribers_app = typer.Typer(name="subscribers", help="Who is on file, and to whom nothing is sent.", no_args_is_help=True)


@subscribers_app.callback()
def subscribers() -> None:
    """Who is on file, and to whom nothing is sent."""


@subscribers_app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a first line of column names; email is needed.")],
    config: ConfigOption = None,
) -> None:
    """Put the people of a CSV file on file; refused lines are told on standard error and the others go in."""
    from rich.console import Console
    from rich.progress import Progress

    from mailbot.importing import Refusal, import_subscribers
    from storage.database import open_database

    settings = load_config(config)
    now = datetime.now(UTC)
    console = Console(stderr=True)

    def refuse(refusal: Refusal) -> None:
        console.print(f"line {refusal.line}, {refusal.field}: {refusal.why}", markup=False, highlight=False, soft_wrap=True)

    with store_failures_told(), Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        database = open_database(settings.store.url)
        try:
            task = progress.add_task("importing", total=_lines_of(file))
            today = now.astimezone(ZoneInfo(settings.operator.timezone)).date()
            done = import_subscribers(database, file, now, today, refuse, lambda lines: progress.advance(task, lines))
        except OSError as error:
            raise Problem(f"{file} cannot be read: {(error.strerror or 'unknown error').lower()}") from error
    sys.stdout.write(f"{done.added} put on file, {done.refused} lines refused.\n")
    if done.refused:
        sys.exit(1)


@subscribers_app.command("show")
def show(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="An e-mail address.")], config: ConfigOption = None, *, as_json: JsonOption = False
) -> None:
    """Show what is on file of the person with this address, and whether messages are stopped."""
    from rules.addresses import canonical, mailbox_key
    from storage.database import open_database
    from storage.evidence import keys_of
    from storage.subscribers import find_subscriber, suppressed_since

    plain = canonical(address)
    if plain is None:
        raise typer.BadParameter(f"{address} is not an e-mail address", param_hint="ADDRESS")
    with store_failures_told(), open_database(load_config(config).store.url).write() as tx:
        person = find_subscriber(tx, mailbox_key(plain))
        since = suppressed_since(tx, keys_of(tx).of_address(mailbox_key(plain)))
    if person is None and since is None:
        raise Problem(f"{address} is not on file, and messages to it are not stopped")
    row: dict[str, object] = {
        "address": plain,
        "on_file": person is not None,
        **(dict(person.names) if person else {}),
        **(dict(person.more) if person else {}),
        "emails": [value for kind, value in person.contacts if kind == "email"] if person else [],
        "phones": [value for kind, value in person.contacts if kind == "phone"] if person else [],
        "consents": [{"scope": each.scope, "since": each.since, "until": each.until} for each in person.consents] if person else [],
        "suppressed": since is not None,
        "suppressed_since": since,
        "blocked": person is not None and person.blocked_at is not None,
    }
    if as_json:
        print_json(row)
        return
    for name, value in row.items():
        if name == "consents":
            value = [f"{each.scope} since {each.since}" + (f" until {each.until}" if each.until else "") for each in (person.consents if person else ())]
        shown = ", ".join(map(str, value)) if isinstance(value, list) else {True: "yes", False: "no", None: "-"}.get(value, value)  # type: ignore[call-overload]
        sys.stdout.write(f"{name.replace('_', ' ')}: {shown or '-'}\n")


def _lines_of(file: Path) -> int:
    try:
        with file.open("rb") as lines:
            return max(0, sum(chunk.count(b"\n") for chunk in iter(lambda: lines.read(1 << 20), b"")) - 1)
    except OSError as error:
        raise Problem(f"{file} cannot be read: {(error.strerror or 'unknown error').lower()}") from error
