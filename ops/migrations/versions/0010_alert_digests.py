"""Which deliveries went together in one message, or wait to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: everything went alone so far."""
    op.add_column("deliveries", sa.Column("digest", sa.Text))
