"""The queue of deliveries: claimed for a while, sent at least once, tried again with back-off.

A claim ends by itself, so that what a killed dispatcher held is sent by the next; while it lasts
nobody else has it. Several dispatchers may work on one queue.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from safeguarding.alerts.outbox import Alert
from safeguarding.alerts.plan import DISPATCHER
from safeguarding.alerts.reach import CONSOLE, sees
from safeguarding.alerts.tables import alerts, contact_ways, deliveries
from safeguarding.audit.trail import Event, append
from safeguarding.staff.tables import staff
from safeguarding.taxonomy import Severity

LEASE = timedelta(seconds=120)
"""How long a claim lasts: much longer than any channel may take to send one."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
TRIES = 150
"""About a day of trying, at the longest pause."""


@dataclass(frozen=True)
class Delivery:
    """One alert, claimed for sending to one recipient by one channel."""

    id: int
    alert: Alert
    recipient: str
    email: str | None
    phone: str | None
    attempts: int
    """This one included."""
    claimed_by: str
    outside: bool = False
    """Whether the recipient may not see the area of the case: nobody who may could be reached."""


def is_due(connection: Connection, channel: str, now: datetime) -> bool:
    """Whether there is something to send by this channel: a look that takes no lock."""
    query = sa.select(deliveries.c.id).where(_waits(channel, now)).limit(1)
    return connection.execute(query).first() is not None


def claim(
    connection: Connection, channel: str, by: str, now: datetime, limit: int
) -> list[Delivery]:
    """Claim up to `limit` deliveries that are due for LEASE, the gravest first.

    `by` names this claim and no other. What is for an alert that has ended is dropped instead.
    """
    due = (
        sa.select(deliveries.c.id, deliveries.c.recipient, deliveries.c.attempts)
        .add_columns(alerts, contact_ways.c.email, contact_ways.c.phone, staff.c.areas)
        .join(alerts, alerts.c.id == deliveries.c.alert_id)
        .outerjoin(contact_ways, contact_ways.c.staff_id == deliveries.c.recipient)
        .outerjoin(staff, staff.c.id == deliveries.c.recipient)
        .where(_waits(channel, now))
        .order_by(alerts.c.severity.desc(), deliveries.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=deliveries)
    )
    rows = connection.execute(due).all()
    open_ids = [row[0] for row in rows if row.ended_at is None]
    ended_ids = [row[0] for row in rows if row.ended_at is not None]
    if ended_ids:
        connection.execute(_update(ended_ids).values(status="dropped"))
    if open_ids:
        attempts = deliveries.c.attempts + 1
        held = {"claimed_until": now + LEASE, "claimed_by": by, "attempts": attempts}
        connection.execute(_update(open_ids).values(**held))
    return [
        Delivery(
            row[0],
            _alert(row._mapping),
            row[1],
            row.email,
            row.phone,
            row[2] + 1,
            by,
            outside=not sees(row.areas, row.area),
        )
        for row in rows
        if row.ended_at is None
    ]


def release(connection: Connection, held: list[Delivery]) -> None:
    """Give back what was claimed and not tried."""
    for delivery in held:
        again = {"claimed_until": None, "claimed_by": None, "attempts": deliveries.c.attempts - 1}
        connection.execute(sa.update(deliveries).where(_is_mine(delivery)).values(**again))


def mark_sent(connection: Connection, delivery: Delivery, now: datetime) -> None:
    """It has been handed to whoever carries it."""
    done = {"status": "sent", "sent_at": now, "claimed_until": None, "error": None}
    connection.execute(sa.update(deliveries).where(_is_mine(delivery)).values(**done))


def mark_failed(
    connection: Connection, delivery: Delivery, error: str, now: datetime, *, for_good: bool
) -> bool:
    """It could not be sent: try again later, or give up for good, which is on the audit trail.

    When nothing else of its alert has been sent or waits, the next step is due at once. `error` is
    a kind, no text of a server's. True when it was given up.
    """
    given_up = for_good or delivery.attempts >= TRIES
    failed = {
        "status": "failed" if given_up else "queued",
        "claimed_until": None,
        "error": error,
        "next_at": now + pause(delivery.attempts),
    }
    mine = sa.update(deliveries).where(_is_mine(delivery)).values(**failed)
    if not connection.execute(mine).rowcount or not given_up:
        return False
    of_alert = sa.select(deliveries.c.alert_id).where(deliveries.c.id == delivery.id)
    alert_id = connection.execute(of_alert).scalar_one()
    others = sa.select(deliveries.c.id).where(
        deliveries.c.alert_id == alert_id,
        deliveries.c.channel != CONSOLE,
        deliveries.c.status.in_(("queued", "sent")),
    )
    if connection.execute(others.limit(1)).first() is None:
        connection.execute(sa.update(alerts).where(alerts.c.id == alert_id).values(next_at=now))
    detail = {"delivery": delivery.id, "recipient": delivery.recipient, "error": error}
    event = Event(now, DISPATCHER, "alert not sent", delivery.alert.case_id, detail=detail)
    append(connection, event)
    return True


def pause(attempts: int) -> timedelta:
    """How long to wait after this many attempts: twice as long each time, and never in step."""
    longest = min(FIRST_PAUSE * (1 << min(attempts - 1, 20)), LONGEST_PAUSE)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads the load, guards nothing


def _waits(channel: str, now: datetime) -> sa.ColumnElement[bool]:
    mine = (deliveries.c.status == "queued") & (deliveries.c.channel == channel)
    at = deliveries.c.next_at
    # The first attempt is always due, whatever the clocks of two machines say; and a pause longer
    # than any of ours was set by a clock that has been put back since.
    due = (at <= now) | (deliveries.c.attempts == 0) | (at > now + 2 * LONGEST_PAUSE)
    return mine & due & _is_free(now)


def _is_free(now: datetime) -> sa.ColumnElement[bool]:
    until = deliveries.c.claimed_until
    # A claim far in the future was made by a clock that has been set back since.
    return until.is_(None) | (until <= now) | (until > now + 2 * LEASE)


def _is_mine(delivery: Delivery) -> sa.ColumnElement[bool]:
    return (deliveries.c.id == delivery.id) & (deliveries.c.claimed_by == delivery.claimed_by)


def _update(ids: list[int]) -> sa.Update:
    return sa.update(deliveries).where(deliveries.c.id.in_(ids))


def _alert(row: RowMapping) -> Alert:
    return Alert(
        row["case_id"],
        row["reference"],
        Severity(row["severity"]),
        row["need"],
        row["category"],
        row["raised_at"],
        row["reason"],
        row["occasion"],
        row["area"],
    )
