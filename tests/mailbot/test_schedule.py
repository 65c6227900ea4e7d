"""The schedule: it wakes, again and again, whatever the work and the clock do (H99)."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mailbot.schedule import wake_again_and_again

GIVE_UP_SECONDS = 20

SET_BACK = """
import asyncio, datetime

class SetBack(datetime.datetime):
    hours = 0

    @classmethod
    def now(cls, tz=None):
        return super().now(tz) - datetime.timedelta(hours=cls.hours)

datetime.datetime = SetBack  # before anything else has imported it
from mailbot.schedule import wake_again_and_again

async def main():
    looks, seen = [], asyncio.Event()
    loop = asyncio.get_running_loop()

    def look():
        looks.append(SetBack.hours)
        if looks.count(1) == 2:
            loop.call_soon_threadsafe(seen.set)
        SetBack.hours = 1

    waking = asyncio.create_task(wake_again_and_again(look, 0.01))
    await asyncio.wait_for(seen.wait(), 20)
    waking.cancel()

asyncio.run(main())
"""


def wake_until(enough: Callable[[], bool], work: Callable[[], None]) -> None:
    """Have ``work`` woken until it was enough, then cancel."""

    async def main() -> None:
        waking = asyncio.create_task(wake_again_and_again(work, 0.001))
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while not enough() and not waking.done():
                await asyncio.sleep(0.001)
        waking.cancel()
        await waking

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())


def test_work_is_called_at_once_and_again_and_again_in_another_thread() -> None:
    called: list[int] = []
    wake_until(lambda: len(called) >= 3, lambda: called.append(threading.get_ident()))
    assert threading.get_ident() not in called


def test_never_two_at_a_time() -> None:
    """The work takes longer than the pause between two calls: it lets the loop go round before it ends."""
    busy = threading.Lock()
    together: list[bool] = []

    def work() -> None:
        alone = busy.acquire(blocking=False)
        together.append(not alone)
        threading.Event().wait(0.02)
        if alone:
            busy.release()

    wake_until(lambda: len(together) >= 3, work)
    assert True not in together


def test_what_the_work_raises_ends_the_schedule_and_is_not_swallowed() -> None:
    def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(wake_again_and_again(work, 0.001))


def test_h99_a_clock_that_is_set_back_does_not_stop_the_schedule() -> None:
    """Else nothing falls due until the clock has caught up, and the watchdog takes the silence for a hang."""
    ran = subprocess.run([sys.executable, "-c", SET_BACK], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert (0, "") == (ran.returncode, ran.stderr)
