"""What the service manager is told, and how: it is played here by a socket."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mailbot.notify import status, tell, watchdog_seconds

GIVE_UP_SECONDS = 20


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.settimeout(5)
        yield listening


@pytest.fixture(autouse=True)
def _no_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)


def test_all_lines_arrive_in_one_datagram(manager: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    tell("READY=1", status("works"))
    assert b"READY=1\nSTATUS=works" == manager.recv(4096)


def test_an_address_in_the_abstract_space_is_understood(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    manager.bind("")  # Linux finds a free abstract name
    monkeypatch.setenv("NOTIFY_SOCKET", "@" + manager.getsockname()[1:].decode())
    tell("WATCHDOG=1")
    assert b"WATCHDOG=1" == manager.recv(4096)


@pytest.mark.parametrize("address", [None, "", "/nowhere/notify", "x" * 200, "@", "@nobody-listens-here"])
def test_a_manager_that_does_not_ask_or_listen_is_no_failure(monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    tell("READY=1")


def test_a_manager_that_is_too_busy_to_listen_keeps_nobody_waiting(
    manager: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``tell`` is called on the event loop: if it waited, delivery would stand still."""
    manager.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    fill(tmp_path / "notify")
    telling = threading.Thread(target=tell, args=["WATCHDOG=1"], daemon=True)
    telling.start()
    telling.join(GIVE_UP_SECONDS)
    assert not telling.is_alive()


def fill(address: Path) -> None:
    """Send until the queue takes no more."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other, suppress(BlockingIOError):
        other.setblocking(False)
        while True:
            other.sendto(b"STATUS=", str(address))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("waits  for\nmail\r\n", "STATUS=waits for mail"),
        ("away\nREADY=1", "STATUS=away READY=1"),
        ("Өтініштер " * 40, f"STATUS={('Өтініштер ' * 40)[:200]}"),
        ("", "STATUS="),
    ],
    ids=["spaces", "another-line", "long", "empty"],
)
def test_a_status_is_one_short_line(words: str, line: str) -> None:
    assert line == status(words)


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        ("180000000", None, 180.0),
        ("2000000", "ours", 2.0),
        ("2000000", "", 2.0),
        ("2000000", "1", None),  # meant for another process
        ("0", "ours", None),
        ("", "ours", None),
        (None, None, None),
        ("-1", None, None),
        ("three minutes", None, None),
    ],
    ids=str,
)
def test_the_watchdog_is_ours_only_if_it_watches_this_process(
    monkeypatch: pytest.MonkeyPatch, usec: str | None, pid: str | None, seconds: float | None
) -> None:
    number = str(os.getpid()) if pid == "ours" else pid
    for name, value in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", number)):
        if value is not None:
            monkeypatch.setenv(name, value)
    assert seconds == watchdog_seconds()
