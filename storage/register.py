"""The request register: what was asked, what is owed and by when, and everything that happened to it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, Row, exists, func, insert, select, true, update

from rules.details_change import Change, Field
from rules.life import CLOSED, OPEN
from rules.matching import KnownRequest, Picture, Pointers, references_named
from rules.place import Place
from rules.reference import reference as make_reference
from rules.vocabulary import Certainty, Language, Outcome, RequestType, Standing, State
from storage import chain
from storage.database import insert_new, portions
from storage.tables import changes, counters, events, letters, obligations, receipts, requests


@dataclass(frozen=True, slots=True)
class NewObligation:
    """What is owed for a request, as it was counted on the day of receipt."""

    what: str
    system: str
    source: str
    starts: str
    due: date | None
    arithmetic: str
    losing: tuple[Mapping[str, object], ...]
    is_met: bool
    trigger: str | None = None
    """The request type or the event that it follows from; None: whatever the message may be."""
    started_at: datetime | None = None
    """The moment that it is counted from; None: that is not known yet."""
    clause: str | None = None
    mark: str | None = None
    """How surely the limit is known (``rules.vocabulary.SourceMark``)."""


@dataclass(frozen=True, slots=True)
class NewRequest:
    """An entry that the register does not hold yet."""

    reference: str
    place: Place
    type: RequestType | None
    outcome: Outcome
    state: State
    language: Language | None
    standing: Standing
    received_at: datetime
    received_on: date
    due: date | None
    rule: str
    reason: str
    matched: str | None
    clause: str | None
    certainty: Certainty | None
    may_be: tuple[RequestType, ...]
    policy: str
    policy_version: str
    sender: str | None
    sender_key: bytes | None
    subscriber_id: int | None
    flags: tuple[str, ...]
    obligations: tuple[NewObligation, ...]
    proof: str | None = None
    """What the standing rests on (``rules.authentication.Proof``)."""
    event: str | None = None
    """What staff entered and no mail told; such an entry has no type."""
    channel: str | None = None
    """How it came: None by e-mail, else its place names no message."""


@dataclass(frozen=True, slots=True)
class Owed:
    """An obligation as the register holds it."""

    id: int
    what: str
    system: str
    source: str
    starts: str
    due: date | None
    arithmetic: str
    losing: tuple[Mapping[str, object], ...]
    met_at: datetime | None
    met_by: str | None
    trigger: str | None
    started_at: datetime | None
    clause: str | None
    mark: str | None


@dataclass(frozen=True, slots=True)
class Registered:
    """A request as the register holds it."""

    reference: str
    type: RequestType | None
    outcome: Outcome
    state: State
    language: Language | None
    standing: Standing
    received_at: datetime
    received_on: date
    due: date | None
    postponed_to: date | None
    rule: str
    reason: str
    matched: str | None
    clause: str | None
    certainty: str | None
    may_be: tuple[RequestType, ...]
    policy: str
    policy_version: str
    sender: str | None
    sender_key: bytes | None
    subscriber_id: int | None
    flags: tuple[str, ...]
    place: Place
    obligations: tuple[Owed, ...]
    proof: str | None = None
    confirmed_at: datetime | None = None
    """When the sender confirmed it by a one-time code."""
    legal_hold: str | None = None
    """Why nothing of it may be destroyed now."""
    event: str | None = None
    """What staff entered and no mail told; such an entry has no type."""
    channel: str | None = None
    """How it came: None by e-mail, else its place names no message."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a request's history."""

    at: datetime
    what: str
    who: str
    detail: Mapping[str, object]


class Numbering:
    """Hands out references within one transaction; the counter's row is held until it ends."""

    def __init__(self, tx: Connection) -> None:
        """Numbers are taken from the store only when the first one is asked for."""
        self._tx = tx
        self._next: dict[int, int] = {}

    def next(self, year: int) -> str:
        """Return a reference of that year that no request has."""
        number = self._next.get(year) or self._last(year) + 1
        self._next[year] = number + 1
        return make_reference(year, number)

    def close(self) -> None:
        """Write back how far the numbers were used."""
        for year, following in self._next.items():
            self._tx.execute(update(counters).where(counters.c.name == f"request:{year}").values(value=following - 1))

    def _last(self, year: int) -> int:
        insert_new(self._tx, counters, [{"name": f"request:{year}", "value": 0}])
        chosen = select(counters.c.value).where(counters.c.name == f"request:{year}").with_for_update()
        return int(self._tx.execute(chosen).scalar_one())


def is_told_nothing(kind: str | None, flags: Iterable[str]) -> bool:
    """Tell whether a request is not acknowledged although its sender is believed: the same once more is not acknowledged either."""
    return kind == RequestType.AUTHORITY_INQUIRY or not {"too_old", "renumbered", "no_letter_possible"}.isdisjoint(flags)


def picture_of(tx: Connection, pointers: Sequence[Pointers], asked: Iterable[str] = ()) -> Picture:
    """Return what the store knows about the messages of a batch, in one look-up a kind; ``asked``: requests whose codes they bring back."""
    picture = Picture()
    _see_letters(tx, picture, {message_id for pointer in pointers for message_id in pointer.answered_ids})
    read = {pointer.message_key for pointer in pointers if pointer.text_key}  # only what was read can be told from a second copy
    _see_messages(tx, picture, {key for key in read.union(*(pointer.answered_keys for pointer in pointers)) if key})
    named = references_named(pointer.subject for pointer in pointers)
    found = named.union(picture.by_letter.values(), picture.by_message.values(), asked)
    _see_requests(tx, picture, {pointer.sender_key for pointer in pointers if pointer.sender_key}, found)
    return picture


def _see_letters(tx: Connection, picture: Picture, answered: Iterable[str]) -> None:
    for chosen in portions(answered):
        sent = select(letters.c.message_id, letters.c.reference).where(letters.c.message_id.in_(chosen), letters.c.reference.is_not(None))
        picture.by_letter.update({row.message_id: row.reference for row in tx.execute(sent)})


def _see_messages(tx: Connection, picture: Picture, keys: Iterable[bytes]) -> None:
    for chosen in portions(keys):
        columns = (receipts.c.message_key, receipts.c.text_key, receipts.c.sender_key, receipts.c.reference)
        kept = select(*columns).where(receipts.c.message_key.in_(chosen))
        for row in tx.execute(kept.order_by(receipts.c.id)):
            picture.seen[row.message_key].add((row.sender_key, row.text_key))
            if row.reference:
                picture.by_message.setdefault(row.message_key, row.reference)


def _see_requests(tx: Connection, picture: Picture, senders: Iterable[bytes], references: Iterable[str]) -> None:
    """Put into the picture what the senders have open and what the references name, the oldest first."""
    conditions: list[ColumnElement[bool]] = [requests.c.sender_key.in_(chosen) & requests.c.state.in_(OPEN) for chosen in portions(senders)]
    conditions += [requests.c.reference.in_(chosen) for chosen in portions(references)]
    told = exists().where(letters.c.reference == requests.c.reference).label("told")
    columns = (*(requests.c[name] for name in ("reference", "type", "sender_key", "state", "language", "outcome", "flags")), told)
    found = {row.reference: row for condition in conditions for row in tx.execute(select(*columns).where(condition))}
    for _, row in sorted(found.items()):
        picture.add_request(
            KnownRequest(
                row.reference,
                RequestType(row.type) if row.type else None,
                row.sender_key,
                State(row.state) in OPEN,
                Language(row.language) if row.language else None,
                is_held=row.outcome == Outcome.HELD,
                is_unheard=not row.told and not is_told_nothing(row.type, row.flags),
            )
        )


def add_requests(tx: Connection, new: Sequence[NewRequest], now: datetime) -> None:
    """Write new entries with what is owed for them and the first line of their history."""
    if not new:
        return
    tx.execute(insert(requests), [_request_row(request, now) for request in new])
    owed = [obligation_row(request.reference, owed, now) for request in new for owed in request.obligations]
    if owed:
        tx.execute(insert(obligations), owed)
    note(tx, [(request.reference, "received", "mailbot", {"rule": request.rule}) for request in new], now)
    chain.enter_owed(tx, [request.reference for request in new], "mailbot", now)


def note(tx: Connection, happenings: Sequence[tuple[str, str, str, Mapping[str, object]]], now: datetime) -> None:
    """Write lines of history: (reference, what, who, detail). Who and detail may name people; what and reference never do."""
    chain.append(tx, happenings, now)


def propose(tx: Connection, asked: Sequence[tuple[str, Change]]) -> None:
    """Keep what updates ask to change: (reference, change). Nothing is applied by it."""
    if asked:
        rows = [{"reference": reference, "field": change.field, "old": change.old, "new": change.new} for reference, change in asked]
        tx.execute(insert(changes), rows)


def changes_of(tx: Connection, reference: str) -> tuple[Change, ...]:
    """Return what a request asks to change, in the order in which it was written."""
    rows = tx.execute(select(changes).where(changes.c.reference == reference).order_by(changes.c.id))
    return tuple(Change(Field(row.field), row.old, row.new) for row in rows)


URGENT_FIRST = (requests.c.state.in_(CLOSED), requests.c.due.is_(None), requests.c.due, requests.c.reference)


def list_requests(tx: Connection, *, only_open: bool = False) -> tuple[Registered, ...]:
    """Return the register, the most urgent first: what is open by due date, what has none after it, what is closed last."""
    wanted = requests.c.state.in_(OPEN) if only_open else true()
    rows = tx.execute(select(requests).where(wanted).order_by(*URGENT_FIRST)).all()
    owed = _owed_for(tx, obligations.c.reference.in_(select(requests.c.reference).where(wanted)))
    return tuple(_registered(row, owed.get(row.reference, ())) for row in rows)


def find_request(tx: Connection, reference: str) -> Registered | None:
    """Return one request; None if the register does not hold it."""
    row = tx.execute(select(requests).where(requests.c.reference == reference)).one_or_none()
    return _registered(row, _owed_for(tx, obligations.c.reference == reference).get(reference, ())) if row else None


def history_of(tx: Connection, reference: str) -> tuple[Happening, ...]:
    """Return what happened to a request, in order; what only proves it is ``chain.lines_of``'s."""
    news = events.c.what.not_in(chain.FOR_PROOF)
    rows = tx.execute(select(events).where(events.c.reference == reference, news).order_by(events.c.id))
    return tuple(Happening(row.at, row.what, row.who, row.detail) for row in rows)


def set_state(tx: Connection, reference: str, state: State, now: datetime) -> None:
    """Move a request to the state that ``rules.life`` gave."""
    new = {"state": state, "closed_at": now if state in CLOSED else None}
    if state in CLOSED:
        new["postponed_to"] = None  # if it is opened again, it waits for no later day
    tx.execute(update(requests).where(requests.c.reference == reference).values(new))


def meet(tx: Connection, ids: Sequence[int], who: str, now: datetime) -> None:
    """Record that obligations were met."""
    still_open = obligations.c.id.in_(ids) & obligations.c.met_at.is_(None)
    if references := set(tx.execute(select(obligations.c.reference).where(still_open)).scalars()) if ids else None:
        tx.execute(update(obligations).where(still_open).values(met_at=now, met_by=who))
        chain.enter_owed(tx, references, who, now)


def take_back(tx: Connection, reference: str, what: str, system: str) -> None:
    """Record that an obligation is open again: what had met it was undone. The caller notes ``taken_back``, what and system with it."""
    undone = (obligations.c.reference == reference, obligations.c.what == what, obligations.c.system == system)
    tx.execute(update(obligations).where(*undone).values(met_at=None, met_by=None))


def recount_due(tx: Connection, reference: str) -> None:
    """Set the request's due date to that of its earliest open obligation; what has none keeps its last one."""
    earliest = select(func.min(obligations.c.due)).where(obligations.c.reference == reference, obligations.c.met_at.is_(None))
    due = tx.execute(earliest).scalar()
    if due is not None:
        tx.execute(update(requests).where(requests.c.reference == reference).values(due=due))


def flag(tx: Connection, reference: str, word: str) -> None:
    """Flag a request with a word that staff are shown the sentence of."""
    flags: list[str] = tx.execute(select(requests.c.flags).where(requests.c.reference == reference)).scalar_one()
    tx.execute(update(requests).where(requests.c.reference == reference).values(flags=sorted({*flags, word})))


def link_subscriber(tx: Connection, reference: str, subscriber_id: int) -> None:
    """Note which person on file the request is from."""
    tx.execute(update(requests).where(requests.c.reference == reference).values(subscriber_id=subscriber_id))


def postpone(tx: Connection, reference: str, day: date) -> None:
    """Remind of the request on ``day`` again; its due date stays what it is."""
    tx.execute(update(requests).where(requests.c.reference == reference).values(postponed_to=day))


def _owed_for(tx: Connection, wanted: ColumnElement[bool]) -> dict[str, tuple[Owed, ...]]:
    """Return the obligations that are wanted, by reference."""
    owed: defaultdict[str, list[Owed]] = defaultdict(list)
    for row in tx.execute(select(obligations).where(wanted).order_by(obligations.c.id)):
        fields = dict(row._mapping)
        owed[fields.pop("reference")].append(Owed(**fields | {"losing": tuple(row.losing)}))
    return {reference: tuple(items) for reference, items in owed.items()}


def _registered(row: Row[tuple[object, ...]], owed: tuple[Owed, ...]) -> Registered:
    fields = dict(row._mapping)
    place = Place(fields.pop("inbox"), fields.pop("folder"), fields.pop("uidvalidity"), fields.pop("uid"))
    fields.pop("closed_at")
    fields |= {
        "type": RequestType(row.type) if row.type else None,
        "outcome": Outcome(row.outcome),
        "state": State(row.state),
        "language": Language(row.language) if row.language else None,
        "standing": Standing(row.standing),
        "may_be": tuple(RequestType(kind) for kind in row.may_be),
        "flags": tuple(row.flags),
    }
    return Registered(**fields, place=place, obligations=owed)


def _request_row(request: NewRequest, now: datetime) -> dict[str, object]:
    place = request.place
    return {
        "reference": request.reference,
        "type": request.type,
        "outcome": request.outcome,
        "state": request.state,
        "language": request.language,
        "standing": request.standing,
        "received_at": request.received_at,
        "received_on": request.received_on,
        "due": request.due,
        "closed_at": now if request.state in CLOSED else None,
        "rule": request.rule,
        "reason": request.reason,
        "matched": request.matched,
        "clause": request.clause,
        "certainty": request.certainty,
        "may_be": list(request.may_be),
        "policy": request.policy,
        "policy_version": request.policy_version,
        "sender": request.sender,
        "sender_key": request.sender_key,
        "subscriber_id": request.subscriber_id,
        "flags": list(request.flags),
        "inbox": place.inbox,
        "folder": place.folder,
        "uidvalidity": place.uidvalidity,
        "uid": place.uid,
        "proof": request.proof,
        "event": request.event,
        "channel": request.channel,
    }


def obligation_row(reference: str, owed: NewObligation, now: datetime) -> dict[str, object]:
    """Return the row of an obligation that was not there yet."""
    row = {name: getattr(owed, name) for name in NewObligation.__slots__ if name != "is_met"}
    met = {"met_at": now, "met_by": "mailbot"} if owed.is_met else {"met_at": None, "met_by": None}
    return {**row, **met, "reference": reference, "losing": list(owed.losing)}
