"""The page of a rehearsal (``mailbot scan``), for a privacy officer: what would have been recognised and why, and what is late already.

Types, reasons of doubt and days are in the words of the digest (``mailbot.digest_words``); the page's own are in ``templates/rehearsal``.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from mailbot.config import Config
from mailbot.digest_page import environment
from mailbot.digest_words import Words, shown, words_of
from mailbot.letters import operator_name
from mailbot.policies import load_policy
from mailbot.rehearsal import Findings, Found
from mailbot.wording import TEMPLATES, read_wording
from rules.policy import Policy
from rules.vocabulary import Language, Outcome

GROUPS = ("late", "held", "open", "answered")
"""Where an item stands on the page, in this order: an item stands where it fits first."""


@dataclass(frozen=True, slots=True)
class Line:
    """One item as people read it."""

    title: str
    subject: str
    facts: tuple[str, ...]
    why: str
    term: str


def write_page(config: Config, found: Findings) -> str:
    """Write the page in the language of the staff."""
    language, policy = Language(config.staff.language), load_policy(config.operator.policy)
    speaker = Speaker(language, words_of(language), own_words_of(language), policy, found)
    return (
        environment()
        .get_template("rehearsal/rehearsal.html.j2")
        .render(
            language=language,
            w=speaker.own,
            operator=operator_name(policy, language),
            inboxes=sorted({inbox.address for inbox in config.inbox}),
            days=speaker.days(),
            tiles=speaker.tiles(),
            groups=speaker.groups(),
            kinds=speaker.kinds(),
            mail=speaker.mail(),
            notes=speaker.notes(),
        )
    )


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says what was found in the words of its language."""

    language: Language
    words: Words
    own: Words
    policy: Policy
    found: Findings

    def days(self) -> str:
        """Say which days were looked at."""
        spell = read_wording(self.language).spell
        return str(self.own["days"].format(since=spell(self.found.since), today=spell(self.found.today)))

    def tiles(self) -> list[tuple[str, int, str]]:
        """Return what matters in numbers."""
        sizes = Counter(self._group(item) for item in self.found.items)
        outcomes = Counter(item.request.outcome for item in self.found.items)
        numbers = {
            "late": sizes["late"],
            "request": outcomes[Outcome.REQUEST],
            "held": outcomes[Outcome.HELD],
            "looked_at": self.found.looked_at,
        }
        return [(name, number, self.own["tile"][name]) for name, number in numbers.items()]

    def groups(self) -> list[tuple[str, str, list[Line]]]:
        """Return the items under their headings: (group, heading, lines)."""
        told = ((name, [self._line(item) for item in self.found.items if self._group(item) == name]) for name in GROUPS)
        return [(name, self.own["heading"][name], lines) for name, lines in told if lines]

    def kinds(self) -> list[tuple[str, int, int]]:
        """Return how many requests of each type there were, and how wide their bars are, in hundredths of the longest."""
        counted = Counter(self._kind(item) for item in self.found.items)
        most = max(counted.values(), default=1)
        return [(kind, count, max(1, 100 * count // most)) for kind, count in counted.most_common()]

    def mail(self) -> list[tuple[str, int]]:
        """Account for every message that was looked at."""
        outcomes = [(self.words["outcome"][name], self.found.outcomes[Outcome(name)]) for name in self.words["outcome"]]
        return [(label, count) for label, count in (*outcomes, (self.own["not_delivered"], self.found.not_delivered)) if count]

    def notes(self) -> list[str]:
        """Say what was not looked into."""
        unheard = [self.own["not_heard"].format(inboxes=", ".join(self.found.not_heard))] if self.found.not_heard else []
        return [*unheard, self.own["spam"]]

    def _group(self, item: Found) -> str:
        if item.late_since(self.found.today):
            return "late"
        if item.answered_on:
            return "answered"
        return "held" if item.request.outcome is Outcome.HELD else "open"

    def _kind(self, item: Found) -> str:
        request = item.request
        return str(self.words["type"]["held" if request.outcome is Outcome.HELD or not request.type else request.type])

    def _line(self, item: Found) -> Line:
        request = item.request
        received = self.own["received"].format(day=self._day(request.received_on))
        sender = shown(request.sender) if request.sender else self.words["nobody"]
        subject = shown(" ".join(item.subject.split())) or self.own["no_subject"]
        place = shown(f"{request.place.folder}/{request.place.uid}")
        return Line(self._kind(item), subject, (sender, received, place), " ".join(self._why(item)), self._term(item))

    def _why(self, item: Found) -> Iterator[str]:
        """Say why it is what it is, in a sentence or two."""
        request, words = item.request, self.words
        if request.outcome is Outcome.HELD:
            yield f"{words['held'].get(request.reason) or words['held'].get(request.rule) or words['held']['hold_for_a_person']}."
            types = [words["type"][kind] for kind in request.may_be]
            yield f"{words['may_be'].format(types=', '.join(types).lower() if 0 < len(types) <= 3 else words['anything'])}."
            return
        yield self.own["why"][request.certainty or "guess"].format(words=shown(request.matched or "–"))
        if request.clause:
            key = "clause" if request.type and request.clause in self.policy.clauses.get(request.type, ()) else "article"
            yield self.own[key].format(clause=request.clause)

    def _term(self, item: Found) -> str:
        """Say by when it was or is due, and what is known of an answer."""
        own, due, late = self.own, item.due, item.late_since(self.found.today)
        term = own["due"].format(day=self._day(due)) if due else str(self.words["term"]["undated"])
        if late:
            return f"{term} · {own['late_since'].format(day=self._day(late))}"
        return f"{term} · {own['answered'].format(day=self._day(item.answered_on))}" if item.answered_on else term

    def _day(self, day: date) -> str:
        return f"{self.words['weekdays'][day.weekday()]} {day:%d.%m.%Y}"


@lru_cache
def own_words_of(language: Language) -> Words:
    """Return the page's own words in a language."""
    return tomllib.loads((TEMPLATES / "rehearsal" / f"{language}.toml").read_text("utf-8"))
