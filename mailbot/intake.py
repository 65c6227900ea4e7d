"""Intake: a batch of messages is carried from the mailbox into the register, in one transaction.

read → screen → recognise → match → decide → compose → record. How messages are fetched, and in which batches, is
``mailbot.rounds``; what is decided is ``rules.decide``; nothing is sent from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from mailbot.desk import OWN_SYSTEM, Desk
from mailbot.letters import LetterMistake, Occasion, UndeliverableAddress
from mailbot.logs import log
from rules.addresses import mailbox_key
from rules.automatic import Screening, screen
from rules.deadlines import Obligation, day_of
from rules.decide import Acknowledge, Case, Decision, Opening, StopMessages, decide
from rules.matching import KnownRequest, Picture, Pointers
from rules.message import Message
from rules.own_words import own_words
from rules.place import Place
from rules.recognition import Reading
from rules.vocabulary import Duty, LetterKind, Outcome, Standing, State
from storage import evidence, outbox, register, subscribers
from storage.evidence import Receipt
from storage.ledger import Entry
from storage.outbox import NewLetter
from storage.register import NewObligation, NewRequest, Numbering

OWN_MARK = "<mailbot."
"""How the Message-ID of every letter of ours begins."""

BILINGUAL = "kk+ru"

NOTHING_ASKED = Reading(Outcome.ORDINARY, reason="the subject asks for nothing")


@dataclass(slots=True)
class Arrival:
    """A message on its way in: what was fetched of it so far and what was made of that."""

    place: Place
    received: datetime
    size: int
    header: bytes
    message: Message
    screening: Screening | None
    pointers: Pointers
    flags: frozenset[str]
    reading: Reading = NOTHING_ASKED
    raw: bytes | None = None
    shunt_reason: str | None = None


@dataclass(slots=True)
class _Record:
    """What one batch writes, gathered row by row and written table by table."""

    entries: list[Entry] = field(default_factory=list)
    requests: list[NewRequest] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    letters: list[NewLetter] = field(default_factory=list)
    stopped: dict[bytes, str] = field(default_factory=dict)
    history: list[tuple[str, str, str, dict[str, object]]] = field(default_factory=list)


def read_arrival(desk: Desk, place: Place, received: datetime, size: int, header: bytes, message: Message, flags: frozenset[str]) -> Arrival:
    """Screen a message whose header was read, and hash what may tie it to others."""
    pointers = _pointers(desk, message)
    return Arrival(place, received, size, header, message, screen(message, desk.own), pointers, flags)


def take_in(tx: Connection, batch: Sequence[Arrival], desk: Desk, now: datetime, *, file_at_once: bool) -> list[Entry]:
    """Carry a batch into the register; return the rows that the ledger is to hold."""
    picture = register.picture_of(tx, [arrival.pointers for arrival in batch])
    on_file = subscribers.ids_by_email(tx, _senders_asking(batch))
    numbering, written = Numbering(tx), _Record()
    for arrival in batch:  # in UID order
        decision = _shunted(arrival) or decide(_case(arrival, picture))
        reference = decision.joins
        if decision.opens is not None:
            reference = numbering.next(arrival.received.astimezone(desk.zone).year)
            _open(desk, written, arrival, decision, decision.opens, reference, on_file, now)
        _fold(picture, arrival, decision, reference)  # the next message sees it
        _enter(desk, written, arrival, decision, reference, file_at_once=file_at_once)
    numbering.close()
    register.add_requests(tx, written.requests, now)
    register.note(tx, written.history, now)
    evidence.keep(tx, written.receipts)
    subscribers.stop_messages(tx, written.stopped, now)
    outbox.queue(tx, written.letters, now)
    return written.entries


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


def _open(
    desk: Desk,
    written: _Record,
    arrival: Arrival,
    decision: Decision,
    opening: Opening,
    reference: str,
    on_file: dict[str, int],
    now: datetime,
) -> None:
    """Gather what a new entry of the register writes: itself, what is owed, what is done at once, and the letter."""
    reading, owed = arrival.reading, _owed(desk, arrival, opening)
    obligations = tuple(_obligation(each, is_met=each.duty in opening.met_at_once and each.system == OWN_SYSTEM) for each in owed)
    waits = opening.for_staff or any(not each.is_met for each in obligations)
    sender = arrival.message.sender
    flags = set(arrival.flags)
    due = min((each.due for each in obligations if each.due and not each.is_met), default=None)
    due = due or min((each.due for each in obligations if each.due), default=None)
    done: frozenset[Duty] = frozenset()
    if arrival.pointers.sender_key is not None and StopMessages() in opening.effects:
        written.stopped.setdefault(arrival.pointers.sender_key, reference)
        written.history.append((reference, "messages_stopped", "mailbot", {}))
        done = frozenset({Duty.STOP_MESSAGES})
    for effect in opening.effects:
        if isinstance(effect, Acknowledge):
            occasion = Occasion(
                kind=LetterKind.ACKNOWLEDGEMENT,
                type=effect.type,
                language=effect.language,
                reference=reference,
                recipient=sender or "",
                clause=reading.clause,
                clause_is_policys=_names_policys_clause(desk, reading),
                done=done,
                elsewhere=any(not each.is_met and each.what == Duty.STOP_MESSAGES for each in obligations),
                due=due,
                in_reply_to=arrival.message.message_id,
                references=arrival.message.references,
            )
            letter = write_letter(desk, occasion, now)
            flags |= {"no_letter_possible"} if letter is None else set()
            written.letters += [letter] if letter else []
    written.requests.append(
        NewRequest(
            reference=reference,
            place=arrival.place,
            type=opening.type,
            outcome=decision.outcome,
            state=State.AWAITING_STAFF if waits else State.CARRIED_OUT,
            language=opening.language,
            standing=Standing.UNPROVEN,
            received_at=arrival.received,
            received_on=day_of(arrival.received, desk.zone),
            due=due,
            rule=decision.rule,
            reason=reading.reason or decision.reason,
            matched=reading.matched,
            clause=reading.clause,
            certainty=reading.certainty,
            may_be=opening.may_be,
            policy=desk.policy.name,
            policy_version=desk.policy.version,
            sender=sender,
            sender_key=arrival.pointers.sender_key,
            subscriber_id=on_file.get(mailbox_key(sender)) if sender else None,
            flags=tuple(sorted(flags)),
            obligations=obligations,
        )
    )


def write_letter(desk: Desk, occasion: Occasion, now: datetime, *, capped: bool = True) -> NewLetter | None:
    """Compose a letter for the outbox; None where no letter can reach the address, and a person must look."""
    try:
        letter = desk.letters.compose(occasion, now)
    except (UndeliverableAddress, LetterMistake) as refusal:
        log.warning("letter_not_written", reference=occasion.reference, reason=type(refusal).__name__)
        return None
    key = mailbox_key(letter.recipient)
    return NewLetter(
        cause=occasion.reference,
        kind=letter.kind,
        reference=occasion.reference,
        topic=occasion.type or "held",
        language=letter.language or BILINGUAL,
        recipient=letter.recipient,
        recipient_key=desk.keys.of_address(key),
        domain=key.rpartition("@")[2],
        envelope_sender=letter.envelope_sender,
        message_id=letter.message_id,
        content=letter.content,
        capped=capped,
    )


def _owed(desk: Desk, arrival: Arrival, opening: Opening) -> tuple[Obligation, ...]:
    if opening.type is not None and not opening.may_be:
        return desk.deadlines.obligations(opening.type, arrival.received)
    return (desk.deadlines.for_doubt(opening.may_be, arrival.received),)


def _obligation(owed: Obligation, *, is_met: bool) -> NewObligation:
    losing = tuple(
        {"source": each.limit.cite, "due": each.due.day.isoformat() if each.due else None, "arithmetic": each.due.arithmetic if each.due else ""}
        for each in owed.losing
    )
    return NewObligation(owed.duty, owed.system, owed.source, owed.starts, owed.due, owed.arithmetic, losing, is_met)


def _enter(desk: Desk, written: _Record, arrival: Arrival, decision: Decision, reference: str | None, *, file_at_once: bool) -> None:
    """Gather the ledger's row, and what is kept of a message that matters."""
    message, matters = arrival.message, decision.outcome in (Outcome.REQUEST, Outcome.HELD, Outcome.FOLLOW_UP, Outcome.DUPLICATE, Outcome.SHUNTED)
    fingerprint = fingerprint_of(desk, arrival)
    filing_due = file_at_once and decision.outcome in (Outcome.REQUEST, Outcome.HELD, Outcome.FOLLOW_UP)
    written.entries.append(Entry(arrival.place, fingerprint, arrival.received, decision.outcome, decision.reason, reference, filing_due))
    if decision.outcome is Outcome.FOLLOW_UP and reference:
        written.history.append((reference, "follow_up", "sender", {"uid": arrival.place.uid}))
    if matters:
        pointers = arrival.pointers
        sender = message.sender
        written.receipts.append(
            Receipt(
                place=arrival.place,
                reference=reference,
                received_at=arrival.received,
                sender_key=pointers.sender_key,
                message_key=pointers.message_key,
                text_key=_text_key(desk, message),
                domain_key=desk.keys.of_domain(sender.rpartition("@")[2]) if sender else None,
                header=arrival.header,
                text=message.text,
                attachments=message.attachments,
                raw=arrival.raw if arrival.shunt_reason else None,
            )
        )


def fingerprint_of(desk: Desk, arrival: Arrival) -> bytes:
    """Return what recognises the message again in a renumbered mailbox."""
    fields = arrival.message.fields
    date, sender, subject = (fields.get(name, ("",))[0] for name in ("date", "from", "subject"))
    return desk.keys.of_message(arrival.message.message_id, date, sender, subject, arrival.size)


def with_body(desk: Desk, arrival: Arrival, message: Message) -> None:
    """Put what was read of a message's body beside its header, and say what the person asks in it."""
    arrival.message = message
    if arrival.screening is None or not arrival.screening.automatic:
        names = [attachment.name for attachment in message.attachments]
        arrival.reading = desk.recogniser.recognise(message.subject, own_words(message.text) if message.text else message.text, names)
    arrival.pointers = replace(arrival.pointers, text_key=_text_key(desk, message))


def _fold(picture: Picture, arrival: Arrival, decision: Decision, reference: str | None) -> None:
    if decision.outcome not in (Outcome.REQUEST, Outcome.HELD, Outcome.FOLLOW_UP) or reference is None:
        return
    picture.add_message(arrival.pointers, reference)
    if decision.opens is not None:
        is_open = decision.opens.for_staff
        picture.add_request(KnownRequest(reference, decision.opens.type, arrival.pointers.sender_key, is_open, decision.opens.language))


def _pointers(desk: Desk, message: Message) -> Pointers:
    keys, answered = desk.keys, (*message.in_reply_to, *message.references[-20:])
    identity = message.message_id or "\0".join(message.fields.get(name, ("",))[0] for name in ("date", "from", "subject"))
    return Pointers(
        sender_key=keys.of_address(mailbox_key(message.sender)) if message.sender else None,
        message_key=keys.of_message_id(identity),
        text_key=None,
        answered_keys=tuple(keys.of_message_id(each) for each in answered if not each.startswith(OWN_MARK)),
        answered_ids=tuple(each for each in answered if each.startswith(OWN_MARK)),
        subject=message.subject,
    )


def _text_key(desk: Desk, message: Message) -> bytes:
    return desk.keys.of_text(message.subject, message.text or "")


def _senders_asking(batch: Sequence[Arrival]) -> set[str]:
    asking = (arrival.message.sender for arrival in batch if arrival.reading.outcome is not Outcome.ORDINARY)
    return {mailbox_key(sender) for sender in asking if sender}


def _shunted(arrival: Arrival) -> Decision | None:
    return Decision(Outcome.SHUNTED, arrival.shunt_reason, "shunt") if arrival.shunt_reason else None


def _names_policys_clause(desk: Desk, reading: Reading) -> bool:
    """Tell whether a letter may say that the policy's clause offers this: the policy has it, and no template's mark stands between."""
    offered: tuple[str, ...] = desk.policy.clauses.get(reading.type, ()) if reading.type else ()
    return reading.clause is not None and reading.clause in offered and not reading.from_template


