"""Changes of what is on file: applied where they fit, told where they do not, each with who, when and why, and put back once."""

from datetime import UTC, date, datetime, timedelta
from typing import cast

import pytest
from sqlalchemy import select

from rules.details_change import Change, Field
from storage import amendments, subscribers
from storage.amendments import Altered, Amended, Amendment, Behind, Conflict, Hindrance
from storage.database import Database
from storage.evidence import keys_of
from storage.subscribers import Consent, Contact, NewSubscriber, Subscriber
from storage.tables import contacts
from tests.storage.stock import NOW

LATER = NOW + timedelta(days=1)
REQUEST = Behind(LATER, "mailbot", "asked by letter", "2026-00001-A")
UNDO = Behind(LATER + timedelta(hours=1), "staff:dana", "it was not her", "2026-00001-A")
POST = cast("Field", "post")  # what the policy lists besides has no name of ours
DAY = date(2026, 11, 24)


@pytest.fixture
def aigul(store: Database) -> int:
    """Return a person on file; somebody else is on file too."""
    emails = [("email", address, address.lower()) for address in ("Aigul@example.com", "berik@example.com")]
    agreed = (Consent("informing", date(2025, 1, 1)), Consent("transfer", date(2025, 1, 1), date(2030, 1, 1)), Consent("transfer", DAY))
    names = {"surname": "Әбенова", "given_name": "Айгүл"}
    aigul = NewSubscriber(names, (emails[0], ("phone", "+77000000001", "+77000000001")), agreed, {"post": "библиотекарь"})
    with store.write() as tx:
        subscribers.add_subscribers(tx, [aigul, NewSubscriber({}, (emails[1],))], "import", NOW)
    return on_file(store, "aigul@example.com").id


def on_file(store: Database, address: str) -> Subscriber:
    with store.read() as tx:
        found = subscribers.find_subscriber(tx, address)
    assert found is not None
    return found


def amend(store: Database, owner: int, *changes: Change, behind: Behind = REQUEST) -> Amended:
    with store.write() as tx:
        return amendments.amend(tx, owner, changes, behind)


def undo(store: Database) -> Amended:
    with store.write() as tx:
        return amendments.undo(tx, "2026-00001-A", UNDO)


def written(store: Database, owner: int) -> list[Amendment]:
    with store.read() as tx:
        return amendments.amendments_of(tx, [owner]).get(owner, [])


def add_contact(store: Database, owner: int, address: str) -> None:
    with store.write() as tx:
        row = {"kind": "email", "value": address, "key": address, "source": "import", "since": NOW}
        tx.execute(contacts.insert().values(subscriber_id=owner, address_key=keys_of(tx).of_address(address), **row))


# --- details -----------------------------------------------------------------------------------------------------------
def test_details_are_changed_and_each_change_leaves_who_when_why_and_at_whose_request(store: Database, aigul: int) -> None:
    asked = (
        Change(Field.SURNAME, "әбенова", "Серікова"),
        Change(Field.PATRONYMIC, None, "Серікқызы"),
        Change(Field.PHONE, None, "+77000000002"),
        Change(POST, "библиотекарь", "директор"),
    )
    altered = (
        Altered("surname", "Әбенова", "Серікова"),
        Altered("patronymic", None, "Серікқызы"),
        Altered("phone", "+77000000001", "+77000000002"),
        Altered("post", "библиотекарь", "директор"),
    )
    assert Amended(altered, ()) == amend(store, aigul, *asked)
    found = on_file(store, "aigul@example.com")
    assert {"surname": "Серікова", "given_name": "Айгүл", "patronymic": "Серікқызы"} == found.names
    assert ({"post": "директор"}, Contact("phone", "+77000000002", "request", LATER, "2026-00001-A")) == (found.more, found.contacts[1])
    told = (LATER, "mailbot", "asked by letter", "2026-00001-A", None)
    assert [Amendment(each.field, each.old, each.new, *told) for each in altered] == written(store, aigul)


def test_what_is_on_file_already_is_neither_changed_nor_told_a_second_time(store: Database, aigul: int) -> None:
    asked = (Change(Field.SURNAME, "Әбенова", "Серікова"), Change(Field.EMAIL, "aigul@example.com", "new@example.com"))
    amend(store, aigul, *asked)
    assert Amended((), ()) == amend(store, aigul, *asked)
    assert 2 == len(written(store, aigul))


def test_h63_a_new_address_takes_the_place_of_the_old_one_with_its_keyed_hash(store: Database, aigul: int) -> None:
    amend(store, aigul, Change(Field.EMAIL, "AIGUL@example.com", "New@Example.com"))
    with store.read() as tx:
        row = tx.execute(select(contacts).where(contacts.c.subscriber_id == aigul, contacts.c.kind == "email")).one()
        assert subscribers.find_subscriber(tx, "aigul@example.com") is None
        assert ("New@Example.com", "new@example.com", keys_of(tx).of_address("new@example.com")) == (
            row.value,
            row.key,
            bytes(row.address_key),
        )


@pytest.mark.parametrize(
    ("change", "on_file", "why"),
    [
        (Change(Field.SURNAME, "Иванова", "Серікова"), "Әбенова", Hindrance.OTHER_ON_FILE),
        (Change(Field.PATRONYMIC, "Берікқызы", "Серікқызы"), None, Hindrance.OTHER_ON_FILE),
        (Change(POST, "директор", "учитель"), "библиотекарь", Hindrance.OTHER_ON_FILE),
        (Change(Field.PHONE, "+77000000009", "+77000000002"), "+77000000001", Hindrance.OTHER_ON_FILE),
        (Change(Field.EMAIL, "other@example.com", "new@example.com"), "Aigul@example.com", Hindrance.OTHER_ON_FILE),
        (Change(Field.EMAIL, None, "Berik@example.com"), "Aigul@example.com", Hindrance.ANOTHER_PERSONS),
    ],
    ids=str,
)
def test_what_does_not_fit_to_what_is_on_file_is_left_alone_and_told(
    store: Database, aigul: int, change: Change, on_file: str | None, why: Hindrance
) -> None:
    asked = (change, Change(Field.GIVEN_NAME, None, "Айгерім"))
    expected = Amended((Altered("given_name", "Айгүл", "Айгерім"),), (Conflict(change.field, change.new, on_file, why),))
    assert expected == amend(store, aigul, *asked)
    assert ["given_name"] == [line.field for line in written(store, aigul)]


def test_of_several_addresses_the_one_that_is_named_is_replaced_and_no_other(store: Database, aigul: int) -> None:
    add_contact(store, aigul, "second@example.com")
    both = "Aigul@example.com, second@example.com"
    several = Conflict("email", "new@example.com", both, Hindrance.SEVERAL_ON_FILE)
    assert (several,) == amend(store, aigul, Change(Field.EMAIL, None, "new@example.com")).conflicts
    merged = Conflict("email", "second@example.com", both, Hindrance.BOTH_ON_FILE)
    assert (merged,) == amend(store, aigul, Change(Field.EMAIL, "aigul@example.com", "second@example.com")).conflicts
    assert () == amend(store, aigul, Change(Field.EMAIL, "second@example.com", "new@example.com")).conflicts
    assert aigul == on_file(store, "new@example.com").id == on_file(store, "aigul@example.com").id


def test_a_telephone_may_be_shared_and_where_there_was_none_it_is_added(store: Database, aigul: int) -> None:
    berik = on_file(store, "berik@example.com").id
    assert (Altered("phone", None, "+77000000001"),) == amend(store, berik, Change(Field.PHONE, None, "+77000000001")).altered


def test_an_address_may_be_spelt_anew_and_stays_the_same_persons(store: Database, aigul: int) -> None:
    spelt = Altered("email", "Aigul@example.com", "AIGUL@example.com")
    assert Amended((spelt,), ()) == amend(store, aigul, Change(Field.EMAIL, None, "AIGUL@example.com"))


def test_who_wanted_no_messages_gets_none_at_a_new_address(store: Database, aigul: int) -> None:
    with store.write() as tx:
        subscribers.stop_messages(tx, {"2026-00009-Z": keys_of(tx).of_address("aigul@example.com")}, NOW)
    for _ in range(2):  # to the new address, back, and to it again
        amend(store, aigul, Change(Field.EMAIL, None, "new@example.com"))
        amend(store, aigul, Change(Field.EMAIL, None, "aigul@example.com"))
    with store.write() as tx:
        (stop,) = subscribers.stops_of(tx, keys_of(tx).of_address("new@example.com"))
        assert ("new@example.com", "messages", "2026-00009-Z", NOW) == (stop.address, stop.scope, stop.reference, stop.since)
        assert 2 == subscribers.resume_messages(tx, "2026-00009-Z", LATER)


# --- undone ------------------------------------------------------------------------------------------------------------
def test_a_request_is_undone_as_a_whole_and_once(store: Database, aigul: int) -> None:
    berik = on_file(store, "berik@example.com").id
    before = on_file(store, "aigul@example.com")
    asked = [Change(Field.SURNAME, None, "Серікова"), Change(Field.EMAIL, None, "new@example.com"), Change(POST, None, "директор")]
    amend(store, aigul, *asked, Change(Field.PATRONYMIC, None, "Серікқызы"))
    amend(store, berik, Change(Field.PHONE, None, "+77000000003"))
    with store.write() as tx:
        amendments.end_consents(tx, aigul, None, REQUEST, DAY - timedelta(days=1))
        amendments.set_blocked(tx, aigul, LATER.astimezone(), REQUEST)
    fields = ["blocked", "consent:transfer", "consent:transfer", "consent:informing", "phone", "patronymic", "post", "email", "surname"]
    done = undo(store)
    assert (fields, ()) == ([each.field for each in done.altered], done.conflicts)
    after = on_file(store, "aigul@example.com")
    assert (before.names, before.more, before.consents, None) == (after.names, after.more, after.consents, after.blocked_at)
    assert ["Aigul@example.com", "+77000000001"] == [each.value for each in after.contacts]
    assert 1 == len(on_file(store, "berik@example.com").contacts)
    assert Amended((), ()) == undo(store)
    assert {UNDO.at} == {line.undone_at for line in written(store, aigul)}
    assert [UNDO.who] * 8 == [line.who for line in written(store, aigul)][-8:]


def test_what_was_changed_again_since_stays_and_is_told(store: Database, aigul: int) -> None:
    amend(store, aigul, Change(Field.SURNAME, None, "Серікова"), Change(Field.PHONE, None, "+77000000002"))
    other = Behind(LATER, "staff:dana", "by telephone")
    amend(store, aigul, Change(Field.SURNAME, None, "Үлгі"), behind=other)
    kept = Conflict("surname", "Әбенова", "Үлгі", Hindrance.OTHER_ON_FILE)
    assert Amended((Altered("phone", "+77000000002", "+77000000001"),), (kept,)) == undo(store)
    assert "Үлгі" == on_file(store, "aigul@example.com").names["surname"]


def test_an_old_address_that_is_somebody_elses_by_now_is_not_put_back(store: Database, aigul: int) -> None:
    amend(store, aigul, Change(Field.EMAIL, None, "new@example.com"))
    other = Behind(LATER, "staff:dana", "by telephone")
    amend(store, on_file(store, "berik@example.com").id, Change(Field.EMAIL, None, "aigul@example.com"), behind=other)
    taken = Conflict("email", "Aigul@example.com", "new@example.com", Hindrance.ANOTHER_PERSONS)
    assert Amended((), (taken,)) == undo(store)


def test_a_block_and_a_consent_that_others_changed_since_stay(store: Database, aigul: int) -> None:
    later = Behind(UNDO.at, "staff:dana", "by telephone", "2026-00002-B")
    with store.write() as tx:
        amendments.set_blocked(tx, aigul, LATER, REQUEST)
        amendments.end_consents(tx, aigul, ["informing"], REQUEST, DAY)
        amendments.set_blocked(tx, aigul, None, later)
        amendments.end_consents(tx, aigul, ["informing"], later, DAY - timedelta(days=1))
    assert (("consent:informing", "blocked"), ()) == (tuple(each.field for each in undo(store).conflicts), undo(store).altered)


# --- blocks and consents -----------------------------------------------------------------------------------------------
def test_a_person_is_blocked_and_unblocked_and_no_other(store: Database, aigul: int) -> None:
    seen = []
    for since in (NOW, LATER, None, None):
        with store.write() as tx:
            is_change = amendments.set_blocked(tx, aigul, since, REQUEST)
        seen.append((is_change, on_file(store, "aigul@example.com").blocked_at, on_file(store, "berik@example.com").blocked_at))
    assert [(True, NOW, None), (False, NOW, None), (True, None, None), (False, None, None)] == seen
    lines = [("blocked", None, NOW.isoformat()), ("blocked", NOW.isoformat(), None)]
    assert lines == [(line.field, line.old, line.new) for line in written(store, aigul)]


def test_a_revoked_consent_ends_and_what_had_ended_keeps_its_day(store: Database, aigul: int) -> None:
    with store.write() as tx:
        assert 1 == amendments.end_consents(tx, aigul, ["informing"], REQUEST, DAY)
        assert 2 == amendments.end_consents(tx, aigul, None, UNDO, DAY + timedelta(days=1))
        assert 0 == amendments.end_consents(tx, aigul, None, UNDO, DAY + timedelta(days=1))
    assert [DAY, DAY + timedelta(days=1), DAY + timedelta(days=1)] == [each.until for each in on_file(store, "aigul@example.com").consents]
    lines = [("consent:informing", None), ("consent:transfer", "2030-01-01"), ("consent:transfer", None)]
    assert lines == [(line.field, line.old) for line in written(store, aigul)]


def test_only_the_consents_asked_for_end_and_only_this_persons(store: Database, aigul: int) -> None:
    with store.write() as tx:
        assert 0 == amendments.end_consents(tx, on_file(store, "berik@example.com").id, None, REQUEST, DAY)
        assert 0 == amendments.end_consents(tx, aigul, [], REQUEST, DAY)
        assert 2 == amendments.end_consents(tx, aigul, ["transfer", "cross_border"], REQUEST, DAY)
    assert [None, DAY, DAY] == [each.until for each in on_file(store, "aigul@example.com").consents]


def test_a_consent_is_added_and_promotion_without_evidence_is_none(store: Database, aigul: int) -> None:
    given = Consent("promotion", DAY, evidence="form 12", expires_on=date(2027, 1, 1))
    with store.write() as tx:
        amendments.add_consent(tx, aigul, given, REQUEST)
        with pytest.raises(ValueError, match="promotion needs a consent that can be shown"):
            amendments.add_consent(tx, aigul, Consent("promotion", DAY), REQUEST)
    assert given == on_file(store, "aigul@example.com").consents[-1]
    assert [("consent:promotion", None, "since 2026-11-24")] == [(line.field, line.old, line.new) for line in written(store, aigul)]


# --- stops without a request -------------------------------------------------------------------------------------------
def test_staff_stop_an_address_once_and_it_goes_again_by_them_alone(store: Database, aigul: int) -> None:
    by_staff = Behind(datetime(2026, 11, 24, tzinfo=UTC), "staff:dana", "by telephone")
    with store.write() as tx:
        key = keys_of(tx).of_address("aigul@example.com")
        subscribers.stop_messages(tx, {"2026-00001-A": key}, NOW)
        stopped = [amendments.stop_address(tx, "Aigul@example.com", scope, by_staff) for scope in ("messages", "messages", "promotion")]
        assert [True, False, True] == stopped
        assert ("2026-00001-A",) == subscribers.stopped_by(tx, key)
        assert [2, 0] == [amendments.resume_address(tx, "aigul@example.com", by_staff) for _ in range(2)]
        assert NOW == subscribers.suppressed_since(tx, key)
    fields = ["suppressed:messages", "suppressed:promotion"]
    assert [*fields, *fields] == [line.field for line in written(store, aigul)]
