"""Parts of the content that leads opened to read, and the plan by which they sign."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make both tables, empty. What was signed before stays signed."""
    op.create_table(
        "content_readings",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("staff_id", sa.Text, nullable=False),
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("words", sa.Integer, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_content_readings"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_content_readings_staff_id"),
    )
    op.create_index("ix_content_readings_staff_id", "content_readings", ["staff_id", "opened_at"])
    op.create_table(
        "signing_tasks",
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("staff_id", sa.Text, nullable=False),
        sa.Column("words", sa.Integer, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("content_id", "staff_id", name="pk_signing_tasks"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_signing_tasks_staff_id"),
    )
