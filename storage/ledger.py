"""The ledger of mail: one row a message, the cursor of each folder, and what could not be fetched yet.

It holds no readable personal data: a message is known by its place and a keyed hash.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Row, Table, bindparam, delete, func, insert, select, update

from rules.place import Cursor, Place
from rules.vocabulary import Outcome
from storage.database import portions, refuse_if_kept
from storage.tables import FILING_DUE, cursors, ledger, letters, notes, pending, receipts, requests

SETTLED_BY_STAFF = "settled_by_staff"
"""The reason of a message that was set aside, and of which a person said that there is nothing to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The ledger's row of one message."""

    place: Place
    fingerprint: bytes
    received_at: datetime
    outcome: Outcome
    reason: str
    reference: str | None = None
    filing_due: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """A message that the server listed and did not deliver (H7)."""

    uid: int
    tries: int


@dataclass(frozen=True, slots=True)
class Filing:
    """A message that is to be filed away: marked, labelled or moved."""

    row: int
    uid: int


@dataclass(frozen=True, slots=True)
class SetAside:
    """A message that was set aside for a person (H22)."""

    row: int
    place: Place
    received_at: datetime
    taken_at: datetime
    reason: str

    @property
    def name(self) -> str:
        """Return what people call it by."""
        return f"m{self.row}"


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody did with a message that has no entry in the register."""

    at: datetime
    what: str
    who: str
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Written:
    """What a row of the ledger says of its message."""

    row: int
    outcome: Outcome
    reference: str | None


class CursorMoved(Exception):
    """Somebody else worked in this folder meanwhile: our batch is stale and nothing of it is recorded."""


def cursor_of(tx: Connection, inbox: str, folder: str) -> Cursor | None:
    """Return how far the folder was worked through; None before its first start."""
    row = tx.execute(select(cursors).where(cursors.c.inbox == inbox, cursors.c.folder == folder)).one_or_none()
    return Cursor(**row._mapping) if row else None


def place_cursor(tx: Connection, cursor: Cursor) -> None:
    """Write the cursor whole: at first start, and after the folder was renumbered."""
    where = (cursors.c.inbox == cursor.inbox, cursors.c.folder == cursor.folder)
    tx.execute(delete(cursors).where(*where))
    tx.execute(insert(cursors).values(**asdict(cursor)))


def begin_batch(tx: Connection, cursor: Cursor, first: int, last: int) -> int:
    """Count an attempt at the batch before anything of it is parsed (H23); return how many there were with this one."""
    same = cursor.trying_from == first and cursor.trying_to == last
    tries = cursor.tries + 1 if same else 1
    _move(tx, cursor, trying_from=first, trying_to=last, tries=tries)
    return tries


def note_hangup(tx: Connection, cursor: Cursor) -> None:
    """Note that the server failed in the middle of the batch: no attempt of ours, but not for ever (H7, H22)."""
    _move(tx, cursor, tries=max(0, cursor.tries - 1), hangups=cursor.hangups + 1)


def hold(tx: Connection, cursor: Cursor) -> None:
    """Let nobody else move the cursor before the transaction ends; raise ``CursorMoved`` if another did so first."""
    _move(tx, cursor, last_uid=cursor.last_uid)


def record(tx: Connection, cursor: Cursor, entries: Sequence[Entry], last_uid: int, now: datetime) -> None:
    """Write a batch's rows and move the cursor past it; raise ``CursorMoved`` if another did so first."""
    if entries:
        tx.execute(insert(ledger), [_row(entry, now) for entry in entries])
    _move(tx, cursor, last_uid=last_uid, trying_from=None, trying_to=None, tries=0, hangups=0)


def record_pending(tx: Connection, cursor: Cursor, entries: Sequence[Entry], now: datetime) -> None:
    """Write the rows of messages that were pending; the cursor is past them already."""
    if entries:
        tx.execute(insert(ledger), [_row(entry, now) for entry in entries])
        forget_pending(tx, cursor, [entry.place.uid for entry in entries])


def finish_pass(tx: Connection, inbox: str, folder: str, now: datetime) -> None:
    """Note that the whole folder was seen at ``now``."""
    tx.execute(update(cursors).where(cursors.c.inbox == inbox, cursors.c.folder == folder).values(last_pass_at=now))


def pending_in(tx: Connection, cursor: Cursor) -> tuple[Pending, ...]:
    """Return the messages of the folder that wait for another try."""
    rows = tx.execute(select(pending.c.uid, pending.c.tries).where(*_folder(pending, cursor)).order_by(pending.c.uid))
    return tuple(Pending(row.uid, row.tries) for row in rows)


def set_pending(tx: Connection, cursor: Cursor, uids: Iterable[int], reason: str, now: datetime) -> None:
    """Put messages aside for another try, counting this one."""
    for uid in uids:
        counted = update(pending).where(*_folder(pending, cursor), pending.c.uid == uid).values(tries=pending.c.tries + 1, reason=reason)
        if not tx.execute(counted).rowcount:
            place = asdict(cursor.place(uid))
            tx.execute(insert(pending).values(**place, tries=1, reason=reason, since=now))


def forget_pending(tx: Connection, cursor: Cursor, uids: Iterable[int]) -> None:
    """Stop waiting for messages: they were taken in, or they are gone."""
    for chosen in portions(uids):
        tx.execute(delete(pending).where(*_folder(pending, cursor), pending.c.uid.in_(chosen)))


def known_fingerprints(tx: Connection, cursor: Cursor, fingerprints: Iterable[bytes]) -> Mapping[bytes, list[int]]:
    """Return the rows that the folder's messages had before it was renumbered, by fingerprint (H3)."""
    before = (ledger.c.inbox == cursor.inbox, ledger.c.folder == cursor.folder, ledger.c.uidvalidity != cursor.uidvalidity)
    known: defaultdict[bytes, list[int]] = defaultdict(list)
    for chosen in portions(fingerprints):
        found = select(ledger.c.id, ledger.c.fingerprint).where(*before, ledger.c.fingerprint.in_(chosen)).order_by(ledger.c.id)
        for row in tx.execute(found):
            known[row.fingerprint].append(row.id)
    return known


def renumber(tx: Connection, cursor: Cursor, new_uids: Mapping[int, int]) -> None:
    """Give messages seen before (row → UID) their new number wherever their place is kept."""
    for chosen in portions(new_uids):
        columns = (ledger.c.id, ledger.c.uidvalidity, ledger.c.uid, ledger.c.reference)
        found = tx.execute(select(*columns).where(ledger.c.id.in_(chosen)))
        moves = [
            {"row": row.id, "from_uidvalidity": row.uidvalidity, "from_uid": row.uid, "to_uid": new_uids[row.id], "joins": row.reference}
            for row in found
        ]
        _renumber(tx, cursor, ledger, (ledger.c.id == bindparam("row"),), moves)
        _renumber(tx, cursor, receipts, (), moves)
        _renumber(tx, cursor, requests, (requests.c.reference == bindparam("joins"),), [move for move in moves if move["joins"]])


def filing_due(tx: Connection, cursor: Cursor) -> tuple[Filing, ...]:
    """Return the messages of the folder that are to be filed away."""
    due = select(ledger.c.id, ledger.c.uid).where(*_folder(ledger, cursor)).where(FILING_DUE).order_by(ledger.c.uid)
    return tuple(Filing(row.id, row.uid) for row in tx.execute(due))


def filed(tx: Connection, filings: Iterable[Filing]) -> None:
    """Note that the messages were filed away, or that they lie no longer there."""
    rows = [{"row": filing.row} for filing in filings]
    if rows:
        tx.execute(update(ledger).where(ledger.c.id == bindparam("row")).values(filing="done"), rows)


def file_answered(tx: Connection, letter_ids: Sequence[int]) -> None:
    """Make the messages that the accepted letters acknowledge due for filing."""
    tx.execute(_FILE_ANSWERED, [{"letter": letter} for letter in letter_ids])


_FILE_ANSWERED = (
    update(ledger)
    .where(
        ledger.c.reference == select(letters.c.reference).where(letters.c.id == bindparam("letter")).scalar_subquery(),
        (ledger.c.outcome == Outcome.REQUEST) | (ledger.c.outcome == Outcome.HELD),
        ledger.c.filing.is_(None),
    )
    .values(filing="due")
)


def set_aside(tx: Connection) -> tuple[SetAside, ...]:
    """Return the messages that were set aside and that nobody has settled, oldest first."""
    unsettled = _SET_ASIDE.where(ledger.c.reason != SETTLED_BY_STAFF).order_by(ledger.c.received_at, ledger.c.id)
    return tuple(_as_set_aside(row) for row in tx.execute(unsettled))


def find_set_aside(tx: Connection, row: int) -> SetAside | None:
    """Return a message that was set aside, settled or not."""
    found = tx.execute(_SET_ASIDE.where(ledger.c.id == row)).one_or_none()
    return _as_set_aside(found) if found else None


def settle_set_aside(tx: Connection, row: int, who: str, why: str, now: datetime) -> bool:
    """Take a message off the list because a person says so; False if it stands there no more."""
    aside = _held_fast(tx, row)
    if aside is None or aside.reason == SETTLED_BY_STAFF:
        return False
    tx.execute(update(ledger).where(ledger.c.id == row).values(reason=SETTLED_BY_STAFF))
    _note(tx, row, "dropped", who, {"reason": why, "was": aside.reason}, now)
    return True


def is_still_set_aside(tx: Connection, row: int) -> bool:
    """Tell whether a message is still to be taken in again, and keep everybody else from it until the transaction ends."""
    return _held_fast(tx, row) is not None


def record_again(tx: Connection, row: int, entry: Entry, who: str, now: datetime) -> None:
    """Write what became of a message that was set aside; when it was counted as arrived stays as it is."""
    again = _row(entry, now)
    del again["taken_at"]
    tx.execute(update(ledger).where(ledger.c.id == row).values(again))
    _note(tx, row, "read_again", who, {"outcome": entry.outcome}, now)


def written_at(tx: Connection, place: Place) -> Written | None:
    """Return what the ledger says of the message at a place; None if it says nothing."""
    columns = (ledger.c.id, ledger.c.outcome, ledger.c.reference)
    row = tx.execute(select(*columns).where(*(ledger.c[name] == value for name, value in asdict(place).items()))).one_or_none()
    return Written(row.id, Outcome(row.outcome), row.reference) if row else None


def drain(tx: Connection) -> Counter[Outcome]:
    """Count what became of the messages, and forget them: a rehearsal keeps no row of ordinary mail."""
    refuse_if_kept(tx)
    groups = tx.execute(select(ledger.c.outcome, func.count()).group_by(ledger.c.outcome)).all()
    tx.execute(delete(ledger))
    return Counter({Outcome(outcome): count for outcome, count in groups})


def notes_on(tx: Connection, row: int) -> tuple[Note, ...]:
    """Return what was done with a message that was set aside, in order."""
    rows = tx.execute(select(notes).where(notes.c.ledger_id == row).order_by(notes.c.id))
    return tuple(Note(each.at, each.what, each.who, each.detail) for each in rows)


_SET_ASIDE = select(ledger).where(ledger.c.outcome == Outcome.SHUNTED)


def _held_fast(tx: Connection, row: int) -> SetAside | None:
    found = tx.execute(_SET_ASIDE.where(ledger.c.id == row).with_for_update()).one_or_none()
    return _as_set_aside(found) if found else None


def _as_set_aside(row: Row[tuple[object, ...]]) -> SetAside:
    return SetAside(row.id, Place(row.inbox, row.folder, row.uidvalidity, row.uid), row.received_at, row.taken_at, row.reason)


def _note(tx: Connection, row: int, what: str, who: str, detail: Mapping[str, object], now: datetime) -> None:
    tx.execute(insert(notes).values(ledger_id=row, at=now, what=what, who=who, detail=dict(detail)))


def _row(entry: Entry, now: datetime) -> dict[str, object]:
    place = entry.place
    return {
        "inbox": place.inbox,
        "folder": place.folder,
        "uidvalidity": place.uidvalidity,
        "uid": place.uid,
        "fingerprint": entry.fingerprint,
        "received_at": entry.received_at,
        "taken_at": now,
        "outcome": entry.outcome,
        "reason": entry.reason,
        "reference": entry.reference,
        "filing": "due" if entry.filing_due else None,
    }


def _folder(table: Table, cursor: Cursor) -> tuple[ColumnElement[bool], ...]:
    columns = table.c
    return (columns.inbox == cursor.inbox, columns.folder == cursor.folder, columns.uidvalidity == cursor.uidvalidity)


def _renumber(
    tx: Connection, cursor: Cursor, table: Table, found_by: Sequence[ColumnElement[bool]], moves: Sequence[Mapping[str, object]]
) -> None:
    if moves:
        columns = table.c
        place = (columns.inbox == cursor.inbox, columns.folder == cursor.folder, columns.uidvalidity == bindparam("from_uidvalidity"))
        chosen = update(table).where(*found_by, *place, columns.uid == bindparam("from_uid"))
        tx.execute(chosen.values(uidvalidity=cursor.uidvalidity, uid=bindparam("to_uid")), list(moves))


def _move(tx: Connection, cursor: Cursor, **values: object) -> None:
    """Change the cursor's row only if it still stands where we read it."""
    stands = (
        cursors.c.inbox == cursor.inbox,
        cursors.c.folder == cursor.folder,
        cursors.c.uidvalidity == cursor.uidvalidity,
        cursors.c.last_uid == cursor.last_uid,
    )
    if tx.execute(update(cursors).where(*stands).values(**values)).rowcount != 1:
        raise CursorMoved(f"folder {cursor.folder}: the cursor is no longer at UID {cursor.last_uid}")
