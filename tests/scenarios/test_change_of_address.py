"""A change of address: nothing changes on one message. The old address and the new one are asked, and the old one is told (H63)."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import Connection, select, text

from mailbot.carrying_out import hand_over_unconfirmed
from mailbot.config import load_config
from mailbot.daemon import Works
from rules import details_change
from rules.details_change import Field
from rules.vocabulary import State
from storage import amendments, register
from storage.amendments import Behind
from storage.evidence import keys_of
from storage.subscribers import find_subscriber, suppressed_since
from storage.tables import letters
from tests.conftest import ConfigFile
from tests.mailbot.typing_room import Type, typist
from tests.scenarios.asking import FAILED, JANUARY, Room, room, values
from tests.scenarios.forgeries import put_on_file
from tests.scenarios.outside import append_all, outcomes_in, requests_in, run_once, store_of
from tests.servers import CapturingSmtp, Dovecot

SUBJECT = "Personal Data Update"
TWO_DAYS = timedelta(days=2, minutes=1)


@dataclass(frozen=True, slots=True)
class Step:
    """An answer: who gives it, to whose letter, and what it says."""

    who: str
    says: str = "YES"
    fields: tuple[str, ...] = ()
    to: str = ""
    """Whose letter is answered; their own, if it is not said."""


@dataclass(frozen=True, slots=True)
class Ends:
    """How it ends."""

    state: State
    is_changed: bool = False
    is_denied: bool = False


OLD, NEW, STRANGER = Step("old"), Step("new"), Step("stranger")
OLD_NO, NEW_NO = Step("old", "NO"), Step("new", "Нет, это не я")
CHANGED = Ends(State.CARRIED_OUT, is_changed=True)
WAITING, TO_STAFF, DENIED = Ends(State.AWAITING_SENDER), Ends(State.AWAITING_STAFF), Ends(State.WITHDRAWN, is_denied=True)
OUT_OF_OFFICE = ("Auto-Submitted: auto-replied",)

ANSWERS: dict[str, tuple[tuple[Step, ...], Ends]] = {
    "both, the old one first": ((OLD, NEW), CHANGED),
    "both, the new one first": ((NEW, OLD), CHANGED),
    "nobody": ((), WAITING),
    "only the old one": ((OLD,), WAITING),
    "only the new one": ((NEW,), WAITING),
    "the old one says no": ((OLD_NO,), DENIED),
    "the new one says no": ((NEW_NO,), DENIED),
    "the old one says yes, the new one no": ((OLD, NEW_NO), DENIED),
    "the new one says yes, the old one no": ((NEW, OLD_NO), DENIED),
    "the old one says no, the new one yes": ((OLD_NO, NEW), DENIED),
    "the new one says no, the old one yes": ((NEW_NO, OLD), DENIED),
    "the old one says yes twice": ((OLD, OLD, NEW), CHANGED),
    "the new one says yes twice": ((NEW, NEW, OLD), CHANGED),
    "the old one says yes and then no": ((OLD, OLD_NO, NEW), TO_STAFF),
    "the new one says yes and then no": ((NEW, NEW_NO, OLD), TO_STAFF),
    "the old one says no and then yes": ((OLD_NO, OLD, NEW), Ends(State.AWAITING_STAFF, is_denied=True)),
    "the old one says no once it is changed": ((OLD, NEW, OLD_NO), Ends(State.AWAITING_STAFF, is_changed=True)),
    "the old one is not clear": ((Step("old", "Yes, but why?"), OLD, NEW), TO_STAFF),
    "the new one is not clear": ((NEW, Step("new", "Who are you?"), OLD), TO_STAFF),
    "the old one is out of office": ((NEW, Step("old", "YES", OUT_OF_OFFICE)), WAITING),
    "the new one is out of office": ((OLD, Step("new", "YES", OUT_OF_OFFICE)), WAITING),
    "the old one is disowned": ((NEW, Step("old", fields=(FAILED,))), WAITING),
    "the new one is disowned": ((OLD, Step("new", fields=(FAILED,))), WAITING),
    "a stranger answers for the old one": ((NEW, Step("stranger", to="old")), WAITING),
    "a stranger answers for the new one": ((OLD, Step("stranger", to="new")), WAITING),
    "a stranger says no": ((Step("stranger", "NO", to="old"), Step("stranger", "NO", to="new")), WAITING),
}
CODED = re.compile(r"\b[0-9a-hjkmnp-tv-z]{26}\b")


@pytest.fixture
def here(config_file: ConfigFile, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str) -> Room:
    """Return a room with nobody on file yet."""
    return room(config_file, dovecot, smtp, mailbox)


def asks(here: Room, sender: str, old: str, new: str, *, is_proven: bool = False) -> bytes:
    """Write a request to change the address on file."""
    words = f"My new e-mail is {new}." if sender == old else f"My old e-mail is {old}, my new e-mail is {new}."
    vouched = (f"Authentication-Results: mx.alit.kz; spf=pass smtp.mailfrom={sender}",) if is_proven else ()
    return here.mail(sender, SUBJECT, words, *vouched)


def coded(here: Room, address: str) -> EmailMessage:
    """Return the letter that asks an address something."""
    return next(letter for letter in here.letters_to(address) if CODED.search(letter["Subject"]))


def reply(here: Room, step: Step, addresses: dict[str, str]) -> bytes:
    """Write an answer as mail programs do."""
    letter = coded(here, addresses[step.to or step.who])
    subject = " ".join(letter["Subject"].split())
    return here.mail(addresses[step.who], f"Re: {subject}", step.says, f"In-Reply-To: {letter['Message-ID']}", *step.fields)


def told(tx: Connection, reference: str) -> tuple[tuple[str, str], ...]:
    """Return the letters of a request: which kind, to whom."""
    rows = tx.execute(select(letters.c.kind, letters.c.recipient).where(letters.c.reference == reference))
    return tuple(sorted((row.kind, row.recipient) for row in rows))


def happened(tx: Connection, reference: str) -> frozenset[str]:
    """Return what of a change of address happened to a request."""
    return frozenset(event.what for event in register.history_of(tx, reference)) & {"amended", "denied"}


# --- every way of answering -------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Stands:
    """How a change of address stands: what is on file of the person, the request's state, who was written to, what happened."""

    on_file: tuple[str, ...]
    state: State
    letters: tuple[tuple[str, str], ...]
    happened: frozenset[str]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of address of a person of its own, and what is answered."""

    name: str
    sender: str
    is_proven: bool
    steps: tuple[Step, ...]
    ends: Ends
    addresses: dict[str, str]

    def foreseen(self) -> Stands:
        """Return how it must stand in the end."""
        old, new = self.addresses["old"], self.addresses["new"]
        asked = [("acknowledgement", self.addresses[self.sender]), ("confirmation", new if self.sender == "old" else old)]
        told = [("notice", old), ("completion", new)] if self.ends.is_changed else []
        denied = {"denied"} if self.ends.is_denied else set()
        made = {"amended"} if self.ends.is_changed else set()
        return Stands((new if self.ends.is_changed else old,), self.ends.state, tuple(sorted(asked + told)), frozenset(made | denied))


def every_change() -> list[Change]:
    """Return each way of answering for a request from either address, proven or not."""
    ways = [(answers, sender, proof) for answers in ANSWERS for sender in ("old", "new") for proof in (True, False)]
    return [
        Change(
            f"{answers}; asked from the {sender} one, {'aligned' if proof else 'unproven'}",
            sender,
            proof,
            *ANSWERS[answers],
            {"old": f"old{number}@example.com", "new": f"new{number}@example.org", "stranger": f"x{number}@example.net"},
        )
        for number, (answers, sender, proof) in enumerate(ways)
    ]


def stand(here: Room, changes: Sequence[Change]) -> list[Stands]:
    """Return how each of the changes stands."""
    requests = {request.sender: request for request in requests_in(here.config) if request.outcome == "request"}
    found = []
    with store_of(here.config) as tx:
        for change in changes:
            request = requests[change.addresses[change.sender]]
            person = find_subscriber(tx, change.addresses["old"]) or find_subscriber(tx, change.addresses["new"])
            letters_of, history = told(tx, request.reference), happened(tx, request.reference)
            found.append(Stands(tuple(values(person, "email")), request.state, letters_of, history))
    return found


def faults(here: Room, changes: Sequence[Change]) -> list[str]:
    """Return which of the changes do not stand as they must."""
    pairs = zip(changes, stand(here, changes), strict=True)
    return [f"{change.name}: {found}, not {change.foreseen()}" for change, found in pairs if found != change.foreseen()]


def test_h63_an_address_changes_only_by_the_yes_of_both(here: Room) -> None:
    """Every way of answering, in one mailbox: whatever is missing after two days goes to staff, and comes too late."""
    changes = every_change()
    put_on_file(here, [each.addresses["old"] for each in changes])
    first = [
        asks(here, each.addresses[each.sender], each.addresses["old"], each.addresses["new"], is_proven=each.is_proven) for each in changes
    ]
    append_all(here.dovecot, here.mailbox, first)
    run_once(here.config)
    for number in range(3):
        steps = [(each.steps[number], each.addresses) for each in changes if number < len(each.steps)]
        append_all(here.dovecot, here.mailbox, [reply(here, *step) for step in steps])
        run_once(here.config)
    assert [] == faults(here, changes)

    waiting = [replace(each, ends=TO_STAFF) for each in changes if each.ends == WAITING]
    late = datetime.now(UTC) + TWO_DAYS
    with closing((desk := here.desk(late)).database):
        assert len(waiting) == hand_over_unconfirmed(desk, late)
    append_all(here.dovecot, here.mailbox, [reply(here, step, each.addresses) for each in waiting for step in (OLD, NEW)])
    asyncio.run(Works(load_config(here.config), lambda: late).once())
    assert [] == faults(here, waiting)


# --- one by one -------------------------------------------------------------------------------------------------------
DANA, DANAS_NEW, OTHER = "dana@example.com", "dana@example.org", "other@example.net"


def go(here: Room, *mail: bytes) -> None:
    """Have mail come, and mailbot go a round."""
    append_all(here.dovecot, here.mailbox, mail)
    run_once(here.config)


def say_yes(here: Room, *addresses: str) -> None:
    """Have addresses answer YES, one after the other, each to what it was asked last."""
    for address in addresses:
        asked = [letter for letter in here.letters_to(address) if CODED.search(letter["Subject"])]
        here.answer(asked[-1], address, "YES")


def test_h63_letters_about_a_change_tell_neither_address_the_other(here: Room) -> None:
    here.on_file(DANA)
    go(here, asks(here, DANA, DANA, DANAS_NEW))
    say_yes(here, DANA, DANAS_NEW)
    assert [DANAS_NEW] == values(here.person(DANAS_NEW), "email")
    assert ["d…@e…e.org"] == re.findall(r"\S+@\S+", here.letters_to(DANA)[1].get_content())
    texts = {
        address: "".join(letter.as_string() + letter.get_content() for letter in here.letters_to(address)) for address in (DANA, DANAS_NEW)
    }
    assert (False, False) == (DANAS_NEW in texts[DANA], DANA in texts[DANAS_NEW])


@pytest.mark.parametrize("sender", [DANA, OTHER])
def test_h63_an_address_of_somebody_else_on_file_is_not_taken_over(here: Room, sender: str) -> None:
    here.on_file(DANA)
    here.on_file(OTHER)
    go(here, asks(here, sender, DANA, OTHER))
    say_yes(here, DANA, OTHER)
    assert ([DANA], [OTHER]) == (values(here.person(DANA), "email"), values(here.person(OTHER), "email"))
    with store_of(here.config) as tx:
        assert (State.AWAITING_STAFF, frozenset()) == (here.request().state, happened(tx, here.request().reference))


def test_h63_a_change_that_a_third_person_asks_for_asks_all_three(here: Room) -> None:
    here.on_file(DANA)
    go(here, asks(here, OTHER, DANA, DANAS_NEW))
    with store_of(here.config) as tx:
        assert (("acknowledgement", OTHER), ("confirmation", DANA), ("confirmation", DANAS_NEW)) == told(tx, here.request().reference)
    say_yes(here, DANA, DANAS_NEW)
    assert [DANA] == values(here.person(DANA), "email")
    say_yes(here, OTHER)
    assert [DANAS_NEW] == values(here.person(DANAS_NEW), "email")


def test_h63_the_same_change_asked_twice_is_one(here: Room) -> None:
    here.on_file(DANA)
    go(here, asks(here, DANA, DANA, DANAS_NEW), asks(here, DANA, DANA, DANAS_NEW))
    say_yes(here, DANA, DANAS_NEW)
    assert {"request": 1, "follow_up": 1, "confirmation": 2} == outcomes_in(here.config)
    assert [DANAS_NEW] == values(here.person(DANAS_NEW), "email")


def test_h63_two_new_addresses_in_one_request_are_for_staff(here: Room) -> None:
    here.on_file(DANA)
    go(here, asks(here, DANA, DANA, DANAS_NEW))
    go(here, asks(here, DANA, DANA, OTHER))
    say_yes(here, DANA, DANAS_NEW)
    assert [DANA] == values(here.person(DANA), "email")
    assert (State.AWAITING_STAFF, []) == (here.request().state, here.letters_to(OTHER))


def test_h63_of_two_changes_in_flight_the_second_finds_nothing_to_replace(here: Room) -> None:
    here.on_file(DANA)
    go(here, asks(here, DANAS_NEW, DANA, DANAS_NEW), asks(here, OTHER, DANA, OTHER))
    first, second = [letter for letter in here.letters_to(DANA) if CODED.search(letter["Subject"])]
    here.answer(first, DANA, "YES")
    here.answer(second, DANA, "YES")
    say_yes(here, DANAS_NEW, OTHER)
    assert (None, [DANAS_NEW]) == (here.person(OTHER), values(here.person(DANAS_NEW), "email"))
    assert {State.CARRIED_OUT, State.AWAITING_STAFF} == {request.state for request in requests_in(here.config)}


def test_h63_an_address_that_is_not_on_file_any_more_replaces_nothing(here: Room) -> None:
    """Between question and answer the file changed: what would be replaced now was never asked."""
    here.on_file(DANA)
    go(here, asks(here, DANA, DANA, DANAS_NEW))
    with closing((desk := here.desk(datetime.now(UTC))).database), desk.database.write() as tx:
        owner = find_subscriber(tx, DANA)
        assert owner is not None
        amendments.amend(tx, owner.id, [details_change.Change(Field.EMAIL, None, OTHER)], Behind(JANUARY, "staff", "called"))
    say_yes(here, DANA, DANAS_NEW)
    assert ([OTHER], State.AWAITING_STAFF) == (values(here.person(OTHER), "email"), here.request().state)


@pytest.mark.parametrize("new", ["info@alit.kz", "noreply@example.org", "mailer-daemon@example.org"])
def test_no_question_goes_to_us_or_to_a_robot(here: Room, new: str) -> None:
    here.on_file(DANA)
    go(here, asks(here, DANA, DANA, new))
    say_yes(here, DANA)
    assert ([], [DANA]) == (here.letters_to(new), values(here.person(DANA), "email"))
    assert State.AWAITING_STAFF is here.request().state


@pytest.mark.parametrize("when", ["before", "while it is asked"])
def test_who_opted_out_at_the_old_address_gets_nothing_at_the_new_one(here: Room, when: str) -> None:
    here.on_file(DANA)
    opt_out, change = here.mail(DANA, "Opt-out of Notifications", "Stop."), asks(here, DANA, DANA, DANAS_NEW)
    go(here, *((opt_out, change) if when == "before" else (change, opt_out)))
    say_yes(here, DANA, DANAS_NEW)
    with store_of(here.config) as tx:
        mailable = tx.execute(text("SELECT address FROM mailable")).all()
        stopped = suppressed_since(tx, keys_of(tx).of_address(DANAS_NEW))
    assert ([DANAS_NEW], []) == (values(here.person(DANAS_NEW), "email"), mailable)
    assert stopped is not None


# --- the old mailbox is lost ------------------------------------------------------------------------------------------
@pytest.fixture
def type_(capsys: pytest.CaptureFixture[str]) -> Type:
    """Return what runs a command in this process."""
    return typist(capsys)


def test_h63_a_lost_old_mailbox_needs_other_proof(here: Room, type_: Type) -> None:
    here.on_file(DANA)
    go(here, asks(here, DANAS_NEW, DANA, DANAS_NEW))
    say_yes(here, DANAS_NEW)
    approve = ("requests", "approve", here.request().reference, "--config", here.config)
    refused = type_(*approve)
    assert (1, [DANA]) == (refused.status, values(here.person(DANA), "email"))
    assert "--proof" in refused.err
    assert 0 == type_(*approve, "--proof", "saw the identity card").status
    assert ([DANAS_NEW], State.CARRIED_OUT) == (values(here.person(DANAS_NEW), "email"), here.request().state)
    shown = type_("requests", "show", here.request().reference, "--config", here.config)
    assert "saw the identity card" in shown.out
    run_once(here.config)
    assert ["d…@e…e.org"] == re.findall(r"\S+@\S+", here.letter_to(DANA).get_content())


@pytest.mark.parametrize(("sender", "answers"), [(DANA, [DANAS_NEW]), (DANA, [DANA]), (DANAS_NEW, [DANA]), (DANA, [])])
def test_h63_staff_need_other_proof_where_one_has_not_said_yes(here: Room, type_: Type, sender: str, answers: list[str]) -> None:
    here.on_file(DANA)
    go(here, asks(here, sender, DANA, DANAS_NEW))
    say_yes(here, *answers)
    approve = ("requests", "approve", here.request().reference, "--config", here.config)
    assert (1, [DANA]) == (type_(*approve).status, values(here.person(DANA), "email"))
    assert (1, [DANA]) == (type_(*approve, "--proof", " ").status, values(here.person(DANA), "email"))
    assert (0, [DANAS_NEW]) == (type_(*approve, "--proof", "called").status, values(here.person(DANAS_NEW), "email"))


def test_other_proof_does_not_give_an_address_of_somebody_else_away(here: Room, type_: Type) -> None:
    here.on_file(DANA)
    here.on_file(OTHER)
    go(here, asks(here, DANA, DANA, OTHER))
    typed = type_("requests", "approve", here.request().reference, "--proof", "called", "--config", here.config)
    assert (1, [DANA], [OTHER]) == (typed.status, values(here.person(DANA), "email"), values(here.person(OTHER), "email"))


def test_other_proof_is_for_a_change_of_address_alone(here: Room, type_: Type) -> None:
    here.on_file(DANA)
    here.write(DANA, "Block my personal data", "Please block the processing of my personal data.")
    typed = type_("requests", "approve", here.request().reference, "--proof", "called", "--config", here.config)
    assert (1, True) == (typed.status, "--proof" in typed.err)
