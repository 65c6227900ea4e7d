"""What the service manager is told: one datagram a message, to the socket that it names (sd_notify, systemd 252).

Where nobody asks (no ``$NOTIFY_SOCKET``), nothing is said.
"""

import os
import socket
from contextlib import suppress

LISTENED_TO_WITHIN_SECONDS = 1.0
"""How long a manager that is busy is waited for: everything else waits meanwhile."""

TOLD_AT_MOST = 200
"""Characters of a status: it is a line that people read in ``systemctl status``."""


def tell(*lines: str) -> None:
    """Send lines such as ``READY=1``; a manager that does not listen is not our failure."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # a name in Linux's abstract space
        address = f"\0{address[1:]}"
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
        manager.settimeout(LISTENED_TO_WITHIN_SECONDS)
        manager.connect(address)
        manager.sendall("\n".join(lines).encode())


def status(words: str) -> str:
    """Return a line that people read; it names no person."""
    return f"STATUS={' '.join(words.split())[:TOLD_AT_MOST]}"


def watchdog_seconds() -> float | None:
    """Return within how many seconds the manager wants to hear from us; None if it does not watch us."""
    wanted, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not wanted.isdecimal() or int(wanted) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(wanted) / 1_000_000
