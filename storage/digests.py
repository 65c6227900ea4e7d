"""The digests that were sent, the secrets with which they are answered, and what was ordered by answering them (H67).

Secrets are stored as keyed hashes only; a letter in the outbox bears its own as long as it may still go out. What an order says is read
by ``rules.orders``; it is carried out by ``mailbot.ordering``.
"""

import re
from base64 import decodebytes, encodebytes
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, func, insert, select, update

from rules.confirmation import ALPHABET, CODE_LENGTH, NO_CODE
from rules.place import Place
from rules.vocabulary import Standing
from storage.database import portions
from storage.tables import digests, order_lines, orders

ANSWERED_FOR = timedelta(days=7)
"""A digest is answered for so long at least, and until the next one is sent to its reader."""

WORDS_KEPT = timedelta(days=30)
"""How long what staff wrote is kept after it was answered; what they did stands in the history of the requests."""

DIGESTS_KNOWN = timedelta(days=180)
"""How long a digest is remembered, so that whoever answers an old one is told that it is old."""


DIGEST_MARK = "<mailbot.digest."
"""How the Message-ID begins of what staff may answer; the secret follows."""

SECRET_IN_ID = re.compile(rf"{re.escape(DIGEST_MARK)}([{ALPHABET}]{{{CODE_LENGTH}}})@")
_SECRET = re.compile(SECRET_IN_ID.pattern.encode())
_BASE64_PART = re.compile(rb"(Content-Transfer-Encoding: base64\r\n(?:[^\r\n]+\r\n)*\r\n)([A-Za-z0-9+/=\r\n]+)")


class LineState(StrEnum):
    """What became of one order."""

    DONE = "done"
    REFUSED = "refused"
    NOT_UNDERSTOOD = "not_understood"
    TOLD = "told"
    ASKED = "asked"
    CALLED_OFF = "called_off"


CHANGING = (LineState.DONE, LineState.ASKED, LineState.CALLED_OFF)
"""What becomes of a line that people, and not machines, write again and again."""

NEW_ENTRY = "new|"
"""How an act begins that enters what did not come by mail."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """What a number in a digest stands for."""

    number: int
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class NewDigest:
    """A digest as it goes to one reader."""

    day: date
    reader: str
    reader_key: bytes
    code_key: bytes
    items: tuple[Numbered, ...]
    head: bytes | None


@dataclass(frozen=True, slots=True)
class Opened:
    """What a secret opens: a digest, for whom, and the orders whose answer brought the secret, if it was not the digest itself."""

    digest: int
    reader_key: bytes
    answers: int | None


@dataclass(frozen=True, slots=True)
class NewOrders:
    """A message that answers a digest."""

    opened: Opened
    place: Place
    received_at: datetime
    standing: Standing
    message_id: str | None
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Orders:
    """A message that answers a digest, and what its numbers mean; ``replaced_at`` is when its reader got the next one."""

    id: int
    digest: int
    day: date
    reader: str
    digest_at: datetime
    replaced_at: datetime | None
    items: Mapping[int, Numbered]
    received_at: datetime
    standing: Standing
    message_id: str | None
    subject: str
    text: str
    answers: int | None

    @property
    def is_late(self) -> bool:
        """Tell whether the digest could be answered no more when the answer came."""
        replaced = self.replaced_at is not None and self.replaced_at < self.received_at
        return replaced and self.received_at >= self.digest_at + ANSWERED_FOR


@dataclass(frozen=True, slots=True)
class Line:
    """One order, and what became of it; ``act`` names what was done, ``expires_at`` is until when it may be confirmed."""

    number: int
    line: str
    state: LineState
    said: str
    act: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Before:
    """Who ordered the same thing before, and when."""

    reader: str
    at: datetime


def without_secret(content: bytes) -> bytes | None:
    """Return a letter to staff without its secret, for whoever reads the store must not order in their name; None: it has none."""
    secret = _SECRET.search(content.partition(b"\r\n\r\n")[0])
    if secret is None:
        return None

    def blank(part: re.Match[bytes]) -> bytes:
        return part[1] + encodebytes(decodebytes(part[2]).replace(secret[1], NO_CODE.encode())).replace(b"\n", b"\r\n")

    return _BASE64_PART.sub(blank, content).replace(secret[1], NO_CODE.encode())


def add(tx: Connection, new: Sequence[NewDigest], now: datetime) -> None:
    """Remember what was sent."""
    if new:
        tx.execute(insert(digests), [{**_columns(each), "queued_at": now} for each in new])


def readers_among(tx: Connection, keys: Iterable[bytes]) -> frozenset[bytes]:
    """Return which of the addresses a digest was sent to."""
    found: set[bytes] = set()
    for chosen in portions(keys):
        found.update(map(bytes, tx.execute(select(digests.c.reader_key).where(digests.c.reader_key.in_(chosen)).distinct()).scalars()))
    return frozenset(found)


def opened_by(tx: Connection, code_keys: Iterable[bytes]) -> dict[bytes, Opened]:
    """Return what secrets open, in one look-up: those of digests, and those of the answers to orders."""
    found = dict[bytes, Opened]()
    for chosen in portions(code_keys):
        sent = select(digests.c.code_key, digests.c.id, digests.c.reader_key).where(digests.c.code_key.in_(chosen))
        found.update((bytes(row.code_key), Opened(row.id, bytes(row.reader_key), None)) for row in tx.execute(sent))
        answers = select(orders.c.code_key, orders.c.id, orders.c.digest_id, digests.c.reader_key).join(digests)
        rows = tx.execute(answers.where(orders.c.code_key.in_(chosen)))
        found.update((bytes(row.code_key), Opened(row.digest_id, bytes(row.reader_key), row.id)) for row in rows)
    return found


def enter(tx: Connection, new: Sequence[NewOrders]) -> None:
    """Put down what staff wrote; nothing of it is carried out yet."""
    if new:
        tx.execute(insert(orders), [_order_row(each) for each in new])


def unanswered(tx: Connection) -> tuple[int, ...]:
    """Return the orders that are still to be carried out or answered, the first first."""
    return tuple(tx.execute(select(orders.c.id).where(orders.c.answered_at.is_(None)).order_by(orders.c.id)).scalars())


def orders_of(tx: Connection, chosen: int) -> Orders:
    """Return a message that answers a digest."""
    row = tx.execute(select(orders).where(orders.c.id == chosen)).one()
    sent = tx.execute(select(digests).where(digests.c.id == row.digest_id)).one()
    following = select(func.min(digests.c.queued_at)).where(digests.c.reader_key == sent.reader_key, digests.c.id > sent.id)
    return Orders(
        id=row.id,
        digest=sent.id,
        day=sent.day,
        reader=sent.reader,
        digest_at=sent.queued_at,
        replaced_at=tx.execute(following).scalar(),
        items={number: Numbered(number, kind, name) for number, kind, name in sent.items},
        received_at=row.received_at,
        standing=Standing(row.standing),
        message_id=row.message_id,
        subject=row.subject,
        text=row.text,
        answers=row.answers,
    )


def newest_day(tx: Connection, chosen: Orders) -> date:
    """Return the day of the last digest that the same reader got."""
    reader = select(digests.c.reader_key).where(digests.c.id == chosen.digest).scalar_subquery()
    day: date = tx.execute(select(func.max(digests.c.day)).where(digests.c.reader_key == reader)).scalar_one()
    return day


def lines_of(tx: Connection, chosen: int) -> dict[int, Line]:
    """Return what became of the lines of a message, by number."""
    rows = tx.execute(select(order_lines).where(order_lines.c.order_id == chosen).order_by(order_lines.c.number))
    return {row.number: _line(row) for row in rows}


def asked_before(tx: Connection, chosen: Orders) -> dict[int, list[int]]:
    """Return which lines of earlier messages about the same digest had to be confirmed: message → numbers."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    asked = (order_lines.c.digest_id == chosen.digest, order_lines.c.order_id < chosen.id, order_lines.c.expires_at.is_not(None))
    for row in tx.execute(select(order_lines.c.order_id, order_lines.c.number).where(*asked).order_by(order_lines.c.id)):
        found[row.order_id].append(row.number)
    return found


def write_line(tx: Connection, chosen: Orders, line: Line) -> None:
    """Write what became of a line, in the transaction that did it."""
    tx.execute(insert(order_lines).values(order_id=chosen.id, digest_id=chosen.digest, **asdict(line)))


def settle_line(tx: Connection, asked: int, line: Line) -> None:
    """Write what became of a line that had to be confirmed."""
    which = (order_lines.c.order_id == asked, order_lines.c.number == line.number)
    tx.execute(update(order_lines).where(*which).values(state=line.state, said=line.said, act=line.act))


def done_before(tx: Connection, chosen: Orders, act: str) -> Before | None:
    """Return who did the same before by answering this digest, or another reader's of the same day; None if nobody did."""
    columns = (digests.c.reader, orders.c.received_at)
    done = select(*columns).select_from(order_lines).join(orders, orders.c.id == order_lines.c.order_id)
    done = done.join(digests, digests.c.id == order_lines.c.digest_id).where(order_lines.c.act == act)
    if not act.startswith(NEW_ENTRY):  # its numbers mean something else on another day; what is entered is named in full
        done = done.where(digests.c.day == chosen.day)
    row = tx.execute(done.order_by(order_lines.c.id).limit(1)).one_or_none()
    return Before(row.reader, row.received_at) if row else None


def answers_in_vain(tx: Connection, chosen: Orders) -> int:
    """Count the answers to messages of this digest that changed nothing: a machine may be writing them."""
    useful = exists().where(order_lines.c.order_id == orders.c.id, order_lines.c.state.in_(CHANGING))
    vain = select(func.count()).select_from(orders).where(orders.c.digest_id == chosen.digest, orders.c.code_key.is_not(None), ~useful)
    return int(tx.execute(vain).scalar_one())


def close(tx: Connection, chosen: Orders, code_key: bytes | None, now: datetime) -> None:
    """Note that a message is carried out, and with which secret its answer is answered (None: nothing is answered)."""
    tx.execute(update(orders).where(orders.c.id == chosen.id).values(answered_at=now, code_key=code_key))


def forget_old(tx: Connection, now: datetime) -> None:
    """Wipe what staff wrote long ago and what old numbers stood for, and forget the oldest digests."""
    over = orders.c.answered_at < now - WORDS_KEPT
    old_orders = select(orders.c.id).where(over)
    wiped = {"line": "", "said": "", "expires_at": None}
    tx.execute(update(order_lines).where(order_lines.c.order_id.in_(old_orders), order_lines.c.line != "").values(wiped))
    tx.execute(update(orders).where(over, orders.c.text != "").values(text="", subject="", message_id=None))
    newest = select(func.max(digests.c.id)).group_by(digests.c.reader_key)
    tx.execute(update(digests).where(digests.c.queued_at < now - WORDS_KEPT, digests.c.id.not_in(newest)).values(items=[]))
    answered = exists().where(orders.c.digest_id == digests.c.id)
    tx.execute(delete(digests).where(digests.c.queued_at < now - DIGESTS_KNOWN, ~answered, digests.c.id.not_in(newest)))


def _columns(new: NewDigest) -> dict[str, object]:
    fields: dict[str, object] = {name: getattr(new, name) for name in ("day", "reader", "reader_key", "code_key", "head")}
    return fields | {"items": [[each.number, each.kind, each.name] for each in new.items]}


def _order_row(new: NewOrders) -> dict[str, object]:
    names = ("received_at", "standing", "message_id", "subject", "text")
    told = {name: getattr(new, name) for name in names}
    return {"digest_id": new.opened.digest, "answers": new.opened.answers, **asdict(new.place), **told}


def _line(row: Row[Any]) -> Line:
    return Line(row.number, row.line, LineState(row.state), row.said, row.act, row.expires_at)
