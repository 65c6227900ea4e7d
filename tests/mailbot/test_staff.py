"""What staff do with a request, against a real store: the moves, the letters, and what may not be done."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from mailbot import staff
from mailbot.desk import Desk
from mailbot.errors import NoSuchRequest
from mailbot.staff import Ground, NotPossible
from rules.vocabulary import Duty, LetterKind, RequestType, State
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
from tests.mailbot.staff_room import GROUND, ME, closed_opt_out, done, finish, refusable

HELD = (RequestType.ACCESS, RequestType.DESTROY)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(office(tmp_path, systems=("crm",))) as desk:
        yield desk


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


# --- postpone --------------------------------------------------------------------------------------------------------
def test_postponing_reminds_later_and_moves_no_due_date(desk: Desk) -> None:
    reference = arrive(desk, RequestType.DESTROY)
    due = request(desk, reference).due
    assert due is not None
    after = act(desk, staff.postpone, reference, ME, due)
    assert (due, due, State.AWAITING_STAFF) == (after.postponed_to, after.due, after.state)
    assert [{"to": due.isoformat()}] == details(desk, reference, "postponed")


def test_nothing_is_postponed_or_extended_past_its_due_date(desk: Desk) -> None:
    reference = arrive(desk, RequestType.DESTROY)
    due = request(desk, reference).due
    assert due is not None
    later = due + timedelta(days=1)
    no_extension = rf"the law knows no extension \(.*No. 94-V.*\); due is {due}: stop_messages \(crm\), Law 94-V art. 8\(7\)"
    for one_act, why in ((staff.postpone, "postponed"), (staff.extend, "extended")):
        with pytest.raises(NotPossible, match=f"^{reference} cannot be {why} to {later}: {no_extension}"):
            act(desk, one_act, reference, ME, later)
    assert (due, None) == (request(desk, reference).due, request(desk, reference).postponed_to)


def test_what_has_no_due_date_yet_is_not_extended_either(desk: Desk) -> None:
    with pytest.raises(NotPossible, match=r"the law knows no extension .*; due is no day yet"):
        act(desk, staff.extend, arrive(desk, RequestType.UNBLOCK), ME, TODAY)


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
