"""``mailbot evidence`` as somebody types it."""

import json
import stat
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update

from rules.vocabulary import RequestType
from storage import chain
from storage.tables import events
from tests.mailbot.register_room import arrive, office, open_desk
from tests.mailbot.typing_room import Ran, Type, typist

DAYS = ("--from", "1.1.2026", "--to", "31.12.2026")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return office(tmp_path)


@pytest.fixture
def mailbot(capsys: pytest.CaptureFixture[str], config: Path) -> Type:
    """Return what types ``mailbot evidence …``."""
    type_ = typist(capsys)
    return lambda *arguments: type_("evidence", *arguments, "--config", config)


@pytest.fixture
def reference(config: Path) -> str:
    """Return a request that arrived."""
    with open_desk(config) as desk:
        return arrive(desk, RequestType.ACCESS)


def head_of(config: Path) -> str:
    with open_desk(config) as desk, desk.database.read() as tx:
        return (chain.head(tx) or b"").hex()


def tamper(config: Path, line: int = 1) -> None:
    with open_desk(config) as desk, desk.database.write() as tx:
        tx.execute(update(events).where(events.c.id == line).values(what="dismissed"))


def test_a_history_that_is_as_it_was_written_ends_well(mailbot: Type, config: Path, reference: str) -> None:
    ran = mailbot("verify")
    assert (0, True) == (ran.status, ran.out.endswith("Every line is as it was written.\n"))
    assert head_of(config) in ran.out


def test_an_empty_store_has_nothing_wrong(mailbot: Type) -> None:
    assert (0, "lines: 0; their words destroyed: 0; head: none yet\nEvery line is as it was written.\n") == (
        (ran := mailbot("verify")).status,
        ran.out,
    )


def test_what_is_wrong_is_told_with_its_line_and_is_an_exit_status(mailbot: Type, config: Path, reference: str) -> None:
    tamper(config)
    ran = mailbot("verify")
    assert 1 == ran.status
    assert f"line 1, {reference}: the line was changed, put in, or stands in another's place\n" == ran.out.splitlines(keepends=True)[0]
    assert ran.out.endswith("NOT as it was written; faults: 1\n")


def test_programs_get_it_as_json(mailbot: Type, config: Path, reference: str) -> None:
    sound = json.loads(mailbot("verify", "--json").out)
    assert {"destroyed": 0, "head": head_of(config), "found": 0, "faults": []} == {name: sound[name] for name in sound if name != "lines"}
    tamper(config)
    (fault,) = json.loads(mailbot("verify", "--json").out)["faults"]
    assert ("broken", 1, reference) == (fault["flaw"], fault["line"], fault["reference"])


def test_the_head_of_an_old_digest_is_looked_for_as_it_is_printed(mailbot: Type, config: Path, reference: str) -> None:
    digits = head_of(config)
    printed = [digits, digits[:16].upper(), " ".join(digits[start : start + 4] for start in range(0, 16, 4)), f"{digits[:12]}…"]
    assert [0] * 4 == [mailbot("verify", "--head", each).status for each in printed]
    with open_desk(config) as desk, desk.database.write() as tx:
        tx.execute(delete(events).where(events.c.id == tx.execute(select(func.max(events.c.id))).scalar_one()))
    ran = mailbot("verify", "--head", digits[:16])
    assert (1, f"no line has the head {digits[:16]}: it is mistyped or another store's, or lines were taken out or written anew") == (
        ran.status,
        ran.out.splitlines()[0],
    )


@pytest.mark.parametrize("head", ["", "1a2b", "no head at all", "12345678z"])
def test_what_is_no_head_is_a_mistake_of_usage(mailbot: Type, head: str) -> None:
    ran = mailbot("verify", "--head", head)
    assert (2, "") == (ran.status, ran.out)
    assert "is no head" in ran.err


def test_many_faults_are_cut_short(mailbot: Type, config: Path, reference: str) -> None:
    with open_desk(config) as desk, desk.database.write() as tx:
        chain.append(tx, [(reference, "follow_up", "sender", {})] * 120, desk.now())
        tx.execute(update(events).values(who="somebody"))
        count = tx.execute(select(func.count()).select_from(events)).scalar_one()
    assert f"… and {count - 100} more" in mailbot("verify").out.splitlines()


def test_a_dossier_is_written_as_a_page_and_as_json_for_its_owner_alone(mailbot: Type, tmp_path: Path, reference: str) -> None:
    page, data = tmp_path / "dossier.html", tmp_path / "dossier.json"
    page.touch(mode=0o644)
    ran = mailbot("export", reference.lower(), "--html", page, "--json", data)
    assert (0, f"{data} is written\n{page} is written\n") == (ran.status, ran.out)
    assert reference == json.loads(data.read_text("utf-8"))["reference"]
    assert f"Досье обращения {reference}" in page.read_text("utf-8"), "in the language of the staff"
    assert {0o600} == {stat.S_IMODE(file.stat().st_mode) for file in (page, data)}


def test_without_a_file_the_page_is_named_after_the_request(
    mailbot: Type, tmp_path: Path, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"{reference}.html is written\n" == mailbot("export", reference).out
    assert reference in (tmp_path / f"{reference}.html").read_text("utf-8")


def test_a_program_may_read_a_dossier_from_standard_output(mailbot: Type, reference: str) -> None:
    assert reference == json.loads(mailbot("export", reference, "--json", "-").out)["reference"]


def test_a_wrong_reference_and_a_folder_that_is_not_there_are_sentences(mailbot: Type, tmp_path: Path, reference: str) -> None:
    wrong = mailbot("export", "2026-99999-K")
    assert (1, "mailbot: there is no request 2026-99999-K; `mailbot requests list` shows them\n") == (wrong.status, wrong.err)
    nowhere = mailbot("export", reference, "--html", tmp_path / "none" / "page.html")
    assert (1, True) == (nowhere.status, nowhere.err.endswith("page.html cannot be written: no such file or directory\n"))


def test_promises_are_a_table_lines_of_json_or_a_page(mailbot: Type, tmp_path: Path, reference: str) -> None:
    table = mailbot("promises", *DAYS)
    assert ["promise", "called", "kept", "late", "open", "ended", "worst case"] == table.out.splitlines()[0].split("\t")
    rows = [json.loads(line) for line in mailbot("promises", *DAYS, "--json").out.splitlines()]
    assert len(rows) == len(table.out.splitlines()) - 1
    called = next(row for row in rows if row["source"] == "Policy clause 3.2")
    assert (1, 1, reference) == (called["called"], called["open"] + called["late"], called["worst"]["reference"])
    mailbot("promises", *DAYS, "--html", tmp_path / "promises.html")
    assert "Policy clause 3.2" in (tmp_path / "promises.html").read_text("utf-8")


def test_days_that_are_none_or_stand_the_wrong_way_round_are_mistakes_of_usage(mailbot: Type) -> None:
    wrong = mailbot("promises", "--from", "yesterday", "--to", "1.1.2026"), mailbot("promises", "--from", "2.1.2026", "--to", "1.1.2026")
    assert [2, 2] == [ran.status for ran in wrong]
    assert "the last day is before the first" in " ".join(wrong[1].err.split())


@pytest.mark.parametrize("command", [(), ("export",), ("promises",)], ids=["evidence", "export", "promises"])
def test_without_arguments_there_is_help(capsys: pytest.CaptureFixture[str], command: tuple[str, ...]) -> None:
    ran: Ran = typist(capsys)("evidence", *command)
    assert "Usage: mailbot evidence" in ran.out + ran.err
