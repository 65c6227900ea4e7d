"""Importing subscribers from CSV: the good lines go in, each refused one is told with its line, its field and why."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path

from email_validator import EmailNotValidError, validate_email

from mailbot.errors import Problem
from rules.addresses import mailbox_key
from storage.database import Database
from storage.subscribers import Consent, NewSubscriber, add_subscribers, ids_by_email

COLUMNS = ("email", "phone", "surname", "given_name", "patronymic", "consents", "consent_since", "consent_evidence")
SCOPES = ("informing", "promotion", "publication", "transfer", "cross_border")
LINES_A_BATCH = 500
LONGEST_NAME = 200

_NOT_DIGITS = re.compile(r"[\s().-]+")
_PHONE = re.compile(r"\+\d{7,15}")


class UnusableFile(Problem):
    """The file as a whole cannot be imported."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one line was not imported."""

    line: int
    field: str
    why: str


@dataclass(frozen=True, slots=True)
class Imported:
    """How an import ended."""

    added: int
    refused: int


class _Refused(Exception):
    def __init__(self, field: str, why: str) -> None:
        self.field, self.why = field, why


def import_subscribers(
    database: Database, path: Path, now: datetime, today: date, refuse: Callable[[Refusal], None], advance: Callable[[int], None]
) -> Imported:
    """Put the people of a CSV file on file, a batch a transaction; an address already on file is refused, not changed."""
    added = refused = 0
    with path.open("r", encoding="utf-8-sig", newline="", errors="strict") as file:
        rows = _rows(file)
        while batch := list(islice(rows, LINES_A_BATCH)):
            people, refusals = _checked(batch, today)
            with database.write() as tx:
                on_file = ids_by_email(tx, [key for _, person in people for kind, _, key in person.contacts if kind == "email"])
                fresh, again = _not_on_file(people, set(on_file))
                add_subscribers(tx, fresh, "import", now)
            for refusal in sorted(refusals + again, key=lambda each: each.line):
                refuse(refusal)
            added, refused = added + len(fresh), refused + len(refusals) + len(again)
            advance(len(batch))
    return Imported(added, refused)


def _rows(file: Iterator[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each line with its number; complain of a file that is not what it should be."""
    try:
        first = next(file, "")
        delimiter = max(",;\t", key=first.count)
        titles = [title.strip().lower() for title in next(csv.reader([first], delimiter=delimiter), [])]
        unknown = [title for title in titles if title not in COLUMNS]
        if "email" not in titles or unknown:
            wrong = f"it has the unknown columns {', '.join(unknown)}" if unknown else "it has no column email"
            raise UnusableFile(f"the first line must name the columns, and {wrong}; known columns are {', '.join(COLUMNS)}")
        reader = csv.reader(file, delimiter=delimiter)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num + 1, dict(zip(titles, (cell.strip() for cell in cells), strict=False))
    except UnicodeDecodeError as error:
        raise UnusableFile(f"the file is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except csv.Error as error:
        raise UnusableFile(f"the file is not CSV: {error}") from error


def _checked(batch: Sequence[tuple[int, dict[str, str]]], today: date) -> tuple[list[tuple[int, NewSubscriber]], list[Refusal]]:
    people: list[tuple[int, NewSubscriber]] = []
    refusals: list[Refusal] = []
    for line, cells in batch:
        try:
            people.append((line, _person(cells, today)))
        except _Refused as reason:
            refusals.append(Refusal(line, reason.field, reason.why))
    return people, refusals


def _not_on_file(people: Sequence[tuple[int, NewSubscriber]], taken: set[str]) -> tuple[list[NewSubscriber], list[Refusal]]:
    fresh: list[NewSubscriber] = []
    again: list[Refusal] = []
    for line, person in people:
        key = next(key for kind, _, key in person.contacts if kind == "email")
        if key in taken:
            again.append(Refusal(line, "email", "this address is on file already"))
            continue
        taken.add(key)
        fresh.append(person)
    return fresh, again


def _person(cells: dict[str, str], today: date) -> NewSubscriber:
    contacts = [_email(cells.get("email", ""))]
    if phone := cells.get("phone", ""):
        contacts.append(_phone(phone))
    names = {field: _name(field, cells[field]) for field in ("surname", "given_name", "patronymic") if cells.get(field)}
    return NewSubscriber(names, tuple(contacts), _consents(cells, today))


def _email(text: str) -> tuple[str, str, str]:
    try:
        address = validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise _Refused("email", str(error).rstrip(".").lower() if text else "is empty") from error
    return "email", address, mailbox_key(address)


def _phone(text: str) -> tuple[str, str, str]:
    """Write a phone as + and digits; in Kazakhstan a leading 8, or ten digits, is +7."""
    digits = _NOT_DIGITS.sub("", text)
    if re.fullmatch(r"8\d{10}", digits):
        digits = "+7" + digits[1:]
    elif re.fullmatch(r"7\d{9}", digits):
        digits = "+7" + digits
    elif re.fullmatch(r"7\d{10}", digits):
        digits = "+" + digits
    if not _PHONE.fullmatch(digits):
        raise _Refused("phone", "is not a phone number; write +7 700 000 00 00")
    return "phone", digits, digits


def _name(field: str, text: str) -> str:
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise _Refused(field, f"is longer than {LONGEST_NAME} letters or holds unprintable ones")
    return text


def _consents(cells: dict[str, str], today: date) -> tuple[Consent, ...]:
    scopes = [scope.strip() for scope in cells.get("consents", "").split("+") if scope.strip()]
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise _Refused("consents", f"{unknown[0]} is no scope; scopes are {', '.join(SCOPES)}, several joined by +")
    since, evidence = cells.get("consent_since", ""), cells.get("consent_evidence", "")
    if "promotion" in scopes and not evidence:
        raise _Refused("consent_evidence", "is empty, and promotion needs a consent that can be shown")
    try:
        day = date.fromisoformat(since) if since else today
    except ValueError as error:
        raise _Refused("consent_since", "is not a day; write 2026-11-25") from error
    return tuple(Consent(scope, day, None, evidence or None) for scope in scopes)
