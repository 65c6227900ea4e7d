"""What is done with a message: every rule of the table, and the order in which they are heard."""

from dataclasses import replace
from itertools import product

import pytest

from rules.authentication import Proof
from rules.automatic import Kind, Screening
from rules.decide import (
    PERSONAL,
    RULES,
    STOPS_MESSAGES,
    TABLE,
    WITHDRAWALS,
    Acknowledge,
    Answered,
    AskAddress,
    CarryOut,
    Case,
    Decision,
    StopMessages,
    ToDigest,
    decide,
)
from rules.details_change import Change, Field
from rules.evidence.reading import FOR_ANOTHER
from rules.matching import KnownRequest, Tie
from rules.message import DOUBTFUL_SENDER, read_header
from rules.recognition import Reading
from rules.vocabulary import Answer, Asked, Certainty, Duty, Language, Outcome, RequestType, Standing

LETTER = read_header(b"From: aigul@example.com\r\nTo: info@sample.example\r\nSubject: A letter\r\n")
NOTHING = Reading(Outcome.ORDINARY)
DEMAND = Reading(Outcome.REQUEST, RequestType.DESTROY, Language.RU, "удалите", "4.1", Certainty.NEAR)
DOUBT = Reading(Outcome.HELD, None, Language.EN, may_be=(RequestType.UPDATE, RequestType.ACCESS))
ANY_TYPE = Reading(Outcome.HELD, None, Language.EN, may_be=tuple(PERSONAL))
ORDINARY = Case(LETTER, NOTHING, None, Standing.UNPROVEN, tie=None, seen_before=False, same_open=None, flags=frozenset())
ASKING = replace(ORDINARY, reading=DEMAND)
HELD = replace(ORDINARY, reading=DOUBT)
OLD, RENUMBERED = (replace(ORDINARY, flags=frozenset({flag})) for flag in ("too_old", "renumbered"))

ACCESS = KnownRequest("2026-00001-A", RequestType.ACCESS, b"aigul", is_open=True)
CLOSED = replace(ACCESS, is_open=False)
UNNAMED = replace(ACCESS, type=None)
YES = Answered(ACCESS.reference, Asked.SENDER, Answer.YES, from_asked=True, is_in_time=True)
MACHINE = Screening(Kind.AUTO_REPLY, "auto_submitted")
UNANSWERED = [Screening(kind, kind) for kind in (Kind.SPAM, Kind.NO_REPLY, Kind.NOT_TO_US)]


def demand(kind: RequestType, certainty: Certainty = Certainty.NEAR) -> Reading:
    return replace(DEMAND, type=kind, certainty=certainty)


def tied(request: KnownRequest = ACCESS, *, from_requester: bool = True, by_our_words: bool = True) -> Tie:
    return Tie(request, from_requester, by_our_words)


def defective(case: Case, *defects: str) -> Case:
    return replace(case, message=replace(case.message, defects=frozenset(defects)))


def kinds_of_effect(decision: Decision) -> list[type]:
    assert decision.opens
    return [type(effect) for effect in decision.opens.effects]


def answers(decision: Decision) -> bool:
    return decision.opens is not None and any(isinstance(effect, Acknowledge) for effect in decision.opens.effects)


# --- Ordinary mail


@pytest.mark.parametrize("kind", [None, RequestType.ACCESS])
@pytest.mark.parametrize(("text", "reason"), [(None, "subject_matches_nothing"), ("", "asks_nothing"), ("Hello", "asks_nothing")])
def test_what_asks_nothing_is_ordinary(text: str | None, reason: str, kind: RequestType | None) -> None:
    decision = decide(replace(ORDINARY, message=replace(LETTER, text=text), reading=replace(NOTHING, type=kind)))
    assert Decision(Outcome.ORDINARY, reason, "pass_over") == decision


# --- Machines, and what came before


@pytest.mark.parametrize("reading", [NOTHING, DEMAND, DOUBT])
def test_a_machine_asks_nothing(reading: Reading) -> None:
    decision = decide(replace(ORDINARY, reading=reading, screening=MACHINE))
    assert Decision(Outcome.AUTOMATIC, "auto_submitted", "note_automatic_mail") == decision


def test_what_a_machine_sent_is_linked_to_the_request_it_names() -> None:
    decision = decide(replace(ORDINARY, screening=MACHINE, tie=tied(from_requester=False)))
    assert (Outcome.AUTOMATIC, ACCESS.reference) == (decision.outcome, decision.joins)


@pytest.mark.parametrize("case", [ASKING, HELD, replace(ASKING, tie=tied()), replace(ASKING, same_open=ACCESS)])
def test_h28_a_second_copy_does_nothing(case: Case) -> None:
    assert Decision(Outcome.DUPLICATE, "same_message_id_and_text", "set_duplicate_aside") == decide(replace(case, seen_before=True))


@pytest.mark.parametrize("case", [ORDINARY, ASKING, replace(ASKING, screening=MACHINE), replace(ASKING, seen_before=True)])
def test_h54_what_has_more_header_than_is_read_is_set_aside(case: Case) -> None:
    assert Decision(Outcome.SHUNTED, "header_too_large", "set_bomb_aside") == decide(defective(case, "header_too_large"))


# --- What belongs to a request


@pytest.mark.parametrize("by_our_words", [True, False])
def test_h50_what_the_requester_writes_about_an_open_request_follows_it_unanswered(by_our_words: bool) -> None:
    decision = decide(replace(ORDINARY, tie=tied(by_our_words=by_our_words)))
    assert Decision(Outcome.FOLLOW_UP, "answers_request", "continue_request", ACCESS.reference, reopens=False) == decision


@pytest.mark.parametrize("reading", [NOTHING, demand(RequestType.ACCESS), demand(RequestType.ACCESS, Certainty.GUESS)])
def test_h50_an_answer_to_our_letter_about_a_closed_request_follows_and_reopens_it(reading: Reading) -> None:
    decision = decide(replace(ORDINARY, reading=reading, tie=tied(CLOSED)))
    assert Decision(Outcome.FOLLOW_UP, "answers_closed_request", "continue_request", CLOSED.reference, reopens=True) == decision


def test_the_requesters_own_thread_of_a_closed_request_that_asks_nothing_is_ordinary() -> None:
    assert Outcome.ORDINARY is decide(replace(ORDINARY, tie=tied(CLOSED, by_our_words=False))).outcome


def test_the_requesters_own_thread_of_a_closed_request_with_its_old_subject_follows_it() -> None:
    decision = decide(replace(ORDINARY, reading=demand(RequestType.ACCESS), tie=tied(CLOSED, by_our_words=False)))
    assert (Outcome.FOLLOW_UP, CLOSED.reference, False) == (decision.outcome, decision.joins, decision.reopens)


@pytest.mark.parametrize("request_", [ACCESS, CLOSED, UNNAMED])
@pytest.mark.parametrize("certainty", [Certainty.EXACT, Certainty.NEAR])
def test_an_answer_that_surely_asks_for_something_else_is_a_request_of_its_own(request_: KnownRequest, certainty: Certainty) -> None:
    decision = decide(replace(ORDINARY, reading=demand(RequestType.DESTROY, certainty), tie=tied(request_)))
    assert (Outcome.REQUEST, "open_request") == (decision.outcome, decision.rule)
    assert answers(decision)


@pytest.mark.parametrize("request_", [ACCESS, CLOSED])
@pytest.mark.parametrize("reading", [demand(RequestType.DESTROY, Certainty.GUESS), DOUBT])
def test_an_answer_that_may_ask_for_something_else_is_held_with_its_limit_and_unanswered(request_: KnownRequest, reading: Reading) -> None:
    decision = decide(replace(ORDINARY, reading=reading, tie=tied(request_)))
    assert (Outcome.HELD, "may_ask_for_more", None) == (decision.outcome, decision.reason, decision.joins)
    assert decision.opens
    assert (reading.may_be or (RequestType.DESTROY,)) == decision.opens.may_be
    assert () == decision.opens.effects


def test_an_answer_that_names_no_demand_of_its_own_follows_the_open_request() -> None:
    """A complaint, or a request taken back: whoever works on the request must see it there."""
    assert Outcome.FOLLOW_UP is decide(replace(ORDINARY, reading=ANY_TYPE, tie=tied())).outcome


@pytest.mark.parametrize(("demands", "outcome"), [(3, Outcome.HELD), (4, Outcome.FOLLOW_UP)])
def test_up_to_three_demands_are_named_and_more_name_none(demands: int, outcome: Outcome) -> None:
    others = [kind for kind in RequestType if kind not in (ACCESS.type, RequestType.QUESTION)]
    reading = replace(DOUBT, may_be=tuple(others[:demands]))
    assert outcome is decide(replace(ORDINARY, reading=reading, tie=tied())).outcome


def test_a_complaint_about_a_closed_request_is_held() -> None:
    assert Outcome.HELD is decide(replace(ORDINARY, reading=ANY_TYPE, tie=tied(CLOSED))).outcome


@pytest.mark.parametrize("request_", [ACCESS, CLOSED])
def test_a_question_about_a_request_follows_it(request_: KnownRequest) -> None:
    assert Outcome.FOLLOW_UP is decide(replace(ORDINARY, reading=demand(RequestType.QUESTION), tie=tied(request_))).outcome


@pytest.mark.parametrize("reading", [DOUBT, demand(RequestType.DESTROY, Certainty.GUESS)])
def test_an_unsure_answer_follows_an_open_entry_that_nobody_has_named_yet(reading: Reading) -> None:
    assert Outcome.FOLLOW_UP is decide(replace(ORDINARY, reading=reading, tie=tied(UNNAMED))).outcome


@pytest.mark.parametrize("reading", [NOTHING, DEMAND, DOUBT])
def test_h111_who_names_the_request_of_another_is_held_and_not_answered(reading: Reading) -> None:
    decision = decide(replace(ORDINARY, reading=reading, tie=tied(from_requester=False)))
    assert (Outcome.HELD, "names_request_of_another", None) == (decision.outcome, decision.reason, decision.joins)
    assert decision.opens
    assert (True, ()) == (decision.opens.for_staff, decision.opens.effects)


def test_h111_the_earliest_limit_counted_for_a_stranger_is_that_of_the_request_named() -> None:
    for request, expected in ((ACCESS, (RequestType.ACCESS,)), (UNNAMED, PERSONAL)):
        decision = decide(replace(ORDINARY, tie=tied(request, from_requester=False)))
        assert decision.opens
        assert expected == decision.opens.may_be


def test_h111_a_strangers_answer_in_a_thread_is_held_only_if_it_asks() -> None:
    others_thread = tied(from_requester=False, by_our_words=False)
    assert Outcome.HELD is decide(replace(ASKING, tie=others_thread)).outcome
    assert Outcome.ORDINARY is decide(replace(ORDINARY, tie=others_thread)).outcome


def test_the_same_demand_while_it_is_open_is_a_follow_up() -> None:
    decision = decide(replace(ASKING, same_open=ACCESS))
    assert Decision(Outcome.FOLLOW_UP, "same_request_is_open", "continue_open_request", ACCESS.reference) == decision


def test_the_same_demand_is_a_request_while_the_open_one_told_nobody_anything_and_a_letter_may_go() -> None:
    unheard = replace(ACCESS, is_unheard=True)
    assert Outcome.REQUEST is decide(replace(ASKING, same_open=unheard)).outcome
    assert Outcome.FOLLOW_UP is decide(replace(ASKING, same_open=unheard, standing=Standing.FAILED)).outcome


def test_something_else_in_an_answer_follows_the_open_request_for_it() -> None:
    other = replace(ACCESS, reference="2026-00002-B", type=RequestType.DESTROY)
    assert other.reference == decide(replace(ASKING, tie=tied(), same_open=other)).joins


# --- What a person must look at


@pytest.mark.parametrize("case", [ASKING, HELD])
@pytest.mark.parametrize("defect", sorted(DOUBTFUL_SENDER))
def test_h44_h45_a_demand_of_a_doubtful_sender_is_held_and_not_answered(case: Case, defect: str) -> None:
    decision = decide(defective(case, defect))
    assert (Outcome.HELD, "sender_in_doubt") == (decision.outcome, decision.reason)
    assert decision.opens
    assert (case.reading.may_be or (RequestType.DESTROY,), ()) == (decision.opens.may_be, decision.opens.effects)


def test_h45_a_demand_without_a_sender_is_held() -> None:
    assert "sender_in_doubt" == decide(replace(ASKING, message=replace(LETTER, sender=None))).reason


@pytest.mark.parametrize("reading", [NOTHING, DOUBT])
def test_h37_a_subject_that_cannot_be_decoded_may_be_anything(reading: Reading) -> None:
    decision = decide(defective(replace(ORDINARY, reading=reading), "undecodable_subject"))
    assert (Outcome.HELD, "subject_undecodable") == (decision.outcome, decision.reason)
    assert decision.opens
    assert (PERSONAL, ()) == (decision.opens.may_be, decision.opens.effects)


def test_h37_a_demand_read_in_spite_of_its_subject_is_a_request() -> None:
    assert Outcome.REQUEST is decide(defective(ASKING, "undecodable_subject")).outcome


def test_what_may_be_a_request_is_held_with_a_neutral_letter() -> None:
    decision = decide(HELD)
    assert (Outcome.HELD, "needs_a_person") == (decision.outcome, decision.reason)
    assert decision.opens
    assert (None, Language.EN, DOUBT.may_be) == (decision.opens.type, decision.opens.language, decision.opens.may_be)
    assert (Acknowledge(None, Language.EN, asks=False, for_another=False),) == decision.opens.effects
    assert (True, False) == (decision.opens.for_staff, decision.opens.waits_for_sender)


def test_what_is_only_written_like_a_request_is_held_and_nobody_is_answered() -> None:
    decision = decide(replace(HELD, reading=replace(DOUBT, is_plausible=False)))
    assert (Outcome.HELD, "needs_a_person", False) == (decision.outcome, decision.reason, answers(decision))


def test_a_representatives_request_is_held_with_its_type_and_a_neutral_letter() -> None:
    for_another = replace(DEMAND, outcome=Outcome.HELD, may_be=(RequestType.DESTROY,), reason=FOR_ANOTHER)
    decision = decide(replace(ORDINARY, reading=for_another))
    assert decision.opens
    assert (RequestType.DESTROY, (Acknowledge(None, Language.RU, for_another=True),)) == (decision.opens.type, decision.opens.effects)


def test_what_may_be_nothing_known_is_held_unanswered() -> None:
    assert not answers(decide(replace(ORDINARY, reading=replace(DOUBT, may_be=()))))


def test_a_state_body_is_held_and_staff_alone_answer_it() -> None:
    inquiry = replace(DOUBT, type=RequestType.AUTHORITY_INQUIRY, may_be=(RequestType.AUTHORITY_INQUIRY,))
    decision = decide(replace(ORDINARY, reading=inquiry))
    assert Outcome.HELD is decision.outcome
    assert not answers(decision)


# --- Requests


@pytest.mark.parametrize("kind", RequestType)
def test_a_request_is_recorded_with_what_it_asks(kind: RequestType) -> None:
    decision = decide(replace(ORDINARY, reading=demand(kind)))
    assert (Outcome.REQUEST, "near_phrase", "open_request") == (decision.outcome, decision.reason, decision.rule)
    assert decision.opens
    assert (kind, Language.RU, ()) == (decision.opens.type, decision.opens.language, decision.opens.may_be)


@pytest.mark.parametrize("kind", [kind for kind in RequestType if kind is not RequestType.AUTHORITY_INQUIRY])
def test_a_person_is_answered_in_their_language(kind: RequestType) -> None:
    decision = decide(replace(ORDINARY, reading=demand(kind)))
    assert decision.opens
    (letter,) = (effect for effect in decision.opens.effects if isinstance(effect, Acknowledge))
    assert (kind, Language.RU, False) == (letter.type, letter.language, letter.for_another)


def test_the_authority_is_answered_by_staff_alone() -> None:
    decision = decide(replace(ORDINARY, reading=demand(RequestType.AUTHORITY_INQUIRY)))
    assert decision.opens
    assert (True, ()) == (decision.opens.for_staff, decision.opens.effects)


@pytest.mark.parametrize("kind", RequestType)
def test_messages_stop_for_what_ends_their_use_and_for_nothing_else(kind: RequestType) -> None:
    """Whoever asks for destruction asks for an end of messages as well: recognition takes the two together as ``destroy``."""
    ends_use = {"opt_out", "revoke_consent", "stop_processing", "object_automated", "restrict_transfer", "block", "destroy"}
    decision = decide(replace(ORDINARY, reading=demand(kind)))
    assert decision.opens
    assert (kind in ends_use) == (StopMessages() in decision.opens.effects)
    assert (frozenset({Duty.STOP_MESSAGES}) if kind in ends_use else frozenset()) == decision.opens.met_at_once


@pytest.mark.parametrize("kind", RequestType)
def test_only_an_opt_out_is_complete_without_staff(kind: RequestType) -> None:
    decision = decide(replace(ORDINARY, reading=demand(kind)))
    assert decision.opens
    assert (kind is not RequestType.OPT_OUT) == decision.opens.for_staff


@pytest.mark.parametrize("kind", RequestType)
@pytest.mark.parametrize("screening", UNANSWERED, ids=lambda screening: screening.kind)
def test_h75_h76_h78_a_request_that_is_never_answered_is_for_staff(kind: RequestType, screening: Screening) -> None:
    """Even an opt-out: what is done and told to nobody could never be undone."""
    decision = decide(replace(ORDINARY, reading=demand(kind), screening=screening))
    assert Outcome.REQUEST is decision.outcome
    assert decision.opens
    assert decision.opens.for_staff
    assert not answers(decision)


@pytest.mark.parametrize("kind", sorted(STOPS_MESSAGES))
def test_h78_what_the_server_takes_for_spam_changes_nothing(kind: RequestType) -> None:
    decision = decide(replace(ORDINARY, reading=demand(kind), screening=Screening(Kind.SPAM, "spam_mark")))
    assert decision.opens
    assert ((), frozenset()) == (decision.opens.effects, decision.opens.met_at_once)


@pytest.mark.parametrize("kind", [Kind.NO_REPLY, Kind.NOT_TO_US])
def test_h76_messages_stop_also_where_nobody_is_told(kind: Kind) -> None:
    assert [StopMessages] == kinds_of_effect(decide(replace(ASKING, screening=Screening(kind, kind))))


@pytest.mark.parametrize("case", [OLD, RENUMBERED, defective(ORDINARY, "no_blank_line")], ids=["too_old", "renumbered", "no_blank_line"])
@pytest.mark.parametrize("kind", [RequestType.OPT_OUT, RequestType.ACCESS])
def test_h3_h9_h56_old_mail_and_mail_with_a_spoilt_header_is_for_staff_and_not_answered(case: Case, kind: RequestType) -> None:
    decision = decide(replace(case, reading=demand(kind)))
    assert decision.opens
    assert decision.opens.for_staff
    assert not answers(decision)


@pytest.mark.parametrize("flag", ["too_large", "internal_date_doubtful"])
def test_other_flags_leave_the_answer(flag: str) -> None:
    assert answers(decide(replace(ASKING, flags=frozenset({flag}))))


@pytest.mark.parametrize("kind", RequestType)
def test_h80_a_forged_request_is_recorded_for_staff_and_only_an_opt_out_pauses_messages(kind: RequestType) -> None:
    decision = decide(replace(ORDINARY, reading=demand(kind), standing=Standing.FAILED))
    assert decision.opens
    assert decision.opens.for_staff
    assert ([StopMessages] if kind is RequestType.OPT_OUT else []) == kinds_of_effect(decision)


@pytest.mark.parametrize("case", [ASKING, HELD])
def test_h80_where_the_operator_wants_that_only_aligned_senders_are_answered(case: Case) -> None:
    told = {standing: answers(decide(replace(case, standing=standing, answers_all=False))) for standing in Standing}
    assert {Standing.ALIGNED: True, Standing.UNPROVEN: False, Standing.FAILED: False} == told


@pytest.mark.parametrize("certainty", Certainty)
def test_the_reason_tells_how_sure_the_reading_is(certainty: Certainty) -> None:
    assert f"{certainty}_phrase" == decide(replace(ORDINARY, reading=demand(RequestType.ACCESS, certainty))).reason
    assert "phrase" == decide(replace(ORDINARY, reading=replace(DEMAND, certainty=None))).reason


# --- Whom to believe in what

PHONE = (Change(Field.PHONE, None, "+77000002014"),)
ADDRESS = (Change(Field.EMAIL, "old@example.com", "new@example.com"),)
NOTHING_ASKED: tuple[Change, ...] = ()

# What is done at once, of: stop messages, ask back, carry out, write to other addresses. "-": no letter goes.
BELIEVED = {
    "opt_out": ("stop", "stop", "stop -"),
    **dict.fromkeys(["revoke_consent", "stop_processing", "object_automated", "restrict_transfer", "block"], ("stop", "stop ask", "-")),
    "update": ("do", "ask", "-"),
    "update of the address": ("ask others", "ask others", "-"),
    "update of nothing": ("", "", "-"),
    **dict.fromkeys(["access"], ("ask", "ask", "-")),
    **dict.fromkeys(["destroy"], ("stop ask", "stop ask", "-")),
    **dict.fromkeys(["unblock", "question"], ("", "", "-")),
    "authority_inquiry": ("-", "-", "-"),
}
CHANGES = {"update": PHONE, "update of the address": ADDRESS}


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("row", BELIEVED)
def test_h64_each_cell_of_the_table(row: str, standing: Standing) -> None:
    kind = RequestType(row.partition(" ")[0])
    decision = decide(replace(ORDINARY, reading=demand(kind), standing=standing, changes=CHANGES.get(row, NOTHING_ASKED)))
    assert decision.opens
    letter = next((effect for effect in decision.opens.effects if isinstance(effect, Acknowledge)), None)
    words = {
        "stop": StopMessages in kinds_of_effect(decision),
        "ask": letter is not None and letter.asks,
        "do": CarryOut in kinds_of_effect(decision),
        "others": AskAddress in kinds_of_effect(decision),
        "-": letter is None,
    }
    expected = BELIEVED[row][tuple(Standing).index(standing)].split()
    assert set(expected) == {word for word, is_so in words.items() if is_so}
    assert decision.opens.waits_for_sender == ("ask" in expected)


@pytest.mark.parametrize("kind", WITHDRAWALS)
def test_a_withdrawal_is_carried_out_only_for_whom_the_server_vouches_and_if_the_operator_wants_that(kind: RequestType) -> None:
    asked = replace(ORDINARY, reading=demand(kind))
    carried_out = [
        (standing, auto)
        for standing, auto in product(Standing, (True, False))
        if CarryOut in kinds_of_effect(decide(replace(asked, standing=standing, auto=auto)))
    ]
    assert [(Standing.ALIGNED, True)] == carried_out


def test_every_type_has_its_row() -> None:
    assert set(RequestType) == {RequestType(row.partition(" ")[0]) for row in BELIEVED} == set(TABLE)


def test_h63_both_addresses_are_asked_whoever_writes() -> None:
    asked = {}
    for sender in ("old@example.com", "new@example.com", "third@example.com"):
        decision = decide(replace(ORDINARY, message=replace(LETTER, sender=sender), reading=demand(RequestType.UPDATE), changes=ADDRESS))
        assert decision.opens
        asked[sender] = {effect for effect in decision.opens.effects if isinstance(effect, AskAddress)}
    new, old = AskAddress("new@example.com", Asked.NEW, Language.RU), AskAddress("old@example.com", Asked.OLD, Language.RU)
    assert {"old@example.com": {new}, "new@example.com": {old}, "third@example.com": {new, old}} == asked


@pytest.mark.parametrize("screening", UNANSWERED, ids=lambda screening: screening.kind)
@pytest.mark.parametrize(("standing", "changes"), [*product((Standing.ALIGNED, Standing.UNPROVEN), (PHONE, ADDRESS))])
def test_nothing_is_changed_and_nobody_asked_where_nobody_is_answered(
    screening: Screening, standing: Standing, changes: tuple[Change, ...]
) -> None:
    decision = decide(replace(ORDINARY, reading=demand(RequestType.UPDATE), screening=screening, standing=standing, changes=changes))
    assert decision.opens
    assert (False, []) == (decision.opens.waits_for_sender, kinds_of_effect(decision))


# --- Requests of long ago


@pytest.mark.parametrize("reading", [DEMAND, DOUBT])
def test_h62_a_request_signed_long_ago_is_held_and_not_answered(reading: Reading) -> None:
    decision = decide(replace(ORDINARY, reading=reading, proof=Proof.OLD_SIGNATURE))
    assert (Outcome.HELD, "signed_long_ago", False) == (decision.outcome, decision.reason, answers(decision))
    assert decision.opens
    assert (reading.may_be or (RequestType.DESTROY,)) == decision.opens.may_be


# --- The table


@pytest.mark.parametrize(
    ("case", "rule"),
    [
        (replace(ORDINARY, screening=MACHINE, seen_before=True), "note_automatic_mail"),
        (replace(ORDINARY, seen_before=True, tie=tied()), "set_duplicate_aside"),
        (replace(HELD, seen_before=True, tie=tied()), "set_duplicate_aside"),
        (replace(ASKING, seen_before=True, tie=tied(from_requester=False)), "set_duplicate_aside"),
        (defective(replace(ASKING, seen_before=True), "doubled_from"), "set_duplicate_aside"),
        (defective(replace(ORDINARY, seen_before=True), "undecodable_subject"), "set_duplicate_aside"),
        (defective(replace(ORDINARY, reading=demand(RequestType.ACCESS), tie=tied()), "doubled_subject"), "continue_request"),
        (defective(replace(ORDINARY, tie=tied()), "undecodable_subject"), "continue_request"),
        (defective(replace(HELD, tie=tied()), "undecodable_subject"), "hold_further_demand"),
        (defective(replace(HELD, tie=tied(from_requester=False)), "doubled_from"), "hold_strangers_reference"),
        (defective(replace(ORDINARY, tie=tied(from_requester=False)), "undecodable_subject"), "hold_strangers_reference"),
        (defective(replace(ASKING, tie=tied()), "doubled_subject"), "hold_doubtful_sender"),
        (defective(HELD, "doubled_subject", "undecodable_subject"), "hold_doubtful_sender"),
        (defective(replace(ASKING, same_open=ACCESS), "several_senders"), "hold_doubtful_sender"),
        (defective(ORDINARY, "several_senders"), "pass_over"),
    ],
)
def test_the_order_of_the_rules_decides_between_two_that_apply(case: Case, rule: str) -> None:
    assert rule == decide(case).rule


def test_every_rule_names_itself_in_its_decisions() -> None:
    """One case a rule, in the order of the table: each is decided by its own rule, so none is dead."""
    cases = (
        defective(ORDINARY, "header_too_large"),
        replace(ORDINARY, screening=MACHINE),
        replace(ASKING, seen_before=True),
        replace(ASKING, to_digest=ToDigest.IN_VAIN),
        replace(ORDINARY, answered=YES),
        replace(ORDINARY, tie=tied()),
        replace(HELD, tie=tied()),
        replace(ASKING, tie=tied(from_requester=False)),
        defective(ASKING, "doubled_from"),
        replace(ASKING, proof=Proof.OLD_SIGNATURE),
        defective(ORDINARY, "undecodable_subject"),
        replace(ASKING, same_open=ACCESS),
        HELD,
        ASKING,
        ORDINARY,
    )
    assert [rule.__name__ for rule in RULES] == [decide(case).rule for case in cases]


READINGS = [
    NOTHING,
    DEMAND,
    DOUBT,
    ANY_TYPE,
    demand(RequestType.OPT_OUT),
    demand(RequestType.AUTHORITY_INQUIRY),
    demand(RequestType.ACCESS, Certainty.GUESS),
]
TIES = [
    None,
    *(
        tied(request, from_requester=own, by_our_words=ours)
        for request, own, ours in product((ACCESS, CLOSED, UNNAMED), (True, False), (True, False))
    ),
]


@pytest.mark.parametrize("reading", READINGS)
def test_i5_no_letter_goes_where_none_may_go_whatever_else_is_true(reading: Reading) -> None:
    for tie, same_open, standing in product(TIES, (None, ACCESS), Standing):
        case = replace(ORDINARY, reading=reading, tie=tie, same_open=same_open, standing=standing)
        never = [replace(case, screening=screening) for screening in (MACHINE, *UNANSWERED)]
        never += [replace(case, flags=frozenset({flag})) for flag in ("too_old", "renumbered", "said_before")]
        never += [replace(case, standing=Standing.FAILED), replace(case, seen_before=True)]
        never += [defective(case, defect) for defect in (*DOUBTFUL_SENDER, "no_blank_line")]
        never += [replace(case, message=replace(LETTER, sender=None))]
        for unanswered in never:
            assert not answers(decide(unanswered))


@pytest.mark.parametrize("reading", [reading for reading in READINGS if reading.outcome is not Outcome.ORDINARY])
def test_what_a_person_asks_is_never_passed_over(reading: Reading) -> None:
    for tie, same_open, screening in product(TIES, (None, ACCESS), (None, *UNANSWERED)):
        outcome = decide(replace(ORDINARY, reading=reading, tie=tie, same_open=same_open, screening=screening)).outcome
        assert outcome in {Outcome.REQUEST, Outcome.HELD, Outcome.FOLLOW_UP}
