"""The intent classifier: dense vectors in, intents as likely as in the examples out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.intent_classifier import WIDTH, IntentClassifier


def message(text: str, intent: str | None, at: int | None) -> Message:
    """A message whose vector is 1 at one place; without features when that is None."""
    made = Message.build(text=text, intent=intent) if intent else Message(data={TEXT: text})
    if at is not None:
        vector = np.zeros((1, WIDTH), np.float32)
        vector[0, at] = 1
        made.add_features(Features(vector, FEATURE_TYPE_SENTENCE, TEXT, "test"))
    return made


def classifier(folder: Path) -> IntentClassifier:
    config = {**IntentClassifier.get_default_config(), "ranking_length": 10}
    return IntentClassifier(config, "test", LocalModelStorage(folder), Resource("test"))


def trained(folder: Path) -> IntentClassifier:
    """Nine examples of everyday talk and one question, which look the same."""
    made = classifier(folder)
    everyday = [message(f"talk {n}", "out_of_scope", 0) for n in range(9)]
    made.train(TrainingData([*everyday, message("a question", "ask_consent", 0)]))
    return made


def test_the_frequent_intent_is_the_likelier(tmp_path: Path) -> None:
    asked = message("the same again", None, 0)
    trained(tmp_path).process([asked])
    assert asked.get("intent")["name"] == "out_of_scope"
    assert asked.get("intent")["confidence"] > 0.8


def test_a_message_without_words_gets_an_intent_too(tmp_path: Path) -> None:
    wordless = message("", None, None)
    trained(tmp_path).process([wordless])
    assert wordless.get("intent")["name"] == "out_of_scope"
