"""``mailbot requests``: the register, and what staff do with it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from mailbot.cli.believing import asked_back, believed
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
    visible,
)
from mailbot.errors import NoSuchRequest, NoWave

if TYPE_CHECKING:
    from mailbot.desk import Acting
    from storage.evidence import KeptMessage
    from storage.outbox import ListedLetter
    from storage.register import Happening, Registered

LINES_QUOTED, LONGEST_QUOTE = 12, 200

requests_app = typer.Typer(name="requests", help="The register of requests, and what staff do with it.", no_args_is_help=True)

NOT_ACKNOWLEDGED = {
    "too_old": "it was old when it was taken in",
    "renumbered": "the mailbox was renumbered, and it may have been dealt with before",
    "taken_for_spam": "the mail server took it for spam",
    "no_blank_line": "a line of its header is broken, and may hide that a machine wrote it",
    "no_letter_possible": "no letter can reach its sender's address",
}

Reference = Annotated[str, typer.Argument(metavar="REFERENCE", help="The request's reference, as 2026-00042-K.")]
OnlySystem = Annotated[str | None, typer.Option("--system", help="Only in this system.")]


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
    """Show one request: what is owed, and all that happened."""
    settings = settings_in(config)
    with store_of(settings) as database, database.read() as tx:
        from storage import confirmations, evidence, outbox, register

        request = register.find_request(tx, reference.upper())
        history = register.history_of(tx, reference.upper())
        messages = evidence.messages_of(tx, reference.upper())
        letters = outbox.list_letters(tx, reference.upper())
        changes = register.changes_of(tx, reference.upper())
        asked = confirmations.of_request(tx, reference.upper())
    if request is None:
        raise NoSuchRequest(reference)
    if as_json:
        print_json({**_row(request), "changes": [asdict(change) for change in changes]})
        return
    zone = ZoneInfo(settings.operator.timezone)
    print_lines(_told(request, zone))
    print_lines(f"asked: {each.field} → {each.new}" + (f" (was {each.old})" if each.old else "") for each in changes)
    print_lines(asked_back(request, asked, changes, zone, datetime.now(UTC)))
    print_lines(line for message in messages for line in _quoted(message, zone))
    print_lines(_written(request, messages, letters))
    print_lines(_remembered(history, zone))


@requests_app.command("approve")
def approve(
    reference: Reference,
    what: Annotated[str | None, typer.Argument(metavar="WHAT", help="One duty, as destroy; else what the person asked for.")] = None,
    proof: Annotated[
        str | None, typer.Option("--proof", help="What you saw of a person whose old mailbox is lost; it stays in the history.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Carry out in mailbot's own store what is asked.

    Only this changes that store. What cannot be undone is carried out where the person asked for just that, or where you name it.
    An address is replaced by another one where both have said yes, or on other proof: --proof "saw the identity card".
    """
    from mailbot import staff

    _act(config, reference, lambda acting, reference: staff.approve(acting, reference, what=what, proof=proof))


@requests_app.command("refuse")
def refuse(
    reference: Reference,
    ground: Annotated[
        str, typer.Option("--ground", help="The ground with its article, in the person's language: it stands in the letter.")
    ],
    kept: Annotated[str, typer.Option("--kept", help="What is kept, where the rest is done: it stands in the letter.")] = "",
    until: Annotated[str | None, typer.Option("--until", metavar="DAY", help="The day until which it is kept.")] = None,
    config: ConfigOption = None,
) -> None:
    """Refuse on a written ground, and tell the person.

    The letter names the ground and the right of appeal, and what is kept of a request that is refused in part. Messages stop all the same:
    tick that off in the other systems first.
    """
    from mailbot import staff

    order = staff.Ground(ground, kept, read_day(until, "--until") if until else None)
    _act(config, reference, lambda acting, reference: staff.refuse(acting, reference, order))


@requests_app.command("done")
def done(
    reference: Reference,
    what: Annotated[
        str | None, typer.Argument(metavar="WHAT", help="One duty, as amend or destroy. Needed where more than one is owed.")
    ] = None,
    system: OnlySystem = None,
    config: ConfigOption = None,
) -> None:
    """Tick off what was done; the last tick closes.

    It says that you did it, and does nothing itself: mailbot's own store is changed by `approve`, and that part stays open until then.

    When nothing is owed any more, the request is closed and the person is told what was done. An access, a question, an
    objection, an inquiry of the authority and a held message you answer yourself: no letter goes. Nor does one of an opt_out,
    which has had its letter.
    """
    from mailbot import staff

    _act(config, reference, lambda acting, reference: staff.tick_off(acting, reference, what=what, system=system))


@requests_app.command("postpone")
def postpone(
    reference: Reference, day: Annotated[str, typer.Argument(metavar="DAY", help="2026-11-25 or 25.11.2026.")], config: ConfigOption = None
) -> None:
    """Note that it is taken up again on DAY.

    The due date stays what it is: the law knows no extension.
    """
    from mailbot import staff

    until = read_day(day, "DAY")
    _act(config, reference, lambda acting, reference: staff.postpone(acting, reference, until))


@requests_app.command("reopen")
def reopen(
    reference: Reference,
    what: Annotated[str | None, typer.Argument(metavar="WHAT", help="Take this tick back; of an open request too.")] = None,
    system: OnlySystem = None,
    config: ConfigOption = None,
) -> None:
    """Give a request back to staff, or take a tick back.

    What is taken back is owed again, with its old due date; what mailbot destroyed stays destroyed. The subscriber is not changed:
    who wants messages again gets them by `mailbot subscribers resume`.
    """
    from mailbot import staff

    _act(config, reference, lambda acting, reference: staff.reopen(acting, reference, what=what, system=system))


@requests_app.command("event")
def event(
    named: Annotated[str, typer.Argument(metavar="REFERENCE|ADDRESS", help="A request, or an address on file.")],
    happened: Annotated[str, typer.Argument(metavar="EVENT", help="purpose_ended: the person's data serve no purpose any more.")],
    why: Annotated[str, typer.Option("--why", help="What ended, and where it can be read: it stands on file.")],
    config: ConfigOption = None,
) -> None:
    """Enter what no mail tells.

    Whose purpose ended is listed in the digest with the day by which the law wants the data destroyed, or is destroyed by the job of
    the day, as [retention] ended_purpose says.
    """
    from mailbot import retention

    if happened != "purpose_ended":
        raise typer.BadParameter(f"{visible(happened)} is no event; purpose_ended is", param_hint="EVENT")
    settings = settings_in(config)
    with desk_of(settings) as desk:
        retention.end_purpose(desk, named, typed_by(), why)
    destroys = "The next daily job destroys the person's data, if nothing stands in the way."
    listed = "The digest lists the person from now on."
    print_lines([f"Noted: the purpose has ended. {destroys if settings.retention.ended_purpose != 'ask' else listed}"])


@requests_app.command("legal-hold")
def legal_hold(
    reference: Reference,
    why: Annotated[str | None, typer.Option("--why", help="Which proceedings or duty; the digest names it.")] = None,
    config: ConfigOption = None,
    *,
    lift: Annotated[bool, typer.Option("--lift", help="End the hold.")] = False,
) -> None:
    """Let nothing of a request be destroyed.

    Whatever its age and whoever asks, until the hold is lifted; the digest names it.
    """
    from mailbot import retention

    if lift == (why is not None):
        raise typer.BadParameter("give --why TEXT, or --lift")
    with desk_of(settings_in(config)) as desk:
        retention.hold_request(desk, reference.upper(), typed_by(), why)
    print_lines([f"{reference.upper()}: {'the hold is lifted' if lift else 'on legal hold'}"])


@requests_app.command("resume")
def resume(config: ConfigOption = None) -> None:
    """End a wave: mailbot carries out by itself again what it may.

    A wave is a time in which more unproven requests come than limits.surge_an_hour allows. What has waited because of it stays with
    you: look at each, and carry out what is genuine with `mailbot requests approve`.
    """
    from storage import waves

    settings, now = settings_in(config), datetime.now(UTC)
    with store_of(settings) as database, database.write() as tx:
        extent = waves.extent(tx, now)
        waves.end(tx, typed_by(), now)
    if extent is None:
        raise NoWave
    began = extent.wave.began_at.astimezone(ZoneInfo(settings.operator.timezone))
    print_lines([f"The wave is over that went on since {began:%Y-%m-%d %H:%M %z}. Unproven requests that came: {extent.came}."])
    print_lines(f"waits for you because of it: {reference}" for reference in extent.stopped)
    print_lines([] if extent.stopped else ["Nothing waits for you because of it."])


def _act(config: Path | None, reference: str, act: "Callable[[Acting, str], Registered]") -> None:
    """Do one act in the operator's name and tell what it changed."""
    from mailbot.desk import Acting
    from mailbot.retention import follow_up, retention_order
    from storage import register

    settings = settings_in(config)
    with desk_of(settings) as desk:
        with desk.database.write() as tx:
            before = register.find_request(tx, reference.upper())
            after = act(Acting(tx, desk, typed_by()), reference.upper())
        follow_up(desk, retention_order(settings))
    print_lines(_changed(before or after, after))


def _changed(before: "Registered", after: "Registered") -> Iterator[str]:
    """Yield where a request stands: what was ticked just now, and what is open."""
    from rules.life import OPEN

    yield f"{after.reference}: {after.state}"
    was_open = {owed.id for owed in before.obligations if not owed.met_at}
    yield from (f"done: {owed.what} ({owed.system})" for owed in after.obligations if owed.met_at and owed.id in was_open)
    if after.state not in OPEN:
        return
    still_open = [owed for owed in after.obligations if not owed.met_at]
    for owed in still_open:
        yield f"{'still open' if owed.id in was_open else 'owed again'}: {owed.what} ({owed.system}), due {owed.due or 'not yet known'}"
    if not still_open:
        yield f"nothing is owed: `mailbot requests done {after.reference}` closes it"


def _kind(request: "Registered") -> str:
    """Say what a request is; of a held one, what it may be."""
    if request.outcome != "held":
        return request.type or "?"
    may_be = request.may_be or ((request.type,) if request.type else ())
    return "held: " + (", ".join(may_be[:3]) + ("..." if len(may_be) > 3 else "") if may_be else "a person must look")


def _told(request: "Registered", zone: ZoneInfo) -> Iterator[str]:
    """Yield a request as people read it."""
    from rules.life import OPEN

    yield f"{request.reference}  {_kind(request)}  {request.state}  received {request.received_on}  due {request.due or '-'}"
    yield f"from: {request.sender or 'nobody that can be named'}   language: {request.language or 'not clear'}"
    yield f"why: {request.reason}"
    words = {"words": request.matched, "clause": request.clause, "certainty": request.certainty}
    yield "   ".join(f"{name}: {value or '-'}" for name, value in words.items())
    yield believed(request)
    if request.postponed_to:
        yield f"postponed to {request.postponed_to}"
    for flag in request.flags:
        yield f"notice: {flag.replace('_', ' ')}"
    for owed in request.obligations:
        stands = f"due {owed.due or 'not yet known'}" if request.state in OPEN else f"not done, the request is {request.state}"
        met = f"met {owed.met_at.astimezone(zone):%Y-%m-%d} by {owed.met_by}" if owed.met_at else stands
        yield from (f"- {owed.what} ({owed.system}): {met}", f"    {owed.source}", f"    {owed.arithmetic}")
        yield from (f"    not governing: {lost['source']}, due {lost['due'] or 'without a number'}" for lost in owed.losing)


def _quoted(message: "KeptMessage", zone: ZoneInfo) -> Iterator[str]:
    """Yield what the person wrote: subject, the first lines, the names of what was attached."""
    from rules.message import read_header

    received = message.received_at.astimezone(zone)
    yield f"message of {received:%Y-%m-%d %H:%M %z}: {read_header(message.header).subject or '(no subject)'}"
    lines = [line.strip() for line in (message.text or "").splitlines() if line.strip()]
    yield from (f"    > {line[:LONGEST_QUOTE]}" for line in lines[:LINES_QUOTED])
    if len(lines) > LINES_QUOTED:
        yield f"    > ... {len(lines) - LINES_QUOTED} more lines"
    yield from (f"    attached: {name}" for name in message.attachments)


def _written(request: "Registered", messages: "Sequence[KeptMessage]", letters: "Sequence[ListedLetter]") -> Iterator[str]:
    """Yield what was written to the person, and why there is no acknowledgement where there is none."""
    if all(letter.kind != "acknowledgement" for letter in letters):
        yield f"no acknowledgement: {_why_unanswered(request, messages)}"
    for letter in letters:
        yield f"letter {letter.id}: {letter.kind}  {letter.language}  {letter.state}  last reply: {letter.reply or '-'}"


def _why_unanswered(request: "Registered", messages: "Sequence[KeptMessage]") -> str:
    """Say why no acknowledgement was written."""
    from rules.automatic import OwnMail, screen
    from rules.decide import NEEDS_NO_ANSWER, hold_for_a_person
    from rules.message import read_header

    if reason := next((words for flag, words in NOT_ACKNOWLEDGED.items() if flag in request.flags), None):
        return reason
    if NEEDS_NO_ANSWER.issuperset(request.may_be or (request.type,)):
        return "staff alone write to a state body"
    if request.outcome == "held" and request.rule != hold_for_a_person.__name__:
        return "it is held until a person has looked at it"
    nobody = OwnMail(frozenset())  # what is left was not addressed to us, whoever that is
    screening = screen(read_header(messages[0].header if messages else b""), nobody)
    return screening.reason.replace("_", " ") if screening else "not known"


def _remembered(history: "tuple[Happening, ...]", zone: ZoneInfo) -> Iterator[str]:
    """Yield what happened to a request, in order."""
    for event in history:
        detail = ", ".join(
            f"{name.replace('_', ' ')}: {', '.join(value) if isinstance(value, list) else value}" for name, value in event.detail.items()
        )
        at = event.at.astimezone(zone)
        yield f"{at:%Y-%m-%d %H:%M %z}  {event.what.replace('_', ' ')}  {event.who}" + (f"  ({detail})" if detail else "")


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
