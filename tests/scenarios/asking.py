"""A room for scenarios in which mailbot asks people back: one inbox, people on file, letters that are answered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from itertools import count
from pathlib import Path

from mailbot.config import load_config
from mailbot.desk import Desk, set_up_desk
from storage.confirmations import Confirmation, of_request
from storage.database import open_database
from storage.register import Registered
from storage.subscribers import Consent, NewSubscriber, Subscriber, add_subscribers, find_subscriber
from tests.conftest import ConfigFile
from tests.scenarios.outside import append_all, requests_in, run_once, store_of
from tests.servers import CapturingSmtp, Dovecot

PASSED = "Authentication-Results: mx.alit.kz; spf=pass smtp.mailfrom=sender@example.com"
FAILED = "Authentication-Results: mx.alit.kz; dmarc=fail header.from=example.com"
JANUARY = datetime(2026, 1, 5, 5, 0, tzinfo=UTC)


@dataclass
class Room:
    """An inbox that mailbot watches, and whoever writes to it."""

    config: Path
    dovecot: Dovecot
    smtp: CapturingSmtp
    mailbox: str
    _numbers: "count[int]" = field(default_factory=count)

    def on_file(self, *addresses: str, phone: str = "+77000002013", scopes: Sequence[str] = ("informing",)) -> None:
        """Put a person on file."""
        contacts = [("email", address, address) for address in addresses] + [("phone", phone, phone)]
        consents = tuple(Consent(scope, date(2025, 1, 1), evidence="form 7") for scope in scopes)
        database = open_database(load_config(self.config).store.url)
        with database.write() as tx:
            add_subscribers(tx, [NewSubscriber({"surname": "Үлгінова"}, tuple(contacts), consents)], "import", JANUARY)
        database.close()

    def write(self, sender: str, subject: str, text: str, *fields: str) -> None:
        """Have somebody write, and mailbot go a round."""
        append_all(self.dovecot, self.mailbox, [self.mail(sender, subject, text, *fields)])
        run_once(self.config)

    def mail(self, sender: str, subject: str, text: str, *fields: str) -> bytes:
        """Write a message that no other one is like."""
        names = {each.partition(":")[0].lower() for each in fields}
        given = {"From": sender, "To": "info@alit.kz", "Message-ID": f"<{next(self._numbers)}@example.com>"}
        head = [*(f"{name}: {value}" for name, value in given.items() if name.lower() not in names), *fields]
        head += [f"Subject: {subject}", "Date: Mon, 5 Jan 2026 10:00:00 +0500", "Content-Type: text/plain; charset=utf-8"]
        return "\r\n".join([*head, "", text, ""]).encode()

    def answer(self, letter: EmailMessage, sender: str, text: str, *fields: str) -> None:
        """Have somebody reply to a letter as mail programs do: with its subject, its Message-ID and its text quoted."""
        quoted = "".join(f"> {line}\r\n" for line in letter.get_content().splitlines())
        subject = " ".join(letter["Subject"].split())
        self.write(sender, f"Re: {subject}", f"{text}\r\n\r\n{quoted}", f"In-Reply-To: {letter['Message-ID']}", *fields)

    def letters_to(self, address: str) -> list[EmailMessage]:
        """Return the letters that an address got."""
        return [read(each.content) for each in self.smtp.envelopes if address in each.recipients]

    def letter_to(self, address: str) -> EmailMessage:
        """Return the last letter that an address got."""
        return self.letters_to(address)[-1]

    def request(self) -> Registered:
        """Return the request that was entered first."""
        return min(requests_in(self.config), key=lambda request: request.reference)

    def person(self, address: str) -> Subscriber | None:
        """Return who has an address on file."""
        with store_of(self.config) as tx:
            return find_subscriber(tx, address)

    def asked(self) -> tuple[Confirmation, ...]:
        """Return what was asked for that request."""
        with store_of(self.config) as tx:
            return of_request(tx, self.request().reference)

    def desk(self, now: datetime) -> Desk:
        """Return the desk at a moment; the caller closes its store."""
        return set_up_desk(load_config(self.config), lambda: now)


def room(config_file: ConfigFile, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str) -> Room:
    """Return a room with an empty inbox."""
    config = config_file()
    run_once(config)
    return Room(config, dovecot, smtp, mailbox)


def read(raw: bytes) -> EmailMessage:
    """Read a letter as its recipient does."""
    letter = message_from_bytes(raw, policy=default)
    assert isinstance(letter, EmailMessage)
    return letter


def values(person: Subscriber | None, kind: str) -> list[str]:
    """Return a person's addresses or phone numbers."""
    assert person is not None
    return [contact.value for contact in person.contacts if contact.kind == kind]
