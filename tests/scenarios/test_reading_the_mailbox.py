"""Reading the mailbox: whatever the server, the staff or time did to it, each message is taken in once and left as it was."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest

from mailbot.config import load_config
from mailbot.daemon import Works
from mailbot.errors import ConfigurationMistake
from mailbot.imap import Mailbox
from mailbot.rounds import Round
from rules.place import Cursor
from storage.ledger import CursorMoved, cursor_of
from tests.conftest import ConfigFile, toml_table
from tests.scenarios.outside import (
    append_all,
    ended,
    flags_of,
    lines_in,
    message,
    ordinary,
    outcomes_in,
    request,
    requests_in,
    run_once,
    seen_by,
    start_program,
)
from tests.servers import CapturingSmtp, Dovecot, Postgresql

ANSWERED = frozenset({"\\Answered"})
LONG_AGO = datetime(2021, 5, 17, 6, 0, tzinfo=UTC)


# --- what is read, and how it is left --------------------------------------------------------------------------------


def test_h1_mail_is_left_as_it_was_but_for_the_answered_flag_of_a_request(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    usual = [
        dovecot.append(mailbox, ordinary("firm"), flags=["\\Flagged"]),
        dovecot.append(mailbox, message("talker", "", "Just a word about the weather.")),
        dovecot.append(mailbox, message("greeter", "Hello", "How are you?"), flags=["\\Seen", "\\Deleted", "Budget"]),
    ]
    asked = dovecot.append(mailbox, request("aigerim"))
    before = dovecot.snapshot(mailbox)
    run_once(config_file())
    after = dovecot.snapshot(mailbox)
    assert [before[uid] for uid in usual] == [after[uid] for uid in usual]
    assert (ANSWERED, before[asked].sha256) == (after[asked].flags, after[asked].sha256)


@pytest.mark.parametrize("flags", [["\\Seen"], ["\\Flagged"], ["\\Answered", "\\Seen"], ["\\Draft"]])
def test_h2_what_staff_opened_flagged_or_answered_first_is_taken_in_all_the_same(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile, flags: list[str]
) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim"), flags=flags)
    run_once(config)
    assert {"request": 1} == outcomes_in(config)


def test_a_second_round_finds_nothing_to_do(dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file()
    append_all(dovecot, mailbox, [request("aigerim"), ordinary("firm")])
    assert [2, 0] == [run_once(config).counts[0].messages for _ in range(2)]
    assert {"aigerim@example.com": 1} == seen_by(smtp)


def test_h4_two_accounts_that_hand_out_the_same_uid_are_kept_apart(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    second: dict[str, object] = {"address": "dpo@alit.kz", "user": f"{mailbox}-dpo", "start": "2020-01-01"}
    add_inbox(config, second)
    assert dovecot.append(mailbox, request("aigerim")) == dovecot.append(f"{mailbox}-dpo", request("bolat"))
    run_once(config)
    assert {("info@alit.kz", 1), ("dpo@alit.kz", 1)} == {(line.inbox, line.uid) for line in lines_in(config)}
    assert {"aigerim@example.com": 1, "bolat@example.com": 1} == seen_by(smtp)


def test_h4_two_folders_that_hand_out_the_same_uid_are_kept_apart(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    dovecot.create_folder(mailbox, "Requests")
    add_inbox(config, {"user": mailbox, "folder": "Requests", "start": "2020-01-01"})
    assert dovecot.append(mailbox, request("aigerim")) == dovecot.append(mailbox, request("bolat"), "Requests")
    run_once(config)
    assert {("INBOX", 1), ("Requests", 1)} == {(line.folder, line.uid) for line in lines_in(config)}
    assert {"aigerim@example.com": 1, "bolat@example.com": 1} == seen_by(smtp)


def add_inbox(config: Path, keys: dict[str, object]) -> None:
    """Watch a second inbox of the same server."""
    first = load_config(config).inbox[0]
    given = {"address": first.address, "host": first.host, "port": first.port, "tls": "none", "password_file": str(first.password_file)}
    config.write_text(config.read_text() + toml_table("inbox", given | keys))


def test_h28_one_message_in_two_inboxes_is_one_request(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    add_inbox(config, {"address": "dpo@alit.kz", "user": f"{mailbox}-dpo", "start": "2020-01-01"})
    for user in (mailbox, f"{mailbox}-dpo"):
        dovecot.append(user, request("aigerim"))
    run_once(config)
    assert {"request": 1, "duplicate": 1} == outcomes_in(config)
    assert {"aigerim@example.com": 1} == seen_by(smtp)


def test_h28_h97_messages_in_two_inboxes_are_one_request_each_on_postgresql(
    postgresql: Postgresql, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    """Both inboxes are read at the same time, and each transaction looks before the other one is committed."""
    config = config_file(store={"url": postgresql.fresh_database()}, inbox={"batch": 1})
    add_inbox(config, {"address": "dpo@alit.kz", "user": f"{mailbox}-dpo", "start": "2020-01-01", "batch": 1})
    for user in (mailbox, f"{mailbox}-dpo"):
        append_all(dovecot, user, [request(f"person{number}") for number in range(12)])
    run_once(config)
    assert {"request": 12, "duplicate": 12} == outcomes_in(config)
    assert {1} == set(seen_by(smtp).values())


@pytest.mark.parametrize("folder", ["Өтініштер", "Обращения граждан", "A & B"])
def test_h18_a_folder_is_found_by_its_decoded_name(dovecot: Dovecot, mailbox: str, config_file: ConfigFile, folder: str) -> None:
    config = config_file(inbox={"folder": folder})
    dovecot.create_folder(mailbox, folder)
    dovecot.append(mailbox, request("aigerim"), folder)
    run_once(config)
    assert [(folder, "request")] == [(line.folder, line.outcome) for line in lines_in(config)]


def test_h18_a_missing_folder_is_named_and_never_made(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    report = run_once(config_file(inbox={"folder": "Өтініштер"}))
    assert (78, True) == (report.exit_status, "Өтініштер" in str(report.problems[0]))
    with dovecot.session(mailbox) as imap:
        assert not imap.folder_exists("Өтініштер")


# --- where it begins -------------------------------------------------------------------------------------------------


def test_h8_the_first_start_at_now_leaves_thousands_of_old_messages_alone(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file(start="now")
    append_all(dovecot, mailbox, (request(f"person{number}") for number in range(2000)))
    assert 0 == run_once(config).counts[0].messages
    dovecot.append(mailbox, request("aigerim"))
    assert 1 == run_once(config).counts[0].requests
    assert {"aigerim@example.com": 1} == seen_by(smtp)


def test_h8_the_first_start_at_a_date_takes_in_what_came_since(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    """The configured day begins in the operator's zone: 1 March in Almaty is 28 February, 19:00 UTC."""
    config = config_file(start="2022-03-01")
    midnight = datetime(2022, 2, 28, 18, 0, tzinfo=UTC)  # Almaty was UTC+6 then
    for name, moment in (("early", LONG_AGO), ("before", midnight - timedelta(seconds=1)), ("after", midnight)):
        dovecot.append(mailbox, request(name), internal_date=moment)
    run_once(config)
    assert [("request", 3)] == [(line.outcome, line.uid) for line in lines_in(config)]


def test_h8_a_first_start_over_many_batches_counts_each_message_once(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file(inbox={"batch": 7})
    append_all(dovecot, mailbox, (ordinary(f"firm{number}") for number in range(100)))
    assert 100 == run_once(config).counts[0].messages
    assert list(range(1, 101)) == [line.uid for line in lines_in(config)]


def test_h9_an_old_message_is_registered_and_not_answered(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim"), internal_date=LONG_AGO)
    run_once(config)
    (kept,) = requests_in(config)
    assert ("awaiting_staff", LONG_AGO, True) == (kept.state, kept.received_at, "too_old" in kept.flags)
    assert {} == seen_by(smtp)


@pytest.mark.parametrize("start", ["now", "2022-03-01"])
def test_h9_an_old_message_that_staff_move_back_later_is_registered_and_not_answered(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, start: str
) -> None:
    config = config_file(start=start)
    run_once(config)
    dovecot.append(mailbox, request("aigerim"), internal_date=LONG_AGO)
    run_once(config)
    assert [LONG_AGO] == [kept.received_at for kept in requests_in(config)]
    assert {} == seen_by(smtp)


# --- when the server counts anew -------------------------------------------------------------------------------------


def test_h3_a_renumbered_folder_gives_no_request_and_no_letter_again(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    people = [f"person{number}" for number in range(20)]
    append_all(dovecot, mailbox, [*map(request, people), *(ordinary(f"firm{number}") for number in range(280))])
    run_once(config)
    known = lines_in(config)
    dovecot.reset_uidvalidity(mailbox)
    assert 0 == run_once(config).counts[0].requests
    assert {f"{name}@example.com": 1 for name in people} == seen_by(smtp)
    assert 20 == len(requests_in(config))
    renumbered = lines_in(config)
    assert [(line.uid, line.outcome) for line in known] == [(line.uid, line.outcome) for line in renumbered]
    assert {dovecot.uidvalidity(mailbox)} == {line.uidvalidity for line in renumbered}
    assert {dovecot.uidvalidity(mailbox)} == {kept.place.uidvalidity for kept in requests_in(config)}


def test_h3_unknown_mail_from_before_the_last_good_pass_is_listed_and_not_answered(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim"))
    run_once(config)
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    dovecot.append(mailbox, request("bolat"), internal_date=hour_ago)  # as a restored backup would
    dovecot.reset_uidvalidity(mailbox)
    run_once(config)
    assert {"aigerim@example.com": 1} == seen_by(smtp)
    (restored,) = [kept for kept in requests_in(config) if kept.sender == "bolat@example.com"]
    assert ("awaiting_staff", True) == (restored.state, "renumbered" in restored.flags)


def test_h3_mail_that_came_after_the_last_good_pass_is_answered_under_its_new_number(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    run_once(config)
    moment = datetime.now(UTC) + timedelta(seconds=2)  # INTERNALDATE knows whole seconds
    dovecot.append(mailbox, request("bolat"), internal_date=moment)
    dovecot.reset_uidvalidity(mailbox)
    run_once(config)
    assert {"bolat@example.com": 1} == seen_by(smtp)


def test_h3_what_waited_to_be_filed_is_filed_under_its_new_number(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim"))
    smtp.stop()
    run_once(config)
    smtp.start()
    dovecot.reset_uidvalidity(mailbox)
    for _ in range(2):
        run_once(config)
    assert {1: ANSWERED} == flags_of(dovecot, mailbox)
    assert ["done"] == [line.filing for line in lines_in(config)]


# --- filing away -----------------------------------------------------------------------------------------------------


def test_h19_a_request_is_moved_and_nothing_that_staff_marked_is_destroyed(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file(inbox={"filing": "folder", "filing_name": "Өтініштер"})
    dovecot.create_folder(mailbox, "Өтініштер")
    marked = dovecot.append(mailbox, ordinary("firm"), flags=["\\Deleted"])
    dovecot.append(mailbox, request("aigerim"))
    before = dovecot.snapshot(mailbox)
    run_once(config)
    assert {marked: before[marked]} == dovecot.snapshot(mailbox)
    assert [before[2].sha256] == [stored.sha256 for stored in dovecot.snapshot(mailbox, "Өтініштер").values()]
    run_once(config)
    assert 1 == len(dovecot.snapshot(mailbox, "Өтініштер"))


def test_h19_a_request_gets_the_keyword_and_ordinary_mail_gets_none(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file(inbox={"filing": "keyword", "filing_name": "Mailbot"})
    append_all(dovecot, mailbox, [ordinary("firm"), request("aigerim")])
    run_once(config)
    assert {1: frozenset(), 2: frozenset({"Mailbot"})} == flags_of(dovecot, mailbox)


def test_h19_a_request_that_staff_moved_away_first_is_no_hindrance(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    append_all(dovecot, mailbox, [request("aigerim"), request("bolat")])
    smtp.stop()
    run_once(config)
    smtp.start()
    with dovecot.session(mailbox) as imap:
        imap.select_folder("INBOX")
        imap.create_folder("Dealt with")
        imap.move([1], "Dealt with")
    run_once(config)
    assert {2: ANSWERED} == flags_of(dovecot, mailbox)
    assert ["done", "done"] == [line.filing for line in lines_in(config)]


def test_a_filing_folder_that_is_missing_is_told_before_anything_is_taken_in(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file(inbox={"filing": "folder", "filing_name": "Өтініштер"})
    dovecot.append(mailbox, request("aigerim"))
    report = run_once(config)
    assert [ConfigurationMistake] == [type(problem) for problem in report.problems]
    assert [] == lines_in(config)


def test_h20_by_default_nothing_is_moved_or_deleted(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    append_all(dovecot, mailbox, [ordinary("firm"), request("aigerim"), ordinary("firm2")])
    before = dovecot.snapshot(mailbox)
    run_once(config_file())
    assert {uid: stored.sha256 for uid, stored in before.items()} == {
        uid: stored.sha256 for uid, stored in dovecot.snapshot(mailbox).items()
    }


# --- one at a time, and one after another ----------------------------------------------------------------------------


def test_h21_two_processes_at_once_register_and_answer_everything_once(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file(inbox={"batch": 5})
    people = [f"person{number}" for number in range(40)]
    append_all(dovecot, mailbox, map(request, people))
    both = [start_program(config, "--once") for _ in range(2)]
    assert [0, 0] == [ended(running).status for running in both]
    assert {f"{name}@example.com": 1 for name in people} == seen_by(smtp)
    assert {"request": 40} == outcomes_in(config)


def test_h21_a_round_that_was_overtaken_records_nothing(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    """The lease failed us: another mailbot worked here between our look at the cursor and our record."""
    config = config_file()
    run_once(config)
    append_all(dovecot, mailbox, [request("aigerim"), ordinary("firm")])
    works = Works(load_config(config))
    inbox, address = works.addresses[0]
    slow = Mailbox(address)
    overtaken = Round(works.desk, inbox, slow, lambda _: None)
    cursor = Cursor("info@alit.kz", "INBOX", slow.uidvalidity, 0, datetime.now(UTC))
    run_once(config)
    with pytest.raises(CursorMoved):
        overtaken._work_through(cursor, [1, 2], None)
    slow.log_out()
    works.desk.database.close()
    assert {"request": 1, "ordinary": 1} == outcomes_in(config)
    assert {"aigerim@example.com": 1} == seen_by(smtp)


def test_h36_a_batch_that_was_not_begun_when_we_had_to_stop_is_not_counted_as_tried(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile
) -> None:
    config, stop = config_file(inbox={"batch": 2}), threading.Event()
    append_all(dovecot, mailbox, (request(f"person{number}") for number in range(6)))
    works = Works(load_config(config))
    inbox, address = works.addresses[0]
    connection = Mailbox(address)
    assert 2 == Round(works.desk, inbox, connection, lambda _: stop.set()).go(stop).messages
    with works.desk.database.read() as tx:
        cursor = cursor_of(tx, inbox.address, inbox.folder)
    connection.log_out()
    works.desk.database.close()
    assert cursor is not None
    assert (2, 0, None) == (cursor.last_uid, cursor.tries, cursor.trying_from)


# --- when it came ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("server", "days"), [("mx.alit.kz", 3), ("mx.example.com", 0)])
def test_h98_a_message_appended_anew_counts_from_our_own_servers_stamp(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile, server: str, days: int
) -> None:
    config, now = config_file(), datetime.now(UTC).replace(microsecond=0)
    stamp = now - timedelta(days=3)
    received = f"Received: from a.example by {server} with ESMTP id 1; {format_datetime(stamp)}\r\n".encode()
    dovecot.append(mailbox, received + request("aigerim"), internal_date=now)
    run_once(config)
    assert [now - timedelta(days=days)] == [kept.received_at for kept in requests_in(config)]


def test_h98_a_far_zone_of_the_server_is_stored_as_utc(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file()
    moment = datetime(2025, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=14)))
    dovecot.append(mailbox, request("aigerim"), internal_date=moment)
    run_once(config)
    assert [datetime(2025, 2, 28, 11, 30, tzinfo=UTC)] == [kept.received_at for kept in requests_in(config)]
