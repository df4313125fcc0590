"""From a score a message to calibration, and to recall against false alarms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

_BINS = 10
_DIGITS = 4


@dataclass(frozen=True)
class Scored:
    """The probability given to one message, and whether it was so."""

    probability: float
    so: bool


@dataclass(frozen=True)
class Point:
    """What a threshold gives: both shares, 0 to 1."""

    threshold: float
    false_alarms: float
    recall: float


def calibration(scored: Sequence[Scored]) -> dict[str, Any]:
    """Ten bins of equal width, the Brier score and the expected calibration error.

    Brier: mean squared difference of probability and outcome (Brier 1950). Expected calibration
    error: mean distance of a bin's probability from its share, weighted by its messages.
    """
    bins: dict[int, list[Scored]] = defaultdict(list)
    for each in scored:
        bins[min(int(each.probability * _BINS), _BINS - 1)].append(each)
    listed = [
        {
            "probability": round(mean(each.probability for each in inside), _DIGITS),
            "hits": sum(each.so for each in inside),
            "of": len(inside),
        }
        for _, inside in sorted(bins.items())
    ]
    total = len(scored)
    away = sum(abs(each["hits"] - each["of"] * each["probability"]) for each in listed)
    return {
        "bins": listed,
        "brier": round(mean((each.probability - each.so) ** 2 for each in scored), _DIGITS)
        if total
        else None,
        "expected error": round(away / total, _DIGITS) if total else None,
    }


def curve(scored: Iterable[Scored]) -> list[Point]:
    """What each threshold gives, the highest first; a message alarms when it reaches it.

    Empty where one of the two kinds is missing.
    """
    listed = sorted(scored, key=lambda each: -each.probability)
    risky = sum(each.so for each in listed)
    harmless = len(listed) - risky
    if not risky or not harmless:
        return []
    points, hits, alarms = [], 0, 0
    for at, each in enumerate(listed):
        hits, alarms = hits + each.so, alarms + (not each.so)
        last = at + 1 == len(listed) or listed[at + 1].probability < each.probability
        if last:  # of those with the same probability, which no threshold tells apart
            points.append(Point(each.probability, alarms / harmless, hits / risky))
    return points


def threshold_at(points: Sequence[Point], most_false_alarms: float) -> float:
    """The lowest threshold whose false alarms are at most that share; above 1 where none is."""
    within = [p.threshold for p in points if p.false_alarms <= most_false_alarms]
    return min(within, default=1.1)


def recall_at(points: Sequence[Point], most_false_alarms: float) -> float:
    """The best recall whose false alarms are at most that share."""
    return max((p.recall for p in points if p.false_alarms <= most_false_alarms), default=0.0)


def drawn(points: Sequence[Point]) -> list[list[float]]:
    """[false alarms, recall] at the corners of the curve: all that is needed to draw it."""
    corners = []
    for at, point in enumerate(points):
        before = points[at - 1].false_alarms if at else -1.0
        after = points[at + 1].false_alarms if at + 1 < len(points) else 2.0
        if point.false_alarms != before or point.false_alarms != after:
            corners.append([round(point.false_alarms, 5), round(point.recall, 5)])
    return corners
