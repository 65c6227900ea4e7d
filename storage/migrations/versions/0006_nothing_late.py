"""Nothing late: what obligations follow from, the chain of events, reminders, alarms, digests that are answered.

Revision ID: 0006
"""

from collections import defaultdict
from datetime import UTC, datetime
from secrets import token_bytes
from typing import Any

import sqlalchemy as sa
from alembic import op

from storage import chain

revision = "0006"
down_revision = "0005"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
REFERENCE = sa.String(20)
TO_ENTER = sa.text("settled_at IS NOT NULL AND reference IS NOT NULL AND (entered_at IS NULL OR entered_at <> settled_at)")
GOES_ON = sa.text("ended_at IS NULL")

NEW_COLUMNS: dict[str, list[tuple[str, sa.types.TypeEngine[Any]]]] = {
    "requests": [("event", sa.String(30)), ("channel", sa.String(10))],
    "obligations": [("trigger", sa.String(30)), ("started_at", MOMENT), ("clause", sa.Text()), ("mark", sa.String(10))],
    "events": [("salt", sa.LargeBinary(16)), ("payload_hash", sa.LargeBinary(32)), ("hash", sa.LargeBinary(32))],
    "letters": [("entered_at", MOMENT)],
}


def upgrade() -> None:
    """Add columns and tables."""
    for table, columns in NEW_COLUMNS.items():
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind, nullable=True))
    op.create_index("ix_letters_to_enter", "letters", ["settled_at"], sqlite_where=TO_ENTER, postgresql_where=TO_ENTER)
    _make_reminders_and_alarms()
    _make_digests()
    _chain_what_is_there(op.get_bind())


def _make_reminders_and_alarms() -> None:
    op.create_table(
        "reminders",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("reference", REFERENCE, nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("step", sa.String(10), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reminders"),
        sa.UniqueConstraint("reference", "due", "step", name="uq_reminders_reference_due_step"),
        sa.ForeignKeyConstraint(["reference"], ["requests.reference"], name="fk_reminders_reference", ondelete="CASCADE"),
    )
    op.create_table(
        "alarms",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("what", sa.String(30), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("end_told_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alarms"),
    )
    op.create_index("uq_alarms_going_on", "alarms", ["what", "about"], unique=True, sqlite_where=GOES_ON, postgresql_where=GOES_ON)


def _make_digests() -> None:
    op.create_table(
        "digests",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("reader_key", sa.LargeBinary(16), nullable=False),
        sa.Column("code_key", sa.LargeBinary(16), nullable=False),
        sa.Column("queued_at", MOMENT, nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("head", sa.LargeBinary(32), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_digests"),
        sa.UniqueConstraint("code_key", name="uq_digests_code_key"),
    )
    op.create_index("ix_digests_reader_key", "digests", ["reader_key"])
    op.create_table(
        "orders",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("digest_id", NUMBER, nullable=False),
        sa.Column("inbox", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("uidvalidity", NUMBER, nullable=False),
        sa.Column("uid", NUMBER, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("standing", sa.String(10), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("answers", NUMBER, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("code_key", sa.LargeBinary(16), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.UniqueConstraint("inbox", "folder", "uidvalidity", "uid", name="uq_orders_inbox_folder_uidvalidity_uid"),
        sa.ForeignKeyConstraint(["digest_id"], ["digests.id"], name="fk_orders_digest_id"),
        sa.ForeignKeyConstraint(["answers"], ["orders.id"], name="fk_orders_answers"),
        sa.UniqueConstraint("code_key", name="uq_orders_code_key"),
    )
    op.create_table(
        "order_lines",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("order_id", NUMBER, nullable=False),
        sa.Column("digest_id", NUMBER, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("state", sa.String(15), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=True),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_order_lines"),
        sa.UniqueConstraint("order_id", "number", name="uq_order_lines_order_id_number"),
        sa.UniqueConstraint("digest_id", "act", name="uq_order_lines_digest_id_act"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_order_lines_order_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["digest_id"], ["digests.id"], name="fk_order_lines_digest_id"),
    )


EVENTS = sa.table(
    "events",
    *(sa.column(name, sa.Text()) for name in ("reference", "what", "who")),
    *(sa.column(name, sa.LargeBinary()) for name in ("salt", "payload_hash", "hash")),
    sa.column("id", NUMBER),
    sa.column("at", MOMENT),
    sa.column("detail", sa.JSON()),
)
OBLIGATIONS = sa.table(
    "obligations",
    *(sa.column(name, sa.Text()) for name in ("reference", "what", "system", "source", "arithmetic", "met_by")),
    sa.column("id", NUMBER),
    sa.column("due", sa.Date()),
    sa.column("met_at", MOMENT),
)
AT_ONCE = 1000


def _chain_what_is_there(connection: sa.Connection) -> None:
    """Begin the chain with the history that there is, as it is, and state what each request owes; as of the newest line."""
    number, before, at = 0, chain.GENESIS, None
    link = sa.update(EVENTS).where(EVENTS.c.id == sa.bindparam("line"))
    following = sa.select(EVENTS).where(EVENTS.c.id > sa.bindparam("after")).order_by(EVENTS.c.id).limit(AT_ONCE)
    while rows := connection.execute(following, {"after": number}).all():
        links = []
        for row in rows:
            number, at, salt = row.id, _utc(row.at), token_bytes(16)
            payload = chain.payload_hash(salt, row.who, row.detail)
            before = chain.line_hash(before, number, (row.reference, at, row.what), payload)
            links.append({"line": number, "salt": salt, "payload_hash": payload, "hash": before})
        connection.execute(link, links)
    if at is not None:
        _state_what_is_owed(connection, number, before, at)


def _state_what_is_owed(connection: sa.Connection, number: int, before: bytes, at: datetime) -> None:
    owed = defaultdict(list)
    for row in connection.execute(sa.select(OBLIGATIONS).order_by(OBLIGATIONS.c.id)):
        met = chain.moment(_utc(row.met_at)) if row.met_at else None
        stands = {"what": row.what, "system": row.system, "source": row.source, "due": row.due.isoformat() if row.due else None}
        owed[row.reference].append({**stands, "arithmetic": row.arithmetic, "met": met, "by": row.met_by})
    for (reference,) in connection.execute(sa.text("SELECT reference FROM requests ORDER BY reference")).all():
        number, salt, detail = number + 1, token_bytes(16), {"owed": owed[reference]}
        payload = chain.payload_hash(salt, "mailbot", detail)
        before = chain.line_hash(before, number, (reference, at, "owed"), payload)
        line = {"id": number, "reference": reference, "at": at, "what": "owed", "who": "mailbot", "detail": detail}
        connection.execute(sa.insert(EVENTS).values(**line, salt=salt, payload_hash=payload, hash=before))


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
