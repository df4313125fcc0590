"""The hours in which staff are on duty: all that the chat may know of the rota."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from storage.engine import UtcDateTime

duty_hours = sa.table(
    "duty_hours",
    sa.column("starts_at", UtcDateTime),
    sa.column("ends_at", UtcDateTime),
    sa.column("areas", sa.JSON),
)
"""A view of the database: the shifts of staff on duty who have left an email address or a phone
number. Others could read of a hand-off only by chance, and a promise must not rest on them."""


@dataclass(frozen=True)
class Watch:
    """A span of time in which a person is on duty, and the areas it covers; None: all areas."""

    starts_at: datetime
    ends_at: datetime
    areas: frozenset[str] | None = None

    def covers(self, area: str | None) -> bool:
        """Return whether this person may see cases of an area; None: cases without one."""
        return self.areas is None or area is None or area in self.areas


def watches(connection: Connection, start: datetime, end: datetime) -> list[Watch]:
    """Return the watches that touch the time between these two, the earliest first."""
    query = (
        sa.select(duty_hours)
        .where(duty_hours.c.starts_at < end, duty_hours.c.ends_at > start)
        .order_by(duty_hours.c.starts_at, duty_hours.c.ends_at)
    )
    return [
        Watch(row.starts_at, row.ends_at, None if row.areas is None else frozenset(row.areas))
        for row in connection.execute(query)
    ]
