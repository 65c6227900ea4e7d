"""A service manager, played by a socket: what a run of the daemon tells it, and how it ends a run."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.scenarios.outside import start_program

GIVE_UP_SECONDS = 30
END_SECONDS = 10
OFTEN, SELDOM = 0.6, 2.0

WITH_ITS_NUMBER = ("sh", "-c", 'WATCHDOG_PID=$$ exec "$0" "$@"')
"""systemd sets it so: only the process itself knows its number before it runs."""

Told = dict[str, str]


class Service:
    """One run of the daemon under a service manager, which keeps every datagram it is told."""

    def __init__(self, config: Path, address: str, watchdog_seconds: float = OFTEN, stderr: int = subprocess.PIPE) -> None:
        self.told: list[Told] = []
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._manager.settimeout(GIVE_UP_SECONDS)
        self._manager.bind(address.replace("@", "\0", 1))
        environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": str(int(watchdog_seconds * 1e6))}
        self.process = start_program(config, through=WITH_ITS_NUMBER, environment=environment, stderr=stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.kill()
        self.process.communicate()
        self._manager.close()

    def hear(self, wanted: Callable[[Told], object]) -> Told:
        """Listen until something is told that is ``wanted``."""
        give_up = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < give_up:
            datagram = self._manager.recv(4096).decode()
            self.told.append(dict(line.split("=", 1) for line in datagram.splitlines()))
            if wanted(self.told[-1]):
                return self.told[-1]
        raise AssertionError(f"in vain; the last that was told: {self.told[-1]}")

    def hear_pings(self, count: int, doing: str = "") -> None:
        """Listen until there were some more signs of life, each with a status that says ``doing``."""
        for _ in range(count):
            self.hear(lambda told: "WATCHDOG" in told and doing in told["STATUS"])

    def end(self) -> int:
        """Ask it to end, as ``systemctl stop`` does; return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(END_SECONDS)
        return self.process.returncode
