"""Ends the letterboxes whose days are over. The dispatcher does it once a day."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Engine

from staff.alerts.plan import DISPATCHER
from staff.audit import trail
from staff.audit.trail import Event
from staff.cases.case import CaseEvent
from storage import letterboxes, replies
from storage.engine import READING
from storage.replies import AddressKind


def end_letterboxes(engine: Engine, at: datetime) -> int:
    """Close every letterbox whose days are over, with its letters that were not read.

    Return how many there were. Nobody could open them since their last day: this deletes what
    would find them. Raises SQLAlchemyError.
    """
    with engine.connect().execution_options(**READING) as connection:
        due = letterboxes.due_to_end(connection, at)
    ended = 0
    for case_id in due:
        with engine.begin() as connection:
            if not letterboxes.close_box(connection, case_id, letterboxes.BY_TIME, at):
                continue
            replies.withdraw(connection, case_id, AddressKind.LETTERBOX)
            what = CaseEvent.LETTERBOX_CLOSED.value
            trail.append(connection, Event(at, DISPATCHER, what, case_id))
            ended += 1
    return ended
