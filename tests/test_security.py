"""SECURITY.md says which test proves what: every test that it names exists, and every attacker has one."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(test_\w+)`")


def test_every_test_that_the_threat_model_names_exists() -> None:
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        if "cases" not in path.parts
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    named = set(NAMED.findall(PAGE))
    assert len(named) > 30
    assert set() == named - there


def test_every_attacker_of_the_threat_model_meets_a_test() -> None:
    model = PAGE.partition("## Who could attack")[2].partition("## What is not defended")[0]
    attackers = model.split("\n### ")[1:]
    assert len(attackers) >= 10
    assert [] == [each.splitlines()[0] for each in attackers if not NAMED.search(each)]
