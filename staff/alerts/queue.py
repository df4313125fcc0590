"""The queue of deliveries: claimed for a while, sent at least once, tried again with back-off.

A claim ends by itself, so that what a killed dispatcher held is sent by the next; while it lasts
nobody else has it. Several dispatchers may work on one queue. In a flood, what is for one person
goes in one message (staff/alerts/digest.py).
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
from staff.alerts.outbox import Alert
from staff.alerts.plan import DISPATCHER
from staff.alerts.tables import alerts, deliveries
from staff.audit.trail import Event, append_all
from staff.rota.recipients import CONSOLE, contact_ways, may_see

LEASE = timedelta(seconds=120)
"""How long a claim lasts: much longer than any channel may take to send one."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
TRIES = 150
"""About a day of trying, at the longest pause."""
MOST_TOGETHER = 500
"""How many go in one message: more wait for the next."""
IN_DIGEST = "alerted in a digest"
"""What was done, in the audit trail."""


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
    digest: str | None = None
    """The message in which it goes with others; None of one that goes alone."""
    others: tuple[Delivery, ...] = ()
    """Those that go in the same message: of several, the gravest stands for all."""

    @property
    def every(self) -> tuple[Delivery, ...]:
        """It and those that go with it."""
        return (self, *self.others)

    @property
    def mark(self) -> str:
        """What tells its message from others: the same for every attempt of one that goes alone.

        Of several it is new each time: an attempt may hold more than the one before, and must not
        be taken for a second copy.
        """
        return f"digest-{self.digest}" if self.others else f"alert-{self.id}"


def is_due(connection: Connection, channel: str, now: datetime) -> bool:
    """Whether there is something to send by this channel: a look that takes no lock."""
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
    """Claim up to `limit` deliveries that are due for LEASE, the gravest first.

    `by` names this claim and no other. What is for an alert that has ended is dropped instead. Of a
    flood the further ones come as one delivery with `others`, or are held until that may go.
    """
    flood = flood or Flood()
    waits, counted = _waits(channel, now), digest.may_count(connection, channel)
    which = waits if counted else waits & (alerts.c.severity >= int(digest.ALONE_FROM))
    rooms: dict[str, int] = {}
    alone: list[Row[Any]] = []
    crowded: dict[str, None] = {}
    for row in _due(connection, which, limit):
        who = row.recipient
        if row.severity < digest.ALONE_FROM:
            if who not in rooms:
                rooms[who] = digest.room(connection, channel, who, now, flood)
            rooms[who] -= 1
            if rooms[who] < 0:
                crowded[who] = None
                continue
        alone.append(row)
    found = _claimed(connection, alone, by, now, None)
    for number, who in enumerate(crowded):
        # What was claimed a moment ago waits no more.
        its = waits & digest.crowd(who)
        if (opens := digest.opens(connection, channel, who, now, flood)) > now:
            digest.hold(connection, its, opens)
            continue
        rows = _due(connection, its, MOST_TOGETHER)
        held = _claimed(connection, rows, by, now, f"{by}-{number}")
        found += [replace(each, others=tuple(held[1:])) for each in held[:1]]
    return found


def _due(connection: Connection, which: sa.ColumnElement[bool], limit: int) -> list[Row[Any]]:
    """Rows of deliveries, locked, the gravest first; what is for an ended alert is dropped."""
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
    """Rows as deliveries of this claim, in the digest of this name or each alone."""
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
    """Give back what was claimed and not tried."""
    again = {"claimed_until": None, "claimed_by": None, "digest": None}
    for delivery in held:
        given_back = again | {"attempts": deliveries.c.attempts - 1}
        connection.execute(sa.update(deliveries).where(_is_mine(delivery)).values(**given_back))


def mark_sent(connection: Connection, delivery: Delivery, now: datetime) -> None:
    """It has been handed to whoever carries it; of several, that is on the audit trail for each."""
    done = {"status": "sent", "sent_at": now, "claimed_until": None, "error": None}
    connection.execute(sa.update(deliveries).where(_is_mine(delivery)).values(**done))
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
    """It could not be sent: try again later, or give up for good, which is on the audit trail.

    When nothing else of an alert has been sent or waits, the next step is due at once. `error` is
    a kind, no text of a server's. True when it, or any of those with it, was given up.
    """
    # The trail last: whoever records a hand-off locks alerts before it, too.
    events = [_given_up(connection, each, error, now, for_good=for_good) for each in delivery.every]
    given_up = [event for event in events if event is not None]
    if given_up:
        append_all(connection, given_up)
    return bool(given_up)


def _given_up(
    connection: Connection, delivery: Delivery, error: str, now: datetime, *, for_good: bool
) -> Event | None:
    """Queue it again, or give it up: then the event that says so."""
    given_up = for_good or delivery.attempts >= TRIES
    failed = {
        "status": "failed" if given_up else "queued",
        "claimed_until": None,
        "error": error,
        "next_at": now + pause(delivery.attempts),
    }
    mine = sa.update(deliveries).where(_is_its(delivery)).values(**failed)
    if not connection.execute(mine).rowcount or not given_up:
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
    """How long to wait after this many attempts: twice as long each time, and never in step."""
    longest = min(FIRST_PAUSE * (1 << min(attempts - 1, 20)), LONGEST_PAUSE)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads the load, guards nothing


def _waits(channel: str, now: datetime) -> sa.ColumnElement[bool]:
    mine = (deliveries.c.status == "queued") & (deliveries.c.channel == channel)
    at = deliveries.c.next_at
    # The first attempt is always due, whatever the clocks of two machines say; and a pause longer
    # than any of ours was set by a clock that has been put back since.
    first = (deliveries.c.attempts == 0) & deliveries.c.digest.is_distinct_from(digest.HELD)
    due = (at <= now) | first | (at > now + 2 * LONGEST_PAUSE)
    return mine & due & _is_free(now)


def _is_free(now: datetime) -> sa.ColumnElement[bool]:
    until = deliveries.c.claimed_until
    # A claim far in the future was made by a clock that has been set back since.
    return until.is_(None) | (until <= now) | (until > now + 2 * LEASE)


def _is_mine(delivery: Delivery) -> sa.ColumnElement[bool]:
    """It and those that go with it, while this claim still holds them."""
    ids = [each.id for each in delivery.every]
    return deliveries.c.id.in_(ids) & (deliveries.c.claimed_by == delivery.claimed_by)


def _is_its(delivery: Delivery) -> sa.ColumnElement[bool]:
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
