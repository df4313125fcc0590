"""The rota: shifts of staff, and who is on duty when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from staff.accounts.tables import staff
from storage.duty import watches
from storage.engine import UtcDateTime, metadata

Span = tuple[datetime, datetime]
"""Start and end, in UTC."""

rota_shifts = sa.Table(
    "rota_shifts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("staff_id", sa.Text, sa.ForeignKey(staff.c.id), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("starts_at", UtcDateTime, nullable=False),
    sa.Column("ends_at", UtcDateTime, nullable=False, index=True),
    sa.Column("cover_for", sa.Text, sa.ForeignKey(staff.c.id)),
    sa.CheckConstraint("kind IN ('on_duty', 'second', 'duty_manager')", name="kind"),
    sa.CheckConstraint("starts_at < ends_at", name="order"),
)
"""One row a shift. During a shift with `cover_for` that member of staff is off duty."""


class ShiftKind(Enum):
    """What a member of staff is on the rota for."""

    ON_DUTY = "on_duty"
    """Is told first."""
    SECOND = "second"
    """Is told when staff on duty have not opened the case in time."""
    DUTY_MANAGER = "duty_manager"
    """Is told last, and at once when no one is on duty."""


@dataclass(frozen=True)
class Shift:
    """One person's time on the rota."""

    staff_id: str
    kind: ShiftKind
    starts_at: datetime
    ends_at: datetime
    """With a time zone, like `starts_at`, and after it."""
    cover_for: str | None = None
    """Id of the member of staff who is off duty while this shift lasts."""
    id: int = 0
    """Given by the database."""


def on_duty(connection: Connection, at: datetime, kind: ShiftKind = ShiftKind.ON_DUTY) -> list[str]:
    """Return the ids of staff in use who have a shift of this kind now and are not covered for."""
    now = (rota_shifts.c.starts_at <= at) & (rota_shifts.c.ends_at > at)
    current = [shift for shift in _shifts(connection, now) if shift.kind is kind]
    covered = {shift.cover_for for shift in current}
    return list(dict.fromkeys(s.staff_id for s in current if s.staff_id not in covered))


def windows(connection: Connection, start: datetime, end: datetime) -> list[Span]:
    """Return when, between these times, a reachable person is on duty: separate spans in order."""
    joined: list[Span] = []
    for watch in watches(connection, start, end):
        if joined and watch.starts_at <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(watch.ends_at, joined[-1][1]))
        else:
            joined.append((watch.starts_at, watch.ends_at))
    return joined


def shifts(
    connection: Connection,
    start: datetime,
    end: datetime,
    which: sa.ColumnElement[bool] | None = None,
) -> list[Shift]:
    """Return the shifts of staff in use that touch this span of time, the earliest first."""
    touching = (rota_shifts.c.starts_at < end) & (rota_shifts.c.ends_at > start)
    return _shifts(connection, touching if which is None else touching & which)


def add_shifts(connection: Connection, added: Iterable[Shift]) -> int:
    """Put shifts on the rota; return how many. Raises IntegrityError for an unknown person."""
    rows = [
        {
            "staff_id": shift.staff_id,
            "kind": shift.kind.value,
            "starts_at": shift.starts_at,
            "ends_at": shift.ends_at,
            "cover_for": shift.cover_for,
        }
        for shift in added
    ]
    if rows:
        connection.execute(sa.insert(rota_shifts), rows)
    return len(rows)


def shift_with(connection: Connection, shift_id: int) -> Shift | None:
    """Return one shift of a member of staff in use."""
    return next(iter(_shifts(connection, rota_shifts.c.id == shift_id)), None)


def remove_shift(connection: Connection, shift_id: int) -> bool:
    """Take a shift off the rota; return False when it is not there."""
    gone = sa.delete(rota_shifts).where(rota_shifts.c.id == shift_id)
    return bool(connection.execute(gone).rowcount)


def _shifts(connection: Connection, which: sa.ColumnElement[bool]) -> list[Shift]:
    query = (
        sa.select(rota_shifts)
        .join(staff, staff.c.id == rota_shifts.c.staff_id)
        .where(which, staff.c.disabled_at.is_(None))
        .order_by(rota_shifts.c.starts_at, rota_shifts.c.id)
    )
    return [
        Shift(
            row["staff_id"],
            ShiftKind(row["kind"]),
            row["starts_at"],
            row["ends_at"],
            row["cover_for"],
            row["id"],
        )
        for row in connection.execute(query).mappings()
    ]
