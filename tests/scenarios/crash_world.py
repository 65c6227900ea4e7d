"""The world of one life of mailbot: a store on either engine, a mailbox, a relay, and the processes of mailbot that live and die in it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from storage.database import open_database
from tests.conftest import write_config
from tests.scenarios.crash_accounts import ANSWERED, Accounts, accounts_of, message_id_in
from tests.scenarios.outside import ROOT
from tests.servers import LOOPBACK, CapturingSmtp, Dovecot, Postgresql

GIVE_UP_SECONDS = 120
KILLED = -signal.SIGKILL
DONE = "Done"
"""The folder into which mail may be filed."""
numbers = count(1)

Point = tuple[str, int]
"""An effect by its name, and the how-manieth of that name it is."""


class Forge:
    """Makes processes of mailbot by forking one that has it loaded (``tests.scenarios.crash_points``)."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.scenarios.crash_points"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.communicate()

    def start(self, order: dict[str, object]) -> int:
        """Start a process and return its number; the one before it has ended."""
        assert self._process.stdin
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        return self._next()

    def end(self) -> int:
        """Wait for the end of the process that was started and return its exit status."""
        return self._next()

    def _next(self) -> int:
        assert self._process.stdout
        return int(self._process.stdout.readline())


@dataclass(frozen=True, slots=True)
class Servers:
    """What the lives of one engine have in common."""

    dovecot: Dovecot
    smtp: CapturingSmtp
    postgresql: Postgresql | None
    forge: Forge


@dataclass(frozen=True, slots=True)
class World:
    """One life: nothing in it is another's."""

    servers: Servers
    folder: Path
    url: str
    mailbox: str
    config: Path

    def write_config(self, **more: dict[str, object]) -> None:
        """Write the configuration of this life anew."""
        smtp, imap = self.servers.smtp.port, self.servers.dovecot.imap_port
        tables: dict[str, dict[str, object]] = {"store": {"url": self.url}, **more}
        write_config(self.folder, imap_port=imap, smtp_port=smtp, user=self.mailbox, **tables)  # type: ignore[arg-type]

    def receive(self, *mail: bytes) -> None:
        """Have messages come in."""
        with self.servers.dovecot.session(self.mailbox) as imap:
            for each in mail:
                imap.append("INBOX", each)

    def live(
        self, *arguments: str, until: Callable[[], object] | None = None, dies_at: Point | None = None, note: bool = False, **more: object
    ) -> int:
        """Be mailbot once; return its exit status. Where ``until`` is given it is a daemon, which is asked to end when that is so."""
        order = {
            "arguments": [*arguments, "--config", str(self.config)],
            "folder": str(self.folder),
            "said": str(self.folder / "said"),
            "dies_at": dies_at,
            "written_to": str(self.effects_file) if note else None,
            **more,
        }
        process = self.servers.forge.start(order)
        if until is not None:
            end_when(process, until)
        return self.servers.forge.end()

    @property
    def effects_file(self) -> Path:
        """Return where a life that is watched writes down what it does."""
        return self.folder / "effects"

    def accounts(self) -> Accounts:
        """Draw up the accounts as they stand."""
        database = open_database(self.url)
        try:
            with database.read() as tx:
                accounts = accounts_of(tx, self.servers.smtp.envelopes)
        finally:
            database.close()
        accounts.entries += self._mailbox()
        return accounts

    def _mailbox(self) -> Counter[str]:
        """Tell how each message lies in the inbox, which are marked as answered, and which lie in the folder where they are filed.

        Where a server has no MOVE, a death after COPY leaves a second copy there: nothing is lost by it or done twice (H19).
        """
        found: Counter[str] = Counter()
        with self.servers.dovecot.session(self.mailbox) as imap:
            for folder in filter(imap.folder_exists, ("INBOX", DONE)):
                imap.select_folder(folder, readonly=True)
                for parts in imap.fetch(imap.search("ALL"), ["FLAGS", "BODY.PEEK[HEADER]"]).values():
                    flags = {flag.decode() for flag in parts[b"FLAGS"]} - {"\\Recent"}
                    found[ANSWERED] += ANSWERED in flags
                    if folder == DONE:
                        found[f"filed: {message_id_in(parts[b'BODY[HEADER]'])}"] = 1
                    else:
                        found[f"inbox: {message_id_in(parts[b'BODY[HEADER]'])} {sorted(flags - {ANSWERED})}"] += 1
        return found


def end_when(process: int, is_so: Callable[[], object]) -> None:
    """Ask a daemon to end when something is so; one that has died has ended."""
    give_up = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < give_up and is_alive(process) and not is_so():
        time.sleep(0.02)
    if is_alive(process):
        os.kill(process, signal.SIGTERM)


def is_alive(process: int) -> bool:
    """Tell whether a process runs: one that its parent has not waited for yet is a zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def a_world(servers: Servers, folder: Path) -> Iterator[World]:
    """Begin a life, and leave nothing of it but mail."""
    number = next(numbers)
    home = folder / f"life{number}"
    home.mkdir(mode=0o700)
    servers.smtp.envelopes.clear()
    url = servers.postgresql.fresh_database() if servers.postgresql else f"sqlite:///{home}/mailbot.db"
    world = World(servers, home, url, f"life{os.getpid()}-{number}", home / "config.toml")
    try:
        world.write_config()
        yield world
    finally:
        shutil.rmtree(home)
        if servers.postgresql:
            drop_database(servers.postgresql, url)


def drop_database(postgresql: Postgresql, url: str) -> None:
    """Give the space back: a database takes 8 MB."""
    with psycopg.connect(host=LOOPBACK, port=postgresql.port, user="postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)".encode())


def said(world: World) -> Sequence[str]:
    """Return what the processes of a life wrote, for whoever looks into a failure."""
    return (world.folder / "said").read_text(errors="replace").splitlines()
