"""``mailbot requests refuse | lapse | withdraw | extend`` and ``done --answer``: what staff type, and what they read then."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailbot.desk import Acting
from mailbot.entering import Entered, add_request
from rules.vocabulary import Language, RequestType, State
from tests.mailbot.register_room import PERSON, arrive, history, kinds_to, letters_to, office, open_desk, put_on_file, request
from tests.mailbot.staff_room import GROUND, ME
from tests.mailbot.typing_room import Ran, Type, typist


@pytest.fixture
def mailbot(capsys: pytest.CaptureFixture[str]) -> Type:
    return typist(capsys)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return office(tmp_path)


def arrived(config: Path, kind: RequestType, sender: str = PERSON) -> str:
    """Let a request arrive now, so that what is typed today finds it open."""
    with open_desk(config, datetime.now(UTC)) as desk:
        return arrive(desk, kind, sender)


def rung_up(config: Path, kind: RequestType) -> str:
    """Enter what somebody who is not on file asked by phone just now."""
    with open_desk(config, datetime.now(UTC)) as desk, desk.database.write() as tx:
        return add_request(Acting(tx, desk, ME), Entered(kind, "phone", desk.now(), PERSON, language=Language.EN)).reference


@pytest.mark.parametrize(
    ("typed", "state", "letter"),
    [
        (("refuse", "--ground", GROUND, "--kept", "invoices", "--until", "31.12.2099"), State.REFUSED, "refusal"),
        (("lapse", "--ground", GROUND), State.LAPSED, "lapse"),
        (("withdraw", "--note", "by phone"), State.WITHDRAWN, "withdrawal"),
    ],
)
def test_what_ends_a_request_is_typed_answered_with_the_state_and_told_in_a_letter(
    mailbot: Type, config: Path, typed: tuple[str, ...], state: State, letter: str
) -> None:
    reference = arrived(config, RequestType.ACCESS)
    command, *options = typed
    assert Ran(0, f"{reference}: {state}\n", "") == mailbot("requests", command, reference.lower(), *options, "--config", config)
    with open_desk(config) as desk:
        assert ["acknowledgement", letter] == kinds_to(desk, reference)


def test_an_answer_stands_in_the_final_letter(mailbot: Type, config: Path) -> None:
    reference = arrived(config, RequestType.QUESTION)
    ran = mailbot("requests", "done", reference, "--answer", "Until the end of the contract.", "--config", config)
    assert (0, [f"{reference}: carried_out", "done: answer (staff)"]) == (ran.status, ran.out.splitlines())
    with open_desk(config) as desk:
        assert "Our answer: Until the end of the contract." in letters_to(desk, reference)[-1][1]


def test_the_law_knows_no_extension_and_the_answer_names_due_date_and_source(mailbot: Type, config: Path) -> None:
    reference = arrived(config, RequestType.ACCESS)
    with open_desk(config) as desk:
        due, owed = request(desk, reference).due, request(desk, reference).obligations[0]
    ran = mailbot("requests", "extend", reference, "31.12.2099", "--config", config)
    law = "Law of the Republic of Kazakhstan No. 94-V of 21 May 2013 on Personal Data and Their Protection"
    said = f"the law knows no extension ({law}); due is {due}: answer (staff), {owed.source}"
    assert Ran(1, "", f"mailbot: {reference} cannot be extended to 2099-12-31: {said}\n") == ran


def test_where_no_letter_may_go_staff_are_told_to_tell_the_person(mailbot: Type, config: Path) -> None:
    stopped, refused = rung_up(config, RequestType.STOP_PROCESSING), rung_up(config, RequestType.ACCESS)
    in_another_way = "no letter may go to the person: tell them in another way"
    assert in_another_way in mailbot("requests", "approve", stopped, "--config", config).out.splitlines()
    ran = mailbot("requests", "refuse", refused, "--ground", GROUND, "--config", config)
    assert (1, True) == (ran.status, "say how: --told 'by post, letter 12'" in ran.err)
    ran = mailbot("requests", "refuse", refused, "--ground", GROUND, "--told", "by post, letter 12", "--config", config)
    assert Ran(0, f"{refused}: refused\n", "") == ran
    assert "told: by post, letter 12" in mailbot("requests", "show", refused, "--config", config).out


def test_i6_what_staff_write_and_whom_they_write_to_stands_in_no_log(mailbot: Type, config: Path) -> None:
    with open_desk(config) as desk:
        put_on_file(desk)
    logged = ""
    typed = (("refuse", "--ground", PERSON), ("lapse", "--ground", PERSON), ("withdraw", "--note", "айгуль@example.com"))
    for command, option, sender in typed:
        reference = arrived(config, RequestType.ACCESS, sender)
        logged += mailbot("requests", command, reference, option, "Staff's own words", "--config", config).err
    with open_desk(config) as desk:
        assert "not_told" == history(desk, reference)[-1]
    assert "letter_not_written" in logged
    assert [] == [words for words in ("words", "aigul", "айгуль", "example.com") if words in logged]
