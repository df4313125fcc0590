"""Rasa's tracker store: with the gateway it holds a conversation for one message and no longer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from cachetools import TTLCache
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import InMemoryTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker

from bot.dialogue import Dialogue

HOUR = 3600.0


class TrackedMessage:
    """One message of the gateway's while it is handled: the conversation before it, and after."""

    def __init__(self, before: Dialogue) -> None:
        self._before = before
        self._tracker: DialogueStateTracker | None = None

    @property
    def after(self) -> Dialogue:
        """What the next message needs; as it was before where nothing was handled."""
        return self._before if self._tracker is None else Dialogue.of(self._tracker)

    def tracker(self, new: Callable[[], DialogueStateTracker]) -> DialogueStateTracker:
        """The tracker of the message, made from a `new` one when it is first asked for."""
        if self._tracker is None:
            self._tracker = self._before.begin(new())
        return self._tracker

    def keep(self, tracker: DialogueStateTracker) -> None:
        """Keep what Rasa saves until the message is answered."""
        self._tracker = tracker


_turn: ContextVar[TrackedMessage | None] = ContextVar("turn", default=None)


@contextmanager
def one_turn(before: Dialogue) -> Iterator[TrackedMessage]:
    """Within this context Rasa's tracker is made from `before`, and gone when the context ends."""
    turn = TrackedMessage(before)
    token = _turn.set(turn)
    try:
        yield turn
    finally:
        _turn.reset(token)


class MessageTrackerStore(InMemoryTrackerStore):
    """Holds nothing between the gateway's messages: the gateway sends what they need with each.

    For whoever sends nothing (`rasa shell`, another channel) it is Rasa's in-memory store with an
    end, because it holds what children write: `ttl_s` is the silence in seconds after which a
    conversation is forgotten; `max_conversations` the number above which the one longest unused
    goes first.
    """

    def __init__(  # the signature by which Rasa makes a store named in endpoints.yml
        self,
        domain: Domain,
        event_broker: EventBroker | None = None,
        ttl_s: float = HOUR,
        max_conversations: int = 20_000,
        clock: Callable[[], float] = time.monotonic,
        **kwargs: Any,
    ) -> None:
        super().__init__(domain, event_broker, **kwargs)
        self.store: TTLCache[str, str] = TTLCache(int(max_conversations), float(ttl_s), clock)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        if (turn := _turn.get()) is not None:
            return turn.tracker(lambda: self.init_tracker(sender_id))
        with self.store.timer:  # Rasa looks whether it is there, then takes it: at one moment
            return await super().retrieve(sender_id)

    async def save(self, tracker: DialogueStateTracker) -> None:
        if (turn := _turn.get()) is not None:
            turn.keep(tracker)
        else:
            await super().save(tracker)
