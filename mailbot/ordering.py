"""The answered digest: what staff order by mail is carried out line by line, once each, and answered with one letter (H67).

A line and what it does share a transaction, so that a death between two lines neither loses nor doubles one. What a line says is read by
``rules.orders``, what it does stands in ``mailbot.obeying``, and the words of the answer in ``mailbot.orders_answer``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from secrets import token_bytes

from sqlalchemy import Connection

from mailbot.config import Retention
from mailbot.desk import Acting, Desk
from mailbot.digest import DigestOrder, ToStaff, letter_to_staff
from mailbot.errors import Problem
from mailbot.logs import log, where
from mailbot.obeying import Obeyed, Obeying, may_mean_another
from mailbot.orders_answer import ANSWERED, Teller, answer_page
from mailbot.orders_reading import Confirm, Entry, entries_of
from rules.confirmation import new_code
from rules.orders import NotUnderstood, Order, Verb
from rules.vocabulary import Answer, Standing
from storage import digests, outbox, reminders
from storage.database import StoreFailure
from storage.digests import Line, LineState, Numbered, Orders

CONFIRMED_WITHIN = timedelta(days=2)

CLOSING = frozenset({Verb.DONE, Verb.APPROVE, Verb.ORDINARY, Verb.WITHDRAW, Verb.REFUSE, Verb.LAPSE})
"""What is ordered of a request whose person should have been read to the end."""

MOST_IN_VAIN = 20
"""How many answers to one digest may change nothing: whoever goes on writing like that is a machine."""


def carry_out_orders(desk: Desk, order: DigestOrder, kept: Retention) -> int:
    """Carry out and answer what staff have ordered; return how many messages that were. Interrupted, it goes on where it was."""
    with desk.database.read() as tx:
        waiting = digests.unanswered(tx)
    for each in waiting:
        with desk.database.read() as tx:
            orders = digests.orders_of(tx, each)
            entries, written = entries_of(tx, orders, desk.zone), digests.lines_of(tx, each)
        message = _Message(desk, Teller(desk, order), kept, orders)
        if not order.may_read(orders.reader):  # they were sent a digest, and are no reader any more
            message.close_unanswered()
            continue
        for number, entry in enumerate(entries, 1):
            if number not in written:
                message.carry_out(number, entry)
        message.answer()
    return len(waiting)


@dataclass(frozen=True, slots=True)
class _Message:
    """One message of staff."""

    desk: Desk
    teller: Teller
    kept: Retention
    orders: Orders

    def carry_out(self, number: int, entry: Entry) -> None:
        """Carry out one line, and write in the same transaction what became of it."""
        try:
            with self.desk.database.write() as tx:
                self._write(tx, number, entry, self._obeyed(tx, entry))
        except StoreFailure:
            raise
        except Problem as problem:
            self._note(number, entry, self.teller.say("not_possible", why=problem))
        except Exception as error:  # noqa: BLE001 - our bug: the other lines are carried out, and whoever ordered this one is told
            log.error("order_failed", order=self.orders.id, line=number, **where(error))
            self._note(number, entry, self.teller.say("fault", id=self.orders.id, n=number))

    def _note(self, number: int, entry: Entry, said: str) -> None:
        with self.desk.database.write() as tx:
            self._write(tx, number, entry, Obeyed(LineState.REFUSED, said))

    def _write(self, tx: Connection, number: int, entry: Entry, obeyed: Obeyed) -> None:
        """Write what became of a line; what a yes did is written to the line that asked for it too."""
        line = Line(number, entry.line, obeyed.state, obeyed.said, obeyed.act, obeyed.expires_at)
        if isinstance(entry, Confirm) and entry.asked is not None:
            if obeyed.state is not LineState.TOLD:
                digests.settle_line(tx, entry.asked.message, replace(line, number=entry.asked.number))
            line = replace(line, act=None)
        digests.write_line(tx, self.orders, line)

    def _obeyed(self, tx: Connection, entry: Entry) -> Obeyed:
        match entry:
            case Confirm():
                return self._answered(tx, entry)
            case NotUnderstood():
                return Obeyed(LineState.NOT_UNDERSTOOD, self.teller.words["not_understood"][entry.why].format(n=_number_in(entry.line)))
            case Order():
                return self._ordered(tx, entry)

    def _ordered(self, tx: Connection, order: Order) -> Obeyed:
        """Carry out an order, unless it is too late for that, was carried out before, or has to be confirmed."""
        teller, orders = self.teller, self.orders
        if orders.is_late:
            newest = teller.day(digests.newest_day(tx, orders))
            return Obeyed(LineState.REFUSED, teller.say("late", day=teller.day(orders.day), newest=newest))
        obeying, item = self._obeying(tx), orders.items.get(order.item) if order.item is not None else None
        if order.verb is Verb.HELP:
            return Obeyed(LineState.TOLD, "\n".join(teller.words["help"]["lines"]))
        if order.verb is Verb.RESUME:
            return obeying.resume()
        if order.verb is Verb.NEW:
            return self._hindered(tx, obeying, order, None) or Obeyed(LineState.DONE, obeying.enter(order), obeying.act_of(order, None))
        if item is None:
            return Obeyed(LineState.REFUSED, teller.say("no_item", day=teller.day(orders.day), n=order.item))
        if order.verb is Verb.EXPLAIN:
            return Obeyed(LineState.TOLD, teller.explained(tx, item))
        obeyed = self._once(tx, obeying, order, item)
        return replace(obeyed, said=teller.headed(tx, item, obeyed.said))

    def _once(self, tx: Connection, obeying: Obeying, order: Order, item: Numbered) -> Obeyed:
        if hindered := self._hindered(tx, obeying, order, item):
            return hindered
        until = self.desk.now() + CONFIRMED_WITHIN
        if doubt := self._doubt(tx, obeying, order, item):
            with tx.begin_nested() as trial:  # what cannot be done is not asked back
                obeying.obey(order, item)
                trial.rollback()
            how = self.teller.say("confirm", n=item.number, until=self.teller.moment(until))
            return Obeyed(LineState.ASKED, f"{doubt} {how}", expires_at=until)
        return self._done(obeying, order, item)

    def _doubt(self, tx: Connection, obeying: Obeying, order: Order, item: Numbered) -> str | None:
        """Say why an order has to be confirmed first: it cannot be undone (H67), or a line of its person came after the digest."""
        heard = reminders.asked_for_attention(tx, item.name, self.orders.digest_at) if order.verb in CLOSING else None
        if heard is not None:
            return self.teller.say("wrote_again", when=self.teller.moment(heard))
        if not obeying.is_final(order, item):
            return None
        if self.orders.standing is not Standing.ALIGNED:
            return self.teller.say("asked")
        return self.teller.say("read_as", ground=order.text or order.line) if may_mean_another(order) else None

    def _hindered(self, tx: Connection, obeying: Obeying, order: Order, item: Numbered | None) -> Obeyed | None:
        """Say what stands in the way of an order: it was carried out before, or cannot be."""
        if before := digests.done_before(tx, self.orders, obeying.act_of(order, item)):
            return Obeyed(LineState.REFUSED, self.teller.say("before", who=before.reader, when=self.teller.moment(before.at)))
        hindrance = obeying.hindrance(order, item) if item else None
        return Obeyed(LineState.REFUSED, hindrance) if hindrance else None

    def _done(self, obeying: Obeying, order: Order, item: Numbered) -> Obeyed:
        return Obeyed(LineState.DONE, obeying.obey(order, item), obeying.act_of(order, item))

    def _answered(self, tx: Connection, confirm: Confirm) -> Obeyed:
        """Carry out what had to be confirmed, once and in time; a no calls it off."""
        teller, asked = self.teller, confirm.asked
        item = self.orders.items.get(asked.order.item or 0) if asked else None
        if asked is None or item is None:
            return Obeyed(LineState.REFUSED, teller.say("which"))
        line = digests.lines_of(tx, asked.message)[asked.number]
        if line.state is not LineState.ASKED:
            return Obeyed(LineState.TOLD, teller.say("confirmed_before"))
        if confirm.says is Answer.NO:
            return Obeyed(LineState.CALLED_OFF, teller.say("called_off"))
        if line.expires_at is None or self.orders.received_at > line.expires_at:
            return Obeyed(LineState.REFUSED, teller.say("expired"))
        obeying = self._obeying(tx)
        return self._hindered(tx, obeying, asked.order, item) or self._done(obeying, asked.order, item)

    def _obeying(self, tx: Connection) -> Obeying:
        return Obeying(Acting(tx, self.desk, f"staff:{self.orders.reader}"), self.teller, self.kept)

    def close_unanswered(self) -> None:
        """Let a message be without having done anything, or said so."""
        with self.desk.database.write() as tx:
            digests.close(tx, self.orders, None, self.desk.now())
        log.warning("orders_of_no_reader", order=self.orders.id)

    def answer(self) -> None:
        """Answer with one letter; a mail that orders nothing, as a mere thank-you, is not answered."""
        now, orders = self.desk.now(), self.orders
        with self.desk.database.write() as tx:
            lines = digests.lines_of(tx, orders.id)
            is_useful = any(line.state in digests.CHANGING for line in lines.values())
            if not lines or (not is_useful and digests.answers_in_vain(tx, orders) >= MOST_IN_VAIN):
                digests.close(tx, orders, None, now)
                return
            code, page = new_code(token_bytes), answer_page(self.teller, orders, lines.values())
            told = ToStaff(ANSWERED, f"order {orders.id}", orders.reader, page, code, orders.message_id or "")
            outbox.queue(tx, [letter_to_staff(self.desk, self.teller.order, told, now)], now)
            digests.close(tx, orders, self.desk.keys.of_code(code), now)
        log.info("orders_answered", order=orders.id, **_counted(lines))


def _number_in(line: str) -> str:
    """Return the number that a line begins with, for the example that mends it: copied as it stands, it must not be about another item."""
    number = re.match(r"\W*(\d{1,3})\b(?![.:/-]\d)", line)
    return number[1] if number else "4"


def _counted(lines: Mapping[int, Line]) -> dict[str, int]:
    return {state.value: sum(line.state is state for line in lines.values()) for state in LineState}
