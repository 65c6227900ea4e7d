"""The store: how it is opened, how transactions begin, and what its failures mean."""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from storage.tables import metadata

SCHEMA = "0001"
"""The revision that this code works with: the newest file in ``storage/migrations/versions``."""

BUSY_SECONDS = 10


class StoreFailure(Exception):
    """The store cannot be used now."""

    transient = True


class StoreMisused(StoreFailure):
    """The store's address is wrong or the store is not mailbot's."""

    transient = False


class SchemaDiffers(StoreMisused):
    """The store was made by another version of mailbot."""


class Database:
    """An open store. ``write`` and ``read`` open one transaction each; nothing else touches the connection."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine from ``open_database``."""
        self._engine = engine
        self._reader = engine.execution_options(mailbot_reads=True)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that holds the write lock from its first statement, so that it can never be refused half-way."""
        with _failures_named(self._engine), self._engine.begin() as tx:
            yield tx

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the store and writes nothing."""
        with _failures_named(self._engine), self._reader.connect() as tx:
            yield tx

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()


def open_database(url: str) -> Database:
    """Open the store at ``url``; make it if it is new. Raises ``StoreFailure`` with a sentence that says what to do."""
    address = _understood(url)
    engine = _engine(address)
    try:
        with _failures_named(engine), engine.begin() as connection:
            _make_or_check(connection, address)
    except StoreFailure:
        engine.dispose()
        raise
    return Database(engine)


def insert_new(tx: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert ``rows``, leaving alone those that a constraint says stand already."""
    if rows:
        make = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
        tx.execute(make(table).on_conflict_do_nothing(), list(rows))


def upgrade(url: str) -> tuple[str | None, str]:
    """Bring the store at ``url`` to this version's schema; return the revisions before and after."""
    from alembic import command
    from alembic.config import Config

    engine = _engine(_understood(url))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    try:
        with _failures_named(engine), engine.begin() as connection:
            before = _revision(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            return before, SCHEMA
    finally:
        engine.dispose()


def _understood(url: str) -> URL:
    try:
        address = make_url(url)
        dialect = address.get_dialect().name
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreMisused("store.url is not the address of a database; write sqlite:////absolute/path or postgresql+psycopg://…") from error
    if dialect not in ("sqlite", "postgresql"):
        raise StoreMisused(f"store.url names {dialect}; mailbot keeps its register in SQLite or PostgreSQL")
    if dialect == "sqlite" and (not address.database or address.database == ":memory:"):
        raise StoreMisused("store.url names no file; write sqlite:////absolute/path/to/file.db")
    return address


def _engine(address: URL) -> Engine:
    if address.get_dialect().name != "sqlite":
        return create_engine(address, pool_pre_ping=True)
    _make_private_file(Path(address.database or ""))
    engine = create_engine(address, connect_args={"timeout": BUSY_SECONDS, "isolation_level": None})
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _make_private_file(path: Path) -> None:
    """Make the file with mode 0600 before SQLite would make it with any other; its WAL takes the same mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if path.is_dir():
            raise StoreMisused(f"store.url names the folder {path}; name a file in it") from None
    except OSError as error:
        reason = "its folder does not exist" if error.errno == errno.ENOENT else (error.strerror or "unknown error").lower()
        failure = StoreFailure if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS) else StoreMisused
        raise failure(f"the store {path} cannot be made: {reason}") from error


def _set_pragmas(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get("mailbot_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return str(revision) if revision else None


def _make_or_check(connection: Connection, address: URL) -> None:
    revision = _revision(connection)
    if revision == SCHEMA:
        return
    if revision is not None:
        raise SchemaDiffers(
            f"the store {address.render_as_string()} has schema {revision} and this mailbot works with {SCHEMA}: run `mailbot store upgrade`"
        )
    if inspect(connection).get_table_names():
        raise StoreMisused(f"the store {address.render_as_string()} holds tables that are not mailbot's; give mailbot a database of its own")
    metadata.create_all(connection)
    connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{SCHEMA}')")


@contextmanager
def _failures_named(engine: Engine) -> Iterator[None]:
    """Turn the driver's errors into ``StoreFailure``; what our own statements got wrong stays as it is."""
    try:
        yield
    except DBAPIError as error:
        name = type(error.orig).__name__
        if name not in ("OperationalError", "DatabaseError", "InterfaceError", "ConnectionTimeout"):
            raise
        where = engine.url.render_as_string()
        reason = str(error.orig).partition("\n")[0]
        if "not a database" in reason:
            raise StoreMisused(f"{where} is not a database: {reason}") from error
        raise StoreFailure(f"the store {where} cannot be used: {reason}") from error
