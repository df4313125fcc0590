"""An escalation: one message that a member of staff must read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from safeguarding.risk.assessment import Assessment, Turn


@dataclass(frozen=True)
class Escalation:
    """One message with risk in it, the turns before it, and what the person was shown.

    `message_id` is the key: the gateway makes it, so writing the same message twice is harmless.
    """

    message_id: str
    conversation_id: str
    text: str
    assessment: Assessment
    raised_at: datetime
    """When the message arrived, with a time zone."""
    raised_by: str
    """Who recorded it: "assistant" (an action) or "gateway" (the second screen or the fallback)."""
    turns_before: tuple[Turn, ...] = ()
    shown: tuple[str, ...] = ()
    """What the person read in answer, one text a message. Empty when not yet known."""
    audience: str | None = None
    area: str | None = None
    extra: dict[str, str] = field(default_factory=dict)
    """Facts about the hand-off that are no one's words, e.g. {"fallback": "rasa-timeout"}."""

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready dictionary. It holds the person's words: seal it before it is stored."""
        return {
            "message_id": self.message_id,
            "conversation_id": self.conversation_id,
            "text": self.text,
            "assessment": self.assessment.as_record(),
            "raised_at": self.raised_at.isoformat(),
            "raised_by": self.raised_by,
            "turns_before": [[turn.by, turn.text] for turn in self.turns_before],
            "shown": list(self.shown),
            "audience": self.audience,
            "area": self.area,
            "extra": self.extra,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Escalation:
        """The inverse of `as_record`. Raises KeyError, TypeError or ValueError."""
        return cls(
            **{
                **record,
                "assessment": Assessment.from_record(record["assessment"]),
                "raised_at": datetime.fromisoformat(record["raised_at"]),
                "turns_before": tuple(Turn(by, text) for by, text in record["turns_before"]),
                "shown": tuple(record["shown"]),
            }
        )
