"""Files that staff attach to cases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table, empty."""
    op.create_table(
        "attachments",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("scanned", sa.Boolean, nullable=False),
        sa.Column("content", sa.Text),
        sa.Column("removed_at", MOMENT),
        sa.Column("removed_by", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_attachments"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_attachments_case_id"),
        sa.ForeignKeyConstraint(["by"], ["staff.id"], name="fk_attachments_by"),
        sa.ForeignKeyConstraint(["removed_by"], ["staff.id"], name="fk_attachments_removed_by"),
        sa.CheckConstraint(
            "(content IS NULL) = (removed_at IS NOT NULL)", name="ck_attachments_content"
        ),
    )
    op.create_index("ix_attachments_case_id", "attachments", ["case_id"])
