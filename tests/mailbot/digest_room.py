"""What a digest is made of in tests, every field given; keywords override."""

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from mailbot.desk import Desk
from mailbot.digest import DigestOrder
from mailbot.digest_page import Page, write_page
from mailbot.digest_words import Digest, Face, Item, Result, Section
from rules.place import Place
from rules.vocabulary import Duty, Language, Outcome, RequestType, State
from storage.ledger import SetAside
from storage.outbox import OVER_A_CAP, LetterState
from storage.overview import Matter, Promise, Traffic, Undelivered
from storage.tables import letters

ALMATY = ZoneInfo("Asia/Almaty")
TODAY = date(2026, 11, 23)  # a Monday
NOW = datetime(2026, 11, 23, 9, tzinfo=ALMATY)
INBOX = ("info@alit.kz", "INBOX")
CODE = "0123456789abcdefghjkmnpqrs"
HEAD = "ab12cd34" * 8
HELD: dict[str, Any] = {"outcome": Outcome.HELD, "type": None, "rule": "hold_for_a_person"}


class Tags(HTMLParser):
    """Every tag with its attributes, and all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def an_order(**fields: Any) -> DigestOrder:
    """Return what the staff of KazGer ordered: every day at nine, in English."""
    order = DigestOrder(
        to=("officer@example.com",),
        language=Language.EN,
        at=time(9),
        working_only=False,
        show_senders=False,
        sender="info@alit.kz",
        envelope_sender="bounces@alit.kz",
        folders=(INBOX,),
    )
    return replace(order, **fields)


def a_promise(**fields: Any) -> Promise:
    """Return an answer owed on 14 December."""
    arithmetic = "received Mon 23 Nov 2026; 15 working days, not counting 6 weekend days -> Mon 14 Dec 2026, 23:59"
    return replace(Promise(Duty.ANSWER, "staff", date(2026, 12, 14), arithmetic, None), **fields)


def a_matter(number: int = 1, **fields: Any) -> Matter:
    """Return an access request that waits for staff."""
    matter = Matter(
        reference=f"2026-{number:05d}-K",
        type=RequestType.ACCESS,
        outcome=Outcome.REQUEST,
        state=State.AWAITING_STAFF,
        sender="aigul@example.com",
        received_on=TODAY,
        postponed_to=None,
        closed_at=None,
        rule="open_request",
        reason="",
        may_be=(),
        flags=(),
        is_new=False,
        promises=(a_promise(),),
    )
    return replace(matter, **fields)


def an_item(number: int = 1, *, due: date | None = date(2026, 12, 14), days: int = 15, **fields: Any) -> Item:
    """Return a request on the page; ``fields`` are the request's."""
    matter = a_matter(number, **{"promises": (a_promise(due=due),), **fields})
    return Item(matter, tuple(each for each in matter.promises if each.met_at is None and each.due == due), due, days)


def a_letter(**fields: Any) -> Undelivered:
    """Return an acknowledgement that was refused."""
    letter = Undelivered("2026-00001-K", "acknowledgement", LetterState.FAILED, "aigul@example.com", NOW, NOW, "550 5.1.1")
    return replace(letter, **fields)


def a_capped_letter() -> Undelivered:
    """Return an acknowledgement that may go out in an hour."""
    return a_letter(state=LetterState.DEFERRED, reply=OVER_A_CAP, not_before=NOW + timedelta(hours=1))


def set_aside(**fields: Any) -> SetAside:
    """Return a message that could not be read."""
    return replace(SetAside(7, Place(*INBOX, 1, 70), NOW, NOW, "could_not_be_read"), **fields)


def a_digest(items: dict[Section, list[Item]] | None = None, **fields: Any) -> Digest:
    """Return the digest of a Monday with nothing in it but what is given."""
    digest = Digest(
        day=TODAY,
        now=NOW,
        since=NOW.replace(day=22),
        items=items or {},
        set_aside=(),
        undelivered=(),
        capped=(),
        traffic={INBOX: Traffic(NOW, {Outcome.ORDINARY: 3})},
        not_read=(),
        month=date(2026, 11, 1),
        numbers={},
    )
    return replace(digest, **fields)


def a_full_digest(**fields: Any) -> Digest:
    """Return a digest with something in every place."""
    items = {
        Section.OVERDUE: [an_item(3, due=date(2026, 11, 20), days=3)],
        Section.TODAY: [an_item(4, due=TODAY, days=0, is_new=True)],
        Section.DECIDE: [an_item(1), an_item(2, **HELD, may_be=(RequestType.UPDATE, RequestType.BLOCK), flags=("too_old",))],
        Section.SOON: [an_item(5, due=date(2026, 11, 25), days=2)],
        Section.NEW: [an_item(6, due=None, days=0, type=RequestType.OPT_OUT, state=State.CARRIED_OUT)],
        Section.WAITING: [
            an_item(7, state=State.AWAITING_SENDER),
            an_item(8, postponed_to=date(2026, 11, 30)),
            an_item(9, promises=(a_promise(system="crm"), a_promise(system="newsletter"))),
        ],
    }
    waiting = a_letter(reference=None, kind="digest", state=LetterState.QUEUED, reply=None)
    digest = a_digest(
        items,
        set_aside=(set_aside(),),
        undelivered=(a_letter(), a_letter(state=LetterState.DOUBTFUL), waiting),
        capped=(a_capped_letter(),),
        traffic={INBOX: Traffic(NOW.replace(hour=7), {Outcome.ORDINARY: 118, Outcome.REQUEST: 2}, pending=1)},
        not_read=(INBOX,),
        numbers={
            RequestType.ACCESS: Counter({Result.IN_TIME: 3, Result.OPEN: 1}),
            None: Counter({Result.LATE: 1}),
        },
    )
    return replace(digest, **fields)


def a_page(digest: Digest, language: Language = Language.EN, *, show_senders: bool = False) -> Page:
    """Write a digest for KazGer's staff, only to be looked at."""
    return write_page(digest, Face(language, "KazGer LLP", "alit.kz", show_senders))


def an_answerable_page(digest: Digest, language: Language = Language.EN, reply_to: str = "info@alit.kz") -> Page:
    """Write a digest for one of KazGer's staff, with the secret with which it is answered."""
    return write_page(digest, Face(language, "KazGer LLP", "alit.kz", show_senders=False, code=CODE, reply_to=reply_to, head=HEAD))


def only_digest(desk: Desk) -> Any:
    """Return the row of the one digest in the outbox."""
    with desk.database.read() as tx:
        return tx.execute(select(letters).where(letters.c.kind == "digest")).one()


def read(content: bytes) -> EmailMessage:
    """Read a digest as a stranger's mail client would."""
    message = message_from_bytes(content, _class=EmailMessage, policy=default)
    assert [] == [part.defects for part in message.walk() if part.defects]
    return message


def text_of(content: bytes) -> str:
    """Return what is read of a digest where no HTML is shown."""
    body = read(content).get_body(preferencelist=("plain",))
    assert body is not None
    return str(body.get_content())
