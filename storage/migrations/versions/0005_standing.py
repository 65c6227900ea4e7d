"""Whom to believe, and what is kept of subscribers: confirmations, waves, tasks of other systems, amendments, destructions.

Revision ID: 0005
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from rules.addresses import mailbox_key
from rules.fingerprint import Keys

revision = "0005"
down_revision = "0004"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
REFERENCE = sa.String(20)

NEW_COLUMNS: dict[str, list[tuple[str, sa.types.TypeEngine[Any]]]] = {
    "subscribers": [("legal_hold", sa.Text()), ("depersonalised_at", MOMENT)],
    "contacts": [("address_key", sa.LargeBinary(16)), ("reference", REFERENCE)],
    "consents": [
        ("expires_on", sa.Date()),
        ("text_version", sa.Text()),
        ("source", sa.Text()),
        ("legal_ground", sa.Text()),
        ("recipients", sa.Text()),
    ],
    "suppressions": [("address", sa.Text())],
    "requests": [("proof", sa.String(30)), ("confirmed_at", MOMENT), ("legal_hold", sa.Text())],
}
NEW_INDEXES = [("contacts", "address_key"), ("requests", "received_at"), ("requests", "subscriber_id")]

MAILABLE = """CREATE VIEW mailable AS
SELECT DISTINCT contacts.value AS address, consents.scope AS scope
FROM contacts JOIN subscribers ON subscribers.id = contacts.subscriber_id JOIN consents ON consents.subscriber_id = subscribers.id
WHERE contacts.kind = 'email' AND contacts.address_key IS NOT NULL AND subscribers.blocked_at IS NULL
AND consents.scope IN ('informing', 'promotion') AND consents.since <= {today}
AND (consents.until IS NULL OR consents.until > {latest}) AND (consents.expires_on IS NULL OR consents.expires_on >= {latest})
AND NOT EXISTS (
    SELECT 1 FROM suppressions WHERE suppressions.address_key = contacts.address_key AND suppressions.lifted_at IS NULL
    AND suppressions.scope IN ('messages', consents.scope)
)"""
DAYS = {
    "sqlite": {"today": "date('now')", "latest": "date('now', '+14 hours')"},
    "postgresql": {
        "today": "CAST(CURRENT_TIMESTAMP AT TIME ZONE 'UTC' AS date)",
        "latest": "CAST(CURRENT_TIMESTAMP AT TIME ZONE 'UTC' + INTERVAL '14 hours' AS date)",
    },
}


def upgrade() -> None:
    """Add columns, tables and the view; give the addresses on file their keyed hashes."""
    for table, columns in NEW_COLUMNS.items():
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind, nullable=True))
    for table, column in NEW_INDEXES:
        op.create_index(f"ix_{table}_{column}", table, [column])
    _make_subscriber_tables()
    _make_request_tables()
    connection = op.get_bind()
    _hash_addresses(connection)
    op.execute(MAILABLE.format(**DAYS[connection.dialect.name]))


def _make_subscriber_tables() -> None:
    op.create_table(
        "amendments",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("subscriber_id", NUMBER, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("reference", REFERENCE, nullable=True),
        sa.Column("field", sa.String(40), nullable=False),
        sa.Column("old", sa.Text(), nullable=True),
        sa.Column("new", sa.Text(), nullable=True),
        sa.Column("undone_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_amendments"),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscribers.id"], name="fk_amendments_subscriber_id", ondelete="CASCADE"),
    )
    op.create_index("ix_amendments_subscriber_id", "amendments", ["subscriber_id"])
    op.create_index("ix_amendments_reference", "amendments", ["reference"])
    op.create_table(
        "destructions",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("address_key", sa.LargeBinary(16), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("how", sa.String(20), nullable=False),
        sa.Column("reference", REFERENCE, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_destructions"),
        sa.UniqueConstraint("address_key", "at", name="uq_destructions_address_key_at"),
    )


def _make_request_tables() -> None:
    to_request = ["requests.reference"]
    op.create_table(
        "confirmations",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("reference", REFERENCE, nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("asked_key", sa.LargeBinary(16), nullable=False),
        sa.Column("code_key", sa.LargeBinary(16), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("answer", sa.String(10), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_confirmations"),
        sa.UniqueConstraint("reference", "role", name="uq_confirmations_reference_role"),
        sa.ForeignKeyConstraint(["reference"], to_request, name="fk_confirmations_reference", ondelete="CASCADE"),
        sa.UniqueConstraint("code_key", name="uq_confirmations_code_key"),
    )
    op.create_index("ix_confirmations_asked_key", "confirmations", ["asked_key"])
    op.create_table(
        "waves",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_waves"),
    )
    op.create_table(
        "tasks",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("reference", REFERENCE, nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("what", sa.String(30), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("not_before", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("reference", "what", "system", name="uq_tasks_reference_what_system"),
        sa.ForeignKeyConstraint(["reference"], to_request, name="fk_tasks_reference", ondelete="CASCADE"),
    )
    op.create_index("ix_tasks_state_not_before", "tasks", ["state", "not_before"])


def _hash_addresses(connection: sa.Connection) -> None:
    """Fill ``contacts.address_key``, and ``suppressions.address`` from the requests that stopped messages."""
    secret = connection.execute(sa.text("SELECT value FROM secrets WHERE name = 'fingerprint'")).scalar()
    if secret is None:
        return
    keys = Keys(bytes(secret))
    emails = connection.execute(sa.text("SELECT id, value FROM contacts WHERE kind = 'email'")).all()
    if emails:
        hashed = [{"contact": row.id, "address_key": keys.of_address(mailbox_key(row.value))} for row in emails]
        connection.execute(sa.text("UPDATE contacts SET address_key = :address_key WHERE id = :contact"), hashed)
    connection.execute(
        sa.text(
            "UPDATE suppressions SET address = (SELECT sender FROM requests"
            " WHERE requests.reference = suppressions.reference AND requests.sender_key = suppressions.address_key)"
        )
    )
