"""An intruder who owns the database, and what of the records they find there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from staff.alerts.outbox import alerts, deliveries
from staff.audit.trail import audit_events
from staff.cases.tables import cases
from staff.retention.disposal import belonging
from storage.handoffs import handoffs

Intruder = Callable[[], AbstractContextManager[Connection]]


@pytest.fixture
def intruder(engine: Engine) -> Intruder:
    """Return what opens a transaction of a person with the rights of the owner: no trigger acts."""

    def begin() -> AbstractContextManager[Connection]:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("ALTER TABLE audit_events DISABLE TRIGGER ALL")
            else:
                for verb in ("update", "delete"):
                    connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS audit_refuses_{verb}")
        return engine.begin()

    return begin


def cut_off(connection: Connection, after: int) -> None:
    """Delete the end of the trail."""
    connection.execute(sa.delete(audit_events).where(audit_events.c.id > after))


def delete_case(connection: Connection, case_id: str) -> None:
    """Delete a case with its messages and everything else that belongs to it."""
    mine = sa.select(alerts.c.id).where(alerts.c.case_id == case_id)
    connection.execute(sa.delete(deliveries).where(deliveries.c.alert_id.in_(mine)))
    connection.execute(sa.delete(alerts).where(alerts.c.case_id == case_id))
    connection.execute(sa.delete(handoffs).where(handoffs.c.conversation_id == case_id))
    for column in belonging():
        connection.execute(sa.delete(column.table).where(column == case_id))
    connection.execute(sa.delete(cases).where(cases.c.id == case_id))
