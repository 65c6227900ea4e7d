"""The schedule: wakes what asks the store whether something is due. It remembers nothing itself, so nothing is lost with it (H99).

It counts seconds and reads no clock: one that is set back would silence a scheduler that plans by the time of day until it has caught up.
"""

import asyncio
from collections.abc import Callable


async def wake_again_and_again(work: Callable[[], None], every_seconds: float) -> None:
    """Call ``work`` in a thread, at once and then after each pause, until cancelled; never two at a time."""
    while True:
        await asyncio.to_thread(work)
        await asyncio.sleep(every_seconds)
