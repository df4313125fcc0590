"""A count of pledges by day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table: a day and a number, so that it can hold nothing about anyone."""
    op.create_table(
        "pledges",
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_pledges"),
        sa.CheckConstraint("count > 0", name=op.f("ck_pledges_count")),
    )
