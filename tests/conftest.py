"""What tests are given: real servers, a mailbox of their own, and the least configuration that must work.

A test whose server program is not installed is skipped with the package's name; ``tests/run.sh`` then still ends in failure.
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.servers import LOOPBACK, PASSWORD, CapturingSmtp, Dovecot, Postgresql, SmtpSink

NO_LIMITS = {"letters_per_address_a_day": 0, "letters_per_domain_an_hour": 0, "letters_an_hour": 0, "surge_an_hour": 0}
MARKERS = {"dovecot": "dovecot", "smtp_sink": "postfix", "postgresql": "postgresql", "own_postgresql": "postgresql"}
mailbox_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the servers it asks for, so that ``-m "not postgresql"`` leaves them out."""
    for item in items:
        for fixture in MARKERS.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(MARKERS[fixture])


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """Return a running Dovecot that all tests of the worker share; see ``mailbox``."""
    skip_without(Dovecot.missing())
    with Dovecot() as server:
        yield server


@pytest.fixture(scope="session")
def smtp_sink() -> Iterator[SmtpSink]:
    """Return a running smtp-sink."""
    skip_without(SmtpSink.missing())
    with SmtpSink() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """Return a running PostgreSQL; each test asks it for a fresh database."""
    skip_without(Postgresql.missing())
    with Postgresql() as server:
        yield server


@pytest.fixture
def smtp() -> Iterator[CapturingSmtp]:
    """Return an SMTP server that has kept nothing yet."""
    with CapturingSmtp() as server:
        yield server


@pytest.fixture
def mailbox() -> str:
    """Return the name of an IMAP user that no other test has."""
    return f"user{next(mailbox_numbers)}"


class ConfigFile(Protocol):
    """What the fixture ``config_file`` returns: ``write_config`` with this test's directory, servers and mailbox filled in."""

    def __call__(self, **keys: Any) -> Path: ...


@pytest.fixture
def config_file(tmp_path: Path, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str) -> ConfigFile:
    """Return ``write_config`` bound to this test's directory, servers and mailbox; keywords override."""
    given = {"imap_port": dovecot.imap_port, "smtp_port": smtp.port, "user": mailbox}
    return lambda **keys: write_config(tmp_path, **{**given, **keys})


def write_config(
    tmp_path: Path,
    *,
    imap_port: int,
    smtp_port: int,
    user: str = "info",
    policy: str = "kazger",
    start: str = "2020-01-01",
    limits: Mapping[str, int] = NO_LIMITS,
    **more: Mapping[str, object],
) -> Path:
    """Write the least configuration that must work, caps off, and return its path.

    ``more`` adds keys to a table or replaces them: ``inbox={"folder": "Requests"}``, ``store={"url": url}``.
    """
    tables: dict[str, dict[str, object]] = {
        "operator": {"policy": policy, "timezone": "Asia/Almaty"},
        "store": {"url": f"sqlite:///{tmp_path}/mailbot.db"},
        "inbox": {
            "address": "info@alit.kz",
            "host": LOOPBACK,
            "port": imap_port,
            "tls": "none",
            "user": user,
            "password_file": str(secret_file(tmp_path / "imap.password", PASSWORD)),
            "folder": "INBOX",
            "start": start,
            "authserv_id": "mx.alit.kz",
        },
        "smtp": {"host": LOOPBACK, "port": smtp_port, "tls": "none", "sender": "info@alit.kz"},
        "staff": {"digest_to": ["officer@example.com"], "digest_at": "09:00"},
        "limits": dict(limits),
    }
    for name, keys in more.items():
        tables.setdefault(name, {}).update(keys)
    config = tmp_path / "config.toml"
    config.write_text("".join(map(toml_table, tables, tables.values())), encoding="utf-8")
    return config


def toml_table(name: str, keys: Mapping[str, object]) -> str:
    """Write one table; strings, numbers, booleans and lists of them are spelt in TOML as in JSON."""
    head = f"[[{name}]]" if name in {"inbox", "system"} else f"[{name}]"
    return "\n".join([head, *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in keys.items())]) + "\n"


def secret_file(path: Path, secret: str) -> Path:
    """Write a secret that only its owner can read."""
    path.touch(mode=0o600)
    path.write_text(secret, encoding="utf-8")
    return path


def skip_without(missing: str | None) -> None:
    """Skip the test where a server's Debian packages are missing."""
    if missing:
        pytest.skip(f"not installed: {missing}")
