"""What updates ask to change, as the register keeps it."""

from rules.details_change import Change, Field
from storage import register
from storage.database import Database
from tests.storage.stock import NOW, a_request

PHONE = Change(Field.PHONE, "+77000002013", "+77000002014")
SURNAME = Change(Field.SURNAME, None, "Шаблонова")
LATER = Change(Field.PHONE, None, "+77000002015")


def test_changes_are_kept_request_by_request_in_the_order_in_which_they_were_written(store: Database) -> None:
    with store.write() as tx:
        register.add_requests(tx, [a_request("2026-00001", 1), a_request("2026-00002", 2)], NOW)
        register.propose(tx, [("2026-00001", PHONE), ("2026-00002", SURNAME), ("2026-00001", SURNAME)])
    with store.write() as tx:
        register.propose(tx, [("2026-00001", LATER)])
    with store.read() as tx:
        assert (PHONE, SURNAME, LATER) == register.changes_of(tx, "2026-00001")
        assert (SURNAME,) == register.changes_of(tx, "2026-00002")


def test_a_request_that_names_no_change_has_none(store: Database) -> None:
    with store.write() as tx:
        register.add_requests(tx, [a_request("2026-00001", 1)], NOW)
        register.propose(tx, [])
    with store.read() as tx:
        assert () == register.changes_of(tx, "2026-00001")
