"""The two mailboxes between chat and staff, and what the chat may know of the rota."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
DUTY_HOURS = """
CREATE VIEW duty_hours AS
SELECT rota_shifts.starts_at, rota_shifts.ends_at, staff.areas
FROM rota_shifts
JOIN staff ON staff.id = rota_shifts.staff_id
JOIN contact_ways ON contact_ways.staff_id = rota_shifts.staff_id
WHERE rota_shifts.kind = 'on_duty'
  AND staff.disabled_at IS NULL
  AND (contact_ways.email IS NOT NULL OR contact_ways.phone IS NOT NULL)
"""
NOTIFY = """
CREATE FUNCTION handoffs_notify() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_notify('handoffs', ''); RETURN NULL; END $$
"""


def upgrade() -> None:
    """Make both mailboxes, empty, the view, and the call that wakes the case worker.

    A later migration that makes one of the view's tables anew on SQLite drops the view first.
    """
    _handoffs()
    _replies()
    op.execute(DUTY_HOURS)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(NOTIFY)
        op.execute(
            "CREATE TRIGGER handoffs_notify AFTER INSERT ON handoffs "
            "FOR EACH STATEMENT EXECUTE FUNCTION handoffs_notify()"
        )


def _handoffs() -> None:
    op.create_table(
        "handoffs",
        sa.Column("number", NUMBER, sa.Identity(), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.Column("sealed", sa.Text),
        sa.Column("done_at", MOMENT),
        sa.PrimaryKeyConstraint("number", name="pk_handoffs"),
        sa.UniqueConstraint("key", name="uq_handoffs_key"),
        sa.CheckConstraint(
            "kind IN ('callback', 'callback_withdrawn', 'message')", name="ck_handoffs_kind"
        ),
        sa.CheckConstraint("state IN ('assessed', 'not_assessed')", name="ck_handoffs_state"),
        sa.CheckConstraint("severity BETWEEN 0 AND 3", name="ck_handoffs_severity"),
        sa.CheckConstraint("(sealed IS NULL) = (done_at IS NOT NULL)", name="ck_handoffs_sealed"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_handoffs_conversation_id", "handoffs", ["conversation_id"])
    waits = sa.text("done_at IS NULL")
    op.create_index(
        "ix_handoffs_waiting",
        "handoffs",
        ["number"],
        sqlite_where=waits,
        postgresql_where=waits,
    )


def _replies() -> None:
    op.create_table(
        "replies",
        sa.Column("number", NUMBER, sa.Identity(), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("sealed", sa.Text),
        sa.Column("claimed_by", sa.Text),
        sa.Column("claimed_until", MOMENT),
        sa.Column("delivered_at", MOMENT),
        sa.PrimaryKeyConstraint("number", name="pk_replies"),
        sa.UniqueConstraint("key", name="uq_replies_key"),
        sa.CheckConstraint("delivered_at IS NULL OR sealed IS NULL", name="ck_replies_sealed"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_replies_conversation_id", "replies", ["conversation_id", "number"])
