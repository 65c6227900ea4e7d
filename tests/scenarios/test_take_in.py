"""What mailbot passed over and staff drag into the folder for requests: it is taken in, answered once, and stays as it lies."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from mailbot import corrections, staff
from mailbot.config import load_config
from mailbot.digest import digest_order, show_digest
from rules.decide import PERSONAL
from rules.vocabulary import RequestType
from storage import register
from storage.register import Registered
from storage.tables import corrections as kept
from tests.conftest import ConfigFile
from tests.mailbot.register_room import act
from tests.scenarios.outside import letters_in, lines_in, message, outcomes_in, request, requests_in, run_once, seen_by, store_of
from tests.scenarios.test_ears import UPDATE, at_desk, daemon, history, until
from tests.servers import CapturingSmtp, Dovecot

FOLDER = "mailbot/Take in"


def odd(name: str = "aigerim", *more: str) -> bytes:
    """Write what recognition passes over, though a person of staff sees what is meant."""
    return message(name, "About the flat on Abay avenue", f"The keys are with the guard, the lift works again. {name}", *more)


def drag(dovecot: Dovecot, user: str, uid: int = 1, folder: str = FOLDER, source: str = "INBOX") -> None:
    """Move a message as a mail program does."""
    with dovecot.session(user) as imap:
        imap.select_folder(source)
        imap.move([uid], folder)


def only(config: Path) -> Registered:
    (entry,) = requests_in(config)
    return entry


def says(config: Path) -> list[tuple[str, str | None, str, str]]:
    with store_of(config) as tx:
        return [(row.was_outcome, row.was_type, row.was_reason, row.says) for row in tx.execute(select(kept).order_by(kept.c.id))]


def fresh() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)


@pytest.mark.parametrize("how", ["move", "copy"])
def test_a_message_that_is_dragged_there_is_taken_in_and_answered_once(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, how: str
) -> None:
    config, received = config_file(), fresh()
    dovecot.append(mailbox, odd(), internal_date=received)
    run_once(config)
    assert ({"ordinary": 1}, {}) == (outcomes_in(config), seen_by(smtp))
    with dovecot.session(mailbox) as imap:
        imap.select_folder("INBOX")
        getattr(imap, how)([1], FOLDER)
    lying = dovecot.snapshot(mailbox, FOLDER)
    assert [0, 0] == [run_once(config).exit_status for _ in range(2)]
    entry = only(config)
    assert ("held", "awaiting_staff", None, corrections.PUT_THERE) == (entry.outcome, entry.state, entry.type, entry.reason)
    assert (received, FOLDER, True) == (entry.received_at, entry.place.folder, entry.due is not None)
    assert (PERSONAL, None) == (entry.may_be, entry.certainty)
    assert {"aigerim@example.com": 1} == seen_by(smtp)
    assert [("acknowledgement", "en")] == [(letter.kind, letter.language) for letter in letters_in(config)]
    assert ["received", "put_into_folder"] == [event.what for event in history(config)]
    assert [("ordinary", None, "request")] == [(outcome, kind, staff_say) for outcome, kind, _, staff_say in says(config)]
    assert lying == dovecot.snapshot(mailbox, FOLDER), "I4"


def test_the_daemon_takes_in_what_lies_there_when_it_begins(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file(start="now")
    dovecot.create_folder(mailbox, FOLDER)
    dovecot.append(mailbox, odd(), internal_date=fresh())
    drag(dovecot, mailbox)
    with daemon(config):
        until(lambda: bool(seen_by(smtp)["aigerim@example.com"]))
    sent = seen_by(smtp)
    sent.pop("officer@example.com", None)  # the staff may have had their digest by then
    assert ({"held": 1}, {"aigerim@example.com": 1}) == (outcomes_in(config), sent)


def test_what_recognition_suggests_is_what_it_may_be(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file(start="now")
    dovecot.append(mailbox, request("aigerim", UPDATE), internal_date=fresh())  # it lay there before the first start
    run_once(config)
    drag(dovecot, mailbox)
    run_once(config)
    assert ("held", None, (RequestType.UPDATE,)) == (only(config).outcome, only(config).type, only(config).may_be)
    assert [("request", "update", "The subject is the mark that clause 8.3 names.", "request")] == says(config)


def test_what_is_typed_an_update_has_what_its_text_asks_to_change(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file()
    run_once(config)
    dovecot.append(mailbox, message("aigerim", "A small thing", "My new phone number is +7 700 000 12 34."), FOLDER, internal_date=fresh())
    run_once(config)
    with at_desk(config) as desk:
        for kind in (RequestType.UPDATE, RequestType.ACCESS, RequestType.UPDATE):
            act(desk, corrections.give_type, only(config).reference, "officer", kind)
    with store_of(config) as tx:
        assert ["+77000001234"] == [change.new for change in register.changes_of(tx, only(config).reference)]


def test_a_message_that_is_a_request_already_is_noted_and_not_answered_again(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim", UPDATE), internal_date=fresh())
    run_once(config)
    before = only(config)
    drag(dovecot, mailbox)
    for _ in range(2):
        run_once(config)
    assert (before, {"aigerim@example.com": 1}) == (only(config), seen_by(smtp))
    assert {"request": 1, "duplicate": 1} == outcomes_in(config)
    assert (["received", "put_into_folder"], []) == ([event.what for event in history(config)], says(config))


def test_h98_the_true_receipt_counts_where_the_copy_has_a_later_date(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    """Programs that copy between accounts put the message there anew, with the day on which they did."""
    config, received = config_file(), fresh() - timedelta(days=3)
    dovecot.append(mailbox, odd(), internal_date=received)
    run_once(config)
    dovecot.append(mailbox, odd(), FOLDER)
    run_once(config)
    assert received == only(config).received_at


def test_h9_an_old_message_is_taken_in_and_not_answered(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config, received = config_file(), fresh() - timedelta(days=40)
    dovecot.append(mailbox, odd(), internal_date=received)
    run_once(config)
    dovecot.append(mailbox, odd(), FOLDER)
    run_once(config)
    assert ("held", received, True, {}) == (only(config).outcome, only(config).received_at, "too_old" in only(config).flags, seen_by(smtp))


@pytest.mark.parametrize("field", ["Auto-Submitted: auto-generated", "Precedence: bulk", "List-Id: <x.example.com>", "Return-Path: <>"])
def test_i5_what_only_looks_like_a_machines_is_taken_in_and_never_answered(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, field: str
) -> None:
    config = config_file()
    dovecot.append(mailbox, odd("aigerim", field), internal_date=fresh())
    run_once(config)
    assert {"automatic": 1} == outcomes_in(config)
    drag(dovecot, mailbox)
    run_once(config)
    assert ("held", {}) == (only(config).outcome, seen_by(smtp))


@pytest.mark.parametrize(
    "fields",
    [
        ["From: info@alit.kz", "X-Mailbot-Loop: digest"],
        ["From: info@alit.kz", "Message-Id: <mailbot.abc@alit.kz>"],
        ["From: mx@alit.kz", "Content-Type: multipart/report; report-type=delivery-status"],
    ],
)
def test_h29_letters_of_ours_and_reports_that_are_dragged_there_are_left(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, fields: list[str]
) -> None:
    config = config_file()
    lines = [*fields, "To: officer@example.com", "Subject: Personal Data Update", "", "Done."]
    dovecot.create_folder(mailbox, FOLDER)
    dovecot.append(mailbox, "\r\n".join(lines).encode(), FOLDER)
    lying = dovecot.snapshot(mailbox, FOLDER)
    run_once(config)
    assert ({"automatic": 1}, (), {}) == (outcomes_in(config), requests_in(config), seen_by(smtp))
    assert lying == dovecot.snapshot(mailbox, FOLDER)


def test_a_message_in_a_thread_is_a_request_of_its_own_because_staff_say_so(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim", UPDATE), internal_date=fresh())
    run_once(config)
    reply = odd("aigerim", "In-Reply-To: <aigerim.1@example.com>").replace(b"Message-ID: <aigerim.1@", b"Message-ID: <aigerim.2@")
    dovecot.append(mailbox, reply, FOLDER)
    run_once(config)
    assert {"request": 1, "held": 1} == outcomes_in(config)


def test_h3_a_renumbered_folder_brings_nothing_again(dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file()
    run_once(config)
    dovecot.append(mailbox, odd(), FOLDER, internal_date=fresh())
    run_once(config)
    before = only(config)
    dovecot.reset_uidvalidity(mailbox, FOLDER)
    dovecot.append(mailbox, odd("bolat"), FOLDER, internal_date=fresh())
    run_once(config)
    assert {"held": 2} == outcomes_in(config)
    assert {"aigerim@example.com": 1, "bolat@example.com": 1} == seen_by(smtp)
    (same,) = (each for each in requests_in(config) if each.reference == before.reference)
    assert dovecot.uidvalidity(mailbox, FOLDER) == same.place.uidvalidity


def test_i4_a_letter_that_staff_release_leaves_the_message_as_it_lies(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file(inbox={"filing": "keyword", "filing_name": "Mailbot"})
    run_once(config)
    dovecot.append(mailbox, odd(), FOLDER, ["\\Flagged"], fresh())
    lying = dovecot.snapshot(mailbox, FOLDER)
    run_once(config)
    with at_desk(config) as desk:
        act(desk, corrections.give_type, only(config).reference, "officer", RequestType.ACCESS)
        act(desk, staff.refuse, only(config).reference, "officer", staff.Ground("no such data"))
    for _ in range(2):
        run_once(config)
    assert ({"aigerim@example.com": 2}, lying) == (seen_by(smtp), dovecot.snapshot(mailbox, FOLDER))


def test_the_digest_says_who_put_it_there(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file(staff={"language": "en"})
    run_once(config)
    dovecot.append(mailbox, odd(), FOLDER, internal_date=fresh())
    run_once(config)
    with at_desk(config) as desk:
        text = show_digest(desk, digest_order(load_config(config)), desk.now()).text
    assert "A person of staff put it into the folder for requests" in " ".join(text.split())
    assert "info@alit.kz / mailbot/Take in" in text


@pytest.mark.parametrize("name", ["Запросы", "INBOX/Сделать: өтініш"])
def test_h18_the_folder_is_made_by_the_name_that_is_configured_and_subscribed(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile, name: str
) -> None:
    for _ in range(2):
        assert 0 == run_once(config_file(inbox={"take_in_folder": name})).exit_status
    with dovecot.session(mailbox) as imap:
        assert [name] == [found for _, _, found in imap.list_sub_folders("", name)]
        assert not imap.folder_exists(FOLDER)


def test_no_folder_is_made_where_none_is_wanted(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    dovecot.create_folder(mailbox, FOLDER)
    dovecot.append(mailbox, odd(), FOLDER)
    config = config_file(inbox={"take_in_folder": "none"})
    run_once(config)
    assert [] == lines_in(config)
    with dovecot.session(mailbox) as imap:
        assert not imap.folder_exists("none")


def test_h7_a_folder_that_is_gone_is_made_again_at_the_next_connection(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file()
    run_once(config)
    with dovecot.session(mailbox) as imap:
        imap.delete_folder(FOLDER)
    assert 0 == run_once(config).exit_status
    dovecot.append(mailbox, odd(), FOLDER, internal_date=fresh())
    run_once(config)
    assert {"held": 1} == outcomes_in(config)
