"""Reads a message after what was said before: the encoder of the dialogue, and the second reader.

The network of the risk engine reads the words of a message alone, and was taught on sentences. The
encoder of the dialogue (docs/adr/0044) was taught on conversations, and reads a message after a
line of what came before. The second reader (docs/adr/0045) is a small network on its vectors. It
was taught the severity and the need of the same sentences, of real everyday text and of turns in
conversations (lab/training/second_reader.py). The two networks make different mistakes, so
`make calibrate` weighs both.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from safeguarding.artifacts import DIALOGUE_ADAPTER, SECOND_READER, checked, manifest
from safeguarding.records import ContentError, Problem
from safeguarding.risk.encoder.vectors import (
    AFTER,
    DIALOGUE_ONNX,
    Encoded,
    Floats,
    SentenceEncoder,
    WeightsError,
    read_adapter,
    read_arrays,
)
from safeguarding.risk.thresholds import STEPS, Steps
from safeguarding.taxonomy import taxonomy

SCALE = np.float32(10.0)
"""Factor of the unit-length vectors before the first layer."""
_OF_PREVIOUS, _OF_LANTERN = 160, 120
"""Characters that are read of the person's message before, and of what Lantern said then."""
_MOST_CALMED = 3.0
"""Most by which what came before lowers a score. Of the training texts that stand after others most
are harmless, so the reader would trust the place more than the words: "got one in the car now shes
crying" fell by seven after a driver's question about his name."""
MADE_FROM, NEEDS = "made_from", "needs"
"""The keys of the artifact's metadata that name the dialogue's adapter, and the needs."""


@dataclass(frozen=True)
class SecondReading:
    """What the second reader makes of one text."""

    steps: Steps
    """The scores (log-odds before calibration) of each severity."""
    need: str
    """The taxonomy's need that is likeliest if the text shows a risk, immediate danger aside."""


@dataclass(frozen=True)
class SecondReader:
    """Reads a text after its context. Safe to share between threads."""

    encode: Callable[[str], Encoded]
    """Gives the dialogue encoder's vectors of canonical words, perhaps after a context."""
    needs: tuple[str, ...]
    hidden_weight: Floats
    """Shape (units, 768)."""
    hidden_bias: Floats
    weight: Floats
    """Shape (3 + needs, units): a row for each of STEPS, and one for each need."""
    bias: Floats

    def read(self, canonical: str, context: str = "") -> SecondReading:
        """Read canonical words between single spaces; `context` is the result of `context_of`.

        What came before lowers no score by more than _MOST_CALMED. Raises WeightsError, also where
        a score is no number.
        """
        found = self._read(in_context(canonical, context))
        if not context:
            return found
        alone = self._read(canonical)
        concern, urgent, immediate = (
            max(score, own - _MOST_CALMED)
            for score, own in zip(found.steps, alone.steps, strict=True)
        )
        return SecondReading((concern, urgent, immediate), found.need)

    def _read(self, text: str) -> SecondReading:
        vector = self.encode(text).vector
        hidden = np.maximum(self.hidden_weight @ (SCALE * vector) + self.hidden_bias, 0)
        scores = self.weight @ hidden + self.bias
        if not np.isfinite(scores).all():
            raise WeightsError("the second reader's scores are no numbers")
        concern, urgent, immediate, *needs = map(float, scores)
        return SecondReading((concern, urgent, immediate), self.needs[int(np.argmax(needs))])


def read_second_reader(encode: Callable[[str], Encoded], path: Path | None = None) -> SecondReader:
    """Read the artifact; `encode` gives the dialogue encoder's vectors.

    Raises ContentError if it is missing, not the one of the manifest, or made for another encoder.
    """
    path = path or checked(SECOND_READER)
    try:
        arrays, facts = read_arrays(path)
        needs = tuple(json.loads(facts[NEEDS]))
        found = SecondReader(encode, needs, **arrays)
    except (WeightsError, KeyError, TypeError, ValueError) as error:
        raise ContentError([Problem(path, 1, f"cannot be read: {error}")]) from None
    if facts.get(MADE_FROM) != manifest()[DIALOGUE_ADAPTER].version:
        what = "was trained on the vectors of another encoder: run `make second-reader`"
        raise ContentError([Problem(path, 1, what)])
    if len(found.weight) != len(STEPS) + len(needs) or not {*needs} <= {*taxonomy().needs}:
        raise ContentError([Problem(path, 1, "has other outputs than severities and needs")])
    return found


def context_of(previous: str, said: str) -> str:
    """Return the line that the encoder reads before a message; empty if nothing came before.

    `previous` are the person's words before, `said` the labels of what Lantern answered; both are
    canonical.
    """
    if not previous and not said:
        return ""
    return f"{previous[-_OF_PREVIOUS:]} / {said[:_OF_LANTERN]}"


def in_context(canonical: str, context: str) -> str:
    """Return a text as the encoder reads it after this context."""
    return f"{context}{AFTER}{canonical}" if context else canonical


def sentence_encoder() -> SentenceEncoder:
    """Return the dialogue's encoder. Raises ContentError or WeightsError."""
    return SentenceEncoder(read_adapter(checked(DIALOGUE_ADAPTER)).version, DIALOGUE_ONNX)


def loaded_encoder() -> Callable[[str], Encoded]:
    """Return what gives the dialogue encoder's vectors of a text, with its network loaded.

    Raises ContentError or WeightsError.
    """
    encoder = sentence_encoder()
    _ = encoder.network  # before a child waits for it
    return encoder.encode
