"""Which message of a case to read first, what else is possible, and what staff correct."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

CARRIED = {"conversation", "length", "gateway"}
"""Kinds of signals that no words of their message cause."""


def upgrade() -> None:
    """Add the columns; the message to read first is that which is gravest by its own words.

    Categories stay as they were assessed: which of them were told is known from the next message
    on, and staff may have worked by them.
    """
    op.add_column("cases", sa.Column("opening", sa.Text))
    op.add_column("cases", sa.Column("subject_said", sa.Text))
    op.add_column("cases", sa.Column("staff_subject", sa.Text))
    op.add_column("cases", sa.Column("staff_audience", sa.Text))
    op.add_column(
        "cases",
        sa.Column("possible_categories", sa.JSON, nullable=False, server_default=sa.text("'[]'")),
    )
    _find_openings(op.get_bind())


def _find_openings(connection: sa.Connection) -> None:
    cases = sa.table("cases", sa.column("id"), sa.column("merged_into"), sa.column("opening"))
    messages = sa.table(
        "escalations",
        *(sa.column(name) for name in ("message_id", "case_id", "severity", "raised_at")),
        sa.column("signals", sa.JSON),
    )
    ids = connection.execute(sa.select(cases.c.id)).scalars().all()
    for case_id in ids:
        merged = sa.select(cases.c.id).where(cases.c.merged_into == case_id)
        of_case = (messages.c.case_id == case_id) | messages.c.case_id.in_(merged)
        found = connection.execute(sa.select(messages).where(of_case, messages.c.severity > 0))
        ranked = sorted(found.mappings(), key=_rank)
        if ranked:
            opening = {"opening": ranked[0]["message_id"]}
            connection.execute(sa.update(cases).where(cases.c.id == case_id).values(**opening))


def _rank(message: Any) -> tuple[int, int, str, str]:
    order = ("none", "concern", "urgent", "immediate")
    signals = message["signals"]
    found = json.loads(signals) if isinstance(signals, str) else signals
    own = (order.index(each["severity"]) for each in found if each["kind"] not in CARRIED)
    when, key = str(message["raised_at"]), str(message["message_id"])
    return -max(own, default=0), -message["severity"], when, key
