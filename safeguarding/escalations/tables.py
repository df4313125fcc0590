"""The tables of the escalation log. Migrations make them; a test compares both."""

from __future__ import annotations

import sqlalchemy as sa

from safeguarding.database.metadata import UtcDateTime, metadata

escalations = sa.Table(
    "escalations",
    metadata,
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("conversation_id", sa.Text, nullable=False, index=True),
    sa.Column("raised_at", UtcDateTime, nullable=False),
    sa.Column("raised_by", sa.Text, nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("staff_severity", sa.SmallInteger),
    sa.Column("categories", sa.JSON, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("signals", sa.JSON, nullable=False),
    sa.Column("nearest", sa.Text),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("turns", sa.Text, nullable=False),
    sa.Column("shown", sa.Text, nullable=False),
    sa.Column("audience", sa.Text),
    sa.Column("area", sa.Text),
    sa.Column("extra", sa.JSON, nullable=False),
    sa.Column("status", sa.Text, nullable=False, index=True),
    sa.Column("closed_at", UtcDateTime),
    sa.CheckConstraint("severity BETWEEN 0 AND 3", name="severity"),
    sa.CheckConstraint("staff_severity BETWEEN 0 AND 3", name="staff_severity"),
    sa.CheckConstraint("status IN ('open', 'closed')", name="status"),
)

reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column(
        "message_id", sa.Text, sa.ForeignKey("escalations.message_id"), nullable=False, index=True
    ),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("by", sa.Text, sa.ForeignKey("staff.id"), nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("severity", sa.SmallInteger),
    sa.Column("missed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.CheckConstraint("severity BETWEEN 0 AND 3", name="severity"),
)

history = sa.Table(
    "history",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column(
        "message_id", sa.Text, sa.ForeignKey("escalations.message_id"), nullable=False, index=True
    ),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
)

SEALED: dict[sa.Table, tuple[str, ...]] = {
    escalations: ("text", "turns", "shown", "nearest"),
    reviews: ("note",),
}
"""The columns that hold what someone wrote, or what tells it: an envelope of the vault each."""
