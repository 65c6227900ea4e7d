"""Several who write at once, on each engine: nobody locks anybody out, and nothing that one wrote is lost to another (H34, H96, H97).

``make stress MINUTES=10`` is the long form of the last test here.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from random import Random
from time import monotonic, sleep
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sqlalchemy import func, make_url, select

from mailbot import backup, entering, staff
from mailbot.config import load_config
from mailbot.desk import Acting, Desk, set_up_desk
from mailbot.digest import digest_order, queue_digest_now
from mailbot.entering import Entered
from mailbot.importing import Refusal, Terms, import_subscribers
from mailbot.staff import NotPossible
from rules.life import OPEN
from rules.vocabulary import RequestType
from storage import register
from storage.database import Database, open_database
from storage.tables import digests, letters, requests, subscribers
from storage.verification import verify
from tests.conftest import ConfigFile
from tests.mailbot.register_room import arrive, office, open_desk
from tests.mailbot.register_room import request as registered
from tests.mailbot.typing_room import PROGRAM, run_apart
from tests.scenarios.outside import append_all, ended, outcomes_in, request, requests_in, run_once, seen_by, start_program, store_of
from tests.servers import CapturingSmtp, Dovecot, Postgresql

GIVE_UP_SECONDS = 30
STRESS_SECONDS = float(os.environ.get("MINUTES", "0")) * 60 or 5.0
MOST_OPEN = 100
"""How many open requests are enough: a digest lists them all, and would take longer than everything else."""
ENGINES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))


@pytest.fixture
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a store that is not made yet, on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/mailbot.db"
    server: Postgresql = request.getfixturevalue("postgresql")
    return server.fresh_database()


@pytest.fixture
def desk(tmp_path: Path, postgresql: Postgresql) -> Iterator[Desk]:
    """Return a desk whose store is on PostgreSQL, which by itself lets several write at a time."""
    config = office(tmp_path)
    config.write_text(config.read_text().replace(f"sqlite:///{tmp_path}/mailbot.db", postgresql.fresh_database()))
    with open_desk(config) as desk:
        yield desk


def asked(url: str, question: str) -> Any:
    """Ask PostgreSQL itself, beside mailbot."""
    address = make_url(url)
    with psycopg.connect(host=address.host, port=address.port, user="postgres", dbname=address.database, autocommit=True) as connection:
        answer = connection.execute(question.encode())
        return answer.fetchone() if answer.description else None


def until_somebody_waits(desk: Desk) -> None:
    """Return once a transaction of this store waits for another one."""
    give_up = monotonic() + GIVE_UP_SECONDS
    while (
        asked(desk.database.address, "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        is None
    ):
        assert monotonic() < give_up, "nobody waits"
        sleep(0.01)


def flag_and_note(desk: Desk, reference: str) -> None:
    """Write the history of a request first and its row then, as ticking off does."""
    with desk.database.write() as tx:
        register.note(tx, [(reference, "done", "staff:bolat", {})], desk.now())
        register.flag(tx, reference, "not_confirmed")


def test_h34_two_who_write_a_request_in_opposite_order_never_lock_each_other_out(desk: Desk) -> None:
    """Two acts of staff do that; PostgreSQL would end one of them as a deadlock."""
    reference = arrive(desk, RequestType.ACCESS)
    with ThreadPoolExecutor(1) as other:
        with desk.database.write() as tx:
            register.postpone(tx, reference, date(2026, 12, 1))
            done = other.submit(flag_and_note, desk, reference)
            until_somebody_waits(desk)
            register.note(tx, [(reference, "postponed", "staff:dana", {})], desk.now())
        done.result()
    with desk.database.read() as tx:
        assert [] == verify(tx).faults


def test_h97_what_two_write_into_one_request_at_once_is_both_kept(desk: Desk) -> None:
    reference = arrive(desk, RequestType.ACCESS)
    with ThreadPoolExecutor(1) as other:
        with desk.database.write() as tx:
            register.flag(tx, reference, "denied")
            done = other.submit(flag_and_note, desk, reference)
            until_somebody_waits(desk)
        done.result()
    assert {"denied", "not_confirmed"} <= set(registered(desk, reference).flags)


def test_h97_a_server_that_isolates_more_by_default_changes_nothing(postgresql: Postgresql, tmp_path: Path) -> None:
    """Under REPEATABLE READ a transaction would see the store as it was before its turn came."""
    url = postgresql.fresh_database()
    asked(url, f"ALTER DATABASE {make_url(url).database} SET default_transaction_isolation = 'serializable'")
    config = office(tmp_path)
    config.write_text(config.read_text().replace(f"sqlite:///{tmp_path}/mailbot.db", url))
    with open_desk(config) as desk:
        test_h97_what_two_write_into_one_request_at_once_is_both_kept(desk)


@pytest.mark.parametrize("sqlstate", ["40P01", "40001", "55P03"], ids=["deadlock", "serialization failure", "lock not available"])
def test_h34_what_postgresql_breaks_off_is_done_whole_by_the_next_round(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, postgresql: Postgresql, sqlstate: str
) -> None:
    url = postgresql.fresh_database()
    config = config_file(store={"url": url})
    dovecot.append(mailbox, request("aigerim"))
    open_database(url).close()
    break_off = f"CREATE FUNCTION break_off() RETURNS trigger AS $$ BEGIN RAISE USING ERRCODE = '{sqlstate}'; END $$ LANGUAGE plpgsql"
    asked(url, break_off)
    asked(url, "CREATE TRIGGER broken BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION break_off()")
    assert (75, (), 0) == (run_once(config).exit_status, requests_in(config), len(smtp.envelopes))
    asked(url, "DROP TRIGGER broken ON ledger")
    assert 0 == run_once(config).exit_status
    assert ({"aigerim@example.com": 1}, {"request": 1}) == (seen_by(smtp), outcomes_in(config))


def open_in(database: Database) -> list[str]:
    """Return the references of what is open."""
    with database.read() as tx:
        return list(
            tx.execute(
                select(requests.c.reference).where(requests.c.state.in_(OPEN)).order_by(requests.c.received_at, requests.c.reference)
            ).scalars()
        )


def refuse(refusal: Refusal) -> None:
    """Let nobody be refused."""
    raise AssertionError(refusal.why)


# --- all at once ---------------------------------------------------------------------------------------------------------
class Writers:
    """All who write until the time is up, each with connections of its own as another process has them; what they wrote is counted."""

    def __init__(self, config: Path, dovecot: Dovecot, user: str, smtp: CapturingSmtp) -> None:
        self.config, self.folder, self.dovecot, self.user, self.smtp = config, config.parent, dovecot, user, smtp
        self.url = load_config(config).store.url
        self.wrote: Counter[str] = Counter()
        self._until = monotonic() + STRESS_SECONDS

    def rounds(self) -> Iterator[int]:
        """Yield numbers until the time is up and all have written; who has does something else for a moment, as everybody does."""
        for number in count():
            yield number
            now = monotonic()
            if now > self._until + 4 * GIVE_UP_SECONDS or (now > self._until and self.all_have_written()):
                return
            sleep(0.01)

    def all_have_written(self) -> bool:
        here = all(self.wrote[each] for each in ("mail", "entered", "imported", "digests", "staff:bolat", "staff:clara"))
        return here and bool(self.smtp.envelopes)  # the daemon is at work, too

    def desk(self) -> Desk:
        return set_up_desk(load_config(self.config), lambda: datetime.now(UTC))

    def mail_comes(self) -> None:
        with closing(open_database(self.url)) as database:
            for number in self.rounds():
                if len(open_in(database)) < MOST_OPEN:
                    append_all(self.dovecot, self.user, [request(f"person{number}x{each}") for each in range(2)])
                    self.wrote["mail"] += 2
                sleep(0.2)

    def staff_enter(self) -> None:
        """Letters come by post."""
        with closing((desk := self.desk()).database):
            for number in self.rounds():
                if len(open_in(desk.database)) >= MOST_OPEN:
                    sleep(0.05)
                    continue
                came = Entered(RequestType.ACCESS, "post", datetime.now(UTC), f"writer{number}@example.com")
                with desk.database.write() as tx:
                    entering.add_request(Acting(tx, desk, "staff:dana"), came)
                self.wrote["entered"] += 1
                sleep(0.1)

    def staff_act(self, who: str, chance: Random) -> None:
        """Two do so, often with the same request: then it is not possible for one of them, and nothing else goes wrong."""
        with closing((desk := self.desk()).database):
            for _ in self.rounds():
                if not (references := open_in(desk.database)[:3]):
                    sleep(0.05)
                    continue
                with suppress(NotPossible), desk.database.write() as tx:
                    staff.tick_off(Acting(tx, desk, who), chance.choice(references), what=None, system=None)
                    self.wrote[who] += 1

    def people_are_imported(self) -> None:
        file = self.folder / "people.csv"
        with closing(open_database(self.url)) as database:
            for number in self.rounds():
                lines = (f"subscriber{number}x{each}@example.com,informing" for each in range(20))
                file.write_text("\n".join(("email,consents", *lines)), encoding="ascii")
                terms = Terms(datetime.now(UTC), ZoneInfo("Asia/Almaty"))
                self.wrote["imported"] += import_subscribers(database, file, terms, refuse, lambda _line: None).added

    def backups_are_made(self) -> None:
        if not self.url.startswith("sqlite"):
            return
        with closing(open_database(self.url)) as database:
            for number in self.rounds():
                copy = self.folder / f"copy{number}.db"
                backup.back_up(database, copy)
                with closing(open_database(f"sqlite:///{copy}")) as restored, restored.read() as tx:
                    assert [] == verify(tx).faults
                copy.unlink()
                sleep(0.2)

    def digests_are_made(self) -> None:
        order = digest_order(load_config(self.config))
        with closing((desk := self.desk()).database):
            for _ in self.rounds():
                self.wrote["digests"] += queue_digest_now(desk, order, desk.now())
                sleep(0.2)

    def commands_are_typed(self) -> None:
        for _ in self.rounds():
            assert 0 == run_apart(PROGRAM, "evidence", "verify", "--config", self.config).status

    def all(self) -> list[Callable[[], None]]:
        staff = [lambda who=who: self.staff_act(who, Random(who)) for who in ("staff:bolat", "staff:clara")]
        more = [self.people_are_imported, self.backups_are_made, self.digests_are_made, self.commands_are_typed]
        return [self.mail_comes, self.staff_enter, *staff, *more]


@pytest.mark.parametrize("store_url", ENGINES, indirect=True)
def test_h96_under_stress_nobody_finds_the_store_locked_and_every_count_is_exact(
    dovecot: Dovecot, smtp: CapturingSmtp, mailbox: str, config_file: ConfigFile, store_url: str
) -> None:
    config = config_file(store={"url": store_url}, staff={"digest_at": "23:59"})
    open_database(store_url).close()
    writers = Writers(config, dovecot, mailbox, smtp)
    running = start_program(config)
    try:
        with ThreadPoolExecutor(len(writers.all())) as threads:
            for done in [threads.submit(write) for write in writers.all()]:
                done.result()  # raises what it met, "database is locked" too
    finally:
        running.terminate()
        daemon = ended(running)
    assert (0, False) == (daemon.status, "cannot be used" in daemon.said)
    assert [] == run_once(config).problems
    wrote = writers.wrote
    channels = select(requests.c.channel, func.count().label("many")).group_by(requests.c.channel)
    assert writers.all_have_written()
    assert {"request": wrote["mail"]} == outcomes_in(config)
    with store_of(config) as tx:
        by_channel = {row.channel: row.many for row in tx.execute(channels)}
        counted = [tx.execute(select(func.count()).select_from(table)).scalar() for table in (subscribers, digests)]
        told = Counter(tx.execute(select(letters.c.recipient).where(letters.c.state == "accepted")).scalars())
        assert ([], {None: wrote["mail"], "post": wrote["entered"]}) == (verify(tx).faults, by_channel)
    assert [wrote["imported"], wrote["digests"]] == counted
    assert told == seen_by(smtp)
