"""The tables of alerts and of their deliveries.

Migrations create them; a test compares both. No column holds anything that a person wrote.
"""

from __future__ import annotations

import sqlalchemy as sa

from storage.metadata import UtcDateTime, metadata

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    # No foreign key: alerts do not import cases.
    sa.Column("case_id", sa.Text, nullable=False, index=True),
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("need", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("raised_at", UtcDateTime, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("occasion", sa.Text, nullable=False),
    sa.Column("area", sa.Text),
    sa.Column("step", sa.SmallInteger, nullable=False),
    sa.Column("next_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("ended_by", sa.Text),
    sa.CheckConstraint("reason IN ('new', 'raised', 'reopened')", name="reason"),
    sa.UniqueConstraint("case_id", "severity", "reason", "occasion"),
    # The dispatcher looks for open alerts that are due every second.
    sa.Index("ix_alerts_due", "ended_at", "next_at"),
)
"""`step` is the next step of the plan and `next_at` when it is due. `ended_by` is the id of the
member of staff who acknowledged the alert, or SUPERSEDED."""

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column(
        "alert_id", sa.Integer, sa.ForeignKey("alerts.id", ondelete="CASCADE"), nullable=False
    ),
    sa.Column("step", sa.SmallInteger, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", UtcDateTime, nullable=False),
    sa.Column("claimed_until", UtcDateTime),
    sa.Column("claimed_by", sa.Text),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("error", sa.Text),
    sa.Column("digest", sa.Text),
    sa.CheckConstraint("status IN ('queued', 'sent', 'failed', 'dropped')", name="status"),
    sa.UniqueConstraint("alert_id", "step", "channel", "recipient"),
    sa.Index("ix_deliveries_due", "status", "channel", "next_at"),
    sa.Index("ix_deliveries_recipient", "recipient", "channel"),
)
"""`recipient` is the id of a member of staff, or TEAM. `error` is a kind of failure, never a
server's text. `digest` names the message that several deliveries share; empty while one waits."""
