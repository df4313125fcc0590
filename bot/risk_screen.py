"""The assistant's own check: the last NLU component, which may overrule every intent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import (
    ENTITIES,
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message

from bot.composition import content, engine
from bot.context import (
    HELP,
    RISK,
    SAFE,
    TOPIC,
    asked_about,
    assessed_already,
    context_entities,
    entity,
    language_key,
    safe_entities,
    state_before,
)
from bot.next_question import NEXT
from safeguarding.content.follow_ups import ENTITY as FOLLOW_UP
from safeguarding.content.follow_ups import INTENT as ASK_NEXT
from safeguarding.content.help_cards import HelpCards
from safeguarding.conversation_state import ConversationState
from safeguarding.messages import as_typed
from safeguarding.risk.assessment import Assessment, sign_of
from safeguarding.risk.chat.pasted import pasted_chat
from safeguarding.taxonomy import TOPIC_PREFIX, Severity, taxonomy

if TYPE_CHECKING:
    from safeguarding.risk.engine import RiskEngine

METADATA = "metadata"
ASKED = (TOPIC_PREFIX, "read_story", "use_tool")
"""What intents begin with that ask for something to read."""
KEPT = frozenset({"read_story", "use_tool", "take_pledge", "choose_area", "follow_guide"})
"""What has an answer of its own, which a concern leaves: the gateway puts the help card first."""
ABOUT_CHAT = "ask_about_chat"
LANGUAGE_CARD = "language_card"
"""What a harmless message in a language of content/languages becomes."""
NOT_SAFE = "say_not_safe"
"""Typed in words that show nothing else: 999 first, as by the button."""
STILL_HERE = "still_here"
"""What small talk and what is not understood become once a conversation has shown a concern."""
SURE = 0.8
"""How sure the classifier must be of a question beside a chat, whose own words mislead it, and of
one that might also be a follow-up."""
MOST_WORDS = 14
"""What is asked next is short: a longer message says what it is about."""
LIKELY, LIKELY_NOT_A_TOPIC = 0.4, 0.6
"""The probability, among what makes sense, from which on a message is a follow-up; and where it
could as well be a question about a topic. On words held out of training 0.4 answers 69 of 100,
rightly in three of four, and takes 4 in 1,000 harmless messages for one."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class RiskScreen(GraphComponent, IntentClassifier):
    """Screens every message and puts the assessment beside the intent, under "risk".

    From a concern upwards the intent becomes `disclose_concern`, `disclose_urgent` or
    `disclose_immediate`: help first. What the message asks about stays beside it, under "topic":
    the answer comes second. A concern leaves what has an answer of its own, such as a tool. Below
    urgent, a pasted chat is a question about that chat: `ask_about_chat`, unless it shows no sign
    and something else is plainly asked. Once a conversation has
    shown a concern, small talk and what is not understood become `still_here`: nobody who told
    something is sent away with "Bye for now". Place it last: a classifier after it would undo its
    work. It also turns what the conversation has come to into entities, which fill the slots: who
    is asking, from where, and which help card or other words are due (`help`).
    """

    def __init__(self, engine: Callable[[], RiskEngine], cards: HelpCards) -> None:
        """`engine` is asked for only when a message comes without an assessment."""
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
        self, messages: list[Message], tracker: DialogueStateTracker | None = None
    ) -> list[Message]:
        """Screen each message. Rasa hands over the tracker as it was before the message."""
        for message in messages:
            metadata = message.get(METADATA) or {}
            self._screen(message, state_before(metadata, tracker, content().questions))
        return messages

    def _screen(self, message: Message, before: ConversationState) -> None:
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
        follow_up = _follow_up(message.get(NEXT) or {}, text, understood, before, after)
        intent = _overruling(text, assessment, understood, before, follow_up)
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
        named += [entity(FOLLOW_UP, follow_up)] if follow_up else []
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
    follow_up: str | None,
) -> str | None:
    """The intent that takes the place of what was understood, if any."""
    reached, categories = before.severity, before.categories
    found = understood.get(INTENT_NAME_KEY) or ""
    if assessment.severity >= Severity.URGENT:
        return f"disclose_{assessment.severity.label}"
    if _is_about_a_chat(text, assessment):
        asks = found.startswith(ASKED) and understood.get(PREDICTED_CONFIDENCE_KEY, 0.0) >= SURE
        return None if asks and assessment.severity == Severity.NONE else ABOUT_CHAT
    if assessment.severity == Severity.NONE:
        if follow_up:
            return ASK_NEXT
        stays = reached >= Severity.CONCERN and not _leads_on(understood, categories)
        return STILL_HERE if stays else None
    if found in KEPT:
        return None
    return f"disclose_{assessment.severity.label}"


def _follow_up(
    chances: Mapping[str, float],
    text: str,
    understood: dict[str, Any],
    before: ConversationState,
    after: ConversationState,
) -> str | None:
    """The follow-up that a short message asks for, in a conversation where that makes sense.

    A message that plainly asks about a topic is answered by that topic's article, unless it is all
    but certainly a follow-up.
    """
    if len(text.split()) > MOST_WORDS or (after.need is None and after.topic is None):
        return None
    every = content().follow_ups.all()
    fitting = {
        id_: chance
        for id_, chance in chances.items()
        if id_ in every and (every[id_].counts_after(before) or every[id_].counts_after(after))
    }
    # What was told last goes before what may be asked after anything.
    told = {id_ for id_ in fitting if {*before.categories[:1]} & {*every[id_].categories}}
    best = max(fitting, key=lambda id_: fitting[id_] * (1 + (id_ in told)), default=None)
    if best is None:
        return None
    # Those that make no sense here are no rivals; that it is none of them is one.
    none_of_them = 1 - sum(chances.values())
    share = fitting[best] / (sum(fitting.values()) + none_of_them)
    found = understood.get(INTENT_NAME_KEY) or ""
    sure = understood.get(PREDICTED_CONFIDENCE_KEY, 0.0) >= SURE
    if sure and found.startswith("say_"):
        return None
    plain = sure and found.startswith(TOPIC_PREFIX)
    unsaid = before.need is None and before.topic is None
    return best if share >= (LIKELY_NOT_A_TOPIC if plain or unsaid else LIKELY) else None


def _leads_on(understood: dict[str, Any], told: Sequence[str]) -> bool:
    """Whether, after a concern, what was understood is sure enough to leave what was told for it.

    Small talk never is. A topic about something else than what was told, and a button's intent read
    from words, must be plain.
    """
    intent = understood.get(INTENT_NAME_KEY) or ""
    if intent == DEFAULT_NLU_FALLBACK_INTENT_NAME or intent in taxonomy().small_talk:
        return False
    category = content().contacts.category_of(intent.removeprefix(TOPIC_PREFIX))
    of_it = intent.startswith(TOPIC_PREFIX) and (category is None or category in told)
    of_itself = intent.startswith(("who_", "can_", "will_")) or intent in KEPT
    return of_it or of_itself or understood.get(PREDICTED_CONFIDENCE_KEY, 0.0) >= SURE


def _is_about_a_chat(text: str, assessment: Assessment) -> bool:
    """Whether a chat was pasted. Lines without names may be one: then only if a sign stands out."""
    if any(sign_of(signal) for signal in assessment.signals):
        return True
    chat = pasted_chat(text)
    return chat is not None and not chat.guessed
