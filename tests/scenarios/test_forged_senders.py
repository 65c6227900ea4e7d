"""Forged senders: whatever a stranger writes in somebody's name, nothing of that person changes, and nothing of them goes out (H44-H69).

Every message is aimed at a person of its own, so that none stands in another's way. That they are sharp is shown as well: the same
demand of an honest sender changes what is on file.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from mailbot.config import load_config
from mailbot.daemon import Works
from rules.details_change import Change, Field
from rules.vocabulary import State
from storage import amendments, subscribers
from storage.amendments import Behind
from storage.database import open_database
from storage.evidence import keys_of
from storage.subscribers import Subscriber
from storage.tables import ledger
from tests.conftest import ConfigFile
from tests.scenarios.asking import JANUARY, Room, read, room, values
from tests.scenarios.forgeries import ANSWERS, DKIM, FORGERIES, GOOD, TAKEN, UPDATE, Answer, Forgery, put_on_file
from tests.scenarios.outside import append_all, lines_in, run_once, store_of
from tests.servers import CapturingSmtp, Dovecot

CANARY = re.compile(r"canary|\+?7[ 0-9()-]*700[ 0-9()-]{6}|700000\d\d\d\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Followed:
    """What followed from a message."""

    becomes: str
    to: tuple[str, ...]
    stops: bool = False
    is_changed: bool = False
    tells: tuple[str, ...] = ()
    """What of the person stands in a letter."""


@pytest.fixture
def here(config_file: ConfigFile, dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str) -> Room:
    """Return a room in which nobody is on file yet."""
    return room(config_file, dovecot, smtp, mailbox)


def people_on_file(here: Room) -> dict[str, Subscriber]:
    """Return everybody on file by the address that is on file."""
    with store_of(here.config) as tx:
        everybody = [person for page in subscribers.everybody(tx) for person in page]
    return {contact.value: person for person in everybody for contact in person.contacts if contact.kind == "email"}


def filled_in(template: str, number: int, address: str, more: Mapping[str, str] | None = None) -> str:
    """Write a template for a person."""
    local, _, domain = address.partition("@")
    values = dict(more or {}) | {
        "me": address,
        "n": str(number),
        "quoted": address.replace("@", "=40"),
        "cut": local[:1],
        "rest": f"{local[1:]}@{domain}",
    }
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], template)


def message(address: str, head: Sequence[str], asks: tuple[str, str], message_id: str) -> bytes:
    """Write a message; what ``head`` does not say is as in honest mail from the address."""
    names = {line.partition(":")[0].strip().lower() for line in head}
    rest = {"From": address, "To": "info@alit.kz", "Message-ID": message_id, "Content-Type": "text/plain; charset=utf-8"}
    fields = [*head, *(f"{name}: {value}" for name, value in rest.items() if name.lower() not in names)]
    return "\r\n".join([*fields, f"Subject: {asks[0]}", "Date: Mon, 5 Jan 2026 10:00:00 +0500", "", asks[1], ""]).encode()


def forged(number: int, address: str, forgery: Forgery) -> bytes:
    """Write a forgery against a person."""
    subject, text = (filled_in(part, number, address) for part in forgery.asks)
    return message(address, [filled_in(line, number, address) for line in forgery.head], (subject, text), f"<{number}@evil.example>")


def victims_of(forgeries: Iterable[Forgery]) -> list[str]:
    """Return the address that each is aimed at."""
    return [f"v{number}@{forgery.domain}" for number, forgery in enumerate(forgeries)]


def followed_from(here: Room, first_uid: int, victims: Sequence[str], before: dict[str, Subscriber]) -> list[Followed]:
    """Return what followed from each of the messages, the first of which has that UID."""
    after, letters = people_on_file(here), [(each.recipients, text_of(each.content)) for each in here.smtp.envelopes]
    with store_of(here.config) as tx:
        keys = keys_of(tx)
        lines = {row.uid: row for row in tx.execute(select(ledger))}
        stopped = subscribers.suppressed_among(tx, [keys.of_address(address) for address in victims])
        followed = []
        for number, address in enumerate(victims):
            line = lines[first_uid + number]
            caused = [(to, text) for to, text in letters if line.reference and line.reference in text]
            followed.append(
                Followed(
                    line.outcome,
                    tuple(sorted(address for to, _ in caused for address in to)),
                    keys.of_address(address) in stopped,
                    before[address] != after.get(address),
                    tuple(found for _, text in caused for found in CANARY.findall(text)),
                )
            )
    return followed


def text_of(content: bytes) -> str:
    """Return a letter as it is read, its header with it."""
    letter = read(content)
    return "\n".join([*(f"{name}: {value}" for name, value in letter.items()), letter.get_content()])


def test_h44_to_h48_h57_to_h64_h68_no_forged_message_changes_anything_or_tells_anything(here: Room) -> None:
    victims = victims_of(FORGERIES)
    put_on_file(here, victims)
    before = people_on_file(here)
    append_all(here.dovecot, here.mailbox, [forged(*each) for each in zip(range(len(victims)), victims, FORGERIES, strict=True)])
    run_once(here.config)
    expected = {
        each.name: Followed(each.becomes, tuple(sorted(filled_in(to, number, address) for to in each.to)), each.stops)
        for number, (address, each) in enumerate(zip(victims, FORGERIES, strict=True))
    }
    actual = dict(zip(expected, followed_from(here, 1, victims, before), strict=True))
    assert [] == [f"{name}: {actual[name]}, not {expected[name]}" for name in expected if expected[name] != actual[name]]
    assert len(here.smtp.envelopes) == sum(len(each.to) for each in expected.values())
    assert len(expected) >= 60


def test_the_demand_of_the_forgeries_is_carried_out_for_an_honest_sender(here: Room) -> None:
    put_on_file(here, ["dana@example.com"])
    append_all(
        here.dovecot, here.mailbox, [message("dana@example.com", (DKIM, TAKEN, f"DKIM-Signature: {GOOD}"), UPDATE, "<1@example.com>")]
    )
    run_once(here.config)
    assert ["+77000002014"] == values(here.person("dana@example.com"), "phone")


# --- answers ----------------------------------------------------------------------------------------------------------
CODE = re.compile(r"\b[0-9a-hjkmnp-tv-z]{26}\b")


def all_asked(here: Room, addresses: Sequence[str]) -> list[dict[str, str]]:
    """Have everybody ask without proof; return what each was asked with, and what a forger may know of it."""
    append_all(here.dovecot, here.mailbox, [message(each, (), UPDATE, f"<asked.{each}>") for each in addresses])
    run_once(here.config)
    letters = [here.letter_to(address) for address in addresses]
    codes = [CODE.findall(letter["Subject"])[0] for letter in letters]
    return [
        {
            "ref": letter["X-Mailbot-Loop"],
            "letter": letter["Message-ID"],
            "asked": letter["In-Reply-To"],
            "code": code,
            "part": code[:25],
            "other": codes[number - 1],
            "used": codes[-1],
        }
        for number, (letter, code) in enumerate(zip(letters, codes, strict=True))
    ]


def answered(number: int, address: str, answer: Answer, known: Mapping[str, str]) -> bytes:
    """Write an answer to what a person was asked."""
    subject, text = (filled_in(part, number, address, known) for part in (answer.subject, answer.text))
    head = [filled_in(line, number, address, known) for line in answer.head]
    return message(address, head, (subject, text), f"<answer.{number}@example.com>")


def test_h66_h110_h111_no_forged_answer_confirms_anything(here: Room) -> None:
    addresses = [f"v{number}@example.com" for number in range(len(ANSWERS) + 3)]
    victims, (late, honest, denying) = addresses[:-3], addresses[-3:]
    put_on_file(here, addresses)
    known = dict(zip(addresses, all_asked(here, addresses), strict=True))
    here.write(denying, f"Re: {known[denying]['code']}", "NO")
    before, sent, uid = people_on_file(here), len(here.smtp.envelopes), len(addresses) + 2
    attacks = [answered(number, address, each, known[address]) for number, (address, each) in enumerate(zip(victims, ANSWERS, strict=True))]
    append_all(here.dovecot, here.mailbox, attacks)
    run_once(here.config)
    with store_of(here.config) as tx:
        became = {row.uid: row.outcome for row in tx.execute(select(ledger))}
    actual = {each.name: became[uid + number] for number, each in enumerate(ANSWERS)}
    assert {each.name: each.becomes for each in ANSWERS} == actual
    assert [] == [each.name for each, address in zip(ANSWERS, victims, strict=True) if people_on_file(here)[address] != before[address]]
    assert [] == [each.recipients for each in here.smtp.envelopes[sent:]]
    append_all(here.dovecot, here.mailbox, [answered(len(attacks), honest, Answer("honest", "confirmation"), known[honest])])
    run_once(here.config)
    assert ["+77000002014"] == values(here.person(honest), "phone")
    append_all(here.dovecot, here.mailbox, [answered(len(attacks) + 1, late, Answer("H66 an expired code", "follow_up"), known[late])])
    round_at(here, datetime.now(UTC) + timedelta(days=2, minutes=1))
    assert before[late] == people_on_file(here)[late]


# --- what stands beside an honest message -----------------------------------------------------------------------------
DANA = "dana@example.com"
SIGNED = (DKIM, TAKEN, f"DKIM-Signature: {GOOD}")


def round_at(here: Room, now: datetime) -> None:
    """Go one round at a moment."""
    asyncio.run(Works(load_config(here.config), lambda: now).once())


def outcomes_of(here: Room, mail: Sequence[bytes]) -> list[str]:
    """Have mail come together, and return what became of each."""
    append_all(here.dovecot, here.mailbox, mail)
    run_once(here.config)
    return [line.outcome for line in lines_in(here.config)][-len(mail) :]


BESIDES = pytest.mark.parametrize(
    "besides", ["My new e-mail is mallory@evil.example.", "My new surname is Akhmetova."], ids=["an address", "a name"]
)


def added(besides: str) -> bytes:
    """Write what a forger adds to a request of Dana's."""
    return message(DANA, (), ("Personal Data Update", besides), "<2@evil.example>")


@BESIDES
def test_what_a_forger_adds_to_a_request_is_not_confirmed_with_it(here: Room, besides: str) -> None:
    put_on_file(here, [DANA])
    before, (known,) = people_on_file(here), all_asked(here, [DANA])
    yes = message(DANA, (), (f"Re: {known['code']}", "YES"), "<3@example.com>")
    assert ["follow_up"] == outcomes_of(here, [added(besides)])
    assert ["confirmation"] == outcomes_of(here, [yes])
    assert before == people_on_file(here)
    assert State.AWAITING_STAFF is here.request().state


@BESIDES
def test_what_a_forger_adds_in_the_same_round_is_not_confirmed_either(here: Room, besides: str) -> None:
    put_on_file(here, [DANA])
    before, (known,) = people_on_file(here), all_asked(here, [DANA])
    yes = message(DANA, (), (f"Re: {known['code']}", "YES"), "<3@example.com>")
    assert ["confirmation", "follow_up"] == outcomes_of(here, [yes, added(besides)])
    assert before == people_on_file(here)


@BESIDES
def test_what_a_forger_adds_to_an_aligned_request_is_not_carried_out_with_it(here: Room, besides: str) -> None:
    put_on_file(here, [DANA])
    before = people_on_file(here)
    assert ["request", "follow_up"] == outcomes_of(here, [message(DANA, SIGNED, UPDATE, "<1@example.com>"), added(besides)])
    assert before == people_on_file(here)
    assert State.AWAITING_STAFF is here.request().state


@pytest.mark.parametrize(
    ("replay", "becomes"),
    [
        (message(DANA, SIGNED, UPDATE, "<1@example.com>"), "duplicate"),
        (message(DANA, SIGNED, UPDATE, "<2@evil.example>"), "request"),
        (message(DANA, (DKIM, TAKEN.replace("5 Jan", "5 Mar"), f"DKIM-Signature: {GOOD}"), UPDATE, "<2@evil.example>"), "held"),
    ],
    ids=["same", "other-message-id", "months-later"],
)
def test_h62_a_signed_message_that_comes_again_does_nothing(here: Room, replay: bytes, becomes: str) -> None:
    put_on_file(here, [DANA])
    outcomes_of(here, [message(DANA, SIGNED, UPDATE, "<1@example.com>")])
    assert ["+77000002014"] == values(here.person(DANA), "phone")
    back = (Change(Field.PHONE, None, "+77000002015"),)
    with closing(open_database(load_config(here.config).store.url)) as database, database.write() as tx:
        amendments.amend(tx, people_on_file(here)[DANA].id, back, Behind(JANUARY, "staff", "called"))
    before = people_on_file(here)
    assert [becomes] == outcomes_of(here, [replay])
    assert before == people_on_file(here)
    assert {DANA} == {address for each in here.smtp.envelopes for address in each.recipients}
