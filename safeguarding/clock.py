"""The time zone of the people who use Lantern, and this moment."""

from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
"""Deadlines, opening hours and review dates are meant in this time zone."""


def utc_now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(timezone.utc)
