"""mailbot seen from outside: mail for it, a run of it, and what it left in its store."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from mailbot.config import load_config
from mailbot.daemon import Works
from mailbot.report import Report
from rules.vocabulary import Outcome
from storage import outbox, register
from storage.database import open_database
from storage.outbox import ListedLetter
from storage.register import Registered
from storage.tables import ledger
from tests.servers import CapturingSmtp, Dovecot, Envelope

RUN_SECONDS = 60
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of the program ended."""

    status: int
    said: str


@dataclass(frozen=True, slots=True)
class Line:
    """What the ledger says of one message."""

    inbox: str
    folder: str
    uidvalidity: int
    uid: int
    outcome: str
    reason: str
    filing: str | None


def request(name: str, subject: str = "Opt-out of Notifications") -> bytes:
    """Write a request by a person of that name; its text tells it from every other."""
    return message(name, subject, f"Please act on this. {name}")


def ordinary(name: str) -> bytes:
    """Write business mail that asks nothing of mailbot."""
    return message(name, f"Weekly report of {name}", "The figures are attached.")


def message(name: str, subject: str, text: str, *more: str) -> bytes:
    """Write a plain message from NAME at example.com to the inbox; ``more`` are header fields."""
    head = f"From: {name}@example.com\r\nTo: info@alit.kz\r\nSubject: {subject}\r\nMessage-ID: <{name}.1@example.com>\r\n"
    head += "".join(f"{field}\r\n" for field in more)
    return f"{head}Date: Mon, 5 Jan 2026 10:00:00 +0500\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()


def append_all(dovecot: Dovecot, user: str, mail: Iterable[bytes]) -> None:
    """Put many messages into an inbox over one connection."""
    with dovecot.session(user) as imap:
        imap.multiappend("INBOX", list(mail))


def run_once(config: Path) -> Report:
    """Go one round in this process."""
    return asyncio.run(Works(load_config(config)).once())


def run_program(config: Path) -> Ended:
    """Go one round as an administrator would: with the program."""
    return ended(start_program(config, "--once"))


def ended(running: "subprocess.Popen[str]") -> Ended:
    """Wait for the end of a run."""
    try:
        _, said = running.communicate(timeout=RUN_SECONDS)
    finally:
        running.kill()
    return Ended(running.returncode, said)


def start_program(
    config: Path,
    *options: str,
    through: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    stderr: int = subprocess.PIPE,
) -> "subprocess.Popen[str]":
    """Start ``mailbot run``; its status and what it says on standard error are left to be read."""
    command = [*through, sys.executable, "-m", "mailbot", "run", *options, "--config", str(config)]
    return subprocess.Popen(command, cwd=ROOT, stderr=stderr, text=True, env={**os.environ, **(environment or {})})


@contextmanager
def store_of(config: Path) -> Iterator[Connection]:
    """Open the store of a configuration for reading."""
    database = open_database(load_config(config).store.url)
    try:
        with database.read() as tx:
            yield tx
    finally:
        database.close()


def requests_in(config: Path) -> tuple[Registered, ...]:
    """Return the register."""
    with store_of(config) as tx:
        return register.list_requests(tx)


def letters_in(config: Path) -> tuple[ListedLetter, ...]:
    """Return the letters."""
    with store_of(config) as tx:
        return outbox.list_letters(tx)


def lines_in(config: Path) -> list[Line]:
    """Return the ledger, by UID."""
    names = (ledger.c.inbox, ledger.c.folder, ledger.c.uidvalidity, ledger.c.uid, ledger.c.outcome, ledger.c.reason, ledger.c.filing)
    with store_of(config) as tx:
        return [Line(*row) for row in tx.execute(select(*names).order_by(ledger.c.uid, ledger.c.id))]


def outcomes_in(config: Path) -> Counter[str]:
    """Return how many messages had which outcome; the ledger keeps plain words, and so does this."""
    return Counter(str(Outcome(line.outcome)) for line in lines_in(config))


def recipients(envelopes: list[Envelope]) -> Counter[str]:
    """Return how many letters reached whom."""
    return Counter(address for envelope in envelopes for address in envelope.recipients)


def seen_by(smtp: CapturingSmtp) -> Counter[str]:
    """Return how many letters an SMTP server took for whom."""
    return recipients(smtp.envelopes)


def flags_of(server: Dovecot, user: str, folder: str = "INBOX") -> dict[int, frozenset[str]]:
    """Return the flags of each message of a folder."""
    return {uid: stored.flags for uid, stored in server.snapshot(user, folder).items()}
