"""Whether the holder of the lease still lives, also where /proc hides it from us, as the unit's ProtectProc does (H21)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mailbot.instance import Instance
from storage.database import open_database
from tests.scenarios.outside import ROOT
from tests.servers.programs import IS_ROOT
from tests.storage.stock import NOW

HIDDEN = f"""
mount -t proc -o hidepid=invisible proc /proc || exit 77
exec setpriv --reuid 65534 --regid 65534 --clear-groups {sys.executable} -c '
import sys; from mailbot.instance import _began, _is_dead
print(_began(int(sys.argv[2])) == "", _is_dead(" ".join(sys.argv[1:])))' "$@"
"""


@pytest.fixture
def holder(tmp_path: Path) -> str:
    """Return how this process is named as the holder of a lease."""
    database = open_database(f"sqlite:///{tmp_path}/mailbot.db")
    try:
        return Instance(database).holder
    finally:
        database.close()


def test_h21_a_process_that_proc_hides_is_not_taken_for_dead(holder: str) -> None:
    if not IS_ROOT or shutil.which("unshare") is None or shutil.which("setpriv") is None:
        pytest.skip("only root can hide processes")
    machine, pid, began = holder.rsplit(" ", 2)
    command = ["unshare", "--mount", "sh", "-c", HIDDEN, "sh", machine, pid, began]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)})
    if ran.returncode in (1, 77, 126, 127):
        pytest.skip(f"this machine does not let us hide processes: {ran.stderr.strip()[-80:]}")
    assert "True False\n" == ran.stdout


def test_h21_the_lease_of_a_process_that_has_ended_is_free(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/mailbot.db")
    other = f"from mailbot.instance import Instance; from storage.database import open_database; from tests.storage.stock import NOW; \
print(Instance(open_database({str(database.address)!r})).enter(NOW))"
    command = [sys.executable, "-c", other]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert ("True\n", True) == (ran.stdout, Instance(database).enter(NOW))
    database.close()


def test_h21_the_lease_of_a_living_process_is_not(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/mailbot.db")
    first, second = Instance(database), Instance(database)
    second.holder = f"{first.holder.rsplit(' ', 2)[0]} 1 1"
    assert (True, False) == (first.enter(NOW), second.enter(NOW))
    database.close()
