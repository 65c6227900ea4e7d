"""What staff correct: mail that mailbot passed over, and requests that are of another type, or none.

The first they drag into a folder (``TakeIn``), the second they mark (``give_type``, ``dismiss``). Either is kept as a candidate for a
new case: ``mailbot cases export``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Event

from sqlalchemy import Connection

from mailbot.arrival import OWN_MARK, Arrival, age_flags, fingerprint_of, read_arrival, with_body
from mailbot.config import Inbox
from mailbot.desk import Acting, Desk
from mailbot.errors import Problem
from mailbot.fetching import Fetcher
from mailbot.imap import Mailbox
from mailbot.intake import take_in
from mailbot.judging import asked_changes
from mailbot.logs import log, where
from mailbot.opening import NewEntry, decision_of_staff, new_entry
from mailbot.recounting import facts_of, recount_request
from mailbot.rounds import MOST_HANGUPS, MOST_TRIES, Count
from mailbot.staff import NotPossible, found, moved, open_request
from mailbot.systems import queue_for
from rules.authentication import Proof, Vouched
from rules.automatic import Kind, Screening
from rules.decide import PERSONAL
from rules.lexicon.letter import language_of, opened
from rules.life import Move
from rules.message import read_header
from rules.own_words import own_words
from rules.place import Cursor
from rules.recognition import Reading
from rules.vocabulary import Outcome, RequestType
from storage import corrections, evidence, ledger, register, subscribers
from storage.corrections import Correction, Sighting
from storage.database import StoreFailure
from storage.ledger import CursorMoved, Entry
from storage.register import Registered

PUT_THERE = "A person of staff put it into the folder for requests."
TYPED = "A person of staff typed it."
ORDINARY, UNTYPED = "ordinary", "request"
NO_PERSONS = frozenset({"loop_mark", "multipart_report", "mailer_daemon", "x_failed_recipients"})
"""Why a message is a machine's whoever says otherwise: a letter of ours, a report of a mail system."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A request that staff marked; ``still_stopped``: because of it messages stay stopped that its type does not stop."""

    request: Registered
    still_stopped: bool


# --- what was passed over ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class TakeIn:
    """A pass over the open folder into which staff put requests that mailbot passed over; the messages stay as they are (I4).

    Each is taken by itself. One that the server does not deliver, or that brings us down, is set aside after some tries (H7, H23).
    """

    desk: Desk
    inbox: Inbox
    mailbox: Mailbox
    batch_done: Callable[[Count], None]

    def go(self, folder: str, stop: Event) -> Count:
        """Take in what is new: at the first look all that lies there, for staff put it there. Raises ``CursorMoved``."""
        begun, count, cursor = self.desk.now(), Count(), self._cursor(folder)
        for uid in self.mailbox.uids_above(cursor.last_uid):
            taken = None if stop.is_set() else self._take(self._begin(cursor, uid), uid)
            if taken is None:
                return count
            cursor, found = taken
            count += found
            self.batch_done(found)
        with self.desk.database.write() as tx:
            ledger.finish_pass(tx, cursor.inbox, cursor.folder, begun)
        return count

    def _take(self, cursor: Cursor, uid: int) -> tuple[Cursor, Count] | None:
        """Take one message in; None where the server does not deliver it: the next pass tries again, but not for ever."""
        try:
            arrival = self._read(cursor, uid)
            if arrival is None and self.mailbox.existing([uid]):
                return None
            return self._record(cursor, uid, arrival)
        except Exception as error:
            if isinstance(error, Problem):
                with self.desk.database.write() as tx:
                    ledger.note_hangup(tx, cursor)
            if isinstance(error, Problem | StoreFailure | CursorMoved | MemoryError):
                raise
            log.error("message_shunted", uid=uid, **where(error))  # our bug, as in a round: those behind it get their turn
            return self._record(cursor, uid, self._fetcher().unread(cursor, uid, "could_not_be_read"))

    def _fetcher(self) -> Fetcher:
        return Fetcher(self.desk, self.inbox, self.mailbox)

    def _cursor(self, folder: str) -> Cursor:
        """Return where to begin: at the first message, at first and when the folder was renumbered (H3)."""
        with self.desk.database.write() as tx:
            cursor = ledger.cursor_of(tx, self.inbox.address, folder)
            if cursor is None or cursor.uidvalidity != self.mailbox.uidvalidity:
                cursor = Cursor(self.inbox.address, folder, self.mailbox.uidvalidity, last_uid=0, start_at=self.desk.now())
                ledger.place_cursor(tx, cursor)
        return cursor

    def _begin(self, cursor: Cursor, uid: int) -> Cursor:
        with self.desk.database.write() as tx:
            tries = ledger.begin_batch(tx, cursor, uid, uid)
        return replace(cursor, trying_from=uid, trying_to=uid, tries=tries)

    def _read(self, cursor: Cursor, uid: int) -> Arrival | None:
        if cursor.tries > MOST_TRIES + 1 or cursor.hangups > MOST_HANGUPS:
            return self._fetcher().unseen(cursor, uid, "could_not_be_read")
        if cursor.tries > MOST_TRIES:
            return self._fetcher().unread(cursor, uid, "could_not_be_read")
        return self._fetcher().fetch_chosen(cursor, uid)

    def _record(self, cursor: Cursor, uid: int, arrival: Arrival | None) -> tuple[Cursor, Count]:
        """Write what became of a message (None: it is gone) and move the cursor past it, all or nothing."""
        now = self.desk.now()
        with self.desk.database.write() as tx:
            entries = self._enter(tx, cursor, arrival, now) if arrival else []
            ledger.record(tx, cursor, entries, uid, now)
        held, shunted = (sum(entry.outcome is outcome for entry in entries) for outcome in (Outcome.HELD, Outcome.SHUNTED))
        after = replace(cursor, last_uid=uid, trying_from=None, trying_to=None, tries=0, hangups=0)
        return after, Count(len(entries), held=held, shunted=shunted)

    def _enter(self, tx: Connection, cursor: Cursor, arrival: Arrival, now: datetime) -> list[Entry]:
        """Carry a message into the register; one that lay here before the folder was renumbered only gets its new number (H3)."""
        if arrival.shunt_reason:
            return take_in(tx, [arrival], self.desk, now, file_at_once=False)
        fingerprint = fingerprint_of(self.desk, arrival)
        if rows := ledger.known_fingerprints(tx, cursor, [fingerprint]).get(fingerprint):
            ledger.renumber(tx, cursor, {rows[0]: arrival.place.uid})
            return []
        first, heard = corrections.first_seen(tx, cursor.inbox, fingerprint), arrival.reading
        if first is not None and first.received_at < arrival.received:  # when it was moved is not when it was received
            arrival.received = first.received_at
            arrival.flags |= age_flags(self.desk, first.received_at)
        read_as_put_there(self.desk, arrival)
        entries = take_in(tx, [arrival], self.desk, now, file_at_once=False)
        self._note(tx, arrival, entries[0], _made_of(first, heard), now)
        return entries

    def _note(self, tx: Connection, arrival: Arrival, entry: Entry, was: "_Was", now: datetime) -> None:
        """Note on the request that staff put its message there: the one it became, or that it was already."""
        reference = entry.reference
        if entry.outcome is Outcome.DUPLICATE:
            reference = register.picture_of(tx, [arrival.pointers]).by_message.get(arrival.pointers.message_key or b"")
        elif entry.outcome is Outcome.HELD and reference:
            corrections.keep(tx, Correction(reference, *was, says=UNTYPED, who="staff", at=now))
        if reference:
            register.note(tx, [(reference, "put_into_folder", "staff", {"folder": entry.place.folder, "uid": entry.place.uid})], now)


_Was = tuple[Outcome, RequestType | None, str]


def _made_of(first: Sighting | None, heard: Reading) -> _Was:
    """Return what mailbot had made of a message: when it came, else what it would make of it."""
    if first is not None:
        return first.outcome, None, first.reason.replace("_", " ")
    return heard.outcome, heard.type, heard.reason


def read_as_put_there(desk: Desk, arrival: Arrival) -> None:
    """Read a message as staff say: somebody asks for something in it, whatever a machine thinks of its header.

    What it answers counts no more. Of what recognition finds only the type remains, as what it may be.
    """
    message, screening = arrival.message, arrival.screening
    if screening is not None and screening.automatic:
        if screening.reason in NO_PERSONS or (message.message_id or "").startswith(OWN_MARK):
            return
        arrival.screening = Screening(Kind.NO_REPLY, screening.reason)  # a person wrote it, and may never see an answer
        with_body(desk, arrival, message)
    heard, words = arrival.reading, own_words(arrival.message.text or "")
    arrival.reading = Reading(
        Outcome.HELD,
        language=heard.language or language_of(opened(message.subject, words), None),
        matched=heard.matched,
        reason=PUT_THERE,
        may_be=heard.may_be or ((heard.type,) if heard.type else PERSONAL),
    )
    arrival.pointers = replace(arrival.pointers, answered_keys=(), answered_ids=(), subject="")


# --- what was taken for something else ---------------------------------------------------------------------------------------------


def give_type(acting: Acting, reference: str, kind: RequestType) -> Marked:
    """Make a request what staff say: owed is what that type owes, from the true receipt. No letter is sent again."""
    tx, desk, who = acting.tx, acting.desk, acting.who
    request, now = open_request(tx, reference), desk.now()
    if request.event is not None and request.type is None:
        raise NotPossible(f"{reference} is an event that staff entered ({request.event}): nobody asked for it")
    if request.outcome is Outcome.REQUEST and request.type is kind:
        raise NotPossible(f"{reference} is of type {kind} already")
    typed, facts = _typed(desk, tx, request, kind), facts_of(tx, request)
    corrections.retype(tx, typed.request, who, now)
    register.note(tx, [(reference, "typed", who, {"type": kind, **_was(request)})], now)
    if not register.changes_of(tx, reference):
        register.propose(tx, [(reference, change) for change in typed.changes])
    if typed.stops is not None and not _has_stopped(tx, request):
        subscribers.stop_messages(tx, {reference: typed.stops}, now)
        register.note(tx, [(reference, "messages_stopped", who, {})], now)
    found_besides = replace(facts_of(tx, found(tx, reference)), events=facts.events, term=facts.term)
    recount_request(tx, desk, found(tx, reference), "typed", now, facts=found_besides)
    queue_for(tx, desk, reference)
    corrections.keep(tx, _correction(request, kind, who, now))
    return Marked(found(tx, reference), still_stopped=typed.stops is None and _has_stopped(tx, request))


def dismiss(acting: Acting, reference: str) -> Marked:
    """Close a request because staff say that nobody asked for anything. No letter is sent, and nothing is undone."""
    tx, desk, who = acting.tx, acting.desk, acting.who
    request, now = open_request(tx, reference), desk.now()
    register.set_state(tx, reference, moved(request, Move.DISMISS), now)
    register.note(tx, [(reference, "dismissed", who, _was(request))], now)
    corrections.keep(tx, _correction(request, ORDINARY, who, now))
    return Marked(found(tx, reference), still_stopped=_has_stopped(tx, request))


def _typed(desk: Desk, tx: Connection, request: Registered, kind: RequestType) -> NewEntry:
    """Open the request anew, as if it had come with its type: what is owed is counted as at its receipt, and nothing is answered."""
    kept = next(iter(evidence.messages_of(tx, request.reference)), None)
    header, text = (kept.header, kept.text) if kept else (b"", None)
    message = replace(read_header(header), text=text)
    arrival = read_arrival(desk, request.place, request.received_at, 0, header, message, frozenset(request.flags))
    arrival.pointers = replace(arrival.pointers, sender_key=request.sender_key)
    arrival.reading = Reading(Outcome.REQUEST, kind, request.language, clause=desk.policy.clause_for(kind), reason=TYPED)
    arrival.is_weighed = True
    arrival.vouched = Vouched(request.standing, Proof(request.proof or Proof.NO_RESULTS))
    arrival.changes = asked_changes(message) if kind is RequestType.UPDATE else ()
    return new_entry(desk, arrival, decision_of_staff(arrival, kind), request.reference, request.subscriber_id, desk.now())


def _has_stopped(tx: Connection, request: Registered) -> bool:
    """Tell whether messages to the sender are stopped because of this request."""
    return request.sender_key is not None and request.reference in subscribers.stopped_by(tx, request.sender_key)


def _was(request: Registered) -> dict[str, object]:
    return {"was_outcome": request.outcome, "was_type": request.type, "was_reason": request.reason}


def _correction(request: Registered, says: str, who: str, now: datetime) -> Correction:
    return Correction(request.reference, request.outcome, request.type, request.reason, says, who, now)
