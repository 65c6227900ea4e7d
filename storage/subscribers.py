"""The subscriber store: who is on file, what they agreed to, and to whom nothing is sent any more."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from storage.database import insert_new, portions
from storage.tables import consents, contacts, subscribers, suppressions, systems

MESSAGES = "messages"
"""The scope of a suppression that stops every message to an address."""

NAME_FIELDS = ("surname", "given_name", "patronymic")


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person agreed to, since when, until when, and by what it can be shown."""

    scope: str
    since: date
    until: date | None = None
    evidence: str | None = None


@dataclass(frozen=True, slots=True)
class NewSubscriber:
    """A person to be put on file. Contacts are (kind, value, comparable form)."""

    names: Mapping[str, str]
    contacts: tuple[tuple[str, str, str], ...]
    consents: tuple[Consent, ...] = ()
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person on file."""

    id: int
    names: Mapping[str, str]
    contacts: tuple[tuple[str, str], ...]
    consents: tuple[Consent, ...]
    blocked_at: datetime | None
    more: Mapping[str, str]


def ids_by_email(tx: Connection, mailbox_keys: Iterable[str]) -> dict[str, int]:
    """Return which of the addresses are on file, in one look-up; an address of several people is the first one's."""
    found: dict[str, int] = {}
    for chosen in portions(mailbox_keys):
        emails = select(contacts.c.key, contacts.c.subscriber_id).where(contacts.c.kind == "email", contacts.c.key.in_(chosen))
        for row in tx.execute(emails.order_by(contacts.c.id)):
            found.setdefault(row.key, row.subscriber_id)
    return found


def add_subscribers(tx: Connection, new: Sequence[NewSubscriber], source: str, now: datetime) -> None:
    """Put people on file. The caller has seen that none of the addresses is on file already."""
    if not new:
        return
    rows = [{**{name: person.names.get(name) for name in NAME_FIELDS}, "more": dict(person.more), "since": now} for person in new]
    inserted = tx.execute(insert(subscribers).returning(subscribers.c.id, sort_by_parameter_order=True), rows)
    ids = [row.id for row in inserted]
    told = [
        {"subscriber_id": owner, "kind": kind, "value": value, "key": key, "source": source, "since": now}
        for owner, person in zip(ids, new, strict=True)
        for kind, value, key in person.contacts
    ]
    agreed = [
        {"subscriber_id": owner, "scope": each.scope, "since": each.since, "until": each.until, "evidence": each.evidence}
        for owner, person in zip(ids, new, strict=True)
        for each in person.consents
    ]
    if told:
        tx.execute(insert(contacts), told)
    if agreed:
        tx.execute(insert(consents), agreed)


def find_subscriber(tx: Connection, mailbox_key: str) -> Subscriber | None:
    """Return the person to whom the address belongs."""
    owner = ids_by_email(tx, [mailbox_key]).get(mailbox_key)
    if owner is None:
        return None
    row = tx.execute(select(subscribers).where(subscribers.c.id == owner)).one()
    told = tx.execute(select(contacts.c.kind, contacts.c.value).where(contacts.c.subscriber_id == owner).order_by(contacts.c.id))
    agreed = tx.execute(select(consents).where(consents.c.subscriber_id == owner).order_by(consents.c.id))
    return Subscriber(
        id=owner,
        names={name: row._mapping[name] for name in NAME_FIELDS if row._mapping[name]},
        contacts=tuple((each.kind, each.value) for each in told),
        consents=tuple(Consent(each.scope, each.since, each.until, each.evidence) for each in agreed),
        blocked_at=row.blocked_at,
        more=row.more,
    )


def stop_messages(tx: Connection, addresses: Mapping[str, bytes], now: datetime) -> None:
    """Suppress every message to the addresses (reference of the request → keyed hash of its sender); once a request is enough."""
    rows = [{"address_key": key, "scope": MESSAGES, "reference": reference, "since": now} for reference, key in addresses.items()]
    insert_new(tx, suppressions, rows)


def resume_messages(tx: Connection, reference: str, now: datetime) -> int:
    """Lift what a request suppressed, and nothing that another one did; return how many suppressions that were."""
    chosen = update(suppressions).where(suppressions.c.reference == reference, suppressions.c.lifted_at.is_(None))
    return tx.execute(chosen.values(lifted_at=now)).rowcount


def suppressed_since(tx: Connection, address_key: bytes) -> datetime | None:
    """Return since when nothing is sent to the address; None if nothing stands in the way."""
    chosen = select(func.min(suppressions.c.since)).where(suppressions.c.address_key == address_key, suppressions.c.lifted_at.is_(None))
    return tx.execute(chosen).scalar()


def stopped_by(tx: Connection, address_key: bytes) -> tuple[str, ...]:
    """Return the references of the requests because of which nothing is sent to the address."""
    active = (suppressions.c.address_key == address_key, suppressions.c.lifted_at.is_(None), suppressions.c.reference.is_not(None))
    return tuple(tx.execute(select(suppressions.c.reference).where(*active).order_by(suppressions.c.id)).scalars())


def end_consents(tx: Connection, owner: int, scopes: Sequence[str] | None, reference: str, day: date) -> int:
    """End the person's consents (those of the scopes, or all) on ``day``; return how many ended."""
    chosen = update(consents).where(consents.c.subscriber_id == owner, consents.c.until.is_(None) | (consents.c.until > day))
    if scopes is not None:
        chosen = chosen.where(consents.c.scope.in_(scopes))
    return tx.execute(chosen.values(until=day, ended_by=reference)).rowcount


def set_blocked(tx: Connection, owner: int, since: datetime | None) -> None:
    """Block the person's record from processing since then, or lift the block (None)."""
    tx.execute(update(subscribers).where(subscribers.c.id == owner).values(blocked_at=since))


def forget(tx: Connection, owner: int) -> None:
    """Destroy what is on file of the person: the row, the contacts and the consents. Suppressions stand: they name no one."""
    tx.execute(delete(subscribers).where(subscribers.c.id == owner))


def set_systems(tx: Connection, modes: Mapping[str, str], now: datetime) -> None:
    """Make the list of places that hold subscribers what the configuration says."""
    tx.execute(delete(systems).where(systems.c.name.not_in(list(modes))))
    insert_new(tx, systems, [{"name": name, "mode": mode, "since": now} for name, mode in modes.items()])
    for name, mode in modes.items():
        tx.execute(update(systems).where(systems.c.name == name, systems.c.mode != mode).values(mode=mode))
