"""What is done with a message: one ordered table of small rules, read downwards.

Facts in, ``Decision`` out. Nothing is refused and nothing is disclosed here: that takes a person of staff.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from rules.addresses import same_mailbox
from rules.authentication import Proof
from rules.automatic import Screening
from rules.details_change import Change, Field
from rules.matching import KnownRequest, Tie
from rules.message import DOUBTFUL_SENDER, Message
from rules.recognition import Reading
from rules.vocabulary import Answer, Asked, Certainty, Duty, Language, Outcome, RequestType, Standing


@dataclass(frozen=True, slots=True)
class Answered:
    """What a message answers to a letter of ours whose code it brings back."""

    reference: str
    role: Asked
    says: Answer | None
    from_asked: bool
    """It comes from the address that was asked."""
    is_in_time: bool
    """Nobody has answered yet, and the code has not expired."""
    is_repeated: bool = False
    """The same was answered before."""


class ToDigest(StrEnum):
    """How a message answers a digest of staff: with its secret and from its reader's address, or in vain (H67)."""

    GENUINE = "genuine"
    IN_VAIN = "in_vain"


@dataclass(frozen=True, slots=True)
class Case:
    """All that a rule may know about a message."""

    message: Message
    reading: Reading
    screening: Screening | None
    standing: Standing
    tie: Tie | None
    seen_before: bool
    same_open: KnownRequest | None
    flags: frozenset[str]
    """What intake noticed: ``too_old``, ``renumbered``, ``too_large``, ``internal_date_doubtful``, ``said_before``."""
    proof: Proof | None = None
    """What the standing rests on."""
    changes: tuple[Change, ...] = ()
    """What an update asks to change."""
    answered: Answered | None = None
    auto: bool = False
    """The operator lets what aligned senders withdraw be carried out without staff."""
    to_digest: ToDigest | None = None
    answers_all: bool = True
    """False: the operator lets only aligned senders have letters (H80)."""


@dataclass(frozen=True, slots=True)
class StopMessages:
    """Nothing is sent to the sender's address any more, until it is lifted."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """One letter to the sender, in the sender's language (None: in Kazakh and Russian); ``asks`` whether it was the sender indeed."""

    type: RequestType | None
    language: Language | None
    asks: bool = False
    for_another: bool = False
    """It is asked for another person: the letter says what is missing."""


@dataclass(frozen=True, slots=True)
class AskAddress:
    """One letter to another address that an update names, which asks whether its owner wants that, and tells nothing (H63)."""

    address: str
    role: Asked
    language: Language | None


@dataclass(frozen=True, slots=True)
class CarryOut:
    """The change is made at once in mailbot's own store, if the sender is on file there."""


Effect = StopMessages | Acknowledge | AskAddress | CarryOut


@dataclass(frozen=True, slots=True)
class Opening:
    """A new entry of the register: what it is or may be, and what is done about it at once."""

    type: RequestType | None
    language: Language | None
    may_be: tuple[RequestType, ...]
    effects: tuple[Effect, ...]
    for_staff: bool
    met_at_once: frozenset[Duty] = frozenset()
    waits_for_sender: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a message, by which rule, and why; ``reopens`` puts a closed request that it joins before staff again."""

    outcome: Outcome
    reason: str
    rule: str = ""
    joins: str | None = None
    opens: Opening | None = None
    reopens: bool = False
    answered: Answered | None = None


Rule = Callable[[Case], Decision | None]

PERSONAL = tuple(kind for kind in RequestType if kind is not RequestType.AUTHORITY_INQUIRY)


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is done at once with a request; the rest waits for the sender's answer, or for staff."""

    stops: bool = False
    """Messages stop: a plain e-mail is enough for that, and it can be undone (Law 94-V art. 8(7); H64)."""
    asks: bool = False
    """The acknowledgement asks the sender back: a round trip."""
    carries_out: bool = False
    """The change is made at once: an update that says what is to be changed; a withdrawal, where the operator wants that (``auto``)."""
    answers: bool = True
    """A letter goes to the sender."""


_STAFF = Treatment()
_ASK = Treatment(asks=True)
_STOP = Treatment(stops=True)
_STOP_AND_ASK = Treatment(stops=True, asks=True)
_STOP_AND_MAYBE_MORE = Treatment(stops=True, carries_out=True)
_NO_LETTER = Treatment(answers=False)
_PAUSE = Treatment(stops=True, answers=False)
_CARRY_OUT = Treatment(carries_out=True)

WITHDRAWALS = (
    RequestType.REVOKE_CONSENT,
    RequestType.STOP_PROCESSING,
    RequestType.OBJECT_AUTOMATED,
    RequestType.RESTRICT_TRANSFER,
    RequestType.BLOCK,
)
_FOR_STAFF = (RequestType.UNBLOCK, RequestType.QUESTION, RequestType.AUTHORITY_INQUIRY)

TABLE: dict[RequestType, tuple[Treatment, Treatment, Treatment]] = {
    RequestType.OPT_OUT: (_STOP, _STOP, _PAUSE),
    **dict.fromkeys(WITHDRAWALS, (_STOP_AND_MAYBE_MORE, _STOP_AND_ASK, _NO_LETTER)),
    RequestType.UPDATE: (_CARRY_OUT, _ASK, _NO_LETTER),
    RequestType.ACCESS: (_ASK, _ASK, _NO_LETTER),
    RequestType.DESTROY: (_STOP_AND_ASK, _STOP_AND_ASK, _NO_LETTER),
    **dict.fromkeys(_FOR_STAFF, (_STAFF, _STAFF, _NO_LETTER)),
}
"""Whom to believe in what: for each type, what is done at once if the sender is aligned, unproven, or failed.

``destroy`` stops messages too: recognition takes an opt-out in the same letter for a part of it.
"""

OF_THE_ADDRESS: tuple[Treatment, Treatment, Treatment] = (_ASK, _ASK, _NO_LETTER)
"""The row of an update that changes the address itself: nothing changes on one message, whoever sent it (H63)."""

STOPS_MESSAGES = frozenset(kind for kind, (aligned, *_) in TABLE.items() if aligned.stops)

COMPLETE_AT_ONCE = frozenset({RequestType.OPT_OUT})
"""Done without staff, provided that the sender can be told how to undo it."""

NEEDS_NO_ANSWER = frozenset({RequestType.AUTHORITY_INQUIRY})
"""Staff alone write to a state body."""

ANSWERS_AGAIN = "answers_again"
"""Why an answer changes nothing that was given before."""

MOST_DEMANDS = 3
"""What may be more things than this names none of them: a complaint, a bare theme, a request taken back."""


def set_bomb_aside(case: Case) -> Decision | None:
    """Set aside what has more header than is read: who wrote and what is asked may stand behind (H54)."""
    return Decision(Outcome.SHUNTED, "header_too_large") if "header_too_large" in case.message.defects else None


def note_automatic_mail(case: Case) -> Decision | None:
    """Link what a machine sent to what it belongs to; never answer it (RFC 3834, 2)."""
    if case.screening is None or not case.screening.automatic:
        return None
    return Decision(Outcome.AUTOMATIC, case.screening.reason, joins=case.tie.request.reference if case.tie else None)


def set_duplicate_aside(case: Case) -> Decision | None:
    """Count a second arrival of the same message, and do nothing else."""
    return Decision(Outcome.DUPLICATE, "same_message_id_and_text") if case.seen_before else None


def obey_staff(case: Case) -> Decision | None:
    """Take what a reader of digests orders with the secret of one. What only looks like that orders nothing, and asks for nothing (H67)."""
    if case.to_digest is None:
        return None
    acts_allowed = case.screening is None or case.screening.acts_allowed
    in_doubt = case.standing is Standing.FAILED or case.message.defects & DOUBTFUL_SENDER or not acts_allowed
    if case.to_digest is ToDigest.IN_VAIN or in_doubt:
        if _asks(case):  # whoever was in copy may ask for something of their own
            return _held(case, "answers_digest_and_asks", _candidates(case))
        return Decision(Outcome.ORDINARY, "answers_digest_in_vain")
    return Decision(Outcome.STAFF_ACTION, "brings_back_the_secret")


def take_answer(case: Case) -> Decision | None:
    """Take what the asked address answers to a letter of ours; what it does not answer plainly goes to staff (H66, H110)."""
    answered = case.answered
    if answered is None or not answered.from_asked:
        return None
    if case.standing is Standing.FAILED or case.message.defects & DOUBTFUL_SENDER:
        return _held(case, "answer_in_doubt", _candidates(case))
    if answered.is_repeated:
        return Decision(Outcome.FOLLOW_UP, ANSWERS_AGAIN, joins=answered.reference)
    asked = case.tie.request if case.tie is not None and case.tie.request.reference == answered.reference else None
    is_closed = asked is not None and not asked.is_open
    if answered.says is None or not answered.is_in_time or (answered.says is Answer.NO and is_closed):
        reason = "answers_unclearly" if answered.says is None else "answers_too_late"
        return Decision(Outcome.FOLLOW_UP, reason, joins=answered.reference, reopens=is_closed)
    if answered.says is Answer.YES and asked is not None and _adds_a_demand(case, asked):
        return _held(case, "may_ask_for_more", _candidates(case))
    return Decision(Outcome.CONFIRMATION, f"says_{answered.says}", joins=answered.reference, answered=answered)


def hold_old_signature(case: Case) -> Decision | None:
    """Hold a request that was signed long before it came: whoever has a copy may have sent it again (H62)."""
    if not _asks(case) or case.proof is not Proof.OLD_SIGNATURE:
        return None
    return _held(case, "signed_long_ago", _candidates(case))


def continue_request(case: Case) -> Decision | None:
    """Join what the requester writes about a request to it, unless it may ask for something else (H50)."""
    if case.tie is None or not case.tie.from_requester or _adds_a_demand(case, case.tie.request):
        return None
    if case.tie.request.is_open:
        return Decision(Outcome.FOLLOW_UP, "answers_request", joins=case.tie.request.reference)
    if case.tie.by_our_words or _asks(case):
        # Our letters promise that a person reads the reply, and nobody looks at what is closed.
        return Decision(Outcome.FOLLOW_UP, "answers_closed_request", joins=case.tie.request.reference, reopens=case.tie.by_our_words)
    return None


def hold_further_demand(case: Case) -> Decision | None:
    """Hold what a requester may be asking for besides: joined to the request, its own limit would be lost."""
    if case.tie is None or not case.tie.from_requester or _is_sure(case) or not _adds_a_demand(case, case.tie.request):
        return None
    return _held(case, "may_ask_for_more", _candidates(case))


def hold_strangers_reference(case: Case) -> Decision | None:
    """Hold what names or answers somebody else's request: it joins nothing (H111)."""
    if case.tie is None or case.tie.from_requester:
        return None
    if not case.tie.by_our_words and not _asks(case):
        return None
    return _held(case, "names_request_of_another", _candidates(case))


def hold_doubtful_sender(case: Case) -> Decision | None:
    """Hold a request whose sender two programs may read differently (H44, H45)."""
    if not _asks(case) or (case.message.sender is not None and not case.message.defects & DOUBTFUL_SENDER):
        return None
    return _held(case, "sender_in_doubt", _candidates(case))


def hold_undecodable_subject(case: Case) -> Decision | None:
    """Hold what cannot be read with confidence: it may be anything (H37)."""
    if "undecodable_subject" not in case.message.defects or case.reading.outcome is Outcome.REQUEST:
        return None
    return _held(case, "subject_undecodable", PERSONAL)


def continue_open_request(case: Case) -> Decision | None:
    """Join the same demand by the same sender to the open one: the first date governs. One that told nobody anything may be forged."""
    first = case.same_open
    if case.reading.outcome is not Outcome.REQUEST or first is None or (first.is_unheard and _may_answer(case)):
        return None
    return Decision(Outcome.FOLLOW_UP, "same_request_is_open", joins=first.reference)


def hold_for_a_person(case: Case) -> Decision | None:
    """Hold what recognition leaves to a person, with the earliest limit of anything it may be."""
    if case.reading.outcome is not Outcome.HELD:
        return None
    answer = case.reading.is_plausible and not NEEDS_NO_ANSWER.issuperset(case.reading.may_be)
    return _held(case, "needs_a_person", case.reading.may_be, answer=answer)


def open_request(case: Case) -> Decision | None:
    """Open a request, and do at once what the table says."""
    kind = case.reading.type
    if case.reading.outcome is not Outcome.REQUEST or kind is None:
        return None
    treatment, acts_allowed = treatment_of(case, kind), case.screening is None or case.screening.acts_allowed
    stops = treatment.stops and acts_allowed
    told = treatment.answers and _may_answer(case) and kind not in NEEDS_NO_ANSWER
    asks = treatment.asks and told
    by_itself = bool(case.changes) if kind is RequestType.UPDATE else case.auto
    carries_out = treatment.carries_out and told and by_itself  # what is told to nobody could never be undone
    effects: tuple[Effect, ...] = (StopMessages(),) if stops else ()
    effects += (Acknowledge(kind, case.reading.language, asks),) if told else ()
    effects += tuple(_asked_besides(case)) if asks else ()
    effects += (CarryOut(),) if carries_out else ()
    met = frozenset({Duty.STOP_MESSAGES}) if stops else frozenset[Duty]()
    for_staff = not (told and kind in COMPLETE_AT_ONCE)
    opening = Opening(kind, case.reading.language, (), effects, for_staff, met, waits_for_sender=asks)
    return Decision(Outcome.REQUEST, _word(case.reading.certainty), opens=opening)


def treatment_of(case: Case, kind: RequestType) -> Treatment:
    """Return the cell of the table that a request falls into. An update that names nothing is asked back with a form, and not twice."""
    row = OF_THE_ADDRESS if any(change.field is Field.EMAIL for change in case.changes) else TABLE[kind]
    treatment = row[tuple(Standing).index(case.standing)]
    return replace(treatment, asks=False) if kind is RequestType.UPDATE and not case.changes else treatment


def _asked_besides(case: Case) -> Iterable[AskAddress]:
    """Yield who else is asked of a change of address: the new one, and the old one where somebody else names it."""
    sender = case.message.sender or ""
    for change in case.changes:
        if change.field is Field.EMAIL:
            for address, role in ((change.new, Asked.NEW), (change.old, Asked.OLD)):
                if address and not same_mailbox(address, sender):
                    yield AskAddress(address, role, case.reading.language)


def pass_over(case: Case) -> Decision:
    """Leave ordinary mail exactly as it is."""
    return Decision(Outcome.ORDINARY, "asks_nothing" if case.message.text is not None else "subject_matches_nothing")


RULES: tuple[Rule, ...] = (
    set_bomb_aside,
    note_automatic_mail,
    set_duplicate_aside,
    obey_staff,
    take_answer,
    continue_request,
    hold_further_demand,
    hold_strangers_reference,
    hold_doubtful_sender,
    hold_old_signature,
    hold_undecodable_subject,
    continue_open_request,
    hold_for_a_person,
    open_request,
    pass_over,
)


def decide(case: Case) -> Decision:
    """Return the decision of the first rule that has one, with the rule's name in it."""
    for rule in RULES:
        if decision := rule(case):
            return replace(decision, rule=rule.__name__)
    raise AssertionError("pass_over decides every case")


def _held(case: Case, reason: str, may_be: tuple[RequestType, ...], *, answer: bool = False) -> Decision:
    effects: tuple[Effect, ...] = ()
    if answer and _may_answer(case):
        effects = (Acknowledge(None, case.reading.language, for_another=case.reading.is_for_another),)
    return Decision(Outcome.HELD, reason, opens=Opening(case.reading.type, case.reading.language, may_be, effects, for_staff=True))


def _asks(case: Case) -> bool:
    reading = case.reading
    return reading.outcome is Outcome.REQUEST or (reading.outcome is Outcome.HELD and reading.is_plausible)


def _is_sure(case: Case) -> bool:
    return case.reading.outcome is Outcome.REQUEST and case.reading.certainty is not Certainty.GUESS


def _adds_a_demand(case: Case, tied: KnownRequest) -> bool:
    """Tell whether the message may ask for something that the request it is tied to does not; a question about it does not."""
    if not _asks(case):
        return False
    if not tied.is_open and case.reading.outcome is Outcome.HELD:
        return True
    if tied.type is None and not _is_sure(case):
        return False
    asked = _candidates(case)
    return len(asked) <= MOST_DEMANDS and any(kind not in (tied.type, RequestType.QUESTION) for kind in asked)


def _candidates(case: Case) -> tuple[RequestType, ...]:
    if case.reading.may_be:
        return case.reading.may_be
    if case.reading.type is not None:
        return (case.reading.type,)
    return (case.tie.request.type,) if case.tie and case.tie.request.type else PERSONAL


def _may_answer(case: Case) -> bool:
    """Tell whether a letter may go to a sender who is not in doubt (I5; H3, H9, H75-H80, H82).

    Where a line of the header is no field, other programs may see a robot, or somebody else (H56).
    """
    believed = case.standing is Standing.ALIGNED or (case.answers_all and case.standing is Standing.UNPROVEN)
    if case.screening is not None or not believed:
        return False
    return not case.flags & {"too_old", "renumbered", "said_before"} and "no_blank_line" not in case.message.defects


def _word(certainty: Certainty | None) -> str:
    return f"{certainty}_phrase" if certainty else "phrase"
