"""How a request ends, against a real store: the moves, the letter that says so, and what nobody is told."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select, update

from mailbot import corrections, staff
from mailbot.desk import Acting, Desk
from mailbot.entering import enter_event
from mailbot.staff import Ground, NotPossible
from rules.life import NEVER_LAPSE
from rules.vocabulary import Event, RequestType, State
from storage import register
from storage.tables import letters, obligations
from tests.mailbot.register_room import (
    act,
    arrive,
    details,
    history,
    is_on_file,
    is_suppressed,
    kinds_to,
    letters_to,
    office,
    open_desk,
    put_on_file,
    request,
    still_owed,
)
from tests.mailbot.staff_room import GROUND, ME, done, refusable

APPEAL = "the right to appeal to the authorised body for the protection of personal data or to a court"
HELD = (RequestType.ACCESS, RequestType.DESTROY)
LAPSES = [kind for kind in RequestType if kind not in NEVER_LAPSE and kind is not RequestType.AUTHORITY_INQUIRY]
SOURCES = Path(__file__).parents[2]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(office(tmp_path, systems=("crm",))) as desk:
        yield desk


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Desk]:
    """Open a desk without other systems."""
    with open_desk(office(tmp_path)) as desk:
        yield desk


# --- every move ------------------------------------------------------------------------------------------------------
Act = Callable[[Desk, str], State]
ACTS: dict[str, Act] = {
    "done": done,
    "refuse": lambda desk, reference: act(desk, staff.refuse, reference, ME, Ground(GROUND)).state,
    "withdraw": lambda desk, reference: act(desk, staff.withdraw, reference, ME).state,
    "lapse": lambda desk, reference: act(desk, staff.lapse, reference, ME, Ground(GROUND)).state,
    "dismiss": lambda desk, reference: act(desk, corrections.dismiss, reference, ME).request.state,
    "reopen": lambda desk, reference: act(desk, staff.reopen, reference, ME).state,
}
MOVES = """
                  done         refuse   withdraw   lapse   dismiss     reopen
received          carried_out  cannot   cannot     cannot  no_request  is-open
awaiting_sender   carried_out  refused  withdrawn  lapsed  no_request  is-open
awaiting_staff    carried_out  refused  withdrawn  lapsed  no_request  is-open
carried_out       closed       closed   closed     closed  closed      awaiting_staff
refused           closed       closed   closed     closed  closed      awaiting_staff
withdrawn         closed       closed   closed     closed  closed      awaiting_staff
lapsed            closed       closed   closed     closed  closed      awaiting_staff
no_request        closed       closed   closed     closed  closed      awaiting_staff
"""
NOT_POSSIBLE = {"cannot": "that is {state} cannot be moved by", "closed": r"is closed \({state}\)", "is-open": r"is open \({state}\)"}


def rows() -> list[tuple[State, dict[str, str]]]:
    head, *lines = (line.split() for line in MOVES.strip().splitlines())
    return [(State(state), dict(zip(head, to, strict=True))) for state, *to in lines]


@pytest.mark.parametrize(("state", "leads"), rows())
def test_every_act_in_every_state_leads_where_the_table_says_or_says_why_not(alone: Desk, state: State, leads: dict[str, str]) -> None:
    for by, to in leads.items():
        reference = arrive(alone, RequestType.ACCESS, f"{by}@example.com")
        with alone.database.write() as tx:
            register.set_state(tx, reference, state, alone.now())
        if to in NOT_POSSIBLE:
            before = (history(alone, reference), kinds_to(alone, reference))
            with pytest.raises(NotPossible, match=NOT_POSSIBLE[to].format(state=state)):
                ACTS[by](alone, reference)
            assert (state, before) == (request(alone, reference).state, (history(alone, reference), kinds_to(alone, reference)))
        else:
            assert (by, State(to), State(to)) == (by, ACTS[by](alone, reference), request(alone, reference).state)


def test_no_state_is_set_but_by_a_move() -> None:
    """A literal state beside ``set_state`` would be a move that the one table does not have."""
    set_by_hand = {
        f"{file.relative_to(SOURCES)}: {line.strip()}"
        for folder in ("mailbot", "storage")
        for file in (SOURCES / folder).rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if "set_state(" in line and "State." in line
    }
    assert set() == set_by_hand


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
    assert State.AWAITING_STAFF == act(desk, staff.refuse, reference, ME, kept).state
    text = letters_to(desk, reference)[-1][1]
    assert ("Invoices of 2025" in text, "1 January 2031" in text, GROUND in text, APPEAL in text) == (True, True, True, True)
    assert [{"ground": GROUND, "kept": "Invoices of 2025", "until": "2031-01-01"}] == details(desk, reference, "refused_in_part")


def test_i12_what_is_refused_in_part_is_owed_on_in_all_else_and_closed_when_that_is_done(desk: Desk) -> None:
    put_on_file(desk)
    reference = refusable(desk)
    act(desk, staff.refuse, reference, ME, Ground(GROUND, "Invoices of 2025", date(2031, 1, 1)))
    assert "The rest of what you asked for we will do no later than 7 December 2026." in letters_to(desk, reference)[-1][1]
    assert [("destroy", "mailbot"), ("destroy", "crm")] == still_owed(desk, reference)
    act(desk, staff.refuse, reference, ME, Ground("Another ground", "The contract"))
    act(desk, staff.approve, reference, ME)
    act(desk, staff.tick_off, reference, ME, what="destroy", system="crm")
    assert (State.CARRIED_OUT, False) == (request(desk, reference).state, is_on_file(desk))
    assert ["acknowledgement", "refusal", "refusal", "completion"] == kinds_to(desk, reference)


def test_i12_of_what_is_late_already_no_letter_promises_the_day(desk: Desk) -> None:
    reference = refusable(desk)
    with desk.database.write() as tx:
        tx.execute(update(obligations).where(obligations.c.reference == reference).values(due=date(2026, 11, 1)))
    act(desk, staff.refuse, reference, ME, Ground(GROUND, "Invoices of 2025"))
    text = letters_to(desk, reference)[-1][1]
    assert ("The rest of what you asked for we will do without delay." in text, "1 November" in text) == (True, False)


@pytest.mark.parametrize(("kept", "until"), [("", date(2031, 1, 1)), ("Invoices", date(2026, 11, 19))])
def test_what_is_kept_is_named_and_ends_on_a_day_to_come(desk: Desk, kept: str, until: date) -> None:
    with pytest.raises(NotPossible, match="needs what it is, and a day to come"):
        act(desk, staff.refuse, refusable(desk), ME, Ground(GROUND, kept, until))


def test_letters_of_staff_are_not_bound_by_the_caps(desk: Desk) -> None:
    act(desk, staff.refuse, refusable(desk), ME, Ground(GROUND))
    with desk.database.read() as tx:
        bound = {row.kind: row.capped for row in tx.execute(select(letters.c.kind, letters.c.capped))}
    assert {"acknowledgement": True, "refusal": False} == bound


def test_of_what_staff_told_themselves_the_register_says_how(desk: Desk) -> None:
    reference = arrive(desk, RequestType.UPDATE, "noreply@example.com")
    told = "by post, letter 12"
    assert State.REFUSED == act(desk, staff.refuse, reference, ME, Ground(GROUND, told=told)).state
    assert ([{"ground": GROUND, "told": told}], []) == (details(desk, reference, "refused"), kinds_to(desk, reference))


@pytest.mark.parametrize("given", [{}, {"kept": "Invoices of 2025", "until": "2031-01-01"}])
def test_i8_what_was_held_and_typed_by_staff_is_refused_in_whole_and_in_part(desk: Desk, given: dict[str, str]) -> None:
    reference = arrive(desk, None, may_be=HELD)
    act(desk, corrections.give_type, reference, ME, RequestType.ACCESS)
    kept = Ground(GROUND, given["kept"], date.fromisoformat(given["until"])) if given else Ground(GROUND)
    assert State.REFUSED == act(desk, staff.refuse, reference, ME, kept).state
    kind, text = letters_to(desk, reference)[-1]
    assert ("refusal", True, True, bool(given)) == (kind, APPEAL in text, "what personal data we hold" in text, "1 January 2031" in text)
    assert [{"ground": GROUND, **given}] == details(desk, reference, "refused")


# --- lapse -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", LAPSES)
def test_i8_a_lapse_is_a_letter_with_ground_and_right_of_appeal(alone: Desk, kind: RequestType) -> None:
    reference = arrive(alone, kind)
    assert State.LAPSED == act(alone, staff.lapse, reference, ME, Ground(GROUND)).state
    sort, text = letters_to(alone, reference)[-1]
    assert ("lapse", True, True) == (sort, GROUND in text, APPEAL in text)
    assert [{"ground": GROUND}] == details(alone, reference, "lapsed")


@pytest.mark.parametrize("kind", sorted(NEVER_LAPSE))
def test_what_a_plain_letter_is_enough_for_never_lapses(desk: Desk, kind: RequestType) -> None:
    reference = arrive(desk, kind)
    before = request(desk, reference)
    with pytest.raises(NotPossible, match=f"a request of type {kind} never lapses: a plain e-mail is enough for it"):
        act(desk, staff.lapse, reference, ME, Ground(GROUND))
    assert (before, ["acknowledgement"]) == (request(desk, reference), kinds_to(desk, reference))


def test_what_is_held_may_never_lapse_and_is_typed_first(desk: Desk) -> None:
    reference = arrive(desk, None, may_be=HELD)
    with pytest.raises(NotPossible, match=f"first say what it is: `mailbot requests mark {reference} TYPE`"):
        act(desk, staff.lapse, reference, ME, Ground(GROUND))


def test_i8_nothing_lapses_without_a_ground_or_without_a_letter(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS, "noreply@example.com")
    for ground, why in (("", "needs a written ground"), (GROUND, "no letter may go to its sender")):
        with pytest.raises(NotPossible, match=why):
            act(desk, staff.lapse, reference, ME, Ground(ground))
    assert State.AWAITING_STAFF == request(desk, reference).state


# --- withdraw --------------------------------------------------------------------------------------------------------
def test_who_takes_a_request_back_is_told_once_what_stays_and_messages_stay_stopped(desk: Desk) -> None:
    put_on_file(desk)
    reference = arrive(desk, RequestType.REVOKE_CONSENT)
    act(desk, staff.approve, reference, ME)
    assert State.WITHDRAWN == act(desk, staff.withdraw, reference, ME, "by phone").state
    assert [{"no_longer_owed": "stop_processing (crm), stop_messages (crm)", "note": "by phone"}] == details(desk, reference, "withdrawn")
    assert ["acknowledgement", "withdrawal"] == kinds_to(desk, reference)
    text = letters_to(desk, reference)[-1][1]
    assert ("Messages that we have stopped stay stopped." in text, "We have stopped" in text) == (True, False)  # crm has not
    assert is_suppressed(desk)


def test_who_takes_an_access_request_back_reads_nothing_of_messages(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    act(desk, staff.withdraw, reference, ME)
    assert "stay stopped" not in letters_to(desk, reference)[-1][1]


def test_where_no_letter_may_go_it_is_withdrawn_and_staff_tell_the_person(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS, "noreply@example.com")
    assert State.WITHDRAWN == act(desk, staff.withdraw, reference, ME).state
    assert ["withdrawn", "not_told"] == history(desk, reference)[-2:]


def test_an_authority_that_takes_its_inquiry_back_gets_no_letter_of_ours(desk: Desk) -> None:
    reference = arrive(desk, RequestType.AUTHORITY_INQUIRY)
    assert State.WITHDRAWN == act(desk, staff.withdraw, reference, ME).state
    assert ([], "withdrawn") == (kinds_to(desk, reference), history(desk, reference)[-1])


@pytest.mark.parametrize("by", ["refuse", "withdraw", "lapse"])
def test_what_nobody_asked_for_is_neither_refused_nor_withdrawn(desk: Desk, by: str) -> None:
    with desk.database.write() as tx:
        reference = enter_event(Acting(tx, desk, ME), Event.BREACH, "", desk.now(), "a laptop was stolen").reference
    with pytest.raises(NotPossible, match=rf"{reference} is an event that staff entered \(breach\): nobody asked for it"):
        ACTS[by](desk, reference)
    assert State.AWAITING_STAFF == request(desk, reference).state
