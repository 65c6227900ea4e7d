"""The heart of an order: numbers and a verb side by side, "4, 5 done" or "done 4-6"."""

from collections.abc import Sequence
from typing import NamedTuple

from rules.orders.values import Verb
from rules.orders.words import Found, Piece, past, past_one, phrase
from rules.vocabulary import RequestType

MOST_ITEMS = 20
"""Items that one order may name."""

BETWEEN = frozenset({":", ")", "]", ".", ",", "-", "=", '"', "'", ""})
"""What may stand between numbers and verb. The empty one is №."""

TYPES = frozenset(map(str, RequestType))

_LAST_ITEM = 999
_JOINS = frozenset({",", "&", "+"})
_NUMBER_SIGNS = frozenset({"#", ""})
_GLUED = frozenset("(%/°*^<>$€₸")
"""What makes another thing of the number before it: 8(2), 20%."""


class Core(NamedTuple):
    """Numbers and a verb side by side. ``items`` is empty where there are too many."""

    items: tuple[int, ...]
    key: str
    end: int
    number_first: bool


class Numbers(NamedTuple):
    """The items that are named, and where the pieces behind them begin."""

    items: tuple[int, ...]
    end: int


def core_at(pieces: Sequence[Piece], at: int) -> Core | None:
    """Return the numbers and the verb that begin at a piece."""
    if numbers := numbers_at(pieces, at):
        end = numbers.end
        while not (verb := verb_at(pieces, end)) and (further := past_one(pieces, end, BETWEEN, "little", "polite", "item")) > end:
            end = further
        return Core(numbers.items, verb.key, verb.end, number_first=True) if verb else None
    verb = verb_at(pieces, at)
    if verb is None or verb.key in TYPES:  # «вопрос 4» orders nothing
        return None
    numbers = numbers_at(pieces, past(pieces, verb.end, BETWEEN))
    return Core(numbers.items, verb.key, numbers.end, number_first=False) if numbers else None


def next_core(pieces: Sequence[Piece], before: Core) -> tuple[int, Core | None]:
    """Return where the next core begins in which number and verb stand as in the one before; the end where there is none."""
    for at in range(before.end, len(pieces)):
        if (core := core_at(pieces, at)) and core.number_first == before.number_first:
            return at, core
    return len(pieces), None


def verb_at(pieces: Sequence[Piece], at: int) -> Found | None:
    """Return the verb, or the type of a request, that begins at a piece: the longer of the two."""
    if at < len(pieces) and pieces[at].word == "?":
        return Found(Verb.EXPLAIN, at + 1)
    found = [each for table in ("verb", "type") if (each := phrase(table, pieces, at))]
    return max(found, key=lambda each: each.end, default=None)


def numbers_at(pieces: Sequence[Piece], at: int) -> Numbers | None:
    """Return the items that are named from a piece on: "4, 5 and 7", "items 4-6"."""
    items: list[int] = []
    end = at
    at = _past_item_words(pieces, at)
    while len(items) <= MOST_ITEMS and (first := _item(pieces, at)):
        at += 1
        last = _item(pieces, at + 1) if at < len(pieces) and pieces[at].word == "-" else None
        at += 2 if last else 0
        items += range(first, (last or first) + 1) or range(MOST_ITEMS + 1)  # "6-4" is no range
        end = at
        at = _past_item_words(pieces, past(pieces, at, _JOINS, "and"))
    if not items:
        return None
    return Numbers(tuple(dict.fromkeys(items)) if len(items) <= MOST_ITEMS else (), end)


def _past_item_words(pieces: Sequence[Piece], at: int) -> int:
    further = past(pieces, at, _NUMBER_SIGNS, "item")
    return further + 1 if at < further < len(pieces) and pieces[further].word == "." else further


def _item(pieces: Sequence[Piece], at: int) -> int | None:
    """Return the number of an item; None of any other number: 8(2), 25 November, 20%, 2026."""
    word = pieces[at].word if at < len(pieces) else ""
    if not word.isdecimal() or not 0 < int(word[:4]) <= _LAST_ITEM or phrase("month", pieces, at + 1):
        return None
    if at + 1 < len(pieces) and pieces[at + 1].start == pieces[at].end and pieces[at + 1].word in _GLUED:
        return None
    return int(word)
