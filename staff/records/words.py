"""The words of a message, for a system of records whose data controller lets them leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection

from staff.alerts.plan import DISPATCHER
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import CaseEvent
from staff.cases.tables import escalations, text_in, vault_of
from staff.records.event import RecordEvent
from staff.records.outbox import CALLS_FOR_PEOPLE, record_events
from storage.vault import Vault, VaultError

log = structlog.get_logger("records")


def with_words(
    connection: Connection, ring: Vault, event: RecordEvent, system: str, now: datetime
) -> RecordEvent:
    """Return the event with the words of its message, and note on the audit trail that they leave.

    The note is made once an event, and before anything leaves. An event that calls for
    no one, or whose words are gone or cannot be opened, leaves without words.
    """
    if event.message_id is None or event.kind not in CALLS_FOR_PEOPLE:
        return event
    query = sa.select(escalations).where(escalations.c.message_id == event.message_id)
    row = connection.execute(query).mappings().first()
    if row is None:
        return event
    try:
        words = text_in(row, vault_of(connection, ring, row["case_id"]))
    except VaultError as error:
        log.warning("record.words_unreadable", number=event.number, error=type(error).__name__)
        return event
    if not event.words_noted:
        own = record_events.c.number == event.number
        connection.execute(sa.update(record_events).where(own).values(words_at=now))
        detail = {"event": event.id, "system": system}
        what, about = CaseEvent.WORDS_SENT.value, (event.case_id, event.message_id)
        trail.append(connection, Event(now, DISPATCHER, what, *about, detail=detail))
    # JSON has no lone surrogate, and what a browser sends may.
    return replace(event, words=words.encode("utf-8", "replace").decode())
