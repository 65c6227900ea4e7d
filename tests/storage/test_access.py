"""What is held of one person: every row of that person's, and none of anybody else's."""

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, update

from rules.vocabulary import Outcome, RequestType, State
from storage import evidence, register
from storage.access import Held, HeldRequest, HeldSuppression, OnFile, exports_ready, on_file, what_is_held
from storage.database import Database
from storage.evidence import keys_of
from storage.tables import amendments, consents, contacts, obligations, requests, subscribers, suppressions
from tests.storage.stock import NOW, a_receipt, a_request

AIGUL, BERIK = 1, 2
SINCE = datetime(2025, 3, 1, 8, tzinfo=UTC)
DAY = date(2025, 3, 1)
PHONE, SURNAME = "+77000000001", "Әбенова"
CANARY = "canary"
"""Stands in everything that is the other person's alone."""


def put_on_file(tx: Connection, owner: int, name: str, **more: Any) -> None:
    """Put a person on file with one of everything; the two share a surname, a telephone and a mailbox."""
    tx.execute(
        insert(subscribers).values(id=owner, surname=SURNAME, given_name=name, since=SINCE, **{"more": {"post": f"{name} post"}, **more})
    )
    told = {"email": (f"{name}@example.com", "family@example.com"), "phone": (PHONE,)}
    for kind, values in told.items():
        for value in values:
            tx.execute(insert(contacts).values(subscriber_id=owner, kind=kind, value=value, key=value, source=f"{name} form", since=SINCE))
    words = {column: f"{name} {column}" for column in ("text_version", "source", "legal_ground", "recipients", "evidence")}
    tx.execute(insert(consents).values(subscriber_id=owner, scope="transfer", since=DAY, expires_on=date(2030, 1, 1), **words))
    changed = {
        "who": "staff:canary",
        "why": f"{name} asked",
        "field": "phone",
        "old": f"{name} old",
        "new": PHONE,
        "reference": f"{name}-1",
    }
    tx.execute(insert(amendments).values(subscriber_id=owner, at=SINCE, **changed))


@pytest.fixture
def two_people(store: Database) -> Database:
    """Return a store with two persons in it who share whatever two can share, and a thread of messages."""
    with store.write() as tx:
        put_on_file(tx, AIGUL, "aigul")
        put_on_file(tx, BERIK, CANARY, legal_hold=CANARY)
        asked = {"subscriber_id": AIGUL, "sender": "aigul@example.com"}, {"subscriber_id": BERIK, "sender": "canary@example.com"}
        new = [a_request("2026-00001", 1, **asked[0]), a_request("2026-00002-canary", 2, **asked[1])]
        register.add_requests(tx, new, NOW)
        evidence.keep(tx, [a_receipt(1, reference="2026-00001"), a_receipt(2, reference="2026-00001", text=f"{CANARY}: I join them")])
        for name in ("aigul", CANARY, "family"):
            key = keys_of(tx).of_address(f"{name}@example.com")
            stop = {"address_key": key, "scope": "messages", "reference": f"{CANARY}-1", "since": SINCE}
            tx.execute(insert(suppressions).values(**stop, lifted_at=NOW if name == "aigul" else None))
    return store


def held_of(store: Database, owner: int) -> Held:
    with store.read() as tx:
        return what_is_held(tx, owner)


def test_everything_of_a_person_is_told(two_people: Database) -> None:
    held = held_of(two_people, AIGUL)

    assert {"surname": SURNAME, "given_name": "aigul", "post": "aigul post"} == held.details
    assert (SINCE, None, None) == (held.since, held.blocked_at, held.legal_hold)
    assert ["aigul@example.com", "family@example.com", PHONE] == [each.value for each in held.contacts]
    assert {("aigul form", SINCE)} == {(each.source, each.since) for each in held.contacts}
    assert [
        {
            "scope": "transfer",
            "since": DAY,
            "until": None,
            "expires_on": date(2030, 1, 1),
            "text_version": "aigul text_version",
            "source": "aigul source",
            "legal_ground": "aigul legal_ground",
            "recipients": "aigul recipients",
            "evidence": "aigul evidence",
            "ended_by": None,
        }
    ] == [asdict(each) for each in held.consents]
    assert [("phone", "aigul old", PHONE, "aigul asked", "aigul-1")] == [
        (each.field, each.old, each.new, each.why, each.reference) for each in held.amendments
    ]
    assert (HeldRequest("2026-00001", "access", "awaiting_staff", NOW.date(), date(2026, 12, 14), None, None),) == held.requests
    assert {
        HeldSuppression("aigul@example.com", "messages", SINCE, NOW),
        HeldSuppression("family@example.com", "messages", SINCE, None),
    } == set(held.suppressions)


def test_h68_nothing_of_another_person_is_told_whatever_the_two_share(two_people: Database) -> None:
    assert CANARY not in repr(held_of(two_people, AIGUL))
    assert "aigul" not in repr(held_of(two_people, BERIK))


def test_which_of_the_staff_changed_what_is_on_file_is_not_told(two_people: Database) -> None:
    assert "staff:" not in repr(held_of(two_people, AIGUL))


def test_an_address_is_returned_as_it_is_stored_with_everybody_who_has_it(two_people: Database) -> None:
    with two_people.write() as tx:
        tx.execute(update(contacts).where(contacts.c.key == "aigul@example.com").values(value="Aigul@Example.com"))
    with two_people.read() as tx:
        assert (OnFile(AIGUL, "Aigul@Example.com"),) == on_file(tx, "aigul@example.com")
        assert (OnFile(AIGUL, "family@example.com"), OnFile(BERIK, "family@example.com")) == on_file(tx, "family@example.com")
        assert () == on_file(tx, PHONE)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"state": State.RECEIVED}, True),
        ({"state": State.AWAITING_SENDER}, False),
        ({"state": State.CARRIED_OUT}, False),
        ({"type": RequestType.QUESTION}, False),
        ({"outcome": Outcome.HELD}, False),
        ({"subscriber_id": None, "sender_key": None}, False),
    ],
)
def test_an_export_is_ready_while_a_person_on_file_waits_for_staff(two_people: Database, fields: dict[str, Any], *, expected: bool) -> None:
    with two_people.write() as tx:
        tx.execute(update(requests).where(requests.c.reference == "2026-00001").values(fields))
    with two_people.read() as tx:
        assert (frozenset({"2026-00001"}) if expected else frozenset()) == exports_ready(tx, ["2026-00001", "2026-99999"])


def test_an_export_is_ready_too_of_a_person_put_on_file_after_the_request(two_people: Database) -> None:
    with two_people.write() as tx:
        key = keys_of(tx).of_address("aigul@example.com")
        tx.execute(update(contacts).where(contacts.c.key == "aigul@example.com").values(address_key=key))
        tx.execute(update(requests).where(requests.c.reference == "2026-00001").values(subscriber_id=None, sender_key=key))
    with two_people.read() as tx:
        assert {"2026-00001"} == exports_ready(tx, ["2026-00001"])


def test_an_export_is_no_longer_ready_once_it_was_answered(two_people: Database) -> None:
    with two_people.write() as tx:
        tx.execute(update(obligations).values(met_at=NOW - timedelta(hours=1), met_by="staff:test"))
    with two_people.read() as tx:
        assert not exports_ready(tx, ["2026-00001"])
