"""What the two dense featurizers share: one sentence vector per message, no token vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import TOKENS_NAMES
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.text import as_typed
from safeguarding.encoders.sentences import Vectors, sentence_vectors
from safeguarding.risk.engine import risk_engine


class SentenceFeaturizer(DenseFeaturizer, GraphComponent, ABC):
    """Adds the sentence vector that a subclass's encoder makes of the text.

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
        """Nothing to check: the one key is a number."""

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        # Other weights or another normaliser must not meet Rasa's cached features.
        return f"{cls.weights_version()} {risk_engine().version}"

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SentenceFeaturizer:
        made = cls(execution_context.node_name, config)
        made.encode("hello")  # loads the weights: a server that says it is ready must be quick
        return made

    @classmethod
    @abstractmethod
    def weights_version(cls) -> str:
        """What names the encoder's weights."""

    @abstractmethod
    def chosen(self, vectors: Vectors) -> npt.NDArray[np.float32]:
        """This encoder's vector, of unit length."""

    def encode(self, text: str) -> npt.NDArray[np.float32]:
        """One vector of unit length for a text; the risk screen need not make it again."""
        return self.chosen(sentence_vectors()(risk_engine().canonical(as_typed(text))))

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text = message.get(TEXT)
            if text and message.get(TOKENS_NAMES[TEXT]):
                vector = self.encode(text) * np.float32(self._config["sentence_scale"])
                self.add_features_to_message(None, vector[np.newaxis], TEXT, message)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        self.process(training_data.training_examples)
        return training_data
