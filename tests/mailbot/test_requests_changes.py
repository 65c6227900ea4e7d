"""``mailbot requests show``: what an update asks to change, for people and for programs."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rules.vocabulary import RequestType
from tests.mailbot.register_room import arrive, office, open_desk
from tests.mailbot.typing_room import Type, typist

SAID = "My new phone is 8 700 000 20 14, not 8 700 000 20 13; my e-mail is now dana@post.example"
CHANGES = [
    {"field": "phone", "old": "+77000002013", "new": "+77000002014"},
    {"field": "email", "old": None, "new": "dana@post.example"},
]


@pytest.fixture
def mailbot(capsys: pytest.CaptureFixture[str]) -> Type:
    return typist(capsys)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return office(tmp_path)


def arrived(config: Path, kind: RequestType) -> str:
    with open_desk(config, datetime.now(UTC)) as desk:
        return arrive(desk, kind, fields={"Subject": SAID})


def test_people_read_what_an_update_asks_to_change(mailbot: Type, config: Path) -> None:
    told = mailbot("requests", "show", arrived(config, RequestType.UPDATE), "--config", config).out.splitlines()
    asked = ["asked: phone → +77000002014 (was +77000002013)", "asked: email → dana@post.example"]
    assert asked == [line for line in told if line.startswith("asked: ")]


def test_programs_get_the_changes_of_one_request_and_the_list_stays_as_it_was(mailbot: Type, config: Path) -> None:
    reference = arrived(config, RequestType.UPDATE)
    shown = json.loads(mailbot("requests", "show", reference, "--json", "--config", config).out)
    listed = json.loads(mailbot("requests", "list", "--json", "--config", config).out)
    assert CHANGES == shown["changes"]
    assert {**listed, "changes": CHANGES} == shown


def test_only_an_update_is_read_for_changes(mailbot: Type, config: Path) -> None:
    reference = arrived(config, RequestType.ACCESS)
    assert [] == json.loads(mailbot("requests", "show", reference, "--json", "--config", config).out)["changes"]
    assert "asked: " not in mailbot("requests", "show", reference, "--config", config).out
