"""One connection to the relay. Only this file knows aiosmtplib; its errors become what the outbox does next.

TLS is verified and never given up silently: with ``tls`` other than "none" nothing is said before the handshake.
What the server says to MAIL concerns us, to RCPT and after it the letter; what it says in words may quote an address and is left out.
"""

import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

import aiosmtplib
from aiosmtplib.protocol import normalize_message_line_endings

from mailbot.errors import ConfigurationMistake, Problem, TemporaryFailure
from mailbot.pipelining import Pipeline

FINAL_REPLY_SECONDS = 600.0
"""How long the reply to the final dot may take before the letter is doubtful (RFC 5321, 4.5.3.2.6)."""

ONE_COMMAND_SECONDS = 300.0
"""RFC 5321, 4.5.3.2: MAIL and RCPT may take five minutes."""

START_OF_DATA_SECONDS = 120.0
"""RFC 5321, 4.5.3.2.4."""

WITHIN_SECONDS = (ONE_COMMAND_SECONDS, ONE_COMMAND_SECONDS, START_OF_DATA_SECONDS)
ANNOUNCING_SECONDS = sum(WITHIN_SECONDS)
"""How long the replies to MAIL, RCPT and DATA may take together."""

LONGEST_EXCHANGE_SECONDS = ANNOUNCING_SECONDS + FINAL_REPLY_SECONDS
"""How long one letter may take: after that the connection hangs."""

GOODBYE_SECONDS = 5.0

HOPED_FOR = (
    {aiosmtplib.SMTPStatus.completed},
    {aiosmtplib.SMTPStatus.completed, aiosmtplib.SMTPStatus.will_forward},
    {aiosmtplib.SMTPStatus.start_input},
)
"""What MAIL, RCPT and DATA are answered with where all is well."""

CLOSING_CHANNEL = 421
"""The one reply that any command may get: the server ends the connection (RFC 5321, 3.8)."""

FITS_ENVELOPE = re.compile(r"[\w!#$%&'*+/=?^`{|}~.@-]+", re.ASCII)
"""Nothing that could end the address or begin another one (H91); other letters would need SMTPUTF8 (H92)."""


class RelayAway(TemporaryFailure):
    """The SMTP server cannot be reached, or asks us to come back later."""


class RelayRefusesUs(ConfigurationMistake):
    """The SMTP server refuses the user, the password or the sender."""


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
    """A verdict with the server's code, as far as it gave one."""

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
    password: str | None = field(repr=False)
    timeout_seconds: float


class Connection:
    """A connection to the relay, kept for many letters; it may be opened again after it was lost."""

    def __init__(self, relay: Relay) -> None:
        """Prepare; ``open`` connects."""
        self._relay = relay
        self._where = f"{relay.host}:{relay.port}"
        self._pipeline: Pipeline | None = None
        self._says_together = True
        self.letter_begun = False
        """Whether a byte of the last letter was said: if not, its outcome is known."""
        self._client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            timeout=relay.timeout_seconds,
            use_tls=relay.tls == "implicit",
            start_tls=relay.tls == "starttls",
            username=relay.user,
            password=relay.password,
        )

    @property
    def is_open(self) -> bool:
        """Tell whether the connection stands, as far as we know."""
        return self._client.is_connected

    async def open(self) -> None:
        """Connect, secure the line, log in. Raises ``RelayAway``, ``RelayRefusesUs`` or ``UntrustedRelay``."""
        if self._relay.tls != "none":
            self._client.tls_context = _tls_context(self._relay.tls_ca_file)
        try:
            await self._client.connect()
            await self._say_hello()
            may = self._says_together and self._client.supports_extension("PIPELINING")
            self._pipeline = Pipeline(self._client) if may else None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._not_opened(error) from error

    async def hand_over(self, envelope_sender: str, recipient: str, content: bytes, before_data: Callable[[], Awaitable[None]]) -> Reply:
        """Hand one letter over; raise ``RelayAway`` or ``RelayRefusesUs`` if the server takes none from us.

        ``before_data`` is awaited beside DATA, and before the first byte of the letter: from there on the outcome may stay unknown.
        """
        if not FITS_ENVELOPE.fullmatch(recipient) or not FITS_ENVELOPE.fullmatch(envelope_sender or "@"):
            return Reply(Verdict.REFUSED, "the address does not fit an envelope")
        self.letter_begun = False
        commands = [f"MAIL FROM:<{envelope_sender}>".encode(), f"RCPT TO:<{recipient}>".encode(), b"DATA"]
        try:
            if self._pipeline is not None:
                return await self._announced(self._together(self._pipeline, commands, before_data)) or await self._transmit(content)
            if (refusal := await self._announced(self._one_by_one(commands))) is not None:
                return refusal
            await before_data()
        except BaseException:
            self.drop()
            raise
        return await self._transmit(content)

    async def look(self) -> dict[str, str]:
        """Open and close without sending anything; return what the server says it can do, by small keywords (RFC 5321, 4.1.1.1)."""
        await self.open()
        offers = dict(self._client.esmtp_extensions)
        await self.close()
        return offers

    async def close(self) -> None:
        """Say goodbye. What was accepted stays accepted, whatever happens here (H32)."""
        if self.is_open:
            try:
                await self._client.quit(timeout=GOODBYE_SECONDS)
            except (aiosmtplib.SMTPException, OSError):
                self.drop()

    def drop(self) -> None:
        """End the connection without a word."""
        self._client.close()

    async def _say_hello(self) -> None:
        """Say EHLO, or HELO to a server that knows no other, unless that was part of TLS or of the login (RFC 5321, 4.1.1.1)."""
        if self._client.is_ehlo_or_helo_needed:
            try:
                await self._client.ehlo()
            except aiosmtplib.SMTPHeloError:
                if not self.is_open:
                    raise
                await self._client.helo()

    async def _announced(self, saying: Awaitable[list[tuple[int, str]]]) -> Reply | None:
        """Sort the replies to MAIL, RCPT and DATA; None if the server waits for the letter. Nothing of that was said: none is in doubt."""
        try:
            replies = await saying
        except (aiosmtplib.SMTPException, OSError):
            replies = []
        if (unwelcome := _first_unwelcome(replies)) is None:
            return None
        command, code, message = unwelcome
        if code == CLOSING_CHANNEL or not _is_refusal(code):
            self._says_together = False  # it may offer what it cannot do
            self.drop()
            return Reply(Verdict.AWAY, str(code or ""))
        if replies[-1][0] == aiosmtplib.SMTPStatus.start_input:
            await self._say_nothing()
        if command == 0:
            await self.close()
            raise self._none_taken(code, message)
        return await self._refused(code, message)

    async def _together(
        self, pipeline: Pipeline, commands: list[bytes], before_data: Callable[[], Awaitable[None]]
    ) -> list[tuple[int, str]]:
        """Say commands at once, and let the letter be noted while the server answers: not sooner, for what was not said is not in doubt."""
        pipeline.say(commands, ANNOUNCING_SECONDS)
        await before_data()
        return await pipeline.replies()

    async def _one_by_one(self, commands: list[bytes]) -> list[tuple[int, str]]:
        """Say commands to a server that does not take them together, until one is not answered as we hope."""
        replies: list[tuple[int, str]] = []
        for command, hoped, seconds in zip(commands, HOPED_FOR, WITHIN_SECONDS, strict=True):
            response = await self._client.execute_command(command, timeout=seconds)
            replies.append((response.code, response.message))
            if response.code not in hoped:
                break
        return replies

    async def _say_nothing(self) -> None:
        """End a letter before it begins: the server waits for one although it refused what came before (RFC 2920, 3.1)."""
        try:
            await self._client.execute_command(b".", timeout=ONE_COMMAND_SECONDS)
        except (aiosmtplib.SMTPException, OSError):
            self.drop()

    async def _transmit(self, content: bytes) -> Reply:
        """Say the letter. Only 4yz and 5yz tell that the server did not take it; anything but a clear answer leaves it open."""
        protocol = self._client.protocol
        if protocol is None or not protocol.is_connected:  # it ended while the letter was noted: nothing of it was said
            self.drop()
            return Reply(Verdict.AWAY, "")
        try:
            self.letter_begun = True
            protocol.write(_on_the_wire(content) + b".\r\n")
            response = await protocol.read_response(timeout=FINAL_REPLY_SECONDS)
        except (aiosmtplib.SMTPException, OSError):
            self.drop()
            return Reply(Verdict.UNKNOWN, "")
        if response.code == aiosmtplib.SMTPStatus.completed:
            return Reply(Verdict.ACCEPTED, _code(response.code, response.message))
        if not _is_refusal(response.code):
            self.drop()
            return Reply(Verdict.UNKNOWN, "")
        return await self._refused(response.code, response.message)

    async def _refused(self, code: int, message: str) -> Reply:
        """Sort a refusal by its first digit (RFC 5321, 4.2.1), and make the connection ready for the next letter."""
        if code == CLOSING_CHANNEL:
            self.drop()
        try:
            if self.is_open:
                await self._client.rset()
        except (aiosmtplib.SMTPException, OSError):
            self.drop()
        return Reply(Verdict.LATER if code < 500 else Verdict.REFUSED, _code(code, message))

    def _not_opened(self, error: Exception) -> Problem:
        if isinstance(error, aiosmtplib.SMTPAuthenticationError):
            if error.code < 500:
                return RelayAway(f"the SMTP server {self._where} puts the login off ({error.code})")
            return RelayRefusesUs(f"{self._where} refuses the login ({error.code}): check smtp.user and the password file")
        if isinstance(error, aiosmtplib.SMTPHeloError) and error.code != CLOSING_CHANNEL:
            return self._none_taken(error.code, error.message)
        if type(error) is aiosmtplib.SMTPException:  # what aiosmtplib raises for STARTTLS and AUTH that are not offered
            return UntrustedRelay(
                f"{self._where} offers no STARTTLS or no login we know; nothing was said: "
                "check smtp.tls and smtp.port, and leave smtp.user out if it asks for none"
            )
        if verification := _verification(error):
            return UntrustedRelay(
                f"{self._where} shows a certificate that is not valid: {verification}; nothing was said to it. "
                "If it is your own authority's, name that in smtp.tls_ca_file"
            )
        return RelayAway(f"the SMTP server {self._where} cannot be reached: {_reason(error)}; check smtp.host, port and tls")

    def _none_taken(self, code: int, message: str) -> Problem:
        """Name what a refusal before RCPT means: it is about us, and every other letter would get it too."""
        told = _code(code, message)
        if code < 500:
            return RelayAway(f"the SMTP server {self._where} takes no letters now ({told})")
        return RelayRefusesUs(f"{self._where} takes no letters from us ({told}): check smtp.user, smtp.sender and smtp.envelope_sender")


@lru_cache(maxsize=1)
def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationMistake(f"smtp.tls_ca_file {ca_file} cannot be used: {_reason(error)}") from error


def _on_the_wire(content: bytes) -> bytes:
    """Return a letter as DATA carries it: lines end in CRLF alone, and a dot that begins one is doubled (RFC 5321, 4.5.2)."""
    if not content.endswith(b"\r\n") or not content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r"):
        content = normalize_message_line_endings(content)  # ours are so already, and to look costs less
    return (b"\n" + content).replace(b"\n.", b"\n..")[1:]


def _first_unwelcome(replies: list[tuple[int, str]]) -> tuple[int, int, str] | None:
    """Return which command was the first not to be answered as we hope, with code and text; no code where no reply came."""
    for command, hoped in enumerate(HOPED_FOR):
        code, message = replies[command] if command < len(replies) else (0, "")
        if code not in hoped:
            return command, code, message
    return None


def _is_refusal(code: int) -> bool:
    return 400 <= code <= 599


def _code(code: int, message: str) -> str:
    """Return the reply code with the enhanced status code, if there is one (RFC 3463)."""
    first = message.split(maxsplit=1)[0] if message.strip() else ""
    return f"{code} {first}" if re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", first) else str(code)


def _verification(error: BaseException) -> str | None:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return str(seen.verify_message)
        seen = seen.__cause__ or seen.__context__
    return None


def _reason(error: BaseException) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"it answers {error.code}" if error.code > 0 else "no SMTP is spoken there"
    if isinstance(cause := error.__cause__ or error, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
        return "no TLS is spoken there"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).partition("\n")[0][:200]
