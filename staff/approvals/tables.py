"""The tables of signing: parts of texts that were opened to read, and the plan who signs what."""

from __future__ import annotations

import sqlalchemy as sa

from storage.engine import UtcDateTime, metadata

content_readings = sa.Table(
    "content_readings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("staff_id", sa.Text, sa.ForeignKey("staff.id"), nullable=False),
    sa.Column("content_id", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("words", sa.Integer, nullable=False),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Index("ix_content_readings_staff_id", "staff_id", "opened_at"),
)
"""Which part of which words a member of staff opened, and when. Our own words are in no row."""

signing_tasks = sa.Table(
    "signing_tasks",
    metadata,
    sa.Column("content_id", sa.Text, primary_key=True),
    sa.Column("staff_id", sa.Text, sa.ForeignKey("staff.id"), primary_key=True),
    sa.Column("words", sa.Integer, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
)
"""The signing plan: who signs which item by which day. A new plan replaces all its rows."""
