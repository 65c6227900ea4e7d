"""What is done with answers to letters of ours: of whom was asked back (H66, H110), and of staff to their digest (H67)."""

from dataclasses import replace

import pytest

from rules.automatic import Kind, Screening
from rules.decide import Answered, Case, Decision, ToDigest, decide
from rules.message import DOUBTFUL_SENDER
from rules.recognition import Reading
from rules.vocabulary import Answer, Outcome, RequestType, Standing
from tests.rules.test_decide import ACCESS, ASKING, CLOSED, DEMAND, DOUBT, MACHINE, NOTHING, ORDINARY, YES, defective, tied

# --- Answers to what was asked back


@pytest.mark.parametrize("says", Answer)
def test_h110_the_asked_address_answers(says: Answer) -> None:
    answered = replace(YES, says=says)
    expected = Decision(Outcome.CONFIRMATION, f"says_{says}", "take_answer", ACCESS.reference, answered=answered)
    for tie in (tied(), None):
        assert expected == decide(replace(ORDINARY, answered=answered, tie=tie))


@pytest.mark.parametrize(
    ("answered", "reason"), [(replace(YES, says=None), "answers_unclearly"), (replace(YES, is_in_time=False), "answers_too_late")]
)
def test_h66_h110_what_is_unclear_or_late_goes_to_staff(answered: Answered, reason: str) -> None:
    other = replace(CLOSED, reference="2026-00002-B")
    for tie, reopens in ((None, False), (tied(), False), (tied(CLOSED), True), (tied(other), False)):
        expected = Decision(Outcome.FOLLOW_UP, reason, "take_answer", ACCESS.reference, reopens=reopens)
        assert expected == decide(replace(ORDINARY, answered=answered, tie=tie))


def test_h66_the_same_answer_again_changes_nothing() -> None:
    again = replace(YES, is_repeated=True, is_in_time=False)
    expected = Decision(Outcome.FOLLOW_UP, "answers_again", "take_answer", ACCESS.reference)
    assert expected == decide(replace(ORDINARY, answered=again, tie=tied(CLOSED)))


def test_h110_what_is_closed_can_be_confirmed_and_a_no_to_it_puts_it_before_staff() -> None:
    closed = replace(ORDINARY, answered=YES, tie=tied(CLOSED))
    assert Outcome.CONFIRMATION is decide(closed).outcome
    expected = Decision(Outcome.FOLLOW_UP, "answers_too_late", "take_answer", ACCESS.reference, reopens=True)
    assert expected == decide(replace(closed, answered=replace(YES, says=Answer.NO)))


def test_h110_a_yes_that_may_ask_for_something_else_is_held_with_its_limit() -> None:
    further = replace(ASKING, answered=YES, tie=tied())
    decision = decide(further)
    assert (Outcome.HELD, "may_ask_for_more", "take_answer") == (decision.outcome, decision.reason, decision.rule)
    assert decision.opens
    assert ((RequestType.DESTROY,), ()) == (decision.opens.may_be, decision.opens.effects)
    for plain in (replace(further, tie=None), replace(further, answered=replace(YES, says=Answer.NO))):
        assert Outcome.CONFIRMATION is decide(plain).outcome


def test_h111_another_address_answers_nothing() -> None:
    decision = decide(replace(ORDINARY, answered=replace(YES, from_asked=False), tie=tied(from_requester=False)))
    assert (Outcome.HELD, "hold_strangers_reference") == (decision.outcome, decision.rule)


@pytest.mark.parametrize("case", [replace(ORDINARY, standing=Standing.FAILED), defective(ORDINARY, "doubled_subject")])
def test_h44_h66_an_answer_whose_sender_is_in_doubt_is_held(case: Case) -> None:
    decision = decide(replace(case, answered=YES, reading=DEMAND))
    assert (Outcome.HELD, "answer_in_doubt") == (decision.outcome, decision.reason)
    assert decision.opens
    assert ((RequestType.DESTROY,), ()) == (decision.opens.may_be, decision.opens.effects)


def test_h66_a_machine_answers_nothing() -> None:
    assert Outcome.AUTOMATIC is decide(replace(ORDINARY, answered=YES, screening=MACHINE)).outcome


# --- Answers of staff to their digest

GENUINE = replace(ORDINARY, to_digest=ToDigest.GENUINE)
IN_VAIN = {
    "no secret": replace(ORDINARY, to_digest=ToDigest.IN_VAIN),
    "failed": replace(GENUINE, standing=Standing.FAILED),
    "spam": replace(GENUINE, screening=Screening(Kind.SPAM, "spam_mark")),
    **{defect: defective(GENUINE, defect) for defect in sorted(DOUBTFUL_SENDER)},
}


@pytest.mark.parametrize("standing", [Standing.ALIGNED, Standing.UNPROVEN])
@pytest.mark.parametrize("screening", [None, Screening(Kind.NO_REPLY, "auto_response_suppress")])
@pytest.mark.parametrize("reading", [NOTHING, DEMAND])
def test_h67_staff_are_obeyed_whatever_else_their_answer_says(standing: Standing, screening: Screening | None, reading: Reading) -> None:
    decision = decide(replace(GENUINE, standing=standing, screening=screening, reading=reading))
    assert Decision(Outcome.STAFF_ACTION, "brings_back_the_secret", "obey_staff") == decision


def found(decision: Decision) -> tuple[Outcome, str]:
    return decision.outcome, decision.reason


@pytest.mark.parametrize("case", IN_VAIN.values(), ids=IN_VAIN)
def test_h67_what_only_looks_like_an_answer_of_staff_orders_nothing(case: Case) -> None:
    for reading in (NOTHING, replace(DOUBT, is_plausible=False)):
        assert Decision(Outcome.ORDINARY, "answers_digest_in_vain", "obey_staff") == decide(replace(case, reading=reading))
    assert (Outcome.HELD, "answers_digest_and_asks") == found(decide(replace(case, reading=DOUBT)))
    decision = decide(replace(case, reading=DEMAND))
    assert (Outcome.HELD, "answers_digest_and_asks") == found(decision)
    assert decision.opens
    assert ((RequestType.DESTROY,), ()) == (decision.opens.may_be, decision.opens.effects)
