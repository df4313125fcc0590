"""Rasa's logistic regression, with intents as likely as they are in the examples."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.logistic_regression_classifier import LogisticRegressionClassifier
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.optimize import minimize

from safeguarding.risk.encoder.vectors import WIDTH

Floats = npt.NDArray[np.float32]
_SMALLEST_STEP = 64 * float(np.finfo(np.float64).eps)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class IntentClassifier(LogisticRegressionClassifier):
    """Does not make rare intents as likely as frequent ones, and takes dense features as they are.

    Rasa balances intents, so that each of a hundred topics counts as much as all everyday talk, and
    everyday talk gets an answer about safeguarding three times as often. It also keeps features as
    sparse matrices, in which sentence vectors learn twenty times as slowly, and computes in double
    precision to a tolerance that no prediction needs.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        # On 2,000 examples that were held out of training, 0.1 and 0.0001 predict the same
        # (confidences within 0.006), 1.0 differs on 12.
        return {**LogisticRegressionClassifier.get_default_config(), "tol": 0.1, "max_iter": 2000}

    def __init__(
        self,
        config: dict[str, Any],
        name: str,
        model_storage: ModelStorage,
        resource: Resource,
    ) -> None:
        super().__init__(config, name, model_storage, resource)
        self.clf.set_params(class_weight=None, multi_class="multinomial")

    def train(self, training_data: TrainingData) -> Resource:
        """Train the classifier; what is kept is scikit-learn's, with our weights."""
        features, intents = self._create_training_matrix(training_data)
        self.clf.classes_, y = np.unique(intents, return_inverse=True)
        tol, max_iter = self.config["tol"], self.config["max_iter"]
        self.clf.coef_, self.clf.intercept_, steps = fit(features, y, tol=tol, max_iter=max_iter)
        self.clf.n_features_in_, self.clf.n_iter_ = features.shape[1], np.array([steps])
        self.persist()
        return self._resource

    def _create_X(self, messages: list[Message]) -> npt.NDArray[np.float64]:  # noqa: N802 - Rasa's
        """The sentence vectors of `messages`, one a row; zeros where a message has no word.

        In double precision, so that confidences are too: only those can be written to the tracker
        (a NumPy float64 is a Python float, a float32 is not, and JSON takes none).
        """
        dense = [message.get_dense_features(attribute=TEXT)[1] for message in messages]
        nothing = np.zeros((1, WIDTH), np.float32)
        rows = [found.features if found else nothing for found in dense]
        return np.vstack(rows).astype(np.float64)


def fit(
    x: Floats, y: npt.NDArray[np.intp], *, tol: float, max_iter: int
) -> tuple[Floats, Floats, int]:
    """Weights, shape (classes, features), intercepts, and how many steps it took.

    `x` has a row and `y` a class (0, 1, …) for each example. It minimises what scikit-learn's
    LogisticRegression does with C = 1: the summed log loss and half the squared weights, intercepts
    left out. Steps end when no slope of that sum exceeds `tol`. scikit-learn 1.1 computes in double
    precision, which takes twice as long and changes no prediction.
    """
    count, width = x.shape
    classes = int(y.max()) + 1
    with_one = np.hstack([x.astype(np.float32), np.ones((count, 1), np.float32)])
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
        options={"maxiter": max_iter, "gtol": tol, "ftol": _SMALLEST_STEP},
    )
    solution = found.x.reshape(width + 1, classes).astype(np.float32)
    return solution[:-1].T, solution[-1], int(found.nit)
