"""How long after the server's notice of a message its acknowledgement is accepted: median and longest of so many, one at a time.

The daemon watches by IDLE; a second connection idles beside it and takes the time of the same notice.
"""

import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from imapclient import IMAPClient

from bench.contestants import MAILBOT, Incomplete
from tests.conftest import write_config
from tests.scenarios.outside import request
from tests.servers import LOOPBACK, PASSWORD, CapturingSmtp, Dovecot, Envelope

PATIENCE_SECONDS = 30.0


class Stamped(list[Envelope]):
    """Letters with the moment at which each was accepted."""

    def __init__(self) -> None:
        """Nothing was accepted yet."""
        super().__init__()
        self.moments: list[float] = []

    def append(self, envelope: Envelope) -> None:
        """Take a letter and the time."""
        self.moments.append(time.perf_counter())
        super().append(envelope)


def measure(times: int) -> tuple[float, float]:
    """Return the median and the longest time in milliseconds."""
    with Dovecot() as dovecot, CapturingSmtp() as smtp, tempfile.TemporaryDirectory() as folder:
        smtp.envelopes = accepted = Stamped()
        config = write_config(Path(folder), imap_port=dovecot.imap_port, smtp_port=smtp.port, staff={"digest_to": []})
        daemon = subprocess.Popen([MAILBOT, "run", "--config", config], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            dovecot.append("info", request("first"))
            _wait_for(accepted, 1)
            spent = [_one(dovecot, accepted, number) for number in range(times)]
        finally:
            daemon.terminate()
            daemon.wait()
    return median(spent), max(spent)


def _one(dovecot: Dovecot, accepted: Stamped, number: int) -> float:
    with IMAPClient(LOOPBACK, dovecot.imap_port, ssl=False) as observer:
        observer.login("info", PASSWORD)
        observer.select_folder("INBOX", readonly=True)
        observer.idle()
        dovecot.deliver("info", request(f"person{number}"))
        while not any(b"EXISTS" in line for line in observer.idle_check(timeout=PATIENCE_SECONDS)):
            pass
        noticed = time.perf_counter()
        observer.idle_done()
    _wait_for(accepted, number + 2)
    return 1000 * (accepted.moments[-1] - noticed)


def _wait_for(accepted: Stamped, count: int) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while len(accepted) < count:
        if time.monotonic() > give_up:
            raise Incomplete(f"letter {count} was not accepted within {PATIENCE_SECONDS} seconds")
        time.sleep(0.001)
