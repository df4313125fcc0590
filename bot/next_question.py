"""Recognises follow-up questions: questions that come after a disclosure or an answer.

Each follow-up of content/follow_ups names the words by which it is asked. `NextQuestion` learns
them beside everyday talk; `follow_up` picks the one that makes sense in the conversation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import INTENT, INTENT_NAME_KEY, PREDICTED_CONFIDENCE_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.composition import content, lexicon
from bot.nlu import Floats, LinearClassifier, LinearModel, fit
from safeguarding.conversation_state import ConversationState
from safeguarding.risk.encoder.kept_vectors import vectors_of
from safeguarding.risk.encoder.vectors import SentenceEncoder, read_adapter, unit
from safeguarding.taxonomy import TOPIC_PREFIX, taxonomy

NEXT = "next_questions"
"""The key of a message that holds the probability of each follow-up, by its id."""
SURE = 0.8
"""How sure the classifier must be of a question beside a pasted chat, whose own words mislead it,
and of a question that might also be a follow-up; between 0 and 1."""
MOST_WORDS = 14
"""A longer message is no follow-up: it says itself what it is about."""
LIKELY, LIKELY_NOT_A_TOPIC = 0.4, 0.6
"""The least probability, among the follow-ups that make sense, for a message to be one; the second
where it could as well be a question about a topic. On words held out of training 0.4 answers 69 of
100, three in four of them rightly, and takes 4 in 1,000 harmless messages for a follow-up."""
_SCALE = np.float32(30**0.5)
"""Equals C = 30 in scikit-learn's LogisticRegression: the best of 3 to 300 on held-out words."""
_EVERYDAY = 1_500
"""How many examples of small talk and everyday talk are learned as "no follow-up"."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class NextQuestion(LinearClassifier):
    """Gives each message the probability of every follow-up. Changes no intent.

    The last row of its model is "no follow-up", which has no name.
    """

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        # A change of the words must not reuse Rasa's cached training.
        asked = {id_: each.asked for id_, each in content().follow_ups.all().items()}
        return f"{read_adapter().version} {json.dumps(asked, sort_keys=True)}"

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the words of each follow-up, and small talk of the examples as none of them."""
        every = content().follow_ups.all()
        names = sorted(every)
        asked = [(at, text) for at, id_ in enumerate(names) for text in every[id_].asked]
        normaliser = lexicon().normaliser
        texts = [" ".join(normaliser(text).words) for _, text in asked]
        rows = vectors_of(SentenceEncoder(read_adapter().version), texts)
        everyday = _everyday(training_data)
        labels = [at for at, _ in asked] + [len(names)] * len(everyday)
        x = np.vstack([rows, *everyday]) * _SCALE
        weight, bias = fit(x, np.array(labels, np.intp), tol=0.1, max_iter=500)
        return self.keep(LinearModel(names, weight, bias))

    def process(self, messages: list[Message]) -> list[Message]:
        """Set the probabilities, between 0 and 1, on each message that has a vector."""
        for message in messages:
            vector = _vector(message)
            if vector is not None and self._model is not None:
                message.set(NEXT, _probabilities(self._model, vector))
        return messages


def _probabilities(model: LinearModel, vector: Floats) -> dict[str, float]:
    scores = model.weight @ (vector * _SCALE) + model.bias
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    return dict(zip(model.names, map(float, chances[:-1]), strict=True))


def _vector(message: Message) -> Floats | None:
    """Return the unit-length vector of a message; None for a message without words."""
    _, features = message.get_dense_features(attribute=TEXT)
    if features is None:
        return None
    found: Floats = unit(np.asarray(features.features[0], np.float32))
    return found


def _everyday(training_data: TrainingData) -> list[Floats]:
    """Return the vectors of some small talk and everyday talk."""
    talk = [
        vector
        for example in training_data.training_examples
        if example.get(INTENT) in taxonomy().small_talk and (vector := _vector(example)) is not None
    ]
    return talk[:: max(1, len(talk) // _EVERYDAY)]


def follow_up(
    chances: Mapping[str, float],
    text: str,
    understood: dict[str, Any],
    before: ConversationState,
    after: ConversationState,
) -> str | None:
    """Return the id of the follow-up that a short message asks for; None if it asks for none.

    `chances` are the probabilities by id, `understood` is the classifier's intent; `before` and
    `after` are the state of the conversation around the message. A message that plainly asks about
    a topic gets that topic's article, unless it is very likely a follow-up.
    """
    if len(text.split()) > MOST_WORDS or (after.need is None and after.topic is None):
        return None
    every = content().follow_ups.all()
    fitting = {
        id_: chance
        for id_, chance in chances.items()
        if id_ in every and (every[id_].counts_after(before) or every[id_].counts_after(after))
    }
    # Follow-ups on the latest disclosure are preferred to those that fit anywhere.
    on_latest = {id_ for id_ in fitting if {*before.categories[:1]} & {*every[id_].categories}}
    best = max(fitting, key=lambda id_: fitting[id_] * (1 + (id_ in on_latest)), default=None)
    if best is None:
        return None
    # Follow-ups that make no sense here do not compete; "none of them" does.
    none_of_them = 1 - sum(chances.values())
    share = fitting[best] / (sum(fitting.values()) + none_of_them)
    found = understood.get(INTENT_NAME_KEY) or ""
    sure = understood.get(PREDICTED_CONFIDENCE_KEY, 0.0) >= SURE
    if sure and found.startswith("say_"):
        return None
    plain = sure and found.startswith(TOPIC_PREFIX)
    unsaid = before.need is None and before.topic is None
    return best if share >= (LIKELY_NOT_A_TOPIC if plain or unsaid else LIKELY) else None
