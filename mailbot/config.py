"""The configuration: what an administrator writes, checked whole before anything starts."""

import ipaddress
import os
import stat
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from mailbot.errors import ConfigurationMistake

Tls = Literal["implicit", "starttls", "none"]


class Section(BaseModel):
    """A table of the configuration file. An unknown key is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _need_address(value: object) -> object:
    local, at, domain = str(value).rpartition("@")
    if not (local and at and domain) or any(character.isspace() or character in "<>," for character in str(value)):
        raise ValueError("is not an e-mail address; write it as name@example.com")
    return value


Address = Annotated[str, BeforeValidator(_need_address)]
Port = Annotated[int, Field(ge=1, le=65535)]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Server(Section):
    """A mail server to connect to. Without TLS only on this very machine."""

    host: str
    port: Port
    tls: Tls
    tls_ca_file: Path | None = None
    timeout_seconds: Annotated[float, Field(gt=0)] = 60

    @model_validator(mode="after")
    def _keep_secrets_on_this_machine(self) -> Self:
        if self.tls == "none" and not _is_loopback(self.host):
            raise ValueError('tls = "none" works only for a server on this machine (127.0.0.1, ::1, localhost); use "implicit" or "starttls"')
        return self


class Operator(Section):
    """Whose promise is kept, and in which time zone its days begin."""

    policy: str
    timezone: str = "Asia/Almaty"
    calendar_overrides: Path | None = None

    @field_validator("timezone")
    @classmethod
    def _need_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError('is not a time zone; write for example "Asia/Almaty"') from error
        return name


class Store(Section):
    """Where the register lies."""

    url: str


class Inbox(Server):
    """A mailbox that is watched."""

    address: Address
    aliases: tuple[Address, ...] = ()
    user: str
    password_file: Path | None = None
    password_credential: str | None = None
    folder: str = "INBOX"
    start: Literal["now"] | date = "now"
    authserv_id: str | None = None
    filing: Literal["leave", "keyword", "folder"] = "leave"
    filing_name: str = ""
    batch: Annotated[int, Field(ge=1, le=1000)] = 100
    poll_seconds: Annotated[int, Field(ge=1)] = 60
    max_message_size: Annotated[int, Field(ge=10_000)] = 30_000_000

    @model_validator(mode="after")
    def _need_secret_and_name(self) -> Self:
        if (self.password_file is None) == (self.password_credential is None):
            raise ValueError("name the password's place: either password_file or password_credential")
        if (self.filing == "leave") != (self.filing_name == ""):
            raise ValueError('filing_name names the keyword or the folder; it goes with filing = "keyword" or "folder" and with nothing else')
        return self


class Smtp(Server):
    """The relay that takes the letters."""

    sender: Address
    envelope_sender: Address | None = None
    user: str | None = None
    password_file: Path | None = None
    password_credential: str | None = None
    connections: Annotated[int, Field(ge=1, le=50)] = 4

    @model_validator(mode="after")
    def _need_both_or_neither(self) -> Self:
        if (self.user is None) != (self.password_file is None and self.password_credential is None):
            raise ValueError("user and the password's place (password_file or password_credential) go together")
        return self


class Staff(Section):
    """The people who decide."""

    digest_to: tuple[Address, ...] = ()
    digest_at: Clock = "09:00"


class System(Section):
    """Another place that holds subscribers. Staff do there what is due and tick it off."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")]
    mode: Literal["manual"] = "manual"


class Limits(Section):
    """How much is sent; 0 turns a limit off."""

    letters_per_address_a_day: Annotated[int, Field(ge=0)] = 3
    letters_per_domain_an_hour: Annotated[int, Field(ge=0)] = 30
    letters_an_hour: Annotated[int, Field(ge=0)] = 200
    surge_an_hour: Annotated[int, Field(ge=0)] = 30
    acknowledge_up_to_days: Annotated[int, Field(ge=0)] = 14


class Config(Section):
    """The whole file."""

    operator: Operator
    store: Store
    inbox: Annotated[tuple[Inbox, ...], Field(min_length=1)]
    smtp: Smtp
    staff: Staff = Staff()
    limits: Limits = Limits()
    system: tuple[System, ...] = ()

    @model_validator(mode="after")
    def _need_distinct_names(self) -> Self:
        if len({(inbox.address.lower(), inbox.folder) for inbox in self.inbox}) < len(self.inbox):
            raise ValueError("two [[inbox]] tables name the same address and folder")
        if len({system.name for system in self.system} | {"mailbot", "staff"}) < len(self.system) + 2:
            raise ValueError('two [[system]] tables have one name, or one is called "mailbot" or "staff"')
        return self


def find_config(given: Path | None) -> Path:
    """Return the configuration file: the given one, else $MAILBOT_CONFIG, else the usual places."""
    if given is not None:
        return given
    if named := os.environ.get("MAILBOT_CONFIG"):
        return Path(named)
    places = (Path("/etc/mailbot/config.toml"), Path("config.toml"))
    for place in places:
        if place.exists():
            return place
    raise ConfigurationMistake(f"there is no configuration: name it with --config FILE or $MAILBOT_CONFIG, or write {places[0]}")


def load_config(given: Path | None) -> Config:
    """Read and check the configuration; raise ``ConfigurationMistake`` with every mistake in it."""
    path = find_config(given)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationMistake(f"the configuration {path} cannot be read: {(error.strerror or 'unknown error').lower()}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationMistake(f"the configuration {path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    try:
        return Config.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationMistake(f"the configuration {path} is not TOML: {error}") from error
    except ValidationError as error:
        raise ConfigurationMistake(*(f"{path}: {_sentence(mistake)}" for mistake in error.errors())) from None


def read_secret(file: Path | None, credential: str | None) -> str:
    """Return a password from its file (mode 0600) or from the service manager's credentials; never from the configuration."""
    place = file if file is not None else _credential_place(credential or "")
    try:
        mode = place.stat().st_mode
        secret = place.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigurationMistake(f"the password file {place} cannot be read: {(error.strerror or 'unknown error').lower()}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationMistake(f"the password file {place} is not UTF-8 text") from error
    if mode & stat.S_IRWXO:
        raise ConfigurationMistake(f"the password file {place} can be read by everybody: run `chmod 600 {place}`")
    if not secret:
        raise ConfigurationMistake(f"the password file {place} is empty")
    return secret


def _credential_place(name: str) -> Path:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise ConfigurationMistake(f"the credential {name} is looked for in $CREDENTIALS_DIRECTORY, which is not set: start mailbot by systemd")
    return Path(folder) / name


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _sentence(mistake: object) -> str:
    """Put one of pydantic's mistakes in words: the key as it is written in the file, what is wrong, what to do."""
    facts = dict(mistake)  # type: ignore[call-overload]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in facts["loc"]).removeprefix(".") or "file"
    match facts["type"]:
        case "extra_forbidden":
            return f"{key}: there is no such key; look for a typing mistake, or take the line out"
        case "missing":
            return f"{key}: is missing; config.example.toml shows it"
        case "value_error":
            return f"{key}: {facts['ctx']['error']}"
        case _:
            return f"{key}: {facts['msg'][0].lower()}{facts['msg'][1:]}"
