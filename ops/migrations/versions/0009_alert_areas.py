"""The area of an alert, so that it goes to staff who may see its case."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and fill it from the cases for alerts that are still open."""
    op.add_column("alerts", sa.Column("area", sa.Text))
    op.execute(
        "UPDATE alerts SET area = (SELECT cases.area FROM cases WHERE cases.id = alerts.case_id) "
        "WHERE ended_at IS NULL"
    )
