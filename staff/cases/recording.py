"""How a hand-off is recorded: a message opens, raises or reopens its case, or is only added to it.

A call-back that a young person leaves is kept sealed with the case of their conversation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, RowMapping

from safeguarding.escalation import (
    GATEWAY,
    SENDER,
    CallbackChange,
    CallbackLeft,
    Escalation,
    merged,
)
from safeguarding.live_chat import LIVE_CHAT
from safeguarding.risk.assessment import need_of
from safeguarding.speaker import subject_said
from safeguarding.taxonomy import Severity
from staff.alerts.outbox import Alert, Reason, raise_alert, set_area
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import CaseEvent, CaseStatus, look_by, reference_of
from staff.cases.summary import summary_of, summary_on_record
from staff.cases.tables import cases, escalations, make_key, opened_row, sealed_row, wishes
from storage import letterboxes
from storage.vault import Vault

ESCALATE_FROM = Severity.CONCERN
"""The severity from which a member of staff must read a message; others are only attached."""
_REFERENCES = 8
"""How many references are tried: each is taken in one of about 10^11 cases."""


class NoCaseYetError(LookupError):
    """The case of a message or call-back is not on record yet: the hand-off has to wait."""


@dataclass(frozen=True)
class CasePlacement:
    """The cases of a message."""

    own: str
    """Id of the case that keeps it, with whose key it is sealed."""
    case: RowMapping
    """The case that staff see: its own, or the one which that was merged into. Locked."""


def record_message(
    connection: Connection, ring: Vault, escalation: Escalation, at: datetime
) -> bool:
    """Record a message and what it does to its case; return whether it was not on record before.

    A message on record is only ever added to: a higher severity, more signals and categories, what
    was not known before (see `merged`). One without risk is attached to the case of its
    conversation. The alert and the audit event are part of the transaction. Raises ValueError when
    `raised_at` has no time zone, NoCaseYetError, SQLAlchemyError.
    """
    if escalation.raised_at.tzinfo is None:
        raise ValueError("raised_at needs a time zone")
    # The case does not keep where the message came from: only the alert does, to know a burst.
    sender = escalation.extra.get(SENDER)
    extra = {name: value for name, value in escalation.extra.items() if name != SENDER}
    escalation = replace(escalation, extra=extra)
    # Other writers of this conversation wait for the lock of the case.
    place = _place_of(connection, escalation)
    vault = make_key(connection, ring, place.own)
    escalation = _with_turns_once(connection, place.own, escalation)
    mine = escalations.c.message_id == escalation.message_id
    row = connection.execute(sa.select(escalations).where(mine)).mappings().first()
    known = None if row is None else opened_row(row, vault)
    result = escalation if known is None else merged(known, escalation)
    if result == known:
        return False
    values = sealed_row(result, vault)
    if known is None:
        connection.execute(sa.insert(escalations).values(**values, case_id=place.own))
    else:
        connection.execute(sa.update(escalations).where(mine).values(**values))
    before = None if known is None else known.assessment.severity
    reason, severity = _join(connection, ring, place.case, result, before)
    came = _letter_came(connection, place, result) if result.is_letter else None
    if reason or came:
        _alert(connection, place.case, result, reason or came or "raised", severity, sender, at)
    # A letter that makes the case no graver is no "raised" in its history.
    shown = came if came in {"new", "reopened"} else reason
    _append_events(connection, place, result, shown, severity, before, at)
    if came:
        trail.append(connection, Event(at, GATEWAY, CaseEvent.LETTER_CAME.value, place.own))
    return known is None


def record_callback(
    connection: Connection, ring: Vault, change: CallbackChange, at: datetime
) -> bool:
    """Keep or delete the call-back of a conversation; return whether that changed anything.

    It stays with the conversation's own case, merged or not: staff read it there, and the person
    who left it can withdraw it. `at` is the time of the audit event, which is part of the
    transaction. Raises NoCaseYetError when one is left and there is no case yet.
    """
    case_id = change.conversation_id
    is_known = _locked(connection, case_id) is not None
    earlier = sa.delete(wishes).where(wishes.c.case_id == case_id)
    if isinstance(change, CallbackLeft):
        if not is_known:
            raise NoCaseYetError
        vault = make_key(connection, ring, case_id)
        connection.execute(earlier)
        sealed = {
            column: vault.seal(text, table="wishes", row=case_id, column=column)
            for column, text in (("name", change.name), ("reach", change.reach))
        }
        connection.execute(sa.insert(wishes).values(case_id=case_id, at=change.at, **sealed))
        what = CaseEvent.WISH_LEFT
    elif is_known and connection.execute(earlier).rowcount:
        what = CaseEvent.WISH_WITHDRAWN
    else:
        return False
    trail.append(connection, Event(at, GATEWAY, what.value, case_id=case_id))
    return True


def _place_of(connection: Connection, escalation: Escalation) -> CasePlacement:
    """Return where a message belongs, locked until the transaction ends.

    A message with risk opens a case where its conversation has none. One that staff have moved to
    another case stays there. Raises NoCaseYetError.
    """
    own = escalation.conversation_id
    row = _locked(connection, own)
    if row is None and (escalation.assessment.severity >= ESCALATE_FROM or escalation.is_letter):
        row = _opened(connection, escalation)
    if row is None:
        raise NoCaseYetError
    # Another writer may have recorded it, or staff moved it, until the case was locked.
    mine = escalations.c.message_id == escalation.message_id
    query = sa.select(escalations.c.case_id).where(mine)
    kept = connection.execute(query).scalar_one_or_none()
    if kept is not None and kept != own:
        own, row = kept, _locked(connection, kept)
    while row is not None and row["merged_into"] is not None:
        row = _locked(connection, row["merged_into"])
    if row is None:
        raise NoCaseYetError
    return CasePlacement(own, row)


def _locked(connection: Connection, case_id: str) -> RowMapping | None:
    query = sa.select(cases).where(cases.c.id == case_id).with_for_update()
    return connection.execute(query).mappings().first()


def _opened(connection: Connection, escalation: Escalation) -> RowMapping | None:
    """Open a case for the conversation. The database takes one of two that open at once.

    Two conversations may, once in a very long time, be given one reference: then the next is tried.
    """
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    severity, raised_at = escalation.assessment.severity, escalation.raised_at
    said = {"subject_said": subject_said(escalation.text)}
    columns = summary_of([escalation], lambda each: each.text).columns(said, escalation.audience)
    case_id, row = escalation.conversation_id, None
    for attempt in range(_REFERENCES):
        statement = insert(cases).values(
            id=case_id,
            reference=reference_of(case_id, attempt),
            conversation_id=case_id,
            status=CaseStatus.OPEN.value,
            severity=int(severity),
            assessed_severity=int(severity),
            audience=escalation.audience,
            area=escalation.area,
            opened_at=raised_at,
            raised_at=raised_at,
            newest_at=raised_at,
            due_at=look_by(severity, raised_at),
            handoffs=0,
            version=0,
            **said,
            **columns,
        )
        connection.execute(statement.on_conflict_do_nothing())
        row = _locked(connection, case_id)
        if row is not None:
            break
    return row


def _with_turns_once(connection: Connection, case_id: str, escalation: Escalation) -> Escalation:
    """Return it without the turns before it where its case has an earlier message.

    From the first hand-off on, every message is on record: the turns are kept once.
    """
    earlier = sa.select(escalations.c.message_id).where(
        escalations.c.case_id == case_id,
        escalations.c.message_id != escalation.message_id,
        escalations.c.raised_at <= escalation.raised_at,
    )
    if connection.execute(earlier.limit(1)).first() is None:
        return escalation
    return replace(escalation, turns_before=())


def _join(
    connection: Connection,
    ring: Vault,
    row: RowMapping,
    escalation: Escalation,
    before: Severity | None,
) -> tuple[Reason | None, Severity]:
    """Update a case after its message was recorded.

    `before` is the severity of a message that was on record already. Return why staff must be told
    (None: they know already), and the severity of the case.
    """
    severity = escalation.assessment.severity
    changes: dict[str, Any] = {
        "newest_at": max(row["newest_at"], escalation.raised_at),
        "audience": row["audience"] or escalation.audience,
        "area": row["area"] or escalation.area,
        "subject_said": subject_said(escalation.text) or row["subject_said"],
    }
    reason: Reason | None = None
    if severity >= ESCALATE_FROM:
        reason = _reason(row, severity, before)
        changes |= _handoff_columns(row, escalation, before)
        changes |= _raised_columns(row, escalation, reason)
    said = any(changes[name] != row[name] for name in ("audience", "subject_said"))
    if severity >= ESCALATE_FROM or said:
        summary = summary_on_record(connection, ring, row["id"])
        changes |= summary.columns({**row, **changes}, changes["audience"])
    connection.execute(sa.update(cases).where(cases.c.id == row["id"]).values(**changes))
    if changes["area"] != row["area"]:
        set_area(connection, row["id"], changes["area"])
    return reason, Severity(changes.get("severity", row["severity"]))


def _reason(row: RowMapping, severity: Severity, before: Severity | None) -> Reason | None:
    """Return why staff must be told of a message with risk."""
    if row["handoffs"] == 0:
        return "new"
    known = before is not None and before >= severity
    if row["status"] == CaseStatus.CLOSED.value:
        return None if known else "reopened"
    return "raised" if severity > row["severity"] and not known else None


def _letter_came(connection: Connection, place: CasePlacement, letter: Escalation) -> Reason | None:
    """Note that a letter waits for an answer; return why staff must be told of it.

    Several letters before an answer are one alert. One in a case that was closed opens it again,
    and one whose case is gone has opened a new one. What they write in a live chat is answered
    there, and is no letter.
    """
    case, is_grave = place.case, letter.assessment.severity >= ESCALATE_FROM
    is_seen = case["handoffs"] > 0 and case["status"] == CaseStatus.OPEN.value
    if LIVE_CHAT in letter.extra and is_seen:
        return None
    is_first = letterboxes.letter_came(connection, place.own, letter.raised_at)
    own = sa.update(cases).where(cases.c.id == case["id"])
    if not is_grave and case["handoffs"] == 0:
        connection.execute(own.values(handoffs=1))
        return "new"
    if not is_grave and case["status"] == CaseStatus.CLOSED.value:
        due = look_by(ESCALATE_FROM, letter.raised_at)
        opened = {"status": CaseStatus.OPEN.value, "closed_at": None, "due_at": due}
        connection.execute(own.values(**opened, version=case["version"] + 1))
        return "reopened"
    return "raised" if is_first else None


def _handoff_columns(
    row: RowMapping, escalation: Escalation, before: Severity | None
) -> dict[str, Any]:
    """Return the columns that any message with risk changes, alerted or not."""
    severity = escalation.assessment.severity
    changes: dict[str, Any] = {
        "opened_at": min(row["opened_at"], escalation.raised_at),
        "handoffs": row["handoffs"] + (before is None or before < ESCALATE_FROM),
        "assessed_severity": max(int(severity), row["assessed_severity"]),
    }
    if before is None or before < severity:
        # Staff who are about to close the case have not seen it. Small talk does not hold them up.
        changes |= {"closing_by": None, "version": row["version"] + 1}
    return changes


def _raised_columns(
    row: RowMapping, escalation: Escalation, reason: Reason | None
) -> dict[str, Any]:
    """Return the columns that change with the time at which the case was raised."""
    severity, at = escalation.assessment.severity, escalation.raised_at
    if reason is not None:
        # Staff judged what they knew then, and have to judge again.
        counts = max(severity, Severity(row["assessed_severity"]))
        return {
            "status": CaseStatus.OPEN.value,
            "closed_at": None,
            "severity": int(counts),
            "staff_severity": None,
            "raised_at": at,
            "due_at": look_by(counts, at),
        }
    is_open = row["status"] == CaseStatus.OPEN.value
    if is_open and severity == row["severity"] and at < row["raised_at"]:
        # One of the same severity that arrived earlier, and was recorded later.
        return {"raised_at": at, "due_at": min(row["due_at"], look_by(severity, at))}
    return {}


def _alert(
    connection: Connection,
    case: RowMapping,
    escalation: Escalation,
    reason: Reason,
    severity: Severity,
    sender: str | None,
    at: datetime,
) -> None:
    assessment = escalation.assessment
    alert = Alert(
        case_id=case["id"],
        reference=case["reference"],
        # The severity of the case: the alert and the queue say the same.
        severity=severity,
        need=need_of(assessment, case["audience"] or escalation.audience) or "",
        category=next(iter(assessment.categories), ""),
        raised_at=escalation.raised_at,
        reason=reason,
        occasion=escalation.message_id,
        area=case["area"] or escalation.area,
        letter=escalation.is_letter,
        sender=sender,
    )
    burst = raise_alert(connection, alert, at)
    if burst is not None:
        own = cases.c.id == case["id"]
        connection.execute(sa.update(cases).where(own).values(burst=burst))


def _append_events(
    connection: Connection,
    place: CasePlacement,
    escalation: Escalation,
    reason: Reason | None,
    case_severity: Severity,
    before: Severity | None,
    at: datetime,
) -> None:
    severity, by = escalation.assessment.severity, escalation.raised_by
    detail = {"severity": severity.label}
    if before is not None:
        what = CaseEvent.RAISED if severity > before else CaseEvent.ADDED_TO
        detail["from"] = before.label
    elif reason == "new":
        what = CaseEvent.RECORDED
    else:
        what = CaseEvent.JOINED if severity >= ESCALATE_FROM else CaseEvent.ATTACHED
    facts = {"case_id": place.own, "message_id": escalation.message_id}
    events = [Event(at, by, what.value, detail=detail, **facts)]
    if reason == "reopened":
        events.append(Event(at, by, CaseEvent.REOPENED.value, detail={}, **facts))
    elif reason == "raised" and what is CaseEvent.JOINED:
        change = {"from": Severity(place.case["severity"]).label, "to": case_severity.label}
        events.append(Event(at, by, CaseEvent.RAISED.value, detail=change, **facts))
    trail.append_all(connection, events)
