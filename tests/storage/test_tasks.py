"""Tasks for the commands of other systems: nothing is dropped, nothing is run by two at a time, nothing is run that is no longer owed."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from rules.vocabulary import Duty, State
from storage import register, subscribers, tables, tasks
from storage.database import Database
from storage.subscribers import NewSubscriber
from storage.tasks import ClaimedTask, ListedTask, NewTask, TaskState
from tests.storage.stock import NOW, a_request, an_obligation

MINUTE, HOUR, YEAR = timedelta(minutes=1), timedelta(hours=1), timedelta(days=365)
SECRET = {"address": "aigul@example.com", "name": 'Айгүл "Қыз"\n'}
FIRST, SECOND = "2026-00001-K", "2026-00002-M"


@pytest.fixture
def filled(store: Database) -> Database:
    """Return a store with two requests, each of which owes a stop and a destruction in the CRM, and a stop in 1C."""
    owed = tuple(
        an_obligation(what=what, system=system)
        for what, system in [(Duty.STOP_MESSAGES, "crm"), (Duty.DESTROY, "crm"), (Duty.STOP_MESSAGES, "1c")]
    )
    with store.write() as tx:
        register.add_requests(tx, [a_request(reference, uid, obligations=owed) for uid, reference in enumerate((FIRST, SECOND), 1)], NOW)
    return store


def queue(store: Database, reference: str = FIRST, *, at: datetime = NOW, **fields: Any) -> None:
    task = {"system": "crm", "what": Duty.STOP_MESSAGES, "payload": SECRET, **fields}
    with store.write() as tx:
        tasks.queue(tx, [NewTask(reference=reference, **task)], at)


def claim(store: Database, at: datetime = NOW, system: str = "crm") -> ClaimedTask | None:
    with store.write() as tx:
        return tasks.claim(tx, system, at, at + 2 * MINUTE)


def claimed(store: Database, at: datetime = NOW) -> ClaimedTask:
    task = claim(store, at)
    assert task is not None
    return task


def put_off(store: Database, task: ClaimedTask, at: datetime = NOW, reply: str = "exit status 1") -> TaskState:
    with store.write() as tx:
        return tasks.put_off(tx, task, reply, at)


def settle(store: Database, task: ClaimedTask) -> None:
    with store.write() as tx:
        tasks.settle(tx, task, "exit status 0: gone", NOW)


def ahead(store: Database, reference: str = FIRST) -> list[ListedTask]:
    with store.read() as tx:
        return list(tasks.waiting_for(tx, reference))


def rows(store: Database) -> list[tuple[Any, ...]]:
    """Return state, payload and reply of every task, whether it is owed or not."""
    kept = tables.tasks.c
    with store.read() as tx:
        return [tuple(row) for row in tx.execute(select(kept.state, kept.payload, kept.reply).order_by(kept.id))]


def meet(store: Database, reference: str = FIRST) -> None:
    """Have somebody else meet all that is owed."""
    with store.write() as tx:
        tx.execute(update(tables.obligations).where(tables.obligations.c.reference == reference).values(met_at=NOW, met_by="staff:dana"))


def close(store: Database, state: State = State.WITHDRAWN) -> None:
    with store.write() as tx:
        register.set_state(tx, FIRST, state, NOW)


# --- queued once, claimed once ---------------------------------------------------------------------------------------
def test_a_task_is_handed_out_with_all_that_its_command_is_told(filled: Database) -> None:
    queue(filled)
    assert ClaimedTask(1, FIRST, "crm", "stop_messages", SECRET, 1, NOW + 2 * MINUTE) == claim(filled)


def test_a_task_that_stands_is_not_queued_twice_and_keeps_its_tries(filled: Database) -> None:
    queue(filled)
    put_off(filled, claimed(filled))
    queue(filled, at=NOW + HOUR, payload={})
    assert [(1, NOW)] == [(task.attempts, task.since) for task in ahead(filled)]
    assert SECRET == claimed(filled, NOW + HOUR).payload


def test_the_same_duty_of_another_request_in_another_system_or_another_duty_is_another_task(filled: Database) -> None:
    queue(filled)
    queue(filled, SECOND)
    queue(filled, system="1c")
    queue(filled, what=Duty.DESTROY)
    assert (3, 1) == (len(ahead(filled)), len(ahead(filled, SECOND)))


def test_h21_what_is_claimed_is_nobody_elses_until_the_claim_lapses(filled: Database) -> None:
    queue(filled)
    first = claimed(filled)
    assert None is claim(filled, NOW + 2 * MINUTE - timedelta(microseconds=1))
    assert (first.id, 2) == (claimed(filled, NOW + 2 * MINUTE).id, ahead(filled)[0].attempts)


def test_a_system_gets_its_own_tasks_the_longest_due_first(filled: Database) -> None:
    queue(filled, SECOND, at=NOW + MINUTE)
    queue(filled, at=NOW)
    assert [FIRST, SECOND, None] == [task and task.reference for task in (claim(filled, NOW + HOUR) for _ in range(3))]
    assert None is claim(filled, NOW + HOUR, "1c")


# --- done, or tried again --------------------------------------------------------------------------------------------
def test_a_task_that_is_done_is_run_no_more_and_forgets_what_it_was_told(filled: Database) -> None:
    queue(filled)
    settle(filled, claimed(filled))
    assert (None, []) == (claim(filled, NOW + YEAR), ahead(filled))
    assert [("done", {}, "exit status 0: gone")] == rows(filled)


def test_the_pauses_double_from_a_minute_to_six_hours_and_nothing_is_ever_dropped(filled: Database) -> None:
    queue(filled)
    pauses, now = [], NOW
    for _ in range(13):
        put_off(filled, claimed(filled, now), now)
        pauses.append((ahead(filled)[0].not_before - now) / MINUTE)
        now = ahead(filled)[0].not_before
        assert None is claim(filled, now - timedelta(microseconds=1))
    assert [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360, 360] == pauses


def test_after_ten_tries_a_task_has_failed_is_listed_and_is_tried_on(filled: Database) -> None:
    queue(filled)
    listed, now = [], NOW
    for _ in range(11):
        state = put_off(filled, claimed(filled, now), now, f"status {now}")
        with filled.read() as tx:
            listed.append((state, [task.reply for task in tasks.failures(tx)]))
        now = ahead(filled)[0].not_before
    assert [(TaskState.WAITING, [])] * 9 == listed[:9]
    assert [TaskState.FAILED] * 2 == [state for state, _ in listed[9:]]
    assert all(len(replies) == 1 for _, replies in listed[9:])
    claimed(filled, now)
    with filled.read() as tx:
        assert [TaskState.CLAIMED] == [task.state for task in tasks.failures(tx)], "while it is tried once more"


def test_a_claim_that_was_taken_over_cannot_put_the_task_off_but_can_say_that_it_is_done(filled: Database) -> None:
    queue(filled)
    slept = claimed(filled)
    taken_over = claimed(filled, NOW + HOUR)
    before = ahead(filled)
    put_off(filled, slept, NOW + HOUR)
    assert before == ahead(filled)
    with filled.write() as tx:
        tasks.put_off(tx, taken_over, "", NOW)
        tasks.retry(tx, [slept.id], NOW + HOUR)
    third = claimed(filled, NOW + HOUR)
    put_off(filled, slept, NOW + HOUR)
    assert (TaskState.CLAIMED, 1) == (ahead(filled)[0].state, third.attempts), "as many tries as the one that slept"
    settle(filled, slept)
    put_off(filled, third, NOW + HOUR)
    assert ["done"] == [state for state, _, _ in rows(filled)]


def test_h99_a_task_put_off_by_a_clock_that_was_a_year_ahead_is_due(filled: Database) -> None:
    queue(filled, at=NOW + YEAR)
    assert FIRST == claimed(filled).reference


def test_h99_the_longest_pause_is_no_wrong_clock(filled: Database) -> None:
    queue(filled, at=NOW + 6 * HOUR)
    assert None is claim(filled)


# --- only what is owed -----------------------------------------------------------------------------------------------
def test_what_staff_did_themselves_is_not_run_and_not_listed(filled: Database) -> None:
    queue(filled)
    queue(filled, SECOND)
    meet(filled)
    assert (SECOND, None) == (claimed(filled).reference, claim(filled))
    assert [] == ahead(filled)


@pytest.mark.parametrize("state", [State.WITHDRAWN, State.REFUSED, State.CARRIED_OUT])
def test_what_is_owed_for_a_closed_request_is_not_run_and_is_run_when_it_is_opened_again(filled: Database, state: State) -> None:
    queue(filled)
    close(filled, state)
    assert (None, []) == (claim(filled), ahead(filled))
    close(filled, State.AWAITING_STAFF)
    assert FIRST == claimed(filled).reference


def test_what_was_done_and_is_owed_again_begins_anew(filled: Database) -> None:
    """Staff took the tick back; the payload was forgotten, and is told anew."""
    queue(filled)
    settle(filled, claimed(filled))
    queue(filled, at=NOW + HOUR, payload={"address": "new@example.com"})
    again = claimed(filled, NOW + HOUR)
    assert (1, {"address": "new@example.com"}) == (again.attempts, again.payload)


# --- by staff --------------------------------------------------------------------------------------------------------
def test_staff_have_a_task_tried_at_once_with_all_its_tries_before_it(filled: Database) -> None:
    queue(filled)
    now = NOW
    for _ in range(10):
        put_off(filled, claimed(filled, now), now)
        now = ahead(filled)[0].not_before
    with filled.write() as tx:
        assert 1 == tasks.retry(tx, [ahead(filled)[0].id], NOW)
    assert [(TaskState.WAITING, 0, NOW)] == [(task.state, task.attempts, task.not_before) for task in ahead(filled)]


def test_h21_what_is_being_tried_is_not_tried_by_a_second_one_because_staff_say_so(filled: Database) -> None:
    queue(filled)
    task = claimed(filled)
    with filled.write() as tx:
        assert 0 == tasks.retry(tx, [task.id], NOW)
    assert None is claim(filled)


# --- destruction -----------------------------------------------------------------------------------------------------
def test_h107_of_what_is_done_or_no_longer_owed_nothing_is_left_that_names_anybody(filled: Database) -> None:
    queue(filled)
    queue(filled, what=Duty.DESTROY)
    queue(filled, SECOND)
    settle(filled, claimed(filled))
    put_off(filled, claimed(filled), reply="aigul@example.com is unknown")
    meet(filled)
    with filled.write() as tx:
        tasks.forget(tx, FIRST)
    assert [("done", {}, None), ("waiting", {}, None), ("waiting", SECRET, None)] == rows(filled)


def test_h107_what_is_still_owed_keeps_what_its_command_must_be_told_and_nothing_else(filled: Database) -> None:
    queue(filled)
    put_off(filled, claimed(filled), reply="aigul@example.com is locked")
    with filled.write() as tx:
        tasks.forget(tx, FIRST)
    assert [("waiting", SECRET, None)] == rows(filled)


def test_a_request_that_leaves_the_register_takes_its_tasks_along(filled: Database) -> None:
    queue(filled)
    with filled.write() as tx:
        tx.execute(text("DELETE FROM requests"))
    assert [] == rows(filled)


# --- what payloads are made of ---------------------------------------------------------------------------------------
def test_systems_are_told_apart_by_their_mode(store: Database) -> None:
    with store.write() as tx:
        subscribers.set_systems(tx, {"mailbot": "own", "crm": "command", "1c": "command", "shop": "view"}, NOW)
        assert [{"crm", "1c"}, {"shop"}, set()] == [set(tasks.systems_in_mode(tx, mode)) for mode in ("command", "view", "manual")]


def test_of_a_person_all_mail_addresses_are_named_and_no_telephone(store: Database) -> None:
    contacts = (
        ("email", "B@example.com", "b@example.com"),
        ("phone", "+77000000001", "+77000000001"),
        ("email", "a@example.com", "a@example.com"),
    )
    with store.write() as tx:
        subscribers.add_subscribers(tx, [NewSubscriber({}, contacts)], "test", NOW)
        assert ("B@example.com", "a@example.com") == tasks.mail_addresses_of(tx, 1)
        assert () == tasks.mail_addresses_of(tx, 2)
