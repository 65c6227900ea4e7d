"""Importing subscribers from CSV: the good lines go in, each refused one is told with its line, its field and why."""

import csv
import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path

from email_validator import EmailNotValidError, validate_email

from mailbot.days import day_in
from mailbot.errors import Problem
from rules.addresses import canonical, mailbox_key
from storage.database import Database
from storage.subscribers import Consent, NewSubscriber, add_subscribers, ids_by_email

COLUMNS = ("email", "phone", "surname", "given_name", "patronymic", "consents", "consent_since", "consent_evidence")
ALSO_CALLED = {
    "e-mail": "email",
    "mail": "email",
    "telephone": "phone",
    "mobile": "phone",
    "last_name": "surname",
    "family_name": "surname",
    "first_name": "given_name",
    "middle_name": "patronymic",
}
"""What other programs call our columns."""
SCOPES = ("informing", "promotion", "publication", "transfer", "cross_border")
LINES_A_BATCH = 500
LONGEST_NAME = 200
LONGEST_EVIDENCE = 200
CHUNK = 1 << 20

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


@dataclass(frozen=True, slots=True)
class _Record:
    """The cells of one person, which may fill several lines; or why they cannot be told apart."""

    line: int
    last_line: int
    cells: dict[str, str]
    broken: str = ""


def count_lines(path: Path) -> int:
    """Count the lines of a file that is UTF-8 to its end; one that is not is refused before anybody of it is on file."""
    decoder, lines, read = getincrementaldecoder("utf-8")(), 0, 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            begun = len(decoder.getstate()[0])  # bytes of a character that the last chunk cut in two
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                place = read - begun + error.start
                raise UnusableFile(f"the file is not UTF-8 text (byte {place}); save it as UTF-8. Nobody was put on file") from None
            if not chunk:
                return lines
            lines, read = lines + chunk.count(b"\n"), read + len(chunk)


def import_subscribers(
    database: Database, path: Path, now: datetime, today: date, refuse: Callable[[Refusal], None], advance: Callable[[int], None]
) -> Imported:
    """Put the people of a CSV file on file, a batch a transaction; an address already on file is refused, not changed.

    ``advance`` is told the line that was reached.
    """
    added = refused = 0
    with path.open("r", encoding="utf-8-sig", newline="") as file:
        records = _records(file)
        while batch := list(islice(records, LINES_A_BATCH)):
            people, refusals = _checked(batch, today)
            with database.write() as tx:
                on_file = ids_by_email(tx, [key for _, person in people for kind, _, key in person.contacts if kind == "email"])
                fresh, again = _not_on_file(people, set(on_file))
                add_subscribers(tx, fresh, "import", now)
            for refusal in sorted(refusals + again, key=lambda each: each.line):
                refuse(refusal)
            added, refused = added + len(fresh), refused + len(refusals) + len(again)
            advance(batch[-1].last_line)
    return Imported(added, refused)


def _records(file: Iterator[str]) -> Iterator[_Record]:
    """Yield the records under the first line, which names the columns."""
    first = next(file, "")
    delimiter = max(",;\t", key=first.count)
    titles = _titles(next(csv.reader([first], delimiter=delimiter), []))
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 2
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            yield _Record(line, reader.line_num + 1, {}, _what_is_broken(error, line, reader.line_num + 1))
            continue
        too_many = "" if not any(cells[len(titles) :]) else f"it has {len(cells)} cells and the first line {len(titles)}"
        if any(cells):
            yield _Record(line, reader.line_num + 1, dict(zip(titles, cells, strict=False)), too_many)


def _titles(cells: Sequence[str]) -> list[str]:
    plain = [title.strip().lower().replace(" ", "_") for title in cells]
    titles = [ALSO_CALLED.get(title, title) for title in plain]
    known = f"known columns are {', '.join(COLUMNS)}"
    if not any(titles):
        raise UnusableFile(f"the file is empty, or its first line is; the first line must name the columns; {known}")
    if unknown := [title for title in titles if title not in COLUMNS]:
        wrong = f"it has the unknown columns {', '.join(unknown)}"
    elif len(set(titles)) < len(titles):
        wrong = "it names one twice"
    elif "email" not in titles:
        wrong = "it has no column email"
    else:
        return titles
    raise UnusableFile(f"the first line must name the columns, and {wrong}; {known}")


def _what_is_broken(error: csv.Error, line: int, last_line: int) -> str:
    if "unexpected end" in str(error):
        return "a quotation mark is opened and never closed; nothing after it was read"
    until = f", up to line {last_line}" if last_line > line else ""
    return f"the quotation marks do not fit{until}: {error}"


def _checked(batch: Sequence[_Record], today: date) -> tuple[list[tuple[int, NewSubscriber]], list[Refusal]]:
    people: list[tuple[int, NewSubscriber]] = []
    refusals: list[Refusal] = []
    for record in batch:
        if record.broken:
            refusals.append(Refusal(record.line, "cells", record.broken))
            continue
        try:
            people.append((record.line, _person(record.cells, today)))
        except _Refused as reason:
            refusals.append(Refusal(record.line, reason.field, reason.why))
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
    if (canonical(text) or "").rpartition("@")[0] != (canonical(address) or "").rpartition("@")[0]:
        raise _Refused("email", "has a letter that looks like another one before the @; write the address as its owner does")  # H47
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
    if len(evidence) > LONGEST_EVIDENCE or not evidence.isprintable():
        raise _Refused("consent_evidence", f"is longer than {LONGEST_EVIDENCE} letters or holds unprintable ones")
    try:
        day = day_in(since) if since else today
    except ValueError as mistake:
        raise _Refused("consent_since", str(mistake)) from mistake
    if day > today:
        raise _Refused("consent_since", "lies in the future")
    return tuple(Consent(scope, day, None, evidence or None) for scope in scopes)
