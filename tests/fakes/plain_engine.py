"""A stand-in for the risk engine that finds one phrase; it loads nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from safeguarding.risk.assessed import Floats
from safeguarding.risk.assessment import NO_RISK, Assessment, Signal, Turn
from safeguarding.taxonomy import Severity

DISCLOSES = "touching me"
"""The phrase that makes a message urgent; every other message is harmless."""


class PlainEngine:
    """Finds DISCLOSES in a message, and nothing else."""

    def assess(self, text: str, history: Sequence[Turn] = ()) -> Assessment:
        """Return an urgent assessment where the phrase stands in the text."""
        at = text.find(DISCLOSES)
        if at < 0:
            return NO_RISK
        span = (at, at + len(DISCLOSES))
        signal = Signal("plain", "lexicon", "1", "sexual_abuse", Severity.URGENT, *span)
        return Assessment(Severity.URGENT, (signal.category,), "self", (signal,))

    def canonical(self, text: str) -> str:
        """Return the text unchanged."""
        return text

    def vector(self, text: str) -> Floats:
        """Return a vector of zeros."""
        return np.zeros(768, dtype=np.float32)
