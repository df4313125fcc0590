"""One step of an alert's plan: whom it tells, its deliveries, and its line on the audit trail.

An address that refuses messages reaches no one: its delivery is given up until the address takes
messages again (staff/alerts/outcomes.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from safeguarding.taxonomy import Severity
from staff.alerts.outbox import deliveries
from staff.audit.trail import Event
from staff.rota import refusals
from staff.rota.rota import CONSOLE, TEAM

DISPATCHER = "dispatcher"
"""The actor on the audit trail."""
ALERTED, REACHED_NOBODY = "alerted", "alert reached nobody"
"""Events on the audit trail."""


class AlertStep(IntEnum):
    """The steps in their order; AGAIN is repeated."""

    ON_DUTY = 0
    SECOND = 1
    EVERYONE = 2
    DUTY_MANAGER = 3
    AGAIN = 4


@dataclass
class StepTaken:
    """One step that was taken for an alert."""

    case_id: str
    alert_id: int
    severity: Severity
    reason: str
    step: AlertStep
    recipients: dict[str, list[str]]
    """Recipients by channel, with the console."""
    nobody_on_duty: bool
    area: str | None
    beyond_area: bool
    """Whether staff who may not see the area are told, because no one who may was reached."""
    refused: dict[str, list[str]] = field(default_factory=dict)
    """Recipients by channel whose addresses refuse messages."""

    @property
    def reaches(self) -> bool:
        """Whether the step tells a recipient outside the console."""
        return bool(self._outside_console())

    @property
    def is_refused(self) -> bool:
        """Whether it would tell a person outside the console if no address refused messages."""
        return bool(self.refused) and not self._outside_console() - {TEAM}

    def _outside_console(self) -> set[str]:
        told = self.recipients.items()
        return {each for channel, every in told if channel != CONSOLE for each in every}


def write_deliveries(connection: Connection, taken: StepTaken, number: int, now: datetime) -> None:
    """Write the deliveries of a step. Leave out the recipients whose addresses refuse messages.

    Each of those has one delivery of the alert that is given up, and none for each step.
    """
    errors = {(way.channel, way.recipient): way.error for way in refusals.refused(connection)}
    known = given_up(connection, taken.alert_id) if errors else set()
    rows = []
    for channel, recipients in taken.recipients.items():
        for recipient in recipients:
            way = (channel, recipient)
            row = {
                "alert_id": taken.alert_id,
                "step": number,
                "channel": channel,
                "recipient": recipient,
                # The console reads this row: there is nothing to send.
                "status": "sent" if channel == CONSOLE else "queued",
                "sent_at": now if channel == CONSOLE else None,
                "attempts": 0,
                "next_at": now,
                "error": errors.get(way),
            }
            if way in errors:
                row["status"] = "failed"
                taken.refused.setdefault(channel, []).append(recipient)
            if way not in errors or way not in known:
                rows.append(row)
    if rows:
        connection.execute(sa.insert(deliveries), rows)
    taken.recipients = {
        channel: reached
        for channel, recipients in taken.recipients.items()
        if (reached := [each for each in recipients if (channel, each) not in errors])
    }


def given_up(connection: Connection, alert_id: int) -> set[tuple[str, str]]:
    """Return channel and recipient of the deliveries of an alert that were given up."""
    query = sa.select(deliveries.c.channel, deliveries.c.recipient).where(
        deliveries.c.alert_id == alert_id, deliveries.c.status == "failed"
    )
    return {(row.channel, row.recipient) for row in connection.execute(query)}


def event_of(taken: StepTaken, now: datetime) -> Event:
    """Return the event that records a step on the audit trail."""
    detail = {
        "alert": taken.alert_id,
        "step": taken.step.name.lower(),
        "severity": taken.severity.label,
        "reason": taken.reason,
        "recipients": taken.recipients,
        "nobody_on_duty": taken.nobody_on_duty,
        "area": taken.area,
        "beyond_area": taken.beyond_area,
    }
    if taken.refused:
        detail["refused"] = taken.refused
    what = ALERTED if taken.reaches else REACHED_NOBODY
    return Event(now, DISPATCHER, what, case_id=taken.case_id, detail=detail)
