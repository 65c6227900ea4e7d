"""A business inbox with a few requests in it, taken in by the real program: what is a request, what only looks like one, what stays."""

import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from sqlalchemy import select

from rules.vocabulary import RequestType
from storage import register, tables
from storage.database import open_database
from storage.evidence import keys_of
from storage.register import Registered
from storage.subscribers import suppressed_since
from tests.conftest import NO_LIMITS, ConfigFile
from tests.servers import CapturingSmtp, Dovecot

INBOX = "info@alit.kz"
AIGUL, DANA, COLLEAGUE = "aigul@example.com", "dana@example.com", "sales@alit.example"
REVOCATION = "Revocation of consent to the processing of personal data"
OPT_OUT = "Opt-out of Notifications"
UPDATE = "Personal Data Update"


def mail(subject: str, *more: str, sender: str = AIGUL, to: str = INBOX, body: str = "", message_id: str = "<1@example.com>") -> bytes:
    """Return a message as it comes; ``more`` are header fields, and an empty sender or Message-ID leaves the field out."""
    fields = [f"From: {sender}" * bool(sender), f"To: {to}", f"Message-ID: {message_id}" * bool(message_id), f"Subject: {subject}", *more]
    return "\r\n".join([*filter(None, fields), "", body]).encode()


@dataclass(frozen=True)
class Firm:
    """An operator's inbox, the program that watches it, and what the program wrote."""

    dovecot: Dovecot
    smtp: CapturingSmtp
    user: str
    config: Path

    def receive(self, raw: bytes, flags: Sequence[str] = ()) -> int:
        return self.dovecot.append(self.user, raw, flags=flags)

    def run(self) -> None:
        command = [sys.executable, "-m", "mailbot", "run", "--once", "--config", str(self.config)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def outcomes(self) -> dict[int, tuple[str, str | None]]:
        """Return by UID what became of each message, and the request it belongs to; a message has one row."""
        chosen = select(tables.ledger.c.uid, tables.ledger.c.outcome, tables.ledger.c.reference)
        with open_database(self._url).read() as tx:
            rows = tx.execute(chosen).all()
        assert len(rows) == len({row.uid for row in rows})
        return {row.uid: (row.outcome, row.reference) for row in rows}

    def requests(self) -> dict[int, Registered]:
        with open_database(self._url).read() as tx:
            return {request.place.uid: request for request in register.list_requests(tx)}

    def is_suppressed(self, address: str) -> bool:
        with open_database(self._url).write() as tx:
            return suppressed_since(tx, keys_of(tx).of_address(address)) is not None

    def recipients(self) -> list[str]:
        """Return to whom letters went."""
        return sorted(recipient for envelope in self.smtp.envelopes for recipient in envelope.recipients)

    def last_letters_id(self) -> str:
        found = re.search(rb"Message-ID: (<\S+>)", self.smtp.envelopes[-1].content)
        assert found
        return found[1].decode()

    @property
    def _url(self) -> str:
        return str(tomllib.loads(self.config.read_text(encoding="utf-8"))["store"]["url"])


@pytest.fixture
def firm(dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile) -> Firm:
    """Return a firm under KazGer's policy whose mail may be of any age."""
    return Firm(dovecot, smtp, mailbox, config_file(limits={**NO_LIMITS, "acknowledge_up_to_days": 0}))


def ordinary_mail() -> list[tuple[bytes, tuple[str, ...]]]:
    """Return forty messages of business as it is, a quarter of them with a subject that makes their text be read."""
    flags: tuple[tuple[str, ...], ...] = ((), ("\\Seen",), ("\\Flagged", "\\Seen"), ("\\Answered",), ("\\Draft", "Important"))
    subjects = (
        "Счёт на оплату № {}",
        "",
        "Re: contract data update {}",
        "Жеткізу кестесі № {}",
        "Отзыв о товаре {}",
        "Hello",
        "Update of price list {}",
    )
    return [(business_letter(number, subjects[number % len(subjects)].format(number)), flags[number % len(flags)]) for number in range(40)]


def business_letter(number: int, subject: str) -> bytes:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = f"partner{number}@firm.example", INBOX, subject
    letter["Message-ID"] = f"<{number}@firm.example>"
    letter.set_content("Добрый день! Высылаем документы по договору.\n")
    if number % 3 == 0:
        letter.add_attachment(b"%PDF-1.4\n" * 200, maintype="application", subtype="pdf", filename=f"счёт-{number}.pdf")
    return letter.as_bytes()


def test_i4_a_request_among_ordinary_mail_is_the_only_thing_touched(firm: Firm) -> None:
    business = ordinary_mail()
    before_it = [firm.receive(raw, flags) for raw, flags in business[:20]]
    request = firm.receive(mail(REVOCATION, body="Please stop."))
    copy = firm.receive(mail(REVOCATION, "Received: by list.example; Fri, 20 Nov 2026 12:00:00 +0500", body="Please  stop.\r\n"))
    after_it = [firm.receive(raw, flags) for raw, flags in business[20:]]
    quoting = f"Has my letter come?\r\n\r\nOn 20 Nov 2026 aigul@example.com wrote:\r\n> Subject: {REVOCATION}\r\n> Please stop.\r\n"
    reply = firm.receive(mail(f"Re: {REVOCATION}", "In-Reply-To: <1@example.com>", body=quoting, message_id="<2@example.com>"))
    before = firm.dovecot.snapshot(firm.user)

    firm.run()

    outcomes, after = firm.outcomes(), firm.dovecot.snapshot(firm.user)
    assert [request] == list(firm.requests())
    assert {"request": 1, "duplicate": 1, "follow_up": 1, "ordinary": 40} == Counter(outcome for outcome, _ in outcomes.values())
    assert ("duplicate", "follow_up") == (outcomes[copy][0], outcomes[reply][0])
    assert firm.requests()[request].reference == outcomes[reply][1]
    assert {uid: before[uid] for uid in (*before_it, *after_it, copy, reply)} == {uid: after[uid] for uid in after if uid != request}
    assert before[request]._replace(flags=before[request].flags | {"\\Answered"}) == after[request]
    assert [AIGUL] == firm.recipients()

    firm.run()
    assert (outcomes, after, [AIGUL]) == (firm.outcomes(), firm.dovecot.snapshot(firm.user), firm.recipients())


def test_h111_a_colleague_in_the_thread_joins_nothing(firm: Firm) -> None:
    """With the request's subject, a person looks; a colleague who asks nothing writes ordinary mail."""
    request = firm.receive(mail(REVOCATION))
    thread = "In-Reply-To: <1@example.com>"
    asking = firm.receive(
        mail(f"Re: {REVOCATION}", thread, sender=COLLEAGUE, message_id="<2@alit.example>", body="Dana, can you see to it?")
    )
    chatting = firm.receive(mail("Lunch?", thread, sender=COLLEAGUE, message_id="<3@alit.example>", body="At one."))
    firm.run()
    outcomes = firm.outcomes()
    assert ("request", "held", "ordinary") == tuple(outcomes[uid][0] for uid in (request, asking, chatting))
    assert outcomes[asking][1] != outcomes[request][1]
    assert [AIGUL] == firm.recipients()


def test_h27_two_messages_with_one_message_id_are_both_processed(firm: Firm) -> None:
    one, other = firm.receive(mail(OPT_OUT)), firm.receive(mail(UPDATE, sender=DANA, body="My new number is +7 700 000 11 22."))
    firm.run()
    assert {one, other} == set(firm.requests())


def test_h27_the_same_text_under_one_message_id_from_another_person_is_another_message(firm: Firm) -> None:
    """A web form may send every letter under one Message-ID, and an opt-out is seldom worded twice."""
    one, other = firm.receive(mail(OPT_OUT)), firm.receive(mail(OPT_OUT, sender=DANA))
    firm.run()
    assert {one, other} == set(firm.requests())
    assert firm.is_suppressed(DANA)


@pytest.mark.parametrize("message_id", ["", "<>", "not a message id"])
def test_h26_without_message_id_each_message_counts_and_a_copy_does_not(firm: Firm, message_id: str) -> None:
    date = "Date: Fri, 20 Nov 2026 11:59:00 +0500"
    one = firm.receive(mail(OPT_OUT, date, message_id=message_id))
    other = firm.receive(mail(OPT_OUT, date, message_id=message_id, sender=DANA))
    third = firm.receive(mail(UPDATE, date, message_id=message_id))
    copy = firm.receive(mail(OPT_OUT, date, "Received: by list.example; Fri, 20 Nov 2026 12:00:00 +0500", message_id=message_id))
    firm.run()
    assert {one, other, third} == set(firm.requests())
    assert "duplicate" == firm.outcomes()[copy][0]


def test_h26_without_message_id_and_date_a_letter_repeated_later_is_not_taken_for_a_copy(firm: Firm) -> None:
    firm.receive(mail(OPT_OUT, "Received: by mx.alit.kz; Fri, 20 Nov 2026 12:00:00 +0500", message_id=""))
    firm.run()
    again = firm.receive(mail(OPT_OUT, "Received: by mx.alit.kz; Mon, 23 Nov 2026 09:00:00 +0500", message_id=""))
    firm.run()
    assert "duplicate" != firm.outcomes()[again][0]


def test_h28_a_copy_that_comes_in_a_later_round_is_counted_and_does_nothing(firm: Firm) -> None:
    request = firm.receive(mail(UPDATE))
    firm.run()
    copy = firm.receive(mail(UPDATE))
    firm.run()
    assert [request] == list(firm.requests())
    assert "duplicate" == firm.outcomes()[copy][0]
    assert [AIGUL] == firm.recipients()


def test_h29_our_own_letter_come_back_is_automatic(firm: Firm) -> None:
    firm.receive(mail(UPDATE))
    firm.run()
    returned = firm.receive(firm.smtp.envelopes[0].content)
    firm.run()
    assert "automatic" == firm.outcomes()[returned][0]
    assert ([AIGUL], 1) == (firm.recipients(), len(firm.requests()))


@pytest.mark.parametrize("subject", [UPDATE, OPT_OUT], ids=["open", "carried_out"])
def test_h50_a_reply_to_our_letter_follows_the_request_and_is_not_answered(firm: Firm, subject: str) -> None:
    request = firm.receive(mail(subject))
    firm.run()
    reference, letter = firm.requests()[request].reference, firm.last_letters_id()
    quoted = "Thank you, but when?\r\n\r\n> You no longer want to receive our messages.\r\n"
    threaded = firm.receive(mail("Re: your letter", f"In-Reply-To: {letter}", message_id="<2@example.com>", body=quoted))
    naming = firm.receive(mail(f"Re: We have received your letter: {reference}", message_id="<3@example.com>", body=quoted))
    firm.run()
    outcomes = firm.outcomes()
    assert (("follow_up", reference), ("follow_up", reference)) == (outcomes[threaded], outcomes[naming])
    assert ([AIGUL], [request]) == (firm.recipients(), list(firm.requests()))


def test_h50_a_reply_to_our_letter_about_a_closed_request_comes_before_staff(firm: Firm) -> None:
    """The letter promises that a person reads the reply, and nobody looks at what is closed."""
    request = firm.receive(mail(OPT_OUT))
    firm.run()
    firm.receive(mail("Re: your letter", f"In-Reply-To: {firm.last_letters_id()}", message_id="<2@example.com>", body="That was not me!"))
    firm.run()
    assert "awaiting_staff" == firm.requests()[request].state
    assert firm.is_suppressed(AIGUL)


def test_a_reply_to_our_letter_that_asks_for_something_else_is_a_request_of_its_own(firm: Firm) -> None:
    firm.receive(mail(UPDATE))
    firm.run()
    answering = f"In-Reply-To: {firm.last_letters_id()}"
    other = firm.receive(mail("Re: your letter", answering, message_id="<2@example.com>", body="Please delete all my personal data."))
    firm.run()
    assert "destroy" == firm.requests()[other].type


def test_h111_who_writes_the_reference_of_another_is_held_and_joins_nothing(firm: Firm) -> None:
    request = firm.receive(mail(UPDATE))
    firm.run()
    reference = firm.requests()[request].reference
    strangers = firm.receive(mail(f"Re: {reference}", sender=DANA, message_id="<2@example.com>", body="Please send it to me."))
    firm.run()
    outcome, of_strangers = firm.outcomes()[strangers]
    assert ("held", True) == (outcome, of_strangers not in (None, reference))
    assert [AIGUL] == firm.recipients()


DOUBTFUL = {
    "two_from_fields": mail(OPT_OUT, f"From: {DANA}"),
    "two_subject_fields": mail(OPT_OUT, "Subject: Invoice"),
    "subject_with_a_space_before_the_colon": mail(OPT_OUT, "Subject : Invoice"),
    "several_mailboxes": mail(OPT_OUT, sender=f"{AIGUL}, {DANA}"),
    "a_group": mail(OPT_OUT, sender=f"friends: {AIGUL};"),
    "no_from": mail(OPT_OUT, sender=""),
    "two_readings": mail(OPT_OUT, sender=f"{AIGUL} <{DANA}>"),
    "not_an_address": mail(OPT_OUT, sender="aigul"),
}


def test_h44_h45_a_doubtful_sender_is_held_and_nothing_is_done_or_sent(firm: Firm) -> None:
    uids = {name: firm.receive(raw.replace(b"<1@", f"<{name}@".encode())) for name, raw in DOUBTFUL.items()}
    firm.run()
    outcomes = firm.outcomes()
    assert dict.fromkeys(DOUBTFUL, "held") == {name: outcomes[uid][0] for name, uid in uids.items()}
    assert [] == firm.recipients()
    assert not firm.is_suppressed(AIGUL)
    assert not firm.is_suppressed(DANA)


AUTOMATIC = {
    "h70_auto_submitted": mail(OPT_OUT, "Auto-Submitted: (made by) auto-replied; x=1"),
    "h71_null_return_path": b"Return-Path: <>\r\n" + mail(OPT_OUT),
    "h72_delivery_report": mail(OPT_OUT, 'Content-Type: multipart/report; report-type=delivery-status; boundary="x"'),
    "h72_mailer_daemon": mail(OPT_OUT, sender="MAILER-DAEMON@example.com"),
    "h73_list": mail(OPT_OUT, "List-Id: <news.example.com>"),
    "h73_bulk": mail(OPT_OUT, "Precedence: bulk"),
    "h74_autoreply": mail(OPT_OUT, "X-Autoreply: yes"),
    "h75_our_own_address": mail(OPT_OUT, sender=INBOX),
    "h77_out_of_office": mail(f"Automatic reply: {OPT_OUT}"),
}


def test_h70_to_h77_machines_are_never_answered(firm: Firm) -> None:
    uids = {name: firm.receive(raw) for name, raw in AUTOMATIC.items()}
    firm.run()
    outcomes = firm.outcomes()
    assert dict.fromkeys(AUTOMATIC, "automatic") == {name: outcomes[uid][0] for name, uid in uids.items()}
    assert ([], {}) == (firm.recipients(), firm.requests())


UNANSWERED = {
    "h74_answer_unwanted": mail(OPT_OUT, "X-Auto-Response-Suppress: All"),
    "h75_no_reply": mail(OPT_OUT, sender="noreply@example.com", message_id="<2@example.com>"),
    "h76_not_to_us": mail(OPT_OUT, sender=DANA, to="somebody@example.com", message_id="<3@example.com>"),
    "h78_marked_as_spam": mail(OPT_OUT, "X-Spam-Flag: YES", sender="spam@example.com", message_id="<4@example.com>"),
}


def test_h74_to_h78_a_request_that_is_never_answered_is_registered_for_staff(firm: Firm) -> None:
    uids = {name: firm.receive(raw) for name, raw in UNANSWERED.items()}
    firm.run()
    assert dict.fromkeys(UNANSWERED, ("request", "awaiting_staff")) == {
        name: (firm.outcomes()[uid][0], firm.requests()[uid].state) for name, uid in uids.items()
    }
    assert [] == firm.recipients()
    assert (True, False) == (firm.is_suppressed(DANA), firm.is_suppressed("spam@example.com"))


def test_h37_a_subject_that_cannot_be_decoded_is_held_and_not_answered(firm: Firm) -> None:
    uid = firm.receive(mail("=?x-unknown?b?4ev16w==?="))
    firm.run()
    assert ("held", []) == (firm.outcomes()[uid][0], firm.recipients())


def test_two_demands_and_a_representative_get_a_neutral_letter_with_a_reference(firm: Firm) -> None:
    two = firm.receive(mail("Отзыв согласия и изменение телефона"))
    relative = firm.receive(mail("Удалите персональные данные моей мамы", sender=DANA, message_id="<2@example.com>"))
    firm.run()
    assert ("held", "held") == (firm.outcomes()[two][0], firm.outcomes()[relative][0])
    assert sorted([AIGUL, DANA]) == firm.recipients()
    assert not firm.is_suppressed(AIGUL)


def test_the_authority_and_other_state_bodies_are_answered_by_staff_alone(firm: Firm) -> None:
    authority = firm.receive(mail("Запрос уполномоченного органа о персональных данных", sender="info@authority.example"))
    police = firm.receive(mail("Запрос прокуратуры о персональных данных", sender="info@police.example", message_id="<2@example.com>"))
    firm.run()
    assert ("request", "held") == (firm.outcomes()[authority][0], firm.outcomes()[police][0])
    assert {"officer@example.com"} == set(firm.recipients())


def test_h92_an_opt_out_whose_sender_no_letter_reaches_is_for_staff(firm: Firm) -> None:
    uid = firm.receive(mail(OPT_OUT, sender="әсел@example.com"))
    firm.run()
    assert "awaiting_staff" == firm.requests()[uid].state


def test_the_same_demand_again_while_it_is_open_keeps_the_first_date(firm: Firm) -> None:
    first = firm.dovecot.append(firm.user, mail(UPDATE), internal_date=datetime.fromisoformat("2026-11-20T12:00:00+05:00"))
    second = firm.receive(mail(UPDATE, message_id="<2@example.com>", body="I am still waiting."))
    firm.run()
    assert [first] == list(firm.requests())
    assert ("follow_up", firm.requests()[first].reference) == firm.outcomes()[second]
    assert [AIGUL] == firm.recipients()


def test_the_name_of_an_attachment_asks_where_subject_and_text_say_nothing(firm: Firm) -> None:
    """What it holds is not read: a person must look."""
    uids = [firm.receive(with_attachment(name)) for name in ("Удаление персональных данных.pdf", "Счёт 17.pdf")]
    firm.run()
    assert ["held", "ordinary"] == [firm.outcomes()[uid][0] for uid in uids]
    assert RequestType.DESTROY in firm.requests()[uids[0]].may_be


def with_attachment(name: str) -> bytes:
    letter = EmailMessage(policy=SMTP)
    letter["From"], letter["To"], letter["Subject"] = AIGUL, INBOX, "Добрый день"
    letter.set_content("См. вложение.")
    letter.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename=name)
    return letter.as_bytes()
