"""What a demonstration has from the start: a rota, so that its chat can say when somebody reads.

An installation begins with an empty one: who is on duty there is for its people to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time, timedelta

from sqlalchemy.engine import Engine

from staff.accounts.accounts import Staff
from staff.audit.audit_log import COMMAND_LINE
from staff.rota.recipients import ContactPreferences
from staff.rota.rota import ShiftKind
from staff.rota.service import LONGEST_DAYS, Pattern, RotaService

MAIL = "lantern.example"
"""Leads nowhere (RFC 2606): what is sent to it stays in the demonstration's own mail catcher."""
BEGINS, ENDS = time(9), time(17)


def put_on_duty(engine: Engine, leads: Sequence[Staff], first: date) -> None:
    """On every working day of a year, the first of the leads is on duty and the next is second.

    Each has an email address: nobody counts as on duty who could read of a hand-off only by chance.
    """
    office, last = RotaService(engine), first + timedelta(days=LONGEST_DAYS - 1)
    for lead, kind in zip(leads, (ShiftKind.ON_DUTY, ShiftKind.SECOND), strict=False):
        office.set_preferences(
            ContactPreferences(lead.id, email=f"{lead.name}@{MAIL}"), by=COMMAND_LINE
        )
        pattern = Pattern(lead.id, kind, first, last, BEGINS, ENDS, working_days=True)
        office.add(pattern, by=COMMAND_LINE)
