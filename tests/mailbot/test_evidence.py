"""The dossier of a request, and how the promises of a time were kept."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from mailbot import staff
from mailbot.desk import Desk
from mailbot.errors import NoSuchRequest
from mailbot.promises_kept import Kept, Worst, promises_kept
from mailbot.proof import Account, account_of, enter, verdict_of
from rules.vocabulary import RequestType, State
from storage import chain, register
from storage.destruction import How, destroy, person_with
from storage.tables import events, letters, obligations, requests
from storage.verification import Flaw
from tests.mailbot.register_room import NOW, PERSON, act, arrive, office, open_desk, put_on_file, still_owed
from tests.storage.stock import a_request, an_obligation

OFFICER = "staff:officer"
DAYS = date(2026, 1, 1), date(2026, 12, 31)
LATER = NOW + timedelta(days=40)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(office(tmp_path, systems=("crm",))) as opened:
        yield opened


def settle_letters(desk: Desk) -> None:
    with desk.database.write() as tx:
        tx.execute(update(letters).values(state="accepted", settled_at=NOW, marked_at=NOW, reply="250 2.0.0 Ok: queued as 4ZTkQ1"))


def carried_out(desk: Desk) -> Account:
    """Let a revocation arrive that is carried out everywhere, its letter accepted, and return its dossier."""
    put_on_file(desk)
    reference = arrive(desk, RequestType.REVOKE_CONSENT, matched="revocation of consent")
    act(desk, staff.approve, reference, OFFICER)
    for what, system in still_owed(desk, reference):
        act(desk, staff.tick_off, reference, OFFICER, what=what, system=system)
    settle_letters(desk)
    return account_of(desk, reference, NOW)


def test_a_dossier_is_json_and_says_what_was_understood_and_what_that_rests_on(desk: Desk) -> None:
    account = json.loads(json.dumps(carried_out(desk)))
    assert ("mailbot-evidence-1", "revoke_consent", "carried_out", PERSON) == tuple(
        account[name] for name in ("format", "type", "state", "sender")
    )
    understood = account["understood"]
    assert ("revocation of consent", "exact", "kazger") == (understood["matched"], understood["certainty"], understood["policy"])
    assert ("aligned", "spf") == (account["standing"]["standing"], account["standing"]["rests_on"])
    assert "2026-11-20T11:30:00+05:00" == account["received"], "moments stand on the operator's clock"


def test_each_obligation_has_its_source_arithmetic_and_how_it_was_met(desk: Desk) -> None:
    owed = {(each["what"], each["system"]): each for each in carried_out(desk)["obligations"]}
    here = owed["stop_processing", "mailbot"]
    assert "Policy clause 8.4" in here["source"]
    assert "2026" in here["arithmetic"]
    assert ("2026-11-20T11:30:00+05:00", OFFICER) == (here["met"], here["by"])
    assert (date.fromisoformat(here["due"]) - date(2026, 11, 20)).days == here["days_in_hand"] > 0


def test_each_letter_has_its_text_and_the_servers_answer(desk: Desk) -> None:
    account = carried_out(desk)
    assert {"250 2.0.0 Ok: queued as 4ZTkQ1"} == {letter["reply"] for letter in account["letters"]}
    assert all(account["reference"] in letter["text"] for letter in account["letters"])
    entered = [line["detail"] for line in account["history"] if line["what"] == "letter_is_accepted"]
    assert [letter["message_id"] for letter in account["letters"]] == [each["message_id"] for each in entered]


@pytest.mark.parametrize(
    "values", [{"reply": "250 ok"}, {"state": "failed"}, {"content": b"Subject: another\r\n\r\n"}], ids=lambda given: next(iter(given))
)
def test_a_letter_that_is_not_what_the_chain_says_of_it_is_not_proven(desk: Desk, values: dict[str, Any]) -> None:
    account = carried_out(desk)
    assert all(letter["proven"] for letter in account["letters"])
    with desk.database.write() as tx:
        tx.execute(update(letters).values(values))
    assert not any(letter["proven"] for letter in account_of(desk, account["reference"], NOW)["letters"])


def test_the_person_s_message_stands_in_it_as_it_was_kept(desk: Desk) -> None:
    (message,) = carried_out(desk)["messages"]
    assert f"From: {PERSON}" in message["header"]
    assert message["text"].startswith("Text ")


def test_the_history_stands_in_it_with_its_hashes_and_the_head(desk: Desk) -> None:
    account = carried_out(desk)
    assert {"received", "approved", "done", "carried_out", "owed", "letter_is_accepted"} <= {line["what"] for line in account["history"]}
    assert all(line["proven"] and len(line["hash"]) == 64 for line in account["history"])
    assert (account["history"][-1]["hash"], [], 0) == tuple(account["chain"][name] for name in ("head", "faults", "faults_elsewhere"))


def test_a_late_obligation_and_an_open_one_are_counted_in_days(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    (due,) = {each["due"] for each in account_of(desk, reference, NOW)["obligations"]}
    late = [each["days_in_hand"] for each in account_of(desk, reference, LATER)["obligations"]]
    assert {(date.fromisoformat(due) - date(2026, 12, 30)).days} == set(late)


def test_an_unknown_reference_says_so(desk: Desk) -> None:
    with pytest.raises(NoSuchRequest, match="there is no request 2026-99999-K"):
        account_of(desk, "2026-99999-K", NOW)


def test_h107_of_a_destroyed_person_it_stays_proven_what_was_owed_and_when_it_was_met(desk: Desk) -> None:
    before = carried_out(desk)
    with desk.database.write() as tx:
        destroy(tx, person_with(tx, PERSON), How.DESTROYED, before["reference"], NOW)
    after = account_of(desk, before["reference"], NOW)
    assert "aigul" not in json.dumps(after).lower()
    assert before["obligations"] == after["obligations"]
    assert [""] == [message["header"] for message in after["messages"]]
    assert {"letter_is_accepted"} == {line["what"] for line in after["history"] if not line["proven"]}
    assert [] == after["chain"]["faults"]


def test_faults_of_other_requests_are_only_counted(desk: Desk) -> None:
    first, second = arrive(desk, RequestType.ACCESS), arrive(desk, RequestType.ACCESS, "dana@example.com")
    with desk.database.write() as tx:
        tx.execute(update(obligations).where(obligations.c.reference == second).values(due=date(2027, 1, 1)))
    of_first, of_second = (account_of(desk, each, NOW)["chain"] for each in (first, second))
    assert (0, len(of_second["faults"])) == (len(of_first["faults"]), of_first["faults_elsewhere"])
    assert {Flaw.REGISTER} == {each["flaw"] for each in of_second["faults"]}


def test_a_line_whose_words_were_changed_is_not_proven(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    with desk.database.write() as tx:
        tx.execute(update(events).where(events.c.id == 1).values(detail={"rule": "another"}))
    assert [False] == [line["proven"] for line in account_of(desk, reference, NOW)["history"] if line["line"] == 1]


def test_letters_are_entered_before_anything_is_checked(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    settle_letters(desk)
    assert 0 == verdict_of(desk, None, NOW).found
    assert 0 == enter(desk, NOW)
    with desk.database.read() as tx:
        assert "letter_is_accepted" == chain.lines_of(tx, reference)[-1].what


# --- promises --------------------------------------------------------------------------------------------------------
def of(desk: Desk, source: str, now: datetime = NOW) -> Kept:
    return next(each for each in promises_kept(desk, *DAYS, now) if each.source == source)


def owe(desk: Desk, number: int, state: State = State.AWAITING_STAFF, **fields: Any) -> str:
    """Put a request into the register that owes one answer, which was met on ``met``."""
    met = fields.pop("met", None)
    closed = fields.pop("closed", met)
    owed = an_obligation(**{"source": "Policy clause 3.2", "losing": (), "due": date(2026, 12, 1), **fields})
    entry = replace(a_request(f"2026-{number:05d}-K", number, obligations=(owed,)), state=state)
    with desk.database.write() as tx:
        register.add_requests(tx, [entry], NOW)
        tx.execute(update(obligations).where(obligations.c.reference == entry.reference).values(met_at=met))
        tx.execute(update(requests).where(requests.c.reference == entry.reference).values(closed_at=closed))
    return entry.reference


def test_every_clause_and_article_is_told_of_and_none_twice(desk: Desk) -> None:
    told = promises_kept(desk, *DAYS, NOW)
    limits = (*desk.policy.limits, *desk.policy.law.limits)
    assert list(dict.fromkeys(limit.cite for limit in limits)) == [each.source for each in told]
    assert {0} == {each.called for each in told}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"met": datetime(2026, 12, 1, 18, 59, tzinfo=NOW.tzinfo)}, ("kept", 0)),
        ({"met": datetime(2026, 12, 1, 19, 1, tzinfo=NOW.tzinfo)}, ("late", -1)),
        ({}, ("open", 11)),
        ({"due": date(2026, 11, 19)}, ("late", -1)),
        ({"state": State.REFUSED, "closed": NOW}, ("ended", 11)),
        ({"state": State.REFUSED, "closed": NOW, "due": date(2026, 11, 1)}, ("late", -19)),
    ],
    ids=["on the last evening in Almaty", "past midnight in Almaty", "open", "open and late", "refused in time", "refused too late"],
)
def test_a_promise_is_kept_to_the_last_minute_of_the_operators_day(desk: Desk, fields: dict[str, Any], expected: tuple[str, int]) -> None:
    reference = owe(desk, 1, **fields)
    told = of(desk, "Policy clause 3.2")
    assert expected == (next(name for name in ("kept", "late", "open", "ended") if getattr(told, name)), (told.worst or Worst("", 0)).days)
    assert (1, 1, reference) == (told.called, told.kept + told.late + told.open + told.ended, told.worst and told.worst.reference)


def test_the_worst_case_is_the_one_with_the_fewest_days_in_hand(desk: Desk) -> None:
    owe(desk, 1, met=NOW)
    worst = owe(desk, 2, met=NOW, due=date(2026, 11, 22))
    owe(desk, 3, due=None)
    told = of(desk, "Policy clause 3.2")
    assert (3, 2, 1, Worst(worst, 2)) == (told.called, told.kept, told.open, told.worst)


def test_a_promise_that_lost_is_called_upon_too_and_has_its_own_day(desk: Desk) -> None:
    losing = (
        {"source": "Law 94-V art. 8(7)", "due": "2026-12-10", "arithmetic": ""},
        {"source": "Policy clause 4.1", "due": None, "arithmetic": ""},
    )
    owe(desk, 1, met=datetime(2026, 12, 5, tzinfo=NOW.tzinfo), losing=losing)
    days = {
        source: (of(desk, source).worst or Worst("", 0)).days for source in ("Policy clause 3.2", "Law 94-V art. 8(7)", "Policy clause 4.1")
    }
    assert {"Policy clause 3.2": -4, "Law 94-V art. 8(7)": 5, "Policy clause 4.1": -4} == days


@pytest.mark.parametrize(
    "promises",
    [
        ["Policy clause 12.1", "Rules 395/НҚ p. 16; Law 94-V art. 25(2)(6), (7), (9)"],
        ["Law 94-V art. 8(7), with the mailbox providers' 48-hour rule"],
    ],
    ids=["two promises, one of them with the sign that joins", "one that begins like another"],
)
def test_a_source_calls_upon_each_promise_that_it_names_and_upon_no_other(desk: Desk, promises: list[str]) -> None:
    owe(desk, 1, met=NOW, source="; ".join(promises))
    assert promises == [each.source for each in promises_kept(desk, *DAYS, NOW) if each.called]


def test_what_no_text_of_today_promises_comes_last(desk: Desk) -> None:
    owe(desk, 1, met=NOW, source="Policy clause 99")
    assert ("Policy clause 99", 1) == ((last := promises_kept(desk, *DAYS, NOW)[-1]).source, last.called)


def test_only_what_was_received_in_these_days_counts_and_what_was_no_request_never_does(desk: Desk) -> None:
    owe(desk, 1, met=NOW)
    owe(desk, 2, State.NO_REQUEST)
    received = date(2026, 11, 23)
    for first, last, called in ((received, received, 1), (date(2026, 1, 1), received - timedelta(days=1), 0)):
        assert called == sum(each.called for each in promises_kept(desk, first, last, NOW))
