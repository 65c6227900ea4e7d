"""What is kept of the messages that matter, and the secret of the keyed hashes."""

from contextlib import closing
from pathlib import Path

from sqlalchemy import select

from rules.message import Attachment, read
from storage import evidence
from storage.database import Database, open_database
from storage.evidence import KeptMessage, keys_of
from storage.tables import receipts
from tests.storage.stock import INBOX, NOW, a_receipt

MAIL = Path(__file__).parents[1] / "mail"
FIRST = "2026-00001-A"


def test_a_store_has_one_secret_for_ever(store_url: str) -> None:
    hashes = []
    for _ in range(2):
        with closing(open_database(store_url)) as database:
            hashes += [hash_in(database), hash_in(database)]
    assert 1 == len(set(hashes))


def test_two_stores_have_two_secrets(tmp_path: Path) -> None:
    hashes = set()
    for name in ("first", "second"):
        with closing(open_database(f"sqlite:///{tmp_path}/{name}.db")) as database:
            hashes.add(hash_in(database))
    assert 2 == len(hashes)


def hash_in(database: Database) -> bytes:
    """Return the store's hash of an address."""
    with database.write() as tx:
        return keys_of(tx).of_address("person@example.com")


def test_the_header_of_a_request_is_that_of_the_message_that_opened_it(store: Database) -> None:
    with store.write() as tx:
        evidence.keep(tx, [a_receipt(9, header=b"other"), a_receipt(3, header=bytes(range(256)), reference=FIRST)])
        evidence.keep(tx, [a_receipt(1, header=b"follow-up", reference=FIRST)])
    with store.read() as tx:
        assert (bytes(range(256)), None) == (evidence.header_of(tx, FIRST), evidence.header_of(tx, "2026-00002-B"))


def test_a_message_is_kept_as_it_came(store: Database) -> None:
    attachments = (Attachment("договор.pdf", "application/pdf", 123, "ab" * 32), Attachment("", "image/png", 0, "cd" * 32))
    with store.write() as tx:
        evidence.keep(tx, [a_receipt(1, text="Құрметті офицер 🙂", attachments=attachments, raw=b"\0\xff")])
        evidence.keep(tx, [])
        row = tx.execute(select(receipts)).one()
    assert ("Құрметті офицер 🙂", b"\0\xff") == (row.text, row.raw)
    assert attachments == tuple(Attachment(**each) for each in row.attachments)


def test_what_is_kept_at_a_place_is_read_and_forgotten_there_alone(store: Database) -> None:
    with store.write() as tx:
        evidence.keep(tx, [a_receipt(1, raw=b"\0\xff"), a_receipt(2, raw=b""), a_receipt(3)])
        one, two = KeptMessage(NOW, a_receipt(1).header, a_receipt(1).text, ()), INBOX.place(2)
        assert (one, b"\0\xff") == (evidence.message_at(tx, INBOX.place(1)), evidence.raw_at(tx, INBOX.place(1)))
        assert [None, None] == [evidence.raw_at(tx, place) for place in (two, INBOX.place(3))]
        evidence.forget(tx, two)
        assert (None, one) == (evidence.message_at(tx, two), evidence.message_at(tx, INBOX.place(1)))
        evidence.keep(tx, [a_receipt(2)])


def test_h97_every_odd_message_can_be_kept(store: Database) -> None:
    paths = sorted(MAIL.glob("*.eml"))
    messages = [read(path.read_bytes()) for path in paths]
    kept = [a_receipt(uid, text=message.text, attachments=message.attachments) for uid, message in enumerate(messages)]
    with store.write() as tx:
        evidence.keep(tx, kept)
    with store.read() as tx:
        texts = tx.execute(select(receipts.c.text).order_by(receipts.c.uid)).scalars()
        assert {path.name: message.text for path, message in zip(paths, messages, strict=True)} == dict(
            zip((path.name for path in paths), texts, strict=True)
        )
