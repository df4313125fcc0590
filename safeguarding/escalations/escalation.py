"""An escalation: one message that a member of staff must read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

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
