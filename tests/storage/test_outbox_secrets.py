"""What staff answer bears a secret, and the outbox keeps it no longer than such a letter may still go out (H66)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from storage import outbox
from storage.database import Database
from storage.digests import without_secret
from storage.outbox import ClaimedLetter, LetterState, Settlement
from tests.storage.stock import NO_CAPS, NOW, a_letter

HELD = b"Message-ID: <mailbot.digest.0123456789abcdefghjkmnpqrs@alit.kz>\r\nX-Mailbot-Loop: digest\r\n\r\n"
BARE = b"Message-ID: <mailbot.digest.--------------------------@alit.kz>\r\nX-Mailbot-Loop: digest\r\n\r\n"
STORED_ID = "<mailbot.digest.00112233445566778899aabbccddeeff@alit.kz>"

End = Callable[[Connection, ClaimedLetter], object]


@pytest.fixture
def sent(store: Database) -> ClaimedLetter:
    """Return a digest that is about to be transmitted."""
    with store.write() as tx:
        outbox.queue(tx, [a_letter(1, kind="digest", content=HELD, message_id=STORED_ID)], NOW)
        (letter,) = outbox.claim(tx, 1, NO_CAPS, NOW)
        outbox.mark(tx, [letter], NOW)
    return letter


def settled(state: LetterState) -> End:
    return lambda tx, letter: outbox.settle(tx, [Settlement(letter, state, "said the server")], NOW)


def recovered(tx: Connection, _: ClaimedLetter) -> None:
    outbox.recover(tx)


def come_back(tx: Connection, _: ClaimedLetter) -> None:
    outbox.come_back(tx, {STORED_ID: "5.1.1"}, NOW)


def put_off(tx: Connection, letter: ClaimedLetter) -> None:
    outbox.settle(tx, [Settlement(letter, LetterState.QUEUED, "451", NOW + timedelta(hours=1))], NOW)


def dropped(tx: Connection, letter: ClaimedLetter) -> None:
    put_off(tx, letter)
    assert outbox.drop(tx, letter.id, "staff:dana", "it was told by telephone", NOW)


ENDS: dict[str, End] = {
    "accepted": settled(LetterState.ACCEPTED),
    "refused": settled(LetterState.FAILED),
    "no final reply": settled(LetterState.DOUBTFUL),
    "a death": recovered,
    "came back while it was being sent": come_back,
    "dropped": dropped,
}


def kept(store: Database, letter: ClaimedLetter) -> bytes:
    with store.read() as tx:
        return outbox.content_of(tx, letter.id)


@pytest.mark.parametrize("end", ENDS.values(), ids=list(ENDS))
def test_h66_no_secret_stays_in_the_store_once_its_letter_goes_out_no_more(store: Database, sent: ClaimedLetter, end: End) -> None:
    with store.write() as tx:
        end(tx, sent)
    assert BARE == kept(store, sent)


def test_h33_a_digest_that_is_put_off_goes_out_as_it_was_written(store: Database, sent: ClaimedLetter) -> None:
    with store.write() as tx:
        put_off(tx, sent)
    assert HELD == kept(store, sent)


def test_h33_a_digest_that_was_called_doubtful_meanwhile_goes_out_as_it_was_written(store: Database, sent: ClaimedLetter) -> None:
    """Another mailbot took it for lost with its sender, which heard after all that it is to come again."""
    with store.write() as tx:
        recovered(tx, sent)
        put_off(tx, sent)
    assert HELD == kept(store, sent)


def test_h33_a_letter_to_a_person_that_is_in_doubt_keeps_its_code(store: Database) -> None:
    """It may go out again, and whoever gets it is to answer."""
    asking = b"Subject: received\r\n 2026-00001-J\r\n 0123456789abcdefghjkmnpqrs\r\nTo: dana@example.com\r\n\r\n"
    with store.write() as tx:
        outbox.queue(tx, [a_letter(1, content=asking)], NOW)
        (letter,) = outbox.claim(tx, 1, NO_CAPS, NOW)
        outbox.mark(tx, [letter], NOW)
        outbox.recover(tx)
    assert asking == kept(store, letter)


def test_what_has_no_secret_is_without_one_already() -> None:
    assert (BARE, None) == (without_secret(HELD), without_secret(BARE))
