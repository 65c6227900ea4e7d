"""Trying out everything that `mailbot run` needs, without changing anything: each failure is told with its cure, and hides no other.

No letter is sent, no flag is changed, no lease is taken, so this may run beside the service. How it looks is ``mailbot.cli.check``.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from mailbot.checkup_servers import look_at_alarm, look_at_command, look_at_inbox, look_at_sending, look_at_smtp
from mailbot.checkup_store import look_at_store, place_of
from mailbot.config import (
    Alarm,
    Inbox,
    Limits,
    Operator,
    Retention,
    Section,
    Smtp,
    Staff,
    Store,
    System,
    find_config,
    load_config,
    read_moved_days,
    written_in,
)
from mailbot.errors import ConfigurationMistake
from mailbot.findings import Finding, Mark, note, ok, told, wrong
from mailbot.policies import law_alone, load_policy
from rules.promises import warnings_of
from rules.working_days import Calendar


@dataclass(frozen=True, slots=True)
class Parts:
    """The tables of a configuration, as far as they can be used: one mistake must not hide what else is wrong."""

    operator: Operator | None
    store: Store | None
    inboxes: dict[str, Inbox]
    """By their place in the file: ``inbox[1]``."""
    smtp: Smtp | None
    staff: Staff | None
    limits: Limits | None
    alarm: Alarm | None
    retention: Retention | None
    systems: dict[str, System]
    """By their place in the file, like the inboxes."""


def check_everything(given: Path | None, now: datetime) -> Iterator[Finding]:
    """Yield a finding for everything that was tried, as it is tried."""
    try:
        path = find_config(given)
        parts = _parts_of(path)
    except ConfigurationMistake as mistake:
        yield from wrong("configuration", mistake)
        return
    yield from told("configuration", _look_at_configuration(path))
    if operator := parts.operator:
        today = now.astimezone(ZoneInfo(operator.timezone)).date()
        yield from told("policy", _look_at_policy(operator, parts.inboxes.values(), today))
        yield from told("calendar", _look_at_calendar(operator, today))
        yield _look_at_clock(operator, now)
    if parts.store:
        place = place_of(parts.store, parts.retention, parts.alarm)
        yield from told("store", look_at_store(place, parts.inboxes.values(), now))
    for part, inbox in parts.inboxes.items():
        yield from told(part, look_at_inbox(part, inbox))
    if smtp := parts.smtp:
        yield from told("smtp", look_at_smtp(smtp))
        yield from look_at_sending(smtp, parts.inboxes.values(), parts.limits)
    if parts.staff:
        yield _look_at_staff(parts.staff)
    for part, system in parts.systems.items():
        if system.command:
            yield look_at_command(part, system.command[0], "its tasks would wait and be listed in the digest")
    if parts.alarm:
        yield from look_at_alarm(parts.alarm, parts.smtp, parts.staff.digest_to if parts.staff else ())


def _parts_of(path: Path) -> Parts:
    written, folder = written_in(path), path.absolute().parent
    return Parts(
        operator=_sound(Operator, written.get("operator"), folder),
        store=_sound(Store, written.get("store"), folder),
        inboxes=_sound_ones(Inbox, "inbox", written, folder),
        smtp=_sound(Smtp, written.get("smtp"), folder),
        staff=_sound(Staff, written.get("staff", {}), folder),
        limits=_sound(Limits, written.get("limits", {}), folder),
        alarm=_sound(Alarm, written.get("alarm", {}), folder),
        retention=_sound(Retention, written.get("retention", {}), folder),
        systems=_sound_ones(System, "system", written, folder),
    )


Table = TypeVar("Table", bound=Section)


def _sound_ones(model: type[Table], name: str, written: Mapping[str, Any], folder: Path) -> dict[str, Table]:
    listed = written.get(name)
    numbered = enumerate(listed if isinstance(listed, list) else [], start=1)
    read = {f"{name}[{number}]": _sound(model, table, folder) for number, table in numbered}
    return {part: table for part, table in read.items() if table is not None}


def _sound(model: type[Table], written: Any, folder: Path) -> Table | None:
    """Return a table without the keys that are wrong; None if it cannot do without them."""
    for _ in range(2):
        try:
            return model.model_validate(written, context=folder)
        except ValidationError as error:
            wrong = {mistake["loc"][0] for mistake in error.errors() if mistake["loc"]}
            written = {key: value for key, value in written.items() if key not in wrong} if isinstance(written, dict) else None
    return None


# --- on this machine -------------------------------------------------------------------------------------------------
def _look_at_configuration(path: Path) -> Iterator[Finding]:
    if os.geteuid() == 0:
        yield note(
            "configuration",
            "checked as root, to whom no file is closed: see that the service's user may read this file and write the store",
        )
    if path.stat().st_mode & stat.S_IWOTH:
        yield Finding(Mark.WRONG, "configuration", f"{path} can be changed by every user of this machine: run `chmod o-w {path}`", 1)
    load_config(path)
    yield ok("configuration", f"{path} is complete")


def _look_at_policy(operator: Operator, inboxes: Iterable[Inbox], today: date) -> Iterator[Finding]:
    policy = load_policy(operator.policy)
    warnings = len(warnings_of(policy, today))
    if warnings:
        yield note("policy", f"{policy.name} can be used; {warnings} warnings: read them with `mailbot policy check {operator.policy}`")
    else:
        yield ok("policy", f"{policy.name} can be used")
    watched = {address.lower() for inbox in inboxes for address in (inbox.address, *inbox.aliases)}
    for address in policy.inboxes:
        if watched and address.lower() not in watched:  # without a whole configuration none is known
            yield note("policy", f"it names {address}, which no [[inbox]] has as its address or among its aliases")


def _look_at_calendar(operator: Operator, today: date) -> Iterator[Finding]:
    try:
        country = load_policy(operator.policy).law.country
    except ConfigurationMistake:  # told already
        country = law_alone().law.country
    moved = read_moved_days(operator.calendar_overrides)
    last = Calendar(country, moved).last_known_year or 0
    unknown = [str(year) for year in (today.year, today.year + 1) if year > last and year not in {day.year for day in moved}]
    if unknown:
        years = " and ".join(unknown)
        yield note(
            "calendar", f"which days are moved in {years} is not known: list them in operator.calendar_overrides as they are ordered"
        )
    else:
        yield ok("calendar", f"moved days are known for {today.year} and {today.year + 1}")


def _look_at_clock(operator: Operator, now: datetime) -> Finding:
    here = now.astimezone(ZoneInfo(operator.timezone))
    return ok("clock", f"it is {here:%d.%m.%Y %H:%M} in {operator.timezone} (UTC{here:%z})")


def _look_at_staff(staff: Staff) -> Finding:
    if staff.digest_to:
        return ok("staff", f"addresses that are told what is due at {staff.digest_at}: {len(staff.digest_to)}")
    return note("staff", "staff.digest_to is empty: nobody is told what is due")
