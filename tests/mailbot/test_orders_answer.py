"""The words in which staff are answered: the same in three languages, and every example that they give is understood."""

import re
from datetime import date

import pytest

from mailbot.digest_words import ItemKind
from mailbot.orders_answer import POSSIBLE, staff_words
from rules.orders import Order, Why, read_orders
from rules.vocabulary import Language, State

TODAY = date(2026, 11, 23)
EXAMPLE = re.compile(r"(?:for example|например|былай жазыңыз): (?P<line>.+)$")


def shape(table: object) -> object:
    """Return the keys of a table, and what each sentence leaves to be filled in."""
    if isinstance(table, dict):
        return {key: shape(value) for key, value in table.items()}
    return len(table) if isinstance(table, list) else set(re.findall(r"\{\w+\}", str(table)))


@pytest.mark.parametrize("language", [Language.KK, Language.RU])
def test_the_three_languages_have_the_same_keys_and_the_same_gaps(language: Language) -> None:
    assert shape(staff_words(Language.EN)) == shape(staff_words(language))


@pytest.mark.parametrize("language", Language)
def test_every_verb_reason_and_state_has_its_words(language: Language) -> None:
    words = staff_words(language)
    assert {*Why} == {*words["not_understood"]}
    assert {*State} == {*words["state"]}
    assert set() == {verb for verbs in POSSIBLE.values() for verb in verbs} - {*words["verb"]}
    assert {*ItemKind} - {ItemKind.REMARK} == {*POSSIBLE}


@pytest.mark.parametrize("language", Language)
def test_every_example_in_an_answer_is_an_order(language: Language) -> None:
    sentences = staff_words(language)["not_understood"].values()
    lines = [found["line"] for sentence in sentences if (found := EXAMPLE.search(sentence.format(n=4)))]
    assert 7 == len(lines)
    assert [] == [line for line in lines if not is_order(line)]


@pytest.mark.parametrize("language", Language)
def test_what_an_answer_asks_to_write_is_an_order(language: Language) -> None:
    words = staff_words(language)
    plain = [f"7 {text}" for verb, text in words["verb"].items() if not re.search(r"[А-ЯӘҒҚҢӨҰҮҺІA-Z]{3}", text)]
    assert len(plain) >= 6
    asked = [words["said"]["mailbots"].format(n=7).rpartition(": ")[2], *plain]
    assert [] == [line for line in asked if not is_order(line)]


@pytest.mark.parametrize("language", Language)
def test_the_first_words_of_every_line_of_the_help_are_an_order(language: Language) -> None:
    lines = staff_words(language)["help"]["lines"][1:]
    said = [line.partition(" — ")[0] for line in lines if re.match(r"\d+ ", line) and " — " in line]
    plain = [
        part.strip() for each in said if "2-тармақ" not in each and "(2)" not in each for part in re.split(r"; | или | немесе |, or ", each)
    ]
    plain = [line for line in plain if not re.search(r"[А-ЯӘҒҚҢӨҰҮҺІA-Z]{3}", line)]
    assert len(plain) >= 6
    assert [] == [line for line in plain if not is_order(line)]


def is_order(line: str) -> bool:
    """Tell whether a line is one order and nothing else."""
    return [True] == [isinstance(read, Order) for read in read_orders(line, TODAY)]
