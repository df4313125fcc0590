"""The outbox of alerts: each is written in the transaction that records what it is about.

An alert is open until a member of staff acknowledges it, or a later alert of its case supersedes
it. Meanwhile the dispatcher tells staff of it, step by step (staff/alerts/plan.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from safeguarding.taxonomy import Severity
from staff.alerts.tables import alerts, deliveries
from staff.rota.recipients import CONSOLE
from storage.engine import READING

Reason = Literal["new", "raised", "reopened"]
SUPERSEDED = "later alert"
"""Stands in `ended_by` when a later alert of the same case has replaced this one."""


@dataclass(frozen=True)
class Alert:
    """What staff are told of a case: labels and a reference, never a person's words."""

    case_id: str
    reference: str
    severity: Severity
    need: str
    category: str
    """The most serious risk category; empty when none is known."""
    raised_at: datetime
    """When the message that is handed over came. With a time zone."""
    reason: Reason
    occasion: str = ""
    """Distinguishes two alerts of the same case, severity and reason: the id of the message. Empty
    for the reasons "new" and "raised", which occur once."""
    area: str | None = None
    """The area of the case; the alert goes to staff who may see it. None: to all staff."""


@dataclass(frozen=True)
class WaitingAlert:
    """An open alert that a member of staff has been told of."""

    alert_id: int
    """Higher for later ones."""
    case_id: str
    reference: str
    severity: Severity
    raised_at: datetime


@dataclass(frozen=True)
class OutboxFigures:
    """The state of the outbox in numbers."""

    open: dict[str, int]
    """Alerts that have not been acknowledged, by severity."""
    queued: dict[str, int]
    """Deliveries that wait to be sent, by channel."""
    failed: dict[str, int]
    """Deliveries of open alerts that were given up, by channel."""
    oldest_at: datetime | None
    """Since when the oldest due step or delivery waits; None when nothing is due."""


class StaffAlerts:
    """Looks up open alerts for the console. Thread-safe; every method raises SQLAlchemyError."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine on a migrated database."""
        self._reading = engine.execution_options(**READING)

    def waiting_for(self, staff_id: str) -> list[WaitingAlert]:
        """Return the open alerts this person was told of, the most severe and oldest first."""
        with self._reading.connect() as connection:
            return waiting_for(connection, staff_id)

    def case_of(self, reference: str) -> str | None:
        """Return the id of the case that alerts with this reference are about."""
        query = sa.select(alerts.c.case_id).where(alerts.c.reference == reference).limit(1)
        with self._reading.connect() as connection:
            return connection.execute(query).scalar()


def raise_alert(connection: Connection, alert: Alert, now: datetime) -> bool:
    """Add an alert in the transaction of `connection`; return False if it is there already.

    Ends older open alerts of the case. Takes row locks: call it before appending to the audit
    trail. Raises SQLAlchemyError.
    """
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {
        "case_id": alert.case_id,
        "reference": alert.reference,
        "severity": int(alert.severity),
        "need": alert.need,
        "category": alert.category,
        "raised_at": alert.raised_at,
        "reason": alert.reason,
        "occasion": alert.occasion,
        "area": alert.area,
        "step": 0,
        "next_at": now,
    }
    once = insert(alerts).values(**row).on_conflict_do_nothing().returning(alerts.c.id)
    made = connection.execute(once).scalar()
    if made is None:
        return False
    _end(connection, alert.case_id, SUPERSEDED, now, alerts.c.id != made)
    return True


def acknowledge(connection: Connection, case_id: str, by: str, now: datetime) -> int:
    """End the open alerts of a case, because `by` has opened or claimed it; return how many.

    Takes row locks: call it before appending to the audit trail. Raises SQLAlchemyError.
    """
    return _end(connection, case_id, by, now, sa.true())


def set_area(connection: Connection, case_id: str, area: str | None) -> None:
    """Set the area of a case's open alerts, once it is known.

    Takes row locks: call it before appending to the audit trail. Raises SQLAlchemyError.
    """
    open_alerts = (alerts.c.case_id == case_id) & alerts.c.ended_at.is_(None)
    connection.execute(sa.update(alerts).where(open_alerts).values(area=area))


def forget(connection: Connection, case_id: str) -> int:
    """Delete all alerts of a case with their deliveries; return how many alerts."""
    return connection.execute(sa.delete(alerts).where(alerts.c.case_id == case_id)).rowcount


def waiting_for(connection: Connection, staff_id: str) -> list[WaitingAlert]:
    """Return the open alerts this person was told of, the most severe and oldest first."""
    own = (
        sa.select(deliveries.c.alert_id)
        .where(deliveries.c.recipient == staff_id, deliveries.c.channel == CONSOLE)
        .distinct()
    )
    query = (
        sa.select(alerts)
        .where(alerts.c.ended_at.is_(None), alerts.c.id.in_(own))
        .order_by(alerts.c.severity.desc(), alerts.c.raised_at)
    )
    return [
        WaitingAlert(
            row["id"],
            row["case_id"],
            row["reference"],
            Severity(row["severity"]),
            row["raised_at"],
        )
        for row in connection.execute(query).mappings()
    ]


def outbox_figures(connection: Connection, now: datetime) -> OutboxFigures:
    """Count open alerts and their deliveries."""
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


def _end(
    connection: Connection, case_id: str, by: str, now: datetime, which: sa.ColumnElement[bool]
) -> int:
    open_alerts = (alerts.c.case_id == case_id) & alerts.c.ended_at.is_(None) & which
    ended = sa.update(alerts).where(open_alerts).values(ended_at=now, ended_by=by)
    return connection.execute(ended).rowcount


def _counts(connection: Connection, query: sa.Select[tuple[str]]) -> dict[str, int]:
    column = query.selected_columns[0]
    counted = query.add_columns(sa.func.count()).group_by(column)
    return {row[0]: row[1] for row in connection.execute(counted)}
