"""What one message of staff orders, line by line, and which orders its yes confirms. Read again after a death, it must read the same."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from mailbot.digest_answers import BLANKED, SUBJECT_MARK
from rules.confirmation import answer_in
from rules.orders import NotUnderstood, Order, read_orders
from rules.own_words import own_words
from rules.vocabulary import Answer
from storage import digests
from storage.digests import Orders


@dataclass(frozen=True, slots=True)
class Asked:
    """An order that has to be confirmed: of which message it is which line, and what it says."""

    message: int
    number: int
    order: Order


@dataclass(frozen=True, slots=True)
class Confirm:
    """A yes, or a no, to an order that cannot be undone; ``asked`` is None where it is not clear which is meant."""

    line: str
    says: Answer
    asked: Asked | None


Entry = Confirm | Order | NotUnderstood


def entries_of(tx: Connection, orders: Orders, zone: ZoneInfo) -> list[Entry]:
    """Return what a message orders. Only an answer to a letter of ours that came after the digest confirms: its secret is another."""
    asked = _asked_before(tx, orders, zone) if orders.answers else []
    if not asked:
        return [*_read(orders, zone)]
    said, rest = list[Entry](), list[str]()
    for line in own_words(above_ours(orders.text)).splitlines():
        confirmed = list(_confirmed(line.strip(), asked, orders.answers))
        said += confirmed
        rest += [] if confirmed else [line]
    return [*said, *_read(replace(orders, text="\n".join(rest)), zone)]


def _read(orders: Orders, zone: ZoneInfo) -> list[Order | NotUnderstood]:
    """Read a message; where its text says nothing, the order in the subject that a link of the digest gave it."""
    day = orders.received_at.astimezone(zone).date()
    linked, secret, _ = orders.subject.removeprefix(SUBJECT_MARK).partition(BLANKED)
    return read_orders(above_ours(orders.text), day) or (read_orders(linked.strip(" ·"), day) if secret else [])


def above_ours(text: str) -> str:
    """Return what stands above a letter of ours that a mail program quoted without any mark: its lines read like orders."""
    return _OUR_FIRST_LINE.split(text, maxsplit=1)[0]


_OUR_FIRST_LINE = re.compile(rf"^[\s*_]*{SUBJECT_MARK.strip()}", re.MULTILINE)


def _asked_before(tx: Connection, orders: Orders, zone: ZoneInfo) -> list[Asked]:
    """Return which orders about the same digest had to be confirmed before this message came."""
    found = list[Asked]()
    for message, numbers in digests.asked_before(tx, orders).items():
        entries = entries_of(tx, digests.orders_of(tx, message), zone)
        found += [Asked(message, number, entry) for number in numbers if isinstance(entry := entries[number - 1], Order)]
    return found


def _confirmed(line: str, asked: list[Asked], answered: int | None) -> Iterator[Confirm]:
    """Yield which orders a line confirms: those with the numbers that it names, else the only one of the letter that it answers."""
    says = answer_in(line)
    numbers = {int(number) for number in re.findall(r"\d{1,4}", line)}
    meant = {each.order.item: each for each in asked if each.order.item in numbers}  # of several with one number the last
    here = [each for each in asked if each.message == answered]
    if says is None or not (numbers or here):
        return
    if not numbers and len(here) == 1:
        yield Confirm(line, says, here[0])
    elif not meant:
        yield Confirm(line, says, None)
    for each in meant.values():
        yield Confirm(line, says, each)
