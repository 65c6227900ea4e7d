"""``mailbot requests``, ``letters`` and ``subscribers``: what programs get, what people see, and that nothing of mail does more."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rules.vocabulary import RequestType
from tests.conftest import ConfigFile
from tests.mailbot.register_room import arrive, office, open_desk, person, put_on_file
from tests.mailbot.typing_room import PROGRAM, Ran, Type, run_apart, run_at_terminal, typist
from tests.servers import Dovecot

HOSTILE = "\x1b[2J\x9b31m\u202eevil\ttab"
REQUEST_KEYS = {"reference", "type", "state", "received", "due", "language", "outcome", "standing", "obligations"}
REQUEST_KEYS |= {"inbox", "folder", "uidvalidity", "uid"}
OBLIGATION_KEYS = {"what", "system", "source", "starts", "due", "met"}


@pytest.fixture
def mailbot(capsys: pytest.CaptureFixture[str]) -> Type:
    return typist(capsys)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return office(tmp_path, systems=("crm",))


def rows(ran: Ran) -> list[dict[str, Any]]:
    assert (0, "") == (ran.status, ran.err)
    return [json.loads(line) for line in ran.out.splitlines()]


def row_of(mailbot: Type, config: Path) -> dict[str, Any]:
    """Return the only request of the register."""
    (row,) = rows(mailbot("requests", "list", "--json", "--config", config))
    return row


def arrived(config: Path, kind: RequestType | None, **facts: Any) -> str:
    """Let a request arrive now, so that what is typed today finds it open."""
    with open_desk(config, datetime.now(UTC)) as desk:
        return arrive(desk, kind, **facts)


def test_an_empty_register_is_a_sentence_for_people_and_nothing_for_programs(mailbot: Type, config: Path) -> None:
    assert Ran(0, "The register is empty.\n", "") == mailbot("requests", "list", "--config", config)
    assert Ran(0, "", "") == mailbot("requests", "list", "--json", "--config", config)
    assert Ran(0, "There are no letters yet.\n", "") == mailbot("letters", "list", "--config", config)


def test_requests_have_the_keys_of_the_contract(mailbot: Type, config: Path) -> None:
    with open_desk(config) as desk:  # it is 20 November 2026
        reference = arrive(desk, RequestType.REVOKE_CONSENT)
    (row,) = rows(mailbot("requests", "list", "--json", "--config", config))
    assert set() == REQUEST_KEYS - set(row)
    assert [set()] * len(row["obligations"]) == [OBLIGATION_KEYS - set(owed) for owed in row["obligations"]]
    told = {
        key: row[key]
        for key in ("reference", "type", "state", "received", "language", "outcome", "standing", "inbox", "folder", "uidvalidity")
    }
    assert {
        "reference": reference,
        "type": "revoke_consent",
        "state": "awaiting_staff",
        "received": "2026-11-20",
        "language": "en",
        "outcome": "request",
        "standing": "aligned",
        "inbox": "info@alit.kz",
        "folder": "INBOX",
        "uidvalidity": 1,
    } == told
    owed_where = [("stop_processing", "mailbot"), ("stop_processing", "crm"), ("stop_messages", "crm")]
    assert owed_where == [(owed["what"], owed["system"]) for owed in row["obligations"]]
    assert row["due"] == min(owed["due"] for owed in row["obligations"] if owed["due"] and not owed["met"])
    assert [{**row, "changes": []}] == rows(mailbot("requests", "show", reference, "--json", "--config", config))


def test_a_held_message_has_no_type_and_is_listed_as_held(mailbot: Type, config: Path) -> None:
    arrived(config, None, may_be=(RequestType.ACCESS, RequestType.DESTROY))
    (row,) = rows(mailbot("requests", "list", "--json", "--config", config))
    assert (None, "held", ["access", "destroy"]) == (row["type"], row["outcome"], row["may_be"])
    assert "\theld: access, destroy\tawaiting_staff\t" in mailbot("requests", "list", "--config", config).out


def test_the_most_urgent_comes_first_and_open_leaves_out_what_is_closed(mailbot: Type, config: Path) -> None:
    for kind in (RequestType.QUESTION, RequestType.DESTROY, RequestType.OPT_OUT, RequestType.REVOKE_CONSENT):
        arrived(config, kind, sender=f"{kind}@example.com".replace("_", "-"))
    listed = rows(mailbot("requests", "list", "--json", "--config", config))
    assert sorted(row["due"] for row in listed if row["due"]) == [row["due"] for row in listed if row["due"]]
    mailbot("requests", "done", listed[0]["reference"], "--config", config)
    still_open = rows(mailbot("requests", "list", "--open", "--json", "--config", config))
    assert [row["reference"] for row in listed[1:]] == [row["reference"] for row in still_open]


def test_letters_have_the_keys_of_the_contract(mailbot: Type, config: Path) -> None:
    reference = arrived(config, RequestType.ACCESS)
    (row,) = rows(mailbot("letters", "list", "--json", "--config", config))
    assert ["id", "reference", "kind", "language", "state", "message_id", "attempts"] == list(row)
    assert (reference, "acknowledgement", "en", "queued", 0) == tuple(
        row[key] for key in ("reference", "kind", "language", "state", "attempts")
    )


OF_A_SUBSCRIBER = ("surname", "address", "on_file", "emails", "phones", "suppressed", "suppressed_since", "blocked")


def test_a_subscriber_has_the_keys_of_the_contract(mailbot: Type, config: Path, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text(
        "email,phone,surname,consents,consent_since,consent_evidence\n"
        "aigul@example.com,+7 700 000 12 34,Әбілқызы,promotion,2026-01-31,form\n",
        encoding="utf-8",
    )
    assert Ran(0, "1 put on file, 0 lines refused.\n", "") == mailbot("subscribers", "import", people, "--config", config)
    (row,) = rows(mailbot("subscribers", "show", "aigul@example.com", "--json", "--config", config))
    assert [
        {
            "surname": "Әбілқызы",
            "address": "aigul@example.com",
            "on_file": True,
            "emails": ["aigul@example.com"],
            "phones": ["+77000001234"],
            "suppressed": False,
            "suppressed_since": None,
            "blocked": False,
        }
    ] == [{key: value for key, value in row.items() if key in OF_A_SUBSCRIBER}]
    (consent,) = row["consents"]
    assert ("promotion", "2026-01-31", None) == (consent["scope"], consent["since"], consent["until"])
    shown = mailbot("subscribers", "show", "aigul@example.com", "--config", config).out.splitlines()
    assert {"phones: +77000001234", "consents: promotion since 2026-01-31 evidence form", "suppressed: no", "blocked: no"} <= set(shown)


def test_who_opted_out_without_being_on_file_is_shown_as_suppressed(mailbot: Type, config: Path) -> None:
    arrived(config, RequestType.OPT_OUT)
    (row,) = rows(mailbot("subscribers", "show", "aigul@example.com", "--json", "--config", config))
    assert (False, True, []) == (row["on_file"], row["suppressed"], row["consents"])


def test_who_is_unknown_is_1_and_a_sentence(mailbot: Type, config: Path) -> None:
    said = "mailbot: nobody@example.com is not on file, and messages to it are not stopped\n"
    assert Ran(1, "", said) == mailbot("subscribers", "show", "nobody@example.com", "--config", config)


def test_refused_lines_go_to_standard_error_and_make_the_import_1(mailbot: Type, config: Path, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("email\none@example.com\n\nONE@example.com\n", encoding="utf-8")
    ran = mailbot("subscribers", "import", people, "--config", config)
    assert Ran(1, "1 put on file, 1 lines refused.\n", "line 4, email: this address is on file already\n") == ran


def test_a_file_that_cannot_be_read_is_1_and_a_sentence(mailbot: Type, config: Path, tmp_path: Path) -> None:
    absent = tmp_path / "absent.csv"
    said = f"mailbot: {absent} cannot be read: no such file or directory\n"
    assert Ran(1, "", said) == mailbot("subscribers", "import", absent, "--config", config)


def test_acts_are_typed_and_answered_with_the_state(mailbot: Type, config: Path) -> None:
    with open_desk(config) as desk:
        put_on_file(desk)
    reference = arrived(config, RequestType.BLOCK)
    typed = (
        (("approve", reference), "awaiting_staff"),
        (("done", reference, "block", "--system", "crm"), "awaiting_staff"),
        (("done", reference, "stop_messages", "--system", "crm"), "carried_out"),
        (("reopen", reference), "awaiting_staff"),
        (("refuse", reference, "--ground", "art. 8(2)"), "refused"),
    )
    for (act, *arguments), state in typed:
        ran = mailbot("requests", act, *arguments, "--config", config)
        assert (0, f"{reference}: {state}", "") == (ran.status, ran.out.splitlines()[0], ran.err)
    with open_desk(config) as desk:
        assert person(desk).blocked_at is not None


def test_an_act_tells_what_was_ticked_and_what_is_open(mailbot: Type, config: Path) -> None:
    reference = arrived(config, RequestType.BLOCK)
    (owed,) = {each["due"] for each in row_of(mailbot, config)["obligations"] if each["what"] == "block"}
    still = [f"still open: block (mailbot), due {owed}", f"still open: block (crm), due {owed}"]
    typed = (
        (("done", reference, "stop_messages"), ["awaiting_staff", "done: stop_messages (crm)", *still]),
        (("done", reference), ["awaiting_staff", "done: block (crm)", still[0]]),
        (("reopen", reference, "block"), ["awaiting_staff", still[0], f"owed again: block (crm), due {owed}"]),
        (("refuse", reference, "--ground", "art. 8(2)"), ["refused"]),
        (("reopen", reference), ["awaiting_staff", *still]),
    )
    for (act, *arguments), (state, *lines) in typed:
        ran = mailbot("requests", act, *arguments, "--config", config)
        assert ([f"{reference}: {state}", *lines], "") == (ran.out.splitlines(), ran.err)


def test_a_reopened_request_that_owes_nothing_says_how_it_is_closed(mailbot: Type, config: Path) -> None:
    reference = arrived(config, RequestType.ACCESS)
    mailbot("requests", "done", reference, "--config", config)
    said = f"{reference}: awaiting_staff\nnothing is owed: `mailbot requests done {reference}` closes it\n"
    assert Ran(0, said, "") == mailbot("requests", "reopen", reference, "--config", config)


def test_what_a_closed_request_still_owed_is_shown_as_not_done(mailbot: Type, config: Path) -> None:
    reference = arrived(config, RequestType.ACCESS)
    mailbot("requests", "refuse", reference, "--ground", "art. 8(2)", "--config", config)
    assert "- answer (staff): not done, the request is refused\n" in mailbot("requests", "show", reference, "--config", config).out


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("requests", "done"), "Nor does one of an opt_out"),
        (("requests", "done"), "does nothing itself"),
        (("requests", "approve"), "Only this changes that store"),
        (("held", "drop"), "A message that was set aside, as m123."),
    ],
)
def test_the_help_says_what_an_act_does(mailbot: Type, command: tuple[str, ...], words: str) -> None:
    assert words in " ".join(mailbot(*command, "--help").out.split())


def test_moments_are_shown_on_the_operators_clock(mailbot: Type, config: Path) -> None:
    with open_desk(config, datetime(2026, 11, 20, 20, tzinfo=UTC)) as desk:  # it is the 21st in Almaty
        reference = arrive(desk, RequestType.OPT_OUT)
    shown = mailbot("requests", "show", reference, "--config", config).out.splitlines()
    assert "message of 2026-11-21 01:00 +0500: A request" in shown
    assert "- stop_messages (mailbot): met 2026-11-21 by mailbot" in shown
    assert "2026-11-21 01:00 +0500  messages stopped  mailbot" in shown


def test_the_letters_of_a_request_are_shown_with_it(mailbot: Type, config: Path) -> None:
    reference = arrived(config, RequestType.ACCESS)
    mailbot("letters", "drop", "1", "--reason", "a test", "--config", config)
    mailbot("requests", "refuse", reference, "--ground", "art. 8(2)", "--config", config)
    shown = mailbot("requests", "show", reference, "--config", config).out
    first, second = (line for line in shown.splitlines() if line.startswith("letter "))
    assert first.startswith("letter 1: acknowledgement  en  dropped  last reply: dropped by staff:")
    assert "letter 2: refusal  en  queued  last reply: -" == second
    assert "no acknowledgement" not in shown


UNANSWERED: dict[str, tuple[RequestType, dict[str, Any]]] = {
    "no reply sender": (RequestType.ACCESS, {"sender": "noreply@example.com"}),
    "not addressed to us": (RequestType.ACCESS, {"fields": {"To": "dana@example.com"}}),
    "the mail server took it for spam": (RequestType.ACCESS, {"fields": {"X-Spam-Flag": "YES"}}),
    "no letter can reach its sender's address": (RequestType.ACCESS, {"sender": "айгуль@example.com"}),
    "staff alone write to a state body": (RequestType.AUTHORITY_INQUIRY, {}),
    "it is held until a person has looked at it": (RequestType.ACCESS, {"sender": "aigul@example.com, dana@example.com"}),
}


@pytest.mark.parametrize(("reason", "kind", "facts"), [(reason, *each) for reason, each in UNANSWERED.items()], ids=UNANSWERED)
def test_i5_where_no_acknowledgement_was_written_it_says_why(
    mailbot: Type, config: Path, reason: str, kind: RequestType, facts: dict[str, Any]
) -> None:
    reference = arrived(config, kind, **facts)
    assert f"no acknowledgement: {reason}" in mailbot("requests", "show", reference, "--config", config).out.splitlines()


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"sender": "aigul@example.com, dana@example.com"}, "It is not clear who the sender is"),
        ({"sender": "dana@example.com", "fields": {"Subject": "Re: {}"}}, "It names the request of somebody else"),
        ({"may_be": (RequestType.ACCESS, RequestType.DESTROY)}, "the test says so"),
    ],
    ids=["sender", "reference", "recognition"],
)
def test_what_is_held_says_why_it_was_held_and_not_what_it_would_be_else(
    mailbot: Type, config: Path, facts: dict[str, Any], why: str
) -> None:
    anothers = arrived(config, RequestType.UPDATE)
    fields = {name: value.format(anothers) for name, value in facts.get("fields", {}).items()}
    reference = arrived(config, RequestType.ACCESS, **{**facts, "fields": fields})
    assert f"\nwhy: {why}" in mailbot("requests", "show", reference, "--config", config).out
    (listed,) = rows(mailbot("held", "list", "--json", "--config", config))
    assert (reference, True) == (listed["id"], listed["why"].startswith(why))


def test_what_is_not_possible_is_1_and_a_sentence(mailbot: Type, config: Path) -> None:
    reference = arrived(config, RequestType.ACCESS)
    ran = mailbot("requests", "approve", reference, "--config", config)
    assert (1, "", 1) == (ran.status, ran.out, len(ran.err.splitlines()))
    assert f"type `mailbot requests done {reference}`" in ran.err


def test_the_history_shows_who_did_what_and_on_what_ground(mailbot: Type, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "dana" + "a" * 80)
    reference = arrived(config, RequestType.ACCESS)
    mailbot("requests", "refuse", reference, "--ground", "Law 94-V art. 8(2)", "--config", config)
    last = mailbot("requests", "show", reference, "--config", config).out.splitlines()[-1]
    assert last.endswith(f"  refused  staff:{'dana' + 'a' * 50}  (ground: Law 94-V art. 8(2))")


def test_what_mail_says_cannot_give_a_terminal_orders(mailbot: Type, config: Path) -> None:
    reference = arrived(config, RequestType.ACCESS, matched=HOSTILE, reason=HOSTILE)
    for command in (("list",), ("show", reference), ("list", "--json"), ("show", reference, "--json")):
        ran = mailbot("requests", *command, "--config", config)
        assert 0 == ran.status
        assert [] == [letter for letter in ran.out if letter not in "\n\t" and not letter.isprintable()]
    assert "why: �[2J�31m�evil�tab\n" in mailbot("requests", "show", reference, "--config", config).out


def test_at_a_terminal_the_register_is_a_table(config: Path) -> None:
    reference = arrived(config, RequestType.ACCESS)
    ran = run_at_terminal(PROGRAM, "requests", "list", "--config", config)
    assert 0 == ran.status
    assert f"│ {reference} │ access" in ran.out


def test_mail_that_was_taken_in_is_listed_with_its_place(mailbot: Type, config_file: ConfigFile, dovecot: Dovecot, mailbox: str) -> None:
    """The whole way once: a real mailbox, a real round, the register, the act, the letter."""
    config = config_file()
    raw = (
        b"From: aigul@example.com\r\nTo: info@alit.kz\r\nMessage-ID: <1@example.com>\r\nSubject: Opt-out of Notifications\r\n\r\nStop.\r\n"
    )
    uid = dovecot.append(mailbox, raw)
    assert 0 == run_apart(PROGRAM, "run", "--once", "--config", config).status
    (row,) = rows(mailbot("requests", "list", "--json", "--config", config))
    assert ("opt_out", "carried_out", uid, dovecot.uidvalidity(mailbox)) == (row["type"], row["state"], row["uid"], row["uidvalidity"])
    (letter,) = rows(mailbot("letters", "list", "--json", "--config", config))
    assert (row["reference"], "accepted", 1) == (letter["reference"], letter["state"], letter["attempts"])
    (row,) = rows(mailbot("subscribers", "show", "aigul@example.com", "--json", "--config", config))
    assert row["suppressed"]
