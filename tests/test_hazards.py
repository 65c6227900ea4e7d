"""Every hazard of ``docs/hazards.md`` has a test that is named after it, and the page of results knows them all."""

from pathlib import Path

from tests.hazards import Hazard, NamedTest, hazards_in, named_tests, read_table
from tests.reliability import PAGE, page, read_report


def test_the_table_is_read_whole() -> None:
    assert list(range(1, 114)) == [hazard.number for hazard in read_table()]
    assert list("ABCDEFGH") == sorted({hazard.section[0] for hazard in read_table()})


def test_every_hazard_has_a_test_named_after_it() -> None:
    named = {number for test in named_tests() for number in test.hazards}
    assert [] == [f"H{hazard.number}: {hazard.given}" for hazard in read_table() if hazard.number not in named]


def test_no_test_names_a_hazard_that_there_is_none_of() -> None:
    numbers = {hazard.number for hazard in read_table()}
    assert [] == [f"{test.path}: {test.name}" for test in named_tests() if not test.hazards <= numbers]


def test_a_name_names_hazards_one_by_one_and_from_one_to_another() -> None:
    assert {1, 28, 70, 71, 72} == hazards_in("test_h1_h28_h70_to_h72_are_named")
    assert set() == hazards_in("test_the_sha256_h_is_none")


def test_the_page_of_results_has_the_hazards_and_tests_that_there_are() -> None:
    """If not: ``make test``, then ``make reliability``. How the tests ended is not compared."""
    as_it_should_be = page(list(read_table()), named_tests(), {})
    assert without_results(as_it_should_be) == without_results(PAGE.read_text(encoding="utf-8"))


def without_results(text: str) -> list[str]:
    """Leave out the sum, and the last cell of each row."""
    return [line.rsplit("|", 2)[0] if line.startswith("| [H") else line for line in text.splitlines() if not line.startswith("**")]


def test_what_failed_or_did_not_run_is_told(tmp_path: Path) -> None:
    hazards = [Hazard(number, "A. Letters", "it is late", "it waits") for number in (1, 2, 3)]
    tests = [NamedTest("tests/test_a.py", f"test_h{number}_it_waits", frozenset({number})) for number in (1, 2, 3)]
    cases = {"test_h1_it_waits[a]": "", "test_h1_it_waits[b]": "<failure/>", "test_h2_it_waits[a]": "", "test_h2_it_waits[b]": ""}
    written = "".join(f'<testcase classname="tests.test_a" name="{name}">{said}</testcase>' for name, said in cases.items())
    (report := tmp_path / "tests.xml").write_text(f"<testsuites>{written}</testsuites>")
    text = page(hazards, tests, read_report(report))
    assert ["1 passed, 1 failed", "2 passed", "not run"] == [line.split(" | ")[-1][:-2] for line in text.splitlines() if "| [H" in line]
    assert "**1 of 3** hazards" in text
    assert 3 == text.count("\n  - it waits\n")
