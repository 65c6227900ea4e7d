"""A round over one folder: which messages are new, in which batches they are taken in, and what is filed away afterwards.

The mailbox is the queue and the commit is the receipt. Everything may be done twice: after a death the same round is simply
gone again. What of a message is read is ``mailbot.fetching``, what is made of it ``mailbot.intake``.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, time, timedelta
from threading import Event

from sqlalchemy import Connection

from mailbot.arrival import TAKEN_FOR_SPAM, Arrival, fingerprint_of, weigh
from mailbot.config import Inbox
from mailbot.desk import Desk
from mailbot.errors import Problem
from mailbot.fetching import Fetched, Fetcher, Lying
from mailbot.imap import Mailbox
from mailbot.intake import take_in
from mailbot.logs import log, where
from rules.place import Cursor
from rules.vocabulary import Outcome
from storage import ledger, register
from storage.database import StoreFailure
from storage.ledger import CursorMoved, Entry, Pending

MOST_TRIES = 3
"""How often a message may bring us down, or fail to be delivered, before it is set aside for a person (H7, H23)."""
MOST_HANGUPS = 12
"""After so many failures of the server at one message alone, with the pauses between them some half an hour, it is set aside."""


@dataclass(frozen=True, slots=True)
class Count:
    """What one round found."""

    messages: int = 0
    requests: int = 0
    held: int = 0
    shunted: int = 0
    pending: int = 0

    def __add__(self, other: "Count") -> "Count":
        """Count both together."""
        return Count(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


class Round:
    """One pass over the folder of one inbox, on an open connection."""

    def __init__(
        self, desk: Desk, inbox: Inbox, mailbox: Mailbox, batch_done: Callable[[Count], None], lying: Lying = Lying.IN_INBOX
    ) -> None:
        """Nothing is fetched yet; ``batch_done`` is called after each batch that was committed, with what it held."""
        self._desk = desk
        self._batch_done = batch_done
        self._inbox = inbox
        self._mailbox = mailbox
        self._lying = lying
        self._fetcher = Fetcher(desk, inbox, mailbox, lying)
        self._files_at_once = inbox.filing != "leave"
        self._begun: list[int] | None = None  # the batch whose attempt was counted and not yet made
        self.count = Count()

    def go(self, stop: Event) -> Count:
        """Take in everything new, then file away what is due. Raises ``CursorMoved`` if another worked here meanwhile."""
        begun = self._desk.now()
        cursor = self.cursor()
        self._retry_pending(cursor, stop)
        waiting = self._mailbox.uids_above(cursor.last_uid)
        for batch, following in _with_following(self._batches(cursor, waiting)):
            if stop.is_set():
                if self._begun:
                    self._call_off(cursor)
                return self.count
            cursor = self._work_through(cursor, batch, following)
        with self._desk.database.write() as tx:
            ledger.finish_pass(tx, cursor.inbox, cursor.folder, begun)
        self.file_away()
        return self.count

    def file_away(self) -> None:
        """File what is due: after the commit, and again after a death. Ordinary mail is never touched, nor anything among spam (H78)."""
        if self._lying is Lying.IN_SPAM:
            return
        with self._desk.database.read() as tx:
            cursor = ledger.cursor_of(tx, self._inbox.address, self._inbox.folder)
            due = ledger.filing_due(tx, cursor) if cursor and cursor.uidvalidity == self._mailbox.uidvalidity else ()
        if not due:
            return
        uids = [filing.uid for filing in due]
        match self._inbox.filing:
            case "leave":
                self._mailbox.mark(uids, "\\Answered")
            case "keyword":
                self._mailbox.mark(uids, self._inbox.filing_name)
            case "folder":
                self._mailbox.move(uids, self._inbox.filing_name)
        with self._desk.database.write() as tx:
            ledger.filed(tx, due)

    def cursor(self) -> Cursor:
        """Return where to begin: at the configured point at first start, at the beginning when the folder was renumbered."""
        mailbox, inbox = self._mailbox, self._inbox
        with self._desk.database.read() as tx:
            before = ledger.cursor_of(tx, inbox.address, inbox.folder)
        if before is not None and before.uidvalidity == mailbox.uidvalidity:
            return before
        cursor = self._renumbered(before) if before else self._first()
        with self._desk.database.write() as tx:
            if before:  # what was pending comes again under its new number
                ledger.forget_pending(tx, before, [pending.uid for pending in ledger.pending_in(tx, before)])
            ledger.place_cursor(tx, cursor)
        return cursor

    def _renumbered(self, before: Cursor) -> Cursor:
        """Begin again: messages seen before are recognised by their fingerprints, unknown old ones are listed (H3)."""
        mailbox = self._mailbox
        log.warning("folder_renumbered", uidvalidity_before=before.uidvalidity, uidvalidity_now=mailbox.uidvalidity)
        return Cursor(
            before.inbox,
            before.folder,
            mailbox.uidvalidity,
            last_uid=0,
            start_at=before.start_at,
            last_pass_at=before.last_pass_at,
            renumbered_at=self._desk.now(),
            renumbered_below=mailbox.uid_next or 1 << 32,
        )

    def _first(self) -> Cursor:
        """Begin where the configuration says: years of old mail are never answered by surprise (I9)."""
        mailbox, inbox = self._mailbox, self._inbox
        if inbox.start == "now":
            newest = mailbox.uid_next - 1 if mailbox.uid_next else max(mailbox.uids_above(0), default=0)
            return Cursor(inbox.address, inbox.folder, mailbox.uidvalidity, newest, start_at=self._desk.now())
        start_at = datetime.combine(inbox.start, time(), self._desk.zone).astimezone(UTC)
        first = next(mailbox.uids_since(inbox.start - timedelta(days=1)), mailbox.uid_next or 1)
        return Cursor(inbox.address, inbox.folder, mailbox.uidvalidity, first - 1, start_at=start_at)

    def _batches(self, cursor: Cursor, waiting: Sequence[int]) -> Iterator[list[int]]:
        """Cut the new UIDs into batches. What was in a batch that died is taken one by one."""
        careful_until = (cursor.trying_to or 0) if cursor.tries or cursor.hangups > MOST_TRIES else 0
        alone = [uid for uid in waiting if uid <= careful_until]
        yield from ([uid] for uid in alone)
        rest = waiting[len(alone) :]
        for start in range(0, len(rest), self._inbox.batch):
            yield list(rest[start : start + self._inbox.batch])

    def _work_through(self, cursor: Cursor, uids: list[int], following: list[int] | None) -> Cursor:
        """Take one batch in and move the cursor past it; if it cannot be taken whole, take its messages one by one."""
        cursor = self._begin(cursor, uids)
        if len(uids) == 1 and (cursor.tries > MOST_TRIES or cursor.hangups > MOST_HANGUPS):
            return self._shunt(cursor, uids[0], following)
        try:
            fetched = self._fetcher.fetch(cursor, uids)
            if following:  # its attempt is counted before any of the answer is read
                self._mailbox.ask_ahead(following)
            return self._record(cursor, uids, fetched, following)
        except Exception as error:  # our bug, caught in one place: the batch again, message by message
            if isinstance(error, StoreFailure):
                self._call_off(cursor)
            if isinstance(error, Problem):
                self._note_hangup(cursor)
            if _is_the_worlds(error):
                raise
            if len(uids) > 1:
                log.error("batch_failed", messages=len(uids), **where(error))
                for uid in uids:
                    cursor = self._work_through(cursor, [uid], None)
                return cursor
            log.error("message_shunted", uid=uids[0], **where(error))
            return self._shunt(cursor, uids[0], following)

    def _begin(self, cursor: Cursor, uids: list[int]) -> Cursor:
        """Count the attempt durably before anything is fetched (H23), unless the batch before this one did so in its own transaction."""
        if self._begun != uids:
            with self._desk.database.write() as tx:
                cursor = _beginning(tx, cursor, uids)
        self._begun = None
        return cursor

    def _call_off(self, cursor: Cursor) -> None:
        """Take back the count of an attempt that was not made, or that the store alone made fail: no message is to blame."""
        with suppress(StoreFailure, CursorMoved), self._desk.database.write() as tx:
            if cursor.tries:
                ledger.record(tx, cursor, (), cursor.last_uid, self._desk.now())

    def _note_hangup(self, cursor: Cursor) -> None:
        """Note that the server failed us here: a message is to blame only after many times, and minutes of growing pauses."""
        with suppress(StoreFailure, CursorMoved), self._desk.database.write() as tx:
            ledger.note_hangup(tx, cursor)

    def _record(self, cursor: Cursor, uids: list[int], fetched: Fetched, following: list[int] | None) -> Cursor:
        """Write what became of the batch and move the cursor, all or nothing."""
        for arrival in fetched.arrivals:  # before the transaction: while it is open no letter goes out
            weigh(self._desk, arrival)
        now = self._desk.now()
        after = replace(cursor, last_uid=uids[-1], trying_from=None, trying_to=None, tries=0, hangups=0)
        with self._desk.database.write() as tx:
            ledger.hold(tx, cursor)  # before anything is written: what another took in meanwhile is no bug of ours
            entries = self._enter(tx, cursor, fetched.arrivals, now)
            ledger.set_pending(tx, cursor, fetched.lost, "not_delivered", now)
            ledger.record(tx, cursor, entries, uids[-1], now)
            if following:
                after = _beginning(tx, after, following)
        self._begun = following
        self._tally(entries, fetched.lost)
        return after

    def _enter(self, tx: Connection, cursor: Cursor, arrivals: list[Arrival], now: datetime) -> list[Entry]:
        """Carry into the register what is new, and give a new number to what was seen before the folder was renumbered."""
        fresh, known = self._told_apart(tx, cursor, arrivals)
        ledger.renumber(tx, cursor, known)
        entries = take_in(tx, fresh, self._desk, now, file_at_once=self._files_at_once)
        if self._lying is Lying.IN_INBOX:
            second = [arrival for arrival, entry in zip(fresh, entries, strict=True) if entry.outcome is Outcome.DUPLICATE]
            self._note_found(tx, second, now)
        return entries

    def _note_found(self, tx: Connection, second: list[Arrival], now: datetime) -> None:
        """Note on its request what was heard among spam and lies in the inbox now: it is still not acknowledged (H78)."""
        picture = register.picture_of(tx, [arrival.pointers for arrival in second])
        for arrival in second:
            reference = picture.by_message.get(arrival.pointers.message_key or b"")
            request = register.find_request(tx, reference) if reference else None
            if request and TAKEN_FOR_SPAM in request.flags and request.place.folder != arrival.place.folder:
                register.note(tx, [(request.reference, "found_in_inbox", "mailbot", {"uid": arrival.place.uid})], now)

    def _told_apart(self, tx: Connection, cursor: Cursor, arrivals: list[Arrival]) -> tuple[list[Arrival], dict[int, int]]:
        """Tell messages seen before the folder was renumbered from new ones (H3): row → new UID."""
        old = [arrival for arrival in arrivals if cursor.was_renumbered(arrival.place.uid)]
        if not old:
            return arrivals, {}
        prints = {id(arrival): fingerprint_of(self._desk, arrival) for arrival in old}
        rows = ledger.known_fingerprints(tx, cursor, set(prints.values()))
        known: dict[int, int] = {}
        fresh: list[Arrival] = []
        for arrival in arrivals:
            seen = rows.get(prints.get(id(arrival), b""), [])
            if seen:
                known[seen.pop(0)] = arrival.place.uid
                continue
            fresh.append(arrival)
        return fresh, known

    def _retry_pending(self, cursor: Cursor, stop: Event) -> None:
        """Try again what the server did not deliver; each try is counted before it is made."""
        with self._desk.database.read() as tx:
            waiting = ledger.pending_in(tx, cursor)
        for pending in waiting:
            if stop.is_set():
                return
            with self._desk.database.write() as tx:
                ledger.set_pending(tx, cursor, [pending.uid], "not_delivered", self._desk.now())
            self._retry(cursor, pending)

    def _retry(self, cursor: Cursor, pending: Pending) -> None:
        try:
            self._record_pending(cursor, pending.uid, self._fetch_again(cursor, pending))
        except Exception as error:
            if _is_the_worlds(error):
                raise
            log.error("message_shunted", uid=pending.uid, **where(error))
            set_aside = self._fetcher.unread(cursor, pending.uid, "could_not_be_read")
            self._record_pending(cursor, pending.uid, Fetched([set_aside], []))

    def _fetch_again(self, cursor: Cursor, pending: Pending) -> Fetched:
        """Fetch one message again; after some tries it is put before a person, as it is."""
        if pending.tries > MOST_TRIES:  # the last try did not even end
            return Fetched([self._fetcher.unseen(cursor, pending.uid, "could_not_be_read")], [])
        fetched = self._fetcher.fetch(cursor, [pending.uid])
        if fetched.lost and pending.tries == MOST_TRIES:
            return Fetched([self._fetcher.unread(cursor, pending.uid, "never_delivered")], [])
        return fetched

    def _record_pending(self, cursor: Cursor, uid: int, fetched: Fetched) -> None:
        now = self._desk.now()
        with self._desk.database.write() as tx:
            entries = self._enter(tx, cursor, fetched.arrivals, now)
            ledger.record_pending(tx, cursor, entries, now)
            if not fetched.lost:
                ledger.forget_pending(tx, cursor, [uid])
        self._tally(entries, fetched.lost)

    def _shunt(self, cursor: Cursor, uid: int, following: list[int] | None) -> Cursor:
        """Put a message aside that trips us again and again: it is read no more, and its bytes are kept if that can be done."""
        can_be_asked_for = cursor.tries <= MOST_TRIES + 1 and cursor.hangups <= MOST_HANGUPS
        set_aside = self._fetcher.unread if can_be_asked_for else self._fetcher.unseen
        log.error("message_set_aside", folder=self._inbox.folder, uid=uid)
        return self._record(cursor, [uid], Fetched([set_aside(cursor, uid, "could_not_be_read")], []), following)

    def _tally(self, entries: Sequence[Entry], lost: Sequence[int]) -> None:
        """Count what was committed, and tell of it."""
        found = Counter(entry.outcome for entry in entries)
        batch = Count(len(entries), found[Outcome.REQUEST], found[Outcome.HELD], found[Outcome.SHUNTED], len(lost))
        self.count = self.count + batch
        self._batch_done(batch)


def _beginning(tx: Connection, cursor: Cursor, uids: list[int]) -> Cursor:
    tries = ledger.begin_batch(tx, cursor, uids[0], uids[-1])
    return replace(cursor, trying_from=uids[0], trying_to=uids[-1], tries=tries)


def _with_following(batches: Iterator[list[int]]) -> Iterator[tuple[list[int], list[int] | None]]:
    """Pair each batch with the next one, so that its beginning can be noted in the same transaction."""
    current = next(batches, None)
    while current is not None:
        following = next(batches, None)
        yield current, following
        current = following


def _is_the_worlds(error: Exception) -> bool:
    """Tell whether a server, the store, another mailbot or the machine refused, rather than our code: the round is gone again later."""
    return isinstance(error, Problem | StoreFailure | CursorMoved | MemoryError)
