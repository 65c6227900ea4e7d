"""The configuration: its manual, its mistakes in plain words, its secrets, its paths."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from mailbot.config import Config, find_config, load_config, read_secret
from mailbot.desk import set_up_desk
from mailbot.errors import ConfigurationMistake
from mailbot.imap import Address
from mailbot.smtp import Relay
from tests.conftest import secret_file, write_config

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
KEY = re.compile(r"#?(\w+) = ")
SECRET = "s3cret-of-the-test"
LEAST = """
[operator]
policy = "kazger"
[store]
url = "sqlite:////nowhere/mailbot.db"
[[inbox]]
address = "info@alit.kz"
host = "imap.example.com"
port = 993
tls = "implicit"
user = "info"
password_file = "imap.password"
[smtp]
host = "127.0.0.1"
port = 1025
tls = "none"
sender = "info@alit.kz"
"""
WRONG_KINDS = ("true", "-3", "1.5", "nan", '""', '"\\u0000 <,"', "[]", "[7]", "{}", "{ x = 1 }", "2026-11-25", "2026-11-25T09:00:00Z")
JARGON = re.compile(r"input|valid |validation|tuple|dictionary|instance|parse|pattern|string|boolean|Traceback|pydantic", re.IGNORECASE)


def saved(folder: Path, text: str | bytes) -> Path:
    path = folder / "config.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def mistakes_in(path: Path) -> list[str]:
    with pytest.raises(ConfigurationMistake) as broken:
        load_config(path)
    assert 78 == broken.value.exit_status
    return [mistake.removeprefix(f"{path}: ") for mistake in broken.value.mistakes]


def changed(line: str, instead: str) -> str:
    assert 1 == LEAST.count(line)
    return LEAST.replace(line, instead)


def tables() -> dict[str, type[BaseModel]]:
    found = {}
    for name, field in Config.model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        found[name] = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))
    return found


def lines_of_example() -> Iterator[tuple[str, str]]:
    table = ""
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            table = line.strip("[]")
        elif KEY.match(line):
            yield table, line


COMMENTED_OUT = [(table, line) for table, line in lines_of_example() if line.startswith("#")]


def test_the_example_names_every_key_once_and_no_other() -> None:
    named: dict[str, list[str]] = {}
    for table, line in lines_of_example():
        match = KEY.match(line)
        assert match is not None
        named.setdefault(table, []).append(match[1])
    assert {name: sorted(model.model_fields) for name, model in tables().items()} == {name: sorted(keys) for name, keys in named.items()}


def test_the_example_can_be_used_as_it_stands() -> None:
    assert load_config(EXAMPLE).inbox[0].start == "now"


@pytest.mark.parametrize(("table", "line"), COMMENTED_OUT, ids=[f"{table}.{line[1:].split()[0]}" for table, line in COMMENTED_OUT])
def test_a_line_of_the_example_that_is_commented_out_can_be_used(tmp_path: Path, table: str, line: str) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace(
        'filing = "leave"', 'filing = "keyword"' if "filing_name" in line else 'filing = "leave"'
    )
    text = text.replace('mode = "manual"', 'mode = "command"') if table == "system" and "command =" in line else text
    before, head, after = text.partition(f"[{table}]")
    after = after.replace("\npassword_file", "\n#password_file", 1) if "password_credential" in line else after
    config = load_config(saved(tmp_path, before + head + after.replace(f"\n{line}", f"\n{line[1:]}", 1)))
    key = line[1:].split()[0]
    written = getattr(config, table)
    assert key in (written[0] if isinstance(written, tuple) else written).model_fields_set


def test_every_default_in_the_example_is_the_default() -> None:
    """Of the lines that are commented out, those with a default show it; what they show is what happens without them."""
    for table, line in COMMENTED_OUT:
        ((key, shown),) = tomllib.loads(line[1:]).items()
        default = tables()[table].model_fields[key].default
        assert default in (None, (), "") or default == shown


def test_every_mistake_is_told_at_once_with_its_key_as_written(tmp_path: Path) -> None:
    path = saved(
        tmp_path,
        """
        [operator]
        policy = 3
        timezone = "Asia/Almati"
        tymezone = "Asia/Almaty"
        [store]
        [[inbox]]
        address = "info"
        host = "imap.example.com"
        port = 0
        tls = "none"
        user = "info"
        start = "tomorrow"
        [[inbox]]
        adress = "info@example.com"
        host = ""
        port = "993"
        tls = "ssl"
        user = "info"
        password_file = "imap.password"
        password_credential = "imap"
        filing = "folder"
        [smtp]
        host = "smtp.example.com"
        port = 70000
        tls = "none"
        sender = "info@example.com"
        user = "info"
        connections = 51
        timeout_seconds = 0
        [staff]
        digest_to = ["officer@example.com", "officer"]
        digest_at = "9:00"
        digest_days = "weekly"
        language = "de"
        show_senders = "no"
        [limit]
        [limits]
        letters_an_hour = -1
        surge_an_hour = true
        [[system]]
        name = "CRM 1"
        """,
    )
    assert [
        'operator.policy: needs text, in "quotes"',
        'operator.timezone: is not a time zone; write for example "Asia/Almaty"',
        'operator.tymezone: there is no such key; did you mean "timezone"?',
        "store.url: is missing; config.example.toml shows it",
        "inbox[1].port: needs at least 1",
        'inbox[1].tls: "none" works only for a server on this machine (127.0.0.1, ::1, localhost); write "implicit" or "starttls"',
        "inbox[1].address: is not an e-mail address; write it as name@example.com",
        "inbox[1].user: has no password; say where it lies with password_file or password_credential",
        'inbox[1].start: needs "now" or a day, as 2026-11-25',
        "inbox[2].host: is empty",
        "inbox[2].port: needs a whole number, without quotes",
        'inbox[2].tls: needs "implicit", "starttls" or "none"',
        "inbox[2].password_credential: stands beside password_file; keep one of the two",
        "inbox[2].address: is missing; config.example.toml shows it",
        'inbox[2].filing_name: names the keyword or the folder; it goes with filing = "keyword" or "folder" and with nothing else',
        'inbox[2].adress: there is no such key; did you mean "address"?',
        "smtp.port: needs at most 65535",
        'smtp.tls: "none" works only for a server on this machine (127.0.0.1, ::1, localhost); write "implicit" or "starttls"',
        "smtp.timeout_seconds: needs more than 0",
        "smtp.user: goes together with the place of its password (password_file or password_credential): both, or neither",
        "smtp.connections: needs at most 50",
        "staff.digest_to[2]: is not an e-mail address; write it as name@example.com",
        'staff.digest_at: is not a time of day; write it as "09:00"',
        'staff.digest_days: needs "daily" or "working"',
        'staff.language: needs "kk", "ru" or "en"',
        "staff.show_senders: needs true or false, without quotes",
        "limits.letters_an_hour: needs at least 0",
        "limits.surge_an_hour: needs a whole number, without quotes",
        "system[1].name: needs a name of small Latin letters, digits, - and _, 60 at most",
        'limit: there is no such key; did you mean "limits"?',
    ] == mistakes_in(path)


@pytest.mark.parametrize("value", WRONG_KINDS)
def test_whatever_is_written_the_sentences_are_plain(tmp_path: Path, value: str) -> None:
    """Every key of every table gets the value; none may bring out the words of the library, or a traceback."""
    for name, model in tables().items():
        head = f"[[{name}]]" if name in {"inbox", "system"} else f"[{name}]"
        keys = "".join(f"{key} = {value}\n" for key in model.model_fields)
        for text in (f"{head}\n{keys}", f"{name} = {value}\n", f"{name} = [{value}]\n"):
            told = mistakes_in(saved(tmp_path, text))
            assert [] == [sentence for sentence in told if JARGON.search(sentence)]
            assert all(sentence.startswith(tuple(tables())) for sentence in told)


def test_a_key_with_nothing_like_it_gets_the_list(tmp_path: Path) -> None:
    told = mistakes_in(saved(tmp_path, changed("[store]\n", "[store]\nzzz = 1\n")))
    assert ["store.zzz: there is no such key; the keys here are url"] == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "operator: is missing; config.example.toml shows it"),
        ("operator = 3", "operator: needs a table: write [operator]"),
        ("inbox = 3", "inbox: needs tables: write [[inbox]] above each"),
        ("inbox = []", "inbox: is missing; there is nothing to watch without an [[inbox]]"),
        ("[inbox]", "inbox: needs tables: write [[inbox]] above each"),
        ("inbox = [3]", "inbox[1]: needs a table: write [[inbox]]"),
    ],
)
def test_tables_that_are_missing_or_none_are_told(tmp_path: Path, text: str, told: str) -> None:
    assert told in mistakes_in(saved(tmp_path, text))


def test_two_inboxes_of_one_folder_and_two_systems_of_one_name_are_mistakes(tmp_path: Path) -> None:
    inbox = LEAST[LEAST.index("[[inbox]]") : LEAST.index("[smtp]")]
    system = '[[system]]\nname = "crm"\n'
    text = LEAST + inbox.replace("info@alit.kz", "INFO@alit.kz") + system * 2
    told = ["inbox: two [[inbox]] tables name the same address and folder", "system: two [[system]] tables have one name"]
    assert told == mistakes_in(saved(tmp_path, text))


@pytest.mark.parametrize("key", ["sent_folder", "spam_folder", "take_in_folder"])
@pytest.mark.parametrize("folder", ["INBOX", "inbox"])
def test_a_folder_that_is_watched_as_an_inbox_is_not_listened_in_besides(tmp_path: Path, key: str, folder: str) -> None:
    """They would share one cursor, and mail would be passed over."""
    told = mistakes_in(saved(tmp_path, LEAST.replace("[[inbox]]\n", f'[[inbox]]\n{key} = "{folder}"\n')))
    assert [f'inbox: {key} = "{folder}" is the folder of an [[inbox]]; name another, or write "none"'] == told


@pytest.mark.parametrize("keys", ['sent_folder = "A"', 'spam_folder = "A"', 'filing = "folder"\nfiling_name = "A"'])
def test_the_folder_for_requests_is_nothing_else_besides(tmp_path: Path, keys: str) -> None:
    told = mistakes_in(saved(tmp_path, LEAST.replace("[[inbox]]\n", f'[[inbox]]\ntake_in_folder = "A"\n{keys}\n')))
    assert ['inbox: take_in_folder = "A" is used for something else; name another, or write "none"'] == told


def test_no_folder_for_requests_beside_none_for_sent_mail_is_no_mistake(tmp_path: Path) -> None:
    text = LEAST.replace("[[inbox]]\n", '[[inbox]]\ntake_in_folder = "none"\nsent_folder = "none"\n')
    assert "none" == load_config(saved(tmp_path, text)).inbox[0].take_in_folder


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ('mode = "command"', 'names a program and its arguments; it goes with mode = "command" and with nothing else'),
        ('mode = "command"\ncommand = []', 'names a program and its arguments; it goes with mode = "command" and with nothing else'),
        (
            'mode = "view"\ncommand = ["/bin/true"]',
            'names a program and its arguments; it goes with mode = "command" and with nothing else',
        ),
        ('command = ["/bin/true"]', 'names a program and its arguments; it goes with mode = "command" and with nothing else'),
        ('mode = "command"\ncommand = ["true"]', 'needs the whole path of a program first, as ["/usr/local/bin/newsletter-stop"]'),
        (
            'mode = "command"\ncommand = ["/bin/true", "\\u0000"]',
            'needs the whole path of a program first, as ["/usr/local/bin/newsletter-stop"]',
        ),
        ('mode = "command"\ncommand = "/bin/true"', 'needs a list: write ["…"]'),
    ],
)
def test_a_command_is_named_by_its_path_and_only_where_it_is_run(tmp_path: Path, keys: str, told: str) -> None:
    assert [f"system[1].command: {told}"] == mistakes_in(saved(tmp_path, f'{LEAST}[[system]]\nname = "crm"\n{keys}\n'))


def test_a_command_may_not_take_longer_than_an_hour(tmp_path: Path) -> None:
    told = mistakes_in(saved(tmp_path, f'{LEAST}[[system]]\nname = "crm"\ntimeout_seconds = 3601\n'))
    assert ["system[1].timeout_seconds: needs at most 3600.0"] == told


def test_the_list_of_the_destroyed_is_named_from_the_folder_of_the_configuration(tmp_path: Path) -> None:
    assert tmp_path / "list" == load_config(saved(tmp_path, f'{LEAST}[retention]\njournal = "list"\n')).retention.journal


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ('ended_purpose = "forget"', 'ended_purpose: needs "ask", "destroy" or "depersonalise"'),
        ("raw_mail_years = -1", "raw_mail_years: needs at least 0"),
        ("closed_requests_years = true", "closed_requests_years: needs a whole number, without quotes"),
    ],
)
def test_a_mistake_in_what_is_kept_is_told(tmp_path: Path, key: str, told: str) -> None:
    assert [f"retention.{told}"] == mistakes_in(saved(tmp_path, f"{LEAST}[retention]\n{key}\n"))


@pytest.mark.parametrize("name", ["mailbot", "staff"])
def test_a_system_is_not_called_like_a_part_of_mailbot(tmp_path: Path, name: str) -> None:
    told = mistakes_in(saved(tmp_path, f'{LEAST}[[system]]\nname = "{name}"\n'))
    assert [f'system[1].name: cannot be "{name}": mailbot calls something of its own so'] == told


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    assert [f"the configuration {path} cannot be read: no such file or directory"] == mistakes_in(path)
    assert [f"the configuration {tmp_path} cannot be read: is a directory"] == mistakes_in(tmp_path)


def test_a_file_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path, "# настройки".encode("cp1251"))
    assert [f"the configuration {path} is not UTF-8 text (byte 2); save it as UTF-8"] == mistakes_in(path)


def test_broken_toml_is_told_with_its_line(tmp_path: Path) -> None:
    path = saved(tmp_path, "[operator]\npolicy = kazger\n")
    said = f"the configuration {path} is not TOML: Invalid value (at line 2, column 10); text stands in quotation marks"
    assert [said] == mistakes_in(path)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert "kazger" == load_config(saved(tmp_path, b"\xef\xbb\xbf" + LEAST.encode())).operator.policy


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_i11_tls_is_left_out_only_on_this_machine(tmp_path: Path, host: str) -> None:
    assert host == load_config(saved(tmp_path, changed('host = "127.0.0.1"', f'host = "{host}"'))).smtp.host


@pytest.mark.parametrize("host", ["localhost.example.com", "10.0.0.1", "0.0.0.0", "127.0.0.1.example.com", "::ffff:10.0.0.1"])
def test_i11_tls_is_not_left_out_elsewhere(tmp_path: Path, host: str) -> None:
    (told,) = mistakes_in(saved(tmp_path, changed('host = "127.0.0.1"', f'host = "{host}"')))
    assert told.startswith('smtp.tls: "none" works only')


@pytest.mark.parametrize("written", ['"2026-11-25"', "2026-11-25"])
def test_a_day_to_start_from_may_stand_in_quotes_or_not(tmp_path: Path, written: str) -> None:
    assert date(2026, 11, 25) == load_config(saved(tmp_path, changed('user = "info"', f'user = "info"\nstart = {written}'))).inbox[0].start


@pytest.mark.parametrize(
    "address", ["info", "a b@example.com", "Info <a@example.com>", "a@b@example.com", "a@", "a..b@example.com", "a@.kz"]
)
def test_what_no_letter_can_be_sent_from_is_no_address(tmp_path: Path, address: str) -> None:
    told = mistakes_in(saved(tmp_path, changed('sender = "info@alit.kz"', f'sender = "{address}"')))
    assert ["smtp.sender: is not an e-mail address; write it as name@example.com"] == told


@pytest.mark.parametrize("name", ["mx.alit.kz", "*.mail.yandex.net", "localhost"])
def test_h57_the_name_of_the_mail_server_may_be_a_family(tmp_path: Path, name: str) -> None:
    assert name == load_config(saved(tmp_path, changed('user = "info"', f'user = "info"\nauthserv_id = "{name}"'))).inbox[0].authserv_id


@pytest.mark.parametrize("name", ["*", "*.kz", "mx.*.kz", "*alit.kz", "mx.alit.kz; spf=pass", "mx.alit.kz."])
def test_h57_a_name_that_anybody_could_bear_is_refused(tmp_path: Path, name: str) -> None:
    (told,) = mistakes_in(saved(tmp_path, changed('user = "info"', f'user = "info"\nauthserv_id = "{name}"')))
    assert told.startswith("inbox[1].authserv_id: needs the name of your mail server")


# --- paths -----------------------------------------------------------------------------------------------------------
def test_relative_paths_count_from_the_folder_of_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    text = changed('policy = "kazger"', 'policy = "packs/own.toml"\ncalendar_overrides = "days.toml"')
    saved(folder, text.replace("sqlite:////nowhere/mailbot.db", "sqlite:///mailbot.db").replace("993", '993\ntls_ca_file = "ca.pem"'))
    monkeypatch.chdir(tmp_path)
    config = load_config(Path("etc/config.toml"))
    inbox, operator = config.inbox[0], config.operator
    assert [folder / "imap.password", folder / "ca.pem", folder / "days.toml"] == [
        inbox.password_file,
        inbox.tls_ca_file,
        operator.calendar_overrides,
    ]
    assert (f"{folder}/packs/own.toml", f"sqlite:///{folder}/mailbot.db") == (operator.policy, config.store.url)


def test_absolute_paths_built_in_policies_and_other_stores_stay_as_they_are(tmp_path: Path) -> None:
    for url in ("sqlite:////var/lib/mailbot/kazger.db", "postgresql+psycopg://mailbot@127.0.0.1/mailbot"):
        text = changed("sqlite:////nowhere/mailbot.db", url).replace('"imap.password"', '"/run/imap.password"')
        config = load_config(saved(tmp_path, text))
        assert (url, "kazger", Path("/run/imap.password")) == (config.store.url, config.operator.policy, config.inbox[0].password_file)


def test_the_configuration_is_the_given_one_else_that_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, named = tmp_path / "given.toml", tmp_path / "named.toml"
    monkeypatch.setenv("MAILBOT_CONFIG", str(named))
    assert [given, named] == [find_config(given), find_config(None)]


# --- secrets (H105) --------------------------------------------------------------------------------------------------
def refusal_of(path: Path) -> str:
    with pytest.raises(ConfigurationMistake) as refused:
        read_secret(path, None)
    (sentence,) = refused.value.mistakes
    return sentence.removeprefix(f"the password file {path} ")


def test_h105_a_secret_is_the_one_line_of_its_file(tmp_path: Path) -> None:
    assert [" " + SECRET] * 3 == [
        read_secret(secret_file(tmp_path / "password", f" {SECRET}{end}"), None) for end in ("", "\n", "\r\n")
    ]  # a blank may belong to it


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o440])
def test_h105_owner_and_group_may_read_a_secret(tmp_path: Path, mode: int) -> None:
    path = secret_file(tmp_path / "password", SECRET)
    path.chmod(mode)
    assert SECRET == read_secret(path, None)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644, 0o666])
def test_h105_a_secret_that_everybody_can_read_or_replace_is_refused(tmp_path: Path, mode: int) -> None:
    path = secret_file(tmp_path / "password", SECRET)
    path.chmod(mode)
    assert f"is open to every user of this machine: run `chmod 600 {path}`" == refusal_of(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"one\ntwo", "holds more than one line; the password has one"),
    ],
)
def test_h105_a_secret_that_cannot_be_one_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    path = secret_file(tmp_path / "password", "")
    path.write_bytes(content)
    assert told == refusal_of(path)


def test_h105_a_secret_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "cannot be read: no such file or directory" == refusal_of(tmp_path / "password")
    assert "cannot be read: is a directory" == refusal_of(tmp_path)


def test_h105_a_credential_lies_where_the_service_manager_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret_file(tmp_path / "imap", SECRET)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert SECRET == read_secret(None, "imap")


def test_h105_without_a_service_manager_a_credential_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(ConfigurationMistake, match="CREDENTIALS_DIRECTORY, which is not set"):
        read_secret(None, "imap")


def test_h105_a_credential_is_a_name_and_not_a_way_out_of_its_folder(tmp_path: Path) -> None:
    told = mistakes_in(saved(tmp_path, changed('password_file = "imap.password"', 'password_credential = "../imap"')))
    assert ["inbox[1].password_credential: is the name of a credential and holds no slash"] == told


@pytest.mark.parametrize("url", [f"postgresql+psycopg://mailbot:{SECRET}@db/mailbot", f"postgresql+psycopg://db/mailbot?password={SECRET}"])
def test_h105_a_password_in_the_configuration_is_refused_and_not_repeated(tmp_path: Path, url: str) -> None:
    told = mistakes_in(saved(tmp_path, changed("sqlite:////nowhere/mailbot.db", url)))
    assert ["store.url: holds a password; take it out and keep it in ~/.pgpass (mode 0600)"] == told


def test_h105_a_mistake_never_repeats_what_was_written(tmp_path: Path) -> None:
    text = changed('user = "info"', f'user = "info"\npassword = "{SECRET}"').replace("993", f'"{SECRET}"')
    assert SECRET not in "\n".join(mistakes_in(saved(tmp_path, text)))


@pytest.mark.parametrize("key", ["token", "token_file", "oauth", "oauth_token_file"])
def test_h15_a_token_is_no_way_in(tmp_path: Path, key: str) -> None:
    told = mistakes_in(saved(tmp_path, changed('password_file = "imap.password"', f'{key} = "imap.token"')))
    assert [f"inbox[1].{key}"] == [mistake.partition(": ")[0] for mistake in told if key in mistake]


RELAY: Mapping[str, Any] = {"host": "h", "port": 25, "tls": "none", "tls_ca_file": None, "user": "u", "timeout_seconds": 1.0}


def test_h105_no_repr_shows_a_password() -> None:
    assert SECRET not in repr(Relay(**RELAY, password=SECRET)) + repr(Address(**RELAY, password=SECRET, folder="INBOX"))


def test_the_least_configuration_sets_up_a_desk(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, imap_port=1143, smtp_port=1025))
    desk = set_up_desk(config, lambda: datetime(2026, 11, 20, tzinfo=UTC))
    assert ("kazger", ("mailbot",)) == (desk.policy.name, desk.systems)
    desk.database.close()


@pytest.mark.parametrize("written", ['user = "mailbot"', 'password_file = "alarm.password"'])
def test_the_relay_of_alarms_has_a_login_and_its_password_or_neither(tmp_path: Path, written: str) -> None:
    relay = f'[alarm]\nsmtp = {{ host = "127.0.0.1", port = 25, tls = "none", sender = "mailbot@example.net", {written} }}\n'
    assert ["goes together with the place of its password (password_file or password_credential): both, or neither"] == [
        mistake.partition("alarm.smtp.user: ")[2] for mistake in mistakes_in(saved(tmp_path, LEAST + relay))
    ]
