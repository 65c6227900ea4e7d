"""What mailbot does by itself with a request: at once, or when those who were asked have said yes; and when it stops doing so.

What is believed of whom is ``rules.decide``; what staff do is ``mailbot.staff``. All here works in the transaction of intake.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from mailbot import staff
from mailbot.amending import amend
from mailbot.desk import Desk
from mailbot.logs import log
from mailbot.recounting import recount_request
from rules import life
from rules.decide import WITHDRAWALS
from rules.life import Move
from rules.vocabulary import Answer, RequestType, Standing, State
from storage import amendments, confirmations, register, subscribers, waves
from storage.amendments import Behind
from storage.confirmations import Confirmation
from storage.register import NewRequest, Registered

WHO = "mailbot"

TOGETHER = 100
"""How many unconfirmed requests one transaction gives to staff: after a wave there are thousands, and mail is taken in meanwhile."""


def watch_for_wave(tx: Connection, desk: Desk, opened: Sequence[NewRequest], now: datetime) -> None:
    """Note that a wave begins, if more unproven requests came within an hour than the configuration believes (H65)."""
    most = desk.limits.surge_an_hour
    came = [request.received_at for request in opened if request.standing is Standing.UNPROVEN and "too_old" not in request.flags]
    if not most or not came or waves.current(tx):
        return
    since = min(came) - waves.HOUR  # mailbot may have been away while it came
    ended = waves.last_ended_at(tx)
    counted = waves.most_in_an_hour(tx, max(since, ended) if ended else since, max(came), most)
    if counted > most:
        waves.begin(tx, counted, now)
        log.warning("wave_began", more_an_hour_than=most)


def carry_out_at_once(tx: Connection, desk: Desk, references: Iterable[str]) -> None:
    """Do what aligned senders ask for who are on file; what does not fit to the file is left to staff."""
    for reference in references:
        request = staff.found(tx, reference)
        if request.standing is Standing.ALIGNED and request.subscriber_id is not None and not _is_repeated(tx, request):
            _carry_out(tx, desk, request, "asked by an aligned sender", tells=False)  # the acknowledgement is the only letter (H69)


def _is_repeated(tx: Connection, request: Registered) -> bool:
    """Tell whether a request made such a change before: a signed message can come again under another Message-ID (H62)."""
    owners = (request.subscriber_id,) if request.subscriber_id is not None else ()
    lines = [line for of_owner in amendments.amendments_of(tx, owners).values() for line in of_owner]
    made = {(line.field, line.new) for line in lines if line.reference}
    return any((change.field, change.new) in made for change in register.changes_of(tx, request.reference))


def hear_answers(tx: Connection, desk: Desk, answers: Iterable[tuple[Confirmation, Answer]], now: datetime) -> None:
    """Do what follows from an answer: NO cancels, and the YES of everybody who was asked confirms (H63, H110)."""
    for question, says in answers:
        if not confirmations.answer(tx, question.id, says, now):
            continue
        register.note(tx, [(question.reference, f"says_{says}", question.role, {})], now)
        request = staff.found(tx, question.reference)
        if says is Answer.NO:
            _cancel(tx, request, now)
        elif all(each.answer is Answer.YES for each in confirmations.of_request(tx, question.reference)):
            _go_on(tx, desk, request, now)


def hand_to_staff(tx: Connection, references: Iterable[str], now: datetime) -> list[str]:
    """Give to staff what waited for its sender's yes, and return that: another answer came, or none in time."""
    handed_over = []
    for reference in dict.fromkeys(references):
        request = staff.found(tx, reference)
        if request.state is State.AWAITING_SENDER:
            register.set_state(tx, reference, staff.moved(request, Move.HAND_TO_STAFF), now)
            handed_over.append(reference)
    return handed_over


def hand_over_unconfirmed(desk: Desk, now: datetime) -> int:
    """Give to staff whatever was not confirmed in time; return how many requests that are. Nothing lapses by that (I8)."""
    with desk.database.read() as tx:
        late = confirmations.overdue(tx, now)
    for start in range(0, len(late), TOGETHER):
        with desk.database.write() as tx:
            handed_over = hand_to_staff(tx, late[start : start + TOGETHER], now)
            register.note(tx, [(reference, "not_confirmed", WHO, {}) for reference in handed_over], now)
            for reference in handed_over:
                register.flag(tx, reference, "not_confirmed")
    return len(late)


def _cancel(tx: Connection, request: Registered, now: datetime) -> None:
    """Take back what was done at once: the person says that the request is not theirs. Staff read of it."""
    lifted = subscribers.resume_messages(tx, request.reference, now)
    register.note(tx, [(request.reference, "denied", "sender", {"suppressions_lifted": lifted})], now)
    register.flag(tx, request.reference, "denied")
    if request.state in life.OPEN:
        register.set_state(tx, request.reference, staff.moved(request, Move.WITHDRAW), now)


def _go_on(tx: Connection, desk: Desk, request: Registered, now: datetime) -> None:
    """Go on with a request that is confirmed: an update is made, all else waits for staff, or not where the operator says so."""
    confirmations.confirm(tx, request.reference, now)
    recount_request(tx, desk, staff.found(tx, request.reference), "confirmed", now)  # a clock may start with it
    if request.state is not State.AWAITING_SENDER:  # staff have it: what is to be done may be another thing by now
        return
    if not _carry_out(tx, desk, request, "confirmed by a one-time code", tells=True):
        hand_to_staff(tx, [request.reference], now)


def _carry_out(tx: Connection, desk: Desk, request: Registered, why: str, *, tells: bool) -> bool:
    """Do in mailbot's own store what was asked for; tell whether it is done. In a wave nothing is."""
    if request.type is not RequestType.UPDATE and not (desk.auto and request.type in WITHDRAWALS):
        return False
    if waves.current(tx):
        register.note(tx, [(request.reference, waves.STOPPED, WHO, {})], desk.now())
        register.flag(tx, request.reference, waves.STOPPED)
        return False
    if request.type is RequestType.UPDATE:
        return _amend(tx, desk, request, why, tells=tells)
    hand_to_staff(tx, [request.reference], desk.now())
    staff.carry_out(desk, tx, staff.found(tx, request.reference), WHO, tells=tells)
    return True


def _amend(tx: Connection, desk: Desk, request: Registered, why: str, *, tells: bool) -> bool:
    if hindrance := amend(tx, desk, request, Behind(desk.now(), WHO, why, request.reference)):
        register.note(tx, [(request.reference, "not_amended", WHO, {"why": hindrance})], desk.now())
        return False
    hand_to_staff(tx, [request.reference], desk.now())  # what is still owed is theirs
    staff.settled(desk, tx, request.reference, WHO, did_something=tells)
    return True
