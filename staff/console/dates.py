"""Times as they are read in the United Kingdom, and durations and counts in words."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from safeguarding.clock import LONDON


def moment(at: datetime) -> str:
    """A time as the design system writes it: "25 November 2026 at 9:05am", in London's time."""
    return f"{date_of(at)} at {clock(at)}"


def of_record(text: str) -> str:
    """A time of a JSON record, as it is read."""
    return moment(datetime.fromisoformat(text))


def date_of(at: datetime) -> str:
    """The day of a time alone, in London: "25 November 2026"."""
    return day(at.astimezone(LONDON))


def day(at: date) -> str:
    """A date as the design system writes it: "25 November 2026"."""
    return f"{at.day} {at:%B %Y}"


def clock(at: datetime) -> str:
    """The time of day alone: "9:05am", "5pm"."""
    there = at.astimezone(LONDON)
    minutes = f":{there:%M}" if there.minute else ""
    return f"{there.hour % 12 or 12}{minutes}{'am' if there.hour < 12 else 'pm'}"  # noqa: PLR2004


def deadline(at: datetime, now: datetime) -> str:
    """A deadline in few words: "2:05pm today", or the whole date on another day."""
    same = at.astimezone(LONDON).date() == now.astimezone(LONDON).date()
    return f"{clock(at)} today" if same else moment(at)


def lasting(duration: timedelta) -> str:
    """A duration in its largest unit: "3 hours"."""
    minutes = max(0, int(duration.total_seconds() // 60))
    for unit, size in (("day", 24 * 60), ("hour", 60)):
        if minutes >= size:
            return counted(minutes // size, unit)
    return counted(minutes, "minute") if minutes else "less than a minute"


def counted(number: int, noun: str) -> str:
    """ "1 hour", "2 hours"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
