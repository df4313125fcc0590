"""What reviews teach: which verdicts of staff still wait to become an example in other words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import check_in_use
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import Case, CaseEvent, CaseStatus
from staff.cases.rows import case_of
from staff.cases.tables import cases, escalations, reviews


class Verdict(str, Enum):
    """What staff say of an assessment. The values are in the database: never rename one."""

    FALSE_ALARM = "false_alarm"
    """It was raised, or raised so high, without need."""
    WRONG_LEVEL = "wrong_level"
    """It was heard, but as too little or too much."""
    MISSED = "missed"
    """Something was not heard at all."""


@dataclass(frozen=True)
class Lesson:
    """One verdict on one case. Holds nobody's words."""

    case: Case
    message_id: str
    """The message it is about: the gravest of the case, of equals the first."""
    verdict: Verdict
    severity: Severity | None
    """How serious staff found it; None of what was missed, which the record does not say."""


def lessons(connection: Connection) -> list[Lesson]:
    """The verdicts on closed cases that have no example yet, the oldest case first."""
    closed = sa.select(cases).where(cases.c.status == CaseStatus.CLOSED.value)
    found = map(case_of, connection.execute(closed.order_by(cases.c.opened_at)).mappings())
    judged = sa.select(
        reviews.c.case_id, reviews.c.outcome, reviews.c.severity, reviews.c.missed
    ).order_by(reviews.c.at)
    # Of a case that was opened again, the last review counts.
    last = {row["case_id"]: row for row in connection.execute(judged).mappings()}
    done, gravest = _learned(connection), _gravest(connection)
    return [
        lesson
        for case in found
        if case.id in last and case.id in gravest
        for lesson in _verdicts(case, gravest[case.id], last[case.id])
        if _mark(lesson) not in done
    ]


def learned(connection: Connection, lesson: Lesson, *, by: str, at: datetime) -> None:
    """Note that an example was written of it. Raises UnknownStaffError."""
    check_in_use(connection, by)
    message_id, verdict, severity = _mark(lesson)
    detail = {"verdict": verdict} | ({"severity": severity} if severity else {})
    what = CaseEvent.LEARNED.value
    trail.append(connection, Event(at, by, what, lesson.case.id, message_id, detail))


def _gravest(connection: Connection) -> dict[str, str]:
    """The message of each case by which it was judged; of those merged into it, too."""
    query = sa.select(cases.c.id, cases.c.merged_into, escalations.c.message_id)
    ordered = query.join_from(escalations, cases).order_by(
        escalations.c.severity, escalations.c.raised_at.desc(), escalations.c.message_id.desc()
    )
    found: dict[str, str] = {}
    for case_id, merged_into, message_id in connection.execute(ordered):
        found |= {each: message_id for each in (case_id, merged_into) if each is not None}
    return found


def _verdicts(case: Case, message_id: str, review: RowMapping) -> Iterable[Lesson]:
    assessed = case.assessed_severity
    found = None if review["severity"] is None else Severity(review["severity"])
    false_alarm = review["outcome"] == Outcome.FALSE_ALARM.value
    if false_alarm and found in {None, assessed}:
        # Whoever says "false alarm" seldom touches the question of how serious it is.
        found = Severity.NONE
    if found is not None and found != assessed:
        lowered = found < assessed and (false_alarm or found is Severity.NONE)
        verdict = Verdict.FALSE_ALARM if lowered else Verdict.WRONG_LEVEL
        yield Lesson(case, message_id, verdict, found)
    if review["missed"]:
        yield Lesson(case, message_id, Verdict.MISSED, None)


def _mark(lesson: Lesson) -> tuple[str, str, str]:
    """What tells a lesson from others of its case: another level is another lesson."""
    severity = "" if lesson.severity is None else lesson.severity.label
    return lesson.message_id, lesson.verdict.value, severity


def _learned(connection: Connection) -> set[tuple[str, str, str]]:
    return {
        (each.event.message_id or "", each.event.detail["verdict"],
         each.event.detail.get("severity", ""))
        for each in trail.of_kind(connection, CaseEvent.LEARNED.value)
    }  # fmt: skip
