"""What is sent alone and what together, so that staff do not mute their alerts.

In a flood of alerts that are not immediate, a recipient gets the first ones alone and the further
ones in one message, a digest. The first digest is sent at once, the next ones at most once in
`Flood.within`; meanwhile deliveries are held in the queue.

The first immediate alert of a burst is sent alone and at once. Those after it come in one message,
at most once in BURST_EVERY, and wait for the first one for that time at most. An immediate alert
that is of no burst always goes alone and at once. So does the alert that a young person asks to
talk to someone now, however grave their case is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from safeguarding.taxonomy import Severity
from staff.alerts.outbox import alerts, deliveries
from staff.alerts.plan import step_is_due

ALONE_FROM = Severity.IMMEDIATE
"""From this severity on, only a burst comes in one message."""
BURST_EVERY = timedelta(minutes=1)
"""The longest time that an immediate alert of a burst waits for the next message."""
HELD = ""
"""Stands in `deliveries.digest` while a delivery waits for the next message."""


@dataclass(frozen=True)
class Flood:
    """How many alerts make a flood, for one recipient by one channel."""

    most: int = 5
    """Alerts that are sent alone within that time."""
    within: timedelta = timedelta(minutes=10)
    """The time in which they are counted."""


@dataclass(frozen=True)
class Burst:
    """How far a burst has grown: alerts that look alike and came at nearly the same time."""

    began_at: datetime
    """When the first of its messages came."""
    more: int
    """Alerts after the first one."""


@dataclass(frozen=True)
class Together:
    """Deliveries to one recipient that are sent in one message: those of a flood, or of a burst."""

    recipient: str
    burst: int | None = None
    """The burst; None for a flood."""

    def holds(self) -> sa.ColumnElement[bool]:
        """Return the condition for deliveries that it may tell of: not of the first of a burst."""
        # Another dispatcher may queue or claim the first one at any moment, to send it alone.
        of_others = deliveries.c.alert_id.is_distinct_from(self.burst)
        return (deliveries.c.recipient == self.recipient) & self._is_of() & of_others

    def opens(self, connection: Connection, channel: str, now: datetime, flood: Flood) -> datetime:
        """Return when the next message may be sent; `now` when none was sent lately."""
        before = _to(channel, self.recipient) & self._is_of()
        if self.burst is not None:
            return self._burst_opens(connection, before, now)
        digests = before & (deliveries.c.digest != HELD)
        going = sa.select(sa.func.max(deliveries.c.claimed_until)).where(digests, being_sent(now))
        until: datetime | None = connection.execute(going).scalar()
        last = _last_sent(connection, digests, now, flood.within)
        return max(now, until or now, last + flood.within if last else now)

    def _burst_opens(
        self, connection: Connection, before: sa.ColumnElement[bool], now: datetime
    ) -> datetime:
        held = (deliveries.c.digest == HELD) & (deliveries.c.status == "queued")
        over = sa.select(deliveries.c.id).where(before, held, deliveries.c.next_at <= now)
        if connection.execute(over.limit(1)).first() is not None:
            # It has waited once: what was sent meanwhile does not make it wait again.
            return now
        going = sa.select(deliveries.c.id).where(before, being_sent(now))
        for query in (self._first_to_come(before, now), going):
            if connection.execute(query.limit(1)).first() is not None:
                return now + BURST_EVERY
        # Asked last, because another dispatcher may send the first one between two questions.
        last = _last_sent(connection, before, now, BURST_EVERY)
        return max(now, last + BURST_EVERY if last else now)

    def _first_to_come(
        self, before: sa.ColumnElement[bool], now: datetime
    ) -> sa.Select[tuple[int]]:
        """Return the query that finds the first alert of a burst while it is still to be sent.

        Another dispatcher may plan or claim it in a transaction that is not seen here.
        """
        first, own = alerts.c, deliveries.c
        queued = sa.exists().where(before, own.alert_id == self.burst, own.status == "queued")
        is_open = (first.id == self.burst) & first.ended_at.is_(None)
        return sa.select(first.id).where(is_open, step_is_due(now) | queued)

    def so_far(self, connection: Connection) -> Burst | None:
        """Return how far the burst has grown; None for a flood."""
        if self.burst is None:
            return None
        query = sa.select(sa.func.min(alerts.c.raised_at), sa.func.count())
        began_at, number = connection.execute(query.where(alerts.c.burst == self.burst)).one()
        return Burst(began_at, number - 1)

    def _is_of(self) -> sa.ColumnElement[bool]:
        # An alias, because the query around it may select from alerts too.
        own = alerts.alias()
        if self.burst is None:
            which = (own.c.severity < int(ALONE_FROM)) & ~own.c.live_chat
        else:
            which = (own.c.burst == self.burst) & (own.c.severity >= int(ALONE_FROM))
        return sa.exists().where(own.c.id == deliveries.c.alert_id, which)


def begins_burst() -> sa.ColumnElement[bool]:
    """Return the condition for alerts that go alone, whatever else was sent."""
    first = alerts.c.burst.is_(None) | (alerts.c.burst == alerts.c.id)
    return ((alerts.c.severity >= int(ALONE_FROM)) & first) | alerts.c.live_chat


def burst_of(row: Row[Any]) -> int | None:
    """Return the burst that an immediate alert belongs to; None for the first alert of one."""
    return None if row.burst == row.alert_id else row.burst


def may_count(connection: Connection, channel: str) -> bool:
    """Return whether no other transaction claims for the channel, so that counts stay true.

    Never waits. A transaction that may not count claims only alerts that need no counting.
    """
    if connection.dialect.name != "postgresql":
        # SQLite has one writer at a time.
        return True
    lock = sa.func.hashtextextended(f"lantern alerts by {channel}", 0)
    return bool(connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(lock))).scalar())


def room(connection: Connection, channel: str, recipient: str, now: datetime, flood: Flood) -> int:
    """Return how many alerts may be sent alone now, less those being sent."""
    sent = (deliveries.c.status == "sent") & _lately(now, flood.within)
    query = (
        sa.select(sa.func.count())
        .select_from(deliveries.join(alerts, alerts.c.id == deliveries.c.alert_id))
        .where(
            _to(channel, recipient),
            alerts.c.severity < int(ALONE_FROM),
            ~alerts.c.live_chat,
            deliveries.c.digest.is_(None),
            sent | being_sent(now),
        )
    )
    return flood.most - connection.execute(query).scalar_one()


def being_sent(now: datetime) -> sa.ColumnElement[bool]:
    """Return the condition for deliveries that a dispatcher has claimed."""
    return (deliveries.c.status == "queued") & (deliveries.c.claimed_until > now)


def _to(channel: str, recipient: str) -> sa.ColumnElement[bool]:
    return (deliveries.c.channel == channel) & (deliveries.c.recipient == recipient)


def _last_sent(
    connection: Connection, which: sa.ColumnElement[bool], now: datetime, within: timedelta
) -> datetime | None:
    sent = which & (deliveries.c.status == "sent") & _lately(now, within)
    query = sa.select(sa.func.max(deliveries.c.sent_at)).where(sent)
    last: datetime | None = connection.execute(query).scalar()
    return last


def _lately(now: datetime, within: timedelta) -> sa.ColumnElement[bool]:
    # A time far in the future is of a clock that has been set back since.
    at = deliveries.c.sent_at
    return (at > now - within) & (at <= now + within)
