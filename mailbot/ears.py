"""Three lighter ears beside the inbox; none of the folders is ever changed.

What staff answered by hand is heard in the Sent folder (H112): the register notes it, and the digest asks whether that was all. A letter
of ours that was in doubt and lies there was accepted (H31).
A request that the server took for spam is heard in the spam folder (H78): it is listed for staff, its limit runs, nothing is answered.
What staff put into the folder for requests is taken in as one: ``mailbot.corrections``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from threading import Event

from sqlalchemy import Connection

from mailbot.answers import Envelope
from mailbot.arrival import OWN_MARK, pointers_of
from mailbot.config import Inbox
from mailbot.corrections import TakeIn
from mailbot.desk import Desk
from mailbot.doubts import Doubts
from mailbot.errors import ConfigurationMistake, Problem
from mailbot.fetching import Lying
from mailbot.folders import own_folder, special_folder
from mailbot.imap import Mailbox
from mailbot.logs import log
from mailbot.rounds import MOST_TRIES, Count, Round
from rules.automatic import OwnMail, screen
from rules.matching import KnownRequest, Picture, Pointers
from rules.message import Message, read_header
from rules.place import Cursor
from storage import ledger, register
from storage.ledger import CursorMoved
from storage.overview import ANSWERED_BY_HAND

NOT_LISTENED = "none"
"""What the configuration writes where a folder is not to be read."""

TAKE_IN = "take_in_folder"

MOST_RECIPIENTS = 20
"""A letter to more people than this answers nobody."""

NOBODY = OwnMail(frozenset())
"""What stands in the Sent folder is all our own: its sender tells nothing."""


class NoSuchFolder(ConfigurationMistake):
    """A folder that the configuration names was never there."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that a person of staff sent; ``pointers`` tie it to requests, once for each person it went to."""

    uid: int
    sent_at: datetime
    pointers: tuple[Pointers, ...]


class Ears:
    """The Sent and the spam folder of one inbox, and the one for requests, on its open connection."""

    def __init__(self, desk: Desk, inbox: Inbox, mailbox: Mailbox, watched: frozenset[str] = frozenset()) -> None:
        """Nothing is looked for yet: the inbox comes first. ``watched`` are folders of this address that have watches of their own."""
        self._desk, self._inbox, self._mailbox, self._watched = desk, inbox, mailbox, watched | {inbox.folder}
        self._doubts = Doubts(desk, mailbox, inbox.batch)
        self._found: dict[str, str | None] = {}
        self.deaf: dict[str, Problem] = {}
        """Key of the configuration → why its folder could not be read the last time; the inbox is read all the same."""

    def listen(self, stop: Event, batch_done: Callable[[Count], None]) -> Count:
        """Hear what is new in the folders; return what was found among spam, and among what staff put aside as requests.

        Raises ``NoSuchFolder`` where a folder that is named was never there. One that can be read no more is only told of.
        """
        heard = Count()
        for key, use, hear in (("sent_folder", "\\Sent", self._hear_answers), ("spam_folder", "\\Junk", self._hear_spam)):
            if not stop.is_set():
                heard += self._hear_in(key, partial(self._folder, use=use), partial(hear, stop=stop, batch_done=batch_done))
        if not stop.is_set():
            take_in = TakeIn(self._desk, self._inbox, self._mailbox, batch_done)
            heard += self._hear_in(TAKE_IN, self._for_requests, partial(take_in.go, stop=stop))
        return heard

    def _hear_in(self, key: str, find: Callable[[str], str | None], hear: Callable[[str], Count]) -> Count:
        """Open the folder that ``find`` makes of what ``key`` names, and hear what is in it."""
        configured = str(getattr(self._inbox, key))
        try:
            folder = find(configured)
            if folder is None:
                return Count()
            with self._mailbox.elsewhere(folder):
                heard = hear(folder)
        except CursorMoved:  # another watch of the same mailbox listens too, and was faster
            return Count()
        except Problem as problem:
            self._mailbox.examine()  # raises where the inbox is away as well
            self._go_deaf(key, configured, problem)
            return Count()
        self.deaf.pop(key, None)
        return heard

    def answers_since(self, day: date) -> dict[str, datetime] | None:
        """Return which requests of the register were answered by hand since ``day``, and when; None where no Sent folder is known."""
        folder = self._folder(self._inbox.sent_folder, "\\Sent")
        if folder is None:
            return None
        answers: dict[str, datetime] = {}
        with self._mailbox.elsewhere(folder):
            first = next(self._mailbox.uids_since(day), None)
            uids = self._mailbox.uids_above(first - 1) if first else []
            for start in range(0, len(uids), self._inbox.batch):
                sent = self._sent(uids[start : start + self._inbox.batch])
                with self._desk.database.read() as tx:
                    answered, when = _answered(tx, sent), {each.uid: each.sent_at for each in sent}
                answers |= {reference: when[uid] for reference, uid in answered.items() if reference not in answers}
        return answers

    def _folder(self, configured: str, use: str) -> str | None:
        """Return the folder that is configured, else the one that the server marks for a use; None where none is to be heard."""
        folder = configured or self._marked(use)
        return None if folder == NOT_LISTENED or folder in self._watched else folder

    def _for_requests(self, configured: str) -> str | None:
        """Return the folder into which staff put requests, made if need be, once a connection; None where there is none to be had."""
        if configured == NOT_LISTENED:
            return None
        if configured not in self._found:
            self._found[configured] = own_folder(self._mailbox, configured)
        folder = self._found[configured]
        return None if folder in self._watched else folder

    def _go_deaf(self, key: str, configured: str, problem: Problem) -> None:
        """Tell, once, that a folder can be read no more; raise where it was named and never there (H18)."""
        needed = configured and key != TAKE_IN
        if isinstance(problem, ConfigurationMistake) and needed and self._cursor(configured) is None:
            raise NoSuchFolder(f'inbox.{key}: there is no folder {configured}; make it, name another, or write "none"') from problem
        if key not in self.deaf:
            log.warning("folder_not_heard", folder=key, reason=str(problem))
        self.deaf[key] = problem

    def _marked(self, use: str) -> str | None:
        """Return the folder that the server marks for a use; it is asked once a connection."""
        if use not in self._found:
            self._found[use] = special_folder(self._mailbox, use)
        return self._found[use]

    def _cursor(self, folder: str) -> Cursor | None:
        with self._desk.database.read() as tx:
            return ledger.cursor_of(tx, self._inbox.address, folder)

    def _hear_spam(self, folder: str, stop: Event, batch_done: Callable[[Count], None]) -> Count:
        lying = self._inbox.model_copy(update={"folder": folder, "filing": "leave"})
        return Round(self._desk, lying, self._mailbox, batch_done, Lying.IN_SPAM).go(stop)

    def _hear_answers(self, folder: str, stop: Event, batch_done: Callable[[Count], None]) -> Count:
        """Read the heads of what was sent since the last time; at first start, and when the folder was renumbered, begin at its end."""
        mailbox, desk, cursor = self._mailbox, self._desk, self._cursor(folder)
        if cursor is None or cursor.uidvalidity != mailbox.uidvalidity:
            if cursor is not None:
                log.warning("folder_renumbered", uidvalidity_before=cursor.uidvalidity, uidvalidity_now=mailbox.uidvalidity)
            newest = mailbox.uid_next - 1 if mailbox.uid_next else max(mailbox.uids_above(0), default=0)
            with desk.database.write() as tx:
                ledger.place_cursor(tx, Cursor(self._inbox.address, folder, mailbox.uidvalidity, newest, start_at=desk.now()))
            return Count()
        uids = mailbox.uids_above(cursor.last_uid)
        for start in range(0, len(uids), self._inbox.batch):
            if not stop.is_set():
                cursor = self._hear(cursor, uids[start : start + self._inbox.batch])
                batch_done(Count())  # nothing was taken in, and we live (H108)
        self._doubts.look()
        return Count()

    def _hear(self, cursor: Cursor, uids: Sequence[int]) -> Cursor:
        """Note which requests a batch answers. What brings us or the connection down again and again is passed over (H23)."""
        with self._desk.database.write() as tx:
            tries = ledger.begin_batch(tx, cursor, uids[0], uids[-1])
        if tries > MOST_TRIES:
            log.error("sent_mail_passed_over", messages=len(uids), uid=uids[0])
        sent = self._sent(uids) if tries <= MOST_TRIES else []
        now = self._desk.now()
        with self._desk.database.write() as tx:
            answered = _answered(tx, sent)
            where = {"folder": cursor.folder}
            register.note(tx, [(ref, ANSWERED_BY_HAND, "staff", where | {"uid": uid}) for ref, uid in answered.items()], now)
            ledger.record(tx, cursor, (), uids[-1], now)
        for reference in answered:
            log.info(ANSWERED_BY_HAND, reference=reference)
        return replace(cursor, last_uid=uids[-1], trying_from=None, trying_to=None, tries=0, hangups=0)

    def _sent(self, uids: Sequence[int]) -> list[Sent]:
        return [each for envelope in self._mailbox.envelopes(uids).values() if (each := self._read(envelope)).pointers]

    def _read(self, envelope: Envelope) -> Sent:
        """Read what ties a sent message to requests: for each person it went to, as if that person had sent it."""
        message = read_header(envelope.header)
        nobodys = _is_a_machines(message) or len(message.recipients) > MOST_RECIPIENTS
        recipients = () if nobodys else sorted(message.recipients)
        pointers = tuple(pointers_of(self._desk, replace(message, sender=recipient)) for recipient in recipients)
        return Sent(envelope.uid, envelope.internal_date, pointers)


def _answered(tx: Connection, sent: Sequence[Sent]) -> dict[str, int]:
    """Return which open requests the messages answer, and by which message."""
    picture = register.picture_of(tx, [pointers for each in sent for pointers in each.pointers])
    meant = ((_meant(tx, picture, pointers, each.sent_at), each.uid) for each in sent for pointers in each.pointers)
    return {known.reference: uid for known, uid in meant if known is not None}


def _meant(tx: Connection, picture: Picture, pointers: Pointers, sent_at: datetime) -> KnownRequest | None:
    """Return the open request of this person that the message answers: that of its thread, else the only one there was."""
    if tie := picture.tie(pointers):  # what belongs to another's request joins nothing (H111)
        return tie.request if tie.from_requester and tie.request.is_open else None
    theirs = (picture.requests[reference] for reference in picture.by_sender.get(pointers.sender_key or b"", ()))
    open_ones = [known for known in theirs if known.is_open]
    asked = register.find_request(tx, open_ones[0].reference) if len(open_ones) == 1 else None
    return open_ones[0] if asked is not None and asked.received_at <= sent_at else None


def _is_a_machines(message: Message) -> bool:
    """Tell whether a message in the Sent folder was not written by a person: a letter of ours, an out-of-office notice, a newsletter."""
    screening = screen(message, NOBODY)
    return (screening is not None and screening.automatic) or (message.message_id or "").startswith(OWN_MARK)
