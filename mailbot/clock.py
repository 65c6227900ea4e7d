"""The clock of the machine under watch: whether it jumped, and whether it may be believed in what cannot be undone (H99).

The wall clock is compared with one that only ticks and that nobody sets; over a restart, with what the store remembers.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from time import CLOCK_BOOTTIME, clock_gettime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from mailbot.digest import DAILY
from mailbot.logs import log
from storage import alarms, clock, reminders
from storage.alarms import Fault, Trouble
from storage.database import Database

JUMP = timedelta(minutes=5)
"""More than any correction that a time server makes, and than any pause of a busy machine."""

FAR = timedelta(hours=12)
"""Set back so far, the clock had shown a day that was not there yet."""

LONG_AWAY = timedelta(days=1)
"""After so long without a look nobody knows whether the machine was off or its clock is wrong."""


def seconds_since_boot() -> float:
    """Return what only ticks: also while the machine sleeps."""
    return clock_gettime(CLOCK_BOOTTIME)


class ClockWatch:
    """Looks at the clock again and again. ``ticks`` is what it is compared with."""

    def __init__(
        self, database: Database, zone: ZoneInfo, settles_after: timedelta, ticks: Callable[[], float] = seconds_since_boot
    ) -> None:
        """``settles_after`` a jump the clock is believed again."""
        self._database = database
        self._zone = zone
        self._settles_after = settles_after
        self._ticks = ticks
        self._seen: tuple[datetime, float] | None = None

    def look(self, now: datetime) -> bool:
        """Note a jump as an alarm; tell whether the clock went evenly for long enough to end or destroy anything by it."""
        ticks = self._ticks()
        with self._database.write() as tx:
            self._compare(tx, now, ticks)
            clock.look(tx, now)
            is_even = not alarms.happened_since(tx, Trouble.CLOCK, now - self._settles_after, now)
        self._seen = now, ticks
        return is_even

    def _compare(self, tx: Connection, now: datetime, ticks: float) -> None:
        if self._seen:
            before, ticked = self._seen
            should_be = before + timedelta(seconds=ticks - ticked)
        else:
            last = clock.last_look(tx)
            should_be = now if last is None or last <= now else last  # how long we were away nobody knows
            if last is not None and now - last > LONG_AWAY:
                alarms.happen_untold(tx, Fault(Trouble.CLOCK, now.isoformat()), now)
        if abs(now - should_be) > JUMP:
            self._note_jump(tx, should_be, now)

    def _note_jump(self, tx: Connection, should_be: datetime, now: datetime) -> None:
        local = (f"{moment.astimezone(self._zone):%d.%m.%Y %H:%M:%S}" for moment in (should_be, now))
        alarms.happen(tx, [Fault(Trouble.CLOCK, now.isoformat(), now, " → ".join(local))], now)
        early = 0
        if should_be - now > FAR:
            reminders.take_back(tx, now)
            early = clock.take_back_digests(tx, f"{DAILY} ", now.astimezone(self._zone).date())
        log.error("clock_jumped", seconds=round((now - should_be).total_seconds()), digests_taken_back=early)
