"""The live chat of a gateway, put together: who has it, what the page is told, and what goes on."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from chat.gateway.conversations import Conversations
from chat.gateway.duty import Duty
from chat.gateway.live.dialogue import LiveDialogue
from chat.gateway.live.following import LiveFollower
from chat.gateway.live.listening import LiveListeners, LiveView
from chat.gateway.live.reading import LiveChanges, LiveReader
from chat.gateway.live.ready import Readiness
from chat.gateway.live.watch import LiveWatch, WatchedChat
from chat.gateway.live.words import LiveWords
from chat.gateway.requests import Bearer
from safeguarding.content.reader import Content
from storage.handoffs import HandoffMailbox
from storage.live_chats import LiveChats
from storage.live_messages import LiveMessages

SETTLE_S = 1.0
"""The longest wait for a message that another gateway answers, in seconds."""


class LiveStorage(NamedTuple):
    """What the live chat needs of the database."""

    chats: LiveChats
    messages: LiveMessages
    mailbox: HandoffMailbox


@dataclass(frozen=True)
class LiveChatParts:
    """What the rest of the gateway uses."""

    conversations: Conversations
    follower: LiveFollower
    dialogue: LiveDialogue
    listeners: LiveListeners
    ready: Readiness

    def works(self) -> list[Coroutine[Any, Any, None]]:
        """Return what goes on in the background."""
        if not self.follower.is_on:
            return []
        return [self.follower.changes.work_forever(), self.ready.read_forever()]

    async def look(self, bearer: Bearer, after: str | None) -> LiveView:
        """Return at once what a page may show that has shown all up to the cursor `after`."""
        return await self.listeners.look(bearer, after)

    def view(self, bearer: Bearer) -> LiveView | None:
        """Return what the page shows now, without messages; None for an unknown conversation."""
        conversation = self.conversations.known(bearer.conversation_id)
        return self.listeners.view(conversation) if conversation is not None else None

    async def leave(self, bearer: Bearer) -> None:
        """Tell staff that the young person leaves; call it before the conversation is forgotten."""
        sight = self.follower.watch.sight(bearer.conversation_id)
        conversation = await self.conversations.peek(bearer)
        self.follower.leave(conversation, sight.row if sight is not None else None)
        self.follower.watch.forget(bearer.conversation_id)

    async def finish(self) -> None:
        """Stop watching, and tell staff what they have not been told."""
        self.follower.watch.stop()
        await self.follower.changes.finish()
        self.follower.reader.close()
        self.ready.close()


def live_chat_parts(
    storage: LiveStorage,
    conversations: Conversations,
    duty: Duty,
    content: Content,
    now: Callable[[], datetime],
    *,
    is_on: bool,
) -> LiveChatParts:
    """Make the parts. With `is_on` False no page listens, and no one is offered a person."""
    reader = LiveReader(storage.chats, storage.messages, now)
    changes, words = LiveChanges(storage.mailbox), LiveWords(content, now)
    ready = Readiness(storage.chats, duty, now)
    follower = LiveFollower(reader, changes, words, now, is_on=is_on)

    async def settle(watched: WatchedChat) -> None:
        async with conversations.turn(watched.bearer, SETTLE_S) as conversation:
            follower.restore(conversation, watched.shows, watched.shown_row)
            follower.take_in(conversation, watched.sight)

    follower.watch = LiveWatch(reader, conversations, settle, now)
    dialogue = LiveDialogue(follower, ready, content)
    listeners = LiveListeners(conversations, follower)
    return LiveChatParts(conversations, follower, dialogue, listeners, ready)
