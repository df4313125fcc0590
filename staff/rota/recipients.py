"""The staff who can be alerted: who may see a case, and how each of them wants to be told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from safeguarding.clock import LONDON
from safeguarding.taxonomy import Severity
from staff.accounts.permissions import READERS
from staff.accounts.tables import staff
from storage.engine import metadata

TEAM = "team"
"""The recipient that is not a person: the team's mailbox, its channel in Teams or Slack."""
EMAIL, SMS, WEBHOOK, CONSOLE = "email", "sms", "webhook", "console"
"""The ways to tell a recipient. The values are stored with each delivery: never rename one."""

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
