"""What `mailbot check` finds out about the store's files, the list of what was destroyed, and the disk they lie on."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mailbot.checkup_store import look_at_room
from mailbot.config import load_config
from mailbot.findings import Finding, Mark
from mailbot.retention import follow_up, retention_order
from tests.conftest import ConfigFile
from tests.mailbot.register_room import office, open_desk
from tests.mailbot.test_checkup import found, said, wrong
from tests.mailbot.test_checkup import made_store as made_empty_store

SOMEBODY = 65534
"""Who owns the folder, as the service's user does."""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def made_store(config: Path) -> Path:
    """Make a store that has its list beside it."""
    with open_desk(config) as desk:
        follow_up(desk, retention_order(load_config(config)))
    return config.with_name("mailbot.db")


def list_of(store: Path) -> Path:
    return store.with_name(f"{store.name}.destroyed")


def of_another_store(journal: Path) -> None:
    folder = journal.parent / "another"
    folder.mkdir()
    shutil.copy(list_of(made_store(office(folder))), journal)


def open_to_all(journal: Path) -> None:
    journal.chmod(0o644)


def no_list(journal: Path) -> None:
    journal.write_text("mailbot\n")


def spoilt(journal: Path) -> None:
    with journal.open("a") as file:
        file.write("destroyed yesterday\n")


# --- the list --------------------------------------------------------------------------------------------------------
def test_h107_a_list_that_the_store_can_use_is_told(config_file: ConfigFile) -> None:
    config = config_file()
    journal = list_of(made_store(config))
    findings = found(config)
    assert [] == wrong(findings)
    assert f"{journal} is this store's list of what was destroyed" in said(findings, "store", Mark.OK)


@pytest.mark.parametrize(
    ("spoil", "status", "sentence"),
    [
        (open_to_all, 78, "{journal} is open to every user of this machine: run `chmod 600 {journal}`"),
        (of_another_store, 1, "{journal} belongs to another store: its keyed hashes were made with another secret; put this store's own"),
        (no_list, 1, "{journal} is not a list of what mailbot destroyed"),
        (spoilt, 1, "{journal}, line 2: is no line of such a list"),
    ],
)
def test_h107_a_list_that_cannot_be_used_is_wrong(
    config_file: ConfigFile, spoil: Callable[[Path], None], status: int, sentence: str
) -> None:
    config = config_file()
    journal = list_of(made_store(config))
    spoil(journal)
    findings = found(config)
    assert [("store", status)] == wrong(findings)
    assert sentence.format(journal=journal) in said(findings, "store", Mark.WRONG)


@pytest.mark.parametrize("store", [None, b""])
def test_h107_a_list_without_its_store_is_wrong(config_file: ConfigFile, store: bytes | None) -> None:
    config = config_file()
    file = made_store(config)
    for part in file.parent.glob("mailbot.db*"):
        if part != list_of(file):
            part.unlink()
    if store is not None:
        file.write_bytes(store)
    findings = found(config)
    assert [("store", 1)] == wrong(findings)
    missing = f"there is no store at {file}" if store is None else f"the store {file} is empty"
    cure = "and yet there is a list of what was destroyed in it: put the newest backup back (docs/recovery.md)"
    assert f"{missing}, {cure}" == said(findings, "store", Mark.WRONG)


# --- whose files they are --------------------------------------------------------------------------------------------
@as_root
@pytest.mark.parametrize("part", ["", "-wal", "-shm", ".destroyed"])
def test_h109_what_the_services_user_cannot_use_is_wrong_though_root_can(config_file: ConfigFile, part: str) -> None:
    config = config_file()
    file = made_store(config)
    foreign = Path(f"{file}{part}")
    with open_desk(config):
        for each in (file.parent, *file.parent.glob("mailbot.db*")):
            os.chown(each, SOMEBODY, SOMEBODY)
        assert [] == wrong(found(config))
        os.chown(foreign, 0, 0)
        findings = found(config)
    assert [("store", 1)] == wrong(findings)
    assert f"`chown nobody: {foreign}`" in said(findings, "store", Mark.WRONG)
    assert "can be written" not in said(findings, "store", Mark.OK)


@as_root
@pytest.mark.parametrize("part", ["", ".destroyed"])
def test_h109_what_its_own_owner_may_not_write_is_wrong_though_root_can(config_file: ConfigFile, part: str) -> None:
    config = config_file()
    file = Path(f"{made_store(config)}{part}")
    file.chmod(0o400)
    findings = found(config)
    assert [("store", 1)] == wrong(findings)
    assert f"`chmod 600 {file}`" in said(findings, "store", Mark.WRONG)
    assert "can be written" not in said(findings, "store", Mark.OK)


@as_root
def test_a_folder_of_root_says_nothing_of_the_services_user(config_file: ConfigFile) -> None:
    config = config_file()
    os.chown(made_empty_store(config), SOMEBODY, SOMEBODY)
    assert [] == wrong(found(config))


# --- the disk --------------------------------------------------------------------------------------------------------
def room(free: int) -> list[Finding]:
    return list(look_at_room(Path("/var/lib/mailbot"), free, low_disk_bytes=200_000_000))


def test_h35_a_disk_on_which_no_batch_has_room_is_wrong() -> None:
    (finding,) = room(4_999_999)
    assert (Mark.WRONG, "store", 75) == (finding.mark, finding.part, finding.exit_status)
    assert "4 MB are free in /var/lib/mailbot" in finding.text


def test_h35_a_disk_that_is_nearly_full_is_noted() -> None:
    (finding,) = room(199_999_999)
    assert (Mark.NOTE, 0) == (finding.mark, finding.exit_status)
    assert "199 MB are free in /var/lib/mailbot" in finding.text
    assert [] == room(200_000_000)


def test_h35_how_much_room_is_wanted_is_configured(config_file: ConfigFile, tmp_path: Path) -> None:
    config = config_file(alarm={"low_disk_megabytes": 10**12})
    made_empty_store(config)
    assert f"MB are free in {tmp_path}" in said(found(config), "store", Mark.NOTE)
