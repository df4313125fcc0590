"""Which days are worked: not weekends, not the bank holidays of England."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache

import holidays

from safeguarding.clock import LONDON

_SATURDAY = 5


def bank_holiday(day: date) -> str | None:
    """The name of the bank holiday on this day, or None."""
    return _bank_holidays(day.year).get(day)


def is_day_off(day: date) -> bool:
    """Whether this day is of a weekend or a bank holiday."""
    return day.weekday() >= _SATURDAY or bank_holiday(day) is not None


def next_working_day(after: datetime, at: time) -> datetime:
    """The first working day after the day of `after` in London, at this time of day there."""
    day = after.astimezone(LONDON).date() + timedelta(days=1)
    while is_day_off(day):
        day += timedelta(days=1)
    return datetime.combine(day, at, LONDON)


@cache
def _bank_holidays(year: int) -> dict[date, str]:
    return dict(holidays.country_holidays("GB", subdiv="ENG", years=year).items())
