"""The escalation log: keeps what the gateway hands over, each message in the case of its talk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from safeguarding.clock import utc_now
from safeguarding.escalation import Escalation, merged
from safeguarding.risk.assessment import need_of
from safeguarding.taxonomy import Severity
from staff.alerts.outbox import Alert, raise_alert
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases import learning
from staff.cases.case import CaseEvent
from staff.cases.joining import ESCALATE_FROM, CasePlacement, Joined, join, place_of
from staff.cases.learning import Lesson
from staff.cases.rows import make_key, opened_row, sealed_row
from staff.cases.tables import escalations
from storage.engine import READING
from storage.vault import Vault


class EscalationLog:
    """Escalations on SQLite or PostgreSQL. Thread-safe; one a process.

    Every method raises SQLAlchemyError when the database cannot do its part; then nothing of
    the call was kept.
    """

    def __init__(self, engine: Engine, vault: Vault, now: Callable[[], datetime] = utc_now) -> None:
        """Take an engine of `database.engine.connect` on a migrated database."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._ring = vault
        self._now = now

    def record(self, escalation: Escalation) -> bool:
        """Record a message in a transaction of its own, as `record` does."""
        with self._engine.begin() as connection:
            return record(connection, self._ring, escalation, self._now())

    def lessons(self) -> list[Lesson]:
        """Return the verdicts of staff that wait to become an example, without decrypting."""
        with self._reading.connect() as connection:
            return learning.lessons(connection)

    def learned(self, lesson: Lesson, *, by: str) -> None:
        """Note that an example was written of it. Raises UnknownStaffError."""
        with self._engine.begin() as connection:
            learning.learned(connection, lesson, by=by, at=self._now())


def record(connection: Connection, ring: Vault, escalation: Escalation, at: datetime) -> bool:
    """Record a message and what it does to its case; True when it was not in the log before.

    A message already there is only ever added to: a higher severity, more signals and categories,
    what was not known before (see `merged`). One without risk is attached to the case of its
    conversation. The alert and the audit event are part of the transaction. Raises ValueError when
    `raised_at` has no time zone, and NoCaseYetError when there is no case to attach it to.
    """
    if escalation.raised_at.tzinfo is None:
        raise ValueError("raised_at needs a time zone")
    # Whoever else records a message of this conversation waits for the case's lock.
    place = place_of(connection, escalation)
    vault = make_key(connection, ring, place.own)
    escalation = _with_turns_once(connection, place.own, escalation)
    mine = escalations.c.message_id == escalation.message_id
    row = connection.execute(sa.select(escalations).where(mine)).mappings().first()
    if row is None:
        values = sealed_row(escalation, vault) | {"case_id": place.own}
        connection.execute(sa.insert(escalations).values(**values))
        joined = join(connection, place.case, escalation, before=None)
        _note(connection, place, escalation, _new_what(escalation, joined), joined, at)
        return True
    known = opened_row(row, vault)
    result = merged(known, escalation)
    if result == known:
        return False
    connection.execute(sa.update(escalations).where(mine).values(**sealed_row(result, vault)))
    joined = join(connection, place.case, result, before=known.assessment.severity)
    graver = result.assessment.severity > known.assessment.severity
    what = CaseEvent.RAISED if graver else CaseEvent.ADDED_TO
    _note(connection, place, result, what, joined, at, was=known.assessment.severity)
    return False


def _with_turns_once(connection: Connection, case_id: str, escalation: Escalation) -> Escalation:
    """Without the turns before it when an earlier message of its case is on record.

    From the first hand-off on, every message is: the turns of a conversation are kept once.
    """
    earlier = sa.select(escalations.c.message_id).where(
        escalations.c.case_id == case_id,
        escalations.c.message_id != escalation.message_id,
        escalations.c.raised_at <= escalation.raised_at,
    )
    if connection.execute(earlier.limit(1)).first() is None:
        return escalation
    return replace(escalation, turns_before=())


def _new_what(escalation: Escalation, joined: Joined) -> CaseEvent:
    if joined.reason == "new":
        return CaseEvent.RECORDED
    return (
        CaseEvent.JOINED if escalation.assessment.severity >= ESCALATE_FROM else CaseEvent.ATTACHED
    )


def _note(
    connection: Connection,
    place: CasePlacement,
    escalation: Escalation,
    what: CaseEvent,
    joined: Joined,
    at: datetime,
    was: Severity | None = None,
) -> None:
    """Leave the trail, and tell staff what they cannot know yet."""
    severity, case = escalation.assessment.severity, place.case
    if joined.reason is not None:
        raise_alert(
            connection,
            Alert(
                case_id=case["id"],
                reference=case["reference"],
                # Of the case: what people are told and what stands in the queue are one.
                severity=joined.after,
                need=need_of(escalation.assessment, case["audience"] or escalation.audience) or "",
                category=next(iter(escalation.assessment.categories), ""),
                raised_at=escalation.raised_at,
                reason=joined.reason,
                occasion=escalation.message_id,
                area=case["area"] or escalation.area,
            ),
            at,
        )
    detail = {"severity": severity.label} | ({"from": was.label} if was is not None else {})
    facts = {"case_id": place.own, "message_id": escalation.message_id}
    events = [Event(at, escalation.raised_by, what.value, detail=detail, **facts)]
    if joined.reason == "reopened":
        events.append(Event(at, escalation.raised_by, CaseEvent.REOPENED.value, detail={}, **facts))
    elif joined.reason == "raised" and what is CaseEvent.JOINED:
        change = {"from": joined.before.label, "to": joined.after.label}
        events.append(
            Event(at, escalation.raised_by, CaseEvent.RAISED.value, detail=change, **facts)
        )
    trail.append_all(connection, events)
