"""A new entry of the register: itself, what is owed for it, what is done about it at once, and the letter that says so.

What is to be done was decided by ``rules.decide``; nothing is written here, only gathered.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from secrets import token_bytes

from mailbot.arrival import Arrival
from mailbot.desk import OWN_SYSTEM, Desk
from mailbot.digest_words import words_of
from mailbot.letters import ASKED_DUTY, LetterMistake, Occasion, UndeliverableAddress
from mailbot.logs import log
from mailbot.recounting import Facts, as_new, owed_for
from rules.addresses import mailbox_key
from rules.authentication import Vouched
from rules.automatic import Kind, screen
from rules.confirmation import new_code
from rules.deadlines import day_of
from rules.decide import STOPS_MESSAGES, Acknowledge, AskAddress, CarryOut, Decision, Opening, StopMessages, hold_for_a_person
from rules.details_change import Change
from rules.message import read_header
from rules.recognition import Reading
from rules.vocabulary import Asked, Duty, Language, LetterKind, Outcome, RequestType, Standing, State
from storage.confirmations import NewConfirmation
from storage.outbox import NewLetter
from storage.register import NewObligation, NewRequest

BILINGUAL = "kk+ru"
_STOPPED = frozenset({Duty.STOP_MESSAGES})


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What a new entry of the register writes."""

    request: NewRequest
    letters: tuple[NewLetter, ...]
    stops: bytes | None
    """The key of the address to which nothing is sent any more."""
    changes: tuple[Change, ...] = ()
    """What an update asks to change."""
    asked: tuple[NewConfirmation, ...] = ()
    """What the letters ask with a one-time code."""
    carries_out: bool = False
    """The change is to be made at once."""


def new_entry(desk: Desk, arrival: Arrival, decision: Decision, reference: str, subscriber_id: int | None, now: datetime) -> NewEntry:
    """Gather what opening a request under ``reference`` writes; ``subscriber_id`` is the sender's, if on file."""
    opening = decision.opens
    if opening is None:
        raise ValueError(f"{decision.rule} opens nothing")
    obligations = tuple(
        as_new(owed, is_met=owed.duty in opening.met_at_once and owed.system in (OWN_SYSTEM, *desk.by_view))
        for owed in owed_for(desk, _facts(arrival, opening))
    )
    stops = arrival.pointers.sender_key if StopMessages() in opening.effects else None
    changes = arrival.changes if (decision.outcome, opening.type) == (Outcome.REQUEST, RequestType.UPDATE) else ()
    written, flags = _Written(), set(arrival.flags)
    if acknowledgement := next((effect for effect in opening.effects if isinstance(effect, Acknowledge)), None):
        occasion = _occasion(desk, arrival, acknowledgement, obligations, reference)
        told = replace(occasion, done=_STOPPED if stops else frozenset(), changes=tuple(change.field for change in changes))
        if not written.add(desk, told, Asked.SENDER if acknowledgement.asks else None, arrival.vouched, now):
            flags.add("no_letter_possible")
    for effect in opening.effects if written.letters else ():
        if isinstance(effect, AskAddress) and _takes_letters(desk, effect.address):
            written.add(desk, _question(effect, reference), effect.role, arrival.vouched, now)
    if written.asked:  # and so this is done
        obligations = tuple(replace(each, is_met=each.is_met or each.what == Duty.ASK_SENDER) for each in obligations)
    ahead = _earliest(each.due for each in obligations if not each.is_met)
    waits = opening.for_staff or "no_letter_possible" in flags or not all(each.is_met for each in obligations)
    state = State.AWAITING_STAFF if waits else State.CARRIED_OUT
    if opening.waits_for_sender and written.asked:
        state = State.AWAITING_SENDER
    reading = arrival.reading
    request = NewRequest(
        reference=reference,
        place=arrival.place,
        type=opening.type,
        outcome=decision.outcome,
        state=state,
        language=opening.language,
        standing=arrival.vouched.standing,
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
        proof=arrival.vouched.reason,
    )
    return NewEntry(request, tuple(written.letters), stops, changes, tuple(written.asked), CarryOut() in opening.effects)


def decision_of_staff(arrival: Arrival, kind: RequestType) -> Decision:
    """Decide what staff say that a person asks: the rest is theirs to do, and messages stop as they would have stopped by themselves."""
    proven = arrival.vouched.standing is not Standing.FAILED or kind is RequestType.OPT_OUT  # as ``rules.decide`` has it
    stops = proven and kind in STOPS_MESSAGES and arrival.pointers.sender_key is not None
    effects, met = ((StopMessages(),), _STOPPED) if stops else ((), frozenset[Duty]())
    opening = Opening(kind, arrival.reading.language, (), effects, for_staff=True, met_at_once=met)
    return Decision(Outcome.REQUEST, "typed_by_staff", "typed_by_staff", opens=opening)


@dataclass(slots=True)
class _Written:
    """The letters of a new entry, and what they ask."""

    letters: list[NewLetter] = field(default_factory=list)
    asked: list[NewConfirmation] = field(default_factory=list)

    def add(self, desk: Desk, occasion: Occasion, asks: Asked | None, vouched: Vouched, now: datetime) -> bool:
        """Write a letter, with a one-time code if it asks; tell whether it can be written."""
        expires = now + timedelta(days=desk.limits.confirm_days)
        code = new_code(token_bytes) if asks else None
        if code:
            occasion = replace(occasion, code=code, confirm_by=expires.astimezone(desk.zone).date())
        letter = write_letter(desk, occasion, now, is_aligned=vouched.standing is Standing.ALIGNED)
        if letter is None:
            return False
        self.letters.append(letter)
        if asks and code:
            self.asked.append(NewConfirmation(occasion.reference, asks, letter.recipient_key, desk.keys.of_code(code), expires))
        return True


def _question(effect: AskAddress, reference: str) -> Occasion:
    """Ask another address whether its owner wants what somebody asks, and tell nothing of who that is."""
    return Occasion(LetterKind.CONFIRMATION, RequestType.UPDATE, effect.language, reference, effect.address, asked=effect.role)


def _takes_letters(desk: Desk, address: str) -> bool:
    """Tell whether a letter may go to an address that somebody names: not to us, to a robot or to nobody (I5)."""
    screening = screen(read_header(f"From: {address}".encode()), desk.own)
    return screening is None or screening.kind is Kind.NOT_TO_US


def write_letter(desk: Desk, occasion: Occasion, now: datetime, *, capped: bool = True, is_aligned: bool = False) -> NewLetter | None:
    """Compose a letter for the outbox; None where no letter can reach the address, and a person must look."""
    try:
        letter = desk.letters.compose(occasion, now)
    except (UndeliverableAddress, LetterMistake) as refusal:
        log.warning("letter_not_written", reference=occasion.reference, reason=type(refusal).__name__)
        return None
    key = mailbox_key(letter.recipient)
    return NewLetter(
        cause=f"{occasion.reference}+{occasion.asked}" if letter.kind is LetterKind.CONFIRMATION else occasion.reference,
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
        aligned=is_aligned,
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
        for_another=effect.for_another,
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


def _facts(arrival: Arrival, opening: Opening) -> Facts:
    """Say what the obligations follow from. Whose request it is needs no confirmation where the mail server vouches and nobody is asked."""
    is_known = arrival.vouched.standing is Standing.ALIGNED and not opening.waits_for_sender
    in_doubt = opening.type is None or bool(opening.may_be)
    return Facts(
        received=arrival.received,
        type=opening.type,
        may_be=opening.may_be if in_doubt else None,
        confirmed=arrival.received if is_known else None,
        stops=StopMessages() in opening.effects,
    )


def _names_policys_clause(desk: Desk, reading: Reading) -> bool:
    """Tell whether a letter may say that the policy's clause offers this: the policy has it, and no template's mark stands between."""
    offered: tuple[str, ...] = desk.policy.clauses.get(reading.type, ()) if reading.type else ()
    return reading.clause is not None and reading.clause in offered and not reading.from_template
