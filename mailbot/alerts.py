"""Alerts: staff are written to at once, and once, when a wave of requests begins (H65) and when the authority inquires.

Anybody can claim to be the authority: of inquiries that no mail server vouches for, staff are told together, an alert an hour at most. All
else waits for the digest, whose readers and words these are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mailbot.desk import Desk
from mailbot.digest import DigestOrder, ToStaff, cause_of, letter_to_staff
from mailbot.digest_page import Page, wrapped
from mailbot.digest_words import Words, words_of
from mailbot.logs import log
from rules.reminders import Told
from rules.vocabulary import Standing
from storage import outbox, overview, reminders, waves
from storage.overview import Inquiry
from storage.reminders import Step
from storage.waves import Extent

ALERT, INQUIRY = "alert", "inquiry"

BETWEEN_BUNDLES = timedelta(hours=1)
"""So long an unproven inquiry waits for more of its kind, if staff were told of one just before."""

MOST_TOGETHER = 30
"""What one alert tells of; the rest waits for the next."""


@dataclass(frozen=True, slots=True)
class _Alert:
    """What staff are told, and the event that it is told of once."""

    of: str
    number: str
    subject: str
    sentences: list[str]
    notes: tuple[Step, ...] = ()
    """What it tells of besides that event."""


def queue_alerts(desk: Desk, order: DigestOrder, now: datetime) -> int:
    """Queue whatever staff are to be told at once and have not been told; return how many letters that is."""
    with desk.database.read() as tx:
        alerts = [*_of_wave(tx, desk, order, now), *_of_inquiries(tx, desk, order, now)]
        causes = [(cause_of(desk, alert.of, alert.number, to), to, alert) for alert in alerts for to in order.to]
        new = [each for each in causes if not overview.is_caused(tx, [each[0]])]
    letters = [letter_to_staff(desk, order, ToStaff(ALERT, cause, to, _page(order, alert)), now) for cause, to, alert in new]
    if letters:
        with desk.database.write() as tx:
            outbox.queue(tx, letters, now)
            reminders.record(tx, [note for _, _, alert in new for note in alert.notes], now)
        log.info("alerts_queued", letters=len(letters))
    return len(letters)


def _of_wave(tx: Connection, desk: Desk, order: DigestOrder, now: datetime) -> Iterator[_Alert]:
    """Yield the alert to the wave that goes on."""
    if extent := waves.extent(tx, now):
        yield _wave_alert(words_of(order.language)["wave"], desk, extent)


def _wave_alert(words: Words, desk: Desk, extent: Extent) -> _Alert:
    values = {"when": _when(desk, extent.wave.began_at), "came": extent.came}
    return _Alert("wave", str(extent.wave.id), words["subject"], [sentence.format(**values) for sentence in words["alert"]])


def _of_inquiries(tx: Connection, desk: Desk, order: DigestOrder, now: datetime) -> Iterator[_Alert]:
    """Yield an alert to each proven inquiry, and one to the unproven; to those that a wave brought, the wave's own alert is enough."""
    is_wave, ended = waves.current(tx) is not None, waves.last_ended_at(tx)
    unproven = []
    for inquiry in overview.inquiries(tx):
        if inquiry.standing is Standing.ALIGNED:
            yield _inquiry_alert(desk, order, [inquiry])
        elif not is_wave and (ended is None or inquiry.received_at > ended):
            unproven.append(inquiry)
    lately = reminders.last_told(tx, Told.INQUIRY)
    may_tell = lately is None or not lately <= now < lately + BETWEEN_BUNDLES
    if may_tell and (untold := _untold(tx, desk, order, unproven)[:MOST_TOGETHER]):
        yield _inquiry_alert(desk, order, untold)


def _untold(tx: Connection, desk: Desk, order: DigestOrder, inquiries: Sequence[Inquiry]) -> list[Inquiry]:
    """Return the inquiries of which no alert has told, neither together with others nor by itself."""
    told = reminders.told(tx, [each.reference for each in inquiries])
    untold = [each for each in inquiries if all(step != Told.INQUIRY for _, step in told.get(each.reference, {}))]
    causes = {each: [cause_of(desk, INQUIRY, each.reference, to) for to in order.to] for each in untold}
    return [each for each in untold if not overview.is_caused(tx, causes[each])]


def _inquiry_alert(desk: Desk, order: DigestOrder, inquiries: Sequence[Inquiry]) -> _Alert:
    words, first = words_of(order.language), inquiries[0]
    came, due, *advice = words[INQUIRY]["alert"]
    sentences = [sentence.format(**_values(desk, words, each)) for each in inquiries for sentence in (came, due)]
    unproven = [each for each in inquiries if each.standing is not Standing.ALIGNED]
    doubt = [words[INQUIRY]["unproven"]] if unproven else []
    notes = tuple(Step(each.reference, each.received_at.astimezone(desk.zone).date(), Told.INQUIRY) for each in unproven)
    subject = words[INQUIRY]["subject"].format(reference=first.reference)
    return _Alert(INQUIRY, first.reference, subject, [*sentences, *doubt, *advice], notes)


def _values(desk: Desk, words: Words, inquiry: Inquiry) -> dict[str, str]:
    due = f"{inquiry.due:%d.%m.%Y}" if inquiry.due else words["term"]["undated"]
    return {"reference": inquiry.reference, "when": _when(desk, inquiry.received_at), "due": due}


def _page(order: DigestOrder, alert: _Alert) -> Page:
    """Return the alert as plain text: a telephone shows its beginning where it announces mail."""
    subject = f"mailbot · {order.sender.rpartition('@')[2]}: {alert.subject}"
    return Page(subject, wrapped("\n\n".join(alert.sentences)), "")


def _when(desk: Desk, moment: datetime) -> str:
    return f"{moment.astimezone(desk.zone):%d.%m.%Y, %H:%M}"
