"""The audit log: the trail on a database, for those who append outside a transaction and who read.

What changes records appends in its own transaction, with `trail.append`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from staff.audit.tables import audit_events
from staff.audit.trail import Event, Link, append, link_in
from storage.engine import READING

_BATCH = 1000


@dataclass(frozen=True)
class Wanted:
    """Which events are looked for; an empty field asks nothing."""

    who: str = ""
    """Who did it, or the account that it was tried on."""
    what: str = ""
    about: tuple[str, ...] = ()
    """Ids of cases or messages: one of them."""
    since: datetime | None = None
    until: datetime | None = None
    """Before this moment."""

    def condition(self) -> sa.ColumnElement[bool]:
        """What a row must fulfil."""
        row = audit_events.c
        conditions: list[sa.ColumnElement[bool]] = []
        if self.who:
            account = row.detail["account"].as_string()
            conditions.append((row.who == self.who) | (account == self.who))
        if self.what:
            conditions.append(row.what == self.what)
        if self.about:
            conditions.append(row.case_id.in_(self.about) | row.message_id.in_(self.about))
        if self.since:
            conditions.append(row.at >= self.since)
        if self.until:
            conditions.append(row.at < self.until)
        return sa.and_(sa.true(), *conditions)


class AuditLog:
    """The trail of this installation. Thread-safe; raises SQLAlchemyError when it cannot."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = utc_now) -> None:
        """Take an engine of `database.connect` on a migrated database."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._now = now

    def add(
        self,
        who: str,
        what: str,
        *,
        case_id: str | None = None,
        message_id: str | None = None,
        detail: dict[str, Any] | None = None,
    ) -> int:
        """Append an event of this moment in a transaction of its own; its number."""
        event = Event(self._now(), who, what, case_id, message_id, detail or {})
        with self._engine.begin() as connection:
            return append(connection, event)

    def newest(self, wanted: Wanted, *, before: int | None = None, limit: int) -> list[Link]:
        """At most `limit` events with a number below `before`, the newest first."""
        query = sa.select(audit_events).where(wanted.condition())
        if before is not None:
            query = query.where(audit_events.c.id < before)
        query = query.order_by(audit_events.c.id.desc()).limit(limit)
        with self._reading.connect() as connection:
            return [link_in(row) for row in connection.execute(query).mappings()]

    def every(self, wanted: Wanted) -> Iterator[Link]:
        """All events that are looked for, the newest first; a short query for each thousand."""
        before = None
        while links := self.newest(wanted, before=before, limit=_BATCH):
            yield from links
            before = links[-1].id

    def kinds(self) -> list[str]:
        """What was done at all, by name."""
        query = sa.select(audit_events.c.what).distinct().order_by(audit_events.c.what)
        with self._reading.connect() as connection:
            return list(connection.execute(query).scalars())
