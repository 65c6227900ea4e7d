"""Digests, the secrets that open them, what was ordered with them, and how long it is kept (H67), on both engines."""

from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from rules.place import Place
from rules.vocabulary import Standing
from storage import digests
from storage.database import Database
from storage.digests import Before, Line, LineState, NewDigest, NewOrders, Numbered, Opened, Orders
from storage.tables import digests as digest_rows
from storage.tables import order_lines
from storage.tables import orders as order_rows

NOW, DAY = datetime(2026, 11, 23, 4, tzinfo=UTC), timedelta(days=1)
OFFICER, COLLEAGUE = b"o" * 16, b"c" * 16
numbers = count(1)


def send(store: Database, reader: bytes = OFFICER, at: datetime = NOW) -> bytes:
    """Send a digest; return the key of its secret."""
    code = next(numbers).to_bytes(16)
    new = NewDigest(at.date(), f"{chr(reader[0])}@example.com", reader, code, (Numbered(1, "request", "2026-00001-K"),), b"h" * 32)
    with store.write() as tx:
        digests.add(tx, [new], at)
    return code


def write(store: Database, code: bytes, at: datetime = NOW + timedelta(hours=1)) -> Orders:
    """Have a reader answer; return what is to be carried out."""
    with store.write() as tx:
        opened = digests.opened_by(tx, [code])[code]
        place = Place("info@alit.kz", "INBOX", 1, next(numbers))
        digests.enter(tx, [NewOrders(opened, place, at, Standing.UNPROVEN, "<1@example.com>", "Re: digest", "1 done")])
        return digests.orders_of(tx, digests.unanswered(tx)[-1])


def settle(store: Database, orders: Orders, *lines: Line, code: bytes | None = None, at: datetime = NOW) -> None:
    """Write what became of a message, and answer it."""
    with store.write() as tx:
        for line in lines:
            digests.write_line(tx, orders, line)
        digests.close(tx, orders, code, at)


DONE = Line(1, "1 done", LineState.DONE, "Done.", "done|2026-00001-K")


def test_a_secret_opens_the_digest_of_its_reader_and_no_other(store: Database) -> None:
    mine, theirs = send(store), send(store, COLLEAGUE)
    with store.read() as tx:
        opened = digests.opened_by(tx, [mine, theirs, b"x" * 16])
        assert {mine: OFFICER, theirs: COLLEAGUE} == {code: each.reader_key for code, each in opened.items()}
        assert frozenset({OFFICER}) == digests.readers_among(tx, [OFFICER, b"s" * 16])


def test_the_secret_of_an_answer_opens_the_digest_and_tells_which_orders_were_answered(store: Database) -> None:
    orders = write(store, send(store))
    settle(store, orders, DONE, code=b"a" * 16)
    with store.read() as tx:
        assert {b"a" * 16: Opened(orders.digest, OFFICER, orders.id)} == digests.opened_by(tx, [b"a" * 16])


def test_orders_know_what_their_numbers_mean_and_wait_until_they_are_answered(store: Database) -> None:
    orders = write(store, send(store))
    assert {1: Numbered(1, "request", "2026-00001-K")} == orders.items
    assert ("1 done", date(2026, 11, 23), "o@example.com", None) == (orders.text, orders.day, orders.reader, orders.answers)
    with store.read() as tx:
        assert (orders.id,) == digests.unanswered(tx)
    settle(store, orders, DONE)
    with store.read() as tx:
        assert () == digests.unanswered(tx)
        assert {1: DONE} == digests.lines_of(tx, orders.id)


@pytest.mark.parametrize(
    ("replaced_after", "answered_after", "late"),
    [(None, 30, False), (1, 6, False), (1, 7, True), (8, 7.5, False), (8, 9, True)],
)
def test_h67_a_digest_is_late_once_the_next_one_came_and_seven_days_are_over(
    store: Database, replaced_after: float | None, answered_after: float, *, late: bool
) -> None:
    code = send(store)
    if replaced_after is not None:
        send(store, at=NOW + replaced_after * DAY)
    send(store, COLLEAGUE, NOW + DAY)  # another's is none of theirs
    assert late == write(store, code, NOW + answered_after * DAY).is_late


def test_h67_an_act_is_done_once_a_digest_and_a_day(store: Database) -> None:
    orders, second = write(store, send(store)), write(store, send(store, COLLEAGUE))
    tomorrow = write(store, send(store, at=NOW + DAY))
    settle(store, orders, DONE)
    with store.read() as tx:
        before = Before("o@example.com", NOW + timedelta(hours=1))
        assert [before, before, None] == [digests.done_before(tx, each, DONE.act or "") for each in (orders, second, tomorrow)]
    with pytest.raises(IntegrityError), store.write() as tx:
        digests.write_line(tx, orders, Line(2, "1 done", LineState.DONE, "Done.", DONE.act))


def test_what_has_to_be_confirmed_is_known_to_later_messages_about_the_same_digest(store: Database) -> None:
    code = send(store)
    orders = write(store, code)
    settle(store, orders, DONE, Line(2, "2 approve", LineState.ASKED, "Yes?", None, NOW + DAY), code=b"a" * 16)
    later, other = write(store, b"a" * 16), write(store, send(store, COLLEAGUE))
    with store.write() as tx:
        assert {orders.id: [2]} == digests.asked_before(tx, later)
        assert ({}, {}) == (digests.asked_before(tx, orders), digests.asked_before(tx, other))
        digests.settle_line(tx, orders.id, Line(2, "yes", LineState.DONE, "Done.", "approve"))
        assert Line(2, "2 approve", LineState.DONE, "Done.", "approve", NOW + DAY) == digests.lines_of(tx, orders.id)[2]


def test_answers_of_which_nothing_was_understood_are_counted(store: Database) -> None:
    code = send(store)
    first, second, third = (write(store, code) for _ in range(3))
    settle(store, first, Line(1, "1 xyzzy", LineState.NOT_UNDERSTOOD, "?"), code=b"1" * 16)
    settle(store, second, Line(1, "1 xyzzy", LineState.NOT_UNDERSTOOD, "?"), replaced(DONE), code=b"2" * 16)
    settle(store, third)
    with store.read() as tx:
        assert 1 == digests.answers_in_vain(tx, third)


def replaced(line: Line) -> Line:
    """Return a line as the second of its message."""
    return Line(2, line.line, line.state, line.said, line.act)


def test_what_staff_wrote_is_wiped_after_a_month_and_old_digests_are_forgotten(store: Database) -> None:
    code, unanswered = send(store), send(store, COLLEAGUE)
    send(store, at=NOW + DAY)
    send(store, COLLEAGUE, NOW + DAY)
    orders = write(store, code)
    settle(store, orders, DONE, Line(2, "2 refuse art. 8", LineState.ASKED, "Yes?", None, NOW + DAY))
    assert [(2, "1 done")] == kept_after(store, 29 * DAY)
    assert [(0, "")] == kept_after(store, 31 * DAY)
    with store.write() as tx:
        assert {} == digests.orders_of(tx, orders.id).items
        digests.forget_old(tx, NOW + 200 * DAY)
        assert 3 == tx.execute(select(func.count()).select_from(digest_rows)).scalar_one()
        assert {} == digests.opened_by(tx, [unanswered])
        assert [code] == [*digests.opened_by(tx, [code])]


def kept_after(store: Database, passed: timedelta) -> list[tuple[int, str]]:
    """Let time pass; return how many lines are kept of each message, and its text."""
    with store.write() as tx:
        digests.forget_old(tx, NOW + passed)
        kept = select(func.count()).where(order_lines.c.order_id == order_rows.c.id, order_lines.c.line != "").scalar_subquery()
        return [(int(lines), text) for lines, text in tx.execute(select(kept, order_rows.c.text)).all()]
