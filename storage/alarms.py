"""Alarms: what is wrong with the machine, since when, and whether staff were told that it began and that it ended.

What goes on has a row that is open; what is over in the moment in which it happens (``MOMENTS``) is told once and has no end.
What went away by itself before anybody was told is forgotten.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, TextClause, and_, delete, func, insert, or_, select, update

from rules.vocabulary import Outcome
from storage.database import insert_new
from storage.outbox import OVER_A_CAP, LetterState
from storage.tables import GOES_ON, LETTER_WAITS, alarms, counters, ledger, letters


class Trouble(StrEnum):
    """What can be wrong."""

    INBOX = "inbox"
    RELAY = "relay"
    DIGEST = "digest"
    DISK = "disk"
    HANG = "hang"
    JOB = "job"
    STORE = "store"
    SHUNTED = "shunted"
    CLOCK = "clock"
    ALERT = "alert"
    """A letter that could not wait waits: a wave or the authority is told of by it."""


MOMENTS = (Trouble.SHUNTED, Trouble.CLOCK, Trouble.ALERT)

LAST_ROW = "alarms_looked_to"
COMMITTED_LATE = 2_000
"""So many rows of the ledger may have had their numbers before the last look and been committed after it."""

IN_HAND = (LetterState.CLAIMED, LetterState.MARKED)
NEVER_WENT = (LetterState.FAILED, LetterState.DOUBTFUL)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong now: where, since when as far as is known (else since it was seen), and what mailbot saw of it."""

    what: Trouble
    about: str = ""
    since: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A fault on record; ``id`` is none of one that the store itself cannot take."""

    id: int | None
    what: Trouble
    about: str
    began_at: datetime
    detail: str
    ended_at: datetime | None = None


def settle(tx: Connection, faults: Sequence[Fault], now: datetime) -> None:
    """Open a row for each fault that is new, and close those of faults that are there no more."""
    tx.execute(update(alarms).where(GOES_ON, alarms.c.began_at > now).values(began_at=now))  # the clock was ahead
    lasting = select(alarms).where(GOES_ON, alarms.c.what.not_in(MOMENTS))
    standing = {(row.what, row.about): row for row in tx.execute(lasting)}
    for fault in faults:
        row = standing.pop((fault.what, fault.about), None)
        if row is None:
            insert_new(tx, alarms, [_row(fault, now)])
        elif row.told_at is None and fault.detail not in ("", row.detail):
            tx.execute(update(alarms).where(alarms.c.id == row.id).values(detail=fault.detail))
    over = [row.id for row in standing.values()]
    if over:
        tx.execute(delete(alarms).where(alarms.c.id.in_(over), alarms.c.told_at.is_(None)))
        tx.execute(update(alarms).where(alarms.c.id.in_(over)).values(ended_at=now))


def happen(tx: Connection, faults: Sequence[Fault], now: datetime) -> None:
    """Note what is over in the moment in which it happens; what was noted before is not noted again."""
    for fault in faults:
        known = select(alarms.c.id).where(alarms.c.what == fault.what, alarms.c.about == fault.about)
        if tx.execute(known.limit(1)).scalar() is None:
            insert_new(tx, alarms, [_row(fault, now)])


def happen_untold(tx: Connection, fault: Fault, now: datetime) -> None:
    """Note something that nobody has to be told of."""
    tx.execute(insert(alarms).values(**_row(fault, now), told_at=now, ended_at=now, end_told_at=now))


def _row(fault: Fault, now: datetime) -> dict[str, object]:
    return {"what": fault.what, "about": fault.about, "began_at": fault.since or now, "detail": fault.detail}


def to_tell(tx: Connection, begun_by: datetime) -> tuple[Alarm, ...]:
    """Return what staff are to be told now: what goes on since then or longer, what just happened, and what of the told has ended."""
    begun = and_(GOES_ON, alarms.c.told_at.is_(None), or_(alarms.c.what.in_(MOMENTS), alarms.c.began_at <= begun_by))
    ended = and_(alarms.c.ended_at.is_not(None), alarms.c.end_told_at.is_(None))
    return _alarms(tx, or_(begun, ended))


def are_told(tx: Connection, told: Sequence[Alarm], now: datetime) -> None:
    """Note that staff were told of these."""
    for alarm in told:
        moments = {"end_told_at": now} if alarm.ended_at else {"told_at": now}
        if alarm.what in MOMENTS:
            moments = {"told_at": now, "ended_at": now, "end_told_at": now}
        tx.execute(update(alarms).where(alarms.c.id == alarm.id).values(**moments))


def is_over(tx: Connection, alarm: Alarm, now: datetime) -> None:
    """Put on record what the store itself could not take; that it is over is told like every other end."""
    fault = Fault(alarm.what, alarm.about, alarm.began_at, alarm.detail)
    tx.execute(insert(alarms).values(**_row(fault, now), told_at=now, ended_at=now))


def going_on(tx: Connection) -> tuple[Alarm, ...]:
    """Return what is wrong now, told or not."""
    return _alarms(tx, GOES_ON)


def _alarms(tx: Connection, wanted: ColumnElement[bool] | TextClause) -> tuple[Alarm, ...]:
    chosen = select(alarms).where(wanted).order_by(alarms.c.id)
    return tuple(Alarm(row.id, Trouble(row.what), row.about, row.began_at, row.detail, row.ended_at) for row in tx.execute(chosen))


def happened_since(tx: Connection, what: Trouble, since: datetime, now: datetime) -> bool:
    """Tell whether something of a kind happened in a span of time."""
    chosen = select(alarms.c.id).where(alarms.c.what == what, alarms.c.began_at > since, alarms.c.began_at <= now)
    return tx.execute(chosen.limit(1)).scalar() is not None


# --- what the outbox shows of the relay ------------------------------------------------------------------------------
def nothing_sent_since(tx: Connection, now: datetime) -> datetime | None:
    """Return since when letters wait for the relay and none was accepted; None if none waits for anything but a cap."""
    waits = (LETTER_WAITS, letters.c.reply.is_(None) | (letters.c.reply != OVER_A_CAP))
    in_hand = (letters.c.claimed_at > now - HOUR, letters.c.state.in_(IN_HAND))  # while a try lasts it is not over
    found = (tx.execute(select(func.min(letters.c.queued_at)).where(*chosen)).scalar() for chosen in (waits, in_hand))
    oldest: datetime | None = min((moment for moment in found if moment), default=None)
    if oldest is None:
        return None
    accepted = (letters.c.claimed_at >= oldest, letters.c.state == LetterState.ACCEPTED)
    last = tx.execute(select(letters.c.settled_at).where(*accepted).order_by(letters.c.claimed_at.desc()).limit(1)).scalar()
    return max(oldest, last) if last else oldest


def states_of(tx: Connection, causes: Sequence[str]) -> list[LetterState]:
    """Return how the letters stand that have these causes."""
    return [LetterState(state) for state in tx.execute(select(letters.c.state).where(letters.c.cause.in_(causes))).scalars()]


def not_heard(tx: Connection, kind: str, queued_by: datetime, now: datetime) -> tuple[int, ...]:
    """Return the letters of a kind that were queued by then and not accepted yet, or will not be."""
    tried_lately = and_(letters.c.claimed_at >= queued_by - HOUR, letters.c.claimed_at <= now, letters.c.state.in_(NEVER_WENT))
    of_kind = (letters.c.kind == kind, letters.c.queued_at <= queued_by)
    found = [tx.execute(select(letters.c.id).where(*of_kind, chosen)).scalars() for chosen in (LETTER_WAITS, tried_lately)]
    return tuple(sorted({letter for ids in found for letter in ids}))


def set_aside_since_last_look(tx: Connection) -> tuple[tuple[int, str, datetime], ...]:
    """Return row, inbox and moment of what was set aside for a person since the last call, and some of what was before.

    It writes each time: a full disk, on which everything can still be read, is noticed by that.
    """
    newest = tx.execute(select(func.max(ledger.c.id))).scalar() or 0
    last = tx.execute(select(counters.c.value).where(counters.c.name == LAST_ROW)).scalar()
    insert_new(tx, counters, [{"name": LAST_ROW, "value": newest}])
    tx.execute(update(counters).where(counters.c.name == LAST_ROW).values(value=newest))
    lately = ledger.c.id > (newest if last is None else last) - COMMITTED_LATE
    rows = tx.execute(select(ledger.c.id, ledger.c.inbox, ledger.c.taken_at).where(lately, ledger.c.outcome == Outcome.SHUNTED))
    return tuple((row.id, row.inbox, row.taken_at) for row in rows.all())
