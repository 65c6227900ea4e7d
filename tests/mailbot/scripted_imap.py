"""An IMAP server that says exactly what a test writes: the odd things that a sound server never says."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from tests.servers import LOOPBACK

HEADER = "Subject: x\r\n\r\n"

Script = dict[str, str | Callable[[str], str]]
"""First words of a command → what is said to it; TAG stands for the command's tag, CLOSE at the end for hanging up.

The longest key that fits counts."""

USUAL: Script = {
    "CAPABILITY": "* CAPABILITY IMAP4rev1 IDLE\r\nTAG OK\r\n",
    "LOGIN": "TAG OK\r\n",
    "EXAMINE": "* 3 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n* OK [UIDNEXT 4]\r\nTAG OK [READ-ONLY]\r\n",
    "SELECT": "* 3 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n* OK [UIDNEXT 4]\r\n* OK [PERMANENTFLAGS (\\Answered)]\r\nTAG OK [READ-WRITE]\r\n",
    "LOGOUT": "* BYE later\r\nTAG OK\r\n",
}


class Scripted:
    """An IMAP server, for one connection at a time, that answers from a script and keeps what was said to it."""

    def __init__(self, script: Script, greeting: str = "* OK ready\r\n") -> None:
        self.heard: list[str] = []
        self.connections = 0
        self._script = USUAL | script
        self._greeting = greeting
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                with suppress(ConnectionError):  # the client had enough
                    self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            connection.sendall(self._greeting.removesuffix("CLOSE").encode())
            if self._greeting.endswith("CLOSE"):
                return
            tag = ""
            for line in lines:
                first, _, rest = line.decode().rstrip("\r\n").partition(" ")
                tag, command = (first, rest) if rest else (tag, first)  # DONE has no tag of its own (RFC 2177)
                self.heard.append(command)
                answer = self._answer(command).replace("TAG", tag)
                connection.sendall(answer.removesuffix("CLOSE").encode())
                if answer.endswith("CLOSE"):
                    return

    def _answer(self, command: str) -> str:
        fitting = max((key for key in self._script if command.startswith(key)), key=len, default="")
        said = self._script.get(fitting, "TAG BAD what?\r\n")
        return (said if isinstance(said, str) else said(command)).replace("TAG OK\r\n", "TAG OK done\r\n")

    def now_says(self, script: Script) -> None:
        """Say something else from now on."""
        self._script |= script

    def close(self) -> None:
        """Stop listening, and wait until the connection has ended."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


def head(uid: int, header: str, size: int = 99, received: str = "05-Jan-2026 10:00:00 +0500") -> str:
    items = f'UID {uid} INTERNALDATE "{received}" RFC822.SIZE {size} BODY[HEADER]<0> {{{len(header)}}}\r\n{header}'
    return f"* {uid} FETCH ({items})\r\n"
