"""The outbox: letters as finished bytes. claim → mark → transmit → settle; a letter is unique by cause and kind.

A claimed letter that was not marked was never sent and is simply claimed again. A marked one that was not settled may have
been accepted or not: it is doubtful, is not sent again, and a person looks (RFC 5321, 4.1.1.4 and 6.1).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, Row, bindparam, func, select, update

from storage.database import insert_new
from storage.tables import letters


class LetterState(StrEnum):
    """Where a letter stands."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    MARKED = "marked"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    DOUBTFUL = "doubtful"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class NewLetter:
    """A finished letter, committed with what caused it."""

    cause: str
    kind: str
    reference: str | None
    topic: str
    language: str
    recipient: str
    recipient_key: bytes
    domain: str
    envelope_sender: str
    message_id: str
    content: bytes
    capped: bool


@dataclass(frozen=True, slots=True)
class Caps:
    """How many letters caused by incoming mail may go out; 0 turns one off (RFC 3834, 2)."""

    per_address_a_day: int
    per_domain_an_hour: int
    an_hour: int


@dataclass(frozen=True, slots=True)
class ClaimedLetter:
    """What delivery needs of a letter."""

    id: int
    recipient: str
    envelope_sender: str
    content: bytes
    attempts: int
    queued_at: datetime


@dataclass(frozen=True, slots=True)
class ListedLetter:
    """What a list of letters shows."""

    id: int
    reference: str | None
    kind: str
    language: str
    state: LetterState
    message_id: str
    attempts: int
    not_before: datetime
    reply: str | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a try to send a letter ended."""

    id: int
    state: LetterState
    reply: str
    not_before: datetime | None = None


SENT = (LetterState.MARKED, LetterState.ACCEPTED, LetterState.DOUBTFUL)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def queue(tx: Connection, new: Sequence[NewLetter], now: datetime) -> None:
    """Put letters into the outbox; one that stands already under its cause and kind stays as it is (I3)."""
    insert_new(tx, letters, [{**asdict(letter), "state": LetterState.QUEUED, "queued_at": now, "not_before": now, "attempts": 0} for letter in new])


def claim(tx: Connection, most: int, caps: Caps, now: datetime) -> tuple[ClaimedLetter, ...]:
    """Take the next letters that may go now. What is over a cap is deferred to when the cap frees, never dropped (H81)."""
    ready = letters.c.state.in_([LetterState.QUEUED, LetterState.DEFERRED]) & (letters.c.not_before <= now)
    rows = tx.execute(select(letters).where(ready).order_by(letters.c.id).limit(most).with_for_update(skip_locked=True)).all()
    gate = _Gate(tx, caps, rows, now)
    going = [row for row in rows if gate.admits(row)]
    if going:
        tx.execute(update(letters).where(letters.c.id.in_([row.id for row in going])).values(state=LetterState.CLAIMED, attempts=letters.c.attempts + 1))
    for moment in sorted(set(gate.deferred.values())):
        over = [row for row, until in gate.deferred.items() if until == moment]
        tx.execute(update(letters).where(letters.c.id.in_(over)).values(state=LetterState.DEFERRED, not_before=moment, reply="over a cap"))
    return tuple(ClaimedLetter(row.id, row.recipient, row.envelope_sender, row.content, row.attempts, row.queued_at) for row in going)


def mark(tx: Connection, ids: Sequence[int], now: datetime) -> None:
    """Note durably that the letters are about to be transmitted: from here on they may have been accepted."""
    tx.execute(update(letters).where(letters.c.id.in_(ids)).values(state=LetterState.MARKED, marked_at=now))


def settle(tx: Connection, settlements: Sequence[Settlement], now: datetime) -> None:
    """Write how the tries ended."""
    final = [{"row": each.id, "state": each.state, "reply": each.reply} for each in settlements if each.not_before is None]
    if final:
        chosen = update(letters).where(letters.c.id == bindparam("row"))
        tx.execute(chosen.values(state=bindparam("state"), reply=bindparam("reply"), settled_at=now), final)
    for each in settlements:
        if each.not_before is not None:
            tx.execute(update(letters).where(letters.c.id == each.id).values(state=each.state, reply=each.reply, not_before=each.not_before))


def recover(tx: Connection) -> tuple[int, int]:
    """After a death: claimed letters are queued again, marked ones are doubtful; return how many of each."""
    again = tx.execute(update(letters).where(letters.c.state == LetterState.CLAIMED).values(state=LetterState.QUEUED)).rowcount
    doubt = tx.execute(
        update(letters).where(letters.c.state == LetterState.MARKED).values(state=LetterState.DOUBTFUL, reply="the process ended while sending")
    ).rowcount
    return again, doubt


def next_moment(tx: Connection) -> datetime | None:
    """Return when the next waiting letter may go; None if none waits."""
    waiting = letters.c.state.in_([LetterState.QUEUED, LetterState.DEFERRED])
    return tx.execute(select(letters.c.not_before).where(waiting).order_by(letters.c.not_before).limit(1)).scalar()


def count_by_state(tx: Connection) -> dict[LetterState, int]:
    """Return how many letters stand where."""
    return {LetterState(state): count for state, count in tx.execute(select(letters.c.state, func.count()).group_by(letters.c.state))}


def list_letters(tx: Connection, reference: str | None = None) -> tuple[ListedLetter, ...]:
    """Return the letters, oldest first; those of one request if a reference is given."""
    names = ("id", "reference", "kind", "language", "state", "message_id", "attempts", "not_before", "reply")
    chosen = select(*(letters.c[name] for name in names)).order_by(letters.c.id)
    if reference is not None:
        chosen = chosen.where(letters.c.reference == reference)
    return tuple(
        ListedLetter(
            row.id, row.reference, row.kind, row.language, LetterState(row.state), row.message_id, row.attempts, row.not_before, row.reply
        )
        for row in tx.execute(chosen)
    )


class _Gate:
    """Counts what was sent of late and lets through what the caps allow; half the hourly cap is kept for aligned senders."""

    def __init__(self, tx: Connection, caps: Caps, rows: Iterable[Row[tuple[object, ...]]], now: datetime) -> None:
        bound = [row for row in rows if row.capped]
        self.deferred: dict[int, datetime] = {}
        self._now = now
        self._caps: list[tuple[int, timedelta, Callable[[Row[tuple[object, ...]]], object], dict[object, list[datetime]]]] = []
        if not bound:
            return
        recipients, domains = {row.recipient_key for row in bound}, {row.domain for row in bound}
        if caps.per_address_a_day:
            sent = _sent_since(tx, letters.c.recipient_key, letters.c.recipient_key.in_(recipients), now - DAY)
            self._caps.append((caps.per_address_a_day, DAY, lambda row: row.recipient_key, sent))
            topics = _sent_since(tx, letters.c.recipient_key, letters.c.recipient_key.in_(recipients), now - DAY, letters.c.topic)
            self._caps.append((1, DAY, lambda row: (row.recipient_key, row.topic), topics))
        if caps.per_domain_an_hour:
            sent = _sent_since(tx, letters.c.domain, letters.c.domain.in_(domains), now - HOUR)
            self._caps.append((caps.per_domain_an_hour, HOUR, lambda row: row.domain, sent))
        if caps.an_hour:
            sent = _sent_since(tx, None, letters.c.id.is_not(None), now - HOUR)
            self._caps.append((max(1, caps.an_hour // 2), HOUR, lambda _row: None, sent))

    def admits(self, row: Row[tuple[object, ...]]) -> bool:
        """Tell whether the letter may go now, and count it if so; else note until when it waits."""
        if not row.capped:
            return True
        sent = [(cap, window, sorted(counted.get(group(row), []))) for cap, window, group, counted in self._caps]
        freed = [moments[len(moments) - cap] + window for cap, window, moments in sent if len(moments) >= cap]
        if freed:
            self.deferred[row.id] = max(*freed, self._now + timedelta(minutes=1))
            return False
        for _cap, _window, group, counted in self._caps:
            counted.setdefault(group(row), []).append(self._now)
        return True


def _sent_since(tx: Connection, group: object, where: object, since: datetime, second: object = None) -> dict[object, list[datetime]]:
    """Return when capped letters were sent since then, by the value of ``group`` (and ``second``)."""
    counted = letters.c.capped & (letters.c.state.in_(SENT) & (letters.c.marked_at >= since) | (letters.c.state == LetterState.CLAIMED))
    columns = [column for column in (group, second) if column is not None]
    sent: dict[object, list[datetime]] = {}
    for *key, moment in tx.execute(select(*columns, letters.c.marked_at).where(counted, where)):  # type: ignore[call-overload]
        sent.setdefault(tuple(key) if len(key) > 1 else (key[0] if key else None), []).append(moment or since)
    return sent
