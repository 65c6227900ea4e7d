"""Scouring: the bytes that an engine leaves in its files of what was destroyed are overwritten (H107).

That it is due is counted in the transaction that destroys, so that no death in between forgets it.
"""

from sqlalchemy import Connection, insert, select, update

from storage.database import Database
from storage.tables import (
    amendments,
    changes,
    consents,
    contacts,
    corrections,
    counters,
    events,
    letters,
    notes,
    receipts,
    requests,
    subscribers,
    suppressions,
    tasks,
)

DUE = "scour_due"
TOUCHED = (
    amendments,
    changes,
    consents,
    contacts,
    corrections,
    events,
    letters,
    notes,
    receipts,
    requests,
    subscribers,
    suppressions,
    tasks,
)


def want(tx: Connection) -> None:
    """Count something that was destroyed."""
    counted = update(counters).where(counters.c.name == DUE).values(value=counters.c.value + 1)
    if not tx.execute(counted).rowcount:
        tx.execute(insert(counters).values(name=DUE, value=1))


def due_now(tx: Connection) -> int:
    """Return how often something was destroyed since the store was last scoured; what is destroyed meanwhile counts anew."""
    return int(tx.execute(select(counters.c.value).where(counters.c.name == DUE)).scalar() or 0)


def scour(database: Database) -> str | None:
    """Overwrite what the engine still holds of what was destroyed; return why it could not, or None.

    SQLite overwrites what it deletes (``secure_delete``), but copies of a row stay where pages were split: all is written anew, and
    the WAL emptied. PostgreSQL keeps dead rows until the tables are written anew; its own WAL is the administrator's.
    """
    with database.read() as tx:
        due, engine = due_now(tx), tx.dialect.name
    if not due:
        return None
    why_not = _scour_sqlite(database) if engine == "sqlite" else _scour_postgresql(database)
    if why_not is None:
        with database.write() as tx:
            tx.execute(update(counters).where(counters.c.name == DUE, counters.c.value == due).values(value=0))
    return why_not


def _scour_sqlite(database: Database) -> str | None:
    with database.bare() as connection:
        connection.execute("VACUUM")
        (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return "another program reads the store" if is_busy else None


def _scour_postgresql(database: Database) -> str | None:
    names = ", ".join(f"'{table.name}'::regclass" for table in TOUCHED)
    with database.bare() as connection:
        connection.autocommit = True
        others = f"SELECT count(*) FROM pg_class WHERE oid IN ({names}) AND NOT pg_has_role(relowner, 'USAGE')"  # noqa: S608 - our own names
        if connection.execute(others).fetchone()[0]:
            return f"its role owns no tables; let their owner type: VACUUM (FULL, ANALYZE) {', '.join(each.name for each in TOUCHED)}"
        for table in TOUCHED:
            connection.execute(f"VACUUM (FULL, ANALYZE) {table.name}")
    return None
