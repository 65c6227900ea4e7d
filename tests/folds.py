"""The honest scorecard: every letter of ``tests/cases`` judged by what the others taught (``make score HELD_OUT=1``, a minute and a half).

``rules/likeness.tsv`` is learnt from these letters, so their own figures flatter. Here they are dealt into parts; for each part a copy
of the program learns from the others, and judges it.
"""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.learn import digest, letters, told
from tests.score import Case, figures, own, score

PARTS = 3
ROOT = Path(__file__).parents[1]


def part_of(case: Case) -> int:
    """Return the part that a letter belongs to."""
    return int(digest(case)[:8], 16) % PARTS


def held_out(part: int) -> dict[str, int]:
    """Return the figures of a part, judged by a copy of the program that has not learnt from it."""
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        for package in ("mailbot", "rules", "storage", "tests"):
            shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "set_aside"))
        (copy / "rules/likeness.tsv").write_text(told([case for case in letters() if part_of(case) != part]), encoding="utf-8")
        run = subprocess.run([sys.executable, "-m", "tests.folds", str(part)], cwd=copy, stdout=subprocess.PIPE, check=True)
    found: dict[str, int] = json.loads(run.stdout)
    return found


def main(arguments: Sequence[str]) -> None:
    """Print the figures of all parts together; of one part, as JSON, where it is named."""
    if arguments:
        print(json.dumps(figures(score(case for case in own() if part_of(case) == int(arguments[0])))))
        return
    together = sum((Counter(held_out(part)) for part in range(PARTS)), Counter[str]())
    requests = sum(number for name, number in together.items() if name.startswith("requests"))
    print(f"letters judged by what the others taught: {dict(sorted(together.items()))}")
    print(f"of {requests} requests {together['requests_right'] / requests:.1%} right, {together['requests_held'] / requests:.1%} held")


if __name__ == "__main__":
    main(sys.argv[1:])
