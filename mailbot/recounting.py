"""What an entry of the register owes: counted when it opens, and counted anew when a fact, a law, a policy or the calendar changes.

Days are counted by ``rules.deadlines``. What was met stays met; every change of a due date stands in the history with its reason.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from importlib.metadata import version

from sqlalchemy import Connection

from mailbot.desk import OWN_SYSTEM, Desk
from mailbot.logs import log
from mailbot.systems import queue_for
from rules.deadlines import STAFF, TERM, Obligation, Weighed, by_term, together
from rules.decide import STOPS_MESSAGES
from rules.life import OPEN
from rules.policy import Limit
from rules.vocabulary import Duty, Event, Outcome, RequestType, Starts
from storage import obligations, register, subscribers
from storage.register import NewObligation, Owed, Registered

WHO = "mailbot"
RECOUNTED, LEFT_OWED = "recounted", "left_owed"
TOGETHER = 100
"""How many requests one transaction counts anew: mail is taken in meanwhile."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the obligations of an entry follow from."""

    received: datetime
    type: RequestType | None = None
    may_be: tuple[RequestType, ...] | None = None
    """What a message may be that a person has to look at; None where nothing is in doubt."""
    confirmed: datetime | None = None
    stops: bool = False
    """Messages are stopped because of it, so they stop in the other systems too (I12)."""
    events: tuple[tuple[Event, datetime], ...] = ()
    term: date | None = None
    """The day that stands in the authority's letter."""


def owed_for(desk: Desk, facts: Facts) -> tuple[Obligation, ...]:
    """Return all that is owed. Where several facts demand the same in the same place, the earliest day governs."""
    owed = [*_asked(desk, facts)]
    if facts.stops and all(each.duty is not Duty.STOP_MESSAGES for each in owed):
        stops = desk.law_deadlines.obligations(RequestType.OPT_OUT, facts.received)
        elsewhere = [each for each in stops if each.duty is Duty.STOP_MESSAGES and each.system not in (OWN_SYSTEM, *desk.by_view)]
        owed += [replace(each, started_at=facts.received) for each in elsewhere]
    for event, at in facts.events:
        owed += [replace(each, started_at=at) for each in desk.deadlines.obligations(event, at)]
    if facts.term is not None:
        owed.append(by_term(facts.term))
    return together(owed)


def _asked(desk: Desk, facts: Facts) -> Iterator[Obligation]:
    if facts.may_be is not None:
        yield replace(desk.deadlines.for_doubt(facts.may_be, facts.received), started_at=facts.received)
    elif facts.type is not None:
        moments = {Starts.RECEIPT: facts.received, Starts.CONFIRMATION: facts.confirmed}
        for each in desk.deadlines.obligations(facts.type, facts.received, facts.confirmed):
            yield replace(each, started_at=moments.get(each.starts))


def as_new(owed: Obligation, *, is_met: bool = False) -> NewObligation:
    """Return an obligation as the register keeps it, with every limit that lost."""
    return NewObligation(
        what=owed.duty,
        system=owed.system,
        source=owed.source,
        starts=owed.starts,
        due=owed.due,
        arithmetic=owed.arithmetic,
        losing=(*map(_lost, owed.losing), *(lost for each in owed.beside for lost in _beside(each))),
        is_met=is_met,
        trigger=owed.trigger,
        started_at=owed.started_at,
        clause=owed.clause or None,
        mark=owed.mark,
    )


def _lost(weighed: Weighed) -> Mapping[str, object]:
    counted = weighed.due
    return {
        "source": weighed.limit.cite,
        "clause": weighed.limit.clause,
        "mark": weighed.limit.mark,
        "due": counted.day.isoformat() if counted else None,
        "arithmetic": counted.arithmetic if counted else "",
    }


def _beside(owed: Obligation) -> Iterator[Mapping[str, object]]:
    """Yield what another fact makes of a duty, with that fact, so that it can be counted anew."""
    new = as_new(owed)
    since = new.started_at.astimezone(UTC).isoformat() if new.started_at else None
    due = new.due.isoformat() if new.due else None
    known = {"source": new.source, "clause": new.clause, "mark": new.mark, "due": due, "arithmetic": new.arithmetic}
    yield known | {"trigger": new.trigger, "started_at": since}
    yield from new.losing


# --- counting anew -----------------------------------------------------------------------------------------------------
def recount(desk: Desk, now: datetime) -> int:
    """Count anew what open requests owe, if law, policy, calendar, systems or third parties changed; return how many it changed."""
    stamp = _stamp(desk, now)
    with desk.database.read() as tx:
        before = json.loads(obligations.rules_stamp(tx) or b"{}")
        references = [] if stamp == before else [request.reference for request in register.list_requests(tx, only_open=True)]
    if stamp == before:
        return 0
    why = ", ".join(name for name in stamp if stamp[name] != before.get(name))
    changed = 0
    for start in range(0, len(references), TOGETHER):
        with desk.database.write() as tx:
            found = [register.find_request(tx, reference) for reference in references[start : start + TOGETHER]]
            still_open = [request for request in found if request is not None and request.state in OPEN]
            changed += sum(recount_request(tx, desk, request, why, now) for request in still_open)
    with desk.database.write() as tx:
        obligations.set_rules_stamp(tx, json.dumps(stamp).encode())
    if changed:
        log.info("recounted", requests=len(references), changed=changed, why=why)
    return changed


def recount_request(tx: Connection, desk: Desk, request: Registered, why: str, now: datetime, *, facts: Facts | None = None) -> bool:
    """Count anew what an open request owes; tell whether anything is owed by another day, or besides. What was met stays met."""
    facts = facts or facts_of(tx, request)
    counted = {(str(each.duty), each.system): as_new(each) for each in owed_for(desk, facts)}
    rows = {(row.what, row.system): row for row in request.obligations}
    changed = {
        row.id: counted[place] for place, row in rows.items() if place in counted and row.met_at is None and _differs(row, counted[place])
    }
    new = [each for place, each in counted.items() if place not in rows]
    said = [_said(counted[place], row.due, why) for place, row in rows.items() if row.id in changed and _is_news(row, counted[place])]
    said += [_said(each, None, why) for each in new]
    if changed or new:
        register.note(tx, [(request.reference, RECOUNTED, WHO, each) for each in said], now)
        obligations.count_anew(tx, request.reference, changed, new, WHO, now)
        queue_for(tx, desk, request.reference)
    _tell_of_what_is_left(tx, desk, request, now)
    return bool(said)


def facts_of(tx: Connection, request: Registered) -> Facts:
    """Return what the obligations of a request follow from: what governs, and what lost and is kept beside it."""
    is_event = request.event is not None and request.type is None
    in_doubt = not is_event and (request.type is None or (request.outcome is Outcome.HELD and bool(request.may_be)))
    stopped = request.sender_key is not None and request.reference in subscribers.stopped_by(tx, request.sender_key)
    traces = [trace for row in request.obligations for trace in _traces(row)]
    events = {(Event(trigger), at) for trigger, at, _ in traces if trigger in set(Event) and at is not None}
    terms = [due for trigger, _, due in traces if trigger == TERM and due is not None]
    needs_no_word = all(row.what != Duty.ASK_SENDER for row in request.obligations)
    return Facts(
        received=request.received_at,
        type=request.type,
        may_be=request.may_be if in_doubt else None,
        confirmed=request.confirmed_at or (request.received_at if needs_no_word else None),
        stops=stopped and request.type in STOPS_MESSAGES,
        events=tuple(sorted(events)),
        term=max(terms, default=None),
    )


def _traces(row: Owed) -> Iterator[tuple[str | None, datetime | None, date | None]]:
    """Yield from what a row follows, since when, and by which day: what governs, then what lost."""
    yield row.trigger, row.started_at, row.due
    for lost in row.losing:
        trigger, since, due = lost.get("trigger"), lost.get("started_at"), lost.get("due")
        if trigger is not None:
            yield str(trigger), datetime.fromisoformat(str(since)) if since else None, date.fromisoformat(str(due)) if due else None


def _differs(row: Owed, new: NewObligation) -> bool:
    """Tell whether the register has to be changed: also where only what older versions did not keep is missing."""
    kept = (row.starts, row.trigger, row.started_at, row.clause, row.mark, row.losing)
    return _is_news(row, new) or kept != (new.starts, new.trigger, new.started_at, new.clause, new.mark, new.losing)


def _is_news(row: Owed, new: NewObligation) -> bool:
    """Tell whether a person has to hear of it: the day, its ground or a limit that lost is another one."""
    then, now = ([(lost["source"], lost["due"]) for lost in losing] for losing in (row.losing, new.losing))
    return (row.due, row.source, row.arithmetic, then) != (new.due, new.source, new.arithmetic, now)


def _said(new: NewObligation, was: date | None, why: str) -> dict[str, object]:
    days = {name: day.isoformat() for name, day in (("was", was), ("now", new.due)) if day}
    return {"what": new.what, "system": new.system, **days, "why": why}


def _tell_of_what_is_left(tx: Connection, desk: Desk, request: Registered, now: datetime) -> None:
    """Tell once of what is owed in a place that the configuration names no more: it stays owed until staff tick it off."""
    systems, told = desk.deadlines.places
    gone = [row for row in request.obligations if row.met_at is None and row.system not in (*systems, *told, STAFF)]
    if not gone:
        return
    known = {
        (each.detail.get("what"), each.detail.get("system"))
        for each in register.history_of(tx, request.reference)
        if each.what == LEFT_OWED
    }
    left = [{"what": row.what, "system": row.system} for row in gone if (row.what, row.system) not in known]
    register.note(tx, [(request.reference, LEFT_OWED, WHO, each) for each in left], now)


# --- by what it was counted --------------------------------------------------------------------------------------------
def _stamp(desk: Desk, now: datetime) -> dict[str, str]:
    """Return what all days follow from, each as a hash."""
    policy, calendar = desk.policy, desk.deadlines.calendar
    first = date(now.year - 1, 1, 1)
    days = [first + timedelta(days=number) for number in range((date(now.year + 3, 1, 1) - first).days)]
    moved = [(str(day), calendar.why_off(day), calendar.why_worked(day)) for day in days]
    limits = [_limit_in_full(limit) for limit in (*policy.limits, *policy.law.limits)]
    return {
        "calendar": _hashed(moved),
        f"pack {policy.name}": _hashed(limits),
        "systems": _hashed([desk.deadlines.places, sorted(desk.by_view)]),
        "program": version("mailbot"),
    }


def _limit_in_full(limit: Limit) -> Mapping[str, object]:
    fields = {name: getattr(limit, name) for name in Limit.__slots__}
    return fields | {"requests": sorted(limit.requests), "events": sorted(limit.events)}


def _hashed(value: object) -> str:
    return sha256(json.dumps(value, default=str, sort_keys=True).encode()).hexdigest()
