"""Conversations in progress: kept in memory only, and forgotten on leaving or after silence."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID, uuid5

from cachetools import TTLCache

from safeguarding.content.choices import Choices
from safeguarding.content.guides import TOPIC as GUIDE
from safeguarding.conversation_state import UNCLEAR, ConversationState
from safeguarding.messages import Message, words_of
from safeguarding.risk.assessment import Assessment, Turn
from safeguarding.taxonomy import TOPIC_PREFIX, Severity
from web.gateway.requests import Bearer, Sent

TURNS_KEPT = 20
ANSWERS_KEPT = 50
CONVERSATIONS_KEPT = 20_000


class Answer(NamedTuple):
    """What the person reads in answer to a message."""

    messages: list[Message]
    over_limit: bool = False
    """Whether it is help alone, because messages came too fast."""


@dataclass
class Conversation:
    """What must be known to answer the next message of one conversation."""

    id: UUID
    state: ConversationState = field(default_factory=ConversationState)
    """What it has come to. Its severity only rises: "jk" takes nothing back."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a message is answered, so that answers come in the order of the messages."""
    answers: OrderedDict[str, asyncio.Task[Answer]] = field(default_factory=OrderedDict)
    """The answer to each message id, also while it is being made."""
    wish_offered: bool = False
    """Whether the way back was offered; and how far leaving one has come: see wishes.py."""
    wish_step: Enum | None = None
    wish_name: str = ""
    _turns: OrderedDict[str, Turn] = field(default_factory=OrderedDict)

    def turns_before(self, message_id: str) -> tuple[Turn, ...]:
        """The turns kept, without those of `message_id` itself: it may have come before."""
        own = {_key(message_id, by) for by in ("user", "assistant")}
        return tuple(turn for key, turn in self._turns.items() if key not in own)

    def remember(self, message_id: str, turn: Turn) -> None:
        """Keep a turn, once for each message and speaker; the oldest makes room."""
        self._turns.setdefault(_key(message_id, turn.by), turn)
        while len(self._turns) > TURNS_KEPT:
            self._turns.popitem(last=False)

    def note(self, assessment: Assessment) -> None:
        """Note what a message came to. It never lowers what was noted before."""
        self.state = self.state.after(assessment)

    def note_shown(self, messages: Iterable[Message], choices: Choices) -> None:
        """Note which help cards, which article and which step of a guide the person now sees."""
        for message in messages:
            topic = message.get("topic", "")
            if message["kind"] == "help_card":
                severity = Severity.named(message.get("severity", "none"))
                self.state = self.state.shown(message.get("need", UNCLEAR), severity)
            elif topic.startswith(GUIDE):
                self.state = replace(self.state, guide=topic.removeprefix(GUIDE))
            elif f"{TOPIC_PREFIX}{topic}" in choices:
                self.state = replace(self.state, topic=topic)

    def raise_to(self, severity: Severity) -> None:
        """Note a severity by itself: of a help card that was shown for safety's sake."""
        self.state = replace(self.state, severity=max(self.state.severity, severity))

    def last_shown(self) -> list[Message]:
        """What the last answer that is ready showed; nothing before there is one."""
        ready = (
            task.result().messages
            for task in reversed(self.answers.values())
            if task.done() and not task.cancelled() and task.exception() is None
        )
        return next(ready, [])

    def keep_answer(self, message_id: str, answer: asyncio.Task[Answer]) -> None:
        """Keep an answer for a repeat of its message; finished ones make room, oldest first."""
        self.answers[message_id] = answer
        for old in [key for key, task in self.answers.items() if task.done()]:
            if len(self.answers) <= ANSWERS_KEPT:
                break
            del self.answers[old]


@dataclass(frozen=True)
class Exchange:
    """One message of a person's, and the facts that its record needs."""

    conversation: Conversation
    message_id: str
    sent: Sent
    before: tuple[Turn, ...]
    state: ConversationState
    """What the conversation had come to before this message."""
    at: datetime

    def remember(self, shown: Sequence[Message]) -> None:
        """Keep both sides of this exchange for the next assessment."""
        reply = "\n".join(words_of(message) for message in shown)
        self.conversation.remember(self.message_id, Turn("user", self.sent.text))
        self.conversation.remember(self.message_id, Turn("assistant", reply))


def scoped_id(conversation: Conversation, sent: Sent) -> str:
    """The message id for inside: a browser's id cannot reach into another conversation.

    What was sent is part of it: other words under an old id are another message, to be assessed,
    answered and recorded, and not a repeat.
    """
    said = sent.choice or sent.text
    digest = sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
    return str(uuid5(conversation.id, f"{sent.id} {digest}"))


class Conversations:
    """All conversations of this process."""

    def __init__(self, ttl_s: float, now: Callable[[], float] = time.monotonic) -> None:
        """Forget a conversation after `ttl_s` seconds without a message; `now` is for tests."""
        self._kept: TTLCache[UUID, Conversation] = TTLCache(CONVERSATIONS_KEPT, ttl_s, now)

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, bearer: Bearer) -> Conversation:
        """The conversation of a token: the one in progress, or a new one."""
        beginning = bearer.beginning
        conversation = self._kept.get(bearer.conversation_id) or Conversation(
            bearer.conversation_id,
            ConversationState(audience=beginning.audience, area=beginning.area),
        )
        # Setting it again starts its time anew, and makes it the last to make room.
        self._kept[conversation.id] = conversation
        return conversation

    def forget(self, bearer: Bearer) -> None:
        """Forget a conversation at once: the person has left."""
        self._kept.pop(bearer.conversation_id, None)


def _key(message_id: str, by: str) -> str:
    return f"{by} {message_id}"
