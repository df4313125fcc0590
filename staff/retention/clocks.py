"""How long a closed case is kept. The defaults and their sources: docs/retention.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from safeguarding.settings import Settings
from safeguarding.taxonomy import Severity
from staff.cases.case import Case, CaseStatus

SEXUAL_ABUSE = frozenset(
    {"sexual_abuse", "sexual_exploitation", "grooming", "image_abuse", "harmful_sexual_behaviour"}
)
"""The risk categories that count as child sexual abuse, of which records are kept longest."""


class Clock(str, Enum):
    """Which clock runs for a case. The values are in the audit trail: never rename one."""

    CONCERN = "concern"
    """Found by staff, or assessed and not corrected, as no more than a concern."""
    URGENT = "urgent"
    """Urgent or immediate."""
    SEXUAL_ABUSE = "sexual abuse"
    """Anything but a false alarm in a category of SEXUAL_ABUSE."""


@dataclass(frozen=True)
class RetentionPeriods:
    """How many years each clock runs."""

    concern_years: int
    urgent_years: int
    sexual_abuse_years: int

    @classmethod
    def of(cls, settings: Settings) -> RetentionPeriods:
        """The clocks of this installation."""
        return cls(
            settings.keep_concern_years,
            settings.keep_urgent_years,
            settings.keep_sexual_abuse_years,
        )

    def years(self, clock: Clock) -> int:
        """How long it runs."""
        return {
            Clock.CONCERN: self.concern_years,
            Clock.URGENT: self.urgent_years,
            Clock.SEXUAL_ABUSE: self.sexual_abuse_years,
        }[clock]

    def latest_start(self, now: datetime) -> datetime:
        """No case whose clock started after this moment can be due now."""
        shortest = min(self.concern_years, self.urgent_years, self.sexual_abuse_years)
        return in_years(now, -shortest)

    def due_at(self, case: Case, merged: Sequence[Case] = ()) -> datetime | None:
        """When a case, with those merged into it, is to be disposed of; None while it is open.

        Counted from closing, or from a message that came later than that.
        """
        if case.status is not CaseStatus.CLOSED or case.closed_at is None:
            return None
        start = max(case.closed_at, *(each.newest_at for each in (case, *merged)))
        return in_years(start, self.years(clock_of(case)))


def clock_of(case: Case) -> Clock:
    """Which clock runs for it: what staff make of a case counts, else the assessment."""
    if case.severity > Severity.NONE and SEXUAL_ABUSE.intersection(case.categories):
        return Clock.SEXUAL_ABUSE
    return Clock.URGENT if case.severity >= Severity.URGENT else Clock.CONCERN


def in_years(at: datetime, years: int) -> datetime:
    """The same day of another year; of 29 February, 1 March where there is none."""
    try:
        return at.replace(year=at.year + years)
    except ValueError:
        return at.replace(year=at.year + years, month=3, day=1)
