"""Two lighter ears beside the inbox; neither folder is ever changed.

What staff answered by hand is heard in the Sent folder (H112): the register notes it, and the digest asks whether that was all.
A request that the server took for spam is heard in the spam folder (H78): it is listed for staff, its limit runs, nothing is answered.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Event

from sqlalchemy import Connection

from mailbot.arrival import OWN_MARK, pointers_of
from mailbot.config import Inbox
from mailbot.desk import Desk
from mailbot.fetching import Lying
from mailbot.imap import Mailbox
from mailbot.logs import log
from mailbot.rounds import Count, Round
from rules.automatic import LOOP_MARK_FIELD
from rules.matching import KnownRequest, Picture, Pointers
from rules.message import Message, read_header
from rules.place import Cursor
from storage import ledger, register

NOT_LISTENED = "none"
"""What the configuration writes where a folder is not to be read."""

ANSWERED_BY_HAND = "answered_by_hand"

MOST_RECIPIENTS = 20
"""A letter to more people than this answers nobody."""


class Ears:
    """The Sent and the spam folder of one inbox, on its open connection."""

    def __init__(self, desk: Desk, inbox: Inbox, mailbox: Mailbox) -> None:
        """Find the folders: by the names that the configuration gives, else by what the server says they are for."""
        self._desk, self._inbox, self._mailbox = desk, inbox, mailbox
        self._sent = _folder(mailbox, inbox.sent_folder, "\\Sent")
        self._spam = _folder(mailbox, inbox.spam_folder, "\\Junk")

    def listen(self, stop: Event, batch_done: Callable[[Count], None]) -> Count:
        """Hear what is new in both; return what was found among spam. Raises ``ConfigurationMistake`` where a named folder is missing."""
        if self._sent is not None and not stop.is_set():
            with self._mailbox.elsewhere(self._sent):
                self._hear_answers(self._sent)
        if self._spam is not None and not stop.is_set():
            lying = self._inbox.model_copy(update={"folder": self._spam, "filing": "leave"})
            with self._mailbox.elsewhere(self._spam):
                return Round(self._desk, lying, self._mailbox, batch_done, Lying.IN_SPAM).go(stop)
        return Count()

    def _hear_answers(self, folder: str) -> None:
        """Read the heads of what was sent since the last time; at first start, and when the folder was renumbered, begin at its end."""
        mailbox, desk = self._mailbox, self._desk
        with desk.database.read() as tx:
            cursor = ledger.cursor_of(tx, self._inbox.address, folder)
        if cursor is None or cursor.uidvalidity != mailbox.uidvalidity:
            newest = mailbox.uid_next - 1 if mailbox.uid_next else max(mailbox.uids_above(0), default=0)
            with desk.database.write() as tx:
                ledger.place_cursor(tx, Cursor(self._inbox.address, folder, mailbox.uidvalidity, newest, start_at=desk.now()))
            return
        uids = mailbox.uids_above(cursor.last_uid)
        for start in range(0, len(uids), self._inbox.batch):
            self._hear(cursor, uids[start : start + self._inbox.batch])
            with desk.database.read() as tx:
                cursor = ledger.cursor_of(tx, self._inbox.address, folder) or cursor

    def _hear(self, cursor: Cursor, uids: Sequence[int]) -> None:
        messages = {uid: read_header(envelope.header) for uid, envelope in self._mailbox.envelopes(uids).items()}
        sent = {uid: self._pointers(message) for uid, message in messages.items() if not _is_a_machines(message)}
        now = self._desk.now()
        with self._desk.database.write() as tx:
            answered = _answered(tx, sent)
            register.note(tx, [(reference, ANSWERED_BY_HAND, "staff", {"uid": uid}) for reference, uid in answered.items()], now)
            ledger.record(tx, cursor, (), uids[-1], now)
        for reference in answered:
            log.info(ANSWERED_BY_HAND, reference=reference)

    def _pointers(self, message: Message) -> tuple[Pointers, ...]:
        """Return what ties a message of ours to requests: for each person it went to, as if that person had sent it."""
        recipients = sorted(message.recipients)[:MOST_RECIPIENTS]
        return tuple(pointers_of(self._desk, replace(message, sender=recipient)) for recipient in recipients)


def _answered(tx: Connection, sent: dict[int, tuple[Pointers, ...]]) -> dict[str, int]:
    """Return which open requests the messages answer, and by which message."""
    picture = register.picture_of(tx, [each for pointers in sent.values() for each in pointers])
    found = {(known.reference, uid) for uid, pointers in sent.items() for each in pointers for known in _meant(picture, each)}
    return dict(sorted(found))


def _meant(picture: Picture, pointers: Pointers) -> Sequence[KnownRequest]:
    """Return the open requests of this person that the message answers: those of its thread, else the only one there is."""
    if (tie := picture.tie(pointers)) and tie.from_requester:
        return [tie.request] if tie.request.is_open else []
    open_ones = [picture.requests[each] for each in picture.by_sender.get(pointers.sender_key or b"", ())]
    open_ones = [known for known in open_ones if known.is_open]
    return open_ones if len(open_ones) == 1 else []


def _is_a_machines(message: Message) -> bool:
    """Tell whether a message in the Sent folder was not written by a person: a letter of ours, or an out-of-office notice."""
    submitted = message.fields.get("auto-submitted", ("no",))[0].strip().lower()
    return LOOP_MARK_FIELD.lower() in message.fields or (message.message_id or "").startswith(OWN_MARK) or submitted != "no"


def _folder(mailbox: Mailbox, configured: str, use: str) -> str | None:
    return None if configured == NOT_LISTENED else configured or mailbox.special_folder(use)
