"""The tables of alerts and of the rota. Migrations make them; a test compares both.

None of them has a column for anything that a person wrote.
"""

from __future__ import annotations

import sqlalchemy as sa

from staff.accounts.tables import staff
from storage.metadata import UtcDateTime, metadata

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    # No foreign key: alerts know no cases, which stand above them.
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
    # Of the open ones, those that are due: read every second.
    sa.Index("ix_alerts_due", "ended_at", "next_at"),
)
"""`step` is the next step of the plan, `next_at` when it is due. `ended_by` is who acknowledged it,
or SUPERSEDED."""

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
"""`recipient` is the id of a member of staff, or TEAM. `error` is a kind of failure, no text.
`digest` names the message in which it goes with others; empty while it waits for one."""

rota_shifts = sa.Table(
    "rota_shifts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("staff_id", sa.Text, sa.ForeignKey(staff.c.id), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("starts_at", UtcDateTime, nullable=False),
    sa.Column("ends_at", UtcDateTime, nullable=False, index=True),
    sa.Column("cover_for", sa.Text, sa.ForeignKey(staff.c.id)),
    sa.CheckConstraint("kind IN ('on_duty', 'second', 'duty_manager')", name="kind"),
    sa.CheckConstraint("starts_at < ends_at", name="order"),
)
"""Who is on duty when. A shift with `cover_for` takes that person's place while it lasts."""

contact_ways = sa.Table(
    "contact_ways",
    metadata,
    sa.Column("staff_id", sa.Text, sa.ForeignKey(staff.c.id), primary_key=True),
    sa.Column("email", sa.Text),
    sa.Column("phone", sa.Text),
    sa.Column("sms_from", sa.SmallInteger, nullable=False),
    sa.Column("quiet_from", sa.SmallInteger),
    sa.Column("quiet_to", sa.SmallInteger),
)
"""How a member of staff is reached. `sms_from` is the least severity that is texted; from hour
`quiet_from` to `quiet_to`, London time, only the gravest is."""
