"""Intake: a batch of messages is carried from the mailbox into the register, in one transaction.

read → screen → recognise → match → decide → compose → record. How messages are fetched, and in which batches, is
``mailbot.rounds``; what is decided is ``rules.decide``; nothing is sent from here.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mailbot.arrival import Arrival, fingerprint_of, text_key, weigh
from mailbot.carrying_out import carry_out_at_once, hand_to_staff, hear_answers, watch_for_wave
from mailbot.desk import Desk
from mailbot.digest_answers import answers_how, id_in_store, opened_with, orders_in, screened_as_staff
from mailbot.judging import asked_changes
from mailbot.moves import found, move
from mailbot.opening import NewEntry, new_entry
from mailbot.systems import queue_for
from rules.addresses import mailbox_key
from rules.automatic import refrain, voice_of
from rules.confirmation import answer_in
from rules.decide import ANSWERS_AGAIN, Acknowledge, Answered, Case, Decision, ToDigest, continue_open_request, decide
from rules.details_change import Change
from rules.life import Move
from rules.matching import KnownRequest, Picture
from rules.message import Message
from rules.own_words import own_words
from rules.vocabulary import Answer, Asked, Outcome, RequestType
from storage import confirmations, digests, evidence, outbox, register, subscribers
from storage.confirmations import Confirmation, NewConfirmation
from storage.digests import NewOrders, Opened
from storage.evidence import Receipt
from storage.ledger import Entry
from storage.outbox import NewLetter
from storage.register import NewRequest, Numbering

KEPT = frozenset({Outcome.REQUEST, Outcome.CONFIRMATION, Outcome.HELD, Outcome.FOLLOW_UP, Outcome.DUPLICATE, Outcome.SHUNTED})
"""What is kept of: header and text. Of all other mail only the ledger's row remains."""

MOST_ALIKE = 2
"""So many messages of one voice in a day may say the same and have letters; the next one that does may be a robot's (H82)."""

JOINING = frozenset({Outcome.REQUEST, Outcome.CONFIRMATION, Outcome.HELD, Outcome.FOLLOW_UP})


@dataclass(slots=True)
class _Record:
    """What one batch writes, gathered row by row and written table by table."""

    entries: list[Entry] = field(default_factory=list)
    requests: list[NewRequest] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    letters: list[NewLetter] = field(default_factory=list)
    stopped: dict[str, bytes] = field(default_factory=dict)
    reopened: list[str] = field(default_factory=list)
    history: list[tuple[str, str, str, dict[str, object]]] = field(default_factory=list)
    changes: list[tuple[str, Change]] = field(default_factory=list)
    asked: list[NewConfirmation] = field(default_factory=list)
    answers: list[tuple[Confirmation, Answer]] = field(default_factory=list)
    at_once: list[str] = field(default_factory=list)
    """What is to be carried out in mailbot's own store now."""
    orders: list[NewOrders] = field(default_factory=list)
    returned: dict[str, str] = field(default_factory=dict)
    """Which letters a delivery report says will never arrive, and with which status."""
    for_staff: list[str] = field(default_factory=list)
    """What waited for its sender's yes, and got another answer."""

    def add(self, opened: NewEntry) -> None:
        """Gather what a new entry of the register writes."""
        self.requests.append(opened.request)
        self.changes += ((opened.request.reference, change) for change in opened.changes)
        self.letters += opened.letters
        self.asked += opened.asked
        if opened.carries_out:
            self.at_once.append(opened.request.reference)
        if opened.stops is not None:
            self.stopped[opened.request.reference] = opened.stops
            self.history.append((opened.request.reference, "messages_stopped", "mailbot", {}))

    def add_later(self, reference: str, changes: Iterable[Change], known: Iterable[Change]) -> None:
        """Gather what is added to an update: anybody may have written that, and no yes was said to it, so that staff have it all (H63)."""
        told = {(change.field, change.new) for change in (*known, *(change for each, change in self.changes if each == reference))}
        if added := [(reference, change) for change in changes if (change.field, change.new) not in told]:
            self.changes += added
            self.for_staff.append(reference)
            self.at_once = [each for each in self.at_once if each != reference]


def take_in(tx: Connection, batch: Sequence[Arrival], desk: Desk, now: datetime, *, file_at_once: bool) -> list[Entry]:
    """Carry a batch into the register; return the rows that the ledger is to hold."""
    for arrival in batch:
        weigh(desk, arrival)  # unless that was done before the transaction
    on_file = subscribers.ids_by_email(tx, _senders_asking(batch))
    _name_as_on_file(tx, batch, on_file)
    _notice_robots(tx, desk, batch, now)
    codes = {code for arrival in batch for code in arrival.codes}
    asked, opened = confirmations.by_code(tx, codes), digests.opened_by(tx, codes)
    about = {question.reference for question in asked.values()}
    picture = register.picture_of(tx, [arrival.pointers for arrival in batch if _may_matter(arrival)], about)
    numbering, written = Numbering(tx), _Record()
    for arrival in batch:  # in UID order
        question = next((asked[code] for code in arrival.codes if code in asked), None)
        decision = _shunted(arrival) or decide(_with_digest(desk, _case(desk, arrival, picture, question, now), arrival, opened))
        reference = decision.joins
        if question is not None and decision.answered is not None and decision.answered.says is not None:
            written.answers.append((question, decision.answered.says))
            asked[question.code_key] = replace(question, answered_at=now, answer=decision.answered.says)
        if decision.opens is not None:
            reference = numbering.next(arrival.received.astimezone(desk.zone).year)
            written.add(new_entry(desk, arrival, decision, reference, on_file.get(_sender_of(arrival)), now))
        _fold(picture, arrival, decision, reference)  # the next message sees it
        _enter(desk, written, arrival, decision, reference, file_at_once=file_at_once)
        if decision.outcome is Outcome.STAFF_ACTION and (secret := opened_with(arrival, opened)):
            written.orders.append(orders_in(arrival, secret))
        if arrival.report and arrival.report.failure:
            written.returned[id_in_store(desk.keys, arrival.report.message_id)] = arrival.report.failure
        if _may_say_more(decision) and reference and _is_open_update(picture.requests[reference]):
            written.add_later(reference, asked_changes(arrival.message), register.changes_of(tx, reference))
    numbering.close()
    _write(tx, desk, written, now)
    return written.entries


def _write(tx: Connection, desk: Desk, written: _Record, now: datetime) -> None:
    """Write what was gathered, table by table; then do what is to be done at once."""
    register.add_requests(tx, written.requests, now)
    for reference in written.reopened:
        move(tx, found(tx, reference), Move.REOPEN, now)
    register.propose(tx, written.changes)
    register.note(tx, written.history, now)
    evidence.keep(tx, written.receipts)
    subscribers.stop_messages(tx, written.stopped, now)
    outbox.queue(tx, written.letters, now)
    outbox.come_back(tx, written.returned, now)
    confirmations.ask(tx, written.asked, now)
    digests.enter(tx, written.orders)
    watch_for_wave(tx, desk, written.requests, now)
    carry_out_at_once(tx, desk, written.at_once)
    if desk.by_command:
        for reference in written.stopped:
            queue_for(tx, desk, reference)
    hand_to_staff(tx, written.for_staff, now)
    hear_answers(tx, desk, written.answers, now)


def _may_say_more(decision: Decision) -> bool:
    """Tell whether a message that joins a request may add to it: a follow-up, and the requester's YES."""
    answered = decision.answered
    said_yes = answered is not None and (answered.role, answered.says) == (Asked.SENDER, Answer.YES)
    return decision.outcome is Outcome.FOLLOW_UP or said_yes


def _is_open_update(known: KnownRequest) -> bool:
    """Tell whether what its requester adds may say what is to be changed."""
    return known.type is RequestType.UPDATE and known.is_open and not known.is_held


def _may_matter(arrival: Arrival) -> bool:
    """Tell whether the message was read, or was sent by a machine and may belong to a request: all other mail is ordinary anyhow."""
    return arrival.message.text is not None or arrival.screening is not None


def _case(desk: Desk, arrival: Arrival, picture: Picture, question: Confirmation | None, now: datetime) -> Case:
    pointers, reading = arrival.pointers, arrival.reading
    return Case(
        message=arrival.message,
        reading=reading,
        screening=arrival.screening,
        standing=arrival.vouched.standing,
        tie=picture.tie(pointers, question.reference if question and question.asked_key == pointers.sender_key else None),
        seen_before=picture.has_seen(pointers),
        same_open=picture.open_request_of(pointers.sender_key, reading.type),
        flags=arrival.flags,
        proof=arrival.vouched.reason,
        changes=arrival.changes,
        answered=_answered(arrival, question, now) if question else None,
        auto=desk.auto,
        answers_all=desk.limits.acknowledge == "all",
    )


def _with_digest(desk: Desk, case: Case, arrival: Arrival, opened: Mapping[bytes, Opened]) -> Case:
    """Add to a case how its message answers a digest of staff, if it does."""
    how = answers_how(arrival, opened)
    screening = screened_as_staff(desk, arrival) if how is ToDigest.GENUINE else case.screening
    return replace(case, to_digest=how, screening=screening) if how else case


def _answered(arrival: Arrival, question: Confirmation, now: datetime) -> Answered:
    """Say what a message that brings a code back answers."""
    says = answer_in(own_words(arrival.message.text or ""))
    return Answered(
        reference=question.reference,
        role=question.role,
        says=says,
        is_repeated=says is not None and says is question.answer,
        from_asked=arrival.pointers.sender_key == question.asked_key,
        is_in_time=question.answered_at is None and now < question.expires_at,
    )


def _enter(desk: Desk, written: _Record, arrival: Arrival, decision: Decision, reference: str | None, *, file_at_once: bool) -> None:
    """Gather the ledger's row, what is kept of a message that matters, and what it means for the request that it joins."""
    fingerprint, filing_due = fingerprint_of(desk, arrival), file_at_once and decision.outcome in JOINING
    written.entries.append(Entry(arrival.place, fingerprint, arrival.received, decision.outcome, decision.reason, reference, filing_due))
    if decision.outcome in KEPT:
        written.receipts.append(_receipt(desk, arrival, reference))
    if decision.outcome is Outcome.STAFF_ACTION:  # enough to know a second copy by: what staff write is kept with their orders alone
        written.receipts.append(replace(_receipt(desk, arrival, None), header=b"", text=None, attachments=(), raw=None))
    if decision.outcome is Outcome.FOLLOW_UP and reference:
        written.history.append((reference, "follow_up", "sender", {"uid": arrival.place.uid}))
        if decision.rule != continue_open_request.__name__ and decision.reason != ANSWERS_AGAIN:  # the same once more says nothing
            written.for_staff.append(reference)
        if decision.reopens:
            written.reopened.append(reference)
            written.history.append((reference, "reopened", "sender", {}))


def _receipt(desk: Desk, arrival: Arrival, reference: str | None) -> Receipt:
    message, pointers = arrival.message, arrival.pointers
    return Receipt(
        place=arrival.place,
        reference=reference,
        received_at=arrival.received,
        sender_key=pointers.sender_key,
        message_key=pointers.message_key,
        text_key=text_key(desk, message),
        domain_key=_voice_key(desk, message),
        header=arrival.header,
        text=message.text,
        attachments=message.attachments,
        raw=arrival.raw,
    )


def _fold(picture: Picture, arrival: Arrival, decision: Decision, reference: str | None) -> None:
    """Put what was decided into the picture that the next message of the batch is judged by."""
    if decision.outcome is Outcome.STAFF_ACTION:
        picture.add_message(arrival.pointers, None)
    if decision.outcome not in JOINING or reference is None:
        return
    picture.add_message(arrival.pointers, reference)
    if (opening := decision.opens) is not None:
        known = KnownRequest(reference, opening.type, arrival.pointers.sender_key, opening.for_staff, opening.language)
        is_told = any(isinstance(effect, Acknowledge) for effect in opening.effects)
        is_unheard = not is_told and not register.is_told_nothing(opening.type, arrival.flags)
        picture.add_request(replace(known, is_held=decision.outcome is Outcome.HELD, is_unheard=is_unheard))
    elif decision.reopens:
        picture.add_request(replace(picture.requests[reference], is_open=True))


def _name_as_on_file(tx: Connection, batch: Sequence[Arrival], on_file: Mapping[str, int]) -> None:
    """Call senders on file as the file does: letters go to the stored address, never to the one that was typed (H48)."""
    for arrival in batch:
        key = _sender_of(arrival)
        if key in on_file and (person := subscribers.find_subscriber(tx, key)):
            stored = (each.value for each in person.contacts if each.kind == "email" and mailbox_key(each.value) == key)
            arrival.message = replace(arrival.message, sender=next(stored, arrival.message.sender))


def _notice_robots(tx: Connection, desk: Desk, batch: Sequence[Arrival], now: datetime) -> None:
    """Flag what one voice says again and again, but for names and numbers: a robot that answers us would have a letter each time (H82)."""
    heard = [arrival for arrival in batch if arrival.screening is None and arrival.reading.outcome is not Outcome.ORDINARY]
    asking = [arrival for arrival in heard if refrain(arrival.message.text)]
    if not asking or not desk.limits.letters_per_domain_an_hour:
        return
    lately = evidence.said_lately(tx, now - timedelta(days=1))
    said: Counter[tuple[bytes | None, str | None]] = Counter((voice, refrain(text)) for voice, text in lately)
    for arrival in asking:
        mine = _voice_key(desk, arrival.message), refrain(arrival.message.text)
        said[mine] += 1
        if said[mine] > MOST_ALIKE:
            arrival.flags |= {"said_before"}


def _voice_key(desk: Desk, message: Message) -> bytes | None:
    return desk.keys.of_domain(voice_of(message.sender)) if message.sender else None


def _senders_asking(batch: Sequence[Arrival]) -> set[str]:
    return {_sender_of(arrival) for arrival in batch if arrival.reading.outcome is not Outcome.ORDINARY} - {""}


def _sender_of(arrival: Arrival) -> str:
    """Return the sender's address in the form in which equal ones are equal; "" if nobody can be named."""
    return mailbox_key(arrival.message.sender) if arrival.message.sender else ""


def _shunted(arrival: Arrival) -> Decision | None:
    return Decision(Outcome.SHUNTED, arrival.shunt_reason) if arrival.shunt_reason else None
