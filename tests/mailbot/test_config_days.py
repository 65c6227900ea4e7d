"""The administrator's file of moved days, as the configuration names it."""

from datetime import date
from pathlib import Path

import pytest

from mailbot.config import read_moved_days
from mailbot.errors import ConfigurationMistake


def refused_days(file: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigurationMistake) as refused:
        read_moved_days(file)
    return refused.value.mistakes


def test_moved_days_are_read_from_their_file(tmp_path: Path) -> None:
    file = tmp_path / "days.toml"
    file.write_text('2027-01-04 = { day = "off", order = "No. 1 of 1 December 2026" }', encoding="utf-8")
    assert ({date(2027, 1, 4)}, set()) == (set(read_moved_days(file)), set(read_moved_days(None)))


def test_a_file_of_moved_days_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    file = tmp_path / "days.toml"
    assert (f"operator.calendar_overrides: {file} cannot be read: no such file or directory",) == refused_days(file)
    file.write_bytes("# дни".encode("cp1251"))
    assert (f"operator.calendar_overrides: {file} is not UTF-8 text; save it as UTF-8",) == refused_days(file)
    file.write_text("tomorrow = 1\nlater = 2", encoding="utf-8")
    told = refused_days(file)
    assert [f'{file}: "tomorrow" is not a day', f'{file}: "later" is not a day'] == [
        line.partition(";")[0] for line in told if "is not" in line
    ]
