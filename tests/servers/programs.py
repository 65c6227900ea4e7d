"""What the servers have in common: where their programs lie, their ports and directories, and how they start and end."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

LOOPBACK = "127.0.0.1"
START_SECONDS = 10
IS_ROOT = os.geteuid() == 0


def free_ports(count: int) -> list[int]:
    """Find ports that nobody listens on; all are held until the last is found, so they differ."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server((LOOPBACK, 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in sockets]


def private_directory(purpose: str) -> tempfile.TemporaryDirectory[str]:
    """Make a directory that a server under another user can enter; pytest's own are closed to it."""
    directory = tempfile.TemporaryDirectory(prefix=f"mailbot-{purpose}-", ignore_cleanup_errors=True)
    Path(directory.name).chmod(0o755)
    return directory


def find_program(name: str) -> str | None:
    """Find a server program where Debian puts it, which is often not in a user's PATH; the newest PostgreSQL first."""
    clusters = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    return shutil.which(name, path=os.pathsep.join([*map(str, clusters), os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))


def program(name: str) -> str:
    """Find a program that has to be there."""
    if found := find_program(name):
        return found
    raise FileNotFoundError(f"{name} is not installed")


def start_program(command: Sequence[str | Path], port: int, log: Path) -> subprocess.Popen[bytes]:
    """Start a server in the foreground and wait until it greets on ``port``."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        if greets(port):
            return process
        time.sleep(0.01)
    stop_program(process)
    raise RuntimeError(f"{command[0]} did not start: {log.read_text()}")


def greets(port: int) -> bool:
    """Tell whether a mail server on ``port`` says its first line, as it does only when it is ready for a client."""
    try:
        with socket.create_connection((LOOPBACK, port), START_SECONDS) as connection:
            return bool(connection.recv(1))
    except OSError:
        return False


def stop_program(process: subprocess.Popen[bytes]) -> None:
    """End a server with all its children, and wait until it is gone.

    Dovecot's master alone would take a second, and leave clients connected for up to half a minute.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    process.wait(START_SECONDS)
