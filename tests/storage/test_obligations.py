"""What is owed when it is counted anew, and the stamp of the rules by which all was counted."""

from dataclasses import replace
from datetime import date, timedelta

from rules.reference import reference
from rules.vocabulary import Duty, Event, RequestType, SourceMark, State
from storage import obligations, register
from storage.chain import lines_of
from storage.database import Database
from storage.register import Registered
from storage.tables import subscribers
from tests.storage.stock import NOW, a_request, an_obligation

FIRST, SECOND, THIRD = (reference(2026, number) for number in (1, 2, 3))
LATER = NOW + timedelta(days=1)
BLOCK = an_obligation(what=Duty.BLOCK, due=date(2026, 11, 24))


def find(store: Database) -> Registered:
    with store.read() as tx:
        found = register.find_request(tx, FIRST)
    assert found is not None
    return found


def test_what_is_open_becomes_what_it_is_counted_as_and_the_request_is_due_with_it(store: Database) -> None:
    with store.write() as tx:
        register.add_requests(tx, [a_request(FIRST, 1, obligations=(an_obligation(), BLOCK))], NOW)
    answer, block = find(store).obligations
    anew = an_obligation(due=date(2026, 11, 30), trigger=RequestType.ACCESS, started_at=NOW, clause="3.2", mark=SourceMark.TEXT, losing=())
    with store.write() as tx:
        register.meet(tx, [block.id], "staff", NOW)
        told = replace(BLOCK, what=Duty.NOTIFY_PERSON, due=date(2026, 12, 1))
        obligations.count_anew(tx, FIRST, {answer.id: anew, block.id: anew}, [told], "mailbot", LATER)
        assert ("owed", "mailbot", LATER) == (lines_of(tx, FIRST)[-1].what, lines_of(tx, FIRST)[-1].who, lines_of(tx, FIRST)[-1].at)
    found = find(store)
    assert date(2026, 11, 30) == found.due
    first, met, new = found.obligations
    assert (date(2026, 11, 30), "access", NOW, "3.2", "text", ()) == (
        first.due, first.trigger, first.started_at, first.clause, first.mark, first.losing
    )  # fmt: skip
    assert replace(block, met_at=NOW, met_by="staff") == met
    assert ("notify_person", date(2026, 12, 1), None) == (new.what, new.due, new.met_at)


def test_what_staff_entered_about_a_person_is_found_while_it_is_open(store: Database) -> None:
    with store.write() as tx:
        owner = tx.execute(subscribers.insert().values(since=NOW, more={}).returning(subscribers.c.id)).scalar_one()
        about = {"subscriber_id": owner, "type": None, "event": Event.PURPOSE_ENDED}
        closed = a_request(SECOND, 2, state=State.CARRIED_OUT, **about)
        register.add_requests(tx, [a_request(FIRST, 1, **about), closed, a_request(THIRD, 3, subscriber_id=owner)], NOW)
        assert [FIRST] == [each.reference for each in obligations.entries_of(tx, owner, Event.PURPOSE_ENDED)]
        assert () == obligations.entries_of(tx, owner, Event.TRANSFER)


def test_only_an_entry_of_staff_has_an_event(store: Database) -> None:
    with store.write() as tx:
        register.add_requests(tx, [a_request(FIRST, 1)], NOW)
        obligations.set_event(tx, FIRST, Event.DESTRUCTION_IMPOSSIBLE)
    assert None is find(store).event


def test_the_stamp_is_empty_at_first_and_then_the_last_one(store: Database) -> None:
    with store.write() as tx:
        assert b"" == obligations.rules_stamp(tx)
        for stamp in (b"one", b"two"):
            obligations.set_rules_stamp(tx, stamp)
        assert b"two" == obligations.rules_stamp(tx)
