"""What each order does, through the acts that the command line shares; and what is said of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from mailbot.letters import without_code
from rules.place import Place
from rules.vocabulary import LetterKind, Outcome, RequestType, Standing, State
from storage import ledger, outbox, register, tasks, waves
from storage.destruction import person_with
from storage.ledger import Entry
from storage.outbox import LetterState
from storage.retention import end_purpose
from storage.tables import ledger as ledger_rows
from storage.tables import letters
from storage.tables import tasks as task_rows
from storage.tasks import NewTask, TaskState
from tests.mailbot.letter_room import an_occasion, an_office
from tests.mailbot.orders_room import MONDAY, OFFICER, Room, open_room
from tests.mailbot.register_room import PERSON, arrive, history, is_on_file, is_suppressed, kinds_to, put_on_file, request

ALIGNED = {"standing": Standing.ALIGNED}


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """Return a room with one reader, who reads English."""
    with open_room(tmp_path) as room:
        yield room


def digest(room: Room) -> str:
    """Send Monday's digest; return its secret."""
    room.at(MONDAY)
    return room.digest()


def test_a_request_that_came_by_post_is_entered_and_nobody_is_written_to(room: Room) -> None:
    secret = digest(room)
    said = room.write(f"new opt_out {PERSON} by post 20.11", secret)
    with room.desk.database.read() as tx:
        (entered,) = register.list_requests(tx)
    assert (RequestType.OPT_OUT, "post", "2026-11-20") == (entered.type, entered.channel, entered.received_on.isoformat())
    assert f"Entered: {entered.reference}, Opt-out of messages. Due: " in said
    assert ([], True) == (kinds_to(room.desk, entered.reference), is_suppressed(room.desk))
    assert "ordered the same by mail" in room.write(f"new opt_out {PERSON} by post 20.11", secret)


def test_a_request_without_its_channel_is_not_entered(room: Room) -> None:
    assert "by post, by phone or in person" in room.write(f"new access {PERSON} 20.11", digest(room))
    with room.desk.database.read() as tx:
        assert () == register.list_requests(tx)


def test_the_term_of_an_authority_becomes_the_due_date(room: Room) -> None:
    reference = arrive(room.desk, RequestType.AUTHORITY_INQUIRY)
    said = room.write("1 term 25.11", digest(room))
    assert "The authority wants the answer by 25.11.2026. Still open: answer by 25.11.2026." in said
    assert "2026-11-25" == str(request(room.desk, reference).due)


def test_an_answer_to_an_access_request_is_released_only_to_an_address_on_file(room: Room) -> None:
    put_on_file(room.desk)
    known, unknown = arrive(room.desk, RequestType.ACCESS), arrive(room.desk, RequestType.ACCESS, "nobody@example.com")
    secret = digest(room)
    said = room.write(f"{room.number(known)} release: rang the number on file\n{room.number(unknown)} release", secret, **ALIGNED)
    assert "Done: answer. The request is closed: carried out." in said
    assert "Not done: " in said
    assert [State.CARRIED_OUT, State.AWAITING_STAFF] == [request(room.desk, each).state for each in (known, unknown)]
    assert "answer" in kinds_to(room.desk, known)


def test_h113_a_refusal_in_part_says_what_is_kept(room: Room) -> None:
    reference = arrive(room.desk, RequestType.ACCESS)
    room.write("1 refuse art. 8(2); keep invoices until 31.12.2030", digest(room), **ALIGNED)
    assert (State.REFUSED, True) == (request(room.desk, reference).state, "refusal" in kinds_to(room.desk, reference))


def test_a_person_whose_purpose_ended_is_destroyed_once_that_is_confirmed(room: Room) -> None:
    put_on_file(room.desk)
    with room.desk.database.write() as tx:
        owner = person_with(tx, PERSON).owner
        assert owner is not None
        end_purpose(tx, owner, "aliya", "the contract is over", room.desk.now())
    secret = digest(room)
    number = room.number(str(owner))
    assert f"yes {number}" in room.write(f"{number} approve", secret)
    assert is_on_file(room.desk)
    assert "The person's data are destroyed." in room.write("yes", room.secret("answered"))
    assert not is_on_file(room.desk)


@pytest.mark.parametrize(
    ("says", "told", "state"),
    [("retry", "The letter goes out again.", "queued"), ("drop wrong address", "The letter is not sent.", "dropped")],
)
def test_a_letter_that_did_not_arrive_is_sent_again_or_dropped(room: Room, says: str, told: str, state: str) -> None:
    reference = arrive(room.desk, RequestType.QUESTION)
    with room.desk.database.write() as tx:
        tx.execute(update(letters).where(letters.c.reference == reference).values(state=LetterState.FAILED, reply="550 5.1.1 no such user"))
        (letter,) = outbox.list_letters(tx, reference)
    secret = digest(room)
    assert told in room.write(f"{room.number(str(letter.id))} {says}", secret)
    with room.desk.database.read() as tx:
        assert [state] == [each.state for each in outbox.list_letters(tx, reference)]
    assert {"letter_retried", "letter_dropped"} & set(history(room.desk, reference))


def test_h33_h66_a_letter_whose_code_is_gone_is_not_sent_again(room: Room) -> None:
    reference = arrive(room.desk, RequestType.UPDATE)
    asking = an_office().compose(an_occasion(LetterKind.CONFIRMATION, RequestType.UPDATE), room.desk.now()).content
    with room.desk.database.write() as tx:
        gone = {"state": LetterState.FAILED, "reply": "5.1.1 told by a delivery report", "content": without_code(asking)}
        tx.execute(update(letters).where(letters.c.reference == reference).values(gone))
        (letter,) = outbox.list_letters(tx, reference)
    secret = digest(room)
    said = room.write(f"{room.number(str(letter.id))} retry", secret)
    assert f"ask the person in another way, then decide {reference} without it" in said
    with room.desk.database.read() as tx:
        assert [LetterState.FAILED] == [each.state for each in outbox.list_letters(tx, reference)]


def test_a_command_that_failed_is_tried_again(tmp_path: Path) -> None:
    with open_room(tmp_path, systems=("newsletter",)) as room:
        reference = arrive(room.desk, RequestType.OPT_OUT)
        with room.desk.database.write() as tx:
            tasks.queue(tx, [NewTask(reference, "newsletter", "stop_messages", {})], room.desk.now())
            claimed = tasks.claim(tx, "newsletter", room.desk.now(), MONDAY)
            assert claimed is not None
            tx.execute(update(task_rows).values(state=TaskState.FAILED, attempts=10))
        secret = digest(room)
        assert "The command is tried again now." in room.write(f"{room.number(str(claimed.id))} retry", secret)
        with room.desk.database.read() as tx:
            assert [TaskState.WAITING] == [each.state for each in tasks.waiting_for(tx, reference)]


def test_a_message_that_could_not_be_read_is_taken_off_the_list(room: Room) -> None:
    with room.desk.database.write() as tx:
        aside = Entry(Place("info@alit.kz", "INBOX", 1, 7), b"f" * 16, room.desk.now(), Outcome.SHUNTED, "could_not_be_read")
        tx.execute(insert(ledger_rows).values(ledger._row(aside, room.desk.now())))
        (listed,) = ledger.set_aside(tx)
    secret = digest(room)
    assert "The message is off the list." in room.write(f"{room.number(listed.name)} ordinary", secret)
    with room.desk.database.read() as tx:
        assert () == ledger.set_aside(tx)
        assert [f"staff:{OFFICER}"] == [note.who for note in ledger.notes_on(tx, listed.row)]


def test_a_wave_is_ended(room: Room) -> None:
    with room.desk.database.write() as tx:
        waves.begin(tx, 40, room.desk.now())
    secret = digest(room)
    assert "The wave is over" in room.write("resume", secret)
    assert "no wave goes on" in room.write("resume", secret, at=MONDAY.replace(hour=5))
    with room.desk.database.read() as tx:
        assert waves.current(tx) is None


def test_what_makes_no_sense_for_an_item_is_not_done_and_the_letter_says_what_does(room: Room) -> None:
    arrive(room.desk, RequestType.QUESTION)
    said = room.write("1 retry", digest(room))
    assert "Not done: this cannot be ordered for number 1. Possible are: 1 done; 1 approve; 1 refuse GROUND" in said
