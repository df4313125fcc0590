"""The escalation log: the only place that knows how escalations are stored and reviewed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine, RowMapping

from safeguarding.clock import utc_now
from safeguarding.database.engine import READING
from safeguarding.escalations import learning, reviewing
from safeguarding.escalations.escalation import (
    Escalation,
    Outcome,
    QueueEntry,
    RecordedEscalation,
    Status,
    What,
    merged,
)
from safeguarding.escalations.learning import Lesson
from safeguarding.escalations.reviewing import UnknownEscalationError
from safeguarding.escalations.rows import (
    entry_of,
    event_of,
    note,
    opened_row,
    review_of,
    sealed_row,
)
from safeguarding.escalations.tables import escalations, history, reviews
from safeguarding.escalations.vault import Vault
from safeguarding.taxonomy import Severity


class EscalationLog:
    """Escalations on SQLite or PostgreSQL. Thread-safe; one a process.

    Every method raises SQLAlchemyError when the database cannot do its part; then nothing of
    the call was kept.
    """

    def __init__(self, engine: Engine, vault: Vault, now: Callable[[], datetime] = utc_now) -> None:
        """Take an engine of `database.engine.connect` on a migrated database."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._vault = vault
        self._now = now

    def record(self, escalation: Escalation) -> bool:
        """Keep an escalation; return True when its message was not in the log before.

        A message already there is only ever added to: a higher severity, more signals and
        categories, what was not known before (see `merged`). Returns after the database has it on
        disk. Raises ValueError when `raised_at` has no time zone.
        """
        if escalation.raised_at.tzinfo is None:
            raise ValueError("raised_at needs a time zone")
        with self._engine.begin() as connection:
            return _record(connection, self._vault, escalation, self._now())

    def open_queue(self) -> list[QueueEntry]:
        """Everything that waits for a member of staff: the most severe first, then the oldest."""
        return self.queue(Status.OPEN, limit=None)

    def queue(self, status: Status, *, offset: int = 0, limit: int | None = 25) -> list[QueueEntry]:
        """A part of the list of open or closed escalations, in the order of `open_queue`."""
        severity = sa.func.coalesce(escalations.c.staff_severity, escalations.c.severity)
        query = (
            sa.select(escalations)
            .where(escalations.c.status == status.value)
            .order_by(severity.desc(), escalations.c.raised_at, escalations.c.message_id)
            .offset(offset)
            .limit(limit)
        )
        return self._entries(query)

    def count(self, status: Status) -> int:
        """How many escalations are open, or closed."""
        query = (
            sa.select(sa.func.count())
            .select_from(escalations)
            .where(escalations.c.status == status.value)
        )
        with self._reading.connect() as connection:
            return connection.execute(query).scalar_one()

    def get(self, message_id: str) -> RecordedEscalation:
        """One escalation, whole. Raises UnknownEscalationError, VaultError."""
        by_message = (escalations, reviews, history)
        with self._reading.connect() as connection:
            found, reviewed, events = (
                connection.execute(sa.select(table).where(table.c.message_id == message_id))
                .mappings()
                .all()
                for table in by_message
            )
        if not found:
            raise UnknownEscalationError
        return RecordedEscalation(
            entry=entry_of(found[0]),
            escalation=opened_row(found[0], self._vault),
            reviews=tuple(
                review_of(row, self._vault) for row in sorted(reviewed, key=lambda row: row["at"])
            ),
            history=tuple(event_of(row) for row in sorted(events, key=lambda row: row["id"])),
        )

    def in_conversation(self, conversation_id: str) -> list[QueueEntry]:
        """Every escalation of one conversation, oldest first."""
        query = (
            sa.select(escalations)
            .where(escalations.c.conversation_id == conversation_id)
            .order_by(escalations.c.raised_at, escalations.c.message_id)
        )
        return self._entries(query)

    def viewed(self, message_id: str, *, by: str) -> None:
        """Note that a member of staff read it. Raises UnknownEscalationError, UnknownStaffError."""
        with self._engine.begin() as connection:
            reviewing.viewed(connection, message_id, by=by, at=self._now())

    def review(
        self,
        message_id: str,
        *,
        by: str,
        outcome: Outcome,
        note: str,
        severity: Severity | None = None,
        missed: bool = False,
    ) -> None:
        """Close an escalation with what was done; `severity` is what staff make of it, if given.

        `missed` says that something in the conversation should have been raised and was not.
        Raises NoteMissingError, UnknownEscalationError, UnknownStaffError, and
        AlreadyReviewedError when a colleague was first.
        """
        decision = reviewing.Decision(by, outcome, note, severity, missed)
        with self._engine.begin() as connection:
            reviewing.review(connection, self._vault, message_id, decision, at=self._now())

    def reopen(self, message_id: str, *, by: str) -> None:
        """Open a closed escalation again; an open one stays as it is.

        Raises UnknownEscalationError, UnknownStaffError.
        """
        with self._engine.begin() as connection:
            reviewing.reopen(connection, message_id, by=by, at=self._now())

    def lessons(self) -> list[Lesson]:
        """The verdicts of staff that wait to become an example. Opens nothing."""
        with self._reading.connect() as connection:
            return learning.lessons(connection)

    def learned(self, lesson: Lesson, *, by: str) -> None:
        """Note that an example was written of it. Raises UnknownStaffError."""
        with self._engine.begin() as connection:
            learning.learned(connection, lesson, by=by, at=self._now())

    def _entries(self, query: sa.Select[tuple[object, ...]]) -> list[QueueEntry]:
        with self._reading.connect() as connection:
            return [entry_of(row) for row in connection.execute(query).mappings()]


def _record(connection: Connection, vault: Vault, escalation: Escalation, at: datetime) -> bool:
    """Insert the escalation, or merge it into the one with its id. True when it is new."""
    if _inserted(connection, sealed_row(escalation, vault)):
        note(connection, escalation.message_id, escalation.raised_by, What.RECORDED, at=at)
        return True
    _merge(connection, vault, escalation, at)
    return False


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
