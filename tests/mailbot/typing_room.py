"""Commands as somebody types them: in this process, in one of their own, and at a terminal."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailbot.cli.app import main

PROGRAM = Path(sys.executable).with_name("mailbot")


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended and what it wrote."""

    status: int
    out: str
    err: str


Type = Callable[..., Ran]


def typist(capsys: pytest.CaptureFixture[str]) -> Type:
    """Return what runs the command line in this process."""

    def type_(*arguments: object) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        written = capsys.readouterr()
        return Ran(int(ended.value.code or 0), written.out, written.err)

    return type_


def run_apart(*command: object, environment: dict[str, str] | None = None) -> Ran:
    """Run a command in a process of its own, its output piped."""
    ran = subprocess.run([str(part) for part in command], capture_output=True, check=False, env={**os.environ, **(environment or {})})
    return Ran(ran.returncode, ran.stdout.decode("utf-8", "surrogateescape"), ran.stderr.decode("utf-8", "surrogateescape"))


def run_at_terminal(*command: object) -> Ran:
    """Run a command in a process of its own whose output is a terminal; both streams come back as ``out``."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    process = subprocess.Popen(list(map(str, command)), stdin=theirs, stdout=theirs, stderr=theirs, env=environment, close_fds=True)
    os.close(theirs)
    written = b"".join(_until_hung_up(ours))
    os.close(ours)
    return Ran(process.wait(), written.decode(), "")


def _until_hung_up(terminal: int) -> Sequence[bytes]:
    pieces: list[bytes] = []
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux says EIO when the last writer is gone
            return pieces
        pieces.append(piece)
