"""``mailbot letters``: what was written is read as the person reads it; what did not go out is sent again or dropped by a person."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from rules.vocabulary import RequestType
from storage import outbox, register, tables
from storage.outbox import LetterState
from tests.conftest import ConfigFile
from tests.mailbot.register_room import arrive, details, office, open_desk
from tests.mailbot.typing_room import Ran, Type, typist
from tests.scenarios.outside import letters_in, message, request, requests_in, run_once
from tests.scenarios.test_bounces import report
from tests.servers import CapturingSmtp, Dovecot
from tests.servers.smtp import Drop
from tests.storage.stock import a_letter

KEYS = ["id", "reference", "kind", "language", "state", "message_id", "attempts"]


@pytest.fixture
def mailbot(capsys: pytest.CaptureFixture[str], config: Path) -> Type:
    """Return what types ``mailbot letters …``; the log lines of rounds before it are none of its output."""
    type_ = typist(capsys)

    def type_alone(*arguments: object) -> Ran:
        capsys.readouterr()
        return type_("letters", *arguments, "--config", config)

    return type_alone


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return office(tmp_path)


def written(config: Path, *states: LetterState) -> list[str]:
    """Let a request arrive for each state, its letter standing in it; return their references."""
    with open_desk(config, datetime.now(UTC)) as desk:
        references = [arrive(desk, RequestType.ACCESS, f"person{number}@example.com") for number, _ in enumerate(states)]
        with desk.database.write() as tx:
            for reference, state in zip(references, states, strict=True):
                tx.execute(update(tables.letters).where(tables.letters.c.reference == reference).values(state=state, reply="550 5.1.1"))
    return references


def told(config: Path, reference: str, what: str) -> list[Mapping[str, object]]:
    with open_desk(config) as desk:
        return details(desk, reference, what)


def test_letters_are_listed_by_state_with_the_keys_of_the_contract(mailbot: Type, config: Path) -> None:
    written(config, *LetterState)
    for options, states in (
        ((), list(LetterState)),
        (("--state", "failed"), [LetterState.FAILED]),
        (("--state", "DOUBTFUL"), [LetterState.DOUBTFUL]),
        (("--waiting",), [LetterState.QUEUED, LetterState.DEFERRED]),
        (("--waiting", "--state", "deferred"), [LetterState.DEFERRED]),
    ):
        rows = [json.loads(line) for line in mailbot("list", "--json", *options).out.splitlines()]
        assert states == [row["state"] for row in rows]
        assert [KEYS] * len(states) == [list(row) for row in rows]


def test_where_no_letter_stands_so_there_is_a_sentence(mailbot: Type, config: Path) -> None:
    written(config, LetterState.ACCEPTED)
    assert ["There are no such letters.\n"] * 2 == [mailbot("list", *options).out for options in (("--waiting",), ("--state", "failed"))]


def test_a_state_that_is_none_is_a_mistake_of_usage_that_names_them_all(mailbot: Type) -> None:
    ran = mailbot("list", "--state", "lost")
    assert (2, "") == (ran.status, ran.out)
    assert all(state in ran.err for state in LetterState)


def test_a_letter_is_shown_as_the_person_reads_it(mailbot: Type, config: Path) -> None:
    (reference,) = written(config, LetterState.FAILED)
    shown = mailbot("show", 1).out.splitlines()
    assert [f"letter 1: acknowledgement  {reference}  en  failed  tries: 0", "last reply: 550 5.1.1"] == shown[:2]
    fields = dict(line.split(": ", 1) for line in shown[2:7])
    assert ["From", "To", "Subject", "Date", "Message-ID"] == list(fields)
    assert ("person0@example.com", True) == (fields["To"], reference in fields["Subject"])
    assert any(reference in line for line in shown[8:])


def test_what_a_letter_says_can_give_a_terminal_no_orders(mailbot: Type, config: Path) -> None:
    hostile = "\x1b[2J\x9b31m\u202e"
    content = f"Subject: {hostile}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{hostile} text\r\n".encode()
    with open_desk(config) as desk, desk.database.write() as tx:
        outbox.queue(tx, [a_letter(1, content=content)], datetime.now(UTC))
    out = mailbot("show", 1).out
    assert [] == [letter for letter in out if letter != "\n" and not letter.isprintable()]
    assert "[2J31m text\n" in out


@pytest.mark.parametrize("state", [LetterState.DOUBTFUL, LetterState.FAILED, LetterState.DROPPED])
def test_a_letter_goes_out_again_because_a_person_says_so_and_its_request_tells(
    mailbot: Type, config: Path, monkeypatch: pytest.MonkeyPatch, state: LetterState
) -> None:
    monkeypatch.setenv("LOGNAME", "dana")
    (reference,) = written(config, state)
    assert Ran(0, "letter 1: queued\n", "") == mailbot("retry", 1)
    assert [{"letter": 1, "kind": "acknowledgement", "was": state, "last_reply": "550 5.1.1"}] == told(config, reference, "letter_retried")
    assert ["queued again by staff:dana"] == [letter.reply for letter in letters_in(config)]


@pytest.mark.parametrize("state", [LetterState.QUEUED, LetterState.DEFERRED, LetterState.DOUBTFUL, LetterState.FAILED])
def test_a_letter_is_dropped_for_a_reason_that_its_request_tells(mailbot: Type, config: Path, state: LetterState) -> None:
    (reference,) = written(config, state)
    assert Ran(0, "letter 1: dropped\n", "") == mailbot("drop", 1, "--reason", "told by telephone")
    (event,) = told(config, reference, "letter_dropped")
    assert ("told by telephone", state) == (event["reason"], event["was"])


RETRY, DROP = ("retry", "1"), ("drop", "1", "--reason", "-")


@pytest.mark.parametrize(
    ("state", "command", "why"),
    [
        (LetterState.ACCEPTED, RETRY, "letter 1 was accepted by the mail server"),
        (LetterState.ACCEPTED, DROP, "letter 1 was accepted by the mail server"),
        (LetterState.CLAIMED, RETRY, "letter 1 is being sent now"),
        (LetterState.CLAIMED, DROP, "letter 1 is being sent now"),
        (LetterState.MARKED, RETRY, "letter 1 is being sent now"),
        (LetterState.MARKED, DROP, "letter 1 is being sent now"),
        (LetterState.QUEUED, RETRY, "letter 1 is still to go out by itself, not before "),
        (LetterState.DEFERRED, RETRY, "letter 1 is still to go out by itself, not before "),
        (LetterState.DROPPED, DROP, "letter 1 is dropped already"),
    ],
)
def test_what_is_not_possible_is_1_and_a_sentence_and_changes_nothing(
    mailbot: Type, config: Path, state: LetterState, command: tuple[str, ...], why: str
) -> None:
    (reference,) = written(config, state)
    ran = mailbot(*command)
    assert (1, "", 1) == (ran.status, ran.out, len(ran.err.splitlines()))
    assert ran.err.startswith(f"mailbot: {why}")
    assert [(state, "550 5.1.1")] == [(letter.state, letter.reply) for letter in letters_in(config)]
    with open_desk(config) as desk, desk.database.read() as tx:
        assert {"received"} == {event.what for event in register.history_of(tx, reference)}


@pytest.mark.parametrize("command", [("show", 9), ("retry", 9), ("drop", 9, "--reason", "-")])
def test_a_letter_that_is_not_there_is_1_and_a_sentence(mailbot: Type, command: tuple[object, ...]) -> None:
    assert Ran(1, "", "mailbot: there is no letter 9; `mailbot letters list` shows them\n") == mailbot(*command)


@pytest.mark.parametrize(
    "command", [("show",), ("retry",), ("drop", "1"), ("drop", "1", "--reason", " "), ("retry", "first"), ("show", 2**63)], ids=repr
)
def test_what_is_typed_wrong_is_a_mistake_of_usage(mailbot: Type, command: tuple[object, ...]) -> None:
    ran = mailbot(*command)
    assert (2, "", False) == (ran.status, ran.out, "Traceback" in ran.err)


def test_a_letter_that_belongs_to_no_request_is_dropped_too(mailbot: Type, config: Path) -> None:
    with open_desk(config) as desk, desk.database.write() as tx:
        outbox.queue(tx, [a_letter(1)], datetime.now(UTC))
    assert Ran(0, "letter 1: dropped\n", "") == mailbot(*DROP)


class TestOverSmtp:
    """The whole way once: a real mailbox, a real server that breaks off, and the same letter again."""

    @pytest.fixture
    def config(self, config_file: ConfigFile) -> Path:
        return config_file()

    def test_h31_h33_a_doubtful_letter_is_the_same_letter_when_a_person_sends_it_again(
        self, mailbot: Type, config: Path, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str
    ) -> None:
        dovecot.append(mailbox, request("aigerim"))
        smtp.drop = Drop.BEFORE_REPLY
        report = run_once(config)
        assert ["1 letters may or may not have been accepted: see `mailbot letters list --state doubtful`"] == list(
            map(str, report.problems)
        )
        smtp.drop = Drop.NEVER
        run_once(config)
        assert 1 == len(smtp.envelopes)
        assert 0 == mailbot("retry", 1).status
        assert [] == run_once(config).problems
        first, second = smtp.envelopes
        assert first == second
        (kept,) = requests_in(config)
        assert [("accepted", 2)] == [(letter.state, letter.attempts) for letter in letters_in(config)]
        assert 1 == len(told(config, kept.reference, "letter_retried"))

    def test_h33_h66_h86_a_letter_that_came_back_is_not_sent_again_without_its_code(
        self, mailbot: Type, config: Path, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str
    ) -> None:
        """Nobody could say yes to it: its code was taken out of the store when the relay took it."""
        dovecot.append(mailbox, message("dana", "Personal Data Update", "My new phone is +7 700 000 20 14"))
        run_once(config)
        dovecot.append(mailbox, report(smtp.envelopes[0].content))
        run_once(config)
        (kept,) = requests_in(config)
        ran = mailbot("retry", 1)
        assert (1, True) == (ran.status, f"then decide {kept.reference} without it" in ran.err)
        assert ["failed"] == [letter.state for letter in letters_in(config)]
        assert [] == told(config, kept.reference, "letter_retried")


@pytest.mark.parametrize("kind", ["digest", "answered"])
def test_what_staff_answer_is_not_sent_again_when_it_is_past(mailbot: Type, config: Path, kind: str) -> None:
    """It would also shorten what the next one tells of: that begins where the last one was queued."""
    written(config, LetterState.FAILED)
    with open_desk(config) as desk, desk.database.write() as tx:
        tx.execute(update(tables.letters).values(kind=kind, reference=None))
    ran = mailbot("retry", 1)
    assert (1, True) == (ran.status, "`mailbot digest --send`" in ran.err)
    assert [LetterState.FAILED] == [letter.state for letter in letters_in(config)]
