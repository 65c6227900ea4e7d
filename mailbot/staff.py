"""What staff do with a request: approve, refuse, tick off, postpone, reopen. The same acts serve every way of asking for them.

Each act changes the request, the subscriber and the history in the transaction that it is given, and queues the letter it causes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import NoReturn

from sqlalchemy import Connection

from mailbot import access
from mailbot.access import Release
from mailbot.amending import amend
from mailbot.closing import Ground, end_as_withdrawn, lapse, refuse, refuse_answer, settled, settled_with, withdraw
from mailbot.config import Retention
from mailbot.desk import OWN_SYSTEM, Acting, Desk
from mailbot.letters import has_lost_its_code, plain_text
from mailbot.moves import CARRIED_OUT_HERE, NotPossible, found, is_asked, is_mailbots, move, moved, open_ones, open_request, still_owed
from mailbot.retention import destroy_requester
from mailbot.systems import queue_for
from rules import life
from rules.addresses import mailbox_key
from rules.deadlines import STAFF
from rules.life import Move
from rules.vocabulary import Duty, Outcome, RequestType
from storage import amendments, outbox, register, subscribers
from storage.amendments import Behind
from storage.outbox import NOT_SENT, ListedLetter
from storage.register import Owed, Registered

__all__ = (  # every act of staff, and what its caller needs, under one name
    "CARRIED_OUT_HERE",
    "Ground",
    "NotPossible",
    "approve",
    "carry_out",
    "extend",
    "found",
    "lapse",
    "met_by_system",
    "moved",
    "open_request",
    "postpone",
    "refuse",
    "release",
    "reopen",
    "resume_messages",
    "send_again",
    "settled",
    "tick_off",
    "withdraw",
)


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
    mailbots = [owed for owed in request.obligations if is_mailbots(request, owed)]
    mailbots = [owed for owed in mailbots if (owed.what == what if what else is_asked(request, owed))]
    if not mailbots:
        kind = what or ("held" if request.outcome is Outcome.HELD else request.type)
        raise NotPossible(f"{reference} ({kind}) is not mailbot's to carry out: do it, then type `mailbot requests done {reference}`")
    here = [owed for owed in mailbots if owed.met_at is None]
    if not here:
        raise NotPossible(f"{reference}: mailbot has done its part; still open: {open_ones(request)}")
    return _do_here(desk, tx, request, here, who, tells=True)


def carry_out(desk: Desk, tx: Connection, request: Registered, who: str, *, tells: bool) -> None:
    """Do what a request asks of mailbot's own store, where no person has to approve it."""
    here = [owed for owed in still_owed(request) if is_mailbots(request, owed) and is_asked(request, owed)]
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


def tick_off(acting: Acting, reference: str, *, what: str | None, system: str | None, answer: str | None = None) -> Registered:
    """Record that staff met a duty, everywhere or in one system. It changes nothing in mailbot's own store: that is ``approve``.

    ``answer`` goes out in the final letter, of a type that staff answer in their own words.
    """
    tx, desk, who = acting.tx, acting.desk, acting.who
    request = open_request(tx, reference)
    if answer is not None:
        refuse_answer(request, answer)
    still_open = still_owed(request)
    meant = [owed for owed in still_open if what in (None, owed.what) and system in (None, owed.system)]
    if what is None and len({owed.what for owed in meant}) > 1:
        raise NotPossible(f"{reference} owes more than one thing; do one after the other: {open_ones(request)}")
    met = [owed for owed in meant if not is_mailbots(request, owed)]
    if not met and (still_open or what or system):  # a reopened request may owe nothing, and is closed all the same
        raise NotPossible(f"{reference} has no open obligation like that to tick off; it has: {open_ones(request)}")
    register.meet(tx, [owed.id for owed in met], who, desk.now())
    register.note(tx, [(reference, "done", who, {"what": owed.what, "system": owed.system}) for owed in met], desk.now())
    if answer is not None:
        return settled_with(acting, reference, answer)
    return settled(desk, tx, reference, who, did_something=bool(met))


def postpone(acting: Acting, reference: str, day: date) -> Registered:
    """Remind staff again on ``day``. The due date stays: the law knows no extension."""
    tx, desk, who = acting.tx, acting.desk, acting.who
    request = open_request(tx, reference)
    if request.due is not None and day > request.due:
        raise NotPossible(f"{reference} cannot be postponed to {day}: {_no_extension(desk, request)}")
    if day <= _today(desk):
        raise NotPossible(f"{day} is not a day to come")
    register.postpone(tx, reference, day)
    register.note(tx, [(reference, "postponed", who, {"to": day.isoformat()})], desk.now())
    return found(tx, reference)


def extend(acting: Acting, reference: str, day: date) -> NoReturn:
    """Answer that the due date stays: an extension exists only in a pack that declares one, and none does."""
    raise NotPossible(f"{reference} cannot be extended to {day}: {_no_extension(acting.desk, open_request(acting.tx, reference))}")


def _no_extension(desk: Desk, request: Registered) -> str:
    """Say that the law knows no extension, and what is due when, by which text."""
    dated = [(owed.due, owed) for owed in still_owed(request) if owed.due is not None]
    knows_none = f"the law knows no extension ({desk.policy.law.title})"
    if not dated:
        return f"{knows_none}; due is {request.due or 'no day yet'}"
    due, owed = min(dated, key=lambda each: each[0])
    return f"{knows_none}; due is {due}: {owed.what} ({owed.system}), {owed.source}"


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
        move(tx, request, Move.REOPEN, desk.now())
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
            end_as_withdrawn(acting, request, {})
    by_staff = amendments.resume_address(tx, mailbox, Behind(desk.now(), who, "the person wants messages again"))
    return (*stopped_by, *(("staff",) if by_staff else ()))


def send_again(tx: Connection, letter: ListedLetter, who: str, now: datetime) -> bool:
    """Let a letter go out again as it is (H33); False if it is on its way or accepted. What asks for a code must still bear it (H66)."""
    if letter.state in NOT_SENT and has_lost_its_code(outbox.content_of(tx, letter.id)):
        instead = f"ask the person in another way, then decide {letter.reference} without it (`mailbot requests show {letter.reference}`)"
        raise NotPossible(f"letter {letter.id} asks for a one-time code that is gone since it went out: {instead}")
    return outbox.queue_again(tx, letter.id, who, now)


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
    final = [owed for owed in met if owed.what == Duty.DESTROY and is_mailbots(request, owed)]
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


def _today(desk: Desk) -> date:
    return desk.now().astimezone(desk.zone).date()
