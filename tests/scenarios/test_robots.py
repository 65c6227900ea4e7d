"""Robots that bear no mark: whatever they answer, the exchange ends by itself (H82)."""

from collections.abc import Callable
from email.message import EmailMessage

import pytest

from rules.vocabulary import State
from tests.conftest import ConfigFile
from tests.scenarios.asking import read
from tests.scenarios.outside import append_all, message, outcomes_in, requests_in, run_once, seen_by
from tests.servers import CapturingSmtp, Dovecot

MOST_LETTERS = 3
CAPS = {"letters_per_address_a_day": 3, "letters_per_domain_an_hour": 30, "letters_an_hour": 200, "surge_an_hour": 30}
TICKET = "Dear customer, your request has been received. Please delete all my personal data. Our support team will answer within two days."

AGENTS = ("Aigul", "Bolat", "Dana", "Erlan", "Farida", "Gulnar")
QUOTING = "You wrote:\r\n\r\n{quoted}"


def threaded(letter: EmailMessage, number: int) -> dict[str, str]:
    """Answer as a mail program does."""
    return {"Subject": f"Re: {letter['Subject']}", "In-Reply-To": letter["Message-ID"], "From": "robot@desk.example"}


def afresh(letter: EmailMessage, number: int) -> dict[str, str]:
    """Open a ticket for each letter, as if nobody had written before."""
    return {"Subject": "Your ticket", "From": "robot@desk.example"}


def from_elsewhere(letter: EmailMessage, number: int) -> dict[str, str]:
    """Open a ticket for each letter, each with an address of its own."""
    return {"Subject": "Your ticket", "From": f"ticket-{number}@desk.example"}


def threaded_from_elsewhere(letter: EmailMessage, number: int) -> dict[str, str]:
    """Answer from another address each time."""
    return {**threaded(letter, number), "From": f"ticket-{number}@desk.example"}


def from_a_host_of_its_own(letter: EmailMessage, number: int) -> dict[str, str]:
    """Open a ticket for each letter, each at a host of its own."""
    return {"Subject": "Your ticket", "From": f"desk@t{number}.desk.example"}


def from_a_tagged_address(letter: EmailMessage, number: int) -> dict[str, str]:
    """Open a ticket for each letter, each with a tag of its own at a public provider."""
    return {"Subject": "Your ticket", "From": f"desk+{number}@gmail.com"}


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        (threaded, QUOTING),
        (threaded, TICKET),
        (afresh, TICKET),
        (threaded_from_elsewhere, TICKET),
        (from_elsewhere, TICKET),
        (from_elsewhere, f"Ticket {{number}}. {TICKET}"),
        (from_elsewhere, f"{{agent}} has your ticket. {TICKET}"),
        (from_a_host_of_its_own, TICKET),
        (from_a_tagged_address, TICKET),
    ],
)
def test_h82_an_exchange_with_a_robot_without_marks_ends_after_three_letters(
    dovecot: Dovecot,
    smtp: CapturingSmtp,
    mailbox: str,
    config_file: ConfigFile,
    answers: Callable[[EmailMessage, int], dict[str, str]],
    text: str,
) -> None:
    config = config_file(limits=CAPS)
    head = {"From": "robot@desk.example", "Subject": "Please delete all my personal data", "To": "info@alit.kz"}
    said = TICKET
    for number in range(MOST_LETTERS + 3):
        lines = [*(f"{name}: {' '.join(value.split())}" for name, value in head.items()), f"Message-ID: <{number}@desk.example>", "", said]
        append_all(dovecot, mailbox, ["\r\n".join(lines).encode()])
        sent = len(smtp.envelopes)
        run_once(config)
        if len(smtp.envelopes) == sent:
            break
        letter = read(smtp.envelopes[-1].content)
        head = {"To": "info@alit.kz", **answers(letter, number)}
        said = text.format(quoted=letter.get_content(), number=number, agent=AGENTS[number])
    assert len(smtp.envelopes) <= MOST_LETTERS


def test_h82_people_of_one_domain_who_say_the_same_are_all_registered(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    """What many may say by a button or in few words is no robot's; of a long text that comes a third time staff are told."""
    config, form = config_file(limits=CAPS), "Please do as your policy says and revoke my consent to the processing of my data."
    people = [f"person{number}" for number in range(5)]
    append_all(dovecot, mailbox, (message(name, "Opt-out of Notifications", "Stop.") for name in people))
    append_all(dovecot, mailbox, (message(f"other{name}", "Revocation of consent", form) for name in people))
    run_once(config)
    assert {"request": 10} == outcomes_in(config)
    assert {f"{name}@example.com": 1 for name in (*people, "otherperson0", "otherperson1")} == seen_by(smtp)
    flagged = [request for request in requests_in(config) if "said_before" in request.flags]
    assert [State.AWAITING_STAFF] * 3 == [request.state for request in flagged]
