"""The chain of history, on each engine: whatever is changed, taken out, put in or cut off is found, and destruction is not."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, delete, insert, make_url, select, update

from rules.vocabulary import Duty, State
from storage import chain, destruction, outbox, register
from storage.database import SCHEMA, Database, open_database, upgrade
from storage.destruction import How, Person
from storage.outbox import LetterState
from storage.tables import digests, events, letters, obligations, requests
from storage.verification import MOST_FAULTS, Flaw, Verdict, verify
from tests.servers import Postgresql
from tests.storage.stock import NOW, a_letter, a_request, an_obligation, key
from tests.storage.test_look_ups import plan_of

FIRST, SECOND = "2026-00001-K", "2026-00002-K"
LATER = NOW + timedelta(days=1)
BLOCK = an_obligation(what=Duty.BLOCK)


def filled(store: Database) -> Database:
    """Give a store two requests and five lines on the first one; the last two are lines 8 and 9."""
    with store.write() as tx:
        register.add_requests(tx, [a_request(FIRST, 1, obligations=(an_obligation(), BLOCK)), a_request(SECOND, 2)], NOW)
    for number in range(5):
        with store.write() as tx:
            register.note(tx, [(FIRST, "follow_up", "sender", {"uid": number})], NOW + timedelta(minutes=number))
    return store


def verdict_of(store: Database, printed: str | None = None) -> Verdict:
    with store.read() as tx:
        return verify(tx, printed)


def flaws(verdict: Verdict) -> list[tuple[Flaw, int | None]]:
    return [(fault.flaw, fault.line) for fault in verdict.faults]


def put_digest(store: Database, printed: bytes) -> None:
    told = {"day": NOW.date(), "reader": "officer@example.com", "reader_key": key("officer"), "code_key": key("code"), "items": []}
    with store.write() as tx:
        tx.execute(insert(digests).values(told | {"queued_at": NOW, "head": printed}))


def head(store: Database) -> str:
    with store.read() as tx:
        newest = chain.head(tx)
    assert newest is not None
    return newest.hex()


def change(store: Database, line: int, **values: object) -> None:
    with store.write() as tx:
        tx.execute(update(events).where(events.c.id == line).values(values))


def test_a_new_store_has_no_head_and_nothing_wrong(store: Database) -> None:
    with store.read() as tx:
        assert (None, Verdict()) == (chain.head(tx), verify(tx))


def test_lines_follow_one_another_and_the_newest_is_the_head(store: Database) -> None:
    verdict = verdict_of(filled(store))
    assert (9, 0, head(store), []) == (verdict.lines, verdict.emptied, (verdict.head or b"").hex(), verdict.faults)
    with store.read() as tx:
        assert list(range(1, 10)) == list(tx.execute(select(events.c.id).order_by(events.c.id)).scalars())


@pytest.mark.parametrize("line", [1, 5, 9], ids=["the first", "one between", "the last"])
@pytest.mark.parametrize(
    ("values", "flaw"),
    [
        ({"reference": SECOND}, Flaw.BROKEN),
        ({"at": NOW + timedelta(microseconds=1, days=9)}, Flaw.BROKEN),
        ({"what": "dismissed"}, Flaw.BROKEN),
        ({"payload_hash": bytes(32)}, Flaw.BROKEN),
        ({"hash": bytes(32)}, Flaw.BROKEN),
        ({"who": "somebody"}, Flaw.WORDS),
        ({"detail": {"uid": "9"}}, Flaw.WORDS),
        ({"salt": key("another")}, Flaw.WORDS),
        ({"salt": None}, Flaw.TAKEN),
    ],
    ids=lambda given: "-".join(given) if isinstance(given, dict) else "",
)
def test_a_changed_field_is_found_with_its_line(store: Database, line: int, values: Mapping[str, object], flaw: Flaw) -> None:
    change(filled(store), line, **values)
    assert (flaw, line) in flaws(verdict_of(store))
    assert {line} == {fault.line for fault in verdict_of(store).faults if fault.flaw is not Flaw.REGISTER}


def test_a_line_that_was_taken_out_is_found(store: Database) -> None:
    with filled(store).write() as tx:
        tx.execute(delete(events).where(events.c.id == 6))
    assert [(Flaw.MISSING, 7)] == flaws(verdict_of(store))
    assert "lines 6 to 6 are gone, or this one was changed" == verdict_of(store).faults[0].tells


def test_the_first_lines_cannot_be_taken_out_either(store: Database) -> None:
    with filled(store).write() as tx:
        tx.execute(delete(events).where(events.c.id <= 2))
    assert (Flaw.MISSING, 3) == flaws(verdict_of(store))[0]


def test_a_line_that_was_put_in_is_found_and_those_after_it_stand(store: Database) -> None:
    """A store of an earlier schema may have gaps; elsewhere a line can only be put in by giving the later ones other numbers."""
    with filled(store).write() as tx:
        tx.execute(update(events).where(events.c.id == 9).values(id=10))
        tx.execute(insert(events).values(id=9, reference=FIRST, at=NOW, what="done", who="x", detail={}, salt=key("s"), hash=bytes(32)))
    assert [(Flaw.BROKEN, 9), (Flaw.WORDS, 9), (Flaw.BROKEN, 10)] == flaws(verdict_of(store))


def test_two_lines_that_changed_places_are_found(store: Database) -> None:
    with filled(store).write() as tx:
        for old, new in ((5, 99), (6, 5), (99, 6)):
            tx.execute(update(events).where(events.c.id == old).values(id=new))
    assert {5, 6} <= {fault.line for fault in verdict_of(store).faults}


def test_lines_cut_off_at_the_end_are_found_by_the_head_of_an_old_digest(store: Database) -> None:
    printed = head(filled(store))
    assert [] == verdict_of(store, printed[:16]).faults
    with store.write() as tx:
        tx.execute(delete(events).where(events.c.id == 9))
    assert [] == verdict_of(store).faults, "by itself a shorter chain is a chain"
    assert [(Flaw.HEAD, None)] == flaws(verdict_of(store, printed[:16]))


def test_the_heads_of_the_digests_that_the_store_remembers_are_looked_for_unasked(store: Database) -> None:
    put_digest(store, bytes.fromhex(head(filled(store))))
    assert [] == verdict_of(store).faults
    with store.write() as tx:
        tx.execute(delete(events).where(events.c.id == 9))
    assert [(Flaw.HEAD, None)] == flaws(verdict_of(store))


def test_a_chain_that_was_written_anew_is_sound_and_has_not_the_old_head(store: Database) -> None:
    """Who holds the whole store can do that: it is why the head lies in the mailboxes of others."""
    printed = head(filled(store))
    with store.write() as tx:
        told = [(row.reference, row.what, row.who, row.detail) for row in tx.execute(select(events).order_by(events.c.id))]
        tx.execute(delete(events))
        chain.append(tx, told, NOW)
    assert [] == verdict_of(store).faults
    assert [(Flaw.HEAD, None)] == flaws(verdict_of(store, printed))


def test_many_faults_are_all_counted_and_not_all_listed(store: Database) -> None:
    with filled(store).write() as tx:
        register.note(tx, [(FIRST, "follow_up", "sender", {"uid": uid}) for uid in range(MOST_FAULTS)], NOW)
        tx.execute(update(events).values(who="x"))
    verdict = verdict_of(store)
    assert (MOST_FAULTS + 9, MOST_FAULTS) == (verdict.found, len(verdict.faults))


@pytest.mark.parametrize("fault", [b'{"ow', b'{"owed": [{}]}', b"[1]"], ids=["no JSON", "nothing stated", "a list"])
def test_what_was_written_over_a_statement_is_told_and_nothing_breaks(tmp_path: Any, fault: bytes) -> None:
    with closing(filled(open_database(f"sqlite:///{tmp_path}/mailbot.db"))) as store, store.write() as tx:
        tx.exec_driver_sql("UPDATE events SET detail = CAST(? AS TEXT) WHERE what = 'owed' AND id = 3", (fault,))
        assert [(Flaw.WORDS, 3), (Flaw.REGISTER, None)] == flaws(verify(tx))


# --- the register against its history --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("values", "tells"),
    [
        ({"due": date(2027, 1, 1)}, "answer (mailbot): due is 2027-01-01, and history says 2026-12-14"),
        ({"source": "8.9"}, "answer (mailbot): source is 8.9, and history says 8.3"),
        ({"arithmetic": "so"}, "answer (mailbot): arithmetic is so, and history says 2026-11-23 + 15 working days = 2026-12-14"),
        ({"met_at": NOW}, "answer (mailbot): met is 2026-11-23T04:00:00.000000+00:00, and history says nothing"),
        ({"met_by": "officer"}, "answer (mailbot): by is officer, and history says nothing"),
        ({"system": "crm"}, "answer (crm): is owed, and history knows nothing of it"),
    ],
)
def test_an_obligation_that_nobody_noted_a_change_of_is_found(store: Database, values: Mapping[str, object], tells: str) -> None:
    with filled(store).write() as tx:
        tx.execute(update(obligations).where(obligations.c.reference == SECOND).values(values))
    assert (Flaw.REGISTER, SECOND, tells) in [(each.flaw, each.reference, each.tells) for each in verdict_of(store).faults]


def test_an_obligation_and_a_request_that_are_gone_or_came_from_nowhere_are_found(store: Database) -> None:
    with filled(store).write() as tx:
        tx.execute(delete(obligations).where(obligations.c.reference == FIRST, obligations.c.what == Duty.BLOCK))
        row = dict(tx.execute(select(requests).where(requests.c.reference == SECOND)).one()._mapping)
        tx.execute(insert(requests).values(row | {"reference": "2026-00003-K"}))
    assert [(FIRST, "block (mailbot): is owed no more, and nobody noted it"), ("2026-00003-K", "no line states what is owed")] == [
        (fault.reference, fault.tells) for fault in verdict_of(store).faults
    ]


def test_what_is_met_and_taken_back_is_stated_as_it_happens(store: Database) -> None:
    with filled(store).write() as tx:
        owed = register.find_request(tx, FIRST)
        assert owed is not None
        register.meet(tx, [each.id for each in owed.obligations], "officer", LATER)
    assert [] == verdict_of(store).faults
    with store.write() as tx:
        register.take_back(tx, FIRST, Duty.ANSWER, "mailbot")
        register.note(tx, [(FIRST, "taken_back", "officer", {"what": Duty.ANSWER, "system": "mailbot"})], LATER)
    assert [] == verdict_of(store).faults
    with store.read() as tx:
        assert [] == [each.what for each in register.history_of(tx, FIRST) if each.what in chain.FOR_PROOF], "it is no news to anybody"


def test_what_is_met_once_more_is_stated_once(store: Database) -> None:
    with filled(store).write() as tx:
        owed = register.find_request(tx, SECOND)
        assert owed is not None
        for _ in range(2):
            register.meet(tx, [each.id for each in owed.obligations], "officer", LATER)
        assert 2 == sum(line.what == chain.OWED for line in chain.lines_of(tx, SECOND))


# --- the form of a line ----------------------------------------------------------------------------------------------
def test_the_form_of_the_hashes_never_changes() -> None:
    """These two were computed by hand: ``printf … | sha256sum``."""
    payload = chain.payload_hash(b"0123456789abcdef", "сіз", {"b": 1, "a": [True, None]})
    assert b'["\\u0441\\u0456\\u0437",{"a":[true,null],"b":1}]' == chain.canonical(["сіз", {"b": 1, "a": [True, None]}])
    told = (FIRST, datetime(2026, 11, 23, 9, tzinfo=UTC), "done")
    assert (
        "da82484a1935dc8ec1fb3156460fffd805d5e857dc1ab8dad3be54306928c643",
        "b5482c52ab2aaa50ece2a6723de2c4d9a149b9f745ab9007a923da5c00702da6",
    ) == (payload.hex(), chain.line_hash(chain.GENESIS, 7, told, payload).hex())


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), PLAIN))
def test_a_detail_is_hashed_as_it_comes_back(detail: dict[str, object]) -> None:
    kept = chain.plain(detail)
    assert chain.canonical(kept) == chain.canonical(chain.plain(kept))


@pytest.mark.parametrize("value", [NOW, date(2026, 1, 1), b"bytes", {1}, float("nan"), float("inf")], ids=repr)
def test_what_json_does_not_know_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        chain.plain({"value": value})


ODD: dict[str, Any] = {
    "text": 'кс"\\\u0000\u2028\ud800🙂', "float": 0.1, "big": 10**30, "tuple": (1, (2,)), "keys": {1: "a", None: "b"}, "small": 5e-324
}  # fmt: skip


def test_odd_details_come_back_as_they_were_hashed(store: Database) -> None:
    with filled(store).write() as tx:
        register.note(tx, [(FIRST, "follow_up", "sender", ODD)], NOW)
    assert [] == verdict_of(store).faults


# --- letters ---------------------------------------------------------------------------------------------------------
def settle(tx: Connection, state: LetterState, at: datetime, reply: str = "250 ok") -> None:
    tx.execute(update(letters).where(letters.c.reference == FIRST).values(state=state, settled_at=at, reply=reply, marked_at=at))


def entered(tx: Connection) -> list[tuple[str, datetime, object]]:
    return [(line.what, line.at, line.detail["reply"]) for line in chain.lines_of(tx, FIRST) if line.what.startswith("letter_is_")]


def test_the_end_of_a_letter_is_entered_once_with_the_servers_answer(store: Database) -> None:
    with filled(store).write() as tx:
        outbox.queue(tx, [a_letter(1, reference=FIRST), a_letter(2, reference=None)], NOW)
        assert 0 == chain.enter_letters(tx)
        settle(tx, LetterState.ACCEPTED, LATER)
        assert [1, 0] == [chain.enter_letters(tx), chain.enter_letters(tx)]
        assert [("letter_is_accepted", LATER, "250 ok")] == entered(tx)
        line = chain.lines_of(tx, FIRST)[-1]
    assert ("<mailbot.1@alit.kz>", "b19da7739c3e6bd36c6fad5ca28feda9f481e3af17abfd78d7d718db2b35cd0a") == (
        line.detail["message_id"],
        line.detail["sha256"],
    )
    assert [] == verdict_of(store).faults


def test_a_letter_that_ended_again_is_entered_again_whatever_the_clock_says(store: Database) -> None:
    with filled(store).write() as tx:
        outbox.queue(tx, [a_letter(1, reference=FIRST)], NOW)
        settle(tx, LetterState.FAILED, LATER, "550 no")
        chain.enter_letters(tx)
        number = tx.execute(select(letters.c.id)).scalar_one()
        assert outbox.queue_again(tx, number, "officer", LATER)
        assert 0 == chain.enter_letters(tx)
        settle(tx, LetterState.ACCEPTED, NOW)
        assert 1 == chain.enter_letters(tx)
        assert [("letter_is_failed", LATER, "550 no"), ("letter_is_accepted", NOW, "250 ok")] == entered(tx)


def test_more_letters_than_one_portion_are_all_entered(store: Database) -> None:
    with filled(store).write() as tx:
        count = chain.LETTERS_AT_ONCE + 1
        outbox.queue(tx, [a_letter(number, reference=FIRST) for number in range(count)], NOW)
        settle(tx, LetterState.DROPPED, LATER)
        assert (count, 0) == (chain.enter_letters(tx), chain.enter_letters(tx))
    assert [] == verdict_of(store).faults


def test_what_is_to_be_entered_and_the_head_are_found_without_reading_a_table(tmp_path: Path) -> None:
    with closing(filled(open_database(f"sqlite:///{tmp_path}/mailbot.db"))) as store, store.write() as tx:
        assert ["SEARCH letters USING INDEX ix_letters_to_enter (settled_at>?)"] == plan_of(tx, chain.enter_letters)
        assert ["SCAN events"] == plan_of(tx, chain.head), "backwards, and only as far as the first line"
        assert [] == [step for step in plan_of(tx, lambda tx: chain.lines_of(tx, FIRST)) if step.startswith("SCAN")]


# --- destruction -----------------------------------------------------------------------------------------------------
def test_h107_after_a_destruction_the_chain_holds_and_says_how_many_lines_lost_their_words(store: Database) -> None:
    with filled(store).write() as tx:
        outbox.queue(tx, [a_letter(1, reference=FIRST)], NOW)
        settle(tx, LetterState.ACCEPTED, NOW)
        owed = register.find_request(tx, FIRST)
        assert owed is not None
        register.meet(tx, [each.id for each in owed.obligations], "officer", LATER)
        register.set_state(tx, FIRST, State.CARRIED_OUT, LATER)
        destruction.destroy(tx, Person(None, frozenset({key("person1")})), How.DESTROYED, FIRST, LATER)
    verdict = verdict_of(store)
    assert ([], 6) == (verdict.faults, verdict.emptied)
    with store.read() as tx:
        lines = chain.lines_of(tx, FIRST)
    assert {"received", "owed", "emptied"} == {line.what for line in lines if line.is_proven}
    assert {"kind": "acknowledgement", "language": "ru"} == next(line.detail for line in lines if line.what == "letter_is_accepted")


def test_after_a_destruction_no_other_line_may_lose_its_words(store: Database) -> None:
    """Whoever writes a day anew could else hide behind the destruction."""
    with filled(store).write() as tx:
        register.set_state(tx, FIRST, State.REFUSED, NOW)
        destruction.expire_requests(tx, LATER, LATER)
    assert [] == verdict_of(store).faults
    with store.write() as tx:
        tx.execute(update(events).where(events.c.reference == FIRST, events.c.what == "owed").values(salt=None))
    assert {FIRST} == {fault.reference for fault in verdict_of(store).faults}


def test_h107_a_letter_that_is_wiped_with_its_request_was_entered_before(store: Database) -> None:
    with filled(store).write() as tx:
        outbox.queue(tx, [a_letter(1, reference=FIRST)], NOW)
        settle(tx, LetterState.ACCEPTED, NOW)
        register.set_state(tx, FIRST, State.REFUSED, NOW)
        assert 1 == destruction.expire_requests(tx, LATER, LATER)
        told = [(line.what, line.is_proven) for line in chain.lines_of(tx, FIRST) if line.what.startswith("letter_is_")]
        assert ([("letter_is_accepted", False)], 0) == (told, chain.enter_letters(tx))


def test_h107_a_letter_to_the_destroyed_about_a_request_of_somebody_else_was_entered_whole(store: Database) -> None:
    with filled(store).write() as tx:
        register.set_state(tx, SECOND, State.CARRIED_OUT, NOW)
        outbox.queue(tx, [a_letter(1, reference=SECOND)], NOW)
        tx.execute(update(letters).values(state=LetterState.ACCEPTED, settled_at=NOW))
        register.set_state(tx, FIRST, State.CARRIED_OUT, NOW)
        destruction.destroy(tx, Person(None, frozenset({key("person1")})), How.DESTROYED, FIRST, LATER)
        assert b"" == tx.execute(select(letters.c.content)).scalar_one()
        (line,) = (line for line in chain.lines_of(tx, SECOND) if line.what == "letter_is_accepted")
    assert line.detail["sha256"]


def test_words_that_are_gone_before_any_destruction_are_found_after_one_too(store: Database) -> None:
    with filled(store).write() as tx:
        register.note(tx, [(FIRST, chain.EMPTIED, "mailbot", {})], NOW)
        register.note(tx, [(FIRST, "done", "officer", {"what": "answer"})], NOW)
    change(store, 11, salt=None, detail={})
    assert [(Flaw.TAKEN, 11)] == flaws(verdict_of(store))


# --- several at once -------------------------------------------------------------------------------------------------
def test_writers_on_postgresql_take_turns(postgresql: Postgresql) -> None:
    url = postgresql.fresh_database()
    filled(open_database(url)).close()
    together = Barrier(4)

    def write(writer: int) -> None:
        with closing(open_database(url)) as store:
            together.wait()
            for number in range(20):
                with store.write() as tx:
                    register.note(tx, [(FIRST, "follow_up", f"w{writer}", {"uid": number})] * 2, NOW)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    with closing(open_database(url)) as store:
        assert (9 + 4 * 20 * 2, []) == ((verdict := verdict_of(store)).lines, verdict.faults)
        with store.read() as tx:
            assert list(range(1, 170)) == list(tx.execute(select(events.c.id).order_by(events.c.id)).scalars())


# --- a store of an earlier schema ------------------------------------------------------------------------------------
def test_a_store_of_the_schema_before_is_chained_as_it_is(store_url: str) -> None:
    make_schema(store_url, "0005")
    engine = create_engine(store_url)
    with engine.begin() as tx:
        for number, reference in enumerate((FIRST, SECOND), 1):
            put_old_request(tx, reference, number)
            for line in range(3):
                put_old_line(tx, number * 10 + line, reference)
    engine.dispose()
    assert ("0005", SCHEMA) == upgrade(store_url)
    with closing(open_database(store_url)) as store:
        assert (8, []) == ((verdict := verdict_of(store)).lines, verdict.faults)
        with store.write() as tx:
            register.note(tx, [(FIRST, "done", "officer", {})], NOW)
        assert [] == verdict_of(store).faults
        with store.write() as tx:
            put_old_line(tx, 15, FIRST)
            tx.execute(update(events).where(events.c.id == 15).values(salt=key("salt"), payload_hash=bytes(32), hash=bytes(32)))
        assert [(Flaw.MISSING, 15), (Flaw.WORDS, 15)] == flaws(verdict_of(store)), "put into a gap; those after it stand"
        with store.write() as tx:
            tx.execute(delete(events).where(events.c.id.in_((12, 15))))
        assert [(Flaw.MISSING, 20)] == flaws(verdict_of(store))


def make_schema(url: str, revision: str) -> None:
    """Make a store as an earlier release did: for its owner alone."""
    if url.startswith("sqlite"):
        Path(make_url(url).database or "").touch(mode=0o600)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[2] / "storage" / "migrations"))
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def put_old_request(tx: Connection, reference: str, uid: int) -> None:
    words = {
        "outcome": "request",
        "state": "carried_out",
        "standing": "aligned",
        "rule": "",
        "reason": "",
        "policy": "",
        "policy_version": "",
    }
    days = {"received_at": NOW, "received_on": NOW.date(), "may_be": [], "flags": []}
    place = {"inbox": "info@alit.kz", "folder": "INBOX", "uidvalidity": 7, "uid": uid}
    tx.execute(insert(requests).values({"reference": reference, **words, **days, **place}))
    owed = {"what": "answer", "system": "crm", "source": "8.3", "starts": "receipt", "arithmetic": "", "losing": []}
    tx.execute(insert(obligations).values({"reference": reference, **owed, "due": NOW.date(), "met_at": NOW, "met_by": "officer"}))


def put_old_line(tx: Connection, number: int, reference: str) -> None:
    tx.execute(insert(events).values(id=number, reference=reference, at=NOW, what="follow_up", who="sender", detail={"uid": number}))
