"""The subscriber store: who is on file, what they agreed to, and to whom nothing is sent any more.

How what is on file changes, and the line that every change leaves, is ``storage.amendments``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    String,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from storage.database import insert_new, insertion, portions
from storage.evidence import keys_of
from storage.tables import consents, contacts, destructions, requests, subscribers, suppressions, systems

MESSAGES = "messages"
"""The scope of a suppression that stops every message to an address."""

NAME_FIELDS = ("surname", "given_name", "patronymic")
SCOPES = ("informing", "promotion", "publication", "transfer", "cross_border")
"""What a person may agree to. Promotion only counts with evidence."""

TRANSFER_SCOPES = ("transfer", "cross_border", "publication")
"""What ends where somebody forbids to pass data on."""

A_PAGE = 500
"""People that are read at once when all are."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person agreed to, since when, until when, and by what it can be shown."""

    scope: str
    since: date
    until: date | None = None  # the first day on which it was ended
    evidence: str | None = None
    expires_on: date | None = None  # the last day on which it holds by itself
    text_version: str | None = None
    source: str | None = None
    legal_ground: str | None = None
    recipients: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """An address or telephone number, and where mailbot has it from."""

    kind: str
    value: str
    source: str
    since: datetime
    reference: str | None = None


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
    contacts: tuple[Contact, ...]
    consents: tuple[Consent, ...]
    blocked_at: datetime | None
    more: Mapping[str, str]
    since: datetime
    legal_hold: str | None = None


@dataclass(frozen=True, slots=True)
class Destruction:
    """When somebody's data were destroyed or depersonalised, and the request that asked for it."""

    at: datetime
    how: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Messages of a scope are not sent to an address."""

    address_key: bytes
    address: str
    scope: str
    since: datetime
    reference: str | None
    lifted_at: datetime | None


# --- people ----------------------------------------------------------------------------------------------------------
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
    keys = keys_of(tx)
    rows = [{**{name: person.names.get(name) for name in NAME_FIELDS}, "more": dict(person.more), "since": now} for person in new]
    inserted = tx.execute(insert(subscribers).returning(subscribers.c.id, sort_by_parameter_order=True), rows)
    owned = list(zip([row.id for row in inserted], new, strict=True))
    told = [
        {"subscriber_id": owner, "kind": kind, "value": value, "key": key, "source": source, "since": now}
        | {"address_key": keys.of_address(key) if kind == "email" else None}
        for owner, person in owned
        for kind, value, key in person.contacts
    ]
    agreed = [{"subscriber_id": owner, **asdict(each)} for owner, person in owned for each in person.consents]
    if told:
        tx.execute(insert(contacts), told)
    if agreed:
        tx.execute(insert(consents), agreed)


def find_subscriber(tx: Connection, mailbox_key: str) -> Subscriber | None:
    """Return the person to whom the address belongs."""
    owner = ids_by_email(tx, [mailbox_key]).get(mailbox_key)
    return None if owner is None else _people(tx, [owner])[0]


def everybody(tx: Connection) -> Iterator[tuple[Subscriber, ...]]:
    """Yield all people on file, a page at a time, so that many need no more memory than few."""
    after = 0
    living = select(subscribers.c.id).where(subscribers.c.depersonalised_at.is_(None)).order_by(subscribers.c.id).limit(A_PAGE)
    while ids := tx.execute(living.where(subscribers.c.id > after)).scalars().all():
        yield _people(tx, ids)
        after = ids[-1]


def _people(tx: Connection, ids: Sequence[int]) -> tuple[Subscriber, ...]:
    told: dict[int, list[Contact]] = {owner: [] for owner in ids}
    agreed: dict[int, list[Consent]] = {owner: [] for owner in ids}
    for row in tx.execute(select(contacts).where(contacts.c.subscriber_id.in_(ids)).order_by(contacts.c.id)):
        told[row.subscriber_id].append(Contact(row.kind, row.value, row.source, row.since, row.reference))
    for row in tx.execute(select(consents).where(consents.c.subscriber_id.in_(ids)).order_by(consents.c.id)):
        agreed[row.subscriber_id].append(Consent(**{name: row._mapping[name] for name in Consent.__slots__}))
    rows = tx.execute(select(subscribers).where(subscribers.c.id.in_(ids)).order_by(subscribers.c.id))
    return tuple(
        Subscriber(
            id=row.id,
            names={name: row._mapping[name] for name in NAME_FIELDS if row._mapping[name]},
            contacts=tuple(told[row.id]),
            consents=tuple(agreed[row.id]),
            blocked_at=row.blocked_at,
            more=row.more,
            since=row.since,
            legal_hold=row.legal_hold,
        )
        for row in rows
    )


def destroyed_among(tx: Connection, address_keys: Iterable[bytes]) -> dict[bytes, Destruction]:
    """Return which of the addresses belonged to somebody whose data were destroyed, and the last time that they were."""
    found: dict[bytes, Destruction] = {}
    for chosen in portions(address_keys):
        for row in tx.execute(select(destructions).where(destructions.c.address_key.in_(chosen)).order_by(destructions.c.at)):
            found[bytes(row.address_key)] = Destruction(row.at, row.how, row.reference)
    return found


# --- suppressions ----------------------------------------------------------------------------------------------------
def stop_messages(tx: Connection, addresses: Mapping[str, bytes], now: datetime) -> None:
    """Suppress every message to the addresses (reference of the request → keyed hash of its sender); once a request is enough.

    Whoever asks has asked for all of their addresses that are on file.
    """
    key, asked = bindparam("key", type_=LargeBinary), bindparam("asked", type_=String)
    on_file = select(contacts.c.value).where(contacts.c.address_key == key).order_by(contacts.c.id).limit(1).scalar_subquery()
    wrote = select(requests.c.sender).where(requests.c.reference == asked, requests.c.sender_key == key).scalar_subquery()
    fields = {"address_key": key, "scope": MESSAGES, "reference": asked, "since": now, "address": func.coalesce(on_file, wrote)}
    one, other = contacts.alias(), contacts.alias()
    others = (
        select(other.c.address_key, suppressions.c.scope, suppressions.c.reference, literal(now, suppressions.c.since.type), other.c.value)
        .join_from(suppressions, one, one.c.address_key == suppressions.c.address_key)
        .join(other, and_(other.c.subscriber_id == one.c.subscriber_id, other.c.address_key != one.c.address_key))
        .where(suppressions.c.scope == MESSAGES, suppressions.c.lifted_at.is_(None))
    )
    for chosen in portions(addresses):
        tx.execute(
            insertion(tx, suppressions).values(fields).on_conflict_do_nothing(),
            [{"key": addresses[each], "asked": each} for each in chosen],
        )
        theirs = others.where(suppressions.c.reference.in_(chosen), suppressions.c.address_key.in_([addresses[each] for each in chosen]))
        tx.execute(insertion(tx, suppressions).from_select(list(fields), theirs).on_conflict_do_nothing())


def stop_alike(tx: Connection, old_key: bytes, new_key: bytes, new_address: str) -> None:
    """Stop for a person's new address what was stopped for the old one: with another address nobody has asked for messages again."""
    old, new = suppressions.alias(), suppressions.alias()
    stands = exists().where(
        new.c.address_key == new_key,
        new.c.scope == old.c.scope,
        new.c.reference.is_not_distinct_from(old.c.reference),
        new.c.lifted_at.is_(None),
    )
    kept = (old.c.scope, old.c.reference, old.c.since)
    alike = select(literal(new_key, LargeBinary), literal(new_address), *kept).where(
        old.c.address_key == old_key, old.c.lifted_at.is_(None), ~stands
    )
    tx.execute(insert(suppressions).from_select(["address_key", "address", *(each.name for each in kept)], alike))


def resume_messages(tx: Connection, reference: str, now: datetime) -> int:
    """Lift what a request suppressed, and nothing that another one did; return how many suppressions that were."""
    chosen = update(suppressions).where(suppressions.c.reference == reference, suppressions.c.lifted_at.is_(None))
    return tx.execute(chosen.values(lifted_at=now)).rowcount


def suppressed_since(tx: Connection, address_key: bytes) -> datetime | None:
    """Return since when nothing is sent to the address; None if nothing stands in the way."""
    return min((each.since for each in stops_of(tx, address_key) if each.scope == MESSAGES), default=None)


def suppressed_among(tx: Connection, address_keys: Iterable[bytes]) -> set[bytes]:
    """Return to which of the addresses nothing is sent."""
    found: set[bytes] = set()
    for chosen in portions(address_keys):
        active = (suppressions.c.address_key.in_(chosen), suppressions.c.scope == MESSAGES, suppressions.c.lifted_at.is_(None))
        found.update(map(bytes, tx.execute(select(suppressions.c.address_key).where(*active)).scalars()))
    return found


def suppressed_people(tx: Connection, owners: Sequence[int]) -> set[int]:
    """Return which people on file have an address to which nothing is sent."""
    stopped = select(contacts.c.subscriber_id).join(suppressions, suppressions.c.address_key == contacts.c.address_key)
    active = (contacts.c.subscriber_id.in_(owners), suppressions.c.scope == MESSAGES, suppressions.c.lifted_at.is_(None))
    return set(tx.execute(stopped.where(*active)).scalars())


def stopped_by(tx: Connection, address_key: bytes) -> tuple[str, ...]:
    """Return the references of the requests because of which nothing is sent to the address."""
    return tuple(dict.fromkeys(each.reference for each in stops_of(tx, address_key) if each.reference is not None))


def stops_of(tx: Connection, address_key: bytes) -> tuple[Stop, ...]:
    """Return what is not sent to an address, the oldest stop first; it is "" where only its keyed hash is left."""
    active = (suppressions.c.address_key == address_key, suppressions.c.lifted_at.is_(None))
    rows = tx.execute(select(*_STOP).where(*active).order_by(suppressions.c.id))
    return tuple(Stop(key, address or "", *more) for key, address, *more in rows)


def stops(tx: Connection, since: datetime | None) -> Iterator[Stop]:
    """Yield what is not sent to whom, the stops of an address together; with ``since`` only what began then or later, or was lifted.

    A stop that was lifted while another one of its scope stands is no news: the address stays stopped. What names nobody any more is
    left out: see ``count_nameless``.
    """
    other = suppressions.alias()
    still = exists().where(
        other.c.address_key == suppressions.c.address_key, other.c.scope == suppressions.c.scope, other.c.lifted_at.is_(None)
    )
    chosen: ColumnElement[bool] = suppressions.c.lifted_at.is_(None)
    if since is not None:
        chosen = or_(and_(chosen, suppressions.c.since >= since), and_(suppressions.c.lifted_at >= since, ~still))
    found = select(*_STOP).where(chosen, _ADDRESS.is_not(None)).order_by(suppressions.c.address_key, suppressions.c.id)
    for row in tx.execute(found, execution_options={"yield_per": A_PAGE}):
        yield Stop(*row)


def count_nameless(tx: Connection) -> int:
    """Count the addresses to which something is not sent and of which only the keyed hash is left."""
    hashes = select(func.count(suppressions.c.address_key.distinct()))
    return tx.execute(hashes.where(suppressions.c.lifted_at.is_(None), _ADDRESS.is_(None))).scalar_one()


_ON_FILE = select(contacts.c.value).where(contacts.c.address_key == suppressions.c.address_key).order_by(contacts.c.id).limit(1)
_ADDRESS = func.coalesce(suppressions.c.address, _ON_FILE.scalar_subquery())
_STOP = (suppressions.c.address_key, _ADDRESS, *(suppressions.c[name] for name in ("scope", "since", "reference", "lifted_at")))


# --- other systems ---------------------------------------------------------------------------------------------------
def set_systems(tx: Connection, modes: Mapping[str, str], now: datetime) -> None:
    """Make the list of places that hold subscribers what the configuration says."""
    tx.execute(delete(systems).where(systems.c.name.not_in(list(modes))))
    insert_new(tx, systems, [{"name": name, "mode": mode, "since": now} for name, mode in modes.items()])
    for name, mode in modes.items():
        tx.execute(update(systems).where(systems.c.name == name, systems.c.mode != mode).values(mode=mode))
