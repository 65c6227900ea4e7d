"""The life of a request: every move from one state to another stands in this one table."""

from enum import StrEnum

from rules.vocabulary import RequestType, State


class Move(StrEnum):
    """What moves a request from one state to the next."""

    ASK_SENDER = "ask_sender"
    HAND_TO_STAFF = "hand_to_staff"
    CARRY_OUT = "carry_out"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"
    DISMISS = "dismiss"
    REOPEN = "reopen"


OPEN = frozenset({State.RECEIVED, State.AWAITING_SENDER, State.AWAITING_STAFF})
CLOSED = frozenset(State) - OPEN

MOVES: dict[tuple[State, Move], State] = {
    (State.RECEIVED, Move.ASK_SENDER): State.AWAITING_SENDER,
    (State.RECEIVED, Move.HAND_TO_STAFF): State.AWAITING_STAFF,
    (State.RECEIVED, Move.CARRY_OUT): State.CARRIED_OUT,
    (State.AWAITING_SENDER, Move.HAND_TO_STAFF): State.AWAITING_STAFF,
    (State.AWAITING_SENDER, Move.CARRY_OUT): State.CARRIED_OUT,
    (State.AWAITING_SENDER, Move.WITHDRAW): State.WITHDRAWN,
    (State.AWAITING_SENDER, Move.LAPSE): State.LAPSED,
    (State.AWAITING_STAFF, Move.ASK_SENDER): State.AWAITING_SENDER,
    (State.AWAITING_STAFF, Move.CARRY_OUT): State.CARRIED_OUT,
    (State.AWAITING_STAFF, Move.REFUSE): State.REFUSED,
    (State.AWAITING_STAFF, Move.WITHDRAW): State.WITHDRAWN,
    (State.AWAITING_STAFF, Move.LAPSE): State.LAPSED,
    **{(state, Move.DISMISS): State.NO_REQUEST for state in OPEN},  # staff say that nobody asked for anything
    **{(state, Move.REOPEN): State.AWAITING_STAFF for state in CLOSED},
}

NEVER_LAPSE = frozenset(
    {
        RequestType.REVOKE_CONSENT,
        RequestType.STOP_PROCESSING,
        RequestType.RESTRICT_TRANSFER,
        RequestType.OPT_OUT,
        RequestType.BLOCK,
    }
)
"""A plain e-mail is enough for these (Law 94-V art. 8(7)), so silence of the sender ends none of them."""


class MoveNotAllowed(ValueError):
    """A request in this state cannot be moved like that."""


def after(state: State, move: Move, request_type: RequestType | None) -> State:
    """Return the state that ``move`` leads to; raise ``MoveNotAllowed`` where the table has none."""
    if move is Move.LAPSE and request_type in NEVER_LAPSE:
        raise MoveNotAllowed(f"a request of type {request_type} never lapses: a plain e-mail is enough for it")
    try:
        return MOVES[state, move]
    except KeyError:
        raise MoveNotAllowed(f"a request that is {state} cannot be moved by {move}") from None
