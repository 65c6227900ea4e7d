"""Reads a pack of law or of policy from TOML: strictly, and every mistake is told at once.

Owns the form of the packs. What the values mean stands in ``rules.policy``; where packs lie is the caller's affair.
"""

import hashlib
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from rules.policy import Law, Limit, Mark, Note, NoteCode, Policy, RefusalGround
from rules.vocabulary import Duty, Event, Language, RequestType, SourceMark, Starts, Unit

Value = TypeVar("Value")
Word = TypeVar("Word", bound=StrEnum)

VERSION_DIGITS = 12
SHA256 = re.compile(r"[0-9a-f]{64}")
WHERE_TOML_BROKE = re.compile(r"(?P<what>.*) \(at (?P<where>line \d+), column \d+\)")


@dataclass(frozen=True, slots=True)
class PackMistake:
    """One thing that is wrong in a pack: where, what, and how to cure it. Entries of a list are counted from 1."""

    file: str
    key: str
    what: str
    cure: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.file}: {self.key} {self.what}; {self.cure}"


class PackMistakes(ValueError):
    """The pack cannot be used as it is written."""

    def __init__(self, mistakes: Iterable[PackMistake]) -> None:
        """Keep every mistake."""
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))


def read_law(text: str, file: str) -> Law:
    """Read a pack of law; raise ``PackMistakes`` where it cannot be used."""
    root = opened(text, file)
    name = root.text("name")
    articles = root.table("articles")
    law = Law(
        name=name,
        title=root.text("title"),
        country=root.text("country"),
        limits=tuple(law_limit(entry, name) for entry in root.tables("limit")),
        articles={kind: article for kind in RequestType if (article := articles.optional_text(kind))},
        grounds=tuple(refusal_ground(entry) for entry in root.tables("ground")),
    )
    root.refuse_twins("id", [limit.id for limit in law.limits] + [ground.id for ground in law.grounds])
    root.close()
    return law


def read_policy(text: str, file: str, law_named: Callable[[str], Law]) -> Policy:
    """Read an operator's pack; raise ``PackMistakes`` where it cannot be used.

    ``law_named`` raises ``LookupError`` for a law it does not know, saying which it does.
    """
    root = opened(text, file)
    name, mark = root.text("name"), root.word("source_mark", SourceMark)
    names = root.table("operator")
    marks = tuple(subject_mark(entry) for entry in root.tables("mark"))
    limits = tuple(promise(entry, name, mark) for entry in root.tables("limit"))
    policy = Policy(
        name=name,
        law=law_of(root, law_named),
        operator={language: known_as for language in Language if (known_as := names.optional_text(language))},
        inboxes=root.texts("inboxes"),
        languages=root.words("languages", Language),
        marks=marks,
        limits=limits,
        clauses=clauses_offering(marks, limits),
        data_held=root.texts("data_held"),
        purposes=root.texts("purposes"),
        third_parties=root.texts("third_parties"),
        in_force_from=root.day("in_force_from"),
        source_url=root.optional_text("source_url"),
        sha256=root.optional_text("sha256"),
        version=hashlib.sha256(text.encode()).hexdigest()[:VERSION_DIGITS],
        notes=tuple(note(entry) for entry in root.tables("note")),
        representative_clauses=root.texts("representative_clauses"),
    )
    refuse_unusable(root, policy)
    root.close()
    return policy


def clauses_offering(marks: Iterable[Mark], limits: Iterable[Limit]) -> dict[RequestType, tuple[str, ...]]:
    """Return the clauses that offer each type: first those that tell people what to write, then the rest as the pack has them."""
    offers = [(mark.type, mark.clause) for mark in marks] + [(kind, limit.clause) for limit in limits for kind in limit.requests]
    return {kind: tuple(dict.fromkeys(clause for offered, clause in offers if offered is kind)) for kind, _ in offers}


def law_of(root: "Table", law_named: Callable[[str], Law]) -> Law:
    """Return the law the policy stands under; what is wrong with it is among the policy's mistakes."""
    name = root.text("law")
    try:
        if name:
            return law_named(name)
    except LookupError as unknown:
        root.wrong("law", f"is {name!r}, which is no law known here", str(unknown.args[0]))
    except PackMistakes as broken:
        root.mistakes.extend(broken.mistakes)
    return Law(name, "", "", (), {})


def refuse_unusable(root: "Table", policy: Policy) -> None:
    """Note what no single key shows: nobody to name, nowhere to write, two marks or promises that cannot be told apart."""
    if not policy.operator:
        root.wrong("operator", "names nobody", 'write the operator\'s name a language, as in en = "Example LLP"')
    if not root.values.get("inboxes"):
        root.wrong("inboxes", "is empty", "write the address that the policy tells people to write to")
    for address in policy.inboxes:
        if "@" not in address:
            root.wrong("inboxes", f"has {address!r}, which is no mail address", "write it as in info@example.com")
    if policy.sha256 and not SHA256.fullmatch(policy.sha256):
        root.wrong("sha256", "is not 64 hexadecimal digits", "write the SHA-256 of the policy's text, or leave the key out")
    root.refuse_twins("id", [limit.id for limit in policy.limits])
    root.refuse_twins("phrase", [mark.phrase.casefold() for mark in policy.marks])


@dataclass(frozen=True, slots=True)
class Source:
    """Where a limit stands and how surely it is known."""

    pack: str
    clause: str
    cite: str
    mark: SourceMark
    is_law: bool


def law_limit(entry: "Table", pack: str) -> Limit:
    """Read one limit of a law."""
    source = Source(pack, entry.text("article"), entry.text("cite"), entry.word("mark", SourceMark), is_law=True)
    return limit_from(entry, source)


def promise(entry: "Table", pack: str, mark: SourceMark) -> Limit:
    """Read one promise of a policy; without a number the statute says by when."""
    clause = entry.text("clause")
    return limit_from(entry, Source(pack, clause, f"Policy clause {clause}", mark, is_law=False))


def limit_from(entry: "Table", source: Source) -> Limit:
    """Read what limits of law and promises of policy have in common."""
    limit = Limit(
        id=entry.text("id"),
        pack=source.pack,
        clause=source.clause,
        cite=source.cite,
        requests=frozenset(entry.words("requests", RequestType)),
        events=frozenset(entry.words("events", Event)),
        duties=entry.words("duties", Duty),
        amount=entry.number("amount"),
        unit=entry.optional_word("unit", Unit),
        starts=entry.optional_word("starts", Starts) or Starts.RECEIPT,
        mark=source.mark,
        is_law=source.is_law,
        in_force_from=entry.day("in_force_from"),
        until=entry.day("until"),
        note=entry.optional_text("note"),
    )
    refuse_contradictions(entry, limit)
    return limit


def refuse_contradictions(entry: "Table", limit: Limit) -> None:
    """Note where the keys of one limit do not make a limit together."""
    has_amount, has_unit = "amount" in entry.values, "unit" in entry.values
    if not entry.values.get("requests") and not entry.values.get("events"):
        entry.wrong("requests", "and events are both missing or empty, so nothing starts this limit", "write at least one of them")
    if not entry.values.get("duties"):
        entry.wrong("duties", "is missing or empty", f"write what must happen: {listed(Duty)}")
    if has_amount and not has_unit:
        entry.wrong("unit", "is missing beside an amount", f"write one of {listed(Unit)}")
    if has_unit and not has_amount:
        entry.wrong("amount", "is missing beside a unit", "write a number, or leave the unit out too")
    if limit.amount is not None and limit.unit and (limit.amount < 0 or (limit.amount == 0) != (limit.unit is Unit.AT_ONCE)):
        entry.wrong("amount", f"is {limit.amount} beside {limit.unit}", 'write 0 beside "at_once", else 1 or more')
    if limit.amount is not None and limit.unit and limit.unit is not Unit.AT_ONCE and limit.amount > MOST[limit.unit]:
        entry.wrong("amount", f"is {limit.amount} {limit.unit}, longer than ten years", "write the limit that the text names")
    if limit.in_force_from and limit.until and limit.until < limit.in_force_from:
        entry.wrong("until", "is before in_force_from", "write the last day on which the limit binds")


def refusal_ground(entry: "Table") -> RefusalGround:
    """Read what a law lets an operator refuse for."""
    return RefusalGround(
        id=entry.text("id"),
        clause=entry.text("article"),
        cite=entry.text("cite"),
        requests=frozenset(entry.words("requests", RequestType)),
        mark=entry.word("mark", SourceMark),
        text=entry.text("text"),
    )


MOST = {Unit.HOURS: 87_600, Unit.WORKING_DAYS: 2_600, Unit.CALENDAR_DAYS: 3_660, Unit.MONTHS: 120}
"""Ten years in every unit: a longer limit is a slip of the pen."""


class MarkSource(StrEnum):
    """Where a mark was read: in this policy, or in the template that it was made from."""

    POLICY = "policy"
    TEMPLATE = "template"


def subject_mark(entry: "Table") -> Mark:
    """Read a phrase that the policy tells people to write."""
    if not any(letter.isalnum() for letter in str(entry.values.get("phrase", "x"))):
        entry.wrong("phrase", "holds no word, so that an empty subject would be it", "write the phrase as the policy names it")
    return Mark(
        type=entry.word("type", RequestType),
        language=entry.word("language", Language),
        phrase=entry.text("phrase"),
        clause=entry.text("clause"),
        from_template=entry.word("source", MarkSource) is MarkSource.TEMPLATE,
    )


def note(entry: "Table") -> Note:
    """Read a fact of the policy's text."""
    return Note(entry.word("code", NoteCode), entry.optional_text("clause"), entry.text("text"))


def opened(text: str, file: str) -> "Table":
    """Return the pack's outermost table; TOML that cannot be read is one mistake, with its line."""
    try:
        return Table(tomllib.loads(text), file)
    except (tomllib.TOMLDecodeError, RecursionError) as broken:
        place = WHERE_TOML_BROKE.fullmatch(str(broken))
        what, where = (place["what"], place["where"]) if place else (str(broken), "the end")
        mistake = PackMistake(file, where, f"is not TOML: {what}", "see https://toml.io/en/v1.0.0")
        raise PackMistakes([mistake]) from None


@dataclass(slots=True)
class Table:
    """A table of a pack while it is read.

    What is wrong is noted and a stand-in returned, so that reading goes on to the next mistake; ``close`` on the outermost table raises
    them all. A key that nobody asked for is unknown.
    """

    values: dict[str, object]
    file: str
    path: str = ""
    mistakes: list[PackMistake] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    parts: "list[Table]" = field(default_factory=list)

    def wrong(self, key: str, what: str, cure: str) -> None:
        """Note a mistake."""
        self.mistakes.append(PackMistake(self.file, self.path + key, what, cure))

    def typed(self, key: str, kind: type[Value], called: str) -> Value | None:
        """Return the value of ``key`` if it is exactly of ``kind``: a boolean is no number and a moment is no day."""
        self.asked.add(key)
        value = self.values.get(key)
        if isinstance(value, kind) and type(value) is kind:
            return value
        if value is not None:
            self.wrong(key, f"is {value!r}", f"write {called}")
        return None

    def optional_text(self, key: str) -> str:
        """Return a text that may be left out."""
        return (self.typed(key, str, 'a text in quotes, as in "8.3"') or "").strip()

    def text(self, key: str) -> str:
        """Return a text that must be there."""
        found = self.optional_text(key)
        if not found and isinstance(self.values.get(key, ""), str):
            self.wrong(key, "is missing or empty", "write it")
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; one left out is empty."""
        found = self.typed(key, list, "a list of texts in brackets") or []
        for entry in found:
            if not isinstance(entry, str) or not entry.strip():
                self.wrong(key, f"has {entry!r}", "write a list of texts")
        return tuple(entry.strip() for entry in found if isinstance(entry, str))

    def word(self, key: str, words: type[Word]) -> Word:
        """Return a word of ``words`` that must be there."""
        written = self.text(key)
        return (self.known(key, written, words) if written else None) or next(iter(words))

    def optional_word(self, key: str, words: type[Word]) -> Word | None:
        """Return a word of ``words`` that may be left out."""
        written = self.optional_text(key)
        return self.known(key, written, words) if written else None

    def words(self, key: str, words: type[Word]) -> tuple[Word, ...]:
        """Return a list of words of ``words``; one left out is empty."""
        return tuple(word for written in self.texts(key) if (word := self.known(key, written, words)))

    def known(self, key: str, written: str, words: type[Word]) -> Word | None:
        """Return what ``written`` means, or note that it means nothing here."""
        try:
            return words(written)
        except ValueError:
            self.wrong(key, f"has {written!r}, which is not known", nearest(written, words))
            return None

    def number(self, key: str) -> int | None:
        """Return a whole number that may be left out."""
        return self.typed(key, int, "a whole number without quotes")

    def day(self, key: str) -> date | None:
        """Return a day that may be left out."""
        return self.typed(key, date, "a day without quotes, as in 2026-01-18")

    def table(self, key: str) -> "Table":
        """Return the table under ``key``; one left out is empty."""
        return self.part(key, self.typed(key, dict, f"a table, under [{key}]") or {})

    def tables(self, key: str) -> "list[Table]":
        """Return the list of tables under ``key``; one left out is empty."""
        found = self.typed(key, list, f"a list of tables, each under [[{key}]]") or []
        if not all(isinstance(entry, dict) for entry in found):
            self.wrong(key, "is a list of something else than tables", f"write each under [[{key}]]")
        return [self.part(f"{key}[{number}]", entry) for number, entry in enumerate(found, 1) if isinstance(entry, dict)]

    def part(self, path: str, values: dict[str, object]) -> "Table":
        """Return a table inside this one, whose mistakes are counted with ours."""
        inner = Table(values, self.file, f"{self.path}{path}.", self.mistakes)
        self.parts.append(inner)
        return inner

    def refuse_twins(self, key: str, found: Iterable[str]) -> None:
        """Note each value that stands under ``key`` more than once."""
        seen: set[str] = set()
        for value in filter(None, found):
            if value in seen:
                self.wrong(key, f"{value!r} stands twice", "each must be the only one")
            seen.add(value)

    def refuse_strangers(self) -> None:
        """Note the keys nobody asked for, here and in the tables inside."""
        for key in sorted(self.values.keys() - self.asked):
            self.wrong(key, "is not a key of a pack", nearest(key, self.asked))
        for inner in self.parts:
            inner.refuse_strangers()

    def close(self) -> None:
        """Raise every mistake that was noted, if there is one."""
        self.refuse_strangers()
        if self.mistakes:
            raise PackMistakes(self.mistakes)


def nearest(written: str, known: Iterable[str]) -> str:
    """Suggest the word that was probably meant, else all of them."""
    known = sorted(map(str, known))
    close = get_close_matches(written.casefold(), known, n=1)
    return f'did you mean "{close[0]}"?' if close else f"write one of {listed(known)}"


def listed(words: Iterable[str]) -> str:
    """Write words one after the other."""
    return ", ".join(words)
