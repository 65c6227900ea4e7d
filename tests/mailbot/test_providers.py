"""Providers: what they fill in, and under which names they sign."""

from pathlib import Path
from typing import get_args

import pytest

from mailbot.config import Config, load_config
from mailbot.config_fields import ProviderName
from mailbot.errors import ConfigurationMistake
from mailbot.providers import PROVIDERS, narrowest_name

LEAST = """
[operator]
policy = "kazger"
[store]
url = "sqlite:////nowhere/mailbot.db"
[[inbox]]
address = "info@alit.kz"
provider = "{inbox}"
user = "info@alit.kz"
password_file = "imap.password"
{more}
[smtp]
provider = "{smtp}"
user = "info@alit.kz"
password_file = "smtp.password"
sender = "info@alit.kz"
"""


def written(folder: Path, inbox: str, smtp: str, more: str = "") -> Path:
    path = folder / "config.toml"
    path.write_text(LEAST.format(inbox=inbox, smtp=smtp, more=more), encoding="utf-8")
    return path


def read(folder: Path, inbox: str, smtp: str, more: str = "") -> Config:
    return load_config(written(folder, inbox, smtp, more))


def mistakes_in(path: Path) -> list[str]:
    with pytest.raises(ConfigurationMistake) as broken:
        load_config(path)
    return [mistake.removeprefix(f"{path}: ") for mistake in broken.value.mistakes]


# --- what is filled in -----------------------------------------------------------------------------------------------
def test_the_configuration_names_every_provider_that_is_known() -> None:
    assert {*PROVIDERS, "custom"} == set(get_args(ProviderName))


@pytest.mark.parametrize(
    ("provider", "imap", "smtp", "authserv_id"),
    [
        ("gmail", "imap.gmail.com", "smtp.gmail.com", "mx.google.com"),
        ("yandex", "imap.yandex.ru", "smtp.yandex.ru", "*.yandex.net"),
        ("mail.ru", "imap.mail.ru", "smtp.mail.ru", "mxs.mail.ru"),
    ],
)
def test_a_provider_fills_in_its_servers(tmp_path: Path, provider: str, imap: str, smtp: str, authserv_id: str) -> None:
    config = read(tmp_path, provider, provider)
    inbox, relay = config.inbox[0], config.smtp
    assert (imap, 993, "implicit", authserv_id) == (inbox.host, inbox.port, inbox.tls, inbox.authserv_id)
    assert (smtp, 465, "implicit", 2) == (relay.host, relay.port, relay.tls, relay.connections)


def test_a_key_that_is_written_wins_over_the_provider(tmp_path: Path) -> None:
    inbox = read(tmp_path, "yandex", "gmail", 'host = "imap.yandex.com"\nauthserv_id = "mx.alit.kz"').inbox[0]
    assert ("imap.yandex.com", 993, "mx.alit.kz") == (inbox.host, inbox.port, inbox.authserv_id)


def test_i11_no_provider_makes_it_possible_to_leave_out_tls(tmp_path: Path) -> None:
    (told,) = mistakes_in(written(tmp_path, "gmail", "gmail", 'tls = "none"'))
    assert told.startswith('inbox[1].tls: "none" works only for a server on this machine')


def test_without_a_provider_each_key_of_the_server_is_missed(tmp_path: Path) -> None:
    missing = [
        f"{table}.{key}: is missing; config.example.toml shows it" for table in ("inbox[1]", "smtp") for key in ("host", "port", "tls")
    ]
    assert missing == mistakes_in(written(tmp_path, "custom", "custom"))


@pytest.mark.parametrize("name", ["gmal", "Gmail", "mailru", ""])
def test_a_mistyped_provider_is_told_with_the_list_and_nothing_else_is_missed(tmp_path: Path, name: str) -> None:
    known = 'needs "gmail", "yandex", "mail.ru", "microsoft365" or "custom"'
    assert [f"inbox[1].provider: {known}", f"smtp.provider: {known}"] == mistakes_in(written(tmp_path, name, name))


def test_h15_an_inbox_that_only_a_token_opens_is_a_mistake_that_says_why_and_what_to_do(tmp_path: Path) -> None:
    """mailbot logs in with a password alone: it has no OAuth token that it could fail to use again or to renew."""
    (told,) = mistakes_in(written(tmp_path, "microsoft365", "microsoft365"))
    assert told.startswith("inbox[1].provider: cannot be read yet: since 2022 Microsoft 365 lets no program read mail with a password")
    assert "have the mail redirected" in told


def test_letters_may_go_out_by_microsoft_365(tmp_path: Path) -> None:
    relay = read(tmp_path, "gmail", "microsoft365").smtp
    assert ("smtp.office365.com", 587, "starttls") == (relay.host, relay.port, relay.tls)


# --- the names they sign with (H57, H58) -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("names", "least", "proposed"),
    [
        (["mx.alit.kz"] * 3, 2, "mx.alit.kz"),
        (["mx.alit.kz", "mx.alit.kz", "evil.alit.kz"], 2, "mx.alit.kz"),
        (["a.mx.alit.kz", "b.mx.alit.kz", "c.mx.alit.kz"], 2, "*.mx.alit.kz"),
        (["a.sas.yandex.net", "b.vla.yandex.net", "evil.example"], 2, "*.yandex.net"),
        (["mx.one.kz", "mx.two.kz"], 2, None),
        (["localhost"] * 2, 2, "localhost"),
        (["evil.example"], 2, None),
        ([], 1, None),
    ],
)
def test_h58_the_narrowest_name_that_fits_enough_of_them_is_proposed(names: list[str], least: int, proposed: str | None) -> None:
    assert proposed == narrowest_name(names, least)
