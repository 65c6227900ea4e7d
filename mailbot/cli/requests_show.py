"""How a request is shown, to people and to programs: what it is, what is owed, what the person wrote, and all that happened."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mailbot.cli.believing import believed

if TYPE_CHECKING:
    from storage.evidence import KeptMessage
    from storage.outbox import ListedLetter
    from storage.register import Happening, Registered

LINES_QUOTED, LONGEST_QUOTE = 12, 200

NOT_ACKNOWLEDGED = {
    "too_old": "it was old when it was taken in",
    "renumbered": "the mailbox was renumbered, and it may have been dealt with before",
    "taken_for_spam": "the mail server took it for spam",
    "no_blank_line": "a line of its header is broken, and may hide that a machine wrote it",
    "said_before": "the same came from its organisation again and again, as robots do",
    "no_letter_possible": "no letter can reach its sender's address",
}


def kind(request: "Registered") -> str:
    """Say what a request is; of a held one, what it may be."""
    if request.outcome != "held":
        return request.type or request.event or "?"
    may_be = request.may_be or ((request.type,) if request.type else ())
    return "held: " + (", ".join(may_be[:3]) + ("..." if len(may_be) > 3 else "") if may_be else "a person must look")


def row(request: "Registered") -> dict[str, object]:
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
             "arithmetic": each.arithmetic, "clause": each.clause, "mark": each.mark, "trigger": each.trigger}
            for each in request.obligations
        ],
    }  # fmt: skip


def told(request: "Registered", zone: ZoneInfo) -> Iterator[str]:
    """Yield a request as people read it."""
    from rules.life import OPEN

    yield f"{request.reference}  {kind(request)}  {request.state}  received {request.received_on}  due {request.due or '-'}"
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
        yield from (
            f"- {owed.what} ({owed.system}): {met}",
            f"    {owed.source}{f' ({owed.mark})' if owed.mark else ''}",
            f"    {owed.arithmetic}",
        )
        yield from (f"    not governing: {lost['source']}, due {lost['due'] or 'without a number'}" for lost in owed.losing)


def quoted(message: "KeptMessage", zone: ZoneInfo) -> Iterator[str]:
    """Yield what the person wrote: subject, the first lines, the names of what was attached."""
    from rules.addresses import same_mailbox
    from rules.message import read_header

    received, head = message.received_at.astimezone(zone), read_header(message.header)
    yield f"message of {received:%Y-%m-%d %H:%M %z}: {head.subject or '(no subject)'}"
    if elsewhere := [address for address in head.reply_to if not same_mailbox(address, head.sender or "")]:
        yield f"    reply-to: {', '.join(elsewhere)} (mailbot writes to the sender alone)"
    lines = [line.strip() for line in (message.text or "").splitlines() if line.strip()]
    yield from (f"    > {line[:LONGEST_QUOTE]}" for line in lines[:LINES_QUOTED])
    if len(lines) > LINES_QUOTED:
        yield f"    > ... {len(lines) - LINES_QUOTED} more lines"
    yield from (f"    attached: {name}" for name in message.attachments)


def written(request: "Registered", messages: "Sequence[KeptMessage]", letters: "Sequence[ListedLetter]") -> Iterator[str]:
    """Yield what was written to the person, and why there is no acknowledgement where there is none."""
    if request.channel is None and all(letter.kind != "acknowledgement" for letter in letters):
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


def remembered(history: "tuple[Happening, ...]", zone: ZoneInfo) -> Iterator[str]:
    """Yield what happened to a request, in order."""
    for event in history:
        detail = ", ".join(
            f"{name.replace('_', ' ')}: {', '.join(value) if isinstance(value, list) else value}" for name, value in event.detail.items()
        )
        at = event.at.astimezone(zone)
        yield f"{at:%Y-%m-%d %H:%M %z}  {event.what.replace('_', ' ')}  {event.who}" + (f"  ({detail})" if detail else "")
