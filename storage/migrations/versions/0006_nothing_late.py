"""Nothing late: what obligations follow from, the chain of events, reminders, alarms, digests that are answered.

Revision ID: 0006
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
REFERENCE = sa.String(20)
TO_ENTER = sa.text("settled_at IS NOT NULL AND entered_at IS NULL AND reference IS NOT NULL")
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
    op.create_index("ix_letters_to_enter", "letters", ["id"], sqlite_where=TO_ENTER, postgresql_where=TO_ENTER)
    _make_reminders_and_alarms()
    _make_digests()


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
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.UniqueConstraint("inbox", "folder", "uidvalidity", "uid", name="uq_orders_inbox_folder_uidvalidity_uid"),
        sa.ForeignKeyConstraint(["digest_id"], ["digests.id"], name="fk_orders_digest_id"),
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
        sa.Column("code_key", sa.LargeBinary(16), nullable=True),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_order_lines"),
        sa.UniqueConstraint("order_id", "number", name="uq_order_lines_order_id_number"),
        sa.UniqueConstraint("digest_id", "act", name="uq_order_lines_digest_id_act"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_order_lines_order_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["digest_id"], ["digests.id"], name="fk_order_lines_digest_id"),
        sa.UniqueConstraint("code_key", name="uq_order_lines_code_key"),
    )
