"""The queue of deliveries: claimed for a time, sent at least once, retried with back-off.

A claim expires, so that another dispatcher sends what a killed one had claimed. Several dispatchers
may work on one queue.

In a flood of alerts, the further ones for a recipient are sent in one message, a digest. The first
digest is sent at once, the next ones at most once in `Flood.within`; meanwhile deliveries are held
in the queue. An immediate alert is always sent alone.
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
from staff.alerts.outbox import Alert, alerts, deliveries
from staff.alerts.plan import DISPATCHER
from staff.audit.trail import Event, append_all
from staff.rota.rota import CONSOLE, TEAM, contact_ways, may_see

LEASE = timedelta(seconds=120)
"""How long a claim lasts: much longer than a channel may take to send one message."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
TRIES = 150
"""About a day at the longest pause."""
MOST_TOGETHER = 500
"""Deliveries in one message at most; further ones wait for the next."""
ALONE_FROM = Severity.IMMEDIATE
"""From this severity on, an alert is sent alone."""
HELD = ""
"""Stands in `deliveries.digest` while a delivery waits for the next digest."""
IN_DIGEST = "alerted in a digest"
"""The event on the audit trail."""


class NotSentError(Exception):
    """The message was not sent. Holds a kind of failure only: servers quote addresses."""

    def __init__(self, kind: str, *, for_good: bool = False) -> None:
        """`for_good`: the address itself is refused, so that another attempt is of no use."""
        super().__init__(kind)
        self.kind = kind
        self.for_good = for_good


@dataclass(frozen=True)
class Flood:
    """How many alerts make a flood, for one recipient by one channel."""

    most: int = 5
    """Alerts that are sent alone within that time."""
    within: timedelta = timedelta(minutes=10)
    """The time in which they are counted."""


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
    return connection.execute(query).first() is not None


def claim(
    connection: Connection,
    channel: str,
    by: str,
    now: datetime,
    limit: int,
    flood: Flood,
) -> list[Delivery]:
    """Claim up to `limit` due deliveries for LEASE, the most severe first.

    `by` is a name of this claim only. Deliveries of alerts that have ended are dropped instead. In
    a flood, further ones come as one delivery with `others`, or are held until that may be sent.
    """
    waits = _waits(channel, now)
    counted = _may_count(connection, channel)
    which = waits if counted else waits & (alerts.c.severity >= int(ALONE_FROM))
    left: dict[str, int] = {}
    alone: list[Row[Any]] = []
    flooded: dict[str, None] = {}
    for row in _due(connection, which, limit):
        recipient = row.recipient
        if row.severity < ALONE_FROM:
            if recipient not in left:
                left[recipient] = _room(connection, channel, recipient, now, flood)
            left[recipient] -= 1
            if left[recipient] < 0:
                flooded[recipient] = None
                continue
        alone.append(row)
    claimed = _claimed(connection, alone, by, now, None)
    for number, recipient in enumerate(flooded):
        # The deliveries that were claimed above no longer wait.
        waiting = waits & _may_be_held(recipient)
        opens = _next_digest(connection, channel, recipient, now, flood)
        if opens > now:
            held = sa.update(deliveries).where(waiting).values(digest=HELD, next_at=opens)
            connection.execute(held)
            continue
        rows = _due(connection, waiting, MOST_TOGETHER)
        together = _claimed(connection, rows, by, now, f"{by}-{number}")
        claimed += [replace(each, others=tuple(together[1:])) for each in together[:1]]
    return claimed


def _may_count(connection: Connection, channel: str) -> bool:
    """Return whether no other transaction claims for the channel, so that counts stay true.

    Never waits. A transaction that may not count claims only alerts that need no counting.
    """
    if connection.dialect.name != "postgresql":
        # SQLite has one writer at a time.
        return True
    lock = sa.func.hashtextextended(f"lantern alerts by {channel}", 0)
    return bool(connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(lock))).scalar())


def _room(connection: Connection, channel: str, recipient: str, now: datetime, flood: Flood) -> int:
    """Return how many alerts may be sent alone now, less those being sent."""
    sent = (deliveries.c.status == "sent") & _lately(now, flood)
    query = (
        sa.select(sa.func.count())
        .select_from(deliveries.join(alerts, alerts.c.id == deliveries.c.alert_id))
        .where(
            _to(channel, recipient),
            alerts.c.severity < int(ALONE_FROM),
            deliveries.c.digest.is_(None),
            sent | _being_sent(now),
        )
    )
    return flood.most - connection.execute(query).scalar_one()


def _next_digest(
    connection: Connection, channel: str, recipient: str, now: datetime, flood: Flood
) -> datetime:
    """Return when the next digest may be sent; `now` when none was sent lately."""
    digests = _to(channel, recipient) & (deliveries.c.digest != HELD)
    going = sa.select(sa.func.max(deliveries.c.claimed_until)).where(digests, _being_sent(now))
    gone = sa.select(sa.func.max(deliveries.c.sent_at)).where(
        digests, deliveries.c.status == "sent", _lately(now, flood)
    )
    until: datetime | None = connection.execute(going).scalar()
    last: datetime | None = connection.execute(gone).scalar()
    return max(now, until or now, last + flood.within if last else now)


def _may_be_held(recipient: str) -> sa.ColumnElement[bool]:
    """Return the condition for deliveries to a recipient that need not be sent alone."""
    # An alias, because the query around it may select from alerts too.
    own = alerts.alias()
    less = sa.exists().where(own.c.id == deliveries.c.alert_id, own.c.severity < int(ALONE_FROM))
    return (deliveries.c.recipient == recipient) & less


def _to(channel: str, recipient: str) -> sa.ColumnElement[bool]:
    return (deliveries.c.channel == channel) & (deliveries.c.recipient == recipient)


def _lately(now: datetime, flood: Flood) -> sa.ColumnElement[bool]:
    # A time far in the future is of a clock that has been set back since.
    at = deliveries.c.sent_at
    return (at > now - flood.within) & (at <= now + flood.within)


def _being_sent(now: datetime) -> sa.ColumnElement[bool]:
    return (deliveries.c.status == "queued") & (deliveries.c.claimed_until > now)


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
        held = {"claimed_until": now + LEASE, "claimed_by": by, "attempts": attempts}
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
        )
        for row in rows
    ]


def release(connection: Connection, by: str) -> None:
    """Give back what the claim of this name still holds: deliveries that were not tried."""
    held = (deliveries.c.claimed_by == by) & deliveries.c.claimed_until.is_not(None)
    unclaimed = {
        "claimed_until": None,
        "claimed_by": None,
        "digest": None,
        "attempts": deliveries.c.attempts - 1,
    }
    connection.execute(sa.update(deliveries).where(held).values(**unclaimed))


def mark_sent(connection: Connection, delivery: Delivery, now: datetime) -> None:
    """Record that a message was accepted; a digest is on the audit trail for each of its cases.

    Doing so twice is harmless: a database that fails may have kept it all the same.
    """
    marked = _is_claimed(delivery) & (deliveries.c.status == "sent")
    if connection.execute(sa.select(deliveries.c.id).where(marked).limit(1)).first() is not None:
        return
    sent = {"status": "sent", "sent_at": now, "claimed_until": None, "error": None}
    connection.execute(sa.update(deliveries).where(_is_claimed(delivery)).values(**sent))
    if not delivery.others:
        return
    detail = {
        "recipient": delivery.recipient,
        "digest": delivery.digest,
        "together": len(delivery.every),
    }
    events = [
        Event(now, DISPATCHER, IN_DIGEST, each.alert.case_id, detail={"delivery": each.id} | detail)
        for each in delivery.every
    ]
    append_all(connection, events)


def mark_failed(
    connection: Connection, delivery: Delivery, error: NotSentError, now: datetime
) -> bool:
    """Try a delivery again later, or give it up, which is on the audit trail.

    When no other delivery of its alert was sent or waits, the next step is due at once. Return
    whether a delivery was given up. Doing so twice is harmless, as with `mark_sent`.
    """
    events = []
    for each in delivery.every:
        given_up = error.for_good or each.attempts >= TRIES
        failed = {
            "status": "failed" if given_up else "queued",
            "claimed_until": None,
            "error": error.kind,
            "next_at": now + pause(each.attempts),
        }
        own = (deliveries.c.id == each.id) & (deliveries.c.claimed_by == each.claimed_by)
        own &= deliveries.c.claimed_until.is_not(None)
        changed = sa.update(deliveries).where(own).values(**failed).returning(deliveries.c.alert_id)
        alert_id = connection.execute(changed).scalar()
        if alert_id is None or not given_up:
            continue
        others = sa.select(deliveries.c.id).where(
            deliveries.c.alert_id == alert_id,
            deliveries.c.channel != CONSOLE,
            deliveries.c.status.in_(("queued", "sent")),
        )
        if connection.execute(others.limit(1)).first() is None:
            at_once = sa.update(alerts).where(alerts.c.id == alert_id).values(next_at=now)
            connection.execute(at_once)
        detail = {"delivery": each.id, "recipient": each.recipient, "error": error.kind}
        events.append(Event(now, DISPATCHER, "alert not sent", each.alert.case_id, detail=detail))
    if events:
        # The audit trail comes last: recording a hand-off locks alerts before it, too.
        append_all(connection, events)
    return bool(events)


def pause(attempts: int) -> timedelta:
    """Return the wait after this many attempts: doubled each time, with jitter."""
    longest = min(FIRST_PAUSE * (1 << min(attempts - 1, 20)), LONGEST_PAUSE)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads the load, guards nothing


def _waits(channel: str, now: datetime) -> sa.ColumnElement[bool]:
    queued = (deliveries.c.status == "queued") & (deliveries.c.channel == channel)
    at, until = deliveries.c.next_at, deliveries.c.claimed_until
    # The first attempt is always due, even when the clocks of two machines differ. A pause or a
    # claim that is longer than ours was set by a clock that has been set back since.
    first = (deliveries.c.attempts == 0) & deliveries.c.digest.is_distinct_from(HELD)
    due = (at <= now) | first | (at > now + 2 * LONGEST_PAUSE)
    free = until.is_(None) | (until <= now) | (until > now + 2 * LEASE)
    return queued & due & free


def _is_claimed(delivery: Delivery) -> sa.ColumnElement[bool]:
    """Return the condition for all deliveries of a message that this claim still holds."""
    ids = [each.id for each in delivery.every]
    return deliveries.c.id.in_(ids) & (deliveries.c.claimed_by == delivery.claimed_by)


def _alert(row: Row[Any]) -> Alert:
    facts = {each.name: getattr(row, each.name) for each in fields(Alert)}
    return Alert(**facts | {"severity": Severity(row.severity)})
