"""Addresses that refuse alerts, and which alerts and cases belong to one burst."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table, empty, and add the columns: so far, no alert belongs to a burst."""
    op.create_table(
        "refused_ways",
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("tell_at", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT),
        sa.PrimaryKeyConstraint("channel", "recipient", name="pk_refused_ways"),
    )
    op.add_column("alerts", sa.Column("sender", sa.Text))
    op.add_column("alerts", sa.Column("burst", sa.Integer))
    op.create_index("ix_alerts_raised_at", "alerts", ["raised_at"])
    op.create_index("ix_alerts_burst", "alerts", ["burst"])
    op.add_column("cases", sa.Column("burst", sa.Integer))
    op.create_index("ix_cases_burst", "cases", ["burst"])
