"""A year of one operator, time passed in: people write, staff answer their digest by mail, the daemon sleeps, days are moved.

The store, the desk, intake, the schedule's look, orders and outbox are the real ones; IMAP and SMTP alone are left out. What must come
of it is worked out beside it, in ``year_expected``; what is said stands in ``year_words``, what staff do in ``year_staff``.
"""

import email.policy
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from random import Random

from sqlalchemy import func, select

from mailbot.arrival import age_flags, read_arrival, with_body
from mailbot.clock import ClockWatch
from mailbot.config import Config, load_config
from mailbot.desk import Acting, Desk, set_up_desk
from mailbot.digest import Absence, DigestOrder, digest_order
from mailbot.digest_answers import without_secret
from mailbot.entering import ABOUT_A_REQUEST, COUNTED_FROM_RECEIPT, Entered, add_request, enter_event
from mailbot.errors import Problem
from mailbot.intake import take_in
from mailbot.letters import without_code
from mailbot.retention import retention_order
from mailbot.wakeful import Wakeful
from rules.confirmation import codes_in
from rules.life import OPEN
from rules.message import read, read_header
from rules.place import Cursor
from rules.vocabulary import Event, Outcome, RequestType, Standing, State
from storage import ledger, outbox, register, subscribers
from storage.digests import LineState
from storage.ledger import Entry
from storage.outbox import Caps, LetterState, Settlement
from storage.register import Registered
from storage.subscribers import Consent, NewSubscriber
from storage.tables import digests, events, obligations, order_lines, orders, requests
from tests.conftest import write_config
from tests.oracle.law import Operator
from tests.scenarios import year_words as words
from tests.scenarios.asking import FAILED
from tests.scenarios.year_expected import (
    ONE_DAY,
    ZONE,
    Expected,
    OpenOne,
    Truth,
    calendar_of,
    days_owed,
    local,
    next_working_day,
)
from tests.scenarios.year_staff import Deed, deeds_for, term_of

INBOX, OFFICER, DEPUTY, ABOVE = "info@alit.kz", "officer@example.com", "deputy@example.com", "director@example.com"
BEGINS, LAST_MAIL, ENDS = date(2026, 12, 28), date(2027, 12, 31), date(2028, 2, 4)
AWAY = (date(2027, 7, 12), date(2027, 7, 25))
RELAY_AWAY = (date(2027, 9, 14), date(2027, 9, 17))
"""Three days on which no letter is taken, and the morning on which they go again."""
CLOCK_SET_BACK = date(2027, 4, 8)
MOVED: dict[date, dict[date, bool]] = {
    BEGINS: {date(2027, 1, 8): False, date(2027, 1, 16): True},
    date(2027, 6, 21): {date(2027, 7, 5): False, date(2027, 7, 10): True},
    date(2027, 11, 29): {date(2027, 12, 17): False, date(2027, 12, 11): True},
}
"""From when on the file of moved days says what: a Monday before a holiday, a Friday after one."""
STOPPING = {
    RequestType.OPT_OUT,
    RequestType.REVOKE_CONSENT,
    RequestType.STOP_PROCESSING,
    RequestType.OBJECT_AUTOMATED,
    RequestType.RESTRICT_TRANSFER,
    RequestType.BLOCK,
    RequestType.DESTROY,
}
CRM: dict[Operator, str] = {"medico-intech": "manual", "wadjet": "manual", "kazger": "view", "technowomen": "view"}
"""How the other system learns what is due. Who has digests on working days alone has none that staff would have to see to on a Saturday."""
ODD_TIMES = (time(0), time(0, 1), time(8, 59), time(9), time(9, 2), time(12), time(18, 30), time(23, 59))
FATES = ("postponed", "withdrawn", "refused", "lapsed", "ordinary") + ("plain",) * 20


@dataclass
class Year:
    """One operator's year. ``real`` is what time it is; the machine's clock may be ``skewed``."""

    operator: Operator
    folder: Path
    random: Random
    expected: Expected
    entries: int
    real: datetime = datetime.combine(BEGINS, time(8), ZONE)
    skewed: timedelta = timedelta()
    is_up: bool = True
    truths: dict[str, Truth] = field(default_factory=dict)
    due: dict[tuple[str, str, str], date | None] = field(default_factory=dict)
    """By the oracle, when each obligation was last counted: reference, what, system."""
    came_in: dict[str, datetime] = field(default_factory=dict)
    """When mailbot took the request in, or staff entered it."""
    fates: dict[str, str] = field(default_factory=dict)
    forgotten: dict[str, date] = field(default_factory=dict)
    """What staff do not look at, and from which day on they do after all."""
    sent: defaultdict[str, list[EmailMessage]] = field(default_factory=lambda: defaultdict(list))
    downs: list[tuple[datetime, datetime]] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Open the office on its first day."""
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers, self._identities = count(), count(1)
        self._lying: list[tuple[int, datetime, bytes, Asking | None]] = []
        self._uid, self._people = 0, 0
        self._calendar, self._moved = ExitStack(), dict[date, bool]()
        self._on_file: set[str] = set()
        self._questions: list[tuple[EmailMessage, str]] = []
        self.config = self._configured()
        self._start(MOVED[BEGINS])

    # --- the machine ---------------------------------------------------------------------------------------------------
    @property
    def now(self) -> datetime:
        """What the machine's clock shows."""
        return (self.real + self.skewed).astimezone(UTC)

    def _configured(self) -> Config:
        self._overrides = self.folder / "moved.toml"
        self._overrides.touch()
        path = write_config(
            self.folder,
            imap_port=1,
            smtp_port=1,
            policy=self.operator,
            limits={},
            operator={"calendar_overrides": str(self._overrides)},
            staff={
                "digest_to": [OFFICER],
                "deputy": DEPUTY,
                "escalate_to": [ABOVE],
                "digest_days": "working" if self.expected.working_only else "daily",
                "language": ("en", "ru", "kk", "ru")[len(self.operator) % 4],
            },
            system={"name": "crm", "mode": CRM[self.operator]},
            retention={"ended_purpose": "destroy" if self.operator == "kazger" else "ask"},
        )
        if self.operator == "technowomen":
            path.write_text(path.read_text("utf-8") + '[[third_party]]\nname = "courier"\n', encoding="utf-8")
        return load_config(path)

    def _start(self, moved: dict[date, bool]) -> None:
        """Start the daemon with what the file of moved days says now."""
        self._moved |= moved
        lines = [f'{day} = {{ day = "{"working" if worked else "off"}", order = "No. 1" }}\n' for day, worked in self._moved.items()]
        self._overrides.write_text("".join(lines), encoding="utf-8")
        self._calendar.close()
        self._calendar.enter_context(calendar_of(self._moved))
        self.desk: Desk = set_up_desk(self.config, lambda: self.now)
        away = Absence(*self.expected.away, DEPUTY)
        self.order: DigestOrder = replace(digest_order(self.config), away=away)
        self._wake()

    def _wake(self) -> None:
        alert_after = timedelta(minutes=self.config.alarm.alert_after)
        self.wakeful = Wakeful(
            self.desk,
            self.order,
            retention_order(self.config),
            ClockWatch(self.desk.database, self.desk.zone, alert_after, ticks=lambda: self.real.timestamp()),
            all_read=lambda: True,
            beat=lambda _seconds, _doing: None,
            letters_wait=lambda: None,
            kept=self.config.retention,
            began=self.now,
        )

    def close(self) -> None:
        """Close the store."""
        self.desk.database.close()
        self._calendar.close()

    # --- the year ------------------------------------------------------------------------------------------------------
    def at(self, moment: datetime, doing: Callable[[], None]) -> None:
        """Put something on the agenda."""
        heappush(self._agenda, (moment, next(self._numbers), doing))

    def live(self) -> None:
        """Let the year go by."""
        self._plan()
        while self._agenda:
            self.real, _, doing = heappop(self._agenda)
            doing()

    def _plan(self) -> None:
        self._put_on_file()
        day = BEGINS
        while day <= ENDS:
            times = ((time(9, 1), self._look), (time(11), self._work), (time(13, 6), self._look_again), (time(14, 30), self._say_yes))
            for at, doing in times:
                self.at(datetime.combine(day, at, ZONE), doing)
            day += ONE_DAY
        for number in range(self.entries * 5 // 6):
            self.at(self._moment(), self._letter_of(number))
        for number in range(self.entries // 9):
            self.at(self._moment(office_hours=True), self._event_of(number))
        for number in range(self.entries // 18):
            self.at(self._moment(office_hours=True), self._post_of(number))
        for month, (days, up_at) in zip((2, 5, 8, 10, 12), ((1, 7), (2, 10), (4, 7), (3, 15), (1, 12)), strict=True):
            down = datetime.combine(date(2027, month, self.random.randint(1, 24)), time(self.random.choice((3, 8, 10))), ZONE)
            self.downs.append((down, datetime.combine(local(down) + days * ONE_DAY, time(up_at, 30), ZONE)))
            self.at(down, self._go_down)
            self.at(self.downs[-1][1], self._come_up)
        for day in [*MOVED][1:]:
            self.at(datetime.combine(day, time(8, 20), ZONE), self._restart_of(day))
        morning = datetime.combine(CLOCK_SET_BACK, time(9, 20), ZONE)
        for minutes, hours in ((0, -1), (70, 0)):
            self.at(morning + timedelta(minutes=minutes), self._set_clock(timedelta(hours=hours)))

    def _moment(self, *, office_hours: bool = False) -> datetime:
        """Return a moment of the year: at odd hours, on days off, and often in the last days of December."""
        if self.random.random() < 0.06:
            day = date(2027, 12, self.random.randint(25, 31))
        else:
            day = BEGINS + self.random.randrange((LAST_MAIL - BEGINS).days) * ONE_DAY
        if office_hours:
            return datetime.combine(day, time(10, self.random.randrange(60)), ZONE)
        odd = self.random.random() < 0.4
        at = self.random.choice(ODD_TIMES) if odd else time(self.random.randrange(24), self.random.randrange(60))
        return max(datetime.combine(day, at, ZONE), datetime.combine(BEGINS, time(8, 5), ZONE))

    def _restart_of(self, day: date) -> Callable[[], None]:
        def restart() -> None:
            self.desk.database.close()
            self._start(MOVED[day])
            for reference in self._open():
                self.count(reference)
            if self.is_up:
                self._look()

        return restart

    def _set_clock(self, skewed: timedelta) -> Callable[[], None]:
        def set_clock() -> None:
            self.skewed = skewed
            self._look()

        return set_clock

    def _go_down(self) -> None:
        self.is_up = False

    def _come_up(self) -> None:
        self.is_up = True
        self._wake()
        self._take_in()
        self._look()

    def _look(self) -> None:
        """Let the schedule look, and work out what that must bring."""
        if not self.is_up:
            return
        has_digest = self.expected.digest_comes(self.now)
        self.wakeful.look(60.0)
        before = len(self.expected.steps)
        self.expected.look(self.now, has_digest, self._open_ones())
        for reference, _, step in [*self.expected.steps][before:]:
            if step == "escalated" and reference in self.forgotten:
                self.forgotten[reference] = local(self.now) + self.random.choice((0, 0, 1, 3)) * ONE_DAY
        self._transmit()

    def _look_again(self) -> None:
        """Look in the afternoon where the deputy heard of something in the morning, and now and then besides."""
        told = [step for (_, _, step), at in self.expected.steps.items() if at > self.now - timedelta(hours=6)]
        if "deputy" in told or local(self.real).day % 7 == 0:
            self._look()

    def _open_ones(self) -> list[OpenOne]:
        """Return the open requests of which something with a day is owed."""
        owed = select(
            *(requests.c[name] for name in ("reference", "received_at", "postponed_to")), obligations.c.what, obligations.c.system
        )
        owed = owed.join(obligations).where(requests.c.state.in_(OPEN), obligations.c.met_at.is_(None))
        first: dict[str, OpenOne] = {}
        with self.desk.database.read() as tx:
            for row in tx.execute(owed.order_by(requests.c.reference)):
                due = self.due[row.reference, row.what, row.system]
                known = first.get(row.reference)
                if due and (known is None or due < known.due):
                    first[row.reference] = OpenOne(row.reference, row.received_at, due, row.postponed_to, is_untouched=True)
            lines = select(events.c.reference, events.c.who, events.c.what).where(events.c.reference.in_(first)).order_by(events.c.id)
            for line in tx.execute(lines):
                if line.who.startswith("staff"):
                    first[line.reference] = replace(first[line.reference], is_untouched=False)
                elif line.what in ("follow_up", "reopened", "says_no", "not_confirmed"):
                    first[line.reference] = replace(first[line.reference], is_untouched=True)
        return list(first.values())

    def _open(self) -> list[str]:
        with self.desk.database.read() as tx:
            return list(tx.execute(select(requests.c.reference).where(requests.c.state.in_(OPEN)).order_by(requests.c.reference)).scalars())

    def request(self, reference: str) -> Registered:
        """Return a request as the register holds it."""
        with self.desk.database.read() as tx:
            found = register.find_request(tx, reference)
        assert found is not None
        return found

    def count(self, reference: str) -> None:
        """Count with the oracle what an entry owes; what was met stays as it was counted then."""
        owed = days_owed(self.operator, self.truths[reference])
        found = self.request(reference).obligations
        assert set(owed) == {row.what for row in found}, reference
        for row in found:
            key = reference, row.what, row.system
            if row.met_at is None or key not in self.due:
                self.due[key] = owed[row.what]

    def _new(self, reference: str, truth: Truth) -> None:
        self.truths[reference] = truth
        self.came_in[reference] = self.now
        self.fates[reference] = self.random.choice(FATES)
        self.count(reference)

    # --- mail ----------------------------------------------------------------------------------------------------------
    def _deliver(self, fields: dict[str, str], text: str, *head: str, asking: "Asking | None" = None) -> None:
        """Put a message into the inbox; the daemon takes it in if it runs."""
        message = EmailMessage(policy=email.policy.SMTP)
        for name, value in {"To": INBOX, "Message-ID": f"<{next(self._identities)}@example.com>", **fields}.items():
            message[name] = value
        message.set_content(text)
        raw = "".join(f"{each}\r\n" for each in head).encode() + message.as_bytes()
        self._uid += 1
        self._lying.append((self._uid, self.now, raw, asking))
        if self.is_up:
            self._take_in()

    def _take_in(self) -> None:
        """Take in what lies there, as a round does, and carry out what staff ordered with it."""
        lying, self._lying = self._lying, []
        if not lying:
            return
        with self.desk.database.write() as tx:
            cursor = ledger.cursor_of(tx, INBOX, "INBOX") or Cursor(INBOX, "INBOX", 1, 0, self.now)
            if not cursor.last_uid:
                ledger.place_cursor(tx, cursor)
            arrivals = []
            for uid, received, raw, _ in lying:
                header = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
                flags = age_flags(self.desk, received)
                arrival = read_arrival(self.desk, cursor.place(uid), received, len(raw), header, read_header(header), flags)
                with_body(self.desk, arrival, read(raw))
                arrivals.append(arrival)
            entries = take_in(tx, arrivals, self.desk, self.now, file_at_once=False)
            ledger.record(tx, cursor, entries, lying[-1][0], self.now)
        for entry, (_, received, _, asking) in zip(entries, lying, strict=True):
            self.figures[f"mail {entry.outcome}"] += 1
            if asking is not None:
                self._opened(entry, received, asking)
        self.wakeful.obey_staff(self.now)
        self._transmit()

    def _opened(self, entry: Entry, received: datetime, asking: "Asking") -> None:
        assert entry.reference is not None
        request = self.request(entry.reference)
        wanted = Outcome.HELD if asking.kind is None else Outcome.REQUEST
        assert (wanted, asking.kind, asking.standing) == (entry.outcome, request.type, request.standing)
        truth = Truth(received, self.now, asking.kind, request.may_be if asking.kind is None else None, self._stops(asking.kind, request))
        self._new(entry.reference, truth)
        if self.random.random() < 0.04:
            self.forgotten[entry.reference] = ENDS

    def _stops(self, kind: RequestType | None, request: Registered) -> bool:
        """Tell whether messages stop because of a request, so that staff have to stop them elsewhere; who reads our view has."""
        is_believed = request.standing is not Standing.FAILED or kind is RequestType.OPT_OUT
        return kind in STOPPING and is_believed and request.sender is not None and CRM[self.operator] == "manual"

    def _transmit(self) -> None:
        """Let the relay take what is due, unless it is away."""
        if RELAY_AWAY[0] <= local(self.real) < RELAY_AWAY[1]:
            return
        limits = self.config.limits
        caps = Caps(limits.letters_per_address_a_day, limits.letters_per_domain_an_hour, limits.letters_an_hour)
        going: list[tuple[str, bytes]] = []
        with self.desk.database.write() as tx:
            while claimed := outbox.claim(tx, 100, caps, self.now):
                outbox.mark(tx, claimed, self.now)
                kept = ((each, without_code(each.content) or without_secret(each.content)) for each in claimed)
                ends = [Settlement(each, LetterState.ACCEPTED, "250 2.0.0 OK", kept=stays) for each, stays in kept]
                outbox.settle(tx, ends, self.now)
                going += [(each.recipient, each.content) for each in claimed]
        for recipient, content in going:
            letter = message_from_bytes(content, _class=EmailMessage, policy=email.policy.default)
            self.sent[recipient].append(letter)
            if recipient == OFFICER or recipient == DEPUTY:
                self._questions += [(letter, recipient)] if letter["X-Mailbot-Loop"] == "answered" else []
            elif recipient != ABOVE:
                self._get(recipient, letter)

    # --- people --------------------------------------------------------------------------------------------------------
    def _put_on_file(self) -> None:
        people = []
        for number in range(1, self.entries * 2):
            if number % 5 < 3:
                address, phone = f"person{number}@example.com", f"+7700{number:07d}"
                agreed = tuple(Consent(scope, date(2026, 1, 1)) for scope in ("informing", "transfer"))
                people.append(NewSubscriber({}, (("email", address, address), ("phone", phone, phone)), agreed))
                self._on_file.add(address)
        with self.desk.database.write() as tx:
            subscribers.add_subscribers(tx, people, "import", self.now)

    def _person(self, *, on_file: bool | None = None) -> str:
        """Return somebody who has not written yet."""
        while True:
            self._people += 1
            address = f"person{self._people}@example.com"
            if on_file is None or (address in self._on_file) is on_file:
                return address

    def _letter_of(self, number: int) -> Callable[[], None]:
        def write() -> None:
            language, address = number % 3, self._person()
            kind = None if number % 13 == 12 else [*RequestType][number % 13]
            draw = self.random.random()
            standing = Standing.ALIGNED if draw < 0.55 else Standing.FAILED if draw > 0.94 else Standing.UNPROVEN
            passed = f"Authentication-Results: mx.alit.kz; spf=pass smtp.mailfrom={address}"
            head = {Standing.ALIGNED: [passed], Standing.FAILED: [FAILED], Standing.UNPROVEN: []}[standing]
            subject = (words.UNCLEAR if kind is None else words.ASKS[kind])[language]
            fields = {"From": address, "Subject": subject}
            self._deliver(fields, f"{self._details(kind, language)}\r\n{words.NAMES[language]}", *head, asking=Asking(kind, standing))

        return write

    def _details(self, kind: RequestType | None, language: int) -> str:
        draw = self.random.random()
        if kind is not RequestType.UPDATE or draw > 0.9:
            return ""
        if draw > 0.75:
            return words.NEW_ADDRESS[language].format(new=f"new{self._people}@example.com")
        return words.NEW_PHONE[language].format(new=f"+7 700 900 {self._people // 100:02d} {self._people % 100:02d}")

    def _get(self, address: str, letter: EmailMessage) -> None:
        """Let a person read a letter, and answer it or not."""
        assert letter["Message-ID"] not in {each["Message-ID"] for each in self.sent[address][:-1]}
        language = ("en", "ru", "kk").index((letter["Content-Language"] or "en").partition(",")[0])
        draw = self.random.random()
        if codes_in(letter.get_content()) if not letter.is_multipart() else False:
            said = words.YES if draw < 0.6 else words.NO if draw < 0.67 else words.PERHAPS if draw < 0.75 else None
        else:
            said = words.IMPATIENT if draw < 0.03 else None
        if said:
            later = self.real + timedelta(minutes=self.random.choice((5, 60, 600, 1500, 2700)))
            self.at(later, lambda: self._reply(address, letter, said[language]))

    def _reply(self, sender: str, letter: EmailMessage, text: str, *head: str) -> None:
        body = letter.get_body(preferencelist=("plain",))
        assert body is not None
        quoted = "".join(f"> {line}\r\n" for line in body.get_content().splitlines()[:60])
        subject = f"Re: {' '.join(letter['Subject'].split())}"
        self._deliver({"From": sender, "Subject": subject, "In-Reply-To": letter["Message-ID"]}, f"{text}\r\n\r\n{quoted}", *head)

    # --- staff ---------------------------------------------------------------------------------------------------------
    @property
    def _reader(self) -> str:
        return DEPUTY if self.expected.deputy_reads(local(self.real)) else OFFICER

    def _work(self) -> None:
        """Answer the digest by mail, or on some days do it by commands; while no letter arrives by commands alone."""
        if not self.is_up:
            return
        relay_is_away = RELAY_AWAY[0] <= local(self.real) < RELAY_AWAY[1]
        listed = dict.fromkeys(self._open(), 0) if relay_is_away else self._listed()
        chosen = [(number, request) for reference, number in listed.items() if self._is_looked_at(request := self.request(reference))]
        meant = [(number, request.reference, deed) for number, request in chosen for deed in self._deeds(request)]
        if relay_is_away or self.random.random() < 0.25:
            for _, reference, deed in meant:
                self._act(reference, deed)
            self._transmit()
        elif meant:
            self._order(meant)

    def _listed(self) -> dict[str, int]:
        """Return the numbers of the requests in the last digest of whoever reads it now."""
        newest = select(digests.c["items"]).where(digests.c.reader == self._reader).order_by(digests.c.id.desc()).limit(1)
        with self.desk.database.read() as tx:
            items = tx.execute(newest).scalar()
        return {name: number for number, kind, name in items or () if kind == "request"}

    def _is_looked_at(self, request: Registered) -> bool:
        """Tell whether staff see to it today: whatever is due by the next working day, and some of the rest; nothing needless on days off."""
        today = local(self.real)
        if request.state not in OPEN or today < self.forgotten.get(request.reference, today):
            return False
        following = next_working_day(today)
        due = min((day for day in self._days_left(request) if day), default=None)
        if following > today + ONE_DAY and due and due < following:
            return True
        if following != today + ONE_DAY and today.weekday() > 4:
            return False
        if due and due <= following:
            return True
        return request.state is State.AWAITING_STAFF and self.random.random() < 0.3

    def _deeds(self, request: Registered) -> list[Deed]:
        if request.type is RequestType.AUTHORITY_INQUIRY and self.truths[request.reference].term is None and self.random.random() < 0.5:
            return [term_of(request, local(self.real) + self.random.randint(2, 12) * ONE_DAY)]
        is_on_file = request.subscriber_id is not None
        return deeds_for(request, self.fates[request.reference], local(self.real), is_on_file=is_on_file)

    def _act(self, reference: str, deed: Deed) -> bool:
        try:
            with self.desk.database.write() as tx:
                deed.command(Acting(tx, self.desk, f"staff:{self._reader}"))
        except Problem as problem:
            self.refused[str(problem).replace(reference, "…")] += 1
            return False
        self._happened(reference, deed)
        return True

    def _order(self, meant: Iterable[tuple[int, str, Deed]]) -> None:
        """Answer the digest with a line for each deed, and see what became of each."""
        deeds, language = list(meant), self.random.randrange(3)
        digest = next(each for each in reversed(self.sent[self._reader]) if each["X-Mailbot-Loop"] == "digest")
        text = "\r\n".join(deed.line(number, language) for number, _, deed in deeds)
        aligned = ["Authentication-Results: mx.alit.kz; spf=pass smtp.mailfrom=staff@example.com"] if self.random.random() < 0.7 else []
        self._reply(self._reader, digest, text, *aligned)
        with self.desk.database.read() as tx:
            last = select(func.max(orders.c.id)).scalar_subquery()
            lines = tx.execute(select(order_lines).where(order_lines.c.order_id == last).order_by(order_lines.c.number)).all()
        assert [deed.line(number, language) for number, _, deed in deeds] == [line.line for line in lines]
        for (_, reference, deed), line in zip(deeds, lines, strict=True):
            self.figures[f"order {line.state}"] += 1
            if line.state == LineState.DONE:
                self._happened(reference, deed)
            elif line.state != LineState.ASKED:
                self.refused[line.said.replace(reference, "…")] += 1

    def _happened(self, reference: str, deed: Deed) -> None:
        """Take into account what a deed changed of what is owed."""
        truth, request = self.truths[reference], self.request(reference)
        if deed.typed:
            self.truths[reference] = replace(truth, kind=deed.typed, may_be=None, stops=self._stops(deed.typed, request))
        if deed.term:
            self.truths[reference] = replace(truth, term=deed.term)
        if deed.typed or deed.term:
            self.count(reference)

    def _say_yes(self) -> None:
        """Confirm what could not be undone, where the answer of mailbot asks for it."""
        questions, self._questions = self._questions, []
        for letter, reader in questions:
            with self.desk.database.read() as tx:
                asked = tx.execute(select(order_lines.c.state).where(order_lines.c.state == LineState.ASKED)).all()
            if asked and self.is_up:
                self._reply(reader, letter, "\r\n".join(["YES"]))

    def _post_of(self, number: int) -> Callable[[], None]:
        """Enter a request that came by post, by phone or in person; some lay long."""

        def enter() -> None:
            kind = [*RequestType][number % len(RequestType)]
            received = self.real.astimezone(UTC) - timedelta(days=self.random.choice((0, 0, 1, 1, 2, 20)), minutes=30)
            entered = Entered(kind, ("post", "phone", "in_person")[number % 3], received, self._person() if number % 4 else "")
            with self.desk.database.write() as tx:
                request = add_request(Acting(tx, self.desk, f"staff:{OFFICER}"), entered)
            self._new(request.reference, Truth(received, self.now, kind, stops=self._stops(kind, request)))
            self._hurry(request.reference)

        return enter

    def _event_of(self, number: int) -> Callable[[], None]:
        """Enter an event, found today or some days ago: about an open request, a person on file, or nobody."""

        def enter() -> None:
            event = [*Event][number % len(Event)]
            at = self.real.astimezone(UTC) - timedelta(days=self.random.choice((0, 0, 0, 1, 2, 12)), minutes=7)
            about = self._about(event)
            if about is None:
                self.figures[f"event {event} about nothing"] += 1
                return
            try:
                with self.desk.database.write() as tx:
                    request = enter_event(Acting(tx, self.desk, f"staff:{OFFICER}"), event, about, at, "the audit, page 4")
            except Problem as problem:
                self.refused[f"{event}: {problem}".replace(about, "…")] += 1
                return
            self.figures[f"event {event}"] += 1
            self.forgotten.pop(about, None)
            known = self.truths.get(request.reference)
            since = request.received_at if event in COUNTED_FROM_RECEIPT else at
            if known is None:
                self._new(request.reference, Truth(at, self.now, events=((event, since),)))
            else:
                self.truths[request.reference] = replace(known, entered=self.now, events=(*known.events, (event, since)))
                self.count(request.reference)
            self._hurry(request.reference)

        return enter

    def _hurry(self, reference: str) -> None:
        """Do at once by commands what was entered on its last day, or later: the next digest would come too late."""
        today, request = local(self.real), self.request(reference)
        while any(day and day <= today for day in self._days_left(request)):
            done = [self._act(reference, deed) for deed in deeds_for(request, "plain", today, is_on_file=request.subscriber_id is not None)]
            assert any(done), reference
            request = self.request(reference)
        self._transmit()

    def _days_left(self, request: Registered) -> list[date | None]:
        return [self.due[request.reference, row.what, row.system] for row in request.obligations if row.met_at is None]

    def _about(self, event: Event) -> str | None:
        """Return what an event is about: "" nobody, None if the register has nothing like that."""
        if event is Event.BREACH:
            return ""
        suitable = {
            Event.PUBLIC_SOURCE: (RequestType.BLOCK, RequestType.DESTROY),
            Event.NO_BREACH_FOUND: (RequestType.UNBLOCK,),
            Event.CONSUMER_CLAIM: (RequestType.QUESTION, None),
        }.get(event)
        if event is Event.DESTRUCTION_IMPOSSIBLE:
            ended = ((Event.PURPOSE_ENDED,),)
            found = [each for each in self._open() if tuple(happened for happened, _ in self.truths[each].events) in ended]
        elif suitable:
            found = [each for each in self._open() if self.truths[each].kind in suitable]
        else:
            found = self._open() if self.random.random() < 0.3 else []
        if not found and event in ABOUT_A_REQUEST:
            return None
        return self.random.choice(found) if found else self._person(on_file=True)


@dataclass(frozen=True, slots=True)
class Asking:
    """What a letter asks, by whoever wrote it."""

    kind: RequestType | None
    standing: Standing
