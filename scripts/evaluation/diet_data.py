"""What the stock Rasa pipeline learns from: our risk sentences, and the assistant's as harmless."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Mapping, Sequence

INTENTS = ("none", "concern", "urgent", "immediate")
"""One a severity, in their order."""
MOST = 2000
"""Sentences at most: a thousand take ten to twenty minutes on two cores, all of them hours."""
_SEED = 4
_MARKUP = re.compile(r"[\[\]\r\n]+")
"""What Rasa's training format would read as an entity or as the next example."""

Pairs = Sequence[tuple[str, str]]


def sample(pairs: Pairs, most: int = MOST) -> list[tuple[str, str]]:
    """At most so many of the (text, intent) pairs by lot, the same ones every time; none twice."""
    usable = sorted({(_MARKUP.sub(" ", text).strip(), intent) for text, intent in pairs})
    chosen = random.Random(_SEED).sample(usable, min(most, len(usable)))  # noqa: S311 - no secret
    return sorted(chosen)


def digest(config: str, pairs: Pairs) -> str:
    """Names what a model was made of."""
    whole = json.dumps([config, list(pairs)], ensure_ascii=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:12]


def steps_of(confidences: Mapping[str, float]) -> list[float]:
    """Confidences by intent as probabilities of at least concern, at least urgent, immediate."""
    each = [confidences.get(intent, 0.0) for intent in INTENTS]
    total = sum(each) or 1.0
    return [round(sum(each[step:]) / total, 6) for step in range(1, len(INTENTS))]
