"""Conversations in progress: kept in memory only, and forgotten on leaving or after silence."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from safeguarding.messages import Message
from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import Severity
from web.gateway.tokens import Bearer

TURNS_KEPT = 20
ANSWERS_KEPT = 50
CONVERSATIONS_KEPT = 20_000


@dataclass
class Conversation:
    """What must be known to answer the next message of one conversation."""

    id: UUID
    audience: str | None
    area: str | None
    highest: Severity = Severity.NONE
    """The highest severity so far. It only rises: "jk" takes nothing back."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a message is answered, so that answers come in the order of the messages."""
    answers: OrderedDict[str, asyncio.Task[list[Message]]] = field(default_factory=OrderedDict)
    """The answer to each message id, also while it is being made."""
    last_heard: float = 0.0
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

    def raise_to(self, severity: Severity) -> None:
        """Note a severity. It never lowers what was noted before."""
        self.highest = max(self.highest, severity)

    def keep_answer(self, message_id: str, answer: asyncio.Task[list[Message]]) -> None:
        """Keep an answer for a repeat of its message; finished ones make room, oldest first."""
        self.answers[message_id] = answer
        for old in [key for key, task in self.answers.items() if task.done()]:
            if len(self.answers) <= ANSWERS_KEPT:
                break
            del self.answers[old]


class Conversations:
    """All conversations of this process."""

    def __init__(self, ttl_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s = ttl_s
        self._now = now
        self._kept: OrderedDict[UUID, Conversation] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, bearer: Bearer) -> Conversation:
        """The conversation of a token: the one in progress, or a new one."""
        self.forget_silent()
        conversation = self._kept.pop(bearer.conversation_id, None) or Conversation(
            bearer.conversation_id, bearer.beginning.audience, bearer.beginning.area
        )
        conversation.last_heard = self._now()
        self._kept[conversation.id] = conversation
        return conversation

    def forget(self, bearer: Bearer) -> None:
        """Forget a conversation at once: the person has left."""
        self._kept.pop(bearer.conversation_id, None)

    def forget_silent(self) -> None:
        """Forget conversations that have been silent too long, or are too many: oldest first."""
        silent_since = self._now() - self._ttl_s
        while self._kept:
            oldest = next(iter(self._kept.values()))
            if oldest.last_heard > silent_since and len(self._kept) <= CONVERSATIONS_KEPT:
                break
            del self._kept[oldest.id]


def _key(message_id: str, by: str) -> str:
    return f"{by} {message_id}"
