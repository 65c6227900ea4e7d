"""Real servers for tests, private ones on loopback, each a held resource with a directory and ports of its own.

So any number run side by side. When a test gets one, and when it is skipped, is left to ``conftest.py``.
``python -m tests.servers`` prints the Debian packages that are missing, one a line.
"""

from tests.servers.dovecot import PASSWORD, Dovecot, Layout, Stored
from tests.servers.postfix import Postfix
from tests.servers.postgresql import Postgresql
from tests.servers.programs import LOOPBACK, find_program
from tests.servers.smtp import CapturingSmtp, Drop, Envelope, SmtpSink

__all__ = [
    "LOOPBACK",
    "PASSWORD",
    "CapturingSmtp",
    "Dovecot",
    "Drop",
    "Envelope",
    "Layout",
    "Postfix",
    "Postgresql",
    "SmtpSink",
    "Stored",
    "missing_packages",
    "missing_systemd",
]


def missing_packages() -> list[str]:
    """Name the Debian packages that the tests still need."""
    missing = [server.missing() for server in (Dovecot, SmtpSink, Postgresql)]
    return " ".join(filter(None, (*missing, missing_systemd()))).split()


def missing_systemd() -> str | None:
    """Name the Debian package of the programs that read systemd's files; nothing of it has to run."""
    return None if find_program("systemd-analyze") else "systemd"
