"""What the digest tells of destruction: how much was destroyed, whose purpose has ended, and what is on legal hold."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Connection

from mailbot.desk import Desk
from mailbot.digest_actions import EXPLAIN, Action
from mailbot.digest_words import ItemKind, Line, Speaker, shown
from mailbot.retention import due_for
from rules.orders import Verb
from rules.vocabulary import Event
from storage import obligations, retention


class OverKind(StrEnum):
    """What is told."""

    DESTROYED = "destroyed"
    ENDED = "ended"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Over:
    """Something that is kept no longer, or would not be: how many, or whose; until when; and what stands in the way."""

    kind: OverKind
    number: int = 0
    address: str | None = None
    reference: str | None = None
    on: date | None = None
    due: date | None = None
    why: tuple[str, ...] = ()


def over_now(tx: Connection, desk: Desk, since: datetime, now: datetime) -> list[Over]:
    """Look up what is to be told."""
    destroyed = retention.destroyed_since(tx, since)
    found = [Over(OverKind.DESTROYED, destroyed)] if destroyed else []
    for ended in retention.purposes_ended(tx, now.astimezone(desk.zone).date(), desk.zone):
        if obligations.entries_of(tx, ended.owner, Event.PURPOSE_ENDED):  # it stands in the register, and so on the page already
            continue
        why = tuple(map(str, ended.hindrances))
        found.append(Over(OverKind.ENDED, address=ended.address, on=ended.on, due=due_for(desk, ended), why=why))
    found += [Over(OverKind.HOLD, address=hold.address, reference=hold.reference, why=(hold.why,)) for hold in retention.holds(tx)]
    return found


def line_of(speaker: Speaker, over: Over) -> Line:
    """Tell of one of them."""
    words = speaker.words["destruction"]
    if over.kind is OverKind.DESTROYED:
        return Line(words["title_destroyed"], (speaker.many(words["destroyed"], over.number),))
    who = over.reference or speaker.person(over.address)
    why = tuple(words["why"].format(why=shown(each)) for each in over.why)
    if over.kind is OverKind.HOLD or over.on is None:
        return Line(words["title_hold"], (who,), tasks=why)
    term = words["due"].format(day=speaker.day(over.due)) if over.due else ""
    tasks = why or (words["decide"],)
    facts = (who, words["ended"].format(day=speaker.day(over.on)))
    actions = () if why else (Action(Verb.APPROVE),)  # it cannot be undone: who orders it is asked once more
    return Line(words["title_ended"], facts, ItemKind.PERSON, over.address or "", tasks, term, actions=(*actions, EXPLAIN))
