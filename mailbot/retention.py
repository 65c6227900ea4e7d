"""What is kept no longer: the job of the day, and what follows each destruction. What is left of whom is ``storage.destruction``.

``follow_up`` comes after every act of staff and at every look of the daemon: letters that are settled are wiped, the engine's free
pages overwritten, and the list outside of the store brought up to it. All of it may be done twice, or later after a death.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from sqlalchemy import Connection

from mailbot import backup
from mailbot.config import Config
from mailbot.desk import OWN_SYSTEM, Desk
from mailbot.errors import NoSuchRequest, Problem
from mailbot.logs import log
from mailbot.moves import found, moved, still_owed
from mailbot.systems import queue_for
from rules.addresses import mailbox_key
from rules.deadlines import earliest_due
from rules.life import Move
from rules.vocabulary import Duty, Event, State
from storage import destruction, digests, obligations, register, retention, scouring
from storage.destruction import Holding, How, MustWait
from storage.register import Registered
from storage.retention import Ended


class NotYet(Problem):
    """Something stands in the way of a destruction."""


@dataclass(frozen=True, slots=True)
class RetentionOrder:
    """What the configuration says: years that things are kept (0: for ever), and who decides that a person is destroyed."""

    closed_requests_years: int
    raw_mail_years: int
    destroys: bool
    journal: Path | None
    how: How = How.DESTROYED
    """What the policy's words "destroyed or depersonalised" are to mean."""


@dataclass(frozen=True, slots=True)
class DayDone:
    """What the job of the day did."""

    consents_ended: int
    people_destroyed: int
    requests_wiped: int
    messages_wiped: int


@dataclass(frozen=True, slots=True)
class FollowedUp:
    """How far the list outside of the store was brought, and why the store could not be scoured."""

    marks: tuple[object, ...] = ()
    why_not_scoured: str | None = None


NOTHING_YET = FollowedUp()


def retention_order(config: Config) -> RetentionOrder:
    """Return what the configuration says of retention."""
    said = config.retention
    journal = backup.journal_of(config.store.url, said.journal)
    how = How.DEPERSONALISED if said.ended_purpose == "depersonalise" else How.DESTROYED
    return RetentionOrder(said.closed_requests_years, said.raw_mail_years, said.ended_purpose != "ask", journal, how)


def do_the_days_job(desk: Desk, order: RetentionOrder, now: datetime) -> DayDone | None:
    """End what expired and destroy what is due, at the first look of each local day; None at the later ones."""
    today = now.astimezone(desk.zone).date()
    with desk.database.write() as tx:
        if not retention.is_first_look(tx, today):
            return None
        digests.forget_old(tx, now)
        done = DayDone(
            consents_ended=retention.expire_consents(tx, today, now),
            people_destroyed=_destroy_the_ended(tx, desk, today, now, order.how) if order.destroys else 0,
            requests_wiped=destruction.expire_requests(tx, years_before(now, years), now) if (years := order.closed_requests_years) else 0,
            messages_wiped=destruction.expire_raw_mail(tx, years_before(now, years)) if (years := order.raw_mail_years) else 0,
        )
    log.info("retention_done", **{name: getattr(done, name) for name in DayDone.__slots__})
    return done


def follow_up(desk: Desk, order: RetentionOrder, last: FollowedUp = NOTHING_YET) -> FollowedUp:
    """Bring everything up to the last destruction: letters, free pages, the list outside of the store. ``last`` is what is told already."""
    with desk.database.write() as tx:
        destruction.sweep(tx, desk.now())
    marks = backup.marks(desk.database, order.journal)
    if order.journal is not None and marks != last.marks:
        backup.synchronise(desk.database, desk.keys, order.journal)
        marks = backup.marks(desk.database, order.journal)
    why_not = scouring.scour(desk.database)
    if why_not and why_not != last.why_not_scoured:
        log.warning("not_scoured", reason=why_not)
    return FollowedUp(marks, why_not)


def put_right_after_a_restore(desk: Desk, order: RetentionOrder, now: datetime) -> None:
    """Do again what a restored backup does not know, if the list beside the store does."""
    if order.journal is not None and backup.is_begun(order.journal):
        again = backup.reapply(desk.database, desk.keys, order.journal, now)
        if again != backup.Reapplied():
            log.warning("reapplied", destroyed=again.destroyed, stopped=again.stopped, resumed=again.resumed)


def destroy_requester(tx: Connection, owner: int, reference: str | None, now: datetime) -> None:
    """Destroy the person on file whose request asks for it."""
    try:
        destruction.destroy(tx, destruction.person_on_file(tx, owner), How.DESTROYED, reference, now)
    except MustWait as wait:
        raise NotYet(f"{reference}: nothing is destroyed yet: {wait}") from wait


def held_of(desk: Desk, address: str) -> Holding:
    """Return how much is held of a person; raise ``NotYet`` where something stands in the way of destroying it."""
    with desk.database.write() as tx:
        person = destruction.person_with(tx, mailbox_key(address))
        holding = destruction.holding(tx, person)
        if not any(holding.counted.values()):
            raise Problem(f"{address}: nothing is held that is known by this address")
        if found := destruction.hindrances(tx, person, None):
            raise NotYet(f"nothing is destroyed: {'; '.join(map(str, found))}")
        return holding


def destroy_by_command(desk: Desk, address: str, who: str, why: str, *, depersonalise: bool) -> None:
    """Destroy a person because staff say so; on which ground stands with the last request, if there is one."""
    how = How.DEPERSONALISED if depersonalise else How.DESTROYED
    with desk.database.write() as tx:
        person = destruction.person_with(tx, mailbox_key(address))
        last = destruction.holding(tx, person).last_request
        try:
            destruction.destroy(tx, person, how, None, desk.now())
        except MustWait as wait:
            raise NotYet(f"nothing is destroyed: {wait}") from wait
        if last is not None:
            register.note(tx, [(last, how, who, {"reason": why})], desk.now())


def hold_request(desk: Desk, reference: str, who: str, why: str | None) -> None:
    """Put a request on legal hold, or lift the hold (None)."""
    with desk.database.write() as tx:
        if not destruction.hold_request(tx, reference, why):
            raise NoSuchRequest(reference)
        register.note(tx, [(reference, "held_by_law" if why else "hold_lifted", who, {"reason": why} if why else {})], desk.now())


def hold_person(desk: Desk, address: str, why: str | None) -> None:
    """Put a person on file on legal hold, or lift the hold (None)."""
    with desk.database.write() as tx:
        destruction.hold_person(tx, owner_of(tx, address), why)


def owner_of(tx: Connection, named: str) -> int:
    """Return the person on file whom an address or a reference names."""
    owner = destruction.person_with(tx, mailbox_key(named)).owner if "@" in named else destruction.requester(tx, named.upper())
    if owner is None:
        raise Problem(f"{named}: nobody on file is known by that")
    return owner


def ended_now(desk: Desk) -> list[tuple[Ended, date | None]]:
    """Return whose purpose has ended, and by when each is to be destroyed."""
    with desk.database.read() as tx:
        ended = retention.purposes_ended(tx, desk.now().astimezone(desk.zone).date(), desk.zone)
    return [(each, due_for(desk, each)) for each in ended]


def due_for(desk: Desk, ended: Ended) -> date | None:
    """Return by when the law and the policy want a person destroyed whose purpose has ended."""
    return earliest_due(desk.deadlines.obligations(Event.PURPOSE_ENDED, datetime.combine(ended.on, time(), desk.zone)))


def years_before(now: datetime, years: int) -> datetime:
    """Return the same moment of an earlier year; of 29 February the day before."""
    try:
        return now.replace(year=now.year - years)
    except ValueError:
        return now.replace(year=now.year - years, day=28)


def _destroy_the_ended(tx: Connection, desk: Desk, today: date, now: datetime, how: How) -> int:
    """Destroy whose purpose has ended and where nothing stands in the way; whoever is left is listed in the digest."""
    free = [ended for ended in retention.purposes_ended(tx, today, desk.zone) if not ended.hindrances]
    for ended in free:
        entries = obligations.entries_of(tx, ended.owner, Event.PURPOSE_ENDED)
        for entry in entries:
            queue_for(tx, desk, entry.reference, [Duty.DESTROY])  # before: of a person who was destroyed nothing could be told
        person = destruction.person_on_file(tx, ended.owner)
        destruction.destroy(tx, person, how, entries[0].reference if entries else None, now)
        for entry in entries:
            _meet(tx, entry, now)
    return len(free)


def _meet(tx: Connection, entry: Registered, now: datetime) -> None:
    """Note that mailbot did its part of what staff's entry owes; the other systems' stays open."""
    here = [owed.id for owed in entry.obligations if (owed.what, owed.system) == (Duty.DESTROY, OWN_SYSTEM)]
    register.meet(tx, here, "mailbot", now)
    if not still_owed(found(tx, entry.reference)):
        register.set_state(tx, entry.reference, moved(entry, Move.CARRY_OUT), now)
        register.note(tx, [(entry.reference, State.CARRIED_OUT, "mailbot", {})], now)
