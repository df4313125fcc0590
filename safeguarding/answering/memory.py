"""What carries over from one message to the next beside the gateway's state: slots and ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import Self

from safeguarding.conversation_state import AlreadyShown

LONGEST = 100
"""Characters of a slot's value: all are ids."""


@dataclass(frozen=True)
class DialogueMemory:
    """The state that the next message needs: slots and ids, never the words of a message.

    `slots` holds the slots that are set, `shown` the ids of the content that was shown.
    """

    slots: Mapping[str, str | bool] = field(default_factory=dict)
    shown: AlreadyShown = field(default_factory=AlreadyShown)

    def and_of(
        self, slots: Mapping[str, Any], shown: Iterable[Mapping[str, Any]]
    ) -> DialogueMemory:
        """Return the memory with these slots set and this content shown as well."""
        return DialogueMemory({**self.slots, **slots}, self.shown.and_of(shown))

    def as_record(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary."""
        record = {"slots": dict(self.slots), "shown": self.shown.as_record()}
        return {name: value for name, value in record.items() if value}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the inverse of `as_record`. Raises AttributeError, TypeError or ValueError."""
        if unknown := set(record) - {"slots", "shown"}:
            raise ValueError(f"{len(unknown)} unknown keys")
        slots = dict(record.get("slots", {}))
        if not all(_is_value(value) for value in slots.values()):
            raise TypeError("a slot's value is an id or a truth")
        return cls(slots, AlreadyShown.from_record(record.get("shown", {})))


def _is_value(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and len(value) <= LONGEST)
