"""A stand-in for the risk engine that finds one phrase; it loads nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from safeguarding.risk.assessment import NO_RISK, Analysis, Assessment, Signal, Turn
from safeguarding.risk.encoder.vectors import Encoded
from safeguarding.taxonomy import Severity

DISCLOSES = "touching me"
"""The phrase that makes a message urgent; every other message is harmless."""
HARMLESS = "it is me again"
"""A phrase of harmless messages, where two engines share the work."""


class PlainEngine:
    """Finds DISCLOSES in a message, and nothing else."""

    def analyse(
        self, text: str, history: Sequence[Turn] = (), context: str | None = None
    ) -> Analysis:
        """Return the assessment of the text with a vector of zeros."""
        return Analysis(self._assess(text), text, np.zeros(768, dtype=np.float32))

    def canonical(self, text: str) -> str:
        """Return the text as it is."""
        return text

    def phrased(self, text: str) -> Severity:
        """Return the severity of the text."""
        return self._assess(text).severity

    def vector(self, _text: str) -> npt.NDArray[np.float32]:
        """Return a vector of zeros."""
        return np.zeros(768, dtype=np.float32)

    def _assess(self, text: str) -> Assessment:
        at = text.find(DISCLOSES)
        if at < 0:
            return NO_RISK
        span = (at, at + len(DISCLOSES))
        signal = Signal("plain", "lexicon", "1", "sexual_abuse", Severity.URGENT, *span)
        return Assessment(Severity.URGENT, (signal.category,), "self", (signal,))


def plain_alarm(text: str) -> float:
    """Return how alarming a text is: DISCLOSES, and nothing else."""
    return 5.0 if DISCLOSES in text else -5.0


def plain_encode(_text: str) -> Encoded:
    """Return a vector of zeros, in place of the dialogue's encoder."""
    return Encoded(np.zeros((1, 768), np.float32), ((0, 0),))
