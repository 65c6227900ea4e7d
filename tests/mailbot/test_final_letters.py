"""The letter with which a request ends, against a real store: what it may say, to whom it goes, and who is told in another way."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from mailbot import staff
from mailbot.access import Release
from mailbot.config import Retention
from mailbot.desk import Acting, Desk
from mailbot.entering import Entered, add_request, enter_event
from mailbot.staff import Ground, NotPossible
from rules.vocabulary import Event, Language, LetterKind, RequestType, Standing, State
from storage.tables import letters, requests
from tests.mailbot.register_room import (
    PERSON,
    act,
    arrive,
    history,
    is_on_file,
    kinds_to,
    letters_to,
    office,
    open_desk,
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


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Desk]:
    """Open a desk without other systems."""
    with open_desk(office(tmp_path)) as desk:
        yield desk


def by_phone(desk: Desk, kind: RequestType, sender: str = PERSON) -> str:
    """Enter what somebody asked by phone: there is no message, and nothing was acknowledged."""
    with desk.database.write() as tx:
        return add_request(Acting(tx, desk, ME), Entered(kind, "phone", desk.now(), sender, language=Language.EN)).reference


# --- carried out -----------------------------------------------------------------------------------------------------
DONE_IN_WORDS = {
    RequestType.UPDATE: ["We have changed your details."],
    RequestType.REVOKE_CONSENT: ["We have stopped using your personal data.", "We have stopped sending you messages."],
    RequestType.STOP_PROCESSING: ["We have stopped using your personal data.", "We have stopped sending you messages."],
    RequestType.BLOCK: ["We have blocked your personal data.", "We have stopped sending you messages."],
    RequestType.UNBLOCK: ["We have lifted the block on your personal data."],
    RequestType.DESTROY: ["We have deleted your data from our subscriber records.", "We have stopped sending you messages."],
    RequestType.RESTRICT_TRANSFER: ["We have stopped passing your personal data on to others."],
}


@pytest.mark.parametrize("kind", DONE_IN_WORDS)
def test_i12_the_final_letter_says_what_was_done_in_every_system(desk: Desk, kind: RequestType) -> None:
    put_on_file(desk)
    reference = arrive(desk, kind)
    while len(still_owed(desk, reference)) > 1:
        what, system = still_owed(desk, reference)[0]
        act(desk, staff.approve, reference, ME, what=what) if system == "mailbot" and what != "amend" else done(
            desk, reference, what, system
        )
    assert ["acknowledgement"] == kinds_to(desk, reference)
    finish(desk, reference)
    sort, text = letters_to(desk, reference)[-1]
    assert ("completion", 1) == (sort, kinds_to(desk, reference).count("completion"))
    assert [True] * len(DONE_IN_WORDS[kind]) == [sentence in text for sentence in DONE_IN_WORDS[kind]]
    assert "It was done on 20 November 2026." in text


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


def test_i12_nobody_is_told_that_it_is_done_while_another_system_is_open(desk: Desk) -> None:
    put_on_file(desk)
    reference = arrive(desk, RequestType.REVOKE_CONSENT)
    act(desk, staff.approve, reference, ME)
    assert ["acknowledgement"] == kinds_to(desk, reference)
    assert State.CARRIED_OUT == finish(desk, reference)
    kind, text = letters_to(desk, reference)[-1]
    assert "completion" == kind
    assert "We have stopped using your personal data" in text


def test_who_was_destroyed_is_told_so_though_nobody_is_on_file_any_more(tmp_path: Path) -> None:
    with open_desk(office(tmp_path)) as desk:
        put_on_file(desk)
        reference = arrive(desk, RequestType.DESTROY)
        act(desk, staff.approve, reference, ME)
        finish(desk, reference)
        assert not is_on_file(desk)
        assert "completion" in kinds_to(desk, reference)


# --- answered --------------------------------------------------------------------------------------------------------
ANSWER = "A person has decided it anew, and the result is the same."


@pytest.mark.parametrize("kind", [RequestType.QUESTION, RequestType.OBJECT_AUTOMATED])
def test_staff_answer_a_question_and_an_objection_in_the_final_letter(alone: Desk, kind: RequestType) -> None:
    reference = arrive(alone, kind)
    what = still_owed(alone, reference)[0][0]
    after = act(alone, staff.tick_off, reference, ME, what=what, system=None, answer=ANSWER)
    assert State.CARRIED_OUT == after.state
    sort, text = letters_to(alone, reference)[-1]
    assert ("completion", True, False) == (sort, f"Our answer: {ANSWER}" in text, "We have answered you" in text)


def test_h113_an_answer_goes_out_when_nothing_else_is_owed(desk: Desk) -> None:
    reference = arrive(desk, RequestType.OBJECT_AUTOMATED)
    owed = still_owed(desk, reference)
    with pytest.raises(NotPossible, match="the answer goes out when nothing else is owed; first: "):
        act(desk, staff.tick_off, reference, ME, what="answer", system="staff", answer=ANSWER)
    assert (owed, ["acknowledgement"]) == (still_owed(desk, reference), kinds_to(desk, reference))


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (RequestType.ACCESS, "`mailbot access release"),
        (RequestType.AUTHORITY_INQUIRY, "write to the authorised body yourself"),
        (RequestType.BLOCK, "its final letter says what was done"),
        (None, "first say what it is: `mailbot requests mark"),
    ],
)
def test_an_answer_is_for_what_staff_answer_in_their_own_words(alone: Desk, kind: RequestType | None, why: str) -> None:
    reference = arrive(alone, kind, may_be=() if kind else HELD)
    with pytest.raises(NotPossible, match=f"--answer is for a question and for an objection; {why}"):
        act(alone, staff.tick_off, reference, ME, what=None, system=None, answer=ANSWER)


@pytest.mark.parametrize(("answer", "sender", "why"), [(" \n", PERSON, "needs words"), (ANSWER, "noreply@example.com", "no letter may go")])
def test_an_answer_that_nobody_could_read_closes_nothing(alone: Desk, answer: str, sender: str, why: str) -> None:
    reference = arrive(alone, RequestType.QUESTION, sender)
    with pytest.raises(NotPossible, match=why):
        act(alone, staff.tick_off, reference, ME, what=None, system=None, answer=answer)
    assert (State.AWAITING_STAFF, 1) == (request(alone, reference).state, len(still_owed(alone, reference)))


def test_identity_numbers_in_an_answer_are_masked(alone: Desk) -> None:
    """Law 94-V art. 7."""
    reference = arrive(alone, RequestType.QUESTION)
    act(alone, staff.tick_off, reference, ME, what=None, system=None, answer="Your number is 900101 300123.")
    assert "Our answer: Your number is …0123." in letters_to(alone, reference)[-1][1]


# --- the notice that a policy promises -------------------------------------------------------------------------------
def test_the_final_letter_is_the_notice_that_the_policy_promises(tmp_path: Path) -> None:
    """Technowomen's clause 9.4: the person is told. Where no letter may go, staff tell the person and tick that off."""
    config = office(tmp_path)
    config.write_text(config.read_text(encoding="utf-8").replace('policy = "kazger"', 'policy = "technowomen"'), encoding="utf-8")
    with open_desk(config) as women:
        heard, unheard = arrive(women, RequestType.BLOCK), arrive(women, RequestType.BLOCK, "noreply@example.com")
        for reference in (heard, unheard):
            put_on_file(women, request(women, reference).sender or "")
            act(women, staff.approve, reference, ME)
            done(women, reference, "notify_third_party")
        assert (State.CARRIED_OUT, []) == (request(women, heard).state, still_owed(women, heard))
        assert "We have blocked your personal data." in letters_to(women, heard)[-1][1]
        assert ("notify_person", "mailbot") in [(owed.what, owed.met_by) for owed in request(women, heard).obligations]
        assert [("notify_person", "staff")] == still_owed(women, unheard)
        assert State.CARRIED_OUT == done(women, unheard, "notify_person")


def test_a_notice_of_something_else_is_not_given_by_the_final_letter(alone: Desk) -> None:
    """That data were passed on (Law 94-V art. 19(1)) does not stand in it."""
    put_on_file(alone)
    on_file, stranger = arrive(alone, RequestType.BLOCK), arrive(alone, RequestType.BLOCK, "other@example.com")
    for reference in (on_file, stranger):
        with alone.database.write() as tx:
            enter_event(Acting(tx, alone, ME), Event.TRANSFER, reference, alone.now(), "to the courier")
        act(alone, staff.approve, reference, ME)
        assert [("notify_person", "staff")] == still_owed(alone, reference)
        assert State.CARRIED_OUT == done(alone, reference)
    assert "We have blocked your personal data." in letters_to(alone, on_file)[-1][1]
    assert [LetterKind.ACKNOWLEDGEMENT] == kinds_to(alone, stranger)  # nothing of theirs was held: a letter could say nothing


# --- what came by post, by phone or in person ------------------------------------------------------------------------
def test_h48_i8_what_came_by_phone_is_answered_at_the_address_on_file_as_it_is_stored(alone: Desk) -> None:
    reference = by_phone(alone, RequestType.ACCESS)
    put_on_file(alone, "Aigul@example.com")
    act(alone, staff.refuse, reference, ME, Ground(GROUND))
    with alone.database.read() as tx:
        to = tx.execute(select(letters.c.recipient).where(letters.c.reference == reference)).scalars().all()
    assert ["Aigul@example.com"] == to


def test_i8_who_is_not_on_file_and_asked_by_phone_is_told_by_staff_in_another_way(alone: Desk) -> None:
    refused, stopped = by_phone(alone, RequestType.ACCESS), by_phone(alone, RequestType.STOP_PROCESSING)
    with pytest.raises(NotPossible, match="--told 'by post"):
        act(alone, staff.refuse, refused, ME, Ground(GROUND))
    assert State.REFUSED == act(alone, staff.refuse, refused, ME, Ground(GROUND, told="in person, 20.11.2026")).state
    assert State.CARRIED_OUT == act(alone, staff.approve, stopped, ME).state
    assert ([], [], "not_told") == (kinds_to(alone, refused), kinds_to(alone, stopped), history(alone, stopped)[-1])


def test_who_asked_by_phone_to_be_destroyed_is_told_so_at_the_address_that_was_on_file(alone: Desk) -> None:
    put_on_file(alone)
    reference = by_phone(alone, RequestType.DESTROY)
    assert State.CARRIED_OUT == act(alone, staff.approve, reference, ME).state
    assert ([LetterKind.COMPLETION], False) == (kinds_to(alone, reference), is_on_file(alone))


def test_who_opted_out_by_phone_had_no_letter_yet_and_gets_one(desk: Desk) -> None:
    put_on_file(desk)
    reference = by_phone(desk, RequestType.OPT_OUT)
    assert State.CARRIED_OUT == done(desk, reference)
    ((kind, text),) = letters_to(desk, reference)
    assert ("completion", True) == (kind, "We have stopped sending you messages." in text)


def test_who_asked_by_phone_what_is_held_gets_it_at_the_address_on_file(alone: Desk) -> None:
    put_on_file(alone)
    reference = by_phone(alone, RequestType.ACCESS)
    order = Release(proof="rang the number on file")
    assert State.CARRIED_OUT == act(alone, staff.release, reference, ME, order, Retention()).state
    assert [LetterKind.ANSWER] == kinds_to(alone, reference)


# --- where no letter may go ------------------------------------------------------------------------------------------
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
    assert ([], "not_told") == (kinds_to(desk, reference), history(desk, reference)[-1])


# --- what the letters may say ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("is_resumed", [False, True])
def test_i12_a_letter_says_that_messages_have_stopped_only_as_long_as_they_do(desk: Desk, is_resumed: bool) -> None:
    reference = closed_opt_out(desk)
    if is_resumed:
        act(desk, staff.resume_messages, PERSON, ME)
    act(desk, staff.reopen, reference, ME)
    act(desk, staff.refuse, reference, ME, Ground(GROUND))
    assert is_resumed == ("We have stopped" not in letters_to(desk, reference)[-1][1])


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
