"""The ledger of mail: one row a message, the cursor, what waits for another try, renumbering, and filing."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from rules.matching import Pointers
from rules.place import Cursor
from rules.vocabulary import Outcome
from storage import evidence, ledger, outbox, register
from storage.database import Database
from storage.ledger import CursorMoved, Entry, Pending
from tests.storage.stock import INBOX, NOW, a_letter, a_receipt, a_request, an_entry, count_by_outcome, key

REFERENCE, OTHER = "2026-00001-A", "2026-00002-B"
RENUMBERED = replace(INBOX, uidvalidity=8)


@pytest.fixture
def begun(store: Database) -> Database:
    """Return a store with the cursor at the beginning of a folder."""
    with store.write() as tx:
        ledger.place_cursor(tx, INBOX)
    return store


def cursor(store: Database) -> Cursor | None:
    """Return the folder's cursor."""
    with store.read() as tx:
        return ledger.cursor_of(tx, INBOX.inbox, INBOX.folder)


def record(store: Database, *entries: Entry, at: Cursor = INBOX) -> Cursor:
    """Record a batch and return the cursor past it."""
    last = max(entry.place.uid for entry in entries)
    with store.write() as tx:
        ledger.record(tx, at, entries, last, NOW)
    return replace(at, last_uid=last)


def due(store: Database, at: Cursor = INBOX) -> list[int]:
    """Return the UIDs that are to be filed away."""
    with store.read() as tx:
        return [filing.uid for filing in ledger.filing_due(tx, at)]


def outcomes(store: Database) -> dict[Outcome, int]:
    """Return how many messages had which outcome."""
    with store.read() as tx:
        return count_by_outcome(tx, NOW)


# --- the cursor --------------------------------------------------------------------------------------------------------
def test_a_folder_has_no_cursor_before_its_first_start(store: Database) -> None:
    assert cursor(store) is None


def test_a_cursor_comes_back_as_it_was_placed(store: Database) -> None:
    whole = Cursor(INBOX.inbox, INBOX.folder, 2**32 - 1, 2**32 - 2, NOW, NOW, NOW, 2**32, 5, 9, 2)
    with store.write() as tx:
        ledger.place_cursor(tx, INBOX)
        ledger.place_cursor(tx, replace(INBOX, folder="Junk"))
        ledger.place_cursor(tx, whole)
    assert whole == cursor(store)


def test_a_batch_moves_the_cursor_with_its_rows(begun: Database) -> None:
    record(begun, an_entry(1), an_entry(3, outcome=Outcome.AUTOMATIC))
    assert replace(INBOX, last_uid=3) == cursor(begun)
    assert {Outcome.ORDINARY: 1, Outcome.AUTOMATIC: 1} == outcomes(begun)


def test_a_batch_without_a_message_moves_the_cursor_all_the_same(begun: Database) -> None:
    with begun.write() as tx:
        ledger.record(tx, INBOX, [], 9, NOW)
    assert replace(INBOX, last_uid=9) == cursor(begun)


@pytest.mark.parametrize("moved", [replace(INBOX, last_uid=1), RENUMBERED], ids=["forward", "to other numbers"])
def test_h21_a_stale_batch_records_nothing(begun: Database, moved: Cursor) -> None:
    with begun.write() as tx:
        ledger.place_cursor(tx, moved)
    with pytest.raises(CursorMoved):
        record(begun, an_entry(2))
    assert ({}, moved) == (outcomes(begun), cursor(begun))


def test_a_message_has_one_row(begun: Database) -> None:
    """I2: the constraint keeps it, whatever the code does."""
    record(begun, an_entry(1))
    with pytest.raises(IntegrityError), begun.write() as tx:
        ledger.record_pending(tx, INBOX, [an_entry(1, outcome=Outcome.REQUEST)], NOW)
    assert {Outcome.ORDINARY: 1} == outcomes(begun)


def test_messages_of_other_places_are_others(begun: Database) -> None:
    place = INBOX.place(1)
    others = [replace(place, uid=2), replace(place, uidvalidity=8), replace(place, folder="Junk"), replace(place, inbox="office@alit.kz")]
    record(begun, *(an_entry(number, place=other) for number, other in enumerate([place, *others])))
    assert {Outcome.ORDINARY: 5} == outcomes(begun)


def test_h23_tries_are_counted_for_the_same_batch_and_start_anew_for_another(begun: Database) -> None:
    tries = []
    for first, last in ((1, 9), (1, 9), (1, 1), (1, 1), (1, 1)):
        with begun.write() as tx:
            now = ledger.cursor_of(tx, INBOX.inbox, INBOX.folder)
            assert now is not None
            tries.append(ledger.begin_batch(tx, now, first, last))
    assert [1, 2, 1, 2, 3] == tries
    assert replace(INBOX, trying_from=1, trying_to=1, tries=3) == cursor(begun)


def test_h23_a_recorded_batch_is_tried_no_more(begun: Database) -> None:
    with begun.write() as tx:
        ledger.begin_batch(tx, INBOX, 1, 9)
    assert replace(INBOX, last_uid=9) == record(begun, an_entry(9)) == cursor(begun)


def test_the_end_of_a_pass_is_noted(begun: Database) -> None:
    with begun.write() as tx:
        ledger.finish_pass(tx, INBOX.inbox, INBOX.folder, NOW + timedelta(minutes=1))
    assert replace(INBOX, last_pass_at=NOW + timedelta(minutes=1)) == cursor(begun)


def test_only_what_was_taken_in_since_then_is_counted(begun: Database) -> None:
    record(begun, an_entry(1))
    with begun.read() as tx:
        assert {} == count_by_outcome(tx, NOW + timedelta(seconds=1))


# --- what was listed and not delivered ---------------------------------------------------------------------------------
def waiting(store: Database, at: Cursor = INBOX) -> tuple[Pending, ...]:
    """Return what waits for another try."""
    with store.read() as tx:
        return ledger.pending_in(tx, at)


def put_aside(store: Database, *uids: int, at: Cursor = INBOX) -> None:
    """Note that the server did not deliver messages."""
    with store.write() as tx:
        ledger.set_pending(tx, at, uids, "not_delivered", NOW)


def test_h7_what_was_not_delivered_waits_and_each_try_counts(begun: Database) -> None:
    put_aside(begun, 5, 3)
    put_aside(begun, 5)
    assert (Pending(3, 1), Pending(5, 2)) == waiting(begun)


def test_h7_what_is_taken_in_at_last_waits_no_more(begun: Database) -> None:
    put_aside(begun, 3, 5)
    with begun.write() as tx:
        ledger.record_pending(tx, INBOX, [an_entry(3)], NOW)
    assert (Pending(5, 1),) == waiting(begun)
    assert ({Outcome.ORDINARY: 1}, INBOX) == (outcomes(begun), cursor(begun))


def test_h7_what_is_gone_waits_no_more(begun: Database) -> None:
    put_aside(begun, 3, 5)
    with begun.write() as tx:
        ledger.forget_pending(tx, INBOX, [3])
        ledger.forget_pending(tx, INBOX, [])
    assert (Pending(5, 1),) == waiting(begun)


def test_h7_each_folder_and_numbering_has_its_own(begun: Database) -> None:
    junk = replace(INBOX, folder="Junk")
    put_aside(begun, 3)
    put_aside(begun, 4, at=junk)
    with begun.write() as tx:
        ledger.forget_pending(tx, RENUMBERED, [3])
        ledger.forget_pending(tx, junk, [3])
    assert ((Pending(3, 1),), (Pending(4, 1),), ()) == (waiting(begun), waiting(begun, junk), waiting(begun, RENUMBERED))


# --- a folder that got other numbers -----------------------------------------------------------------------------------
def known(store: Database, fingerprints: Iterable[bytes]) -> dict[bytes, list[int]]:
    """Return the rows that were known under other numbers."""
    with store.read() as tx:
        return dict(ledger.known_fingerprints(tx, RENUMBERED, fingerprints))


def test_h3_messages_seen_before_are_known_by_their_fingerprint(begun: Database) -> None:
    record(begun, an_entry(1), an_entry(2), an_entry(3, fingerprint=key("m2")), an_entry(4, place=RENUMBERED.place(4)))
    record(begun, an_entry(5, place=replace(INBOX, folder="Junk").place(5)), at=replace(INBOX, last_uid=4))
    found = known(begun, {key("m1"), key("m2"), key("m4"), key("m5"), key("m6")})
    assert {key("m1"): 1, key("m2"): 2} == {fingerprint: len(rows) for fingerprint, rows in found.items()}
    assert sorted(found[key("m2")]) == found[key("m2")]


def test_h3_a_message_seen_before_gets_its_new_number_wherever_its_place_is_kept(begun: Database) -> None:
    record(begun, an_entry(1), an_entry(2, reference=REFERENCE, outcome=Outcome.REQUEST, filing_due=True))
    record(begun, an_entry(3, reference=REFERENCE, outcome=Outcome.FOLLOW_UP), at=replace(INBOX, last_uid=2))
    with begun.write() as tx:
        register.add_requests(tx, [a_request(REFERENCE, 2), a_request(OTHER, 4)], NOW)
        evidence.keep(tx, [a_receipt(2, reference=REFERENCE), a_receipt(3, reference=REFERENCE)])
    rows = known(begun, {key("m2"), key("m3")})
    with begun.write() as tx:
        ledger.renumber(tx, RENUMBERED, {rows[key("m2")][0]: 21, rows[key("m3")][0]: 20})
    assert ([], [21]) == (due(begun), due(begun, RENUMBERED))
    with begun.read() as tx:
        first, other = (register.find_request(tx, reference) for reference in (REFERENCE, OTHER))
    assert first is not None
    assert other is not None
    assert (RENUMBERED.place(21), INBOX.place(4)) == (first.place, other.place)
    with pytest.raises(IntegrityError), begun.write() as tx:
        evidence.keep(tx, [a_receipt(0, place=RENUMBERED.place(20))])


def test_h3_numbers_may_change_places(begun: Database) -> None:
    """The new number of one message may be the old one of another."""
    record(begun, an_entry(1, filing_due=True), an_entry(2, filing_due=True))
    rows = known(begun, {key("m1"), key("m2")})
    with begun.write() as tx:
        ledger.renumber(tx, RENUMBERED, {rows[key("m1")][0]: 2, rows[key("m2")][0]: 1})
    with begun.read() as tx:
        assert [rows[key("m2")][0], rows[key("m1")][0]] == [filing.row for filing in ledger.filing_due(tx, RENUMBERED)]


def test_h3_a_renumbered_message_still_answers_for_its_request(begun: Database) -> None:
    record(begun, an_entry(2, reference=REFERENCE, outcome=Outcome.REQUEST))
    with begun.write() as tx:
        register.add_requests(tx, [a_request(REFERENCE, 2)], NOW)
        evidence.keep(tx, [a_receipt(2, reference=REFERENCE)])
        ledger.renumber(tx, RENUMBERED, {rows[0]: 21 for rows in ledger.known_fingerprints(tx, RENUMBERED, [key("m2")]).values()})
        picture = register.picture_of(tx, [Pointers(None, None, None, (key("id2"),), (), "")])
    assert [REFERENCE] == list(picture.requests)


# --- filing away -------------------------------------------------------------------------------------------------------
def test_what_is_due_for_filing_is_filed_once(begun: Database) -> None:
    record(begun, an_entry(1, filing_due=True), an_entry(2), an_entry(3, filing_due=True))
    assert [1, 3] == due(begun)
    with begun.write() as tx:
        ledger.filed(tx, ledger.filing_due(tx, INBOX)[:1])
        ledger.filed(tx, [])
    assert [3] == due(begun)


def test_a_request_is_due_for_filing_once_its_letter_is_accepted(begun: Database) -> None:
    request, follow_up = (
        an_entry(uid, reference=REFERENCE, outcome=outcome) for uid, outcome in ((1, Outcome.REQUEST), (2, Outcome.FOLLOW_UP))
    )
    record(begun, request, follow_up, an_entry(3, reference=OTHER, outcome=Outcome.HELD), an_entry(4))
    with begun.write() as tx:
        outbox.queue(tx, [a_letter(1, reference=REFERENCE), a_letter(2, reference=OTHER), a_letter(3)], NOW)
        first, second, third = outbox.list_letters(tx)
        ledger.file_answered(tx, [first.id, third.id])
    assert [1] == due(begun)
    with begun.write() as tx:
        ledger.file_answered(tx, [second.id])
    assert [1, 3] == due(begun)


def test_what_was_filed_is_not_filed_again_for_a_second_letter(begun: Database) -> None:
    record(begun, an_entry(1, reference=REFERENCE, outcome=Outcome.REQUEST))
    with begun.write() as tx:
        outbox.queue(tx, [a_letter(1, reference=REFERENCE)], NOW)
        (letter,) = outbox.list_letters(tx)
        ledger.file_answered(tx, [letter.id])
        ledger.filed(tx, ledger.filing_due(tx, INBOX))
        ledger.file_answered(tx, [letter.id])
    assert [] == due(begun)
