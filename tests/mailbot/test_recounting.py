"""What is owed is counted anew when a law, a policy, the calendar, a system or a third party changes, and when a sender confirms."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from mailbot import carrying_out, corrections, entering, staff
from mailbot.desk import Acting, Desk
from mailbot.recounting import recount
from rules.vocabulary import Answer, Event, RequestType, Standing, State
from storage import confirmations, register
from storage.tables import obligations, requests, tasks
from tests.mailbot.register_room import (
    NOW,
    act,
    arrive,
    details,
    history,
    is_suppressed,
    office,
    open_desk,
    request,
    still_owed,
)

ME = "staff:dana"
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)
MONDAY_OFF = '2026-11-23 = { day = "off", order = "No. 5" }\n'

OWN_PACK = """
name = "example"
law = "kz-94v"
source_mark = "text"
inboxes = ["info@example.com"]
languages = ["en"]
limit = [
    { id = "1", clause = "1", requests = ["access"], duties = ["answer"], amount = 2, unit = "working_days", starts = "confirmation" },
    { id = "2", clause = "2", requests = ["unblock"], duties = ["unblock"], amount = 3, unit = "working_days", starts = "confirmation" },
]

[operator]
en = "Example"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with a file of moved days, empty yet, and one system besides."""
    config = office(tmp_path, systems=("crm",))
    (tmp_path / "moved.toml").write_text("", "utf-8")
    write(config, 'timezone = "Asia/Almaty"', f'timezone = "Asia/Almaty"\ncalendar_overrides = "{tmp_path}/moved.toml"')
    return config


def write(config: Path, old: str, new: str) -> None:
    text = config.read_text("utf-8")
    assert old in text
    config.write_text(text.replace(old, new), "utf-8")


def counted_anew(config: Path) -> int:
    with open_desk(config) as desk:
        return recount(desk, NOW)


def days(desk: Desk, reference: str) -> dict[tuple[str, str], date | None]:
    return {(owed.what, owed.system): owed.due for owed in request(desk, reference).obligations}


def test_nothing_is_written_where_nothing_changed(config: Path) -> None:
    with open_desk(config) as desk:
        reference = arrive(desk, RequestType.UPDATE)
        assert [0, 0] == [recount(desk, NOW), recount(desk, NOW + timedelta(days=1))]
        assert "recounted" not in history(desk, reference)


def test_a_day_that_an_order_moves_moves_what_is_still_owed_and_says_why(config: Path) -> None:
    with open_desk(config) as desk:
        recount(desk, NOW)
        reference = arrive(desk, RequestType.UPDATE)
        act(desk, staff.tick_off, reference, ME, what="amend", system="crm")
    (config.parent / "moved.toml").write_text(MONDAY_OFF, "utf-8")
    assert [1, 0] == [counted_anew(config), counted_anew(config)]
    with open_desk(config) as desk:
        assert {("amend", "mailbot"): TUESDAY, ("amend", "crm"): MONDAY} == days(desk, reference)
        assert TUESDAY == request(desk, reference).due
        assert "No. 5" in request(desk, reference).obligations[0].arithmetic
        said = {"what": "amend", "system": "mailbot", "was": "2026-11-23", "now": "2026-11-24", "why": "calendar"}
        assert [said] == details(desk, reference, "recounted")


def test_what_is_closed_keeps_its_day(config: Path) -> None:
    with open_desk(config) as desk:
        recount(desk, NOW)
        reference = arrive(desk, RequestType.UPDATE)
        act(desk, staff.refuse, reference, ME, staff.Ground("art. 8(2)"))
    (config.parent / "moved.toml").write_text(MONDAY_OFF, "utf-8")
    assert 0 == counted_anew(config)
    with open_desk(config) as desk:
        assert {MONDAY} == set(days(desk, reference).values())


@pytest.mark.parametrize("kind", [None, *RequestType])
def test_counting_anew_by_the_same_rules_finds_the_same_days(config: Path, kind: RequestType | None) -> None:
    """What an entry follows from can be told from the register alone: also what stops elsewhere, and what is in doubt."""
    with open_desk(config) as desk:
        references = [arrive(desk, kind), arrive(desk, kind, "dana@example.com", standing=Standing.UNPROVEN)]
        assert 0 == recount(desk, NOW)
        assert [] == [detail for reference in references for detail in details(desk, reference, "recounted")]


def test_an_event_is_counted_anew_from_its_own_moment_and_a_term_stays(config: Path) -> None:
    with open_desk(config) as desk, desk.database.write() as tx:
        acting = Acting(tx, desk, ME)
        breach = entering.enter_event(acting, Event.BREACH, "", NOW, "a laptop").reference
    with open_desk(config) as desk:
        inquiry = arrive(desk, RequestType.AUTHORITY_INQUIRY)
        act(desk, entering.set_term, inquiry, ME, date(2026, 11, 25))
        recount(desk, NOW)
    (config.parent / "moved.toml").write_text(MONDAY_OFF, "utf-8")
    counted_anew(config)
    with open_desk(config) as desk:
        assert {("notify_authority", "staff"): TUESDAY} == days(desk, breach)
        assert {("answer", "staff"): date(2026, 11, 25)} == days(desk, inquiry)


def test_another_policy_is_named_as_the_reason(config: Path) -> None:
    with open_desk(config) as desk:
        reference = arrive(desk, RequestType.ACCESS)
        recount(desk, NOW)
    write(config, '"kazger"', '"technowomen"')
    assert 1 == counted_anew(config)
    with open_desk(config) as desk:
        assert ["pack technowomen"] == [each["why"] for each in details(desk, reference, "recounted")]
        assert {"Policy clause 9.1"} <= {lost["source"] for lost in request(desk, reference).obligations[0].losing}


def test_a_new_system_and_a_new_third_party_get_their_part_of_what_is_open(config: Path) -> None:
    write(config, '"kazger"', '"technowomen"')
    with open_desk(config) as desk:
        asked, revoked = arrive(desk, RequestType.DESTROY), arrive(desk, RequestType.REVOKE_CONSENT, "dana@example.com")
        recount(desk, NOW)
    config.write_text(config.read_text("utf-8") + '[[system]]\nname = "tables"\n[[third_party]]\nname = "Printer LLP"\n', "utf-8")
    assert 2 == counted_anew(config)
    with open_desk(config) as desk:
        new = {("destroy", "tables"), ("stop_messages", "tables"), ("notify_third_party", "Printer LLP")}
        assert new <= set(still_owed(desk, asked))
        assert {("stop_messages", "tables"), ("stop_processing", "tables")} <= set(still_owed(desk, revoked))
        assert {False} == {"was" in each for each in details(desk, asked, "recounted")}
        assert {"systems"} == {each["why"] for each in details(desk, asked, "recounted")}


def test_messages_that_a_former_opt_out_stopped_here_need_not_stop_elsewhere(config: Path) -> None:
    with open_desk(config) as desk:
        reference = arrive(desk, RequestType.OPT_OUT)
        act(desk, corrections.give_type, reference, ME, RequestType.QUESTION)
        assert 0 == recount(desk, NOW)
        assert (True, [("answer", "staff")]) == (is_suppressed(desk), still_owed(desk, reference))


def test_a_new_systems_command_is_told_what_mailbot_has_done_already(config: Path) -> None:
    with open_desk(config) as desk:
        recount(desk, NOW)
        reference = arrive(desk, RequestType.OPT_OUT)
    config.write_text(config.read_text("utf-8") + '[[system]]\nname = "tables"\nmode = "command"\ncommand = ["/bin/true"]\n', "utf-8")
    counted_anew(config)
    with open_desk(config) as desk, desk.database.read() as tx:
        waiting = tx.execute(select(tasks.c.reference, tasks.c.system, tasks.c.what)).all()
    assert [(reference, "tables", "stop_messages")] == [tuple(each) for each in waiting]


def test_what_is_owed_in_a_system_that_is_named_no_more_stays_owed_and_is_told_once(config: Path) -> None:
    with open_desk(config) as desk:
        reference = arrive(desk, RequestType.UPDATE)
        recount(desk, NOW)
    write(config, '[[system]]\nname = "crm"\n', "")
    counted_anew(config)
    (config.parent / "moved.toml").write_text(MONDAY_OFF, "utf-8")
    counted_anew(config)
    with open_desk(config) as desk:
        assert MONDAY == days(desk, reference)["amend", "crm"]
        assert [{"what": "amend", "system": "crm"}] == details(desk, reference, "left_owed")


def test_what_older_versions_did_not_keep_is_filled_in_without_a_word(config: Path) -> None:
    with open_desk(config) as desk:
        reference = arrive(desk, RequestType.ACCESS)
        before = request(desk, reference).obligations
        with desk.database.write() as tx:
            tx.execute(update(obligations).values(trigger=None, started_at=None, clause=None, mark=None))
        assert (0, before) == (recount(desk, NOW), request(desk, reference).obligations)
        assert [] == details(desk, reference, "recounted")


# --- a clock that starts with the sender's yes ---------------------------------------------------------------------------


@pytest.fixture
def own_pack(config: Path) -> Path:
    """A policy of one's own whose limits are counted from the confirmation."""
    (config.parent / "own.toml").write_text(OWN_PACK, "utf-8")
    write(config, '"kazger"', f'"{config.parent}/own.toml"')
    return config


def confirm(desk: Desk, reference: str, at: datetime) -> None:
    """Let the sender say yes to what was asked back."""
    with desk.database.write() as tx:
        tx.execute(update(requests).where(requests.c.reference == reference).values(state=State.AWAITING_SENDER))
        asked = confirmations.of_request(tx, reference)
        carrying_out.hear_answers(tx, desk, [(each, Answer.YES) for each in asked], at)


def test_asking_the_sender_is_owed_within_the_limit_and_done_with_the_letter_that_asks(own_pack: Path) -> None:
    with open_desk(own_pack) as desk:
        asked = {owed.what: owed for owed in request(desk, arrive(desk, RequestType.ACCESS, standing=Standing.UNPROVEN)).obligations}
    assert (TUESDAY, "receipt", NOW, "mailbot") == (
        asked["ask_sender"].due,
        asked["ask_sender"].starts,
        asked["ask_sender"].met_at,
        asked["ask_sender"].met_by,
    )
    assert (date(2026, 11, 25), "receipt") == (asked["answer"].due, asked["answer"].starts)  # until then the statute's, from receipt


def test_where_no_letter_asks_staff_have_to_and_the_entry_is_due_with_that(own_pack: Path) -> None:
    with open_desk(own_pack) as desk:
        unblock = request(desk, arrive(desk, RequestType.UNBLOCK, standing=Standing.UNPROVEN))
        assert (date(2026, 11, 25), ("ask_sender", "staff")) == (unblock.due, still_owed(desk, unblock.reference)[-1])


def test_the_duty_gets_its_day_when_the_sender_confirms(own_pack: Path) -> None:
    with open_desk(own_pack) as desk:
        reference = arrive(desk, RequestType.ACCESS, standing=Standing.UNPROVEN)
        confirm(desk, reference, NOW)
        answer = request(desk, reference).obligations[0]
        assert ("answer", TUESDAY, "confirmation", NOW) == (answer.what, answer.due, answer.starts, answer.started_at)
        assert ["confirmed"] == [each["why"] for each in details(desk, reference, "recounted")]
        assert 0 == recount(desk, NOW)


def test_whom_the_mail_server_vouches_for_has_confirmed_with_the_letter(own_pack: Path) -> None:
    with open_desk(own_pack) as desk:
        unblock = request(desk, arrive(desk, RequestType.UNBLOCK))
        assert {("unblock", "mailbot"): date(2026, 11, 25), ("unblock", "crm"): date(2026, 11, 25)} == days(desk, unblock.reference)
        assert 0 == recount(desk, NOW)


def test_thousands_are_counted_in_several_transactions(config: Path) -> None:
    """A death between two of them leaves the stamp as it was, and what is left is counted at the next start."""
    with open_desk(config) as desk:
        references = [arrive(desk, RequestType.UPDATE, f"p{number}@example.com") for number in range(120)]
    (config.parent / "moved.toml").write_text(MONDAY_OFF, "utf-8")
    assert 120 == counted_anew(config)
    with open_desk(config) as desk, desk.database.read() as tx:
        assert {TUESDAY} == {each.due for each in register.list_requests(tx) if each.reference in references}
