"""An update that names nothing is asked back with a form; the form filled in joins the request and says what is to be changed."""

from email import message_from_bytes
from email.policy import default

from rules.details_change import Change, Field
from storage.register import changes_of
from tests.conftest import ConfigFile
from tests.scenarios.outside import append_all, message, outcomes_in, requests_in, run_once, store_of
from tests.servers import CapturingSmtp, Dovecot


def test_the_form_filled_in_and_quoted_says_what_is_to_be_changed(
    config_file: ConfigFile, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str
) -> None:
    config = config_file()
    run_once(config)
    append_all(dovecot, mailbox, [message("dana", "Personal Data Update", "Hello, please update my record. Thanks!")])
    run_once(config)
    (letter,) = smtp.envelopes
    asked = message_from_bytes(letter.content, policy=default)
    form = asked.get_content()
    filled = "".join(f"> {line}{' 8 700 000 20 14' if line == 'Phone:' else ''}\r\n" for line in form.splitlines())
    answer = message("dana", "Re: your letter", f"Here it is.\r\n\r\n{filled}", f"In-Reply-To: {asked['Message-ID']}")
    append_all(dovecot, mailbox, [answer.replace(b"<dana.1@", b"<dana.2@")])
    run_once(config)
    (request,) = requests_in(config)
    assert {"request": 1, "follow_up": 1} == outcomes_in(config)
    with store_of(config) as tx:
        assert (Change(Field.PHONE, None, "+77000002014"),) == changes_of(tx, request.reference)


def test_what_a_letter_names_is_kept_with_its_request_and_no_value_is_told(
    config_file: ConfigFile, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str
) -> None:
    config = config_file()
    run_once(config)
    append_all(dovecot, mailbox, [message("dana", "Personal Data Update", "My new phone is 8 700 000 20 14, not 8 700 000 20 13.")])
    run_once(config)
    (request,), (letter,) = requests_in(config), smtp.envelopes
    with store_of(config) as tx:
        assert (Change(Field.PHONE, "+77000002013", "+77000002014"),) == changes_of(tx, request.reference)
    said = message_from_bytes(letter.content, policy=default).get_content()
    assert "phone" in said
    assert "20 14" not in said
    assert "2014" not in said
