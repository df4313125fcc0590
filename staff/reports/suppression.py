"""Hides the small numbers of a table, and others from which they could be worked out.

Few cases of a kind could identify people. As in the statistics of the Department for Education,
numbers below five are hidden; zero identifies no one and is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SMALLEST = 5
"""The smallest number above zero that is shown."""


@dataclass(frozen=True)
class Cell:
    """One row of a table."""

    key: str | None
    """A name of the taxonomy, a date and so on; None: not given."""
    count: int | None
    """None: hidden."""


@dataclass(frozen=True)
class FigureTable:
    """One figure, row by row."""

    name: str
    cells: tuple[Cell, ...]
    total: int | None
    """The number of cases in all; None: hidden. A case may count in several rows."""

    @property
    def hides(self) -> bool:
        """Whether one of its numbers is hidden."""
        return self.total is None or any(cell.count is None for cell in self.cells)

    def count(self, key: str | None) -> int | None:
        """Return the number in a row: 0 when there is no such row, None when it is hidden."""
        return next((cell.count for cell in self.cells if cell.key == key), 0)

    def share(self, key: str, among: Iterable[str]) -> float | None:
        """Return the share of row `key` in the rows `among`, 0 to 1; None when one is hidden."""
        counts = [self.count(each) for each in among]
        known = [each for each in counts if each is not None]
        count = self.count(key)
        if count is None or len(known) < len(counts) or sum(known) == 0:
            return None
        return count / sum(known)


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
    cells = (Cell(key, None if key in hidden else count) for key, count in counts.items())
    return FigureTable(name, tuple(cells), None if 0 < total < SMALLEST else total)


def _follows(hidden: list[int]) -> bool:
    """Return whether the hidden numbers follow from their sum."""
    return len(hidden) == 1 or sum(hidden) < SMALLEST or set(hidden) == {SMALLEST - 1}
