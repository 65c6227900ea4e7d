"""The configuration: what an administrator writes, checked whole before anything starts.

How a mistake is put in words is ``mailbot.config_mistakes``. A relative path counts from the folder of the configuration, so that
the unit, cron and a shell mean the same file.
"""

import ipaddress
import os
import stat
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from mailbot.config_fields import (
    Address,
    Clock,
    Command,
    Count,
    Credential,
    File,
    PartyName,
    PolicyName,
    Port,
    Positive,
    ProviderName,
    Seconds,
    ServerName,
    Start,
    StoreUrl,
    SystemName,
    Text,
    Tls,
    Url,
    YesNo,
    Zone,
)
from mailbot.config_mistakes import sentences
from mailbot.errors import ConfigurationMistake
from mailbot.providers import closed, published
from rules.working_days import NO_OVERRIDES, CalendarMistakes, Override, read_overrides

USUAL_PLACES = (Path("/etc/mailbot/config.toml"), Path("config.toml"))


class Section(BaseModel):
    """A table of the configuration file. An unknown key is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True)


class Server(Section):
    """A mail server to connect to. Without TLS only on this very machine (I11)."""

    table: ClassVar[Literal["inbox", "smtp"]]

    provider: ProviderName = "custom"
    host: Text
    port: Port
    tls: Tls
    tls_ca_file: File | None = None
    timeout_seconds: Seconds = 60
    password_file: File | None = None
    password_credential: Credential | None = None

    @model_validator(mode="before")
    @classmethod
    def _ask_provider(cls, written: object) -> object:
        """Fill in what the provider publishes; a key that is written wins."""
        return {**published(cls.table, written.get("provider")), **written} if isinstance(written, dict) else written

    @field_validator("provider")
    @classmethod
    def _need_open_door(cls, provider: ProviderName) -> ProviderName:
        if reason := closed(cls.table, provider):
            raise ValueError(reason)
        return provider

    @field_validator("tls")
    @classmethod
    def _keep_secrets_on_this_machine(cls, tls: Tls, info: ValidationInfo) -> Tls:
        if tls == "none" and "host" in info.data and not _is_loopback(info.data["host"]):
            raise ValueError('"none" works only for a server on this machine (127.0.0.1, ::1, localhost); write "implicit" or "starttls"')
        return tls

    @field_validator("password_credential")
    @classmethod
    def _need_one_place(cls, credential: str | None, info: ValidationInfo) -> str | None:
        if credential is not None and info.data.get("password_file") is not None:
            raise ValueError("stands beside password_file; keep one of the two")
        return credential


class Operator(Section):
    """Whose promise is kept, and in which time zone its days begin."""

    policy: PolicyName
    timezone: Zone = "Asia/Almaty"
    calendar_overrides: File | None = None
    withdrawals: Literal["staff", "auto"] = "staff"


class Store(Section):
    """Where the register lies."""

    url: StoreUrl


class Inbox(Server):
    """A mailbox that is watched."""

    table = "inbox"

    address: Address
    aliases: tuple[Address, ...] = ()
    user: Text
    folder: Text = "INBOX"
    start: Start = "now"
    sent_folder: str = ""
    spam_folder: str = ""
    take_in_folder: Text = "mailbot/Take in"
    authserv_id: ServerName | None = None
    filing: Literal["leave", "keyword", "folder"] = "leave"
    filing_name: str = ""
    batch: Annotated[Positive, Field(le=1000)] = 250
    poll_seconds: Positive = 60
    max_message_size: Annotated[int, Field(strict=True, ge=10_000)] = 10_000_000

    @field_validator("user")
    @classmethod
    def _need_secret(cls, user: str, info: ValidationInfo) -> str:
        if info.data.get("password_file", "") is None and info.data.get("password_credential", "") is None:
            raise ValueError("has no password; say where it lies with password_file or password_credential")
        return user

    @field_validator("filing_name")
    @classmethod
    def _need_name_of_filing(cls, name: str, info: ValidationInfo) -> str:
        if "filing" in info.data and (info.data["filing"] == "leave") != (name == ""):
            raise ValueError('names the keyword or the folder; it goes with filing = "keyword" or "folder" and with nothing else')
        return name


class Outgoing(Server):
    """A relay that takes letters."""

    table = "smtp"

    sender: Address
    user: Text | None = None

    @field_validator("user")
    @classmethod
    def _need_both_or_neither(cls, user: str | None, info: ValidationInfo) -> str | None:
        places = [info.data.get(place, "") for place in ("password_file", "password_credential")]
        if "" not in places and (user is None) != (places == [None, None]):
            raise ValueError("goes together with the place of its password (password_file or password_credential): both, or neither")
        return user


class Smtp(Outgoing):
    """The relay that takes the letters."""

    envelope_sender: Address | None = None
    connections: Annotated[Positive, Field(le=50)] = 16


class Away(Section):
    """When the staff are away, and who stands in for them."""

    from_: Annotated[date, Field(alias="from")]
    to: date
    deputy: Address

    @field_validator("to")
    @classmethod
    def _need_an_end_after_the_beginning(cls, to: date, info: ValidationInfo) -> date:
        if "from_" in info.data and to < info.data["from_"]:
            raise ValueError("is the last day away, and lies before the first")
        return to


class Staff(Section):
    """The people who decide."""

    digest_to: tuple[Address, ...] = ()
    digest_at: Clock = "09:00"
    digest_days: Literal["daily", "working"] = "daily"
    language: Literal["kk", "ru", "en"] = "ru"
    show_senders: YesNo = False
    remind_before: tuple[Positive, ...] = (3, 1)
    away: Away | None = None
    deputy: Address | None = None
    escalate_to: tuple[Address, ...] = ()


class AlarmRelay(Outgoing):
    """Another relay, for what must be heard when the first one is away."""


class Alarm(Section):
    """How staff hear of a fault of the machine, and others that it is alive."""

    alert_after: Positive = 30
    to: tuple[Address, ...] = ()
    command: Command = ()
    smtp: AlarmRelay | None = None
    low_disk_megabytes: Count = 200
    heartbeat_command: Command = ()
    heartbeat_url: Url | None = None
    heartbeat_minutes: Positive = 5
    metrics_port: Annotated[int, Field(strict=True, ge=0, le=65535)] = 0


class ThirdParty(Section):
    """Somebody who gets data from the operator, and has to be told where the policy promises it."""

    name: PartyName


class System(Section):
    """Another place that holds subscribers: staff tick off what they did there, or it reads our view, or its command does it."""

    name: SystemName
    mode: Literal["manual", "view", "command"] = "manual"
    command: Command = ()
    timeout_seconds: Annotated[Seconds, Field(le=3600)] = 60

    @field_validator("command")
    @classmethod
    def _need_command(cls, command: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if "mode" in info.data and (info.data["mode"] == "command") != bool(command):
            raise ValueError('names a program and its arguments; it goes with mode = "command" and with nothing else')
        return command


class Limits(Section):
    """How much is sent; 0 turns a limit off."""

    letters_per_address_a_day: Count = 3
    letters_per_domain_an_hour: Count = 30
    letters_an_hour: Count = 200
    surge_an_hour: Count = 30
    acknowledge: Literal["all", "aligned"] = "all"
    acknowledge_up_to_days: Count = 14
    confirm_days: Annotated[int, Field(strict=True, ge=1, le=14)] = 2


class Retention(Section):
    """How long what is over is kept, and who says that a purpose has ended; 0 keeps it for ever."""

    closed_requests_years: Count = 3
    raw_mail_years: Count = 1
    ended_purpose: Literal["ask", "destroy", "depersonalise"] = "ask"
    journal: File | None = None


class Config(Section):
    """The whole file."""

    operator: Operator
    store: Store
    inbox: tuple[Inbox, ...]
    smtp: Smtp
    staff: Staff = Staff()
    limits: Limits = Limits()
    alarm: Alarm = Alarm()
    retention: Retention = Retention()
    system: tuple[System, ...] = ()
    third_party: tuple[ThirdParty, ...] = ()

    @field_validator("inbox")
    @classmethod
    def _need_distinct_inboxes(cls, inboxes: tuple[Inbox, ...]) -> tuple[Inbox, ...]:
        if not inboxes:
            raise ValueError("is missing; there is nothing to watch without an [[inbox]]")
        watched = [(inbox.address.lower(), _folded(inbox.folder)) for inbox in inboxes]
        if len(set(watched)) < len(inboxes):
            raise ValueError("two [[inbox]] tables name the same address and folder")
        for inbox in inboxes:
            named = {key: getattr(inbox, key) for key in ("sent_folder", "spam_folder", "take_in_folder")}
            for key, folder in named.items():
                if (inbox.address.lower(), _folded(folder)) in watched:
                    raise ValueError(f'{key} = "{folder}" is the folder of an [[inbox]]; name another, or write "none"')
            if (
                named["take_in_folder"] in (named["sent_folder"], named["spam_folder"], inbox.filing_name)
                and inbox.take_in_folder != "none"
            ):
                raise ValueError(f'take_in_folder = "{inbox.take_in_folder}" is used for something else; name another, or write "none"')
        return inboxes

    @field_validator("system")
    @classmethod
    def _need_distinct_systems(cls, systems: tuple[System, ...]) -> tuple[System, ...]:
        if len({system.name for system in systems}) < len(systems):
            raise ValueError("two [[system]] tables have one name")
        return systems

    @field_validator("third_party")
    @classmethod
    def _need_distinct_parties(cls, parties: tuple[ThirdParty, ...]) -> tuple[ThirdParty, ...]:
        if len({party.name for party in parties}) < len(parties):
            raise ValueError("two [[third_party]] tables have one name")
        return parties


def _folded(folder: str) -> str:
    """Return a folder's name in the form in which equal ones are equal: INBOX alone may be written in any case (RFC 3501, 5.1)."""
    return "INBOX" if folder.upper() == "INBOX" else folder


def configured(given: Path | None) -> Path | None:
    """Return the configuration file: the given one, else $MAILBOT_CONFIG, else the first of the usual places that is there."""
    if given is not None:
        return given
    if named := os.environ.get("MAILBOT_CONFIG"):
        return Path(named)
    return next((place for place in USUAL_PLACES if _is_there(place)), None)


def _is_there(place: Path) -> bool:
    try:
        return place.exists()
    except OSError:  # in a folder that is closed to us: reading it says so
        return True


def find_config(given: Path | None) -> Path:
    """Return the configuration file; raise ``ConfigurationMistake`` where there is none."""
    if found := configured(given):
        return found
    raise ConfigurationMistake(f"there is no configuration: name it with --config FILE or $MAILBOT_CONFIG, or write {USUAL_PLACES[0]}")


def load_config(given: Path | None) -> Config:
    """Read and check the configuration; raise ``ConfigurationMistake`` with every mistake in it."""
    path = find_config(given)
    try:
        return Config.model_validate(written_in(path), context=path.absolute().parent)
    except ValidationError as error:
        raise ConfigurationMistake(*(f"{path}: {sentence}" for sentence in sentences(error, Config))) from None


def written_in(path: Path) -> dict[str, Any]:
    """Return what the file says, whether it can be used or not."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigurationMistake(f"the configuration {path} cannot be read: {(error.strerror or 'unknown error').lower()}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationMistake(f"the configuration {path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationMistake(f"the configuration {path} is not TOML: {error}; text stands in quotation marks") from None


def read_moved_days(file: Path | None) -> Mapping[date, Override]:
    """Return the days that the government moved, as the administrator's file lists them."""
    if file is None:
        return NO_OVERRIDES
    try:
        return read_overrides(file.read_text(encoding="utf-8"), str(file))
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise ConfigurationMistake(f"operator.calendar_overrides: {file} cannot be read: {reason}") from error
    except UnicodeDecodeError:
        raise ConfigurationMistake(f"operator.calendar_overrides: {file} is not UTF-8 text; save it as UTF-8") from None
    except CalendarMistakes as error:
        raise ConfigurationMistake(*error.mistakes) from error


def secret_of(server: Server) -> str:
    """Return the password for a server; raises ``ConfigurationMistake``."""
    return read_secret(server.password_file, server.password_credential)


def read_secret(file: Path | None, credential: str | None) -> str:
    """Return a password from its file (mode 0600) or from the service manager's credentials; never from the configuration."""
    place = file if file is not None else _credential_place(credential or "")
    try:
        mode = place.stat().st_mode
        secret = place.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigurationMistake(f"the password file {place} cannot be read: {(error.strerror or 'unknown error').lower()}") from error
    except UnicodeDecodeError:
        raise ConfigurationMistake(f"the password file {place} is not UTF-8 text") from None  # the error quotes the secret
    if mode & stat.S_IRWXO:
        raise ConfigurationMistake(f"the password file {place} is open to every user of this machine: run `chmod 600 {place}`")
    if not secret:
        raise ConfigurationMistake(f"the password file {place} is empty")
    if len(secret.splitlines()) > 1:
        raise ConfigurationMistake(f"the password file {place} holds more than one line; the password has one")
    return secret


def _credential_place(name: str) -> Path:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise ConfigurationMistake(
            f"the credential {name} is looked for in $CREDENTIALS_DIRECTORY, which is not set: systemd sets it for the service; "
            "for a command, export it: the folder in which the unit finds them, such as /etc/mailbot/credentials/OPERATOR"
        )
    return Path(folder) / name


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
