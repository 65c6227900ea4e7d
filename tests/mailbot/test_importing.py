"""Putting people on file from CSV: what goes in, what is refused and how that is told."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from mailbot import importing
from mailbot.days import day_in
from mailbot.importing import Imported, Refusal, Survey, Terms, UnusableFile, import_subscribers, survey
from rules.addresses import mailbox_key
from storage import subscribers
from storage.database import Database, open_database
from storage.evidence import keys_of
from storage.subscribers import Consent, Contact, Subscriber
from storage.tables import contacts
from tests.servers import Postgresql

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
TERMS = Terms(NOW, ZoneInfo("Asia/Almaty"))
KNOWN = f"known columns are {', '.join(importing.COLUMNS)}"


CURE = '(--map "post=COLUMN" says what one is, --ignore "post" leaves it out)'


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path}/mailbot.db")
    yield opened
    opened.close()


def put(database: Database, folder: Path, text: str | bytes) -> tuple[Imported, list[Refusal]]:
    file = folder / "people.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    survey(file, "utf-8")
    refusals: list[Refusal] = []
    return import_subscribers(database, file, TERMS, refusals.append, lambda _line: None), refusals


def refused(database: Database, folder: Path, text: str) -> list[tuple[int, str, str]]:
    return [(each.line, each.field, each.why) for each in put(database, folder, text)[1]]


def found(database: Database, address: str) -> Subscriber:
    with database.read() as tx:
        person = subscribers.find_subscriber(tx, address)
    assert person is not None
    return person


def addresses(database: Database) -> list[str]:
    with database.read() as tx:
        return list(tx.execute(select(contacts.c.value).where(contacts.c.kind == "email").order_by(contacts.c.id)).scalars())


def test_columns_are_known_by_what_other_programs_call_them(database: Database, tmp_path: Path) -> None:
    done, _ = put(database, tmp_path, "E-mail;Last Name;First name;Mobile\ndina@example.com;Үлгі;Дина;+7 700 000 00 01\n")
    assert Imported(added=1, refused=0) == done
    person = found(database, "dina@example.com")
    assert {"surname": "Үлгі", "given_name": "Дина"} == person.names
    assert ["dina@example.com", "+77000000001"] == [each.value for each in person.contacts]


def test_a_person_is_put_on_file_with_all_that_the_line_says(database: Database, tmp_path: Path) -> None:
    text = (
        "email,phone,surname,given_name,patronymic,consents,consent_since,consent_evidence\n"
        "aigul@example.com,8 (700) 000-12-34,Әбілқызы,Айгүл,Серікқызы,informing+promotion,2026-01-31,form 17\n"
    )
    assert (Imported(1, 0), []) == put(database, tmp_path, text)
    person = found(database, "aigul@example.com")
    assert {"surname": "Әбілқызы", "given_name": "Айгүл", "patronymic": "Серікқызы"} == person.names
    assert (Contact("email", "aigul@example.com", "import", NOW), Contact("phone", "+77000001234", "import", NOW)) == person.contacts
    since = date(2026, 1, 31)
    assert (Consent("informing", since, None, "form 17"), Consent("promotion", since, None, "form 17")) == person.consents


def test_good_lines_go_in_and_each_refused_one_is_told_with_line_field_and_why(database: Database, tmp_path: Path) -> None:
    text = """email,phone,surname,consents,consent_since,consent_evidence
one@example.com,,,,,
,,,,,
   ,,Nameless,,,
two@example.com,12,,,,
three@example.com,,,spam,,
four@example.com,,,promotion,,
five@example.com,,,informing,31.02.2026,
six@example.com,,,informing,2027-01-01,
seven@example.com,,,,,,eighth cell
nine@example.com,,,informing,31.10.2026,
"""
    result, refusals = put(database, tmp_path, text)
    assert Imported(2, 7) == result
    assert [
        (4, "email", "is empty"),
        (5, "phone", "is not a phone number; write +7 700 000 00 00"),
        (6, "consents", "spam is no scope; scopes are informing, promotion, publication, transfer, cross_border, several joined by +"),
        (7, "consent_evidence", "is empty, and promotion needs a consent that can be shown"),
        (8, "consent_since", "is not a day; write 2026-11-25 or 25.11.2026"),
        (9, "consent_since", "lies in the future"),
        (10, "cells", "it has 7 cells and the first line 6"),
    ] == [(each.line, each.field, each.why) for each in refusals]
    assert ["one@example.com", "nine@example.com"] == addresses(database)


@pytest.mark.parametrize("address", ["aigul", "a b@example.com", "a@b@example.com", "a@-", "a@example.com\x1b[31m", "@example.com"])
def test_what_is_no_address_is_refused(database: Database, tmp_path: Path, address: str) -> None:
    ((line, field, _),) = refused(database, tmp_path, f"email\n{address}\n")
    assert (2, "email") == (line, field)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("+7 700 000 12 34", "+77000001234"),
        ("8-700-000-12-34", "+77000001234"),
        ("7000001234", "+77000001234"),
        ("77000001234", "+77000001234"),
        ("+44 20 7946 0000", "+442079460000"),
    ],
)
def test_a_phone_is_kept_as_plus_and_digits(database: Database, tmp_path: Path, written: str, kept: str) -> None:
    put(database, tmp_path, f"email;phone\none@example.com;{written}\n")
    assert kept == found(database, "one@example.com").contacts[1].value


@pytest.mark.parametrize("column", ["surname", "given_name", "patronymic", "consent_evidence"])
@pytest.mark.parametrize("text", ["x" * 201, "a\x07b"])
def test_what_the_store_cannot_hold_is_refused(database: Database, tmp_path: Path, column: str, text: str) -> None:
    assert [(2, column, "is longer than 200 letters or holds unprintable ones")] == refused(
        database, tmp_path, f"email,{column}\none@example.com,{text}\n"
    )


def test_an_address_is_put_on_file_once_however_it_is_spelt(database: Database, tmp_path: Path) -> None:
    again = "this address is on file already"
    assert [(3, "email", again)] == refused(database, tmp_path, "email,surname\none@example.com,First\nONE@Example.COM,Second\n")
    assert [(2, "email", again)] == refused(database, tmp_path, "email,surname\none@example.com,Third\n")
    assert {"surname": "First"} == found(database, "one@example.com").names


def test_a_repetition_is_found_in_another_batch(database: Database, tmp_path: Path) -> None:
    lines = [f"p{number}@example.com" for number in range(importing.LINES_A_BATCH)]
    result, refusals = put(database, tmp_path, "\n".join(["email", *lines, lines[0]]))
    assert (Imported(importing.LINES_A_BATCH, 1), [importing.LINES_A_BATCH + 2]) == (result, [each.line for each in refusals])


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
def test_spreadsheets_write_csv_in_many_ways(database: Database, tmp_path: Path, delimiter: str, line_end: str, mark: bytes) -> None:
    rows = [["Email", " surname "], ["one@example.com", '"Family, of; many"'], ["two@example.com", ""]]
    text = line_end.join(delimiter.join(cells) for cells in rows)
    assert (Imported(2, 0), []) == put(database, tmp_path, mark + text.encode())
    assert {"surname": "Family, of; many"} == found(database, "one@example.com").names


def test_quotes_over_lines_keep_the_count_of_lines(database: Database, tmp_path: Path) -> None:
    """A refused record is named by the line it begins in, and what stands after it is not lost."""
    text = 'email,surname\none@example.com,"two\nlines"\ntwo@example.com,B\nbad,C\n"three@example.com",D\n'
    assert [(2, "surname"), (5, "email")] == [(line, field) for line, field, _ in refused(database, tmp_path, text)]
    assert ["two@example.com", "three@example.com"] == addresses(database)


def test_quotation_marks_that_do_not_fit_cost_one_line(database: Database, tmp_path: Path) -> None:
    text = 'email,surname\none@example.com,"A"b\ntwo@example.com,B\n'
    ((line, field, why),) = refused(database, tmp_path, text)
    assert (2, "cells") == (line, field)
    assert why.startswith("the quotation marks do not fit: ")
    assert ["two@example.com"] == addresses(database)


def test_a_quotation_mark_that_is_never_closed_is_told_and_not_passed_over(database: Database, tmp_path: Path) -> None:
    text = 'email,surname\none@example.com,A\ntwo@example.com,"B\nthree@example.com,C\n'
    assert [(3, "cells", "a quotation mark is opened and never closed; nothing after it was read")] == refused(database, tmp_path, text)
    assert ["one@example.com"] == addresses(database)


def test_a_quotation_mark_open_over_half_the_file_names_the_lines_it_swallowed(database: Database, tmp_path: Path) -> None:
    lines = [f"p{number}@example.com,{'x' * 190}" for number in range(700)]  # csv gives a cell up at 131 072 characters
    result, refusals = put(database, tmp_path, "\n".join(["email,surname", 'one@example.com,"A', *lines]))
    (refusal,) = refusals
    last = int(refusal.why.partition("up to line ")[2].partition(":")[0])
    assert (2, len(lines) + 2 - last) == (refusal.line, result.added)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", f"the file is empty, or its first line is; the first line must name the columns; {KNOWN}"),
        ("\n\none@example.com", f"the file is empty, or its first line is; the first line must name the columns; {KNOWN}"),
        ("surname\n", f"the first line must name the columns, and it has no column email; {KNOWN}"),
        ("email,post\n", f"the first line must name the columns, and it has the unknown columns post {CURE}; {KNOWN}"),
        ("email,e-mail\n", f"the first line must name the columns, and it names one twice; {KNOWN}"),
        ("email,Email\n", f"the first line must name the columns, and it names one twice; {KNOWN}"),
    ],
)
def test_a_file_whose_first_line_does_not_name_the_columns_is_told(database: Database, tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UnusableFile) as unusable:
        put(database, tmp_path, text)
    assert told == str(unusable.value)


def test_a_file_with_columns_and_nobody_puts_nobody_on_file(database: Database, tmp_path: Path) -> None:
    assert (Imported(0, 0), []) == put(database, tmp_path, "email,surname\n\n,\n")


def test_a_file_that_is_not_utf_8_somewhere_puts_nobody_on_file(database: Database, tmp_path: Path) -> None:
    lines = "".join(f"p{number}@example.com,\n" for number in range(2 * importing.LINES_A_BATCH))
    with pytest.raises(UnusableFile, match=r"is not utf-8 text \(byte .*; save it as UTF-8, .*\. Nobody was put on file"):
        put(database, tmp_path, f"email,surname\n{lines}last@example.com,Серик\n".encode("cp1251"))
    assert [] == addresses(database)


@pytest.mark.parametrize("end", [b"\xd0", b"\xff"])
def test_a_character_cut_off_at_the_end_is_not_utf_8(tmp_path: Path, end: bytes) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(b"email\n" + end)
    with pytest.raises(UnusableFile, match="byte 6"):
        survey(file, "utf-8")


def test_a_character_across_two_chunks_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(b"x" * (importing.CHUNK - 1) + "ә\n".encode())
    assert Survey("utf-8", 1) == survey(file)


def test_who_asked_for_no_messages_stays_without_them_after_an_import(database: Database, tmp_path: Path) -> None:
    with database.write() as tx:
        key = keys_of(tx).of_address(mailbox_key("one@example.com"))
        subscribers.stop_messages(tx, {"2026-00001-A": key}, NOW)
    put(database, tmp_path, "email,consents,consent_evidence\nONE@example.com,promotion,form\n")
    with database.read() as tx:
        assert NOW == subscribers.suppressed_since(tx, key)


def test_progress_ends_at_the_last_line(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("email\n" + "".join(f"p{number}@example.com\n" for number in range(1200)), encoding="utf-8")
    reached: list[int] = []
    import_subscribers(database, file, TERMS, lambda _refusal: None, reached.append)
    assert (sorted(reached), 1201) == (reached, reached[-1])
    assert Survey("utf-8", 1201) == survey(file)


def test_postgresql_takes_the_same_file(postgresql: Postgresql, tmp_path: Path) -> None:
    database = open_database(postgresql.fresh_database())
    text = "email,phone,surname,consents,consent_evidence\n" + "".join(
        f"p{number}@example.com,+7 700 000 00 00,{'ә' * 200},promotion,{'ы' * 200}\n" for number in range(600)
    )
    assert (Imported(600, 0), []) == put(database, tmp_path, text)
    with database.read() as tx:
        assert 1200 == tx.execute(select(func.count()).select_from(contacts)).scalar()
    database.close()


@pytest.mark.parametrize("text", ["2026-11-25", "25.11.2026"])
def test_a_day_is_read_in_both_orders_people_use(text: str) -> None:
    assert date(2026, 11, 25) == day_in(text)


@pytest.mark.parametrize("text", ["", "20261125", "2026-W48-3", "11/25/2026", "25.11.26", "2026-11-31", "٢٠٢٦-11-25", "2026-11-25 "])
def test_what_is_not_surely_a_day_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a day; write 2026-11-25 or 25\.11\.2026"):
        day_in(text)


def test_h47_an_address_with_a_look_alike_letter_is_nobody_elses(database: Database, tmp_path: Path) -> None:
    """The Kelvin sign would become K, and K@ is another person (CVE-2019-19844)."""
    (line,) = refused(database, tmp_path, "email\n\u212a@kelvin.example\nK@kelvin.example\n")
    assert (2, "email") == line[:2]
    assert ["K@kelvin.example"] == addresses(database)


@pytest.mark.parametrize(("encoding", "surname"), [("utf-8", "?асымова"), ("windows-1251", "Ќасымова"), ("windows-1251", "Јбенова")])
def test_a_name_that_lost_its_kazakh_letters_is_refused(database: Database, tmp_path: Path, encoding: str, surname: str) -> None:
    """A spreadsheet writes Қ as ? into windows-1251; a file in KZ-1048 that is read as windows-1251 has Ќ there."""
    file = tmp_path / "people.csv"
    file.write_bytes(f"email,surname\naigul@example.com,{surname}\n".encode(encoding))
    refusals: list[Refusal] = []
    import_subscribers(database, file, replace(TERMS, encoding=encoding), refusals.append, lambda _line: None)
    why = "has lost its Kazakh letters; save the file as UTF-8, or say --encoding kz-1048 if that is what it is"
    assert [Refusal(2, "surname", why)] == refusals


def test_a_file_in_the_kazakh_alphabet_of_one_byte_is_read_when_it_is_named(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes("email,surname\naigul@example.com,Қасымова\n".encode("kz-1048"))
    refusals: list[Refusal] = []
    import_subscribers(database, file, replace(TERMS, encoding=survey(file, "kz-1048").encoding), refusals.append, lambda _line: None)
    assert [] == refusals
    assert {"surname": "Қасымова"} == found(database, "aigul@example.com").names


def test_a_name_in_utf_8_may_have_the_letters_of_any_people(database: Database, tmp_path: Path) -> None:
    assert [] == refused(database, tmp_path, "email,surname\njovan@example.com,Јовановић\n")
