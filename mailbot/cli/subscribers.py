"""``mailbot subscribers``: who is on file."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from mailbot.cli.terms import (
    ConfigOption,
    JsonOption,
    desk_of,
    only_here,
    print_json,
    print_lines,
    read_day,
    settings_in,
    store_of,
    typed_by,
    visible,
)
from mailbot.errors import NoSuchRequest, Problem

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mailbot.importing import Imported, Refusal
    from storage.amendments import Amended, Amendment, Behind
    from storage.subscribers import Stop, Subscriber

subscribers_app = typer.Typer(name="subscribers", help="Who is on file, and to whom nothing is sent.", no_args_is_help=True)

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="An e-mail address.")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="Why; it is kept with the change.")]


class Encoding(StrEnum):
    """What a file may be written in."""

    AUTO = "auto"
    UTF_8 = "utf-8"
    WINDOWS_1251 = "windows-1251"
    KZ_1048 = "kz-1048"


class ExportFormat(StrEnum):
    """For a spreadsheet, or for a program."""

    CSV = "csv"
    JSON = "json"


class ListFormat(StrEnum):
    """What mailing tools import."""

    CSV = "csv"
    TXT = "txt"
    JSON = "json"


class Scope(StrEnum):
    """What can be stopped."""

    MESSAGES = "messages"
    INFORMING = "informing"
    PROMOTION = "promotion"


@subscribers_app.callback()
def subscribers() -> None:
    """Who is on file, and to whom nothing is sent."""


@subscribers_app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV; its first line names the columns.")],
    config: ConfigOption = None,
    *,
    encoding: Annotated[Encoding, typer.Option("--encoding", help="What the file is written in.")] = Encoding.AUTO,
    mapped: Annotated[list[str] | None, typer.Option("--map", metavar="TITLE=COLUMN", help="What a column of theirs is.")] = None,
    ignored: Annotated[list[str] | None, typer.Option("--ignore", metavar="TITLE", help="A column that is left out.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Take who was destroyed, if the line shows a later consent.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; tell what would happen.")] = False,
) -> None:
    """Put the people of a CSV file on file.

    Columns: email (needed), phone, surname, given_name, patronymic, consents, and of the consents consent_since, consent_expires_on,
    consent_evidence, consent_text_version, consent_source, consent_legal_ground, consent_recipients. Several consents are joined by +,
    as informing+transfer. Refused lines are told on standard error and the others go in. Who asked for no messages goes on getting
    none; whose data were destroyed is refused. Exit status: 0 all went in, 1 some lines did not.
    """
    from mailbot.importing import Terms, import_subscribers, survey

    called = _called(mapped or ())
    settings = settings_in(config)
    try:
        found = survey(file, encoding)
        if found.encoding != encoding and found.encoding != Encoding.UTF_8:
            sys.stderr.write(f"the file is not UTF-8 and is read as {found.encoding}\n")
        terms = Terms(
            now=datetime.now(UTC),
            zone=ZoneInfo(settings.operator.timezone),
            encoding=found.encoding,
            called=called,
            ignored=ignored or (),
            again=again,
            dry_run=dry_run,
        )
        with store_of(settings) as database, _progress(found.lines) as advance:
            done = import_subscribers(database, file, terms, _tell, advance)
    except OSError as error:
        raise Problem(f"{file} cannot be read: {(error.strerror or 'unknown error').lower()}") from error
    print_lines(_outcome(done, dry_run=dry_run))
    if done.refused:
        sys.exit(1)


@subscribers_app.command("export")
def export(
    config: ConfigOption = None,
    *,
    format_: Annotated[ExportFormat, typer.Option("--format", help="CSV for spreadsheets, or a JSON object a line.")] = ExportFormat.CSV,
    with_history: Annotated[
        bool, typer.Option("--with-history", help="Also ended consents, where each contact comes from, and every change.")
    ] = False,
) -> None:
    """Print everybody on file.

    Keep the output as closely as the store itself: it holds the same data.
    """
    from mailbot.exporting import CELLS, HISTORY_CELLS, people, write_spreadsheet

    settings = settings_in(config)
    today = datetime.now(ZoneInfo(settings.operator.timezone)).date()
    with store_of(settings) as database, database.read() as tx:
        rows = people(tx, today, with_history=with_history)
        if format_ is ExportFormat.JSON:
            for row in rows:
                print_json(row)
        else:
            sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # a spreadsheet asks for no locale
            write_spreadsheet(sys.stdout, (*CELLS, *(HISTORY_CELLS if with_history else ())), rows)


@subscribers_app.command("suppressions")
def suppressions(
    config: ConfigOption = None,
    *,
    format_: Annotated[ListFormat, typer.Option("--format", help="txt: an address a line, whatever is stopped.")] = ListFormat.CSV,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="DAY", help="Only what was stopped on this day or later; csv and json also what was lifted."),
    ] = None,
) -> None:
    """Print to whom nothing is sent, for a mailing tool to import.

    The scope messages stops everything; informing and promotion stop only that. An address of which only the keyed hash is left cannot be
    printed: it is counted on standard error.
    """
    first = read_day(since, "--since") if since else None
    settings = settings_in(config)
    begin = datetime.combine(first, time(), ZoneInfo(settings.operator.timezone)) if first else None
    with store_of(settings) as database, database.read() as tx:
        from storage.subscribers import count_nameless, stops

        _print_stops(stops(tx, begin), format_)
        nameless = count_nameless(tx)
    if nameless:
        sys.stderr.write(f"{nameless} more of which only the keyed hash is left: the import refuses to bring them back\n")


@subscribers_app.command("show")
def show(address: Address, config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Show who has this address, and whether messages stop."""
    plain = _canonical(address)
    with store_of(settings_in(config)) as database, database.write() as tx:
        from rules.addresses import mailbox_key
        from storage.amendments import amendments_of
        from storage.evidence import keys_of
        from storage.subscribers import find_subscriber, stops_of

        person = find_subscriber(tx, mailbox_key(plain))
        stopped = stops_of(tx, keys_of(tx).of_address(mailbox_key(plain)))
        changes = amendments_of(tx, [person.id]).get(person.id, []) if person else []
    if person is None and not stopped:
        raise Problem(f"{address} is not on file, and messages to it are not stopped")
    row = _row(plain, person, stopped, changes)
    if as_json:
        print_json(row)
    else:
        from mailbot.exporting import in_words

        print_lines(f"{name}: {in_words(value) or '-'}" for name, value in row.items())


@subscribers_app.command("block")
def block(address: Address, why: Why, config: ConfigOption = None) -> None:
    """Block what is on file of a person from processing.

    It is used for nothing until it is unblocked; what only reads the list of suppressions needs `suppress` as well.
    """
    _set_blocked(config, address, why, since=datetime.now(UTC))


@subscribers_app.command("unblock")
def unblock(address: Address, why: Why, config: ConfigOption = None) -> None:
    """Lift the block of a person."""
    _set_blocked(config, address, why, since=None)


@subscribers_app.command("suppress")
def suppress(
    address: Address,
    why: Why,
    config: ConfigOption = None,
    *,
    scope: Annotated[Scope, typer.Option("--scope", help="Everything, or only this.")] = Scope.MESSAGES,
) -> None:
    """Stop messages to an address though no request asks for it.

    Why is kept with the person on file; of an address that is not on file only the stop is. `resume` lifts it.
    """
    plain, behind, settings = _canonical(address), _behind(why), settings_in(config)
    with store_of(settings) as database, database.write() as tx:
        from storage.amendments import stop_address

        is_new = stop_address(tx, plain, scope, behind)
    if not is_new:
        raise Problem(f"{address}: staff have stopped that already")
    print_lines([f"Stopped: {scope}.", *only_here(settings)])


@subscribers_app.command("undo")
def undo(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="A request, as 2026-00042-K.")],
    why: Why,
    config: ConfigOption = None,
) -> None:
    """Put back what a request changed on file.

    A value that was changed again since stays, and is told. Messages go again by `resume` alone. Exit status: 0 all was put back, 1 not
    all.
    """
    from mailbot.exporting import in_words

    settings = settings_in(config)
    with store_of(settings) as database, database.write() as tx:
        from storage import amendments, register

        asked, behind = reference.upper(), _behind(why, reference.upper())
        if register.find_request(tx, asked) is None:
            raise NoSuchRequest(reference)
        done = amendments.undo(tx, asked, behind)
        if done.altered:
            register.note(tx, [(asked, "undone", behind.who, {"fields": [each.field for each in done.altered]})], behind.at)
    print_lines([*(in_words(asdict(each)) for each in done.altered), *(only_here(settings) if done.altered else ())])
    _tell_what_stays(done, reference)


@subscribers_app.command("resume")
def resume(address: Address, config: ConfigOption = None) -> None:
    """Send messages to an address again.

    Only when the person wants them again: whatever request had stopped them, the stop is lifted, and its history says so.
    """
    from mailbot import staff
    from mailbot.desk import Acting
    from rules.addresses import mailbox_key

    plain, settings = _canonical(address), settings_in(config)
    with desk_of(settings) as desk, desk.database.write() as tx:
        lifted = staff.resume_messages(Acting(tx, desk, typed_by()), mailbox_key(plain))
    if not lifted:
        raise Problem(f"{address}: messages to it are not stopped")
    print_lines([f"Messages to it are no longer stopped ({', '.join(lifted)}).", *only_here(settings)])


def _canonical(address: str) -> str:
    from rules.addresses import canonical

    plain = canonical(address)
    if plain is None:
        raise typer.BadParameter(f"{visible(address)} is not an e-mail address", param_hint="ADDRESS")
    return plain


def _behind(why: str, reference: str | None = None) -> "Behind":
    from storage.amendments import Behind

    if not why.strip():
        raise typer.BadParameter('is empty; say why: --why "asked by telephone"', param_hint="--why")
    return Behind(datetime.now(UTC), typed_by(), why.strip(), reference)


def _owner(tx: "Connection", address: str) -> int:
    from rules.addresses import mailbox_key
    from storage.subscribers import ids_by_email

    owner = ids_by_email(tx, [mailbox_key(_canonical(address))]).get(mailbox_key(_canonical(address)))
    if owner is None:
        raise Problem(f"{address} is not on file")
    return owner


def _set_blocked(config: Path | None, address: str, why: str, since: datetime | None) -> None:
    behind, settings = _behind(why), settings_in(config)
    with store_of(settings) as database, database.write() as tx:
        from storage.amendments import set_blocked

        is_change = set_blocked(tx, _owner(tx, address), since, behind)
    if not is_change:
        raise Problem(f"{address} is {'blocked already' if since else 'not blocked'}")
    print_lines([f"Now {'blocked' if since else 'not blocked'}.", *only_here(settings)])


def _called(mapped: Sequence[str]) -> dict[str, str]:
    """Read what columns of theirs are, as "Their title=ours"."""
    from mailbot.importing import COLUMNS

    pairs = [text.rpartition("=") for text in mapped]
    for text, (theirs, _, ours) in zip(mapped, pairs, strict=True):
        if not theirs or ours not in COLUMNS:
            raise typer.BadParameter(f"{visible(text)}: write TITLE=COLUMN; columns are {', '.join(COLUMNS)}", param_hint="--map")
    return {theirs: ours for theirs, _, ours in pairs}


def _outcome(done: "Imported", *, dry_run: bool) -> Iterator[str]:
    would = "would be " if dry_run else ""
    yield f"{done.added} {would}put on file, {done.refused} lines {would}refused."
    if done.suppressed:
        yield f"Messages to {done.suppressed} of them stay stopped."
    if dry_run:
        yield "Nothing was written."


def _print_stops(found: "Iterator[Stop]", format_: ListFormat) -> None:
    from mailbot.exporting import STOP_CELLS, addresses, stop_row, write_csv

    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # an address spelt otherwise is another one
    match format_:
        case ListFormat.CSV:
            write_csv(sys.stdout, STOP_CELLS, map(stop_row, found))
        case ListFormat.JSON:
            for stop in found:
                print_json(stop_row(stop))
        case ListFormat.TXT:
            print_lines(addresses(found))


def _tell_what_stays(done: "Amended", reference: str) -> None:
    if not done.altered and not done.conflicts:
        raise Problem(f"{reference} has changed nothing on file that could be put back")
    for each in done.conflicts:
        sys.stderr.write(f"{visible(each.field)} stays {visible(each.on_file or 'as it is')}: it is not what {reference} made it\n")
    if done.conflicts:
        sys.exit(1)


def _row(address: str, person: "Subscriber | None", stopped: "Sequence[Stop]", changes: "Sequence[Amendment]") -> dict[str, object]:
    from mailbot.exporting import history_row, person_row

    nothing: dict[str, object] = {"emails": [], "phones": [], "consents": [], "contacts": [], "amendments": []}
    known = person_row(person) | history_row(person, changes) if person else nothing
    since = min((each.since for each in stopped if each.scope == Scope.MESSAGES), default=None)
    return {**(person.more if person else {}), **known} | {
        "address": address,
        "on_file": person is not None,
        "suppressed": since is not None,
        "suppressed_since": since,
        "suppressions": [{"scope": each.scope, "since": each.since, "reference": each.reference} for each in stopped],
        "blocked": person is not None and person.blocked_at is not None,
    }


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
