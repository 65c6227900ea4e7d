"""What stands behind the verb of an order: a duty and a system, a day, a ground, what is kept all the same."""

import re
from dataclasses import replace
from datetime import date

from rules.addresses import canonical
from rules.orders.core import BETWEEN, Core, core_at, verb_at
from rules.orders.days import Aim, spoken_day
from rules.orders.values import Channel, Line, Order, Unclear, Verb, Why
from rules.orders.words import Piece, denies, past, past_one, phrase
from rules.vocabulary import Duty, RequestType

_PARTS: dict[Verb, frozenset[str]] = {
    Verb.DONE: frozenset({"what", "system"}),
    Verb.REOPEN: frozenset({"what", "system"}),
    Verb.APPROVE: frozenset({"what", "text"}),
    Verb.RELEASE: frozenset({"text"}),
    Verb.WITHDRAW: frozenset({"text"}),
    Verb.POSTPONE: frozenset({"day"}),
    Verb.TERM: frozenset({"day"}),
    Verb.NEW: frozenset({"kind", "address", "channel", "day", "text"}),
}
"""What may stand behind a verb. Beside it, and behind any other, only politeness may."""

_BREAKS = frozenset({",", ";", ".", "!"})
_NO_MARK: frozenset[str] = frozenset()
_WORD = re.compile(r"[^\W_]")
_EDGES = " ,;:-–—!"
_SYSTEM = re.compile(r"(?=[0-9_-]*[a-z])[a-z0-9][a-z0-9_-]{0,59}(?![\w@-])", re.ASCII | re.IGNORECASE)


def with_parts(line: Line, order: Order, at: int, end: int, today: date) -> Order:
    """Return the order with all that is said between two pieces; what is not understood makes it unclear."""
    while at < end:
        if _takes_note(order) and (line.pieces[at].word == ":" or phrase("text", line.pieces, at)):
            return replace(order, text=_note(line, at, end))
        order, at = _with_part(line, order, at, today)
    return order


def with_ground(line: Line, core: Core, order: Order, today: date) -> Order:
    """Return the order with its ground: all that stands behind the verb, but for what is kept all the same."""
    pieces, end = line.pieces, len(line.pieces)
    if phrase("not", pieces, core.end):
        raise Unclear(Why.NEGATED)
    if len(core.items) > 1 and not core.number_first and core.end < end and pieces[core.end].word not in {":", "-"}:
        raise Unclear(Why.TOO_MUCH)  # "refuse 9, 8 days late"
    if any(pieces[at - 1].word in _BREAKS and core_at(pieces, at) for at in range(core.end + 1, end)):
        raise Unclear(Why.SEVERAL)
    clause = _clause_of_what_is_kept(pieces, core.end) if order.verb is Verb.REFUSE else end
    text = _written(line, core.end, clause)
    if not _WORD.search(text) or past(pieces, core.end, BETWEEN | _BREAKS, "text", "no", "not", "polite") >= clause:
        raise Unclear(Why.NO_GROUND)
    return _keeping(line, replace(order, text=text), clause, today) if clause < end else replace(order, text=text)


def _takes_note(order: Order) -> bool:
    return "text" in _PARTS.get(order.verb, ()) and (order.verb is not Verb.NEW or order.kind is not None)


def _with_part(line: Line, order: Order, at: int, today: date) -> tuple[Order, int]:
    """Return the order with what is said at a piece, and where the pieces behind that begin."""
    pieces, word = line.pieces, line.pieces[at].word
    open_to = {part for part in _PARTS.get(order.verb, ()) if not getattr(order, part)}
    if "kind" in open_to and (found := phrase("type", pieces, at)):
        return replace(order, kind=RequestType(found.key)), found.end
    if "what" in open_to and (found := phrase("duty", pieces, at)):
        return replace(order, what=Duty(found.key)), found.end
    if "channel" in open_to and (found := phrase("channel", pieces, at)):
        return replace(order, channel=Channel(found.key)), found.end
    if "address" in open_to and "@" in word:
        return replace(order, address=_address(pieces[at].written)), at + 1
    if day := spoken_day(pieces, at, today, Aim.LAST if order.verb is Verb.NEW else Aim.NEAREST):
        return replace(order, day=_possible(order.verb, day.day if "day" in open_to else None, today)), day.end
    if (further := past_one(pieces, at, BETWEEN | _BREAKS, "polite", "little")) > at:
        return order, further
    name = _SYSTEM.match(line.text, pieces[at].start)
    if name and "system" in open_to and not verb_at(pieces, at) and not denies(pieces, at):
        behind = (number for number in range(at, len(pieces)) if pieces[number].start >= name.end())
        return replace(order, system=name[0].lower()), next(behind, len(pieces))
    raise Unclear(_why_not(order, pieces, at))


def _why_not(order: Order, pieces: list[Piece], at: int) -> Why:
    if denies(pieces, at):
        return Why.NEGATED
    if verb_at(pieces, at):
        return Why.SEVERAL
    return Why.BAD_DAY if order.verb in (Verb.POSTPONE, Verb.TERM) and order.day is None else Why.TOO_MUCH


def _possible(verb: Verb, day: date | None, today: date) -> date:
    """Return the day; nothing is put off into the past, and nothing came in the future."""
    if day is None or (verb is Verb.POSTPONE and day < today) or (verb is Verb.NEW and day > today):
        raise Unclear(Why.BAD_DAY)
    return day


def _address(word: str) -> str:
    address = canonical(word.strip("<>()[],;:.\"'"))
    if address is None or "." not in address.rpartition("@")[2]:
        raise Unclear(Why.NO_ADDRESS)
    return address


def _note(line: Line, at: int, end: int) -> str:
    """Return a proof or a note; one that takes the order back makes it unclear."""
    if any(denies(line.pieces, each) for each in range(at, end)):
        raise Unclear(Why.NEGATED)
    return _written(line, at, end)


def _written(line: Line, at: int, end: int) -> str:
    """Return the text between two pieces as it was written, without what introduces it and thanks at its end."""
    at = each = past(line.pieces, at, BETWEEN | _BREAKS, "text")
    thanks = None
    while each < end:
        further = past_one(line.pieces, each, _BREAKS, "polite")
        if further == each:
            thanks = None
        elif thanks is None and line.pieces[each - 1].word in _BREAKS and phrase("polite", line.pieces, each):
            thanks = each
        each = max(further, each + 1)
    end = end if thanks is None else thanks
    return line.text[line.pieces[at].start : line.pieces[end - 1].end].rstrip(_EDGES) if at < end else ""


def _clause_of_what_is_kept(pieces: list[Piece], at: int) -> int:
    """Return where «; оставить счета до 31.12.2030» begins: behind the last semicolon, or with its verb behind a comma or a stop."""
    keeps = [each for each in range(at, len(pieces)) if phrase("keep", pieces, each)]
    semicolons = [each for each in range(at, len(pieces)) if pieces[each].word == ";"]
    if keeps and semicolons and keeps[-1] > semicolons[-1]:
        return semicolons[-1]
    return next((each for each in keeps if pieces[each - 1].word in _BREAKS), len(pieces))


def _keeping(line: Line, order: Order, at: int, today: date) -> Order:
    """Return the refusal with what is kept, and until when."""
    pieces = line.pieces
    kept: list[int] = []
    until: date | None = None
    at = past(pieces, at, _BREAKS)
    while at < len(pieces):
        if day := spoken_day(pieces, past(pieces, at, _NO_MARK, "until"), today, Aim.NEXT):
            if until or day.day is None or day.day < today:
                raise Unclear(Why.BAD_DAY)
            until, at = day.day, past(pieces, day.end, _NO_MARK, "until")
        elif (further := past_one(pieces, at, _NO_MARK, "keep")) > at:
            at = further
        else:
            kept.append(at)
            at += 1
    while kept and pieces[kept[-1]].word in _BREAKS:
        kept.pop()
    if not kept or kept[-1] - kept[0] >= len(kept):
        raise Unclear(Why.TOO_MUCH)
    return replace(order, kept=_written(line, kept[0], kept[-1] + 1), until=until)
