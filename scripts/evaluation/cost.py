"""What one assessment costs."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median, quantiles
from typing import Any

from scripts.evaluation.assessing import Heard


def cost_report(heard: Iterable[Heard]) -> dict[str, Any]:
    """Median and 95th percentile of `assess`, in milliseconds; at least two messages."""
    times = [each.milliseconds for each in heard]
    return {
        "messages": len(times),
        "median ms": round(median(times), 2),
        "p95 ms": round(quantiles(times, n=20)[-1], 2),
    }
