"""The scorecard of updates: which changes ``mailbot classify`` reads out of letters, against what a careful person would record.

A letter is right where the changes found are just those expected, or one of the other answers that are accepted.
"""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.score import CASES, TESTS, Case, judge

Changes = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Update:
    """A letter that asks for a correction, and what may be proposed of it."""

    case: Case
    sender: str
    expected: Changes
    also: tuple[Changes, ...]

    def found(self) -> Changes:
        """Return the changes that are read out of the letter."""
        return _changes(judge(self.case, self.sender).as_row()["changes"])

    def meant(self, found: Changes) -> Changes:
        """Return the accepted answer that is nearest to what was found."""
        return max((self.expected, *self.also), key=lambda answer: (answer == found, len(answer & found)))


def samples() -> list[Update]:
    """Return the development samples."""
    lines = (TESTS / "samples" / "updates.jsonl").read_text(encoding="utf-8").splitlines()
    return [_update(entry, entry["expected"], entry.get("also_ok", ()), entry["note"]) for entry in map(json.loads, lines)]


def own(folder: Path = CASES) -> list[Update]:
    """Return the letters of our own in a folder."""
    return [letter for file in sorted(folder.glob("updates_*.toml")) for letter in in_file(file)]


def in_file(file: Path) -> Iterator[Update]:
    """Yield the letters of one file."""
    for entry in tomllib.loads(file.read_text(encoding="utf-8"))["letter"]:
        yield _update(entry, entry["changes"], entry.get("also", ()), entry["why"])


def _update(entry: dict[str, Any], expected: object, also: Any, why: str) -> Update:
    case = Case(entry["operator"], entry["language"], entry["subject"], entry["body"], "update", why=why)
    return Update(case, entry["from"], _changes(expected), tuple(map(_changes, also)))


def _changes(listed: Any) -> Changes:
    return frozenset((change["field"], change["new"]) for change in listed)


def figures(letters: list[Update]) -> dict[str, int]:
    """Count changes: those to be found, those found, and those of them that are right; and the letters that are wholly right."""
    counted = {"changes_expected": 0, "changes_found": 0, "changes_right": 0, "letters_right": 0}
    for letter in letters:
        found = letter.found()
        meant = letter.meant(found)
        counted["changes_expected"] += len(meant)
        counted["changes_found"] += len(found)
        counted["changes_right"] += len(found & meant)
        counted["letters_right"] += found == meant
    return counted


def told(letters: list[Update], *, misses: bool = True) -> Iterator[str]:
    """Yield recall and precision, and every letter that is not right."""
    counted = figures(letters)
    recall = counted["changes_right"] / max(1, counted["changes_expected"])
    precision = counted["changes_right"] / max(1, counted["changes_found"])
    yield f"{len(letters)} letters, recall {recall:.1%}, precision {precision:.1%}, {counted}"
    for letter in letters if misses else ():
        found = letter.found()
        if found != letter.meant(found):
            body = json.dumps([letter.case.subject, letter.case.body], ensure_ascii=False)
            yield f"- {sorted(letter.expected)} read as {sorted(found)}: {body} ({letter.case.why})"
