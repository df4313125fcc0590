"""What leaves for a school's own system of records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, empty: the push is off."""
    op.create_table(
        "record_events",
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        sa.Column("categories", sa.JSON, nullable=False),
        sa.Column("area", sa.Text),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT),
        sa.Column("merged_into", sa.Text),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("claimed_until", MOMENT),
        sa.Column("claimed_by", sa.Text),
        sa.Column("words_at", MOMENT),
        sa.Column("sent_at", MOMENT),
        sa.Column("error", sa.Text),
        sa.Column("told_at", MOMENT),
        sa.PrimaryKeyConstraint("number", name="pk_record_events"),
        sa.UniqueConstraint("id", name="uq_record_events_id"),
        sa.CheckConstraint(
            "status IN ('queued', 'sent', 'failed', 'skipped')",
            name=op.f("ck_record_events_status"),
        ),
    )
    unsent = sa.text("status IN ('queued', 'failed')")
    op.create_index(
        "ix_record_events_unsent",
        "record_events",
        ["number"],
        sqlite_where=unsent,
        postgresql_where=unsent,
    )
    op.create_index("ix_record_events_case_id", "record_events", ["case_id", "number"])
    op.create_index("ix_record_events_sent_at", "record_events", ["sent_at"])
    op.create_table(
        "record_push",
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("words", sa.Boolean, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("system", name="pk_record_push"),
    )
