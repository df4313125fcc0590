"""How each member of staff is reached: by which channels, at which severity and hour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from safeguarding.clock import LONDON
from safeguarding.taxonomy import Severity
from staff.accounts.permissions import READERS
from staff.accounts.tables import staff
from staff.alerts.tables import contact_ways

TEAM = "team"
"""The recipient that is no person: the team's mailbox, the team's channel in Teams or Slack."""
EMAIL, SMS, WEBHOOK, CONSOLE = "email", "sms", "webhook", "console"


@dataclass(frozen=True)
class ContactPreferences:
    """How one member of staff wants to be told."""

    staff_id: str
    email: str | None = None
    phone: str | None = None
    """In international form: "+447700900123"."""
    sms_from: Severity = Severity.URGENT
    """The least severity for which a text is sent."""
    quiet_from: int | None = None
    """First hour, London time, in which only what is immediate is texted."""
    quiet_to: int | None = None
    """The hour at which that ends."""

    def channels(self, severity: Severity, at: datetime) -> tuple[str, ...]:
        """The channels for an alert of this severity at this moment, besides the console."""
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


def everyone(connection: Connection) -> list[str]:
    """Ids of all staff in use who may read cases."""
    reads = staff.c.role.in_([role.value for role in READERS]) & staff.c.admitted
    query = sa.select(staff.c.id).where(staff.c.disabled_at.is_(None), reads)
    return list(connection.execute(query).scalars())


def who_may_see(connection: Connection, staff_ids: Iterable[str], area: str | None) -> list[str]:
    """Of these, in their order, those who may see the cases of an area; all where it is None."""
    wanted = list(staff_ids)
    query = sa.select(staff.c.id, staff.c.areas).where(staff.c.id.in_(set(wanted)))
    kept_to = {row.id: row.areas for row in connection.execute(query)}
    return [each for each in wanted if sees(kept_to.get(each), area)]


def sees(kept_to: Iterable[str] | None, area: str | None) -> bool:
    """Whether somebody kept to these areas, None for all, may see the cases of this one."""
    return kept_to is None or area is None or area in kept_to


def ways_of(connection: Connection, staff_ids: Iterable[str]) -> dict[str, ContactPreferences]:
    """The ways of each of these; of whoever has left none, none."""
    query = sa.select(contact_ways).where(contact_ways.c.staff_id.in_(set(staff_ids)))
    found = {}
    for row in connection.execute(query).mappings():
        severity = Severity(row["sms_from"])
        found[row["staff_id"]] = ContactPreferences(**{**row, "sms_from": severity})
    return found


def set_ways(connection: Connection, ways: ContactPreferences) -> None:
    """Keep how somebody wants to be told, in place of what was kept before."""
    mine = contact_ways.c.staff_id == ways.staff_id
    connection.execute(sa.delete(contact_ways).where(mine))
    row = {
        "staff_id": ways.staff_id,
        "email": ways.email,
        "phone": ways.phone,
        "sms_from": int(ways.sms_from),
        "quiet_from": ways.quiet_from,
        "quiet_to": ways.quiet_to,
    }
    connection.execute(sa.insert(contact_ways).values(**row))
