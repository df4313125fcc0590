"""Classifies the intent of a message by logistic regression on its sentence vector."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers import LABEL_RANKING_LENGTH
from rasa.nlu.classifiers.classifier import IntentClassifier as RasaClassifier
from rasa.shared.nlu.constants import (
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from safetensors.numpy import load_file, save_file
from scipy.optimize import minimize

from safeguarding.risk.assessment import WIDTH

Floats = npt.NDArray[np.float32]
_SMALLEST_STEP = 64 * float(np.finfo(np.float64).eps)
_REMEMBERED = 30
"""How many steps L-BFGS estimates the curvature from."""
_FILE, _NAMES = "intents.safetensors", "names.json"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class IntentClassifier(GraphComponent, RasaClassifier):
    """Logistic regression that keeps the frequency of intents and takes dense features.

    Rasa's LogisticRegressionClassifier balances intents, so that each of a hundred topics counts as
    much as all everyday talk, and everyday talk gets an answer about safeguarding three times as
    often. It also converts features to sparse matrices, with which sentence vectors train twenty
    times as slowly, and saves itself in a format whose reader takes four seconds to import.
    """

    def __init__(
        self,
        config: dict[str, Any],
        storage: ModelStorage,
        resource: Resource,
        weights: tuple[Floats, Floats] | None = None,
        names: list[str] | None = None,
    ) -> None:
        """`weights` are a matrix of shape (intents, 768) and offsets, in the order of `names`."""
        self.config = {**self.get_default_config(), **config}
        self._storage = storage
        self._resource = resource
        self._weights = weights
        self._names = names or []

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        # On 2,000 examples held out of training, tolerances of 0.1 and 0.0001 predict the same
        # (confidences within 0.006); 1.0 differs on 12.
        return {"tol": 0.1, "max_iter": 2000, "ranking_length": LABEL_RANKING_LENGTH}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> IntentClassifier:
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the weights from all examples that have an intent, and save them."""
        examples = [each for each in training_data.intent_examples if each.get(TEXT)]
        names, labels = np.unique([each.get(INTENT) for each in examples], return_inverse=True)
        tol, most = self.config["tol"], self.config["max_iter"]
        weight, bias, _ = fit(_vectors(examples), labels, tol=tol, max_iter=most)
        self._names, self._weights = names.tolist(), (np.ascontiguousarray(weight), bias)
        with self._storage.write_to(self._resource) as folder:
            save_file({"weight": self._weights[0], "bias": bias}, folder / _FILE)
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
    ) -> IntentClassifier:
        with model_storage.read_from(resource) as folder:
            kept = load_file(folder / _FILE)
            names = json.loads((folder / _NAMES).read_text("utf-8"))
        return cls(config, model_storage, resource, (kept["weight"], kept["bias"]), names)

    def process(self, messages: list[Message]) -> list[Message]:
        """Set the likeliest intent, and the ranking of the next ones, on each message."""
        assert self._weights is not None  # noqa: S101 - Rasa trains or loads before it asks
        weight, bias = self._weights
        # In double precision, so that small confidences stay distinct.
        scores = (_vectors(messages) @ weight.T).astype(np.float64) + bias
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        for message, row in zip(messages, scores, strict=True):
            order = np.argsort(-row, kind="stable")[: self.config["ranking_length"]]
            ranking = [
                {INTENT_NAME_KEY: self._names[at], PREDICTED_CONFIDENCE_KEY: float(row[at])}
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


def fit(
    x: Floats, y: npt.NDArray[np.intp], *, tol: float, max_iter: int
) -> tuple[Floats, Floats, int]:
    """Return weights of shape (classes, features), intercepts, and the number of steps.

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
    return weights, solution[-1] - weights @ mean, int(found.nit)
