"""Delivery: what becomes of a letter, when it is tried again, and what a death, a stop or a failing store leaves behind."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from mailbot.delivery import GIVEN_UP_AFTER, LONGEST_PAUSE, MOST_FRUITLESS, NOT_TRIED, Delivery, Tally
from mailbot.errors import Problem
from mailbot.letters import without_code
from mailbot.smtp import RelayAway, RelayRefusesUs, UntrustedRelay
from rules.vocabulary import LetterKind, RequestType
from storage import outbox
from storage.database import Database, open_database
from storage.digests import without_secret
from storage.outbox import Caps, LetterState, ListedLetter
from tests.mailbot.letter_room import CODE, an_occasion, an_office
from tests.mailbot.test_smtp import PASSWORD, PLAIN_HELLO, USER, ScriptedSmtp, relay_to
from tests.servers import CapturingSmtp, Drop
from tests.storage.stock import NO_CAPS, NOW, a_letter

A_MOMENT = timedelta(seconds=1)
HALF_AN_HOUR, HOUR, DAY = timedelta(minutes=30), timedelta(hours=1), timedelta(days=1)
Server = CapturingSmtp | ScriptedSmtp


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    """Return an empty store."""
    database = open_database(f"sqlite:///{tmp_path}/mailbot.db")
    yield database
    database.close()


def queue(store: Database, *numbers: int, at: datetime = NOW, **fields: Any) -> None:
    """Queue letters, each to a person of its own."""
    with store.write() as tx:
        outbox.queue(tx, [a_letter(number, **fields) for number in numbers], at)


def a_delivery(
    store: Database, server: Server, *, now: datetime = NOW, caps: Caps = NO_CAPS, connections: int = 1, **relay: Any
) -> Delivery:
    """Return a delivery whose clock stands still."""
    return Delivery(store, relay_to(server, **relay), caps, connections, lambda: now)


def deliver(store: Database, server: Server, **fields: Any) -> Tally:
    """Send what is due, once."""
    delivery = a_delivery(store, server, **fields)
    asyncio.run(asyncio.wait_for(delivery.send_what_is_due(), 20))
    return delivery.tally


def letters(store: Database) -> tuple[ListedLetter, ...]:
    """Return all letters as they are listed."""
    with store.read() as tx:
        return outbox.list_letters(tx)


def states(store: Database) -> list[LetterState]:
    """Return where the letters stand, oldest first."""
    return [letter.state for letter in letters(store)]


def received(smtp: CapturingSmtp) -> list[str]:
    """Return to whom letters came, in the order in which they came."""
    return [envelope.recipients[0] for envelope in smtp.envelopes]


def people(*numbers: int) -> list[str]:
    """Return the addresses of those whom ``queue`` writes to."""
    return [f"person{number}@example.com" for number in numbers]


async def until_true(condition: Callable[[], object]) -> None:
    """Wait until something that happens in another thread has happened."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def test_an_accepted_letter_arrives_as_it_was_queued(store: Database, smtp: CapturingSmtp) -> None:
    letter = a_letter(1)
    queue(store, 1)
    tally = deliver(store, smtp)
    assert [(letter.envelope_sender, (letter.recipient,), letter.content)] == [(e.sender, e.recipients, e.content) for e in smtp.envelopes]
    assert [(LetterState.ACCEPTED, "250 2.0.0", 1)] == [(each.state, each.reply, each.attempts) for each in letters(store)]
    assert Tally(accepted=1) == tally


def test_an_accepted_letter_is_not_sent_again(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, 1)
    deliver(store, smtp)
    assert Tally() == deliver(store, smtp, now=NOW + DAY)
    assert people(1) == received(smtp)


def test_letters_go_out_in_the_order_in_which_they_were_queued(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, *range(150))  # more than are claimed together
    deliver(store, smtp)
    assert people(*range(150)) == received(smtp)


def test_h33_a_letter_put_off_goes_out_later_byte_for_byte(store: Database, smtp: CapturingSmtp) -> None:
    content = b"Message-ID: <mailbot.1@alit.kz>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0600\r\n\r\n.dot\r\n"
    queue(store, 1, content=content)
    smtp.answers.update(dict.fromkeys(people(1), "451 4.7.1 greylisted"))
    assert Tally(put_off=1) == deliver(store, smtp)
    smtp.answers.clear()
    assert Tally() == deliver(store, smtp, now=NOW + timedelta(seconds=40))
    assert Tally(accepted=1) == deliver(store, smtp, now=NOW + timedelta(seconds=80))
    assert [content] == [envelope.content for envelope in smtp.envelopes]


def test_h93_pauses_grow_from_a_minute_to_hours_until_the_letter_is_given_up(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, 1)
    smtp.answers.update(dict.fromkeys(people(1), "452 4.2.2 full"))
    now, pauses = NOW, []
    while deliver(store, smtp, now=now).put_off:
        (letter,) = letters(store)
        pauses.append(letter.not_before - now)
        now = letter.not_before
    growing = [min(timedelta(minutes=2**tries), LONGEST_PAUSE) for tries in range(len(pauses))]
    assert all(0.8 * middle <= pause <= 1.2 * middle for middle, pause in zip(growing, pauses, strict=True))
    assert LONGEST_PAUSE == growing[-1]
    assert GIVEN_UP_AFTER < now - NOW < GIVEN_UP_AFTER + 1.2 * LONGEST_PAUSE
    assert [(LetterState.FAILED, "given up after 5 days: 452 4.2.2")] == [(each.state, each.reply) for each in letters(store)]


def test_every_letter_that_is_put_off_or_given_up_is_counted(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, 1, 2)
    smtp.answers.update(dict.fromkeys(people(1, 2), "452 4.2.2 full"))
    assert Tally(put_off=2) == deliver(store, smtp)
    assert Tally(failed=2) == deliver(store, smtp, now=NOW + GIVEN_UP_AFTER + A_MOMENT)


def test_every_letter_that_is_refused_or_doubtful_is_counted(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, 1, 2)
    smtp.answers.update(dict.fromkeys(people(1, 2), "550 5.1.1 unknown"))
    assert Tally(failed=2) == deliver(store, smtp)
    queue(store, 3, 4)
    smtp.drop = Drop.BEFORE_REPLY
    assert Tally(doubtful=2) == deliver(store, smtp)
    assert ["550 5.1.1"] * 2 + ["the connection broke while sending"] * 2 == [letter.reply for letter in letters(store)]


def test_h66_h67_an_accepted_letter_is_kept_without_its_code_and_any_other_as_it_went(store: Database, smtp: CapturingSmtp) -> None:
    asking = an_office().compose(an_occasion(LetterKind.CONFIRMATION, RequestType.UPDATE), NOW).content
    secret = f"Message-ID: <mailbot.digest.{CODE}@alit.kz>\r\n\r\n".encode()
    plain = b"Message-ID: <mailbot.1@alit.kz>\r\n\r\nHello.\r\n"
    for number, content in enumerate((asking, secret, plain)):
        queue(store, number, content=content)
    deliver(store, smtp)
    with store.read() as tx:
        kept = [outbox.content_of(tx, letter.id) for letter in letters(store)]
    assert [without_code(asking), without_secret(secret), plain] == kept
    assert not any(CODE.encode() in content for content in kept)


def test_only_letters_in_a_row_that_the_server_lets_go_stop_a_run(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, *range(1, 6))
    smtp.answers.update(dict.fromkeys(people(1, 3, 4), "421 4.7.0 not for this one"))
    assert Tally(accepted=2, put_off=3) == deliver(store, smtp)


def test_h94_a_letter_that_outlived_days_without_a_relay_can_be_put_off(store: Database, smtp: CapturingSmtp) -> None:
    """Its tries are many; two to that power, in minutes, is more than a timedelta holds."""
    queue(store, 1)
    smtp.stop()
    for _ in range(45):
        deliver(store, smtp)
    smtp.start()
    smtp.answers.update(dict.fromkeys(people(1), "451 4.3.0 later"))
    assert 1 == deliver(store, smtp).put_off
    assert letters(store)[0].not_before - NOW <= 1.2 * LONGEST_PAUSE


def test_h93_a_refused_recipient_stops_no_other(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, 1, 2, 3)
    smtp.answers["person2@example.com"] = "550 5.1.1 no such user"
    assert Tally(accepted=2, failed=1) == deliver(store, smtp)
    assert people(1, 3) == received(smtp)
    assert [LetterState.ACCEPTED, LetterState.FAILED, LetterState.ACCEPTED] == states(store)
    assert Tally() == deliver(store, smtp, now=NOW + DAY)


def test_h92_an_address_that_cannot_be_said_is_for_staff_and_blocks_nothing(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, 1, recipient="әсел@example.com")
    queue(store, 2)
    assert Tally(accepted=1, failed=1) == deliver(store, smtp)
    assert "the address does not fit an envelope" == letters(store)[0].reply


def test_h31_a_letter_without_a_final_reply_is_doubtful_and_not_sent_again(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, 1)
    smtp.drop = Drop.BEFORE_REPLY
    assert Tally(doubtful=1) == deliver(store, smtp)
    smtp.drop = Drop.NEVER
    assert Tally() == deliver(store, smtp, now=NOW + DAY)
    assert [LetterState.DOUBTFUL] == states(store)
    assert people(1) == received(smtp)


def test_h31_a_connection_that_breaks_before_data_leaves_no_doubt(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, 1)
    smtp.drop = Drop.BEFORE_DATA
    assert Tally(put_off=1) == deliver(store, smtp)
    smtp.drop = Drop.NEVER
    assert Tally(accepted=1) == deliver(store, smtp, now=NOW + HOUR)
    assert people(1) == received(smtp)


def test_h32_a_connection_closed_after_each_letter_is_opened_again(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, *range(5))
    smtp.drop = Drop.AFTER_REPLY
    assert Tally(accepted=5) == deliver(store, smtp)
    assert people(*range(5)) == received(smtp)


@pytest.mark.parametrize("claimed_only", [True, False], ids=["claimed", "marked"])
def test_h31_only_a_letter_marked_before_a_death_is_doubtful(store: Database, smtp: CapturingSmtp, claimed_only: bool) -> None:
    queue(store, 1)
    with store.write() as tx:
        (letter,) = outbox.claim(tx, 1, NO_CAPS, NOW)
        if not claimed_only:
            outbox.mark(tx, [letter], NOW)
    deliver(store, smtp)
    assert [LetterState.ACCEPTED if claimed_only else LetterState.DOUBTFUL] == states(store)
    assert (people(1) if claimed_only else []) == received(smtp)


def test_h94_while_the_relay_is_away_the_queue_is_kept_in_order(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, *range(100))
    smtp.stop()
    tally = deliver(store, smtp, now=NOW + A_MOMENT, connections=4)
    assert isinstance(tally.problem, RelayAway)
    assert {(LetterState.QUEUED, 0, NOW)} == {(letter.state, letter.attempts, letter.not_before) for letter in letters(store)}
    smtp.start()
    deliver(store, smtp, now=NOW + A_MOMENT)
    assert people(*range(100)) == received(smtp)


def test_h94_a_letter_is_given_up_when_the_relay_was_away_for_five_days(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, 1)
    smtp.stop()
    deliver(store, smtp)
    deliver(store, smtp, now=NOW + GIVEN_UP_AFTER)
    assert [LetterState.QUEUED] == states(store)
    assert 1 == deliver(store, smtp, now=NOW + GIVEN_UP_AFTER + A_MOMENT).failed
    assert [(LetterState.FAILED, f"given up after 5 days: {NOT_TRIED}")] == [(each.state, each.reply) for each in letters(store)]


def test_h81_a_letter_that_the_caps_held_for_days_is_not_given_up_at_its_first_try(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, 1)
    smtp.answers.update(dict.fromkeys(people(1), "451 4.7.1 greylisted"))
    assert Tally(put_off=1) == deliver(store, smtp, now=NOW + 2 * GIVEN_UP_AFTER)


@pytest.mark.parametrize("fault", ["421 4.7.0 too busy", "hang up"])
def test_a_server_that_ends_every_connection_is_not_hammered(store: Database, smtp: CapturingSmtp, fault: str) -> None:
    queue(store, *range(40))
    if fault == "hang up":
        smtp.drop = Drop.BEFORE_DATA
    smtp.answers.update(dict.fromkeys(people(*range(40)), fault))
    tally = deliver(store, smtp, connections=2)
    assert isinstance(tally.problem, RelayAway)
    assert {LetterState.QUEUED} == set(states(store))
    tried = [letter for letter in letters(store) if letter.reply != NOT_TRIED]
    assert MOST_FRUITLESS <= len(tried) <= MOST_FRUITLESS + 1


def test_one_recipient_that_makes_the_server_hang_up_blocks_no_other(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, 1, 2)
    smtp.answers["person1@example.com"] = "421 4.7.0 not for this one"
    assert Tally(accepted=1, put_off=1) == deliver(store, smtp)
    assert people(2) == received(smtp)


@pytest.mark.parametrize(
    ("answers", "relay", "expected"),
    [
        ({"EHLO": PLAIN_HELLO, "AUTH": "535 5.7.8 no"}, {"user": USER, "password": PASSWORD}, RelayRefusesUs),
        ({"MAIL": "530 5.7.0 authentication required"}, {}, RelayRefusesUs),
        ({"MAIL": "451 4.3.1 disk full"}, {}, RelayAway),
        ({"EHLO": PLAIN_HELLO}, {"tls": "starttls"}, UntrustedRelay),
    ],
    ids=["login", "sender", "sender-later", "no-starttls"],
)
def test_h95_a_relay_that_takes_nothing_from_us_is_asked_once_and_the_queue_is_kept(
    store: Database, answers: dict[str, str], relay: dict[str, Any], expected: type[Problem]
) -> None:
    queue(store, *range(9))
    with ScriptedSmtp(answers) as server:
        tally = deliver(store, server, connections=4, **relay)
    assert isinstance(tally.problem, expected)
    assert [LetterState.QUEUED] * 9 == states(store)
    assert 1 == server.verbs.count("EHLO") or "MAIL" in answers
    assert {"RCPT", "DATA"}.isdisjoint(server.verbs)
    assert {NOT_TRIED} >= {letter.reply for letter in letters(store)} - {None}


def test_a_problem_is_forgotten_by_the_next_run(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, 1)
    delivery = a_delivery(store, smtp)

    async def run() -> None:
        smtp.stop()
        await delivery.send_what_is_due()
        assert isinstance(delivery.tally.problem, RelayAway)
        smtp.start()
        await delivery.send_what_is_due()

    asyncio.run(run())
    assert Tally(accepted=1) == delivery.tally


def test_what_a_relay_took_before_it_wanted_no_more_is_counted_from_run_to_run(store: Database) -> None:
    """So that whoever waits between the runs can tell a relay that counts our letters from one that is away."""
    queue(store, 1, 2, 3)

    async def run() -> None:
        for run in (1, 2, 3):
            server.answers.pop("MAIL", None)
            await asyncio.wait_for(delivery.send_what_is_due(), 10)
            assert (run, True) == (delivery.tally.accepted, run == 3 or isinstance(delivery.tally.problem, RelayAway))

    with ScriptedSmtp() as server:
        delivery = a_delivery(store, server)
        delivery.went_on = lambda: server.answers.update(MAIL="450 4.7.1 too many letters")
        asyncio.run(run())
    assert [LetterState.ACCEPTED] * 3 == states(store)


def test_letters_that_come_during_a_run_are_sent_by_it(store: Database, smtp: CapturingSmtp) -> None:
    async def run() -> None:
        delivery, all_in = a_delivery(store, smtp, connections=2), asyncio.Event()
        sending = asyncio.create_task(delivery.send_what_is_due(until=all_in))
        for number in range(3):
            await asyncio.to_thread(queue, store, number)
            delivery.woken.set()
            await until_true(lambda: states(store)[-1] is LetterState.ACCEPTED)
        all_in.set()
        await asyncio.wait_for(sending, 10)

    asyncio.run(run())
    assert people(0, 1, 2) == received(smtp)
    assert [LetterState.ACCEPTED] * 3 == states(store)


def test_h31_a_letter_after_a_pause_that_the_server_did_not_wait_out_arrives_once(store: Database, smtp: CapturingSmtp) -> None:
    async def run() -> None:
        delivery, all_in = a_delivery(store, smtp), asyncio.Event()
        await asyncio.to_thread(queue, store, 1)
        sending = asyncio.create_task(delivery.send_what_is_due(until=all_in))
        await until_true(lambda: states(store) == [LetterState.ACCEPTED])
        smtp.stop()
        smtp.start()
        await asyncio.to_thread(queue, store, 2)
        delivery.woken.set()
        await until_true(lambda: len(smtp.envelopes) == 2)
        all_in.set()
        await asyncio.wait_for(sending, 10)

    asyncio.run(run())
    assert people(1, 2) == received(smtp)
    assert [LetterState.ACCEPTED] * 2 == states(store)


def test_h36_asked_to_end_the_letter_in_hand_is_finished_and_the_others_stay_queued(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, *range(100))
    smtp.delay_seconds = 0.1

    async def run() -> None:
        sending = asyncio.create_task(a_delivery(store, smtp, connections=2, now=NOW + A_MOMENT).send_what_is_due())
        await until_true(lambda: len(smtp.envelopes) == 2)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

    asyncio.run(run())
    assert [LetterState.ACCEPTED] * 2 + [LetterState.QUEUED] * 98 == states(store)
    smtp.delay_seconds = 0
    deliver(store, smtp)
    assert sorted(people(*range(100))) == sorted(received(smtp))


@pytest.mark.parametrize(
    ("caps", "fields", "waves"),
    [
        (Caps(3, 0, 0), [{"recipient_key": b"anna", "topic": str(n)} for n in range(5)], [(HALF_AN_HOUR, 3), (HOUR, 0), (DAY + HOUR, 2)]),
        (Caps(3, 0, 0), [{"recipient_key": b"anna"} for _ in range(2)], [(HALF_AN_HOUR, 1), (HOUR, 0), (DAY + HOUR, 1)]),
        (Caps(0, 4, 0), [{} for _ in range(10)], [(HALF_AN_HOUR, 4), (HOUR, 0), (2 * HOUR, 4), (4 * HOUR, 2)]),
        (Caps(0, 0, 8), [{"domain": f"{n}.example"} for n in range(10)], [(HALF_AN_HOUR, 4), (HOUR, 0), (2 * HOUR, 4), (4 * HOUR, 2)]),
    ],
    ids=["address", "topic", "domain", "hour"],
)
def test_h81_h82_caps_hold_from_run_to_run_and_nothing_is_dropped(
    store: Database, smtp: CapturingSmtp, caps: Caps, fields: Sequence[dict[str, Any]], waves: Sequence[tuple[timedelta, int]]
) -> None:
    for number, each in enumerate(fields):
        queue(store, number, **each)
    sent = [deliver(store, smtp, caps=caps, now=NOW + after, connections=2).accepted for after, _ in waves]
    assert [expected for _, expected in waves] == sent
    assert sorted(people(*range(len(fields)))) == sorted(received(smtp))


def test_h81_letters_released_by_staff_pass_the_caps(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, *range(70), recipient_key=b"anna")
    queue(store, 70, 71, 72, recipient_key=b"anna", capped=False)
    assert 4 == deliver(store, smtp, caps=Caps(3, 3, 3)).accepted
    assert sorted(people(0, 70, 71, 72)) == sorted(received(smtp))


def test_i6_no_line_of_the_log_names_anybody(store: Database, smtp: CapturingSmtp) -> None:
    queue(store, *range(4), content=b"Subject: secret\r\n\r\nsecret\r\n")
    replies = {"person0@example.com": "550 5.1.1 person0", "person1@example.com": "451 4.2.1 person1 secret"}
    smtp.answers.update(replies)
    smtp.drop = Drop.BEFORE_REPLY
    with capture_logs() as lines:
        deliver(store, smtp)
        deliver(store, smtp, now=NOW + 2 * GIVEN_UP_AFTER)
    assert {"letter_refused", "letter_deferred", "letter_doubtful", "letter_given_up"} == {line["event"] for line in lines}
    assert not any(word in str(lines) for word in ("@", "person", "secret"))
