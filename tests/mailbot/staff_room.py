"""What staff do step by step, for the tests of what they do and of how requests end."""

from mailbot import staff
from mailbot.desk import Desk
from rules.vocabulary import RequestType, State
from tests.mailbot.register_room import act, arrive, request, still_owed

ME = "staff:dana"
GROUND = "Your contract runs until May, Law 94-V art. 8(2)"


def done(desk: Desk, reference: str, what: str | None = None, system: str | None = None) -> State:
    return act(desk, staff.tick_off, reference, ME, what=what, system=system).state


def finish(desk: Desk, reference: str) -> State:
    """Do all that is owed: approve what is mailbot's own part, and tick off the rest."""
    while owed := still_owed(desk, reference):
        take_step(desk, reference, *owed[0])
    return request(desk, reference).state


def take_step(desk: Desk, reference: str, what: str, system: str) -> None:
    """Approve what is mailbot's own part, or tick off what is not."""
    if system == "mailbot" and what in staff.CARRIED_OUT_HERE:
        act(desk, staff.approve, reference, ME, what=what)
    else:
        done(desk, reference, what, system)


def refusable(desk: Desk, kind: RequestType = RequestType.DESTROY) -> str:
    """Let a request arrive after which messages have stopped everywhere."""
    reference = arrive(desk, kind)
    done(desk, reference, "stop_messages", "crm")
    return reference


def closed_opt_out(desk: Desk) -> str:
    """Let a person opt out, and tick off what the other system owes; messages stopped at once."""
    reference = arrive(desk, RequestType.OPT_OUT)
    assert State.CARRIED_OUT == done(desk, reference)
    return reference
