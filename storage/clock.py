"""What the store remembers of the clock: when it was last looked at, and what was done by one that stood ahead (H99)."""

from datetime import UTC, date, datetime

from sqlalchemy import Connection, select, update

from storage.database import insert_new
from storage.tables import counters, letters

LAST_LOOK = "clock_looked_at"


def last_look(tx: Connection) -> datetime | None:
    """Return what the clock showed when it was last looked at."""
    seconds = tx.execute(select(counters.c.value).where(counters.c.name == LAST_LOOK)).scalar()
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def look(tx: Connection, now: datetime) -> None:
    """Note what the clock shows."""
    seconds = int(now.timestamp())
    insert_new(tx, counters, [{"name": LAST_LOOK, "value": seconds}])
    tx.execute(update(counters).where(counters.c.name == LAST_LOOK).values(value=seconds))


def take_back_digests(tx: Connection, beginning: str, today: date) -> int:
    """Let the digests of days that have not come count as those of no day, so that each day still gets its own; return how many letters.

    ``beginning`` is how their causes begin, before the day.
    """
    rows = tx.execute(select(letters.c.id, letters.c.cause).where(letters.c.cause.startswith(beginning, autoescape=True))).all()
    early = [row for row in rows if row.cause[len(beginning) :][:10] > today.isoformat()]
    for row in early:
        tx.execute(update(letters).where(letters.c.id == row.id).values(cause=f"early {row.id}"))
    return len(early)
