"""What staff are answered who ordered by mail: what was done, what is still open, what was not understood, and why something is listed.

Of a data subject nothing is said that the digest does not say too. The sentences stand in ``templates/staff``, a table a language.
"""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from sqlalchemy import Connection

from mailbot.desk import Desk
from mailbot.digest import DigestOrder
from mailbot.digest_answers import SUBJECT_MARK
from mailbot.digest_page import Page, wrapped
from mailbot.digest_words import ItemKind, Words, masked, shown, words_of
from mailbot.moves import is_mailbots, still_owed
from mailbot.wording import TEMPLATES
from rules.deadlines import STAFF
from rules.life import OPEN
from rules.orders import Verb
from rules.vocabulary import Language, Outcome
from storage import outbox, register, tasks
from storage.digests import Line, LineState, Numbered, Orders
from storage.register import Happening, Owed, Registered

ANSWERED = "answered"
"""The kind of the letter that answers orders."""

UNBROKEN = "\u00a0"
"""The space in what is to be written: no line ends there."""

MOST_HAPPENINGS = 10
CLOSINGS = ("carried_out", "refused", "lapsed", "withdrawn", "dismissed")

POSSIBLE = {
    ItemKind.REQUEST: (
        Verb.DONE,
        Verb.APPROVE,
        Verb.REFUSE,
        Verb.POSTPONE,
        Verb.ORDINARY,
        Verb.TYPE,
        Verb.RELEASE,
        Verb.WITHDRAW,
        Verb.LAPSE,
        Verb.REOPEN,
        Verb.TERM,
    ),
    ItemKind.SET_ASIDE: (Verb.DONE, Verb.ORDINARY, Verb.DROP),
    ItemKind.TASK: (Verb.RETRY, Verb.DONE),
    ItemKind.LETTER: (Verb.RETRY, Verb.DROP),
    ItemKind.PERSON: (Verb.APPROVE,),
}
"""What can be ordered about each kind of item; why it is listed can be asked of all."""


@dataclass(frozen=True, slots=True)
class Teller:
    """Says in the language of the staff what became of their orders."""

    desk: Desk
    order: DigestOrder

    @property
    def words(self) -> Words:
        """Return the sentences."""
        return staff_words(self.order.language)

    @property
    def of_digest(self) -> Words:
        """Return the words of the digest: what requests and duties are called."""
        return words_of(self.order.language)

    def say(self, what: str, **values: object) -> str:
        """Return a sentence."""
        sentence: str = self.words["said"][what]
        return sentence.format(**values)

    def day(self, day: date | None) -> str:
        """Write a day as people do."""
        return f"{day:%d.%m.%Y}" if day else str(self.words["explain"]["not_counted"])

    def moment(self, at: datetime) -> str:
        """Write a moment on the operator's clock."""
        return f"{at.astimezone(self.desk.zone):%d.%m.%Y, %H:%M}"

    def person(self, address: str | None) -> str:
        """Name a person as the digest does."""
        if not address:
            return str(self.of_digest["nobody"])
        return shown(address if self.order.show_senders else masked(address))

    def kind(self, request: Registered) -> str:
        """Say what a request is."""
        names = self.of_digest["type"]
        if request.event is not None and request.type is None:
            return str(self.of_digest["event"].get(request.event, request.event))
        return str(names["held" if request.outcome is Outcome.HELD or not request.type else request.type])

    def title(self, request: Registered) -> str:
        """Name a request."""
        told = {"type": self.kind(request), "reference": request.reference, "person": self.person(request.sender)}
        return str(self.words["explain"]["request"].format(**told))

    def headed(self, tx: Connection, item: Numbered, said: str) -> str:
        """Name the request that something is said of, above it: a number alone tells little a day later."""
        request = register.find_request(tx, item.name) if item.kind == ItemKind.REQUEST else None
        return f"{self.title(request)}\n{said}" if request else said

    def task(self, owed: Owed, *, dated: bool = True) -> str:
        """Name a duty, where it is owed, and by when."""
        name = self.of_digest["duty"].get(owed.what, owed.what) + ("" if owed.system == STAFF else f" ({shown(owed.system)})")
        return self.say("by", task=name, day=self.day(owed.due)) if dated and owed.due else name

    def changed(self, number: int, before: Registered, after: Registered) -> str:
        """Say what an order met, and what is still open of the request."""
        was_met = {owed.id for owed in before.obligations if owed.met_at}
        met = [self.task(owed, dated=False) for owed in after.obligations if owed.met_at and owed.id not in was_met]
        told = [self.say("met", tasks="; ".join(met))] if met else []
        return " ".join([*told, self.stands(number, after)])

    def stands(self, number: int, request: Registered) -> str:
        """Say whether a request is closed, or what is open of it."""
        if request.state not in OPEN:
            return self.say("closed", state=self.words["state"][request.state])
        open_ones = [self.task(owed) for owed in still_owed(request)]
        return self.say("still", tasks="; ".join(open_ones)) if open_ones else self.say("owes_nothing", n=number)

    def closed_before(self, tx: Connection, request: Registered) -> str:
        """Say who closed a request, and when: perhaps another reader of the same digest."""
        ends = [each for each in register.history_of(tx, request.reference) if each.what in CLOSINGS]
        state = self.words["state"][request.state]
        if not ends:
            return self.say("closed", state=state)
        return self.say("closed_before", when=self.moment(ends[-1].at), state=state, who=_named(ends[-1].who))

    def several(self, number: int, request: Registered) -> str:
        """Say how to write which of several duties was met."""
        theirs = {owed.what for owed in still_owed(request) if not is_mailbots(request, owed)}
        verbs = {owed.what: Verb.DONE if owed.what in theirs else Verb.APPROVE for owed in still_owed(request)}
        ways = (f"{number}{UNBROKEN}{self.words['verb'][verb]}{UNBROKEN}{what}" for what, verb in verbs.items())
        return self.say("several", ways="; ".join(ways))

    def possible(self, number: int, kind: str) -> str:
        """List what may be written of a number."""
        verbs = POSSIBLE.get(ItemKind(kind), ())
        return "; ".join(f"{number}{UNBROKEN}{self.words['verb'][verb]}" for verb in verbs)

    def explained(self, tx: Connection, item: Numbered) -> str:
        """Say why an item is listed, and what may be ordered."""
        told = {
            ItemKind.REQUEST: self._request,
            ItemKind.SET_ASIDE: self._set_aside,
            ItemKind.TASK: self._task,
            ItemKind.LETTER: self._letter,
            ItemKind.PERSON: self._person,
        }[ItemKind(item.kind)](tx, item)
        may = self.words["explain"]["may"].format(ways=self.possible(item.number, item.kind))
        return "\n".join([*told, may])

    def _request(self, tx: Connection, item: Numbered) -> Iterator[str]:
        request, words = register.find_request(tx, item.name), self.words["explain"]
        if request is None:
            return
        yield self.title(request)
        yield words["received"].format(
            day=self.day(request.received_on), state=self.words["state"][request.state], due=self.day(request.due)
        )
        for owed in request.obligations:
            yield from self._owed(owed)
        yield words["history"]
        yield from map(self._happened, register.history_of(tx, request.reference)[-MOST_HAPPENINGS:])

    def _owed(self, owed: Owed) -> Iterator[str]:
        """Tell of a duty: its day, where that stands, how it was counted, and which limits lost."""
        words, task = self.words["explain"], self.task(owed, dated=False)
        if owed.met_at:
            yield words["met"].format(task=task, day=self.moment(owed.met_at), who=_named(owed.met_by or ""))
        else:
            yield words["open"].format(task=task, day=self.day(owed.due))
        yield f"  {owed.source}"
        yield f"  {owed.arithmetic}"
        for lost in owed.losing:
            yield "  " + words["losing"].format(source=lost["source"], day=lost["due"] or words["not_counted"])

    def _happened(self, event: Happening) -> str:
        return f"- {self.moment(event.at)}  {event.what.replace('_', ' ')}, {_named(event.who)}"

    def _set_aside(self, _tx: Connection, item: Numbered) -> Iterator[str]:
        yield self.words["explain"]["set_aside"].format(name=item.name)

    def _task(self, tx: Connection, item: Numbered) -> Iterator[str]:
        for task in tasks.failures(tx):
            if str(task.id) == item.name:
                duty = self.of_digest["duty"].get(task.what, task.what)
                values = {"task": duty, "system": shown(task.system), "reference": task.reference, "n": task.attempts}
                yield self.words["explain"]["task"].format(**values)

    def _letter(self, tx: Connection, item: Numbered) -> Iterator[str]:
        if letter := outbox.find_letter(tx, int(item.name)):
            kind = self.of_digest["letter"].get(letter.kind, letter.kind)
            yield self.words["explain"]["letter"].format(name=item.name, kind=kind, state=letter.state)

    def _person(self, _tx: Connection, item: Numbered) -> Iterator[str]:
        yield self.words["explain"]["person"].format(n=item.number)


def answer_page(teller: Teller, orders: Orders, lines: Iterable[Line]) -> Page:
    """Write the letter that answers a message: its orders line by line, each with what became of it."""
    lines = list(lines)
    done = sum(line.state is LineState.DONE for line in lines)
    others = sum(line.state not in (LineState.DONE, LineState.TOLD) for line in lines)
    told = teller.words["subject" if done or others else "subject_told"].format(done=done, others=others)
    first = f"{SUBJECT_MARK}{teller.order.sender.rpartition('@')[2]}"  # by this line a quotation of it is known
    blocks = [first, teller.words["greeting"].format(day=teller.day(orders.day))]
    before = None
    for line in lines:
        quoted = [f"> {shown(line.line)}"] if line.line != before else []
        blocks.append("\n".join([*quoted, line.said]))
        before = line.line
    blocks.append(teller.words["footer"])
    subject = f"mailbot · {teller.order.sender.rpartition('@')[2]}: {told}"
    return Page(subject, wrapped("\n\n".join(blocks)).rstrip("\n"), "")


def _named(who: str) -> str:
    return shown(who.removeprefix("staff:"))


@lru_cache
def staff_words(language: Language) -> Words:
    """Return the table of a language."""
    return tomllib.loads((TEMPLATES / "staff" / f"{language}.toml").read_text("utf-8"))
