"""Postfix: a real mail server that takes every letter and throws it away; what it took stands in its log."""

import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.programs import IS_ROOT, LOOPBACK, START_SECONDS, find_program, free_ports, private_directory, program, start_program

MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/spool
data_directory = {home}/data
maillog_file = {home}/postfix.log
maillog_file_prefixes = {home}
myhostname = mail.example
mydestination =
inet_interfaces = {loopback}
inet_protocols = ipv4
mynetworks = {loopback}
default_transport = discard:
relay_transport = discard:
local_transport = discard:
alias_maps =
alias_database =
smtpd_client_connection_count_limit = 0
in_flow_delay = 0
"""

MASTER = """\
{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
discard unix - - n - - discard
postlog unix-dgram n - n - 1 postlogd
"""

THROWN_AWAY = re.compile(r"postfix/discard\[\d+\]: (\w+): to=<([^>]*)>,.* status=sent")


class Postfix:
    """A private Postfix on loopback; only root can run one."""

    def __init__(self) -> None:
        self._directory = private_directory("postfix")
        self._home = Path(self._directory.name)
        (self.port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def missing(cls) -> str | None:
        """Name what has to be there first: a Debian package, or root's rights."""
        if not IS_ROOT:
            return "root's rights, which postfix asks for"
        return None if find_program("postfix") else "postfix"

    def __enter__(self) -> Self:
        for folder in ("etc", "data", "spool"):
            (self._home / folder).mkdir()
        shutil.chown(self._home / "data", "postfix")
        places = {"home": self._home, "loopback": LOOPBACK, "port": self.port}
        (self._home / "etc/main.cf").write_text(MAIN.format(**places))
        (self._home / "etc/master.cf").write_text(MASTER.format(**places))
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        self._directory.cleanup()

    def start(self) -> None:
        """Start the server and wait until it greets."""
        command = [program("postfix"), "-c", str(self._home / "etc"), "start-fg"]
        self._process = start_program(command, self.port, self._home / "start.log")

    def stop(self) -> None:
        """Stop the server; what it accepted and did not throw away yet stays in its queue."""
        if self._process:
            master = int((self._home / "spool/pid/master.pid").read_text())
            os.killpg(master, signal.SIGTERM)  # it leads a group of its own, whatever group we start it in
            self._process.wait(START_SECONDS)
            self._process = None

    def taken(self) -> Counter[str]:
        """Return how many letters came for whom. A letter is in the log soon after it was accepted, once under its queue's number."""
        log = self._home / "postfix.log"
        return Counter(address for _, address in set(THROWN_AWAY.findall(log.read_text()))) if log.exists() else Counter()
