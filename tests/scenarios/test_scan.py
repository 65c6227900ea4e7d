"""``mailbot scan`` against a real server: the mailbox is only read, what lies there is told, and what is chosen is taken in (H9)."""

import io
import json
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from mailbot.config import load_config
from mailbot.rehearsal import Progress, Rehearsal, take_in_chosen
from rules.place import Cursor
from rules.vocabulary import Outcome
from storage import ledger, register
from storage.tables import ledger as ledger_table
from storage.tables import notes, receipts
from tests.conftest import ConfigFile, write_config
from tests.mailbot.scripted_imap import Scripted, head
from tests.mailbot.typing_room import PROGRAM, Ran, Type, typist
from tests.scenarios.managed import Service
from tests.scenarios.outside import (
    append_all,
    letters_in,
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
from tests.scenarios.test_ears import at_desk
from tests.scenarios.test_reading_the_mailbox import add_inbox
from tests.servers import CapturingSmtp, Dovecot, Postgresql

NOW = datetime.now(UTC)
UPDATE, HELD = "Personal Data Update", "Personal data"
ADDRESS = "@example.com"


@pytest.fixture
def mailbot(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Return what types commands in an empty folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return typist(capsys)


@dataclass(frozen=True)
class Clock:
    """A clock that stands."""

    moment: datetime

    def __call__(self) -> datetime:
        return self.moment


def days_ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


def put(dovecot: Dovecot, user: str, mail: Sequence[tuple[bytes, int]], folder: str = "INBOX") -> None:
    """Put messages into a folder, each as old as it says, in days."""
    with dovecot.session(user) as imap:
        imap.multiappend(folder, [{"msg": raw, "date": days_ago(age)} for raw, age in mail])


def told(ran: Ran) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the items and the totals of ``scan --json``."""
    *items, totals = map(json.loads, ran.out.splitlines())
    return items, totals["totals"]


# --- The rehearsal ----------------------------------------------------------------------------------------------------------------


def test_i4_a_rehearsal_finds_the_requests_among_3000_messages_and_changes_nothing(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, mailbot: Type, tmp_path: Path
) -> None:
    config = config_file(inbox={"start": "now"})
    put(dovecot, mailbox, [(ordinary(f"firm{number}"), 60) for number in range(1500)])
    put(dovecot, mailbox, [(request("aigerim", UPDATE), 60), (request("bolat"), 60), (request("dana", HELD), 60)])
    put(dovecot, mailbox, [(message("robot", UPDATE, "away", "Auto-Submitted: auto-replied"), 60)])
    put(dovecot, mailbox, [(ordinary(f"shop{number}"), 50) for number in range(1500)])
    before, files = dovecot.snapshot(mailbox), set(tmp_path.rglob("*"))
    ran = mailbot("scan", "--json", "--config", config)
    items, totals = told(ran)
    assert 0 == ran.status
    found = {item["sender"]: (item["outcome"], item["type"], item["uid"]) for item in items}
    assert found == {
        "aigerim@example.com": ("request", "update", 1501),
        "bolat@example.com": ("request", "opt_out", 1502),
        "dana@example.com": ("held", None, 1503),
    }
    counted = {"looked_at": 3004, "automatic": 1, "held": 1, "ordinary": 3000, "request": 2}
    assert counted | {"not_delivered": 0, "late": 3, "answered_by_hand": 0} == totals
    assert before == dovecot.snapshot(mailbox)
    assert files == set(tmp_path.rglob("*"))  # no store, no page
    assert [] == smtp.envelopes


def test_the_same_demand_again_and_a_second_copy_are_counted_as_such_across_batches(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile, mailbot: Type
) -> None:
    config = config_file(inbox={"batch": 1})
    again = request("aigerim", UPDATE).replace(b"aigerim.1", b"aigerim.2")
    put(dovecot, mailbox, [(request("aigerim", UPDATE), 9), (again, 8), (request("aigerim", UPDATE), 7)])
    items, totals = told(mailbot("scan", "--json", "--config", config))
    assert [1] == [item["uid"] for item in items]
    assert (1, 1, 1) == (totals["request"], totals["follow_up"], totals["duplicate"])


def test_only_what_was_received_since_then_counts_whatever_its_number(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile, mailbot: Type
) -> None:
    config = config_file(inbox={"start": "now"})
    put(dovecot, mailbox, [(request("aigerim"), 40), (request("bolat"), 5), (request("dana"), 40)])
    seen = {since: told(mailbot("scan", "--since", since, "--json", "--config", config)) for since in ("30d", "8w", "2000-01-31")}
    assert [["bolat@example.com"], 3, 3] == [[item["sender"] for item in seen["30d"][0]], len(seen["8w"][0]), len(seen["2000-01-31"][0])]
    assert [1, 3, 3] == [totals["looked_at"] for _, totals in seen.values()]


def test_h112_what_staff_answered_by_hand_is_not_late(dovecot: Dovecot, mailbox: str, config_file: ConfigFile, mailbot: Type) -> None:
    config = config_file(inbox={"sent_folder": "Sent", "start": "now"})
    put(dovecot, mailbox, [(request("aigerim", UPDATE), 60), (request("bolat", UPDATE), 60)])
    dovecot.create_folder(mailbox, "Sent")
    put(dovecot, mailbox, [(message("officer", "Re: hello", "Done.").replace(b"To: info@alit.kz", b"To: bolat@example.com"), 50)], "Sent")
    before = dovecot.snapshot(mailbox, "Sent")
    items, totals = told(mailbot("scan", "--json", "--config", config))
    answered = {item["sender"]: (item["late_since"] is not None, item["answered_on"] is not None) for item in items}
    assert {"aigerim@example.com": (True, False), "bolat@example.com": (False, True)} == answered
    assert (1, 1) == (totals["late"], totals["answered_by_hand"])
    assert before == dovecot.snapshot(mailbox, "Sent")


def test_a_sent_folder_that_is_not_there_is_told_and_keeps_nobody_from_the_inbox(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile, mailbot: Type
) -> None:
    config = config_file(inbox={"sent_folder": "No such folder"})
    dovecot.append(mailbox, request("aigerim"))
    ran = mailbot("scan", "--config", config)
    assert (0, True) == (ran.status, "what staff answered by hand, for no Sent folder is known" in ran.err)


def test_a_request_that_is_due_today_is_not_late(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    received = datetime(2026, 11, 17, 20, 0, tzinfo=UTC)  # the 18th in Almaty
    config = load_config(config_file(inbox={"start": "now"}))
    dovecot.append(mailbox, request("aigerim"), internal_date=received)
    standing = []
    for minute in (-1, 1):
        clock = Clock(datetime(2026, 11, 18, 19, 0, tzinfo=UTC) + timedelta(minutes=minute))  # midnight in Almaty
        with Rehearsal(config, date(2026, 11, 18), clock) as rehearsal:
            rehearsal.look_through(config.inbox[0], lambda _: None)
            found = rehearsal.findings()
        standing += [(item.due, item.late_since(found.today)) for item in found.items]
    assert [(date(2026, 11, 18), None), (date(2026, 11, 18), date(2026, 11, 19))] == standing


def test_progress_reaches_the_whole(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = load_config(config_file(inbox={"batch": 4, "start": "now"}))
    append_all(dovecot, mailbox, [ordinary(f"firm{number}") for number in range(10)])
    seen: list[Progress] = []
    with Rehearsal(config, date.today() - timedelta(days=2), lambda: datetime.now(UTC)) as rehearsal:  # noqa: DTZ011
        rehearsal.look_through(config.inbox[0], seen.append)
    assert [Progress(done, 10) for done in (4, 8, 10)] == seen


def test_an_empty_mailbox_is_said_to_ask_nothing(dovecot: Dovecot, mailbox: str, config_file: ConfigFile, mailbot: Type) -> None:
    ran = mailbot("scan", "--config", config_file())
    assert (0, "Nothing was found that asks for anything.\n") == (ran.status, ran.out)


def test_an_empty_answer_to_search_is_an_empty_mailbox(tmp_path: Path, mailbot: Type) -> None:
    server = Scripted({"UID SEARCH": "* SEARCH\r\nTAG OK\r\n"})
    ran = mailbot("scan", "--json", "--config", write_config(tmp_path, imap_port=server.port, smtp_port=1))
    server.close()
    assert (0, [], 0) == (ran.status, told(ran)[0], told(ran)[1]["looked_at"])


def test_a_server_that_refuses_to_search_is_a_temporary_failure(tmp_path: Path, mailbot: Type) -> None:
    server = Scripted({"UID SEARCH": "TAG NO not now\r\n"})
    ran = mailbot("scan", "--config", write_config(tmp_path, imap_port=server.port, smtp_port=1))
    server.close()
    assert (75, "") == (ran.status, ran.out)


def test_a_wrong_password_is_a_mistake_of_the_configuration(config_file: ConfigFile, mailbot: Type, tmp_path: Path) -> None:
    config = config_file()
    (tmp_path / "imap.password").write_text("wrong")
    ran = mailbot("scan", "--config", config)
    assert (78, "") == (ran.status, ran.out)


def test_a_server_that_cannot_be_reached_is_a_temporary_failure(tmp_path: Path, mailbot: Type) -> None:
    ran = mailbot("scan", "--config", write_config(tmp_path, imap_port=1, smtp_port=1))
    assert (75, "") == (ran.status, ran.out)


def broken_off(at_second: Callable[[], str]) -> dict[str, str | Callable[[str], str]]:
    """Return the script of a server with two requests; when the text of the second is asked for, something happens."""
    header = request("aigerim", UPDATE).decode().partition("\r\n\r\n")[0] + "\r\n\r\n"
    whole = f"* 1 FETCH (UID 1 BODY[] {{{len(header)}}}\r\n{header})\r\nTAG OK\r\n"
    received = days_ago(3).strftime("%d-%b-%Y %H:%M:%S +0000")
    return {
        "UID SEARCH": "* SEARCH 1 2\r\nTAG OK\r\n",
        "UID FETCH 1 (INTERNALDATE": head(1, header, received=received) + "TAG OK\r\n",
        "UID FETCH 1 (BODY": whole,
        "UID FETCH 2 (INTERNALDATE": head(2, header, received=received) + "TAG OK\r\n",
        "UID FETCH 2 (B": lambda _: at_second(),
    }


def test_ctrl_c_ends_quietly_with_what_was_found_so_far(tmp_path: Path) -> None:
    running: list[subprocess.Popen[str]] = []

    def press() -> str:
        running[0].send_signal(signal.SIGINT)
        return "* OK still here\r\n"

    server = Scripted(broken_off(press))
    config = write_config(tmp_path, imap_port=server.port, smtp_port=1, inbox={"batch": 1, "sent_folder": "none"})
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": tmp_path}
    running.append(subprocess.Popen([PROGRAM, "scan", "--json", "--config", str(config)], **pipes))
    out, err = running[0].communicate(timeout=60)
    server.close()
    item, totals = map(json.loads, out.splitlines())
    assert ("aigerim@example.com", 1, False) == (item["sender"], totals["totals"]["looked_at"], totals["complete"])
    assert (130, False) == (running[0].returncode, "Traceback" in err)


def test_what_was_found_before_the_server_went_away_is_told(tmp_path: Path, mailbot: Type) -> None:
    server = Scripted(broken_off(lambda: "CLOSE"))
    config = write_config(tmp_path, imap_port=server.port, smtp_port=1, inbox={"batch": 1})
    ran = mailbot("scan", "--config", config)
    server.close()
    assert (75, 1) == (ran.status, ran.out.count("aigerim@example.com"))
    assert "This is only what was found until it was broken off." in ran.err


def test_i6_no_log_line_names_anybody(dovecot: Dovecot, mailbox: str, config_file: ConfigFile, mailbot: Type) -> None:
    append_all(dovecot, mailbox, [request("aigerim"), request("dana", HELD), b"no header at all"])
    assert ADDRESS not in mailbot("scan", "--config", config_file()).err


# --- The page ---------------------------------------------------------------------------------------------------------------------


def test_the_page_is_for_its_owner_only_and_replaces_none(dovecot: Dovecot, mailbox: str, config_file: ConfigFile, mailbot: Type) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim"))
    for _ in range(2):
        assert 0 == mailbot("scan", "--config", config).status
    pages = sorted(Path().glob("mailbot-scan-*.html"))
    assert [(True, 0o600)] * 2 == [("aigerim@example.com" in page.read_text(), stat.S_IMODE(page.stat().st_mode)) for page in pages]


def test_a_named_page_that_is_there_is_replaced_only_with_force(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile, mailbot: Type
) -> None:
    config, page = config_file(), Path("page.html")
    page.write_text("mine")
    assert (2, "mine") == (mailbot("scan", "--html", page, "--config", config).status, page.read_text())
    assert (0, "<!DOCTYPE html>") == (mailbot("scan", "--html", page, "--force", "--config", config).status, page.read_text()[:15])


# --- What is asked for wrongly ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        ("--since", "yesterday"),
        ("--since", "0d"),
        ("--since", "2199-01-31"),
        ("--inbox", "nobody@alit.kz"),
        ("7",),
        ("--all",),
        ("--take-in",),
    ],
)
def test_a_mistake_of_usage_is_told_before_anything_is_looked_at(tmp_path: Path, mailbot: Type, options: tuple[str, ...]) -> None:
    assert 2 == mailbot("scan", *options, "--config", write_config(tmp_path, imap_port=1, smtp_port=1)).status


def test_a_uid_that_was_not_found_takes_nothing_in(dovecot: Dovecot, mailbox: str, config_file: ConfigFile, mailbot: Type) -> None:
    config = config_file(inbox={"start": "now"})
    append_all(dovecot, mailbox, [request("aigerim"), ordinary("firm")])
    ran = mailbot("scan", "--take-in", "1", "2", "--config", config)
    assert (1, False) == (ran.status, Path(load_config(config).store.url.removeprefix("sqlite:///")).exists())


# --- Taking in --------------------------------------------------------------------------------------------------------------------


def test_h9_what_is_taken_in_has_its_day_of_receipt_and_no_letter_and_comes_once(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, mailbot: Type
) -> None:
    config = config_file(inbox={"start": "now"})
    put(dovecot, mailbox, [(ordinary("firm"), 70), (request("aigerim", UPDATE), 60), (request("bolat"), 3), (request("dana", HELD), 60)])
    before = dovecot.snapshot(mailbox)
    first = mailbot("scan", "--take-in", "--all", "--config", config)
    once = requests_in(config)
    again = mailbot("scan", "--take-in", "--all", "--config", config)
    assert [0, 0, 0, 0] == [first.status, again.status, run_once(config).exit_status, run_once(config).exit_status]
    assert 3 == again.out.count("it is in the register already")
    assert once == requests_in(config)
    kept = {each.sender: (each.type, str(each.outcome), "too_old" in each.flags, each.state) for each in once}
    assert kept == {
        "aigerim@example.com": ("update", "request", True, "awaiting_staff"),
        "bolat@example.com": ("opt_out", "request", True, "awaiting_staff"),
        "dana@example.com": (None, "held", True, "awaiting_staff"),
    }
    assert {days_ago(60).date(), days_ago(3).date()} == {each.received_at.date() for each in once}
    assert all(each.due and each.due < NOW.date() for each in once if each.sender != "bolat@example.com")
    assert {"request": 2, "held": 1} == outcomes_in(config)
    assert ((), []) == (letters_in(config), smtp.envelopes)
    assert before == dovecot.snapshot(mailbox)
    with store_of(config) as tx:
        assert 3 == len(tx.execute(receipts.select()).all())


def test_a_request_that_comes_after_the_taking_in_is_answered_as_ever(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, mailbot: Type
) -> None:
    config = config_file(inbox={"start": "now"})
    put(dovecot, mailbox, [(request("aigerim", UPDATE), 60)])
    mailbot("scan", "--take-in", "1", "--config", config)
    dovecot.append(mailbox, request("bolat"))
    run_once(config)
    assert {"bolat@example.com": 1} == seen_by(smtp)
    assert {"request": 2} == outcomes_in(config)


def test_what_run_has_still_to_take_in_is_left_to_it(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, mailbot: Type
) -> None:
    config = config_file(inbox={"start": days_ago(30).date().isoformat()})
    put(dovecot, mailbox, [(request("aigerim", UPDATE), 60), (request("bolat"), 3)])
    ran = mailbot("scan", "--take-in", "--all", "--config", config)
    assert "INBOX/2: it is new: `mailbot run` takes it in by itself\n" in ran.out
    assert ["aigerim@example.com"] == [each.sender for each in requests_in(config)]
    run_once(config)
    assert {"bolat@example.com": 1} == seen_by(smtp)


def seen_as(dovecot: Dovecot, user: str, config: Path, outcome: Outcome) -> None:
    """Let the ledger know a request, UID 2, as something else, as before an update of the recogniser."""
    dovecot.append(user, ordinary("firm"))
    run_once(config)
    dovecot.append(user, request("aigerim", UPDATE))
    with at_desk(config) as desk, desk.database.write() as tx:
        tx.execute(ledger_table.update().values(uid=2, outcome=outcome))
        pass_by(tx)


def pass_by(tx: Connection) -> Cursor:
    """Move the cursor past UID 2."""
    cursor = ledger.cursor_of(tx, "info@alit.kz", "INBOX")
    assert cursor is not None
    ledger.place_cursor(tx, replace(cursor, last_uid=2))
    return cursor


@pytest.mark.parametrize("outcome", [Outcome.ORDINARY, Outcome.AUTOMATIC])
def test_what_was_passed_over_is_taken_in_and_a_note_says_so(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, mailbot: Type, outcome: Outcome
) -> None:
    config = config_file()
    seen_as(dovecot, mailbox, config, outcome)
    ran = mailbot("scan", "--take-in", "2", "--config", config)
    (kept,) = requests_in(config)
    assert f"INBOX/2: taken in as request, {kept.reference}\n" in ran.out
    assert [(2, "request")] == [(line.uid, line.outcome) for line in lines_in(config)]
    with store_of(config) as tx:
        (note,) = tx.execute(notes.select()).all()
        assert "taken_in_by_hand" in [event.what for event in register.history_of(tx, kept.reference)]
    assert ("read_again", {"outcome": "request"}) == (note.what, note.detail)
    assert [] == smtp.envelopes


def test_h22_what_is_set_aside_is_left_to_held_retry(dovecot: Dovecot, mailbox: str, config_file: ConfigFile, mailbot: Type) -> None:
    config = config_file()
    seen_as(dovecot, mailbox, config, Outcome.SHUNTED)
    ran = mailbot("scan", "--take-in", "2", "--config", config)
    assert ("INBOX/2: it is set aside: see `mailbot held show m1`\n" in ran.out, ()) == (True, requests_in(config))


def test_h7_what_run_waits_for_is_left_to_it(dovecot: Dovecot, mailbox: str, config_file: ConfigFile, mailbot: Type) -> None:
    config = config_file()
    run_once(config)
    append_all(dovecot, mailbox, [ordinary("firm"), request("aigerim", UPDATE)])
    with at_desk(config) as desk, desk.database.write() as tx:
        ledger.set_pending(tx, pass_by(tx), [2], "not_delivered", NOW)
    ran = mailbot("scan", "--take-in", "2", "--config", config)
    assert ("INBOX/2: `mailbot run` tries to fetch it" in ran.out, ()) == (True, requests_in(config))


def test_h21_messages_are_taken_in_while_the_daemon_runs(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, mailbot: Type, tmp_path: Path
) -> None:
    config = config_file(inbox={"start": "now"})
    put(dovecot, mailbox, [(request("aigerim", UPDATE), 60)])
    with Service(config, str(tmp_path / "notify")) as daemon:
        daemon.hear_pings(1, "waits for mail")
        ran = mailbot("scan", "--take-in", "--all", "--config", config)
        assert 0 == daemon.end()
    assert (0, {"request": 1}) == (ran.status, outcomes_in(config))
    assert {("officer@example.com",)} >= {envelope.recipients for envelope in smtp.envelopes}


class Keyboard(io.StringIO):
    """Somebody at a terminal who has typed all answers already."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "taken"),
    [("y\nn\ny\n", ["aigerim", "dana"]), ("n\nwhat?\nall\n", ["bolat", "dana"]), ("y\nquit\n", ["aigerim"]), ("quit\n", [])],
)
def test_at_a_terminal_each_item_is_asked_for(
    dovecot: Dovecot,
    mailbox: str,
    config_file: ConfigFile,
    mailbot: Type,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    taken: list[str],
) -> None:
    config = config_file(inbox={"start": "now"})
    put(dovecot, mailbox, [(request(name, UPDATE), age) for name, age in (("aigerim", 63), ("bolat", 56), ("dana", 49))])
    monkeypatch.setattr(sys, "stdin", Keyboard(typed))
    ran = mailbot("scan", "--take-in", "--config", config)
    assert (0, [f"{name}@example.com" for name in taken]) == (ran.status, sorted(str(each.sender) for each in requests_in(config)))


def test_h4_a_number_that_two_inboxes_hand_out_needs_the_name_of_one(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile, mailbot: Type
) -> None:
    config = config_file(inbox={"start": "now"})
    add_inbox(config, {"address": "dpo@alit.kz", "user": f"{mailbox}-dpo", "start": "now"})
    put(dovecot, mailbox, [(request("aigerim", UPDATE), 60)])
    put(dovecot, f"{mailbox}-dpo", [(request("bolat", UPDATE), 60)])
    assert (1, ()) == (mailbot("scan", "--take-in", "1", "--config", config).status, requests_in(config))
    assert 0 == mailbot("scan", "--take-in", "1", "--inbox", "dpo@alit.kz", "--config", config).status
    assert ["bolat@example.com"] == [each.sender for each in requests_in(config)]


def test_h97_what_is_taken_in_on_postgresql_comes_once(
    dovecot: Dovecot, postgresql: Postgresql, mailbox: str, config_file: ConfigFile, mailbot: Type
) -> None:
    config = config_file(inbox={"start": "now"}, store={"url": postgresql.fresh_database()})
    put(dovecot, mailbox, [(request("aigerim", UPDATE), 60), (request("dana", HELD), 60)])
    told = [mailbot("scan", "--take-in", "--all", "--json", "--config", config).out.splitlines()[-2:] for _ in range(2)]
    assert [["taken in as held", "taken in as request"], ["it is in the register already"] * 2] == [
        sorted(json.loads(line)["told"] for line in lines) for lines in told
    ]
    assert {"request": 1, "held": 1} == outcomes_in(config)


def test_what_the_server_renumbered_meanwhile_is_not_taken_in(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file(inbox={"start": "now"})
    put(dovecot, mailbox, [(request("aigerim", UPDATE), 60)])
    settings = load_config(config)
    with Rehearsal(settings, days_ago(90).date(), lambda: NOW) as rehearsal:
        rehearsal.look_through(settings.inbox[0], lambda _: None)
        (item,) = rehearsal.findings().items
    dovecot.reset_uidvalidity(mailbox)
    with at_desk(config) as desk:
        (taken,) = take_in_chosen(desk, settings.inbox[0], [item.request.place], "officer")
    assert (None, "the server renumbered the folder meanwhile: scan again") == (taken.reference, taken.told)
    assert () == requests_in(config)
