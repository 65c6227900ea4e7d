"""Fetching: what of a batch is read, and how much of it. Heads first, then the texts of candidates, then requests whole.

Where the server promises no text, the beginning of the message itself is read: two programs may see two structures in one (H42).

Everything else in the mailbox stays where it is, unread and as it was (I4). What to do with what was read is ``intake``.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from mailbot.answers import Envelope, TextPart
from mailbot.arrival import Arrival, age_flags, is_delivery_report, lies_in_spam, read_arrival, with_body, with_report
from mailbot.config import Inbox
from mailbot.desk import Desk
from mailbot.digest_answers import answers_digest
from mailbot.imap import HEADER_CAP, Mailbox
from mailbot.logs import log
from rules.authentication import is_named
from rules.header import MAX_HEADER
from rules.message import Attachment, Message, lightened, read, read_header, text_of_part, with_text
from rules.place import Cursor
from rules.recognition import Glance
from rules.vocabulary import Outcome
from storage import digests, register

TEXT_CAP = 65_536
"""Bytes of a text part that are read: a request stands in the first lines."""

SHORT_LETTER = 24_000
"""Bytes of a message up to which its text is read whatever its subject: what people type themselves is short, business mail seldom is."""

BEGINNING = MAX_HEADER + TEXT_CAP
"""Bytes of a message that are read where the server's structure promises no text in it."""

REPORT_CAP = 65_536
"""Bytes of a delivery report that are read: what failed, and the header of what comes back, stand in front."""

KEPT_AS_IT_CAME = 65_536
"""Bytes up to which a message without attachments is kept byte for byte: then its signature can still be verified."""

USUAL_HEADER = 8192
"""Bytes up to which a header stays in memory as it was read, until the batch is recorded."""

BODIES_AT_ONCE = 8_000_000
"""Bytes of whole messages that are held in memory together."""

BROKEN_HEADER = "no_blank_line"
"""The flag of a message in whose header stands what is no field: it is not acknowledged, for a machine's mark may hide there."""

CLOCK_TOLERANCE = timedelta(minutes=5)
STAMP_TOLERANCE = timedelta(hours=1)
"""How much later than our server's own stamp a message may be delivered before the stamp counts (H98)."""

_STILL_CODED = re.compile(r"[A-Za-z0-9+/\n]{16,}+={0,2}\Z|(?:[^\s=]{0,76}+=[0-9A-F]{2}){2}")
"""A text whose encoding the server did not recognise, as in "BASE64; x=y"."""

_BY_HOST = re.compile(r"\bby\s+([\w.-]+)", re.I)


class Lying(Enum):
    """Where the messages lie that are read."""

    IN_INBOX = auto()
    IN_SPAM = auto()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of the UIDs of a batch: read, or listed and not delivered. The others are gone, or older than the start."""

    arrivals: list[Arrival]
    lost: list[int]


class Fetcher:
    """Reads messages of one inbox, on an open connection."""

    def __init__(self, desk: Desk, inbox: Inbox, mailbox: Mailbox, lying: Lying = Lying.IN_INBOX) -> None:
        """Nothing is fetched yet."""
        self._desk = desk
        self._lying = lying
        self._inbox = inbox
        self._mailbox = mailbox
        self._own_servers = tuple(name for name in (inbox.host, inbox.authserv_id) if name)

    def fetch(self, cursor: Cursor, uids: Sequence[int]) -> Fetched:
        """Fetch heads, then the bodies of candidates; leave out what was there before the first start."""
        envelopes = self._mailbox.envelopes(uids)
        wanted = [envelope for envelope in envelopes.values() if self._is_wanted(cursor, envelope)]
        arrivals = [self._read_head(cursor, envelope) for envelope in wanted]
        undelivered = self._read_bodies(arrivals)
        missing = sorted((set(uids) - envelopes.keys()) | undelivered)
        return Fetched([arrival for arrival in arrivals if arrival.place.uid not in undelivered], self._still_there(missing))

    def fetch_chosen(self, cursor: Cursor, uid: int) -> Arrival | None:
        """Fetch a message that a person chose: it is read whole, whatever its head says. None where the server does not deliver it."""
        envelope = self._mailbox.envelopes([uid]).get(uid)
        arrival = self._read_head(cursor, envelope) if envelope else None
        if arrival is None or self._read_raw([arrival], BEGINNING if "too_large" in arrival.flags else None):
            return None
        return arrival

    def unread(self, cursor: Cursor, uid: int, reason: str) -> Arrival:
        """Fetch a message that is to be set aside: its bytes are kept, and nothing of it is read."""
        envelope = self._mailbox.envelopes([uid]).get(uid) or Envelope(uid, self._desk.now(), 0, b"")
        small = envelope.size <= self._inbox.max_message_size
        raw = self._mailbox.wholes([uid]).get(uid) if small else None
        return self._set_aside(cursor, envelope, raw or b"", reason)

    def unseen(self, cursor: Cursor, uid: int, reason: str) -> Arrival:
        """Set a message aside without asking the server for any of it: even its bytes brought us down."""
        return self._set_aside(cursor, Envelope(uid, self._desk.now(), 0, b""), b"", reason)

    def _set_aside(self, cursor: Cursor, envelope: Envelope, raw: bytes, reason: str) -> Arrival:
        place, blank = cursor.place(envelope.uid), read_header(b"")
        arrival = read_arrival(self._desk, place, envelope.internal_date, envelope.size, envelope.header, blank, frozenset())
        arrival.raw, arrival.shunt_reason = raw, reason
        return arrival

    def _read_bodies(self, arrivals: list[Arrival]) -> set[int]:
        """Read of each message as much as its head and its text call for; return the UIDs that were not delivered."""
        whole, text = self._candidates(arrivals)
        undelivered = self._read_texts(text)
        unclear = [arrival for arrival in text if arrival.place.uid not in undelivered and _may_say_more(arrival.message)]
        undelivered |= self._read_raw(unclear, BEGINNING)
        undelivered |= self._read_reports([arrival for arrival in arrivals if is_delivery_report(arrival)])
        asking = [arrival for arrival in text if arrival.reading.outcome is not Outcome.ORDINARY]
        return undelivered | self._read_raw(whole + [arrival for arrival in asking if "too_large" not in arrival.flags])

    def _all_fields(self, envelope: Envelope) -> bytes:
        """Ask for more of a header that was cut off, one at a time: what decides may stand behind padding (H54)."""
        if len(envelope.header) < HEADER_CAP:
            return envelope.header
        return self._mailbox.texts([envelope.uid], "HEADER", MAX_HEADER + 1).get(envelope.uid) or envelope.header

    def _is_wanted(self, cursor: Cursor, envelope: Envelope) -> bool:
        """Tell whether the message came after the configured start (I9); what is put there later counts, however old it is (H9)."""
        came_later = not cursor.was_renumbered(envelope.uid) and (self._inbox.start == "now" or cursor.last_pass_at is not None)
        return came_later or envelope.internal_date >= cursor.start_at

    def _read_head(self, cursor: Cursor, envelope: Envelope) -> Arrival:
        message, now = read_header(self._all_fields(envelope)), self._desk.now()
        received, flags = self._received(envelope, message, now)
        flags |= age_flags(self._desk, received) | (message.defects & {BROKEN_HEADER})
        if cursor.was_renumbered(envelope.uid) and (cursor.last_pass_at is None or received <= cursor.last_pass_at):
            flags |= {"renumbered"}
        if envelope.size > self._inbox.max_message_size:
            flags |= {"too_large"}
        kept = envelope.header[:HEADER_CAP]
        arrival = read_arrival(self._desk, cursor.place(envelope.uid), received, envelope.size, kept, message, flags)
        if len(kept) > USUAL_HEADER:
            arrival.message = lightened(message)
        else:
            arrival.head = message
        if self._lying is Lying.IN_SPAM:
            lies_in_spam(arrival)
        return arrival

    def _received(self, envelope: Envelope, message: Message, now: datetime) -> tuple[datetime, frozenset[str]]:
        """Return when the message was received: INTERNALDATE, unless it cannot be true (H98)."""
        received = envelope.internal_date
        ours = message.received_stamp if self._was_stamped_by_us(message) else None
        if received > now + CLOCK_TOLERANCE:
            return min(ours or now, now), frozenset({"internal_date_doubtful"})
        if ours is not None and received - ours > STAMP_TOLERANCE:
            return ours, frozenset({"internal_date_doubtful"})
        return received, frozenset()

    def _was_stamped_by_us(self, message: Message) -> bool:
        """Tell whether the topmost Received field is our own server's; any other's may say what its writer likes."""
        lines = message.fields.get("received")
        found = _BY_HOST.search(lines[0]) if lines else None
        return found is not None and any(is_named(found[1], ours) for ours in self._own_servers)

    def _candidates(self, arrivals: list[Arrival]) -> tuple[list[Arrival], list[Arrival]]:
        """Return which messages are read whole and of which only the text is read first; all others stay as they are."""
        whole: list[Arrival] = []
        text: list[Arrival] = []
        with self._desk.database.read() as tx:
            picture = register.picture_of(tx, [arrival.pointers for arrival in arrivals])
            staff = digests.readers_among(tx, {arrival.pointers.sender_key for arrival in arrivals if arrival.pointers.sender_key})
        asking: set[bytes | None] = set()
        for arrival in arrivals:
            sender = arrival.pointers.sender_key
            is_staffs = sender in staff or answers_digest(arrival)  # what it orders may stand above a long quotation (H67)
            if arrival.screening is not None and arrival.screening.automatic:
                text += [arrival] if is_staffs and arrival.screening.reason == "own_address" else []
                continue
            glance = self._desk.recogniser.glance(arrival.message.subject)
            tie = picture.tie(arrival.pointers)
            is_known = sender is not None and (sender in asking or sender in picture.by_sender)
            if glance is Glance.MATCH or (tie and tie.by_our_words) or "undecodable_subject" in arrival.message.defects:
                whole.append(arrival)
                asking.add(sender)
            elif glance is Glance.EMPTY_HANDED or _is_short(arrival) or tie or is_known or is_staffs:
                text.append(arrival)
        small = [arrival for arrival in whole if "too_large" not in arrival.flags]
        return small, text + [arrival for arrival in whole if "too_large" in arrival.flags]

    def _read_texts(self, arrivals: list[Arrival]) -> set[int]:
        """Fetch and read the text part of messages, those with the same part number together; return the UIDs not delivered."""
        by_uid = {arrival.place.uid: arrival for arrival in arrivals}
        structures = self._mailbox.structures(list(by_uid))
        parts: dict[str, list[tuple[int, TextPart]]] = defaultdict(list)
        undelivered: set[int] = set()
        attached = {uid: [Attachment(name, "", 0, "") for name in structure.attached] for uid, structure in structures.items()}
        for uid, structure in structures.items():
            if structure.text is not None:
                parts[structure.text.number].append((uid, structure.text))
            else:
                with_body(self._desk, by_uid[uid], with_text(by_uid[uid].message, "", attached[uid], ()))
        for number, members in parts.items():
            texts = self._mailbox.texts([uid for uid, _ in members], number, TEXT_CAP)
            undelivered |= {uid for uid, _ in members} - texts.keys()
            for uid, part in members:
                if uid in texts:
                    text, defects = text_of_part(texts[uid], part.subtype, part.charset, part.encoding)
                    with_body(self._desk, by_uid[uid], with_text(by_uid[uid].message, text, attached[uid], defects))
        return undelivered

    def _read_raw(self, arrivals: list[Arrival], most: int | None = None) -> set[int]:
        """Fetch and read messages as they came, whole or as far as ``most``, a bounded number of bytes together.

        Return the UIDs that were not delivered.
        """
        undelivered: set[int] = set()
        for group in _by_weight(arrivals, BODIES_AT_ONCE):
            uids = [arrival.place.uid for arrival in group]
            found = self._mailbox.wholes(uids) if most is None else self._mailbox.texts(uids, "", most)
            for arrival in group:
                if (raw := found.get(arrival.place.uid)) is None:
                    undelivered.add(arrival.place.uid)
                    continue
                message = lightened(read(raw))
                if len(raw) == most:  # what was cut off has neither its true size nor its name
                    message = replace(message, attachments=arrival.message.attachments)
                with_body(self._desk, arrival, message)
                if not message.attachments and len(raw) <= KEPT_AS_IT_CAME:
                    arrival.raw = raw
        return undelivered

    def _read_reports(self, arrivals: list[Arrival]) -> set[int]:
        """Read what machines report of letters; return the UIDs that were not delivered."""
        found = self._mailbox.texts([arrival.place.uid for arrival in arrivals], "", REPORT_CAP)
        for arrival in arrivals:
            if (raw := found.get(arrival.place.uid)) is not None:
                with_report(arrival, raw)
        return {arrival.place.uid for arrival in arrivals} - found.keys()

    def _still_there(self, missing: list[int]) -> list[int]:
        """Return which of the messages that were not delivered still lie there; the others vanished (H5, H7)."""
        if not missing:
            return []
        there = self._mailbox.existing(missing)
        for uid in sorted(set(missing) - there):
            log.info("message_vanished", uid=uid)
        return sorted(there)


def _is_short(arrival: Arrival) -> bool:
    """Tell whether a message is one that a person wrote and hardly more than its text: what it asks may stand under any subject."""
    return arrival.screening is None and arrival.size <= SHORT_LETTER


def _may_say_more(message: Message) -> bool:
    """Tell whether a message may say more than the part that was read: it was blank, or the server and we see other headers (H42, H56)."""
    text = (message.text or "").strip()
    return not text or BROKEN_HEADER in message.defects or _STILL_CODED.match(text) is not None


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
