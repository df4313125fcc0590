"""False alarms that are closed together, with one reason, and opened again for a while.

Each case gets a review of its own with the outcome FALSE_ALARM, so that `make learn` offers each as
an example. A case that the member of staff has not read is closed only where every text in it
stands, word for word, in one that they have read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from safeguarding.clock import utc_now
from safeguarding.escalation import Outcome
from staff.accounts.accounts import check_in_use
from staff.alerts.outbox import acknowledge
from staff.cases.alarm_candidates import (
    AlarmCandidate,
    Barrier,
    CaseReader,
    candidates_among,
    measured,
)
from staff.cases.case import Case, CaseEvent, CaseStatus
from staff.cases.cases import case_of
from staff.cases.casework import CaseChange, ClosingDecision, WordsMissingError, locked
from staff.cases.tables import cases, reviews
from storage.engine import READING
from storage.vault import Vault

MOST_TOGETHER = 25
"""Cases that are closed at once: a page of the queue."""
UNDO_FOR = timedelta(minutes=30)


class AlarmReason(str, Enum):
    """Why it was no alarm. The values are in the database: never rename one."""

    FIGURE_OF_SPEECH = "figure_of_speech"
    FICTION = "fiction"
    GENERAL_QUESTION = "general_question"
    NEWS = "news"
    TRIAL = "trial"
    NONSENSE = "nonsense"
    MISREAD = "misread"
    OTHER = "other"


@dataclass(frozen=True)
class AlarmDecision:
    """Why the chosen cases were no alarm."""

    reason: AlarmReason
    note: str


@dataclass(frozen=True)
class ClosedAlarm:
    """A case of a batch, as it is now."""

    case: Case
    can_undo: bool


@dataclass(frozen=True)
class AlarmBatch:
    """False alarms that were closed together."""

    id: str
    at: datetime
    by: str
    reason: AlarmReason
    closed: tuple[ClosedAlarm, ...]


class BarredError(Exception):
    """One of the cases cannot be closed so; none was."""

    def __init__(self, candidates: Sequence[AlarmCandidate]) -> None:
        """Take all cases of the attempt, as they stand now."""
        super().__init__(len(candidates))
        self.candidates = tuple(candidates)


class FalseAlarms:
    """Closes false alarms together. Thread-safe. Raises SQLAlchemyError, VaultError."""

    def __init__(self, engine: Engine, vault: Vault, now: Callable[[], datetime] = utc_now) -> None:
        """Take an engine of `storage.engine.connect` on a migrated database."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._vault = vault
        self._now = now

    def candidates(
        self,
        case_ids: Collection[str],
        reader: CaseReader,
        *,
        chosen: bool = False,
        like: str | None = None,
    ) -> list[AlarmCandidate]:
        """Return cases as they stand, in the order of the queue.

        `chosen`: an unread one of them is measured against those that were read, and against the
        false alarm `like` that this reader has read and closed.
        """
        with self._reading.connect() as connection:
            found = candidates_among(connection, case_ids, reader)
            return measured(connection, self._vault, found, reader, like) if chosen else found

    def close(
        self,
        batch: str,
        versions: Mapping[str, int],
        decision: AlarmDecision,
        reader: CaseReader,
        *,
        like: str | None = None,
    ) -> None:
        """Close these cases, given with the version that was read, or propose it.

        Where a second person has to agree, closing is proposed. A batch that is on record is not
        closed twice. Raises BarredError (then nothing was changed), UnknownStaffError and,
        without a note for the reason OTHER, WordsMissingError.
        """
        if decision.reason is AlarmReason.OTHER and not decision.note.strip():
            raise WordsMissingError
        by, reason = reader.id, decision.reason.value
        closing = ClosingDecision(Outcome.FALSE_ALARM, decision.note, reason=reason)
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            # All rows before the first event, in the order of their ids: so no two batches wait for
            # each other.
            ids = sa.select(cases.c.id).where(cases.c.id.in_(versions)).order_by(cases.c.id)
            there = connection.execute(ids).scalars().all()
            rows = {each: locked(connection, each) for each in there}
            earlier = sa.select(reviews.c.id).where(reviews.c.batch == batch).limit(1)
            if connection.execute(earlier).first() is not None:
                return
            found = candidates_among(connection, versions, reader)
            found = [
                replace(each, barrier=Barrier.CHANGED)
                if each.barrier is None and rows[each.case.id]["version"] != versions[each.case.id]
                else each
                for each in measured(connection, self._vault, found, reader, like)
            ]
            if len(found) < len(versions) or any(each.barrier for each in found):
                raise BarredError(found)
            at = self._now()
            for each in rows:
                acknowledge(connection, each, by, at)
            for row in rows.values():
                change = CaseChange(connection, self._vault, case_of(row), by, at)
                change.conclude(closing, batch=batch)

    def batch(self, batch: str, *, by: str) -> AlarmBatch | None:
        """Return a batch of this member of staff, or None."""
        with self._reading.connect() as connection:
            return self._batch(connection, batch, by)

    def undo(self, batch: str, *, by: str) -> int:
        """Open the cases of a batch again, as they were; return how many.

        Those with which a colleague has done something since stay as they are, and all do after
        UNDO_FOR. Raises UnknownStaffError.
        """
        with self._engine.begin() as connection:
            check_in_use(connection, by)
            ids = sa.select(reviews.c.case_id).where(reviews.c.batch == batch)
            for each in sorted(connection.execute(ids).scalars()):
                locked(connection, each)
            found = self._batch(connection, batch, by)
            undone = [each.case for each in found.closed if each.can_undo] if found else []
            for case in undone:
                change = CaseChange(connection, self._vault, case, by, self._now())
                change.update(status=CaseStatus.OPEN.value, closed_at=None, closing_by=None)
                change.record(CaseEvent.ALARM_UNDONE, batch=batch)
        return len(undone)

    def _batch(self, connection: Connection, batch: str, by: str) -> AlarmBatch | None:
        own = (reviews.c.batch == batch) & (reviews.c.by == by)
        columns = (reviews.c.at, reviews.c.reason, reviews.c.second_by)
        last = sa.select(sa.func.max(reviews.c.at)).where(reviews.c.case_id == cases.c.id)
        newest = (last.correlate(cases).scalar_subquery() == reviews.c.at).label("newest")
        query = sa.select(cases, *(each.label(f"review_{each.name}") for each in columns), newest)
        query = query.join(reviews, reviews.c.case_id == cases.c.id).where(own)
        rows = connection.execute(query.order_by(cases.c.reference)).mappings().all()
        if not rows:
            return None
        at, reason = rows[0]["review_at"], AlarmReason(rows[0]["review_reason"])
        in_time = self._now() <= at + UNDO_FOR
        closed = []
        for row in rows:
            case = case_of(row)
            stands = case.status is CaseStatus.CLOSED or case.closing_by == by
            untouched = row["newest"] and row["review_second_by"] is None
            undoes = in_time and stands and untouched and case.merged_into is None
            closed.append(ClosedAlarm(case, bool(undoes)))
        return AlarmBatch(batch, at, by, reason, tuple(closed))
