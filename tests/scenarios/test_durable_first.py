"""Durable first: what may be a request is committed with its bytes before anything is sent or changed (H25, H30, H35)."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, select

from mailbot.config import load_config
from rules.vocabulary import Outcome, State
from storage.tables import letters, receipts, requests, suppressions
from tests.conftest import ConfigFile
from tests.scenarios.outside import (
    ROOT,
    RUN_SECONDS,
    append_all,
    lines_in,
    message,
    ordinary,
    outcomes_in,
    request,
    requests_in,
    run_once,
    seen_by,
    store_of,
)
from tests.servers import CapturingSmtp, Dovecot, Postgresql

CAME = datetime(2026, 1, 5, 5, 0, tzinfo=UTC)
ANY_AGE = {"acknowledge_up_to_days": 0}
ASKS, MAY_ASK = request("aigerim"), message("bolat", "=?x-unknown?b?4ev16w==?=", "You know what I want.")


def die_at_the_commit(config: Path) -> None:
    """Run mailbot, which is killed right after the record is committed."""
    run = [sys.executable, "-m", "tests.scenarios.dying", "after_commit", "INSERT INTO ledger", "run", "--once", "--config", str(config)]
    assert -signal.SIGKILL == subprocess.run(run, cwd=ROOT, stderr=subprocess.DEVNULL, timeout=RUN_SECONDS, check=False).returncode


def test_h25_h30_at_the_commit_the_message_its_change_and_its_letter_are_kept_and_nothing_was_sent_or_moved(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file(inbox={"filing": "folder", "filing_name": "Done"}, limits=ANY_AGE)
    dovecot.create_folder(mailbox, "Done")
    for raw in (ASKS, MAY_ASK):
        dovecot.append(mailbox, raw, internal_date=CAME)
    before = dovecot.snapshot(mailbox)

    die_at_the_commit(config)
    with store_of(config) as tx:
        assert [1, 1, 2] == [len(tx.execute(table.select()).all()) for table in (letters, suppressions, requests)]
        kept = tx.execute(select(receipts.c.raw, receipts.c.received_at).order_by(receipts.c.uid)).all()
    assert [(ASKS, CAME), (MAY_ASK, CAME)] == [tuple(row) for row in kept]
    assert ({}, before, {}) == (seen_by(smtp), dovecot.snapshot(mailbox), dovecot.snapshot(mailbox, "Done"))

    run_once(config)
    assert {"aigerim@example.com": 1} == seen_by(smtp)
    assert ({}, 2) == (dovecot.snapshot(mailbox), len(dovecot.snapshot(mailbox, "Done")))


@contextmanager
def failing(url: str, code: str) -> Iterator[None]:
    """Have PostgreSQL refuse with an error code of its own whatever writes a letter or moves one on."""
    address = make_url(url)
    with psycopg.connect(host=address.host, port=address.port, user="postgres", dbname=address.database, autocommit=True) as connection:
        body = f"BEGIN RAISE EXCEPTION 'the server says so' USING ERRCODE = '{code}'; END"
        connection.execute(f"CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $${body}$$".encode())
        connection.execute(b"CREATE TRIGGER fails BEFORE INSERT OR UPDATE ON letters FOR EACH ROW EXECUTE FUNCTION fail()")
        yield
        connection.execute(b"DROP FUNCTION fail CASCADE")


@pytest.mark.parametrize("code", ["53100", "25006"], ids=["disk full", "read-only"])
def test_h35_while_nothing_can_be_written_nothing_is_sent_or_marked_and_afterwards_it_goes_on_by_itself(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, postgresql: Postgresql, code: str
) -> None:
    config = config_file(store={"url": postgresql.fresh_database()})
    smtp.stop()
    append_all(dovecot, mailbox, [request("clara")])
    run_once(config)  # her letter waits
    smtp.start()
    append_all(dovecot, mailbox, [request("aigerim"), ordinary("firm"), request("bolat")])
    before = dovecot.snapshot(mailbox)
    with failing(load_config(config).store.url, code):
        assert [75, 75] == [run_once(config).exit_status for _ in range(2)]
        assert (["request"], {}, before) == ([line.outcome for line in lines_in(config)], seen_by(smtp), dovecot.snapshot(mailbox))
    assert 0 == run_once(config).exit_status
    assert {Outcome.REQUEST: 3, Outcome.ORDINARY: 1} == outcomes_in(config)
    assert {f"{name}@example.com": 1 for name in ("aigerim", "bolat", "clara")} == seen_by(smtp)


def test_h112_a_request_stays_in_the_register_when_staff_delete_its_message(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim", "Personal Data Update"))
    smtp.stop()
    run_once(config)
    with dovecot.session(mailbox) as imap:
        imap.select_folder("INBOX")
        imap.delete_messages([1])
        imap.expunge()
    smtp.start()
    assert [] == run_once(config).problems
    (kept,) = requests_in(config)
    assert (State.AWAITING_STAFF, "aigerim@example.com", {"aigerim@example.com": 1}) == (kept.state, kept.sender, seen_by(smtp))
