"""The queue of deliveries: claimed for a time and renewed while they are sent, at least once each.

A claim expires, so that another dispatcher sends what a killed one had claimed. Several dispatchers
may work on one queue. `staff/alerts/flood.py` says what goes alone and what together. A recipient
whose address refuses messages is tried by one delivery at a time (`staff/rota/refusals.py`).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from safeguarding.taxonomy import Severity
from staff.accounts.tables import staff
from staff.alerts.flood import (
    ALONE_FROM,
    HELD,
    Burst,
    Flood,
    Together,
    begins_burst,
    burst_of,
    may_count,
    room,
)
from staff.alerts.outbox import Alert, alerts, deliveries
from staff.rota import refusals
from staff.rota.refusals import refused_ways
from staff.rota.rota import TEAM, contact_ways, may_see
from storage.engine import UtcDateTime

LEASE, IMMEDIATE_LEASE = timedelta(seconds=120), timedelta(seconds=15)
"""How long a claim lasts without being renewed; the shorter time is for immediate alerts."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
TRIES = 150
"""About a day at the longest pause."""
MOST_TOGETHER = 500
"""Deliveries in one message at most; further ones wait for the next."""


class NotSentError(Exception):
    """The message was not sent. Holds a kind of failure only: servers quote addresses."""

    def __init__(self, kind: str, *, refused: bool = False, for_good: bool = False) -> None:
        """Take what is known of the failure; without more, the message is tried again soon.

        `refused`: the recipient's address takes no messages; it is tried again with long pauses.
        `for_good`: there is no address, so that another attempt is of no use.
        """
        super().__init__(kind)
        self.kind = kind
        self.refused = refused
        self.for_good = for_good


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

    burst: Burst | None = None
    """The burst of which it tells together with `others`; None for any other message."""
    error: str | None = None
    """The kind of failure of the attempt before; None when there was none."""

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

    def email_address(self, team: str | None) -> str:
        """Return the recipient's address, `team` for TEAM. Raises NotSentError if there is none."""
        address = team if self.recipient == TEAM else self.email
        if not address:
            raise NotSentError("no address", for_good=True)
        return address

    def phone_number(self) -> str:
        """Return the recipient's phone number. Raises NotSentError if there is none."""
        if not self.phone:
            raise NotSentError("no phone number", for_good=True)
        return self.phone


def is_due(connection: Connection, channel: str, now: datetime) -> bool:
    """Return whether a delivery of this channel is due. Takes no lock."""
    query = sa.select(deliveries.c.id).where(_waits(channel, now)).limit(1)
    if connection.execute(query).first() is not None:
        return True
    way = refused_ways.c
    to_try = (
        sa.select(way.recipient)
        .join(deliveries, (deliveries.c.recipient == way.recipient) & _given_up(channel))
        .join(alerts, (alerts.c.id == deliveries.c.alert_id) & alerts.c.ended_at.is_(None))
        .where(way.channel == channel, refusals.is_due(now))
    )
    return connection.execute(to_try.limit(1)).first() is not None


def claim(
    connection: Connection,
    channel: str,
    by: str,
    now: datetime,
    limit: int,
    flood: Flood,
) -> list[Delivery]:
    """Claim up to `limit` due deliveries, the most severe first.

    `by` is a name of this claim only. Deliveries of alerts that have ended are dropped instead.
    Those that are sent together come as one delivery with `others`, or are held until the next
    message may be sent.
    """
    for recipient in refusals.take_due(connection, channel, now, LEASE):
        _queue_one(connection, channel, recipient, now)
    waits = _waits(channel, now)
    counted = may_count(connection, channel)
    left: dict[str, int] = {}
    alone: list[Row[Any]] = []
    groups: dict[Together, None] = {}
    for row in _due(connection, waits if counted else waits & begins_burst(), limit):
        recipient = row.recipient
        if row.severity >= ALONE_FROM or row.live_chat:
            burst = burst_of(row)
            if burst is not None:
                groups[Together(recipient, burst)] = None
                continue
        else:
            if recipient not in left:
                left[recipient] = room(connection, channel, recipient, now, flood)
            left[recipient] -= 1
            if left[recipient] < 0:
                groups[Together(recipient)] = None
                continue
        alone.append(row)
    claimed = _claimed(connection, alone, by, now, None)
    for number, group in enumerate(groups):
        # The deliveries that were claimed above no longer wait.
        waiting = waits & group.holds()
        opens = group.opens(connection, channel, now, flood)
        if opens > now:
            held = sa.update(deliveries).where(waiting).values(digest=HELD, next_at=opens)
            connection.execute(held)
            continue
        # Also those that were held a little later than the first.
        rows = _due(connection, waiting | (_is_held_back(channel) & group.holds()), MOST_TOGETHER)
        together = _claimed(connection, rows, by, now, f"{by}-{number}")
        if together:
            others = tuple(together[1:])
            burst_so_far = group.so_far(connection) if others else None
            claimed.append(replace(together[0], others=others, burst=burst_so_far))
    return claimed


def _queue_one(connection: Connection, channel: str, recipient: str, now: datetime) -> None:
    """Let one delivery to an address that refused messages be tried, the most severe."""
    own = (deliveries.c.recipient == recipient) & _given_up(channel)
    waiting = (
        sa.select(deliveries.c.id)
        .join(alerts, alerts.c.id == deliveries.c.alert_id)
        .where(own, alerts.c.ended_at.is_(None))
        .order_by(alerts.c.severity.desc(), deliveries.c.id)
        .limit(1)
    )
    one = sa.update(deliveries).where(deliveries.c.id == waiting.scalar_subquery())
    connection.execute(one.values(status="queued", next_at=now, digest=None))


def _due(connection: Connection, which: sa.ColumnElement[bool], limit: int) -> list[Row[Any]]:
    """Lock and return deliveries; drop those of alerts that have ended.

    Requests to talk come first, because the person waits for a minute only. Then the most
    severe come first.
    """
    own = (deliveries.c.id, deliveries.c.alert_id, deliveries.c.recipient)
    due = (
        sa.select(*own, deliveries.c.attempts, deliveries.c.error)
        .add_columns(*(each for each in alerts.c if each is not alerts.c.id))
        .add_columns(contact_ways.c.email, contact_ways.c.phone, staff.c.areas)
        .join(alerts, alerts.c.id == deliveries.c.alert_id)
        .outerjoin(contact_ways, contact_ways.c.staff_id == deliveries.c.recipient)
        .outerjoin(staff, staff.c.id == deliveries.c.recipient)
        .where(which)
        .order_by(alerts.c.live_chat.desc(), alerts.c.severity.desc(), deliveries.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=deliveries)
    )
    rows = connection.execute(due).all()
    ended_ids = [row.id for row in rows if row.ended_at is not None]
    if ended_ids:
        ended = sa.update(deliveries).where(deliveries.c.id.in_(ended_ids))
        connection.execute(ended.values(status="dropped"))
    return [row for row in rows if row.ended_at is None]


def _claimed(
    connection: Connection, rows: Sequence[Row[Any]], by: str, now: datetime, name: str | None
) -> list[Delivery]:
    """Claim rows, in the digest of this name or each alone, and return them as deliveries."""
    if rows:
        claims = sa.update(deliveries).where(deliveries.c.id.in_([row.id for row in rows]))
        attempts = deliveries.c.attempts + 1
        held = {"claimed_until": _lease_ends(now), "claimed_by": by, "attempts": attempts}
        connection.execute(claims.values(**held, digest=name))
    return [
        Delivery(
            row.id,
            _alert(row),
            row.recipient,
            row.email,
            row.phone,
            row.attempts + 1,
            by,
            outside=not may_see(row.areas, row.area),
            digest=name,
            error=row.error,
        )
        for row in rows
    ]


def renew(connection: Connection, by: str, now: datetime) -> None:
    """Let the claim of this name last as if it had been made now."""
    held = sa.update(deliveries).where(_is_held(by))
    connection.execute(held.values(claimed_until=_lease_ends(now)))


def still_holds(connection: Connection, delivery: Delivery, now: datetime) -> bool:
    """Renew the claim of a message before it is sent; return False when all of it is lost.

    Another dispatcher has it then, because the claim had expired, or the recipient's address
    refused another message of the same batch.
    """
    ids = [each.id for each in delivery.every]
    held = sa.update(deliveries).where(deliveries.c.id.in_(ids), _is_held(delivery.claimed_by))
    return bool(connection.execute(held.values(claimed_until=_lease_ends(now))).rowcount)


def release(connection: Connection, by: str) -> None:
    """Give back what the claim of this name still holds: deliveries that were not tried."""
    unclaimed = {
        "claimed_until": None,
        "claimed_by": None,
        "digest": None,
        "attempts": deliveries.c.attempts - 1,
    }
    connection.execute(sa.update(deliveries).where(_is_held(by)).values(**unclaimed))


def pause(attempts: int) -> timedelta:
    """Return the wait after this many attempts: doubled each time, with jitter."""
    longest = min(FIRST_PAUSE * (1 << min(attempts - 1, 20)), LONGEST_PAUSE)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads the load, guards nothing


def _is_held(by: str) -> sa.ColumnElement[bool]:
    """Return the condition for deliveries of the claim of this name that are not done."""
    return (deliveries.c.claimed_by == by) & deliveries.c.claimed_until.is_not(None)


def _lease_ends(now: datetime) -> sa.ColumnElement[datetime]:
    """Return when the claim of a delivery expires that is made or renewed now."""
    immediate = sa.select(alerts.c.id).where(
        alerts.c.id == deliveries.c.alert_id, alerts.c.severity >= int(Severity.IMMEDIATE)
    )
    return sa.case(
        (immediate.exists(), sa.literal(now + IMMEDIATE_LEASE, UtcDateTime)),
        else_=sa.literal(now + LEASE, UtcDateTime),
    )


def _waits(channel: str, now: datetime) -> sa.ColumnElement[bool]:
    queued = (deliveries.c.status == "queued") & (deliveries.c.channel == channel)
    at, until = deliveries.c.next_at, deliveries.c.claimed_until
    # The first attempt is always due, even when the clocks of two machines differ. A pause or a
    # claim that is longer than ours was set by a clock that has been set back since.
    first = (deliveries.c.attempts == 0) & deliveries.c.digest.is_distinct_from(HELD)
    due = (at <= now) | first | (at > now + 2 * LONGEST_PAUSE)
    free = until.is_(None) | (until <= now) | (until > now + 2 * LEASE)
    return queued & due & free


def _is_held_back(channel: str) -> sa.ColumnElement[bool]:
    queued = (deliveries.c.status == "queued") & (deliveries.c.channel == channel)
    return queued & (deliveries.c.digest == HELD) & deliveries.c.claimed_until.is_(None)


def _given_up(channel: str) -> sa.ColumnElement[bool]:
    return (deliveries.c.status == "failed") & (deliveries.c.channel == channel)


def _alert(row: Row[Any]) -> Alert:
    facts = {each.name: getattr(row, each.name) for each in fields(Alert)}
    return Alert(**facts | {"severity": Severity(row.severity)})
