"""The assistant's own check: the last NLU component, which may overrule every intent."""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import (
    ENTITIES,
    INTENT,
    INTENT_NAME_KEY,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message

from bot.context import RISK, context_entities
from bot.text import as_typed
from safeguarding.risk.assessment import Assessment
from safeguarding.risk.chat import pasted_chat
from safeguarding.risk.chat_signals import sign_of
from safeguarding.risk.engine import RiskEngine, risk_engine
from safeguarding.taxonomy import Severity

METADATA = "metadata"
ASKED = ("ask_", "read_story", "use_tool")
"""What intents begin with that ask for something to read, which then comes with contacts."""
ABOUT_CHAT = "ask_about_chat"
SURE = 0.8
"""How sure the classifier must be of a question beside a chat: the chat's own words mislead it."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class RiskScreen(GraphComponent, IntentClassifier):
    """Screens every message and puts the assessment beside the intent, under "risk".

    Urgent and immediate replace the intent by `disclose_urgent` and `disclose_immediate`. A concern
    leaves a question as it is (the answer then comes with contacts) and replaces everything else by
    `disclose_concern`. Below urgent, a pasted chat is a question about that chat: `ask_about_chat`,
    unless nothing stands out in it and something else is plainly asked. Place it last: a classifier
    after it would undo its work. It also turns what the gateway knows of the conversation
    (audience, area) into entities, which fill the slots.
    """

    def __init__(self, engine: RiskEngine) -> None:
        self._engine = engine

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> RiskScreen:
        return cls(risk_engine())

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            self._screen(message)
            self._add_context(message)
        return messages

    def _screen(self, message: Message) -> None:
        text = as_typed(message.get(TEXT) or "")
        assessment = self._engine.assess(text)
        message.set(RISK, assessment.as_record(), add_to_output=True)
        intent = _overruling(text, assessment, message.get(INTENT) or {})
        if intent is not None:
            overruled = {INTENT_NAME_KEY: intent, PREDICTED_CONFIDENCE_KEY: 1.0}
            message.set(INTENT, overruled, add_to_output=True)

    @staticmethod
    def _add_context(message: Message) -> None:
        if known := context_entities(message.get(METADATA) or {}):
            found = message.get(ENTITIES) or []
            message.set(ENTITIES, [*found, *known], add_to_output=True)


def _overruling(text: str, assessment: Assessment, understood: dict[str, Any]) -> str | None:
    """The intent that takes the place of what was understood, if any."""
    found = understood.get(INTENT_NAME_KEY) or ""
    if assessment.severity >= Severity.URGENT:
        return f"disclose_{assessment.severity.label}"
    if _is_about_a_chat(text, assessment):
        asks = found.startswith(ASKED) and understood.get(PREDICTED_CONFIDENCE_KEY, 0.0) >= SURE
        return None if asks and assessment.severity == Severity.NONE else ABOUT_CHAT
    if assessment.severity == Severity.NONE or found.startswith(ASKED):
        return None
    return f"disclose_{assessment.severity.label}"


def _is_about_a_chat(text: str, assessment: Assessment) -> bool:
    """Whether a chat was pasted. Lines without names may be one: then only if a sign stands out."""
    if any(sign_of(signal) for signal in assessment.signals):
        return True
    chat = pasted_chat(text)
    return chat is not None and not chat.guessed
