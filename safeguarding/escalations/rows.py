"""Escalations, reviews and history to rows and back: what a person wrote is sealed here alone."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from safeguarding.escalations.escalation import (
    Escalation,
    HistoryEvent,
    Outcome,
    QueueEntry,
    Review,
    Status,
    What,
)
from safeguarding.escalations.tables import history
from safeguarding.escalations.vault import Vault
from safeguarding.risk.assessment import Assessment, Signal, Turn
from safeguarding.taxonomy import Severity


def sealed_row(escalation: Escalation, vault: Vault) -> dict[str, Any]:
    """The row of an escalation; what the person wrote and read is sealed."""
    assessment = escalation.assessment
    signals = [signal.as_record() for signal in assessment.signals]
    # Our own sentences, but so like the message that they would tell it: they are sealed as it is.
    nearest = [signal.pop("like") for signal in signals]
    turns = [[turn.by, turn.text] for turn in escalation.turns_before]

    def seal(text: str, column: str) -> str:
        return vault.seal(text, table="escalations", row=escalation.message_id, column=column)

    return {
        "message_id": escalation.message_id,
        "conversation_id": escalation.conversation_id,
        "raised_at": escalation.raised_at,
        "raised_by": escalation.raised_by,
        "severity": int(assessment.severity),
        "categories": list(assessment.categories),
        "subject": assessment.subject,
        "signals": signals,
        "nearest": seal(json.dumps(nearest), "nearest"),
        "text": seal(escalation.text, "text"),
        "turns": seal(json.dumps(turns), "turns"),
        "shown": seal(json.dumps(list(escalation.shown)), "shown"),
        "audience": escalation.audience,
        "area": escalation.area,
        "extra": dict(escalation.extra),
    }


def opened_row(row: RowMapping, vault: Vault) -> Escalation:
    """The inverse of `sealed_row`. Raises VaultError."""

    def unseal(column: str) -> str:
        return vault.open(row[column], table="escalations", row=row["message_id"], column=column)

    signals = row["signals"]
    nearest = json.loads(unseal("nearest")) if row["nearest"] else [()] * len(signals)
    return Escalation(
        message_id=row["message_id"],
        conversation_id=row["conversation_id"],
        text=unseal("text"),
        assessment=Assessment(
            severity=Severity(row["severity"]),
            categories=tuple(row["categories"]),
            subject=row["subject"],
            signals=tuple(
                Signal.from_record({**signal, "like": like})
                for signal, like in zip(signals, nearest, strict=True)
            ),
        ),
        raised_at=row["raised_at"],
        raised_by=row["raised_by"],
        turns_before=tuple(Turn(by, text) for by, text in json.loads(unseal("turns"))),
        shown=tuple(json.loads(unseal("shown"))),
        audience=row["audience"],
        area=row["area"],
        extra=row["extra"],
    )


def entry_of(row: RowMapping) -> QueueEntry:
    """A row as one entry of a list; opens nothing."""
    return QueueEntry(
        message_id=row["message_id"],
        conversation_id=row["conversation_id"],
        raised_at=row["raised_at"],
        raised_by=row["raised_by"],
        assessed_severity=Severity(row["severity"]),
        staff_severity=_severity(row["staff_severity"]),
        categories=tuple(row["categories"]),
        subject=row["subject"],
        audience=row["audience"],
        area=row["area"],
        status=Status(row["status"]),
        closed_at=row["closed_at"],
    )


def review_of(row: RowMapping, vault: Vault) -> Review:
    """A row of reviews, its note opened. Raises VaultError."""
    return Review(
        at=row["at"],
        by=row["by"],
        outcome=Outcome(row["outcome"]),
        note=vault.open(row["note"], table="reviews", row=row["id"], column="note"),
        severity=_severity(row["severity"]),
        missed=row["missed"],
    )


def event_of(row: RowMapping) -> HistoryEvent:
    """A row of the history."""
    return HistoryEvent(row["at"], row["who"], What(row["what"]), row["detail"])


def note(
    connection: Connection,
    message_id: str,
    who: str,
    what: What,
    *,
    at: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """Append a line to the history. `detail` holds labels, never what anyone wrote."""
    values = {"message_id": message_id, "at": at, "who": who, "what": what.value}
    connection.execute(sa.insert(history).values(**values, detail=detail or {}))


def _severity(value: int | None) -> Severity | None:
    return None if value is None else Severity(value)
