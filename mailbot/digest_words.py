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
from itertools import groupby
from typing import TYPE_CHECKING, Any

from mailbot.desk import OWN_SYSTEM
from mailbot.digest_actions import MOST_TYPES, Action, actions_for
from mailbot.digest_answers import SUBJECT_MARK
from mailbot.wording import TEMPLATES
from rules.deadlines import STAFF
from rules.life import OPEN
from rules.vocabulary import Language, Outcome, RequestType, Standing, State
from storage.ledger import SetAside
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
    """Where an item stands on the page, in this order, the most urgent first: it gets room first when not everything can be listed."""

    OVERDUE = "overdue"
    TODAY = "today"
    DECIDE = "decide"
    SOON = "soon"
    SET_ASIDE = "set_aside"
    TASKS = "tasks"
    UNDELIVERED = "undelivered"
    NEW = "new"
    WAITING = "waiting"
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
    cannot_wait: int = 0
    """How many requests came of which something is due before the daily digest: this one is sent for their sake."""

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
        """Return how many are counted at the top: what is due, or what staff have to decide or to read, wherever on the page it stands."""
        if section is Section.DECIDE:
            listed = (item for where, items in self.items.items() if where is not Section.WAITING for item in items)
            return sum(item.awaits_staff for item in listed) + len(self.set_aside)
        return self.size_of(section) + sum(item.urgency(self.now.date()) is section for item in self.items.get(Section.DECIDE, ()))


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
    """One item as people read it; ``urgency`` is how near its end is, ``marks`` are words beside its title."""

    title: str
    facts: tuple[str, ...] = ()
    kind: ItemKind = ItemKind.REMARK
    name: str = ""
    tasks: tuple[str, ...] = ()
    term: str = ""
    counted: str = ""
    later: tuple[str, ...] = ()
    urgency: Section | None = None
    marks: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    arithmetic: tuple[str, ...] = ()

    def in_brief(self) -> "Line":
        """Return what is told where there are too many: what it is, whose, and by when."""
        told = self.term or next(iter(self.tasks), "")
        return Line(self.title, (*self.facts, *([told] if told else [])), self.kind, self.name, urgency=self.urgency, marks=self.marks)


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
        alerts = ((self.words["wave"]["subject"], self.digest.wave), (self.words["not_read"], self.digest.not_read))
        urgent_words = ", ".join([*(words for words, stands in alerts if stands), *told]) or self.words["nothing_urgent"]
        return f"{SUBJECT_MARK}{self.face.domain}: {urgent_words}, {self.digest.day:%d.%m.%Y}"

    def counts(self) -> list[tuple[Section, int, str]]:
        """Return what matters today in numbers."""
        return [(Section(name), self.digest.number_of(Section(name)), label) for name, label in self.words["urgency"].items()]

    def summary(self) -> str:
        """Return what matters today in one sentence."""
        return opened(", ".join(self.count(label, number) for _, number, label in self.counts() if number))

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
        """Say what a request is, or what staff entered that no mail told."""
        if matter.event is not None:
            return shown(self.words["event"].get(matter.event, matter.event))
        return str(self.words["type"]["held" if matter.outcome is Outcome.HELD or not matter.type else matter.type])

    def request(self, section: Section, item: Item) -> Line:
        """Tell of a request."""
        matter, today = item.matter, self.digest.now.date()
        return Line(
            title=self.kind(matter),
            facts=tuple(self._facts(matter)),
            kind=ItemKind.REQUEST,
            name=matter.reference,
            tasks=tuple(self._tasks(section, item)),
            term=self._term(item),
            counted=self._counted(item),
            later=tuple(self._later(item)),
            urgency=item.urgency(today),
            marks=tuple(self._marks(section, matter)),
            actions=tuple(actions_for(matter, today, has_export=matter.reference in self.digest.exports)),
            arithmetic=tuple(dict.fromkeys(each.arithmetic for each in item.promises if each.arithmetic and matter.state in OPEN)),
        )

    def head(self) -> str:
        """Return the beginning of the chain's head in groups that people can compare."""
        return " ".join(self.face.head[start : start + 4] for start in range(0, 16, 4))

    def _marks(self, section: Section, matter: Matter) -> Iterator[str]:
        if matter.is_new and section is not Section.NEW:
            yield self.words["new"]
        if matter.reference in self.digest.reminders and matter.state in OPEN:
            yield self.words["reminder"]

    def _facts(self, matter: Matter) -> Iterator[str]:
        yield matter.reference
        if matter.sender or matter.event is None:
            yield self.person(matter.sender)
        if matter.channel in self.words["channel"]:
            yield self.words["channel"][matter.channel]

    def _tasks(self, section: Section, item: Item) -> Iterator[str]:
        matter, words = item.matter, self.words
        yield from self._recounted(item)
        if matter.outcome is Outcome.HELD and matter.state in OPEN:
            why = words["held"].get(matter.reason) or words["held"].get(matter.rule) or words["held"]["hold_for_a_person"]
            types = ", ".join(words["type"][kind] for kind in matter.may_be).lower() if 0 < len(matter.may_be) <= MOST_TYPES else ""
            yield f"{why}. {words['may_be'].format(types=types or words['anything'])}"
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

    def _recounted(self, item: Item) -> Iterator[str]:
        """Tell how the day of what is due first was moved, and by what; what staff did themselves they know."""
        words, first = self.words["recounted"], {(each.what, each.system) for each in item.promises if item.matter.state in OPEN}
        moved = [each for each in item.matter.recounted if (each.get("what"), each.get("system")) in first]
        for each in moved[-1:]:
            known = (words["why"].get(why.partition(" ")[0]) for why in each["why"].split(", "))
            if reasons := ", ".join(filter(None, known)):
                was, now = (f"{date.fromisoformat(each[name]):%d.%m.%Y}" if each[name] else "–" for name in ("was", "now"))
                yield words["told"].format(why=reasons, was=was, now=now)

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
        told = ((self.words["duty"].get(what, what), where) for what, where in places.items())
        return "; ".join(f"{name} ({', '.join(where)})" if where else name for name, where in told)

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


_LENGTH = re.compile(r"; (?:(?P<amount>\d+) )?(?P<unit>working day|calendar day|month|hour|at once)")


def masked(address: str) -> str:
    """Return just enough of an address to tell two of them apart: a…@e…e.com."""
    local, _, domain = address.rpartition("@")
    name, _, top = domain.rpartition(".")
    return f"{local[:1]}…@{name[:1]}…{name[-1:]}.{top}"


def shown(text: str) -> str:
    """Return text from a message with the number of every character that would not be seen, or would turn others round (H102)."""
    return "".join(each if each == " " or unicodedata.category(each)[0] not in "CZ" else f"‹{ord(each):04X}›" for each in text)


def opened(sentence: str) -> str:
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
