"""A machine on which things go wrong: a real store, a clock moved by hand, and the ways by which staff are told."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from mailbot.alarms import Alarms
from mailbot.config import Alarm, Config, load_config
from mailbot.desk import Desk, set_up_desk
from mailbot.digest import digest_order
from mailbot.faults import Signs
from mailbot.patience import Pauses
from rules.place import Cursor
from storage import alarms, ledger, outbox
from storage.alarms import Trouble
from storage.database import StoreFailure
from storage.outbox import LetterState
from storage.tables import letters
from tests.conftest import write_config
from tests.mailbot.register_room import NOW
from tests.servers import CapturingSmtp
from tests.storage.stock import a_letter

INBOX = ("info@alit.kz", "INBOX")
MINUTE = timedelta(minutes=1)
AT_ONCE = Pauses(first=0, longest=0)
"""A route that failed is tried at the next look."""

SAID = 'printf "%s\\n" "$2" >> "$here/subjects"; cat >> "$here/texts"; exit "$(cat "$here/status" 2> /dev/null || echo 0)"'


@dataclass
class Machine:
    """Where mailbot runs. It is always ``now`` there, and the inbox is read unless a test says otherwise."""

    folder: Path
    config: Config
    now: datetime
    signs: Signs = field(default_factory=Signs)
    is_read: bool = True

    def __post_init__(self) -> None:
        self.desk: Desk = set_up_desk(self.config, lambda: self.now)
        self.start()
        with self.desk.database.write() as tx:
            ledger.place_cursor(tx, Cursor(*INBOX, uidvalidity=1, last_uid=0, start_at=self.now))
        self._read()

    def start(self) -> None:
        """Start anew: what lay in memory is gone."""
        self.alarms = Alarms(self.desk, self.config, digest_order(self.config), lambda: self.signs, AT_ONCE)

    def pass_by(self, minutes: float, *, looks: int = 1) -> None:
        """Let time pass, and look at the end of each of some equal parts of it."""
        for _ in range(looks):
            self.now += minutes / looks * MINUTE
            if self.is_read:
                self._read()
            asyncio.run(self.alarms.look())

    def _read(self) -> None:
        with suppress(StoreFailure), self.desk.database.write() as tx:
            ledger.finish_pass(tx, *INBOX, self.now)

    def subjects(self) -> list[str]:
        """Return what the command was told, without what begins every subject."""
        return [line.removeprefix("mailbot · alit.kz: ") for line in self._said("subjects").splitlines()]

    def text(self) -> str:
        """Return the texts that the command was told."""
        return self._said("texts")

    def _said(self, name: str) -> str:
        file = self.folder / name
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def command_ends(self, status: int) -> None:
        """Have the command end like that from now on."""
        (self.folder / "status").write_text(str(status))

    def going_on(self) -> list[Trouble]:
        """Return what is on record as wrong."""
        with self.desk.database.read() as tx:
            return [alarm.what for alarm in alarms.going_on(tx)]

    def queued(self) -> list[EmailMessage]:
        """Return the alarms in the outbox."""
        with self.desk.database.read() as tx:
            return read(tx.execute(select(letters.c.content).where(letters.c.cause.like("alarm %")).order_by(letters.c.id)).scalars().all())


def command(folder: Path) -> list[str]:
    """Write a program that keeps what it is told, and return how it is called."""
    program = folder / "alarm.sh"
    program.write_text(f"#!/bin/sh\nhere={folder}\n{SAID}\n", encoding="utf-8")
    program.chmod(0o755)
    return [str(program), "--urgent"]


def settings(folder: Path, *, inbox: dict[str, object] | None = None, staff: dict[str, object] | None = None, **alarm: object) -> Config:
    """Return a configuration that tells a command of faults after half an hour, and nobody of anything else."""
    told = {"to": ["officer@example.com"], "command": command(folder), "low_disk_megabytes": 0, **alarm}
    more: dict[str, Any] = {"inbox": inbox or {}, "staff": {"digest_to": [], "language": "en", **(staff or {})}}
    config = load_config(write_config(folder, imap_port=1, smtp_port=1, **more))
    return config.model_copy(update={"alarm": Alarm.model_validate(told)})


@contextmanager
def running(folder: Path, config: Config | None = None, now: datetime = NOW) -> Iterator[Machine]:
    """Return a machine at work, and give back its store."""
    machine = Machine(folder, config or settings(folder), now)
    try:
        yield machine
    finally:
        machine.desk.database.close()


def other_relay(smtp: CapturingSmtp, **keys: object) -> dict[str, object]:
    """Return the table of another relay."""
    return {"host": "127.0.0.1", "port": smtp.port, "tls": "none", "sender": "mailbot@elsewhere.example", **keys}


def read(contents: Sequence[bytes]) -> list[EmailMessage]:
    """Read letters as a mail client would."""
    return [message_from_bytes(content, _class=EmailMessage, policy=default) for content in contents]


def queue(machine: Machine, number: int = 1, **fields: Any) -> None:
    """Queue a letter."""
    with machine.desk.database.write() as tx:
        outbox.queue(tx, [a_letter(number, **fields)], machine.now)


def accept_all(machine: Machine, state: LetterState = LetterState.ACCEPTED) -> None:
    """Have the relay take every letter, or whatever becomes of them."""
    with machine.desk.database.write() as tx:
        tx.execute(update(letters).values(state=state, claimed_at=machine.now, settled_at=machine.now))
