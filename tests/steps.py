"""A step of the calibration for tests: a miss costs as much as a false alarm."""

from __future__ import annotations

from safeguarding.risk.thresholds import SeverityStep, Weights


def even_step(
    *, network: float = 1.0, witness: float = 0.0, phrase: float = 0.0, second: float = 0.0
) -> SeverityStep:
    """Return a step whose threshold is at even odds, with these weights.

    `second` counts only where the second reader read.
    """
    once = Weights(network=network, witness=witness, phrase=phrase, offset=0.0)
    twice = Weights(network=network, witness=witness, phrase=phrase, second=second, offset=0.0)
    return SeverityStep(once=once, twice=twice, expected=0.5, developed=0.5, miss_cost=1.0)
