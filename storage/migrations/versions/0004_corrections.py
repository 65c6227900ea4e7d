"""What staff corrected: messages that were passed over, and requests that were none or of another type.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table of corrections."""
    op.create_table(
        "corrections",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("reference", sa.String(20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("was_outcome", sa.String(20), nullable=False),
        sa.Column("was_type", sa.String(20), nullable=True),
        sa.Column("was_reason", sa.Text(), nullable=False),
        sa.Column("says", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_corrections"),
        sa.ForeignKeyConstraint(["reference"], ["requests.reference"], name="fk_corrections_reference", ondelete="CASCADE"),
    )
    op.create_index("ix_corrections_reference", "corrections", ["reference"])
