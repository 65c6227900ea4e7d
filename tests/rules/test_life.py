"""The life of a request: the whole table, and what silence never ends."""

import pytest

from rules.life import CLOSED, MOVES, NEVER_LAPSE, OPEN, Move, MoveNotAllowed, after
from rules.vocabulary import RequestType, State

EVERY_MOVE = [(state, move) for state in State for move in Move]

TABLE = """
                  ask_sender       hand_to_staff   carry_out    refuse   withdraw   lapse   dismiss     reopen
received          awaiting_sender  awaiting_staff  carried_out  -        -          -       no_request  -
awaiting_sender   -                awaiting_staff  carried_out  -        withdrawn  lapsed  no_request  -
awaiting_staff    awaiting_sender  -               carried_out  refused  withdrawn  lapsed  no_request  -
carried_out       -                -               -            -        -          -       -           awaiting_staff
refused           -                -               -            -        -          -       -           awaiting_staff
withdrawn         -                -               -            -        -          -       -           awaiting_staff
lapsed            -                -               -            -        -          -       -           awaiting_staff
no_request        -                -               -            -        -          -       -           awaiting_staff
"""


def expected_moves() -> dict[tuple[State, Move], State]:
    head, *rows = (line.split() for line in TABLE.strip().splitlines())
    return {
        (State(state), Move(move)): State(target)
        for state, *targets in rows
        for move, target in zip(head, targets, strict=True)
        if target != "-"
    }


@pytest.mark.parametrize(("state", "move"), EVERY_MOVE)
def test_a_move_leads_where_the_table_says_or_nowhere(state: State, move: Move) -> None:
    expected = expected_moves().get((state, move))
    if expected:
        assert expected is after(state, move, RequestType.ACCESS)
    else:
        with pytest.raises(MoveNotAllowed, match=f"{state} cannot be moved by {move}"):
            after(state, move, RequestType.ACCESS)


def test_every_state_is_open_or_closed_and_only_closed_ones_reopen() -> None:
    assert set(State) == OPEN | CLOSED
    assert not OPEN & CLOSED
    assert {state for state, move in MOVES if move is Move.REOPEN} == CLOSED


def test_i8_only_what_staff_have_before_them_is_refused() -> None:
    assert {State.AWAITING_STAFF} == {state for state, move in MOVES if move is Move.REFUSE}


@pytest.mark.parametrize("state", [State.AWAITING_SENDER, State.AWAITING_STAFF])
@pytest.mark.parametrize("kind", ["revoke_consent", "stop_processing", "restrict_transfer", "opt_out", "block"])
def test_what_a_plain_letter_is_enough_for_never_lapses(kind: str, state: State) -> None:
    with pytest.raises(MoveNotAllowed, match="never lapses"):
        after(state, Move.LAPSE, RequestType(kind))


@pytest.mark.parametrize("kind", [kind for kind in RequestType if kind not in NEVER_LAPSE])
def test_anything_else_may_lapse(kind: RequestType) -> None:
    assert State.LAPSED is after(State.AWAITING_SENDER, Move.LAPSE, kind)


@pytest.mark.parametrize("kind", sorted(NEVER_LAPSE))
def test_what_never_lapses_still_moves_otherwise(kind: RequestType) -> None:
    assert State.CARRIED_OUT is after(State.AWAITING_STAFF, Move.CARRY_OUT, kind)
