"""What a conversation has shown before, by its ids: so that nothing is offered twice.

Ids of content only, never words: the gateway keeps them between messages, and the actions ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SLOT = "already_shown"
"""The slot of Rasa's under which they come with a message."""
KEPT = 200
"""Ids of each kind; the oldest make room."""


@dataclass(frozen=True)
class AlreadyShown:
    """The ids of what was shown, each kind in the order in which it came first."""

    contacts: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    """Buttons that were offered."""
    topics: tuple[str, ...] = ()
    """Topics of messages: articles, and steps of guides."""

    def and_of(self, messages: Iterable[Mapping[str, Any]]) -> AlreadyShown:
        """These, and what the messages (safeguarding.messages.Message) show."""
        said = list(messages)
        return AlreadyShown(
            _latest(self.contacts, (each["id"] for m in said for each in m.get("contacts") or ())),
            _latest(self.choices, (each["id"] for m in said for each in m.get("choices") or ())),
            _latest(self.topics, (m["topic"] for m in said if m.get("topic"))),
        )

    def as_record(self) -> dict[str, list[str]]:
        """A JSON-ready dictionary, without the kinds of which nothing was shown."""
        kinds = {"contacts": self.contacts, "choices": self.choices, "topics": self.topics}
        return {kind: list(ids) for kind, ids in kinds.items() if ids}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> AlreadyShown:
        """The inverse of `as_record`. Raises TypeError when it is no such record."""
        kinds = {kind: _ids(ids) for kind, ids in record.items()}
        return cls(**kinds)


def _latest(before: tuple[str, ...], now: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, *now)))[-KEPT:]


def _ids(ids: Any) -> tuple[str, ...]:
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise TypeError("a list of ids is expected")
    return _latest((), ids)
