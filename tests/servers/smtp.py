"""Two SMTP servers: one that keeps what it gets and misbehaves when told to, and one that is fast and keeps nothing."""

import asyncio
import socket
import threading
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP

from tests.servers.programs import IS_ROOT, LOOPBACK, find_program, free_ports, private_directory, program, start_program, stop_program


class Drop(Enum):
    """Where the connection breaks while a letter is handed over."""

    NEVER = auto()
    BEFORE_DATA = auto()
    BEFORE_REPLY = auto()
    AFTER_REPLY = auto()


@dataclass(frozen=True, slots=True)
class Envelope:
    """A letter as it arrived: the envelope's addresses, not the header's, and the bytes after DATA."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes


class CapturingSmtp:
    """An SMTP server in a thread. It keeps every letter that reached the final dot and does as these fields say, at any time:

    ``answers``: the reply to RCPT for a recipient, such as "451 4.2.1 later"; others are accepted.
    ``drop``: where to break the connection. ``delay_seconds``: how long the reply to the final dot takes.
    ``pipelines``: whether it offers to take commands together (RFC 2920), as nearly all servers do.
    """

    def __init__(self) -> None:
        self.port = 0
        self.envelopes: list[Envelope] = []
        self.answers: dict[str, str] = {}
        self.drop = Drop.NEVER
        self.delay_seconds = 0.0
        self.pipelines = True
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, on a free port the first time and on the same port afterwards."""
        listener = socket.create_server((LOOPBACK, self.port))
        self.port = listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._stopping = self._loop.create_future()
        self._connections: list[SMTP] = []
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._serve(listener)], daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections and break those that are open."""
        if self._thread:
            self._loop.call_soon_threadsafe(self._stopping.set_result, None)
            self._thread.join()
            self._loop.close()
            self._thread = None

    async def handle_EHLO(self, smtp: SMTP, session: Any, envelope: Any, hostname: str, responses: list[str]) -> list[str]:
        """Offer what we can do (aiosmtpd's hook)."""
        session.host_name = hostname
        return [*responses[:-1], *["250-PIPELINING"] * self.pipelines, responses[-1]]

    async def handle_RCPT(self, smtp: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        """Answer RCPT (aiosmtpd's hook)."""
        if self.drop is Drop.BEFORE_DATA:
            await hang_up(smtp)
        if address not in self.answers:
            envelope.rcpt_tos.append(address)
        return self.answers.get(address, "250 2.1.5 recipient accepted")

    async def handle_DATA(self, smtp: SMTP, session: Any, envelope: Any) -> str:
        """Answer the final dot (aiosmtpd's hook)."""
        sender = envelope.mail_from.removeprefix("<>")  # aiosmtpd's spelling of the null reverse-path
        self.envelopes.append(Envelope(sender, tuple(envelope.rcpt_tos), envelope.content))
        await asyncio.sleep(self.delay_seconds)
        reply = "250 2.0.0 letter accepted"
        if self.drop is Drop.AFTER_REPLY:
            await smtp.push(reply)
        if self.drop in {Drop.BEFORE_REPLY, Drop.AFTER_REPLY}:
            await hang_up(smtp)
        return reply

    async def _serve(self, listener: socket.socket) -> None:
        server = await self._loop.create_server(self._connection, sock=listener)
        async with server:
            await self._stopping
        for connection in self._connections:
            if connection.transport:
                connection.transport.close()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)

    def _connection(self) -> SMTP:
        self._connections.append(SMTP(self, hostname="smtp.example", loop=self._loop))
        return self._connections[-1]


async def hang_up(smtp: SMTP) -> None:
    """Break the connection; what was pushed before still goes out. aiosmtpd cancels the wait when the connection is gone."""
    assert smtp.transport
    smtp.transport.close()
    await asyncio.get_running_loop().create_future()


class SmtpSink:
    """Postfix's smtp-sink: accepts every letter at full speed and keeps none."""

    def __init__(self) -> None:
        self._directory = private_directory("smtp-sink")
        (self.port,) = free_ports(1)

    @classmethod
    def missing(cls) -> str | None:
        """Name the Debian package that has to be installed first."""
        return None if find_program("smtp-sink") else "postfix"

    def __enter__(self) -> Self:
        lower_rights = ["-u", "nobody"] if IS_ROOT else []
        command = [program("smtp-sink"), *lower_rights, f"{LOOPBACK}:{self.port}", "1000"]
        self._process = start_program(command, self.port, Path(self._directory.name, "smtp-sink.log"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        stop_program(self._process)
        self._directory.cleanup()
