"""``mailbot letters``: the outbox, and what staff do with letters that did not simply go out."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailbot.cli.quoting import header_lines
from mailbot.cli.terms import ConfigOption, JsonOption, print_json, print_lines, print_table, settings_in, store_of, typed_by, visible
from mailbot.errors import Problem

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.outbox import LetterState, ListedLetter

letters_app = typer.Typer(name="letters", help="The letters that were written, and what became of them.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**63 - 1, help="The letter's number, as `mailbot letters list` shows it.")]


@letters_app.callback()
def letters() -> None:
    """The letters that were written, and what became of them."""


@letters_app.command("list")
def list_letters(
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
    state: Annotated[str | None, typer.Option("--state", metavar="STATE", help="Only those in this state, as failed or doubtful.")] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that are still to go out.")] = False,
) -> None:
    """List letters, oldest first."""
    settings = settings_in(config)
    wanted = _wanted(state, waiting=waiting)
    with store_of(settings) as database, database.read() as tx:
        from storage import outbox

        found = [letter for letter in outbox.list_letters(tx) if letter.state in wanted]
    if as_json:
        for letter in found:
            print_json(_row(letter))
        return
    rows = [
        [str(each.id), each.reference or "", each.kind, each.language, each.state, str(each.attempts), each.reply or ""] for each in found
    ]
    when_empty = "There are no such letters." if state or waiting else "There are no letters yet."
    print_table(("id", "request", "kind", "language", "state", "tries", "last reply"), rows, when_empty)


@letters_app.command("show")
def show(number: Number, config: ConfigOption = None) -> None:
    """Show a letter as the person reads it."""
    with store_of(settings_in(config)) as database, database.read() as tx:
        from storage import outbox

        letter = _found(tx, number)
        content = outbox.content_of(tx, number)
    print_lines(_told(letter))
    print_lines(_read(content))


@letters_app.command("retry")
def retry(number: Number, config: ConfigOption = None) -> None:
    """Let a failed or doubtful letter go out again.

    It is the same letter, with the same Message-ID. Of a doubtful one the person may then have it twice: look whether it
    arrived. A running mailbot sends it within half a minute.
    """
    from mailbot.staff import send_again

    def again(tx: "Connection", who: str, now: datetime) -> bool:
        letter = _found(tx, number)
        if letter.kind in ("digest", "answered"):  # an old digest would also shorten what the next one tells of
            raise Problem(f"letter {number} was written to staff of a moment that is past: `mailbot digest --send` tells of this one")
        return send_again(tx, letter, who, now)

    _act(config, number, "letter_retried", {}, again)


@letters_app.command("drop")
def drop(
    number: Number,
    reason: Annotated[str, typer.Option("--reason", help="Why it is not to go out; it is kept with your name.")],
    config: ConfigOption = None,
) -> None:
    """Let a letter never go out."""
    from storage import outbox

    if not reason.strip():
        raise typer.BadParameter("say why it is not to go out", param_hint="--reason")
    _act(config, number, "letter_dropped", {"reason": reason}, lambda tx, who, now: outbox.drop(tx, number, who, reason, now))


def _act(
    config: Path | None, number: int, what: str, detail: Mapping[str, str], change: "Callable[[Connection, str, datetime], bool]"
) -> None:
    """Change a letter in the operator's name, and write it into the history of its request."""
    who, now = typed_by(), datetime.now(UTC)
    with store_of(settings_in(config)) as database, database.write() as tx:
        from storage import register

        before = _found(tx, number)
        if not change(tx, who, now):
            raise Problem(_why_not(_found(tx, number)))
        if before.reference is not None:
            told = {"letter": number, "kind": before.kind, "was": before.state, "last_reply": before.reply, **detail}
            register.note(tx, [(before.reference, what, who, told)], now)
        after = _found(tx, number)
    print_lines([f"letter {number}: {after.state}"])


def _why_not(letter: "ListedLetter") -> str:
    """Say why a letter in this state can be neither sent again nor dropped."""
    match letter.state:
        case "accepted":
            return f"letter {letter.id} was accepted by the mail server: it has gone out"
        case "claimed" | "marked":
            return (
                f"letter {letter.id} is being sent now: look again when that has ended (after a death, the next run says what became of it)"
            )
        case "dropped":
            return f"letter {letter.id} is dropped already"
        case _:
            return f"letter {letter.id} is still to go out by itself, not before {letter.not_before:%Y-%m-%d %H:%M} UTC"


def _wanted(state: str | None, *, waiting: bool) -> "set[LetterState]":
    from storage.outbox import LetterState

    wanted = {LetterState.QUEUED, LetterState.DEFERRED} if waiting else set(LetterState)
    if state is None:
        return wanted
    try:
        return wanted & {LetterState(state.lower())}
    except ValueError:
        raise typer.BadParameter(f"{visible(state)} is none of {', '.join(LetterState)}", param_hint="--state") from None


def _found(tx: "Connection", number: int) -> "ListedLetter":
    from storage import outbox

    letter = outbox.find_letter(tx, number)
    if letter is None:
        raise Problem(f"there is no letter {number}; `mailbot letters list` shows them")
    return letter


def _told(letter: "ListedLetter") -> Iterator[str]:
    yield f"letter {letter.id}: {letter.kind}  {letter.reference or ''}  {letter.language}  {letter.state}  tries: {letter.attempts}"
    yield f"last reply: {letter.reply or '-'}"


def _read(content: bytes) -> Iterator[str]:
    """Yield a letter's header and text, decoded."""
    from rules.message import read

    message = read(content)
    yield from header_lines(message, ("From", "To", "Subject", "Date", "Message-ID"))
    yield ""
    yield from (message.text or "").splitlines()


def _row(letter: "ListedLetter") -> dict[str, object]:
    return {
        "id": letter.id,
        "reference": letter.reference,
        "kind": letter.kind,
        "language": letter.language,
        "state": letter.state,
        "message_id": letter.message_id,
        "attempts": letter.attempts,
    }
