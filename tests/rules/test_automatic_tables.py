"""Every word, field and address by which a machine is known, once each, and the order of the rules (H70-H78)."""

import pytest

from rules.automatic import RULES, Kind, OwnMail, Screening, screen
from rules.message import read_header

OWN = OwnMail(frozenset({"info@alit.example"}))
PERSON = ("From: anna@client.example", "To: info@alit.example")

SUBJECTS = {
    Kind.AUTO_REPLY: (
        "Automatic reply: Your letter",
        "Auto-Reply: Your letter",
        "Auto Response: Your letter",
        "Vacation reply",
        "Vacation notice!",
        "Автоответ: Ваше письмо",
        "Автоматический ответ (Re: Ваше письмо)",
        "Автоматическое уведомление: письмо получено",
        "Вне офиса: Ваше письмо",
        "Отсутствую на рабочем месте, Ваше письмо",
        "Автоматты жауап: Сұрауыңыз",
        "Автоматты түрде жауап беру: Сұрауыңыз",
        "Автожауап – Сұрауыңыз",
        "Out of office until Monday",
        "Out of the office",
    ),
    Kind.BOUNCE: (
        "Undeliverable: Your letter",
        "Undelivered Mail Returned to Sender",
        "Mail delivery failed: returning message to sender",
        "Mail Delivery Failure",
        "Mail Delivery System",
        "Mail delivery warning",
        "Mail delivery delayed",
        "Mail delivery problem",
        "Delivery Status Notification (Failure)",
        "Returned mail: see transcript for details",
        "Message delivery failure",
        "Message not delivered",
        "Message undeliverable: Your letter",
        "Failure notice",
        "Delivery failed: Your letter",
        "Delivery has failed: Your letter",
        "Delivery failure",
        "Delivery failure: Your letter",
        "Delivery Failure Notification",
        "Delivery Notification: Delivery has failed",
        "Mail System Error - Returned Mail",
        "Mail failure",
        "Nondeliverable mail",
        "Warning: could not send message for past 4 hours",
        "Warning: message 1aBcDe-0001 delayed 24 hours",
        "Недоставленное сообщение",
        "Недоставленное письмо",
        "Недоставлено: Ваше письмо",
        "Не доставлено: Ваше письмо",
        "Сообщение не доставлено",
        "Письмо не доставлено",
        "Не удалось доставить сообщение",
        "Не удалось доставить письмо",
        "Не удалось доставить почту",
        "Ошибка доставки сообщения",
        "Ошибка доставки письма",
        "Ошибка доставки почты",
        "Жеткізілмеген хабар",
        "Жеткізілмеген хат",
        "Жеткізілмеді: Хатыңыз",
        "Хабар жеткізілмеді",
    ),
    Kind.READ_RECEIPT: (
        "Read: Your letter",
        "Not read: Your letter",
        "Delivered: Your letter",
        "Прочитано: Ваше письмо",
        "Прочтено: Ваше письмо",
        "Не прочитано: Ваше письмо",
        "Доставлено: Ваше письмо",
        "Оқылды: Хатыңыз",
        "Оқылмады: Хатыңыз",
        "Жеткізілді: Хатыңыз",
    ),
}

MARKS = (
    ("X-Mailbot-Loop: 1", Screening(Kind.OWN, "loop_mark")),
    ("Content-Type: multipart/report; report-type=delivery-status", Screening(Kind.BOUNCE, "multipart_report")),
    ("Auto-Submitted: auto-replied", Screening(Kind.AUTO_REPLY, "auto_submitted")),
    ("Return-Path: <>", Screening(Kind.BOUNCE, "null_return_path")),
    ("Sender: postmaster@mx.example", Screening(Kind.BOUNCE, "mailer_daemon")),
    ("X-Autoreply: yes", Screening(Kind.AUTO_REPLY, "x_autoreply")),
    ("List-Id: <club.example>", Screening(Kind.LIST, "list_field")),
    ("Subject: Read: Your letter", Screening(Kind.READ_RECEIPT, "read_receipt_subject")),
    ("X-Spam-Flag: YES", Screening(Kind.SPAM, "spam_mark")),
    ("X-Auto-Response-Suppress: All", Screening(Kind.NO_REPLY, "auto_response_suppress")),
    ("To: other@client.example", Screening(Kind.NOT_TO_US, "not_addressed_to_us")),
)
"""One mark a rule, in the order of the rules."""


def screened(*lines: str) -> Screening | None:
    return screen(read_header("\r\n".join((*lines, "", "")).encode()), OWN)


@pytest.mark.parametrize("kind", SUBJECTS)
def test_h77_each_way_in_which_a_notice_begins(kind: Kind) -> None:
    expected = Screening(kind, f"{kind}_subject")
    assert dict.fromkeys(SUBJECTS[kind], expected) == {subject: screened(*PERSON, f"Subject: {subject}") for subject in SUBJECTS[kind]}


def test_h72_h74_h78_of_several_marks_the_first_rule_counts() -> None:
    """What no person wrote goes before what is only never answered, and what says more before what says less."""
    found = [screened("From: anna@client.example", *(line for line, _ in MARKS[at:])) for at in range(len(MARKS))]
    assert [expected for _, expected in MARKS] == found
    assert len(RULES) == len(MARKS)


@pytest.mark.parametrize("name", ["X-Autoresponder", "X-Auto-Reply-From"])
def test_h74_each_field_of_a_robot(name: str) -> None:
    assert Screening(Kind.AUTO_REPLY, name.lower().replace("-", "_")) == screened(*PERSON, f"{name}: robot@client.example")


def test_h72_the_type_of_a_report_may_be_written_in_capitals() -> None:
    assert Screening(Kind.BOUNCE, "multipart_report") == screened(*PERSON, "Content-Type: MULTIPART/REPORT; REPORT-TYPE=DELIVERY-STATUS")


def test_h72_a_mail_daemon_is_a_mail_system() -> None:
    assert Screening(Kind.BOUNCE, "mailer_daemon") == screened("From: mail-daemon@mx.example", PERSON[1])


@pytest.mark.parametrize("name", ["MAILER-DAEMON", "<MAILER-DAEMON>", "Mail Delivery System <Mailer-Daemon>", '"MAILER-DAEMON" (mx)'])
def test_h72_a_mail_system_may_give_its_name_for_an_address(name: str) -> None:
    assert Screening(Kind.BOUNCE, "mailer_daemon") == screened(f"From: {name}", PERSON[1])


@pytest.mark.parametrize("name", ["From: Postmaster Petrov <petrov@client.example>", "From: Daemon", "From:", "Subject: No From at all"])
def test_who_only_is_called_like_one_or_gives_no_address_may_be_a_person(name: str) -> None:
    assert screened(name, PERSON[1]) is None


@pytest.mark.parametrize("local", ["not-reply", "dont-reply", "dont.reply", "club-owner", "Club-Owner+anna"])
def test_h75_each_address_that_nobody_reads(local: str) -> None:
    assert Screening(Kind.NO_REPLY, "no_reply_sender") == screened(f"From: {local}@client.example", PERSON[1])


def test_h78_a_filter_that_only_adds_a_header_marks_spam_too() -> None:
    assert Screening(Kind.SPAM, "spam_mark") == screened(*PERSON, "X-Spam-Action: add header")
