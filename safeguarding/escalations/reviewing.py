"""What staff do with an escalation: read it, close it with an outcome, open it again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from safeguarding.escalations.escalation import Outcome, Status, What
from safeguarding.escalations.rows import note
from safeguarding.escalations.tables import escalations, reviews
from safeguarding.escalations.vault import Vault
from safeguarding.staff.accounts import check_in_use
from safeguarding.taxonomy import Severity


class UnknownEscalationError(LookupError):
    """No escalation has this message id."""


class AlreadyReviewedError(Exception):
    """A colleague has closed it already."""


class NoteMissingError(ValueError):
    """An outcome without a note that says why."""


@dataclass(frozen=True)
class Decision:
    """What a member of staff decides about an escalation."""

    by: str
    outcome: Outcome
    note: str
    severity: Severity | None
    missed: bool = False


def viewed(connection: Connection, message_id: str, *, by: str, at: datetime) -> None:
    """Note a view. Raises UnknownStaffError, UnknownEscalationError."""
    check_in_use(connection, by)
    _check_known(connection, message_id)
    note(connection, message_id, by, What.VIEWED, at=at)


def review(
    connection: Connection, vault: Vault, message_id: str, decision: Decision, *, at: datetime
) -> None:
    """Close it: the first to close wins.

    Raises NoteMissingError, UnknownStaffError, UnknownEscalationError, AlreadyReviewedError.
    """
    if not decision.note.strip():
        raise NoteMissingError
    check_in_use(connection, decision.by)
    changes: dict[str, object] = {"status": Status.CLOSED.value, "closed_at": at}
    if decision.severity is not None:
        changes["staff_severity"] = int(decision.severity)
    if not _changed(connection, message_id, Status.OPEN, changes):
        _check_known(connection, message_id)
        raise AlreadyReviewedError
    _insert_review(connection, vault, message_id, decision, at)
    detail = {"outcome": decision.outcome.value}
    if decision.severity is not None:
        detail["severity"] = decision.severity.label
    if decision.missed:
        detail["missed"] = "yes"
    note(connection, message_id, decision.by, What.OUTCOME_RECORDED, at=at, detail=detail)


def reopen(connection: Connection, message_id: str, *, by: str, at: datetime) -> None:
    """Open a closed one again. Raises UnknownStaffError, UnknownEscalationError."""
    check_in_use(connection, by)
    changes: dict[str, object] = {"status": Status.OPEN.value, "closed_at": None}
    if _changed(connection, message_id, Status.CLOSED, changes):
        note(connection, message_id, by, What.REOPENED, at=at)
    else:
        _check_known(connection, message_id)


def _changed(
    connection: Connection, message_id: str, status: Status, changes: dict[str, object]
) -> bool:
    """Apply `changes` if the escalation still has `status`: the database settles a race."""
    query = (
        sa.update(escalations)
        .where(escalations.c.message_id == message_id, escalations.c.status == status.value)
        .values(**changes)
    )
    return connection.execute(query).rowcount == 1


def _insert_review(
    connection: Connection, vault: Vault, message_id: str, decision: Decision, at: datetime
) -> None:
    review_id = str(uuid.uuid4())
    values = {
        "id": review_id,
        "message_id": message_id,
        "at": at,
        "by": decision.by,
        "outcome": decision.outcome.value,
        "note": vault.seal(decision.note.strip(), table="reviews", row=review_id, column="note"),
        "severity": None if decision.severity is None else int(decision.severity),
        "missed": decision.missed,
    }
    connection.execute(sa.insert(reviews).values(**values))


def _check_known(connection: Connection, message_id: str) -> None:
    query = sa.select(escalations.c.message_id).where(escalations.c.message_id == message_id)
    if connection.execute(query).first() is None:
        raise UnknownEscalationError
