"""London time: this moment, and which days are worked."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from zoneinfo import ZoneInfo

import holidays

LONDON = ZoneInfo("Europe/London")
"""The time zone of deadlines, opening hours and review dates."""
_SATURDAY = 5


def utc_now() -> datetime:
    """Return this moment, in UTC."""
    return datetime.now(timezone.utc)


def bank_holiday(day: date) -> str | None:
    """Return the name of the English bank holiday on this day, or None."""
    return _bank_holidays(day.year).get(day)


def is_day_off(day: date) -> bool:
    """Return whether this day is a Saturday, a Sunday or a bank holiday."""
    return day.weekday() >= _SATURDAY or bank_holiday(day) is not None


def next_working_day(after: datetime, at: time) -> datetime:
    """Return `at` London time on the first working day after the London date of `after`."""
    day = after.astimezone(LONDON).date() + timedelta(days=1)
    while is_day_off(day):
        day += timedelta(days=1)
    return datetime.combine(day, at, LONDON)


@cache
def _bank_holidays(year: int) -> dict[date, str]:
    return dict(holidays.country_holidays("GB", subdiv="ENG", years=year).items())
