"""The intent classifier: dense vectors in, intents as likely as in the examples out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from sklearn.linear_model import LogisticRegression

from bot.nlu import IntentClassifier
from safeguarding.answering.fitting import fit
from safeguarding.risk.assessment import WIDTH


def message(text: str, intent: str | None, at: int | None) -> Message:
    """Make a message whose vector is 1 at one place; without features when that is None."""
    made = Message.build(text=text, intent=intent) if intent else Message(data={TEXT: text})
    if at is not None:
        vector = np.zeros((1, WIDTH), np.float32)
        vector[0, at] = 1
        made.add_features(Features(vector, FEATURE_TYPE_SENTENCE, TEXT, "test"))
    return made


def classifier(folder: Path) -> IntentClassifier:
    return IntentClassifier(LocalModelStorage(folder), Resource("test"))


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


def test_the_tracker_can_keep_how_sure_it_is(tmp_path: Path) -> None:
    asked = message("the same again", None, 0)
    trained(tmp_path).process([asked])

    kept = json.loads(json.dumps(asked.get("intent_ranking")))
    assert kept == asked.get("intent_ranking")


def test_a_message_without_words_gets_an_intent_too(tmp_path: Path) -> None:
    wordless = message("", None, None)
    trained(tmp_path).process([wordless])
    assert wordless.get("intent")["name"] == "out_of_scope"


def test_what_was_learned_is_kept_with_the_model(tmp_path: Path) -> None:
    made = trained(tmp_path)
    storage = LocalModelStorage(tmp_path)
    context = ExecutionContext(GraphSchema({}), node_name="test")
    loaded = IntentClassifier.load({}, storage, Resource("test"), context)
    asked, again = message("the same again", None, 0), message("the same again", None, 0)
    made.process([asked])
    loaded.process([again])

    assert again.get("intent_ranking") == asked.get("intent_ranking")
    assert len(again.get("intent_ranking")) == 2


def test_it_finds_what_scikit_learn_finds() -> None:
    chance = np.random.default_rng(7)
    centres = chance.normal(size=(5, 20))
    y = chance.integers(0, 5, 600)
    x = (centres[y] + 1.5 * chance.normal(size=(600, 20))).astype(np.float32)
    theirs = LogisticRegression(multi_class="multinomial", max_iter=1000, tol=1e-6).fit(x, y)

    weights, intercepts = fit(x, y, tol=0.01, max_iter=1000)

    assert np.abs(weights - theirs.coef_).max() < 0.01
    assert np.abs(x @ (weights.T - theirs.coef_.T)).max() < 0.02
    spread = intercepts - intercepts.mean()
    assert np.abs(spread - (theirs.intercept_ - theirs.intercept_.mean())).max() < 0.01


def test_it_stops_at_the_most_steps_allowed() -> None:
    x = np.eye(3, dtype=np.float32)

    one, two = (fit(x, np.arange(3), tol=0.0, max_iter=most)[0] for most in (1, 2))

    assert not np.allclose(one, two)
