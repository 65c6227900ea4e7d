"""The operator's commands: how one is run, what its end means, and who is told. docs/systems.md is the contract.

A command is never given a shell, nor anything of ours but one line on its standard input. What it says is kept for staff and goes into
no log line (I6). Nothing is recorded as done before its command has succeeded (I12, H113).
"""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from mailbot.config import System
from mailbot.desk import Desk
from mailbot.errors import Problem, TemporaryFailure
from mailbot.logs import log
from mailbot.staff import met_by_system
from storage import tasks
from storage.tasks import ClaimedTask, Payload, TaskState

TRY_LATER = os.EX_TEMPFAIL

MOST_CHARACTERS = 2_000
"""How much of what a command says is kept: the end, where the reason stands."""
_MOST_BYTES = 4 * MOST_CHARACTERS

SETTLED_WITHIN = timedelta(seconds=60)
"""How much longer than its command may run a claim lasts."""
CLOSED_WITHIN_SECONDS = 1.0
"""How long the output of an ended command is waited for: something that it left running may hold it open."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended; no status: it could not be started, or was ended by us."""

    status: int | None
    words: str


@dataclass(slots=True)
class Carried:
    """What came of the tasks of one system."""

    done: int = 0
    put_off: int = 0
    failed: int = 0


async def run_due(desk: Desk, system: System, going_on: Callable[[], None] = lambda: None) -> Carried:
    """Run the system's command for each task that is due, and call ``going_on`` before each.

    A command that hangs or cannot be started is not tried again for the next task: that is left to the next call.
    """
    carried = Carried()
    while True:
        going_on()
        task = await asyncio.to_thread(_claim, desk, system)
        if task is None:
            return carried
        answer = await run(system.command, line_of(task.payload), system.timeout_seconds)
        await asyncio.to_thread(_settle, desk, task, answer, carried)
        if answer.status is None:
            return carried


def problems_of(system: System, carried: Carried) -> list[Problem]:
    """Put in sentences what did not go well, for whoever waits for the end of a run."""
    found: list[Problem] = []
    if carried.put_off:
        found.append(TemporaryFailure(f"{carried.put_off} tasks in {system.name} were put off and are tried again by a later run"))
    if carried.failed:
        found.append(Problem(f"{carried.failed} tasks in {system.name} fail again and again: see `mailbot systems list`"))
    return found


def why_it_cannot_run(program: str) -> str | None:
    """Say why this user cannot run a program; None if nothing is seen that stands in the way."""
    if not Path(program).is_file():
        return "is not there"
    return None if os.access(program, os.X_OK) else "may not be run by this user"


def line_of(payload: Payload) -> bytes:
    """Return what a command is told: one line of JSON in UTF-8; half a character, which UTF-8 does not have, as JSON's escape."""
    return json.dumps(payload, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"


async def run(command: Sequence[str], line: bytes, timeout_seconds: float) -> Answer:
    """Run a command, and end it with all that it started if it takes too long or we are asked to end."""
    loop = asyncio.get_running_loop()
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
    end = asyncio.subprocess.STDOUT
    starting = asyncio.ensure_future(loop.subprocess_exec(_Program, *command, stderr=end, env=environment, cwd="/", start_new_session=True))
    try:
        transport, program = await asyncio.shield(starting)
    except OSError as error:
        return Answer(None, f"cannot be started: {(error.strerror or 'unknown error').lower()}")
    except asyncio.CancelledError:  # cancelled half-way, asyncio would end the program alone and wait for all that it started
        with suppress(OSError):
            await _end(*await starting)
        raise
    try:
        _tell(transport, line)
        async with asyncio.timeout(timeout_seconds):
            await program.ended.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSED_WITHIN_SECONDS):
                await program.closed.wait()
    except TimeoutError:
        return Answer(None, _with(f"had not ended after {timeout_seconds:g} s, and was ended", program.said))
    finally:
        await _end(transport, program)
    status = transport.get_returncode() or 0
    return Answer(status, _with(f"exit status {status}{', try later' if status == TRY_LATER else ''}", program.said))


class _Program(asyncio.SubprocessProtocol):
    """A running command: the end of what it said, whether it ended, and whether it can say no more."""

    def __init__(self) -> None:
        self.said = b""
        self.ended = asyncio.Event()
        self.closed = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002 - the signature is asyncio's
        """Keep the end."""
        self.said = (self.said + data)[-_MOST_BYTES:]

    def process_exited(self) -> None:
        """Let go whoever waits for the end."""
        self.ended.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature is asyncio's
        """Let go whoever waits for the last words."""
        self.closed.set()


async def _end(transport: asyncio.SubprocessTransport, program: _Program) -> None:
    """Let go of a command; one that still runs is killed, with all that it started."""
    if not program.ended.is_set():
        with suppress(ProcessLookupError):
            os.killpg(transport.get_pid(), signal.SIGKILL)
        await program.ended.wait()
    transport.close()


def _tell(transport: asyncio.SubprocessTransport, line: bytes) -> None:
    """Write the line and close; a command that does not read it is none the worse."""
    pipe = transport.get_pipe_transport(0)
    if isinstance(pipe, asyncio.WriteTransport):
        pipe.write(line)
        pipe.write_eof()


def _with(how_it_ended: str, said: bytes) -> str:
    """Return an answer for staff; a store keeps no NUL."""
    words = said.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}").strip()[-MOST_CHARACTERS:]
    return f"{how_it_ended}: {words}" if words else how_it_ended


def _claim(desk: Desk, system: System) -> ClaimedTask | None:
    now = desk.now()
    with desk.database.write() as tx:
        return tasks.claim(tx, system.name, now, now + timedelta(seconds=system.timeout_seconds) + SETTLED_WITHIN)


def _settle(desk: Desk, task: ClaimedTask, answer: Answer, carried: Carried) -> None:
    """Write how it ended; what succeeded meets the obligation in the same transaction."""
    told = {"reference": task.reference, "system": task.system, "what": task.what, "status": answer.status}
    with desk.database.write() as tx:
        if answer.status == os.EX_OK:
            tasks.settle(tx, task, answer.words, desk.now())
            met_by_system(desk, tx, task.reference, task.what, task.system)
            state = TaskState.DONE
        else:
            state = tasks.put_off(tx, task, answer.words, desk.now())
    if state is TaskState.DONE:
        carried.done += 1
        log.info("task_done", **told)
        return
    carried.failed += state is TaskState.FAILED
    carried.put_off += state is not TaskState.FAILED
    log.warning("task_put_off", attempts=task.attempts, **told)
