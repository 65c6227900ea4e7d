"""What is over: consents that expired, purposes that ended, holds. What is done about it is ``storage.destruction``."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, exists, func, insert, or_, select, update

from storage.database import insert_new
from storage.destruction import Hindrance, hindrances, person_on_file
from storage.tables import amendments, consents, contacts, counters, destructions, requests, subscribers

PURPOSE = "purpose"
"""What a line names by which staff say that the purpose of a person's data has ended."""

LAST_DAY = "daily_job"
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ended:
    """A person on file whose data serve no purpose any more: since when, and what stands in the way of destroying them."""

    owner: int
    address: str | None
    on: date
    hindrances: tuple[Hindrance, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A legal hold: of a request, or of a person on file."""

    reference: str | None
    address: str | None
    why: str


def is_first_look(tx: Connection, day: date) -> bool:
    """Note that the job of the day begins; False if it began already."""
    insert_new(tx, counters, [{"name": LAST_DAY, "value": 0}])
    begins = update(counters).where(counters.c.name == LAST_DAY, counters.c.value < day.toordinal()).values(value=day.toordinal())
    return bool(tx.execute(begins).rowcount)


def expire_consents(tx: Connection, today: date, now: datetime) -> int:
    """End the consents whose last day is over; return how many."""
    over = (consents.c.until.is_(None), consents.c.expires_on < today)
    rows = tx.execute(select(consents.c.id, consents.c.subscriber_id, consents.c.scope, consents.c.expires_on).where(*over)).all()
    for row in rows:
        until = row.expires_on + ONE_DAY
        tx.execute(update(consents).where(consents.c.id == row.id).values(until=until))
        line = {"field": f"consent:{row.scope}", "old": None, "new": until.isoformat(), "why": "the consent expired"}
        tx.execute(insert(amendments).values(subscriber_id=row.subscriber_id, at=now, who="mailbot", **line))
    return len(rows)


def end_purpose(tx: Connection, owner: int, who: str, why: str, now: datetime) -> None:
    """Note what staff say: the data of this person serve no purpose any more."""
    line = {"field": PURPOSE, "old": None, "new": "ended", "why": why}
    tx.execute(insert(amendments).values(subscriber_id=owner, at=now, who=who, **line))


def purposes_ended(tx: Connection, today: date, zone: ZoneInfo) -> tuple[Ended, ...]:
    """Return whose data serve no purpose any more: staff said so, or the last consent on file has ended."""
    of_person = consents.c.subscriber_id == subscribers.c.id
    unended = consents.c.until.is_(None) | (consents.c.until > today)
    in_force = exists().where(of_person, unended, consents.c.expires_on.is_(None) | (consents.c.expires_on >= today))
    said_at = (
        select(func.max(amendments.c.at))
        .where(amendments.c.subscriber_id == subscribers.c.id, amendments.c.field == PURPOSE)
        .scalar_subquery()
    )
    last_until = select(func.max(consents.c.until)).where(of_person).scalar_subquery()
    over = or_(said_at.is_not(None), exists().where(of_person) & ~in_force)
    chosen = select(subscribers.c.id, said_at.label("said_at"), last_until.label("until"))
    chosen = chosen.where(subscribers.c.depersonalised_at.is_(None), over).order_by(subscribers.c.id)
    return tuple(
        Ended(
            row.id,
            _address(tx, row.id),
            row.said_at.astimezone(zone).date() if row.said_at else row.until or today,
            hindrances(tx, person_on_file(tx, row.id), None),
        )
        for row in tx.execute(chosen).all()
    )


def holds(tx: Connection) -> tuple[Held, ...]:
    """Return every legal hold, those of requests first."""
    of_requests = tx.execute(
        select(requests.c.reference, requests.c.legal_hold).where(requests.c.legal_hold.is_not(None)).order_by(requests.c.reference)
    )
    found = [Held(row.reference, None, row.legal_hold) for row in of_requests]
    of_people = select(subscribers.c.id, subscribers.c.legal_hold).where(subscribers.c.legal_hold.is_not(None)).order_by(subscribers.c.id)
    return (*found, *(Held(None, _address(tx, row.id), row.legal_hold) for row in tx.execute(of_people).all()))


def destroyed_since(tx: Connection, since: datetime) -> int:
    """Return how many addresses were destroyed or depersonalised since then."""
    return int(tx.execute(select(func.count()).where(destructions.c.at >= since)).scalar_one())


def _address(tx: Connection, owner: int) -> str | None:
    first = select(contacts.c.value).where(contacts.c.subscriber_id == owner, contacts.c.kind == "email").order_by(contacts.c.id)
    address: str | None = tx.execute(first.limit(1)).scalar()
    return address
