"""Metrics for Prometheus, on this machine alone: numbers, and the operator's own inbox addresses as labels; nothing of any person (I6).

They are read from the store when they are asked for. The library is loaded only where a port is configured.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from time import monotonic

from prometheus_client import CollectorRegistry, Metric, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from mailbot.desk import Desk
from mailbot.digest import DigestOrder
from mailbot.faults import digest_states
from rules.digest_days import day_due
from storage import alarms, figures, outbox
from storage.database import StoreFailure
from storage.ledger import cursor_of

LOOPBACK = "127.0.0.1"
KEPT_SECONDS = 5.0
"""How long figures are given again: whoever asks more often must not keep the store busy."""


def serve(port: int, collector: Collector) -> Callable[[], None]:
    """Serve metrics on a port of this machine; return what ends that. Raises ``OSError`` if somebody else listens there."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    server, thread = start_http_server(port, LOOPBACK, registry)

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return close


class Figures(Collector):
    """All metrics."""

    def __init__(self, desk: Desk, order: DigestOrder, late: Callable[[], tuple[str, ...]], clock: Callable[[], float] = monotonic) -> None:
        """``late`` names the parts of the daemon that hang."""
        self._desk = desk
        self._order = order
        self._late = late
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[float, list[Metric]] | None = None

    def describe(self) -> list[Metric]:
        """Say nothing beforehand, so that nothing is read at start."""
        return []

    def collect(self) -> list[Metric]:
        """Return every metric as it is now, or was a moment ago."""
        with self._lock:
            if self._kept is None or self._clock() - self._kept[0] > KEPT_SECONDS:
                self._kept = self._clock(), [*self._of_store(), _gauge("parts_late", "Parts of mailbot that hang", len(self._late()))]
            return self._kept[1]

    def _of_store(self) -> Iterator[Metric]:
        answers = 1
        try:
            with self._desk.database.read() as tx:
                yield from list(self._read(tx, self._desk.now()))
        except StoreFailure:
            answers = 0
        yield _gauge("store_answers", "Whether the register can be read", answers)

    def _read(self, tx: Connection, now: datetime) -> Iterator[Metric]:
        today = now.astimezone(self._desk.zone).date()
        yield _gauges("messages", "Messages taken in, by what became of them", "outcome", figures.messages(tx).items())
        yield _gauges("requests_open", "Open requests", "type", figures.open_requests(tx).items())
        yield _gauges(
            "requests_overdue", "Open requests whose due date is over", "type", figures.open_requests(tx, due_before=today).items()
        )
        yield _gauges("letters", "Letters in the outbox", "state", outbox.count_by_state(tx).items())
        yield _gauges("alarms", "Faults that go on", "what", Counter(alarm.what for alarm in alarms.going_on(tx)).items())
        yield self._passes(tx, now)
        yield self._digest(tx, now)

    def _passes(self, tx: Connection, now: datetime) -> Metric:
        family = GaugeMetricFamily("mailbot_inbox_last_pass_seconds", "Since an inbox was read to its end", labels=["inbox", "folder"])
        for inbox, folder in self._order.folders:
            cursor = cursor_of(tx, inbox, folder)
            if cursor and cursor.last_pass_at:
                family.add_metric([inbox, folder], (now - cursor.last_pass_at).total_seconds())
        return family

    def _digest(self, tx: Connection, now: datetime) -> Metric:
        order = self._order
        day = day_due(now, self._desk.zone, order.at, self._desk.deadlines.calendar, working_only=order.working_only)
        is_queued = bool(day and digest_states(tx, self._desk, order, day))
        return _gauge("digest_queued", "Whether the digest that was due last is queued or sent", int(is_queued))


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(f"mailbot_{name}", says, value)


def _gauges(name: str, says: str, label: str, counted: Iterable[tuple[str, int]]) -> Metric:
    family = GaugeMetricFamily(f"mailbot_{name}", says, labels=[label])
    for value, count in sorted(counted):
        family.add_metric([value], count)
    return family
