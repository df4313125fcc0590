"""What the status page asks the database, and how long it waits for the answer."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.clock import utc_now
from staff.alerts.outbox import OutboxFigures, outbox_figures
from staff.audit.trail import Link, newest_of
from staff.audit.verify import CHECKED
from staff.records.outbox import RecordFigures
from staff.records.outbox import figures as record_figures
from storage import handoffs
from storage.engine import READING, can_be_written
from storage.handoffs import HandoffFigures

WITHIN_S = 2.0


@dataclass(frozen=True)
class DatabaseFigures:
    """The figures of a database that answers."""

    outbox: OutboxFigures
    mailbox: HandoffFigures
    checked: Link | None
    """The event of the last `verify-audit --record`."""
    records: RecordFigures
    can_be_written: bool
    """Without it no hand-off becomes a case, though all can be read."""


class DatabaseProbe:
    """Asks on a thread of its own, so that a database that hangs holds up no status page."""

    def __init__(self, engine: Engine, within_s: float = WITHIN_S) -> None:
        """`within_s` is how long one answer may take."""
        self._engine = engine
        self._within_s = within_s
        self._thread = ThreadPoolExecutor(1, "database-probe")
        self._lock = threading.Lock()
        self._asked: Future[DatabaseFigures] | None = None

    def figures(self) -> DatabaseFigures | None:
        """Return the figures now; None while the database does not answer in time."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = self._thread.submit(self._ask)
            asked = self._asked
        try:
            return asked.result(self._within_s)
        except (TimeoutError, SQLAlchemyError):
            return None

    def _ask(self) -> DatabaseFigures:
        with self._engine.connect().execution_options(**READING) as connection:
            mailbox = handoffs.figures(connection)
            outbox = outbox_figures(connection, utc_now())
            checked = newest_of(connection, CHECKED)
            records = record_figures(connection)
        return DatabaseFigures(outbox, mailbox, checked, records, can_be_written(self._engine))
