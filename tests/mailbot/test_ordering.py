"""What staff order by mail is carried out once, answered line by line, and what cannot be undone is asked back (H67)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from mailbot import staff
from rules.vocabulary import Language, Outcome, RequestType, Standing, State
from storage.digests import without_secret
from storage.tables import digests, letters, orders
from tests.mailbot.orders_room import COLLEAGUE, FRIDAY, MONDAY, OFFICER, Room, open_room
from tests.mailbot.register_room import act, arrive, history, is_on_file, put_on_file, request, still_owed

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ALIGNED = {"standing": Standing.ALIGNED}


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """Return a room with one reader, who reads English."""
    with open_room(tmp_path) as room:
        yield room


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Room]:
    """Return a room with two readers."""
    with open_room(tmp_path, Language.EN, OFFICER, COLLEAGUE) as room:
        yield room


def asked_to_destroy(room: Room) -> tuple[str, str, str]:
    """Have the officer approve a destruction; return the reference, the secret of the digest, and what is said."""
    put_on_file(room.desk)
    reference = arrive(room.desk, RequestType.DESTROY)
    room.at(MONDAY)
    secret = room.digest()
    return reference, secret, room.write(f"{room.number(reference)} approve", secret)


# --- once, and by whom ----------------------------------------------------------------------------------------------------
def test_i1_an_order_stands_in_the_history_with_whoever_gave_it(room: Room) -> None:
    reference = arrive(room.desk, RequestType.QUESTION)
    room.at(MONDAY)
    said = room.write("1 done", room.digest())
    assert f"> 1 done Question about data, {reference}, a…@e…e.com Done: answer. The request is closed: carried out." in said
    assert f"staff:{OFFICER}" == request(room.desk, reference).obligations[0].met_by
    assert State.CARRIED_OUT is request(room.desk, reference).state


def test_h62_the_same_message_again_is_a_duplicate_and_under_another_name_is_told_what_was_done(room: Room) -> None:
    reference = arrive(room.desk, RequestType.QUESTION)
    room.at(MONDAY)
    secret = room.digest()
    room.write("1 done", secret, message_id="<once@staff.example>")
    assert Outcome.DUPLICATE is room.receive("1 done", secret, message_id="<once@staff.example>")
    said = room.write("1 done", secret, at=MONDAY + HOUR)
    assert f"Nothing was done now: {OFFICER} ordered the same by mail on 23.11.2026, 09:00, and it was done then." in said
    assert 1 == history(room.desk, reference).count("done")


def test_h27_two_different_messages_with_one_message_id_are_both_obeyed(room: Room) -> None:
    for name in ("one", "two"):
        arrive(room.desk, RequestType.QUESTION, f"{name}@example.com")
    room.at(MONDAY)
    secret = room.digest()
    room.write("1 done", secret, message_id="<same@staff.example>")
    room.write("2 done", secret, message_id="<same@staff.example>")
    assert [("1 done", "done"), ("2 done", "done")] == room.lines()


def test_the_second_of_two_people_is_told_what_the_first_did(two: Room) -> None:
    reference = arrive(two.desk, RequestType.QUESTION)
    two.at(MONDAY)
    two.digest()
    two.write("1 done", two.secret("digest"))
    said = two.write(f"{two.number(reference, COLLEAGUE)} done", two.secret("digest", COLLEAGUE), COLLEAGUE)
    assert f"{OFFICER} ordered the same by mail on 23.11.2026, 09:00" in said
    said = two.write("1 ordinary", two.secret("digest", COLLEAGUE), COLLEAGUE)
    assert f"it is closed since 23.11.2026, 09:00 (carried out); {OFFICER} did it" in said


def test_who_closed_it_at_the_command_line_is_told_too(room: Room) -> None:
    reference = arrive(room.desk, RequestType.QUESTION)
    room.at(MONDAY)
    secret = room.digest()
    act(room.desk, staff.tick_off, reference, "aliya", what=None, system=None)
    assert "it is closed since 23.11.2026, 09:00 (carried out); aliya did it" in room.write("1 done", secret)


def test_h66_the_secret_of_another_reader_orders_nothing(two: Room) -> None:
    reference = arrive(two.desk, RequestType.QUESTION)
    two.at(MONDAY)
    two.digest()
    assert Outcome.ORDINARY is two.receive("1 done", two.secret("digest", COLLEAGUE), OFFICER)
    assert 0 == two.obey()
    assert State.AWAITING_STAFF is request(two.desk, reference).state


def test_whoever_is_no_reader_any_more_is_not_obeyed_and_gets_no_letter(two: Room) -> None:
    reference = arrive(two.desk, RequestType.QUESTION)
    two.at(MONDAY)
    secret = two.digest()
    two.order = replace(two.order, to=(COLLEAGUE,))
    assert Outcome.STAFF_ACTION is two.receive("1 done", secret)
    assert (1, 0) == (two.obey(), two.obey())
    assert (State.AWAITING_STAFF, []) == (request(two.desk, reference).state, two.letters("answered"))


# --- until when -----------------------------------------------------------------------------------------------------------
def test_h67_a_digest_is_answered_for_seven_days_though_newer_ones_have_come(room: Room) -> None:
    reference = arrive(room.desk, RequestType.ACCESS)
    room.at(MONDAY)
    secret = room.digest()
    room.at(MONDAY + DAY)
    room.digest()
    room.at(MONDAY + 6 * DAY)
    assert "Done: answer" in room.write("1 done", secret)
    assert State.CARRIED_OUT is request(room.desk, reference).state


def test_h67_an_old_digest_is_answered_no_more_and_the_letter_says_which_one_is(room: Room) -> None:
    reference = arrive(room.desk, RequestType.ACCESS)
    room.at(MONDAY)
    secret = room.digest()
    room.at(MONDAY + 7 * DAY)
    room.digest()
    room.at(MONDAY + 7 * DAY + HOUR)
    said = room.write("1 done\n\n> quoted", secret)
    assert "the digest of 23.11.2026 is no longer answered, a newer one has come since. Answer that of 30.11.2026." in said
    assert State.AWAITING_STAFF is request(room.desk, reference).state


def test_h67_the_last_digest_is_answered_however_old_it_is(room: Room) -> None:
    arrive(room.desk, RequestType.ACCESS)
    room.at(MONDAY)
    secret = room.digest()
    room.at(MONDAY + 20 * DAY)
    assert "Done: answer" in room.write("1 done", secret)


def test_what_came_in_time_is_obeyed_though_mailbot_was_away(room: Room) -> None:
    arrive(room.desk, RequestType.ACCESS)
    room.at(MONDAY)
    secret = room.digest()
    room.at(MONDAY + 8 * DAY)
    room.digest()
    assert "Done: answer" in room.write("1 done", secret, at=MONDAY + 5 * HOUR)


# --- what cannot be undone ------------------------------------------------------------------------------------------------
def test_h67_what_destroys_is_asked_back_and_done_once_the_answer_to_that_letter_says_yes(room: Room) -> None:
    reference, _, said = asked_to_destroy(room)
    assert "Answer this mail by 25.11.2026, 09:00 with: yes 1" in said
    assert (True, State.AWAITING_STAFF) == (is_on_file(room.desk), request(room.desk, reference).state)
    room.at(MONDAY + HOUR)
    said = room.write("Yes, please.", room.secret("answered"))
    assert "Done: delete the data (mailbot)." in said
    assert not is_on_file(room.desk)


def test_h67_whoever_has_only_the_secret_of_the_digest_confirms_nothing(room: Room) -> None:
    _, secret, _ = asked_to_destroy(room)
    assert Outcome.STAFF_ACTION is room.receive("yes 1", secret)
    room.obey()
    assert is_on_file(room.desk)


def test_h67_an_aligned_sender_need_not_confirm(room: Room) -> None:
    reference = arrive(room.desk, RequestType.ACCESS)
    room.at(MONDAY)
    room.write("1 refuse obligation unperformed, art. 8(2)", room.digest(), **ALIGNED)
    assert State.REFUSED is request(room.desk, reference).state


def test_h67_a_no_calls_it_off_for_good(room: Room) -> None:
    asked_to_destroy(room)
    code = room.secret("answered")
    assert "Called off: nothing is done." in room.write("no", code)
    assert "That was settled already." in room.write("yes", code)
    assert is_on_file(room.desk)


def test_h67_a_yes_after_two_days_is_too_late(room: Room) -> None:
    asked_to_destroy(room)
    room.at(MONDAY + 2 * DAY + HOUR)
    assert "the yes came too late. Order it again." in room.write("yes 1", room.secret("answered"))
    assert is_on_file(room.desk)


def test_h67_a_yes_is_good_once(room: Room) -> None:
    asked_to_destroy(room)
    code = room.secret("answered")
    room.write("yes 1", code)
    assert "That was settled already." in room.write("yes, 1", code)


def test_h67_of_two_that_wait_a_yes_needs_its_number_and_leaves_the_other_waiting(room: Room) -> None:
    references = [arrive(room.desk, RequestType.ACCESS, f"{name}@example.com") for name in ("one", "two")]
    room.at(MONDAY)
    secret = room.digest()
    first, second = (room.number(reference) for reference in references)
    room.write(f"{first} refuse art. 8(2)\n{second} refuse art. 8(2)", secret)
    assert "which order is meant? Write its number too" in room.write("yes", room.secret("answered"))
    said = room.write(f"yes {second}", room.secret("answered"))
    assert f"> yes {second}" in said
    assert [State.AWAITING_STAFF, State.REFUSED] == [request(room.desk, reference).state for reference in references]


def test_yes_in_a_polite_sentence_to_another_letter_confirms_nothing_and_is_not_answered(room: Room) -> None:
    arrive(room.desk, RequestType.QUESTION)
    room.at(MONDAY)
    room.write("1 done", room.digest())
    room.receive("Yes, thank you!", room.secret("answered"))
    room.obey()
    assert 1 == len(room.letters("answered"))


# --- the letter -----------------------------------------------------------------------------------------------------------
def test_h84_the_answer_is_threaded_marked_and_goes_to_nobody_else(room: Room) -> None:
    arrive(room.desk, RequestType.QUESTION)
    room.at(MONDAY)
    room.write("1 done", room.digest(), message_id="<mine@staff.example>")
    letter = room.letters("answered")[0]
    assert ("<mine@staff.example>", "<mine@staff.example>") == (letter["In-Reply-To"], letter["References"])
    assert ("auto-replied", "answered", OFFICER, "info@alit.kz") == tuple(
        letter[name] for name in ("Auto-Submitted", "X-Mailbot-Loop", "To", "Reply-To")
    )


def test_the_answer_is_answered_like_the_digest(room: Room) -> None:
    arrive(room.desk, RequestType.QUESTION)
    room.at(MONDAY)
    room.write("1 xyzzy", room.digest())
    assert "Done: answer." in room.write("1 done", room.secret("answered"))


@pytest.mark.parametrize(
    ("language", "says", "told"), [(Language.RU, "1 готово", "Сделано: "), (Language.KK, "1 орындалды", "Орындалды: ")]
)
def test_the_answer_is_in_the_language_of_the_staff(tmp_path: Path, language: Language, says: str, told: str) -> None:
    with open_room(tmp_path, language) as room:
        arrive(room.desk, RequestType.QUESTION)
        room.at(MONDAY)
        assert told in room.write(says, room.digest())
        room.write("? 1\nhelp", room.secret("digest"))


def test_asked_why_it_tells_how_the_day_was_counted_and_nothing_of_what_the_person_wrote(room: Room) -> None:
    reference = arrive(room.desk, RequestType.ACCESS)
    room.at(MONDAY)
    said = room.write("? 1", room.digest())
    owed = request(room.desk, reference).obligations[0]
    for told in (owed.source, " ".join(owed.arithmetic.split()), "- answer: due", "received, mailbot", "1 refuse GROUND"):
        assert told in said
    assert "Text" not in said
    assert "aigul" not in said


def test_of_several_duties_the_letter_says_how_to_name_one(tmp_path: Path) -> None:
    with open_room(tmp_path, systems=("newsletter",)) as room:
        reference = arrive(room.desk, RequestType.REVOKE_CONSENT)
        room.at(MONDAY)
        said = room.write("1 done", room.digest())
        assert "more than one thing is owed. Write what you did: 1 done stop_processing; 1 done stop_messages." in said
        said = room.write("1 done stop_messages in newsletter", room.secret("answered"))
        assert "Done: stop messages (newsletter). Still open: stop processing (mailbot) by" in said
        assert ("stop_messages", "newsletter") not in still_owed(room.desk, reference)


def test_a_machine_that_writes_like_staff_is_not_answered_for_ever(room: Room) -> None:
    arrive(room.desk, RequestType.QUESTION)
    room.at(MONDAY)
    secret = room.digest()
    for number in range(25):
        room.receive("1 xyzzy", secret, fields={"X-Number": str(number)}, at=MONDAY + number * HOUR)
    room.obey()
    assert 20 == len(room.letters("answered"))


# --- what is kept ---------------------------------------------------------------------------------------------------------
def test_h66_the_store_keeps_no_secret(room: Room) -> None:
    arrive(room.desk, RequestType.QUESTION)
    room.at(MONDAY)
    secret = room.digest()
    room.write(f"1 done\n\n> {secret}", secret, fields={"Subject": f"mailbot · 1 done · {secret}"})
    with room.desk.database.read() as tx:
        kept = [str(row) for table in (digests, orders) for row in tx.execute(select(table))]
        names = tx.execute(select(letters.c.message_id)).scalars().all()
    assert [] == [each for each in (*kept, *names) if secret in each]


@pytest.mark.parametrize("kind", ["digest", "answered"])
def test_h66_a_letter_that_was_sent_keeps_its_words_without_its_secret(room: Room, kind: str) -> None:
    arrive(room.desk, RequestType.QUESTION)
    room.at(MONDAY)
    room.write("1 done", room.digest())
    secret, before = room.secret(kind), room.letters(kind)[-1]
    with room.desk.database.read() as tx:
        content = bytes(tx.execute(select(letters.c.content).where(letters.c.kind == kind)).scalar_one())
    after = without_secret(content)
    assert after is not None
    assert secret in before["Message-ID"]
    assert [] == [part for part in _texts(after) if secret in part]
    assert [text.replace(secret, "-" * 26) for text in _texts(content)] == _texts(after)
    assert without_secret(after) is None


def _texts(content: bytes) -> list[str]:
    message = message_from_bytes(content, policy=default)
    parts = [part for part in message.walk() if not part.is_multipart()]
    return [str(message.items()), *(str(part.get_payload(decode=True)) for part in parts)]


def test_i6_no_log_line_names_anybody_or_tells_what_was_written(room: Room) -> None:
    arrive(room.desk, RequestType.QUESTION)
    room.at(MONDAY)
    secret = room.digest()
    with capture_logs() as logs:
        room.write("1 done\n1 xyzzy", secret)
    assert [{"orders_answered"}] == [{each["event"]} for each in logs]
    assert [] == [word for word in (OFFICER, "officer", "xyzzy", secret) if word in str(logs)]


# --- an officer with the inbox's own address ------------------------------------------------------------------------------
def test_h29_an_officer_who_has_the_inboxs_own_address_is_obeyed_and_our_own_letters_are_not(tmp_path: Path) -> None:
    with open_room(tmp_path, Language.EN, "info@alit.kz") as room:
        reference = arrive(room.desk, RequestType.QUESTION)
        room.at(MONDAY)
        secret = room.digest()
        assert Outcome.AUTOMATIC is room.receive("1 done", secret, "info@alit.kz", fields={"X-Mailbot-Loop": "digest"})
        assert Outcome.AUTOMATIC is room.receive("1 done", secret, "info@alit.kz", fields={"Auto-Submitted": "auto-replied"})
        assert Outcome.AUTOMATIC is room.receive("1 done", "", "info@alit.kz", fields={"Subject": "A note to myself"})
        assert "Done: answer." in room.write("1 done", secret, "info@alit.kz")
        assert State.CARRIED_OUT is request(room.desk, reference).state


def test_h75_a_request_from_a_staff_address_is_a_request(room: Room) -> None:
    arrive(room.desk, RequestType.QUESTION)
    room.at(MONDAY)
    room.digest()
    assert Outcome.REQUEST is room.receive(
        "I revoke it.", "", fields={"Subject": "Revocation of consent to the processing of personal data"}
    )


def test_what_is_not_in_the_digest_is_not_ordered(room: Room) -> None:
    arrive(room.desk, RequestType.QUESTION)
    room.at(FRIDAY + 3 * DAY)
    assert "the digest of 23.11.2026 has no number 77" in room.write("77 done", room.digest())
