"""The table of the audit trail. A migration makes it; a test compares both."""

from __future__ import annotations

import sqlalchemy as sa

from storage.metadata import UtcDateTime, metadata

audit_events = sa.Table(
    "audit_events",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False, index=True),
    # No foreign keys: what is disposed of keeps its trail.
    sa.Column("case_id", sa.Text, index=True),
    sa.Column("message_id", sa.Text),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("link", sa.Text, nullable=False),
)
