"""The escalation log: the only place that knows how escalations are stored and reviewed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalations import learning, recording, reviewing
from safeguarding.escalations.database import READING
from safeguarding.escalations.escalation import Escalation
from safeguarding.escalations.learning import Lesson
from safeguarding.escalations.recorded import Outcome, QueueEntry, RecordedEscalation, Status
from safeguarding.escalations.reviewing import UnknownEscalationError
from safeguarding.escalations.rows import entry_of, event_of, opened_row, review_of
from safeguarding.escalations.tables import escalations, history, reviews
from safeguarding.escalations.vault import Vault
from safeguarding.taxonomy import Severity

__all__ = ["EscalationLog"]


def _now() -> datetime:
    return datetime.now(timezone.utc)


class EscalationLog:
    """Escalations on SQLite or PostgreSQL. Thread-safe; one a process.

    Every method raises SQLAlchemyError when the database cannot do its part; then nothing of
    the call was kept.
    """

    def __init__(self, engine: Engine, vault: Vault, now: Callable[[], datetime] = _now) -> None:
        """Take an engine of `database.connect` on a migrated database."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._vault = vault
        self._now = now

    def record(self, escalation: Escalation) -> bool:
        """Keep an escalation; return True when its message was not in the log before.

        A message already there is only ever added to: a higher severity, more signals and
        categories, what the first writer did not know. Returns after the database has it on
        disk. Raises ValueError when `raised_at` has no time zone.
        """
        if escalation.raised_at.tzinfo is None:
            raise ValueError("raised_at needs a time zone")
        with self._engine.begin() as connection:
            return recording.record(connection, self._vault, escalation, at=self._now())

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

        `missed` says that something in the conversation was not heard.
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
