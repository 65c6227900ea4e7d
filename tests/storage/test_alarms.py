"""Alarms in the store: told once when it begins, once when it ends, and not at all when it was over before anybody was told."""

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, update

from rules.vocabulary import Outcome
from storage import alarms, clock, outbox
from storage.alarms import Alarm, Fault, Trouble
from storage.database import Database, open_database
from storage.ledger import place_cursor, record
from storage.outbox import OVER_A_CAP, LetterState
from storage.tables import letters
from tests.storage.stock import INBOX, NOW, a_letter, an_entry
from tests.storage.test_look_ups import plan_of

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
AWAY = Fault(Trouble.INBOX, "info@alit.kz", detail="the server is away")
FULL = Fault(Trouble.DISK, "/var/lib/mailbot", NOW - MINUTE)
ASIDE = Fault(Trouble.SHUNTED, "m7")


def settle(store: Database, *faults: Fault, after: timedelta = timedelta()) -> None:
    with store.write() as tx:
        alarms.settle(tx, faults, NOW + after)


def happen(store: Database, *faults: Fault) -> None:
    with store.write() as tx:
        alarms.happen(tx, faults, NOW)


def to_tell(store: Database, after: timedelta = timedelta()) -> list[Alarm]:
    with store.read() as tx:
        return list(alarms.to_tell(tx, NOW + after))


def told(store: Database, after: timedelta = timedelta()) -> list[tuple[Trouble, bool]]:
    """Tell whatever is to be told; return what, and whether it was its end."""
    waiting = to_tell(store, after)
    with store.write() as tx:
        alarms.are_told(tx, waiting, NOW + after)
    return [(alarm.what, alarm.ended_at is not None) for alarm in waiting]


def going_on(store: Database) -> list[Trouble]:
    with store.read() as tx:
        return [alarm.what for alarm in alarms.going_on(tx)]


def test_i10_a_fault_is_told_once_when_it_has_lasted_and_once_when_it_ends(store: Database) -> None:
    settle(store, AWAY)
    assert [] == told(store, -MINUTE)
    assert [(Trouble.INBOX, False)] == told(store)
    settle(store, AWAY, after=DAY)
    assert [] == told(store, DAY)
    settle(store, after=DAY)
    assert [(Trouble.INBOX, True)] == told(store, DAY)
    assert [] == told(store, DAY)


def test_what_is_over_before_anybody_was_told_is_never_told(store: Database) -> None:
    settle(store, AWAY)
    settle(store, after=MINUTE)
    assert [] == told(store, DAY)
    settle(store, AWAY, after=DAY)
    assert [NOW + DAY] == [alarm.began_at for alarm in to_tell(store, DAY)]


def test_a_fault_that_comes_back_is_told_again_even_while_its_end_is_not_told(store: Database) -> None:
    settle(store, AWAY)
    told(store)
    settle(store, after=MINUTE)
    settle(store, AWAY, after=2 * MINUTE)
    assert [(Trouble.INBOX, True), (Trouble.INBOX, False)] == told(store, 2 * MINUTE)


def test_faults_stand_beside_each_other_and_end_for_themselves(store: Database) -> None:
    settle(store, AWAY, FULL, Fault(Trouble.INBOX, "dpo@alit.kz"))
    settle(store, FULL)
    assert [Trouble.DISK] == going_on(store)
    assert [NOW - MINUTE] == [alarm.began_at for alarm in to_tell(store)]


def test_what_was_seen_last_is_told_first_and_stays_once_it_is_told(store: Database) -> None:
    settle(store, AWAY)
    settle(store, Fault(Trouble.INBOX, "info@alit.kz", detail="the login is refused"))
    settle(store, Fault(Trouble.INBOX, "info@alit.kz"))
    assert ["the login is refused"] == [alarm.detail for alarm in to_tell(store)]
    told(store)
    settle(store, AWAY)
    with store.read() as tx:
        assert ["the login is refused"] == [alarm.detail for alarm in alarms.going_on(tx)]


def test_h99_a_fault_that_began_by_a_clock_that_was_ahead_begins_now(store: Database) -> None:
    settle(store, AWAY, after=7 * DAY)
    settle(store, AWAY)
    assert [NOW] == [alarm.began_at for alarm in to_tell(store)]


def test_h22_what_happens_in_a_moment_is_told_at_once_and_once_and_has_no_end(store: Database) -> None:
    happen(store, ASIDE)
    happen(store, ASIDE)
    settle(store)
    assert [(Trouble.SHUNTED, False)] == told(store, -DAY)
    happen(store, ASIDE)
    assert [] == told(store)
    assert [] == going_on(store)


def test_what_nobody_has_to_hear_of_is_known_all_the_same(store: Database) -> None:
    with store.write() as tx:
        alarms.happen_untold(tx, Fault(Trouble.CLOCK, "x"), NOW)
        found = [alarms.happened_since(tx, Trouble.CLOCK, since, NOW) for since in (NOW - MINUTE, NOW)]
        assert not alarms.happened_since(tx, Trouble.CLOCK, NOW - DAY, NOW - MINUTE)
    assert [True, False] == found
    assert [] == told(store)


def test_of_what_the_store_could_not_take_only_the_end_is_told_by_it(store: Database) -> None:
    with store.write() as tx:
        alarms.is_over(tx, Alarm(None, Trouble.STORE, "", NOW - MINUTE, "disk full"), NOW)
    assert [(Trouble.STORE, True)] == told(store)


# --- what the outbox shows -------------------------------------------------------------------------------------------
def queue(store: Database, *numbers: int, after: timedelta = timedelta(), **fields: object) -> None:
    with store.write() as tx:
        outbox.queue(tx, [a_letter(number, **fields) for number in numbers], NOW + after)


def stands(store: Database, number: int, state: LetterState, **values: object) -> None:
    with store.write() as tx:
        tx.execute(update(letters).where(letters.c.id == number).values(state=state, **values))


def silent_since(store: Database) -> timedelta | None:
    """Return how long after ``NOW`` the relay took its last letter while others wait."""
    with store.read() as tx:
        since = alarms.nothing_sent_since(tx, NOW + HOUR / 2)
    return since - NOW if since else None


def test_h94_letters_wait_since_the_first_was_queued_or_the_last_was_taken(store: Database) -> None:
    assert None is silent_since(store)
    queue(store, 1, 2)
    queue(store, 3, after=MINUTE)
    assert timedelta() == silent_since(store)
    moments = {"claimed_at": NOW + 2 * MINUTE, "settled_at": NOW + 3 * MINUTE}
    stands(store, 2, LetterState.ACCEPTED, **moments)
    assert 3 * MINUTE == silent_since(store)
    for number in (1, 3):
        stands(store, number, LetterState.ACCEPTED, **moments)
    assert None is silent_since(store)


@pytest.mark.parametrize("state", [LetterState.CLAIMED, LetterState.MARKED])
def test_h94_while_a_letter_is_tried_once_more_it_still_waits(store: Database, state: LetterState) -> None:
    queue(store, 1)
    stands(store, 1, state, claimed_at=NOW + MINUTE)
    assert timedelta() == silent_since(store)


def test_a_letter_that_only_a_cap_holds_back_is_no_fault_of_the_relay(store: Database) -> None:
    queue(store, 1)
    stands(store, 1, LetterState.DEFERRED, reply=OVER_A_CAP)
    assert None is silent_since(store)


@pytest.mark.parametrize(
    ("state", "is_heard"),
    [
        (LetterState.QUEUED, False),
        (LetterState.DEFERRED, False),
        (LetterState.FAILED, False),
        (LetterState.DOUBTFUL, False),
        (LetterState.MARKED, True),
        (LetterState.ACCEPTED, True),
        (LetterState.DROPPED, True),
    ],
)
def test_an_alert_is_not_heard_until_it_is_taken(store: Database, state: LetterState, is_heard: bool) -> None:
    queue(store, 1, kind="alert")
    queue(store, 2)
    for number in (1, 2):
        stands(store, number, state, claimed_at=NOW)
    with store.read() as tx:
        assert () == alarms.not_heard(tx, "alert", NOW - MINUTE, NOW + 30 * MINUTE)
        assert (() if is_heard else (1,)) == alarms.not_heard(tx, "alert", NOW, NOW + 30 * MINUTE)


# --- what is remembered of the clock ---------------------------------------------------------------------------------
def test_h99_what_the_clock_showed_last_is_remembered(store: Database) -> None:
    with store.write() as tx:
        assert None is clock.last_look(tx)
        for moment in (NOW + DAY, NOW):
            clock.look(tx, moment)
        assert NOW == clock.last_look(tx)


def test_h99_only_the_digests_of_days_that_have_not_come_are_taken_back(store: Database) -> None:
    queue(store, 1, cause="digest 2026-11-23 aaaaaaaaaaaaaaaa")
    queue(store, 2, cause="digest 2026-11-30 aaaaaaaaaaaaaaaa")
    queue(store, 3, cause="2026-00042-K 2026-11-30")
    with store.write() as tx:
        assert 1 == clock.take_back_digests(tx, "digest ", NOW.date())
        causes = tx.execute(select(letters.c.cause).order_by(letters.c.id)).scalars().all()
    assert ["digest 2026-11-23 aaaaaaaaaaaaaaaa", "early 2", "2026-00042-K 2026-11-30"] == causes


def test_what_is_asked_every_few_seconds_reads_no_whole_table(tmp_path: Path) -> None:
    looks: tuple[Callable[[Connection], object], ...] = (
        lambda tx: alarms.nothing_sent_since(tx, NOW),
        lambda tx: alarms.not_heard(tx, "alert", NOW, NOW),
        lambda tx: alarms.states_of(tx, ["digest 2026-11-23"]),
        alarms.set_aside_since_last_look,
    )
    database = open_database(f"sqlite:///{tmp_path}/mailbot.db")
    queue(database, 1)
    with closing(database), database.write() as tx:
        for look in looks:
            assert [] == [step for step in plan_of(tx, look) if re.fullmatch(r"SCAN \w+", step)]


def test_h22_what_was_set_aside_is_found_by_the_first_look_after_it(store: Database) -> None:
    with store.write() as tx:
        place_cursor(tx, INBOX)
        found = []
        for uid, outcome in enumerate((Outcome.SHUNTED, Outcome.ORDINARY, Outcome.SHUNTED), 1):
            record(tx, replace(INBOX, last_uid=uid - 1), [an_entry(uid, outcome=outcome)], uid, NOW)
            found.append([row for row, _, _ in alarms.set_aside_since_last_look(tx)])
    assert [[1], [1], [1, 3]] == found
