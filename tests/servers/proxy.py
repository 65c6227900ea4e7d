"""A faulty line: a TCP proxy before a real server that breaks, delays, swallows or falsifies at chosen bytes of either direction."""

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from types import TracebackType
from typing import NamedTuple, Self, assert_never

from tests.servers.programs import LOOPBACK

RESET_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: what is not sent yet is thrown away, and the other side gets RST instead of FIN."""


class Way(Enum):
    """Who says the bytes."""

    CLIENT = auto()
    SERVER = auto()


class Break(Enum):
    """How a connection ends; after SILENCE it stands, and no byte passes any more in either direction: no packet says so."""

    FIN = auto()
    RST = auto()
    SILENCE = auto()


@dataclass(frozen=True, slots=True)
class Pause:
    """The bytes come late."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Words:
    """Bytes that nobody said, in the place of some that were said, or between them."""

    said: bytes
    instead_of: int = 0


Deed = Break | Pause | Words


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the line, and where: ``further`` bytes behind the next ``after`` that somebody says."""

    way: Way
    after: bytes
    deed: Deed
    further: int = 0

    def place(self, said: bytes, passed: int) -> "Place | None":
        """Find the place in what was ``said``, of which so much has ``passed``."""
        behind = len(self.after) + self.further
        found = said.find(self.after, max(0, passed - behind))
        return Place(found + behind, self) if found >= 0 else None


class Place(NamedTuple):
    """Where in what was said a fault waits."""

    at: int
    fault: Fault


class FaultyLine:
    """A proxy. Each of its ``faults`` happens once, on the first connection that gets to the place; then the line is sound."""

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self.faults: list[Fault] = []
        self.happened: list[Fault] = []
        self.connections = 0
        self.overheard = b""
        """All that clients said, as it stood on the wire."""

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()
        with self._lock:
            for each in self._open:
                _shut(each)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener was shut down
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                try:
                    line = _Line(self, client, socket.create_connection((LOOPBACK, self._behind)))
                except ConnectionError:  # the server is away
                    client.close()
                    continue
                threading.Thread(target=line.carry, daemon=True).start()

    @contextlib.contextmanager
    def holding(self, *sockets: socket.socket) -> Iterator[None]:
        """Keep sockets where the end of the proxy finds them."""
        with self._lock:
            self._open.update(sockets)
        try:
            yield
        finally:
            with self._lock:
                self._open.difference_update(sockets)
                for each in sockets:
                    _shut(each)  # FIN, though something may lie here unread
                    each.close()

    def next_fault(self, way: Way, said: bytes, passed: int) -> Place | None:
        """Return the fault that comes first in what was ``said``, of which so much has ``passed``."""
        with self._lock:
            places = [place for fault in self.faults if fault.way is way and (place := fault.place(said, passed))]
        return min(places, key=lambda place: place.at, default=None)

    def takes_place(self, fault: Fault) -> bool:
        """Let a fault happen, unless another connection had it meanwhile."""
        with self._lock:
            if fault not in self.faults:
                return False
            self.faults.remove(fault)
            self.happened.append(fault)
            return True


class _Line:
    """One connection through the proxy, in a thread of its own."""

    def __init__(self, proxy: FaultyLine, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._hears = {client: server, server: client}
        self._said = {client: b"", server: b""}
        self._passed = {client: 0, server: 0}
        self._is_silent = False
        for end in self._hears:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what is said before a break arrives before it

    def carry(self) -> None:
        """Pass on what either side says until one has ended."""
        with self._proxy.holding(*self._hears), contextlib.suppress(OSError):
            while True:
                for speaker in select.select(list(self._hears), [], [])[0]:
                    if not (chunk := speaker.recv(65536)):
                        return
                    self._said[speaker] += chunk
                    if speaker is self._client:
                        self._proxy.overheard += chunk
                    self._pass_on(speaker)

    def _pass_on(self, speaker: socket.socket) -> None:
        way, said = Way.CLIENT if speaker is self._client else Way.SERVER, self._said[speaker]
        while (place := self._proxy.next_fault(way, said, self._passed[speaker])) and place.at <= len(said):
            self._say(speaker, place.at)
            if self._proxy.takes_place(place.fault):
                self._do(place.fault.deed, speaker)
        self._say(speaker, len(said))

    def _say(self, speaker: socket.socket, until: int) -> None:
        """Let the other side hear what a speaker said, up to some byte."""
        words, self._passed[speaker] = self._said[speaker][self._passed[speaker] : until], max(self._passed[speaker], until)
        if words and not self._is_silent:
            self._hears[speaker].sendall(words)

    def _do(self, deed: Deed, speaker: socket.socket) -> None:
        match deed:
            case Pause(seconds):
                time.sleep(seconds)
            case Words(said, instead_of):
                self._hears[speaker].sendall(said)
                self._passed[speaker] += instead_of
            case Break.SILENCE:
                self._is_silent = True
            case Break.RST:
                self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
                self._client.close()
                raise ConnectionError("as wanted")
            case Break.FIN:
                raise ConnectionError("as wanted")
            case _:
                assert_never(deed)


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it is shut already
        end.shutdown(socket.SHUT_RDWR)
