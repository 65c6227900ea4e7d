"""Which mail is never answered, and why."""

from pathlib import Path

import pytest

from rules.automatic import LONGEST_REFRAIN, LOOP_MARK_FIELD, RULES, SHORTEST_REFRAIN, Kind, OwnMail, Screening, refrain, screen, voice_of
from rules.message import read, read_header

MAIL = Path(__file__).parents[1] / "mail"
OWN = OwnMail(frozenset({"info@alit.example", "privacy@alit.example"}))


def screened(
    *lines: str, sender: str = "Anna <anna@client.example>", to: str = "info@alit.example", subject: str = "Hello"
) -> Screening | None:
    head = "\r\n".join((*lines, f"From: {sender}", f"To: {to}", f"Subject: {subject}", "", ""))
    return screen(read_header(head.encode()), OWN)


def test_ordinary_mail_may_be_answered() -> None:
    assert screened("Return-Path: <anna@client.example>", "Auto-Submitted: no", "Precedence: normal", "X-Spam-Flag: NO") is None


@pytest.mark.parametrize("value", ["auto-replied", "Auto-Generated", "auto-notified; owner-email=x", "(robot) auto-replied", "yes", ""])
def test_h70_auto_submitted_mail_is_automatic(value: str) -> None:
    assert Screening(Kind.AUTO_REPLY, "auto_submitted") == screened(f"Auto-Submitted: {value}")


@pytest.mark.parametrize("value", ["no", "NO", "no (a person)", "(person) no", "(a) (person) no", "(a person) no (really)", "no; x=y"])
def test_h70_auto_submitted_no_is_a_persons(value: str) -> None:
    assert screened(f"Auto-Submitted: {value}") is None


@pytest.mark.parametrize("value", ["<>", "", "< >"])
def test_h71_the_null_return_path_is_a_bounce(value: str) -> None:
    assert Screening(Kind.BOUNCE, "null_return_path") == screened(f"Return-Path: {value}")


@pytest.mark.parametrize(
    ("report_type", "kind"),
    [
        ("delivery-status", Kind.BOUNCE),
        ('"disposition-notification"', Kind.READ_RECEIPT),
        ("feedback-report", Kind.REPORT),
        ("tlsrpt", Kind.REPORT),
    ],
)
def test_h72_a_report_is_automatic(report_type: str, kind: Kind) -> None:
    assert Screening(kind, "multipart_report") == screened(f"Content-Type: Multipart/Report; boundary=x; report-type={report_type}")


def test_h72_a_report_that_does_not_say_of_what_is_still_one() -> None:
    assert Screening(Kind.REPORT, "multipart_report") == screened("Content-Type: multipart/report; boundary=x")


@pytest.mark.parametrize("sender", ["MAILER-DAEMON@mx.example", "Postmaster <postmaster@mx.example>", "mailer-daemon+x@mx.example"])
def test_h72_a_mail_system_is_a_bounce(sender: str) -> None:
    assert Screening(Kind.BOUNCE, "mailer_daemon") == screened(sender=sender)


@pytest.mark.parametrize(
    ("line", "kind", "reason"),
    [
        ("List-Id: <x.example>", Kind.LIST, "list_field"),
        ("List-Unsubscribe: <mailto:x@x.example>", Kind.LIST, "list_field"),
        ("Mailing-List: contact x@x.example", Kind.LIST, "list_field"),
        ("Precedence: Bulk", Kind.BULK, "precedence"),
        ("Precedence: junk", Kind.BULK, "precedence"),
        ("Precedence: list", Kind.LIST, "precedence"),
        ("Precedence: auto_reply", Kind.AUTO_REPLY, "precedence"),
        ("Precedence: auto-reply", Kind.AUTO_REPLY, "precedence"),
        ("X-Autoreply: yes", Kind.AUTO_REPLY, "x_autoreply"),
        ("X-Autorespond: x", Kind.AUTO_REPLY, "x_autorespond"),
        ("X-Failed-Recipients: x@x.example", Kind.BOUNCE, "x_failed_recipients"),
        (f"{LOOP_MARK_FIELD}: 1", Kind.OWN, "loop_mark"),
    ],
)
def test_h73_h74_fields_of_robots_and_lists_make_mail_automatic(line: str, kind: Kind, reason: str) -> None:
    screening = screened(line)
    assert Screening(kind, reason) == screening
    assert screening.automatic


def test_a_field_whose_name_only_holds_list_is_none() -> None:
    assert screened("X-List-Like: x", "Listen: x") is None


def test_h29_our_own_address_is_our_own_mail() -> None:
    assert Screening(Kind.OWN, "own_address") == screened(sender="Alit <Privacy@ALIT.example>")


@pytest.mark.parametrize(
    "sender",
    [
        "noreply@x.example",
        "No-Reply@x.example",
        "no_reply+1@x.example",
        "do-not-reply@x.example",
        "donotreply@x.example",
        "owner-club@x.example",
        "club-request@x.example",
        "club-bounces+anna=x@x.example",
        "bounce@x.example",
        "bounces+12@x.example",
        "news-noreply@x.example",
    ],
)
def test_h75_a_no_reply_sender_is_read_but_never_answered(sender: str) -> None:
    screening = screened(sender=sender)
    assert Screening(Kind.NO_REPLY, "no_reply_sender") == screening
    assert not screening.automatic


@pytest.mark.parametrize(
    "sender", ["norah.eply@x.example", "anna.request@x.example", "request@x.example", "bouncer@x.example", "owner@x.example"]
)
def test_a_sender_whose_name_only_resembles_no_reply_is_a_person(sender: str) -> None:
    assert screened(sender=sender) is None


def test_h74_a_wish_for_no_automatic_answer_is_obeyed_and_the_mail_read() -> None:
    assert Screening(Kind.NO_REPLY, "auto_response_suppress") == screened("X-Auto-Response-Suppress: OOF, AutoReply")
    assert screened("X-Auto-Response-Suppress: None") is None


@pytest.mark.parametrize("to", ["other@x.example", "undisclosed-recipients:;", "info@alit.example.x.example"])
def test_h76_mail_that_does_not_name_us_is_read_but_never_answered(to: str) -> None:
    screening = screened(to=to)
    assert Screening(Kind.NOT_TO_US, "not_addressed_to_us") == screening
    assert not screening.automatic


@pytest.mark.parametrize("name", ["Cc", "Resent-To", "Resent-Cc"])
def test_h76_any_recipient_field_may_name_us(name: str) -> None:
    assert screened(f"{name}: INFO@alit.example", to="other@x.example") is None


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("Automatic reply: Your request", Kind.AUTO_REPLY),
        ("Out of office: Revocation of consent", Kind.AUTO_REPLY),
        ("Out of the office until 5 May", Kind.AUTO_REPLY),
        ("Auto-Reply", Kind.AUTO_REPLY),
        ("Автоответ: Ваше обращение принято", Kind.AUTO_REPLY),
        ("АВТОМАТИЧЕСКИЙ ОТВЕТ: Re: x", Kind.AUTO_REPLY),
        ("Автоматты жауап: Сұрауыңыз", Kind.AUTO_REPLY),
        ("Undelivered Mail Returned to Sender", Kind.BOUNCE),
        ("Mail delivery failed: returning message to sender", Kind.BOUNCE),
        ("Undeliverable: x", Kind.BOUNCE),
        ("Недоставленное сообщение", Kind.BOUNCE),
        ("Read: Your request", Kind.READ_RECEIPT),
        ("Прочитано: Ваше обращение", Kind.READ_RECEIPT),
        ("Оқылды: Сұрауыңыз", Kind.READ_RECEIPT),
    ],
)
def test_h77_a_robot_is_known_by_how_its_subject_begins(subject: str, kind: Kind) -> None:
    assert Screening(kind, f"{kind}_subject") == screened(subject=subject)


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Automatic reply: Your request",
        "Автоответчик сломан",
        "Please read: delete my data",
        "Доставлено не то",
        "Ошибка доставки заказа",
        "Delivered twice, please refund",
        "Revocation of consent",
    ],
)
def test_h77_a_subject_that_only_holds_such_words_is_a_persons(subject: str) -> None:
    assert screened(subject=subject) is None


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("17", "XA-9182"),
        ("20.11.2026", "21.11.2026"),
        ("Aigul", "«Нұрлан»"),
        ("Aigul", "Anna Petrova-Smith"),
        ("desk@firm.example", "<t.k@desk.example>"),
        ("https://desk.example/a", "https://desk.example/b"),
        (" ", "\r\n"),
    ],
)
def test_h82_a_robot_says_the_same_whatever_name_and_number_it_gives_and_however_it_is_set(word: str, other: str) -> None:
    said = "Dear Aigul, your ticket 17 of 20.11.2026 has been opened: https://desk.example/a. All answers come from desk@firm.example soon."
    assert "your ticket of has been opened answers come from soon" == refrain(said)
    assert refrain(said) == refrain(said.replace(word, other))
    assert refrain(said) != refrain(said.replace("ticket", "letter"))


def test_h82_who_shouts_has_a_refrain_too() -> None:
    assert "your ticket has been opened and will be answered" == refrain("YOUR TICKET 17 HAS BEEN OPENED AND WILL BE ANSWERED")


def test_h82_a_longer_name_moves_no_end_of_a_long_text() -> None:
    said = f"Dear Dana, {'our support team answers soon. ' * LONGEST_REFRAIN}"
    assert refrain(said) == refrain(said.replace("Dana", "Alexandra"))


@pytest.mark.parametrize("text", [None, "", "Stop.", "7" * 100, "a" * (SHORTEST_REFRAIN - 1)])
def test_h82_what_many_people_may_say_is_no_refrain(text: str | None) -> None:
    assert refrain(text) is None


@pytest.mark.parametrize(
    ("voice", "addresses"),
    [
        ("desk.example", ["robot@desk.example", "ticket-7@desk.example", "desk+7@t7.Desk.example"]),
        ("firm.co.uk", ["robot@firm.co.uk", "robot@a.b.firm.co.uk"]),
        ("desk@gmail.com", ["desk@gmail.com", "Desk+7@GMail.com", "desk+a+b@gmail.com"]),
        ("person@mail.kz", ["person@mail.kz"]),
    ],
)
def test_h82_a_robot_is_known_by_its_organisation_and_at_a_public_provider_by_its_mailbox(voice: str, addresses: list[str]) -> None:
    assert [voice] * len(addresses) == [voice_of(address) for address in addresses]


def test_h82_a_sentence_is_long_enough_for_a_refrain() -> None:
    assert "a" * SHORTEST_REFRAIN == refrain("A" * SHORTEST_REFRAIN)


@pytest.mark.parametrize("line", ["X-Spam-Flag: YES", "X-Spam-Status: Yes, score=9", "X-Spam: Yes", "X-Yandex-Spam: 4"])
def test_h78_marked_spam_is_read_but_neither_answered_nor_acted_on(line: str) -> None:
    screening = screened(line)
    assert Screening(Kind.SPAM, "spam_mark") == screening
    assert (False, False) == (screening.automatic, screening.acts_allowed)


def test_h88_a_mail_clients_unsubscribe_mail_is_ordinary() -> None:
    assert screen(read((MAIL / "unsubscribe-button.eml").read_bytes()), OWN) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("bounce", "multipart_report"),
        ("empty-return-path", "null_return_path"),
        ("our-letter-come-back", "loop_mark"),
        ("list-post", "list_field"),
        ("unlisted-recipients", None),
        ("two-from-fields", None),
    ],
)
def test_whole_messages_are_screened_by_the_first_rule_that_fits(name: str, reason: str | None) -> None:
    screening = screen(read((MAIL / f"{name}.eml").read_bytes()), OWN)
    assert reason == (screening.reason if screening else None)


def test_what_is_automatic_goes_before_what_is_only_never_answered() -> None:
    """A request must not be opened from a bounce just because it is marked as spam too."""
    screening = screened("X-Spam-Flag: YES", "Return-Path: <>", to="other@x.example")
    assert Screening(Kind.BOUNCE, "null_return_path") == screening
    assert ["marked_spam", "answer_unwanted", "not_to_us"] == [rule.__name__ for rule in RULES[-3:]]


@pytest.mark.parametrize(
    "field", ["Return-Path: <MAILER-DAEMON>", "Return-Path: <mailer-daemon@a.example>", "Sender: postmaster@a.example"]
)
def test_h72_the_envelope_and_the_sender_field_tell_a_mail_system_too(field: str) -> None:
    message = read_header(f"{field}\r\nFrom: anna@example.com\r\nTo: info@alit.kz\r\nSubject: Opt-out of Notifications\r\n\r\n".encode())
    screening = screen(message, OwnMail(frozenset({"info@alit.kz"})))
    assert screening is not None
    assert screening.automatic
