"""What a store is filled with in tests: one of each, every field given, keywords override."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from rules.place import Cursor, Place
from rules.vocabulary import Certainty, Duty, Language, Outcome, RequestType, Standing, Starts, State
from storage.evidence import Receipt
from storage.ledger import Entry
from storage.outbox import Caps, NewLetter
from storage.register import NewObligation, NewRequest
from storage.tables import ledger

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
INBOX = Cursor("info@alit.kz", "INBOX", uidvalidity=7, last_uid=0, start_at=NOW)
NO_CAPS = Caps(per_address_a_day=0, per_domain_an_hour=0, an_hour=0)


def key(text: str) -> bytes:
    """Return sixteen bytes that stand for the keyed hash of ``text``."""
    return text.encode().rjust(16, b".")[-16:]


def an_entry(uid: int, **fields: Any) -> Entry:
    """Return the ledger's row of an ordinary message."""
    return replace(Entry(INBOX.place(uid), key(f"m{uid}"), NOW, Outcome.ORDINARY, "subject_asks_nothing"), **fields)


def an_obligation(**fields: Any) -> NewObligation:
    """Return an answer that is owed on 14 December."""
    owed = NewObligation(
        what=Duty.ANSWER,
        system="mailbot",
        source="8.3",
        starts=Starts.RECEIPT,
        due=date(2026, 12, 14),
        arithmetic="2026-11-23 + 15 working days = 2026-12-14",
        losing=({"source": "art. 24", "due": "2026-12-15", "arithmetic": ""},),
        is_met=False,
    )
    return replace(owed, **fields)


def a_request(reference: str, uid: int, **fields: Any) -> NewRequest:
    """Return an access request of a person at example.com."""
    request = NewRequest(
        reference=reference,
        place=INBOX.place(uid),
        type=RequestType.ACCESS,
        outcome=Outcome.REQUEST,
        state=State.AWAITING_STAFF,
        language=Language.RU,
        standing=Standing.UNPROVEN,
        received_at=NOW,
        received_on=NOW.date(),
        due=date(2026, 12, 14),
        rule="open_new_request",
        reason="the subject is the policy's phrase",
        matched="запрос на доступ",
        clause="8.3",
        certainty=Certainty.EXACT,
        may_be=(),
        policy="kazger",
        policy_version="2025-01",
        sender=f"person{uid}@example.com",
        sender_key=key(f"person{uid}"),
        subscriber_id=None,
        flags=(),
        obligations=(an_obligation(),),
    )
    return replace(request, **fields)


def a_letter(number: int, **fields: Any) -> NewLetter:
    """Return an acknowledgement to a person who got none yet; the caps bind it."""
    letter = NewLetter(
        cause=f"2026-{number:05d}",
        kind="acknowledgement",
        reference=None,
        topic=RequestType.ACCESS,
        language=Language.RU,
        recipient=f"person{number}@example.com",
        recipient_key=key(f"person{number}"),
        domain="example.com",
        envelope_sender="info@alit.kz",
        message_id=f"<mailbot.{number}@alit.kz>",
        content=b"Subject: received\r\n\r\nWe have it.\r\n",
        capped=True,
    )
    return replace(letter, **fields)


def a_receipt(uid: int, **fields: Any) -> Receipt:
    """Return what is kept of a short message."""
    receipt = Receipt(
        place=Place(INBOX.inbox, INBOX.folder, INBOX.uidvalidity, uid),
        reference=None,
        received_at=NOW,
        sender_key=key(f"person{uid}"),
        message_key=key(f"id{uid}"),
        text_key=key(f"text{uid}"),
        domain_key=key("example.com"),
        header=b"Subject: access\r\n\r\n",
        text="Please send me a copy of my data.",
        attachments=(),
    )
    return replace(receipt, **fields)


def count_by_outcome(tx: Connection, since: datetime) -> dict[Outcome, int]:
    """Return how many messages were taken in since then, by outcome: what arrived is what is accounted for."""
    rows = tx.execute(select(ledger.c.outcome, func.count()).where(ledger.c.taken_at >= since).group_by(ledger.c.outcome))
    return {Outcome(outcome): count for outcome, count in rows}
