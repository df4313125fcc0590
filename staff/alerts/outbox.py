"""The outbox of alerts: written in the transaction that records what they are about.

An alert is open from then on until a person acknowledges it, or a later one of its case takes its
place; the dispatcher tells people of it step by step (staff/alerts/plan.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from safeguarding.taxonomy import Severity
from staff.alerts.tables import alerts

Reason = Literal["new", "raised", "reopened"]
SUPERSEDED = "later alert"
"""In place of a member of staff: a later alert of the same case goes on."""


@dataclass(frozen=True)
class Alert:
    """What people are told of a case: labels and a reference, never anyone's words."""

    case_id: str
    reference: str
    severity: Severity
    need: str
    category: str
    """The gravest risk category; empty when none is known."""
    raised_at: datetime
    """When the message came that is handed over. With a time zone."""
    reason: Reason
    occasion: str = ""
    """Tells two alerts of one case, severity and reason apart: the id of the message. Not needed
    where there is only one: "new", "raised"."""
    area: str | None = None
    """The area of the case: it goes to staff who may see it. None: to all."""


def raise_alert(connection: Connection, alert: Alert, now: datetime) -> bool:
    """Put an alert into the outbox in the transaction of `connection`; False if it is there.

    Ends older open alerts of the case, which this one takes the place of. Takes row locks: call it
    before appending to the audit trail. Raises SQLAlchemyError.
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
    """End the alerting of a case, because the member of staff `by` has opened or claimed it.

    How many open alerts that ended: 0 when it was acknowledged before. Takes row locks: call it
    before appending to the audit trail. Raises SQLAlchemyError.
    """
    return _end(connection, case_id, by, now, sa.true())


def set_area(connection: Connection, case_id: str, area: str | None) -> None:
    """Let the open alerts of a case go on to staff who may see this area: it is known by now.

    Takes row locks: call it before appending to the audit trail. Raises SQLAlchemyError.
    """
    mine = (alerts.c.case_id == case_id) & alerts.c.ended_at.is_(None)
    connection.execute(sa.update(alerts).where(mine).values(area=area))


def forget(connection: Connection, case_id: str) -> int:
    """Delete every alert of a case that is disposed of, and its deliveries; how many alerts."""
    mine = alerts.c.case_id == case_id
    return connection.execute(sa.delete(alerts).where(mine)).rowcount


def _end(
    connection: Connection, case_id: str, by: str, now: datetime, which: sa.ColumnElement[bool]
) -> int:
    mine = (alerts.c.case_id == case_id) & alerts.c.ended_at.is_(None) & which
    ended = sa.update(alerts).where(mine).values(ended_at=now, ended_by=by)
    return connection.execute(ended).rowcount
