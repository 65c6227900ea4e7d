"""One instance at a time works in a store (H21): the lease, who holds it, and whether that holder still lives."""

import os
import socket
from datetime import datetime
from pathlib import Path

from mailbot.errors import Problem, TemporaryFailure
from storage.database import Database
from storage.lease import give_up_lease, holder_of, renew_lease, take_lease

NAME = "work"


class StoreInUse(TemporaryFailure):
    """Another mailbot works in this store."""


class LeaseLost(Problem):
    """Another mailbot took this store over, because we were silent too long."""


class Instance:
    """This running mailbot, as the store knows it."""

    def __init__(self, database: Database) -> None:
        """A holder is named by host, process and the moment the process began, so that a reused number is another one."""
        self._database = database
        self.holder = f"{_machine()} {os.getpid()} {_began(os.getpid())}"

    def enter(self, now: datetime) -> bool:
        """Take the lease if nobody living holds it; tell whether it is ours now."""
        with self._database.write() as tx:
            holder = holder_of(tx, NAME, now)
            if holder is not None and holder != self.holder and not _is_dead(holder):
                return False
            take_lease(tx, NAME, self.holder, now)
            return True

    def stay(self, now: datetime) -> None:
        """Renew the lease; raise ``LeaseLost`` if it is no longer ours."""
        with self._database.write() as tx:
            if not renew_lease(tx, NAME, self.holder, now):
                raise LeaseLost("another mailbot took over this store; this one stops")

    def leave(self) -> None:
        """Let the next one in at once."""
        with self._database.write() as tx:
            give_up_lease(tx, NAME, self.holder)


def _machine() -> str:
    """Name what process numbers are unique in: this host, and in it the container, which may share its host's name."""
    try:
        return f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def _began(pid: int) -> str:
    """Return when a process began, in the kernel's own count; "" where it cannot be told."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _is_dead(holder: str) -> bool:
    """Tell whether the holder was a process of this machine that has ended."""
    machine, pid, began = holder.rsplit(" ", 2)
    if machine != _machine() or not began:
        return False
    seen = _began(int(pid))
    return seen != began if seen else not _exists(int(pid))


def _exists(pid: int) -> bool:
    """Ask the kernel, which knows also the processes that /proc hides from us (ProtectProc, hidepid)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
