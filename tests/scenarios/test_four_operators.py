"""Every subject line that the four policies name, sent as real mail: recorded, counted, carried out and acknowledged.

The table that a lawyer reads and extends is ``tests/law/operators.toml``. One run of the program serves all lines of an operator.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from email import message_from_bytes
from email.charset import BASE64, QP, Charset
from email.header import Header
from email.message import EmailMessage
from email.policy import default
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mailbot.policies import load_policy
from rules.confirmation import codes_in
from storage.database import open_database
from storage.evidence import keys_of
from storage.subscribers import suppressed_since
from tests.conftest import NO_LIMITS, ConfigFile
from tests.servers import CapturingSmtp, Dovecot

LAW = Path(__file__).parents[1] / "law" / "operators.toml"
TABLE = tomllib.loads(LAW.read_text(encoding="utf-8"))
RECEIVED: datetime = TABLE["received"]


class Spelling(Enum):
    """How a mail program writes a subject: the charset, and how its bytes are wrapped (None: not at all)."""

    PLAIN = "us-ascii", None
    B = "utf-8", BASE64
    Q = "utf-8", QP
    RAW = "utf-8", None
    WINDOWS_1251 = "windows-1251", BASE64
    KOI8_R = "koi8-r", QP
    RAW_WINDOWS_1251 = "windows-1251", None

    def spell(self, subject: str) -> bytes:
        """Return the subject as it stands in the header."""
        name, wrapping = self.value
        if wrapping is None:
            return subject.encode(name)
        charset = Charset(name)
        charset.header_encoding = wrapping
        return Header(subject, charset, header_name="Subject").encode(linesep="\r\n").encode("ascii")


SPELLINGS = {
    "en": (Spelling.PLAIN, Spelling.B, Spelling.Q),
    "kk": (Spelling.B, Spelling.Q, Spelling.RAW),
    "ru": (Spelling.B, Spelling.Q, Spelling.RAW, Spelling.WINDOWS_1251, Spelling.KOI8_R, Spelling.RAW_WINDOWS_1251),
}


class Line(NamedTuple):
    """One subject line in one spelling, from a person of its own, and what the table says of it."""

    number: int
    spelling: Spelling
    request: dict[str, Any]
    wording: dict[str, str]

    @property
    def sender(self) -> str:
        return f"person{self.number}@example.com"

    @property
    def named(self) -> str:
        return f"{self.wording['subject']!r} as {self.spelling.name}"

    def mail(self, inbox: str) -> bytes:
        """Return the message as it lies in the mailbox."""
        return b"".join(
            (
                f"From: {self.sender}\r\nTo: {inbox}\r\nMessage-ID: <{self.number}@example.com>\r\n".encode(),
                b"Date: Fri, 20 Nov 2026 11:59:00 +0500\r\nSubject: " + self.spelling.spell(self.wording["subject"]) + b"\r\n\r\n",
            )
        )


def lines_of(operator: dict[str, Any]) -> Iterator[Line]:
    number = 0
    for request in operator["request"]:
        for wording in request["subjects"]:
            for spelling in SPELLINGS[wording["language"]]:
                number += 1
                yield Line(number, spelling, request, wording)


def mailbot(*arguments: object) -> str:
    """Run the program as an administrator does and return what it prints."""
    command = [sys.executable, "-m", "mailbot", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def as_registered(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the register says of a request, in the words of the table."""
    owed = [
        {name: each[name] for name in ("what", "system", "source", "due")} | {"met": each["met"] is not None} for each in row["obligations"]
    ]
    return {name: row[name] for name in ("type", "clause", "due", "state", "language", "outcome", "received")} | {"owed": owed}


def as_promised(line: Line) -> dict[str, Any]:
    """Return what the table says of a line, in the words of the register."""
    promised = {name: line.request[name] for name in ("type", "clause", "due", "state", "owed")}
    promised |= {"language": line.wording["language"], "outcome": "request", "received": RECEIVED.date()}
    return json.loads(json.dumps(promised, default=date.isoformat))  # type: ignore[no-any-return]


def assert_letter(line: Line, letter: EmailMessage, reference: str) -> None:
    """Check what the person reads: in their own language, with the reference, the clause only where the policy has it, and the day."""
    words, text = TABLE["letter"][line.wording["language"]], letter.get_content().replace("\r\n", "\n")
    subject, _, code = letter["Subject"].partition(f" {reference}")
    asks_back = line.request["state"] == "awaiting_sender"
    assert (words["subject"], asks_back) == (subject, bool(codes_in(code))), line.named
    assert asks_back == (words["yes"] in text), line.named
    assert line.wording["language"] == letter["Content-Language"]
    assert text.startswith(words["greeting"])
    assert reference in text
    assert (line.wording["from"] == "policy") == (words["clause"].format(line.request["clause"]) in text), line.named
    assert (line.request["messages"] == "stopped") == (words["stopped"] in text), line.named
    is_waiting = line.request["state"] != "carried_out"
    promise, _, _ = words["due"].partition("{}")
    assert is_waiting == (promise in text), line.named
    assert not is_waiting or words["due"].format(words["days"][line.request["due"].isoformat()]) in text, line.named


@pytest.mark.parametrize("operator", TABLE["operator"], ids=lambda operator: operator["policy"])
def test_every_subject_line_of_the_policy_is_kept_as_promised(
    operator: dict[str, Any], dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    inbox, lines = operator["inbox"], list(lines_of(operator))
    config = config_file(
        policy=operator["policy"],
        limits={**NO_LIMITS, "acknowledge_up_to_days": 0},
        inbox={"address": inbox},
        smtp={"sender": inbox},
    )
    by_uid = {dovecot.append(mailbox, line.mail(inbox), internal_date=RECEIVED): line for line in lines}

    mailbot("run", "--once", "--config", config)

    rows = {row["uid"]: row for row in map(json.loads, mailbot("requests", "list", "--json", "--config", config).splitlines())}
    letters = {
        envelope.recipients: message_from_bytes(envelope.content, _class=EmailMessage, policy=default) for envelope in smtp.envelopes
    }
    assert (len(lines), len(lines)) == (len(rows), len(smtp.envelopes))
    for uid, line in by_uid.items():
        assert as_promised(line) == as_registered(rows[uid]), line.named
        assert_letter(line, letters[line.sender,], rows[uid]["reference"])
    assert {line.sender for line in lines if line.request["messages"] == "stopped"} == stopped_addresses(config, lines)


def stopped_addresses(config: Path, lines: list[Line]) -> set[str]:
    """Return to which of the senders nothing is sent any more."""
    with open_database(tomllib.loads(config.read_text(encoding="utf-8"))["store"]["url"]).write() as tx:
        keys = keys_of(tx)
        return {line.sender for line in lines if suppressed_since(tx, keys.of_address(line.sender)) is not None}


@pytest.mark.parametrize("operator", TABLE["operator"], ids=lambda operator: operator["policy"])
def test_the_table_holds_every_mark_of_the_policys_pack(operator: dict[str, Any]) -> None:
    marks = {(mark.phrase, mark.type, mark.language, mark.clause, mark.from_template) for mark in load_policy(operator["policy"]).marks}
    assert marks <= {
        (wording["subject"], request["type"], wording["language"], request["clause"], wording["from"] == "template")
        for request in operator["request"]
        for wording in request["subjects"]
    }
