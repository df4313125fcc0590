"""Decisions on content, and the role of a staff account."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of approvals, which the database itself refuses to change; give roles."""
    _give_roles()
    _make_approvals()
    if op.get_bind().dialect.name == "postgresql":
        _guard_on_postgresql()
    else:
        _guard_on_sqlite()


def _give_roles() -> None:
    # In one statement: on SQLite a check can only come with its column.
    op.execute(
        "ALTER TABLE staff ADD COLUMN role TEXT DEFAULT 'reviewer' NOT NULL "
        "CONSTRAINT ck_staff_role CHECK (role IN ('lead', 'reviewer'))"
    )
    op.execute(
        "UPDATE staff SET role = 'lead' WHERE id = "
        "(SELECT id FROM staff WHERE disabled_at IS NULL ORDER BY created_at, id LIMIT 1)"
    )


def _make_approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_approvals"),
        sa.ForeignKeyConstraint(["by"], ["staff.id"], name="fk_approvals_by"),
        sa.CheckConstraint(
            "decision IN ('approved', 'sent_back')", name=op.f("ck_approvals_decision")
        ),
    )
    op.create_index("ix_approvals_content_id", "approvals", ["content_id"])


def _guard_on_sqlite() -> None:
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER approvals_refuse_{verb.lower()} BEFORE {verb} ON approvals "
            "BEGIN SELECT RAISE(ABORT, 'approvals are never changed'); END"
        )


def _guard_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION approvals_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'approvals are never changed'; END $$"
    )
    op.execute(
        "CREATE TRIGGER approvals_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON approvals "
        "FOR EACH STATEMENT EXECUTE FUNCTION approvals_refuse()"
    )
