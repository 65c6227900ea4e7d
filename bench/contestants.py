"""What is measured: the bare loop, and mailbot as a fresh process over a fresh mailbox. Each checks that its work is complete."""

import itertools
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import write_config

HERE = Path(__file__).parent
MAILBOT = Path(sys.executable).with_name("mailbot")
ACKNOWLEDGED = ("acknowledgement", "accepted")
PATIENCE_SECONDS = 300
LOAD = """
import sys, genmail
port, user, count, share = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
genmail.load(port, user, count, share)
print(sum(genmail.make(i, share)[0] != "ordinary" for i in range(count)))
"""
mailboxes = itertools.count(1)


class Incomplete(Exception):
    """A contestant failed, or did not do all of its work: its speed means nothing."""


@dataclass(frozen=True, slots=True)
class Course:
    """Where a contestant runs: the folder of the bare loop, the servers, and how much mail of which kind."""

    shared: Path
    imap_port: int
    smtp_port: int
    messages: int
    share: float = 0.8


@dataclass(frozen=True, slots=True)
class Result:
    """How fast a contestant was, over the whole process and, where it tells, over the pass alone."""

    rate: float
    peak_mb: float
    pass_rate: float | None = None


def run_floor(course: Course, mode: str) -> Result:
    """Run the bare loop; it measures itself, without its start."""
    options = ["--imap", course.imap_port, "--smtp", course.smtp_port, "--mode", mode, "--n", course.messages, "--share", course.share]
    told = json.loads(output_of(sys.executable, course.shared / "floor.py", *options))
    if not told["complete"]:
        raise Incomplete(f"floor.py {mode}: {told}")
    return Result(told["rate"], told["peak_mb"], told["rate"])


def run_mailbot(course: Course) -> Result:
    """Load a fresh mailbox, let ``mailbot run --once`` empty the queue, and check that nothing is missing or doubled."""
    user = f"mailbot{next(mailboxes)}"
    wanted = int(output_of(sys.executable, "-c", LOAD, course.imap_port, user, course.messages, course.share, cwd=course.shared))
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        config = write_config(Path(folder), imap_port=course.imap_port, smtp_port=course.smtp_port, user=user)
        used = json.loads(output_of(sys.executable, HERE / "measure.py", log, MAILBOT, "run", "--once", "--config", config))
        told = log.read_text(encoding="utf-8")
        if used["status"] != 0:
            raise Incomplete(f"mailbot run ended with {used['status']}: {told[-1000:]}")
        check_complete(config, wanted)
    seconds = pass_seconds(told)
    return Result(course.messages / used["seconds"], used["peak_mb"], course.messages / seconds if seconds else None)


def check_complete(config: Path, wanted: int) -> None:
    """Compare the register with the mail that was made: each request once, each acknowledged once."""
    requests = [request for request in listed("requests", config) if request["outcome"] == "request"]
    letters = [letter for letter in listed("letters", config) if (letter["kind"], letter["state"]) == ACKNOWLEDGED]
    found = len(requests), len({request["uid"] for request in requests}), len({letter["reference"] for letter in letters}), len(letters)
    if found != (wanted,) * 4:
        raise Incomplete(f"{wanted} requests; (recorded, their messages, acknowledged, letters accepted) = {found}")


def listed(group: str, config: Path) -> list[dict[str, object]]:
    """Return what ``mailbot GROUP list --json`` prints."""
    return [json.loads(line) for line in output_of(MAILBOT, group, "list", "--json", "--config", config).splitlines()]


def pass_seconds(log: str) -> float | None:
    """Find the program's own measure of its pass, if it logs one: the event ``run_done`` with ``seconds``."""
    finished = [line for line in log.splitlines() if "run_done" in line]
    found = re.search(r"\bseconds\W+([\d.]+)", finished[-1]) if finished else None
    return float(found[1]) if found else None


def output_of(*command: object, cwd: Path | None = None) -> str:
    """Run a command and return what it prints; its errors are ours."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise Incomplete(f"{words[:3]} did not end within {PATIENCE_SECONDS} seconds") from None
    if done.returncode != 0:
        raise Incomplete(f"{words[:3]} ended with {done.returncode}: {done.stderr[-1000:]}")
    return done.stdout
