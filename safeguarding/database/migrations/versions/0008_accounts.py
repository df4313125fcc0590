"""Browsers in which staff have signed in before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table of known browsers."""
    _make_devices()


def _make_devices() -> None:
    op.create_table(
        "staff_devices",
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("staff_id", sa.Text, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", "staff_id", name="pk_staff_devices"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_staff_devices_staff_id"),
    )
