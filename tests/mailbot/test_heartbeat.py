"""The heartbeat: given only while all is well, by a real program and to a real web server, and told once when it fails (H108)."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mailbot.errors import TemporaryFailure
from mailbot.heartbeat import beat, fetch, keep_beating, reach
from tests.servers import LOOPBACK, Dovecot
from tests.servers.programs import free_ports

GIVE_UP_SECONDS = 20


class Monitor(BaseHTTPRequestHandler):
    """A monitor that waits for signs of life, and answers each with a status."""

    server: "Monitors"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Monitors(ThreadingHTTPServer):
    """Its server: what it was asked for, and what it answers."""

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), Monitor)
        self.asked: list[str] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}/ping/abc?from=mailbot"


@contextmanager
def serving(server: Monitors) -> Iterator[Monitors]:
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def monitor() -> Iterator[Monitors]:
    with serving(Monitors()) as server:
        yield server


def program(folder: Path, lines: str) -> tuple[str, ...]:
    path = folder / "alive.sh"
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return (str(path), str(folder / "beats"))


def keep_until(enough: Callable[[], bool], url: str, is_well: Callable[[], bool] = lambda: True) -> None:
    """Keep the heart beating, very fast, until something is so."""

    async def well() -> bool:
        return is_well()

    async def main() -> None:
        beating = asyncio.create_task(keep_beating((), url, well, 0.001))
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while not enough():
                await asyncio.sleep(0.001)
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating

    asyncio.run(main())


def test_h108_each_beat_asks_for_the_address_and_runs_the_command(monitor: Monitors, tmp_path: Path) -> None:
    command = program(tmp_path, 'echo alive >> "$1"')
    for _ in range(2):
        assert [] == asyncio.run(beat(command, monitor.url))
    assert ["/ping/abc?from=mailbot"] * 2 == monitor.asked
    assert "alive\n" * 2 == (tmp_path / "beats").read_text()


@pytest.mark.parametrize("status", [301, 404, 500])
def test_an_answer_that_is_not_good_is_a_failure_and_nobody_sends_us_elsewhere(monitor: Monitors, status: int) -> None:
    monitor.status = status
    with pytest.raises(TemporaryFailure, match=f"alarm.heartbeat_url answers {status}"):
        fetch(monitor.url)
    assert 1 == len(monitor.asked)


def test_what_fails_is_named_and_the_other_way_is_tried_all_the_same(monitor: Monitors, tmp_path: Path) -> None:
    problems = asyncio.run(beat(program(tmp_path, "exit 3"), monitor.url))
    assert (["alarm.heartbeat_command ended with status 3"], 1) == (problems, len(monitor.asked))
    (url,) = asyncio.run(beat((), f"http://{LOOPBACK}:{free_ports(1)[0]}/"))
    assert "alarm.heartbeat_url cannot be fetched: Connection refused" == url
    (missing,) = asyncio.run(beat(("/nowhere/alive",), None))
    assert "alarm.heartbeat_command was not run to its end" == missing


def test_i11_a_certificate_that_nobody_vouches_for_is_refused(dovecot: Dovecot) -> None:
    """Dovecot stands in for a web server: the handshake is refused before anything is said."""
    for ask in (fetch, reach):
        with pytest.raises(TemporaryFailure, match="its certificate is not valid"):
            ask(f"https://localhost:{dovecot.imaps_port}/ping")


def test_i11_tls_is_spoken_to_an_https_address_only(monitor: Monitors) -> None:
    with pytest.raises(TemporaryFailure, match="cannot be fetched"):
        fetch(monitor.url.replace("http:", "https:"))
    assert [] == monitor.asked


def test_reaching_a_monitor_is_no_sign_of_life(monitor: Monitors) -> None:
    reach(monitor.url)
    assert [] == monitor.asked


def test_h108_half_a_mailbot_gives_no_sign_of_life(monitor: Monitors) -> None:
    looked: list[bool] = []

    def is_well() -> bool:
        looked.append(len(looked) >= 5)
        return looked[-1]

    keep_until(lambda: bool(monitor.asked), monitor.url, is_well)
    assert [False] * 5 == looked[:5]


def test_a_heartbeat_that_fails_is_told_once_and_once_that_it_goes_again(monitor: Monitors) -> None:
    monitor.status = 500

    def enough() -> bool:
        if len(monitor.asked) >= 5:
            monitor.status = 200
        return len(monitor.asked) >= 10

    with capture_logs() as lines:
        keep_until(enough, monitor.url)
    assert ["heartbeat_fails", "heartbeat_goes_again"] == [line["event"] for line in lines]
