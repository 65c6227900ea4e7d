"""Reminders: which step was told of which request and due date, and what of the register nobody of staff has touched."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import Connection, delete, func, or_, select

from rules.life import OPEN
from rules.vocabulary import State
from storage.database import insert_new, portions
from storage.overview import ANSWERED_BY_HAND, REOPENED, WROTE
from storage.tables import events, obligations, reminders, requests

BY_ENTERING = ("entered", "event", "messages_stopped")
"""What staff write down does not yet do anything about it."""

ASKS_FOR_ATTENTION = ("received", WROTE, REOPENED, "says_no", "not_confirmed")
"""After each of these staff have to look again."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a request on the way to a due date: working days ahead, or who else was told."""

    reference: str
    due: date
    step: str


@dataclass(frozen=True, slots=True)
class Pressing:
    """An open request with the earliest day on which something of it is due, and its type or event."""

    reference: str
    kind: str | None
    due: date
    received_at: datetime
    postponed_to: date | None
    state: State


def told(tx: Connection, references: Iterable[str]) -> Mapping[str, Mapping[tuple[date, str], datetime]]:
    """Return which steps were told already, and when: reference → (due, step) → moment."""
    found: defaultdict[str, dict[tuple[date, str], datetime]] = defaultdict(dict)
    for chosen in portions(references):
        for row in tx.execute(select(reminders).where(reminders.c.reference.in_(chosen))):
            found[row.reference][row.due, row.step] = row.at
    return found


def record(tx: Connection, steps: Sequence[Step], now: datetime) -> None:
    """Note that steps were told; one that stands already stays as it is."""
    if steps:
        insert_new(tx, reminders, [{**asdict(step), "at": now} for step in steps])


def pressing(tx: Connection, until: date) -> tuple[Pressing, ...]:
    """Return the open requests of which something is due by then, the first due first."""
    due = func.min(obligations.c.due)
    owed = select(obligations.c.reference, due.label("due")).where(obligations.c.met_at.is_(None)).group_by(obligations.c.reference)
    first = owed.having(due <= until).subquery()
    names = ("reference", "type", "event", "received_at", "postponed_to", "state")
    chosen = select(*(requests.c[name] for name in names), first.c.due).join(first, first.c.reference == requests.c.reference)
    rows = tx.execute(chosen.where(requests.c.state.in_(OPEN)).order_by(first.c.due, requests.c.reference))
    return tuple(
        Pressing(row.reference, row.type or row.event, row.due, row.received_at, row.postponed_to, State(row.state)) for row in rows
    )


def asked_for_attention(tx: Connection, reference: str, since: datetime) -> datetime | None:
    """Return when the sender of a request was last heard of after ``since``."""
    heard = (events.c.reference == reference, events.c.what.in_(ASKS_FOR_ATTENTION), events.c.at > since)
    moment: datetime | None = tx.execute(select(func.max(events.c.at)).where(*heard)).scalar()
    return moment


def last_told(tx: Connection, step: str) -> datetime | None:
    """Return when anything was last told in this step."""
    moment: datetime | None = tx.execute(select(func.max(reminders.c.at)).where(reminders.c.step == step)).scalar()
    return moment


def take_back(tx: Connection, now: datetime) -> None:
    """Forget what was told at moments that have not come: the clock had stood ahead (H99)."""
    tx.execute(delete(reminders).where(reminders.c.at > now))


def untouched(tx: Connection, references: Iterable[str]) -> frozenset[str]:
    """Return those with which nobody of staff did anything since they came, or came back."""
    by_staff = or_(events.c.who.startswith("staff") & events.c.what.not_in(BY_ENTERING), events.c.what == ANSWERED_BY_HAND)
    found: set[str] = set()
    for chosen in portions(references):
        last = {}
        for is_touch, condition in ((False, events.c.what.in_(ASKS_FOR_ATTENTION)), (True, by_staff)):
            of_these = select(events.c.reference, func.max(events.c.id).label("newest")).where(events.c.reference.in_(chosen), condition)
            last[is_touch] = {row.reference: row.newest for row in tx.execute(of_these.group_by(events.c.reference))}
        found |= {reference for reference in chosen if last[True].get(reference, 0) < last[False].get(reference, 1)}
    return frozenset(found)
