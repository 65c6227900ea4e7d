"""Whom mailbot believed, as ``requests show`` says it: in words, and no address in full that is not the sender's."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mailbot.cli.believing import PROOFS, ROLES, asked_back, believed
from rules.authentication import Proof
from rules.details_change import Change, Field
from rules.vocabulary import Answer, Asked, RequestType, Standing
from storage.confirmations import Confirmation
from tests.mailbot.register_room import NOW, PERSON, arrive, office, open_desk, request
from tests.mailbot.typing_room import typist

ALMATY = ZoneInfo("Asia/Almaty")
DAY = timedelta(days=1)
MOVES = (Change(Field.EMAIL, "old@example.com", "new@example.org"),)


def question(role: Asked, answer: Answer | None = None) -> Confirmation:
    """Return a question asked until tomorrow, and answered now if at all."""
    return Confirmation(1, "2026-00001-K", role, b"", b"", NOW + DAY, NOW if answer else None, answer)


def test_there_are_words_for_every_proof_and_every_role() -> None:
    assert set(Proof) == set(PROOFS)
    assert set(Asked) == set(ROLES)


def test_it_is_said_who_was_asked_and_what_came_back(tmp_path: Path) -> None:
    with open_desk(office(tmp_path)) as desk:
        asks = request(desk, arrive(desk, RequestType.UPDATE))
    asked = (question(Asked.SENDER, Answer.YES), question(Asked.NEW), replace(question(Asked.OLD), expires_at=NOW))
    assert [
        "asked back: the sender (a…@e…e.com): yes, 2026-11-20 11:30 +0500",
        "asked back: the new address (n…@e…e.org): no answer yet, asked until 2026-11-21 11:30 +0500",
        "asked back: the old address (o…@e…e.com): no answer came by 2026-11-20 11:30 +0500",
    ] == list(asked_back(asks, asked, MOVES, ALMATY, NOW))


def test_what_was_entered_before_proofs_were_kept_has_its_standing_alone(tmp_path: Path) -> None:
    with open_desk(office(tmp_path)) as desk:
        asks = request(desk, arrive(desk, RequestType.ACCESS))
    assert "sender: aligned" == believed(replace(asks, proof=None))


def test_requests_show_says_whom_mailbot_believed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = office(tmp_path)
    with open_desk(config, datetime.now(UTC)) as desk:
        reference = arrive(desk, RequestType.REVOKE_CONSENT, standing=Standing.UNPROVEN)
    shown = typist(capsys)("requests", "show", reference, "--config", config).out.splitlines()
    assert "sender: unproven, no mail server wrote what it found out about the sender" in shown
    asked = [line for line in shown if line.startswith("asked back: the sender (a…@e…e.com): no answer yet, asked until ")]
    assert 1 == len(asked)
    assert PERSON not in asked[0]
