"""What staff do about a request in the simulated year: each deed both as a line that answers the digest and as a command."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from mailbot import closing, corrections, entering, staff
from mailbot.access import Release
from mailbot.config import Retention
from mailbot.desk import Acting
from mailbot.moves import is_asked, is_mailbots, still_owed
from rules.vocabulary import Duty, Outcome, RequestType, Standing, State
from storage.register import Owed, Registered
from tests.scenarios import year_words as words
from tests.scenarios.year_words import Said

GROUND = closing.Ground("The contract is not performed, art. 8(2)")
REFUSABLE = (RequestType.REVOKE_CONSENT, RequestType.STOP_PROCESSING, RequestType.BLOCK, RequestType.DESTROY, RequestType.QUESTION)
LAPSABLE = (RequestType.ACCESS, RequestType.DESTROY)


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that staff do: what they write, and the command that does the same."""

    said: Said
    command: Callable[[Acting], object]
    of: str = ""
    typed: RequestType | None = None
    """What a held message is, by this deed."""
    term: date | None = None
    """The day that stands in the authority's letter."""

    def line(self, number: int, language: int) -> str:
        """Write it as a line of an answer."""
        return self.said[language].format(n=number, of=self.of).strip()


def deeds_for(request: Registered, fate: str, today: date, *, is_on_file: bool) -> list[Deed]:
    """Return what staff do next about a request, in order; ``fate`` is how it will end."""
    reference, owed = request.reference, still_owed(request)
    if request.outcome is Outcome.HELD:
        return [_what_it_is(request, fate)]
    if fate == "postponed" and request.due and today < request.due and request.postponed_to is None:
        day = request.due
        return [Deed(words.POSTPONE, lambda acting: staff.postpone(acting, reference, day), f"{day:%d.%m.%Y}")]
    if fate == "withdrawn" and request.type not in (None, RequestType.AUTHORITY_INQUIRY):
        return [Deed(words.WITHDRAWN, lambda acting: closing.withdraw(acting, reference))]
    stops = [each for each in owed if each.what == Duty.STOP_MESSAGES]
    can_be_told = request.standing is not Standing.FAILED and request.channel is None
    if fate == "refused" and can_be_told and request.state is State.AWAITING_STAFF and request.type in REFUSABLE:
        return [*map(_done(request), stops), Deed(words.REFUSE, lambda acting: closing.refuse(acting, reference, GROUND))]
    if fate == "lapsed" and can_be_told and not request.confirmed_at and request.type in LAPSABLE:
        return [*map(_done(request), stops), Deed(words.LAPSE, lambda acting: closing.lapse(acting, reference, GROUND))]
    return list(_carried_out(request, owed, is_on_file=is_on_file))


def term_of(request: Registered, day: date) -> Deed:
    """Say by when an authority wants its answer."""
    return Deed(words.TERM, lambda acting: entering.set_term(acting, request.reference, day), f"{day:%d.%m.%Y}", term=day)


def _what_it_is(request: Registered, fate: str) -> Deed:
    reference = request.reference
    kinds = request.may_be or tuple(RequestType)
    if fate == "ordinary":
        return Deed(words.ORDINARY, lambda acting: corrections.dismiss(acting, reference))
    kind = kinds[sum(map(ord, reference)) % len(kinds)]
    return Deed(words.TYPE, lambda acting: corrections.give_type(acting, reference, kind), kind, typed=kind)


def _carried_out(request: Registered, owed: list[Owed], *, is_on_file: bool) -> list[Deed]:
    """Approve what is mailbot's to do, release what is asked for, and tick off the rest."""
    reference = request.reference
    if any(each.what == Duty.ANSWER for each in owed) and (released := _released(request, is_on_file=is_on_file)):
        return [released]
    here = [each for each in owed if is_mailbots(request, each)]
    asked = [each for each in here if is_asked(request, each)]
    approved = [Deed(words.APPROVE, lambda acting: staff.approve(acting, reference))] if asked else []
    besides = [_approved(request, each) for each in here if each not in asked]
    ticked = [_done(request)(each) for each in owed if each not in here]
    close = [Deed(words.DONE, lambda acting: staff.tick_off(acting, reference, what=None, system=None))] if not owed else []
    return [*ticked, *approved, *besides, *close]


def _released(request: Registered, *, is_on_file: bool) -> Deed | None:
    """Release what somebody known asks to see, or that nothing is held; None where staff answer in another way."""
    if request.type is not RequestType.ACCESS or request.standing is Standing.FAILED:
        return None
    if is_on_file and request.confirmed_at:
        return Deed(words.RELEASE, lambda acting: staff.release(acting, request.reference, Release(), Retention()))
    if not is_on_file and (request.confirmed_at or request.standing is Standing.ALIGNED):
        nothing = Release(nothing_is_held=True)
        return Deed(words.NOTHING_HELD, lambda acting: staff.release(acting, request.reference, nothing, Retention()))
    return None


def _approved(request: Registered, owed: Owed) -> Deed:
    return Deed(words.APPROVE, lambda acting: staff.approve(acting, request.reference, what=owed.what), owed.what)


def _done(request: Registered) -> Callable[[Owed], Deed]:
    def deed(owed: Owed) -> Deed:
        of = f"{owed.what} in {owed.system}" if owed.system != "staff" else owed.what
        return Deed(words.DONE, lambda acting: staff.tick_off(acting, request.reference, what=owed.what, system=owed.system), of)

    return deed
