"""A new store on each engine: the same tests, the same results (H97)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database, open_database
from tests.servers import Postgresql

ENGINES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))


@pytest.fixture(params=ENGINES)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a database that is not made yet, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/mailbot.db"
    server: Postgresql = request.getfixturevalue("postgresql")
    return server.fresh_database()


@pytest.fixture
def store(store_url: str) -> Iterator[Database]:
    """Return a new store."""
    database = open_database(store_url)
    yield database
    database.close()
