"""Decisions on content: the table that staff write, and the approved digests that chat reads."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from safeguarding.content.reader import KINDS, Kinds
from safeguarding.content.signing import ApprovalDecision, Decided, approved_digests
from storage.engine import READING, UtcDateTime, metadata

approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("content_id", sa.Text, nullable=False, index=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("by", sa.Text, sa.ForeignKey("staff.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.CheckConstraint("decision IN ('approved', 'sent_back')", name="decision"),
)
"""Decisions on content. `words` is our own content, so it is stored unencrypted."""

_DECISION_COLUMNS = [column for column in approvals.c if column.name not in {"id", "words"}]


def read_decisions(
    connection: Connection, content_id: str | None = None
) -> dict[str, list[Decided]]:
    """Return the decisions by content id, oldest first: on all content, or on one item."""
    query = sa.select(*_DECISION_COLUMNS).order_by(approvals.c.id)
    if content_id is not None:
        query = query.where(approvals.c.content_id == content_id)
    decisions: dict[str, list[Decided]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        decided = Decided(**{**row, "decision": ApprovalDecision(row["decision"])})
        decisions[decided.content_id].append(decided)
    return decisions


def read_approved_digests(engine: Engine, kinds: Kinds = KINDS) -> frozenset[tuple[str, str]]:
    """Return content id and digest of each text that as many people signed as its kind needs.

    Raises SQLAlchemyError.
    """
    with engine.execution_options(**READING).connect() as connection:
        decisions = read_decisions(connection)
    return approved_digests(chain.from_iterable(decisions.values()), kinds)
