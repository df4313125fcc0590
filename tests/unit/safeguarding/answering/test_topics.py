"""The classifier of topics without Rasa: trained, written, read, and unsure where it should be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from safeguarding.answering.topics import LinearModel, Pipeline, TopicClassifier, train
from safeguarding.records import ContentError
from safeguarding.risk.assessment import WIDTH

INTENTS = ["ask_consent", "greet", "out_of_scope"] * 12
VECTORS = np.tile(np.eye(3, WIDTH, dtype=np.float32), (12, 1))


@pytest.fixture
def trained(tmp_path: Path) -> TopicClassifier:
    path = tmp_path / "topics.safetensors"
    train(INTENTS, VECTORS, VECTORS[2], path)
    return TopicClassifier.load(path)


def test_it_finds_the_intent_whose_examples_are_alike(trained: TopicClassifier) -> None:
    for intent, vector in zip(INTENTS[:3], VECTORS[:3], strict=True):
        ranking = trained.ranking(vector)
        assert ranking[0]["name"] == intent
        assert sum(guess["confidence"] for guess in ranking) == pytest.approx(1)


def test_a_message_without_a_word_has_the_vector_that_was_kept(trained: TopicClassifier) -> None:
    assert trained.ranking(None) == trained.ranking(VECTORS[2])


def test_between_two_intents_nothing_is_understood(trained: TopicClassifier) -> None:
    unsure, *others = trained.ranking((VECTORS[0] + VECTORS[1]) / np.float32(np.sqrt(2)))

    assert unsure == {"name": "nlu_fallback", "confidence": Pipeline.read().least}
    assert {guess["name"] for guess in others[:2]} == {"ask_consent", "greet"}


def test_without_its_file_it_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="make topics"):
        TopicClassifier.load(tmp_path / "no such file")


def test_a_ranking_holds_ten_intents() -> None:
    names = [f"ask_{number}" for number in range(15)]
    model = LinearModel(names, np.zeros((15, 4), np.float32), np.arange(15, dtype=np.float32))

    (ranking,) = model.rankings(np.ones((1, 4), np.float32))

    assert [guess["name"] for guess in ranking] == names[:4:-1]
