"""The register line by line, for exports: a page of requests at a time with what is owed for them, however many there are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, or_, select

from storage.database import portions
from storage.tables import obligations, requests

PAGE = 200


@dataclass(frozen=True, slots=True)
class OwedLine:
    """An obligation as an export shows it; the fields of these values are columns of their tables."""

    what: str
    system: str
    trigger: str | None
    due: date | None
    met_at: datetime | None
    met_by: str | None
    source: str
    clause: str | None
    mark: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """A request as an export shows it."""

    reference: str
    type: str | None
    event: str | None
    state: str
    outcome: str
    standing: str
    channel: str | None
    language: str | None
    received_at: datetime
    received_on: date
    due: date | None
    closed_at: datetime | None
    clause: str | None
    reason: str
    sender: str | None
    owed: tuple[OwedLine, ...]


_OWED = tuple(field.name for field in fields(OwedLine))
_LINE = tuple(field.name for field in fields(Line) if field.name != "owed")


def lines(tx: Connection, first: date | None, last: date | None) -> Iterator[Line]:
    """Yield what was received from the ``first`` day to the ``last``, the oldest first."""
    within = [requests.c.received_on >= first] if first else []
    within += [requests.c.received_on <= last] if last else []
    page = _page(tx, within)
    while page:
        yield from page
        at, reference = page[-1].received_at, page[-1].reference
        later = or_(requests.c.received_at > at, requests.c.reference > reference)
        page = _page(tx, [*within, requests.c.received_at >= at, later])


def _page(tx: Connection, wanted: Sequence[ColumnElement[bool]]) -> list[Line]:
    oldest = (requests.c.received_at, requests.c.reference)
    rows = tx.execute(select(*(requests.c[name] for name in _LINE)).where(*wanted).order_by(*oldest).limit(PAGE)).all()
    owed: dict[str, list[OwedLine]] = {row.reference: [] for row in rows}
    columns = (obligations.c.reference, *(obligations.c[name] for name in _OWED))
    for chosen in portions(owed):
        for reference, *values in tx.execute(select(*columns).where(obligations.c.reference.in_(chosen)).order_by(obligations.c.id)):
            owed[reference].append(OwedLine(*values))
    return [Line(**row._mapping, owed=tuple(owed[row.reference])) for row in rows]
