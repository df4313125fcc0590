"""The plot shows each measured system by number of clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab.bench.plot import plot


def system(factor: float) -> dict[str, Any]:
    rows = [(1, 30.0), (4, 50.0), (16, 200.0), (64, 900.0)]
    return {
        "loads": [
            {"clients": n, "median_ms": ms * factor, "p95_ms": 2 * ms, "per_second": 40 / factor}
            for n, ms in rows
        ]
    }


def test_measured_systems_are_drawn_and_named(tmp_path: Path) -> None:
    figure = plot({"stock": system(1.0), "lantern": system(0.5)})
    waits, answers = figure.axes
    figure.savefig(tmp_path / "bench.svg")
    drawn = (tmp_path / "bench.svg").read_text("utf-8")

    stock, lantern = (line.get_ydata().tolist() for line in answers.lines[:2])
    assert (stock, lantern) == ([40.0] * 4, [80.0] * 4)
    assert waits.lines[0].get_xdata().tolist() == [1, 4, 16, 64]
    assert "stock Rasa" in drawn
    assert "messages answered a second" in drawn


def test_other_systems_are_left_out() -> None:
    _, answers = plot({"lantern": system(1.0)}).axes

    assert [len(line.get_xdata()) for line in answers.lines] == [0, 4, 0]
