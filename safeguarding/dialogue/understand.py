"""Understands a message in its place: what it does, which facts it says, which replies may fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from safeguarding.content.choices import Questions
from safeguarding.content.facts import Facts
from safeguarding.content.replies import Replies
from safeguarding.conversation_state import ConversationState
from safeguarding.dialogue.model import Candidate, DialogueModel, Place
from safeguarding.risk.assessment import Assessment, sign_of
from safeguarding.risk.chat.pasted import pasted_chat
from safeguarding.taxonomy import Severity

_TOPIC_FROM = 0.5
"""How sure the classifier must be of a topic for it to count as a place of the conversation."""


@dataclass(frozen=True)
class IncomingText:
    """A message, and what the engine and the topic classifier make of it."""

    text: str
    canonical: str
    """Its words as the normaliser spells them, between single spaces."""
    vector: npt.NDArray[np.float32] | None
    """The unit-length sentence vector, shape (768,); None for a message without a word."""
    assessment: Assessment
    language: str | None = None
    """The code of the other language that it is in, of those in content/languages."""
    intent: str = ""
    """The intent of the classifier; empty where none ran."""
    confidence: float = 0.0
    topic: str | None = None
    """The topic that the classifier ranks first, where it finds one."""
    topic_confidence: float = 0.0


@dataclass(frozen=True)
class UnderstoodTurn:
    """What a message does in its place."""

    message: IncomingText
    act: str
    """The likeliest dialogue act."""
    act_probability: float
    facts: frozenset[str]
    """The facts that it says."""
    answered: str | None
    """The button that it means, as an answer to the open question."""
    about_chat: bool
    """Whether it holds a pasted chat: with names, or with a sign that stands out."""
    candidates: tuple[Candidate, ...]
    """Replies that make sense here and were not given before, likeliest first."""

    @property
    def severity(self) -> Severity:
        """The severity of the message."""
        return self.message.assessment.severity


@dataclass(frozen=True)
class Understanding:
    """Everything that understanding a message needs; pure and shared between threads."""

    model: DialogueModel
    replies: Replies
    questions: Questions
    facts: Facts

    def understand(self, message: IncomingText, before: ConversationState) -> UnderstoodTurn:
        """Return what the message does in a conversation of this state."""
        said = self.facts.said_in(message.canonical)
        after = before.after(message.assessment).with_facts(said)
        place = _place(message, before, after)
        words = len(message.canonical.split())
        acts = self.model.act_probabilities(message.vector, place, words)
        act = max(acts, key=lambda name: acts[name])
        fitting = self.replies.fitting(before, after)
        candidates = self.model.rank(message.vector, place, words, fitting, acts)
        return UnderstoodTurn(
            message,
            act,
            acts[act],
            said,
            self.questions.answer(before.asked, message.text),
            _is_about_a_chat(message),
            tuple(each for each in candidates if each.id not in before.said),
        )


def _place(message: IncomingText, before: ConversationState, after: ConversationState) -> Place:
    asks = message.topic if message.topic_confidence >= _TOPIC_FROM else None
    return Place(
        need=before.need_in_hand,
        need_after=after.need_in_hand,
        categories=frozenset(after.categories),
        topics=frozenset(each for each in (before.topic, asks) if each),
        facts=frozenset(after.facts),
        last_kind=before.last_kind,
        last_reply=before.last_reply,
        said=frozenset(before.said),
        asked=before.asked is not None,
        audience=after.audience,
    )


def _is_about_a_chat(message: IncomingText) -> bool:
    if any(sign_of(signal) for signal in message.assessment.signals):
        return True
    chat = pasted_chat(message.text)
    return chat is not None and not chat.guessed
