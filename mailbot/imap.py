"""One connection to one IMAP mailbox. Only this file knows imapclient; it blocks, so it lives in a thread of its own.

Every call has a timeout. The library's errors become three kinds: the server is away or busy (try again, perhaps at a stated
time), the login is refused (a person must look), and the configuration asks for what the server does not have.
"""

import re
import select
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from threading import Event
from time import monotonic
from typing import Any

from imapclient import DELETED, IMAPClient, exceptions

from mailbot.errors import ConfigurationMistake, Problem, TemporaryFailure

HEADER = b"BODY[HEADER]"
HEADER_CAP = 131_072
"""Bytes of a header that are read; a longer one is a bomb and is known by its first part."""
LONGEST_LINE_OF_UIDS = 50_000
"""UIDs in one answer to SEARCH: the standard library refuses lines of a million bytes."""
UIDS_A_COMMAND = 500
IDLE_SECONDS = 540
"""IDLE is renewed within nine minutes: a NAT forgets a silent connection after ten or more (RFC 2177)."""

_BUSY = re.compile(r"\[(?:UNAVAILABLE|LIMIT|INUSE|SERVERBUG|CONTACTADMIN)\]|throttl|too many (?:simultaneous )?connections|not connected|try again", re.I)
_BACKOFF = re.compile(r"back-?off time:?\s*(\d+)|(?:retry|try again) (?:after|in):?\s*(\d+)", re.I)


class MailServerAway(TemporaryFailure):
    """The IMAP server does not answer, or asks us to come back later."""

    def __init__(self, sentence: str, wait_seconds: float | None = None) -> None:
        """``wait_seconds`` is how long the server asked us to stay away, if it did."""
        super().__init__(sentence)
        self.wait_seconds = wait_seconds


class LoginRefused(ConfigurationMistake):
    """The server refuses the user or the password."""


class UntrustedServer(Problem):
    """The server cannot prove that it is the one we mean; nothing is said to it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an inbox is, and as whom to enter."""

    host: str
    port: int
    tls: str
    tls_ca_file: str | None
    user: str
    password: str
    folder: str
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Envelope:
    """The head of a message as the server holds it."""

    uid: int
    internal_date: datetime
    size: int
    header: bytes


@dataclass(frozen=True, slots=True)
class TextPart:
    """One readable part of a message: its number in the structure (RFC 3501, 6.4.5) and how to read it."""

    number: str
    subtype: str
    charset: str
    encoding: str


class Mailbox:
    """An open connection that reads a folder without changing it (EXAMINE), and enters to write only to file away."""

    def __init__(self, address: Address) -> None:
        """Connect, log in and open the folder for reading."""
        self._address = address
        self._where = f"{address.host}:{address.port}"
        self._client = self._connected()
        self.alerts: list[str] = []
        try:
            self._log_in()
            self.examine()
        except BaseException:
            self.abandon()
            raise

    def examine(self) -> None:
        """Open the folder for reading: nothing can be changed by it, not even ``\\Recent``."""
        found = self._said(lambda: self._client.select_folder(self._address.folder, readonly=True))
        self.uidvalidity = int(found.get(b"UIDVALIDITY", 0))
        self.uid_next = int(found.get(b"UIDNEXT", 0))
        self.exists = int(found.get(b"EXISTS", 0))
        self._note_alerts()

    def uids_above(self, uid: int) -> list[int]:
        """Return the UIDs above ``uid``, ascending. The cost does not depend on the size of the mailbox."""
        if self.uid_next and self.uid_next <= uid + 1:
            return []
        if self.exists <= LONGEST_LINE_OF_UIDS or 0 < self.uid_next - uid <= LONGEST_LINE_OF_UIDS:
            found = self._search(f"UID {uid + 1}:*")
        else:
            found = [number for chunk in self._from_the_top() for number in chunk if number > uid]
        return sorted({number for number in found if number > uid})  # n:* names the last message even below n

    def uids_since(self, day: date) -> Iterator[int]:
        """Yield, ascending, the UIDs of what the server received on ``day`` or later, by its own reckoning of days."""
        for first in range(1, self.exists + 1, LONGEST_LINE_OF_UIDS):
            last = min(first + LONGEST_LINE_OF_UIDS - 1, self.exists)
            yield from sorted(self._search(f"{first}:{last} SINCE {day.day}-{_MONTHS[day.month - 1]}-{day.year}"))

    def existing(self, uids: Sequence[int]) -> set[int]:
        """Return which of the messages still lie in the folder."""
        return {uid for chunk in _chunks(uids) for uid in self._search(f"UID {','.join(map(str, chunk))}")}

    def envelopes(self, uids: Sequence[int]) -> dict[int, Envelope]:
        """Return head, size and time of receipt of each message that the server delivers."""
        found: dict[int, Envelope] = {}
        for uid, parts in self._fetch(uids, ["INTERNALDATE", "RFC822.SIZE", f"BODY.PEEK[HEADER]<0.{HEADER_CAP}>"]).items():
            header = parts.get(b"BODY[HEADER]<0>", parts.get(HEADER))
            if isinstance(header, bytes) and isinstance(parts.get(b"INTERNALDATE"), datetime):
                found[uid] = Envelope(uid, parts[b"INTERNALDATE"].astimezone(UTC), int(parts.get(b"RFC822.SIZE", len(header))), header)
        return found

    def wholes(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Return messages whole, without marking them read."""
        bodies = {uid: parts.get(b"BODY[]") for uid, parts in self._fetch(uids, ["BODY.PEEK[]"]).items()}
        return {uid: body for uid, body in bodies.items() if isinstance(body, bytes)}

    def text_parts(self, uids: Sequence[int]) -> dict[int, TextPart | None]:
        """Return the part of each message that a person would read first; None if it has none."""
        return {uid: _readable_part(parts[b"BODYSTRUCTURE"]) for uid, parts in self._fetch(uids, ["BODYSTRUCTURE"]).items() if b"BODYSTRUCTURE" in parts}

    def texts(self, uids: Sequence[int], number: str, most: int) -> dict[int, bytes]:
        """Return the first ``most`` bytes of one part of each message, as they are encoded."""
        fetched = self._fetch(uids, [f"BODY.PEEK[{number}]<0.{most}>"])
        name = f"BODY[{number}]".encode()
        bodies = {uid: parts.get(name + b"<0>", parts.get(name)) for uid, parts in fetched.items()}
        return {uid: body for uid, body in bodies.items() if isinstance(body, bytes)}

    def check_filing(self, filing: str, name: str) -> None:
        """See that the server can file as configured; raise ``ConfigurationMistake`` if it cannot."""
        if filing == "folder" and not self._said(lambda: self._client.folder_exists(name)):
            raise ConfigurationMistake(f"inbox.filing_name: there is no folder {name} on {self._where}; make it, or name another")
        if filing == "keyword":
            allowed = self._enter()
            self.examine()
            if b"\\*" not in allowed and name.encode().lower() not in {flag.lower() for flag in allowed}:
                raise ConfigurationMistake(f'inbox.filing_name: {self._where} keeps no keyword {name}; use filing = "leave" or "folder"')

    def mark(self, uids: Sequence[int], flag: str) -> None:
        """Set a flag or keyword; messages that are gone are passed over by the server."""
        self._enter()
        for chunk in _chunks(uids):
            self._said(lambda chunk=chunk: self._client.add_flags(chunk, [flag.encode()], silent=True))
        self.examine()

    def move(self, uids: Sequence[int], folder: str) -> None:
        """Move messages with MOVE, else by COPY and UID EXPUNGE of just these: never a bare EXPUNGE (H19)."""
        self._enter()
        for chunk in _chunks(uids):
            if self._client.has_capability("MOVE"):
                self._said(lambda chunk=chunk: self._client.move(chunk, folder))
            elif self._client.has_capability("UIDPLUS"):
                self._said(lambda chunk=chunk: self._client.copy(chunk, folder))
                self._said(lambda chunk=chunk: self._client.add_flags(chunk, [DELETED], silent=True))
                self._said(lambda chunk=chunk: self._client.uid_expunge(chunk))
            else:
                raise ConfigurationMistake(f'inbox.filing: {self._where} can neither MOVE nor UID EXPUNGE; use "leave" or "keyword"')
        self.examine()

    def can_idle(self) -> bool:
        """Tell whether the server tells us of new mail by itself."""
        return bool(self._said(lambda: self._client.has_capability("IDLE")))

    def idle(self, seconds: float, stop: Event) -> None:
        """Wait until the server tells of a change, the time is up or ``stop`` is set. An end of the connection is a failure (H11)."""
        self._said(self._client.idle)
        ends = monotonic() + min(seconds, IDLE_SECONDS)
        while not stop.is_set() and (left := ends - monotonic()) > 0:
            told = self._said(lambda left=left: self._client.idle_check(timeout=min(left, 1.0)))
            if any(isinstance(each, tuple) and each[:1] == (b"BYE",) for each in told):
                raise MailServerAway(f"the IMAP server {self._where} ended the connection")
            if not told and self._is_readable():
                raise MailServerAway(f"the IMAP server {self._where} ended the connection without a word")
            if any(isinstance(each, tuple) and b"EXISTS" in each for each in told):
                break
        self._said(self._client.idle_done)

    def look_again(self) -> None:
        """Ask how many messages there are now."""
        self.examine()

    def log_out(self) -> None:
        """Say goodbye; an error while doing so changes nothing."""
        try:
            self._client.logout()
        except (exceptions.IMAPClientError, OSError, ssl.SSLError):
            self.abandon()

    def abandon(self) -> None:
        """Drop the connection without a word."""
        try:
            self._client.shutdown()
        except OSError:
            return

    def _connected(self) -> IMAPClient:
        where = self._address
        context = None
        if where.tls != "none":
            context = _tls_context(where.tls_ca_file)
        try:
            client = IMAPClient(where.host, where.port, ssl=where.tls == "implicit", ssl_context=context, timeout=where.timeout_seconds, use_uid=True)
            client.normalise_times = False
            if where.tls == "starttls":
                client.starttls(context)
        except ssl.SSLCertVerificationError as error:
            raise UntrustedServer(f"{self._where} shows a certificate that is not valid: {error.verify_message}; nothing was said to it") from error
        except (exceptions.IMAPClientError, OSError, EOFError) as error:
            raise MailServerAway(f"the IMAP server {self._where} cannot be reached: {_reason(error)}") from error
        return client

    def _log_in(self) -> None:
        try:
            self._client.login(self._address.user, self._address.password)
        except exceptions.LoginError as error:
            lost = isinstance(error.__context__, exceptions.IMAPClientAbortError)  # the library calls an end of connection a refusal
            if lost or _BUSY.search(str(error)):
                raise self._away(error) from error
            raise LoginRefused(f"{self._where} refuses the login of user {self._address.user}: check inbox.user and the password file") from error
        except (exceptions.IMAPClientError, OSError) as error:
            raise self._away(error) from error

    def _enter(self) -> tuple[bytes, ...]:
        """Open the folder for writing; return the flags that the server keeps."""
        found = self._said(lambda: self._client.select_folder(self._address.folder))
        return tuple(found.get(b"PERMANENTFLAGS", ()))

    def _from_the_top(self) -> Iterator[list[int]]:
        for last in range(self.exists, 0, -LONGEST_LINE_OF_UIDS):
            yield self._search(f"{max(1, last - LONGEST_LINE_OF_UIDS + 1)}:{last}")

    def _search(self, criteria: str) -> list[int]:
        return [int(uid) for uid in self._said(lambda: self._client.search(criteria))]

    def _fetch(self, uids: Sequence[int], items: list[str]) -> dict[int, Mapping[bytes, Any]]:
        """Fetch by explicit UIDs, never ranges: the library cannot read the answer to one. Where the server refuses a whole set, ask one by one, so that one message spoils no other (H7)."""
        fetched: dict[int, Mapping[bytes, Any]] = {}
        for chunk in _chunks(uids):
            try:
                fetched.update(self._said(lambda chunk=chunk: self._client.fetch(chunk, items)))
            except (_RefusedCommand, RecursionError, ValueError, IndexError):  # the last three: structures the library cannot read (H54)
                if len(chunk) > 1:
                    for uid in chunk:
                        fetched.update(self._fetch([uid], items))
        wanted = set(uids)
        return {uid: parts for uid, parts in fetched.items() if uid in wanted}

    def _said(self, command: Any) -> Any:
        """Run one command and sort its failure."""
        try:
            return command()
        except exceptions.IMAPClientAbortError as error:
            raise self._away(error) from error
        except exceptions.IMAPClientError as error:
            text = str(error)
            if _BUSY.search(text):
                raise self._away(error) from error
            if "select failed" in text:
                raise ConfigurationMistake(f"inbox.folder: {self._where} has no folder {self._address.folder} for {self._address.user}") from error
            raise _RefusedCommand(f"{self._where} refuses a command: {_reason(error)}") from error
        except (OSError, EOFError) as error:
            raise self._away(error) from error

    def _away(self, error: BaseException) -> MailServerAway:
        found = _BACKOFF.search(str(error))
        wait = float(found[1] or found[2]) if found else None
        if wait is not None and wait > 10_000:
            wait /= 1000  # Exchange states milliseconds
        return MailServerAway(f"the IMAP server {self._where} is away: {_reason(error)}", wait)

    def _is_readable(self) -> bool:
        """Tell whether the socket has something to read although nothing was said: it is at its end."""
        poll = select.poll()
        poll.register(self._client.socket().fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def _note_alerts(self) -> None:
        """Keep what the server wants a person to read (RFC 3501, 7.1)."""
        said = self._client._imap.untagged_responses.pop("ALERT", [])
        self.alerts += [text.decode("utf-8", "replace") for text in said if isinstance(text, bytes)]


class _RefusedCommand(TemporaryFailure):
    """The server answered NO or BAD to one command."""


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationMistake(f"tls_ca_file {ca_file} cannot be used: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.partition("\n")[0][:200]


def _chunks(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (uids[start : start + UIDS_A_COMMAND] for start in range(0, len(uids), UIDS_A_COMMAND))


def _readable_part(structure: Any, most_parts: int = 200) -> TextPart | None:
    """Return the first text/plain part, else the first text/html one, looking into multiparts but not into messages."""
    html: TextPart | None = None
    waiting: list[tuple[str, Any]] = [("", structure)]
    for _ in range(most_parts):
        if not waiting:
            break
        number, part = waiting.pop(0)
        if part.is_multipart:
            inner = [(f"{number}.{place}".removeprefix("."), child) for place, child in enumerate(part[0], start=1)]
            waiting = inner + waiting
            continue
        found = _text_part(number or "1", part)
        if found and found.subtype == "plain":
            return found
        html = html or (found if found and found.subtype == "html" else None)
    return html


def _text_part(number: str, part: Any) -> TextPart | None:
    if _lower(part[0]) != "text" or (len(part) > 9 and _is_attachment(part[9])):
        return None
    parameters = part[2] or ()
    named = {_lower(parameters[place]): _lower(parameters[place + 1]) for place in range(0, len(parameters) - 1, 2)}
    return TextPart(number, _lower(part[1]), named.get("charset", ""), _lower(part[5]))


def _is_attachment(disposition: Any) -> bool:
    return isinstance(disposition, tuple) and bool(disposition) and _lower(disposition[0]) == "attachment"


def _lower(value: Any) -> str:
    return value.decode("ascii", "replace").lower() if isinstance(value, bytes) else ""
