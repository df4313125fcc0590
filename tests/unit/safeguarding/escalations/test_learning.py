"""Verdicts of staff wait until somebody has turned them into an example."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalations.escalation import Outcome, What
from safeguarding.escalations.learning import Lesson, Verdict
from safeguarding.escalations.log import EscalationLog
from safeguarding.escalations.tables import escalations
from safeguarding.staff.accounts import UnknownStaffError
from safeguarding.taxonomy import Severity
from tests.records import NOON, Clock, assessment, escalation

NONE, CONCERN, URGENT, IMMEDIATE = Severity


def reviewed(
    log: EscalationLog,
    by: str,
    outcome: Outcome = Outcome.OTHER,
    found: Severity | None = None,
    *,
    missed: bool = False,
) -> list[tuple[Verdict, Severity | None]]:
    """The verdicts after an urgent message was reviewed so."""
    log.record(escalation(assessment=assessment(URGENT)))
    log.review("m1", by=by, outcome=outcome, note="x", severity=found, missed=missed)
    return [(lesson.verdict, lesson.severity) for lesson in log.lessons()]


@pytest.mark.parametrize(
    ("outcome", "found", "lesson"),
    [
        (Outcome.FALSE_ALARM, None, (Verdict.FALSE_ALARM, NONE)),
        (Outcome.FALSE_ALARM, NONE, (Verdict.FALSE_ALARM, NONE)),
        (Outcome.FALSE_ALARM, CONCERN, (Verdict.FALSE_ALARM, CONCERN)),
        (Outcome.FALSE_ALARM, URGENT, (Verdict.FALSE_ALARM, NONE)),
        (Outcome.FALSE_ALARM, IMMEDIATE, (Verdict.WRONG_LEVEL, IMMEDIATE)),
        (Outcome.NO_ACTION_NEEDED, NONE, (Verdict.FALSE_ALARM, NONE)),
        (Outcome.ADVICE_GIVEN, CONCERN, (Verdict.WRONG_LEVEL, CONCERN)),
        (Outcome.REFERRED_POLICE, IMMEDIATE, (Verdict.WRONG_LEVEL, IMMEDIATE)),
    ],
)
def test_a_review_that_differs_is_a_lesson(
    log: EscalationLog,
    ann: str,
    outcome: Outcome,
    found: Severity | None,
    lesson: tuple[Verdict, Severity],
) -> None:
    assert reviewed(log, ann, outcome, found) == [lesson]


@pytest.mark.parametrize("found", [None, URGENT])
def test_a_review_that_agrees_is_none(log: EscalationLog, ann: str, found: Severity | None) -> None:
    assert reviewed(log, ann, Outcome.REFERRED_POLICE, found) == []


def test_what_was_missed_is_a_lesson_of_its_own(log: EscalationLog, ann: str) -> None:
    found = reviewed(log, ann, Outcome.ADVICE_GIVEN, CONCERN, missed=True)

    assert found == [(Verdict.WRONG_LEVEL, CONCERN), (Verdict.MISSED, None)]


def test_what_is_open_is_not_learned_from(log: EscalationLog, ann: str) -> None:
    reviewed(log, ann, Outcome.FALSE_ALARM)
    log.reopen("m1", by=ann)

    assert log.lessons() == []


def test_the_last_review_counts(log: EscalationLog, ann: str, clock: Clock) -> None:
    reviewed(log, ann, Outcome.FALSE_ALARM, missed=True)
    clock.move(minutes=1)
    log.reopen("m1", by=ann)
    log.review("m1", by=ann, outcome=Outcome.OTHER, note="x", severity=IMMEDIATE)

    assert [lesson.verdict for lesson in log.lessons()] == [Verdict.WRONG_LEVEL]


def test_the_oldest_message_comes_first(log: EscalationLog, ann: str) -> None:
    for name, hours in (("new", 1), ("old", 9)):
        log.record(escalation(name, raised_at=NOON - timedelta(hours=hours)))
        log.review(name, by=ann, outcome=Outcome.FALSE_ALARM, note="x")

    assert [lesson.entry.message_id for lesson in log.lessons()] == ["old", "new"]


def test_what_was_learned_waits_no_longer_and_stands_in_the_history(
    log: EscalationLog, ann: str
) -> None:
    reviewed(log, ann, Outcome.ADVICE_GIVEN, CONCERN, missed=True)
    wrong_level, missed = log.lessons()
    log.learned(wrong_level, by=ann)

    assert log.lessons() == [missed]
    log.learned(missed, by=ann)
    assert log.lessons() == []
    events = [(event.who, event.what, event.detail) for event in log.get("m1").history[-2:]]
    assert events == [
        (ann, What.LEARNED, {"verdict": "wrong_level", "severity": "concern"}),
        (ann, What.LEARNED, {"verdict": "missed"}),
    ]


def test_a_later_review_with_another_level_is_another_lesson(
    log: EscalationLog, ann: str, clock: Clock
) -> None:
    reviewed(log, ann, found=CONCERN)
    log.learned(*log.lessons(), by=ann)
    clock.move(minutes=1)
    log.reopen("m1", by=ann)
    log.review("m1", by=ann, outcome=Outcome.OTHER, note="x", severity=IMMEDIATE)

    assert [lesson.severity for lesson in log.lessons()] == [IMMEDIATE]


def test_only_staff_teach(log: EscalationLog, ann: str) -> None:
    reviewed(log, ann, Outcome.FALSE_ALARM)
    (lesson,) = log.lessons()

    with pytest.raises(UnknownStaffError):
        log.learned(lesson, by="gateway")
    assert log.lessons() == [lesson]


def test_the_list_opens_nothing(log: EscalationLog, ann: str, engine: Engine) -> None:
    reviewed(log, ann, Outcome.FALSE_ALARM)
    with engine.begin() as connection:
        connection.execute(sa.update(escalations).values(text="damaged", turns="", shown=""))

    assert len(log.lessons()) == 1


def test_a_lesson_holds_nobodys_words(log: EscalationLog, ann: str) -> None:
    log.record(replace(escalation(), text="SECRET"))
    log.review("m1", by=ann, outcome=Outcome.FALSE_ALARM, note="SECRET")

    (lesson,) = log.lessons()
    assert isinstance(lesson, Lesson)
    assert "SECRET" not in str(lesson)
