"""Blocking work beside the loop, in threads that cannot keep the process from ending (H36)."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any


def in_thread(work: Callable[..., Any], *arguments: Any) -> "asyncio.Future[Any]":
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
            soon(loop, settle, ended.set_exception, error)
        else:
            soon(loop, settle, ended.set_result, outcome)

    threading.Thread(target=run, daemon=True, name="mailbot").start()
    return ended


def soon(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *arguments: Any) -> None:
    """Call something in the loop, from whatever thread."""
    with suppress(RuntimeError):  # the loop has ended meanwhile: nobody waits for it any more
        loop.call_soon_threadsafe(callback, *arguments)
