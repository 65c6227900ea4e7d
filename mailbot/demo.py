"""The demo, first form: sample mail goes through the real pipeline into a store that is thrown away, and the outcome is shown.

No server is needed and nothing is sent. The samples are invented; their people live at ``example.com``.
"""

import email.policy
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from mailbot.arrival import read_arrival, with_body
from mailbot.config import Config
from mailbot.desk import Desk, set_up_desk
from mailbot.intake import take_in
from rules.message import read, read_header
from rules.place import Place
from storage import outbox, register
from storage.outbox import Caps
from storage.register import Registered

INBOX = "info@alit.kz"
CAPS = Caps(per_address_a_day=3, per_domain_an_hour=30, an_hour=200)


@dataclass(frozen=True, slots=True)
class Sample:
    """One message of the demo: who writes, under which subject, what, and with which header fields besides."""

    sender: str
    subject: str
    text: str
    fields: tuple[tuple[str, str], ...] = ()


SAMPLES = (
    Sample("anna@example.com", "Personal Data Update", "Phone: +7 700 000 12 34"),
    Sample("timur@example.com", "Отзыв согласия на обработку персональных данных", "Прошу прекратить обработку моих данных."),
    Sample("aigul@example.com", "Хабарламалардан бас тарту", "Маған хабарлама жібермеңіздер."),
    Sample("john@example.com", "Opt-out of Notifications", ""),
    Sample("dina@example.com", "Добрый день", "Какие мои персональные данные вы храните? Прошу прислать сведения."),
    Sample("serik@example.com", "Отзыв согласия и изменение телефона", "Сделайте, пожалуйста, и то и другое."),
    Sample(
        "anna@example.com",
        "Re: Personal Data Update",
        "And my surname is now spelled Exampleva.",
        (("In-Reply-To", "<demo0@example.com>"),),
    ),
    Sample("sales@shop.example", "Invoice No. 2209", "Please find the invoice attached."),
    Sample("clinic@shop.example", "Отзыв о товаре", "Отличный товар, спасибо!"),
    Sample("news@shop.example", "Winter sale", "To unsubscribe click here.", (("List-Unsubscribe", "<mailto:out@shop.example>"),)),
    Sample("mailer-daemon@example.com", "Undelivered Mail Returned to Sender", "550 no such user", (("Auto-Submitted", "auto-replied"),)),
)


def show() -> None:
    """Take the samples in, and print the register with its due dates, one letter in each language, and the reconciliation."""
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="mailbot-demo-") as folder:
        desk = set_up_desk(_config(Path(folder)), lambda: now)
        with desk.database.write() as tx:
            outcomes = _take_in_samples(tx, desk, now)
            requests = register.list_requests(tx)
            letters = [claimed.content for claimed in outbox.claim(tx, len(SAMPLES), CAPS, now)]
        desk.database.close()
    console = Console(soft_wrap=not sys.stdout.isatty(), highlight=False)
    console.print(f"{len(SAMPLES)} sample messages to {INBOX}, read under the policy “{desk.policy.name}”\n")
    console.print(_register_table(requests))
    for language in ("kk", "ru", "en"):
        _print_letter(console, letters, language)
    accounted = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    console.print(f"\nArrived {len(SAMPLES)} = accounted for {sum(outcomes.values())}: {accounted}.")
    console.print("Nothing was sent, and the store is gone again. Next: the README's “Ten minutes to production”.")


def _config(folder: Path) -> Config:
    secret = folder / "password"
    secret.touch(mode=0o600)
    return Config.model_validate(
        {
            "operator": {"policy": "kazger"},
            "store": {"url": f"sqlite:///{folder}/demo.db"},
            "inbox": [{"address": INBOX, "host": "localhost", "port": 143, "tls": "none", "user": "demo", "password_file": secret}],
            "smtp": {"host": "localhost", "port": 25, "tls": "none", "sender": INBOX},
        }
    )


def _take_in_samples(tx: Connection, desk: Desk, now: datetime) -> Counter[str]:
    arrivals = []
    for uid, sample in enumerate(SAMPLES, start=1):
        raw = _raw(sample, uid - 1)
        place = Place(INBOX, "INBOX", 1, uid)
        arrival = read_arrival(desk, place, now, len(raw), raw, read_header(raw), frozenset())
        with_body(desk, arrival, read(raw))
        arrivals.append(arrival)
    return Counter(entry.outcome.value for entry in take_in(tx, arrivals, desk, now, file_at_once=False))


def _raw(sample: Sample, number: int) -> bytes:
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = sample.sender, INBOX, sample.subject
    message["Message-ID"] = f"<demo{number}@example.com>"
    for name, value in sample.fields:
        message[name] = value
    message.set_content(sample.text)
    return message.as_bytes()


def _register_table(requests: Sequence[Registered]) -> Table:
    table = Table("request", "what it is", "state", "due", "why", title="The register", title_justify="left")
    for request in sorted(requests, key=lambda each: each.reference):
        kind = request.type or "held: " + " or ".join(request.may_be)
        clause = f" (clause {request.clause})" if request.clause else ""
        table.add_row(request.reference, kind, request.state.replace("_", " "), str(request.due), f"{request.reason}{clause}")
    return table


def _print_letter(console: Console, letters: Sequence[bytes], language: str) -> None:
    for content in letters:
        letter = message_from_bytes(content, policy=email.policy.default)
        if letter["Content-Language"] == language:
            console.print(f"\n[bold]To {letter['To']}: {letter['Subject']}[/bold]")
            console.print(letter.get_content().strip(), markup=False)
            return
