"""How a request ends: carried out, refused, lapsed or withdrawn, and the one letter that says so.

But for what is carried out, a person of staff says it, on a written ground (I8). The words of the letters stand in ``templates/``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection

from mailbot.desk import OWN_SYSTEM, Acting, Desk
from mailbot.letters import Occasion, plain_text
from mailbot.moves import NotPossible, found, move, moved, open_ones, open_request, steps, still_owed
from mailbot.opening import write_letter
from mailbot.systems import is_met_by_view, queue_for
from rules import life
from rules.addresses import mailbox_key
from rules.automatic import screen
from rules.deadlines import DUTIES_IN_EVERY_SYSTEM
from rules.details_change import Field
from rules.life import Move
from rules.message import Message, read_header
from rules.secret_numbers import masked_numbers
from rules.vocabulary import Duty, LetterKind, Outcome, RequestType, Standing, State
from storage import evidence, outbox, register, subscribers
from storage.access import on_file
from storage.outbox import NewLetter
from storage.register import Owed, Registered

REFUSED_IN_PART = "refused_in_part"
"""What stands in its history when a part of a request was refused, and the rest is owed as before."""

NOT_TOLD = "not_told"
"""What stands in a request's history when it was closed and no letter could say so: staff tell the person in another way."""

_LETTER_OF = {Move.REFUSE: LetterKind.REFUSAL, Move.LAPSE: LetterKind.LAPSE}
_ANSWERED_BY_STAFF = frozenset({RequestType.ACCESS, RequestType.QUESTION, RequestType.AUTHORITY_INQUIRY, RequestType.OBJECT_AUTOMATED})
_SAID_BY_WRITING = frozenset({Duty.NOTIFY_PERSON, Duty.ASK_SENDER})
_ANSWERED_IN_THE_LETTER = frozenset({RequestType.QUESTION, RequestType.OBJECT_AUTOMATED})


@dataclass(frozen=True, slots=True)
class Ground:
    """Why a request is refused or lapses, in the person's language; of one that is refused in part, what is kept and until when."""

    text: str
    kept: str = ""
    kept_until: date | None = None
    told: str = ""
    """How staff told the person themselves, which counts where no letter may go by mail."""


NO_GROUND = Ground("")


# --- refused, lapsed, withdrawn ----------------------------------------------------------------------------------------
def refuse(acting: Acting, reference: str, ground: Ground) -> Registered:
    """Refuse with a written ground, and tell the person with the right of appeal (I8; Law 94-V art. 8(7), 25(2)).

    Where something is kept, all that is still to be done with the rest stays owed, and the request open.
    """
    return _end_on(acting, open_request(acting.tx, reference), Move.REFUSE, ground)


def lapse(acting: Acting, reference: str, ground: Ground) -> Registered:
    """End on a written ground what its sender has not made possible to carry out. What is held may be a thing that never lapses."""
    request = open_request(acting.tx, reference)
    if request.outcome is Outcome.HELD:
        raise NotPossible(f"{reference} is held, and may be what never lapses; first say what it is: {_to_mark(reference)}")
    return _end_on(acting, request, Move.LAPSE, ground)


def withdraw(acting: Acting, reference: str, note: str = "") -> Registered:
    """Close what the person has taken back, and tell them what stays as it is; ``note`` says how staff know of it."""
    request = open_request(acting.tx, reference)
    _refuse_an_event(request)
    end_as_withdrawn(acting, request, {"note": note} if note else {})
    if request.type is not RequestType.AUTHORITY_INQUIRY:
        _tell(acting, reference, _letter(acting, request, LetterKind.WITHDRAWAL))
    return found(acting.tx, reference)


def end_as_withdrawn(acting: Acting, request: Registered, detail: dict[str, object]) -> None:
    """Close a request as withdrawn, without a letter; its history names what is owed no longer."""
    tx, now = acting.tx, acting.desk.now()
    state = move(tx, request, Move.WITHDRAW, now)
    not_owed = ", ".join(f"{owed.what} ({owed.system})" for owed in still_owed(request))
    register.note(tx, [(request.reference, state, acting.who, {"no_longer_owed": not_owed or "nothing", **detail})], now)


def _end_on(acting: Acting, request: Registered, along: Move, ground: Ground) -> Registered:
    """Refuse a request, or let it lapse. Nobody's request ends like that without hearing why."""
    tx, reference, now = acting.tx, request.reference, acting.desk.now()
    _refuse_groundless(ground, _today(acting.desk))
    if along is Move.REFUSE and request.state is State.AWAITING_SENDER:  # staff need not wait for the sender's yes to say no
        request = replace(request, state=moved(request, Move.HAND_TO_STAFF))
    state = moved(request, along)
    _refuse_the_unrefusable(request)
    rest = _rest(request) if along is Move.REFUSE and plain_text(ground.kept) else []
    letter = _letter(acting, request, _LETTER_OF[along], ground, rest=rest)
    if letter is None and not plain_text(ground.told):
        raise NotPossible(
            f"{reference}: no letter may go to its sender, and nobody's request ends like that without one: "
            f"tell the person in another way, and say how: --told 'by post, letter 12'; still open: {open_ones(request)}"
        )
    register.set_state(tx, reference, request.state if rest else state, now)
    register.note(tx, [(reference, REFUSED_IN_PART if rest else state, acting.who, _as_detail(ground))], now)
    if letter is not None:
        outbox.queue(tx, [letter], now)
    return found(tx, reference)


def _rest(request: Registered) -> list[Owed]:
    """Return what is still to be done with data where only a part of what was asked for is refused; an answer is the letter itself."""
    return [owed for owed in still_owed(request) if owed.what in DUTIES_IN_EVERY_SYSTEM]


def _refuse_groundless(ground: Ground, today: date) -> None:
    if not plain_text(ground.text):
        raise NotPossible("this needs a written ground: --ground 'obligation unperformed, art. 8(2)'")
    if ground.kept_until is not None and (not plain_text(ground.kept) or ground.kept_until < today):
        raise NotPossible("until when something is kept needs what it is, and a day to come: --kept 'invoices' --until 31.12.2030")


def _refuse_the_unrefusable(request: Registered) -> None:
    """Raise where nobody asked, an authority did, or something was promised that is still to be done: nobody looks at what is closed."""
    reference = request.reference
    _refuse_an_event(request)
    if request.type is RequestType.AUTHORITY_INQUIRY:
        raise NotPossible(f"{reference} is from the authorised body: write to it, then type `mailbot requests done {reference}`")
    if stops := [owed for owed in still_owed(request) if owed.what == Duty.STOP_MESSAGES and owed.system != OWN_SYSTEM]:
        raise NotPossible(f"{reference}: messages stop everywhere, whatever is refused; do that first: {steps(request, stops)}")


def _refuse_an_event(request: Registered) -> None:
    if request.type is None and request.event is not None:
        raise NotPossible(f"{request.reference} is an event that staff entered ({request.event}): nobody asked for it")


def _to_mark(reference: str) -> str:
    return f"`mailbot requests mark {reference} TYPE`"


def _as_detail(ground: Ground) -> dict[str, object]:
    kept = {"kept": ground.kept, "until": ground.kept_until.isoformat() if ground.kept_until else None} if ground.kept else {}
    return {"ground": ground.text, **kept, **({"told": ground.told} if ground.told else {})}


# --- carried out -------------------------------------------------------------------------------------------------------
def settled(desk: Desk, tx: Connection, reference: str, who: str, *, did_something: bool) -> Registered:
    """Close the request once nothing is owed any more, and tell the person what was done."""
    acting, request, now = Acting(tx, desk, who), _followed(desk, tx, found(tx, reference)), desk.now()
    tells = did_something and _is_told(request)
    letter = _final_letter(acting, request) if tells else None
    if letter is not None:
        register.meet(tx, [owed.id for owed in still_owed(request)], "mailbot", now)
    register.recount_due(tx, reference)
    if letter is not None or not still_owed(request):
        register.note(tx, [(reference, move(tx, request, Move.CARRY_OUT, now), who, {})], now)
        if tells and (_done(tx, request) or request.channel):
            _tell(acting, reference, letter)
    return found(tx, reference)


def _final_letter(acting: Acting, request: Registered) -> NewLetter | None:
    """Write the letter that says what was done, if nothing is owed any more but to tell the person just that."""
    is_all = all(owed.what == Duty.NOTIFY_PERSON and owed.trigger in (None, request.type) for owed in still_owed(request))
    return _letter(acting, request, LetterKind.COMPLETION) if is_all and _done(acting.tx, request) else None


def refuse_answer(request: Registered, answer: str) -> None:
    """Raise where the words of staff do not go out in the final letter."""
    reference = request.reference
    if not plain_text(answer):
        raise NotPossible("--answer needs words, in the person's language")
    if request.outcome is Outcome.REQUEST and request.type in _ANSWERED_IN_THE_LETTER:
        return
    instead = {
        RequestType.ACCESS: f"`mailbot access release {reference}` answers it",
        RequestType.AUTHORITY_INQUIRY: f"write to the authorised body yourself, then type `mailbot requests done {reference}`",
        None: f"first say what it is: {_to_mark(reference)}",
    }.get(request.type if request.outcome is Outcome.REQUEST else None, "its final letter says what was done")
    raise NotPossible(f"{reference}: --answer is for a question and for an objection; {instead}")


def settled_with(acting: Acting, reference: str, answer: str) -> Registered:
    """Close a request of which all is ticked off, with the answer of staff in its final letter; else raise."""
    tx, desk = acting.tx, acting.desk
    after = settled(desk, tx, reference, acting.who, did_something=False)
    if after.state in life.OPEN:
        raise NotPossible(f"{reference}: the answer goes out when nothing else is owed; first: {open_ones(after)}")
    letter = _letter(acting, after, LetterKind.COMPLETION, answer=answer)
    if letter is None:
        raise NotPossible(f"{reference}: no letter may go to its sender; answer in another way, and leave out --answer")
    outbox.queue(tx, [letter], desk.now())
    return after


def is_untold(tx: Connection, request: Registered) -> bool:
    """Tell whether a request is closed, and no letter could say so."""
    return request.state in life.CLOSED and register.history_of(tx, request.reference)[-1].what == NOT_TOLD


def _followed(desk: Desk, tx: Connection, request: Registered) -> Registered:
    """Let other systems follow what mailbot has done in its own store: those that read its view have, and commands are queued."""
    own = {owed.what for owed in request.obligations if owed.system == OWN_SYSTEM and owed.met_at is not None}
    for owed in still_owed(request):
        if owed.system in desk.by_view and owed.what in own and is_met_by_view(owed.what):
            register.meet(tx, [owed.id], f"system {owed.system}", desk.now())
    if desk.by_command:
        queue_for(tx, desk, request.reference)
    return found(tx, request.reference)


def _is_told(request: Registered) -> bool:
    """Tell whether mailbot says when it is done: not where staff answer themselves; an opt_out by mail has had its one letter."""
    if request.outcome is not Outcome.REQUEST or request.type is None:
        return False
    return request.channel is not None if request.type is RequestType.OPT_OUT else request.type not in _ANSWERED_BY_STAFF


# --- the letter --------------------------------------------------------------------------------------------------------
def _tell(acting: Acting, reference: str, letter: NewLetter | None) -> None:
    """Queue the letter that closes a request; where none may go, its history says that staff have to tell the person."""
    if letter is not None:
        outbox.queue(acting.tx, [letter], acting.desk.now())
    else:
        register.note(acting.tx, [(reference, NOT_TOLD, "mailbot", {})], acting.desk.now())


def _letter(
    acting: Acting, request: Registered, kind: LetterKind, ground: Ground = NO_GROUND, answer: str = "", rest: Sequence[Owed] = ()
) -> NewLetter | None:
    """Write the letter that closes a request; None where none may go. Staff released it, so the caps do not bind it (H81)."""
    tx, desk = acting.tx, acting.desk
    message = read_header(evidence.header_of(tx, request.reference) or b"")
    recipient = _recipient(desk, tx, request, message)
    if recipient is None:
        return None
    done = _done(tx, request) - ({Duty.ANSWER} if answer else set())
    occasion = Occasion(
        kind=kind,
        type=request.type,
        language=request.language,
        reference=request.reference,
        recipient=recipient,
        done=done,
        done_on=_today(desk) if done else None,
        goes_on=bool(rest),
        due=_last_day(rest, _today(desk)),
        ground=ground.text,
        kept=ground.kept,
        kept_until=ground.kept_until,
        answer=masked_numbers(answer),
        stopped=_is_stopped(tx, request),
        in_reply_to=message.message_id,
        references=message.references,
    )
    letter = write_letter(desk, occasion, desk.now(), capped=False)
    return replace(letter, cause=_cause(tx, request.reference)) if letter is not None else None


def _last_day(rest: Sequence[Owed], today: date) -> date | None:
    """Return by when all of it is to be done; None where a day is not known, or is over already and can be promised no more."""
    days = [owed.due for owed in rest if owed.due is not None and owed.due >= today]
    return max(days) if days and len(days) == len(rest) else None


def _recipient(desk: Desk, tx: Connection, request: Registered, message: Message) -> str | None:
    """Return where to write: to who wrote, unless nobody may answer that (I5); of what came without mail to the address on file (I8)."""
    if request.sender is None or request.standing is Standing.FAILED:
        return None
    if request.channel is None:
        return _address_now(tx, request, request.sender) if screen(message, desk.own) is None else None
    owners = on_file(tx, mailbox_key(request.sender))
    if owners:
        return owners[0].address  # H48: as it is stored
    return request.sender if _was_on_file(tx, request) else None


def _address_now(tx: Connection, request: Registered, sender: str) -> str:
    """Return the sender's address, or the one that has taken its place on file by the sender's own request (H48)."""
    if request.subscriber_id is None or request.type is not RequestType.UPDATE:
        return sender
    asked = [change.new for change in register.changes_of(tx, request.reference) if change.field is Field.EMAIL]
    with_it = subscribers.ids_by_email(tx, map(mailbox_key, [sender, *asked]))
    replaced_by = [address for address in asked if with_it.get(mailbox_key(address)) == request.subscriber_id]
    return replaced_by[0] if replaced_by and mailbox_key(sender) not in with_it else sender


def _done(tx: Connection, request: Registered) -> frozenset[Duty]:
    """Return what a letter may say was done: what is met in every system (I12), and messages only as long as they stop.

    Of a person who is not on file mailbot holds nothing, so that its own part says nothing; a stop of messages needs no file.
    """
    stopped, unmet = _is_stopped(tx, request), {owed.what for owed in still_owed(request)}
    held_here = request.subscriber_id is not None or _was_on_file(tx, request)
    said = [owed for owed in request.obligations if held_here or owed.system != OWN_SYSTEM or owed.what == Duty.STOP_MESSAGES]
    unsaid = unmet | _SAID_BY_WRITING | (set() if stopped else {Duty.STOP_MESSAGES})
    return frozenset(Duty(owed.what) for owed in said if owed.what not in unsaid)


def _is_stopped(tx: Connection, request: Registered) -> bool:
    return request.sender_key is not None and subscribers.suppressed_since(tx, request.sender_key) is not None


def _was_on_file(tx: Connection, request: Registered) -> bool:
    """Tell whether its sender was on file when staff approved it: who was destroyed since is so no more."""
    return any(event.what == "approved" and event.detail.get("on_file") for event in register.history_of(tx, request.reference))


def _cause(tx: Connection, reference: str) -> str:
    """Name what a closing letter is caused by: the request, or its first, second ... reopening or refusal of a part (I3)."""
    times = sum(event.what in ("reopened", REFUSED_IN_PART) for event in register.history_of(tx, reference))
    return f"{reference}+{times}" if times else reference


def _today(desk: Desk) -> date:
    return desk.now().astimezone(desk.zone).date()
