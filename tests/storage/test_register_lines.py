"""The register line by line: every request once, in the order of receipt, however the pages are cut."""

from datetime import timedelta

from storage import register
from storage.database import Database
from storage.register_lines import PAGE, lines
from tests.storage.stock import NOW, a_request, an_obligation


def test_every_request_comes_once_by_moment_of_receipt_and_reference(store: Database) -> None:
    """A batch is received in one moment: more than a page of requests may share it."""
    together = [f"2026-{number:05}-A" for number in range(2 * PAGE + 1)]
    with store.write() as tx:
        register.add_requests(tx, [a_request("2026-99999-Z", 1, received_at=NOW - timedelta(seconds=1))], NOW)
        register.add_requests(tx, [a_request(reference, uid) for uid, reference in enumerate(reversed(together), start=2)], NOW)
        assert ["2026-99999-Z", *together] == [line.reference for line in lines(tx, None, None)]


def test_first_and_last_day_are_counted_in(store: Database) -> None:
    with store.write() as tx:
        for number in range(4):
            received = {"received_at": NOW + timedelta(days=number), "received_on": NOW.date() + timedelta(days=number)}
            register.add_requests(tx, [a_request(f"2026-0000{number}-A", number + 1, **received)], NOW)
        first, last = NOW.date() + timedelta(days=1), NOW.date() + timedelta(days=2)
        assert ["2026-00001-A", "2026-00002-A"] == [line.reference for line in lines(tx, first, last)]
        assert ["2026-00002-A", "2026-00003-A"] == [line.reference for line in lines(tx, last, None)]
        assert ["2026-00000-A", "2026-00001-A"] == [line.reference for line in lines(tx, None, first)]


def test_each_request_brings_its_own_obligations(store: Database) -> None:
    with store.write() as tx:
        both = (an_obligation(system="crm"), an_obligation(system="mailbot", is_met=True))
        register.add_requests(tx, [a_request("2026-00001-A", 1, obligations=both), a_request("2026-00002-B", 2, obligations=())], NOW)
        told = [[(owed.system, owed.met_by) for owed in line.owed] for line in lines(tx, None, None)]
    assert [[("crm", None), ("mailbot", "mailbot")], []] == told
