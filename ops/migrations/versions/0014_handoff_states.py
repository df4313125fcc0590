"""An index of the hand-offs that wait, by their state: for thousands that wait to be assessed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

WAITS = sa.text("done_at IS NULL")


def upgrade() -> None:
    """Make the index. It holds no row that is done, so it is small however many there are."""
    op.create_index(
        "ix_handoffs_state",
        "handoffs",
        ["state", "number", "written_at"],
        sqlite_where=WAITS,
        postgresql_where=WAITS,
    )
