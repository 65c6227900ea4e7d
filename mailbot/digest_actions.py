"""What can be ordered about an item of the digest with one click: a ``mailto:`` link that holds the line to be sent (RFC 6068).

The words are those that ``rules.orders`` reads; what is carried out, and whether it may be, is decided when the line arrives.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import quote

from mailbot.desk import OWN_SYSTEM
from mailbot.digest_answers import SUBJECT_MARK
from mailbot.moves import CARRIED_OUT_HERE
from rules.life import OPEN
from rules.orders import Verb
from rules.vocabulary import Duty, Outcome, RequestType, Standing, State
from storage.outbox import LetterState
from storage.overview import Matter, Promise, Undelivered

if TYPE_CHECKING:
    from mailbot.digest_words import Face, Words

TO_COMPLETE = frozenset({Verb.REFUSE, Verb.POSTPONE, Verb.TERM, Verb.DROP})
"""What needs words of the staff, or a day: the mail opens with its beginning."""

MOST_TYPES = 3
"""A held message that may be more than these is not named with a click."""

_QUESTION = "?"
_NEVER_REFUSED = (None, RequestType.AUTHORITY_INQUIRY, RequestType.OPT_OUT)


@dataclass(frozen=True, slots=True)
class Action:
    """What a button orders: a verb, and of which duty, or which type a request is."""

    verb: Verb
    what: Duty | RequestType | None = None

    @property
    def named(self) -> str:
        """Return the order in the words of the program, without its number."""
        if self.verb is Verb.EXPLAIN:
            return _QUESTION
        return str(self.what) if self.verb is Verb.TYPE else " ".join(filter(None, (self.verb, self.what)))

    def worded(self, words: "Words") -> str:
        """Return the order as staff write it, without its number."""
        if isinstance(self.what, RequestType):
            return str(words["type"][self.what]).lower()
        return " ".join((words["order"].get(self.verb, _QUESTION), *([words["duty"][self.what]] if self.what else [])))

    def label(self, words: "Words") -> str:
        """Return what stands on the button."""
        if self.verb in TO_COMPLETE:
            return f"{self.worded(words)}…"
        return f"{words['order'][self.verb]}: {words['duty'][self.what]}" if isinstance(self.what, Duty) else self.worded(words)

    def link(self, words: "Words", face: "Face", number: int) -> str:
        """Return the link that opens a mail with the order in it; the secret stands in its subject, for such a mail answers no other."""
        subject = f"{SUBJECT_MARK}{_numbered(number, self.named)} · {face.code}"
        order = _numbered(number, self.worded(words)) + (" " if self.verb in TO_COMPLETE else "")
        return f"mailto:{quote(face.reply_to, safe='@')}?subject={quote(subject, safe='')}&body={quote(order, safe='')}"


def _numbered(number: int, order: str) -> str:
    return f"{order} {number}" if order == _QUESTION else f"{number} {order}"


EXPLAIN = Action(Verb.EXPLAIN)


def actions_for(matter: Matter, today: date, *, has_export: bool) -> Iterator[Action]:
    """Yield what makes sense for a request as it stands; while its sender is asked, nothing but to ask why it is listed."""
    if matter.state not in OPEN:
        yield Action(Verb.REOPEN)
    elif matter.outcome is Outcome.HELD:
        yield from (Action(Verb.TYPE, kind) for kind in (matter.may_be if len(matter.may_be) <= MOST_TYPES else ()))
        yield Action(Verb.ORDINARY)
    elif matter.state is not State.AWAITING_SENDER:
        yield from _of_open(matter, today, has_export=has_export)
    yield EXPLAIN


def _of_open(matter: Matter, today: date, *, has_export: bool) -> Iterator[Action]:
    still_open = [each for each in matter.promises if each.met_at is None]
    here = [each for each in still_open if _is_mailbots(matter, each)]
    if any(each.what != Duty.DESTROY or matter.type is RequestType.DESTROY for each in here):
        yield Action(Verb.APPROVE)
    elif here:
        yield Action(Verb.APPROVE, Duty.DESTROY)
    by_staff = [each for each in still_open if each not in here and not (here and each.what == Duty.NOTIFY_PERSON)]  # a letter tells
    if has_export:
        yield Action(Verb.RELEASE)
    elif by_staff or not still_open:
        yield _done(still_open, by_staff)
    if matter.type not in _NEVER_REFUSED and matter.sender and matter.standing is not Standing.FAILED:
        yield Action(Verb.REFUSE)
    if matter.type is RequestType.AUTHORITY_INQUIRY:
        yield Action(Verb.TERM)
    if all(each.due is None or each.due > today for each in still_open):
        yield Action(Verb.POSTPONE)


def _is_mailbots(matter: Matter, promise: Promise) -> bool:
    """Tell whether staff approve it and mailbot does it, as ``mailbot.moves`` has it; a change of data is approved too.

    What names nobody concerns no record of mailbot's.
    """
    amends = promise.what == Duty.AMEND and matter.type is RequestType.UPDATE
    return matter.sender is not None and promise.system == OWN_SYSTEM and (promise.what in CARRIED_OUT_HERE or amends)


def _done(still_open: list[Promise], by_staff: list[Promise]) -> Action:
    """Tick off what is due first; of several things it has to be named."""
    first = min(by_staff, key=lambda each: each.due or date.max, default=None)
    return Action(Verb.DONE, Duty(first.what) if first and len({each.what for each in still_open}) > 1 else None)


def actions_for_letter(letter: Undelivered) -> Iterator[Action]:
    """Yield what makes sense for a letter: what was written to staff is of a moment that is past."""
    if letter.reference is not None and letter.state in (LetterState.FAILED, LetterState.DOUBTFUL):
        yield Action(Verb.RETRY)
    yield Action(Verb.DROP)
    yield EXPLAIN
