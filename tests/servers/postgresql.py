"""PostgreSQL: a cluster that begins and ends with the tests."""

import itertools
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from tests.servers.programs import IS_ROOT, LOOPBACK, find_program, free_ports, private_directory, program


class Postgresql:
    """A PostgreSQL cluster that trusts everybody on loopback and is thrown away at the end."""

    def __init__(self) -> None:
        self._directory = private_directory("postgresql")
        self._home = Path(self._directory.name)
        self._numbers = itertools.count(1)
        (self.port,) = free_ports(1)

    @classmethod
    def missing(cls) -> str | None:
        """Name the Debian package that has to be installed first."""
        return None if find_program("initdb") else "postgresql"

    def __enter__(self) -> Self:
        if IS_ROOT:  # initdb and the server refuse to run as root
            shutil.chown(self._home, "postgres", "postgres")
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync")
        settings = f"-p {self.port} -h {LOOPBACK} -k {self._home} -c fsync=off -c synchronous_commit=off"
        self._run("pg_ctl", "start", "--wait", f"--log={self._home}/postgresql.log", f"--options={settings}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._run("pg_ctl", "stop", "--mode=immediate")
        self._directory.cleanup()

    def fresh_database(self) -> str:
        """Create an empty database and return its SQLAlchemy URL."""
        name = f"fresh{next(self._numbers)}"
        with psycopg.connect(host=LOOPBACK, port=self.port, user="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql+psycopg://postgres@{LOOPBACK}:{self.port}/{name}"

    def _run(self, name: str, *arguments: str) -> None:
        command = [program(name), *arguments, f"--pgdata={self._home}/cluster"]
        owner: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if IS_ROOT else {}
        # The server inherits what pg_ctl was given, so its output goes to a file: a pipe would never see its end.
        with Path(self._home, f"{name}.log").open("ab") as log:
            subprocess.run(command, check=True, cwd=self._home, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **owner)
