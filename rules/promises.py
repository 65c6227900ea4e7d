"""Sets each promise of a policy beside the statute: which of the two governs, and what a policy must be warned about.

Owns the comparison of limits as such, whatever the day they start on; due dates are ``rules.deadlines``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import combinations, groupby

from rules.policy import Law, Limit, NoteCode, Policy
from rules.vocabulary import Duty, Event, RequestType, SourceMark, Starts, Unit

Trigger = RequestType | Event

ENDS_USE = frozenset({Duty.STOP_PROCESSING, Duty.BLOCK, Duty.DESTROY})
"""Each of these ends the use of somebody's data, so a promise of one is measured against a limit for another."""

PROVIDERS_ABROAD = frozenset(
    {
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "yahoo.com",
        "icloud.com",
        "proton.me",
        "yandex.ru",
        "yandex.kz",
        "yandex.com",
        "ya.ru",
        "mail.ru",
        "bk.ru",
        "inbox.ru",
        "list.ru",
    }
)
"""Public mail providers that keep their boxes outside Kazakhstan."""


class Relation(StrEnum):
    """How a promise compares with the statute."""

    STRICTER = "stricter"
    LOOSER = "looser"
    EQUAL = "equal"
    SILENT = "silent"


class Governs(StrEnum):
    """Which text says by when. Both: they say the same, or the calendar decides which of them ends earlier."""

    POLICY = "policy"
    STATUTE = "statute"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A promise beside the statute's limit for the same trigger and duty; either may be missing.

    Where no limit of the law is started by ``trigger``, ``statute`` is the strictest for the same act: a measure, which binds nobody here.
    """

    trigger: Trigger
    duty: Duty
    promise: Limit | None
    statute: Limit | None

    @property
    def relation(self) -> Relation:
        """Tell how the promise compares. Looser is what may end later than the statute on some day of the calendar."""
        if self.promise is None or self.promise.amount is None:
            return Relation.SILENT
        if self.statute is None or self.statute.amount is None:
            return Relation.STRICTER
        if (self.promise.amount, self.promise.unit, self.promise.starts) == (self.statute.amount, self.statute.unit, self.statute.starts):
            return Relation.EQUAL
        return Relation.STRICTER if never_later(self.promise, self.statute) else Relation.LOOSER

    @property
    def governs(self) -> Governs:
        """Tell which of the two says by when: the earliest limit governs."""
        if self.statute is None or not is_started_by(self.statute, self.trigger):
            return Governs.POLICY
        if self.promise is None or self.relation is Relation.SILENT:
            return Governs.STATUTE
        if self.relation is Relation.LOOSER:
            return Governs.STATUTE if never_later(self.statute, self.promise) else Governs.BOTH
        return Governs.BOTH if self.relation is Relation.EQUAL else Governs.POLICY


@dataclass(frozen=True, slots=True)
class PolicyWarning:
    """Something in a policy that its operator should mend or know; it never moves a due date."""

    code: str
    text: str
    clause: str | None = None


def compare(policy: Policy, day: date) -> tuple[Comparison, ...]:
    """Set every promise beside the statute in force on ``day``, and list what the statute demands and the policy leaves out."""
    triggers: tuple[Trigger, ...] = (*RequestType, *Event)
    return tuple(row for trigger in triggers for row in (*promised(policy, trigger, day), *left_out(policy, trigger, day)))


def promised(policy: Policy, trigger: Trigger, day: date) -> Iterator[Comparison]:
    """Yield the promises that ``trigger`` starts, each beside the statute."""
    promises = [limit for limit in policy.limits if is_started_by(limit, trigger) and limit.in_force_on(day)]
    rows = [(duty, limit) for limit in promises for duty in limit.duties]
    for duty, limit in sorted(rows, key=lambda row: list(Duty).index(row[0])):
        counted = [] if limit.amount is not None else policy.law.limits_for(trigger, day)
        applies = strictest(each for each in counted if duty in each.duties)
        yield Comparison(trigger, duty, limit, applies or statute_for(policy.law, trigger, duty, day))


def left_out(policy: Policy, trigger: Trigger, day: date) -> Iterator[Comparison]:
    """Yield what the statute demands on ``trigger`` and the policy does not promise."""
    duties = {row.duty for row in promised(policy, trigger, day)}
    for limit in policy.law.limits_for(trigger, day):
        for duty in limit.duties:
            if duty not in duties:
                yield Comparison(trigger, duty, None, limit)


def statute_for(law: Law, trigger: Trigger, duty: Duty, day: date) -> Limit | None:
    """Return the limit of law that a promise is measured against: its own, else one that ends the use of the data as well.

    An interpretation that gives the end of data a number where no text does only fills a gap: it measures nothing.
    """
    is_filled = duty in ENDS_USE
    started = [limit for limit in law.limits_for(trigger, day) if not (is_filled and limit.mark is SourceMark.READING)]
    same_duty = [limit for limit in started if duty in limit.duties]
    if same_duty or duty not in ENDS_USE:
        return strictest(same_duty)
    if started:
        return strictest(limit for limit in started if ENDS_USE.intersection(limit.duties))
    return strictest(limit for limit in law.limits if duty in limit.duties and limit.in_force_on(day))


def is_started_by(limit: Limit, trigger: Trigger) -> bool:
    """Tell whether ``trigger`` starts the limit."""
    return trigger in limit.requests or trigger in limit.events


def strictest(limits: Iterable[Limit]) -> Limit | None:
    """Return the limit that ends first."""
    return min(limits, key=longest, default=None)


def never_later(one: Limit, other: Limit) -> bool:
    """Tell whether ``one`` ends no later than ``other`` on any day of any calendar."""
    if one.starts not in (Starts.RECEIPT, other.starts):
        return False
    if one.unit is Unit.AT_ONCE:
        return True
    if one.unit is other.unit and one.unit in (Unit.HOURS, Unit.WORKING_DAYS):
        return (one.amount or 0) <= (other.amount or 0)
    return longest(one) <= shortest(other)


def shortest(limit: Limit) -> float:
    """Return on how many days after its start the limit ends at the earliest; what counts hours may end on the day of its start."""
    amount = 0 if limit.amount is None else limit.amount
    match limit.unit:
        case Unit.HOURS:
            return amount / 24 - 1
        case Unit.MONTHS:
            return 28 * amount
        case Unit.WORKING_DAYS | Unit.CALENDAR_DAYS:
            return amount
    return -1


def longest(limit: Limit) -> float:
    """Return on how many days after its start the limit ends at the latest, cautiously: weekends and the longest holidays included."""
    if limit.amount is None:
        return float("inf")
    moved = 7 if limit.is_law else 0  # a statute's last day moves to a working day, a policy's own calendar days do not
    match limit.unit:
        case Unit.HOURS:
            return limit.amount / 24
        case Unit.CALENDAR_DAYS:
            return limit.amount + moved
        case Unit.MONTHS:
            return 31 * limit.amount + moved
        case Unit.WORKING_DAYS:
            return 2 * limit.amount + 5
    return 0


def in_words(limit: Limit) -> str:
    """Say how long the limit is: "1 working day", "at once", "no number"."""
    if limit.amount is None or limit.unit is None:
        return "no number"
    if limit.unit is Unit.AT_ONCE:
        return "at once"
    unit = limit.unit.replace("_", " ")
    return f"{limit.amount} {unit.removesuffix('s') if limit.amount == 1 else unit}"


def warnings_of(policy: Policy, day: date) -> tuple[PolicyWarning, ...]:
    """Return what the operator should mend in the policy, or know of it."""
    rows = [row for row in compare(policy, day) if row.promise]
    return (*looser(rows), *silent(rows), *overlapping(policy), *not_offered(policy, day), *noted(policy), *about_the_pack(policy))


def looser(rows: Iterable[Comparison]) -> Iterator[PolicyWarning]:
    """Warn of each promise that may end later than the statute."""
    for row in rows:
        if row.promise and row.relation is Relation.LOOSER:
            what = f"clause {row.promise.clause} promises {in_words(row.promise)} to {spoken(row.duty)} ({spoken(row.trigger)})"
            yield PolicyWarning("looser", f"{what}; {what_applies(row)}", row.promise.clause)


def silent(rows: Iterable[Comparison]) -> Iterator[PolicyWarning]:
    """Warn where no promise for a trigger and duty has a number, and show the article that applies."""
    for (trigger, duty), group in groupby(rows, key=lambda row: (row.trigger, row.duty)):
        same = list(group)
        if any(row.relation is not Relation.SILENT for row in same):
            continue
        clauses = list(dict.fromkeys(row.promise.clause for row in same if row.promise))
        named = f"clause{'s' * (len(clauses) > 1)} {', '.join(clauses)}"
        yield PolicyWarning("silent", f"{named}: no number to {spoken(duty)} ({spoken(trigger)}); {what_applies(same[0])}", clauses[0])


def what_applies(row: Comparison) -> str:
    """Say which limit of law stands beside a promise."""
    if row.statute is None:
        return "no article sets a limit for it"
    if not is_started_by(row.statute, row.trigger):
        return f"no article sets a limit for it, the nearest is {shown(row.statute)}"
    return f"the statute's limit is {shown(row.statute)}"


def overlapping(policy: Policy) -> Iterator[PolicyWarning]:
    """Warn of two promises with different numbers that one and the same fact can start."""
    warned = set()
    for one, other in combinations([limit for limit in policy.limits if limit.amount is not None], 2):
        clauses = (one.clause, other.clause)
        if (one.amount, one.unit) != (other.amount, other.unit) and meet(one, other) and clauses not in warned:
            warned.add(clauses)
            text = f"clauses {one.clause} ({in_words(one)}) and {other.clause} ({in_words(other)}) can bind for the same fact"
            yield PolicyWarning("overlapping_limits", text, other.clause)


def meet(one: Limit, other: Limit) -> bool:
    """Tell whether one fact can start both: the same trigger, or data that a person demands the end of and staff find a reason to end."""
    asked_and_found = bool(one.requests) != bool(other.requests)
    both_end_use = ENDS_USE.intersection(one.duties) and ENDS_USE.intersection(other.duties)
    return bool(one.requests & other.requests or one.events & other.events or (asked_and_found and both_end_use))


def not_offered(policy: Policy, day: date) -> Iterator[PolicyWarning]:
    """Warn of what a policy should offer and does not."""
    mailing = next((note for note in policy.notes if note.code is NoteCode.MAILS_PEOPLE), None)
    if mailing and RequestType.OPT_OUT not in policy.clauses:
        yield PolicyWarning("no_opt_out", f"the policy mails people but offers no opt-out. {mailing.text}", mailing.clause or None)
    if not any(Event.BREACH in limit.events for limit in policy.limits):
        law = [f"the statute's limit is {shown(limit)}" for limit in policy.law.limits_for(Event.BREACH, day)]
        yield PolicyWarning("no_breach_clause", "; ".join(["no clause on breaches", *law]))


def noted(policy: Policy) -> Iterator[PolicyWarning]:
    """Warn of what the reader of the text noted in the pack."""
    for note in policy.notes:
        if note.code is not NoteCode.MAILS_PEOPLE:
            yield PolicyWarning(note.code, note.text, note.clause or None)


def about_the_pack(policy: Policy) -> Iterator[PolicyWarning]:
    """Warn of an inbox abroad, and of what the pack does not record of the version it was made from."""
    for inbox in policy.inboxes:
        if policy.law.country == "KZ" and inbox.rpartition("@")[2].casefold() in PROVIDERS_ABROAD:
            yield PolicyWarning(
                "inbox_abroad", f"{inbox} lies with a provider abroad; the data are kept in Kazakhstan (Law 94-V art. 12(2))"
            )
    facts = {"in_force_from": policy.in_force_from, "source_url": policy.source_url, "sha256": policy.sha256}
    if missing := [name for name, fact in facts.items() if not fact]:
        yield PolicyWarning("version_unknown", f"the pack does not record the version of the policy it was made from: {', '.join(missing)}")


def shown(limit: Limit) -> str:
    """Show a limit with its source and the mark of how surely it is known."""
    return f"{in_words(limit)}: {limit.cite} ({limit.mark})"


def spoken(word: StrEnum) -> str:
    """Write a word of the vocabulary as people read it."""
    return word.replace("_", " ")
