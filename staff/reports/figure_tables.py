"""The tables of a report, with every number or with the small ones hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SMALLEST = 5
"""The smallest number above zero that is shown."""
IN_TIME, LATE, NOT_YET = "in_time", "late", "not_yet"
"""Rows of the tables about deadlines: kept, missed, not yet past."""


@dataclass(frozen=True)
class FigureRow:
    """One row of a figure."""

    key: str | None
    """A name of the taxonomy, a date and so on; None: not given."""
    count: int | None
    """None: hidden."""


@dataclass(frozen=True)
class FigureTable:
    """One figure, row by row."""

    name: str
    rows: tuple[FigureRow, ...]
    total: int | None
    """The number of cases in all; None: hidden. A case may count in several rows."""

    def late_share(self) -> float | None:
        """Return the share of deadlines that were missed, 0 to 1; None when it is not shown."""
        counts = {row.key: row.count for row in self.rows}
        in_time, late = counts.get(IN_TIME, 0), counts.get(LATE, 0)
        if in_time is None or late is None or in_time + late == 0:
            return None
        return late / (in_time + late)


def counted(name: str, counts: Mapping[str | None, int], total: int | None = None) -> FigureTable:
    """Return a table with every count; `total` is their sum if it is not given."""
    rows = tuple(FigureRow(key, count) for key, count in counts.items())
    return FigureTable(name, rows, sum(counts.values()) if total is None else total)


def suppressed(
    name: str, counts: Mapping[str | None, int], total: int | None = None
) -> FigureTable:
    """Return a table with the small counts hidden; `total` is their sum if it is not given.

    Where the hidden numbers would follow from the total, the next smallest are hidden too.
    """
    total = sum(counts.values()) if total is None else total
    hidden = {key: count for key, count in counts.items() if 0 < count < SMALLEST}
    for smallest in sorted({count for count in counts.values() if count >= SMALLEST}):
        if not hidden or not _follows(list(hidden.values())):
            break
        # All counts of this size: hiding some of them would show the others.
        hidden |= {key: count for key, count in counts.items() if count == smallest}
    rows = (FigureRow(key, None if key in hidden else count) for key, count in counts.items())
    return FigureTable(name, tuple(rows), None if 0 < total < SMALLEST else total)


def _follows(hidden: list[int]) -> bool:
    """Return whether the hidden numbers follow from their sum."""
    return len(hidden) == 1 or sum(hidden) < SMALLEST or set(hidden) == {SMALLEST - 1}
