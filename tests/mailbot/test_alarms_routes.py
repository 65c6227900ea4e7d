"""By which ways staff hear of a fault: a command, another relay, the usual one while it works, and never twice (I10)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from mailbot.alerts import queue_alerts
from mailbot.digest import digest_order
from rules.vocabulary import RequestType, Standing
from storage import outbox
from storage.outbox import LetterState
from storage.tables import letters
from tests.mailbot.alarm_room import Machine, accept_all, other_relay, queue, read, running, settings
from tests.mailbot.register_room import arrive
from tests.servers import CapturingSmtp

OFFICER = "officer@example.com"
NOT_READ = "a mailbox is not read"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with running(tmp_path) as machine:
        yield machine


# --- by which way ----------------------------------------------------------------------------------------------------
def test_a_route_that_fails_is_tried_again_until_it_takes_the_alarm_and_then_no_more(machine: Machine) -> None:
    queue(machine)
    machine.command_ends(1)
    machine.pass_by(34, looks=34)
    tries = len(machine.subjects())
    assert tries > 1
    machine.command_ends(0)
    machine.pass_by(60, looks=60)
    assert tries + 1 == len(machine.subjects())


def test_while_the_second_route_fails_the_usual_relay_tells_what_is_not_its_own_fault(machine: Machine) -> None:
    machine.command_ends(1)
    machine.is_read = False
    machine.pass_by(60, looks=60)
    assert [f"mailbot · alit.kz: {NOT_READ}"] == [letter["Subject"] for letter in machine.queued()]
    assert [NOT_READ] == machine.subjects()


def test_without_a_second_route_the_alarm_is_a_letter_like_any_other(tmp_path: Path) -> None:
    with running(tmp_path, settings(tmp_path, command=[], to=[OFFICER, "second@example.com"])) as machine:
        machine.is_read = False
        machine.pass_by(40, looks=40)
        accept_all(machine)
        machine.is_read = True
        machine.pass_by(2, looks=2)
        began, ended = machine.queued()[::2], machine.queued()[1::2]
        assert [OFFICER, "second@example.com"] * 2 == [letter["To"] for letter in machine.queued()]
        assert 2 == len(began) == len(ended)
        assert [NOT_READ, f"over: {NOT_READ}"] == [letter["Subject"].removeprefix("mailbot · alit.kz: ") for letter in began]
        with machine.desk.database.read() as tx:
            assert {"alert"} == {letter.kind for letter in outbox.list_letters(tx)}


def test_i10_another_relay_gets_the_alarm_for_each_reader_in_the_language_of_the_staff(tmp_path: Path, smtp: CapturingSmtp) -> None:
    config = settings(tmp_path, command=[], smtp=other_relay(smtp), to=[OFFICER, "second@example.com"], staff={"language": "kk"})
    with running(tmp_path, config) as machine:
        machine.is_read = False
        machine.pass_by(60, looks=60)
    assert [(OFFICER,), ("second@example.com",)] == [envelope.recipients for envelope in smtp.envelopes]
    assert {"mailbot@elsewhere.example"} == {envelope.sender for envelope in smtp.envelopes}
    first = read([smtp.envelopes[0].content])[0]
    assert ("mailbot@elsewhere.example", "kk", "auto-generated") == (
        first["From"].addresses[0].addr_spec,
        first["Content-Language"],
        first["Auto-Submitted"],
    )
    assert "жәшік оқылмай тұр" in first["Subject"]
    assert "mailbot check" in first.get_content()


@pytest.mark.parametrize("answer", ["550 5.1.1 no such user", "451 4.2.1 later", "421 4.3.2 closing"])
def test_a_reader_whom_the_other_relay_refuses_does_not_keep_the_alarm_from_the_others(
    tmp_path: Path, smtp: CapturingSmtp, answer: str
) -> None:
    smtp.answers["gone@example.com"] = answer
    config = settings(tmp_path, command=[], smtp=other_relay(smtp), to=["gone@example.com", OFFICER])
    with running(tmp_path, config) as machine:
        machine.is_read = False
        machine.pass_by(60, looks=60)
    assert [(OFFICER,)] == [envelope.recipients for envelope in smtp.envelopes]


def test_either_of_two_ways_is_enough(tmp_path: Path, smtp: CapturingSmtp) -> None:
    smtp.stop()
    with running(tmp_path, settings(tmp_path, smtp=other_relay(smtp))) as machine, capture_logs() as lines:
        machine.is_read = False
        machine.pass_by(60, looks=60)
        assert [NOT_READ] == machine.subjects()
    assert ["alarm_relay_away"] == [line["event"] for line in lines if line["event"] != "alarm"]


def test_what_goes_wrong_together_is_told_together(machine: Machine) -> None:
    queue(machine)
    machine.is_read = False
    machine.pass_by(10)
    machine.pass_by(40)
    assert [f"{NOT_READ}, letters do not go out"] == machine.subjects()


# --- what could not wait ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("state", [LetterState.QUEUED, LetterState.FAILED])
def test_an_inquiry_of_the_authority_goes_by_the_second_route_as_well_if_its_letters_are_not_taken(
    tmp_path: Path, state: LetterState
) -> None:
    config = settings(tmp_path, staff={"digest_to": [OFFICER, "second@example.com"], "digest_at": "23:00"})
    with running(tmp_path, config) as machine:
        reference = arrive(machine.desk, RequestType.AUTHORITY_INQUIRY, standing=Standing.ALIGNED)
        assert 2 == queue_alerts(machine.desk, digest_order(config), machine.now)
        accept_all(machine)
        with machine.desk.database.write() as tx:
            tx.execute(update(letters).where(letters.c.kind == "alert").values(state=state))
        machine.pass_by(29, looks=29)
        assert [] == machine.subjects()
        machine.pass_by(60, looks=60)
        about = [subject for subject in machine.subjects() if reference in subject]
        assert [f"an inquiry of the authority, {reference}"] == about
        assert f"has come: {reference}," in machine.text()


def test_an_inquiry_whose_letter_was_taken_does_not(tmp_path: Path) -> None:
    config = settings(tmp_path, staff={"digest_to": [OFFICER], "digest_at": "23:00"})
    with running(tmp_path, config) as machine:
        arrive(machine.desk, RequestType.AUTHORITY_INQUIRY, standing=Standing.ALIGNED)
        queue_alerts(machine.desk, digest_order(config), machine.now)
        accept_all(machine)
        machine.pass_by(60, looks=60)
        assert [] == machine.subjects()
