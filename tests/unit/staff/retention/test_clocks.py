"""A closed case is kept as long as its clock says, counted from closing; staff's view counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from safeguarding.taxonomy import Severity
from staff.cases.case import Case, CaseStatus
from staff.retention.clocks import CaseGroup, RetentionClock, clock_of, in_years
from tests.office import CLOCKS
from tests.records import NOON

CASE = Case(
    id="c1", reference="LN-2222-2222", conversation_id="c1", status=CaseStatus.CLOSED,
    severity=Severity.CONCERN, assessed_severity=Severity.CONCERN, staff_severity=None,
    need=None, assessed_subject="self", staff_subject=None, assessed_categories=("bullying",),
    possible_categories=(), staff_categories=None, said_audience=None, staff_audience=None,
    opening=None, area=None, opened_at=NOON, raised_at=NOON, newest_at=NOON, due_at=NOON,
    handoffs=1, assigned_to=None, offered_to=None, closing_by=None,
    closed_at=NOON + timedelta(days=2), legal_hold=False, merged_into=None, version=1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "clock"),
    [
        ({}, RetentionClock.CONCERN),
        ({"severity": Severity.URGENT}, RetentionClock.URGENT),
        ({"severity": Severity.IMMEDIATE}, RetentionClock.URGENT),
        ({"assessed_categories": ("bullying", "grooming")}, RetentionClock.SEXUAL_ABUSE),
        ({"staff_categories": ("sexual_abuse",)}, RetentionClock.SEXUAL_ABUSE),
        # What a model finds possible is kept as long, until staff say what it is about.
        ({"possible_categories": ("grooming",)}, RetentionClock.SEXUAL_ABUSE),
        (
            {"possible_categories": ("grooming",), "staff_categories": ("bullying",)},
            RetentionClock.CONCERN,
        ),
        # Staff say that it was no grooming at all.
        (
            {"assessed_categories": ("grooming",), "staff_categories": ("bullying",)},
            RetentionClock.CONCERN,
        ),
        # Staff say that there was nothing in it.
        ({"assessed_categories": ("grooming",), "severity": Severity.NONE}, RetentionClock.CONCERN),
        # What staff found counts, not what was assessed.
        ({"assessed_severity": Severity.URGENT}, RetentionClock.CONCERN),
    ],
)
def test_which_clock_runs(changes: dict[str, object], clock: RetentionClock) -> None:
    assert clock_of(replace(CASE, **changes)) is clock


def test_it_counts_from_closing() -> None:
    assert CLOCKS.due_at(CaseGroup(CASE)) == in_years(NOON + timedelta(days=2), 6)


def test_a_message_after_closing_starts_the_clock_anew() -> None:
    late = replace(CASE, newest_at=NOON + timedelta(days=9))

    assert CLOCKS.due_at(CaseGroup(late)) == in_years(NOON + timedelta(days=9), 6)
    assert CLOCKS.due_at(CaseGroup(CASE, (late,))) == in_years(NOON + timedelta(days=9), 6)


def test_what_is_open_is_never_due() -> None:
    still_open = replace(CASE, status=CaseStatus.OPEN, closed_at=None)
    assert CLOCKS.due_at(CaseGroup(still_open)) is None


def test_a_leap_day_has_a_place_in_every_year() -> None:
    leap = datetime(2028, 2, 29, tzinfo=timezone.utc)

    assert in_years(leap, 4) == datetime(2032, 2, 29, tzinfo=timezone.utc)
    assert in_years(leap, 6) == datetime(2034, 3, 1, tzinfo=timezone.utc)
