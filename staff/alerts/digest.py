"""Digests: in a flood of alerts, the further ones for a recipient are sent in one message.

An immediate alert is always sent alone. A delivery that waits for a digest is held in the queue.
The first digest is sent at once, the next ones at most once in `Flood.within`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from safeguarding.taxonomy import Severity
from staff.alerts.outbox import alerts, deliveries

HELD = ""
"""Stands in `deliveries.digest` while a delivery waits for the next digest."""
ALONE_FROM = Severity.IMMEDIATE
"""From this severity on, an alert is sent alone."""
_LOCK = "lantern alerts by "


@dataclass(frozen=True)
class Flood:
    """How many alerts make a flood, for one recipient by one channel."""

    most: int = 5
    """Alerts that are sent alone within that time."""
    within: timedelta = timedelta(minutes=10)
    """The time in which they are counted."""


def may_count(connection: Connection, channel: str) -> bool:
    """Return whether no other transaction claims for the channel, so that counts stay true.

    Never waits. A transaction that may not count claims only alerts that need no counting.
    """
    if connection.dialect.name != "postgresql":
        # SQLite has one writer at a time.
        return True
    lock = sa.func.hashtextextended(_LOCK + channel, 0)
    return bool(connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(lock))).scalar())


def room(connection: Connection, channel: str, recipient: str, now: datetime, flood: Flood) -> int:
    """Return how many alerts may be sent alone now, less those being sent."""
    sent = (deliveries.c.status == "sent") & _lately(now, flood)
    query = (
        sa.select(sa.func.count())
        .select_from(deliveries.join(alerts, alerts.c.id == deliveries.c.alert_id))
        .where(
            _for(channel, recipient),
            alerts.c.severity < int(ALONE_FROM),
            deliveries.c.digest.is_(None),
            sent | _being_sent(now),
        )
    )
    return flood.most - connection.execute(query).scalar_one()


def opens(
    connection: Connection, channel: str, recipient: str, now: datetime, flood: Flood
) -> datetime:
    """Return when the next digest may be sent; `now` when none was sent lately."""
    digests = _for(channel, recipient) & (deliveries.c.digest != HELD)
    going = sa.select(sa.func.max(deliveries.c.claimed_until)).where(digests, _being_sent(now))
    gone = sa.select(sa.func.max(deliveries.c.sent_at)).where(
        digests, deliveries.c.status == "sent", _lately(now, flood)
    )
    until: datetime | None = connection.execute(going).scalar()
    last: datetime | None = connection.execute(gone).scalar()
    return max(now, until or now, last + flood.within if last else now)


def hold(connection: Connection, which: sa.ColumnElement[bool], until: datetime) -> None:
    """Hold deliveries for the digest that is sent at `until`."""
    connection.execute(sa.update(deliveries).where(which).values(digest=HELD, next_at=until))


def may_be_held(recipient: str) -> sa.ColumnElement[bool]:
    """Return the condition for deliveries to a recipient that need not be sent alone."""
    # An alias, because the query around it may select from alerts too.
    own = alerts.alias()
    less = sa.exists().where(own.c.id == deliveries.c.alert_id, own.c.severity < int(ALONE_FROM))
    return (deliveries.c.recipient == recipient) & less


def _for(channel: str, recipient: str) -> sa.ColumnElement[bool]:
    return (deliveries.c.channel == channel) & (deliveries.c.recipient == recipient)


def _lately(now: datetime, flood: Flood) -> sa.ColumnElement[bool]:
    # A time far in the future is of a clock that has been set back since.
    at = deliveries.c.sent_at
    return (at > now - flood.within) & (at <= now + flood.within)


def _being_sent(now: datetime) -> sa.ColumnElement[bool]:
    return (deliveries.c.status == "queued") & (deliveries.c.claimed_until > now)
