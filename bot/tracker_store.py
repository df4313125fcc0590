"""One message of the gateway inside Rasa: what came with it, and the tracker that it is handled on.

The gateway keeps the state of a conversation and sends it with each message, so Rasa keeps nothing
between messages and any Rasa server can answer any message.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from cachetools import TTLCache
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import InMemoryTrackerStore
from rasa.shared.core.constants import (
    ACTION_LISTEN_NAME,
    ACTION_SESSION_START_NAME,
    DEFAULT_SLOT_NAMES,
)
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, Event, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from safeguarding.answering.memory import DialogueMemory
from safeguarding.conversation_state import ALREADY_SHOWN, AlreadyShown
from safeguarding.risk.assessment import AssessedMessage

HOUR = 3600.0
_NOT_OURS = DEFAULT_SLOT_NAMES | {ALREADY_SHOWN}


class Dialogue(DialogueMemory):
    """The state that Rasa needs for the next message, from and to Rasa's tracker."""

    def begin(self, tracker: DialogueStateTracker) -> DialogueStateTracker:
        """Bring a new tracker to this state, waiting for a message, and return it.

        It gets a few events, however long the conversation is, because policies read all of them.
        A slot that the domain no longer has is left out.
        """
        events: list[Event] = [ActionExecuted(ACTION_SESSION_START_NAME), SessionStarted()]
        slots = self.slots.items()
        events += [SlotSet(name, value) for name, value in slots if name in tracker.slots]
        if shown := self.shown.as_record():
            events.append(SlotSet(ALREADY_SHOWN, shown))
        for event in [*events, ActionExecuted(ACTION_LISTEN_NAME)]:
            tracker.update(event)
        return tracker

    @classmethod
    def of(cls, tracker: DialogueStateTracker) -> Dialogue:
        """Return the state that a tracker has reached."""
        values = {name: slot.value for name, slot in tracker.slots.items() if name not in _NOT_OURS}
        before = AlreadyShown.from_record(tracker.get_slot(ALREADY_SHOWN) or {})
        uttered = (event.data for event in tracker.events if isinstance(event, BotUttered))
        return cls(
            {name: value for name, value in values.items() if value is not None},
            before.and_of((data or {}).get("custom") or {} for data in uttered),
        )


class TrackedMessage:
    """One message of the gateway while Rasa handles it."""

    def __init__(self, before: Dialogue, assessed: AssessedMessage | None = None) -> None:
        """`assessed` is the gateway's assessment; None when the gateway could not make one."""
        self.assessed = assessed
        self._before = before
        self._tracker: DialogueStateTracker | None = None

    @property
    def after(self) -> Dialogue:
        """The state for the next message; the state before if Rasa handled nothing."""
        return self._before if self._tracker is None else Dialogue.of(self._tracker)

    def tracker(self, new: Callable[[], DialogueStateTracker]) -> DialogueStateTracker:
        """Return the tracker of the message, made from a `new` one at the first call."""
        if self._tracker is None:
            self._tracker = self._before.begin(new())
        return self._tracker

    def keep(self, tracker: DialogueStateTracker) -> None:
        """Keep the tracker that Rasa saves until the message is answered."""
        self._tracker = tracker


_turn: ContextVar[TrackedMessage | None] = ContextVar("turn", default=None)


@contextmanager
def one_turn(before: Dialogue, assessed: AssessedMessage | None = None) -> Iterator[TrackedMessage]:
    """Handle one message: within this context the tracker starts from `before`."""
    turn = TrackedMessage(before, assessed)
    token = _turn.set(turn)
    try:
        yield turn
    finally:
        _turn.reset(token)


def assessed_already() -> AssessedMessage | None:
    """Return the gateway's assessment; None on another channel, in `rasa shell` and in training."""
    turn = _turn.get()
    return turn.assessed if turn is not None else None


class MessageTrackerStore(InMemoryTrackerStore):
    """A tracker store that holds nothing between the gateway's messages.

    Without a gateway (`rasa shell`, another channel) it is Rasa's in-memory store with an expiry,
    because trackers hold what children write. `ttl_s` is the silence in seconds after which a
    conversation is forgotten; above `max_conversations` the longest unused one is removed.
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
        with self.store.timer:  # Rasa looks a key up and then reads it: freeze the time between
            return await super().retrieve(sender_id)

    async def save(self, tracker: DialogueStateTracker) -> None:
        if (turn := _turn.get()) is not None:
            turn.keep(tracker)
        else:
            await super().save(tracker)
