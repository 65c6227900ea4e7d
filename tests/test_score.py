"""The scorecard may get better, never worse; and what was set aside is what was set aside."""

import hashlib
from pathlib import Path

import pytest

from tests.score import CASES, SET_ASIDE, Case, Scored, figures, recorded, score, sets


@pytest.mark.parametrize("name", ["samples", "cases"])
def test_recognition_is_not_worse_than_recorded(name: str) -> None:
    reached = figures(score(sets()[name]))
    faults = {result: number for result, number in reached.items() if not result.endswith("_right")}
    worse = {result: number for result, number in faults.items() if number > recorded()[name].get(result, 0)}
    assert {} == worse


def test_the_recorded_figures_are_those_that_are_reached() -> None:
    """Else what was gained is not kept."""
    reached = {name: figures(score(cases)) for name, cases in sets().items()}
    assert {name: recorded()[name] for name in reached} == reached


def test_the_letters_set_aside_are_unchanged() -> None:
    lines = (CASES / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    sums = {path: digest for digest, path in (line.split("  ") for line in lines)}
    files = sorted(path for path in SET_ASIDE.rglob("*") if path.is_file())
    assert sums == {str(path.relative_to(CASES)): _sum_of(path) for path in files}


def _sum_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("expected", "verdict", "result"),
    [
        ("update", "update", "right"),
        ("update", "review", "held"),
        ("update", "none", "missed"),
        ("update", "opt_out", "wrong"),
        ("none", "review", "held"),
        ("none", "update", "taken"),
        ("review", "update", "acted"),
        ("review", "none", "passed over"),
        ("stop_processing", "object_automated", "right"),
    ],
)
def test_a_result_says_who_is_harmed(expected: str, verdict: str, result: str) -> None:
    assert result == Scored(Case("kazger", "en", "", "", expected), verdict, "").result
