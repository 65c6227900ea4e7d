"""``mailbot init``: the first files of an operator, never over others."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mailbot.cli.app import app
from mailbot.config import load_config
from mailbot.errors import ConfigurationMistake, Problem
from mailbot.policies import load_policy

TEXT = """1. The shop is run by Saryarka Books LLC.
2. Write to {inbox} with the subject "Erase me". We do it within 3 working days.
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["init", *map(str, arguments)], catch_exceptions=False)


def published(folder: Path, inbox: str = "privacy@saryarka.example") -> Path:
    path = folder / "our-policy.txt"
    path.write_text(TEXT.format(inbox=inbox), encoding="utf-8")
    return path


def completed(config: Path) -> Path:
    """Fill in what is left to the administrator."""
    text = config.read_text(encoding="utf-8").replace('host = ""', 'host = "mail.saryarka.example"')
    config.write_text(text.replace("digest_to = []", 'digest_to = ["officer@example.com"]'), encoding="utf-8")
    return config


def test_it_writes_a_policy_that_can_be_used_and_a_configuration_that_can_be_completed(tmp_path: Path) -> None:
    shown = run("--policy", published(tmp_path), "--into", tmp_path / "new").stdout
    assert load_policy(str(tmp_path / "new" / "policy.toml")).inboxes == ("privacy@saryarka.example",)
    config = load_config(completed(tmp_path / "new" / "config.toml"))
    assert str(tmp_path / "new" / "policy.toml") == config.operator.policy
    assert ["privacy@saryarka.example"] == [inbox.address for inbox in config.inbox]
    assert "mailbot check --config" in shown
    assert "mailbot policy check" in shown


def test_what_is_not_completed_is_told(tmp_path: Path) -> None:
    run("--policy", published(tmp_path), "--into", tmp_path)
    with pytest.raises(ConfigurationMistake) as incomplete:
        load_config(tmp_path / "config.toml")
    assert all("host" in mistake for mistake in incomplete.value.mistakes)
    assert 2 == len(incomplete.value.mistakes)


def test_a_mailbox_at_a_known_provider_is_configured_for_it(tmp_path: Path) -> None:
    run("--policy", published(tmp_path, "saryarka@gmail.com"), "--into", tmp_path)
    config = load_config(tmp_path / "config.toml")
    assert ("gmail", "imap.gmail.com") == (config.inbox[0].provider, config.inbox[0].host)
    assert "smtp.gmail.com" == config.smtp.host


@pytest.mark.parametrize("there", ["policy.toml", "config.toml"])
def test_nothing_is_overwritten_and_then_nothing_is_written(there: str, tmp_path: Path) -> None:
    policy = published(tmp_path)
    (tmp_path / there).write_text("mine", encoding="utf-8")
    with pytest.raises(Problem, match="is already there, and nothing was written") as refused:
        run("--policy", policy, "--into", tmp_path)
    assert 1 == refused.value.exit_status
    assert str(tmp_path / there) in str(refused.value)
    assert "mine" == (tmp_path / there).read_text(encoding="utf-8")
    assert {"our-policy.txt", there} == {file.name for file in tmp_path.iterdir()}


def test_a_pack_is_used_where_it_lies(tmp_path: Path) -> None:
    run("--policy", published(tmp_path), "--into", tmp_path / "one")
    pack = tmp_path / "one" / "policy.toml"
    run("--policy", pack, "--into", tmp_path / "two")
    assert ["config.toml"] == [file.name for file in (tmp_path / "two").iterdir()]
    assert str(pack) == load_config(completed(tmp_path / "two" / "config.toml")).operator.policy


def test_a_broken_pack_is_no_policy(tmp_path: Path) -> None:
    pack = tmp_path / "policy.toml"
    pack.write_text("name = 1", encoding="utf-8")
    with pytest.raises(ConfigurationMistake):
        run("--policy", pack, "--into", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_policy_without_an_address_leaves_the_address_to_complete(tmp_path: Path) -> None:
    policy = tmp_path / "ours.txt"
    policy.write_text("1. Nomad LLP keeps data.", encoding="utf-8")
    run("--policy", policy, "--into", tmp_path)
    config = (tmp_path / "config.toml").read_text(encoding="utf-8")
    assert 'address = ""  # COMPLETE' in config
    (tmp_path / "config.toml").write_text(config.replace('address = ""', 'address = "a@nomad.example"'), encoding="utf-8")
    with pytest.raises(ConfigurationMistake):
        load_config(tmp_path / "config.toml")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(Problem, match="cannot be written"):
        run("--policy", published(tmp_path), "--into", tmp_path / "file")
