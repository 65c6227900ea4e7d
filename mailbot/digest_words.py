"""What the digest tells, and how each thing is said in the language of the staff.

Of a message nothing is said but its sender, masked unless the operator wants otherwise. What is told is gathered by ``mailbot.digest``;
how it stands on the page is ``mailbot.digest_page``. The sentences are in ``templates/digest``, a table a language.
"""

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate, groupby, pairwise
from typing import TYPE_CHECKING, Any

from mailbot.desk import OWN_SYSTEM
from mailbot.wording import TEMPLATES
from rules.deadlines import STAFF
from rules.life import OPEN
from rules.vocabulary import Language, Outcome, RequestType, Standing, State
from storage.ledger import SetAside
from storage.outbox import LetterState
from storage.overview import Matter, Promise, Traffic, Undelivered
from storage.tasks import ListedTask
from storage.waves import Extent

if TYPE_CHECKING:
    from mailbot.digest_destruction import Over

SOON_WORKING_DAYS = 3

Words = Mapping[str, Any]
Folder = tuple[str, str]
"""An inbox's address and the folder in it."""


class Section(StrEnum):
    """Where an item stands on the page, in this order."""

    DECIDE = "decide"
    SET_ASIDE = "set_aside"
    OVERDUE = "overdue"
    TODAY = "today"
    SOON = "soon"
    NEW = "new"
    WAITING = "waiting"
    TASKS = "tasks"
    UNDELIVERED = "undelivered"
    CAPPED = "capped"
    DESTRUCTION = "destruction"


class Result(StrEnum):
    """How a request of the month stands."""

    IN_TIME = "in_time"
    LATE = "late"
    OPEN = "open"


class ItemKind(StrEnum):
    """What a number on the page stands for."""

    REQUEST = "request"
    SET_ASIDE = "set_aside"
    TASK = "task"
    LETTER = "letter"
    PERSON = "person"
    REMARK = "remark"


@dataclass(frozen=True, slots=True)
class Numbered:
    """A number on the page and what it names: a reference, "m12", a task or letter by its id, an address; a remark names nothing."""

    number: int
    kind: ItemKind
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """A request on the page: what is owed for it first, and how far that day is: working days left, or days late."""

    matter: Matter
    promises: tuple[Promise, ...]
    due: date | None
    days: int

    @property
    def later(self) -> list[Promise]:
        """Return what else is open, the first due first."""
        later = [each for each in self.matter.promises if each.met_at is None and each.due != self.due]
        return sorted(later, key=lambda each: each.due or date.max)

    @property
    def awaits_staff(self) -> bool:
        """Tell whether it is the staff's turn here, and not only the sender's or that of those who tend other systems."""
        still_open = [each for each in self.matter.promises if each.met_at is None]
        open_here = not still_open or any(each.system in (OWN_SYSTEM, STAFF) for each in still_open)
        return self.matter.state in OPEN and self.matter.state is not State.AWAITING_SENDER and open_here

    def urgency(self, today: date) -> Section | None:
        """Return how near the day is of what is open."""
        if self.due is None or self.matter.state not in OPEN:
            return None
        if self.due <= today:
            return Section.TODAY if self.due == today else Section.OVERDUE
        return Section.SOON if self.days <= SOON_WORKING_DAYS else None


@dataclass(frozen=True, slots=True)
class Digest:
    """Everything that staff are told at one moment; ``now`` and ``since`` are in the operator's zone."""

    day: date
    now: datetime
    since: datetime
    items: Mapping[Section, Sequence[Item]]
    set_aside: Sequence[SetAside]
    undelivered: Sequence[Undelivered]
    capped: Sequence[Undelivered]
    traffic: Mapping[Folder, Traffic]
    not_read: Sequence[Folder]
    month: date
    numbers: Mapping[RequestType | None, Counter[Result]]
    exports: frozenset[str] = frozenset()
    """References of the access requests whose answer staff can release."""
    wave: Extent | None = None
    """The wave of unproven requests that goes on."""
    tasks: Sequence[ListedTask] = ()
    """What the commands of other systems were tried for in vain."""
    over: "Sequence[Over]" = ()
    reminders: Mapping[str, int] = field(default_factory=dict)
    """References of the requests that are reminded of, and how many working days are left."""
    away_until: date | None = None
    """The last day on which the staff are away and their deputy reads this too."""

    def size_of(self, section: Section) -> int:
        """Return how many items a section has, listed or not."""
        others: dict[Section, Sequence[object]] = {
            Section.SET_ASIDE: self.set_aside,
            Section.TASKS: self.tasks,
            Section.UNDELIVERED: self.undelivered,
            Section.CAPPED: self.capped,
            Section.DESTRUCTION: self.over,
        }
        return len(others.get(section, self.items.get(section, ())))

    def number_of(self, section: Section) -> int:
        """Return how many a tile counts: what is due, or what staff have to decide or to read, wherever on the page it stands."""
        if section is Section.DECIDE:
            listed = (item for where, items in self.items.items() if where is not Section.WAITING for item in items)
            return sum(item.awaits_staff for item in listed) + len(self.set_aside)
        decided_first = self.items.get(Section.DECIDE, ())
        return self.size_of(section) + sum(item.urgency(self.now.date()) is section for item in decided_first)


@dataclass(frozen=True, slots=True)
class Face:
    """How the page presents itself: language and operator, and whether senders are named."""

    language: Language
    operator: str
    domain: str
    show_senders: bool
    code: str = ""
    """The secret with which this reader answers; without one the page is only looked at."""
    reply_to: str = ""
    head: str = ""
    """The head of the chain of events, in hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Line:
    """One item as people read it; ``spent`` is how much of its time is over, in hundredths, ``urgency`` how near its end is."""

    title: str
    facts: tuple[str, ...] = ()
    kind: ItemKind = ItemKind.REMARK
    name: str = ""
    tasks: tuple[str, ...] = ()
    term: str = ""
    counted: str = ""
    later: tuple[str, ...] = ()
    spent: int | None = None
    urgency: Section | None = None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says what is on one page in the words of its language."""

    words: Words
    digest: Digest
    face: Face

    def subject(self) -> str:
        """Return the subject: what is urgent, and the day."""
        urgent = {Section.OVERDUE, Section.TODAY, Section.DECIDE}
        told = [self.count(label, number) for section, number, label in self.counts() if section in urgent and number]
        told = ([self.words["not_read"]] if self.digest.not_read else []) + told
        told = ([self.words["wave"]["subject"]] if self.digest.wave else []) + told
        return f"mailbot · {self.face.domain}: {', '.join(told) or self.words['nothing_urgent']}, {self.digest.day:%d.%m.%Y}"

    def counts(self) -> list[tuple[Section, int, str]]:
        """Return what matters today in numbers."""
        return [(Section(name), self.digest.number_of(Section(name)), label) for name, label in self.words["urgency"].items()]

    def summary(self) -> str:
        """Return what matters today in one sentence."""
        return _opened(", ".join(self.count(label, number) for _, number, label in self.counts() if number))

    def count(self, label: str, number: int) -> str:
        """Return a number and what it counts."""
        return str(self.words["count"].format(label=label, n=number))

    def day(self, day: date) -> str:
        """Return a day with its weekday."""
        return f"{self.words['weekdays'][day.weekday()]} {day:%d.%m.%Y}"

    def when(self, moment: datetime) -> str:
        """Return a moment on the operator's clock."""
        return f"{moment.astimezone(self.digest.now.tzinfo):%d.%m.%Y, %H:%M}"

    def many(self, forms: Sequence[str], number: int) -> str:
        """Return the form that goes with a number: of one, of one and more, or of three as in Russian."""
        if len(forms) < 3:
            return forms[-1 if number != 1 else 0].format(n=number)
        tens, ones = number % 100 // 10, number % 10
        form = 2 if tens == 1 or ones in (0, 5, 6, 7, 8, 9) else 0 if ones == 1 else 1
        return forms[form].format(n=number)

    def person(self, address: str | None) -> str:
        """Name a person as far as the operator wants it."""
        if not address:
            return str(self.words["nobody"])
        return shown(address if self.face.show_senders else masked(address))

    def kind(self, matter: Matter) -> str:
        """Say what a request is."""
        return str(self.words["type"]["held" if matter.outcome is Outcome.HELD or not matter.type else matter.type])

    def request(self, section: Section, item: Item) -> Line:
        """Tell of a request."""
        matter, spent = item.matter, None
        if item.due and matter.state in OPEN:
            whole, gone = (item.due - matter.received_on).days, (self.digest.now.date() - matter.received_on).days
            spent = 100 if gone >= whole else max(0, 100 * gone // whole)
        return Line(
            title=self.kind(matter),
            kind=ItemKind.REQUEST,
            name=matter.reference,
            facts=(matter.reference, self.person(matter.sender)),
            tasks=tuple(self._tasks(section, item)),
            term=self._term(item),
            counted=self._counted(item),
            later=tuple(self._later(item)),
            spent=spent,
            urgency=item.urgency(self.digest.now.date()),
            is_new=matter.is_new and section is not Section.NEW,
        )

    def _tasks(self, section: Section, item: Item) -> Iterator[str]:
        matter, words = item.matter, self.words
        if matter.outcome is Outcome.HELD and matter.state in OPEN:
            yield words["held"].get(matter.reason) or words["held"].get(matter.rule) or words["held"]["hold_for_a_person"]
            types = [words["type"][kind] for kind in matter.may_be]
            yield words["may_be"].format(types=", ".join(types).lower() if 0 < len(types) <= 3 else words["anything"])
        elif item.promises and matter.state in OPEN:
            yield words["do"].format(tasks=self._duties(item.promises))
        if matter.reference in self.digest.exports:
            yield words["export"].format(reference=matter.reference)
        yield from self._written(matter)
        if section is Section.WAITING or matter.state is State.AWAITING_SENDER:
            yield self._waits_for(item)
        yield from (words["flag"][flag] for flag in matter.flags if flag in words["flag"])
        if matter.standing is Standing.FAILED:
            yield words["sender_failed"]

    def _later(self, item: Item) -> Iterator[str]:
        """Name what is owed after what is due first: who did only that and types ``done`` must have read the rest."""
        for due, promises in groupby(item.later if item.matter.state in OPEN else (), lambda each: each.due):
            told = self.words["then" if due else "then_undated"]
            yield told.format(tasks=self._duties([*promises]), day=f"{due:%d.%m.%Y}" if due else "")

    def _written(self, matter: Matter) -> Iterator[str]:
        """Tell which letters went to and fro since the request was entered, the earlier first."""
        words, is_open = self.words, matter.state in OPEN
        if is_open and matter.reopened_by_sender:
            yield words["reopened"]
        letters = (("answered", matter.answered_at if is_open else None), ("wrote", matter.wrote_at))
        for moment, what in sorted((moment, what) for what, moment in letters if moment):
            yield words[what].format(day=f"{moment.astimezone(self.digest.now.tzinfo):%d.%m.%Y}")

    def _duties(self, promises: Sequence[Promise]) -> str:
        """Name what is owed, and in brackets where."""
        places: dict[str, list[str]] = {}
        for promise in promises:
            places.setdefault(promise.what, []).extend([] if promise.system == STAFF else [promise.system])
        names = self.words["duty"]
        return "; ".join(
            f"{names.get(what, what)} ({', '.join(where)})" if where else names.get(what, what) for what, where in places.items()
        )

    def _waits_for(self, item: Item) -> str:
        matter, words = item.matter, self.words["term"]
        if matter.postponed_to and matter.postponed_to > self.digest.now.date():
            return str(words["postponed"].format(day=self.day(matter.postponed_to)))
        if matter.state is State.AWAITING_SENDER:
            return str(words["sender"])
        return str(words["systems"].format(systems=", ".join(dict.fromkeys(each.system for each in (*item.promises, *item.later)))))

    def _term(self, item: Item) -> str:
        """Say by when, and how far that is."""
        term, today = self.words["term"], self.digest.now.date()
        if item.matter.state not in OPEN:
            return str(term[item.matter.state])
        if item.due is None:
            return str(term["undated"])
        which = "today" if item.due == today else "ahead" if item.due > today else "behind"
        forms = self.words["days"]["late" if which == "behind" else "left"]
        return str(term[which].format(day=self.day(item.due), days=self.many(forms, item.days)))

    def _counted(self, item: Item) -> str:
        """Say in short how the due date was counted."""
        found = _LENGTH.search(item.promises[0].arithmetic) if item.due and item.promises else None
        if found is None:
            return ""
        length = self.many(self.words["length"][found["unit"]], int(found["amount"] or 1))
        return f"{self.words['received'].format(day=self.day(item.matter.received_on))}, {length}"

    def unread(self, aside: SetAside) -> Line:
        """Tell of a message that could not be read."""
        words = self.words["set_aside"]
        why = words.get(aside.reason, words["could_not_be_read"])
        return Line(
            words["title"].format(when=self.when(aside.received_at)),
            (aside.name, named((aside.place.inbox, aside.place.folder))),
            ItemKind.SET_ASIDE,
            aside.name,
            (why,),
        )

    def task(self, task: ListedTask) -> Line:
        """Tell of what a system's command was tried for in vain: since when, what it said last, and what to do."""
        words, reply = self.words["task"], " ".join((task.reply or "").split())
        if len(reply) > _MOST_OF_A_REPLY:  # how it ended stands at the beginning, why at the end
            reply = f"{reply[:40]} … {reply[40 - _MOST_OF_A_REPLY :]}"
        told = [words["failed"].format(when=self.when(task.since), n=task.attempts)]
        told += [words["said"].format(reply=shown(reply))] if reply else []
        title = _opened(self.words["duty"].get(task.what, task.what))
        cure = words["cure"].format(system=task.system)
        return Line(title, (task.reference, task.system), ItemKind.TASK, str(task.id), (*told, cure))

    def letter(self, letter: Undelivered) -> Line:
        """Tell of a letter that did not arrive, or goes out later."""
        title = self.words["letter"].get(letter.kind, letter.kind)
        facts = (*([letter.reference] if letter.reference else []), self.person(letter.recipient))
        return Line(title, facts, ItemKind.LETTER, str(letter.id), (self._delivery(letter),))

    def _delivery(self, letter: Undelivered) -> str:
        words = self.words["delivery"]
        if letter.state is LetterState.FAILED:
            code = _REPLY_CODE.match(letter.reply or "")
            return str(words["failed"].format(reply=code[0] if code else "–"))
        if letter.state is LetterState.DOUBTFUL:
            return str(words["doubtful"])
        if letter.is_capped:
            return str(words["capped"].format(when=self.when(letter.not_before)))
        return str(words["waiting"].format(when=self.when(letter.queued_at)))

    def mail(self) -> Iterator[tuple[str, list[str]]]:
        """Account for the mail of every folder: what arrived is what is accounted for, and when it was last seen whole."""
        words = self.words["mail"]
        for folder, traffic in self.digest.traffic.items():
            accounted = sum(traffic.outcomes.values())
            sentence = words["pending" if traffic.pending else "all_in"]
            said = sentence.format(arrived=accounted + traffic.pending, accounted=accounted, pending=traffic.pending)
            told = [f"{words['since'].format(when=self.when(self.digest.since))} {said}"]
            outcomes = [
                f"{label}: {traffic.outcomes[Outcome(name)]}" for name, label in self.words["outcome"].items() if name in traffic.outcomes
            ]
            told += [f"{_opened(', '.join(outcomes))}."] if outcomes else []
            told += [f"{words['seen'].format(when=self.when(traffic.last_pass_at))}."] if traffic.last_pass_at else []
            yield named(folder), told

    def month(self) -> dict[str, Any]:
        """Return the month's numbers: a row a type, and how long its bars are, in hundredths of the longest."""
        digest, words = self.digest, self.words
        most = max((counter.total() for counter in digest.numbers.values()), default=1)
        rows = []
        for kind, counter in sorted(digest.numbers.items(), key=lambda pair: (-pair[1].total(), pair[0] or "")):
            present = [result for result in Result if counter[result]]
            told = ", ".join(self.count(words["month"][result], counter[result]) for result in present)
            ends = [100 * end // most for end in accumulate((counter[result] for result in present), initial=0)]
            bars = [(result.value, end - start) for result, (start, end) in zip(present, pairwise(ends), strict=True)]
            rows.append({"label": words["type"][kind or "held"], "told": told, "bars": bars, "rest": 100 - ends[-1]})
        heading = words["heading"]["month"].format(month=words["months"][digest.month.month - 1], year=digest.month.year)
        return {"heading": heading, "rows": rows, "legend": [(result.value, words["month"][result]) for result in Result]}


_MOST_OF_A_REPLY = 240
_LENGTH = re.compile(r"; (?:(?P<amount>\d+) )?(?P<unit>working day|calendar day|month|hour|at once)")
_REPLY_CODE = re.compile(r"\d{3}(?: \d\.\d{1,3}\.\d{1,3})?(?= |$)")


def masked(address: str) -> str:
    """Return just enough of an address to tell two of them apart: a…@e…e.com."""
    local, _, domain = address.rpartition("@")
    name, _, top = domain.rpartition(".")
    return f"{local[:1]}…@{name[:1]}…{name[-1:]}.{top}"


def shown(text: str) -> str:
    """Return text from a message with the number of every character that would not be seen, or would turn others round (H102)."""
    return "".join(each if each == " " or unicodedata.category(each)[0] not in "CZ" else f"‹{ord(each):04X}›" for each in text)


def _opened(sentence: str) -> str:
    """Return a sentence with its first letter large, and the others as they are."""
    return sentence[:1].upper() + sentence[1:]


def named(folder: Folder) -> str:
    """Name a folder as people know it."""
    inbox, name = folder
    return inbox if name == "INBOX" else f"{inbox} / {name}"


@lru_cache
def words_of(language: Language) -> Words:
    """Return the table of a language."""
    return tomllib.loads((TEMPLATES / "digest" / f"{language}.toml").read_text("utf-8"))
