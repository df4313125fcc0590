"""A message to screen, as a service hands it to the screening process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from safeguarding.conversation_state import ConversationState
from safeguarding.risk.assessment import Turn

BEGINNING = ConversationState()


class Glimpse(NamedTuple):
    """What of a message is looked at before its assessment, to find the most alarming ones."""

    text: str
    asked: str | None = None
    """The question that is open, by its id in content/questions.yml."""


@dataclass(frozen=True)
class ScreeningTask:
    """A typed message to assess, with what came before it."""

    text: str
    before: tuple[Turn, ...] = ()
    """The earlier turns, the oldest first."""
    state: ConversationState = BEGINNING
    """The state of the conversation before the message."""
    is_answered: bool = True
    """Whether a reply is chosen to it, which needs the vectors of the dialogue's encoder."""

    def as_record(self) -> dict[str, Any]:
        """Return a dictionary of plain values. It holds the person's words."""
        return {
            "text": self.text,
            "before": [[turn.by, turn.text] for turn in self.before],
            "state": self.state.as_record(),
            "is_answered": self.is_answered,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ScreeningTask:
        """Return the inverse of `as_record`. Raises KeyError, TypeError or ValueError."""
        return cls(
            record["text"],
            tuple(Turn(by, text) for by, text in record["before"]),
            ConversationState.from_record(record["state"]),
            record["is_answered"],
        )
