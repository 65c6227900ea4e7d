"""What the schedule wakes: each asks the store whether something is due, and what fails keeps nothing else from being done (H99)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from mailbot import proof
from mailbot.alerts import queue_alerts
from mailbot.carrying_out import hand_over_unconfirmed
from mailbot.clock import ClockWatch
from mailbot.config import Retention
from mailbot.desk import Desk
from mailbot.digest import DigestOrder, queue_digest
from mailbot.errors import Problem
from mailbot.escalating import queue_escalations
from mailbot.logs import log, where
from mailbot.ordering import carry_out_orders
from mailbot.recounting import recount
from mailbot.retention import NOTHING_YET, FollowedUp, RetentionOrder, do_the_days_job, follow_up, put_right_after_a_restore
from storage import outbox
from storage.database import StoreFailure

LONGEST_SCOURING_SECONDS = 600.0
"""How long the store may be written anew after a destruction before that counts as hanging."""

FIRST_LOOK_WITHIN = timedelta(minutes=5)
"""How long the first digest waits for every inbox to be read once."""


@dataclass(slots=True)
class Wakeful:
    """Whatever falls due by itself. Nothing that must survive lives here."""

    desk: Desk
    order: DigestOrder
    retention: RetentionOrder
    clock: ClockWatch
    all_read: Callable[[], bool]
    """Whether every inbox was read to its end since the start."""
    beat: Callable[[float, str], None]
    letters_wait: Callable[[], None]
    kept: Retention
    """How long things are kept: whoever asks what is held of them is told."""
    began: datetime
    clock_is_even: bool = False
    """Whether the clock is believed in what cannot be undone."""
    followed_up: FollowedUp = NOTHING_YET
    undone: tuple[str, ...] = ()
    """Which jobs failed at the last look, and why: staff hear of it if it lasts."""
    recounted_in: int = 0
    """The year for which due dates were held against law, policy and calendar: neither changes while the process lives."""

    def look(self, every_seconds: float) -> None:
        """Do what is due now, the digest after all that it tells of."""
        now, failed = self.desk.now(), list[str]()
        self.beat(LONGEST_SCOURING_SECONDS, "does what is due")
        jobs: tuple[tuple[str, Callable[[datetime], object]], ...] = (
            ("clock", self._look_at_clock),
            ("retention", self._keep_no_longer),
            ("recounting", self._recount),
            ("orders", self.obey_staff),
            ("alerts", self.tell_at_once),
            ("proof", partial(proof.enter, self.desk)),
            ("digest", self._queue_digest),
            ("escalation", partial(queue_escalations, self.desk, self.order)),
            ("letters", self._wake_delivery),
        )
        for job, work in jobs:
            if failure := attempted(job, work, now):
                failed.append(f"no {job}, {failure}")
        self.undone = tuple(dict.fromkeys(failed))
        self.beat(every_seconds, "; ".join(self.undone) or "looks at the clock")

    def tell_at_once(self, now: datetime) -> None:
        """Give to staff what nobody confirmed in time, and alert them to what cannot wait for the digest."""
        if self.clock_is_even:
            hand_over_unconfirmed(self.desk, now)
        queue_alerts(self.desk, self.order, now)

    def obey_staff(self, _now: datetime) -> None:
        """Carry out what staff ordered by answering a digest; what was destroyed by it leaves no trace in the store."""
        if carry_out_orders(self.desk, self.order, self.kept):
            self.followed_up = follow_up(self.desk, self.retention, self.followed_up)

    def _recount(self, now: datetime) -> None:
        if self.recounted_in != now.year:
            recount(self.desk, now)
            self.recounted_in = now.year

    def _look_at_clock(self, now: datetime) -> None:
        self.clock_is_even = False
        self.clock_is_even = self.clock.look(now)

    def _keep_no_longer(self, now: datetime) -> None:
        """Destroy what is due, unless the clock may stand ahead: what is destroyed a week too early never comes back."""
        if self.followed_up is NOTHING_YET:
            put_right_after_a_restore(self.desk, self.retention, now)
        if self.clock_is_even:
            do_the_days_job(self.desk, self.retention, now)
        self.followed_up = follow_up(self.desk, self.retention, self.followed_up)

    def _queue_digest(self, now: datetime) -> None:
        """Queue the digest once it would speak of the mail as it is, or would wait in vain for an inbox that is away."""
        if self.all_read() or now - self.began > FIRST_LOOK_WITHIN:
            queue_digest(self.desk, self.order, now)

    def _wake_delivery(self, now: datetime) -> None:
        """Wake delivery: a person's command may have queued a letter, and nobody told us."""
        if (following := self.next_letter()) and following <= now:
            self.letters_wait()

    def next_letter(self) -> datetime | None:
        """Return when the next waiting letter may go; None if none waits."""
        with self.desk.database.read() as tx:
            return outbox.next_moment(tx)


def attempted(job: str, work: Callable[[datetime], object], now: datetime) -> str | None:
    """Do one job; return in words why it was not done. A failure is told and is no reason to stop anything else."""
    try:
        work(now)
    except (StoreFailure, Problem) as failure:
        log.warning("job_not_done", job=job, reason=str(failure))
        return str(failure)
    except Exception as error:  # noqa: BLE001 - our bug: mail is taken in and the other jobs are done all the same
        log.error("job_failed", job=job, **where(error))
        return "by a fault of mailbot itself"
    return None
