"""How a request is found and moved, and what is left to do about it. Every move stands in the one table of ``rules.life``."""

from collections.abc import Iterable
from datetime import datetime
from shlex import quote

from sqlalchemy import Connection

from mailbot.desk import OWN_SYSTEM
from mailbot.errors import NoSuchRequest, Problem
from rules import life
from rules.deadlines import STAFF
from rules.life import Move, MoveNotAllowed
from rules.vocabulary import Duty, Outcome, RequestType, State
from storage import register
from storage.register import Owed, Registered


class NotPossible(Problem):
    """The request cannot be treated like that."""


def found(tx: Connection, reference: str) -> Registered:
    """Return a request; raise ``NoSuchRequest`` with a sentence."""
    request = register.find_request(tx, reference)
    if request is None:
        raise NoSuchRequest(reference)
    return request


def open_request(tx: Connection, reference: str) -> Registered:
    """Return a request that is open; raise ``NotPossible`` of a closed one, with what opens it again."""
    request = found(tx, reference)
    if request.state not in life.OPEN:
        raise NotPossible(f"{reference} is closed ({request.state}); type `mailbot requests reopen {reference}` first")
    return request


def moved(request: Registered, move: Move) -> State:
    """Return the state that a move leads to; raise ``NotPossible`` where the table has none."""
    try:
        return life.after(request.state, move, request.type)
    except MoveNotAllowed as mistake:
        raise NotPossible(f"{request.reference}: {mistake}") from mistake


def move(tx: Connection, request: Registered, along: Move, now: datetime) -> State:
    """Move a request, and return where it stands then."""
    state = moved(request, along)
    register.set_state(tx, request.reference, state, now)
    return state


# --- what is left to do ------------------------------------------------------------------------------------------------
CARRIED_OUT_HERE = frozenset({Duty.STOP_PROCESSING, Duty.STOP_TRANSFER, Duty.STOP_MESSAGES, Duty.BLOCK, Duty.UNBLOCK, Duty.DESTROY})
"""What mailbot does in its own store, once it is approved and not otherwise. All else is done by staff and ticked off with ``done``."""


def is_mailbots(request: Registered, owed: Owed) -> bool:
    """Tell whether the obligation is met by a change in mailbot's own store. What is held may be anything.

    And an event that names nobody concerns no record of that store.
    """
    names_somebody = request.subscriber_id is not None or request.sender is not None or request.sender_key is not None
    return names_somebody and request.outcome is Outcome.REQUEST and owed.system == OWN_SYSTEM and owed.what in CARRIED_OUT_HERE


def is_asked(request: Registered, owed: Owed) -> bool:
    """Tell whether approval covers the obligation: what cannot be undone only where the person asked for just that."""
    return owed.what != Duty.DESTROY or request.type is RequestType.DESTROY


def open_ones(request: Registered) -> str:
    """Name what is still owed, each with what to type when it is to be done, or was."""
    return steps(request, still_owed(request)) or f"nothing (`mailbot requests done {request.reference}` closes it)"


def still_owed(request: Registered) -> list[Owed]:
    """Return the obligations that nobody has met."""
    return [owed for owed in request.obligations if owed.met_at is None]


def steps(request: Registered, owed: Iterable[Owed]) -> str:
    """Name obligations, each with what to type when it is to be done, or was."""
    return "; ".join(f"{each.what} ({each.system}): `mailbot requests {_typed(request, each)}`" for each in owed)


def _typed(request: Registered, owed: Owed) -> str:
    if not is_mailbots(request, owed):
        return f"done {request.reference} {owed.what}" + (f" --system {quote(owed.system)}" if owed.system != STAFF else "")
    return f"approve {request.reference}" + ("" if is_asked(request, owed) else f" {owed.what}")
