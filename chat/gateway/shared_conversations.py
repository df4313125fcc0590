"""Conversations that several gateways share: sealed in Redis, with a copy in each gateway.

While Redis is away, a gateway goes on with its copy. Once Redis is back, the copy is joined with
the record in it, and the higher severity counts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from secrets import token_hex
from typing import Literal
from uuid import UUID

import structlog
from typing_extensions import override

from chat.gateway.conversations import Conversation, Conversations
from chat.gateway.requests import Bearer
from chat.gateway.shared_store import (
    GONE,
    LOCK_S,
    AwayError,
    Saved,
    Seal,
    SealError,
    SharedStore,
    StoredConversation,
)

SWEEP_EVERY_S = 1.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.005, 0.05
_FINISH_S = 5.0
log = structlog.get_logger("gateway.shared")


class SharedConversations(Conversations):
    """The conversations of all gateways."""

    def __init__(self, store: SharedStore, seal: Seal, ttl_s: float) -> None:
        super().__init__(ttl_s)
        self._store = store
        self._seal = seal
        self._ttl_s = ttl_s
        self._to_forget: set[UUID] = set()
        self._sweeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to save in rounds what was not saved at once. Needs a running event loop."""
        self._sweeping = asyncio.create_task(self._sweep_forever())

    @override
    async def redis(self) -> Literal["unused", "up", "down"]:
        return "up" if await self._store.is_back() else "down"

    @override
    def unsaved(self) -> int:
        return len(self._to_forget) + len(self._not_saved())

    @override
    async def look(self, bearer: Bearer) -> Conversation:
        conversation = self.of(bearer)
        if not conversation.lock.locked():
            with suppress(AwayError):
                await self._look(conversation)
        return conversation

    @override
    async def peek(self, bearer: Bearer) -> Conversation:
        conversation = await super().peek(bearer)
        if not conversation.lock.locked():
            with suppress(AwayError):
                await self._look(conversation)
        return conversation

    @override
    @asynccontextmanager
    async def turn(self, bearer: Bearer, within_s: float) -> AsyncIterator[Conversation]:
        # A message that has waited `within_s` for another gateway is answered without the lock,
        # because help comes first. What both gateways then know is joined.
        conversation = self.of(bearer)
        async with self._turn(conversation), self._held(conversation, within_s):
            yield conversation

    @override
    async def forget(self, conversation_id: UUID) -> None:
        self.drop(conversation_id)
        self._to_forget.add(conversation_id)
        with suppress(AwayError):
            await self._forget(conversation_id)

    @override
    async def finish(self) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(_FINISH_S):
                await self._sweep()
        await self._store.close()

    @asynccontextmanager
    async def _held(self, conversation: Conversation, within_s: float) -> AsyncIterator[None]:
        """Read it from Redis, lock it there meanwhile, and save it in the end."""
        name, token = self._seal.name(conversation.id), token_hex(8)
        try:
            locked = await self._take(conversation, name, token, within_s)
        except AwayError:
            locked = False
        except Exception as error:  # noqa: BLE001 - no failure may stop an answer
            _log_kind("conversation.not_read", error)
            locked = False
        renewing = asyncio.create_task(self._renew(name, token)) if locked else None
        try:
            yield
        finally:
            if renewing is not None:
                renewing.cancel()
                await self._save(conversation, name, token)

    async def _take(
        self, conversation: Conversation, name: str, token: str, within_s: float
    ) -> bool:
        """Read it, and return whether the lock was taken in time. Raises AwayError."""
        until, pause = time.monotonic() + within_s, _FIRST_PAUSE_S
        while (found := await self._store.take(name, token, conversation.revision)) is None:
            if time.monotonic() >= until:
                await self._look(conversation)
                return False
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
        self._take_in(conversation, found)
        return True

    async def _look(self, conversation: Conversation) -> None:
        name = self._seal.name(conversation.id)
        self._take_in(conversation, await self._store.look(name, conversation.revision))

    def _take_in(self, conversation: Conversation, found: StoredConversation) -> None:
        """Bring the copy up to the record, and keep what the record lacks."""
        if not found.revision or found.revision == conversation.revision:
            return
        conversation.revision = found.revision
        if found.revision.startswith(GONE):
            # The person has left, at another gateway: nothing of the conversation may stay.
            conversation.become(Conversation(conversation.id, conversation.first))
            conversation.saved = conversation.state
            return
        try:
            kept = self._seal.open(found.record or b"", conversation.id)
        except SealError as error:
            _log_kind("conversation.unreadable", error)
            return
        # A record of lower severity has lost something, so it does not replace the copy.
        if conversation.is_saved and kept.state.severity >= conversation.state.severity:
            conversation.become(kept)
            conversation.saved = conversation.state
        else:
            conversation.join(kept)

    async def _save(self, conversation: Conversation, name: str, token: str) -> None:
        """Save it and release the lock. What cannot be saved now is saved in a later round."""
        state, revision = conversation.state, token_hex(8).encode()
        try:
            if conversation.is_saved:
                await self._store.free(name, token)
                return
            # Its time counts from its last message, also when it is saved late.
            left_s = max(conversation.used_at + self._ttl_s - self._now(), 1.0)
            new = StoredConversation(revision, self._seal.seal(conversation))
            saved = await self._store.save(name, token, conversation.revision, new, left_s)
        except AwayError:
            return
        except Exception as error:  # noqa: BLE001 - the answer must leave
            _log_kind("conversation.not_saved", error)
            return
        if saved is Saved.SAVED:
            conversation.revision, conversation.saved = revision, state
        elif saved is Saved.CHANGED:
            self.drop(conversation.id)

    async def _renew(self, name: str, token: str) -> None:
        with suppress(AwayError):
            while True:
                await asyncio.sleep(LOCK_S / 3)
                await self._store.renew(name, token)

    async def _forget(self, conversation_id: UUID) -> None:
        await self._store.forget(self._seal.name(conversation_id), self._ttl_s)
        self._to_forget.discard(conversation_id)

    def _not_saved(self) -> list[Conversation]:
        return [each for each in self._alive.values() if not each.is_saved]

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            try:
                await self._sweep()
            except Exception as error:  # noqa: BLE001 - the next round tries again
                _log_kind("shared.not_swept", error)

    async def _sweep(self) -> None:
        """Save what Redis does not have: after it was away, or after a late assessment."""
        if self._store.is_away:
            if not await self._store.is_back():
                return
            # It may have lost everything, so all copies are saved again.
            for conversation in self._alive.values():
                conversation.saved = None
        with suppress(AwayError):
            for conversation_id in list(self._to_forget):
                await self._forget(conversation_id)
        for conversation in self._not_saved():
            if self._store.is_away:
                return
            # A conversation in use is saved at the end of its turn.
            if not conversation.lock.locked():
                async with conversation.lock, self._held(conversation, 0.0):
                    pass


def _log_kind(event: str, error: Exception) -> None:
    """Log only the kind of error: its message may quote a child."""
    log.error(event, error=type(error).__name__)
