"""What became of a delivery: it was sent, is tried again later, or is given up.

A delivery to an address that refuses messages fails, and so do all others to that address. The
dispatcher tries the address with growing pauses. Once it takes a message, the failed deliveries are
queued again. Meanwhile the next step of the plan is due at once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from staff.alerts.outbox import alerts, deliveries
from staff.alerts.plan import DISPATCHER
from staff.alerts.queue import TRIES, Delivery, NotSentError, pause
from staff.audit.trail import Event, append_all
from staff.rota import refusals
from staff.rota.rota import CONSOLE, TEAM

IN_DIGEST, NOT_SENT = "alerted in a digest", "alert not sent"
REFUSES, TAKES_AGAIN = "address refuses alerts", "address takes alerts again"
"""Events on the audit trail."""


def mark_sent(connection: Connection, delivery: Delivery, now: datetime) -> None:
    """Record that a message was accepted; a digest is on the audit trail for each of its cases.

    When its address refused messages before, what was given up meanwhile is queued again. Doing so
    twice is harmless: a database that fails may have kept it all the same.
    """
    marked = _is_claimed(delivery) & (deliveries.c.status == "sent")
    if connection.execute(sa.select(deliveries.c.id).where(marked).limit(1)).first() is not None:
        return
    sent = {"status": "sent", "sent_at": now, "claimed_until": None, "error": None}
    update = sa.update(deliveries).where(_is_claimed(delivery)).values(**sent)
    row = connection.execute(update.returning(deliveries.c.channel)).first()
    events = []
    if row is not None and refusals.forget(connection, row.channel, delivery.recipient):
        _queue_again(connection, row.channel, delivery.recipient, now)
        detail = {"channel": row.channel, "recipient": delivery.recipient}
        events.append(Event(now, DISPATCHER, TAKES_AGAIN, detail=detail))
    if delivery.others:
        together = {
            "recipient": delivery.recipient,
            "digest": delivery.digest,
            "together": len(delivery.every),
        }
        for each in delivery.every:
            detail = {"delivery": each.id} | together
            events.append(Event(now, DISPATCHER, IN_DIGEST, each.alert.case_id, detail=detail))
    if events:
        append_all(connection, events)


def mark_failed(
    connection: Connection, delivery: Delivery, error: NotSentError, now: datetime
) -> bool:
    """Try a delivery again later, or give it up, which is on the audit trail.

    When no other person was or will be told by its step or a later one, the next step is due at
    once. A repeat of the same failure changes the row only. Return whether a delivery was given up
    that was not before. Doing so twice is harmless, as with `mark_sent`.
    """
    changed: list[Row[Any]] = []
    given_up: list[Row[Any]] = []
    for each in delivery.every:
        over = error.refused or error.for_good or each.attempts >= TRIES
        failed = {
            "status": "failed" if over else "queued",
            "claimed_until": None,
            "error": error.kind,
            "next_at": now + pause(each.attempts),
        }
        own = (deliveries.c.id == each.id) & (deliveries.c.claimed_by == each.claimed_by)
        rows = _changed(connection, own & deliveries.c.claimed_until.is_not(None), failed)
        changed += rows
        repeated = error.refused and each.error == error.kind
        given_up += rows if over and not repeated else []
    events = []
    refusal = {"recipient": delivery.recipient, "error": error.kind}
    for channel in {row.channel for row in changed}:
        if error.refused:
            given_up += _give_up_others(connection, delivery, channel, error.kind)
            if refusals.refuse(connection, channel, now=now, **refusal):
                way = refusal | {"channel": channel}
                events.append(Event(now, DISPATCHER, REFUSES, detail=way))
        elif error.for_good:
            refusals.forget(connection, channel, delivery.recipient)
    for given in given_up:
        case_id = _take_next_step(connection, given, now)
        detail = refusal | {"delivery": given.id}
        events.append(Event(now, DISPATCHER, NOT_SENT, case_id, detail=detail))
    if events:
        # The audit trail comes last: recording a hand-off locks alerts before it, too.
        append_all(connection, events)
    return bool(given_up)


def _give_up_others(
    connection: Connection, delivery: Delivery, channel: str, error: str
) -> list[Row[Any]]:
    """Give up what waits for a refused address, so that it is not tried for each alert."""
    until = deliveries.c.claimed_until
    own = until.is_(None) | (deliveries.c.claimed_by == delivery.claimed_by)
    to_it = (deliveries.c.channel == channel) & (deliveries.c.recipient == delivery.recipient)
    waiting = to_it & (deliveries.c.status == "queued") & own
    return _changed(
        connection, waiting, {"status": "failed", "claimed_until": None, "error": error}
    )


def _take_next_step(connection: Connection, given_up: Row[Any], now: datetime) -> str:
    """Let the next step follow at once if this one reaches no other person; return the case."""
    others = sa.exists().where(
        deliveries.c.alert_id == given_up.alert_id,
        deliveries.c.step >= given_up.step,
        deliveries.c.channel != CONSOLE,
        deliveries.c.recipient != TEAM,
        deliveries.c.status.in_(("queued", "sent")),
    )
    own = alerts.c.id == given_up.alert_id
    at_once = sa.update(alerts).where(own, alerts.c.ended_at.is_(None), ~others)
    connection.execute(at_once.values(next_at=now))
    case_id: str = connection.execute(sa.select(alerts.c.case_id).where(own)).scalar_one()
    return case_id


def _queue_again(connection: Connection, channel: str, recipient: str, now: datetime) -> None:
    """Queue what was given up for an address that takes messages again."""
    still_open = sa.select(alerts.c.id).where(alerts.c.ended_at.is_(None))
    given_up = sa.update(deliveries).where(
        deliveries.c.channel == channel,
        deliveries.c.recipient == recipient,
        deliveries.c.status == "failed",
        deliveries.c.alert_id.in_(still_open),
    )
    fresh = {"status": "queued", "attempts": 0, "next_at": now, "error": None, "digest": None}
    connection.execute(given_up.values(**fresh))


def _changed(
    connection: Connection, which: sa.ColumnElement[bool], values: dict[str, Any]
) -> list[Row[Any]]:
    """Change deliveries and return what identifies each of them."""
    row = deliveries.c
    change = sa.update(deliveries).where(which).values(**values)
    returned = change.returning(row.id, row.alert_id, row.step, row.channel)
    return list(connection.execute(returned).all())


def _is_claimed(delivery: Delivery) -> sa.ColumnElement[bool]:
    """Return the condition for all deliveries of a message that this claim still holds."""
    ids = [each.id for each in delivery.every]
    return deliveries.c.id.in_(ids) & (deliveries.c.claimed_by == delivery.claimed_by)
