"""What a law and an operator's policy promise, as values: marks, limits, third parties.

Packs (``rules/packs/*.toml``) are read by ``rules.pack_text``; nothing here reads a file.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from rules.vocabulary import Duty, Event, Language, RequestType, SourceMark, Starts, Unit


@dataclass(frozen=True, slots=True)
class Limit:
    """One promise of a law or a policy: who triggers it, what must happen, and by when.

    ``amount`` is None where the text promises without a number: the other limits of the same trigger then
    say by when. ``clause`` is the bare article or clause number ("8(7)", "9.4").
    """

    id: str
    pack: str
    clause: str
    cite: str
    requests: frozenset[RequestType]
    events: frozenset[Event]
    duties: tuple[Duty, ...]
    amount: int | None
    unit: Unit | None
    starts: Starts
    mark: SourceMark
    is_law: bool
    in_force_from: date | None = None
    until: date | None = None
    note: str = ""

    def in_force_on(self, day: date) -> bool:
        """Tell whether the limit binds what was received on ``day``."""
        return (self.in_force_from is None or self.in_force_from <= day) and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class Mark:
    """A phrase that a policy tells people to write, with the clause that names it.

    ``from_template`` marks were not read in this policy but in the template it was made from.
    """

    type: RequestType
    language: Language
    phrase: str
    clause: str
    from_template: bool = False


@dataclass(frozen=True, slots=True)
class RefusalGround:
    """What the law lets an operator refuse for. Only a person of staff ever invokes it."""

    id: str
    clause: str
    cite: str
    requests: frozenset[RequestType]
    mark: SourceMark
    text: str


class NoteCode(StrEnum):
    """What only the policy's text can tell and a pack therefore records."""

    CROSS_BORDER_NOTICE = "cross_border_notice"
    FEDERAL_LAW = "federal_law"
    MAILS_PEOPLE = "mails_people"
    NARROWER_FORM = "narrower_form"
    REPLACED_LAW = "replaced_law"
    VERSIONS_DIFFER = "versions_differ"


@dataclass(frozen=True, slots=True)
class Note:
    """A fact of a policy's text, with the clause it stands in; an empty clause where no single one does."""

    code: NoteCode
    clause: str
    text: str


@dataclass(frozen=True, slots=True)
class Law:
    """A statute's limits, dated and cited."""

    name: str
    title: str
    country: str
    limits: tuple[Limit, ...]
    articles: dict[RequestType, str]
    grounds: tuple[RefusalGround, ...] = ()

    def limits_for(self, trigger: RequestType | Event, day: date) -> tuple[Limit, ...]:
        """Return the limits that ``trigger`` starts and that are in force on ``day``."""
        return limits_for(self.limits, trigger, day)


@dataclass(frozen=True, slots=True)
class Policy:
    """An operator's policy together with the law it stands under."""

    name: str
    law: Law
    operator: dict[Language, str]
    inboxes: tuple[str, ...]
    languages: tuple[Language, ...]
    marks: tuple[Mark, ...]
    limits: tuple[Limit, ...]
    clauses: dict[RequestType, tuple[str, ...]]
    data_held: tuple[str, ...]
    purposes: tuple[str, ...]
    third_parties: tuple[str, ...]
    in_force_from: date | None
    source_url: str
    sha256: str
    version: str
    notes: tuple[Note, ...] = ()
    representative_clauses: tuple[str, ...] = ()

    def limits_for(self, trigger: RequestType | Event, day: date) -> tuple[Limit, ...]:
        """Return the policy's own promises and the law's limits for ``trigger``, the policy's first."""
        return limits_for(self.limits, trigger, day) + self.law.limits_for(trigger, day)

    def clause_for(self, request_type: RequestType) -> str | None:
        """Return the clause that offers ``request_type``, else the law's article, bare."""
        own = self.clauses.get(request_type)
        return own[0] if own else self.law.articles.get(request_type)


def limits_for(limits: Iterable[Limit], trigger: RequestType | Event, day: date) -> tuple[Limit, ...]:
    """Return those of ``limits`` that ``trigger`` starts and that are in force on ``day``."""
    return tuple(limit for limit in limits if (trigger in limit.requests or trigger in limit.events) and limit.in_force_on(day))
