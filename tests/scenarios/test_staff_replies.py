"""Staff answer the digest by mail: what they write is done, line by line, and nothing else is (H67).

The cases stand in ``replies.toml``. All are one mailbox and one run: each has a request of its own, so that none disturbs another.
"""

import asyncio
import re
import signal
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mailbot.config import load_config
from mailbot.daemon import Works, utc_now
from mailbot.desk import Desk, set_up_desk
from mailbot.digest import digest_order, queue_digest, queue_digest_now
from rules.vocabulary import RequestType, State
from storage.overview import undelivered
from storage.register import history_of
from storage.tables import digests, ledger, letters, order_lines
from tests.conftest import ConfigFile
from tests.mailbot.register_room import arrive, put_on_file, request
from tests.scenarios.asking import FAILED, PASSED, read
from tests.scenarios.mail_programs import INBOX, PROGRAMS, READER, message
from tests.scenarios.outside import run_once, store_of
from tests.scenarios.test_bounces import report
from tests.scenarios.test_crashes import die
from tests.servers import CapturingSmtp, Dovecot, Drop

COLLEAGUE = "colleague@example.com"
FRIDAY = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
NINE, FOURTEEN = datetime(2026, 11, 23, 4, 0, tzinfo=UTC), datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CASES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("replies.toml").read_text("utf-8"))["case"]
STANDING = {"none": [], "aligned": [PASSED], "failed": [FAILED]}


@dataclass
class Office:
    """An inbox whose staff answer their digest."""

    config: Path
    dovecot: Dovecot
    smtp: CapturingSmtp
    mailbox: str

    @contextmanager
    def desk(self, now: datetime) -> Iterator[Desk]:
        """Open the desk at a moment."""
        desk = set_up_desk(load_config(self.config), lambda: now)
        try:
            yield desk
        finally:
            desk.database.close()

    def run(self, now: datetime) -> None:
        """Go one round at a moment."""
        report = asyncio.run(Works(load_config(self.config), now=lambda: now, ticks=lambda: 0.0).once())
        assert [] == report.problems

    def send_digest(self, now: datetime) -> None:
        """Send the digest that is due."""
        with self.desk(now) as desk:
            assert queue_digest(desk, digest_order(load_config(self.config)), now)
        self.run(now)

    def digest_to(self, reader: str = READER) -> EmailMessage:
        """Return the last digest of a reader."""
        return [letter for letter in self.letters_to(reader) if letter["X-Mailbot-Loop"] == "digest"][-1]

    def letters_to(self, reader: str) -> list[EmailMessage]:
        """Return what a reader got."""
        return [read(each.content) for each in self.smtp.envelopes if reader in each.recipients]

    def answer_to(self, message_id: str) -> str | None:
        """Return the text of the letter that answers a message; None if there is none."""
        answers = [read(each.content) for each in self.smtp.envelopes]
        found = [letter for letter in answers if letter["In-Reply-To"] == message_id]
        assert len(found) <= 1
        return " ".join(found[0].get_content().split()) if found else None

    def receive(self, *mail: bytes, at: datetime) -> None:
        """Have messages delivered at a moment."""
        with self.dovecot.session(self.mailbox) as imap:
            for raw in mail:
                imap.append("INBOX", raw, (), at)

    def numbers(self, reader: str = READER) -> dict[str, int]:
        """Return under which number each thing stands in the last digest of a reader."""
        with self.desk(NINE) as desk, desk.database.read() as tx:
            sent = tx.execute(select(digests).where(digests.c.reader == reader).order_by(digests.c.id.desc()).limit(1)).one()
        return {name: number for number, _, name in sent.items}

    def outcomes(self) -> list[str]:
        """Return what became of each message, in the order in which they came."""
        with self.desk(NINE) as desk, desk.database.read() as tx:
            return list(tx.execute(select(ledger.c.outcome).order_by(ledger.c.uid)).scalars())


def secret_of(letter: EmailMessage) -> str:
    """Return the secret of a letter to staff."""
    found = re.search(r"<mailbot\.digest\.([0-9a-z]{26})@", letter["Message-ID"])
    assert found
    return found[1]


def text_of(letter: EmailMessage) -> str:
    """Return what is read of a letter where no HTML is shown."""
    body = letter.get_body(preferencelist=("plain",))
    assert body is not None
    return str(body.get_content())


@pytest.fixture
def office(config_file: ConfigFile, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str) -> Office:
    """Return an office with two readers of the digest."""
    config = config_file(staff={"digest_to": [READER, COLLEAGUE], "language": "en"})
    return Office(config, dovecot, smtp, mailbox)


def register(desk: Desk, kind: str, person: str) -> str:
    """Enter a request that waits for staff."""
    if kind == "held":
        return arrive(desk, None, person, may_be=(RequestType.ACCESS, RequestType.BLOCK))
    put_on_file(desk, person)
    return arrive(desk, RequestType(kind), person)


def written(case: dict[str, Any], number: int, digest: EmailMessage, identity: str) -> bytes:
    """Write the message of a case."""
    subject = " ".join(digest["Subject"].split())
    secret, says = secret_of(digest), case["says"].format(n=number)
    body = PROGRAMS[case["program"]](says, text_of(digest), subject)
    wanted = case.get("secret", "")
    given = case.get("subject", "mailbot · {n} done · {secret}" if wanted == "subject" else "Re: {digest}")
    head = {"From": case.get("sender", READER), "To": INBOX, "Message-ID": identity, "Date": "Mon, 23 Nov 2026 14:00:00 +0500"}
    head["Subject"] = given.format(n=number, secret=secret, digest=subject)
    if wanted not in ("subject", "none", "wrong"):
        head |= {"In-Reply-To": digest["Message-ID"], "References": digest["Message-ID"]}
    if wanted == "wrong":
        head["In-Reply-To"] = f"<mailbot.digest.{'0123456789abcdefghjkmnpqrs'}@alit.kz>"
    more = [*STANDING[case.get("standing", "none")], *case.get("fields", [])]
    raw = message(head, body, html_only=case.get("html", False))
    return "".join(f"{field}\r\n" for field in more).encode() + raw


def test_h67_every_answer_of_staff_does_exactly_what_it_says(office: Office) -> None:
    with office.desk(FRIDAY) as desk:
        references = [register(desk, case["item"], f"person{n}@example.com") if "item" in case else "" for n, case in enumerate(CASES)]
        untouched = register(desk, "question", "nobody@example.com")
    office.send_digest(NINE)
    digest, numbers = office.digest_to(), office.numbers()
    meant = [reference or untouched for reference in references]
    pairs = enumerate(zip(CASES, meant, strict=True))
    office.receive(*(written(case, numbers[reference], digest, f"<reply-{n}@example.com>") for n, (case, reference) in pairs), at=FOURTEEN)
    office.run(FOURTEEN)
    wrong, outcomes = [], office.outcomes()
    with office.desk(FOURTEEN) as desk:
        for n, (case, reference, outcome) in enumerate(zip(CASES, meant, outcomes, strict=True)):
            state = request(desk, reference).state
            answer = office.answer_to(f"<reply-{n}@example.com>")
            expected = (case.get("becomes", State.AWAITING_STAFF), case.get("outcome", "staff_action"))
            is_told = case["answer"].format(n=numbers[reference]) in (answer or "") if case["answer"] else answer is None
            if (state, outcome) != expected or not is_told:
                wrong.append((case["name"], state, outcome, answer))
    assert not wrong, "\n".join(map(str, wrong))


def test_h86_i10_a_digest_and_an_answer_to_staff_that_come_back_are_undelivered(office: Office) -> None:
    """Each goes out with a secret in its Message-ID, of which the outbox knows the hash alone; the colleague's copy has arrived."""
    with office.desk(FRIDAY) as desk:
        register(desk, "question", "person@example.com")
    office.send_digest(NINE)
    head = {"From": READER, "To": INBOX, "Subject": "Re: digest", "Message-ID": "<mine@example.com>"}
    office.receive(message({**head, "In-Reply-To": office.digest_to()["Message-ID"]}, "1 done"), at=FOURTEEN)
    office.run(FOURTEEN)
    sent = [each.content for each in office.smtp.envelopes if READER in each.recipients]
    office.receive(*map(report, sent), at=FOURTEEN)
    office.run(FOURTEEN)
    with office.desk(FOURTEEN) as desk, desk.database.read() as tx:
        stuck = [(letter.kind, letter.recipient, letter.state, letter.reply) for letter in undelivered(tx, NINE)]
    assert [(kind, READER, "failed", "5.1.1 told by a delivery report") for kind in ("answered", "digest")] == stuck
    assert ["staff_action", "automatic", "automatic"] == office.outcomes()


def test_h31_h66_a_digest_in_doubt_is_known_by_its_copy_in_the_sent_folder(office: Office) -> None:
    """The copy bears the secret, and the letter in the store bears it no more."""
    now = utc_now()
    with office.desk(now) as desk:
        queue_digest_now(desk, digest_order(load_config(office.config)), now)
    office.smtp.drop = Drop.BEFORE_REPLY
    run_once(office.config)
    office.smtp.drop = Drop.NEVER
    office.dovecot.append(office.mailbox, office.smtp.envelopes[0].content, "Sent")
    run_once(office.config)
    with store_of(office.config) as tx:
        kept = tx.execute(select(letters.c.state, letters.c.content).order_by(letters.c.state)).all()
    assert ["accepted", "doubtful"] == [letter.state for letter in kept]
    assert [] == [each for each in office.letters_to(READER) + office.letters_to(COLLEAGUE) if secret_of(each) in str(kept)]


# --- a death between two lines --------------------------------------------------------------------------------------------
DEATHS = {
    "before the message is recorded": ("before_commit", "INSERT INTO orders"),
    "after the message was recorded": ("after_commit", "INSERT INTO orders"),
    "in the first line, before it is committed": ("before_commit", "INSERT INTO order_lines"),
    "after the first line": ("after_commit", "INSERT INTO order_lines"),
    "in the second line": ("before_commit", "INSERT INTO order_lines .*2 xyzzy"),
    "after the second line": ("after_commit", "INSERT INTO order_lines .*2 xyzzy"),
    "before the answer is committed": ("before_commit", "INSERT INTO letters .*answered"),
    "after the answer was committed": ("after_commit", "UPDATE orders SET answered_at"),
}


@pytest.mark.parametrize(("point", "pattern"), DEATHS.values(), ids=list(DEATHS))
def test_i1_a_death_between_two_lines_neither_loses_nor_doubles_one(office: Office, point: str, pattern: str) -> None:
    now = utc_now()
    with office.desk(now) as desk:
        reference = register(desk, "question", "person@example.com")
        queue_digest_now(desk, digest_order(load_config(office.config)), now)
    assert [] == run_once(office.config).problems
    digest = office.digest_to()
    head = {"From": READER, "To": INBOX, "Subject": "Re: digest", "Message-ID": "<mine@example.com>", "In-Reply-To": digest["Message-ID"]}
    office.receive(message(head, "1 done\n2 xyzzy"), at=now)
    assert -signal.SIGKILL == die(office.config, point, pattern)
    assert [] == run_once(office.config).problems
    with office.desk(now) as desk, desk.database.read() as tx:
        lines = [(row.line, row.state) for row in tx.execute(select(order_lines).order_by(order_lines.c.id))]
        happened = [event.what for event in history_of(tx, reference)]
    assert [("1 done", "done"), ("2 xyzzy", "not_understood")] == lines
    assert 1 == happened.count("done")
    assert "Done: answer." in (office.answer_to("<mine@example.com>") or "")
