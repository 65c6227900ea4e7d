"""A line that breaks, falls silent or falsifies at every place of the dialogues: nothing is lost, nothing doubled, doubts are told.

By default each place has one kind of break; with ``MAILBOT_FAULTS`` in the environment each has them all.
"""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

import pytest

from mailbot.config import load_config
from mailbot.daemon import Works
from mailbot.report import Report
from mailbot.smtp import ANNOUNCING_SECONDS, FINAL_REPLY_SECONDS, GOODBYE_SECONDS, ONE_COMMAND_SECONDS, START_OF_DATA_SECONDS
from tests.conftest import ConfigFile
from tests.scenarios.outside import RUN_SECONDS, append_all, letters_in, ordinary, outcomes_in, request, requests_in, run_once, seen_by
from tests.scenarios.test_alarms import Daemon, live
from tests.servers import CapturingSmtp, Dovecot
from tests.servers.proxy import Break, Fault, FaultyLine, Pause, Way, Words

CLIENT, SERVER = Way.CLIENT, Way.SERVER
PEOPLE = ("aigerim", "bolat")
ONE_LETTER_EACH = {f"{name}@example.com": 1 for name in PEOPLE}
FILED = "Filed"
SILENT_SECONDS = 0.5
"""How long a silent IMAP server is waited for. That a sound one may take longer costs another try, and no test."""
PASSES_BY_ITSELF = {0, 75}
MOST_ROUNDS = 10


def breaks_at(places: dict[str, tuple[Way, bytes, float]]) -> pytest.MarkDecorator:
    """Break the line at each place: in one way each, the ways in turn, or in all of them. With each goes its bound in seconds."""
    in_turn = cycle(Break)
    faults = [
        pytest.param(Fault(way, after, deed), bound, id=f"{deed.name} {name}")
        for name, (way, after, bound) in places.items()
        for deed in (Break if "MAILBOT_FAULTS" in os.environ else [next(in_turn)])
    ]
    return pytest.mark.parametrize(("fault", "bound"), faults)


@pytest.fixture
def imap(dovecot: Dovecot) -> Iterator[FaultyLine]:
    """Return the line to Dovecot."""
    with FaultyLine(dovecot.imap_port) as line:
        yield line


@pytest.fixture
def relay(smtp: CapturingSmtp) -> Iterator[FaultyLine]:
    """Return the line to the SMTP server."""
    with FaultyLine(smtp.port) as line:
        yield line


def fill(dovecot: Dovecot, user: str) -> None:
    """Put two requests and one ordinary message into an inbox."""
    dovecot.create_folder(user, FILED)
    append_all(dovecot, user, [request("aigerim"), ordinary("firm"), request("bolat")])


def check_all_taken_in_once(config: Path) -> None:
    assert {"request": 2, "ordinary": 1} == outcomes_in(config)
    assert sorted(ONE_LETTER_EACH) == sorted(each.sender or "" for each in requests_in(config))
    assert sorted(each.reference for each in requests_in(config)) == sorted(letter.reference or "" for letter in letters_in(config))


# --- the line to the IMAP server -------------------------------------------------------------------------------------

READING = {
    "in the greeting": (SERVER, b"* OK [CAP", SILENT_SECONDS),
    "in LOGIN": (CLIENT, b" LOGIN user", SILENT_SECONDS),
    "in the answer to LOGIN": (SERVER, b"OK Logged", SILENT_SECONDS),
    "in EXAMINE": (CLIENT, b" EXAM", SILENT_SECONDS),
    "in the answer to EXAMINE": (SERVER, b"[UIDVALIDITY", SILENT_SECONDS),
    "in the list of new mail": (SERVER, b"* SEARCH 1", SILENT_SECONDS),
    "in the request for heads": (CLIENT, b" UID FETCH 1", SILENT_SECONDS),
    "in the literal of a head": (SERVER, b"BODY[HEADER]<0> {", SILENT_SECONDS),
    "in a head": (SERVER, b"Subject: Weekly", SILENT_SECONDS),
    "in a structure": (SERVER, b"BODYSTRUCTURE (", SILENT_SECONDS),
    "in a whole message": (SERVER, b"Please act on", SILENT_SECONDS),
    "behind the last message": (SERVER, b"Please act on this. bolat\r\n)\r\n", SILENT_SECONDS),
}
MARKING = {
    "in SELECT": (CLIENT, b" SELECT", SILENT_SECONDS),
    "in STORE": (CLIENT, b" UID STORE", SILENT_SECONDS),
    "in the answer to STORE": (SERVER, b"OK Store", SILENT_SECONDS),
    "at LOGOUT": (CLIENT, b" LOGOUT", SILENT_SECONDS),
    "in the last words": (SERVER, b"* BYE", SILENT_SECONDS),
}
MOVING = {
    "in MOVE": (CLIENT, b" UID MOVE", SILENT_SECONDS),
    "in the answer to MOVE": (SERVER, b"[COPYUID", SILENT_SECONDS),
    "behind a move": (SERVER, b" EXPUNGE\r\n", SILENT_SECONDS),
}


@breaks_at(READING | MARKING)
def test_h10_h24_wherever_the_imap_connection_ends_each_message_is_taken_in_and_answered_once(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, imap: FaultyLine, fault: Fault, bound: float
) -> None:
    config = config_file(inbox={"port": imap.port, "batch": 2, "timeout_seconds": bound})
    fill(dovecot, mailbox)
    before = dovecot.snapshot(mailbox)
    assert run_into(imap, fault, config).exit_status in PASSES_BY_ITSELF
    run_sound(config)
    check_all_taken_in_once(config)
    assert ONE_LETTER_EACH == seen_by(smtp)
    after = dovecot.snapshot(mailbox)
    assert before[2] == after[2]
    assert {frozenset({"\\Answered"})} == {after[uid].flags for uid in (1, 3)}


@breaks_at(MOVING)
def test_h10_h19_wherever_the_connection_ends_while_mail_is_moved_each_message_lies_in_one_folder(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, imap: FaultyLine, fault: Fault, bound: float
) -> None:
    config = config_file(inbox={"port": imap.port, "filing": "folder", "filing_name": FILED, "timeout_seconds": bound})
    fill(dovecot, mailbox)
    before = dovecot.snapshot(mailbox)
    assert 75 == run_into(imap, fault, config).exit_status
    run_sound(config)
    check_all_taken_in_once(config)
    assert ONE_LETTER_EACH == seen_by(smtp)
    assert {2: before[2]} == dovecot.snapshot(mailbox)
    assert sorted(before[uid].sha256 for uid in (1, 3)) == sorted(kept.sha256 for kept in dovecot.snapshot(mailbox, FILED).values())


def run_into(line: FaultyLine, fault: Fault, config: Path) -> Report:
    """Go rounds until the line was at fault: on a busy machine a sound answer may come too late, too."""
    line.faults = [fault]
    for _ in range(MOST_ROUNDS):
        report = run_once(config)
        if line.happened:
            return report
    raise AssertionError("nobody came to the place of the fault")


def run_sound(config: Path, later: timedelta = timedelta()) -> Report:
    """Go a round, some time later, with a patience that the slowest machine does not use up."""
    patient = config.with_name("patient.toml")
    patient.write_text(config.read_text().replace(f"timeout_seconds = {SILENT_SECONDS}", "timeout_seconds = 30"))
    return asyncio.run(Works(load_config(patient), lambda: datetime.now(UTC) + later).once())


FALSIFIED = {
    "a head is said to be longer": Fault(SERVER, b"BODY[HEADER]<0> {", Words(b"9", 1)),
    "a head is said to be shorter": Fault(SERVER, b"BODY[HEADER]<0> {", Words(b"0", 1)),
    "the length of a head is no number": Fault(SERVER, b"BODY[HEADER]<0> {", Words(b"x", 1)),
    "a message is said to be longer": Fault(SERVER, b"BODY[] {", Words(b"9", 1)),
    "a message is said to be shorter": Fault(SERVER, b"BODY[] {", Words(b"0", 1)),
    "the length of a message is no number": Fault(SERVER, b"BODY[] {", Words(b"x", 1)),
    "the status of EXAMINE is no word": Fault(SERVER, b"Predicted next UID\r\n", Words(b"\xff\xfe", 2), further=6),
    "the tag of EXAMINE is another": Fault(SERVER, b"Predicted next UID\r\n", Words(b"ZZZZ", 4)),
    "the folder seems renumbered": Fault(SERVER, b"[UIDVALIDITY ", Words(b"9", 1)),
    "the folder seems to have no new mail": Fault(SERVER, b"[UIDNEXT ", Words(b"1", 1)),
    "the folder seems to have more mail": Fault(SERVER, b"[UIDNEXT ", Words(b"9", 1)),
    "a number in the list is none": Fault(SERVER, b"* SEARCH ", Words(b"x", 1)),
    "what comes is no text": Fault(SERVER, b"* SEARCH ", Words(bytes(range(128, 256)))),
    "the greeting is no IMAP": Fault(SERVER, b"", Words(b"SSH-2.0-x\r\n")),
    "all comes late": Fault(SERVER, b"BODY[] {", Pause(0.05)),
}


@pytest.mark.parametrize("fault", FALSIFIED.values(), ids=list(FALSIFIED))
def test_h6_h7_whatever_is_falsified_on_the_way_each_message_is_taken_in_and_answered_once(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, imap: FaultyLine, fault: Fault
) -> None:
    config = config_file(inbox={"port": imap.port, "batch": 1, "timeout_seconds": SILENT_SECONDS})
    fill(dovecot, mailbox)
    assert run_into(imap, fault, config).exit_status in PASSES_BY_ITSELF
    run_sound(config)
    check_all_taken_in_once(config)
    assert ONE_LETTER_EACH == seen_by(smtp)


@pytest.mark.parametrize("deed", Break, ids=[deed.name for deed in Break])
def test_h10_h11_a_daemon_whose_connection_ends_while_it_waits_for_mail_hears_of_the_next(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, imap: FaultyLine, deed: Break
) -> None:
    """Where no packet tells of the end, the clock and the timeout do: it is noticed within ``poll_seconds`` and ``timeout_seconds``."""
    fault = Fault(SERVER, b"+ idling\r\n", deed)
    imap.faults = [fault]
    config = config_file(inbox={"port": imap.port, "poll_seconds": 1, "timeout_seconds": SILENT_SECONDS}, staff={"digest_to": []})

    async def through(daemon: Daemon) -> None:
        await daemon.until(lambda: imap.happened)
        await asyncio.to_thread(dovecot.deliver, mailbox, request("aigerim"))
        await daemon.until(lambda: seen_by(smtp)["aigerim@example.com"])

    live(config, through)
    assert [fault] == imap.happened
    assert imap.connections > 1
    assert {"request": 1} == outcomes_in(config)
    assert {"aigerim@example.com": 1} == seen_by(smtp)


# --- the line to the SMTP server -------------------------------------------------------------------------------------

HELLO_SECONDS = 60.0

ANNOUNCING = {
    "in MAIL": (CLIENT, b"MAIL FROM", ANNOUNCING_SECONDS),
    "in the answer to MAIL": (SERVER, b"250 O", ANNOUNCING_SECONDS),
    "in RCPT": (CLIENT, b"RCPT TO", ANNOUNCING_SECONDS),
    "in the answer to RCPT": (SERVER, b"250 2.1.5 rec", ANNOUNCING_SECONDS),
    "in DATA": (CLIENT, b"DAT", ANNOUNCING_SECONDS),
    "in the answer to DATA": (SERVER, b"354 End", ANNOUNCING_SECONDS),
}
BEFORE_THE_LETTER = {
    "in the greeting": (SERVER, b"220 smtp", HELLO_SECONDS),
    "in EHLO": (CLIENT, b"EHLO", HELLO_SECONDS),
    "in the answer to EHLO": (SERVER, b"250-smtp", HELLO_SECONDS),
} | ANNOUNCING
ONE_BY_ONE = {
    place: (way, after, START_OF_DATA_SECONDS if "DATA" in place else ONE_COMMAND_SECONDS) for place, (way, after, _) in ANNOUNCING.items()
}
"""The same, said to a server that does not take commands together."""
IN_THE_LETTER = {
    "in its head": (CLIENT, b"Message-ID:", FINAL_REPLY_SECONDS),
    "in the final dot": (CLIENT, b"\r\n.\r", FINAL_REPLY_SECONDS),
    "before the reply": (CLIENT, b"\r\n.\r\n", FINAL_REPLY_SECONDS),
    "in the reply": (SERVER, b"250 2.0.0 let", FINAL_REPLY_SECONDS),
}
AFTER_THE_REPLY = {
    "in QUIT": (CLIENT, b"QUI", GOODBYE_SECONDS),
    "in the answer to QUIT": (SERVER, b"221 ", GOODBYE_SECONDS),
}


@pytest.fixture
def config(dovecot: Dovecot, mailbox: str, config_file: ConfigFile, relay: FaultyLine) -> Path:
    """Return a configuration with one connection to the relay, over the faulty line; two requests wait in the inbox."""
    fill(dovecot, mailbox)
    return config_file(smtp={"port": relay.port, "connections": 1, "timeout_seconds": HELLO_SECONDS})


class HurriedLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock can be put forward."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


def run_through(line: FaultyLine, fault: Fault, config: Path, bound_seconds: float) -> Report:
    """Go a round while the line is at fault; silence shows by nothing but the clock: it is noticed when its bound has passed."""
    loop = HurriedLoop()
    works = Works(load_config(config))
    line.faults = [fault]

    async def main() -> Report:
        running = asyncio.create_task(works.once())
        async with asyncio.timeout(RUN_SECONDS):
            while not line.happened:
                await asyncio.sleep(0.005)
        if fault.deed is Break.SILENCE:
            loop.ahead = bound_seconds - 1
            await asyncio.sleep(0.05)
            assert (None, 0, 0) == (works.delivery.tally.problem, works.delivery.tally.put_off, works.delivery.tally.doubtful), "too early"
        if fault.deed not in {Break.FIN, Break.RST}:
            loop.ahead = bound_seconds
        async with asyncio.timeout(RUN_SECONDS):
            return await running

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main())


@breaks_at(BEFORE_THE_LETTER)
def test_h10_h31_a_connection_that_ends_before_the_letter_leaves_no_doubt_and_each_letter_arrives_once(
    dovecot: Dovecot, smtp: CapturingSmtp, config: Path, relay: FaultyLine, fault: Fault, bound: float
) -> None:
    assert 75 == run_through(relay, fault, config, bound).exit_status
    run_sound(config, later=timedelta(hours=1))
    check_all_taken_in_once(config)
    assert ["accepted", "accepted"] == states(config)
    assert ONE_LETTER_EACH == seen_by(smtp)


@breaks_at(ONE_BY_ONE)
def test_h10_h31_the_same_holds_where_the_server_takes_one_command_at_a_time(
    smtp: CapturingSmtp, config: Path, relay: FaultyLine, fault: Fault, bound: float
) -> None:
    smtp.pipelines = False
    assert 75 == run_through(relay, fault, config, bound).exit_status
    run_sound(config, later=timedelta(hours=1))
    check_all_taken_in_once(config)
    assert ["accepted", "accepted"] == states(config)
    assert ONE_LETTER_EACH == seen_by(smtp)


@breaks_at(IN_THE_LETTER)
def test_h10_h31_a_connection_that_ends_after_the_first_byte_of_the_letter_leaves_it_to_a_person(
    smtp: CapturingSmtp, config: Path, relay: FaultyLine, fault: Fault, bound: float
) -> None:
    report = run_through(relay, fault, config, bound)
    assert ["1 letters may or may not have been accepted: see `mailbot letters list --state doubtful`"] == [*map(str, report.problems)]
    run_sound(config, later=timedelta(days=1))
    check_all_taken_in_once(config)
    assert ["accepted", "doubtful"] == states(config)
    assert 1 == max(seen_by(smtp).values())


@breaks_at(AFTER_THE_REPLY)
def test_h32_a_connection_that_ends_after_the_reply_changes_nothing(
    smtp: CapturingSmtp, config: Path, relay: FaultyLine, fault: Fault, bound: float
) -> None:
    assert [] == run_through(relay, fault, config, bound).problems
    assert ["accepted", "accepted"] == states(config)
    assert ONE_LETTER_EACH == seen_by(smtp)


NO_SMTP = {
    "the greeting": (Fault(SERVER, b"", Words(b"\xff\xfe\xfd", 3)), ["accepted", "accepted"]),
    "the offer of EHLO": (Fault(SERVER, b"250-smtp.example\r\n", Words(b"\xff\xfe\xfd", 3)), ["accepted", "accepted"]),
    "the answer to MAIL": (Fault(SERVER, b"250 HELP\r\n", Words(b"\xff\xfe\xfd", 3)), ["accepted", "accepted"]),
    "the answer to RCPT": (Fault(SERVER, b"250 OK\r\n", Words(b"what", 3)), ["accepted", "accepted"]),
    "the answer to DATA": (Fault(SERVER, b"recipient accepted\r\n", Words(b"0", 1)), ["accepted", "accepted"]),
    "the reply to the final dot": (Fault(SERVER, b"<CR><LF>.<CR><LF>\r\n", Words(b"\0\0\0", 3)), ["accepted", "doubtful"]),
}


@pytest.mark.parametrize("pipelines", [True, False])
@pytest.mark.parametrize(("fault", "expected"), NO_SMTP.values(), ids=list(NO_SMTP))
def test_h31_h93_what_is_no_smtp_is_no_answer(
    smtp: CapturingSmtp, config: Path, relay: FaultyLine, fault: Fault, expected: list[str], pipelines: bool
) -> None:
    smtp.pipelines = pipelines
    run_through(relay, fault, config, HELLO_SECONDS)
    run_sound(config, later=timedelta(hours=1))
    check_all_taken_in_once(config)
    assert expected == states(config)
    assert 1 == max(seen_by(smtp).values())


def states(config: Path) -> list[str]:
    return sorted(letter.state for letter in letters_in(config))
