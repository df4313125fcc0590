"""False alarms in bulk, tasks of a colleague, linked cases, and what staff know of the child."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns and make the tables: so far, all of them are empty."""
    op.add_column("reviews", sa.Column("reason", sa.Text))
    op.add_column("reviews", sa.Column("batch", sa.Text))
    op.create_index("ix_reviews_batch", "reviews", ["batch"])
    # In SQL, because Alembic adds no column with a foreign key on SQLite.
    op.execute(
        "ALTER TABLE case_actions ADD COLUMN given_to TEXT "
        "CONSTRAINT fk_case_actions_given_to REFERENCES staff (id)"
    )
    op.add_column("case_actions", sa.Column("told_on", sa.Date))
    op.create_index("ix_case_actions_given_to", "case_actions", ["given_to"])
    _written_by_staff(
        "case_links",
        sa.Column("other_id", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("ended_by", sa.Text),
        sa.ForeignKeyConstraint(["other_id"], ["cases.id"], name="fk_case_links_other_id"),
        sa.ForeignKeyConstraint(["ended_by"], ["staff.id"], name="fk_case_links_ended_by"),
    )
    op.create_index("ix_case_links_other_id", "case_links", ["other_id"])
    _written_by_staff(
        "child_details",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.CheckConstraint("kind IN ('age', 'known_pupil')", name="ck_child_details_kind"),
    )


def _written_by_staff(name: str, *more: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        *more,
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=f"fk_{name}_case_id"),
        sa.ForeignKeyConstraint(["by"], ["staff.id"], name=f"fk_{name}_by"),
    )
    op.create_index(f"ix_{name}_case_id", name, ["case_id"])
