"""What proof is made of: all that the store holds of one request, and how the promises of a time were kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from rules.vocabulary import State
from storage import chain, confirmations, evidence, register
from storage.chain import Line
from storage.confirmations import Confirmation
from storage.evidence import KeptMessage
from storage.register import Registered
from storage.tables import letters, obligations, requests
from storage.verification import Fault, Verdict, verify

AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Written:
    """A letter, and what became of it."""

    kind: str
    language: str
    state: str
    recipient: str
    message_id: str
    attempts: int
    queued_at: datetime
    marked_at: datetime | None
    settled_at: datetime | None
    reply: str | None
    content: bytes
    is_proven: bool
    """Whether the chain tells the same of its end; of one that is still on its way it tells nothing."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything about one request, and whether the chain that proves it holds."""

    request: Registered
    messages: tuple[KeptMessage, ...]
    asked: tuple[Confirmation, ...]
    letters: tuple[Written, ...]
    lines: tuple[Line, ...]
    verdict: Verdict

    @property
    def faults(self) -> list[Fault]:
        """Return what is wrong with this request, or with the chain as a whole."""
        return [fault for fault in self.verdict.faults if fault.reference in (None, self.request.reference)]


@dataclass(frozen=True, slots=True)
class Promised:
    """One obligation of a request, as far as it tells how its promises were kept."""

    reference: str
    state: State
    closed_at: datetime | None
    source: str
    due: date | None
    losing: tuple[dict[str, Any], ...]
    met_at: datetime | None


def dossier_of(tx: Connection, reference: str) -> Dossier | None:
    """Gather everything about a request; None if there is no such request."""
    request = register.find_request(tx, reference)
    if request is None:
        return None
    lines = chain.lines_of(tx, reference)
    proven = [(line.what, dict(line.detail)) for line in lines if line.is_proven]
    written = tx.execute(_WRITTEN.where(letters.c.reference == reference)).all()
    return Dossier(
        request,
        evidence.messages_of(tx, reference),
        tuple(confirmations.of_request(tx, reference)),
        tuple(Written(**row._mapping, is_proven=chain.ended(row) in proven) for row in written),
        lines,
        verify(tx),
    )


def promised(tx: Connection, first: date, last: date) -> Iterator[Promised]:
    """Yield the obligations of all that was received from the first to the last day; what was no request owes nothing."""
    received = requests.c.received_on.between(first, last) & (requests.c.state != State.NO_REQUEST)
    for row in tx.execute(_PROMISED.where(received).execution_options(yield_per=AT_ONCE)):
        yield Promised(row.reference, State(row.state), row.closed_at, row.source, row.due, tuple(row.losing), row.met_at)


_WRITTEN = select(*(letters.c[name] for name in Written.__slots__ if name != "is_proven")).order_by(letters.c.id)
_PROMISED = (
    select(
        requests.c.reference,
        requests.c.state,
        requests.c.closed_at,
        *(obligations.c[name] for name in ("source", "due", "losing", "met_at")),
    )
    .join_from(requests, obligations)
    .order_by(requests.c.reference, obligations.c.id)
)
