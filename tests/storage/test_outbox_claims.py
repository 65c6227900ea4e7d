"""Whose a letter is, and when it goes: a claim that was taken over, a clock that was wrong."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from storage import outbox
from storage.database import Database, StoreFailure
from storage.outbox import Caps, ClaimedLetter, LetterState, ListedLetter, Settlement
from storage.tables import letters
from tests.storage.stock import NO_CAPS, NOW, a_letter, key

A_MOMENT = timedelta(microseconds=1)
MINUTE, HOUR, DAY, YEAR = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=365)


def queue(store: Database, *numbers: int, at: datetime = NOW) -> None:
    """Queue letters to one person."""
    with store.write() as tx:
        outbox.queue(tx, [a_letter(number, recipient_key=key("person"), topic=str(number)) for number in numbers], at)


def claim(store: Database, at: datetime = NOW, caps: Caps = NO_CAPS) -> tuple[ClaimedLetter, ...]:
    """Claim all that may go."""
    with store.write() as tx:
        return outbox.claim(tx, 9, caps, at)


def mark(store: Database, *going: ClaimedLetter) -> None:
    """Mark letters in a transaction of their own."""
    with store.write() as tx:
        outbox.mark(tx, going, NOW)


def settle(store: Database, letter: ClaimedLetter, state: LetterState, not_before: datetime | None = None) -> None:
    """Settle a letter in a transaction of its own."""
    with store.write() as tx:
        outbox.settle(tx, [Settlement(letter, state, "said the server", not_before)], NOW)


def recover(store: Database) -> None:
    """Put in order what a death left behind."""
    with store.write() as tx:
        outbox.recover(tx)


def bring_forward(store: Database, at: datetime = NOW) -> int:
    """Have the outbox see that the clock is right again."""
    with store.write() as tx:
        return outbox.bring_forward(tx, at)


def stands(store: Database) -> ListedLetter:
    """Return the only letter as it is listed."""
    with store.read() as tx:
        (letter,) = outbox.list_letters(tx)
    return letter


# --- a claim that was taken over ----------------------------------------------------------------------------------------
def test_h21_a_letter_that_another_mailbot_claimed_anew_is_not_marked(store: Database) -> None:
    """This one slept through its lease; the letter stands as claimed, but not by this one."""
    queue(store, 1, 2)
    slept = claim(store)
    settle(store, slept[0], LetterState.ACCEPTED)
    recover(store)
    (taken_over,) = claim(store, NOW + A_MOMENT)
    with pytest.raises(StoreFailure, match="another mailbot took over the letters"):
        mark(store, slept[1])
    mark(store, taken_over)


@pytest.mark.parametrize("state", [LetterState.CLAIMED, LetterState.MARKED])
@pytest.mark.parametrize(("ends", "not_before"), [(LetterState.FAILED, None), (LetterState.QUEUED, NOW + HOUR)])
def test_h21_how_it_went_with_a_claim_that_was_taken_over_changes_nothing(
    store: Database, state: LetterState, ends: LetterState, not_before: datetime | None
) -> None:
    queue(store, 1)
    (slept,) = claim(store)
    recover(store)
    (taken_over,) = claim(store, NOW + MINUTE)
    if state is LetterState.MARKED:
        mark(store, taken_over)
    before = stands(store)
    settle(store, slept, ends, not_before)
    assert (state, before) == (before.state, stands(store))


@pytest.mark.parametrize(
    ("ends", "not_before"), [(LetterState.ACCEPTED, None), (LetterState.FAILED, None), (LetterState.QUEUED, NOW + HOUR)]
)
def test_h31_what_the_server_said_settles_a_letter_that_was_called_doubtful_meanwhile(
    store: Database, ends: LetterState, not_before: datetime | None
) -> None:
    queue(store, 1)
    (letter,) = claim(store)
    mark(store, letter)
    recover(store)
    settle(store, letter, ends, not_before)
    assert (ends, "said the server") == (stands(store).state, stands(store).reply)


def test_h31_what_the_server_said_does_not_change_what_a_person_decided_meanwhile(store: Database) -> None:
    queue(store, 1)
    (letter,) = claim(store)
    mark(store, letter)
    recover(store)
    with store.write() as tx:
        assert outbox.drop(tx, letter.id, "staff:dana", "answered by telephone", NOW)
    settle(store, letter, LetterState.QUEUED, NOW + HOUR)
    assert LetterState.DROPPED is stands(store).state


def test_a_letter_settled_twice_is_settled_as_at_first(store: Database) -> None:
    """A store that failed while it committed may have written it all the same."""
    queue(store, 1)
    (letter,) = claim(store)
    for moment in (NOW + HOUR, NOW + DAY):
        settle(store, letter, LetterState.QUEUED, moment)
    assert (NOW + HOUR, 1) == (stands(store).not_before, stands(store).attempts)


# --- a clock that was wrong ---------------------------------------------------------------------------------------------
def test_h99_a_letter_queued_by_a_clock_that_was_ahead_goes_out_now(store: Database) -> None:
    queue(store, 1, at=NOW + YEAR)
    assert () == claim(store)
    assert 1 == bring_forward(store)
    with store.read() as tx:
        assert NOW == outbox.next_moment(tx)
    assert [NOW] == [letter.queued_at for letter in claim(store)], "its five days begin now"


@pytest.mark.parametrize("state", [LetterState.QUEUED, LetterState.DEFERRED])
@pytest.mark.parametrize(("wait", "expected"), [(2 * DAY, NOW + 2 * DAY), (2 * DAY + A_MOMENT, NOW)], ids=["a pause", "a wrong clock"])
def test_h99_only_a_wrong_clock_puts_a_letter_off_for_more_than_two_days(
    store: Database, state: LetterState, wait: timedelta, expected: datetime
) -> None:
    queue(store, 1, at=NOW - HOUR)
    settle(store, claim(store)[0], state, NOW + wait)
    assert int(expected == NOW) == bring_forward(store)
    assert expected == stands(store).not_before


def test_h99_a_letter_that_waits_no_more_is_left_as_it_is(store: Database) -> None:
    queue(store, 1, at=NOW + YEAR)
    settle(store, claim(store, NOW + YEAR)[0], LetterState.ACCEPTED)
    assert 0 == bring_forward(store)


@pytest.mark.parametrize("caps", [Caps(1, 0, 0), Caps(0, 1, 0), Caps(0, 0, 1)])
def test_h99_h81_what_went_out_while_the_clock_was_ahead_does_not_count_for_a_year(store: Database, caps: Caps) -> None:
    queue(store, 1, 2)
    settle(store, claim(store, NOW + YEAR, caps)[0], LetterState.ACCEPTED)
    bring_forward(store)
    assert 1 == len(claim(store, NOW, caps))


# --- what went out before counts (H81)
def test_h81_what_went_to_unproven_senders_before_takes_of_their_half_of_the_hour(store: Database) -> None:
    half_an_hour_ago, caps = NOW - HOUR / 2, Caps(per_address_a_day=0, per_domain_an_hour=0, an_hour=4)
    queue(store, 1, 2, at=half_an_hour_ago)
    assert 2 == len(claim(store, half_an_hour_ago, caps))
    queue(store, 3)
    assert () == claim(store, NOW, caps)
    assert 1 == len(claim(store, NOW + HOUR / 2, caps))


def test_h81_a_cap_frees_when_the_last_letter_is_old_enough_whichever_was_queued_first(store: Database) -> None:
    caps, soon = Caps(per_address_a_day=0, per_domain_an_hour=0, an_hour=1), NOW + HOUR / 2
    queue(store, 1, 2)
    first, second = claim(store)
    settle(store, first, LetterState.QUEUED, soon)
    settle(store, second, LetterState.ACCEPTED)
    assert 1 == len(claim(store, soon))
    queue(store, 3, at=soon)
    assert () == claim(store, soon, caps)
    with store.read() as tx:
        assert soon + HOUR == outbox.next_moment(tx)


# --- letters that came back (H86, H87)
def come_back(store: Database, number: int) -> None:
    """Have a report say that a letter will never arrive."""
    with store.write() as tx:
        outbox.come_back(tx, {f"<mailbot.{number}@alit.kz>": "5.1.1"}, NOW)


def test_h87_a_report_fails_the_letter_that_it_names_and_no_other(store: Database) -> None:
    queue(store, 1, 2)
    for letter in claim(store):
        settle(store, letter, LetterState.ACCEPTED)
    come_back(store, 1)
    with store.read() as tx:
        assert [LetterState.FAILED, LetterState.ACCEPTED] == [letter.state for letter in outbox.list_letters(tx)]


def test_h87_a_report_of_what_was_not_sent_yet_or_to_nobody_any_more_is_not_believed(store: Database) -> None:
    queue(store, 1)
    come_back(store, 1)
    assert LetterState.QUEUED is stands(store).state
    (letter,) = claim(store)
    settle(store, letter, LetterState.ACCEPTED)
    with store.write() as tx:
        tx.execute(update(letters).values(recipient=""))
    come_back(store, 1)
    assert LetterState.ACCEPTED is stands(store).state
