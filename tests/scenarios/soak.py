"""A daemon under load that is killed at random, at a relay that goes away now and then: in the end the accounts balance (H24, H31).

``python -m tests.scenarios.soak MINUTES [ENGINE [SEED]]``: requests, ordinary mail, machines' mail, digests and what staff answer to them.
It prints a line a minute and the totals, and ends with status 1 where anything was lost or doubled.
"""

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from sqlalchemy import func, select, update

from storage.database import open_database
from storage.outbox import LetterState
from storage.tables import LETTER_WAITS, ledger, letters, order_lines, requests
from tests.scenarios.asking import read
from tests.scenarios.crash_accounts import balance
from tests.scenarios.crash_world import Forge, Servers, World, a_world
from tests.scenarios.mail_programs import INBOX, READER
from tests.scenarios.mail_programs import message as staff_message
from tests.scenarios.outside import ROOT, message, ordinary, request, start_program
from tests.servers import CapturingSmtp, Dovecot, Postgresql

SUBJECTS = ("Opt-out of Notifications", "Отказ от уведомлений", "Отзыв согласия на обработку персональных данных", "Personal Data Update")
LIVES_SECONDS, RELAY_STAYS_SECONDS, RELAY_AWAY_SECONDS, DIGEST_SECONDS = (0.5, 15.0), (10.0, 40.0), (0.2, 5.0), (40.0, 60.0)
MAIL_A_SECOND = 2.0
CALM_SECONDS = 300
"""How long what was begun may take once nobody dies any more."""


@dataclass
class Soak:
    """The world, what was sent into it, and what was done to it."""

    world: World
    chance: random.Random
    sent: Counter[str] = field(default_factory=Counter)
    """How many messages came, by the outcome they are to have."""
    people: list[str] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    digests: int = 0
    kills: int = 0
    absences: int = 0
    daemon: "subprocess.Popen[str] | None" = None

    def go(self, minutes: float) -> None:
        """Send mail, kill and take the relay away until the time is over."""
        began = time.monotonic()
        due = {self.die: self.soon(LIVES_SECONDS), self.take_relay_away: self.soon(RELAY_STAYS_SECONDS), self.send_digest: began + 5}
        every = {self.die: LIVES_SECONDS, self.take_relay_away: RELAY_STAYS_SECONDS, self.send_digest: DIGEST_SECONDS}
        self.start()
        minute = 1
        while (now := time.monotonic()) < began + minutes * 60:
            self.send_something()
            for act, moment in due.items():
                if now > moment:
                    act()
                    due[act] = self.soon(every[act])
            self.answer_as_staff()
            if now > began + minute * 60:
                print(f"minute {minute}: {self.words()}", flush=True)
                minute += 1
            time.sleep(self.chance.expovariate(MAIL_A_SECOND))

    def soon(self, seconds: tuple[float, float]) -> float:
        """Choose a moment."""
        return time.monotonic() + self.chance.uniform(*seconds)

    def start(self) -> None:
        """Start the daemon."""
        self.daemon = start_program(self.world.config, stderr=subprocess.DEVNULL)

    def die(self) -> None:
        """Kill the daemon as a power cut would, and start it again."""
        assert self.daemon
        assert self.daemon.poll() is None, "the daemon ended by itself"
        self.daemon.kill()
        self.daemon.wait()
        self.kills += 1
        self.start()

    def take_relay_away(self) -> None:
        """Break all connections to the relay and let nobody in for a while."""
        smtp = self.world.servers.smtp
        smtp.stop()
        time.sleep(self.chance.uniform(*RELAY_AWAY_SECONDS))
        smtp.start()
        self.absences += 1

    def send_something(self) -> None:
        """Have a message come in."""
        name = f"person{self.sent.total()}"
        kind = self.chance.choices(("request", "ordinary", "automatic"), (4, 5, 1))[0]
        match kind:
            case "request":
                raw = request(name, self.chance.choice(SUBJECTS))
                self.people.append(f"{name}@example.com")
            case "ordinary":
                raw = ordinary(name)
            case _:
                raw = message(name, "I am away", "Back on Monday.", "Auto-Submitted: auto-replied")
        self.world.receive(raw)
        self.sent[kind] += 1

    def send_digest(self) -> None:
        """Have staff ask for a digest; delivery sends it."""
        command = [sys.executable, "-m", "mailbot", "digest", "--send", "--config", str(self.world.config)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        self.digests += 1

    def answer_as_staff(self) -> None:
        """Answer each digest that has come, once."""
        for letter in self.digests_that_came():
            if (identity := letter["Message-ID"]) not in self.answered:
                head = {"From": READER, "To": INBOX, "Subject": "Re: digest", "In-Reply-To": identity}
                head["Message-ID"] = f"<answer{len(self.answered)}@example.com>"
                self.world.receive(staff_message(head, "1 done\n2 done\n3 xyzzy"))
                self.answered.add(identity)
                self.sent["staff_action"] += 1

    def digests_that_came(self) -> list[EmailMessage]:
        """Return the digests that the relay took."""
        ours = [each for each in self.world.servers.smtp.envelopes if READER in each.recipients]
        return [letter for each in ours if (letter := read(each.content))["X-Mailbot-Loop"] == "digest"]

    def calm_down(self) -> None:
        """Let the daemon bring to an end what was begun; letters that were put off need not wait for their time."""
        give_up = time.monotonic() + CALM_SECONDS
        while not self.is_calm() and time.monotonic() < give_up:
            assert self.daemon
            if self.daemon.poll() is not None:
                self.start()
            time.sleep(1)
        assert self.daemon
        self.daemon.terminate()
        self.daemon.wait()

    def is_calm(self) -> bool:
        """Tell whether all mail is taken in and no letter is on its way."""
        now = datetime.now(UTC)
        with closing(open_database(self.world.url)) as database, database.write() as tx:
            tx.execute(update(letters).where(LETTER_WAITS, letters.c.not_before > now).values(not_before=now))
            on_its_way = letters.c.state.in_((LetterState.QUEUED, LetterState.DEFERRED, LetterState.CLAIMED, LetterState.MARKED))
            waiting = tx.execute(select(func.count()).where(on_its_way)).scalar_one()
            taken = tx.execute(select(func.count()).select_from(ledger)).scalar_one()
            answers = tx.execute(select(func.count()).where(letters.c.kind == "answered")).scalar_one()
        return (waiting, taken, answers) == (0, self.sent.total(), len(self.answered))

    def words(self) -> str:
        """Say how far it is."""
        came = len(self.world.servers.smtp.envelopes)
        return f"{self.sent.total()} messages, {came} letters, {self.digests} digests, {self.kills} kills, {self.absences} times no relay"

    def balance(self) -> tuple[list[str], list[str]]:
        """Return what was lost and what was doubled."""
        accounts = self.world.accounts()
        letters_alone = balance(accounts.entries, accounts)
        with closing(open_database(self.world.url)) as database, database.read() as tx:
            found = Counter(f"message {row.outcome}" for row in tx.execute(select(ledger.c.outcome)))
            found += Counter(f"request of {row.sender}" for row in tx.execute(select(requests.c.sender)))
            acknowledged = select(letters.c.recipient).where(letters.c.kind == "acknowledgement")
            found += Counter(f"acknowledgement to {row.recipient}" for row in tx.execute(acknowledged))
            found += Counter(f"letter {row.kind}" for row in tx.execute(select(letters.c.kind).where(letters.c.recipient == READER)))
            found += Counter(f"line {row.number}" for row in tx.execute(select(order_lines.c.number)))
        expected = Counter({f"message {outcome}": count for outcome, count in self.sent.items()})
        expected += Counter(f"{what} {person}" for person in self.people for what in ("request of", "acknowledgement to"))
        expected += Counter({f"line {number}": len(self.answered) for number in (1, 2, 3)})
        digests = max(self.digests, found["letter digest"])  # what cannot wait brings one of its own
        expected += Counter({"letter digest": digests, "letter answered": len(self.answered)})
        ours = Counter({name: count for name, count in found.items() if not name.startswith("letter ") or name in expected})
        lost, doubled = (expected - ours).elements(), (ours - expected).elements()
        return [*lost, *letters_alone.lost], [*doubled, *letters_alone.doubled]


def main(minutes: float, engine: str, seed: int) -> int:
    """Soak, and hold the accounts against what was sent."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the servers end with us
    print(f"soak on {engine} for {minutes:g} minutes, seed {seed}", flush=True)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mailbot-soak-"))
        postgresql = stack.enter_context(Postgresql()) if engine == "postgresql" else None
        dovecot, smtp, forge = stack.enter_context(Dovecot()), stack.enter_context(CapturingSmtp()), stack.enter_context(Forge())
        world = stack.enter_context(a_world(Servers(dovecot, smtp, postgresql, forge), Path(folder)))
        world.write_config(staff={"digest_to": [READER], "language": "en", "digest_at": "23:59"})
        soak = Soak(world, random.Random(seed))
        try:
            soak.go(minutes)
            soak.calm_down()
            lost, doubled = soak.balance()
            doubtful = world.accounts().doubtful
        finally:
            if soak.daemon:
                soak.daemon.kill()
                soak.daemon.wait()
        print("\n".join([f"{soak.words()}; {doubtful} doubtful letters; lost {len(lost)}, doubled {len(doubled)}", *lost, *doubled]))
    return 1 if lost or doubled else 0


if __name__ == "__main__":
    chosen = sys.argv[1:]
    sys.exit(main(float(chosen[0]), chosen[1] if chosen[1:] else "sqlite", int(chosen[2]) if chosen[2:] else int(time.time())))
