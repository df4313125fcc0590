"""Conversations in progress: in memory, forgotten after a silence or on leaving."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from cachetools import TTLCache
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import InMemoryTrackerStore, TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker

HOUR = 3600.0


class ExpiringTrackerStore(InMemoryTrackerStore):
    """Rasa's in-memory store with an end: it holds what children write, so it must not keep it.

    `ttl_s` is the silence in seconds after which a conversation is forgotten;
    `max_conversations` the number above which the one longest unused goes first.
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
        with self.store.timer:  # Rasa looks whether it is there, then takes it: at one moment
            return await super().retrieve(sender_id)

    def forget(self, sender_id: str) -> None:
        """Drop one conversation now. Harmless when it is not there."""
        self.store.pop(sender_id, None)


def forget(store: TrackerStore, sender_id: str) -> None:
    """Drop one conversation from the server's store, whatever Rasa has wrapped around it."""
    inner = getattr(store, "_tracker_store", store)  # FailSafeTrackerStore offers no other way in
    if isinstance(inner, ExpiringTrackerStore):
        inner.forget(sender_id)
