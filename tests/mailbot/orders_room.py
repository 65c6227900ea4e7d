"""A desk whose staff answer their digest, without servers: for the tests of what is made of their answers."""

import email.policy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import select

from mailbot.arrival import read_arrival, weigh, with_body
from mailbot.config import Retention, load_config
from mailbot.desk import Desk, set_up_desk
from mailbot.digest import DigestOrder, digest_order, queue_digest
from mailbot.intake import take_in
from mailbot.ordering import carry_out_orders
from rules.authentication import Proof, Vouched
from rules.message import read, read_header
from rules.place import Place
from rules.vocabulary import Language, Outcome, Standing
from storage.tables import digests, letters, order_lines
from tests.mailbot.register_room import office

OFFICER, COLLEAGUE = "officer@example.com", "colleague@example.com"
FRIDAY, MONDAY = datetime(2026, 11, 20, 6, 30, tzinfo=UTC), datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
uids = count(10_000)


@dataclass
class Room:
    """A desk with a clock, and what its staff send and get."""

    desk: Desk
    order: DigestOrder
    clock: list[datetime]
    kept: Retention = field(default_factory=Retention)

    def at(self, moment: datetime) -> None:
        """Set the clock."""
        self.clock[0] = moment

    def digest(self) -> str:
        """Queue the digest of the day and return the secret of the first reader's copy."""
        assert queue_digest(self.desk, self.order, self.clock[0])
        return self.secret("digest", self.order.to[0])

    def letters(self, kind: str, to: str = OFFICER) -> list[EmailMessage]:
        """Return the letters of a kind to somebody, oldest first."""
        chosen = select(letters.c.content).where(letters.c.kind == kind, letters.c.recipient == to).order_by(letters.c.id)
        with self.desk.database.read() as tx:
            contents = tx.execute(chosen).scalars().all()
        return [email.message_from_bytes(content, _class=EmailMessage, policy=email.policy.default) for content in contents]

    def secret(self, kind: str, to: str = OFFICER) -> str:
        """Return the secret of the last letter of a kind."""
        found = re.search(r"<mailbot\.digest\.([0-9a-z]{26})@", self.letters(kind, to)[-1]["Message-ID"])
        assert found
        return found[1]

    def said(self, to: str = OFFICER) -> str:
        """Return what the last answer says, without its line breaks."""
        return " ".join(self.letters("answered", to)[-1].get_content().split())

    def number(self, name: str, to: str = OFFICER) -> int:
        """Return the number of something in the last digest."""
        with self.desk.database.read() as tx:
            sent = tx.execute(select(digests).where(digests.c.reader == to).order_by(digests.c.id.desc()).limit(1)).one()
        return next(int(number) for number, _, each in sent.items if each == name)

    def receive(self, says: str, secret: str, sender: str = OFFICER, **more: Any) -> Outcome:
        """Take in an answer: by default one that nobody vouches for, with the secret in In-Reply-To."""
        fields = {"From": sender, "To": "info@alit.kz", "Subject": "Re: mailbot · alit.kz: nothing urgent"}
        fields |= {"In-Reply-To": f"<mailbot.digest.{secret}@alit.kz>"} if secret else {}
        fields |= {"Message-ID": more.get("message_id") or f"<{next(uids)}@staff.example>", **more.get("fields", {})}
        message = EmailMessage(policy=email.policy.SMTP)
        for name, value in fields.items():
            message[name] = value
        message.set_content(says)
        raw, now, place = message.as_bytes(), more.get("at") or self.clock[0], Place("info@alit.kz", "INBOX", 1, next(uids))
        arrival = read_arrival(self.desk, place, now, len(raw), raw, read_header(raw), frozenset())
        with_body(self.desk, arrival, read(raw))
        weigh(self.desk, arrival)
        arrival.vouched = Vouched(more.get("standing", Standing.UNPROVEN), Proof.SPF)
        with self.desk.database.write() as tx:
            (entry,) = take_in(tx, [arrival], self.desk, now, file_at_once=False)
        return entry.outcome

    def obey(self) -> int:
        """Carry out what was ordered."""
        return carry_out_orders(self.desk, self.order, self.kept)

    def write(self, says: str, secret: str, sender: str = OFFICER, **more: Any) -> str:
        """Take an answer in, carry it out, and return what is said to whoever wrote it."""
        assert Outcome.STAFF_ACTION is self.receive(says, secret, sender, **more)
        assert 1 == self.obey()
        return self.said(sender)

    def lines(self) -> list[tuple[str, str]]:
        """Return every order and what became of it."""
        with self.desk.database.read() as tx:
            return [(row.line, row.state) for row in tx.execute(select(order_lines).order_by(order_lines.c.id))]


@contextmanager
def open_room(folder: Path, language: Language = Language.EN, *readers: str, systems: tuple[str, ...] = ()) -> Iterator[Room]:
    """Open a desk at which it is Friday, whose digest the officer reads, or whoever else is named."""
    clock, config = [FRIDAY], load_config(office(folder, systems=systems))
    desk = set_up_desk(config, lambda: clock[0])
    try:
        yield Room(desk, replace(digest_order(config), language=language, to=readers or (OFFICER,)), clock)
    finally:
        desk.database.close()
