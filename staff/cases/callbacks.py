"""How a young person can be reached, if they want: kept sealed with their case, or taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from safeguarding.clock import utc_now
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import CallbackRequest, CaseEvent
from staff.cases.cases import UnknownCaseError
from staff.cases.rows import make_key
from staff.cases.tables import cases, wishes
from storage.vault import Vault

GATEWAY = "gateway"


class CallbackRequests:
    """The wishes to be reached, one a case. Thread-safe. Raises SQLAlchemyError."""

    def __init__(self, engine: Engine, vault: Vault, now: Callable[[], datetime] = utc_now) -> None:
        """Take an engine of `database.engine.connect` on a migrated database."""
        self._engine = engine
        self._ring = vault
        self._now = now

    def leave(self, conversation_id: str, name: str, reach: str) -> CallbackRequest:
        """Keep it, in place of an earlier one. Raises UnknownCaseError: nothing was handed over."""
        with self._engine.begin() as connection:
            case_id, wish = (
                _case_id(connection, conversation_id),
                CallbackRequest(self._now(), name, reach),
            )
            vault = make_key(connection, self._ring, case_id)
            connection.execute(sa.delete(wishes).where(wishes.c.case_id == case_id))
            sealed = {
                column: vault.seal(text, table="wishes", row=case_id, column=column)
                for column, text in (("name", name), ("reach", reach))
            }
            connection.execute(sa.insert(wishes).values(case_id=case_id, at=wish.at, **sealed))
            self._leave_trail(connection, case_id, CaseEvent.WISH_LEFT)
        return wish

    def take_back(self, conversation_id: str) -> bool:
        """Delete it; False when there was none. Raises UnknownCaseError."""
        with self._engine.begin() as connection:
            case_id = _case_id(connection, conversation_id)
            mine = sa.delete(wishes).where(wishes.c.case_id == case_id)
            if not connection.execute(mine).rowcount:
                return False
            self._leave_trail(connection, case_id, CaseEvent.WISH_WITHDRAWN)
        return True

    def _leave_trail(self, connection: Connection, case_id: str, what: CaseEvent) -> None:
        trail.append(connection, Event(self._now(), GATEWAY, what.value, case_id=case_id))


def _case_id(connection: Connection, conversation_id: str) -> str:
    """The conversation's own case, locked.

    Merged or not: staff read a wish where they read its case, and who left it can take it back.
    """
    query = sa.select(cases.c.id).where(cases.c.id == conversation_id).with_for_update()
    case_id = connection.execute(query).scalar_one_or_none()
    if case_id is None:
        raise UnknownCaseError
    return str(case_id)
