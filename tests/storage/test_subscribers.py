"""The subscriber store: who is on file, what they agreed to, and to whom nothing is sent any more."""

from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import insert, select, update

from storage import subscribers
from storage.database import Database
from storage.subscribers import A_PAGE, Consent, Contact, Destruction, NewSubscriber, Subscriber
from storage.tables import destructions, systems
from storage.tables import subscribers as people
from tests.storage.stock import NOW, key

PROMOTION = Consent("promotion", date(2025, 1, 1), None, "form 12")
TRANSFER = Consent("transfer", date(2025, 1, 1), date(2030, 1, 1))
ENDED = Consent("informing", date(2024, 1, 1), date(2025, 1, 1))
AIGUL = NewSubscriber(
    names={"surname": "Әбенова", "given_name": "Айгүл"},
    contacts=(("email", "Aigul@example.com", "aigul@example.com"), ("phone", "+77000000001", "+77000000001")),
    consents=(PROMOTION, TRANSFER, ENDED),
    more={"post": "библиотекарь"},
)
BERIK = NewSubscriber(names={"given_name": "Берік"}, contacts=(("email", "berik@example.com", "berik@example.com"),))


def add(store: Database, *people: NewSubscriber) -> None:
    """Put people on file."""
    with store.write() as tx:
        subscribers.add_subscribers(tx, people, "import", NOW)


def find(store: Database, address: str = "aigul@example.com") -> Subscriber:
    """Return a person who is on file."""
    with store.read() as tx:
        found = subscribers.find_subscriber(tx, address)
    assert found is not None
    return found


def suppressed(store: Database, address: str) -> bool:
    """Tell whether nothing is sent to an address."""
    with store.read() as tx:
        return subscribers.suppressed_since(tx, key(address)) is not None


# --- people ------------------------------------------------------------------------------------------------------------
def test_people_come_back_as_they_were_put_on_file(store: Database) -> None:
    add(store, BERIK, AIGUL)
    add(store)
    found = find(store)
    contacts = (Contact("email", "Aigul@example.com", "import", NOW), Contact("phone", "+77000000001", "import", NOW))
    assert Subscriber(found.id, AIGUL.names, contacts, AIGUL.consents, None, AIGUL.more, NOW) == found
    assert (BERIK.names, ()) == (find(store, "berik@example.com").names, find(store, "berik@example.com").consents)


def test_several_hundred_people_keep_their_own_addresses(store: Database) -> None:
    """The rows are inserted in groups, and what belongs to a person finds its way by the order of the numbers given back."""
    people = [NewSubscriber({"surname": f"n{each}"}, (("email", f"p{each}@example.com", f"p{each}@example.com"),)) for each in range(700)]
    add(store, *people)
    assert [f"n{each}" for each in (0, 349, 699)] == [find(store, f"p{each}@example.com").names["surname"] for each in (0, 349, 699)]


def test_who_is_on_file_is_found_by_address_only(store: Database) -> None:
    add(store, AIGUL, BERIK)
    with store.read() as tx:
        found = subscribers.ids_by_email(tx, ["aigul@example.com", "berik@example.com", "nobody@example.com", "+77000000001"])
        assert subscribers.find_subscriber(tx, "nobody@example.com") is None
    assert {"aigul@example.com": find(store).id, "berik@example.com": find(store, "berik@example.com").id} == found


def test_an_address_of_two_people_is_the_first_ones(store: Database) -> None:
    add(store, BERIK)
    first = find(store, "berik@example.com").id
    add(store, BERIK)
    assert first == find(store, "berik@example.com").id


def test_all_that_is_known_of_a_consent_comes_back(store: Database) -> None:
    day = date(2025, 1, 1)
    told = Consent("cross_border", day, None, "form 12", date(2027, 1, 1), "v3", "site", "Law 94-V art. 7", "ТОО «Үлгі»")
    add(store, replace(AIGUL, consents=(told,)))
    assert (told,) == find(store).consents


def test_everybody_is_read_page_by_page_and_the_depersonalised_are_nobody(store: Database) -> None:
    add(store, *(NewSubscriber({}, (("email", f"p{each}@example.com", f"p{each}@example.com"),)) for each in range(A_PAGE + 3)))
    with store.write() as tx:
        tx.execute(update(people).where(people.c.id == find(store, "p7@example.com").id).values(depersonalised_at=NOW))
        pages = [[person.contacts[0].value for person in page] for page in subscribers.everybody(tx)]
    assert [A_PAGE, 2] == [len(page) for page in pages]
    assert [f"p{each}@example.com" for each in range(A_PAGE + 3) if each != 7] == [address for page in pages for address in page]


def test_the_last_destruction_of_an_address_counts(store: Database) -> None:
    later = NOW + timedelta(days=1)
    rows = [{"address_key": key("a"), "at": at, "how": "destroyed", "reference": None} for at in (later, NOW)]
    with store.write() as tx:
        tx.execute(insert(destructions), rows)
        found = subscribers.destroyed_among(tx, [key("a"), key("b")])
    assert {key("a"): Destruction(later, "destroyed", None)} == found


# --- suppressions ------------------------------------------------------------------------------------------------------
def test_messages_to_an_address_stop_once_a_request_and_since_the_first_time(store: Database) -> None:
    for days, reference in enumerate(("2026-00001-A", "2026-00002-B")):
        with store.write() as tx:
            subscribers.stop_messages(tx, {reference: key("a@example.com")}, NOW - timedelta(days=days))
            subscribers.stop_messages(tx, {reference: key("a@example.com")}, NOW - timedelta(days=9))
    with store.read() as tx:
        assert NOW - timedelta(days=1) == subscribers.suppressed_since(tx, key("a@example.com"))
    assert not suppressed(store, "b@example.com")


def test_messages_resume_for_what_that_request_stopped(store: Database) -> None:
    with store.write() as tx:
        subscribers.stop_messages(tx, {"2026-00001-A": key("a@example.com"), "2026-00002-B": key("b@example.com")}, NOW)
        assert 1 == subscribers.resume_messages(tx, "2026-00001-A", NOW)
        assert 0 == subscribers.resume_messages(tx, "2026-00001-A", NOW)
    assert [False, True] == [suppressed(store, "a@example.com"), suppressed(store, "b@example.com")]


def test_messages_stay_stopped_while_another_request_stands(store: Database) -> None:
    with store.write() as tx:
        for reference in ("2026-00001-A", "2026-00002-B", "2026-00001-A"):
            subscribers.stop_messages(tx, {reference: key("a@example.com")}, NOW)
        assert 1 == subscribers.resume_messages(tx, "2026-00001-A", NOW)
    assert suppressed(store, "a@example.com")
    with store.write() as tx:
        assert 1 == subscribers.resume_messages(tx, "2026-00002-B", NOW)
    assert not suppressed(store, "a@example.com")


def test_messages_can_be_stopped_again_after_they_resumed(store: Database) -> None:
    later = NOW + timedelta(days=1)
    with store.write() as tx:
        subscribers.stop_messages(tx, {"2026-00001-A": key("a@example.com")}, NOW)
        subscribers.resume_messages(tx, "2026-00001-A", NOW)
        subscribers.stop_messages(tx, {"2026-00003-C": key("a@example.com")}, later)
        subscribers.stop_messages(tx, {}, later)
    with store.read() as tx:
        assert later == subscribers.suppressed_since(tx, key("a@example.com"))


# --- systems -----------------------------------------------------------------------------------------------------------
def test_the_list_of_systems_follows_the_configuration(store: Database) -> None:
    later = NOW + timedelta(days=1)
    with store.write() as tx:
        subscribers.set_systems(tx, {"mailbot": "own", "crm": "manual", "1C": "manual"}, NOW)
        subscribers.set_systems(tx, {"mailbot": "own", "crm": "command", "sheet": "view"}, later)
        rows = tx.execute(select(systems).order_by(systems.c.name)).all()
    assert [("crm", "command", NOW), ("mailbot", "own", NOW), ("sheet", "view", later)] == [tuple(row) for row in rows]
