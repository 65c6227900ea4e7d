"""Two mail servers on loopback, alive only inside the demo: an IMAP server with one mailbox, and an SMTP server that keeps what it gets.

Both listen on ports that the system picks, and serve from the event loop that they were opened in.
"""

import asyncio
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import DictBackend
from pymap.backend.dict.mailbox import MailboxData
from pymap.concurrent import Subsystem
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pysasl.hashing import BuiltinHash

LOOPBACK = "127.0.0.1"
USER, PASSWORD = "demo", "demo"
_NOTHING_SPECIAL = {"host": LOOPBACK, "port": 0, "debug": False, "cert": None, "key": None, "passlib_cfg": None, "proxy_protocol": None}


@dataclass(frozen=True, slots=True)
class ImapServer:
    """An IMAP server and the inbox in it."""

    port: int
    _inbox: MailboxData

    async def put(self, message: bytes, received: datetime) -> int:
        """Put a message into the inbox, as a mail server does that delivers it; return its UID."""
        return (await self._inbox.append(AppendMessage(message, received, frozenset()))).uid

    async def flags(self) -> dict[int, frozenset[str]]:
        """Return what flags each message bears, by UID."""
        return {message.uid: frozenset(map(str, message.permanent_flags)) async for message in self._inbox.messages()}


@dataclass(slots=True)
class SmtpServer:
    """An SMTP server that accepts every letter and passes none on."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, smtp: SMTP, session: Any, envelope: Any) -> str:  # noqa: ARG002 - aiosmtpd's hook
        """Accept a letter."""
        self.letters.append(message_from_bytes(envelope.content, policy=default))
        return "250 2.0.0 accepted"


@asynccontextmanager
async def imap_server() -> AsyncIterator[ImapServer]:
    """Open an IMAP server with an empty inbox."""
    options = Namespace(**_NOTHING_SPECIAL, tls=False, demo_data=False, demo_user=USER, demo_password=PASSWORD)
    quick: dict[str, Any] = {"hash_context": BuiltinHash(rounds=1), "cpu_subsystem": Subsystem.for_asyncio()}
    backend, config = await DictBackend.init(options, **quick)
    config.apply_context()
    async with backend.login.demo_user_identity.new_session() as session:
        inbox = await session.mailbox_set.get_mailbox("INBOX")
    serve = ProxyProtocolReader(config.proxy_protocol).get_callback(IMAPServer(backend.login, config))
    async with await asyncio.start_server(serve, LOOPBACK, 0) as server:
        yield ImapServer(_port_of(server), inbox)


@asynccontextmanager
async def smtp_server() -> AsyncIterator[SmtpServer]:
    """Open an SMTP server that has kept nothing yet."""
    loop, kept = asyncio.get_running_loop(), SmtpServer()
    async with await loop.create_server(lambda: SMTP(kept, hostname="smtp.example", loop=loop), LOOPBACK, 0) as server:
        kept.port = _port_of(server)
        yield kept


def _port_of(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port
