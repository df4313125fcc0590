"""What Rasa must know of a conversation before its next message. The gateway keeps it between
messages, so that Rasa keeps nothing and any Rasa server can answer any message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rasa.shared.core.constants import (
    ACTION_LISTEN_NAME,
    ACTION_SESSION_START_NAME,
    DEFAULT_SLOT_NAMES,
)
from rasa.shared.core.events import ActionExecuted, BotUttered, Event, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from safeguarding.conversation_state import ALREADY_SHOWN, AlreadyShown

_NOT_OURS = DEFAULT_SLOT_NAMES | {ALREADY_SHOWN}
LONGEST = 100
"""Characters of a slot's value: all are ids."""


@dataclass(frozen=True)
class Dialogue:
    """The slots that are set, and the ids of what was shown: never the words of a message."""

    slots: Mapping[str, str | bool] = field(default_factory=dict)
    shown: AlreadyShown = field(default_factory=AlreadyShown)

    def begin(self, tracker: DialogueStateTracker) -> DialogueStateTracker:
        """The new tracker, brought to where the conversation stands: waiting for a message.

        A few events, however long the conversation: policies look at all of them. A slot that the
        domain has no more is left out.
        """
        for event in self._events(tracker):
            tracker.update(event)
        return tracker

    def _events(self, tracker: DialogueStateTracker) -> Iterator[Event]:
        yield ActionExecuted(ACTION_SESSION_START_NAME)
        yield SessionStarted()
        for name, value in self.slots.items():
            if name in tracker.slots:
                yield SlotSet(name, value)
        if shown := self.shown.as_record():
            yield SlotSet(ALREADY_SHOWN, shown)
        yield ActionExecuted(ACTION_LISTEN_NAME)

    @classmethod
    def of(cls, tracker: DialogueStateTracker) -> Dialogue:
        """What the next message needs of this tracker."""
        values = {name: slot.value for name, slot in tracker.slots.items() if name not in _NOT_OURS}
        before = AlreadyShown.from_record(tracker.get_slot(ALREADY_SHOWN) or {})
        said = (event.data for event in tracker.events if isinstance(event, BotUttered))
        return cls(
            {name: value for name, value in values.items() if value is not None},
            before.and_of((data or {}).get("custom") or {} for data in said),
        )

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        record = {"slots": dict(self.slots), "shown": self.shown.as_record()}
        return {name: value for name, value in record.items() if value}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Dialogue:
        """The inverse of `as_record`. Raises AttributeError, TypeError or ValueError."""
        if unknown := set(record) - {"slots", "shown"}:
            raise ValueError(f"{len(unknown)} unknown keys")
        slots = dict(record.get("slots", {}))
        if not all(_is_value(value) for value in slots.values()):
            raise TypeError("a slot's value is an id or a truth")
        return cls(slots, AlreadyShown.from_record(record.get("shown", {})))


def _is_value(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and len(value) <= LONGEST)
