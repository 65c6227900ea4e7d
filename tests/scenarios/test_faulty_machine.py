"""A machine without room, with a store that can only be read, or asleep; a mailbox that counts anew (H3, H10, H21, H31, H35)."""

import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from mailbot.config import load_config
from mailbot.daemon import utc_now
from mailbot.desk import set_up_desk
from mailbot.imap import Address, Mailbox
from mailbot.rounds import Round
from mailbot.watch import address_of
from storage.database import open_database
from storage.ledger import CursorMoved
from storage.tables import leases
from tests.conftest import ConfigFile
from tests.scenarios.managed import SELDOM, Service
from tests.scenarios.outside import (
    append_all,
    flags_of,
    letters_in,
    lines_in,
    ordinary,
    outcomes_in,
    request,
    requests_in,
    run_once,
    seen_by,
)
from tests.servers import CapturingSmtp, Dovecot, Postgresql
from tests.servers.proxy import Break, Fault, FaultyLine, Way

NO_DIGEST: dict[str, list[str]] = {"digest_to": []}
KNOWN = int(os.environ.get("MAILBOT_KNOWN", "500"))
"""How many messages are known when the mailbox is renumbered; the issue's 10,000 take a minute."""

Spoilt = Callable[[Service, str], AbstractContextManager[None]]


@contextmanager
def no_room(service: Service, _: str) -> Iterator[None]:
    """Let no file of the process grow: to the store it is a disk without room."""
    limits = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (4096, limits[1]))
    yield
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, limits)


@contextmanager
def only_read(_: Service, url: str) -> Iterator[None]:
    """Let the database only be read, as one that became a standby."""
    name, address = url.rpartition("/")[2], url.replace("postgresql+psycopg", "postgresql").replace(url.rpartition("/")[2], "postgres")
    with psycopg.connect(address, autocommit=True) as connection:
        for setting in ("on", "off"):
            connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {setting}".encode())
            connection.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s", [name])
            if setting == "on":
                yield


@pytest.mark.parametrize("spoilt", [no_room, only_read])
def test_h35_while_the_store_cannot_be_written_nothing_is_fetched_sent_or_marked_and_then_all_goes_on_by_itself(
    dovecot: Dovecot,
    smtp: CapturingSmtp,
    mailbox: str,
    config_file: ConfigFile,
    postgresql: Postgresql,
    tmp_path: Path,
    spoilt: Spoilt,
) -> None:
    url = postgresql.fresh_database() if spoilt is only_read else f"sqlite:///{tmp_path}/mailbot.db"
    config = config_file(store={"url": url}, staff=NO_DIGEST)
    with Service(config, str(tmp_path / "notify"), SELDOM) as service:
        service.hear_pings(1, "inbox[1]: waits for mail")
        smtp.stop()
        dovecot.append(mailbox, request("aigerim"))
        service.hear_pings(1, "delivery: away, the SMTP server")
        with spoilt(service, url):
            smtp.start()
            dovecot.append(mailbox, request("bolat"))
            service.hear(lambda told: all(f"{part}: away, the store" in told.get("STATUS", "") for part in ("inbox[1]", "delivery")))
            assert {} == seen_by(smtp)
            assert {1: frozenset(), 2: frozenset()} == flags_of(dovecot, mailbox)
        service.hear(lambda _: 2 == seen_by(smtp).total())
        service.hear_pings(1, "inbox[1]: waits for mail")
        assert 0 == service.end()
    assert {"request": 2} == outcomes_in(config)
    assert {"aigerim@example.com": 1, "bolat@example.com": 1} == seen_by(smtp)
    assert ["accepted", "accepted"] == [letter.state for letter in letters_in(config)]


# --- asleep ----------------------------------------------------------------------------------------------------------


def lapse(config: Path) -> None:
    """Let the hour pass after which nobody believes in the holder of the store any more."""
    database = open_database(load_config(config).store.url)
    with database.write() as tx:
        tx.execute(update(leases).values(until=datetime.now(UTC) - timedelta(hours=1)))
    database.close()


def test_h10_a_process_that_slept_while_its_connection_died_takes_in_what_came_meanwhile_once(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, tmp_path: Path
) -> None:
    with FaultyLine(dovecot.imap_port) as line:
        config = config_file(inbox={"port": line.port, "poll_seconds": 1, "timeout_seconds": 1}, staff=NO_DIGEST)
        with Service(config, str(tmp_path / "notify"), SELDOM) as service:
            service.hear_pings(1, "inbox[1]: waits for mail")
            service.process.send_signal(signal.SIGSTOP)
            forgotten = Fault(Way.SERVER, b"", Break.SILENCE)
            line.faults = [forgotten]
            dovecot.deliver(mailbox, request("aigerim"))
            lapse(config)
            service.process.send_signal(signal.SIGCONT)
            service.hear(lambda _: seen_by(smtp)["aigerim@example.com"])
            assert 0 == service.end()
        assert [forgotten] == line.happened
    assert {"request": 1} == outcomes_in(config)
    assert {"aigerim@example.com": 1} == seen_by(smtp)


def test_h21_h31_a_process_that_slept_over_a_letter_while_another_took_its_place_sends_nothing_twice(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, tmp_path: Path
) -> None:
    """It wakes in the middle of a letter whose reply was lost, and works beside the other until it hears that the store is not its own."""
    with FaultyLine(smtp.port) as line:
        config = config_file(smtp={"port": line.port}, staff=NO_DIGEST)
        line.faults = [Fault(Way.CLIENT, b"\r\n.\r\n", Break.SILENCE)]
        dovecot.append(mailbox, request("aigerim"))
        with Service(config, str(tmp_path / "first"), SELDOM) as first:
            first.hear(lambda _: smtp.envelopes)
            first.process.send_signal(signal.SIGSTOP)
            lapse(config)
            with Service(config, str(tmp_path / "second"), SELDOM) as second:
                second.hear_pings(1, "inbox[1]: waits for mail")
                assert ["doubtful"] == [letter.state for letter in letters_in(config)]
                first.process.send_signal(signal.SIGCONT)
                append_all(dovecot, mailbox, [request("bolat"), ordinary("firm")])
                second.hear(lambda _: seen_by(smtp)["bolat@example.com"])
                second.hear(lambda _: 3 == len(lines_in(config)))
                assert 0 == second.end()
    assert {"request": 2, "ordinary": 1} == outcomes_in(config)
    assert {"aigerim@example.com": 1, "bolat@example.com": 1} == seen_by(smtp)
    assert ["accepted", "doubtful"] == sorted(letter.state for letter in letters_in(config))


class Overtaken(Mailbox):
    """A connection so slow that somebody else does all the work between the answer and its use."""

    def __init__(self, address: Address, meanwhile: Callable[[], object]) -> None:
        self._meanwhile = meanwhile
        super().__init__(address)

    def wholes(self, uids: Sequence[int]) -> dict[int, bytes]:
        fetched = super().wholes(uids)
        self._meanwhile()
        return fetched


def test_h21_what_another_took_in_meanwhile_is_no_fault_and_is_not_set_aside(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim"))
    inbox, desk = load_config(config).inbox[0], set_up_desk(load_config(config), utc_now)
    slow = Overtaken(address_of(inbox, dovecot.password), lambda: run_once(config))
    with capture_logs() as logged, pytest.raises(CursorMoved):
        Round(desk, inbox, slow, lambda count: None).go(threading.Event())
    slow.log_out()
    desk.database.close()
    assert [] == [line for line in logged if line["log_level"] == "error"]
    assert ({"request": 1}, {"aigerim@example.com": 1}) == (outcomes_in(config), seen_by(smtp))


# --- a mailbox that counts anew --------------------------------------------------------------------------------------


def test_h3_a_mailbox_that_is_renumbered_with_all_it_holds_brings_nothing_again(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config, people = config_file(), [f"person{number}" for number in range(KNOWN // 50)]
    append_all(dovecot, mailbox, [*map(request, people), *(ordinary(f"firm{number}") for number in range(KNOWN - len(people)))])
    run_once(config)
    known, letters, wanted = lines_in(config), len(smtp.envelopes), {f"{name}@example.com": 1 for name in people}
    assert (KNOWN, wanted) == (len(known), seen_by(smtp))
    dovecot.reset_uidvalidity(mailbox)
    (before, _) = run_once(config).counts
    assert (0, 0, 0) == (before.requests, before.held, before.shunted)
    assert (wanted, letters, len(people)) == (seen_by(smtp), len(smtp.envelopes), len(requests_in(config)))
    renumbered = lines_in(config)
    assert [(line.uid, line.outcome) for line in known] == [(line.uid, line.outcome) for line in renumbered]
    assert {dovecot.uidvalidity(mailbox)} == {line.uidvalidity for line in renumbered}
