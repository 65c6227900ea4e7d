"""A person is destroyed by the program itself: no file that mailbot writes, and no restored backup, names them any more (H107)."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from sqlalchemy import text

from mailbot.config import load_config
from rules.addresses import mailbox_key
from storage import scouring, subscribers
from storage.database import open_database
from storage.subscribers import Consent, NewSubscriber
from tests.conftest import ConfigFile, skip_without
from tests.mailbot.typing_room import PROGRAM, Ran, run_apart
from tests.scenarios.managed import Service
from tests.scenarios.outside import append_all, requests_in, run_program, seen_by, store_of
from tests.servers import CapturingSmtp, Dovecot, Postgresql
from tests.storage.stock import NOW

WORD = "zeisig"
PERSON = "zeisig@zeisig-domain.example"
OTHER = "dana@example.com"


def mail(subject: str) -> bytes:
    """Write a message with the word in every place that a sender can write to."""
    message = EmailMessage(policy=SMTP)
    fields = {
        "Return-Path": f"<{PERSON}>",
        "From": f"Zeisig Zeisigova <{PERSON}>",
        "To": "info@alit.kz",
        "Subject": subject,
        "Message-ID": f"<zeisig-{len(subject)}@zeisig-domain.example>",
        "X-Zeisig-Field": "zeisig-value",
    }
    for name, value in fields.items():
        message[name] = value
    message.set_content("Please delete all my personal data. zeisig-body, zeisig-street 7, +7 700 000 00 14\n")
    message.add_attachment(b"zeisig-content", maintype="application", subtype="pdf", filename="zeisig-file.pdf")
    return bytes(message)


def type_(config: Path, *command: str) -> Ran:
    """Type a command of mailbot that must succeed."""
    ran = run_apart(PROGRAM, *command, "--config", config)
    assert 0 == ran.status, ran
    return ran


def put_on_file(config: Path) -> None:
    """Put the person on file, with the word in every detail, and somebody else."""
    names = {"surname": "Zeisigova", "given_name": "Zeisig", "patronymic": "zeisig-patronymic"}
    told = (("email", PERSON, mailbox_key(PERSON)), ("phone", "zeisig-phone", "zeisig-phone"))
    consent = Consent("informing", NOW.date(), evidence="zeisig-evidence", source="zeisig-source")
    person = NewSubscriber(names, told, (consent,), {"place_of_work": "zeisig-work"})
    somebody_else = NewSubscriber({}, (("email", OTHER, OTHER),), (Consent("informing", NOW.date()),))
    database = open_database(load_config(config).store.url)
    with database.write() as tx:
        subscribers.add_subscribers(tx, [person], "zeisig-import.csv", NOW)
        subscribers.add_subscribers(tx, [somebody_else], "import.csv", NOW)
    database.close()


def found_in(folder: Path, *spared: Path) -> dict[str, int]:
    """Count the word in every file below the folder; PostgreSQL's own WAL is the administrator's."""
    files = [file for file in folder.rglob("*") if file.is_file() and file not in spared and "pg_wal" not in file.parts]
    counts = {file.name: file.read_bytes().lower().count(WORD.encode()) for file in files}
    return {name: count for name, count in counts.items() if count}


@contextmanager
def kept_by_postgresql(config: Path) -> Iterator[Path]:
    """Let PostgreSQL write what it has in memory, and give the folder in which it keeps it."""
    with closing(open_database(load_config(config).store.url)) as database:
        with database.bare() as connection:
            connection.autocommit = True
            connection.execute("CHECKPOINT")
        with database.read() as tx:
            yield Path(tx.execute(text("SHOW data_directory")).scalar_one())


def is_scoured(config: Path) -> bool:
    """Tell whether nothing of the requests is named any more, and the files were written anew."""
    with store_of(config) as tx:
        due = scouring.due_now(tx)
    return due == 0 and all(request.sender is None for request in requests_in(config))


def destroy(config: Path, smtp: CapturingSmtp, dovecot: Dovecot, mailbox: str) -> str:
    """Let the person ask for destruction and staff approve it; return the request's reference."""
    append_all(dovecot, mailbox, [mail("Request for the destruction of personal data")])
    assert 0 == run_program(config).status
    (request,) = requests_in(config)
    assert ("destroy", 1) == (request.type, seen_by(smtp)[PERSON])
    return request.reference


def let_the_daemon_follow_up(config: Path, folder: Path) -> bytes:
    """Run the daemon until it has wiped what the letters were still needed for; return all that it logged."""
    log = folder / "log"
    with log.open("wb") as stderr, Service(config, str(folder / "notify"), stderr=stderr.fileno()) as service:
        service.hear(lambda _: is_scoured(config))
        assert 0 == service.end()
    return log.read_bytes()


def test_h107_after_a_destruction_no_file_names_the_person_nor_does_a_restored_backup(
    config_file: ConfigFile, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, tmp_path: Path
) -> None:
    config, copy = config_file(), tmp_path / "backup"
    put_on_file(config)
    reference = destroy(config, smtp, dovecot, mailbox)
    type_(config, "store", "backup", str(copy))
    assert found_in(tmp_path, copy)
    type_(config, "requests", "approve", reference)
    said = let_the_daemon_follow_up(config, tmp_path)
    assert b'"event": "stopped"' in said
    assert {} == found_in(tmp_path, copy)
    assert {"backup"} == set(found_in(tmp_path)), "the canary is in the backup, or what follows would prove nothing"

    for part in tmp_path.glob("mailbot.db*"):
        if part.suffix != ".destroyed":
            part.unlink()
    shutil.copy(copy, tmp_path / "mailbot.db")
    assert "Destroyed again: 1." in type_(config, "store", "reapply").out
    assert {} == found_in(tmp_path, copy)
    assert f"address: {OTHER}" in type_(config, "subscribers", "show", OTHER).out


@pytest.fixture
def own_postgresql() -> Iterator[Postgresql]:
    """Return a PostgreSQL in whose files no other test has written."""
    skip_without(Postgresql.missing())
    with Postgresql() as server:
        yield server


def test_h107_on_postgresql_too_no_file_names_the_person(
    config_file: ConfigFile, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, tmp_path: Path, own_postgresql: Postgresql
) -> None:
    journal = tmp_path / "list"
    config = config_file(store={"url": own_postgresql.fresh_database()}, retention={"journal": str(journal)})
    put_on_file(config)
    reference = destroy(config, smtp, dovecot, mailbox)
    with kept_by_postgresql(config) as folder:
        assert found_in(folder)
    type_(config, "requests", "approve", reference)
    let_the_daemon_follow_up(config, tmp_path)
    with kept_by_postgresql(config) as folder:
        assert ({}, {}) == (found_in(folder), found_in(tmp_path))
    assert 2 <= len(journal.read_text().splitlines())


def test_h106_what_is_kept_of_people_is_for_one_user_alone_whatever_the_umask(config_file: ConfigFile, tmp_path: Path) -> None:
    config, before = config_file(), os.umask(0)
    try:
        type_(config, "store", "backup", str(tmp_path / "backup"))
    finally:
        os.umask(before)
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in ("mailbot.db", "mailbot.db.destroyed", "backup")}
    assert {0o600} == set(modes.values()), modes
