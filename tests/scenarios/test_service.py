"""mailbot as a service: what it tells the service manager, which is played here, and that a hang is ended by it (H108)."""

import signal
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
import pytest
from sqlalchemy import select

from storage.tables import leases
from tests.conftest import ConfigFile
from tests.scenarios.managed import GIVE_UP_SECONDS, OFTEN, SELDOM, Service, Told
from tests.scenarios.outside import lines_in, request, requests_in, run_once, seen_by, store_of
from tests.servers import LOOPBACK, CapturingSmtp, Dovecot, Postgresql
from tests.servers.programs import free_ports

NO_DIGEST: dict[str, list[str]] = {"digest_to": []}
"""Letters are counted here; the digest has tests of its own."""

Run = Callable[..., Service]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Return what starts services, each under a manager of its own; they are ended with the test."""
    running: list[Service] = []

    def start(config: Path, address: str | None = None, watchdog_seconds: float = OFTEN) -> Service:
        running.append(Service(config, address or str(tmp_path / f"notify{len(running)}"), watchdog_seconds))
        return running[-1]

    yield start
    for service in running:
        service.__exit__(None, None, None)


class Hanging:
    """Stands before an IMAP server. After a command that begins with ``hangs_at`` it says something for ever, but never the answer.

    No timeout ever fires: each line comes well within it.
    """

    def __init__(self, imap_port: int) -> None:
        self.hangs_at: bytes | None = None
        self._imap_port = imap_port
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((LOOPBACK, self._imap_port))
                threading.Thread(target=self._up, args=[client, server], daemon=True).start()
                threading.Thread(target=self._down, args=[server, client], daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError), server, client.makefile("rb") as commands:
            for command in commands:
                if self.hangs_at is not None and command.partition(b" ")[2].startswith(self.hangs_at):
                    self._say_something_for_ever(client)
                server.sendall(command)
            server.shutdown(socket.SHUT_RDWR)

    def _say_something_for_ever(self, client: socket.socket) -> None:
        pause = threading.Event()
        while True:  # until the client is gone
            client.sendall(b"* OK Still here\r\n")
            pause.wait(0.05)

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError), client:
            while answer := server.recv(65536):
                client.sendall(answer)


def hangs(part: str) -> Callable[[Told], bool]:
    """Return what recognises that a part is said to hang; on a busy machine others may be late, too."""
    return lambda told: told.get("STATUS", "").startswith("hangs: ") and part in told["STATUS"]


def lease_holders(config: Path) -> list[str]:
    with store_of(config) as tx:
        return [row.holder for row in tx.execute(select(leases.c.holder)) if row.holder]


# --- what the manager hears ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_h108_a_service_is_ready_when_it_holds_the_lease_and_shows_life_until_it_is_stopped(
    mailbox: str, config_file: ConfigFile, run: Run, abstract: bool
) -> None:
    config = config_file(staff=NO_DIGEST)
    service = run(config, f"@mailbot-test-{mailbox}-{free_ports(1)[0]}" if abstract else None)
    service.hear(lambda told: told.get("READY") == "1")
    assert f" {service.process.pid} " in lease_holders(config)[0]
    service.hear_pings(3, "inbox[1]: waits for mail")
    service.hear_pings(1, "delivery: waits for letters; schedule: looks at the clock")
    assert 0 == service.end()
    service.hear(lambda told: told.get("STOPPING") == "1")
    assert [] == lease_holders(config)


def test_a_service_that_cannot_open_its_store_is_never_ready(config_file: ConfigFile, run: Run) -> None:
    service = run(config_file(store={"url": "sqlite:////nowhere/mailbot.db"}))
    service.process.communicate(timeout=GIVE_UP_SECONDS)
    assert 78 == service.process.returncode
    service._manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        service.hear(lambda told: "READY" in told)


def test_h108_a_mail_server_that_is_away_is_no_reason_to_restart(
    smtp: CapturingSmtp, config_file: ConfigFile, run: Run, dovecot: Dovecot
) -> None:
    with Dovecot() as server:
        config = config_file(staff=NO_DIGEST, inbox={"port": server.imap_port, "user": "info"})
        service = run(config)
        service.hear_pings(1, "inbox[1]: waits for mail")
        server.stop()
        service.hear_pings(5, "inbox[1]: away, the IMAP server 127.0.0.1:")
        server.start()
        server.append("info", request("aigerim"))
        service.hear_pings(1, "inbox[1]: waits for mail")
        service.hear(lambda _: seen_by(smtp)["aigerim@example.com"])
        assert 0 == service.end()


def test_h35_a_store_that_is_away_stops_nothing_for_good_and_does_not_keep_the_service_from_ending(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, postgresql: Postgresql, run: Run
) -> None:
    url = postgresql.fresh_database()
    service = run(config_file(staff=NO_DIGEST, store={"url": url}))
    service.hear_pings(1, "inbox[1]: waits for mail")
    shut(postgresql, url)
    dovecot.append(mailbox, request("aigerim"))
    service.hear_pings(2, "inbox[1]: away, the store postgresql+psycopg://")
    open_again(postgresql, url)
    service.hear(lambda _: seen_by(smtp)["aigerim@example.com"])
    service.hear_pings(1, "inbox[1]: waits for mail")
    shut(postgresql, url)
    assert 0 == service.end()


def shut(postgresql: Postgresql, url: str) -> None:
    """Let nobody into a database, and put out who is in it."""
    name = url.rpartition("/")[2]
    with psycopg.connect(host=LOOPBACK, port=postgresql.port, user="postgres", autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        connection.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s", [name])


def open_again(postgresql: Postgresql, url: str) -> None:
    with psycopg.connect(host=LOOPBACK, port=postgresql.port, user="postgres", autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {url.rpartition('/')[2]} ALLOW_CONNECTIONS true".encode())


def test_h22_a_bug_that_shows_in_one_inbox_ends_neither_the_service_nor_the_other_inbox(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, tmp_path: Path, run: Run
) -> None:
    config = config_file(staff=NO_DIGEST)
    assert [] == run_once(config).problems
    with closing(sqlite3.connect(tmp_path / "mailbot.db")) as store:
        fails = "BEGIN SELECT RAISE(ABORT, 'bug'); END"
        store.execute(f"CREATE TRIGGER bug BEFORE INSERT ON cursors WHEN NEW.inbox = 'dpo@alit.kz' {fails}")
    service = run(with_second_inbox(config, {}))
    service.hear_pings(2, "inbox[2]: away, by a fault of mailbot itself")
    dovecot.append(mailbox, request("bolat"))
    service.hear(lambda _: seen_by(smtp)["bolat@example.com"])
    assert 0 == service.end()


def with_second_inbox(config: Path, ports: dict[int, int]) -> Path:
    """Add an inbox like the first, on another port."""
    second = config.read_text().partition("[[inbox]]")[2].partition("\n[")[0].replace("info@alit.kz", "dpo@alit.kz")
    for port, other in ports.items():
        second = second.replace(str(port), str(other))
    config.write_text(f"{config.read_text()}\n[[inbox]]{second}\n")
    return config


def test_h21_a_second_instance_says_that_it_waits_for_as_long_as_it_does(mailbox: str, config_file: ConfigFile, run: Run) -> None:
    config = config_file(staff=NO_DIGEST)
    first = run(config)
    first.hear_pings(1, "inbox[1]: waits for mail")
    second = run(config)
    assert "waits: another mailbot works in this store" == second.hear(lambda told: "READY" in told)["STATUS"]
    second.hear_pings(3, "waits: another mailbot works in this store")
    assert 0 == first.end()
    second.hear_pings(1, "inbox[1]: waits for mail")
    assert f" {second.process.pid} " in lease_holders(config)[0]


def test_h36_a_second_instance_that_waits_stops_as_any_other(mailbox: str, config_file: ConfigFile, run: Run) -> None:
    config = config_file(staff=NO_DIGEST)
    first = run(config)
    first.hear_pings(1, "inbox[1]: waits for mail")
    second = run(config)
    second.hear(lambda told: "READY" in told)
    assert 0 == second.end()
    second.hear(lambda told: told.get("STOPPING") == "1")
    first.hear_pings(2)


# --- a hang ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [b"LOGIN", b"UID FETCH"], ids=bytes.decode)
def test_h108_an_intake_that_hangs_is_ended_by_the_manager_and_its_message_is_taken_in_once(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, run: Run, command: bytes
) -> None:
    with Hanging(dovecot.imap_port) as hanging:
        config = config_file(staff=NO_DIGEST, inbox={"port": hanging.port, "timeout_seconds": 0.2})
        dovecot.append(mailbox, request("aigerim"))
        hanging.hangs_at = command
        first = run(config, watchdog_seconds=SELDOM)
        first.hear_pings(1)
        first.hear(hangs("inbox[1]"))
        assert "WATCHDOG" not in first.told[-1]
        silent_from = len(first.told)
        for _ in range(3):
            first.hear(hangs("inbox[1]"))
        assert [] == [told for told in first.told[silent_from:] if "WATCHDOG" in told]
        first.process.send_signal(signal.SIGABRT)
        first.process.communicate(timeout=GIVE_UP_SECONDS)
        assert -signal.SIGABRT == first.process.returncode
        hanging.hangs_at = None
        second = run(config, watchdog_seconds=SELDOM)
        second.hear(lambda _: seen_by(smtp)["aigerim@example.com"])
        second.hear_pings(1, "inbox[1]: waits for mail")
        assert 0 == second.end()
    assert (1, 1) == (len(lines_in(config)), len(requests_in(config)))
    assert {"aigerim@example.com": 1} == seen_by(smtp)


def test_h108_one_inbox_that_hangs_is_not_covered_by_another_on_the_same_server(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile, run: Run
) -> None:
    with Hanging(dovecot.imap_port) as hanging:
        one = config_file(staff=NO_DIGEST, inbox={"timeout_seconds": 0.2, "poll_seconds": 1})
        hanging.hangs_at = b"EXAMINE"
        service = run(with_second_inbox(one, {dovecot.imap_port: hanging.port}), watchdog_seconds=SELDOM)
        service.hear(hangs("inbox[2]"))


def test_h36_a_service_that_hangs_still_ends_when_it_is_asked_to(dovecot: Dovecot, mailbox: str, config_file: ConfigFile, run: Run) -> None:
    with Hanging(dovecot.imap_port) as hanging:
        hanging.hangs_at = b"EXAMINE"
        service = run(config_file(staff=NO_DIGEST, inbox={"port": hanging.port}))
        service.hear_pings(1, "inbox[1]: connects")
        assert 0 == service.end()
