"""``mailbot evidence``: whether the history holds, the dossier of a request, and how promises were kept."""

import json
import os
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailbot.cli.terms import ConfigOption, JsonOption, desk_of, print_json, print_lines, print_table, read_day, settings_in, visible
from mailbot.errors import Problem

if TYPE_CHECKING:
    from mailbot.promises_kept import Kept
    from storage.verification import Fault

SHORTEST_HEAD = 8
"""Fewer digits would be had by chance."""

HtmlOption = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page for a browser and for paper.")]

evidence_app = typer.Typer(name="evidence", help="Prove what was done, and when.", no_args_is_help=True, rich_markup_mode=None)


@evidence_app.command("verify")
def check_the_chain(
    config: ConfigOption = None,
    *,
    head: Annotated[str | None, typer.Option("--head", metavar="HEX", help="The head that an old digest printed.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check that no line of the history was changed, taken out or put in, and that the register is what it says.

    Who holds the whole store could write all of it anew. The head in an old digest, in somebody's mailbox, tells: --head "1a2b 3c4d …".
    Exit status: 0 it holds, 1 it does not.
    """
    printed = _digits(head) if head is not None else None
    from mailbot.proof import verdict_of

    with desk_of(settings_in(config)) as desk:
        verdict = verdict_of(desk, printed, desk.now())
    found = (verdict.head or b"").hex() or None
    if as_json:
        faults = [asdict(fault) for fault in verdict.faults]
        print_json({"lines": verdict.lines, "destroyed": verdict.emptied, "head": found, "found": verdict.found, "faults": faults})
    else:
        print_lines(map(_told, verdict.faults))
        print_lines([f"… and {verdict.found - len(verdict.faults)} more"] if verdict.found > len(verdict.faults) else [])
        print_lines([f"lines: {verdict.lines}; their words destroyed: {verdict.emptied}; head: {found or 'none yet'}"])
        print_lines([f"NOT as it was written; faults: {verdict.found}" if verdict.found else "Every line is as it was written."])
    raise typer.Exit(1 if verdict.found else 0)


@evidence_app.command("export", no_args_is_help=True)
def export(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="As 2026-00042-K.")],
    config: ConfigOption = None,
    *,
    html: HtmlOption = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write it for programs; - is standard output.")] = None,
) -> None:
    """Write the dossier of a request: what was understood and why, what was owed and how it was met, letters, history.

    Without --html and --json the page is written to REFERENCE.html.
    """
    settings = settings_in(config)
    from mailbot.proof import account_of
    from mailbot.proof_page import dossier_page
    from rules.vocabulary import Language

    with desk_of(settings) as desk:
        account = account_of(desk, reference.upper(), desk.now())
        page = dossier_page(desk, account, Language(settings.staff.language))
    if json_file == Path("-"):
        print_json(account)
    elif json_file is not None:
        _write(json_file, json.dumps(account, ensure_ascii=False, indent=1) + "\n")
    if html is not None or json_file is None:
        _write(html or Path(f"{account['reference']}.html"), page)


@evidence_app.command("promises", no_args_is_help=True)
def promises(
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="The first day of receipt.")],
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="The last one.")],
    config: ConfigOption = None,
    *,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell of each clause of the policy and article of the law how often it was called upon, kept and late, and the worst case."""
    days = read_day(first, "--from"), read_day(last, "--to")
    if days[0] > days[1]:
        raise typer.BadParameter("the last day is before the first", param_hint="--to")
    settings = settings_in(config)
    from mailbot.promises_kept import promises_kept
    from mailbot.proof_page import promises_page
    from rules.vocabulary import Language

    with desk_of(settings) as desk:
        kept = promises_kept(desk, *days, desk.now())
        page = promises_page(desk, kept, days, Language(settings.staff.language))
    if html is not None:
        _write(html, page)
    if as_json:
        for each in kept:
            print_json(asdict(each))
    elif html is None:
        _show(kept, days)


def _show(kept: "list[Kept]", days: tuple[date, date]) -> None:
    counts = ("called", "kept", "late", "open", "ended")
    rows = [[each.source, *(str(getattr(each, name)) for name in counts), _worst(each)] for each in kept]
    print_table(("promise", *counts, "worst case"), rows, f"Nothing is promised with a term from {days[0]} to {days[1]}.")


def _worst(kept: "Kept") -> str:
    if kept.worst is None:
        return ""
    return f"{kept.worst.reference}: {abs(kept.worst.days)} days {'late' if kept.worst.days < 0 else 'in hand'}"


def _told(fault: "Fault") -> str:
    where = ", ".join(each for each in (f"line {fault.line}" if fault.line else None, fault.reference) if each)
    return f"{where}: {fault.tells}" if where else fault.tells


def _digits(head: str) -> str:
    """Return the head as it is compared: as a digest prints it there are spaces in it, and not all of its digits."""
    digits = "".join(head.split()).rstrip("…").lower()
    if len(digits) < SHORTEST_HEAD or set(digits) - set("0123456789abcdef"):
        raise typer.BadParameter(f"{visible(head)} is no head; copy the digits 0-9 and a-f as the digest prints them", param_hint="--head")
    return digits


def _write(file: Path, text: str) -> None:
    """Write what names people for its owner only, whoever could read what stood there before."""
    try:
        with os.fdopen(os.open(file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8") as opened:
            os.fchmod(opened.fileno(), 0o600)
            opened.write(text)
    except OSError as error:
        raise Problem(f"{file} cannot be written: {(error.strerror or 'unknown error').lower()}") from error
    print_lines([f"{file} is written"])
