"""What Rasa knows of a message beside its words, and of the conversation it stands in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, TypedDict

from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME
from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import (
    ENTITY_ATTRIBUTE_TYPE,
    ENTITY_ATTRIBUTE_VALUE,
    INTENT_NAME_KEY,
    PREDICTED_CONFIDENCE_KEY,
)

from safeguarding.content.questions import Questions
from safeguarding.conversation_state import DANGER_NOW, ConversationState
from safeguarding.messages import Message
from safeguarding.risk.assessed import AssessedMessage
from safeguarding.risk.assessment import Assessment
from safeguarding.taxonomy import TOPIC_PREFIX, Severity

_handed_over: ContextVar[AssessedMessage | None] = ContextVar("handed_over", default=None)


@contextmanager
def handed_over(assessed: AssessedMessage | None) -> Iterator[None]:
    """Within this context, `assessed` is what is known of the message."""
    token = _handed_over.set(assessed)
    try:
        yield
    finally:
        _handed_over.reset(token)


def assessed_already() -> AssessedMessage | None:
    """What came with the message; None on another channel, in `rasa shell` and in training."""
    return _handed_over.get()


TOPIC = "topic"
"""The key beside the intent under which the tracker carries what a message asks about."""


class TopicAsked(TypedDict):
    """A topic of content/articles, and how sure the classifier is of it."""

    topic: str
    confidence: float


def asked_about(ranking: Sequence[dict[str, Any]], *, tells: bool) -> TopicAsked | None:
    """The topic that the classifier ranks first; None where it finds no question.

    `ranking` is the classifier's own, the surest intent first. Where the fallback stands in it the
    classifier is not sure of any intent: then nothing counts as asked, unless the message tells
    something (`tells`), in which case the assistant does not ask back what was meant.
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


RISK = "risk"
"""The key beside the intent under which the tracker carries a message's assessment."""
HELP = "help"
"""The entity, and the slot, that names what is said first: a key of the help cards."""
SAFE = "say_safe_now"
"""The intent of a person who says that they are safe."""
SAFE_AFTER_DANGER = "safe_after_danger"
"""The key of what is said to a person who says, after immediate danger, that they are safe."""
STATE = "state"
"""The key of a message's metadata under which the gateway says what the conversation has come to
(safeguarding.conversation_state)."""


def language_key(code: str) -> str:
    """The key of what is said to somebody who writes in this language."""
    return f"language-{code}"


def entity(name: str, value: str) -> dict[str, Any]:
    """One entity as Rasa keeps it."""
    return {ENTITY_ATTRIBUTE_TYPE: name, ENTITY_ATTRIBUTE_VALUE: value}


def safe_entities(state: ConversationState) -> list[dict[str, Any]]:
    """What is said to a person who is safe now: after immediate danger, still 999 first."""
    danger = state.severity == Severity.IMMEDIATE
    return [entity(HELP, SAFE_AFTER_DANGER)] if danger else []


def context_entities(state: ConversationState) -> list[dict[str, Any]]:
    """`known_audience` and `known_area`, as far as they are known.

    They have names of their own: an audience found in the text counts only when the person says
    who they are ("dont tell my mum" is not a mum writing).
    """
    known = {"known_audience": state.audience, "known_area": state.area}
    return [entity(name, value) for name, value in known.items() if value]


def state_before(
    metadata: Mapping[str, Any],
    tracker: DialogueStateTracker | None = None,
    questions: Questions | None = None,
) -> ConversationState:
    """What the conversation had come to before a message: by the gateway, or by the tracker.

    The gateway knows more: it reads each message with those before it, and what was shown. The
    tracker serves where there is no gateway: `rasa shell`, another channel.
    """
    if STATE in metadata:
        return ConversationState.from_record(metadata[STATE])
    state = ConversationState()
    for event in tracker.events if tracker else ():
        if isinstance(event, BotUttered) and questions:
            said = Message(kind="text", text=_text_of(event))
            state = replace(state, asked=questions.open_after([said]))
        if isinstance(event, UserUttered) and (risk := event.parse_data.get(RISK)):
            told = Assessment.from_record(risk)
            state = state.after(told)
            if told.severity == Severity.IMMEDIATE:
                state = state.shown(DANGER_NOW, told.severity)
            elif told.severity >= Severity.CONCERN and state.need:
                state = state.shown(state.need, told.severity)
    return state


def _text_of(event: BotUttered) -> str:
    """The words of one message of the bot's, as a text or as a message of the interface."""
    return str((event.data.get("custom") or {}).get("text") or event.text or "")
