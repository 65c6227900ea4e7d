"""The job of the day, holds, destruction by command, and what the digest tells of them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from mailbot import retention, staff
from mailbot.config import load_config
from mailbot.desk import Desk
from mailbot.digest import digest_order, show_digest
from mailbot.retention import DayDone, NotYet, RetentionOrder, do_the_days_job, follow_up, retention_order, years_before
from rules.addresses import mailbox_key
from rules.vocabulary import Duty, Language, RequestType, State
from storage import amendments, scouring, subscribers
from storage.destruction import How
from storage.subscribers import Consent, NewSubscriber
from storage.tables import destructions, letters, receipts, requests
from tests.mailbot.register_room import (
    NOW,
    PERSON,
    TODAY,
    act,
    arrive,
    consents_left,
    history,
    is_on_file,
    office,
    open_desk,
    person,
    put_on_file,
    request,
    still_owed,
)
from tests.mailbot.typing_room import Type, typist

ORDER = RetentionOrder(closed_requests_years=3, raw_mail_years=1, destroys=True, journal=None)
ONE_DAY = timedelta(days=1)
ME = "staff:test"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return office(tmp_path)


@pytest.fixture
def desk(config: Path) -> Iterator[Desk]:
    with open_desk(config) as desk:
        yield desk


@pytest.fixture
def type_(capsys: pytest.CaptureFixture[str]) -> Type:
    return typist(capsys)


def put(desk: Desk, *consents: Consent, address: str = PERSON) -> None:
    with desk.database.write() as tx:
        new = NewSubscriber({"surname": "Aigulova"}, (("email", address, mailbox_key(address)),), consents)
        subscribers.add_subscribers(tx, [new], "test", desk.now())


def close(desk: Desk, reference: str) -> None:
    """Let a request be over, with its letters accepted."""
    with desk.database.write() as tx:
        tx.execute(update(requests).where(requests.c.reference == reference).values(state=State.CARRIED_OUT, closed_at=desk.now()))
        tx.execute(update(letters).values(state="accepted"))


def day_of(desk: Desk, order: RetentionOrder = ORDER, later: timedelta = timedelta()) -> DayDone | None:
    return do_the_days_job(desk, order, desk.now() + later)


def digest(desk: Desk, config: Path) -> str:
    order = replace(digest_order(load_config(config)), language=Language.EN)
    return " ".join(show_digest(desk, order, desk.now()).text.split())


def owner(desk: Desk) -> int:
    return person(desk).id


# --- the job of the day ----------------------------------------------------------------------------------------------


def test_the_job_is_done_once_a_local_day(desk: Desk) -> None:
    assert DayDone(0, 0, 0, 0) == day_of(desk)
    assert None is day_of(desk)
    local_midnight = datetime(2026, 11, 20, 19, 0, tzinfo=UTC) - NOW
    assert None is day_of(desk, later=local_midnight - timedelta(seconds=1))
    assert DayDone(0, 0, 0, 0) == day_of(desk, later=local_midnight)


@pytest.mark.parametrize(("last_day", "ends"), [(TODAY - ONE_DAY, True), (TODAY, False), (TODAY + ONE_DAY, False), (None, False)])
def test_a_consent_ends_when_its_last_day_is_over(desk: Desk, last_day: date | None, ends: bool) -> None:
    put(desk, Consent("informing", date(2026, 1, 1), expires_on=last_day), Consent("transfer", date(2026, 1, 1)))
    done = day_of(desk)
    assert done is not None
    assert (int(ends), 0) == (done.consents_ended, done.people_destroyed)
    assert (["transfer"] if ends else ["informing", "transfer"]) == consents_left(desk)
    with desk.database.read() as tx:
        lines = amendments.amendments_of(tx, [owner(desk)]).get(owner(desk), [])
    assert ([("consent:informing", "2026-11-20", "the consent expired")] if ends else []) == [(e.field, e.new, e.why) for e in lines]


def test_a_renewed_consent_outlives_the_one_that_expired(desk: Desk) -> None:
    put(desk, Consent("informing", date(2025, 1, 1), expires_on=date(2026, 1, 1)), Consent("informing", date(2026, 1, 1)))
    day_of(desk)
    assert (["informing"], True) == (consents_left(desk), is_on_file(desk))


@pytest.mark.parametrize(("destroys", "left"), [(True, False), (False, True)], ids=["destroy", "ask"])
def test_whose_last_consent_ended_is_destroyed_or_listed_as_configured(desk: Desk, config: Path, destroys: bool, left: bool) -> None:
    put(desk, Consent("informing", date(2026, 1, 1), expires_on=date(2026, 11, 18)))
    put(desk, Consent("informing", date(2026, 1, 1)), address="dana@example.com")
    put(desk, address="nobody.asked@example.com")
    day_of(desk, replace(ORDER, destroys=destroys))
    assert (left, True, True) == (is_on_file(desk), is_on_file(desk, "dana@example.com"), is_on_file(desk, "nobody.asked@example.com"))
    told = digest(desk, config)
    if left:
        assert "The purpose has ended a…@e…e.com, since Thu 19.11.2026" in told
        assert "mailbot store ended" in told
    else:
        assert "Destroyed since the last digest 1 address is no longer held" in told


def test_a_person_depersonalised_once_is_not_listed_again(desk: Desk) -> None:
    put(desk, Consent("informing", date(2026, 1, 1)))
    retention.destroy_by_command(desk, PERSON, ME, "asked", depersonalise=True)
    assert [] == retention.ended_now(desk)


@pytest.mark.parametrize(("word", "how"), [("destroy", How.DESTROYED), ("depersonalise", How.DEPERSONALISED)])
def test_the_configuration_says_how_a_persons_data_end(desk: Desk, config: Path, word: str, how: How) -> None:
    config.write_text(config.read_text("utf-8") + f'[retention]\nended_purpose = "{word}"\n', "utf-8")
    put(desk, Consent("informing", date(2026, 1, 1), until=date(2026, 11, 1)))
    retention.do_the_days_job(desk, retention.retention_order(load_config(config)), desk.now())
    with desk.database.read() as tx:
        assert [how] == list(tx.execute(select(destructions.c.how)).scalars())


def test_staff_may_say_that_a_purpose_has_ended(desk: Desk, config: Path, type_: Type) -> None:
    put_on_file(desk)
    said = type_("requests", "event", "purpose_ended", PERSON, "--why", "the contract is over", "--config", config)
    assert (0, "") == (said.status, said.err)
    reference = said.out.partition(":")[0]
    assert [(Duty.DESTROY, "mailbot")] == still_owed(desk, reference)
    told = digest(desk, config)
    assert (True, False) == ("Purpose reached or consent over" in told, "The purpose has ended" in told), "it stands there once"
    config.write_text(config.read_text("utf-8") + '[retention]\nended_purpose = "destroy"\n', "utf-8")
    assert PERSON in type_("store", "ended", "--config", config).out
    day_of(desk, later=2 * ONE_DAY)
    assert not is_on_file(desk)
    assert ("carried_out", "mailbot") == (request(desk, reference).state, request(desk, reference).obligations[0].met_by)


def test_a_purpose_ends_for_whom_a_request_names_and_for_nobody_unknown(desk: Desk, config: Path, type_: Type) -> None:
    put_on_file(desk)
    reference = arrive(desk, RequestType.QUESTION)
    assert 0 == type_("requests", "event", "purpose_ended", reference.lower(), "--why", "over", "--config", config).status
    assert [owner(desk)] == [ended.owner for ended, _ in retention.ended_now(desk)]
    nobody = type_("requests", "event", "purpose_ended", "nobody@example.com", "--why", "over", "--config", config)
    assert (1, "mailbot: nobody@example.com: nobody on file is known by that\n") == (nobody.status, nobody.err)
    assert 2 == type_("requests", "event", "birthday", PERSON, "--why", "x", "--config", config).status


def test_an_open_request_keeps_the_job_from_destroying_and_the_digest_says_so(desk: Desk, config: Path) -> None:
    put(desk, Consent("informing", date(2026, 1, 1), until=date(2026, 11, 1)))
    reference = arrive(desk, RequestType.ACCESS)
    done = day_of(desk)
    assert (0, True) == (done.people_destroyed if done else None, is_on_file(desk))
    assert f"Nothing is destroyed: {reference} is open" in digest(desk, config)


@pytest.mark.parametrize(("years", "wiped"), [(3, 1), (4, 0), (0, 0)])
def test_a_closed_request_is_wiped_when_its_years_are_over(desk: Desk, years: int, wiped: int) -> None:
    reference = arrive(desk, RequestType.QUESTION)
    close(desk, reference)
    done = day_of(desk, replace(ORDER, closed_requests_years=years, raw_mail_years=0), later=timedelta(days=3 * 365 + 2))
    assert wiped == (done.requests_wiped if done else None)
    assert (None if wiped else PERSON) == request(desk, reference).sender


def test_an_open_request_is_never_too_old(desk: Desk) -> None:
    reference = arrive(desk, RequestType.QUESTION)
    assert DayDone(0, 0, 0, 0) == day_of(desk, later=timedelta(days=9999))
    assert PERSON == request(desk, reference).sender


def test_raw_mail_goes_after_its_year(desk: Desk) -> None:
    close(desk, arrive(desk, RequestType.QUESTION))
    with desk.database.write() as tx:
        tx.execute(update(receipts).values(raw=b"as it came"))
    assert DayDone(0, 0, 0, 0) == day_of(desk, later=timedelta(days=364))
    assert DayDone(0, 0, 0, 1) == day_of(desk, later=timedelta(days=366))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 11, 20, 6, tzinfo=UTC), datetime(2023, 11, 20, 6, tzinfo=UTC)),
        (datetime(2028, 2, 29, 6, tzinfo=UTC), datetime(2025, 2, 28, 6, tzinfo=UTC)),
    ],
)
def test_years_are_counted_by_the_calendar(now: datetime, expected: datetime) -> None:
    assert expected == years_before(now, 3)


# --- holds -----------------------------------------------------------------------------------------------------------


def test_a_hold_of_a_person_stops_every_destruction_and_is_named_until_it_is_lifted(desk: Desk, config: Path, type_: Type) -> None:
    put(desk, Consent("informing", date(2026, 1, 1), until=date(2026, 11, 1)))
    assert 0 == type_("store", "legal-hold", PERSON, "--why", "case 7", "--config", config).status
    day_of(desk)
    assert is_on_file(desk)
    assert "Legal hold a…@e…e.com Nothing is destroyed: case 7." in digest(desk, config)
    refused = type_("store", "destroy", PERSON, "--why", "x", "--yes", "--config", config)
    assert (1, "mailbot: nothing is destroyed: the person is on legal hold: case 7") == (refused.status, refused.err.splitlines()[-1])
    assert 0 == type_("store", "legal-hold", PERSON, "--lift", "--config", config).status
    day_of(desk, later=ONE_DAY)
    assert not is_on_file(desk)


def test_a_hold_of_a_request_keeps_it_for_ever_and_stands_in_its_history(desk: Desk, config: Path, type_: Type) -> None:
    reference = arrive(desk, RequestType.QUESTION)
    close(desk, reference)
    held = type_("requests", "legal-hold", reference.lower(), "--why", "case 7", "--config", config)
    assert (0, f"{reference}: on legal hold\n", "") == (held.status, held.out, held.err)
    day_of(desk, later=timedelta(days=9999))
    assert PERSON == request(desk, reference).sender
    assert f"Legal hold {reference} Nothing is destroyed: case 7." in digest(desk, config)
    assert 0 == type_("requests", "legal-hold", reference, "--lift", "--config", config).status
    assert ["held_by_law", "hold_lifted"] == history(desk, reference)[-2:]
    day_of(desk, later=timedelta(days=10_000))
    assert None is request(desk, reference).sender


@pytest.mark.parametrize("options", [[], ["--why", "x", "--lift"]])
def test_a_hold_is_put_or_lifted_not_both(config: Path, type_: Type, options: list[str]) -> None:
    for command in (["store", "legal-hold", PERSON], ["requests", "legal-hold", "2026-00001-X"]):
        assert 2 == type_(*command, *options, "--config", config).status
    unknown = type_("requests", "legal-hold", "2026-00001-X", "--lift", "--config", config)
    assert (1, True) == (unknown.status, "there is no request 2026-00001-X" in unknown.err)


# --- by request and by command ---------------------------------------------------------------------------------------


def destroyed(desk: Desk) -> list[str | None]:
    """Return the requests behind the destructions."""
    with desk.database.read() as tx:
        return list(tx.execute(select(destructions.c.reference)).scalars())


def approved(desk: Desk) -> str:
    """Let a person on file ask for destruction, confirm it, and staff approve it."""
    put_on_file(desk)
    reference = arrive(desk, RequestType.DESTROY)
    with desk.database.write() as tx:
        tx.execute(update(requests).values(state=State.AWAITING_STAFF))
    act(desk, staff.approve, reference, ME)
    return reference


def test_h107_approving_a_destruction_destroys_and_remembers_the_request_behind_it(desk: Desk) -> None:
    reference = approved(desk)
    assert (False, [reference]) == (is_on_file(desk), destroyed(desk))
    assert PERSON == request(desk, reference).sender, "the letter that tells of it is still to go"


def test_an_open_request_of_the_same_person_is_answered_first(desk: Desk) -> None:
    other = arrive(desk, RequestType.ACCESS)
    with pytest.raises(NotYet, match=f"nothing is destroyed yet: {other} is open"):
        approved(desk)
    assert (True, []) == (is_on_file(desk), destroyed(desk))


def test_what_was_destroyed_is_followed_up_once_the_letters_are_out(desk: Desk) -> None:
    reference = approved(desk)
    follow_up(desk, ORDER)
    assert PERSON == request(desk, reference).sender
    close(desk, reference)
    follow_up(desk, ORDER)
    assert None is request(desk, reference).sender
    with desk.database.read() as tx:
        assert 0 == scouring.due_now(tx)


def test_a_follow_up_that_finds_nothing_new_writes_nothing(desk: Desk, config: Path) -> None:
    order = retention_order(load_config(config))
    assert order.journal is not None
    retention.destroy_by_command(desk, put_and_name(desk), ME, "asked", depersonalise=False)
    last = follow_up(desk, order)
    order.journal.write_text("it is not even read")
    assert replace(last, marks=(*last.marks[:-1], 19)) == follow_up(desk, order, replace(last, marks=(*last.marks[:-1], 19)))


def put_and_name(desk: Desk) -> str:
    put_on_file(desk)
    return PERSON


def test_destroying_by_command_shows_first_and_asks(desk: Desk, config: Path, type_: Type) -> None:
    put_on_file(desk)
    reference = arrive(desk, RequestType.QUESTION)
    close(desk, reference)
    command = ("store", "destroy", PERSON, "--why", "an order of the court", "--config", config)
    asked = type_(*command)
    assert (1, "mailbot: nothing was destroyed: nobody can be asked here; if you mean it, add --yes\n") == (asked.status, asked.err)
    assert "- names, 1 contacts, 2 consents, 0 notes of changes\n" in asked.out
    assert is_on_file(desk)
    done = type_(*command, "--yes")
    assert (0, False, None) == (done.status, is_on_file(desk), request(desk, reference).sender)
    assert ["proof_kept", "destroyed"] == history(desk, reference)[-2:]
    again = type_(*command, "--yes")
    assert (1, f"mailbot: {PERSON}: nothing is held that is known by this address\n") == (again.status, again.err)


def test_destroying_somebody_who_only_wrote_needs_no_file(desk: Desk, config: Path, type_: Type) -> None:
    reference = arrive(desk, RequestType.QUESTION)
    close(desk, reference)
    assert 0 == type_("store", "destroy", PERSON, "--why", "x", "--yes", "--config", config).status
    assert None is request(desk, reference).sender


def test_after_a_restore_the_list_is_applied_by_itself(desk: Desk, config: Path) -> None:
    order = retention_order(load_config(config))
    put_on_file(desk)
    retention.put_right_after_a_restore(desk, order, desk.now())
    retention.destroy_by_command(desk, PERSON, ME, "asked", depersonalise=False)
    follow_up(desk, order)
    with desk.database.write() as tx:  # as it would be in an old backup
        tx.execute(destructions.delete())
    put_on_file(desk)
    retention.put_right_after_a_restore(desk, order, desk.now())
    assert not is_on_file(desk)


def test_what_is_retained_for_ever_is_what_the_configuration_says(config: Path) -> None:
    assert RetentionOrder(3, 1, destroys=False, journal=config.with_name("mailbot.db.destroyed")) == retention_order(load_config(config))
