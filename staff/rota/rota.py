"""The rota: who is on duty when, who may see a case, and how each of them wants to be told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from safeguarding.clock import LONDON
from safeguarding.taxonomy import Severity
from staff.accounts.permissions import READERS
from staff.accounts.tables import staff
from storage.duty import watches
from storage.engine import UtcDateTime, metadata

Span = tuple[datetime, datetime]
"""Start and end, in UTC."""
TEAM = "team"
"""The recipient that is not a person: the team's mailbox, its channel in Teams or Slack."""
EMAIL, SMS, WEBHOOK, CONSOLE = "email", "sms", "webhook", "console"
"""The ways to tell a recipient. The values are stored with each delivery: never rename one."""

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

contact_ways = sa.Table(
    "contact_ways",
    metadata,
    sa.Column("staff_id", sa.Text, sa.ForeignKey(staff.c.id), primary_key=True),
    sa.Column("email", sa.Text),
    sa.Column("phone", sa.Text),
    sa.Column("sms_from", sa.SmallInteger, nullable=False),
    sa.Column("quiet_from", sa.SmallInteger),
    sa.Column("quiet_to", sa.SmallInteger),
)
"""One row of ContactPreferences for each member of staff who has set them."""


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


@dataclass(frozen=True)
class ContactPreferences:
    """How one member of staff wants to be told of alerts."""

    staff_id: str
    email: str | None = None
    phone: str | None = None
    """In international form: "+447700900123"."""
    sms_from: Severity = Severity.URGENT
    """The least severity for which a text message is sent."""
    quiet_from: int | None = None
    """First hour, London time, in which only immediate alerts are texted."""
    quiet_to: int | None = None
    """The hour at which the quiet time ends."""

    @property
    def reachable(self) -> bool:
        """Whether an alert can leave the console for this person."""
        return self.email is not None or self.phone is not None

    def channels(self, severity: Severity, at: datetime) -> tuple[str, ...]:
        """Return the channels for an alert of this severity at this time, besides the console."""
        texted = severity >= self.sms_from and not (
            severity < Severity.IMMEDIATE and self._is_quiet(at.astimezone(LONDON).hour)
        )
        wanted = {EMAIL: self.email is not None, SMS: self.phone is not None and texted}
        return tuple(channel for channel, yes in wanted.items() if yes)

    def _is_quiet(self, hour: int) -> bool:
        if self.quiet_from is None or self.quiet_to is None:
            return False
        if self.quiet_from <= self.quiet_to:
            return self.quiet_from <= hour < self.quiet_to
        return hour >= self.quiet_from or hour < self.quiet_to


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


def covers(
    connection: Connection, staff_ids: Iterable[str], start: datetime, end: datetime
) -> list[Shift]:
    """Return the shifts in this span during which one of these staff is off duty."""
    return shifts(connection, start, end, rota_shifts.c.cover_for.in_(set(staff_ids)))


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
        Shift(row.staff_id, ShiftKind(row.kind), row.starts_at, row.ends_at, row.cover_for, row.id)
        for row in connection.execute(query)
    ]


def case_readers(connection: Connection) -> list[str]:
    """Return the ids of all staff in use who may read cases."""
    reads = staff.c.role.in_([role.value for role in READERS]) & staff.c.admitted
    query = sa.select(staff.c.id).where(staff.c.disabled_at.is_(None), reads)
    return list(connection.execute(query).scalars())


def those_who_may_see(
    connection: Connection, staff_ids: Iterable[str], area: str | None
) -> list[str]:
    """Return those of `staff_ids`, in their order, who may see cases of `area`; None: all."""
    wanted = list(staff_ids)
    query = sa.select(staff.c.id, staff.c.areas).where(staff.c.id.in_(set(wanted)))
    areas = {row.id: row.areas for row in connection.execute(query)}
    return [staff_id for staff_id in wanted if may_see(areas.get(staff_id), area)]


def may_see(areas: Iterable[str] | None, area: str | None) -> bool:
    """Return whether an account limited to `areas` (None: not limited) may see cases of `area`."""
    return areas is None or area is None or area in areas


def contact_preferences(
    connection: Connection, staff_ids: Iterable[str]
) -> dict[str, ContactPreferences]:
    """Return the preferences by staff id; staff who have set none are left out."""
    query = sa.select(contact_ways).where(contact_ways.c.staff_id.in_(set(staff_ids)))
    return {
        row["staff_id"]: ContactPreferences(**{**row, "sms_from": Severity(row["sms_from"])})
        for row in connection.execute(query).mappings()
    }


def set_contact_preferences(connection: Connection, preferences: ContactPreferences) -> None:
    """Replace the preferences of a member of staff."""
    earlier = contact_ways.c.staff_id == preferences.staff_id
    connection.execute(sa.delete(contact_ways).where(earlier))
    row = asdict(preferences) | {"sms_from": int(preferences.sms_from)}
    connection.execute(sa.insert(contact_ways).values(**row))
