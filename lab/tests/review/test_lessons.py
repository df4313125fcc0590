"""Verdicts of staff wait until an example is written for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from lab.review.lessons import Lesson, Verdict, lessons, record_learned
from lab.review.retelling import summary
from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import UnknownStaffError
from staff.accounts.tables import staff
from staff.cases.alarm_candidates import CaseReader
from staff.cases.case import CaseEvent, CaseStatus
from staff.cases.cases import Cases
from staff.cases.casework import Casework, ClosingDecision
from staff.cases.false_alarms import AlarmDecision, AlarmReason, FalseAlarms
from staff.cases.merging import CaseMerge
from staff.cases.tables import escalations
from tests.records import NOON, Clock, EscalationLog, assessment, escalation, vault

SECOND = "the second person"
NONE, CONCERN, URGENT, IMMEDIATE = Severity


def close(casework: Casework, case_id: str, by: str, decision: ClosingDecision) -> None:
    """Close it, with a second person where it takes one."""
    if casework.close(case_id, decision, by=by) is CaseStatus.OPEN:
        casework.answer_closing(case_id, agree=True, by=SECOND)


@pytest.fixture(autouse=True)
def _second(engine: Engine, bob: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.update(staff).where(staff.c.id == bob).values(id=SECOND))


def reviewed(
    engine: Engine,
    log: EscalationLog,
    casework: Casework,
    by: str,
    outcome: Outcome = Outcome.OTHER,
    found: Severity | None = None,
    *,
    missed: bool = False,
) -> list[tuple[Verdict, Severity | None]]:
    """Return the verdicts after this review of an urgent message."""
    log.record(escalation(assessment=assessment(URGENT)))
    close(casework, "c1", by, ClosingDecision(outcome, "x", found, missed))
    return [(lesson.verdict, lesson.severity) for lesson in lessons(engine)]


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
        (Outcome.CONTACTED_PERSON, IMMEDIATE, (Verdict.WRONG_LEVEL, IMMEDIATE)),
    ],
)
def test_a_review_that_differs_is_a_lesson(
    engine: Engine,
    log: EscalationLog,
    casework: Casework,
    ann: str,
    outcome: Outcome,
    found: Severity | None,
    lesson: tuple[Verdict, Severity],
) -> None:
    assert reviewed(engine, log, casework, ann, outcome, found) == [lesson]


@pytest.mark.parametrize("found", [None, URGENT])
def test_a_review_that_agrees_is_none(
    engine: Engine, log: EscalationLog, casework: Casework, ann: str, found: Severity | None
) -> None:
    assert reviewed(engine, log, casework, ann, Outcome.CONTACTED_PERSON, found) == []


def test_what_was_missed_is_a_lesson_of_its_own(
    engine: Engine, log: EscalationLog, casework: Casework, ann: str
) -> None:
    found = reviewed(engine, log, casework, ann, Outcome.ADVICE_GIVEN, CONCERN, missed=True)

    assert found == [(Verdict.WRONG_LEVEL, CONCERN), (Verdict.MISSED, None)]


def test_what_is_open_is_not_learned_from(
    engine: Engine, log: EscalationLog, casework: Casework, ann: str
) -> None:
    reviewed(engine, log, casework, ann, Outcome.FALSE_ALARM)
    casework.reopen("c1", by=ann, reason="x")

    assert lessons(engine) == []


def test_the_last_review_counts(
    engine: Engine, log: EscalationLog, casework: Casework, ann: str, clock: Clock
) -> None:
    reviewed(engine, log, casework, ann, Outcome.FALSE_ALARM, missed=True)
    clock.move(minutes=1)
    casework.reopen("c1", by=ann, reason="x")
    close(casework, "c1", ann, ClosingDecision(Outcome.OTHER, "x", IMMEDIATE))

    assert [lesson.verdict for lesson in lessons(engine)] == [Verdict.WRONG_LEVEL]


def test_the_oldest_message_comes_first(
    engine: Engine, log: EscalationLog, casework: Casework, ann: str
) -> None:
    for name, hours in (("new", 1), ("old", 9)):
        at = NOON - timedelta(hours=hours)
        log.record(escalation(name, conversation_id=f"of {name}", raised_at=at))
        close(casework, f"of {name}", ann, ClosingDecision(Outcome.FALSE_ALARM, "x"))

    assert [lesson.message_id for lesson in lessons(engine)] == ["old", "new"]


def test_what_was_learned_waits_no_longer_and_stands_on_the_trail(
    engine: Engine, log: EscalationLog, casework: Casework, cases: Cases, ann: str
) -> None:
    reviewed(engine, log, casework, ann, Outcome.ADVICE_GIVEN, CONCERN, missed=True)
    wrong_level, missed = lessons(engine)
    record_learned(engine, wrong_level, by=ann, at=NOON)

    assert lessons(engine) == [missed]
    record_learned(engine, missed, by=ann, at=NOON)
    assert lessons(engine) == []
    links = cases.whole("c1").history[-2:]
    events = [(link.event.who, link.event.what, link.event.detail) for link in links]
    assert events == [
        (ann, CaseEvent.LEARNED, {"verdict": "wrong_level", "severity": "concern"}),
        (ann, CaseEvent.LEARNED, {"verdict": "missed"}),
    ]


def test_a_later_review_with_another_level_is_another_lesson(
    engine: Engine, log: EscalationLog, casework: Casework, ann: str, clock: Clock
) -> None:
    reviewed(engine, log, casework, ann, found=CONCERN)
    record_learned(engine, *lessons(engine), by=ann, at=NOON)
    clock.move(minutes=1)
    casework.reopen("c1", by=ann, reason="x")
    close(casework, "c1", ann, ClosingDecision(Outcome.OTHER, "x", IMMEDIATE))

    assert [lesson.severity for lesson in lessons(engine)] == [IMMEDIATE]


def test_only_staff_teach(engine: Engine, log: EscalationLog, casework: Casework, ann: str) -> None:
    reviewed(engine, log, casework, ann, Outcome.FALSE_ALARM)
    (lesson,) = lessons(engine)

    with pytest.raises(UnknownStaffError):
        record_learned(engine, lesson, by="gateway", at=NOON)
    assert lessons(engine) == [lesson]


def test_the_list_opens_nothing(
    log: EscalationLog, casework: Casework, ann: str, engine: Engine
) -> None:
    reviewed(engine, log, casework, ann, Outcome.FALSE_ALARM)
    with engine.begin() as connection:
        connection.execute(sa.update(escalations).values(text="damaged", turns="", shown=""))

    assert len(lessons(engine)) == 1


def test_a_lesson_holds_no_words(
    engine: Engine, log: EscalationLog, casework: Casework, ann: str
) -> None:
    log.record(replace(escalation(), text="SECRET"))
    close(casework, "c1", ann, ClosingDecision(Outcome.FALSE_ALARM, "SECRET"))

    (lesson,) = lessons(engine)
    assert isinstance(lesson, Lesson)
    assert "SECRET" not in str(lesson)


def test_the_lesson_of_a_case_is_about_its_gravest_message(
    engine: Engine, log: EscalationLog, casework: Casework, merging: CaseMerge, ann: str
) -> None:
    log.record(escalation("slight"))
    log.record(escalation("grave", assessment=assessment(URGENT)))
    log.record(escalation("graver", conversation_id="c2", assessment=assessment(IMMEDIATE)))
    merging.merge("c2", "c1", by=ann)
    close(casework, "c1", ann, ClosingDecision(Outcome.FALSE_ALARM, "x"))

    assert [lesson.message_id for lesson in lessons(engine)] == ["graver"]
    merging.separate("c2", by=ann)
    assert [lesson.message_id for lesson in lessons(engine)] == ["grave"]


def test_false_alarms_that_were_closed_together_are_lessons_with_their_reason(
    engine: Engine, log: EscalationLog, casework: Casework, ann: str
) -> None:
    for each in ("a", "b"):
        log.record(escalation(f"m-{each}", conversation_id=each))
        casework.revealed(each, by=ann, session="s1")
    cases = Cases(engine, vault())
    versions = {each: cases.find(each).version for each in ("a", "b")}
    decision = AlarmDecision(AlarmReason.FICTION, "")

    FalseAlarms(engine, vault()).close("batch", versions, decision, CaseReader(ann, "s1", None))

    found = [(each.case.id, each.verdict, each.severity, each.reason) for each in lessons(engine)]
    assert sorted(found) == [
        ("a", Verdict.FALSE_ALARM, NONE, "fiction"),
        ("b", Verdict.FALSE_ALARM, NONE, "fiction"),
    ]
    assert "false alarm (fiction): assessed as concern" in summary(lessons(engine)[0])
