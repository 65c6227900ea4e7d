"""Taking in again what was set aside, from the bytes that were kept: the same way as every other message, on each engine (H22)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from mailbot import held
from mailbot.arrival import fingerprint_of, read_arrival
from mailbot.config import load_config
from mailbot.corrections import PUT_THERE
from mailbot.desk import Desk, set_up_desk
from mailbot.held import NotReadAgain, NotSetAside
from mailbot.imap import Address
from mailbot.intake import take_in
from mailbot.watch import address_of
from rules.message import read_header
from rules.place import Cursor
from rules.vocabulary import Outcome
from storage import evidence, ledger, outbox, register, tables
from tests.conftest import write_config
from tests.scenarios.outside import ordinary, request
from tests.servers import Postgresql

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
RECEIVED = datetime(2026, 11, 16, 20, 0, tzinfo=UTC)  # the 17th in Almaty
FOLDER = Cursor("info@alit.kz", "INBOX", uidvalidity=1, last_uid=0, start_at=RECEIVED)
ME = "staff:dana"
ENGINES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))


@pytest.fixture(params=ENGINES)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """Return a desk at which it is always ``NOW``, with a new store on each engine."""
    url = f"sqlite:///{tmp_path}/mailbot.db"
    if request.param == "postgresql":
        server: Postgresql = request.getfixturevalue("postgresql")
        url = server.fresh_database()
    desk = set_up_desk(load_config(write_config(tmp_path, imap_port=1, smtp_port=1, store={"url": url})), lambda: NOW)
    yield desk
    desk.database.close()


def set_aside(desk: Desk, raw: bytes, uid: int = 3, received: datetime = RECEIVED) -> int:
    """Set a message aside as a round does: its bytes are kept, and nothing of it is read."""
    arrival = read_arrival(desk, FOLDER.place(uid), received, len(raw), raw, read_header(b""), frozenset())
    arrival.raw, arrival.shunt_reason = raw, "could_not_be_read"
    with desk.database.write() as tx:
        ledger.record_pending(tx, FOLDER, take_in(tx, [arrival], desk, NOW, file_at_once=False), NOW)
        (row,) = [aside.row for aside in ledger.set_aside(tx) if aside.place.uid == uid]
    return row


def forbid_second_request(desk: Desk) -> str:
    """Make every request but the first trip us, as a bug of ours would; return what takes that back."""
    run(desk, "CREATE UNIQUE INDEX only_one ON requests (policy)")
    return "DROP INDEX only_one"


def run(desk: Desk, statement: str) -> None:
    with desk.database.write() as tx:
        tx.execute(text(statement))


def retry(desk: Desk, row: int) -> ledger.Entry:
    return held.retry(desk, (), row, ME)


def test_h22_a_message_read_again_is_a_request_of_the_day_it_was_received(desk: Desk) -> None:
    entry = retry(desk, set_aside(desk, request("aigerim")))
    assert (Outcome.REQUEST, RECEIVED, FOLDER.place(3)) == (entry.outcome, entry.received_at, entry.place)
    with desk.database.read() as tx:
        (opened,) = register.list_requests(tx)
        (letter,) = outbox.list_letters(tx)
        (kept,) = evidence.messages_of(tx, opened.reference)
        history = [(event.what, event.who) for event in register.history_of(tx, opened.reference)]
    assert ("aigerim@example.com", "2026-11-17") == (opened.sender, str(opened.received_on))
    assert (opened.reference, opened.reference) == (entry.reference, letter.reference)
    assert "Please act on this. aigerim" in (kept.text or "")
    assert ("read_again", ME) in history


def test_h78_what_was_set_aside_among_spam_is_read_again_as_spam(desk: Desk, tmp_path: Path) -> None:
    inbox = load_config(tmp_path / "config.toml").inbox[0].model_copy(update={"folder": "Requests"})
    entry = held.retry(desk, [(inbox, address_of(inbox, "unused"))], set_aside(desk, request("aigerim")), ME)
    with desk.database.read() as tx:
        (opened,) = register.list_requests(tx)
        assert (Outcome.REQUEST, True, ()) == (entry.outcome, "taken_for_spam" in opened.flags, outbox.list_letters(tx))


def test_what_staff_put_into_their_folder_is_read_again_as_put_there(desk: Desk, tmp_path: Path) -> None:
    inbox = load_config(tmp_path / "config.toml").inbox[0].model_copy(update={"folder": "Requests", "take_in_folder": "mailbot/INBOX"})
    entry = held.retry(desk, [(inbox, address_of(inbox, "unused"))], set_aside(desk, ordinary("invoice")), ME)
    with desk.database.read() as tx:
        (opened,) = register.list_requests(tx)
    assert (Outcome.HELD, PUT_THERE, ()) == (entry.outcome, opened.reason, opened.flags)


def test_h22_what_is_taken_in_is_off_the_list_and_cannot_be_taken_in_twice(desk: Desk) -> None:
    row = set_aside(desk, request("aigerim"))
    retry(desk, row)
    with pytest.raises(NotSetAside, match=f"there is no m{row} among what was set aside"):
        retry(desk, row)
    with desk.database.read() as tx:
        assert ((), 1, 1) == (ledger.set_aside(tx), len(register.list_requests(tx)), len(outbox.list_letters(tx)))


def test_h21_of_two_people_who_take_it_in_at_once_one_does(desk: Desk) -> None:
    """The other one is quicker: between our look at the list and our transaction."""
    row = set_aside(desk, request("aigerim"))
    others = [lambda: retry(desk, row)]

    def now() -> datetime:
        while others:
            others.pop()()
        return NOW

    with pytest.raises(NotSetAside):
        retry(replace(desk, now=now), row)
    with desk.database.read() as tx:
        assert (1, 1) == (len(register.list_requests(tx)), len(ledger.notes_on(tx, row)))


def test_h22_what_trips_again_stays_as_it_was_and_is_read_when_the_bug_is_mended(desk: Desk) -> None:
    retry(desk, set_aside(desk, request("aigerim")))
    row, mend = set_aside(desk, request("bolat"), uid=4), forbid_second_request(desk)
    with pytest.raises(NotReadAgain, match=rf"^m{row} trips mailbot again \(IntegrityError, \w+\.py:\d+\) and stays set aside") as tripped:
        retry(desk, row)
    assert "bolat" not in str(tripped.value)
    with desk.database.read() as tx:
        (aside,) = ledger.set_aside(tx)
        assert (row, request("bolat"), ()) == (aside.row, evidence.raw_at(tx, aside.place), ledger.notes_on(tx, row))
    run(desk, mend)
    assert Outcome.REQUEST is retry(desk, row).outcome


def test_a_copy_of_what_was_taken_in_meanwhile_is_a_duplicate_and_is_not_answered(desk: Desk) -> None:
    """As when the folder was renumbered, and the message came again under its new number."""
    first, second = (set_aside(desk, request("aigerim"), uid) for uid in (3, 4))
    assert [Outcome.REQUEST, Outcome.DUPLICATE] == [retry(desk, row).outcome for row in (first, second)]
    with desk.database.read() as tx:
        assert 1 == len(outbox.list_letters(tx))


def test_i4_of_ordinary_mail_nothing_stays_but_its_line(desk: Desk) -> None:
    row = set_aside(desk, ordinary("firm"))
    assert (Outcome.ORDINARY, None) == ((entry := retry(desk, row)).outcome, entry.reference)
    with desk.database.read() as tx:
        assert None is evidence.message_at(tx, FOLDER.place(3))
        assert [("read_again", ME)] == [(note.what, note.who) for note in ledger.notes_on(tx, row)]


def test_h9_old_mail_is_registered_and_not_acknowledged(desk: Desk) -> None:
    retry(desk, set_aside(desk, request("aigerim"), received=NOW - timedelta(days=14)))
    with desk.database.read() as tx:
        (opened,) = register.list_requests(tx)
        assert (True, ()) == ("too_old" in opened.flags, outbox.list_letters(tx))


def test_what_was_settled_by_mistake_can_still_be_read(desk: Desk) -> None:
    row = set_aside(desk, request("aigerim"))
    with desk.database.write() as tx:
        ledger.settle_set_aside(tx, row, ME, "the wrong number", NOW)
    assert Outcome.REQUEST is retry(desk, row).outcome


def test_h3_what_was_read_again_is_known_when_the_folder_is_renumbered(desk: Desk) -> None:
    """When it was set aside, nothing of it was read, and so its fingerprint said nothing."""
    entry = retry(desk, set_aside(desk, request("aigerim")))
    with desk.database.read() as tx:
        of_row = tx.execute(select(tables.ledger.c.fingerprint)).scalar_one()
    whole = read_arrival(desk, FOLDER.place(9), RECEIVED, len(request("aigerim")), b"", read_header(request("aigerim")), frozenset())
    assert fingerprint_of(desk, whole) == entry.fingerprint == of_row


def test_h19_it_is_filed_away_as_every_other_message(desk: Desk, tmp_path: Path) -> None:
    filing = {"filing": "keyword", "filing_name": "Mailbot"}
    (inbox,) = load_config(write_config(tmp_path, imap_port=1, smtp_port=1, inbox=filing)).inbox
    row = set_aside(desk, request("aigerim"))
    held.retry(desk, [(inbox, Address("127.0.0.1", 1, "none", None, "info", "pw", "INBOX", 1.0))], row, ME)
    with desk.database.read() as tx:
        assert [row] == [each.row for each in ledger.filing_due(tx, FOLDER)]


def test_what_was_not_kept_and_cannot_be_fetched_stays_on_the_list(desk: Desk) -> None:
    row = set_aside(desk, b"")
    with pytest.raises(NotReadAgain, match=r"the configuration names info@alit\.kz no more"):
        retry(desk, row)
    with desk.database.read() as tx:
        assert [row] == [aside.row for aside in ledger.set_aside(tx)]
