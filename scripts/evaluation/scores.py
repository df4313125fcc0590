"""How sure the engine is of a message, as three calibrated probabilities."""

from __future__ import annotations

from safeguarding.risk.engine import RiskEngine

Scores = tuple[float, float, float]
"""Probability of at least concern, of at least urgent, and of immediate."""
STEPS = ("at least concern", "at least urgent", "immediate")


def score(engine: RiskEngine, text: str) -> Scores | None:
    """The three probabilities; None from an engine without a classifier, or without a word."""
    weights = engine.weigh(text)
    return (weights.concern, weights.urgent, weights.immediate) if weights else None
