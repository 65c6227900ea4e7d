"""Changes of what is on file of a person. Each leaves a line: what it was, what it is, who changed it, when, why, and at whose request."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from rules.addresses import mailbox_key
from rules.details_change import Change
from storage.database import portions
from storage.evidence import keys_of
from storage.subscribers import NAME_FIELDS, Consent, ids_by_email, stop_alike
from storage.tables import amendments, consents, contacts, subscribers, suppressions

CONTACT_FIELDS = ("email", "phone")
BLOCKED = "blocked"
CONSENT = "consent:"
STOPPED = "suppressed:"
"""What a line names that is no detail of the person; behind the last two stands the scope."""


@dataclass(frozen=True, slots=True)
class Behind:
    """Who changes something, when and why, and the request that asked for it."""

    at: datetime
    who: str
    why: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Altered:
    """A value on file that was changed."""

    field: str
    old: str | None
    new: str | None


class Hindrance(StrEnum):
    """Why a change is not made."""

    OTHER_ON_FILE = "other_on_file"  # what it says stands on file does not
    SEVERAL_ON_FILE = "several_on_file"  # it does not say which of them
    BOTH_ON_FILE = "both_on_file"  # the old and the new one are this person's
    ANOTHER_PERSONS = "another_persons"  # the new address belongs to somebody else on file


@dataclass(frozen=True, slots=True)
class Conflict:
    """A change that was not made: a person has to look."""

    field: str
    new: str | None
    on_file: str | None
    why: Hindrance


@dataclass(frozen=True, slots=True)
class Amended:
    """What came of changes that were asked for. What stood on file already is in neither list."""

    altered: tuple[Altered, ...]
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True, slots=True)
class Amendment(Altered):
    """A line about a change."""

    at: datetime
    who: str
    why: str
    reference: str | None
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Wish:
    """A field's new value; None takes it away. ``old`` is None where nobody said what it was."""

    field: str
    old: str | None
    new: str | None


def amend(tx: Connection, owner: int, changes: Sequence[Change], behind: Behind) -> Amended:
    """Change details of a person as asked, and leave alone what does not fit to what is on file."""
    outcomes = [_alter(tx, owner, _Wish(str(each.field), each.old, each.new), behind) for each in changes]
    altered = tuple(each for each in outcomes if isinstance(each, Altered))
    _write(tx, [(owner, each) for each in altered], behind)
    return Amended(altered, tuple(each for each in outcomes if isinstance(each, Conflict)))


def undo(tx: Connection, reference: str, behind: Behind) -> Amended:
    """Put back what a request changed, once, and only where the value still is what the request made it."""
    not_undone = (amendments.c.reference == reference, amendments.c.undone_at.is_(None))
    undone: list[tuple[int, Altered]] = []
    conflicts: list[Conflict] = []
    for row in tx.execute(select(amendments).where(*not_undone).order_by(amendments.c.id.desc())).all():
        outcome = _take_back(tx, row, behind)
        if isinstance(outcome, Conflict):
            conflicts.append(outcome)
            continue
        tx.execute(update(amendments).where(amendments.c.id == row.id).values(undone_at=behind.at))
        if outcome is not None:
            undone.append((row.subscriber_id, outcome))
    _write(tx, undone, behind, undone_at=behind.at)  # what undoes is not undone in its turn
    return Amended(tuple(altered for _, altered in undone), tuple(conflicts))


def amendments_of(tx: Connection, owners: Iterable[int]) -> dict[int, list[Amendment]]:
    """Return every change of what is on file of the people, the oldest first."""
    found: dict[int, list[Amendment]] = {}
    for chosen in portions(owners):
        for row in tx.execute(select(amendments).where(amendments.c.subscriber_id.in_(chosen)).order_by(amendments.c.id)):
            fields = (row.field, row.old, row.new, row.at, row.who, row.why, row.reference, row.undone_at)
            found.setdefault(row.subscriber_id, []).append(Amendment(*fields))
    return found


def former_addresses(tx: Connection) -> dict[str, datetime]:
    """Return the addresses (``mailbox_key``) in whose place people have others by now, and since when."""
    replaced = (amendments.c.field == "email", amendments.c.old.is_not(None), amendments.c.undone_at.is_(None))
    rows = tx.execute(select(amendments.c.old, amendments.c.at).where(*replaced).order_by(amendments.c.id))
    return {mailbox_key(row.old): row.at for row in rows}


def set_blocked(tx: Connection, owner: int, since: datetime | None, behind: Behind) -> bool:
    """Block the person's record from processing since then, or lift the block (None); tell whether that is a change."""
    old = _blocked(tx, owner)
    if (old is None) == (since is None):
        return False
    tx.execute(update(subscribers).where(subscribers.c.id == owner).values(blocked_at=since))
    _write(tx, [(owner, Altered(BLOCKED, _iso(old), _iso(_blocked(tx, owner))))], behind)
    return True


def add_consent(tx: Connection, owner: int, consent: Consent, behind: Behind) -> None:
    """Put on file what a person agreed to. Promotion without evidence is no consent."""
    if consent.scope == "promotion" and not consent.evidence:
        raise ValueError("promotion needs a consent that can be shown")
    tx.execute(insert(consents).values(subscriber_id=owner, **asdict(consent)))
    _write(tx, [(owner, Altered(CONSENT + consent.scope, None, f"since {consent.since}"))], behind)


def end_consents(tx: Connection, owner: int, scopes: Sequence[str] | None, behind: Behind, day: date) -> int:
    """End the person's consents (those of the scopes, or all) on ``day``; return how many ended."""
    chosen = select(consents).where(consents.c.subscriber_id == owner, consents.c.until.is_(None) | (consents.c.until > day))
    if scopes is not None:
        chosen = chosen.where(consents.c.scope.in_(scopes))
    ended = tx.execute(chosen.order_by(consents.c.id)).all()
    marks = {"until": day, "ended_by": behind.reference}
    tx.execute(update(consents).where(consents.c.id.in_([row.id for row in ended])).values(marks))
    _write(tx, [(owner, Altered(CONSENT + row.scope, _iso(row.until), day.isoformat())) for row in ended], behind)
    return len(ended)


def stop_address(tx: Connection, address: str, scope: str, behind: Behind) -> bool:
    """Stop messages of a scope to an address though no request asks for it; tell whether that is a change."""
    key = mailbox_key(address)
    mine = (suppressions.c.address_key == keys_of(tx).of_address(key), suppressions.c.scope == scope, *_BY_STAFF)
    if tx.execute(select(suppressions.c.id).where(*mine)).first() is not None:
        return False
    row = {"address_key": keys_of(tx).of_address(key), "scope": scope, "since": behind.at, "address": address}
    tx.execute(insert(suppressions).values(row))
    _write(tx, [(owner, Altered(STOPPED + scope, None, address)) for owner in ids_by_email(tx, [key]).values()], behind)
    return True


def resume_address(tx: Connection, address: str, behind: Behind) -> int:
    """Lift what staff stopped for an address without a request; return how many stops that were."""
    key = mailbox_key(address)
    mine = (suppressions.c.address_key == keys_of(tx).of_address(key), *_BY_STAFF)
    scopes = list(tx.execute(select(suppressions.c.scope).where(*mine)).scalars())
    tx.execute(update(suppressions).where(*mine).values(lifted_at=behind.at))
    owners = ids_by_email(tx, [key]).values() if scopes else ()
    _write(tx, [(owner, Altered(STOPPED + scope, address, None)) for owner in owners for scope in scopes], behind)
    return len(scopes)


_BY_STAFF = (suppressions.c.reference.is_(None), suppressions.c.lifted_at.is_(None))


def _write(tx: Connection, altered: Sequence[tuple[int, Altered]], behind: Behind, undone_at: datetime | None = None) -> None:
    rows = [
        {"subscriber_id": owner, "field": each.field, "old": each.old, "new": each.new, "undone_at": undone_at} | asdict(behind)
        for owner, each in altered
    ]
    if rows:
        tx.execute(insert(amendments), rows)


def _take_back(tx: Connection, row: Row[Any], behind: Behind) -> Altered | Conflict | None:
    """Put back what stood before a change."""
    if row.field == BLOCKED:
        return _block_again(tx, row)
    if row.field.startswith(CONSENT):
        return _consent_again(tx, row)
    return _alter(tx, row.subscriber_id, _Wish(row.field, row.new, row.old), behind)


def _block_again(tx: Connection, row: Row[Any]) -> Altered | Conflict:
    stands = _iso(_blocked(tx, row.subscriber_id))
    if stands != row.new:
        return Conflict(BLOCKED, row.old, stands, Hindrance.OTHER_ON_FILE)
    blocked_at = datetime.fromisoformat(row.old) if row.old else None
    tx.execute(update(subscribers).where(subscribers.c.id == row.subscriber_id).values(blocked_at=blocked_at))
    return Altered(BLOCKED, row.new, row.old)


def _consent_again(tx: Connection, row: Row[Any]) -> Altered | Conflict:
    """Let a consent run on that the request ended; of several alike the last, for changes are undone from the last to the first."""
    scope = row.field.removeprefix(CONSENT)
    ended = (consents.c.subscriber_id == row.subscriber_id, consents.c.scope == scope, consents.c.ended_by == row.reference)
    last = tx.execute(select(func.max(consents.c.id)).where(*ended)).scalar()
    if last is None:
        return Conflict(row.field, row.old, None, Hindrance.OTHER_ON_FILE)
    until = date.fromisoformat(row.old) if row.old else None
    tx.execute(update(consents).where(consents.c.id == last).values(until=until, ended_by=None))
    return Altered(row.field, row.new, row.old)


def _blocked(tx: Connection, owner: int) -> datetime | None:
    blocked_at: datetime | None = tx.execute(select(subscribers.c.blocked_at).where(subscribers.c.id == owner)).scalar()
    return blocked_at


def _iso(value: date | None) -> str | None:
    return value.isoformat() if value else None


# --- details ---------------------------------------------------------------------------------------------------------
def _alter(tx: Connection, owner: int, wish: _Wish, behind: Behind) -> Altered | Conflict | None:
    return _alter_contact(tx, owner, wish, behind) if wish.field in CONTACT_FIELDS else _alter_detail(tx, owner, wish)


def _alter_detail(tx: Connection, owner: int, wish: _Wish) -> Altered | Conflict | None:
    """Change a part of the name, or one of the details that the policy lists besides."""
    row = tx.execute(select(subscribers).where(subscribers.c.id == owner)).one()
    on_file = row._mapping[wish.field] if wish.field in NAME_FIELDS else row.more.get(wish.field)
    if on_file == wish.new:
        return None
    if wish.old is not None and _folded(wish.old) != _folded(on_file or ""):
        return Conflict(wish.field, wish.new, on_file, Hindrance.OTHER_ON_FILE)
    more = {**row.more, wish.field: wish.new}
    values: Mapping[str, object] = (
        {wish.field: wish.new}
        if wish.field in NAME_FIELDS
        else {"more": {name: value for name, value in more.items() if value is not None}}
    )
    tx.execute(update(subscribers).where(subscribers.c.id == owner).values(values))
    return Altered(wish.field, on_file, wish.new)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _alter_contact(tx: Connection, owner: int, wish: _Wish, behind: Behind) -> Altered | Conflict | None:
    """Put an address or telephone number in the place of the old one; without an old one it is added."""
    mine = (contacts.c.subscriber_id == owner, contacts.c.kind == wish.field)
    on_file = {row.key: row for row in tx.execute(select(contacts).where(*mine).order_by(contacts.c.id))}
    stands = on_file.get(_key(wish.field, wish.new)) if wish.new else None
    if wish.old is not None:
        replaced = on_file.get(_key(wish.field, wish.old))
    else:
        replaced = stands or (next(iter(on_file.values())) if len(on_file) == 1 else None)
    if stands is not None and stands.value == wish.new and replaced in (None, stands):
        return None
    if why := _hindrance(tx, owner, wish, on_file, replaced):
        return Conflict(wish.field, wish.new, ", ".join(row.value for row in on_file.values()) or None, why)
    _put(tx, owner, wish, replaced, behind)
    return Altered(wish.field, replaced.value if replaced else None, wish.new)


def _hindrance(tx: Connection, owner: int, wish: _Wish, on_file: Mapping[str, Row[Any]], replaced: Row[Any] | None) -> Hindrance | None:
    if wish.old is not None and replaced is None:
        return Hindrance.OTHER_ON_FILE
    if len(on_file) > 1 and replaced is None:
        return Hindrance.SEVERAL_ON_FILE
    if wish.new is None:
        return None
    key = _key(wish.field, wish.new)
    if key in on_file and on_file[key] is not replaced:
        return Hindrance.BOTH_ON_FILE
    others = (contacts.c.kind == "email", contacts.c.key == key, contacts.c.subscriber_id != owner)
    taken = wish.field == "email" and tx.execute(select(contacts.c.id).where(*others).limit(1)).first() is not None
    return Hindrance.ANOTHER_PERSONS if taken else None


def _put(tx: Connection, owner: int, wish: _Wish, replaced: Row[Any] | None, behind: Behind) -> None:
    if wish.new is None:
        if replaced is not None:
            tx.execute(delete(contacts).where(contacts.c.id == replaced.id))
        return
    key = _key(wish.field, wish.new)
    address_key = keys_of(tx).of_address(key) if wish.field == "email" else None
    values = {"value": wish.new, "key": key, "address_key": address_key, "since": behind.at, "reference": behind.reference}
    values["source"] = "request" if behind.reference else "staff"
    if replaced is None:
        tx.execute(insert(contacts).values(subscriber_id=owner, kind=wish.field, **values))
        return
    tx.execute(update(contacts).where(contacts.c.id == replaced.id).values(values))
    if address_key is not None and replaced.address_key is not None:
        stop_alike(tx, replaced.address_key, address_key, wish.new)


def _key(field: str, value: str) -> str:
    """Return the form in which two equal contacts compare equal; a telephone number comes as + and digits."""
    return mailbox_key(value) if field == "email" else value
