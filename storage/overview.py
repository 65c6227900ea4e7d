"""What the digest looks up: requests, mail and letters as they stand at one moment. Nothing here writes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select

from rules.life import OPEN
from rules.vocabulary import Outcome, RequestType, Standing, State
from storage.outbox import OVER_A_CAP, LetterState
from storage.tables import cursors, events, ledger, letters, obligations, pending, requests, systems

SETTLED_WELL = (LetterState.ACCEPTED, LetterState.DROPPED)
NEVER_ARRIVED = (LetterState.FAILED, LetterState.DOUBTFUL)

ANSWERED_BY_HAND = "answered_by_hand"
"""What stands in a request's history when staff wrote to its sender themselves (H112)."""

WROTE, REOPENED = "follow_up", "reopened"
"""What stands there when its sender wrote again, and when it was opened again."""

RECOUNTED = "recounted"
"""What stands there when a calendar or a pack moved a due date."""

NEWS = ("received", WROTE, "says_no", "denied", "not_confirmed")
"""What staff are told of anew: it was entered, its sender wrote again or says that it is not theirs, or nobody confirmed it."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing that is or was owed for a request, and where."""

    what: str
    system: str
    due: date | None
    arithmetic: str
    met_at: datetime | None


@dataclass(frozen=True, slots=True)
class Matter:
    """A request as the staff need to see it; ``is_new``: something of ``NEWS`` happened since they were last told.

    ``answered_at`` is when staff were last heard to answer it by hand, ``wrote_at`` when its sender last wrote again:
    of a closed one, after it was closed.
    """

    reference: str
    type: RequestType | None
    outcome: Outcome
    state: State
    sender: str | None
    received_on: date
    postponed_to: date | None
    closed_at: datetime | None
    rule: str
    reason: str
    may_be: tuple[RequestType, ...]
    flags: tuple[str, ...]
    is_new: bool
    promises: tuple[Promise, ...]
    answered_at: datetime | None = None
    wrote_at: datetime | None = None
    reopened_by_sender: bool = False
    standing: Standing = Standing.UNPROVEN
    event: str | None = None
    channel: str | None = None
    recounted: tuple[Mapping[str, Any], ...] = ()
    """How due dates were counted anew since staff were last told: of what, where, ``was``, ``now`` and ``why``."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A letter that did not arrive, or may not have, or still waits."""

    reference: str | None
    kind: str
    state: LetterState
    recipient: str
    queued_at: datetime
    not_before: datetime
    reply: str | None
    id: int = 0

    @property
    def is_capped(self) -> bool:
        """Tell whether it only waits for a cap to free."""
        return self.reply == OVER_A_CAP


@dataclass(slots=True)
class Traffic:
    """What came through one folder: what became of it, what the server still owes us, and when the folder was last seen whole."""

    last_pass_at: datetime | None = None
    outcomes: dict[Outcome, int] = field(default_factory=dict)
    pending: int = 0


def began_at(tx: Connection, now: datetime) -> datetime:
    """Return when this store first watched a mailbox: ``now``, if it never did.

    A mailbox may be watched from a day in the past, but the store knows nothing from before it was made.
    """
    made = tx.execute(select(func.min(systems.c.since))).scalar() or now
    watched = tx.execute(select(func.min(cursors.c.start_at))).scalar() or now
    return max(made, min(watched, now))


def is_caused(tx: Connection, causes: Sequence[str]) -> bool:
    """Tell whether a letter stands already under one of ``causes``."""
    return tx.execute(select(letters.c.id).where(letters.c.cause.in_(causes)).limit(1)).scalar() is not None


def last_caused_at(tx: Connection, beginning: str, now: datetime) -> datetime | None:
    """Return when the last letter was queued whose cause begins like that."""
    chosen = select(func.max(letters.c.queued_at)).where(letters.c.cause.startswith(beginning, autoescape=True), letters.c.queued_at <= now)
    return tx.execute(chosen).scalar()


def matters(tx: Connection, since: datetime, received_from: date) -> tuple[Matter, ...]:
    """Return the requests that are open, those with news after ``since`` and those received from that day on, the first due first."""
    news = select(events.c.reference).where(events.c.what.in_(NEWS), events.c.at > since)
    wanted = or_(requests.c.state.in_(OPEN), requests.c.reference.in_(news), requests.c.received_on >= received_from)
    chosen = select(requests.c.reference).where(wanted)
    promised, happened = _promised_for(tx, obligations.c.reference.in_(chosen)), _happened(tx, events.c.reference.in_(chosen))
    moved = _recounted(tx, events.c.reference.in_(chosen) & (events.c.at > since))
    rows = tx.execute(select(requests).where(wanted).order_by(requests.c.due.is_(None), requests.c.due, requests.c.reference))
    found = (_matter(row, promised.get(row.reference, ()), happened[row.reference], since) for row in rows)
    return tuple(replace(matter, recounted=tuple(moved[matter.reference])) if matter.reference in moved else matter for matter in found)


def _matter(row: Row[Any], promises: tuple[Promise, ...], happened: Mapping[str, Row[Any]], since: datetime) -> Matter:
    wrote, answered, reopened = (happened.get(what) for what in (WROTE, ANSWERED_BY_HAND, REOPENED))
    if wrote and row.closed_at and wrote.at < row.closed_at:
        wrote = None  # whoever closed it has read that
    news = (wrote, *(happened.get(what) for what in NEWS if what != WROTE))
    return Matter(
        reference=row.reference,
        type=RequestType(row.type) if row.type else None,
        outcome=Outcome(row.outcome),
        state=State(row.state),
        sender=row.sender,
        received_on=row.received_on,
        postponed_to=row.postponed_to,
        closed_at=row.closed_at,
        rule=row.rule,
        reason=row.reason,
        may_be=tuple(RequestType(kind) for kind in row.may_be),
        flags=tuple(row.flags),
        is_new=any(each.at > since for each in news if each),
        promises=promises,
        answered_at=answered.at if answered else None,
        wrote_at=wrote.at if wrote else None,
        reopened_by_sender=bool(reopened and reopened.who == "sender"),
        standing=Standing(row.standing),
        event=row.event,
        channel=row.channel,
    )


@dataclass(frozen=True, slots=True)
class Inquiry:
    """An open inquiry of the authority."""

    reference: str
    standing: Standing
    received_at: datetime
    due: date | None


def inquiries(tx: Connection) -> tuple[Inquiry, ...]:
    """Return the open inquiries of the authority, without those that came long before they were taken in or whose sender failed."""
    names = ("reference", "standing", "received_at", "due", "flags")
    of_authority = (requests.c.type == RequestType.AUTHORITY_INQUIRY, requests.c.standing != Standing.FAILED)
    chosen = select(*(requests.c[name] for name in names)).where(*of_authority, requests.c.state.in_(OPEN)).order_by(requests.c.reference)
    rows = tx.execute(chosen)
    return tuple(Inquiry(row.reference, Standing(row.standing), row.received_at, row.due) for row in rows if "too_old" not in row.flags)


def undelivered(tx: Connection, queued_before: datetime) -> tuple[Undelivered, ...]:
    """Return the letters that did not arrive, that a cap holds back, or that wait since before then; newest first."""
    names = ("reference", "kind", "state", "recipient", "queued_at", "not_before", "reply", "id")
    stuck = letters.c.state.in_(NEVER_ARRIVED) | (letters.c.reply == OVER_A_CAP) | (letters.c.queued_at < queued_before)
    chosen = select(*(letters.c[name] for name in names)).where(letters.c.state.not_in(SETTLED_WELL), stuck).order_by(letters.c.id.desc())
    return tuple(
        Undelivered(row.reference, row.kind, LetterState(row.state), row.recipient, row.queued_at, row.not_before, row.reply, row.id)
        for row in tx.execute(chosen)
    )


def traffic(tx: Connection, since: datetime) -> Mapping[tuple[str, str], Traffic]:
    """Return what was taken in after ``since``, by inbox and folder, and the state of each folder."""
    found: defaultdict[tuple[str, str], Traffic] = defaultdict(Traffic)
    for row in tx.execute(select(cursors.c.inbox, cursors.c.folder, cursors.c.last_pass_at)):
        found[row.inbox, row.folder].last_pass_at = row.last_pass_at
    groups = (ledger.c.inbox, ledger.c.folder, ledger.c.outcome)
    for inbox, folder, outcome, count in tx.execute(select(*groups, func.count()).where(ledger.c.taken_at > since).group_by(*groups)):
        found[inbox, folder].outcomes[Outcome(outcome)] = count
    folders = (pending.c.inbox, pending.c.folder)
    for inbox, folder, count in tx.execute(select(*folders, func.count()).group_by(*folders)):
        found[inbox, folder].pending = count
    return found


def _happened(tx: Connection, wanted: ColumnElement[bool]) -> Mapping[str, Mapping[str, Row[Any]]]:
    """Return the last event of each kind that is told, by reference and kind."""
    last: defaultdict[str, dict[str, Row[Any]]] = defaultdict(dict)
    told = events.c.what.in_((*NEWS, ANSWERED_BY_HAND, REOPENED))
    names = ("reference", "what", "at", "who")
    for row in tx.execute(select(*(events.c[name] for name in names)).where(wanted, told).order_by(events.c.id)):
        last[row.reference][row.what] = row
    return last


def _recounted(tx: Connection, wanted: ColumnElement[bool]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Return how due dates were counted anew, by reference, the earlier first."""
    moved: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    chosen = select(events.c.reference, events.c.detail).where(wanted, events.c.what == RECOUNTED).order_by(events.c.id)
    for reference, detail in tx.execute(chosen):
        moved[reference].append(detail)
    return moved


def _promised_for(tx: Connection, wanted: ColumnElement[bool]) -> dict[str, tuple[Promise, ...]]:
    names = ("reference", "what", "system", "due", "arithmetic", "met_at")
    promised: defaultdict[str, list[Promise]] = defaultdict(list)
    for reference, *rest in tx.execute(select(*(obligations.c[name] for name in names)).where(wanted).order_by(obligations.c.id)):
        promised[reference].append(Promise(*rest))
    return {reference: tuple(promises) for reference, promises in promised.items()}
