"""Waves: ten thousand forged revocations change nothing that cannot be undone, and keep nobody from being heard (H65, H81, H82)."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Table, select

from mailbot.config import load_config
from mailbot.daemon import Works
from mailbot.patience import Pauses
from rules.vocabulary import Standing, State
from storage import waves
from storage.outbox import LetterState
from storage.tables import amendments, consents, contacts, destructions, letters, requests, subscribers
from tests.conftest import NO_LIMITS, ConfigFile
from tests.mailbot.typing_room import Ran, Type, typist
from tests.scenarios.asking import PASSED, Room, values
from tests.scenarios.outside import append_all, outcomes_in, requests_in, run_once, seen_by, store_of
from tests.servers import CapturingSmtp, Dovecot

BEGAN = datetime(2026, 3, 10, 5, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EVERY = 10
"""Minutes from one round to the next."""
PER_ADDRESS, PER_DOMAIN, AN_HOUR = 3, 30, 200
CAPS = {
    "letters_per_address_a_day": PER_ADDRESS,
    "letters_per_domain_an_hour": PER_DOMAIN,
    "letters_an_hour": AN_HOUR,
    "surge_an_hour": 30,
}
FORGED, HONEST = 10_000, 20
GIVE_UP_SECONDS = 20
HASTE = Pauses(first=0.05, longest=0.3, after_refused_login=0.3, between_looks=0.05)
OFFICER, DANA = "officer@example.com", "dana@example.com"
REVOKE, UPDATE = "Revocation of consent to the processing of personal data", "Personal Data Update"
NEW_PHONE = "My new phone is 8 700 000 20 14, the old one was 8 700 000 20 13."
ON_FILE = [f"victim{number}@mass.example" for number in range(0, 100, 2)]
CANNOT_BE_UNDONE = (subscribers, contacts, consents, amendments, destructions)


def forged(number: int) -> bytes:
    """Write a request in an invented name: half of them at one domain, the others at a domain each."""
    sender = f"victim{number}@mass.example" if number % 2 == 0 else f"victim@d{number}.example"
    subject, text = (UPDATE, NEW_PHONE) if number % 20 == 0 else (REVOKE, "")
    return plain(sender, subject, f"{text} {number}", f"<forged{number}@mass.example>")


def honest(number: int) -> bytes:
    """Write the revocation of somebody whose mail server vouches for them."""
    sender = f"person@firm{number}.example"
    vouched = f"Authentication-Results: mx.alit.kz; spf=pass smtp.mailfrom={sender}"
    return plain(sender, REVOKE, "", f"<1.{sender}>", vouched)


def plain(sender: str, subject: str, text: str, message_id: str, *fields: str) -> bytes:
    head = [*fields, f"From: {sender}", "To: info@alit.kz", f"Message-ID: {message_id}", f"Subject: {subject}"]
    return "\r\n".join([*head, "Date: Tue, 10 Mar 2026 10:00:00 +0500", "", text, ""]).encode()


def mail_of_the_hour() -> list[tuple[datetime, bytes]]:
    """Return what comes within the hour, in order."""
    came = [(BEGAN + number * 60 * MINUTE / FORGED, forged(number)) for number in range(FORGED)]
    came += [(BEGAN + (number + 0.5) * 60 * MINUTE / HONEST, honest(number)) for number in range(HONEST)]
    return sorted(came)


def go_through(config: Path, dovecot: Dovecot, mailbox: str, mail: Sequence[tuple[datetime, bytes]]) -> None:
    """Have mail come at its moments, and mailbot go a round every few minutes until the hour is over."""
    for minutes in range(EVERY, 60 + EVERY, EVERY):
        now = BEGAN + minutes * MINUTE
        with dovecot.session(mailbox) as imap:
            imap.multiappend("INBOX", [{"msg": raw, "date": at} for at, raw in mail if now - EVERY * MINUTE <= at < now])
        go_round(config, now)


def go_round(config: Path, now: datetime) -> None:
    """Go one round at a moment."""
    report = asyncio.run(Works(load_config(config), lambda: now).once())
    assert [] == report.problems


def rows_of(config: Path, *tables: Table) -> list[list[tuple[object, ...]]]:
    """Return everything in some tables."""
    with store_of(config) as tx:
        return [[tuple(row) for row in tx.execute(table.select().order_by(*table.primary_key))] for table in tables]


def test_h65_h81_h82_ten_thousand_forged_revocations_change_nothing_and_drown_nobody(
    config_file: ConfigFile, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str
) -> None:
    config = config_file(limits=CAPS, inbox={"batch": 1000})
    Room(config, dovecot, smtp, mailbox).on_file(*ON_FILE)
    before = rows_of(config, *CANNOT_BE_UNDONE)
    go_through(config, dovecot, mailbox, mail_of_the_hour())

    assert {"request": FORGED + HONEST} == outcomes_in(config)
    assert before == rows_of(config, *CANNOT_BE_UNDONE)
    with store_of(config) as tx:
        sent = tx.execute(select(letters).where(letters.c.capped, letters.c.state == LetterState.ACCEPTED)).all()
        heard = tx.execute(select(requests.c.sender, requests.c.state).where(requests.c.standing == Standing.ALIGNED)).all()
        waited = tx.execute(select(letters.c.state).where(letters.c.state != LetterState.ACCEPTED)).scalars().all()
    people = {f"person@firm{number}.example" for number in range(HONEST)}
    assert {(person, State.AWAITING_STAFF) for person in people} == set(heard)
    assert people == {letter.recipient for letter in sent if letter.aligned}
    assert AN_HOUR // 2 == sum(not letter.aligned for letter in sent)
    assert PER_DOMAIN == Counter(letter.domain for letter in sent)["mass.example"]
    assert 1 == max(Counter(letter.recipient for letter in sent).values())
    assert {LetterState.DEFERRED: FORGED - AN_HOUR // 2} == Counter(waited)
    assert 1 == seen_by(smtp)[OFFICER]


# --- what a wave stops, and what ends it ------------------------------------------------------------------------------
@pytest.fixture
def here(config_file: ConfigFile, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str) -> Room:
    """Return a room in which Dana is on file, and in which more than two unproven requests an hour are a wave."""
    config = config_file(limits={**NO_LIMITS, "surge_an_hour": 2})
    run_once(config)
    here = Room(config, dovecot, smtp, mailbox)
    here.on_file(DANA)
    return here


@pytest.fixture
def mailbot(capsys: pytest.CaptureFixture[str]) -> Type:
    return typist(capsys)


def surge(here: Room, how_many: int = 3, came: datetime | None = None) -> None:
    """Have unproven requests come, all at once."""
    mail = [here.mail(f"victim{number}@mass.example", REVOKE, f"{number}") for number in range(how_many)]
    with here.dovecot.session(here.mailbox) as imap:
        imap.multiappend("INBOX", [{"msg": raw, "date": came or datetime.now(UTC)} for raw in mail])
    run_once(here.config)


def phones(here: Room) -> list[str]:
    return values(here.person(DANA), "phone")


def of_dana(here: Room) -> list[tuple[State, tuple[str, ...]]]:
    """Return where Dana's requests stand, and their flags."""
    return [(each.state, each.flags) for each in requests_in(here.config) if each.sender == DANA]


def test_h65_the_daemon_tells_of_a_wave_as_soon_as_it_begins(here: Room) -> None:
    append_all(here.dovecot, here.mailbox, [here.mail(f"victim{number}@mass.example", REVOKE, f"{number}") for number in range(3)])

    def alerts() -> list[str]:
        return [letter["Subject"] for letter in here.letters_to(OFFICER) if letter["X-Mailbot-Loop"] == "alert"]

    async def run_until_alerted() -> None:
        ending = asyncio.Event()
        running = asyncio.create_task(Works(load_config(here.config), pauses=HASTE).for_ever(ending))
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while not alerts():
                await asyncio.sleep(0.01)
        ending.set()
        assert [] == (await running).problems

    asyncio.run(run_until_alerted())
    assert ["mailbot · alit.kz: наплыв обращений"] == alerts()  # the staff's language, unless the configuration names another


def test_h65_in_a_wave_nothing_is_changed_even_for_an_aligned_sender(here: Room) -> None:
    surge(here)
    here.write(DANA, UPDATE, NEW_PHONE, PASSED)
    assert ["+77000002013"] == phones(here)
    assert [(State.AWAITING_STAFF, (waves.STOPPED,))] == of_dana(here)
    assert 1 == len(here.letters_to(DANA))


def test_h65_in_a_wave_withdrawals_are_not_carried_out_either(config_file: ConfigFile, here: Room) -> None:
    config_file(limits={**NO_LIMITS, "surge_an_hour": 2}, operator={"withdrawals": "auto"})
    before = rows_of(here.config, *CANNOT_BE_UNDONE)
    surge(here)
    here.write(DANA, REVOKE, "I revoke it.", PASSED)
    assert before == rows_of(here.config, *CANNOT_BE_UNDONE)
    assert [(State.AWAITING_STAFF, (waves.STOPPED,))] == of_dana(here)


def test_h65_what_is_confirmed_in_a_wave_waits_for_staff(here: Room) -> None:
    here.write(DANA, UPDATE, NEW_PHONE)
    surge(here)
    here.answer(here.letter_to(DANA), DANA, "YES")
    assert ["+77000002013"] == phones(here)
    assert [(State.AWAITING_STAFF, (waves.STOPPED,))] == of_dana(here)


def test_h65_as_many_as_are_believed_are_no_wave(here: Room) -> None:
    surge(here, 2)
    here.write(DANA, UPDATE, NEW_PHONE, PASSED)
    assert ["+77000002014"] == phones(here)
    assert [] == here.letters_to(OFFICER)


def test_h65_old_mail_at_a_first_start_is_no_wave(here: Room) -> None:
    surge(here, came=datetime(2025, 3, 10, 5, 0, tzinfo=UTC))
    assert {"request": 3} == outcomes_in(here.config)
    here.write(DANA, UPDATE, NEW_PHONE, PASSED)
    assert ["+77000002014"] == phones(here)
    assert [] == here.letters_to(OFFICER)


@pytest.mark.parametrize(("hours_ago", "minutes_between", "is_wave"), [(5, 10, True), (5, 40, False)])
def test_h65_a_wave_that_came_while_mailbot_was_away_is_one(here: Room, hours_ago: int, minutes_between: int, is_wave: bool) -> None:
    first = datetime.now(UTC) - timedelta(hours=hours_ago)
    for number in range(3):
        mail = here.mail(f"person{number}@example.com", REVOKE, f"Please {number}")
        here.dovecot.append(here.mailbox, mail, internal_date=first + number * minutes_between * MINUTE)
    run_once(here.config)
    with store_of(here.config) as tx:
        assert is_wave == (waves.current(tx) is not None)


def test_h65_staff_resume_and_what_has_waited_stays_with_them(here: Room, mailbot: Type) -> None:
    surge(here)
    here.write(DANA, UPDATE, NEW_PHONE, PASSED)
    (waiting,) = [each.reference for each in requests_in(here.config) if each.sender == DANA]
    ran = mailbot("requests", "resume", "--config", here.config)
    *_, began, waits = ran.out.splitlines()
    assert (0, f"waits for you because of it: {waiting}") == (ran.status, waits)
    assert "mailbot:" not in ran.err  # the rounds of this process log there too
    assert began.endswith("Unproven requests that came: 3.")
    assert ["+77000002013"] == phones(here)
    run_once(here.config)
    assert ["+77000002013"] == phones(here)

    mailbot("requests", "approve", waiting, "--config", here.config)
    assert ["+77000002014"] == phones(here)
    here.write(DANA, UPDATE, "My new phone is 8 700 000 20 15, the old one was 8 700 000 20 14.", PASSED)
    assert ["+77000002015"] == phones(here)
    assert 1 == len(here.letters_to(OFFICER))


def test_a_wave_that_staff_ended_does_not_begin_again_from_the_same_mail(here: Room, mailbot: Type) -> None:
    surge(here)
    mailbot("requests", "resume", "--config", here.config)
    here.write("another@mass.example", REVOKE, "")
    assert 1 == len(here.letters_to(OFFICER))
    no_wave = "mailbot: no wave of requests goes on: mailbot carries out by itself what it may\n"
    assert Ran(1, "", no_wave) == mailbot("requests", "resume", "--config", here.config)
