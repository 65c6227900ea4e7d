"""Which day's digest is due: one a local day, whatever the clocks do (H99).

Only the newest missed one is ever due, for its content is that of the moment when it is written.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from rules.working_days import Calendar

LOOKED_BACK_DAYS = 10
"""No public holidays last longer."""


def day_due(now: datetime, zone: tzinfo, at: time, calendar: Calendar, *, working_only: bool) -> date | None:
    """Return the newest local day whose digest moment has passed; None where none was worked for so long."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)  # may have begun already: clocks are set back past midnight, too
    days = (tomorrow - timedelta(days=back) for back in range(LOOKED_BACK_DAYS + 2))
    wanted = (day for day in days if calendar.is_working_day(day) or not working_only)
    return next((day for day in wanted if moment_of(day, zone, at) <= now), None)


def moment_of(day: date, zone: tzinfo, at: time) -> datetime:
    """Return when the digest of ``day`` is due: of an hour that comes twice the first, of one that is skipped what follows the gap."""
    return datetime.combine(day, at, zone).astimezone(UTC)
