"""The store: how it is opened, how transactions begin, and what its failures mean."""

import errno
import os
import re
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from importlib import import_module
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import StaticPool

from storage.tables import MAILABLE, TODAY, metadata

SCHEMA = "0006"
"""The revision that this code works with: the newest file in ``storage/migrations/versions``."""

BUSY_SECONDS = 30
"""How long a writer waits for its turn: on a busy machine a digest of a large register takes seconds. A lease outlives it."""

MOST_KEYS = 10_000
"""How many keys one look-up names: SQLite binds at most 32 766 values, PostgreSQL 65 535."""

POSTGRESQL_LIMITS = {
    "options": f"-c lock_timeout={BUSY_SECONDS}s",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "tcp_user_timeout": 30_000,
}
"""Nothing is waited for without end: seconds, but for the last, which is milliseconds."""

TURN = 0x6D61696C626F75
"""PostgreSQL's advisory lock under which everything is written, one transaction after the other."""

LOOKS_EVERY_MS = 20
"""After so long SQLite is asked anew: its pauses between two looks begin at 1 ms, and would grow to 100."""

_OUR_REVISION = re.compile(r"\d{4}")
_MAY_NOT_WRITE = frozenset({"25006", "42501"})
"""PostgreSQL: a read-only transaction, and a role without the right (appendix A of its manual)."""


class StoreFailure(Exception):
    """The store cannot be used now."""

    transient = True


class StoreMisused(StoreFailure):
    """The store's address is wrong or the store is not mailbot's."""

    transient = False


class Database:
    """An open store. ``write`` and ``read`` open one transaction each; nothing else touches the connection."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine that nobody else uses."""
        self._engine = engine
        self._turn: AbstractContextManager[object] = Lock() if engine.dialect.name == "sqlite" else nullcontext()
        options: dict[str, Any] = {"mailbot_reads": True}
        if engine.dialect.name == "postgresql":  # SQLite's reading transactions are like this already
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reader = engine.execution_options(**options)

    @property
    def address(self) -> str:
        """Return where the store is, without its password."""
        return self._engine.url.render_as_string()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open the only transaction that writes: what it reads nobody changes until it ends, and it is never refused half-way (H34, H96).

        SQLite lets a writer who finds the lock taken sleep and look again; the threads of one process take turns without sleeping.
        """
        with self._failures_named(), self._turn, self._engine.begin() as tx:
            yield tx

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the store and writes nothing."""
        with self._failures_named(), self._reader.connect() as tx:
            yield tx

    @contextmanager
    def bare(self) -> Iterator[Any]:
        """Give a driver's connection of its own, outside of any transaction: for VACUUM and a backup, which an engine does only there."""
        with self._failures_named(), self._turn:
            lent = self._engine.raw_connection()
            lent.detach()  # it is closed afterwards: nobody gets it as it was left
            try:
                yield lent.dbapi_connection
            except _driver_error(self._engine) as error:
                raise StoreFailure(f"the store {self.address} cannot be used: {str(error).partition(chr(10))[0]}") from error
            finally:
                lent.close()

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    @contextmanager
    def _failures_named(self) -> Iterator[None]:
        """Turn the driver's errors into ``StoreFailure``; what our own statements got wrong stays as it is."""
        try:
            yield
        except DBAPIError as error:
            reason = str(error.orig).partition("\n")[0]
            if _sqlite_code(error) == sqlite3.SQLITE_NOTADB:
                raise StoreMisused(f"{self.address} is not a database: {reason}") from error
            if _is_the_worlds(error):
                raise StoreFailure(f"the store {self.address} cannot be used: {reason}") from error
            raise


def open_database(url: str) -> Database:
    """Open the store at ``url``; make it if it is new. Raises ``StoreFailure`` with a sentence that says what to do."""
    address = _understood(url)
    database = Database(_engine(address))
    try:
        _make_or_check(database)
        if address.get_backend_name() == "sqlite":
            for part in ("", "-wal"):
                refuse_if_open_to_all(Path(f"{address.database}{part}"))
    except StoreFailure:
        database.close()
        raise
    return database


def open_in_memory() -> Database:
    """Make an empty store that is gone when it is closed, for one thread alone: what is rehearsed leaves nothing behind."""
    engine = create_engine("sqlite://", poolclass=StaticPool, hide_parameters=True, connect_args={"isolation_level": None})
    event.listen(engine, "begin", _begin)
    database = Database(engine)
    with database.write() as tx:
        _make(tx)
    return database


def refuse_if_kept(tx: Connection) -> None:
    """Raise unless the store is one in memory: what empties tables may never meet another."""
    if tx.engine.url.database is not None:
        raise ValueError("this store is kept, and nothing of it is thrown away")


def upgrade(url: str, save: Callable[[Database, str], object] = lambda _database, _revision: None) -> tuple[str | None, str]:
    """Bring the store at ``url`` to this version's schema; return the revisions before and after.

    ``save`` is given a store that is going to be changed, and its revision. What fails leaves the store as it was.
    """
    from alembic import command
    from alembic.config import Config

    database = Database(_engine(_understood(url)))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    try:
        with database.read() as tx:
            older = _revision(tx, database.address)
        if older is not None and older < SCHEMA:
            save(database, older)
        with database.write() as tx:
            before = _revision(tx, database.address)
            if before is None or before < SCHEMA:
                config.attributes["connection"] = tx
                command.upgrade(config, "head")
            elif before > SCHEMA:
                raise StoreMisused(_newer(database.address, before))
            return before, SCHEMA
    finally:
        database.close()


def insert_new(tx: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert ``rows``, leaving alone those that a constraint says stand already."""
    if rows:
        tx.execute(insertion(tx, table).on_conflict_do_nothing(), list(rows))


def insertion(tx: Connection, table: Table) -> Any:
    """Return an insertion that may say what a conflict does: each engine has its own, and the other one's is not loaded."""
    return import_module(f"sqlalchemy.dialects.{tx.dialect.name}").insert(table)


Key = TypeVar("Key")


def portions(keys: Iterable[Key]) -> Iterator[list[Key]]:
    """Cut the keys of a look-up into lists that an engine takes at once; no keys are no list."""
    chosen = list(keys)
    for start in range(0, len(chosen), MOST_KEYS):
        yield chosen[start : start + MOST_KEYS]


def _understood(url: str) -> URL:
    try:
        address = make_url(url)
        dialect = address.get_dialect().name
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreMisused(
            "store.url is not the address of a database; write sqlite:////absolute/path or postgresql+psycopg://…"
        ) from error
    if dialect not in ("sqlite", "postgresql"):
        raise StoreMisused(f"store.url names {dialect}; mailbot keeps its register in SQLite or PostgreSQL")
    if dialect == "sqlite" and (not address.database or address.database == ":memory:"):
        raise StoreMisused("store.url names no file; write sqlite:////absolute/path/to/file.db")
    try:
        address.get_dialect().import_dbapi()
    except ModuleNotFoundError as error:
        raise StoreMisused(
            f"store.url needs the package {error.name}; install mailbot[postgresql] and write postgresql+psycopg://…"
        ) from error
    return address


def _engine(address: URL) -> Engine:
    if address.get_backend_name() != "sqlite":
        # READ COMMITTED whatever the server's default: with any other the state that a transaction sees is older than its turn.
        level = "READ COMMITTED"
        engine = create_engine(address, isolation_level=level, pool_pre_ping=True, hide_parameters=True, connect_args=POSTGRESQL_LIMITS)
        event.listen(engine, "begin", _begin)
        return engine
    _make_private_file(Path(address.database or ""))
    engine = create_engine(address, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS, "isolation_level": None})
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def make_private(path: Path) -> None:
    """Make a new file with mode 0600; raise ``OSError``.

    What root makes belongs to whom the folder belongs to: a command typed as root must not lock the service out.
    """
    made = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        if os.geteuid() == 0:
            folder = path.parent.stat()
            os.fchown(made, folder.st_uid, folder.st_gid)
    finally:
        os.close(made)


def _make_private_file(path: Path) -> None:
    """Make the file before SQLite would make it with any other mode; its WAL takes the same mode and owner."""
    try:
        make_private(path)
    except FileExistsError:
        if path.is_dir():
            raise StoreMisused(f"store.url names the folder {path}; name a file in it") from None
    except OSError as error:
        reason = "its folder does not exist" if error.errno == errno.ENOENT else (error.strerror or "unknown error").lower()
        failure = StoreFailure if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS) else StoreMisused
        raise failure(f"the store {path} cannot be made: {reason}") from error


def refuse_if_open_to_all(path: Path) -> None:
    """Raise ``StoreMisused`` where every user of the machine can read what is kept of people (H106); a file that is not there is none."""
    with suppress(FileNotFoundError):
        if path.stat().st_mode & stat.S_IRWXO:
            raise StoreMisused(f"{path} is open to every user of this machine: run `chmod 600 {path}`")


def _driver_error(engine: Engine) -> type[Exception]:
    error: type[Exception] = engine.dialect.loaded_dbapi.Error
    return error


def _set_pragmas(connection: Any, _record: object) -> None:
    _use_wal(connection)
    for pragma in ("synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _use_wal(connection: Any) -> None:
    """Turn WAL on. While another connection does the same, SQLite says "locked" at once and does not wait as it otherwise does."""
    gives_up = monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if (
                error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > gives_up
            ):  # the low byte: extended codes are kinds of it
                raise
            sleep(0.01)
        else:
            return


def _begin(connection: Connection) -> None:
    """Let who writes wait for its turn before the first statement: two who lock rows first and wait then may wait for each other."""
    reads = connection.get_execution_options().get("mailbot_reads", False)
    if connection.dialect.name == "postgresql" and not reads:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({TURN})")
    elif connection.dialect.name == "sqlite" and reads:
        connection.exec_driver_sql("BEGIN")
    elif connection.dialect.name == "sqlite":
        _lock_sqlite(connection)


def _lock_sqlite(connection: Connection) -> None:
    """Take the write lock. SQLite soon looks every 100 ms alone, and while others write without a pause might never find it free."""
    patience = int(connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one())
    gives_up = monotonic() + patience / 1000
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {min(LOOKS_EVERY_MS, patience)}")
    try:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            except OperationalError as error:
                if _sqlite_code(error) != sqlite3.SQLITE_BUSY or monotonic() > gives_up:
                    raise
            else:
                return
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {patience}")


def _make_or_check(database: Database) -> None:
    with database.read() as tx:
        revision = _revision(tx, database.address)
    if revision is None:
        with database.write() as tx:
            revision = _revision(tx, database.address) or _make(tx)
    if revision > SCHEMA:
        raise StoreMisused(_newer(database.address, revision))
    if revision < SCHEMA:
        raise StoreMisused(
            f"the store {database.address} has schema {revision} and this mailbot works with {SCHEMA}: run `mailbot store upgrade`"
        )


def _revision(tx: Connection, address: str) -> str | None:
    """Return the schema's revision, None of an empty database; a database that is somebody else's is refused."""
    names = inspect(tx).get_table_names()
    if not names:
        return None
    revision = tx.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() if "alembic_version" in names else None
    if revision is None or not _OUR_REVISION.fullmatch(revision) or "ledger" not in names:
        raise StoreMisused(f"the store {address} holds tables that are not mailbot's; give mailbot a database of its own")
    return str(revision)


def _make(tx: Connection) -> str:
    """Make the newest schema at once; a test keeps it equal to what the migrations make."""
    metadata.create_all(tx)
    tx.exec_driver_sql(MAILABLE.format(**TODAY[tx.dialect.name]))
    tx.exec_driver_sql(
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    tx.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": SCHEMA})
    return SCHEMA


def _newer(address: str, revision: str) -> str:
    return f"the store {address} has schema {revision} of a newer mailbot; this one works with {SCHEMA}: install the newer one"


def _sqlite_code(error: DBAPIError) -> int | None:
    """Return SQLite's primary result code; None on PostgreSQL."""
    code: int | None = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _is_the_worlds(error: DBAPIError) -> bool:
    """Tell whether the engine, its disk or the way to it failed, and not our statement. SQLite calls both OperationalError."""
    if getattr(error.orig, "sqlstate", None) in _MAY_NOT_WRITE:
        return True
    fails = isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError
    return fails and _sqlite_code(error) != sqlite3.SQLITE_ERROR
