"""Who may work in this store: one holder at a time, so that two instances never do the same work (H21)."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from storage.database import insert_new
from storage.tables import leases

LEASE_SECONDS = 60
"""How long a lease outlives its last renewal. A holder renews it three times in that time."""

NOBODY = ""


def holder_of(tx: Connection, name: str, now: datetime) -> str | None:
    """Return who holds the lease at ``now``; None if nobody does. Its row is held, so nobody takes it until the transaction ends."""
    insert_new(tx, leases, [{"name": name, "holder": NOBODY, "until": now}])
    row = tx.execute(select(leases.c.holder, leases.c.until).where(leases.c.name == name).with_for_update()).one()
    return row.holder if row.holder != NOBODY and row.until > now else None


def take_lease(tx: Connection, name: str, holder: str, now: datetime) -> None:
    """Give the lease to ``holder``; the caller has seen in this transaction, by ``holder_of``, that nobody living holds it."""
    tx.execute(update(leases).where(leases.c.name == name).values(holder=holder, until=now + timedelta(seconds=LEASE_SECONDS)))


def renew_lease(tx: Connection, name: str, holder: str, now: datetime) -> bool:
    """Prolong the lease; False if somebody else took it meanwhile."""
    until = now + timedelta(seconds=LEASE_SECONDS)
    return bool(tx.execute(update(leases).where(leases.c.name == name, leases.c.holder == holder).values(until=until)).rowcount)


def give_up_lease(tx: Connection, name: str, holder: str) -> None:
    """Let the next one in at once."""
    tx.execute(update(leases).where(leases.c.name == name, leases.c.holder == holder).values(holder=NOBODY))
