"""How the case worker records that a person opened or closed the letterbox of their case."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from safeguarding.escalation import GATEWAY, LetterboxChange, LetterboxOpened
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import CaseEvent
from staff.cases.recording import NoCaseYetError
from staff.cases.tables import cases
from storage import letterboxes, replies
from storage.replies import AddressKind


def record_letterbox(connection: Connection, change: LetterboxChange, at: datetime) -> bool:
    """Open the letterbox of a case, or close it; return whether that changed anything.

    A letter that was not read goes with it. `at` is the time of the audit event, which is part of
    the transaction. Raises NoCaseYetError when one is opened and there is no case yet.
    """
    case_id = change.conversation_id
    known = sa.select(cases.c.id).where(cases.c.id == case_id).with_for_update()
    if connection.execute(known).first() is None:
        if isinstance(change, LetterboxOpened):
            raise NoCaseYetError
        return False
    if isinstance(change, LetterboxOpened):
        changed, what = letterboxes.open_box(connection, change), CaseEvent.LETTERBOX_OPENED
    else:
        by = letterboxes.BY_PERSON
        changed = letterboxes.close_box(connection, case_id, by, change.at)
        what = CaseEvent.LETTERBOX_CLOSED
        if changed:
            replies.withdraw(connection, case_id, AddressKind.LETTERBOX)
    if changed:
        trail.append(connection, Event(at, GATEWAY, what.value, case_id))
    return changed
