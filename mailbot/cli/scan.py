"""``mailbot scan``: the rehearsal over existing mail, its table and its page, and what is taken in afterwards."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import chain, count, groupby
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
    print_table,
    settings_in,
    store_failures_told,
    typed_by,
    visible,
)
from mailbot.errors import Problem

if TYPE_CHECKING:
    from mailbot.config import Config, Inbox
    from mailbot.rehearsal import Findings, Found, Progress, Rehearsal, Taken

SHOWN_OF_A_SUBJECT = 60
INTERRUPTED = 130
"""What a program ended by Ctrl-C returns (128 + SIGINT)."""


def scan(
    chosen: Annotated[list[int] | None, typer.Argument(metavar="UID...", help="With --take-in: the messages to take in.")] = None,
    config: ConfigOption = None,
    *,
    since: Annotated[str, typer.Option("--since", metavar="WHEN", help="90d, 12w, 6m, or a day as 2026-01-31.")] = "90d",
    inbox: Annotated[str | None, typer.Option("--inbox", metavar="ADDRESS", help="Only this inbox; else all of them.")] = None,
    folder: Annotated[str | None, typer.Option("--folder", metavar="NAME", help="This folder; else that of each inbox.")] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Where the page goes; else ./mailbot-scan-DAY.html.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    take: Annotated[bool, typer.Option("--take-in", help="Then record what you choose, without acknowledging it.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="With --take-in: everything that was found.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what mailbot would have done with the mail that lies there already, and what of it is late.

    The mailbox is only read: nothing is stored, sent, moved or marked. --take-in asks item by item, or takes the UIDs or --all.
    """
    if (chosen or everything) and not take:
        raise typer.BadParameter("this goes with --take-in", param_hint="UID... or --all")
    if take and not (chosen or everything or sys.stdin.isatty()):
        raise typer.BadParameter("nobody is here to be asked: name UIDs, or type --all", param_hint="--take-in")
    if chosen and everything:
        raise typer.BadParameter("UIDs and --all exclude each other", param_hint="UID... or --all")
    settings = settings_in(config)
    inboxes = _inboxes(settings, inbox, folder)
    today = datetime.now(UTC).astimezone(ZoneInfo(settings.operator.timezone)).date()
    needs_no_page = as_json or chosen or everything  # who names what to take in has seen it
    page = None if needs_no_page and html is None else _free(html, today, force=force)
    found, ended = _rehearsed(settings, inboxes, _first_day(since, today))
    _show(found, as_json=as_json, ended=ended)
    if page is not None:
        _write_page(settings, found, page, force=force)
    if ended is not None:
        raise ended
    if take:
        items = found.items if everything else _named(found, chosen) if chosen else tuple(_asked(found))
        _take_in(settings, inboxes, items, as_json=as_json)


def _rehearsed(settings: "Config", inboxes: "Sequence[Inbox]", since: date) -> "tuple[Findings, BaseException | None]":
    """Look through every inbox; what ends it before the end is returned beside what was found by then."""
    from mailbot.logs import set_up_logs
    from mailbot.rehearsal import Rehearsal

    set_up_logs()
    with store_failures_told(), Rehearsal(settings, since, lambda: datetime.now(UTC)) as rehearsal:
        try:
            for inbox in inboxes:
                _look_through(rehearsal, inbox)
        except KeyboardInterrupt:
            return rehearsal.findings(), typer.Exit(INTERRUPTED)
        except Problem as problem:
            found = rehearsal.findings()
            if not found.looked_at:
                raise
            return found, problem
        return rehearsal.findings(), None


def _look_through(rehearsal: "Rehearsal", inbox: "Inbox") -> None:
    with _progress(inbox.folder) as told:
        rehearsal.look_through(inbox, told)


@contextmanager
def _progress(folder: str) -> "Iterator[Callable[[Progress], None]]":
    """Show a bar to a person who looks; otherwise say once that the folder was looked through."""
    if not sys.stderr.isatty():
        yield lambda _: None
        sys.stderr.write(f"mailbot: {visible(folder)} is looked through\n")
        return
    from rich import progress
    from rich.console import Console

    columns = (progress.TextColumn("{task.description}", markup=False), progress.BarColumn(), progress.TimeRemainingColumn())
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(visible(folder), total=None)
        yield lambda seen: bar.update(task, completed=seen.done, total=seen.whole)


def _show(found: "Findings", *, as_json: bool, ended: BaseException | None) -> None:
    if as_json:
        for item in found.items:
            print_json(_as_json(item, found.today))
        print_json({"totals": _totals(found), "complete": ended is None})
        return
    print_table(_TITLES, [_row(item, found.today) for item in found.items], "Nothing was found that asks for anything.")
    sys.stdout.flush()
    aside = sys.stdout if sys.stdout.isatty() else sys.stderr
    aside.writelines(f"{visible(line)}\n" for line in _summed_up(found, complete=ended is None))


_TITLES = ("folder/UID", "received", "what", "from", "subject", "why", "due", "now")


def _row(item: "Found", today: date) -> list[str]:
    request = item.request
    kinds = ", ".join(request.may_be) if 0 < len(request.may_be) <= 3 else ""
    held = f"held: may be {kinds}" if kinds else "held"
    return [
        f"{request.place.folder}/{request.place.uid}",
        str(request.received_on),
        str(request.type) if request.outcome == "request" else held,
        request.sender or "",
        item.subject[:SHOWN_OF_A_SUBJECT],
        _why(item),
        str(item.due or ""),
        _standing(item, today),
    ]


def _why(item: "Found") -> str:
    request = item.request
    words = f": {request.matched}" if request.matched else ""
    return request.reason.rstrip(".") + words + (f" ({request.clause})" if request.clause else "")


def _standing(item: "Found", today: date) -> str:
    if item.answered_on:
        return f"staff wrote on {item.answered_on:%d.%m.%Y}"
    late = item.late_since(today)
    return f"late since {late:%d.%m.%Y}" if late else "open"


def _totals(found: "Findings") -> dict[str, int]:
    outcomes = {str(outcome): count for outcome, count in sorted(found.outcomes.items())}
    late = {"late": len(found.late), "answered_by_hand": sum(item.answered_on is not None for item in found.items)}
    return {"looked_at": found.looked_at, **outcomes, "not_delivered": found.not_delivered, **late}


def _summed_up(found: "Findings", *, complete: bool) -> Iterator[str]:
    if not complete:
        yield "This is only what was found until it was broken off."
    totals = _totals(found)
    yield ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in totals.items() if count or name == "looked_at")
    kinds = Counter(str(item.request.type) for item in found.items if item.request.outcome == "request")
    if kinds:
        yield "of the requests " + ", ".join(f"{kind}: {number}" for kind, number in sorted(kinds.items()))
    if found.items and found.not_heard:
        yield "Not looked into: what staff answered by hand, for no Sent folder is known. Name it in inbox.sent_folder."


def _as_json(item: "Found", today: date) -> dict[str, object]:
    request, place = item.request, item.request.place
    return {
        "inbox": place.inbox,
        "folder": place.folder,
        "uidvalidity": place.uidvalidity,
        "uid": place.uid,
        "received": request.received_at.isoformat(),
        "outcome": request.outcome,
        "type": request.type,
        "may_be": request.may_be,
        "language": request.language,
        "sender": request.sender,
        "subject": item.subject,
        "matched": request.matched,
        "clause": request.clause,
        "certainty": request.certainty,
        "reason": request.reason,
        "due": item.due,
        "late_since": item.late_since(today),
        "answered_on": item.answered_on,
    }


def _inboxes(settings: "Config", address: str | None, folder: str | None) -> "list[Inbox]":
    chosen = [inbox for inbox in settings.inbox if address is None or inbox.address.lower() == address.lower()]
    if not chosen:
        raise typer.BadParameter(f"the configuration names no inbox {visible(address or '')}", param_hint="--inbox")
    if folder is None:
        return chosen
    of_each_address = {inbox.address: inbox for inbox in reversed(chosen)}
    return [inbox.model_copy(update={"folder": folder}) for inbox in of_each_address.values()]


def _first_day(since: str, today: date) -> date:
    from mailbot.rehearsal import first_day

    try:
        day = first_day(since, today)
    except ValueError as mistake:
        raise typer.BadParameter(f"{visible(since)} {mistake}", param_hint="--since") from None
    if day > today:
        raise typer.BadParameter(f"{day} is still to come", param_hint="--since")
    return day


def _free(html: Path | None, today: date, *, force: bool) -> Path:
    """Return where the page goes; what is there already is replaced only if somebody says so."""
    if html is None:
        names = chain([f"mailbot-scan-{today}.html"], (f"mailbot-scan-{today}-{number}.html" for number in count(2)))
        return next(Path(name) for name in names if not Path(name).exists())
    if not html.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {visible(str(html.parent))}", param_hint="--html")
    if html.exists() and not force:
        raise typer.BadParameter(f"{visible(str(html))} is there already; name another, or type --force", param_hint="--html")
    return html


def _write_page(settings: "Config", found: "Findings", file: Path, *, force: bool) -> None:
    """Write the page for its owner only: it tells who wrote."""
    from mailbot.rehearsal_page import write_page

    page = write_page(settings, found)
    try:
        if force:
            file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as opened:
            opened.write(page)
    except OSError as error:
        raise Problem(f"{file} cannot be written: {(error.strerror or 'unknown error').lower()}") from error
    sys.stderr.write(f"mailbot: {visible(str(file))} is written; a browser shows it\n")


def _named(found: "Findings", uids: Sequence[int]) -> "tuple[Found, ...]":
    """Return what the UIDs name; each must name one thing that was found."""
    by_uid = {uid: [item for item in found.items if item.request.place.uid == uid] for uid in uids}
    for uid, items in by_uid.items():
        if not items:
            raise Problem(f"UID {uid} is not among what was found; nothing was taken in")
        if len(items) > 1:
            raise Problem(f"UID {uid} was found in several folders: name one with --inbox or --folder; nothing was taken in")
    return tuple(item for items in by_uid.values() for item in items)


def _asked(found: "Findings") -> "Iterator[Found]":
    """Ask item by item."""
    for number, item in enumerate(found.items):
        print_lines([" · ".join(cell for cell in _row(item, found.today) if cell)])
        answer = ""
        while answer not in ("y", "n", "all", "quit"):
            answer = typer.prompt("Take it in? (y, n, all, quit)", default="n", show_default=False).strip().lower()
        if answer in ("all", "quit"):
            yield from found.items[number:] if answer == "all" else ()
            return
        if answer == "y":
            yield item


def _take_in(settings: "Config", inboxes: "Sequence[Inbox]", items: "Iterable[Found]", *, as_json: bool) -> None:
    from mailbot.rehearsal import take_in_chosen

    folders = {(inbox.address, inbox.folder): inbox for inbox in inboxes}
    places = sorted((item.request.place for item in items), key=lambda place: (place.inbox, place.folder, place.uid))
    with desk_of(settings) as desk:
        for folder, theirs in groupby(places, key=lambda place: (place.inbox, place.folder)):
            for taken in take_in_chosen(desk, folders[folder], theirs, typed_by()):
                _tell(taken, as_json=as_json)


def _tell(taken: "Taken", *, as_json: bool) -> None:
    place = taken.place
    if as_json:
        print_json({"inbox": place.inbox, "folder": place.folder, "uid": place.uid, "reference": taken.reference, "told": taken.told})
    else:
        print_lines([f"{place.folder}/{place.uid}: {taken.told}" + (f", {taken.reference}" if taken.reference else "")])
