"""One instance at a time works in a store (H21)."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from threading import Barrier

from storage.database import Database, open_database
from storage.lease import LEASE_SECONDS, give_up_lease, holder_of, renew_lease, take_lease
from tests.storage.stock import NOW

LEASE = timedelta(seconds=LEASE_SECONDS)
SECOND = timedelta(seconds=1)
CONTENDERS = 4


def enter(store: Database, holder: str, now: datetime = NOW) -> bool:
    """Take the lease if nobody holds it; tell whether it was taken."""
    with store.write() as tx:
        if holder_of(tx, "work", now) is not None:
            return False
        take_lease(tx, "work", holder, now)
        return True


def holder(store: Database, now: datetime = NOW) -> str | None:
    """Return who holds the lease."""
    with store.write() as tx:
        return holder_of(tx, "work", now)


def renew(store: Database, holder: str, now: datetime) -> bool:
    """Renew the lease in a transaction of its own."""
    with store.write() as tx:
        return renew_lease(tx, "work", holder, now)


def test_h21_nobody_holds_the_lease_of_a_new_store(store: Database) -> None:
    assert holder(store) is None


def test_h21_one_holds_the_lease_and_the_next_waits_until_it_ends(store: Database) -> None:
    assert [True, False] == [enter(store, "first"), enter(store, "second")]
    assert ["first", None] == [holder(store, NOW + LEASE - SECOND), holder(store, NOW + LEASE)]
    assert [False, True] == [enter(store, "second", NOW + LEASE - SECOND), enter(store, "second", NOW + LEASE)]


def test_h21_a_renewed_lease_lasts_on(store: Database) -> None:
    enter(store, "first")
    assert renew(store, "first", NOW + LEASE / 2)
    assert "first" == holder(store, NOW + LEASE)


def test_h21_who_was_silent_too_long_learns_that_another_took_over(store: Database) -> None:
    enter(store, "first")
    enter(store, "second", NOW + LEASE)
    assert [False, True] == [renew(store, "first", NOW + LEASE + SECOND), renew(store, "second", NOW + LEASE + SECOND)]
    assert "second" == holder(store, NOW + LEASE + SECOND)


def test_h21_who_leaves_lets_the_next_in_at_once(store: Database) -> None:
    enter(store, "first")
    with store.write() as tx:
        give_up_lease(tx, "work", "first")
    assert [False, True] == [renew(store, "first", NOW), enter(store, "second")]


def test_h21_nobody_gives_up_what_another_holds(store: Database) -> None:
    enter(store, "first")
    with store.write() as tx:
        give_up_lease(tx, "work", "second")
    assert "first" == holder(store)


def test_leases_of_other_names_are_others(store: Database) -> None:
    enter(store, "first")
    with store.write() as tx:
        assert holder_of(tx, "letters", NOW) is None


def test_h21_of_several_that_come_at_once_one_enters(store_url: str, store: Database) -> None:
    """At first start, when there is no lease yet, and whenever one ended."""
    moments = [NOW + number * LEASE for number in range(20)]
    together = Barrier(CONTENDERS)

    def contend(number: int) -> list[bool]:
        with closing(open_database(store_url)) as database:
            entered: list[bool] = []
            for moment in moments:
                together.wait()
                entered.append(enter(database, f"number {number}", moment))
            return entered

    with ThreadPoolExecutor(CONTENDERS) as threads:
        rounds = zip(*threads.map(contend, range(CONTENDERS)), strict=True)
    assert [1] * len(moments) == [sum(entered) for entered in rounds]


def test_h21_one_may_come_while_another_leaves(store_url: str, store: Database) -> None:
    together = Barrier(2)

    def come_and_go(number: int) -> int:
        with closing(open_database(store_url)) as database:
            together.wait()
            times = 0
            while times < 20:
                if enter(database, f"number {number}"):
                    times += 1
                    with database.write() as tx:
                        give_up_lease(tx, "work", f"number {number}")
            return times

    with ThreadPoolExecutor(2) as threads:
        assert [20, 20] == list(threads.map(come_and_go, range(2)))
