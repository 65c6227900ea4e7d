"""The view ``mailable``: what any program that knows SQL may send to, and on which consent. The engine's own clock says which day it is."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete, text, update

from storage import amendments, subscribers
from storage.amendments import Behind
from storage.database import Database
from storage.evidence import keys_of
from storage.subscribers import Consent, NewSubscriber
from storage.tables import contacts
from storage.tables import subscribers as subscribers_table
from tests.storage.stock import NOW

TODAY = datetime.now(UTC).date()
WEEK = timedelta(days=7)
BEHIND = Behind(NOW, "staff:dana", "a test")
LONG_AGO = date(2020, 1, 1)
BOTH = (Consent("informing", LONG_AGO), Consent("promotion", LONG_AGO, evidence="form 12"))


def put(store: Database, *consents: Consent, addresses: tuple[str, ...] = ("aigul@example.com",)) -> int:
    """Put a person on file and return its number."""
    told = (*(("email", each, each) for each in addresses), ("phone", "+77000000001", "+77000000001"))
    with store.write() as tx:
        subscribers.add_subscribers(tx, [NewSubscriber({}, told, consents)], "import", NOW)
        return subscribers.ids_by_email(tx, addresses)[addresses[0]]


def mailable(store: Database) -> list[tuple[str, str]]:
    with store.read() as tx:
        return [(row.address, row.scope) for row in tx.execute(text("SELECT address, scope FROM mailable ORDER BY address, scope"))]


CONSENTS: Mapping[str, tuple[tuple[Consent, ...], list[str]]] = {
    "none": ((), []),
    "of no messages": ((Consent("transfer", LONG_AGO), Consent("publication", LONG_AGO), Consent("cross_border", LONG_AGO)), []),
    "running": (BOTH, ["informing", "promotion"]),
    "given twice": ((BOTH[0], BOTH[0]), ["informing"]),
    "ended": ((Consent("informing", LONG_AGO, TODAY - WEEK), BOTH[1]), ["promotion"]),
    "ended today": ((Consent("informing", LONG_AGO, TODAY),), []),
    "ending later": ((Consent("informing", LONG_AGO, TODAY + WEEK),), ["informing"]),
    "ended and given anew": ((Consent("informing", LONG_AGO, TODAY - WEEK), Consent("informing", TODAY - WEEK)), ["informing"]),
    "expired": ((Consent("informing", LONG_AGO, expires_on=TODAY - WEEK),), []),
    "expiring later": ((Consent("informing", LONG_AGO, expires_on=TODAY + WEEK),), ["informing"]),
    "in the future": ((Consent("informing", TODAY + WEEK),), []),
}


@pytest.mark.parametrize(("consents", "scopes"), CONSENTS.values(), ids=CONSENTS)
def test_only_a_consent_that_runs_makes_an_address_mailable(store: Database, consents: tuple[Consent, ...], scopes: list[str]) -> None:
    put(store, *consents)
    assert [("aigul@example.com", scope) for scope in scopes] == mailable(store)


def test_who_is_blocked_is_not_mailable_until_unblocked(store: Database) -> None:
    owner = put(store, *BOTH)
    seen = []
    for since in (NOW, None):
        with store.write() as tx:
            amendments.set_blocked(tx, owner, since, BEHIND)
        seen.append(len(mailable(store)))
    assert [0, 2] == seen


def test_a_stop_of_messages_covers_every_address_of_the_person_and_every_scope(store: Database) -> None:
    put(store, *BOTH, addresses=("aigul@example.com", "work@example.com"))
    put(store, *BOTH, addresses=("berik@example.com",))
    assert 6 == len(mailable(store))
    with store.write() as tx:
        subscribers.stop_messages(tx, {"2026-00001-A": keys_of(tx).of_address("work@example.com")}, NOW)
    assert {"berik@example.com"} == {address for address, _ in mailable(store)}
    with store.write() as tx:
        subscribers.resume_messages(tx, "2026-00001-A", NOW)
    assert 6 == len(mailable(store))


def test_a_stop_of_one_scope_leaves_the_other(store: Database) -> None:
    put(store, *BOTH)
    with store.write() as tx:
        amendments.stop_address(tx, "aigul@example.com", "promotion", BEHIND)
    assert [("aigul@example.com", "informing")] == mailable(store)


def test_who_withdraws_one_consent_keeps_the_other(store: Database) -> None:
    owner = put(store, *BOTH)
    with store.write() as tx:
        amendments.end_consents(tx, owner, ["promotion"], BEHIND, TODAY)
    assert [("aigul@example.com", "informing")] == mailable(store)


def test_whose_data_are_destroyed_is_not_mailable(store: Database) -> None:
    owner = put(store, *BOTH)
    with store.write() as tx:
        tx.execute(delete(subscribers_table).where(subscribers_table.c.id == owner))
    assert [] == mailable(store)


def test_an_address_without_its_keyed_hash_is_not_mailable(store: Database) -> None:
    """Nobody could tell whether it is suppressed."""
    put(store, *BOTH)
    with store.write() as tx:
        tx.execute(update(contacts).values(address_key=None))
    assert [] == mailable(store)
