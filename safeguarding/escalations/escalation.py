"""An escalation: one message that a member of staff must read, and what the log knows of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any

from safeguarding.risk.assessment import Assessment, Turn, upgraded
from safeguarding.taxonomy import Severity

GATEWAY = "gateway"
"""Who records: the gateway alone."""
ASSISTANT = "assistant"
"""Who recorded too, before the gateway alone did: old records and histories hold this name."""


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
    """Who recorded it first: GATEWAY, or ASSISTANT in old records."""
    turns_before: tuple[Turn, ...] = ()
    shown: tuple[str, ...] = ()
    """What the person read in answer, in order, one text a message. Empty when not yet known."""
    audience: str | None = None
    area: str | None = None
    extra: dict[str, str] = field(default_factory=dict)
    """Facts about the hand-off, nothing that anyone wrote, e.g. {"fallback": "rasa-timeout"}."""

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready dictionary. It holds what the person wrote: seal it before it is stored."""
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


def merged(known: Escalation, new: Escalation) -> Escalation:
    """`known` with what `new` knows besides: never less severe, never with fewer signals.

    What the gateway says was shown replaces what was noted before: it alone sees the whole reply.
    """
    complete = new.raised_by != ASSISTANT or not known.shown
    return replace(
        known,
        assessment=upgraded(known.assessment, new.assessment),
        turns_before=known.turns_before or new.turns_before,
        shown=new.shown if new.shown and complete else known.shown,
        audience=known.audience or new.audience,
        area=known.area or new.area,
        extra={**new.extra, **known.extra},
    )


class Status(str, Enum):
    """Whether somebody still has to look."""

    OPEN = "open"
    CLOSED = "closed"


class Outcome(str, Enum):
    """What staff did about an escalation. The values are in the database: never rename one."""

    ADVICE_GIVEN = "advice_given"
    CONTACTED_PERSON = "contacted_person"
    REFERRED_SOCIAL_CARE = "referred_social_care"
    REFERRED_POLICE = "referred_police"
    SHARED_WITH_SCHOOL_LEAD = "shared_with_school_lead"
    FALSE_ALARM = "false_alarm"
    NO_ACTION_NEEDED = "no_action_needed"
    OTHER = "other"


class What(str, Enum):
    """What can happen to an escalation. The values are in the database: never rename one."""

    RECORDED = "recorded"
    RAISED = "raised"
    ADDED_TO = "added to"
    VIEWED = "viewed"
    OUTCOME_RECORDED = "outcome recorded"
    REOPENED = "reopened"
    LEARNED = "learned"


@dataclass(frozen=True)
class HistoryEvent:
    """One line of the history: who did what, when. Holds nothing that anyone wrote."""

    at: datetime
    who: str
    """Id of a staff account, GATEWAY or ASSISTANT."""
    what: What
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Review:
    """What a member of staff decided, and why."""

    at: datetime
    by: str
    """Id of a staff account."""
    outcome: Outcome
    note: str
    severity: Severity | None
    """How serious staff found it; None where they agree with the assessment."""
    missed: bool = False
    """Whether they say that something was missed: an earlier message, or a harm in this one."""


@dataclass(frozen=True)
class QueueEntry:
    """One escalation in a list: enough to choose by, nothing of what was written."""

    message_id: str
    conversation_id: str
    raised_at: datetime
    raised_by: str
    assessed_severity: Severity
    staff_severity: Severity | None
    categories: tuple[str, ...]
    subject: str
    audience: str | None
    area: str | None
    status: Status
    closed_at: datetime | None

    @property
    def severity(self) -> Severity:
        """What counts: the judgement of staff, else the assessment."""
        return self.assessed_severity if self.staff_severity is None else self.staff_severity


@dataclass(frozen=True)
class RecordedEscalation:
    """One escalation, whole."""

    entry: QueueEntry
    escalation: Escalation
    reviews: tuple[Review, ...]
    """Oldest first; more than one when it was reopened."""
    history: tuple[HistoryEvent, ...]
    """Oldest first."""
