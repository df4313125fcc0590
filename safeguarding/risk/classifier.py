"""What the trained network says of a text: how sure it is of severity, category and subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from safeguarding.encoders.adapter import Adapter, adapter
from safeguarding.encoders.minilm import unit
from safeguarding.encoders.sentences import Vectors, sentence_vectors

Floats = npt.NDArray[np.float32]
URGENT = 1
"""Place of "at least urgent" among the three steps."""
_LONGEST_PHRASE = 6


@dataclass(frozen=True)
class Opinion:
    """The network's raw scores (log-odds before calibration) for one text."""

    steps: tuple[float, float, float]
    """At least concern, at least urgent, immediate."""
    categories: Mapping[str, float]
    subject: str
    vectors: Vectors


class RiskClassifier:
    """Two sentence vectors, one hidden layer, one read-out a task. Holds no state of messages."""

    def __init__(self, made: Adapter, encode: Callable[[str], Vectors]) -> None:
        self._made = made
        self._encode = encode

    @property
    def version(self) -> str:
        """The digest of the weights, as carried by every signal."""
        return self._made.version

    def read(self, canonical: str) -> Opinion:
        """The scores of a text given as its canonical words."""
        vectors = self._encode(canonical)
        hidden = self._hidden(vectors.minilm.vector, vectors.use)
        steps = self._task(hidden, "severity")
        categories = self._task(hidden, "category")
        subject = self._made.subjects[int(self._task(hidden, "subject").argmax())]
        named = dict(zip(self._made.categories, map(float, categories), strict=True))
        return Opinion((float(steps[0]), float(steps[1]), float(steps[2])), named, subject, vectors)

    def signs(self, canonical: str) -> dict[str, float]:
        """How probable each sign of grooming is in one line of a chat, 0 to 1."""
        vectors = self._encode(canonical)
        scores = self._task(self._hidden(vectors.minilm.vector, vectors.use), "sign")
        return dict(zip(self._made.signs, map(float, 1 / (1 + np.exp(-scores))), strict=True))

    def phrase(self, opinion: Opinion, step: int = URGENT) -> tuple[int, int]:
        """Where in the canonical text the words stand that raised the score of `step` most.

        The score is read again without each run of up to six pieces: the run without which it falls
        most is the phrase (leave-one-out, as in Li et al. 2016, "Understanding neural networks
        through representation erasure", on the pieces' last vectors, so at no second pass).
        """
        pieces, spans = opinion.vectors.minilm.pieces, opinion.vectors.minilm.spans
        inner = [at for at, (start, end) in enumerate(spans) if end > start]
        if not inner:
            return 0, 0
        sums = np.concatenate([np.zeros((1, pieces.shape[1])), pieces.cumsum(axis=0)])
        runs = [
            (first, last)
            for first in inner
            for last in range(first, min(first + _LONGEST_PHRASE, inner[-1] + 1))
        ]
        rest = np.stack([sums[-1] - sums[last + 1] + sums[first] for first, last in runs])
        counts = np.array([[len(pieces) - (last - first + 1)] for first, last in runs])
        without = unit((rest / counts).astype(np.float32))
        scores = self._task(self._hidden(without, opinion.vectors.use), "severity")[:, step]
        # A longer run takes more away by its length alone: its fall is shared among its pieces.
        falls = (opinion.steps[step] - scores) / np.sqrt([last - first + 1 for first, last in runs])
        first, last = runs[int(falls.argmax())]
        return spans[first][0], spans[last][1]

    def _hidden(self, minilm: Floats, use: Floats) -> Floats:
        heads, scale = self._made.heads, self._made.scale
        many = np.broadcast_to(use, (*minilm.shape[:-1], use.shape[-1]))
        features = np.concatenate([minilm, many], axis=-1) * scale
        return _gelu(features @ heads["hidden.weight"] + heads["hidden.bias"])

    def _task(self, hidden: Floats, task: str) -> Floats:
        scores: Floats = (
            hidden @ self._made.heads[f"{task}.weight"] + self._made.heads[f"{task}.bias"]
        )
        return scores


def _gelu(x: Floats) -> Floats:
    """The tanh form of the Gaussian error linear unit, with which the heads were trained."""
    curved: Floats = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return curved


def risk_classifier() -> RiskClassifier:
    """The project's classifier; its weights are loaded once per process. Raises WeightsError."""
    return RiskClassifier(adapter(), sentence_vectors())
