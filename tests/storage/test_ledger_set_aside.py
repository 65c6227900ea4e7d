"""Messages that were set aside for a person (H22): listed until they are taken in again or settled, by one person at a time."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, make_url, select

from rules.vocabulary import Outcome
from storage import ledger, tables
from storage.database import SCHEMA, Database, open_database, upgrade
from storage.ledger import Note, SetAside
from tests.storage.stock import INBOX, NOW, an_entry, key

ME, LATER = "staff:dana", NOW + timedelta(days=2)
SHUNTED = an_entry(2, outcome=Outcome.SHUNTED, reason="could_not_be_read")


@pytest.fixture
def row(store: Database) -> int:
    """Return the row of a message that was set aside among ordinary mail."""
    with store.write() as tx:
        ledger.place_cursor(tx, INBOX)
        ledger.record(tx, INBOX, [an_entry(1), SHUNTED, an_entry(3)], 3, NOW)
    (aside,) = listed(store)
    return aside.row


def listed(store: Database) -> tuple[SetAside, ...]:
    """Return what waits for a person."""
    with store.read() as tx:
        return ledger.set_aside(tx)


def found(store: Database, row: int) -> SetAside | None:
    """Return one message that was set aside."""
    with store.read() as tx:
        return ledger.find_set_aside(tx, row)


def test_h22_what_was_set_aside_is_listed_and_ordinary_mail_is_not(store: Database, row: int) -> None:
    aside = SetAside(row, SHUNTED.place, NOW, NOW, "could_not_be_read")
    assert ((aside,), aside) == (listed(store), found(store, row))
    assert (f"m{row}", None, None) == (aside.name, found(store, row - 1), found(store, row + 99))


def test_what_was_received_first_is_listed_first(store: Database, row: int) -> None:
    younger, older = (replace(SHUNTED, place=INBOX.place(uid), received_at=NOW - timedelta(days=uid)) for uid in (4, 5))
    with store.write() as tx:
        ledger.record(tx, replace(INBOX, last_uid=3), [younger, older], 5, NOW)
    assert [5, 4, 2] == [aside.place.uid for aside in listed(store)]


def test_what_is_settled_is_off_the_list_and_who_said_why_is_kept(store: Database, row: int) -> None:
    with store.write() as tx:
        assert ledger.settle_set_aside(tx, row, ME, "an empty test message", LATER)
    with store.write() as tx:
        assert not ledger.settle_set_aside(tx, row, "staff:other", "again", LATER)
        assert not ledger.settle_set_aside(tx, row - 1, ME, "ordinary mail", LATER)
        notes = ledger.notes_on(tx, row)
    assert ((), SetAside(row, SHUNTED.place, NOW, NOW, ledger.SETTLED_BY_STAFF)) == (listed(store), found(store, row))
    assert (Note(LATER, "dropped", ME, {"reason": "an empty test message", "was": "could_not_be_read"}),) == notes


def test_what_is_taken_in_again_stands_in_its_old_row_and_counts_as_arrived_when_it_did(store: Database, row: int) -> None:
    entry = an_entry(
        2, outcome=Outcome.REQUEST, reason="open_new_request", reference="2026-00001-A", filing_due=True, fingerprint=key("it")
    )
    with store.write() as tx:
        assert ledger.is_still_set_aside(tx, row)
        ledger.record_again(tx, row, entry, ME, LATER)
    with store.read() as tx:
        line = tx.execute(select(tables.ledger).where(tables.ledger.c.id == row)).one()
        assert (Note(LATER, "read_again", ME, {"outcome": "request"}),) == ledger.notes_on(tx, row)
        assert [2] == [filing.uid for filing in ledger.filing_due(tx, INBOX)]
    assert (NOW, "request", "open_new_request", "2026-00001-A", key("it")) == (
        line.taken_at,
        line.outcome,
        line.reason,
        line.reference,
        line.fingerprint,
    )
    assert ((), None) == (listed(store), found(store, row))


def test_of_several_people_at_once_one_takes_it_in(store_url: str, store: Database, row: int) -> None:
    together = Barrier(4)

    def take_in(_: int) -> bool:
        with closing(open_database(store_url)) as database:
            together.wait()
            with database.write() as tx:
                is_ours = ledger.is_still_set_aside(tx, row)
                if is_ours:
                    ledger.record_again(tx, row, an_entry(2), ME, NOW)
                return is_ours

    with ThreadPoolExecutor(4) as threads:
        assert [False, False, False, True] == sorted(threads.map(take_in, range(4)))


def test_a_store_of_the_first_schema_gets_its_notes(store_url: str) -> None:
    make_first_schema(store_url)
    assert ("0001", SCHEMA) == upgrade(store_url)
    with closing(open_database(store_url)) as database:
        with database.write() as tx:
            ledger.place_cursor(tx, INBOX)
            ledger.record(tx, INBOX, [SHUNTED], 2, NOW)
            (aside,) = ledger.set_aside(tx)
            assert ledger.settle_set_aside(tx, aside.row, ME, "nothing to do", LATER)
        assert () == listed(database)


def make_first_schema(url: str) -> None:
    """Make a store as the first release did: for its owner alone."""
    file = make_url(url).database or ""
    if url.startswith("sqlite"):
        Path(file).touch(mode=0o600)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[2] / "storage" / "migrations"))
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
