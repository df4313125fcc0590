"""Alerts, their deliveries, the rota, and how staff are reached."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _alerts()
    _deliveries()
    _rota()


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        sa.Column("need", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("occasion", sa.Text, nullable=False),
        sa.Column("step", sa.SmallInteger, nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("ended_by", sa.Text),
        sa.CheckConstraint("reason IN ('new', 'raised', 'reopened')", name="ck_alerts_reason"),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
        sa.UniqueConstraint("case_id", "severity", "reason", "occasion", name="uq_alerts_case_id"),
    )
    op.create_index("ix_alerts_case_id", "alerts", ["case_id"])
    op.create_index("ix_alerts_due", "alerts", ["ended_at", "next_at"])


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("alert_id", sa.Integer, nullable=False),
        sa.Column("step", sa.SmallInteger, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True)),
        sa.Column("claimed_by", sa.Text),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text),
        sa.CheckConstraint(
            "status IN ('queued', 'sent', 'failed', 'dropped')", name="ck_deliveries_status"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.id"], name="fk_deliveries_alert_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint(
            "alert_id", "step", "channel", "recipient", name="uq_deliveries_alert_id"
        ),
    )
    op.create_index("ix_deliveries_due", "deliveries", ["status", "channel", "next_at"])
    op.create_index("ix_deliveries_recipient", "deliveries", ["recipient", "channel"])


def _rota() -> None:
    op.create_table(
        "rota_shifts",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("staff_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cover_for", sa.Text),
        sa.CheckConstraint(
            "kind IN ('on_duty', 'second', 'duty_manager')", name="ck_rota_shifts_kind"
        ),
        sa.CheckConstraint("starts_at < ends_at", name="ck_rota_shifts_order"),
        sa.PrimaryKeyConstraint("id", name="pk_rota_shifts"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_rota_shifts_staff_id"),
        sa.ForeignKeyConstraint(["cover_for"], ["staff.id"], name="fk_rota_shifts_cover_for"),
    )
    op.create_index("ix_rota_shifts_ends_at", "rota_shifts", ["ends_at"])
    op.create_table(
        "contact_ways",
        sa.Column("staff_id", sa.Text, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("phone", sa.Text),
        sa.Column("sms_from", sa.SmallInteger, nullable=False),
        sa.Column("quiet_from", sa.SmallInteger),
        sa.Column("quiet_to", sa.SmallInteger),
        sa.PrimaryKeyConstraint("staff_id", name="pk_contact_ways"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_contact_ways_staff_id"),
    )
