"""Backups of the store, and the list outside of it by which a restored one destroys again what had been destroyed (H106, H107).

The list holds keyed hashes and moments: who was destroyed, to whom messages stopped or go again. Lines are only added. Each is a fact
that the store knew; what an old backup does not know is never taken back from the list.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, func, make_url, select, update

from mailbot.errors import Problem
from rules.fingerprint import Keys
from storage import destruction
from storage.database import Database, insert_new, make_private, refuse_if_open_to_all
from storage.destruction import How
from storage.tables import destructions, suppressions

HEAD = "mailbot-destroyed-1"
OF_ANOTHER_STORE = (
    "belongs to another store: its keyed hashes were made with another secret; "
    "put this store's own list there, or move this one away if the own one is lost"
)
CANNOT_WRITE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_TRUNCATE})
LONG_AGO = datetime.min.replace(tzinfo=UTC)

Destroyed = tuple[bytes, datetime, str]
Scoped = tuple[bytes, str]


@dataclass(slots=True)
class Remembered:
    """What the list, or the store, knows; of messages, when they were last stopped and when they went again."""

    destroyed: set[Destroyed] = field(default_factory=set)
    stopped: dict[Scoped, datetime] = field(default_factory=dict)
    resumed: dict[Scoped, datetime] = field(default_factory=dict)

    def add(self, what: str, moment: datetime, key: bytes, word: str) -> None:
        """Take one line."""
        if what == "destroyed":
            self.destroyed.add((key, moment, word))
            return
        known = {"stopped": self.stopped, "resumed": self.resumed}[what]
        known[key, word] = max(moment, known.get((key, word), LONG_AGO))

    def stops(self) -> Iterator[tuple[Scoped, datetime]]:
        """Yield to whom nothing is sent, since when."""
        for scoped, since in self.stopped.items():
            if since > self.resumed.get(scoped, LONG_AGO):
                yield scoped, since


@dataclass(frozen=True, slots=True)
class Reapplied:
    """What a restored store had not known."""

    destroyed: int = 0
    stopped: int = 0
    resumed: int = 0


def journal_of(url: str, configured: Path | None) -> Path | None:
    """Return where the list lies: where it is configured, else beside the file of SQLite."""
    address = make_url(url)
    beside = Path(f"{address.database}.destroyed") if address.get_backend_name() == "sqlite" else None
    return configured or beside


def marks(database: Database, journal: Path | None) -> tuple[object, ...]:
    """Return what differs once the store or the list has changed."""
    with database.read() as tx:
        newest = select(
            select(func.max(destructions.c.id)).scalar_subquery(),
            select(func.max(suppressions.c.id)).scalar_subquery(),
            select(func.max(suppressions.c.lifted_at)).scalar_subquery(),
        )
        return (*tx.execute(newest).one(), journal.stat().st_size if journal and journal.exists() else 0)


def synchronise(database: Database, keys: Keys, journal: Path) -> int:
    """Add to the list what the store knows and the list does not; return how many lines. They are on the disk when this returns."""
    listed = read_journal(journal, keys) if _whole_lines(journal) else Remembered()
    with database.read() as tx:
        known = _known(tx)
    lines = [("destroyed", at, key, how) for key, at, how in sorted(known.destroyed - listed.destroyed)]
    resumed = {scoped: moment for scoped, moment in listed.stops() if scoped in known.resumed and known.resumed[scoped] >= moment}
    active = dict(listed.stops())
    stopped = {scoped: since for scoped, since in known.stops() if scoped not in active and since > listed.resumed.get(scoped, LONG_AGO)}
    lines += [("stopped", since, *scoped) for scoped, since in stopped.items()]
    lines += [("resumed", known.resumed[scoped], *scoped) for scoped in resumed if scoped not in dict(known.stops())]
    if lines or not _whole_lines(journal):
        _append(journal, keys, lines)
    return len(lines)


def reapply(database: Database, keys: Keys, journal: Path, now: datetime) -> Reapplied:
    """Do again what the list knows and the store does not; the list stays as it is. Twice is as good as once."""
    listed = read_journal(journal, keys)
    with database.write() as tx:
        known = _known(tx)
        missing = sorted(listed.destroyed - known.destroyed)
        for key, at, how in missing:
            destruction.destroy_again(tx, destruction.person_known_as(tx, key), How(how), at, now)
        in_force = dict(known.stops())
        stopped = [
            (scoped, since) for scoped, since in listed.stops() if scoped not in in_force and since > known.resumed.get(scoped, LONG_AGO)
        ]
        insert_new(tx, suppressions, [{"address_key": key, "scope": scope, "since": since} for (key, scope), since in stopped])
        active = dict(listed.stops())
        resumed = [(scoped, listed.resumed[scoped]) for scoped in in_force if scoped in listed.resumed and scoped not in active]
        for (key, scope), moment in resumed:
            same = (suppressions.c.address_key == key, suppressions.c.scope == scope, suppressions.c.since <= moment)
            tx.execute(update(suppressions).where(*same, suppressions.c.lifted_at.is_(None)).values(lifted_at=moment))
    return Reapplied(len(missing), len(stopped), len(resumed))


def is_begun(journal: Path) -> bool:
    """Tell whether there is a list; a death may leave a file in which not even the first line is whole."""
    return bool(_whole_lines(journal))


def read_journal(journal: Path, keys: Keys) -> Remembered:
    """Return what the list says; a last line that was not written to its end never happened."""
    try:
        text = journal.read_text(encoding="ascii")
    except OSError as error:
        raise Problem(f"the list {journal} cannot be read: {(error.strerror or 'unknown error').lower()}") from error
    except UnicodeDecodeError:
        raise Problem(f"{journal} is not a list of what mailbot destroyed") from None
    head, *lines = text.split("\n")[:-1] or [""]
    if head != _head(keys):
        raise Problem(f"{journal} {OF_ANOTHER_STORE if head.startswith(HEAD) else 'is not a list of what mailbot destroyed'}")
    refuse_if_open_to_all(journal)  # not before: whoever names another file by mistake must not close it
    remembered = Remembered()
    for number, line in enumerate(lines, start=2):
        try:
            what, moment, key, word = line.split(" ")
            remembered.add(what, datetime.fromisoformat(moment), bytes.fromhex(key), word)
        except (ValueError, KeyError):
            raise Problem(f"{journal}, line {number}: is no line of such a list; restore the file, for nothing of it was applied") from None
    return remembered


def back_up(database: Database, file: Path) -> None:
    """Copy the store into a new file by SQLite's own means, and name it so once it is whole; copying the live file is no backup."""
    part = file.with_name(f"{file.name}.part")
    _remove(part)  # left by a death
    _refuse_another(file)
    _make_private(part)
    try:
        with database.bare() as connection, _want_of_room_told(file):
            verdict = _copy(connection, part)
        if verdict != "ok":
            raise Problem(f"the backup {file} is not whole: {verdict}")
        part.rename(file)
    finally:
        _remove(part)


def _copy(store: object, part: Path) -> str:
    """Copy an open store into a file; return what is wrong with the copy, or "ok"."""
    if not isinstance(store, sqlite3.Connection):
        raise TypeError("this is for SQLite")
    with closing(sqlite3.connect(part)) as copy:
        store.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, that is whole by itself
        (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
    return str(verdict)


@contextmanager
def _want_of_room_told(file: Path) -> Iterator[None]:
    """Blame the disk of the copy, and not the store, which is only read meanwhile, for what cannot be written."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in CANNOT_WRITE:
            raise
        raise Problem(f"the backup {file} cannot be written: {error}; nothing was changed") from error


def _remove(part: Path) -> None:
    """Remove a copy that was not made to its end."""
    for file in (part, Path(f"{part}-journal")):
        file.unlink(missing_ok=True)


def back_up_before_upgrade(database: Database, schema: str, now: datetime) -> Path:
    """Copy a store that is going to be upgraded into a new file beside it."""
    file = Path(f"{make_url(database.address).database}.{schema}-{now:%Y%m%dT%H%M%S}")
    back_up(database, file)
    return file


def _known(tx: Connection) -> Remembered:
    known = Remembered({(row.address_key, row.at, row.how) for row in tx.execute(select(destructions))})
    for row in tx.execute(select(suppressions)):
        known.add("stopped", row.since, row.address_key, row.scope)
        if row.lifted_at is not None:
            known.add("resumed", row.lifted_at, row.address_key, row.scope)
    for row in tx.execute(select(suppressions).where(suppressions.c.lifted_at.is_(None))):
        known.resumed.pop((row.address_key, row.scope), None)  # one stop was lifted, and another stands
    return known


def _append(journal: Path, keys: Keys, lines: Iterable[tuple[str, datetime, bytes, str]]) -> None:
    text = "".join(f"{what} {moment.astimezone(UTC).isoformat()} {key.hex()} {word}\n" for what, moment, key, word in lines)
    if not journal.exists():
        _make_private(journal)
    whole = _whole_lines(journal)
    os.truncate(journal, len(whole))  # what was not written to its end
    with journal.open("a", encoding="ascii") as file:
        file.write(text if whole else f"{_head(keys)}\n{text}")
        file.flush()
        os.fsync(file.fileno())


def _whole_lines(journal: Path) -> bytes:
    """Return the list as far as it was written to the end of a line; nothing where there is none."""
    try:
        kept = journal.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise Problem(f"the list {journal} cannot be read: {(error.strerror or 'unknown error').lower()}") from error
    return kept[: kept.rfind(b"\n") + 1]


def _head(keys: Keys) -> str:
    """Name the store that a list belongs to, without telling its secret."""
    return f"{HEAD} {keys.of_address(HEAD).hex()}"


def _refuse_another(file: Path) -> None:
    if file.exists():
        raise Problem(f"{file} is there already, and is not overwritten")


def _make_private(file: Path) -> None:
    try:
        make_private(file)
    except OSError as error:
        raise Problem(f"{file} cannot be made: {(error.strerror or 'unknown error').lower()}") from error
