"""How far back a rehearsal looks, and what its store throws away."""

from datetime import date
from pathlib import Path

import pytest

from mailbot.rehearsal import first_day
from storage import evidence, ledger
from storage.database import open_in_memory
from tests.mailbot.register_room import office, open_desk


@pytest.mark.parametrize(
    ("text", "today", "day"),
    [
        ("90d", date(2026, 11, 23), date(2026, 8, 25)),
        ("12w", date(2026, 11, 23), date(2026, 8, 31)),
        ("6m", date(2026, 11, 23), date(2026, 5, 23)),
        ("6m", date(2026, 8, 31), date(2026, 2, 28)),
        ("1m", date(2024, 3, 31), date(2024, 2, 29)),
        ("11m", date(2026, 11, 1), date(2025, 12, 1)),
        ("12m", date(2026, 12, 31), date(2025, 12, 31)),
        ("2026-01-31", date(2026, 11, 23), date(2026, 1, 31)),
        ("31.01.2026", date(2026, 11, 23), date(2026, 1, 31)),
    ],
)
def test_a_time_to_look_back_is_a_number_of_days_weeks_or_months_or_a_day(text: str, today: date, day: date) -> None:
    assert day == first_day(text, today)


@pytest.mark.parametrize("text", ["", "d", "90", "0d", "-3d", "90 d", "3y", "2026-02-30", "99999m", "99999d", "0001-01-01", "٣d"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write 90d, 12w, 6m or 2026-01-31"):
        first_day(text, date(2026, 11, 23))


def test_a_store_that_is_kept_is_never_emptied(tmp_path: Path) -> None:
    with open_desk(office(tmp_path)) as desk:
        for empty in (ledger.drain, evidence.strip):
            with pytest.raises(ValueError, match="kept"), desk.database.write() as tx:
                empty(tx)


def test_a_store_in_memory_is_another_one_each_time() -> None:
    first, second = open_in_memory(), open_in_memory()
    keys = []
    for store in (first, second, first):
        with store.write() as tx:
            keys.append(evidence.keys_of(tx).of_message_id("m@example.com"))
    assert (True, False) == (keys[0] == keys[2], keys[0] == keys[1])
    first.close()
    second.close()
