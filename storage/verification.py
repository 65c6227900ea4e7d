"""Whether the chain of history holds: which line was changed, taken out or put in, and where the register differs from its history.

One walk in constant memory. What is found is told and the walk goes on, so that one fault does not hide another.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, Select, Text, cast, select

from storage import chain
from storage.chain import EMPTIED, GENESIS, OWED, TAKEN_BACK
from storage.tables import digests, events, obligations, requests

AT_ONCE = 1000

MOST_FAULTS = 100
"""How many faults are listed; all are counted."""


class Flaw(StrEnum):
    """What is wrong."""

    BROKEN = "broken"
    MISSING = "missing"
    WORDS = "words"
    TAKEN = "taken"
    HEAD = "head"
    REGISTER = "register"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it was written."""

    flaw: Flaw
    line: int | None
    reference: str | None
    tells: str


@dataclass(slots=True)
class Verdict:
    """What a walk along the chain found."""

    lines: int = 0
    emptied: int = 0
    """Lines whose words were destroyed, and of which when, what and of which request is proven."""
    head: bytes | None = None
    found: int = 0
    faults: list[Fault] = field(default_factory=list)

    def add(self, flaw: Flaw, line: int | None, reference: str | None, tells: str) -> None:
        """Count a fault, and list it unless there are too many."""
        self.found += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(flaw, line, reference, tells))


def verify(tx: Connection, printed: str | None = None) -> Verdict:
    """Walk along the chain; ``printed`` is the head of an old digest, or how it begins, in hexadecimal digits."""
    verdict = Verdict()
    _walk(tx, verdict, _Heads(set(map(bytes, tx.execute(select(digests.c.head).where(digests.c.head.is_not(None))).scalars())), printed))
    _look_for_what_was_taken(tx, verdict)
    _compare_the_register(tx, verdict)
    return verdict


@dataclass(slots=True)
class _Heads:
    """The heads that digests printed and that no line has had so far."""

    kept: set[bytes]
    printed: str | None

    def meet(self, found: bytes) -> None:
        self.kept.discard(found)
        if self.printed and found.hex().startswith(self.printed):
            self.printed = None


def _walk(tx: Connection, verdict: Verdict, heads: _Heads) -> None:
    number, held, may_stand_before = 0, GENESIS, {GENESIS}
    for row in _stream(tx, _LINES):
        stands = bytes(row.hash or b"")
        told, payload = (row.reference, row.at, row.what), bytes(row.payload_hash or b"")
        if any(stands == chain.line_hash(before, row.id, told, payload) for before in may_stand_before):
            held, may_stand_before = stands, {stands}
        else:
            _tell_broken(verdict, row, number)  # the next line follows what this one pretends, what it was, or the line before it
            may_stand_before = {stands, chain.line_hash(held, row.id, told, payload), held}
        if row.salt is None:
            verdict.emptied += 1
        elif not _says(row, payload):
            verdict.add(Flaw.WORDS, row.id, row.reference, "who or detail is not what was written")
        heads.meet(stands)
        number, verdict.head, verdict.lines = row.id, stands, verdict.lines + 1
    for lost in sorted(heads.kept):
        verdict.add(Flaw.HEAD, None, None, f"a digest names the head {lost.hex()[:16]}…, which no line has: lines after it may be gone too")
    if heads.printed:
        verdict.add(
            Flaw.HEAD,
            None,
            None,
            f"no line has the head {heads.printed}: it is mistyped or another store's, or lines were taken out or written anew",
        )


def _tell_broken(verdict: Verdict, row: Row[Any], before: int) -> None:
    if row.id == before + 1:
        verdict.add(Flaw.BROKEN, row.id, row.reference, "the line was changed, put in, or stands in another's place")
    else:
        verdict.add(Flaw.MISSING, row.id, row.reference, f"lines {before + 1} to {row.id - 1} are gone, or this one was changed")


def _says(row: Row[Any], payload: bytes) -> bool:
    """Tell whether who and detail are what was hashed."""
    try:
        return chain.payload_hash(bytes(row.salt), row.who, json.loads(row.said)) == payload
    except ValueError:  # no JSON, or not what JSON knows
        return False


def _look_for_what_was_taken(tx: Connection, verdict: Verdict) -> None:
    """Look for lines that lost their words although no destruction names them: each says which lines of its request it emptied."""
    said = select(events.c.detail).where(events.c.what == EMPTIED, events.c.salt.is_not(None))
    named = {number for detail in tx.execute(said).scalars() for number in detail.get("lines", ())}
    for row in tx.execute(select(events.c.id, events.c.reference).where(events.c.salt.is_(None)).order_by(events.c.id)):
        if row.id in named:
            continue
        verdict.add(Flaw.TAKEN, row.id, row.reference, "its words are gone, and no destruction was noted after it")


# --- the register against its history --------------------------------------------------------------------------------
def _compare_the_register(tx: Connection, verdict: Verdict) -> None:
    """Compare each obligation with what history last stated of it. Both come in the order of the engine, which is the same for both."""
    of_lines = groupby(_stream(tx, _STATEMENTS), lambda row: row.reference)
    told = next(of_lines, None)
    for reference, rows in groupby(_stream(tx, _REGISTER), lambda row: row.reference):
        stated = None
        if told is not None and told[0] == reference:
            stated = _last_stated(told[1])
            told = next(of_lines, None)
        if stated is None:
            verdict.add(Flaw.REGISTER, None, reference, "no line states what is owed")
            continue
        stands = {(row.what, row.system): chain.stated(row) for row in rows if row.what is not None}
        for tells in _differences(stands, stated):
            verdict.add(Flaw.REGISTER, None, reference, tells)


def _last_stated(rows: Iterable[Row[Any]]) -> dict[tuple[str, str], dict[str, Any]] | None:
    """Return what the history of a request last states of its obligations; None where it states nothing that can be read."""
    stated = None
    for row in rows:
        try:
            said = json.loads(row.said)
            if row.what == OWED:
                stated = {(each["what"], each["system"]): dict(each) for each in said[OWED]}
            elif stated is not None and (undone := stated.get((said["what"], said["system"]))):
                undone["met"] = undone["by"] = None
        except (ValueError, LookupError, TypeError):  # somebody wrote over it: the walk has told
            continue
    return stated


def _differences(stands: Mapping[tuple[str, str], Mapping[str, Any]], stated: Mapping[tuple[str, str], Mapping[str, Any]]) -> Iterator[str]:
    for what, system in sorted(stands.keys() | stated.keys()):
        now, then = stands.get((what, system)), stated.get((what, system))
        if now is None or then is None:
            tells = "is owed, and history knows nothing of it" if then is None else "is owed no more, and nobody noted it"
            yield f"{what} ({system}): {tells}"
            continue
        for name in now:
            if now[name] != then.get(name):
                yield f"{what} ({system}): {name} is {now[name] or 'nothing'}, and history says {then.get(name) or 'nothing'}"


_LINES = select(
    *(events.c[name] for name in ("id", "reference", "at", "what", "who", "salt", "payload_hash", "hash")),
    cast(events.c.detail, Text).label("said"),
).order_by(events.c.id)
_STATEMENTS = (
    select(events.c.reference, events.c.what, cast(events.c.detail, Text).label("said"))
    .where(events.c.what.in_((OWED, TAKEN_BACK)))
    .order_by(events.c.reference, events.c.id)
)
_REGISTER = (
    select(requests.c.reference, *(obligations.c[name] for name in ("what", "system", "source", "due", "arithmetic", "met_at", "met_by")))
    .outerjoin_from(requests, obligations)
    .order_by(requests.c.reference, obligations.c.id)
)


def _stream(tx: Connection, chosen: Select[Any]) -> Iterable[Row[Any]]:
    return tx.execute(chosen.execution_options(yield_per=AT_ONCE))
