"""The schedule: wakes what asks the store whether something is due. It remembers nothing itself, so nothing is lost with it (H99)."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler


class _Waker(AsyncIOScheduler):  # type: ignore[misc]  # the library has no types
    """A scheduler that also goes on when the clock is set back: the library would be silent until it has caught up."""

    def wakeup(self) -> None:
        """Bring back what lies further ahead than a turn is long, then go on as usual."""
        now = datetime.now(UTC)
        for job in self.get_jobs():
            if job.next_run_time - now > 2 * job.trigger.interval:
                job.modify(next_run_time=now)
        super().wakeup()


async def wake_again_and_again(work: Callable[[], None], every_seconds: float) -> None:
    """Call ``work`` in a thread, at once and then again and again, until cancelled; never two at a time.

    What is missed while the machine sleeps or the work takes long is made up for by one call.
    """
    due = asyncio.Event()

    async def wake() -> None:  # does nothing that could fail or be cancelled: the scheduler would print a traceback of its own
        due.set()

    scheduler = _Waker(timezone=UTC)
    turn = {"next_run_time": datetime.now(UTC), "coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    scheduler.add_job(wake, "interval", seconds=every_seconds, **turn)
    scheduler.start()
    try:
        while True:
            await due.wait()
            due.clear()
            await asyncio.to_thread(work)
    finally:
        scheduler.shutdown(wait=False)
