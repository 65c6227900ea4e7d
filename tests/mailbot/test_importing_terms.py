"""What an import is told besides the file: its encoding, what its columns are, what is left out, and who may come back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, insert, select

from mailbot.importing import COLUMNS, LINES_A_BATCH, Imported, Survey, Terms, UnusableFile, import_subscribers, survey
from rules.details_change import Change, Field
from storage import amendments, destruction, subscribers
from storage.amendments import Behind
from storage.database import Database, open_database
from storage.evidence import keys_of
from storage.subscribers import Consent, Subscriber
from storage.tables import contacts, destructions
from storage.tables import subscribers as people

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
TERMS = Terms(NOW, ZoneInfo("Asia/Almaty"))
DESTROYED_AT = datetime(2026, 3, 1, 20, tzinfo=UTC)  # it is the 2nd in Almaty
WAS = "was destroyed on 2026-03-02"
ASKED = f"{WAS} at the person's request"
AGAIN = "; --again takes only who consented after that day: consents, consent_since, consent_evidence"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path}/mailbot.db")
    yield opened
    opened.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def put(database: Database, file: Path, text: str, terms: Terms = TERMS) -> tuple[Imported, list[tuple[int, str, str]]]:
    file.write_bytes(text.encode(terms.encoding))
    refusals: list[tuple[int, str, str]] = []
    done = import_subscribers(database, file, terms, lambda each: refusals.append((each.line, each.field, each.why)), lambda _line: None)
    return done, refusals


def found(database: Database, address: str) -> Subscriber:
    with database.read() as tx:
        person = subscribers.find_subscriber(tx, address)
    assert person is not None
    return person


def destroy(database: Database, address: str, reference: str | None = "2026-00001-A", how: str = "destroyed") -> None:
    """Write down that a person was destroyed, as a destruction does."""
    with database.write() as tx:
        key = keys_of(tx).of_address(address)
        tx.execute(insert(destructions).values(address_key=key, at=DESTROYED_AT, how=how, reference=reference))


def moved(database: Database, old: str, new: str) -> None:
    """Put another address in the place of a person's."""
    with database.write() as tx:
        owner = subscribers.ids_by_email(tx, [old])[old]
        amendments.amend(tx, owner, [Change(Field.EMAIL, old, new)], Behind(DESTROYED_AT, "officer", "by telephone"))


# --- encodings ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("written", "chosen", "read_as"),
    [
        ("email\nодин\n".encode(), "auto", "utf-8"),
        ("\ufeffemail\nодин\n".encode(), "auto", "utf-8"),
        ("email\nодин\n".encode("cp1251"), "auto", "windows-1251"),
        ("email\nодин\n".encode("cp1251"), "windows-1251", "windows-1251"),
        ("email\nодин\n".encode(), "utf-8", "utf-8"),
    ],
)
def test_a_file_is_utf_8_if_it_is_to_its_end_and_else_windows_1251(file: Path, written: bytes, chosen: str, read_as: str) -> None:
    file.write_bytes(written)
    assert Survey(read_as, 2) == survey(file, chosen)


@pytest.mark.parametrize("encoding", ["auto", "utf-8"])
def test_a_damaged_utf_8_file_is_not_taken_for_windows_1251(file: Path, encoding: str) -> None:
    """Read as windows-1251 its names would be put on file as rubbish, and nobody would see it."""
    file.write_bytes("email,surname\none@example.com,Үлгі\n".encode() + b"\xff")
    with pytest.raises(UnusableFile, match=r"is not utf-8 text \(byte 39\); .* say what it is: --encoding windows-1251\. Nobody was put"):
        survey(file, encoding)


def test_what_is_not_windows_1251_either_is_refused(file: Path) -> None:
    file.write_bytes(b"email\n\xcf\xf0\x98\n")
    with pytest.raises(UnusableFile, match=r"is not windows-1251 text \(byte 8\); save it as UTF-8\. Nobody"):
        survey(file)


def test_names_in_windows_1251_are_read_as_they_are(database: Database, file: Path) -> None:
    terms = replace(TERMS, encoding="windows-1251")
    assert (Imported(1, 0), []) == put(database, file, "email;surname\none@example.com;Серикова\n", terms)
    assert {"surname": "Серикова"} == found(database, "one@example.com").names


# --- columns -----------------------------------------------------------------------------------------------------------
def test_their_columns_are_what_the_order_says_and_others_are_left_out(database: Database, file: Path) -> None:
    terms = replace(TERMS, called={"Электронная почта": "email", "Name": "surname"}, ignored=("Номер карты", "Phone"))
    text = "Электронная Почта;NAME;номер карты;phone\none@example.com;Үлгі;17;no phone\n"
    assert (Imported(1, 0), []) == put(database, file, text, terms)
    person = found(database, "one@example.com")
    assert ({"surname": "Үлгі"}, 1) == (person.names, len(person.contacts))


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        (
            replace(TERMS, called={"Почта": "email"}),
            "the first line has no column Почта, which --map or --ignore names; it has email, post",
        ),
        (replace(TERMS, ignored=("Card",)), "the first line has no column Card, which --map or --ignore names; it has email, post"),
        (
            replace(TERMS, called={"post": "email"}),
            f"the first line must name the columns, and it names one twice; known columns are {', '.join(COLUMNS)}",
        ),
        (
            replace(TERMS, ignored=("post", "email")),
            f"the first line must name the columns, and it has no column email; known columns are {', '.join(COLUMNS)}",
        ),
    ],
    ids=["mapped", "ignored", "twice", "no email"],
)
def test_a_column_that_is_not_there_or_twice_is_told(database: Database, file: Path, terms: Terms, told: str) -> None:
    with pytest.raises(UnusableFile) as unusable:
        put(database, file, "email,post\none@example.com,x\n", terms)
    assert told == str(unusable.value)


def test_all_that_is_told_of_a_consent_goes_on_file(database: Database, file: Path) -> None:
    titles = "email,consents,consent_since,consent_expires_on,consent_evidence,consent_text_version"
    titles += ",consent_source,consent_legal_ground,consent_recipients"
    line = "one@example.com,transfer,2026-01-31,31.12.2027,form,v3,site,art. 7,ТОО"
    assert (Imported(1, 0), []) == put(database, file, f"{titles}\n{line}\n")
    told = Consent("transfer", date(2026, 1, 31), None, "form", date(2027, 12, 31), "v3", "site", "art. 7", "ТОО")
    assert (told,) == found(database, "one@example.com").consents


@pytest.mark.parametrize(
    ("field", "cell", "why"),
    [
        ("consent_expires_on", "2026-01-30", "lies before consent_since"),
        ("consent_expires_on", "soon", "is not a day; write 2026-11-25 or 25.11.2026"),
        ("consent_source", "x" * 201, "is longer than 200 letters or holds unprintable ones"),
        ("consent_text_version", "a\x07", "is longer than 200 letters or holds unprintable ones"),
    ],
    ids=["before it began", "no day", "too long", "unprintable"],
)
def test_what_is_wrong_about_a_consent_is_told_with_its_field(database: Database, file: Path, field: str, cell: str, why: str) -> None:
    text = f"email,consents,consent_since,{field}\none@example.com,informing,2026-01-31,{cell}\n"
    assert (Imported(0, 1), [(2, field, why)]) == put(database, file, text)


# --- a dry run ---------------------------------------------------------------------------------------------------------
def test_a_dry_run_tells_what_an_import_would_do_and_puts_nobody_on_file(database: Database, file: Path) -> None:
    put(database, file, "email\nold@example.com\n")
    destroy(database, "gone@example.com")
    lines = [f"p{number}@example.com" for number in range(LINES_A_BATCH)]
    text = "\n".join(["email", "old@example.com", "gone@example.com", "no address", *lines, lines[0]])
    rehearsed = put(database, file, text, replace(TERMS, dry_run=True))
    with database.read() as tx:
        assert (
            1
            == tx.execute(select(func.count()).select_from(contacts)).scalar()
            == tx.execute(select(func.count()).select_from(people)).scalar()
        )
    assert Imported(LINES_A_BATCH, 4) == rehearsed[0]
    assert rehearsed == put(database, file, text)


# --- suppressions and destructions win ---------------------------------------------------------------------------------
def test_who_is_suppressed_goes_in_stays_suppressed_and_is_counted(database: Database, file: Path) -> None:
    with database.write() as tx:
        subscribers.stop_messages(tx, {"2026-00001-A": keys_of(tx).of_address("one@example.com")}, NOW)
    text = "email\nONE@example.com\ntwo@example.com\n"
    assert (Imported(2, 0, 1), []) == put(database, file, text, replace(TERMS, dry_run=True))
    assert (Imported(2, 0, 1), []) == put(database, file, text)
    with database.read() as tx:
        assert NOW == subscribers.suppressed_since(tx, keys_of(tx).of_address("one@example.com"))


@pytest.mark.parametrize(
    ("reference", "how", "why"),
    [
        ("2026-00001-A", "destroyed", ASKED),
        (None, "destroyed", WAS),
        ("2026-00001-A", "depersonalised", "was depersonalised on 2026-03-02 at the person's request"),
    ],
)
def test_who_was_destroyed_is_refused_with_the_day(database: Database, file: Path, reference: str | None, how: str, why: str) -> None:
    destroy(database, "gone@example.com", reference, how)
    text = "email,consents,consent_since,consent_evidence\nGONE@example.com,informing,2026-04-01,form 17\n"
    assert (Imported(0, 1), [(2, "email", why)]) == put(database, file, text)


@pytest.mark.parametrize(
    "cells",
    ["informing,2026-03-02,form 17", "informing,,form 17", "informing,2026-04-01,", ",2026-04-01,form 17"],
    ids=["of the day itself", "of no day", "without evidence", "to nothing"],
)
def test_who_was_destroyed_is_refused_again_without_a_later_consent_that_can_be_shown(database: Database, file: Path, cells: str) -> None:
    destroy(database, "gone@example.com")
    text = f"email,consents,consent_since,consent_evidence\ngone@example.com,{cells}\n"
    assert (Imported(0, 1), [(2, "email", ASKED + AGAIN)]) == put(database, file, text, replace(TERMS, again=True))


def test_who_consented_anew_after_the_destruction_comes_back_where_that_is_wanted(database: Database, file: Path) -> None:
    destroy(database, "gone@example.com")
    with database.write() as tx:
        subscribers.stop_messages(tx, {"2026-00001-A": keys_of(tx).of_address("gone@example.com")}, NOW)
    text = "email,consents,consent_since,consent_evidence\ngone@example.com,informing,2026-03-03,form 17\n"
    assert (Imported(1, 0, 1), []) == put(database, file, text, replace(TERMS, again=True))
    assert [date(2026, 3, 3)] == [each.since for each in found(database, "gone@example.com").consents]


def test_h107_an_old_address_does_not_put_a_person_on_file_a_second_time(database: Database, file: Path) -> None:
    text = "email,consents,consent_since\nOld@example.com,informing,2026-01-01\n"
    put(database, file, text)
    moved(database, "old@example.com", "new@example.com")
    assert (Imported(0, 1), [(2, "email", "was changed to another address on 2026-03-02")]) == put(database, file, text)
    with database.write() as tx:
        person = destruction.person_with(tx, "new@example.com")
        destruction.destroy(tx, person, destruction.How.DESTROYED, None, DESTROYED_AT)
    assert (Imported(0, 1), [(2, "email", WAS)]) == put(database, file, text)
