"""What the risk engine makes of a message, and how it goes from the gateway to Rasa."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from safeguarding.risk.assessment import Assessment

Floats = npt.NDArray[np.float32]
_LITTLE_ENDIAN = "<f4"
WIDTH = 768
"""Numbers in a sentence vector: those of safeguarding.risk.encoder.vectors."""


@dataclass(frozen=True)
class Analysis:
    """Everything that the risk engine makes of one message, in one pass."""

    assessment: Assessment
    canonical: str
    """The words as the lexicon and the encoder read them."""
    vector: Floats | None
    """The unit-length sentence vector of the whole message, shape (768,); None when there is no
    encoder, or when it failed: the assessment counts all the same."""


@dataclass(frozen=True)
class AssessedMessage:
    """The risk engine's verdict on a message, and what the encoder makes of it."""

    assessment: Assessment
    vector: Floats | None
    """The unit-length sentence vector, shape (768,), from which the topic is read; None for a
    message without a word in it."""
    language: str | None = None
    """The code of the other language that it is in, of those in content/languages."""

    def as_record(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary, as the gateway hands it to Rasa's channel.

        The vector becomes 32-bit little-endian floats in base64.
        """
        vector = _packed(self.vector) if self.vector is not None else None
        record = {"assessment": self.assessment.as_record(), "vector": vector}
        return record | ({"language": self.language} if self.language else {})

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> AssessedMessage:
        """Read the result of `as_record`. Raises KeyError, TypeError or ValueError."""
        vector = record["vector"]
        return cls(
            Assessment.from_record(record["assessment"]),
            _unpacked(vector) if vector is not None else None,
            record.get("language"),
        )


def _packed(vector: Floats) -> str:
    return b64encode(vector.astype(_LITTLE_ENDIAN).tobytes()).decode("ascii")


def _unpacked(packed: str) -> Floats:
    vector = np.frombuffer(b64decode(packed, validate=True), dtype=_LITTLE_ENDIAN)
    if len(vector) != WIDTH:
        raise ValueError(f"a vector of {len(vector)} numbers, not {WIDTH}")
    return vector.astype(np.float32)
