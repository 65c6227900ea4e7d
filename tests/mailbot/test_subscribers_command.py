"""``mailbot subscribers``: what staff type, what programs and spreadsheets get, and what a mistake is answered with."""

import csv
import io
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from mailbot.exporting import guarded
from rules.addresses import mailbox_key
from rules.details_change import Change, Field
from rules.vocabulary import RequestType
from storage import amendments, subscribers
from storage.amendments import Behind
from storage.subscribers import Consent, NewSubscriber
from storage.tables import suppressions
from tests.mailbot.register_room import NOW, PERSON, arrive, history, is_suppressed, office, open_desk, person, put_on_file
from tests.mailbot.typing_room import PROGRAM, Ran, Type, run_apart, typist

CSV_TITLES = "surname,given_name,patronymic,more,emails,phones,consents,since,suppressed,blocked_at,legal_hold"
DAY = date(2025, 1, 1)
LATER = NOW + timedelta(days=3)


@pytest.fixture
def mailbot(capsys: pytest.CaptureFixture[str]) -> Type:
    return typist(capsys)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return office(tmp_path)


def rows(ran: Ran) -> list[dict[str, Any]]:
    assert (0, "") == (ran.status, ran.err)
    return [json.loads(line) for line in ran.out.splitlines()]


def shown(mailbot: Type, config: Path, address: str = PERSON) -> dict[str, Any]:
    (row,) = rows(mailbot("subscribers", "show", address, "--json", "--config", config))
    return row


def put_aigul(config: Path) -> None:
    """Put a person on file of whom everything is known."""
    told = (("email", PERSON, PERSON), ("phone", "+77000000001", "+77000000001"))
    agreed = (
        Consent("informing", DAY, date(2026, 1, 1)),
        Consent("promotion", DAY, None, "form 12", date(2090, 1, 1), "v3", "site", "art. 7", "ТОО"),
    )
    names = {"surname": "=SUM(A1)", "given_name": "Айгүл"}
    with open_desk(config) as desk, desk.database.write() as tx:
        subscribers.add_subscribers(tx, [NewSubscriber(names, told, agreed, {"post": "библиотекарь"})], "import", NOW)


def change_surname(config: Path) -> str:
    """Let a request of the person change the surname; return its reference."""
    with open_desk(config) as desk:
        reference, owner = arrive(desk, RequestType.UPDATE), person(desk).id
        with desk.database.write() as tx:
            amendments.amend(tx, owner, [Change(Field.SURNAME, None, "Үлгі")], Behind(NOW, "mailbot", "asked by letter", reference))
    return reference


# --- show --------------------------------------------------------------------------------------------------------------
def test_a_person_is_shown_with_consents_provenance_and_changes(mailbot: Type, config: Path) -> None:
    put_aigul(config)
    reference = change_surname(config)
    row, now = shown(mailbot, config), str(NOW)
    assert {
        "surname": "Үлгі",
        "given_name": "Айгүл",
        "post": "библиотекарь",
        "more": {"post": "библиотекарь"},
        "emails": [PERSON],
        "phones": ["+77000000001"],
        "since": now,
        "address": PERSON,
        "on_file": True,
        "suppressed": False,
        "suppressed_since": None,
        "suppressions": [],
        "blocked": False,
        "blocked_at": None,
        "legal_hold": None,
    } == {name: value for name, value in row.items() if name not in {"consents", "contacts", "amendments"}}
    assert {
        "scope": "promotion",
        "since": "2025-01-01",
        "until": None,
        "evidence": "form 12",
        "expires_on": "2090-01-01",
        "text_version": "v3",
        "source": "site",
        "legal_ground": "art. 7",
        "recipients": "ТОО",
    } == row["consents"][1]
    assert {"kind": "email", "value": PERSON, "source": "import", "since": now, "reference": None} == row["contacts"][0]
    behind = {"at": now, "who": "mailbot", "why": "asked by letter", "reference": reference, "undone_at": None}
    assert [{"field": "surname", "old": "=SUM(A1)", "new": "Үлгі", **behind}] == row["amendments"]


def test_a_person_is_shown_in_words(mailbot: Type, config: Path) -> None:
    put_aigul(config)
    change_surname(config)
    lines = mailbot("subscribers", "show", PERSON, "--config", config).out.splitlines()
    ended = "informing since 2025-01-01 until 2026-01-01"
    running = (
        "promotion since 2025-01-01 evidence form 12 expires on 2090-01-01 text version v3 source site legal ground art. 7 recipients ТОО"
    )
    assert {f"consents: {ended}; {running}", "blocked: no", "suppressed: no", "legal_hold: -"} <= set(lines)
    assert any(line.startswith("amendments: surname: =SUM(A1) → Үлгі at 2026-11-20") for line in lines)


# --- acts --------------------------------------------------------------------------------------------------------------
def test_a_person_is_blocked_and_unblocked_with_a_reason(mailbot: Type, config: Path) -> None:
    put_aigul(config)
    assert Ran(0, "Now blocked.\n", "") == mailbot("subscribers", "block", PERSON, "--why", "asked by telephone", "--config", config)
    said = f"mailbot: {PERSON} is blocked already\n"
    assert Ran(1, "", said) == mailbot("subscribers", "block", PERSON, "--why", "again", "--config", config)
    assert shown(mailbot, config)["blocked"]
    assert Ran(0, "Now not blocked.\n", "") == mailbot("subscribers", "unblock", PERSON, "--why", "cleared up", "--config", config)
    assert Ran(1, "", f"mailbot: {PERSON} is not blocked\n") == mailbot(
        "subscribers", "unblock", PERSON, "--why", "again", "--config", config
    )
    assert ["asked by telephone", "cleared up"] == [each["why"] for each in shown(mailbot, config)["amendments"]]


def test_staff_stop_an_address_and_let_it_go_again(mailbot: Type, config: Path) -> None:
    ran = mailbot("subscribers", "suppress", PERSON, "--why", "asked by telephone", "--config", config)
    assert Ran(0, "Stopped: messages.\n", "") == ran
    again = mailbot("subscribers", "suppress", PERSON, "--why", "asked by telephone", "--config", config)
    assert Ran(1, "", f"mailbot: {PERSON}: staff have stopped that already\n") == again
    assert shown(mailbot, config)["suppressed"]
    with open_desk(config) as desk:
        assert is_suppressed(desk)
    ran = mailbot("subscribers", "resume", PERSON, "--config", config)
    assert (0, "Messages to it are no longer stopped (staff).\n") == (ran.status, ran.out)
    with open_desk(config) as desk:
        assert not is_suppressed(desk)


def test_a_stop_of_one_scope_stops_no_other(mailbot: Type, config: Path) -> None:
    mailbot("subscribers", "suppress", PERSON, "--scope", "promotion", "--why", "asked by telephone", "--config", config)
    row = shown(mailbot, config)
    assert (False, ["promotion"]) == (row["suppressed"], [each["scope"] for each in row["suppressions"]])


def test_what_a_request_changed_is_undone_and_its_history_says_so(mailbot: Type, config: Path) -> None:
    put_aigul(config)
    reference = change_surname(config)
    ran = mailbot("subscribers", "undo", reference.lower(), "--why", "it was not her", "--config", config)
    assert Ran(0, "surname: Үлгі → =SUM(A1)\n", "") == ran
    with open_desk(config) as desk:
        assert "undone" == history(desk, reference)[-1]
    said = f"mailbot: {reference} has changed nothing on file that could be put back\n"
    assert Ran(1, "", said) == mailbot("subscribers", "undo", reference, "--why", "again", "--config", config)


def test_what_was_changed_since_is_told_and_stays(mailbot: Type, config: Path) -> None:
    put_aigul(config)
    reference = change_surname(config)
    with open_desk(config) as desk, desk.database.write() as tx:
        amendments.amend(tx, 1, [Change(Field.SURNAME, None, "Дана")], Behind(NOW, "staff:dana", "by telephone"))
    ran = mailbot("subscribers", "undo", reference, "--why", "it was not her", "--config", config)
    assert Ran(1, "", f"surname stays Дана: it is not what {reference} made it\n") == ran


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("block", "aigul", "--why", "x"), "aigul is not an e-mail address"),
        (("suppress", "aigul", "--why", "x"), "aigul is not an e-mail address"),
        (("block", PERSON), "Missing option '--why'"),
        (("block", PERSON, "--why", " "), 'is empty; say why: --why "asked by telephone"'),
        (("suppress", PERSON, "--why", "x", "--scope", "transfer"), "'transfer' is not one of"),
        (("suppressions", "--since", "yesterday"), "yesterday is not a day; write 2026-11-25 or 25.11.2026"),
        (("suppressions", "--format", "xml"), "'xml' is not one of"),
        (("export", "--format", "xml"), "'xml' is not one of"),
        (("import", "people.csv", "--encoding", "koi8-r"), "'koi8-r' is not one of"),
        (("import", "people.csv", "--map", "Почта=mail"), "Почта=mail: write TITLE=COLUMN; columns are email, phone,"),
        (("import", "people.csv", "--map", "email"), "email: write TITLE=COLUMN; columns are email, phone,"),
        (("undo", "2026-00042-K"), "Missing option '--why'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_typed_wrong_is_2_and_says_what_is_right(mailbot: Type, config: Path, typed: tuple[str, ...], said: str) -> None:
    ran = mailbot("subscribers", *typed, "--config", config)
    assert (2, "") == (ran.status, ran.out)
    assert said in ran.err


def test_who_or_what_is_unknown_is_1_and_a_sentence(mailbot: Type, config: Path) -> None:
    told = "mailbot: nobody@example.com is not on file\n"
    assert Ran(1, "", told) == mailbot("subscribers", "block", "nobody@example.com", "--why", "x", "--config", config)
    told = "mailbot: there is no request 2026-00042-K; `mailbot requests list` shows them\n"
    assert Ran(1, "", told) == mailbot("subscribers", "undo", "2026-00042-K", "--why", "x", "--config", config)


# --- import ------------------------------------------------------------------------------------------------------------
def test_an_import_says_what_it_reads_who_stays_suppressed_and_what_it_would_do(mailbot: Type, config: Path, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_bytes(f"Почта;фамилия;card\n{PERSON};Серикова;17\nбез адреса;;\n".encode("cp1251"))
    mailbot("subscribers", "suppress", PERSON, "--why", "asked by telephone", "--config", config)
    typed = ("subscribers", "import", people, "--map", "Почта=email", "--map", "Фамилия=surname", "--ignore", "Card", "--config", config)
    read_as = "the file is not UTF-8 and is read as windows-1251\nline 3, email: "
    for options, out in (
        (("--dry-run",), "1 would be put on file, 1 lines would be refused.\nMessages to 1 of them stay stopped.\nNothing was written.\n"),
        ((), "1 put on file, 1 lines refused.\nMessages to 1 of them stay stopped.\n"),
    ):
        ran = mailbot(*typed, *options)
        assert (1, out, True) == (ran.status, ran.out, ran.err.startswith(read_as))
    assert "Серикова" == shown(mailbot, config)["surname"]


# --- export ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("=1", "'=1"),
        ("+7", "'+7"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("  =1", "'  =1"),
        ("a=1", "a=1"),
        ("a -1", "a -1"),
        ("", ""),
    ],
)
def test_h103_a_spreadsheet_computes_no_cell(cell: str, kept: str) -> None:
    assert kept == guarded(cell)


def test_an_export_is_a_spreadsheet_in_utf_8_whatever_the_terminal_is(config: Path) -> None:
    put_aigul(config)
    ran = run_apart(PROGRAM, "subscribers", "export", "--config", config, environment={"PYTHONIOENCODING": "ascii"})
    assert (0, "") == (ran.status, ran.err)
    assert ran.out.startswith(f"\ufeff{CSV_TITLES}\n")
    (row,) = csv.DictReader(io.StringIO(ran.out.removeprefix("\ufeff")))
    assert ("'=SUM(A1)", "Айгүл", "'+77000000001", "post: библиотекарь") == (row["surname"], row["given_name"], row["phones"], row["more"])
    assert row["consents"].startswith("promotion since 2025-01-01 evidence form 12 expires on 2090-01-01")
    assert ("no", "", "") == (row["suppressed"], row["blocked_at"], row["patronymic"])


def test_an_export_with_history_has_ended_consents_provenance_and_changes(mailbot: Type, config: Path) -> None:
    put_aigul(config)
    change_surname(config)
    text = mailbot("subscribers", "export", "--with-history", "--config", config).out
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert row["consents"].startswith("informing since 2025-01-01 until 2026-01-01; promotion")
    assert row["contacts"].startswith(f"{PERSON} source import since 2026-11-20")
    assert row["amendments"].startswith("surname: =SUM(A1) → Үлгі at 2026-11-20")
    (with_history,) = rows(mailbot("subscribers", "export", "--format", "json", "--with-history", "--config", config))
    (without,) = rows(mailbot("subscribers", "export", "--format", "json", "--config", config))
    assert {"contacts", "amendments"} == set(with_history) - set(without)
    assert ([2, 1], "=SUM(A1)") == (
        [len(each["consents"]) for each in (with_history, without)],
        with_history["amendments"][0]["old"],
    )


def test_everybody_is_exported_and_who_is_stopped_is_marked(mailbot: Type, config: Path) -> None:
    with open_desk(config) as desk:
        put_on_file(desk)
        put_on_file(desk, "berik@example.com")
    assert [False, False] == [row["suppressed"] for row in rows(mailbot("subscribers", "export", "--format", "json", "--config", config))]
    mailbot("subscribers", "suppress", "berik@example.com", "--why", "asked by telephone", "--config", config)
    found = rows(mailbot("subscribers", "export", "--format", "json", "--config", config))
    assert [([PERSON], False), (["berik@example.com"], True)] == [(row["emails"], row["suppressed"]) for row in found]


# --- suppressions ------------------------------------------------------------------------------------------------------
def stop_some(config: Path) -> None:
    """Stop messages for requests: to one address twice, to one that is free again, and to one that was destroyed."""
    stopped = {"2026-1": PERSON, "2026-2": PERSON, "2026-3": "berik@example.com", "2026-4": "gone@example.com"}
    with open_desk(config) as desk:
        put_on_file(desk)
        put_on_file(desk, "berik@example.com")
        with desk.database.write() as tx:
            subscribers.stop_messages(tx, {name: desk.keys.of_address(mailbox_key(address)) for name, address in stopped.items()}, NOW)
            subscribers.resume_messages(tx, "2026-3", LATER)
            tx.execute(update(suppressions).where(suppressions.c.reference == "2026-2").values(since=LATER))


NAMELESS = "1 more of which only the keyed hash is left: the import refuses to bring them back\n"


def test_a_mailing_tool_gets_each_stopped_address_once_as_text(mailbot: Type, config: Path) -> None:
    stop_some(config)
    assert Ran(0, f"{PERSON}\n", NAMELESS) == mailbot("subscribers", "suppressions", "--format", "txt", "--config", config)


def test_a_mailing_tool_gets_every_stop_as_csv_and_json(mailbot: Type, config: Path) -> None:
    stop_some(config)
    ran = mailbot("subscribers", "suppressions", "--config", config)
    lines = ["address,scope,since,reference,lifted", f"{PERSON},messages,{NOW},2026-1,", f"{PERSON},messages,{LATER},2026-2,"]
    assert (0, lines, NAMELESS) == (ran.status, ran.out.splitlines(), ran.err)
    ran = mailbot("subscribers", "suppressions", "--format", "json", "--config", config)
    first = {"address": PERSON, "scope": "messages", "since": str(NOW), "reference": "2026-1", "lifted": None}
    assert [first, {**first, "since": str(LATER), "reference": "2026-2"}] == [json.loads(line) for line in ran.out.splitlines()]


def test_since_a_day_the_list_has_what_is_new_and_marks_what_was_lifted(mailbot: Type, config: Path) -> None:
    stop_some(config)
    typed = ("subscribers", "suppressions", "--since", LATER.date(), "--config", config)
    found = {(row["address"], row["reference"]): row["lifted"] for row in csv.DictReader(io.StringIO(mailbot(*typed).out))}
    assert {(PERSON, "2026-2"): "", ("berik@example.com", "2026-3"): str(LATER)} == found
    assert f"{PERSON}\n" == mailbot(*typed, "--format", "txt").out


def test_an_address_that_looks_like_a_formula_is_not_altered_for_a_mailing_tool(mailbot: Type, config: Path) -> None:
    """With an apostrophe before it, it would be somebody else's, and messages would go on."""
    mailbot("subscribers", "suppress", "+tag@example.com", "--why", "asked by telephone", "--config", config)
    assert "+tag@example.com," in mailbot("subscribers", "suppressions", "--config", config).out.splitlines()[1]


def test_h113_the_systems_that_only_a_request_tells_are_named(mailbot: Type, tmp_path: Path) -> None:
    config = office(tmp_path, systems=("newsletter", "shop"))
    put_aigul(config)
    here = "Only mailbot's own store was changed; do the same yourself in: newsletter, shop.\n"
    acts = (("suppress", "--why", "by telephone"), ("resume",), ("block", "--why", "by telephone"), ("unblock", "--why", "by telephone"))
    for act, *more in acts:
        assert mailbot("subscribers", act, PERSON, *more, "--config", config).out.endswith(here)
    reference = change_surname(config)
    assert mailbot("subscribers", "undo", reference, "--why", "by telephone", "--config", config).out.endswith(here)
