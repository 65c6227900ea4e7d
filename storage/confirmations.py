"""What was asked back with a one-time code, of whom, and what was answered. Codes are stored as keyed hashes only (H66)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update

from rules.vocabulary import Answer, Asked, State
from storage.database import portions
from storage.tables import confirmations, requests


@dataclass(frozen=True, slots=True)
class NewConfirmation:
    """A question that a letter asks."""

    reference: str
    role: Asked
    asked_key: bytes
    code_key: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A question, and its answer if there is one."""

    id: int
    reference: str
    role: Asked
    asked_key: bytes
    code_key: bytes
    expires_at: datetime
    answered_at: datetime | None
    answer: Answer | None


def ask(tx: Connection, new: Sequence[NewConfirmation], now: datetime) -> None:
    """Note what letters ask."""
    if new:
        rows = [
            {
                "reference": each.reference,
                "role": each.role,
                "asked_key": each.asked_key,
                "code_key": each.code_key,
                "asked_at": now,
                "expires_at": each.expires_at,
            }
            for each in new
        ]
        tx.execute(insert(confirmations), rows)


def by_code(tx: Connection, code_keys: Iterable[bytes]) -> dict[bytes, Confirmation]:
    """Return the questions that belong to the codes, in one look-up."""
    found = dict[bytes, Confirmation]()
    for chosen in portions(code_keys):
        rows = tx.execute(select(confirmations).where(confirmations.c.code_key.in_(chosen)))
        found.update((bytes(row.code_key), _confirmation(row)) for row in rows)
    return found


def of_request(tx: Connection, reference: str) -> tuple[Confirmation, ...]:
    """Return what was asked for a request."""
    rows = tx.execute(select(confirmations).where(confirmations.c.reference == reference).order_by(confirmations.c.id))
    return tuple(map(_confirmation, rows))


def answer(tx: Connection, confirmation: int, said: Answer, now: datetime) -> bool:
    """Note an answer; False if there was one already: a code is good for one."""
    first = (confirmations.c.id == confirmation) & confirmations.c.answered_at.is_(None)
    return bool(tx.execute(update(confirmations).where(first).values(answer=said, answered_at=now)).rowcount)


def confirm(tx: Connection, reference: str, now: datetime) -> None:
    """Note that everybody who was asked for a request said yes."""
    tx.execute(update(requests).where(requests.c.reference == reference).values(confirmed_at=now))


def overdue(tx: Connection, now: datetime) -> tuple[str, ...]:
    """Return the requests that still wait for an answer whose time is over."""
    late = (confirmations.c.answered_at.is_(None)) & (confirmations.c.expires_at <= now)
    waiting = select(requests.c.reference).where(requests.c.state == State.AWAITING_SENDER)
    chosen = waiting.where(requests.c.reference.in_(select(confirmations.c.reference).where(late)))
    return tuple(tx.execute(chosen.order_by(requests.c.reference)).scalars())


def _confirmation(row: Row[tuple[object, ...]]) -> Confirmation:
    return Confirmation(
        row.id,
        row.reference,
        Asked(row.role),
        bytes(row.asked_key),
        bytes(row.code_key),
        row.expires_at,
        row.answered_at,
        Answer(row.answer) if row.answer else None,
    )
