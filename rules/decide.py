"""What is done with a message: one ordered table of small rules, read downwards.

Facts in, ``Decision`` out. Nothing is refused and nothing is disclosed here: that takes a person of staff.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rules.automatic import Screening
from rules.matching import KnownRequest, Tie
from rules.message import Message
from rules.recognition import Reading
from rules.vocabulary import Certainty, Duty, Language, Outcome, RequestType, Standing


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
    """What intake noticed: ``too_old``, ``renumbered``, ``too_large``, ``internal_date_doubtful``."""


@dataclass(frozen=True, slots=True)
class StopMessages:
    """Nothing is sent to the sender's address any more, until it is lifted."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """One letter to the sender, in the sender's language (None: in Kazakh and Russian)."""

    type: RequestType | None
    language: Language | None


Effect = StopMessages | Acknowledge


@dataclass(frozen=True, slots=True)
class Opening:
    """A new entry of the register: what it is or may be, and what is done about it at once."""

    type: RequestType | None
    language: Language | None
    may_be: tuple[RequestType, ...]
    effects: tuple[Effect, ...]
    for_staff: bool
    met_at_once: frozenset[Duty] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a message, by which rule, and why."""

    outcome: Outcome
    reason: str
    rule: str = ""
    joins: str | None = None
    opens: Opening | None = None


Rule = Callable[[Case], Decision | None]

PERSONAL = tuple(kind for kind in RequestType if kind is not RequestType.AUTHORITY_INQUIRY)
STOPS_MESSAGES = frozenset(
    {
        RequestType.OPT_OUT,
        RequestType.REVOKE_CONSENT,
        RequestType.STOP_PROCESSING,
        RequestType.OBJECT_AUTOMATED,
        RequestType.RESTRICT_TRANSFER,
        RequestType.BLOCK,
        RequestType.DESTROY,
    }
)
"""A plain e-mail is enough to stop messages, and it can be undone (Law 94-V art. 8(7))."""

COMPLETE_AT_ONCE = frozenset({RequestType.OPT_OUT})
NEEDS_NO_ANSWER = frozenset({RequestType.AUTHORITY_INQUIRY})
DOUBTFUL_SENDER = frozenset({"doubled_from", "several_senders", "ambiguous_from", "unreadable_from", "missing_from", "doubled_subject"})


def note_automatic_mail(case: Case) -> Decision | None:
    """Link what a machine sent to what it belongs to; never answer it (RFC 3834, 2)."""
    if case.screening is None or not case.screening.automatic:
        return None
    return Decision(Outcome.AUTOMATIC, case.screening.reason, joins=case.tie.request.reference if case.tie else None)


def set_duplicate_aside(case: Case) -> Decision | None:
    """Count a second arrival of the same message, and do nothing else."""
    return Decision(Outcome.DUPLICATE, "same_message_id_and_text") if case.seen_before else None


def continue_request(case: Case) -> Decision | None:
    """Join what the requester writes about a request to it, unless it plainly asks for something else."""
    if case.tie is None or not case.tie.from_requester or _asks_for_another_thing(case):
        return None
    if case.tie.by_our_words or case.tie.request.is_open or _asks(case):
        return Decision(Outcome.FOLLOW_UP, "answers_request", joins=case.tie.request.reference)
    return None


def hold_strangers_reference(case: Case) -> Decision | None:
    """Hold what names or answers somebody else's request: it joins nothing (H111)."""
    if case.tie is None or case.tie.from_requester:
        return None
    if not case.tie.by_our_words and not _asks(case):
        return None
    return _held(case, "names_request_of_another", _candidates(case), answer=False)


def hold_doubtful_sender(case: Case) -> Decision | None:
    """Hold a request whose sender two programs may read differently (H44, H45)."""
    if not _asks(case) or (case.message.sender is not None and not case.message.defects & DOUBTFUL_SENDER):
        return None
    return _held(case, "sender_in_doubt", _candidates(case), answer=False)


def hold_undecodable_subject(case: Case) -> Decision | None:
    """Hold what cannot be read with confidence: it may be anything (H37)."""
    if "undecodable_subject" not in case.message.defects or case.reading.outcome is Outcome.REQUEST:
        return None
    return _held(case, "subject_undecodable", PERSONAL, answer=False)


def continue_open_request(case: Case) -> Decision | None:
    """Join the same demand by the same sender to the open one: the first date governs."""
    if case.reading.outcome is not Outcome.REQUEST or case.same_open is None:
        return None
    return Decision(Outcome.FOLLOW_UP, "same_request_is_open", joins=case.same_open.reference)


def hold_for_a_person(case: Case) -> Decision | None:
    """Hold what recognition leaves to a person, with the earliest limit of anything it may be."""
    if case.reading.outcome is not Outcome.HELD:
        return None
    return _held(case, "needs_a_person", case.reading.may_be, answer=bool(case.reading.may_be))


def open_request(case: Case) -> Decision | None:
    """Open a request, and do at once what is safe at once."""
    kind = case.reading.type
    if case.reading.outcome is not Outcome.REQUEST or kind is None:
        return None
    acts = case.standing is not Standing.FAILED and (case.screening is None or case.screening.acts_allowed)
    stops = acts and kind in STOPS_MESSAGES
    complete = stops and kind in COMPLETE_AT_ONCE and "too_old" not in case.flags and "renumbered" not in case.flags
    effects: tuple[Effect, ...] = (StopMessages(),) if stops else ()
    if _may_answer(case) and kind not in NEEDS_NO_ANSWER:
        effects += (Acknowledge(kind, case.reading.language),)
    opening = Opening(
        kind,
        case.reading.language,
        (),
        effects,
        for_staff=not complete,
        met_at_once=frozenset({Duty.STOP_MESSAGES}) if stops else frozenset(),
    )
    return Decision(Outcome.REQUEST, _word(case.reading.certainty), opens=opening)


def pass_over(case: Case) -> Decision:
    """Leave ordinary mail exactly as it is."""
    return Decision(Outcome.ORDINARY, "asks_nothing" if case.message.text is not None else "subject_matches_nothing")


RULES: tuple[Rule, ...] = (
    note_automatic_mail,
    set_duplicate_aside,
    continue_request,
    hold_strangers_reference,
    hold_doubtful_sender,
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
            return Decision(decision.outcome, decision.reason, rule.__name__, decision.joins, decision.opens)
    raise AssertionError("pass_over decides every case")


def _held(case: Case, reason: str, may_be: tuple[RequestType, ...], *, answer: bool) -> Decision:
    effects: tuple[Effect, ...] = (Acknowledge(None, case.reading.language),) if answer and _may_answer(case) else ()
    return Decision(Outcome.HELD, reason, opens=Opening(case.reading.type, case.reading.language, may_be, effects, for_staff=True))


def _asks(case: Case) -> bool:
    return case.reading.outcome in (Outcome.REQUEST, Outcome.HELD)


def _asks_for_another_thing(case: Case) -> bool:
    """Tell whether the message is a clear request of another type than the one it is tied to."""
    sure = case.reading.certainty in (Certainty.EXACT, Certainty.NEAR)
    return case.reading.outcome is Outcome.REQUEST and sure and case.tie is not None and case.reading.type is not case.tie.request.type


def _candidates(case: Case) -> tuple[RequestType, ...]:
    if case.reading.may_be:
        return case.reading.may_be
    if case.reading.type is not None:
        return (case.reading.type,)
    return (case.tie.request.type,) if case.tie and case.tie.request.type else PERSONAL


def _may_answer(case: Case) -> bool:
    """Tell whether a letter may go to the sender at all (I5; H9, H71-H78)."""
    return (
        case.screening is None
        and case.standing is not Standing.FAILED
        and case.message.sender is not None
        and not case.message.defects & DOUBTFUL_SENDER
        and not case.flags & {"too_old", "renumbered"}
    )


def _word(certainty: Certainty | None) -> str:
    return f"{certainty}_phrase" if certainty else "phrase"
