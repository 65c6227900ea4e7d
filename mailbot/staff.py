"""What staff do with a request: approve, refuse, tick off, postpone, reopen. The same acts serve every way of asking for them.

Each act is one transaction that changes the request, the subscriber and the history, and queues the letter it causes.
"""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection

from mailbot.desk import OWN_SYSTEM, Desk
from mailbot.errors import Problem
from mailbot.intake import write_letter
from mailbot.letters import Occasion
from rules import life
from rules.addresses import mailbox_key
from rules.life import Move, MoveNotAllowed
from rules.message import read_header
from rules.vocabulary import Duty, LetterKind, RequestType, State
from storage import evidence, outbox, register, subscribers
from storage.register import Owed, Registered

TRANSFER_SCOPES = ("transfer", "cross_border", "publication")

CARRIED_OUT_HERE = {
    RequestType.REVOKE_CONSENT: Duty.STOP_PROCESSING,
    RequestType.STOP_PROCESSING: Duty.STOP_PROCESSING,
    RequestType.RESTRICT_TRANSFER: Duty.STOP_TRANSFER,
    RequestType.OPT_OUT: Duty.STOP_MESSAGES,
    RequestType.BLOCK: Duty.BLOCK,
    RequestType.UNBLOCK: Duty.UNBLOCK,
}
"""What approval lets mailbot do in its own store. Everything else is done by staff and ticked off with ``done``."""


class NoSuchRequest(Problem):
    """The register holds no such request."""


class NotPossible(Problem):
    """The request cannot be treated like that."""


def approve(desk: Desk, reference: str, who: str) -> Registered:
    """Carry out in mailbot's own store what the request asks, and tick that off."""
    with desk.database.write() as tx:
        request = _open_request(tx, reference)
        duty = CARRIED_OUT_HERE.get(request.type) if request.type else None
        if duty is None:
            kind = request.type or "a held message"
            raise NotPossible(f"{reference} ({kind}) is not mailbot's to carry out: do it, then type `mailbot requests done {reference}`")
        if request.subscriber_id is None:
            request = _looked_up(desk, tx, request)
        _carry_out(desk, tx, request)
        register.note(tx, [(reference, "approved", who, {"on_file": request.subscriber_id is not None})], desk.now())
        here = [owed for owed in request.obligations if owed.system == OWN_SYSTEM and owed.what == duty and owed.met_at is None]
        register.meet(tx, [owed.id for owed in here], who, desk.now())
        return _settled(desk, tx, reference, who)


def tick_off(desk: Desk, reference: str, who: str, *, what: str | None, system: str | None) -> Registered:
    """Record that obligations were met: all open ones, or those of a duty or a system."""
    with desk.database.write() as tx:
        request = _open_request(tx, reference)
        met = [
            owed
            for owed in request.obligations
            if owed.met_at is None and (what is None or owed.what == what) and (system is None or owed.system == system)
        ]
        if not met:
            raise NotPossible(f"{reference} has no open obligation like that; it has: {_open_ones(request.obligations)}")
        register.meet(tx, [owed.id for owed in met], who, desk.now())
        register.note(tx, [(reference, "done", who, {"what": owed.what, "system": owed.system}) for owed in met], desk.now())
        return _settled(desk, tx, reference, who)


def refuse(desk: Desk, reference: str, who: str, ground: str) -> Registered:
    """Refuse with a written ground, and tell the person with the right of appeal (Law 94-V art. 8(7), 25(2))."""
    if not ground.strip():
        raise NotPossible("a refusal needs a written ground: --ground 'obligation unperformed, art. 8(2)'")
    with desk.database.write() as tx:
        request = _open_request(tx, reference)
        state = _moved(request, Move.REFUSE)
        register.set_state(tx, reference, state, desk.now())
        register.note(tx, [(reference, "refused", who, {"ground": ground})], desk.now())
        _write(desk, tx, request, LetterKind.REFUSAL, ground)
        return _found(tx, reference)


def postpone(desk: Desk, reference: str, who: str, day: date) -> Registered:
    """Remind staff again on ``day``. The due date stays: the law knows no extension."""
    with desk.database.write() as tx:
        request = _open_request(tx, reference)
        if request.due is not None and day > request.due:
            raise NotPossible(f"{reference} is due on {request.due}; it cannot be postponed past that day, and the law knows no extension")
        register.postpone(tx, reference, day)
        register.note(tx, [(reference, "postponed", who, {"to": day.isoformat()})], desk.now())
        return _found(tx, reference)


def reopen(desk: Desk, reference: str, who: str) -> Registered:
    """Give a closed request back to staff; its obligations and dates are those it had."""
    with desk.database.write() as tx:
        request = _found(tx, reference)
        state = _moved(request, Move.REOPEN)
        register.set_state(tx, reference, state, desk.now())
        if request.type is RequestType.OPT_OUT:
            lifted = subscribers.resume_messages(tx, reference, desk.now())
            register.note(tx, [(reference, "messages_resumed", who, {"suppressions_lifted": lifted})], desk.now())
        register.note(tx, [(reference, "reopened", who, {})], desk.now())
        return _found(tx, reference)


def _open_request(tx: Connection, reference: str) -> Registered:
    request = _found(tx, reference)
    if request.state not in life.OPEN:
        raise NotPossible(f"{reference} is closed ({request.state}); type `mailbot requests reopen {reference}` first")
    return request


def _found(tx: Connection, reference: str) -> Registered:
    request = register.find_request(tx, reference)
    if request is None:
        raise NoSuchRequest(f"there is no request {reference}; `mailbot requests list` shows them")
    return request


def _moved(request: Registered, move: Move) -> State:
    try:
        return life.after(request.state, move, request.type)
    except MoveNotAllowed as mistake:
        raise NotPossible(f"{request.reference}: {mistake}") from mistake


def _looked_up(desk: Desk, tx: Connection, request: Registered) -> Registered:
    """Look again whether the sender is on file: the person may have been imported since."""
    if request.sender is None:
        return request
    key = mailbox_key(request.sender)
    owner = subscribers.ids_by_email(tx, [key]).get(key)
    if owner is not None:
        register.link_subscriber(tx, request.reference, owner)
    return _found(tx, request.reference)


def _carry_out(desk: Desk, tx: Connection, request: Registered) -> None:
    """Change the subscriber as the request asks. A sender who is not on file has nothing here to change."""
    if request.type is RequestType.OPT_OUT and request.sender_key is not None:
        subscribers.stop_messages(tx, {request.sender_key: request.reference}, desk.now())
    if request.subscriber_id is None:
        return
    today = desk.now().astimezone(desk.zone).date()
    match request.type:
        case RequestType.REVOKE_CONSENT | RequestType.STOP_PROCESSING:
            subscribers.end_consents(tx, request.subscriber_id, None, request.reference, today)
        case RequestType.RESTRICT_TRANSFER:
            subscribers.end_consents(tx, request.subscriber_id, TRANSFER_SCOPES, request.reference, today)
        case RequestType.BLOCK:
            subscribers.set_blocked(tx, request.subscriber_id, desk.now())
        case RequestType.UNBLOCK:
            subscribers.set_blocked(tx, request.subscriber_id, None)


def _settled(desk: Desk, tx: Connection, reference: str, who: str) -> Registered:
    """Close the request once nothing is owed any more, and tell the person what was done."""
    request = _found(tx, reference)
    register.recount_due(tx, reference)
    if all(owed.met_at is not None for owed in request.obligations):
        register.set_state(tx, reference, _moved(request, Move.CARRY_OUT), desk.now())
        register.note(tx, [(reference, "carried_out", who, {})], desk.now())
        _write(desk, tx, request, LetterKind.COMPLETION, "")
    return _found(tx, reference)


def _write(desk: Desk, tx: Connection, request: Registered, kind: LetterKind, ground: str) -> None:
    """Queue the letter that closes a request; staff released it, so the caps do not bind it (H81)."""
    if request.sender is None or request.type is None or (kind is LetterKind.COMPLETION and request.type in _ANSWERED_BY_STAFF):
        return
    original = evidence.header_of(tx, request.reference)
    message = read_header(original or b"")
    done = frozenset(Duty(owed.what) for owed in request.obligations if owed.met_at is not None)
    occasion = Occasion(
        kind=kind,
        type=request.type,
        language=request.language,
        reference=request.reference,
        recipient=request.sender,
        done=done,
        done_on=desk.now().astimezone(desk.zone).date(),
        ground=ground,
        in_reply_to=message.message_id,
        references=message.references,
    )
    letter = write_letter(desk, occasion, desk.now(), capped=False)
    if letter is not None:
        outbox.queue(tx, [letter], desk.now())


_ANSWERED_BY_STAFF = frozenset(
    {RequestType.ACCESS, RequestType.QUESTION, RequestType.AUTHORITY_INQUIRY, RequestType.OBJECT_AUTOMATED, RequestType.OPT_OUT}
)
"""Staff write the answer to these themselves, and an opt_out has had its one letter."""


def _open_ones(owed: Iterable[Owed]) -> str:
    return ", ".join(f"{each.what} ({each.system})" for each in owed if each.met_at is None) or "none"
