"""The hazards of ``docs/hazards.md``, and which tests are named after each; read from the files, so that nothing is imported or run."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent
TABLE = ROOT / "docs/hazards.md"

_SECTION = re.compile(r"## (?P<section>[A-Z]\. .+)")
_ROW = re.compile(r"\| H(?P<number>\d+) \| (?P<given>.+?) \| (?P<must>.+?) \| .+ \|")
_NAMED = re.compile(r"(?<=_)h(\d+)(?:_to_h(\d+))?(?=_)")


@dataclass(frozen=True, slots=True)
class Hazard:
    """One row of the table: what may happen, and what mailbot must do then."""

    number: int
    section: str
    given: str
    must: str


@dataclass(frozen=True, slots=True, order=True)
class NamedTest:
    """A test, where it stands, and the hazards that its name names."""

    path: str
    name: str
    hazards: frozenset[int]


def read_table() -> Iterator[Hazard]:
    """Yield the rows of the table as they stand there."""
    section = ""
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if heading := _SECTION.fullmatch(line):
            section = heading["section"]
        if row := _ROW.fullmatch(line):
            yield Hazard(int(row["number"]), section, row["given"], row["must"])


def named_tests() -> list[NamedTest]:
    """Return the tests that name hazards, by path and name."""
    files = sorted(path for path in TESTS.rglob("test_*.py") if path.relative_to(TESTS).parts[0] != "cases")
    found = (NamedTest(str(path.relative_to(ROOT)), name, hazards_in(name)) for path in files for name in _tests_in(path))
    return sorted(test for test in found if test.hazards)


def hazards_in(name: str) -> frozenset[int]:
    """Return the numbers that a test's name names: ``_h12_``, and ``_h70_to_h77_`` for all of these."""
    return frozenset(number for first, last in _NAMED.findall(name) for number in range(int(first), int(last or first) + 1))


def _tests_in(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name
