"""Times as people in the UK read them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from staff.console import dates
from tests.content import TODAY

WINTER = datetime(2026, 1, 5, 9, 5, tzinfo=timezone.utc)
SUMMER = datetime(2026, 7, 5, 23, 30, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (WINTER, "5 January 2026 at 9:05am"),
        (SUMMER, "6 July 2026 at 12:30am"),
        (WINTER.replace(hour=17, minute=0), "5 January 2026 at 5pm"),
    ],
)
def test_times_are_london_times(at: datetime, words: str) -> None:
    assert dates.moment(at) == words


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(seconds=20), "less than a minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=119), "1 hour"),
        (timedelta(days=2, hours=5), "2 days"),
        (timedelta(seconds=-5), "less than a minute"),
    ],
)
def test_durations_in_their_largest_unit(duration: timedelta, words: str) -> None:
    assert dates.lasting(duration) == words


def test_a_deadline_today_is_a_time() -> None:
    assert dates.deadline(WINTER, WINTER) == "9:05am today"
    assert dates.deadline(SUMMER, WINTER) == "6 July 2026 at 12:30am"


def test_writes_a_day_in_full() -> None:
    assert dates.day(TODAY) == "25 November 2026"
