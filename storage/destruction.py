"""Destruction: of a person nothing is left but keyed hashes, days, scopes and references, which name nobody (H107).

What is on file goes at once. A request and its mail go when it is closed and every letter about it was accepted or given up, for the
last letter tells the person of the destruction itself: ``sweep`` does that, again and again. The bytes that an engine leaves in its
free pages are ``storage.scouring``'s.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, exists, func, select, update

from rules.addresses import mailbox_key
from rules.life import CLOSED, OPEN
from rules.vocabulary import Event
from storage import chain, register, scouring
from storage.database import insert_new, portions
from storage.evidence import keys_of
from storage.outbox import LetterState
from storage.tables import (
    amendments,
    changes,
    consents,
    contacts,
    corrections,
    destructions,
    events,
    ledger,
    letters,
    notes,
    receipts,
    requests,
    subscribers,
    suppressions,
    tasks,
)

SETTLED = (LetterState.ACCEPTED, LetterState.FAILED, LetterState.DROPPED)
"""The states out of which no letter goes on by itself. A doubtful one is still a person's to settle."""

OUR_WORDS = frozenset(
    {"what", "system", "rule", "to", "on_file", "suppressions_lifted", "consents", "how", "type", "was_met_by", "owed", "kind", "language"}
    | {"event", "on", "was", "now", "by", "lines"}
)
"""What stays of the detail of a request's history: words and days of ours. The rest may quote a message or name somebody."""


class How(StrEnum):
    """What becomes of what is on file; a policy may allow either."""

    DESTROYED = "destroyed"
    DEPERSONALISED = "depersonalised"


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a destruction concerns: the row on file, if there is one, and the keyed hashes of all addresses."""

    owner: int | None
    keys: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why nothing may be destroyed now: a hold (``why``) of the person or of a request, or a request that is still open."""

    reference: str | None
    why: str | None

    def __str__(self) -> str:
        """Say it to staff."""
        if self.why is None:
            return f"{self.reference} is open"
        return f"{self.reference or 'the person'} is on legal hold: {self.why}"


@dataclass(frozen=True, slots=True)
class Holding:
    """How much of a person is held, by kind, and the last request."""

    counted: Mapping[str, int]
    last_request: str | None


class MustWait(Exception):
    """Something stands in the way of a destruction."""

    def __init__(self, hindrances: Collection[Hindrance]) -> None:
        """Keep what it is."""
        self.hindrances = tuple(hindrances)
        super().__init__("; ".join(map(str, hindrances)))


def person_with(tx: Connection, mailbox_key: str) -> Person:
    """Return the person who has the address, on file or not."""
    found = select(contacts.c.subscriber_id).where(contacts.c.kind == "email", contacts.c.key == mailbox_key).order_by(contacts.c.id)
    owner = tx.execute(found.limit(1)).scalar()
    return person_on_file(tx, owner) if owner is not None else Person(None, frozenset({keys_of(tx).of_address(mailbox_key)}))


def person_on_file(tx: Connection, owner: int) -> Person:
    """Return a person on file with every address known, replaced ones too; what belongs to somebody else too is not taken for theirs."""
    keys, email = keys_of(tx), contacts.c.kind == "email"
    replaced = (amendments.c.field == "email", amendments.c.old.is_not(None), amendments.c.undone_at.is_(None))
    former = tx.execute(select(amendments.c.old).where(amendments.c.subscriber_id == owner, *replaced)).scalars()
    own = {*tx.execute(select(contacts.c.key).where(email, contacts.c.subscriber_id == owner)).scalars(), *map(mailbox_key, former)}
    shared = tx.execute(select(contacts.c.key).where(email, contacts.c.subscriber_id != owner, contacts.c.key.in_(own))).scalars()
    wrote_from = select(requests.c.sender_key).where(requests.c.subscriber_id == owner, requests.c.sender_key.is_not(None))
    found = {keys.of_address(each) for each in own} | set(tx.execute(wrote_from).scalars())
    return Person(owner, frozenset(found - {keys.of_address(each) for each in shared}))


def person_known_as(tx: Connection, key: bytes) -> Person:
    """Return the person whose address has this keyed hash."""
    owner = tx.execute(select(contacts.c.subscriber_id).where(contacts.c.address_key == key).order_by(contacts.c.id).limit(1)).scalar()
    return Person(owner, frozenset({key}) | (person_on_file(tx, owner).keys if owner is not None else frozenset()))


def requester(tx: Connection, reference: str) -> int | None:
    """Return whose request it is, if that is somebody on file."""
    owner: int | None = tx.execute(select(requests.c.subscriber_id).where(requests.c.reference == reference)).scalar()
    return owner


def hindrances(tx: Connection, person: Person, behind: str | None) -> tuple[Hindrance, ...]:
    """Return what stands in the way: holds, and open requests other than the one ``behind`` the destruction."""
    hold = tx.execute(select(subscribers.c.legal_hold).where(subscribers.c.id == person.owner)).scalar()
    found = [Hindrance(None, hold)] if hold else []
    columns = (requests.c.reference, requests.c.state, requests.c.legal_hold, requests.c.event)
    for row in tx.execute(select(*columns).where(_of(person)).order_by(requests.c.reference)):
        if row.legal_hold:
            found.append(Hindrance(row.reference, row.legal_hold))
        elif row.state in OPEN and row.reference != behind and row.event != Event.PURPOSE_ENDED:  # which demands just this
            found.append(Hindrance(row.reference, None))
    return tuple(found)


def holding(tx: Connection, person: Person) -> Holding:
    """Count what is held of a person that names somebody."""

    def many(table: Table, *wanted: ColumnElement[bool]) -> int:
        return int(tx.execute(select(func.count()).select_from(table).where(*wanted)).scalar_one())

    references = tx.execute(select(requests.c.reference).where(_of(person), _remains()).order_by(requests.c.reference)).scalars().all()
    theirs = letters.c.recipient_key.in_(person.keys) | letters.c.reference.in_(references)
    counted = {table.name: many(table, table.c.subscriber_id == person.owner) for table in (contacts, consents, amendments)}
    counted |= {
        "requests": len(references),
        "messages": many(receipts, receipts.c.reference.in_(references) | receipts.c.sender_key.in_(person.keys), receipts.c.header != b""),
        "letters": many(letters, theirs, letters.c.content != b""),
    }
    return Holding(counted, max(references, default=None))


def destroy(tx: Connection, person: Person, how: How, behind: str | None, now: datetime) -> None:
    """Destroy or depersonalise a person; raise ``MustWait`` where something stands in the way."""
    if found := hindrances(tx, person, behind):
        raise MustWait(found)
    _forget(tx, person, how, behind, now)
    sweep(tx, now)


def destroy_again(tx: Connection, person: Person, how: How, at: datetime, now: datetime) -> bool:
    """Destroy whom an old backup brought back: what was there ``at`` that moment, open or not; tell whether anything was.

    What a restored store still wants to send went out long ago, or was given up.
    """
    references = tx.execute(select(requests.c.reference).where(_of(person), requests.c.received_at <= at, _remains())).scalars().all()
    known = exists().where(destructions.c.address_key.in_(person.keys), destructions.c.at == at)
    if person.owner is None and not references and tx.execute(select(known)).scalar():
        return False
    _forget(tx, person, how, None, at)
    about = letters.c.reference.in_(references) | (letters.c.recipient_key.in_(person.keys) & (letters.c.queued_at <= at))
    gone = {"state": LetterState.DROPPED, "settled_at": now}
    tx.execute(update(letters).where(about, letters.c.state.not_in(SETTLED)).values(gone))
    _wipe(tx, references, now)
    register.note(tx, [(reference, "destroyed_again", "mailbot", {}) for reference in references], now)
    sweep(tx, now)
    return True


def sweep(tx: Connection, now: datetime) -> int:
    """Wipe the requests and letters of the destroyed that are needed no longer; return how many rows that were."""
    if tx.execute(select(destructions.c.id).limit(1)).first() is None:  # it is asked every few seconds, and mostly there is nobody
        return 0
    chain.enter_letters(tx)  # as long as they can be read
    keys, behind = select(destructions.c.address_key), select(destructions.c.reference).where(destructions.c.reference.is_not(None))
    before = exists().where(destructions.c.address_key == requests.c.sender_key, requests.c.received_at <= destructions.c.at)
    waits = exists().where(letters.c.reference == requests.c.reference, letters.c.state.not_in(SETTLED))
    theirs = requests.c.reference.in_(behind) | (requests.c.sender_key.in_(keys) & before)
    over = (requests.c.state.in_(CLOSED), _not_held(), theirs, ~waits, _remains())
    references = tx.execute(select(requests.c.reference).where(*over)).scalars().all()
    _wipe(tx, references, now)
    wiped = len(references) + _wipe_letters(tx)
    if wiped:
        scouring.want(tx)
    return wiped


def _wipe_letters(tx: Connection) -> int:
    """Wipe what went to the destroyed before, and the digests until then: one may name senders, and nobody reads it here any more."""
    settled = update(letters).where(letters.c.state.in_(SETTLED), letters.c.content != b"").values(_NO_LETTER)
    before = exists().where(destructions.c.address_key == letters.c.recipient_key, letters.c.queued_at <= destructions.c.at)
    is_needed = exists().where(requests.c.reference == letters.c.reference, requests.c.state.in_(OPEN))
    to_them = letters.c.recipient_key.in_(select(destructions.c.address_key)) & before & ~is_needed
    last = select(func.max(destructions.c.at)).scalar_subquery()
    digests = letters.c.reference.is_(None) & (letters.c.queued_at <= last)
    return sum(tx.execute(settled.where(chosen)).rowcount for chosen in (to_them, digests))


def expire_requests(tx: Connection, closed_before: datetime, now: datetime) -> int:
    """Wipe the requests that were closed before then; return how many."""
    over = (requests.c.state.in_(CLOSED), requests.c.closed_at < closed_before, _not_held(), _remains())
    references = tx.execute(select(requests.c.reference).where(*over)).scalars().all()
    _wipe(tx, references, now)
    for chosen in portions(references):
        tx.execute(update(requests).where(requests.c.reference.in_(chosen)).values(sender_key=None))
        tx.execute(update(receipts).where(receipts.c.reference.in_(chosen)).values(sender_key=None, domain_key=None))
    if references:
        scouring.want(tx)
    return len(references)


def expire_raw_mail(tx: Connection, received_before: datetime) -> int:
    """Drop the messages as they came of closed requests, and all of mail that opened none and that nobody has to look at; count them."""
    old = receipts.c.received_at < received_before
    closed = exists().where(requests.c.reference == receipts.c.reference, requests.c.state.in_(CLOSED), _not_held())
    raw = tx.execute(update(receipts).where(old, receipts.c.raw.is_not(None), closed).values(raw=None)).rowcount
    aside = exists().where(*_same_place(), ledger.c.outcome == "shunted", ledger.c.reason != "settled_by_staff")
    loose = select(receipts.c.id).where(old, receipts.c.reference.is_(None), receipts.c.header != b"", ~aside)
    ids = tx.execute(loose).scalars().all()
    _wipe_receipts(tx, ids)
    if raw or ids:
        scouring.want(tx)
    return raw + len(ids)


def hold_request(tx: Connection, reference: str, why: str | None) -> bool:
    """Let nothing of a request be destroyed, or lift the hold (None); False if there is no such request."""
    return bool(tx.execute(update(requests).where(requests.c.reference == reference).values(legal_hold=why)).rowcount)


def hold_person(tx: Connection, owner: int, why: str | None) -> None:
    """Let nothing of a person be destroyed, or lift the hold (None)."""
    tx.execute(update(subscribers).where(subscribers.c.id == owner).values(legal_hold=why))


# --- parts -----------------------------------------------------------------------------------------------------------
_NO_LETTER = {"recipient": "", "domain": "", "envelope_sender": "", "content": b"", "reply": None}
_NO_MESSAGE: dict[str, Any] = {"header": b"", "text": None, "raw": None, "attachments": []}
_NO_PROOF = ("evidence", "text_version", "source", "legal_ground", "recipients", "ended_by")
"""What of a consent may name somebody, or lead to somebody."""


def _of(person: Person) -> ColumnElement[bool]:
    theirs: ColumnElement[bool] = requests.c.sender_key.in_(person.keys)
    return theirs if person.owner is None else theirs | (requests.c.subscriber_id == person.owner)


def _remains() -> ColumnElement[bool]:
    """Tell whether a request still names somebody."""
    return requests.c.sender.is_not(None) | exists().where(receipts.c.reference == requests.c.reference, receipts.c.header != b"")


def _not_held() -> ColumnElement[bool]:
    held = select(subscribers.c.id).where(subscribers.c.legal_hold.is_not(None))
    return requests.c.legal_hold.is_(None) & (requests.c.subscriber_id.is_(None) | requests.c.subscriber_id.not_in(held))


def _forget(tx: Connection, person: Person, how: How, behind: str | None, at: datetime) -> None:
    """Take from the file what is on it, keep the proof with a request, and note the keyed hashes of the destroyed."""
    _wipe_receipts(tx, _loose_mail(tx, person))
    if proof := _proof(tx, person, at.date()):
        newest = select(func.max(requests.c.reference)).where(_of(person))
        if reference := behind or tx.execute(newest).scalar():
            register.note(tx, [(reference, "proof_kept", "mailbot", {"how": how, "consents": proof})], at)
    tx.execute(update(suppressions).where(suppressions.c.address_key.in_(person.keys)).values(address=None))
    if person.owner is not None:
        tx.execute(update(requests).where(requests.c.subscriber_id == person.owner).values(subscriber_id=None))
        _take_off_file(tx, person.owner, how, at)
    insert_new(tx, destructions, [{"address_key": key, "at": at, "how": how, "reference": behind} for key in sorted(person.keys)])
    scouring.want(tx)


def _take_off_file(tx: Connection, owner: int, how: How, at: datetime) -> None:
    if how is How.DEPERSONALISED:
        _depersonalise(tx, owner, at)
    else:
        tx.execute(delete(subscribers).where(subscribers.c.id == owner))


def _depersonalise(tx: Connection, owner: int, at: datetime) -> None:
    """Leave the row and the scopes and days of its consents, and nothing that leads to a person."""
    for table in (contacts, amendments):
        tx.execute(delete(table).where(table.c.subscriber_id == owner))
    tx.execute(update(consents).where(consents.c.subscriber_id == owner).values(dict.fromkeys(_NO_PROOF)))
    tx.execute(update(consents).where(consents.c.subscriber_id == owner, consents.c.until.is_(None)).values(until=at.date()))
    nobody: dict[str, Any] = {"surname": None, "given_name": None, "patronymic": None, "more": {}, "depersonalised_at": at}
    tx.execute(update(subscribers).where(subscribers.c.id == owner).values(nobody))


def _proof(tx: Connection, person: Person, day: date) -> list[dict[str, str | None]]:
    """Return which consents there were, from when until when, and by which request each ended (Law 94-V art. 25(2)(5))."""
    agreed = select(consents).where(consents.c.subscriber_id == person.owner).order_by(consents.c.id)
    return [
        {"scope": row.scope, "since": row.since.isoformat(), "until": (row.until or day).isoformat(), "ended_by": row.ended_by}
        for row in tx.execute(agreed)
    ]


def _loose_mail(tx: Connection, person: Person) -> list[int]:
    """Return the kept messages of no request that are from the person, or name one of the person's addresses: they could not be read."""
    named = select(contacts.c.key).where(contacts.c.kind == "email", contacts.c.subscriber_id == person.owner)
    senders = select(func.lower(requests.c.sender)).where(_of(person), requests.c.sender.is_not(None))
    held = select(suppressions.c.address).where(suppressions.c.address_key.in_(person.keys), suppressions.c.address.is_not(None))
    told = {each.lower().encode() for chosen in (named, senders, held) for each in tx.execute(chosen).scalars()}
    found = []
    for row in tx.execute(select(receipts).where(receipts.c.reference.is_(None), receipts.c.header != b"")):
        kept = b"\n".join((row.header, row.raw or b"", (row.text or "").encode("utf-8", "surrogatepass"))).lower()
        if row.sender_key in person.keys or any(address in kept for address in told):
            found.append(row.id)
    return found


def _wipe(tx: Connection, references: Collection[str], now: datetime) -> None:
    """Leave of requests what the register needs to show that each promise was kept: type, days, state, obligations, keyed hashes."""
    wiped: defaultdict[str, list[int]] = defaultdict(list)
    if references:
        chain.enter_letters(tx)  # as long as they can be read
    for chosen in portions(references):
        tx.execute(delete(changes).where(changes.c.reference.in_(chosen)))
        tx.execute(update(tasks).where(tasks.c.reference.in_(chosen)).values(payload={}, reply=None))
        tx.execute(update(corrections).where(corrections.c.reference.in_(chosen)).values(was_reason=""))
        for reference, number in _wipe_history(tx, events.c.reference.in_(chosen)):
            wiped[reference].append(number)
        tx.execute(update(letters).where(letters.c.reference.in_(chosen), letters.c.state.in_(SETTLED)).values(_NO_LETTER))
        _wipe_receipts(tx, tx.execute(select(receipts.c.id).where(receipts.c.reference.in_(chosen))).scalars())
        nobody = {"sender": None, "matched": None, "reason": "", "subscriber_id": None}
        tx.execute(update(requests).where(requests.c.reference.in_(chosen)).values(nobody))
    register.note(tx, [(reference, chain.EMPTIED, "mailbot", {"lines": wiped[reference]}) for reference in references], now)


def _wipe_history(tx: Connection, about: ColumnElement[bool]) -> Iterator[tuple[str, int]]:
    """Keep of each line when, what and who; of its detail only words of ours. What is shortened so loses its salt: it is proven no more.

    Yield the reference and the number of each such line.
    """
    for row in tx.execute(select(events.c.id, events.c.reference, events.c.detail).where(about).order_by(events.c.id)).all():
        kept: Mapping[str, object] = {name: value for name, value in row.detail.items() if name in OUR_WORDS}
        if kept != row.detail:
            tx.execute(update(events).where(events.c.id == row.id).values(detail=kept, salt=None))
            yield row.reference, row.id


def _wipe_receipts(tx: Connection, ids: Iterable[int]) -> None:
    """Leave of kept messages when they came and the keyed hashes by which a second copy is known; of notes on them who and when."""
    for chosen in portions(ids):
        aside = select(ledger.c.id).where(exists().where(receipts.c.id.in_(chosen), *_same_place()))
        tx.execute(update(notes).where(notes.c.ledger_id.in_(aside)).values(detail={}))
        tx.execute(update(receipts).where(receipts.c.id.in_(chosen)).values(_NO_MESSAGE))


def _same_place() -> tuple[ColumnElement[bool], ...]:
    return tuple(ledger.c[name] == receipts.c[name] for name in ("inbox", "folder", "uidvalidity", "uid"))
