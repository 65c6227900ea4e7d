"""The first schema.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
FILING_DUE = sa.text("filing = 'due'")
LETTER_WAITS = sa.text("state IN ('queued', 'deferred')")
NOT_LIFTED = sa.text("lifted_at IS NULL")


def upgrade() -> None:
    """Make every table."""
    _make_store()
    _make_mail()
    _make_subscribers()
    _make_requests()
    _make_duties()
    _make_letters()


def _make_store() -> None:
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_secrets"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )


def _make_mail() -> None:
    op.create_table(
        "cursors",
        sa.Column("inbox", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("uidvalidity", NUMBER, nullable=False),
        sa.Column("last_uid", NUMBER, nullable=False),
        sa.Column("start_at", MOMENT, nullable=False),
        sa.Column("last_pass_at", MOMENT),
        sa.Column("renumbered_at", MOMENT),
        sa.Column("renumbered_below", NUMBER, nullable=False),
        sa.Column("trying_from", NUMBER),
        sa.Column("trying_to", NUMBER),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("hangups", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("inbox", "folder", name="pk_cursors"),
    )
    op.create_table(
        "ledger",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("inbox", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("uidvalidity", NUMBER, nullable=False),
        sa.Column("uid", NUMBER, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(16), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("taken_at", MOMENT, nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(60), nullable=False),
        sa.Column("reference", sa.String(20)),
        sa.Column("filing", sa.String(10)),
        sa.PrimaryKeyConstraint("id", name="pk_ledger"),
        sa.UniqueConstraint("inbox", "folder", "uidvalidity", "uid", name="uq_ledger_inbox_folder_uidvalidity_uid"),
    )
    op.create_index(
        "ix_ledger_filing_due", "ledger", ["inbox", "folder", "uidvalidity", "uid"], sqlite_where=FILING_DUE, postgresql_where=FILING_DUE
    )
    op.create_index("ix_ledger_fingerprint", "ledger", ["fingerprint"])
    op.create_index("ix_ledger_reference", "ledger", ["reference"])
    op.create_table(
        "pending",
        sa.Column("inbox", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("uidvalidity", NUMBER, nullable=False),
        sa.Column("uid", NUMBER, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(60), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("inbox", "folder", "uidvalidity", "uid", name="pk_pending"),
    )
    op.create_table(
        "receipts",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("inbox", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("uidvalidity", NUMBER, nullable=False),
        sa.Column("uid", NUMBER, nullable=False),
        sa.Column("reference", sa.String(20)),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("sender_key", sa.LargeBinary(16)),
        sa.Column("message_key", sa.LargeBinary(16)),
        sa.Column("text_key", sa.LargeBinary(16)),
        sa.Column("domain_key", sa.LargeBinary(16)),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text()),
        sa.Column("attachments", sa.JSON(), nullable=False),
        sa.Column("raw", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_receipts"),
        sa.UniqueConstraint("inbox", "folder", "uidvalidity", "uid", name="uq_receipts_inbox_folder_uidvalidity_uid"),
    )
    op.create_index("ix_receipts_message_key", "receipts", ["message_key"])
    op.create_index("ix_receipts_reference", "receipts", ["reference"])
    op.create_index("ix_receipts_text_key", "receipts", ["text_key"])


def _make_subscribers() -> None:
    op.create_table(
        "subscribers",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("surname", sa.Text()),
        sa.Column("given_name", sa.Text()),
        sa.Column("patronymic", sa.Text()),
        sa.Column("more", sa.JSON(), nullable=False),
        sa.Column("blocked_at", MOMENT),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subscribers"),
    )
    op.create_table(
        "contacts",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("subscriber_id", NUMBER, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_contacts"),
        sa.UniqueConstraint("subscriber_id", "kind", "key", name="uq_contacts_subscriber_id_kind_key"),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscribers.id"], name="fk_contacts_subscriber_id", ondelete="CASCADE"),
    )
    op.create_index("ix_contacts_kind_key", "contacts", ["kind", "key"])
    op.create_table(
        "consents",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("subscriber_id", NUMBER, nullable=False),
        sa.Column("scope", sa.String(20), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date()),
        sa.Column("evidence", sa.Text()),
        sa.Column("ended_by", sa.String(20)),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscribers.id"], name="fk_consents_subscriber_id", ondelete="CASCADE"),
    )
    op.create_index("ix_consents_subscriber_id", "consents", ["subscriber_id"])
    op.create_table(
        "suppressions",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("address_key", sa.LargeBinary(16), nullable=False),
        sa.Column("scope", sa.String(20), nullable=False),
        sa.Column("reference", sa.String(20)),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("lifted_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_suppressions"),
    )
    op.create_index(
        "uq_suppressions_active",
        "suppressions",
        ["address_key", "scope", "reference"],
        unique=True,
        sqlite_where=NOT_LIFTED,
        postgresql_where=NOT_LIFTED,
    )
    op.create_table(
        "systems",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mode", sa.String(10), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_systems"),
    )


def _make_requests() -> None:
    op.create_table(
        "requests",
        sa.Column("reference", sa.String(20), nullable=False),
        sa.Column("type", sa.String(20)),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("language", sa.String(2)),
        sa.Column("standing", sa.String(10), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("due", sa.Date()),
        sa.Column("postponed_to", sa.Date()),
        sa.Column("closed_at", MOMENT),
        sa.Column("rule", sa.String(60), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("matched", sa.Text()),
        sa.Column("clause", sa.Text()),
        sa.Column("certainty", sa.String(10)),
        sa.Column("may_be", sa.JSON(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text()),
        sa.Column("sender_key", sa.LargeBinary(16)),
        sa.Column("subscriber_id", NUMBER),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("inbox", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("uidvalidity", NUMBER, nullable=False),
        sa.Column("uid", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("reference", name="pk_requests"),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscribers.id"], name="fk_requests_subscriber_id", ondelete="SET NULL"),
    )
    op.create_index("ix_requests_sender_key", "requests", ["sender_key"])
    op.create_index("ix_requests_state_due", "requests", ["state", "due"])


def _make_duties() -> None:
    op.create_table(
        "obligations",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("reference", sa.String(20), nullable=False),
        sa.Column("what", sa.String(30), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("starts", sa.String(20), nullable=False),
        sa.Column("due", sa.Date()),
        sa.Column("arithmetic", sa.Text(), nullable=False),
        sa.Column("losing", sa.JSON(), nullable=False),
        sa.Column("met_at", MOMENT),
        sa.Column("met_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_obligations"),
        sa.UniqueConstraint("reference", "what", "system", name="uq_obligations_reference_what_system"),
        sa.ForeignKeyConstraint(["reference"], ["requests.reference"], name="fk_obligations_reference", ondelete="CASCADE"),
    )
    op.create_table(
        "events",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("reference", sa.String(20), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("what", sa.String(40), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.ForeignKeyConstraint(["reference"], ["requests.reference"], name="fk_events_reference", ondelete="CASCADE"),
    )
    op.create_index("ix_events_reference", "events", ["reference"])


def _make_letters() -> None:
    op.create_table(
        "letters",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("cause", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("reference", sa.String(20)),
        sa.Column("topic", sa.String(20), nullable=False),
        sa.Column("language", sa.String(5), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("recipient_key", sa.LargeBinary(16), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("envelope_sender", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("capped", sa.Boolean(), nullable=False),
        sa.Column("aligned", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("queued_at", MOMENT, nullable=False),
        sa.Column("not_before", MOMENT, nullable=False),
        sa.Column("claimed_at", MOMENT),
        sa.Column("marked_at", MOMENT),
        sa.Column("settled_at", MOMENT),
        sa.Column("reply", sa.Text()),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_letters"),
        sa.UniqueConstraint("cause", "kind", name="uq_letters_cause_kind"),
        sa.UniqueConstraint("message_id", name="uq_letters_message_id"),
    )
    op.create_index("ix_letters_claimed_at", "letters", ["claimed_at"])
    op.create_index("ix_letters_domain_claimed_at", "letters", ["domain", "claimed_at"])
    op.create_index("ix_letters_recipient_key", "letters", ["recipient_key"])
    op.create_index("ix_letters_reference", "letters", ["reference"])
    op.create_index("ix_letters_waiting", "letters", ["not_before", "id"], sqlite_where=LETTER_WAITS, postgresql_where=LETTER_WAITS)
