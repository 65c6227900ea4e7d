"""Staff say what a request is, or that it is none: what is owed then, what stops, and what is kept for new cases."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from mailbot import staff
from mailbot.config import load_config
from mailbot.corrections import TYPED, dismiss, give_type
from mailbot.desk import Desk
from mailbot.digest import digest_order, show_digest
from mailbot.errors import NoSuchRequest
from mailbot.staff import NotPossible
from rules.decide import PERSONAL
from rules.place import Cursor
from rules.vocabulary import Duty, Outcome, RequestType, Standing, State
from storage import corrections, ledger
from storage.tables import requests
from tests.conftest import write_config
from tests.mailbot.register_room import (
    NOW,
    PERSON,
    act,
    arrive,
    details,
    history,
    is_suppressed,
    kinds_to,
    office,
    open_desk,
    put_on_file,
    request,
    still_owed,
)
from tests.mailbot.typing_room import Ran, Type, typist
from tests.servers import Postgresql

ME = "staff:dana"
MANY = (RequestType.ACCESS, RequestType.DESTROY)
LATER = NOW + timedelta(days=3)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return office(tmp_path, systems=("crm",))


@pytest.fixture
def desk(config: Path) -> Iterator[Desk]:
    with open_desk(config) as desk:
        yield desk


@pytest.fixture
def mailbot(capsys: pytest.CaptureFixture[str]) -> Type:
    return typist(capsys)


def owed(desk: Desk, reference: str) -> list[tuple[str, str, str]]:
    return [(each.what, each.system, each.arithmetic) for each in request(desk, reference).obligations]


def kept(desk: Desk) -> list[tuple[str, Outcome, RequestType | None, str, str]]:
    with desk.database.read() as tx:
        return [(each.reference, each.was_outcome, each.was_type, each.says, each.who) for each in corrections.corrected_since(tx, None)]


# --- a type -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", RequestType)
def test_a_held_request_that_gets_a_type_owes_what_it_would_have_owed_from_its_receipt(config: Path, kind: RequestType) -> None:
    with open_desk(config) as desk:
        held, same = arrive(desk, None, may_be=MANY), arrive(desk, kind, "other@example.com")
    with open_desk(config, LATER) as desk:
        typed, sure = act(desk, give_type, held, ME, kind).request, request(desk, same)
        assert owed(desk, same) == owed(desk, held)
    assert (Outcome.REQUEST, kind, State.AWAITING_STAFF, sure.due) == (typed.outcome, typed.type, typed.state, typed.due)
    assert (TYPED, None, None, ()) == (typed.reason, typed.certainty, typed.matched, typed.may_be)
    assert (NOW, "kazger") == (typed.received_at, typed.policy)


@pytest.mark.parametrize(("kind", "clause"), [(RequestType.UPDATE, "8.3"), (RequestType.REVOKE_CONSENT, "8.4")])
def test_a_type_brings_its_clause(desk: Desk, kind: RequestType, clause: str) -> None:
    assert clause == act(desk, give_type, arrive(desk, None, may_be=MANY), ME, kind).request.clause


def test_a_type_that_stops_messages_stops_them_and_that_can_be_undone(desk: Desk) -> None:
    reference = arrive(desk, None, may_be=PERSONAL)
    assert not is_suppressed(desk)
    marked = act(desk, give_type, reference, ME, RequestType.REVOKE_CONSENT)
    assert (True, False) == (is_suppressed(desk), marked.still_stopped)
    assert (Duty.STOP_MESSAGES, "crm") in still_owed(desk, reference), "mailbot stops only its own (I12)"
    assert ["received", "typed", "messages_stopped"] == history(desk, reference)
    assert (reference,) == act(desk, staff.resume_messages, PERSON, ME)
    assert not is_suppressed(desk)


@pytest.mark.parametrize(("kind", "stops"), [(RequestType.REVOKE_CONSENT, False), (RequestType.OPT_OUT, True)])
def test_h64_of_a_sender_whose_authentication_failed_only_an_opt_out_stops_messages(desk: Desk, kind: RequestType, stops: bool) -> None:
    reference = arrive(desk, None, may_be=MANY)
    with desk.database.write() as tx:
        tx.execute(update(requests).values(standing=Standing.FAILED))
    act(desk, give_type, reference, ME, kind)
    assert stops is is_suppressed(desk)


def test_no_letter_is_sent_by_a_type(desk: Desk) -> None:
    reference = arrive(desk, None, may_be=MANY)
    before = kinds_to(desk, reference)
    act(desk, give_type, reference, ME, RequestType.OPT_OUT)
    assert (["acknowledgement"], before) == (before, kinds_to(desk, reference))


def test_what_was_done_stays_done_and_what_nobody_owes_any_more_is_gone(config: Path) -> None:
    with open_desk(config) as desk:
        reference = arrive(desk, RequestType.DESTROY)
        act(desk, staff.tick_off, reference, ME, what="destroy", system="crm")
    with open_desk(config, LATER) as desk:
        act(desk, give_type, reference, "staff:asel", RequestType.BLOCK)
        found = request(desk, reference)
    done = {(each.what, each.system): (each.met_at, each.met_by) for each in found.obligations if each.met_at}
    assert (NOW, ME) == done[Duty.DESTROY, "crm"]
    assert ("destroy", "mailbot") not in {(each.what, each.system) for each in found.obligations}
    assert ("block", "crm") in {(each.what, each.system) for each in found.obligations if each.met_at is None}


def test_a_duty_that_both_types_owe_and_that_was_met_is_not_owed_again(desk: Desk) -> None:
    reference = arrive(desk, RequestType.REVOKE_CONSENT)
    act(desk, staff.tick_off, reference, ME, what="stop_messages", system="crm")
    act(desk, give_type, reference, "staff:asel", RequestType.BLOCK)
    assert ("stop_messages", "crm") not in still_owed(desk, reference)


def test_messages_that_stopped_for_a_wrong_type_are_told_of(desk: Desk) -> None:
    reference = arrive(desk, RequestType.REVOKE_CONSENT)
    assert act(desk, give_type, reference, ME, RequestType.ACCESS).still_stopped
    assert is_suppressed(desk)


def test_after_a_type_it_can_be_approved(desk: Desk) -> None:
    put_on_file(desk)
    reference = arrive(desk, None, may_be=MANY)
    act(desk, give_type, reference, ME, RequestType.DESTROY)
    act(desk, staff.approve, reference, ME)
    assert (Duty.DESTROY, "mailbot") not in still_owed(desk, reference)


def test_a_day_to_which_it_was_postponed_is_forgotten_for_it_may_be_due_before(desk: Desk) -> None:
    reference = arrive(desk, RequestType.QUESTION)
    due = request(desk, reference).due
    assert due is not None
    act(desk, staff.postpone, reference, ME, due)
    act(desk, give_type, reference, ME, RequestType.OPT_OUT)
    assert None is request(desk, reference).postponed_to


def test_the_type_that_it_has_is_refused(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    with pytest.raises(NotPossible, match=f"{reference} is of type access already"):
        act(desk, give_type, reference, ME, RequestType.ACCESS)
    assert [] == kept(desk)


def test_the_register_keeps_who_said_so_and_what_it_was(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS, may_be=MANY)
    act(desk, give_type, reference, ME, RequestType.DESTROY)
    was = {"was_outcome": "held", "was_type": "access", "was_reason": "the test says so"}
    assert [{"type": "destroy", **was}] == details(desk, reference, "typed")
    assert [(reference, Outcome.HELD, RequestType.ACCESS, "destroy", ME)] == kept(desk)


# --- ordinary mail ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [None, RequestType.OPT_OUT, RequestType.ACCESS])
def test_ordinary_mail_is_closed_as_no_request_and_nobody_is_written_to(desk: Desk, kind: RequestType | None) -> None:
    reference = arrive(desk, kind, may_be=() if kind else MANY)
    before = kinds_to(desk, reference)
    marked = act(desk, dismiss, reference, ME)
    assert (State.NO_REQUEST, before) == (request(desk, reference).state, kinds_to(desk, reference))
    assert (kind is RequestType.OPT_OUT) is marked.still_stopped is is_suppressed(desk)
    assert "dismissed" == history(desk, reference)[-1]
    assert [(reference, Outcome.REQUEST if kind else Outcome.HELD, kind, "ordinary", ME)] == kept(desk)


def test_what_is_closed_is_not_marked_until_it_is_reopened(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    act(desk, dismiss, reference, ME)
    closed = rf"closed \(no_request\); type `mailbot requests reopen {reference}` first"
    with pytest.raises(NotPossible, match=closed):
        act(desk, dismiss, reference, ME)
    with pytest.raises(NotPossible, match=closed):
        act(desk, give_type, reference, ME, RequestType.BLOCK)
    assert State.AWAITING_STAFF == act(desk, staff.reopen, reference, ME).state
    assert RequestType.BLOCK is act(desk, give_type, reference, ME, RequestType.BLOCK).request.type


def test_nobody_can_mark_what_is_not_there(desk: Desk) -> None:
    with pytest.raises(NoSuchRequest):
        act(desk, dismiss, "2026-00042-K", ME)


def test_the_digest_does_not_count_what_was_no_request_and_decides_it_no_more(config: Path) -> None:
    with open_desk(config) as desk, desk.database.write() as tx:  # the inbox is watched from now on: what comes later is news
        ledger.place_cursor(tx, Cursor("info@alit.kz", "INBOX", 1, 0, start_at=NOW))
    with open_desk(config, LATER) as desk:
        dismissed, typed = arrive(desk, None, may_be=MANY), arrive(desk, None, "other@example.com", may_be=MANY)
        act(desk, dismiss, dismissed, ME)
        act(desk, give_type, typed, ME, RequestType.ACCESS)
        order = digest_order(load_config(config))
        text = show_digest(desk, order, desk.now()).text
    due, _, rest = text.partition("НОВОЕ С ПРОШЛОЙ СВОДКИ")
    news, _, month = rest.partition("ОБРАЩЕНИЯ ЗА МЕСЯЦ")
    assert [(True, False), (False, True)] == [(typed in part, dismissed in part) for part in (due, news)]
    assert ("Доступ к своим данным" in due, "Не обращение: так решили сотрудники" in news) == (True, True)
    assert (True, False) == ("Доступ к своим данным" in month, "Письмо, которое нужно прочитать" in month)


def test_marks_work_on_postgresql_as_well(tmp_path: Path, postgresql: Postgresql) -> None:
    config = write_config(tmp_path, imap_port=1, smtp_port=1, store={"url": postgresql.fresh_database()})
    with open_desk(config) as desk:
        reference, other = arrive(desk, None, may_be=MANY), arrive(desk, RequestType.OPT_OUT, "other@example.com", may_be=MANY)
        act(desk, give_type, reference, ME, RequestType.REVOKE_CONSENT)
        act(desk, give_type, reference, ME, RequestType.BLOCK)
        act(desk, dismiss, other, ME)
        assert (True, RequestType.BLOCK) == (is_suppressed(desk), request(desk, reference).type)
        assert ["revoke_consent", "block", "ordinary"] == [says for _, _, _, says, _ in kept(desk)]


# --- as it is typed ---------------------------------------------------------------------------------------------------
def arrived(config: Path, kind: RequestType | None, may_be: tuple[RequestType, ...] = ()) -> str:
    with open_desk(config, datetime.now(UTC)) as desk:
        return arrive(desk, kind, may_be=may_be)


def test_a_type_is_told_with_what_is_owed(mailbot: Type, config: Path) -> None:
    reference = arrived(config, None, MANY)
    ran = mailbot("requests", "mark", reference.lower(), "Revoke-Consent", "--config", config)
    assert (0, "") == (ran.status, ran.err)
    assert ran.out.startswith(f"{reference}: revoke_consent, awaiting_staff; no letter was sent\n")
    assert "owed: stop_messages (crm), due 2" in ran.out
    assert Ran(0, "Nothing waits for a person to look at it.\n", "") == mailbot("held", "list", "--config", config)
    assert f"{reference}\trevoke_consent\tawaiting_staff" in mailbot("requests", "list", "--config", config).out


def test_ordinary_mail_that_had_stopped_messages_says_how_they_go_again(mailbot: Type, config: Path) -> None:
    reference = arrived(config, RequestType.REVOKE_CONSENT)
    ran = mailbot("requests", "mark", reference, "ordinary", "--config", config)
    assert ran.out.startswith(f"{reference}: ordinary, no_request; no letter was sent\n")
    assert f"`mailbot subscribers resume {PERSON}` lets them go again" in ran.out
    assert "revoke_consent  no_request" in mailbot("requests", "show", reference, "--config", config).out
    assert reference not in mailbot("requests", "list", "--open", "--config", config).out


@pytest.mark.parametrize(
    ("word", "advice"), [("optout", "did you mean opt_out?"), ("ordinry", "did you mean ordinary?"), ("щщщ", "it is one of ordinary, ")]
)
def test_a_wrong_word_is_a_usage_mistake_with_a_proposal(mailbot: Type, config: Path, word: str, advice: str) -> None:
    reference = arrived(config, None, MANY)
    ran = mailbot("requests", "mark", reference, word, "--config", config)
    assert (2, True) == (ran.status, advice in " ".join(ran.err.replace("│", " ").split()))
