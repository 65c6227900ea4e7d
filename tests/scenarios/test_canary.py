"""No line for people or machines names a person or quotes a message, whatever happens (I6, H104).

Every place that may hold something personal or secret holds a word that stands nowhere else, and the word is looked for afterwards.
What a server marks as an alert for the administrator is shown unchanged, as it must be (H16), and is not tried here.
"""

import asyncio
import logging
import os
import pty
import re
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg
import pytest

from mailbot.logs import set_up_logs
from storage.alarms import Trouble
from tests.conftest import ConfigFile, secret_file
from tests.mailbot.scripted_imap import Script, Scripted
from tests.mailbot.test_heartbeat import Monitors, serving
from tests.mailbot.typing_room import PROGRAM, Ran, run_apart, run_at_terminal
from tests.scenarios.managed import Service
from tests.scenarios.outside import append_all, outcomes_in, seen_by
from tests.scenarios.test_alarms import Daemon, live, with_other_relay
from tests.servers import LOOPBACK, CapturingSmtp, Dovecot, Postgresql
from tests.servers.programs import free_ports

WORD = "zeisig"
DOMAIN = "zeisig-domain.example"
QUOTES = "zeisig-user: zeisig-quoted <zeisig-asker@zeisig-domain.example>"
"""What a server may say of whom it refuses."""

TEMPORARY, CONFIGURATION, A_PERSON = 75, 78, 1


CHANGES = "zeisig-body\nPhone: +7 700 000 00 14 instead of +7 700 000 00 13, zeisig-street 7\n"


def mail(name: str, subject: str, *more: tuple[str, str], body: str = CHANGES) -> EmailMessage:
    """Write a message with the word in every place that a sender can write to."""
    message = EmailMessage(policy=SMTP)
    message["Return-Path"] = f"<zeisig-path-{name}@{DOMAIN}>"
    message["From"] = f"Zeisig-Name <zeisig-{name}@{DOMAIN}>"
    message["To"] = "info@alit.kz, zeisig-other@example.com"
    message["Subject"] = subject
    message["Message-ID"] = f"<zeisig-id-{name}@{DOMAIN}>"
    message["References"] = f"<zeisig-thread@{DOMAIN}>"
    message["X-Zeisig-Field"] = "zeisig-value"
    for field, value in more:
        message[field] = value
    message.set_content(body)
    message.add_attachment(b"zeisig-content", maintype="application", subtype="zeisig-type", filename="zeisig-file.pdf")
    return message


BOUNCE = (Path(__file__).parents[1] / "mail/bounce.eml").read_bytes().replace(b"anna@client.example", b"zeisig@zeisig-domain.example")
MAIL: dict[str, tuple[str, bytes]] = {
    "request": ("request", bytes(mail("asker", "Opt-out of Notifications, zeisig-subject"))),
    "update": ("request", bytes(mail("update", "Personal Data Update"))),
    "held": ("held", bytes(mail("held", "Отзыв согласия и изменение телефона"))),
    "ordinary": ("ordinary", bytes(mail("ordinary", "Invoice zeisig-subject", body="zeisig-body: twelve pallets, zeisig-street 7\n"))),
    "list": ("automatic", bytes(mail("list", "Opt-out of Notifications", ("List-Id", "zeisig-list <zeisig-list.example>")))),
    "bounce": ("automatic", BOUNCE),
    "bomb": ("shunted", b"X-Zeisig: zeisig-bomb\r\n" * 30_000 + bytes(mail("bomb", "Opt-out of Notifications"))),
}
"""Name → the outcome that it must have, and the message."""


class Choosy(CapturingSmtp):
    """An SMTP server that takes no letters from us, and quotes whom it refuses."""

    async def handle_MAIL(self, smtp: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        """Answer MAIL (aiosmtpd's hook)."""
        return f"550 5.7.1 {QUOTES}"


@dataclass
class World:
    """The servers, and the configuration that a failure changes."""

    write: ConfigFile
    imap: Dovecot
    smtp: CapturingSmtp
    postgresql: Postgresql
    folder: Path
    user: str

    def receive(self, *mail: bytes) -> None:
        """Have messages come in."""
        append_all(self.imap, self.user, mail)

    def config(self, **more: dict[str, object]) -> Path:
        """Write the configuration; every address in it that is not the operator's own holds the word."""
        ours: dict[str, object] = {"user": self.user, "port": self.imap.imap_port, "password_file": self.secret(self.imap.password)}
        staff = {"digest_to": ["zeisig-officer@example.com"], "digest_at": "00:00"}
        return self.write(**{"inbox": {**ours, **more.pop("inbox", {})}, "staff": staff, **more})

    def secret(self, password: str) -> str:
        return str(secret_file(self.folder / f"password {len(password)}", password))


@pytest.fixture(scope="module")
def imap(dovecot: Dovecot) -> Iterator[Dovecot]:
    """Return an IMAP server whose very password is looked for; the fixture ``dovecot`` tells whether there can be one."""
    with Dovecot() as server:
        server.change_password("zeisig-secret")
        yield server


@pytest.fixture
def world(
    config_file: ConfigFile, imap: Dovecot, smtp: CapturingSmtp, postgresql: Postgresql, mailbox: str, tmp_path: Path
) -> Iterator[World]:
    """Return servers with all the mail there, of which some recipients are refused for good and one for now."""
    smtp.answers[f"zeisig-update@{DOMAIN}"] = f"550 5.1.1 {QUOTES}"
    smtp.answers["zeisig-officer@example.com"] = f"550 {QUOTES}"
    smtp.answers[f"zeisig-held@{DOMAIN}"] = f"451 4.2.1 {QUOTES}"
    world = World(config_file, imap, smtp, postgresql, tmp_path, f"zeisig-{mailbox}")
    world.receive(*(raw for _, raw in MAIL.values()))
    yield world
    if imap.password != "zeisig-secret":
        imap.change_password("zeisig-secret")


# --- what may happen -------------------------------------------------------------------------------------------------


@contextmanager
def nothing_but_refused_letters(world: World) -> Iterator[Path]:
    config = world.config()
    assert Ran(0, "letters queued: 1; the daemon sends them soon, without a daemon `mailbot run --once` does\n", "") == run_apart(
        PROGRAM, "digest", "--send", "--config", config
    )
    yield config
    assert Counter(outcome for outcome, _ in MAIL.values()) == outcomes_in(config)


@contextmanager
def a_wrong_password(world: World) -> Iterator[Path]:
    yield world.config(inbox={"password_file": world.secret("zeisig-wrong")})


@contextmanager
def a_password_of_two_lines(world: World) -> Iterator[Path]:
    yield world.config(inbox={"password_file": world.secret("zeisig-one\nzeisig-two")})


@contextmanager
def a_relay_that_knows_no_login(world: World) -> Iterator[Path]:
    secret = str(secret_file(world.folder / "smtp.password", "zeisig-smtp"))
    yield world.config(smtp={"user": "zeisig-login", "password_file": secret})


@contextmanager
def a_relay_that_refuses_us(world: World) -> Iterator[Path]:
    with Choosy() as choosy:
        yield world.config(smtp={"port": choosy.port})


def imap_saying(script: Script, greeting: str = "* OK ready\r\n") -> Callable[[World], AbstractContextManager[Path]]:
    """Return a world in which the IMAP server says so."""

    @contextmanager
    def saying(world: World) -> Iterator[Path]:
        server = Scripted(script, greeting)
        yield world.config(inbox={"port": server.port})
        server.close()

    return saying


def a_store(*statements: str) -> Callable[[World], AbstractContextManager[Path]]:
    """Return a world in which such things were done to the database after a first round; mailbot enters it as ``reader``."""

    @contextmanager
    def changed(world: World) -> Iterator[Path]:
        url = world.postgresql.fresh_database()
        assert A_PERSON == run_apart(PROGRAM, "run", "--once", "--config", world.config(store={"url": url})).status
        world.receive(bytes(mail("late", "Opt-out of Notifications")))
        database = url.rpartition("/")[2]
        reader = f"reader_{database}"
        with psycopg.connect(host=LOOPBACK, port=world.postgresql.port, user="postgres", dbname=database, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.format(reader=reader).encode())
        yield world.config(store={"url": url.replace("postgres@", f"{reader}@")})

    return changed


def a_bug(statement: str) -> Callable[[World], AbstractContextManager[Path]]:
    """Return a world in which a statement of mailbot's own fails; the driver's error tells the values."""

    @contextmanager
    def begun(world: World) -> Iterator[Path]:
        config = world.config(inbox={"start": "now"})
        assert 0 == run_apart(PROGRAM, "run", "--once", "--config", config).status
        world.receive(*(raw for _, raw in MAIL.values()))
        with failing(world, statement):
            yield config

    return begun


@contextmanager
def failing(world: World, statement: str) -> Iterator[None]:
    """Have a statement fail for a while."""
    with closing(sqlite3.connect(world.folder / "mailbot.db", isolation_level=None)) as connection:
        connection.execute(f"CREATE TRIGGER bug BEFORE {statement} BEGIN SELECT RAISE(ABORT, 'bug'); END")
        yield
        connection.execute("DROP TRIGGER bug")


HAPPENINGS: dict[str, tuple[int, Callable[[World], AbstractContextManager[Path]]]] = {
    "letters are refused": (A_PERSON, nothing_but_refused_letters),
    "wrong password": (CONFIGURATION, a_wrong_password),
    "two passwords": (CONFIGURATION, a_password_of_two_lines),
    "login not offered": (A_PERSON, a_relay_that_knows_no_login),
    "sender refused": (CONFIGURATION, a_relay_that_refuses_us),
    "greeting": (TEMPORARY, imap_saying({}, f"* BYE {QUOTES}\r\n")),
    "login refused": (CONFIGURATION, imap_saying({"LOGIN": f"TAG NO [AUTHENTICATIONFAILED] {QUOTES}\r\n"})),
    "login put off": (TEMPORARY, imap_saying({"LOGIN": f"TAG NO [UNAVAILABLE] {QUOTES}\r\n"})),
    "folder refused": (CONFIGURATION, imap_saying({"EXAMINE": f"TAG NO {QUOTES}\r\n"})),
    "search refused": (TEMPORARY, imap_saying({"UID SEARCH": f"TAG NO {QUOTES}\r\n"})),
    "search answered oddly": (TEMPORARY, imap_saying({"UID SEARCH": f"* SEARCH {QUOTES}\r\nTAG OK\r\n"})),
    "end of connection": (TEMPORARY, imap_saying({"UID SEARCH": f"* BYE {QUOTES}\r\nCLOSE"})),
    "fetch refused": (0, imap_saying({"UID SEARCH": "* SEARCH 1\r\nTAG OK\r\n", "UID FETCH": f"TAG NO {QUOTES}\r\n"})),
    "store read-only": (TEMPORARY, a_store("CREATE ROLE {reader} LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}")),
    "store away": (TEMPORARY, a_store("CREATE ROLE {reader} LOGIN CONNECTION LIMIT 0")),
    "bug whose error quotes the row": (
        A_PERSON,
        a_store(
            "CREATE ROLE {reader} LOGIN SUPERUSER",
            f"ALTER TABLE requests ADD CONSTRAINT bug CHECK (sender <> 'zeisig-late@{DOMAIN}')",
        ),
    ),
    "bug while recording": (A_PERSON, a_bug("INSERT ON requests")),
    "bug while settling": (A_PERSON, a_bug("UPDATE ON letters")),
}


def found_in(said: str) -> set[str]:
    """Return the canaries in what was said."""
    return set(re.findall(rf"{WORD}[\w-]*", said, re.IGNORECASE))


@pytest.mark.parametrize("form", ["json", "terminal"])
@pytest.mark.parametrize(("status", "happening"), HAPPENINGS.values(), ids=list(HAPPENINGS))
def test_h104_one_round_names_nobody(
    world: World, form: str, status: int, happening: Callable[[World], AbstractContextManager[Path]]
) -> None:
    with happening(world) as config:
        ran = (run_at_terminal if form == "terminal" else run_apart)(PROGRAM, "run", "--once", "--config", config)
    assert (status, set()) == (ran.status, found_in(ran.out + ran.err))
    assert bool(status) == ("mailbot: " in ran.out + ran.err), "what a person must see is a sentence"


@contextmanager
def read_from(form: str) -> Iterator[tuple[int, list[bytes]]]:
    """Give standard error to write to, a pipe or a terminal; what was written is there when nobody writes any more."""
    ours, theirs = pty.openpty() if form == "terminal" else os.pipe()
    said: list[bytes] = []

    def read() -> None:
        with suppress(OSError):  # Linux says so when nobody is left at a terminal
            while piece := os.read(ours, 65536):
                said.append(piece)

    reading = threading.Thread(target=read)
    reading.start()
    try:
        yield theirs, said
    finally:
        os.close(theirs)
        reading.join()
        os.close(ours)


@pytest.mark.parametrize("form", ["json", "terminal"])
def test_h104_a_daemon_names_nobody_in_what_it_writes_and_tells_through_one_failure_after_another(world: World, form: str) -> None:
    config = world.config()
    with read_from(form) as (stderr, said), Service(config, str(world.folder / "notify"), stderr=stderr) as service:
        service.hear(lambda _: outcomes_in(config).total() == len(MAIL))
        service.hear(lambda _: seen_by(world.smtp)[f"zeisig-asker@{DOMAIN}"])
        world.smtp.stop()
        world.receive(bytes(mail("late", "Opt-out of Notifications")))
        service.hear_pings(1, "delivery: away")
        with failing(world, "INSERT ON ledger"):
            world.receive(bytes(mail("later", "Opt-out of Notifications")))
            service.hear_pings(1, "by a fault of mailbot itself")
        world.imap.change_password("zeisig-changed")
        service.hear_pings(1, "refuses the login")
        process = Path(f"/proc/{service.process.pid}")
        assert set() == found_in((process / "cmdline").read_text() + (process / "environ").read_text())
        assert 0 == service.end()
    written = b"".join(said).decode()
    for event in ("round_done", "letter_refused", "delivery_away", "inbox_failed", "inbox_away", "stopped"):
        assert event in written
    assert (set(), set()) == (found_in(written), found_in(repr(service.told)))


def test_h104_a_command_that_fails_by_our_own_fault_shows_where_and_quotes_nothing(world: World) -> None:
    """PostgreSQL's error quotes the row that it refuses."""
    with a_store("CREATE ROLE {reader} LOGIN SUPERUSER", "ALTER TABLE contacts ADD CONSTRAINT bug CHECK (value = '')")(world) as config:
        people = world.folder / "people.csv"
        people.write_text("email,surname\nzeisig-person@example.com,Zeisig-Surname\n", encoding="utf-8")
        ran = run_apart(PROGRAM, "subscribers", "import", people, "--config", config)
    assert (A_PERSON, set()) == (ran.status, found_in(ran.out + ran.err))
    assert "in import_subscribers" in ran.err
    assert "mailbot: this is a fault of mailbot itself (IntegrityError)" in ran.err


@dataclass
class Told:
    """What the second route, the monitor and the figures told."""

    other: CapturingSmtp
    monitor: Monitors
    port: int

    def alarms(self) -> str:
        letters = [message_from_bytes(envelope.content, policy=default) for envelope in self.other.envelopes]
        return "".join(f"{letter}{letter.get_content()}" for letter in letters)

    def figures(self) -> str:
        with urlopen(f"http://{LOOPBACK}:{self.port}/metrics") as answer:
            return str(answer.read().decode())


def test_h104_alarms_figures_and_every_level_of_the_log_name_nobody(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(logging.DEBUG)
    with CapturingSmtp() as other, Choosy() as choosy, serving(Monitors()) as monitor:
        told = Told(other, monitor, *free_ports(1))
        monitor.status = 500
        beat = {"heartbeat_url": monitor.url.replace("abc", "zeisig-token"), "metrics_port": told.port}
        alarm: dict[str, object] = {"to": ["officer@example.com"], "low_disk_megabytes": 0, **beat}
        config = with_other_relay(world.config(smtp={"port": choosy.port}, alarm=alarm), other)
        figures: list[str] = []

        async def through(daemon: Daemon) -> None:
            await daemon.until(lambda: outcomes_in(config).total() == len(MAIL) and monitor.asked)
            daemon.now += timedelta(minutes=5)
            await daemon.until(lambda: Trouble.RELAY in daemon.going_on())
            daemon.now += timedelta(minutes=30)
            await daemon.until(lambda: "550 5.7.1" in told.alarms())
            figures.append(await asyncio.to_thread(told.figures))

        live(config, through)
    assert set() == found_in(told.alarms() + figures[0])
    assert {"zeisig-token"} == found_in("".join(monitor.asked)), "the monitor alone is told its secret"
    written = capsys.readouterr()
    assert set() == found_in(written.out + written.err)
    assert '"level": "error"' in written.err
