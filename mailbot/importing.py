"""Importing subscribers from CSV: the good lines go in, each refused one is told with its line, its field and why.

Suppressions and destructions win: whoever wants no messages gets none, and whoever was destroyed is not brought back.
"""

import csv
import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from email_validator import EmailNotValidError, validate_email

from mailbot.days import day_in
from mailbot.errors import Problem
from rules.addresses import canonical, mailbox_key
from rules.fingerprint import Keys
from storage.amendments import former_addresses
from storage.database import Database
from storage.evidence import keys_of
from storage.subscribers import (
    SCOPES,
    Consent,
    Destruction,
    NewSubscriber,
    add_subscribers,
    destroyed_among,
    ids_by_email,
    suppressed_among,
)

TOLD_OF_CONSENT = ("consent_evidence", "consent_text_version", "consent_source", "consent_legal_ground", "consent_recipients")
COLUMNS = (
    *("email", "phone", "surname", "given_name", "patronymic", "consents", "consent_since", "consent_expires_on"),
    *TOLD_OF_CONSENT,
)
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
UTF_8, WINDOWS_1251, KZ_1048, AUTO = "utf-8", "windows-1251", "kz-1048", "auto"
LINES_A_BATCH = 500
LONGEST_TOLD = 200
CHUNK = 1 << 20

_NOT_DIGITS = re.compile(r"[\s().-]+")
_NOT_KAZAKH = frozenset("ЌќЋћЈјЅѕ")  # Serbian and Macedonian, where KZ-1048 has Қ қ Һ һ Ә ә Ң ң
_PHONE = re.compile(r"\+\d{7,15}")


class UnusableFile(Problem):
    """The file as a whole cannot be imported."""


class _Undecodable(UnusableFile):
    def __init__(self, encoding: str, place: int, *, is_plain_before: bool) -> None:
        self.is_plain_before = is_plain_before
        cure = "save it as UTF-8" + (f", or say what it is: --encoding {WINDOWS_1251}" if encoding == UTF_8 else "")
        super().__init__(f"the file is not {encoding} text (byte {place}); {cure}. Nobody was put on file")


@dataclass(frozen=True, slots=True)
class Terms:
    """What the file is and what is done with it. Titles are those of its first line."""

    now: datetime
    zone: ZoneInfo
    encoding: str = UTF_8
    called: Mapping[str, str] = field(default_factory=dict)  # their title → ours
    ignored: Sequence[str] = ()
    again: bool = False  # who was destroyed goes in where a later consent is shown
    dry_run: bool = False

    @property
    def today(self) -> date:
        """Return the operator's day."""
        return self.now.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file is written in, and how many lines it has."""

    encoding: str
    lines: int


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
    suppressed: int = 0  # of those added: nothing is sent to them


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


@dataclass(frozen=True, slots=True)
class _Line:
    """A person whom a line names, and the day of a consent that it shows with evidence."""

    number: int
    person: NewSubscriber
    consented_on: date | None

    @property
    def key(self) -> str:
        return next(key for kind, _, key in self.person.contacts if kind == "email")


def survey(path: Path, encoding: str = AUTO) -> Survey:
    """Read a file to its end; one that is not what it is said to be is refused before anybody of it is on file.

    Left to itself, it is UTF-8, else windows-1251. What begins as UTF-8 and is not to its end is damaged, and nobody guesses.
    """
    if encoding != AUTO:
        return Survey(encoding, _count_lines(path, encoding))
    try:
        return Survey(UTF_8, _count_lines(path, UTF_8))
    except _Undecodable as mistake:
        if not mistake.is_plain_before:
            raise
        return Survey(WINDOWS_1251, _count_lines(path, WINDOWS_1251))


def _count_lines(path: Path, encoding: str) -> int:
    decoder, lines, read, is_plain = getincrementaldecoder(encoding)(), 0, 0, True
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            begun = len(decoder.getstate()[0])  # bytes of a character that the last chunk cut in two
            try:
                is_plain &= decoder.decode(chunk, final=not chunk).isascii()
            except UnicodeDecodeError as error:
                is_plain &= error.object[: error.start].isascii()
                raise _Undecodable(encoding, read - begun + error.start, is_plain_before=is_plain) from None
            if not chunk:
                return lines
            lines, read = lines + chunk.count(b"\n"), read + len(chunk)


def import_subscribers(
    database: Database, path: Path, terms: Terms, refuse: Callable[[Refusal], None], advance: Callable[[int], None]
) -> Imported:
    """Put the people of a CSV file on file, a batch a transaction; an address already on file is refused, not changed.

    ``advance`` is told the line that was reached. A dry run only remembers the addresses that it would have put on file.
    """
    added = refused = suppressed = 0
    rehearsed: set[str] = set()
    with database.write() as tx:
        keys, former = keys_of(tx), former_addresses(tx)
    with path.open("r", encoding="utf-8-sig" if terms.encoding == UTF_8 else terms.encoding, newline="") as file:
        records = _records(file, terms)
        while batch := list(islice(records, LINES_A_BATCH)):
            lines, refusals = _checked(batch, terms)
            with database.read() if terms.dry_run else database.write() as tx:
                known = _Known(
                    taken={line.key for line in lines} & rehearsed | set(ids_by_email(tx, [line.key for line in lines])),
                    destroyed=destroyed_among(tx, [keys.of_address(line.key) for line in lines]),
                    former=former,
                )
                fresh, not_taken = _admitted(lines, known, keys, terms)
                suppressed += len(suppressed_among(tx, [keys.of_address(line.key) for line in fresh]))
                if terms.dry_run:
                    rehearsed.update(line.key for line in fresh)
                else:
                    add_subscribers(tx, [line.person for line in fresh], "import", terms.now)
            for refusal in sorted(refusals + not_taken, key=lambda each: each.line):
                refuse(refusal)
            added, refused = added + len(fresh), refused + len(refusals) + len(not_taken)
            advance(batch[-1].last_line)
    return Imported(added, refused, suppressed)


def _records(file: Iterator[str], terms: Terms) -> Iterator[_Record]:
    """Yield the records under the first line, which names the columns."""
    first = next(file, "")
    delimiter = max(",;\t", key=first.count)
    titles = _titles(next(csv.reader([first], delimiter=delimiter), []), terms)
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


def _titles(cells: Sequence[str], terms: Terms) -> list[str]:
    """Return our name of each column; one that is left out has none."""
    plain = [_plain(title) for title in cells]
    called = (
        ALSO_CALLED | {_plain(theirs): ours for theirs, ours in terms.called.items()} | {_plain(theirs): "" for theirs in terms.ignored}
    )
    titles = [called.get(title, title) for title in plain]
    ours = [title for title in titles if title]
    known = f"known columns are {', '.join(COLUMNS)}"
    if not any(plain):
        raise UnusableFile(f"the file is empty, or its first line is; the first line must name the columns; {known}")
    if absent := [title for title in (*terms.called, *terms.ignored) if _plain(title) not in plain]:
        raise UnusableFile(f"the first line has no column {', '.join(absent)}, which --map or --ignore names; it has {', '.join(plain)}")
    if unknown := [title for title in ours if title not in COLUMNS]:
        cure = f'(--map "{unknown[0]}=COLUMN" says what one is, --ignore "{unknown[0]}" leaves it out)'
        wrong = f"it has the unknown columns {', '.join(unknown)} {cure}"
    elif len(set(ours)) < len(ours):
        wrong = "it names one twice"
    elif "email" not in ours:
        wrong = "it has no column email"
    else:
        return titles
    raise UnusableFile(f"the first line must name the columns, and {wrong}; {known}")


def _plain(title: str) -> str:
    return title.strip().lower().replace(" ", "_")


def _what_is_broken(error: csv.Error, line: int, last_line: int) -> str:
    if "unexpected end" in str(error):
        return "a quotation mark is opened and never closed; nothing after it was read"
    until = f", up to line {last_line}" if last_line > line else ""
    return f"the quotation marks do not fit{until}: {error}"


def _checked(batch: Sequence[_Record], terms: Terms) -> tuple[list[_Line], list[Refusal]]:
    lines: list[_Line] = []
    refusals: list[Refusal] = []
    for record in batch:
        if record.broken:
            refusals.append(Refusal(record.line, "cells", record.broken))
            continue
        try:
            person = _person(record.cells, terms)
        except _Refused as reason:
            refusals.append(Refusal(record.line, reason.field, reason.why))
            continue
        shown = next((each.since for each in person.consents if each.evidence and record.cells.get("consent_since")), None)
        lines.append(_Line(record.line, person, shown))
    return lines, refusals


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store knows of the addresses of a batch: which are on file or were, and whose data were destroyed."""

    taken: set[str]
    destroyed: Mapping[bytes, Destruction]
    former: Mapping[str, datetime]
    """In whose place people on file have others by now: with the old one they would be on file twice, and what they stopped forgotten."""


def _admitted(lines: Sequence[_Line], known: _Known, keys: Keys, terms: Terms) -> tuple[list[_Line], list[Refusal]]:
    fresh: list[_Line] = []
    refusals: list[Refusal] = []
    for line in lines:
        destruction = known.destroyed.get(keys.of_address(line.key))
        if line.key in known.taken:
            refusals.append(Refusal(line.number, "email", "this address is on file already"))
        elif line.key in known.former:
            day = known.former[line.key].astimezone(terms.zone).date()
            refusals.append(Refusal(line.number, "email", f"was changed to another address on {day}"))
        elif destruction is not None and (why := _why_not_again(line, destruction, terms)):
            refusals.append(Refusal(line.number, "email", why))
        else:
            known.taken.add(line.key)
            fresh.append(line)
    return fresh, refusals


def _why_not_again(line: _Line, destruction: Destruction, terms: Terms) -> str:
    """Say why a person whose data were destroyed stays away; "" where a consent of a later day is shown."""
    day = destruction.at.astimezone(terms.zone).date()
    if terms.again and line.consented_on is not None and line.consented_on > day:
        return ""
    why = f"was {destruction.how} on {day}" + (" at the person's request" if destruction.reference else "")
    return f"{why}; --again takes only who consented after that day: consents, consent_since, consent_evidence" if terms.again else why


def _person(cells: dict[str, str], terms: Terms) -> NewSubscriber:
    contacts = [_email(cells.get("email", ""))]
    if phone := cells.get("phone", ""):
        contacts.append(_phone(phone))
    names = {field: _name(field, cells[field], terms.encoding) for field in ("surname", "given_name", "patronymic") if cells.get(field)}
    return NewSubscriber(names, tuple(contacts), _consents(cells, terms.today))


def _name(field: str, text: str, encoding: str) -> str:
    """Return a name as it is; a spreadsheet writes "?" for what windows-1251 lacks, and KZ-1048 has other letters in the same places."""
    if "?" in text or (encoding == WINDOWS_1251 and not _NOT_KAZAKH.isdisjoint(text)):
        raise _Refused(field, f"has lost its Kazakh letters; save the file as UTF-8, or say --encoding {KZ_1048} if that is what it is")
    return _told(field, text)


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


def _consents(cells: dict[str, str], today: date) -> tuple[Consent, ...]:
    scopes = [scope.strip() for scope in cells.get("consents", "").split("+") if scope.strip()]
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise _Refused("consents", f"{unknown[0]} is no scope; scopes are {', '.join(SCOPES)}, several joined by +")
    told = {name: _told(name, cells.get(name, "")) for name in TOLD_OF_CONSENT}
    if "promotion" in scopes and not told["consent_evidence"]:
        raise _Refused("consent_evidence", "is empty, and promotion needs a consent that can be shown")
    since, expires_on = _day("consent_since", cells) or today, _day("consent_expires_on", cells)
    if since > today:
        raise _Refused("consent_since", "lies in the future")
    if expires_on is not None and expires_on < since:
        raise _Refused("consent_expires_on", "lies before consent_since")
    evidence, text_version, source, legal_ground, recipients = (told[name] or None for name in TOLD_OF_CONSENT)
    return tuple(Consent(scope, since, None, evidence, expires_on, text_version, source, legal_ground, recipients) for scope in scopes)


def _told(field: str, text: str) -> str:
    if len(text) > LONGEST_TOLD or not text.isprintable():
        raise _Refused(field, f"is longer than {LONGEST_TOLD} letters or holds unprintable ones")
    return text


def _day(field: str, cells: dict[str, str]) -> date | None:
    try:
        return day_in(cells[field]) if cells.get(field) else None
    except ValueError as mistake:
        raise _Refused(field, str(mistake)) from mistake
