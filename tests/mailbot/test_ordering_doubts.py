"""What an order by mail may have meant otherwise: it is asked back, or carries out nothing (H51, H67, H82)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mailbot import staff
from mailbot.escalating import queue_escalations
from mailbot.orders_reading import above_ours
from rules.orders import read_orders
from rules.vocabulary import Language, Outcome, RequestType, Standing, State
from storage import register
from tests.mailbot.orders_room import MONDAY, Room, open_room
from tests.mailbot.register_room import act, arrive, put_on_file, request, still_owed

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ALIGNED = {"standing": Standing.ALIGNED}
DEPUTY = "deputy@example.com"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """Return a room with one reader, who reads English."""
    with open_room(tmp_path) as room:
        yield room


def digest_with(room: Room, kind: RequestType) -> tuple[str, str]:
    """Let a request arrive on Friday; return its reference, and the secret of Monday's digest."""
    reference = arrive(room.desk, kind)
    room.at(MONDAY)
    return reference, room.digest()


@pytest.mark.parametrize("says", ["1 refuse is what Anna wants, I disagree", "1 отказ - ошибка", "1 отказать было бы неправильно"])
def test_a_refusal_that_names_no_text_is_asked_back_whoever_vouches(room: Room, says: str) -> None:
    reference, secret = digest_with(room, RequestType.BLOCK)
    said = room.write(says, secret, **ALIGNED)
    assert State.AWAITING_STAFF is request(room.desk, reference).state
    assert "What you wrote: “" in said
    room.write("yes", room.secret("answered"), **ALIGNED)
    assert State.REFUSED is request(room.desk, reference).state


def test_i12_that_nothing_is_held_is_asked_back_whoever_vouches(room: Room) -> None:
    reference, secret = digest_with(room, RequestType.ACCESS)
    room.write("1 release nothing for now", secret, **ALIGNED)
    assert State.AWAITING_STAFF is request(room.desk, reference).state


def test_what_closes_is_asked_back_where_the_person_wrote_after_the_digest(room: Room) -> None:
    reference, secret = digest_with(room, RequestType.QUESTION)
    with room.desk.database.write() as tx:
        register.note(tx, [(reference, "follow_up", "sender", {})], MONDAY + HOUR)
    room.at(MONDAY + 2 * HOUR)
    assert "the person wrote again on 23.11.2026, 10:00" in room.write("1 done", secret)
    assert State.AWAITING_STAFF is request(room.desk, reference).state
    room.write("yes 1", room.secret("answered"))
    assert State.CARRIED_OUT is request(room.desk, reference).state


def test_what_cannot_be_done_is_not_asked_back(tmp_path: Path) -> None:
    with open_room(tmp_path, Language.EN, systems=("crm",)) as room:
        secret = digest_with(room, RequestType.REVOKE_CONSENT)[1]
        said = room.write("1 refuse obligation unperformed, art. 8(2)", secret)
    assert "Answer this mail by" not in said
    assert "messages stop everywhere" in said


@pytest.mark.parametrize(("says", "example"), [("5 refuse", "5 refuse obligation"), ("7 xyzzy", "7 done"), ("postpone", "4 done")])
def test_an_example_that_is_copied_is_about_the_same_number(room: Room, says: str, example: str) -> None:
    """Another's could be on the page under the number that was thought up."""
    _, secret = digest_with(room, RequestType.QUESTION)
    said = room.write(f"1 xyzzy\n{says}", secret)
    assert f"Write, for example: {example}" in said


@pytest.mark.parametrize("language", Language)
def test_h51_our_own_letters_quoted_without_a_mark_order_nothing(tmp_path: Path, language: Language) -> None:
    with open_room(tmp_path, language) as room:
        put_on_file(room.desk)
        for kind in RequestType:
            arrive(room.desk, kind)
        room.at(MONDAY)
        room.write("help\n? 1\n1 xyzzy", room.digest())
        texts = [
            part.get_content() for kind in ("digest", "answered") for letter in room.letters(kind) for part in letter.walk()
            if part.get_content_type() == "text/plain"
        ]  # fmt: skip
    assert 2 == len(texts)
    assert ["Thank you!\n"] * 2 == [above_ours(f"Thank you!\n{text}") for text in texts]
    assert [read_orders("1 done", MONDAY.date())] * 2 == [read_orders(above_ours(f"1 done\n\n{text}"), MONDAY.date()) for text in texts]


def test_h82_a_machine_that_always_orders_the_same_is_not_answered_for_ever(room: Room) -> None:
    _, secret = digest_with(room, RequestType.QUESTION)
    for number in range(30):
        room.receive("1 done", secret, fields={"X-Number": str(number)}, at=MONDAY + number * HOUR)
    room.obey()
    assert 21 == len(room.letters("answered"))


def test_what_was_opened_again_can_be_done_again(room: Room) -> None:
    reference, secret = digest_with(room, RequestType.QUESTION)
    room.write("1 done", secret)
    act(room.desk, staff.reopen, reference, "staff:asel", what="answer", system=None)
    assert [("answer", "staff")] == still_owed(room.desk, reference)
    room.write("1 done", secret, fields={"X-Number": "2"})
    room.write("yes 1", room.secret("answered"))
    assert State.CARRIED_OUT is request(room.desk, reference).state


def test_what_is_entered_again_with_the_next_days_digest_is_not_entered_twice(room: Room) -> None:
    for day in (MONDAY, MONDAY + DAY):
        room.at(day)
        said = room.write("new access person@example.com by post 20.11.2026", room.digest())
    assert "Nothing was done now" in said
    with room.desk.database.read() as tx:
        assert 1 == len(register.list_requests(tx))


def test_a_deputy_is_obeyed_who_was_told_of_what_nobody_touched(tmp_path: Path) -> None:
    with open_room(tmp_path) as room:
        room.order = replace(room.order, deputy=DEPUTY)
        reference = arrive(room.desk, RequestType.QUESTION)  # due on Wednesday
        room.at(MONDAY + DAY + HOUR)
        queue_escalations(room.desk, room.order, room.clock[0])
        room.write("1 done", room.secret("digest", DEPUTY), DEPUTY)
        assert State.CARRIED_OUT is request(room.desk, reference).state


def test_h67_whoever_got_a_copy_and_asks_for_something_of_their_own_is_held(room: Room) -> None:
    secret = digest_with(room, RequestType.QUESTION)[1]
    fields = {"Subject": "Отзыв согласия на обработку персональных данных"}
    assert Outcome.HELD is room.receive("Прошу прекратить.", secret, "person@example.com", fields=fields)
    assert [] == room.letters("acknowledgement", "person@example.com")
