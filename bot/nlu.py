"""Reads a message for Rasa: its sentence vector, the names in it, and its intent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers import LABEL_RANKING_LENGTH
from rasa.nlu.classifiers.classifier import IntentClassifier as RasaClassifier
from rasa.nlu.constants import TOKENS_NAMES
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.nlu.constants import (
    ENTITIES,
    ENTITY_ATTRIBUTE_END,
    ENTITY_ATTRIBUTE_START,
    ENTITY_ATTRIBUTE_TYPE,
    ENTITY_ATTRIBUTE_VALUE,
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from safetensors import safe_open
from safetensors.numpy import save_file
from scipy.optimize import minimize
from typing_extensions import Self

from bot.composition import content, engine, lexicon
from bot.tracker_store import assessed_already
from safeguarding.messages import as_typed
from safeguarding.risk.assessment import WIDTH
from safeguarding.risk.encoder.kept_vectors import vectors_of
from safeguarding.risk.encoder.vectors import SentenceEncoder, read_adapter

Floats = npt.NDArray[np.float32]
_SMALLEST_STEP = 64 * float(np.finfo(np.float64).eps)
_REMEMBERED = 30
"""How many steps L-BFGS estimates the curvature from."""
_SLOPE, _MOST_STEPS = 0.1, 2000
"""When the training of intents stops. On 2,000 examples held out of training, slopes of 0.1 and
0.0001 predict the same (confidences within 0.006); 1.0 differs on 12."""
_FILE, _NAMES = "linear.safetensors", "names"


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
        read = content()
        self._patterns = {
            "area": _patterns({area: record.words for area, record in read.areas.items()}),
            "story": _patterns({id_: each.front.words for id_, each in read.stories.all().items()}),
            "tool": _patterns({id_: each.front.words for id_, each in read.tools.all().items()}),
        }

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

    def _found(self, text: str) -> list[dict[str, Any]]:
        found = []
        for name, patterns in self._patterns.items():
            for value, pattern in patterns:
                if match := pattern.search(text):
                    found.append(
                        {
                            ENTITY_ATTRIBUTE_TYPE: name,
                            ENTITY_ATTRIBUTE_VALUE: value,
                            ENTITY_ATTRIBUTE_START: match.start(),
                            ENTITY_ATTRIBUTE_END: match.end(),
                        }
                    )
                    break
        return found


def _patterns(words: Mapping[str, Sequence[str] | None]) -> list[tuple[str, re.Pattern[str]]]:
    """Return each value with a pattern of each word that names it, the longest word first."""
    by_word = [(word, value) for value, named in words.items() for word in named or ()]
    by_word.sort(key=lambda pair: -len(pair[0]))
    return [
        (value, re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE))
        for word, value in by_word
    ]


@dataclass(frozen=True)
class LinearModel:
    """Logistic regression over sentence vectors."""

    names: list[str]
    """What the rows stand for, in their order."""
    weight: Floats
    """Shape (rows, 768)."""
    bias: Floats
    """Shape (rows,)."""


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
        with model_storage.read_from(resource) as folder, safe_open(folder / _FILE, "np") as file:
            names = json.loads(file.metadata()[_NAMES])
            model = LinearModel(names, file.get_tensor("weight"), file.get_tensor("bias"))
        return cls(model_storage, resource, model)

    def keep(self, model: LinearModel) -> Resource:
        """Use this model, and save it in the folder of this component."""
        self._model = model
        names = {_NAMES: json.dumps(model.names)}
        with self._storage.write_to(self._resource) as folder:
            save_file({"weight": model.weight, "bias": model.bias}, folder / _FILE, names)
        return self._resource


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class IntentClassifier(LinearClassifier):
    """Logistic regression that keeps the frequency of intents and takes dense features.

    Rasa's LogisticRegressionClassifier balances intents, so that each of a hundred topics counts as
    much as all everyday talk, and everyday talk gets an answer about safeguarding three times as
    often. It also converts features to sparse matrices, with which sentence vectors train twenty
    times as slowly.
    """

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the weights from all examples that have an intent, and save them."""
        examples = [each for each in training_data.intent_examples if each.get(TEXT)]
        names, labels = np.unique([each.get(INTENT) for each in examples], return_inverse=True)
        weight, bias = fit(_vectors(examples), labels, tol=_SLOPE, max_iter=_MOST_STEPS)
        return self.keep(LinearModel(names.tolist(), weight, bias))

    def process(self, messages: list[Message]) -> list[Message]:
        """Set the likeliest intent, and the ranking of the next ones, on each message."""
        assert self._model is not None  # noqa: S101 - Rasa trains or loads before it asks
        # In double precision, so that small confidences stay distinct.
        scores = (_vectors(messages) @ self._model.weight.T).astype(np.float64) + self._model.bias
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        for message, row in zip(messages, scores, strict=True):
            order = np.argsort(-row, kind="stable")[:LABEL_RANKING_LENGTH]
            ranking = [
                {INTENT_NAME_KEY: self._model.names[at], PREDICTED_CONFIDENCE_KEY: float(row[at])}
                for at in order.tolist()
            ]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages


def _vectors(messages: list[Message]) -> Floats:
    """Return the sentence vectors, one a row; zeros for a message without a word."""
    dense = [message.get_dense_features(attribute=TEXT)[1] for message in messages]
    nothing = np.zeros((1, WIDTH), np.float32)
    return np.vstack([found.features if found else nothing for found in dense])


def fit(x: Floats, y: npt.NDArray[np.intp], *, tol: float, max_iter: int) -> tuple[Floats, Floats]:
    """Return weights of shape (classes, features), and intercepts.

    `x` has a row and `y` a class (0, 1, …) for each example. It minimises what scikit-learn's
    LogisticRegression minimises with C = 1: the summed log loss and half the squared weights,
    without the intercepts. It stops when no slope of that sum exceeds `tol`. scikit-learn 1.1
    computes in double precision, which takes twice as long and changes no prediction.
    """
    count, width = x.shape
    classes = int(y.max()) + 1
    mean = x.mean(axis=0, dtype=np.float64).astype(np.float32)
    with_one = np.hstack([x.astype(np.float32) - mean, np.ones((count, 1), np.float32)])
    rows = np.arange(count)

    def loss_and_slopes(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        weights = flat.reshape(width + 1, classes).astype(np.float32)
        scores = with_one @ weights
        scores -= scores.max(axis=1, keepdims=True)
        right = scores[rows, y].sum(dtype=np.float64)
        np.exp(scores, out=scores)
        sums = scores.sum(axis=1, keepdims=True)
        loss = np.log(sums).sum(dtype=np.float64) - right
        scores /= sums
        scores[rows, y] -= 1
        slopes = with_one.T @ scores
        weights[-1] = 0
        slopes += weights
        penalty = np.square(weights).sum(dtype=np.float64) / 2
        return float(loss + penalty), slopes.ravel().astype(np.float64)

    found = minimize(
        loss_and_slopes,
        np.zeros((width + 1) * classes),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": max_iter, "gtol": tol, "ftol": _SMALLEST_STEP, "maxcor": _REMEMBERED},
    )
    solution = found.x.reshape(width + 1, classes).astype(np.float32)
    weights = solution[:-1].T
    return np.ascontiguousarray(weights), solution[-1] - weights @ mean
