"""The featurizers: an example has in training the vector that the same message gets in service."""

from __future__ import annotations

from typing import Any

import numpy as np
from rasa.nlu.tokenizers.whitespace_tokenizer import WhitespaceTokenizer
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.content_importer import EverydayTalk
from bot.nlu import SentenceFeaturizer
from bot.tracker_store import Dialogue, one_turn
from safeguarding.risk.assessment import NO_RISK, AssessedMessage
from safeguarding.risk.encoder import kept_vectors as kept
from safeguarding.risk.encoder.vectors import read_adapter
from safeguarding.risk.lexicon.reader import read_lexicon

TEXTS = ["hi", "wots cse", "my mate says he owes him money 😬 what do i do", "is it ok 2 say no"]
SCALE = 4.0
WIDTH = 768
ALIKE = 0.98
"""Least cosine of a vector made in a batch to the one that its text has alone."""


def messages() -> list[Message]:
    made = [Message.build(text=text, intent="greet") for text in TEXTS]
    WhitespaceTokenizer(WhitespaceTokenizer.get_default_config()).process(made)
    return made


def vectors(made: list[Message]) -> np.ndarray[Any, Any]:
    return np.vstack([each.get_dense_features(attribute=TEXT)[1].features for each in made])


def featurizer() -> SentenceFeaturizer:
    config = {**SentenceFeaturizer.get_default_config(), "sentence_scale": SCALE}
    return SentenceFeaturizer("test", config)


def test_an_example_has_the_vector_that_the_same_message_gets() -> None:
    made = featurizer()
    learned, served = messages(), messages()
    made.process_training_data(TrainingData(learned))
    made.process(served)

    in_training, in_service = vectors(learned), vectors(served)
    assert in_training.shape == in_service.shape == (len(TEXTS), WIDTH)
    assert np.allclose(np.linalg.norm(in_service, axis=1), SCALE, atol=1e-4)
    assert np.allclose(np.linalg.norm(in_training, axis=1), SCALE, atol=0.01)
    assert (in_training * in_service).sum(axis=1).min() > ALIKE * SCALE**2


def test_the_vector_that_came_with_a_message_is_used_as_it_is() -> None:
    vector = np.linspace(-0.05, 0.05, WIDTH, dtype=np.float32)
    sent = AssessedMessage.from_record(AssessedMessage(NO_RISK, vector).as_record())
    served = messages()

    with one_turn(Dialogue(), sent):
        featurizer().process(served)

    assert np.array_equal(vectors(served), np.tile(vector * SCALE, (len(served), 1)))


def test_the_file_that_the_services_made_has_every_example_that_rasa_learns_from() -> None:
    examples = RasaFileImporter(training_data_paths=["data/nlu"]).get_nlu_data().intent_examples
    everyday = EverydayTalk().get_nlu_data().intent_examples
    normaliser = read_lexicon().normaliser
    texts = [" ".join(normaliser(each.get(TEXT)).words) for each in (*examples, *everyday)]

    table = kept.read_table(kept.FILE, read_adapter().version)
    assert len(texts) > 10_000
    assert table.missing(texts) == []
