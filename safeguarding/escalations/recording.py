"""Writing an escalation once: insert, or add to what is there, inside one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, RowMapping

from safeguarding.escalations.escalation import Escalation
from safeguarding.escalations.recorded import Status, What, merged
from safeguarding.escalations.rows import opened_row, sealed_row
from safeguarding.escalations.tables import escalations, history
from safeguarding.escalations.vault import Vault
from safeguarding.taxonomy import Severity


def record(connection: Connection, vault: Vault, escalation: Escalation, *, at: datetime) -> bool:
    """Insert the escalation, or merge it into the one with its id. True when it is new."""
    if _inserted(connection, sealed_row(escalation, vault)):
        note(connection, escalation.message_id, escalation.raised_by, What.RECORDED, at=at)
        return True
    _merge(connection, vault, escalation, at)
    return False


def note(
    connection: Connection,
    message_id: str,
    who: str,
    what: What,
    *,
    at: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """Append a line to the history. `detail` holds labels, never anyone's words."""
    values = {"message_id": message_id, "at": at, "who": who, "what": what.value}
    connection.execute(sa.insert(history).values(**values, detail=detail or {}))


def _inserted(connection: Connection, row: dict[str, Any]) -> bool:
    """Let the database decide who is first: two processes may write one message at once."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(escalations).values(**row, status=Status.OPEN.value)
    ours = statement.on_conflict_do_nothing().returning(escalations.c.message_id)
    return connection.execute(ours).first() is not None


def _merge(connection: Connection, vault: Vault, new: Escalation, at: datetime) -> None:
    # Locked until the transaction ends, so that two merges cannot undo each other.
    mine = escalations.c.message_id == new.message_id
    query = sa.select(escalations).where(mine).with_for_update()
    row = connection.execute(query).mappings().one()
    known = opened_row(row, vault)
    result = merged(known, new)
    if result == known:
        return
    raised = result.assessment.severity > known.assessment.severity
    changes = sealed_row(result, vault) | (_reopening() if raised else {})
    connection.execute(sa.update(escalations).where(mine).values(**changes))
    _note_merge(connection, row, new, known.assessment.severity, at)


def _reopening() -> dict[str, Any]:
    # Staff judged what they knew then; what came later must be looked at afresh.
    return {"status": Status.OPEN.value, "closed_at": None, "staff_severity": None}


def _note_merge(
    connection: Connection, row: RowMapping, new: Escalation, before: Severity, at: datetime
) -> None:
    if new.assessment.severity <= before:
        note(connection, new.message_id, new.raised_by, What.ADDED_TO, at=at)
        return
    detail = {"from": before.label, "to": new.assessment.severity.label}
    note(connection, new.message_id, new.raised_by, What.RAISED, at=at, detail=detail)
    if row["status"] == Status.CLOSED.value:
        note(connection, new.message_id, new.raised_by, What.REOPENED, at=at)
