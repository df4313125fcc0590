"""Whom the organisation's identity provider knows a member of staff as."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of linked sign-ins; it is empty, because each person links their own."""
    op.create_table(
        "staff_sign_ons",
        sa.Column("staff_id", sa.Text, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("staff_id", name="pk_staff_sign_ons"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_staff_sign_ons_staff_id"),
        sa.UniqueConstraint("issuer", "subject", name="uq_staff_sign_ons_issuer"),
    )
