"""The second witness: a linear model over letters and words, without any encoder.

It learns from the same sentences as the encoder (lab/training/witness.py) but sees the spelling
instead of the meaning, so it makes other mistakes; the calibration weighs both. A message takes
less than a millisecond. Features are hashed into a fixed number of places (Weinberger et al. 2009,
"Feature hashing for large scale multitask learning"), so the file holds no words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import numpy.typing as npt

from safeguarding import artifacts
from safeguarding.risk.encoder.vectors import WeightsError, read_arrays

PLACES = 1 << 18
"""Number of places that features are hashed into."""
_STEPS = 3
_SHORTEST, _LONGEST = 2, 5
"""Number of letters that are read together, within a word and the spaces around it."""
_RUN = 3
"""Largest number of words that are read together."""
CONCERN_AFTER = 1.0
"""How many log-odds more likely a concern must be to come before an urgent message."""
Floats = npt.NDArray[np.float32]


def features(text: str) -> npt.NDArray[np.int64]:
    """Return the sorted places of the runs of letters and words in `text` as typed.

    It reads no canonical words, so that it sees what the normaliser corrects wrongly. (Trained on
    25,000 sentences it found 62 % of the development part's urgent messages at 3 % false alarms in
    the text as typed, and 52 % in canonical words.)
    """
    return np.unique(np.fromiter(_hashed(text), np.int64))


def _hashed(text: str) -> Iterator[int]:
    words = [word.encode("utf-8", "replace") for word in text.casefold().split()]
    for at, word in enumerate(words):
        for count in range(1, _RUN + 1):
            if at + count <= len(words):
                yield crc32(b"w " + b" ".join(words[at : at + count])) % PLACES
        padded = b" " + word + b" "
        for length in range(_SHORTEST, _LONGEST + 1):
            for start in range(len(padded) - length + 1):
                yield crc32(padded[start : start + length]) % PLACES
        if at + 1 < len(words):
            yield crc32(b"j" + word[-2:] + b" " + words[at + 1][:3]) % PLACES


@dataclass(frozen=True)
class Witness:
    """The weights, as artifacts/witness.safetensors holds them."""

    weights: npt.NDArray[np.float16]
    """Shape (PLACES, 3): for at least concern, at least urgent, immediate."""
    offsets: Floats
    """Shape (3,)."""

    def scores(self, text: str) -> tuple[float, float, float]:
        """Return the log-odds, before calibration, of each step of severity of a typed text."""
        found = features(text)
        total = self.weights[found].astype(np.float32).sum(axis=0) / np.sqrt(max(len(found), 1))
        concern, urgent, immediate = total + self.offsets
        return float(concern), float(urgent), float(immediate)

    def urgent(self, text: str) -> float:
        """Return the score of "at least urgent"."""
        return self.scores(text)[1]

    def alarm(self, text: str) -> float:
        """Return a score by which messages that wait are ordered: urgent ones, then concerns.

        Of 1,200 risk and 5,000 harmless sentences, the first two fifths by it hold 98 % of the risk
        ones, and 91 % by `urgent` alone. (The witness has learned from most of them.)
        """
        concern, urgent, _ = self.scores(text)
        return max(urgent, concern - CONCERN_AFTER)


def read_witness(path: Path | None = None) -> Witness:
    """Read the witness from `path`, by default the project's.

    Raises ContentError or WeightsError.
    """
    path = path or artifacts.checked(artifacts.WITNESS)
    arrays, _ = read_arrays(path)
    shapes = {name: array.shape for name, array in arrays.items()}
    if shapes != {"weights": (PLACES, _STEPS), "offsets": (_STEPS,)}:
        raise WeightsError(f"{path.name} holds arrays of other shapes: {shapes}")
    return Witness(arrays["weights"].astype(np.float16), arrays["offsets"])
