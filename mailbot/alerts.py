"""Alerts: staff are written to at once, and once, when a wave of requests begins (H65) and when the authority inquires.

All else waits for the digest, whose readers and words these are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mailbot.desk import Desk
from mailbot.digest import DigestOrder, ToStaff, cause_of, letter_to_staff
from mailbot.digest_page import Page, wrapped
from mailbot.digest_words import Words, words_of
from mailbot.logs import log
from rules.vocabulary import Standing
from storage import outbox, overview, waves
from storage.overview import Inquiry
from storage.waves import Extent

ALERT = "alert"


@dataclass(frozen=True, slots=True)
class _Alert:
    """What staff are told, and the event that it is told of once."""

    of: str
    number: str
    subject: str
    sentences: list[str]


def queue_alerts(desk: Desk, order: DigestOrder, now: datetime) -> int:
    """Queue whatever staff are to be told at once and have not been told; return how many letters that is."""
    with desk.database.read() as tx:
        alerts = [*_of_wave(tx, desk, order, now), *_of_inquiries(tx, desk, order)]
        causes = [(cause_of(desk, alert.of, alert.number, to), to, alert) for alert in alerts for to in order.to]
        new = [each for each in causes if not overview.is_caused(tx, [each[0]])]
    letters = [letter_to_staff(desk, order, ToStaff(ALERT, cause, to, _page(order, alert)), now) for cause, to, alert in new]
    if letters:
        with desk.database.write() as tx:
            outbox.queue(tx, letters, now)
        log.info("alerts_queued", letters=len(letters))
    return len(letters)


def _of_wave(tx: Connection, desk: Desk, order: DigestOrder, now: datetime) -> Iterator[_Alert]:
    """Yield the alert to the wave that goes on."""
    if extent := waves.extent(tx, now):
        yield _wave_alert(words_of(order.language)["wave"], desk, extent)


def _wave_alert(words: Words, desk: Desk, extent: Extent) -> _Alert:
    values = {"when": _when(desk, extent.wave.began_at), "came": extent.came}
    return _Alert("wave", str(extent.wave.id), words["subject"], [sentence.format(**values) for sentence in words["alert"]])


def _of_inquiries(tx: Connection, desk: Desk, order: DigestOrder) -> Iterator[_Alert]:
    """Yield an alert to each inquiry of the authority; to those that a wave brought, the wave's own alert is enough."""
    is_wave, ended = waves.current(tx) is not None, waves.last_ended_at(tx)
    for inquiry in overview.inquiries(tx):
        is_of_wave = is_wave or (ended is not None and inquiry.received_at <= ended)
        if inquiry.standing is Standing.ALIGNED or not is_of_wave:
            yield _inquiry_alert(words_of(order.language), desk, inquiry)


def _inquiry_alert(words: Words, desk: Desk, inquiry: Inquiry) -> _Alert:
    told = words["inquiry"]
    due = f"{inquiry.due:%d.%m.%Y}" if inquiry.due else words["term"]["undated"]
    values = {"reference": inquiry.reference, "when": _when(desk, inquiry.received_at), "due": due}
    sentences = [sentence.format(**values) for sentence in told["alert"]]
    if inquiry.standing is not Standing.ALIGNED:
        sentences.insert(1, told["unproven"])
    return _Alert("inquiry", inquiry.reference, told["subject"].format(**values), sentences)


def _page(order: DigestOrder, alert: _Alert) -> Page:
    """Return the alert as plain text: a telephone shows its beginning where it announces mail."""
    subject = f"mailbot · {order.sender.rpartition('@')[2]}: {alert.subject}"
    return Page(subject, wrapped("\n\n".join(alert.sentences)), "")


def _when(desk: Desk, moment: datetime) -> str:
    return f"{moment.astimezone(desk.zone):%d.%m.%Y, %H:%M}"
