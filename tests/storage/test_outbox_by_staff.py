"""What a person does to letters: only what delivery does not have in hand, and never to one that was accepted."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import Connection, update

from storage import outbox, tables
from storage.database import Database, open_database
from storage.outbox import LetterState, ListedLetter, Settlement
from tests.storage.stock import NO_CAPS, NOW, a_letter

ME, LATER = "staff:dana", NOW + timedelta(days=9)

Change = Callable[[Connection, int], bool]


def again(tx: Connection, letter: int) -> bool:
    return outbox.queue_again(tx, letter, ME, LATER)


def drop(tx: Connection, letter: int) -> bool:
    return outbox.drop(tx, letter, ME, "answered by telephone", LATER)


def queued(store: Database, state: LetterState = LetterState.QUEUED) -> int:
    """Return the number of a letter in some state."""
    with store.write() as tx:
        outbox.queue(tx, [a_letter(1)], NOW)
        tx.execute(update(tables.letters).values(state=state, reply="451", settled_at=NOW, attempts=3))
        (letter,) = outbox.list_letters(tx)
    return letter.id


def letter(store: Database, number: int) -> ListedLetter:
    with store.read() as tx:
        found = outbox.find_letter(tx, number)
    assert found is not None
    return found


def test_one_letter_is_found_and_read(store: Database) -> None:
    number = queued(store)
    with store.read() as tx:
        assert (outbox.list_letters(tx)[0], a_letter(1).content) == (outbox.find_letter(tx, number), outbox.content_of(tx, number))
        assert outbox.find_letter(tx, number + 1) is None


@pytest.mark.parametrize("state", LetterState)
def test_h31_only_what_was_not_sent_for_sure_goes_out_again(store: Database, state: LetterState) -> None:
    number = queued(store, state)
    with store.write() as tx:
        changed = again(tx, number)
    assert (state in {LetterState.DOUBTFUL, LetterState.FAILED, LetterState.DROPPED}) == changed
    assert (LetterState.QUEUED if changed else state) is letter(store, number).state


@pytest.mark.parametrize("state", LetterState)
def test_only_what_nobody_has_in_hand_is_dropped(store: Database, state: LetterState) -> None:
    number = queued(store, state)
    with store.write() as tx:
        changed = drop(tx, number)
    assert (state in {LetterState.QUEUED, LetterState.DEFERRED, LetterState.DOUBTFUL, LetterState.FAILED}) == changed
    expected = (LetterState.DROPPED, "dropped by staff:dana: answered by telephone") if changed else (state, "451")
    assert expected == (letter(store, number).state, letter(store, number).reply)


@pytest.mark.parametrize("change", [again, drop])
def test_a_letter_that_is_not_there_is_not_changed(store: Database, change: Change) -> None:
    with store.write() as tx:
        assert not change(tx, 7)


@pytest.mark.parametrize(("change", "state"), [(again, LetterState.FAILED), (drop, LetterState.QUEUED)])
def test_h107_a_letter_to_somebody_who_was_destroyed_stays_as_it_is(store: Database, change: Change, state: LetterState) -> None:
    number = queued(store, state)
    with store.write() as tx:
        tx.execute(update(tables.letters).values(recipient=""))
        assert not change(tx, number)
    assert state is letter(store, number).state


def test_h33_what_goes_out_again_is_the_same_letter_and_no_other_goes(store: Database) -> None:
    with store.write() as tx:
        outbox.queue(tx, [a_letter(1), a_letter(2)], NOW)
        first, second = outbox.claim(tx, 9, NO_CAPS, NOW)
        outbox.mark(tx, [first, second], NOW)
        outbox.settle(tx, [Settlement(each, LetterState.DOUBTFUL, "the connection broke while sending") for each in (first, second)], NOW)
        assert again(tx, first.id)
        (going,) = outbox.claim(tx, 9, NO_CAPS, LATER)
        assert ("<mailbot.1@alit.kz>", 2) == (letter_in(tx, first.id).message_id, letter_in(tx, first.id).attempts)
    assert (first.id, first.recipient, first.content) == (going.id, going.recipient, going.content)


def letter_in(tx: Connection, number: int) -> ListedLetter:
    found = outbox.find_letter(tx, number)
    assert found is not None
    return found


def test_h94_the_five_days_of_a_letter_begin_anew_when_a_person_lets_it_go_again(store: Database) -> None:
    number = queued(store, LetterState.FAILED)
    with store.write() as tx:
        again(tx, number)
        (going,) = outbox.claim(tx, 9, NO_CAPS, LATER)
    assert LATER == going.queued_at


def test_a_letter_is_dropped_or_claimed_and_never_both(store_url: str, store: Database) -> None:
    number, together = queued(store), Barrier(2)

    def race(change: Callable[[Connection], object]) -> bool:
        with closing(open_database(store_url)) as database:
            together.wait()
            with database.write() as tx:
                return bool(change(tx))

    with ThreadPoolExecutor(2) as threads:
        claimed, dropped = threads.map(race, [lambda tx: outbox.claim(tx, 9, NO_CAPS, LATER), lambda tx: drop(tx, number)])
    assert claimed != dropped
    assert (LetterState.DROPPED if dropped else LetterState.CLAIMED) is letter(store, number).state
