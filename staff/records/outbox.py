"""The outbox of record events: what a school's own system of records is told of a case.

Each row is written in the transaction that changes the case and its audit trail, so neither can be
without the other. A row holds labels, times and a reference, and nothing that a person wrote.
Nothing is written while the push is off: the row of `record_push` is the switch, so that console,
case worker and commands agree without a restart.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from storage.engine import UtcDateTime, metadata

ACKNOWLEDGED = "acknowledged"
KINDS: Mapping[str, str] = {
    "recorded": "opened",
    "raised": "raised",
    "reopened": "reopened",
    "false alarm undone": "reopened",
    "viewed": ACKNOWLEDGED,
    "live chat joined": ACKNOWLEDGED,
    "corrected": "corrected",
    "referral recorded": "referred",
    "outcome recorded": "closed",
    "merged": "merged",
    "separated": "separated",
    "split off": "split",
}
"""What leaves of the events on the audit trail, and under which name (docs/record-schema.json)."""
_OF_THEIR_OWN = {"merged", "separated", "split"}
"""Kinds that are about the case itself, also where it is part of another one."""
CALLS_FOR_PEOPLE = {"opened", "raised", "reopened"}
QUEUED, SENT, FAILED, SKIPPED = "queued", "sent", "failed", "skipped"
UNSENT = sa.text("status IN ('queued', 'failed')")
"""As text, without parameters: only so both databases see that the index of the unsent serves."""

# Migrations create the tables; a test compares both.
record_events = sa.Table(
    "record_events",
    metadata,
    # That of the audit event: the numbers rise in the order of the commits.
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    # No foreign key: the audit trail, which writes the rows, does not import cases.
    sa.Column("case_id", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("categories", sa.JSON, nullable=False),
    sa.Column("area", sa.Text),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("raised_at", UtcDateTime, nullable=False),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("merged_into", sa.Text),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", UtcDateTime, nullable=False),
    sa.Column("claimed_until", UtcDateTime),
    sa.Column("claimed_by", sa.Text),
    sa.Column("words_at", UtcDateTime),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("error", sa.Text),
    sa.Column("told_at", UtcDateTime),
    sa.CheckConstraint("status IN ('queued', 'sent', 'failed', 'skipped')", name="status"),
    # Events that were sent stay until the case is disposed of, and none of them is looked at.
    sa.Index("ix_record_events_unsent", "number", sqlite_where=UNSENT, postgresql_where=UNSENT),
    sa.Index("ix_record_events_case_id", "case_id", "number"),
    sa.Index("ix_record_events_sent_at", "sent_at"),
)
"""`merged_into` is a reference. `words_at` is when the audit trail noted that words leave with it.
`error` is a kind of failure, never a server's text. A failed one is a dead letter; `told_at` is
when administrators were told of it."""

record_push = sa.Table(
    "record_push",
    metadata,
    sa.Column("system", sa.Text, primary_key=True),
    sa.Column("words", sa.Boolean, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
)
"""One row while the push is on, none while it is off."""

_cases = sa.table(
    "cases",
    *(sa.column(name) for name in ("id", "reference", "status", "severity", "area", "merged_into")),
    sa.column("categories", sa.JSON),
    sa.column("staff_categories", sa.JSON),
    *(sa.column(name, UtcDateTime) for name in ("opened_at", "raised_at", "closed_at")),
)


@dataclass(frozen=True)
class RecordFigures:
    """The state of the outbox in numbers."""

    system: str | None
    """The adapter that the push uses; None while it is off."""
    queued: int
    failed: int
    """Dead letters."""
    oldest_at: datetime | None
    """When the oldest event that waits came about; None while the push is off."""
    sent_at: datetime | None
    """When the system of records last took an event."""


def add(
    connection: Connection,
    number: int,
    *,
    at: datetime,
    what: str,
    case_id: str | None,
    message_id: str | None,
    detail: Mapping[str, Any],
) -> None:
    """Write the row of an audit event, where the push is on and the event is one of KINDS.

    Call it in the transaction of the event, after the case was changed. It inserts and takes no
    lock on another row.
    """
    kind = KINDS.get(what)
    if kind is None or case_id is None:
        return
    if connection.execute(sa.select(record_push.c.system).limit(1)).first() is None:
        return
    case = _case(connection, case_id)
    head = case
    while case is not None and case["merged_into"] is not None:
        case = _case(connection, case["merged_into"])
    about = head if kind in _OF_THEIR_OWN else case
    if about is None or (kind == ACKNOWLEDGED and _is_acknowledged(connection, about["id"])):
        return
    own = about["staff_categories"]
    row = {name: about[name] for name in ("reference", "severity", "area")}
    row |= {name: about[name] for name in ("opened_at", "raised_at", "closed_at")}
    is_part = case is not None and about["merged_into"] is not None
    connection.execute(
        sa.insert(record_events).values(
            number=number,
            id=str(uuid.uuid4()),
            case_id=about["id"],
            message_id=message_id,
            kind=kind,
            at=at,
            state=about["status"],
            categories=about["categories"] if own is None else own,
            merged_into=case["reference"] if case is not None and is_part else None,
            facts=_facts(kind, detail),
            status=QUEUED,
            attempts=0,
            next_at=at,
            **row,
        )
    )


def forget(connection: Connection, case_id: str) -> int:
    """Delete the events of a case that is disposed of, also those that wait; return how many."""
    own = record_events.c.case_id == case_id
    return connection.execute(sa.delete(record_events).where(own)).rowcount


def figures(connection: Connection) -> RecordFigures:
    """Count what waits and what was given up."""
    row = record_events.c
    system = connection.execute(sa.select(record_push.c.system)).scalar()
    counted = sa.select(row.status, sa.func.count(), sa.func.min(row.at)).where(UNSENT)
    found = {each[0]: each for each in connection.execute(counted.group_by(row.status))}
    _, queued, oldest_at = found.get(QUEUED, (QUEUED, 0, None))
    _, failed, _ = found.get(FAILED, (FAILED, 0, None))
    sent_at = connection.execute(sa.select(sa.func.max(row.sent_at))).scalar()
    return RecordFigures(
        system,
        queued,
        failed,
        None if system is None else oldest_at,
        sent_at,
    )


def _case(connection: Connection, case_id: str) -> RowMapping | None:
    query = sa.select(_cases).where(_cases.c.id == case_id)
    return connection.execute(query).mappings().first()


def _is_acknowledged(connection: Connection, case_id: str) -> bool:
    """Return whether a member of staff has opened the case since it last called for one."""
    row = record_events.c
    turning = row.kind.in_([*CALLS_FOR_PEOPLE, ACKNOWLEDGED])
    query = sa.select(row.kind).where(row.case_id == case_id, turning)
    newest = connection.execute(query.order_by(row.number.desc()).limit(1)).scalar()
    return bool(newest == ACKNOWLEDGED)


def _facts(kind: str, detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is particular to a kind: labels only.

    What is missing is left out: the change of the case itself must not fail for it.
    """
    if kind == "closed" and "outcome" in detail:
        return {"outcome": detail["outcome"]}
    if kind == "referred" and {"to", "made"} <= set(detail):
        return {"referral": {"to": detail["to"], "made": detail["made"]}}
    return {}
