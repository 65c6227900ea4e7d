"""Many letters, many connections, and a relay or a process that fails in between: each letter arrives once, or is known to be doubtful."""

import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mailbot.delivery import END_WITHIN_SECONDS, Delivery, Tally
from mailbot.smtp import Relay
from storage import outbox
from storage.database import Database, open_database
from storage.outbox import LetterState
from tests.servers import LOOPBACK, CapturingSmtp, Postgresql, SmtpSink
from tests.storage.stock import NO_CAPS, NOW, a_letter

MANY = 500


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    """Return an empty store on SQLite."""
    database = open_database(f"sqlite:///{tmp_path}/mailbot.db")
    yield database
    database.close()


def queue(store: Database, count: int) -> list[str]:
    """Queue letters and return to whom."""
    new = [a_letter(number) for number in range(count)]
    with store.write() as tx:
        outbox.queue(tx, new, NOW)
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
