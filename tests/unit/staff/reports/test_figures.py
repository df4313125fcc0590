"""Each figure, counted on both databases from cases that the log recorded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from safeguarding.escalation import Outcome
from safeguarding.risk.assessment import Assessment, Signal
from safeguarding.taxonomy import Severity
from staff.cases.casework import Casework, ClosingDecision
from staff.cases.merging import CaseMerge
from staff.reports.figure_tables import FigureTable
from staff.reports.figures import CaseFigures, Period, Report
from staff.reports.figures_wording import waiting
from tests.records import NOON, Clock, EscalationLog, assessment, escalation, vault

NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
Recorder = Callable[..., list[str]]


@pytest.fixture
def record(log: EscalationLog, clock: Clock) -> Recorder:
    """Return a function that records `count` cases and returns their ids."""
    made = iter(range(1000))

    def several(count: int, **changes: Any) -> list[str]:
        ids = [f"c{next(made)}" for _ in range(count)]
        for each in ids:
            usual = {"conversation_id": each, "raised_at": clock()}
            log.record(escalation(f"{each}-m", **(usual | changes)))
        return ids

    return several


@pytest.fixture
def report(engine: Engine, clock: Clock) -> Callable[..., Report]:
    def of(
        period: Period = NOVEMBER, areas: list[str] | None = None, *, exact: bool = False
    ) -> Report:
        return CaseFigures(engine, clock).report(period, areas, exact=exact)

    return of


def table(report: Report, name: str) -> FigureTable:
    (found,) = (each for each in report.tables if each.name == name)
    return found


def counts(report: Report, name: str) -> dict[str | None, int | None]:
    return {row.key: row.count for row in table(report, name).rows}


def test_without_cases_nothing_is_counted(report: Callable[..., Report]) -> None:
    found = report()
    assert {table.total for table in found.tables} == {0}
    assert all(wait.median is None for wait in (*found.first_view, *found.closing))


def test_cases_are_counted_by_week_in_londons_time(
    report: Callable[..., Report], record: Recorder
) -> None:
    # Monday 2 November begins at midnight in London; in July an hour before that in UTC.
    record(5, raised_at=datetime(2026, 11, 1, 23, 59, tzinfo=timezone.utc))
    record(6, raised_at=datetime(2026, 11, 2, 0, 1, tzinfo=timezone.utc))
    record(7, raised_at=datetime(2026, 7, 5, 23, 30, tzinfo=timezone.utc))

    november, july = report(), report(Period(date(2026, 7, 1), date(2026, 7, 31)))

    assert counts(november, "time") == {
        "2026-10-26": 5, "2026-11-02": 6, "2026-11-09": 0, "2026-11-16": 0, "2026-11-23": 0,
    }  # fmt: skip
    assert counts(july, "time")["2026-07-06"] == 7


def test_a_long_period_is_counted_by_month(report: Callable[..., Report], record: Recorder) -> None:
    record(5, raised_at=datetime(2026, 6, 30, 23, 30, tzinfo=timezone.utc))
    found = report(Period(date(2026, 6, 1), date(2026, 11, 30)))
    assert counts(found, "time") == {
        "2026-06-01": 0, "2026-07-01": 5, "2026-08-01": 0, "2026-09-01": 0, "2026-10-01": 0,
        "2026-11-01": 0,
    }  # fmt: skip


def test_cases_outside_the_period_are_not_counted(
    report: Callable[..., Report], record: Recorder
) -> None:
    record(5, raised_at=datetime(2026, 10, 31, 23, 59, tzinfo=timezone.utc))
    record(5, raised_at=datetime(2026, 12, 1, 0, 0, tzinfo=timezone.utc))
    assert table(report(), "severity").total == 0


def test_cases_are_counted_by_severity_as_staff_see_it(
    report: Callable[..., Report], record: Recorder, casework: Casework, ann: str
) -> None:
    record(6, assessment=assessment(Severity.URGENT))
    for each in record(5):
        casework.correct(each, severity=Severity.NONE, categories=None, reason="a song", by=ann)
    found = report()
    assert counts(found, "severity") == {"immediate": 0, "urgent": 6, "concern": 0, "none": 5}


def test_cases_are_counted_by_need_audience_and_area(
    report: Callable[..., Report], record: Recorder
) -> None:
    record(6)
    record(5, audience="parent", area=None)
    found = report()
    assert counts(found, "audience") == {"young_person": 6, "parent": 5}
    assert counts(found, "area") == {"wiltshire": 6, None: 5}
    assert sum(count or 0 for count in counts(found, "need").values()) == 11


def test_a_case_counts_once_in_each_of_its_categories(
    report: Callable[..., Report], record: Recorder, casework: Casework, ann: str
) -> None:
    named = ("grooming", "image_abuse")
    told = tuple(Signal(each, "lexicon", "1", each, Severity.CONCERN, 0, 3) for each in named)
    two = Assessment(Severity.CONCERN, named, "self", told)
    record(6, assessment=two)
    for each in record(5):
        casework.correct(
            each, severity=None, categories=["bullying", "bullying"], reason="why", by=ann
        )
    found = report()
    assert counts(found, "category") == {"grooming": 6, "image_abuse": 6, "bullying": 5}
    assert table(found, "category").total == 11


def test_the_newest_outcome_of_a_closed_case_counts(
    report: Callable[..., Report], record: Recorder, casework: Casework, ann: str, clock: Clock
) -> None:
    closed = record(5)
    record(6)
    for outcome in (Outcome.FALSE_ALARM, Outcome.ADVICE_GIVEN):
        for each in closed:
            casework.reopen(each, by=ann, reason="again")
            casework.close(each, ClosingDecision(outcome, "why"), by=ann)
        clock.move(hours=1)
    assert counts(report(), "outcome") == {"open": 6, "advice_given": 5}


def test_merged_cases_count_once(
    report: Callable[..., Report], record: Recorder, engine: Engine, ann: str, clock: Clock
) -> None:
    ids = record(7)
    CaseMerge(engine, vault(), clock).merge(ids[0], ids[1], by=ann)
    assert table(report(), "severity").total == 6


def test_a_reader_counts_their_areas_and_what_has_none(
    report: Callable[..., Report], record: Recorder
) -> None:
    record(6)
    record(5, area=None)
    record(7, area="swindon")
    assert table(report(areas=["wiltshire"]), "severity").total == 11
    assert table(report(areas=[]), "severity").total == 5


def test_waits_are_the_median_and_what_nine_of_ten_did_not_exceed(
    report: Callable[..., Report], record: Recorder, casework: Casework, ann: str, clock: Clock
) -> None:
    for each in record(11):
        casework.viewed(each, by=ann)
        clock.move(minutes=1)
    clock.move(days=1)
    casework.viewed("c0", by=ann)
    found = report()
    all_of_them, immediate, _, concern = found.first_view
    assert all_of_them.median == concern.median == timedelta(minutes=5)
    assert all_of_them.ninety == timedelta(minutes=9)
    assert immediate.median is None
    assert found.closing[0].median is None


def test_exact_figures_hide_nothing(
    report: Callable[..., Report], record: Recorder, casework: Casework, ann: str, clock: Clock
) -> None:
    record(9)
    (one,) = record(1, audience="parent")
    clock.move(minutes=7)
    casework.viewed(one, by=ann)

    assert counts(report(), "audience") == {"young_person": None, "parent": None}
    exact = report(exact=True)
    assert counts(exact, "audience") == {"young_person": 9, "parent": 1}
    assert exact.first_view[0].median == exact.first_view[0].ninety == timedelta(minutes=7)
    assert report().first_view[0].median is None
    assert waiting(exact.first_view[1].median, exact=True) == "No case"


def test_closing_is_timed_from_the_first_hand_off(
    report: Callable[..., Report], record: Recorder, casework: Casework, ann: str, clock: Clock
) -> None:
    ids = record(5)
    clock.move(hours=3)
    for each in ids:
        casework.close(each, ClosingDecision(Outcome.OTHER, "why"), by=ann)
    assert report().closing[0].median == timedelta(hours=3)


def test_deadlines_are_kept_missed_or_not_past_yet(
    report: Callable[..., Report], record: Recorder, casework: Casework, ann: str, clock: Clock
) -> None:
    urgent = assessment(Severity.URGENT)
    in_time, late = record(6, assessment=urgent), record(5, assessment=urgent)
    never = record(7, assessment=urgent)
    for each in in_time:
        casework.viewed(each, by=ann)
    clock.move(minutes=61)
    record(8)
    for each in late:
        casework.viewed(each, by=ann)

    found = report()

    assert never
    kept = {"in_time": 6, "late": 12, "not_yet": 8}
    assert counts(found, "looked_at") == kept
    assert counts(found, "alerts") == kept
    assert table(found, "looked_at").late_share() == pytest.approx(12 / 18)


def test_a_view_before_the_case_was_raised_does_not_count_for_its_clock(
    report: Callable[..., Report],
    record: Recorder,
    casework: Casework,
    ann: str,
    clock: Clock,
    log: EscalationLog,
) -> None:
    for each in record(5):
        casework.viewed(each, by=ann)
        graver = assessment(Severity.IMMEDIATE)
        later = {"conversation_id": each, "assessment": graver, "raised_at": NOON + timedelta(1)}
        log.record(escalation(f"{each}-later", **later))
    clock.move(days=2)
    assert counts(report(), "looked_at") == {"in_time": 0, "late": 5, "not_yet": 0}


def test_small_numbers_of_a_figure_are_hidden(
    report: Callable[..., Report], record: Recorder
) -> None:
    record(9)
    record(2, audience="parent")
    found = table(report(), "audience")
    assert {row.key: row.count for row in found.rows} == {"young_person": None, "parent": None}
    assert found.total == 11
