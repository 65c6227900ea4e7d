"""What is held of one person, for the answer to an access request: that person's rows alone (Law 94-V art. 24).

Who is meant is looked up by the address on file, never by what a message says (H48, H68). How it is told is ``mailbot.access``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, Table, exists, select

from rules.life import OPEN
from rules.vocabulary import Duty, Outcome, RequestType, State
from storage.database import portions
from storage.evidence import keys_of
from storage.tables import amendments, consents, contacts, obligations, requests, subscribers, suppressions

RowOf = TypeVar("RowOf", "HeldContact", "HeldConsent", "HeldAmendment", "HeldRequest")


@dataclass(frozen=True, slots=True)
class OnFile:
    """An address as it is stored, and whose it is."""

    subscriber_id: int
    address: str


@dataclass(frozen=True, slots=True)
class HeldContact:
    """An address or a telephone number, and where it is from; the fields of these values are columns of their tables."""

    kind: str
    value: str
    source: str
    since: datetime


@dataclass(frozen=True, slots=True)
class HeldConsent:
    """What the person agreed to, and by what it can be shown."""

    scope: str
    since: date
    until: date | None
    expires_on: date | None
    text_version: str | None
    source: str | None
    legal_ground: str | None
    recipients: str | None
    evidence: str | None
    ended_by: str | None


@dataclass(frozen=True, slots=True)
class HeldAmendment:
    """A change of what is on file. Which of the staff made it is left out: that is another person."""

    at: datetime
    field: str
    old: str | None
    new: str | None
    why: str
    reference: str | None
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class HeldRequest:
    """A request of the person."""

    reference: str
    type: str | None
    state: str
    received_on: date
    due: date | None
    confirmed_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class HeldSuppression:
    """A stop of messages to one of the person's addresses; the request behind it may be that of somebody who shares the address."""

    address: str
    scope: str
    since: datetime
    lifted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Held:
    """Everything that is on file of one person."""

    since: datetime
    details: Mapping[str, str]
    contacts: tuple[HeldContact, ...]
    consents: tuple[HeldConsent, ...]
    amendments: tuple[HeldAmendment, ...]
    requests: tuple[HeldRequest, ...]
    suppressions: tuple[HeldSuppression, ...]
    blocked_at: datetime | None
    legal_hold: str | None


def on_file(tx: Connection, mailbox_key: str) -> tuple[OnFile, ...]:
    """Return whose the address is: several people may share one."""
    found = select(contacts.c.subscriber_id, contacts.c.value).where(contacts.c.kind == "email", contacts.c.key == mailbox_key)
    return tuple(OnFile(*row) for row in tx.execute(found.order_by(contacts.c.id)))


def what_is_held(tx: Connection, subscriber_id: int) -> Held:
    """Return everything that is on file of this person."""
    person = tx.execute(select(subscribers).where(subscribers.c.id == subscriber_id)).one()
    names = {name: person._mapping[name] for name in ("surname", "given_name", "patronymic")}
    own = {table: table.c.subscriber_id == subscriber_id for table in (contacts, consents, amendments, requests)}
    return Held(
        since=person.since,
        details={name: str(value) for name, value in {**names, **person.more}.items() if value},
        contacts=_rows(tx, HeldContact, contacts, own[contacts], contacts.c.id),
        consents=_rows(tx, HeldConsent, consents, own[consents], consents.c.id),
        amendments=_rows(tx, HeldAmendment, amendments, own[amendments], amendments.c.id),
        requests=_rows(tx, HeldRequest, requests, own[requests], requests.c.received_at, requests.c.reference),
        suppressions=_suppressions(tx, subscriber_id),
        blocked_at=person.blocked_at,
        legal_hold=person.legal_hold,
    )


def exports_ready(tx: Connection, references: Iterable[str]) -> frozenset[str]:
    """Return which of the requests are for the data of a person on file, and wait for staff to release them."""
    owed = exists().where(
        obligations.c.reference == requests.c.reference, obligations.c.what == Duty.ANSWER, obligations.c.met_at.is_(None)
    )
    from_one_on_file = requests.c.subscriber_id.is_not(None) | exists().where(contacts.c.address_key == requests.c.sender_key)
    asked = (requests.c.type == RequestType.ACCESS) & (requests.c.outcome == Outcome.REQUEST)
    ready = select(requests.c.reference).where(asked, requests.c.state.in_(OPEN - {State.AWAITING_SENDER}), owed, from_one_on_file)
    return frozenset(
        each for chosen in portions(references) for each in tx.execute(ready.where(requests.c.reference.in_(chosen))).scalars()
    )


def _rows(tx: Connection, kind: type[RowOf], table: Table, own: ColumnElement[bool], *order: ColumnElement[object]) -> tuple[RowOf, ...]:
    names = [table.c[each.name] for each in fields(kind)]
    return tuple(kind(*row) for row in tx.execute(select(*names).where(own).order_by(*order)))


def _suppressions(tx: Connection, subscriber_id: int) -> tuple[HeldSuppression, ...]:
    """Return the stops of messages to the person's addresses: these are kept by keyed hash, so that they outlive the person's rows."""
    emails = tx.execute(
        select(contacts.c.key, contacts.c.value).where(contacts.c.subscriber_id == subscriber_id, contacts.c.kind == "email")
    )
    keys = keys_of(tx)
    addresses = {keys.of_address(row.key): row.value for row in emails}
    found: list[HeldSuppression] = []
    for chosen in portions(addresses):
        rows = select(suppressions).where(suppressions.c.address_key.in_(chosen)).order_by(suppressions.c.id)
        found.extend(HeldSuppression(addresses[row.address_key], row.scope, row.since, row.lifted_at) for row in tx.execute(rows))
    return tuple(found)
