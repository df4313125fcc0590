"""Shares with confidence intervals, calibration of probabilities, and threshold curves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import brier_score_loss, roc_curve

from safeguarding.taxonomy import Severity

_BINS = 10
_DIGITS = 4
_SMALL = 0.01
Z95 = 1.959964
"""The two-sided 95 % point of the normal distribution."""


@dataclass(frozen=True)
class Share:
    """A number of hits out of a number of trials."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """The share, 0 to 1; None without trials."""
        return self.hits / self.of if self.of else None

    def record(self) -> dict[str, Any]:
        """Return hits, of, share, low and high; the bounds are those of Wilson's 95 % interval."""
        low, high = interval(self.hits, self.of)
        return {
            "hits": self.hits,
            "of": self.of,
            "share": None if self.value is None else round(self.value, _DIGITS),
            "low": round(low, _DIGITS),
            "high": round(high, _DIGITS),
        }


def share(trials: Iterable[bool]) -> Share:
    """Count how many of `trials` are true."""
    listed = [bool(trial) for trial in trials]
    return Share(sum(listed), len(listed))


def interval(hits: int, of: int, z: float = Z95) -> tuple[float, float]:
    """Return the lower and upper bound of the true share, 0 to 1; (0, 1) without trials.

    Wilson's score interval (E. B. Wilson, JASA 22, 1927) at the normal quantile `z`.
    """
    if of == 0:
        return 0.0, 1.0
    share = hits / of
    centre = share + z * z / (2 * of)
    spread = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def percent(value: float | None) -> str:
    """Format 0.953 as "95.3 %"; shares under 1 % get one more digit, so that 2 in 1,000 shows."""
    if value is None:
        return "–"
    digits = 2 if 0 < value < _SMALL else 1
    return f"{value * 100:.{digits}f} %"


def share_text(record: Mapping[str, Any]) -> str:
    """Format a share's record as "95.3 % (122/128; 90.1–97.9)"."""
    if not record["of"]:
        return "nothing to measure"
    low, high = record["low"] * 100, record["high"] * 100
    counts = f"{record['hits']:,}/{record['of']:,}"
    return f"{percent(record['share'])} ({counts}; {low:.1f}–{high:.1f})"


@dataclass(frozen=True)
class Scored:
    """The probability given to one message, and whether the label agrees."""

    probability: float
    positive: bool


@dataclass(frozen=True)
class Point:
    """False alarms and recall at one threshold, both as shares from 0 to 1."""

    threshold: float
    false_alarms: float
    recall: float


def calibration(scored: Sequence[Scored]) -> dict[str, Any]:
    """Compute ten bins of equal width, the Brier score and the expected calibration error.

    Brier: mean squared difference of probability and outcome (Brier 1950). Expected calibration
    error: mean distance of a bin's probability from its share, weighted by its messages.
    """
    if not scored:
        return {"bins": [], "brier": None, "expected error": None}
    given = np.array([each.probability for each in scored])
    positive = np.array([each.positive for each in scored])
    places = np.minimum((given * _BINS).astype(int), _BINS - 1)
    bins = [
        {
            "probability": round(float(given[places == place].mean()), _DIGITS),
            "hits": int(positive[places == place].sum()),
            "of": int((places == place).sum()),
        }
        for place in np.unique(places)
    ]
    away = sum(abs(each["hits"] - each["of"] * each["probability"]) for each in bins)
    return {
        "bins": bins,
        "brier": round(float(brier_score_loss(positive, given, labels=[False, True])), _DIGITS),
        "expected error": round(away / len(scored), _DIGITS),
    }


def curve(scored: Sequence[Scored]) -> list[Point]:
    """Return false alarms and recall at each threshold, the highest threshold first.

    A message alarms when its probability reaches the threshold. Empty when all messages are
    positive or none is.
    """
    positive = [each.positive for each in scored]
    if all(positive) or not any(positive):
        return []
    given = [each.probability for each in scored]
    false_alarms, recall, thresholds = roc_curve(positive, given, drop_intermediate=False)
    # scikit-learn's first point is that of no alarm at all, above every probability.
    return [
        Point(*map(float, each)) for each in zip(thresholds, false_alarms, recall, strict=True)
    ][1:]


def threshold_at(points: Sequence[Point], most_false_alarms: float) -> float:
    """Return the lowest threshold with at most that share of false alarms, 1.1 if none has."""
    within = [p.threshold for p in points if p.false_alarms <= most_false_alarms]
    return min(within, default=1.1)


def recall_at(points: Sequence[Point], most_false_alarms: float) -> float:
    """Return the best recall with at most that share of false alarms."""
    return max((p.recall for p in points if p.false_alarms <= most_false_alarms), default=0.0)


def urgent_recall(
    scores: npt.NDArray[np.floating[Any]], due: npt.NDArray[np.int_], false_alarms: float
) -> Share:
    """Count the urgent messages above the score that this share of harmless ones exceeds.

    `due` holds the labelled severities.
    """
    threshold = np.quantile(scores[due == Severity.NONE], 1 - false_alarms)
    return share(scores[due >= Severity.URGENT] > threshold)


def drawn(points: Sequence[Point]) -> list[list[float]]:
    """Return [false alarms, recall] at the corners of the curve, enough to draw it."""
    corners = []
    for at, point in enumerate(points):
        before = points[at - 1].false_alarms if at else -1.0
        after = points[at + 1].false_alarms if at + 1 < len(points) else 2.0
        if point.false_alarms != before or point.false_alarms != after:
            corners.append([round(point.false_alarms, 5), round(point.recall, 5)])
    return corners
