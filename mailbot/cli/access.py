"""``mailbot access``: what is held of the person who asks, for staff to look at and to release."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailbot.cli.terms import ConfigOption, JsonOption, desk_of, print_json, print_lines, settings_in, typed_by
from mailbot.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailbot.access import Account
    from mailbot.config import Retention
    from mailbot.desk import Desk
    from storage.register import Registered

access_app = typer.Typer(name="access", help="What is held of a person who asks, and its release.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(metavar="REFERENCE", help="The access request's reference, as 2026-00042-K.")]


@access_app.callback()
def access() -> None:
    """What is held of a person who asks, and its release."""


@access_app.command("show")
def show(
    reference: Reference,
    config: ConfigOption = None,
    *,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the page that the person gets, for a browser and for paper.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is held of the person who asks.

    Nothing is sent. Identity and card numbers are masked, as they are for the person.
    """
    from mailbot.access import as_json as written
    from mailbot.access import as_page

    settings = settings_in(config)
    with desk_of(settings) as desk:
        request, account = _account(desk, reference.upper(), settings.retention)
    if html is not None:
        _write(html, as_page(account, request.language))
        print_lines([f"{html} is written; a browser shows it"])
    if as_json:
        print_json(json.loads(written(account)))
    elif html is None:
        print_lines(_told(json.loads(written(account))))
        print_lines([f"Nothing was sent. `mailbot access release {request.reference}` sends the page to the address on file."])


@access_app.command("release")
def release(
    reference: Reference,
    config: ConfigOption = None,
    *,
    note: Annotated[str, typer.Option("--note", help="Words for the letter, in the person's language.")] = "",
    proof: Annotated[str, typer.Option("--proof", help="How you made sure who asks, where the sender confirmed nothing.")] = "",
    nothing: Annotated[bool, typer.Option("--nothing", help="Say that nothing is held; look in the other systems first.")] = False,
) -> None:
    """Send the person what is held, as `show` shows it.

    One letter goes to the address on file, with the page and the same as JSON. The request's history says who released it.
    """
    from mailbot import staff
    from mailbot.access import Release
    from mailbot.desk import Acting

    settings = settings_in(config)
    with desk_of(settings) as desk, desk.database.write() as tx:
        after = staff.release(Acting(tx, desk, typed_by()), reference.upper(), Release(note, proof, nothing), settings.retention)
    print_lines(
        [f"{after.reference}: {after.state}", "the letter is queued; the daemon sends it soon, without a daemon `mailbot run --once` does"]
    )
    print_lines(
        f"still open: {owed.what} ({owed.system}), due {owed.due or 'not yet known'}" for owed in after.obligations if not owed.met_at
    )


def _account(desk: "Desk", reference: str, retention: "Retention") -> "tuple[Registered, Account]":
    """Gather what is held of the person of a request."""
    from mailbot.access import account_of, person_of
    from mailbot.staff import found
    from storage.access import what_is_held

    with desk.database.read() as tx:
        request = found(tx, reference)
        person = person_of(tx, request)
        if person is None:
            raise Problem(f"{reference}: its sender's address is not on file here; look in the other systems")
        return request, account_of(desk, request, what_is_held(tx, person.subscriber_id), retention)


def _told(value: object, path: str = "") -> "Iterator[str]":
    """Yield an account as lines, each with the way to its value: ``held.contacts.1.value: …``."""
    match value:
        case dict():
            for name, each in value.items():
                yield from _told(each, f"{path}.{name}" if path else name)
        case list():
            for number, each in enumerate(value, start=1):
                yield from _told(each, f"{path}.{number}")
        case None:
            return
        case _:
            yield f"{path}: {value}"


def _write(file: Path, page: str) -> None:
    """Write the page for its owner only, whoever could read what stood there before."""
    try:
        with os.fdopen(os.open(file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8") as opened:
            os.fchmod(opened.fileno(), 0o600)
            opened.write(page)
    except OSError as error:
        raise Problem(f"{file} cannot be written: {(error.strerror or 'unknown error').lower()}") from error
