"""Urgent deadlines follow the clock, all others the working days."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from safeguarding.clock import LONDON
from safeguarding.taxonomy import Severity
from staff.cases.case import look_by

FRIDAY = datetime(2026, 11, 27, 23, 50, tzinfo=timezone.utc)


def test_immediate_is_a_quarter_of_an_hour_at_any_time() -> None:
    assert look_by(Severity.IMMEDIATE, FRIDAY) == FRIDAY + timedelta(minutes=15)


def test_urgent_is_an_hour_at_any_time() -> None:
    assert look_by(Severity.URGENT, FRIDAY) == FRIDAY + timedelta(hours=1)


@pytest.mark.parametrize(
    ("raised", "due"),
    [
        (datetime(2026, 11, 24, 9, tzinfo=LONDON), datetime(2026, 11, 25, 17, tzinfo=LONDON)),
        (datetime(2026, 11, 27, 9, tzinfo=LONDON), datetime(2026, 11, 30, 17, tzinfo=LONDON)),
        (datetime(2026, 12, 24, 9, tzinfo=LONDON), datetime(2026, 12, 29, 17, tzinfo=LONDON)),
        # Just after midnight in London, while it is still the day before in UTC.
        (
            datetime(2026, 6, 30, 23, 30, tzinfo=timezone.utc),
            datetime(2026, 7, 2, 17, tzinfo=LONDON),
        ),
    ],
)
def test_a_concern_waits_until_the_end_of_the_next_working_day(
    raised: datetime, due: datetime
) -> None:
    assert look_by(Severity.CONCERN, raised) == due
