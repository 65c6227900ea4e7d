"""A round over one folder: which messages are new, in which batches they are taken in, and what is filed away afterwards.

The mailbox is the queue and the commit is the receipt. Heads are fetched first, bodies only of candidates, and everything may
be done twice: after a death the same round is simply gone again.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from threading import Event
from traceback import extract_tb

from sqlalchemy import Connection

from mailbot.config import Inbox
from mailbot.desk import Desk
from mailbot.imap import Envelope, Mailbox, TextPart
from mailbot.intake import Arrival, fingerprint_of, read_arrival, take_in, with_body
from mailbot.logs import log
from rules.message import read, read_header, text_of_part, with_text
from rules.place import Cursor
from rules.recognition import Glance
from rules.vocabulary import Outcome
from storage import ledger, register
from storage.ledger import CursorMoved, Entry

TEXT_CAP = 65_536
"""Bytes of a text part that are read: a request stands in the first lines."""

BODIES_AT_ONCE = 8_000_000
"""Bytes of whole messages that are held in memory together."""

MOST_TRIES = 3
CLOCK_TOLERANCE = timedelta(minutes=5)
STAMP_TOLERANCE = timedelta(hours=1)
"""How much later than our server's own stamp a message may be delivered before the stamp counts (H98)."""

_BY_HOST = re.compile(r"\bby\s+([\w.-]+)", re.I)


@dataclass(slots=True)
class Count:
    """What one round found."""

    messages: int = 0
    requests: int = 0
    held: int = 0
    shunted: int = 0
    pending: int = 0


class Round:
    """One pass over the folder of one inbox, on an open connection."""

    def __init__(self, desk: Desk, inbox: Inbox, mailbox: Mailbox, committed: Callable[[], None]) -> None:
        """Nothing is fetched yet; ``committed`` is called after each batch, when its letters may be sent."""
        self._desk = desk
        self._committed = committed
        self._skipped: set[int] = set()
        self._inbox = inbox
        self._mailbox = mailbox
        self._files_at_once = inbox.filing != "leave"
        self.count = Count()

    def go(self, stop: Event) -> Count:
        """Take in everything new, then file away what is due. Raises ``CursorMoved`` if another worked here meanwhile."""
        cursor = self._cursor()
        self._take_in_pending(cursor)
        waiting = self._mailbox.uids_above(cursor.last_uid)
        for batch, following in _with_following(self._batches(cursor, waiting)):
            if stop.is_set():
                return self.count
            cursor = self._work_through(cursor, batch, following)
        with self._desk.database.write() as tx:
            ledger.finish_pass(tx, cursor.inbox, cursor.folder, self._desk.now())
        self.file_away()
        return self.count

    def file_away(self) -> None:
        """File what is due: after the commit, and again after a death. Ordinary mail is never touched."""
        with self._desk.database.read() as tx:
            cursor = ledger.cursor_of(tx, self._inbox.address, self._inbox.folder)
            due = ledger.filing_due(tx, cursor) if cursor else ()
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

    def _cursor(self) -> Cursor:
        """Return where to begin: at the configured point at first start, at the beginning when the folder was renumbered."""
        mailbox, inbox, now = self._mailbox, self._inbox, self._desk.now()
        with self._desk.database.read() as tx:
            cursor = ledger.cursor_of(tx, inbox.address, inbox.folder)
        if cursor is not None and cursor.uidvalidity == mailbox.uidvalidity:
            return cursor
        if cursor is not None:
            log.warning("folder_renumbered", uidvalidity_before=cursor.uidvalidity, uidvalidity_now=mailbox.uidvalidity)
            cursor = Cursor(
                inbox.address,
                inbox.folder,
                mailbox.uidvalidity,
                last_uid=0,
                start_at=cursor.start_at,
                last_pass_at=cursor.last_pass_at,
                renumbered_at=now,
                renumbered_below=mailbox.uid_next or 1 << 32,
            )
        elif inbox.start == "now":
            newest = mailbox.uid_next - 1 if mailbox.uid_next else max(mailbox.uids_above(0), default=0)
            cursor = Cursor(inbox.address, inbox.folder, mailbox.uidvalidity, newest, start_at=now)
        else:
            start_at = datetime.combine(inbox.start, time(), self._desk.zone).astimezone(UTC)
            first = next(mailbox.uids_since(inbox.start - timedelta(days=1)), mailbox.uid_next or 1)
            cursor = Cursor(inbox.address, inbox.folder, mailbox.uidvalidity, first - 1, start_at=start_at)
        with self._desk.database.write() as tx:
            ledger.place_cursor(tx, cursor)
        return cursor

    def _batches(self, cursor: Cursor, waiting: Sequence[int]) -> Iterator[list[int]]:
        """Cut the new UIDs into batches. What was in a batch that died is taken one by one."""
        careful_until = (cursor.trying_to or 0) if cursor.tries else 0
        alone = [uid for uid in waiting if uid <= careful_until]
        yield from ([uid] for uid in alone)
        rest = waiting[len(alone) :]
        for start in range(0, len(rest), self._inbox.batch):
            yield list(rest[start : start + self._inbox.batch])

    def _work_through(self, cursor: Cursor, uids: list[int], following: list[int] | None) -> Cursor:
        """Take one batch in and move the cursor past it; if it cannot be taken whole, take its messages one by one."""
        if cursor.trying_from != uids[0] or cursor.trying_to != uids[-1] or cursor.tries == 0:
            cursor = self._begin(cursor, uids)
        elif len(uids) == 1 and cursor.tries >= MOST_TRIES:
            return self._shunt_unread(cursor, uids[0], following)
        else:
            cursor = self._begin(cursor, uids)
        try:
            return self._record(cursor, uids, self._arrivals(cursor, uids), following)
        except (CursorMoved, MemoryError):
            raise
        except Exception as error:  # our bug, caught in one place: the batch again, message by message
            if _is_the_worlds(error):
                raise
            if len(uids) > 1:
                log.error("batch_failed", messages=len(uids), **_where(error))
                for uid in uids:
                    cursor = self._work_through(self._begin(cursor, [uid]), [uid], None)
                return cursor
            log.error("message_shunted", uid=uids[0], **_where(error))
            return self._shunt_unread(cursor, uids[0], following)

    def _begin(self, cursor: Cursor, uids: list[int]) -> Cursor:
        """Count the attempt durably before anything is parsed (H23)."""
        with self._desk.database.write() as tx:
            tries = ledger.begin_batch(tx, cursor, uids[0], uids[-1])
        return replace(cursor, trying_from=uids[0], trying_to=uids[-1], tries=tries)

    def _record(self, cursor: Cursor, uids: list[int], arrivals: list[Arrival], following: list[int] | None) -> Cursor:
        """Write what became of the batch and move the cursor, all or nothing."""
        now = self._desk.now()
        lost = self._lost(uids, arrivals)
        after = replace(cursor, last_uid=uids[-1], trying_from=None, trying_to=None, tries=0)
        with self._desk.database.write() as tx:
            fresh, known = self._told_apart(tx, cursor, arrivals)
            ledger.renumber(tx, cursor, known)
            entries = take_in(tx, fresh, self._desk, now, file_at_once=self._files_at_once)
            ledger.set_pending(tx, cursor, lost, "not_delivered", now)
            ledger.record(tx, cursor, entries, uids[-1], now)
            if following:
                tries = ledger.begin_batch(tx, after, following[0], following[-1])
                after = replace(after, trying_from=following[0], trying_to=following[-1], tries=tries)
        self._committed()
        self._tally(entries, lost)
        return after

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

    def _arrivals(self, cursor: Cursor, uids: list[int]) -> list[Arrival]:
        """Fetch heads, then the bodies of candidates; leave out what was there before the first start."""
        envelopes = self._mailbox.envelopes(uids)
        arrivals = [self._read_head(cursor, envelopes[uid]) for uid in uids if uid in envelopes]
        self._skipped = {uid for uid in uids if uid in envelopes and not self._is_wanted(cursor, envelopes[uid])}
        arrivals = [arrival for arrival in arrivals if arrival.place.uid not in self._skipped]
        whole, text = self._candidates(arrivals)
        self._read_texts(text)
        whole += [arrival for arrival in text if arrival.reading.outcome is not Outcome.ORDINARY and "too_large" not in arrival.flags]
        undelivered = self._read_wholes(whole)
        return [arrival for arrival in arrivals if arrival.place.uid not in undelivered]

    def _is_wanted(self, cursor: Cursor, envelope: Envelope) -> bool:
        """Tell whether the message came after the configured start (I9)."""
        return envelope.internal_date >= cursor.start_at or (self._inbox.start == "now" and not cursor.was_renumbered(envelope.uid))

    def _read_head(self, cursor: Cursor, envelope: Envelope) -> Arrival:
        message, now, limits = read_header(envelope.header), self._desk.now(), self._desk.limits
        received, flags = self._received(envelope, message.received_stamp, message.fields.get("received", ()), now)
        if limits.acknowledge_up_to_days and now - received > timedelta(days=limits.acknowledge_up_to_days):
            flags |= {"too_old"}
        if cursor.was_renumbered(envelope.uid) and (cursor.last_pass_at is None or received <= cursor.last_pass_at):
            flags |= {"renumbered"}
        if envelope.size > self._inbox.max_message_size:
            flags |= {"too_large"}
        return read_arrival(self._desk, cursor.place(envelope.uid), received, envelope.size, envelope.header, message, flags)

    def _received(self, envelope: Envelope, stamp: datetime | None, lines: Sequence[str], now: datetime) -> tuple[datetime, frozenset[str]]:
        """Return when the message was received: INTERNALDATE, unless it cannot be true (H98)."""
        received = envelope.internal_date
        ours = stamp if stamp is not None and lines and self._is_our_server(lines[0]) else None
        if received > now + CLOCK_TOLERANCE:
            return min(ours or now, now), frozenset({"internal_date_doubtful"})
        if ours is not None and received - ours > STAMP_TOLERANCE:
            return ours, frozenset({"internal_date_doubtful"})
        return received, frozenset()

    def _is_our_server(self, received_line: str) -> bool:
        found = _BY_HOST.search(received_line)
        own = {name.lower() for name in (self._inbox.host, self._inbox.authserv_id) if name}
        return found is not None and found[1].lower() in own

    def _candidates(self, arrivals: list[Arrival]) -> tuple[list[Arrival], list[Arrival]]:
        """Return which messages are read whole and of which only the text is read first; all others stay as they are."""
        whole: list[Arrival] = []
        text: list[Arrival] = []
        with self._desk.database.read() as tx:
            picture = register.picture_of(tx, [arrival.pointers for arrival in arrivals])
        asking: set[bytes | None] = set()
        for arrival in arrivals:
            if arrival.screening is not None and arrival.screening.automatic:
                continue
            glance = self._desk.recogniser.glance(arrival.message.subject)
            tie = picture.tie(arrival.pointers)
            sender = arrival.pointers.sender_key
            if glance is Glance.MATCH or (tie and tie.by_our_words) or "undecodable_subject" in arrival.message.defects:
                whole.append(arrival)
                asking.add(sender)
            elif glance is Glance.EMPTY_HANDED or tie or (sender and (sender in asking or sender in picture.by_sender)):
                text.append(arrival)
        small = [arrival for arrival in whole if "too_large" not in arrival.flags]
        return small, text + [arrival for arrival in whole if "too_large" in arrival.flags]

    def _read_texts(self, arrivals: list[Arrival]) -> None:
        """Fetch and read the text part of messages, those with the same part number together."""
        by_uid = {arrival.place.uid: arrival for arrival in arrivals}
        parts: dict[str, list[tuple[int, TextPart]]] = defaultdict(list)
        for uid, part in self._mailbox.text_parts(list(by_uid)).items():
            if part is not None:
                parts[part.number].append((uid, part))
            else:
                with_body(self._desk, by_uid[uid], with_text(by_uid[uid].message, "", (), ()))
        for number, members in parts.items():
            texts = self._mailbox.texts([uid for uid, _ in members], number, TEXT_CAP)
            for uid, part in members:
                if uid in texts:
                    text, defects = text_of_part(texts[uid], part.subtype, part.charset, part.encoding)
                    with_body(self._desk, by_uid[uid], with_text(by_uid[uid].message, text, (), defects))

    def _read_wholes(self, arrivals: list[Arrival]) -> set[int]:
        """Fetch and read messages whole, a bounded number of bytes together; return the UIDs that were not delivered."""
        undelivered: set[int] = set()
        for group in _by_weight(arrivals, BODIES_AT_ONCE):
            bodies = self._mailbox.wholes([arrival.place.uid for arrival in group])
            for arrival in group:
                body = bodies.get(arrival.place.uid)
                if body is None:
                    undelivered.add(arrival.place.uid)
                else:
                    with_body(self._desk, arrival, read(body))
        return undelivered

    def _lost(self, uids: list[int], arrivals: list[Arrival]) -> list[int]:
        """Return which messages were listed and not delivered, and still lie there (H5, H7)."""
        missing = sorted(set(uids) - {arrival.place.uid for arrival in arrivals} - self._skipped)
        if not missing:
            return []
        there = self._mailbox.existing(missing)
        for uid in sorted(set(missing) - there):
            log.info("message_vanished", uid=uid)
        return sorted(there)

    def _take_in_pending(self, cursor: Cursor) -> None:
        """Try again what the server did not deliver; after some tries it is put before a person."""
        with self._desk.database.read() as tx:
            waiting = ledger.pending_in(tx, cursor)
        for pending in waiting:
            now, uids = self._desk.now(), [pending.uid]
            arrivals = self._arrivals(cursor, uids)
            lost = self._lost(uids, arrivals)
            if lost and pending.tries >= MOST_TRIES:
                arrivals, lost = [self._unread(cursor, pending.uid, "never_delivered")], []
            with self._desk.database.write() as tx:
                entries = take_in(tx, arrivals, self._desk, now, file_at_once=self._files_at_once)
                ledger.record_pending(tx, cursor, entries, now)
                if lost:
                    ledger.set_pending(tx, cursor, lost, "not_delivered", now)
                else:
                    ledger.forget_pending(tx, cursor, uids)
            self._committed()
            self._tally(entries, lost)

    def _shunt_unread(self, cursor: Cursor, uid: int, following: list[int] | None) -> Cursor:
        """Put a message aside that trips us again and again: its bytes are kept, and it is read no more."""
        self._skipped = set()
        return self._record(cursor, [uid], [self._unread(cursor, uid, "could_not_be_read")], following)

    def _unread(self, cursor: Cursor, uid: int, reason: str) -> Arrival:
        envelope = self._mailbox.envelopes([uid]).get(uid) or Envelope(uid, self._desk.now(), 0, b"")
        small = envelope.size <= self._inbox.max_message_size
        raw = self._mailbox.wholes([uid]).get(uid) if small else None
        blank = read_header(b"")
        arrival = read_arrival(self._desk, cursor.place(uid), envelope.internal_date, envelope.size, envelope.header, blank, frozenset())
        arrival.raw, arrival.shunt_reason = raw or b"", reason
        return arrival

    def _tally(self, entries: Iterable[Entry], lost: Sequence[int]) -> None:
        for entry in entries:
            self.count.messages += 1
            self.count.requests += entry.outcome is Outcome.REQUEST
            self.count.held += entry.outcome is Outcome.HELD
            self.count.shunted += entry.outcome is Outcome.SHUNTED
        self.count.pending += len(lost)


def _with_following(batches: Iterator[list[int]]) -> Iterator[tuple[list[int], list[int] | None]]:
    """Pair each batch with the next one, so that its beginning can be noted in the same transaction."""
    current = next(batches, None)
    while current is not None:
        following = next(batches, None)
        yield current, following
        current = following


def _by_weight(arrivals: list[Arrival], most: int) -> Iterator[list[Arrival]]:
    group: list[Arrival] = []
    weight = 0
    for arrival in arrivals:
        if group and weight + arrival.size > most:
            yield group
            group, weight = [], 0
        group.append(arrival)
        weight += arrival.size
    if group:
        yield group


def _is_the_worlds(error: Exception) -> bool:
    """Tell whether a server or the store refused, rather than our code: then the whole round is gone again later."""
    return hasattr(error, "transient")


def _where(error: Exception) -> dict[str, str]:
    """Return what broke and where, without the words of the exception: they may quote the message."""
    last = extract_tb(error.__traceback__)[-1]
    return {"error": type(error).__name__, "at": f"{last.filename.rpartition('/')[2]}:{last.lineno}"}
