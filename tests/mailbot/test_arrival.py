"""What is found out of one message on its way in: what it is known by, whether it is old or spam, and who vouches for its sender."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mailbot.arrival import (
    NOTHING_ASKED,
    TAKEN_FOR_SPAM,
    age_flags,
    fingerprint_of,
    is_delivery_report,
    lies_in_spam,
    pointers_of,
    read_arrival,
    weigh,
    with_report,
)
from mailbot.desk import Desk
from rules.authentication import Proof
from rules.automatic import Kind, Screening
from rules.body import UNREADABLE
from rules.details_change import Change, Field
from rules.message import read_header
from rules.place import Place
from rules.recognition import Reading
from rules.vocabulary import Outcome, RequestType
from tests.mailbot.intake_room import INBOX, fetched
from tests.mailbot.register_room import NOW, office, open_desk
from tests.rules.test_delivery_report import FAILED, OURS, report

DAY, A_MOMENT = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Return a desk without servers."""
    with open_desk(office(tmp_path)) as desk:
        yield desk


@pytest.mark.parametrize(("kept", "ago", "flags"), [(14, 14 * DAY, {"too_old"}), (14, 14 * DAY - A_MOMENT, set()), (0, 999 * DAY, set())])
def test_h9_old_mail_is_said_to_be_old(desk: Desk, kept: int, ago: timedelta, flags: set[str]) -> None:
    limited = replace(desk, limits=desk.limits.model_copy(update={"acknowledge_up_to_days": kept}))
    assert flags == age_flags(limited, NOW - ago)


def test_h78_what_lies_in_the_spam_folder_is_spam_unless_a_machine_sent_it(desk: Desk) -> None:
    letter, listed, bounce = fetched(desk), fetched(desk, sender="noreply@example.com"), fetched(desk, Return_Path="<>")
    letter.flags |= {"too_old"}
    for arrival in (letter, listed, bounce):
        lies_in_spam(arrival)
    spam = Screening(Kind.SPAM, "lies_in_spam_folder")
    assert [spam, spam, Screening(Kind.BOUNCE, "null_return_path")] == [each.screening for each in (letter, listed, bounce)]
    assert [{TAKEN_FOR_SPAM, "too_old"}, {TAKEN_FOR_SPAM}, set()] == [set(each.flags) for each in (letter, listed, bounce)]


def test_h78_what_the_server_marked_is_said_to_be_taken_for_spam(desk: Desk) -> None:
    told = []
    for value in ("YES", "NO"):
        raw = f"From: aigul@example.com\r\nTo: {INBOX}\r\nX-Spam-Flag: {value}\r\n\r\n".encode()
        message = read_header(raw)
        arrival = read_arrival(desk, Place(INBOX, "INBOX", 1, 1), NOW, len(raw), raw, message, frozenset({"too_large"}))
        assert message is arrival.message
        told.append(arrival.flags)
    assert [{"too_large", TAKEN_FOR_SPAM}, {"too_large"}] == told


# --- what a message is
def test_a_machines_mail_is_not_read_for_requests(desk: Desk) -> None:
    text = "Please delete all my personal data."
    readings = [fetched(desk, text, Subject="Please delete my data", **more).reading for more in ({}, {"Auto_Submitted": "auto-replied"})]
    assert [Outcome.REQUEST, Outcome.ORDINARY] == [reading.outcome for reading in readings]


def test_h43_what_cannot_be_read_is_noted_and_says_nothing(desk: Desk) -> None:
    sealed = fetched(desk, "x", Content_Type="application/pkcs7-mime; smime-type=enveloped-data", Content_Transfer_Encoding="base64")
    assert ("", True) == (sealed.message.text, UNREADABLE in sealed.flags)


def test_h26_a_message_without_an_id_is_known_by_its_date_sender_and_subject(desk: Desk) -> None:
    date = "Fri, 20 Nov 2026 09:00:00 +0500"
    dated = {"Message_ID": "", "Date": date}
    first, *others = (
        pointers_of(desk, fetched(desk, **more).message).message_key
        for more in (
            dated,
            {**dated, "X_Other": "1"},
            {**dated, "Subject": "Another"},
            {**dated, "Subject": ""},
            {**dated, "Date": date.replace("09", "10")},
            {**dated, "sender": "dana@example.com"},
        )
    )
    assert [True, False, False, False, False] == [first == other for other in others]


def test_h3_a_message_is_known_again_by_its_id_date_sender_subject_and_size(desk: Desk) -> None:
    head = {"Message_ID": "<1@example.com>", "Date": "Fri, 20 Nov 2026 09:00:00 +0500"}
    first, *others = (
        fingerprint_of(desk, fetched(desk, **more))
        for more in (
            head,
            {**head, "inbox": "other@alit.kz"},
            {**head, "Message_ID": "<2@example.com>"},
            {**head, "Date": "Fri, 20 Nov 2026 10:00:00 +0500"},
            {**head, "sender": "dana9@example.com"},
            {**head, "Subject": "A lettre"},
            {**head, "text": "Please act!!"},
        )
    )
    assert [True, False, False, False, False, False] == [first == other for other in others]


def test_h26_a_message_without_id_and_date_is_known_by_its_whole_header(desk: Desk) -> None:
    bare = {"Message_ID": ""}
    first, *others = (
        pointers_of(desk, fetched(desk, **bare, **more).message).message_key for more in ({}, {}, {"X_Other": "1"}, {"X_Other": "2"})
    )
    assert [True, False, False] == [first == other for other in others]
    assert others[1] != others[2]


def test_what_a_message_answers_is_ours_or_a_persons_and_only_the_last_of_a_long_thread(desk: Desk) -> None:
    thread = [f"<{number}@example.com>" for number in range(20)]
    message = fetched(desk, In_Reply_To=OURS, References=" ".join(["<first@example.com>", *thread])).message
    pointers = pointers_of(desk, message)
    assert (OURS,) == pointers.answered_ids
    assert tuple(map(desk.keys.of_message_id, thread)) == pointers.answered_keys


def test_h87_only_a_report_of_a_bounce_may_say_what_became_of_a_letter(desk: Desk) -> None:
    kinds = ("delivery-status", "disposition-notification")
    reports = [fetched(desk, Content_Type=f"multipart/report; report-type={kind}; boundary=b") for kind in kinds]
    others = [fetched(desk), fetched(desk, Return_Path="<>")]
    assert [True, False, False, False] == [is_delivery_report(each) for each in (*reports, *others)]


def test_h86_h87_a_report_answers_the_letter_of_ours_that_it_names_and_no_other(desk: Desk) -> None:
    bounce, foreign, none = fetched(desk, References="<mailbot.y@alit.kz>"), fetched(desk), fetched(desk)
    with_report(bounce, report(FAILED))
    with_report(foreign, report(FAILED).replace(b"<mailbot.", b"<someone."))
    with_report(none, b"")
    assert [(OURS, "<mailbot.y@alit.kz>"), (), ()] == [each.pointers.answered_ids for each in (bounce, foreign, none)]
    assert [True, False, False] == [each.report is not None for each in (bounce, foreign, none)]


# --- whom to believe
VOUCHED = {"Authentication_Results": "mx.alit.kz; spf=pass smtp.mailfrom=example.com"}


@pytest.mark.parametrize(
    ("inbox", "outcome", "proof"),
    [
        (INBOX, Outcome.REQUEST, Proof.SPF),
        (INBOX, Outcome.HELD, Proof.SPF),
        (INBOX, Outcome.ORDINARY, Proof.NO_RESULTS),
        ("other@alit.kz", Outcome.REQUEST, Proof.NO_RESULTS),
    ],
)
def test_h57_only_the_server_of_its_own_inbox_vouches_for_what_asks(desk: Desk, inbox: str, outcome: Outcome, proof: Proof) -> None:
    arrival = fetched(desk, inbox=inbox, **VOUCHED)
    arrival.reading = Reading(outcome, RequestType.ACCESS if outcome is Outcome.REQUEST else None)
    weigh(desk, arrival)
    assert (proof, True) == (arrival.vouched.reason, arrival.is_weighed)


@pytest.mark.parametrize(
    ("kind", "changes"), [(RequestType.UPDATE, (Change(Field.PHONE, None, "+77000002014"),)), (RequestType.ACCESS, ())]
)
def test_only_of_an_update_is_it_read_what_is_to_be_changed(desk: Desk, kind: RequestType, changes: tuple[Change, ...]) -> None:
    arrival = fetched(desk, "My new phone is 8 700 000 20 14.")
    arrival.reading = Reading(Outcome.REQUEST, kind)
    weigh(desk, arrival)
    assert changes == arrival.changes


def test_h66_a_code_is_looked_for_in_subject_thread_and_text_and_its_sender_vouched_for(desk: Desk) -> None:
    codes = [letter * 26 for letter in "abc"]
    answer = fetched(desk, f"Yes. {codes[0]}", Subject=f"Re: {codes[1]}", In_Reply_To=f"<mailbot.{codes[2]}@alit.kz>", **VOUCHED)
    answer.reading = NOTHING_ASKED
    weigh(desk, answer)
    assert {desk.keys.of_code(code) for code in codes} == set(answer.codes)
    assert Proof.SPF is answer.vouched.reason


def test_a_message_is_weighed_once_and_only_if_it_was_read_and_is_not_shunted(desk: Desk) -> None:
    again, unread, shunted = (fetched(desk, **VOUCHED) for _ in range(3))
    again.is_weighed, unread.message, shunted.shunt_reason = True, replace(unread.message, text=None), "killed_us"
    for arrival in (again, unread, shunted):
        arrival.reading = Reading(Outcome.REQUEST, RequestType.ACCESS)
        weigh(desk, arrival)
    assert [Proof.NO_RESULTS] * 3 == [each.vouched.reason for each in (again, unread, shunted)]
