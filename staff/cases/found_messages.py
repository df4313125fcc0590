"""Messages that are assessed and not settled yet: several are settled in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from staff.cases.recording import ESCALATE_FROM
from staff.cases.unassessed import AssessedRow

TOGETHER, GRAVE_TOGETHER = 20, 8
"""Harmless messages, and others, that are settled together."""
HELD_S = 0.5
"""The longest time, in seconds, that a message which is not harmless waits for others."""


class FoundMessages:
    """Messages that are assessed and not settled yet, until there are some to settle together."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._harmless: list[AssessedRow] = []
        self._grave: list[AssessedRow] = []
        self._since = 0.0

    def add(self, rows: Iterable[AssessedRow]) -> None:
        """Add what was assessed."""
        for row in rows:
            if row.result.assessment.severity < ESCALATE_FROM:
                self._harmless.append(row)
                continue
            if not self._grave:
                self._since = self._clock()
            self._grave.append(row)

    def grave(self, *, is_last: bool) -> list[AssessedRow]:
        """Take those that are for staff, if it is time to settle them."""
        is_late = self._clock() - self._since >= HELD_S
        is_due = is_last or is_late or len(self._grave) >= GRAVE_TOGETHER
        return self._taken(self._grave) if is_due else []

    def harmless(self, *, is_last: bool) -> list[AssessedRow]:
        """Take the others, if there are enough of them."""
        is_due = is_last or len(self._harmless) >= TOGETHER
        return self._taken(self._harmless) if is_due else []

    def _taken(self, rows: list[AssessedRow]) -> list[AssessedRow]:
        taken = [*rows]
        rows.clear()
        return taken
