"""Many letters, many connections, and a relay or a process that fails in between: each letter arrives once, or is known to be doubtful."""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from sqlalchemy.exc import OperationalError

from mailbot.delivery import END_WITHIN_SECONDS, Delivery, Tally
from mailbot.smtp import Relay, RelayRefusesUs
from storage import outbox
from storage.database import Database, StoreFailure, open_database
from storage.outbox import LetterState
from tests.mailbot.test_smtp import ScriptedSmtp
from tests.servers import LOOPBACK, CapturingSmtp, Postgresql, SmtpSink
from tests.storage.stock import NO_CAPS, NOW, a_letter

MANY = 500


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    """Return an empty store on SQLite."""
    database = open_database(f"sqlite:///{tmp_path}/mailbot.db")
    yield database
    database.close()


class GatheringSmtp(CapturingSmtp):
    """An SMTP server that answers the final dot only when ``together`` letters have come to it, and keeps whence each came.

    ``refusal``: the reply to MAIL; none: every sender is welcome.
    """

    def __init__(self) -> None:
        super().__init__()
        self.together = 1
        self.peers: list[tuple[str, int]] = []
        self.refusal: str | None = None

    async def handle_MAIL(self, smtp: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        """Answer MAIL (aiosmtpd's hook)."""
        envelope.mail_from = address
        return self.refusal or "250 2.1.0 sender accepted"

    async def handle_DATA(self, smtp: SMTP, session: Any, envelope: Any) -> str:
        """Answer the final dot (aiosmtpd's hook)."""
        self.peers.append(session.peer)
        while len(self.peers) < self.together:
            await asyncio.sleep(0.001)
        return await super().handle_DATA(smtp, session, envelope)


@pytest.fixture
def gathering() -> Iterator[GatheringSmtp]:
    """Return an SMTP server to which nothing has come yet."""
    with GatheringSmtp() as server:
        yield server


def queue(store: Database, count: int, first: int = 0, now: datetime = NOW) -> list[str]:
    """Queue letters and return to whom."""
    new = [a_letter(number) for number in range(first, first + count)]
    with store.write() as tx:
        outbox.queue(tx, new, now)
    return [letter.recipient for letter in new]


def deliver(store: Database, port: int, connections: int, now: datetime = NOW) -> Tally:
    """Send what is due, once."""
    delivery = a_delivery(store, port, connections, now)
    asyncio.run(asyncio.wait_for(delivery.send_what_is_due(), 60))
    return delivery.tally


def a_delivery(store: Database, port: int, connections: int, now: datetime = NOW) -> Delivery:
    """Return a delivery to the relay at this port, whose clock stands still."""
    relay = Relay(LOOPBACK, port, "none", None, None, None, 10.0)
    return Delivery(store, relay, NO_CAPS, connections, lambda: now)


def states(store: Database) -> dict[LetterState, int]:
    """Return how many letters stand where."""
    with store.read() as tx:
        return outbox.count_by_state(tx)


async def until_true(condition: Callable[[], object]) -> None:
    """Wait until something that happens in another thread has happened."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def until_accepted(store: Database, count: int) -> None:
    """Wait until so many letters are accepted, and there are no others."""
    await until_true(lambda: states(store) == {LetterState.ACCEPTED: count})


def arrivals(smtp: CapturingSmtp) -> Counter[str]:
    """Return how often something came to whom."""
    return Counter(recipient for envelope in smtp.envelopes for recipient in envelope.recipients)


def test_500_letters_on_8_connections_arrive_once_each(store: Database, smtp: CapturingSmtp) -> None:
    everybody = queue(store, MANY)
    assert Tally(accepted=MANY) == deliver(store, smtp.port, connections=8)
    assert Counter(everybody) == arrivals(smtp)
    assert {LetterState.ACCEPTED: MANY} == states(store)


def test_a_fast_server_gets_all_letters(store: Database, smtp_sink: SmtpSink) -> None:
    queue(store, MANY)
    assert Tally(accepted=MANY) == deliver(store, smtp_sink.port, connections=8)
    assert {LetterState.ACCEPTED: MANY} == states(store)


def test_postgresql_delivers_as_sqlite_does(postgresql: Postgresql, smtp: CapturingSmtp) -> None:
    store = open_database(postgresql.fresh_database())
    everybody = queue(store, 100)
    assert Tally(accepted=100) == deliver(store, smtp.port, connections=4)
    assert Counter(everybody) == arrivals(smtp)
    store.close()


def test_h94_h31_a_relay_that_falls_over_in_between_loses_nothing_and_doubles_nothing(store: Database, smtp: CapturingSmtp) -> None:
    everybody = queue(store, MANY)
    falling = threading.Thread(target=stop_after, args=[smtp, 50])
    falling.start()
    tally = deliver(store, smtp.port, connections=4)
    falling.join()
    assert tally.problem is not None
    assert tally.doubtful <= 4
    smtp.start()
    deliver(store, smtp.port, connections=4, now=NOW + timedelta(minutes=5))  # what was cut off before its first byte had to wait
    seen = arrivals(smtp)
    assert 1 == max(seen.values())
    assert {LetterState.ACCEPTED: MANY - tally.doubtful, LetterState.DOUBTFUL: tally.doubtful} == {LetterState.DOUBTFUL: 0} | states(store)
    assert set(seen) <= set(everybody)
    assert MANY - tally.doubtful <= len(seen)


def stop_after(smtp: CapturingSmtp, count: int) -> None:
    """Break all connections when so many letters have arrived."""
    while len(smtp.envelopes) < count:
        time.sleep(0.001)
    smtp.stop()


def test_a_server_that_allows_fewer_connections_than_we_may_open_gets_all_letters(store: Database, smtp: CapturingSmtp) -> None:
    everybody = queue(store, 60)

    async def run() -> Tally:
        async with doorkeeper(smtp.port, most=2) as port:
            delivery = a_delivery(store, port, 8)
            await asyncio.wait_for(delivery.send_what_is_due(), 20)
            return delivery.tally

    assert Tally(accepted=60) == asyncio.run(run())
    assert Counter(everybody) == arrivals(smtp)


@contextlib.asynccontextmanager
async def doorkeeper(behind: int, most: int) -> AsyncIterator[int]:
    """Listen before the server at port ``behind`` and turn away more than ``most`` connections at a time, as relays do."""
    inside = 0

    async def admit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal inside
        inside += 1
        if inside > most:
            writer.write(b"421 4.7.0 too many connections\r\n")
        else:
            back_reader, back_writer = await asyncio.open_connection(LOOPBACK, behind)
            await asyncio.gather(pass_on(reader, back_writer), pass_on(back_reader, writer))
        inside -= 1
        writer.close()

    async with await asyncio.start_server(admit, LOOPBACK, 0) as server:
        yield server.sockets[0].getsockname()[1]
        while inside:
            await asyncio.sleep(0.005)


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes until its end, and the end."""
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


class Slow(CapturingSmtp):
    """An SMTP server that takes its time to look a recipient up."""

    asked = False

    async def handle_RCPT(self, smtp: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        """Answer RCPT (aiosmtpd's hook)."""
        self.asked = True
        await asyncio.sleep(60)
        return await super().handle_RCPT(smtp, session, envelope, address, options)


@pytest.mark.parametrize("pipelines", [True, False])
def test_h31_h36_asked_to_end_before_a_byte_of_the_letter_was_said_it_is_queued_again_and_not_in_doubt(
    store: Database, pipelines: bool
) -> None:
    queue(store, 1)

    async def run(smtp: Slow) -> None:
        sending = asyncio.create_task(a_delivery(store, smtp.port, 1).send_what_is_due())
        while not smtp.asked or (pipelines and LetterState.MARKED not in states(store)):
            await asyncio.sleep(0.005)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

    with Slow() as smtp:
        smtp.pipelines = pipelines
        asyncio.run(run(smtp))
    assert {LetterState.QUEUED: 1} == states(store)


def test_h36_a_letter_that_gets_no_reply_does_not_keep_us_from_ending_and_is_not_sent_twice(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, 3)
    smtp.delay_seconds = 60

    async def run() -> float:
        sending = asyncio.create_task(a_delivery(store, smtp.port, 1).send_what_is_due())
        while not smtp.envelopes:
            await asyncio.sleep(0.005)
        began = time.monotonic()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        return time.monotonic() - began

    assert END_WITHIN_SECONDS <= asyncio.run(run()) < END_WITHIN_SECONDS + 2
    smtp.stop()
    smtp.delay_seconds = 0
    smtp.start()
    assert Tally(accepted=2, doubtful=1) == deliver(store, smtp.port, connections=1), "the next run tells of the letter in doubt"
    assert {LetterState.DOUBTFUL: 1, LetterState.ACCEPTED: 2} == states(store)
    assert 1 == max(arrivals(smtp).values())


# --- the store fails, or is another's ------------------------------------------------------------------------------------
@pytest.mark.parametrize("count", [1, 2], ids=["settling", "settling-and-marking"])
def test_h35_h31_what_the_server_said_while_the_store_failed_is_written_when_the_store_is_back(
    store: Database, gathering: GatheringSmtp, tmp_path: Path, count: int
) -> None:
    """The run ends at once, and its failure is told as it is. What was accepted meanwhile is not doubtful."""
    everybody = queue(store, count)
    gathering.together = 99
    delivery = a_delivery(store, gathering.port, 1)

    async def run() -> None:
        sending = asyncio.create_task(delivery.send_what_is_due())
        await until_true(lambda: gathering.peers)
        misfortune(tmp_path, "ALTER TABLE letters RENAME TO lost")
        gathering.together = 1
        with pytest.raises(OperationalError):
            await asyncio.wait_for(sending, 10)
        misfortune(tmp_path, "ALTER TABLE lost RENAME TO letters")
        await asyncio.wait_for(delivery.send_what_is_due(), 10)

    asyncio.run(run())
    assert Counter(everybody) == arrivals(gathering)
    assert {LetterState.ACCEPTED: count} == states(store)
    assert (Tally(accepted=count), []) == (delivery.tally, delivery.unwritten)


def misfortune(tmp_path: Path, statement: str) -> None:
    """Have another program do something to the store."""
    with contextlib.closing(sqlite3.connect(tmp_path / "mailbot.db")) as other:
        other.execute(statement)


def test_h21_letters_that_another_mailbot_took_over_are_sent_by_that_one_alone(store: Database, gathering: GatheringSmtp) -> None:
    """This one was silent for longer than its lease, and lives on."""
    queue(store, 2)
    gathering.together = 99

    async def run() -> None:
        sending = asyncio.create_task(a_delivery(store, gathering.port, 1).send_what_is_due())
        await until_true(lambda: gathering.peers)
        with store.write() as tx:
            outbox.recover(tx)
            assert 1 == len(outbox.claim(tx, 9, NO_CAPS, NOW + timedelta(minutes=2)))
        gathering.together = 1
        with pytest.raises(StoreFailure, match="another mailbot took over the letters"):
            await asyncio.wait_for(sending, 10)

    asyncio.run(run())
    assert ["person0@example.com"] == list(arrivals(gathering))
    with store.read() as tx:
        assert LetterState.CLAIMED is outbox.list_letters(tx)[1].state


def test_letters_that_were_queued_by_a_clock_a_year_ahead_go_out_when_it_is_right_again(store: Database, smtp: CapturingSmtp) -> None:
    everybody = queue(store, 2, now=NOW + timedelta(days=365))
    assert Tally(accepted=2) == deliver(store, smtp.port, connections=1)
    assert Counter(everybody) == arrivals(smtp)


# --- connections ---------------------------------------------------------------------------------------------------------
@contextlib.asynccontextmanager
async def lingering(store: Database, port: int, connections: int) -> AsyncIterator[Delivery]:
    """Deliver as the daemon does, until asked to end."""
    delivery = a_delivery(store, port, connections)
    delivery.linger_seconds = 60
    sending = asyncio.create_task(delivery.send_what_is_due())
    try:
        yield delivery
        assert not sending.done()
    finally:
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending


def one_more(store: Database, delivery: Delivery, number: int) -> None:
    """Queue one letter and say so."""
    queue(store, 1, first=number)
    delivery.woken.set()


def test_letters_that_come_one_by_one_go_over_one_connection(store: Database, gathering: GatheringSmtp) -> None:
    async def run() -> None:
        queue(store, 1)
        async with lingering(store, gathering.port, 8) as delivery:
            for number in (1, 2, 3):
                await until_accepted(store, number)
                one_more(store, delivery, number)
            await until_accepted(store, 4)

    asyncio.run(run())
    assert 1 == len(set(gathering.peers))


@pytest.mark.parametrize(("count", "expected"), [(2, 2), (3, 3), (12, 3)])
def test_a_burst_opens_as_many_connections_as_it_has_work_for_and_no_more_than_it_may(
    store: Database, gathering: GatheringSmtp, count: int, expected: int
) -> None:
    everybody = queue(store, count)
    gathering.together = expected
    assert Tally(accepted=count) == deliver(store, gathering.port, connections=3)
    assert expected == len(set(gathering.peers))
    assert Counter(everybody) == arrivals(gathering)


def test_a_letter_does_not_wait_for_one_that_the_server_is_slow_to_accept(store: Database, gathering: GatheringSmtp) -> None:
    """The reply to the final dot may take ten minutes (H32)."""
    queue(store, 1)
    gathering.together = 2

    async def run() -> None:
        async with lingering(store, gathering.port, 2) as delivery:
            await until_true(lambda: gathering.peers)
            one_more(store, delivery, 1)
            await until_accepted(store, 2)

    asyncio.run(run())
    assert 2 == len(set(gathering.peers))


def test_h95_a_relay_that_refuses_us_ends_the_run_at_once_though_a_connection_stands_open(
    store: Database, gathering: GatheringSmtp
) -> None:
    queue(store, 2)
    gathering.together = 2
    delivery = a_delivery(store, gathering.port, 2)
    delivery.linger_seconds = 60

    async def run() -> None:
        sending = asyncio.create_task(delivery.send_what_is_due())
        await until_accepted(store, 2)
        gathering.refusal = "530 5.7.0 authentication required"
        one_more(store, delivery, 2)
        await asyncio.wait_for(sending, 10)

    asyncio.run(run())
    assert isinstance(delivery.tally.problem, RelayRefusesUs)
    assert {LetterState.ACCEPTED: 2, LetterState.QUEUED: 1} == states(store)


class ImpatientSmtp(ScriptedSmtp):
    """An SMTP server that can end a connection over which nothing comes."""

    def end(self, words: str | None) -> None:
        """Say a last word, perhaps, and hang up."""
        if words:
            self._say(words)
        self.hang_up()


@pytest.mark.parametrize("words", [None, "421 4.4.2 idle for too long"])
def test_h31_a_letter_after_the_server_ended_the_idle_connection_goes_out_once_on_a_new_one(store: Database, words: str | None) -> None:
    queue(store, 1)

    async def run() -> None:
        async with lingering(store, server.port, 1) as delivery:
            await until_accepted(store, 1)
            server.end(words)
            one_more(store, delivery, 1)
            await until_accepted(store, 2)
            assert Tally(accepted=2) == delivery.tally

    with ImpatientSmtp() as server:
        asyncio.run(run())
    assert [2, 2] == [server.verbs.count("EHLO"), len(server.letters)]
