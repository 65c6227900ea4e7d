"""The digest: once a local day (H99), one look at everything that matters, and sums that agree."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mailbot import staff
from mailbot.desk import Desk
from mailbot.digest import DigestOrder, gather, queue_digest, queue_digest_now, section_of
from mailbot.digest_words import Digest, Item, Result, Section
from rules.place import Cursor
from rules.vocabulary import Outcome, RequestType, State
from storage import ledger, outbox
from storage.ledger import Entry
from storage.outbox import Caps, LetterState, NewLetter, Settlement
from storage.overview import Matter
from storage.tables import letters
from tests.conftest import write_config
from tests.mailbot.digest_room import ALMATY, HELD, INBOX, NOW, TODAY, a_promise, an_item, an_order, only_digest, read, text_of
from tests.mailbot.register_room import act, arrive, office, open_desk, still_owed

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
ORDER = an_order()
BEGAN = NOW - 7 * DAY


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return office(tmp_path, systems=("crm",))


@pytest.fixture
def desk(config: Path) -> Iterator[Desk]:
    """Return a desk at which it is nine on Monday, 23 November; it has watched its mailbox for a week."""
    with open_desk(config, BEGAN) as desk:
        watch(desk, BEGAN)
        yield at(desk, NOW)


def at(desk: Desk, now: datetime) -> Desk:
    """Return the desk at another moment."""
    return replace(desk, now=lambda: now)


def watch(desk: Desk, since: datetime) -> None:
    """Watch the mailbox since then."""
    with desk.database.write() as tx:
        ledger.place_cursor(tx, Cursor(*INBOX, uidvalidity=1, last_uid=0, start_at=since))


def digests(desk: Desk) -> list[tuple[str, str]]:
    """Return cause (without the reader's key) and recipient of every digest, oldest first."""
    with desk.database.read() as tx:
        chosen = select(letters.c.cause, letters.c.recipient).where(letters.c.kind == "digest").order_by(letters.c.id)
        return [(row.cause.rpartition(" ")[0], row.recipient) for row in tx.execute(chosen)]


def causes(desk: Desk) -> list[str]:
    return [cause for cause, _ in digests(desk)]


def gathered(desk: Desk, order: DigestOrder = ORDER, now: datetime = NOW) -> Digest:
    with desk.database.read() as tx:
        return gather(tx, desk, order, now.date(), now)


def where(desk: Desk, now: datetime = NOW) -> dict[Section, list[str]]:
    """Return the references in each section."""
    return {section: [item.matter.reference for item in items] for section, items in gathered(desk, now=now).items.items()}


def arrived(desk: Desk, now: datetime, kind: RequestType | None, **facts: Any) -> str:
    return arrive(at(desk, now), kind, **facts)


def take_in(desk: Desk, at: datetime, *outcomes: Outcome) -> None:
    """Enter messages into the ledger."""
    with desk.database.write() as tx:
        cursor = ledger.cursor_of(tx, *INBOX)
        assert cursor is not None
        uids = range(cursor.last_uid + 1, cursor.last_uid + 1 + len(outcomes))
        entries = [Entry(cursor.place(uid), bytes(16), at, outcome, "said") for uid, outcome in zip(uids, outcomes, strict=True)]
        ledger.record(tx, cursor, entries, uids[-1], at)


# --- H99: once a local day -------------------------------------------------------------------------------------------------------------


def test_h99_each_reader_gets_one_digest_a_day_however_often_it_is_tried(desk: Desk) -> None:
    both = an_order(to=("officer@example.com", "deputy@example.com"))
    assert [True, False, False] == [queue_digest(desk, both, moment) for moment in (NOW, NOW, NOW + MINUTE)]
    assert [("digest 2026-11-23", "officer@example.com"), ("digest 2026-11-23", "deputy@example.com")] == digests(desk)


def test_h99_a_restart_doubles_nothing(config: Path) -> None:
    for queued in (True, False):
        with open_desk(config, NOW) as desk:
            assert queued == queue_digest(desk, ORDER, NOW)
            assert ["digest 2026-11-23"] == causes(desk)


def test_h99_a_digest_waits_for_its_hour(desk: Desk) -> None:
    assert [True, False, True] == [queue_digest(desk, ORDER, moment) for moment in (NOW - DAY, NOW - MINUTE, NOW)]
    assert ["digest 2026-11-22", "digest 2026-11-23"] == causes(desk)


def test_h99_a_missed_digest_is_sent_late_and_only_the_newest(desk: Desk) -> None:
    assert [True, True, True] == [queue_digest(desk, ORDER, moment) for moment in (NOW - 5 * DAY, NOW - HOUR, NOW)]
    assert ["digest 2026-11-18", "digest 2026-11-22", "digest 2026-11-23"] == causes(desk)


def test_h99_a_clock_set_back_doubles_nothing(desk: Desk) -> None:
    moments = (NOW - DAY, NOW, NOW - DAY, NOW - 2 * HOUR, NOW, NOW + 2 * HOUR, NOW)
    assert [True, True, False, False, False, False, False] == [queue_digest(desk, ORDER, moment) for moment in moments]


def test_h99_the_cause_of_a_digest_is_the_day_and_the_reader_so_that_the_outbox_takes_no_second_one(desk: Desk) -> None:
    """As when two look before either has written (I3)."""
    queue_digest(desk, ORDER, NOW)
    row = only_digest(desk)._mapping
    again = NewLetter(**{**{field.name: row[field.name] for field in fields(NewLetter)}, "message_id": "<another@alit.kz>"})
    with desk.database.write() as tx:
        outbox.queue(tx, [again], NOW)
    assert ["digest 2026-11-23"] == causes(desk)


@pytest.mark.parametrize(
    ("began", "now", "queued"),
    [
        (NOW + 6 * HOUR, NOW + 6 * HOUR, ["digest 2026-11-23"]),  # at once: it proves that the route works
        (NOW - HOUR, NOW - HOUR, []),
        (NOW - HOUR, NOW, ["digest 2026-11-23"]),
    ],
)
def test_h99_a_new_store_has_no_digest_of_the_day_before_it_began(
    tmp_path: Path, began: datetime, now: datetime, queued: list[str]
) -> None:
    with open_desk(office(tmp_path), began) as desk:
        watch(desk, began)
        queue_digest(desk, ORDER, now)
        assert queued == causes(desk)


def test_i10_a_store_whose_mailbox_was_never_reached_has_its_digest_all_the_same(tmp_path: Path) -> None:
    with open_desk(office(tmp_path), NOW) as desk:
        assert queue_digest(desk, ORDER, NOW)
        assert "a mailbox is not read" in read(only_digest(desk).content)["Subject"]


def test_without_readers_nothing_is_queued(desk: Desk) -> None:
    assert not queue_digest(desk, an_order(to=()), NOW)
    assert [] == digests(desk)


def test_on_working_days_a_day_off_has_no_digest(desk: Desk) -> None:
    sunday = NOW - DAY
    order = an_order(working_only=True)
    assert [True, False, True] == [queue_digest(desk, order, moment) for moment in (sunday, sunday + HOUR, NOW)]
    assert ["digest 2026-11-20", "digest 2026-11-23"] == causes(desk)


def test_a_digest_that_is_asked_for_does_not_replace_the_daily_one(desk: Desk) -> None:
    assert [1, 1] == [queue_digest_now(desk, ORDER, moment) for moment in (NOW - HOUR, NOW - MINUTE)]
    assert queue_digest(desk, ORDER, NOW)
    assert ["asked 20261123T080000", "asked 20261123T085900", "digest 2026-11-23"] == causes(desk)


def test_only_the_daily_digest_is_what_the_next_one_counts_from(desk: Desk) -> None:
    assert BEGAN == gathered(desk).since
    queue_digest(desk, ORDER, NOW - DAY)
    queue_digest_now(desk, ORDER, NOW - HOUR)
    assert NOW - DAY == gathered(desk).since


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_h97_either_engine_queues_the_same(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path}/mailbot.db" if engine == "sqlite" else request.getfixturevalue("postgresql").fresh_database()
    with open_desk(write_config(tmp_path, imap_port=1, smtp_port=1, store={"url": url}), NOW) as desk:
        watch(desk, NOW)
        reference = arrived(desk, NOW - HOUR, RequestType.ACCESS)
        assert [True, False] == [queue_digest(desk, ORDER, NOW), queue_digest(desk, ORDER, NOW)]
        assert reference in text_of(only_digest(desk).content)


# --- what goes where -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "facts"),
    [
        (Section.OVERDUE, {"due": TODAY - DAY}),
        (Section.OVERDUE, {"due": TODAY - DAY, "state": State.AWAITING_SENDER}),
        (Section.TODAY, {"due": TODAY, "is_new": True}),
        (Section.SOON, {"due": TODAY + 3 * DAY, "days": 3}),
        (Section.DECIDE, {"due": TODAY + 4 * DAY, "days": 4}),
        (Section.DECIDE, {"due": None}),
        (Section.DECIDE, {"due": None, "promises": ()}),
        (Section.DECIDE, {"is_new": True}),
        (Section.DECIDE, {"state": State.RECEIVED}),
        (Section.DECIDE, {"postponed_to": TODAY}),
        (Section.DECIDE, {"promises": (a_promise(system="crm"), a_promise(system="mailbot"))}),
        (Section.WAITING, {"promises": (a_promise(system="crm"), a_promise(system="mailbot", met_at=NOW))}),
        (Section.WAITING, {"state": State.AWAITING_SENDER}),
        (Section.WAITING, {"postponed_to": TODAY + DAY, "due": TODAY + 3 * DAY, "days": 3}),
        (Section.NEW, {"state": State.AWAITING_SENDER, "is_new": True}),
        (Section.NEW, {"state": State.CARRIED_OUT, "is_new": True, "due": TODAY - DAY}),
        (Section.DECIDE, {**HELD, "due": TODAY}),
        (Section.DECIDE, {**HELD, "due": TODAY + DAY, "days": 1}),
        (Section.OVERDUE, {**HELD, "due": TODAY - DAY}),
        (Section.WAITING, {**HELD, "postponed_to": TODAY + DAY}),
    ],
)
def test_a_request_stands_once_in_the_most_urgent_section_it_fits(section: Section, facts: dict[str, Any]) -> None:
    assert section == section_of(an_item(**facts), TODAY)


def test_the_first_due_stands_first_and_days_are_counted_by_the_operators_calendar(desk: Desk) -> None:
    later = arrived(desk, NOW - HOUR, RequestType.ACCESS)  # three working days: Thursday
    sooner = arrived(desk, NOW - 4 * DAY, RequestType.ACCESS, sender="other@example.com")  # from Thursday, over the weekend
    on_friday = gathered(desk, now=NOW - 3 * DAY).items[Section.SOON]
    assert (sooner, date(2026, 11, 24), 2) in [told(item) for item in on_friday]
    assert [(sooner, date(2026, 11, 24), 1), (later, date(2026, 11, 26), 3)] == [told(item) for item in gathered(desk).items[Section.SOON]]


def told(item: Item) -> tuple[str, date | None, int]:
    return item.matter.reference, item.due, item.days


def test_what_is_open_and_due_first_is_told_of_a_request_and_then_what_else_is_open(desk: Desk) -> None:
    """Who does only what is due first and types ``done`` must have read the rest."""
    arrived(desk, NOW - DAY, RequestType.DESTROY)  # messages stop within 48 hours in every system, here at once
    ((item,),) = gathered(desk).items.values()
    assert [("stop_messages", "crm")] == [(each.what, each.system) for each in item.promises]
    assert date(2026, 11, 23) == item.due
    assert [("destroy", "mailbot"), ("destroy", "crm")] == [(each.what, each.system) for each in item.later if each.what == "destroy"]
    assert {each for each in item.matter.promises if each.met_at is None} == {*item.promises, *item.later}


def test_what_is_done_here_waits_for_the_other_systems(desk: Desk) -> None:
    reference = arrived(desk, NOW - DAY, RequestType.STOP_PROCESSING)
    queue_digest(desk, ORDER, NOW - HOUR)
    act(desk, staff.tick_off, reference, "staff:test", what="stop_messages", system="crm")
    assert {Section.DECIDE: [reference]} == where(desk)
    act(desk, staff.approve, reference, "staff:test")
    assert {Section.WAITING: [reference]} == where(desk)


def test_a_request_whose_sender_wrote_again_is_new_once(desk: Desk) -> None:
    reference = arrived(desk, NOW - 2 * DAY, RequestType.ACCESS)
    queue_digest(desk, ORDER, NOW - DAY)
    assert [False] == [matter.is_new for matter in listed(desk)]
    assert reference == arrived(desk, NOW - HOUR, RequestType.ACCESS)
    assert [(True, NOW - HOUR)] == [(matter.is_new, matter.wrote_at) for matter in listed(desk)]
    queue_digest(desk, ORDER, NOW)
    assert [(False, NOW - HOUR)] == [(matter.is_new, matter.wrote_at) for matter in listed(desk, NOW + DAY)]


def test_a_request_that_was_closed_and_answered_stands_there_because_its_sender_wrote(desk: Desk) -> None:
    reference = arrived(desk, NOW - 2 * DAY, RequestType.ACCESS)
    act(at(desk, NOW - 2 * DAY), staff.tick_off, reference, "staff:test", what=None, system=None)
    queue_digest(desk, ORDER, NOW - DAY)
    assert {} == where(desk)
    arrived(desk, NOW - HOUR, RequestType.ACCESS, fields={"Subject": f"Re: {reference}"})
    assert {Section.DECIDE: [reference]} == where(desk)
    assert [(True, True, NOW - HOUR)] == [(matter.is_new, matter.reopened_by_sender, matter.wrote_at) for matter in listed(desk)]


def listed(desk: Desk, now: datetime = NOW) -> list[Matter]:
    """Return the requests on the page."""
    return [item.matter for items in gathered(desk, now=now).items.values() for item in items]


def test_a_postponed_request_comes_back_on_its_day(desk: Desk) -> None:
    reference = arrived(desk, NOW - HOUR, RequestType.ACCESS)  # due on Thursday
    act(desk, staff.postpone, reference, "staff:test", date(2026, 11, 25))
    assert {Section.WAITING: [reference]} == where(desk)
    assert {Section.SOON: [reference]} == where(desk, NOW + 2 * DAY)


def test_what_is_closed_is_told_once_in_the_next_digest(desk: Desk) -> None:
    queue_digest(desk, ORDER, NOW - DAY)
    reference = arrived(desk, NOW - HOUR, RequestType.OPT_OUT)
    act(desk, staff.tick_off, reference, "staff:test", what=None, system=None)
    assert {Section.NEW: [reference]} == where(desk)
    queue_digest(desk, ORDER, NOW)
    assert {} == where(desk, NOW + DAY)


def test_what_was_set_aside_is_listed_until_somebody_settles_it(desk: Desk) -> None:
    take_in(desk, NOW - 3 * DAY, Outcome.SHUNTED)
    ((aside,),) = [gathered(desk).set_aside]
    with desk.database.write() as tx:
        ledger.settle_set_aside(tx, aside.row, "staff:test", "spam", NOW)
    assert () == gathered(desk).set_aside


def test_i10_a_digest_that_could_not_be_delivered_is_in_the_next_one(desk: Desk) -> None:
    queue_digest(desk, ORDER, NOW - DAY)
    with desk.database.write() as tx:
        (letter,) = outbox.claim(tx, 1, Caps(0, 0, 0), NOW - DAY)
        outbox.settle(tx, [Settlement(letter, LetterState.FAILED, "550 5.1.1")], NOW - DAY)
    assert [("digest", LetterState.FAILED)] == [(each.kind, each.state) for each in gathered(desk).undelivered]


def test_h81_a_letter_that_a_cap_holds_back_is_not_told_as_undelivered(desk: Desk) -> None:
    for number in (1, 2):
        arrived(desk, NOW - HOUR, RequestType.ACCESS, sender=f"{number}@example.com")
    with desk.database.write() as tx:
        outbox.claim(tx, 10, Caps(0, 0, an_hour=1), NOW)
    digest = gathered(desk)
    assert ([], [("2@example.com", NOW + HOUR)]) == (digest.undelivered, [(each.recipient, each.not_before) for each in digest.capped])


# --- sums and health -------------------------------------------------------------------------------------------------------------------


def test_what_arrived_since_the_last_digest_is_what_is_accounted_for(desk: Desk) -> None:
    take_in(desk, NOW - 2 * DAY, Outcome.ORDINARY)
    queue_digest(desk, ORDER, NOW - DAY)
    take_in(desk, NOW - HOUR, Outcome.ORDINARY, Outcome.ORDINARY, Outcome.AUTOMATIC)
    (traffic,) = gathered(desk).traffic.values()
    assert {Outcome.ORDINARY: 2, Outcome.AUTOMATIC: 1} == traffic.outcomes


def test_every_message_is_accounted_for_in_exactly_one_digest(desk: Desk) -> None:
    moments = [NOW - 3 * DAY + n * 7 * HOUR for n in range(11)]
    counted: Counter[Outcome] = Counter()
    for before, moment in zip([BEGAN, *moments], moments, strict=False):
        take_in(desk, before + MINUTE, Outcome.ORDINARY)
        take_in(desk, moment, Outcome.AUTOMATIC)  # in the very moment of the digest
        digest = gathered(desk, now=moment)
        if queue_digest(desk, ORDER, moment):
            (traffic,) = digest.traffic.values()
            counted.update(traffic.outcomes)
    (rest,) = gathered(desk, now=moments[-1] + MINUTE).traffic.values()
    assert Counter({Outcome.ORDINARY: 11, Outcome.AUTOMATIC: 11}) == counted + Counter(rest.outcomes)


@pytest.mark.parametrize(("minutes", "not_read"), [(None, [INBOX]), (30, []), (31, [INBOX])])
def test_i10_a_mailbox_not_seen_whole_for_half_an_hour_is_named(desk: Desk, minutes: int | None, not_read: list[tuple[str, str]]) -> None:
    if minutes is not None:
        with desk.database.write() as tx:
            ledger.finish_pass(tx, *INBOX, NOW - minutes * MINUTE)
    assert not_read == gathered(desk).not_read


def test_i10_a_folder_that_was_never_opened_is_named_and_one_that_is_configured_no_more_is_not(desk: Desk) -> None:
    take_in(desk, NOW - HOUR, Outcome.ORDINARY)
    digest = gathered(desk, an_order(folders=(("new@alit.kz", "INBOX"),)))
    assert [("new@alit.kz", "INBOX")] == digest.not_read
    assert [("new@alit.kz", "INBOX"), INBOX] == list(digest.traffic)


def test_the_months_requests_are_in_time_late_or_open(desk: Desk) -> None:
    in_time, late = (arrived(desk, NOW - 6 * DAY, RequestType.ACCESS, sender=f"{n}@example.com") for n in (1, 2))
    arrived(desk, NOW - HOUR, RequestType.ACCESS)
    for reference, closed in ((in_time, NOW - 3 * DAY), (late, NOW)):
        act(at(desk, closed), staff.tick_off, reference, "staff:test", what=None, system=None)
    assert {RequestType.ACCESS: Counter({Result.IN_TIME: 1, Result.LATE: 1, Result.OPEN: 1})} == gathered(desk).numbers


def test_what_is_held_is_counted_as_held_even_if_it_may_be_one_thing_only(desk: Desk) -> None:
    arrived(desk, NOW - HOUR, RequestType.BLOCK, may_be=(RequestType.BLOCK,))
    assert {None: Counter({Result.OPEN: 1})} == gathered(desk).numbers


@pytest.mark.parametrize(("stopped", "result"), [(NOW - 5 * DAY, Result.IN_TIME), (NOW, Result.LATE)])
def test_each_promise_of_a_request_is_held_against_its_own_date(desk: Desk, stopped: datetime, result: Result) -> None:
    reference = arrived(desk, NOW - 6 * DAY, RequestType.REVOKE_CONSENT)
    act(at(desk, stopped), staff.tick_off, reference, "staff:test", what="stop_messages", system="crm")  # due within 48 hours
    act(desk, staff.approve, reference, "staff:test")  # due in December
    for what, system in still_owed(desk, reference):
        act(desk, staff.tick_off, reference, "staff:test", what=what, system=system)
    assert {RequestType.REVOKE_CONSENT: Counter({result: 1})} == gathered(desk).numbers


def test_on_the_first_the_month_that_is_over_is_told(desk: Desk) -> None:
    first = datetime(2026, 12, 1, 9, tzinfo=ALMATY)
    arrived(desk, NOW, RequestType.ACCESS)
    arrived(desk, first - MINUTE, RequestType.BLOCK, sender="other@example.com")
    assert [RequestType.ACCESS] == list(gathered(desk, now=first).numbers)
    assert [RequestType.BLOCK] == list(gathered(desk, now=first + DAY).numbers)
