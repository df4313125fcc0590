"""How our words sound: contractions, how sentences vary, and phrases that stand everywhere.

A reassurance that stands in every answer comforts in none, and full forms make a helper a clerk.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean, pstdev

_CONTRACTED = re.compile(r"\w[’'](?:s|re|t|ve|ll|d|m)\b", re.IGNORECASE)
_FULL = re.compile(
    r"\b(?:(?:do|does|did|is|are|was|were|has|have|had|can|could|should|would|will) ?not|"
    r"(?:it|that|what|there|he|she) is|(?:you|they|we) (?:are|will|have)|I (?:am|will|have))\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
STOCK = (
    "this is not your fault", "it is not your fault", "it's not your fault", "you are not alone",
    "you're not alone", "telling is brave", "you can put it down", "they may ", "you deserve",
    "reach out", "trusted adult",
)  # fmt: skip
"""Phrases that helplines say so often that nobody reads them any more."""
MOST_STOCK = 0.05
"""The share of readings in which one of them may stand."""


@dataclass(frozen=True)
class Voice:
    """How the texts of one audience sound together."""

    contracted: float
    """Contractions for each full form that could be one."""
    words: float
    """Words in a sentence, on average."""
    spread: float
    """Standard deviation of that."""
    stock: Mapping[str, float]
    """For each stock phrase that stands anywhere, the share of texts that hold it."""


def voice(texts: Mapping[str, str]) -> Voice:
    """Measure texts, by name. Raises ValueError where there are none."""
    if not texts:
        raise ValueError("nothing to measure")
    texts = {name: text.replace("\u2019", "'") for name, text in texts.items()}
    whole = "\n".join(texts.values())
    lengths = [len(words) for found in _SENTENCE.findall(whole) if (words := found.split())]
    shares = {
        phrase: sum(phrase in text.casefold() for text in texts.values()) / len(texts)
        for phrase in STOCK
    }
    return Voice(
        contracted=len(_CONTRACTED.findall(whole)) / max(1, len(_FULL.findall(whole))),
        words=round(mean(lengths), 1),
        spread=round(pstdev(lengths), 1),
        stock={phrase: share for phrase, share in shares.items() if share},
    )
