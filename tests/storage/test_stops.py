"""To whom nothing is sent: every address of the person, and the list that a mailing tool imports."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select, update

from storage import register, subscribers
from storage.amendments import Behind, stop_address
from storage.database import Database, open_database
from storage.evidence import keys_of
from storage.subscribers import NewSubscriber, Stop
from storage.tables import suppressions
from tests.storage.stock import NOW, a_request

FIRST, SECOND = "2026-00001-A", "2026-00002-B"
LATER = NOW + timedelta(days=1)


@pytest.fixture
def aigul(store: Database) -> None:
    """Put a person with two addresses and a telephone on file, and another person."""
    told = (("email", "Aigul@example.com", "aigul@example.com"), ("email", "work@example.com", "work@example.com"), ("phone", "+7", "+7"))
    with store.write() as tx:
        others = NewSubscriber({}, (("email", "berik@example.com", "berik@example.com"),))
        subscribers.add_subscribers(tx, [NewSubscriber({}, told), others], "import", NOW)


def stop(store: Database, **stopped: str) -> None:
    """Stop messages to addresses, each for a request (the letter at its end)."""
    with store.write() as tx:
        keys = keys_of(tx)
        subscribers.stop_messages(tx, {f"2026-{letter}": keys.of_address(address) for letter, address in stopped.items()}, NOW)


def listed(store: Database, since: object = None) -> list[tuple[str, str | None, bool]]:
    with store.read() as tx:
        found = subscribers.stops(tx, since)  # type: ignore[arg-type]
        return sorted((each.address, each.reference, each.lifted_at is not None) for each in found)


@pytest.mark.usefixtures("aigul")
def test_who_asks_from_one_address_gets_nothing_at_the_others(store: Database) -> None:
    stop(store, A="work@example.com")
    stop(store, A="work@example.com")
    assert [("Aigul@example.com", "2026-A", False), ("work@example.com", "2026-A", False)] == listed(store)
    with store.write() as tx:
        assert 2 == subscribers.resume_messages(tx, "2026-A", LATER)
    assert [] == listed(store)


@pytest.mark.usefixtures("aigul")
def test_a_batch_of_stops_takes_two_statements(store: Database) -> None:
    said: list[str] = []
    with store.write() as tx:
        keys = keys_of(tx)
        event.listen(tx, "before_cursor_execute", lambda *arguments: said.append(arguments[2]))
        subscribers.stop_messages(tx, {f"2026-{each}": keys.of_address(f"p{each}@example.com") for each in range(300)}, NOW)
    assert 2 == len(said)


@pytest.mark.usefixtures("aigul")
def test_the_stop_of_an_earlier_request_is_not_spread_again(store: Database) -> None:
    """Staff let messages go again to one address alone by lifting its row; a request about somebody else changes nothing in that."""
    stop(store, A="work@example.com")
    with store.write() as tx:
        key = keys_of(tx).of_address("aigul@example.com")
        tx.execute(update(suppressions).where(suppressions.c.address_key == key).values(lifted_at=LATER))
    stop(store, B="berik@example.com")
    assert [("berik@example.com", "2026-B", False), ("work@example.com", "2026-A", False)] == listed(store)


def test_the_address_of_a_stranger_is_the_one_that_the_request_came_from(store: Database) -> None:
    with store.write() as tx:
        keys = keys_of(tx)
        known, other = (
            a_request(reference, uid, sender_key=keys.of_address(f"person{uid}@example.com"))
            for uid, reference in ((1, FIRST), (2, SECOND))
        )
        register.add_requests(tx, [known, other], NOW)
        subscribers.stop_messages(tx, {FIRST: keys.of_address("person1@example.com"), SECOND: keys.of_address("x@example.com")}, NOW)
        assert 1 == subscribers.count_nameless(tx)
        assert ("", SECOND) == next((each.address, each.reference) for each in subscribers.stops_of(tx, keys.of_address("x@example.com")))
    assert [("person1@example.com", FIRST, False)] == listed(store)


@pytest.mark.usefixtures("aigul")
def test_an_address_that_comes_on_file_later_names_the_stop(store: Database) -> None:
    stop(store, A="new@example.com")
    assert [] == listed(store)
    with store.write() as tx:
        subscribers.add_subscribers(tx, [NewSubscriber({}, (("email", "New@example.com", "new@example.com"),))], "import", NOW)
        assert 0 == subscribers.count_nameless(tx)
    assert [("New@example.com", "2026-A", False)] == listed(store)


@pytest.mark.usefixtures("aigul")
def test_since_a_day_is_what_began_or_was_lifted_and_is_not_stopped_otherwise(store: Database) -> None:
    stop(store, A="work@example.com", B="berik@example.com", C="berik@example.com")
    with store.write() as tx:
        for reference in ("2026-A", "2026-B"):
            subscribers.resume_messages(tx, reference, LATER)
        subscribers.stop_messages(tx, {"2026-D": keys_of(tx).of_address("dana@example.com")}, LATER)
        tx.execute(update(suppressions).where(suppressions.c.reference == "2026-D").values(address="dana@example.com"))
    lifted = [("Aigul@example.com", "2026-A", True), ("work@example.com", "2026-A", True)]
    assert sorted([*lifted, ("dana@example.com", "2026-D", False)]) == listed(store, LATER)
    assert [("berik@example.com", "2026-C", False), ("dana@example.com", "2026-D", False)] == listed(store)
    assert [] == listed(store, LATER + timedelta(seconds=1))


@pytest.mark.usefixtures("aigul")
def test_the_stops_of_an_address_stand_together_and_one_of_a_scope_stops_no_others(store: Database) -> None:
    stop(store, A="work@example.com", B="berik@example.com", C="work@example.com")
    with store.write() as tx:
        keys = keys_of(tx)
        stop_address(tx, "dana@example.com", "promotion", Behind(NOW, "staff:dana", "by telephone"))
        found = list(subscribers.stops(tx, None))
        dana = keys.of_address("dana@example.com")
        assert None is subscribers.suppressed_since(tx, dana)
        assert (Stop(dana, "dana@example.com", "promotion", NOW, None, None),) == subscribers.stops_of(tx, dana)
        assert {keys.of_address("work@example.com")} == subscribers.suppressed_among(tx, [dana, keys.of_address("work@example.com")])
        everybody = [person.id for page in subscribers.everybody(tx) for person in page]
        assert set(everybody) == subscribers.suppressed_people(tx, everybody)
        assert set() == subscribers.suppressed_people(tx, [])
    order = [each.address_key for each in found]
    assert order == sorted(order)
    assert 6 == len(found)


def test_a_stop_reads_no_table_as_a_whole(tmp_path: Path) -> None:
    """However many people are on file, and however much was stopped before, a batch costs the same."""
    plan: list[str] = []

    def explain(_tx: object, cursor: sqlite3.Cursor, statement: str, parameters: tuple[object, ...], _context: object, many: bool) -> None:
        if not many:
            explained = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plan.extend(detail for *_, detail in explained if detail.startswith(("SCAN", "SEARCH")))

    with closing(open_database(f"sqlite:///{tmp_path}/mailbot.db")) as store, store.write() as tx:
        keys = keys_of(tx)
        event.listen(tx, "before_cursor_execute", explain)
        subscribers.stop_messages(tx, {FIRST: keys.of_address("work@example.com"), SECOND: keys.of_address("x@example.com")}, NOW)
        subscribers.stops_of(tx, keys.of_address("work@example.com"))
    assert 3 <= len(plan)
    assert [] == [step for step in plan if step.startswith("SCAN")]


def test_a_store_without_people_stops_whom_it_does_not_know(store: Database) -> None:
    stop(store, A="nobody@example.com")
    with store.read() as tx:
        assert [None] == list(tx.execute(select(suppressions.c.address)).scalars())
        assert 1 == subscribers.count_nameless(tx)
