"""Dovecot: a real IMAP and LMTP server, and what a test wants to do to a mailbox or know of it."""

import grp
import hashlib
import os
import pwd
import shutil
import smtplib
import subprocess
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Any, NamedTuple, Self

from imapclient import IMAPClient

from tests.servers.programs import (
    IS_ROOT,
    LOOPBACK,
    START_SECONDS,
    find_program,
    free_ports,
    private_directory,
    program,
    start_program,
    stop_program,
)

PASSWORD = "pw"
CONFIGURATION = Path(__file__).with_name("dovecot.conf")


class Layout(StrEnum):
    """How Dovecot keeps mail on disk."""

    SDBOX = "sdbox"
    MAILDIR = "maildir"


class Stored(NamedTuple):
    """What a snapshot keeps of a message: all that must not change in ordinary mail."""

    flags: frozenset[str]
    sha256: str
    internal_date: datetime


class Dovecot:
    """An IMAP and LMTP server. Any user logs in with ``password``; a mailbox exists from its first use."""

    def __init__(self, layout: Layout = Layout.SDBOX) -> None:
        self._directory = private_directory("dovecot")
        self._home = Path(self._directory.name)
        self._layout = layout
        self.password = PASSWORD
        self._process: subprocess.Popen[bytes] | None = None
        self.imap_port, self.imaps_port, self.lmtp_port = free_ports(3)
        self.ca_file = make_certificates(self._home)
        self._configuration = self._write_configuration()

    @classmethod
    def missing(cls) -> str | None:
        """Name the Debian packages that have to be installed first."""
        lmtp = any(Path(folder, "dovecot/lmtp").exists() for folder in ("/usr/lib", "/usr/libexec"))
        needs = {"dovecot-imapd": find_program("dovecot"), "dovecot-lmtpd": lmtp, "openssl": find_program("openssl")}
        return " ".join(package for package, found in needs.items() if not found) or None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        self._directory.cleanup()

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        self._process = start_program([program("dovecot"), "-F", "-c", self._configuration], self.imap_port, self._home / "dovecot.log")

    def stop(self) -> None:
        """Stop the server; clients that are connected see the connection end."""
        if self._process:
            stop_program(self._process)
            self._process = None

    def restart(self) -> None:
        """Stop and start, on the same ports, with the same mail."""
        self.stop()
        self.start()

    def change_password(self, password: str) -> None:
        """Let everybody in with another password only; clients that are connected see the connection end."""
        self.password = password
        self._write_configuration()
        self.restart()

    def session(self, user: str) -> IMAPClient:
        """Log in over plain IMAP; as a context manager the client logs out at the end."""
        client = IMAPClient(LOOPBACK, port=self.imap_port, ssl=False, timeout=START_SECONDS)
        client.normalise_times = False
        client.login(user, self.password)
        return client

    def append(self, user: str, raw: bytes, folder: str = "INBOX", flags: Sequence[str] = (), internal_date: datetime | None = None) -> int:
        """Put a message into a folder as it is and return its UID."""
        with self.session(user) as imap:
            reply: bytes = imap.append(folder, raw, flags, internal_date)
        return int(reply.partition(b"]")[0].split()[-1])  # [APPENDUID uidvalidity uid], RFC 4315 section 3

    def deliver(self, user: str, raw: bytes, sender: str = "sender@example.com") -> None:
        """Hand a message over by LMTP, as the operator's mail server would; the sender "" is the null reverse-path."""
        with smtplib.LMTP(LOOPBACK, self.lmtp_port) as lmtp:
            lmtp.sendmail(sender, [user], raw)

    def snapshot(self, user: str, folder: str = "INBOX") -> dict[int, Stored]:
        """Return by UID what a folder holds, without changing any of it."""
        with self.session(user) as imap:
            imap.select_folder(folder, readonly=True)
            fetched = imap.fetch(imap.search("ALL"), ["FLAGS", "INTERNALDATE", "BODY.PEEK[]"])
        return {uid: stored(parts) for uid, parts in fetched.items()}

    def create_folder(self, user: str, folder: str) -> None:
        """Make a new, empty folder."""
        with self.session(user) as imap:
            imap.create_folder(folder)

    def uidvalidity(self, user: str, folder: str = "INBOX") -> int:
        """Return the folder's present UIDVALIDITY."""
        with self.session(user) as imap:
            return int(imap.folder_status(folder, "UIDVALIDITY")[b"UIDVALIDITY"])

    def reset_uidvalidity(self, user: str, folder: str = "INBOX") -> None:
        """Give the folder another UIDVALIDITY, as a rebuilt index does; the messages stay (H3)."""
        wanted = str(self.uidvalidity(user, folder) + 1)
        update = ["mailbox", "update", "-u", user, "--uid-validity", wanted, folder]
        subprocess.run([program("doveadm"), "-c", self._configuration, *update], check=True, capture_output=True)

    def _write_configuration(self) -> Path:
        mail, configuration = self._home / "mail", self._home / "dovecot.conf"
        mail.mkdir(exist_ok=True)
        owner, group = ("mail", "mail") if IS_ROOT else (pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name)
        if IS_ROOT:
            shutil.chown(mail, owner, group)
        text = Template(CONFIGURATION.read_text()).substitute(
            home=self._home,
            owner=owner,
            group=group,
            login_owner="nobody" if IS_ROOT else owner,
            layout=self._layout,
            password=self.password,
            imap_port=self.imap_port,
            imaps_port=self.imaps_port,
            lmtp_port=self.lmtp_port,
        )
        configuration.write_text(text)
        return configuration


def stored(parts: dict[bytes, Any]) -> Stored:
    r"""Read one FETCH reply. ``\Recent`` is left out: it tells of the session, not of the message (RFC 3501 section 2.3.2)."""
    flags = frozenset(flag.decode() for flag in parts[b"FLAGS"]) - {"\\Recent"}
    return Stored(flags, hashlib.sha256(parts[b"BODY[]"]).hexdigest(), parts[b"INTERNALDATE"])


def make_certificates(home: Path) -> Path:
    """Make a certificate authority and with it ``server.pem`` for localhost; return the authority's certificate."""
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]
    authority = ["-subj", "/CN=mailbot tests", "-addext", "keyUsage=critical,keyCertSign", "-keyout", "ca.key", "-out", "ca.pem"]
    names = ["-subj", "/CN=localhost", "-addext", f"subjectAltName=DNS:localhost,IP:{LOOPBACK}"]
    server = [
        *names,
        "-addext",
        "basicConstraints=CA:FALSE",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-keyout",
        "server.key",
        "-out",
        "server.pem",
    ]
    for wanted in (authority, server):
        subprocess.run([program("openssl"), "req", "-x509", *new_key, *wanted], cwd=home, check=True, capture_output=True)
    return home / "ca.pem"
