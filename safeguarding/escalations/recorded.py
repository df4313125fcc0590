"""What the log gives back: escalations with their status, reviews and history."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any

from safeguarding.escalations.escalation import Escalation
from safeguarding.risk.assessment import upgraded
from safeguarding.taxonomy import Severity


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
    """One line of the history: who did what, when. Holds nobody's words."""

    at: datetime
    who: str
    """Id of a staff account, "assistant" or "gateway"."""
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
    """Whether they say that something was not heard: an earlier message, or a harm in this one."""


@dataclass(frozen=True)
class QueueEntry:
    """One escalation in a list: enough to choose by, none of the words."""

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


def merged(known: Escalation, new: Escalation) -> Escalation:
    """`known` with what `new` knows besides: never less severe, never with fewer signals."""
    return replace(
        known,
        assessment=upgraded(known.assessment, new.assessment),
        turns_before=known.turns_before or new.turns_before,
        shown=known.shown or new.shown,
        audience=known.audience or new.audience,
        area=known.area or new.area,
        extra={**new.extra, **known.extra},
    )
