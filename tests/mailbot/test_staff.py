"""What staff do with a request, against a real store: the moves, the letters, and what may not be done."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from mailbot import staff
from mailbot.desk import Desk
from mailbot.errors import NoSuchRequest
from mailbot.staff import Ground, NotPossible
from rules.vocabulary import Duty, LetterKind, RequestType, Standing, State
from storage.tables import letters, requests
from tests.mailbot.register_room import (
    NOW,
    PERSON,
    TODAY,
    act,
    arrive,
    consents_left,
    details,
    history,
    is_on_file,
    is_suppressed,
    kinds_to,
    letters_to,
    office,
    open_desk,
    person,
    put_on_file,
    request,
    still_owed,
)

ME = "staff:dana"
GROUND = "Your contract runs until May, Law 94-V art. 8(2)"
APPEAL = "the right to appeal"
HELD = (RequestType.ACCESS, RequestType.DESTROY)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(office(tmp_path, systems=("crm",))) as desk:
        yield desk


def done(desk: Desk, reference: str, what: str | None = None, system: str | None = None) -> State:
    return act(desk, staff.tick_off, reference, ME, what=what, system=system).state


def finish(desk: Desk, reference: str) -> State:
    """Do all that is owed: approve what is mailbot's own part, and tick off the rest."""
    while owed := still_owed(desk, reference):
        what, system = owed[0]
        if system == "mailbot" and what in staff.CARRIED_OUT_HERE:
            act(desk, staff.approve, reference, ME, what=what)
        else:
            done(desk, reference, what, system)
    return request(desk, reference).state


def refusable(desk: Desk, kind: RequestType = RequestType.DESTROY) -> str:
    """Let a request arrive after which messages have stopped everywhere."""
    reference = arrive(desk, kind)
    done(desk, reference, "stop_messages", "crm")
    return reference


def closed_opt_out(desk: Desk) -> str:
    """Let a person opt out, and tick off what the other system owes; messages stopped at once."""
    reference = arrive(desk, RequestType.OPT_OUT)
    assert State.CARRIED_OUT == done(desk, reference)
    return reference


# --- approve ---------------------------------------------------------------------------------------------------------
def test_approving_a_revocation_ends_the_consents_and_ticks_off_mailbots_own_part_only(desk: Desk) -> None:
    put_on_file(desk)
    reference = arrive(desk, RequestType.REVOKE_CONSENT)
    before = still_owed(desk, reference)
    assert State.AWAITING_STAFF == act(desk, staff.approve, reference, ME).state
    assert [] == consents_left(desk)
    assert [TODAY, TODAY] == [consent.until for consent in person(desk).consents]
    assert [owed for owed in before if owed != (Duty.STOP_PROCESSING, "mailbot")] == still_owed(desk, reference)
    assert (Duty.STOP_PROCESSING, "crm") in still_owed(desk, reference)
    assert [{"on_file": True}] == details(desk, reference, "approved")


def test_i12_nobody_is_told_that_it_is_done_while_another_system_is_open(desk: Desk) -> None:
    put_on_file(desk)
    reference = arrive(desk, RequestType.REVOKE_CONSENT)
    act(desk, staff.approve, reference, ME)
    assert ["acknowledgement"] == kinds_to(desk, reference)
    assert State.CARRIED_OUT == finish(desk, reference)
    kind, text = letters_to(desk, reference)[-1]
    assert "completion" == kind
    assert "We have stopped using your personal data" in text


def test_a_sender_who_is_not_on_file_has_nothing_to_change_and_the_history_says_so(desk: Desk) -> None:
    reference = arrive(desk, RequestType.REVOKE_CONSENT)
    act(desk, staff.approve, reference, ME)
    assert (Duty.STOP_PROCESSING, "mailbot") not in still_owed(desk, reference)
    assert [{"on_file": False}] == details(desk, reference, "approved")


def test_a_person_put_on_file_after_the_request_came_is_found(desk: Desk) -> None:
    reference = arrive(desk, RequestType.REVOKE_CONSENT)
    put_on_file(desk, PERSON.upper().replace("EXAMPLE.COM", "example.com"))
    act(desk, staff.approve, reference, ME)
    assert [] == consents_left(desk)
    assert [{"on_file": True}] == details(desk, reference, "approved")


def test_restricting_transfer_leaves_the_other_consents(desk: Desk) -> None:
    put_on_file(desk)
    act(desk, staff.approve, arrive(desk, RequestType.RESTRICT_TRANSFER), ME)
    assert ["informing"] == consents_left(desk)


def test_a_block_is_set_and_lifted(desk: Desk) -> None:
    put_on_file(desk)
    act(desk, staff.approve, arrive(desk, RequestType.BLOCK), ME)
    assert NOW == person(desk).blocked_at
    act(desk, staff.approve, arrive(desk, RequestType.UNBLOCK), ME)
    assert None is person(desk).blocked_at


def test_i12_a_destruction_takes_the_person_off_the_file_and_leaves_the_stop(desk: Desk) -> None:
    put_on_file(desk)
    put_on_file(desk, "other@example.com")
    reference = arrive(desk, RequestType.DESTROY)
    act(desk, staff.approve, reference, ME)
    assert (Duty.DESTROY, "mailbot") not in still_owed(desk, reference)
    assert not is_on_file(desk)
    assert is_on_file(desk, "other@example.com")
    assert is_suppressed(desk)


def test_who_was_destroyed_is_told_so_though_nobody_is_on_file_any_more(tmp_path: Path) -> None:
    with open_desk(office(tmp_path)) as desk:
        put_on_file(desk)
        reference = arrive(desk, RequestType.DESTROY)
        act(desk, staff.approve, reference, ME)
        finish(desk, reference)
        assert not is_on_file(desk)
        assert "completion" in kinds_to(desk, reference)


def test_nobody_elses_consents_end(desk: Desk) -> None:
    put_on_file(desk)
    put_on_file(desk, "other@example.com")
    act(desk, staff.approve, arrive(desk, RequestType.REVOKE_CONSENT), ME)
    assert ["informing", "transfer"] == consents_left(desk, "other@example.com")


ANSWERED_OR_AMENDED = (
    RequestType.UPDATE,
    RequestType.ACCESS,
    RequestType.QUESTION,
    RequestType.OBJECT_AUTOMATED,
    RequestType.AUTHORITY_INQUIRY,
)


@pytest.mark.parametrize("kind", ANSWERED_OR_AMENDED)
def test_what_mailbot_cannot_do_is_not_approved(desk: Desk, kind: RequestType) -> None:
    reference = arrive(desk, kind)
    with pytest.raises(NotPossible, match=f"{kind}.*requests done {reference}"):
        act(desk, staff.approve, reference, ME)
    assert "approved" not in history(desk, reference)
    assert State.AWAITING_STAFF == request(desk, reference).state


def test_a_held_message_is_not_approved_even_if_it_may_be_a_revocation(desk: Desk) -> None:
    put_on_file(desk)
    reference = arrive(desk, RequestType.REVOKE_CONSENT, may_be=(RequestType.REVOKE_CONSENT, RequestType.DESTROY))
    with pytest.raises(NotPossible, match="held"):
        act(desk, staff.approve, reference, ME)
    assert ["informing", "transfer"] == consents_left(desk)


def test_approving_twice_says_what_is_left(desk: Desk) -> None:
    reference = arrive(desk, RequestType.BLOCK)
    act(desk, staff.approve, reference, ME)
    with pytest.raises(NotPossible, match=rf"has done its part; still open: .*block \(crm\): `mailbot requests done {reference} block "):
        act(desk, staff.approve, reference, ME)
    assert 1 == history(desk, reference).count("approved")


# --- done ------------------------------------------------------------------------------------------------------------
def test_done_ticks_off_one_duty_in_one_system(desk: Desk) -> None:
    reference = arrive(desk, RequestType.DESTROY)
    before = still_owed(desk, reference)
    assert State.AWAITING_STAFF == done(desk, reference, "destroy", "crm")
    assert [owed for owed in before if owed != (Duty.DESTROY, "crm")] == still_owed(desk, reference)


def test_done_without_more_closes_what_owes_one_thing(desk: Desk) -> None:
    reference = arrive(desk, RequestType.UPDATE)
    assert State.CARRIED_OUT == done(desk, reference)
    assert ([], {ME}) == (still_owed(desk, reference), {owed.met_by for owed in request(desk, reference).obligations})
    assert "carried_out" == history(desk, reference)[-1]


@pytest.mark.parametrize("system", [None, "crm"])
def test_done_without_more_ticks_off_nothing_where_more_than_one_thing_is_owed(desk: Desk, system: str | None) -> None:
    reference = arrive(desk, RequestType.DESTROY)
    before = still_owed(desk, reference)
    with pytest.raises(NotPossible) as refused:
        done(desk, reference, system=system)
    assert (
        f"{reference} owes more than one thing; do one after the other: destroy (mailbot): `mailbot requests approve {reference}`; "
        f"destroy (crm): `mailbot requests done {reference} destroy --system crm`; "
        f"stop_messages (crm): `mailbot requests done {reference} stop_messages --system crm`"
    ) == str(refused.value)
    assert before == still_owed(desk, reference)


@pytest.mark.parametrize("kind", [RequestType.DESTROY, RequestType.REVOKE_CONSENT])
def test_done_never_changes_mailbots_own_store_and_leaves_that_part_to_approve(desk: Desk, kind: RequestType) -> None:
    """Otherwise a tick meant for another system would erase the person here too, beyond recall."""
    put_on_file(desk)
    reference = refusable(desk, kind)
    what = {RequestType.DESTROY: "destroy", RequestType.REVOKE_CONSENT: "stop_processing"}[kind]
    assert State.AWAITING_STAFF == done(desk, reference)
    assert [(what, "mailbot")] == still_owed(desk, reference)
    for system in (None, "mailbot"):
        with pytest.raises(NotPossible, match=rf"{what} \(mailbot\): `mailbot requests approve {reference}`"):
            done(desk, reference, what, system)
    assert ["informing", "transfer"] == consents_left(desk)
    assert State.CARRIED_OUT == act(desk, staff.approve, reference, ME).state


@pytest.mark.parametrize(("what", "system"), [("amend", None), (None, "newsletter"), ("destroy", "staff")])
def test_done_of_what_is_not_owed_says_what_is(desk: Desk, what: str | None, system: str | None) -> None:
    reference = arrive(desk, RequestType.DESTROY)
    with pytest.raises(NotPossible, match=r"no open obligation like that to tick off; it has: .*destroy \(crm\)"):
        done(desk, reference, what, system)


@pytest.mark.parametrize("kind", RequestType)
def test_a_letter_of_completion_is_written_where_staff_do_not_answer_themselves(desk: Desk, kind: RequestType) -> None:
    reference = arrive(desk, kind)
    finish(desk, reference)
    answered = {"access", "question", "authority_inquiry", "object_automated", "opt_out"}
    assert (kind not in answered) == ("completion" in kinds_to(desk, reference))


def test_a_held_message_is_closed_by_done_without_a_letter(desk: Desk) -> None:
    reference = arrive(desk, None, may_be=HELD)
    before = kinds_to(desk, reference)
    assert State.CARRIED_OUT == done(desk, reference)
    assert before == kinds_to(desk, reference)


# --- refuse ----------------------------------------------------------------------------------------------------------
def test_i8_a_refusal_is_a_letter_with_ground_and_right_of_appeal(desk: Desk) -> None:
    reference = refusable(desk)
    assert State.REFUSED == act(desk, staff.refuse, reference, ME, Ground(GROUND)).state
    kind, text = letters_to(desk, reference)[-1]
    assert ("refusal", True, True) == (kind, GROUND in text, APPEAL in text)
    assert [{"ground": GROUND}] == details(desk, reference, "refused")


def test_i12_nothing_is_refused_while_messages_have_still_to_stop_elsewhere(desk: Desk) -> None:
    """The acknowledgement said that the other systems would follow, and nobody looks at what is closed."""
    reference = arrive(desk, RequestType.REVOKE_CONSENT)
    with pytest.raises(NotPossible, match=f"messages stop.*`mailbot requests done {reference} stop_messages --system crm`"):
        act(desk, staff.refuse, reference, ME, Ground(GROUND))
    assert (State.AWAITING_STAFF, ["acknowledgement"]) == (request(desk, reference).state, kinds_to(desk, reference))
    done(desk, reference, "stop_messages", "crm")
    assert State.REFUSED == act(desk, staff.refuse, reference, ME, Ground(GROUND)).state


@pytest.mark.parametrize("ground", ["", " \n\t", "\x00\u202e"])
def test_i8_nobody_is_refused_without_a_ground(desk: Desk, ground: str) -> None:
    reference = arrive(desk, RequestType.DESTROY)
    with pytest.raises(NotPossible, match="needs a written ground"):
        act(desk, staff.refuse, reference, ME, Ground(ground))
    assert (State.AWAITING_STAFF, ["acknowledgement"]) == (request(desk, reference).state, kinds_to(desk, reference))


def test_i8_a_held_message_is_refused_with_a_letter_too(desk: Desk) -> None:
    reference = arrive(desk, None, may_be=HELD)
    assert State.REFUSED == act(desk, staff.refuse, reference, ME, Ground(GROUND)).state
    kind, text = letters_to(desk, reference)[-1]
    assert ("refusal", True) == (kind, GROUND in text)


@pytest.mark.parametrize(
    ("sender", "fields"),
    [
        ("noreply@example.com", {}),
        (PERSON, {"X-Spam-Flag": "YES"}),
        ("айгуль@example.com", {}),
    ],
    ids=["no-reply", "spam", "needs SMTPUTF8"],
)
def test_i5_i8_where_no_letter_may_go_nobody_is_refused(desk: Desk, sender: str, fields: dict[str, str]) -> None:
    reference = arrive(desk, RequestType.UPDATE, sender, fields=fields)
    with pytest.raises(NotPossible, match=f"no letter may go to its sender.*requests done {reference} amend"):
        act(desk, staff.refuse, reference, ME, Ground(GROUND))
    assert State.AWAITING_STAFF == request(desk, reference).state
    assert "refused" not in history(desk, reference)
    assert [] == kinds_to(desk, reference)


def test_i5_no_letter_goes_to_a_sender_whose_authentication_failed(desk: Desk) -> None:
    reference = refusable(desk)
    with desk.database.write() as tx:
        tx.execute(update(requests).values(standing=Standing.FAILED))
    with pytest.raises(NotPossible, match="no letter may go to its sender"):
        act(desk, staff.refuse, reference, ME, Ground(GROUND))


def test_i5_no_completion_goes_where_no_letter_may_go(desk: Desk) -> None:
    reference = arrive(desk, RequestType.DESTROY, "noreply@example.com")
    assert State.CARRIED_OUT == finish(desk, reference)
    assert [] == kinds_to(desk, reference)


def test_i8_a_second_refusal_has_a_letter_of_its_own(desk: Desk) -> None:
    reference = refusable(desk)
    for ground in ("The first ground", "The second ground"):
        act(desk, staff.refuse, reference, ME, Ground(ground))
        act(desk, staff.reopen, reference, ME)
    assert ["acknowledgement", "refusal", "refusal"] == kinds_to(desk, reference)
    assert "The second ground" in letters_to(desk, reference)[-1][1]


def test_i8_a_partial_refusal_says_what_is_kept_and_until_when(desk: Desk) -> None:
    reference = refusable(desk)
    kept = Ground(GROUND, "Invoices of 2025", date(2031, 1, 1))
    assert State.REFUSED == act(desk, staff.refuse, reference, ME, kept).state
    text = letters_to(desk, reference)[-1][1]
    assert ("Invoices of 2025" in text, "1 January 2031" in text, GROUND in text) == (True, True, True)
    assert [{"ground": GROUND, "kept": "Invoices of 2025", "until": "2031-01-01"}] == details(desk, reference, "refused")


@pytest.mark.parametrize(("kept", "until"), [("", date(2031, 1, 1)), ("Invoices", date(2026, 11, 19))])
def test_what_is_kept_is_named_and_ends_on_a_day_to_come(desk: Desk, kept: str, until: date) -> None:
    with pytest.raises(NotPossible, match="needs what it is, and a day to come"):
        act(desk, staff.refuse, refusable(desk), ME, Ground(GROUND, kept, until))


# --- postpone --------------------------------------------------------------------------------------------------------
def test_postponing_reminds_later_and_moves_no_due_date(desk: Desk) -> None:
    reference = arrive(desk, RequestType.DESTROY)
    due = request(desk, reference).due
    assert due is not None
    after = act(desk, staff.postpone, reference, ME, due)
    assert (due, due, State.AWAITING_STAFF) == (after.postponed_to, after.due, after.state)
    assert [{"to": due.isoformat()}] == details(desk, reference, "postponed")


def test_nothing_is_postponed_past_its_due_date(desk: Desk) -> None:
    reference = arrive(desk, RequestType.DESTROY)
    due = request(desk, reference).due
    assert due is not None
    with pytest.raises(NotPossible, match=f"due on {due}; it cannot be postponed past that day"):
        act(desk, staff.postpone, reference, ME, due + timedelta(days=1))
    assert None is request(desk, reference).postponed_to


@pytest.mark.parametrize("day", [TODAY, date(2026, 1, 1)])
def test_nothing_is_postponed_into_the_past(desk: Desk, day: date) -> None:
    reference = arrive(desk, RequestType.DESTROY)
    with pytest.raises(NotPossible, match="is not a day to come"):
        act(desk, staff.postpone, reference, ME, day)


# --- reopen ----------------------------------------------------------------------------------------------------------
def test_reopening_an_opt_out_lifts_no_stop(desk: Desk) -> None:
    reference = closed_opt_out(desk)
    assert State.AWAITING_STAFF == act(desk, staff.reopen, reference, ME).state
    assert (True, []) == (is_suppressed(desk), still_owed(desk, reference))
    with pytest.raises(NotPossible, match=f"still open: nothing .`mailbot requests done {reference}` closes it"):
        act(desk, staff.approve, reference, ME)


def test_what_was_ticked_off_by_mistake_is_owed_again_by_its_old_date(desk: Desk) -> None:
    reference = arrive(desk, RequestType.REVOKE_CONSENT)
    before = request(desk, reference)
    finish(desk, reference)
    after = act(desk, staff.reopen, reference, ME, what="stop_messages", system="crm")
    assert (State.AWAITING_STAFF, before.due) == (after.state, after.due)
    assert [(Duty.STOP_MESSAGES, "crm")] == still_owed(desk, reference)
    assert [{"what": "stop_messages", "system": "crm", "was_met_by": ME}] == details(desk, reference, "taken_back")
    assert State.CARRIED_OUT == done(desk, reference)


def test_a_tick_of_an_open_request_is_taken_back_in_every_system_or_in_one(desk: Desk) -> None:
    reference = arrive(desk, RequestType.REVOKE_CONSENT)
    before = still_owed(desk, reference)
    act(desk, staff.approve, reference, ME)
    done(desk, reference, "stop_processing", "crm")
    act(desk, staff.reopen, reference, ME, what="stop_processing")
    assert before == still_owed(desk, reference)
    assert "reopened" not in history(desk, reference)


@pytest.mark.parametrize(("what", "system"), [("destroy", "mailbot"), ("amend", None), ("destroy", "newsletter")])
def test_what_mailbot_destroyed_and_what_was_never_ticked_is_not_taken_back(desk: Desk, what: str, system: str | None) -> None:
    reference = arrive(desk, RequestType.DESTROY)
    finish(desk, reference)
    with pytest.raises(NotPossible, match=r"no tick like that to be taken back; it has: destroy \(crm\), stop_messages \(crm\)"):
        act(desk, staff.reopen, reference, ME, what=what, system=system)
    assert State.CARRIED_OUT == request(desk, reference).state


def test_a_reopened_request_waits_for_no_later_day(desk: Desk) -> None:
    reference = refusable(desk)
    act(desk, staff.postpone, reference, ME, TODAY + timedelta(days=3))
    act(desk, staff.refuse, reference, ME, Ground(GROUND))
    assert act(desk, staff.reopen, reference, ME).postponed_to is None


def test_who_wants_messages_again_withdraws_an_opt_out_that_other_systems_still_owe(desk: Desk) -> None:
    reference = arrive(desk, RequestType.OPT_OUT)
    other = arrive(desk, RequestType.REVOKE_CONSENT)
    strangers = arrive(desk, RequestType.OPT_OUT, "other@example.com")
    assert (reference, other) == act(desk, staff.resume_messages, PERSON, ME)
    assert [False, True] == [is_suppressed(desk), is_suppressed(desk, "other@example.com")]
    states = [request(desk, each).state for each in (reference, other, strangers)]
    assert [State.WITHDRAWN, State.AWAITING_STAFF, State.AWAITING_STAFF] == states
    assert [{"no_longer_owed": "stop_messages (crm)"}] == details(desk, reference, "withdrawn")
    assert (Duty.STOP_MESSAGES, "crm") in still_owed(desk, other)
    assert [{"suppressions_lifted": 1}] == details(desk, other, "messages_resumed")


def test_who_wants_messages_again_leaves_an_opt_out_carried_out_that_was(desk: Desk) -> None:
    reference = closed_opt_out(desk)
    assert (reference,) == act(desk, staff.resume_messages, PERSON, ME)
    assert (State.CARRIED_OUT, False) == (request(desk, reference).state, is_suppressed(desk))


def test_a_reopened_request_that_owes_nothing_can_be_closed(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    done(desk, reference)
    act(desk, staff.reopen, reference, ME)
    assert State.CARRIED_OUT == done(desk, reference)


def test_reopening_keeps_obligations_and_dates(desk: Desk) -> None:
    reference = refusable(desk)
    before = request(desk, reference)
    act(desk, staff.refuse, reference, ME, Ground(GROUND))
    after = act(desk, staff.reopen, reference, ME)
    assert (before.due, before.obligations) == (after.due, after.obligations)


# --- what cannot be --------------------------------------------------------------------------------------------------
Act = Callable[[Desk, str], object]
ACTS: dict[str, Act] = {
    "approve": lambda desk, reference: act(desk, staff.approve, reference, ME),
    "refuse": lambda desk, reference: act(desk, staff.refuse, reference, ME, Ground(GROUND)),
    "done": lambda desk, reference: act(desk, staff.tick_off, reference, ME, what=None, system=None),
    "postpone": lambda desk, reference: act(desk, staff.postpone, reference, ME, TODAY + timedelta(days=1)),
}


@pytest.mark.parametrize("one_act", ACTS.values(), ids=ACTS)
def test_a_closed_request_has_to_be_reopened_first(desk: Desk, one_act: Act) -> None:
    reference = refusable(desk, RequestType.BLOCK)
    act(desk, staff.refuse, reference, ME, Ground(GROUND))
    before = (history(desk, reference), kinds_to(desk, reference))
    with pytest.raises(NotPossible, match=f"{reference} is closed .refused.; type `mailbot requests reopen {reference}` first"):
        one_act(desk, reference)
    assert before == (history(desk, reference), kinds_to(desk, reference))


def test_an_open_request_is_not_reopened(desk: Desk) -> None:
    reference = arrive(desk, RequestType.BLOCK)
    with pytest.raises(NotPossible, match=f"{reference} is open"):
        act(desk, staff.reopen, reference, ME)


@pytest.mark.parametrize("act", [*ACTS.values(), lambda desk, reference: act(desk, staff.reopen, reference, ME)], ids=[*ACTS, "reopen"])
def test_what_the_register_does_not_hold_is_told(desk: Desk, act: Act) -> None:
    with pytest.raises(NoSuchRequest, match="there is no request 2026-00042-K"):
        act(desk, "2026-00042-K")


def test_letters_of_staff_are_not_bound_by_the_caps(desk: Desk) -> None:
    act(desk, staff.refuse, refusable(desk), ME, Ground(GROUND))
    with desk.database.read() as tx:
        bound = {row.kind: row.capped for row in tx.execute(select(letters.c.kind, letters.c.capped))}
    assert {"acknowledgement": True, "refusal": False} == bound


# --- what the letters may say ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("is_resumed", [False, True])
def test_i12_a_letter_says_that_messages_have_stopped_only_as_long_as_they_do(desk: Desk, is_resumed: bool) -> None:
    reference = closed_opt_out(desk)
    if is_resumed:
        act(desk, staff.resume_messages, PERSON, ME)
    act(desk, staff.reopen, reference, ME)
    act(desk, staff.refuse, reference, ME, Ground(GROUND))
    assert is_resumed == ("We have stopped" not in letters_to(desk, reference)[-1][1])


@pytest.mark.parametrize(
    ("kind", "day"),
    [(RequestType.DESTROY, "7 December 2026"), (RequestType.REVOKE_CONSENT, "11 December 2026"), (RequestType.UNBLOCK, None)],
)
def test_i12_the_letter_names_the_day_of_what_was_asked_and_the_register_the_earliest(
    desk: Desk, kind: RequestType, day: str | None
) -> None:
    """Messages stop in the other system by the 23rd; nobody was promised the rest by then."""
    reference = arrive(desk, kind)
    ((_, text),) = letters_to(desk, reference)
    assert (f"We will do this no later than {day}." if day else "We will do this as soon as the check is finished.") in text
    assert 1 == text.count("We will do this")
    assert min((owed.due for owed in request(desk, reference).obligations if owed.due), default=None) == request(desk, reference).due


def test_i12_a_block_of_somebody_who_is_not_on_file_claims_nothing_of_mailbots_own(tmp_path: Path) -> None:
    with open_desk(office(tmp_path)) as alone:
        reference = arrive(alone, RequestType.BLOCK)
        assert State.CARRIED_OUT == act(alone, staff.approve, reference, ME).state
        assert [LetterKind.ACKNOWLEDGEMENT] == kinds_to(alone, reference)


def test_i12_messages_are_owed_to_stop_in_every_other_system_too(desk: Desk) -> None:
    reference = arrive(desk, RequestType.REVOKE_CONSENT)
    assert (Duty.STOP_MESSAGES, "crm") in still_owed(desk, reference)
    assert "other systems" in letters_to(desk, reference)[0][1]


def test_what_cannot_be_undone_is_not_approved_along_with_something_else(tmp_path: Path) -> None:
    config = office(tmp_path)
    config.write_text(config.read_text(encoding="utf-8").replace('policy = "kazger"', 'policy = "technowomen"'), encoding="utf-8")
    with open_desk(config) as women:
        put_on_file(women)
        reference = arrive(women, RequestType.STOP_PROCESSING)
        act(women, staff.approve, reference, ME)
        assert is_on_file(women)
        assert [(Duty.DESTROY, "mailbot")] == still_owed(women, reference)
        with pytest.raises(NotPossible, match=f"requests approve {reference} destroy`"):
            act(women, staff.approve, reference, ME)
        assert State.CARRIED_OUT == act(women, staff.approve, reference, ME, what="destroy").state
        assert not is_on_file(women)


def test_the_authorised_body_gets_no_refusal(desk: Desk) -> None:
    reference = arrive(desk, RequestType.AUTHORITY_INQUIRY)
    with pytest.raises(NotPossible, match="write to it"):
        act(desk, staff.refuse, reference, ME, Ground(GROUND))
    assert [] == kinds_to(desk, reference)


def test_a_request_that_was_reopened_and_owes_nothing_is_closed_without_a_second_letter(desk: Desk) -> None:
    put_on_file(desk)
    reference = arrive(desk, RequestType.BLOCK)
    finish(desk, reference)
    act(desk, staff.reopen, reference, ME)
    done(desk, reference)
    assert [LetterKind.ACKNOWLEDGEMENT, LetterKind.COMPLETION] == kinds_to(desk, reference)
