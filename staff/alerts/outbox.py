"""The outbox of alerts: each is written in the transaction that records what it is about.

An alert is open until a member of staff acknowledges it, or a later alert of its case supersedes
it. Meanwhile the dispatcher tells staff of it, step by step (staff/alerts/plan.py).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from safeguarding.taxonomy import Severity
from staff.rota.rota import CONSOLE
from storage.engine import READING, UtcDateTime, metadata

Reason = Literal["new", "raised", "reopened"]
BURST_GAP, UNKNOWN_SENDER_GAP = timedelta(minutes=2), timedelta(seconds=30)
"""The most time between the messages of two alerts that look alike, for both to be of one burst.
It bridges the minute for which the gateway makes a sender wait who begins too many conversations;
where the sender is not known, they may be two people, and the time is shorter."""
SUPERSEDED = "later alert"
"""Stands in `ended_by` when a later alert of the same case has replaced this one."""
TAKEN_BACK = "taken back"
"""Stands in `ended_by` when the person does not ask for a live chat any more."""
NOT_ACKNOWLEDGED = (SUPERSEDED, TAKEN_BACK)
"""The values of `ended_by` of alerts that ended before a member of staff acknowledged them."""


# Migrations create the tables; a test compares both. No column holds anything that a person wrote.
alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    # No foreign key: alerts do not import cases.
    sa.Column("case_id", sa.Text, nullable=False, index=True),
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("need", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("raised_at", UtcDateTime, nullable=False, index=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("occasion", sa.Text, nullable=False),
    sa.Column("area", sa.Text),
    sa.Column("letter", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("live_chat", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("sender", sa.Text),
    sa.Column("burst", sa.Integer, index=True),
    sa.Column("step", sa.SmallInteger, nullable=False),
    sa.Column("next_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("ended_by", sa.Text),
    sa.CheckConstraint("reason IN ('new', 'raised', 'reopened')", name="reason"),
    sa.UniqueConstraint("case_id", "severity", "reason", "occasion"),
    # The dispatcher looks for open alerts that are due every second.
    sa.Index("ix_alerts_due", "ended_at", "next_at"),
)
"""`step` is the next step of the plan and `next_at` when it is due. `ended_by` is the id of the
member of staff who acknowledged the alert, SUPERSEDED or TAKEN_BACK. `burst` is the id of the first
alert of its burst, its own where it is the first."""

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column(
        "alert_id", sa.Integer, sa.ForeignKey("alerts.id", ondelete="CASCADE"), nullable=False
    ),
    sa.Column("step", sa.SmallInteger, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", UtcDateTime, nullable=False),
    sa.Column("claimed_until", UtcDateTime),
    sa.Column("claimed_by", sa.Text),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("error", sa.Text),
    sa.Column("digest", sa.Text),
    sa.CheckConstraint("status IN ('queued', 'sent', 'failed', 'dropped')", name="status"),
    sa.UniqueConstraint("alert_id", "step", "channel", "recipient"),
    sa.Index("ix_deliveries_due", "status", "channel", "next_at"),
    sa.Index("ix_deliveries_recipient", "recipient", "channel"),
)
"""`recipient` is the id of a member of staff, or TEAM. `error` is a kind of failure, never a
server's text. `digest` names the message that several deliveries share; empty while one waits."""


@dataclass(frozen=True)
class Alert:
    """What staff are told of a case: labels and a reference, never a person's words."""

    case_id: str
    reference: str
    severity: Severity
    need: str
    category: str
    """The most serious risk category; empty when none is known."""
    raised_at: datetime
    """When the message that is handed over came. With a time zone."""
    reason: Reason
    occasion: str = ""
    """Distinguishes two alerts of the same case, severity and reason: the id of the message."""
    area: str | None = None
    """The area of the case; the alert goes to staff who may see it. None: to all staff."""
    letter: bool = False
    """Whether the message came through the letterbox of its case."""
    live_chat: bool = False
    """Whether the young person asks for a person to talk to now."""
    sender: str | None = None
    """The day's fingerprint of where the message came from; None where it is not known."""


@dataclass(frozen=True)
class WaitingAlert:
    """An open alert that a member of staff has been told of."""

    alert_id: int
    """Higher for later ones."""
    case_id: str
    reference: str
    severity: Severity
    live_chat: bool = False
    """Whether the young person asks for a person to talk to."""


@dataclass(frozen=True)
class OutboxFigures:
    """The state of the outbox in numbers."""

    open: dict[str, int]
    """Alerts that have not been acknowledged, by severity."""
    queued: dict[str, int]
    """Deliveries that wait to be sent, by channel."""
    failed: dict[str, int]
    """Deliveries of open alerts that were given up, by channel."""
    oldest_at: datetime | None
    """Since when the oldest due step or delivery waits; None when nothing is due."""


class StaffAlerts:
    """Looks up open alerts for the console. Thread-safe; every method raises SQLAlchemyError."""

    def __init__(self, engine: Engine) -> None:
        self._reading = engine.execution_options(**READING)

    def waiting_for(self, staff_id: str) -> list[WaitingAlert]:
        """Return the open alerts this person was told of, the most severe and oldest first."""
        own = sa.select(deliveries.c.alert_id).where(
            deliveries.c.recipient == staff_id, deliveries.c.channel == CONSOLE
        )
        query = (
            sa.select(alerts)
            .where(alerts.c.ended_at.is_(None), alerts.c.id.in_(own))
            .order_by(alerts.c.severity.desc(), alerts.c.raised_at)
        )
        with self._reading.connect() as connection:
            rows = connection.execute(query).all()
        return [
            WaitingAlert(row.id, row.case_id, row.reference, Severity(row.severity), row.live_chat)
            for row in rows
        ]


def raise_alert(connection: Connection, alert: Alert, now: datetime) -> int | None:
    """Add an alert in the transaction of `connection`; return None if it is there already.

    Return the burst that it belongs to: the id of the first of the alerts that look alike, come
    from one sender where that is known, and whose messages came one soon after the other. Ends
    older open alerts of the case. One of a live chat ends none and is of no burst: it is about
    something else, and cannot wait. Takes locks: call it before appending to the audit trail.
    Raises SQLAlchemyError.
    """
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = asdict(alert) | {"severity": int(alert.severity), "step": 0, "next_at": now}
    once = insert(alerts).values(**row).on_conflict_do_nothing().returning(alerts.c.id)
    made = connection.execute(once).scalar()
    if made is None:
        return None
    burst = int(made)
    if not alert.live_chat:
        _end(connection, alert.case_id, SUPERSEDED, now, alerts.c.id != made)
        _wait_for_alike(connection, alert)
        burst = _burst_like(connection, alert) or burst
    connection.execute(sa.update(alerts).where(alerts.c.id == made).values(burst=burst))
    return burst


def acknowledge(connection: Connection, case_id: str, by: str, now: datetime) -> int:
    """End the open alerts of a case, because `by` has opened or claimed it; return how many.

    Takes row locks: call it before appending to the audit trail. Raises SQLAlchemyError.
    """
    return _end(connection, case_id, by, now, sa.true())


def take_back(connection: Connection, chat_id: str, now: datetime) -> int:
    """End the alert of a person who does not ask for a live chat any more; return how many.

    Takes row locks: call it before appending to the audit trail. Raises SQLAlchemyError.
    """
    mine = alerts.c.live_chat & (alerts.c.occasion == chat_id) & alerts.c.ended_at.is_(None)
    ended = sa.update(alerts).where(mine).values(ended_at=now, ended_by=TAKEN_BACK)
    return connection.execute(ended).rowcount


def set_area(connection: Connection, case_id: str, area: str | None) -> None:
    """Set the area of a case's open alerts, once it is known.

    Takes row locks: call it before appending to the audit trail. Raises SQLAlchemyError.
    """
    open_alerts = (alerts.c.case_id == case_id) & alerts.c.ended_at.is_(None)
    connection.execute(sa.update(alerts).where(open_alerts).values(area=area))


def forget(connection: Connection, case_id: str) -> int:
    """Delete all alerts of a case with their deliveries; return how many alerts."""
    return connection.execute(sa.delete(alerts).where(alerts.c.case_id == case_id)).rowcount


def outbox_figures(connection: Connection, now: datetime) -> OutboxFigures:
    """Count open alerts and their deliveries."""
    is_open = alerts.c.ended_at.is_(None)
    by_severity = _counts(connection, sa.select(alerts.c.severity).where(is_open))
    queued = sa.select(deliveries.c.channel).where(deliveries.c.status == "queued")
    failed = (
        sa.select(deliveries.c.channel)
        .join(alerts, alerts.c.id == deliveries.c.alert_id)
        .where(is_open, deliveries.c.status == "failed")
    )
    due = sa.select(sa.func.min(alerts.c.next_at)).where(is_open, alerts.c.next_at <= now)
    unsent = sa.select(sa.func.min(deliveries.c.next_at)).where(
        deliveries.c.status == "queued", deliveries.c.next_at <= now
    )
    oldest = [connection.execute(query).scalar() for query in (due, unsent)]
    return OutboxFigures(
        {Severity(int(severity)).label: number for severity, number in by_severity.items()},
        _counts(connection, queued),
        _counts(connection, failed),
        min((at for at in oldest if at is not None), default=None),
    )


def _wait_for_alike(connection: Connection, alert: Alert) -> None:
    """Let one transaction at a time raise alerts that look like this one.

    Two at once would not see each other, and each would begin a burst.
    """
    if connection.dialect.name != "postgresql":
        # SQLite has one writer at a time.
        return
    looks = (int(alert.severity), alert.need, alert.category, alert.area, alert.sender)
    lock = sa.func.hashtextextended(f"lantern alerts like {looks}", 0)
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))


def _burst_like(connection: Connection, alert: Alert) -> int | None:
    """Return the burst of the newest alert of another case that looks like this one."""
    column = alerts.c
    gap = UNKNOWN_SENDER_GAP if alert.sender is None else BURST_GAP
    alike = (
        column.case_id != alert.case_id,
        ~column.live_chat,
        column.severity == int(alert.severity),
        column.need == alert.need,
        column.category == alert.category,
        column.area.is_not_distinct_from(alert.area),
        column.sender.is_not_distinct_from(alert.sender),
        column.raised_at.between(alert.raised_at - gap, alert.raised_at + gap),
    )
    newest = (column.raised_at.desc(), column.id.desc())
    query = sa.select(column.burst).where(*alike).order_by(*newest).limit(1)
    burst: int | None = connection.execute(query).scalar()
    return burst


def _end(
    connection: Connection, case_id: str, by: str, now: datetime, which: sa.ColumnElement[bool]
) -> int:
    open_alerts = (alerts.c.case_id == case_id) & alerts.c.ended_at.is_(None) & which
    ended = sa.update(alerts).where(open_alerts).values(ended_at=now, ended_by=by)
    return connection.execute(ended).rowcount


def _counts(connection: Connection, query: sa.Select[tuple[str]]) -> dict[str, int]:
    column = query.selected_columns[0]
    counted = query.add_columns(sa.func.count()).group_by(column)
    return {row[0]: row[1] for row in connection.execute(counted)}
