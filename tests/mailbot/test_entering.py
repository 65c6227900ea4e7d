"""What staff enter because no mail tells it: requests that came another way, events, and the term in an authority's letter."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from mailbot import corrections, entering, retention, staff
from mailbot.desk import Acting, Desk
from mailbot.entering import Entered
from mailbot.staff import NotPossible
from rules.decide import STOPS_MESSAGES
from rules.vocabulary import Event, Language, RequestType
from storage.register import Owed, Registered
from tests.mailbot.register_room import (
    NOW,
    PERSON,
    act,
    arrive,
    details,
    history,
    is_on_file,
    is_suppressed,
    letters_to,
    office,
    open_desk,
    put_on_file,
    request,
    still_owed,
)
from tests.mailbot.typing_room import Type, typist

ME = "staff:dana"
BY_PHONE = Entered(RequestType.DESTROY, "phone", NOW, PERSON)
MONDAY = date(2026, 11, 23)
LONG_AGO = datetime(2026, 10, 1, 5, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return office(tmp_path, systems=("crm",))


@pytest.fixture
def desk(config: Path) -> Iterator[Desk]:
    with open_desk(config) as desk:
        yield desk


@pytest.fixture
def women(tmp_path: Path) -> Iterator[Desk]:
    """The desk of technowomen, whose policy promises most of all, and who passes data on to two firms."""
    config = office(tmp_path)
    told = "".join(f'[[third_party]]\nname = "{name}"\n' for name in ("Printer LLP", "Bank JSC"))
    config.write_text(config.read_text("utf-8").replace('policy = "kazger"', 'policy = "technowomen"') + told, "utf-8")
    with open_desk(config) as desk:
        yield desk


@pytest.fixture
def type_(capsys: pytest.CaptureFixture[str]) -> Type:
    return typist(capsys)


def enter(desk: Desk, event: Event, about: str = "", at: datetime = NOW, why: str = "the audit, page 4") -> Registered:
    with desk.database.write() as tx:
        return entering.enter_event(Acting(tx, desk, ME), event, about, at, why)


def add(desk: Desk, entered: Entered = BY_PHONE) -> Registered:
    with desk.database.write() as tx:
        return entering.add_request(Acting(tx, desk, ME), entered)


def set_term(desk: Desk, reference: str, day: date) -> Registered:
    return act(desk, entering.set_term, reference, ME, day)


def days(found: Registered) -> dict[tuple[str, str], date | None]:
    return {(owed.what, owed.system): owed.due for owed in found.obligations}


def owed(found: Registered, what: str) -> Owed:
    [each] = [each for each in found.obligations if each.what == what]
    return each


def lost(each: Owed) -> set[tuple[object, object]]:
    return {(other["source"], other["due"]) for other in each.losing}


# --- events ------------------------------------------------------------------------------------------------------------


def test_who_gets_the_data_is_told_of_a_correction_each_for_itself(women: Desk) -> None:
    corrected = request(women, arrive(women, RequestType.UPDATE))
    assert {
        ("amend", "mailbot"): MONDAY,
        ("notify_person", "staff"): MONDAY,
        ("notify_third_party", "Printer LLP"): MONDAY,
        ("notify_third_party", "Bank JSC"): MONDAY,
    } == days(corrected)
    told = corrected.obligations[-1]
    assert ("9.4", "secondary", "update", NOW) == (told.clause, told.mark, told.trigger, told.started_at)


def test_where_nobody_is_listed_the_staff_tell_whoever_was_given_the_data(tmp_path: Path) -> None:
    config = office(tmp_path)
    config.write_text(config.read_text("utf-8").replace('"kazger"', '"technowomen"'), "utf-8")
    with open_desk(config) as desk:
        assert ("notify_third_party", "staff") in still_owed(desk, arrive(desk, RequestType.UPDATE))


def test_what_was_found_unlawful_is_owed_by_the_statutes_day_and_the_policys_stays_visible(women: Desk) -> None:
    put_on_file(women)
    entry = enter(women, Event.UNLAWFUL, PERSON)
    assert (None, "unlawful", "staff", "awaiting_staff", MONDAY) == (entry.type, entry.event, entry.channel, entry.state, entry.due)
    stop, destroy = owed(entry, "stop_processing"), owed(entry, "destroy")
    assert (MONDAY, "18", "text", "unlawful") == (stop.due, stop.clause, stop.mark, stop.trigger)
    assert {("Policy clause 9.6", "2026-11-25")} == lost(stop)
    assert (MONDAY, {("Law 94-V art. 18, 25(2)(8)", "2026-11-23")}) == (destroy.due, lost(destroy))
    assert {"notify_person", "notify_third_party"} <= {each.what for each in entry.obligations}


def test_whose_purpose_ended_is_destroyed_by_the_policys_own_day(women: Desk) -> None:
    put_on_file(women)
    destroy = owed(enter(women, Event.PURPOSE_ENDED, PERSON), "destroy")
    assert (date(2026, 12, 5), "9.7") == (destroy.due, destroy.clause)
    assert ("Digital Code art. 41", "2026-12-07") in lost(destroy)


def test_a_purpose_that_ended_before_it_was_entered_is_listed_with_its_own_day(women: Desk) -> None:
    put_on_file(women)
    enter(women, Event.PURPOSE_ENDED, PERSON, LONG_AGO)
    assert [(date(2026, 10, 1), date(2026, 10, 16))] == [(ended.on, due) for ended, due in retention.ended_now(women)]


def test_a_purpose_that_ended_has_a_day_where_the_policy_names_none(desk: Desk) -> None:
    put_on_file(desk)
    entry = enter(desk, Event.PURPOSE_ENDED, PERSON)
    assert {("destroy", "mailbot"): date(2026, 12, 7), ("destroy", "crm"): date(2026, 12, 7)} == days(entry)


def test_what_cannot_be_destroyed_is_blocked_by_its_day_and_destroyed_within_six_months(women: Desk) -> None:
    put_on_file(women)
    reference = enter(women, Event.PURPOSE_ENDED, PERSON, NOW - timedelta(days=14)).reference  # to be destroyed by 21 November
    entry = enter(women, Event.DESTRUCTION_IMPOSSIBLE, reference, why="the tape is with the court")
    block, destroy = owed(entry, "block"), owed(entry, "destroy")
    assert (date(2026, 11, 21), "in place of the destruction, by its day -> Sat 21 Nov 2026, 23:59") == (block.due, block.arithmetic)
    assert (date(2027, 5, 20), "9.8") == (destroy.due, destroy.clause)
    assert ("Policy clause 9.7", "2026-11-21") in lost(destroy)
    assert ("destruction_impossible", date(2026, 11, 21)) == (entry.event, entry.due)
    assert [{"event": "destruction_impossible", "on": "2026-11-20", "why": "the tape is with the court"}] == details(
        women, reference, "event"
    )[1:]


def test_a_block_in_place_of_a_destruction_that_is_far_off_is_due_with_the_statutes_number(women: Desk) -> None:
    put_on_file(women)
    entry = enter(women, Event.PURPOSE_ENDED, PERSON)
    assert MONDAY == owed(enter(women, Event.DESTRUCTION_IMPOSSIBLE, entry.reference), "block").due


def test_what_the_law_wants_destroyed_by_a_day_cannot_be_put_off(women: Desk) -> None:
    put_on_file(women)
    asked = arrive(women, RequestType.DESTROY)
    with pytest.raises(NotPossible, match=r"by 2026-11-23; Digital Code art\. 41 lets nobody block it instead"):
        enter(women, Event.DESTRUCTION_IMPOSSIBLE, asked)
    unlawful = enter(women, Event.UNLAWFUL, PERSON).reference
    with pytest.raises(NotPossible, match=r"Law 94-V art\. 18, 25\(2\)\(8\) lets nobody"):
        enter(women, Event.DESTRUCTION_IMPOSSIBLE, unlawful)


def test_i12_what_is_about_nobody_alone_changes_no_record_and_is_ticked_off_by_staff(women: Desk) -> None:
    entry = enter(women, Event.UNLAWFUL)
    with pytest.raises(NotPossible, match="is not mailbot's to carry out"):
        act(women, staff.approve, entry.reference, ME)
    after = act(women, staff.tick_off, entry.reference, ME, what="stop_processing", system="mailbot")
    assert ME == owed(after, "stop_processing").met_by


def test_a_purpose_ends_once(women: Desk) -> None:
    put_on_file(women)
    entry = enter(women, Event.PURPOSE_ENDED, PERSON)
    with pytest.raises(NotPossible, match=f"{entry.reference} says already that the purpose has ended"):
        enter(women, Event.PURPOSE_ENDED, PERSON)


def test_what_is_late_gets_no_longer_term(women: Desk) -> None:
    put_on_file(women)
    entry = enter(women, Event.PURPOSE_ENDED, PERSON, NOW - timedelta(days=40))
    with pytest.raises(NotPossible, match="the day of its destruction, 2026-10-26, is over, and no longer term begins then"):
        enter(women, Event.DESTRUCTION_IMPOSSIBLE, entry.reference)


def test_unlawful_processing_that_is_found_later_brings_the_statutes_day_back(women: Desk) -> None:
    put_on_file(women)
    reference = enter(women, Event.PURPOSE_ENDED, PERSON).reference
    enter(women, Event.DESTRUCTION_IMPOSSIBLE, reference)
    assert MONDAY == owed(enter(women, Event.UNLAWFUL, reference), "destroy").due


def test_where_the_policy_has_no_clause_for_it_nothing_is_blocked_instead(desk: Desk) -> None:
    put_on_file(desk)
    reference = enter(desk, Event.PURPOSE_ENDED, PERSON).reference
    with pytest.raises(NotPossible, match=r"by 2026-12-07 .*the policy kazger lets nobody block it instead"):
        enter(desk, Event.DESTRUCTION_IMPOSSIBLE, reference)
    with pytest.raises(NotPossible, match="owes no destruction"):
        enter(desk, Event.DESTRUCTION_IMPOSSIBLE, arrive(desk, RequestType.ACCESS))


def test_a_breach_is_about_nobody_alone_and_the_authority_is_told_within_a_working_day(desk: Desk) -> None:
    entry = enter(desk, Event.BREACH, why="a stolen laptop")
    assert ({("notify_authority", "staff"): MONDAY}, None) == (days(entry), entry.sender)
    assert entering.WORDS == entry.reason  # what the digest shows names nobody
    assert [{"event": "breach", "on": "2026-11-20", "why": "a stolen laptop"}] == details(desk, entry.reference, "event")


def test_a_transfer_is_told_to_the_person_within_ten_working_days(desk: Desk) -> None:
    put_on_file(desk)
    assert {("notify_person", "staff"): date(2026, 12, 4)} == days(enter(desk, Event.TRANSFER, PERSON))


def test_a_block_is_lifted_a_working_day_after_no_breach_was_found(desk: Desk) -> None:
    asked = arrive(desk, RequestType.UNBLOCK)
    assert {None} == set(days(request(desk, asked)).values())
    assert {("unblock", "mailbot"): MONDAY, ("unblock", "crm"): MONDAY} == days(enter(desk, Event.NO_BREACH_FOUND, asked))
    assert MONDAY == request(desk, asked).due


def test_what_is_found_out_about_a_demand_is_counted_from_when_that_came(config: Path) -> None:
    with open_desk(config, datetime(2026, 11, 16, 6, tzinfo=UTC)) as monday:
        public, claim = arrive(monday, RequestType.DESTROY), arrive(monday, None, "dana@example.com")
    with open_desk(config) as desk:
        removed = days(enter(desk, Event.PUBLIC_SOURCE, public))
        assert date(2026, 11, 17) == removed["remove_from_source", "mailbot"]
        answer = owed(enter(desk, Event.CONSUMER_CLAIM, claim), "answer")
        assert (date(2026, 11, 16), ("Consumer Law art. 42-4", "2026-11-26") in lost(answer)) == (answer.due, True)


@pytest.mark.parametrize("event", sorted(entering.ABOUT_A_REQUEST))
def test_what_is_found_out_about_a_request_needs_it_named(desk: Desk, event: Event) -> None:
    with pytest.raises(NotPossible, match="name it"):
        enter(desk, event)


def test_of_the_same_duty_the_earlier_day_governs_and_the_later_stays_visible(women: Desk) -> None:
    asked = arrive(women, RequestType.STOP_PROCESSING)
    stop = owed(enter(women, Event.UNLAWFUL, asked), "stop_processing")
    assert (MONDAY, "unlawful") == (stop.due, stop.trigger)
    assert ("Policy clause 9.6; Law 94-V art. 8(7)", "2026-12-11") in lost(stop)
    changed = [(each["what"], each.get("was"), each["now"], each["why"]) for each in details(women, asked, "recounted")]
    assert ("stop_processing", "2026-12-11", "2026-11-23", "unlawful") in changed


def test_what_was_done_before_an_event_does_not_answer_for_it(desk: Desk) -> None:
    put_on_file(desk)
    first = enter(desk, Event.TRANSFER, PERSON).reference
    act(desk, staff.tick_off, first, ME, what=None, system=None)
    assert "carried_out" == request(desk, first).state
    second = enter(desk, Event.TRANSFER, first)
    assert (PERSON, [("notify_person", "staff")]) == (second.sender, still_owed(desk, second.reference))
    assert [first] == [each["about"] for each in details(desk, second.reference, "event")]


def test_what_is_closed_is_not_opened_by_an_event_and_what_is_met_stays_met(women: Desk) -> None:
    closed = arrive(women, RequestType.ACCESS)
    act(women, staff.refuse, closed, ME, staff.Ground("art. 8(2)"))
    update = arrive(women, RequestType.UPDATE)
    act(women, staff.tick_off, update, ME, what="notify_person", system=None)
    for asked, event in ((closed, Event.UNLAWFUL), (update, Event.TRANSFER)):
        before = request(women, asked)
        assert asked != enter(women, event, asked).reference
        assert before == request(women, asked)


def test_an_event_is_no_request_of_any_type(desk: Desk) -> None:
    breach = enter(desk, Event.BREACH).reference
    with pytest.raises(NotPossible, match="nobody asked for it"):
        act(desk, corrections.give_type, breach, ME, RequestType.ACCESS)
    assert "no_request" == act(desk, corrections.dismiss, breach, ME).request.state


def test_a_request_that_staff_type_keeps_what_events_made_it_owe(women: Desk) -> None:
    held = arrive(women, None)
    enter(women, Event.UNLAWFUL, held)
    act(women, corrections.give_type, held, ME, RequestType.ACCESS)
    assert {("answer", "staff"), ("stop_processing", "mailbot"), ("destroy", "mailbot")} <= set(still_owed(women, held))


@pytest.mark.parametrize(
    ("about", "at", "why", "sentence"),
    [
        ("", NOW + timedelta(minutes=1), "x", "still to come"),
        ("", NOW, " ", "needs words"),
        ("nobody@example.com", NOW, "x", "nobody on file"),
        ("2026-99999-X", NOW, "x", "no request 2026-99999-X"),
    ],
)
def test_an_event_needs_words_a_past_and_somebody_known(desk: Desk, about: str, at: datetime, why: str, sentence: str) -> None:
    with pytest.raises(Exception, match=sentence):
        enter(desk, Event.PURPOSE_ENDED, about, at, why)


def test_an_entry_of_staff_writes_to_nobody_even_when_it_is_done(desk: Desk) -> None:
    put_on_file(desk)
    reference = enter(desk, Event.PURPOSE_ENDED, PERSON).reference
    act(desk, staff.tick_off, reference, ME, what="destroy", system="crm")
    act(desk, staff.approve, reference, ME, what="destroy")
    assert ("carried_out", [], False) == (request(desk, reference).state, letters_to(desk, reference), is_on_file(desk))


@pytest.mark.parametrize("event", list(Event))
def test_every_event_can_be_entered_on_the_command_line(tmp_path: Path, women: Desk, type_: Type, event: Event) -> None:
    put_on_file(women)
    about = PERSON
    if event in entering.ABOUT_A_REQUEST:
        about = enter(women, Event.PURPOSE_ENDED, PERSON).reference
    said = type_("requests", "event", event, about, "--on", "2026-11-20", "--why", "x", "--config", tmp_path / "config.toml")
    assert (0, "") == (said.status, said.err)
    assert (True, True) == (", received 2026-11-20, due 202" in said.out, "\nowed, due 202" in said.out)


# --- requests that came another way ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", RequestType)
def test_a_request_by_phone_owes_what_one_by_mail_owes(desk: Desk, kind: RequestType) -> None:
    by_mail = request(desk, arrive(desk, kind, "other@example.com"))
    by_phone = add(desk, replace(BY_PHONE, type=kind))
    assert days(by_mail) == days(by_phone)
    assert (kind, "phone", "unproven", "awaiting_staff") == (by_phone.type, by_phone.channel, by_phone.standing, by_phone.state)
    assert (kind in STOPS_MESSAGES) == is_suppressed(desk)
    assert [] == letters_to(desk, by_phone.reference)


def test_an_opt_out_by_phone_that_owes_nothing_more_is_over(tmp_path: Path) -> None:
    with open_desk(office(tmp_path)) as desk:
        added = add(desk, replace(BY_PHONE, type=RequestType.OPT_OUT))
        assert ("carried_out", True, []) == (added.state, is_suppressed(desk), letters_to(desk, added.reference))


def test_who_gives_no_address_is_registered_all_the_same(desk: Desk) -> None:
    added = add(
        desk, replace(BY_PHONE, type=RequestType.REVOKE_CONSENT, address="", name="Aigul", note="called twice", language=Language.KK)
    )
    assert (None, None, Language.KK) == (added.sender, added.sender_key, added.language)
    assert [{"by": "phone", "name": "Aigul", "note": "called twice"}] == details(desk, added.reference, "entered")
    assert ["received", "entered"] == history(desk, added.reference)


def test_h48_letters_will_go_to_the_address_as_the_file_has_it(desk: Desk) -> None:
    put_on_file(desk)
    added = add(desk, replace(BY_PHONE, address="AIGUL@Example.com"))
    assert (PERSON, True) == (added.sender, added.subscriber_id is not None)


def test_what_came_long_ago_is_due_long_ago_and_says_so(desk: Desk, config: Path, type_: Type) -> None:
    added = add(desk, replace(BY_PHONE, received=LONG_AGO))
    assert (date(2026, 10, 1), date(2026, 10, 16)) == (added.received_on, days(added)["destroy", "crm"])
    said = type_("requests", "add", "access", "--by", "post", "--received", "01.10.2025", "--from", PERSON, "--config", config)
    assert (0, True) == (said.status, "owed, due 2025-10-06 (late already): answer (staff): `mailbot requests done 2025-" in said.out)


@pytest.mark.parametrize(
    ("entered", "sentence"),
    [
        (replace(BY_PHONE, received=NOW + timedelta(minutes=1)), "still to come"),
        (replace(BY_PHONE, address="nobody"), "is no mail address"),
        (replace(BY_PHONE, received=NOW - timedelta(days=1200)), "is over three years ago"),
    ],
)
def test_a_day_to_come_and_an_address_that_is_none_are_refused(desk: Desk, entered: Entered, sentence: str) -> None:
    with pytest.raises(NotPossible, match=sentence):
        add(desk, entered)


def test_what_the_authority_found_is_entered_as_a_request_of_its_kind(women: Desk) -> None:
    found = add(women, Entered(RequestType.UPDATE, "authority", NOW, PERSON, note="order 17"))
    assert ("authority", MONDAY) == (found.channel, found.due)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("acess", "--by", "post", "--received", "2026-11-20"), "acess"),
        (("access", "--by", "pigeon", "--received", "2026-11-20"), "pigeon"),
        (("access", "--by", "post", "--received", "20th"), "20th"),
        (("access", "--by", "post", "--received", "2026-11-20", "--at", "9"), "9 is no hour"),
        (("access", "--by", "post", "--received", "2026-11-20", "--language", "de"), "de"),
    ],
)
def test_a_slip_of_the_pen_is_a_usage_mistake(config: Path, type_: Type, arguments: tuple[str, ...], word: str) -> None:
    said = type_("requests", "add", *arguments, "--config", config)
    assert (2, True) == (said.status, word in said.err)


# --- the term of an authority ------------------------------------------------------------------------------------------


def test_the_term_of_the_authoritys_letter_governs_where_it_is_earlier(desk: Desk, config: Path, type_: Type) -> None:
    reference = arrive(desk, RequestType.AUTHORITY_INQUIRY)
    assert date(2026, 11, 30) == request(desk, reference).due
    said = type_("requests", "term", reference.lower(), "25.11.2026", "--config", config)
    assert (0, True) == (said.status, "due 2026-11-25" in said.out)
    answer = owed(request(desk, reference), "answer")
    assert (date(2026, 11, 25), "term", {("Policy clause 3.2", "2026-11-30")}) == (
        answer.due,
        answer.trigger,
        {pair for pair in lost(answer) if pair[1]},
    )
    assert [{"to": "2026-11-25"}] == details(desk, reference, "term")


def test_a_later_term_does_not_put_off_what_the_policy_promises(desk: Desk) -> None:
    reference = arrive(desk, RequestType.AUTHORITY_INQUIRY)
    answer = owed(set_term(desk, reference, date(2026, 12, 20)), "answer")
    assert (date(2026, 11, 30), True) == (answer.due, ("Term of the authority", "2026-12-20") in lost(answer))
    assert date(2026, 11, 24) == set_term(desk, reference, date(2026, 11, 24)).due


def test_a_term_is_the_only_day_where_the_policy_names_none(women: Desk) -> None:
    reference = arrive(women, RequestType.AUTHORITY_INQUIRY)
    assert None is request(women, reference).due
    assert date(2026, 12, 1) == set_term(women, reference, date(2026, 12, 1)).due


@pytest.mark.parametrize(("kind", "day"), [(RequestType.ACCESS, MONDAY), (RequestType.AUTHORITY_INQUIRY, date(2026, 11, 19))])
def test_nobody_else_sets_a_term_and_none_before_receipt(desk: Desk, kind: RequestType, day: date) -> None:
    reference = arrive(desk, kind)
    with pytest.raises(NotPossible):
        set_term(desk, reference, day)
