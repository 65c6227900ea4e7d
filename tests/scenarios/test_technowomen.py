"""What technowomen promises, from the letter to the last obligation: the chain that no other operator's policy has."""

import asyncio
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from mailbot import entering, staff
from mailbot.config import load_config
from mailbot.daemon import Works
from mailbot.desk import Acting
from mailbot.retention import do_the_days_job, retention_order
from rules.vocabulary import Duty, Event, State
from storage.register import Registered
from storage.tables import tasks
from tests.conftest import ConfigFile
from tests.scenarios.asking import PASSED, Room
from tests.scenarios.outside import requests_in, store_of
from tests.servers import CapturingSmtp, Dovecot

ALMATY = ZoneInfo("Asia/Almaty")
FRIDAY = datetime(2026, 11, 20, 10, tzinfo=ALMATY)
MONDAY = date(2026, 11, 23)
PERSON, ME = "aigul@example.com", "staff:dana"
T = TypeVar("T")


class Women(Room):
    """The inbox of technowomen, at a time of the test's choice."""

    def receive(self, subject: str, text: str, at: datetime) -> None:
        """Let a letter of the person come, and mailbot go a round five minutes later."""
        self.dovecot.append(self.mailbox, self.mail(PERSON, subject, text, PASSED), internal_date=at)
        asyncio.run(Works(load_config(self.config), lambda: at + timedelta(minutes=5)).once())

    def act(self, at: datetime, doing: Callable[[Acting], T]) -> T:
        """Let one of the staff do one thing."""
        desk = self.desk(at)
        try:
            with desk.database.write() as tx:
                return doing(Acting(tx, desk, ME))
        finally:
            desk.database.close()

    def days_job(self, at: datetime) -> None:
        """Do the job of the day."""
        desk = self.desk(at)
        do_the_days_job(desk, retention_order(load_config(self.config)), at)
        desk.database.close()


@pytest.fixture
def women(config_file: ConfigFile, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str) -> Women:
    config = config_file(policy="technowomen", retention={"ended_purpose": "destroy"})
    config.write_text(config.read_text("utf-8") + '[[system]]\nname = "crm"\n[[third_party]]\nname = "Printer LLP"\n', "utf-8")
    room = Women(config, dovecot, smtp, mailbox)
    room.on_file(PERSON)
    return room


def owed(config: Path) -> dict[tuple[str, str], date | None]:
    [request] = [each for each in requests_in(config) if each.state is State.AWAITING_STAFF]
    return {(each.what, each.system): each.due for each in request.obligations if each.met_at is None}


def test_a_correction_is_made_at_once_and_told_to_the_person_and_to_who_was_given_the_data(women: Women) -> None:
    women.receive("My data is incorrect, please correct", "My new phone number is +7 700 000 20 99.", FRIDAY)
    assert {("amend", "crm"): MONDAY, ("notify_person", "staff"): MONDAY, ("notify_third_party", "Printer LLP"): MONDAY} == owed(
        women.config
    )
    reference = women.request().reference
    women.act(FRIDAY, lambda acting: staff.tick_off(acting, reference, what=Duty.AMEND, system="crm"))
    women.act(FRIDAY, lambda acting: staff.tick_off(acting, reference, what=Duty.NOTIFY_PERSON, system=None))
    done = women.act(FRIDAY, lambda acting: staff.tick_off(acting, reference, what=Duty.NOTIFY_THIRD_PARTY, system="Printer LLP"))
    assert State.CARRIED_OUT is done.state


def test_what_is_found_unlawful_joins_the_persons_request_and_hastens_it(women: Women) -> None:
    women.receive("Application to revoke my consent", "I withdraw my consent to the processing of my personal data.", FRIDAY)
    reference, revoked = women.request().reference, owed(women.config)
    assert {date(2026, 12, 11)} == {revoked["stop_processing", system] for system in ("mailbot", "crm")}
    assert date(2026, 12, 11) == revoked["destroy", "crm"]

    found = women.act(FRIDAY, lambda acting: entering.enter_event(acting, Event.UNLAWFUL, reference, FRIDAY, "no consent was ever given"))
    assert reference == found.reference
    hastened = owed(women.config)
    assert {MONDAY} == {day for (what, _), day in hastened.items() if what in ("stop_processing", "destroy", "notify_third_party")}


def test_a_purpose_that_ended_ends_in_destruction_here_and_waits_elsewhere(women: Women) -> None:
    entry: Registered = women.act(
        FRIDAY, lambda acting: entering.enter_event(acting, Event.PURPOSE_ENDED, PERSON, FRIDAY, "the course is over")
    )
    assert {("destroy", "mailbot"): date(2026, 12, 5), ("destroy", "crm"): date(2026, 12, 5)} == owed(women.config)
    women.days_job(FRIDAY + timedelta(days=1))
    assert (None, {("destroy", "crm"): date(2026, 12, 5)}) == (women.person(PERSON), owed(women.config))
    done = women.act(FRIDAY, lambda acting: staff.tick_off(acting, entry.reference, what=Duty.DESTROY, system="crm"))
    assert (State.CARRIED_OUT, []) == (done.state, women.letters_to(PERSON))


def test_the_command_of_another_system_is_told_of_a_destruction_by_the_job_of_the_day(women: Women) -> None:
    text = women.config.read_text("utf-8")
    women.config.write_text(text.replace('name = "crm"', 'name = "crm"\nmode = "command"\ncommand = ["/bin/true"]'), "utf-8")
    women.act(FRIDAY, lambda acting: entering.enter_event(acting, Event.PURPOSE_ENDED, PERSON, FRIDAY, "the course is over"))
    women.days_job(FRIDAY + timedelta(days=1))
    with store_of(women.config) as tx:
        assert [("destroy", PERSON)] == [(task.what, task.payload["address"]) for task in tx.execute(select(tasks)).all()]


def test_what_cannot_be_destroyed_is_not_destroyed_by_the_job_of_the_day(women: Women) -> None:
    entry = women.act(FRIDAY, lambda acting: entering.enter_event(acting, Event.PURPOSE_ENDED, PERSON, FRIDAY, "the course is over"))
    women.act(FRIDAY, lambda acting: entering.enter_event(acting, Event.DESTRUCTION_IMPOSSIBLE, entry.reference, FRIDAY, "a court has it"))
    women.days_job(FRIDAY + timedelta(days=1))
    assert women.person(PERSON) is not None
    assert {"block": MONDAY, "destroy": date(2027, 5, 20)} == {what: day for (what, _), day in owed(women.config).items()}
    women.act(FRIDAY, lambda acting: staff.approve(acting, entry.reference, what=Duty.BLOCK))
    blocked = women.person(PERSON)
    assert blocked is not None
    assert blocked.blocked_at is not None
