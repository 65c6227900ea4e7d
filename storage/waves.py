"""Waves: times in which more unproven requests come than is believed. What cannot be undone then waits until staff resume (H65)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select, update

from rules.life import OPEN
from rules.vocabulary import Standing
from storage.tables import events, requests, waves

HOUR = timedelta(hours=1)

STOPPED = "stopped_by_wave"
"""What stands in the history and among the flags of a request that was not carried out because a wave went on."""


@dataclass(frozen=True, slots=True)
class Wave:
    """A wave that nobody has ended yet, and how many requests of an hour began it."""

    id: int
    began_at: datetime
    counted: int


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a wave has gone: how many unproven requests came since the hour that began it, and which open ones wait because of it."""

    wave: Wave
    came: int
    stopped: tuple[str, ...]


def current(tx: Connection) -> Wave | None:
    """Return the wave that is going on; None if none is."""
    row = tx.execute(select(waves).where(waves.c.ended_at.is_(None)).order_by(waves.c.id).limit(1)).one_or_none()
    return Wave(row.id, row.began_at, row.counted) if row else None


def extent(tx: Connection, now: datetime) -> Extent | None:
    """Return how far the wave has gone that is going on; None if none is."""
    wave = current(tx)
    if wave is None:
        return None
    stopped = select(events.c.reference).where(events.c.what == STOPPED, events.c.at >= wave.began_at)
    waiting = select(requests.c.reference).where(requests.c.state.in_(OPEN), requests.c.reference.in_(stopped))
    references = tx.execute(waiting.order_by(requests.c.reference)).scalars()
    return Extent(wave, unproven_since(tx, wave.began_at - HOUR, now), tuple(references))


def unproven_since(tx: Connection, since: datetime, until: datetime) -> int:
    """Count the requests that came in a span of time from senders for whom nobody vouched."""
    came = (requests.c.received_at > since, requests.c.received_at <= until, requests.c.standing == Standing.UNPROVEN)
    return int(tx.execute(select(func.count()).select_from(requests).where(*came)).scalar_one())


def most_in_an_hour(tx: Connection, since: datetime, until: datetime, more_than: int) -> int:
    """Return how many unproven requests came in the first hour of a span of time in which more than ``more_than`` did; 0 if none is."""
    came = (requests.c.received_at > since, requests.c.received_at <= until, requests.c.standing == Standing.UNPROVEN)
    moments = tx.execute(select(requests.c.received_at).where(*came).order_by(requests.c.received_at)).scalars().all()
    pairs = zip(moments, moments[more_than:], strict=False)
    began = next((first for first, last in pairs if last - first < HOUR), None)
    return sum(began <= moment < began + HOUR for moment in moments) if began else 0


def last_ended_at(tx: Connection) -> datetime | None:
    """Return when staff last ended a wave: what came before does not begin another."""
    ended: datetime | None = tx.execute(select(func.max(waves.c.ended_at))).scalar()
    return ended


def begin(tx: Connection, counted: int, now: datetime) -> None:
    """Note that a wave goes on from now."""
    tx.execute(insert(waves).values(began_at=now, counted=counted))


def end(tx: Connection, who: str, now: datetime) -> int:
    """Note that staff want things to go on as usual; return how many waves that ended."""
    return tx.execute(update(waves).where(waves.c.ended_at.is_(None)).values(ended_at=now, ended_by=who)).rowcount
