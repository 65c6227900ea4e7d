"""What staff write in answer to the digest, and what it orders."""

import tomllib
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.orders import MOST_ORDERS, NotUnderstood, Order, Verb, read_orders
from rules.orders.core import verb_at
from rules.orders.words import pieces_of
from rules.vocabulary import Duty, Language, RequestType

HERE = Path(__file__).parent
CASES = tomllib.loads((HERE / "orders.toml").read_text(encoding="utf-8"))
TODAY: date = CASES["today"]
DIGESTS = HERE.parents[1] / "mailbot" / "templates" / "digest"


LEXICON = tomllib.loads((HERE.parents[1] / "rules" / "lexicon" / "orders.toml").read_text(encoding="utf-8"))
PHRASES = [(key, each) for table in ("verb", "type") for key, phrases in LEXICON[table].items() for each in phrases]


class Case(NamedTuple):
    """What was written, and what each of its lines orders."""

    written: str
    expected: list[str]


class Letter(NamedTuple):
    """A letter as a mail program makes it, and what it orders."""

    program: str
    text: str
    expected: list[str]


def told(found: Order | NotUnderstood) -> str:
    """Say what was read as ``orders.toml`` says it."""
    if isinstance(found, NotUnderstood):
        return f"? {found.why}"
    system = f"in {found.system}" if found.system else None
    words = (found.verb, found.item, found.kind, found.what, system, found.address, found.channel, found.day)
    said = " ".join(str(word) for word in words if word) + (" nothing" if found.nothing else "")
    kept = f"; keeps {found.kept}" if found.kept else ""
    until = f", until {found.until}" if found.until else ""
    return said + (f": {found.text}" if found.text else "") + kept + until


def orders_in(text: str) -> list[str]:
    return [told(found) for found in read_orders(text, TODAY)]


@pytest.mark.parametrize("case", [Case(**case) for case in CASES["case"]], ids=lambda case: case.written)
def test_a_line_orders_what_it_says_and_nothing_else(case: Case) -> None:
    assert [each for each in case.expected if each] == orders_in(case.written)


@pytest.mark.parametrize("letter", [Letter(**letter) for letter in CASES["letter"]], ids=lambda letter: letter.program)
def test_h51_only_the_senders_own_words_order_anything(letter: Letter) -> None:
    assert letter.expected == orders_in(letter.text)


@pytest.mark.parametrize("language", Language)
def test_types_and_duties_are_read_as_the_digest_words_them(language: Language) -> None:
    words = tomllib.loads((DIGESTS / f"{language}.toml").read_text(encoding="utf-8"))
    types = {kind: orders_in(f"7 {words['type'][kind]}") for kind in RequestType}
    duties = {duty: orders_in(f"4 done: {words['duty'][duty]}") for duty in Duty}
    assert {kind: [f"type 7 {kind}"] for kind in RequestType} == types
    assert {duty: [f"done 4 {duty}"] for duty in Duty} == duties


@pytest.mark.parametrize("verb", Verb)
def test_every_verb_is_read_by_its_own_name(verb: Verb) -> None:
    written = {
        Verb.REFUSE: "4 refuse art. 8(2)",
        Verb.LAPSE: "4 lapse no answer",
        Verb.DROP: "4 drop wrong address",
        Verb.POSTPONE: "4 postpone 24.11",
        Verb.TERM: "4 term 24.11",
        Verb.TYPE: "4 access",
        Verb.NEW: "new access",
        Verb.RESUME: "resume",
        Verb.HELP: "help",
    }
    assert [verb] == [order.verb for order in read_orders(written.get(verb, f"4 {verb}"), TODAY) if isinstance(order, Order)]


def test_no_phrase_is_read_as_another_verb_or_type() -> None:
    read = {(key, each): found.key for key, each in PHRASES if (found := verb_at(pieces_of(each), 0))}
    assert {(key, each): key for key, each in PHRASES} == read


def test_an_order_shows_its_line_as_it_was_seen() -> None:
    text = "  4\u200b готово,\u00a0спасибо \u202e\n9 отказать: ещё не\nисполнен договор"
    assert ["4 готово, спасибо", "9 отказать: ещё не исполнен договор"] == [found.line for found in read_orders(text, TODAY)]


@pytest.mark.parametrize(
    ("today", "written", "day"),
    [
        (date(2026, 12, 28), "12 postpone 05.01", date(2027, 1, 5)),
        (date(2027, 1, 4), "6 term 29.12", date(2026, 12, 29)),
        (date(2027, 1, 4), "new access 29.12", date(2026, 12, 29)),
        (date(2028, 2, 28), "12 postpone 29.02", date(2028, 2, 29)),
        (date(2026, 11, 27), "12 postpone Friday", date(2026, 12, 4)),
        (date(2026, 11, 27), "new access Friday", date(2026, 11, 27)),
        (date(2026, 11, 26), "new access Friday", date(2026, 11, 20)),
    ],
)
def test_a_day_without_its_year_or_week_is_the_one_that_is_meant(today: date, written: str, day: date) -> None:
    [order] = read_orders(written, today)
    assert isinstance(order, Order)
    assert day == order.day


def test_more_orders_than_a_digest_has_items_are_not_carried_out() -> None:
    found = orders_in("\n".join(f"{item} done" for item in range(1, MOST_ORDERS + 3)))
    assert [*(f"done {item}" for item in range(1, MOST_ORDERS + 1)), "? too_much"] == found


def test_what_is_not_read_of_a_long_letter_is_told() -> None:
    assert ["done 4", "? too_much"] == orders_in("4 done\n" + "word " * 4000 + "\n5 done")
    assert ["done 4", "? too_much"] == orders_in("4 done\n" + "\nx\n" * 1000 + "\n5 done")
    assert ["? too_much"] == orders_in("9 refuse " + "word " * 400)


PIECES = st.sampled_from(
    ["4", "5-6", "done", "готово", "9 refuse", "keep", "until", "25.11", "31.02", "new", "a@b", "?", ":", ";", "\n", "not", "ма"]
)


@given(st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=12).map(" ".join)))
def test_no_text_breaks_the_reading(text: str) -> None:
    for found in read_orders(text, TODAY):
        assert len(found.line) <= 2000
        assert isinstance(found, NotUnderstood) or found.item is None or 1 <= found.item <= 999


@given(st.lists(PIECES, max_size=8).map(" ".join), st.sampled_from(["not", "не", "емес", "?"]))
def test_what_is_denied_or_asked_is_never_done(words: str, denied: str) -> None:
    found = read_orders(f"4 {denied} done {words}".replace("\n", " "), TODAY)
    assert not [each for each in found if isinstance(each, Order) and each.verb is Verb.DONE and each.item == 4]


@pytest.mark.parametrize(
    "line", ["x\n", "4 done\n", "4, ", "4-", "4 is ", "1.1.", ";", "a@", "? 4 ", "9 refuse; keep a until ", "hello ! ", "4 йцукенгшщзхъ "]
)
def test_h55_hostile_text_is_read_to_the_end(line: str) -> None:
    """A reading that goes back over the text would need hours for this, so that the end alone is proof; nothing is timed."""
    assert len(read_orders(line * (1_000_000 // len(line)), TODAY)) <= MOST_ORDERS + 1
