"""The watch over one inbox: a thread that holds its connection, goes rounds, and listens in its other folders.

What a round does is ``mailbot.rounds``, what is heard beside it ``mailbot.ears``. Here stands when: told by the server or by the
clock, and after a failure again, with growing pauses (H10-H14).
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from mailbot.config import Inbox, secret_of
from mailbot.desk import Desk
from mailbot.ears import Ears, NoSuchFolder
from mailbot.errors import ConfigurationMistake, Problem
from mailbot.imap import IDLE_SECONDS, Address, Mailbox
from mailbot.logs import log, where
from mailbot.patience import Patience, Pauses
from mailbot.rounds import Count, Round
from storage.database import StoreFailure
from storage.ledger import CursorMoved, cursor_of

LISTEN_EVERY_SECONDS = 300
"""How often the Sent and the spam folder are looked into."""

TIMEOUTS_A_BATCH = 10
"""A batch takes some commands, each of which may be silent for ``timeout_seconds``: after this many it hangs (H108)."""


@dataclass(slots=True)
class Watch:
    """One inbox under watch. Everything here but the constructor runs in the thread of the inbox."""

    desk: Desk
    inbox: Inbox
    stop: threading.Event
    committed: Callable[[], None]
    """Called after each batch that may have letters to send."""
    beat: Callable[[float, str], None]
    """Says within how many seconds this watch is heard of again, and what it does meanwhile."""
    pauses: Pauses
    watched: frozenset[str] = frozenset()
    """The folders of this address that have watches of their own."""
    problems: list[Problem] = field(default_factory=list)
    """What ``once`` met that did not keep it from its work."""
    counts: list[Count] = field(default_factory=list)
    """What the rounds of ``once`` found."""
    has_gone_round: bool = False
    """Whether everything in the inbox was seen since the start."""
    away: str = ""
    """Why the inbox is not read; "" while it is."""
    _alerts: list[str] = field(default_factory=list)
    """What the server wanted a person to read, each once, on whatever connection."""
    _told: int = 0
    """How many of them are told."""
    address: Address = field(init=False)

    def __post_init__(self) -> None:
        """Read the password; raises ``ConfigurationMistake``."""
        self.address = address_of(self.inbox, secret_of(self.inbox))

    def once(self) -> tuple[Round, Mailbox]:
        """Go one round and listen once; return both for what is filed away when letters are accepted."""
        mailbox = self._connect()
        try:
            ears = self._ears(mailbox)
            round_ = self._round(mailbox)
            round_.go(self.stop)
            self.counts += [round_.count, ears.listen(self.stop, self._batch_done)]
            self.problems += ears.deaf.values()
        except BaseException:
            mailbox.abandon()
            raise
        return round_, mailbox

    def keep(self) -> None:
        """Go rounds until the end; raise a mistake of the configuration that was never otherwise."""
        patience = Patience(self.pauses)
        while not self.stop.is_set():
            try:
                self._stay_connected(patience)
            except (Problem, StoreFailure, CursorMoved) as problem:
                if isinstance(problem, NoSuchFolder) or (isinstance(problem, ConfigurationMistake) and not self._has_worked()):
                    raise
                pause = patience.after(problem, self._longest_pause())
                log.warning("inbox_away", inbox_host=self.inbox.host, reason=str(problem), pause_seconds=round(pause))
                self._stay_away(pause, str(problem))
            except Exception as error:  # noqa: BLE001 - our bug, or a server's answer that nobody thought of: the other inboxes are read
                pause = patience.after(error)
                log.error("inbox_failed", inbox_host=self.inbox.host, pause_seconds=round(pause), **where(error))
                self._stay_away(pause, "by a fault of mailbot itself")

    def _longest_pause(self) -> float:
        """Where mail can be read and only waiting for it fails, stay away no longer than from a server that does not tell of it."""
        return self.inbox.poll_seconds if self.has_gone_round and not self.away else math.inf

    def _stay_away(self, seconds: float, reason: str) -> None:
        self.away = reason
        self.beat(seconds, f"away, {reason}")
        self.stop.wait(seconds)

    def _stay_connected(self, patience: Patience) -> None:
        """Hold one connection: a full round first, then another whenever the server tells of mail or the clock says so."""
        self._beat_busy("connects")
        mailbox = self._connect()
        try:
            idles, ears, listened = mailbox.can_idle(), self._ears(mailbox), None
            while not self.stop.is_set():
                count = self._round(mailbox).go(self.stop)
                self.has_gone_round, self.away = True, ""
                _tell(count)
                if listened is None or monotonic() - listened >= LISTEN_EVERY_SECONDS:
                    _tell(ears.listen(self.stop, self._batch_done))
                    listened = monotonic()
                if not mailbox.has_more():
                    self._wait(mailbox, idles=idles)
                    mailbox.examine()
                    patience.went_well()
            mailbox.log_out()
        except BaseException:
            mailbox.abandon()
            raise

    def _ears(self, mailbox: Mailbox) -> Ears:
        return Ears(self.desk, self.inbox, mailbox, self.watched)

    def _connect(self) -> Mailbox:
        """Open a connection; what the configuration asks of the server is checked before anything is taken in."""
        self.address = address_of(self.inbox, secret_of(self.inbox))  # read anew: it may have been changed after a refused login
        try:
            mailbox = Mailbox(self.address, self._alerts)
        finally:
            self._tell_alerts()
        try:
            mailbox.check_filing(self.inbox.filing, self.inbox.filing_name)
        except BaseException:
            mailbox.abandon()
            raise
        return mailbox

    def _round(self, mailbox: Mailbox) -> Round:
        """Prepare a round."""
        self._tell_alerts()
        self._beat_busy("reads")
        return Round(self.desk, self.inbox, mailbox, self._batch_done)

    def _tell_alerts(self) -> None:
        """Tell what the server wants a person to read: once, unchanged (H16)."""
        for alert in self._alerts[self._told :]:
            log.warning("server_alert", server=self.inbox.host, text=alert)
        self._told = len(self._alerts)

    def _batch_done(self, found: Count) -> None:
        self._beat_busy("reads")
        if found.requests or found.held:
            self.committed()

    def _wait(self, mailbox: Mailbox, *, idles: bool) -> None:
        """Wait for news, for the clock, or for the end."""
        seconds = self.inbox.poll_seconds
        self.beat(min(seconds, IDLE_SECONDS) if idles else seconds, "waits for mail")
        if idles:
            mailbox.idle(seconds, self.stop)
        else:
            self.stop.wait(seconds)
        self._beat_busy("reads")

    def _beat_busy(self, doing: str) -> None:
        self.beat(TIMEOUTS_A_BATCH * self.inbox.timeout_seconds, doing)

    def _has_worked(self) -> bool:
        """Tell whether this inbox was read before, so that a refusal now is the server's change and not a first mistake."""
        if self.has_gone_round:
            return True
        with self.desk.database.read() as tx:
            return cursor_of(tx, self.inbox.address, self.inbox.folder) is not None


def _tell(count: Count) -> None:
    if count.messages:
        log.info("round_done", messages=count.messages, requests=count.requests, held=count.held, shunted=count.shunted)


def address_of(inbox: Inbox, password: str) -> Address:
    """Return where an inbox is and as whom to enter."""
    ca_file = str(inbox.tls_ca_file) if inbox.tls_ca_file else None
    return Address(inbox.host, inbox.port, inbox.tls, ca_file, inbox.user, password, inbox.folder, inbox.timeout_seconds)
