"""A message as it was understood: what Rasa's parsed message holds, without Rasa."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from safeguarding.content.choices import ChoiceRecord
from safeguarding.content.help_cards import HelpCards
from safeguarding.content.replies import ASK_WHICH, ASKS_IF_SAFE, OWNS_UP
from safeguarding.content.replies import ENTITY as REPLY
from safeguarding.content.replies import INTENT as ASK_NEXT
from safeguarding.conversation_state import ConversationState
from safeguarding.dialogue.plan import NOT_UNDERSTOOD, SAFE, ReplyPlanner, safe_key
from safeguarding.dialogue.understand import IncomingText, Understanding
from safeguarding.risk.assessment import NO_RISK, Assessment, assessment_of_choice
from safeguarding.taxonomy import TOPIC_PREFIX, Severity

Floats = npt.NDArray[np.float32]
HELP = "help"
"""The entity, and the slot, that names the help card to show first: a key of the help cards."""
ASK = "ask"
"""The entity that names the replies offered by buttons, alone or below a reply: their ids,
separated by spaces."""


class TopicAsked(TypedDict):
    """A topic, and the classifier's confidence in it, between 0 and 1."""

    topic: str
    confidence: float


class Guess(TypedDict):
    """An intent, and the classifier's confidence in it, between 0 and 1."""

    name: str
    confidence: float


class Entity(TypedDict, total=False):
    """Something named in a message, or known beside it. Found words say where they stand."""

    entity: str
    value: str
    start: int
    end: int


@dataclass(frozen=True)
class ParsedMessage:
    """A message as it was understood."""

    text: str
    """The words as typed; for a button its label."""
    intent: Guess
    """The intent whose rule is carried out."""
    entities: tuple[Entity, ...] = ()
    ranking: tuple[Guess, ...] = ()
    """The classifier's guesses, the surest first."""
    assessment: Assessment | None = None
    topic: TopicAsked | None = None
    """The topic that the message asks about."""
    understood: Guess | None = None
    """The classifier's intent where a reply of the bank replaces it."""


def entity(name: str, value: str) -> Entity:
    """Return an entity that does not stand in the text."""
    return Entity(entity=name, value=value)


def context_entities(state: ConversationState) -> list[Entity]:
    """Return the audience and the area of the conversation as entities, as far as known.

    They are named apart from `audience` and `area`, because an audience found in the text counts
    only when the person says who they are: "dont tell my mum" is not written by a mum.
    """
    known = {"known_audience": state.audience, "known_area": state.area}
    return [entity(name, value) for name, value in known.items() if value]


def asked_about(ranking: Sequence[Any], *, tells: bool) -> TopicAsked | None:
    """Return the topic that the classifier ranks first; None when it finds no question.

    `ranking` is the classifier's, the surest intent first. The fallback in it means that the
    classifier is not sure of any intent: then nothing counts as asked, unless the message discloses
    something (`tells`), because the assistant then does not ask back what was meant.
    """
    guesses = [guess for guess in ranking if guess["name"] != NOT_UNDERSTOOD]
    unsure = len(guesses) < len(ranking)
    if not guesses or (unsure and not tells):
        return None
    name: str = guesses[0]["name"]
    if not name.startswith(TOPIC_PREFIX):
        return None
    confidence = float(guesses[0]["confidence"])
    return TopicAsked(topic=name.removeprefix(TOPIC_PREFIX), confidence=confidence)


@dataclass(frozen=True)
class MessageRead:
    """What was read from a message's words beside its assessment."""

    canonical: str
    """The words as the lexicon reads them, between single spaces."""
    vector: Floats | None
    """The vector by which a reply is chosen; None for a message without a word."""
    language: str | None = None
    """The code of the other language that it is in, of those in content/languages."""
    question: Floats | None = None
    """The vector of the question at the end of a longer message; None without one."""


def planned(
    parsed: ParsedMessage,
    before: ConversationState,
    read: MessageRead,
    understanding: Understanding,
    planner: ReplyPlanner,
) -> ParsedMessage:
    """Return the message with its topic, and the intent and the entities of the planned reply.

    `parsed` holds the classifier's intent and ranking, and the names in the message; `before` is
    the state of the conversation. Entities fill Rasa's slots: who is asking, from where, which card
    is due, which reply, and which are offered by buttons.
    """
    assessment, understood = parsed.assessment or NO_RISK, parsed.intent
    topic = asked_about(parsed.ranking, tells=assessment.severity >= Severity.CONCERN)
    incoming = IncomingText(
        parsed.text,
        read.canonical,
        read.vector,
        assessment,
        read.language,
        understood.get("name") or "",
        float(understood.get("confidence") or 0.0),
        topic["topic"] if topic else None,
        topic["confidence"] if topic else 0.0,
        read.question,
    )
    turn = understanding.understand(incoming, before)
    after = before.after(assessment).with_facts(turn.facts, assessment)
    plan = planner.plan(turn, before, after)
    named = [*parsed.entities, *context_entities(after)]
    named += [entity(HELP, plan.help)] if plan.help else []
    named += [entity(REPLY, plan.reply)] if plan.reply else []
    named += [entity(ASK, " ".join(plan.ask))] if plan.ask else []
    named += [entity(ASKS_IF_SAFE, "yes")] if plan.asks_if_safe else []
    named += [entity(OWNS_UP, "yes")] if plan.owns_up else []
    return replace(
        parsed,
        intent=Guess(name=plan.intent, confidence=1.0) if plan.intent is not None else understood,
        entities=tuple(named),
        topic=topic,
        understood=understood if plan.intent in {ASK_NEXT, ASK_WHICH} else None,
    )


def pressed(choice: ChoiceRecord, before: ConversationState, cards: HelpCards) -> ParsedMessage:
    """Return the parsed form of a pressed button, which needs no classifier."""
    entities = context_entities(before)
    entities += [entity(name, value) for name, value in choice.entities.items()]
    if choice.intent == SAFE and (key := safe_key(before)):
        entities.append(entity(HELP, key))
    assessment = assessment_of_choice(choice.id)
    if assessment:
        after = before.after(assessment)
        due = cards.due_key(before, after, assessment.severity)
        entities.append(entity(HELP, due))
    intent = Guess(name=choice.intent, confidence=1.0)
    return ParsedMessage(choice.label, intent, tuple(entities), assessment=assessment)
