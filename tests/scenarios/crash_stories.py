"""What mailbot lives through, effect by effect: each story is prepared without a death, and its steps are typed again after one."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, select, text

from mailbot.config import load_config
from mailbot.desk import Desk, set_up_desk
from mailbot.digest import digest_order, queue_digest_now
from rules.vocabulary import RequestType
from storage import scouring, subscribers
from storage.database import SCHEMA, open_database
from storage.outbox import LetterState
from storage.subscribers import Consent, NewSubscriber
from storage.tables import ledger, letters
from tests.mailbot.register_room import arrive
from tests.scenarios.asking import PASSED, read
from tests.scenarios.crash_world import DONE, Point, World
from tests.scenarios.mail_programs import INBOX, READER
from tests.scenarios.mail_programs import message as staff_message
from tests.scenarios.outside import ROOT, message, ordinary

ONCE = ("run", "--once")
KNOWN, BULK = ("aigerim", "clara"), 1500


@dataclass(frozen=True, slots=True)
class Step:
    """One process of mailbot; one with ``until`` is a daemon, and ends when that is so."""

    arguments: tuple[str, ...]
    until: Callable[[World], object] | None = None
    without: tuple[str, ...] = ()

    def take(self, world: World, **more: object) -> int:
        """Take the step and return its exit status."""
        until = self.until
        if until is None:
            return world.live(*self.arguments, without=self.without, **more)  # type: ignore[arg-type]
        return world.live(*self.arguments, until=lambda: until(world), hasty=True, **more)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Story:
    """A part of mailbot's life: what was before, the steps, and what they must leave behind besides balanced accounts."""

    name: str
    prepare: Callable[[World], object]
    steps: Callable[[World], tuple[Step, ...]]
    faults: Callable[[World], Iterator[str]] = lambda _: iter(())
    engines: tuple[str, ...] = ("sqlite", "postgresql")
    begins: str = ""
    """The effect with which it begins to differ from the other stories; none: at once."""
    ends: str = ""
    """The effect from which on it is like another one; none: it never is."""
    tender: tuple[Point, ...] = ()
    """Points at which a death once did harm."""


def on_file(world: World) -> None:
    """Put two people on file."""
    consents = (Consent("informing", date(2025, 1, 1)), Consent("promotion", date(2025, 1, 1)))
    with closing(open_database(world.url)) as database, database.write() as tx:
        for number, name in enumerate(KNOWN, 1):
            contacts = [("email", f"{name}@example.com"), ("phone", f"+7700000000{number}")]
            person = NewSubscriber({"surname": "Үлгінова"}, tuple((kind, value, value) for kind, value in contacts), consents)
            subscribers.add_subscribers(tx, [person], "import", datetime(2025, 1, 1, tzinfo=UTC))


def a_post(world: World) -> None:
    """Have requests come in, with ordinary mail, a second copy and a further letter between them; some senders are on file."""
    on_file(world)
    first = message("aigerim", "Opt-out of Notifications", "Please stop. aigerim", PASSED)
    change = "Please change my phone number from +7 700 000 00 02 to +7 700 000 00 77."
    world.receive(
        first,
        ordinary("sales"),
        message("bolat", "Отзыв согласия на обработку персональных данных", "Прошу прекратить обработку. bolat"),
        first,
        message("clara", "Personal Data Update", change, PASSED),
        message("dana", "Out of office: away", "I am away.", "Auto-Submitted: auto-replied"),
        another(message("bolat", "Re: request", "Any news?", "In-Reply-To: <bolat.1@example.com>")),
    )


def another(raw: bytes) -> bytes:
    """Return a message as the second one of its sender."""
    return raw.replace(b".1@example.com>", b".2@example.com>", 1)


def filed_in_a_folder(world: World) -> None:
    """Have what is done with moved into a folder."""
    world.write_config(inbox={"filing": "folder", "filing_name": DONE})
    world.servers.dovecot.create_folder(world.mailbox, DONE)
    a_post(world)


def opened(world: World) -> Desk:
    """Open the desk in this process; the caller closes its store."""
    return set_up_desk(load_config(world.config), lambda: datetime.now(UTC))


def a_digest_that_is_answered(world: World) -> None:
    """Have staff answer a digest with three lines: one is carried out, one is nonsense, one is another request's."""
    world.write_config(staff={"digest_to": [READER], "language": "en"})
    on_file(world)
    desk = opened(world)
    with closing(desk.database):
        for name in ("aigerim", "clara"):
            arrive(desk, RequestType.QUESTION, f"{name}@example.com")
        queue_digest_now(desk, digest_order(load_config(world.config)), desk.now())
    world.live(*ONCE)
    digest = read(world.servers.smtp.envelopes[-1].content)
    head = {"From": READER, "To": INBOX, "Subject": "Re: digest", "Message-ID": "<mine@example.com>", "In-Reply-To": digest["Message-ID"]}
    world.receive(staff_message(head, "1 done\n2 done\n3 xyzzy"))


def asked_back(world: World) -> None:
    """Have a stranger's update be confirmed by its sender."""
    on_file(world)
    text_ = "Please change my phone number from +7 700 000 00 02 to +7 700 000 00 77."
    world.receive(message("clara", "Personal Data Update", text_))
    world.live(*ONCE)
    letter = read(world.servers.smtp.envelopes[-1].content)
    quoted = "".join(f"> {line}\r\n" for line in letter.get_content().splitlines())
    subject, answers = f"Re: {' '.join(letter['Subject'].split())}", f"In-Reply-To: {letter['Message-ID']}"
    world.receive(another(message("clara", subject, f"YES\r\n\r\n{quoted}", answers)))


def midday(world: World) -> None:
    """Let it be about noon where the operator is, so that no midnight falls into a life; the digest was due hours ago."""
    ahead = 12 - datetime.now(UTC).hour
    zone = f"Etc/GMT{-ahead:+d}" if ahead else "UTC"
    world.write_config(
        operator={"timezone": zone}, inbox={"poll_seconds": 1}, staff={"digest_to": [READER, "deputy@example.com"], "digest_at": "00:01"}
    )
    a_post(world)


def digest_is_sent(world: World) -> bool:
    """Tell whether both digests are settled, no letter waits, and no message is still to be marked."""
    with closing(open_database(world.url)) as database, database.read() as tx:
        states = list(tx.execute(select(letters.c.state).where(letters.c.kind == "digest")).scalars())
        others = set(tx.execute(select(letters.c.state)).scalars())
        due = tx.execute(select(ledger.c.id).where(ledger.c.filing == "due")).all()
    return len(states) == 2 and not due and others <= {LetterState.ACCEPTED, LetterState.DOUBTFUL}


def a_question(world: World) -> None:
    """Have a question wait for staff."""
    on_file(world)
    desk = opened(world)
    with closing(desk.database):
        arrive(desk, RequestType.QUESTION, "aigerim@example.com")


def reference_of(world: World) -> str:
    """Return the reference of the only request."""
    with closing(open_database(world.url)) as database, database.read() as tx:
        return str(tx.execute(text("SELECT reference FROM requests")).scalar_one())


def refusal(world: World) -> tuple[Step, ...]:
    """Refuse it by a command, and let the letter go."""
    return Step(("requests", "refuse", reference_of(world), "--ground", "GDPR art. 12(5)")), Step(ONCE)


def a_list(world: World) -> None:
    """Write a list of people, more than one transaction takes."""
    lines = ["email,surname,consents,consent_since", *(f"p{n}@example.com,Үлгі{n},informing,2025-01-01" for n in range(BULK))]
    (world.folder / "people.csv").write_text("\n".join(lines))
    on_file(world)


def a_past(world: World) -> None:
    """Let a person on file have had dealings with us that are over."""
    on_file(world)
    world.receive(message("aigerim", "Opt-out of Notifications", "Please stop. aigerim", PASSED))
    world.live(*ONCE)


def is_scoured(world: World) -> bool:
    """Tell whether the list outside of the store is written and nothing is left to be overwritten."""
    with closing(open_database(world.url)) as database, database.read() as tx:
        return scouring.due_now(tx) == 0 and (world.folder / "destroyed").exists()


def destruction(_world: World) -> tuple[Step, ...]:
    """Destroy a person by a command; the daemon does what a death left undone."""
    return (
        Step(("store", "destroy", "aigerim@example.com", "--why", "asked by phone", "--yes")),
        Step(("run",), until=is_scoured),
    )


def with_a_list_of_the_destroyed(world: World) -> None:
    """Keep the list in a place that does not depend on the engine."""
    world.write_config(retention={"journal": str(world.folder / "destroyed")}, staff={"digest_to": []})
    a_past(world)


def undestroyed(world: World) -> Iterator[str]:
    """Tell what a destruction left behind, or did twice."""
    listed = (world.folder / "destroyed").read_text().splitlines()
    if [line.split()[0] for line in listed[1:]].count("destroyed") != 1:
        yield f"the list of the destroyed has {len(listed) - 1} lines"
    for file in world.folder.glob("mailbot.db*"):
        if b"aigerim@" in file.read_bytes():
            yield f"{file.name} still names the person"


def a_backup(world: World) -> tuple[Step, ...]:
    """Copy the store to a file that is not there yet."""
    copies = len(list(world.folder.glob("copy?.db")))
    return (Step(("store", "backup", str(world.folder / f"copy{copies}.db"))),)


def bad_copies(world: World) -> Iterator[str]:
    """Tell which copies a person could take for whole that are not."""
    copies = sorted(world.folder.glob("copy?.db"))
    whole = 0
    for copy in copies:
        with closing(sqlite3.connect(f"file:{copy}?immutable=1", uri=True)) as store:
            try:
                (count,) = store.execute("SELECT count(*) FROM requests").fetchone()
                (verdict,) = store.execute("PRAGMA integrity_check").fetchone()
            except sqlite3.DatabaseError as error:
                verdict, count = str(error), 0
        if (verdict, count) != ("ok", 1):
            yield f"{copy.name} of {len(copies)}, {copy.stat().st_size} bytes: {verdict}"
        whole += verdict == "ok"
    if not whole:
        yield "there is no copy"


OLD_ROWS = (
    "INSERT INTO cursors (inbox, folder, uidvalidity, last_uid, start_at, renumbered_below, tries, hangups)"
    " VALUES ('info@alit.kz', 'Old', 1, 7, '2025-01-01 00:00:00', 0, 0, 0)",
    "INSERT INTO ledger (id, inbox, folder, uidvalidity, uid, fingerprint, received_at, taken_at, outcome, reason)"
    " VALUES (1, 'info@alit.kz', 'Old', 1, 7, '0123456789abcdef', '2025-01-01 00:00:00', '2025-01-01 00:00:00', 'ordinary', 'x')",
    "INSERT INTO subscribers (id, surname, more, since) VALUES (1, 'Үлгінова', '{}', '2025-01-01 00:00:00')",
)


def an_old_store(world: World) -> None:
    """Make a store as the first release made it, with something in it."""
    with closing(open_database(f"sqlite:///{world.folder}/unused.db")):
        pass  # only for the folder's rights
    if world.url.startswith("sqlite"):
        (world.folder / "mailbot.db").touch(0o600)
    config, engine = Config(), create_engine(world.url)
    config.set_main_option("script_location", str(ROOT / "storage" / "migrations"))
    with engine.begin() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, "0001")
        for row in OLD_ROWS:
            tx.execute(text(row))
    engine.dispose()


def badly_upgraded(world: World) -> Iterator[str]:
    """Tell whether the store has another schema than this version's."""
    with closing(open_database(world.url)) as database, database.read() as tx:
        found = tx.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    if found != [SCHEMA]:
        yield f"schema {found}"


def one_round(*without: str) -> Callable[[World], tuple[Step, ...]]:
    """Return what goes one round, at a server that lacks something."""
    return lambda _: (Step(ONCE, without=without),)


def typed(*arguments: str) -> Callable[[World], tuple[Step, ...]]:
    """Return what types one command; a name without a folder lies in the world's."""
    return lambda world: (Step(tuple(str(world.folder / each) if each.endswith(".csv") else each for each in arguments)),)


STORIES = (
    Story("mail is taken in and answered", a_post, one_round()),
    Story("mail is moved", filed_in_a_folder, one_round(), begins="IMAP UID MOVE", ends="IMAP LIST"),
    Story("mail is copied, marked and expunged", filed_in_a_folder, one_round("MOVE"), begins="IMAP UID COPY", ends="IMAP LIST"),
    Story("staff answer the digest", a_digest_that_is_answered, one_round()),
    Story("a sender confirms", asked_back, one_round()),
    Story("the daemon sends the digest", midday, lambda _: (Step(("run",), until=digest_is_sent),)),
    Story("staff refuse by a command", a_question, refusal, ends="IMAP CAPABILITY"),
    Story("people are imported", a_list, typed("subscribers", "import", "people.csv")),
    Story("a person is destroyed", with_a_list_of_the_destroyed, destruction, undestroyed, tender=(("os.truncate destroyed", 1),)),
    Story("the store is copied", a_past, a_backup, bad_copies, ("sqlite",), tender=(("copying of more pages", 2),)),
    Story("the store is upgraded", an_old_store, typed("store", "upgrade", "--backed-up"), badly_upgraded),
    Story("the first start", lambda world: world.receive(ordinary("sales")), one_round(), ends="IMAP EXAMINE"),
)
