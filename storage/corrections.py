"""What staff corrected, and what that changes: a request gets its type, and what is owed for it is owed anew."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from rules.vocabulary import Outcome, RequestType
from storage import chain, register
from storage.register import NewRequest
from storage.tables import corrections, ledger, obligations, requests


@dataclass(frozen=True, slots=True)
class Correction:
    """What mailbot had made of a message, and what a person of staff says it is."""

    reference: str
    was_outcome: Outcome
    was_type: RequestType | None
    was_reason: str
    says: str
    """A type of request, ``ordinary``, or ``request`` of one that is still to be typed."""
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the ledger says of a message when it was first seen, in whatever folder."""

    received_at: datetime
    outcome: Outcome
    reason: str


def keep(tx: Connection, correction: Correction) -> None:
    """Store a correction."""
    tx.execute(insert(corrections).values(asdict(correction)))


def corrected_since(tx: Connection, since: datetime | None) -> tuple[Correction, ...]:
    """Return the corrections made since then, the oldest first."""
    chosen = select(corrections).order_by(corrections.c.id)
    if since is not None:
        chosen = chosen.where(corrections.c.at >= since)
    return tuple(
        Correction(
            row.reference,
            Outcome(row.was_outcome),
            RequestType(row.was_type) if row.was_type else None,
            row.was_reason,
            row.says,
            row.who,
            row.at,
        )
        for row in tx.execute(chosen)
    )


def first_seen(tx: Connection, inbox: str, fingerprint: bytes) -> Sighting | None:
    """Return the earliest that the ledger knows of a message of this mailbox, under any number and in any folder."""
    same = (ledger.c.inbox == inbox, ledger.c.fingerprint == fingerprint)
    columns = (ledger.c.received_at, ledger.c.outcome, ledger.c.reason)
    row = tx.execute(select(*columns).where(*same).order_by(ledger.c.received_at, ledger.c.id).limit(1)).one_or_none()
    return Sighting(row.received_at, Outcome(row.outcome), row.reason) if row else None


def retype(tx: Connection, typed: NewRequest, who: str, now: datetime) -> None:
    """Make a request what ``typed`` says, and owe what that owes. What was met stays met; what nobody owes any more and nobody did goes."""
    of_request = obligations.c.reference == typed.reference
    before = tx.execute(select(obligations).where(of_request)).all()
    owed_now = {(owed.what, owed.system) for owed in typed.obligations}
    met = {(row.what, row.system): (row.met_at, row.met_by) for row in before if row.met_at is not None}
    replaced = [row.id for row in before if row.met_at is None or (row.what, row.system) in owed_now]
    tx.execute(delete(obligations).where(of_request, obligations.c.id.in_(replaced)))
    tx.execute(insert(obligations), _rows(typed, met, who, now))
    tx.execute(
        update(requests)
        .where(requests.c.reference == typed.reference)
        .values(
            type=typed.type,
            outcome=typed.outcome,
            due=typed.due,
            postponed_to=None,  # it may be due before that day now
            rule=typed.rule,
            reason=typed.reason,
            matched=typed.matched,
            clause=typed.clause,
            certainty=typed.certainty,
            may_be=list(typed.may_be),
            policy=typed.policy,
            policy_version=typed.policy_version,
        )
    )
    register.recount_due(tx, typed.reference)
    chain.enter_owed(tx, [typed.reference], who, now)


def _rows(
    typed: NewRequest, met: dict[tuple[str, str], tuple[datetime, str | None]], who: str, now: datetime
) -> Sequence[dict[str, object]]:
    rows = []
    for owed in typed.obligations:
        row = asdict(owed) | {"reference": typed.reference, "losing": list(owed.losing)}
        at_once = (now, who) if row.pop("is_met") else (None, None)
        row["met_at"], row["met_by"] = met.get((owed.what, owed.system), at_once)
        rows.append(row)
    return rows
