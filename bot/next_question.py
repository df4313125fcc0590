"""What is asked next, after something was told or read: how likely a message is each follow-up.

Each follow-up of content/follow_ups names the words by which it is asked. A classifier learns them
beside everyday talk; which of them makes sense in the conversation, bot.risk_screen decides.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from safetensors.numpy import load_file, save_file

from bot.composition import content
from bot.intent_classifier import fit
from bot.sentence_featurizer import lexicon
from safeguarding.risk.encoder.adapter import read_adapter
from safeguarding.risk.encoder.kept_vectors import read_kept_vectors
from safeguarding.risk.encoder.vectors import SentenceEncoder, unit
from safeguarding.taxonomy import taxonomy

NEXT = "next_questions"
"""The key of a message under which each follow-up's probability stands, by its id."""
_FILE, _NAMES = "asked.safetensors", "names.json"
_SCALE = np.float32(30**0.5)
"""As if C were 30 in scikit-learn's LogisticRegression: of 3 to 300 the best on held-out words."""
_EVERYDAY = 1_500
"""Examples of small talk and everyday talk that are learned as none of them."""
Floats = npt.NDArray[np.float32]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class NextQuestion(GraphComponent, IntentClassifier):
    """Says how likely a message is each of the follow-ups. It changes no intent."""

    def __init__(
        self,
        storage: ModelStorage,
        resource: Resource,
        weights: tuple[Floats, Floats] | None = None,
        names: list[str] | None = None,
    ) -> None:
        """`weights` are those of each follow-up in `names`, and of none of them, last."""
        self._storage = storage
        self._resource = resource
        self._weights = weights
        self._names = names or []

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> NextQuestion:
        return cls(model_storage, resource)

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        # Other words must not meet the model of these.
        asked = {id_: each.asked for id_, each in content().follow_ups.all().items()}
        return f"{read_adapter().version} {json.dumps(asked, sort_keys=True)}"

    def train(self, training_data: TrainingData) -> Resource:
        """Learn by what words each follow-up is asked, beside the small talk of the examples."""
        every = content().follow_ups.all()
        self._names = sorted(every)
        asked = [(at, text) for at, id_ in enumerate(self._names) for text in every[id_].asked]
        normaliser = lexicon().normaliser
        texts = [" ".join(normaliser(text).words) for _, text in asked]
        rows = read_kept_vectors(SentenceEncoder(read_adapter().version)).of(texts)
        everyday = _everyday(training_data)
        labels = [at for at, _ in asked] + [len(self._names)] * len(everyday)
        x = np.vstack([rows, *everyday]) * _SCALE
        weight, bias, _ = fit(x, np.array(labels, np.intp), tol=0.1, max_iter=500)
        self._weights = (weight.astype(np.float32), bias.astype(np.float32))
        with self._storage.write_to(self._resource) as folder:
            save_file({"weight": np.ascontiguousarray(weight), "bias": bias}, folder / _FILE)
            (folder / _NAMES).write_text(json.dumps(self._names), "utf-8")
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> NextQuestion:
        with model_storage.read_from(resource) as folder:
            kept = load_file(folder / _FILE)
            names = json.loads((folder / _NAMES).read_text("utf-8"))
        return cls(model_storage, resource, (kept["weight"], kept["bias"]), names)

    def process(self, messages: list[Message]) -> list[Message]:
        """Put the probabilities, between 0 and 1, beside each message that has a vector."""
        for message in messages:
            vector = _vector(message)
            if vector is not None and self._weights is not None:
                message.set(NEXT, self._probabilities(vector))
        return messages

    def _probabilities(self, vector: Floats) -> dict[str, float]:
        assert self._weights is not None  # noqa: S101 - `process` has asked
        weight, bias = self._weights
        scores = weight @ (vector * _SCALE) + bias
        chances = np.exp(scores - scores.max())
        chances /= chances.sum()
        return dict(zip(self._names, map(float, chances[:-1]), strict=True))


def _vector(message: Message) -> Floats | None:
    """The unit-length vector of a message; None of one without words."""
    _, features = message.get_dense_features(attribute=TEXT)
    if features is None:
        return None
    found: Floats = unit(np.asarray(features.features[0], np.float32))
    return found


def _everyday(training_data: TrainingData) -> list[Floats]:
    """Vectors of some small talk and everyday talk."""
    talk = [
        vector
        for example in training_data.training_examples
        if example.get(INTENT) in taxonomy().small_talk and (vector := _vector(example)) is not None
    ]
    return talk[:: max(1, len(talk) // _EVERYDAY)]
