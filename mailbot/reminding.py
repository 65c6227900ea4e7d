"""Reminders: at some steps before something is due the digest says so, each step once; what was missed is made up for (H100).

Which steps there are is configured; what is told to others than the staff is ``mailbot.escalating``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from rules.reminders import steps_reached, working_days_left
from rules.working_days import Calendar
from storage import register, reminders
from storage.reminders import Step

REMINDED = "reminded"
"""What stands in the history of a request of which the digest reminded."""


@dataclass(frozen=True, slots=True)
class Reminder:
    """A request that is to be reminded of: how many working days are left, and the steps that are told by it, the nearest last."""

    reference: str
    due: date
    left: int
    steps: tuple[int, ...]


def reminders_due(tx: Connection, steps: Sequence[int], today: date, calendar: Calendar) -> tuple[Reminder, ...]:
    """Return what the digest is to remind of and has not yet; of what is postponed only the last step is told."""
    if not steps:
        return ()
    pressing = reminders.pressing(tx, today + timedelta(days=2 * max(steps) + 15))  # no public holidays last longer
    told = reminders.told(tx, [each.reference for each in pressing])
    found = []
    for each in pressing:
        wanted = (min(steps),) if each.postponed_to and each.postponed_to > today else steps
        reached = steps_reached(each.due, today, wanted, calendar)
        new = tuple(step for step in reached if (each.due, str(step)) not in told.get(each.reference, {}))
        if new and new[-1] == reached[-1]:  # where the nearest was told, an older one that was added since says nothing
            found.append(Reminder(each.reference, each.due, working_days_left(each.due, today, calendar), new))
    return tuple(found)


def note_reminders(tx: Connection, told: Sequence[Reminder], now: datetime) -> None:
    """Note what a digest reminds of, in the transaction that queues it."""
    reminders.record(tx, [Step(each.reference, each.due, str(step)) for each in told for step in each.steps], now)
    lines = [(each.reference, REMINDED, "mailbot", {"working_days_left": each.left, "due": each.due.isoformat()}) for each in told]
    register.note(tx, lines, now)
