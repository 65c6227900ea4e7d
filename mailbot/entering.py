"""What staff enter because no mail tells it: requests by post, by phone or in person, events, and the term in an authority's letter."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection

from mailbot.arrival import Arrival, read_arrival
from mailbot.closing import settled
from mailbot.desk import Acting, Desk
from mailbot.letters import plain_text
from mailbot.moves import NotPossible, found, open_request, still_owed
from mailbot.opening import decision_of_staff, new_entry
from mailbot.recounting import Facts, as_new, facts_of, owed_for, recount_request
from mailbot.retention import owner_of
from mailbot.systems import queue_for
from rules.addresses import canonical, mailbox_key
from rules.authentication import Proof, Vouched
from rules.deadlines import day_of, earliest_due
from rules.life import OPEN
from rules.message import read_header
from rules.place import Place
from rules.recognition import Reading
from rules.vocabulary import Duty, Event, Language, Outcome, RequestType, Standing, State
from storage import obligations, register, retention, subscribers
from storage.register import NewRequest, Numbering, Registered

LONG_AGO = timedelta(days=3 * 366)

ENTERED, EVENT, TERM_SET = "entered", "event", "term"
BY_STAFF = "entered_by_staff"
WORDS = "A person of staff entered it."
NOWHERE = Place("", "", 0, 0)
"""Where an entry of the register lies that no message brought."""

COUNTED_FROM_RECEIPT = frozenset({Event.PUBLIC_SOURCE, Event.CONSUMER_CLAIM})
"""What staff find out about a demand: its limit is counted from when that came."""

ABOUT_A_REQUEST = COUNTED_FROM_RECEIPT | {Event.DESTRUCTION_IMPOSSIBLE}


@dataclass(frozen=True, slots=True)
class Entered:
    """A request that did not come by mail, as staff write it down."""

    type: RequestType
    by: str
    """"post", "phone" or "in_person"; "authority", where the authorised body found that data must be changed or destroyed."""
    received: datetime
    address: str = ""
    name: str = ""
    language: Language | None = None
    note: str = ""


def add_request(acting: Acting, entered: Entered) -> Registered:
    """Open a request as if it had been received then. Messages stop as they would have; it is acknowledged by no mail."""
    tx, desk, who, now = acting.tx, acting.desk, acting.who, acting.desk.now()
    _refuse_the_future(desk, entered.received)
    if entered.received < desk.now() - LONG_AGO:
        raise NotPossible(f"{entered.received.astimezone(desk.zone):%Y-%m-%d} is over three years ago: is that the year you meant?")
    address = _on_file(tx, entered.address)
    key = mailbox_key(address) if address else ""
    arrival = _as_arrival(desk, entered, address)
    reference = _number(tx, desk, entered.received)
    owner = subscribers.ids_by_email(tx, [key]).get(key) if key else None
    opened = new_entry(desk, arrival, decision_of_staff(arrival, entered.type), reference, owner, now)
    register.add_requests(tx, [replace(opened.request, channel=entered.by)], now)
    told = {"by": entered.by, "name": entered.name, "note": entered.note}
    register.note(tx, [(reference, ENTERED, who, {name: text for name, text in told.items() if text})], now)
    if opened.stops is not None:
        subscribers.stop_messages(tx, {reference: opened.stops}, now)
        register.note(tx, [(reference, "messages_stopped", who, {})], now)
    queue_for(tx, desk, reference)
    after = found(tx, reference)
    return after if still_owed(after) else settled(desk, tx, reference, who, did_something=False)


def enter_event(acting: Acting, event: Event, about: str, at: datetime, why: str) -> Registered:
    """Note what happened, and owe what follows from it: with the open request that ``about`` names, else with an entry of its own.

    ``about`` is a reference, the address of a person on file, or empty where it is about nobody alone.
    """
    tx, desk = acting.tx, acting.desk
    _refuse_the_future(desk, at)
    if not plain_text(why):
        raise NotPossible("an event needs words: --why 'the audit of 20 November, page 4'")
    request = found(tx, about.upper()) if about and "@" not in about else None
    if request is None and event in ABOUT_A_REQUEST:
        raise NotPossible(f"{event} is found out about a request: name it, as 2026-00042-K")
    if event is Event.PURPOSE_ENDED and about:
        owner = owner_of(tx, about)
        if known := obligations.entries_of(tx, owner, event):
            raise NotPossible(f"{known[0].reference} says already that the purpose has ended, and is open")
        retention.end_purpose(tx, owner, acting.who, why, at)
    if event is Event.DESTRUCTION_IMPOSSIBLE and request is not None:
        _refuse_what_the_law_forbids(tx, desk, open_request(tx, request.reference), at)
    if request is not None and event in COUNTED_FROM_RECEIPT:
        at = request.received_at
    if not desk.deadlines.obligations(event, at):
        raise NotPossible(f"{event}: neither the law nor the policy {desk.policy.name} says what must happen then")
    if request is not None and _may_join(desk, request, event, at):
        return _join(acting, request, event, at, why)
    return _open_for(acting, event, request or about, at, why)


def set_term(acting: Acting, reference: str, day: date) -> Registered:
    """Owe an authority's answer by the day that stands in its letter, if no earlier day governs."""
    tx, desk, who, now = acting.tx, acting.desk, acting.who, acting.desk.now()
    request = open_request(tx, reference)
    if request.type is not RequestType.AUTHORITY_INQUIRY:
        what = (
            f"`mailbot requests mark {reference} authority_inquiry` says that it is one"
            if request.outcome is Outcome.HELD
            else request.type
        )
        raise NotPossible(f"{reference} is no inquiry of an authority, and nobody else sets a term ({what})")
    if day < request.received_on:
        raise NotPossible(f"{reference} came on {request.received_on}: {day} is before that")
    if all(owed.met_at for owed in request.obligations if owed.what == Duty.ANSWER):
        raise NotPossible(f"{reference} is answered")
    register.note(tx, [(reference, TERM_SET, who, {"to": day.isoformat()})], now)
    recount_request(tx, desk, request, TERM_SET, now, facts=replace(facts_of(tx, request), term=day))
    return found(tx, reference)


# --- parts -------------------------------------------------------------------------------------------------------------
def _refuse_the_future(desk: Desk, at: datetime) -> None:
    if at > desk.now():
        raise NotPossible(f"{at.astimezone(desk.zone):%Y-%m-%d %H:%M} is still to come: enter what has happened")


def _on_file(tx: Connection, typed: str) -> str:
    """Return an address as the file has it: letters go to the stored one, never to the one that was typed (H48)."""
    if not typed:
        return ""
    address = canonical(typed)
    if address is None:
        raise NotPossible(f"{typed} is no mail address")
    person = subscribers.find_subscriber(tx, mailbox_key(address))
    stored = [each.value for each in person.contacts if each.kind == "email"] if person else []
    return next((each for each in stored if mailbox_key(each) == mailbox_key(address)), address)


def _number(tx: Connection, desk: Desk, at: datetime) -> str:
    numbering = Numbering(tx)
    reference = numbering.next(at.astimezone(desk.zone).year)
    numbering.close()
    return reference


def _as_arrival(desk: Desk, entered: Entered, address: str) -> Arrival:
    """Return a request as a message that nobody vouches for would have brought it."""
    message = replace(read_header(b""), sender=address or None, text="")
    arrival = read_arrival(desk, NOWHERE, entered.received, 0, b"", message, frozenset())
    clause = desk.policy.clause_for(entered.type)
    arrival.reading = Reading(Outcome.REQUEST, entered.type, entered.language, clause=clause, reason=WORDS)
    arrival.vouched = Vouched(Standing.UNPROVEN, Proof.NO_RESULTS)
    arrival.is_weighed = True
    return arrival


def _may_join(desk: Desk, request: Registered, event: Event, at: datetime) -> bool:
    """Tell whether an event is about what is still to be done: what was done before it does not answer for it."""
    met = {(owed.what, owed.system) for owed in request.obligations if owed.met_at is not None}
    return request.state in OPEN and met.isdisjoint((str(each.duty), each.system) for each in desk.deadlines.obligations(event, at))


def _join(acting: Acting, request: Registered, event: Event, at: datetime, why: str) -> Registered:
    tx, desk, who, now = acting.tx, acting.desk, acting.who, acting.desk.now()
    facts = facts_of(tx, request)
    register.note(tx, [(request.reference, EVENT, who, {"event": event, "on": _day(desk, at), "why": why})], now)
    if event is Event.DESTRUCTION_IMPOSSIBLE:
        obligations.set_event(tx, request.reference, event)
    recount_request(tx, desk, request, event, now, facts=replace(facts, events=(*facts.events, (event, at.astimezone(UTC)))))
    return found(tx, request.reference)


def _open_for(acting: Acting, event: Event, about: Registered | str, at: datetime, why: str) -> Registered:
    """Open an entry for an event that is about nobody who asks for anything."""
    tx, desk, who, now = acting.tx, acting.desk, acting.who, acting.desk.now()
    if isinstance(about, Registered):
        owner, address = about.subscriber_id, about.sender
    else:
        owner, address = (owner_of(tx, about), _on_file(tx, about)) if about else (None, None)
    owed = owed_for(desk, Facts(at, events=((event, at),)))
    reference = _number(tx, desk, at)
    entry = NewRequest(
        reference=reference,
        place=NOWHERE,
        type=None,
        outcome=Outcome.REQUEST,
        state=State.AWAITING_STAFF,
        language=None,
        standing=Standing.UNPROVEN,
        received_at=at,
        received_on=day_of(at, desk.zone),
        due=earliest_due(owed),
        rule=BY_STAFF,
        reason=WORDS,
        matched=None,
        clause=None,
        certainty=None,
        may_be=(),
        policy=desk.policy.name,
        policy_version=desk.policy.version,
        sender=address,
        sender_key=desk.keys.of_address(mailbox_key(address)) if address else None,
        subscriber_id=owner,
        flags=(),
        obligations=tuple(map(as_new, owed)),
        event=event,
        channel="staff",
    )
    register.add_requests(tx, [entry], now)
    besides = {"about": about.reference} if isinstance(about, Registered) else {}
    register.note(tx, [(reference, EVENT, who, {"event": event, "on": _day(desk, at), "why": why, **besides})], now)
    queue_for(tx, desk, reference)
    return found(tx, reference)


def _refuse_what_the_law_forbids(tx: Connection, desk: Desk, request: Registered, at: datetime) -> None:
    """Raise unless the policy lets data be blocked in place of a destruction, and no law has a day for that destruction."""
    still_open = {owed.system for owed in request.obligations if owed.what == Duty.DESTROY and owed.met_at is None}
    counted = [each for each in owed_for(desk, facts_of(tx, request)) if each.duty is Duty.DESTROY and each.system in still_open]
    if not counted:
        raise NotPossible(f"{request.reference} owes no destruction that is still to be done")
    last = earliest_due(counted)
    by = f"it is to be destroyed by {last}"
    if last is not None and last < day_of(at, desk.zone):
        raise NotPossible(f"{request.reference}: the day of its destruction, {last}, is over, and no longer term begins then: destroy now")
    if law := next((each.statute for owed in counted for each in (owed, *owed.beside) if each.statute), None):
        raise NotPossible(f"{request.reference}: {by}; {law} lets nobody block it instead")
    if not desk.deadlines.obligations(Event.DESTRUCTION_IMPOSSIBLE, at):
        raise NotPossible(f"{request.reference}: {by} ({counted[0].source}); the policy {desk.policy.name} lets nobody block it instead")


def _day(desk: Desk, at: datetime) -> str:
    return day_of(at, desk.zone).isoformat()
