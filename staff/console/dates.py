"""Times in the United Kingdom as people read them, and durations and counts in words."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from safeguarding.clock import LONDON


def moment(at: datetime) -> str:
    """Return a time in London as the design system writes it: "25 November 2026 at 9:05am"."""
    return f"{date_of(at)} at {clock(at)}"


def of_record(text: str) -> str:
    """Return a time of a JSON record as people read it."""
    return moment(datetime.fromisoformat(text))


def date_of(at: datetime) -> str:
    """Return the day of a time, in London: "25 November 2026"."""
    return day(at.astimezone(LONDON))


def day(at: date) -> str:
    """Return a date as the design system writes it: "25 November 2026"."""
    return f"{at.day} {at:%B %Y}"


def clock(at: datetime) -> str:
    """Return the time of day, in London: "9:05am", "5pm"."""
    local = at.astimezone(LONDON)
    minutes = f":{local:%M}" if local.minute else ""
    return f"{local.hour % 12 or 12}{minutes}{'am' if local.hour < 12 else 'pm'}"  # noqa: PLR2004


def deadline(at: datetime, now: datetime) -> str:
    """Return a deadline in few words: "2:05pm today", or the date too on another day."""
    same = at.astimezone(LONDON).date() == now.astimezone(LONDON).date()
    return f"{clock(at)} today" if same else moment(at)


def lasting(duration: timedelta) -> str:
    """Return a duration in its largest unit: "3 hours"."""
    minutes = max(0, int(duration.total_seconds() // 60))
    for unit, size in (("day", 24 * 60), ("hour", 60)):
        if minutes >= size:
            return counted(minutes // size, unit)
    return counted(minutes, "minute") if minutes else "less than a minute"


def counted(number: int, noun: str) -> str:
    """Return a count with its noun: "1 hour", "2 hours"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
