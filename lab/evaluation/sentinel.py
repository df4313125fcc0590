"""The method of Roblox Sentinel: how much closer a message is to harmful than to harmless examples.

Sentinel (Roblox, 2025, Apache-2.0, github.com/Roblox/Sentinel) finds rare harmful messages by
their neighbours among examples. This module follows `calculate_rare_class_affinity`
(sentinel_local_index.py, commit 0e924ae2) and `calculate_contrastive_score` (score_formulae.py,
commit 80390edd), with their defaults and the recommended encoder (lab/evaluation/minilm.py). The
package itself is not used. It is not on PyPI, where `sentinel` is another program, and its encoders
need sentence-transformers below 4, which excludes the transformers 5 of the lab.

Three things differ:

* The score of a single message counts. Sentinel judges a person: it takes the skewness of the
  scores of many messages of one author.
* Scores are not cut off. Sentinel sets a score below 0.1 to 0, which only makes messages equal that
  it thinks harmless.
* The examples are ours. Roblox has some 13,000 harmful ones of its own chat, and recommends 5,000
  to 20,000; by default there are fewer here, so that encoding them takes a minute or two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from safeguarding.corpus import Example, spread
from safeguarding.taxonomy import Severity

NEIGHBOURS = 5
"""Number of nearest examples that count (top_k)."""
ALARM = 0.1
"""Score below which Sentinel takes a message for harmless (min_score_to_consider)."""
MOST_EXAMPLES = 6000
"""Number of examples in the index, harmful and harmless ones together."""
_AT_ONCE = 1024
"""Number of messages that are compared at once, which bounds the memory."""
Vectors = npt.NDArray[np.float32]
ContrastiveScores = npt.NDArray[np.float64]


def index_examples(
    examples: Iterable[Example], most: int = MOST_EXAMPLES
) -> tuple[list[str], list[str]]:
    """Return harmful and harmless texts of the training part, at most `most`, spread over all.

    Harmful is at least urgent, because that is what is measured. Concerns are in neither list. The
    shares stay those of the training part; Sentinel allows five harmless examples a harmful one.
    """
    judged = [
        each for each in examples if each.part == "training" and each.severity != Severity.CONCERN
    ]
    chosen = spread(judged, most)
    return (
        [each.text for each in chosen if each.severity >= Severity.URGENT],
        [each.text for each in chosen if each.severity == Severity.NONE],
    )


@dataclass(frozen=True)
class ExampleIndex:
    """The examples' vectors at unit length. Neither kind may be empty."""

    harmful: Vectors
    """Shape (harmful examples, width)."""
    harmless: Vectors
    """Shape (harmless examples, width)."""

    def scores(self, messages: Vectors) -> ContrastiveScores:
        """Return a score for each message; above 0 it is closer to harmful examples.

        `messages` are vectors at unit length, shape (messages, width); the scores have the shape
        (messages,). A score is the logarithm of the mean exp(cosine) to the harmful ones among the
        nearest NEIGHBOURS examples, over that to the harmless ones. Where all of these are of one
        kind, the nearest example of the other kind stands for it.
        """
        parts = [
            self._scores(messages[start : start + _AT_ONCE])
            for start in range(0, len(messages), _AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _scores(self, messages: Vectors) -> ContrastiveScores:
        harmful, harmless = _nearest(messages, self.harmful), _nearest(messages, self.harmless)
        both = np.concatenate([harmful, harmless], axis=1)
        nearest = np.argsort(-both, axis=1, kind="stable")[:, :NEIGHBOURS]
        counts = np.zeros(both.shape, bool)
        np.put_along_axis(counts, nearest, values=True, axis=1)
        many = harmful.shape[1]
        # The nearest of a kind is among the nearest of all if any of its kind is.
        counts[:, [0, many]] = True
        weights = np.where(counts, np.exp(both), 0.0)
        scores: ContrastiveScores = np.log(
            (weights[:, :many].sum(1) / counts[:, :many].sum(1))
            / (weights[:, many:].sum(1) / counts[:, many:].sum(1))
        )
        return scores


def _nearest(messages: Vectors, examples: Vectors) -> ContrastiveScores:
    """Return the highest cosines, falling, shape (messages, at most NEIGHBOURS)."""
    cosines = messages @ examples.T
    many = min(NEIGHBOURS, len(examples))
    highest = np.partition(cosines, cosines.shape[1] - many, axis=1)[:, -many:]
    return -np.sort(-highest.astype(np.float64), axis=1)


Encode = Callable[[Sequence[str]], Vectors]


def build_index(
    examples: Iterable[Example], encode: Encode, most: int = MOST_EXAMPLES
) -> ExampleIndex:
    """Encode at most `most` examples. Raises ValueError where a kind has none."""
    harmful, harmless = index_examples(examples, most)
    if not harmful or not harmless:
        raise ValueError("an index needs harmful and harmless examples")
    return ExampleIndex(encode(harmful), encode(harmless))
