"""Delivery: claim → mark → transmit → settle. Nothing is sent while mail is taken in; a letter is a row of the outbox first.

A few connections are kept open. What they have ready to mark or to settle at one moment shares a transaction.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import random
from typing import Any

from sqlalchemy import Connection as Transaction

from mailbot.errors import Problem
from mailbot.letters import without_code
from mailbot.logs import log
from mailbot.smtp import Connection, Relay, RelayAway, Reply, Verdict
from storage import ledger, outbox
from storage.database import Database
from storage.outbox import Caps, ClaimedLetter, LetterState, Settlement

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=4)
DOUBLINGS = 8  # the last one passes LONGEST_PAUSE
GIVEN_UP_AFTER = timedelta(days=5)  # RFC 5321, 4.5.4.1

CLAIMED_TOGETHER = 64
"""At least the most connections that the configuration allows."""
CLAIM_WHEN_LEFT = 16

MOST_FRUITLESS = 3
"""So many letters in a row, on whatever connections, that the server let go by hanging up: it is as good as away."""

GATHERED_SECONDS = 0.0005
"""How long the first mark waits for those of the other connections: half the transactions, and half the work of this file."""

SETTLED_WITHIN_SECONDS = 0.005
"""How long a settlement waits for a mark to share a transaction with. A letter that is killed meanwhile is doubtful, so not long."""

END_WITHIN_SECONDS = 5.0
"""How long letters in transmission are waited for when we are asked to end (H36)."""

NOT_TRIED = "the SMTP server took no letters"

Now = Callable[[], datetime]


@dataclass(slots=True)
class Tally:
    """What delivery did since it was made, and what stopped its last run."""

    accepted: int = 0
    put_off: int = 0
    failed: int = 0
    doubtful: int = 0
    problem: Problem | None = None


@dataclass(slots=True)
class Delivery:
    """Sends what the outbox holds, as far as the caps allow."""

    database: Database
    relay: Relay
    caps: Caps
    connections: int
    now: Now
    went_on: Callable[[], None] = lambda: None
    """Called after each letter, however it ended."""
    linger_seconds: float = 0.0
    """How long connections are kept open when nothing is due: the next letter need not wait for a new one."""
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    tally: Tally = field(default_factory=Tally)
    unwritten: list[Settlement] = field(default_factory=list)
    """How tries ended, as far as a failing store did not take it: the next run writes it, before it calls a letter doubtful."""

    def recover(self) -> None:
        """Put in order what a death, a failed store, a wrong clock or the end of our time left behind: before anything else is claimed."""
        with self.database.write() as tx:
            self._settle(tx, self.unwritten)
            again, doubtful = outbox.recover(tx)
            early = outbox.bring_forward(tx, self.now())
        self.unwritten.clear()
        self.tally.doubtful += doubtful
        if again or doubtful:
            log.warning("deliveries_interrupted", queued_again=again, doubtful=doubtful)
        if early:
            log.warning("clock_was_ahead", letters=early)

    async def send_what_is_due(self, *, until: asyncio.Event | None = None) -> None:
        """Send until nothing is due now; with ``until``, wait for more until it is set.

        What keeps the relay from taking letters is left in ``tally.problem``; a failure of the store is raised.
        When cancelled, letters in transmission are finished if that is soon, and the others are queued again.
        """
        self.tally.problem = None
        await asyncio.to_thread(self.recover)
        journal = Journal(self._write)
        writing = asyncio.create_task(journal.keep())
        try:
            await _Run(self, journal).go(until)
        finally:
            journal.close()
            try:
                await writing
            finally:
                self.unwritten += journal.unwritten

    def claim(self) -> tuple[ClaimedLetter, ...]:
        """Take the next letters."""
        with self.database.write() as tx:
            return outbox.claim(tx, CLAIMED_TOGETHER, self.caps, self.now())

    def _write(self, marked: Sequence[ClaimedLetter], ended: Sequence[Settlement]) -> None:
        with self.database.write() as tx:
            self._settle(tx, ended)
            if marked:
                outbox.mark(tx, marked, self.now())

    def _settle(self, tx: Transaction, ended: Sequence[Settlement]) -> None:
        outbox.settle(tx, ended, self.now())
        if accepted := [each.letter.id for each in ended if each.state is LetterState.ACCEPTED]:
            ledger.file_answered(tx, accepted)


class Journal:
    """Writes marks and settlements: all that came together while the last transaction was written share the next one."""

    def __init__(self, write: Callable[[Sequence[ClaimedLetter], Sequence[Settlement]], None]) -> None:
        """``write`` blocks; it is called in a thread."""
        self._write = write
        self._marks: list[tuple[ClaimedLetter, asyncio.Future[None]]] = []
        self.unwritten: list[Settlement] = []
        """How tries ended, as far as it is not written yet."""
        self._wanted = asyncio.Event()
        self._patience: asyncio.TimerHandle | None = None
        self._closed = False
        self._failure: Exception | None = None

    async def mark(self, letter: ClaimedLetter) -> None:
        """Return when it is durable that the letter is about to be transmitted."""
        if self._failure is not None:
            raise self._failure
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._marks.append((letter, durable))
        self._wanted.set()
        try:
            await durable
        except asyncio.CancelledError:  # what is written of the letter from now on is how it ended
            self._marks = [each for each in self._marks if each[1] is not durable]
            raise

    def settle(self, settlement: Settlement) -> None:
        """Have it written with the next marks, or alone if none follow at once."""
        if not self.unwritten:
            self._patience = asyncio.get_running_loop().call_later(SETTLED_WITHIN_SECONDS, self._wanted.set)
        self.unwritten.append(settlement)

    def close(self) -> None:
        """Let ``keep`` end when everything is written."""
        self._closed = True
        self._wanted.set()

    async def keep(self) -> None:
        """Write until closed; a failure is told to all who wait, and raised."""
        while self._marks or self.unwritten or not self._closed:
            await self._wanted.wait()
            await asyncio.sleep(GATHERED_SECONDS)
            self._wanted.clear()
            if self._marks or self.unwritten:
                await self._write_down()

    async def _write_down(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
        marks, self._marks = self._marks, []
        ended, self.unwritten = self.unwritten, []
        try:
            await asyncio.to_thread(self._write, [letter for letter, _ in marks], ended)
        except Exception as error:
            self._failure = error
            self.unwritten = ended + self.unwritten
            for _, durable in marks + self._marks:
                if not durable.done():
                    durable.set_exception(error)
            raise
        for _, durable in marks:
            if not durable.done():  # else its connection was cancelled meanwhile
                durable.set_result(None)


class _Run:
    """One run: letters are claimed ahead and carried by the connections to the relay."""

    def __init__(self, delivery: Delivery, journal: Journal) -> None:
        self._delivery = delivery
        self._journal = journal
        self._tally = delivery.tally
        self._connections = [Connection(delivery.relay) for _ in range(delivery.connections)]
        self._carriers: list[asyncio.Task[None]] = []
        self._letters: asyncio.Queue[ClaimedLetter | None] = asyncio.Queue()
        self._running_out = asyncio.Event()
        self._opening = asyncio.Lock()
        self._idle = 0
        self._fruitless = 0

    async def go(self, until: asyncio.Event | None) -> None:
        """Carry letters until none is due; a failure is raised as it is, not in a group."""
        try:
            async with asyncio.TaskGroup() as group:
                try:
                    await self._claim_ahead(group, until)
                    await self._letters.join()
                except asyncio.CancelledError:
                    self._put_back_what_is_left()
                    self._dismiss_carriers()
                    if self._carriers:
                        await asyncio.wait(self._carriers, timeout=END_WITHIN_SECONDS)
                    raise
                self._dismiss_carriers()
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _claim_ahead(self, group: asyncio.TaskGroup, until: asyncio.Event | None) -> None:
        while self._tally.problem is None:
            self._delivery.woken.clear()
            last_look = until is None or until.is_set()
            claimed = await asyncio.to_thread(self._delivery.claim)
            for letter in claimed:
                self._letters.put_nowait(letter)
            self._hire(group)
            if claimed:
                self._running_out.clear()
                await self._running_out.wait()
            elif until is None or last_look:
                if not await self._linger():
                    return
            else:
                await _first_of(self._delivery.woken.wait(), until.wait())

    def _hire(self, group: asyncio.TaskGroup) -> None:
        """Have as many connections carry letters as there is work for; one that waits for the server's reply takes no more."""
        wanted = max(0, self._letters.qsize() - self._idle)
        for connection in self._connections[len(self._carriers) :][:wanted]:
            self._carriers.append(group.create_task(self._carry(connection)))

    async def _linger(self) -> bool:
        """Wait for more while letters are in hand, then a while longer if a connection stands open; tell whether there is more to send."""
        woken = self._delivery.woken
        if self._delivery.linger_seconds:
            await _first_of(woken.wait(), self._letters.join())
            if self._tally.problem is None and any(each.is_open for each in self._connections):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._delivery.linger_seconds):
                        await woken.wait()
        return woken.is_set()

    async def _carry(self, connection: Connection) -> None:
        """Take letters and hand them over on one connection, opened again when it is lost."""
        try:
            while (letter := await self._next()) is not None:
                if self._letters.qsize() <= CLAIM_WHEN_LEFT:
                    self._running_out.set()
                goes_on = await self._try(connection, letter)
                self._letters.task_done()
                if not goes_on:
                    return
            await connection.close()
        finally:
            connection.drop()

    async def _next(self) -> ClaimedLetter | None:
        self._idle += 1
        try:
            return await self._letters.get()
        finally:
            self._idle -= 1

    async def _try(self, connection: Connection, letter: ClaimedLetter) -> bool:
        """Try one letter and settle it; tell whether the connection is of further use."""
        if self._tally.problem is not None:
            self._journal.settle(self._put_back(letter))
            return True
        try:
            reply = await self._hand_over(connection, letter)
        except asyncio.CancelledError:
            if not connection.letter_begun:
                self._journal.settle(self._put_back(letter))
            raise
        except Problem as problem:
            if isinstance(problem, RelayAway) and any(other.is_open for other in self._connections):
                self._letters.put_nowait(letter)  # the server wants fewer connections than we may open: the others carry on
                return False
            self._tally.problem = problem
            self._journal.settle(self._put_back(letter))
            return True
        self._journal.settle(self._settlement(letter, reply))
        self._delivery.went_on()
        return True

    async def _hand_over(self, connection: Connection, letter: ClaimedLetter) -> Reply:
        """Hand over on the connection as it stands; if it turns out to be lost with nothing said, on a new one."""
        mark = partial(self._journal.mark, letter)
        if connection.is_open:
            reply = await connection.hand_over(letter.envelope_sender, letter.recipient, letter.content, mark)
            if reply.verdict is not Verdict.AWAY:
                return reply
        async with self._opening:  # one at a time: a login that is refused is refused once, not on every connection
            if self._tally.problem is not None:
                raise self._tally.problem
            await connection.open()
        return await connection.hand_over(letter.envelope_sender, letter.recipient, letter.content, mark)

    def _settlement(self, letter: ClaimedLetter, reply: Reply) -> Settlement:
        self._fruitless = self._fruitless + 1 if reply.verdict is Verdict.AWAY else 0
        if self._fruitless == MOST_FRUITLESS:
            relay = self._delivery.relay
            self._tally.problem = RelayAway(f"the SMTP server {relay.host}:{relay.port} ends connections before it takes a letter")
        match reply.verdict:
            case Verdict.ACCEPTED:
                self._tally.accepted += 1
                return Settlement(letter, LetterState.ACCEPTED, reply.code, kept=without_code(letter.content))
            case Verdict.REFUSED:
                self._tally.failed += 1
                log.warning("letter_refused", letter=letter.id, code=reply.code)
                return Settlement(letter, LetterState.FAILED, reply.code)
            case Verdict.UNKNOWN:
                self._tally.doubtful += 1
                log.warning("letter_doubtful", letter=letter.id)
                return Settlement(letter, LetterState.DOUBTFUL, "the connection broke while sending")
            case Verdict.LATER | Verdict.AWAY:
                return self._put_off(letter, reply.code or "the connection broke")

    def _put_off(self, letter: ClaimedLetter, reply: str) -> Settlement:
        """Try again after a pause, unless that went on for too long."""
        if (given_up := self._given_up(letter, reply)) is not None:
            return given_up
        self._tally.put_off += 1
        log.info("letter_deferred", letter=letter.id, code=reply)
        return Settlement(letter, LetterState.QUEUED, reply, self._delivery.now() + _pause(letter.attempts))

    def _put_back(self, letter: ClaimedLetter) -> Settlement:
        """Return it to its old place in the queue: nothing was tried with this letter."""
        waits = Settlement(letter, LetterState.QUEUED, NOT_TRIED, letter.queued_at, was_tried=False)
        return self._given_up(letter, NOT_TRIED) or waits

    def _given_up(self, letter: ClaimedLetter, reply: str) -> Settlement | None:
        """End the tries after five days; but not with the first one, however long the caps held the letter."""
        if not letter.was_due_before or self._delivery.now() - letter.queued_at <= GIVEN_UP_AFTER:
            return None
        self._tally.failed += 1
        log.warning("letter_given_up", letter=letter.id, code=reply)
        return Settlement(letter, LetterState.FAILED, f"given up after {GIVEN_UP_AFTER.days} days: {reply}")

    def _put_back_what_is_left(self) -> None:
        while not self._letters.empty():
            if (letter := self._letters.get_nowait()) is not None:
                self._journal.settle(self._put_back(letter))

    def _dismiss_carriers(self) -> None:
        for _ in self._carriers:
            self._letters.put_nowait(None)


async def _first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait until one of them has ended, and end the others."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def _pause(attempts: int) -> timedelta:
    """Return a pause that doubles from try to try, with jitter (RFC 5321, 4.5.4.1)."""
    growing = min(FIRST_PAUSE * (1 << min(attempts, DOUBLINGS)), LONGEST_PAUSE)
    return growing * (0.8 + 0.4 * random())  # noqa: S311 - jitter, not a secret
