"""The rows of the mailbox that wait for their assessment: found, opened, and settled when assessed.

A row that cannot be settled now is tried again, with growing pauses, and holds up no other.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection, Engine, RowMapping
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.clock import utc_now
from safeguarding.escalation import Escalation
from safeguarding.taxonomy import Severity
from staff.cases.recording import ESCALATE_FROM, NoCaseYetError, record_message
from staff.cases.tables import cases
from storage import handoffs
from storage.engine import READING, is_away
from storage.vault import Vault, VaultError

GRACE = timedelta(seconds=2)
"""How long a row waits first: the gateway may still finish the assessment that it began."""
LISTED, PAGE = 100_000, 500
"""Rows whose numbers are listed at a time, and that are opened at a time."""
RARELY_S = 60.0
"""The longest pause, in seconds, before a row that could not be settled is tried again."""
UNREADABLE = "handoff.unreadable"
log = structlog.get_logger("cases.assessing")


@dataclass(frozen=True)
class AssessedRow:
    """A row whose message is assessed."""

    number: int
    handoff: Escalation
    """As it waited."""
    result: Escalation
    """As it goes on record."""


class UnassessedMessages(Protocol):
    """The messages that wait: rows of the mailbox, or files of the spool.

    Each method raises SQLAlchemyError while the database that it needs is away; `new` then returns
    the messages again that it was about.
    """

    settled_at: float
    """When one was settled last, or nothing could be done, by the clock of the worker."""

    def new(self) -> list[tuple[int, Escalation]]:
        """Return messages, with their numbers, that were not returned yet."""

    def read(self, number: int) -> Escalation | None:
        """Return a message; None when it is gone."""

    def settle(self, row: AssessedRow) -> bool:
        """Take what was found; return whether that is done."""

    def settle_all(self, rows: Sequence[AssessedRow]) -> int:
        """Take what was found in several; return of how many that is done."""

    def drop(self, rows: Sequence[AssessedRow]) -> int:
        """Take that these are harmless; return how many are settled."""

    def look_again(self, numbers: Iterable[int]) -> None:
        """Let `new` return these messages again."""


class UnassessedRows:
    """Reads and settles the rows. For one thread."""

    def __init__(
        self,
        engine: Engine,
        ring: Vault,
        now: Callable[[], datetime] = utc_now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now` gives the time that goes on record; `clock` measures pauses."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._ring = ring
        self._now = now
        self._clock = clock
        self._known: set[int] = set()
        self._listed: set[int] = set()
        self._postponed: dict[int, tuple[int, float]] = {}
        self._was_away = False
        self.settled_at = clock()
        """When a row was settled last, by any worker, or nothing could be done, by `clock`."""

    def new(self) -> list[tuple[int, Escalation]]:
        """Return the messages, with their numbers, of rows that were not returned yet: a page.

        Raises SQLAlchemyError.
        """
        try:
            with self._reading.connect() as connection:
                listed = handoffs.unassessed(connection, self._now() - GRACE, LISTED)
                new = [number for number in listed if self._is_due(number)][:PAGE]
                rows = handoffs.read(connection, new) if new else []
        except SQLAlchemyError:
            self._was_away = True
            raise
        if self._was_away or not self._listed <= {*listed}:
            # The database was away, or some were settled since, perhaps by another worker.
            self.settled_at = self._clock()
        self._was_away, self._listed = False, {*listed}
        # What another worker settled, or was disposed of, is not listed any more.
        self._known &= self._listed
        self._postponed = {n: each for n, each in self._postponed.items() if n in self._listed}
        self._known.update(new)
        opened = [(row["number"], self._opened(row)) for row in rows]
        return [(number, handoff) for number, handoff in opened if handoff is not None]

    def read(self, number: int) -> Escalation | None:
        """Return the message of a row that waits; None when it is gone. Raises SQLAlchemyError."""
        with self._reading.connect() as connection:
            rows = handoffs.read(connection, [number])
        return self._opened(rows[0]) if rows else None

    def settle(self, row: AssessedRow) -> bool:
        """Record a message if it is for staff, and delete the words of its row.

        Return whether that is done; if not, the row is tried again later. Raises SQLAlchemyError
        when the database is away; `new` then returns the row again.
        """
        try:
            with self._engine.begin() as connection:
                is_settled = self._settle(connection, row)
        except Exception as error:
            if isinstance(error, SQLAlchemyError) and is_away(error):
                self.look_again([row.number])
                raise
            self._postpone(row.number)
            kind = type(error).__name__
            log.error("handoff.not_recorded", number=row.number, error=kind)  # noqa: TRY400
            return False
        self.settled_at = self._clock()
        return is_settled

    def settle_all(self, rows: Sequence[AssessedRow]) -> int:
        """Settle several rows as `settle` does; return of how many that is done.

        SQLite has one write lock, and waiting for it can take longer than writing, so all rows
        share one transaction. On PostgreSQL each row has its own: a transaction that holds the
        lock of the audit trail may not wait for the lock of a case.
        """
        if len(rows) > 1 and self._engine.dialect.name == "sqlite":
            try:
                with self._engine.begin() as connection:
                    settled = sum(self._settle(connection, row) for row in rows)
            except Exception as error:
                if isinstance(error, SQLAlchemyError) and is_away(error):
                    self.look_again(row.number for row in rows)
                    raise
                # One of them cannot be settled: it must not hold up the others.
                log.warning("handoff.settled_singly", rows=len(rows), error=type(error).__name__)
            else:
                self.settled_at = self._clock()
                return settled
        return sum(self.settle(row) for row in rows)

    def drop(self, rows: Sequence[AssessedRow]) -> int:
        """Delete the rows of harmless messages in one transaction; return how many are settled.

        Those of conversations that staff know are settled one by one. Raises SQLAlchemyError when
        the database is away; `new` then returns the rows again.
        """
        try:
            with self._engine.begin() as connection:
                known = _known_to_staff(connection, rows)
                gone = [row for row in rows if row.handoff.conversation_id not in known]
                for row in gone:
                    if handoffs.claim(connection, row.number) is not None:
                        handoffs.drop(connection, row.number)
        except SQLAlchemyError:
            self.look_again(row.number for row in rows)
            raise
        self.settled_at = self._clock()
        return len(gone) + sum(self.settle(row) for row in rows if row not in gone)

    def look_again(self, numbers: Iterable[int]) -> None:
        """Let `new` return these rows again."""
        self._known.difference_update(numbers)

    def _is_due(self, number: int) -> bool:
        if number in self._known:
            return False
        return self._postponed.get(number, (0, 0.0))[1] <= self._clock()

    def _postpone(self, number: int) -> None:
        tries, _ = self._postponed.get(number, (0, 0.0))
        self._postponed[number] = (tries + 1, self._clock() + min(2.0**tries, RARELY_S))
        self._known.discard(number)

    def _opened(self, row: RowMapping) -> Escalation | None:
        """Return the message of a row; None where it cannot be opened."""
        try:
            handoff = handoffs.opened(row, self._ring)
        except (VaultError, ValueError, KeyError, TypeError) as error:
            kind = type(error).__name__
            log.error(UNREADABLE, number=row["number"], error=kind)  # noqa: TRY400
            return None
        return handoff if isinstance(handoff, Escalation) else None

    def _settle(self, connection: Connection, row: AssessedRow) -> bool:
        claimed = handoffs.claim(connection, row.number)
        if claimed is None:
            # The one who holds it may fail: if it still waits, it is returned again.
            self.look_again([row.number])
            return False
        try:
            record_message(connection, self._ring, row.result, self._now())
        except NoCaseYetError:
            if handoffs.earlier_wait(connection, claimed):
                # It may open the case to which this one belongs.
                self._postpone(row.number)
                return False
            if not _was_handed_over(row.handoff):
                handoffs.drop(connection, row.number)
                return True
            # Its case is still on the way: the case worker waits for it.
            handoffs.add(connection, row.result, self._ring)
        handoffs.mark_done(connection, row.number, self._now())
        return True


def _known_to_staff(connection: Connection, rows: Sequence[AssessedRow]) -> set[str]:
    """Return those of the rows' conversations that have a case, or of which other rows wait."""
    ids = {row.handoff.conversation_id for row in rows}
    numbers = [row.number for row in rows]
    with_case = sa.select(cases.c.id).where(cases.c.id.in_(ids))
    waiting = sa.select(handoffs.handoffs.c.conversation_id).where(
        handoffs.handoffs.c.conversation_id.in_(ids),
        handoffs.handoffs.c.number.not_in(numbers),
        handoffs.handoffs.c.done_at.is_(None),
    )
    found = connection.execute(sa.union(with_case, waiting)).scalars()
    counted = Counter(row.handoff.conversation_id for row in rows)
    several = (each for each, number in counted.items() if number > 1)
    before = (row.handoff.conversation_id for row in rows if _was_handed_over(row.handoff))
    return {*found, *several, *before}


def _was_handed_over(handoff: Escalation) -> bool:
    """Return whether its conversation was handed over before the message."""
    label = str((handoff.state or {}).get("severity", "none"))
    return label in {each.label for each in Severity if each >= ESCALATE_FROM}
