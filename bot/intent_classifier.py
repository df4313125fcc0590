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

from safeguarding.encoders import minilm, use

WIDTH = minilm.DIMENSIONS + use.DIMENSIONS


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class IntentClassifier(LogisticRegressionClassifier):
    """Does not make rare intents as likely as frequent ones, and takes dense features as they are.

    Rasa balances intents, so that each of a hundred topics counts as much as all everyday talk, and
    everyday talk gets an answer about safeguarding three times as often. It also keeps features as
    sparse matrices, in which sentence vectors learn twenty times as slowly.
    """

    def __init__(
        self,
        config: dict[str, Any],
        name: str,
        model_storage: ModelStorage,
        resource: Resource,
    ) -> None:
        super().__init__(config, name, model_storage, resource)
        self.clf.set_params(class_weight=None)

    def _create_X(self, messages: list[Message]) -> npt.NDArray[np.float32]:  # noqa: N802 - Rasa's
        """The sentence vectors of `messages`, one a row; zeros where a message has no word."""
        dense = [message.get_dense_features(attribute=TEXT)[1] for message in messages]
        nothing = np.zeros((1, WIDTH), np.float32)
        return np.vstack([found.features if found else nothing for found in dense])
