"""What is on file of people, and to whom nothing is sent, as rows for other programs and for spreadsheets."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, TextIO

from sqlalchemy import Connection

from storage.amendments import Amendment, amendments_of
from storage.subscribers import Consent, Stop, Subscriber, everybody, suppressed_people

BYTE_ORDER_MARK = "\ufeff"
"""Without it a spreadsheet takes UTF-8 for windows-1251."""

CELLS = ("surname", "given_name", "patronymic", "more", "emails", "phones", "consents", "since", "suppressed", "blocked_at", "legal_hold")
HISTORY_CELLS = ("contacts", "amendments")
STOP_CELLS = ("address", "scope", "since", "reference", "lifted")

_A_FORMULA_BEGINS, _BLANKS = ("=", "+", "-", "@"), ("\t", "\r")


def people(tx: Connection, today: date, *, with_history: bool) -> Iterator[dict[str, object]]:
    """Yield everybody on file; with history also ended consents, where each contact comes from, and every change."""
    for page in everybody(tx):
        owners = [person.id for person in page]
        stopped = suppressed_people(tx, owners)
        changes = amendments_of(tx, owners) if with_history else {}
        for person in page:
            row = {"suppressed": person.id in stopped, **person_row(person)}
            if with_history:
                row |= history_row(person, changes.get(person.id, ()))
            else:
                row["consents"] = [asdict(each) for each in person.consents if _runs(each, today)]
            yield row


def person_row(person: Subscriber) -> dict[str, object]:
    """Return what is on file of a person now."""
    return {
        **person.names,
        "more": dict(person.more),
        "emails": [each.value for each in person.contacts if each.kind == "email"],
        "phones": [each.value for each in person.contacts if each.kind == "phone"],
        "consents": [asdict(each) for each in person.consents],
        "since": person.since,
        "blocked_at": person.blocked_at,
        "legal_hold": person.legal_hold,
    }


def history_row(person: Subscriber, changes: Sequence[Amendment]) -> dict[str, object]:
    """Return where what is on file comes from, and how it changed."""
    return {"contacts": [asdict(each) for each in person.contacts], "amendments": [asdict(each) for each in changes]}


def stop_row(stop: Stop) -> dict[str, object]:
    """Return what is not sent to whom, as a mailing tool takes it."""
    return {"address": stop.address, "scope": stop.scope, "since": stop.since, "reference": stop.reference, "lifted": stop.lifted_at}


def addresses(stopped: Iterable[Stop]) -> Iterator[str]:
    """Yield each address to which something is not sent, once; the stops of an address stand together."""
    last = b""
    for stop in stopped:
        if stop.lifted_at is None and stop.address_key != last:
            yield stop.address
            last = stop.address_key


def write_csv(file: TextIO, titles: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows under their titles, a line each."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(titles)
    writer.writerows([_cell(row.get(title)) for title in titles] for row in rows)


def write_spreadsheet(file: TextIO, titles: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write CSV for people: what a spreadsheet would take for a formula begins with an apostrophe (CWE-1236)."""
    file.write(BYTE_ORDER_MARK)
    write_csv(file, titles, ({title: guarded(_cell(row.get(title))) for title in titles} for row in rows))


def guarded(cell: str) -> str:
    """Return a cell that no spreadsheet computes."""
    return f"'{cell}" if cell.startswith(_BLANKS) or cell.lstrip().startswith(_A_FORMULA_BEGINS) else cell


def in_words(value: object) -> str:
    """Return what stands in a row as people read it: each field that says something, with its name."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case {"scope": scope, "since": since, **more}:
            return " ".join([f"{scope} since {since}", *_named(more)])
        case {"kind": _, "value": shown, **more}:
            return " ".join([str(shown), *_named(more)])
        case {"field": field, "old": old, "new": new, **more}:
            return " ".join([f"{field}: {old or '-'} → {new or '-'}", *_named(more)])
        case dict():
            return "; ".join(f"{name}: {in_words(each)}" for name, each in value.items())
        case list():
            return "; ".join(map(in_words, value))
        case _:
            return str(value)


def _named(more: Mapping[Any, object]) -> Iterator[str]:
    return (f"{name.replace('_', ' ')} {value}" for name, value in more.items() if value is not None)


def _cell(value: object) -> str:
    return "".join(letter if letter.isprintable() or letter == "\t" else " " for letter in in_words(value))


def _runs(consent: Consent, today: date) -> bool:
    return (consent.until is None or consent.until > today) and (consent.expires_on is None or consent.expires_on >= today)
