"""A figure that grows is told from one that only goes up and down."""

from __future__ import annotations

import math
import random

import pytest

from lab.soak.command import WARM, report
from lab.soak.levels import level, row_growth, table
from lab.soak.samples import ProcessUse, Samples

MB = 8.0


def points(*values: float, every: float = 15.0) -> list[tuple[float, float]]:
    return [(every * number, value) for number, value in enumerate(values)]


def test_what_goes_up_and_down_is_level() -> None:
    chance = random.Random(1)  # noqa: S311 - no secret
    waves = [300 + 5 * math.sin(n / 7) + chance.uniform(-3, 3) for n in range(120)]

    moved = level(points(*waves))

    assert moved.is_level(MB)
    assert abs(moved.growth) < 3
    assert moved.lowest < moved.mean < moved.highest


@pytest.mark.parametrize("leak", [40.0, 100.0])
def test_a_leak_is_seen_through_the_noise(leak: float) -> None:
    chance = random.Random(2)  # noqa: S311 - no secret
    values = [300 + leak * n / 119 + chance.uniform(-3, 3) for n in range(120)]

    moved = level(points(*values))

    assert moved.growth == pytest.approx(leak, abs=3)
    assert not moved.is_level(MB)


def test_what_falls_is_level() -> None:
    assert level(points(9, 7, 5, 3)).is_level(0)


def test_one_sample_alone_is_level_and_none_is_an_error() -> None:
    assert level(points(5)).is_level(0)
    with pytest.raises(ValueError, match="no sample"):
        level([])
    with pytest.raises(ValueError, match="no sample"):
        row_growth([], 60)


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([0, 0, 0, 0, 0], "level"),
        ([5, 5, 5, 5, 5], "level"),
        ([0, 100, 200, 300, 400], "with the messages"),
        ([0, 100, 200, 300, 301], "level"),
        ([0, 100, 200, 300, 500], "faster"),
    ],
)
def test_rows_are_compared_with_the_quarter_before(rows: list[int], verdict: str) -> None:
    growth = row_growth(points(*rows), seconds=60)

    assert (growth.rows, growth.verdict) == (rows[-1], verdict)
    assert (growth.third, growth.last) == (rows[3] - rows[2], rows[4] - rows[3])


def test_a_process_that_was_restarted_counts_from_its_last_start() -> None:
    def use(pid: int, memory_mb: float, descriptors: int = 20) -> dict[str, ProcessUse]:
        return {"gateway": ProcessUse(pid, memory_mb, descriptors, 9)}

    samples = Samples(
        processes=[(0, use(1, 10)), (60, use(1, 900)), (70, use(2, 100)), (100, use(2, 101))],
        rows=[(at, {"cases": 2 * at, "handoffs that wait": 0}) for at in range(0, 101, 10)],
    )
    assert samples.points("gateway", "memory_mb", WARM * 100) == [(70, 100.0), (100, 101.0)]

    lines, growing = report(samples, 100)
    assert growing == 0
    assert lines[2].startswith("| gateway | 100 to 101, +1.0: level | 20 to 20, +0.0: level")
    assert [line.split("|")[1].strip() for line in lines[4:]][2:] == ["cases", "handoffs that wait"]

    samples.processes.append((110, use(2, 101, descriptors=90)))
    samples.rows += [(105, {"cases": 900})]
    lines, growing = report(samples, 105)
    assert growing == 2
    assert "GROWS" in lines[2]
    assert "faster" in lines[-2]


def test_a_table_is_one_for_a_document_too() -> None:
    lines = list(table(("a", "bc"), {"def": ("1",)}))

    assert lines == ["| a   | bc |", "|-----|----|", "| def | 1  |"]
