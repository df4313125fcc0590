"""Escalations: messages that staff must read, or that follow one in its conversation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any

from safeguarding.messages import (
    ShownContact,
    contacts_as_record,
    contacts_from_record,
)
from safeguarding.risk.assessment import Assessment, Turn, upgraded

GATEWAY = "gateway"
"""The recorder: only the gateway records."""
ASSISTANT = "assistant"
"""A former recorder, whose name old records and histories hold."""


@dataclass(frozen=True)
class Escalation:
    """One message, the turns before it, and what the person was shown.

    One of severity none is only attached to a conversation that was handed over.

    The gateway makes `message_id`, the key, so writing the same message twice is harmless.
    """

    message_id: str
    conversation_id: str
    text: str
    assessment: Assessment
    raised_at: datetime
    """When the message arrived, with a time zone."""
    raised_by: str
    """The first recorder: GATEWAY, or ASSISTANT in old records."""
    turns_before: tuple[Turn, ...] = ()
    shown: tuple[str, ...] = ()
    """The texts shown in reply, in order, one a message. Empty when not yet known."""
    contacts: tuple[ShownContact, ...] | None = None
    """The contacts shown in reply; None when not recorded, as in old records."""
    audience: str | None = None
    area: str | None = None
    extra: dict[str, str] = field(default_factory=dict)
    """Facts about the hand-off, never a person's words, e.g. {"fallback": "rasa-timeout"}."""

    def as_record(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary. It holds the person's words: seal it before storing."""
        return {
            "message_id": self.message_id,
            "conversation_id": self.conversation_id,
            "text": self.text,
            "assessment": self.assessment.as_record(),
            "raised_at": self.raised_at.isoformat(),
            "raised_by": self.raised_by,
            "turns_before": [[turn.by, turn.text] for turn in self.turns_before],
            "shown": list(self.shown),
            "contacts": contacts_as_record(self.contacts),
            "audience": self.audience,
            "area": self.area,
            "extra": self.extra,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Escalation:
        """Return the inverse of `as_record`, also of a record without contacts.

        Raises KeyError, TypeError or ValueError.
        """
        return cls(
            **{
                **record,
                "assessment": Assessment.from_record(record["assessment"]),
                "raised_at": datetime.fromisoformat(record["raised_at"]),
                "turns_before": tuple(Turn(by, text) for by, text in record["turns_before"]),
                "shown": tuple(record["shown"]),
                "contacts": contacts_from_record(record.get("contacts")),
            }
        )


def merged(known: Escalation, new: Escalation) -> Escalation:
    """Return `known` with the additional facts of `new`: never less severe, or fewer signals.

    What the gateway recorded as shown replaces an older entry: only it sees the whole reply.
    """
    complete = new.raised_by != ASSISTANT or not known.shown
    replaces = bool(new.shown) and complete
    return replace(
        known,
        assessment=upgraded(known.assessment, new.assessment),
        turns_before=known.turns_before or new.turns_before,
        shown=new.shown if replaces else known.shown,
        contacts=new.contacts if replaces and new.contacts is not None else known.contacts,
        audience=known.audience or new.audience,
        area=known.area or new.area,
        extra={**new.extra, **known.extra},
    )


class Outcome(str, Enum):
    """The outcome of a case. The values are stored in the database: never rename one."""

    ADVICE_GIVEN = "advice_given"
    CONTACTED_PERSON = "contacted_person"
    REFERRED_SOCIAL_CARE = "referred_social_care"
    REFERRED_POLICE = "referred_police"
    SHARED_WITH_SCHOOL_LEAD = "shared_with_school_lead"
    FALSE_ALARM = "false_alarm"
    NO_ACTION_NEEDED = "no_action_needed"
    OTHER = "other"
