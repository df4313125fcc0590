"""Sentence features for Rasa: the encoder's vector of a message, without token features."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import TOKENS_NAMES
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.composition import engine
from bot.tracker_store import assessed_already
from safeguarding.messages import as_typed
from safeguarding.risk.encoder.kept_vectors import vectors_of
from safeguarding.risk.encoder.vectors import SentenceEncoder, read_adapter

if TYPE_CHECKING:
    from safeguarding.risk.lexicon.reader import Lexicon

Floats = npt.NDArray[np.float32]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceFeaturizer(DenseFeaturizer, GraphComponent):
    """Adds the 768 numbers of the adapted encoder.

    The gateway sends them with the message; if it did not, the risk engine computes them.
    `sentence_scale` multiplies the unit-length vector: Rasa's LogisticRegressionClassifier fixes
    C = 1, and a scale of s has the effect of C = s * s.
    """

    @classmethod
    def required_components(cls) -> list[type]:
        return [Tokenizer]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {**DenseFeaturizer.get_default_config(), "sentence_scale": 1.0}

    @classmethod
    def validate_config(cls, config: dict[str, Any]) -> None:
        """Accept every configuration: its one key is a number."""

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        # Other weights or another normaliser must not meet Rasa's cached features.
        return f"{read_adapter().version} {lexicon().version}"

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SentenceFeaturizer:
        return cls(execution_context.node_name, config)

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            if _has_words(message):
                self._add(_vector(as_typed(message.get(TEXT))), message)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add the vectors of all examples, computed in one batch."""
        messages = [each for each in training_data.training_examples if _has_words(each)]
        normaliser = lexicon().normaliser
        texts = [" ".join(normaliser(as_typed(each.get(TEXT))).words) for each in messages]
        vectors = vectors_of(SentenceEncoder(read_adapter().version), texts)
        for message, vector in zip(messages, vectors, strict=True):
            self._add(vector, message)
        return training_data

    def _add(self, vector: Floats, message: Message) -> None:
        scaled = vector * np.float32(self._config["sentence_scale"])
        self.add_features_to_message(None, scaled[np.newaxis], TEXT, message)


def _vector(text: str) -> Floats:
    assessed = assessed_already()
    if assessed is not None and assessed.vector is not None:
        return assessed.vector
    return engine().vector(text)


def _has_words(message: Message) -> bool:
    return bool(message.get(TEXT) and message.get(TOKENS_NAMES[TEXT]))


@cache
def lexicon() -> Lexicon:
    """Return the lexicon alone: training needs its normaliser, but no risk engine."""
    from safeguarding.risk.lexicon.reader import read_lexicon  # noqa: PLC0415 - spaCy

    return read_lexicon()
