"""Header fields that say what cannot be: each message is taken in, and what was wrong with it goes no further (H38, H40, H41)."""

import json
from datetime import UTC, datetime

import pytest

from tests.conftest import NO_LIMITS, ConfigFile
from tests.mailbot.typing_room import typist
from tests.scenarios.asking import read
from tests.scenarios.outside import append_all, outcomes_in, requests_in, run_once, seen_by
from tests.servers import CapturingSmtp, Dovecot, Postgresql

CAME = datetime(2026, 1, 5, 5, 0, tzinfo=UTC)
DATES = {
    "missing": "",
    "zoneless": "Date: Mon, 5 Jan 2026 10:00:00",
    "ahead": "Date: Mon, 5 Jan 2099 10:00:00 +0500",
    "ancient": "Date: Thu, 1 Jan 1970 00:00:00 +0000",
    "beyond": "Date: Fri, 31 Dec 99999 23:59:59 +0000",
    "overflow": "Date: Mon, 5 Jan 2026 10:00:00 +9999",
    "words": "Date: yesterday",
}
TO = ["unlisted-recipients:; (no To-header on input)", "nobody:;", "<info@alit.kz", "info @ alit.kz, <x@y", ",,,;;<>"]


def written(name: str, *fields: str, to: str = "info@alit.kz") -> bytes:
    head = [f"From: {name}@example.com", f"To: {to}", f"Message-ID: <{name}@example.com>", "Subject: Opt-out of Notifications", *fields]
    return "\r\n".join([*filter(None, head), "", f"Stop. {name}", ""]).encode()


def test_h41_whatever_date_the_sender_writes_the_moment_of_the_server_counts(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file(limits={**NO_LIMITS, "acknowledge_up_to_days": 0})
    with dovecot.session(mailbox) as imap:
        imap.multiappend("INBOX", [{"msg": written(name, date), "date": CAME} for name, date in DATES.items()])
    run_once(config)
    assert [CAME] * len(DATES) == [request.received_at for request in requests_in(config)]
    assert {f"{name}@example.com": 1 for name in DATES} == seen_by(smtp)


def test_h40_one_field_that_cannot_be_read_breaks_neither_the_others_nor_the_pass(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file()
    append_all(dovecot, mailbox, [*(written(f"odd{number}", to=to) for number, to in enumerate(TO)), written("plain")])
    run_once(config)
    assert {"request": len(TO) + 1} == outcomes_in(config)
    assert 1 == seen_by(smtp)["plain@example.com"]


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_h38_no_control_character_gets_into_the_store_a_letter_or_json(
    dovecot: Dovecot,
    smtp: CapturingSmtp,
    mailbox: str,
    config_file: ConfigFile,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
    engine: str,
) -> None:
    """PostgreSQL takes no NUL in a text, and neither takes a lone surrogate."""
    server: Postgresql | None = request.getfixturevalue("postgresql") if engine == "postgresql" else None
    config = config_file(**({"store": {"url": server.fresh_database()}} if server else {}))
    encoded = "=?utf-8?q?Revocation_of_consent=00_=1b[2J=0aBcc:_x@evil.example_=ed=b3=a9?="
    raw = "\0\x1b\x7f\udce9\u202e".encode("utf-8", "surrogatepass")
    letter = written("dana").replace(b"Subject: Opt-out of Notifications", b"Subject: " + encoded.encode())
    append_all(dovecot, mailbox, [letter.replace(b"Stop.", b"Stop." + raw), written("vera").replace(b"Stop.", b"Stop." + raw)])
    assert [] == run_once(config).problems
    assert {"dana@example.com", "vera@example.com"} == {kept.sender for kept in requests_in(config)}
    said = typist(capsys)("requests", "list", "--json", "--config", config).out
    assert 2 == len([json.loads(line) for line in said.splitlines()])
    for text in (said, *(f"{letter}{letter.get_content()}" for letter in (read(envelope.content) for envelope in smtp.envelopes))):
        assert [] == [character for character in text if not character.isprintable() and character not in "\r\n"]
