"""What one value of the configuration may be, and the sentence that says so where it is something else."""

import re
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo

from rules.authentication import is_safe_pattern

_ADDRESS = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[^\W_](?:[^\W_]|[.-](?![.-]))*")
_RELATIVE_SQLITE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:)(.+)", re.DOTALL)


def _need_address(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise ValueError("is not an e-mail address; write it as name@example.com")
    return address


def _need_clock(clock: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", clock):
        raise ValueError('is not a time of day; write it as "09:00"')
    return clock


def _need_start(start: object) -> Literal["now"] | date:
    if start == "now":
        return "now"
    with suppress(ValueError):
        start = date.fromisoformat(start) if isinstance(start, str) else start
    if isinstance(start, date) and not isinstance(start, datetime):
        return start
    raise ValueError('needs "now" or a day, as 2026-11-25')


def _need_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError('is not a time zone; write for example "Asia/Almaty"') from error
    return name


def _need_file_name(name: str) -> str:
    if "/" in name or name in {".", ".."}:
        raise ValueError("is the name of a credential and holds no slash")
    return name


def _need_system_name(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", name):
        raise ValueError("needs a name of small Latin letters, digits, - and _, 60 at most")
    if name in {"mailbot", "staff"}:
        raise ValueError(f'cannot be "{name}": mailbot calls something of its own so')
    return name


def _need_server_name(name: str) -> str:
    if not re.fullmatch(r"(\*\.[\w-]+\.)?[\w-]+(\.[\w-]+)*", name):
        raise ValueError('needs the name of your mail server, as "mx.alit.kz", or "*.mx.alit.kz" for every server under one name')
    if not is_safe_pattern(name):
        raise ValueError(
            "would believe the servers of strangers; write your mail server's own name before the domain that everybody can get"
        )
    return name


def _beside_config(path: Path, info: ValidationInfo) -> Path:
    return info.context / path if info.context else path


def _policy_beside_config(name: str, info: ValidationInfo) -> str:
    names_a_file = "/" in name or name.endswith(".toml")
    return str(_beside_config(Path(name), info)) if names_a_file else name


def _store_beside_config(url: str, info: ValidationInfo) -> str:
    relative = _RELATIVE_SQLITE.fullmatch(url)
    return f"{relative[1]}{_beside_config(Path(relative[2]), info)}" if relative else url


def _keep_password_out(url: str) -> str:
    try:
        address = urlsplit(url)
        has_password = bool(address.password) or "password" in parse_qs(address.query)
    except ValueError:  # what is no URL is told by the store
        return url
    if has_password:
        raise ValueError("holds a password; take it out and keep it in ~/.pgpass (mode 0600)")
    return url


def _need_third_party_name(name: str) -> str:
    if len(name) > 60 or not name.isprintable() or name.casefold() in {"mailbot", "staff"}:
        raise ValueError('is the name of somebody who gets data from you, 60 characters at most; "mailbot" and "staff" are ours')
    return name


def _need_program(command: tuple[str, ...]) -> tuple[str, ...]:
    if command and (not command[0].startswith("/") or any("\0" in part for part in command)):
        raise ValueError('needs the whole path of a program first, as ["/usr/local/bin/newsletter-stop"]')
    return command


def _need_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise ValueError('needs an address of the web without a name and a password in it, as "https://monitor.example.com/ping"')
    return url


Tls = Literal["implicit", "starttls", "none"]
ProviderName = Literal["gmail", "yandex", "mail.ru", "microsoft365", "custom"]
Text = Annotated[str, Field(min_length=1)]
Address = Annotated[Text, AfterValidator(_need_address)]
Clock = Annotated[Text, AfterValidator(_need_clock)]
Start = Annotated[Literal["now"] | date, PlainValidator(_need_start)]
Zone = Annotated[Text, AfterValidator(_need_zone)]
Credential = Annotated[Text, AfterValidator(_need_file_name)]
ServerName = Annotated[Text, AfterValidator(_need_server_name)]
File = Annotated[Path, AfterValidator(_beside_config)]
PolicyName = Annotated[Text, AfterValidator(_policy_beside_config)]
StoreUrl = Annotated[Text, AfterValidator(_keep_password_out), AfterValidator(_store_beside_config)]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
Count = Annotated[int, Field(strict=True, ge=0)]
Positive = Annotated[int, Field(strict=True, ge=1)]
YesNo = Annotated[bool, Field(strict=True)]
SystemName = Annotated[Text, AfterValidator(_need_system_name)]
PartyName = Annotated[Text, AfterValidator(_need_third_party_name)]
Command = Annotated[tuple[Text, ...], AfterValidator(_need_program)]
Url = Annotated[Text, AfterValidator(_need_url)]
Seconds = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
