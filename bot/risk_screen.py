"""The last NLU component: it acts on the risk assessment and may overrule every intent.

Also defines what stands beside a message's intent: its assessment, its topic, and the entities that
carry the state of the conversation into Rasa's slots.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict

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

from bot.composition import content, engine
from bot.next_question import NEXT, SURE, follow_up
from bot.tracker_store import assessed_already
from safeguarding.content.choices import Questions
from safeguarding.content.follow_ups import ENTITY as FOLLOW_UP
from safeguarding.content.follow_ups import INTENT as ASK_NEXT
from safeguarding.content.help_cards import HelpCards
from safeguarding.conversation_state import DANGER_NOW, ConversationState
from safeguarding.messages import Message, as_typed
from safeguarding.risk.assessment import Assessment, sign_of
from safeguarding.risk.chat.pasted import pasted_chat
from safeguarding.taxonomy import TOPIC_PREFIX, Severity, taxonomy

if TYPE_CHECKING:
    from safeguarding.risk.engine import RiskEngine

METADATA = "metadata"
ASKED = (TOPIC_PREFIX, "read_story", "use_tool")
"""Prefixes of the intents that ask for something to read."""
KEPT = frozenset({"read_story", "use_tool", "take_pledge", "choose_area", "follow_guide"})
"""Intents that keep their own answer beside a concern; the gateway puts the help card first."""
ABOUT_CHAT = "ask_about_chat"
LANGUAGE_CARD = "language_card"
"""The intent of a harmless message in a language of content/languages."""
NOT_SAFE = "say_not_safe"
"""The intent of a person who types that they are not safe: 999 first, as by the button."""
STILL_HERE = "still_here"
"""The intent of small talk and misunderstood messages in a conversation with a concern."""
RISK = "risk"
"""The key, beside the intent, of a message's assessment."""
HELP = "help"
"""The entity, and the slot, that names the help card to show first: a key of the help cards."""
SAFE = "say_safe_now"
"""The intent of a person who says that they are safe."""
SAFE_AFTER_DANGER = "safe_after_danger"
"""The key of the response to a person who says, after immediate danger, that they are safe."""
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
    """Screens every message and sets the assessment beside the intent, under "risk".

    From a concern upwards the intent becomes `disclose_concern`, `disclose_urgent` or
    `disclose_immediate`: help first. The topic that the message asks about stays beside it, under
    "topic": the answer comes second. Some intents, such as a request for a tool, keep their own
    answer beside a concern (`KEPT`). Below urgent, a pasted chat is a question about that chat
    (`ask_about_chat`), unless it shows no sign and the person plainly asks something else. Once a
    conversation has shown a concern, small talk and misunderstood messages become `still_here`, so
    that a disclosure is never followed by "Bye for now".

    It also sets entities that fill the slots: who is asking, from where, and which help card or
    other response is due (`help`). It must be the last component: a classifier after it would undo
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
        questions = content().questions
        assessment = (
            assessed.assessment
            if assessed
            else questions.heard(before.asked, text, self._engine().assess(text))
        )
        after = before.after(assessment)
        message.set(RISK, assessment.as_record(), add_to_output=True)
        ranking = message.get(INTENT_RANKING_KEY) or []
        tells = assessment.severity >= Severity.CONCERN
        message.set(TOPIC, asked_about(ranking, tells=tells), add_to_output=True)
        understood = message.get(INTENT) or {}
        asked_next = follow_up(message.get(NEXT) or {}, text, understood, before, after)
        intent = _overruling(text, assessment, understood, before, asked_next)
        language = assessed.language if assessed else None
        answered = None if tells else questions.answer(before.asked, text)
        if answered:
            intent = content().choices[answered].intent
        elif language and not tells:
            intent = LANGUAGE_CARD
        if intent is not None:
            overruled = {INTENT_NAME_KEY: intent, PREDICTED_CONFIDENCE_KEY: 1.0}
            message.set(INTENT, overruled, add_to_output=True)
        named = context_entities(after)
        named += [entity(FOLLOW_UP, asked_next)] if asked_next else []
        due = self._cards.due_key(before, after, assessment.severity) if tells else ""
        if not tells and (intent or understood.get(INTENT_NAME_KEY)) == SAFE:
            named += safe_entities(after)
        elif language and not due.startswith("again"):
            named.append(entity(HELP, language_key(language)))
        elif tells:
            named.append(entity(HELP, due))
        elif intent is None and understood.get(INTENT_NAME_KEY) == NOT_SAFE:
            named.append(entity(HELP, self._cards.due_key(before, after, Severity.IMMEDIATE)))
        elif intent == STILL_HERE:
            said = understood.get(INTENT_NAME_KEY)
            named.append(entity(HELP, self._cards.still_key(after, said)))
        if named:
            message.set(ENTITIES, [*(message.get(ENTITIES) or []), *named], add_to_output=True)


def _overruling(
    text: str,
    assessment: Assessment,
    understood: dict[str, Any],
    before: ConversationState,
    asked_next: str | None,
) -> str | None:
    """Return the intent that replaces the one understood; None to keep it."""
    reached, categories = before.severity, before.categories
    found = understood.get(INTENT_NAME_KEY) or ""
    if assessment.severity >= Severity.URGENT:
        return f"disclose_{assessment.severity.label}"
    if _is_about_a_chat(text, assessment):
        asks = found.startswith(ASKED) and understood.get(PREDICTED_CONFIDENCE_KEY, 0.0) >= SURE
        return None if asks and assessment.severity == Severity.NONE else ABOUT_CHAT
    if assessment.severity == Severity.NONE:
        if asked_next:
            return ASK_NEXT
        stays = reached >= Severity.CONCERN and not _leads_on(understood, categories)
        return STILL_HERE if stays else None
    if found in KEPT:
        return None
    return f"disclose_{assessment.severity.label}"


def _leads_on(understood: dict[str, Any], disclosed: Sequence[str]) -> bool:
    """Return whether, after a concern, the intent understood may change the subject.

    Small talk may not. A topic other than the one disclosed, and a button's intent read
    from words, may if the classifier is sure.
    """
    intent = understood.get(INTENT_NAME_KEY) or ""
    if intent == DEFAULT_NLU_FALLBACK_INTENT_NAME or intent in taxonomy().small_talk:
        return False
    category = content().contacts.category_of(intent.removeprefix(TOPIC_PREFIX))
    of_it = intent.startswith(TOPIC_PREFIX) and (category is None or category in disclosed)
    of_itself = intent.startswith(("who_", "can_", "will_")) or intent in KEPT
    return of_it or of_itself or understood.get(PREDICTED_CONFIDENCE_KEY, 0.0) >= SURE


def _is_about_a_chat(text: str, assessment: Assessment) -> bool:
    """Return whether the text holds a pasted chat: with names, or with a sign that stands out."""
    if any(sign_of(signal) for signal in assessment.signals):
        return True
    chat = pasted_chat(text)
    return chat is not None and not chat.guessed


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


def language_key(code: str) -> str:
    """Return the key of the help card in this language."""
    return f"language-{code}"


def entity(name: str, value: str) -> dict[str, Any]:
    """Return an entity in Rasa's form."""
    return {ENTITY_ATTRIBUTE_TYPE: name, ENTITY_ATTRIBUTE_VALUE: value}


def safe_entities(state: ConversationState) -> list[dict[str, Any]]:
    """Return the entities of "I'm safe": after immediate danger, 999 still comes first."""
    danger = state.severity == Severity.IMMEDIATE
    return [entity(HELP, SAFE_AFTER_DANGER)] if danger else []


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
