"""One connection to one IMAP mailbox. Only this file knows imapclient; it blocks, so it lives in a thread of its own.

Every call has a timeout. The library's errors become three kinds: the server is away or busy (try again, perhaps at a stated
time), the login is refused (a person must look), and the configuration asks for what the server does not have.
"""

import logging
import re
import select
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from secrets import randbits
from threading import Event
from time import monotonic
from typing import Any

from imapclient import DELETED, IMAPClient, exceptions

from mailbot.answers import (
    SERVERBUG,
    Envelope,
    Reader,
    Structure,
    alert_in,
    envelope_of,
    is_busy,
    keeps,
    read_answer,
    read_bodies,
    read_heads,
    read_structure,
    read_structures,
    stated_wait,
)
from mailbot.errors import ConfigurationMistake, Problem, TemporaryFailure

HEADER_CAP = 131_072
"""Bytes of a header that are read; a longer one is a bomb and is known by its first part."""
LONGEST_LINE_OF_UIDS = 50_000
"""UIDs in one answer to SEARCH: the standard library refuses lines of a million bytes."""
UIDS_A_COMMAND = 500
HEADS = ["INTERNALDATE", "RFC822.SIZE", f"BODY.PEEK[HEADER]<0.{HEADER_CAP}>"]
IDLE_SECONDS = 540
"""IDLE is renewed within nine minutes: a NAT forgets a silent connection after ten or more (RFC 2177)."""


NO_TLS_THERE = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNEXPECTED_EOF_WHILE_READING"})
"""What OpenSSL says of a server that greets in plain text, or hangs up at our hello."""


UNREADABLE = (ValueError, LookupError, AttributeError, TypeError, RecursionError)
"""What the library raises of an answer that is none: it takes the server at its word."""


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
    password: str = field(repr=False)
    folder: str
    timeout_seconds: float


class Mailbox:
    """An open connection that reads a folder without changing it (EXAMINE), and enters to write only to file away."""

    def __init__(self, address: Address, alerts: list[str] | None = None) -> None:
        """Connect, log in and open the folder for reading. ``alerts`` takes what a person must read, of a refused login too (H16)."""
        self._address = address
        self._where = f"{address.host}:{address.port}"
        self._folder = address.folder
        self._own_numbering = -1 - randbits(62)
        self._listed = 0
        self._asked: tuple[str, bytes] | None = None  # what was asked ahead, and the tag of its answer
        self._heard: tuple[str, list[Any]] | None = None  # its answer, until that is wanted
        self.alerts: list[str] = [] if alerts is None else alerts
        self._client = self._connected()
        try:
            self._secure()
            self._log_in()
            self.examine()
        except BaseException:
            self.abandon()
            raise

    def examine(self) -> None:
        """Open the folder for reading: nothing can be changed by it, not even ``\\Recent``.

        A server that gives no UIDVALIDITY promises nothing beyond this connection: its folder counts as renumbered each time (H3).
        """
        found = self._said(lambda: self._client.select_folder(self._folder, readonly=True))
        self._heard = None
        self.uidvalidity = int(found.get(b"UIDVALIDITY", 0)) or self._own_numbering
        self.uid_next = int(found.get(b"UIDNEXT", 0))
        self.exists = int(found.get(b"EXISTS", 0))

    @contextmanager
    def elsewhere(self, folder: str) -> Iterator[None]:
        """Read another folder for a while, only to read: nothing is filed away from there."""
        self._folder, listed = folder, self._listed
        try:
            self.examine()
            yield
        finally:
            self._folder, self._listed = self._address.folder, listed
            self.examine()

    def newest(self, count: int) -> list[int]:
        """Return the UIDs of the newest messages, ascending."""
        return sorted(self._search(f"{max(1, self.exists - count + 1)}:{self.exists}")) if self.exists else []

    def has_more(self) -> bool:
        """Ask again; tell whether anything came since ``uids_above``, whose notice may have been lost among other answers (H12)."""
        self.examine()
        return self._listed != (self.uid_next or self.exists)

    def uids_above(self, uid: int) -> list[int]:
        """Return the UIDs above ``uid``, ascending. The cost does not depend on the size of the mailbox."""
        self._listed = self.uid_next or self.exists
        if self.uid_next and self.uid_next <= uid + 1:
            return []
        if self.exists <= LONGEST_LINE_OF_UIDS or 0 < self.uid_next - uid <= LONGEST_LINE_OF_UIDS:
            found = self._search(f"UID {uid + 1}:*")
        else:
            ends = range(self.exists, 0, -LONGEST_LINE_OF_UIDS)
            found = [number for last in ends for number in self._search(f"{max(1, last - LONGEST_LINE_OF_UIDS + 1)}:{last}")]
        return sorted({number for number in found if number > uid})  # n:* names the last message even below n

    def uids_since(self, day: date) -> Iterator[int]:
        """Yield, ascending, the UIDs of what the server received on ``day`` or later, by its own reckoning of days."""
        for first in range(1, self.exists + 1, LONGEST_LINE_OF_UIDS):
            last = min(first + LONGEST_LINE_OF_UIDS - 1, self.exists)
            yield from sorted(self._search([f"{first}:{last}", "SINCE", day]))

    def existing(self, uids: Sequence[int]) -> set[int]:
        """Return which of the messages still lie in the folder; what else the server names was not asked for (H6)."""
        return set(uids) & {uid for chunk in _chunks(uids) for uid in self._search(f"UID {','.join(map(str, chunk))}")}

    def ask_ahead(self, uids: Sequence[int]) -> None:
        """Ask for the heads that are wanted next, so that the server finds them while we do other work; they are not read before."""
        self._heard = None
        command = _fetch_command(uids[:UIDS_A_COMMAND], HEADS)
        with suppress(MailServerAway):  # what was read is not lost for that; the next command tells
            self._asked = command, self._said(lambda: self._ask(command))

    def envelopes(self, uids: Sequence[int]) -> dict[int, Envelope]:
        """Return head, size and time of receipt of each message that the server delivers."""
        fetched = self._fetch(uids, HEADS, read_heads)
        found = {uid: envelope_of(uid, parts) for uid, parts in fetched.items()}
        return {uid: envelope for uid, envelope in found.items() if envelope is not None}

    def wholes(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Return messages whole, without marking them read."""
        bodies = {uid: parts.get(b"BODY[]") for uid, parts in self._fetch(uids, ["BODY.PEEK[]"], read_bodies).items()}
        return {uid: body for uid, body in bodies.items() if isinstance(body, bytes)}

    def structures(self, uids: Sequence[int]) -> dict[int, Structure]:
        """Return of each message which part a person would read first, and what is attached."""
        found = self._fetch(uids, ["BODYSTRUCTURE"], read_structures)
        return {uid: read_structure(parts[b"BODYSTRUCTURE"]) for uid, parts in found.items() if b"BODYSTRUCTURE" in parts}

    def texts(self, uids: Sequence[int], number: str, most: int) -> dict[int, bytes]:
        """Return the first ``most`` bytes of one part of each message, as they are encoded."""
        fetched = self._fetch(uids, [f"BODY.PEEK[{number}]<0.{most}>"], read_bodies)
        name = f"BODY[{number}]".encode()
        bodies = {uid: parts.get(name + b"<0>", parts.get(name)) for uid, parts in fetched.items()}
        return {uid: body for uid, body in bodies.items() if isinstance(body, bytes)}

    def check_filing(self, filing: str, name: str) -> None:
        """See that the server can file as configured; raise ``ConfigurationMistake`` if it cannot."""
        if filing == "leave":
            return
        if filing == "folder" and name == self._address.folder:
            raise ConfigurationMistake(
                f"inbox.filing_name: {name} is the folder that is read; name another, or mail would come back for ever"
            )
        if filing == "folder" and not self._said(lambda: self._client.folder_exists(name)):
            raise ConfigurationMistake(f"inbox.filing_name: there is no folder {name} on {self._where}; make it, or name another")
        kept = self._enter()
        self.examine()
        if not kept:
            raise ConfigurationMistake(f'inbox.filing: {self._where} lets nobody change the folder {self._address.folder}; use "leave"')
        if filing == "keyword" and not keeps(kept, name):
            raise ConfigurationMistake(f'inbox.filing_name: {self._where} keeps no keyword {name}; use filing = "leave" or "folder"')
        if filing == "folder" and not (self._client.has_capability("MOVE") or self._client.has_capability("UIDPLUS")):
            raise ConfigurationMistake(f'inbox.filing: {self._where} can neither MOVE nor UID EXPUNGE; use "leave" or "keyword"')

    def mark(self, uids: Sequence[int], flag: str) -> None:
        """Set a flag or keyword, if the server keeps it; messages that are gone are passed over by the server."""
        if keeps(self._enter(), flag):
            for chunk in _chunks(uids):
                self._said(lambda chunk=chunk: self._client.add_flags(chunk, [flag.encode()], silent=True))
        self.examine()

    def move(self, uids: Sequence[int], folder: str) -> None:
        """Move messages with MOVE, else by COPY and UID EXPUNGE of just these: never a bare EXPUNGE (H19)."""
        self._enter()
        for chunk in _chunks(uids):
            if self._client.has_capability("MOVE"):
                self._said(lambda chunk=chunk: self._client.move(chunk, folder))
                continue
            there = sorted(self.existing(chunk))  # a server may refuse to copy what is gone
            if there:
                self._said(lambda there=there: self._client.copy(there, folder))
                self._said(lambda there=there: self._client.add_flags(there, [DELETED], silent=True))
                self._said(lambda there=there: self._client.uid_expunge(there))
        self.examine()

    def can_idle(self) -> bool:
        """Tell whether the server tells us of new mail by itself."""
        return bool(self._said(lambda: self._client.has_capability("IDLE")))

    def idle(self, seconds: float, stop: Event) -> None:
        """Wait until the server tells of a change, the time is up or ``stop`` is set. An end of the connection is a failure (H11)."""
        self._said(self._client.idle)
        ends = monotonic() + min(seconds, IDLE_SECONDS)
        while not stop.is_set() and (left := ends - monotonic()) > 0:
            told = self._told(min(left, 1.0))
            self._note_alerts(told)
            if any(line.upper().startswith(b"* BYE") for line in told):
                raise MailServerAway(f"the IMAP server {self._where} ended the connection")
            if any(line.upper().endswith(b" EXISTS") for line in told):
                break
        self._said(self._client.idle_done)

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
        context = _tls_context(where.tls_ca_file) if where.tls == "implicit" else None
        library = logging.getLogger("imapclient")  # its warnings quote the server, which may quote a person (I6)
        library.propagate, library.handlers = False, [logging.NullHandler()]
        try:
            client = IMAPClient(where.host, where.port, ssl=where.tls == "implicit", ssl_context=context, timeout=where.timeout_seconds)
        except ssl.SSLCertVerificationError as error:
            raise self._untrusted(error) from error
        except (exceptions.IMAPClientError, OSError, EOFError) as error:
            raise MailServerAway(
                f"the IMAP server {self._where} cannot be reached: {_reason(error)}; check inbox.host, port and tls"
            ) from error
        client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # SEARCH goes out in two writes: its end would wait 40 ms
        client.normalise_times = False
        client._imap.debug = 0  # the library has every answer spelt out for a log that nobody keeps, at half the cost of fetching it
        return client

    def _secure(self) -> None:
        """Turn the connection to TLS before anything is said, where it does not begin with it (I11)."""
        if self._address.tls != "starttls":
            return
        try:
            if not self._client.has_capability("STARTTLS"):
                raise UntrustedServer(f"{self._where} offers no STARTTLS; nothing was said to it. Check inbox.tls and inbox.port")
            self._client.starttls(_tls_context(self._address.tls_ca_file))
        except ssl.SSLCertVerificationError as error:
            raise self._untrusted(error) from error
        except (exceptions.IMAPClientError, OSError, EOFError) as error:
            raise self._away(error) from error

    def _untrusted(self, error: ssl.SSLCertVerificationError) -> UntrustedServer:
        return UntrustedServer(
            f"{self._where} shows a certificate that is not valid: {error.verify_message}; nothing was said to it. "
            "If it is your own authority's, name that in inbox.tls_ca_file"
        )

    def _log_in(self) -> None:
        user, password = self._address.user, self._address.password
        try:
            if f"{user}{password}".isascii():
                said = self._client.login(user, password)
            else:  # LOGIN takes ASCII alone, AUTHENTICATE takes UTF-8 (RFC 4616, 2)
                said = self._client.sasl_login("PLAIN", lambda _: f"\0{user}\0{password}".encode())
            trusted = [said] if self._address.tls == "starttls" else [self._client.welcome, said]  # anybody may greet before TLS (H95)
            self._note_alerts(trusted)
        except exceptions.LoginError as error:
            self._note_alerts([_words_of(error.__context__ or error)])
            lost = isinstance(error.__context__, exceptions.IMAPClientAbortError)  # the library calls an end of connection a refusal
            if lost or is_busy(str(error)) or SERVERBUG in str(error):
                raise self._away(error) from error
            raise LoginRefused(f"{self._where} refuses the login: check inbox.user and the password file") from error
        except (exceptions.IMAPClientError, OSError) as error:
            raise self._away(error) from error

    def _enter(self) -> tuple[bytes, ...]:
        """Open the folder for writing; return the flags that the server keeps."""
        if self._folder != self._address.folder:
            raise RuntimeError("another folder than the inbox is only read")
        try:
            found = self._said(lambda: self._client.select_folder(self._address.folder))
        except _ReadOnly:
            return ()
        if int(found.get(b"UIDVALIDITY", 0)) not in (0, self.uidvalidity):
            raise MailServerAway(f"{self._where} renumbered the folder meanwhile")  # our UIDs may name other messages now
        kept = found.get(b"PERMANENTFLAGS", (*found.get(b"FLAGS", ()), b"\\*"))  # without the list, all are kept (RFC 3501, 6.3.1)
        return tuple(flag.lower() for flag in kept)

    def _search(self, criteria: str | list[str | date]) -> list[int]:
        return [int(uid) for uid in self._said(lambda: self._client.search(criteria))]

    def _fetch(self, uids: Sequence[int], items: list[str], read: Reader = read_answer) -> dict[int, Mapping[bytes, Any]]:
        """Fetch by explicit UIDs, never ranges, and keep what was asked for.

        Where the server refuses a whole set, ask one by one, so that one message spoils no other (H7).
        """
        fetched: dict[int, Mapping[bytes, Any]] = {}
        for chunk in _chunks(uids):
            try:
                command = _fetch_command(chunk, items)
                fetched.update(read(self._said(lambda command=command: self._answer(command))))
            except (RefusedCommand, Unreadable, exceptions.ProtocolError, *UNREADABLE):  # all but the first: H54
                if len(chunk) > 1:
                    for uid in chunk:
                        fetched.update(self._fetch([uid], items, read))
        return {uid: fetched[uid] for uid in uids if uid in fetched}

    def _answer(self, command: str) -> list[Any]:
        """Return the answer to UID FETCH in pieces, as ``IMAPClient.fetch`` has it before it reads all of it letter by letter."""
        if self._heard is None or self._heard[0] != command:
            return self._hear(self._ask(command))
        pieces, self._heard = self._heard[1], None
        return pieces

    def _ask(self, command: str) -> bytes:
        tag: bytes = self._client._imap._command("UID", "FETCH", command)
        return tag

    def _hear(self, tag: bytes) -> list[Any]:
        imap = self._client._imap
        kind, said = imap._command_complete("FETCH", tag)
        self._client._checkok("fetch", kind, said)
        pieces: list[Any] = imap._untagged_response(kind, said, "FETCH")[1]
        return pieces

    def _hear_out(self) -> None:
        """Read the answer to what was asked ahead: before anything else is said, lest two answers mix. A bad one is asked for again."""
        if self._asked is not None:
            (command, tag), self._asked = self._asked, None
            with suppress(RefusedCommand, Unreadable):
                self._heard = command, self._said(lambda: self._hear(tag))

    def _told(self, seconds: float) -> list[bytes]:
        """Return the lines that the server says within some seconds of IDLE.

        The library's own ``idle_check`` overlooks a line that came together with an earlier one, and takes an end for silence.
        """
        if not self._has_line() and self._is_readable(seconds) and not self._has_line() and self._is_readable(0):
            raise MailServerAway(f"the IMAP server {self._where} ended the connection without a word")
        told: list[bytes] = []
        while self._has_line():
            told.append(self._said(self._client._imap._get_line))
        return told

    def ask(self, command: Callable[[IMAPClient], Any]) -> Any:
        """Run one command of the library's on the open connection and sort its failure; ``mailbot.folders`` asks so."""
        return self._said(lambda: command(self._client))

    def _said(self, command: Any) -> Any:
        """Run one command and sort its failure."""
        self._hear_out()
        try:
            answer = command()
        except exceptions.IMAPClientReadOnlyError as error:
            raise _ReadOnly(f"{self._where} lets nobody change the folder") from error
        except exceptions.IMAPClientAbortError as error:
            self._note_alerts([_words_of(error)])
            raise self._away(error) from error
        except exceptions.IMAPClientError as error:
            self._note_alerts([_words_of(error)])
            text = str(error)
            if is_busy(text) or (text.startswith("select failed") and SERVERBUG in text):
                raise self._away(error) from error
            if text.startswith("select failed"):
                key = "inbox.folder" if self._folder == self._address.folder else "inbox.sent_folder or spam_folder"
                raise ConfigurationMistake(f"{key}: {self._where} has no folder {self._folder}; make it there, or name another") from error
            raise RefusedCommand(f"{self._where} refuses a command: {_reason(error)}") from error
        except (OSError, EOFError) as error:
            raise self._away(error) from error
        except UNREADABLE as error:
            raise Unreadable(f"the IMAP server {self._where} says what cannot be read ({type(error).__name__})") from error
        self._note_alerts()
        return answer

    def _away(self, error: BaseException) -> MailServerAway:
        return MailServerAway(f"the IMAP server {self._where} is away: {_reason(error)}", stated_wait(str(error)))

    def _has_line(self) -> bool:
        """Tell whether something of a line lies here already: in the library's buffer, under TLS, or in the socket."""
        connection = self._client.socket()
        connection.settimeout(0)
        try:
            return bool(self._client._imap.file.peek(1))
        except ssl.SSLWantReadError:
            return False
        except OSError as error:
            raise self._away(error) from error
        finally:
            connection.settimeout(self._address.timeout_seconds)

    def _is_readable(self, seconds: float) -> bool:
        """Wait for the socket to have something to read: if there is no line then, it is at its end."""
        poll = select.poll()
        poll.register(self._client.socket().fileno(), select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def _note_alerts(self, said: Iterable[Any] = ()) -> None:
        """Keep, once, what the server wants a person to read, in what was ``said`` and in untagged responses (RFC 3501, 7.1)."""
        untagged = self._client._imap.untagged_responses
        for text in (*said, *(text for kind in ("OK", "NO", "BYE") for text in untagged.get(kind, ()))):
            alert = alert_in(text)
            if alert and alert not in self.alerts:
                self.alerts.append(alert)


class Unreadable(MailServerAway):
    """The server answered, and not as RFC 3501 wants it: a folder's name or a number that is none."""


class RefusedCommand(TemporaryFailure):
    """The server answered NO or BAD to one command."""


class _ReadOnly(TemporaryFailure):
    """The folder can be read and not changed."""


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationMistake(f"tls_ca_file {ca_file} cannot be used: {_reason(error)}") from error


_CODES = re.compile(r"\[[A-Z-]{3,20}\]")
_PLAIN_REASONS = re.compile(
    r"timed out|EOF|connection refused|WRONG_VERSION_NUMBER|too many (?:simultaneous )?connections|throttled", re.IGNORECASE
)


def _reason(error: BaseException) -> str:
    """Return why, without the server's own words: they may quote a message (I6). Its codes stay (RFC 5530)."""
    if isinstance(error, ssl.SSLError) and error.reason in NO_TLS_THERE:
        return "no TLS is spoken there"
    if said := getattr(error, "strerror", None):
        return str(said)
    codes = " ".join(_CODES.findall(str(error)))
    plain = _PLAIN_REASONS.search(str(error))
    return codes or (plain[0] if plain else type(error).__name__)


def _words_of(error: BaseException) -> bytes:
    """Return what the server said, which the library has in bytes or spelt out anew."""
    said = error.args[0] if error.args else b""
    return said if isinstance(said, bytes) else str(said).encode()


def _fetch_command(uids: Sequence[int], items: list[str]) -> str:
    return f"{','.join(map(str, uids))} ({' '.join(items)})"


def _chunks(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (uids[start : start + UIDS_A_COMMAND] for start in range(0, len(uids), UIDS_A_COMMAND))
