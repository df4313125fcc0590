"""Switches the push on and off as the settings say, with an event on the audit trail."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from staff.alerts.plan import DISPATCHER
from staff.audit.trail import Event, append
from staff.records.outbox import record_push
from staff.records.settings import RecordSettings

ON, OFF = "push to the record system set", "push to the record system off"
"""Events on the audit trail. The first says which system, and whether words leave."""


def switch(connection: Connection, settings: RecordSettings | None, now: datetime) -> bool:
    """Make the outbox follow the settings; return whether anything changed.

    None switches the push off: nothing more is written, and what waits stays.
    """
    found = connection.execute(sa.select(record_push.c.system, record_push.c.words)).first()
    wanted = None if settings is None else (settings.system, settings.words)
    if (None if found is None else tuple(found)) == wanted:
        return False
    connection.execute(sa.delete(record_push))
    if settings is None:
        append(connection, Event(now, DISPATCHER, OFF))
        return True
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"system": settings.system, "words": settings.words}
    # Two dispatchers may start at once.
    made = insert(record_push).values(**row, since=now).on_conflict_do_nothing()
    if connection.execute(made.returning(record_push.c.system)).first() is None:
        return False
    append(connection, Event(now, DISPATCHER, ON, detail=row))
    return True
