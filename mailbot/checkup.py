"""Trying out everything that `mailbot run` needs, without changing anything: each failure is told with its cure, and hides no other.

No letter is sent, no flag is changed, no lease is taken, so this may run beside the service. How it looks is ``mailbot.cli.check``.
"""

import asyncio
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from sqlalchemy import create_engine, inspect, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from mailbot.commands import why_it_cannot_run
from mailbot.config import (
    Inbox,
    Limits,
    Operator,
    Section,
    Server,
    Smtp,
    Staff,
    Store,
    System,
    find_config,
    load_config,
    read_moved_days,
    read_secret,
    secret_of,
    written_in,
)
from mailbot.daemon import relay_of
from mailbot.errors import ConfigurationMistake, Problem
from mailbot.folders import special_folder, spelt_by_server
from mailbot.imap import LoginRefused, Mailbox
from mailbot.policies import law_alone, load_policy
from mailbot.providers import PROVIDERS, narrowest_name
from mailbot.smtp import Connection, RelayRefusesUs
from mailbot.watch import address_of
from rules.authentication import authserv_id_in, is_named
from rules.header import read_fields, split_head
from rules.promises import warnings_of
from rules.working_days import Calendar
from storage.database import SCHEMA, Database, StoreFailure, open_database
from storage.lease import renew_lease
from storage.ledger import cursor_of

NEWEST = 50
"""Messages whose headers are looked at for the mail server's name."""
GRAVEST_FIRST = (78, 1, 75)
HOURS_A_DAY = 24


class Mark(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    NOTE = "note"
    """It works, and a person should know."""
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried: of which part, and what came of it."""

    mark: Mark
    part: str
    text: str
    exit_status: int = 0


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
    systems: dict[str, System]
    """By their place in the file, like the inboxes."""


def check_everything(given: Path | None, now: datetime) -> Iterator[Finding]:
    """Yield a finding for everything that was tried, as it is tried."""
    try:
        path = find_config(given)
        parts = _parts_of(path)
    except ConfigurationMistake as mistake:
        yield from _wrong("configuration", mistake)
        return
    yield from _told("configuration", _look_at_configuration(path))
    if operator := parts.operator:
        today = now.astimezone(ZoneInfo(operator.timezone)).date()
        yield from _told("policy", _look_at_policy(operator, parts.inboxes.values(), today))
        yield from _told("calendar", _look_at_calendar(operator, today))
        yield _look_at_clock(operator, now)
    if parts.store:
        yield from _told("store", _look_at_store(parts.store, parts.inboxes.values(), now))
    for part, inbox in parts.inboxes.items():
        yield from _told(part, _look_at_inbox(part, inbox))
    if smtp := parts.smtp:
        yield from _told("smtp", _look_at_smtp(smtp))
        yield from _look_at_sending(smtp, parts.inboxes.values(), parts.limits)
    if parts.staff:
        yield _look_at_staff(parts.staff)
    for part, system in parts.systems.items():
        if system.command:
            yield _look_at_command(part, system.command[0])


def gravest(findings: Iterable[Finding]) -> int:
    """Return the exit status for all of them: 0 only if `mailbot run` would work."""
    statuses = {finding.exit_status for finding in findings}
    return next((status for status in GRAVEST_FIRST if status in statuses), 0)


def _parts_of(path: Path) -> Parts:
    written, folder = written_in(path), path.absolute().parent
    return Parts(
        operator=_sound(Operator, written.get("operator"), folder),
        store=_sound(Store, written.get("store"), folder),
        inboxes=_sound_ones(Inbox, "inbox", written, folder),
        smtp=_sound(Smtp, written.get("smtp"), folder),
        staff=_sound(Staff, written.get("staff", {}), folder),
        limits=_sound(Limits, written.get("limits", {}), folder),
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


def _told(part: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Pass findings on; what ends them early is the last of them."""
    try:
        yield from findings
    except (Problem, StoreFailure) as problem:
        yield from _wrong(part, problem)


def _wrong(part: str, problem: Problem | StoreFailure) -> Iterator[Finding]:
    status = problem.exit_status if isinstance(problem, Problem) else 75 if problem.transient else 78
    for sentence in str(problem).splitlines():
        yield Finding(Mark.WRONG, part, sentence, status)


def _ok(part: str, text: str) -> Finding:
    return Finding(Mark.OK, part, text)


def _note(part: str, text: str) -> Finding:
    return Finding(Mark.NOTE, part, text)


# --- on this machine -------------------------------------------------------------------------------------------------
def _look_at_configuration(path: Path) -> Iterator[Finding]:
    if os.geteuid() == 0:
        yield _note(
            "configuration",
            "checked as root, to whom no file is closed: see that the service's user may read this file and write the store",
        )
    if path.stat().st_mode & stat.S_IWOTH:
        yield Finding(Mark.WRONG, "configuration", f"{path} can be changed by every user of this machine: run `chmod o-w {path}`", 1)
    load_config(path)
    yield _ok("configuration", f"{path} is complete")


def _look_at_policy(operator: Operator, inboxes: Iterable[Inbox], today: date) -> Iterator[Finding]:
    policy = load_policy(operator.policy)
    warnings = len(warnings_of(policy, today))
    if warnings:
        yield _note("policy", f"{policy.name} can be used; {warnings} warnings: read them with `mailbot policy check {operator.policy}`")
    else:
        yield _ok("policy", f"{policy.name} can be used")
    watched = {address.lower() for inbox in inboxes for address in (inbox.address, *inbox.aliases)}
    for address in policy.inboxes:
        if watched and address.lower() not in watched:  # without a whole configuration none is known
            yield _note("policy", f"it names {address}, which no [[inbox]] has as its address or among its aliases")


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
        yield _note(
            "calendar", f"which days are moved in {years} is not known: list them in operator.calendar_overrides as they are ordered"
        )
    else:
        yield _ok("calendar", f"moved days are known for {today.year} and {today.year + 1}")


def _look_at_clock(operator: Operator, now: datetime) -> Finding:
    here = now.astimezone(ZoneInfo(operator.timezone))
    return _ok("clock", f"it is {here:%d.%m.%Y %H:%M} in {operator.timezone} (UTC{here:%z})")


def _look_at_store(store: Store, inboxes: Iterable[Inbox], now: datetime) -> Iterator[Finding]:
    if _is_to_be_made(store.url):
        yield _look_at_place(_file_of(store.url))
        return
    database = open_database(store.url)
    try:
        if file := _file_of(store.url):
            yield from _look_at_modes(file)
        with database.write() as tx:
            renew_lease(tx, "check", "nobody", now)  # needs the right to write, and finds nothing to write
            cursors = [cursor_of(tx, inbox.address, inbox.folder) for inbox in inboxes]
        yield _ok("store", f"{database.address} has schema {SCHEMA} and can be written")
    finally:
        database.close()
    passes = [cursor.last_pass_at for cursor in cursors if cursor and cursor.last_pass_at]
    if passes and max(passes) > now:
        yield Finding(Mark.WRONG, "clock", f"it stands before the last pass over an inbox ({max(passes):%d.%m.%Y %H:%M} UTC): set it", 1)


def _look_at_modes(file: Path) -> Iterator[Finding]:
    if file.stat().st_mode & stat.S_IRWXO:
        yield Finding(Mark.WRONG, "store", f"{file} is open to every user of this machine: run `chmod 600 {file}*`", 1)
    folder = file.absolute().parent
    if folder.stat().st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH:
        yield Finding(Mark.WRONG, "store", f"every user of this machine can replace what lies in {folder}: run `chmod o-w {folder}`", 1)


def _look_at_place(file: Path | None) -> Finding:
    if file is None or os.access(file.parent, os.W_OK | os.X_OK):
        return _note("store", "it is not there yet; the first run makes it")
    reason = "can be written by nobody here" if file.parent.exists() else "does not exist"
    return Finding(Mark.WRONG, "store", f"store.url: the folder {file.parent} {reason}; make it, owned by the service's user", 78)


def _is_to_be_made(url: str) -> bool:
    """Tell whether opening the store would make it."""
    try:
        address = make_url(url)
        if address.get_backend_name() == "sqlite":
            file = _file_of(url)
            return file is not None and file.stat().st_size == 0
        database = Database(create_engine(address))
    except FileNotFoundError:
        return True
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, OSError):
        return False  # what is wrong with it is told by opening it
    try:
        with database.read() as tx:
            return not inspect(tx).get_table_names()
    finally:
        database.close()


def _file_of(url: str) -> Path | None:
    address = make_url(url)
    return Path(address.database) if address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:") else None


# --- the servers -----------------------------------------------------------------------------------------------------
def _look_at_inbox(part: str, inbox: Inbox) -> Iterator[Finding]:
    password = read_secret(inbox.password_file, inbox.password_credential)
    yield _ok(part, "its password is read, and closed to others")
    with _opened(inbox, password) as mailbox:
        yield _ok(part, f"{_line_to(inbox)}, logged in as configured; the folder {inbox.folder} holds {mailbox.exists} messages")
        for alert in mailbox.alerts:
            yield _note(part, f"the server wants you to read this: {alert}")
        yield from _told(part, _look_at_filing(part, inbox, mailbox))
        yield _ok(
            part, "the server tells of new mail (IDLE)" if mailbox.can_idle() else f"without IDLE: looked into every {inbox.poll_seconds} s"
        )
        yield from _told(part, _look_for_folder(part, "sent_folder", inbox.sent_folder, mailbox))
        yield from _told(part, _look_for_folder(part, "spam_folder", inbox.spam_folder, mailbox))
        yield _look_for_take_in(part, inbox, mailbox)
        yield from _told(part, _look_for_signatures(part, inbox, mailbox))


@contextmanager
def _opened(inbox: Inbox, password: str) -> Iterator[Mailbox]:
    try:
        mailbox = Mailbox(address_of(inbox, password))
    except LoginRefused as refused:
        raise LoginRefused(f"{refused}{_hint(inbox)}") from refused
    try:
        yield mailbox
        mailbox.log_out()
    except BaseException:
        mailbox.abandon()
        raise


def _line_to(server: Server) -> str:
    return f"{server.host}:{server.port} answers " + (
        "on this machine, without TLS" if server.tls == "none" else "over TLS that is verified"
    )


def _hint(server: Server) -> str:
    provider = PROVIDERS.get(server.provider)
    return f"; {server.provider} takes {provider.takes} (docs/providers.md)" if provider else ""


def _look_at_filing(part: str, inbox: Inbox, mailbox: Mailbox) -> Iterator[Finding]:
    mailbox.check_filing(inbox.filing, inbox.filing_name)
    what = f'filing = "{inbox.filing}"'
    yield _ok(part, f"{what}: requests stay where they are" if inbox.filing == "leave" else f"{what}: the server can do it")


def _look_for_folder(part: str, key: str, setting: str, mailbox: Mailbox) -> Iterator[Finding]:
    use = {"sent_folder": "\\Sent", "spam_folder": "\\Junk"}[key]
    if setting == "none":
        yield _ok(part, f"{key}: not looked into, as configured")
    elif name := setting or special_folder(mailbox, use):
        with mailbox.elsewhere(name):
            yield _ok(part, f"{key}: {name} holds {mailbox.exists} messages")
    else:
        yield _note(part, f'{key}: the server marks no folder {use}; write its name, or {key} = "none"')


def _look_for_take_in(part: str, inbox: Inbox, mailbox: Mailbox) -> Finding:
    """Look for the folder into which staff put requests. It is not made here, and mail is read without it."""
    if inbox.take_in_folder == "none":
        return _ok(part, "take_in_folder: not looked into, as configured")
    name = spelt_by_server(mailbox, inbox.take_in_folder)
    try:
        with mailbox.elsewhere(name):
            return _ok(part, f"take_in_folder: {name} holds {mailbox.exists} messages")
    except ConfigurationMistake:
        cure = 'the service makes it if the server lets it; if it is still missing after that, make it by hand, or write "none"'
        return _note(part, f"take_in_folder: there is no folder {name}; {cure}")


def _look_for_signatures(part: str, inbox: Inbox, mailbox: Mailbox) -> Iterator[Finding]:
    """Look under which name the mail server signs what it found out about senders (RFC 8601, 5)."""
    heads = mailbox.envelopes(mailbox.newest(NEWEST)).values()
    topmost = [read_fields(split_head(head.header)[0]).first("authentication-results") for head in heads]
    names = [name for field in topmost if (name := authserv_id_in(field))]
    fitting = sum(is_named(name, inbox.authserv_id) for name in names) if inbox.authserv_id else 0
    if fitting:
        yield _ok(part, f"authserv_id: {inbox.authserv_id} stands on {fitting} of the newest {len(topmost)} messages")
    else:
        yield _note(part, f"authserv_id: {_advice(inbox, topmost, names)}")


def _advice(inbox: Inbox, topmost: Sequence[str], names: Sequence[str]) -> str:
    """Say what to write where nothing fits. A name that stands on few messages is not proposed: senders can write any."""
    least = len(topmost) // 2 + 1
    if not topmost:
        return "no message is there that could show it; check again when there is some mail"
    stands = f"{inbox.authserv_id} stands on none of the newest {len(topmost)} messages" if inbox.authserv_id else "none is configured"
    if name := narrowest_name(names, least):
        return f'{stands}; most bear {name}: if that is your own mail server, write authserv_id = "{name}"'
    if len([field for field in topmost if field]) - len(names) >= least:
        return f"{stands}; your provider writes Authentication-Results without its name, so every sender is unproven"
    return f"{stands}; most bear no Authentication-Results of your mail server, so every sender is unproven"


def _look_at_smtp(smtp: Smtp) -> Iterator[Finding]:
    password = None
    try:
        password = secret_of(smtp) if smtp.user else None
    except ConfigurationMistake as mistake:  # the rest can be tried without a login
        yield from _wrong("smtp", mistake)
    relay = relay_of(smtp, password)
    try:
        offers = asyncio.run(Connection(relay).look())
    except RelayRefusesUs as refused:
        raise RelayRefusesUs(f"{refused}{_hint(smtp)}") from refused
    yield _ok("smtp", f"{_line_to(smtp)}, {'logged in as configured' if password else 'not logged in'}; nothing was sent")
    known = [f"{keyword.upper()} {offers[keyword]}".strip() for keyword in ("size", "8bitmime", "smtputf8") if keyword in offers]
    yield _ok("smtp", f"it offers {', '.join(known)}" if known else "it offers neither SIZE nor 8BITMIME nor SMTPUTF8; letters need none")


def _look_at_sending(smtp: Smtp, inboxes: Iterable[Inbox], limits: Limits | None) -> Iterator[Finding]:
    domain = _domain(smtp.sender)
    if domain in {_domain(inbox.address) for inbox in inboxes}:
        yield _ok("smtp", f"the sender is at {domain}, as the inbox")
    else:
        yield _note("smtp", f"the sender is at {domain}, where no inbox is: see that {domain} lets this relay send (SPF, DKIM)")
    provider = PROVIDERS.get(smtp.provider)
    if provider and provider.letters_a_day and limits and not 0 < limits.letters_an_hour * HOURS_A_DAY <= provider.letters_a_day:
        known = f"{smtp.provider} takes {provider.letters_a_day} letters a day in its smallest plan"
        yield _note("smtp", f"{known}: limits.letters_an_hour = {provider.letters_a_day // HOURS_A_DAY} keeps within that")


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _look_at_staff(staff: Staff) -> Finding:
    if staff.digest_to:
        return _ok("staff", f"addresses that are told what is due at {staff.digest_at}: {len(staff.digest_to)}")
    return _note("staff", "staff.digest_to is empty: nobody is told what is due")


def _look_at_command(part: str, program: str) -> Finding:
    if why_not := why_it_cannot_run(program):
        return Finding(Mark.WRONG, part, f"command: {program} {why_not}: its tasks would wait and be listed in the digest", 1)
    return _ok(part, f"command: {program} is there, and was not run")
