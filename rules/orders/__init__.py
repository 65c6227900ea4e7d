"""What staff write in answer to the digest: "4 done", «9 отказать: договор не исполнен», "12 кейінге 25.11".

Owns the reading of their own words, line by line. Whether the message is a genuine answer to a digest, what an item stands for, and whether
an order can be carried out is left to others (H67). What is not clearly an order carries out nothing; of a line with one doubtful part,
no part is carried out.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from rules.orders.behind import with_ground, with_parts
from rules.orders.core import BETWEEN, TYPES, Core, core_at, next_core, numbers_at, verb_at
from rules.orders.values import Channel, Line, NotUnderstood, Order, Unclear, Verb, Why
from rules.orders.words import Piece, denies, past, phrase, pieces_of, visible
from rules.own_words import own_words
from rules.vocabulary import RequestType

__all__ = ["MOST_ORDERS", "Channel", "NotUnderstood", "Order", "Verb", "Why", "read_orders"]

MOST_ORDERS = 100
_READ = 20_000
"""Characters of own words that are read: enough for so many orders."""

_MOST_LINES = 1000
_LONGEST_LINE = 2000
_WRAPPED_AT = 60
_GREETING = 12
"""Pieces among which a greeting ends, if it ends with an exclamation mark."""

_GROUNDED = frozenset({Verb.REFUSE, Verb.LAPSE, Verb.DROP})
_ALONE = frozenset({Verb.NEW, Verb.RESUME, Verb.HELP})
"""Verbs that take no number."""

_OF_MANY_SENTENCES = frozenset({"unclear", Verb.EXPLAIN, Verb.NEW, *TYPES})
"""With these many an ordinary sentence begins too."""

_BULLETS = frozenset({"-", "*", "•", "·", '"', "'", "#", "(", "[", ".", ",", "!", ":", ";", "|", ""})
_REFERENCE = re.compile(r"\d{4}-\d{5}-", re.ASCII)


def read_orders(text: str, today: date) -> list[Order | NotUnderstood]:
    """Return what the sender's own words order, and the lines among them that are not clear."""
    own = own_words(text)
    written = own[:_READ].split("\n")
    found: list[Order | NotUnderstood] = []
    for line in _lines(written[:_MOST_LINES]):
        found += _read(line, today)
        if len(found) > MOST_ORDERS:
            return [*found[:MOST_ORDERS], NotUnderstood(line.text[:_LONGEST_LINE], Why.TOO_MUCH)]
    if found and (len(own) > _READ or len(written) > _MOST_LINES):
        found.append(NotUnderstood("…", Why.TOO_MUCH))
    return found


def _read(line: Line, today: date) -> list[Order | NotUnderstood]:
    try:
        return list(_orders(line, today))
    except Unclear as unclear:
        return [NotUnderstood(line.text[:_LONGEST_LINE], unclear.why)] if _is_like_an_order(line) else []


def _orders(line: Line, today: date) -> list[Order]:
    """Return the orders of a line, or raise ``Unclear``."""
    if len(line.text) > _LONGEST_LINE:
        raise Unclear(Why.TOO_MUCH)
    first = core_at(line.pieces, line.start)
    if first is None:
        return [_without_number(line, today)]
    stretches = list(_stretches(line.pieces, first))
    if not all(core.items for core, _ in stretches):
        raise Unclear(Why.TOO_MUCH)
    if any(_is_asked(line.pieces, core, end) for core, end in stretches):  # "4 done?" orders nothing
        return [Order(line.text, Verb.EXPLAIN, item) for core, _ in stretches for item in core.items]
    meant = [(_order(line, core, end, today), core.items) for core, end in stretches]
    return [replace(order, item=item) for order, items in meant for item in items]


def _stretches(pieces: list[Piece], core: Core) -> Iterator[tuple[Core, int]]:
    """Yield the numbers and verbs of a line, each with where its stretch of the line ends; a ground takes all of the rest."""
    following: Core | None = core
    while following is not None:
        core = following
        end, following = (len(pieces), None) if core.key in _GROUNDED else next_core(pieces, core)
        yield core, end


def _is_asked(pieces: list[Piece], core: Core, end: int) -> bool:
    if core.key == Verb.EXPLAIN:
        return False
    return phrase("question", pieces, core.end) is not None or any(piece.word == "?" for piece in pieces[core.end : end])


def _order(line: Line, core: Core, end: int, today: date) -> Order:
    order = _ordered(line.text, core.key)
    if order.verb in _ALONE:
        raise Unclear(Why.TOO_MUCH)
    if order.verb is Verb.EXPLAIN and end == len(line.pieces):  # whatever else is asked of it
        return order
    if order.verb in _GROUNDED:
        return with_ground(line, core, order, today)
    order = with_parts(line, order, core.end, end, today)
    if order.verb in (Verb.POSTPONE, Verb.TERM) and order.day is None:
        raise Unclear(Why.NO_DAY)
    return order


def _ordered(line: str, key: str) -> Order:
    if key == "unclear":
        raise Unclear(Why.NO_VERB)
    if key == "nothing":
        return Order(line, Verb.RELEASE, nothing=True)
    return Order(line, Verb.TYPE, kind=RequestType(key)) if key in TYPES else Order(line, Verb(key))


def _without_number(line: Line, today: date) -> Order:
    """Return the order of a line that names no item: a new request, the end of a wave, or a call for help."""
    pieces, end = line.pieces, len(line.pieces)
    if pieces[line.start].word == "?" and past(pieces, line.start, frozenset("?"), "polite") == end:
        return Order(line.text, Verb.HELP)
    if numbers_at(pieces, line.start):
        raise Unclear(Why.NEGATED if any(denies(pieces, at) for at in range(line.start, end)) else Why.NO_VERB)
    verb = verb_at(pieces, line.start)
    if verb is None:
        raise Unclear(Why.NO_NUMBER if _begins_like_an_order(line) else Why.TOO_MUCH)
    order = _ordered(line.text, verb.key)
    if order.verb not in _ALONE:
        raise Unclear(Why.NO_NUMBER)
    order = with_parts(line, order, verb.end, end, today)
    if order.verb is not Verb.NEW:
        return order
    if order.kind is None:
        raise Unclear(Why.NO_TYPE)
    return order if order.day else replace(order, day=today)


# --- Lines --------------------------------------------------------------------------------------------------------------------------


def _lines(written: Iterable[str]) -> Iterator[Line]:
    """Yield the lines that hold anything, a ground with the lines on which it goes on."""
    ground: list[str] = []
    for line in map(_line, map(visible, [*written, ""])):
        is_empty = line.start == len(line.pieces) or phrase("device", line.pieces, line.start) is not None
        if ground and not is_empty and _goes_on(ground[-1], line):
            ground.append(line.text)
            continue
        if ground:
            yield _line(" ".join(ground))
            ground = []
        core = core_at(line.pieces, line.start)
        if core is not None and core.key in _GROUNDED:
            ground.append(line.text)
        elif not is_empty:
            yield line


def _line(text: str) -> Line:
    pieces = pieces_of(text)
    start = 0
    for at, piece in enumerate(pieces[:_GREETING]):  # «Анна, добрый день!» is a greeting as a whole
        if piece.word[:1].isdecimal() or _is_verb(pieces, at):
            break
        if piece.word == "!" and any(phrase("polite", pieces, before) for before in range(at)):
            start = at
    return Line(text, pieces, past(pieces, start, _BULLETS, "polite"))


def _goes_on(before: str, line: Line) -> bool:
    """Tell whether a ground goes on in a line: it is no order, or its first word had no room in the line before."""
    pieces, start = line.pieces, line.start
    if core_at(pieces, start):
        return False
    if len(f"{before} {line.text.partition(' ')[0]}") > _WRAPPED_AT:
        return True
    verb = verb_at(pieces, start)
    is_verb = verb is not None and (verb.key in _ALONE or past(pieces, verb.end, BETWEEN, "polite") == len(pieces))
    return not is_verb and not numbers_at(pieces, start)


def _is_like_an_order(line: Line) -> bool:
    """Tell whether an order may have been meant, so that silence would leave somebody in the belief that it was carried out."""
    if _begins_like_an_order(line) or core_at(line.pieces, line.start):
        return True
    if any(core.key not in _OF_MANY_SENTENCES for at in range(len(line.pieces)) if (core := core_at(line.pieces, at))):
        return True
    verb = verb_at(line.pieces, line.start)
    told = any("@" in piece.word or phrase("channel", line.pieces, at) for at, piece in enumerate(line.pieces))
    return told and verb is not None and verb.key == Verb.NEW


def _begins_like_an_order(line: Line) -> bool:
    pieces, start = line.pieces, line.start
    if _is_verb(pieces, start) or numbers_at(pieces, start) or _REFERENCE.match(line.text):
        return True
    return start < len(pieces) and pieces[start].word.isdecimal() and _is_verb(pieces, past(pieces, start + 1, BETWEEN))


def _is_verb(pieces: list[Piece], at: int) -> bool:
    verb = verb_at(pieces, at)
    return verb is not None and verb.key not in _OF_MANY_SENTENCES
