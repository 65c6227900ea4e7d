"""Escalation: what is due within one working day and nobody of staff has touched goes to their deputy, and then further up.

Neither is told before the staff had a digest with it, and some hours to look. For what is due before the next daily digest, the staff get
one at once, a few times a day: anybody can write what is due so soon. Each is told once of a request and its due date; a letter that was
missed while mailbot was down goes late.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from mailbot.desk import Desk
from mailbot.digest import DigestOrder, ToStaff, cause_of, letter_to_staff, queue_digest_besides
from mailbot.digest_page import Page, wrapped
from mailbot.digest_words import words_of
from mailbot.logs import log
from mailbot.moves import found
from mailbot.wording import TEMPLATES
from rules.digest_days import moment_of
from rules.reminders import ONE_DAY, Told, last_working_day
from rules.vocabulary import Language, Standing, State
from storage import outbox, register, reminders
from storage.reminders import Pressing, Step

ESCALATION = "escalation"
LOOKED_AHEAD = timedelta(days=20)
"""No public holidays last longer: what is due later is not yet the last working day's."""

TIME_FOR_EACH = timedelta(hours=4)
"""How long the staff have after their first digest with it, and then their deputy, before it goes further."""

BETWEEN_DIGESTS = timedelta(hours=1)
"""So long what is due before the next daily digest waits for more of its kind, if staff were sent one besides just before."""

AT_ONCE_TURNS = tuple(f"{Told.AT_ONCE}_{number}" for number in (1, 2, 3))
"""So many digests besides in a day, each kept as a step of its own; what comes after them stands in the daily one."""

MOST_NAMED = 30


@dataclass(frozen=True, slots=True)
class _Telling:
    """What is told to whom."""

    whom: Told
    to: tuple[str, ...]
    about: list[Pressing]


def queue_escalations(desk: Desk, order: DigestOrder, now: datetime) -> int:
    """Queue what a deputy, or whoever stands above, is to hear now; return how many letters that is."""
    with desk.database.read() as tx:
        tellings = [telling for telling in _tellings(tx, desk, order, now) if telling.about and telling.to]
    for telling in tellings:
        with desk.database.write() as tx:
            _tell(tx, desk, order, telling, now)
        log.info("escalated", to=telling.whom.value, requests=len(telling.about))
    return sum(len(telling.to) for telling in tellings)


def _tell(tx: Connection, desk: Desk, order: DigestOrder, telling: _Telling, now: datetime) -> None:
    """Queue what is told and note it, all or nothing: a death between them would tell it twice, or half."""
    besides = replace(order, to=telling.to, remind_before=())  # the staff's own daily digest reminds
    turns = _free_turns(tx, now)
    _note(tx, telling, now)
    if telling.whom is Told.AT_ONCE:
        first = telling.about[0]
        reminders.record(tx, [Step(first.reference, first.due, turn) for turn in turns[:1]], now)
        queue_digest_besides(tx, desk, besides, now, cannot_wait=len(telling.about))
        return
    page, moment = _page(desk, order, telling), f"{now:%y%m%dT%H%M%S}"
    letters = [ToStaff(ESCALATION, cause_of(desk, telling.whom, moment, to), to, page) for to in telling.to]
    outbox.queue(tx, [letter_to_staff(desk, order, told, now) for told in letters], now)
    if telling.whom is Told.DEPUTY and not set(telling.to) <= set(order.readers_on(now.astimezone(desk.zone).date())):
        queue_digest_besides(tx, desk, besides, now)


def _note(tx: Connection, telling: _Telling, now: datetime) -> None:
    reminders.record(tx, [Step(each.reference, each.due, telling.whom) for each in telling.about], now)
    register.note(tx, [(each.reference, telling.whom, "mailbot", {"due": each.due.isoformat()}) for each in telling.about], now)


def _tellings(tx: Connection, desk: Desk, order: DigestOrder, now: datetime) -> Iterator[_Telling]:
    """Yield what cannot wait for the daily digest, what the deputy is to hear, and what is to go further."""
    pressing = reminders.pressing(tx, now.astimezone(desk.zone).date() + LOOKED_AHEAD)
    told = reminders.told(tx, [each.reference for each in pressing])
    moments = {each: _moments(desk, order, each, told.get(each.reference, {})) for each in pressing}
    untouched = reminders.untouched(tx, [each.reference for each in pressing])
    staff = order.readers_on(now.astimezone(desk.zone).date()) if _free_turns(tx, now) else ()
    readers = {Told.AT_ONCE: staff, Told.DEPUTY: (order.deputy,) if order.deputy else (), Told.ESCALATED: order.escalate_to}
    for whom, to in readers.items():
        come = [each for each in pressing if to and (moment := moments[each].get(whom)) is not None and moment <= now]
        about = [each for each in come if each.reference in untouched]
        yield _Telling(whom, to, [each for each in about if whom is not Told.AT_ONCE or not _is_disowned(tx, each)])


def _free_turns(tx: Connection, now: datetime) -> list[str]:
    """Return the turns in which staff may have a digest besides now; none just after another."""
    if _is_within(BETWEEN_DIGESTS, reminders.last_told(tx, Told.AT_ONCE), now):
        return []
    return [turn for turn in AT_ONCE_TURNS if not _is_within(ONE_DAY, reminders.last_told(tx, turn), now)]


def _is_within(span: timedelta, since: datetime | None, now: datetime) -> bool:
    return since is not None and since <= now < since + span


def _is_disowned(tx: Connection, each: Pressing) -> bool:
    """Tell whether the proof of its sender failed: such a request is listed, and hurries nobody (H80)."""
    return found(tx, each.reference).standing is Standing.FAILED


def _moments(desk: Desk, order: DigestOrder, each: Pressing, told: Mapping[tuple[date, str], datetime]) -> dict[Told, datetime]:
    """Return when the deputy is to hear of a request, and when whoever stands above; who has heard of it is left out."""
    calendar = desk.deadlines.calendar
    last = last_working_day(each.due, calendar)
    staff = _first_digest(desk, order, date.min, each.received_at)
    at_once = {Told.AT_ONCE: each.received_at} if _cannot_wait(desk, each, staff) and (each.due, Told.AT_ONCE) not in told else {}
    deputy = max(_first_digest(desk, order, last_working_day(last - ONE_DAY, calendar), each.received_at), staff + TIME_FOR_EACH)
    heard = told.get((each.due, Told.DEPUTY))
    if order.deputy and heard is None:
        return {**at_once, Told.DEPUTY: deputy}
    if (each.due, Told.ESCALATED) in told:
        return at_once
    return {**at_once, Told.ESCALATED: max(_first_digest(desk, order, last, each.received_at), (heard or deputy) + TIME_FOR_EACH)}


def _cannot_wait(desk: Desk, each: Pressing, digest: datetime) -> bool:
    """Tell whether it is the staff's turn, and the day is over before their daily digest comes."""
    return each.state is State.AWAITING_STAFF and each.due < digest.astimezone(desk.zone).date()


def _first_digest(desk: Desk, order: DigestOrder, day: date, received_at: datetime) -> datetime:
    """Return the first moment from that day on at which staff had a digest with what was received then."""
    calendar = desk.deadlines.calendar
    day = max(day, received_at.astimezone(desk.zone).date())
    while moment_of(day, desk.zone, order.at) < received_at or (order.working_only and not calendar.is_working_day(day)):
        day += ONE_DAY
    return moment_of(day, desk.zone, order.at)


def _page(desk: Desk, order: DigestOrder, telling: _Telling) -> Page:
    words, digest_words = _words_of(order.language), words_of(order.language)
    told = words[telling.whom]
    domain = order.sender.rpartition("@")[2]
    subject = f"mailbot · {domain}: {told['subject'].format(n=len(telling.about))}"
    kinds = {**digest_words["type"], **digest_words.get("event", {})}
    more = len(telling.about) - MOST_NAMED
    lines = [
        words["item"].format(
            reference=each.reference,
            kind=kinds.get(each.kind or "held", each.kind),
            received=f"{each.received_at.astimezone(desk.zone):%d.%m.%Y}",
            due=f"{each.due:%d.%m.%Y}",
        )
        for each in telling.about[:MOST_NAMED]
    ]
    lines += [words["more"].format(n=more)] if more > 0 else []
    return Page(subject, wrapped("\n\n".join([told["intro"], "\n".join(lines), told["outro"]])), "")


@lru_cache
def _words_of(language: Language) -> Mapping[str, Any]:
    return tomllib.loads((TEMPLATES / "reminder" / f"{language}.toml").read_text("utf-8"))
