"""The trained network's scores of a text: severity, category, subject, and signs in a chat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from safeguarding.risk.encoder.adapter import Adapter, read_adapter
from safeguarding.risk.encoder.remembered import RememberedScores
from safeguarding.risk.encoder.vectors import Encoded, SentenceEncoder, unit

Floats = npt.NDArray[np.float32]
URGENT = 1
"""Place of "at least urgent" among the three steps."""
_LONGEST_PHRASE = 6


@dataclass(frozen=True)
class Scores:
    """The network's raw scores (log-odds before calibration) for one text."""

    steps: tuple[float, float, float]
    """At least concern, at least urgent, immediate."""
    categories: Mapping[str, float]
    subject: str
    encoded: Encoded


class RiskClassifier:
    """One sentence vector, one linear read-out a task. Of messages it remembers scores alone."""

    def __init__(
        self,
        made: Adapter,
        encode: Callable[[str], Encoded],
        encode_batch: Callable[[Sequence[str]], Floats],
    ) -> None:
        self._made = made
        self._encode = encode
        self._encode_batch = encode_batch
        self._remembered = RememberedScores()

    @property
    def version(self) -> str:
        """The digest of the weights, as carried by every signal."""
        return self._made.version

    def read(self, canonical: str) -> Scores:
        """The scores of a text given as its canonical words."""
        encoded = self._encode(canonical)
        concern, urgent, immediate = map(float, self._task(encoded.vector, "severity"))
        steps = (concern, urgent, immediate)
        self._remembered.put(canonical, steps)
        categories = self._task(encoded.vector, "category")
        subject = self._made.subjects[int(self._task(encoded.vector, "subject").argmax())]
        named = dict(zip(self._made.categories, map(float, categories), strict=True))
        return Scores(steps, named, subject, encoded)

    def steps(self, canonical: str) -> tuple[float, float, float]:
        """The scores of severity alone, of a text that was mostly read before."""
        return self._remembered.get(canonical) or self.read(canonical).steps

    def signs(self, lines: Sequence[str]) -> list[dict[str, float]]:
        """How probable each sign of grooming is in each of these lines of a chat, 0 to 1."""
        scores = self._task(self._encode_batch(lines), "sign")
        return [
            dict(zip(self._made.signs, map(float, 1 / (1 + np.exp(-row))), strict=True))
            for row in scores
        ]

    def chat(self, canonical: str) -> tuple[float, float]:
        """The scores "at least concern" and "urgent" of some lines of a chat with their speakers
        (safeguarding/risk/chat/reading.py)."""
        concern, urgent = self._task(self._encode(canonical).vector, "chat")
        return float(concern), float(urgent)

    def phrase(self, scores: Scores, step: int = URGENT) -> tuple[int, int]:
        """Where in the canonical text the words stand that raised the score of `step` most.

        The score is read again without each run of up to six pieces: the run without which it falls
        most is the phrase (leave-one-out, as in Li et al. 2016, "Understanding neural networks
        through representation erasure", on the pieces' last vectors, so at no second pass).
        """
        pieces, spans = scores.encoded.pieces, scores.encoded.spans
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
        less = self._task(without, "severity")[:, step]
        # A longer run takes more away by its length alone: its fall is shared among its pieces.
        falls = (scores.steps[step] - less) / np.sqrt([last - first + 1 for first, last in runs])
        first, last = runs[int(falls.argmax())]
        return spans[first][0], spans[last][1]

    def _task(self, vectors: Floats, task: str) -> Floats:
        heads = self._made.heads
        weight, bias = heads[f"{task}.weight"], heads[f"{task}.bias"]
        scores: Floats = (vectors * self._made.scale) @ weight + bias
        return scores


def build_classifier() -> RiskClassifier:
    """The project's classifier; its encoder is loaded on first need. Raises WeightsError."""
    adapter = read_adapter()
    encoder = SentenceEncoder(adapter.version)
    return RiskClassifier(adapter, encoder.encode, encoder.encode_batch)
