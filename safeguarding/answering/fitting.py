"""Fits a logistic regression by L-BFGS, with numpy alone: the services have no scipy."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles: TypeAlias = npt.NDArray[np.float64]
LossAndSlopes: TypeAlias = Callable[[Doubles], tuple[float, Doubles]]
_REMEMBERED = 30
"""How many steps L-BFGS estimates the curvature from."""
_ENOUGH, _SHORTER, _SHORTEST = 1e-4, 0.5, 1e-10
"""The share of the promised fall that a step must bring, how much shorter one is tried that does
not, and the length at which no shorter one is tried."""


def fit(x: Floats, y: npt.NDArray[np.intp], *, tol: float, max_iter: int) -> tuple[Floats, Floats]:
    """Return weights of shape (classes, features), and intercepts.

    `x` has a row and `y` a class (0, 1, …) for each example. It minimises what scikit-learn's
    LogisticRegression minimises with C = 1: the summed log loss and half the squared weights,
    without the intercepts. It stops when no slope of that sum exceeds `tol`. Double precision
    would take twice as long and changes no prediction.
    """
    count, width = x.shape
    classes = int(y.max()) + 1
    mean = x.mean(axis=0, dtype=np.float64).astype(np.float32)
    with_one = np.hstack([x.astype(np.float32) - mean, np.ones((count, 1), np.float32)])
    rows = np.arange(count)

    def loss_and_slopes(flat: Doubles) -> tuple[float, Doubles]:
        weights = flat.reshape(width + 1, classes).astype(np.float32)
        scores = with_one @ weights
        scores -= scores.max(axis=1, keepdims=True)
        right = scores[rows, y].sum(dtype=np.float64)
        np.exp(scores, out=scores)
        sums = scores.sum(axis=1, keepdims=True)
        loss = np.log(sums).sum(dtype=np.float64) - right
        scores /= sums
        scores[rows, y] -= 1
        slopes = with_one.T @ scores
        weights[-1] = 0
        slopes += weights
        penalty = np.square(weights).sum(dtype=np.float64) / 2
        return float(loss + penalty), slopes.ravel().astype(np.float64)

    found = minimised(loss_and_slopes, np.zeros((width + 1) * classes), tol, max_iter)
    solution = found.reshape(width + 1, classes).astype(np.float32)
    weights = solution[:-1].T
    return np.ascontiguousarray(weights), solution[-1] - weights @ mean


def minimised(of: LossAndSlopes, start: Doubles, tol: float, max_iter: int) -> Doubles:
    """Return where a convex function is least, within `tol` of slope or after `max_iter` steps."""
    at = start
    loss, slopes = of(at)
    steps: deque[tuple[Doubles, Doubles, float]] = deque(maxlen=_REMEMBERED)
    for _ in range(max_iter):
        if np.abs(slopes).max() <= tol:
            break
        direction = -_scaled(slopes, steps)
        promised = float(slopes @ direction)
        length = 1.0 if steps else 1.0 / max(float(np.abs(slopes).sum()), 1.0)
        further, fallen, new_slopes = at, loss, slopes
        while length > _SHORTEST:
            further = at + length * direction
            fallen, new_slopes = of(further)
            if fallen <= loss + _ENOUGH * length * promised:
                break
            length *= _SHORTER
        else:
            break  # single precision tells no better place apart
        moved, turned = further - at, new_slopes - slopes
        curvature = float(moved @ turned)
        if curvature > 0:
            steps.append((moved, turned, curvature))
        at, loss, slopes = further, fallen, new_slopes
    return at


def _scaled(slopes: Doubles, steps: deque[tuple[Doubles, Doubles, float]]) -> Doubles:
    """Return the slopes times the inverse curvature that the steps tell of."""
    scaled = slopes.copy()
    shares = []
    for moved, turned, curvature in reversed(steps):
        share = float(moved @ scaled) / curvature
        shares.append(share)
        scaled -= share * turned
    if steps:
        _, turned, curvature = steps[-1]
        scaled *= curvature / float(turned @ turned)
    for (moved, turned, curvature), share in zip(steps, reversed(shares), strict=True):
        scaled += (share - float(turned @ scaled) / curvature) * moved
    return scaled
