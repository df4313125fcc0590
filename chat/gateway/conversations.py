"""All conversations in progress of this process: in memory, with an end in time and in size."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal
from uuid import UUID
from weakref import WeakValueDictionary

from cachetools import TTLCache

from chat.gateway.conversation import Conversation
from chat.gateway.requests import Bearer
from safeguarding.conversation_state import ConversationState
from safeguarding.taxonomy import Severity


@dataclass(frozen=True)
class Room:
    """How much may be kept, in all conversations together."""

    conversations: int = 20_000
    bytes: int = 256 * 1024 * 1024


class Conversations:
    """Keeps conversations while they are used. Where too much comes, the quiet ones that were
    longest unused make room; one that told a concern only when there is no quiet one left."""

    def __init__(
        self, ttl_s: float, now: Callable[[], float] = time.monotonic, room: Room | None = None
    ) -> None:
        """Forget a conversation after `ttl_s` seconds without a message; `now` is for tests."""
        self._quiet = self._cache(ttl_s, now)
        self._told = self._cache(ttl_s, now)
        # One that had to make room while a message of it is answered is still the same one.
        self._alive: WeakValueDictionary[UUID, Conversation] = WeakValueDictionary()
        self._room = room or Room()
        self._now = now

    def __len__(self) -> int:
        return len(self._quiet) + len(self._told)

    @property
    def size(self) -> int:
        """The bytes that all take in memory, nearly."""
        return int(self._quiet.currsize + self._told.currsize)

    def of(self, bearer: Bearer) -> Conversation:
        """The conversation of a token: the one in progress, or a new one."""
        conversation = self.known(bearer.conversation_id) or begun(bearer)
        self.keep(conversation)
        return conversation

    def known(self, conversation_id: UUID) -> Conversation | None:
        """The conversation in progress with this id, if there is one."""
        kept = self._told.get(conversation_id) or self._quiet.get(conversation_id)
        if kept is None:
            held = self._alive.get(conversation_id)
            kept = held if held is not None and held.lock.locked() else None
        return kept

    def keep(self, conversation: Conversation) -> None:
        """Keep it anew, as large and as grave as it is now: its time starts again."""
        conversation.used_at = self._now()
        self._quiet.pop(conversation.id, None)
        self._told.pop(conversation.id, None)
        told = conversation.state.severity >= Severity.CONCERN
        (self._told if told else self._quiet)[conversation.id] = conversation
        self._alive[conversation.id] = conversation
        while len(self) > self._room.conversations or self.size > self._room.bytes:
            (self._quiet or self._told).popitem()

    async def look(self, bearer: Bearer) -> Conversation:
        """The conversation of a token as it is now, also where it is another's turn."""
        return self.of(bearer)

    @asynccontextmanager
    async def turn(self, bearer: Bearer, within_s: float) -> AsyncIterator[Conversation]:
        """The conversation for as long as one message of it is answered, one after the other.

        `within_s`: how long a message waits at most for one that another gateway answers.
        """
        del within_s
        conversation = self.of(bearer)
        async with self._turn(conversation):
            yield conversation

    @asynccontextmanager
    async def _turn(self, conversation: Conversation) -> AsyncIterator[None]:
        async with conversation.lock:
            try:
                yield
            finally:
                # Unless the person has left meanwhile.
                if self._alive.get(conversation.id) is conversation:
                    self.keep(conversation)

    async def forget(self, conversation_id: UUID) -> None:
        """Forget a conversation at once: the person has left."""
        self.drop(conversation_id)

    async def redis(self) -> Literal["unused", "up", "down"]:
        """How the Redis is that gateways share them in."""
        return "unused"

    def unsaved(self) -> int:
        """How many are not yet where other gateways find them as they are now."""
        return 0

    async def finish(self) -> None:
        """Bring it to an end. Called when the server stops."""

    def drop(self, conversation_id: UUID) -> None:
        """Keep a conversation here no longer."""
        for kept in (self._quiet, self._told, self._alive):
            kept.pop(conversation_id, None)

    @staticmethod
    def _cache(ttl_s: float, now: Callable[[], float]) -> TTLCache[UUID, Conversation]:
        return TTLCache(math.inf, ttl_s, now, getsizeof=lambda conversation: conversation.size)


def begun(bearer: Bearer) -> Conversation:
    """A conversation of which nothing is known but what its token says."""
    beginning = bearer.beginning
    state = ConversationState(audience=beginning.audience, area=beginning.area)
    return Conversation(bearer.conversation_id, state)
