"""The rows of the mailbox that wait for their assessment: found, opened, and settled when assessed.

A row that cannot be settled now is tried again, with growing pauses, and holds up no other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.engine import Connection, Engine, RowMapping
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.escalation import Escalation
from safeguarding.taxonomy import Severity
from staff.cases.recording import ESCALATE_FROM, NoCaseYetError, record_message
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


class UnassessedRows:
    """Reads and settles the rows. For one thread."""

    def __init__(
        self,
        engine: Engine,
        ring: Vault,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now` gives the time that goes on record; `clock` measures pauses."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._ring = ring
        self._now = now
        self._clock = clock
        self._known: set[int] = set()
        self._postponed: dict[int, tuple[int, float]] = {}
        self.settled_at = clock()
        """When a row was settled last, or none waited, by `clock`."""

    def new(self) -> list[tuple[int, str]]:
        """Return numbers and texts of rows that were not returned yet, up to a page of them.

        Raises SQLAlchemyError.
        """
        with self._reading.connect() as connection:
            listed = handoffs.unassessed(connection, self._now() - GRACE, LISTED)
            # What another worker settled, or was disposed of, is not listed any more.
            self._known.intersection_update(listed)
            new = [number for number in listed if self._is_due(number)][:PAGE]
            rows = [(number, handoffs.read(connection, number)) for number in new]
        opened = [(number, self._opened(number, row)) for number, row in rows]
        self._known.update(new)
        if not listed:
            self._postponed.clear()
            self.settled_at = self._clock()
        return [(number, handoff.text) for number, handoff in opened if handoff is not None]

    def read(self, number: int) -> Escalation | None:
        """Return the message of a row that waits; None when it is gone. Raises SQLAlchemyError."""
        with self._reading.connect() as connection:
            return self._opened(number, handoffs.read(connection, number))

    def settle(self, rows: Sequence[AssessedRow]) -> int:
        """Settle rows in one transaction; return how many are settled.

        Where one of them cannot be, the others are settled one by one. Raises SQLAlchemyError when
        the database is away; the rows are then returned by `new` again.
        """
        try:
            with self._engine.begin() as connection:
                for row in rows:
                    self._settle(connection, row)
        except SQLAlchemyError as error:
            if is_away(error):
                self.look_again(row.number for row in rows)
                raise
            if len(rows) > 1:
                return sum(self.settle([row]) for row in rows)
            self._postpone(rows[0].number, error)
            return 0
        self.settled_at = self._clock()
        return len(rows)

    def look_again(self, numbers: Iterable[int]) -> None:
        """Let `new` return these rows again."""
        self._known.difference_update(numbers)

    def _is_due(self, number: int) -> bool:
        if number in self._known:
            return False
        return self._postponed.get(number, (0, 0.0))[1] <= self._clock()

    def _postpone(self, number: int, error: SQLAlchemyError) -> None:
        tries, _ = self._postponed.get(number, (0, 0.0))
        self._postponed[number] = (tries + 1, self._clock() + min(2.0**tries, RARELY_S))
        self._known.discard(number)
        log.error("handoff.not_recorded", number=number, error=type(error).__name__)

    def _opened(self, number: int, row: RowMapping | None) -> Escalation | None:
        """Return the message of a row; None where it is gone, or cannot be opened."""
        if row is None:
            return None
        try:
            handoff = handoffs.opened(row, self._ring)
        except (VaultError, ValueError, KeyError, TypeError) as error:
            log.error(UNREADABLE, number=number, error=type(error).__name__)  # noqa: TRY400
            return None
        return handoff if isinstance(handoff, Escalation) else None

    def _settle(self, connection: Connection, row: AssessedRow) -> None:
        """Record a message if it is for staff, and delete the words of its row."""
        if handoffs.claim(connection, row.number) is None:
            # Who holds it may fail: if it still waits, it is returned again.
            self.look_again([row.number])
            return
        try:
            record_message(connection, self._ring, row.result, self._now())
        except NoCaseYetError:
            if not _belongs_to_a_case(row.handoff):
                handoffs.drop(connection, row.number)
                return
            # Its case is still on the way: the case worker waits for it.
            handoffs.add(connection, row.result, self._ring)
        handoffs.mark_done(connection, row.number, self._now())


def _belongs_to_a_case(handoff: Escalation) -> bool:
    """Return whether its conversation was handed over before."""
    label = str((handoff.state or {}).get("severity", "none"))
    return label in {each.label for each in Severity if each >= ESCALATE_FROM}
