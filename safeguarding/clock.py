"""London time: this moment, which days are worked, and when a service is open."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from typing import ClassVar
from zoneinfo import ZoneInfo

import holidays
import msgspec

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


# ---- opening hours of a service ------------------------------------------------------------------
CLOSING_SOON = timedelta(minutes=30)
"""In its last half hour a service may not take a new call, and the card says so."""
NOON = time(12)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAYS_AHEAD = 14
DAY = 24 * 60
SPAN = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
NEVER, AS_USUAL = "closed", "as usual"

Minutes = tuple[int, int]
"""From and to, in minutes after midnight; `to` is above DAY where it runs into the next day."""


class HoursError(ValueError):
    """Hours that are impossible or not written as expected. Says what is wrong with them."""


class HoursRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hours as the file has them. With `words` alone they are not certain, and `words` says so."""

    always: bool = False
    weekly: dict[str, str] = {}
    """ "mon-thu": "08:45-17:00, 18:00-02:00"; a day that is missing is closed."""
    bank_holidays: str = NEVER
    """Hours of an English bank holiday, "closed" or "as usual"."""
    special: dict[date, str] = {}
    """Hours of one date, or "closed": they take precedence."""
    standby: str = ""
    """Hours of every day during which another team answers the same number."""
    words: str = ""


class HoursPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases that say when a service can be reached."""

    always_open: str
    open_until: str
    closes_soon: str
    closed: str
    closed_until: str
    opens: str

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "open_until": ("end",),
        "closes_soon": ("end",),
        "closed_until": ("start",),
        "opens": ("start",),
    }


class OpeningHours:
    """Hours that can be queried. Raises HoursError when the record makes no sense."""

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
        """Return whether the service can be reached at this moment; None when it is not certain."""
        if self.always or not self.certain:
            return True if self.always else None
        return self.span_at(at, days=1) is not None

    def opens_next(self, at: datetime) -> datetime | None:
        """Return when it opens after `at`; None when that is not within the next fortnight."""
        return next((start for start, _ in self._around(at) if start > at), None)

    def span_at(self, at: datetime, days: int = DAYS_AHEAD) -> tuple[datetime, datetime] | None:
        """Return the span of opening in which `at` falls; None when it is closed then."""
        return next((span for span in self._around(at, days) if span[0] <= at < span[1]), None)

    def _around(self, at: datetime, days: int = DAYS_AHEAD) -> list[tuple[datetime, datetime]]:
        """Return every span from yesterday on, in order; those that touch are joined."""
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
        if self._bank is not None and bank_holiday(day) is not None:
            return self._bank + self._standby
        return self._weekly.get(day.weekday(), []) + self._standby


def hours_line(hours: OpeningHours, at: datetime, say: HoursPhrases) -> str:
    """Return the hours as seen from `at`: "Closed now. Opens Monday 8.45am"."""
    if hours.words or hours.always:
        return hours.words or say.always_open
    span = hours.span_at(at)
    if span is None:
        opens = hours.opens_next(at)
        return say.closed_until.format(start=in_words(opens, at)) if opens else say.closed
    if span[1] - at > timedelta(days=7):
        return say.always_open
    closing = span[1] - at <= CLOSING_SOON
    sentence = say.closes_soon if closing else say.open_until
    return sentence.format(end=in_words(span[1], at, ends=True))


def in_words(moment: datetime, at: datetime, *, ends: bool = False) -> str:
    """Return a moment as a person says it, seen from `at`: "tomorrow 9am".

    Midnight belongs to the day before it.
    """
    local, today = moment.astimezone(LONDON), at.astimezone(LONDON).date()
    midnight = local.time() == time(0)
    day = local.date() - timedelta(days=1) if midnight else local.date()
    clock = "midnight" if midnight else _clock(local)
    days = (day - today).days
    if days == 0:
        return clock if ends else f"today {clock}"
    name = f"{day:%A}" if days < len(DAYS) else f"{day:%A} {day.day} {day:%B}"
    name = "tomorrow" if days == 1 else f"on {name}" if ends else name
    return f"{clock} {name}" if ends else f"{name} {clock}"


def _clock(local: datetime) -> str:
    if local.time() == NOON:
        return "midday"
    minutes = f".{local.minute:02}" if local.minute else ""
    return f"{local.hour % 12 or 12}{minutes}{'am' if local.time() < NOON else 'pm'}"


def _moment(day: date, minutes: int) -> datetime:
    """Return a London time in UTC, where moments can be compared."""
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
