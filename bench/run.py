"""``make bench``: mailbot beside the bare loop, over the same mail and servers, in turns within one run. See README.md."""

import argparse
import contextlib
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.contestants import Course, Incomplete, Result, run_floor, run_mailbot
from bench.latency import measure
from tests.servers import SmtpSink
from tests.servers.programs import IS_ROOT, START_SECONDS, free_ports, greets

ROOT = Path(__file__).resolve().parents[1]
NEEDED = ("floor.py", "genmail.py", "dovecot.sh", "postfix.sh")
NAIVE_SHARE = 8  # the naive loop is slow and its rate steady: it gets an eighth of the mail
ORDINARY_SHARE, ORDINARY_TIMES = 0.02, 5
NOTICES = 100
NAIVE, BATCHED, OURS, ORDINARY = "bare loop, naive", "bare loop, batched", "mailbot", "mailbot, 2 % requests"

Results = dict[tuple[str, str], list[Result]]


def main() -> int:
    """Measure, print the table, and tell by the exit status whether everybody did all of the work."""
    options = parse_options()
    if missing := [name for name in NEEDED if not (options.shared / name).exists()]:
        print(f"{', '.join(missing)}: looked for in {options.shared}; name the folder with --shared", file=sys.stderr)
        return 1
    results: Results = defaultdict(list)
    failures: list[str] = []
    with contextlib.ExitStack() as servers:
        imap_port = servers.enter_context(script(options.shared / "dovecot.sh", 3))
        relays = {"smtp-sink": servers.enter_context(SmtpSink()).port}
        if IS_ROOT:
            relays["Postfix"] = servers.enter_context(script(options.shared / "postfix.sh", 1))
        else:
            failures.append("Postfix: left out, only root can start it")
        for _, (relay, port) in itertools.product(range(options.rounds), relays.items()):
            failures += take_turns(relay, Course(options.shared, imap_port, port, options.n), results)
    print_table(results)
    print("from the server's notice to the letter accepted: median {:.1f} ms, longest {:.1f} ms of {}".format(*measure(NOTICES), NOTICES))
    print(*failures, sep="\n", file=sys.stderr)
    return 1 if failures else 0


def take_turns(relay: str, course: Course, results: Results) -> list[str]:
    """Let everybody run once, note how fast, and return what went wrong."""
    failures = []
    for name, run in contestants(course).items():
        try:
            result = run()
        except Incomplete as error:
            failures.append(f"{relay}, {name}: {error}")
        else:
            results[relay, name].append(result)
    return failures


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=2000, help="messages a pass (default 2000)")
    parser.add_argument("--rounds", type=int, default=3, help="times that all are run in turn; medians are printed (default 3)")
    parser.add_argument(
        "--shared", type=lambda folder: Path(folder).resolve(), default=ROOT.parent / "shared" / "bench", help="the folder of the bare loop"
    )
    return parser.parse_args()


def contestants(course: Course) -> dict[str, Callable[[], Result]]:
    """Name who runs on a course, in the order in which they take turns."""
    little = replace(course, messages=max(1, course.messages // NAIVE_SHARE))
    ordinary = replace(course, messages=course.messages * ORDINARY_TIMES, share=ORDINARY_SHARE)
    return {
        NAIVE: lambda: run_floor(little, "naive"),
        BATCHED: lambda: run_floor(course, "batched"),
        OURS: lambda: run_mailbot(course),
        ORDINARY: lambda: run_mailbot(ordinary),
    }


@contextlib.contextmanager
def script(path: Path, ports: int) -> Iterator[int]:
    """Start a server by its script on the first of some consecutive free ports, and stop it by the same."""
    port = consecutive_ports(ports)
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as directory:  # Postfix logs nowhere but under /var
        subprocess.run([path, "start", str(port), directory], check=True, stdin=subprocess.DEVNULL)
        try:
            wait_until_greeted(port)
            yield port
        finally:
            subprocess.run([path, "stop", str(port), directory], check=False, stdin=subprocess.DEVNULL)


def wait_until_greeted(port: int) -> None:
    """Wait for a mail server that was just started."""
    give_up = time.monotonic() + START_SECONDS
    while not greets(port):
        if time.monotonic() > give_up:
            raise RuntimeError(f"nothing greets on port {port}")
        time.sleep(0.05)


def consecutive_ports(count: int) -> int:
    """Find a free port that has free ports after it."""
    while True:
        (first,) = free_ports(1)
        if not any(greets(port) for port in range(first + 1, first + count)):
            return first


def print_table(results: Results) -> None:
    """Print medians: messages a second of the whole process and of the pass alone, both beside the bare loops, and peak memory."""
    print(f"{'relay':10} {'':22} {'msg/s':>7} {'pass':>7} {'x batched':>12} {'x naive':>12} {'peak MB':>8}")
    for (relay, name), runs in results.items():
        rate, peak = median(run.rate for run in runs), median(run.peak_mb for run in runs)
        own = [run.pass_rate for run in runs if run.pass_rate]
        passed = median(own) if own else 0
        ratios = [
            f"{beside(rate, results.get((relay, loop)))} / {beside(passed, results.get((relay, loop)))}" if name != ORDINARY else "-"
            for loop in (BATCHED, NAIVE)
        ]
        print(f"{relay:10} {name:22} {rate:7.0f} {passed:7.0f} {ratios[0]:>12} {ratios[1]:>12} {peak:8.0f}")


def beside(rate: float, floor: list[Result] | None) -> str:
    """Return how many times the floor's rate this is."""
    return f"{rate / median(run.rate for run in floor):.2f}" if floor else "-"


if __name__ == "__main__":
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # the folder of the bare loop is not ours to write to
    sys.exit(main())
