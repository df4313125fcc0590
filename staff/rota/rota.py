"""The rota: who is on duty when, who covers for whom, and when somebody is on duty next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from staff.accounts.tables import staff
from staff.alerts.tables import rota_shifts
from storage.duty import watches

Span = tuple[datetime, datetime]
"""From when until when, in UTC."""


class ShiftKind(Enum):
    """What somebody is on the rota for."""

    ON_DUTY = "on_duty"
    """Is told first."""
    SECOND = "second"
    """Is told when nobody who is on duty has opened the case in time."""
    DUTY_MANAGER = "duty_manager"
    """Is told last, and at once when nobody is on duty."""


@dataclass(frozen=True)
class Shift:
    """One person's time on the rota."""

    staff_id: str
    kind: ShiftKind
    starts_at: datetime
    ends_at: datetime
    """With a time zone, like `starts_at`, and after it."""
    cover_for: str | None = None
    """Whose place this person takes while the shift lasts."""
    id: int = 0
    """Given by the database."""


def on_duty(connection: Connection, at: datetime, kind: ShiftKind = ShiftKind.ON_DUTY) -> list[str]:
    """Ids of the staff in use whose shift of this kind it is; nobody for whom others cover."""
    now = (rota_shifts.c.starts_at <= at) & (rota_shifts.c.ends_at > at)
    found = [shift for shift in _shifts(connection, now) if shift.kind is kind]
    covered = {shift.cover_for for shift in found}
    return list(dict.fromkeys(s.staff_id for s in found if s.staff_id not in covered))


def windows(connection: Connection, start: datetime, end: datetime) -> list[Span]:
    """When between these two somebody is on duty who can be reached: spans apart, in order."""
    return _joined((each.starts_at, each.ends_at) for each in watches(connection, start, end))


def next_duty(connection: Connection, at: datetime) -> datetime | None:
    """When somebody is on duty next: `at` itself while somebody is, None when nobody ever is."""
    if on_duty(connection, at):
        return at
    later = (rota_shifts.c.starts_at > at) & (rota_shifts.c.kind == ShiftKind.ON_DUTY.value)
    return min((shift.starts_at for shift in _shifts(connection, later)), default=None)


def shifts(
    connection: Connection,
    start: datetime,
    end: datetime,
    which: sa.ColumnElement[bool] | None = None,
) -> list[Shift]:
    """The shifts of staff in use that touch this span of time, the earliest first."""
    touching = (rota_shifts.c.starts_at < end) & (rota_shifts.c.ends_at > start)
    return _shifts(connection, touching if which is None else touching & which)


def add_shifts(connection: Connection, added: Iterable[Shift]) -> int:
    """Put shifts on the rota; how many. Raises IntegrityError for an unknown person."""
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
    """One shift of a member of staff in use."""
    return next(iter(_shifts(connection, rota_shifts.c.id == shift_id)), None)


def remove_shift(connection: Connection, shift_id: int) -> bool:
    """Take a shift off the rota; False when it is not there."""
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


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Spans that touch or overlap as one; they come in the order of their beginnings."""
    found: list[Span] = []
    for start, end in spans:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
