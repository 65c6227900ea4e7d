"""What is looked up for every batch costs the same however long the store's history is, and bears any number of keys."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from rules.matching import Pointers
from rules.reference import reference
from storage import ledger, outbox, register, subscribers
from storage.database import Database, open_database
from storage.outbox import Caps
from tests.storage.stock import INBOX, NOW, a_letter, key

NO_KEYS = Pointers(sender_key=None, message_key=None, text_key=None, answered_keys=(), answered_ids=(), subject="")
ONE_OF_EACH = Pointers(key("sender"), key("id"), key("text"), (key("answered"),), ("<mailbot.1@alit.kz>",), reference(2026, 42))

LOOK_UPS: dict[str, Callable[[Connection], object]] = {
    "the cursor": lambda tx: ledger.cursor_of(tx, "info@alit.kz", "INBOX"),
    "the picture of a batch": lambda tx: register.picture_of(tx, [ONE_OF_EACH]),
    "who is on file": lambda tx: subscribers.ids_by_email(tx, ["person@example.com"]),
    "what is to be filed": lambda tx: ledger.filing_due(tx, INBOX),
    "what waits for another try": lambda tx: ledger.pending_in(tx, INBOX),
    "messages before a renumbering": lambda tx: ledger.known_fingerprints(tx, INBOX, [key("m1")]),
    "the messages that letters answer": lambda tx: ledger.file_answered(tx, [1]),
    "the next letters and their caps": lambda tx: outbox.claim(tx, 16, Caps(3, 30, 200), NOW),
    "when the next letter may go": outbox.next_moment,
    "a request": lambda tx: register.find_request(tx, reference(2026, 42)),
    "the letters of a request": lambda tx: outbox.list_letters(tx, reference(2026, 42)),
    "whether an address is suppressed": lambda tx: subscribers.suppressed_since(tx, key("sender")),
}


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Database]:
    """Return a new store whose engine tells how it finds things."""
    with closing(open_database(f"sqlite:///{tmp_path}/mailbot.db")) as database:
        yield database


@pytest.mark.parametrize("look_up", LOOK_UPS.values(), ids=LOOK_UPS.keys())
def test_no_look_up_reads_a_whole_table(sqlite_store: Database, look_up: Callable[[Connection], object]) -> None:
    with sqlite_store.write() as tx:
        outbox.queue(tx, [a_letter(1)], NOW)
        plan = plan_of(tx, look_up)
    assert [] != plan
    assert [] == [step for step in plan if re.fullmatch(r"SCAN \w+", step)]


def test_what_is_to_be_filed_is_found_without_reading_the_folders_ledger(sqlite_store: Database) -> None:
    with sqlite_store.write() as tx:
        plan = plan_of(tx, LOOK_UPS["what is to be filed"])
    assert ["SEARCH ledger USING INDEX ix_ledger_filing_due (inbox=? AND folder=? AND uidvalidity=?)"] == plan


def test_letters_are_claimed_in_the_order_of_an_index(sqlite_store: Database) -> None:
    with sqlite_store.write() as tx:
        plan = plan_of(tx, LOOK_UPS["the next letters and their caps"])
    assert ["SEARCH letters USING INDEX ix_letters_waiting (not_before<?)"] == plan


def test_more_keys_than_one_statement_binds_are_looked_up(sqlite_store: Database) -> None:
    """A header of 128 kB names tens of thousands of messages; a statement refused for it would stop the mailbox for ever."""
    keys, ids = [number.to_bytes(16) for number in range(33_000)], [f"<mailbot.{number}>" for number in range(33_000)]
    hostile = [
        Pointers(key, key, None, (key,), (message_id,), reference(2026, at))
        for at, (key, message_id) in enumerate(zip(keys, ids, strict=True))
    ]
    with sqlite_store.write() as tx:
        bind_as_few_values_as_any_sqlite(tx)
        assert {} == register.picture_of(tx, hostile).requests
        assert {} == ledger.known_fingerprints(tx, INBOX, keys)
        assert {} == subscribers.ids_by_email(tx, ids)
        ledger.forget_pending(tx, INBOX, range(33_000))
        ledger.renumber(tx, INBOX, dict.fromkeys(range(33_000), 1))


def test_a_batch_without_any_key_asks_nothing(sqlite_store: Database) -> None:
    with sqlite_store.read() as tx:
        assert [] == plan_of(tx, lambda tx: (register.picture_of(tx, [NO_KEYS]), subscribers.ids_by_email(tx, [])))


def plan_of(tx: Connection, look_up: Callable[[Connection], object]) -> list[str]:
    """Return how SQLite finds what the statements of a look-up ask for."""
    steps: list[str] = []

    def explain(_tx: object, cursor: sqlite3.Cursor, statement: str, parameters: Any, _context: object, executemany: bool) -> None:
        if statement.startswith(("SELECT", "UPDATE")) and not executemany:
            explained = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps.extend(detail for *_, detail in explained if detail.startswith(("SCAN", "SEARCH", "USE TEMP B-TREE FOR ORDER BY")))

    event.listen(tx, "before_cursor_execute", explain)
    look_up(tx)
    return steps


def bind_as_few_values_as_any_sqlite(tx: Connection) -> None:
    """Take away what Debian adds to SQLite's own limit of 32 766 bound values."""
    driver = tx.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)
