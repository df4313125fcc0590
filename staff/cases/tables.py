"""Tables of cases and what belongs to them. Migrations create them; a test compares both."""

from __future__ import annotations

import sqlalchemy as sa

from staff.accounts.tables import staff
from storage.engine import UtcDateTime, metadata


def _case_key() -> sa.Column[str]:
    return sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), nullable=False, index=True)


def _staff_key(name: str, *, nullable: bool = True, index: bool | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text, sa.ForeignKey(staff.c.id), nullable=nullable, index=index)


cases = sa.Table(
    "cases",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("reference", sa.Text, nullable=False, unique=True),
    sa.Column("conversation_id", sa.Text, nullable=False, index=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("assessed_severity", sa.SmallInteger, nullable=False),
    sa.Column("staff_severity", sa.SmallInteger),
    sa.Column("need", sa.Text),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("categories", sa.JSON, nullable=False),
    sa.Column("staff_categories", sa.JSON(none_as_null=True)),
    sa.Column("audience", sa.Text),
    sa.Column("area", sa.Text, index=True),
    sa.Column("opened_at", UtcDateTime, nullable=False, index=True),
    sa.Column("raised_at", UtcDateTime, nullable=False),
    sa.Column("newest_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("handoffs", sa.Integer, nullable=False),
    _staff_key("assigned_to", index=True),
    _staff_key("offered_to", index=True),
    _staff_key("closing_by", index=True),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("legal_hold", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("merged_into", sa.Text, sa.ForeignKey("cases.id"), index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.CheckConstraint("severity BETWEEN 0 AND 3", name="severity"),
    sa.CheckConstraint("assessed_severity BETWEEN 0 AND 3", name="assessed_severity"),
    sa.CheckConstraint("staff_severity BETWEEN 0 AND 3", name="staff_severity"),
    sa.CheckConstraint("status IN ('open', 'closed')", name="status"),
    # In the order of the queue: its first page takes the same time at any length.
    sa.Index("ix_cases_queue", "status", sa.text("severity DESC"), "due_at", "id"),
)

data_keys = sa.Table(
    "data_keys",
    metadata,
    sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("wrapped", sa.Text, nullable=False),
)

escalations = sa.Table(
    "escalations",
    metadata,
    sa.Column("message_id", sa.Text, primary_key=True),
    _case_key(),
    sa.Column("conversation_id", sa.Text, nullable=False, index=True),
    sa.Column("raised_at", UtcDateTime, nullable=False),
    sa.Column("raised_by", sa.Text, nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
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
    sa.CheckConstraint("severity BETWEEN 0 AND 3", name="severity"),
)

reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _case_key(),
    sa.Column("at", UtcDateTime, nullable=False),
    _staff_key("by", nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("severity", sa.SmallInteger),
    sa.Column("missed", sa.Boolean, nullable=False, server_default=sa.false()),
    _staff_key("second_by"),
    sa.CheckConstraint("severity BETWEEN 0 AND 3", name="severity"),
)

case_notes = sa.Table(
    "case_notes",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _case_key(),
    sa.Column("at", UtcDateTime, nullable=False),
    _staff_key("by", nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)

case_actions = sa.Table(
    "case_actions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _case_key(),
    sa.Column("at", UtcDateTime, nullable=False),
    _staff_key("by", nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("due_on", sa.Date),
    sa.Column("done_at", UtcDateTime),
    _staff_key("done_by"),
)

referrals = sa.Table(
    "referrals",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _case_key(),
    sa.Column("at", UtcDateTime, nullable=False),
    _staff_key("by", nullable=False),
    sa.Column("to_whom", sa.Text, nullable=False),
    sa.Column("how", sa.Text, nullable=False),
    sa.Column("made_at", UtcDateTime),
    sa.Column("reference", sa.Text),
    sa.Column("reason", sa.Text),
)

wishes = sa.Table(
    "wishes",
    metadata,
    sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("reach", sa.Text, nullable=False),
)

SEALED: dict[sa.Table, tuple[str, ...]] = {
    data_keys: ("wrapped",),
    escalations: ("text", "turns", "shown", "nearest"),
    reviews: ("note",),
    case_notes: ("text",),
    case_actions: ("what",),
    referrals: ("reference", "reason"),
    wishes: ("name", "reach"),
}
"""The sealed columns, each an envelope of the vault: what people wrote, and what gives it away."""
