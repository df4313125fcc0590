"""Escalations, reviews, history, staff accounts and their sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the first tables, and a history that the database itself refuses to change."""
    _make_escalations()
    _make_staff()
    _make_reviews()
    _make_history()
    if op.get_bind().dialect.name == "postgresql":
        _guard_history_on_postgresql()
    else:
        _guard_history_on_sqlite()


def _make_escalations() -> None:
    op.create_table(
        "escalations",
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        sa.Column("raised_by", sa.Text, nullable=False),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        sa.Column("staff_severity", sa.SmallInteger),
        sa.Column("categories", sa.JSON, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("signals", sa.JSON, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("turns", sa.Text, nullable=False),
        sa.Column("shown", sa.Text, nullable=False),
        sa.Column("audience", sa.Text),
        sa.Column("area", sa.Text),
        sa.Column("extra", sa.JSON, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("closed_at", MOMENT),
        sa.PrimaryKeyConstraint("message_id", name="pk_escalations"),
        _severity_check("escalations", "severity"),
        _severity_check("escalations", "staff_severity"),
        sa.CheckConstraint("status IN ('open', 'closed')", name=op.f("ck_escalations_status")),
    )
    op.create_index("ix_escalations_conversation_id", "escalations", ["conversation_id"])
    op.create_index("ix_escalations_status", "escalations", ["status"])


def _make_staff() -> None:
    op.create_table(
        "staff",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("shown_name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("disabled_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_staff"),
        sa.UniqueConstraint("name", name="uq_staff_name"),
    )
    op.create_table(
        "staff_sessions",
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("staff_id", sa.Text, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_staff_sessions"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_staff_sessions_staff_id"),
    )
    op.create_index("ix_staff_sessions_staff_id", "staff_sessions", ["staff_id"])


def _make_reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("severity", sa.SmallInteger),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
        _message_key("reviews"),
        sa.ForeignKeyConstraint(["by"], ["staff.id"], name="fk_reviews_by"),
        _severity_check("reviews", "severity"),
    )
    op.create_index("ix_reviews_message_id", "reviews", ["message_id"])


def _make_history() -> None:
    op.create_table(
        "history",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_history"),
        _message_key("history"),
    )
    op.create_index("ix_history_message_id", "history", ["message_id"])


def _severity_check(table: str, column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} BETWEEN 0 AND 3", name=op.f(f"ck_{table}_{column}"))


def _message_key(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["message_id"], ["escalations.message_id"], name=f"fk_{table}_message_id"
    )


def _guard_history_on_sqlite() -> None:
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER history_refuses_{verb.lower()} BEFORE {verb} ON history "
            "BEGIN SELECT RAISE(ABORT, 'the history is never changed'); END"
        )


def _guard_history_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION history_refuses() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the history is never changed'; END $$"
    )
    op.execute(
        "CREATE TRIGGER history_refuses BEFORE UPDATE OR DELETE OR TRUNCATE ON history "
        "FOR EACH STATEMENT EXECUTE FUNCTION history_refuses()"
    )
