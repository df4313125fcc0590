"""Lessons: verdicts of staff on assessments that still need a training example in other words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import check_in_use
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import Case, CaseEvent, CaseStatus
from staff.cases.cases import case_of
from staff.cases.tables import cases, escalations, reviews
from storage.engine import READING


class Verdict(str, Enum):
    """A judgement of staff on an assessment. The values are on record: never rename one."""

    FALSE_ALARM = "false_alarm"
    """It was raised, or raised so high, without reason."""
    WRONG_LEVEL = "wrong_level"
    """It was recognised, with too low or too high a severity."""
    MISSED = "missed"
    """It was not recognised at all."""


@dataclass(frozen=True)
class Lesson:
    """One verdict on one case, without any words."""

    case: Case
    message_id: str
    """The message it is about: the most severe of the case, and the first of those."""
    verdict: Verdict
    severity: Severity | None
    """The severity that staff chose; None for MISSED, where they do not say it."""
    reason: str | None = None
    """Why it was a false alarm, where it was closed with others."""


def lessons(engine: Engine) -> list[Lesson]:
    """Return the verdicts on closed cases that have no example yet, the oldest case first.

    Nothing is decrypted. Raises SQLAlchemyError.
    """
    with engine.connect().execution_options(**READING) as connection:
        closed = sa.select(cases).where(cases.c.status == CaseStatus.CLOSED.value)
        rows = connection.execute(closed.order_by(cases.c.opened_at)).mappings()
        closed_cases = [case_of(row) for row in rows]
        judged = sa.select(
            reviews.c.case_id,
            reviews.c.outcome,
            reviews.c.severity,
            reviews.c.missed,
            reviews.c.reason,
        ).order_by(reviews.c.at)
        # The last review of a case that was reopened counts.
        last = {row["case_id"]: row for row in connection.execute(judged).mappings()}
        done, gravest = _learned(connection), _gravest(connection)
    return [
        lesson
        for case in closed_cases
        if case.id in last and case.id in gravest
        for lesson in _verdicts(case, gravest[case.id], last[case.id])
        if _key(lesson) not in done
    ]


def record_learned(engine: Engine, lesson: Lesson, *, by: str, at: datetime) -> None:
    """Record that an example was written for a lesson. Raises UnknownStaffError."""
    message_id, verdict, severity = _key(lesson)
    detail = {"verdict": verdict} | ({"severity": severity} if severity else {})
    event = Event(at, by, CaseEvent.LEARNED.value, lesson.case.id, message_id, detail)
    with engine.begin() as connection:
        check_in_use(connection, by)
        trail.append(connection, event)


def _gravest(connection: Connection) -> dict[str, str]:
    """Return the most severe message of each case, the messages merged into it included."""
    query = sa.select(cases.c.id, cases.c.merged_into, escalations.c.message_id)
    ordered = query.join_from(escalations, cases).order_by(
        escalations.c.severity, escalations.c.raised_at.desc(), escalations.c.message_id.desc()
    )
    message_ids: dict[str, str] = {}
    for case_id, merged_into, message_id in connection.execute(ordered):
        message_ids |= {each: message_id for each in (case_id, merged_into) if each is not None}
    return message_ids


def _verdicts(case: Case, message_id: str, review: RowMapping) -> Iterable[Lesson]:
    assessed = case.assessed_severity
    chosen = None if review["severity"] is None else Severity(review["severity"])
    false_alarm = review["outcome"] == Outcome.FALSE_ALARM.value
    if false_alarm and chosen in {None, assessed}:
        # Staff who choose "false alarm" seldom change the severity as well.
        chosen = Severity.NONE
    if chosen is not None and chosen != assessed:
        lowered = chosen < assessed and (false_alarm or chosen is Severity.NONE)
        verdict = Verdict.FALSE_ALARM if lowered else Verdict.WRONG_LEVEL
        yield Lesson(case, message_id, verdict, chosen, review["reason"])
    if review["missed"]:
        yield Lesson(case, message_id, Verdict.MISSED, None)


def _key(lesson: Lesson) -> tuple[str, str, str]:
    """Return the key of a lesson: another severity of one message is another lesson."""
    severity = "" if lesson.severity is None else lesson.severity.label
    return lesson.message_id, lesson.verdict.value, severity


def _learned(connection: Connection) -> set[tuple[str, str, str]]:
    return {
        (each.event.message_id or "", each.event.detail["verdict"],
         each.event.detail.get("severity", ""))
        for each in trail.of_kind(connection, CaseEvent.LEARNED.value)
    }  # fmt: skip
