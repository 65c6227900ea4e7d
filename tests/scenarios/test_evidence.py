"""What the program did is proven by the program: after real rounds, after somebody's hand in the store, after a destruction."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mailbot.config import load_config
from tests.conftest import ConfigFile
from tests.mailbot.typing_room import PROGRAM, Ran, run_apart
from tests.scenarios.outside import append_all, message, requests_in, run_program
from tests.servers import Dovecot, Postgresql

WORD = "zeisig"
TEXT = f"Please act on this. {WORD}-body, {WORD}-street 7, +7 700 000 00 14"
MAIL = (
    message(f"{WORD}-asker", "Opt-out of Notifications", TEXT),
    message(f"{WORD}-owner", "Personal Data Update", f"New e-mail: {WORD}-new@example.com. {TEXT}"),
)


@pytest.fixture
def config(config_file: ConfigFile, dovecot: Dovecot, mailbox: str) -> Path:
    """Return the configuration of a store that took in two requests and acknowledged them."""
    path = config_file()
    append_all(dovecot, mailbox, MAIL)
    assert 0 == run_program(path).status
    return path


def evidence(config: Path, *command: object) -> Ran:
    return run_apart(PROGRAM, "evidence", *command, "--config", config)


def verdict(config: Path, *command: object) -> Any:
    ran = evidence(config, "verify", "--json", *command)
    told = json.loads(ran.out)
    assert (1 if told["found"] else 0) == ran.status
    return told


def in_store(config: Path, statement: str) -> None:
    """Do something to the store that mailbot knows nothing of."""
    with closing(sqlite3.connect(load_config(config).store.url.removeprefix("sqlite:///"))) as store:
        store.execute(statement)
        store.commit()


def test_a_round_is_proven_with_what_the_server_said_of_each_letter(config: Path) -> None:
    assert [] == verdict(config)["faults"]
    dossiers = [json.loads(evidence(config, "export", each.reference, "--json", "-").out) for each in requests_in(config)]
    replies = [letter["reply"] for dossier in dossiers for letter in dossier["letters"]]
    entered = [line["detail"]["reply"] for dossier in dossiers for line in dossier["history"] if line["what"] == "letter_is_accepted"]
    assert ([True] * len(replies), replies) == ([reply.startswith("250 ") for reply in replies], entered)
    assert replies
    assert all(f"{WORD}-street 7" in dossier["messages"][0]["text"] for dossier in dossiers)


@pytest.mark.parametrize(
    ("statement", "flaw"),
    [
        ("UPDATE events SET what = 'dismissed' WHERE id = 2", "broken"),
        ("UPDATE events SET detail = '{}' WHERE id = 2", "words"),
        ("DELETE FROM events WHERE id = 2", "missing"),
        ("UPDATE obligations SET due = '2030-01-01' WHERE id = (SELECT min(id) FROM obligations)", "register"),
        ("UPDATE obligations SET met_at = '2026-01-06 00:00:00.000000', met_by = 'x' WHERE met_at IS NULL", "register"),
    ],
    ids=["changed", "reworded", "removed", "due later", "ticked off"],
)
def test_somebodys_hand_in_the_store_is_found(config: Path, statement: str, flaw: str) -> None:
    in_store(config, statement)
    assert flaw in {fault["flaw"] for fault in verdict(config)["faults"]}


def test_h107_a_destruction_leaves_the_chain_whole_and_the_old_head_in_it(config: Path) -> None:
    head = verdict(config)["head"]
    opted_out = next(each for each in requests_in(config) if each.type == "opt_out")
    ran = run_apart(PROGRAM, "store", "destroy", f"{WORD}-asker@example.com", "--why", "the case is over", "--yes", "--config", config)
    assert 0 == ran.status, ran
    assert 0 == run_program(config).status
    after = verdict(config, "--head", head)
    assert ([], True) == (after["faults"], after["destroyed"] > 0)
    dossier = evidence(config, "export", opted_out.reference, "--json", "-").out
    assert WORD not in dossier
    assert all(owed["met"] for owed in json.loads(dossier)["obligations"])


def test_i6_no_line_of_log_and_no_verdict_names_anybody(config: Path, tmp_path: Path) -> None:
    reference = requests_in(config)[0].reference
    in_store(config, "UPDATE events SET detail = '{}' WHERE id > 2")
    days = ("--from", "2020-01-01", "--to", "2030-01-01")
    said = [
        evidence(config, "verify"),
        evidence(config, "promises", *days),
        evidence(config, "export", reference, "--html", tmp_path / "page.html"),
    ]
    assert [1, 0, 0] == [ran.status for ran in said]
    assert 0 == sum((ran.out + ran.err).lower().count(WORD) for ran in said)


def test_h97_a_round_on_postgresql_is_proven_too(config_file: ConfigFile, dovecot: Dovecot, mailbox: str, postgresql: Postgresql) -> None:
    path = config_file(store={"url": postgresql.fresh_database()})
    append_all(dovecot, mailbox, MAIL)
    assert 0 == run_program(path).status
    assert ([], True) == ((told := verdict(path))["faults"], told["lines"] > len(MAIL))
