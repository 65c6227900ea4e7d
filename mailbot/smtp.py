"""One connection to the relay. Only this file knows aiosmtplib; its errors become what the outbox does next.

TLS is verified and never given up silently: with ``tls`` other than "none" nothing is said before the handshake.
"""

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

import aiosmtplib

from mailbot.errors import ConfigurationMistake, Problem, TemporaryFailure

FINAL_REPLY_SECONDS = 600.0
"""How long the reply to the final dot may take before the letter is doubtful (RFC 5321, 4.5.3.2.6)."""

ONE_COMMAND_SECONDS = 300.0
"""RFC 5321, 4.5.3.2: MAIL and RCPT may take five minutes."""


class RelayAway(TemporaryFailure):
    """The SMTP server cannot be reached, or asks us to come back later."""


class RelayRefusesUs(ConfigurationMistake):
    """The SMTP server refuses the user or the password."""


class UntrustedRelay(Problem):
    """The SMTP server cannot prove that it is the one we mean; nothing is said to it."""


class Verdict(StrEnum):
    """How a try to hand a letter over ended."""

    ACCEPTED = "accepted"
    LATER = "later"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    AWAY = "away"
    """The connection was lost before anything of the letter was said."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A verdict with the server's code, as far as it gave one. Its words may quote an address and are left out."""

    verdict: Verdict
    code: str


@dataclass(frozen=True, slots=True)
class Relay:
    """Where letters are handed over, and as whom."""

    host: str
    port: int
    tls: str
    tls_ca_file: str | None
    user: str | None
    password: str | None
    timeout_seconds: float


class Connection:
    """An open connection to the relay, kept for many letters."""

    def __init__(self, relay: Relay) -> None:
        """Prepare; ``open`` connects."""
        self._relay = relay
        self._client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            timeout=relay.timeout_seconds,
            use_tls=relay.tls == "implicit",
            start_tls=relay.tls == "starttls",
            username=relay.user,
            password=relay.password,
            tls_context=_tls_context(relay) if relay.tls != "none" else None,
        )

    async def open(self) -> None:
        """Connect, secure the line, log in. Raises ``RelayAway``, ``RelayRefusesUs`` or ``UntrustedRelay``."""
        where = f"{self._relay.host}:{self._relay.port}"
        try:
            await self._client.connect()
        except aiosmtplib.SMTPAuthenticationError as error:
            if error.code < 500:
                raise RelayAway(f"the SMTP server {where} puts the login off ({error.code})") from error
            raise RelayRefusesUs(f"{where} refuses the login of user {self._relay.user}: check smtp.user and the password file") from error
        except aiosmtplib.SMTPNotSupported as error:
            raise UntrustedRelay(f"{where} offers no STARTTLS or no login; nothing was said to it. Check smtp.tls and smtp.port") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            if verification := _verification(error):
                raise UntrustedRelay(f"{where} shows a certificate that is not valid: {verification}; nothing was said to it") from error
            raise RelayAway(f"the SMTP server {where} cannot be reached: {_reason(error)}") from error

    @property
    def is_open(self) -> bool:
        """Tell whether the connection still stands, as far as we know."""
        return self._client.is_connected

    async def hand_over(self, envelope_sender: str, recipient: str, content: bytes, before_data: Callable[[], Awaitable[None]]) -> Reply:
        """Hand one letter over. ``before_data`` is awaited when only DATA is left: from there on the outcome may stay unknown."""
        try:
            await self._client.mail(envelope_sender, timeout=ONE_COMMAND_SECONDS)
            await self._client.rcpt(recipient, timeout=ONE_COMMAND_SECONDS)
        except aiosmtplib.SMTPResponseException as error:
            return await self._refused(error)
        except (aiosmtplib.SMTPException, OSError, ValueError, UnicodeError) as error:
            return Reply(Verdict.REFUSED if isinstance(error, ValueError) else Verdict.AWAY, "")
        await before_data()
        try:
            response = await self._client.data(content, timeout=FINAL_REPLY_SECONDS)
        except aiosmtplib.SMTPResponseException as error:
            return await self._refused(error)
        except (aiosmtplib.SMTPException, OSError):
            self._client.close()
            return Reply(Verdict.UNKNOWN, "")
        return Reply(Verdict.ACCEPTED, _code(response.code, response.message))

    async def close(self) -> None:
        """Say goodbye. What was accepted stays accepted, whatever happens here (H32)."""
        if not self._client.is_connected:
            return
        try:
            await self._client.quit(timeout=5)
        except (aiosmtplib.SMTPException, OSError):
            self._client.close()

    async def _refused(self, error: aiosmtplib.SMTPResponseException) -> Reply:
        """Sort a refusal by its first digit (RFC 5321, 4.2.1), and make the connection ready for the next letter."""
        try:
            if self._client.is_connected:
                await self._client.rset()
        except (aiosmtplib.SMTPException, OSError):
            self._client.close()
        if error.code == aiosmtplib.SMTPStatus.domain_unavailable:  # 421: the server closes the channel
            return Reply(Verdict.LATER, "421")
        return Reply(Verdict.LATER if error.code < 500 else Verdict.REFUSED, _code(error.code, error.message))


def _tls_context(relay: Relay) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=relay.tls_ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationMistake(f"smtp.tls_ca_file {relay.tls_ca_file} cannot be used: {_reason(error)}") from error


def _code(code: int, message: str) -> str:
    """Return the reply code with the enhanced status code, if there is one (RFC 3463)."""
    first = message.split(" ", 1)[0]
    return f"{code} {first}" if first.count(".") == 2 and first.replace(".", "").isdigit() else str(code)


def _verification(error: BaseException) -> str | None:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return str(seen.verify_message)
        seen = seen.__cause__ or seen.__context__
    return None


def _reason(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).partition("\n")[0][:200]
