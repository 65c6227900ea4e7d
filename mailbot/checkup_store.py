"""Trying out the store: its files, the list of what was destroyed in it, and the disk they lie on. The rest is ``mailbot.checkup``."""

import os
import pwd
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import create_engine, inspect, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from mailbot.backup import is_begun, journal_of, read_journal
from mailbot.config import Alarm, Inbox, Retention, Store
from mailbot.faults import BYTES_A_MEGABYTE
from mailbot.findings import Finding, Mark, note, ok, told
from rules.fingerprint import Keys
from storage.database import SCHEMA, Database, open_database
from storage.evidence import keys_of
from storage.lease import renew_lease
from storage.ledger import cursor_of

LEAST_FREE_BYTES = 5 * BYTES_A_MEGABYTE
"""With less a batch of mail may find no room: it lies in the log of the store first, and then in the store."""

READ_AND_WRITE = stat.S_IRUSR | stat.S_IWUSR


@dataclass(frozen=True, slots=True)
class Place:
    """Where the store is and where its list lies, and how much room staff want to be left there."""

    url: str
    file: Path | None
    """None of PostgreSQL, and of what is no address of a store."""
    journal: Path | None
    low_disk_bytes: int

    def there(self) -> dict[Path, os.stat_result]:
        """Return those of its files that are there; two of them come and go with whoever uses the store."""
        parts = [Path(f"{self.file}{part}") for part in ("", "-wal", "-shm")] if self.file else []
        found: dict[Path, os.stat_result] = {}
        for file in (*parts, self.journal):
            with suppress(OSError):
                found |= {file: file.stat()} if file else {}
        return found


def place_of(store: Store, retention: Retention | None, alarm: Alarm | None) -> Place:
    """Return what the configuration says of it; a table that is wrong is told elsewhere, and has its defaults here."""
    file, configured = _file_of(store.url), (retention or Retention()).journal
    journal = journal_of(store.url, configured) if file else configured
    return Place(store.url, file, journal, (alarm or Alarm()).low_disk_megabytes * BYTES_A_MEGABYTE)


def look_at_store(place: Place, inboxes: Iterable[Inbox], now: datetime) -> Iterator[Finding]:
    """Open the store, and see whether the service could write it; one that is not there is not made."""
    hindrances = [*_look_at_disk(place), *_look_at_owner(place)]
    yield from hindrances
    if _is_to_be_made(place):
        yield _look_at_missing(place)
        return
    database = open_database(place.url)
    try:
        if place.file:
            yield from _look_at_modes(place.file)
        with database.write() as tx:
            renew_lease(tx, "check", "nobody", now)  # needs the right to write, and finds nothing to write
            cursors = [cursor_of(tx, inbox.address, inbox.folder) for inbox in inboxes]
            keys = keys_of(tx)
            tx.rollback()  # a new store would have got its secret
        can_be_written = "" if any(finding.mark is Mark.WRONG for finding in hindrances) else " and can be written"
        yield ok("store", f"{database.address} has schema {SCHEMA}{can_be_written}")
    finally:
        database.close()
    if place.journal and os.access(place.journal, os.R_OK):
        yield from told("store", _look_at_list(place.journal, keys))
    passes = [cursor.last_pass_at for cursor in cursors if cursor and cursor.last_pass_at]
    if passes and max(passes) > now:
        yield Finding(Mark.WRONG, "clock", f"it stands before the last pass over an inbox ({max(passes):%d.%m.%Y %H:%M} UTC): set it", 1)


def _look_at_list(journal: Path, keys: Keys) -> Iterator[Finding]:
    """Read the list as the service does when it starts: what is wrong with it is told by nobody else."""
    if is_begun(journal):
        read_journal(journal, keys)
        yield ok("store", f"{journal} is this store's list of what was destroyed")


def _look_at_disk(place: Place) -> Iterator[Finding]:
    if place.file and os.access(place.file.parent, os.F_OK):
        folder = place.file.absolute().parent
        yield from look_at_room(folder, shutil.disk_usage(folder).free, place.low_disk_bytes)


def look_at_room(folder: Path, free_bytes: int, low_disk_bytes: int) -> Iterator[Finding]:
    """Say so where little room is left: SQLite notices no full disk before there is something to write."""
    room = f"{free_bytes // BYTES_A_MEGABYTE} MB are free in {folder}"
    if free_bytes < LEAST_FREE_BYTES:
        yield Finding(Mark.WRONG, "store", f"only {room}: no request can be recorded; make room (docs/recovery.md)", 75)
    elif free_bytes < low_disk_bytes:
        yield note("store", f"only {room}, less than alarm.low_disk_megabytes: make room")


def _look_at_owner(place: Place) -> Iterator[Finding]:
    """See whether its user may read and write the files. That is who types this; of root, to whom no file is closed, the folder's owner."""
    files = place.there()
    if not files:
        return
    owner = next(iter(files)).absolute().parent.stat().st_uid if os.geteuid() == 0 else os.geteuid()
    foreign = [file for file, found in files.items() if found.st_uid != owner and _is_closed_to(owner, file)]
    closed = [file for file, found in files.items() if file not in foreign and found.st_mode & READ_AND_WRITE != READ_AND_WRITE]
    if foreign:
        cure = f"chown {_name_of(owner)}: {' '.join(map(str, foreign))}"
        yield Finding(Mark.WRONG, "store", f"{_name_of(owner)}, whose store it is, cannot use what belongs to another: run `{cure}`", 1)
    if closed:
        names = " ".join(map(str, closed))
        yield Finding(Mark.WRONG, "store", f"its own owner cannot read and write {names}: run `chmod 600 {names}`", 1)


def _is_closed_to(owner: int, file: Path) -> bool:
    """Tell whether another's file cannot be used; root cannot try that for somebody, and in a folder of its own may keep anybody's."""
    return owner != 0 if os.geteuid() == 0 else not os.access(file, os.R_OK | os.W_OK)


def _name_of(owner: int) -> str:
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return str(owner)


def _look_at_modes(file: Path) -> Iterator[Finding]:
    if file.stat().st_mode & stat.S_IRWXO:
        yield Finding(Mark.WRONG, "store", f"{file} is open to every user of this machine: run `chmod 600 {file}*`", 1)
    folder = file.absolute().parent
    if folder.stat().st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH:
        yield Finding(Mark.WRONG, "store", f"every user of this machine can replace what lies in {folder}: run `chmod o-w {folder}`", 1)


def _look_at_missing(place: Place) -> Finding:
    """Take a store that is not there for a new one, unless its list shows that there was one."""
    file = place.file
    if place.journal and os.access(place.journal, os.F_OK) and place.journal.stat().st_size:
        is_empty = file is None or os.access(file, os.F_OK)
        missing = f"the store{f' {file}' if file else ''} is empty" if is_empty else f"there is no store at {file}"
        cure = "and yet there is a list of what was destroyed in it: put the newest backup back (docs/recovery.md)"
        return Finding(Mark.WRONG, "store", f"{missing}, {cure}", 1)
    if file is None or os.access(file.parent, os.W_OK | os.X_OK):
        return note("store", "it is not there yet; the first run makes it")
    reason = "can be written by nobody here" if file.parent.exists() else "does not exist"
    return Finding(Mark.WRONG, "store", f"store.url: the folder {file.parent} {reason}; make it, owned by the service's user", 78)


def _is_to_be_made(place: Place) -> bool:
    """Tell whether opening the store would make it."""
    try:
        address = make_url(place.url)
        if address.get_backend_name() == "sqlite":
            return place.file is not None and place.file.stat().st_size == 0
        database = Database(create_engine(address))
    except FileNotFoundError:
        return True
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, OSError):
        return False  # what is wrong with it is told by opening it
    try:
        with database.read() as tx:
            return not inspect(tx).get_table_names()
    finally:
        database.close()


def _file_of(url: str) -> Path | None:
    try:
        address = make_url(url)
    except ArgumentError:  # told by opening it
        return None
    return Path(address.database) if address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:") else None
