"""The daemon when its world breaks: staff hear of it by the second route, others by silence, and monitors by numbers (I10, H108)."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from urllib.request import urlopen

from mailbot.backup import synchronise
from mailbot.config import load_config
from mailbot.daemon import Works
from mailbot.patience import Pauses
from storage import alarms
from storage.alarms import Trouble
from tests.conftest import ConfigFile
from tests.mailbot.register_room import open_desk
from tests.mailbot.test_heartbeat import Monitors, serving
from tests.scenarios.outside import request, seen_by, store_of
from tests.servers import LOOPBACK, CapturingSmtp, Dovecot
from tests.servers.programs import free_ports

GIVE_UP_SECONDS = 30
HASTE = Pauses(first=0.05, longest=0.3, after_refused_login=0.3, between_looks=0.05)
USER, OFFICER = "info", "officer@example.com"
STAFF: dict[str, object] = {"digest_to": [], "language": "en"}
TOLD: dict[str, object] = {"to": [OFFICER], "low_disk_megabytes": 0}
MINUTE = timedelta(minutes=1)


class Daemon:
    """The daemon at work, its clock moved by hand."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.now = datetime(2026, 3, 10, 5, tzinfo=UTC)
        self.works = Works(load_config(config), lambda: self.now, HASTE, self._ticks)
        self._ending = asyncio.Event()

    def _ticks(self) -> float:
        return self.now.timestamp()

    async def live(self, through: Callable[["Daemon"], Awaitable[None]]) -> None:
        """Work until something is over, then end as one is asked to."""
        self._running = asyncio.create_task(self.works.for_ever(self._ending))
        try:
            await through(self)
        finally:
            self._ending.set()
            await self._running

    async def until(self, is_so: Callable[[], object]) -> None:
        """Wait until something is so; the daemon never ends meanwhile."""
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while not await asyncio.to_thread(is_so):
                assert not self._running.done(), "the daemon ended by itself"
                await asyncio.sleep(0.01)

    async def pass_by(self, what: Trouble) -> None:
        """Let half an hour pass once this fault alone is on record, a few minutes at first: what began a moment ago is none."""
        self.now += 5 * MINUTE
        await self.until(lambda: self.going_on() == [what])
        self.now += 30 * MINUTE

    def going_on(self) -> list[Trouble]:
        with store_of(self.config) as tx:
            return [alarm.what for alarm in alarms.going_on(tx)]


def live(config: Path, through: Callable[[Daemon], Awaitable[None]]) -> None:
    """Run the daemon through something."""

    async def main() -> None:
        await Daemon(config).live(through)

    asyncio.run(main())


def with_other_relay(config: Path, other: CapturingSmtp) -> Path:
    """Add another relay for alarms; the table [alarm] stands last."""
    keys = f'host = "{LOOPBACK}", port = {other.port}, tls = "none", sender = "mailbot@elsewhere.example"'
    config.write_text(f"{config.read_text(encoding='utf-8')}smtp = {{ {keys} }}\n", encoding="utf-8")
    return config


def subjects(smtp: CapturingSmtp) -> list[str]:
    letters = [message_from_bytes(envelope.content, policy=policy.default) for envelope in smtp.envelopes]
    return [str(letter["Subject"]).removeprefix("mailbot · alit.kz: ") for letter in letters]


def test_i10_an_imap_server_that_is_away_is_told_by_another_relay_and_so_is_its_end(smtp: CapturingSmtp, config_file: ConfigFile) -> None:
    with Dovecot() as imap, CapturingSmtp() as other:
        inbox = {"port": imap.imap_port, "user": USER, "poll_seconds": 1}
        config = with_other_relay(config_file(inbox=inbox, staff=STAFF, alarm=TOLD), other)

        async def through(daemon: Daemon) -> None:
            watch = daemon.works.watches[0]
            await daemon.until(lambda: watch.has_gone_round)
            await asyncio.to_thread(imap.stop)
            await daemon.until(lambda: watch.away)
            await daemon.pass_by(Trouble.INBOX)
            await daemon.until(lambda: subjects(other) == ["a mailbox is not read"])
            assert "the IMAP server" in message_from_bytes(other.envelopes[0].content, policy=policy.default).get_content()
            await asyncio.to_thread(imap.start)
            await daemon.until(lambda: subjects(other) == ["a mailbox is not read", "over: a mailbox is not read"])
            assert "" == watch.away

        live(config, through)
        assert [(OFFICER,)] * 2 == [envelope.recipients for envelope in other.envelopes]
        assert [] == smtp.envelopes


def test_i10_h94_a_relay_that_is_away_is_told_by_another_and_its_letters_go_out_in_the_end(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    with CapturingSmtp() as other:
        config = with_other_relay(config_file(inbox={"poll_seconds": 1}, staff=STAFF, alarm=TOLD), other)

        async def through(daemon: Daemon) -> None:
            await asyncio.to_thread(smtp.stop)
            await asyncio.to_thread(dovecot.append, mailbox, request("aigerim"))
            await daemon.until(lambda: "delivery: away" in daemon.works.pulse.words())
            await daemon.pass_by(Trouble.RELAY)
            await daemon.until(lambda: "letters do not go out" in subjects(other))
            await asyncio.to_thread(smtp.start)
            await daemon.until(lambda: "over: letters do not go out" in subjects(other))

        live(config, through)
        assert {"aigerim@example.com": 1} == seen_by(smtp)


def test_i10_h107_a_list_of_destructions_that_cannot_be_used_is_told_until_it_can(
    smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    config = config_file(inbox={"poll_seconds": 1}, staff=STAFF, alarm=TOLD)
    journal = config.with_name("mailbot.db.destroyed")
    with open_desk(config) as desk:
        synchronise(desk.database, desk.keys, journal)
    journal.chmod(0o644)

    async def through(daemon: Daemon) -> None:
        await daemon.until(lambda: "no retention" in daemon.works.pulse.words())
        await daemon.pass_by(Trouble.JOB)
        await daemon.until(lambda: subjects(smtp) == ["a job is not done"])
        assert "chmod 600" in message_from_bytes(smtp.envelopes[0].content, policy=policy.default).get_content()
        journal.chmod(0o600)
        await daemon.until(lambda: subjects(smtp) == ["a job is not done", "over: a job is not done"])

    live(config, through)


def test_h108_a_daemon_that_lives_is_heard_by_its_monitor_and_gives_its_figures(mailbox: str, config_file: ConfigFile) -> None:
    (port,) = free_ports(1)
    with serving(Monitors()) as monitor:
        config = config_file(staff=STAFF, alarm={**TOLD, "heartbeat_url": monitor.url, "metrics_port": port})

        def figures() -> str:
            with urlopen(f"http://{LOOPBACK}:{port}/metrics") as answer:
                return str(answer.read().decode())

        async def through(daemon: Daemon) -> None:
            await daemon.until(lambda: monitor.asked)
            assert "mailbot_store_answers 1.0" in await asyncio.to_thread(figures)

        live(config, through)
    socket.create_server((LOOPBACK, port)).close()  # it is given back


def test_metrics_whose_port_is_taken_do_not_keep_the_daemon_from_its_work(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile
) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        config = config_file(staff=STAFF, alarm={"metrics_port": taken.getsockname()[1]})
        dovecot.append(mailbox, request("aigerim"))

        async def through(daemon: Daemon) -> None:
            await daemon.until(lambda: seen_by(smtp)["aigerim@example.com"])

        live(config, through)
