"""The digest over the wire, and what the configuration says of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mailbot.config import load_config
from mailbot.desk import Desk
from mailbot.digest import digest_order, queue_digest, queue_digest_now, show_digest
from mailbot.errors import ConfigurationMistake
from mailbot.letters import LetterMistake
from rules.automatic import screen
from rules.confirmation import codes_in
from rules.message import read_header
from rules.vocabulary import Language, RequestType
from tests.conftest import write_config
from tests.mailbot.digest_room import NOW, an_order, only_digest, read
from tests.mailbot.register_room import arrive, office, open_desk

ORDER = an_order()
FIELDS = [
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-Mailbot-Loop",
    "MIME-Version",
    "Content-Type",
    "Content-Language",
]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Return a desk at which it is nine on Monday, 23 November."""
    with open_desk(office(tmp_path), NOW) as desk:
        yield desk


@pytest.mark.parametrize("language", Language)
def test_h84_a_digest_says_that_a_machine_wrote_it_and_carries_exactly_its_fields(desk: Desk, language: Language) -> None:
    queue_digest(desk, an_order(language=language), NOW)
    letter = only_digest(desk)
    message = read(letter.content)
    assert FIELDS == message.keys()
    assert ["auto-generated", "All", "digest", "officer@example.com", language] == [
        message[name] for name in ("Auto-Submitted", "X-Auto-Response-Suppress", "X-Mailbot-Loop", "To", "Content-Language")
    ]
    assert "info@alit.kz" == message["Reply-To"]
    assert message["Subject"].startswith("mailbot · alit.kz: ")
    assert message["Subject"].endswith(", 23.11.2026")


def test_a_digest_has_a_text_and_a_page_that_say_the_same_and_how_they_are_answered(desk: Desk) -> None:
    arrive(desk, RequestType.ACCESS)
    page = show_digest(desk, ORDER, NOW)
    queue_digest(desk, ORDER, NOW)
    message = read(only_digest(desk).content)
    both, _ = message.iter_parts()
    assert ["multipart/alternative", "text/plain", "text/html"] == [part.get_content_type() for part in both.walk()]
    (code,) = codes_in(message["Message-ID"])
    for shown, sent in zip((page.text, page.html), (part.get_content() for part in both.iter_parts()), strict=True):
        assert [] == [line for line in shown.splitlines() if line not in sent.splitlines()]
        assert (code not in shown, code in sent) == (True, True)


def test_h90_a_digest_is_crlf_only_ascii_and_short_of_line(desk: Desk) -> None:
    queue_digest(desk, an_order(language=Language.KK), NOW)
    content = only_digest(desk).content
    assert content.isascii()
    assert set() == set(b"\r\n") & set(content.replace(b"\r\n", b""))
    assert 78 >= max(map(len, content.split(b"\r\n")))


def test_h89_a_name_that_would_break_the_header_gets_no_digest_out(desk: Desk) -> None:
    policy = replace(desk.policy, operator={Language.EN: "Bell\x07"})
    with pytest.raises(LetterMistake):
        queue_digest(replace(desk, policy=policy), ORDER, NOW)


def test_no_cap_binds_a_digest(desk: Desk) -> None:
    queue_digest(desk, ORDER, NOW)
    letter = only_digest(desk)
    assert (False, None, "digest", "bounces@alit.kz") == (letter.capped, letter.reference, letter.topic, letter.envelope_sender)
    assert len(letter.cause) <= 40


def test_h84_a_digest_that_comes_back_is_our_own_mail(desk: Desk) -> None:
    queue_digest(desk, ORDER, NOW)
    screening = screen(read_header(only_digest(desk).content), desk.own)
    assert screening is not None
    assert screening.automatic


def test_i6_no_line_of_the_log_names_a_reader(desk: Desk) -> None:
    with capture_logs() as lines:
        queue_digest(desk, ORDER, NOW)
    assert [{"event": "digest_queued", "log_level": "info", "day": "2026-11-23", "letters": 1}] == lines


def test_the_configuration_says_who_is_told_when_and_how(tmp_path: Path) -> None:
    staff_table = {"digest_at": "18:30", "digest_days": "working", "language": "kk", "show_senders": True}
    config = write_config(tmp_path, imap_port=1, smtp_port=1, staff=staff_table)
    expected = an_order(language=Language.KK, working_only=True, show_senders=True, envelope_sender="info@alit.kz", remind_before=(3, 1))
    assert replace(expected, at=time(18, 30)) == digest_order(load_config(config))


def test_h92_an_address_that_no_letter_can_reach_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    config = write_config(tmp_path, imap_port=1, smtp_port=1, staff={"digest_to": ["айгуль@example.com"]})
    with pytest.raises(
        ConfigurationMistake, match=r"staff\.digest_to holds an address that no letter can reach: the part before the @ is not ASCII"
    ):
        digest_order(load_config(config))


def test_nobody_to_tell_is_a_mistake_of_whoever_asks_for_a_digest(desk: Desk) -> None:
    with pytest.raises(ConfigurationMistake, match=r"staff\.digest_to names nobody"):
        queue_digest_now(desk, an_order(to=()), NOW)
