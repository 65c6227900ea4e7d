"""A backup, a restore of it, and the list outside of the store by which the restored store keeps its word (H106, H107)."""

import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from mailbot import backup, retention
from mailbot.backup import Reapplied
from mailbot.config import load_config
from mailbot.desk import Desk
from mailbot.errors import Problem
from mailbot.retention import retention_order
from rules.addresses import mailbox_key
from rules.vocabulary import RequestType
from storage import destruction, subscribers
from storage.database import SCHEMA, StoreFailure, StoreMisused, open_database, upgrade
from storage.destruction import How
from tests.mailbot.register_room import NOW, PERSON, arrive, is_on_file, is_suppressed, office, open_desk, put_on_file, request
from tests.mailbot.test_alarms import no_room
from tests.mailbot.typing_room import Type, typist
from tests.servers import Postgresql
from tests.storage.test_chain import make_schema

SOMEBODY_ELSE = "dana@example.com"


@pytest.fixture
def type_(capsys: pytest.CaptureFixture[str]) -> Type:
    return typist(capsys)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return office(tmp_path)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def list_of(config: Path) -> Path:
    journal = retention_order(load_config(config)).journal
    assert journal is not None
    return journal


def follow_up(desk: Desk, config: Path) -> None:
    retention.follow_up(desk, retention_order(load_config(config)))


def destroy(desk: Desk, address: str = PERSON) -> None:
    with desk.database.write() as tx:
        destruction.destroy(tx, destruction.person_with(tx, address), How.DESTROYED, None, desk.now())


def stop(desk: Desk, address: str = PERSON) -> None:
    with desk.database.write() as tx:
        subscribers.stop_messages(tx, {"2026-00009-K": desk.keys.of_address(mailbox_key(address))}, desk.now())


def resume(desk: Desk) -> None:
    with desk.database.write() as tx:
        subscribers.resume_messages(tx, "2026-00009-K", desk.now())


@contextmanager
def restored(config: Path, meanwhile: Callable[[Desk], None]) -> Iterator[Desk]:
    """Make a backup, let things happen a day later, put the backup in the store's place and open it two days later."""
    copy = config.with_name("backup.db")
    with open_desk(config) as desk:
        backup.back_up(desk.database, copy)
    with open_desk(config, NOW + timedelta(days=1)) as desk:
        meanwhile(desk)
        follow_up(desk, config)
    for part in config.parent.glob("mailbot.db*"):
        if not part.name.endswith(".destroyed"):
            part.unlink()
    shutil.copy(copy, config.with_name("mailbot.db"))
    with open_desk(config, NOW + timedelta(days=2)) as desk:
        yield desk


def test_h106_a_backup_is_whole_by_itself_and_private_while_the_store_is_in_use(config: Path) -> None:
    copy = config.with_name("backup.db")
    with open_desk(config) as desk:
        put_on_file(desk)
        with desk.database.read() as tx:  # a reader, and a WAL that holds the newest rows
            assert None is not destruction.person_with(tx, PERSON).owner
        backup.back_up(desk.database, copy)
    assert 0o600 == mode_of(copy)
    assert [copy] == [*copy.parent.glob("backup.db*")]
    database = open_database(f"sqlite:///{copy}")
    with database.read() as tx:
        assert None is not destruction.person_with(tx, PERSON).owner
    database.close()


def test_a_backup_overwrites_nothing(config: Path, type_: Type) -> None:
    copy = config.with_name("backup.db")
    first = type_("store", "backup", copy, "--config", config)
    said = f"{copy} is a copy of the store. It holds whoever is on file now: keep it as closely, and let it expire.\n"
    assert (0, said, "") == (first.status, first.out, first.err)
    before = copy.read_bytes()
    again = type_("store", "backup", copy, "--config", config)
    assert (1, f"mailbot: {copy} is there already, and is not overwritten\n") == (again.status, again.err)
    assert before == copy.read_bytes()


def test_postgresql_is_backed_up_by_its_own_program(config: Path, type_: Type, postgresql: Postgresql) -> None:
    config.write_text(config.read_text().replace(f"sqlite:///{config.parent}/mailbot.db", postgresql.fresh_database()))
    said = type_("store", "backup", "b.dump", "--config", config)
    assert 1 == said.status
    assert "pg_dump --format=custom --file=b.dump postgresql://postgres@" in said.err
    missing = type_("store", "reapply", "--config", config)
    assert (1, "mailbot: no list is kept: write [retention] journal = PATH, or name one with --from LIST\n") == (
        missing.status,
        missing.err,
    )


def test_h107_a_restored_backup_destroys_again_what_was_destroyed_since(config: Path) -> None:
    with open_desk(config) as desk:
        put_on_file(desk)
        put_on_file(desk, SOMEBODY_ELSE)
        reference = arrive(desk, RequestType.DESTROY)

    def meanwhile(desk: Desk) -> None:
        with desk.database.write() as tx:
            destruction.destroy(tx, destruction.person_with(tx, PERSON), How.DESTROYED, reference, desk.now())

    with restored(config, meanwhile) as desk:
        assert is_on_file(desk)
        assert PERSON == request(desk, reference).sender
        assert Reapplied(destroyed=1) == backup.reapply(desk.database, desk.keys, list_of(config), desk.now())
        assert (False, True) == (is_on_file(desk), is_on_file(desk, SOMEBODY_ELSE))
        assert None is request(desk, reference).sender
        assert Reapplied() == backup.reapply(desk.database, desk.keys, list_of(config), desk.now()), "twice is as good as once"


def test_a_restored_backup_stops_messages_again(config: Path) -> None:
    with restored(config, stop) as desk:
        assert not is_suppressed(desk)
        assert Reapplied(stopped=1) == backup.reapply(desk.database, desk.keys, list_of(config), desk.now())
        assert is_suppressed(desk)
        assert Reapplied() == backup.reapply(desk.database, desk.keys, list_of(config), desk.now())


def test_who_wanted_messages_again_after_the_backup_gets_them_after_the_restore(config: Path) -> None:
    with open_desk(config) as desk:
        stop(desk)
        follow_up(desk, config)
    with restored(config, resume) as desk:
        assert is_suppressed(desk)
        assert Reapplied(resumed=1) == backup.reapply(desk.database, desk.keys, list_of(config), desk.now())
        assert not is_suppressed(desk)


def test_an_old_backup_never_takes_a_line_from_the_list(config: Path) -> None:
    def meanwhile(desk: Desk) -> None:
        put_on_file(desk)
        destroy(desk)
        stop(desk, SOMEBODY_ELSE)

    with restored(config, meanwhile) as desk:
        before = list_of(config).read_bytes()
        follow_up(desk, config)
        assert before == list_of(config).read_bytes()


def test_the_list_names_nobody_and_only_its_owner_reads_it(config: Path) -> None:
    with open_desk(config) as desk:
        put_on_file(desk)
        stop(desk)
        destroy(desk)
        follow_up(desk, config)
        key = desk.keys.of_address(PERSON).hex()
    assert 0o600 == mode_of(list_of(config))
    _, *lines = list_of(config).read_text().splitlines()
    assert [
        f"destroyed 2026-11-20T06:30:00+00:00 {key} destroyed",
        f"stopped 2026-11-20T06:30:00+00:00 {key} messages",
    ] == lines


def test_a_line_that_a_death_cut_off_is_written_again_whole(config: Path) -> None:
    with open_desk(config) as desk:
        stop(desk)
        follow_up(desk, config)
        whole = list_of(config).read_bytes()
        for cut in (1, 40, len(whole) - 3, len(whole)):
            list_of(config).write_bytes(whole[:-cut])
            follow_up(desk, config)
            assert whole == list_of(config).read_bytes()


def test_a_list_that_was_lost_is_written_anew(config: Path) -> None:
    with open_desk(config) as desk:
        stop(desk)
        destroy(desk)
        follow_up(desk, config)
        whole = list_of(config).read_bytes()
        list_of(config).unlink()
        follow_up(desk, config)
        assert (whole, 0o600) == (list_of(config).read_bytes(), mode_of(list_of(config)))


def test_the_list_of_another_store_is_refused(config: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = office(tmp_path / "other")
    with open_desk(other) as desk:
        follow_up(desk, other)
    with open_desk(config) as desk, pytest.raises(Problem, match="belongs to another store"):
        backup.reapply(desk.database, desk.keys, list_of(other), desk.now())


@pytest.mark.parametrize("spoilt", ["destroyed yesterday 00 destroyed", "destroyed", "forgiven 2026-11-20T06:30:00+00:00 00 x", ""])
def test_of_a_list_with_a_line_that_cannot_be_read_nothing_is_applied(config: Path, spoilt: str) -> None:
    with open_desk(config) as desk:
        put_on_file(desk)
        follow_up(desk, config)
        key = desk.keys.of_address(PERSON).hex()
        with list_of(config).open("a") as file:
            file.write(f"destroyed 2026-11-20T06:30:00+00:00 {key} destroyed\n{spoilt}\n")
        with pytest.raises(Problem, match="line 3: is no line"):
            backup.reapply(desk.database, desk.keys, list_of(config), desk.now())
        assert is_on_file(desk)


def test_a_list_that_is_not_there_is_told(config: Path, type_: Type) -> None:
    said = type_("store", "reapply", "--from", "/nowhere/list", "--config", config)
    assert (1, "mailbot: the list /nowhere/list cannot be read: no such file or directory\n") == (said.status, said.err)


def test_reapplying_is_told_in_numbers(config: Path, type_: Type) -> None:
    with open_desk(config) as desk:
        put_on_file(desk)

    def meanwhile(desk: Desk) -> None:
        destroy(desk)
        stop(desk, SOMEBODY_ELSE)

    with restored(config, meanwhile) as desk:
        assert is_on_file(desk)
    said = type_("store", "reapply", "--config", config)
    assert (0, "Destroyed again: 1. Stopped again: 1. Stops lifted again: 0.\n", "") == (said.status, said.out, said.err)


@pytest.mark.parametrize("name", ["mailbot.db", "mailbot.db-wal"])
def test_h106_a_store_that_every_user_can_read_is_refused(config: Path, name: str) -> None:
    with open_desk(config):
        (config.parent / name).chmod(0o604)
        with pytest.raises(StoreMisused, match=f"{name} is open to every user of this machine: run `chmod 600"):
            open_database(load_config(config).store.url)


def test_h106_a_list_that_every_user_can_read_is_refused(config: Path, type_: Type) -> None:
    with open_desk(config) as desk:
        follow_up(desk, config)
    list_of(config).chmod(0o644)
    said = type_("store", "reapply", "--config", config)
    assert (78, True) == (said.status, "chmod 600" in said.err)


def test_nobody_is_advised_to_close_a_file_that_is_no_list(config: Path, type_: Type) -> None:
    program = config.with_name("program")
    program.write_bytes(b"\x7fELF\xff\n")
    text = config.with_name("text")
    text.write_text("mailbot\n", encoding="ascii")
    for file in (program, text):
        file.chmod(0o755)
        said = type_("store", "reapply", "--from", file, "--config", config)
        assert (1, f"mailbot: {file} is not a list of what mailbot destroyed\n") == (said.status, said.err)


def test_h35_a_backup_that_finds_no_room_says_so_of_itself_and_leaves_nothing(config: Path, type_: Type) -> None:
    copy = config.with_name("backup.db")
    with open_desk(config) as desk:
        put_on_file(desk)
        before = sorted(config.parent.iterdir())
        with no_room(), pytest.raises(Problem, match=f"^the backup {copy} cannot be written: .+; nothing was changed$"):
            backup.back_up(desk.database, copy)
        assert before == sorted(config.parent.iterdir())
        backup.back_up(desk.database, copy)
        assert is_on_file(desk)


def test_a_store_that_is_spoilt_is_not_blamed_on_its_backup(config: Path) -> None:
    store = config.with_name("mailbot.db")
    with open_desk(config) as desk:
        put_on_file(desk)
    with store.open("r+b") as file:
        file.seek(4096)
        file.write(b"spoilt " * 600)
    database = open_database(f"sqlite:///{store}")
    with pytest.raises((Problem, StoreFailure), match=r"not whole|the store .* cannot be used"):
        backup.back_up(database, config.with_name("backup.db"))
    database.close()
    assert [] == [*config.parent.glob("backup.db*")]


# --- before an upgrade -------------------------------------------------------------------------------------------------
def test_h106_an_upgrade_makes_a_backup_first_and_says_where(config: Path, type_: Type) -> None:
    store = config.with_name("mailbot.db")
    make_schema(f"sqlite:///{store}", "0005")
    said = type_("store", "upgrade", "--config", config)
    (copy,) = config.parent.glob("mailbot.db.0005-*")
    told = f"The store as it was is kept in {copy}; it holds whoever is on file: remove it once all is well.\n"
    assert (0, told + f"The store has schema {SCHEMA} (it had 0005).\n", "") == (said.status, said.out, said.err)
    assert 0o600 == mode_of(copy)
    assert ("0005", SCHEMA) == upgrade(f"sqlite:///{copy}"), "the backup is the older store, whole and usable"


def test_h106_a_store_that_needs_no_upgrade_is_not_copied(config: Path, type_: Type) -> None:
    assert ("The store has schema " + SCHEMA + " (it had none).\n") == type_("store", "upgrade", "--config", config).out
    assert f"The store has schema {SCHEMA}.\n" == type_("store", "upgrade", "--config", config).out
    assert [] == [*config.parent.glob("mailbot.db.0*")]


def test_h106_postgresql_is_upgraded_once_somebody_says_that_there_is_a_backup(config: Path, type_: Type, postgresql: Postgresql) -> None:
    url = postgresql.fresh_database()
    config.write_text(config.read_text().replace(f"sqlite:///{config.parent}/mailbot.db", url))
    make_schema(url, "0005")
    refused = type_("store", "upgrade", "--config", config)
    assert (1, "") == (refused.status, refused.out)
    assert "pg_dump --format=custom --file=FILE postgresql://postgres@" in refused.err
    assert "then: mailbot store upgrade --backed-up" in refused.err
    said = type_("store", "upgrade", "--backed-up", "--config", config)
    assert (0, f"The store has schema {SCHEMA} (it had 0005).\n") == (said.status, said.out)
