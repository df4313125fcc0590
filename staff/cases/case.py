"""A case: one conversation that staff answer for, and what they do about it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from safeguarding.escalation import Escalation, Outcome
from safeguarding.taxonomy import Severity
from staff.audit.trail import Link

_LETTERS = "23456789BCDFGHJKMNPQRSTVWXYZ"
"""No vowels, so that no word comes about, and nothing that is read as something else."""


def reference_of(case_id: str, again: int = 0) -> str:
    """What people call a case on the telephone: "LN-7K3M-29QF". The same id, the same reference.

    `again` counts the references of this id that belonged to another case already.
    """
    named = f"{case_id} {again}" if again else case_id
    number = int.from_bytes(hashlib.sha256(named.encode()).digest())
    letters = ""
    for _ in range(8):
        number, place = divmod(number, len(_LETTERS))
        letters += _LETTERS[place]
    return f"LN-{letters[:4]}-{letters[4:]}"


class CaseStatus(str, Enum):
    """Whether somebody still has to look."""

    OPEN = "open"
    CLOSED = "closed"


class CaseEvent(str, Enum):
    """What can happen to a case. The values are in the audit trail: never rename one."""

    RECORDED = "recorded"
    RAISED = "raised"
    ADDED_TO = "added to"
    JOINED = "joined its case"
    ATTACHED = "attached to its case"
    VIEWED = "viewed"
    REVEALED = "revealed"
    OUTCOME_RECORDED = "outcome recorded"
    CLOSING_PROPOSED = "closing proposed"
    CLOSING_RETURNED = "closing returned"
    REOPENED = "reopened"
    LEARNED = "learned"
    ASSIGNED = "assigned"
    OFFERED = "handed over"
    ACCEPTED = "handover accepted"
    RETURNED = "handover returned"
    NOTED = "note added"
    ACTION_ADDED = "action added"
    ACTION_DONE = "action done"
    CORRECTED = "corrected"
    REFERRED = "referral recorded"
    MERGED = "merged"
    SEPARATED = "separated"
    SPLIT = "split off"
    HELD = "legal hold set"
    RELEASED = "legal hold lifted"
    EXPORTED = "exported"
    WISH_LEFT = "wish left"
    WISH_WITHDRAWN = "wish withdrawn"


_JUDGES = frozenset({CaseEvent.CORRECTED.value, CaseEvent.OUTCOME_RECORDED.value})
"""What gives a case the severity that staff find."""


@dataclass(frozen=True)
class Case:
    """One case in a list: enough to choose by, nothing of what was written."""

    id: str
    reference: str
    conversation_id: str
    status: CaseStatus
    severity: Severity
    """What counts: the judgement of staff, else the assessment."""
    assessed_severity: Severity
    staff_severity: Severity | None
    need: str | None
    """One of the taxonomy's needs, of its gravest message."""
    subject: str
    assessed_categories: tuple[str, ...]
    staff_categories: tuple[str, ...] | None
    audience: str | None
    area: str | None
    opened_at: datetime
    raised_at: datetime
    """When the message came that last raised it, or opened it again."""
    newest_at: datetime
    due_at: datetime
    """By when a member of staff should have looked."""
    handoffs: int
    """How many of its messages showed risk."""
    assigned_to: str | None
    offered_to: str | None
    """To whom it was handed over, until they accept."""
    closing_by: str | None
    """Who proposed to close it, until a second person agrees."""
    closed_at: datetime | None
    legal_hold: bool
    merged_into: str | None
    version: int
    """Grows with every change: whoever changes an older version is told."""

    @property
    def categories(self) -> tuple[str, ...]:
        """What counts: those of staff, else those assessed, the most severe first."""
        return self.assessed_categories if self.staff_categories is None else self.staff_categories


@dataclass(frozen=True)
class Review:
    """How a member of staff closed a case, and why."""

    at: datetime
    by: str
    """Id of a staff account."""
    outcome: Outcome
    note: str
    severity: Severity | None
    """How serious staff found it; None where they agree with the assessment."""
    missed: bool = False
    """Whether they say that something was missed: an earlier message, or a harm in this one."""
    second_by: str | None = None
    """Who agreed, where a second person has to."""


@dataclass(frozen=True)
class Note:
    """What a member of staff wrote down."""

    id: str
    at: datetime
    by: str
    text: str


@dataclass(frozen=True)
class Action:
    """What somebody has to do, and by when."""

    id: str
    at: datetime
    by: str
    what: str
    due_on: date | None
    done_at: datetime | None
    done_by: str | None


@dataclass(frozen=True)
class Referral:
    """To whom a case was referred; or, without `made_at`, why it was not or not yet."""

    to_whom: str
    """One of casework.REFERRED_TO."""
    how: str
    """One of casework.REFERRED_BY."""
    made_at: datetime | None
    reference: str
    """What the other side calls it; may be empty."""
    reason: str
    """Why it was not made, or made late; may be empty."""
    id: str = ""
    at: datetime | None = None
    by: str = ""


@dataclass(frozen=True)
class CallbackRequest:
    """What a young person left so that somebody can reach them."""

    at: datetime
    name: str
    """A first name or a nickname."""
    reach: str
    """A safe way and time."""


@dataclass(frozen=True)
class WholeCase:
    """One case with all that was written, for those who work on it."""

    case: Case
    messages: tuple[Escalation, ...]
    """Every message on record, oldest first; of severity none: attached, for the context."""
    reviews: tuple[Review, ...]
    notes: tuple[Note, ...]
    actions: tuple[Action, ...]
    referrals: tuple[Referral, ...]
    wish: CallbackRequest | None
    history: tuple[Link, ...]
    """Its part of the audit trail. All tuples: oldest first."""
    merged: tuple[Case, ...]
    """The cases that were merged into it."""

    @property
    def severity_follows(self) -> bool:
        """Whether the severity that the queue sorts by follows from what is proved to be whole.

        The messages are sealed with theirs, and the trail is chained: a severity that neither of
        them gave was changed behind Lantern's back. Only with the merged cases read as well.
        """
        case, judged = self.case, self.case.staff_severity
        found = max(each.assessment.severity for each in self.messages)
        by_staff = judged is None or any(link.event.what in _JUDGES for link in self.history)
        counts = case.assessed_severity if judged is None else judged
        return by_staff and case.assessed_severity == found and case.severity == counts

    @property
    def opening(self) -> Escalation:
        """The message that a reader should see first: the gravest, of equals the newest."""
        return max(self.messages, key=lambda each: (each.assessment.severity, each.raised_at))
