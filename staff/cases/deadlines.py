"""By when a member of staff should have looked at an escalation."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from safeguarding.clock import next_working_day
from safeguarding.taxonomy import Severity

_END_OF_DAY = time(17)


def look_by(severity: Severity, raised_at: datetime) -> datetime:
    """Immediate: a quarter of an hour. Urgent: an hour. Otherwise: the end of the next working day.

    `raised_at` has a time zone, and so has the answer.
    """
    if severity is Severity.IMMEDIATE:
        return raised_at + timedelta(minutes=15)
    if severity is Severity.URGENT:
        return raised_at + timedelta(hours=1)
    return next_working_day(raised_at, _END_OF_DAY)
