"""Metrics as Prometheus reads them: from this machine alone, and only numbers (I6)."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NoReturn
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mailbot.config import load_config
from mailbot.desk import Desk
from mailbot.digest import digest_order
from mailbot.metrics import Figures, serve
from rules.place import Cursor
from rules.vocabulary import Outcome, RequestType
from storage import alarms, ledger
from storage.alarms import Fault, Trouble
from storage.database import Database, StoreFailure
from tests.mailbot.register_room import NOW, PERSON, arrive, office, open_desk
from tests.servers import LOOPBACK
from tests.servers.programs import free_ports
from tests.storage.stock import an_entry

Read = dict[tuple[str, ...], float]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(office(tmp_path)) as desk:
        yield desk


def scraped(desk: Desk, tmp_path: Path, late: tuple[str, ...] = ()) -> str:
    """Return what is served, once."""
    (port,) = free_ports(1)
    close = serve(port, Figures(desk, digest_order(load_config(tmp_path / "config.toml")), lambda: late))
    try:
        with urlopen(f"http://{LOOPBACK}:{port}/metrics") as answer:
            return str(answer.read().decode())
    finally:
        close()


def figures(text: str) -> Read:
    """Return each figure by its name, without what all begin with, and its labels."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name.removeprefix("mailbot_"), *sample.labels.values()): sample.value for sample in samples}


def test_what_stands_in_the_register_is_counted(desk: Desk, tmp_path: Path) -> None:
    arrive(desk, RequestType.ACCESS)
    arrive(desk, RequestType.OPT_OUT, "bolat@example.com")
    arrive(desk, None, "clara@example.com")
    with desk.database.write() as tx:
        cursor = Cursor("info@alit.kz", "INBOX", 1, 0, NOW)
        ledger.place_cursor(tx, cursor)
        ledger.record(tx, cursor, [an_entry(8, outcome=Outcome.REQUEST), an_entry(9), an_entry(10)], 10, NOW)
        ledger.finish_pass(tx, "info@alit.kz", "INBOX", NOW - timedelta(seconds=90))
        alarms.settle(tx, [Fault(Trouble.DISK), Fault(Trouble.INBOX, "a"), Fault(Trouble.INBOX, "b")], NOW)
    found = figures(scraped(desk, tmp_path, late=("delivery",)))
    expected = {
        ("messages", "request"): 1,
        ("messages", "ordinary"): 2,
        ("requests_open", "access"): 1,
        ("requests_open", "held"): 1,
        ("letters", "queued"): 2,
        ("inbox_last_pass_seconds", "INBOX", "info@alit.kz"): 90,
        ("alarms", "disk"): 1,
        ("alarms", "inbox"): 2,
        ("parts_late",): 1,
        ("digest_queued",): 0,
        ("store_answers",): 1,
    }
    assert expected == {name: found.get(name) for name in expected}


def test_what_is_overdue_is_counted_by_the_operators_day(tmp_path: Path) -> None:
    with open_desk(office(tmp_path)) as desk:
        arrive(desk, RequestType.ACCESS)
    for later, overdue in ((timedelta(), None), (timedelta(days=60), 1)):
        with open_desk(tmp_path / "config.toml", NOW + later) as desk:
            assert overdue == figures(scraped(desk, tmp_path)).get(("requests_overdue", "access"))


def test_i6_no_person_is_named(desk: Desk, tmp_path: Path) -> None:
    arrive(desk, RequestType.ACCESS)
    assert PERSON not in scraped(desk, tmp_path)


def test_only_this_machine_can_ask(desk: Desk, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    close = serve(port, Figures(desk, digest_order(load_config(tmp_path / "config.toml")), tuple))
    try:
        with pytest.raises(OSError), socket.create_connection((LOOPBACK.replace("0.1", "0.2"), port), 5):
            pass
    finally:
        close()


def test_figures_are_kept_for_a_moment_and_not_for_ever(desk: Desk, tmp_path: Path) -> None:
    seconds = iter([0.0, 4.0, 6.0, 6.0])
    given = Figures(desk, digest_order(load_config(tmp_path / "config.toml")), tuple, lambda: next(seconds))
    first = given.collect()
    assert [True, False] == [given.collect() is first, given.collect() is first]


class Away(Database):
    """A store that does not answer."""

    def read(self) -> NoReturn:
        raise StoreFailure("the store is away")


def test_a_store_that_is_away_is_a_figure_and_no_failure(desk: Desk, tmp_path: Path) -> None:
    found = figures(scraped(replace(desk, database=Away(desk.database._engine)), tmp_path))
    assert {("store_answers",): 0, ("parts_late",): 0} == found
