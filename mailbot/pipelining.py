"""SMTP commands said in one go, and their replies (RFC 2920): one journey to the relay instead of three. aiosmtplib has no such thing."""

import asyncio

from aiosmtplib import SMTP, SMTPResponseException, SMTPServerDisconnected, SMTPStatus
from aiosmtplib.protocol import SMTPProtocol

MOST_BYTES = 65_536
"""More than the replies to a few commands can be: what goes on and on is no server of mail."""


_Replies = asyncio.Future[list[tuple[int, str]]]


class Pipeline(asyncio.Protocol):
    """Stands between the line and aiosmtplib: it hears the replies to commands that were said together, all else is the library's."""

    def __init__(self, client: SMTP) -> None:
        """Take the place of the open client's own protocol; that goes on behind it."""
        library = client.protocol
        transport = library.transport if library else None
        if library is None or not isinstance(transport, asyncio.Transport):
            raise SMTPServerDisconnected("the connection is not open")
        self._library: SMTPProtocol = library
        self._heard = bytearray()
        self._wanted, self._ends = 0, 0.0
        self._replies: _Replies | None = None
        transport.set_protocol(self)

    def say(self, commands: list[bytes], seconds: float) -> None:
        """Say the commands, which must all be answered within so long. Raises what aiosmtplib raises of a connection that is lost."""
        loop = asyncio.get_running_loop()
        self._heard.clear()
        self._wanted, self._replies, self._ends = len(commands), loop.create_future(), loop.time() + seconds
        self._library.write(b"".join(command + b"\r\n" for command in commands))

    async def replies(self) -> list[tuple[int, str]]:
        """Wait for code and text of the reply to each command, fewer where the server ended the connection.

        Raises what aiosmtplib raises of a connection that is lost or that talks nonsense, and ``TimeoutError``.
        """
        if self._replies is None:
            raise RuntimeError("nothing was said")
        try:
            async with asyncio.timeout_at(self._ends):
                return await self._replies
        finally:
            self._replies = None

    def data_received(self, data: bytes) -> None:
        """Keep what is waited for (asyncio's hook)."""
        if self._replies is None:
            self._library.data_received(data)
        elif not self._replies.done():
            self._heard += data
            if len(self._heard) > MOST_BYTES:
                _fail(self._replies, SMTPResponseException(SMTPStatus.invalid_response, "what the server says has no end"))
            else:
                self._settle(self._replies)

    def eof_received(self) -> bool | None:
        """Give what came before the end (asyncio's hook)."""
        self._end(self._replies)
        return self._library.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give what came before the end (asyncio's hook)."""
        self._end(self._replies, exc)
        self._library.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass it on (asyncio's hook)."""
        self._library.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on (asyncio's hook)."""
        self._library.resume_writing()

    def _end(self, replies: _Replies | None, error: Exception | None = None) -> None:
        if replies and not replies.done():
            self._wanted = 1
            self._settle(replies)
            if not replies.done():
                _fail(replies, error or SMTPServerDisconnected("the server ended the connection"))

    def _settle(self, replies: _Replies) -> None:
        """Give the replies if they are all here, or as many as will come."""
        try:
            found = read_replies(bytes(self._heard))
        except SMTPResponseException as error:
            _fail(replies, error)
            return
        if len(found) >= self._wanted or (found and found[-1][0] == SMTPStatus.domain_unavailable):
            replies.set_result(found)


def _fail(replies: _Replies, error: Exception) -> None:
    """Have it raised when somebody waits; it may be that nobody does any more."""
    replies.set_exception(error)
    replies.exception()


def read_replies(heard: bytes) -> list[tuple[int, str]]:
    """Return code and last line of each whole reply (RFC 5321, 4.2); raise ``SMTPResponseException`` for what is none."""
    *lines, _unfinished = heard.split(b"\n")
    replies: list[tuple[int, str]] = []
    goes_on = b""
    for line in lines:
        code = line[:3]
        if not code.isdigit() or goes_on not in (b"", code):
            raise SMTPResponseException(SMTPStatus.invalid_response, "what the server says is no reply")
        goes_on = code if line[3:4] == b"-" else b""
        if not goes_on:
            replies.append((int(code), line[4:].decode("utf-8", "replace").strip()))
    return replies
