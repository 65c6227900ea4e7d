"""The heartbeat: others hear again and again that mailbot lives, and notice when they no longer do (a dead man's switch, H108).

It is given only while no part is late and the store answers: a monitor must not be told that all is well by half a mailbot.
"""

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from mailbot.commands import run
from mailbot.errors import Problem, TemporaryFailure
from mailbot.logs import log
from mailbot.threads import in_thread

WITHIN_SECONDS = 10.0


async def keep_beating(command: tuple[str, ...], url: str | None, is_well: Callable[[], Awaitable[bool]], every_seconds: float) -> None:
    """Beat again and again; that it fails is told once, and once that it goes again."""
    failing = False
    while True:
        if await is_well():
            problems = await beat(command, url)
            if bool(problems) is not failing:
                failing = bool(problems)
                log.warning("heartbeat_fails", reason="; ".join(problems)) if failing else log.info("heartbeat_goes_again")
        await asyncio.sleep(every_seconds)


async def beat(command: tuple[str, ...], url: str | None) -> list[str]:
    """Beat once, every way; return what went wrong."""
    problems = []
    if command:
        answer = await run(command, b"", WITHIN_SECONDS)
        if answer.status != os.EX_OK:
            ended = "was not run to its end" if answer.status is None else f"ended with status {answer.status}"
            problems.append(f"alarm.heartbeat_command {ended}")
    if url:
        try:
            await in_thread(fetch, url)
        except Problem as problem:
            problems.append(str(problem))
    return problems


def fetch(url: str) -> None:
    """Ask for an address of the web; raise unless it answers well. TLS is verified (I11), and nobody sends us elsewhere."""
    path = urlsplit(url)._replace(scheme="", netloc="", fragment="").geturl() or "/"
    try:
        connection = connect(url)
        try:
            connection.request("GET", path, headers={"User-Agent": "mailbot"})
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError) as error:
        raise TemporaryFailure(f"alarm.heartbeat_url cannot be fetched: {_reason(error)}") from error
    if not 200 <= status < 300:
        raise TemporaryFailure(f"alarm.heartbeat_url answers {status}")


def connect(url: str) -> HTTPConnection:
    """Return a connection to the server of an address of the web, which is not open yet."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return HTTPSConnection(parts.hostname or "", parts.port, timeout=WITHIN_SECONDS, context=ssl.create_default_context())
    return HTTPConnection(parts.hostname or "", parts.port, timeout=WITHIN_SECONDS)


def reach(url: str) -> None:
    """Connect and secure the line, and ask for nothing: who watches must not take a trial for a sign of life."""
    try:
        connection = connect(url)
        connection.connect()
        connection.close()
    except (OSError, HTTPException, ValueError) as error:
        raise TemporaryFailure(f"alarm.heartbeat_url cannot be reached: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).partition("\n")[0][:200]
