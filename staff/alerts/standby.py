"""The stand-by outbox: one alert in a database in memory, while the real one is away.

It holds the last rota that was read, so that plan and queue work on it as on the real outbox: who
is told, in which steps, by which channel, and how often a message is tried. What it holds ends with
the process.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.pool import QueuePool

from safeguarding.clock import utc_now
from safeguarding.taxonomy import Severity
from staff.accounts.tables import staff
from staff.alerts.outbox import Alert, acknowledge, alerts, deliveries, raise_alert
from staff.alerts.plan import DISPATCHER
from staff.audit.trail import audit_events
from staff.rota.kept import KeptRota, write_rota
from staff.rota.refusals import refused_ways
from staff.rota.rota import CONSOLE, contact_ways, rota_shifts
from storage.engine import metadata
from storage.spooled_file import SpooledFile, SpooledState

SPOOL = "spool"
"""Stands in the alert where others have their case and its reference."""
_TABLES = (staff, rota_shifts, contact_ways, alerts, deliveries, refused_ways, audit_events)


@dataclass(frozen=True)
class UnreadMessages:
    """The messages that staff are told of: grave ones, and ones that could not be assessed."""

    files: tuple[SpooledFile, ...]
    """One at least."""

    @property
    def severity(self) -> Severity:
        """The gravest; a message that is not assessed counts as urgent."""
        return max(each.severity for each in self.files)

    @property
    def assessed(self) -> Counter[Severity]:
        """How many are of each severity that is known, the gravest first."""
        known = (each.severity for each in self.files if each.state is SpooledState.ASSESSED)
        return Counter(sorted(known, reverse=True))

    @property
    def unassessed(self) -> int:
        """Of how many the severity is not known."""
        return len(self.files) - self.assessed.total()

    @property
    def since(self) -> datetime:
        """When the oldest was kept."""
        return min(each.kept_at for each in self.files)

    @property
    def area(self) -> str | None:
        """The area of all of them; None where they differ: then staff of every area are told."""
        areas = {each.area for each in self.files}
        return areas.pop() if len(areas) == 1 else None


class StandbyOutbox:
    """Holds at most one open alert. Thread-safe. Every method raises SQLAlchemyError."""

    def __init__(self) -> None:
        # One connection, which the threads take in turns: the database is gone with it.
        self.engine: Engine = sa.create_engine(
            "sqlite://",
            hide_parameters=True,
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=0,
            connect_args={"check_same_thread": False},
        )
        metadata.create_all(self.engine, _TABLES)
        with self.engine.begin() as connection:
            connection.execute(sa.insert(deliveries).values(**_first_number(utc_now())))

    def replace_rota(self, rota: KeptRota | None) -> None:
        """Alert by this rota from now on; by None no one is known, and the team alone is told."""
        with self.engine.begin() as connection:
            write_rota(connection, rota)

    def open(self, waiting: UnreadMessages, now: datetime) -> None:
        """Open the alert, or make the open one graver: the next step is then due at once."""
        with self.engine.begin() as connection:
            known = connection.execute(sa.select(alerts.c.severity).where(_OPEN)).scalar()
            if known is None:
                raise_alert(connection, _alert(waiting, now), now)
            else:
                graver = {"severity": int(waiting.severity), "area": waiting.area, "next_at": now}
                connection.execute(sa.update(alerts).where(_OPEN).values(**graver))

    def hurry(self, latest: datetime, area: str | None) -> None:
        """Let the next step of the open alert be due at `latest` at the latest, in this area.

        While a mail server is away, only the newest message to a recipient is kept: each says all.
        """
        at = sa.case((alerts.c.next_at > latest, latest), else_=alerts.c.next_at)
        later = deliveries.alias()
        own, same = deliveries.c, ("alert_id", "channel", "recipient")
        is_later = sa.and_(later.c.step > own.step, *(later.c[each] == own[each] for each in same))
        repeated = (own.status == "queued") & own.claimed_until.is_(None)
        repeated &= sa.exists().where(is_later)
        with self.engine.begin() as connection:
            connection.execute(sa.update(alerts).where(_OPEN).values(next_at=at, area=area))
            connection.execute(sa.update(deliveries).where(repeated).values(status="dropped"))

    def told_at(self) -> datetime | None:
        """Return when staff were last told; None when they were not."""
        with self.engine.connect() as connection:
            newest = sa.select(sa.func.max(deliveries.c.sent_at))
            told: datetime | None = connection.execute(newest).scalar()
            return told

    def end(self, now: datetime) -> bool:
        """End the alert, and return whether one was open; what is not sent yet is dropped."""
        with self.engine.begin() as connection:
            return acknowledge(connection, SPOOL, DISPATCHER, now) > 0


_OPEN = alerts.c.ended_at.is_(None)


def _first_number(now: datetime) -> dict[str, Any]:
    """Return a row after which deliveries are numbered: by the time of the start.

    A mailbox that knows a number takes a message with it for a copy, and the real outbox begins
    at 1.
    """
    number = int(now.timestamp() * 1000)
    nothing = {"alert_id": 0, "step": 0, "recipient": "", "attempts": 0, "next_at": now}
    return {"id": number, "channel": CONSOLE, "status": "dropped", **nothing}


def _alert(waiting: UnreadMessages, now: datetime) -> Alert:
    return Alert(
        case_id=SPOOL,
        reference=SPOOL,
        severity=waiting.severity,
        need="",
        category="",
        raised_at=waiting.since,
        reason="new",
        occasion=now.isoformat(),
        area=waiting.area,
    )
