"""A process of mailbot that dies at a chosen effect, and the process that it is forked from.

An effect is whatever a death may fall before or after: a statement that writes, a commit, an IMAP command, each line to the relay and
each of its answers, a file that is opened to be written, cut off, put on the disk or renamed, a command of the operator's that is started.
Each has a name in plain words; a point is a name and the how-manieth of that name it is. To die before an effect is to die after the
one that came before it.

Nothing of mailbot is replaced: SQLAlchemy and the interpreter tell of what happens (events, audit hooks), and a few functions of
aiosmtplib, sqlite3 and ``os`` are told of before they are called. ``python -m tests.scenarios.crash_points`` loads mailbot once, reads
orders, a line of JSON each, forks a process for each and writes a line when that has begun, and another when it has ended.
"""

import asyncio
import json
import os
import re
import signal
import sqlite3
import sys
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import aiosmtplib.protocol
import imapclient
from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import Pool

from mailbot.pipelining import Pipeline

WRITES = re.compile(r"(INSERT INTO|UPDATE|DELETE FROM|(?:CREATE|DROP|ALTER) (?:UNIQUE )?(?:TABLE|INDEX|VIEW))\s+\"?(\w+)\"?")
IMAP_COMMAND = re.compile(rb"\w+ ((?:UID )?[A-Z]+)")
SMTP_COMMAND = re.compile(rb"([A-Z]{4})\b")
BESIDE_SQLALCHEMY = ("VACUUM", "PRAGMA wal_checkpoint", "PRAGMA journal_mode=DELETE", "PRAGMA integrity_check")
PAGES_TOGETHER = 32
OPENED_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Effects:
    """Counts effects as they are about to happen; writes their names down, or dies at one of them."""

    def __init__(self, dies_at: tuple[str, int] | None, written_to: str | None) -> None:
        self._dies_at = dies_at
        self._seen: Counter[str] = Counter()
        self._lock = Lock()
        self._notes = os.open(written_to, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if written_to else None

    def about_to(self, name: str) -> None:
        """Take note of an effect that follows, in whatever thread."""
        with self._lock:
            self._seen[name] += 1
            if (name, self._seen[name]) == self._dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
            if self._notes is not None:
                os.write(self._notes, f"{name}\n".encode())


def watch(effects: Effects, folder: str) -> None:
    """Tell of everything that this process does to the world; of files, only of those in the folder."""
    watch_database(effects)
    watch_relay(effects)
    sys.addaudithook(lambda name, arguments: heard(effects, folder, name, arguments))
    put_on_disk = os.fsync

    def fsync(descriptor: int) -> None:
        effects.about_to("fsync")
        put_on_disk(descriptor)

    os.fsync = fsync  # type: ignore[assignment]
    watch_sqlite(effects, folder)


def watch_sqlite(effects: Effects, folder: str) -> None:
    """Tell of what is said to SQLite beside SQLAlchemy, and of each portion of pages that is copied."""
    connect = sqlite3.connect

    class Told(sqlite3.Connection):
        def backup(self, target: sqlite3.Connection, **_: Any) -> None:
            super().backup(target, pages=PAGES_TOGETHER, progress=lambda *_: effects.about_to("copying of more pages"))

    def connect_told(path: Any, **named: Any) -> sqlite3.Connection:
        if str(path).startswith(folder) and Path(path).name != "mailbot.db":
            effects.about_to(f"connection to {Path(path).name}")
        connection: sqlite3.Connection = connect(path, factory=Told, **named)
        connection.set_trace_callback(lambda text: effects.about_to(f"SQLite {text}") if text.startswith(BESIDE_SQLALCHEMY) else None)
        return connection

    sqlite3.connect = sqlite3.dbapi2.connect = connect_told  # type: ignore[assignment]


def watch_database(effects: Effects) -> None:
    """Tell of statements that write, and of the beginning and the end of their commits. Several of a kind in a row are one group."""
    written: defaultdict[Any, list[str]] = defaultdict(list)

    def statement(connection: Connection, _cursor: object, text: str, _parameters: object, _context: object, _many: bool) -> None:
        if found := WRITES.match(text.lstrip()):
            columns = re.findall(r"(\w+)=", text.partition(" WHERE ")[0]) if found[1] == "UPDATE" else []
            name = "CREATE" if found[1].startswith("CREATE") else " ".join(dict.fromkeys([found[1], found[2], *columns[:2]]))
            group = written[connection.connection.dbapi_connection]
            if not group or group[-1] != name:
                group.append(name)
                effects.about_to(name)

    def commit(connection: Connection) -> None:
        if group := written[connection.connection.dbapi_connection]:
            effects.about_to(f"commit of {group[0]}")

    def rollback(connection: Connection) -> None:
        written[connection.connection.dbapi_connection].clear()

    def checkin(dbapi_connection: object, _record: object) -> None:
        if group := written.pop(dbapi_connection, []):
            effects.about_to(f"after the commit of {group[0]}")

    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "commit", commit)
    event.listen(Engine, "rollback", rollback)
    event.listen(Pool, "checkin", checkin)


def watch_relay(effects: Effects) -> None:
    """Tell of every line that goes to the relay, and of every answer before it is read."""
    protocol = aiosmtplib.protocol.SMTPProtocol
    write, receive, said = protocol.write, protocol.data_received, dict[int, str]()

    def write_told(self: aiosmtplib.protocol.SMTPProtocol, line: bytes) -> None:
        found = SMTP_COMMAND.match(line)
        said[id(self)] = f"SMTP {found[1].decode()}" if found else "SMTP letter and final dot"
        effects.about_to(said[id(self)])
        write(self, line)

    def receive_told(self: aiosmtplib.protocol.SMTPProtocol, line: bytes) -> None:
        effects.about_to(f"answer to {said.get(id(self), 'SMTP connection')}")
        receive(self, line)

    def hear_told(self: Pipeline, line: bytes) -> None:
        effects.about_to("answer to what was said together")
        hear(self, line)

    hear = Pipeline.data_received
    Pipeline.data_received = hear_told  # type: ignore[method-assign,assignment]
    protocol.write = write_told  # type: ignore[method-assign,assignment]
    protocol.data_received = receive_told  # type: ignore[method-assign,assignment]


def heard(effects: Effects, folder: str, name: str, arguments: tuple[Any, ...]) -> None:
    """Tell of what the interpreter is about to do."""
    match name, arguments:
        case "imaplib.send", (_, line):
            found = IMAP_COMMAND.match(bytes(line))
            effects.about_to(f"IMAP {found[1].decode() if found else 'line'}")
        case "open", (str() | os.PathLike() as path, _, int(flags)) if flags & OPENED_TO_WRITE and os.fspath(path).startswith(folder):
            effects.about_to(f"open {Path(path).name}")
        case "os.truncate" | "os.rename" | "os.remove" | "os.link", (path, *_):
            effects.about_to(f"{name} {Path(path).name}")
        case "subprocess.Popen", _:
            effects.about_to("start of a command")


def without(capability: str) -> None:
    """Have the mail server's clients overlook something that it can do."""
    has = imapclient.IMAPClient.has_capability
    imapclient.IMAPClient.has_capability = lambda self, each: each != capability and has(self, each)


def obey(order: dict[str, Any]) -> None:
    """Be mailbot, in a process of its own, and never return."""
    try:
        silence = os.open(os.devnull, os.O_RDWR)
        said = os.open(order["said"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for descriptor, target in ((silence, 0), (said, 1), (said, 2)):
            os.dup2(descriptor, target)
        dies_at = order.get("dies_at")
        if dies_at or order.get("written_to"):
            watch(Effects(tuple(dies_at) if dies_at else None, order.get("written_to")), order["folder"])
        for capability in order.get("without", ()):
            without(capability)
        status = be_hasty(order["arguments"][-1]) if order.get("hasty") else be_mailbot(order["arguments"])
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:  # noqa: BLE001 - the child never returns to the loop that it was forked from
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def be_mailbot(arguments: list[str]) -> int:
    """Be the program; it raises ``SystemExit`` where its status is another."""
    from mailbot.cli.app import main

    main(arguments)
    return 0


def be_hasty(config: str) -> int:
    """Be the daemon, with no more than a moment between two looks at the clock."""
    from mailbot.config import load_config
    from mailbot.daemon import Works
    from mailbot.patience import Pauses

    return asyncio.run(Works(load_config(Path(config)), pauses=Pauses(0.05, 0.3, 0.3, 0.4)).for_ever()).exit_status


def serve(tell: Callable[[int], object]) -> None:
    """Fork a process for each order; tell its number, and its exit status as ``subprocess`` has it."""
    for line in sys.stdin:
        order = json.loads(line)
        process = os.fork()
        if process == 0:
            obey(order)
        tell(process)
        _, ended = os.waitpid(process, 0)
        tell(os.waitstatus_to_exitcode(ended))


def load() -> None:
    """Load, once and before the forks, what every process of mailbot loads."""
    import holidays

    import mailbot.cli.app
    import mailbot.daemon
    import mailbot.digest
    import mailbot.importing
    import mailbot.retention
    import mailbot.schedule  # noqa: F401
    from rules import likeness

    likeness.load()
    holidays.country_holidays("KZ")


if __name__ == "__main__":
    load()
    serve(lambda number: print(number, flush=True))
