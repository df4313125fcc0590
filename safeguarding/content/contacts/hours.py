"""When a service can be reached: weekly hours in UK time, bank holidays, and the words for them."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone
from functools import cache

import holidays
import msgspec

from safeguarding.clock import LONDON

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAYS_AHEAD = 14
DAY = 24 * 60
SPAN = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
NEVER, AS_USUAL = "closed", "as usual"

Minutes = tuple[int, int]
"""From and to, in minutes after midnight; `to` is above DAY where it runs into the next day."""


class HoursError(ValueError):
    """Hours that nobody could keep. Says what is wrong with them."""


class HoursRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hours as written. With `words` alone they are not known for certain, and `words` says so."""

    always: bool = False
    weekly: dict[str, str] = {}
    """ "mon-thu": "08:45-17:00, 18:00-02:00"; a day that is not named is closed."""
    bank_holidays: str = NEVER
    """Hours of an English bank holiday, "closed" or "as usual"."""
    special: dict[date, str] = {}
    """Hours of one date, or "closed": they go before all others."""
    standby: str = ""
    """Hours of every day in which another team answers the same number."""
    words: str = ""


class OpeningHours:
    """Hours that can be asked. Raises HoursError when the record makes no sense."""

    def __init__(self, record: HoursRecord) -> None:
        self.certain = record.always or bool(record.weekly)
        if not self.certain and not record.words:
            raise HoursError("neither hours nor words")
        self.always = record.always
        self.words = record.words
        self._weekly: dict[int, list[Minutes]] = {}
        for days, spans in record.weekly.items():
            for day in _days(days):
                if day in self._weekly:
                    raise HoursError(f"{DAYS[day]} stands here twice")
                self._weekly[day] = _spans(spans)
        self._bank = None if record.bank_holidays == AS_USUAL else _spans(record.bank_holidays)
        self._special = {day: _spans(spans) for day, spans in record.special.items()}
        self._standby = _spans(record.standby or NEVER)

    def open_at(self, at: datetime) -> bool | None:
        """Whether the service can be reached at this moment; None when nobody can say."""
        if self.always or not self.certain:
            return True if self.always else None
        return self.span_at(at, days=1) is not None

    def opens_next(self, at: datetime) -> datetime | None:
        """When it opens after `at`; None when that is not within the next fortnight."""
        return next((start for start, _ in self._around(at) if start > at), None)

    def span_at(self, at: datetime, days: int = DAYS_AHEAD) -> tuple[datetime, datetime] | None:
        """The opening in which `at` falls, from and to; None when it is closed then."""
        return next((span for span in self._around(at, days) if span[0] <= at < span[1]), None)

    def _around(self, at: datetime, days: int = DAYS_AHEAD) -> list[tuple[datetime, datetime]]:
        """Every span from yesterday on, in order, those that touch made one."""
        today = at.astimezone(LONDON).date()
        spans: list[tuple[datetime, datetime]] = []
        for day in (today + timedelta(days=n) for n in range(-1, days)):
            spans += [(_moment(day, start), _moment(day, end)) for start, end in self._on(day)]
        merged: list[tuple[datetime, datetime]] = []
        for start, end in sorted(spans):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged

    def _on(self, day: date) -> list[Minutes]:
        if day in self._special:
            return self._special[day] + self._standby
        if self._bank is not None and day in _bank_holidays(day.year):
            return self._bank + self._standby
        return self._weekly.get(day.weekday(), []) + self._standby


@cache
def _bank_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year))


def _moment(day: date, minutes: int) -> datetime:
    """A time by the clock on the wall as a moment in UTC, where moments can be compared."""
    day += timedelta(days=minutes // DAY)
    clock = time(minutes % DAY // 60, minutes % 60)
    return datetime.combine(day, clock, tzinfo=LONDON).astimezone(timezone.utc)


def _days(text: str) -> range:
    first, _, last = text.partition("-")
    try:
        days = range(DAYS.index(first), DAYS.index(last or first) + 1)
    except ValueError:
        raise HoursError(f"{text!r} is no day of the week: write mon, or mon-fri") from None
    if not days:
        raise HoursError(f"{text!r} runs backwards")
    return days


def _spans(text: str) -> list[Minutes]:
    if text == NEVER:
        return []
    spans = []
    for part in re.split(r",\s*", text):
        match = SPAN.fullmatch(part)
        if match is None:
            raise HoursError(f"{part!r} are no hours: write 08:45-17:00")
        hour, minute, to_hour, to_minute = map(int, match.groups())
        start, end = hour * 60 + minute, to_hour * 60 + to_minute
        if start >= DAY or end > DAY or start == end:
            raise HoursError(f"{part!r} are no hours of a day")
        spans.append((start, end if end > start else end + DAY))
    return spans
