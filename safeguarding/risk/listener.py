"""Hears what the lexicon has no words for, and weighs what the lexicon thought it heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from safeguarding.risk.assessment import Signal, Turn
from safeguarding.risk.classifier import Opinion, RiskClassifier
from safeguarding.risk.judgement import Judge, Weights
from safeguarding.risk.normalise import Canonical
from safeguarding.risk.passages import Passage, passages
from safeguarding.taxonomy import Severity

SOURCE, CONVERSATION = "classifier", "classifier-conversation"
_NAMED, _MOST_NAMED = -2.0, 3
"""A category is named from these log-odds on (one in eight: two dozen share a message's odds); at
most so many, and always the likeliest."""
_TURNS, _WORDS, _SHORT, _QUESTION = 4, 60, 5, 200
"""Earlier messages read together with this one, words of all, words of a short answer, and
characters of the question that it answers."""


class Nearest(Protocol):
    """safeguarding.risk.nearest.NearestExamples."""

    def nearest(
        self, vector: npt.NDArray[np.float32], severity: Severity, category: str, count: int = 3
    ) -> tuple[str, ...]:
        """The training sentences most like the vector."""


@dataclass(frozen=True)
class Heard:
    """What the classifier and the lexicon together come to."""

    weights: Weights
    signals: tuple[Signal, ...]
    """Of the classifier only."""
    categories: tuple[str, ...]
    subject: str


class Listener:
    """The classifier with everything it needs to be asked about a message."""

    def __init__(
        self,
        classifier: RiskClassifier,
        judge: Judge,
        canonical: Callable[[str], Canonical],
        nearest: Nearest | None = None,
    ) -> None:
        self._classifier = classifier
        self._judge = judge
        self._canonical = canonical
        self._nearest = nearest

    def hear(self, message: Canonical, phrases: Sequence[Signal], history: Sequence[Turn]) -> Heard:
        """Weigh a message of at least one word. `phrases` are the lexicon's signals."""
        read = [(part, self._classifier.read(part.text)) for part in passages(message)]
        weighed = [
            (self._judge.weigh(opinion.steps, _phrased(part, phrases)), part, opinion)
            for part, opinion in read
        ]
        weights, part, opinion = max(weighed, key=lambda each: _order(each[0]))
        signals = []
        alone = self._judge.weigh(opinion.steps, Severity.NONE)
        if alone.severity > Severity.NONE:
            signals.append(self._signal(SOURCE, "model", alone, part, opinion))
        joined = self._after_what_was_said(message, history) if history else None
        if joined is not None and joined[0].severity > weights.severity:
            weights, opinion = joined
            signals.append(self._signal(CONVERSATION, "conversation", weights, None, opinion))
        return Heard(weights, tuple(signals), self._categories(opinion), opinion.subject)

    def _after_what_was_said(
        self, message: Canonical, history: Sequence[Turn]
    ) -> tuple[Weights, Opinion] | None:
        """The message read together with the earlier ones; None when there are none to join.

        What was urgent by itself was handed over then, and does not make every later word urgent.
        """
        words = message.words
        last = history[-1]
        if len(words) <= _SHORT and last.by == "assistant" and last.text.rstrip().endswith("?"):
            words = self._canonical(last.text[-_QUESTION:]).words + words
        for turn in [turn for turn in history if turn.by == "user"][-_TURNS:][::-1]:
            earlier = self._canonical(turn.text).words
            if self._is_urgent(earlier):
                break
            words = [*earlier, *words]
        if len(words) == len(message.words):
            return None
        opinion = self._classifier.read(" ".join(words[-_WORDS:]))
        return self._judge.weigh_conversation(opinion.steps), opinion

    def _is_urgent(self, words: Sequence[str]) -> bool:
        if not words:
            return False
        opinion = self._classifier.read(" ".join(words[-_WORDS:]))
        return self._judge.weigh(opinion.steps, Severity.NONE).severity >= Severity.URGENT

    def _signal(
        self, source: str, kind: str, weights: Weights, part: Passage | None, opinion: Opinion
    ) -> Signal:
        category = max(opinion.categories, key=lambda name: opinion.categories[name])
        start, end = part.typed(*self._classifier.phrase(opinion)) if part else (0, 0)
        vector = opinion.vectors.minilm.vector
        like = self._nearest.nearest(vector, weights.severity, category) if self._nearest else ()
        return Signal(
            source=source,
            kind=kind,
            version=self._classifier.version,
            category=category,
            severity=weights.severity,
            start=start,
            end=end,
            weight=round(weights.of(weights.severity), 4),
            like=like,
        )

    @staticmethod
    def _categories(opinion: Opinion) -> tuple[str, ...]:
        """The likeliest category, and others that are likelier than not."""
        ordered = sorted(opinion.categories, key=lambda name: -opinion.categories[name])
        likely = [name for name in ordered if opinion.categories[name] >= _NAMED]
        return tuple(likely[:_MOST_NAMED] or ordered[:1])


def _order(weights: Weights) -> tuple[Severity, float]:
    return weights.severity, weights.urgent


def _phrased(part: Passage, phrases: Sequence[Signal]) -> Severity:
    """The gravest phrase whose words stand in the passage."""
    if part.is_whole:
        return max((signal.severity for signal in phrases), default=Severity.NONE)
    first, last = part.tokens[0].start, part.tokens[-1].end
    within = (s.severity for s in phrases if s.start < last and s.end > first)
    return max(within, default=Severity.NONE)
