"""Only staff review, the first review wins, and the assessment stays beside theirs."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from safeguarding.escalations.escalation import Outcome, Status, What
from safeguarding.escalations.log import EscalationLog
from safeguarding.escalations.reviewing import (
    AlreadyReviewedError,
    NoteMissingError,
    UnknownEscalationError,
)
from safeguarding.staff.accounts import StaffAccounts, UnknownStaffError
from safeguarding.taxonomy import Severity
from tests.records import Clock, escalation


def test_records_what_was_done_and_why(log: EscalationLog, ann: str, clock: Clock) -> None:
    log.record(escalation())
    log.review("m1", by=ann, outcome=Outcome.REFERRED_POLICE, note=" Called 101. ")

    (review,) = log.get("m1").reviews
    assert (review.by, review.outcome, review.note) == (ann, Outcome.REFERRED_POLICE, "Called 101.")
    assert review.severity is None
    assert log.get("m1").entry.closed_at == clock.at


def test_staff_may_lower_a_severity_beside_the_assessed_one(log: EscalationLog, ann: str) -> None:
    log.record(escalation())
    log.review("m1", by=ann, outcome=Outcome.FALSE_ALARM, note="A song.", severity=Severity.NONE)

    entry = log.get("m1").entry
    assert (entry.severity, entry.assessed_severity) == (Severity.NONE, Severity.CONCERN)


def test_refuses_a_second_review(log: EscalationLog, ann: str) -> None:
    log.record(escalation())
    log.review("m1", by=ann, outcome=Outcome.OTHER, note="First.")

    with pytest.raises(AlreadyReviewedError):
        log.review("m1", by=ann, outcome=Outcome.FALSE_ALARM, note="Second.")

    assert [review.note for review in log.get("m1").reviews] == ["First."]


def test_takes_a_second_review_after_it_was_opened_again(
    log: EscalationLog, ann: str, clock: Clock
) -> None:
    log.record(escalation())
    log.review("m1", by=ann, outcome=Outcome.OTHER, note="First.")
    clock.move(minutes=1)
    log.reopen("m1", by=ann)
    clock.move(minutes=1)
    log.review("m1", by=ann, outcome=Outcome.ADVICE_GIVEN, note="Second.")

    recorded = log.get("m1")
    assert [review.note for review in recorded.reviews] == ["First.", "Second."]
    assert [event.what for event in recorded.history] == [
        What.RECORDED,
        What.OUTCOME_RECORDED,
        What.REOPENED,
        What.OUTCOME_RECORDED,
    ]


def test_opening_an_open_one_changes_nothing(log: EscalationLog, ann: str) -> None:
    log.record(escalation())
    log.reopen("m1", by=ann)

    assert [event.what for event in log.get("m1").history] == [What.RECORDED]


@pytest.mark.parametrize("note", ["", "  \n"])
def test_refuses_an_outcome_without_a_reason(log: EscalationLog, ann: str, note: str) -> None:
    log.record(escalation())

    with pytest.raises(NoteMissingError):
        log.review("m1", by=ann, outcome=Outcome.OTHER, note=note)

    assert log.get("m1").entry.status is Status.OPEN


@pytest.mark.parametrize("stranger", ["gateway", "assistant", "nobody"])
def test_only_staff_review(log: EscalationLog, stranger: str) -> None:
    log.record(escalation())

    with pytest.raises(UnknownStaffError):
        log.review("m1", by=stranger, outcome=Outcome.OTHER, note="x", severity=Severity.NONE)
    with pytest.raises(UnknownStaffError):
        log.viewed("m1", by=stranger)
    with pytest.raises(UnknownStaffError):
        log.reopen("m1", by=stranger)

    assert log.get("m1").entry.severity is Severity.CONCERN


def test_a_disabled_account_reviews_nothing(
    log: EscalationLog, ann: str, accounts: StaffAccounts
) -> None:
    log.record(escalation())
    accounts.disable("ann")

    with pytest.raises(UnknownStaffError):
        log.review("m1", by=ann, outcome=Outcome.OTHER, note="x")


def test_every_view_is_in_the_history(log: EscalationLog, ann: str) -> None:
    log.record(escalation())
    log.viewed("m1", by=ann)
    log.viewed("m1", by=ann)

    events = [(event.who, event.what) for event in log.get("m1").history[1:]]
    assert events == [(ann, What.VIEWED)] * 2


def test_an_unknown_escalation_is_an_error(log: EscalationLog, ann: str) -> None:
    with pytest.raises(UnknownEscalationError):
        log.review("none", by=ann, outcome=Outcome.OTHER, note="x")
    with pytest.raises(UnknownEscalationError):
        log.viewed("none", by=ann)
    with pytest.raises(UnknownEscalationError):
        log.reopen("none", by=ann)


def test_the_note_is_sealed_in_the_database(log: EscalationLog, ann: str, engine: Engine) -> None:
    log.record(escalation())
    log.review("m1", by=ann, outcome=Outcome.OTHER, note="SECRET NOTE")

    with engine.connect() as connection:
        for table in ("reviews", "history"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()  # noqa: S608
            assert "SECRET" not in str(rows)
