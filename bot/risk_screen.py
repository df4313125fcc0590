"""The last NLU component: it acts on the risk assessment and may overrule every intent.

Also defines what stands beside a message's intent: its assessment, its topic, and the entities that
carry the state of the conversation into Rasa's slots.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import numpy.typing as npt
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME
from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import (
    ENTITIES,
    ENTITY_ATTRIBUTE_TYPE,
    ENTITY_ATTRIBUTE_VALUE,
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message as RasaMessage

from bot.composition import content, dialogue_encoder, engine, lexicon, understanding
from bot.tracker_store import assessed_already
from safeguarding.content.choices import Questions
from safeguarding.content.help_cards import HelpCards
from safeguarding.content.replies import ASK_WHICH, ASKS_IF_SAFE
from safeguarding.content.replies import ENTITY as REPLY
from safeguarding.content.replies import INTENT as ASK_NEXT
from safeguarding.conversation_state import DANGER_NOW, ConversationState
from safeguarding.dialogue.plan import ReplyPlanner
from safeguarding.dialogue.understand import IncomingText
from safeguarding.messages import Message, as_typed
from safeguarding.records import ContentError
from safeguarding.risk.assessment import AssessedMessage, Assessment
from safeguarding.risk.encoder.vectors import WeightsError, unit
from safeguarding.taxonomy import TOPIC_PREFIX, Severity

if TYPE_CHECKING:
    from safeguarding.risk.engine import RiskEngine

Floats = npt.NDArray[np.float32]
log = logging.getLogger(__name__)
METADATA = "metadata"
ASK = "ask"
"""The entity that names the replies offered by buttons: their ids, separated by spaces."""
RISK = "risk"
"""The key, beside the intent, of a message's assessment."""
HELP = "help"
"""The entity, and the slot, that names the help card to show first: a key of the help cards."""
UNDERSTOOD = "understood"
"""The key, beside the intent, of the classifier's intent where a reply of the bank replaces it."""
STATE = "state"
"""The key of a message's metadata that holds the gateway's ConversationState."""
TOPIC = "topic"
"""The key, beside the intent, of the topic that a message asks about."""


class TopicAsked(TypedDict):
    """A topic, and the classifier's confidence in it, between 0 and 1."""

    topic: str
    confidence: float


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
        message.set(RISK, assessment.as_record(), add_to_output=True)
        tells = assessment.severity >= Severity.CONCERN
        topic = asked_about(message.get(INTENT_RANKING_KEY) or [], tells=tells)
        message.set(TOPIC, topic, add_to_output=True)
        understood = message.get(INTENT) or {}
        words, vector = _read(message, text, assessed, before)
        incoming = IncomingText(
            text,
            words,
            vector,
            assessment,
            assessed.language if assessed else None,
            understood.get(INTENT_NAME_KEY) or "",
            float(understood.get(PREDICTED_CONFIDENCE_KEY) or 0.0),
            topic["topic"] if topic else None,
            topic["confidence"] if topic else 0.0,
            assessed.question if assessed else None,
        )
        turn = understanding().understand(incoming, before)
        after = before.after(assessment).with_facts(turn.facts, assessment)
        planned = ReplyPlanner(self._cards, content().choices).plan(turn, before, after)
        if planned.intent is not None:
            overruled = {INTENT_NAME_KEY: planned.intent, PREDICTED_CONFIDENCE_KEY: 1.0}
            message.set(INTENT, overruled, add_to_output=True)
        if planned.intent in {ASK_NEXT, ASK_WHICH}:
            message.set(UNDERSTOOD, understood, add_to_output=True)
        named = context_entities(after)
        named += [entity(HELP, planned.help)] if planned.help else []
        named += [entity(REPLY, planned.reply)] if planned.reply else []
        named += [entity(ASK, " ".join(planned.ask))] if planned.ask else []
        named += [entity(ASKS_IF_SAFE, "yes")] if planned.asks_if_safe else []
        if named:
            message.set(ENTITIES, [*(message.get(ENTITIES) or []), *named], add_to_output=True)


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


def asked_about(ranking: Sequence[dict[str, Any]], *, tells: bool) -> TopicAsked | None:
    """Return the topic that the classifier ranks first; None when it finds no question.

    `ranking` is the classifier's, the surest intent first. The fallback in it means that the
    classifier is not sure of any intent: then nothing counts as asked, unless the message discloses
    something (`tells`), because the assistant then does not ask back what was meant.
    """
    guesses = [g for g in ranking if g[INTENT_NAME_KEY] != DEFAULT_NLU_FALLBACK_INTENT_NAME]
    unsure = len(guesses) < len(ranking)
    if not guesses or (unsure and not tells):
        return None
    name: str = guesses[0][INTENT_NAME_KEY]
    if not name.startswith(TOPIC_PREFIX):
        return None
    confidence = float(guesses[0][PREDICTED_CONFIDENCE_KEY])
    return TopicAsked(topic=name.removeprefix(TOPIC_PREFIX), confidence=confidence)


def entity(name: str, value: str) -> dict[str, Any]:
    """Return an entity in Rasa's form."""
    return {ENTITY_ATTRIBUTE_TYPE: name, ENTITY_ATTRIBUTE_VALUE: value}


def context_entities(state: ConversationState) -> list[dict[str, Any]]:
    """Return the audience and the area of the conversation as entities, as far as known.

    They are named apart from `audience` and `area`, because an audience found in the text counts
    only when the person says who they are: "dont tell my mum" is not written by a mum.
    """
    known = {"known_audience": state.audience, "known_area": state.area}
    return [entity(name, value) for name, value in known.items() if value]


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
