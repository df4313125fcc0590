"""By when a member of staff should have looked at an escalation."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache

import holidays

from safeguarding.clock import LONDON
from safeguarding.taxonomy import Severity

_SATURDAY = 5
_END_OF_DAY = time(17)


def look_by(severity: Severity, raised_at: datetime) -> datetime:
    """Immediate: a quarter of an hour. Urgent: an hour. Otherwise: the end of the next working day.

    `raised_at` has a time zone, and so has the answer.
    """
    if severity is Severity.IMMEDIATE:
        return raised_at + timedelta(minutes=15)
    if severity is Severity.URGENT:
        return raised_at + timedelta(hours=1)
    day = raised_at.astimezone(LONDON).date() + timedelta(days=1)
    while _is_day_off(day):
        day += timedelta(days=1)
    return datetime.combine(day, _END_OF_DAY, LONDON)


def _is_day_off(day: date) -> bool:
    return day.weekday() >= _SATURDAY or day in _bank_holidays(day.year)


@cache
def _bank_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year))
