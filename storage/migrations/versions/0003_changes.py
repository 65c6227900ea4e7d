"""What updates ask to change.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table of proposed changes."""
    op.create_table(
        "changes",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("reference", sa.String(20), nullable=False),
        sa.Column("field", sa.String(20), nullable=False),
        sa.Column("old", sa.Text()),
        sa.Column("new", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_changes"),
        sa.ForeignKeyConstraint(["reference"], ["requests.reference"], name="fk_changes_reference", ondelete="CASCADE"),
    )
    op.create_index("ix_changes_reference", "changes", ["reference"])
