"""The rehearsal (``mailbot scan``): what mailbot would have made of the mail that lies there already, and what of it is late.

The round of ``mailbot run`` itself goes over the folder, with a store in memory that is gone afterwards: the mailbox is only read, nothing
is kept, nothing is sent. Under its desk all mail is old and nobody is answered (H9). So it is when chosen messages are taken in for good.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from threading import Event

from sqlalchemy import Connection

from mailbot.arrival import Arrival
from mailbot.config import Config, Inbox, secret_of
from mailbot.days import day_in
from mailbot.desk import Desk, set_up_desk
from mailbot.ears import Ears
from mailbot.errors import Problem
from mailbot.fetching import Fetcher
from mailbot.imap import Mailbox
from mailbot.intake import take_in
from mailbot.logs import log
from mailbot.rounds import Count, Round
from mailbot.watch import address_of
from rules.deadlines import day_of
from rules.message import read_header
from rules.place import Cursor, Place
from rules.vocabulary import Outcome
from storage import evidence, ledger, register
from storage.database import open_in_memory
from storage.register import Registered

LONGEST_SUBJECT = 200
NOT_A_REQUEST = frozenset({Outcome.ORDINARY, Outcome.AUTOMATIC})
ONE_DAY = timedelta(days=1)
EARLIEST = date(1980, 1, 1)
"""There is no older mail."""

_BACK = re.compile(r"([1-9]\d{0,4})([dwm])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Found:
    """A request, or a message that a person must look at; ``answered_on`` is when staff wrote to its sender by hand."""

    request: Registered
    subject: str
    due: date | None
    answered_on: date | None

    def late_since(self, today: date) -> date | None:
        """Return the first day on which it was late; None where it is not, or was answered."""
        return self.due + ONE_DAY if self.due and self.due < today and self.answered_on is None else None


@dataclass(frozen=True, slots=True)
class Findings:
    """What the rehearsal found so far. ``not_heard`` names the inboxes of which nobody knows what staff answered by hand."""

    since: date
    today: date
    items: tuple[Found, ...]
    outcomes: Counter[Outcome]
    not_delivered: int
    not_heard: tuple[str, ...]

    @property
    def looked_at(self) -> int:
        """Return how many messages were looked at."""
        return self.outcomes.total() + self.not_delivered

    @property
    def late(self) -> tuple[Found, ...]:
        """Return what is late, the longest first."""
        return tuple(item for item in self.items if item.late_since(self.today))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a folder has been looked through, in its own numbering."""

    done: int
    whole: int


class Rehearsal:
    """Looks through folders. A context manager: what was found is gone at its end."""

    def __init__(self, config: Config, since: date, now: Callable[[], datetime]) -> None:
        """Nothing is looked at yet; ``since`` is the first day that counts, in the operator's zone."""
        self._database = open_in_memory()
        self.desk = unanswered(set_up_desk(config, now, self._database))
        self._since = since
        self._subjects: dict[str, str] = {}
        self._outcomes: Counter[Outcome] = Counter()
        self._not_delivered = 0
        self._answered: dict[str, datetime] = {}
        self._not_heard: list[str] = []

    def __enter__(self) -> "Rehearsal":
        return self

    def __exit__(self, *ended: object) -> None:
        self._database.close()

    def look_through(self, inbox: Inbox, told: Callable[[Progress], None]) -> None:
        """Look through the folder of an inbox, and hear in its Sent folder what was answered; ``told`` is called after each batch."""
        asked = inbox.model_copy(update={"start": self._since, "filing": "leave", "filing_name": ""})
        mailbox = connected(inbox)
        try:
            for alert in mailbox.alerts:  # H16
                log.warning("server_alert", server=inbox.host, text=alert)
            round_ = Round(self.desk, asked, mailbox, lambda count: self._batch_done(asked, mailbox, count, told))
            self._first = round_.cursor().last_uid
            round_.go(Event())
            self._hear(asked, mailbox)
        finally:
            mailbox.abandon()

    def findings(self) -> Findings:
        """Return what was found so far."""
        self._gather()
        with self._database.read() as tx:
            requests = register.list_requests(tx)
        today = day_of(self.desk.now(), self.desk.zone)
        items = sorted(map(self._found, requests), key=lambda item: (item.due or date.max, item.request.reference))
        return Findings(self._since, today, tuple(items), +self._outcomes, self._not_delivered, tuple(self._not_heard))

    def _batch_done(self, inbox: Inbox, mailbox: Mailbox, count: Count, told: Callable[[Progress], None]) -> None:
        self._not_delivered += count.pending
        self._gather()
        with self._database.read() as tx:
            cursor = ledger.cursor_of(tx, inbox.address, inbox.folder)
        last = cursor.last_uid if cursor else self._first
        told(Progress(last - self._first, max(mailbox.uid_next - 1, last) - self._first))

    def _gather(self) -> None:
        """Keep of the batch its figures and the subjects of what was found: 100,000 messages take no more memory than their requests."""
        with self._database.write() as tx:
            self._outcomes += ledger.drain(tx)
            headers = evidence.strip(tx)
        for reference, header in headers:
            if reference is not None and reference not in self._subjects:
                self._subjects[reference] = read_header(header).subject[:LONGEST_SUBJECT]

    def _hear(self, inbox: Inbox, mailbox: Mailbox) -> None:
        try:
            answers = Ears(self.desk, inbox, mailbox).answers_since(self._since - ONE_DAY)
        except Problem:  # a Sent folder that cannot be read keeps nobody from the inbox
            mailbox.examine()
            answers = None
        if answers is None:
            self._not_heard.append(inbox.address)
        self._answered |= answers or {}

    def _found(self, request: Registered) -> Found:
        """Tell when it was due; what mailbot would have done at once was not done, so that it counts like everything else."""
        answered = self._answered.get(request.reference)
        return Found(
            request,
            self._subjects.get(request.reference, ""),
            min((owed.due for owed in request.obligations if owed.due), default=None),
            day_of(answered, self.desk.zone) if answered else None,
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a message that was to be taken in: the reference it has now, or why it was passed over."""

    place: Place
    reference: str | None
    told: str


def take_in_chosen(desk: Desk, inbox: Inbox, places: Iterable[Place], who: str) -> Iterator[Taken]:
    """Take messages of one folder into the register, each in a transaction of its own: with their day of receipt, without a letter (H9).

    The daemon may run meanwhile: it works above the folder's cursor, and this below. What is there already is passed over.
    """
    desk, mailbox = unanswered(desk), connected(inbox)
    try:
        cursor = Round(desk, inbox, mailbox, lambda _: None).cursor()  # placed as the first start of ``run`` would place it
        fetcher = Fetcher(desk, inbox, mailbox)
        for place in sorted(places, key=lambda place: place.uid):
            if place.uidvalidity != mailbox.uidvalidity:
                yield Taken(place, None, "the server renumbered the folder meanwhile: scan again")
            elif place.uid > cursor.last_uid:
                yield Taken(place, None, "it is new: `mailbot run` takes it in by itself")
            elif (arrival := fetcher.fetch_chosen(cursor, place.uid)) is None:
                yield Taken(place, None, "the mail server does not deliver it")
            else:
                yield _take_in(desk, inbox, cursor, arrival, who)
    finally:
        mailbox.abandon()


def _take_in(desk: Desk, inbox: Inbox, cursor: Cursor, arrival: Arrival, who: str) -> Taken:
    """Let the message go the way of every other; what it was passed over as before gives way, and a note says so."""
    place, now = arrival.place, desk.now()
    with desk.database.write() as tx:
        before = ledger.written_at(tx, place)
        if passed_over := _why_not(tx, cursor, before, place.uid):
            return Taken(place, before.reference if before else None, passed_over)
        (entry,) = take_in(tx, [arrival], desk, now, file_at_once=inbox.filing != "leave")
        if entry.outcome in NOT_A_REQUEST:
            return Taken(place, None, "it asks for nothing any more")
        if before:
            ledger.record_again(tx, before.row, entry, who, now)
        else:
            ledger.record_pending(tx, cursor, [entry], now)
        if entry.reference is not None:
            register.note(tx, [(entry.reference, "taken_in_by_hand", who, {"uid": place.uid})], now)
    return Taken(place, entry.reference, f"taken in as {entry.outcome.replace('_', '-')}")


def _why_not(tx: Connection, cursor: Cursor, before: ledger.Written | None, uid: int) -> str:
    """Say why a message is not taken in; "" if it is."""
    if before is None:
        is_pending = any(pending.uid == uid for pending in ledger.pending_in(tx, cursor))
        return "`mailbot run` tries to fetch it, and takes it in by itself" if is_pending else ""
    if before.outcome is Outcome.SHUNTED:
        return f"it is set aside: see `mailbot held show m{before.row}`"
    return "" if before.outcome in NOT_A_REQUEST and before.reference is None else "it is in the register already"


def unanswered(desk: Desk) -> Desk:
    """Return the desk under which every message is too old to be acknowledged, whenever it was received."""
    return replace(desk, limits=desk.limits.model_copy(update={"acknowledge_up_to_days": -1}))


def connected(inbox: Inbox) -> Mailbox:
    """Open an inbox for reading."""
    return Mailbox(address_of(inbox, secret_of(inbox)))


def first_day(text: str, today: date) -> date:
    """Read how far back is looked: 90d, 12w, 6m or a day; of anything else the ``ValueError`` says what to write."""
    try:
        day = _counted_back(back[1], back[2], today) if (back := _BACK.fullmatch(text)) else day_in(text)
    except (OverflowError, ValueError):
        day = date.min
    if day < EARLIEST:
        raise ValueError("is no time to look back; write 90d, 12w, 6m or 2026-01-31")
    return day


def _counted_back(number: str, unit: str, today: date) -> date:
    if unit == "m":
        return _months_before(today, int(number))
    return today - timedelta(days=int(number) * (7 if unit == "w" else 1))


def _months_before(day: date, months: int) -> date:
    """Return the same number of an earlier month, or that month's last day."""
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    following = date(years + (month == 11), (month + 1) % 12 + 1, 1)
    return min(date(years, month + 1, 1) + timedelta(days=day.day - 1), following - ONE_DAY)
