"""Write ``docs/reliability.md``: each hazard, what is promised, which tests are named after it, and how they ended.

``make reliability`` runs this after ``make test``, whose report it reads.
"""

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

from tests.hazards import ROOT, Hazard, NamedTest, named_tests, read_table

REPORT = ROOT / "build/tests.xml"
PAGE = ROOT / "docs/reliability.md"

Results = Mapping[tuple[str, str], Counter[str]]
"""How the cases of a test ended, by its path and name."""

REMARKS = {
    15: "mailbot logs in with a password and keeps no token; an inbox that only a token opens is a mistake of the configuration",
    49: "look-alike letters are read as the letters that they stand for, since people mistype them; the match then counts as a near one",
    53: "and the beginning of its text, which may be what asks",
}
"""Where a promise is kept in another way than the table has it."""

_NUMBERS = re.compile(r"test_(?:[hi]\d+_(?:to_)?)*")

ENDINGS = ("passed", "failed", "skipped")

HEAD = """\
# Reliability

What mail does to programs like this one (`docs/hazards.md`), what mailbot promises, and how that was tried: each promise has tests that are
named after it. They run against real servers (Dovecot, Postfix, PostgreSQL) where the promise speaks of one, and with the rest of the suite
at each `make test`. This page is written by `make reliability` out of what they said; a test may stand for several promises, and has one
case or many.
"""


def main() -> int:
    """Write the page; the exit status says whether there was a report of a run to write it from."""
    if not REPORT.exists():
        print(f"there is no {REPORT.relative_to(ROOT)}: run `make test` first", file=sys.stderr)
        return 1
    PAGE.write_text(page(list(read_table()), named_tests(), read_report(REPORT)), encoding="utf-8")
    return 0


def read_report(path: Path) -> Results:
    """Read how each case ended from a report in JUnit's form."""
    results: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for case in ElementTree.parse(path).iter("testcase"):
        name = case.get("name", "").partition("[")[0]
        module = case.get("classname", "").replace(".", "/")
        results[f"{module}.py", name][_ending(case)] += 1
    return results


def _ending(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "passed" if case.find("skipped") is None else "skipped"


def page(hazards: Sequence[Hazard], tests: Sequence[NamedTest], results: Results) -> str:
    """Return the page: a table a section, a row a hazard, and below it the tests by name."""
    by_hazard = {hazard.number: [test for test in tests if hazard.number in test.hazards] for hazard in hazards}
    lines = [HEAD, _sum(by_hazard, results), ""]
    for section, rows in groupby(hazards, lambda hazard: hazard.section):
        lines += [f"## {section}", "", "| | If | mailbot must | Tests | Result |", "|---|---|---|---|---|"]
        lines += [_row(hazard, by_hazard[hazard.number], results) for hazard in rows] + [""]
    return "\n".join([*lines, "## The tests by name", "", *_names(by_hazard)]) + "\n"


def _sum(by_hazard: Mapping[int, Sequence[NamedTest]], results: Results) -> str:
    tests = {(test.path, test.name) for each in by_hazard.values() for test in each}
    proven = sum(_is_proven(each, results) for each in by_hazard.values())
    cases = sum((results.get(test, Counter()) for test in tests), Counter[str]())
    return f"**{proven} of {len(by_hazard)}** hazards have all their tests passed: {len(tests)} tests, with their cases {_told(cases)}."


def _is_proven(tests: Sequence[NamedTest], results: Results) -> bool:
    """Tell whether every test of a hazard ran, and nothing of them ended in any other way than well."""
    return bool(tests) and all(results.get((test.path, test.name), Counter()).keys() == {"passed"} for test in tests)


def _row(hazard: Hazard, tests: Sequence[NamedTest], results: Results) -> str:
    told = _told(sum((results.get((test.path, test.name), Counter()) for test in tests), Counter[str]()))
    must = f"{hazard.must} (*{REMARKS[hazard.number]}*)" if hazard.number in REMARKS else hazard.must
    return f"| [H{hazard.number}](#h{hazard.number}) | {hazard.given} | {must} | {len(tests)} | {told} |"


def _told(endings: Counter[str]) -> str:
    return ", ".join(f"{endings[ending]} {ending}" for ending in ENDINGS if endings[ending]) or "not run"


def _names(by_hazard: Mapping[int, Sequence[NamedTest]]) -> Iterator[str]:
    for number, tests in by_hazard.items():
        yield f"### H{number}\n"
        for path, names in groupby(tests, lambda test: test.path):
            yield f"- `{path}`"
            yield from (f"  - {_sentence(test.name)}" for test in names)
        yield ""


def _sentence(name: str) -> str:
    """Return a test's name as the sentence that it is, without the hazards and invariants that it begins with."""
    return _NUMBERS.sub("", name).replace("_", " ")


if __name__ == "__main__":
    sys.exit(main())
