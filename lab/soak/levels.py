"""Tells from samples whether a figure of a long run levels off or goes on growing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

TOLERATED = 0.05
"""The growth that counts as level, as a share of the mean."""
FASTER = 1.25
"""A table grows faster than its messages if its rate rises by more than this factor."""
FEW_ROWS = 20
Points: TypeAlias = Sequence[tuple[float, float]]
"""Seconds since the start, and the figure then."""


@dataclass(frozen=True)
class Level:
    """How one figure moved after the warm-up."""

    lowest: float
    highest: float
    growth: float
    """The slope of the line through all samples, times the time between first and last."""
    mean: float

    def is_level(self, at_least: float) -> bool:
        """Return whether it grew by less than `at_least`, or by less than a share of the mean."""
        return self.growth <= max(at_least, TOLERATED * self.mean)


@dataclass(frozen=True)
class RowGrowth:
    """How many rows a table gained in the third and in the last quarter of a run."""

    rows: int
    third: int
    last: int

    @property
    def verdict(self) -> str:
        """Whether it stays as it is, grows with the messages, or grows faster than these."""
        if self.last <= FEW_ROWS:
            return "level"
        return "faster" if self.last > FASTER * self.third + FEW_ROWS else "with the messages"


def level(points: Points) -> Level:
    """Return how a figure moved. Raises ValueError without a sample."""
    if not points:
        raise ValueError("no sample")
    values = [value for _, value in points]
    mean = sum(values) / len(values)
    middle = sum(at for at, _ in points) / len(points)
    spread = sum((at - middle) ** 2 for at, _ in points)
    together = sum((at - middle) * (value - mean) for at, value in points)
    slope = together / spread if spread else 0.0
    return Level(min(values), max(values), slope * (points[-1][0] - points[0][0]), mean)


def row_growth(points: Points, seconds: float) -> RowGrowth:
    """Return how a table grew in the second half of `seconds`. Raises ValueError without sample."""
    if not points:
        raise ValueError("no sample")

    def rows_at(share: float) -> int:
        return int(min(points, key=lambda point: abs(point[0] - share * seconds))[1])

    half, three_quarters, end = rows_at(0.5), rows_at(0.75), rows_at(1.0)
    return RowGrowth(end, three_quarters - half, end - three_quarters)


def table(heading: Sequence[str], rows: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Return rows under a heading as the lines of a table for a terminal or a document."""
    lines = [list(heading), *([name, *cells] for name, cells in rows.items())]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield f"| {' | '.join(cells)} |"
        if number == 0:
            yield f"|{'|'.join('-' * (width + 2) for width in widths)}|"
