"""The schema: migrations and the short way make the same one, and each store says which it has."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from hatchling.builders.wheel import WheelBuilder
from sqlalchemy import create_engine, text

from storage.database import SCHEMA, StoreMisused, open_database, upgrade
from storage.tables import metadata
from tests.servers import Postgresql

ROOT = Path(__file__).parents[2]
MIGRATIONS = ROOT / "storage" / "migrations"

POSTGRESQL_SCHEMA = """
    SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND relkind = 'r'
    UNION ALL SELECT tablename, indexname, indexdef, true FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), true FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
"""
SQLITE_SCHEMA = "SELECT tbl_name, name, sql FROM sqlite_master"


def test_the_code_works_with_the_newest_migration() -> None:
    assert ScriptDirectory(MIGRATIONS).get_current_head() == SCHEMA


def test_the_wheel_holds_the_migrations() -> None:
    shipped = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    needed = {str(path.relative_to(ROOT)) for path in MIGRATIONS.rglob("*.py")}
    assert len(needed) >= 2
    assert set() == needed - shipped


def test_migrations_make_what_the_tables_say(store_url: str) -> None:
    upgrade(store_url)
    assert [] == differences(store_url)


def test_a_new_store_is_the_same_as_a_migrated_one_on_sqlite(tmp_path: Path) -> None:
    new, migrated = f"sqlite:///{tmp_path}/new.db", f"sqlite:///{tmp_path}/migrated.db"
    open_database(new).close()
    upgrade(migrated)
    assert schema_of(new, SQLITE_SCHEMA) == schema_of(migrated, SQLITE_SCHEMA)


def test_a_new_store_is_the_same_as_a_migrated_one_on_postgresql(postgresql: Postgresql) -> None:
    new, migrated = postgresql.fresh_database(), postgresql.fresh_database()
    open_database(new).close()
    upgrade(migrated)
    assert schema_of(new, POSTGRESQL_SCHEMA) == schema_of(migrated, POSTGRESQL_SCHEMA)


def test_a_migrated_store_opens(store_url: str) -> None:
    upgrade(store_url)
    open_database(store_url).close()


def test_an_upgrade_tells_the_revisions_before_and_after_and_twice_does_no_harm(store_url: str) -> None:
    assert (None, SCHEMA) == upgrade(store_url)
    assert (SCHEMA, SCHEMA) == upgrade(store_url)


def test_a_new_store_needs_no_upgrade(store_url: str) -> None:
    open_database(store_url).close()
    assert (SCHEMA, SCHEMA) == upgrade(store_url)


def test_an_older_store_says_how_to_upgrade_it(store_url: str) -> None:
    open_database(store_url).close()
    set_revision(store_url, "0000")
    with pytest.raises(StoreMisused, match=f"has schema 0000 and this mailbot works with {SCHEMA}: run `mailbot store upgrade`"):
        open_database(store_url)


@pytest.mark.parametrize("opening", [open_database, upgrade])
def test_a_store_of_a_newer_mailbot_is_left_alone(store_url: str, opening: Callable[[str], object]) -> None:
    open_database(store_url).close()
    set_revision(store_url, "9999")
    with pytest.raises(StoreMisused, match=f"has schema 9999 of a newer mailbot; this one works with {SCHEMA}: install the newer one"):
        opening(store_url)


@pytest.mark.parametrize("opening", [open_database, upgrade])
@pytest.mark.parametrize(
    "tables",
    [
        ["CREATE TABLE invoices (id integer)"],
        ["CREATE TABLE alembic_version (version_num varchar(32))", "INSERT INTO alembic_version VALUES ('ae1027a6acf4')"],
        ["CREATE TABLE alembic_version (version_num varchar(32))", "INSERT INTO alembic_version VALUES ('0001')"],
        [
            "CREATE TABLE ledger (id integer)",
            "CREATE TABLE alembic_version (version_num varchar(32))",
            "INSERT INTO alembic_version VALUES ('ae10')",
        ],
    ],
    ids=["plain", "with Alembic", "with revisions like ours", "with a table like ours"],
)
def test_a_database_of_another_program_is_left_alone(store_url: str, tables: list[str], opening: Callable[[str], object]) -> None:
    run(store_url, *tables)
    with pytest.raises(StoreMisused, match="holds tables that are not mailbot's; give mailbot a database of its own"):
        opening(store_url)
    assert [] != differences(store_url)


def differences(url: str) -> list[object]:
    """Return what Alembic finds different between a store and the tables."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)
    engine.dispose()
    return list(found)


def schema_of(url: str, query: str) -> set[tuple[str, ...]]:
    """Return what the engine's own catalogue says of a store, blind to spaces."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {tuple(squeezed(str(value)) for value in row) for row in connection.execute(text(query))}
    engine.dispose()
    assert len(found) > 40
    return found


def squeezed(sql: str) -> str:
    """Return SQL without the spaces that only lay it out."""
    return re.sub(r"\s*([(),])\s*", r"\1", " ".join(sql.split()))


def set_revision(url: str, revision: str) -> None:
    """Say of a store that another version of mailbot made it."""
    run(url, f"UPDATE alembic_version SET version_num = '{revision}'")


def run(url: str, *statements: str) -> None:
    """Run statements in a database, as another program would."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
