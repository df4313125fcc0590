"""The last NLU component: it acts on the risk assessment and may overrule every intent.

Also names what stands beside a message's intent: its assessment and its topic.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import (
    ENTITIES,
    INTENT,
    INTENT_RANKING_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message as RasaMessage

from bot.composition import content, dialogue_encoder, engine, lexicon, understanding
from bot.tracker_store import assessed_already
from safeguarding.answering.parsed import Guess, MessageRead, ParsedMessage, planned
from safeguarding.content.choices import Questions
from safeguarding.content.help_cards import HelpCards
from safeguarding.conversation_state import DANGER_NOW, ConversationState
from safeguarding.dialogue.plan import ReplyPlanner
from safeguarding.messages import Message, as_typed
from safeguarding.records import ContentError
from safeguarding.risk.assessment import AssessedMessage, Assessment
from safeguarding.risk.encoder.vectors import WeightsError, unit
from safeguarding.taxonomy import Severity

if TYPE_CHECKING:
    from safeguarding.risk.engine import RiskEngine

Floats = npt.NDArray[np.float32]
log = logging.getLogger(__name__)
METADATA = "metadata"
RISK = "risk"
"""The key, beside the intent, of a message's assessment."""
UNDERSTOOD = "understood"
"""The key, beside the intent, of the classifier's intent where a reply of the bank replaces it."""
STATE = "state"
"""The key of a message's metadata that holds the gateway's ConversationState."""
TOPIC = "topic"
"""The key, beside the intent, of the topic that a message asks about."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class RiskScreen(GraphComponent, IntentClassifier):
    """Screens every message, sets the assessment beside the intent, and plans the reply.

    `safeguarding.dialogue` decides the intent that Rasa acts on and what is shown; the assessment
    stands under "risk", the topic that the message asks about under "topic". Entities fill the
    slots: who is asking, from where, which card is due (`help`), which reply (`reply`), and which
    are offered by buttons (`ask`). It must be the last component: a classifier after it would undo
    its work.
    """

    def __init__(self, engine: Callable[[], RiskEngine], cards: HelpCards) -> None:
        """`engine` is called only when a message comes without an assessment."""
        self._engine = engine
        self._cards = cards

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> RiskScreen:
        return cls(engine, content().help_cards)

    def process(
        self, messages: list[RasaMessage], tracker: DialogueStateTracker | None = None
    ) -> list[RasaMessage]:
        """Screen each message. `tracker` is the one before the message."""
        for message in messages:
            metadata = message.get(METADATA) or {}
            self._screen(message, state_before(metadata, tracker, content().questions))
        return messages

    def _screen(self, message: RasaMessage, before: ConversationState) -> None:
        text = as_typed(message.get(TEXT) or "")
        assessed = assessed_already()
        if assessed:
            assessment = assessed.assessment
        else:
            found = self._engine().assess(text, (), _context(before))
            assessment = content().questions.heard(before.asked, text, found)
        words, vector = _read(message, text, assessed, before)
        parsed = planned(
            ParsedMessage(
                text,
                message.get(INTENT) or Guess(name="", confidence=0.0),
                tuple(message.get(ENTITIES) or ()),
                tuple(message.get(INTENT_RANKING_KEY) or ()),
                assessment,
            ),
            before,
            MessageRead(
                words,
                vector,
                assessed.language if assessed else None,
                assessed.question if assessed else None,
            ),
            understanding(),
            ReplyPlanner(self._cards, content().choices),
        )
        message.set(RISK, assessment.as_record(), add_to_output=True)
        message.set(TOPIC, parsed.topic, add_to_output=True)
        message.set(INTENT, parsed.intent, add_to_output=True)
        if parsed.understood is not None:
            message.set(UNDERSTOOD, parsed.understood, add_to_output=True)
        if parsed.entities:
            message.set(ENTITIES, list(parsed.entities), add_to_output=True)


def _context(before: ConversationState) -> str:
    """Return what is known of the turn before; the gateway alone knows the person's words."""
    try:
        return dialogue_encoder().context("", before)
    except (ContentError, WeightsError):
        return ""


def _read(
    message: RasaMessage, text: str, assessed: AssessedMessage | None, before: ConversationState
) -> tuple[str, Floats | None]:
    """Return the words of a message as the normaliser spells them, and the planner's vector."""
    if assessed and assessed.dialogue is not None:
        return assessed.canonical, assessed.dialogue
    words = " ".join(lexicon().normaliser(text).words)
    _, features = message.get_dense_features(attribute=TEXT)
    if features is None or not words:
        return words, None
    of_risk = unit(np.asarray(features.features[0], np.float32))
    try:
        return words, dialogue_encoder().vector(words, of_risk, _context(before))
    except (ContentError, WeightsError) as error:
        # The card that is due, or the topic, is still shown.
        log.error("no_dialogue kind=%s", type(error).__name__)  # noqa: TRY400
        return words, None


def state_before(
    metadata: Mapping[str, Any],
    tracker: DialogueStateTracker | None = None,
    questions: Questions | None = None,
) -> ConversationState:
    """Return the state of the conversation before a message.

    The gateway sends it, since it has read each message with those before it. Without a gateway
    (`rasa shell`, another channel) it is worked out from the tracker.
    """
    if STATE in metadata:
        return ConversationState.from_record(metadata[STATE])
    state = ConversationState()
    for event in tracker.events if tracker else ():
        if isinstance(event, BotUttered) and questions:
            said = Message(kind="text", text=_text_of(event))
            state = replace(state, asked=questions.open_after([said]))
        if isinstance(event, UserUttered) and (risk := event.parse_data.get(RISK)):
            assessment = Assessment.from_record(risk)
            state = state.after(assessment)
            if assessment.severity == Severity.IMMEDIATE:
                state = state.shown(DANGER_NOW, assessment.severity)
            elif assessment.severity >= Severity.CONCERN and state.need:
                state = state.shown(state.need, assessment.severity)
    return state


def _text_of(event: BotUttered) -> str:
    return str((event.data.get("custom") or {}).get("text") or event.text or "")
