"""How a message joins its case: opens it, raises it, opens it again, or is only added to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, RowMapping

from safeguarding.escalation import Escalation
from safeguarding.risk.assessment import Assessment, Signal, need_of
from safeguarding.taxonomy import Severity
from staff.alerts.outbox import Reason, set_area
from staff.cases.case import CaseStatus, look_by, reference_of
from staff.cases.tables import cases, escalations

ESCALATE_FROM = Severity.CONCERN
"""What a member of staff must read; below it a message is only attached."""
_REFERENCES = 8
"""How many references are tried: each is taken in one of about 10^11 cases."""


class NoCaseYetError(LookupError):
    """A message is to be attached to a case that is not on record yet: it has to wait."""


@dataclass(frozen=True)
class Joined:
    """What a message did to its case."""

    reason: Reason | None
    """ "new", "raised" or "reopened": staff must be told. None: they know already."""
    before: Severity
    """How severe the case was."""
    after: Severity
    """How severe it is now."""


@dataclass(frozen=True)
class CasePlacement:
    """Where a message belongs."""

    own: str
    """Id of the case that keeps it, with whose key it is sealed."""
    case: RowMapping
    """The case that staff see: its own, or the one which that was merged into. Locked."""


def place_of(connection: Connection, escalation: Escalation) -> CasePlacement:
    """Where a message belongs, locked until the transaction ends.

    A message with risk opens a case where its conversation has none. One that staff have moved to
    another case stays there. Raises NoCaseYetError.
    """
    query = sa.select(escalations.c.case_id).where(
        escalations.c.message_id == escalation.message_id
    )
    own = escalation.conversation_id
    row = _locked(connection, own)
    if row is None:
        if escalation.assessment.severity < ESCALATE_FROM:
            raise NoCaseYetError
        row = _opened(connection, escalation)
    # Only under that lock does it stand still whether, and where, the message is on record.
    kept = connection.execute(query).scalar_one_or_none()
    if kept is not None and kept != own:
        own, row = kept, _required(connection, kept)
    while row["merged_into"] is not None:
        row = _required(connection, row["merged_into"])
    return CasePlacement(own, row)


def join(
    connection: Connection, row: RowMapping, escalation: Escalation, before: Severity | None
) -> Joined:
    """Let a case know of a message that is on record by now.

    `before` is how severe the message was, None of a new one.
    """
    severity, was = escalation.assessment.severity, Severity(row["severity"])
    changes: dict[str, Any] = {
        "newest_at": max(row["newest_at"], escalation.raised_at),
        "audience": row["audience"] or escalation.audience,
        "area": row["area"] or escalation.area,
    }
    reason: Reason | None = None
    if severity >= ESCALATE_FROM:
        reason = _reason(row, severity, before)
        changes |= _of_handoff(row, escalation, before) | _when(row, escalation, reason)
    if severity >= ESCALATE_FROM or changes["audience"] != row["audience"]:
        changes |= _chiefly(connection, row["id"], changes["audience"])
    connection.execute(sa.update(cases).where(cases.c.id == row["id"]).values(**changes))
    if changes["area"] != row["area"]:
        set_area(connection, row["id"], changes["area"])
    return Joined(reason, was, Severity(changes.get("severity", was)))


def _reason(row: RowMapping, severity: Severity, before: Severity | None) -> Reason | None:
    if row["handoffs"] == 0:
        return "new"
    known = before is not None and before >= severity
    if row["status"] == CaseStatus.CLOSED.value:
        return None if known else "reopened"
    return "raised" if severity > row["severity"] and not known else None


def _of_handoff(row: RowMapping, escalation: Escalation, before: Severity | None) -> dict[str, Any]:
    """Return the columns that any message with risk changes, alerted or not."""
    severity = escalation.assessment.severity
    changes: dict[str, Any] = {
        "opened_at": min(row["opened_at"], escalation.raised_at),
        "handoffs": row["handoffs"] + (before is None or before < ESCALATE_FROM),
        "assessed_severity": max(int(severity), row["assessed_severity"]),
        "categories": _together(row, escalation),
    }
    if before is None or before < severity:
        # Whoever is about to close the case has not seen it. Small talk turns nobody away.
        changes |= {"closing_by": None, "version": row["version"] + 1}
    return changes


def _when(row: RowMapping, escalation: Escalation, reason: Reason | None) -> dict[str, Any]:
    """When the case was raised, and what follows from that."""
    severity, at = escalation.assessment.severity, escalation.raised_at
    if reason is not None:
        # Staff judged what they knew then: it is to be judged afresh.
        counts = max(severity, Severity(row["assessed_severity"]))
        return {
            "status": CaseStatus.OPEN.value,
            "closed_at": None,
            "severity": int(counts),
            "staff_severity": None,
            "raised_at": at,
            "due_at": look_by(counts, at),
        }
    if (
        row["status"] == CaseStatus.OPEN.value
        and severity == row["severity"]
        and at < row["raised_at"]
    ):
        # An equally grave one that came earlier, but to the record later.
        return {"raised_at": at, "due_at": min(row["due_at"], look_by(severity, at))}
    return {}


def _chiefly(connection: Connection, case_id: str, audience: str | None) -> dict[str, Any]:
    """Return need and subject of a case: those of its first gravest message."""
    merged = sa.select(cases.c.id).where(cases.c.merged_into == case_id)
    query = (
        sa.select(
            escalations.c.severity,
            escalations.c.categories,
            escalations.c.subject,
            escalations.c.signals,
        )
        .where((escalations.c.case_id == case_id) | escalations.c.case_id.in_(merged))
        .order_by(escalations.c.severity.desc(), escalations.c.raised_at, escalations.c.message_id)
        .limit(1)
    )
    row = connection.execute(query).one()
    assessment = Assessment(
        Severity(row.severity),
        tuple(row.categories),
        row.subject,
        tuple(Signal.from_record(each) for each in row.signals),
    )
    return {"need": need_of(assessment, audience), "subject": row.subject}


def _together(row: RowMapping, escalation: Escalation) -> list[str]:
    """Return the categories of all its messages, those of the gravest first."""
    known, new = row["categories"], list(escalation.assessment.categories)
    graver = escalation.assessment.severity > row["assessed_severity"]
    return list(dict.fromkeys([*new, *known] if graver else [*known, *new]))


def _opened(connection: Connection, escalation: Escalation) -> RowMapping:
    """Open a case for the conversation. The database takes one of two that open at once.

    Two conversations may, once in a very long time, be given one reference.
    """
    for again in range(_REFERENCES):
        reference = reference_of(escalation.conversation_id, again)
        _open(connection, escalation, reference)
        row = _locked(connection, escalation.conversation_id)
        if row is not None:
            return row
    raise NoCaseYetError


def _open(connection: Connection, escalation: Escalation, reference: str) -> None:
    """Insert the case, unless it is there or its reference belongs to another."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    severity = int(escalation.assessment.severity)
    statement = insert(cases).values(
        id=escalation.conversation_id,
        reference=reference,
        conversation_id=escalation.conversation_id,
        status=CaseStatus.OPEN.value,
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
        version=0,
    )
    connection.execute(statement.on_conflict_do_nothing())


def _required(connection: Connection, case_id: str) -> RowMapping:
    row = _locked(connection, case_id)
    if row is None:
        raise NoCaseYetError
    return row


def _locked(connection: Connection, case_id: str) -> RowMapping | None:
    query = sa.select(cases).where(cases.c.id == case_id).with_for_update()
    return connection.execute(query).mappings().first()


def summed(messages: Sequence[Escalation]) -> dict[str, Any]:
    """Return the columns that follow from the messages alone, for a split or merged case.

    Raises ValueError when none of them shows risk.
    """
    raised = [each for each in messages if each.assessment.severity >= ESCALATE_FROM]
    if not raised:
        raise ValueError("none of the messages shows risk")
    by_gravity = sorted(
        raised, key=lambda each: (-each.assessment.severity, each.raised_at, each.message_id)
    )
    gravest, first = by_gravity[0], min(each.raised_at for each in raised)
    severity = gravest.assessment.severity
    audience = next((each.audience for each in messages if each.audience), None)
    named = [name for each in by_gravity for name in each.assessment.categories]
    return {
        "severity": int(severity),
        "assessed_severity": int(severity),
        "need": need_of(gravest.assessment, audience),
        "subject": gravest.assessment.subject,
        "categories": list(dict.fromkeys(named)),
        "audience": audience,
        "area": next((each.area for each in messages if each.area), None),
        "opened_at": first,
        "raised_at": gravest.raised_at,
        "newest_at": max(each.raised_at for each in messages),
        "due_at": look_by(severity, gravest.raised_at),
        "handoffs": len(raised),
    }
