"""Running: a thread an inbox, delivery beside them, one instance a store; once, or until asked to end."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import random
from typing import Any

from mailbot.config import Config, Inbox, Smtp, read_secret
from mailbot.delivery import Delivery, Tally
from mailbot.desk import set_up_desk
from mailbot.errors import ConfigurationMistake, Problem, TemporaryFailure
from mailbot.imap import Address, Mailbox, MailServerAway
from mailbot.instance import Instance, StoreInUse
from mailbot.logs import log
from mailbot.rounds import Count, Round
from mailbot.smtp import Relay
from storage import outbox
from storage.database import StoreFailure
from storage.ledger import CursorMoved, cursor_of
from storage.outbox import Caps, LetterState

WAIT_FOR_THE_OTHER_SECONDS = 60
RENEW_SECONDS = 20
LONGEST_PAUSE_SECONDS = 900
FIRST_PAUSE_SECONDS = 1
PAUSE_AFTER_REFUSED_LOGIN_SECONDS = 300
"""Slow enough not to lock the account (H14)."""
END_WITHIN_SECONDS = 8


@dataclass(slots=True)
class Report:
    """What a run did and what went wrong, for the person or the service manager who started it."""

    counts: list[Count] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    problems: list[Problem] = field(default_factory=list)
    waiting: int = 0

    @property
    def exit_status(self) -> int:
        """Return the gravest status: a mistake of the configuration, else what a person must see, else what passes by itself."""
        statuses = {problem.exit_status for problem in self.problems}
        return next((status for status in (78, 1, 75) if status in statuses), 0)


class Works:
    """The running parts of one mailbot: its desk, its delivery and its lease."""

    def __init__(self, config: Config) -> None:
        """Open the store and read the secrets; raises ``ConfigurationMistake`` or ``StoreFailure`` with a sentence."""
        self._config = config
        self.relay = _relay(config.smtp)
        self.addresses = [(inbox, _address(inbox)) for inbox in config.inbox]
        self.desk = set_up_desk(config, lambda: datetime.now(UTC))
        limits = config.limits
        caps = Caps(limits.letters_per_address_a_day, limits.letters_per_domain_an_hour, limits.letters_an_hour)
        self.delivery = Delivery(self.desk.database, self.relay, caps, config.smtp.connections, self.desk.now)
        self.instance = Instance(self.desk.database)
        self.stop = threading.Event()
        self._told: set[tuple[str, str]] = set()

    async def once(self) -> Report:
        """Take in what is there, deliver what is due, end."""
        report = Report()
        try:
            if not await self._enter(asyncio.Event(), WAIT_FOR_THE_OTHER_SECONDS):
                raise StoreInUse("another mailbot works in this store; it was waited for in vain")
            await self._work_until_ended(report, [self._rounds_and_delivery(report), self._keep_lease()])
        finally:
            self.desk.database.close()
        report.problems += _what_a_person_must_see(report)
        return report

    async def for_ever(self) -> Report:
        """Work until SIGTERM or SIGINT; what is in hand is finished or rolled back within ten seconds (H36)."""
        report, loop, ending = Report(), asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ending.set)
        try:
            if await self._enter(ending, None):
                log.info("started", inboxes=len(self.addresses), policy=self.desk.policy.name, policy_version=self.desk.policy.version)
                keepers = [_in_thread(self._keep_inbox, inbox, address, loop) for inbox, address in self.addresses]
                await self._work_until_ended(report, [ending.wait(), self._keep_lease(), self._keep_delivering(), *keepers])
                log.info("stopped")
        finally:
            self.desk.database.close()
        return report

    async def _work_until_ended(self, report: Report, parts: Sequence[Awaitable[object]]) -> None:
        """Let all parts work until the first one ends; then end the others, and let the next mailbot in."""
        working = [asyncio.ensure_future(part) for part in parts]
        await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
        self.stop.set()
        for part in working:
            if isinstance(part, asyncio.Task):  # a thread ends by itself, when it sees ``stop``
                part.cancel()
        await asyncio.wait(working, timeout=END_WITHIN_SECONDS)
        await asyncio.to_thread(self.instance.leave)
        for part in working:
            if part.done() and not part.cancelled() and (error := part.exception()):
                report.problems.append(_as_problem(error))

    async def _enter(self, ending: asyncio.Event, most_seconds: float | None) -> bool:
        """Wait until no other instance works in this store; tell whether this one may."""
        waited = 0.0
        while not await asyncio.to_thread(self.instance.enter, self.desk.now()):
            if waited == 0:
                log.info("waiting_for_another_instance")
            if ending.is_set() or (most_seconds is not None and waited >= most_seconds):
                return False
            await asyncio.sleep(0.25)
            waited += 0.25
        return True

    async def _keep_lease(self) -> None:
        """Renew the lease. While the store is away nobody can take it, and nothing can be recorded without it."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await asyncio.to_thread(self.instance.stay, self.desk.now())
            except StoreFailure as failure:
                log.warning("lease_not_renewed", reason=str(failure))

    async def _rounds_and_delivery(self, report: Report) -> None:
        """Go a round over each inbox while letters are already delivered, then file away what was answered."""
        loop, all_in = asyncio.get_running_loop(), asyncio.Event()
        delivering = asyncio.create_task(self.delivery.send_what_is_due(until=all_in))
        rounds = [_in_thread(self._one_round, inbox, address, loop) for inbox, address in self.addresses]
        try:
            ended = await asyncio.gather(*rounds, return_exceptions=True)
            all_in.set()
            self.delivery.woken.set()
            await delivering
        finally:
            delivering.cancel()
        report.tally = self.delivery.tally
        report.problems += [_as_problem(each) for each in ended if isinstance(each, BaseException)]
        open_rounds: list[tuple[Round, Mailbox]] = [each for each in ended if not isinstance(each, BaseException)]
        for round_, mailbox in open_rounds:
            report.counts.append(round_.count)
            try:
                await _in_thread(_finish, round_, mailbox)
            except (Problem, StoreFailure) as error:
                report.problems.append(_as_problem(error))
        report.waiting = await asyncio.to_thread(self._count_waiting)

    def _one_round(self, inbox: Inbox, address: Address, loop: asyncio.AbstractEventLoop) -> tuple[Round, Mailbox]:
        mailbox = self._connect(inbox, address)
        try:
            round_ = self._round(inbox, mailbox, loop)
            round_.go(self.stop)
        except BaseException:
            mailbox.abandon()
            raise
        return round_, mailbox

    def _connect(self, inbox: Inbox, address: Address) -> Mailbox:
        """Open a connection; what the configuration asks of the server is checked before anything is taken in."""
        mailbox = Mailbox(address)
        try:
            mailbox.check_filing(inbox.filing, inbox.filing_name)
        except BaseException:
            mailbox.abandon()
            raise
        return mailbox

    def _round(self, inbox: Inbox, mailbox: Mailbox, loop: asyncio.AbstractEventLoop) -> Round:
        """Prepare a round, and tell what the server wants a person to read: once, unchanged (H16)."""
        for alert in mailbox.alerts:
            if (inbox.host, alert) not in self._told:
                self._told.add((inbox.host, alert))
                log.warning("server_alert", server=inbox.host, text=alert)
        return Round(self.desk, inbox, mailbox, lambda: _wake(loop, self.delivery.woken))

    def _keep_inbox(self, inbox: Inbox, address: Address, loop: asyncio.AbstractEventLoop) -> None:
        """Go rounds until the end: told by the server or by the clock; after a failure again, with growing pauses (H10-H14)."""
        patience = Patience()
        while not self.stop.is_set():
            try:
                self._stay_connected(inbox, address, loop, patience)
            except (Problem, StoreFailure, CursorMoved) as problem:
                if isinstance(problem, ConfigurationMistake) and not self._has_worked(inbox):
                    raise
                pause = patience.after(problem)
                log.warning("inbox_away", inbox_host=inbox.host, reason=str(problem), pause_seconds=round(pause))
                self.stop.wait(pause)

    def _has_worked(self, inbox: Inbox) -> bool:
        """Tell whether this inbox was read before, so that a refusal now is the server's change and not a first mistake."""
        with self.desk.database.read() as tx:
            return cursor_of(tx, inbox.address, inbox.folder) is not None

    def _stay_connected(self, inbox: Inbox, address: Address, loop: asyncio.AbstractEventLoop, patience: "Patience") -> None:
        """Hold one connection: a full round first, then another whenever the server tells of mail or the clock says so."""
        mailbox = self._connect(inbox, address)
        try:
            idles = mailbox.can_idle()
            while not self.stop.is_set():
                count = self._round(inbox, mailbox, loop).go(self.stop)
                patience.went_well()
                if count.messages:
                    log.info("round_done", messages=count.messages, requests=count.requests, held=count.held, shunted=count.shunted)
                if not mailbox.has_more():
                    _wait(mailbox, self.stop, inbox.poll_seconds, idles=idles)
                    mailbox.examine()
            mailbox.log_out()
        except BaseException:
            mailbox.abandon()
            raise

    async def _keep_delivering(self) -> None:
        """Send whatever falls due; while the relay or the store is away, look again with growing pauses."""
        patience = Patience()
        while True:
            try:
                await self.delivery.send_what_is_due()
                problem: Exception | None = self.delivery.tally.problem
                if problem is None:
                    patience.went_well()
                    await self._sleep_until_due()
                    continue
            except StoreFailure as failure:
                problem = failure
            pause = patience.after(problem)
            log.warning("delivery_away", reason=str(problem), pause_seconds=round(pause))
            await asyncio.sleep(pause)

    async def _sleep_until_due(self) -> None:
        following = await asyncio.to_thread(self._next_letter)
        seconds = (following - self.desk.now()).total_seconds() if following else float(LONGEST_PAUSE_SECONDS)
        try:
            async with asyncio.timeout(max(0.0, min(seconds, LONGEST_PAUSE_SECONDS))):
                await self.delivery.woken.wait()
        except TimeoutError:
            return

    def _next_letter(self) -> datetime | None:
        with self.desk.database.read() as tx:
            return outbox.next_moment(tx)

    def _count_waiting(self) -> int:
        with self.desk.database.read() as tx:
            states = outbox.count_by_state(tx)
        return states.get(LetterState.QUEUED, 0) + states.get(LetterState.DEFERRED, 0)


def _finish(round_: Round, mailbox: Mailbox) -> None:
    round_.file_away()
    mailbox.log_out()


def _wait(mailbox: Mailbox, stop: threading.Event, poll_seconds: float, *, idles: bool) -> None:
    """Wait for news, for the clock, or for the end."""
    if idles:
        mailbox.idle(poll_seconds, stop)
    else:
        stop.wait(poll_seconds)


def _wake(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(event.set)


def _in_thread(work: Callable[..., Any], *arguments: Any) -> "asyncio.Future[Any]":
    """Run blocking work in a daemon thread: unlike an executor's, it cannot keep the process from ending."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Any] = loop.create_future()

    def settle(set_outcome: Callable[[Any], None], outcome: Any) -> None:
        if not ended.done():
            set_outcome(outcome)

    def run() -> None:
        try:
            outcome = work(*arguments)
        except BaseException as error:  # noqa: BLE001 - handed to whoever awaits the future
            _soon(loop, settle, ended.set_exception, error)
        else:
            _soon(loop, settle, ended.set_result, outcome)

    threading.Thread(target=run, daemon=True, name="inbox").start()
    return ended


def _soon(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *arguments: Any) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(callback, *arguments)


class Patience:
    """How long to stay away after failures: as asked, else longer each time, with jitter, until something goes well (H13)."""

    def __init__(self) -> None:
        """Nothing has failed yet."""
        self._failures = 0

    def went_well(self) -> None:
        """Begin again with short pauses."""
        self._failures = 0

    def after(self, problem: Exception) -> float:
        """Return how many seconds to stay away after one more failure."""
        self._failures += 1
        if isinstance(problem, MailServerAway) and problem.wait_seconds is not None:
            return min(problem.wait_seconds, 4 * LONGEST_PAUSE_SECONDS)
        growing = min(FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures - 1, 20), LONGEST_PAUSE_SECONDS)
        if isinstance(problem, ConfigurationMistake):
            growing = max(growing, PAUSE_AFTER_REFUSED_LOGIN_SECONDS)
        return growing * (0.75 + 0.5 * random())  # noqa: S311 - jitter, not a secret


def _as_problem(error: BaseException) -> Problem:
    """Turn what ended a part into a sentence and a status; what is our own bug is raised."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, StoreFailure):
        return TemporaryFailure(str(error)) if error.transient else ConfigurationMistake(str(error))
    if isinstance(error, CursorMoved):
        return TemporaryFailure(str(error))
    raise error


def _what_a_person_must_see(report: Report) -> list[Problem]:
    """Put in sentences what did not end well although nothing broke."""
    tally, found = report.tally, []
    if tally.problem is not None:
        waiting = f"; {report.waiting} letters wait and are sent by a later run" if report.waiting else ""
        found.append(type(tally.problem)(f"{tally.problem}{waiting}"))
    elif tally.put_off:
        found.append(TemporaryFailure(f"{tally.put_off} letters were put off by the SMTP server and are tried again by a later run"))
    if tally.failed:
        found.append(Problem(f"{tally.failed} letters cannot be delivered: see `mailbot letters list`"))
    if tally.doubtful:
        found.append(Problem(f"{tally.doubtful} letters may or may not have been accepted: see `mailbot letters list`"))
    if shunted := sum(count.shunted for count in report.counts):
        found.append(Problem(f"{shunted} messages could not be read and were set aside for a person"))
    return found


def _relay(smtp: Smtp) -> Relay:
    password = read_secret(smtp.password_file, smtp.password_credential) if smtp.user else None
    ca_file = str(smtp.tls_ca_file) if smtp.tls_ca_file else None
    return Relay(smtp.host, smtp.port, smtp.tls, ca_file, smtp.user, password, smtp.timeout_seconds)


def _address(inbox: Inbox) -> Address:
    password = read_secret(inbox.password_file, inbox.password_credential)
    ca_file = str(inbox.tls_ca_file) if inbox.tls_ca_file else None
    return Address(inbox.host, inbox.port, inbox.tls, ca_file, inbox.user, password, inbox.folder, inbox.timeout_seconds)
