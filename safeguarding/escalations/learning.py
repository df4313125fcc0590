"""What reviews teach: which verdicts of staff still wait to become an example in other words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from safeguarding.escalations.escalation import Outcome, QueueEntry, Status, What
from safeguarding.escalations.rows import entry_of, note
from safeguarding.escalations.tables import escalations, history, reviews
from safeguarding.staff.accounts import check_in_use
from safeguarding.taxonomy import Severity


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
    """One verdict on one escalation. Holds nobody's words."""

    entry: QueueEntry
    verdict: Verdict
    severity: Severity | None
    """How serious staff found it; None of what was missed, which the record does not say."""


def lessons(connection: Connection) -> list[Lesson]:
    """The verdicts on closed escalations that have no example yet, the oldest message first."""
    closed = escalations.c.status == Status.CLOSED.value
    entries = sa.select(escalations).where(closed).order_by(escalations.c.raised_at)
    judged = sa.select(
        reviews.c.message_id, reviews.c.outcome, reviews.c.severity, reviews.c.missed
    ).order_by(reviews.c.at)
    # Of an escalation that was opened again, the last review counts.
    last = {row["message_id"]: row for row in connection.execute(judged).mappings()}
    done = _learned(connection)
    return [
        lesson
        for entry in map(entry_of, connection.execute(entries).mappings())
        if entry.message_id in last
        for lesson in _verdicts(entry, last[entry.message_id])
        if _mark(lesson) not in done
    ]


def learned(connection: Connection, lesson: Lesson, *, by: str, at: datetime) -> None:
    """Note that an example was written of it. Raises UnknownStaffError."""
    check_in_use(connection, by)
    message_id, verdict, severity = _mark(lesson)
    detail = {"verdict": verdict} | ({"severity": severity} if severity else {})
    note(connection, message_id, by, What.LEARNED, at=at, detail=detail)


def _verdicts(entry: QueueEntry, review: RowMapping) -> Iterable[Lesson]:
    assessed = entry.assessed_severity
    found = None if review["severity"] is None else Severity(review["severity"])
    false_alarm = review["outcome"] == Outcome.FALSE_ALARM.value
    if false_alarm and found in {None, assessed}:
        # Whoever says "false alarm" seldom touches the question of how serious it is.
        found = Severity.NONE
    if found is not None and found != assessed:
        lowered = found < assessed and (false_alarm or found is Severity.NONE)
        yield Lesson(entry, Verdict.FALSE_ALARM if lowered else Verdict.WRONG_LEVEL, found)
    if review["missed"]:
        yield Lesson(entry, Verdict.MISSED, None)


def _mark(lesson: Lesson) -> tuple[str, str, str]:
    """What tells a lesson from others of its escalation: another level is another lesson."""
    severity = "" if lesson.severity is None else lesson.severity.label
    return lesson.entry.message_id, lesson.verdict.value, severity


def _learned(connection: Connection) -> set[tuple[str, str, str]]:
    query = sa.select(history.c.message_id, history.c.detail).where(
        history.c.what == What.LEARNED.value
    )
    return {
        (message_id, detail["verdict"], detail.get("severity", ""))
        for message_id, detail in connection.execute(query)
    }
