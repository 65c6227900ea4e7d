"""Staff release the answer to an access request: to whom, when, and when not; and how it arrives."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, insert, select, update

from mailbot import staff
from mailbot.access import NotReleasable, Release
from mailbot.config import Retention
from mailbot.desk import Desk
from mailbot.errors import NoSuchRequest
from mailbot.staff import NotPossible
from rules.vocabulary import Language, LetterKind, Outcome, RequestType, Standing, State
from storage import register
from storage.tables import consents, contacts, letters, obligations, receipts, requests, subscribers
from tests.conftest import ConfigFile
from tests.mailbot.register_room import NOW, PERSON, act, arrive, details, history, office, open_desk, put_on_file, still_owed
from tests.mailbot.typing_room import typist
from tests.scenarios.outside import message, requests_in, run_once
from tests.servers import CapturingSmtp, Dovecot

RETENTION = Retention()
PROVEN = Release(proof="rang the number on file")
NOTHING = Release(nothing_is_held=True)
SINCE = datetime(2025, 3, 1, 20, tzinfo=UTC)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(office(tmp_path, systems=("newsletter",))) as desk:
        yield desk


def asked(desk: Desk, sender: str = PERSON, *, confirmed: bool = True, **columns: Any) -> str:
    """Let a person ask for access, and confirm it; ``columns`` change the request's row."""
    reference = arrive(desk, RequestType.ACCESS, sender)
    values: dict[str, Any] = {"state": State.AWAITING_STAFF, "standing": Standing.UNPROVEN, "language": Language.EN, **columns}
    values["confirmed_at"] = NOW if confirmed else None
    with desk.database.write() as tx:
        tx.execute(update(requests).where(requests.c.reference == reference).values(values))
    return reference


def release(desk: Desk, reference: str, order: Release = Release()) -> register.Registered:  # noqa: B008 - frozen
    return act(desk, staff.release, reference, "staff:officer", order, RETENTION)


def answers(desk: Desk) -> list[Row[Any]]:
    """Return the answers that are queued."""
    with desk.database.read() as tx:
        return list(tx.execute(select(letters).where(letters.c.kind == LetterKind.ANSWER).order_by(letters.c.id)))


def read(content: bytes) -> EmailMessage:
    """Read a letter as a stranger's mail client would."""
    message = message_from_bytes(content, _class=EmailMessage, policy=default)
    assert [] == [part.defects for part in message.walk() if part.defects]
    return message


def text_of(desk: Desk) -> str:
    """Return what the person reads in the one answer."""
    (row,) = answers(desk)
    body = read(row.content).get_body(preferencelist=("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def owe_elsewhere(desk: Desk, reference: str) -> None:
    """Let the staff of the newsletter owe an answer too."""
    owed = {"what": "answer", "system": "newsletter", "source": "", "starts": "receipt", "arithmetic": "", "losing": []}
    with desk.database.write() as tx:
        tx.execute(insert(obligations).values(reference=reference, due=date(2026, 11, 25), **owed))


# --- the release --------------------------------------------------------------------------------------------------------
def test_h68_a_release_sends_one_letter_with_what_is_held_to_the_address_on_file(desk: Desk) -> None:
    put_on_file(desk)
    reference = asked(desk)
    after = release(desk, reference)
    (row,) = answers(desk)
    message = read(row.content)
    _, page, values = message.iter_parts()

    assert State.CARRIED_OUT == after.state
    assert (PERSON, False, reference) == (row.recipient, row.capped, row.reference)
    assert (PERSON, None, None) == (message["To"], message["Cc"], message["Bcc"])
    assert [f"{reference}.html", f"{reference}.json"] == [page.get_filename(), values.get_filename()]
    assert PERSON in page.get_content()
    assert [PERSON] == [each["value"] for each in json.loads(values.get_content())["held"]["contacts"]]


def test_the_history_says_who_released_it_and_on_what_it_rests(desk: Desk) -> None:
    put_on_file(desk)
    put_on_file(desk, "berik@example.com")
    reference, other = asked(desk), asked(desk, "berik@example.com", confirmed=False)
    release(desk, reference)
    release(desk, other, PROVEN)

    assert [{"rests_on": "round trip", "held": "sent"}] == details(desk, reference, "released")
    assert [{"rests_on": PROVEN.proof, "held": "sent"}] == details(desk, other, "released")
    with desk.database.read() as tx:
        assert ["staff:officer"] == [each.who for each in register.history_of(tx, reference) if each.what == "released"]


def test_h48_the_letter_goes_to_the_address_as_it_is_stored(desk: Desk) -> None:
    put_on_file(desk, "Aigul@Example.com")
    reference = asked(desk, "AIGUL@EXAMPLE.COM")
    release(desk, reference)

    assert ["Aigul@Example.com"] == [row.recipient for row in answers(desk)]


def test_a_person_with_two_addresses_on_file_gets_one_letter_where_they_wrote_from(desk: Desk) -> None:
    put_on_file(desk)
    with desk.database.write() as tx:
        owner = tx.execute(select(subscribers.c.id)).scalar_one()
        second = {"kind": "email", "value": "second@example.com", "key": "second@example.com", "source": "form", "since": SINCE}
        tx.execute(insert(contacts).values(subscriber_id=owner, **second))
    release(desk, asked(desk))

    assert [PERSON] == [row.recipient for row in answers(desk)]


@pytest.mark.parametrize("hostile", ["aigul@example.com, x@evil.example", "aigul@example.com\r\nBcc: x@evil.example"])
def test_h91_a_stored_value_that_is_two_recipients_gets_no_letter(desk: Desk, hostile: str) -> None:
    put_on_file(desk)
    with desk.database.write() as tx:
        tx.execute(update(contacts).values(value=hostile))
    reference = asked(desk)

    with pytest.raises(NotReleasable, match="no letter can reach"):
        release(desk, reference)
    assert not answers(desk)


def test_h68_nothing_of_another_person_is_in_the_letter(desk: Desk) -> None:
    put_on_file(desk)
    put_on_file(desk, "canary@example.com", ("promotion",))
    with desk.database.write() as tx:
        tx.execute(update(consents).where(consents.c.scope == "promotion").values(evidence="canary"))
    arrive(desk, RequestType.OPT_OUT, "canary@example.com")
    release(desk, asked(desk))
    (row,) = answers(desk)

    assert [] == [part for part in read(row.content).walk() if not part.is_multipart() and "canary" in str(part.get_content())]


def test_h68_data_go_to_nobody_whose_address_is_not_on_file(desk: Desk) -> None:
    reference = asked(desk)

    with pytest.raises(NotReleasable, match=r"not on file.*--nothing"):
        release(desk, reference, PROVEN)
    assert not answers(desk)
    assert "released" not in history(desk, reference)


def test_data_go_out_only_when_the_sender_confirmed_or_staff_say_how_they_made_sure(desk: Desk) -> None:
    put_on_file(desk)
    reference = asked(desk, confirmed=False, standing=Standing.ALIGNED)

    for order in (Release(), Release(proof=" ")):
        with pytest.raises(NotReleasable, match=r"not confirmed.*--proof"):
            release(desk, reference, order)
    assert not answers(desk)
    release(desk, reference, PROVEN)
    assert [PERSON] == [row.recipient for row in answers(desk)]


@pytest.mark.parametrize("order", [PROVEN, NOTHING])
def test_i5_a_sender_whose_authentication_failed_gets_nothing(desk: Desk, order: Release) -> None:
    if order is PROVEN:
        put_on_file(desk)
    reference = asked(desk, standing=Standing.FAILED)

    with pytest.raises(NotReleasable, match="no letter may go to its sender"):
        release(desk, reference, order)
    assert not answers(desk)


def test_i5_a_machine_gets_nothing(desk: Desk) -> None:
    put_on_file(desk)
    reference = asked(desk)
    with desk.database.write() as tx:
        tx.execute(update(receipts).values(header=b"From: aigul@example.com\r\nAuto-Submitted: auto-replied\r\n\r\n"))

    with pytest.raises(NotReleasable, match="no letter may go to its sender"):
        release(desk, reference)


def test_a_mailbox_that_two_people_share_gets_the_data_of_neither(desk: Desk) -> None:
    put_on_file(desk)
    put_on_file(desk)
    reference = asked(desk)

    with pytest.raises(NotReleasable, match="2 people on file share"):
        release(desk, reference, PROVEN)


def test_an_address_that_has_become_somebody_elses_gets_no_data(desk: Desk) -> None:
    put_on_file(desk)
    reference = asked(desk)
    put_on_file(desk, "successor@example.com")
    with desk.database.write() as tx:
        tx.execute(update(contacts).where(contacts.c.value == PERSON).values(key="old@example.com"))
        tx.execute(update(contacts).where(contacts.c.value == "successor@example.com").values(key=PERSON))

    with pytest.raises(NotReleasable, match="belongs to somebody else"):
        release(desk, reference, PROVEN)


def test_a_second_release_is_refused_until_the_request_is_opened_again(desk: Desk) -> None:
    put_on_file(desk)
    reference = asked(desk)
    release(desk, reference)

    with pytest.raises(NotPossible, match="closed"):
        release(desk, reference)
    act(desk, staff.reopen, reference, "staff:officer")
    release(desk, reference)
    assert [PERSON, PERSON] == [row.recipient for row in answers(desk)]
    act(desk, staff.reopen, reference, "staff:officer", what="answer")
    release(desk, reference)
    assert 3 == len({(row.cause, row.kind) for row in answers(desk)})


def test_a_second_release_is_refused_while_another_system_has_still_to_answer(desk: Desk) -> None:
    put_on_file(desk)
    reference = asked(desk)
    owe_elsewhere(desk, reference)
    after = release(desk, reference)
    text = text_of(desk)

    assert State.AWAITING_STAFF == after.state
    assert [("answer", "newsletter")] == still_owed(desk, reference)
    assert "Our other systems hold data of their own." in text
    assert "25 November 2026" in text
    with pytest.raises(NotReleasable, match="released already"):
        release(desk, reference)
    act(desk, staff.reopen, reference, "staff:officer", what="answer", system="staff")
    release(desk, reference)
    assert 2 == len(answers(desk))


@pytest.mark.parametrize("columns", [{"type": RequestType.QUESTION}, {"outcome": Outcome.HELD}])
def test_only_an_access_request_is_answered_by_a_release(desk: Desk, columns: dict[str, Any]) -> None:
    put_on_file(desk)
    reference = asked(desk, **columns)

    with pytest.raises(NotReleasable, match="not an access request"):
        release(desk, reference, PROVEN)


def test_a_reference_that_nobody_has_is_a_mistake(desk: Desk) -> None:
    with pytest.raises(NoSuchRequest):
        release(desk, "2026-00042-K")


def test_words_of_staff_stand_in_the_letter_with_their_numbers_masked(desk: Desk) -> None:
    put_on_file(desk)
    release(desk, asked(desk), Release(note="Your card is 4111 1111 1111 1111."))
    text = text_of(desk)

    assert "\nYour card is …1111.\n" in text


# --- nothing is held ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("columns", [{}, {"confirmed": False, "standing": Standing.ALIGNED}])
def test_a_person_of_whom_nothing_is_held_is_told_so_without_files(desk: Desk, columns: dict[str, Any]) -> None:
    reference = asked(desk, **columns)
    after = release(desk, reference, NOTHING)
    (row,) = answers(desk)
    message = read(row.content)

    assert State.CARRIED_OUT == after.state
    assert (PERSON, "text/plain") == (row.recipient, message.get_content_type())
    assert "found nothing about you" in message.get_content()
    assert ["nothing"] == [each["held"] for each in details(desk, reference, "released")]


def test_nothing_is_held_is_not_said_to_an_unproven_sender(desk: Desk) -> None:
    reference = asked(desk, confirmed=False)

    with pytest.raises(NotReleasable, match="not confirmed"):
        release(desk, reference, NOTHING)
    assert not answers(desk)


def test_nothing_is_held_is_not_said_while_something_is(desk: Desk) -> None:
    put_on_file(desk)
    reference = asked(desk)

    with pytest.raises(NotReleasable, match="something is held"):
        release(desk, reference, NOTHING)


def test_h113_nothing_is_held_is_said_after_every_system_was_looked_in(desk: Desk) -> None:
    reference = asked(desk)
    owe_elsewhere(desk, reference)

    with pytest.raises(NotReleasable, match="newsletter"):
        release(desk, reference, NOTHING)
    act(desk, staff.tick_off, reference, "staff:officer", what="answer", system="newsletter")
    assert State.CARRIED_OUT == release(desk, reference, NOTHING).state
    assert 1 == len(answers(desk))


@pytest.mark.parametrize("language", Language)
def test_the_letter_says_the_same_in_three_languages(desk: Desk, language: Language) -> None:
    put_on_file(desk)
    held = asked(desk, language=language)
    release(desk, held)
    text = text_of(desk)

    assert f"\n{held}.html\n{held}.json\n" in text
    (row,) = answers(desk)
    assert language == read(row.content)["Content-Language"]


# --- as staff type it ---------------------------------------------------------------------------------------------------
def test_what_staff_look_at_is_what_the_person_gets(
    config_file: ConfigFile, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, page, type_ = config_file(), tmp_path / "answer.html", typist(capsys)
    with open_desk(config) as desk:
        put_on_file(desk, "Aigul@example.com")
    dovecot.append(mailbox, message("aigul", "Access to my personal data", "What personal data do you hold about me?"))
    run_once(config)
    (request,) = requests_in(config)
    shown = type_("access", "show", request.reference, "--config", config, "--html", page, "--json")
    refused = type_("access", "release", request.reference, "--config", config)
    released = type_("access", "release", request.reference.lower(), "--config", config, "--proof", "rang the number on file")
    again = type_("access", "release", request.reference, "--config", config, "--proof", "rang the number on file")
    run_once(config)
    _, envelope = smtp.envelopes
    _, enclosed_page, values = read(envelope.content).iter_parts()

    assert [0, 1, 0, 1] == [each.status for each in (shown, refused, released, again)]
    assert "--proof" in refused.err
    assert f"{request.reference}: carried_out" in released.out
    assert ["Aigul@example.com"] == list(envelope.recipients)
    assert page.read_text("utf-8") == enclosed_page.get_content().replace("\r\n", "\n")
    assert json.loads(shown.out.splitlines()[-1]) == json.loads(values.get_content())
    assert 0o600 == page.stat().st_mode & 0o777


def test_the_digest_says_that_the_answer_is_ready_and_holds_none_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, type_ = office(tmp_path), typist(capsys)
    with open_desk(config) as desk:
        put_on_file(desk)
        with desk.database.write() as tx:
            tx.execute(update(subscribers).values(surname="Canary", more={"post": "canary"}))
        reference = asked(desk)
    before = type_("digest", "--config", config).out
    with open_desk(config) as desk:
        release(desk, reference)
    after = type_("digest", "--config", config).out

    told = f"mailbot access show {reference}"
    assert (1, 0) == (" ".join(before.split()).count(told), " ".join(after.split()).count(told))
    assert "canary" not in before.casefold()
