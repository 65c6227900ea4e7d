"""Runs one command and prints how long it took, its peak memory and its exit status, as one JSON line.

    measure.py LOG COMMAND…        what the command prints goes to the file LOG

A small program of its own on purpose: a child's peak begins with that of the process that started it (Linux ``ru_maxrss``).
"""

import json
import os
import subprocess
import sys
import time


def main(log: str, *command: str) -> None:
    """Measure ``command``."""
    with open(log, "wb") as output:  # noqa: PTH123 - pathlib alone would cost memory
        started = time.perf_counter()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "peak_mb": used.ru_maxrss / 1024, "status": os.waitstatus_to_exitcode(status)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
