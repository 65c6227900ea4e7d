"""What is owed for a request when it is counted anew, and by which rules all was counted last."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from rules.life import OPEN
from storage import chain, register
from storage.database import insert_new
from storage.register import NewObligation, Registered
from storage.tables import obligations, requests, secrets

RULES_STAMP = "rules_stamp"
KEPT_WHEN_COUNTED_ANEW = frozenset({"reference", "what", "system", "met_at", "met_by"})


def count_anew(
    tx: Connection, reference: str, changed: Mapping[int, NewObligation], new: Sequence[NewObligation], who: str, now: datetime
) -> None:
    """Write what open obligations are by now, and what is owed besides; the request's due date follows. The caller notes why."""
    for number, owed in changed.items():
        row = register.obligation_row(reference, owed, now)
        values = {name: value for name, value in row.items() if name not in KEPT_WHEN_COUNTED_ANEW}
        tx.execute(update(obligations).where(obligations.c.id == number, obligations.c.met_at.is_(None)).values(values))
    if new:
        tx.execute(insert(obligations), [register.obligation_row(reference, owed, now) for owed in new])
    register.recount_due(tx, reference)
    chain.enter_owed(tx, [reference], who, now)


def entries_of(tx: Connection, owner: int, event: str) -> tuple[Registered, ...]:
    """Return what is open of an event that staff entered about a person on file."""
    theirs = requests.c.subscriber_id == owner, requests.c.event == event, requests.c.state.in_(OPEN)
    references = tx.execute(select(requests.c.reference).where(*theirs).order_by(requests.c.reference)).scalars().all()
    return tuple(request for reference in references if (request := register.find_request(tx, reference)) is not None)


def set_event(tx: Connection, reference: str, event: str) -> None:
    """Note what staff found last of an entry of theirs."""
    tx.execute(update(requests).where(requests.c.reference == reference, requests.c.event.is_not(None)).values(event=event))


def rules_stamp(tx: Connection) -> bytes:
    """Return by which rules everything was counted last; empty at first."""
    return bytes(tx.execute(select(secrets.c.value).where(secrets.c.name == RULES_STAMP)).scalar() or b"")


def set_rules_stamp(tx: Connection, stamp: bytes) -> None:
    """Note by which rules everything is counted now."""
    insert_new(tx, secrets, [{"name": RULES_STAMP, "value": stamp}])
    tx.execute(update(secrets).where(secrets.c.name == RULES_STAMP).values(value=stamp))
