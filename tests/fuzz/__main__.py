"""Coverage-guided fuzzing by atheris: ``python -m tests.fuzz MINUTES [TARGET…]``, so many minutes each target.

What breaks a promise ends its target and is kept in ``build/fuzz/TARGET``: shorten it, and put it into ``tests/mail/found`` as
TARGET-what-it-is. What was slow is repeated up to 100 KB, measured without the fuzzer's own burden, and shown (H55).
"""

import importlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("message", "recognition", "details", "policy_text", "classify")
ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build" / "fuzz"
LONGEST = 6000
"""Bytes of an input: enough for every structure, and short enough to try many."""

AS_LONG_AS = 100_000
SLOW_SECONDS = 0.05
SLOWEST_KEPT = 5


def main(minutes: float, names: list[str]) -> int:
    """Run each target in a process of its own; return 1 if any promise was broken."""
    broken = [name for name in names if _run(name, minutes)]
    slow = [line for name in names for line in _slow(name)]
    print(*(f"broken: {name}, see {KEPT / name}" for name in broken), *slow, sep="\n")
    return 1 if broken else 0


def _run(name: str, minutes: float) -> int:
    from tests.fuzz.seeds import dictionary, seeds_of

    print(f"== {name}", flush=True)
    folder = KEPT / name
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds_of(name)):
        (folder / "corpus" / f"seed-{number}").write_bytes(seed[:LONGEST])
    (folder / "dictionary").write_text(dictionary(), encoding="ascii")
    options = [f"-max_total_time={round(minutes * 60)}", f"-max_len={LONGEST}", "-timeout=20", "-rss_limit_mb=1000", "-print_final_stats=1"]
    options += [f"-dict={folder / 'dictionary'}", f"-artifact_prefix={folder}/", "-verbosity=0", str(folder / "corpus")]
    return subprocess.run([sys.executable, "-m", "tests.fuzz", "--fuzz", name, *options], cwd=ROOT, check=False).returncode


def fuzz(name: str, options: list[str]) -> None:
    """Be the process of one target: the code under test is instrumented as it is imported."""
    atheris: Any = importlib.import_module("atheris")  # no part of the suite needs it
    with atheris.instrument_imports(include=["rules"]):
        target = importlib.import_module("tests.fuzz.targets").TARGETS[name]
    slowest: list[tuple[float, bytes]] = []

    def once(raw: bytes) -> None:
        begun = time.process_time()
        target(raw)
        took = (time.process_time() - begun) / (len(raw) + 200)  # what every input costs is no fault of a short one
        if len(slowest) < SLOWEST_KEPT or took > slowest[-1][0]:
            slowest[:] = sorted([*slowest, (took, raw)], reverse=True)[:SLOWEST_KEPT]
            for number, (_, each) in enumerate(slowest):
                (KEPT / name / f"slow-{number}").write_bytes(each)

    atheris.Setup(["fuzz", *options], once)
    atheris.Fuzz()


def _slow(name: str) -> Iterator[str]:
    """Say which of the slowest inputs needs more than 50 ms where it is repeated up to 100 KB."""
    from tests.fuzz.targets import TARGETS

    for path in sorted((KEPT / name).glob("slow*")):
        raw = path.read_bytes()
        long = (raw + b"\n") * (AS_LONG_AS // (len(raw) + 1))
        times = []
        for _ in range(3):
            begun = time.process_time()
            TARGETS[name](long)
            times.append((time.process_time() - begun) / 2)  # a target reads everything twice
        if min(times) > SLOW_SECONDS:
            yield f"slow: {path}, {min(times) * 1000:.0f} ms for 100 KB of it"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fuzz"]:
        fuzz(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(main(float(sys.argv[1]), sys.argv[2:] or list(NAMES)))
