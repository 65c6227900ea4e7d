"""A day and a bit of the daemon, with everything that may happen in one: nothing is lost, doubled or told twice."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mailbot.config import load_config
from mailbot.daemon import Works
from mailbot.patience import Pauses
from mailbot.report import Report
from storage.outbox import LetterState
from tests.conftest import ConfigFile, skip_without
from tests.scenarios.outside import flags_of, letters_in, lines_in, message, ordinary, outcomes_in, request, requests_in, seen_by
from tests.servers import CapturingSmtp, Dovecot, Postfix

GIVE_UP_SECONDS = 20
ALMATY = ZoneInfo("Asia/Almaty")
STAFF = ("officer@example.com", "deputy@example.com")
HASTE = Pauses(first=0.05, longest=0.3, after_refused_login=0.3, between_looks=0.05)
USER = "info"
HOUR = timedelta(hours=1)
ANSWERED = frozenset({"\\Answered"})
REVOCATION = "Revocation of consent to the processing of personal data"


class Clock:
    """The daemon's clock, moved by hand. It is read at each look at the schedule, which tells when one was made."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 10, 7, 30, tzinfo=ALMATY).astimezone(UTC)
        self.readings = 0

    def __call__(self) -> datetime:
        self.readings += 1
        return self.now

    def ticks(self) -> float:
        """Tick as the clock is moved: a long day passes, and nobody sets it."""
        return self.now.timestamp()

    def set(self, hour: int, minute: int, days: int = 0) -> None:
        """Move to a local time of the tenth of March, or of a day after it."""
        self.now = datetime(2026, 3, 10 + days, hour, minute, tzinfo=ALMATY).astimezone(UTC)


@dataclass
class Relay:
    """An SMTP server that is stopped and started, and that tells what it took for whom."""

    server: CapturingSmtp | Postfix
    taken: Callable[[], Counter[str]]


@contextmanager
def capturing() -> Iterator[Relay]:
    with CapturingSmtp() as smtp:
        yield Relay(smtp, lambda: seen_by(smtp))


@contextmanager
def postfix() -> Iterator[Relay]:
    skip_without(Postfix.missing())
    with Postfix() as server:
        yield Relay(server, server.taken)


@dataclass
class Day:
    """The daemon at work, and what a test does to its world meanwhile."""

    config: Path
    works: Works
    clock: Clock
    imap: Dovecot
    relay: Relay
    running: "asyncio.Task[Report]"
    arrived: Counter[str] = field(default_factory=Counter)
    """How many messages came, by the outcome they are to have."""
    asked: list[str] = field(default_factory=list)
    """Who is to be acknowledged."""

    async def until(self, is_so: Callable[[], object]) -> None:
        """Wait until something is so; the daemon never ends meanwhile."""
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while not await asyncio.to_thread(is_so):
                assert not self.running.done(), "the daemon ended by itself"
                await asyncio.sleep(0.01)

    async def receive(self, raw: bytes, outcome: str) -> None:
        """Have a message come in at this moment."""
        self.arrived[outcome] += 1
        await asyncio.to_thread(self.imap.append, USER, raw, internal_date=self.clock.now)

    async def ask(self, name: str, subject: str = "Opt-out of Notifications") -> None:
        """Have somebody send a request."""
        await self.receive(request(name, subject), "request")
        self.asked.append(f"{name}@example.com")

    async def answered(self) -> None:
        """Wait until everybody who asked was written to, and everything that came has its row."""
        await self.until(lambda: set(self.asked) <= set(self.relay.taken()))
        await self.until(lambda: outcomes_in(self.config) == self.arrived)

    async def does(self, doing: str) -> None:
        """Wait until some part of the daemon says that it does so."""
        await self.until(lambda: doing in self.works.pulse.words())

    async def looks(self) -> None:
        """Wait until the schedule has looked at the clock as it stands now, and delivery at the letters."""
        enough = self.clock.readings + 10
        await self.until(lambda: self.clock.readings >= enough)

    def digests(self) -> list[int]:
        """Return how many digests each of the staff has got."""
        taken = self.relay.taken()
        return [taken[address] for address in STAFF]


async def morning(day: Day) -> None:
    """Requests and ordinary mail come while the one server is away, and then the other."""
    await day.ask("aigerim")
    await day.ask("bolat", REVOCATION)
    await day.receive(ordinary("sales"), "ordinary")
    await day.answered()

    day.clock.set(8, 10)
    await asyncio.to_thread(day.imap.stop)
    await day.does("away, the IMAP server")
    await asyncio.to_thread(day.imap.start)
    await day.ask("clara")
    await day.answered()

    day.clock.set(8, 30)
    await asyncio.to_thread(day.relay.server.stop)
    await day.ask("dana")
    await day.does("delivery: away, the SMTP server")
    await asyncio.to_thread(day.relay.server.start)
    await day.answered()

    day.clock.set(8, 45)
    answered = letters_in(day.config)[0]
    await day.receive(bounce(), "automatic")
    await day.receive(message("aigerim", "Re: your letter", "When?", f"In-Reply-To: {answered.message_id}"), "follow_up")
    await day.receive(request("bolat", REVOCATION).replace(b"Please act", b"Please do act"), "follow_up")
    await day.answered()


async def first_digest(day: Day) -> None:
    """Nine o'clock comes; then the clock is set back behind it, and forward again."""
    day.clock.set(8, 59)
    await day.looks()
    assert [0, 0] == day.digests()
    day.clock.set(9, 0)
    await day.until(lambda: day.digests() == [1, 1])
    day.clock.now -= HOUR
    await day.looks()
    day.clock.now += HOUR
    await day.looks()


async def afternoon(day: Day) -> None:
    """The password becomes wrong, and right again, while mail goes on to come."""
    day.clock.set(13, 0)
    await asyncio.to_thread(day.imap.change_password, "another")
    await day.ask("erlan")
    await day.does("refuses the login: check inbox.user and the password file")
    await asyncio.to_thread(day.imap.change_password, "pw")
    await day.answered()
    day.clock.set(17, 0)
    await day.receive(ordinary("bank"), "ordinary")
    await day.ask("farida")
    await day.answered()


async def next_day(day: Day) -> None:
    """The clock is set back an hour just before the digest's time, and forward again."""
    day.clock.set(8, 59, days=1)
    await day.looks()
    day.clock.now -= HOUR
    await day.ask("gulnara")
    await day.answered()
    day.clock.now += HOUR
    await day.looks()
    assert [1, 1] == day.digests()
    day.clock.set(9, 0, days=1)
    await day.until(lambda: day.digests() == [2, 2])
    await day.looks()
    await day.until(lambda: Counter({ANSWERED: 7, frozenset(): 5}) == Counter(flags_of(day.imap, USER).values()))


def bounce() -> bytes:
    return (Path(__file__).parents[1] / "mail/bounce.eml").read_bytes().replace(b"info@alit.example", b"info@alit.kz")


@pytest.mark.parametrize("relay_of", [capturing, postfix])
def test_h99_h14_i10_a_day_passes_and_everything_is_accounted_for(
    dovecot: Dovecot, config_file: ConfigFile, relay_of: Callable[[], AbstractContextManager[Relay]]
) -> None:
    with Dovecot() as imap, relay_of() as relay:
        ports = {"inbox": {"port": imap.imap_port, "user": USER, "poll_seconds": 1}, "smtp": {"port": relay.server.port}}
        ports["alarm"] = {"alert_after": 10_000}  # hours pass here in an instant, before anything could be read or sent
        config = config_file(staff={"digest_to": list(STAFF), "digest_at": "09:00"}, **ports)
        day = asyncio.run(live_through(config, imap, relay))
        assert day.arrived == outcomes_in(config)
        uids = [line.uid for line in lines_in(config)]
        assert sorted(imap.snapshot(USER)) == uids
        assert Counter({"request": 7, "ordinary": 2, "automatic": 1, "follow_up": 2}) == day.arrived
        assert 7 == len(requests_in(config))
        assert Counter(day.asked) + Counter(dict.fromkeys(STAFF, 2)) == relay.taken()
        assert {LetterState.ACCEPTED} == {letter.state for letter in letters_in(config)}


async def live_through(config: Path, imap: Dovecot, relay: Relay) -> Day:
    """Run the daemon through a day and the next morning; it ends when it is asked to, with nothing to report."""
    clock, ending = Clock(), asyncio.Event()
    works = Works(load_config(config), now=clock, pauses=HASTE, ticks=clock.ticks)
    running = asyncio.create_task(works.for_ever(ending))
    day = Day(config, works, clock, imap, relay, running)
    try:
        for part in (morning, first_digest, afternoon, next_day):
            await part(day)
    finally:
        ending.set()
        report = await running
    assert [] == report.problems
    return day
