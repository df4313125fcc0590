"""What the chat hands over to staff: messages, and call-backs that are asked for or withdrawn."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from typing import Any, TypeAlias

from safeguarding.escalation import Escalation


class HandoffKind(str, Enum):
    """What one row of the hand-off mailbox is. The values are in the database: never rename one."""

    MESSAGE = "message"
    CALLBACK = "callback"
    CALLBACK_WITHDRAWN = "callback_withdrawn"


@dataclass(frozen=True)
class CallbackLeft:
    """How a young person wants to be called, and by what name."""

    id: str
    """Made by the gateway: writing the same one twice is harmless."""
    conversation_id: str
    at: datetime
    """With a time zone."""
    name: str
    reach: str

    kind = HandoffKind.CALLBACK


@dataclass(frozen=True)
class CallbackWithdrawn:
    """A young person does not want to be called any more."""

    id: str
    conversation_id: str
    at: datetime

    kind = HandoffKind.CALLBACK_WITHDRAWN


CallbackChange: TypeAlias = CallbackLeft | CallbackWithdrawn
Handoff: TypeAlias = Escalation | CallbackChange


def as_record(handoff: Handoff) -> dict[str, Any]:
    """A JSON-ready dictionary. It holds what the person wrote: seal it before it is stored."""
    if isinstance(handoff, Escalation):
        return handoff.as_record()
    return {**asdict(handoff), "at": handoff.at.isoformat()}


def from_record(kind: HandoffKind, record: dict[str, Any]) -> Handoff:
    """The inverse of `as_record`. Raises KeyError, TypeError or ValueError."""
    if kind is HandoffKind.MESSAGE:
        return Escalation.from_record(record)
    made = CallbackLeft if kind is HandoffKind.CALLBACK else CallbackWithdrawn
    return made(**{**record, "at": datetime.fromisoformat(record["at"])})
