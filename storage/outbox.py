"""The outbox: letters as finished bytes. claim → mark → transmit → settle; a letter is unique by cause and kind.

A claimed letter that was not marked was never sent and is simply claimed again. A marked one that was not settled may have
been accepted or not: it is doubtful, is not sent again, and a person looks (RFC 5321, 4.1.1.4 and 6.1).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from sqlalchemy import Column, ColumnElement, Connection, Integer, Row, bindparam, func, select, update

from storage.database import StoreFailure, insert_new
from storage.digests import DIGEST_MARK, without_secret
from storage.tables import LETTER_WAITS, letters

LetterRow: TypeAlias = Row[Any]


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
    aligned: bool = False


@dataclass(frozen=True, slots=True)
class Caps:
    """How many letters caused by incoming mail may go out; 0 turns one off. Half the hourly one is kept for aligned senders."""

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
    was_due_before: bool
    """Whether it was already to be sent once and was put back."""
    claimed_at: datetime
    """Tells this claim of the letter from every other: nobody takes a letter over in the microsecond in which it was claimed."""


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

    letter: ClaimedLetter
    state: LetterState
    reply: str
    not_before: datetime | None = None
    was_tried: bool = True
    """False: the server was never asked, so the try does not count."""
    kept: bytes | None = None
    """What stays of an accepted letter instead of its bytes: the same without its one-time code (H66)."""


OVER_A_CAP = "over a cap"

BY_REPORT = " told by a delivery report"
"""How the reply ends of a letter that was accepted, and came back later."""

NOT_SENT = (LetterState.DOUBTFUL, LetterState.FAILED, LetterState.DROPPED)
"""The states out of which only a person sends a letter again."""

NOT_GOING_OUT = (LetterState.QUEUED, LetterState.DEFERRED, LetterState.DOUBTFUL, LetterState.FAILED)
"""The states in which nobody has the letter in hand, and a person may drop it."""

SENT = (LetterState.CLAIMED, LetterState.MARKED, LetterState.ACCEPTED, LetterState.DOUBTFUL)
"""The states of letters that count against the caps: they went out, or may have, or are about to."""

# Written once, not for each letter: SQLAlchemy takes longer to make a statement than SQLite to carry it out.
_CLAIM = update(letters).where(letters.c.id == bindparam("letter"), letters.c.claimed_at == bindparam("claimed"))
_IN_HAND = (letters.c.state == LetterState.CLAIMED) | (letters.c.state == LetterState.MARKED)
_UNSETTLED = _CLAIM.where(_IN_HAND | (letters.c.state == LetterState.DOUBTFUL))
_MARK = _CLAIM.where(_IN_HAND).values(state=LetterState.MARKED, marked_at=bindparam("moment"))
_END = _UNSETTLED.values(state=bindparam("ends"), reply=bindparam("said"), settled_at=bindparam("moment"))
_END_WITHOUT_CODE = _END.values(content=bindparam("stays"))
_TRY_AGAIN = _UNSETTLED.values(
    state=bindparam("ends"),
    reply=bindparam("said"),
    not_before=bindparam("moment"),
    attempts=letters.c.attempts - bindparam("untried", type_=Integer),
)
_TRY_AGAIN_WHOLE = _TRY_AGAIN.values(content=bindparam("stays"))

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SHORTEST_DEFERRAL = timedelta(minutes=1)

LONGEST_WAIT = 2 * DAY
"""Longer than any pause between two tries, and than the window of any cap."""


def queue(tx: Connection, new: Sequence[NewLetter], now: datetime) -> None:
    """Put letters into the outbox; one that stands already under its cause and kind stays as it is (I3)."""
    same = {"state": LetterState.QUEUED, "queued_at": now, "not_before": now, "attempts": 0}
    insert_new(tx, letters, [{name: getattr(letter, name) for name in _NEW} | same for letter in new])


_NEW = tuple(column.name for column in fields(NewLetter))


def claim(tx: Connection, most: int, caps: Caps, now: datetime) -> tuple[ClaimedLetter, ...]:
    """Take the next letters that may go now. What is over a cap is deferred to when the cap frees, never dropped (H81).

    Nobody else gets the letters meanwhile. The caps are exact as long as one instance at a time claims (H21).
    """
    ready = select(letters).where(LETTER_WAITS, letters.c.not_before <= now).order_by(letters.c.not_before, letters.c.id).limit(most)
    while rows := tx.execute(ready.with_for_update(skip_locked=True)).all():
        gate = _Gate(tx, caps, [row for row in rows if row.capped], now)
        going = [row for row in rows if not row.capped or gate.admits(row)]
        _defer(tx, gate.deferred)
        if going:
            claimed = {"state": LetterState.CLAIMED, "claimed_at": now, "attempts": letters.c.attempts + 1}
            tx.execute(update(letters).where(letters.c.id.in_([row.id for row in going])).values(claimed))
            return tuple(_claimed(row, now) for row in going)
    return ()


def _claimed(row: LetterRow, now: datetime) -> ClaimedLetter:
    was_due_before = row.reply not in (None, OVER_A_CAP)
    return ClaimedLetter(row.id, row.recipient, row.envelope_sender, row.content, row.attempts, row.queued_at, was_due_before, now)


def mark(tx: Connection, going: Sequence[ClaimedLetter], now: datetime) -> None:
    """Note durably that the letters are about to be transmitted: from here on they may have been accepted."""
    marked = tx.execute(_MARK, [{**_claim_of(letter), "moment": now} for letter in going])
    if marked.rowcount != len(going):
        raise StoreFailure("another mailbot took over the letters that this one was about to send")


def settle(tx: Connection, settlements: Sequence[Settlement], now: datetime) -> None:
    """Write how the tries ended, also of letters that were called doubtful meanwhile; what is another's claim by now stays as it is."""
    ended, kept, again, whole = [], [], [], []
    for each in settlements:
        row = {**_claim_of(each.letter), "ends": each.state, "said": each.reply, "moment": each.not_before or now}
        bare, untried = without_secret(each.letter.content), int(not each.was_tried)
        if each.not_before is not None and bare is not None:  # its secret is gone if it was called doubtful meanwhile
            whole.append({**row, "untried": untried, "stays": each.letter.content})
        elif each.not_before is not None:
            again.append({**row, "untried": untried})
        elif (stays := each.kept or bare) is not None:
            kept.append({**row, "stays": stays})
        else:
            ended.append(row)
    for statement, rows in ((_END, ended), (_END_WITHOUT_CODE, kept), (_TRY_AGAIN, again), (_TRY_AGAIN_WHOLE, whole)):
        if rows:
            tx.execute(statement, rows)


def _claim_of(letter: ClaimedLetter) -> dict[str, object]:
    return {"letter": letter.id, "claimed": letter.claimed_at}


def come_back(tx: Connection, reports: Mapping[str, str], now: datetime) -> None:
    """Note that letters came back: Message-ID → status. Whether the relay took them is settled by that; they still count for the caps."""
    for message_id, status in reports.items():
        sent = (letters.c.state.in_((LetterState.MARKED, LetterState.ACCEPTED, LetterState.DOUBTFUL)), letters.c.recipient != "")
        returned = {"state": LetterState.FAILED, "reply": f"{status}{BY_REPORT}", "settled_at": now}
        named = letters.c.message_id == message_id
        if tx.execute(update(letters).where(named, *sent).values(returned)).rowcount:
            _take_secrets_out(tx, named)


def recover(tx: Connection) -> tuple[int, int]:
    """After a death: claimed letters are queued again, marked ones are doubtful; return how many of each."""
    again = tx.execute(update(letters).where(letters.c.state == LetterState.CLAIMED).values(state=LetterState.QUEUED)).rowcount
    doubt = tx.execute(
        update(letters)
        .where(letters.c.state == LetterState.MARKED)
        .values(state=LetterState.DOUBTFUL, reply="the process ended while sending")
    ).rowcount
    if doubt:
        _take_secrets_out(tx, letters.c.state == LetterState.DOUBTFUL)
    return again, doubt


def _take_secrets_out(tx: Connection, chosen: ColumnElement[bool]) -> None:
    """Take their secrets out of letters to staff that go out no more (H66); what asks a person may be sent again, and keeps its code."""
    for row in tx.execute(select(letters.c.id, letters.c.content).where(letters.c.message_id.startswith(DIGEST_MARK), chosen)).all():
        if (bare := without_secret(row.content)) is not None:
            tx.execute(update(letters).where(letters.c.id == row.id).values(content=bare))


def in_doubt(tx: Connection, since: datetime) -> dict[str, ClaimedLetter]:
    """Return the doubtful letters that went out since then, as they were claimed, by Message-ID: one that is found can be settled yet."""
    doubtful = select(letters).where(letters.c.state == LetterState.DOUBTFUL, letters.c.claimed_at >= since, letters.c.recipient != "")
    return {row.message_id: _claimed(row, row.claimed_at) for row in tx.execute(doubtful)}


def bring_forward(tx: Connection, now: datetime) -> int:
    """Let go now what waits only because the clock was ahead when it was queued or put off; return how many letters that are."""
    waiting = update(letters).where(LETTER_WAITS)
    from_the_future = waiting.where(letters.c.not_before > now, letters.c.queued_at > now).values(queued_at=now, not_before=now)
    too_far = waiting.where(letters.c.not_before > now + LONGEST_WAIT).values(not_before=now)
    return tx.execute(from_the_future).rowcount + tx.execute(too_far).rowcount


def next_moment(tx: Connection) -> datetime | None:
    """Return when the next waiting letter may go; None if none waits."""
    return tx.execute(select(letters.c.not_before).where(LETTER_WAITS).order_by(letters.c.not_before).limit(1)).scalar()


def count_by_state(tx: Connection) -> dict[LetterState, int]:
    """Return how many letters stand where."""
    return {LetterState(state): count for state, count in tx.execute(select(letters.c.state, func.count()).group_by(letters.c.state))}


def list_letters(tx: Connection, reference: str | None = None) -> tuple[ListedLetter, ...]:
    """Return the letters, oldest first; those of one request if a reference is given."""
    chosen = _LISTED if reference is None else _LISTED.where(letters.c.reference == reference)
    return tuple(map(_listed, tx.execute(chosen.order_by(letters.c.id))))


def find_letter(tx: Connection, letter: int) -> ListedLetter | None:
    """Return one letter; None if there is none of that number."""
    row = tx.execute(_LISTED.where(letters.c.id == letter)).one_or_none()
    return _listed(row) if row else None


def content_of(tx: Connection, letter: int) -> bytes:
    """Return the letter as it goes out."""
    return bytes(tx.execute(select(letters.c.content).where(letters.c.id == letter)).scalar_one())


def queue_again(tx: Connection, letter: int, who: str, now: datetime) -> bool:
    """Let a letter go out again as it is, because a person says so (H31, H33); False if it is on its way or accepted.

    Its five days begin anew, for they may be what ended the tries.
    """
    again = {"state": LetterState.QUEUED, "queued_at": now, "not_before": now, "settled_at": None, "reply": f"queued again by {who}"}
    return _change(tx, letter, NOT_SENT, again)


def drop(tx: Connection, letter: int, who: str, why: str, now: datetime) -> bool:
    """Let a letter never go out, because a person says so; False if it is on its way, accepted, or dropped already."""
    gone = _change(tx, letter, NOT_GOING_OUT, {"state": LetterState.DROPPED, "settled_at": now, "reply": f"dropped by {who}: {why}"})
    if gone:
        _take_secrets_out(tx, letters.c.id == letter)
    return gone


def _change(tx: Connection, letter: int, stands: Sequence[LetterState], values: Mapping[str, object]) -> bool:
    """Change a letter only if it still stands where it may be changed: delivery works beside us."""
    chosen = (letters.c.id == letter, letters.c.state.in_(stands), letters.c.recipient != "")  # "": its person was destroyed
    return bool(tx.execute(update(letters).where(*chosen).values(values)).rowcount)


_LISTED = select(
    *(letters.c[name] for name in ("id", "reference", "kind", "language", "state", "message_id", "attempts", "not_before", "reply"))
)


def _listed(row: LetterRow) -> ListedLetter:
    return ListedLetter(
        row.id, row.reference, row.kind, row.language, LetterState(row.state), row.message_id, row.attempts, row.not_before, row.reply
    )


def _defer(tx: Connection, deferred: Mapping[int, datetime]) -> None:
    if deferred:
        later = update(letters).where(letters.c.id == bindparam("letter")).values(state=LetterState.DEFERRED, reply=OVER_A_CAP)
        rows = [{"letter": letter, "not_before": moment} for letter, moment in deferred.items()]
        tx.execute(later.values(not_before=bindparam("not_before")), rows)


@dataclass(frozen=True, slots=True)
class _Cap:
    """At most so many letters in a window of time to what has the same values in the columns of ``group``."""

    most: int
    window: timedelta
    group: tuple[Column[Any], ...] = ()
    spares_aligned: bool = False


def _in_force(caps: Caps) -> Iterator[_Cap]:
    recipient, topic, domain = letters.c.recipient_key, letters.c.topic, letters.c.domain
    if caps.per_address_a_day:
        yield _Cap(caps.per_address_a_day, DAY, (recipient,))
        yield _Cap(1, DAY, (recipient, topic))  # RFC 3834, 2
    if caps.per_domain_an_hour:
        yield _Cap(caps.per_domain_an_hour, HOUR, (domain, letters.c.aligned))  # forged mail of a domain keeps nobody of it waiting
    if caps.an_hour:
        yield _Cap(caps.an_hour, HOUR)
        yield _Cap(max(1, caps.an_hour // 2), HOUR, spares_aligned=True)


class _Count:
    """One cap, and when the letters went out that count against it."""

    def __init__(self, tx: Connection, cap: _Cap, rows: Sequence[LetterRow], now: datetime) -> None:
        self._cap = cap
        self._moments: defaultdict[tuple[object, ...], list[datetime]] = defaultdict(list)
        sent = select(letters.c.claimed_at, *cap.group).where(
            letters.c.capped,
            letters.c.state.in_(SENT) | letters.c.reply.endswith(BY_REPORT),
            letters.c.claimed_at > now - cap.window,
            letters.c.claimed_at <= now,
        )
        if cap.group:
            sent = sent.where(cap.group[0].in_({row._mapping[cap.group[0]] for row in rows}))
        if cap.spares_aligned:
            sent = sent.where(letters.c.aligned.is_(False))
        for moment, *group in tx.execute(sent.order_by(letters.c.claimed_at)):
            self._moments[tuple(group)].append(moment)

    def frees_at(self, row: LetterRow) -> datetime | None:
        """Return when the cap lets the letter through; None if it does so now."""
        moments = self._of(row)
        return moments[-self._cap.most] + self._cap.window if len(moments) >= self._cap.most and self._binds(row) else None

    def add(self, row: LetterRow, now: datetime) -> None:
        """Count one more letter."""
        if self._binds(row):
            self._of(row).append(now)

    def _of(self, row: LetterRow) -> list[datetime]:
        return self._moments[tuple(row._mapping[column] for column in self._cap.group)]

    def _binds(self, row: LetterRow) -> bool:
        return not (self._cap.spares_aligned and row.aligned)


class _Gate:
    """Lets through what the caps allow, and notes until when the rest waits."""

    def __init__(self, tx: Connection, caps: Caps, bound: Sequence[LetterRow], now: datetime) -> None:
        self.deferred: dict[int, datetime] = {}
        self._now = now
        self._counts = [_Count(tx, cap, bound, now) for cap in _in_force(caps)] if bound else []

    def admits(self, row: LetterRow) -> bool:
        """Tell whether the letter may go now, and count it if so."""
        freed = [moment for count in self._counts if (moment := count.frees_at(row))]
        if freed:
            self.deferred[row.id] = max(*freed, self._now + SHORTEST_DEFERRAL)
            return False
        for count in self._counts:
            count.add(row, self._now)
        return True
