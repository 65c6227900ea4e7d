"""Running: a thread an inbox, delivery and the schedule beside them, one instance a store; once, or until asked to end."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

from mailbot import proof
from mailbot.alarms import Alarms
from mailbot.clock import ClockWatch, seconds_since_boot
from mailbot.commands import CLOSED_WITHIN_SECONDS, problems_of, run_due
from mailbot.config import Config, Inbox, System, secret_of
from mailbot.delivery import Delivery
from mailbot.desk import set_up_desk
from mailbot.digest import digest_order
from mailbot.errors import ConfigurationMistake, Problem
from mailbot.faults import Signs
from mailbot.heartbeat import keep_beating
from mailbot.imap import Address, Mailbox
from mailbot.instance import Instance, StoreInUse
from mailbot.logs import log, where
from mailbot.notify import status, tell, watchdog_seconds
from mailbot.patience import Patience, Pauses
from mailbot.pulse import Pulse
from mailbot.recounting import recount
from mailbot.relays import relay_of
from mailbot.report import Report, as_problem, what_a_person_must_see
from mailbot.retention import retention_order
from mailbot.rounds import Round
from mailbot.smtp import LONGEST_EXCHANGE_SECONDS, Relay
from mailbot.threads import in_thread, soon
from mailbot.wakeful import Wakeful, attempted
from mailbot.watch import Watch
from storage import outbox
from storage.database import StoreFailure
from storage.outbox import Caps, LetterState

WAIT_FOR_THE_OTHER_SECONDS = 60
RENEW_SECONDS = 20
TELL_EVERY_SECONDS = 10.0
UNWATCHED_SECONDS = 180
"""The watchdog's interval where no service manager names one."""
END_WITHIN_SECONDS = 7
LEAVE_WITHIN_SECONDS = 1.5
LINGER_SECONDS = 20.0
"""How long the daemon keeps a connection to the relay when it has nothing more to say."""
STORE_ANSWERS_WITHIN_SECONDS = 10.0
DELIVERY, SCHEDULE, LEASE, ALARMS = "delivery", "schedule", "lease", "alarms"


def utc_now() -> datetime:
    """Return the moment. All of mailbot reads the clock here, or is given another."""
    return datetime.now(UTC)


class Works:
    """The running parts of one mailbot: its desk, its watches, its delivery and its lease."""

    def __init__(
        self,
        config: Config,
        now: Callable[[], datetime] = utc_now,
        pauses: Pauses | None = None,
        ticks: Callable[[], float] = seconds_since_boot,
    ) -> None:
        """Open the store and read the secrets; raises ``ConfigurationMistake`` or ``StoreFailure`` with a sentence.

        ``now`` is the wall clock, and ``ticks`` the one that nobody sets: whoever passes one in passes in both.
        """
        self._config = config
        self._pauses = pauses or Pauses()
        self.pulse = Pulse((watchdog_seconds() or UNWATCHED_SECONDS) / 3)
        order = digest_order(config)
        self.relay = self._relay()
        self.stop = threading.Event()
        self.desk = set_up_desk(config, now)
        limits = config.limits
        caps = Caps(limits.letters_per_address_a_day, limits.letters_per_domain_an_hour, limits.letters_an_hour)
        self.delivery = Delivery(self.desk.database, self.relay, caps, config.smtp.connections, now, self._beat_delivery)
        folders = {
            inbox.address: frozenset(each.folder for each in config.inbox if each.address == inbox.address) for inbox in config.inbox
        }
        self.watches = [
            Watch(self.desk, inbox, self.stop, self._letters_wait, partial(self.pulse.beat, part), self._pauses, folders[inbox.address])
            for part, inbox in zip(_parts(config.inbox), config.inbox, strict=True)
        ]
        self.commanded = [system for system in config.system if system.mode == "command"]
        self.instance = Instance(self.desk.database)
        clock = ClockWatch(self.desk.database, self.desk.zone, timedelta(minutes=config.alarm.alert_after), ticks)
        self.wakeful = Wakeful(
            self.desk,
            order,
            retention_order(config),
            clock,
            all_read=lambda: all(watch.has_gone_round for watch in self.watches),
            beat=partial(self.pulse.beat, SCHEDULE),
            letters_wait=self._letters_wait,
            kept=config.retention,
            began=now(),
        )
        self.alarms = Alarms(self.desk, config, order, self._signs, self._pauses)
        self._why_no_letters = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._at_first = "starts"

    @property
    def addresses(self) -> list[tuple[Inbox, Address]]:
        """Return where each inbox is."""
        return [(watch.inbox, watch.address) for watch in self.watches]

    async def once(self) -> Report:
        """Take in what is there, deliver what is due, end."""
        report, self._loop = Report(), asyncio.get_running_loop()
        try:
            if not await self._enter(asyncio.Event(), WAIT_FOR_THE_OTHER_SECONDS):
                raise StoreInUse("another mailbot works in this store; it was waited for in vain")
            await self._work_until_ended(report, [self._rounds_and_delivery(report), self._keep_lease()])
        finally:
            self.desk.database.close()
        report.problems += what_a_person_must_see(report)
        return report

    async def for_ever(self, ending: asyncio.Event | None = None) -> Report:
        """Work until ``ending`` is set, SIGTERM or SIGINT; what is in hand is finished or rolled back within ten seconds (H36)."""
        report, self._loop, ending = Report(), asyncio.get_running_loop(), ending or asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, ending.set)
        telling, until_ended = asyncio.create_task(self._keep_telling()), ExitStack()
        try:
            if await self._enter(ending, None):
                self.delivery.linger_seconds = LINGER_SECONDS
                log.info("started", inboxes=len(self.watches), policy=self.desk.policy.name, policy_version=self.desk.policy.version)
                tell("READY=1", status("works"))
                self._serve_metrics(until_ended)
                keepers = [in_thread(watch.keep) for watch in self.watches]
                runners = [self._keep_carrying_out(system) for system in self.commanded]
                own = [self._keep_lease(), self._keep_delivering(), self._keep_schedule(), self._keep_alarms(), self._keep_heartbeat()]
                await self._work_until_ended(report, [ending.wait(), *own, *runners, *keepers])
                log.info("stopped")
            else:
                tell("STOPPING=1")
        finally:
            telling.cancel()
            until_ended.close()
            self.desk.database.close()
        return report

    async def _work_until_ended(self, report: Report, parts: Sequence[Awaitable[object]]) -> None:
        """Let all parts work until the first one ends; then end the others, and let the next mailbot in."""
        working = [asyncio.ensure_future(part) for part in parts]
        await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
        tell("STOPPING=1")
        self.stop.set()
        for part in working:
            if isinstance(part, asyncio.Task):  # a thread ends by itself, when it sees ``stop``
                part.cancel()
        await asyncio.wait(working, timeout=END_WITHIN_SECONDS)
        try:
            async with asyncio.timeout(LEAVE_WITHIN_SECONDS):
                await in_thread(self.instance.leave)
        except (StoreFailure, TimeoutError) as failure:  # the lease lapses by itself, and whoever comes next sees that its holder is dead
            log.warning("lease_not_given_up", reason=str(failure))
        for part in working:
            if part.done() and not part.cancelled() and (error := part.exception()):
                report.problems.append(as_problem(error))

    async def _enter(self, ending: asyncio.Event, most_seconds: float | None) -> bool:
        """Wait until no other instance works in this store; tell whether this one may."""
        waited = 0.0
        while not await asyncio.to_thread(self.instance.enter, self.desk.now()):
            if waited == 0:
                log.info("waiting_for_another_instance")
                self._at_first = "waits: another mailbot works in this store"
                tell("READY=1", status(self._at_first))
            if ending.is_set() or (most_seconds is not None and waited >= most_seconds):
                return False
            await asyncio.sleep(0.25)
            waited += 0.25
        return True

    async def _keep_lease(self) -> None:
        """Renew the lease. While the store is away nobody can take it, and nothing can be recorded without it."""
        while True:
            self.pulse.beat(LEASE, RENEW_SECONDS, "held")
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await asyncio.to_thread(self.instance.stay, self.desk.now())
            except StoreFailure as failure:
                log.warning("lease_not_renewed", reason=str(failure))

    async def _keep_telling(self) -> None:
        """Tell the service manager that all parts go round; while one hangs, say nothing, and be started anew (H108)."""
        every = min(TELL_EVERY_SECONDS, (watchdog_seconds() or TELL_EVERY_SECONDS) / 3)
        while True:
            if late := self.pulse.late():
                log.error("hangs", parts=late)
                tell(status(f"hangs: {', '.join(late)}"))
            else:
                tell("WATCHDOG=1", status(self.pulse.words() or self._at_first))
            await asyncio.sleep(every)

    async def _rounds_and_delivery(self, report: Report) -> None:
        """Go a round over each inbox while letters are already delivered, then file away what was answered."""
        await asyncio.to_thread(attempted, "recounting", partial(recount, self.desk), self.desk.now())
        all_in = asyncio.Event()
        delivering = asyncio.create_task(self.delivery.send_what_is_due(until=all_in))
        try:
            ended = await asyncio.gather(*(in_thread(watch.once) for watch in self.watches), return_exceptions=True)
            await self._carry_out(report)
            told = await asyncio.gather(asyncio.to_thread(self._tell_at_once), return_exceptions=True)
            all_in.set()
            self.delivery.woken.set()
            await delivering
        finally:
            delivering.cancel()
        report.tally = self.delivery.tally
        report.problems += [as_problem(each) for each in (*ended, *told) if isinstance(each, BaseException)]
        report.problems += [problem for watch in self.watches for problem in watch.problems]
        report.counts += [count for watch in self.watches for count in watch.counts]
        open_rounds: list[tuple[Round, Mailbox]] = [each for each in ended if not isinstance(each, BaseException)]
        for round_, mailbox in open_rounds:
            try:
                await in_thread(_finish, round_, mailbox)
            except (Problem, StoreFailure) as error:
                report.problems.append(as_problem(error))
        await asyncio.to_thread(attempted, "proof", partial(proof.enter, self.desk), self.desk.now())
        report.waiting = await asyncio.to_thread(self._count_waiting)

    async def _keep_delivering(self) -> None:
        """Send whatever falls due; while the relay or the store is away, look again with growing pauses."""
        patience = Patience(self._pauses)
        while True:
            self._beat_delivery()
            accepted = self.delivery.tally.accepted
            try:
                self.delivery.relay = self._relay()  # the password is read anew: it may have been changed after a refused login
                await self.delivery.send_what_is_due()
                problem: Exception | None = self.delivery.tally.problem
                self._why_no_letters = str(problem or "")
                if problem is None:
                    patience.went_well()
                    await self._sleep_until_due()
                    continue
            except (StoreFailure, ConfigurationMistake) as failure:
                problem = failure
                self._why_no_letters = str(failure)
            if self.delivery.tally.accepted > accepted:  # it takes some, and then wants us to wait: no reason to wait ever longer
                patience.went_well()
            pause = patience.after(problem)
            log.warning("delivery_away", reason=str(problem), pause_seconds=round(pause))
            self.pulse.beat(DELIVERY, pause, f"away, {problem}")
            await asyncio.sleep(pause)

    async def _sleep_until_due(self) -> None:
        longest = self._pauses.longest
        following = await asyncio.to_thread(self.wakeful.next_letter)
        seconds = (following - self.desk.now()).total_seconds() if following else longest
        self.pulse.beat(DELIVERY, longest, "waits for letters")
        try:
            async with asyncio.timeout(max(0.0, min(seconds, longest))):
                await self.delivery.woken.wait()
        except TimeoutError:
            return

    async def _carry_out(self, report: Report) -> None:
        """Run what the commands of other systems have to do, all systems beside each other."""
        ended = await asyncio.gather(*(run_due(self.desk, system) for system in self.commanded), return_exceptions=True)
        for system, carried in zip(self.commanded, ended, strict=True):
            report.problems += [as_problem(carried)] if isinstance(carried, BaseException) else problems_of(system, carried)

    async def _keep_carrying_out(self, system: System) -> None:
        """Run again and again what is due in one system: whether it fails or hangs, nothing else waits for it."""
        part, pause = f"system {system.name}", self._pauses.between_looks
        going_on = partial(self.pulse.beat, part, system.timeout_seconds + CLOSED_WITHIN_SECONDS, "carries out")
        while True:
            doing = "waits for tasks"
            try:
                if (await run_due(self.desk, system, going_on)).done:
                    self._letters_wait()
            except (StoreFailure, Problem) as failure:
                log.warning("tasks_not_carried_out", system=system.name, reason=str(failure))
                doing = f"away, {failure}"
            except Exception as error:  # noqa: BLE001 - our bug: the claim lapses, the task is run again, and all else goes on
                log.error("tasks_failed", system=system.name, **where(error))
                doing = "stopped by a fault of mailbot itself"
            self.pulse.beat(part, pause, doing)
            await asyncio.sleep(pause)

    async def _keep_schedule(self) -> None:
        """Wake, again and again, what asks the store whether something is due today."""
        from mailbot.schedule import wake_again_and_again  # here, because it costs 60 ms and one round needs no schedule

        self.pulse.beat(SCHEDULE, self._pauses.between_looks, "starts")
        await wake_again_and_again(partial(self.wakeful.look, self._pauses.between_looks), self._pauses.between_looks)

    async def _keep_alarms(self) -> None:
        """Look, again and again, whether something is wrong: beside the schedule, which may be what hangs."""
        await self.alarms.keep(partial(self.pulse.beat, ALARMS), self._pauses.between_looks)

    def _signs(self) -> Signs:
        """Say what of the faults only the running parts know."""
        away = {(watch.inbox.address, watch.inbox.folder): watch.away for watch in self.watches if watch.away}
        return Signs(away, self._why_no_letters, self.pulse.late(), self.wakeful.undone)

    async def _keep_heartbeat(self) -> None:
        """Let others hear that mailbot lives, if they are to; not in the first minute, so that one that dies at once is missed."""
        alarm = self._config.alarm
        if alarm.heartbeat_command or alarm.heartbeat_url:
            await asyncio.sleep(3 * self._pauses.between_looks)
            await keep_beating(alarm.heartbeat_command, alarm.heartbeat_url, self._is_well, 60.0 * alarm.heartbeat_minutes)
        await asyncio.Event().wait()  # a part that ends would end the others

    async def _is_well(self) -> bool:
        """Tell whether no part is late and the store answers."""
        if self.pulse.late():
            return False
        try:
            async with asyncio.timeout(STORE_ANSWERS_WITHIN_SECONDS):
                await in_thread(self.wakeful.next_letter)
        except (StoreFailure, TimeoutError):
            return False
        return True

    def _serve_metrics(self, until: ExitStack) -> None:
        """Serve metrics if a port is configured. That somebody else has it is told, and is no reason to break the promise."""
        port = self._config.alarm.metrics_port
        if not port:
            return
        from mailbot.metrics import Figures, serve

        try:
            until.callback(serve(port, Figures(self.desk, self.wakeful.order, self.pulse.late)))
        except OSError as error:
            log.warning("metrics_not_served", port=port, reason=(error.strerror or "unknown error").lower())

    def _tell_at_once(self) -> None:
        """Do what one round does beside mail. Whoever started it answers for the clock."""
        self.wakeful.clock_is_even = True
        self.wakeful.obey_staff(self.desk.now())
        self.wakeful.tell_at_once(self.desk.now())

    def _letters_wait(self) -> None:
        """Wake delivery, from whatever thread."""
        if self._loop is not None:
            soon(self._loop, self.delivery.woken.set)

    def _beat_delivery(self) -> None:
        self.pulse.beat(DELIVERY, LONGEST_EXCHANGE_SECONDS, "delivers")

    def _relay(self) -> Relay:
        return relay_of(self._config.smtp, secret_of(self._config.smtp) if self._config.smtp.user else None)

    def _count_waiting(self) -> int:
        with self.desk.database.read() as tx:
            states = outbox.count_by_state(tx)
        return states.get(LetterState.QUEUED, 0) + states.get(LetterState.DEFERRED, 0)


def _finish(round_: Round, mailbox: Mailbox) -> None:
    try:
        round_.file_away()
    except BaseException:
        mailbox.abandon()
        raise
    mailbox.log_out()


def _parts(inboxes: Sequence[Inbox]) -> list[str]:
    """Name the parts that watch inboxes, as ``mailbot check`` does: two inboxes may have host and folder in common."""
    return [f"inbox[{number}]" for number in range(1, len(inboxes) + 1)]
