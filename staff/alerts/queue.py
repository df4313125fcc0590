"""The queue of deliveries: claimed for a time, sent at least once, retried with back-off.

A claim expires, so that another dispatcher sends what a killed one had claimed. Several dispatchers
may work on one queue. In a flood, the deliveries to one recipient are sent as one message
(staff/alerts/digest.py).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row, RowMapping

from safeguarding.taxonomy import Severity
from staff.accounts.tables import staff
from staff.alerts import digest
from staff.alerts.digest import Flood
from staff.alerts.outbox import Alert, alerts, deliveries
from staff.alerts.plan import DISPATCHER
from staff.audit.trail import Event, append_all
from staff.rota.recipients import CONSOLE, contact_ways, may_see

LEASE = timedelta(seconds=120)
"""How long a claim lasts: much longer than a channel may take to send one message."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
TRIES = 150
"""About a day at the longest pause."""
MOST_TOGETHER = 500
"""Deliveries in one message at most; further ones wait for the next."""
IN_DIGEST = "alerted in a digest"
"""The event on the audit trail."""


@dataclass(frozen=True)
class Delivery:
    """One alert, claimed for sending to one recipient by one channel."""

    id: int
    alert: Alert
    recipient: str
    email: str | None
    phone: str | None
    attempts: int
    """With this one."""
    claimed_by: str
    outside: bool = False
    """Whether the recipient may not see the area of the case: no one who may could be reached."""
    digest: str | None = None
    """The name of the digest that it is part of; None when it is sent alone."""
    others: tuple[Delivery, ...] = ()
    """The other deliveries in the same message; this one is the most severe."""

    @property
    def every(self) -> tuple[Delivery, ...]:
        """All deliveries in the message."""
        return (self, *self.others)

    @property
    def mark(self) -> str:
        """Identifies the message, so that a mailbox can recognise a second copy.

        The same for every attempt of a single delivery. A digest has a new mark each time, because
        it may hold more than the attempt before.
        """
        return f"digest-{self.digest}" if self.others else f"alert-{self.id}"


def is_due(connection: Connection, channel: str, now: datetime) -> bool:
    """Return whether a delivery of this channel is due. Takes no lock."""
    query = sa.select(deliveries.c.id).where(_waits(channel, now)).limit(1)
    return connection.execute(query).first() is not None


def claim(
    connection: Connection,
    channel: str,
    by: str,
    now: datetime,
    limit: int,
    flood: Flood | None = None,
) -> list[Delivery]:
    """Claim up to `limit` due deliveries for LEASE, the most severe first.

    `by` is a name of this claim only. Deliveries of alerts that have ended are dropped instead. In
    a flood, further ones come as one delivery with `others`, or are held until that may be sent.
    """
    flood = flood or Flood()
    waits, counted = _waits(channel, now), digest.may_count(connection, channel)
    which = waits if counted else waits & (alerts.c.severity >= int(digest.ALONE_FROM))
    left: dict[str, int] = {}
    alone: list[Row[Any]] = []
    flooded: dict[str, None] = {}
    for row in _due(connection, which, limit):
        recipient = row.recipient
        if row.severity < digest.ALONE_FROM:
            if recipient not in left:
                left[recipient] = digest.room(connection, channel, recipient, now, flood)
            left[recipient] -= 1
            if left[recipient] < 0:
                flooded[recipient] = None
                continue
        alone.append(row)
    claimed = _claimed(connection, alone, by, now, None)
    for number, recipient in enumerate(flooded):
        # The deliveries that were claimed above no longer wait.
        waiting = waits & digest.may_be_held(recipient)
        if (opens := digest.opens(connection, channel, recipient, now, flood)) > now:
            digest.hold(connection, waiting, opens)
            continue
        rows = _due(connection, waiting, MOST_TOGETHER)
        together = _claimed(connection, rows, by, now, f"{by}-{number}")
        claimed += [replace(each, others=tuple(together[1:])) for each in together[:1]]
    return claimed


def _due(connection: Connection, which: sa.ColumnElement[bool], limit: int) -> list[Row[Any]]:
    """Lock and return deliveries, the most severe first; drop those of alerts that have ended."""
    due = (
        sa.select(deliveries.c.id, deliveries.c.recipient, deliveries.c.attempts)
        .add_columns(*(each for each in alerts.c if each is not alerts.c.id))
        .add_columns(contact_ways.c.email, contact_ways.c.phone, staff.c.areas)
        .join(alerts, alerts.c.id == deliveries.c.alert_id)
        .outerjoin(contact_ways, contact_ways.c.staff_id == deliveries.c.recipient)
        .outerjoin(staff, staff.c.id == deliveries.c.recipient)
        .where(which)
        .order_by(alerts.c.severity.desc(), deliveries.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=deliveries)
    )
    rows = connection.execute(due).all()
    ended_ids = [row.id for row in rows if row.ended_at is not None]
    if ended_ids:
        connection.execute(_update(ended_ids).values(status="dropped"))
    return [row for row in rows if row.ended_at is None]


def _claimed(
    connection: Connection, rows: Sequence[Row[Any]], by: str, now: datetime, name: str | None
) -> list[Delivery]:
    """Claim rows, in the digest of this name or each alone, and return them as deliveries."""
    if rows:
        attempts = deliveries.c.attempts + 1
        held = {"claimed_until": now + LEASE, "claimed_by": by, "attempts": attempts}
        connection.execute(_update([row.id for row in rows]).values(**held, digest=name))
    return [
        Delivery(
            row.id,
            _alert(row._mapping),
            row.recipient,
            row.email,
            row.phone,
            row.attempts + 1,
            by,
            outside=not may_see(row.areas, row.area),
            digest=name,
        )
        for row in rows
    ]


def release(connection: Connection, held: list[Delivery]) -> None:
    """Give back deliveries that were claimed and not tried."""
    unclaimed = {"claimed_until": None, "claimed_by": None, "digest": None}
    for delivery in held:
        given_back = unclaimed | {"attempts": deliveries.c.attempts - 1}
        connection.execute(sa.update(deliveries).where(_is_claimed(delivery)).values(**given_back))


def mark_sent(connection: Connection, delivery: Delivery, now: datetime) -> None:
    """Record that a message was accepted; a digest is on the audit trail for each of its cases."""
    sent = {"status": "sent", "sent_at": now, "claimed_until": None, "error": None}
    connection.execute(sa.update(deliveries).where(_is_claimed(delivery)).values(**sent))
    if not delivery.others:
        return
    detail = {"recipient": delivery.recipient, "digest": delivery.digest}
    together = {"together": len(delivery.every)}
    append_all(
        connection,
        [
            Event(
                now,
                DISPATCHER,
                IN_DIGEST,
                case_id=each.alert.case_id,
                detail={"delivery": each.id, **detail, **together},
            )
            for each in delivery.every
        ],
    )


def mark_failed(
    connection: Connection, delivery: Delivery, error: str, now: datetime, *, for_good: bool
) -> bool:
    """Try a delivery again later, or give it up, which is on the audit trail.

    When no other delivery of its alert was sent or waits, the next step is due at once. `error` is
    a kind of failure, never a server's text. Return whether a delivery was given up.
    """
    # The audit trail comes last: recording a hand-off locks alerts before it, too.
    events = [_given_up(connection, each, error, now, for_good=for_good) for each in delivery.every]
    given_up = [event for event in events if event is not None]
    if given_up:
        append_all(connection, given_up)
    return bool(given_up)


def _given_up(
    connection: Connection, delivery: Delivery, error: str, now: datetime, *, for_good: bool
) -> Event | None:
    """Queue a delivery again, or give it up and return the event that says so."""
    given_up = for_good or delivery.attempts >= TRIES
    failed = {
        "status": "failed" if given_up else "queued",
        "claimed_until": None,
        "error": error,
        "next_at": now + pause(delivery.attempts),
    }
    own = (deliveries.c.id == delivery.id) & (deliveries.c.claimed_by == delivery.claimed_by)
    update = sa.update(deliveries).where(own).values(**failed)
    if not connection.execute(update).rowcount or not given_up:
        return None
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
    return Event(now, DISPATCHER, "alert not sent", delivery.alert.case_id, detail=detail)


def pause(attempts: int) -> timedelta:
    """Return the wait after this many attempts: doubled each time, with jitter."""
    longest = min(FIRST_PAUSE * (1 << min(attempts - 1, 20)), LONGEST_PAUSE)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads the load, guards nothing


def _waits(channel: str, now: datetime) -> sa.ColumnElement[bool]:
    queued = (deliveries.c.status == "queued") & (deliveries.c.channel == channel)
    at = deliveries.c.next_at
    # The first attempt is always due, even when the clocks of two machines differ. A pause that is
    # longer than ours was set by a clock that has been set back since.
    first = (deliveries.c.attempts == 0) & deliveries.c.digest.is_distinct_from(digest.HELD)
    due = (at <= now) | first | (at > now + 2 * LONGEST_PAUSE)
    return queued & due & _is_free(now)


def _is_free(now: datetime) -> sa.ColumnElement[bool]:
    until = deliveries.c.claimed_until
    # A claim far in the future was made by a clock that has been set back since.
    return until.is_(None) | (until <= now) | (until > now + 2 * LEASE)


def _is_claimed(delivery: Delivery) -> sa.ColumnElement[bool]:
    """Return the condition for all deliveries of a message that this claim still holds."""
    ids = [each.id for each in delivery.every]
    return deliveries.c.id.in_(ids) & (deliveries.c.claimed_by == delivery.claimed_by)


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
