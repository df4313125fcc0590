"""A message as the encoders see it: both of them, once a message, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from safeguarding.encoders.minilm import Encoded, minilm
from safeguarding.encoders.use import universal_sentence_encoder

_KEPT = 16
"""Texts whose vectors are kept: topic and risk of one message ask one after the other."""


@dataclass(frozen=True)
class Vectors:
    """What the two encoders make of one text."""

    minilm: Encoded
    use: npt.NDArray[np.float32]
    """Unit length, shape (512,)."""


def encode(text: str) -> Vectors:
    """The vectors of `text` (canonical words, joined by spaces)."""
    return Vectors(minilm().encode(text), universal_sentence_encoder().encode(text))


@cache
def sentence_vectors() -> Callable[[str], Vectors]:
    """`encode`, which remembers the last few texts. Raises WeightsError."""
    return lru_cache(maxsize=_KEPT)(encode)
