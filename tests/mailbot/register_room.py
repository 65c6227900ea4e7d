"""A desk with a real store, and a register with what a test puts into it: for the tests of what staff do."""

import email.policy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import select

from mailbot.arrival import read_arrival
from mailbot.carrying_out import hand_to_staff
from mailbot.config import load_config
from mailbot.desk import Acting, Desk, set_up_desk
from mailbot.intake import take_in
from mailbot.judging import asked_changes
from rules.addresses import mailbox_key
from rules.authentication import Proof, Vouched
from rules.message import read, read_header
from rules.place import Place
from rules.recognition import Reading
from rules.vocabulary import Certainty, Language, Outcome, RequestType, Standing
from storage import register, subscribers
from storage.register import Registered
from storage.subscribers import Consent, NewSubscriber, Subscriber
from storage.tables import letters
from tests.conftest import write_config

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)  # a Friday
TODAY = date(2026, 11, 20)
PERSON = "aigul@example.com"
uids = count(1)

P = ParamSpec("P")
T = TypeVar("T")


def office(folder: Path, *, systems: tuple[str, ...] = ()) -> Path:
    """Write a configuration whose servers nobody asks; each of ``systems`` gets a table."""
    path = write_config(folder, imap_port=1, smtp_port=1)
    path.write_text(path.read_text(encoding="utf-8") + "".join(f'[[system]]\nname = "{name}"\n' for name in systems), encoding="utf-8")
    return path


@contextmanager
def open_desk(config: Path, now: datetime = NOW) -> Iterator[Desk]:
    """Open a desk at which it is always ``now``."""
    desk = set_up_desk(load_config(config), lambda: now)
    try:
        yield desk
    finally:
        desk.database.close()


def act(desk: Desk, doing: Callable[Concatenate[Acting, str, P], T], about: str, who: str, /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Let one of the staff do one thing, in a transaction of its own."""
    with desk.database.write() as tx:
        return doing(Acting(tx, desk, who), about, *args, **kwargs)


def arrive(
    desk: Desk,
    kind: RequestType | None,
    sender: str = PERSON,
    *,
    may_be: tuple[RequestType, ...] = (),
    matched: str | None = None,
    reason: str = "the test says so",
    fields: Mapping[str, str] | None = None,
    standing: Standing = Standing.ALIGNED,
) -> str:
    """Let a message arrive that asks for ``kind``, or is held for what it ``may_be``; return its reference.

    Who is asked back answers at once, so that it is the staff's turn.
    """
    uid = next(uids)
    message = EmailMessage(policy=email.policy.SMTP)
    headers = {"From": sender, "To": "info@alit.kz", "Subject": "A request", "Message-ID": f"<{uid}@example.com>", **(fields or {})}
    for name, value in headers.items():
        message[name] = value
    message.set_content(f"Text {uid}")
    raw, now = message.as_bytes(), desk.now()
    arrival = read_arrival(desk, Place("info@alit.kz", "INBOX", 1, uid), now, len(raw), raw, read_header(raw), frozenset())
    arrival.message = read(raw)
    outcome = Outcome.HELD if may_be or kind is None else Outcome.REQUEST
    arrival.reading = Reading(outcome, kind, Language.EN, matched, None, Certainty.EXACT, reason, may_be)
    arrival.changes = asked_changes(arrival.message) if kind is RequestType.UPDATE else ()
    arrival.is_weighed = True
    arrival.vouched = Vouched(standing, Proof.SPF if standing is Standing.ALIGNED else Proof.NO_RESULTS)
    with desk.database.write() as tx:
        (entry,) = take_in(tx, [arrival], desk, now, file_at_once=False)
        assert entry.reference is not None
        hand_to_staff(tx, [entry.reference], now)
    return entry.reference


def put_on_file(desk: Desk, address: str = PERSON, scopes: tuple[str, ...] = ("informing", "transfer")) -> None:
    """Put a person on file who agreed to ``scopes``."""
    consents = tuple(Consent(scope, date(2026, 1, 1)) for scope in scopes)
    with desk.database.write() as tx:
        subscribers.add_subscribers(tx, [NewSubscriber({}, (("email", address, mailbox_key(address)),), consents)], "test", desk.now())


def person(desk: Desk, address: str = PERSON) -> Subscriber:
    """Return the person on file."""
    with desk.database.read() as tx:
        found = subscribers.find_subscriber(tx, mailbox_key(address))
    assert found is not None
    return found


def is_on_file(desk: Desk, address: str = PERSON) -> bool:
    """Tell whether anybody on file has the address."""
    with desk.database.read() as tx:
        return subscribers.find_subscriber(tx, mailbox_key(address)) is not None


def consents_left(desk: Desk, address: str = PERSON) -> list[str]:
    """Return the scopes of the consents that have no end."""
    return [consent.scope for consent in person(desk, address).consents if consent.until is None]


def is_suppressed(desk: Desk, address: str = PERSON) -> bool:
    """Tell whether messages to the address are stopped."""
    with desk.database.read() as tx:
        return subscribers.suppressed_since(tx, desk.keys.of_address(mailbox_key(address))) is not None


def request(desk: Desk, reference: str) -> Registered:
    """Return a request as the register holds it."""
    with desk.database.read() as tx:
        found = register.find_request(tx, reference)
    assert found is not None
    return found


def still_owed(desk: Desk, reference: str) -> list[tuple[str, str]]:
    """Return the open obligations of a request: what, and where."""
    return [(owed.what, owed.system) for owed in request(desk, reference).obligations if owed.met_at is None]


def history(desk: Desk, reference: str) -> list[str]:
    """Return what happened to a request, in words of the register."""
    with desk.database.read() as tx:
        return [event.what for event in register.history_of(tx, reference)]


def details(desk: Desk, reference: str, what: str) -> list[Mapping[str, object]]:
    """Return the details of every event of a kind."""
    with desk.database.read() as tx:
        return [event.detail for event in register.history_of(tx, reference) if event.what == what]


def letters_to(desk: Desk, reference: str) -> list[tuple[str, str]]:
    """Return kind and text of every letter about a request, oldest first; the text has neither line ends nor encoding."""
    with desk.database.read() as tx:
        rows = tx.execute(select(letters.c.kind, letters.c.content).where(letters.c.reference == reference).order_by(letters.c.id)).all()
    return [(row.kind, " ".join((read(row.content).text or "").split())) for row in rows]


def kinds_to(desk: Desk, reference: str) -> list[str]:
    """Return the kinds of the letters about a request."""
    return [kind for kind, _ in letters_to(desk, reference)]
