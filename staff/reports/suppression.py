"""Hides small numbers of a table, and what would give them away by subtraction.

Few cases of a kind can be known people: below five nothing is told, as in the statistics of the
Department for Education. Zero tells of nobody and stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SMALLEST = 5
"""The smallest number that is told; 1 to 4 are hidden."""


@dataclass(frozen=True)
class Cell:
    """One row of a table."""

    key: str | None
    """A name of the taxonomy, a date, …; None: not said."""
    count: int | None
    """None: hidden."""


@dataclass(frozen=True)
class FigureTable:
    """One figure, row by row."""

    name: str
    cells: tuple[Cell, ...]
    total: int | None
    """How many cases there are in all; None: hidden. A case may count in several rows."""

    @property
    def hides(self) -> bool:
        """Whether a number of it is hidden."""
        return self.total is None or any(cell.count is None for cell in self.cells)

    def count(self, key: str | None) -> int | None:
        """The number in a row: 0 where there is no such row, None where it is hidden."""
        return next((cell.count for cell in self.cells if cell.key == key), 0)

    def share(self, key: str, among: Iterable[str]) -> float | None:
        """What part of the rows `among` the row `key` is, 0 to 1; None where it cannot be told."""
        counts = [self.count(each) for each in among]
        known = [each for each in counts if each is not None]
        mine = self.count(key)
        if mine is None or len(known) < len(counts) or sum(known) == 0:
            return None
        return mine / sum(known)


def told(name: str, counts: Mapping[str | None, int], total: int | None = None) -> FigureTable:
    """A table of these counts, with the small ones hidden; `total` is their sum if not given.

    Where the hidden numbers would follow from the total, the next smallest are hidden with them.
    """
    total = sum(counts.values()) if total is None else total
    hidden = {key: count for key, count in counts.items() if 0 < count < SMALLEST}
    for smallest in sorted({count for count in counts.values() if count >= SMALLEST}):
        if not hidden or not _follows(list(hidden.values())):
            break
        # All of the same size: which of them was hidden would tell of the others.
        hidden |= {key: count for key, count in counts.items() if count == smallest}
    cells = (Cell(key, None if key in hidden else count) for key, count in counts.items())
    return FigureTable(name, tuple(cells), None if 0 < total < SMALLEST else total)


def _follows(hidden: list[int]) -> bool:
    """Whether hidden numbers follow from their sum: one alone, all as small or large as can be."""
    return len(hidden) == 1 or sum(hidden) < SMALLEST or set(hidden) == {SMALLEST - 1}
