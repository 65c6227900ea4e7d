"""mailbot as a process that kills itself with SIGKILL at a chosen point; every line of mailbot is the real one.

``python -m tests.scenarios.dying POINT PATTERN ARGUMENT…`` runs ``mailbot ARGUMENT…``. It listens to SQLAlchemy's public
engine events and to the audit event of each IMAP command, so nothing of mailbot is replaced. What a pattern is matched with:

    imap              an IMAP command that is about to be sent
    before_statement  an SQL statement with its parameters, about to be executed
    after_statement   the same, executed and not committed
    before_commit     the same, when the transaction it belongs to is about to be committed
    after_commit      the same, when that transaction was committed
"""

import os
import re
import signal
import sys
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import Pool


def die_at(point: str, pattern: str) -> None:
    """Arrange for this process to be killed when it gets there."""
    looks_for = re.compile(pattern, re.DOTALL)
    if point == "imap":
        sys.addaudithook(lambda name, arguments: die_if(name == "imaplib.send" and looks_for.search(repr(arguments[1]))))
    else:
        listen(point, looks_for)


def listen(point: str, looks_for: re.Pattern[str]) -> None:
    """Die at a statement, or at the end of the transaction that it belongs to."""
    matched: set[Any] = set()

    def before(connection: Connection, _cursor: object, statement: str, parameters: object, _context: object, _many: bool) -> None:
        if looks_for.search(f"{statement} {parameters}"):
            die_if(point == "before_statement")
            matched.add(connection.connection.dbapi_connection)

    def after(connection: Connection, *_: object) -> None:
        die_if(point == "after_statement" and connection.connection.dbapi_connection in matched)

    def commit(connection: Connection) -> None:
        die_if(point == "before_commit" and connection.connection.dbapi_connection in matched)

    def checkin(dbapi_connection: object, _record: object) -> None:
        die_if(point == "after_commit" and dbapi_connection in matched)

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    event.listen(Engine, "commit", commit)
    event.listen(Pool, "checkin", checkin)


def die_if(reached: object) -> None:
    """End as a power cut would."""
    if reached:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    die_at(sys.argv[1], sys.argv[2])
    from mailbot.cli.app import main

    sys.argv[1:3] = []
    main()
