"""Opening a store, its transactions, its file, and the sentence that each failure gets."""
# ruff: noqa: PT012 - what a failure is expected of is a transaction, not one statement

import os
import stat
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from storage import ledger, outbox
from storage.database import MOST_KEYS, Database, StoreFailure, StoreMisused, open_database, portions
from storage.ledger import place_cursor
from tests.servers import Postgresql
from tests.storage.stock import INBOX, NOW, a_letter, an_entry, count_by_outcome

WRITERS = 4
WRITES = 200


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Database]:
    """Return a new store on SQLite, for what PostgreSQL has no counterpart of."""
    with closing(open_database(f"sqlite:///{tmp_path}/mailbot.db")) as database:
        yield database


def test_a_store_keeps_what_was_written(store_url: str) -> None:
    with closing(open_database(store_url)) as database, database.write() as tx:
        place_cursor(tx, INBOX)
    with closing(open_database(store_url)) as database, database.read() as tx:
        assert INBOX == ledger.cursor_of(tx, INBOX.inbox, INBOX.folder)


def test_a_failed_transaction_leaves_nothing_behind(store: Database) -> None:
    with suppress(ZeroDivisionError), store.write() as tx:
        place_cursor(tx, INBOX)
        raise ZeroDivisionError
    assert 0 == count(store, "cursors")


def test_a_reading_transaction_sees_one_state(store: Database) -> None:
    with store.read() as reading:
        before = reading.execute(text("SELECT count(*) FROM cursors")).scalar_one()
        with store.write() as tx:
            place_cursor(tx, INBOX)
        assert before == reading.execute(text("SELECT count(*) FROM cursors")).scalar_one()
    assert before + 1 == count(store, "cursors")


def test_what_a_reading_transaction_writes_is_not_kept(store: Database) -> None:
    with suppress(StoreFailure), store.read() as tx:  # PostgreSQL refuses it at once
        place_cursor(tx, INBOX)
    assert 0 == count(store, "cursors")


def test_moments_come_back_as_they_went_in(store: Database) -> None:
    moment = NOW.replace(microsecond=123456)
    with store.write() as tx:
        place_cursor(tx, replace(INBOX, start_at=moment))
    with store.read() as tx:
        cursor = ledger.cursor_of(tx, INBOX.inbox, INBOX.folder)
    assert cursor is not None
    assert (moment, moment.tzinfo) == (cursor.start_at, cursor.start_at.tzinfo)


def test_a_moment_without_a_zone_is_refused(store: Database) -> None:
    with pytest.raises(Exception, match="a moment without a zone cannot be stored"), store.write() as tx:
        place_cursor(tx, replace(INBOX, start_at=NOW.replace(tzinfo=None)))


@pytest.mark.parametrize(("keys", "sizes"), [(0, []), (1, [1]), (MOST_KEYS, [MOST_KEYS]), (2 * MOST_KEYS + 1, [MOST_KEYS, MOST_KEYS, 1])])
def test_a_look_up_is_cut_into_portions(keys: int, sizes: Sequence[int]) -> None:
    assert sizes == [len(portion) for portion in portions(range(keys))]


# --- several at once ---------------------------------------------------------------------------------------------------
def test_several_may_open_a_new_store_at_once(store_url: str) -> None:
    together = threading.Barrier(WRITERS)

    def open_it(_: int) -> None:
        together.wait()
        open_database(store_url).close()

    with ThreadPoolExecutor(WRITERS) as threads:
        assert [None] * WRITERS == list(threads.map(open_it, range(WRITERS)))


def test_h96_several_writers_never_find_the_database_locked(store_url: str) -> None:
    open_database(store_url).close()

    def write(writer: int) -> None:
        with closing(open_database(store_url)) as database:
            cursor = replace(INBOX, folder=f"folder {writer}")
            with database.write() as tx:
                place_cursor(tx, cursor)
            for number in range(WRITES):
                with database.write() as tx:
                    tx.execute(text("SELECT count(*) FROM ledger"))  # a read that would have to become a write half-way
                    ledger.record(
                        tx, replace(cursor, last_uid=number), [an_entry(number + 1, place=cursor.place(number + 1))], number + 1, NOW
                    )

    with ThreadPoolExecutor(WRITERS) as threads:
        assert [None] * WRITERS == list(threads.map(write, range(WRITERS)))
    with closing(open_database(store_url)) as database, database.read() as tx:
        assert WRITERS * WRITES == sum(count_by_outcome(tx, NOW).values())


def test_a_reader_does_not_wait_for_a_writer(store: Database) -> None:
    with store.write() as tx:
        place_cursor(tx, INBOX)
        assert 0 == count(store, "cursors")


def test_a_store_is_opened_while_somebody_writes(store_url: str, store: Database) -> None:
    with store.write() as tx:
        place_cursor(tx, INBOX)
        open_database(store_url).close()


def test_sqlite_keeps_a_commit_over_a_loss_of_power_and_forgets_what_is_deleted(sqlite_store: Database) -> None:
    with sqlite_store.read() as tx:
        wanted = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
        assert wanted == {pragma: tx.exec_driver_sql(f"PRAGMA {pragma}").scalar() for pragma in wanted}


# --- the file ----------------------------------------------------------------------------------------------------------
def test_h106_only_the_owner_can_read_the_database_and_what_lies_beside_it(sqlite_store: Database, tmp_path: Path) -> None:
    with sqlite_store.write() as tx:
        place_cursor(tx, INBOX)
    modes = {path.name: stat.filemode(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert dict.fromkeys(["mailbot.db", "mailbot.db-wal", "mailbot.db-shm"], "-rw-------") == modes


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("nowhere/mailbot.db", "cannot be made: its folder does not exist"),
        ("", "names the folder .*; name a file in it"),
        ("letter.txt/mailbot.db", "cannot be made: not a directory"),
        ("letter.txt", "is not a database: file is not a database"),
    ],
    ids=["no folder", "a folder", "a file for a folder", "a text file"],
)
def test_a_path_that_cannot_be_a_store_is_told(tmp_path: Path, path: str, sentence: str) -> None:
    (tmp_path / "letter.txt").write_text("Dear subscriber, " * 100, encoding="utf-8")
    with pytest.raises(StoreMisused, match=sentence):
        open_database(f"sqlite:///{tmp_path}/{path}")
    assert ["letter.txt"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mailbot.db", "is not the address of a database; write sqlite:"),
        ("", "is not the address of a database; write sqlite:"),
        ("oracel://localhost/mailbot", "is not the address of a database; write sqlite:"),
        ("mysql://localhost/mailbot", "names mysql; mailbot keeps its register in SQLite or PostgreSQL"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("postgresql+pg8000://localhost/mailbot", "needs the package pg8000; install mailbot.postgresql. and write postgresql.psycopg:"),
    ],
)
def test_an_address_that_cannot_be_a_store_is_told(url: str, sentence: str) -> None:
    with pytest.raises(StoreMisused, match=sentence):
        open_database(url)


# --- failures of the world ---------------------------------------------------------------------------------------------
def test_h35_a_full_disk_passes_by_itself(sqlite_store: Database) -> None:
    """SQLite is told that the disk ends here; it fails as on a disk that does."""

    def write_a_big_letter(tx: Connection) -> None:
        outbox.queue(tx, [a_letter(1, content=bytes(100_000))], NOW)

    with pytest.raises(StoreFailure, match="cannot be used: database or disk is full") as failure, sqlite_store.write() as tx:
        tx.exec_driver_sql(f"PRAGMA max_page_count = {tx.exec_driver_sql('PRAGMA page_count').scalar()}")
        write_a_big_letter(tx)
    assert failure.value.transient
    with sqlite_store.write() as tx:
        tx.exec_driver_sql("PRAGMA max_page_count = 1000000")
        write_a_big_letter(tx)
    assert 1 == count(sqlite_store, "letters")


def test_h35_a_store_that_can_only_be_read_passes_by_itself(store_url: str, store: Database) -> None:
    """A file system mounted read-only after an error, a PostgreSQL server that became a standby."""
    sqlite = store_url.startswith("sqlite")
    with pytest.raises(StoreFailure, match=r"read-?only") as failure, store.write() as tx:
        tx.exec_driver_sql("PRAGMA query_only = ON" if sqlite else "SET TRANSACTION READ ONLY")
        place_cursor(tx, INBOX)
    assert failure.value.transient
    if sqlite:
        with store.read() as tx:
            tx.exec_driver_sql("PRAGMA query_only = OFF")
    with store.write() as tx:
        place_cursor(tx, INBOX)
    assert 1 == count(store, "cursors")


def test_h34_a_lock_that_is_held_too_long_is_the_worlds_failure(store_url: str, store: Database) -> None:
    sqlite = store_url.startswith("sqlite")
    with closing(open_database(store_url)) as other, other.write() as holding:
        place_cursor(holding, INBOX)
        with store.read() as tx:  # the next connection of the pool is this one
            tx.exec_driver_sql("PRAGMA busy_timeout = 1" if sqlite else "SELECT 1")
        with pytest.raises(StoreFailure) as failure, store.write() as tx:
            tx.exec_driver_sql("SELECT 1" if sqlite else "SET LOCAL lock_timeout = '1ms'")
            place_cursor(tx, INBOX)
    assert failure.value.transient


def test_a_server_that_is_away_is_told_without_the_password() -> None:
    with pytest.raises(StoreFailure, match=r"the store postgresql\+psycopg://mailbot:\*\*\*@127.0.0.1:1/mailbot cannot be used") as failure:
        open_database("postgresql+psycopg://mailbot:hunter2@127.0.0.1:1/mailbot")
    assert failure.value.transient
    assert "hunter2" not in str(failure.value)


def test_a_lost_connection_is_told_and_the_next_one_works(postgresql: Postgresql) -> None:
    url = postgresql.fresh_database()
    with closing(open_database(url)) as database:
        with pytest.raises(StoreFailure) as failure, database.write() as tx:
            end_connections(url)
            place_cursor(tx, INBOX)
        assert failure.value.transient
        with database.write() as tx:
            place_cursor(tx, INBOX)
        end_connections(url)  # while nobody looks
        assert 1 == count(database, "cursors")


def test_what_our_own_statement_got_wrong_is_not_taken_for_the_worlds(store: Database) -> None:
    """It would be tried for ever; SQLite calls a missing table by the same name as a full disk."""
    with pytest.raises(DBAPIError, match=r"no such table|does not exist"), store.write() as tx:
        tx.execute(text("SELECT * FROM nowhere"))


def test_a_broken_constraint_is_our_own_mistake(store: Database) -> None:
    with pytest.raises(IntegrityError), store.write() as tx:
        place_cursor(tx, INBOX)
        ledger.record(tx, INBOX, [an_entry(1), an_entry(1)], 1, NOW)


def count(database: Database, table: str) -> int:
    """Return how many rows a table holds."""
    with database.read() as tx:
        return int(tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def end_connections(url: str) -> None:
    """End every connection to a database, as a restart of the server does."""
    address = make_url(url)
    with psycopg.connect(host=address.host, port=address.port, user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [address.database])


def test_a_store_that_root_makes_belongs_to_whom_its_folder_belongs_to(tmp_path: Path) -> None:
    """A command typed as root before the first start must not lock the service out."""
    if os.geteuid() != 0:
        pytest.skip("only root can make files for others")
    os.chown(tmp_path, 65534, 65534)
    open_database(f"sqlite:///{tmp_path}/mailbot.db").close()
    found = (tmp_path / "mailbot.db").stat()
    assert (65534, 65534, 0o600) == (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode))
