"""What metrics count: only numbers, never whose."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection, func, select

from rules.life import OPEN
from storage.tables import ledger, requests

UNTYPED = "held"


def messages(tx: Connection) -> Mapping[str, int]:
    """Return how many messages were taken in, by outcome."""
    counted = tx.execute(select(ledger.c.outcome, func.count()).group_by(ledger.c.outcome))
    return {outcome: count for outcome, count in counted}  # noqa: C416 - of a result, dict() makes no dictionary


def open_requests(tx: Connection, due_before: date | None = None) -> Mapping[str, int]:
    """Return how many requests are open, by type; only those that were due before a day if one is given."""
    chosen = select(requests.c.type, func.count()).where(requests.c.state.in_(OPEN)).group_by(requests.c.type)
    if due_before is not None:
        chosen = chosen.where(requests.c.due < due_before)
    return {kind or UNTYPED: count for kind, count in tx.execute(chosen)}
