"""What is kept of the messages that matter: header and text as they came, attachments as name, type, size and SHA-256."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from secrets import token_bytes
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from rules.automatic import LONGEST_REFRAIN
from rules.fingerprint import Keys
from rules.message import Attachment
from rules.place import Place
from storage.database import insert_new, refuse_if_kept
from storage.tables import receipts, secrets


@dataclass(frozen=True, slots=True)
class Receipt:
    """A message that is, or may be, a request, with all that is kept of it."""

    place: Place
    reference: str | None
    received_at: datetime
    sender_key: bytes | None
    message_key: bytes | None
    text_key: bytes | None
    domain_key: bytes | None
    header: bytes
    text: str | None
    attachments: tuple[Attachment, ...]
    raw: bytes | None = None


LATELY = 200
"""How many messages back a robot is looked for: it answers in minutes."""


def keys_of(tx: Connection) -> Keys:
    """Return the store's keyed hashes; a new store gets its secret here."""
    chosen = select(secrets.c.value).where(secrets.c.name == "fingerprint")
    secret = tx.execute(chosen).scalar()
    if secret is None:
        insert_new(tx, secrets, [{"name": "fingerprint", "value": token_bytes(32)}])
        secret = tx.execute(chosen).scalar_one()
    return Keys(bytes(secret))


def keep(tx: Connection, kept: Sequence[Receipt]) -> None:
    """Store the messages."""
    if kept:
        tx.execute(insert(receipts), [_row(receipt) for receipt in kept])


def header_of(tx: Connection, reference: str) -> bytes | None:
    """Return the header of the message that opened a request."""
    first = select(receipts.c.header).where(receipts.c.reference == reference).order_by(receipts.c.id).limit(1)
    header = tx.execute(first).scalar()
    return bytes(header) if header is not None else None


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """What staff may read of a kept message."""

    received_at: datetime
    header: bytes
    text: str | None
    attachments: tuple[str, ...]


def messages_of(tx: Connection, reference: str) -> tuple[KeptMessage, ...]:
    """Return the messages that belong to a request, the one that opened it first."""
    rows = tx.execute(_KEPT.where(receipts.c.reference == reference).order_by(receipts.c.id))
    return tuple(_kept(row) for row in rows)


def message_at(tx: Connection, place: Place) -> KeptMessage | None:
    """Return what staff may read of the message at a place; None if nothing of it is kept."""
    row = tx.execute(_KEPT.where(*_at(place))).one_or_none()
    return _kept(row) if row else None


def said_lately(tx: Connection, since: datetime) -> list[tuple[bytes, str]]:
    """Return the sender's domain and the beginning of the text of what was kept since then, as far as ``LATELY`` goes back (H82)."""
    beginning = func.substr(receipts.c.text, 1, LONGEST_REFRAIN).label("begins")
    newest = select(receipts.c.domain_key, beginning, receipts.c.received_at).order_by(receipts.c.id.desc()).limit(LATELY)
    rows = tx.execute(newest).all()
    return [(bytes(row.domain_key), row.begins) for row in rows if row.domain_key and row.begins and row.received_at >= since]


def raw_at(tx: Connection, place: Place) -> bytes | None:
    """Return the message at a place as it came; None if it was not kept like that."""
    raw = tx.execute(select(receipts.c.raw).where(*_at(place))).scalar()
    return bytes(raw) if raw else None  # no bytes: it could not even be fetched


def forget(tx: Connection, place: Place) -> None:
    """Make room for what is to be kept of a message that is taken in again."""
    tx.execute(delete(receipts).where(*_at(place)))


def strip(tx: Connection) -> list[tuple[str | None, bytes]]:
    """Give away the headers that are kept, with the requests they belong to, and keep of each message only what ties others to it."""
    refuse_if_kept(tx)
    held = receipts.c.header != b""
    rows = tx.execute(select(receipts.c.reference, receipts.c.header).where(held).order_by(receipts.c.id)).all()
    tx.execute(update(receipts).where(held).values(header=b"", text=None, raw=None))
    return [(row.reference, bytes(row.header)) for row in rows]


_KEPT = select(*(receipts.c[name] for name in ("received_at", "header", "text", "attachments")))


def _kept(row: Row[Any]) -> KeptMessage:
    return KeptMessage(row.received_at, bytes(row.header), row.text, tuple(attachment["name"] for attachment in row.attachments))


def _at(place: Place) -> tuple[ColumnElement[bool], ...]:
    return tuple(receipts.c[name] == value for name, value in asdict(place).items())


def _row(receipt: Receipt) -> dict[str, object]:
    place = receipt.place
    return {
        "inbox": place.inbox,
        "folder": place.folder,
        "uidvalidity": place.uidvalidity,
        "uid": place.uid,
        "reference": receipt.reference,
        "received_at": receipt.received_at,
        "sender_key": receipt.sender_key,
        "message_key": receipt.message_key,
        "text_key": receipt.text_key,
        "domain_key": receipt.domain_key,
        "header": receipt.header,
        "text": receipt.text,
        "attachments": [asdict(attachment) for attachment in receipt.attachments],
        "raw": receipt.raw,
    }
