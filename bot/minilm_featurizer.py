"""MiniLM sentence features for Rasa."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from rasa.engine.recipes.default_recipe import DefaultV1Recipe

from bot.sentence_featurizer import SentenceFeaturizer
from safeguarding.encoders.minilm import minilm
from safeguarding.encoders.weights import MINILM_ONNX_SHA256


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class MiniLMFeaturizer(SentenceFeaturizer):
    """Adds the 384 numbers of all-MiniLM-L6-v2."""

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        return MINILM_ONNX_SHA256  # other weights must not meet Rasa's cached features

    def encode(self, text: str) -> npt.NDArray[np.float32]:
        return minilm().encode(text)
