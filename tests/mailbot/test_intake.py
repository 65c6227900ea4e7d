"""The guards of intake: to whom no letter goes, whose answer counts, and what the next message of a batch sees; a desk without servers."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mailbot.arrival import (
    NOTHING_ASKED,
    Arrival,
    weigh,
)
from mailbot.desk import Desk
from mailbot.intake import MOST_ALIKE, take_in
from mailbot.judging import asked_changes
from mailbot.opening import decision_of_staff
from rules.addresses import mailbox_key
from rules.authentication import Proof, Vouched
from rules.confirmation import codes_in
from rules.decide import STOPS_MESSAGES, Decision, Opening, StopMessages
from rules.details_change import Field
from rules.message import read
from rules.recognition import Reading
from rules.vocabulary import Certainty, Duty, Language, Outcome, RequestType, Standing, State
from storage import register
from storage.ledger import Entry
from storage.subscribers import NewSubscriber, add_subscribers
from storage.tables import letters
from tests.mailbot.intake_room import INBOX, fetched
from tests.mailbot.orders_room import OFFICER, open_room
from tests.mailbot.register_room import NOW, office, open_desk, request

DAY, A_MOMENT = timedelta(days=1), timedelta(seconds=1)
PROOFS = {Standing.ALIGNED: Proof.SPF, Standing.UNPROVEN: Proof.NO_RESULTS, Standing.FAILED: Proof.SPF_FAIL}
TICKET = "Dear customer, we received your letter. Please delete all my personal data. Our team answers within two days."


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Return a desk that counts the letters of a domain, as every configuration does that does not turn it off."""
    with open_desk(office(tmp_path)) as desk:
        yield replace(desk, limits=desk.limits.model_copy(update={"letters_per_domain_an_hour": 30}))


def asking(arrival: Arrival, kind: RequestType, standing: Standing = Standing.UNPROVEN) -> Arrival:
    """Have a message ask for something, whatever its words are."""
    arrival.reading = Reading(Outcome.REQUEST, kind, Language.EN, None, None, Certainty.EXACT, "the test says so")
    arrival.vouched, arrival.is_weighed = Vouched(standing, PROOFS[standing]), True
    return arrival


def take(desk: Desk, *batch: Arrival, now: datetime = NOW) -> list[Entry]:
    """Take a batch in."""
    with desk.database.write() as tx:
        return take_in(tx, batch, desk, now, file_at_once=False)


def letters_of(desk: Desk) -> list[tuple[str, str]]:
    """Return kind and recipient of every letter, oldest first."""
    with desk.database.read() as tx:
        return [(row.kind, row.recipient) for row in tx.execute(select(letters.c.kind, letters.c.recipient).order_by(letters.c.id))]


# --- a robot without any mark (H82)
def said_by(desk: Desk, sender: str, text: str = TICKET, **fields: str) -> Arrival:
    """Return a message that asks for destruction in these words."""
    return asking(fetched(desk, text, sender=sender, **fields), RequestType.DESTROY)


def flagged(*batch: Arrival) -> list[bool]:
    """Tell of which messages it was noticed that the same was said before."""
    return ["said_before" in arrival.flags for arrival in batch]


def test_h82_what_a_domain_says_for_the_third_time_in_a_batch_is_noticed_and_not_answered(desk: Desk) -> None:
    batch = [said_by(desk, f"ticket{number}@desk.example", f"Ticket {number}. {TICKET}") for number in range(MOST_ALIKE + 1)]
    batch[-1].flags |= {"too_large"}
    take(desk, *batch)
    assert [frozenset(), frozenset(), {"too_large", "said_before"}] == [arrival.flags for arrival in batch]
    assert [("acknowledgement", f"ticket{number}@desk.example") for number in range(MOST_ALIKE)] == letters_of(desk)


@pytest.mark.parametrize(("ago", "noticed"), [(DAY, True), (DAY + A_MOMENT, False)])
def test_h82_what_was_said_within_a_day_counts(desk: Desk, ago: timedelta, noticed: bool) -> None:
    earlier = [said_by(desk, f"ticket{number}@desk.example") for number in range(MOST_ALIKE)]
    take(desk, *earlier)
    third = said_by(desk, "ticket9@desk.example")
    take(desk, third, now=NOW + ago)
    assert [noticed] == flagged(third)


@pytest.mark.parametrize(
    ("sender", "text"),
    [("ticket9@other.example", TICKET), ("ticket9@desk.example", TICKET.replace("letter", "note")), ("ticket9@desk.example", "Stop.")],
    ids=["another domain", "another text", "what many people may say"],
)
def test_h82_only_the_same_long_text_of_one_domain_is_a_robots(desk: Desk, sender: str, text: str) -> None:
    batch = [*(said_by(desk, f"ticket{number}@desk.example") for number in range(MOST_ALIKE)), said_by(desk, sender, text)]
    take(desk, *batch)
    assert [False] * len(batch) == flagged(*batch)


@pytest.mark.parametrize(("domain", "text"), [("desk.example", "Stop."), ("gmail.com", TICKET)])
def test_h82_people_may_say_the_same_in_few_words_or_at_a_public_provider(desk: Desk, domain: str, text: str) -> None:
    batch = [said_by(desk, f"person{number}@{domain}", text) for number in range(MOST_ALIKE + 1)]
    take(desk, *batch)
    assert [False] * len(batch) == flagged(*batch)


def test_h82_mail_that_is_never_answered_or_asks_nothing_counts_for_nothing(desk: Desk) -> None:
    ordinary, spam = said_by(desk, "a@desk.example"), said_by(desk, "b@desk.example", X_Spam_Flag="YES")
    ordinary.reading = NOTHING_ASKED
    batch = [ordinary, spam, *(said_by(desk, f"ticket{number}@desk.example") for number in range(MOST_ALIKE))]
    take(desk, *batch)
    assert [False] * len(batch) == flagged(*batch)


@pytest.mark.parametrize("sender", ["desk+{}@gmail.com", "desk@t{}.desk.example"])
def test_h82_a_tag_or_a_host_of_its_own_makes_no_robot_another(desk: Desk, sender: str) -> None:
    batch = [said_by(desk, sender.format(number)) for number in range(MOST_ALIKE + 1)]
    take(desk, *batch)
    assert [False] * MOST_ALIKE + [True] == flagged(*batch)


def test_h82_where_the_cap_of_domains_is_off_nobody_is_taken_for_a_robot(desk: Desk) -> None:
    batch = [said_by(desk, f"ticket{number}@desk.example") for number in range(MOST_ALIKE + 1)]
    take(replace(desk, limits=desk.limits.model_copy(update={"letters_per_domain_an_hour": 0})), *batch)
    assert [False] * len(batch) == flagged(*batch)


# --- to whom letters go
@pytest.mark.parametrize("typed", ["AIGUL@example.com", "aigul@example.com", "Aigul@EXAMPLE.com"])
def test_h48_a_letter_goes_to_the_address_on_file_and_not_to_the_one_that_was_typed(desk: Desk, typed: str) -> None:
    addresses = ("other@example.com", "Aigul@example.com")
    with desk.database.write() as tx:
        add_subscribers(tx, [NewSubscriber({}, tuple(("email", each, mailbox_key(each)) for each in addresses), ())], "test", NOW)
    take(desk, said_by(desk, typed), said_by(desk, "DANA@example.com"))
    assert ["Aigul@example.com", "DANA@example.com"] == [recipient for _, recipient in letters_of(desk)]


@pytest.mark.parametrize("address", [INBOX, "noreply@example.com", "mailer-daemon@example.com"])
def test_i5_a_change_to_an_address_of_ours_or_of_a_robot_asks_nobody_there(desk: Desk, address: str) -> None:
    for new in (address, "new@example.com"):
        arrival = asking(fetched(desk, f"My new e-mail is {new}.", sender=f"old-{new}"), RequestType.UPDATE)
        arrival.is_weighed = False
        weigh(desk, arrival)
        take(desk, arrival)
    asked = [recipient for kind, recipient in letters_of(desk) if kind == "confirmation"]
    assert ["new@example.com"] == asked


# --- what staff type
def test_h64_h80_what_staff_type_stops_messages_as_it_would_have_by_itself(desk: Desk) -> None:
    for kind, standing in product(RequestType, Standing):
        stops = kind in STOPS_MESSAGES and (standing is not Standing.FAILED or kind is RequestType.OPT_OUT)
        effects, met = ((StopMessages(),), frozenset({Duty.STOP_MESSAGES})) if stops else ((), frozenset[Duty]())
        opening = Opening(kind, Language.EN, (), effects, for_staff=True, met_at_once=met)
        expected = Decision(Outcome.REQUEST, "typed_by_staff", "typed_by_staff", opens=opening)
        assert expected == decision_of_staff(asking(fetched(desk), kind, standing), kind)


def test_what_staff_type_of_a_message_without_a_sender_stops_nothing(desk: Desk) -> None:
    opens = decision_of_staff(fetched(desk, sender=""), RequestType.OPT_OUT).opens
    assert opens is not None
    assert ((), frozenset()) == (opens.effects, opens.met_at_once)


# --- answers with a one-time code (H66, H110)
def code_in_the_letter(desk: Desk) -> str:
    """Return the code in the only letter."""
    with desk.database.read() as tx:
        message = read(tx.execute(select(letters.c.content)).scalar_one())
    (code,) = codes_in(f"{message.subject}\n{message.text}")
    return code


def asked_back(desk: Desk) -> tuple[str, str]:
    """Have a request asked back; return its reference and the code."""
    (entry,) = take(desk, asking(fetched(desk), RequestType.ACCESS))
    assert entry.reference
    return entry.reference, code_in_the_letter(desk)


def answer(desk: Desk, code: str, says: str = "Yes", **more: Any) -> Arrival:
    """Return an answer that brings a code back."""
    arrival = fetched(desk, f"{says}\r\n\r\n> {code}", **more)
    arrival.reading = NOTHING_ASKED
    return arrival


@pytest.mark.parametrize(("late", "outcome"), [(-A_MOMENT, Outcome.CONFIRMATION), (timedelta(), Outcome.FOLLOW_UP)])
def test_h66_a_code_is_good_until_it_expires(desk: Desk, late: timedelta, outcome: Outcome) -> None:
    reference, code = asked_back(desk)
    (entry,) = take(desk, answer(desk, code), now=NOW + desk.limits.confirm_days * DAY + late)
    assert (outcome, reference) == (entry.outcome, entry.reference)


def test_h66_a_code_is_good_once_also_within_a_batch(desk: Desk) -> None:
    reference, code = asked_back(desk)
    entries = take(desk, answer(desk, code), answer(desk, code), answer(desk, code, "No"))
    told = [(Outcome.CONFIRMATION, "says_yes"), (Outcome.FOLLOW_UP, "answers_again"), (Outcome.FOLLOW_UP, "answers_too_late")]
    assert [(*each, reference) for each in told] == [(entry.outcome, entry.reason, entry.reference) for entry in entries]


def test_h66_h111_a_code_that_another_address_brings_back_confirms_nothing(desk: Desk) -> None:
    _, code = asked_back(desk)
    (entry,) = take(desk, answer(desk, code, sender="dana@example.com"))
    assert entry.outcome is not Outcome.CONFIRMATION


# --- the next message of a batch sees what the one before it did
def test_the_same_demand_twice_in_a_batch_is_one_request(desk: Desk) -> None:
    first, second = take(desk, *(asking(fetched(desk), RequestType.ACCESS) for _ in range(2)))
    assert [(Outcome.REQUEST, first.reference), (Outcome.FOLLOW_UP, first.reference)] == [
        (entry.outcome, entry.reference) for entry in (first, second)
    ]


def test_h28_a_second_copy_in_a_batch_is_a_duplicate(desk: Desk) -> None:
    copies = [asking(fetched(desk, Message_ID="<1@example.com>"), RequestType.ACCESS) for _ in range(2)]
    assert [Outcome.REQUEST, Outcome.DUPLICATE] == [entry.outcome for entry in take(desk, *copies)]


def test_a_demand_that_told_its_sender_nothing_hides_no_later_one(desk: Desk) -> None:
    unheard = asking(fetched(desk), RequestType.ACCESS, Standing.FAILED)
    entries = take(desk, unheard, asking(fetched(desk), RequestType.ACCESS), asking(fetched(desk), RequestType.ACCESS))
    assert [Outcome.REQUEST, Outcome.REQUEST, Outcome.FOLLOW_UP] == [entry.outcome for entry in entries]
    assert entries[1].reference == entries[2].reference


def test_an_opt_out_that_was_carried_out_is_not_open_for_the_next_one(desk: Desk) -> None:
    entries = take(desk, *(asking(fetched(desk), RequestType.OPT_OUT) for _ in range(2)))
    assert [Outcome.REQUEST] * 2 == [entry.outcome for entry in entries]


def test_a_second_letter_of_an_authority_follows_the_first_though_nobody_is_told(desk: Desk) -> None:
    entries = take(desk, *(asking(fetched(desk), RequestType.AUTHORITY_INQUIRY) for _ in range(2)))
    assert [Outcome.REQUEST, Outcome.FOLLOW_UP] == [entry.outcome for entry in entries]


def test_what_is_held_hides_no_request_behind_it(desk: Desk) -> None:
    held = asking(fetched(desk), RequestType.ACCESS)
    held.reading = replace(held.reading, outcome=Outcome.HELD, may_be=(RequestType.ACCESS,))
    entries = take(desk, held, asking(fetched(desk), RequestType.ACCESS))
    assert [Outcome.HELD, Outcome.REQUEST] == [entry.outcome for entry in entries]


def saying(desk: Desk, **fields: str) -> Arrival:
    """Return a message that asks nothing."""
    arrival = fetched(desk, **fields)
    arrival.reading = NOTHING_ASKED
    return arrival


def test_h50_an_answer_to_ones_own_message_of_the_same_batch_follows_it(desk: Desk) -> None:
    first = asking(fetched(desk, Message_ID="<1@example.com>"), RequestType.ACCESS)
    entries = take(desk, first, saying(desk, In_Reply_To="<1@example.com>"))
    assert [Outcome.REQUEST, Outcome.FOLLOW_UP] == [entry.outcome for entry in entries]


def test_what_answers_a_machine_answers_no_request_that_the_machine_named(desk: Desk) -> None:
    (request_,) = take(desk, asking(fetched(desk), RequestType.ACCESS))
    robot = saying(desk, Subject=f"Re: {request_.reference}", Message_ID="<2@example.com>", Auto_Submitted="auto-replied")
    entries = take(desk, robot, saying(desk, In_Reply_To="<2@example.com>"))
    assert [(Outcome.AUTOMATIC, request_.reference), (Outcome.ORDINARY, None)] == [(entry.outcome, entry.reference) for entry in entries]


def test_h50_what_was_reopened_is_open_for_the_rest_of_the_batch(desk: Desk) -> None:
    (closed,) = take(desk, asking(fetched(desk), RequestType.OPT_OUT))
    entries = take(desk, *(saying(desk, Subject=f"Re: {closed.reference}") for _ in range(2)))
    assert ["answers_closed_request", "answers_request"] == [entry.reason for entry in entries]


def test_h22_a_shunted_message_is_set_aside_whatever_it_asks(desk: Desk) -> None:
    shunted = asking(fetched(desk), RequestType.ACCESS)
    shunted.shunt_reason = "killed_us"
    (entry,) = take(desk, shunted)
    assert (Outcome.SHUNTED, "killed_us", None) == (entry.outcome, entry.reason, entry.reference)


def test_copies_of_ordinary_mail_are_ordinary_and_those_of_an_order_are_duplicates(tmp_path: Path) -> None:
    with open_room(tmp_path) as room:
        answer_to = f"<mailbot.digest.{room.digest()}@alit.kz>"
        ordinary = [fetched(room.desk, "Hello.", Message_ID="<1@example.com>") for _ in range(2)]
        orders = [fetched(room.desk, "1 done", sender=OFFICER, In_Reply_To=answer_to, Message_ID="<2@example.com>") for _ in range(2)]
        entries = take(room.desk, *ordinary, *orders)
    told = [Outcome.ORDINARY, Outcome.ORDINARY, Outcome.STAFF_ACTION, Outcome.DUPLICATE]
    assert told == [entry.outcome for entry in entries]


# --- what is added to an update
PHONE, ADDRESS = "My new phone is 8 700 000 20 14.", "My new e-mail is new@example.com."


def changed(desk: Desk, reference: str) -> set[Field]:
    """Return what of a person a request asks to change."""
    with desk.database.read() as tx:
        return {change.field for change in register.changes_of(tx, reference)}


def update(desk: Desk, kind: RequestType = RequestType.UPDATE) -> str:
    """Have an unproven sender ask for a new phone number; return the reference."""
    first = asking(fetched(desk, PHONE), kind)
    first.changes = asked_changes(first.message) if kind is RequestType.UPDATE else ()
    (entry,) = take(desk, first)
    assert entry.reference
    return entry.reference


@pytest.mark.parametrize(
    ("kind", "fields"), [(RequestType.UPDATE, {Field.PHONE, Field.EMAIL}), (RequestType.ACCESS, set()), (RequestType.DESTROY, set())]
)
def test_h63_what_a_follow_up_adds_to_an_update_is_kept_for_staff_and_to_nothing_else(
    desk: Desk, kind: RequestType, fields: set[Field]
) -> None:
    reference = update(desk, kind)
    later = saying(desk, text=ADDRESS, Subject=f"Re: {reference}")
    assert [Outcome.FOLLOW_UP] == [each.outcome for each in take(desk, later)]
    assert (fields, State.AWAITING_STAFF) == (changed(desk, reference), request(desk, reference).state)


@pytest.mark.parametrize(("says", "fields"), [("Yes", {Field.PHONE, Field.EMAIL}), ("No", {Field.PHONE})])
def test_h63_h110_what_stands_behind_a_yes_is_kept_for_staff_and_behind_a_no_is_not(desk: Desk, says: str, fields: set[Field]) -> None:
    reference = update(desk)
    assert [Outcome.CONFIRMATION] == [each.outcome for each in take(desk, answer(desk, code_in_the_letter(desk), f"{says}. {ADDRESS}"))]
    assert fields == changed(desk, reference)
