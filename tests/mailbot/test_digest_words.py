"""The words of the digest: the same in three languages, and one for everything that may have to be said."""

import ast
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import rules.evidence
from mailbot.digest_words import Result, Section
from mailbot.policies import built_in_names, load_policy
from mailbot.wording import TEMPLATES
from rules.deadlines import Deadlines
from rules.decide import RULES
from rules.life import CLOSED
from rules.orders import Channel
from rules.vocabulary import Duty, Event, Language, LetterKind, Outcome, RequestType, State
from rules.working_days import Calendar
from tests.mailbot.digest_room import a_digest, a_page, a_promise, an_item

WORDS: dict[Language, dict[str, Any]] = {
    language: tomllib.loads((TEMPLATES / "digest" / f"{language}.toml").read_text("utf-8")) for language in Language
}


def leaves(table: dict[str, Any], path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Yield every sentence of a table with the path to it; a list of forms is one leaf."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value if isinstance(value, list) else [value]


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("language", Language)
def test_the_three_tables_say_the_same_things_with_the_same_values(language: Language) -> None:
    def shape(words: dict[str, Any]) -> dict[str, set[str]]:
        return {path: set().union(*map(placeholders, forms)) for path, forms in leaves(words)}

    assert shape(WORDS[Language.RU]) == shape(WORDS[language])


@pytest.mark.parametrize("language", Language)
def test_every_word_of_the_register_has_its_own_in_each_language(language: Language) -> None:
    words = WORDS[language]
    assert {*RequestType, "held"} == set(words["type"])
    assert set(Duty) == set(words["duty"])
    assert set(Outcome) == set(words["outcome"])
    assert {*LetterKind, "digest", "answered", "alert", "escalation"} == set(words["letter"])
    assert set(Event) == set(words["event"])
    assert {*Channel, "staff"} == set(words["channel"])
    assert set(Section) | {"mail", "month"} == set(words["heading"])
    assert set(Result) | {"none"} == set(words["month"])
    assert set() == CLOSED - {State(name) for name in words["term"] if name in set(State)}


@pytest.mark.parametrize("language", Language)
def test_every_reason_to_hold_a_message_is_told_in_each_language(language: Language) -> None:
    sources = [ast.parse(path.read_text("utf-8")) for path in Path(rules.evidence.__path__[0]).glob("*.py")]
    calls = [node for source in sources for node in ast.walk(source) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    given_in = [each.args for each in calls if isinstance(each.func, ast.Name) and each.func.id in {"held", "doubted"}]
    sentences = {arg.value for args in given_in for arg in args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}
    holding = {rule.__name__ for rule in RULES if rule.__name__.startswith("hold_")}
    assert len(sentences) > 10
    assert set() == (sentences | holding) - set(WORDS[language]["held"])


def test_in_kazakh_no_ending_hangs_on_a_value() -> None:
    """An ending follows the sounds of the word before it, which is not known here."""
    assert [] == [form for _, forms in leaves(WORDS[Language.KK]) for form in forms if re.search(r"\}[-'’]?\w", form)]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", built_in_names())
def test_how_a_due_date_was_counted_is_told_in_short_for_every_limit(name: str, language: Language) -> None:
    deadlines = Deadlines(load_policy(name), Calendar("KZ"), ZoneInfo("Asia/Almaty"))
    dated = [owed for kind in RequestType for owed in deadlines.obligations(kind, datetime(2026, 11, 23, 4, tzinfo=UTC)) if owed.due]
    dated.append(deadlines.for_doubt((), datetime(2026, 11, 23, 4, tzinfo=UTC)))
    items = [an_item(due=owed.due, promises=(a_promise(due=owed.due, arithmetic=owed.arithmetic),)) for owed in dated]
    opening = WORDS[language]["received"].partition("{")[0]
    assert len(items) == sum(a_page(a_digest({Section.DECIDE: [item]}), language).text.count(opening) for item in items)


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (1, "остался 1 рабочий день"),
        (2, "осталось 2 рабочих дня"),
        (5, "осталось 5 рабочих дней"),
        (11, "осталось 11 рабочих дней"),
        (12, "осталось 12 рабочих дней"),
        (21, "остался 21 рабочий день"),
        (22, "осталось 22 рабочих дня"),
        (0, "осталось 0 рабочих дней"),
    ],
)
def test_russian_numbers_have_their_forms(days: int, told: str) -> None:
    text = a_page(a_digest({Section.DECIDE: [an_item(days=days)]}), Language.RU).text
    assert f"    Срок: пн 14.12.2026, {told}.\n" in text
