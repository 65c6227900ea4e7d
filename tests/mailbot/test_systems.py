"""Other systems, and the commands that keep them in step: real programs, run as the contract says."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from sqlalchemy import text

from mailbot import corrections, staff, systems
from mailbot.checkup import check_everything
from mailbot.commands import Answer, Carried, line_of, problems_of, run, run_due
from mailbot.config import System, load_config
from mailbot.desk import Desk
from mailbot.digest import gather
from mailbot.digest_words import Section
from mailbot.logs import set_up_logs
from rules.addresses import mailbox_key
from rules.details_change import Change, Field
from rules.vocabulary import Duty, Language, RequestType, State
from storage import register, subscribers, tasks
from storage.subscribers import Consent, NewSubscriber
from storage.tasks import ListedTask
from tests.conftest import toml_table
from tests.mailbot.digest_room import Tags, a_digest, a_page, an_order
from tests.mailbot.register_room import (
    NOW,
    PERSON,
    act,
    arrive,
    details,
    kinds_to,
    office,
    open_desk,
    put_on_file,
    request,
    still_owed,
)
from tests.mailbot.typing_room import Ran, Type, typist
from tests.scenarios.managed import GIVE_UP_SECONDS
from tests.scenarios.outside import store_of

ME = "staff:dana"
SOON = 0.2
"""Seconds that a command gets which hangs for an hour."""


# --- what is set up --------------------------------------------------------------------------------------------------
def script(folder: Path, lines: str, name: str = "crm.sh") -> str:
    """Write a program; it finds its own folder in $here."""
    program = folder / name
    program.write_text(f"#!/bin/sh\nhere={folder}\n{lines}\n", encoding="utf-8")
    program.chmod(0o755)
    return str(program)


def configured(folder: Path, *tables: dict[str, object]) -> Path:
    path = office(folder)
    path.write_text(path.read_text(encoding="utf-8") + "".join(toml_table("system", keys) for keys in tables), encoding="utf-8")
    return path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration in which the CRM has a command, 1C is kept by hand and the shop reads the view."""
    crm: dict[str, object] = {"name": "crm", "mode": "command", "command": [str(tmp_path / "crm.sh"), "--now"], "timeout_seconds": 30}
    return configured(tmp_path, crm, {"name": "1c"}, {"name": "shop", "mode": "view"})


@pytest.fixture
def desk(config: Path) -> Iterator[Desk]:
    with open_desk(config) as desk:
        yield desk


@pytest.fixture
def crm(config: Path) -> System:
    return load_config(config).system[0]


def at(desk: Desk, later: timedelta) -> Desk:
    return replace(desk, now=lambda: NOW + later)


def carry_out(desk: Desk, system: System) -> Carried:
    return asyncio.run(run_due(desk, system))


def queue(desk: Desk, reference: str, *about_to: str) -> None:
    with desk.database.write() as tx:
        systems.queue_for(tx, desk, reference, about_to)


def ahead(desk: Desk) -> list[ListedTask]:
    with desk.database.read() as tx:
        return list(tasks.waiting_in(tx, "crm"))


def clear(desk: Desk) -> None:
    """Forget what intake has queued."""
    with desk.database.write() as tx:
        tx.execute(text("DELETE FROM tasks"))


def whats(desk: Desk) -> list[str]:
    return sorted(task.what for task in ahead(desk))


def payload(desk: Desk, what: str = "") -> dict[str, Any]:
    """Return what a command would be told."""
    with desk.database.read() as tx:
        chosen = text("SELECT payload FROM tasks WHERE what = :what OR :what = '' ORDER BY id")
        return dict(json.loads(tx.execute(chosen, {"what": what}).scalars().first() or "{}"))


def opted_out(desk: Desk, sender: str = PERSON) -> str:
    """Let a person opt out; 1C and the shop have done their part."""
    reference = arrive(desk, RequestType.OPT_OUT, sender)
    for what, system in still_owed(desk, reference):
        if system != "crm":
            act(desk, staff.tick_off, reference, ME, what=what, system=system)
    queue(desk, reference)
    return reference


# --- what is queued --------------------------------------------------------------------------------------------------
def test_a_stop_of_messages_is_queued_at_once_for_the_system_with_a_command_alone(desk: Desk) -> None:
    opted_out(desk)
    assert [("crm", "stop_messages")] == [(task.system, task.what) for task in ahead(desk)]


def test_a_command_is_told_what_staff_made_of_a_held_request(desk: Desk) -> None:
    act(desk, corrections.give_type, arrive(desk, None, may_be=(RequestType.OPT_OUT,)), ME, RequestType.OPT_OUT)
    assert [("crm", "stop_messages")] == [(task.system, task.what) for task in ahead(desk)]


def test_of_a_revocation_messages_stop_at_once_and_the_rest_follows_the_approval(desk: Desk) -> None:
    reference = arrive(desk, RequestType.REVOKE_CONSENT)
    queue(desk, reference)
    assert ["stop_messages"] == whats(desk)
    act(desk, staff.approve, reference, ME)
    queue(desk, reference)
    assert ["stop_messages", "stop_processing"] == whats(desk)


@pytest.mark.parametrize("kind", [RequestType.UPDATE, RequestType.DESTROY, RequestType.BLOCK, RequestType.UNBLOCK, RequestType.ACCESS])
def test_nothing_that_cannot_be_undone_is_queued_before_it_is_approved(desk: Desk, kind: RequestType) -> None:
    queue(desk, arrive(desk, kind))
    assert [] == [what for what in whats(desk) if what != Duty.STOP_MESSAGES]


def test_messages_that_go_again_are_not_stopped_elsewhere_for_a_revocation_that_is_still_open(desk: Desk) -> None:
    reference = arrive(desk, RequestType.REVOKE_CONSENT)
    act(desk, staff.resume_messages, mailbox_key(PERSON), ME)
    clear(desk)
    assert (Duty.STOP_MESSAGES, "crm") in still_owed(desk, reference)
    queue(desk, reference)
    assert [] == whats(desk)


def test_a_request_that_is_closed_or_unknown_queues_nothing(desk: Desk) -> None:
    reference = arrive(desk, RequestType.OPT_OUT)
    act(desk, staff.tick_off, reference, ME, what=None, system=None)
    clear(desk)
    queue(desk, reference)
    queue(desk, "2026-99999-X")
    assert [] == whats(desk)


def test_a_system_that_is_ticked_off_by_hand_is_not_told(desk: Desk) -> None:
    reference = arrive(desk, RequestType.OPT_OUT)
    act(desk, staff.tick_off, reference, ME, what=Duty.STOP_MESSAGES, system="crm")
    queue(desk, reference)
    assert [] == whats(desk)


def test_a_wrong_tick_that_is_taken_back_is_carried_out_again(desk: Desk, crm: System, tmp_path: Path) -> None:
    script(tmp_path, 'cat >> "$here/told"')
    reference = opted_out(desk)
    carry_out(desk, crm)
    act(desk, staff.reopen, reference, ME, what=Duty.STOP_MESSAGES, system="crm")
    queue(desk, reference)
    carry_out(desk, crm)
    first, again = (tmp_path / "told").read_text().splitlines()
    assert (first, State.CARRIED_OUT) == (again, request(desk, reference).state)


# --- what a command is told ------------------------------------------------------------------------------------------
def test_the_payload_has_the_keys_of_the_contract(desk: Desk) -> None:
    reference = opted_out(desk)
    due = next(owed.due for owed in request(desk, reference).obligations if owed.system == "crm")
    assert {
        "reference": reference,
        "what": "stop_messages",
        "system": "crm",
        "address": PERSON,
        "other_addresses": [],
        "scopes": None,
        "changes": None,
        "due": due and due.isoformat(),
        "requested": NOW.isoformat(),
    } == payload(desk)


def test_the_persons_other_addresses_are_told_also_when_the_person_was_put_on_file_later(desk: Desk) -> None:
    reference = arrive(desk, RequestType.OPT_OUT)
    clear(desk)
    contacts = tuple(
        (kind, value, value) for kind, value in [("email", "second@example.com"), ("email", PERSON), ("phone", "+77000000001")]
    )
    with desk.database.write() as tx:
        subscribers.add_subscribers(tx, [NewSubscriber({}, contacts)], "test", NOW)
    queue(desk, reference)
    assert (PERSON, ["second@example.com"]) == (payload(desk)["address"], payload(desk)["other_addresses"])


def test_of_a_person_who_is_about_to_be_destroyed_all_addresses_are_told(desk: Desk) -> None:
    """What is queued afterwards could name nobody but the sender."""
    contacts = tuple(("email", value, mailbox_key(value)) for value in (PERSON, "second@example.com"))
    with desk.database.write() as tx:
        subscribers.add_subscribers(tx, [NewSubscriber({}, contacts)], "test", NOW)
    reference = arrive(desk, RequestType.DESTROY)
    queue(desk, reference, Duty.DESTROY)
    assert ["second@example.com"] == payload(desk, "destroy")["other_addresses"]


def test_a_ban_on_transfer_names_the_scopes_that_end(desk: Desk) -> None:
    queue(desk, arrive(desk, RequestType.RESTRICT_TRANSFER), Duty.STOP_TRANSFER)
    assert ["transfer", "cross_border", "publication"] == payload(desk, "stop_transfer")["scopes"]


def test_an_update_names_its_changes_and_nothing_else_does(desk: Desk) -> None:
    reference = arrive(desk, RequestType.UPDATE)
    with desk.database.write() as tx:
        register.propose(tx, [(reference, Change(Field.SURNAME, None, 'Қыз "Айгүл" О\'Нил'))])
    queue(desk, reference, Duty.AMEND)
    assert [{"field": "surname", "old": None, "new": 'Қыз "Айгүл" О\'Нил'}] == payload(desk, "amend")["changes"]


def test_a_line_is_one_line_of_json_in_utf_8_whatever_stands_in_it() -> None:
    told = {"new": 'Қыз "Айгүл"\r\n\u2028\\ \x00', "half": "\udc80"}
    line = line_of(told)
    assert (1, told) == (line.count(b"\n"), json.loads(line))
    assert "Қыз" in line.decode()


# --- the view --------------------------------------------------------------------------------------------------------
def mailable(desk: Desk) -> set[tuple[str, str]]:
    with desk.database.read() as tx:
        return {(row.address, row.scope) for row in tx.execute(text("SELECT address, scope FROM mailable"))}


@pytest.mark.parametrize(
    ("kind", "duty"),
    [
        (RequestType.OPT_OUT, Duty.STOP_MESSAGES),
        (RequestType.STOP_PROCESSING, Duty.STOP_PROCESSING),
        (RequestType.BLOCK, Duty.BLOCK),
        (RequestType.DESTROY, Duty.DESTROY),
    ],
)
def test_i12_what_the_view_is_said_to_meet_it_shows_as_soon_as_mailbots_own_part_is_done(desk: Desk, kind: RequestType, duty: Duty) -> None:
    with desk.database.write() as tx:
        key = mailbox_key(PERSON)
        consent = Consent("informing", date(2026, 1, 1))
        subscribers.add_subscribers(tx, [NewSubscriber({}, (("email", PERSON, key),), (consent,))], "test", NOW)
        tx.execute(text("UPDATE contacts SET address_key = :key"), {"key": desk.keys.of_address(key)})
    assert {(PERSON, "informing")} == mailable(desk)
    reference = arrive(desk, kind)
    if (duty, "mailbot") in still_owed(desk, reference):
        act(desk, staff.approve, reference, ME, what=duty)
    assert (set(), True) == (mailable(desk), systems.is_met_by_view(duty))


@pytest.mark.parametrize("duty", [Duty.AMEND, Duty.STOP_TRANSFER, Duty.REMOVE_FROM_SOURCE, Duty.ANSWER])
def test_i12_what_a_reader_of_the_view_has_to_do_itself_the_view_does_not_meet(duty: Duty) -> None:
    assert not systems.is_met_by_view(duty)


# --- a command that succeeds -----------------------------------------------------------------------------------------
def test_a_command_gets_its_arguments_one_line_and_nothing_of_ours(
    desk: Desk, crm: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILBOT_CONFIG", "/etc/secret")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/secret")
    script(
        tmp_path, 'pwd > "$here/cwd"; env > "$here/env"; echo "$@" > "$here/arguments"; ls /proc/self/fd > "$here/fds"; cat > "$here/told"'
    )
    opted_out(desk)
    told = payload(desk)
    assert Carried(done=1) == carry_out(desk, crm)
    assert told == json.loads((tmp_path / "told").read_text(encoding="utf-8"))
    given = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    shells_own = {"PWD", "SHLVL", "_", "OLDPWD"}
    assert {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"} == {name: value for name, value in given.items() if name not in shells_own}
    assert ("/\n", "--now\n") == ((tmp_path / "cwd").read_text(), (tmp_path / "arguments").read_text())
    assert ["0", "1", "2", "3"] == (tmp_path / "fds").read_text().split(), "3 is the folder that ls reads"


def test_a_command_in_python_reads_kazakh(desk: Desk, crm: System, tmp_path: Path) -> None:
    program = tmp_path / "crm.sh"
    program.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.load(sys.stdin)['changes'][0]['new'])\n", encoding="utf-8")
    program.chmod(0o755)
    reference = arrive(desk, RequestType.UPDATE)
    with desk.database.write() as tx:
        register.propose(tx, [(reference, Change(Field.SURNAME, None, 'Құдайбергенқызы "Әсем"'))])
    queue(desk, reference, Duty.AMEND)
    assert Carried(done=1) == carry_out(desk, crm)
    with desk.database.read() as tx:
        assert ['exit status 0: Құдайбергенқызы "Әсем"'] == list(tx.execute(text("SELECT reply FROM tasks")).scalars())


def test_h113_a_letter_says_done_only_after_the_command_has_succeeded(desk: Desk, crm: System, tmp_path: Path) -> None:
    """Refused first, then done: the letter that closes the request is written by that alone."""
    put_on_file(desk)
    reference = arrive(desk, RequestType.REVOKE_CONSENT)
    act(desk, staff.approve, reference, ME)
    for what, system in still_owed(desk, reference):
        if system not in ("crm", "mailbot"):
            act(desk, staff.tick_off, reference, ME, what=what, system=system)
    for what, system in still_owed(desk, reference):
        if system == "mailbot":
            act(desk, staff.approve, reference, ME, what=what)
    queue(desk, reference)
    script(tmp_path, "exit 1")
    assert carry_out(desk, crm).put_off
    assert (State.AWAITING_STAFF, ["acknowledgement"]) == (request(desk, reference).state, kinds_to(desk, reference))
    script(tmp_path, "exit 0")
    later = at(desk, timedelta(minutes=1))
    assert carry_out(later, crm).done
    assert (State.CARRIED_OUT, ["acknowledgement", "completion"]) == (request(desk, reference).state, kinds_to(desk, reference))
    assert {"system crm"} == {owed.met_by for owed in request(desk, reference).obligations if owed.system == "crm"}
    assert {"what": "stop_processing", "system": "crm"} in details(desk, reference, "done")


def test_a_command_that_succeeds_after_staff_closed_the_request_changes_nothing(desk: Desk) -> None:
    reference = opted_out(desk)
    act(desk, staff.tick_off, reference, ME, what=Duty.STOP_MESSAGES, system="crm")
    before = request(desk, reference)
    with desk.database.write() as tx:
        staff.met_by_system(desk, tx, reference, Duty.STOP_MESSAGES, "crm")
    assert before == request(desk, reference)


def test_a_hundred_tasks_are_carried_out_in_one_pass(desk: Desk, crm: System, tmp_path: Path) -> None:
    script(tmp_path, 'cat >> "$here/told"')
    for number in range(100):
        queue(desk, arrive(desk, RequestType.OPT_OUT, f"person{number}@example.com"))
    assert Carried(done=100) == carry_out(desk, crm)
    told = [json.loads(line)["address"] for line in (tmp_path / "told").read_text().splitlines()]
    assert [f"person{number}@example.com" for number in range(100)] == told


# --- a command that fails --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        ("echo no such person >&2; exit 1", "exit status 1: no such person"),
        ("echo busy; exit 75", "exit status 75, try later: busy"),
        ("kill -9 $$", "exit status -9"),
    ],
)
def test_a_failing_command_is_tried_again_after_a_minute(desk: Desk, crm: System, tmp_path: Path, lines: str, reply: str) -> None:
    script(tmp_path, lines)
    reference = opted_out(desk)
    assert Carried(put_off=1) == carry_out(desk, crm)
    assert [reply] == [task.reply for task in ahead(desk)]
    assert Carried() == carry_out(at(desk, timedelta(seconds=59)), crm)
    script(tmp_path, "exit 0")
    assert Carried(done=1) == carry_out(at(desk, timedelta(seconds=60)), crm)
    assert State.CARRIED_OUT == request(desk, reference).state


def test_one_task_that_fails_keeps_no_other_back(desk: Desk, crm: System, tmp_path: Path) -> None:
    script(tmp_path, 'case "$(cat)" in *person0@*) exit 1;; esac')
    for number in range(3):
        opted_out(desk, f"person{number}@example.com")
    assert Carried(done=2, put_off=1) == carry_out(desk, crm)


@pytest.mark.parametrize(
    ("mode", "why"), [(None, "cannot be started: no such file or directory"), (0o644, "cannot be started: permission denied")]
)
def test_a_program_that_cannot_be_started_is_tried_once_a_pass(desk: Desk, crm: System, tmp_path: Path, mode: int | None, why: str) -> None:
    for number in range(3):
        opted_out(desk, f"person{number}@example.com")
    if mode is not None:
        Path(script(tmp_path, "exit 0")).chmod(mode)
    assert Carried(put_off=1) == carry_out(desk, crm)
    assert [why, None, None] == [task.reply for task in ahead(desk)]


def hanging(folder: Path) -> str:
    """Write a program that waits for ever, and so does what it starts; both write down their numbers."""
    return script(folder, 'sleep 3600 & echo "$$ $!" > "$here/pids"; echo begun; wait')


def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    answer = asyncio.run(run([hanging(tmp_path)], b"{}\n", SOON))
    assert Answer(None, "had not ended after 0.2 s, and was ended: begun") == answer
    assert all_end((tmp_path / "pids").read_text().split())


def all_end(pids: list[str]) -> bool:
    """Wait until none of the processes runs any more: the kernel takes its time with whoever is nobody's child."""
    give_up = monotonic() + GIVE_UP_SECONDS
    while any(map(is_alive, pids)):
        if monotonic() > give_up:
            return False
        sleep(0.01)
    return True


def is_alive(pid: str) -> bool:
    """Tell whether a process runs; one that was killed and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_command_is_ended_when_mailbot_is_asked_to_end(tmp_path: Path) -> None:
    async def start_and_cancel() -> None:
        running = asyncio.create_task(run([hanging(tmp_path)], b"{}\n", 3600))
        while not (tmp_path / "pids").exists() or not (tmp_path / "pids").read_text().endswith("\n"):
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(start_and_cancel())
    assert all_end((tmp_path / "pids").read_text().split())


def test_a_command_is_ended_also_when_it_is_just_being_started(tmp_path: Path) -> None:
    """At the first step after the program was started nobody has heard of it yet."""

    async def start_and_cancel() -> None:
        running = asyncio.create_task(run([hanging(tmp_path)], b"{}\n", 3600))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        give_up = monotonic() + GIVE_UP_SECONDS
        while monotonic() < give_up and not ((tmp_path / "pids").exists() and (tmp_path / "pids").read_text().endswith("\n")):
            sleep(0.01)  # the loop stands still meanwhile
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(start_and_cancel())
    assert all_end((tmp_path / "pids").read_text().split())


def test_what_hangs_is_not_tried_again_for_the_next_task(desk: Desk, crm: System, tmp_path: Path) -> None:
    hanging(tmp_path)
    for number in range(3):
        opted_out(desk, f"person{number}@example.com")
    assert Carried(put_off=1) == carry_out(desk, crm.model_copy(update={"timeout_seconds": SOON}))


def test_what_a_command_left_running_keeps_nobody_waiting(tmp_path: Path) -> None:
    """It holds the output open; what counts is that the command has ended."""
    program = script(tmp_path, "sleep 3600 & echo $! > $here/pid; echo done")
    answer = asyncio.run(run([program], b"{}\n", 3600))
    os.kill(int((tmp_path / "pid").read_text()), 9)
    assert Answer(0, "exit status 0: done") == answer


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_command_need_not_read_what_it_is_told(tmp_path: Path, size: int) -> None:
    assert Answer(0, "exit status 0") == asyncio.run(run([script(tmp_path, "exit 0")], b"x" * size, 30))


def test_of_much_output_the_end_is_kept_and_nothing_that_a_store_refuses(tmp_path: Path) -> None:
    program = script(tmp_path, r"head -c 3000000 /dev/zero | tr '\0' y; printf 'Қ%.0s' $(seq 1990); printf '\000\377 reason'; exit 3")
    answer = asyncio.run(run([program], b"{}\n", 30))
    assert (3, "exit status 3: " + "Қ" * 1990 + "\N{REPLACEMENT CHARACTER}" * 2 + " reason", 2_000) == (
        answer.status,
        answer.words.replace("y", ""),
        len(answer.words.removeprefix("exit status 3: ")),
    )


def test_i6_h104_nothing_that_a_command_is_told_or_says_reaches_the_log(
    desk: Desk, crm: System, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    set_up_logs()
    reference = opted_out(desk, "zeisig@example.com")
    for number, ending in enumerate(["exit 1", "exit 75", "kill -9 $$", "exit 0"]):
        script(tmp_path, f"echo zeisig-out; echo zeisig-err >&2; cat; {ending}")
        carry_out(at(desk, timedelta(hours=number)), crm)
    said = capfd.readouterr()
    assert ("", "zeisig") == (said.out, "zeisig" if "zeisig" not in said.err else said.err)
    events = [json.loads(line) for line in said.err.splitlines() if reference in line]
    assert ["task_put_off"] * 3 + ["task_done"] == [event["event"] for event in events if event["event"].startswith("task")]
    assert [1, 75, -9, 0] == [event["status"] for event in events if event["event"].startswith("task")]


def test_what_did_not_go_well_is_told_in_sentences(crm: System) -> None:
    assert [] == problems_of(crm, Carried(done=3))
    told = [(str(problem), problem.exit_status) for problem in problems_of(crm, Carried(put_off=2, failed=1))]
    assert [
        ("2 tasks in crm were put off and are tried again by a later run", 75),
        ("1 tasks in crm fail again and again: see `mailbot systems list`", 1),
    ] == told


# --- staff -----------------------------------------------------------------------------------------------------------
def failed(desk: Desk, system: System, sender: str = PERSON) -> str:
    """Let a task fail for half a day."""
    reference, later = opted_out(desk, sender), timedelta()
    for _ in range(10):
        carry_out(at(desk, later), system)
        later = ahead(desk)[0].not_before - NOW
    return reference


def test_i10_the_digest_tells_what_failed_since_when_why_and_the_cure(desk: Desk, crm: System, tmp_path: Path) -> None:
    script(tmp_path, "echo 'Traceback:\n  <b>the CRM\u202e is away</b>'; exit 4")
    reference = failed(desk, crm)
    with desk.database.read() as tx:
        digest = gather(tx, desk, an_order(), date(2026, 11, 20), desk.now())
    page = a_page(digest)
    told = " ".join(page.text.split())
    assert "WHAT OTHER SYSTEMS DO NOT CARRY OUT (1)" in told
    assert (
        f"Stop messages {reference}, crm Without success since 20.11.2026, 11:30; tries: 10. The command said last: "
        "exit status 4: Traceback: <b>the CRM‹202E› is away</b>. Mend the command or the system, "
        "then answer “retry” or type `mailbot systems retry crm`."
    ) in told
    assert "b" not in [name for name, _ in Tags(page.html).tags]


@pytest.mark.parametrize("language", Language)
def test_a_day_on_which_only_a_command_fails_is_not_called_quiet(language: Language) -> None:
    task = ListedTask(7, "2026-00001-K", "crm", "destroy", tasks.TaskState.FAILED, 12, NOW, NOW, "exit status 4: " + "x" * 3000 + " why")
    quiet, page = a_page(a_digest(), language), a_page(a_digest(tasks=(task,)), language)
    assert 1 == a_digest(tasks=(task,)).size_of(Section.TASKS)
    assert quiet.text.splitlines()[4] not in page.text
    assert "exit status 4" in " ".join(page.text.split())
    assert " why." in page.text
    assert len(page.text) < 1500


@pytest.fixture
def mailbot(capsys: pytest.CaptureFixture[str], config: Path) -> Callable[..., Ran]:
    type_: Type = typist(capsys)

    def type_alone(*arguments: object) -> Ran:
        capsys.readouterr()
        return type_("systems", *arguments, "--config", config)

    return type_alone


def test_systems_are_listed_with_what_they_have_still_to_do(desk: Desk, crm: System, tmp_path: Path, mailbot: Type) -> None:
    script(tmp_path, "echo away; exit 4")
    reference = failed(desk, crm)
    opted_out(desk, "other@example.com")
    rows = [json.loads(line) for line in mailbot("list", "--json").out.splitlines()]
    assert [("crm", "command", 1, 1), ("1c", "manual", 0, 0), ("shop", "view", 0, 0)] == [
        (row["name"], row["mode"], row["waiting"], row["failed"]) for row in rows
    ]
    first = rows[0]["tasks"][0]
    assert ["id", "reference", "what", "state", "attempts", "since", "not_before", "reply"] == list(first)
    assert (reference, "stop_messages", "failed", 10, NOW, "exit status 4: away") == (
        *(first[name] for name in ("reference", "what", "state", "attempts")),
        datetime.fromisoformat(first["since"]),
        first["reply"],
    )
    out = mailbot("list").out
    assert "crm\tcommand\t1\t1\n1c\tmanual\t-\t-\nshop\tview\t-\t-\n" in out
    assert f"{reference}  stop_messages  crm  failed  tries: 10\nexit status 4: away\n" in out


def test_no_other_system_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = typist(capsys)("systems", "list", "--config", office(tmp_path))
    assert (0, "The configuration names no other system.\n") == (ran.status, ran.out)


def test_staff_have_failed_tasks_tried_again_all_or_those_of_a_request(
    desk: Desk, crm: System, config: Path, tmp_path: Path, mailbot: Type
) -> None:
    script(tmp_path, "exit 4")
    reference = failed(desk, crm)
    opted_out(desk, "other@example.com")
    assert (0, "tried now: 1\n") == (mailbot("retry", "crm", reference).status, mailbot("retry", "crm", reference).out)
    assert ("tried now: 2\n", [0, 0]) == (mailbot("retry", "crm").out, [task.attempts for task in ahead(desk)])
    with store_of(config) as tx:
        told = [each for each in register.history_of(tx, reference) if each.what == "task_retried"]
    assert {"what": "stop_messages", "system": "crm", "tries": 10} == told[0].detail
    assert told[0].who.startswith("staff:")


def test_what_is_in_hand_is_said_to_be(desk: Desk, mailbot: Type) -> None:
    opted_out(desk)
    with desk.database.write() as tx:
        tasks.claim(tx, "crm", NOW, NOW + timedelta(minutes=2))
    assert "tried now: 0; tried already: 1\n" == mailbot("retry", "crm").out


def test_nothing_to_retry_and_an_unknown_system_are_told(mailbot: Type) -> None:
    nothing, unknown = mailbot("retry", "crm"), mailbot("retry", "erp\x1b")
    said = "mailbot: 1c has no command to try again: its mode is manual; what is open there, `mailbot requests list --open` shows\n"
    assert said == mailbot("retry", "1c").err
    assert (1, "mailbot: the command of crm has nothing to do\n") == (nothing.status, nothing.err)
    assert (2, True) == (unknown.status, "is no system of the configuration" in unknown.err)
    assert "\x1b" not in unknown.err


# --- before anything runs --------------------------------------------------------------------------------------------
def findings(config: Path) -> list[tuple[str, str, int]]:
    """Return what `mailbot check` says of the systems."""
    return [(each.part, each.text, each.exit_status) for each in check_everything(config, NOW) if each.part.startswith("system")]


def test_h109_the_check_tells_whether_the_program_is_there_and_does_not_run_it(config: Path, tmp_path: Path) -> None:
    program = tmp_path / "crm.sh"
    waits = "its tasks would wait and be listed in the digest"
    assert [("system[1]", f"command: {program} is not there: {waits}", 1)] == findings(config)
    script(tmp_path, 'touch "$here/ran"')
    assert [("system[1]", f"command: {program} is there, and was not run", 0)] == findings(config)
    program.chmod(0o644)
    assert [("system[1]", f"command: {program} may not be run by this user: {waits}", 1)] == findings(config)
    assert not (tmp_path / "ran").exists()
