"""A flood of alerts: past a few in a short time, the further ones for a person go in one message.

An immediate alert always goes alone. What waits for its digest stays in the queue, held until then:
a digest leaves at most once in that time, and the first at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from safeguarding.taxonomy import Severity
from staff.alerts.tables import alerts, deliveries

HELD = ""
"""In place of the name of a digest: the delivery waits for the next one."""
ALONE_FROM = Severity.IMMEDIATE
"""From this severity on an alert goes alone, however many there are."""
_LOCK = "lantern alerts by "


@dataclass(frozen=True)
class Flood:
    """From when on alerts for one recipient by one channel go together."""

    most: int = 5
    """So many go alone …"""
    within: timedelta = timedelta(minutes=10)
    """… in this time, and one digest besides."""


def may_count(connection: Connection, channel: str) -> bool:
    """Whether this transaction alone claims for the channel, so that what it counts holds.

    Never waits: whoever may not, claims what needs no counting.
    """
    if connection.dialect.name != "postgresql":
        # SQLite's writers wait for each other anyway.
        return True
    lock = sa.func.hashtextextended(_LOCK + channel, 0)
    return bool(connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(lock))).scalar())


def room(connection: Connection, channel: str, recipient: str, now: datetime, flood: Flood) -> int:
    """How many may go alone to this recipient now, what is under way counted in."""
    gone = (deliveries.c.status == "sent") & _lately(now, flood)
    query = (
        sa.select(sa.func.count())
        .select_from(deliveries.join(alerts, alerts.c.id == deliveries.c.alert_id))
        .where(
            _for(channel, recipient),
            alerts.c.severity < int(ALONE_FROM),
            deliveries.c.digest.is_(None),
            gone | _under_way(now),
        )
    )
    return flood.most - connection.execute(query).scalar_one()


def opens(
    connection: Connection, channel: str, recipient: str, now: datetime, flood: Flood
) -> datetime:
    """When the next digest may go to this recipient; `now` when none has gone lately."""
    mine = _for(channel, recipient) & (deliveries.c.digest != HELD)
    going = sa.select(sa.func.max(deliveries.c.claimed_until)).where(mine, _under_way(now))
    gone = sa.select(sa.func.max(deliveries.c.sent_at)).where(
        mine, deliveries.c.status == "sent", _lately(now, flood)
    )
    until: datetime | None = connection.execute(going).scalar()
    last: datetime | None = connection.execute(gone).scalar()
    return max(now, until or now, last + flood.within if last else now)


def hold(connection: Connection, which: sa.ColumnElement[bool], until: datetime) -> None:
    """Let deliveries wait for the digest that goes then."""
    held = sa.update(deliveries).where(which).values(digest=HELD, next_at=until)
    connection.execute(held)


def crowd(recipient: str) -> sa.ColumnElement[bool]:
    """What is for this recipient and need not go alone."""
    # An alias: the query around it may have a place for alerts of its own.
    its = alerts.alias()
    less = sa.exists().where(its.c.id == deliveries.c.alert_id, its.c.severity < int(ALONE_FROM))
    return (deliveries.c.recipient == recipient) & less


def _for(channel: str, recipient: str) -> sa.ColumnElement[bool]:
    return (deliveries.c.channel == channel) & (deliveries.c.recipient == recipient)


def _lately(now: datetime, flood: Flood) -> sa.ColumnElement[bool]:
    # What was sent far in the future was sent by a clock that has been set back since.
    at = deliveries.c.sent_at
    return (at > now - flood.within) & (at <= now + flood.within)


def _under_way(now: datetime) -> sa.ColumnElement[bool]:
    return (deliveries.c.status == "queued") & (deliveries.c.claimed_until > now)
