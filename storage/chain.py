"""The chain of history: each line holds a hash of the line before it, so that none can be changed, taken out or put in unnoticed.

What a line says of people (``who`` and ``detail``) enters it as a salted hash: destruction takes words and salt, and the chain holds.
Whoever holds the whole store could write all of it anew; the head that each digest prints, in mailboxes of others, is what tells.
How a chain is checked is ``storage.verification``. The form of the hashes may never change: no older line would be proven any more.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from secrets import token_bytes
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from storage.database import portions
from storage.tables import LETTER_TO_ENTER, events, letters, obligations

Told: TypeAlias = tuple[str, str, str, Mapping[str, object]]
"""What a line tells: (reference, what, who, detail)."""

GENESIS = bytes(32)
"""What stands before the first line."""

OWED, EMPTIED, TAKEN_BACK = "owed", "emptied", "taken_back"
FOR_PROOF = (OWED, EMPTIED, "letter_is_accepted", "letter_is_failed", "letter_is_dropped", "letter_is_doubtful")
"""Lines that prove what the register shows elsewhere: they are no news to anybody."""

LETTERS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the chain."""

    number: int
    reference: str
    at: datetime
    what: str
    who: str
    detail: Mapping[str, object]
    hash: bytes
    is_proven: bool
    """Whether ``who`` and ``detail`` are what was hashed; of the destroyed only the rest is proven."""


def append(tx: Connection, told: Sequence[Told], now: datetime) -> None:
    """Write lines that all tell of the same moment."""
    _append(tx, [(now, each) for each in told])


def head(tx: Connection) -> bytes | None:
    """Return the hash of the newest line, which stands for all before it; None of an empty chain."""
    newest: bytes | None = tx.execute(select(events.c.hash).order_by(events.c.id.desc()).limit(1)).scalar()
    return bytes(newest) if newest else None


def lines_of(tx: Connection, reference: str) -> tuple[Line, ...]:
    """Return all that the chain holds of a request, in order."""
    rows = tx.execute(select(events).where(events.c.reference == reference).order_by(events.c.id))
    return tuple(map(_line, rows))


def _line(row: Row[Any]) -> Line:
    is_proven = row.salt is not None and payload_hash(bytes(row.salt), row.who, row.detail) == row.payload_hash
    return Line(row.id, row.reference, row.at, row.what, row.who, row.detail, bytes(row.hash or b""), is_proven)


def enter_owed(tx: Connection, references: Iterable[str], who: str, now: datetime) -> None:
    """Write down what requests owe now and what is met of it: whoever changes obligations calls this after it."""
    for chosen in portions(sorted(set(references))):
        owed = select(obligations).where(obligations.c.reference.in_(chosen)).order_by(obligations.c.reference, obligations.c.id)
        of_each = dict.fromkeys(chosen, ()) | {
            reference: tuple(map(stated, rows)) for reference, rows in groupby(tx.execute(owed), lambda row: row.reference)
        }
        append(tx, [(reference, OWED, who, {OWED: stands}) for reference, stands in of_each.items()], now)


def stated(row: Row[Any]) -> dict[str, str | None]:
    """Write down an obligation as its request's history states it."""
    return {
        "what": row.what,
        "system": row.system,
        "source": row.source,
        "due": row.due.isoformat() if row.due else None,
        "arithmetic": row.arithmetic,
        "met": moment(row.met_at) if row.met_at else None,
        "by": row.met_by,
    }


def enter_letters(tx: Connection) -> int:
    """Write into the history of its request how and when each letter ended that is settled and not entered yet; return how many."""
    entered = 0
    due = select(letters).where(LETTER_TO_ENTER).order_by(letters.c.settled_at, letters.c.id).limit(LETTERS_AT_ONCE)
    while rows := tx.execute(due).all():
        _append(tx, [(row.settled_at, (row.reference, what, "mailbot", detail)) for row in rows for what, detail in [ended(row)]])
        tx.execute(_ENTERED, [{"letter": row.id, "moment": row.settled_at} for row in rows])
        entered += len(rows)
    return entered


_ENTERED = update(letters).where(letters.c.id == bindparam("letter")).values(entered_at=bindparam("moment"))


def ended(row: Row[Any]) -> tuple[str, dict[str, object]]:
    """Say how a letter ended, and what the server said. The hash is of what is kept: of an accepted letter without its one-time code."""
    return f"letter_is_{row.state}", {
        "kind": row.kind,
        "language": row.language,
        "reply": row.reply,
        "message_id": row.message_id,
        "sha256": sha256(row.content).hexdigest() if row.content else None,
        "queued": moment(row.queued_at),
        "marked": moment(row.marked_at) if row.marked_at else None,
    }


# --- the form of a line ----------------------------------------------------------------------------------------------
# Made once: json.dumps makes an encoder at each call that asks for anything.
_AS_JSON = json.JSONEncoder(allow_nan=False).encode
_IN_ONE_WAY = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def plain(detail: Mapping[str, object]) -> dict[str, Any]:
    """Return a detail as it comes back from the store; what JSON does not know is a mistake of ours and is refused."""
    returned: dict[str, Any] = json.loads(_AS_JSON(detail))
    return returned


def payload_hash(salt: bytes, who: str, detail: Mapping[str, object]) -> bytes:
    """Return the hash by which a line stands for what it says of people."""
    return sha256(salt + canonical([who, detail])).digest()


def line_hash(before: bytes, number: int, told: tuple[str, datetime, str], payload: bytes) -> bytes:
    """Return the hash of a line that follows the one with the hash ``before``; ``told``: reference, moment, what."""
    reference, at, what = told
    return sha256(before + canonical([number, reference, moment(at), what, payload.hex()])).digest()


def canonical(value: object) -> bytes:
    """Write a value in the one way in which equal values are equal bytes."""
    return _IN_ONE_WAY(value).encode("ascii")


def moment(at: datetime) -> str:
    """Write a moment in the one way in which it is hashed."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _append(tx: Connection, told: Sequence[tuple[datetime, Told]]) -> None:
    """Write lines after the newest one: who writes is alone. Numbers are given here, not by the engine, and follow without a gap."""
    if not told:
        return
    newest = tx.execute(select(events.c.id, events.c.hash).order_by(events.c.id.desc()).limit(1)).one_or_none()
    last, before = (newest.id, bytes(newest.hash or GENESIS)) if newest else (0, GENESIS)
    rows = []
    for number, (at, (reference, what, who, detail)) in enumerate(told, last + 1):
        salt, kept = token_bytes(16), plain(detail)
        payload = payload_hash(salt, who, kept)
        before = line_hash(before, number, (reference, at, what), payload)
        said = {"id": number, "reference": reference, "at": at, "what": what, "who": who, "detail": kept}
        rows.append(said | {"salt": salt, "payload_hash": payload, "hash": before})
    tx.execute(insert(events), rows)
