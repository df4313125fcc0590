"""Reads a message for Rasa: its sentence vector, the names in it, and its intent."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier as RasaClassifier
from rasa.nlu.constants import TOKENS_NAMES
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.nlu.constants import (
    ENTITIES,
    INTENT,
    INTENT_RANKING_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from typing_extensions import Self

from bot.composition import content, engine, lexicon
from bot.tracker_store import assessed_already
from safeguarding.answering.names import ContentNames
from safeguarding.answering.topics import LinearModel
from safeguarding.messages import as_typed
from safeguarding.risk.assessment import WIDTH
from safeguarding.risk.encoder.kept_vectors import vectors_of
from safeguarding.risk.encoder.vectors import SentenceEncoder, read_adapter

Floats = npt.NDArray[np.float32]
_FILE = "linear.safetensors"


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


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class ContentEntityExtractor(GraphComponent, EntityExtractorMixin):
    """Finds at most one area, one story and one tool in a message: the one with the longest name.

    A message can name two tools ("report on snapchat"): the longer name is the more exact one.
    """

    def __init__(self) -> None:
        """Take the words from the content. Raises ContentError."""
        self._found = ContentNames(content())

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> ContentEntityExtractor:
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            if found := self._found(message.get(TEXT) or ""):
                known = message.get(ENTITIES) or []
                message.set(ENTITIES, [*known, *found], add_to_output=True)
        return messages


class LinearClassifier(GraphComponent, RasaClassifier):
    """The base of the classifiers with a LinearModel, which is part of the model that Rasa trains.

    Rasa's own classifier saves itself in a format whose reader takes four seconds to import.
    """

    def __init__(
        self, storage: ModelStorage, resource: Resource, model: LinearModel | None = None
    ) -> None:
        """`model` is None before training."""
        self._storage = storage
        self._resource = resource
        self._model = model

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> Self:
        return cls(model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> Self:
        with model_storage.read_from(resource) as folder:
            model = LinearModel.read(folder / _FILE)
        return cls(model_storage, resource, model)

    def keep(self, model: LinearModel) -> Resource:
        """Use this model, and save it in the folder of this component."""
        self._model = model
        with self._storage.write_to(self._resource) as folder:
            model.write(folder / _FILE)
        return self._resource


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class IntentClassifier(LinearClassifier):
    """Logistic regression that keeps the frequency of intents and takes dense features.

    Rasa's LogisticRegressionClassifier balances intents, so that each of a hundred topics counts as
    much as all everyday talk, and everyday talk gets an answer about safeguarding three times as
    often. It also converts features to sparse matrices, with which sentence vectors train twenty
    times as slowly. The gateway reads messages by the same model where there is no Rasa.
    """

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the weights from all examples that have an intent, and save them."""
        examples = [each for each in training_data.intent_examples if each.get(TEXT)]
        intents = [each.get(INTENT) for each in examples]
        return self.keep(LinearModel.learned(intents, _vectors(examples)))

    def process(self, messages: list[Message]) -> list[Message]:
        """Set the likeliest intent, and the ranking of the next ones, on each message."""
        assert self._model is not None  # noqa: S101 - Rasa trains or loads before it asks
        rankings = self._model.rankings(_vectors(messages))
        for message, ranking in zip(messages, rankings, strict=True):
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages


def _vectors(messages: list[Message]) -> Floats:
    """Return the sentence vectors, one a row; zeros for a message without a word."""
    dense = [message.get_dense_features(attribute=TEXT)[1] for message in messages]
    nothing = np.zeros((1, WIDTH), np.float32)
    return np.vstack([found.features if found else nothing for found in dense])
