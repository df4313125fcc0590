"""How a young person can be reached, if they want: kept sealed with their case, or withdrawn."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from safeguarding.escalation import GATEWAY, CallbackChange, CallbackLeft, CallbackWithdrawn
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import CaseEvent
from staff.cases.joining import NoCaseYetError
from staff.cases.rows import make_key
from staff.cases.tables import cases, wishes
from storage.vault import Vault


def apply(connection: Connection, ring: Vault, change: CallbackChange, at: datetime) -> bool:
    """Write a change of a call-back to the case of its conversation; True when it changed it.

    `at` is the moment of the audit event, which is part of the transaction. Raises NoCaseYetError
    when a call-back is left and its case is not on record yet.
    """
    if isinstance(change, CallbackLeft):
        _leave(connection, ring, change, at)
        return True
    return _withdraw(connection, change, at)


def _leave(connection: Connection, ring: Vault, change: CallbackLeft, at: datetime) -> None:
    """Keep it, in place of an earlier one."""
    case_id = _locked(connection, change.conversation_id)
    if case_id is None:
        raise NoCaseYetError
    vault = make_key(connection, ring, case_id)
    connection.execute(sa.delete(wishes).where(wishes.c.case_id == case_id))
    sealed = {
        column: vault.seal(text, table="wishes", row=case_id, column=column)
        for column, text in (("name", change.name), ("reach", change.reach))
    }
    connection.execute(sa.insert(wishes).values(case_id=case_id, at=change.at, **sealed))
    trail.append(connection, Event(at, GATEWAY, CaseEvent.WISH_LEFT.value, case_id=case_id))


def _withdraw(connection: Connection, change: CallbackWithdrawn, at: datetime) -> bool:
    """Delete it. Without a case there is nothing to delete: one left earlier is then not kept."""
    case_id = _locked(connection, change.conversation_id)
    if case_id is None:
        return False
    if not connection.execute(sa.delete(wishes).where(wishes.c.case_id == case_id)).rowcount:
        return False
    trail.append(connection, Event(at, GATEWAY, CaseEvent.WISH_WITHDRAWN.value, case_id=case_id))
    return True


def _locked(connection: Connection, conversation_id: str) -> str | None:
    """Lock the conversation's own case and return its id; None when it has none.

    Merged or not: staff read a call-back where they read its case, and the person who left it can
    withdraw it.
    """
    query = sa.select(cases.c.id).where(cases.c.id == conversation_id).with_for_update()
    return connection.execute(query).scalar_one_or_none()
