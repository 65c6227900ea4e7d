"""Reminders in the digest, the deputy, and whoever stands above: each is told once, and what was missed is made up for (H99, H100)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from mailbot import staff
from mailbot.config import load_config
from mailbot.desk import Acting, Desk
from mailbot.digest import Absence, DigestOrder, digest_order, queue_digest
from mailbot.entering import enter_event
from mailbot.escalating import queue_escalations
from rules.vocabulary import Event, Language, RequestType, Standing, State
from storage import register
from storage.tables import letters, obligations
from tests.mailbot.digest_room import ALMATY, an_order
from tests.mailbot.register_room import NOW, act, arrive, details, history, office, open_desk, request

DEPUTY, ABOVE = "deputy@example.com", "director@example.com"
ORDER = replace(an_order(), remind_before=(3, 1), deputy=DEPUTY, escalate_to=(ABOVE,))
ONE_DAY = timedelta(days=1)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Return a desk at which it is half past eleven in the morning on Friday, 20 November."""
    with open_desk(office(tmp_path), NOW) as desk:
        yield desk


def at(desk: Desk, day: int, hour: int = 9, minute: int = 1) -> Desk:
    """Return the desk on a day of November at an hour of Almaty's."""
    moment = datetime(2026, 11, 1, hour, minute, tzinfo=ALMATY).astimezone(UTC) + (day - 1) * ONE_DAY
    return replace(desk, now=lambda: moment)


def digest(desk: Desk, day: int, order: DigestOrder = ORDER) -> bool:
    then = at(desk, day)
    return queue_digest(then, order, then.now())


def escalate(desk: Desk, day: int, hour: int = 9, order: DigestOrder = ORDER, *, minute: int = 1) -> list[str]:
    """Look once, and return who was written to besides the readers of the digest."""
    before = len(escalations(desk))
    then = at(desk, day, hour, minute)
    queue_escalations(then, order, then.now())
    return [letter["To"] for letter in escalations(desk)[before:]]


def escalations(desk: Desk) -> list[EmailMessage]:
    return letters_of(desk, "escalation")


def digests_in(desk: Desk) -> list[EmailMessage]:
    return letters_of(desk, "digest")


def letters_of(desk: Desk, kind: str) -> list[EmailMessage]:
    with desk.database.read() as tx:
        rows = tx.execute(select(letters.c.content).where(letters.c.kind == kind).order_by(letters.c.id)).scalars().all()
    return [message_from_bytes(row, _class=EmailMessage, policy=default) for row in rows]


def plain(letter: EmailMessage) -> str:
    body = letter.get_body(preferencelist=("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


def readers(desk: Desk) -> list[str]:
    with desk.database.read() as tx:
        return list(tx.execute(select(letters.c.recipient).where(letters.c.kind == "digest").order_by(letters.c.id)).scalars())


def reminded(desk: Desk, reference: str) -> list[object]:
    return [detail["working_days_left"] for detail in details(desk, reference, "reminded")]


def test_the_digest_reminds_at_each_step_once(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)  # due on Wednesday, the 25th
    told = []
    for day in range(21, 27):
        assert digest(desk, day)
        told.append(reminded(desk, reference))
    assert [[3], [3], [3], [3, 1], [3, 1], [3, 1]] == told


def test_h100_a_step_that_fell_on_days_of_sleep_is_made_up_for_and_the_nearest_is_told(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    digest(desk, 24)
    digest(desk, 25)
    assert [1] == reminded(desk, reference)


def test_a_due_date_that_moves_has_its_steps_anew(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    digest(desk, 21)
    with desk.database.write() as tx:
        moved = update(obligations).where(obligations.c.reference == reference)
        tx.execute(moved.values(due=date(2026, 12, 2)))
    digest(desk, 22)
    digest(desk, 27)
    assert [3, 3] == reminded(desk, reference)


def test_what_is_postponed_is_reminded_of_at_its_last_step_all_the_same(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    act(desk, staff.postpone, reference, "staff:asel", date(2026, 11, 25))
    digest(desk, 21)
    assert [] == reminded(desk, reference)
    digest(desk, 24)
    assert [1] == reminded(desk, reference)


def test_what_is_closed_is_not_reminded_of(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    act(desk, staff.tick_off, reference, "staff:asel", what=None, system=None)
    assert State.CARRIED_OUT is request(desk, reference).state
    digest(desk, 24)
    assert [] == reminded(desk, reference)


def test_what_nobody_touched_goes_to_the_deputy_and_then_further_each_once(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    assert [] == escalate(desk, 23)
    assert [] == escalate(desk, 24, 8)
    assert [DEPUTY] == escalate(desk, 24)
    assert [] == escalate(desk, 24, 18)
    assert [] == escalate(desk, 25, 8)
    assert [ABOVE] == escalate(desk, 25)
    assert [] == escalate(desk, 26)
    assert ["received", "deputy", "escalated"] == [what for what in history(desk, reference) if what in ("received", "deputy", "escalated")]


def test_the_deputy_gets_a_digest_of_his_own_to_answer(desk: Desk) -> None:
    arrive(desk, RequestType.ACCESS)
    escalate(desk, 24)
    assert [DEPUTY] == readers(desk)


@pytest.fixture
def manual(tmp_path: Path) -> Iterator[Desk]:
    """Return that desk where messages are stopped by hand in one more system, on the day the opt-out comes."""
    with open_desk(office(tmp_path, systems=("crm",)), NOW) as desk:
        yield desk


def test_what_is_due_before_the_next_digest_has_one_at_once(manual: Desk) -> None:
    reference = arrive(manual, RequestType.OPT_OUT)
    assert ([], []) == (escalate(manual, 20, 12), escalate(manual, 20, 13)), "it is the staff's turn"
    (letter,) = digests_in(manual)
    assert ("officer@example.com", True) == (letter["To"], reference in plain(letter))
    assert "Sent besides the daily digest. New, and due before the next one: 1." in plain(letter)
    assert [{"due": "2026-11-20"}] == details(manual, reference, "at_once")


@pytest.mark.parametrize(("refused", "look"), [("reminders", (20, 12)), ("digests", (20, 12)), ("digests", (24, 9))], ids=str)
def test_h24_a_step_is_told_and_noted_together_or_not_at_all(manual: Desk, refused: str, look: tuple[int, int]) -> None:
    """The store refuses the one or the other, as a death between them would; the next look tells it once."""
    reference = arrive(manual, RequestType.OPT_OUT if look[0] == 20 else RequestType.ACCESS)
    with manual.database.write() as tx:
        tx.exec_driver_sql(f"CREATE TRIGGER refuse BEFORE INSERT ON {refused} BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(IntegrityError):
        escalate(manual, *look)
    assert [] == [*digests_in(manual), *escalations(manual), *details(manual, reference, "at_once"), *details(manual, reference, "deputy")]
    with manual.database.write() as tx:
        tx.exec_driver_sql("DROP TRIGGER refuse")
    escalate(manual, *look)
    escalate(manual, *look)
    told = len(details(manual, reference, "at_once")) + len(details(manual, reference, "deputy"))
    assert (1, 1) == (len(digests_in(manual)), told)


def test_what_comes_within_the_hour_waits_for_the_next_digest_besides(manual: Desk) -> None:
    arrive(manual, RequestType.OPT_OUT)
    escalate(manual, 20, 12)
    later = [arrive(at(manual, 20, 12, minute), RequestType.OPT_OUT, f"person{minute}@example.com") for minute in (10, 20)]
    escalate(manual, 20, 12, minute=59)
    assert 1 == len(digests_in(manual))
    escalate(manual, 20, 13)
    assert (2, 2) == (len(digests_in(manual)), sum(len(details(manual, each, "at_once")) for each in later))


def test_h65_an_opt_out_an_hour_brings_three_digests_besides_in_any_day_and_no_more(manual: Desk) -> None:
    came, besides = [], []
    for hour in range(10, 38):
        day, oclock = 20 + hour // 24, hour % 24
        came.append(arrive(at(manual, day, oclock, 0), RequestType.OPT_OUT, f"stranger{hour}@x{hour}.example", standing=Standing.UNPROVEN))
        before = len(digests_in(manual))
        escalate(manual, day, oclock, an_order(), minute=30)
        besides += [hour] * (len(digests_in(manual)) - before)
    assert [10, 11, 12, 34, 35, 36] == besides
    assert digest(manual, 22)
    daily = plain(digests_in(manual)[-1])
    assert [] == [each for each in came if each not in daily], "what is left stands in the daily digest"


def test_h80_what_a_failed_sender_asks_brings_no_digest_at_once(manual: Desk) -> None:
    arrive(manual, RequestType.OPT_OUT, standing=Standing.FAILED)
    escalate(manual, 20, 12)
    assert [] == digests_in(manual)
    genuine = arrive(at(manual, 20, 12, 30), RequestType.OPT_OUT, "other@example.com")
    escalate(manual, 20, 13)
    (letter,) = digests_in(manual)
    assert "New, and due before the next one: 1." in plain(letter)
    assert 1 == len(details(manual, genuine, "at_once"))


def test_what_staff_had_in_hand_and_what_the_daily_digest_tells_in_time_have_none_besides(manual: Desk) -> None:
    touched = arrive(manual, RequestType.OPT_OUT)
    act(manual, staff.tick_off, touched, "staff:asel", what=None, system=None)
    arrive(manual, RequestType.ACCESS)
    arrive(at(manual, 21, 8), RequestType.OPT_OUT, "early@example.com")  # before nine, on a day with a digest
    assert [] == escalate(manual, 21, 8, minute=30)
    assert [] == digests_in(manual)


def test_on_days_without_a_digest_it_is_sent_all_the_same_and_to_the_deputy_of_who_is_away(manual: Desk) -> None:
    away = replace(ORDER, working_only=True, away=Absence(date(2026, 11, 20), date(2026, 12, 4), DEPUTY))
    arrive(at(manual, 21, 8), RequestType.OPT_OUT)
    escalate(manual, 21, 9, away)
    assert {DEPUTY} <= {letter["To"] for letter in digests_in(manual)}


def test_what_is_due_the_next_day_leaves_the_staff_four_hours_and_then_the_deputy(desk: Desk) -> None:
    arrive(at(desk, 23, 15), RequestType.UPDATE)  # due on Tuesday; the staff read of it at nine
    assert [] == escalate(desk, 24, 12)
    assert [DEPUTY] == escalate(desk, 24, 13)
    assert [] == escalate(desk, 24, 16)
    assert [ABOVE] == escalate(desk, 24, 17)


def test_the_deputys_own_digest_takes_no_reminder_from_the_staff(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    assert [DEPUTY] == escalate(desk, 24)
    assert [] == reminded(desk, reference)
    digest(desk, 24)
    assert [1] == reminded(desk, reference)


def test_what_staff_only_wrote_down_is_not_yet_touched(desk: Desk) -> None:
    with desk.database.write() as tx:
        enter_event(Acting(tx, desk, "staff:asel"), Event.BREACH, "", NOW, "a stolen laptop")  # the authority is told by Monday
    assert [] == escalate(desk, 21, 8)
    assert [DEPUTY] == escalate(desk, 23)


def test_what_falls_due_on_a_day_off_is_told_on_the_working_days_before(desk: Desk) -> None:
    inquiry = arrive(at(desk, 19), RequestType.AUTHORITY_INQUIRY, "inspector@authority.example")  # ten days, to Sunday, the 29th
    assert date(2026, 11, 29) == request(desk, inquiry).due
    assert [] == escalate(desk, 25)
    assert [DEPUTY] == escalate(desk, 26)
    assert [ABOVE] == escalate(desk, 27)


@pytest.mark.parametrize("hour", [10, 11])
def test_who_touched_it_is_left_in_peace_until_its_sender_writes_again(desk: Desk, hour: int) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    act(at(desk, 23, hour), staff.postpone, reference, "staff:asel", date(2026, 11, 24))
    assert [] == escalate(desk, 25)
    with desk.database.write() as tx:
        register.note(tx, [(reference, "follow_up", "sender", {})], at(desk, 25, hour).now())
    assert [DEPUTY] == escalate(desk, 25, 12)
    assert [] == escalate(desk, 25, 15)
    assert [ABOVE] == escalate(desk, 25, 16)


def test_h112_what_staff_answered_by_hand_is_touched(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    with desk.database.write() as tx:
        register.note(tx, [(reference, "answered_by_hand", "staff", {})], at(desk, 23).now())
    assert [] == escalate(desk, 25)


def test_days_of_sleep_are_made_up_for_one_after_the_other(desk: Desk) -> None:
    arrive(desk, RequestType.ACCESS)
    assert [DEPUTY] == escalate(desk, 28)
    assert [] == escalate(desk, 28, 12)
    assert [ABOVE] == escalate(desk, 28, 13)


def test_without_a_deputy_it_goes_further_on_the_day_itself(desk: Desk) -> None:
    order = replace(ORDER, deputy=None)
    arrive(desk, RequestType.ACCESS)
    assert [] == escalate(desk, 24, order=order)
    assert [ABOVE] == escalate(desk, 25, order=order)


def test_with_nobody_named_nobody_is_told(desk: Desk) -> None:
    arrive(desk, RequestType.ACCESS)
    assert [] == escalate(desk, 26, order=an_order())


@pytest.mark.parametrize("language", Language)
def test_the_letter_names_reference_and_day_and_no_person(desk: Desk, language: Language) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    order = replace(ORDER, language=language)
    escalate(desk, 24, order=order)
    escalate(desk, 25, order=order)
    for letter in escalations(desk):
        text = letter.get_content()
        assert reference in text
        assert "25.11.2026" in text
        assert "aigul" not in text + letter["Subject"]
        assert "{" not in text + letter["Subject"]


def test_i6_the_log_names_nobody(desk: Desk) -> None:
    arrive(desk, RequestType.ACCESS)
    with capture_logs() as logged:
        escalate(desk, 24)
        escalate(desk, 25)
    assert [("escalated", "deputy"), ("escalated", "escalated")] == [
        (line["event"], line["to"]) for line in logged if line["event"] == "escalated"
    ]
    assert not [line for line in logged if "@" in str(line)]


def test_while_the_staff_are_away_the_deputy_reads_the_digest_too(desk: Desk) -> None:
    order = replace(ORDER, away=Absence(date(2026, 11, 23), date(2026, 11, 24), DEPUTY))
    for day in (22, 23, 24, 25):
        digest(desk, day, order)
    officer = "officer@example.com"
    assert [officer, officer, DEPUTY, officer, DEPUTY, officer] == readers(desk)


def test_the_configuration_says_who_stands_in(tmp_path: Path) -> None:
    path = office(tmp_path)
    text = path.read_text(encoding="utf-8")
    away = 'away = { from = 2026-12-28, to = 2027-01-08, deputy = "deputy@example.com" }\nescalate_to = ["director@example.com"]\n'
    path.write_text(text.replace("[staff]\n", f"[staff]\n{away}") if "[staff]\n" in text else f"{text}[staff]\n{away}", encoding="utf-8")
    order = digest_order(load_config(path))
    assert Absence(date(2026, 12, 28), date(2027, 1, 8), DEPUTY) == order.away
    assert (DEPUTY, (ABOVE,), (3, 1), time(9)) == (order.deputy, order.escalate_to, order.remind_before, order.at)
