"""What one order of staff does, through the same acts as the command line: ``mailbot.staff``, ``closing``, ``corrections``, ``entering``.

Each works in the transaction that it is given, and returns what staff are told. Which messages are obeyed is ``rules.decide``; that each
line is carried out once, and what must be confirmed first, is ``mailbot.ordering``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time

from mailbot import closing, corrections, entering, staff
from mailbot.access import Release
from mailbot.closing import Ground
from mailbot.config import Retention
from mailbot.desk import Acting
from mailbot.digest_words import ItemKind
from mailbot.entering import Entered
from mailbot.moves import NotPossible, found, is_mailbots, still_owed
from mailbot.orders_answer import POSSIBLE, Teller
from mailbot.retention import NotYet
from rules.life import OPEN
from rules.orders import Order, Verb
from rules.vocabulary import Duty, RequestType
from storage import destruction, ledger, outbox, register, tasks, waves
from storage.destruction import How, MustWait
from storage.digests import LineState, Numbered
from storage.register import Registered
from storage.retention import purposes_ended

BY_MAIL = "ordered by mail"
"""Why something was dropped whose order names no reason."""


@dataclass(frozen=True, slots=True)
class Obeyed:
    """What became of an order; ``act`` names what was done, so that it is done once."""

    state: LineState
    said: str
    act: str | None = None
    expires_at: datetime | None = None


_NAMES_A_TEXT = re.compile(r"\d")


def may_mean_another(order: Order) -> bool:
    """Tell whether words behind an order may take it back: «4 refuse is what Anna wants»; a ground names an article or a clause."""
    return order.nothing or (order.verb in (Verb.REFUSE, Verb.LAPSE) and not _NAMES_A_TEXT.search(order.text))


@dataclass(frozen=True, slots=True)
class Obeying:
    """Whoever of staff orders, and what is said to them."""

    acting: Acting
    teller: Teller
    kept: Retention

    def act_of(self, order: Order, item: Numbered | None) -> str:
        """Name what is ordered: the same thing ordered twice has the same name, unless it was taken back in between."""
        about: tuple[object, ...] = (item.kind, item.name) if item else (order.address, order.text)
        if item and item.kind == ItemKind.REQUEST:
            again = [each for each in register.history_of(self.acting.tx, item.name) if each.what in ("reopened", "taken_back")]
            about += (len(again) or None,)
        return "|".join(str(each or "") for each in (order.verb, *about, order.kind, order.what, order.system, order.day, order.channel))

    def hindrance(self, order: Order, item: Numbered) -> str | None:
        """Say why an order cannot be carried out, in the words of staff; None where nothing is known to stand in its way."""
        if order.verb not in POSSIBLE[ItemKind(item.kind)]:
            verbs = self.teller.possible(item.number, item.kind)
            return self.teller.say("not_for", n=item.number, verbs=verbs)
        if item.kind != ItemKind.REQUEST:
            return None
        request = found(self.acting.tx, item.name)
        if request.state not in OPEN and order.verb is not Verb.REOPEN:
            return self.teller.closed_before(self.acting.tx, request)
        return self._untickable(order, item, request) if order.verb is Verb.DONE else None

    def _untickable(self, order: Order, item: Numbered, request: Registered) -> str | None:
        """Say why staff cannot tick off what they mean: it is more than one thing, or mailbot's own."""
        meant = [owed for owed in still_owed(request) if order.what in (None, owed.what) and order.system in (None, owed.system)]
        if order.what is None and len({owed.what for owed in meant}) > 1:
            return self.teller.several(item.number, request)
        if meant and all(is_mailbots(request, owed) for owed in meant):
            return self.teller.say("mailbots", n=item.number)
        return None

    def is_final(self, order: Order, item: Numbered) -> bool:
        """Tell whether an order cannot be undone: it destroys, discloses, or tells a person no (H67)."""
        if order.verb is not Verb.APPROVE:
            return order.verb in (Verb.REFUSE, Verb.LAPSE, Verb.RELEASE)
        if item.kind != ItemKind.REQUEST:
            return True
        return order.what is Duty.DESTROY or (order.what is None and found(self.acting.tx, item.name).type is RequestType.DESTROY)

    def obey(self, order: Order, item: Numbered) -> str:
        """Do what is ordered of an item, and say what that changed; raises a ``Problem`` where it cannot be done."""
        doing: dict[str, Callable[[Order, Numbered], str]] = {
            ItemKind.REQUEST: self._request,
            ItemKind.SET_ASIDE: self._set_aside,
            ItemKind.TASK: self._task,
            ItemKind.LETTER: self._letter,
            ItemKind.PERSON: self._person,
        }
        return doing[item.kind](order, item)

    def resume(self) -> Obeyed:
        """End the wave of requests that goes on."""
        ended = waves.end(self.acting.tx, self.acting.who, self.acting.desk.now())
        if not ended:
            return Obeyed(LineState.REFUSED, self.teller.say("no_wave"))
        return Obeyed(LineState.DONE, self.teller.say("resumed"))

    def enter(self, order: Order) -> str:
        """Enter a request that did not come by mail; of its day staff say no hour."""
        desk = self.acting.desk
        noon = datetime.combine(order.day, time(12), desk.zone) if order.day else desk.now()
        received = noon if noon.date() < desk.now().astimezone(desk.zone).date() else min(noon, desk.now())
        if order.kind is None or order.channel is None:
            raise NotPossible("a request is entered with its type and how it came: by post, by phone or in person")
        entered = entering.add_request(self.acting, Entered(order.kind, order.channel, received, order.address or "", note=order.text))
        due = self.teller.day(entered.due)
        return self.teller.say("entered", reference=entered.reference, type=self.teller.kind(entered), due=due)

    def _request(self, order: Order, item: Numbered) -> str:
        """Do what is ordered of a request."""
        acting, reference, say = self.acting, item.name, self.teller.say
        before = found(acting.tx, reference)
        told: list[str] = []
        match order.verb:
            case Verb.DONE:
                staff.tick_off(acting, reference, what=order.what, system=order.system)
            case Verb.APPROVE:
                staff.approve(acting, reference, what=order.what, proof=order.text or None)
            case Verb.REFUSE:
                closing.refuse(acting, reference, Ground(order.text, order.kept, order.until))
            case Verb.LAPSE:
                closing.lapse(acting, reference, Ground(order.text))
            case Verb.WITHDRAW:
                closing.withdraw(acting, reference, order.text)
            case Verb.RELEASE:
                staff.release(acting, reference, Release(proof=order.text, nothing_is_held=order.nothing), self.kept)
            case Verb.TERM if order.day:
                entering.set_term(acting, reference, order.day)
                told = [say("term", day=self.teller.day(order.day))]
            case Verb.POSTPONE if order.day:
                after = staff.postpone(acting, reference, order.day)
                return say("postponed", day=self.teller.day(order.day), due=self.teller.day(after.due))
            case Verb.REOPEN:
                staff.reopen(acting, reference, what=order.what, system=order.system)
                told = [say("reopened")]
            case Verb.TYPE if order.kind:
                marked = corrections.give_type(acting, reference, order.kind)
                told = [say("typed", type=self.teller.kind(marked.request)), *([say("still_stopped")] if marked.still_stopped else [])]
            case Verb.ORDINARY:
                marked = corrections.dismiss(acting, reference)
                return " ".join([say("dismissed"), *([say("still_stopped")] if marked.still_stopped else [])])
            case _:
                raise NotPossible(f"{reference}: {order.verb} is not possible")
        return " ".join([*told, self.teller.changed(item.number, before, found(acting.tx, reference))])

    def _set_aside(self, order: Order, item: Numbered) -> str:
        """Take a message off the list that could not be read: staff have looked at it."""
        acting = self.acting
        if not ledger.settle_set_aside(acting.tx, int(item.name[1:]), acting.who, order.text or BY_MAIL, acting.desk.now()):
            return self.teller.say("confirmed_before")
        return self.teller.say("aside_dropped")

    def _task(self, order: Order, item: Numbered) -> str:
        """Try again what a command did in vain, or tick off what staff did in its place."""
        acting = self.acting
        task = next((each for each in tasks.failures(acting.tx) if str(each.id) == item.name), None)
        if task is None:
            return self.teller.say("confirmed_before")
        if order.verb is Verb.RETRY:
            tasks.retry(acting.tx, [task.id], acting.desk.now())
            return self.teller.say("task_again")
        before = found(acting.tx, task.reference)
        after = staff.tick_off(acting, task.reference, what=task.what, system=task.system)
        return self.teller.changed(item.number, before, after)

    def _letter(self, order: Order, item: Numbered) -> str:
        """Send a letter again that did not arrive, or never."""
        tx, who, now, number = self.acting.tx, self.acting.who, self.acting.desk.now(), int(item.name)
        letter, again = outbox.find_letter(tx, number), order.verb is Verb.RETRY
        if letter is None:
            return self.teller.say("confirmed_before")
        if letter.reference is None and again:
            raise NotPossible(f"letter {number} was written to staff of a moment that is past")
        changed = staff.send_again(tx, letter, who, now) if again else outbox.drop(tx, number, who, order.text or BY_MAIL, now)
        if not changed:
            return self.teller.say("confirmed_before")
        if letter.reference is not None:
            detail = {"letter": number, "kind": letter.kind, "was": letter.state, "last_reply": letter.reply, "reason": order.text}
            register.note(tx, [(letter.reference, "letter_retried" if again else "letter_dropped", who, detail)], now)
        return self.teller.say("letter_again" if again else "letter_dropped")

    def _person(self, _order: Order, item: Numbered) -> str:
        """Destroy a person on file whose purpose has ended, as the configuration says it is done."""
        acting = self.acting
        how = How.DEPERSONALISED if self.kept.ended_purpose == "depersonalise" else How.DESTROYED
        today = acting.desk.now().astimezone(acting.desk.zone).date()
        ended = next((each for each in purposes_ended(acting.tx, today, acting.desk.zone) if str(each.owner) == item.name), None)
        if ended is None:
            return self.teller.say("confirmed_before")
        try:
            destruction.destroy(acting.tx, destruction.person_on_file(acting.tx, ended.owner), how, None, acting.desk.now())
        except MustWait as wait:
            raise NotYet(f"nothing is destroyed: {wait}") from wait
        return self.teller.say(how)
