"""What is left of a person, on each engine: keyed hashes, days, scopes and references, and no byte that names anybody (H107)."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Column, Connection, Date, Integer, LargeBinary, Table, Text, func, insert, select, text, update

from rules.vocabulary import State
from storage import destruction, evidence, scouring
from storage.database import Database, open_database
from storage.destruction import Hindrance, How, MustWait, Person
from storage.outbox import LetterState
from storage.tables import (
    Moment,
    consents,
    contacts,
    destructions,
    events,
    ledger,
    letters,
    obligations,
    receipts,
    requests,
    subscribers,
    suppressions,
)
from tests.storage.stock import NOW, key

CANARY = "zeisig"
ADDRESS = f"{CANARY}@example.com"
REFERENCE, OTHER = "2026-00001-K", "2026-00002-K"
LATER = NOW + timedelta(days=1)

OURS = frozenset({"inbox", "folder", "who", "policy", "policy_version", "clause", "rule", "system", "met_by", "message_id"})
"""Text columns that only ever hold words of the configuration, of a policy or of mailbot."""

NAMED: Mapping[str, object] = {
    "reference": REFERENCE,
    "outcome": "request",
    "standing": "aligned",
    "scope": "informing",
    "what": "destroy",
    "starts": "receipt",
    "role": "sender",
    "mode": "own",
    "language": "en",
    "how": "destroyed",
    "may_be": [],
    "flags": [],
    "losing": [],
    "attachments": [{"name": f"{CANARY}-file.pdf", "type": "text/plain", "size": 1, "sha256": ""}],
    "until": None,
    "expires_on": None,
    "lifted_at": None,
    "legal_hold": None,
}


def filled(column: Column[Any], number: int) -> object:
    """Return what a column is filled with: the canary wherever words from outside may stand."""
    if column.name in NAMED:
        return NAMED[column.name]
    match column.type:
        case Text():
            return f"our {column.name}" if column.name in OURS else f"{CANARY}-{column.table.name}-{column.name} " * (900 if number else 1)
        case JSON():
            return {"reason": f"{CANARY}-json", "note": [ADDRESS]}
        case LargeBinary(length=16):
            return key(f"{column.name}{number}")
        case LargeBinary(length=32):
            return key(f"{column.name}{number}") * 2
        case LargeBinary():
            return f"From: {ADDRESS}\r\n{CANARY}-raw ".encode() * 500
        case Moment():
            return NOW
        case Date():
            return date(2026, 1, 1)
        case Boolean():
            return False
        case Integer():
            return 7
    return "x" if column.type.python_type is str else 7


def add(tx: Connection, table: Table, number: int = 0, **given: object) -> None:
    """Add a row with every column filled."""
    row = {column.name: filled(column, number) for column in table.columns if column.name != "id"}
    tx.execute(insert(table).values(row | given))


def put_person(tx: Connection, state: State = State.CARRIED_OUT) -> Person:
    """Put a person on file who wrote a request: the canary stands in every column of every row that may name somebody."""
    name = evidence.keys_of(tx).of_address(ADDRESS)
    add(tx, subscribers, id=1)
    add(tx, requests, state=state, type="destroy", sender=ADDRESS, sender_key=name, subscriber_id=1)
    add(tx, ledger, id=1, uid=7)
    add(tx, ledger, id=2, uid=9, reference=None)
    add(tx, suppressions, address_key=name, address=ADDRESS)
    add(tx, receipts, sender_key=name)
    add(tx, receipts, 1, uid=9, reference=None, sender_key=None)  # could not be read, and names the address
    add(tx, letters, state=LetterState.ACCEPTED, recipient_key=name, recipient=ADDRESS)
    add(tx, letters, 1, state=LetterState.ACCEPTED, cause="digest", reference=None, kind="digest", message_id="<digest@alit.kz>")
    for table in scouring.TOUCHED:
        if table.name == "contacts":
            add(tx, table, subscriber_id=1, kind="email", key=ADDRESS, value=ADDRESS, address_key=name)
        elif table.name == "notes":
            add(tx, table, ledger_id=2)
        elif table.name in {"amendments", "consents"}:
            add(tx, table, subscriber_id=1)
        elif table.name in {"changes", "events", "corrections", "tasks"}:
            add(tx, table)
    tx.execute(update(requests).values(reason=f"the subject says {CANARY}"))
    return destruction.person_with(tx, ADDRESS)


def crowd(tx: Connection, seed: int) -> None:
    """Give the person addresses among those of thousands, so that pages are split and copies of rows stay in what looks empty."""
    chance = Random(seed)
    add(tx, subscribers, id=2, surname=None, given_name=None, patronymic=None, more={})
    numbers = chance.sample(range(3000), 3000)
    told = {"kind": "email", "source": "import", "since": NOW}
    rows = [{**told, "subscriber_id": 1 if n % 50 == 0 else 2, "value": "x" * chance.randrange(300)} for n in numbers]
    for n, row in zip(numbers, rows, strict=True):
        row["key"] = f"{CANARY}{n}@example.com" if n % 50 == 0 else f"p{chance.randrange(99999)}.{n}{'y' * chance.randrange(60)}"
    tx.execute(insert(contacts), rows)


def bytes_of(store: Database, folder: Path) -> dict[str, int]:
    """Count the canary in every file of the engine, by file; PostgreSQL's own WAL is the administrator's.

    The databases of other tests lie in the same server and hold the same canary: theirs are not looked at.
    """
    others: set[str] = set()
    with store.read() as tx:
        if tx.dialect.name == "postgresql":
            folder = Path(tx.execute(text("SHOW data_directory")).scalar_one())
            own = tx.execute(text("SELECT oid FROM pg_database WHERE datname = current_database()")).scalar_one()
            others = {each.name for each in (folder / "base").iterdir()} - {str(own)}
    found = {}
    for file in folder.rglob("*"):
        if not file.is_file() or "pg_wal" in file.parts or ("base" in file.parts and file.parent.name in others):
            continue
        if count := file.read_bytes().lower().count(CANARY.encode()):
            found[file.name] = count
    return found


def checkpoint(store: Database) -> None:
    """Let PostgreSQL write what it has in memory, so that its files can be searched."""
    with store.bare() as connection:
        if not isinstance(connection, sqlite3.Connection):
            connection.autocommit = True
            connection.execute("CHECKPOINT")


@pytest.mark.parametrize(("how", "seed"), [(How.DESTROYED, 6), (How.DEPERSONALISED, 8)])
def test_h107_no_byte_of_a_person_is_left_in_any_file_of_the_engine(
    store: Database, store_url: str, tmp_path: Path, how: How, seed: int
) -> None:
    with closing(open_database(store_url)) as another:  # where the last connection is closed, SQLite empties the WAL by itself
        with store.write() as tx:
            put_person(tx)
            crowd(tx, seed)
            person = destruction.person_on_file(tx, 1)
        with another.read() as tx:
            assert 2 == tx.execute(select(func.count()).select_from(subscribers)).scalar()
        checkpoint(store)
        assert bytes_of(store, tmp_path), "the canary stands in the files, or the search would prove nothing"
        with store.write() as tx:
            destruction.destroy(tx, person, how, REFERENCE, LATER)
        assert None is scouring.scour(store)
        checkpoint(store)
        assert {} == bytes_of(store, tmp_path)


def test_h107_what_is_left_shows_that_each_promise_was_kept_and_names_nobody(store: Database) -> None:
    with store.write() as tx:
        person = put_person(tx)
        add(tx, obligations, source="8.9", arithmetic="counted")
        destruction.destroy(tx, person, How.DESTROYED, REFERENCE, LATER)
    proof = {"scope": "informing", "since": "2026-01-01", "until": "2026-11-24", "ended_by": "x"}
    with store.read() as tx:
        (name,) = person.keys
        assert [(name, LATER, "destroyed", REFERENCE)] == [tuple(row)[1:] for row in tx.execute(select(destructions))]
        assert [("destroy", "carried_out", NOW, name)] == [
            tuple(row) for row in tx.execute(select(requests.c.type, requests.c.state, requests.c.received_at, requests.c.sender_key))
        ]
        assert [("destroy", NOW)] == [tuple(row) for row in tx.execute(select(obligations.c.what, obligations.c.met_at))]
        assert [(name, None)] == [tuple(row) for row in tx.execute(select(suppressions.c.address_key, suppressions.c.address))]
        assert [proof] == tx.execute(select(events.c.detail).where(events.c.what == "proof_kept")).scalar_one()["consents"]


def test_depersonalising_leaves_a_row_that_leads_to_nobody_with_scopes_and_days(store: Database) -> None:
    with store.write() as tx:
        destruction.destroy(tx, put_person(tx), How.DEPERSONALISED, REFERENCE, LATER)
    with store.read() as tx:
        row = tx.execute(select(subscribers)).one()._mapping
        assert (None, None, None, {}, LATER) == tuple(row[n] for n in ("surname", "given_name", "patronymic", "more", "depersonalised_at"))
        kept = tx.execute(select(consents)).one()._mapping
        assert ("informing", date(2026, 1, 1), date(2026, 11, 24)) == (kept["scope"], kept["since"], kept["until"])
        assert {None} == {kept[n] for n in ("evidence", "ended_by", "text_version", "source", "legal_ground", "recipients")}
        assert None is tx.execute(select(requests.c.subscriber_id)).scalar_one()


@pytest.mark.parametrize(
    ("table", "expected"),
    [(subscribers, Hindrance(None, "a lawsuit")), (requests, Hindrance(REFERENCE, "a lawsuit"))],
    ids=["of the person", "of a request"],
)
def test_a_legal_hold_stops_all_destruction(store: Database, table: Table, expected: Hindrance) -> None:
    with store.write() as tx:
        person = put_person(tx)
        tx.execute(update(table).values(legal_hold="a lawsuit"))
        with pytest.raises(MustWait) as refused:
            destruction.destroy(tx, person, How.DESTROYED, REFERENCE, LATER)
        assert (expected,) == refused.value.hindrances
        assert 0 == destruction.expire_requests(tx, LATER + timedelta(days=9999), LATER)
        assert 1 == destruction.expire_raw_mail(tx, LATER), "only mail that belongs to no request"
        assert 1 == tx.execute(select(func.count()).select_from(contacts)).scalar()


def test_another_request_that_is_still_open_is_a_reason_to_wait(store: Database) -> None:
    with store.write() as tx:
        person = put_person(tx)
        (name,) = person.keys
        add(tx, requests, 1, reference=OTHER, state=State.AWAITING_STAFF, type="access", sender_key=name, subscriber_id=1)
        with pytest.raises(MustWait, match=f"{OTHER} is open"):
            destruction.destroy(tx, person, How.DESTROYED, REFERENCE, LATER)


def test_the_letter_that_tells_of_a_destruction_goes_first_and_is_wiped_once_it_is_settled(store: Database) -> None:
    with store.write() as tx:
        person = put_person(tx, State.AWAITING_STAFF)
        destruction.destroy(tx, person, How.DESTROYED, REFERENCE, LATER)
        assert ADDRESS == sender(tx), "it is told whom to write to, and staff whom to destroy elsewhere"
        tx.execute(update(requests).values(state=State.CARRIED_OUT))
        tx.execute(update(letters).where(letters.c.reference == REFERENCE).values(state=LetterState.QUEUED, queued_at=LATER))
        assert 0 == destruction.sweep(tx, LATER)
        for state in (LetterState.CLAIMED, LetterState.MARKED, LetterState.DOUBTFUL, LetterState.DEFERRED):
            tx.execute(update(letters).where(letters.c.reference == REFERENCE).values(state=state))
            assert (0, ADDRESS) == (destruction.sweep(tx, LATER), sender(tx))
        tx.execute(update(letters).values(state=LetterState.ACCEPTED))
        assert 0 < destruction.sweep(tx, LATER)
        assert None is sender(tx)
        assert {(b"", "")} == {tuple(row) for row in tx.execute(select(letters.c.content, letters.c.recipient))}
        assert 0 == destruction.sweep(tx, LATER), "it finds its own work done"


def test_who_comes_back_after_a_destruction_is_a_person_like_any_other(store: Database) -> None:
    with store.write() as tx:
        person = put_person(tx)
        (name,) = person.keys
        destruction.destroy(tx, person, How.DESTROYED, REFERENCE, LATER)
        again = LATER + timedelta(days=1)
        add(
            tx,
            requests,
            1,
            reference=OTHER,
            state=State.CARRIED_OUT,
            sender=ADDRESS,
            sender_key=name,
            subscriber_id=None,
            received_at=again,
        )
        assert 0 == destruction.sweep(tx, LATER)
        assert [ADDRESS] == tx.execute(select(requests.c.sender).where(requests.c.reference == OTHER)).scalars().all()


def test_an_address_that_somebody_else_has_too_is_not_taken_from_that_person(store: Database) -> None:
    with store.write() as tx:
        person = put_person(tx)
        add(tx, subscribers, id=2)
        add(tx, contacts, 1, subscriber_id=2, kind="email", key=ADDRESS, value=ADDRESS)
        assert [1, 0, 0] == [len(keys) for keys in (person.keys, *(destruction.person_on_file(tx, owner).keys for owner in (1, 2)))]


def test_h107_whom_an_old_backup_brings_back_is_destroyed_again_with_what_was_open_and_waiting_then(store: Database) -> None:
    with store.write() as tx:
        person = put_person(tx, State.AWAITING_STAFF)
        tx.execute(update(letters).where(letters.c.reference == REFERENCE).values(state=LetterState.QUEUED))
        assert destruction.destroy_again(tx, person, How.DESTROYED, LATER, LATER)
        assert ("dropped", b"") == tuple(
            tx.execute(select(letters.c.state, letters.c.content).where(letters.c.reference == REFERENCE)).one()
        )
        assert (None, 0) == (sender(tx), tx.execute(select(func.count()).select_from(subscribers)).scalar())
        gone = Person(None, person.keys)
        assert not destruction.destroy_again(tx, gone, How.DESTROYED, LATER, LATER), "once is enough"


def test_a_request_is_wiped_when_its_years_are_over_and_not_before(store: Database) -> None:
    with store.write() as tx:
        put_person(tx)
        assert 0 == destruction.expire_requests(tx, NOW, LATER)
        assert 1 == destruction.expire_requests(tx, NOW + timedelta(seconds=1), LATER)
        assert (None, None) == tuple(tx.execute(select(requests.c.sender, requests.c.sender_key)).one())
        assert 0 == destruction.expire_requests(tx, LATER, LATER)


def test_raw_mail_goes_before_the_rest_and_unread_mail_waits_for_a_person(store: Database) -> None:
    with store.write() as tx:
        put_person(tx)
        tx.execute(update(ledger).where(ledger.c.id == 2).values(outcome="shunted", reason="could_not_be_read"))
        assert 1 == destruction.expire_raw_mail(tx, LATER)
        kept = tx.execute(select(receipts.c.raw, receipts.c.header).order_by(receipts.c.id)).all()
        assert [(True, False), (False, False)] == [(row.raw is None, row.header == b"") for row in kept]


def test_words_of_outside_never_stay_in_a_history(store: Database) -> None:
    with store.write() as tx:
        person = put_person(tx)
        destruction.destroy(tx, person, How.DESTROYED, REFERENCE, LATER)
        assert CANARY not in json.dumps(tx.execute(select(events.c.detail)).scalars().all())


def sender(tx: Connection) -> str | None:
    """Return the address that the one request still holds."""
    found: str | None = tx.execute(select(requests.c.sender)).scalar_one()
    return found
