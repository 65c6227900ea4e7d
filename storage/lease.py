"""Who may work in this store: one holder at a time, so that two instances never do the same work (H21)."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from storage.tables import leases

LEASE_SECONDS = 60
"""How long a lease outlives its last renewal. A holder renews it three times in that time."""


def holder_of(tx: Connection, name: str, now: datetime) -> str | None:
    """Return who holds the lease at ``now``; None if nobody does."""
    row = tx.execute(select(leases.c.holder, leases.c.until).where(leases.c.name == name)).one_or_none()
    return row.holder if row and row.until > now else None


def take_lease(tx: Connection, name: str, holder: str, now: datetime) -> None:
    """Give the lease to ``holder``; the caller has seen that nobody living holds it."""
    until = now + timedelta(seconds=LEASE_SECONDS)
    if not tx.execute(update(leases).where(leases.c.name == name).values(holder=holder, until=until)).rowcount:
        tx.execute(insert(leases).values(name=name, holder=holder, until=until))


def renew_lease(tx: Connection, name: str, holder: str, now: datetime) -> bool:
    """Prolong the lease; False if somebody else took it meanwhile."""
    until = now + timedelta(seconds=LEASE_SECONDS)
    return bool(tx.execute(update(leases).where(leases.c.name == name, leases.c.holder == holder).values(until=until)).rowcount)


def give_up_lease(tx: Connection, name: str, holder: str) -> None:
    """Let the next one in at once."""
    tx.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))
