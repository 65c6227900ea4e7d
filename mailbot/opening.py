"""A new entry of the register: itself, what is owed for it, what is done about it at once, and the letter that says so.

What is to be done was decided by ``rules.decide``; nothing is written here, only gathered.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from mailbot.arrival import Arrival
from mailbot.desk import OWN_SYSTEM, Desk
from mailbot.digest_words import words_of
from mailbot.judging import asked_changes
from mailbot.letters import ASKED_DUTY, LetterMistake, Occasion, UndeliverableAddress
from mailbot.logs import log
from rules.addresses import mailbox_key
from rules.deadlines import Obligation, day_of
from rules.decide import Acknowledge, Decision, Opening, StopMessages, hold_for_a_person
from rules.details_change import Change
from rules.recognition import Reading
from rules.vocabulary import Duty, Language, LetterKind, Outcome, RequestType, Standing, State
from storage.outbox import NewLetter
from storage.register import NewObligation, NewRequest

BILINGUAL = "kk+ru"
_STOPPED = frozenset({Duty.STOP_MESSAGES})


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What a new entry of the register writes."""

    request: NewRequest
    letter: NewLetter | None
    stops: bytes | None
    """The key of the address to which nothing is sent any more."""
    changes: tuple[Change, ...] = ()
    """What an update asks to change."""


def new_entry(desk: Desk, arrival: Arrival, decision: Decision, reference: str, subscriber_id: int | None, now: datetime) -> NewEntry:
    """Gather what opening a request under ``reference`` writes; ``subscriber_id`` is the sender's, if on file."""
    opening = decision.opens
    if opening is None:
        raise ValueError(f"{decision.rule} opens nothing")
    obligations = tuple(
        _obligation(owed, is_met=owed.duty in opening.met_at_once and owed.system == OWN_SYSTEM) for owed in _owed(desk, arrival, opening)
    )
    if StopMessages() in opening.effects:
        obligations += _stops_elsewhere(desk, arrival, obligations)
    stops = arrival.pointers.sender_key if StopMessages() in opening.effects else None
    ahead = _earliest(each.due for each in obligations if not each.is_met)
    changes = asked_changes(arrival.message) if (decision.outcome, opening.type) == (Outcome.REQUEST, RequestType.UPDATE) else ()
    letter, flags = None, set(arrival.flags)
    if acknowledgement := next((effect for effect in opening.effects if isinstance(effect, Acknowledge)), None):
        occasion = _occasion(desk, arrival, acknowledgement, obligations, reference)
        told = replace(occasion, done=_STOPPED if stops else frozenset(), changes=tuple(change.field for change in changes))
        letter = write_letter(desk, told, now)
        flags |= {"no_letter_possible"} if letter is None else set()
    waits = opening.for_staff or "no_letter_possible" in flags or not all(each.is_met for each in obligations)
    reading = arrival.reading
    request = NewRequest(
        reference=reference,
        place=arrival.place,
        type=opening.type,
        outcome=decision.outcome,
        state=State.AWAITING_STAFF if waits else State.CARRIED_OUT,
        language=opening.language,
        standing=Standing.UNPROVEN,
        received_at=arrival.received,
        received_on=day_of(arrival.received, desk.zone),
        due=ahead or _earliest(each.due for each in obligations),
        rule=decision.rule,
        reason=_reason(decision, reading),
        matched=reading.matched,
        clause=reading.clause,
        certainty=reading.certainty,
        may_be=opening.may_be,
        policy=desk.policy.name,
        policy_version=desk.policy.version,
        sender=arrival.message.sender,
        sender_key=arrival.pointers.sender_key,
        subscriber_id=subscriber_id,
        flags=tuple(sorted(flags)),
        obligations=obligations,
    )
    return NewEntry(request, letter, stops, changes)


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


def _occasion(desk: Desk, arrival: Arrival, effect: Acknowledge, owed: tuple[NewObligation, ...], reference: str) -> Occasion:
    """Say what the acknowledgement may say. A held message is promised no day: what it asks is not yet known."""
    message, reading = arrival.message, arrival.reading
    ahead = [each for each in owed if not each.is_met]
    return Occasion(
        kind=LetterKind.ACKNOWLEDGEMENT,
        type=effect.type,
        language=effect.language,
        reference=reference,
        recipient=message.sender or "",
        clause=reading.clause,
        clause_is_policys=_names_policys_clause(desk, reading),
        elsewhere=any(each.what == Duty.STOP_MESSAGES for each in ahead),
        due=_promised_day(effect.type, ahead) if effect.type is not None else None,
        in_reply_to=message.message_id,
        references=message.references,
    )


def _promised_day(kind: RequestType, ahead: Sequence[NewObligation]) -> date | None:
    """Return by when what is asked for is done in every system: the day that a letter may name, whatever else is due before it."""
    asked = [each.due for each in ahead if each.what == ASKED_DUTY[kind]]
    if not asked:  # it is done, and a part of the work is still ahead
        return _earliest(each.due for each in ahead)
    days = [day for day in asked if day is not None]
    return max(days) if len(days) == len(asked) else None


def _reason(decision: Decision, reading: Reading) -> str:
    """Say why the message became what it is: what recognition found, unless another rule held it back."""
    if reading.reason and (decision.outcome is not Outcome.HELD or decision.rule == hold_for_a_person.__name__):
        return reading.reason
    told: str = words_of(Language.EN)["held"].get(decision.rule, decision.reason)
    return told


def _earliest(days: Iterable[date | None]) -> date | None:
    return min((day for day in days if day is not None), default=None)


def _stops_elsewhere(desk: Desk, arrival: Arrival, owed: tuple[NewObligation, ...]) -> tuple[NewObligation, ...]:
    """Owe the stop of messages in every other system too: mailbot stops only its own (I12)."""
    if any(each.what == Duty.STOP_MESSAGES for each in owed):
        return ()
    stops = desk.law_deadlines.obligations(RequestType.OPT_OUT, arrival.received)
    elsewhere = [each for each in stops if each.duty is Duty.STOP_MESSAGES and each.system != OWN_SYSTEM]
    return tuple(_obligation(each, is_met=False) for each in elsewhere)


def _owed(desk: Desk, arrival: Arrival, opening: Opening) -> tuple[Obligation, ...]:
    if opening.type is not None and not opening.may_be:
        return desk.deadlines.obligations(opening.type, arrival.received)
    return (desk.deadlines.for_doubt(opening.may_be, arrival.received),)


def _obligation(owed: Obligation, *, is_met: bool) -> NewObligation:
    losing = tuple(
        {
            "source": each.limit.cite,
            "due": each.due.day.isoformat() if each.due else None,
            "arithmetic": each.due.arithmetic if each.due else "",
        }
        for each in owed.losing
    )
    return NewObligation(owed.duty, owed.system, owed.source, owed.starts, owed.due, owed.arithmetic, losing, is_met)


def _names_policys_clause(desk: Desk, reading: Reading) -> bool:
    """Tell whether a letter may say that the policy's clause offers this: the policy has it, and no template's mark stands between."""
    offered: tuple[str, ...] = desk.policy.clauses.get(reading.type, ()) if reading.type else ()
    return reading.clause is not None and reading.clause in offered and not reading.from_template
