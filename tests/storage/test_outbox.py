"""The outbox: claim → mark → transmit → settle, what a death leaves behind, and the caps."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import datetime, timedelta
from threading import Barrier

import pytest

from storage import outbox
from storage.database import Database, StoreFailure, open_database
from storage.outbox import Caps, ClaimedLetter, LetterState, NewLetter, Settlement
from tests.storage.stock import NO_CAPS, NOW, a_letter, key

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CLAIMERS = 4


def queue(store: Database, letters: Iterable[NewLetter], now: datetime = NOW) -> None:
    """Queue letters in a transaction of their own."""
    with store.write() as tx:
        outbox.queue(tx, list(letters), now)


def claim(store: Database, caps: Caps = NO_CAPS, now: datetime = NOW, most: int = 100) -> tuple[ClaimedLetter, ...]:
    """Claim letters in a transaction of their own."""
    with store.write() as tx:
        return outbox.claim(tx, most, caps, now)


def mark(store: Database, letters: Iterable[ClaimedLetter], now: datetime = NOW) -> None:
    """Mark letters in a transaction of their own."""
    with store.write() as tx:
        outbox.mark(tx, list(letters), now)


def settle(store: Database, letters: Iterable[ClaimedLetter], state: LetterState, not_before: datetime | None = None) -> None:
    """Settle letters alike in a transaction of their own."""
    with store.write() as tx:
        outbox.settle(tx, [Settlement(letter, state, "said the server", not_before) for letter in letters], NOW)


def send(store: Database, caps: Caps = NO_CAPS, now: datetime = NOW) -> list[str]:
    """Send what may go now and have it accepted; return the recipients."""
    going = claim(store, caps, now)
    if going:
        mark(store, going, now)
        settle(store, going, LetterState.ACCEPTED)
    return [letter.recipient for letter in going]


def states(store: Database) -> list[LetterState]:
    """Return where each letter stands, oldest first."""
    with store.read() as tx:
        return [letter.state for letter in outbox.list_letters(tx)]


def waits_until(store: Database) -> list[datetime]:
    """Return from when on each letter may go, oldest first."""
    with store.read() as tx:
        return [letter.not_before for letter in outbox.list_letters(tx)]


# --- one letter a cause and kind ---------------------------------------------------------------------------------------
def test_h30_a_letter_queued_twice_stands_once_as_it_was(store: Database) -> None:
    queue(store, [a_letter(1), a_letter(2, cause=a_letter(1).cause, kind="refusal")])
    queue(store, [a_letter(1, message_id="<other@alit.kz>", content=b"other"), a_letter(3)])
    with store.read() as tx:
        assert ["<mailbot.1@alit.kz>", "<mailbot.2@alit.kz>", "<mailbot.3@alit.kz>"] == [
            letter.message_id for letter in outbox.list_letters(tx)
        ]
    assert [a_letter(1).content] * 3 == [letter.content for letter in claim(store)]


def test_h30_a_letter_is_gone_with_the_transaction_that_failed(store: Database) -> None:
    with suppress(ZeroDivisionError), store.write() as tx:
        outbox.queue(tx, [a_letter(1)], NOW)
        raise ZeroDivisionError
    assert [] == states(store)


# --- claim, mark, settle -----------------------------------------------------------------------------------------------
def test_letters_are_claimed_oldest_first_and_no_more_than_asked_for(store: Database) -> None:
    queue(store, map(a_letter, (3, 1, 2)))
    assert ["person3@example.com", "person1@example.com"] == [letter.recipient for letter in claim(store, most=2)]
    assert ["person2@example.com"] == [letter.recipient for letter in claim(store, most=2)]
    assert () == claim(store, most=2)


def test_a_letter_put_off_goes_when_its_moment_comes_before_younger_moments(store: Database) -> None:
    queue(store, map(a_letter, range(2)))
    later, sooner = claim(store)
    settle(store, [later], LetterState.QUEUED, NOW + 2 * MINUTE)
    settle(store, [sooner], LetterState.QUEUED, NOW + MINUTE)
    assert [sooner.id, later.id] == [letter.id for _ in range(2) for letter in claim(store, now=NOW + HOUR, most=1)]


def test_a_claimed_letter_is_all_that_delivery_needs(store: Database) -> None:
    queue(store, [a_letter(1, content=bytes(range(256)), envelope_sender="")])
    (claimed,) = claim(store, now=NOW + MINUTE)
    assert (
        ClaimedLetter(claimed.id, "person1@example.com", "", bytes(range(256)), 0, NOW, was_due_before=False, claimed_at=NOW + MINUTE)
        == claimed
    )


def test_each_step_is_seen(store: Database) -> None:
    queue(store, map(a_letter, range(4)))
    going = claim(store, most=3)
    assert [LetterState.CLAIMED] * 3 + [LetterState.QUEUED] == states(store)
    mark(store, going[:2])
    assert [LetterState.MARKED] * 2 + [LetterState.CLAIMED, LetterState.QUEUED] == states(store)
    settle(store, going[:1], LetterState.ACCEPTED)
    settle(store, going[1:2], LetterState.FAILED)
    assert [LetterState.ACCEPTED, LetterState.FAILED, LetterState.CLAIMED, LetterState.QUEUED] == states(store)
    with store.read() as tx:
        assert dict.fromkeys(states(store), 1) == outbox.count_by_state(tx)
        assert ["said the server", "said the server", None, None] == [letter.reply for letter in outbox.list_letters(tx)]


def test_several_letters_settle_at_once_each_in_its_way(store: Database) -> None:
    queue(store, map(a_letter, range(3)))
    accepted, refused, later = claim(store)
    with store.write() as tx:
        ended = [Settlement(later, LetterState.QUEUED, "451", NOW + HOUR), Settlement(accepted, LetterState.ACCEPTED, "250")]
        outbox.settle(tx, [*ended, Settlement(refused, LetterState.FAILED, "550")], NOW)
        assert [("accepted", "250"), ("failed", "550"), ("queued", "451")] == [(each.state, each.reply) for each in outbox.list_letters(tx)]


def test_h33_a_letter_tried_again_is_the_same_letter(store: Database) -> None:
    queue(store, [a_letter(1)])
    first = claim(store)
    mark(store, first)
    settle(store, first, LetterState.QUEUED, NOW + HOUR)
    assert () == claim(store, now=NOW + HOUR - MINUTE)
    again = claim(store, now=NOW + HOUR)
    assert [(each.id, each.content, each.queued_at) for each in first] == [(each.id, each.content, each.queued_at) for each in again]
    assert [0, 1] == [each.attempts for each in (*first, *again)]


def test_the_next_moment_is_that_of_the_first_letter_that_waits(store: Database) -> None:
    queue(store, map(a_letter, range(3)))
    sent, soon, later = claim(store)
    settle(store, [sent], LetterState.ACCEPTED)
    settle(store, [later], LetterState.QUEUED, NOW + HOUR)
    settle(store, [soon], LetterState.DEFERRED, NOW + MINUTE)
    with store.read() as tx:
        assert NOW + MINUTE == outbox.next_moment(tx)


def test_nothing_waits_in_an_empty_outbox(store: Database) -> None:
    with store.read() as tx:
        assert (None, {}, ()) == (outbox.next_moment(tx), outbox.count_by_state(tx), outbox.list_letters(tx))


def test_the_letters_of_one_request_are_listed(store: Database) -> None:
    queue(store, [a_letter(1, reference="2026-00001-A"), a_letter(2, reference="2026-00002-B"), a_letter(3)])
    with store.read() as tx:
        assert ["2026-00002-B"] == [letter.reference for letter in outbox.list_letters(tx, "2026-00002-B")]


# --- after a death -----------------------------------------------------------------------------------------------------
def test_h31_a_death_before_data_is_not_in_doubt_and_one_after_it_is(store: Database) -> None:
    queue(store, map(a_letter, range(4)))
    going = claim(store, most=3)
    mark(store, going[:2])
    settle(store, going[:1], LetterState.ACCEPTED)
    with store.write() as tx:
        assert (1, 1) == outbox.recover(tx)
    assert [LetterState.ACCEPTED, LetterState.DOUBTFUL, LetterState.QUEUED, LetterState.QUEUED] == states(store)
    assert ["person2@example.com", "person3@example.com"] == send(store)
    assert LetterState.DOUBTFUL is states(store)[1]


def test_recovering_twice_changes_nothing_more(store: Database) -> None:
    queue(store, map(a_letter, range(2)))
    mark(store, claim(store, most=1))
    with store.write() as tx:
        outbox.recover(tx)
        assert (0, 0) == outbox.recover(tx)


@pytest.mark.parametrize("state", [LetterState.DOUBTFUL, LetterState.ACCEPTED])
def test_h21_a_letter_that_another_mailbot_took_over_is_not_marked(store: Database, state: LetterState) -> None:
    """This one slept through its lease; the other one recovered, and perhaps sent."""
    queue(store, map(a_letter, range(2)))
    going = claim(store)
    settle(store, going[:1], state)
    with pytest.raises(StoreFailure, match="another mailbot took over the letters"):
        mark(store, going)
    assert [state, LetterState.CLAIMED] == states(store)


def test_a_letter_may_be_marked_again_before_it_is_settled(store: Database) -> None:
    queue(store, [a_letter(1)])
    going = claim(store)
    mark(store, going)
    mark(store, going)
    assert [LetterState.MARKED] == states(store)


# --- several at once ---------------------------------------------------------------------------------------------------
def test_several_claimers_never_get_the_same_letter(store_url: str, store: Database) -> None:
    queue(store, map(a_letter, range(200)))
    together = Barrier(CLAIMERS)

    def claim_all(_: int) -> list[int]:
        with closing(open_database(store_url)) as database:
            together.wait()
            got: list[int] = []
            while letters := claim(database, most=7):
                got += [letter.id for letter in letters]
            return got

    with ThreadPoolExecutor(CLAIMERS) as threads:
        got = [letter for letters in threads.map(claim_all, range(CLAIMERS)) for letter in letters]
    assert 200 == len(got)
    assert len(got) == len(set(got))


# --- the caps ----------------------------------------------------------------------------------------------------------
ONE_PERSON = {"recipient": "person@example.com", "recipient_key": key("person")}


def topics(*topics: str) -> list[NewLetter]:
    """Return letters to one person, each of another topic."""
    return [a_letter(number, topic=topic, **ONE_PERSON) for number, topic in enumerate(topics)]


def test_h81_a_person_gets_one_letter_a_topic_and_day(store: Database) -> None:
    queue(store, topics("access", "access", "update"))
    caps = Caps(per_address_a_day=3, per_domain_an_hour=0, an_hour=0)
    assert 2 == len(send(store, caps))
    assert [LetterState.ACCEPTED, LetterState.DEFERRED, LetterState.ACCEPTED] == states(store)
    assert NOW + DAY == waits_until(store)[1]
    assert [] == send(store, caps, NOW + DAY - MINUTE)
    assert 1 == len(send(store, caps, NOW + DAY))


def test_h81_a_person_gets_three_letters_a_day(store: Database) -> None:
    caps = Caps(per_address_a_day=3, per_domain_an_hour=0, an_hour=0)
    queue(store, topics("access", "update", "destroy", "block"))
    assert 3 == len(send(store, caps))
    assert [LetterState.DEFERRED] == states(store)[3:]
    assert 1 == len(send(store, caps, NOW + DAY))
    assert [] == [state for state in states(store) if state is not LetterState.ACCEPTED]


def test_h81_other_people_get_theirs(store: Database) -> None:
    queue(store, [*topics("access", "access"), a_letter(7)])
    assert ["person@example.com", "person7@example.com"] == send(store, Caps(1, 0, 0))


def test_h81_a_domain_gets_so_many_letters_an_hour(store: Database) -> None:
    caps = Caps(per_address_a_day=0, per_domain_an_hour=2, an_hour=0)
    queue(store, [a_letter(1), a_letter(2), a_letter(3), a_letter(4, domain="firm.example")])
    assert ["person1@example.com", "person2@example.com", "person4@example.com"] == send(store, caps)
    assert [] == send(store, caps, NOW + HOUR - MINUTE)
    assert ["person3@example.com"] == send(store, caps, NOW + HOUR)


def test_h81_forged_mail_of_a_domain_keeps_its_aligned_senders_from_nothing(store: Database) -> None:
    caps = Caps(per_address_a_day=0, per_domain_an_hour=2, an_hour=0)
    queue(store, [*(a_letter(number) for number in range(1, 4)), *(a_letter(number, aligned=True) for number in range(4, 7))])
    assert [f"person{number}@example.com" for number in (1, 2, 4, 5)] == send(store, caps)


@pytest.mark.parametrize(("an_hour", "unproven", "aligned"), [(1, 1, 0), (2, 1, 1), (5, 2, 3), (6, 3, 3)])
def test_h81_half_the_letters_of_an_hour_are_kept_for_aligned_senders(store: Database, an_hour: int, unproven: int, aligned: int) -> None:
    caps = Caps(0, 0, an_hour)
    queue(store, [a_letter(number) for number in range(10)])
    queue(store, [a_letter(number, aligned=True) for number in range(10, 20)])
    assert unproven + aligned == len(send(store, caps))
    accepted = [number for number, state in enumerate(states(store)) if state is LetterState.ACCEPTED]
    assert [*range(unproven), *range(10, 10 + aligned)] == accepted


def test_h81_aligned_senders_may_use_the_whole_hour(store: Database) -> None:
    queue(store, [a_letter(number, aligned=True) for number in range(10)])
    assert 6 == len(send(store, Caps(0, 0, 6)))


def test_h81_letters_to_aligned_senders_take_nothing_of_the_unproven_half(store: Database) -> None:
    caps = Caps(0, 0, 6)
    queue(store, [a_letter(number, aligned=True) for number in range(3)])
    assert 3 == len(send(store, caps))
    queue(store, [a_letter(number) for number in range(10, 20)])
    assert 3 == len(send(store, caps))


def test_h81_a_lowered_cap_counts_what_went_before_it(store: Database) -> None:
    for hour in range(3):
        queue(store, [a_letter(hour, topic=str(hour), **ONE_PERSON)], NOW)
        assert 1 == len(send(store, Caps(3, 0, 0), NOW + hour * HOUR))
    queue(store, [a_letter(3, topic="3", **ONE_PERSON)], NOW)
    assert [] == send(store, Caps(2, 0, 0), NOW + 3 * HOUR)
    assert NOW + HOUR + DAY == waits_until(store)[3]


def test_h81_a_letter_released_by_staff_goes_beside_one_that_waits(store: Database) -> None:
    queue(store, topics("access", "access"))
    queue(store, [a_letter(2, capped=False, **ONE_PERSON)])
    assert 2 == len(send(store, Caps(1, 0, 0)))
    assert [LetterState.ACCEPTED, LetterState.DEFERRED, LetterState.ACCEPTED] == states(store)


@pytest.mark.parametrize("caps", [Caps(1, 0, 0), Caps(0, 1, 0), Caps(0, 0, 1)])
def test_h81_letters_released_by_staff_are_exempt_and_do_not_count(store: Database, caps: Caps) -> None:
    queue(store, [a_letter(number, capped=False, **ONE_PERSON) for number in range(5)])
    assert 5 == len(send(store, caps))
    queue(store, [a_letter(5, **ONE_PERSON)])
    assert 1 == len(send(store, caps))


@pytest.mark.parametrize("caps", [Caps(1, 0, 0), Caps(0, 1, 0), Caps(0, 0, 1)])
def test_h81_over_the_cap_is_deferred_and_sent_in_the_end(store: Database, caps: Caps) -> None:
    queue(store, topics("access", "update", "destroy"))
    for day in range(3):
        assert 1 == len(send(store, caps, NOW + day * DAY))
        assert [LetterState.ACCEPTED] * (day + 1) + [LetterState.DEFERRED] * (2 - day) == states(store)
    with store.read() as tx:
        assert outbox.next_moment(tx) is None


def test_h81_letters_over_a_cap_keep_nobody_behind_them_waiting(store: Database) -> None:
    """As many as are claimed together, and more, may be over a cap."""
    queue(store, [*topics(*["access"] * 10), a_letter(98), a_letter(99, capped=False)])
    caps = Caps(1, 0, 0)
    going = [letter.recipient for _ in range(3) for letter in claim(store, caps, most=2)]
    assert ["person@example.com", "person98@example.com", "person99@example.com"] == going
    assert [LetterState.DEFERRED] * 9 == states(store)[1:10]


@pytest.mark.parametrize("state", [LetterState.CLAIMED, LetterState.MARKED, LetterState.DOUBTFUL])
def test_h81_what_may_have_been_sent_counts(store: Database, state: LetterState) -> None:
    queue(store, topics("access"))
    going = claim(store, Caps(1, 0, 0))
    if state is not LetterState.CLAIMED:
        mark(store, going)
    if state is LetterState.DOUBTFUL:
        settle(store, going, state)
    queue(store, [a_letter(1, **ONE_PERSON)])
    assert [] == send(store, Caps(1, 0, 0))


@pytest.mark.parametrize("state", [LetterState.FAILED, LetterState.DROPPED])
def test_h81_what_was_not_sent_does_not_count(store: Database, state: LetterState) -> None:
    queue(store, topics("access"))
    settle(store, claim(store, Caps(1, 0, 0)), state)
    queue(store, [a_letter(1, **ONE_PERSON)])
    assert 1 == len(send(store, Caps(1, 0, 0)))


def test_h81_h86_a_letter_that_came_back_counts_as_one_that_was_sent(store: Database) -> None:
    """Whoever writes in the name of addresses that do not exist would be written to without end."""
    queue(store, topics("access"))
    settle(store, claim(store, Caps(1, 0, 0)), LetterState.ACCEPTED)
    with store.write() as tx:
        outbox.come_back(tx, {"<mailbot.0@alit.kz>": "5.1.1"}, NOW + MINUTE)
    queue(store, [a_letter(1, **ONE_PERSON)])
    assert [] == send(store, Caps(1, 0, 0))
    assert [LetterState.FAILED, LetterState.DEFERRED] == states(store)


def test_h86_a_report_that_comes_before_the_letter_is_settled_is_not_forgotten(store: Database) -> None:
    queue(store, [a_letter(1)])
    going = claim(store)
    mark(store, going)
    with store.write() as tx:
        outbox.come_back(tx, {"<mailbot.1@alit.kz>": "5.1.1"}, NOW)
    settle(store, going, LetterState.ACCEPTED)
    assert [LetterState.FAILED] == states(store)


def test_h81_a_letter_tried_again_is_not_in_its_own_way(store: Database) -> None:
    queue(store, topics("access"))
    settle(store, claim(store, Caps(1, 1, 1)), LetterState.QUEUED, NOW + MINUTE)
    assert 1 == len(send(store, Caps(1, 1, 1), NOW + MINUTE))


def test_h81_a_cap_that_is_off_binds_nothing(store: Database) -> None:
    queue(store, topics(*["access"] * 20))
    assert 20 == len(send(store, NO_CAPS))


def test_a_letter_that_the_relay_was_never_asked_about_keeps_its_count_of_tries(store: Database) -> None:
    """Otherwise a day without the relay would make the first pause after it hours long (H94)."""
    queue(store, [a_letter(1), a_letter(2)])
    asked, waiting = claim(store)
    ended = [
        Settlement(asked, LetterState.QUEUED, "451", NOW),
        Settlement(waiting, LetterState.QUEUED, "nobody there", NOW, was_tried=False),
    ]
    with store.write() as tx:
        outbox.settle(tx, ended, NOW)
        assert [1, 0] == [letter.attempts for letter in outbox.list_letters(tx)]
    assert [True, True] == [letter.was_due_before for letter in claim(store)]
