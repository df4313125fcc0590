"""The classifier of topics and small talk: logistic regression over sentence vectors.

Rasa trains it as a part of its model, and `python -m lantern train-topics` without Rasa, from the
same examples.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from safeguarding.answering.fitting import fit
from safeguarding.answering.parsed import Guess
from safeguarding.dialogue.plan import NOT_UNDERSTOOD
from safeguarding.records import ContentError, Problem
from safeguarding.risk.assessment import WIDTH
from safeguarding.taxonomy import ROOT

FILE = ROOT / "models" / "topics.safetensors"
CONFIG = ROOT / "config.yml"
RANKED = 10
"""How many intents a ranking holds: as many as Rasa keeps."""
_SLOPE, _MOST_STEPS = 0.1, 2000
"""When the training of intents stops. On 2,000 examples held out of training, slopes of 0.1 and
0.0001 predict the same (confidences within 0.006); 1.0 differs on 12."""
_NAMES = "names"
_WORDLESS = "wordless"
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class LinearModel:
    """Logistic regression over sentence vectors."""

    names: list[str]
    """What the rows stand for, in their order."""
    weight: Floats
    """Shape (rows, 768)."""
    bias: Floats
    """Shape (rows,)."""

    @classmethod
    def learned(cls, intents: Sequence[str], vectors: Floats) -> LinearModel:
        """Return the model of these examples: an intent, and a row of `vectors`, for each."""
        names, labels = np.unique(intents, return_inverse=True)
        weight, bias = fit(vectors, labels, tol=_SLOPE, max_iter=_MOST_STEPS)
        return cls(names.tolist(), weight, bias)

    def rankings(self, vectors: Floats) -> list[list[Guess]]:
        """Return the likeliest intents for each row, the surest first."""
        # In double precision, so that small confidences stay distinct.
        scores = (vectors @ self.weight.T).astype(np.float64) + self.bias
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        return [
            [
                Guess(name=self.names[at], confidence=float(row[at]))
                for at in np.argsort(-row, kind="stable")[:RANKED].tolist()
            ]
            for row in scores
        ]

    def write(self, path: Path, more: Mapping[str, Floats] | None = None) -> None:
        """Write the file, with `more` arrays beside the model's own."""
        arrays = {"weight": self.weight, "bias": self.bias, **(more or {})}
        save_file(arrays, path, {_NAMES: json.dumps(self.names)})

    @classmethod
    def read(cls, path: Path) -> LinearModel:
        """Read what `write` wrote. Raises what safetensors raises."""
        with safe_open(path, "np") as file:
            names = json.loads(file.metadata()[_NAMES])
            return cls(names, file.get_tensor("weight"), file.get_tensor("bias"))


@dataclass(frozen=True)
class Pipeline:
    """The numbers of config.yml by which a ranking becomes an intent."""

    scale: float
    """The factor of the unit-length vector, which sets how closely the examples are fitted."""
    least: float
    """The confidence below which no intent counts."""
    ahead: float
    """How far the surest intent must be ahead of the next."""

    @classmethod
    def read(cls, path: Path = CONFIG) -> Pipeline:
        """Read the settings of Rasa's pipeline. Raises ContentError."""
        steps = {step["name"]: step for step in yaml.safe_load(path.read_text("utf-8"))["pipeline"]}
        try:
            featurizer, fallback = steps["bot.nlu.SentenceFeaturizer"], steps["FallbackClassifier"]
            return cls(
                featurizer["sentence_scale"], fallback["threshold"], fallback["ambiguity_threshold"]
            )
        except KeyError as error:
            raise ContentError([Problem(path, 1, f"the pipeline lacks {error}")]) from None


class TopicClassifier:
    """Ranks the intents of a message as Rasa's pipeline does, without Rasa."""

    def __init__(self, model: LinearModel, wordless: Floats, pipeline: Pipeline) -> None:
        """`wordless` is the vector of a message in which there is no word."""
        self._model = model
        self._wordless = wordless
        self._pipeline = pipeline

    @classmethod
    def load(cls, path: Path = FILE) -> TopicClassifier:
        """Read the classifier that `train-topics` wrote. Raises ContentError."""
        try:
            with safe_open(path, "np") as file:
                wordless = file.get_tensor(_WORDLESS)
            return cls(LinearModel.read(path), wordless, Pipeline.read())
        except (OSError, SafetensorError):
            problem = Problem(path, 1, "cannot be read: run `make topics`")
            raise ContentError([problem]) from None

    def with_model(self, model: LinearModel) -> TopicClassifier:
        """Return the same with another model."""
        return TopicClassifier(model, self._wordless, self._pipeline)

    def ranking(self, vector: Floats | None) -> list[Guess]:
        """Return the intents, the surest first; "not understood" leads where none is sure enough.

        `vector` is the message's unit-length vector; None for a message without a word.
        """
        row = self._wordless if vector is None else vector
        (guesses,) = self._model.rankings(row[np.newaxis] * np.float32(self._pipeline.scale))
        first, second = (each["confidence"] for each in guesses[:2])
        if first < self._pipeline.least or first - second < self._pipeline.ahead:
            return [Guess(name=NOT_UNDERSTOOD, confidence=self._pipeline.least), *guesses]
        return guesses


def train(intents: Sequence[str], vectors: Floats, wordless: Floats, path: Path = FILE) -> None:
    """Write the classifier of these examples, whole or not at all.

    `vectors` are of unit length, and so is `wordless`, the vector of a message without a word.
    """
    assert vectors.shape[1] == WIDTH  # noqa: S101 - a wrong shape is a mistake of the caller
    model = LinearModel.learned(intents, vectors * np.float32(Pipeline.read().scale))
    part = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    model.write(part, {_WORDLESS: wordless.astype(np.float32)})
    part.replace(path)
