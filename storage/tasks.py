"""Tasks: what a command of the operator has to carry out in another system. claim → run → settle; unique by reference, what and system.

A claim lapses by itself, so what was in hand when a process died is run again. A task counts only as long as its obligation is owed:
what staff ticked off meanwhile, or the person took back, is run no more. A payload is forgotten once its command has succeeded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, bindparam, delete, or_, select, update

from rules.life import OPEN
from storage.database import insert_new
from storage.tables import contacts, obligations, requests, systems, tasks

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)

TRIES_BEFORE_LISTED = 10
"""After so many a task has failed: staff are told, and it is tried on with the longest pause. Nothing is dropped."""

Payload: TypeAlias = Mapping[str, object]


class TaskState(StrEnum):
    """Where a task stands."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NewTask:
    """What a command is to do, and everything that it is told."""

    reference: str
    system: str
    what: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class ClaimedTask:
    """A task in hand; ``attempts`` counts this try too, and when the claim lapses tells it from every other."""

    id: int
    reference: str
    system: str
    what: str
    payload: Payload
    attempts: int
    lapses_at: datetime


@dataclass(frozen=True, slots=True)
class ListedTask:
    """What a list of tasks shows; ``reply`` is what the command said last."""

    id: int
    reference: str
    system: str
    what: str
    state: TaskState
    attempts: int
    since: datetime
    not_before: datetime
    reply: str | None

    @property
    def has_failed(self) -> bool:
        """Tell whether it was tried in vain so often that staff must look, whoever has it in hand now."""
        return self.state is TaskState.FAILED or (self.state is TaskState.CLAIMED and self.attempts > TRIES_BEFORE_LISTED)


_IS_OWED = (
    select(obligations.c.id)
    .join(requests, requests.c.reference == obligations.c.reference)
    .where(
        obligations.c.reference == tasks.c.reference,
        obligations.c.what == tasks.c.what,
        obligations.c.system == tasks.c.system,
        obligations.c.met_at.is_(None),
        requests.c.state.in_(OPEN),
    )
    .correlate(tasks)
    .exists()
)
_IS_AHEAD = (tasks.c.state != TaskState.DONE) & _IS_OWED


def queue(tx: Connection, new: Sequence[NewTask], now: datetime) -> None:
    """Put tasks into the queue. One that stands already stays as it is; one that was done begins anew, for it is owed again."""
    if not new:
        return
    same = [tasks.c[name] == bindparam(f"its_{name}") for name in ("reference", "what", "system")]
    named = [{"its_reference": task.reference, "its_what": task.what, "its_system": task.system} for task in new]
    tx.execute(delete(tasks).where(tasks.c.state == TaskState.DONE, *same), named)
    insert_new(tx, tasks, [{**asdict(task), "state": TaskState.WAITING, "attempts": 0, "since": now, "not_before": now} for task in new])


def claim(tx: Connection, system: str, now: datetime, until: datetime) -> ClaimedTask | None:
    """Take the next task of a system that is due; nobody else gets it before ``until``. None if nothing is due.

    What is to wait longer than any pause was put off by a clock that was wrong, and is due (H99).
    """
    is_due = or_(tasks.c.not_before <= now, tasks.c.not_before > now + LONGEST_PAUSE)
    next_one = select(tasks).where(tasks.c.system == system, is_due, _IS_AHEAD).order_by(tasks.c.not_before, tasks.c.id).limit(1)
    row = tx.execute(next_one.with_for_update(skip_locked=True, of=tasks)).one_or_none()
    if row is None:
        return None
    claimed = {"state": TaskState.CLAIMED, "attempts": row.attempts + 1, "not_before": until}
    tx.execute(update(tasks).where(tasks.c.id == row.id).values(claimed))
    return ClaimedTask(row.id, row.reference, row.system, row.what, row.payload, row.attempts + 1, until)


def settle(tx: Connection, task: ClaimedTask, reply: str, now: datetime) -> None:
    """Write that the command succeeded, whoever has claimed the task by now; what it was told is forgotten."""
    done = {"state": TaskState.DONE, "payload": {}, "reply": reply, "settled_at": now}
    tx.execute(update(tasks).where(tasks.c.id == task.id).values(done))


def put_off(tx: Connection, task: ClaimedTask, reply: str, now: datetime) -> TaskState:
    """Have a task tried again after a pause that doubles from try to try; return where it stands. Another's claim stays as it is."""
    state = TaskState.FAILED if task.attempts >= TRIES_BEFORE_LISTED else TaskState.WAITING
    claims = (tasks.c.id == task.id, tasks.c.state == TaskState.CLAIMED, tasks.c.not_before == task.lapses_at)
    tx.execute(update(tasks).where(*claims).values(state=state, reply=reply, not_before=now + _pause(task.attempts)))
    return state


def retry(tx: Connection, chosen: Sequence[int], now: datetime) -> int:
    """Let tasks be tried now, with all their tries before them, because a person says so; return how many nobody has in hand."""
    anew = {"state": TaskState.WAITING, "attempts": 0, "not_before": now}
    stand = tasks.c.state.in_((TaskState.WAITING, TaskState.FAILED))
    return tx.execute(update(tasks).where(tasks.c.id.in_(chosen), stand).values(anew)).rowcount


def waiting_for(tx: Connection, reference: str) -> tuple[ListedTask, ...]:
    """Return what commands have still to do for a request."""
    return _listed(tx, reference=reference)


def waiting_in(tx: Connection, system: str) -> tuple[ListedTask, ...]:
    """Return what the command of a system has still to do, oldest first."""
    return _listed(tx, system=system)


def failures(tx: Connection) -> tuple[ListedTask, ...]:
    """Return what was tried in vain so often that staff must look, oldest first."""
    return tuple(task for task in _listed(tx) if task.has_failed)


def forget(tx: Connection, reference: str) -> None:
    """Destroy what tasks of a request hold of a person. One that is still owed keeps what its command must be told, until that has run."""
    of_request = tasks.c.reference == reference
    tx.execute(update(tasks).where(of_request).values(reply=None))
    tx.execute(update(tasks).where(of_request, ~_IS_AHEAD).values(payload={}))


def systems_in_mode(tx: Connection, mode: str) -> frozenset[str]:
    """Return the systems that are kept in step in that way."""
    return frozenset(tx.execute(select(systems.c.name).where(systems.c.mode == mode)).scalars())


def mail_addresses_of(tx: Connection, subscriber_id: int) -> tuple[str, ...]:
    """Return every e-mail address that is on file of a person."""
    emails = select(contacts.c.value).where(contacts.c.subscriber_id == subscriber_id, contacts.c.kind == "email")
    return tuple(tx.execute(emails.order_by(contacts.c.id)).scalars())


def _listed(tx: Connection, **wanted: str) -> tuple[ListedTask, ...]:
    chosen = select(tasks).where(_IS_AHEAD, *(tasks.c[name] == value for name, value in wanted.items()))
    return tuple(map(_as_listed, tx.execute(chosen.order_by(tasks.c.id))))


def _as_listed(row: Row[Any]) -> ListedTask:
    state = TaskState(row.state)
    return ListedTask(row.id, row.reference, row.system, row.what, state, row.attempts, row.since, row.not_before, row.reply)


def _pause(attempts: int) -> timedelta:
    return min(FIRST_PAUSE * (1 << min(attempts - 1, TRIES_BEFORE_LISTED)), LONGEST_PAUSE)
