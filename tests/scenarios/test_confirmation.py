"""The round trip: who wrote is asked back with a one-time code, and only the right answer from the right address counts (H66, H110)."""

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from mailbot import staff
from mailbot.carrying_out import hand_over_unconfirmed
from rules.vocabulary import Duty, Standing, State
from storage.subscribers import suppressed_since
from storage.tables import confirmations, letters
from tests.conftest import ConfigFile
from tests.mailbot.register_room import act
from tests.scenarios.asking import FAILED, PASSED, Room, room, values
from tests.scenarios.outside import letters_in, outcomes_in, requests_in, store_of
from tests.servers import CapturingSmtp, Dovecot

CODE = re.compile(r"\b[0-9a-hjkmnp-tv-z]{26}\b")
DANA, STRANGER = "dana@example.com", "stranger@example.com"
REVOKE = "Revocation of consent to the processing of personal data"
UPDATE, NEW_PHONE = "Personal Data Update", "My new phone is 8 700 000 20 14, the old one was 8 700 000 20 13."


@pytest.fixture
def here(config_file: ConfigFile, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str) -> Room:
    """Return a room in which Dana is on file."""
    made = room(config_file, dovecot, smtp, mailbox)
    made.on_file(DANA)
    return made


def is_stopped(here: Room) -> bool:
    """Tell whether messages to the sender of the only request are stopped."""
    with store_of(here.config) as tx:
        return suppressed_since(tx, here.request().sender_key or b"") is not None


# --- unproven senders -------------------------------------------------------------------------------------------------
def test_h64_an_unproven_revocation_is_registered_stops_messages_and_asks_back(here: Room) -> None:
    here.write(DANA, REVOKE, "I revoke it.")
    request, letter = here.request(), here.letter_to(DANA)
    assert (Standing.UNPROVEN, State.AWAITING_SENDER, True) == (request.standing, request.state, is_stopped(here))
    assert request.due is not None, "its limit runs from the first message"
    assert 1 == len(CODE.findall(letter.get_content()))
    assert CODE.findall(letter.get_content()) == CODE.findall(letter["Subject"])


def test_h110_yes_from_the_asked_address_hands_a_revocation_to_staff(here: Room) -> None:
    here.write(DANA, REVOKE, "I revoke it.")
    here.answer(here.letter_to(DANA), DANA, "YES")
    assert {"request": 1, "confirmation": 1} == outcomes_in(here.config)
    assert State.AWAITING_STAFF is here.request().state
    assert here.request().confirmed_at is not None
    assert 1 == len(letters_in(here.config))


@pytest.mark.parametrize("says", ["Да", "ИӘ", "yes!\r\n\r\nDana", "Да, подтверждаю"])
def test_h110_yes_in_every_language_makes_the_change_of_an_unproven_sender(here: Room, says: str) -> None:
    here.write(DANA, UPDATE, NEW_PHONE)
    assert ["+77000002013"] == values(here.person(DANA), "phone")
    here.answer(here.letter_to(DANA), DANA, says)
    assert ["+77000002014"] == values(here.person(DANA), "phone")
    request = here.request()
    assert [True] == [owed.met_at is not None for owed in request.obligations if (owed.what, owed.system) == (Duty.AMEND, "mailbot")]


@pytest.mark.parametrize("says", ["NO", "Нет, это не я", "жоқ"])
def test_h110_no_cancels_lets_messages_go_again_and_is_told_to_staff(here: Room, says: str) -> None:
    here.write(DANA, REVOKE, "I revoke it.")
    here.answer(here.letter_to(DANA), DANA, says)
    request = here.request()
    assert (State.WITHDRAWN, False, ("denied",)) == (request.state, is_stopped(here), request.flags)


@pytest.mark.parametrize("says", ["That was not me", "", "Yes, but only the newsletter", "Спасибо", "Who are you?"])
def test_h110_anything_else_goes_to_staff(here: Room, says: str) -> None:
    here.write(DANA, UPDATE, NEW_PHONE)
    here.answer(here.letter_to(DANA), DANA, says)
    assert State.AWAITING_STAFF is here.request().state
    assert here.request().confirmed_at is None
    assert ["+77000002013"] == values(here.person(DANA), "phone")


def test_h111_yes_from_another_address_confirms_nothing(here: Room) -> None:
    here.write(DANA, UPDATE, NEW_PHONE)
    here.answer(here.letter_to(DANA), STRANGER, "YES")
    assert {"request": 1, "held": 1} == outcomes_in(here.config)
    assert [None] == [each.answer for each in here.asked()]
    assert ["+77000002013"] == values(here.person(DANA), "phone")


@pytest.mark.parametrize("field", ["Auto-Submitted: auto-replied", "Return-Path: <>", "List-Id: <list.example.com>"])
def test_h66_an_auto_reply_a_bounce_or_a_list_post_that_quotes_the_code_confirms_nothing(here: Room, field: str) -> None:
    here.write(DANA, UPDATE, NEW_PHONE)
    here.answer(here.letter_to(DANA), DANA, "YES", field)
    assert {"request": 1, "automatic": 1} == outcomes_in(here.config)
    assert State.AWAITING_SENDER is here.request().state


def test_an_answer_whose_authentication_failed_is_held(here: Room) -> None:
    here.write(DANA, UPDATE, NEW_PHONE)
    here.answer(here.letter_to(DANA), DANA, "YES", FAILED)
    assert {"request": 1, "held": 1} == outcomes_in(here.config)
    assert ["+77000002013"] == values(here.person(DANA), "phone")


def test_h66_a_code_is_good_once(here: Room) -> None:
    here.write(DANA, UPDATE, NEW_PHONE)
    letter = here.letter_to(DANA)
    here.answer(letter, DANA, "YES")
    here.answer(letter, DANA, "NO")
    assert {"request": 1, "confirmation": 1, "follow_up": 1} == outcomes_in(here.config)
    assert ["+77000002014"] == values(here.person(DANA), "phone")


def test_h66_without_its_code_a_yes_is_read_by_staff(here: Room) -> None:
    here.write(DANA, UPDATE, NEW_PHONE)
    letter = here.letter_to(DANA)
    here.write(DANA, "Re: your letter", "YES", f"In-Reply-To: {letter['Message-ID']}")
    assert {"request": 1, "follow_up": 1} == outcomes_in(here.config)
    assert State.AWAITING_STAFF is here.request().state


def test_h66_no_code_stays_in_the_store_once_its_letter_is_sent(here: Room) -> None:
    here.write(DANA, REVOKE, "I revoke it.")
    code = CODE.findall(here.letter_to(DANA)["Subject"])[0].encode()
    with store_of(here.config) as tx:
        (letter,) = tx.execute(letters.select()).all()
        (asked,) = tx.execute(confirmations.select()).all()
    assert code in here.smtp.envelopes[-1].content
    assert code not in bytes(letter.content)
    assert 16 == len(asked.code_key)


def test_what_nobody_confirms_goes_to_staff_and_does_not_lapse(here: Room) -> None:
    here.write(DANA, UPDATE, NEW_PHONE)
    now = datetime.now(UTC)
    for later, state in ((timedelta(days=1), State.AWAITING_SENDER), (timedelta(days=2, minutes=1), State.AWAITING_STAFF)):
        desk = here.desk(now + later)
        with closing(desk.database):
            hand_over_unconfirmed(desk, now + later)
        assert state is here.request().state


def test_h111_a_code_alone_leads_an_unclear_answer_to_its_request(here: Room) -> None:
    here.write(DANA, UPDATE, "My new e-mail is dana2@example.com, the old one was dana@example.com.")
    (code,) = CODE.findall(here.letter_to("dana2@example.com")["Subject"])
    here.write("dana2@example.com", "Your question", f"Who are you?\r\n\r\n> {code}")
    assert {"request": 1, "follow_up": 1} == outcomes_in(here.config)
    assert State.AWAITING_STAFF is here.request().state


def test_h111_a_code_alone_leads_a_late_no_to_the_request_that_was_carried_out(here: Room) -> None:
    here.write(DANA, UPDATE, NEW_PHONE)
    letter = here.letter_to(DANA)
    here.answer(letter, DANA, "YES")
    here.write(DANA, "Your question", f"NO\r\n\r\n> {CODE.findall(letter['Subject'])[0]}")
    assert {"request": 1, "confirmation": 1, "follow_up": 1} == outcomes_in(here.config)
    assert State.AWAITING_STAFF is here.request().state


def test_i12_a_no_that_comes_when_all_is_destroyed_takes_nothing_back_and_is_read_by_staff(here: Room) -> None:
    here.write(DANA, "Destroy my personal data", "Please do it as the law says.")
    letter, now = here.letter_to(DANA), datetime.now(UTC)
    desk = here.desk(now)
    with closing(desk.database):
        act(desk, staff.approve, here.request().reference, "officer")
    here.answer(letter, DANA, "NO")
    request = here.request()
    assert {"request": 1, "follow_up": 1} == outcomes_in(here.config)
    assert (State.AWAITING_STAFF, (), True) == (request.state, request.flags, is_stopped(here))


@pytest.mark.parametrize(
    "says", ["ДА. Также прошу удалить все мои персональные данные.", "Yes. Send me a copy of my personal data as well."]
)
def test_h50_a_yes_that_asks_for_more_is_held_with_a_limit_of_its_own(here: Room, says: str) -> None:
    here.write(DANA, UPDATE, NEW_PHONE)
    here.answer(here.letter_to(DANA), DANA, says)
    assert {"request": 1, "held": 1} == outcomes_in(here.config)
    assert all(request.due is not None for request in requests_in(here.config))
    assert ["+77000002013"] == values(here.person(DANA), "phone")


def test_a_yes_that_names_another_change_is_read_by_staff(here: Room) -> None:
    here.write(DANA, UPDATE, NEW_PHONE)
    here.answer(here.letter_to(DANA), DANA, "Yes. And my new e-mail is dana2@example.com, the old one was dana@example.com.")
    assert State.AWAITING_STAFF is here.request().state
    assert [DANA] == values(here.person(DANA), "email")


# --- aligned and failed senders ---------------------------------------------------------------------------------------
def test_the_update_of_an_aligned_sender_on_file_is_made_at_once_with_one_letter(here: Room) -> None:
    here.write(DANA, UPDATE, NEW_PHONE, PASSED)
    assert (Standing.ALIGNED, "spf") == (here.request().standing, here.request().proof)
    assert ["+77000002014"] == values(here.person(DANA), "phone")
    assert [] == CODE.findall(here.letter_to(DANA).get_content())
    assert 1 == len(letters_in(here.config))


def test_the_revocation_of_an_aligned_sender_waits_for_staff_alone(here: Room) -> None:
    here.write(DANA, REVOKE, "I revoke it.", PASSED)
    assert (State.AWAITING_STAFF, True, ()) == (here.request().state, is_stopped(here), here.asked())


@pytest.mark.parametrize("subject", ["Request for access to my personal data", "Destroy my personal data"])
def test_access_and_destruction_are_asked_back_even_of_an_aligned_sender(here: Room, subject: str) -> None:
    here.write(DANA, subject, "Please do it as the law says.", PASSED)
    assert (State.AWAITING_SENDER, 1) == (here.request().state, len(here.asked()))


@pytest.mark.parametrize(("subject", "stops"), [(REVOKE, False), (UPDATE, False), ("Opt-out of Notifications", True)])
def test_h80_a_sender_who_failed_gets_no_letter_and_only_an_opt_out_pauses_messages(here: Room, subject: str, stops: bool) -> None:
    here.write(DANA, subject, NEW_PHONE if subject == UPDATE else "", FAILED)
    request = here.request()
    assert (Standing.FAILED, State.AWAITING_STAFF, stops) == (request.standing, request.state, is_stopped(here))
    assert (0, ["+77000002013"]) == (len(letters_in(here.config)), values(here.person(DANA), "phone"))


@pytest.mark.parametrize("unheard", [FAILED, "X-Spam-Flag: YES", "To: other@example.com"])
def test_what_was_written_before_in_somebodys_name_and_answered_to_nobody_stands_in_no_ones_way(here: Room, unheard: str) -> None:
    here.write(DANA, REVOKE, "I revoke it.", unheard)
    here.write(DANA, REVOKE, "I revoke it, and mean it.", PASSED)
    here.write(DANA, REVOKE, "I revoke it, as I said.", PASSED)
    here.write(DANA, REVOKE, "I revoke it too.", unheard)
    assert {"request": 2, "follow_up": 2} == outcomes_in(here.config)
    assert (1, True) == (len(here.letters_to(DANA)), is_stopped(here))


def test_h62_a_request_that_was_signed_long_ago_is_held(here: Room) -> None:
    signed = "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; t=1700000000; h=From:Subject; bh=AA==; b=BBBB"
    found = "Authentication-Results: mx.alit.kz; dkim=pass header.d=example.com header.s=s1"
    here.write(DANA, UPDATE, NEW_PHONE, found, signed)
    assert {"held": 1} == outcomes_in(here.config)
    assert "old_signature" == requests_in(here.config)[0].proof
    assert [] == here.letters_to(DANA)
