"""What staff are told at once: once for each wave and each inquiry of the authority, and nothing else (H65)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from mailbot.alerts import MOST_TOGETHER, queue_alerts
from mailbot.carrying_out import hand_over_unconfirmed
from mailbot.desk import Desk
from mailbot.digest import show_digest
from rules.automatic import screen
from rules.message import read_header
from rules.vocabulary import Language, RequestType, Standing, State
from storage import overview, register, waves
from storage.tables import letters, reminders
from tests.mailbot.digest_room import an_order
from tests.mailbot.register_room import NOW, arrive, office, open_desk, request

ORDER = an_order()
HOUR, DAY, A_MOMENT = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Return a desk at which it is half past eleven in the morning on Friday, 20 November."""
    with open_desk(office(tmp_path), NOW) as desk:
        yield desk


def begin_wave(desk: Desk, counted: int = 31) -> None:
    with desk.database.write() as tx:
        waves.begin(tx, counted, NOW)


def end_wave(desk: Desk) -> None:
    with desk.database.write() as tx:
        waves.end(tx, "staff:test", NOW)


def inquiry(desk: Desk, standing: Standing, sender: str = "inspector@authority.example") -> str:
    """Let an inquiry of the authority arrive whose sender has that standing."""
    return arrive(desk, RequestType.AUTHORITY_INQUIRY, sender, standing=standing)


def alerts(desk: Desk) -> list[EmailMessage]:
    """Return the alerts in the outbox, as their readers read them."""
    with desk.database.read() as tx:
        rows = tx.execute(select(letters.c.content).where(letters.c.kind == "alert").order_by(letters.c.id)).scalars().all()
    return [message_from_bytes(row, _class=EmailMessage, policy=default) for row in rows]


def only_alert(desk: Desk) -> EmailMessage:
    (alert,) = alerts(desk)
    return alert


def test_nothing_is_said_where_nothing_happens(desk: Desk) -> None:
    arrive(desk, RequestType.DESTROY)
    assert 0 == queue_alerts(desk, ORDER, NOW)


def test_h65_a_wave_is_told_once_to_each_of_the_staff(desk: Desk) -> None:
    begin_wave(desk)
    both = an_order(to=("officer@example.com", "deputy@example.com"))
    assert [2, 0] == [queue_alerts(desk, both, NOW), queue_alerts(desk, both, NOW + DAY)]
    assert ["officer@example.com", "deputy@example.com"] == [alert["To"] for alert in alerts(desk)]


def test_h65_the_next_wave_is_told_again(desk: Desk) -> None:
    for _ in range(2):
        begin_wave(desk)
        assert 1 == queue_alerts(desk, ORDER, NOW)
        end_wave(desk)


@pytest.mark.parametrize("language", Language)
def test_h65_the_alert_says_since_when_how_many_and_what_to_type(desk: Desk, language: Language) -> None:
    for number in range(3):
        arrive(desk, RequestType.REVOKE_CONSENT, f"victim{number}@example.com", standing=Standing.UNPROVEN)
    begin_wave(desk)
    queue_alerts(desk, an_order(language=language), NOW)
    text = only_alert(desk).get_content()
    told = ["20.11.2026, 11:30", ": 3.", "surge_an_hour", *(f"mailbot requests {each}" for each in ("list --open", "resume", "approve"))]
    assert [] == [each for each in told if each not in " ".join(text.split())]
    assert language == only_alert(desk)["Content-Language"]


def test_h84_h90_an_alert_says_that_a_machine_wrote_it_and_no_cap_binds_it(desk: Desk) -> None:
    begin_wave(desk)
    queue_alerts(desk, an_order(language=Language.KK), NOW)
    with desk.database.read() as tx:
        letter = tx.execute(select(letters)).one()
    alert = only_alert(desk)
    assert ("text/plain", "auto-generated", letter.message_id) == (alert.get_content_type(), alert["Auto-Submitted"], alert["Message-ID"])
    assert (False, None, "bounces@alit.kz") == (letter.capped, letter.reference, letter.envelope_sender)
    assert len(letter.cause) <= 40
    assert letter.content.isascii()
    assert 78 >= max(map(len, letter.content.split(b"\r\n")))
    screening = screen(read_header(letter.content), desk.own)
    assert screening is not None
    assert screening.automatic


def test_an_inquiry_of_the_authority_is_told_at_once_and_once(desk: Desk) -> None:
    reference = inquiry(desk, Standing.ALIGNED)
    assert [1, 0] == [queue_alerts(desk, ORDER, NOW), queue_alerts(desk, ORDER, NOW + DAY)]
    alert = only_alert(desk)
    assert f"mailbot · alit.kz: an inquiry of the authority, {reference}" == alert["Subject"]
    assert f"{request(desk, reference).due:%d.%m.%Y}" in alert.get_content()
    assert "No mail server vouches" not in alert.get_content()


def test_an_unproven_inquiry_is_told_with_the_doubt(desk: Desk) -> None:
    inquiry(desk, Standing.UNPROVEN)
    queue_alerts(desk, ORDER, NOW)
    assert "No mail server vouches" in only_alert(desk).get_content()


def test_h65_unproven_inquiries_of_one_hour_are_one_alert_that_names_each(desk: Desk) -> None:
    inquiry(desk, Standing.UNPROVEN)
    assert [1, 0] == [queue_alerts(desk, ORDER, NOW), queue_alerts(desk, ORDER, NOW)]
    later = [inquiry(desk, Standing.UNPROVEN, f"inspector{number}@authority.example") for number in range(3)]
    assert [0, 1, 0] == [queue_alerts(desk, ORDER, NOW + passed) for passed in (HOUR - A_MOMENT, HOUR, DAY)]
    bundle = alerts(desk)[-1]
    told = " ".join(bundle.get_content().split())
    assert f"mailbot · alit.kz: an inquiry of the authority, {later[0]}" == bundle["Subject"]
    assert [1] * 3 == [told.count(f"has come: {each}, 20.11.2026, 11:30.") for each in later]
    assert (3, 1, 1) == tuple(told.count(words) for words in ("Due: ", "No mail server vouches", "you alone answer"))


def test_h65_a_proven_inquiry_waits_for_no_hour_to_pass(desk: Desk) -> None:
    inquiry(desk, Standing.UNPROVEN)
    queue_alerts(desk, ORDER, NOW)
    inquiry(desk, Standing.UNPROVEN, "other@authority.example")
    proven = inquiry(desk, Standing.ALIGNED, "third@authority.example")
    assert 1 == queue_alerts(desk, ORDER, NOW + A_MOMENT)
    assert f"mailbot · alit.kz: an inquiry of the authority, {proven}" == alerts(desk)[-1]["Subject"]


def test_h65_hours_of_unproven_inquiries_are_an_alert_an_hour_to_each_of_the_staff_and_none_is_lost(desk: Desk) -> None:
    came, told = [], 0
    for number in range(8 * 4):
        came.append(inquiry(desk, Standing.UNPROVEN, f"inspector{number}@authority.example"))
        told += queue_alerts(desk, an_order(to=("officer@example.com", "deputy@example.com")), NOW + number * HOUR / 4)
    assert 2 * 8 == told
    said = " ".join(alert.get_content() for alert in alerts(desk))
    assert came[-3:] == [each for each in came if each not in said], "what came after the last alert waits for the next"


def test_h65_no_alert_is_longer_than_staff_can_read_and_the_next_tells_the_rest(desk: Desk) -> None:
    came = [inquiry(desk, Standing.UNPROVEN, f"inspector{number}@authority.example") for number in range(MOST_TOGETHER + 2)]
    assert [1, 1, 0] == [queue_alerts(desk, ORDER, NOW + hour * HOUR) for hour in range(3)]
    told = [[each for each in came if each in alert.get_content()] for alert in alerts(desk)]
    assert [came[:MOST_TOGETHER], came[MOST_TOGETHER:]] == told


def test_an_inquiry_that_was_told_by_an_earlier_version_is_not_told_again(desk: Desk) -> None:
    inquiry(desk, Standing.UNPROVEN)
    queue_alerts(desk, ORDER, NOW)
    with desk.database.write() as tx:
        tx.execute(delete(reminders))
    assert 0 == queue_alerts(desk, ORDER, NOW + HOUR)


def test_h24_an_alert_is_queued_and_noted_together_or_not_at_all(desk: Desk) -> None:
    """The store refuses the note, as a death before it would; the next look tells it."""
    inquiry(desk, Standing.UNPROVEN)
    with desk.database.write() as tx:
        tx.exec_driver_sql("CREATE TRIGGER refuse BEFORE INSERT ON reminders BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(IntegrityError):
        queue_alerts(desk, ORDER, NOW)
    assert [] == alerts(desk)
    with desk.database.write() as tx:
        tx.exec_driver_sql("DROP TRIGGER refuse")
    assert 1 == queue_alerts(desk, ORDER, NOW)


def test_h80_an_inquiry_whose_sender_failed_waits_for_the_digest(desk: Desk) -> None:
    inquiry(desk, Standing.FAILED)
    assert 0 == queue_alerts(desk, ORDER, NOW)


def test_an_inquiry_that_was_answered_is_not_told(desk: Desk) -> None:
    reference = inquiry(desk, Standing.ALIGNED)
    with desk.database.write() as tx:
        register.set_state(tx, reference, State.CARRIED_OUT, NOW)
    assert 0 == queue_alerts(desk, ORDER, NOW)


def test_h65_a_wave_of_inquiries_is_one_alert_and_a_proven_one_its_own(desk: Desk) -> None:
    begin_wave(desk)
    inquiry(desk, Standing.UNPROVEN)
    proven = inquiry(desk, Standing.ALIGNED, "other@authority.example")
    assert 2 == queue_alerts(desk, ORDER, NOW)
    assert ["mailbot · alit.kz: a wave of requests", f"mailbot · alit.kz: an inquiry of the authority, {proven}"] == [
        alert["Subject"] for alert in alerts(desk)
    ]
    end_wave(desk)
    assert 0 == queue_alerts(desk, ORDER, NOW + HOUR)


def test_i6_no_line_of_the_log_names_anybody(desk: Desk) -> None:
    inquiry(desk, Standing.ALIGNED)
    with capture_logs() as lines:
        queue_alerts(desk, ORDER, NOW)
    assert [{"event": "alerts_queued", "log_level": "info", "letters": 1}] == lines


# --- what the digest says of all that ---------------------------------------------------------------------------------
@pytest.mark.parametrize("language", Language)
def test_h65_a_wave_stands_on_top_of_the_digest(desk: Desk, language: Language) -> None:
    reference = arrive(desk, RequestType.REVOKE_CONSENT)
    begin_wave(desk)
    page = show_digest(desk, an_order(language=language), NOW)
    text, html = (" ".join(form.split()) for form in (page.text, page.html))
    assert text.index("mailbot requests resume") < text.index(reference)
    assert "20.11.2026, 11:30" in text
    assert html.index("mailbot requests resume") < html.index(reference)
    end_wave(desk)
    assert "mailbot requests resume" not in show_digest(desk, an_order(language=language), NOW).text


def test_what_nobody_confirmed_is_news_and_is_said(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    with desk.database.write() as tx:
        register.set_state(tx, reference, State.AWAITING_SENDER, NOW)
    assert "Waiting for the sender's answer" in show_digest(desk, ORDER, NOW).text
    late = NOW + 3 * DAY
    hand_over_unconfirmed(replace(desk, now=lambda: late), late)
    assert ("not_confirmed",) == request(desk, reference).flags
    assert "Nobody has confirmed it in time" in show_digest(desk, ORDER, late).text
    with desk.database.read() as tx:
        found = [(matter.reference, matter.is_new) for matter in overview.matters(tx, late - HOUR, late.date())]
    assert [(reference, True)] == found


def test_h80_the_digest_says_whose_authentication_failed(desk: Desk) -> None:
    inquiry(desk, Standing.FAILED)
    assert "The sender's authentication failed" in " ".join(show_digest(desk, ORDER, NOW).text.split())
