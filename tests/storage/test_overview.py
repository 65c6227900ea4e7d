"""What the digest looks up: who is listed, what is counted, and from when on."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from rules.place import Cursor
from rules.vocabulary import Outcome, RequestType, State
from storage import ledger, outbox, overview, register
from storage.database import Database
from storage.ledger import Entry
from storage.outbox import Caps, LetterState, NewLetter, Settlement
from storage.overview import Matter, Promise, Traffic
from storage.subscribers import set_systems
from tests.storage.stock import INBOX, NO_CAPS, NOW, a_letter, a_request, an_entry, an_obligation

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NEXT_MONTH = date(2026, 12, 1)
OTHER = replace(INBOX, folder="Requests")


def enter(store: Database, reference: str, at: datetime = NOW, **fields: Any) -> None:
    uid = int(reference[5:10])
    with store.write() as tx:
        register.add_requests(tx, [a_request(reference, uid, **fields)], at)


def references(store: Database, since: datetime = NOW, received_from: date = NEXT_MONTH) -> list[str]:
    with store.read() as tx:
        return [matter.reference for matter in overview.matters(tx, since, received_from)]


def take_in(store: Database, at: datetime, *entries: Entry, cursor: Cursor = INBOX) -> None:
    with store.write() as tx:
        ledger.place_cursor(tx, cursor)
        ledger.record(tx, cursor, entries, 1, at)


def queue(store: Database, letters: Iterable[NewLetter], at: datetime = NOW) -> None:
    with store.write() as tx:
        outbox.queue(tx, list(letters), at)


def settle(store: Database, *states: LetterState) -> None:
    """Have the letters that are next end one in each of ``states``."""
    with store.write() as tx:
        claimed = outbox.claim(tx, len(states), NO_CAPS, NOW)
        outbox.settle(tx, [Settlement(letter, state, "550 5.1.1") for letter, state in zip(claimed, states, strict=True)], NOW)


def matter_of(store: Database, since: datetime = NOW) -> Matter:
    """Return the only request that is listed."""
    with store.read() as tx:
        (matter,) = overview.matters(tx, since, NEXT_MONTH)
    return matter


def happen(store: Database, at: datetime, what: str, who: str = "sender", state: State | None = None) -> None:
    """Let something happen to the first request, which may move it."""
    with store.write() as tx:
        register.note(tx, [("2026-00001-A", what, who, {})], at)
        if state is not None:
            register.set_state(tx, "2026-00001-A", state, at)


def recipients(store: Database, queued_before: datetime = NOW) -> list[str]:
    with store.read() as tx:
        return [letter.recipient for letter in overview.undelivered(tx, queued_before)]


def began(store: Database, now: datetime = NOW) -> datetime:
    with store.read() as tx:
        return overview.began_at(tx, now)


def test_open_requests_are_listed_however_old_they_are_the_first_due_first(store: Database) -> None:
    enter(store, "2026-00001-A", due=None)
    enter(store, "2026-00002-B", due=date(2026, 12, 14))
    enter(store, "2026-00003-C", due=date(2026, 12, 1), state=State.AWAITING_SENDER)
    assert ["2026-00003-C", "2026-00002-B", "2026-00001-A"] == references(store)


def test_closed_requests_are_listed_when_they_are_new_or_of_the_month(store: Database) -> None:
    enter(store, "2026-00001-A", state=State.CARRIED_OUT)
    assert [] == references(store)
    assert ["2026-00001-A"] == references(store, since=NOW - HOUR)
    assert ["2026-00001-A"] == references(store, received_from=date(2026, 11, 1))


def test_what_was_entered_since_then_is_new_whenever_it_was_received(store: Database) -> None:
    enter(store, "2026-00001-A", at=NOW - HOUR)
    enter(store, "2026-00002-B", at=NOW, received_at=LONG_AGO, received_on=LONG_AGO.date())
    with store.read() as tx:
        found = overview.matters(tx, NOW - HOUR, NEXT_MONTH)
    assert {"2026-00001-A": False, "2026-00002-B": True} == {matter.reference: matter.is_new for matter in found}


def test_a_request_comes_with_what_is_owed_for_it(store: Database) -> None:
    owed = (an_obligation(what="answer", due=None), an_obligation(what="destroy", system="crm", arithmetic="sums", is_met=True))
    enter(store, "2026-00001-A", obligations=owed, may_be=(RequestType.ACCESS,), flags=("too_old",), outcome=Outcome.HELD)
    enter(store, "2026-00002-B", obligations=())
    with store.read() as tx:
        first, second = sorted(overview.matters(tx, NOW, NEXT_MONTH), key=lambda matter: matter.reference)
    assert (
        Promise("answer", "mailbot", None, "2026-11-23 + 15 working days = 2026-12-14", None),
        Promise("destroy", "crm", date(2026, 12, 14), "sums", NOW),
    ) == first.promises
    assert ((RequestType.ACCESS,), ("too_old",), Outcome.HELD) == (first.may_be, first.flags, first.outcome)
    assert () == second.promises


def test_h112_a_request_comes_with_when_it_was_last_answered_by_hand(store: Database) -> None:
    enter(store, "2026-00001-A")
    enter(store, "2026-00002-B")
    for at in (NOW, NOW + HOUR):
        with store.write() as tx:
            register.note(tx, [("2026-00001-A", overview.ANSWERED_BY_HAND, "staff", {})], at)
    with store.read() as tx:
        found = overview.matters(tx, NOW, NEXT_MONTH)
    assert {"2026-00001-A": NOW + HOUR, "2026-00002-B": None} == {matter.reference: matter.answered_at for matter in found}


def test_a_request_comes_with_when_its_sender_last_wrote_again(store: Database) -> None:
    enter(store, "2026-00001-A", at=NOW - DAY)
    assert matter_of(store).wrote_at is None
    for at in (NOW, NOW + HOUR):
        happen(store, at, "follow_up")
    assert NOW + HOUR == matter_of(store).wrote_at


@pytest.mark.parametrize(("since", "is_new"), [(NOW - HOUR, True), (NOW, False)])
@pytest.mark.parametrize("state", [State.AWAITING_STAFF, State.CARRIED_OUT])
def test_a_request_whose_sender_wrote_again_since_then_is_new(store: Database, state: State, since: datetime, is_new: bool) -> None:
    """Of a closed one nobody else is told: only what answers a letter of ours opens it again."""
    enter(store, "2026-00001-A", at=NOW - DAY)
    happen(store, NOW - HOUR, "done", "staff:test", state)
    happen(store, NOW, "follow_up")
    with store.read() as tx:
        found = overview.matters(tx, since, NEXT_MONTH)
    assert [is_new for _ in range(is_new or state is State.AWAITING_STAFF)] == [matter.is_new for matter in found]


def test_what_was_closed_after_its_sender_wrote_again_is_not_new(store: Database) -> None:
    enter(store, "2026-00001-A", at=NOW - DAY)
    happen(store, NOW, "follow_up")
    happen(store, NOW + HOUR, "carried_out", "staff:test", State.CARRIED_OUT)
    matter = matter_of(store, since=NOW - HOUR)
    assert (None, False) == (matter.wrote_at, matter.is_new)


def test_who_opened_a_request_again_last_is_told(store: Database) -> None:
    enter(store, "2026-00001-A", at=NOW - DAY)
    told = [matter_of(store).reopened_by_sender]
    for who in ("sender", "staff:test"):
        happen(store, NOW, "carried_out", "staff:test", State.CARRIED_OUT)
        happen(store, NOW, "reopened", who, State.AWAITING_STAFF)
        told.append(matter_of(store).reopened_by_sender)
    assert [False, True, False] == told


def test_how_a_due_date_was_moved_since_then_is_told_the_earlier_first(store: Database) -> None:
    enter(store, "2026-00001-A", at=NOW - DAY)
    for at in (NOW - HOUR, NOW, NOW + HOUR):
        with store.write() as tx:
            register.note(tx, [("2026-00001-A", overview.RECOUNTED, "mailbot", {"why": f"{at:%H}"})], at)
    since = NOW - HOUR
    assert [{"why": f"{at:%H}"} for at in (NOW, NOW + HOUR)] == [*matter_of(store, since=since).recounted]
    assert () == matter_of(store, since=NOW + HOUR).recounted


def test_what_was_entered_by_staff_comes_with_how_it_came(store: Database) -> None:
    enter(store, "2026-00001-A")
    enter(store, "2026-00002-B", event="breach", channel="staff")
    with store.read() as tx:
        found = overview.matters(tx, NOW, NEXT_MONTH)
    assert [(None, None), ("breach", "staff")] == [(each.event, each.channel) for each in sorted(found, key=lambda each: each.reference)]


def test_letters_that_failed_or_are_in_doubt_are_listed_newest_first_and_those_that_arrived_are_not(store: Database) -> None:
    queue(store, [a_letter(number) for number in (1, 2, 3, 4, 5)])
    settle(store, LetterState.ACCEPTED, LetterState.FAILED, LetterState.DOUBTFUL, LetterState.DROPPED)
    assert ["person3@example.com", "person2@example.com"] == recipients(store)
    with store.read() as tx:
        doubtful, failed = overview.undelivered(tx, NOW)
    assert [(LetterState.DOUBTFUL, "acknowledgement"), (LetterState.FAILED, "acknowledgement")] == [
        (each.state, each.kind) for each in (doubtful, failed)
    ]
    assert "550 5.1.1" == failed.reply


def test_a_letter_that_waits_is_listed_once_it_has_waited_long(store: Database) -> None:
    queue(store, [a_letter(1)], NOW - DAY)
    assert [] == recipients(store, NOW - DAY)
    assert ["person1@example.com"] == recipients(store, NOW - DAY + HOUR)


def test_h81_a_letter_that_a_cap_holds_back_is_listed_at_once(store: Database) -> None:
    queue(store, [a_letter(1), a_letter(2)])
    with store.write() as tx:
        outbox.claim(tx, 10, Caps(0, 0, an_hour=1), NOW)
    with store.read() as tx:
        (letter,) = overview.undelivered(tx, NOW - DAY)
    assert ("person2@example.com", True, NOW + HOUR) == (letter.recipient, letter.is_capped, letter.not_before)


def test_every_message_since_then_is_counted_by_folder_and_outcome(store: Database) -> None:
    take_in(store, NOW - DAY, an_entry(1))
    take_in(store, NOW, an_entry(2), an_entry(3), an_entry(4, outcome=Outcome.REQUEST))
    take_in(store, NOW, an_entry(5, place=OTHER.place(5)), cursor=OTHER)
    with store.write() as tx:
        ledger.finish_pass(tx, "info@alit.kz", "INBOX", NOW)
        ledger.set_pending(tx, INBOX, [6, 7], "not_delivered", NOW)
    with store.read() as tx:
        found = overview.traffic(tx, NOW - HOUR)
    assert {
        ("info@alit.kz", "INBOX"): Traffic(NOW, {Outcome.ORDINARY: 2, Outcome.REQUEST: 1}, pending=2),
        ("info@alit.kz", "Requests"): Traffic(None, {Outcome.ORDINARY: 1}, pending=0),
    } == found


def test_the_last_letter_of_a_cause_is_found_by_the_beginning_of_its_name(store: Database) -> None:
    queue(store, [a_letter(1, cause="digest 1"), a_letter(2, cause="digest_2"), a_letter(3, cause="digestive")], NOW)
    queue(store, [a_letter(4, cause="digest 3")], NOW - HOUR)
    with store.read() as tx:
        assert overview.last_caused_at(tx, "digest ", NOW) == NOW
        assert overview.last_caused_at(tx, "digest ", NOW - HOUR) == NOW - HOUR
        assert overview.last_caused_at(tx, "digest_", NOW - HOUR) is None
        assert overview.is_caused(tx, ["digest 1", "digest 9"])
        assert not overview.is_caused(tx, ["digest 9"])


def test_a_store_that_has_watched_nothing_begins_now(store: Database) -> None:
    assert NOW == began(store)
    with store.write() as tx:
        set_systems(tx, {"mailbot": "own"}, NOW - DAY)
    assert NOW == began(store)


@pytest.mark.parametrize(
    ("made", "watched_from", "beginning"),
    [
        (NOW - 2 * DAY, NOW - DAY, NOW - DAY),  # subscribers were imported the day before the first start
        (NOW - DAY, LONG_AGO, NOW - DAY),  # start = "2020-01-01"
        (NOW - DAY, NOW + DAY, NOW),  # start = tomorrow
    ],
)
def test_a_store_begins_when_it_was_made_and_watched_a_mailbox(
    store: Database, made: datetime, watched_from: datetime, beginning: datetime
) -> None:
    with store.write() as tx:
        set_systems(tx, {"mailbot": "own"}, made)
        ledger.place_cursor(tx, replace(INBOX, start_at=watched_from))
    assert beginning == began(store)
