"""What staff answered by hand is heard in the Sent folder, which stays as it was (H112); and which folders are looked into (H18)."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailbot import staff
from mailbot.config import load_config
from mailbot.daemon import Works
from mailbot.desk import Desk
from storage import register
from storage.register import Happening
from tests.conftest import ConfigFile
from tests.mailbot.register_room import act
from tests.mailbot.typing_room import typist
from tests.scenarios.outside import (
    Ended,
    append_all,
    ended,
    lines_in,
    outcomes_in,
    request,
    requests_in,
    run_once,
    run_program,
    seen_by,
    start_program,
    store_of,
)
from tests.scenarios.test_crashes import die
from tests.scenarios.test_reading_the_mailbox import add_inbox
from tests.servers import CapturingSmtp, Dovecot

UPDATE = "Personal Data Update"
GIVE_UP_SECONDS = 60


@contextmanager
def at_desk(config: Path) -> Iterator[Desk]:
    """Open the desk as one who types commands has it."""
    works = Works(load_config(config))
    try:
        yield works.desk
    finally:
        works.desk.database.close()


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    give_up = time.monotonic() + GIVE_UP_SECONDS
    while not condition():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.05)


def reply(*fields: str, to: str = "aigerim@example.com", subject: str = "About your message") -> bytes:
    """Write what staff send from their own mail program."""
    head = ["From: Officer <info@alit.kz>", f"To: {to}", f"Subject: {subject}", "Message-ID: <reply@alit.kz>", *fields]
    return "\r\n".join([*head, "", "It is done.", ""]).encode()


def history(config: Path, name: str = "aigerim") -> list[Happening]:
    """Return what happened to the requests of a person."""
    with store_of(config) as tx:
        asked = [each.reference for each in register.list_requests(tx) if each.sender == f"{name}@example.com"]
        return [event for reference in asked for event in register.history_of(tx, reference)]


def answers(config: Path, name: str = "aigerim") -> list[dict[str, object]]:
    """Return which messages in the Sent folder were heard to answer a person's requests."""
    return [dict(event.detail) for event in history(config, name) if event.what == "answered_by_hand"]


def references(config: Path) -> dict[str, str]:
    """Return the references of the requests, by the name of the sender."""
    return {(each.sender or "").partition("@")[0]: each.reference for each in requests_in(config)}


def fields_of_thread(how: str, config: Path, smtp: CapturingSmtp) -> tuple[list[str], str]:
    """Return header fields and subject by which an answer belongs to the request."""
    (ours,) = (line for line in smtp.envelopes[0].content.decode().splitlines() if line.startswith("Message-ID:"))
    told = {
        "answers the person's message": (["In-Reply-To: <aigerim.1@example.com>"], "Re: hello"),
        "answers our acknowledgement": ([f"References: <elsewhere@example.com> {ours.removeprefix('Message-ID:').strip()}"], "Re: hello"),
        "names the reference": ([], f"Re: [{references(config)['aigerim']}] done"),
        "is to the person only": ([], "About your message"),
    }
    return told[how]


# --- what staff answered by hand -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how", ["answers the person's message", "answers our acknowledgement", "names the reference", "is to the person only"]
)
def test_h112_an_answer_by_hand_is_noted_once_and_changes_nothing_else(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, how: str
) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim", UPDATE))
    run_once(config)
    before = requests_in(config)
    fields, subject = fields_of_thread(how, config, smtp)
    uid = dovecot.append(mailbox, reply(*fields, subject=subject), "Sent", ["\\Seen", "\\Flagged"])
    lying = dovecot.snapshot(mailbox, "Sent")
    assert [0, 0] == [run_once(config).exit_status for _ in range(2)]
    assert [{"folder": "Sent", "uid": uid}] == answers(config)
    assert before == requests_in(config)
    assert lying == dovecot.snapshot(mailbox, "Sent")
    assert {"request": 1} == outcomes_in(config)


def test_h112_an_answer_by_hand_is_shown_in_words(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile, capsys: pytest.CaptureFixture[str]
) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim", UPDATE))
    run_once(config)
    dovecot.append(mailbox, reply(), "Sent")
    run_once(config)
    shown = typist(capsys)("requests", "show", references(config)["aigerim"], "--config", config)
    assert "answered by hand  staff  (folder: Sent, uid: 1)" in shown.out


NOBODYS_ANSWER = {
    "a letter of ours": reply("X-Mailbot-Loop: 1", "In-Reply-To: <aigerim.1@example.com>"),
    "a letter of ours without its mark": reply().replace(b"<reply@alit.kz>", b"<mailbot.abc@alit.kz>"),
    "an out-of-office notice": reply("Auto-Submitted: auto-replied", "In-Reply-To: <aigerim.1@example.com>"),
    "an out-of-office notice known by its subject": reply(subject="Автоответ: я в отпуске"),
    "a newsletter": reply("List-Unsubscribe: <https://alit.kz/u>"),
    "mail to a stranger": reply(to="dana@example.com"),
    "mail to thirty people": reply(to=", ".join(["aigerim@example.com", *(f"person{n}@example.com" for n in range(29))])),
    "the person's thread, sent on to a stranger": reply("In-Reply-To: <aigerim.1@example.com>", to="dana@example.com"),
    "the thread of another": reply("In-Reply-To: <bolat.1@example.com>"),
    "no answer at all": b"\xff\xfe\r\n\r\n",
}


@pytest.mark.parametrize("sent", NOBODYS_ANSWER.values(), ids=list(NOBODYS_ANSWER))
def test_h112_what_answers_nobody_is_not_noted(dovecot: Dovecot, mailbox: str, config_file: ConfigFile, sent: bytes) -> None:
    config = config_file()
    append_all(dovecot, mailbox, [request("aigerim", UPDATE), request("bolat", UPDATE)])
    run_once(config)
    dovecot.append(mailbox, sent, "Sent")
    assert 0 == run_once(config).exit_status
    assert [[], []] == [answers(config, name) for name in ("aigerim", "bolat")]


def test_h111_the_reference_of_another_person_joins_nothing(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file()
    append_all(dovecot, mailbox, [request("aigerim", UPDATE), request("bolat", UPDATE)])
    run_once(config)
    dovecot.append(mailbox, reply(to="bolat@example.com", subject=f"Re: {references(config)['aigerim']}"), "Sent")
    run_once(config)
    assert [[], []] == [answers(config, name) for name in ("aigerim", "bolat")]


def test_h112_an_answer_to_two_people_counts_for_the_one_whose_thread_it_is(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    append_all(dovecot, mailbox, [request("aigerim", UPDATE), request("bolat", UPDATE)])
    run_once(config)
    both = "bolat@example.com, Aigerim <AIGERIM@example.com>"
    dovecot.append(mailbox, reply("In-Reply-To: <aigerim.1@example.com>", to=both), "Sent")
    run_once(config)
    assert [1, 0] == [len(answers(config, name)) for name in ("aigerim", "bolat")]


def test_h112_a_closed_request_hears_nothing(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim", UPDATE))
    run_once(config)
    with at_desk(config) as desk:
        act(desk, staff.tick_off, references(config)["aigerim"], "officer", what=None, system=None)
    dovecot.append(mailbox, reply("In-Reply-To: <aigerim.1@example.com>"), "Sent")
    run_once(config)
    assert [] == answers(config)


def test_h112_of_two_open_requests_a_letter_outside_their_threads_answers_neither(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    another = request("aigerim", "Access to personal data").replace(b"<aigerim.1@", b"<aigerim.2@")
    append_all(dovecot, mailbox, [request("aigerim", UPDATE), another])
    run_once(config)
    assert 2 == len(requests_in(config))
    dovecot.append(mailbox, reply(), "Sent")
    run_once(config)
    assert [] == answers(config)


def test_h112_a_letter_sent_before_the_request_came_does_not_answer_it(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file()
    run_once(config)
    now = datetime.now(UTC)
    dovecot.append(mailbox, request("aigerim", UPDATE), internal_date=now - timedelta(hours=1))
    dovecot.append(mailbox, reply(), "Sent", internal_date=now - timedelta(hours=2))
    run_once(config)
    assert (1, []) == (len(requests_in(config)), answers(config))


def test_h112_what_was_sent_before_the_first_start_is_not_heard(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim", UPDATE))
    dovecot.append(mailbox, reply(), "Sent")
    for _ in range(2):
        run_once(config)
    assert [] == answers(config)


def test_h112_what_was_sent_while_nobody_listened_is_heard_in_batches(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file(inbox={"batch": 2})
    append_all(dovecot, mailbox, [request("aigerim", UPDATE), request("bolat", UPDATE)])
    run_once(config)
    for name in ("dana", "aigerim", "dana", "dana", "bolat"):
        dovecot.append(mailbox, reply(to=f"{name}@example.com"), "Sent")
    run_once(config)
    assert [[2], [5]] == [[answer["uid"] for answer in answers(config, name)] for name in ("aigerim", "bolat")]


def test_h3_a_renumbered_sent_folder_is_heard_from_its_end_and_the_log_says_so(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim", UPDATE))
    run_once(config)
    dovecot.append(mailbox, reply(), "Sent")
    run_once(config)
    dovecot.reset_uidvalidity(mailbox, "Sent")
    said = run_program(config)
    assert (0, True) == (said.status, "folder_renumbered" in said.said)
    assert [1] == [answer["uid"] for answer in answers(config)]
    dovecot.append(mailbox, reply(), "Sent")
    run_once(config)
    assert [1, 2] == [answer["uid"] for answer in answers(config)]


DEATHS = {
    "before the attempt is counted": ("before_commit", "UPDATE cursors SET trying_from"),
    "before the heads are fetched": ("imap", r"FETCH .*BODY\.PEEK\[HEADER\]"),
    "before the answer is committed": ("before_commit", "INSERT INTO events .*answered_by_hand"),
    "after the answer was committed": ("after_commit", "INSERT INTO events .*answered_by_hand"),
}


@pytest.mark.parametrize(("point", "pattern"), DEATHS.values(), ids=list(DEATHS))
def test_i1_an_answer_is_heard_once_whenever_mailbot_dies(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile, point: str, pattern: str
) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim", UPDATE))
    run_once(config)
    dovecot.append(mailbox, reply(), "Sent")
    assert -signal.SIGKILL == die(config, point, pattern)
    assert [0, 0] == [run_once(config).exit_status for _ in range(2)]
    assert [1] == [answer["uid"] for answer in answers(config)]


def test_h4_two_watches_of_one_mailbox_hear_an_answer_once(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file()
    dovecot.create_folder(mailbox, "Requests")
    add_inbox(config, {"user": mailbox, "folder": "Requests", "start": "2020-01-01"})
    dovecot.append(mailbox, request("aigerim", UPDATE))
    run_once(config)
    dovecot.append(mailbox, reply(), "Sent")
    assert [0, 0] == [run_once(config).exit_status for _ in range(2)]
    assert [1] == [answer["uid"] for answer in answers(config)]


# --- which folders they are ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["Отправленные", "Жіберілгендер & басқа"])
def test_h18_folders_are_found_by_their_decoded_names(dovecot: Dovecot, mailbox: str, config_file: ConfigFile, folder: str) -> None:
    config = config_file(inbox={"sent_folder": folder, "spam_folder": "Спам"})
    for each in (folder, "Спам"):
        dovecot.create_folder(mailbox, each)
    dovecot.append(mailbox, request("aigerim", UPDATE))
    dovecot.append(mailbox, request("bolat"), "Спам")
    run_once(config)
    dovecot.append(mailbox, reply(), folder)
    run_once(config)
    assert [{"folder": folder, "uid": 1}] == answers(config)
    assert {"INBOX", "Спам"} == {line.folder for line in lines_in(config)}


@pytest.mark.parametrize("key", ["sent_folder", "spam_folder"])
def test_h18_a_missing_folder_is_a_mistake_of_the_configuration_and_is_never_made(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile, key: str
) -> None:
    config = config_file(inbox={key: "Отправленные"})
    dovecot.append(mailbox, request("aigerim"))
    said = run_program(config)
    assert (78, True) == (said.status, f"inbox.{key}: there is no folder Отправленные" in said.said)
    assert {"request": 1} == outcomes_in(config), "the inbox is read all the same"
    with dovecot.session(mailbox) as imap:
        assert not imap.folder_exists("Отправленные")


def test_h18_folders_that_are_not_to_be_read_are_not(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file(inbox={"sent_folder": "none", "spam_folder": "none"})
    dovecot.create_folder(mailbox, "Junk")
    append_all(dovecot, mailbox, [request("aigerim", UPDATE)])
    dovecot.append(mailbox, request("bolat"), "Junk")
    run_once(config)
    dovecot.append(mailbox, reply(), "Sent")
    assert 0 == run_once(config).exit_status
    assert ([], {"request": 1}) == (answers(config), outcomes_in(config))


def test_i10_a_folder_that_is_gone_later_is_heard_of_in_the_exit_status(dovecot: Dovecot, mailbox: str, config_file: ConfigFile) -> None:
    config = config_file(inbox={"sent_folder": "Отправленные"})
    dovecot.create_folder(mailbox, "Отправленные")
    assert 0 == run_once(config).exit_status
    with dovecot.session(mailbox) as imap:
        imap.delete_folder("Отправленные")
    report = run_once(config)
    assert (78, ["sent_folder" in str(problem) for problem in report.problems]) == (report.exit_status, [True])


def test_h18_a_folder_that_was_never_there_ends_the_daemon_though_the_inbox_can_be_read(
    dovecot: Dovecot, mailbox: str, config_file: ConfigFile
) -> None:
    run_once(config_file())
    ran = ended(start_program(config_file(inbox={"sent_folder": "Отправленные"})))
    assert (78, True) == (ran.status, "inbox.sent_folder: there is no folder Отправленные" in ran.said)


def test_h18_a_folder_that_is_gone_later_does_not_keep_the_daemon_from_the_inbox(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file(inbox={"sent_folder": "Отправленные"})
    dovecot.create_folder(mailbox, "Отправленные")
    run_once(config)
    with dovecot.session(mailbox) as imap:
        imap.delete_folder("Отправленные")
    with daemon(config) as how_it_ended:
        dovecot.append(mailbox, request("aigerim"))
        until(lambda: 1 == len(seen_by(smtp)))
        dovecot.append(mailbox, request("bolat"))
        until(lambda: 2 == len(seen_by(smtp)))
    (daemons,) = how_it_ended
    assert (0, 1, 0) == (daemons.status, daemons.said.count("folder_not_heard"), daemons.said.count("inbox_away"))


def test_h112_the_daemon_listens_when_it_connects_and_not_at_every_round(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    dovecot.append(mailbox, request("aigerim", UPDATE))
    run_once(config)
    dovecot.append(mailbox, reply(), "Sent")
    with daemon(config):
        until(lambda: bool(answers(config)))
        dovecot.append(mailbox, reply(), "Sent")
        dovecot.append(mailbox, request("bolat"))
        until(lambda: "bolat@example.com" in seen_by(smtp))
    assert [1] == [answer["uid"] for answer in answers(config)]


@contextmanager
def daemon(config: Path) -> Iterator[list[Ended]]:
    """Have the daemon run, and end it as a service manager does; how it ended is known then."""
    how_it_ended: list[Ended] = []
    with start_program(config) as running:
        try:
            yield how_it_ended
            running.terminate()
            how_it_ended.append(ended(running))
        finally:
            running.kill()
