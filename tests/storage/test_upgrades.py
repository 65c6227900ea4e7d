"""A store of each released schema, filled with what such a release kept, is upgraded: nothing is lost, and what fails changes nothing."""

from contextlib import closing
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Column, Connection, Date, Integer, LargeBinary, Table, create_engine, insert, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from rules.addresses import mailbox_key
from rules.reference import reference
from storage import outbox, register
from storage.database import SCHEMA, Database, open_database, upgrade
from storage.subscribers import find_subscriber
from storage.tables import Moment, metadata
from storage.verification import verify
from tests.storage.stock import NOW, key
from tests.storage.test_chain import make_schema
from tests.storage.test_schema import differences, run

OLDER = [f"{number:04}" for number in range(1, int(SCHEMA))]
ROWS = (1, 2)
WORDS = {
    "contacts.kind": "email",
    "consents.scope": "informing",
    "language": "ru",
    "ledger.filing": "due",
    "ledger.outcome": "request",
    "letters.state": "queued",
    "letters.domain": "example.com",
    "requests.type": "access",
    "requests.outcome": "request",
    "requests.state": "awaiting_staff",
    "standing": "unproven",
    "certainty": "exact",
    "events.what": "follow_up",
    "obligations.system": "mailbot",
    "tasks.state": "waiting",
    "changes.field": "phone",
}
"""Where any word would not do: column, or table and column → word."""
LISTS = {"may_be", "flags", "losing", "attachments", "items"}

Rows = dict[str, list[tuple[Any, ...]]]


def a_value(column: Column[Any], number: int) -> Any:
    """Return what the column of that row holds: different in each row, and of its kind."""
    name, kind = column.name, column.type
    if column.foreign_keys and name != "reference":
        return number
    match name:
        case "reference":
            return reference(2026, number)
        case "value" if column.table.name == "contacts":
            return f"person{number}@example.com"
        case "key" if column.table.name == "contacts":
            return mailbox_key(f"person{number}@example.com")
        case "name" if column.table.name == "secrets":
            return {1: "fingerprint", 2: "another"}[number]
        case "value" if column.table.name == "secrets":
            return bytes([number]) * 32
    word = WORDS.get(f"{column.table.name}.{name}") or WORDS.get(name)
    if word is not None:
        return word
    if isinstance(kind, LargeBinary):
        return key(f"{name}{number}")
    if isinstance(kind, Date):
        return date(2026, 11, number)
    if isinstance(kind, Integer):
        return number
    if isinstance(kind, Boolean):
        return number == 1
    if isinstance(kind, JSON):
        return [] if name in LISTS else {"uid": number}
    return NOW + timedelta(hours=number) if isinstance(kind, Moment) else f"{name[:8]} {number}"


def columns_there(tx: Connection) -> dict[Table, list[Column[Any]]]:
    """Return the tables, and of each the columns, that the store's schema has."""
    there = {name: {column["name"] for column in columns} for (_, name), columns in inspect(tx).get_multi_columns().items()}
    return {
        table: [column for column in table.c if column.name in there[table.name]] for table in metadata.sorted_tables if table.name in there
    }


def fill(url: str) -> Rows:
    """Write two rows into each table of the schema, the second without what need not be there; return all of them by table."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as tx:
        for table, columns in columns_there(tx).items():
            own = [column for column in columns if column.name != "id" or table.name == "events"]
            for number in ROWS:
                held = {column.name: a_value(column, number) for column in own if number == 1 or not column.nullable}
                tx.execute(insert(table).values(held))
    return kept(url)


def kept(url: str, like: Rows | None = None) -> Rows:
    """Return all rows by table; with ``like``, only the tables and columns that those have."""
    engine = create_engine(url, poolclass=NullPool)
    found = {}
    with engine.connect() as tx:
        for table, columns in columns_there(tx).items():
            if like is None or table.name in like:
                wide = len(like[table.name][0]) if like else len(columns)
                found[table.name] = [tuple(row)[:wide] for row in tx.execute(select(*columns).order_by(*table.primary_key))]
    return found


@pytest.mark.parametrize("released", OLDER)
def test_a_filled_store_of_a_released_schema_is_upgraded_without_loss(store_url: str, released: str) -> None:
    make_schema(store_url, released)
    before = fill(store_url)
    assert {2} == {len(rows) for rows in before.values()}
    assert (released, SCHEMA) == upgrade(store_url)
    after = kept(store_url, like=before)
    assert {table: rows for table, rows in before.items() if table != "events"} == {t: rows for t, rows in after.items() if t != "events"}
    assert before["events"] == after["events"][:2], "what is owed was entered after them"
    assert [] == differences(store_url)
    with closing(open_database(store_url)) as store:
        see_that_it_works(store)


def see_that_it_works(store: Database) -> None:
    """Have today's code find what an earlier release wrote."""
    with store.write() as tx:
        assert [reference(2026, 1), reference(2026, 2)] == [each.reference for each in register.list_requests(tx)]
        assert [1, 1] == [len(each.obligations) for each in register.list_requests(tx)]
        assert ["queued", "queued"] == [letter.state for letter in outbox.list_letters(tx)]
        person = find_subscriber(tx, "person1@example.com")
        assert person is not None
        register.note(tx, [(reference(2026, 1), "done", "officer", {})], NOW)
        assert [] == verify(tx).faults


def test_an_upgrade_that_fails_half_way_leaves_the_store_as_it_was(store_url: str) -> None:
    """The last of its steps cannot be made; those before it are taken back with it."""
    make_schema(store_url, "0004")
    before = fill(store_url)
    run(store_url, "CREATE TABLE digests (id integer)")
    with pytest.raises(DBAPIError, match="digests"):
        upgrade(store_url)
    run(store_url, "DROP TABLE digests")
    assert before == kept(store_url)
    assert ("0004", SCHEMA) == upgrade(store_url)
