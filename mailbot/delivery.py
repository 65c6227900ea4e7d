"""Delivery: claim → mark → transmit → settle. Nothing is sent while mail is taken in; a letter is a row of the outbox first.

A few connections are kept open. What the connections have ready to mark or to settle at one moment shares a transaction.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import random
from typing import Generic, TypeVar

from mailbot.errors import Problem
from mailbot.logs import log
from mailbot.smtp import Connection, Relay, Reply, Verdict
from storage import ledger, outbox
from storage.database import Database
from storage.outbox import Caps, ClaimedLetter, LetterState, Settlement

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=4)
GIVEN_UP_AFTER = timedelta(days=5)  # RFC 5321, 4.5.4.1
LETTERS_A_CONNECTION = 4
"""How many letters are claimed ahead for each connection."""

Now = Callable[[], datetime]


@dataclass(slots=True)
class Tally:
    """What one run of delivery did."""

    accepted: int = 0
    put_off: int = 0
    failed: int = 0
    doubtful: int = 0
    problem: Problem | None = None


Item = TypeVar("Item")


class Together(Generic[Item]):
    """Collects what several tasks want written at one moment, and writes it in one transaction."""

    def __init__(self, write: Callable[[Sequence[Item]], None]) -> None:
        """``write`` blocks; it is called in a thread with all that came together."""
        self._write = write
        self._waiting: list[tuple[Item, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> None:
        """Return when ``item`` is durable."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._drain())
        await done

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(self._write, [item for item, _ in batch])
            except Exception as error:  # noqa: BLE001 - handed on to everyone who waits for it
                for _, done in batch:
                    if not done.cancelled():
                        done.set_exception(error)
            else:
                for _, done in batch:
                    if not done.cancelled():
                        done.set_result(None)


@dataclass(slots=True)
class Delivery:
    """Sends what the outbox holds, as far as the caps allow."""

    database: Database
    relay: Relay
    caps: Caps
    connections: int
    now: Now
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    tally: Tally = field(default_factory=Tally)

    def recover(self) -> None:
        """Put in order what a death left behind: before anything else is claimed."""
        with self.database.write() as tx:
            again, doubtful = outbox.recover(tx)
        if again or doubtful:
            log.warning("deliveries_interrupted", queued_again=again, doubtful=doubtful)

    async def send_what_is_due(self, *, until: asyncio.Event | None = None) -> None:
        """Send until nothing is due now; with ``until``, wait for more until it is set."""
        if self.tally.problem is not None:
            self.tally.problem = None
        letters: asyncio.Queue[ClaimedLetter | None] = asyncio.Queue(self.connections * LETTERS_A_CONNECTION)
        marks, settlements = Together(self._mark), Together(self._settle)
        async with asyncio.TaskGroup() as group:
            for _ in range(self.connections):
                group.create_task(self._carry(letters, marks, settlements))
            await self._claim_into(letters, until)
            for _ in range(self.connections):
                await letters.put(None)

    async def _claim_into(self, letters: "asyncio.Queue[ClaimedLetter | None]", until: asyncio.Event | None) -> None:
        while self.tally.problem is None:
            self.woken.clear()
            last_look = until is None or until.is_set()
            claimed = await asyncio.to_thread(self._claim)
            for letter in claimed:
                await letters.put(letter)
            if claimed:
                continue
            if last_look:
                return
            await self._wait_for_more(until)

    async def _wait_for_more(self, until: asyncio.Event | None) -> None:
        waits = [asyncio.create_task(event.wait()) for event in (self.woken, until) if event is not None]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _carry(self, letters: "asyncio.Queue[ClaimedLetter | None]", marks: Together[int], settlements: Together[Settlement]) -> None:
        """Take letters off the queue and hand them over on one connection, opened again when it is lost."""
        connection: Connection | None = None
        written: set[asyncio.Task[None]] = set()
        while (letter := await letters.get()) is not None:
            if self.tally.problem is not None:
                await settlements.add(self._put_off(letter, "", counted=False))
                continue
            try:
                connection, reply = await self._hand_over(connection, letter, marks)
            except Problem as problem:
                self.tally.problem = problem
                await settlements.add(self._put_off(letter, "", counted=False))
                continue
            task = asyncio.create_task(settlements.add(self._settlement(letter, reply)))
            written.add(task)
            task.add_done_callback(written.discard)
        if connection is not None:
            await connection.close()
        if written:
            await asyncio.gather(*written)

    async def _hand_over(self, connection: Connection | None, letter: ClaimedLetter, marks: Together[int]) -> tuple[Connection, Reply]:
        was_open = connection is not None and connection.is_open
        if connection is None or not connection.is_open:
            connection = Connection(self.relay)
            await connection.open()
        reply = await connection.hand_over(letter.envelope_sender, letter.recipient, letter.content, lambda: marks.add(letter.id))
        if reply.verdict is Verdict.AWAY and was_open:  # the server had closed an idle connection: nothing was said, so say it again
            await connection.close()
            return await self._hand_over(None, letter, marks)
        return connection, reply

    def _settlement(self, letter: ClaimedLetter, reply: Reply) -> Settlement:
        match reply.verdict:
            case Verdict.ACCEPTED:
                self.tally.accepted += 1
                return Settlement(letter.id, LetterState.ACCEPTED, reply.code)
            case Verdict.REFUSED:
                self.tally.failed += 1
                log.warning("letter_refused", letter=letter.id, code=reply.code)
                return Settlement(letter.id, LetterState.FAILED, reply.code)
            case Verdict.UNKNOWN:
                self.tally.doubtful += 1
                log.warning("letter_doubtful", letter=letter.id)
                return Settlement(letter.id, LetterState.DOUBTFUL, "the connection broke while sending")
            case Verdict.LATER | Verdict.AWAY:
                return self._put_off(letter, reply.code, counted=True)

    def _put_off(self, letter: ClaimedLetter, code: str, *, counted: bool) -> Settlement:
        """Try again later with growing pauses (RFC 5321, 4.5.4.1), or give up after five days."""
        now = self.now()
        if now - letter.queued_at > GIVEN_UP_AFTER:
            self.tally.failed += 1
            log.warning("letter_given_up", letter=letter.id, code=code)
            return Settlement(letter.id, LetterState.FAILED, f"given up after {GIVEN_UP_AFTER.days} days {code}".strip())
        self.tally.put_off += 1
        log.info("letter_deferred", letter=letter.id, code=code)
        pause = min(FIRST_PAUSE * 2**letter.attempts, LONGEST_PAUSE) * (0.8 + 0.4 * random()) if counted else timedelta(0)  # noqa: S311 - jitter
        return Settlement(letter.id, LetterState.QUEUED, code or "the relay is away", now + pause)

    def _claim(self) -> tuple[ClaimedLetter, ...]:
        with self.database.write() as tx:
            return outbox.claim(tx, self.connections * LETTERS_A_CONNECTION, self.caps, self.now())

    def _mark(self, ids: Sequence[int]) -> None:
        with self.database.write() as tx:
            outbox.mark(tx, ids, self.now())

    def _settle(self, ended: Sequence[Settlement]) -> None:
        with self.database.write() as tx:
            outbox.settle(tx, ended, self.now())
            ledger.file_answered(tx, [each.id for each in ended if each.state is LetterState.ACCEPTED])
