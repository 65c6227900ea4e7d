"""The request register: numbering, what a batch is told of it, obligations, states and history."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import asdict, replace
from datetime import date, timedelta
from threading import Barrier

import pytest
from sqlalchemy.exc import IntegrityError

from rules.matching import KnownRequest, Picture, Pointers
from rules.reference import reference
from rules.vocabulary import Duty, Event, Language, Outcome, RequestType, SourceMark, State
from storage import evidence, outbox, register
from storage.database import Database, open_database
from storage.register import Happening, NewRequest, Numbering, Registered
from tests.storage.stock import INBOX, NOW, a_letter, a_receipt, a_request, an_obligation, key

FIRST, SECOND, THIRD = (reference(2026, number) for number in (1, 2, 3))
ANSWER, BLOCK = an_obligation(), an_obligation(what=Duty.BLOCK, due=date(2026, 11, 24))
NOBODY = Pointers(sender_key=None, message_key=None, text_key=None, answered_keys=(), answered_ids=(), subject="")


def add(store: Database, *requests: NewRequest) -> None:
    """Write requests in a transaction of their own."""
    with store.write() as tx:
        register.add_requests(tx, requests, NOW)


def find(store: Database, wanted: str = FIRST) -> Registered:
    """Return a request that is there."""
    with store.read() as tx:
        found = register.find_request(tx, wanted)
    assert found is not None
    return found


def listed(store: Database, *, only_open: bool = False) -> list[str]:
    """Return the references in the order of the list."""
    with store.read() as tx:
        return [request.reference for request in register.list_requests(tx, only_open=only_open)]


def picture(store: Database, *pointers: Pointers) -> Picture:
    """Return what the store knows about a batch."""
    with store.read() as tx:
        return register.picture_of(tx, pointers)


def number(store: Database, *years: int) -> list[str]:
    """Take references in a transaction of their own."""
    with store.write() as tx:
        numbering = Numbering(tx)
        references = [numbering.next(year) for year in years]
        numbering.close()
        return references


# --- numbering ---------------------------------------------------------------------------------------------------------
def test_references_are_counted_a_year_and_go_on(store: Database) -> None:
    assert [reference(2026, 1), reference(2026, 2), reference(2027, 1)] == number(store, 2026, 2026, 2027)
    assert [reference(2027, 2), reference(2026, 3)] == number(store, 2027, 2026)


def test_a_batch_without_requests_takes_no_number(store: Database) -> None:
    assert [] == number(store)
    assert [reference(2026, 1)] == number(store, 2026)


def test_a_number_of_a_failed_batch_is_given_again(store: Database) -> None:
    with suppress(ZeroDivisionError), store.write() as tx:
        Numbering(tx).next(2026)
        raise ZeroDivisionError
    assert [reference(2026, 1)] == number(store, 2026)


def test_several_writers_never_get_the_same_number(store_url: str, store: Database) -> None:
    together = Barrier(3)

    def take(_: int) -> list[str]:
        with closing(open_database(store_url)) as database:
            together.wait()
            return [each for _ in range(20) for each in number(database, 2026, 2026)]

    with ThreadPoolExecutor(3) as threads:
        taken = sorted(each for references in threads.map(take, range(3)) for each in references)
    assert [reference(2026, each) for each in range(1, 121)] == taken


# --- requests and what is owed for them --------------------------------------------------------------------------------
def test_a_request_comes_back_as_it_was_added(store: Database) -> None:
    met = an_obligation(what=Duty.BLOCK, is_met=True, trigger=RequestType.BLOCK, started_at=NOW, clause="8.3", mark=SourceMark.TEXT)
    doubtful = a_request(FIRST, 1, may_be=(RequestType.ACCESS, RequestType.DESTROY), flags=("too_old",), obligations=(ANSWER, met))
    new = replace(doubtful, event=Event.BREACH, channel="post")
    add(store, new)
    found = find(store)
    shared = asdict(new).keys() & asdict(found).keys() - {"obligations"}
    assert 25 == len(shared)
    assert {name: getattr(new, name) for name in shared} == {name: getattr(found, name) for name in shared}
    assert [None, NOW] == [owed.met_at for owed in found.obligations]
    assert [None, "mailbot"] == [owed.met_by for owed in found.obligations]
    for given, owed in zip(new.obligations, found.obligations, strict=True):
        kept = asdict(given).keys() & asdict(owed).keys()
        assert 11 == len(kept)
        assert {name: getattr(given, name) for name in kept} == {name: getattr(owed, name) for name in kept}


def test_a_held_message_may_have_no_type_language_or_sender(store: Database) -> None:
    blank = {
        "type": None,
        "language": None,
        "sender": None,
        "sender_key": None,
        "matched": None,
        "clause": None,
        "certainty": None,
        "due": None,
    }
    add(store, a_request(FIRST, 1, outcome=Outcome.HELD, obligations=(), **blank))
    assert blank == {name: getattr(find(store), name) for name in blank}


def test_what_people_and_servers_write_may_be_long(store: Database) -> None:
    long = "x" * 5000
    add(
        store,
        a_request(FIRST, 1, sender=long, matched=long, clause=long, reason=long, obligations=(an_obligation(system=long, source=long),)),
    )
    with store.write() as tx:
        register.meet(tx, [owed.id for owed in find(store).obligations], long, NOW)
        register.note(tx, [(FIRST, "done", long, {"what": long})], NOW)
    found = find(store)
    assert [long] * 5 == [found.sender, found.matched, found.clause, found.obligations[0].system, found.obligations[0].met_by]


def test_a_reference_is_given_once(store: Database) -> None:
    add(store, a_request(FIRST, 1))
    with pytest.raises(IntegrityError):
        add(store, a_request(FIRST, 2))


def test_a_request_owes_a_thing_once_in_a_system(store: Database) -> None:
    with pytest.raises(IntegrityError):
        add(store, a_request(FIRST, 1, obligations=(ANSWER, ANSWER)))
    assert [] == listed(store)


def test_an_unknown_reference_finds_nothing(store: Database) -> None:
    with store.read() as tx:
        assert (None, ()) == (register.find_request(tx, FIRST), register.history_of(tx, FIRST))


def test_the_most_urgent_request_is_listed_first_and_what_has_no_due_date_last(store: Database) -> None:
    days = {FIRST: None, SECOND: date(2026, 12, 2), THIRD: date(2026, 12, 1)}
    add(store, *(a_request(each, uid, due=due) for uid, (each, due) in enumerate(days.items())))
    assert [THIRD, SECOND, FIRST] == listed(store)


def test_what_is_closed_comes_last_and_is_left_out_of_the_open_ones(store: Database) -> None:
    add(store, a_request(FIRST, 1), a_request(SECOND, 2, state=State.CARRIED_OUT), a_request(THIRD, 3, state=State.AWAITING_SENDER))
    assert [FIRST, THIRD, SECOND] == listed(store)
    assert [FIRST, THIRD] == listed(store, only_open=True)


@pytest.mark.parametrize("only_open", [False, True])
def test_each_listed_request_has_its_own_obligations(store: Database, only_open: bool) -> None:
    add(
        store,
        a_request(FIRST, 1, obligations=(ANSWER, BLOCK)),
        a_request(SECOND, 2, obligations=()),
        a_request(THIRD, 3, obligations=(BLOCK,)),
    )
    with store.read() as tx:
        found = {each.reference: [owed.what for owed in each.obligations] for each in register.list_requests(tx, only_open=only_open)}
    assert {FIRST: [Duty.ANSWER, Duty.BLOCK], SECOND: [], THIRD: [Duty.BLOCK]} == found


def test_what_was_met_stays_met_as_it_was(store: Database) -> None:
    add(store, a_request(FIRST, 1, obligations=(ANSWER, BLOCK)))
    answer, block = find(store).obligations
    with store.write() as tx:
        register.meet(tx, [answer.id], "officer", NOW)
        register.meet(tx, [answer.id, block.id], "another", NOW + timedelta(days=1))
        register.meet(tx, [], "nobody", NOW)
    later = NOW + timedelta(days=1)
    assert [(NOW, "officer"), (later, "another")] == [(owed.met_at, owed.met_by) for owed in find(store).obligations]


def test_a_request_is_due_when_its_earliest_open_obligation_is(store: Database) -> None:
    add(store, a_request(FIRST, 1, due=BLOCK.due, obligations=(ANSWER, BLOCK)), a_request(SECOND, 2, due=BLOCK.due))
    answer, block = find(store).obligations
    dues = []
    for owed in (block, answer):
        with store.write() as tx:
            register.meet(tx, [owed.id], "officer", NOW)
            register.recount_due(tx, FIRST)
        dues.append(find(store).due)
    assert [ANSWER.due, ANSWER.due] == dues
    assert BLOCK.due == find(store, SECOND).due


def test_a_request_moves_from_state_to_state(store: Database) -> None:
    add(store, a_request(FIRST, 1), a_request(SECOND, 2))
    for state in (State.CARRIED_OUT, State.AWAITING_STAFF):
        with store.write() as tx:
            register.set_state(tx, FIRST, state, NOW)
        assert state is find(store).state
    assert State.AWAITING_STAFF is find(store, SECOND).state


def test_a_postponed_request_keeps_its_due_date(store: Database) -> None:
    add(store, a_request(FIRST, 1))
    with store.write() as tx:
        register.postpone(tx, FIRST, date(2026, 12, 1))
    assert (date(2026, 12, 1), ANSWER.due) == (find(store).postponed_to, find(store).due)


def test_the_history_tells_everything_in_order(store: Database) -> None:
    add(store, a_request(FIRST, 1), a_request(SECOND, 2))
    with store.write() as tx:
        register.note(tx, [(FIRST, "done", "officer", {"what": "answer", "систем": ["mailbot", None]})], NOW)
        register.note(tx, [], NOW)
    with store.read() as tx:
        history = register.history_of(tx, FIRST)
    opened = Happening(NOW, "received", "mailbot", {"rule": "open_new_request"})
    assert (opened, Happening(NOW, "done", "officer", {"what": "answer", "систем": ["mailbot", None]})) == history


def test_nothing_is_noted_of_a_request_that_is_not_there(store: Database) -> None:
    with pytest.raises(IntegrityError), store.write() as tx:
        register.note(tx, [(FIRST, "done", "officer", {})], NOW)


# --- what a batch is told ----------------------------------------------------------------------------------------------
def known(reference: str, uid: int, *, is_open: bool = True) -> KnownRequest:
    """Return what matching knows of ``a_request``, about which no letter was written."""
    return KnownRequest(reference, RequestType.ACCESS, key(f"person{uid}"), is_open, Language.RU, is_unheard=True)


def test_a_batch_about_nothing_finds_nothing(store: Database) -> None:
    add(store, a_request(FIRST, 1))
    assert Picture() == picture(store) == picture(store, NOBODY)


def test_a_sender_finds_the_requests_that_are_open_the_oldest_first(store: Database) -> None:
    mine = {"sender_key": key("person1")}
    add(
        store,
        a_request(THIRD, 3, **mine),
        a_request(SECOND, 2, state=State.CARRIED_OUT, **mine),
        a_request(FIRST, 1),
        a_request(reference(2026, 4), 4),
    )
    found = picture(store, replace(NOBODY, sender_key=key("person1")))
    assert {FIRST: known(FIRST, 1), THIRD: known(THIRD, 1)} == found.requests
    assert {key("person1"): [FIRST, THIRD]} == found.by_sender


def test_a_subject_finds_the_request_that_it_names_closed_or_not(store: Database) -> None:
    add(store, a_request(FIRST, 1), a_request(SECOND, 2, state=State.CARRIED_OUT))
    found = picture(store, replace(NOBODY, subject=f"Re: [{SECOND}] and {THIRD}"))
    assert {SECOND: known(SECOND, 2, is_open=False)} == found.requests


def test_an_answer_to_a_letter_of_ours_finds_its_request(store: Database) -> None:
    add(store, a_request(FIRST, 1))
    letters = [a_letter(1, reference=FIRST), a_letter(2)]
    with store.write() as tx:
        outbox.queue(tx, letters, NOW)
    found = picture(store, replace(NOBODY, answered_ids=(letters[0].message_id, letters[1].message_id, "<mailbot.none@alit.kz>")))
    assert {letters[0].message_id: FIRST} == found.by_letter
    assert [FIRST] == list(found.requests)


def test_an_answer_to_a_persons_own_message_finds_its_request(store: Database) -> None:
    add(store, a_request(FIRST, 1))
    with store.write() as tx:
        evidence.keep(tx, [a_receipt(1, reference=FIRST), a_receipt(2), a_receipt(3, reference=SECOND, message_key=key("id1"))])
    found = picture(store, replace(NOBODY, answered_keys=(key("id1"), key("id2"))))
    assert {key("id1"): FIRST} == found.by_message
    assert [FIRST] == list(found.requests)


def test_h27_a_message_that_was_kept_has_been_seen(store: Database) -> None:
    with store.write() as tx:
        evidence.keep(tx, [a_receipt(1), a_receipt(2, message_key=key("id1")), a_receipt(3)])
    found = picture(store, replace(NOBODY, message_key=key("id1"), text_key=key("text1")))
    assert {key("id1"): {(key("person1"), key("text1")), (key("person2"), key("text2"))}} == found.seen


def test_requests_of_other_messages_stay_out(store: Database) -> None:
    add(store, a_request(FIRST, 1), a_request(SECOND, 2))
    with store.write() as tx:
        evidence.keep(tx, [a_receipt(1, place=INBOX.place(1), reference=FIRST)])
    assert Picture() == picture(store, replace(NOBODY, sender_key=key("x"), message_key=key("y"), subject=reference(2026, 9)))


def test_a_message_of_which_nothing_was_read_is_not_looked_up(store: Database) -> None:
    """Most mail is ordinary, and a look-up for each message is what would cost most of its time."""
    with store.write() as tx:
        evidence.keep(tx, [a_receipt(1)])
    assert {} == picture(store, replace(NOBODY, message_key=key("id1"))).seen
