"""Intake: a batch of messages is carried from the mailbox into the register, in one transaction.

read → screen → recognise → match → decide → compose → record. How messages are fetched, and in which batches, is
``mailbot.rounds``; what is decided is ``rules.decide``; nothing is sent from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from mailbot.arrival import Arrival, fingerprint_of, text_key
from mailbot.desk import Desk
from mailbot.judging import asked_changes
from mailbot.opening import NewEntry, new_entry
from rules.addresses import mailbox_key
from rules.decide import Case, Decision, decide
from rules.details_change import Change
from rules.matching import KnownRequest, Picture
from rules.vocabulary import Outcome, RequestType, Standing, State
from storage import evidence, outbox, register, subscribers
from storage.evidence import Receipt
from storage.ledger import Entry
from storage.outbox import NewLetter
from storage.register import NewRequest, Numbering

KEPT = frozenset({Outcome.REQUEST, Outcome.HELD, Outcome.FOLLOW_UP, Outcome.DUPLICATE, Outcome.SHUNTED})
"""What is kept of: header and text. Of all other mail only the ledger's row remains."""

JOINING = frozenset({Outcome.REQUEST, Outcome.HELD, Outcome.FOLLOW_UP})


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

    def add(self, opened: NewEntry) -> None:
        """Gather what a new entry of the register writes."""
        self.requests.append(opened.request)
        self.changes += ((opened.request.reference, change) for change in opened.changes)
        if opened.letter is not None:
            self.letters.append(opened.letter)
        if opened.stops is not None:
            self.stopped[opened.request.reference] = opened.stops
            self.history.append((opened.request.reference, "messages_stopped", "mailbot", {}))


def take_in(tx: Connection, batch: Sequence[Arrival], desk: Desk, now: datetime, *, file_at_once: bool) -> list[Entry]:
    """Carry a batch into the register; return the rows that the ledger is to hold."""
    register.one_at_a_time(tx)
    picture = register.picture_of(tx, [arrival.pointers for arrival in batch if _may_matter(arrival)])
    on_file = subscribers.ids_by_email(tx, _senders_asking(batch))
    numbering, written = Numbering(tx), _Record()
    for arrival in batch:  # in UID order
        decision = _shunted(arrival) or decide(_case(arrival, picture))
        reference = decision.joins
        if decision.opens is not None:
            reference = numbering.next(arrival.received.astimezone(desk.zone).year)
            written.add(new_entry(desk, arrival, decision, reference, on_file.get(_sender_of(arrival)), now))
        _fold(picture, arrival, decision, reference)  # the next message sees it
        _enter(desk, written, arrival, decision, reference, file_at_once=file_at_once)
        if decision.outcome is Outcome.FOLLOW_UP and reference and _is_open_update(picture.requests[reference]):
            written.changes += ((reference, change) for change in asked_changes(arrival.message))
    numbering.close()
    register.add_requests(tx, written.requests, now)
    for reference in written.reopened:
        register.set_state(tx, reference, State.AWAITING_STAFF, now)
    register.propose(tx, written.changes)
    register.note(tx, written.history, now)
    evidence.keep(tx, written.receipts)
    subscribers.stop_messages(tx, written.stopped, now)
    outbox.queue(tx, written.letters, now)
    return written.entries


def _is_open_update(known: KnownRequest) -> bool:
    """Tell whether what its requester adds may say what is to be changed."""
    return known.type is RequestType.UPDATE and known.is_open and not known.is_held


def _may_matter(arrival: Arrival) -> bool:
    """Tell whether the message was read, or was sent by a machine and may belong to a request: all other mail is ordinary anyhow."""
    return arrival.message.text is not None or arrival.screening is not None


def _case(arrival: Arrival, picture: Picture) -> Case:
    pointers, reading = arrival.pointers, arrival.reading
    return Case(
        message=arrival.message,
        reading=reading,
        screening=arrival.screening,
        standing=Standing.UNPROVEN,
        tie=picture.tie(pointers),
        seen_before=picture.has_seen(pointers),
        same_open=picture.open_request_of(pointers.sender_key, reading.type),
        flags=arrival.flags,
    )


def _enter(desk: Desk, written: _Record, arrival: Arrival, decision: Decision, reference: str | None, *, file_at_once: bool) -> None:
    """Gather the ledger's row, what is kept of a message that matters, and what it means for the request that it joins."""
    fingerprint, filing_due = fingerprint_of(desk, arrival), file_at_once and decision.outcome in JOINING
    written.entries.append(Entry(arrival.place, fingerprint, arrival.received, decision.outcome, decision.reason, reference, filing_due))
    if decision.outcome in KEPT:
        written.receipts.append(_receipt(desk, arrival, reference))
    if decision.outcome is Outcome.FOLLOW_UP and reference:
        written.history.append((reference, "follow_up", "sender", {"uid": arrival.place.uid}))
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
        domain_key=desk.keys.of_domain(message.sender.rpartition("@")[2]) if message.sender else None,
        header=arrival.header,
        text=message.text,
        attachments=message.attachments,
        raw=arrival.raw,
    )


def _fold(picture: Picture, arrival: Arrival, decision: Decision, reference: str | None) -> None:
    """Put what was decided into the picture that the next message of the batch is judged by."""
    if decision.outcome not in JOINING or reference is None:
        return
    picture.add_message(arrival.pointers, reference)
    if (opening := decision.opens) is not None:
        is_held = decision.outcome is Outcome.HELD
        sender_key = arrival.pointers.sender_key
        picture.add_request(KnownRequest(reference, opening.type, sender_key, opening.for_staff, opening.language, is_held))
    elif decision.reopens:
        picture.add_request(replace(picture.requests[reference], is_open=True))


def _senders_asking(batch: Sequence[Arrival]) -> set[str]:
    return {_sender_of(arrival) for arrival in batch if arrival.reading.outcome is not Outcome.ORDINARY} - {""}


def _sender_of(arrival: Arrival) -> str:
    """Return the sender's address in the form in which equal ones are equal; "" if nobody can be named."""
    return mailbox_key(arrival.message.sender) if arrival.message.sender else ""


def _shunted(arrival: Arrival) -> Decision | None:
    return Decision(Outcome.SHUNTED, arrival.shunt_reason, "shunt") if arrival.shunt_reason else None
