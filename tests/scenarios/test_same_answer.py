"""H69: nothing that mailbot writes tells whether an address is on file: subscriber and stranger get the same letters, byte for byte."""

import email.policy
import re
from base64 import decodebytes
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from email.message import EmailMessage
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select

from mailbot.arrival import Arrival, read_arrival
from mailbot.desk import Desk
from mailbot.intake import take_in
from mailbot.judging import asked_changes
from rules.authentication import Proof, Vouched
from rules.message import read, read_header
from rules.place import Place
from rules.recognition import Reading
from rules.vocabulary import Certainty, Language, Outcome, RequestType, Standing
from storage.subscribers import Consent, NewSubscriber, add_subscribers
from storage.tables import amendments, letters, requests
from tests.mailbot.register_room import NOW, office, open_desk

PROOFS = {Standing.ALIGNED: Proof.SPF, Standing.UNPROVEN: Proof.NO_RESULTS, Standing.FAILED: Proof.SPF_FAIL}
UPDATES = {
    "says nothing": "Please see to it.",
    "phone": "My new phone is {new_phone}, the old one was {old_phone}.",
    "address": "My new e-mail is {new}.",
    "address, from elsewhere": "My old e-mail is {address}, my new e-mail is {new}.",
}
OF_ITS_OWN = (
    (re.compile(rb"\b\d{4}-\d{5}-[A-Z]\b"), b"REFERENCE"),
    (re.compile(rb"\b[0-9a-hjkmnp-tv-z]{26}\b"), b"CODE"),
    (re.compile(rb"<mailbot\.[\w-]{22}@"), b"<mailbot.TOKEN@"),
)
"""What every letter has for itself."""


@dataclass(frozen=True)
class Asks:
    """What somebody asks, and how."""

    kind: RequestType
    standing: Standing
    language: Language | None
    text: str = ""


CASES = [
    Asks(kind, standing, language, text)
    for kind in RequestType
    for standing in Standing
    for language in (*Language, None)
    for text in (UPDATES if kind is RequestType.UPDATE else ("",))
]


@dataclass(frozen=True)
class Person:
    """Somebody, with the number of the case that they stand in; whatever is theirs is as long as the same of anybody else."""

    name: str
    number: int

    @property
    def address(self) -> str:
        return f"{self.name}{self.number:04}@example.com"

    def phone(self, of: str) -> str:
        """Return the old or the new number, as people write it."""
        number = f"{self.number + (5000 if of == 'new' else 0):04}"
        return f"8 700 000 {number[:2]} {number[2:]}"

    def writes(self, asks: Asks) -> EmailMessage:
        """Return what this person writes: an update of the address itself also from another one than the old."""
        sender = f"x{self.address}" if "elsewhere" in asks.text else self.address
        message = EmailMessage(policy=email.policy.SMTP)
        message["From"], message["To"], message["Subject"], message["Message-ID"] = sender, "info@alit.kz", "A request", f"<1.{sender}>"
        words = {"address": self.address, "new": self.new, "new_phone": self.phone("new"), "old_phone": self.phone("old")}
        message.set_content(UPDATES.get(asks.text, "Please act.").format(**words))
        return message

    @property
    def new(self) -> str:
        """Return the address that is to take the place of the old one."""
        return f"{self.name}{self.number:04}@new.example"

    def unnamed(self, raw: bytes) -> bytes:
        """Return bytes without what is this person's own."""
        for address, role in ((self.new, b"NEW"), (self.address, b"OLD")):
            raw = raw.replace(address.encode(), role)
        for own, name in OF_ITS_OWN:
            raw = own.sub(name, raw)
        return raw


@dataclass(frozen=True)
class Answer:
    """A letter without what is its own, and how large it is with it."""

    kind: str
    to: bytes
    waits: timedelta
    size: int
    header: bytes
    text: bytes


@pytest.fixture(params=[(False, ()), (False, ("crm",)), (True, ())], ids=["alone", "with a CRM", "withdrawals carried out at once"])
def desk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """Return desks at which more and less is done at once for whoever is on file."""
    auto, systems = request.param
    with open_desk(office(tmp_path, systems=systems), NOW) as desk:
        yield replace(desk, auto=auto)


def put_on_file(desk: Desk, people: list[Person]) -> None:
    consents = (Consent("informing", date(2025, 1, 1), evidence="form 7"),)
    contacts = [
        (("email", each.address, each.address), ("phone", phone := "+7" + each.phone("old").replace(" ", "")[1:], phone)) for each in people
    ]
    with desk.database.write() as tx:
        add_subscribers(tx, [NewSubscriber({"surname": "Үлгінова"}, each, consents) for each in contacts], "import", NOW)


def arrival(desk: Desk, uid: int, person: Person, asks: Asks) -> Arrival:
    """Return a message that is read, recognised and vouched for as the case says."""
    raw = person.writes(asks).as_bytes()
    made = read_arrival(desk, Place("info@alit.kz", "INBOX", 1, uid), NOW, len(raw), raw, read_header(raw), frozenset())
    made.message = read(raw)
    made.reading = Reading(Outcome.REQUEST, asks.kind, asks.language, None, None, Certainty.EXACT)
    made.changes = asked_changes(made.message) if asks.kind is RequestType.UPDATE else ()
    made.is_weighed = True
    made.vouched = Vouched(asks.standing, PROOFS[asks.standing])
    return made


def answers(desk: Desk, people: list[Person]) -> list[list[Answer]]:
    """Return what was written because of what each person wrote."""
    written: defaultdict[int, list[Answer]] = defaultdict(list)
    chosen = select(requests.c.uid, letters.c.kind, letters.c.recipient, letters.c.not_before, letters.c.content)
    with desk.database.read() as tx:
        rows = tx.execute(chosen.join(letters, letters.c.reference == requests.c.reference).order_by(letters.c.id)).all()
    for uid, kind, recipient, not_before, content in rows:
        header, _, body = content.partition(b"\r\n\r\n")
        person = people[uid - 1]
        told = person.unnamed(header), person.unnamed(decodebytes(body))
        written[uid].append(Answer(kind, person.unnamed(recipient.encode()), not_before - NOW, len(content), *told))
    return [written[uid] for uid in range(1, len(people) + 1)]


def test_h69_a_subscriber_and_a_stranger_get_the_same_letters_after_the_same_delay(desk: Desk) -> None:
    subscribers = [Person("dana", number) for number in range(len(CASES))]
    strangers = [Person("vera", number) for number in range(len(CASES))]
    put_on_file(desk, subscribers)
    uids, people = count(1), [*subscribers, *strangers]
    batch = [arrival(desk, uid, person, asks) for uid, person, asks in zip(uids, people, CASES * 2, strict=False)]
    with desk.database.write() as tx:
        take_in(tx, batch, desk, NOW, file_at_once=False)
        updates = select(requests.c.reference).where(requests.c.type == RequestType.UPDATE)
        changed = tx.execute(select(amendments.c.reference).where(amendments.c.reference.in_(updates))).all()
    written = answers(desk, people)
    to_subscribers, to_strangers = written[: len(CASES)], written[len(CASES) :]

    assert [] == [asks for asks, one, other in zip(CASES, to_subscribers, to_strangers, strict=True) if one != other]
    aligned_phones = [asks for asks in CASES if (asks.standing, asks.text) == (Standing.ALIGNED, "phone")]
    assert len(aligned_phones) == len(changed)  # a subscriber's change is made at once, and the letter is a stranger's all the same
    for asks, letters_of_case in zip(CASES, to_subscribers, strict=True):
        assert [] == [letter for letter in letters_of_case if asks.standing is Standing.FAILED]
    asked = [[letter.to for letter in each] for asks, each in zip(CASES, to_subscribers, strict=True) if "elsewhere" in asks.text and each]
    assert [[b"xOLD", b"NEW", b"OLD"]] * 8 == asked
