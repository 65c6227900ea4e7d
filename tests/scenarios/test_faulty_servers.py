"""IMAP servers that hang up, turn us away or want to be read: a longer pause after each connection, no storm (H10, H11, H13, H14, H16)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, cycle, repeat

import pytest
from structlog.testing import capture_logs

from mailbot.config import load_config
from mailbot.daemon import utc_now
from mailbot.desk import set_up_desk
from mailbot.patience import Pauses
from mailbot.watch import Watch
from tests.conftest import ConfigFile
from tests.mailbot.scripted_imap import Script, Scripted, head

TURNS = 4
READY = "* OK ready\r\n"
REPORT = "From: firm@example.com\r\nSubject: Weekly report\r\n\r\n"
SOUND: Script = {
    "EXAMINE": "* 1 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n* OK [UIDNEXT 2]\r\nTAG OK\r\n",
    "UID SEARCH": "* SEARCH 1\r\nTAG OK\r\n",
    "UID FETCH": head(1, REPORT) + "TAG OK\r\n",
    "LIST": '* LIST (\\Sent) "/" Sent\r\nTAG OK\r\n',
    "NAMESPACE": "TAG OK\r\n",
    "CREATE": "TAG OK\r\n",
    "SUBSCRIBE": "TAG OK\r\n",
}


class Turns(threading.Event):
    """What a watch waits on between its tries: no time passes, each pause is kept, and after some turns it is to stop."""

    def __init__(self, turns: int) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._turns = turns

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0.0)
        if len(self.pauses) == self._turns:
            self.set()
        return self.is_set()


@contextmanager
def served(script: Script, greeting: str = "* OK ready\r\n") -> Iterator[Scripted]:
    """Serve one ordinary message, but for what the script says otherwise."""
    server = Scripted(SOUND | script, greeting)
    try:
        yield server
    finally:
        server.close()


def watch(config_file: ConfigFile, server: Scripted, turns: int = TURNS, poll_seconds: int = 60) -> Turns:
    """Watch an inbox until it was left alone so often."""
    config = load_config(config_file(inbox={"port": server.port, "poll_seconds": poll_seconds}))
    desk, stop = set_up_desk(config, utc_now), Turns(turns)
    try:
        Watch(desk, config.inbox[0], stop, lambda: None, lambda seconds, doing: None, Pauses()).keep()
    finally:
        desk.database.close()
    return stop


UNFINISHED = head(1, REPORT).partition("Weekly")[0]
HANGING_UP: dict[str, tuple[Script, str]] = {
    "at the door": ({}, "CLOSE"),
    "with a goodbye at the door": ({}, "* BYE [UNAVAILABLE] come back later\r\nCLOSE"),
    "by speaking another language": ({}, "SSH-2.0-x\r\nCLOSE"),
    "at LOGIN": ({"LOGIN": "CLOSE"}, READY),
    "by too many connections": ({"LOGIN": "TAG NO [LIMIT] Too many simultaneous connections\r\n"}, READY),
    "by throttling": ({"LOGIN": "TAG NO Request is throttled.\r\n"}, READY),
    "by a backend that is away": ({"EXAMINE": "TAG BAD User is authenticated but not connected.\r\n"}, READY),
    "at EXAMINE": ({"EXAMINE": "* 1 EXISTS\r\nCLOSE"}, READY),
    "at SEARCH": ({"UID SEARCH": "CLOSE"}, READY),
    "by refusing SEARCH": ({"UID SEARCH": "TAG BAD what?\r\n"}, READY),
    "by a list that is none": ({"UID SEARCH": "* SEARCH one two\r\nTAG OK\r\n"}, READY),
    "in a head": ({"UID FETCH": f"{UNFINISHED}CLOSE"}, READY),
    "by refusing IDLE": ({"IDLE": "TAG BAD what?\r\n"}, READY),
    "by an end of IDLE at once": ({"IDLE": "TAG OK\r\n"}, READY),
    "in IDLE, with a goodbye": ({"IDLE": "+ idling\r\n* BYE shutting down\r\n"}, READY),
    "in IDLE, without a word": ({"IDLE": "+ idling\r\nCLOSE"}, READY),
    "behind news": ({"IDLE": "+ idling\r\n* 2 EXISTS\r\nCLOSE"}, READY),
}


@pytest.mark.parametrize(("script", "greeting"), HANGING_UP.values(), ids=list(HANGING_UP))
def test_h10_h11_h13_a_server_that_turns_us_away_each_time_is_left_alone_longer_each_time(
    config_file: ConfigFile, script: Script, greeting: str
) -> None:
    """No busy loop: one connection a turn, few commands on it, and pauses that double."""
    with served(script, greeting) as server:
        turns = watch(config_file, server)
    assert TURNS == server.connections
    assert all(0.75 * 2**turn <= pause <= 1.25 * 2**turn for turn, pause in enumerate(turns.pauses)), turns.pauses
    assert len(server.heard) < 20 * TURNS


def test_h11_where_only_waiting_fails_mail_is_read_as_often_as_from_a_server_that_does_not_tell_of_it(config_file: ConfigFile) -> None:
    with served({"IDLE": "TAG BAD what?\r\n"}) as server:
        turns = watch(config_file, server, poll_seconds=3)
    assert all(pause <= 1.25 * 3 for pause in turns.pauses)
    assert turns.pauses[-1] >= 0.75 * 3


def test_h11_a_connection_that_was_waited_on_went_well(config_file: ConfigFile) -> None:
    idles = cycle(["+ idling\r\n* 1 EXISTS\r\n", "+ idling\r\nCLOSE"])
    with served({"IDLE": lambda _: next(idles), "DONE": "TAG OK\r\n"}) as server:
        turns = watch(config_file, server)
    assert all(pause <= 1.25 for pause in turns.pauses)


def test_h13_a_stated_pause_is_kept(config_file: ConfigFile) -> None:
    with served({"LOGIN": "TAG NO Request is throttled. Suggested Backoff Time: 298978 milliseconds\r\n"}) as server:
        turns = watch(config_file, server)
    assert [298.978] * TURNS == turns.pauses


def test_h14_a_login_that_is_refused_after_it_went_well_locks_no_account(config_file: ConfigFile) -> None:
    answers = chain(["TAG OK\r\n"], repeat("TAG NO [AUTHENTICATIONFAILED] no\r\n"))
    with served({"LOGIN": lambda _: next(answers), "IDLE": "CLOSE"}) as server:
        turns = watch(config_file, server)
    assert TURNS == server.connections
    assert all(pause >= 0.75 * 300 for pause in turns.pauses[1:])


ALERT = "Please log in via your web browser: 2026 (Failure)"
ALERTING: dict[str, Script] = {
    "at a refused login": {"LOGIN": f"TAG NO [ALERT] {ALERT}\r\n"},
    "before a refusal": {"EXAMINE": f"* OK [ALERT] {ALERT}\r\nTAG NO [UNAVAILABLE] later\r\n"},
    "in a refusal": {"EXAMINE": f"TAG NO [ALERT] {ALERT}\r\n"},
    "in a goodbye": {"EXAMINE": f"* BYE [ALERT] {ALERT}\r\nCLOSE"},
    "in IDLE": {"IDLE": f"+ idling\r\n* OK [ALERT] {ALERT}\r\n* BYE later\r\n"},
}


@pytest.mark.parametrize("script", ALERTING.values(), ids=list(ALERTING))
def test_h16_an_alert_is_shown_once_and_unchanged_however_the_connection_ended(config_file: ConfigFile, script: Script) -> None:
    once = chain(["CLOSE"], repeat("+ idling\r\nCLOSE"))
    with served({"IDLE": lambda _: next(once)}) as server:
        watch(config_file, server, turns=1)
        server.now_says(script)
        with capture_logs() as logged:
            watch(config_file, server)
    assert [ALERT] == [line["text"] for line in logged if line["event"] == "server_alert"]
