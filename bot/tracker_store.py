"""Conversations in progress: in memory, forgotten after a silence or on leaving."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import InMemoryTrackerStore, TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker

HOUR = 3600.0


class FleetingTrackerStore(InMemoryTrackerStore):
    """Rasa's in-memory store with an end: it holds what children write, so it must not keep it.

    `ttl_s` is the silence in seconds after which a conversation is forgotten;
    `max_conversations` the number above which the one longest silent goes first.
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
        self._ttl_s = float(ttl_s)
        self._max = int(max_conversations)
        self._clock = clock
        self._seen: dict[str, float] = {}  # oldest first: each save moves its key to the end

    async def save(self, tracker: DialogueStateTracker) -> None:
        self._forget_old()
        await super().save(tracker)
        self._seen.pop(tracker.sender_id, None)
        self._seen[tracker.sender_id] = self._clock()

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        self._forget_old()
        return await super().retrieve(sender_id)

    async def keys(self) -> Iterable[str]:
        self._forget_old()
        return tuple(self.store)

    def forget(self, sender_id: str) -> None:
        """Drop one conversation now. Harmless when it is not there."""
        self._seen.pop(sender_id, None)
        self.store.pop(sender_id, None)

    def _forget_old(self) -> None:
        latest = self._clock() - self._ttl_s
        while self._seen:
            oldest, seen = next(iter(self._seen.items()))
            if seen > latest and len(self._seen) <= self._max:
                return
            self.forget(oldest)


def forget(store: TrackerStore, sender_id: str) -> None:
    """Drop one conversation from the server's store, whatever Rasa has wrapped around it."""
    inner = getattr(store, "_tracker_store", store)  # FailSafeTrackerStore offers no other way in
    if isinstance(inner, FleetingTrackerStore):
        inner.forget(sender_id)
