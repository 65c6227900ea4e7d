"""Mail made to hurt its reader: 2 s and 200 MB a message at most, and the letters around it are done in the same pass (H54, H55)."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ConfigFile
from tests.mail.hostile import HOSTILE, MEGABYTE, MOST_MEGABYTES
from tests.scenarios.outside import append_all, lines_in, ordinary, request, seen_by, start_program
from tests.servers import CapturingSmtp, Dovecot

MOST_SECONDS = 2
"""Of the processor: how long it takes on the wall is the machine's matter. What takes longest needs a quarter of them."""

GOOD, ASKING = 1000, 20


def test_h54_h55_the_worst_mail_is_read_within_two_seconds_and_200_megabytes() -> None:
    """In a process of its own, whose memory the system limits: one that needs more dies and is not listed."""
    run = subprocess.run([sys.executable, "-m", "tests.mail.hostile"], capture_output=True, text=True, check=False)
    read = {line["name"]: line["seconds"] for line in map(json.loads, run.stdout.splitlines())}
    assert [*HOSTILE] == [*read], run.stderr
    assert {} == {name: seconds for name, seconds in read.items() if seconds > MOST_SECONDS}


def test_h54_a_thousand_good_letters_around_the_worst_are_done_in_the_same_pass(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    idle = megabytes_of_a_round(config)
    good = [request(f"anna{n}") if n % (GOOD // ASKING) == 0 else ordinary(f"firm{n}") for n in range(GOOD)]
    every = GOOD // len(HOSTILE)
    hostile = iter(HOSTILE.values())
    for number, start in enumerate(range(0, GOOD, every)):
        bomb = next(hostile, bytes)().replace(b"anna@", b"bomb%d@" % number, 1).replace(b"<bomb@", b"<bomb%d@" % number, 1)
        append_all(dovecot, mailbox, [each for each in (bomb, *good[start : start + every]) if each])
    used = megabytes_of_a_round(config)
    lines = lines_in(config)
    assert GOOD + len(HOSTILE) == len(lines) == len({line.uid for line in lines})
    assert {f"anna{n}@example.com" for n in range(0, GOOD, GOOD // ASKING)} <= seen_by(smtp).keys()
    assert used < idle + MOST_MEGABYTES


def megabytes_of_a_round(config: Path) -> float:
    """Go one round with the program, and return the most memory that it had."""
    running = start_program(config, "--once", stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_maxrss * 1024 / MEGABYTE
