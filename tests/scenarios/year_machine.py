"""The machine of the simulated year: the real store, desk, intake, schedule and outbox of one operator, on a clock that is passed in.

It may sleep, be started anew with other moved days, and its relay and its clock may go wrong. Beside each step stands what the oracle says
of it; what must come of a look is worked out in ``year_expected``.
"""

import email.policy
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from itertools import count
from pathlib import Path

from sqlalchemy import select

from mailbot.arrival import age_flags, read_arrival, with_body
from mailbot.clock import ClockWatch
from mailbot.config import Config, load_config
from mailbot.desk import Desk, set_up_desk
from mailbot.digest import Absence, DigestOrder, digest_order
from mailbot.intake import take_in
from mailbot.letters import without_code
from mailbot.retention import retention_order
from mailbot.wakeful import Wakeful
from rules.life import OPEN
from rules.message import read, read_header
from rules.place import Cursor
from rules.vocabulary import RequestType, Standing, State
from storage import ledger, outbox, register
from storage.ledger import Entry
from storage.outbox import Caps, LetterState, Settlement
from storage.register import Registered
from storage.tables import events, obligations, requests
from tests.conftest import write_config
from tests.oracle.law import Operator
from tests.scenarios.year_expected import Expected, OpenOne, Truth, calendar_of, days_owed, local

INBOX, OFFICER, DEPUTY, ABOVE = "info@alit.kz", "officer@example.com", "deputy@example.com", "director@example.com"
BEGINS = date(2026, 12, 28)
MOVED: dict[date, dict[date, bool]] = {
    BEGINS: {date(2027, 1, 8): False, date(2027, 1, 16): True},
    date(2027, 6, 21): {date(2027, 7, 5): False, date(2027, 7, 10): True},
    date(2027, 11, 29): {date(2027, 12, 17): False, date(2027, 12, 11): True},
}
"""From when on the file of moved days says what: a Monday before a holiday, a Friday after one."""
RELAY_AWAY = (date(2027, 9, 14), date(2027, 9, 17))
"""Three days on which no letter is taken, and the morning on which they go again."""
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


@dataclass(frozen=True, slots=True)
class Asking:
    """What a letter asks, by whoever wrote it."""

    kind: RequestType | None
    standing: Standing


@dataclass
class Machine:
    """One operator's mailbot. ``real`` is what time it is; the machine's own clock may be ``skewed``."""

    operator: Operator
    folder: Path
    expected: Expected
    real: datetime
    moved: dict[date, bool]
    """What the file of moved days says."""
    opened: Callable[[Entry, "Asking"], None]
    """Called when a letter has become a request."""
    got: Callable[[str, EmailMessage], None]
    """Called when somebody who is not of the staff gets a letter."""
    skewed: timedelta = timedelta()
    is_up: bool = True
    truths: dict[str, Truth] = field(default_factory=dict)
    due: dict[tuple[str, str, str], date | None] = field(default_factory=dict)
    """By the oracle, when each obligation was last counted: reference, what, system."""
    counted: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    """Since when that day is the one."""
    came_in: dict[str, datetime] = field(default_factory=dict)
    """When mailbot took the request in, or staff entered it."""
    sent: defaultdict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    figures: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Start for the first time."""
        self._identities, self._uid = count(1), 0
        self._lying: list[tuple[int, datetime, bytes, Asking | None]] = []
        self._calendar = ExitStack()
        self.config = self._configured()
        self._start()
        self._cursor = Cursor(INBOX, "INBOX", 1, 0, self.now)
        with self.desk.database.write() as tx:
            ledger.place_cursor(tx, self._cursor)

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

    def _start(self) -> None:
        lines = [f'{day} = {{ day = "{"working" if worked else "off"}", order = "No. 1" }}\n' for day, worked in self.moved.items()]
        self._overrides.write_text("".join(lines), encoding="utf-8")
        self._calendar.enter_context(calendar_of(self.moved))
        self.desk: Desk = set_up_desk(self.config, lambda: self.now)
        self.order: DigestOrder = replace(digest_order(self.config), away=Absence(*self.expected.away, DEPUTY))
        self._wake()

    def start_anew(self, moved: dict[date, bool]) -> None:
        """Start with further days in the file of moved days, so that what is open is counted anew."""
        self.close()
        self.moved |= moved
        self._start()
        for reference in self.open_requests():
            self.count(reference)

    def come_up(self) -> None:
        """Run again after the machine was off."""
        self.is_up = True
        self._wake()
        self._take_in()

    def _wake(self) -> None:
        alert_after = timedelta(minutes=self.config.alarm.alert_after)
        self.wakeful = Wakeful(
            self.desk,
            self.order,
            retention_order(self.config),
            ClockWatch(self.desk.database, self.desk.zone, alert_after, ticks=self._ticks),
            all_read=lambda: True,
            beat=lambda _seconds, _doing: None,
            letters_wait=lambda: None,
            kept=self.config.retention,
            began=self.now,
        )

    def _ticks(self) -> float:
        return self.real.timestamp()

    def close(self) -> None:
        """Close the store."""
        self.desk.database.close()
        self._calendar.close()

    def look(self) -> None:
        """Let the schedule look, and work out what that must bring."""
        if not self.is_up:
            return
        has_digest = self.expected.digest_comes(self.now)
        self.wakeful.look(60.0)
        self.expected.look(self.now, has_digest, self._open_ones())
        self.transmit()

    def _open_ones(self) -> list[OpenOne]:
        """Return the open requests of which something with a day is owed."""
        names = ("reference", "received_at", "postponed_to", "state", "standing")
        owed = select(*(requests.c[name] for name in names), obligations.c.what, obligations.c.system)
        owed = owed.join(obligations).where(requests.c.state.in_(OPEN), obligations.c.met_at.is_(None))
        first: dict[str, OpenOne] = {}
        with self.desk.database.read() as tx:
            for row in tx.execute(owed.order_by(requests.c.reference)):
                due = self.due[row.reference, row.what, row.system]
                known = first.get(row.reference)
                if due and (known is None or due < known.due):
                    hurries_nobody = row.state == State.AWAITING_SENDER or row.standing == Standing.FAILED
                    first[row.reference] = OpenOne(row.reference, row.received_at, due, row.postponed_to, True, hurries_nobody)
            lines = select(events.c.reference, events.c.who, events.c.what).where(events.c.reference.in_(first)).order_by(events.c.id)
            for line in tx.execute(lines):
                if line.who.startswith("staff") and line.what not in ("entered", "event", "messages_stopped"):
                    first[line.reference] = replace(first[line.reference], is_untouched=False)
                elif line.what in ("follow_up", "reopened", "says_no", "not_confirmed"):
                    first[line.reference] = replace(first[line.reference], is_untouched=True)
        return list(first.values())

    def open_requests(self) -> list[str]:
        """Return what is open."""
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
            if key not in self.due or (row.met_at is None and self.due[key] != owed[row.what]):
                self.due[key], self.counted[key] = owed[row.what], self.now

    def enter(self, reference: str, truth: Truth) -> None:
        """Remember the truth behind a new entry of the register."""
        self.truths[reference] = truth
        self.came_in[reference] = self.now
        self.count(reference)

    # --- mail ----------------------------------------------------------------------------------------------------------
    def deliver(self, fields: dict[str, str], text: str, *head: str, asking: "Asking | None" = None) -> None:
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
            arrivals = []
            for uid, received, raw, _ in lying:
                header = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
                flags = age_flags(self.desk, received)
                arrival = read_arrival(self.desk, self._cursor.place(uid), received, len(raw), header, read_header(header), flags)
                with_body(self.desk, arrival, read(raw))
                arrivals.append(arrival)
            entries = take_in(tx, arrivals, self.desk, self.now, file_at_once=False)
            ledger.record(tx, self._cursor, entries, lying[-1][0], self.now)
            self._cursor = replace(self._cursor, last_uid=lying[-1][0])
        for entry, (_, received, _, asking) in zip(entries, lying, strict=True):
            self.figures[f"mail {entry.outcome}"] += 1
            if asking is not None:
                self._enter(entry, received, asking)
        self.wakeful.obey_staff(self.now)
        self.transmit()

    def _enter(self, entry: Entry, received: datetime, asking: Asking) -> None:
        assert entry.reference is not None
        request = self.request(entry.reference)
        assert (asking.kind, asking.standing) == (request.type, request.standing)
        may_be = request.may_be if asking.kind is None else None
        self.enter(entry.reference, Truth(received, self.now, asking.kind, may_be, self.stops(asking.kind, request)))
        self.opened(entry, asking)

    def stops(self, kind: RequestType | None, request: Registered) -> bool:
        """Tell whether messages stop because of a request, so that staff have to stop them elsewhere; who reads our view has."""
        is_believed = request.standing is not Standing.FAILED or kind is RequestType.OPT_OUT
        return kind in STOPPING and is_believed and request.sender is not None and CRM[self.operator] == "manual"

    def transmit(self) -> None:
        """Let the relay take what is due, unless it is away."""
        if self.is_relay_away:
            return
        limits = self.config.limits
        caps = Caps(limits.letters_per_address_a_day, limits.letters_per_domain_an_hour, limits.letters_an_hour)
        going: list[tuple[str, bytes]] = []
        with self.desk.database.write() as tx:
            while claimed := outbox.claim(tx, 100, caps, self.now):
                outbox.mark(tx, claimed, self.now)
                ends = [Settlement(each, LetterState.ACCEPTED, "250 2.0.0 OK", kept=without_code(each.content)) for each in claimed]
                outbox.settle(tx, ends, self.now)
                going += [(each.recipient, each.content) for each in claimed]
        for recipient, content in going:
            self.sent[recipient].append(content)
            if recipient not in (OFFICER, DEPUTY, ABOVE):
                self.got(recipient, letter_of(content))

    @property
    def is_relay_away(self) -> bool:
        """Tell whether no letter is taken today."""
        return RELAY_AWAY[0] <= local(self.real) < RELAY_AWAY[1]


def letter_of(content: bytes) -> EmailMessage:
    """Read a letter as whoever gets it does."""
    return message_from_bytes(content, _class=EmailMessage, policy=email.policy.default)
