"""What was missed, said by staff; our sentences nearest to a message, sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both columns. Older reviews said nothing of it; older records have no such sentences."""
    op.add_column(
        "reviews", sa.Column("missed", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.add_column("escalations", sa.Column("nearest", sa.Text))
