"""The digest: once a local day staff are told what they must decide, what is late or due, and whether the machine is well (I10).

What goes in is gathered here, in the transaction that queues it; how it looks is ``mailbot.digest_page``, which day's is due
``rules.digest_days``. An empty day has its digest too, so that its absence means a fault (H101).
"""

from base64 import encodebytes
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from email.utils import format_datetime
from secrets import token_bytes, token_urlsafe

from sqlalchemy import Connection

from mailbot.config import Config
from mailbot.desk import Desk
from mailbot.digest_answers import id_in_store, message_id_with
from mailbot.digest_destruction import over_now
from mailbot.digest_page import Page, write_page
from mailbot.digest_words import Digest, Face, Folder, Item, ItemKind, Result, Section
from mailbot.errors import ConfigurationMistake
from mailbot.letters import MESSAGE_ID, UndeliverableAddress, deliverable, encoded, finished, mailbox, operator_name, refuse_injection
from mailbot.logs import log
from mailbot.reminding import Reminder, note_reminders, reminders_due
from rules.addresses import mailbox_key
from rules.automatic import LOOP_MARK_FIELD
from rules.confirmation import new_code
from rules.digest_days import day_due
from rules.life import OPEN
from rules.vocabulary import Language, Outcome, RequestType, State
from rules.working_days import Calendar
from storage import access, chain, destruction, digests, ledger, outbox, overview, tasks, waves
from storage.digests import NewDigest, Numbered
from storage.outbox import NewLetter
from storage.overview import Matter, Traffic

DIGEST = "digest"
DAILY, ASKED_FOR = DIGEST, "asked"
ONE_DAY = timedelta(days=1)
NOT_READ_AFTER = timedelta(minutes=30)
WAITS_TOO_LONG = timedelta(days=1)
BOUNDARY = "mailbot-digest"  # base64 has no hyphens
OUTER_BOUNDARY = f"{BOUNDARY}-and-days"
BOTH_FORMS = {"Content-Type": f'multipart/alternative; boundary="{BOUNDARY}"'}
WITH_CALENDAR = {"Content-Type": f'multipart/mixed; boundary="{OUTER_BOUNDARY}"'}
CALENDAR = {
    "Content-Type": "text/calendar; charset=utf-8; method=PUBLISH",
    "Content-Disposition": 'attachment; filename="mailbot.ics"',
}
TEXT_ONLY = {"Content-Type": "text/plain; charset=utf-8", "Content-Transfer-Encoding": "base64"}


@dataclass(frozen=True, slots=True)
class Absence:
    """The days on which the staff are away, the first and the last included, and who stands in for them."""

    first: date
    last: date
    deputy: str


@dataclass(frozen=True, slots=True)
class DigestOrder:
    """Who is told, when and in which language; which folders are to be read."""

    to: tuple[str, ...]
    language: Language
    at: time
    working_only: bool
    show_senders: bool
    sender: str
    envelope_sender: str
    folders: tuple[Folder, ...]
    remind_before: tuple[int, ...] = ()
    """At how many working days before something is due the digest reminds of it."""
    away: Absence | None = None
    deputy: str | None = None
    """Who hears of what nobody has touched and is due in one working day."""
    escalate_to: tuple[str, ...] = ()

    @property
    def reply_to(self) -> str:
        """Return where answers go: into the first inbox that is watched, if letters can reach it."""
        try:
            return deliverable(self.folders[0][0])
        except (IndexError, UndeliverableAddress):
            return self.sender

    def may_read(self, address: str) -> bool:
        """Tell whether somebody is one of those who are told, be it only while others are away or have touched nothing."""
        deputies = (self.away.deputy if self.away else None, self.deputy)
        return mailbox_key(address) in {mailbox_key(each) for each in (*self.to, *deputies) if each}

    def readers_on(self, day: date) -> tuple[str, ...]:
        """Return who gets the digest of a day: while the staff are away their deputy too."""
        stands_in = self.away is not None and self.away.first <= day <= self.away.last and self.away.deputy not in self.to
        return (*self.to, self.away.deputy) if self.to and self.away and stands_in else self.to


@dataclass(frozen=True, slots=True)
class ToStaff:
    """A letter to one of the staff: its kind, why it is written, and what it says; without HTML it is plain text."""

    kind: str
    cause: str
    to: str
    page: Page
    code: str = ""
    """The secret with which it is answered; without one it is only read."""
    answers: str | None = None
    """The Message-ID of what it answers."""


def digest_order(config: Config) -> DigestOrder:
    """Return what the configuration says of the digest; an address that no letter can reach is a mistake of it."""
    staff, away = config.staff, config.staff.away
    return DigestOrder(
        to=_reached("staff.digest_to", *staff.digest_to),
        language=Language(staff.language),
        at=time.fromisoformat(staff.digest_at),
        working_only=staff.digest_days == "working",
        show_senders=staff.show_senders,
        sender=deliverable(config.smtp.sender),
        envelope_sender=config.smtp.envelope_sender or config.smtp.sender,
        folders=tuple((inbox.address, inbox.folder) for inbox in config.inbox),
        remind_before=staff.remind_before,
        away=Absence(away.from_, away.to, *_reached("staff.away.deputy", away.deputy)) if away else None,
        deputy=next(iter(_reached("staff.deputy", *(each for each in (staff.deputy, away and away.deputy) if each))), None),
        escalate_to=_reached("staff.escalate_to", *staff.escalate_to),
    )


def _reached(key: str, *addresses: str) -> tuple[str, ...]:
    """Return the addresses as letters go to them; raise ``ConfigurationMistake`` where none can."""
    try:
        return tuple(map(deliverable, addresses))
    except UndeliverableAddress as mistake:
        raise ConfigurationMistake(f"{key} holds an address that no letter can reach: {mistake}") from mistake


def queue_digest(desk: Desk, order: DigestOrder, now: datetime) -> bool:
    """Queue the digest of the local day that is due, unless it stands already or is from before the store began (H99)."""
    day = day_due(now, desk.zone, order.at, desk.deadlines.calendar, working_only=order.working_only)
    if day is None or not order.to:
        return False
    causes = {to: cause_of(desk, DAILY, day.isoformat(), to) for to in order.readers_on(day)}
    with desk.database.read() as tx:
        if overview.is_caused(tx, list(causes.values())) or day < overview.began_at(tx, now).astimezone(desk.zone).date():
            return False
    with desk.database.write() as tx:
        _queue(tx, desk, order, day, causes, now)
    log.info("digest_queued", day=day.isoformat(), letters=len(causes))
    return True


def queue_digest_now(desk: Desk, order: DigestOrder, now: datetime) -> int:
    """Queue a digest because somebody asks for it, besides the daily one; return how many letters it is."""
    if not order.to:
        raise ConfigurationMistake('staff.digest_to names nobody: write who is to be told, as digest_to = ["officer@example.com"]')
    with desk.database.write() as tx:
        queue_digest_besides(tx, desk, order, now)
    return len(order.to)


def queue_digest_besides(tx: Connection, desk: Desk, order: DigestOrder, now: datetime, *, cannot_wait: int = 0) -> None:
    """Queue a digest besides the daily one, in the transaction of what it is sent for: so many requests that cannot wait, or another."""
    causes = {to: cause_of(desk, ASKED_FOR, f"{now:%Y%m%dT%H%M%S}", to) for to in order.to}
    _queue(tx, desk, order, _today(desk, now), causes, now, cannot_wait=cannot_wait)


def show_digest(desk: Desk, order: DigestOrder, now: datetime) -> Page:
    """Return the digest as it would be now."""
    with desk.database.read() as tx:
        return write_page(gather(tx, desk, order, _today(desk, now), now), _face(desk, order, head=chain.head(tx)))


def gather(tx: Connection, desk: Desk, order: DigestOrder, day: date, now: datetime) -> Digest:
    """Look up everything that the digest of ``day`` tells."""
    since = overview.last_caused_at(tx, f"{DAILY} ", now) or overview.began_at(tx, now)
    month = (_today(desk, now) - ONE_DAY).replace(day=1)  # on the first, the whole month that is over
    matters = overview.matters(tx, since, month)
    stuck, traffic = overview.undelivered(tx, now - WAITS_TOO_LONG), overview.traffic(tx, since)
    return Digest(
        day=day,
        now=now.astimezone(desk.zone),
        since=since,
        items=_sorted_out(matters, _today(desk, now), desk.deadlines.calendar),
        set_aside=ledger.set_aside(tx),
        undelivered=[letter for letter in stuck if not letter.is_capped],
        capped=[letter for letter in stuck if letter.is_capped],
        traffic={folder: traffic.get(folder, Traffic()) for folder in (*order.folders, *_busy(traffic))},
        not_read=[folder for folder in order.folders if _is_not_read(traffic.get(folder), now)],
        month=month,
        numbers=_numbers(desk, [matter for matter in matters if _counts(matter, month)], now),
        wave=waves.extent(tx, now),
        tasks=tasks.failures(tx),
        over=over_now(tx, desk, since, now),
        exports=access.exports_ready(tx, [matter.reference for matter in matters]),
        reminders={each.reference: each.left for each in _reminders(tx, desk, order, now)},
        away_until=order.away.last if order.away and order.readers_on(day) != order.to else None,
    )


def _reminders(tx: Connection, desk: Desk, order: DigestOrder, now: datetime) -> tuple[Reminder, ...]:
    return reminders_due(tx, order.remind_before, _today(desk, now), desk.deadlines.calendar)


def _sorted_out(matters: Sequence[Matter], today: date, calendar: Calendar) -> dict[Section, list[Item]]:
    """Put each request into the most urgent section that it fits, the first due first."""
    found: defaultdict[Section, list[Item]] = defaultdict(list)
    for matter in matters:
        if matter.state in OPEN or matter.is_new:
            item = _item(matter, today, calendar)
            found[section_of(item, today)].append(item)
    return {section: sorted(items, key=lambda each: each.due or date.max) for section, items in found.items()}


def section_of(item: Item, today: date) -> Section:
    """Return where a request stands; what was postponed comes back on its day. What is held is decided first, whenever it is due."""
    matter, urgency = item.matter, item.urgency(today)
    if matter.state not in OPEN:
        return Section.NEW
    if matter.postponed_to is not None and matter.postponed_to > today:
        return Section.WAITING
    if urgency and (matter.outcome is not Outcome.HELD or urgency is Section.OVERDUE):
        return urgency
    if item.awaits_staff:
        return Section.DECIDE
    return Section.NEW if matter.is_new else Section.WAITING


def _item(matter: Matter, today: date, calendar: Calendar) -> Item:
    """Look what is owed first: everything open that falls due on the earliest day."""
    still_open = [each for each in matter.promises if each.met_at is None]
    due = min((each.due for each in still_open if each.due), default=None)
    first = tuple(each for each in still_open if each.due == due)
    if due is None or due < today:
        return Item(matter, first, due, (today - due).days if due else 0)
    ahead = (today + n * ONE_DAY for n in range(1, (due - today).days + 1))
    return Item(matter, first, due, sum(map(calendar.is_working_day, ahead)))


def _numbers(desk: Desk, matters: Sequence[Matter], now: datetime) -> dict[RequestType | None, Counter[Result]]:
    """Count the month's requests by type, and how each stands; what is held is no request of any type yet."""
    numbers: defaultdict[RequestType | None, Counter[Result]] = defaultdict(Counter)
    for matter in matters:
        numbers[None if matter.outcome is Outcome.HELD else matter.type][_result(desk, matter, now)] += 1
    return numbers


def _counts(matter: Matter, month: date) -> bool:
    """Tell whether a request is of the month; what staff said is none was none."""
    return matter.received_on.replace(day=1) == month and matter.state is not State.NO_REQUEST


def _result(desk: Desk, matter: Matter, now: datetime) -> Result:
    if matter.state in OPEN:
        return Result.OPEN
    ends = ((each.due, each.met_at or matter.closed_at or now) for each in matter.promises if each.due)
    return Result.LATE if any(end.astimezone(desk.zone).date() > due for due, end in ends) else Result.IN_TIME


def _queue(
    tx: Connection, desk: Desk, order: DigestOrder, day: date, causes: Mapping[str, str], now: datetime, *, cannot_wait: int = 0
) -> None:
    """Write the digest and put it into the outbox, in one transaction with what it tells."""
    chain.enter_letters(tx)
    told, head = replace(gather(tx, desk, order, day, now), cannot_wait=cannot_wait), chain.head(tx)
    copies = [_copy_for(desk, order, told, head, to) for to in causes]
    outbox.queue(tx, [letter_to_staff(desk, order, replace(copy, cause=causes[copy.to]), now) for copy in copies], now)
    digests.add(tx, [_as_sent(tx, desk, copy, day, head) for copy in copies], now)
    note_reminders(tx, _reminders(tx, desk, order, now), now)


def _copy_for(desk: Desk, order: DigestOrder, told: Digest, head: bytes | None, to: str) -> ToStaff:
    """Return one reader's copy of the digest, with a secret of its own."""
    code = new_code(token_bytes)
    return ToStaff(DIGEST, "", to, write_page(told, _face(desk, order, code, head)), code)


def _as_sent(tx: Connection, desk: Desk, copy: ToStaff, day: date, head: bytes | None) -> NewDigest:
    """Return what is remembered of a copy: what its numbers stand for, and the secret as a hash."""
    items = (
        Numbered(each.number, each.kind, _name(tx, each.name) if each.kind is ItemKind.PERSON else each.name) for each in copy.page.items
    )
    return NewDigest(day, copy.to, desk.keys.of_address(mailbox_key(copy.to)), desk.keys.of_code(copy.code), tuple(items), head)


def _name(tx: Connection, address: str) -> str:
    """Return the number on file of a person: no address stays here when the person is destroyed."""
    return str(destruction.person_with(tx, mailbox_key(address)).owner or "")


def _face(desk: Desk, order: DigestOrder, code: str = "", head: bytes | None = None) -> Face:
    name, domain = operator_name(desk.policy, order.language), order.sender.rpartition("@")[2]
    return Face(order.language, name, domain, order.show_senders, code, order.reply_to, (head or b"").hex())


def letter_to_staff(desk: Desk, order: DigestOrder, told: ToStaff, now: datetime) -> NewLetter:
    """Return what goes over the wire to one reader; no cap binds it: how many there are, no sender decides."""
    key, domain = mailbox_key(told.to), order.sender.rpartition("@")[2]
    message_id = message_id_with(told.code, domain) if told.code else f"<mailbot.{token_urlsafe(16)}@{domain}>"
    fields = {
        "From": mailbox(operator_name(desk.policy, order.language), order.sender),
        "To": told.to,
        **({"Reply-To": order.reply_to} if told.code else {}),
        "Subject": encoded(told.page.subject, "Subject"),
        "Date": format_datetime(now),
        "Message-ID": message_id,
        **({"In-Reply-To": told.answers, "References": told.answers} if told.answers and MESSAGE_ID.fullmatch(told.answers) else {}),
        "Auto-Submitted": "auto-replied" if told.answers else "auto-generated",
        "X-Auto-Response-Suppress": "All",
        LOOP_MARK_FIELD: told.kind,
        "MIME-Version": "1.0",
        **(WITH_CALENDAR if told.page.calendar else BOTH_FORMS if told.page.html else TEXT_ONLY),
        "Content-Language": order.language.value,
    }
    return NewLetter(
        cause=told.cause,
        kind=told.kind,
        reference=None,
        topic=told.kind,
        language=order.language,
        recipient=told.to,
        recipient_key=desk.keys.of_address(key),
        domain=key.rpartition("@")[2],
        envelope_sender=order.envelope_sender,
        message_id=id_in_store(desk.keys, message_id),
        content=_both_forms(fields, told.page) if told.page.html else finished(fields, told.page.text),
        capped=False,
    )


def _both_forms(fields: dict[str, str], page: Page) -> bytes:
    """Return the message with its text and its HTML, the form that clients like better last (RFC 2046, 5.1.4), and with the calendar."""
    header = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    refuse_injection(header, list(fields))
    forms = {"plain": page.text, "html": page.html}
    body = _joined(BOUNDARY, [_part({"Content-Type": f"text/{name}; charset=utf-8"}, text) for name, text in forms.items()])
    if page.calendar:
        both = f"Content-Type: {BOTH_FORMS['Content-Type']}\r\n\r\n{body}"
        body = _joined(OUTER_BOUNDARY, [both, _part(CALENDAR, page.calendar)])
    return f"{header}\r\n{body}".encode("ascii")


def _part(fields: Mapping[str, str], text: str) -> str:
    header = "".join(f"{name}: {value}\r\n" for name, value in {**fields, "Content-Transfer-Encoding": "base64"}.items())
    body = encodebytes(text.replace("\n", "\r\n").encode()).decode().replace("\n", "\r\n")
    return f"{header}\r\n{body}"


def _joined(boundary: str, parts: Sequence[str]) -> str:
    return "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"


def cause_of(desk: Desk, why: str, when: str, to: str) -> str:
    """Name a letter to staff: one a reader and a day, or a moment if it was asked for, or whatever it alerts to (I3)."""
    return f"{why} {when} {desk.keys.of_address(mailbox_key(to)).hex()[:16]}"


def _is_not_read(traffic: Traffic | None, now: datetime) -> bool:
    return traffic is None or traffic.last_pass_at is None or now - traffic.last_pass_at > NOT_READ_AFTER


def _busy(traffic: Mapping[Folder, Traffic]) -> list[Folder]:
    """Return the folders that brought mail, configured or not: what arrived there is accounted for all the same."""
    return [folder for folder, each in traffic.items() if each.outcomes or each.pending]


def _today(desk: Desk, now: datetime) -> date:
    return now.astimezone(desk.zone).date()
