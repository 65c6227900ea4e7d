"""``mailbot store``: the register's database as such, what is destroyed in it, and its backups."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailbot.cli.terms import ConfigOption, desk_of, print_lines, print_table, settings_in, store_failures_told, typed_by, visible
from mailbot.errors import Problem

if TYPE_CHECKING:
    from storage.destruction import Holding

store_app = typer.Typer(name="store", help="The database that holds the register.", no_args_is_help=True)

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="An e-mail address of the person.")]


@store_app.callback()
def store() -> None:
    """The database that holds the register."""


@store_app.command("upgrade")
def upgrade(
    config: ConfigOption = None,
    *,
    backed_up: Annotated[bool, typer.Option("--backed-up", help="Make no backup: there is one. PostgreSQL's is yours to make.")] = False,
) -> None:
    """Bring the store to this version's schema; stop mailbot before.

    A store in SQLite is copied first, into a file beside it. What fails leaves the store as it was.
    """
    from mailbot.backup import back_up_before_upgrade
    from storage import database

    url = settings_in(config).store.url

    def save(store: database.Database, schema: str) -> None:
        if not url.startswith("sqlite"):
            raise Problem(f"make a backup first: {_dump(url, 'FILE')}; then: mailbot store upgrade --backed-up")
        kept = back_up_before_upgrade(store, schema, datetime.now(UTC))
        print_lines([f"The store as it was is kept in {kept}; it holds whoever is on file: remove it once all is well."])

    with store_failures_told():
        before, after = database.upgrade(url) if backed_up else database.upgrade(url, save)
    print_lines([f"The store has schema {after}" + ("." if before == after else f" (it had {before or 'none'}).")])


@store_app.command("destroy")
def destroy(
    address: Address,
    why: Annotated[str, typer.Option("--why", help="On which ground; it stands in the history of the person's last request.")],
    config: ConfigOption = None,
    *,
    depersonalise: Annotated[bool, typer.Option("--depersonalise", help="Leave the scopes and days of consents, tied to nobody.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask. Needed where nobody sits at a terminal.")] = False,
) -> None:
    """Destroy what is held of a person.

    It shows before what goes and what stays. It cannot be undone, and no import or old backup brings the person back. An open
    request of the person or a legal hold stands in its way. No letter goes: write to the person yourself where the law wants it.
    """
    from mailbot import retention

    settings = settings_in(config)
    with desk_of(settings) as desk:
        holding = retention.held_of(desk, address)
        print_lines(_told(holding))
        _need_consent(yes=yes)
        retention.destroy_by_command(desk, address, typed_by(), why, depersonalise=depersonalise)
        retention.follow_up(desk, retention.retention_order(settings))
    print_lines(["Done. In the mailbox itself, in other systems and in earlier backups it is still to be done."])


@store_app.command("ended")
def ended(config: ConfigOption = None) -> None:
    """List whose purpose has ended.

    They are on file, and the last consent ended, or staff said so: `mailbot requests event purpose_ended ADDRESS`.
    """
    from mailbot import retention

    with desk_of(settings_in(config)) as desk:
        rows = [
            [each.address or "?", str(each.on), str(due or ""), "; ".join(map(str, each.hindrances))]
            for each, due in retention.ended_now(desk)
        ]
    print_table(("address", "ended on", "destroy by", "not yet, for"), rows, "Nobody's purpose has ended.")


@store_app.command("legal-hold")
def legal_hold(
    address: Address,
    why: Annotated[str | None, typer.Option("--why", help="Which proceedings or duty; the digest names it.")] = None,
    config: ConfigOption = None,
    *,
    lift: Annotated[bool, typer.Option("--lift", help="End the hold.")] = False,
) -> None:
    """Let nothing of a person be destroyed.

    Whoever asks, until the hold is lifted; the digest names it. The person must be on file.
    """
    from mailbot import retention

    if lift == (why is not None):
        raise typer.BadParameter("give --why TEXT, or --lift")
    with desk_of(settings_in(config)) as desk:
        retention.hold_person(desk, address, why)
    print_lines(["The hold is lifted." if lift else "On legal hold: nothing of the person is destroyed until it is lifted."])


@store_app.command("backup")
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file; one that is there is not overwritten.")],
    config: ConfigOption = None,
) -> None:
    """Copy the store into a file while it is in use.

    Copying the live file by other means is no backup. After a restore type `mailbot store reapply`.
    """
    from mailbot import backup, retention

    settings = settings_in(config)
    if not settings.store.url.startswith("sqlite"):
        raise Problem(f"PostgreSQL makes its own backups; type: {_dump(settings.store.url, file)}")
    with desk_of(settings) as desk:
        backup.back_up(desk.database, file)
        retention.follow_up(desk, retention.retention_order(settings))
    print_lines([f"{file} is a copy of the store. It holds whoever is on file now: keep it as closely, and let it expire."])


@store_app.command("reapply")
def reapply(
    journal: Annotated[
        Path | None, typer.Option("--from", metavar="LIST", help="The list of what was destroyed; else the one that the store keeps.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """After a restore: destroy and stop again.

    What had been destroyed, and to whom messages had stopped, is known from a list. It lies beside SQLite's file, as STORE.destroyed, or
    where [retention] journal says. `mailbot run` does the same when it starts.
    """
    from mailbot import backup, retention

    settings = settings_in(config)
    order = retention.retention_order(settings)
    chosen = journal or order.journal
    if chosen is None:
        raise Problem("no list is kept: write [retention] journal = PATH, or name one with --from LIST")
    with desk_of(settings) as desk:
        again = backup.reapply(desk.database, desk.keys, chosen, desk.now())
        retention.follow_up(desk, order)
    print_lines([f"Destroyed again: {again.destroyed}. Stopped again: {again.stopped}. Stops lifted again: {again.resumed}."])


def _told(holding: "Holding") -> Iterator[str]:
    """Yield what goes and what stays, and why."""
    kept = holding.counted
    yield "This goes for ever:"
    yield f"- names, {kept['contacts']} contacts, {kept['consents']} consents, {kept['amendments']} notes of changes"
    yield f"- what {kept['requests']} requests say of the person, {kept['messages']} messages and {kept['letters']} letters"
    yield "This stays, and names nobody:"
    yield "- type, days, state and obligations of each request: the register shows that each promise was kept"
    yield "- the scopes and days of consents, with the last request: they may have to be proven (Law 94-V, art. 25(2)(5))"
    yield "- keyed hashes of the addresses: so that nothing is sent, and no import or old backup brings the person back"


def _need_consent(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise Problem("nothing was destroyed: nobody can be asked here; if you mean it, add --yes")
    if not typer.confirm("Destroy it?"):
        raise Problem("nothing was destroyed")


def _dump(url: str, file: Path | str) -> str:
    """Return the command that backs up a store in PostgreSQL, with the URL as its own programs read it."""
    scheme, _, rest = url.partition("://")
    return visible(f"pg_dump --format=custom --file={file} {scheme.partition('+')[0]}://{rest}")
