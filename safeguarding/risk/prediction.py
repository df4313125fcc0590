"""What the classifier predicts of a message: its gravest passage, and the conversation before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from safeguarding.risk.assessment import Signal, Turn
from safeguarding.risk.conversation import ConversationReader
from safeguarding.risk.encoder.classifier import RiskClassifier, Scores
from safeguarding.risk.encoder.passages import Passage, passages, read_whole
from safeguarding.risk.text.normalise import Canonical
from safeguarding.risk.thresholds import Evidence, Probabilities, Thresholds, confirmed
from safeguarding.risk.witness import Witness
from safeguarding.taxonomy import Severity

SOURCE, CONVERSATION = "classifier", "classifier-conversation"
_NAMED, _MOST_NAMED = -2.0, 3
"""A category is named from these log-odds on (one in eight: two dozen share a message's odds); at
most so many, and always the likeliest."""


class Nearest(Protocol):
    """safeguarding.risk.encoder.nearest.NearestExamples."""

    def nearest(
        self, vector: npt.NDArray[np.float32], severity: Severity, category: str, count: int = 3
    ) -> tuple[str, ...]:
        """The training sentences most like the vector."""


@dataclass(frozen=True)
class Prediction:
    """What the classifier and the lexicon together come to."""

    probabilities: Probabilities
    signals: tuple[Signal, ...]
    """Of the classifier only."""
    categories: tuple[str, ...]
    subject: str
    read_whole: bool = True
    """Whether the encoder read every word of the message."""
    vectors: Mapping[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    """The sentence vectors of the passages that were read, by their canonical words."""


class Predictor:
    """The classifier with its thresholds. Holds no state: safe to share between threads."""

    def __init__(
        self,
        classifier: RiskClassifier,
        witness: Witness,
        thresholds: Thresholds,
        canonical: Callable[[str], Canonical],
        nearest: Nearest | None = None,
    ) -> None:
        self._classifier = classifier
        self._witness = witness
        self._thresholds = thresholds
        self._conversation = ConversationReader(classifier, witness, thresholds, canonical)
        self._nearest = nearest

    def predict(
        self,
        message: Canonical,
        phrases: Sequence[Signal],
        history: Sequence[Turn],
        alarming: Sequence[int] = (),
    ) -> Prediction:
        """The prediction for a message of at least one word. `phrases` are the lexicon's signals.

        `alarming` are the indices of the words where it may stand, in a message too long for the
        encoder to read all of it: it then reads these, and what the second witness, which reads
        everything, finds gravest.
        """
        of = self._thresholds.probabilities
        found = []
        phrased = _in_this_message(phrases)
        parts = passages(message, alarming, self._witness.urgent)
        for each in parts:
            scores = self._classifier.read(each.text)
            evidence = Evidence(scores.steps, self._witness.scores(each.as_typed(message)))
            alone = confirmed(of(evidence), evidence.witness, phrased)
            within = evidence._replace(phrased=_phrased(each, phrases))
            whole = confirmed(of(within), evidence.witness, phrased)
            found.append((whole, alone, each, scores))
        probabilities, alone, passage, scores = max(found, key=lambda each: _order(each[0]))
        signals = []
        if alone.severity > Severity.NONE:
            signals.append(self._signal(SOURCE, "model", alone, passage, scores))
        concern = max(alone.concern for _, alone, _, _ in found)
        joined = self._conversation.read(message, concern, history, phrased) if history else None
        if joined is not None and joined[0].severity > probabilities.severity:
            probabilities, scores = joined
            signals.append(self._signal(CONVERSATION, "conversation", probabilities, None, scores))
        vectors = {each.text: read.encoded.vector for _, _, each, read in found}
        return Prediction(
            probabilities,
            tuple(signals),
            _categories(scores),
            scores.subject,
            read_whole(message, parts),
            vectors,
        )

    def _signal(
        self,
        source: str,
        kind: str,
        probabilities: Probabilities,
        passage: Passage | None,
        scores: Scores,
    ) -> Signal:
        category = max(scores.categories, key=lambda name: scores.categories[name])
        severity = probabilities.severity
        start, end = passage.typed(*self._classifier.phrase(scores)) if passage else (0, 0)
        vector = scores.encoded.vector
        like = self._nearest.nearest(vector, severity, category) if self._nearest else ()
        return Signal(
            source=source,
            kind=kind,
            version=self._classifier.version,
            category=category,
            severity=severity,
            start=start,
            end=end,
            weight=round(probabilities.of(severity), 4),
            like=like,
        )


def _categories(scores: Scores) -> tuple[str, ...]:
    """The likeliest category, and others that are likelier than not."""
    ordered = sorted(scores.categories, key=lambda name: -scores.categories[name])
    likely = [name for name in ordered if scores.categories[name] >= _NAMED]
    return tuple(likely[:_MOST_NAMED] or ordered[:1])


def _order(probabilities: Probabilities) -> tuple[Severity, float]:
    return probabilities.severity, probabilities.urgent


def _in_this_message(phrases: Sequence[Signal]) -> Severity:
    """The gravest reviewed phrase, or several together, that needed no earlier message."""
    here = (signal.severity for signal in phrases if signal.kind in {"lexicon", "combination"})
    return max(here, default=Severity.NONE)


def _phrased(passage: Passage, phrases: Sequence[Signal]) -> Severity:
    """The gravest phrase whose words stand in the passage."""
    if passage.is_whole:
        return max((signal.severity for signal in phrases), default=Severity.NONE)
    first, last = passage.tokens[0].start, passage.tokens[-1].end
    within = (s.severity for s in phrases if s.start < last and s.end > first)
    return max(within, default=Severity.NONE)
