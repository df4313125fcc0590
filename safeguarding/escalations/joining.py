"""How a message joins its case: opens it, raises it, opens it again, or is only added to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, RowMapping

from safeguarding.alerts.outbox import Reason
from safeguarding.escalations.case import Status, reference_of
from safeguarding.escalations.deadlines import look_by
from safeguarding.escalations.escalation import Escalation
from safeguarding.escalations.tables import cases
from safeguarding.risk.assessment import need_of
from safeguarding.taxonomy import Severity

LEAST = Severity.CONCERN
"""What a member of staff must read; below it a message is only attached."""


class NoCaseYetError(LookupError):
    """A message is to be attached to a case that is not on record yet: it has to wait."""


@dataclass(frozen=True)
class Joined:
    """What a message did to its case."""

    reason: Reason | None
    """ "new", "raised" or "reopened": staff must be told. None: they know already."""
    before: Severity
    """How severe the case was."""


def case_for(connection: Connection, escalation: Escalation) -> RowMapping:
    """The row of the case that a message belongs to, locked until the transaction ends.

    A message with risk opens one where its conversation has none. Raises NoCaseYetError.
    """
    row = _locked(connection, escalation.conversation_id)
    if row is None:
        if escalation.assessment.severity < LEAST:
            raise NoCaseYetError
        _open(connection, escalation)
        row = _locked(connection, escalation.conversation_id)
    while row is not None and row["merged_into"] is not None:
        row = _locked(connection, row["merged_into"])
    if row is None:
        raise NoCaseYetError
    return row


def join(
    connection: Connection, row: RowMapping, escalation: Escalation, before: Severity | None
) -> Joined:
    """Let a case know of a message; `before` is how severe the message was, None of a new one."""
    changes = {"newest_at": max(row["newest_at"], escalation.raised_at)}
    if escalation.assessment.severity < LEAST:
        _update(connection, row, changes)
        return Joined(None, Severity(row["severity"]))
    reason = _reason(row, escalation.assessment.severity, before)
    counts = before is None or before < LEAST
    changes |= {
        "handoffs": row["handoffs"] + counts,
        "audience": row["audience"] or escalation.audience,
        "area": row["area"] or escalation.area,
        "categories": _together(row, escalation),
    }
    if reason is not None:
        changes |= _raised(row, escalation)
    _update(connection, row, changes)
    return Joined(reason, Severity(row["severity"]))


def _reason(row: RowMapping, severity: Severity, before: Severity | None) -> Reason | None:
    if row["handoffs"] == 0:
        return "new"
    known = before is not None and before >= severity
    if row["status"] == Status.CLOSED.value:
        return None if known else "reopened"
    return "raised" if severity > row["severity"] and not known else None


def _raised(row: RowMapping, escalation: Escalation) -> dict[str, Any]:
    """What counts from now on. Staff judged what they knew then: it is to be judged afresh."""
    severity = max(escalation.assessment.severity, Severity(row["assessed_severity"]))
    gravest = escalation.assessment.severity == severity
    own = {
        "need": need_of(escalation.assessment, escalation.audience or row["audience"]),
        "subject": escalation.assessment.subject,
    }
    return {
        "status": Status.OPEN.value,
        "closed_at": None,
        "closing_by": None,
        "severity": int(severity),
        "assessed_severity": int(severity),
        "staff_severity": None,
        "raised_at": escalation.raised_at,
        "due_at": look_by(severity, escalation.raised_at),
    } | (own if gravest else {})


def _together(row: RowMapping, escalation: Escalation) -> list[str]:
    """The categories of all its messages, those of the gravest first."""
    known, new = row["categories"], list(escalation.assessment.categories)
    graver = escalation.assessment.severity > row["assessed_severity"]
    return list(dict.fromkeys([*new, *known] if graver else [*known, *new]))


def _open(connection: Connection, escalation: Escalation) -> None:
    """Let the database decide who is first: two processes may open one case at once."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    severity = int(escalation.assessment.severity)
    statement = insert(cases).values(
        id=escalation.conversation_id,
        reference=reference_of(escalation.conversation_id),
        conversation_id=escalation.conversation_id,
        status=Status.OPEN.value,
        severity=severity,
        assessed_severity=severity,
        need=need_of(escalation.assessment, escalation.audience),
        subject=escalation.assessment.subject,
        categories=list(escalation.assessment.categories),
        audience=escalation.audience,
        area=escalation.area,
        opened_at=escalation.raised_at,
        raised_at=escalation.raised_at,
        newest_at=escalation.raised_at,
        due_at=look_by(escalation.assessment.severity, escalation.raised_at),
        handoffs=0,
        version=1,
    )
    connection.execute(statement.on_conflict_do_nothing())


def _update(connection: Connection, row: RowMapping, changes: dict[str, Any]) -> None:
    # Small talk is no reason to turn away whoever is just writing an outcome.
    values = changes | ({"version": row["version"] + 1} if "status" in changes else {})
    connection.execute(sa.update(cases).where(cases.c.id == row["id"]).values(**values))


def _locked(connection: Connection, case_id: str) -> RowMapping | None:
    query = sa.select(cases).where(cases.c.id == case_id).with_for_update()
    return connection.execute(query).mappings().first()


def summed(messages: Sequence[Escalation]) -> dict[str, Any]:
    """The columns of a case that follow from its messages alone, for one that was split or merged.

    Raises ValueError when none of them shows risk.
    """
    raised = [each for each in messages if each.assessment.severity >= LEAST]
    if not raised:
        raise ValueError("none of the messages shows risk")
    by_gravity = sorted(raised, key=lambda each: (-each.assessment.severity, each.raised_at))
    gravest, first = by_gravity[0], min(each.raised_at for each in raised)
    severity = gravest.assessment.severity
    audience = next((each.audience for each in raised if each.audience), None)
    named = [name for each in by_gravity for name in each.assessment.categories]
    return {
        "severity": int(severity),
        "assessed_severity": int(severity),
        "need": need_of(gravest.assessment, audience),
        "subject": gravest.assessment.subject,
        "categories": list(dict.fromkeys(named)),
        "audience": audience,
        "area": next((each.area for each in raised if each.area), None),
        "opened_at": first,
        "raised_at": gravest.raised_at,
        "newest_at": max(each.raised_at for each in messages),
        "due_at": look_by(severity, gravest.raised_at),
        "handoffs": len(raised),
    }
