"""What the server took for spam: a request among it is found, listed and never answered; the folder stays as it was (H78)."""

from datetime import timedelta

import pytest

from mailbot import staff
from mailbot.config import load_config
from mailbot.digest import digest_order, show_digest
from tests.conftest import ConfigFile
from tests.mailbot.register_room import act
from tests.scenarios.outside import letters_in, lines_in, ordinary, outcomes_in, request, requests_in, run_once, seen_by
from tests.scenarios.test_ears import UPDATE, at_desk, history, references, reply
from tests.scenarios.test_reading_the_mailbox import add_inbox
from tests.servers import CapturingSmtp, Dovecot

NEXT_DAY = timedelta(days=1)


def test_h78_a_request_among_spam_is_listed_with_its_limit_and_never_answered(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file(inbox={"filing": "keyword", "filing_name": "Mailbot"})
    dovecot.create_folder(mailbox, "Junk")
    dovecot.append(mailbox, request("aigerim"), "Junk", ["$Junk"])
    dovecot.append(mailbox, request("bolat", "Personal data"), "Junk")
    dovecot.append(mailbox, ordinary("firm"), "Junk")
    before = dovecot.snapshot(mailbox, "Junk")
    assert [0, 0] == [run_once(config).exit_status for _ in range(2)]
    assert [("Junk", "request"), ("Junk", "held"), ("Junk", "ordinary")] == [(line.folder, line.outcome) for line in lines_in(config)]
    assert {None} == {line.filing for line in lines_in(config)}
    kept = requests_in(config)
    assert {("aigerim@example.com", "request"), ("bolat@example.com", "held")} == {(each.sender, str(each.outcome)) for each in kept}
    assert [("awaiting_staff", True, True)] * 2 == [(each.state, each.due is not None, "taken_for_spam" in each.flags) for each in kept]
    assert ({}, ()) == (seen_by(smtp), letters_in(config))
    assert "messages_stopped" not in [event.what for event in history(config)]
    assert before == dovecot.snapshot(mailbox, "Junk")


def test_h78_a_letter_that_staff_release_is_sent_and_the_spam_folder_stays_as_it_was(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file(inbox={"filing": "keyword", "filing_name": "Mailbot"})
    dovecot.create_folder(mailbox, "Junk")
    dovecot.append(mailbox, request("aigerim", UPDATE), "Junk")
    before = dovecot.snapshot(mailbox, "Junk")
    run_once(config)
    with at_desk(config) as desk:
        act(desk, staff.refuse, references(config)["aigerim"], "officer", staff.Ground("no such data"))
    for _ in range(2):
        run_once(config)
    assert {"aigerim@example.com": 1} == seen_by(smtp)
    assert before == dovecot.snapshot(mailbox, "Junk")


def test_h78_the_copy_that_was_moved_to_the_inbox_is_shown_on_the_request(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    dovecot.create_folder(mailbox, "Junk")
    dovecot.append(mailbox, request("aigerim", UPDATE), "Junk")
    run_once(config)
    with dovecot.session(mailbox) as imap:
        imap.select_folder("Junk")
        imap.move([1], "INBOX")
    for _ in range(2):
        run_once(config)
    assert ["received", "found_in_inbox"] == [event.what for event in history(config)]
    assert {"request": 1, "duplicate": 1} == outcomes_in(config)
    assert {} == seen_by(smtp)


def test_h78_a_request_of_the_inbox_that_is_moved_among_spam_stays_what_it_is(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    dovecot.create_folder(mailbox, "Junk")
    dovecot.append(mailbox, request("aigerim", UPDATE))
    run_once(config)
    before = requests_in(config)
    with dovecot.session(mailbox) as imap:
        imap.select_folder("INBOX")
        imap.move([1], "Junk")
    run_once(config)
    assert (before, ["received"]) == (requests_in(config), [event.what for event in history(config)])
    assert {"aigerim@example.com": 1} == seen_by(smtp)


@pytest.mark.parametrize(("first", "second"), [("INBOX", "INBOX"), ("INBOX", "Junk"), ("Junk", "Junk")])
def test_h78_any_other_second_copy_is_only_counted(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile, first: str, second: str
) -> None:
    config = config_file()
    dovecot.create_folder(mailbox, "Junk")
    marked = b"X-Spam-Flag: YES\r\n" + request("aigerim", UPDATE)
    for folder in (first, second):
        dovecot.append(mailbox, marked, folder)
        run_once(config)
    assert {"request": 1, "duplicate": 1} == outcomes_in(config)
    assert ["received"] == [event.what for event in history(config)]


def test_h28_a_copy_in_another_inbox_was_not_found_among_spam(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file()
    dovecot.create_folder(mailbox, "Requests")
    add_inbox(config, {"user": mailbox, "folder": "Requests", "start": "2020-01-01"})
    dovecot.append(mailbox, request("aigerim", UPDATE))
    run_once(config)
    dovecot.append(mailbox, request("aigerim", UPDATE), "Requests")
    run_once(config)
    assert {"request": 1, "duplicate": 1} == outcomes_in(config)
    assert ["received"] == [event.what for event in history(config)]


@pytest.mark.parametrize(("start", "found"), [("now", {}), ("2020-01-01", {"request": 1})])
def test_h8_the_spam_folder_begins_where_the_inbox_does(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile, start: str, found: dict[str, int]
) -> None:
    config = config_file(start=start)
    dovecot.create_folder(mailbox, "Junk")
    dovecot.append(mailbox, request("aigerim"), "Junk")
    run_once(config)
    assert found == outcomes_in(config)


def test_the_digest_accounts_for_the_spam_folder_and_not_for_what_was_sent(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file(staff={"language": "en"})
    dovecot.create_folder(mailbox, "Junk")
    dovecot.append(mailbox, request("aigerim", UPDATE), "Junk")
    run_once(config)
    dovecot.append(mailbox, reply(), "Sent")
    run_once(config)
    with at_desk(config) as desk:
        text = show_digest(desk, digest_order(load_config(config)), desk.now() + NEXT_DAY).text
        (sent_on,) = [event.at.astimezone(desk.zone) for event in history(config) if event.what == "answered_by_hand"]
    assert "info@alit.kz / Junk\n" in text
    assert "arrived 1 = accounted for 1" in " ".join(text.split())
    assert f"Answered by hand on {sent_on:%d.%m.%Y}: done?" in text
    assert "Sent" not in text
