"""``mailbot digest``: shown, written as a page, or sent because somebody asks."""

import asyncio
import re
import stat
from pathlib import Path

import pytest

from mailbot.config import load_config
from mailbot.daemon import Works
from tests.conftest import ConfigFile, write_config
from tests.mailbot.digest_room import read
from tests.mailbot.register_room import office
from tests.mailbot.typing_room import Ran, Type, typist
from tests.servers import CapturingSmtp

QUEUED = "letters queued: 1; the daemon sends them soon, without a daemon `mailbot run --once` does\n"


@pytest.fixture
def mailbot(capsys: pytest.CaptureFixture[str]) -> Type:
    return typist(capsys)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return office(tmp_path)


def test_the_digest_is_shown_in_the_language_of_the_staff_and_nothing_is_queued(mailbot: Type, config: Path) -> None:
    ran = mailbot("digest", "--config", config)
    assert (0, "") == (ran.status, ran.err)
    assert ran.out.startswith("mailbot · KazGer (alit.kz)\nСводка по персональным данным\n")
    assert Ran(0, "There are no letters yet.\n", "") == mailbot("letters", "list", "--config", config)


def test_the_digest_is_written_as_a_page_that_only_its_owner_can_read(mailbot: Type, config: Path, tmp_path: Path) -> None:
    page = tmp_path / "digest.html"
    assert Ran(0, f"{page} is written; a browser shows it\n", "") == mailbot("digest", "--html", page, "--config", config)
    assert page.read_text(encoding="utf-8").startswith('<!DOCTYPE html>\n<html lang="ru">\n')
    assert 0o600 == stat.S_IMODE(page.stat().st_mode)


def test_a_page_that_cannot_be_written_is_a_sentence(mailbot: Type, config: Path, tmp_path: Path) -> None:
    page = tmp_path / "nowhere" / "digest.html"
    assert Ran(1, "", f"mailbot: {page} cannot be written: no such file or directory\n") == mailbot(
        "digest", "--html", page, "--config", config
    )


def test_with_nobody_to_tell_a_digest_is_shown_but_not_sent(mailbot: Type, tmp_path: Path) -> None:
    config = write_config(tmp_path, imap_port=1, smtp_port=1, staff={"digest_to": []})
    assert 0 == mailbot("digest", "--config", config).status
    told = 'mailbot: staff.digest_to names nobody: write who is to be told, as digest_to = ["officer@example.com"]\n'
    assert Ran(78, "", told) == mailbot("digest", "--send", "--config", config)


def test_a_digest_that_is_asked_for_reaches_its_reader(mailbot: Type, smtp: CapturingSmtp, config_file: ConfigFile) -> None:
    config = config_file(staff={"digest_at": "23:59"})
    assert Ran(0, QUEUED, "") == mailbot("digest", "--send", "--config", config)
    assert 0 == asyncio.run(Works(load_config(config)).once()).exit_status
    (envelope,) = smtp.envelopes
    message = read(envelope.content)
    assert (("officer@example.com",), "info@alit.kz") == (envelope.recipients, envelope.sender)
    assert re.fullmatch(r"mailbot · alit\.kz: ящик не читается, \d\d\.\d\d\.\d{4}", message["Subject"])
    assert ["text/plain", "text/html"] == [part.get_content_type() for part in message.iter_parts()]
