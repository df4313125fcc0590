"""MiniLM sentence features for Rasa."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from rasa.engine.recipes.default_recipe import DefaultV1Recipe

from bot.sentence_featurizer import SentenceFeaturizer
from safeguarding.encoders.adapter import adapter
from safeguarding.encoders.sentences import Vectors


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class MiniLMFeaturizer(SentenceFeaturizer):
    """Adds the 384 numbers of all-MiniLM-L6-v2 as this project adapted it."""

    @classmethod
    def weights_version(cls) -> str:
        return adapter().version

    def chosen(self, vectors: Vectors) -> npt.NDArray[np.float32]:
        return vectors.minilm.vector
