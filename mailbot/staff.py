"""What staff do with a request: approve, refuse, tick off, postpone, reopen. The same acts serve every way of asking for them.

Each act changes the request, the subscriber and the history in the transaction that it is given, and queues the letter it causes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection

from mailbot import access
from mailbot.access import Release
from mailbot.amending import amend
from mailbot.config import Retention
from mailbot.desk import OWN_SYSTEM, Acting, Desk
from mailbot.errors import NoSuchRequest, Problem
from mailbot.letters import Occasion, plain_text
from mailbot.opening import write_letter
from mailbot.retention import destroy_requester
from mailbot.systems import is_met_by_view, queue_for
from rules import life
from rules.addresses import mailbox_key
from rules.automatic import screen
from rules.deadlines import STAFF
from rules.details_change import Field
from rules.life import Move, MoveNotAllowed
from rules.message import read_header
from rules.vocabulary import Duty, LetterKind, Outcome, RequestType, Standing, State
from storage import amendments, evidence, outbox, register, subscribers
from storage.amendments import Behind
from storage.register import Owed, Registered

CARRIED_OUT_HERE = frozenset({Duty.STOP_PROCESSING, Duty.STOP_TRANSFER, Duty.STOP_MESSAGES, Duty.BLOCK, Duty.UNBLOCK, Duty.DESTROY})
"""What mailbot does in its own store, once it is approved and not otherwise. All else is done by staff and ticked off with ``done``."""


class NotPossible(Problem):
    """The request cannot be treated like that."""


def approve(acting: Acting, reference: str, *, what: str | None = None, proof: str | None = None) -> Registered:
    """Carry out in mailbot's own store what the request asks, or one duty, and tick that off; other systems stay open (I12).

    ``proof`` is what staff saw of a person whose old address, or new one, cannot say yes to a change of address (H63).
    """
    tx, desk, who = acting.tx, acting.desk, acting.who
    if proof is not None and not plain_text(proof):
        raise NotPossible("--proof needs words: what was seen that shows who asks")
    request = open_request(tx, reference)
    if request.type is RequestType.UPDATE and what in (None, Duty.AMEND):
        return _amended(desk, tx, request, who, proof)
    if proof:
        raise NotPossible(f"{reference} ({request.type or 'held'}) changes no address, and --proof is for that alone")
    mailbots = [owed for owed in request.obligations if _is_mailbots(request, owed)]
    mailbots = [owed for owed in mailbots if (owed.what == what if what else _is_asked(request, owed))]
    if not mailbots:
        kind = what or ("held" if request.outcome is Outcome.HELD else request.type)
        raise NotPossible(f"{reference} ({kind}) is not mailbot's to carry out: do it, then type `mailbot requests done {reference}`")
    here = [owed for owed in mailbots if owed.met_at is None]
    if not here:
        raise NotPossible(f"{reference}: mailbot has done its part; still open: {_open_ones(request)}")
    return _do_here(desk, tx, request, here, who, tells=True)


def carry_out(desk: Desk, tx: Connection, request: Registered, who: str, *, tells: bool) -> None:
    """Do what a request asks of mailbot's own store, where no person has to approve it."""
    here = [owed for owed in request.obligations if owed.met_at is None and _is_mailbots(request, owed) and _is_asked(request, owed)]
    _do_here(desk, tx, request, here, who, tells=tells)


def _do_here(desk: Desk, tx: Connection, request: Registered, here: Sequence[Owed], who: str, *, tells: bool) -> Registered:
    if desk.by_command:  # before: of a person who was destroyed nothing could be told
        queue_for(tx, desk, request.reference, [owed.what for owed in here])
    request = _carry_out(desk, tx, request, here, who)
    register.note(tx, [(request.reference, "approved", who, {"on_file": request.subscriber_id is not None})], desk.now())
    register.meet(tx, [owed.id for owed in here], who, desk.now())
    return settled(desk, tx, request.reference, who, did_something=tells)


def _amended(desk: Desk, tx: Connection, request: Registered, who: str, proof: str | None) -> Registered:
    """Make the change that an update asks for, because staff say so."""
    behind = Behind(desk.now(), who, "approved", request.reference)
    if hindrance := amend(tx, desk, request, behind, plain_text(proof) if proof else None):
        after = f"change it by hand, then type `mailbot requests done {request.reference}`"
        raise NotPossible(f"{request.reference} (update) is not mailbot's to carry out: {hindrance}; {after}")
    return settled(desk, tx, request.reference, who, did_something=True)


def tick_off(acting: Acting, reference: str, *, what: str | None, system: str | None) -> Registered:
    """Record that staff met a duty, everywhere or in one system. It changes nothing in mailbot's own store: that is ``approve``."""
    tx, desk, who = acting.tx, acting.desk, acting.who
    request = open_request(tx, reference)
    still_open = [owed for owed in request.obligations if owed.met_at is None]
    meant = [owed for owed in still_open if what in (None, owed.what) and system in (None, owed.system)]
    if what is None and len({owed.what for owed in meant}) > 1:
        raise NotPossible(f"{reference} owes more than one thing; do one after the other: {_open_ones(request)}")
    met = [owed for owed in meant if not _is_mailbots(request, owed)]
    if not met and (still_open or what or system):  # a reopened request may owe nothing, and is closed all the same
        raise NotPossible(f"{reference} has no open obligation like that to tick off; it has: {_open_ones(request)}")
    register.meet(tx, [owed.id for owed in met], who, desk.now())
    register.note(tx, [(reference, "done", who, {"what": owed.what, "system": owed.system}) for owed in met], desk.now())
    return settled(desk, tx, reference, who, did_something=bool(met))


@dataclass(frozen=True, slots=True)
class Ground:
    """Why a request is refused, in the person's language; of one that is refused in part, what is kept and until when."""

    text: str
    kept: str = ""
    kept_until: date | None = None


def refuse(acting: Acting, reference: str, ground: Ground) -> Registered:
    """Refuse with a written ground, and tell the person with the right of appeal (I8; Law 94-V art. 8(7), 25(2))."""
    tx, desk, who = acting.tx, acting.desk, acting.who
    if not plain_text(ground.text):
        raise NotPossible("a refusal needs a written ground: --ground 'obligation unperformed, art. 8(2)'")
    if ground.kept_until is not None and (not plain_text(ground.kept) or ground.kept_until < _today(desk)):
        raise NotPossible("until when something is kept needs what it is, and a day to come: --kept 'invoices' --until 31.12.2030")
    request = open_request(tx, reference)
    if request.type is RequestType.AUTHORITY_INQUIRY:
        raise NotPossible(f"{reference} is from the authorised body: write to it, then type `mailbot requests done {reference}`")
    if stops := [owed for owed in request.obligations if _is_promised_stop(owed)]:
        raise NotPossible(f"{reference}: messages stop everywhere, whatever is refused; do that first: {_told(request, stops)}")
    if request.state is State.AWAITING_SENDER:  # staff need not wait for the sender's yes to say no
        register.set_state(tx, reference, moved(request, Move.HAND_TO_STAFF), desk.now())
    state = moved(found(tx, reference), Move.REFUSE)
    register.set_state(tx, reference, state, desk.now())
    kept = {"kept": ground.kept, "until": ground.kept_until.isoformat() if ground.kept_until else None} if ground.kept else {}
    register.note(tx, [(reference, "refused", who, {"ground": ground.text, **kept})], desk.now())
    if not _write(desk, tx, request, LetterKind.REFUSAL, ground):
        raise NotPossible(
            f"{reference}: no letter may go to its sender, and nobody is refused without one: "
            f"tell the person in another way; it stays open until it is done: {_open_ones(request)}"
        )
    return found(tx, reference)


def postpone(acting: Acting, reference: str, day: date) -> Registered:
    """Remind staff again on ``day``. The due date stays: the law knows no extension."""
    tx, desk, who = acting.tx, acting.desk, acting.who
    request = open_request(tx, reference)
    if request.due is not None and day > request.due:
        raise NotPossible(f"{reference} is due on {request.due}; it cannot be postponed past that day, and the law knows no extension")
    if day <= _today(desk):
        raise NotPossible(f"{day} is not a day to come")
    register.postpone(tx, reference, day)
    register.note(tx, [(reference, "postponed", who, {"to": day.isoformat()})], desk.now())
    return found(tx, reference)


def reopen(acting: Acting, reference: str, *, what: str | None = None, system: str | None = None) -> Registered:
    """Give a closed request back to staff, or take ticks back: what they said is owed again, by its old date.

    The subscriber stays as it is: messages go again by ``resume_messages`` alone.
    """
    tx, desk, who = acting.tx, acting.desk, acting.who
    request = found(tx, reference)
    if request.state in life.OPEN and what is None and system is None:
        raise NotPossible(f"{reference} is open ({request.state})")
    if what is not None or system is not None:
        _take_back(desk, tx, request, who, _ticked(request, what, system))
    if request.state not in life.OPEN:
        register.set_state(tx, reference, moved(request, Move.REOPEN), desk.now())
        register.note(tx, [(reference, "reopened", who, {})], desk.now())
    return found(tx, reference)


def resume_messages(acting: Acting, mailbox: str) -> tuple[str, ...]:
    """Send messages to an address again, because the person wants them; return what had stopped them: requests, or staff.

    With that the person withdraws an opt_out that is still open: nothing has to stop in the other systems any more.
    """
    tx, desk, who = acting.tx, acting.desk, acting.who
    stopped_by = subscribers.stopped_by(tx, desk.keys.of_address(mailbox))
    for reference in stopped_by:
        lifted = subscribers.resume_messages(tx, reference, desk.now())
        register.note(tx, [(reference, "messages_resumed", who, {"suppressions_lifted": lifted})], desk.now())
        request = found(tx, reference)
        if request.type is RequestType.OPT_OUT and request.state in life.OPEN:
            register.set_state(tx, reference, moved(request, Move.WITHDRAW), desk.now())
            not_owed = ", ".join(f"{owed.what} ({owed.system})" for owed in request.obligations if owed.met_at is None)
            register.note(tx, [(reference, "withdrawn", who, {"no_longer_owed": not_owed or "nothing"})], desk.now())
    by_staff = amendments.resume_address(tx, mailbox, Behind(desk.now(), who, "the person wants messages again"))
    return (*stopped_by, *(("staff",) if by_staff else ()))


def found(tx: Connection, reference: str) -> Registered:
    request = register.find_request(tx, reference)
    if request is None:
        raise NoSuchRequest(reference)
    return request


def open_request(tx: Connection, reference: str) -> Registered:
    request = found(tx, reference)
    if request.state not in life.OPEN:
        raise NotPossible(f"{reference} is closed ({request.state}); type `mailbot requests reopen {reference}` first")
    return request


def moved(request: Registered, move: Move) -> State:
    try:
        return life.after(request.state, move, request.type)
    except MoveNotAllowed as mistake:
        raise NotPossible(f"{request.reference}: {mistake}") from mistake


def _is_mailbots(request: Registered, owed: Owed) -> bool:
    """Tell whether the obligation is met by a change in mailbot's own store. What is held may be anything, so nothing is."""
    return request.outcome is Outcome.REQUEST and owed.system == OWN_SYSTEM and owed.what in CARRIED_OUT_HERE


def _is_asked(request: Registered, owed: Owed) -> bool:
    """Tell whether approval covers the obligation: what cannot be undone only where the person asked for just that."""
    return owed.what != Duty.DESTROY or request.type is RequestType.DESTROY


def _carry_out(desk: Desk, tx: Connection, request: Registered, mailbots: Iterable[Owed], who: str) -> Registered:
    """Change the subscriber as the duties demand. A sender who is not on file has nothing here to change."""
    duties = {Duty(owed.what) for owed in mailbots}
    if Duty.STOP_MESSAGES in duties and request.sender_key is not None:
        subscribers.stop_messages(tx, {request.reference: request.sender_key}, desk.now())
    request = request if request.subscriber_id is not None or not duties else _looked_up(tx, request)
    if request.subscriber_id is not None:
        for duty in sorted(duties, key=lambda each: each is Duty.DESTROY):  # last: the others write to what it destroys
            _change(tx, request.subscriber_id, duty, Behind(desk.now(), who, "approved", request.reference), _today(desk))
    return request


def _change(tx: Connection, owner: int, duty: Duty, behind: Behind, today: date) -> None:
    match duty:
        case Duty.STOP_PROCESSING:
            amendments.end_consents(tx, owner, None, behind, today)
        case Duty.STOP_TRANSFER:
            amendments.end_consents(tx, owner, subscribers.TRANSFER_SCOPES, behind, today)
        case Duty.BLOCK:
            amendments.set_blocked(tx, owner, behind.at, behind)
        case Duty.UNBLOCK:
            amendments.set_blocked(tx, owner, None, behind)
        case Duty.DESTROY:
            destroy_requester(tx, owner, behind.reference, behind.at)


def _looked_up(tx: Connection, request: Registered) -> Registered:
    """Look again whether the sender is on file: the person may have been imported since."""
    if request.sender is None:
        return request
    key = mailbox_key(request.sender)
    owner = subscribers.ids_by_email(tx, [key]).get(key)
    if owner is not None:
        register.link_subscriber(tx, request.reference, owner)
    return found(tx, request.reference)


def _ticked(request: Registered, what: str | None, system: str | None) -> list[Owed]:
    """Return the ticks that are meant. What mailbot destroyed stays destroyed."""
    met = [owed for owed in request.obligations if owed.met_at is not None]
    final = [owed for owed in met if owed.what == Duty.DESTROY and _is_mailbots(request, owed)]
    ticked = [owed for owed in met if what in (None, owed.what) and system in (None, owed.system) and owed not in final]
    if not ticked:
        others = ", ".join(f"{owed.what} ({owed.system})" for owed in met if owed not in final)
        raise NotPossible(f"{request.reference} has no tick like that to be taken back; it has: {others or 'none'}")
    return ticked


def _take_back(desk: Desk, tx: Connection, request: Registered, who: str, ticked: Iterable[Owed]) -> None:
    for owed in ticked:
        register.take_back(tx, request.reference, owed.what, owed.system)
        detail = {"what": owed.what, "system": owed.system, "was_met_by": owed.met_by}
        register.note(tx, [(request.reference, "taken_back", who, detail)], desk.now())
    register.recount_due(tx, request.reference)


def settled(desk: Desk, tx: Connection, reference: str, who: str, *, did_something: bool) -> Registered:
    """Close the request once nothing is owed any more, and tell the person what was done."""
    request = _followed(desk, tx, found(tx, reference))
    register.recount_due(tx, reference)
    if all(owed.met_at is not None for owed in request.obligations):
        register.set_state(tx, reference, moved(request, Move.CARRY_OUT), desk.now())
        register.note(tx, [(reference, "carried_out", who, {})], desk.now())
        if did_something and request.outcome is Outcome.REQUEST and request.type not in _ANSWERED_BY_STAFF and _done(tx, request):
            _write(desk, tx, request, LetterKind.COMPLETION, Ground(""))
    return found(tx, reference)


def _followed(desk: Desk, tx: Connection, request: Registered) -> Registered:
    """Let other systems follow what mailbot has done in its own store: those that read its view have, and commands are queued."""
    own = {owed.what for owed in request.obligations if owed.system == OWN_SYSTEM and owed.met_at is not None}
    for owed in request.obligations:
        if owed.system in desk.by_view and owed.met_at is None and owed.what in own and is_met_by_view(owed.what):
            register.meet(tx, [owed.id], f"system {owed.system}", desk.now())
    if desk.by_command:
        queue_for(tx, desk, request.reference)
    return found(tx, request.reference)


def _done(tx: Connection, request: Registered) -> frozenset[Duty]:
    """Return what a letter may say was done: what is met in every system (I12), and messages only as long as they stop.

    Of a person who is not on file mailbot holds nothing, so that its own part says nothing; a stop of messages needs no file.
    """
    stopped = request.sender_key is not None and subscribers.suppressed_since(tx, request.sender_key) is not None
    still_open = {owed.what for owed in request.obligations if owed.met_at is None}
    held_here = request.subscriber_id is not None or _was_on_file(tx, request)
    said = [owed for owed in request.obligations if held_here or owed.system != OWN_SYSTEM or owed.what == Duty.STOP_MESSAGES]
    return frozenset(Duty(owed.what) for owed in said if owed.what not in still_open and (stopped or owed.what != Duty.STOP_MESSAGES))


def _address_now(tx: Connection, request: Registered, sender: str) -> str:
    """Return where to write: the sender's address, or the one that has taken its place on file by the sender's own request (H48)."""
    if request.subscriber_id is None or request.type is not RequestType.UPDATE:
        return sender
    asked = [change.new for change in register.changes_of(tx, request.reference) if change.field is Field.EMAIL]
    on_file = subscribers.ids_by_email(tx, map(mailbox_key, [sender, *asked]))
    replaced_by = [address for address in asked if on_file.get(mailbox_key(address)) == request.subscriber_id]
    return replaced_by[0] if replaced_by and mailbox_key(sender) not in on_file else sender


def _was_on_file(tx: Connection, request: Registered) -> bool:
    """Tell whether its sender was on file when staff approved it: who was destroyed since is so no more."""
    return any(event.what == "approved" and event.detail.get("on_file") for event in register.history_of(tx, request.reference))


def _write(desk: Desk, tx: Connection, request: Registered, kind: LetterKind, ground: Ground) -> bool:
    """Queue the letter that closes a request and tell whether one goes; staff released it, so the caps do not bind it (H81)."""
    message = read_header(evidence.header_of(tx, request.reference) or b"")
    if request.sender is None or request.standing is Standing.FAILED or screen(message, desk.own) is not None:  # I5
        return False
    occasion = Occasion(
        kind=kind,
        type=request.type,
        language=request.language,
        reference=request.reference,
        recipient=_address_now(tx, request, request.sender),
        done=_done(tx, request),
        done_on=_today(desk),
        ground=ground.text,
        kept=ground.kept,
        kept_until=ground.kept_until,
        in_reply_to=message.message_id,
        references=message.references,
    )
    letter = write_letter(desk, occasion, desk.now(), capped=False)
    if letter is not None:
        outbox.queue(tx, [replace(letter, cause=_cause(tx, request.reference))], desk.now())
    return letter is not None


def _cause(tx: Connection, reference: str) -> str:
    """Name what a closing letter is caused by: the request, or its first, second ... reopening; each has letters of its own (I3)."""
    times = sum(event.what == "reopened" for event in register.history_of(tx, reference))
    return f"{reference}+{times}" if times else reference


def _today(desk: Desk) -> date:
    return desk.now().astimezone(desk.zone).date()


_ANSWERED_BY_STAFF = frozenset(
    {RequestType.ACCESS, RequestType.QUESTION, RequestType.AUTHORITY_INQUIRY, RequestType.OBJECT_AUTOMATED, RequestType.OPT_OUT}
)
"""Staff write the answer to these themselves, and an opt_out has had its one letter."""


def _is_promised_stop(owed: Owed) -> bool:
    """Tell whether messages have still to stop in another system, as the acknowledgement said they would."""
    return owed.met_at is None and owed.what == Duty.STOP_MESSAGES and owed.system != OWN_SYSTEM


def _open_ones(request: Registered) -> str:
    still_open = [owed for owed in request.obligations if owed.met_at is None]
    return _told(request, still_open) or f"nothing (`mailbot requests done {request.reference}` closes it)"


def _told(request: Registered, open_ones: Iterable[Owed]) -> str:
    """Name obligations, each with what to type when it is to be done, or was."""
    return "; ".join(f"{owed.what} ({owed.system}): `mailbot requests {_typed(request, owed)}`" for owed in open_ones)


def _typed(request: Registered, owed: Owed) -> str:
    if not _is_mailbots(request, owed):
        return f"done {request.reference} {owed.what}" + (f" --system {owed.system}" if owed.system != STAFF else "")
    return f"approve {request.reference}" + ("" if _is_asked(request, owed) else f" {owed.what}")


def release(acting: Acting, reference: str, order: Release, retention: Retention) -> Registered:
    """Answer an access request: one letter, to the address on file, with what is held of the person, or that nothing is (H68)."""
    tx, desk, who = acting.tx, acting.desk, acting.who
    request = open_request(tx, reference)
    request = request if request.subscriber_id is not None else _looked_up(tx, request)
    letter = access.answer(desk, tx, request, order, retention)
    earlier = sum(event.what == access.RELEASED for event in register.history_of(tx, reference))
    outbox.queue(tx, [replace(letter, cause=f"{reference}+{earlier}" if earlier else reference)], desk.now())
    rests_on = order.proof or ("round trip" if request.confirmed_at else request.standing)
    detail = {"rests_on": rests_on, "held": "nothing" if order.nothing_is_held else "sent"}
    register.note(tx, [(reference, access.RELEASED, who, detail)], desk.now())
    answered = [owed.id for owed in request.obligations if owed.what == Duty.ANSWER and owed.system in (STAFF, OWN_SYSTEM)]
    register.meet(tx, answered, who, desk.now())
    return settled(desk, tx, reference, who, did_something=True)


def met_by_system(desk: Desk, tx: Connection, reference: str, what: str, system: str) -> None:
    """Record that another system did its part by itself, as its command said; once nothing else is owed, the request is settled.

    Where staff ticked it off or closed the request while the command ran, nothing is left to record.
    """
    request, who = found(tx, reference), f"system {system}"
    met = [owed.id for owed in request.obligations if owed.met_at is None and (owed.what, owed.system) == (what, system)]
    if met and request.state in life.OPEN:
        register.meet(tx, met, who, desk.now())
        register.note(tx, [(reference, "done", who, {"what": what, "system": system})], desk.now())
        settled(desk, tx, reference, who, did_something=True)
