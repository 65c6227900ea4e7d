"""To whom a letter goes, and what of the message that it answers is in it: nothing (H79, H80, H83, H85)."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest

from rules.vocabulary import State
from storage.evidence import keys_of
from storage.tables import suppressions
from tests.conftest import ConfigFile
from tests.mailbot.typing_room import Type, typist
from tests.scenarios.asking import PASSED, Room, room
from tests.scenarios.outside import append_all, requests_in, run_once, seen_by, store_of
from tests.servers import CapturingSmtp, Dovecot

DANA, ELSEWHERE, CHIEF = "dana@example.com", "elsewhere@evil.example", "chief@example.com"
OPT_OUT, UPDATE = "Opt-out of Notifications", "Personal Data Update"


@pytest.fixture
def here(config_file: ConfigFile, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str) -> Room:
    return room(config_file, dovecot, smtp, mailbox)


@pytest.fixture
def mailbot(capsys: pytest.CaptureFixture[str]) -> Type:
    return typist(capsys)


def test_h79_the_letter_goes_to_the_sender_alone_and_staff_see_where_an_answer_was_wanted(here: Room, mailbot: Type) -> None:
    here.write(DANA, OPT_OUT, "Stop.", f"Reply-To: Dana <{ELSEWHERE}>", f"Cc: {CHIEF}", "To: info@alit.kz, other@example.com")
    letter = here.letter_to(DANA)
    assert {DANA: 1} == seen_by(here.smtp)
    assert (DANA, None, None, None) == tuple(letter[name] for name in ("To", "Cc", "Bcc", "Reply-To"))
    shown = mailbot("requests", "show", here.request().reference, "--config", str(here.config)).out
    assert (True, True) == (DANA in shown, f"reply-to: {ELSEWHERE}" in shown)


def test_h79_where_answers_are_wanted_where_the_mail_comes_from_nothing_is_said_of_it(here: Room, mailbot: Type) -> None:
    here.write(DANA, OPT_OUT, "Stop.", "Reply-To: Dana@EXAMPLE.com")
    assert "reply-to" not in mailbot("requests", "show", here.request().reference, "--config", str(here.config)).out


def test_h85_who_wants_a_receipt_gets_none(here: Room) -> None:
    wishes = [f"{name}: {ELSEWHERE}" for name in ("Disposition-Notification-To", "Return-Receipt-To", "X-Confirm-Reading-To")]
    here.write(DANA, "The weather", "It is fine, is it not?", *wishes)
    assert {} == seen_by(here.smtp)
    here.write(DANA, OPT_OUT, "Stop.", *wishes)
    assert {DANA: 1} == seen_by(here.smtp)
    assert "multipart/report" != here.letter_to(DANA).get_content_type()


def test_h83_a_letter_repeats_nothing_of_the_message_but_which_fields_it_concerns(here: Room) -> None:
    here.on_file(DANA)
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Message-ID"] = f"Canary Displayed <{DANA}>", "Canary Inbox <info@alit.kz>", "<1@example.com>"
    mail["Subject"] = f"{UPDATE} canary"
    mail.set_content("Canary: my new phone is +7 700 000 20 14, not +7 700 000 20 13.")
    mail.add_attachment(b"canary", "text", "plain", filename="canary.txt")
    append_all(here.dovecot, here.mailbox, [mail.as_bytes()])
    run_once(here.config)
    letter = here.letter_to(DANA)
    whole = f"{letter}{letter.get_content()}"
    assert (True, True) == (here.request().reference in letter["Subject"], "phone" in letter.get_content())
    assert [] == [word for word in ("canary", "20 14", "2014", "20 13", "2013") if word in whole.lower()]


def test_h46_a_display_name_is_nobody_and_is_not_repeated(here: Room) -> None:
    """The surname is that of Dana, who is on file, and so is the address that stands for a name."""
    here.on_file(DANA)
    here.write("Үлгінова <vera@example.com>", OPT_OUT, "Stop.")
    here.write(f'"{DANA}" <eve@example.com>', OPT_OUT, "Stop all of it.")
    with store_of(here.config) as tx:
        stopped, vera = [row.address_key for row in tx.execute(suppressions.select())], keys_of(tx).of_address("vera@example.com")
    assert ([vera], {"vera@example.com": 1}) == (stopped, seen_by(here.smtp))
    assert "Үлгінова" not in f"{here.letter_to('vera@example.com')}{here.letter_to('vera@example.com').get_content()}"


@pytest.mark.parametrize("proof", [PASSED, ""], ids=["aligned", "unproven"])
def test_h68_who_asks_what_is_held_gets_none_of_it_without_staff(here: Room, proof: str) -> None:
    here.on_file(DANA)
    here.write(DANA, "Request for access to my personal data", "What do you hold about me?", *filter(None, [proof]))
    here.answer(here.letter_to(DANA), DANA, "YES", *filter(None, [proof]))
    (letter,) = here.letters_to(DANA)
    held = f"{letter}{letter.get_content()}"
    assert [] == [value for value in ("Үлгінова", "77000002013", "form 7", "2025") if value in held]
    assert (State.AWAITING_STAFF, "access") == (here.request().state, here.request().type)


@pytest.mark.parametrize(("acknowledge", "answered"), [("all", [DANA, "vera@example.com"]), ("aligned", [DANA])])
def test_h80_letters_go_to_unproven_senders_unless_the_operator_does_not_want_that(
    config_file: ConfigFile, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, acknowledge: str, answered: list[str]
) -> None:
    config = config_file()
    config.write_text(config.read_text().replace("[limits]\n", f'[limits]\nacknowledge = "{acknowledge}"\n'))
    here = Room(config, dovecot, smtp, mailbox)
    run_once(config)
    here.write(DANA, OPT_OUT, "Stop.", PASSED)
    here.write("vera@example.com", OPT_OUT, "Stop.")
    assert dict.fromkeys(answered, 1) == seen_by(smtp)
    states = {str(request.sender): request.state for request in requests_in(config)}
    told = dict.fromkeys(answered, State.CARRIED_OUT)
    assert {DANA: State.AWAITING_STAFF, "vera@example.com": State.AWAITING_STAFF, **told} == states
