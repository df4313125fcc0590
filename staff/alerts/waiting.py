"""What waits: for one member of staff, for the console's notifications; for all, for figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from safeguarding.taxonomy import Severity
from staff.alerts.reach import CONSOLE
from staff.alerts.tables import alerts, deliveries


@dataclass(frozen=True)
class Waiting:
    """An open alert that somebody has been told of."""

    alert_id: int
    """Higher for later ones."""
    case_id: str
    reference: str
    severity: Severity
    raised_at: datetime


@dataclass(frozen=True)
class OutboxFigures:
    """How the outbox stands."""

    open: dict[str, int]
    """Alerts that nobody has acknowledged, by severity."""
    queued: dict[str, int]
    """Deliveries that wait to be sent, by channel."""
    failed: dict[str, int]
    """Deliveries of open alerts that were given up, by channel."""
    oldest_at: datetime | None
    """Since when the oldest of the due steps and deliveries waits; None when nothing is due."""


def waiting_for(connection: Connection, staff_id: str) -> list[Waiting]:
    """The open alerts that the plan has brought to this person, the gravest and oldest first."""
    told = (
        sa.select(deliveries.c.alert_id)
        .where(deliveries.c.recipient == staff_id, deliveries.c.channel == CONSOLE)
        .distinct()
    )
    query = (
        sa.select(alerts)
        .where(alerts.c.ended_at.is_(None), alerts.c.id.in_(told))
        .order_by(alerts.c.severity.desc(), alerts.c.raised_at)
    )
    return [
        Waiting(
            row["id"],
            row["case_id"],
            row["reference"],
            Severity(row["severity"]),
            row["raised_at"],
        )
        for row in connection.execute(query).mappings()
    ]


def figures(connection: Connection, now: datetime) -> OutboxFigures:
    """Counts over the outbox and the queue."""
    is_open = alerts.c.ended_at.is_(None)
    by_severity = _counts(connection, sa.select(alerts.c.severity).where(is_open))
    queued = sa.select(deliveries.c.channel).where(deliveries.c.status == "queued")
    failed = (
        sa.select(deliveries.c.channel)
        .join(alerts, alerts.c.id == deliveries.c.alert_id)
        .where(is_open, deliveries.c.status == "failed")
    )
    due = sa.select(sa.func.min(alerts.c.next_at)).where(is_open, alerts.c.next_at <= now)
    unsent = sa.select(sa.func.min(deliveries.c.next_at)).where(
        deliveries.c.status == "queued", deliveries.c.next_at <= now
    )
    oldest = [connection.execute(query).scalar() for query in (due, unsent)]
    return OutboxFigures(
        {Severity(int(severity)).label: number for severity, number in by_severity.items()},
        _counts(connection, queued),
        _counts(connection, failed),
        min((at for at in oldest if at is not None), default=None),
    )


def _counts(connection: Connection, query: sa.Select[tuple[str]]) -> dict[str, int]:
    column = query.selected_columns[0]
    counted = query.add_columns(sa.func.count()).group_by(column)
    return {row[0]: row[1] for row in connection.execute(counted)}
