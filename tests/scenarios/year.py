"""A year of one operator, time passed in: people write, answer and are silent, staff answer their digest by mail, forget, are away.

The machine is ``year_machine``; what is said stands in ``year_words``, what staff do about a request in ``year_staff``.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from email.message import EmailMessage
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from random import Random

from sqlalchemy import func, select

from mailbot.desk import Acting
from mailbot.entering import COUNTED_FROM_RECEIPT, Entered, add_request, enter_event
from mailbot.errors import Problem
from mailbot.moves import NotPossible, still_owed
from rules.confirmation import codes_in
from rules.life import OPEN
from rules.vocabulary import Event, RequestType, Standing, State
from storage import subscribers
from storage.digests import LineState
from storage.ledger import Entry
from storage.register import Registered
from storage.subscribers import Consent, NewSubscriber
from storage.tables import digests, order_lines, orders
from tests.oracle.law import Operator
from tests.scenarios import year_words as words
from tests.scenarios.asking import FAILED
from tests.scenarios.year_expected import ONE_DAY, ZONE, Expected, Truth, local, next_working_day
from tests.scenarios.year_machine import BEGINS, DEPUTY, MOVED, OFFICER, Asking, Machine, letter_of
from tests.scenarios.year_staff import Deed, deeds_for, term_of

LAST_MAIL, ENDS = date(2027, 12, 31), date(2028, 2, 4)
AWAY = (date(2027, 7, 12), date(2027, 7, 25))
CLOCK_SET_BACK = date(2027, 4, 8)
ODD_TIMES = (time(0), time(0, 1), time(8, 59), time(9), time(9, 2), time(12), time(18, 30), time(23, 59))
FITS = {Event.PUBLIC_SOURCE: RequestType.BLOCK, Event.NO_BREACH_FOUND: RequestType.UNBLOCK, Event.CONSUMER_CLAIM: RequestType.QUESTION}
FATES = ("postponed", "withdrawn", "refused", "lapsed", "ordinary") + ("plain",) * 20


@dataclass
class Year:
    """One operator's year, on an agenda of its own; ``random`` is seeded, so that it is the same each time."""

    operator: Operator
    folder: Path
    random: Random
    entries: int
    """How many requests and events come."""
    working_only: bool
    fates: dict[str, str] = field(default_factory=dict)
    forgotten: dict[str, date] = field(default_factory=dict)
    """What staff do not look at, and from which day on they do after all."""
    downs: list[tuple[datetime, datetime]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Open the office on its first day."""
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers, self._people = count(), 0
        self._on_file: set[str] = set()
        began, self.expected = datetime.combine(BEGINS, time(8), ZONE), Expected(self.working_only, BEGINS, AWAY)
        self.machine = Machine(self.operator, self.folder, self.expected, began, dict(MOVED[BEGINS]), self._opened, self._got)
        self._read: Counter[str] = Counter()

    @property
    def _today(self) -> date:
        return local(self.machine.real)

    # --- the year ------------------------------------------------------------------------------------------------------
    def at(self, moment: datetime, doing: Callable[[], None]) -> None:
        """Put something on the agenda."""
        heappush(self._agenda, (moment, next(self._numbers), doing))

    def live(self) -> None:
        """Let the year go by."""
        self._plan()
        while self._agenda:
            self.machine.real, _, doing = heappop(self._agenda)
            doing()

    def _plan(self) -> None:
        self._put_on_file()
        day = BEGINS
        while day <= ENDS:
            times = (
                (time(9, 1), self._look),
                (time(11), self._work),
                (time(13, 6), self._look_again),
                (time(14, 30), self._work_again),
                (time(17, 10), self._look_again),
            )
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
            self.at(datetime.combine(day, time(8, 20), ZONE), self._move_days)
        morning = datetime.combine(CLOCK_SET_BACK, time(9, 20), ZONE)
        for minutes in (0, 70):
            self.at(morning + timedelta(minutes=minutes), self._set_clock)

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

    def _go_down(self) -> None:
        self.machine.is_up = False

    def _come_up(self) -> None:
        self.machine.come_up()
        self._look()

    def _move_days(self) -> None:
        self.machine.start_anew(MOVED[self._today])
        self._look()

    def _set_clock(self) -> None:
        """Set the clock back by an hour, and the next time right again."""
        self.machine.skewed = timedelta() if self.machine.skewed else timedelta(hours=-1)
        self._look()

    def _look(self) -> None:
        before = len(self.expected.steps)
        self.machine.look()
        for reference, _, step in [*self.expected.steps][before:]:
            if step == "escalated" and reference in self.forgotten:
                self.forgotten[reference] = local(self.machine.now) + self.random.choice((0, 0, 1, 3)) * ONE_DAY

    def _look_again(self) -> None:
        """Look in the afternoon where the deputy heard of something in the morning, and now and then besides."""
        told = [step for (_, _, step), at in self.expected.steps.items() if at > self.machine.now - timedelta(hours=6)]
        if "deputy" in told or self._today.day % 7 == 0:
            self._look()

    # --- people --------------------------------------------------------------------------------------------------------
    def _put_on_file(self) -> None:
        people = []
        for number in range(1, self.entries * 2):
            if number % 5 < 3:
                address, phone = f"person{number}@example.com", f"+7700{number:07d}"
                agreed = tuple(Consent(scope, date(2026, 1, 1)) for scope in ("informing", "transfer"))
                people.append(NewSubscriber({}, (("email", address, address), ("phone", phone, phone)), agreed))
                self._on_file.add(address)
        with self.machine.desk.database.write() as tx:
            subscribers.add_subscribers(tx, people, "import", self.machine.now)

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
            self.machine.deliver(
                fields, words.body(kind, language, self._people, self.random.random()), *head, asking=Asking(kind, standing)
            )

        return write

    def _opened(self, entry: Entry, asking: Asking) -> None:
        assert entry.reference is not None
        if self.random.random() < 0.04:
            self.forgotten[entry.reference] = ENDS
        request = self.machine.request(entry.reference)
        if any(day and self.expected.cannot_wait(day, request.received_at) for day in self._days_left(request)):
            self.at(self.machine.real + timedelta(minutes=1), self._look)
            self.at(self.machine.real + timedelta(minutes=40), self._work_again)

    def _got(self, address: str, letter: EmailMessage) -> None:
        """Let a person read a letter, and answer it or not."""
        language = ("en", "ru", "kk").index((letter["Content-Language"] or "en").partition(",")[0])
        draw = self.random.random()
        if codes_in(letter.get_content()) if not letter.is_multipart() else False:
            said = words.YES if draw < 0.6 else words.NO if draw < 0.67 else words.PERHAPS if draw < 0.75 else None
        else:
            said = words.IMPATIENT if draw < 0.03 else None
        if said:
            later = self.machine.real + timedelta(minutes=self.random.choice((5, 60, 600, 1500, 2700)))
            self.at(later, lambda: self._reply(address, letter, said[language]))

    def _reply(self, sender: str, letter: EmailMessage, text: str, *head: str) -> None:
        body = letter.get_body(preferencelist=("plain",))
        assert body is not None
        quoted = "".join(f"> {line}\r\n" for line in body.get_content().splitlines()[:60])
        subject = f"Re: {' '.join(letter['Subject'].split())}"
        self.machine.deliver({"From": sender, "Subject": subject, "In-Reply-To": letter["Message-ID"]}, f"{text}\r\n\r\n{quoted}", *head)

    # --- staff ---------------------------------------------------------------------------------------------------------
    @property
    def _reader(self) -> str:
        return DEPUTY if self.expected.deputy_reads(self._today) else OFFICER

    def _work(self) -> None:
        """Answer the digest by mail, or on some days do it by commands; while no letter arrives by commands alone."""
        if not self.machine.is_up:
            return
        listed = dict.fromkeys(self.machine.open_requests(), 0) if self.machine.is_relay_away else self._listed()
        chosen = [
            (number, request) for reference, number in listed.items() if self._is_looked_at(request := self.machine.request(reference))
        ]
        meant = [(number, request.reference, deed) for number, request in chosen for deed in self._deeds(request)]
        if self.machine.is_relay_away or self.random.random() < 0.25:
            for _, reference, deed in meant:
                self._act(reference, deed)
            self.machine.transmit()
        elif meant:
            self._order(meant)

    def _listed(self) -> dict[str, int]:
        """Return the numbers of the requests in the last digest of whoever reads it now."""
        newest = select(digests.c["items"]).where(digests.c.reader == self._reader).order_by(digests.c.id.desc()).limit(1)
        with self.machine.desk.database.read() as tx:
            items = tx.execute(newest).scalar()
        return {name: number for number, kind, name in items or () if kind == "request"}

    def _is_looked_at(self, request: Registered) -> bool:
        """Tell whether staff see to it today: whatever is due by the next working day, some of the rest, on days off what cannot wait."""
        today = self._today
        if request.state not in OPEN or today < self.forgotten.get(request.reference, today):
            return False
        following = next_working_day(today)
        due = min((day for day in self._days_left(request) if day), default=None)
        if following > today + ONE_DAY and due and due < following:
            return True
        if following != today + ONE_DAY and today.weekday() > 4:
            return False
        is_urgent = due is not None and due <= following
        return is_urgent or (request.state is State.AWAITING_STAFF and self.random.random() < 0.3)

    def _deeds(self, request: Registered) -> list[Deed]:
        is_authoritys = request.type is RequestType.AUTHORITY_INQUIRY and self.machine.truths[request.reference].term is None
        if is_authoritys and self.random.random() < 0.5:
            return [term_of(request, self._today + self.random.randint(2, 12) * ONE_DAY)]
        is_on_file = request.subscriber_id is not None
        return deeds_for(request, self.fates.setdefault(request.reference, self.random.choice(FATES)), self._today, is_on_file=is_on_file)

    def _act(self, reference: str, deed: Deed) -> bool:
        try:
            with self.machine.desk.database.write() as tx:
                deed.command(Acting(tx, self.machine.desk, f"staff:{self._reader}"))
        except Problem as problem:
            self._refused(reference, deed, str(problem))
            return False
        self._happened(reference, deed)
        return True

    def _order(self, meant: Iterable[tuple[int, str, Deed]]) -> None:
        """Answer the digest with a line for each deed, and see what became of each."""
        deeds, language = list(meant), self.random.randrange(3)
        digest = next(letter_of(each) for each in reversed(self.machine.sent[self._reader]) if b"X-Mailbot-Loop: digest" in each)
        text = "\r\n".join(deed.line(number, language) for number, _, deed in deeds)
        aligned = ["Authentication-Results: mx.alit.kz; spf=pass smtp.mailfrom=staff@example.com"] if self.random.random() < 0.7 else []
        self._reply(self._reader, digest, text, *aligned)
        with self.machine.desk.database.read() as tx:
            last = select(func.max(orders.c.id)).scalar_subquery()
            lines = tx.execute(select(order_lines).where(order_lines.c.order_id == last).order_by(order_lines.c.number)).all()
        assert [deed.line(number, language) for number, _, deed in deeds] == [line.line for line in lines]
        for (_, reference, deed), line in zip(deeds, lines, strict=True):
            self.machine.figures[f"order {line.state}"] += 1
            if line.state == LineState.DONE:
                self._happened(reference, deed)
            elif line.state != LineState.ASKED:
                self._refused(reference, deed, line.said)

    def _refused(self, reference: str, deed: Deed, said: str) -> None:
        """Remember what was refused, unless it is done already: destroying a person meets what another request owed them."""
        request = self.machine.request(reference)
        owed = {name for each in still_owed(request) for name in (each.what, f"{each.what} in {each.system}")}
        if request.state in OPEN and (not deed.of or deed.of in owed):
            self.refused[said.replace(reference, "…")] += 1

    def _happened(self, reference: str, deed: Deed) -> None:
        """Take into account what a deed changed of what is owed."""
        truth, request = self.machine.truths[reference], self.machine.request(reference)
        if deed.typed:
            self.machine.truths[reference] = replace(truth, kind=deed.typed, may_be=None, stops=self.machine.stops(deed.typed, request))
        if deed.term:
            self.machine.truths[reference] = replace(truth, term=deed.term)
        if deed.typed or deed.term:
            self.machine.count(reference)

    def _work_again(self) -> None:
        """See to what is left of today."""
        self._say_yes()
        self.at(self.machine.real + timedelta(hours=2), self._say_yes)
        if self.machine.is_up and not self.machine.is_relay_away:
            today = self._today
            left = [(number, self.machine.request(reference)) for reference, number in self._listed().items()]
            due = [(number, each) for number, each in left if any(day and day <= today for day in self._days_left(each))]
            if meant := [(number, each.reference, deed) for number, each in due if self._is_looked_at(each) for deed in self._deeds(each)]:
                self._order(meant)

    def _say_yes(self) -> None:
        """Confirm what could not be undone, where the answer of mailbot asks for it."""
        for reader in (OFFICER, DEPUTY) if self.machine.is_up else ():
            new = self.machine.sent[reader][self._read[reader] :]
            self._read[reader] += len(new)
            for content in new:
                if b"X-Mailbot-Loop: answered" in content:
                    self._confirm(reader, letter_of(content))

    def _confirm(self, reader: str, letter: EmailMessage) -> None:
        of_these = select(order_lines.c.line).join(orders, orders.c.id == order_lines.c.order_id)
        of_these = of_these.where(orders.c.message_id == letter["In-Reply-To"], order_lines.c.state == LineState.ASKED)
        with self.machine.desk.database.read() as tx:
            asked = tx.execute(of_these).scalars().all()
        if asked:
            numbers = ", ".join(line.split()[0] for line in asked)
            self._reply(reader, letter, f"YES {numbers}")

    def _post_of(self, number: int) -> Callable[[], None]:
        """Enter a request that came by post, by phone or in person; some lay long."""

        def enter() -> None:
            kind = [*RequestType][number % len(RequestType)]
            self._hurry(self._enter_request(kind, self.random.choice((0, 0, 1, 1, 2, 20)), self._person() if number % 4 else ""))

        return enter

    def _enter_request(self, kind: RequestType, days_ago: int, address: str) -> str:
        received = self.machine.real.astimezone(UTC) - timedelta(days=days_ago, minutes=30)
        entered = Entered(kind, self.random.choice(("post", "phone", "in_person")), received, address)
        with self.machine.desk.database.write() as tx:
            request = add_request(Acting(tx, self.machine.desk, f"staff:{OFFICER}"), entered)
        self.machine.enter(request.reference, Truth(received, self.machine.now, kind, stops=self.machine.stops(kind, request)))
        return request.reference

    def _event_of(self, number: int) -> Callable[[], None]:
        """Enter an event, found today or some days ago: about an open request, a person on file, or nobody."""

        def enter() -> None:
            event = [*Event][number % len(Event)]
            about, days_ago = self._about(event), self.random.choice((0, 0, 0, 1, 2, 12))
            try:
                self._hurry(self._enter_event(event, about, days_ago))
            except NotPossible as problem:  # what the law numbers nobody may block instead
                self.machine.figures[f"event {event} refused: {problem}".replace(about, "…")] += 1

        return enter

    def _enter_event(self, event: Event, about: str, days_ago: int) -> str:
        at = self.machine.real.astimezone(UTC) - timedelta(days=days_ago, minutes=7)
        with self.machine.desk.database.write() as tx:
            request = enter_event(Acting(tx, self.machine.desk, f"staff:{OFFICER}"), event, about, at, "the audit, page 4")
        self.machine.figures[f"event {event}"] += 1
        self.forgotten.pop(about, None)
        known, since = self.machine.truths.get(request.reference), request.received_at if event in COUNTED_FROM_RECEIPT else at
        if known is None:
            self.machine.enter(request.reference, Truth(at, self.machine.now, events=((event, since),)))
        else:
            self.machine.truths[request.reference] = replace(known, events=(*known.events, (event, since)))
            self.machine.count(request.reference)
        return request.reference

    def _about(self, event: Event) -> str:
        """Return what an event is about: an open request that it fits to, which is entered if there is none, a person, or nobody."""
        if event is Event.BREACH:
            return ""
        if event is Event.DESTRUCTION_IMPOSSIBLE:
            return self._enter_event(Event.PURPOSE_ENDED, self._person(on_file=True), 0)
        kind = FITS.get(event)
        if kind:
            found = [each for each in self.machine.open_requests() if self.machine.truths[each].kind is kind]
            return self.random.choice(found) if found else self._enter_request(kind, 0, self._person())
        found = (
            [each for each in self.machine.open_requests() if self.machine.request(each).subscriber_id]
            if self.random.random() < 0.3
            else []
        )
        return self.random.choice(found) if found else self._person(on_file=True)

    def _hurry(self, reference: str) -> None:
        """Do at once by commands what was entered on its last day, or later: the next digest would come too late."""
        today, request = self._today, self.machine.request(reference)
        while any(day and day <= today for day in self._days_left(request)):
            done = [self._act(reference, deed) for deed in deeds_for(request, "plain", today, is_on_file=request.subscriber_id is not None)]
            assert any(done), reference
            request = self.machine.request(reference)
        self.machine.transmit()

    def _days_left(self, request: Registered) -> list[date | None]:
        return [self.machine.due[request.reference, row.what, row.system] for row in request.obligations if row.met_at is None]
