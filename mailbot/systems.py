"""Other systems: which of their obligations a command may carry out now, what it is told, and which ones the view meets.

What mailbot has done in its own store the other systems follow. How a command is run is ``mailbot.commands``.
"""

from collections.abc import Collection, Iterable

from sqlalchemy import Connection

from mailbot.desk import OWN_SYSTEM, Desk
from rules.addresses import mailbox_key
from rules.life import OPEN
from rules.vocabulary import Duty
from storage import register, subscribers, tasks
from storage.register import Owed, Registered
from storage.tasks import NewTask, Payload

CARRIED_OUT_BY_COMMAND = frozenset(
    {Duty.STOP_MESSAGES, Duty.STOP_PROCESSING, Duty.STOP_TRANSFER, Duty.AMEND, Duty.BLOCK, Duty.UNBLOCK, Duty.DESTROY}
)

MET_BY_VIEW = frozenset({Duty.STOP_MESSAGES, Duty.STOP_PROCESSING, Duty.BLOCK, Duty.UNBLOCK, Duty.DESTROY})
"""What mailbot's own store shows at once to whoever reads ``mailable`` at each sending and keeps no copy."""

STOPPED_SCOPES = {Duty.STOP_TRANSFER: list(subscribers.TRANSFER_SCOPES)}
"""The scopes that a duty ends; every other one concerns all."""


def is_met_by_view(what: str) -> bool:
    """Tell whether a system that reads the view has done its part as soon as mailbot has done its own."""
    return what in MET_BY_VIEW


def queue_for(tx: Connection, desk: Desk, reference: str, about_to: Collection[str] = ()) -> None:
    """Queue what the commands of other systems may carry out now for a request, as far as it is not queued yet.

    ``about_to`` names duties that the caller is about to carry out in mailbot's own store, in this very transaction: of a person who is
    destroyed by then nothing could be told any more.
    """
    request = register.find_request(tx, reference)
    if request is None or request.state not in OPEN:
        return
    commanded, ready = tasks.systems_in_mode(tx, "command"), _done_here(tx, request).union(about_to)
    owed = [each for each in request.obligations if each.met_at is None and each.system in commanded and each.what in ready]
    tasks.queue(tx, tasks_for(tx, request, owed), desk.now())


def tasks_for(tx: Connection, request: Registered, owed: Iterable[Owed]) -> list[NewTask]:
    """Write down what commands are told. Where no sender is known there is nobody to name, and staff do it."""
    wanted = [each for each in owed if each.what in CARRIED_OUT_BY_COMMAND]
    if request.sender is None or not wanted:
        return []
    others = _other_addresses(tx, request, request.sender)
    return [NewTask(request.reference, each.system, each.what, _payload(tx, request, each, others)) for each in wanted]


def _done_here(tx: Connection, request: Registered) -> frozenset[str]:
    """Return what mailbot has done in its own store. Messages stop at once also where the request does not owe it there."""
    own = {owed.what: owed.met_at is not None for owed in request.obligations if owed.system == OWN_SYSTEM}
    stopped = request.sender_key is not None and request.reference in subscribers.stopped_by(tx, request.sender_key)
    own.setdefault(Duty.STOP_MESSAGES, stopped)
    return frozenset(what for what, is_met in own.items() if is_met)


def _other_addresses(tx: Connection, request: Registered, sender: str) -> list[str]:
    """Return the other addresses of the person, who may have been put on file since the request came."""
    key = mailbox_key(sender)
    owner = request.subscriber_id or subscribers.ids_by_email(tx, [key]).get(key)
    on_file = tasks.mail_addresses_of(tx, owner) if owner is not None else ()
    return [address for address in on_file if mailbox_key(address) != key]


def _payload(tx: Connection, request: Registered, owed: Owed, others: list[str]) -> Payload:
    """Return the contract of docs/systems.md."""
    asked = register.changes_of(tx, request.reference) if owed.what == Duty.AMEND else None
    return {
        "reference": request.reference,
        "what": owed.what,
        "system": owed.system,
        "address": request.sender,
        "other_addresses": others,
        "scopes": STOPPED_SCOPES.get(Duty(owed.what)),
        "changes": None if asked is None else [{"field": each.field, "old": each.old, "new": each.new} for each in asked],
        "due": owed.due.isoformat() if owed.due else None,
        "requested": request.received_at.isoformat(),
    }
